// SPDX-License-Identifier: MIT
// One program for each way into the network that is no link of an interface: the packet filter, filters of tc, routes,
// and netkit; tests/kernel/attach_traffic.cpp sends the packets and looks at the counters.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

__u64 packets = 0;
__u64 order = 0; /* digits, in the order in which the programs ran */

SEC("tc")
int first(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(0x0800))
		order = order * 10 + 1;
	return TC_ACT_UNSPEC;
}

SEC("classifier")
int second(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(0x0800))
		order = order * 10 + 2;
	return TC_ACT_OK;
}

SEC("tc")
int drop(struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(0x0800) ? TC_ACT_SHOT : TC_ACT_OK;
}

struct hook {
	void *state;
	void *skb;
};

#define NF_DROP 0
#define NF_ACCEPT 1

SEC("?netfilter")
int accept(struct hook *ctx)
{
	__sync_fetch_and_add(&packets, 1);
	return NF_ACCEPT;
}

SEC("?netfilter")
int refuse(struct hook *ctx)
{
	__sync_fetch_and_add(&packets, 1);
	return NF_DROP;
}

SEC("lwt_xmit")
int leaves(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets, 1);
	return BPF_OK;
}

SEC("lwt_out")
int goes_out(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets, 1);
	return BPF_OK;
}

SEC("lwt_in")
int comes_in(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets, 1);
	return BPF_OK;
}

SEC("lwt_seg6local")
int segment(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets, 1);
	return BPF_OK;
}

SEC("?netkit/primary")
int of_the_host(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets, 1);
	return TC_ACT_UNSPEC;
}

SEC("?netkit/peer")
int of_the_peer(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&packets, 1);
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
