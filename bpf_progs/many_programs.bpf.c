// SPDX-License-Identifier: MIT
// Twenty-four programs that keep the verifier busy for some milliseconds each: tests/bench/side_by_side.cpp loads them in
// turn and on two threads.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} sums SEC(".maps");

static __always_inline int add_up(struct __sk_buff *skb, __u32 first)
{
	__u64 sum = first;
	__u64 *kept;

	for (__u32 i = 0; i < 300; i++) {
		if (skb->len & (1u << (i & 15)))
			sum += i * first;
		else
			sum ^= i;
	}
	kept = bpf_map_lookup_elem(&sums, &first);
	if (kept)
		*kept += sum;
	return 0;
}

#define PROGRAM(n)                                 \
	SEC("socket")                              \
	int program_##n(struct __sk_buff *skb)     \
	{                                          \
		return add_up(skb, n);             \
	}
#define FOUR(a, b, c, d) PROGRAM(a) PROGRAM(b) PROGRAM(c) PROGRAM(d)

FOUR(0, 1, 2, 3)
FOUR(4, 5, 6, 7)
FOUR(8, 9, 10, 11)
FOUR(12, 13, 14, 15)
FOUR(16, 17, 18, 19)
FOUR(20, 21, 22, 23)

char _license[] SEC("license") = "GPL";
