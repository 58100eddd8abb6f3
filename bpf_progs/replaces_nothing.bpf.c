// SPDX-License-Identifier: MIT
// Would replace a function that replaceable.bpf.c does not have: tests/guest/freplace.cpp.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("freplace/no_such_answer")
int no_answer(int to)
{
	return to;
}

const char _license[] SEC("license") = "GPL";
