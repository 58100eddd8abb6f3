// SPDX-License-Identifier: MIT
// Programs on functions of the kernel through its trampolines, at their entry, at their end and in their place:
// tests/guest/trampolines.cpp reads and asks for a process group, and compares.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct file;
struct task_struct;

__u64 entries = 0;
__u64 ends = 0;
__u64 size_asked = 0;
__s64 size_given = 0;
__u64 questions = 0;
__s32 answer = 0; /* what the kernel says instead of the truth */
const volatile __u32 only_process = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("fentry/vfs_read")
int BPF_PROG(begins, struct file *file, char *to, __u64 size, __s64 *at)
{
	if (is_other())
		return 0;
	entries++;
	size_asked += size;
	return 0;
}

SEC("fexit/vfs_read")
int BPF_PROG(is_over, struct file *file, char *to, __u64 size, __s64 *at, __s64 result)
{
	if (is_other())
		return 0;
	ends++;
	size_given += result;
	return 0;
}

SEC("fmod_ret/security_task_getpgid")
int BPF_PROG(answers, struct task_struct *task, int result)
{
	if (is_other())
		return result;
	questions++;
	return answer;
}

const char _license[] SEC("license") = "GPL";
