// SPDX-License-Identifier: MIT
// Room 1.0, abi/enums: the kernel's numbers under the kernel's names without their BPF_ prefix, which its own
// header defines as macros. A comment gives the first kernel of what is younger than 5.10.
// Source: include/uapi/linux/bpf.h at v6.18; what is newer, at v7.2.
#ifndef BAREBPF_ABI_ENUMS_HPP
#define BAREBPF_ABI_ENUMS_HPP

#include "../word.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Map types.
enum class map_type : u32 {
  unspec = 0,
  hash = 1,
  array = 2,
  prog_array = 3,
  perf_event_array = 4,
  percpu_hash = 5,
  percpu_array = 6,
  stack_trace = 7,
  cgroup_array = 8,
  lru_hash = 9,
  lru_percpu_hash = 10,
  lpm_trie = 11,
  array_of_maps = 12,
  hash_of_maps = 13,
  devmap = 14,
  sockmap = 15,
  cpumap = 16,
  xskmap = 17,
  sockhash = 18,
  cgroup_storage = 19,
  reuseport_sockarray = 20,
  percpu_cgroup_storage = 21,
  queue = 22,
  stack = 23,
  sk_storage = 24,
  devmap_hash = 25,
  struct_ops = 26,
  ringbuf = 27,
  inode_storage = 28,
  task_storage = 29,  ///< 5.11
  bloom_filter = 30,  ///< 5.16
  user_ringbuf = 31,  ///< 6.1
  cgrp_storage = 32,  ///< 6.2
  arena = 33,         ///< 6.9
  insn_array = 34,    ///< 6.19
  rhash = 35,         ///< 7.2
};

/// Flags of BPF_MAP_CREATE: `map_flag::no_prealloc | map_flag::rdonly_prog`.
struct map_flag {
  static constexpr u32 no_prealloc = 1u << 0;
  static constexpr u32 no_common_lru = 1u << 1;
  static constexpr u32 numa_node = 1u << 2;
  static constexpr u32 rdonly = 1u << 3;  ///< of the descriptor, not of the map
  static constexpr u32 wronly = 1u << 4;  ///< of the descriptor, not of the map
  static constexpr u32 stack_build_id = 1u << 5;
  static constexpr u32 zero_seed = 1u << 6;
  static constexpr u32 rdonly_prog = 1u << 7;
  static constexpr u32 wronly_prog = 1u << 8;
  static constexpr u32 clone = 1u << 9;
  static constexpr u32 mmapable = 1u << 10;
  static constexpr u32 preserve_elems = 1u << 11;
  static constexpr u32 inner_map = 1u << 12;
  static constexpr u32 link = 1u << 13;              ///< 6.4
  static constexpr u32 path_fd = 1u << 14;           ///< 6.5, for BPF_OBJ_PIN and BPF_OBJ_GET only
  static constexpr u32 vtype_btf_obj_fd = 1u << 15;  ///< 6.9
  static constexpr u32 token_fd = 1u << 16;          ///< 6.9
  static constexpr u32 segv_on_fault = 1u << 17;     ///< 6.9
  static constexpr u32 no_user_conv = 1u << 18;      ///< 6.9
  static constexpr u32 rb_overwrite = 1u << 19;      ///< 6.19
};

/// What update_elem does when the key is there, or is not.
enum class update : u64 {
  any = 0,      ///< BPF_ANY: create or replace
  noexist = 1,  ///< BPF_NOEXIST: create; EEXIST when the key is there
  exist = 2,    ///< BPF_EXIST: replace; ENOENT when the key is not there
};

}  // namespace barebpf::inline BAREBPF_ABI

namespace barebpf::inline BAREBPF_ABI::abi {

/// The commands of bpf(2).
enum class command : u32 {
  map_create = 0,
  map_lookup_elem = 1,
  map_update_elem = 2,
  map_delete_elem = 3,
  map_get_next_key = 4,
  prog_load = 5,
  obj_pin = 6,
  obj_get = 7,
  prog_attach = 8,
  prog_detach = 9,
  prog_test_run = 10,
  prog_get_next_id = 11,
  map_get_next_id = 12,
  prog_get_fd_by_id = 13,
  map_get_fd_by_id = 14,
  obj_get_info_by_fd = 15,
  prog_query = 16,
  raw_tracepoint_open = 17,
  btf_load = 18,
  btf_get_fd_by_id = 19,
  task_fd_query = 20,
  map_lookup_and_delete_elem = 21,
  map_freeze = 22,
  btf_get_next_id = 23,
  map_lookup_batch = 24,
  map_lookup_and_delete_batch = 25,
  map_update_batch = 26,
  map_delete_batch = 27,
  link_create = 28,
  link_update = 29,
  link_get_fd_by_id = 30,
  link_get_next_id = 31,
  enable_stats = 32,
  iter_create = 33,
  link_detach = 34,
  prog_bind_map = 35,
  token_create = 36,            ///< 6.9
  prog_stream_read_by_fd = 37,  ///< 6.17
  prog_assoc_struct_ops = 38,   ///< 7.0
};
/// Added to a command that is called with a third argument, the common attributes. 7.2.
inline constexpr u32 common_attrs = 1u << 16;

/// Program types.
enum class prog_type : u32 {
  unspec = 0,
  socket_filter = 1,
  kprobe = 2,
  sched_cls = 3,
  sched_act = 4,
  tracepoint = 5,
  xdp = 6,
  perf_event = 7,
  cgroup_skb = 8,
  cgroup_sock = 9,
  lwt_in = 10,
  lwt_out = 11,
  lwt_xmit = 12,
  sock_ops = 13,
  sk_skb = 14,
  cgroup_device = 15,
  sk_msg = 16,
  raw_tracepoint = 17,
  cgroup_sock_addr = 18,
  lwt_seg6local = 19,
  lirc_mode2 = 20,
  sk_reuseport = 21,
  flow_dissector = 22,
  cgroup_sysctl = 23,
  raw_tracepoint_writable = 24,
  cgroup_sockopt = 25,
  tracing = 26,
  struct_ops = 27,
  ext = 28,
  lsm = 29,
  sk_lookup = 30,
  syscall = 31,    ///< 5.14
  netfilter = 32,  ///< 6.4
};

/// Attach types.
enum class attach_type : u32 {
  cgroup_inet_ingress = 0,
  cgroup_inet_egress = 1,
  cgroup_inet_sock_create = 2,
  cgroup_sock_ops = 3,
  sk_skb_stream_parser = 4,
  sk_skb_stream_verdict = 5,
  cgroup_device = 6,
  sk_msg_verdict = 7,
  cgroup_inet4_bind = 8,
  cgroup_inet6_bind = 9,
  cgroup_inet4_connect = 10,
  cgroup_inet6_connect = 11,
  cgroup_inet4_post_bind = 12,
  cgroup_inet6_post_bind = 13,
  cgroup_udp4_sendmsg = 14,
  cgroup_udp6_sendmsg = 15,
  lirc_mode2 = 16,
  flow_dissector = 17,
  cgroup_sysctl = 18,
  cgroup_udp4_recvmsg = 19,
  cgroup_udp6_recvmsg = 20,
  cgroup_getsockopt = 21,
  cgroup_setsockopt = 22,
  trace_raw_tp = 23,
  trace_fentry = 24,
  trace_fexit = 25,
  modify_return = 26,
  lsm_mac = 27,
  trace_iter = 28,
  cgroup_inet4_getpeername = 29,
  cgroup_inet6_getpeername = 30,
  cgroup_inet4_getsockname = 31,
  cgroup_inet6_getsockname = 32,
  xdp_devmap = 33,
  cgroup_inet_sock_release = 34,
  xdp_cpumap = 35,
  sk_lookup = 36,
  xdp = 37,
  sk_skb_verdict = 38,                  ///< 5.13
  sk_reuseport_select = 39,             ///< 5.14
  sk_reuseport_select_or_migrate = 40,  ///< 5.14
  perf_event = 41,                      ///< 5.15
  trace_kprobe_multi = 42,              ///< 5.18
  lsm_cgroup = 43,                      ///< 6.0
  struct_ops = 44,                      ///< 6.4
  netfilter = 45,                       ///< 6.4
  tcx_ingress = 46,                     ///< 6.6
  tcx_egress = 47,                      ///< 6.6
  trace_uprobe_multi = 48,              ///< 6.6
  cgroup_unix_connect = 49,             ///< 6.7
  cgroup_unix_sendmsg = 50,             ///< 6.7
  cgroup_unix_recvmsg = 51,             ///< 6.7
  cgroup_unix_getpeername = 52,         ///< 6.7
  cgroup_unix_getsockname = 53,         ///< 6.7
  netkit_primary = 54,                  ///< 6.7
  netkit_peer = 55,                     ///< 6.7
  trace_kprobe_session = 56,            ///< 6.10
  trace_uprobe_session = 57,            ///< 6.13
  trace_fsession = 58,                  ///< 7.0
  trace_fentry_multi = 59,              ///< 7.2
  trace_fexit_multi = 60,               ///< 7.2
  trace_fsession_multi = 61,            ///< 7.2
};

/// Flags of BPF_LINK_CREATE, BPF_LINK_UPDATE and BPF_PROG_ATTACH.
struct attach_flag {
  static constexpr u32 replace = 1u << 2;
  static constexpr u32 before = 1u << 3;  ///< 6.6
  static constexpr u32 after = 1u << 4;   ///< 6.6
  static constexpr u32 id = 1u << 5;      ///< 6.6
  static constexpr u32 link = 1u << 13;   ///< 6.6
};

/// Flags of BPF_PROG_TEST_RUN.
struct test_flag {
  static constexpr u32 run_on_cpu = 1u << 0;       ///< 5.10
  static constexpr u32 xdp_live_frames = 1u << 1;  ///< 5.18
};

/// Link types.
enum class link_type : u32 {
  unspec = 0,
  raw_tracepoint = 1,
  tracing = 2,
  cgroup = 3,
  iter = 4,
  netns = 5,
  xdp = 6,
  perf_event = 7,    ///< 5.15
  kprobe_multi = 8,  ///< 5.18
  struct_ops = 9,
  netfilter = 10,      ///< 6.4
  tcx = 11,            ///< 6.6
  uprobe_multi = 12,   ///< 6.6
  netkit = 13,         ///< 6.7
  sockmap = 14,        ///< 6.10
  tracing_multi = 15,  ///< 7.2
};

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_ENUMS_HPP
