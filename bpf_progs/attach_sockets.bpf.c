// SPDX-License-Identifier: MIT
// One program for each way to attach to a socket or to a map of sockets; tests/kernel/attach.cpp sends and looks at the
// counters. From Linux 5.14.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

__u64 filtered = 0;
__u64 chosen = 0;
__u64 parsed = 0;
__u64 judged = 0;
__u64 messages = 0;

/* Lets packets of an even length pass. */
SEC("socket")
int filter(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&filtered, 1);
	return skb->len % 2 == 0 ? skb->len : 0;
}

SEC("sk_reuseport")
int chooses(struct sk_reuseport_md *ctx)
{
	__sync_fetch_and_add(&chosen, 1);
	return SK_PASS; /* as the kernel would without a program */
}

SEC("sk_reuseport/migrate")
int migrates(struct sk_reuseport_md *ctx)
{
	return SK_PASS;
}

SEC("sk_skb/stream_parser")
int parser(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&parsed, 1);
	return skb->len;
}

SEC("sk_skb/stream_verdict")
int verdict(struct __sk_buff *skb)
{
	__sync_fetch_and_add(&judged, 1);
	return SK_PASS;
}

SEC("sk_msg")
int message(struct sk_msg_md *msg)
{
	__sync_fetch_and_add(&messages, 1);
	return SK_PASS;
}

const char _license[] SEC("license") = "GPL";
