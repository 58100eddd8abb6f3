// SPDX-License-Identifier: MIT
// A program that the verifier refuses: it reads a map's value without asking whether it is there. Tests that
// the verifier's log arrives whole.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, int);
	__type(value, long);
} hits SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int careless(void *ctx)
{
	const int key = 0;
	return *(volatile long *)bpf_map_lookup_elem(&hits, &key) != 0;
}

const char _license[] SEC("license") = "GPL";
