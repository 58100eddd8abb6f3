// SPDX-License-Identifier: MIT
// One program for each way to attach to functions and trace points of programs; tests/kernel/attach_user.cpp calls the
// functions and looks at the counters.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

const volatile __u32 only_process = 0;
__u64 entries = 0;
__u64 sum_of_arguments = 0;
__u64 ends = 0;
__u64 sum_of_results = 0;
__u64 seen_cookie = 0;
__u64 passed = 0;
__u64 argument_count = 0;
__s64 arguments[12] = {};

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("uprobe")
int BPF_KPROBE(begins, int a, int b)
{
	if (is_other())
		return 0;
	entries++;
	sum_of_arguments += a + b;
	if (LINUX_HAS_BPF_COOKIE) /* 5.15 */
		seen_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("uretprobe")
int BPF_KRETPROBE(is_over, int result)
{
	if (is_other())
		return 0;
	ends++;
	sum_of_results += result;
	return 0;
}

/* The library is where the distribution has it. */
SEC("uprobe/libc.so.6:getpgid")
int in_a_library(void *ctx)
{
	if (!is_other())
		entries++;
	return 0;
}

SEC("uprobe//no/such/file:function")
int nowhere(void *ctx)
{
	return 0;
}

SEC("?uprobe.multi")
int begin_many(void *ctx)
{
	if (is_other())
		return 0;
	entries++;
	seen_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("?uretprobe.multi")
int end_many(void *ctx)
{
	if (!is_other())
		ends++;
	return 0;
}

SEC("?uprobe.session")
int both(void *ctx)
{
	if (!is_other())
		entries++;
	return 0;
}

SEC("usdt")
int point(struct pt_regs *ctx)
{
	long value;

	if (is_other())
		return 0;
	passed++;
	argument_count = bpf_usdt_arg_cnt(ctx);
	seen_cookie = bpf_usdt_cookie(ctx);
#pragma unroll
	for (int i = 0; i < 12; i++)
		arguments[i] = bpf_usdt_arg(ctx, i, &value) ? 0 : value;
	return 0;
}

char _license[] SEC("license") = "GPL";
