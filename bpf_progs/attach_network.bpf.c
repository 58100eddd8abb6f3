// SPDX-License-Identifier: MIT
// One program for each way to attach to an interface, a network namespace or a cgroup; tests/kernel/attach.cpp sends
// the packets and looks at the counters. From Linux 6.6, which has tcx.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TEST_PORT 4711

__u64 xdp_packets = 0;
__u64 ingress_packets = 0;
__u64 egress_packets = 0;
__u64 order = 0; /* digits, in the order in which the programs ran */
__u64 lookups = 0;
__u64 cgroup_packets = 0;
__u64 sockets = 0;
__u64 socket_events = 0;
__u64 sysctls = 0;

static __always_inline int is_test_packet(void *data, void *end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	return (void *)(udp + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IP) &&
	       ip->protocol == IPPROTO_UDP && udp->dest == bpf_htons(TEST_PORT);
}

SEC("xdp")
int count(struct xdp_md *ctx)
{
	if (is_test_packet((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		__sync_fetch_and_add(&xdp_packets, 1);
	return XDP_PASS;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	return is_test_packet((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? XDP_DROP : XDP_PASS;
}

/* In a map of devices; the test only looks that it loads. */
SEC("xdp/devmap")
int behind_redirect(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp.frags/cpumap")
int on_other_cpu(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tcx/ingress")
int first(struct __sk_buff *skb)
{
	if (is_test_packet((void *)(long)skb->data, (void *)(long)skb->data_end)) {
		__sync_fetch_and_add(&ingress_packets, 1);
		order = order * 10 + 1;
	}
	return TC_ACT_UNSPEC;
}

SEC("tcx/ingress")
int second(struct __sk_buff *skb)
{
	if (is_test_packet((void *)(long)skb->data, (void *)(long)skb->data_end))
		order = order * 10 + 2;
	return TC_ACT_UNSPEC;
}

SEC("tcx/egress")
int leaves(struct __sk_buff *skb)
{
	if (is_test_packet((void *)(long)skb->data, (void *)(long)skb->data_end))
		__sync_fetch_and_add(&egress_packets, 1);
	return TC_ACT_UNSPEC;
}

SEC("sk_lookup")
int look_up(struct bpf_sk_lookup *ctx)
{
	if (ctx->local_port == TEST_PORT)
		__sync_fetch_and_add(&lookups, 1);
	return SK_PASS;
}

SEC("flow_dissector")
int dissect(struct __sk_buff *skb)
{
	return BPF_FLOW_DISSECTOR_CONTINUE;
}

SEC("cgroup_skb/egress")
int sends(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&cgroup_packets, 1);
	return 1;
}

SEC("cgroup_skb/ingress")
int receives(struct __sk_buff *skb)
{
	return 1;
}

SEC("cgroup/sock_create")
int creates(struct bpf_sock *sk)
{
	__sync_fetch_and_add(&sockets, 1);
	return sk->protocol != IPPROTO_SCTP;
}

SEC("cgroup/connect4")
int connects(struct bpf_sock_addr *ctx)
{
	return ctx->user_port != bpf_htons(TEST_PORT);
}

SEC("sockops")
int operates(struct bpf_sock_ops *ctx)
{
	__sync_fetch_and_add(&socket_events, 1);
	return 1;
}

SEC("cgroup/sysctl")
int reads(struct bpf_sysctl *ctx)
{
	__sync_fetch_and_add(&sysctls, 1);
	return 1;
}

const char _license[] SEC("license") = "GPL";
