// SPDX-License-Identifier: MIT
// What the kernel has under a name: an address, functions that are really called, and some that no kernel has.
// tests/kernel/externs.cpp runs the programs and compares with /proc/kallsyms. From Linux 6.10, whose functions of tasks
// programs of this type may call.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
	int any;
};

extern const void bpf_prog_put __ksym;
extern const void nothing_is_called_so __ksym __weak;
extern const int no_variable_is_called_so __ksym __weak;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern void bpf_no_such_function(struct task_struct *p, int number) __ksym __weak;

struct found {
	__u64 symbol;
	__u64 nothing;
	__u64 no_variable;
	__u32 acquired;
	__u32 has_function;
	__u32 has_no_function;
} found = {};

SEC("syscall")
int addresses(void *ctx)
{
	found.symbol = (__u64)&bpf_prog_put;
	found.nothing = (__u64)&nothing_is_called_so;
	found.no_variable = (__u64)&no_variable_is_called_so;
	return 0;
}

SEC("syscall")
int calls(void *ctx)
{
	struct task_struct *task = bpf_task_acquire(bpf_get_current_task_btf());

	if (task) {
		found.acquired++;
		bpf_task_release(task);
	}
	if (bpf_ksym_exists(bpf_no_such_function)) {
		bpf_no_such_function(task, 7);
		found.has_no_function = 1;
	}
	return found.acquired;
}

const char _license[] SEC("license") = "GPL";
