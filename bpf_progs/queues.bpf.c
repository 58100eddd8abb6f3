// SPDX-License-Identifier: MIT
// A queue, a stack and a Bloom filter, used from both sides: getpgid pushes a counter, getsid takes what user space
// pushed and remembers the order. tests/kernel/queues.cpp calls both. From Linux 5.16.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define OF_LONGS(kind, entries)             \
	struct {                            \
		__uint(type, kind);         \
		__uint(max_entries, entries); \
		__type(value, __u64);       \
	}

OF_LONGS(BPF_MAP_TYPE_QUEUE, 8) to_user_queue SEC(".maps");
OF_LONGS(BPF_MAP_TYPE_STACK, 8) to_user_stack SEC(".maps");
OF_LONGS(BPF_MAP_TYPE_QUEUE, 8) to_program_queue SEC(".maps");
OF_LONGS(BPF_MAP_TYPE_STACK, 8) to_program_stack SEC(".maps");
OF_LONGS(BPF_MAP_TYPE_BLOOM_FILTER, 1000) seen SEC(".maps");

__u64 calls = 0;
__u64 queue_order = 0; /* digits, in the order in which they came */
__u64 stack_order = 0;
__u64 peeked = 0;
__u64 known = 0;
const volatile __u32 only_process = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int pushes(void *ctx)
{
	__u64 call = calls + 1;

	if (is_other())
		return 0;
	calls = call;
	bpf_map_push_elem(&to_user_queue, &call, BPF_EXIST);
	bpf_map_push_elem(&to_user_stack, &call, BPF_ANY);
	bpf_map_push_elem(&seen, &call, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getsid")
int takes(void *ctx)
{
	__u64 value = 0;

	if (is_other())
		return 0;
	if (bpf_map_peek_elem(&to_program_queue, &value) == 0)
		peeked = value;
	if (bpf_map_pop_elem(&to_program_queue, &value) == 0)
		queue_order = queue_order * 10 + value;
	if (bpf_map_pop_elem(&to_program_stack, &value) == 0) {
		stack_order = stack_order * 10 + value;
		known += bpf_map_peek_elem(&seen, &value) == 0;
	}
	return 0;
}

const char _license[] SEC("license") = "GPL";
