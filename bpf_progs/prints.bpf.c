// SPDX-License-Identifier: MIT
// What programs print, and what they write into their own streams; tests/kernel/watching.cpp reads both.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

SEC("syscall")
int prints(__u64 *ctx)
{
	__u32 zero = 0;

	bpf_map_lookup_elem(&numbers, &zero);
	bpf_printk("barebpf prints %llu", ctx[0]);
	return 7;
}

char _license[] SEC("license") = "GPL";
