// SPDX-License-Identifier: MIT
// A value with a lock, which cannot be without types, beside kinds of types that kernels learned later: a float (5.13), a
// tag of a declaration (5.16) and of a type (5.17), an enum with a negative value and one of 64 bits (6.0).
// tests/kernel/newer_kinds.cpp loads it on kernels that know them and on some that do not.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum mood { BAD = -1, GOOD = 1 };
enum distance { NEAR = 1, FAR = 0x7000000001LL };

struct note {
	struct bpf_spin_lock lock;
	enum mood mood __attribute__((btf_decl_tag("unused:yes")));
	enum distance distance;
	double weight;
	__u64 count;
};
struct words { /* by themselves, because beside a lock the kernel demands to know each tag */
	const char __attribute__((btf_type_tag("user"))) *first;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct note);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct words);
} dictionary SEC(".maps");

SEC("tc")
int counts(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct note *note = bpf_map_lookup_elem(&notes, &key);
	if (!note)
		return 0;
	bpf_spin_lock(&note->lock);
	note->count += 3;
	note->mood = BAD;
	bpf_spin_unlock(&note->lock);
	return 5;
}

const char _license[] SEC("license") = "GPL";
