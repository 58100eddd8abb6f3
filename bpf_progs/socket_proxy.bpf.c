// SPDX-License-Identifier: MIT
// A proxy without a process: what arrives at one of two sockets, or is sent on it, goes on through the other. Once with
// slots of a sockmap, once with a sockhash under the ports of the connection. Messages that begin with '!' go nowhere.
// tests/kernel/sockmap.cpp puts the sockets in and compares every byte. From Linux 5.14.
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct connection {
	__u32 local_port;
	__u32 remote_port;
};

/* Two ends that stand for each other in 0 and 1; in 2 and 3 those that put themselves in. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} short_slots SEC(".maps");

/* Under the ports of each end, the other one. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 4);
	__type(key, struct connection);
	__type(value, __u64);
} partners SEC(".maps");

__u64 redirect_flags = 0; /* BPF_F_INGRESS: to whoever reads there, otherwise to its peer */
__u32 first_port = 0;     /* of the socket in slot 0 */
__u32 message_size = 0;   /* where `cuts` cuts */
__u64 judged = 0;
__u64 dropped = 0;

static __always_inline __u32 other_slot(__u32 local_port)
{
	return local_port == first_port;
}

static __always_inline struct connection ports_of(__u32 local, __u32 remote)
{
	/* The kernel gives the remote one in the order of the network, in its higher half. */
	struct connection ports = { .local_port = local, .remote_port = bpf_ntohl(remote) };

	return ports;
}

static __always_inline int is_unwanted(char first)
{
	__sync_fetch_and_add(&judged, 1);
	if (first != '!')
		return 0;
	__sync_fetch_and_add(&dropped, 1);
	return 1;
}

static __always_inline int is_unwanted_message(struct sk_msg_md *msg)
{
	char *data = msg->data;

	return is_unwanted(data + 1 <= (char *)msg->data_end ? *data : 0);
}

static __always_inline int is_unwanted_stream(struct __sk_buff *skb)
{
	char first = 0;

	bpf_skb_load_bytes(skb, 0, &first, sizeof(first));
	return is_unwanted(first);
}

SEC("sk_msg")
int sends_to_slot(struct sk_msg_md *msg)
{
	if (is_unwanted_message(msg))
		return SK_DROP;
	return bpf_msg_redirect_map(msg, &slots, other_slot(msg->local_port), redirect_flags);
}

SEC("sk_msg")
int sends_to_short_slot(struct sk_msg_md *msg)
{
	return bpf_msg_redirect_map(msg, &short_slots, other_slot(msg->local_port), redirect_flags);
}

SEC("sk_msg")
int sends_to_partner(struct sk_msg_md *msg)
{
	struct connection ports = ports_of(msg->local_port, msg->remote_port);

	if (is_unwanted_message(msg))
		return SK_DROP;
	return bpf_msg_redirect_hash(msg, &partners, &ports, redirect_flags);
}

/* Makes messages of one length, so that the verdict comes to each of them once. */
SEC("sk_skb/stream_parser")
int cuts(struct __sk_buff *skb)
{
	return message_size;
}

SEC("sk_skb/stream_verdict")
int goes_on_to_slot(struct __sk_buff *skb)
{
	if (is_unwanted_stream(skb))
		return SK_DROP;
	return bpf_sk_redirect_map(skb, &slots, other_slot(skb->local_port), redirect_flags);
}

SEC("sk_skb/stream_verdict")
int goes_on_to_partner(struct __sk_buff *skb)
{
	struct connection ports = ports_of(skb->local_port, skb->remote_port);

	if (is_unwanted_stream(skb))
		return SK_DROP;
	return bpf_sk_redirect_hash(skb, &partners, &ports, redirect_flags);
}

/* Both ends of a connection put themselves into both maps. */
SEC("sockops")
int connects(struct bpf_sock_ops *ops)
{
	struct connection ports = ports_of(ops->local_port, ops->remote_port);
	__u32 slot = 2;

	switch (ops->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		slot = 3;
		__attribute__((fallthrough));
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		bpf_sock_map_update(ops, &slots, &slot, BPF_ANY);
		bpf_sock_hash_update(ops, &partners, &ports, BPF_NOEXIST);
	}
	return 1;
}

const char _license[] SEC("license") = "GPL";
