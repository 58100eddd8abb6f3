// SPDX-License-Identifier: MIT
// A routing table in an LPM trie: counts the packets that come in on an interface under the longest prefix of their
// destination, for IPv4 and IPv6. docs/examples/routing_table.cpp fills it, tests/kernel/lpm_trie.cpp checks it. From
// Linux 5.9, where an XDP program is held by a link.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_helpers.h>

struct ipv4_prefix {
	__u32 prefixlen;
	__u8 address[4];
};

struct ipv6_prefix {
	__u32 prefixlen;
	__u8 address[16];
};

struct route {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv4_prefix);
	__type(value, struct route);
} ipv4_routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv6_prefix);
	__type(value, struct route);
} ipv6_routes SEC(".maps");

__u64 without_route = 0;

static __always_inline void count(struct route *route, __u64 bytes)
{
	if (!route) {
		__sync_fetch_and_add(&without_route, 1);
		return;
	}
	__sync_fetch_and_add(&route->packets, 1);
	__sync_fetch_and_add(&route->bytes, bytes);
}

SEC("xdp")
int routes(struct xdp_md *packet)
{
	void *data = (void *)(long)packet->data;
	void *end = (void *)(long)packet->data_end;
	struct ethhdr *frame = data;

	if (data + sizeof(*frame) > end)
		return XDP_PASS;
	data += sizeof(*frame);
	if (frame->h_proto == __builtin_bswap16(ETH_P_IP)) {
		struct ipv4_prefix to = { .prefixlen = 32 };
		struct iphdr *header = data;

		if (data + sizeof(*header) > end)
			return XDP_PASS;
		__builtin_memcpy(to.address, &header->daddr, sizeof(to.address));
		count(bpf_map_lookup_elem(&ipv4_routes, &to), end - data);
	} else if (frame->h_proto == __builtin_bswap16(ETH_P_IPV6)) {
		struct ipv6_prefix to = { .prefixlen = 128 };
		struct ipv6hdr *header = data;

		if (data + sizeof(*header) > end)
			return XDP_PASS;
		__builtin_memcpy(to.address, &header->daddr, sizeof(to.address));
		count(bpf_map_lookup_elem(&ipv6_routes, &to), end - data);
	}
	return XDP_PASS;
}

const char _license[] SEC("license") = "GPL";
