// SPDX-License-Identifier: MIT
// What objects of the years before libbpf 1.0 are made of: maps without BTF, as five numbers in the section "maps" or in
// one of their own, of all lengths that were in use; and a section name with something behind its prefix.
// tests/kernel/older_form.cpp runs the program and looks into the maps.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
};
/* the form of iproute2 */
struct bpf_elf_map {
	__u32 type, size_key, size_value, max_elem, flags, id, pinning, inner_id, inner_idx;
};
/* the form of gobpf */
struct long_map_def {
	__u32 type, key_size, value_size, max_entries, map_flags, pinning;
	char namespace[256];
};

struct bpf_map_def SEC("maps") lengths = {
	.type = BPF_MAP_TYPE_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 8,
	.map_flags = BPF_F_NO_PREALLOC,
};
struct bpf_map_def SEC("maps") total = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 2,
};
struct bpf_elf_map SEC("maps") by_mark = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 3,
	.id = 7,
};
struct long_map_def SEC("maps/own") own = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 4,
};

static __attribute__((noinline)) void add(void *map, __u32 key, __u64 more)
{
	__u64 *value = bpf_map_lookup_elem(map, &key);
	if (value)
		*value += more;
}

SEC("classifier/ingress")
int counts(struct __sk_buff *skb)
{
	__u32 length = skb->len;
	__u64 one = 1;
	bpf_map_update_elem(&lengths, &length, &one, BPF_ANY);
	add(&total, 1, length);
	add(&by_mark, 2, 20);
	add(&own, 3, 300);
	return 3;
}

const char _license[] SEC("license") = "GPL";
