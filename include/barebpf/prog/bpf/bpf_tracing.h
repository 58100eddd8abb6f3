/* SPDX-License-Identifier: MIT
 * What programs on functions of the kernel include: their arguments by name, from registers (kprobes) or from the
 * array that the kernel hands over (fentry, fexit, fmod_ret, lsm, tp_btf), under the names that the field uses. For the
 * bpf target of clang only. The guard is the one that libbpf uses.
 *
 * Where registers lie depends on the machine that the program will run on, which clang does not know when it compiles
 * for bpf, so say it: -D__TARGET_ARCH_x86, _arm64, _s390, _riscv, _arm, _powerpc, _mips, _loongarch, _sparc or _arc.
 * Include <linux/ptrace.h> (or a vmlinux.h) first.
 */
#ifndef __BPF_TRACING_H__
#define __BPF_TRACING_H__

#include <bpf/bpf_helpers.h>

struct pt_regs;

/* For each machine, what the context points to, and its members for
 *	CALL     the arguments of a function, eight
 *	SYSCALL  the arguments of a system call, seven, within the registers that it began with
 *	OTHERS   where it returns to, the frame, the result, the stack, where the machine is
 * SYSCALL_1 is a struct of which only that member counts and where it lies is asked of the kernel, for machines that keep
 * the first argument apart because the result takes its place. NO_WRAPPER says of a machine that its functions for
 * system calls take the arguments themselves, not a pointer to the registers.
 * Source: the calling convention of each; arch/<machine>/include/uapi/asm/ptrace.h and asm/syscall.h of the kernel. */
#if defined(__TARGET_ARCH_x86) && (defined(__VMLINUX_H__) || defined(__KERNEL__))
/* The kernel's own names, which are not those of its header for programs. */
#define BAREBPF_REGS(regs) (regs)
#define BAREBPF_CALL di, si, dx, cx, r8, r9, is_on_the_stack, is_on_the_stack
#define BAREBPF_SYSCALL di, si, dx, r10, r8, r9, is_not_passed
#define BAREBPF_OTHERS sp, bp, ax, sp, ip
#elif defined(__TARGET_ARCH_x86)
#define BAREBPF_REGS(regs) (regs)
#define BAREBPF_CALL rdi, rsi, rdx, rcx, r8, r9, is_on_the_stack, is_on_the_stack
#define BAREBPF_SYSCALL rdi, rsi, rdx, r10, r8, r9, is_not_passed
#define BAREBPF_OTHERS rsp, rbp, rax, rsp, rip
#elif defined(__TARGET_ARCH_arm64)
#define BAREBPF_REGS(regs) ((const struct user_pt_regs *)(regs))
#define BAREBPF_CALL regs[0], regs[1], regs[2], regs[3], regs[4], regs[5], regs[6], regs[7]
#define BAREBPF_SYSCALL orig_x0, regs[1], regs[2], regs[3], regs[4], regs[5], is_not_passed
#define BAREBPF_OTHERS regs[30], regs[29], regs[0], sp, pc
#define BAREBPF_SYSCALL_1 struct pt_regs___arm64
struct pt_regs___arm64 {
	unsigned long orig_x0;
} __attribute__((preserve_access_index));
#elif defined(__TARGET_ARCH_s390)
#define BAREBPF_REGS(regs) ((const user_pt_regs *)(regs))
#define BAREBPF_CALL gprs[2], gprs[3], gprs[4], gprs[5], gprs[6], is_on_the_stack, is_on_the_stack, is_on_the_stack
#define BAREBPF_SYSCALL orig_gpr2, gprs[3], gprs[4], gprs[5], gprs[6], gprs[7], is_not_passed
#define BAREBPF_OTHERS gprs[14], gprs[11], gprs[2], gprs[15], psw.addr
#define BAREBPF_SYSCALL_1 struct pt_regs___s390
struct pt_regs___s390 {
	unsigned long orig_gpr2;
} __attribute__((preserve_access_index));
#elif defined(__TARGET_ARCH_riscv)
#define BAREBPF_REGS(regs) ((const struct user_regs_struct *)(regs))
#define BAREBPF_CALL a0, a1, a2, a3, a4, a5, a6, a7
#define BAREBPF_SYSCALL orig_a0, a1, a2, a3, a4, a5, is_not_passed
#define BAREBPF_OTHERS ra, s0, a0, sp, pc
#define BAREBPF_SYSCALL_1 struct pt_regs___riscv
struct pt_regs___riscv {
	unsigned long orig_a0;
} __attribute__((preserve_access_index));
#elif defined(__TARGET_ARCH_arm)
#define BAREBPF_REGS(regs) (regs)
#define BAREBPF_CALL \
	uregs[0], uregs[1], uregs[2], uregs[3], is_on_the_stack, is_on_the_stack, is_on_the_stack, is_on_the_stack
#define BAREBPF_SYSCALL uregs[0], uregs[1], uregs[2], uregs[3], uregs[4], uregs[5], uregs[6]
#define BAREBPF_OTHERS uregs[14], uregs[11], uregs[0], uregs[13], uregs[12]
#elif defined(__TARGET_ARCH_powerpc)
#define BAREBPF_REGS(regs) (regs)
#define BAREBPF_CALL gpr[3], gpr[4], gpr[5], gpr[6], gpr[7], gpr[8], gpr[9], gpr[10]
#define BAREBPF_SYSCALL orig_gpr3, gpr[4], gpr[5], gpr[6], gpr[7], gpr[8], gpr[9]
#define BAREBPF_OTHERS link, is_not_kept, gpr[3], gpr[1], nip
#define BAREBPF_NO_WRAPPER
#elif defined(__TARGET_ARCH_mips)
#define BAREBPF_REGS(regs) (regs)
#define BAREBPF_CALL regs[4], regs[5], regs[6], regs[7], regs[8], regs[9], regs[10], regs[11]
#define BAREBPF_SYSCALL regs[4], regs[5], regs[6], regs[7], regs[8], regs[9], is_not_passed
#define BAREBPF_OTHERS regs[31], regs[30], regs[2], regs[29], cp0_epc
#elif defined(__TARGET_ARCH_loongarch)
#define BAREBPF_REGS(regs) ((const struct user_pt_regs *)(regs))
#define BAREBPF_CALL regs[4], regs[5], regs[6], regs[7], regs[8], regs[9], regs[10], regs[11]
#define BAREBPF_SYSCALL regs[4], regs[5], regs[6], regs[7], regs[8], regs[9], is_not_passed
#define BAREBPF_OTHERS regs[1], regs[22], regs[4], regs[3], csr_era
#define BAREBPF_NO_WRAPPER
#elif defined(__TARGET_ARCH_sparc)
#define BAREBPF_REGS(regs) (regs)
#define BAREBPF_CALL \
	u_regs[8], u_regs[9], u_regs[10], u_regs[11], u_regs[12], u_regs[13], is_on_the_stack, is_on_the_stack
#define BAREBPF_SYSCALL u_regs[8], u_regs[9], u_regs[10], u_regs[11], u_regs[12], u_regs[13], is_not_passed
#define BAREBPF_OTHERS u_regs[15], is_not_kept, u_regs[8], u_regs[14], tpc
#elif defined(__TARGET_ARCH_arc)
#define BAREBPF_REGS(regs) ((const struct user_regs_struct *)(regs))
#define BAREBPF_CALL scratch.r0, scratch.r1, scratch.r2, scratch.r3, scratch.r4, scratch.r5, scratch.r6, scratch.r7
#define BAREBPF_SYSCALL scratch.r0, scratch.r1, scratch.r2, scratch.r3, scratch.r4, scratch.r5, is_not_passed
#define BAREBPF_OTHERS scratch.blink, scratch.fp, scratch.r0, scratch.sp, scratch.ret
#define BAREBPF_NO_WRAPPER
#endif

/* The n-th member of a row. */
#define BAREBPF_PICK_1(a, ...) a
#define BAREBPF_PICK_2(a, b, ...) b
#define BAREBPF_PICK_3(a, b, c, ...) c
#define BAREBPF_PICK_4(a, b, c, d, ...) d
#define BAREBPF_PICK_5(a, b, c, d, e, ...) e
#define BAREBPF_PICK_6(a, b, c, d, e, f, ...) f
#define BAREBPF_PICK_7(a, b, c, d, e, f, g, ...) g
#define BAREBPF_PICK_8(a, b, c, d, e, f, g, h, ...) h
#define BAREBPF_PICK(n, row...) BAREBPF_PICK_##n(row, )

#ifdef BAREBPF_REGS
/* Out of the context, and out of any registers in the kernel's memory wherever the kernel has the member. */
#define BAREBPF_REG(regs, n, row...) (BAREBPF_REGS(regs)->BAREBPF_PICK(n, row))
#define BAREBPF_REG_CORE(regs, n, row...) BPF_CORE_READ(BAREBPF_REGS(regs), BAREBPF_PICK(n, row))
#ifdef BAREBPF_SYSCALL_1
#define PT_REGS_PARM1_SYSCALL(regs) (((const BAREBPF_SYSCALL_1 *)(regs))->BAREBPF_PICK(1, BAREBPF_SYSCALL))
#define PT_REGS_PARM1_CORE_SYSCALL(regs) \
	BPF_CORE_READ((const BAREBPF_SYSCALL_1 *)(regs), BAREBPF_PICK(1, BAREBPF_SYSCALL))
#endif
#ifdef BAREBPF_NO_WRAPPER
#define PT_REGS_SYSCALL_REGS(ctx) ctx
#endif
#else
/* Whoever uses one is told why there is none. */
#define BAREBPF_REG(...) \
	({ _Pragma("GCC error \"say which machine the program is for: -D__TARGET_ARCH_x86 or its like\""); 0ul; })
#define BAREBPF_REG_CORE(...) BAREBPF_REG()
#define BAREBPF_CALL
#define BAREBPF_SYSCALL
#define BAREBPF_OTHERS
#endif

/* The arguments of the function that a kprobe is on; at its entry only. */
#define PT_REGS_PARM1(ctx) BAREBPF_REG(ctx, 1, BAREBPF_CALL)
#define PT_REGS_PARM2(ctx) BAREBPF_REG(ctx, 2, BAREBPF_CALL)
#define PT_REGS_PARM3(ctx) BAREBPF_REG(ctx, 3, BAREBPF_CALL)
#define PT_REGS_PARM4(ctx) BAREBPF_REG(ctx, 4, BAREBPF_CALL)
#define PT_REGS_PARM5(ctx) BAREBPF_REG(ctx, 5, BAREBPF_CALL)
#define PT_REGS_PARM6(ctx) BAREBPF_REG(ctx, 6, BAREBPF_CALL)
#define PT_REGS_PARM7(ctx) BAREBPF_REG(ctx, 7, BAREBPF_CALL)
#define PT_REGS_PARM8(ctx) BAREBPF_REG(ctx, 8, BAREBPF_CALL)
/* Where it returns to (on x86 the place on the stack that says so), what it returns, and where the machine is. */
#define PT_REGS_RET(ctx) BAREBPF_REG(ctx, 1, BAREBPF_OTHERS)
#define PT_REGS_FP(ctx) BAREBPF_REG(ctx, 2, BAREBPF_OTHERS)
#define PT_REGS_RC(ctx) BAREBPF_REG(ctx, 3, BAREBPF_OTHERS)
#define PT_REGS_SP(ctx) BAREBPF_REG(ctx, 4, BAREBPF_OTHERS)
#define PT_REGS_IP(ctx) BAREBPF_REG(ctx, 5, BAREBPF_OTHERS)

/* The same of registers that are not the context. These need bpf_core_read.h. */
#define PT_REGS_PARM1_CORE(regs) BAREBPF_REG_CORE(regs, 1, BAREBPF_CALL)
#define PT_REGS_PARM2_CORE(regs) BAREBPF_REG_CORE(regs, 2, BAREBPF_CALL)
#define PT_REGS_PARM3_CORE(regs) BAREBPF_REG_CORE(regs, 3, BAREBPF_CALL)
#define PT_REGS_PARM4_CORE(regs) BAREBPF_REG_CORE(regs, 4, BAREBPF_CALL)
#define PT_REGS_PARM5_CORE(regs) BAREBPF_REG_CORE(regs, 5, BAREBPF_CALL)
#define PT_REGS_PARM6_CORE(regs) BAREBPF_REG_CORE(regs, 6, BAREBPF_CALL)
#define PT_REGS_PARM7_CORE(regs) BAREBPF_REG_CORE(regs, 7, BAREBPF_CALL)
#define PT_REGS_PARM8_CORE(regs) BAREBPF_REG_CORE(regs, 8, BAREBPF_CALL)
#define PT_REGS_RET_CORE(regs) BAREBPF_REG_CORE(regs, 1, BAREBPF_OTHERS)
#define PT_REGS_FP_CORE(regs) BAREBPF_REG_CORE(regs, 2, BAREBPF_OTHERS)
#define PT_REGS_RC_CORE(regs) BAREBPF_REG_CORE(regs, 3, BAREBPF_OTHERS)
#define PT_REGS_SP_CORE(regs) BAREBPF_REG_CORE(regs, 4, BAREBPF_OTHERS)
#define PT_REGS_IP_CORE(regs) BAREBPF_REG_CORE(regs, 5, BAREBPF_OTHERS)

/* The arguments of a system call, out of the registers that it began with. Most machines hand those to the function of
 * the system call (__x64_sys_openat) by a pointer, so in a kprobe on it they are read with _CORE from what the next
 * macro gives; in a tracepoint, or with a machine or kernel that has no such wrapper, they are the context.
 * BPF_KSYSCALL does both. */
#ifndef PT_REGS_SYSCALL_REGS
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#endif
#ifndef PT_REGS_PARM1_SYSCALL
#define PT_REGS_PARM1_SYSCALL(regs) BAREBPF_REG(regs, 1, BAREBPF_SYSCALL)
#define PT_REGS_PARM1_CORE_SYSCALL(regs) BAREBPF_REG_CORE(regs, 1, BAREBPF_SYSCALL)
#endif
#define PT_REGS_PARM2_SYSCALL(regs) BAREBPF_REG(regs, 2, BAREBPF_SYSCALL)
#define PT_REGS_PARM3_SYSCALL(regs) BAREBPF_REG(regs, 3, BAREBPF_SYSCALL)
#define PT_REGS_PARM4_SYSCALL(regs) BAREBPF_REG(regs, 4, BAREBPF_SYSCALL)
#define PT_REGS_PARM5_SYSCALL(regs) BAREBPF_REG(regs, 5, BAREBPF_SYSCALL)
#define PT_REGS_PARM6_SYSCALL(regs) BAREBPF_REG(regs, 6, BAREBPF_SYSCALL)
#define PT_REGS_PARM7_SYSCALL(regs) BAREBPF_REG(regs, 7, BAREBPF_SYSCALL)
#define PT_REGS_PARM2_CORE_SYSCALL(regs) BAREBPF_REG_CORE(regs, 2, BAREBPF_SYSCALL)
#define PT_REGS_PARM3_CORE_SYSCALL(regs) BAREBPF_REG_CORE(regs, 3, BAREBPF_SYSCALL)
#define PT_REGS_PARM4_CORE_SYSCALL(regs) BAREBPF_REG_CORE(regs, 4, BAREBPF_SYSCALL)
#define PT_REGS_PARM5_CORE_SYSCALL(regs) BAREBPF_REG_CORE(regs, 5, BAREBPF_SYSCALL)
#define PT_REGS_PARM6_CORE_SYSCALL(regs) BAREBPF_REG_CORE(regs, 6, BAREBPF_SYSCALL)
#define PT_REGS_PARM7_CORE_SYSCALL(regs) BAREBPF_REG_CORE(regs, 7, BAREBPF_SYSCALL)

/* The address that the function returns to, at its entry and, which takes frame pointers, at its end. It is in a
 * register or, elsewhere, on the stack. */
#if defined(__TARGET_ARCH_arm64) || defined(__TARGET_ARCH_powerpc) || defined(__TARGET_ARCH_sparc)
#define BPF_KPROBE_READ_RET_IP(ip, ctx) ({ (ip) = PT_REGS_RET(ctx); })
#define BPF_KRETPROBE_READ_RET_IP BPF_KPROBE_READ_RET_IP
#else
#define BPF_KPROBE_READ_RET_IP(ip, ctx) bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)PT_REGS_RET(ctx))
#define BPF_KRETPROBE_READ_RET_IP(ip, ctx) \
	bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)(PT_REGS_FP(ctx) + sizeof(ip)))
#endif

/* BAREBPF_EACH(make, a, b, c) is `, make(0), make(1), make(2)`: for each of up to twelve arguments what hands it over. */
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
 * that takes what the program hands over. Its name is libbpf's, for clang 19 orders what it writes by such names, too.
 * Registers and array elements become pointers first, because those become whatever the argument is without a cast to
 * a type that a macro cannot name; clang would warn of it. */
#define BAREBPF_PROGRAM(name, context, make, args...) \
	name(context *ctx); \
	static __always_inline typeof(name(0)) BAREBPF_PASTE(____, name)(context *ctx, ##args); \
	typeof(name(0)) name(context *ctx) \
	{ \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		return BAREBPF_PASTE(____, name)(ctx BAREBPF_EACH(make, ##args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) BAREBPF_PASTE(____, name)(context *ctx, ##args)

/* SEC("fexit/vfs_read") int BPF_PROG(reads, struct file *file, char *to, size_t size, loff_t *at, long result) */
#define BAREBPF_FROM_ARRAY(n) (void *)ctx[n]
#define BPF_PROG(name, args...) BAREBPF_PROGRAM(name, unsigned long long, BAREBPF_FROM_ARRAY, ##args)

/* The same where structs are passed by value, which take one element for each 8 bytes, up to two; types and names are
 * arguments of their own, for the types are measured: BPF_PROG2(sums, struct pair, both, int, factor). */
#define BAREBPF_DECLARE_0()
#define BAREBPF_DECLARE_1(type, name) , type name
#define BAREBPF_DECLARE_2(type, name, more...) , type name BAREBPF_DECLARE_1(more)
#define BAREBPF_DECLARE_3(type, name, more...) , type name BAREBPF_DECLARE_2(more)
#define BAREBPF_DECLARE_4(type, name, more...) , type name BAREBPF_DECLARE_3(more)
#define BAREBPF_DECLARE_5(type, name, more...) , type name BAREBPF_DECLARE_4(more)
#define BAREBPF_DECLARE_6(type, name, more...) , type name BAREBPF_DECLARE_5(more)
#define BAREBPF_DECLARE_7(type, name, more...) , type name BAREBPF_DECLARE_6(more)
#define BAREBPF_DECLARE_8(type, name, more...) , type name BAREBPF_DECLARE_7(more)
#define BAREBPF_DECLARE_9(type, name, more...) , type name BAREBPF_DECLARE_8(more)
#define BAREBPF_DECLARE_10(type, name, more...) , type name BAREBPF_DECLARE_9(more)
#define BAREBPF_DECLARE_11(type, name, more...) , type name BAREBPF_DECLARE_10(more)
#define BAREBPF_DECLARE_12(type, name, more...) , type name BAREBPF_DECLARE_11(more)
/* A value of `type` out of the elements from `at` on. A small one is the low part of its element, whatever the byte
 * order. */
#define BAREBPF_UNSIGNED(type)                                                                              \
	typeof(__builtin_choose_expr(sizeof(type) == 1, (__u8)0, __builtin_choose_expr(sizeof(type) == 2,   \
		(__u16)0, __builtin_choose_expr(sizeof(type) == 4, (__u32)0, (__u64)0))))
#define BAREBPF_VALUE_OF(type, word, count, first...)                                                       \
	({                                                                                                  \
		_Static_assert(sizeof(type) <= 16, "an argument of more than 16 bytes is not in registers"); \
		union {                                                                                     \
			word words[count];                                                                  \
			typeof(type) value;                                                                 \
		} __both = {.words = {first}};                                                              \
		__both.value;                                                                               \
	})
#define BAREBPF_VALUE(type, at)                                                                             \
	__builtin_choose_expr(sizeof(type) > 8, BAREBPF_VALUE_OF(type, __u64, 2, ctx[at], ctx[(at) + 1]),   \
			      BAREBPF_VALUE_OF(type, BAREBPF_UNSIGNED(type), 1, ctx[at]))
#define BAREBPF_AFTER(type, at) ((at) + (sizeof(type) + 7) / 8)
#define BAREBPF_VALUES_0(at)
#define BAREBPF_VALUES_1(at, type, name) , BAREBPF_VALUE(type, at)
#define BAREBPF_VALUES_2(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_1(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_3(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_2(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_4(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_3(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_5(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_4(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_6(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_5(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_7(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_6(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_8(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_7(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_9(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_8(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_10(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_9(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_11(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_10(BAREBPF_AFTER(type, at), more)
#define BAREBPF_VALUES_12(at, type, name, more...) \
	BAREBPF_VALUES_1(at, type, name) BAREBPF_VALUES_11(BAREBPF_AFTER(type, at), more)
#define BAREBPF_PAIRS_(_, a, A, b, B, c, C, d, D, e, E, f, F, g, G, h, H, i, I, j, J, k, K, l, L, count, ...) count
#define BAREBPF_PAIRS(args...) \
	BAREBPF_PAIRS_(_, ##args, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0)
#define BAREBPF_DECLARE(args...) BAREBPF_PASTE(BAREBPF_DECLARE_, BAREBPF_PAIRS(args))(args)
#define BPF_PROG2(name, args...) \
	name(unsigned long long *ctx); \
	static __always_inline typeof(name(0)) \
		BAREBPF_PASTE(____, name)(unsigned long long *ctx BAREBPF_DECLARE(args)); \
	typeof(name(0)) name(unsigned long long *ctx) \
	{ \
		return BAREBPF_PASTE(____, name) \
			(ctx BAREBPF_PASTE(BAREBPF_VALUES_, BAREBPF_PAIRS(args))(0, ##args)); \
	} \
	static __always_inline typeof(name(0)) \
		BAREBPF_PASTE(____, name)(unsigned long long *ctx BAREBPF_DECLARE(args))

/* SEC("kprobe/vfs_read") int BPF_KPROBE(reads, struct file *file, char *to, size_t size): as many as are in registers. */
#define BAREBPF_FROM_REGS(n) (void *)BAREBPF_FROM_REGS_##n
#define BAREBPF_FROM_REGS_0 PT_REGS_PARM1(ctx)
#define BAREBPF_FROM_REGS_1 PT_REGS_PARM2(ctx)
#define BAREBPF_FROM_REGS_2 PT_REGS_PARM3(ctx)
#define BAREBPF_FROM_REGS_3 PT_REGS_PARM4(ctx)
#define BAREBPF_FROM_REGS_4 PT_REGS_PARM5(ctx)
#define BAREBPF_FROM_REGS_5 PT_REGS_PARM6(ctx)
#define BAREBPF_FROM_REGS_6 PT_REGS_PARM7(ctx)
#define BAREBPF_FROM_REGS_7 PT_REGS_PARM8(ctx)
#define BPF_KPROBE(name, args...) BAREBPF_PROGRAM(name, struct pt_regs, BAREBPF_FROM_REGS, ##args)

/* SEC("kretprobe/vfs_read") int BPF_KRETPROBE(read, long result) */
#define BAREBPF_FROM_RESULT(n) (void *)PT_REGS_RC(ctx)
#define BPF_KRETPROBE(name, args...) BAREBPF_PROGRAM(name, struct pt_regs, BAREBPF_FROM_RESULT, ##args)

/* For functions of user space: SEC("uprobe/libc.so.6:malloc"), SEC("uretprobe/libc.so.6:malloc"). */
#define BPF_UPROBE BPF_KPROBE
#define BPF_URETPROBE BPF_KRETPROBE

/* SEC("ksyscall/openat") int BPF_KSYSCALL(opens, int folder, const char *path, int flags): seven at most. The loader
 * says whether this kernel hands over a pointer to the registers. Needs bpf_core_read.h. Calls of 32-bit programs are
 * other functions, and clone, mmap and the calls of sockets have other arguments on some machines. */
#define BAREBPF_FROM_CALL(n) (void *)BAREBPF_FROM_CALL_##n
#define BAREBPF_FROM_WRAPPED(n) (void *)BAREBPF_FROM_WRAPPED_##n
#define BAREBPF_FROM_CALL_0 PT_REGS_PARM1_SYSCALL(regs)
#define BAREBPF_FROM_CALL_1 PT_REGS_PARM2_SYSCALL(regs)
#define BAREBPF_FROM_CALL_2 PT_REGS_PARM3_SYSCALL(regs)
#define BAREBPF_FROM_CALL_3 PT_REGS_PARM4_SYSCALL(regs)
#define BAREBPF_FROM_CALL_4 PT_REGS_PARM5_SYSCALL(regs)
#define BAREBPF_FROM_CALL_5 PT_REGS_PARM6_SYSCALL(regs)
#define BAREBPF_FROM_CALL_6 PT_REGS_PARM7_SYSCALL(regs)
#define BAREBPF_FROM_WRAPPED_0 PT_REGS_PARM1_CORE_SYSCALL(regs)
#define BAREBPF_FROM_WRAPPED_1 PT_REGS_PARM2_CORE_SYSCALL(regs)
#define BAREBPF_FROM_WRAPPED_2 PT_REGS_PARM3_CORE_SYSCALL(regs)
#define BAREBPF_FROM_WRAPPED_3 PT_REGS_PARM4_CORE_SYSCALL(regs)
#define BAREBPF_FROM_WRAPPED_4 PT_REGS_PARM5_CORE_SYSCALL(regs)
#define BAREBPF_FROM_WRAPPED_5 PT_REGS_PARM6_CORE_SYSCALL(regs)
#define BAREBPF_FROM_WRAPPED_6 PT_REGS_PARM7_CORE_SYSCALL(regs)
#define BPF_KSYSCALL(name, args...) \
	name(struct pt_regs *ctx); \
	extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig; \
	static __always_inline typeof(name(0)) BAREBPF_PASTE(____, name)(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx) \
	{ \
		struct pt_regs *regs __attribute__((unused)) = \
			LINUX_HAS_SYSCALL_WRAPPER ? (struct pt_regs *)PT_REGS_PARM1(ctx) : ctx; \
		_Pragma("GCC diagnostic push") \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"") \
		if (LINUX_HAS_SYSCALL_WRAPPER) \
			return BAREBPF_PASTE(____, name)(ctx BAREBPF_EACH(BAREBPF_FROM_WRAPPED, ##args)); \
		else \
			return BAREBPF_PASTE(____, name)(ctx BAREBPF_EACH(BAREBPF_FROM_CALL, ##args)); \
		_Pragma("GCC diagnostic pop") \
	} \
	static __always_inline typeof(name(0)) BAREBPF_PASTE(____, name)(struct pt_regs *ctx, ##args)
#define BPF_KPROBE_SYSCALL BPF_KSYSCALL

#endif
