// SPDX-License-Identifier: MIT
// CO-RE of all 13 kinds, over types that are declared here and nowhere like the kernel's: fewer members, in another
// order, of other sizes, some that no kernel has. tests/kernel/core.cpp makes a system call and compares what is seen
// with what /proc and the kernel's own types say. From Linux 5.11 (bpf_get_current_task_btf).
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define CORE __attribute__((preserve_access_index))

struct list_head {
	struct list_head *prev, *next;
} CORE;

struct signal_struct {
	unsigned int is_child_subreaper : 1;
} CORE;

struct nsproxy___empty {
} CORE;

/* In a wrong order, from a wrong place on, with a wrong size. */
struct task_struct {
	char comm[16];
	unsigned long unlike_the_kernel[3];
	struct signal_struct *signal;
	struct task_struct *real_parent;
	unsigned int pad : 5;
	unsigned int sched_reset_on_fork : 1;
	int tgid;
	int pid;
	__u64 start_time;
	union {
		struct {
			struct list_head tasks;
		};
	};
} CORE;
/* The kernel's flags have 4 bytes, and nothing of the rest is there. */
struct task_struct___x {
	__u64 flags;
	__u64 no_such_member;
	int pid___x;
} CORE;
struct no_such_struct___x {
	int member;
} CORE;

/* Not of the same members, of the same ones, of one of another type. */
struct list_head___more {
	struct list_head *next, *prev, *no_such_member;
};
struct list_head___same {
	struct list_head *prev, *next;
};
struct list_head___other {
	int next;
};

enum bpf_map_type___x {
	BPF_MAP_TYPE_RINGBUF___x = 99,
	BPF_MAP_TYPE_NOT_THERE___x = 98,
};
enum bpf_cmd___x {
	BPF_LINK_DETACH___x = 0x12345678,
};

struct answers {
	__u64 pid, tgid, parent, flags, start_time, direct_pid;
	char comm[16];
	__u64 reset_on_fork, subreaper;
	__u64 offset_pid, offset_tasks_prev, offset_subreaper, size_comm, size_flags, size_subreaper, offset_comm_3;
	__u64 exists_pid, exists_not, signed_pid, signed_start_time, left_shift, right_shift;
	__u64 id_local, id_kernel, id_kernel_not, has_task, has_not, size_task, size_not;
	__u64 matches_same, matches_more, matches_other;
	__u64 has_ringbuf, has_not_there, ringbuf, link_detach;
	__u64 unreachable;
};

const volatile __u32 only_process = 0;
struct answers answers = {};

/* Of its own, so that relocations move with their function. */
static __noinline __u64 parent_of(struct task_struct *task)
{
	return BPF_CORE_READ(task, real_parent, tgid);
}

SEC("raw_tracepoint/sys_enter")
int look(void *ctx)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct task_struct *known;
	struct task_struct___x *odd;

	if (bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	known = bpf_get_current_task_btf();
	odd = (void *)known;

	answers.pid = BPF_CORE_READ(task, pid);
	answers.tgid = BPF_CORE_READ(task, tgid);
	answers.parent = parent_of(task);
	BPF_CORE_READ_STR_INTO(&answers.comm, task, comm);
	answers.start_time = BPF_CORE_READ(task, start_time);
	answers.direct_pid = known->pid;
	answers.flags = odd->flags; /* 8 bytes here, 4 in the kernel */
	answers.reset_on_fork = BPF_CORE_READ_BITFIELD_PROBED(task, sched_reset_on_fork);
	answers.subreaper = BPF_CORE_READ_BITFIELD(known->signal, is_child_subreaper);

	answers.offset_pid = bpf_core_field_offset(task->pid);
	answers.offset_tasks_prev = bpf_core_field_offset(struct task_struct, tasks.prev);
	answers.offset_subreaper = bpf_core_field_offset(struct signal_struct, is_child_subreaper);
	answers.offset_comm_3 = bpf_core_field_offset(task->comm[3]);
	answers.size_comm = bpf_core_field_size(task->comm);
	answers.size_flags = bpf_core_field_size(odd->flags);
	answers.size_subreaper = bpf_core_field_size(struct signal_struct, is_child_subreaper);
	answers.exists_pid = bpf_core_field_exists(task->pid);
	answers.exists_not = bpf_core_field_exists(odd->no_such_member);
	answers.signed_pid = __CORE_RELO(task, pid, SIGNED);
	answers.signed_start_time = __CORE_RELO(task, start_time, SIGNED);
	answers.left_shift = __CORE_RELO(task, sched_reset_on_fork, LSHIFT_U64);
	answers.right_shift = __CORE_RELO(task, sched_reset_on_fork, RSHIFT_U64);

#ifndef WHAT_LIBBPF_LOADS /* which loads all types, so that this one has another number */
	answers.id_local = bpf_core_type_id_local(struct answers);
#endif
	answers.id_kernel = bpf_core_type_id_kernel(struct task_struct);
	answers.id_kernel_not = bpf_core_type_id_kernel(struct no_such_struct___x);
	answers.has_task = bpf_core_type_exists(struct task_struct___x);
	answers.has_not = bpf_core_type_exists(struct no_such_struct___x);
	answers.size_task = bpf_core_type_size(struct task_struct);
	answers.size_not = bpf_core_type_size(struct no_such_struct___x);
#if __clang_major__ >= 15
	answers.matches_same = bpf_core_type_matches(struct list_head___same);
	answers.matches_more = bpf_core_type_matches(struct list_head___more);
	answers.matches_other = bpf_core_type_matches(struct list_head___other);
#endif

	answers.has_ringbuf = bpf_core_enum_value_exists(enum bpf_map_type___x, BPF_MAP_TYPE_RINGBUF___x);
	answers.has_not_there = bpf_core_enum_value_exists(enum bpf_map_type___x, BPF_MAP_TYPE_NOT_THERE___x);
	answers.ringbuf = bpf_core_enum_value(enum bpf_map_type___x, BPF_MAP_TYPE_RINGBUF___x);
	answers.link_detach = bpf_core_enum_value(enum bpf_cmd___x, BPF_LINK_DETACH___x);

	/* What no kernel has may be asked for where it is never reached. */
	if (bpf_core_field_exists(odd->no_such_member))
		answers.unreachable = odd->no_such_member;
	return 0;
}

const char _license[] SEC("license") = "GPL";
