// SPDX-License-Identifier: MIT
// One program for each section of cgroups, and a counter for each; tests/kernel/attach_cgroups.cpp does in a cgroup what
// calls all of them.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 calls[32] = {};

#define COUNTS(index, section, name, context)                        \
	SEC(section) int name(struct context *ctx)                   \
	{                                                            \
		__sync_fetch_and_add(&calls[index], 1);              \
		return 1;                                            \
	}

COUNTS(0, "cgroup_skb/ingress", skb_ingress, __sk_buff)
COUNTS(1, "cgroup_skb/egress", skb_egress, __sk_buff)
COUNTS(2, "cgroup/skb", skb, __sk_buff)
COUNTS(3, "cgroup/sock_create", sock_create, bpf_sock)
COUNTS(4, "cgroup/sock_release", sock_release, bpf_sock)
COUNTS(5, "cgroup/sock", sock, bpf_sock)
COUNTS(6, "cgroup/post_bind4", post_bind4, bpf_sock)
COUNTS(7, "cgroup/post_bind6", post_bind6, bpf_sock)
COUNTS(8, "cgroup/bind4", bind4, bpf_sock_addr)
COUNTS(9, "cgroup/bind6", bind6, bpf_sock_addr)
COUNTS(10, "cgroup/connect4", connect4, bpf_sock_addr)
COUNTS(11, "cgroup/connect6", connect6, bpf_sock_addr)
COUNTS(12, "cgroup/sendmsg4", sendmsg4, bpf_sock_addr)
COUNTS(13, "cgroup/sendmsg6", sendmsg6, bpf_sock_addr)
COUNTS(14, "cgroup/recvmsg4", recvmsg4, bpf_sock_addr)
COUNTS(15, "cgroup/recvmsg6", recvmsg6, bpf_sock_addr)
COUNTS(16, "cgroup/getpeername4", getpeername4, bpf_sock_addr)
COUNTS(17, "cgroup/getpeername6", getpeername6, bpf_sock_addr)
COUNTS(18, "cgroup/getsockname4", getsockname4, bpf_sock_addr)
COUNTS(19, "cgroup/getsockname6", getsockname6, bpf_sock_addr)
COUNTS(20, "cgroup/sysctl", sysctl, bpf_sysctl)
COUNTS(22, "cgroup/setsockopt", setsockopt, bpf_sockopt)
COUNTS(23, "cgroup/dev", dev, bpf_cgroup_dev_ctx)
COUNTS(24, "sockops", socket_events, bpf_sock_ops)
COUNTS(25, "?cgroup/connect_unix", connect_unix, bpf_sock_addr)
COUNTS(26, "?cgroup/sendmsg_unix", sendmsg_unix, bpf_sock_addr)
COUNTS(27, "?cgroup/recvmsg_unix", recvmsg_unix, bpf_sock_addr)
COUNTS(28, "?cgroup/getpeername_unix", getpeername_unix, bpf_sock_addr)
COUNTS(29, "?cgroup/getsockname_unix", getsockname_unix, bpf_sock_addr)

/* Of an option that is larger than a page the kernel wants to hear that nobody changed it. */
SEC("cgroup/getsockopt")
int getsockopt(struct bpf_sockopt *ctx)
{
	__sync_fetch_and_add(&calls[21], 1);
	return 1;
}

char _license[] SEC("license") = "GPL";
