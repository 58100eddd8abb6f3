// SPDX-License-Identifier: MIT
// Programs of kinds that differ from their siblings by a letter: those that may sleep, and those that may write what they
// are given; tests/kernel/attach_user.cpp looks at the counters.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 only_process = 0;
const volatile __u64 only_syscall = 0;
__u64 sleeping = 0;
__u64 writing = 0;
__u64 listing = 0;

SEC("uprobe.s")
int sleeps(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == only_process)
		sleeping++;
	return 0;
}

SEC("raw_tp.w/sys_enter")
int writes(__u64 *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == only_process && ctx[1] == only_syscall)
		writing++;
	return 0;
}

struct iterator_meta {
	void *seq;
	__u64 session;
	__u64 number;
};
struct task {
	struct iterator_meta *meta;
	void *task;
};

SEC("iter.s/task")
int lists(struct task *ctx)
{
	if (ctx->task)
		listing++;
	return 0;
}

char _license[] SEC("license") = "GPL";
