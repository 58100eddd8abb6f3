// SPDX-License-Identifier: MIT
// Two maps, two programs, members given by size and by type, and names longer than the kernel keeps. Counts
// getpgid and getsid calls apart; tests/kernel makes some and reads both counts. From Linux 4.7.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct call {
	__u32 pid;
	__u32 number;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct call);
	__type(value, __u64);
} calls_by_process_and_number SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__uint(key_size, 4);
	__uint(value_size, 8);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} totals SEC(".maps");

static __always_inline void count(__u32 number)
{
	struct call call = {.pid = bpf_get_current_pid_tgid() >> 32, .number = number};
	__u64 one = 1, *seen = bpf_map_lookup_elem(&calls_by_process_and_number, &call);

	if (seen)
		__sync_fetch_and_add(seen, 1);
	else
		bpf_map_update_elem(&calls_by_process_and_number, &call, &one, BPF_ANY);
	seen = bpf_map_lookup_elem(&totals, &number);
	if (seen)
		__sync_fetch_and_add(seen, 1);
	else
		bpf_map_update_elem(&totals, &number, &one, BPF_ANY);
}

SEC("tp/syscalls/sys_enter_getpgid")
int count_getpgid_calls(void *ctx)
{
	count(1);
	return 0;
}

SEC("tp/syscalls/sys_enter_getsid")
int count_getsid_calls(void *ctx)
{
	count(2);
	return 0;
}

const char _license[] SEC("license") = "GPL";
