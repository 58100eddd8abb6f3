// SPDX-License-Identifier: MIT
// Structs that no kernel takes, each made only when asked for: the library says of each what is wrong with it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock;

SEC("struct_ops")
__u32 BPF_PROG(window, struct sock *sk)
{
	return 2;
}

SEC("struct_ops")
void BPF_PROG(nothing, struct sock *sk)
{
}

struct tcp_congestion_ops___more {
	__u32 (*ssthresh)(struct sock *sk);
	__u32 of_no_kernel;
};
SEC("?.struct_ops")
struct tcp_congestion_ops___more more = { .ssthresh = (void *)window, .of_no_kernel = 1 };

struct tcp_congestion_ops___bits {
	__u32 (*ssthresh)(struct sock *sk);
	__u32 flags : 3;
};
SEC("?.struct_ops")
struct tcp_congestion_ops___bits bits = { .ssthresh = (void *)window, .flags = 1 };

struct tcp_congestion_ops___wide {
	__u32 (*ssthresh)(struct sock *sk);
	__u64 flags;
};
SEC("?.struct_ops")
struct tcp_congestion_ops___wide wide = { .ssthresh = (void *)window };

struct tcp_congestion_ops___kind {
	__u32 (*name)(struct sock *sk);
};
SEC("?.struct_ops")
struct tcp_congestion_ops___kind kind = { .name = (void *)window };

struct tcp_congestion_ops___twice {
	__u32 (*ssthresh)(struct sock *sk);
	__u32 (*undo_cwnd)(struct sock *sk);
};
SEC("?.struct_ops")
struct tcp_congestion_ops___twice twice = { .ssthresh = (void *)window, .undo_cwnd = (void *)window };

/* An address that is no program's. */
struct tcp_congestion_ops___number {
	__u32 (*ssthresh)(struct sock *sk);
};
SEC("?.struct_ops")
struct tcp_congestion_ops___number number = { .ssthresh = (void *)4096 };

/* The kernel wants more functions than this. */
SEC("?.struct_ops")
struct tcp_congestion_ops___number few = { .ssthresh = (void *)window };

struct weather_ops {
	void (*rain)(struct sock *sk);
};
SEC("?.struct_ops")
struct weather_ops weather = { .rain = (void *)nothing };

char LICENSE[] SEC("license") = "GPL";
