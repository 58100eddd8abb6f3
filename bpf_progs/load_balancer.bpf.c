// SPDX-License-Identifier: MIT
// A load balancer for TCP and UDP over IPv4: what comes in for a virtual address gets the address of a backend, and what
// goes out from there to the same client the virtual one. The kernel's own routing does the rest. Fragments and errors
// of ICMP pass as they are. docs/examples/load_balancer.cpp names the addresses. From Linux 6.6, because of tcx.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define BACKENDS 16

struct backend {
	__be32 address;
	__u32 flows;
	__u64 packets; /* to it */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BACKENDS);
	__type(key, __u32);
	__type(value, struct backend);
} backends SEC(".maps");

/* What packets of both directions have in common. */
struct flow {
	__be32 client;
	__be16 client_port, service_port;
	__u32 protocol;
};

/* The index of the backend; flows that were silent for longest make room. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, struct flow);
	__type(value, __u32);
} flows SEC(".maps");

const volatile __be32 virtual_address = 0;
const volatile __u32 backend_count = 0;

/* A flow and a backend make a number, and the highest one wins. So when a backend goes, only its own flows move. */
static __always_inline __u32 choose(const struct flow *flow)
{
	__u32 chosen = 0, highest = 0;

	for (__u32 i = 0; i < BACKENDS && i < backend_count; i++) {
		__u32 slot = i, number = flow->client_port << 16 | flow->service_port;
		struct backend *one = bpf_map_lookup_elem(&backends, &slot);

		number ^= flow->client * 0x9e3779b1 ^ (one ? one->address : 0) * 0x85ebca77;
		number = (number ^ number >> 15) * 0x2c1b3c6d;
		number = (number ^ number >> 13) * 0xc2b2ae3d;
		if (number >= highest) {
			highest = number;
			chosen = i;
		}
	}
	return chosen;
}

static __always_inline int balance(struct __sk_buff *skb, int is_answer)
{
	__be16 ports[2];
	struct iphdr ip;
	struct backend *backend;
	__u32 chosen, *known;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)) != 0 ||
	    (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP) || (ip.frag_off & bpf_htons(0x3fff)) != 0 ||
	    (!is_answer && ip.daddr != virtual_address) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN + ip.ihl * 4, ports, sizeof(ports)) != 0)
		return TC_ACT_UNSPEC;
	struct flow flow = { is_answer ? ip.daddr : ip.saddr, ports[is_answer], ports[!is_answer], ip.protocol };

	known = bpf_map_lookup_elem(&flows, &flow);
	if (is_answer && !known)
		return TC_ACT_UNSPEC;
	chosen = known ? *known : choose(&flow);
	backend = bpf_map_lookup_elem(&backends, &chosen);
	if (!backend || (is_answer && backend->address != ip.saddr))
		return TC_ACT_UNSPEC;
	if (!is_answer)
		__sync_fetch_and_add(&backend->packets, 1);
	if (!known && bpf_map_update_elem(&flows, &flow, &chosen, BPF_NOEXIST) == 0)
		__sync_fetch_and_add(&backend->flows, 1);

	/* One address, and the two sums that it is part of; UDP may do without. */
	__be32 from = is_answer ? ip.saddr : ip.daddr, to = is_answer ? virtual_address : backend->address;
	int is_tcp = ip.protocol == IPPROTO_TCP, at = is_answer ? 12 : 16;

	bpf_l4_csum_replace(skb, ETH_HLEN + ip.ihl * 4 + (is_tcp ? 16 : 6), from, to,
			    BPF_F_PSEUDO_HDR | sizeof(to) | (is_tcp ? 0 : BPF_F_MARK_MANGLED_0));
	bpf_l3_csum_replace(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, check), from, to, sizeof(to));
	bpf_skb_store_bytes(skb, ETH_HLEN + at, &to, sizeof(to), 0);
	return TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int to_backend(struct __sk_buff *skb)
{
	return balance(skb, 0);
}

SEC("tcx/egress")
int from_backend(struct __sk_buff *skb)
{
	return balance(skb, 1);
}

const char _license[] SEC("license") = "GPL";
