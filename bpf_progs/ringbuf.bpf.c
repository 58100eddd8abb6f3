// SPDX-License-Identifier: MIT
// Fills ring buffers: each getpgid sends some records, each getsid one of another size, and each getpriority one into
// the second buffer. tests/kernel/ringbuf.cpp and tests/bench/ringbuf.cpp call them. From Linux 5.8.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define BUFFER(bytes)                                \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_RINGBUF);  \
		__uint(max_entries, bytes);          \
	}

BUFFER(1 << 16) events SEC(".maps");
BUFFER(1 << 12) others SEC(".maps");

struct event {
	__u64 number;
	__u32 cpu;
	__u32 place; /* in its call */
};

const volatile __u32 only_process = 0;
const volatile __u32 discards = 0; /* one record of so many */
__u32 batch = 1; /* how many records one call sends */
__u32 size = 0; /* of those that getsid sends */

__u64 sent = 0;
__u64 sum = 0;
__u64 discarded = 0;
__u64 refused = 0;
__u64 sent_to_others = 0;

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
		struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

		if (!event) {
			__sync_fetch_and_add(&refused, 1);
			continue;
		}
		event->number = sent;
		event->cpu = bpf_get_smp_processor_id();
		event->place = i;
		if (discards && i % discards == 0) {
			__sync_fetch_and_add(&discarded, 1);
			bpf_ringbuf_discard(event, 0);
			continue;
		}
		__sync_fetch_and_add(&sum, event->number);
		__sync_fetch_and_add(&sent, 1);
		bpf_ringbuf_submit(event, 0);
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
	if (bpf_ringbuf_output(&events, words, bytes, 0)) {
		refused += 1;
		return 0;
	}
	sum += sent;
	sent += 1;
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpriority")
int sends_to_others(void *ctx)
{
	__u64 number = sent_to_others;

	if (is_other() || bpf_ringbuf_output(&others, &number, sizeof(number), 0))
		return 0;
	sent_to_others = number + 1;
	return 0;
}

const char _license[] SEC("license") = "GPL";
