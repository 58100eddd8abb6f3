// SPDX-License-Identifier: MIT
// A map that cannot be found by name. Refused by tests/compile_fail/static_map.cpp and tests/kernel.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

static struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, long);
} hidden SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int count(void *ctx)
{
	const int key = 0;
	return bpf_map_lookup_elem(&hidden, &key) != 0;
}

const char _license[] SEC("license") = "GPL";
