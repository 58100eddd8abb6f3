/* SPDX-License-Identifier: MIT */
/* What the BPF program counts by; docs/examples/folded_stacks.cpp includes it too, so both sides have one struct. */
#ifndef FOLDED_STACKS_H
#define FOLDED_STACKS_H

#include <linux/types.h>

/* Negative ids are errors, such as -EFAULT of a kernel thread, which has no user stack. */
struct seen {
	__u32 pid;
	__s32 user;
	__s32 kernel;
	char comm[16];
};

#endif
