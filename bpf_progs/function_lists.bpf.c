// SPDX-License-Identifier: MIT
// Programs on many functions of the kernel at once that its types describe: each remembers by which cookie it ran, with
// what, and what came back. tests/guest runs them by test_run, which calls the kernel's own bpf_fentry_test1 and so on.
// Linux 7.2; a program that is run itself returns 0.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct call {
	__u64 cookie;
	__u64 argument;
	__u64 arguments;
	__u64 result;
};
struct call calls[64];
__u64 count = 0;
__u64 packets = 0;

static __always_inline void remember(void *ctx)
{
	__u64 at = __sync_fetch_and_add(&count, 1);

	if (at >= 64)
		return;
	struct call *const seen = &calls[at];

	seen->cookie = bpf_get_attach_cookie(ctx);
	bpf_get_func_arg(ctx, 0, &seen->argument);
	seen->arguments = bpf_get_func_arg_cnt(ctx);
}

SEC("?fentry.multi/bpf_fentry_test?")
int begins(void *ctx)
{
	remember(ctx);
	return 0;
}

static __always_inline void remember_both(void *ctx)
{
	__u64 at = count;

	remember(ctx);
	if (at < 64)
		bpf_get_func_ret(ctx, &calls[at].result);
}

SEC("?fexit.multi/bpf_fentry_test?")
int ends(void *ctx)
{
	remember_both(ctx);
	return 0;
}

SEC("?fsession.multi/bpf_fentry_test?")
int both(void *ctx)
{
	remember_both(ctx);
	return 0;
}

SEC("?fentry.multi.s/bpf_fentry_test1")
int may_sleep(void *ctx)
{
	remember(ctx);
	return 0;
}

SEC("?fexit.multi")
int of_a_list(void *ctx)
{
	remember_both(ctx);
	return 0;
}

SEC("?fentry.multi/veth:veth_xmi?")
int of_a_module(void *ctx)
{
	__sync_fetch_and_add(&packets, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
