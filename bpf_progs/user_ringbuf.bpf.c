// SPDX-License-Identifier: MIT
// Drains a ring buffer that user space fills: each getpgid takes what is there, or as much as `at_most` says.
// tests/kernel/user_ringbuf.cpp sends and calls. From Linux 6.1.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_USER_RINGBUF);
	__uint(max_entries, 4096);
} commands SEC(".maps");

const volatile __u32 only_process = 0;
__u32 at_most = 0; /* records in one call, 0 for all */

__u64 drained = 0;
__u64 sum = 0;
__u64 in_order = 0; /* records that held the number of those before them */
__u64 short_ones = 0;
__s64 answer = 0; /* of the last call */

static __u64 taken; /* in this call */

static long takes_one(struct bpf_dynptr *record, void *context)
{
	__u64 number = 0;

	if (bpf_dynptr_read(&number, sizeof(number), record, 0, 0))
		short_ones += 1;
	sum += number;
	in_order += number == drained;
	drained += 1;
	taken += 1;
	return taken == at_most;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int drains(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	taken = 0;
	answer = bpf_user_ringbuf_drain(&commands, takes_one, 0, 0);
	return 0;
}

const char _license[] SEC("license") = "GPL";
