// SPDX-License-Identifier: MIT
// A routing table in an LPM trie: counts the packets that come in on an interface under the longest prefix of their
// destination, for IPv4 and IPv6. docs/examples/routing_table.cpp fills it, tests/kernel/lpm_trie.cpp checks it. From
// Linux 5.9, where an XDP program is held by a link.
// Counts are in a map of their own, because a value stands right behind its key, with IPv4 at an odd multiple of 4 bytes,
// and a 64-bit number that is added to there at once takes an arm64 kernel down.
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

struct route {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv4_prefix);
	__type(value, __u32); /* the route's number */
} ipv4_routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct ipv6_prefix);
	__type(value, __u32);
} ipv6_routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct route);
} routes_by_number SEC(".maps");

__u64 without_route = 0;

static __always_inline void count(__u32 *number, __u64 bytes)
{
	struct route *route = number ? bpf_map_lookup_elem(&routes_by_number, number) : 0;

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
	if (frame->h_proto == bpf_htons(ETH_P_IP)) {
		struct ipv4_prefix to = { .prefixlen = 32 };
		struct iphdr *header = data;

		if (data + sizeof(*header) > end)
			return XDP_PASS;
		__builtin_memcpy(to.address, &header->daddr, sizeof(to.address));
		count(bpf_map_lookup_elem(&ipv4_routes, &to), end - data);
	} else if (frame->h_proto == bpf_htons(ETH_P_IPV6)) {
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
