// SPDX-License-Identifier: MIT
// Programs on functions and security hooks of the kernel that may sleep: tests/guest/sleepers.cpp calls those.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 only_process = 0;
__u64 entries = 0;
__u64 ends = 0;
__u64 opened = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

/* A function that is there for tests, and called by BPF_PROG_TEST_RUN; which others may be slept in is the kernel's choice. */
SEC("fentry.s/bpf_fentry_test1")
int begins(void *ctx)
{
	if (!is_other())
		entries++;
	return 0;
}

SEC("fexit.s/bpf_fentry_test1")
int is_over(void *ctx)
{
	if (!is_other())
		ends++;
	return 0;
}

SEC("lsm.s/file_open")
int opens(void *ctx)
{
	if (!is_other())
		opened++;
	return 0;
}

char _license[] SEC("license") = "GPL";
