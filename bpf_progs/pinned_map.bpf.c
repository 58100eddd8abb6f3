// SPDX-License-Identifier: MIT
// A map that is pinned by its name and one that is not. tests/kernel loads it twice and finds one map.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} shared_calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_NONE);
} own_calls SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpgid")
int counts(void *ctx)
{
	__u32 key = 0;
	__u64 one = 1, *calls = bpf_map_lookup_elem(&shared_calls, &key);

	if (calls)
		__sync_fetch_and_add(calls, 1);
	else
		bpf_map_update_elem(&shared_calls, &key, &one, BPF_ANY);
	calls = bpf_map_lookup_elem(&own_calls, &key);
	if (calls)
		__sync_fetch_and_add(calls, 1);
	return 0;
}

const char _license[] SEC("license") = "GPL";
