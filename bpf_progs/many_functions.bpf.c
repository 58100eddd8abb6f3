// SPDX-License-Identifier: MIT
// Programs on many functions of the kernel at once, on system calls by their names, and on security hooks of a cgroup;
// tests/guest reads files and looks at the counters.
#include <linux/bpf.h>
#ifdef __TARGET_ARCH_x86
/* The kernel's own names for registers, as a vmlinux.h has them. */
#define __VMLINUX_H__
struct pt_regs {
	unsigned long r10, r9, r8, ax, dx, si, di, ip, sp, bp;
} __attribute__((preserve_access_index));
#else
#include <linux/ptrace.h>
#endif
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

const volatile __u32 only_process = 0;
__u64 entries = 0;
__u64 ends = 0;
__u64 both_ends = 0;
__u64 seen_cookie = 0;
__u64 size_asked = 0;
__s64 size_given = 0;
__u64 sockets = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("?kprobe.multi/vfs_rea?")
int begin_many(void *ctx)
{
	if (is_other())
		return 0;
	entries++;
	seen_cookie = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("?kretprobe.multi/vfs_read")
int end_many(void *ctx)
{
	if (!is_other())
		ends++;
	return 0;
}

SEC("?kprobe.session/vfs_read")
int both(void *ctx)
{
	if (!is_other())
		both_ends++;
	return 0;
}

SEC("?fsession/vfs_read")
int session(void *ctx)
{
	if (!is_other())
		both_ends++;
	return 0;
}

SEC("ksyscall/read")
int BPF_KSYSCALL(asks, unsigned int file, void *to, __u64 size)
{
	if (!is_other())
		size_asked += size;
	return 0;
}

SEC("kretsyscall/read")
int BPF_KRETPROBE(gives, long result)
{
	if (!is_other())
		size_given += result;
	return 0;
}

SEC("ksyscall/no_such_call")
int nowhere(void *ctx)
{
	return 0;
}

SEC("?lsm_cgroup/socket_create")
int makes_socket(void *ctx)
{
	__sync_fetch_and_add(&sockets, 1);
	return 1;
}

char _license[] SEC("license") = "GPL";
