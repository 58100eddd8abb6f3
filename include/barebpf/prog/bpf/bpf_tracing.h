/* SPDX-License-Identifier: MIT
 * What programs on functions of the kernel include: their arguments by name, from registers (kprobes) or from the
 * array that the kernel hands over (fentry, fexit, fmod_ret, lsm, tp_btf), under the names that the field uses. For the
 * bpf target of clang only. The guard is the one that libbpf uses.
 *
 * Where registers lie depends on the machine that the program will run on, which clang does not know when it compiles
 * for bpf, so say it: -D__TARGET_ARCH_x86, _arm64, _s390 or _riscv. Include <linux/ptrace.h> (or a vmlinux.h) first.
 */
#ifndef __BPF_TRACING_H__
#define __BPF_TRACING_H__

#include <bpf/bpf_helpers.h>

/* For each machine: the struct that the context is, and its members for arguments, result, stack pointer and so on.
 * Source: the calling convention of each; asm/ptrace.h of the kernel. */
#if defined(__TARGET_ARCH_x86) && (defined(__VMLINUX_H__) || defined(__KERNEL__))
/* The kernel's own names, which are not those of its header for programs. */
#define BAREBPF_REGS struct pt_regs
#define BAREBPF_REG_PARM1 di
#define BAREBPF_REG_PARM2 si
#define BAREBPF_REG_PARM3 dx
#define BAREBPF_REG_PARM4 cx
#define BAREBPF_REG_PARM5 r8
#define BAREBPF_REG_PARM6 r9
#define BAREBPF_REG_RET sp
#define BAREBPF_REG_FP bp
#define BAREBPF_REG_RC ax
#define BAREBPF_REG_SP sp
#define BAREBPF_REG_IP ip
#elif defined(__TARGET_ARCH_x86)
#define BAREBPF_REGS struct pt_regs
#define BAREBPF_REG_PARM1 rdi
#define BAREBPF_REG_PARM2 rsi
#define BAREBPF_REG_PARM3 rdx
#define BAREBPF_REG_PARM4 rcx
#define BAREBPF_REG_PARM5 r8
#define BAREBPF_REG_PARM6 r9
#define BAREBPF_REG_RET rsp
#define BAREBPF_REG_FP rbp
#define BAREBPF_REG_RC rax
#define BAREBPF_REG_SP rsp
#define BAREBPF_REG_IP rip
#elif defined(__TARGET_ARCH_arm64)
#define BAREBPF_REGS struct user_pt_regs
#define BAREBPF_REG_PARM1 regs[0]
#define BAREBPF_REG_PARM2 regs[1]
#define BAREBPF_REG_PARM3 regs[2]
#define BAREBPF_REG_PARM4 regs[3]
#define BAREBPF_REG_PARM5 regs[4]
#define BAREBPF_REG_PARM6 regs[5]
#define BAREBPF_REG_PARM7 regs[6]
#define BAREBPF_REG_PARM8 regs[7]
#define BAREBPF_REG_RET regs[30]
#define BAREBPF_REG_FP regs[29]
#define BAREBPF_REG_RC regs[0]
#define BAREBPF_REG_SP sp
#define BAREBPF_REG_IP pc
#elif defined(__TARGET_ARCH_s390)
#define BAREBPF_REGS user_pt_regs
#define BAREBPF_REG_PARM1 gprs[2]
#define BAREBPF_REG_PARM2 gprs[3]
#define BAREBPF_REG_PARM3 gprs[4]
#define BAREBPF_REG_PARM4 gprs[5]
#define BAREBPF_REG_PARM5 gprs[6]
#define BAREBPF_REG_RET gprs[14]
#define BAREBPF_REG_FP gprs[11]
#define BAREBPF_REG_RC gprs[2]
#define BAREBPF_REG_SP gprs[15]
#define BAREBPF_REG_IP psw.addr
#elif defined(__TARGET_ARCH_riscv)
#define BAREBPF_REGS struct user_regs_struct
#define BAREBPF_REG_PARM1 a0
#define BAREBPF_REG_PARM2 a1
#define BAREBPF_REG_PARM3 a2
#define BAREBPF_REG_PARM4 a3
#define BAREBPF_REG_PARM5 a4
#define BAREBPF_REG_PARM6 a5
#define BAREBPF_REG_PARM7 a6
#define BAREBPF_REG_PARM8 a7
#define BAREBPF_REG_RET ra
#define BAREBPF_REG_FP s0
#define BAREBPF_REG_RC a0
#define BAREBPF_REG_SP sp
#define BAREBPF_REG_IP pc
#endif

#ifdef BAREBPF_REGS
#define BAREBPF_REG(ctx, member) (((const BAREBPF_REGS *)(ctx))->member)

/* The arguments of the function that a kprobe is on; at its entry only. */
#define PT_REGS_PARM1(ctx) BAREBPF_REG(ctx, BAREBPF_REG_PARM1)
#define PT_REGS_PARM2(ctx) BAREBPF_REG(ctx, BAREBPF_REG_PARM2)
#define PT_REGS_PARM3(ctx) BAREBPF_REG(ctx, BAREBPF_REG_PARM3)
#define PT_REGS_PARM4(ctx) BAREBPF_REG(ctx, BAREBPF_REG_PARM4)
#define PT_REGS_PARM5(ctx) BAREBPF_REG(ctx, BAREBPF_REG_PARM5)
#ifdef BAREBPF_REG_PARM6
#define PT_REGS_PARM6(ctx) BAREBPF_REG(ctx, BAREBPF_REG_PARM6)
#endif
#ifdef BAREBPF_REG_PARM7
#define PT_REGS_PARM7(ctx) BAREBPF_REG(ctx, BAREBPF_REG_PARM7)
#define PT_REGS_PARM8(ctx) BAREBPF_REG(ctx, BAREBPF_REG_PARM8)
#endif
/* Where it returns to (on x86 the place on the stack that says so), what it returns, and where the machine is. */
#define PT_REGS_RET(ctx) BAREBPF_REG(ctx, BAREBPF_REG_RET)
#define PT_REGS_FP(ctx) BAREBPF_REG(ctx, BAREBPF_REG_FP)
#define PT_REGS_RC(ctx) BAREBPF_REG(ctx, BAREBPF_REG_RC)
#define PT_REGS_SP(ctx) BAREBPF_REG(ctx, BAREBPF_REG_SP)
#define PT_REGS_IP(ctx) BAREBPF_REG(ctx, BAREBPF_REG_IP)
#else
/* Whoever uses one is told why there is none. */
#define BAREBPF_NO_REGS(ctx) \
	({ _Pragma("GCC error \"say which machine the program is for: -D__TARGET_ARCH_x86 or its like\""); 0ul; })
#define PT_REGS_PARM1(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_PARM2(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_PARM3(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_PARM4(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_PARM5(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_RET(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_FP(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_RC(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_SP(ctx) BAREBPF_NO_REGS(ctx)
#define PT_REGS_IP(ctx) BAREBPF_NO_REGS(ctx)
#endif

/* BAREBPF_EACH(make, a, b, c) is `, make(0), make(1), make(2)`: for each of up to twelve arguments what hands it over. */
#define BAREBPF_COUNT_(_, a, b, c, d, e, f, g, h, i, j, k, l, count, ...) count
#define BAREBPF_COUNT(args...) BAREBPF_COUNT_(_, ##args, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define BAREBPF_EACH_0(make)
#define BAREBPF_EACH_1(make) , make(0)
#define BAREBPF_EACH_2(make) BAREBPF_EACH_1(make), make(1)
#define BAREBPF_EACH_3(make) BAREBPF_EACH_2(make), make(2)
#define BAREBPF_EACH_4(make) BAREBPF_EACH_3(make), make(3)
#define BAREBPF_EACH_5(make) BAREBPF_EACH_4(make), make(4)
#define BAREBPF_EACH_6(make) BAREBPF_EACH_5(make), make(5)
#define BAREBPF_EACH_7(make) BAREBPF_EACH_6(make), make(6)
#define BAREBPF_EACH_8(make) BAREBPF_EACH_7(make), make(7)
#define BAREBPF_EACH_9(make) BAREBPF_EACH_8(make), make(8)
#define BAREBPF_EACH_10(make) BAREBPF_EACH_9(make), make(9)
#define BAREBPF_EACH_11(make) BAREBPF_EACH_10(make), make(10)
#define BAREBPF_EACH_12(make) BAREBPF_EACH_11(make), make(11)
#define BAREBPF_EACH(make, args...) BAREBPF_PASTE(BAREBPF_EACH_, BAREBPF_COUNT(args))(make)

/* A program with the type and name `result name`, which takes `context`, and a function of the same result behind it
 * that takes what the program hands over. Registers and array elements become pointers first, because those become
 * whatever the argument is without a cast to a type that a macro cannot name; clang would warn of it. */
#define BAREBPF_PROGRAM(name, context, make, args...) \
	name(context *ctx); \
	static __always_inline typeof(name(0)) BAREBPF_PASTE(name, _with_arguments)(context *ctx, ##args); \
	typeof(name(0)) name(context *ctx) \
	{ \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return BAREBPF_PASTE(name, _with_arguments)(ctx BAREBPF_EACH(make, ##args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) BAREBPF_PASTE(name, _with_arguments)(context *ctx, ##args)

/* SEC("fexit/vfs_read") int BPF_PROG(reads, struct file *file, char *to, size_t size, loff_t *at, long result) */
#define BAREBPF_FROM_ARRAY(n) (void *)ctx[n]
#define BPF_PROG(name, args...) BAREBPF_PROGRAM(name, unsigned long long, BAREBPF_FROM_ARRAY, ##args)

/* SEC("kprobe/vfs_read") int BPF_KPROBE(reads, struct file *file, char *to, size_t size): five at most. */
#define BAREBPF_FROM_REGS_0 PT_REGS_PARM1(ctx)
#define BAREBPF_FROM_REGS_1 PT_REGS_PARM2(ctx)
#define BAREBPF_FROM_REGS_2 PT_REGS_PARM3(ctx)
#define BAREBPF_FROM_REGS_3 PT_REGS_PARM4(ctx)
#define BAREBPF_FROM_REGS_4 PT_REGS_PARM5(ctx)
#define BAREBPF_FROM_REGS(n) (void *)BAREBPF_FROM_REGS_##n
#define BPF_KPROBE(name, args...) BAREBPF_PROGRAM(name, struct pt_regs, BAREBPF_FROM_REGS, ##args)

/* SEC("kretprobe/vfs_read") int BPF_KRETPROBE(read, long result) */
#define BAREBPF_FROM_RESULT(n) (void *)PT_REGS_RC(ctx)
#define BPF_KRETPROBE(name, args...) BAREBPF_PROGRAM(name, struct pt_regs, BAREBPF_FROM_RESULT, ##args)

#endif
