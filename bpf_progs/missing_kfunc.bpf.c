// SPDX-License-Identifier: MIT
// Calls a function that no kernel has without asking for it before: a loader must name it. tests/kernel/externs.cpp.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

extern int bpf_is_there(void) __ksym __weak;
extern int bpf_is_nowhere(void) __ksym __weak;

SEC("syscall")
int calls(void *ctx)
{
	if (bpf_ksym_exists(bpf_is_there))
		return bpf_is_there();
	return bpf_is_nowhere();
}

const char _license[] SEC("license") = "GPL";
