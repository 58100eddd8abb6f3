// SPDX-License-Identifier: MIT
// The middle of a TCP proxy: what arrives at a socket in `sources` leaves through its partner, without waking anybody.
// docs/examples/tcp_proxy.cpp accepts, connects, and puts both sockets in. All keys are cookies, SO_COOKIE of socket(7).
// From Linux 5.14.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define SOCKETS 16384

/* Where the program is attached to. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, SOCKETS);
	__type(key, __u64);
	__type(value, __u64);
} sources SEC(".maps");

/* Under the cookie of a source, the other socket of its connection. No program is attached here, so that what comes in
   waits until its partner is known. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, SOCKETS);
	__type(key, __u64);
	__type(value, __u64);
} partners SEC(".maps");

/* Bytes that came from each source. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SOCKETS);
	__type(key, __u64);
	__type(value, __u64);
} moved SEC(".maps");

SEC("sk_skb/stream_verdict")
int forward(struct __sk_buff *skb)
{
	__u64 cookie = bpf_get_socket_cookie(skb), *bytes = bpf_map_lookup_elem(&moved, &cookie);

	/* The end of a stream comes as a packet without bytes. To redirect it would break the other socket. */
	if (skb->len == 0)
		return SK_DROP;
	if (bytes)
		__sync_fetch_and_add(bytes, skb->len);
	return bpf_sk_redirect_hash(skb, &partners, &cookie, 0);
}

const char _license[] SEC("license") = "GPL";
