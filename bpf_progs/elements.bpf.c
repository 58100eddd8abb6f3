// SPDX-License-Identifier: MIT
// A hash, an array and an LRU hash that programs write while user space reads: getpgid(key) counts under its argument,
// getsid(key) deletes what is there. tests/kernel/elements.cpp calls both. From Linux 5.5.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} cache SEC(".maps");

/* What a tracepoint of syscalls/sys_enter_* is given. */
struct system_call {
	__u64 common;
	__u64 number;
	__u64 arguments[6];
};

__u64 refused = 0;
const volatile __u32 only_process = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

static __always_inline void count(void *map, __u32 key)
{
	__u64 *value = bpf_map_lookup_elem(map, &key), one = 1;

	if (value)
		__sync_fetch_and_add(value, 1);
	else if (bpf_map_update_elem(map, &key, &one, BPF_NOEXIST))
		__sync_fetch_and_add(&refused, 1);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int counts_keys(struct system_call *call)
{
	__u32 key = call->arguments[0], slot = key & 7;
	__u64 *value = bpf_map_lookup_elem(&slots, &slot);

	if (is_other())
		return 0;
	if (value)
		__sync_fetch_and_add(value, 1);
	count(&counts, key);
	count(&cache, key);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getsid")
int deletes_keys(struct system_call *call)
{
	__u32 key = call->arguments[0];

	if (!is_other())
		bpf_map_delete_elem(&counts, &key);
	return 0;
}

const char _license[] SEC("license") = "GPL";
