// SPDX-License-Identifier: MIT
// The least that is a scheduler: a name, and the kernel's own choice for all else.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sched_ext_ops {
	char name[128];
};

SEC(".struct_ops.link")
struct sched_ext_ops barebpf_scheduler = {
	.name = "barebpf",
};

char _license[] SEC("license") = "GPL";
