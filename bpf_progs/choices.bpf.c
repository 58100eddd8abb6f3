// SPDX-License-Identifier: MIT
// An object that leaves much to whoever loads it: programs that are optional, of no section that means something, or
// that the verifier refuses; maps whose sizes only the machine or the application knows. tests/kernel/choices.cpp loads
// it in many ways.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
} events SEC(".maps"); /* one for each CPU */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 5000); /* no power of two */
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
} open_size SEC(".maps"); /* max_entries is left open */

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 16);
	__type(key, __u32);
} stacks SEC(".maps"); /* value_size is left open */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} outer SEC(".maps"); /* what is in it is left open */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} remembered SEC(".maps"); /* nobody comes to it without what follows */

__u64 own SEC(".data.own") = 4;
const volatile __u32 factor SEC(".rodata.own") = 10, remembers SEC(".rodata.own") = 0;

/* Without an answer of its own another function of this name would take its place. */
__attribute__((weak)) __attribute__((noinline)) int answer(struct __sk_buff *skb)
{
	return skb->len + own;
}
__attribute__((visibility("hidden"))) __attribute__((noinline)) int multiplied(struct __sk_buff *skb)
{
	return answer(skb) * factor;
}

SEC("socket")
int always(struct __sk_buff *skb)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&open_size, &key);
	void *inner = bpf_map_lookup_elem(&outer, &key);
	return value && inner ? *value : multiplied(skb);
}

SEC("?socket")
int optional(struct __sk_buff *skb)
{
	/* strings have a section of their own, .rodata.str1.1 */
	const char *text = skb->len > 50 ? "Many" : "few";
	return *(const volatile char *)text;
}

SEC("?socket")
int remembering(struct __sk_buff *skb)
{
	__u32 key = 3;
	__u64 value = skb->len;
	if (remembers)
		bpf_map_update_elem(&remembered, &key, &value, BPF_ANY);
	return 55;
}

SEC("no_such_section")
int nameless(struct __sk_buff *skb)
{
	return 88;
}

SEC("?fentry/a_function_that_is_nowhere")
int misses(void *ctx)
{
	return 0;
}

SEC("?socket")
int refused(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *value = bpf_map_lookup_elem(&open_size, &key);
	return *value; /* may be NULL */
}

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 3);
	__uint(key_size, sizeof(__u32));
	__array(values, int(void *));
} ways SEC(".maps") = {
	.values = { [0] = (void *)&always, [1] = (void *)&optional, [2] = (void *)&refused },
};

const char _license[] SEC("license") = "GPL";
