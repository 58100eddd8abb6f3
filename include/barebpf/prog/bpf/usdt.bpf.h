/* SPDX-License-Identifier: MIT
 * The program's side of USDT probes: the places that a program of the user has marked with a name (sys/sdt.h), each
 * with arguments that lie wherever the compiler left them. A note in the executable says where that is; the loader turns
 * it into a spec for each place and puts the specs into a map. A program finds its own by the cookie of the probe, or,
 * before 5.15, which has no cookies, by the address that it runs at. The layouts and the names of the two maps are what
 * loaders know, libbpf as well as others; whether the kernel has cookies they say by LINUX_HAS_BPF_COOKIE.
 *
 *	SEC("usdt/libc.so.6:libc:setjmp")
 *	int BPF_USDT(jumps, void *env, int signal, void *where) { ... }
 *
 * Include <linux/bpf.h> and <linux/ptrace.h> (or a vmlinux.h) first, and say the machine as for bpf_tracing.h. The
 * guard is the one that libbpf uses.
 */
#ifndef __USDT_BPF_H__
#define __USDT_BPF_H__

#include "bpf_helpers.h"
#include "bpf_tracing.h"

#ifndef __VMLINUX_H__
#if __has_include(<asm/errno.h>)
#include <linux/errno.h>
#endif
#endif
#ifndef ENOENT
#define ENOENT 2
#endif
#ifndef ESRCH
#define ESRCH 3
#endif
#ifndef EINVAL
#define EINVAL 22
#endif

/* How many places with arguments of their own there are at most, in all programs of the object; places whose arguments
 * lie in the same way share a spec. And how many addresses, which only count without cookies. Define them before to
 * have others. */
#ifndef BPF_USDT_MAX_SPEC_CNT
#define BPF_USDT_MAX_SPEC_CNT 256
#endif
#ifndef BPF_USDT_MAX_IP_CNT
#define BPF_USDT_MAX_IP_CNT (4 * BPF_USDT_MAX_SPEC_CNT)
#endif
#define BPF_USDT_MAX_ARG_CNT 12

enum __bpf_usdt_arg_type {
	BPF_USDT_ARG_CONST,	/* -4@$5: val_off */
	BPF_USDT_ARG_REG,	/* 8@%rax: the register at reg_off */
	BPF_USDT_ARG_REG_DEREF, /* -4@8(%rbp): memory of the process at that register + val_off */
	BPF_USDT_ARG_SIB,	/* 1@8(%rbp,%rax,4): and + (the register at idx_reg_off << scale_bitshift) */
};

/* There are two layouts, and a loader that knows one only fills a map of the other with what means something else.
 * That of libbpf from 1.7 has 24 bytes, reg_off at 14; that of libbpf to 1.6, for a program that one of those will
 * load, has 16, reg_off at 12, and no BPF_USDT_ARG_SIB. The size of a value of __bpf_usdt_specs, 304 or 208, says
 * which it is. */
struct __bpf_usdt_arg_spec {
	__u64 val_off;
#ifdef BAREBPF_USDT_FOR_LIBBPF_1_6
	enum __bpf_usdt_arg_type arg_type;
#elif __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	enum __bpf_usdt_arg_type arg_type : 8;
	__u16 idx_reg_off : 12; /* byte within struct pt_regs */
	__u16 scale_bitshift : 4;
	__u8 __reserved : 8;
#else
	__u8 __reserved : 8;
	__u16 idx_reg_off : 12;
	__u16 scale_bitshift : 4;
	enum __bpf_usdt_arg_type arg_type : 8;
#endif
	short reg_off;	   /* byte within struct pt_regs */
	_Bool arg_signed;
	char arg_bitshift; /* 64 - the bits of the argument */
};

struct __bpf_usdt_spec {
	struct __bpf_usdt_arg_spec args[BPF_USDT_MAX_ARG_CNT];
	__u64 usdt_cookie;
	short arg_cnt;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, BPF_USDT_MAX_SPEC_CNT);
	__type(key, int);
	__type(value, struct __bpf_usdt_spec);
} __bpf_usdt_specs SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BPF_USDT_MAX_IP_CNT);
	__type(key, long);
	__type(value, __u32);
} __bpf_usdt_ip_to_spec_id SEC(".maps") __weak;

extern const _Bool LINUX_HAS_BPF_COOKIE __kconfig;

/* The index of the spec of the place that the program is at. */
static __always_inline int __bpf_usdt_spec_id(struct pt_regs *ctx)
{
	if (!LINUX_HAS_BPF_COOKIE) {
		long ip = PT_REGS_IP(ctx);
		int *id = bpf_map_lookup_elem(&__bpf_usdt_ip_to_spec_id, &ip);
		return id ? *id : -ESRCH;
	}
	return bpf_get_attach_cookie(ctx);
}

/* Makes `spec` its spec, or ends the function with `error`. */
#define BAREBPF_USDT_SPEC(spec, ctx, error)                                  \
	int __id = __bpf_usdt_spec_id(ctx);                                  \
	if (__id < 0)                                                        \
		return error;                                                \
	struct __bpf_usdt_spec *spec = bpf_map_lookup_elem(&__bpf_usdt_specs, &__id); \
	if (!spec)                                                           \
		return error

/* How many arguments there are, or -ESRCH where nobody has said what this place is. */
__weak __hidden int bpf_usdt_arg_cnt(struct pt_regs *ctx)
{
	BAREBPF_USDT_SPEC(spec, ctx, -ESRCH);
	return spec->arg_cnt;
}

/* The bytes of an argument, counted from 0: 1, 2, 4 or 8; -ESRCH as above, -ENOENT where there are not so many
 * arguments. */
static __always_inline int bpf_usdt_arg_size(struct pt_regs *ctx, __u64 arg_num)
{
	BAREBPF_USDT_SPEC(spec, ctx, -ESRCH);
	if (arg_num >= BPF_USDT_MAX_ARG_CNT)
		return -ENOENT;
	barrier_var(arg_num); /* the verifier needs the constant, and the compiler would keep only what comes next */
	if (arg_num >= spec->arg_cnt)
		return -ENOENT;
	return (unsigned int)(64 - spec->args[arg_num].arg_bitshift) / 8;
}

/* The argument, with its sign where it has one, goes to `res`, which is 0 after an error. The errors are those above,
 * -EINVAL for a kind of argument that is newer than this header, and what the helpers say of memory that cannot be
 * read. */
__weak __hidden int bpf_usdt_arg(struct pt_regs *ctx, __u64 arg_num, long *res)
{
	struct __bpf_usdt_arg_spec *arg;
	unsigned long value, index __attribute__((unused));
	int error;

	*res = 0;
	BAREBPF_USDT_SPEC(spec, ctx, -ESRCH);
	if (arg_num >= BPF_USDT_MAX_ARG_CNT)
		return -ENOENT;
	barrier_var(arg_num);
	if (arg_num >= spec->arg_cnt)
		return -ENOENT;

	arg = &spec->args[arg_num];
	switch (arg->arg_type) {
	case BPF_USDT_ARG_CONST:
		value = arg->val_off;
		break;
	/* The verifier allows no variable offset into the context, but the helper reads all memory of the kernel. */
	case BPF_USDT_ARG_REG:
		error = bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + arg->reg_off);
		if (error)
			return error;
		break;
	/* Eight bytes are read of whatever size, and those that are not of the argument go below. */
	case BPF_USDT_ARG_REG_DEREF:
		error = bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + arg->reg_off);
		if (error)
			return error;
		error = bpf_probe_read_user(&value, sizeof(value), (void *)value + arg->val_off);
		if (error)
			return error;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		value >>= arg->arg_bitshift;
#endif
		break;
#ifndef BAREBPF_USDT_FOR_LIBBPF_1_6
	case BPF_USDT_ARG_SIB:
		error = bpf_probe_read_kernel(&value, sizeof(value), (void *)ctx + arg->reg_off);
		if (error)
			return error;
		error = bpf_probe_read_kernel(&index, sizeof(index), (void *)ctx + arg->idx_reg_off);
		if (error)
			return error;
		error = bpf_probe_read_user(&value, sizeof(value),
					    (void *)(value + (index << arg->scale_bitshift) + arg->val_off));
		if (error)
			return error;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
		value >>= arg->arg_bitshift;
#endif
		break;
#endif
	default:
		return -EINVAL;
	}
	value <<= arg->arg_bitshift;
	if (arg->arg_signed)
		value = (long)value >> arg->arg_bitshift;
	else
		value >>= arg->arg_bitshift;
	*res = value;
	return 0;
}

/* The number that the program was attached with, 0 where none was given: what bpf_get_attach_cookie is elsewhere,
 * which holds the index of the spec here. */
__weak __hidden long bpf_usdt_cookie(struct pt_regs *ctx)
{
	BAREBPF_USDT_SPEC(spec, ctx, 0);
	return spec->usdt_cookie;
}

/* SEC("usdt") int BPF_USDT(name, int a, char *b): up to twelve arguments, each 0 where it cannot be had. */
#define BAREBPF_FROM_USDT(n) ({ long __value; bpf_usdt_arg(ctx, n, &__value); (void *)__value; })
#define BPF_USDT(name, args...) BAREBPF_PROGRAM(name, struct pt_regs, BAREBPF_FROM_USDT, ##args)

#endif
