// SPDX-License-Identifier: MIT
// A variable of the kernel with its type, one for each CPU: its address and what is in it. tests/kernel/externs.cpp runs
// the program where the kernel tells the addresses of its variables. From Linux 5.14.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern const unsigned long process_counts __ksym;

__u64 address = 0;
__u64 of_this_cpu = 0;

SEC("syscall")
int reads(void *ctx)
{
	const unsigned long *count = bpf_this_cpu_ptr(&process_counts);

	address = (__u64)&process_counts;
	of_this_cpu = *count;
	return 0;
}

const char _license[] SEC("license") = "GPL";
