// SPDX-License-Identifier: MIT
// An arena, used from both sides: user space builds a list with plain pointers in it, getpgid walks over the list,
// counts in its nodes and leaves a pointer to the largest; getsid writes where no page is. tests/kernel/arena.cpp
// calls both. From Linux 6.10; the first with arenas, 6.9, cannot add to a word of one.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_arena_common.h>

#define ARENA 33 /* BPF_MAP_TYPE_ARENA, which older headers do not have */

struct node {
	struct node __arena *next;
	__u64 value;
	__u64 visits;
};

struct list {
	struct node __arena *first;
	struct node __arena *largest; /* written here */
	__u64 sum;
	__u64 length;
	__u64 walks;
};

struct {
	__uint(type, ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 16);
	__ulong(map_extra, 0x70000000);
} pages SEC(".maps");

struct list __arena *shared = 0; /* an address of user space */
__u64 *absent = 0;
__u64 read_from_absent = 1;
const volatile __u32 only_process = 0;

static __always_inline int is_other(void)
{
	return bpf_get_current_pid_tgid() >> 32 != only_process;
}

SEC("tracepoint/syscalls/sys_enter_getpgid")
int walks(void *ctx)
{
	struct list __arena *list = shared;
	struct node __arena *at, *largest = 0;
	__u64 sum = 0, length = 0, most = 0;

	use_arena(&pages);
	if (is_other() || !list)
		return 0;
	cast_kern(list);
	for (at = list->first; at && length < 1000; at = at->next) {
		cast_kern(at);
		sum += at->value;
		length++;
		if (at->value >= most) {
			most = at->value;
			largest = at;
		}
		__sync_fetch_and_add(&at->visits, 1);
	}
	cast_user(largest);
	list->largest = largest;
	list->sum = sum;
	list->length = length;
	__sync_fetch_and_add(&list->walks, 1);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_getsid")
int writes(void *ctx)
{
	__u64 __arena *word = absent;

	use_arena(&pages);
	if (is_other())
		return 0;
	cast_kern(word);
	*word = 7;
	read_from_absent = *(volatile __u64 *)word;
	return 0;
}

const char _license[] SEC("license") = "GPL";
