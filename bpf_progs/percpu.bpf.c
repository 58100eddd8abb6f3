// SPDX-License-Identifier: MIT
// Counts getpgid calls of one process, for each CPU apart, in the three kinds of maps that have such values.
// tests/kernel/percpu.cpp calls from one CPU after the other. From Linux 4.10.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define COUNTS(kind)                        \
	struct {                            \
		__uint(type, kind);         \
		__uint(max_entries, 16);    \
		__type(key, __u32);         \
		__type(value, __u32);       \
	}

COUNTS(BPF_MAP_TYPE_PERCPU_HASH) in_hash SEC(".maps");
COUNTS(BPF_MAP_TYPE_PERCPU_ARRAY) in_array SEC(".maps");
COUNTS(BPF_MAP_TYPE_LRU_PERCPU_HASH) in_lru_hash SEC(".maps");

const volatile __u32 only_process = 0;

static __always_inline void count(void *map, __u32 key)
{
	__u32 one = 1, *seen = bpf_map_lookup_elem(map, &key);

	if (seen)
		*seen += 1;
	else
		bpf_map_update_elem(map, &key, &one, BPF_NOEXIST);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int counts(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	count(&in_hash, 1);
	count(&in_array, 1);
	count(&in_lru_hash, 1);
	return 0;
}

const char _license[] SEC("license") = "GPL";
