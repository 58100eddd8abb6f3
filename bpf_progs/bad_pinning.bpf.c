// SPDX-License-Identifier: MIT
// A map that is pinned in a way that there is none of. Refused by tests/compile_fail/bad_pinning.cpp.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, long);
	__uint(pinning, 2);
} hits SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int count(void *ctx)
{
	const int key = 0;
	return bpf_map_lookup_elem(&hits, &key) != 0;
}

const char _license[] SEC("license") = "GPL";
