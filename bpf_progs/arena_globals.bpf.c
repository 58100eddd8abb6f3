// SPDX-License-Identifier: MIT
// Global variables that lie in an arena: with a first value, and none. tests/kernel/externs.cpp calls getpgid and reads
// them from the arena's memory. From Linux 6.10.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena_common.h>

#define ARENA 33 /* BPF_MAP_TYPE_ARENA, which older headers do not have */

struct {
	__uint(type, ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 4);
	__ulong(map_extra, 0x71000000);
} pages SEC(".maps");

struct pair {
	__u32 calls;
	__u64 sum;
};

struct pair __arena_global seen = {.calls = 100, .sum = 5};
__u64 __arena_global step = 7;
__u64 __arena_global far[600] = {[599] = 11};
const volatile __u32 only_process = 0;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int counts(void *ctx)
{
	struct pair __arena *pair = &seen;
	__u64 __arena *by = &step, *last = &far[599];

	use_arena(&pages);
	if (bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	cast_kern(pair);
	cast_kern(by);
	cast_kern(last);
	pair->calls++;
	pair->sum += *by;
	*last += 1;
	return 0;
}

const char _license[] SEC("license") = "GPL";
