// SPDX-License-Identifier: MIT
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} own SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int count(void *ctx)
{
	const __u32 key = 0;
	return bpf_map_lookup_elem(&own, &key) != 0;
}
