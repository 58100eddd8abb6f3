/* SPDX-License-Identifier: MIT
 * Reads of the kernel's memory that fit every kernel (CO-RE), under the names that the field uses. The compiler leaves
 * a note at each: which member of which type. Whoever loads the program, barebpf or the kernel itself, puts in where
 * that member lies in the kernel that runs. Declare the types that you read with
 * __attribute__((preserve_access_index)), only with the members that you need and in any order, or include a vmlinux.h.
 * "struct task_struct___old" and "struct task_struct" are the same type to whoever loads: what follows three
 * underscores is only there to have several versions of a type in one program.
 *
 * For the bpf target of clang only, from version 11; the guard is the one that libbpf uses, so that the two never meet in
 * one program.
 */
#ifndef __BPF_CORE_READ_H__
#define __BPF_CORE_READ_H__

#include "bpf_helpers.h"

/* What __builtin_preserve_field_info is asked. Source: the first members of enum bpf_core_relo_kind in
 * include/uapi/linux/bpf.h at v6.12; the others below are numbered by clang for each builtin. */
enum bpf_field_info_kind {
	BPF_FIELD_BYTE_OFFSET = 0,
	BPF_FIELD_BYTE_SIZE = 1,
	BPF_FIELD_EXISTS = 2,
	BPF_FIELD_SIGNED = 3,
	BPF_FIELD_LSHIFT_U64 = 4,
	BPF_FIELD_RSHIFT_U64 = 5,
};
enum bpf_type_id_kind {
	BPF_TYPE_ID_LOCAL = 0,
	BPF_TYPE_ID_TARGET = 1,
};
enum bpf_type_info_kind {
	BPF_TYPE_EXISTS = 0,
	BPF_TYPE_SIZE = 1,
	BPF_TYPE_MATCHES = 2, /* clang 15 */
};
enum bpf_enum_value_kind {
	BPF_ENUMVAL_EXISTS = 0,
	BPF_ENUMVAL_VALUE = 1,
};

/* A member, given as an expression (pointer->member) or as a type and a member. */
#define BAREBPF_FIELD_1(field) field
#define BAREBPF_FIELD_2(type, field) (((typeof(type) *)0)->field)
#define BAREBPF_FIELD(...) BAREBPF_PASTE(BAREBPF_FIELD_, BAREBPF_COUNT(__VA_ARGS__))(__VA_ARGS__)

/* 1 when the kernel has the member, else 0. */
#define bpf_core_field_exists(field...) \
	__builtin_preserve_field_info(BAREBPF_FIELD(field), BPF_FIELD_EXISTS)
/* Its bytes, and its bytes from the start of its type. */
#define bpf_core_field_size(field...) \
	__builtin_preserve_field_info(BAREBPF_FIELD(field), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(field...) \
	__builtin_preserve_field_info(BAREBPF_FIELD(field), BPF_FIELD_BYTE_OFFSET)

/* The id of a type in the BTF that is loaded with the program, and in the kernel's: 0 when the kernel has none. */
#define bpf_core_type_id_local(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_LOCAL)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*(typeof(type) *)0, BPF_TYPE_ID_TARGET)
/* 1 when the kernel has a type of this name and kind; and when it also has every member, each of a like type. */
#define bpf_core_type_exists(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_EXISTS)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_MATCHES)
/* Its bytes in the kernel, 0 when it has none. */
#define bpf_core_type_size(type) __builtin_preserve_type_info(*(typeof(type) *)0, BPF_TYPE_SIZE)

/* 1 when the kernel's enum has an enumerator of this name, and which number that has. */
#define bpf_core_enum_value_exists(enum_type, enum_value) \
	__builtin_preserve_enum_value(*(typeof(enum_type) *)enum_value, BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(enum_type, enum_value) \
	__builtin_preserve_enum_value(*(typeof(enum_type) *)enum_value, BPF_ENUMVAL_VALUE)

/* The pointer as one to a type of the kernel's BTF, which the verifier follows without a helper. From Linux 6.8. */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;
#define bpf_core_cast(ptr, type) ((typeof(type) *)bpf_rdonly_cast((ptr), bpf_core_type_id_kernel(type)))

/* `size` bytes from where `src` lies in the kernel that runs. What they give is the helper's: 0 or a negative errno,
 * and for strings their bytes with the end. */
#define bpf_core_read(dst, size, src) \
	bpf_probe_read_kernel(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user(dst, size, src) \
	bpf_probe_read_user(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_str(dst, size, src) \
	bpf_probe_read_kernel_str(dst, size, (const void *)__builtin_preserve_access_index(src))
#define bpf_core_read_user_str(dst, size, src) \
	bpf_probe_read_user_str(dst, size, (const void *)__builtin_preserve_access_index(src))

/* One thing that is known of a member: __CORE_RELO(task, in_iowait, BYTE_SIZE). */
#define __CORE_RELO(src, field, info) __builtin_preserve_field_info((src)->field, BPF_FIELD_##info)

/* Bit fields. Both give the number, with its sign where it has one. The first asks the helper and takes every pointer;
 * the second reads memory that the program may read itself. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BAREBPF_FIRST_BYTE(dst, size) ((void *)(dst))
#else
/* Hidden from the compiler, which would take the size from the address, and the verifier lets none be taken from one on the
 * stack. */
#define BAREBPF_FIRST_BYTE(dst, size)                                                               \
	({                                                                                          \
		__u64 __skip = 8 - (size);                                                          \
		asm volatile("" : "+r"(__skip));                                                    \
		(void *)(dst) + __skip;                                                             \
	})
#endif
#define __CORE_BITFIELD_PROBE_READ(dst, src, field)                                                 \
	bpf_probe_read_kernel(BAREBPF_FIRST_BYTE(dst, __CORE_RELO(src, field, BYTE_SIZE)),          \
			      __CORE_RELO(src, field, BYTE_SIZE),                                   \
			      (const void *)(src) + __CORE_RELO(src, field, BYTE_OFFSET))
/* The bits of the field, from the bytes that hold it. */
#define BAREBPF_BITS_OF(word, src, field)                                                           \
	({                                                                                          \
		__u64 __bits = (word) << __CORE_RELO(src, field, LSHIFT_U64);                       \
		if (__CORE_RELO(src, field, SIGNED))                                                \
			__bits = (__s64)__bits >> __CORE_RELO(src, field, RSHIFT_U64);              \
		else                                                                                \
			__bits >>= __CORE_RELO(src, field, RSHIFT_U64);                             \
		__bits;                                                                             \
	})
#define BPF_CORE_READ_BITFIELD_PROBED(src, field)                                                   \
	({                                                                                          \
		__u64 __word = 0;                                                                   \
		__CORE_BITFIELD_PROBE_READ(&__word, src, field);                                    \
		BAREBPF_BITS_OF(__word, src, field);                                                \
	})
/* The bytes that hold it, of which there are as many as the kernel says. The address is hidden from the compiler, which
 * would else fold what is not known yet into each access. */
#define BAREBPF_ADDRESS(address, src, field)                                                        \
	address = (void *)(src) + __CORE_RELO(src, field, BYTE_OFFSET);                             \
	asm volatile("" : "+r"(address))
#define BAREBPF_LOAD(word, address, size)                                                           \
	switch (size) {                                                                             \
	case 1: word = *(__u8 *)(address); break;                                                   \
	case 2: word = *(__u16 *)(address); break;                                                  \
	case 4: word = *(__u32 *)(address); break;                                                  \
	case 8: word = *(__u64 *)(address); break;                                                  \
	default: word = 0; break;                                                                   \
	}
#define BAREBPF_STORE(word, address, size)                                                          \
	switch (size) {                                                                             \
	case 1: *(__u8 *)(address) = word; break;                                                   \
	case 2: *(__u16 *)(address) = word; break;                                                  \
	case 4: *(__u32 *)(address) = word; break;                                                  \
	case 8: *(__u64 *)(address) = word; break;                                                  \
	}
#define BPF_CORE_READ_BITFIELD(src, field)                                                          \
	({                                                                                          \
		void *__from;                                                                       \
		__u64 __word;                                                                       \
		BAREBPF_ADDRESS(__from, src, field);                                                \
		BAREBPF_LOAD(__word, __from, __CORE_RELO(src, field, BYTE_SIZE));                   \
		BAREBPF_BITS_OF(__word, src, field);                                                \
	})
/* Puts `value` into a bit field of memory that the program may write. */
#define BPF_CORE_WRITE_BITFIELD(src, field, value)                                                  \
	({                                                                                          \
		void *__to;                                                                         \
		const __u32 __size = __CORE_RELO(src, field, BYTE_SIZE);                            \
		const __u32 __left = __CORE_RELO(src, field, LSHIFT_U64);                           \
		const __u32 __right = __CORE_RELO(src, field, RSHIFT_U64);                          \
		const __u64 __mask = ~0ULL << __right >> __left;                                    \
		__u64 __word;                                                                       \
		BAREBPF_ADDRESS(__to, src, field);                                                  \
		BAREBPF_LOAD(__word, __to, __size);                                                 \
		__word = (__word & ~__mask) | ((__u64)(value) << (__right - __left) & __mask);      \
		BAREBPF_STORE(__word, __to, __size);                                                \
	})

/* src->a->b->c, as a path that is never walked but has the type of its end. */
#define BAREBPF_PATH_0(src) src
#define BAREBPF_PATH_1(src, a) (src)->a
#define BAREBPF_PATH_2(src, a, ...) BAREBPF_PATH_1((src)->a, __VA_ARGS__)
#define BAREBPF_PATH_3(src, a, ...) BAREBPF_PATH_2((src)->a, __VA_ARGS__)
#define BAREBPF_PATH_4(src, a, ...) BAREBPF_PATH_3((src)->a, __VA_ARGS__)
#define BAREBPF_PATH_5(src, a, ...) BAREBPF_PATH_4((src)->a, __VA_ARGS__)
#define BAREBPF_PATH_6(src, a, ...) BAREBPF_PATH_5((src)->a, __VA_ARGS__)
#define BAREBPF_PATH_7(src, a, ...) BAREBPF_PATH_6((src)->a, __VA_ARGS__)
#define BAREBPF_PATH_8(src, a, ...) BAREBPF_PATH_7((src)->a, __VA_ARGS__)
#define BAREBPF_PATH_9(src, a, ...) BAREBPF_PATH_8((src)->a, __VA_ARGS__)
#define BAREBPF_PATH_10(src, a, ...) BAREBPF_PATH_9((src)->a, __VA_ARGS__)
#define BAREBPF_PATH(src, path...) BAREBPF_PASTE(BAREBPF_PATH_, BAREBPF_COUNT(path))(src, ##path)

/* Follows it: each arrow but the last reads a pointer with `step`, and `last` reads what is there. All pointers take
 * turns in one variable, since the stack of a program has 512 bytes; where one cannot be read the helper makes it
 * NULL. */
#define BAREBPF_FOLLOW_1(step, last, dst, src, a) last((void *)(dst), sizeof(*(dst)), &(src)->a)
#define BAREBPF_FOLLOW_2(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_1(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW_3(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_2(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW_4(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_3(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW_5(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_4(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW_6(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_5(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW_7(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_6(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW_8(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_7(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW_9(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_8(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW_10(step, last, dst, src, a, ...)                                              \
	(step(&__next, sizeof(__next), &(src)->a),                                                  \
	 BAREBPF_FOLLOW_9(step, last, dst, ((typeof((src)->a))__next), __VA_ARGS__))
#define BAREBPF_FOLLOW(step, last, dst, src, ...)                                                   \
	({                                                                                          \
		const void *__next __attribute__((unused));                                         \
		BAREBPF_PASTE(BAREBPF_FOLLOW_, BAREBPF_COUNT(__VA_ARGS__))(step, last, dst, src, __VA_ARGS__); \
	})

/* BPF_CORE_READ(task, mm, exe_file) is task->mm->exe_file, in one read for each arrow; zeros where one fails. Those
 * with _INTO put it where `dst` points and give what the last helper gave; USER is for the memory of the process, and
 * PROBE for types that are the same on every kernel. */
#define BPF_CORE_READ_INTO(dst, src, ...) BAREBPF_FOLLOW(bpf_core_read, bpf_core_read, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_USER_INTO(dst, src, ...) \
	BAREBPF_FOLLOW(bpf_core_read_user, bpf_core_read_user, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_STR_INTO(dst, src, ...) \
	BAREBPF_FOLLOW(bpf_core_read, bpf_core_read_str, dst, src, __VA_ARGS__)
#define BPF_CORE_READ_USER_STR_INTO(dst, src, ...) \
	BAREBPF_FOLLOW(bpf_core_read_user, bpf_core_read_user_str, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_INTO(dst, src, ...) \
	BAREBPF_FOLLOW(bpf_probe_read_kernel, bpf_probe_read_kernel, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER_INTO(dst, src, ...) \
	BAREBPF_FOLLOW(bpf_probe_read_user, bpf_probe_read_user, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_STR_INTO(dst, src, ...) \
	BAREBPF_FOLLOW(bpf_probe_read_kernel, bpf_probe_read_kernel_str, dst, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER_STR_INTO(dst, src, ...) \
	BAREBPF_FOLLOW(bpf_probe_read_user, bpf_probe_read_user_str, dst, src, __VA_ARGS__)

/* Without const, of which a variable would not be written to. */
#if __clang_major__ >= 19
#define BAREBPF_PLAIN_TYPE(value) __typeof_unqual__(value)
#else
#define BAREBPF_PLAIN_TYPE(value) typeof(value)
#endif
#define BAREBPF_READ(into, src, ...)                                                                \
	({                                                                                          \
		BAREBPF_PLAIN_TYPE(BAREBPF_PATH(src, __VA_ARGS__)) __value;                         \
		into(&__value, src, __VA_ARGS__);                                                   \
		__value;                                                                            \
	})
#define BPF_CORE_READ(src, ...) BAREBPF_READ(BPF_CORE_READ_INTO, src, __VA_ARGS__)
#define BPF_CORE_READ_USER(src, ...) BAREBPF_READ(BPF_CORE_READ_USER_INTO, src, __VA_ARGS__)
#define BPF_PROBE_READ(src, ...) BAREBPF_READ(BPF_PROBE_READ_INTO, src, __VA_ARGS__)
#define BPF_PROBE_READ_USER(src, ...) BAREBPF_READ(BPF_PROBE_READ_USER_INTO, src, __VA_ARGS__)

/* From the inside of libbpf's header, for programs that build macros of their own on it. */
#define ___arrow(src, path...) BAREBPF_PATH(src, ##path)
#define ___type(src, path...) BAREBPF_PLAIN_TYPE(BAREBPF_PATH(src, ##path))

#endif
