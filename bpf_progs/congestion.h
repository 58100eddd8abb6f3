/* SPDX-License-Identifier: MIT */
/* What congestion controls of the tests share: the few members of the kernel's types that they look at, in an order of
 * their own, and what Reno does with a window. */
#ifndef CONGESTION_H
#define CONGESTION_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock;

struct tcp_sock {
	__u32 snd_cwnd;
	__u32 snd_ssthresh;
	__u32 prior_cwnd;
	__u32 snd_cwnd_clamp;
} __attribute__((preserve_access_index));

/* Members in another order than the kernel's, and not all of them. libbpf takes no flavours and no strangers before 1.5. */
#ifdef WHAT_LIBBPF_LOADS
#define tcp_congestion_ops___own tcp_congestion_ops
#endif
struct tcp_congestion_ops___own {
	char name[16];
	__u32 (*undo_cwnd)(struct sock *sk);
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*ssthresh)(struct sock *sk);
	void (*init)(struct sock *sk);
#ifndef WHAT_LIBBPF_LOADS
	void (*no_kernel_has_this)(struct sock *sk);
#endif
	__u32 flags;
};

__u64 inits = 0;
__u64 growths = 0;
__u64 acked_packets = 0;
__u64 halvings = 0;

static __always_inline __u32 half_of_window(struct sock *sk)
{
	__u32 half = ((struct tcp_sock *)sk)->snd_cwnd >> 1;

	__sync_fetch_and_add(&halvings, 1);
	return half > 2 ? half : 2;
}

static __always_inline __u32 larger_window(struct sock *sk)
{
	const struct tcp_sock *tp = (struct tcp_sock *)sk;

	return tp->snd_cwnd > tp->prior_cwnd ? tp->snd_cwnd : tp->prior_cwnd;
}

static __always_inline void grow(struct sock *sk, __u32 acked)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	__sync_fetch_and_add(&growths, 1);
	__sync_fetch_and_add(&acked_packets, acked);
	if (tp->snd_cwnd < tp->snd_ssthresh && tp->snd_cwnd < tp->snd_cwnd_clamp)
		tp->snd_cwnd += acked < 4 ? acked : 4;
}

char LICENSE[] SEC("license") = "GPL";

#endif
