// SPDX-License-Identifier: MIT
// One function of the kernel declared in three forms, of which the kernel has one: what stands behind three underscores
// is only for the program. tests/kernel/externs.cpp runs it. From Linux 6.10.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
	int any;
};

extern struct task_struct *bpf_task_from_pid___by_number(__s32 pid) __ksym __weak;
extern struct task_struct *bpf_task_from_pid___in_two(__s32 pid, int more) __ksym __weak;
extern struct task_struct *bpf_task_from_pid___of_nothing(void) __ksym __weak;
extern void bpf_task_release(struct task_struct *p) __ksym;

__u32 which = 0;

SEC("syscall")
int calls(void *ctx)
{
	struct task_struct *task = 0;

	if (bpf_ksym_exists(bpf_task_from_pid___in_two)) {
		which |= 2;
		task = bpf_task_from_pid___in_two(1, 2);
	} else if (bpf_ksym_exists(bpf_task_from_pid___of_nothing)) {
		which |= 4;
		task = bpf_task_from_pid___of_nothing();
	} else if (bpf_ksym_exists(bpf_task_from_pid___by_number)) {
		task = bpf_task_from_pid___by_number(bpf_get_current_pid_tgid());
		if (task)
			which |= 1;
	}
	if (task)
		bpf_task_release(task);
	return 0;
}

const char _license[] SEC("license") = "GPL";
