// SPDX-License-Identifier: MIT
// Maps of maps that begin with maps in them: getpgid counts in the one that `chosen` tells, in an array of arrays and
// in a hash of hashes. tests/kernel/map_in_map.cpp exchanges them while it runs. From Linux 5.5.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct page {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
};

struct page first SEC(".maps");
struct page third SEC(".maps");
struct page spare SEC(".maps"); /* in no other map at first */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct page);
} pages SEC(".maps") = {
	.values = { [0] = &first, [2] = &third },
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u64);
} book SEC(".maps"), spare_book SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 4);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 8);
		__type(key, __u32);
		__type(value, __u64);
	});
} books SEC(".maps") = {
	.values = { [2] = (void *)&book },
};

__u32 chosen = 0;
__u64 missing = 0; /* calls for which there was no map */
const volatile __u32 only_process = 0;

SEC("tracepoint/syscalls/sys_enter_getpgid")
int counts(void *ctx)
{
	__u32 key = chosen, zero = 0;
	const __u64 one = 1;
	void *page, *notes;
	__u64 *count;

	if (bpf_get_current_pid_tgid() >> 32 != only_process)
		return 0;
	page = bpf_map_lookup_elem(&pages, &key);
	notes = bpf_map_lookup_elem(&books, &key);
	if (page) {
		count = bpf_map_lookup_elem(page, &zero);
		if (count)
			++*count;
	}
	if (notes) {
		count = bpf_map_lookup_elem(notes, &key);
		if (count)
			++*count;
		else
			bpf_map_update_elem(notes, &key, &one, BPF_ANY);
	}
	missing += !page + !notes;
	return 0;
}

const char _license[] SEC("license") = "GPL";
