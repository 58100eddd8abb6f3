// SPDX-License-Identifier: MIT
// Programs that are run without their event, and one that lists cgroups; tests/kernel/test_runs.cpp runs them.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

__u64 runs = 0;
__u32 seen_cpu = 0;

/* Changes the first byte of the packet, and makes it four bytes longer. */
SEC("xdp")
int changes(struct xdp_md *ctx)
{
	__u8 *data;

	__sync_fetch_and_add(&runs, 1);
	if (bpf_xdp_adjust_head(ctx, -4))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if ((void *)(data + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*data = 0x77;
	return XDP_TX;
}

SEC("xdp")
int drops(struct xdp_md *ctx)
{
	__sync_fetch_and_add(&runs, 1);
	return XDP_DROP;
}

SEC("tc")
int marks(struct __sk_buff *skb)
{
	skb->mark += 1;
	return TC_ACT_SHOT;
}

SEC("raw_tp/sys_enter")
int tells_cpu(__u64 *ctx)
{
	seen_cpu = bpf_get_smp_processor_id();
	return ctx[0] + ctx[1];
}

struct iterator_meta {
	void *seq;
	__u64 session;
	__u64 number;
};
struct cgroup_seen {
	struct iterator_meta *meta;
	void *cgroup;
};

SEC("?iter/cgroup")
int cgroups(struct cgroup_seen *ctx)
{
	if (ctx->cgroup)
		bpf_seq_write(ctx->meta->seq, "c", 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
