/* SPDX-License-Identifier: MIT
 * What BPF programs with an arena include beside bpf_helpers.h, under the names that the field uses.
 *
 * A pointer into an arena is 64 bits that mean the same to user space and to programs; whoever stores one in the
 * arena stores these. Before a program follows one it makes it an address of the kernel's:
 *
 *	struct node __arena *at = head;
 *	cast_kern(at);
 *	sum += at->value;
 *
 * and before it stores a pointer that it has cast so, it casts it back with cast_user. Both change the variable, and
 * cost an instruction or two. NULL stays NULL. Reading a page that is not there gives zeros, and writing to it does
 * nothing.
 *
 * The casts are written by hand, so every clang does; one that knows address spaces must not be told of them.
 */
#ifndef BAREBPF_BPF_ARENA_COMMON_H
#define BAREBPF_BPF_ARENA_COMMON_H

/* Says of a pointer that it points into the arena; a word for readers. */
#define __arena

/* Puts a global variable into the arena: `int __arena_global count = 3;`. Its address is one of user space. */
#define __arena_global __attribute__((section(".addr_space.1")))

#define cast_kern(ptr) bpf_addr_space_cast(ptr, 0, 1)
#define cast_user(ptr) bpf_addr_space_cast(ptr, 1, 0)

/* A move of a register to itself that says in its offset and number what it means. Assemblers do not know it, so it is
 * written as bytes, and the name of the register that the compiler chose is looked up by trying all.
 * Source: BPF_ADDR_SPACE_CAST in include/linux/filter.h at v6.12. */
#define bpf_addr_space_cast(var, to, from)                                             \
	asm volatile(".byte 0xbf\n"                                                    \
		     ".irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9\n"                     \
		     ".ifc %[reg], r\\number\n.byte 0x\\number\\number\n.endif\n"      \
		     ".endr\n"                                                         \
		     ".short 1\n"                                                      \
		     ".long %[spaces]"                                                 \
		     : [reg] "+r"(var)                                                 \
		     : [spaces] "i"((to) << 16 | (from)))

/* The verifier looks for the arena of a program among the maps that the program loads the address of; so one that
 * only follows pointers has to say which arena is its. There is one for each program. */
#define use_arena(map) asm volatile("" : : "r"(map))

/* The struct around a member, both in the arena. */
#define arena_container_of(ptr, type, member) ((type __arena *)((void *)(ptr) - __builtin_offsetof(type, member)))

/* Pages for `addr`, or wherever there is room for NULL, on a node of memory or on NUMA_NO_NODE: an address of user
 * space, NULL where there are none. For programs that may sleep. A vmlinux.h with functions declares both. */
#ifndef NUMA_NO_NODE
#define NUMA_NO_NODE (-1)
#endif
#if !defined(__VMLINUX_H__) || defined(BPF_NO_KFUNC_PROTOTYPES)
extern void __arena *bpf_arena_alloc_pages(void *map, void __arena *addr, __u32 page_cnt, int node_id, __u64 flags)
	__attribute__((section(".ksyms"), weak));
extern void bpf_arena_free_pages(void *map, void __arena *ptr, __u32 page_cnt) __attribute__((section(".ksyms"), weak));
#endif

#endif
