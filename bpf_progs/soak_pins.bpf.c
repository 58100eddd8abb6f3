// SPDX-License-Identifier: MIT
// A map that is pinned by its name, one that is not, and a program that uses both. tests/soak loads it in several
// processes at once; all names begin with soak_, by which it finds what stays behind.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} soak_shared SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} soak_own SEC(".maps");

SEC("raw_tracepoint/sys_enter")
int soak_looks(void *ctx)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&soak_shared, &key) != bpf_map_lookup_elem(&soak_own, &key);
}

const char _license[] SEC("license") = "GPL";
