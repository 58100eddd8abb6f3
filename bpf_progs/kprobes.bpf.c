// SPDX-License-Identifier: MIT
// Kprobes on the function of the kernel that reads, at its entry and its end, and one of a function that is not there:
// tests/guest/kprobes.cpp reads, and compares.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct file;

__u64 entries = 0;
__u64 ends = 0;
__u64 size_asked = 0;
__s64 size_given = 0;
const volatile __u32 only_process = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("kprobe/vfs_read")
int BPF_KPROBE(begins, struct file *file, char *to, __u64 size)
{
	if (is_other())
		return 0;
	entries++;
	size_asked += size;
	return 0;
}

SEC("kretprobe/vfs_read")
int BPF_KRETPROBE(is_over, __s64 result)
{
	if (is_other())
		return 0;
	ends++;
	size_given += result;
	return 0;
}

/* The machine's instruction at the first byte is there on each machine. */
SEC("kprobe/vfs_read+0x0")
int at_an_offset(struct pt_regs *ctx)
{
	if (!is_other())
		entries++;
	return 0;
}

SEC("kprobe/barebpf_no_such_function")
int nowhere(struct pt_regs *ctx)
{
	return 0;
}

const char _license[] SEC("license") = "GPL";
