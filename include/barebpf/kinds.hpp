// SPDX-License-Identifier: MIT
// Room 2.0, kinds: the table of map types. One row says what the kernel allows on a type; the typed maps read it
// here and nowhere else.
#ifndef BAREBPF_KINDS_HPP
#define BAREBPF_KINDS_HPP

#include "abi/bpf.hpp"
#include "cause.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A kernel version as a number that can be compared: `kernel(5, 15) < kernel(6, 1)`.
[[nodiscard]] constexpr u32 kernel(u32 version, u32 patchlevel) noexcept {
  return version << 16 | patchlevel << 8;
}

/// Operations of bpf(2) on a map and its elements, as bits.
enum operation : u32 {
  can_lookup = 1u << 0,
  can_update = 1u << 1,
  can_delete = 1u << 2,
  can_get_next_key = 1u << 3,
  can_lookup_and_delete = 1u << 4,
  can_lookup_batch = 1u << 5,
  can_update_batch = 1u << 6,
  can_delete_batch = 1u << 7,
  can_lookup_and_delete_batch = 1u << 8,
  can_mmap = 1u << 9,
  can_freeze = 1u << 10,
  can_choose_update = 1u << 11,  ///< an update may ask for `noexist` or `exist`
  can_lock = 1u << 12,           ///< a value may have a spin lock that reads and updates take
  can_choose_cpu = 1u << 13,     ///< a value of one CPU may be read and updated alone; 7.0
};

/// What a descriptor of a map may do. Only the descriptor knows: neither the map nor its pins nor its flags do.
/// Kernel: 4.15, BPF_F_RDONLY and BPF_F_WRONLY, given when a map is created, got by its pin or opened by its id.
/// Source: bpf_get_file_flag() in kernel/bpf/syscall.c at v6.12.
enum class map_access : u8 { read_write, read_only, write_only };

/// The flag that narrows a descriptor to `access`.
[[nodiscard]] constexpr u32 flag_of(map_access access) noexcept {
  return access == map_access::read_only    ? map_flag::rdonly
         : access == map_access::write_only ? map_flag::wronly
                                            : 0u;
}

/// The operations that the kernel lets a descriptor do. What takes elements out both reads and writes; and mmap(2)
/// shares no memory of a file that is not open for both.
/// Source: FMODE_CAN_READ and FMODE_CAN_WRITE in kernel/bpf/syscall.c and do_mmap() in mm/mmap.c at v6.12, measured
///         on 6.18.
[[nodiscard]] constexpr u32 operations_of(map_access access) noexcept {
  constexpr u32 reading = can_lookup | can_get_next_key | can_lookup_batch;
  constexpr u32 writing = can_update | can_delete | can_update_batch | can_delete_batch | can_freeze;
  return access == map_access::read_only ? reading : access == map_access::write_only ? writing : ~0u;
}

/// What a key is to the kernel.
enum class key_rule : u8 {
  none,        ///< there is none, the size is 0
  index,       ///< a u32 from 0 to max_entries - 1
  bytes,       ///< any bytes, compared as they are
  prefix,      ///< a u32 prefix length in host order and 1 to 256 bytes
  descriptor,  ///< a u32 file descriptor of the object that the value is stored with
  cgroup,      ///< the u64 id of a cgroup, or struct bpf_cgroup_storage_key
  ifindex,     ///< a u32 that the caller chooses, by habit an interface's index
  single,      ///< a u32 that must be 0
};

/// The key type of maps that have no keys.
struct no_key {};

/// How many bytes of `Key` the kernel reads.
template <class Key>
inline constexpr u32 key_size_of = std::is_same_v<Key, no_key> ? 0 : sizeof(Key);

/// The value type of maps that have no values.
struct no_value {};

/// How many bytes of `Value` the kernel copies.
template <class Value>
inline constexpr u32 value_size_of = std::is_same_v<Value, no_value> ? 0 : sizeof(Value);

/// What a value is to the kernel.
enum class value_rule : u8 {
  none,         ///< there is none, the size is 0
  plain,        ///< any bytes
  per_cpu,      ///< any bytes, once for every possible CPU, each rounded up to 8 bytes
  program,      ///< a program: its descriptor goes in, its id comes out
  map,          ///< a map: its descriptor goes in, its id comes out
  event,        ///< a perf event: its descriptor goes in, nothing comes out
  cgroup,       ///< a cgroup: its descriptor goes in, nothing comes out
  socket,       ///< a socket: its descriptor goes in, its cookie comes out if the value has 8 bytes
  xsk,          ///< an AF_XDP socket: its descriptor goes in, nothing comes out
  device,       ///< an interface's index, with 8 bytes also a program
  cpu,          ///< a queue size, with 8 bytes also a program
  stack,        ///< instruction addresses, 8 bytes each, or records of 32 bytes with stack_build_id
  kernel_type,  ///< the kernel's own struct, bpf_struct_ops_<name>
  instruction,  ///< struct bpf_insn_array_value
};

/// What max_entries is to the kernel.
enum class entries_rule : u8 {
  count,      ///< entries, at least 1
  zero,       ///< must be 0
  one,        ///< must be 1
  ring_size,  ///< bytes, a power of two and whole pages
  pages,      ///< pages, at most 4 GiB in all
};

/// Whether the kernel takes BTF ids for key and value.
enum class btf_rule : u8 { refused, allowed, required };

/// What the kernel allows on one map type.
struct map_kind {
  map_type type;
  text type_name;        ///< the kernel's word for it
  u32 first_kernel = 0;  ///< as `kernel()` gives it
  key_rule key = key_rule::none;
  value_rule value = value_rule::none;
  entries_rule entries = entries_rule::count;
  btf_rule btf = btf_rule::refused;
  u32 operations = 0;      ///< bits of `operation`
  u32 flags = 0;           ///< bits of `map_flag` that BPF_MAP_CREATE takes, beside token_fd
  u32 required_flags = 0;  ///< bits of `map_flag` without which it refuses

  /// True when the kernel compares keys as raw bytes, padding and all.
  [[nodiscard]] constexpr bool hashes_the_key() const noexcept {
    return key == key_rule::bytes || key == key_rule::prefix;
  }
};

namespace detail {

// Operations that go together.
struct operations {
  static constexpr u32 slots = can_update | can_delete | can_get_next_key | can_freeze;
  static constexpr u32 elements = slots | can_lookup | can_choose_update;
  static constexpr u32 read_write_batches = can_lookup_batch | can_update_batch;
  static constexpr u32 all_batches = read_write_batches | can_delete_batch | can_lookup_and_delete_batch;
  static constexpr u32 hash = elements | can_lookup_and_delete | all_batches;
  static constexpr u32 array = (elements & ~u32{can_delete}) | read_write_batches;
  static constexpr u32 queue =
      can_lookup | can_update | can_choose_update | can_lookup_and_delete | can_freeze;
  static constexpr u32 storage =
      can_lookup | can_update | can_choose_update | can_delete | can_lock | can_freeze;
  static constexpr u32 cgroup_storage =
      can_lookup | can_update | can_choose_update | can_get_next_key | can_freeze;
};

// Flags that go together.
struct flags {
  static constexpr u32 access = map_flag::rdonly | map_flag::wronly;
  static constexpr u32 program_access = map_flag::rdonly_prog | map_flag::wronly_prog;
  static constexpr u32 slots = map_flag::numa_node | access;
  static constexpr u32 hash = access | program_access | map_flag::zero_seed;
  static constexpr u32 storage = map_flag::no_prealloc | map_flag::clone;
};

}  // namespace detail

/// One row per type, in the order of their numbers. Sources: kernel/bpf/syscall.c and the `map_ops` of each
/// type at v6.12, measured on 6.18; the last two from the sources of 7.2.
inline constexpr map_kind map_kinds[] = {
    {map_type::hash, "hash", kernel(3, 19), key_rule::bytes, value_rule::plain, entries_rule::count,
     btf_rule::allowed, detail::operations::hash | can_lock,
     detail::flags::hash | map_flag::no_prealloc | map_flag::numa_node, 0},
    {map_type::array, "array", kernel(3, 19), key_rule::index, value_rule::plain, entries_rule::count,
     btf_rule::allowed, detail::operations::array | can_lock | can_mmap,
     detail::flags::slots | detail::flags::program_access | map_flag::mmapable | map_flag::inner_map, 0},
    {map_type::prog_array, "prog_array", kernel(4, 2), key_rule::index, value_rule::program,
     entries_rule::count, btf_rule::allowed, detail::operations::slots | can_lookup, detail::flags::slots, 0},
    {map_type::perf_event_array, "perf_event_array", kernel(4, 3), key_rule::index, value_rule::event,
     entries_rule::count, btf_rule::refused, detail::operations::slots,
     detail::flags::slots | map_flag::preserve_elems, 0},
    {map_type::percpu_hash, "percpu_hash", kernel(4, 6), key_rule::bytes, value_rule::per_cpu,
     entries_rule::count, btf_rule::allowed, detail::operations::hash | can_choose_cpu,
     detail::flags::hash | map_flag::no_prealloc, 0},
    {map_type::percpu_array, "percpu_array", kernel(4, 6), key_rule::index, value_rule::per_cpu,
     entries_rule::count, btf_rule::allowed, detail::operations::array | can_choose_cpu,
     detail::flags::access | detail::flags::program_access, 0},
    {map_type::stack_trace, "stack_trace", kernel(4, 6), key_rule::index, value_rule::stack,
     entries_rule::count, btf_rule::refused,
     can_lookup | can_delete | can_get_next_key | can_freeze | can_lookup_and_delete,  // the last since 6.18
     detail::flags::slots | map_flag::stack_build_id, 0},
    {map_type::cgroup_array, "cgroup_array", kernel(4, 8), key_rule::index, value_rule::cgroup,
     entries_rule::count, btf_rule::refused, detail::operations::slots, detail::flags::slots, 0},
    {map_type::lru_hash, "lru_hash", kernel(4, 10), key_rule::bytes, value_rule::plain, entries_rule::count,
     btf_rule::allowed, detail::operations::hash,
     detail::flags::hash | map_flag::no_common_lru | map_flag::numa_node, 0},
    {map_type::lru_percpu_hash, "lru_percpu_hash", kernel(4, 10), key_rule::bytes, value_rule::per_cpu,
     entries_rule::count, btf_rule::allowed, detail::operations::hash | can_choose_cpu,
     detail::flags::hash | map_flag::no_common_lru, 0},
    {map_type::lpm_trie, "lpm_trie", kernel(4, 11), key_rule::prefix, value_rule::plain, entries_rule::count,
     btf_rule::allowed,
     detail::operations::elements | detail::operations::read_write_batches | can_delete_batch,
     detail::flags::slots | detail::flags::program_access | map_flag::no_prealloc, map_flag::no_prealloc},
    {map_type::array_of_maps, "array_of_maps", kernel(4, 12), key_rule::index, value_rule::map,
     entries_rule::count, btf_rule::refused,
     detail::operations::slots | can_lookup | detail::operations::read_write_batches, detail::flags::slots,
     0},
    {map_type::hash_of_maps, "hash_of_maps", kernel(4, 12), key_rule::bytes, value_rule::map,
     entries_rule::count, btf_rule::refused, detail::operations::elements | detail::operations::all_batches,
     detail::flags::hash | map_flag::no_prealloc | map_flag::numa_node, 0},
    {map_type::devmap, "devmap", kernel(4, 14), key_rule::index, value_rule::device, entries_rule::count,
     btf_rule::refused, detail::operations::elements, detail::flags::slots, 0},
    {map_type::sockmap, "sockmap", kernel(4, 14), key_rule::index, value_rule::socket, entries_rule::count,
     btf_rule::refused, detail::operations::elements, detail::flags::slots, 0},
    {map_type::cpumap, "cpumap", kernel(4, 15), key_rule::index, value_rule::cpu, entries_rule::count,
     btf_rule::refused, detail::operations::elements, map_flag::numa_node, 0},
    {map_type::xskmap, "xskmap", kernel(4, 18), key_rule::index, value_rule::xsk, entries_rule::count,
     btf_rule::refused, detail::operations::slots | can_choose_update, detail::flags::slots, 0},
    {map_type::sockhash, "sockhash", kernel(4, 18), key_rule::bytes, value_rule::socket, entries_rule::count,
     btf_rule::refused, detail::operations::elements, detail::flags::slots, 0},
    {map_type::cgroup_storage, "cgroup_storage", kernel(4, 19), key_rule::cgroup, value_rule::plain,
     entries_rule::zero, btf_rule::allowed, detail::operations::cgroup_storage | can_lock,
     detail::flags::slots | detail::flags::program_access, 0},
    {map_type::reuseport_sockarray, "reuseport_sockarray", kernel(4, 19), key_rule::index, value_rule::socket,
     entries_rule::count, btf_rule::allowed, detail::operations::elements,
     detail::flags::slots | detail::flags::program_access, 0},
    {map_type::percpu_cgroup_storage, "percpu_cgroup_storage", kernel(4, 20), key_rule::cgroup,
     value_rule::per_cpu, entries_rule::zero, btf_rule::allowed,
     detail::operations::cgroup_storage | can_choose_cpu,
     detail::flags::slots | detail::flags::program_access, 0},
    {map_type::queue, "queue", kernel(4, 20), key_rule::none, value_rule::plain, entries_rule::count,
     btf_rule::refused, detail::operations::queue, detail::flags::slots | detail::flags::program_access, 0},
    {map_type::stack, "stack", kernel(4, 20), key_rule::none, value_rule::plain, entries_rule::count,
     btf_rule::refused, detail::operations::queue, detail::flags::slots | detail::flags::program_access, 0},
    {map_type::sk_storage, "sk_storage", kernel(5, 2), key_rule::descriptor, value_rule::plain,
     entries_rule::zero, btf_rule::required, detail::operations::storage, detail::flags::storage,
     map_flag::no_prealloc},
    {map_type::devmap_hash, "devmap_hash", kernel(5, 4), key_rule::ifindex, value_rule::device,
     entries_rule::count, btf_rule::refused, detail::operations::elements, detail::flags::slots, 0},
    {map_type::struct_ops, "struct_ops", kernel(5, 6), key_rule::single, value_rule::kernel_type,
     entries_rule::one, btf_rule::refused, can_lookup | can_update | can_delete | can_get_next_key,
     map_flag::link | map_flag::vtype_btf_obj_fd, 0},
    {map_type::ringbuf, "ringbuf", kernel(5, 8), key_rule::none, value_rule::none, entries_rule::ring_size,
     btf_rule::refused, can_mmap | can_freeze, map_flag::numa_node | map_flag::rb_overwrite, 0},
    {map_type::inode_storage, "inode_storage", kernel(5, 10), key_rule::descriptor, value_rule::plain,
     entries_rule::zero, btf_rule::required, detail::operations::storage, detail::flags::storage,
     map_flag::no_prealloc},
    {map_type::task_storage, "task_storage", kernel(5, 11), key_rule::descriptor, value_rule::plain,
     entries_rule::zero, btf_rule::required, detail::operations::storage, detail::flags::storage,
     map_flag::no_prealloc},
    {map_type::bloom_filter, "bloom_filter", kernel(5, 16), key_rule::none, value_rule::plain,
     entries_rule::count, btf_rule::refused, can_lookup | can_update | can_freeze,
     detail::flags::slots | detail::flags::program_access | map_flag::zero_seed, 0},
    {map_type::user_ringbuf, "user_ringbuf", kernel(6, 1), key_rule::none, value_rule::none,
     entries_rule::ring_size, btf_rule::refused, can_mmap | can_freeze, map_flag::numa_node, 0},
    {map_type::cgrp_storage, "cgrp_storage", kernel(6, 2), key_rule::descriptor, value_rule::plain,
     entries_rule::zero, btf_rule::required, detail::operations::storage, detail::flags::storage,
     map_flag::no_prealloc},
    {map_type::arena, "arena", kernel(6, 9), key_rule::none, value_rule::none, entries_rule::pages,
     btf_rule::refused, can_mmap | can_freeze,
     map_flag::mmapable | map_flag::segv_on_fault | map_flag::no_user_conv, map_flag::mmapable},
    {map_type::insn_array, "insn_array", kernel(6, 19), key_rule::index, value_rule::instruction,
     entries_rule::count, btf_rule::allowed,
     can_lookup | can_update | can_choose_update | can_get_next_key | can_freeze, 0, 0},
    {map_type::rhash, "rhash", kernel(7, 2), key_rule::bytes, value_rule::plain, entries_rule::count,
     btf_rule::allowed, detail::operations::hash | can_lock,
     detail::flags::slots | detail::flags::program_access | map_flag::no_prealloc, map_flag::no_prealloc},
};

/// The row of `type`; for a type that is newer than this table, an empty one of type `unspec`.
[[nodiscard]] constexpr map_kind kind_of(map_type type) noexcept {
  for (const map_kind& kind : map_kinds)
    if (kind.type == type) return kind;
  return {};
}

namespace detail {

constexpr bool is_key_size(key_rule rule, u32 size) noexcept {
  switch (rule) {
    case key_rule::none:
      return size == 0;
    case key_rule::bytes:
      return size != 0;
    case key_rule::prefix:  // source: LPM_KEY_SIZE_MIN and LPM_KEY_SIZE_MAX in kernel/bpf/lpm_trie.c at v6.12
      return size >= 5 && size <= 260;
    case key_rule::cgroup:
      return size == 8 || size == 16;
    default:
      return size == 4;
  }
}

// How many bytes the kernel keeps for one place of a stack.
constexpr u32 stack_place_size(u32 flags) noexcept {
  return (flags & map_flag::stack_build_id) != 0 ? 32 : 8;
}

constexpr bool is_value_size(const map_kind& kind, u32 size, u32 flags) noexcept {
  switch (kind.value) {
    case value_rule::none:
      return size == 0;
    case value_rule::per_cpu:  // source: PCPU_MIN_UNIT_SIZE in include/linux/percpu.h at v6.12
      return size != 0 && size <= 32768;
    case value_rule::program:
    case value_rule::map:
    case value_rule::event:
    case value_rule::cgroup:
    case value_rule::xsk:
      return size == 4;
    case value_rule::socket:
    case value_rule::device:
    case value_rule::cpu:
      return size == 4 || size == 8;
    case value_rule::stack:
      return size != 0 && size % stack_place_size(flags) == 0;
    case value_rule::instruction:
      return size == 16;
    default:
      return size != 0;
  }
}

inline constexpr u32 smallest_page = 4096;

constexpr bool is_whole_ring(u32 size) noexcept { return size >= smallest_page && (size & (size - 1)) == 0; }

}  // namespace detail

/// Flags that came later than one of the types that take them, and the first kernel that knows them.
struct newer_flag {
  u32 flags;
  u32 first_kernel;
};
/// Source: include/uapi/linux/bpf.h and the create masks of each type, from v4.15 to v6.19.
inline constexpr newer_flag newer_flags[] = {
    {map_flag::rdonly | map_flag::wronly, kernel(4, 15)},
    {map_flag::stack_build_id, kernel(4, 17)},
    {map_flag::zero_seed, kernel(5, 0)},
    {map_flag::rdonly_prog | map_flag::wronly_prog, kernel(5, 2)},
    {map_flag::clone, kernel(5, 4)},
    {map_flag::mmapable, kernel(5, 5)},
    {map_flag::preserve_elems | map_flag::inner_map, kernel(5, 10)},
    {map_flag::link, kernel(6, 4)},
    {map_flag::vtype_btf_obj_fd | map_flag::token_fd, kernel(6, 9)},
    {map_flag::rb_overwrite, kernel(6, 19)},
};
/// True when a kernel of version `running` lacks one of `flags`.
[[nodiscard]] constexpr bool lacks_flag(u32 running, u32 flags) noexcept {
  for (const newer_flag& row : newer_flags)
    if ((flags & row.flags) != 0 && running < row.first_kernel) return true;
  return false;
}

/// What the table says against a map that the kernel refused to create; `none` where it sees nothing wrong.
/// Asked after a refusal only: a newer kernel may take what this table does not know yet.
[[nodiscard]] constexpr cause why_refused(const abi::map_create& attr) noexcept {
  const map_kind kind = kind_of(static_cast<map_type>(attr.map_type));
  if (kind.type == map_type::unspec) return cause::none;
  if (!detail::is_key_size(kind.key, attr.key_size)) return cause::bad_key_size;
  if (!detail::is_value_size(kind, attr.value_size, attr.map_flags)) return cause::bad_value_size;
  switch (kind.entries) {
    case entries_rule::zero:
      if (attr.max_entries != 0) return cause::entries_not_wanted;
      break;
    case entries_rule::one:
      if (attr.max_entries != 1) return cause::one_entry;
      break;
    case entries_rule::ring_size:
      if (!detail::is_whole_ring(attr.max_entries)) return cause::bad_ring_size;
      break;
    default:
      if (attr.max_entries == 0) return cause::no_entries;
  }
  if ((attr.map_flags & kind.required_flags) != kind.required_flags) return cause::missing_map_flag;
  if ((attr.map_flags & ~(kind.flags | map_flag::token_fd)) != 0) return cause::refused_map_flag;
  if (kind.btf == btf_rule::required && (attr.btf_key_type_id == 0 || attr.btf_value_type_id == 0))
    return cause::missing_map_types;
  if (kind.entries == entries_rule::pages && attr.map_extra % detail::smallest_page != 0)
    return cause::misplaced_arena;
  if (kind.value == value_rule::map && attr.inner_map_fd == 0) return cause::missing_inner_map;
  if (kind.value == value_rule::stack && attr.value_size / detail::stack_place_size(attr.map_flags) > 127)
    return cause::deep_stack;
  return cause::none;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KINDS_HPP
