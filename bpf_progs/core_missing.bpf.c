// SPDX-License-Identifier: MIT
// Reads a member that no kernel has, and does not ask before (CO-RE). tests/kernel/core.cpp wants to be told its name.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct___old {
	int pid;
	struct {
		int unused, inside;
	} gone_member;
} __attribute__((preserve_access_index));

__u64 seen = 0;

SEC("raw_tracepoint/sys_enter")
int look(void *ctx)
{
	struct task_struct___old *task = (void *)bpf_get_current_task();

	seen = BPF_CORE_READ(task, pid);
	seen += BPF_CORE_READ(task, gone_member.inside);
	return 0;
}

const char _license[] SEC("license") = "GPL";
