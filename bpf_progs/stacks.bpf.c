// SPDX-License-Identifier: MIT
// Stacks of one process at getpgid: by addresses on both sides, by build ids, and in a map with room for one alone.
// tests/kernel/stack_trace.cpp calls it. From Linux 4.17.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define DEPTH 127

#define STACKS(entries, place, flags)                      \
	struct {                                           \
		__uint(type, BPF_MAP_TYPE_STACK_TRACE);    \
		__uint(max_entries, entries);              \
		__uint(key_size, sizeof(__u32));           \
		__uint(value_size, DEPTH * (place));       \
		__uint(map_flags, flags);                  \
	}

STACKS(1024, sizeof(__u64), 0) stacks SEC(".maps");
STACKS(64, sizeof(struct bpf_stack_build_id), BPF_F_STACK_BUILD_ID) build_ids SEC(".maps");
STACKS(1, sizeof(__u64), 0) crowded SEC(".maps");

/* Negative ids are errors, such as -EFAULT of a kernel thread, which has no user stack. */
struct seen {
	__u32 pid;
	__s32 user;
	__s32 kernel;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, struct seen);
	__type(value, __u64);
} counts SEC(".maps");

const volatile __u32 only_process = 0;
__s64 build_id = 0; /* what the last call gave */
__u64 kept = 0; /* stacks that were alone in `crowded`, */
__u64 collided = 0; /* that found another one there, */
__u64 other = 0; /* and other errors */

#define EEXIST 17

SEC("tracepoint/syscalls/sys_enter_getpgid")
int sample(void *ctx)
{
	__u64 one = 1, *count;
	struct seen key = {};
	long id;

	key.pid = bpf_get_current_pid_tgid() >> 32;
	if (key.pid != only_process)
		return 0;
	key.user = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	key.kernel = bpf_get_stackid(ctx, &stacks, 0);
	count = bpf_map_lookup_elem(&counts, &key);
	if (count)
		*count += 1;
	else
		bpf_map_update_elem(&counts, &key, &one, BPF_NOEXIST);

	build_id = bpf_get_stackid(ctx, &build_ids, BPF_F_USER_STACK);

	id = bpf_get_stackid(ctx, &crowded, BPF_F_USER_STACK);
	if (id >= 0)
		kept += 1;
	else if (id == -EEXIST)
		collided += 1;
	else
		other += 1;
	return 0;
}

const char _license[] SEC("license") = "GPL";
