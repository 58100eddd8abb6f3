// SPDX-License-Identifier: MIT
// Stands in for a function of replaceable.bpf.c: tests/guest/freplace.cpp.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 replaced_calls = 0;

SEC("freplace/answer")
int other_answer(int to)
{
	replaced_calls++;
	return to * 3;
}

const char _license[] SEC("license") = "GPL";
