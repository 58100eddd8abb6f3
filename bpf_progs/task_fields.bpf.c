// SPDX-License-Identifier: MIT
// What a task looks like on any kernel (CO-RE), with no header of the kernel: each type is declared here with the
// members that are wanted. docs/examples/task_fields_small.cpp runs it on itself. From Linux 5.10.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define CORE __attribute__((preserve_access_index))

struct signal_struct {
	unsigned int is_child_subreaper : 1;
} CORE;

struct task_struct {
	int pid;
	unsigned int flags;
	struct task_struct *real_parent;
	struct signal_struct *signal;
} CORE;

struct gone_type___x { /* which no kernel has */
	int member;
} CORE;

struct seen {
	__u64 pid, parent, flags, subreaper, ringbuf, gone_type, place_of_pid;
} seen = {};

SEC("raw_tracepoint/sys_enter")
int look(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	seen.pid = BPF_CORE_READ(task, pid);
	seen.parent = BPF_CORE_READ(task, real_parent, pid);
	seen.flags = BPF_CORE_READ(task, flags);
	seen.subreaper = BPF_CORE_READ_BITFIELD_PROBED(signal, is_child_subreaper);
	seen.ringbuf = bpf_core_enum_value(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF);
	seen.gone_type = bpf_core_type_exists(struct gone_type___x);
	seen.place_of_pid = bpf_core_field_offset(task->pid);
	return 0;
}

const char _license[] SEC("license") = "GPL";
