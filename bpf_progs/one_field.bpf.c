// SPDX-License-Identifier: MIT
// A member of the kernel's (CO-RE), and nothing that some kernel lacks: what is fitted needs the kernel's own types alone.
// tests/faults lets each system call of that fail. From Linux 5.10.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct {
	int pid;
} __attribute__((preserve_access_index));

__u64 seen = 0;

SEC("raw_tracepoint/sys_enter")
int look(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();

	seen = BPF_CORE_READ(task, pid);
	return 0;
}

const char _license[] SEC("license") = "GPL";
