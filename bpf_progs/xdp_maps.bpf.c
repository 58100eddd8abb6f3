// SPDX-License-Identifier: MIT
// XDP programs that redirect the frames of a test through each kind of map that takes them: into a socket, out of an
// interface, to a CPU. The first byte behind the Ethernet header is the key. tests/kernel/xskmap.cpp, devmap.cpp and
// cpumap.cpp send the frames. From Linux 5.10.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TEST_PROTOCOL 0x88b5 /* for local experiments */
#define MARK 0x42

struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct bpf_devmap_val);
} devices SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} devices_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} queues SEC(".maps");

__u64 seen = 0;
__u64 unplaced = 0; /* under their key is nothing */
__u64 left = 0;
__u64 arrived = 0;
__u64 on_another_cpu = 0;

/* What is behind the Ethernet header of one of the test's frames, or null. */
static __always_inline unsigned char *content_of(struct xdp_md *ctx)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	unsigned char *content = (void *)(eth + 1);

	if ((void *)(content + 2) > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(TEST_PROTOCOL))
		return 0;
	return content;
}

static __always_inline int redirect(struct xdp_md *ctx, void *map)
{
	unsigned char *content = content_of(ctx);
	int action;

	if (!content)
		return XDP_PASS;
	__sync_fetch_and_add(&seen, 1);
	action = bpf_redirect_map(map, content[0], XDP_DROP);
	if (action != XDP_REDIRECT)
		__sync_fetch_and_add(&unplaced, 1);
	return action;
}

SEC("xdp")
int to_socket(struct xdp_md *ctx)
{
	return redirect(ctx, &sockets);
}

SEC("xdp")
int to_device(struct xdp_md *ctx)
{
	return redirect(ctx, &devices);
}

SEC("xdp")
int to_device_of_hash(struct xdp_md *ctx)
{
	return redirect(ctx, &devices_hash);
}

SEC("xdp")
int to_cpu(struct xdp_md *ctx)
{
	return redirect(ctx, &cpus);
}

SEC("xdp")
int to_queue(struct xdp_md *ctx)
{
	return redirect(ctx, &queues);
}

/* What a virtual Ethernet interface needs to take what is redirected to its peer. */
SEC("xdp")
int passes(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp/devmap")
int leaves(struct xdp_md *ctx)
{
	unsigned char *content = content_of(ctx);

	if (!content)
		return XDP_DROP;
	content[1] = MARK;
	__sync_fetch_and_add(&left, 1);
	return XDP_PASS;
}

SEC("xdp/cpumap")
int arrives(struct xdp_md *ctx)
{
	unsigned char *content = content_of(ctx);

	if (!content)
		return XDP_DROP;
	if (bpf_get_smp_processor_id() != content[0])
		__sync_fetch_and_add(&on_another_cpu, 1);
	content[1] = MARK;
	__sync_fetch_and_add(&arrived, 1);
	return XDP_PASS;
}

const char _license[] SEC("license") = "GPL";
