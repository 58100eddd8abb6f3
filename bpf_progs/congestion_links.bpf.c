// SPDX-License-Identifier: MIT
// Congestion controls that are registered by links, of which one takes the place of the other: both give one name. A
// third is made only when asked for. From Linux 6.4.
#include "congestion.h"

__u64 first_calls = 0;
__u64 second_calls = 0;
__u64 third_calls = 0;

SEC("struct_ops")
__u32 BPF_PROG(link_ssthresh, struct sock *sk)
{
	return half_of_window(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(link_undo_cwnd, struct sock *sk)
{
	return larger_window(sk);
}

SEC("struct_ops")
void BPF_PROG(first_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	__sync_fetch_and_add(&first_calls, 1);
	grow(sk, acked);
}

SEC("struct_ops")
void BPF_PROG(second_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	__sync_fetch_and_add(&second_calls, 1);
	grow(sk, acked);
}

SEC("?struct_ops")
void BPF_PROG(third_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	__sync_fetch_and_add(&third_calls, 1);
	grow(sk, acked);
}

/* Of no kernel, so it is not loaded. */
SEC("struct_ops")
void BPF_PROG(of_no_kernel, struct sock *sk)
{
}

SEC(".struct_ops.link")
struct tcp_congestion_ops___own first = {
	.ssthresh = (void *)link_ssthresh,
	.cong_avoid = (void *)first_cong_avoid,
	.undo_cwnd = (void *)link_undo_cwnd,
	.no_kernel_has_this = (void *)of_no_kernel,
	.name = "bare_link",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops___own second = {
	.ssthresh = (void *)link_ssthresh,
	.cong_avoid = (void *)second_cong_avoid,
	.undo_cwnd = (void *)link_undo_cwnd,
	.name = "bare_link",
};

SEC("?.struct_ops.link")
struct tcp_congestion_ops___own third = {
	.ssthresh = (void *)link_ssthresh,
	.cong_avoid = (void *)third_cong_avoid,
	.undo_cwnd = (void *)link_undo_cwnd,
	.name = "bare_third",
};
