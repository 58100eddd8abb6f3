// SPDX-License-Identifier: MIT
// Sends what its caller says: each getpgid its argument through a ring buffer, each getsid the same through perf events,
// and counts for each sender, whose number is in the upper bits. tests/soak calls on all CPUs. From Linux 5.8.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 14);
} soak_ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 128);
	__uint(key_size, 4);
	__uint(value_size, 4);
} soak_samples SEC(".maps");

/* What a tracepoint of syscalls/sys_enter_* is given. */
struct system_call {
	__u64 common;
	__u64 number;
	__u64 arguments[6];
};

const volatile __u32 only_process = 0;

__u64 sent[16];
__u64 refused[16];

static __always_inline void count(__u64 number, long answer)
{
	__u32 sender = number >> 48 & 15;

	__sync_fetch_and_add(answer ? &refused[sender] : &sent[sender], 1);
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int soak_to_ring(struct system_call *call)
{
	__u64 number = call->arguments[0];

	if (bpf_get_current_pid_tgid() >> 32 == only_process)
		count(number, bpf_ringbuf_output(&soak_ring, &number, sizeof(number), 0));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getsid")
int soak_to_events(struct system_call *call)
{
	__u64 number = call->arguments[0];

	if (bpf_get_current_pid_tgid() >> 32 == only_process)
		count(number, bpf_perf_event_output(call, &soak_samples, BPF_F_CURRENT_CPU, &number, sizeof(number)));
	return 0;
}

const char _license[] SEC("license") = "GPL";
