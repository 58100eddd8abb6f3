// SPDX-License-Identifier: MIT
// Room 7.9, map/map: every map type under its name, with the key and value types that it wants.
#ifndef BAREBPF_MAP_MAP_HPP
#define BAREBPF_MAP_MAP_HPP

#include "../prefix.hpp"
#include "typed.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A hash table: any key without padding, any value.
/// Kernel: 3.19, BPF_MAP_TYPE_HASH.
template <class Key, class Value>
using hash_map = map<map_type::hash, Key, Value>;

/// Slots numbered from 0, all of them always there; nothing can be deleted.
/// Kernel: 3.19, BPF_MAP_TYPE_ARRAY.
template <class Value>
using array_map = map<map_type::array, u32, Value>;

/// Programs that other programs jump to with bpf_tail_call. A program's descriptor goes in, its id comes out; all must
/// be of the kind of the one that jumps.
/// Kernel: 4.2, BPF_MAP_TYPE_PROG_ARRAY.
using prog_array_map = map<map_type::prog_array, u32, program_fd>;

/// Perf events that programs write records to, one slot for each CPU. The room perfbuf fills and reads it.
/// Kernel: 4.3, BPF_MAP_TYPE_PERF_EVENT_ARRAY.
using perf_event_array_map = map<map_type::perf_event_array, u32, event_fd>;

/// A hash table whose values each CPU has for itself, so that programs count without disturbing each other.
/// Kernel: 4.6, BPF_MAP_TYPE_PERCPU_HASH.
template <class Key, class Value>
using percpu_hash_map = map<map_type::percpu_hash, Key, Value>;

/// Slots numbered from 0, all of them always there, each once for every CPU.
/// Kernel: 4.6, BPF_MAP_TYPE_PERCPU_ARRAY.
template <class Value>
using percpu_array_map = map<map_type::percpu_array, u32, Value>;

/// Stacks that programs keep with bpf_get_stackid, under the id that it gives them. User space reads and deletes.
/// Kernel: 4.6, BPF_MAP_TYPE_STACK_TRACE.
template <size_t Depth = 127>
using stack_trace_map = map<map_type::stack_trace, u32, stack_addresses<Depth>>;

/// The same with the places of user stacks as build ids and offsets, which mean the same when the process is gone.
/// Kernel: 4.17, BPF_F_STACK_BUILD_ID, which is set.
template <size_t Depth = 127>
using stack_build_id_map = map<map_type::stack_trace, u32, stack_build_ids<Depth>>;

/// Cgroups that programs ask bpf_current_task_under_cgroup and bpf_skb_under_cgroup about: descriptors of their folders,
/// such as `open_cgroup` gives, go in.
/// Kernel: 4.8, BPF_MAP_TYPE_CGROUP_ARRAY; cgroup version 2 alone.
using cgroup_array_map = map<map_type::cgroup_array, u32, cgroup_fd>;

/// A hash table that is never full: it evicts what was not used for longest.
/// Kernel: 4.10, BPF_MAP_TYPE_LRU_HASH.
template <class Key, class Value>
using lru_hash_map = map<map_type::lru_hash, Key, Value>;

/// The same with a value for each CPU.
/// Kernel: 4.10, BPF_MAP_TYPE_LRU_PERCPU_HASH.
template <class Key, class Value>
using lru_percpu_hash_map = map<map_type::lru_percpu_hash, Key, Value>;

/// Values under prefixes of bits, such as networks: a lookup finds the longest prefix that the key begins with. `Key`
/// is `ipv4_prefix`, `ipv6_prefix`, or anything that begins with a u32 number of bits.
/// Errors: ENOSPC when it is full.
/// Kernel: 4.11, BPF_MAP_TYPE_LPM_TRIE.
template <class Key, class Value>
using lpm_trie_map = map<map_type::lpm_trie, Key, Value>;

/// Maps in slots. `Inner` is the typed map that each of them is; one goes in, its id comes out, which `open` opens.
/// Cost:   an update waits until no program uses the old map any longer.
/// Kernel: 4.12, BPF_MAP_TYPE_ARRAY_OF_MAPS; to be created it needs an `inner_map` for an example.
template <class Inner>
using array_of_maps = map<map_type::array_of_maps, u32, map_fd<Inner>>;

/// Maps under keys, in the same way.
/// Kernel: 4.12, BPF_MAP_TYPE_HASH_OF_MAPS.
template <class Key, class Inner>
using hash_of_maps = map<map_type::hash_of_maps, Key, map_fd<Inner>>;

/// Interfaces that XDP programs redirect packets to, in slots. `Value` is `device` or `device_and_program` (5.8).
/// Kernel: 4.14, BPF_MAP_TYPE_DEVMAP.
template <class Value = device>
using devmap = map<map_type::devmap, u32, Value>;

/// The same under numbers of any size, by habit the interface's own.
/// Kernel: 5.4, BPF_MAP_TYPE_DEVMAP_HASH.
template <class Value = device>
using devmap_hash = map<map_type::devmap_hash, u32, Value>;

/// TCP, UDP and Unix sockets in slots, whose bytes programs redirect from one to the other. `Value` is `socket_fd`, or
/// `short_socket_fd` where the object says 4 bytes.
/// Errors:   unfit_socket; socket_in_use for one that has programs of such a map already, also of the same slot.
/// Lifetime: a socket gets the programs that are attached when it is put in, and leaves the map when its last
///           descriptor is closed.
/// Threads:  safe as every map; bytes that were redirected to a socket and not read yet go with its slot.
/// Kernel:   4.14, BPF_MAP_TYPE_SOCKMAP.
/// Source:   sock_map_link() in net/core/sock_map.c at v6.12.
template <class Value = socket_fd>
using sockmap = map<map_type::sockmap, u32, Value>;

/// The same under keys.
/// Kernel: 4.18, BPF_MAP_TYPE_SOCKHASH.
template <class Key, class Value = socket_fd>
using sockhash = map<map_type::sockhash, Key, Value>;

/// CPUs that XDP programs redirect packets to, under their numbers. `Value` is `cpu_queue` or `cpu_queue_and_program`
/// (5.9).
/// Kernel: 4.15, BPF_MAP_TYPE_CPUMAP.
template <class Value = cpu_queue>
using cpumap = map<map_type::cpumap, u32, Value>;

/// AF_XDP sockets that XDP programs redirect packets to, by habit one slot for each queue of an interface.
/// Kernel: 4.18, BPF_MAP_TYPE_XSKMAP.
using xskmap = map<map_type::xskmap, u32, xsk_fd>;

/// Listening TCP sockets and bound UDP sockets with SO_REUSEPORT, of which a program chooses one. `Value` as for
/// `sockmap`.
/// Errors:   not_in_a_group; socket_in_use for one in such a map already, also in the same slot.
/// Lifetime: a socket leaves the map when its last descriptor is closed.
/// Threads:  safe as every map: whoever comes meanwhile finds the old socket, the new one or none.
/// Kernel:   4.19, BPF_MAP_TYPE_REUSEPORT_SOCKARRAY.
/// Source:   reuseport_array_update_check() in kernel/bpf/reuseport_array.c at v6.12.
template <class Value = socket_fd>
using reuseport_sockarray = map<map_type::reuseport_sockarray, u32, Value>;

/// A value for each cgroup that a program is attached to; the kernel makes and removes them. Deprecated: use
/// `cgrp_storage_map`. `Key` is the cgroup's id, or `cgroup_storage_key` to tell apart how the program is attached.
/// Kernel: 4.19, BPF_MAP_TYPE_CGROUP_STORAGE.
template <class Value, class Key = u64>
using cgroup_storage_map = map<map_type::cgroup_storage, Key, Value>;

/// The same with a value for each CPU.
/// Kernel: 4.20, BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE.
template <class Value, class Key = u64>
using percpu_cgroup_storage_map = map<map_type::percpu_cgroup_storage, Key, Value>;

/// First in, first out.
/// Kernel: 4.20, BPF_MAP_TYPE_QUEUE.
template <class Value>
using queue_map = map<map_type::queue, no_key, Value>;

/// Last in, first out.
/// Kernel: 4.20, BPF_MAP_TYPE_STACK.
template <class Value>
using stack_map = map<map_type::stack, no_key, Value>;

/// A value for each socket that has one, under its descriptor here and under itself in programs; it goes with the
/// socket. As all storages it takes no `max_entries`, and cannot be walked over but by an iterator program.
/// Errors: EBADF for a descriptor of something else, ENOTSOCK for a socket's; nothing_of_owner.
/// Kernel: 5.2, BPF_MAP_TYPE_SK_STORAGE.
template <class Value>
using sk_storage_map = map<map_type::sk_storage, owner_fd, Value>;

/// The same for files, where the BPF security module is on: programs of that module reach it.
/// Errors: EBADF where it is off.
/// Kernel: 5.10, BPF_MAP_TYPE_INODE_STORAGE.
template <class Value>
using inode_storage_map = map<map_type::inode_storage, owner_fd, Value>;

/// The same for threads, under what pidfd_open(2) gives: of a process its first thread, with PIDFD_THREAD (6.9) any.
/// Kernel: 5.11, BPF_MAP_TYPE_TASK_STORAGE.
template <class Value>
using task_storage_map = map<map_type::task_storage, owner_fd, Value>;

/// The same for cgroups, under the descriptor of the cgroup's folder, such as `open_cgroup` gives.
/// Kernel: 6.2, BPF_MAP_TYPE_CGRP_STORAGE.
template <class Value>
using cgrp_storage_map = map<map_type::cgrp_storage, owner_fd, Value>;

/// Functions of a program that the kernel calls in the place of its own. `Value` is the kernel's wrapper struct.
/// Kernel: 5.6, BPF_MAP_TYPE_STRUCT_OPS.
template <class Value>
using struct_ops_map = map<map_type::struct_ops, u32, Value>;

/// Records of any size that programs write and one reader takes in their order; `max_entries` is its size in bytes, a
/// power of two. The room ringbuf reads it.
/// Kernel: 5.8, BPF_MAP_TYPE_RINGBUF.
using ringbuf_map = map<map_type::ringbuf, no_key, no_value>;

/// The same the other way round. The room user_ringbuf writes it.
/// Kernel: 6.1, BPF_MAP_TYPE_USER_RINGBUF.
using user_ringbuf_map = map<map_type::user_ringbuf, no_key, no_value>;

/// Remembers what was pushed, in less room than it takes: it may say yes too often, never no. `map_extra` is the
/// number of hash functions, 0 for five.
/// Kernel: 5.16, BPF_MAP_TYPE_BLOOM_FILTER.
template <class Value>
using bloom_filter = map<map_type::bloom_filter, no_key, Value>;

/// Memory that programs and user space share, pointers and all; `max_entries` is its size in pages.
/// Kernel: 6.9, BPF_MAP_TYPE_ARENA.
using arena_map = map<map_type::arena, no_key, no_value>;

/// Instructions that a program may jump to.
/// Kernel: 6.19, BPF_MAP_TYPE_INSN_ARRAY.
using insn_array_map = map<map_type::insn_array, u32, instruction_place>;

/// A hash table that grows with what is in it.
/// Kernel: 7.2, BPF_MAP_TYPE_RHASH.
template <class Key, class Value>
using rhash_map = map<map_type::rhash, Key, Value>;

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_MAP_HPP
