/* SPDX-License-Identifier: MIT
 * What BPF programs include: section names, map definitions and the helpers that go with them, under the
 * names that the field uses. For the bpf target of clang only; never put this folder on the include path of
 * a user-space program. The guard is the one that libbpf uses, so that the two never meet in one program.
 *
 * Include <linux/bpf.h> (or a vmlinux.h) first; it brings __u32, __u64 and the BPF_ constants.
 */
#ifndef __BPF_HELPERS__
#define __BPF_HELPERS__

/* Where the compiler puts what follows; the name tells the loader what it is. */
#define SEC(name) __attribute__((section(name), used))

/* Members of a map definition. A number is the length of an array that nothing points to, a type is a
 * pointer to it, and both survive in BTF without a byte of data. */
#define __uint(name, val) int(*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]
/* A number of 64 bits is the one value of an enum; the name of the value has to differ from all others. */
#define BAREBPF_PASTE_(a, b) a##b
#define BAREBPF_PASTE(a, b) BAREBPF_PASTE_(a, b)
#define __ulong(name, val) enum { BAREBPF_PASTE(__number_, __COUNTER__) = val } name

/* Values of the member `pinning` of a map definition. */
enum libbpf_pin_type {
	LIBBPF_PIN_NONE,
	LIBBPF_PIN_BY_NAME,
};

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef __hidden
#define __hidden __attribute__((visibility("hidden")))
#endif

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
#ifndef __kptr_untrusted
#define __kptr_untrusted __attribute__((btf_type_tag("kptr_untrusted")))
#endif
#ifndef __percpu_kptr
#define __percpu_kptr __attribute__((btf_type_tag("percpu_kptr")))
#endif
#ifndef __uptr
#define __uptr __attribute__((btf_type_tag("uptr")))
#endif

/* A helper is a call to its number. Source: ___BPF_FUNC_MAPPER in include/uapi/linux/bpf.h at v6.12. */
#define BAREBPF_HELPER(number, result, name, ...) \
	static result (*const name)(__VA_ARGS__) __attribute__((unused)) = (result(*)(__VA_ARGS__))number

struct __sk_buff;
struct bpf_dynptr;
struct bpf_sock_ops;
struct bpf_spin_lock;
struct sk_msg_md;
struct sk_reuseport_md;

BAREBPF_HELPER(1, void *, bpf_map_lookup_elem, void *map, const void *key);
BAREBPF_HELPER(2, long, bpf_map_update_elem, void *map, const void *key, const void *value, __u64 flags);
BAREBPF_HELPER(3, long, bpf_map_delete_elem, void *map, const void *key);
BAREBPF_HELPER(4, long, bpf_probe_read, void *dst, __u32 size, const void *unsafe_ptr);
BAREBPF_HELPER(5, __u64, bpf_ktime_get_ns, void);
BAREBPF_HELPER(8, __u32, bpf_get_smp_processor_id, void);
BAREBPF_HELPER(12, long, bpf_tail_call, void *ctx, void *prog_array_map, __u32 index);
BAREBPF_HELPER(14, __u64, bpf_get_current_pid_tgid, void);
BAREBPF_HELPER(15, __u64, bpf_get_current_uid_gid, void);
BAREBPF_HELPER(16, long, bpf_get_current_comm, void *buf, __u32 size_of_buf);
BAREBPF_HELPER(25, long, bpf_perf_event_output, void *ctx, void *map, __u64 flags, void *data, __u64 size);
BAREBPF_HELPER(26, long, bpf_skb_load_bytes, const void *skb, __u32 offset, void *to, __u32 len);
BAREBPF_HELPER(27, long, bpf_get_stackid, void *ctx, void *map, __u64 flags);
BAREBPF_HELPER(35, __u64, bpf_get_current_task, void);
BAREBPF_HELPER(37, long, bpf_current_task_under_cgroup, void *map, __u32 index);
BAREBPF_HELPER(45, long, bpf_probe_read_str, void *dst, __u32 size, const void *unsafe_ptr);
BAREBPF_HELPER(46, __u64, bpf_get_socket_cookie, void *ctx);
BAREBPF_HELPER(51, long, bpf_redirect_map, void *map, __u64 key, __u64 flags);
BAREBPF_HELPER(52, long, bpf_sk_redirect_map, struct __sk_buff *skb, void *map, __u32 key, __u64 flags);
BAREBPF_HELPER(53, long, bpf_sock_map_update, struct bpf_sock_ops *skops, void *map, void *key, __u64 flags);
BAREBPF_HELPER(60, long, bpf_msg_redirect_map, struct sk_msg_md *msg, void *map, __u32 key, __u64 flags);
BAREBPF_HELPER(70, long, bpf_sock_hash_update, struct bpf_sock_ops *skops, void *map, void *key, __u64 flags);
BAREBPF_HELPER(71, long, bpf_msg_redirect_hash, struct sk_msg_md *msg, void *map, void *key, __u64 flags);
BAREBPF_HELPER(72, long, bpf_sk_redirect_hash, struct __sk_buff *skb, void *map, void *key, __u64 flags);
BAREBPF_HELPER(81, void *, bpf_get_local_storage, void *map, __u64 flags);
BAREBPF_HELPER(82, long, bpf_sk_select_reuseport, struct sk_reuseport_md *reuse, void *map, void *key,
	       __u64 flags);
BAREBPF_HELPER(87, long, bpf_map_push_elem, void *map, const void *value, __u64 flags);
BAREBPF_HELPER(88, long, bpf_map_pop_elem, void *map, void *value);
BAREBPF_HELPER(89, long, bpf_map_peek_elem, void *map, void *value);
BAREBPF_HELPER(93, long, bpf_spin_lock, struct bpf_spin_lock *lock);
BAREBPF_HELPER(94, long, bpf_spin_unlock, struct bpf_spin_lock *lock);
BAREBPF_HELPER(95, struct bpf_sock *, bpf_sk_fullsock, struct bpf_sock *sk);
BAREBPF_HELPER(107, void *, bpf_sk_storage_get, void *map, void *sk, void *value, __u64 flags);
BAREBPF_HELPER(108, long, bpf_sk_storage_delete, void *map, void *sk);
BAREBPF_HELPER(112, long, bpf_probe_read_user, void *dst, __u32 size, const void *unsafe_ptr);
BAREBPF_HELPER(113, long, bpf_probe_read_kernel, void *dst, __u32 size, const void *unsafe_ptr);
BAREBPF_HELPER(114, long, bpf_probe_read_user_str, void *dst, __u32 size, const void *unsafe_ptr);
BAREBPF_HELPER(115, long, bpf_probe_read_kernel_str, void *dst, __u32 size, const void *unsafe_ptr);
BAREBPF_HELPER(127, long, bpf_seq_write, void *m, const void *data, __u32 len);
BAREBPF_HELPER(130, long, bpf_ringbuf_output, void *ringbuf, void *data, __u64 size, __u64 flags);
BAREBPF_HELPER(131, void *, bpf_ringbuf_reserve, void *ringbuf, __u64 size, __u64 flags);
BAREBPF_HELPER(132, void, bpf_ringbuf_submit, void *data, __u64 flags);
BAREBPF_HELPER(133, void, bpf_ringbuf_discard, void *data, __u64 flags);
BAREBPF_HELPER(134, __u64, bpf_ringbuf_query, void *ringbuf, __u64 flags);
BAREBPF_HELPER(145, void *, bpf_inode_storage_get, void *map, void *inode, void *value, __u64 flags);
BAREBPF_HELPER(146, int, bpf_inode_storage_delete, void *map, void *inode);
BAREBPF_HELPER(156, void *, bpf_task_storage_get, void *map, void *task, void *value, __u64 flags);
BAREBPF_HELPER(157, long, bpf_task_storage_delete, void *map, void *task);
BAREBPF_HELPER(158, void *, bpf_get_current_task_btf, void);
BAREBPF_HELPER(153, void *, bpf_per_cpu_ptr, const void *percpu_ptr, __u32 cpu);
BAREBPF_HELPER(154, void *, bpf_this_cpu_ptr, const void *percpu_ptr);
BAREBPF_HELPER(164, long, bpf_for_each_map_elem, void *map, void *callback_fn, void *callback_ctx, __u64 flags);
BAREBPF_HELPER(174, __u64, bpf_get_attach_cookie, void *ctx);
BAREBPF_HELPER(181, long, bpf_loop, __u32 nr_loops, void *callback_fn, void *callback_ctx, __u64 flags);
BAREBPF_HELPER(201, long, bpf_dynptr_read, void *dst, __u32 len, const struct bpf_dynptr *src, __u32 offset,
	       __u64 flags);
BAREBPF_HELPER(209, long, bpf_user_ringbuf_drain, void *map, void *callback_fn, void *ctx, __u64 flags);
BAREBPF_HELPER(210, void *, bpf_cgrp_storage_get, void *map, void *cgroup, void *value, __u64 flags);
BAREBPF_HELPER(211, long, bpf_cgrp_storage_delete, void *map, void *cgroup);

#undef BAREBPF_HELPER

#endif
