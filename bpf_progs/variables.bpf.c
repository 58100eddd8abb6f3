// SPDX-License-Identifier: MIT
// Global variables of every kind: constants that are set before loading, variables with and without a first value,
// static ones, and sections of their own. tests/kernel calls getpgid and looks at them through their mapping.
// From Linux 5.5.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct pair {
	__u32 calls;
	__s64 sum;
};

const volatile __u32 only_process = 0;
const volatile char greeting[8] = "hello";
__s32 step = 3;
struct pair seen = {.calls = 100, .sum = -5};
__u64 count = 0;
__u8 zeros[3000] = {};
static volatile __u64 private_count = 0;
const volatile __u16 own_constant SEC(".rodata.own") = 500;
__u16 own_variable SEC(".data.own") = 40;
__u32 own_zero SEC(".bss.own");
static volatile __u32 hidden_variable SEC(".data.hidden") = 6;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int counts(void *ctx)
{
	if (only_process != 0 && bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	count += step;
	private_count += 1;
	seen.calls += 1;
	seen.sum += greeting[0];
	own_variable += own_constant;
	own_zero = private_count + hidden_variable;
	zeros[2999] = 9;
	return 0;
}

const char _license[] SEC("license") = "GPL";
