// SPDX-License-Identifier: MIT
// Chooses among the sockets that share a port: for a connection the slot that user space says, for a datagram the one
// that its first byte names. tests/kernel/reuseport.cpp looks who accepts and who receives. From Linux 5.8, since when a
// sockmap and a sockhash may be chosen from as well.
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} listeners SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} listeners_of_sockmap SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} listeners_of_sockhash SEC(".maps");

__u32 wanted = 0;
__u32 pass_without = 0; /* 1: where nothing is in the slot, the kernel chooses */
long last_answer = 0;   /* of bpf_sk_select_reuseport */

static __always_inline __u32 slot_for(struct sk_reuseport_md *packet)
{
	char first = '0';

	if (packet->ip_protocol != IPPROTO_UDP)
		return wanted;
	bpf_skb_load_bytes(packet, 8, &first, sizeof(first)); /* behind the header */
	return first - '0';
}

static __always_inline int outcome(long answer)
{
	last_answer = answer;
	return answer == 0 || pass_without ? SK_PASS : SK_DROP;
}

SEC("sk_reuseport")
int chooses(struct sk_reuseport_md *packet)
{
	__u32 slot = slot_for(packet);

	return outcome(bpf_sk_select_reuseport(packet, &listeners, &slot, 0));
}

SEC("sk_reuseport")
int chooses_of_sockmap(struct sk_reuseport_md *packet)
{
	__u32 slot = slot_for(packet);

	return outcome(bpf_sk_select_reuseport(packet, &listeners_of_sockmap, &slot, 0));
}

SEC("sk_reuseport")
int chooses_of_sockhash(struct sk_reuseport_md *packet)
{
	__u32 slot = slot_for(packet);

	return outcome(bpf_sk_select_reuseport(packet, &listeners_of_sockhash, &slot, 0));
}

const char _license[] SEC("license") = "GPL";
