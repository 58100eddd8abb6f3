// SPDX-License-Identifier: MIT
// How long a system call takes: the time of its begin under the thread that made it, and at its end one more in the
// bucket of that power of two. docs/examples/latency_histogram.cpp chooses the call and draws the buckets. From Linux 4.7.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BUCKETS 40 /* the last one begins at nine minutes */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, __u64);
} began SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} buckets SEC(".maps");

/* Set before it is loaded; those that are not used cost nothing then. */
const volatile __u32 only_process = 0; /* 0 for all */
const volatile __s64 only_call = -1;   /* for the tracepoints of all calls; -1 for those of one */

__u64 missed = 0; /* calls that there was no room for */

/* As /sys/kernel/tracing/events/raw_syscalls/sys_enter/format has it; those of one call begin in the same way. */
struct enter {
	__u64 common;
	long id;
};

static __always_inline __u32 log2_of(__u64 number)
{
	__u32 bits = 0;

#pragma unroll
	for (__u32 half = 32; half != 0; half /= 2) {
		if (number >> half) {
			number >>= half;
			bits += half;
		}
	}
	return bits;
}

SEC("tracepoint/raw_syscalls/sys_enter")
int enters(struct enter *ctx)
{
	__u64 who = bpf_get_current_pid_tgid(), now;
	__u32 thread = who;

	if (only_process != 0 && who >> 32 != only_process)
		return 0;
	if (only_call >= 0 && ctx->id != only_call)
		return 0;
	now = bpf_ktime_get_ns();
	if (bpf_map_update_elem(&began, &thread, &now, BPF_ANY) != 0)
		__sync_fetch_and_add(&missed, 1);
	return 0;
}

SEC("tracepoint/raw_syscalls/sys_exit")
int leaves(void *ctx)
{
	__u32 thread = bpf_get_current_pid_tgid(), bucket;
	__u64 *start = bpf_map_lookup_elem(&began, &thread), *count;

	if (!start)
		return 0;
	bucket = log2_of(bpf_ktime_get_ns() - *start);
	bpf_map_delete_elem(&began, &thread);
	if (bucket >= BUCKETS)
		bucket = BUCKETS - 1;
	count = bpf_map_lookup_elem(&buckets, &bucket);
	if (count)
		*count += 1;
	return 0;
}

const char _license[] SEC("license") = "GPL";
