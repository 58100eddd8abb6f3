// SPDX-License-Identifier: MIT
// Puts samples out through perf events: each getpgid one number, each getsid one of `size` bytes, of which 8 are its
// number. tests/kernel/perf_event_array.cpp calls on all CPUs and takes them. From Linux 4.7.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, 128);
	__uint(key_size, 4);
	__uint(value_size, 4);
} events SEC(".maps");

struct event {
	__u64 number;
	__u32 cpu;
	__u32 place;
};

const volatile __u32 only_process = 0;
__u32 batch = 1; /* how many samples one call puts out */
__u32 size = 8; /* of those of getsid */

__u64 sent = 0;
__u64 sum = 0;
__u64 refused = 0;
__s64 answer = 0; /* of the last one that was refused */

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int sends(void *ctx)
{
	if (is_other())
		return 0;
	for (__u32 i = 0; i < 64 && i < batch; ++i) {
		struct event event = {.number = sent, .cpu = bpf_get_smp_processor_id(), .place = i};
		long result = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));

		if (result) {
			answer = result;
			__sync_fetch_and_add(&refused, 1);
			continue;
		}
		__sync_fetch_and_add(&sum, event.number);
		__sync_fetch_and_add(&sent, 1);
	}
	return 0;
}

static __u64 words[512];

SEC("tracepoint/syscalls/sys_enter_getsid")
int sends_words(void *ctx)
{
	__u32 bytes = size;

	if (is_other() || bytes > sizeof(words))
		return 0;
	words[0] = sent;
	if (bytes > 8)
		((__u8 *)words)[(bytes - 1) & (sizeof(words) - 1)] = 0xab;
	answer = bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, words, bytes);
	if (answer) {
		refused += 1;
		return 0;
	}
	sum += sent;
	sent += 1;
	return 0;
}

const char _license[] SEC("license") = "GPL";
