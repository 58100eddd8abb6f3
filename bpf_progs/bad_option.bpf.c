// SPDX-License-Identifier: MIT
// Wants an option of the kernel as a type that none has: refused when it is read. tests/compile_fail/bad_option.cpp.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int CONFIG_HZ[2] __kconfig;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int reads(void *ctx)
{
	return CONFIG_HZ[1];
}

const char _license[] SEC("license") = "GPL";
