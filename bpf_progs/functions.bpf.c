// SPDX-License-Identifier: MIT
// Every kind of function: two programs in one section, static, global, weak and hidden functions in .text, one that
// both programs share, a static one beside the programs, and a callback. tests/kernel calls getpgid and getsid and
// reads the sums. From Linux 5.13 (bpf_for_each_map_elem).
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

struct sum {
	__u64 total;
};

static __noinline __u64 doubled(__u64 number)
{
	return number * 2 + (bpf_get_smp_processor_id() & 0);
}

__noinline __u64 global_triple(__u64 number)
{
	return doubled(number) + number;
}

__weak __noinline __u64 weak_ten(__u64 number)
{
	return number * 10 + (bpf_get_smp_processor_id() & 0);
}

__hidden __noinline __u64 hidden_hundred(__u64 number)
{
	return doubled(number) * 50;
}

static long add_value(void *map, __u32 *key, __u64 *value, struct sum *sum)
{
	sum->total += *value;
	return 0;
}

static __noinline void add_to(__u32 slot, __u64 number)
{
	__u64 *sum = bpf_map_lookup_elem(&sums, &slot);

	if (sum)
		__sync_fetch_and_add(sum, number);
}

/* Beside the programs and not in .text, which libbpf refuses. */
#ifndef WHAT_LIBBPF_LOADS
#define BESIDE SEC("tracepoint/syscalls/sys_enter_getpgid")
#else
#define BESIDE
#endif
static BESIDE __noinline __u64 beside(__u64 number)
{
	return number + 7 + (bpf_get_smp_processor_id() & 0);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int first(void *ctx)
{
	add_to(0, global_triple(1) + weak_ten(1));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int second(void *ctx)
{
	add_to(1, hidden_hundred(1) + beside(0));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getsid")
int sums_up(void *ctx)
{
	struct sum sum = {};
	__u32 slot = 2;

	bpf_map_update_elem(&sums, &slot, &sum.total, BPF_ANY);
	bpf_for_each_map_elem(&sums, add_value, &sum, 0);
	bpf_map_update_elem(&sums, &slot, &sum.total, BPF_ANY);
	return 0;
}

const char _license[] SEC("license") = "GPL";
