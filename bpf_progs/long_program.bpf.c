// SPDX-License-Identifier: MIT
// A program that fits no page, behind a short one. Whoever patches it needs room for the longest.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpgid")
int is_short(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&sums, &key) != 0;
}

SEC("tracepoint/syscalls/sys_enter_getsid")
int is_long(void *ctx)
{
	__u32 key = 0;
	__u64 *sum = bpf_map_lookup_elem(&sums, &key), more = 0;

	asm volatile(".rept 600\n%[more] += 1\n.endr" : [more] "+r"(more));
	if (sum)
		*sum += more;
	return bpf_map_lookup_elem(&sums, &key) != 0;
}

const char _license[] SEC("license") = "GPL";
