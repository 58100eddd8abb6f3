// SPDX-License-Identifier: MIT
// A kprobe that asks for its cookie, which kernels have since 5.15: tests/guest/kprobes.cpp.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>

__u64 cookie = 0;
const volatile __u32 only_process = 0;

SEC("kprobe/vfs_read")
int remembers(struct pt_regs *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == only_process)
		cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

const char _license[] SEC("license") = "GPL";
