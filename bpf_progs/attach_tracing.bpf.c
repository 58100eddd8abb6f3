// SPDX-License-Identifier: MIT
// One program for each way to attach to what happens in the kernel; tests/kernel/attach.cpp causes it and looks at the
// counters. From Linux 6.10, whose raw tracepoints have cookies.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} listed SEC(".maps");

__u64 raw_calls = 0;
__u64 raw_cookie = 0;
__u64 typed_calls = 0;
__u64 typed_cookie = 0;
__u64 samples = 0;
__u64 tracepoint_cookie = 0;
const volatile __u32 only_process = 0;
const volatile __u64 only_syscall = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

/* The arguments of sys_enter: the registers, and the number of the system call. */
SEC("raw_tp/sys_enter")
int raw(__u64 *ctx)
{
	if (is_other() || ctx[1] != only_syscall)
		return 0;
	raw_calls++;
	raw_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("tp_btf/sys_enter")
int typed(__u64 *ctx)
{
	if (is_other() || ctx[1] != only_syscall)
		return 0;
	typed_calls++;
	typed_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int event(void *ctx)
{
	if (!is_other())
		tracepoint_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("perf_event")
int sample(void *ctx)
{
	if (!is_other())
		samples++;
	return 0;
}

struct iterator_meta {
	void *seq;
	__u64 session;
	__u64 number;
};

struct element {
	struct iterator_meta *meta;
	void *map;
	__u32 *key;
	__u64 *value;
};

struct record {
	__u32 key;
	__u32 unused;
	__u64 value;
};

/* Not loaded unless asked for: some kernels are locked for it. */
SEC("?iter/bpf_map_elem")
int elements(struct element *ctx)
{
	struct record record = {};

	if (!ctx->key || !ctx->value)
		return 0;
	record.key = *ctx->key;
	record.value = *ctx->value;
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

struct task {
	struct iterator_meta *meta;
	void *task;
};

SEC("iter/task")
int tasks(struct task *ctx)
{
	if (ctx->task)
		bpf_seq_write(ctx->meta->seq, "task\n", 5);
	return 0;
}

SEC("syscall")
int doubles(__u64 *ctx)
{
	ctx[1] = ctx[0] * 2;
	return 42;
}

/* The question mark says that this is not to be loaded, which the kernel would refuse. */
SEC("?fentry/barebpf_no_such_function")
int never(void *ctx)
{
	return 0;
}

const char _license[] SEC("license") = "GPL";
