/* SPDX-License-Identifier: MIT
 * What BPF programs include: section names, map definitions, the helpers and what goes with them, under the names that
 * the field uses. For the bpf target of clang only; never put this folder on the include path of a user-space program.
 * The guard is the one that libbpf uses, so that the two never meet in one program.
 *
 * Include <linux/bpf.h> (or a vmlinux.h) first; it brings __u32, __u64 and the BPF_ constants.
 */
#ifndef __BPF_HELPERS__
#define __BPF_HELPERS__

#include "bpf_helper_defs.h"

/* Where the compiler puts what follows; the name tells the loader what it is. Declarations may have one, too, and clang
 * need not say that they cannot be used. */
#define SEC(name) \
	_Pragma("GCC diagnostic push") \
	_Pragma("GCC diagnostic ignored \"-Wignored-attributes\"") \
	__attribute__((section(name), used)) \
	_Pragma("GCC diagnostic pop")

#define BAREBPF_PASTE_(a, b) a##b
#define BAREBPF_PASTE(a, b) BAREBPF_PASTE_(a, b)
/* How many arguments there are, up to twelve. */
#define BAREBPF_COUNT_(_, a, b, c, d, e, f, g, h, i, j, k, l, count, ...) count
#define BAREBPF_COUNT(args...) BAREBPF_COUNT_(_, ##args, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
/* From the inside of libbpf's header, for programs that build macros of their own on it. */
#define ___bpf_concat(a, b) a##b
#define ___bpf_apply(macro, n) ___bpf_concat(macro, n)
#define ___bpf_narg(args...) BAREBPF_COUNT(args)

/* Members of a map definition. A number is the length of an array that nothing points to, a type is a
 * pointer to it, and both survive in BTF without a byte of data. */
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
/* A number of 64 bits is the one value of an enum; the name of the value has to differ from all others. */
#define __ulong(name, val) enum { BAREBPF_PASTE(__number_, __COUNTER__) = val } name

/* Values of the member `pinning` of a map definition. */
enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	LIBBPF_PIN_BY_NAME,
};

/* <linux/stddef.h> makes a mere wish of it, and comes with many other headers. */
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
/* A function that other objects may be linked to, and that the verifier looks at within each caller as if it were
 * static. */
#ifndef __hidden
#define __hidden __attribute__((visibility("hidden")))
#endif
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#endif
#ifndef unlikely
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef NULL
#define NULL ((void *)0)
#endif
/* To be compared with LINUX_KERNEL_VERSION. The kernel stops counting its patches at 255. */
#ifndef KERNEL_VERSION
#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + ((c) > 255 ? 255 : (c)))
#endif

/* The compiler's own offsetof is a number before CO-RE can change it; an address that is never read is not. */
#undef offsetof
#define offsetof(type, member) ((unsigned long)&((type *)0)->member)
#undef container_of
#define container_of(ptr, type, member)                                        \
	({                                                                     \
		void *__inner = (void *)(ptr);                                 \
		(type *)(__inner - offsetof(type, member));                    \
	})

/* The compiler moves no access to memory across the first, and knows nothing about the variable behind the second, so
 * that a check of it stays where the verifier needs it. */
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif
#ifndef barrier_var
#define barrier_var(var) asm volatile("" : "+r"(var))
#endif
/* Does not compile where it is not optimized away. */
#ifndef __bpf_unreachable
#define __bpf_unreachable() __builtin_trap()
#endif

/* bpf_tail_call with a constant index. No branches are merged before the call, so the verifier sees one map and one
 * index, and the kernel jumps without looking into the map. Source: map_poke_track in kernel/bpf/arraymap.c at v6.12. */
static __always_inline void bpf_tail_call_static(void *ctx, const void *map, const __u32 slot)
{
	if (!__builtin_constant_p(slot))
		__bpf_unreachable();
	asm volatile("r1 = %[ctx]\n"
		     "r2 = %[map]\n"
		     "r3 = %[slot]\n"
		     "call 12"
		     :
		     : [ctx] "r"(ctx), [map] "r"(map), [slot] "i"(slot)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
}

/* What the kernel that runs the program gives: an option of its configuration or another fact about it, and an address,
 * a variable or a function of its own. With __weak it is zero where the kernel does not have it.
 *
 *	extern int LINUX_KERNEL_VERSION __kconfig;
 *	extern enum libbpf_tristate CONFIG_VETH __kconfig __weak;
 *	extern const void bpf_prog_put __ksym;
 *	extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym __weak;
 */
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))
/* Whether the kernel has what a weak declaration names. Of one that is not weak the compiler knows that it is there. */
#define bpf_ksym_exists(sym)                                                              \
	({                                                                                \
		_Static_assert(!__builtin_constant_p(!!(sym)), "declare " #sym " __weak"); \
		!!(sym);                                                                  \
	})

/* What an option of the kernel can be. */
enum libbpf_tristate {
	TRI_NO,
	TRI_YES,
	TRI_MODULE,
};

/* Pointers into the kernel that a map may hold. Source: BPF_KPTR_REF in include/linux/bpf.h at v6.12. */
#ifndef __kptr
#define __kptr __attribute__((btf_type_tag("kptr")))
#endif
#ifndef __kptr_ref /* what __kptr was called in 5.19 to 6.2 */
#define __kptr_ref __attribute__((btf_type_tag("kptr_ref")))
#endif
#ifndef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#endif
#ifndef __percpu_kptr
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#endif
#ifndef __uptr
#define __uptr __attribute__((btf_type_tag("uptr")))
#endif

/* What a global function takes, which the verifier looks at without its callers: the context; a pointer that is never
 * NULL, one that may be, one to a type of the kernel that is held, one that is only read with care, and one into the
 * arena. Source: btf_prepare_func_args in kernel/bpf/btf.c. */
#define __arg_ctx __attribute__((btf_decl_tag("arg:ctx")))
#define __arg_nonnull __attribute__((btf_decl_tag("arg:nonnull")))
#define __arg_nullable __attribute__((btf_decl_tag("arg:nullable")))
#define __arg_trusted __attribute__((btf_decl_tag("arg:trusted")))
#define __arg_untrusted __attribute__((btf_decl_tag("arg:untrusted")))
#define __arg_arena __attribute__((btf_decl_tag("arg:arena")))

/* An array of 64-bit numbers with the arguments, as the helpers want them that take any number of them. */
#define BAREBPF_PUT_0(to, at)
#define BAREBPF_PUT_1(to, at, x) to[at] = x
#define BAREBPF_PUT_2(to, at, x, more...) to[at] = x; BAREBPF_PUT_1(to, at + 1, more)
#define BAREBPF_PUT_3(to, at, x, more...) to[at] = x; BAREBPF_PUT_2(to, at + 1, more)
#define BAREBPF_PUT_4(to, at, x, more...) to[at] = x; BAREBPF_PUT_3(to, at + 1, more)
#define BAREBPF_PUT_5(to, at, x, more...) to[at] = x; BAREBPF_PUT_4(to, at + 1, more)
#define BAREBPF_PUT_6(to, at, x, more...) to[at] = x; BAREBPF_PUT_5(to, at + 1, more)
#define BAREBPF_PUT_7(to, at, x, more...) to[at] = x; BAREBPF_PUT_6(to, at + 1, more)
#define BAREBPF_PUT_8(to, at, x, more...) to[at] = x; BAREBPF_PUT_7(to, at + 1, more)
#define BAREBPF_PUT_9(to, at, x, more...) to[at] = x; BAREBPF_PUT_8(to, at + 1, more)
#define BAREBPF_PUT_10(to, at, x, more...) to[at] = x; BAREBPF_PUT_9(to, at + 1, more)
#define BAREBPF_PUT_11(to, at, x, more...) to[at] = x; BAREBPF_PUT_10(to, at + 1, more)
#define BAREBPF_PUT_12(to, at, x, more...) to[at] = x; BAREBPF_PUT_11(to, at + 1, more)
/* Pointers become numbers without a cast that small numbers would be warned of. */
#define BAREBPF_WITH_ARGUMENTS(fmt, call, args...)                                         \
	({                                                                                 \
		static const char __text[] = fmt;                                          \
		unsigned long long __numbers[BAREBPF_COUNT(args)];                         \
		_Pragma("GCC diagnostic push")                                             \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")                     \
		BAREBPF_PASTE(BAREBPF_PUT_, BAREBPF_COUNT(args))(__numbers, 0, ##args);    \
		_Pragma("GCC diagnostic pop")                                              \
		call;                                                                      \
	})

/* bpf_printk("%s has %d", name, count) writes a line into /sys/kernel/tracing/trace_pipe, which a machine has once for
 * all programs, so it is for looking into a program and not for events. It gives the bytes written, or a negative
 * errno. With more than three arguments, and twelve at most, it needs 5.16. The format is a variable of .rodata;
 * before 5.2 there was none, so with BPF_NO_GLOBAL_DATA it is on the stack. */
#ifdef BPF_NO_GLOBAL_DATA
#define BPF_PRINTK_FMT_MOD
#else
#define BPF_PRINTK_FMT_MOD static const
#endif
#ifndef BPF_PRINTK_FMT_TYPE
#define BPF_PRINTK_FMT_TYPE char
#endif
#define __bpf_printk(fmt, args...)                                      \
	({                                                              \
		BPF_PRINTK_FMT_MOD BPF_PRINTK_FMT_TYPE __text[] = fmt;  \
		bpf_trace_printk(__text, sizeof(__text), ##args);       \
	})
#define __bpf_vprintk(fmt, args...)                                                             \
	BAREBPF_WITH_ARGUMENTS(fmt, bpf_trace_vprintk(__text, sizeof(__text), __numbers, sizeof(__numbers)), ##args)
#define BAREBPF_PRINTK_(_, a, b, c, d, e, f, g, h, i, j, k, l, which, ...) which
#define BAREBPF_PRINTK(args...)                                                                            \
	BAREBPF_PRINTK_(_, ##args, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk,             \
			__bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk, __bpf_vprintk,         \
			__bpf_printk, __bpf_printk, __bpf_printk, __bpf_printk)
#define bpf_printk(fmt, args...) BAREBPF_PRINTK(args)(fmt, ##args)

/* The same into the file that an iterator is read as (5.8), and into memory (5.13), which gives the bytes that the
 * whole text needs with its end. */
#define BPF_SEQ_PRINTF(seq, fmt, args...) \
	BAREBPF_WITH_ARGUMENTS(fmt, bpf_seq_printf(seq, __text, sizeof(__text), __numbers, sizeof(__numbers)), ##args)
#define BPF_SNPRINTF(out, out_size, fmt, args...) \
	BAREBPF_WITH_ARGUMENTS(fmt, bpf_snprintf(out, out_size, __text, __numbers, sizeof(__numbers)), ##args)

/* The same into a stream of the program, which BPF_PROG_STREAM_READ_BY_FD reads: 1 for what it has to say, 2 for
 * errors. The function has another name in 6.18, and in 7.2 its first one again, with an argument less; 6.17 is left
 * out. Whoever loads takes the ___barebpf off; it keeps clear of the declaration of a vmlinux.h. */
extern int bpf_stream_vprintk___barebpf(int stream_id, const char *fmt, const void *args, __u32 len) __weak __ksym;
extern int bpf_stream_vprintk_impl___barebpf(int stream_id, const char *fmt, const void *args, __u32 len, void *aux)
	__weak __ksym;
#define bpf_stream_printk(stream_id, fmt, args...)                                                            \
	BAREBPF_WITH_ARGUMENTS(fmt, bpf_ksym_exists(bpf_stream_vprintk_impl___barebpf)                        \
		? bpf_stream_vprintk_impl___barebpf(stream_id, __text, __numbers, sizeof(__numbers), NULL)    \
		: bpf_stream_vprintk___barebpf(stream_id, __text, __numbers, sizeof(__numbers)), ##args)

/* Loops that the verifier looks through once, however often they run. From 6.4, and struct bpf_iter_num is in the
 * <linux/bpf.h> or vmlinux.h of such a kernel. `break`, `continue` and `return` are what they are elsewhere.
 *
 *	bpf_for(i, 0, count) {}         i is an int of the program's, and known to be in [0, count)
 *	bpf_repeat(1000) {}
 *	bpf_for_each(task, at, NULL, BPF_TASK_ITER_ALL_PROCS) {}    `at` is what bpf_iter_task_next gives
 */
struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;

/* The iterator with its end bound to it, and a variable that is only there for its first value, which begins it. clang
 * writes no BTF of a function that is named only in an attribute, so the end is named there, too. */
#define BAREBPF_ITERATE(type, args...)                                                                             \
	struct bpf_iter_##type __it __attribute__((aligned(8), cleanup(bpf_iter_##type##_destroy))),               \
		*__begun __attribute__((unused)) =                                                                 \
			(bpf_iter_##type##_new(&__it, ##args), (void)bpf_iter_##type##_destroy, (void *)0)
#ifndef bpf_for_each
#define bpf_for_each(type, cur, args...) for (BAREBPF_ITERATE(type, ##args); ((cur) = bpf_iter_##type##_next(&__it));)
#endif
#ifndef bpf_for
#define bpf_for(i, start, end)                                                                \
	for (BAREBPF_ITERATE(num, (start), (end)); ({                                         \
		     int *__at = bpf_iter_num_next(&__it);                                    \
		     __at && ((i) = *__at, (i) >= (start) && (i) < (end));                    \
	     });)
#endif
#ifndef bpf_repeat
#define bpf_repeat(times) for (BAREBPF_ITERATE(num, 0, (times)); bpf_iter_num_next(&__it);)
#endif

#endif
