// SPDX-License-Identifier: MIT
// A map that is no map of maps and is to begin with maps. Refused by tests/compile_fail/bad_values.cpp.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct inner);
} hits SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int count(void *ctx)
{
	const __u32 key = 0;
	return bpf_map_lookup_elem(&hits, &key) != 0;
}

const char _license[] SEC("license") = "GPL";
