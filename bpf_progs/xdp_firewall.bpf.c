// SPDX-License-Identifier: MIT
// A firewall: drops each packet whose source is in one of some networks, as soon as it comes in on the interface, and
// counts it for the longest of those networks. docs/examples/xdp_firewall.cpp fills them in. From Linux 5.9, where an
// XDP program is held by a link. What is in a VLAN or a tunnel passes.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct ipv4_prefix {
	__u32 prefixlen;
	__u8 address[4];
};

struct ipv6_prefix {
	__u32 prefixlen;
	__u8 address[16];
};

struct rule {
	__u64 packets;
	__u64 bytes;
};

/* A trie takes memory for what is in it only, so there is room for any list. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv4_prefix);
	__type(value, struct rule);
} ipv4_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv6_prefix);
	__type(value, struct rule);
} ipv6_rules SEC(".maps");

__u64 passed = 0; /* packets */

static __always_inline int judge(struct rule *rule, __u64 bytes)
{
	if (!rule) {
		__sync_fetch_and_add(&passed, 1);
		return XDP_PASS;
	}
	__sync_fetch_and_add(&rule->packets, 1);
	__sync_fetch_and_add(&rule->bytes, bytes);
	return XDP_DROP;
}

SEC("xdp")
int firewall(struct xdp_md *packet)
{
	void *data = (void *)(long)packet->data;
	void *end = (void *)(long)packet->data_end;
	struct ethhdr *frame = data;
	struct iphdr *ipv4 = data + sizeof(*frame);
	struct ipv6hdr *ipv6 = data + sizeof(*frame);

	if ((void *)(ipv4 + 1) <= end && frame->h_proto == bpf_htons(ETH_P_IP)) {
		struct ipv4_prefix from = { .prefixlen = 32 };

		__builtin_memcpy(from.address, &ipv4->saddr, sizeof(from.address));
		return judge(bpf_map_lookup_elem(&ipv4_rules, &from), end - data);
	}
	if ((void *)(ipv6 + 1) <= end && frame->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6_prefix from = { .prefixlen = 128 };

		__builtin_memcpy(from.address, &ipv6->saddr, sizeof(from.address));
		return judge(bpf_map_lookup_elem(&ipv6_rules, &from), end - data);
	}
	return judge(0, 0);
}

const char _license[] SEC("license") = "GPL";
