// SPDX-License-Identifier: MIT
// A program that the kernel would call through a struct, and no struct that has it.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock;

SEC("struct_ops")
__u32 BPF_PROG(stray, struct sock *sk)
{
	return 2;
}

char LICENSE[] SEC("license") = "GPL";
