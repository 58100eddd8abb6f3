// SPDX-License-Identifier: MIT
// Counts where processes leave the CPU: each stack of the process and of the kernel under a number, and how often
// both came together. docs/examples/folded_stacks.cpp prints them. From Linux 4.7.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "folded_stacks.h"

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16384);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 127 * sizeof(__u64));
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct seen);
	__type(value, __u64);
} counts SEC(".maps");

__u64 missed = 0; /* stacks that there was no room for */

SEC("tracepoint/sched/sched_switch")
int leaves(void *ctx)
{
	__u64 one = 1, *count;
	struct seen key = {};

	key.pid = bpf_get_current_pid_tgid() >> 32;
	key.user = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	key.kernel = bpf_get_stackid(ctx, &stacks, 0);
	bpf_get_current_comm(key.comm, sizeof(key.comm));
	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else if (bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST) != 0)
		__sync_fetch_and_add(&missed, 1);
	return 0;
}

const char _license[] SEC("license") = "GPL";
