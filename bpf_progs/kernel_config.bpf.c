// SPDX-License-Identifier: MIT
// Facts about the kernel that a program is told when it is loaded, of each form. tests/kernel/externs.cpp calls getpgid
// and compares with what uname and the kernel's configuration say. From Linux 5.5.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

extern int LINUX_KERNEL_VERSION __kconfig;
extern bool LINUX_HAS_BPF_COOKIE __kconfig;
extern bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
extern __u64 LINUX_HAS_NEVER_BEEN_KNOWN __kconfig __weak;
extern bool CONFIG_BPF_SYSCALL __kconfig;
extern enum libbpf_tristate CONFIG_BPF_JIT __kconfig;
extern enum libbpf_tristate CONFIG_NO_SUCH_OPTION __kconfig __weak;
extern __u32 CONFIG_HZ __kconfig;
extern __u16 CONFIG_NR_CPUS __kconfig;
extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig;
extern char CONFIG_NET __kconfig;

struct seen {
	__u64 version;
	__u64 hz;
	__u64 never_known;
	__u32 cpus;
	__u32 jit;
	__u32 no_such;
	__u8 has_cookie;
	__u8 has_wrapper;
	__u8 has_syscall;
	char net;
	char hostname[16];
} seen = {};
const volatile __u32 only_process = 0;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int tells(void *ctx)
{
	int i;

	if (bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	seen.version = LINUX_KERNEL_VERSION;
	seen.hz = CONFIG_HZ;
	seen.never_known = LINUX_HAS_NEVER_BEEN_KNOWN;
	seen.cpus = CONFIG_NR_CPUS;
	seen.jit = CONFIG_BPF_JIT;
	seen.no_such = CONFIG_NO_SUCH_OPTION;
	seen.has_cookie = LINUX_HAS_BPF_COOKIE;
	seen.has_wrapper = LINUX_HAS_SYSCALL_WRAPPER;
	seen.has_syscall = CONFIG_BPF_SYSCALL;
	seen.net = CONFIG_NET;
	for (i = 0; i < 16; i++)
		seen.hostname[i] = CONFIG_DEFAULT_HOSTNAME[i];
	return 0;
}

const char _license[] SEC("license") = "GPL";
