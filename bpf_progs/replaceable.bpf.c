// SPDX-License-Identifier: MIT
// A program with a function that another one can replace: tests/guest/freplace.cpp.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

__u64 questions = 0;

/* Not inlined, and not changed by what is known of its callers. */
__noinline int answer(int to)
{
	volatile int doubled = to * 2;

	return doubled;
}

SEC("xdp")
int asks(struct xdp_md *ctx)
{
	questions++;
	return answer(21);
}

const char _license[] SEC("license") = "GPL";
