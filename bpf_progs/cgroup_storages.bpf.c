// SPDX-License-Identifier: MIT
// Values of sockets and cgroups, kept by programs that are attached to a cgroup or told of it:
// tests/kernel/cgroup_storages.cpp sends packets from it and looks. From Linux 6.2.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define CGRP_STORAGE 32 /* BPF_MAP_TYPE_CGRP_STORAGE, which the headers of Linux 6.1 lack */

struct traffic {
	__u32 creator; /* process */
	__u32 packets;
	__u64 limit; /* bytes that a packet may have; user space changes it */
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct traffic);
} traffic_of_socket SEC(".maps");

struct {
	__uint(type, CGRP_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} arrivals SEC(".maps");

/* The deprecated ones: by the cgroup's id, and by what the program is attached for as well. */
struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_STORAGE);
	__type(key, __u64);
	__type(value, __u64);
} bytes_of_cgroup SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
	__type(key, struct bpf_cgroup_storage_key);
	__type(value, __u64);
} packets_of_cgroup SEC(".maps");

SEC("cgroup/sock_create")
int creates(struct bpf_sock *sk)
{
	struct traffic *mine = bpf_sk_storage_get(&traffic_of_socket, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (mine) {
		mine->creator = bpf_get_current_pid_tgid() >> 32;
		mine->limit = 1000;
	}
	return 1;
}

SEC("cgroup_skb/egress")
int sends(struct __sk_buff *skb)
{
	__u64 *bytes = bpf_get_local_storage(&bytes_of_cgroup, 0);
	__u64 *packets = bpf_get_local_storage(&packets_of_cgroup, 0);
	struct bpf_sock *sk = skb->sk;
	struct traffic *mine;

	__sync_fetch_and_add(bytes, skb->len);
	*packets += 1;
	if (!sk)
		return 1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return 1;
	mine = bpf_sk_storage_get(&traffic_of_socket, sk, 0, 0);
	if (!mine)
		return 1;
	mine->packets++;
	return skb->len <= mine->limit;
}

/* The arguments are the cgroup that a task comes to, its path, the task, and whether its whole process comes. */
SEC("tp_btf/cgroup_attach_task")
int arrives(__u64 *ctx)
{
	/* Where user space has put no value, nobody counts. */
	__u64 *count = bpf_cgrp_storage_get(&arrivals, (void *)ctx[0], 0, 0);

	if (count)
		__sync_fetch_and_add(count, 1);
	return 0;
}

const char _license[] SEC("license") = "GPL";
