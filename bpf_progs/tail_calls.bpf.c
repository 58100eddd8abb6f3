// SPDX-License-Identifier: MIT
// Prog arrays that begin with programs in them: getpgid calls `again` until the kernel lets it no longer, getsid goes
// one of two ways, which user space exchanges while it runs. tests/kernel/tail_calls.cpp counts. From Linux 5.5.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int again(void *ctx);
int goes_left(void *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, int (void *));
} loop SEC(".maps") = {
	.values = { [3] = (void *)&again },
};

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__array(values, int (void *));
} ways SEC(".maps") = {
	.values = { [1] = (void *)&goes_left },
};

__u64 tail_calls = 0;
__u64 refused = 0;
__u64 left = 0;
__u64 right = 0;
__u64 nowhere = 0; /* the slot was empty */
const volatile __u32 only_process = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int begins(void *ctx)
{
	if (!is_other())
		bpf_tail_call(ctx, &loop, 3);
	return 0;
}

SEC("tracepoint/again")
int again(void *ctx)
{
	++tail_calls;
	bpf_tail_call(ctx, &loop, 3);
	++refused;
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getsid")
int chooses(void *ctx)
{
	if (is_other())
		return 0;
	bpf_tail_call(ctx, &ways, 1);
	++nowhere;
	return 0;
}

SEC("tracepoint/left")
int goes_left(void *ctx)
{
	++left;
	return 0;
}

SEC("tracepoint/right")
int goes_right(void *ctx)
{
	++right;
	return 0;
}

const char _license[] SEC("license") = "GPL";
