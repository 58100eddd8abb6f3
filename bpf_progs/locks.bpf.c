// SPDX-License-Identifier: MIT
// A pair of counters that a program changes together, under the lock beside them. tests/kernel/locks.cpp reads them
// whole while threads on all CPUs make the call. From Linux 6.1 or earlier: 5.10
// lets no tracing program take a lock.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	struct bpf_spin_lock lock;
	__u32 padding;
	__u64 first;
	__u64 second;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct pair);
} locked_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pair);
} locked_array SEC(".maps");

const volatile __u32 only_process = 0;
const volatile __u64 only_call = 0; /* number of a system call */

static void count(struct pair *pair)
{
	if (!pair)
		return;
	bpf_spin_lock(&pair->lock);
	pair->first++;
	pair->second++;
	bpf_spin_unlock(&pair->lock);
}

SEC("tp_btf/sys_enter")
int counts(__u64 *arguments)
{
	__u32 key = 0;

	if (arguments[1] != only_call || bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	count(bpf_map_lookup_elem(&locked_hash, &key));
	count(bpf_map_lookup_elem(&locked_array, &key));
	return 0;
}

const char _license[] SEC("license") = "GPL";
