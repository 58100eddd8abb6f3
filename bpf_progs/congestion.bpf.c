// SPDX-License-Identifier: MIT
// A TCP congestion control that the kernel calls through a struct: as careful as Reno, and it counts. Without a link,
// from Linux 5.6. tests/kernel/struct_ops.cpp sends bytes through it.
#include "congestion.h"

SEC("struct_ops/bare_init")
void BPF_PROG(bare_init, struct sock *sk)
{
	__sync_fetch_and_add(&inits, 1);
}

SEC("struct_ops/bare_ssthresh")
__u32 BPF_PROG(bare_ssthresh, struct sock *sk)
{
	return half_of_window(sk);
}

SEC("struct_ops/bare_cong_avoid")
void BPF_PROG(bare_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	grow(sk, acked);
}

SEC("struct_ops/bare_undo_cwnd")
__u32 BPF_PROG(bare_undo_cwnd, struct sock *sk)
{
	return larger_window(sk);
}

SEC(".struct_ops")
struct tcp_congestion_ops___own bare_reno = {
	.init = (void *)bare_init,
	.ssthresh = (void *)bare_ssthresh,
	.cong_avoid = (void *)bare_cong_avoid,
	.undo_cwnd = (void *)bare_undo_cwnd,
	.name = "bare_reno",
};
