// SPDX-License-Identifier: MIT
// A value for each thread that asks for its session, and for processes that want to know whether they are in a cgroup:
// tests/kernel/storages.cpp calls getsid and getpgid. From Linux 5.12.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct calls {
	__u64 count;
	__u64 step; /* what a call adds; user space changes it */
	__u32 thread;
	__u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct calls);
} calls_of_thread SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 2);
	__type(key, __u32);
	__type(value, __u32);
} cgroups SEC(".maps");

/* What is said to the processes that are in here. */
struct answers {
	__s32 is_inside;  /* of slot 0 */
	__s32 of_nothing; /* of slot 1, which is empty */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct answers);
} askers SEC(".maps");

const volatile __u32 only_process = 0;

SEC("tracepoint/syscalls/sys_enter_getsid")
int counts(void *ctx)
{
	const struct calls first = {.step = 1, .thread = (__u32)bpf_get_current_pid_tgid()};
	struct calls *mine;

	if (bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	mine = bpf_task_storage_get(&calls_of_thread, bpf_get_current_task_btf(), (void *)&first,
				    BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (mine)
		mine->count += mine->step;
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int asks(void *ctx)
{
	const __u32 process = bpf_get_current_pid_tgid() >> 32;
	struct answers *answers = bpf_map_lookup_elem(&askers, &process);

	if (!answers)
		return 0;
	answers->is_inside = bpf_current_task_under_cgroup(&cgroups, 0);
	answers->of_nothing = bpf_current_task_under_cgroup(&cgroups, 1);
	return 0;
}

const char _license[] SEC("license") = "GPL";
