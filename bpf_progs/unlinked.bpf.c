// SPDX-License-Identifier: MIT
// How often each folder lost a file, in a value that belongs to the folder; and a hook that forbids it:
// tests/guest/lsm.cpp unlinks files. From Linux 5.10.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct inode;
struct dentry;

struct {
	__uint(type, BPF_MAP_TYPE_INODE_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} losses SEC(".maps");

__u64 calls = 0;
__s32 verdict = 0; /* 0, or -errno */
const volatile __u32 only_process = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("lsm/inode_unlink")
int BPF_PROG(counts, struct inode *folder, struct dentry *file)
{
	__u64 *count;

	if (is_other())
		return 0;
	count = bpf_inode_storage_get(&losses, folder, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (count)
		(*count)++;
	return 0;
}

SEC("lsm/inode_unlink")
int BPF_PROG(forbids, struct inode *folder, struct dentry *file, int before)
{
	if (is_other())
		return before;
	calls++;
	/* The verifier wants to see that this is an errno. */
	if (verdict < 0 && verdict > -4096)
		return verdict;
	return before;
}

const char _license[] SEC("license") = "GPL";
