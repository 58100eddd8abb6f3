// SPDX-License-Identifier: MIT
// barebpf 0.1.0: BPF maps and the objects that carry them, in C++20, without a dependency.
// The whole library. Copy this file, #include it, compile with -std=c++20; there is nothing to link.
// Made by tools/amalgamate from files with SHA-256 3db660024cc7dd7f5416865d87d17660dc41b13afd0acefde9034e64ccfbc591; do not edit.
//
// MIT License
//
// Copyright (c) 2026 The barebpf authors
//
// Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is
// furnished to do so, subject to the following conditions:
//
// The above copyright notice and this permission notice shall be included in all
// copies or substantial portions of the Software.
//
// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
// IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
// FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
// AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
// LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
// OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
// SOFTWARE.

#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <sys/syscall.h>
#include <type_traits>
#include <utility>

// Room 11.0, barebpf: the whole library.

// Stands before the guard, so that a second copy of another release is met and not passed over.
// Room 0.0, version: one number for the release, one name for the binary interface.

// Stands before the guard, so that it fires when a second copy of another release is included.
#if defined(BAREBPF_VERSION) && BAREBPF_VERSION != 100
#error "barebpf: two versions meet in one file, so keep one copy of barebpf per program"
#endif

#ifndef BAREBPF_VERSION_HPP
#define BAREBPF_VERSION_HPP

/// The release: major * 10000 + minor * 100 + patch.
#define BAREBPF_VERSION 100

// Machines whose system call instruction room 6.0 knows. Everywhere else, and wherever a user defines
// BAREBPF_LIBC_SYSCALL, every system call goes through libc's syscall().
#if !defined(BAREBPF_LIBC_SYSCALL) && !(defined(__x86_64__) && defined(__LP64__)) && \
    !(defined(__aarch64__) && defined(__LP64__)) && !defined(__s390x__) &&           \
    !(defined(__riscv) && __riscv_xlen == 64)
#define BAREBPF_LIBC_SYSCALL
#endif

/// The inline namespace. Whatever changes inline code changes this name, so that two settings linked
/// into one program stay two sets of functions.
#ifdef BAREBPF_LIBC_SYSCALL
#define BAREBPF_ABI v0_libc
#else
#define BAREBPF_ABI v0
#endif

#endif  // BAREBPF_VERSION_HPP

#ifndef BAREBPF_BAREBPF_HPP
#define BAREBPF_BAREBPF_HPP

// Room 1.2, abi/helper: the numbers by which a program calls the kernel's helper functions, under their names
// without bpf_. The list has ended: what is newer is a kfunc and has no number.
// Source: ___BPF_FUNC_MAPPER in include/uapi/linux/bpf.h at v6.18.
#ifndef BAREBPF_ABI_HELPER_HPP
#define BAREBPF_ABI_HELPER_HPP

// Room 0.1, word: the kernel's own short names for integers of a fixed width.
#ifndef BAREBPF_WORD_HPP
#define BAREBPF_WORD_HPP

namespace barebpf::inline BAREBPF_ABI {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using std::size_t;

/// True where the machine that runs this program keeps the highest byte first.
inline constexpr bool host_is_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_WORD_HPP

namespace barebpf::inline BAREBPF_ABI::abi {

// Several on a line, since who includes it pays for each.
// clang-format off
/// Helper functions.
enum class helper : u32 {
  unspec = 0, map_lookup_elem = 1, map_update_elem = 2, map_delete_elem = 3, probe_read = 4, ktime_get_ns = 5,
  trace_printk = 6, get_prandom_u32 = 7, get_smp_processor_id = 8, skb_store_bytes = 9, l3_csum_replace = 10,
  l4_csum_replace = 11, tail_call = 12, clone_redirect = 13, get_current_pid_tgid = 14,
  get_current_uid_gid = 15, get_current_comm = 16, get_cgroup_classid = 17, skb_vlan_push = 18,
  skb_vlan_pop = 19, skb_get_tunnel_key = 20, skb_set_tunnel_key = 21, perf_event_read = 22, redirect = 23,
  get_route_realm = 24, perf_event_output = 25, skb_load_bytes = 26, get_stackid = 27, csum_diff = 28,
  skb_get_tunnel_opt = 29, skb_set_tunnel_opt = 30, skb_change_proto = 31, skb_change_type = 32,
  skb_under_cgroup = 33, get_hash_recalc = 34, get_current_task = 35, probe_write_user = 36,
  current_task_under_cgroup = 37, skb_change_tail = 38, skb_pull_data = 39, csum_update = 40,
  set_hash_invalid = 41, get_numa_node_id = 42, skb_change_head = 43, xdp_adjust_head = 44,
  probe_read_str = 45, get_socket_cookie = 46, get_socket_uid = 47, set_hash = 48, setsockopt = 49,
  skb_adjust_room = 50, redirect_map = 51, sk_redirect_map = 52, sock_map_update = 53, xdp_adjust_meta = 54,
  perf_event_read_value = 55, perf_prog_read_value = 56, getsockopt = 57, override_return = 58,
  sock_ops_cb_flags_set = 59, msg_redirect_map = 60, msg_apply_bytes = 61, msg_cork_bytes = 62,
  msg_pull_data = 63, bind = 64, xdp_adjust_tail = 65, skb_get_xfrm_state = 66, get_stack = 67,
  skb_load_bytes_relative = 68, fib_lookup = 69, sock_hash_update = 70, msg_redirect_hash = 71,
  sk_redirect_hash = 72, lwt_push_encap = 73, lwt_seg6_store_bytes = 74, lwt_seg6_adjust_srh = 75,
  lwt_seg6_action = 76, rc_repeat = 77, rc_keydown = 78, skb_cgroup_id = 79, get_current_cgroup_id = 80,
  get_local_storage = 81, sk_select_reuseport = 82, skb_ancestor_cgroup_id = 83, sk_lookup_tcp = 84,
  sk_lookup_udp = 85, sk_release = 86, map_push_elem = 87, map_pop_elem = 88, map_peek_elem = 89,
  msg_push_data = 90, msg_pop_data = 91, rc_pointer_rel = 92, spin_lock = 93, spin_unlock = 94,
  sk_fullsock = 95, tcp_sock = 96, skb_ecn_set_ce = 97, get_listener_sock = 98, skc_lookup_tcp = 99,
  tcp_check_syncookie = 100, sysctl_get_name = 101, sysctl_get_current_value = 102,
  sysctl_get_new_value = 103, sysctl_set_new_value = 104, strtol = 105, strtoul = 106, sk_storage_get = 107,
  sk_storage_delete = 108, send_signal = 109, tcp_gen_syncookie = 110, skb_output = 111,
  probe_read_user = 112, probe_read_kernel = 113, probe_read_user_str = 114, probe_read_kernel_str = 115,
  tcp_send_ack = 116, send_signal_thread = 117, jiffies64 = 118, read_branch_records = 119,
  get_ns_current_pid_tgid = 120, xdp_output = 121, get_netns_cookie = 122,
  get_current_ancestor_cgroup_id = 123, sk_assign = 124, ktime_get_boot_ns = 125, seq_printf = 126,
  seq_write = 127, sk_cgroup_id = 128, sk_ancestor_cgroup_id = 129, ringbuf_output = 130,
  ringbuf_reserve = 131, ringbuf_submit = 132, ringbuf_discard = 133, ringbuf_query = 134, csum_level = 135,
  skc_to_tcp6_sock = 136, skc_to_tcp_sock = 137, skc_to_tcp_timewait_sock = 138,
  skc_to_tcp_request_sock = 139, skc_to_udp6_sock = 140, get_task_stack = 141, load_hdr_opt = 142,
  store_hdr_opt = 143, reserve_hdr_opt = 144, inode_storage_get = 145, inode_storage_delete = 146,
  d_path = 147, copy_from_user = 148, snprintf_btf = 149, seq_printf_btf = 150, skb_cgroup_classid = 151,
  redirect_neigh = 152, per_cpu_ptr = 153, this_cpu_ptr = 154, redirect_peer = 155, task_storage_get = 156,
  task_storage_delete = 157, get_current_task_btf = 158, bprm_opts_set = 159, ktime_get_coarse_ns = 160,
  ima_inode_hash = 161, sock_from_file = 162, check_mtu = 163, for_each_map_elem = 164, snprintf = 165,
  sys_bpf = 166, btf_find_by_name_kind = 167, sys_close = 168, timer_init = 169, timer_set_callback = 170,
  timer_start = 171, timer_cancel = 172, get_func_ip = 173, get_attach_cookie = 174, task_pt_regs = 175,
  get_branch_snapshot = 176, trace_vprintk = 177, skc_to_unix_sock = 178, kallsyms_lookup_name = 179,
  find_vma = 180, loop = 181, strncmp = 182, get_func_arg = 183, get_func_ret = 184, get_func_arg_cnt = 185,
  get_retval = 186, set_retval = 187, xdp_get_buff_len = 188, xdp_load_bytes = 189, xdp_store_bytes = 190,
  copy_from_user_task = 191, skb_set_tstamp = 192, ima_file_hash = 193, kptr_xchg = 194,
  map_lookup_percpu_elem = 195, skc_to_mptcp_sock = 196, dynptr_from_mem = 197, ringbuf_reserve_dynptr = 198,
  ringbuf_submit_dynptr = 199, ringbuf_discard_dynptr = 200, dynptr_read = 201, dynptr_write = 202,
  dynptr_data = 203, tcp_raw_gen_syncookie_ipv4 = 204, tcp_raw_gen_syncookie_ipv6 = 205,
  tcp_raw_check_syncookie_ipv4 = 206, tcp_raw_check_syncookie_ipv6 = 207, ktime_get_tai_ns = 208,
  user_ringbuf_drain = 209, cgrp_storage_get = 210, cgrp_storage_delete = 211,
};
// clang-format on

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_HELPER_HPP
// Room 6.8, cgroup: cgroups by the path of their folder.
#ifndef BAREBPF_CGROUP_HPP
#define BAREBPF_CGROUP_HPP

// Room 6.1, fd: file descriptors and who closes them.
#ifndef BAREBPF_FD_HPP
#define BAREBPF_FD_HPP

// Room 6.0, syscall: the one door to the kernel. Every system call of the library goes through
// `system_call`, and every bpf(2) through `sys_bpf`.
#ifndef BAREBPF_SYSCALL_HPP
#define BAREBPF_SYSCALL_HPP

// Room 1.1, abi/bpf: what bpf(2) takes, as plain records of our own. One record per command, every member
// initialized, so that no byte is ever left over; <linux/bpf.h> is never needed and never in the way.
#ifndef BAREBPF_ABI_BPF_HPP
#define BAREBPF_ABI_BPF_HPP

// Room 0.2, name: text that is looked at (`text`) and text that is part of a type (`name`).
#ifndef BAREBPF_NAME_HPP
#define BAREBPF_NAME_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A view of characters that somebody else owns.
/// Shape:    pointer and length; not NUL-terminated.
/// Lifetime: valid as long as the characters it was made from.
class text {
 public:
  constexpr text() noexcept = default;
  constexpr text(const char* characters, size_t size) noexcept : data_(characters), size_(size) {}
  constexpr text(const char* characters) noexcept : data_(characters) {
    while (characters[size_] != '\0') ++size_;
  }
  /// Takes whatever has `data()` and `size()` over `char`: std::string, std::string_view.
  template <class String>
  requires requires(const String& s) {
    { s.data() } -> std::same_as<const char*>;
    s.size();
  }
  constexpr text(const String& s) noexcept : data_(s.data()), size_(s.size()) {}

  /// The characters in front of the first NUL among `room`.
  [[nodiscard]] static constexpr text until_nul(const char* characters, size_t room) noexcept {
    size_t size = 0;
    while (size < room && characters[size] != '\0') ++size;
    return {characters, size};
  }

  [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr const char* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr const char* end() const noexcept { return data_ + size_; }
  [[nodiscard]] constexpr char operator[](size_t at) const noexcept { return data_[at]; }

  [[nodiscard]] constexpr bool starts_with(text head) const noexcept {
    return size_ >= head.size_ && text(data_, head.size_) == head;
  }
  /// What is left behind the first `count` characters.
  [[nodiscard]] constexpr text without_first(size_t count) const noexcept {
    return count < size_ ? text(data_ + count, size_ - count) : text();
  }
  /// What is left behind the last `mark`; the whole where there is none.
  [[nodiscard]] constexpr text behind_last(char mark) const noexcept {
    size_t start = size_;
    while (start != 0 && data_[start - 1] != mark) --start;
    return without_first(start);
  }
  friend constexpr bool operator==(text a, text b) noexcept {
    if (a.size_ != b.size_) return false;
    for (size_t i = 0; i < a.size_; ++i)
      if (a.data_[i] != b.data_[i]) return false;
    return true;
  }

 private:
  const char* data_ = "";
  size_t size_ = 0;
};

/// Text that can be a template argument: `loaded.map<"hits", int, long>()`.
/// Shape: characters by value, and NULs up to the end.
template <size_t N>
struct name {
  char characters[N] = {};

  constexpr name() noexcept = default;
  template <size_t M>
  requires(M <= N) constexpr name(const char (&literal)[M]) noexcept {
    for (size_t i = 0; i < M; ++i) characters[i] = literal[i];
  }
  /// As much of `whole` as there is room for.
  [[nodiscard]] static constexpr name cut(text whole) noexcept {
    name out;
    for (size_t i = 0; i < whole.size() && i + 1 < N; ++i) out.characters[i] = whole[i];
    return out;
  }
  constexpr operator text() const noexcept { return text::until_nul(characters, N); }
};
template <size_t M>
name(const char (&)[M]) -> name<M>;

/// The longest name the kernel keeps for a map or a program, without its NUL.
/// Source: BPF_OBJ_NAME_LEN in include/uapi/linux/bpf.h at v6.12.
inline constexpr size_t longest_kernel_name = 15;

/// Room for a kernel name and its NUL.
struct kernel_name {
  char characters[longest_kernel_name + 1] = {};
  constexpr operator text() const noexcept { return text::until_nul(characters, sizeof characters); }
};

/// True for the characters that bpf(2) takes in a name.
/// Source: bpf_obj_name_cpy() in kernel/bpf/syscall.c at v6.12; the dot since 5.2.
[[nodiscard]] constexpr bool is_kernel_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/// True when the kernel takes `wanted` as it stands.
[[nodiscard]] constexpr bool is_kernel_name(text wanted) noexcept {
  if (wanted.size() > longest_kernel_name) return false;
  for (const char c : wanted)
    if (!is_kernel_name_character(c)) return false;
  return true;
}

/// The name under which the kernel keeps what an object file calls `wanted`: cut to 15 characters, and
/// every character that the kernel refuses replaced by an underscore.
[[nodiscard]] constexpr kernel_name to_kernel_name(text wanted) noexcept {
  kernel_name out;
  for (size_t i = 0; i < wanted.size() && i < longest_kernel_name; ++i)
    out.characters[i] = is_kernel_name_character(wanted[i]) ? wanted[i] : '_';
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_NAME_HPP
// Room 1.0, abi/enums: the kernel's numbers under the kernel's names without their BPF_ prefix, which its own
// header defines as macros. A comment gives the first kernel of what is younger than 5.10.
// Source: include/uapi/linux/bpf.h at v6.18; what is newer, at v7.2.
#ifndef BAREBPF_ABI_ENUMS_HPP
#define BAREBPF_ABI_ENUMS_HPP

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

namespace barebpf::inline BAREBPF_ABI::abi {

/// A user-space address as the kernel reads it: 64 bits on every machine. Takes addresses of static
/// objects inside constant expressions.
class address {
 public:
  constexpr address() noexcept = default;
  constexpr address(const volatile void* where) noexcept : where_(where) {}

 private:
  // Read by the kernel only.
#if __SIZEOF_POINTER__ == 8
  [[maybe_unused]] const volatile void* where_ = nullptr;
#elif __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  [[maybe_unused]] u32 high_ = 0;
  [[maybe_unused]] const volatile void* where_ = nullptr;
#else
  [[maybe_unused]] const volatile void* where_ = nullptr;
  [[maybe_unused]] u32 high_ = 0;
#endif
};
static_assert(sizeof(address) == 8);

/// Values of `src_reg` that make a load of 64 bits mean something else than a number.
inline constexpr u8 pseudo_map_fd = 1;         // BPF_PSEUDO_MAP_FD
inline constexpr u8 pseudo_map_value = 2;      // BPF_PSEUDO_MAP_VALUE, 5.2
inline constexpr u8 pseudo_btf_id = 3;         // BPF_PSEUDO_BTF_ID, 5.10
inline constexpr u8 pseudo_func = 4;           // BPF_PSEUDO_FUNC, 5.13
inline constexpr u8 pseudo_map_idx = 5;        // BPF_PSEUDO_MAP_IDX, 5.14
inline constexpr u8 pseudo_map_idx_value = 6;  // BPF_PSEUDO_MAP_IDX_VALUE, 5.14
/// Values of `src_reg` that make a call one of a function of the program, and one of the kernel's.
inline constexpr u8 pseudo_call = 1;        // BPF_PSEUDO_CALL
inline constexpr u8 pseudo_kfunc_call = 2;  // BPF_PSEUDO_KFUNC_CALL, 5.13

/// Operation code of the two-slot load of 64 bits, BPF_LD | BPF_IMM | BPF_DW.
inline constexpr u8 opcode_ld_imm64 = 0x18;
/// Operation code of a call, BPF_JMP | BPF_CALL.
inline constexpr u8 opcode_call = 0x85;

/// One instruction as the kernel takes it. The two register numbers share a byte, and which of them has
/// the low half follows the machine's byte order.
struct insn {
  u8 opcode = 0;
  u8 registers = 0;
  s16 offset = 0;
  s32 immediate = 0;

  [[nodiscard]] constexpr u8 source() const noexcept {
    return static_cast<u8>(host_is_big_endian ? registers & 0x0f : registers >> 4);
  }
  /// Sets the source register and leaves the destination register.
  constexpr void set_source(u8 source) noexcept {
    registers = static_cast<u8>(host_is_big_endian ? (registers & 0xf0) | source
                                                   : (registers & 0x0f) | (source << 4));
  }
};
static_assert(sizeof(insn) == 8);

/// BPF_MAP_CREATE.
struct map_create {
  u32 map_type = 0;
  u32 key_size = 0;
  u32 value_size = 0;
  u32 max_entries = 0;
  u32 map_flags = 0;
  u32 inner_map_fd = 0;
  u32 numa_node = 0;
  kernel_name map_name{};
  u32 map_ifindex = 0;
  u32 btf_fd = 0;
  u32 btf_key_type_id = 0;
  u32 btf_value_type_id = 0;
  u32 btf_vmlinux_value_type_id = 0;
  alignas(8) u64 map_extra = 0;
};
static_assert(sizeof(map_create) == 72 && offsetof(map_create, map_name) == 28 &&
              offsetof(map_create, map_extra) == 64);

/// BPF_MAP_CREATE with what came after 6.8.
struct map_create_with_token {
  map_create create{};
  s32 value_type_btf_obj_fd = 0;  ///< 6.9
  s32 map_token_fd = 0;           ///< 6.9, with map_flag::token_fd
  address excl_prog_hash{};       ///< 6.18
  u32 excl_prog_hash_size = 0;    ///< 6.18

  /// Bytes up to the end of the last field in use.
  [[nodiscard]] constexpr u32 used() const noexcept { return excl_prog_hash_size != 0 ? 92 : 80; }
};
static_assert(sizeof(map_create_with_token) == 96 && offsetof(map_create_with_token, map_token_fd) == 76 &&
              offsetof(map_create_with_token, excl_prog_hash_size) == 88);

/// BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM and BPF_MAP_LOOKUP_AND_DELETE_ELEM.
struct map_elem {
  u32 map_fd = 0;
  u32 unused = 0;
  address key{};
  address value{};
  u64 flags = 0;
};
static_assert(sizeof(map_elem) == 32 && offsetof(map_elem, flags) == 24);

/// BPF_MAP_DELETE_ELEM: no flags, any byte behind the key is EINVAL.
struct map_key {
  u32 map_fd = 0;
  u32 unused = 0;
  address key{};
};
static_assert(sizeof(map_key) == 16);

/// BPF_MAP_GET_NEXT_KEY; without a key it gives the first.
struct map_next_key {
  u32 map_fd = 0;
  u32 unused = 0;
  address key{};
  address next_key{};
};
static_assert(sizeof(map_next_key) == 24);

/// BPF_MAP_FREEZE.
struct map_freeze {
  u32 map_fd = 0;
};

/// The four commands on batches; `count` goes in and comes out.
struct map_batch {
  alignas(8) address in_batch{};
  address out_batch{};
  address keys{};
  address values{};
  u32 count = 0;
  u32 map_fd = 0;
  u64 elem_flags = 0;
  u64 flags = 0;
};
static_assert(sizeof(map_batch) == 56 && offsetof(map_batch, map_fd) == 36);

/// BPF_PROG_LOAD; `log_true_size` comes out (6.4).
struct prog_load {
  u32 prog_type = 0;
  u32 insn_cnt = 0;
  alignas(8) address insns{};
  address license{};
  u32 log_level = 0;
  u32 log_size = 0;
  address log_buf{};
  u32 kern_version = 0;
  u32 prog_flags = 0;
  kernel_name prog_name{};
  u32 prog_ifindex = 0;
  u32 expected_attach_type = 0;
  u32 prog_btf_fd = 0;
  u32 func_info_rec_size = 0;
  address func_info{};
  u32 func_info_cnt = 0;
  u32 line_info_rec_size = 0;
  address line_info{};
  u32 line_info_cnt = 0;
  u32 attach_btf_id = 0;
  u32 attach_prog_fd = 0;  ///< or the descriptor of a module's BTF
  u32 core_relo_cnt = 0;
  address fd_array{};
  address core_relos{};
  u32 core_relo_rec_size = 0;
  u32 log_true_size = 0;
};
static_assert(sizeof(prog_load) == 144 && offsetof(prog_load, prog_name) == 48 &&
              offsetof(prog_load, fd_array) == 120 && offsetof(prog_load, log_true_size) == 140);

/// Flags in `prog_flags`: the program may sleep (5.10); it takes packets in several pieces (5.18); `prog_token_fd`
/// holds a token (6.9). BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS, BPF_F_TOKEN_FD.
inline constexpr u32 prog_flag_sleepable = 1u << 4;
inline constexpr u32 prog_flag_xdp_has_frags = 1u << 5;
inline constexpr u32 prog_flag_token_fd = map_flag::token_fd;

/// BPF_PROG_LOAD with what came after 6.8.
struct prog_load_with_token {
  prog_load load{};
  s32 prog_token_fd = 0;   ///< 6.9
  u32 fd_array_cnt = 0;    ///< 6.14
  address signature{};     ///< 6.18
  u32 signature_size = 0;  ///< 6.18
  s32 keyring_id = 0;      ///< 6.18

  /// Bytes up to the end of the last field in use.
  [[nodiscard]] constexpr u32 used() const noexcept { return signature_size != 0 ? 168 : 152; }
};
static_assert(sizeof(prog_load_with_token) == 168 && offsetof(prog_load_with_token, keyring_id) == 164);

/// BPF_OBJ_PIN and BPF_OBJ_GET.
struct obj_path {
  alignas(8) address pathname{};
  u32 bpf_fd = 0;
  u32 file_flags = 0;
  s32 path_fd = 0;  ///< 6.5, with map_flag::path_fd in file_flags

  /// Bytes up to the end of the last field in use.
  [[nodiscard]] constexpr u32 used() const noexcept { return path_fd != 0 ? 20 : 16; }
};
static_assert(sizeof(obj_path) == 24 && offsetof(obj_path, path_fd) == 16);

/// BPF_PROG_ATTACH and BPF_PROG_DETACH.
struct prog_attach {
  u32 target_fd = 0;  ///< or an interface's index
  u32 attach_bpf_fd = 0;
  u32 attach_type = 0;
  u32 attach_flags = 0;
  u32 replace_bpf_fd = 0;
  u32 relative_fd = 0;        ///< or an id, 6.6
  u64 expected_revision = 0;  ///< 6.6

  /// Bytes up to the end of the last field in use.
  [[nodiscard]] constexpr u32 used() const noexcept {
    return relative_fd != 0 || expected_revision != 0 ? 32 : 20;
  }
};
static_assert(sizeof(prog_attach) == 32 && offsetof(prog_attach, expected_revision) == 24);

/// BPF_PROG_TEST_RUN; results, sizes and duration come out.
struct prog_test_run {
  u32 prog_fd = 0;
  u32 retval = 0;
  u32 data_size_in = 0;
  u32 data_size_out = 0;
  alignas(8) address data_in{};
  address data_out{};
  u32 repeat = 0;
  u32 duration = 0;  ///< nanoseconds, on average
  u32 ctx_size_in = 0;
  u32 ctx_size_out = 0;
  address ctx_in{};
  address ctx_out{};
  u32 flags = 0;
  u32 cpu = 0;
  u32 batch_size = 0;  ///< 5.18
  u32 unused = 0;
};
static_assert(sizeof(prog_test_run) == 80 && offsetof(prog_test_run, batch_size) == 72);

/// The commands that walk over ids, where `next_id` comes out, and those that open one.
struct next_id {
  u32 start_id = 0;  ///< or the id to open
  u32 next_id = 0;
  u32 open_flags = 0;
  s32 fd_by_id_token_fd = 0;  ///< 6.17

  /// Bytes up to the end of the last field in use.
  [[nodiscard]] constexpr u32 used() const noexcept { return fd_by_id_token_fd != 0 ? 16 : 12; }
};
static_assert(sizeof(next_id) == 16);

/// BPF_OBJ_GET_INFO_BY_FD; `info_len` comes out.
struct obj_info {
  u32 bpf_fd = 0;
  u32 info_len = 0;
  alignas(8) address info{};
};
static_assert(sizeof(obj_info) == 16);

/// BPF_PROG_QUERY; counts, flags, ids and the revision come out.
struct prog_query {
  u32 target_fd = 0;  ///< or an interface's index
  u32 attach_type = 0;
  u32 query_flags = 0;
  u32 attach_flags = 0;
  alignas(8) address prog_ids{};
  u32 count = 0;
  u32 unused = 0;
  address prog_attach_flags{};
  address link_ids{};
  address link_attach_flags{};
  u64 revision = 0;
};
static_assert(sizeof(prog_query) == 64 && offsetof(prog_query, revision) == 56);

/// BPF_RAW_TRACEPOINT_OPEN.
struct raw_tracepoint {
  alignas(8) address name{};
  u32 prog_fd = 0;
  u32 unused = 0;
  u64 cookie = 0;  ///< 6.10

  /// Bytes up to the end of the last field in use.
  [[nodiscard]] constexpr u32 used() const noexcept { return cookie != 0 ? 24 : 12; }
};
static_assert(sizeof(raw_tracepoint) == 24);

/// BPF_BTF_LOAD; `btf_log_true_size` comes out (6.4).
struct btf_load {
  alignas(8) address btf{};
  address btf_log_buf{};
  u32 btf_size = 0;
  u32 btf_log_size = 0;
  u32 btf_log_level = 0;
  u32 btf_log_true_size = 0;
  u32 btf_flags = 0;     ///< 6.9
  s32 btf_token_fd = 0;  ///< 6.9

  /// Bytes up to the end of the last field in use.
  [[nodiscard]] constexpr u32 used() const noexcept { return btf_flags != 0 || btf_token_fd != 0 ? 40 : 32; }
};
static_assert(sizeof(btf_load) == 40 && offsetof(btf_load, btf_token_fd) == 36);

/// BPF_TASK_FD_QUERY; everything but the first three comes out.
struct task_fd_query {
  u32 pid = 0;
  u32 fd = 0;
  u32 flags = 0;
  u32 buf_len = 0;
  alignas(8) address buf{};
  u32 prog_id = 0;
  u32 fd_type = 0;
  u64 probe_offset = 0;
  u64 probe_addr = 0;
};
static_assert(sizeof(task_fd_query) == 48);

/// BPF_LINK_CREATE for what needs no more than a target and perhaps a type in its BTF.
struct link_create {
  u32 prog_fd = 0;    ///< or the map of a struct_ops
  u32 target_fd = 0;  ///< or an interface's index
  u32 attach_type = 0;
  u32 flags = 0;
  u32 target_btf_id = 0;
};
static_assert(sizeof(link_create) == 20);

/// BPF_LINK_CREATE for a perf event.
struct link_create_perf_event {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  alignas(8) u64 bpf_cookie = 0;
};
static_assert(sizeof(link_create_perf_event) == 24);

/// What an iterator lists: the elements of a map, the cgroups below one, or the threads of a process.
/// Source: union bpf_iter_link_info in include/uapi/linux/bpf.h at v6.12.
struct iter_map {
  u32 map_fd = 0;
};
struct iter_cgroup {  // 6.1
  u32 order = 0;
  u32 cgroup_fd = 0;
  u64 cgroup_id = 0;
};
struct iter_task {  // 6.1
  u32 tid = 0;
  u32 pid = 0;
  u32 pid_fd = 0;
};
static_assert(sizeof(iter_cgroup) == 16 && sizeof(iter_task) == 12);

/// BPF_LINK_CREATE for an iterator.
struct link_create_iter {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  alignas(8) address iter_info{};
  u32 iter_info_len = 0;
  u32 unused = 0;
};
static_assert(sizeof(link_create_iter) == 32 && offsetof(link_create_iter, iter_info_len) == 24);

/// BPF_LINK_CREATE for many kprobes.
struct link_create_kprobe_multi {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  u32 kprobe_flags = 0;
  u32 cnt = 0;
  alignas(8) address syms{};
  address addrs{};
  address cookies{};
};
static_assert(sizeof(link_create_kprobe_multi) == 48 && offsetof(link_create_kprobe_multi, cookies) == 40);

/// BPF_LINK_CREATE for programs on types of the kernel's BTF.
struct link_create_tracing {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  u32 target_btf_id = 0;
  u32 unused = 0;
  alignas(8) u64 cookie = 0;
};
static_assert(sizeof(link_create_tracing) == 32 && offsetof(link_create_tracing, cookie) == 24);

/// BPF_LINK_CREATE for netfilter.
struct link_create_netfilter {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  u32 pf = 0;
  u32 hooknum = 0;
  s32 priority = 0;
  u32 netfilter_flags = 0;
};
static_assert(sizeof(link_create_netfilter) == 32);

/// BPF_LINK_CREATE for tcx, netkit and cgroups, where links have an order.
struct link_create_ordered {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  u32 relative_fd = 0;  ///< or an id
  u32 unused = 0;
  alignas(8) u64 expected_revision = 0;
};
static_assert(sizeof(link_create_ordered) == 32 && offsetof(link_create_ordered, expected_revision) == 24);

/// BPF_LINK_CREATE for many uprobes.
struct link_create_uprobe_multi {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  alignas(8) address path{};
  address offsets{};
  address ref_ctr_offsets{};
  address cookies{};
  u32 cnt = 0;
  u32 uprobe_flags = 0;
  u32 pid = 0;
  u32 path_fd = 0;  ///< 7.2

  /// Bytes up to the end of the last field in use.
  [[nodiscard]] constexpr u32 used() const noexcept { return path_fd != 0 ? 64 : 60; }
};
static_assert(sizeof(link_create_uprobe_multi) == 64 && offsetof(link_create_uprobe_multi, pid) == 56);

/// BPF_LINK_CREATE for programs on many types of the kernel's BTF, 7.2.
struct link_create_tracing_multi {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  alignas(8) address ids{};
  address cookies{};
  u32 cnt = 0;
  u32 unused = 0;
};
static_assert(sizeof(link_create_tracing_multi) == 40 && offsetof(link_create_tracing_multi, cnt) == 32);

/// BPF_LINK_UPDATE.
struct link_update {
  u32 link_fd = 0;
  u32 new_prog_fd = 0;  ///< or a map
  u32 flags = 0;
  u32 old_prog_fd = 0;  ///< or a map
};
static_assert(sizeof(link_update) == 16);

/// BPF_LINK_DETACH.
struct link_detach {
  u32 link_fd = 0;
};

/// BPF_ENABLE_STATS.
struct enable_stats {
  u32 type = 0;
};

/// BPF_ITER_CREATE.
struct iter_create {
  u32 link_fd = 0;
  u32 flags = 0;
};

/// BPF_PROG_BIND_MAP.
struct prog_bind_map {
  u32 prog_fd = 0;
  u32 map_fd = 0;
  u32 flags = 0;
};
static_assert(sizeof(prog_bind_map) == 12);

/// BPF_TOKEN_CREATE, 6.9.
struct token_create {
  u32 flags = 0;
  u32 bpffs_fd = 0;
};

/// BPF_PROG_STREAM_READ_BY_FD, 6.17.
struct prog_stream_read {
  alignas(8) address stream_buf{};
  u32 stream_buf_len = 0;
  u32 stream_id = 0;
  u32 prog_fd = 0;
  u32 unused = 0;
};
static_assert(sizeof(prog_stream_read) == 24 && offsetof(prog_stream_read, prog_fd) == 16);

/// BPF_PROG_ASSOC_STRUCT_OPS, 7.0.
struct prog_assoc_struct_ops {
  u32 map_fd = 0;
  u32 prog_fd = 0;
  u32 flags = 0;
};
static_assert(sizeof(prog_assoc_struct_ops) == 12);

/// What BPF_OBJ_GET_INFO_BY_FD tells of a map.
struct map_info {
  u32 type = 0;
  u32 id = 0;
  u32 key_size = 0;
  u32 value_size = 0;
  u32 max_entries = 0;
  u32 map_flags = 0;
  kernel_name name{};
  u32 ifindex = 0;
  u32 btf_vmlinux_value_type_id = 0;
  u64 netns_dev = 0;
  u64 netns_ino = 0;
  u32 btf_id = 0;
  u32 btf_key_type_id = 0;
  u32 btf_value_type_id = 0;
  u32 btf_vmlinux_id = 0;  ///< 6.7
  u64 map_extra = 0;       ///< 5.16
};
static_assert(sizeof(map_info) == 88 && offsetof(map_info, netns_dev) == 48 &&
              offsetof(map_info, map_extra) == 80);

/// What BPF_OBJ_GET_INFO_BY_FD tells of a program. Lengths and numbers go in, too: how much room is at the addresses.
struct prog_info {
  u32 type = 0;
  u32 id = 0;
  u8 tag[8] = {};
  u32 jited_prog_len = 0;
  u32 xlated_prog_len = 0;
  alignas(8) address jited_prog_insns{};
  address xlated_prog_insns{};
  u64 load_time = 0;  ///< nanoseconds since boot
  u32 created_by_uid = 0;
  u32 nr_map_ids = 0;
  address map_ids{};
  kernel_name name{};
  u32 ifindex = 0;
  u8 gpl_compatible = 0;  ///< not 0 if it is
  u8 reserved[3] = {};
  u64 netns_dev = 0;
  u64 netns_ino = 0;
  u32 nr_jited_ksyms = 0;
  u32 nr_jited_func_lens = 0;
  address jited_ksyms{};
  address jited_func_lens{};
  u32 btf_id = 0;  ///< 5.0
  u32 func_info_rec_size = 0;
  address func_info{};
  u32 nr_func_info = 0;
  u32 nr_line_info = 0;
  address line_info{};
  address jited_line_info{};
  u32 nr_jited_line_info = 0;
  u32 line_info_rec_size = 0;
  u32 jited_line_info_rec_size = 0;
  u32 nr_prog_tags = 0;
  address prog_tags{};
  u64 run_time_ns = 0;  ///< 5.1
  u64 run_cnt = 0;
  u64 recursion_misses = 0;   ///< 5.12
  u32 verified_insns = 0;     ///< 5.16
  u32 attach_btf_obj_id = 0;  ///< 5.19
  u32 attach_btf_id = 0;
  u32 unused = 0;
};
static_assert(sizeof(prog_info) == 232 && offsetof(prog_info, btf_id) == 128 &&
              offsetof(prog_info, attach_btf_id) == 224);

/// What BPF_OBJ_GET_INFO_BY_FD tells of a link. Which member of `place` holds follows from the type.
struct link_info {
  /// Of links of XDP, tcx and netkit.
  struct interface_place {
    u32 ifindex = 0;
    u32 attach_type = 0;  ///< 0 for XDP
  };
  struct cgroup_place {
    u64 cgroup_id = 0;
    u32 attach_type = 0;
  };
  struct netns_place {
    u32 netns_ino = 0;
    u32 attach_type = 0;
  };
  struct map_place {
    u32 map_id = 0;
    u32 attach_type = 0;
  };
  struct tracing_place {
    u32 attach_type = 0;
    u32 target_obj_id = 0;
    u32 target_btf_id = 0;
  };
  union any_place {
    u64 words[8] = {};
    interface_place interface;
    cgroup_place cgroup;
    netns_place netns;
    map_place sockmap;
    tracing_place tracing;
  };

  link_type type{};
  u32 id = 0;
  u32 prog_id = 0;
  u32 unused = 0;
  alignas(8) any_place place{};
};
static_assert(sizeof(link_info) == 80 && offsetof(link_info, place) == 16);

/// The same with where the kernel shall write the hash of the map's content, which comes out. 6.18.
struct map_info_with_hash {
  alignas(8) map_info info{};
  address hash{};
  u32 hash_size = 0;
};
static_assert(sizeof(map_info_with_hash) == 104 && offsetof(map_info_with_hash, hash_size) == 96);

/// What BPF_OBJ_GET_INFO_BY_FD tells of BTF. `btf_size` goes in as the room at `btf` and comes out as the whole size.
struct btf_info {
  alignas(8) address btf{};
  u32 btf_size = 0;
  u32 id = 0;
  address name{};
  u32 name_len = 0;
  u32 kernel_btf = 0;
};
static_assert(sizeof(btf_info) == 32 && offsetof(btf_info, kernel_btf) == 28);

/// The third argument of a command with `common_attrs`, 7.2; `log_true_size` comes out.
struct common_attr {
  alignas(8) address log_buf{};
  u32 log_size = 0;
  u32 log_level = 0;
  u32 log_true_size = 0;
};
static_assert(sizeof(common_attr) == 24 && offsetof(common_attr, log_true_size) == 16);

/// The argument of bpf(2): one named member for each form that it takes. Only storage: what is handed to the
/// kernel is one member, up to the end of the last field in use.
union bpf_attr {
  abi::map_create map_create{};
  abi::map_create_with_token map_create_with_token;
  abi::map_elem map_elem;
  abi::map_key map_key;
  abi::map_next_key map_next_key;
  abi::map_freeze map_freeze;
  abi::map_batch map_batch;
  abi::prog_load prog_load;
  abi::prog_load_with_token prog_load_with_token;
  abi::obj_path obj_path;
  abi::prog_attach prog_attach;
  abi::prog_test_run prog_test_run;
  abi::next_id next_id;
  abi::obj_info obj_info;
  abi::prog_query prog_query;
  abi::raw_tracepoint raw_tracepoint;
  abi::btf_load btf_load;
  abi::task_fd_query task_fd_query;
  abi::link_create link_create;
  abi::link_create_perf_event link_create_perf_event;
  abi::link_create_iter link_create_iter;
  abi::link_create_kprobe_multi link_create_kprobe_multi;
  abi::link_create_tracing link_create_tracing;
  abi::link_create_netfilter link_create_netfilter;
  abi::link_create_ordered link_create_ordered;
  abi::link_create_uprobe_multi link_create_uprobe_multi;
  abi::link_create_tracing_multi link_create_tracing_multi;
  abi::link_update link_update;
  abi::link_detach link_detach;
  abi::enable_stats enable_stats;
  abi::iter_create iter_create;
  abi::prog_bind_map prog_bind_map;
  abi::token_create token_create;
  abi::prog_stream_read prog_stream_read;
  abi::prog_assoc_struct_ops prog_assoc_struct_ops;
};
static_assert(sizeof(bpf_attr) == 168);

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_BPF_HPP
// Room 0.6, result: what went wrong as one plain value, and a value that may be that instead. Nothing is
// thrown, printed or allocated here; room 2.2 makes the sentence.
#ifndef BAREBPF_RESULT_HPP
#define BAREBPF_RESULT_HPP

// Room 0.3, cause: every reason that the library can name, each with its one sentence. The same row is a
// compile error of a static_object and the text of an error at run time.
#ifndef BAREBPF_CAUSE_HPP
#define BAREBPF_CAUSE_HPP

// One row per cause: BAREBPF_CAUSE(identifier, "fact, so what to do").
// A macro and not an array, because static_assert takes only literals in C++20.
#define BAREBPF_CAUSES(BAREBPF_CAUSE)                                                                        \
  /* the file as a whole */                                                                                  \
  BAREBPF_CAUSE(not_elf, "this is not an ELF file, so give the .o that clang -target bpf wrote")             \
  BAREBPF_CAUSE(not_64_bit,                                                                                  \
                "BPF objects are 64-bit ELF files and this one is not, so compile it with "                  \
                "clang -target bpf")                                                                         \
  BAREBPF_CAUSE(foreign_byte_order,                                                                          \
                "this object has the other byte order than the machine, so compile "                         \
                "it with -target bpfel or bpfeb to match")                                                   \
  BAREBPF_CAUSE(bad_byte_order, "this ELF file has no byte order, so it is damaged: compile it again")       \
  BAREBPF_CAUSE(not_relocatable,                                                                             \
                "this ELF file is a program or a shared library, so give the "                               \
                "relocatable .o instead")                                                                    \
  BAREBPF_CAUSE(not_bpf,                                                                                     \
                "this ELF file holds code of another machine, so compile it with "                           \
                "clang -target bpf")                                                                         \
  BAREBPF_CAUSE(truncated,                                                                                   \
                "the file ends before what it announces, so it was cut or overwritten: "                     \
                "copy or compile it again")                                                                  \
  BAREBPF_CAUSE(too_large, "no BPF object is larger than 1 GiB, so this is another kind of file")            \
  BAREBPF_CAUSE(bad_section_header,                                                                          \
                "a section header of this ELF file contradicts itself, so the "                              \
                "file is damaged: compile it again")                                                         \
  BAREBPF_CAUSE(no_symbols, "the object has no symbol table, so strip it with llvm-strip -g at most")        \
  BAREBPF_CAUSE(bad_symbol,                                                                                  \
                "a relocation names a symbol that is not there, so the file is damaged: "                    \
                "compile it again")                                                                          \
  /* its types */                                                                                            \
  BAREBPF_CAUSE(no_btf,                                                                                      \
                "maps in .maps are described by BTF and the object has none, so compile it "                 \
                "with -g and keep the .BTF section")                                                         \
  BAREBPF_CAUSE(bad_btf_header,                                                                              \
                "the header of .BTF does not fit the section, so the file is damaged: "                      \
                "compile it again")                                                                          \
  BAREBPF_CAUSE(bad_btf_type,                                                                                \
                "a type in .BTF runs past its end or names what is not there, so the "                       \
                "file is damaged: compile it again")                                                         \
  BAREBPF_CAUSE(unknown_btf_kind,                                                                            \
                "this .BTF holds a kind of type that barebpf does not know, so it "                          \
                "was made by a newer compiler: use a newer barebpf")                                         \
  BAREBPF_CAUSE(bad_btf_ext,                                                                                 \
                "a table in .BTF.ext runs past its end, so the file is damaged: compile it "                 \
                "again")                                                                                     \
  /* its maps */                                                                                             \
  BAREBPF_CAUSE(static_map,                                                                                  \
                "a static map cannot be found by name, so take the word static away from "                   \
                "the map in the BPF program")                                                                \
  BAREBPF_CAUSE(map_is_no_struct,                                                                            \
                "every variable in .maps must be a struct that describes a map, so "                         \
                "move other variables elsewhere")                                                            \
  BAREBPF_CAUSE(map_outside_section,                                                                         \
                "a map lies past the end of .maps, so the file is damaged: "                                 \
                "compile it again")                                                                          \
  BAREBPF_CAUSE(unknown_map_member,                                                                          \
                "a map in .maps has a member that is not part of a map "                                     \
                "definition, so look for a misspelling")                                                     \
  BAREBPF_CAUSE(bad_map_member,                                                                              \
                "a member of a map definition has the wrong form, so write it with "                         \
                "__uint, __ulong, __type or __array")                                                        \
  BAREBPF_CAUSE(two_sizes,                                                                                   \
                "a map gives the size of its key or value twice and differently, so keep "                   \
                "one of them")                                                                               \
  BAREBPF_CAUSE(no_map_type, "a map in .maps has no type, so add __uint(type, BPF_MAP_TYPE_...)")            \
  BAREBPF_CAUSE(bad_pinning,                                                                                 \
                "a map can be pinned by its name (1) or not at all (0), so correct its "                     \
                "member pinning")                                                                            \
  BAREBPF_CAUSE(values_not_wanted,                                                                           \
                "only maps of maps and prog arrays begin with values, so take the member values away")       \
  BAREBPF_CAUSE(wrong_values,                                                                                \
                "the member values describes a map for maps of maps and a function for prog arrays, so "     \
                "write __array(values, struct ...) for the ones and __array(values, int (void *)) for the "  \
                "others")                                                                                    \
  BAREBPF_CAUSE(maps_too_deep, "the kernel takes no map of maps into a map of maps, so give it plain maps")  \
  BAREBPF_CAUSE(pinned_inner_map,                                                                            \
                "the map in the member values is only a pattern that goes when its map is made, so take "    \
                "its pinning away")                                                                          \
  BAREBPF_CAUSE(bad_slot,                                                                                    \
                "a relocation of .maps fills no slot of a member values, or one twice, so the file is "      \
                "damaged: compile it again")                                                                 \
  BAREBPF_CAUSE(slots_need_numbers,                                                                          \
                "the values that a hash of maps begins with have their numbers for keys, so give it keys "   \
                "of 4 bytes or fill it after it was loaded")                                                 \
  BAREBPF_CAUSE(slot_is_no_map,                                                                              \
                "a value of this map of maps is no map of the object, so give the address of one in .maps")  \
  BAREBPF_CAUSE(slot_is_no_program,                                                                          \
                "a value of this prog array is no program of the object, so give the address of a function " \
                "that has a SEC() and is not static")                                                        \
  BAREBPF_CAUSE(operations_are_no_struct,                                                                    \
                "every variable in .struct_ops must be a struct of functions that the kernel "               \
                "knows, so move others elsewhere")                                                           \
  BAREBPF_CAUSE(operations_overlap,                                                                          \
                "two structs of functions lie over each other, so the file is damaged: "                     \
                "compile it again")                                                                          \
  BAREBPF_CAUSE(bad_operation,                                                                               \
                "a relocation of .struct_ops fills no member that points to a function, or "                 \
                "one twice, so the file is damaged: compile it again")                                       \
  BAREBPF_CAUSE(operation_is_no_program,                                                                     \
                "this member of a struct of functions is no program of the object, so give "                 \
                "the address of a function that has SEC(\"struct_ops\") and is not static")                  \
  BAREBPF_CAUSE(no_kernel_operations,                                                                        \
                "the kernel takes no functions of programs in a struct of this name, so look "               \
                "at its name, or use a newer kernel or one that was built with what it "                     \
                "belongs to")                                                                                \
  BAREBPF_CAUSE(no_kernel_operation,                                                                         \
                "the struct in the kernel has no member of this name and the object puts "                   \
                "something there, so leave it zero for this kernel")                                         \
  BAREBPF_CAUSE(operation_bit_field,                                                                         \
                "bit fields have other places in other kernels, so take them out of the "                    \
                "struct in the BPF program")                                                                 \
  BAREBPF_CAUSE(another_operation,                                                                           \
                "this member is of another kind or size in the kernel, so declare it as the "                \
                "kernel does")                                                                               \
  BAREBPF_CAUSE(operation_of_two,                                                                            \
                "a program can be one function of the kernel's and this one is to be two "                   \
                "different ones, so write it twice")                                                         \
  BAREBPF_CAUSE(operation_of_nothing,                                                                        \
                "no struct in .struct_ops has this function, so put its address into one, or "               \
                "leave it out with change_program(name, {.load = false})")                                   \
  BAREBPF_CAUSE(part_of_operations,                                                                          \
                "the kernel calls this program through a struct in .struct_ops, so attach "                  \
                "that: attach_struct_ops(name)")                                                             \
  BAREBPF_CAUSE(not_operations, "this map is no struct in .struct_ops, so give the name of such a variable") \
  BAREBPF_CAUSE(operations_not_linked,                                                                       \
                "this struct has no link to be put into, so put it into "                                    \
                "SEC(\".struct_ops.link\")")                                                                 \
  BAREBPF_CAUSE(operations_at_run_time,                                                                      \
                "what the kernel's struct looks like is known only when the program runs, so "               \
                "load this object with object::open and object::load")                                       \
  BAREBPF_CAUSE(                                                                                             \
      bad_legacy_map,                                                                                        \
      "a map in a section of the older form gives no whole definition (type, key_size, "                     \
      "value_size, max_entries, map_flags), or something behind it that no two loaders understand "          \
      "alike, so define it in .maps")                                                                        \
  BAREBPF_CAUSE(variable_outside_section,                                                                    \
                "a global variable lies past the end of its section, so the file is "                        \
                "damaged: compile it again")                                                                 \
  /* its programs */                                                                                         \
  BAREBPF_CAUSE(                                                                                             \
      unknown_section,                                                                                       \
      "the name of this section tells no program type that barebpf knows, so correct the SEC() of "          \
      "the program, or say what it should be: change_program(name, {.section = \"xdp\"})")                   \
  BAREBPF_CAUSE(no_kernel_place,                                                                             \
                "programs of this section are made for one function, tracepoint or list of the kernel, so"   \
                " name it in SEC(), as in SEC(\"fentry/vfs_read\"), or in "                                  \
                "change_program(name, {.section = \"fentry/vfs_read\"})")                                    \
  BAREBPF_CAUSE(bad_program,                                                                                 \
                "a program is not whole instructions inside its section, so the file is "                    \
                "damaged: compile it again")                                                                 \
  BAREBPF_CAUSE(bad_relocation,                                                                              \
                "a relocation does not point at an instruction that loads an address, "                      \
                "so the file is damaged: compile it again")                                                  \
  BAREBPF_CAUSE(relocation_not_loaded_yet,                                                                   \
                "this version of barebpf cannot load a program that refers to this "                         \
                "section, so keep variables in .data, .rodata or .bss")                                      \
  BAREBPF_CAUSE(bad_call, "a call leads to no function, so the file is damaged: compile it again")           \
  BAREBPF_CAUSE(too_many_functions,                                                                          \
                "the kernel takes at most 256 functions in one program, so let the "                         \
                "compiler inline some")                                                                      \
  BAREBPF_CAUSE(bad_core,                                                                                    \
                "a CO-RE relocation names an instruction, a type or a member that is not there, so the "     \
                "file is damaged: compile it again")                                                         \
  BAREBPF_CAUSE(unknown_core_kind,                                                                           \
                "this object has a kind of CO-RE relocation that barebpf does not know, so it was made by "  \
                "a newer compiler: use a newer barebpf")                                                     \
  BAREBPF_CAUSE(core_without_name,                                                                           \
                "types of the kernel are found by their names (CO-RE), so give a name to the type that is "  \
                "declared with preserve_access_index")                                                       \
  BAREBPF_CAUSE(core_ambiguous,                                                                              \
                "several types of the kernel have this name and differ in what is asked for (CO-RE), so "    \
                "declare one more member that only the wanted one has and read that first")                  \
  BAREBPF_CAUSE(core_endless,                                                                                \
                "types that are compared (CO-RE) refer to each other without end, so declare fewer members") \
  BAREBPF_CAUSE(core_other_instruction,                                                                      \
                "a CO-RE relocation does not fit its instruction or what that holds, so the file is "        \
                "damaged: compile it again")                                                                 \
  BAREBPF_CAUSE(core_too_far,                                                                                \
                "the kernel has this member more than 32767 bytes behind the start of its type, which no "   \
                "load reaches (CO-RE), so read it with bpf_core_read")                                       \
  BAREBPF_CAUSE(core_too_wide,                                                                               \
                "the kernel has this bit field where no load of 8 bytes holds all of it (CO-RE), so read "   \
                "the bytes around it")                                                                       \
  BAREBPF_CAUSE(core_missing,                                                                                \
                "the program reads what the running kernel does not have (CO-RE), so ask with "              \
                "bpf_core_field_exists or its siblings before")                                              \
  BAREBPF_CAUSE(core_without_functions,                                                                      \
                "the kernel relocates (CO-RE) only programs whose functions are all in BTF, so compile "     \
                "each of them with -g")                                                                      \
  BAREBPF_CAUSE(core_left_out,                                                                               \
                "the load_policy leaves CO-RE to the kernel, which knows only its own types, so choose "     \
                "core_way::library to give others")                                                          \
  BAREBPF_CAUSE(newer_core,                                                                                  \
                "the running kernel relocates no programs (CO-RE): that came with Linux 5.17, so let "       \
                "barebpf do it")                                                                             \
  BAREBPF_CAUSE(jump_tables,                                                                                 \
                "this program jumps through a table, which kernels before 6.19 cannot load and this "        \
                "version of barebpf does not either, so compile it with -fno-jump-tables")                   \
  BAREBPF_CAUSE(no_arena,                                                                                    \
                "variables with __arena lie in an arena and the object has none, so define a map of type "   \
                "BPF_MAP_TYPE_ARENA")                                                                        \
  BAREBPF_CAUSE(two_arenas,                                                                                  \
                "variables with __arena lie in the one arena of an object and this one has several, so "     \
                "leave one")                                                                                 \
  BAREBPF_CAUSE(bad_kconfig_type,                                                                            \
                "an option of the kernel is a bool, a char, an integer, an enum libbpf_tristate or an array" \
                " of char, so declare the __kconfig variable as one")                                        \
  BAREBPF_CAUSE(kconfig_too_large,                                                                           \
                "the options that this object declares take more than 1 MiB, so shorten its arrays of char") \
  BAREBPF_CAUSE(bad_extern_name,                                                                             \
                "a __ksym or __kconfig variable has a name of 1 to 511 characters, so the file is damaged: " \
                "compile it again")                                                                          \
  BAREBPF_CAUSE(undefined_symbol,                                                                            \
                "the program uses a symbol that the object does not define, so "                             \
                "define it or declare the helper")                                                           \
  /* what the caller asked for */                                                                            \
  BAREBPF_CAUSE(no_such_map, "the object has no map of this name, so look for a misspelling")                \
  BAREBPF_CAUSE(map_left_out,                                                                                \
                "this map was left out when its object was loaded, as a struct is whose section begins "     \
                "with a question mark, so ask for it with change(name, {.create = true})")                   \
  BAREBPF_CAUSE(uses_missing_map,                                                                            \
                "the program uses this map, which was left out, so let a constant of the object keep it "    \
                "from there, or leave the program out as well")                                              \
  BAREBPF_CAUSE(numbered_maps,                                                                               \
                "this load_policy lets instructions name maps by their index, for which all must be there, " \
                "so choose one for a kernel before 5.14 to leave one out")                                   \
  BAREBPF_CAUSE(no_such_program, "the object has no program of this name, so look for a misspelling")        \
  BAREBPF_CAUSE(not_loaded,                                                                                  \
                "this program was left out when its object was loaded, so ask for it with "                  \
                "change_program(name, {.load = true}), or look why the kernel refused it")                   \
  BAREBPF_CAUSE(no_such_variable,                                                                            \
                "the object has no global variable of this name, so look for a misspelling, or give it "     \
                "BTF with -g")                                                                               \
  BAREBPF_CAUSE(wrong_variable_size,                                                                         \
                "the variable in the BPF object has another size than this type, so use the type that the "  \
                "BPF program declares")                                                                      \
  BAREBPF_CAUSE(wrong_variable_sign,                                                                         \
                "the variable in the BPF object and this type differ in signedness, so use the type that "   \
                "the BPF program declares")                                                                  \
  BAREBPF_CAUSE(constant_variable,                                                                           \
                "constants are frozen when the object is loaded, so set them before, and ask for a const "   \
                "type afterwards")                                                                           \
  BAREBPF_CAUSE(hidden_variable,                                                                             \
                "the kernel lets a section be mapped only when one of its variables is not static, so take " \
                "the word static away from this one")                                                        \
  BAREBPF_CAUSE(foreign_data,                                                                                \
                "these first values were made for another object, so make them with data() of this one")     \
  BAREBPF_CAUSE(wrong_map_type,                                                                              \
                "the map is of another type than asked for, so use the class of its "                        \
                "own type")                                                                                  \
  BAREBPF_CAUSE(wrong_key_size,                                                                              \
                "the key type has another size than the key in the BPF object, so use "                      \
                "the type that the BPF program declares")                                                    \
  BAREBPF_CAUSE(wrong_value_size,                                                                            \
                "the value type has another size than the value in the BPF object, "                         \
                "so use the type that the BPF program declares")                                             \
  BAREBPF_CAUSE(wrong_key_sign,                                                                              \
                "the key type and the key in the BPF object differ in signedness, so "                       \
                "use the type that the BPF program declares")                                                \
  BAREBPF_CAUSE(wrong_value_sign,                                                                            \
                "the value type and the value in the BPF object differ in "                                  \
                "signedness, so use the type that the BPF program declares")                                 \
  /* what the table of map types tells of a map that the kernel refused to create */                         \
  BAREBPF_CAUSE(newer_map_type,                                                                              \
                "the kernel is older than this map type, so use a newer kernel or another type")             \
  BAREBPF_CAUSE(newer_map_flag,                                                                              \
                "the kernel is older than one of these map_flags, so use a newer kernel or leave it out")    \
  BAREBPF_CAUSE(no_entries,                                                                                  \
                "a map of this type needs room for at least one element, so give max_entries: in its "       \
                "definition, or by change(name, {.max_entries = 1024}) for a map of an object")              \
  BAREBPF_CAUSE(size_is_given,                                                                               \
                "the object says how large the values of this map are and its programs were compiled for "   \
                "that, so leave value_size as it is")                                                        \
  BAREBPF_CAUSE(entries_not_wanted,                                                                          \
                "a map of this type grows with the objects that it belongs to, so give a max_entries of 0")  \
  BAREBPF_CAUSE(one_entry, "a map of this type holds one element, so give a max_entries of 1")               \
  BAREBPF_CAUSE(bad_ring_size,                                                                               \
                "a ring buffer has max_entries bytes, which must be a power of two and whole pages, so "     \
                "give 4096 or its like")                                                                     \
  BAREBPF_CAUSE(bad_key_size,                                                                                \
                "keys of this map type have a size of their own, so give the key type that the table of "    \
                "map types names")                                                                           \
  BAREBPF_CAUSE(bad_value_size,                                                                              \
                "values of this map type have a size of their own, so give the value type that the table "   \
                "of map types names")                                                                        \
  BAREBPF_CAUSE(missing_map_flag,                                                                            \
                "the kernel wants map_flag::no_prealloc for this map type, and map_flag::mmapable for an "   \
                "arena, so set it")                                                                          \
  BAREBPF_CAUSE(refused_map_flag, "maps of this type do not take one of these map_flags, so leave it out")   \
  BAREBPF_CAUSE(missing_map_types,                                                                           \
                "the kernel wants BTF for the key and the value of this map type, so give both ids")         \
  BAREBPF_CAUSE(missing_inner_map,                                                                           \
                "a map of maps is made after the pattern of one that is in it, so describe that in its "     \
                "member values, or give the descriptor of one: inner_map_fd to create, "                     \
                "change(name, {.inner = ...}) to an object")                                                 \
  BAREBPF_CAUSE(                                                                                             \
      deep_stack,                                                                                            \
      "the kernel keeps at most kernel.perf_event_max_stack places of a stack, 127 if nobody raised "        \
      "it, so keep fewer or raise it")                                                                       \
  BAREBPF_CAUSE(stack_of_build_ids,                                                                          \
                "map_flag::stack_build_id makes the kernel keep build ids and offsets, so use "              \
                "stack_build_ids as value type with this flag, and stack_addresses without it")              \
  BAREBPF_CAUSE(misplaced_arena,                                                                             \
                "an arena begins at a page and does not cross a border of 4 GiB in the address space, so "   \
                "choose another address for it")                                                             \
  BAREBPF_CAUSE(arena_elsewhere,                                                                             \
                "an arena has one address and one size in all processes and this one was mapped "            \
                "differently before, so give the address where it is mapped whole")                          \
  BAREBPF_CAUSE(arena_without_address,                                                                       \
                "the kernel loads programs only after their arena has an address, so give the arena "        \
                "map_extra in the BPF program, or create and map one and give it as replacement")            \
  BAREBPF_CAUSE(bad_name,                                                                                    \
                "the kernel takes names of at most 15 letters, digits, underscores and dots, "               \
                "so choose such a name")                                                                     \
  BAREBPF_CAUSE(another_map,                                                                                 \
                "this map is not the one that the C++ types describe, so look at the differences")           \
  BAREBPF_CAUSE(not_a_bpf_path,                                                                              \
                "maps are pinned on the BPF file system only, so choose a path below /sys/fs/bpf and mount " \
                "it: mount -t bpf bpf /sys/fs/bpf")                                                          \
  BAREBPF_CAUSE(dot_in_a_pin,                                                                                \
                "the BPF file system takes no dots in names, and maps are pinned on it alone, so choose "    \
                "names without dots below /sys/fs/bpf")                                                      \
  BAREBPF_CAUSE(not_a_map,                                                                                   \
                "this is a program, a link or something else and no map, so look at what the path or the "   \
                "descriptor belongs to")                                                                     \
  BAREBPF_CAUSE(no_such_slot,                                                                                \
                "this index is past the end of the array, so stay below its max_entries or create it with "  \
                "more")                                                                                      \
  /* what the table of map types tells of an element that the kernel refused */                              \
  BAREBPF_CAUSE(empty_slot,                                                                                  \
                "nothing is in this slot or it is past the end, so put something in before, and "            \
                "stay below max_entries")                                                                    \
  BAREBPF_CAUSE(no_such_stack,                                                                               \
                "no stack has this number any more, so look up the numbers that bpf_get_stackid "            \
                "gave, and soon")                                                                            \
  BAREBPF_CAUSE(unfit_program,                                                                               \
                "an array of programs takes those of one type, which the first program decides, "            \
                "and no freplace programs, so put in another one")                                           \
  BAREBPF_CAUSE(unfit_inner_map,                                                                             \
                "a map of maps takes only those that are like its pattern in type, sizes and flags, and "    \
                "arrays also in max_entries unless both have map_flag::inner_map, so make them alike")       \
  BAREBPF_CAUSE(not_an_event,                                                                                \
                "the descriptor is closed or of no perf event, so put in what perf_event_open "              \
                "gave")                                                                                      \
  BAREBPF_CAUSE(unfit_event, "a map takes no event that children inherit, so open it without inherit")       \
  BAREBPF_CAUSE(not_a_cgroup,                                                                                \
                "this is no folder in cgroup2, so open one below its mount, /sys/fs/cgroup "                 \
                "or /sys/fs/cgroup/unified")                                                                 \
  BAREBPF_CAUSE(cgroup_version_1,                                                                            \
                "this cgroup belongs to a controller of cgroup version 1, which BPF does not know, so take " \
                "one of version 2, below /sys/fs/cgroup/unified on machines that have both")                 \
  BAREBPF_CAUSE(unfit_device,                                                                                \
                "no interface has this index here, or the program beside it was not loaded for devmaps, so " \
                "look at its name, and put the program into SEC(\"xdp/devmap\")")                            \
  BAREBPF_CAUSE(unfit_cpu_program,                                                                           \
                "the program was not loaded for cpumaps, or the kernel has no memory for the queue, so put " \
                "the program into SEC(\"xdp/cpumap\")")                                                      \
  BAREBPF_CAUSE(unfit_socket,                                                                                \
                "a map takes bound UDP sockets, TCP sockets that listen or are connected, and "              \
                "connected Unix sockets, so put it in later, or another one")                                \
  BAREBPF_CAUSE(not_in_a_group,                                                                              \
                "the map takes bound sockets of a group, so set SO_REUSEPORT before bind, and "              \
                "listen where it is TCP")                                                                    \
  BAREBPF_CAUSE(socket_in_use,                                                                               \
                "a socket is in one reuseport_sockarray at a time, and where programs are attached in one "  \
                "slot of one map, so take it out there before")                                              \
  BAREBPF_CAUSE(unfit_xsk, "the map takes AF_XDP sockets alone, so put in what xsk::open gives")             \
  BAREBPF_CAUSE(wrong_owner,                                                                                 \
                "the descriptor in the key is closed or of another kind than the map's, so give "            \
                "that of a socket, a file, a process (pidfd) or a cgroup")                                   \
  BAREBPF_CAUSE(nothing_of_owner,                                                                            \
                "the owner that this descriptor stands for has no value in this storage or has ended, so "   \
                "store one while it lives")                                                                  \
  BAREBPF_CAUSE(long_prefix,                                                                                 \
                "the prefix has more bits than the address behind it, so give at most 8 for each "           \
                "of its bytes")                                                                              \
  BAREBPF_CAUSE(not_at_this_cgroup,                                                                          \
                "no program that uses this map is attached to this cgroup, so attach one, and "              \
                "the kernel makes the element")                                                              \
  BAREBPF_CAUSE(registered_already,                                                                          \
                "the operations in this map are registered already, and that only once, so "                 \
                "create another map for them")                                                               \
  BAREBPF_CAUSE(not_attachable,                                                                              \
                "the section of this program does not tell where to attach it, so "                          \
                "complete the name in SEC(), as in SEC(\"tracepoint/group/event\")")                         \
  BAREBPF_CAUSE(bad_address,                                                                                 \
                "this is no address of its kind, so write 10.0.0.0/8 for IPv4 and 2001:db8::/32 for IPv6")   \
  BAREBPF_CAUSE(bad_prefix_length,                                                                           \
                "behind the slash stands the number of bits, so write at most 32 for IPv4 and 128 for IPv6") \
  BAREBPF_CAUSE(bits_behind_prefix,                                                                          \
                "this address has bits behind its prefix, so clear them, or give all bits for an address")   \
  BAREBPF_CAUSE(                                                                                             \
      hidden_addresses,                                                                                      \
      "the kernel shows zeros in place of its addresses, so run it as root or with CAP_SYSLOG, and "         \
      "set kernel.kptr_restrict to 1 at most")                                                               \
  BAREBPF_CAUSE(bad_proc_line,                                                                               \
                "a line of this file is none that the kernel writes there, so look what the path leads to")  \
  BAREBPF_CAUSE(no_such_process,                                                                             \
                "there is no process of this number any more, or it has no memory of its own, so read what " \
                "it has mapped while it runs")                                                               \
  BAREBPF_CAUSE(attached_elsewhere,                                                                          \
                "programs of this section are put into a map, a route or a filter of tc, or are only run,"   \
                " so do that with the program's descriptor")                                                 \
  BAREBPF_CAUSE(not_attached_yet,                                                                            \
                "this version of barebpf loads programs of this section and cannot attach them yet, so "     \
                "attach the program's descriptor by other means")                                            \
  BAREBPF_CAUSE(takes_no_target,                                                                             \
                "the section of this program names the place to attach to, so give nothing but perhaps a "   \
                "cookie")                                                                                    \
  BAREBPF_CAUSE(lists_no_target,                                                                             \
                "the kernel lists this by itself, or the elements of a map, the tasks or the cgroups that"   \
                " are asked for, so give nothing or one of those")                                           \
  BAREBPF_CAUSE(needs_perf_event,                                                                            \
                "this program runs when a perf event does, so give perf_event with an event that is open")   \
  BAREBPF_CAUSE(needs_interface,                                                                             \
                "this program attaches to a network interface, so give interface with its index")            \
  BAREBPF_CAUSE(needs_cgroup,                                                                                \
                "this program attaches to a cgroup, so give cgroup with a descriptor of its folder")         \
  BAREBPF_CAUSE(needs_netns,                                                                                 \
                "this program attaches to a network namespace, so give netns with its descriptor, or "       \
                "nothing for the one of this process")                                                       \
  BAREBPF_CAUSE(needs_sockmap, "this program attaches to a map of sockets, so give sockets_in with the map") \
  BAREBPF_CAUSE(needs_socket, "this program attaches to a socket, so give socket with its descriptor")       \
  BAREBPF_CAUSE(bad_page_count,                                                                              \
                "the samples of a CPU go round in a power of two of pages, so ask for 8 or its like")        \
  BAREBPF_CAUSE(ring_is_full,                                                                                \
                "the ring buffer has no room for this record, so wait until a program has drained it, or "   \
                "create it larger")                                                                          \
  BAREBPF_CAUSE(record_too_large,                                                                            \
                "a record and its header of 8 bytes must fit into the whole ring buffer, so send less at "   \
                "once, or create it larger")                                                                 \
  BAREBPF_CAUSE(no_free_frame,                                                                               \
                "all frames for packets on their way out are in use, so flush and try again, or open the "   \
                "socket with more tx_frames")                                                                \
  BAREBPF_CAUSE(packet_too_large,                                                                            \
                "a packet must fit into one frame, so send less at once, or open the socket with a larger "  \
                "frame_size")                                                                                \
  /* what an object wants of the kernel by name */                                                           \
  BAREBPF_CAUSE(bad_kconfig_line,                                                                            \
                "this line sets no option as a kernel's configuration does, so write CONFIG_NAME=y, =m, =n," \
                " =250 or =\"text\"")                                                                        \
  BAREBPF_CAUSE(kconfig_module,                                                                              \
                "the kernel has this option as a module (m), which a bool cannot say, so declare it as an "  \
                "enum libbpf_tristate")                                                                      \
  BAREBPF_CAUSE(kconfig_yes_or_no,                                                                           \
                "the kernel has y, n or m for this option, so declare it as a bool or an enum "              \
                "libbpf_tristate")                                                                           \
  BAREBPF_CAUSE(kconfig_text, "the kernel has a text for this option, so declare it as an array of char")    \
  BAREBPF_CAUSE(kconfig_not_a_number,                                                                        \
                "the kernel has a number for this option, so declare it as an integer")                      \
  BAREBPF_CAUSE(kconfig_range,                                                                               \
                "the number that the kernel has for this option does not fit the variable, so declare it "   \
                "as a larger integer, or with another sign")                                                 \
  BAREBPF_CAUSE(no_kernel_config,                                                                            \
                "the configuration of this kernel is neither in /boot nor in /proc/config.gz, so give its "  \
                "file with load_options::kconfig_file or the options as text with load_options::kconfig")    \
  BAREBPF_CAUSE(bad_kernel_config,                                                                           \
                "this file is no whole file of gzip, so give the kernel's configuration as it is, packed or" \
                " not")                                                                                      \
  BAREBPF_CAUSE(no_kernel_option,                                                                            \
                "the kernel's configuration does not set this option, so declare it __weak to have zero "    \
                "then, or give it with load_options::kconfig")                                               \
  BAREBPF_CAUSE(unknown_kernel_fact,                                                                         \
                "a __kconfig variable is CONFIG_ and an option, LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE " \
                "or LINUX_HAS_SYSCALL_WRAPPER, so correct the name, or declare it __weak to have zero")      \
  BAREBPF_CAUSE(no_kernel_symbol,                                                                            \
                "the kernel lists nothing of this name in /proc/kallsyms, so correct it, or declare it "     \
                "__weak to have zero where a kernel lacks it")                                               \
  BAREBPF_CAUSE(ambiguous_symbol,                                                                            \
                "the kernel lists this name at several addresses in /proc/kallsyms, so choose one that the " \
                "kernel has once")                                                                           \
  BAREBPF_CAUSE(no_kernel_variable,                                                                          \
                "neither the kernel nor a module has a variable of this name among its types, where are "    \
                "those of each CPU alone, so declare it const void to have its address, or __weak")          \
  BAREBPF_CAUSE(no_kfunc,                                                                                    \
                "neither the kernel nor a module has a function of this name for programs, so use a newer "  \
                "kernel, or declare it __weak and ask bpf_ksym_exists before it is called")                  \
  BAREBPF_CAUSE(another_type,                                                                                \
                "the kernel has this name with another type, so declare it as the kernel's vmlinux.h does")  \
  BAREBPF_CAUSE(calls_missing_kfunc,                                                                         \
                "the program calls this function, which the kernel does not have, so let it ask "            \
                "bpf_ksym_exists before")                                                                    \
  BAREBPF_CAUSE(too_many_modules,                                                                            \
                "instructions can name 32767 modules and this object needs more, so split it")               \
  BAREBPF_CAUSE(arena_too_small,                                                                             \
                "the variables with __arena do not fit into the arena, so give it more max_entries, which "  \
                "are pages")                                                                                 \
  BAREBPF_CAUSE(kernel_decides,                                                                              \
                "the value of a __kconfig variable is the kernel's, so change what the kernel says with "    \
                "load_options::kconfig")                                                                     \
  BAREBPF_CAUSE(not_in_arena,                                                                                \
                "this variable does not lie in this arena, so ask for it by its name alone, or give the "    \
                "arena of this object, mapped whole")                                                        \
  BAREBPF_CAUSE(lies_in_arena,                                                                               \
                "this variable lies in an arena, so map that with map_arena and give it beside the name")    \
  /* what a look at the kernel found out after it refused */                                                 \
  BAREBPF_CAUSE(needs_cap_bpf, "the process lacks CAP_BPF, so run it as root or give it CAP_BPF")            \
  BAREBPF_CAUSE(needs_cap_perfmon,                                                                           \
                "the process lacks CAP_PERFMON, which tracing programs need beside "                         \
                "CAP_BPF, so run it as root or give it both")                                                \
  BAREBPF_CAUSE(no_kernel_function,                                                                          \
                "the kernel has no function of this name that programs can attach to, so look for it in "    \
                "/proc/kallsyms, and for one that was not inlined")                                          \
  BAREBPF_CAUSE(no_kernel_tracepoint,                                                                        \
                "the kernel has no tracepoint of this name, so look for its name under "                     \
                "/sys/kernel/tracing/events, without the group")                                             \
  BAREBPF_CAUSE(no_kernel_iterator,                                                                          \
                "the kernel cannot list this, so choose one of the words that follow bpf_iter_ in "          \
                "/proc/kallsyms")                                                                            \
  BAREBPF_CAUSE(no_kernel_hook,                                                                              \
                "the kernel has no security hook of this name, so choose one of the words that follow "      \
                "bpf_lsm_ in /proc/kallsyms")                                                                \
  BAREBPF_CAUSE(no_program_to_replace,                                                                       \
                "programs of this section replace a function of another program, so give the descriptor of " \
                "that one as load_options::replaced")                                                        \
  BAREBPF_CAUSE(no_program_types,                                                                            \
                "the program whose function is to be replaced was loaded without types, so load it with "    \
                "btf_choice::needed or all, and compile it with -g")                                         \
  BAREBPF_CAUSE(no_replaced_function,                                                                        \
                "the other program has no function of this name, so look for a misspelling, and for one "    \
                "that was inlined: it must be neither static nor inline")                                    \
  BAREBPF_CAUSE(newer_attach_way,                                                                            \
                "the running kernel is older than this way to attach: tcx came with Linux 6.6, so attach "   \
                "on a newer one")                                                                            \
  BAREBPF_CAUSE(no_interface, "this network namespace has no interface of this index, so look at its name")  \
  BAREBPF_CAUSE(not_a_link,                                                                                  \
                "this is a map, a program or something else and no link, so look at what the path belongs"   \
                " to")                                                                                       \
  BAREBPF_CAUSE(refused_by_verifier,                                                                         \
                "the kernel's verifier refused the program, so read its log: the "                           \
                "last lines name the instruction and the reason")                                            \
  BAREBPF_CAUSE(log_cut,                                                                                     \
                "the verifier refused the program and its log is larger than the buffer that "               \
                "was given, so give a larger one or let verifier_log grow")

namespace barebpf::inline BAREBPF_ABI {

/// Why something failed, as far as the library knows; `none` where only the kernel's errno is known.
enum class cause : u16 {
  none = 0,
#define BAREBPF_CAUSE(identifier, sentence) identifier,
  BAREBPF_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
};

/// What a reader found: nothing wrong, or the cause, the place in the file and what it is about. A plain
/// value without a destructor, so that the compiler carries it cheaply through its evaluations.
struct [[nodiscard]] verdict {
  cause why = cause::none;
  u32 section = 0;  ///< index of the ELF section, 0 for the file as a whole
  u64 offset = 0;   ///< bytes from the start of the file
  u64 subject = 0;  ///< where in the file the name of the map, member or program stands; 0 for none

  [[nodiscard]] constexpr bool failed() const noexcept { return why != cause::none; }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CAUSE_HPP
// Room 0.5, step: everything that the library does and that can fail, each with its words.
#ifndef BAREBPF_STEP_HPP
#define BAREBPF_STEP_HPP

// One row per step: BAREBPF_STEP(identifier, number, "cannot <words> 'what it is about'"). Below 256 the number is that of
// the bpf(2) command; what others call stands above their row.
#define BAREBPF_STEPS(BAREBPF_STEP)                                                       \
  BAREBPF_STEP(map_create, 0, "create the map")                                           \
  BAREBPF_STEP(map_lookup_elem, 1, "look up a key in the map")                            \
  BAREBPF_STEP(map_update_elem, 2, "update an element of the map")                        \
  BAREBPF_STEP(map_delete_elem, 3, "delete a key from the map")                           \
  BAREBPF_STEP(map_get_next_key, 4, "find the next key of the map")                       \
  BAREBPF_STEP(prog_load, 5, "load the program")                                          \
  BAREBPF_STEP(obj_pin, 6, "pin")                                                         \
  BAREBPF_STEP(obj_get, 7, "get the pin")                                                 \
  BAREBPF_STEP(prog_attach, 8, "attach the program")                                      \
  BAREBPF_STEP(prog_test_run, 10, "run the program")                                      \
  BAREBPF_STEP(map_get_fd_by_id, 14, "open by its id the map")                            \
  BAREBPF_STEP(obj_get_info_by_fd, 15, "ask about the map")                               \
  BAREBPF_STEP(raw_tracepoint_open, 17, "attach the program")                             \
  BAREBPF_STEP(btf_load, 18, "load the types")                                            \
  BAREBPF_STEP(btf_get_fd_by_id, 19, "read the types of the map")                         \
  BAREBPF_STEP(map_lookup_and_delete_elem, 21, "take a key out of the map")               \
  BAREBPF_STEP(map_freeze, 22, "freeze the map")                                          \
  BAREBPF_STEP(map_lookup_batch, 24, "look up a batch of the map")                        \
  BAREBPF_STEP(map_lookup_and_delete_batch, 25, "take a batch out of the map")            \
  BAREBPF_STEP(map_update_batch, 26, "update a batch of the map")                         \
  BAREBPF_STEP(map_delete_batch, 27, "delete a batch from the map")                       \
  BAREBPF_STEP(link_create, 28, "attach the program")                                     \
  BAREBPF_STEP(link_update, 29, "replace the program of the link")                        \
  BAREBPF_STEP(iter_create, 33, "start the iterator")                                     \
  BAREBPF_STEP(link_detach, 34, "detach the link")                                        \
  /* no command, or several of them */                                                    \
  /* understand an object file; `offset` counts from its start */                         \
  BAREBPF_STEP(read_object, 256, "read the object")                                       \
  /* look for a map or a program by name, or check it against C++ types */                \
  BAREBPF_STEP(find, 257, "use")                                                          \
  /* get memory */                                                                        \
  BAREBPF_STEP(allocate, 258, "get memory")                                               \
  /* openat(2) */                                                                         \
  BAREBPF_STEP(open_file, 259, "open the file")                                           \
  /* read(2), lseek(2) */                                                                 \
  BAREBPF_STEP(read_file, 260, "read the file")                                           \
  /* fsopen(2), fsconfig(2), fsmount(2): a tracefs that only this process sees */         \
  BAREBPF_STEP(mount_tracefs, 261, "reach tracefs to attach the program")                 \
  /* read a tracepoint's number from tracefs */                                           \
  BAREBPF_STEP(find_tracepoint, 262, "find the tracepoint of the program")                \
  /* perf_event_open(2) */                                                                \
  BAREBPF_STEP(open_event, 263, "open the event of the program")                          \
  /* ioctl(PERF_EVENT_IOC_SET_BPF), where the kernel has no perf link */                  \
  BAREBPF_STEP(set_event_program, 264, "attach the program to its event")                 \
  /* unlinkat(2) on the BPF file system */                                                \
  BAREBPF_STEP(unpin, 265, "remove the pin")                                              \
  /* mmap(2) of a map */                                                                  \
  BAREBPF_STEP(map_memory, 266, "map the memory of the map")                              \
  /* understand a network or an address */                                                \
  BAREBPF_STEP(read_prefix, 267, "understand the network")                                \
  /* find in the kernel's BTF what a program is made for */                               \
  BAREBPF_STEP(find_kernel_type, 268, "find in the kernel what the program attaches to")  \
  /* setsockopt(2) */                                                                     \
  BAREBPF_STEP(attach_to_socket, 269, "attach the program")                               \
  /* read(2) of what an iterator lists */                                                 \
  BAREBPF_STEP(read_iterator, 270, "read the iterator")                                   \
  /* ioctl(SIOCGIFINDEX) */                                                               \
  BAREBPF_STEP(find_interface, 271, "find the interface")                                 \
  /* ppoll(2), epoll(7), eventfd(2) */                                                    \
  BAREBPF_STEP(wait, 272, "wait for the ring buffer")                                     \
  /* fcntl(2): a descriptor of a map for oneself */                                       \
  BAREBPF_STEP(open_map, 273, "hold the map")                                             \
  /* mmap(2) of a perf event's ring */                                                    \
  BAREBPF_STEP(map_event, 274, "map the memory of an event for the map")                  \
  /* take room in a ring buffer that a program drains */                                  \
  BAREBPF_STEP(reserve, 275, "reserve a record in the map")                               \
  /* perf_event_open(2), for the samples of one CPU */                                    \
  BAREBPF_STEP(open_cpu_event, 276, "open an event for the map")                          \
  /* openat(2), fstatfs(2) of a cgroup's folder */                                        \
  BAREBPF_STEP(open_cgroup, 277, "open the cgroup")                                       \
  /* madvise(2) of an arena */                                                            \
  BAREBPF_STEP(fault_in, 278, "bring in the pages of the arena")                          \
  /* socket(AF_XDP) */                                                                    \
  BAREBPF_STEP(open_xsk, 279, "open an AF_XDP socket")                                    \
  /* mmap(2), setsockopt(XDP_UMEM_REG) */                                                 \
  BAREBPF_STEP(make_frames, 280, "get memory for the frames of the AF_XDP socket")        \
  /* setsockopt(2), getsockopt(2), mmap(2) of the rings of an AF_XDP socket */            \
  BAREBPF_STEP(make_xsk_rings, 281, "make the rings of the AF_XDP socket")                \
  /* bind(2) to the queue of an interface */                                              \
  BAREBPF_STEP(bind_xsk, 282, "bind the AF_XDP socket")                                   \
  /* sendto(2) of what was submitted, or submit more */                                   \
  BAREBPF_STEP(send_packets, 283, "send through the AF_XDP socket")                       \
  /* getsockopt(2), sendto(2) */                                                          \
  BAREBPF_STEP(check_xsk, 284, "ask about the AF_XDP socket")                             \
  /* read from sysfs how the kernel takes kprobes */                                      \
  BAREBPF_STEP(find_probes, 285, "find the kprobes for the program")                      \
  /* perf_event_open(2) of a kprobe */                                                    \
  BAREBPF_STEP(open_probe, 286, "open the kprobe of the program")                         \
  /* find in another program's BTF the function that a program replaces */                \
  BAREBPF_STEP(find_replaced, 287, "find in the other program what the program replaces") \
  /* find a __kconfig option of the running kernel */                                     \
  BAREBPF_STEP(read_kconfig, 290, "find in the kernel's configuration")                   \
  /* find the address or the type of what a program declares with __ksym */               \
  BAREBPF_STEP(find_kernel_name, 291, "find in the kernel")                               \
  /* fit a program to the types of a kernel (CO-RE) */                                    \
  BAREBPF_STEP(fit_program, 292, "fit to the kernel's types (CO-RE) the program")         \
  /* find the struct of a struct_ops in the kernel, and what each member is there */      \
  BAREBPF_STEP(fit_operations, 293, "fit to the kernel's struct the functions")           \
  /* BPF_MAP_UPDATE_ELEM and BPF_LINK_CREATE of a struct_ops */                           \
  BAREBPF_STEP(register_operations, 294, "hand to the kernel the functions")

namespace barebpf::inline BAREBPF_ABI {

/// What the library was doing. Below 256 it is the number of the bpf(2) command (`abi::command`).
enum class step : u16 {
#define BAREBPF_STEP(identifier, number, words) identifier = number,
  BAREBPF_STEPS(BAREBPF_STEP)
#undef BAREBPF_STEP
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STEP_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Kernel-only error number that leaks out of bpf(2): "operation not supported". Not libc's ENOTSUP.
/// Source: include/linux/errno.h at v6.12.
inline constexpr int ENOTSUPP_kernel = 524;

/// What went wrong, where, and on what.
/// Shape:    64 bytes, trivially copyable; owns nothing, so it may outlive what failed.
struct [[nodiscard]] error {
  static constexpr size_t name_size = 48;  ///< bytes, with the zero at the end

  step at = step::map_create;  ///< what was tried
  cause why = cause::none;     ///< what the library knows about the reason
  s32 code = 0;                ///< errno, 0 when no system call failed
  u64 offset = 0;              ///< bytes from the start of the file, when it came from a file
  char name[name_size] = {};   ///< the map, program, section or file it is about; cut if longer

  /// The same error, about `what`; or about `what` in the section `where`, as ".maps:hits".
  [[nodiscard]] constexpr error about(text what, text where = {}) const noexcept {
    error out = *this;
    size_t used = 0;
    const auto append = [&](text more) {
      for (const char c : more)
        if (used + 1 < sizeof name) out.name[used++] = c;
    };
    append(where);
    if (!where.empty() && !what.empty()) append(":");
    append(what);
    while (used < sizeof name) out.name[used++] = '\0';
    return out;
  }
};
static_assert(sizeof(error) == 64);

namespace detail {

// What a result holds. Plain for plain values, so that such a result is itself trivially copyable.
template <class T, bool Plain = std::is_trivially_copyable_v<T>>
struct result_storage {
  union {
    T value;
    error failure;
  };
  bool has_value;

  template <class... Arguments>
  constexpr explicit result_storage(std::in_place_t, Arguments&&... arguments) noexcept
      : value(std::forward<Arguments>(arguments)...), has_value(true) {}
  constexpr explicit result_storage(const error& why) noexcept : failure(why), has_value(false) {}
};

template <class T>
struct result_storage<T, false> {
  union {
    T value;
    error failure;
  };
  bool has_value;

  template <class... Arguments>
  explicit result_storage(std::in_place_t, Arguments&&... arguments) noexcept
      : value(std::forward<Arguments>(arguments)...), has_value(true) {}
  explicit result_storage(const error& why) noexcept : failure(why), has_value(false) {}
  result_storage(result_storage&& other) noexcept : has_value(other.has_value) {
    if (has_value)
      ::new (static_cast<void*>(&value)) T(std::move(other.value));
    else
      ::new (static_cast<void*>(&failure)) error(other.failure);
  }
  ~result_storage() {
    if (has_value) value.~T();
  }
};

}  // namespace detail

/// A value, or the error that stands in its place. The interface is std::expected's.
/// Errors: asking a failed result for its value, or a good one for its error, traps.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;
  using error_type = barebpf::error;

  template <class U = T>
  requires std::is_constructible_v<T, U&&>
  constexpr result(U&& value) noexcept : held_(std::in_place, std::forward<U>(value)) {}
  template <class... Arguments>
  constexpr explicit result(std::in_place_t, Arguments&&... arguments) noexcept
      : held_(std::in_place, std::forward<Arguments>(arguments)...) {}
  constexpr result(const error_type& why) noexcept : held_(why) {}

  /// Gives the value up, which must be there, for the error that `make` returns.
  template <class Function>
  void fail_with(Function&& make) noexcept {
    held_.value.~T();
    ::new (static_cast<void*>(&held_.failure)) error_type(make());
    held_.has_value = false;
  }

  [[nodiscard]] constexpr bool has_value() const noexcept { return held_.has_value; }
  constexpr explicit operator bool() const noexcept { return held_.has_value; }

  [[nodiscard]] constexpr T& value() & noexcept { return demand_value(), held_.value; }
  [[nodiscard]] constexpr const T& value() const& noexcept { return demand_value(), held_.value; }
  [[nodiscard]] constexpr T&& value() && noexcept { return std::move(value()); }
  [[nodiscard]] constexpr T& operator*() & noexcept { return value(); }
  [[nodiscard]] constexpr const T& operator*() const& noexcept { return value(); }
  [[nodiscard]] constexpr T&& operator*() && noexcept { return std::move(value()); }
  [[nodiscard]] constexpr T* operator->() noexcept { return &value(); }
  [[nodiscard]] constexpr const T* operator->() const noexcept { return &value(); }
  [[nodiscard]] constexpr const error_type& error() const noexcept {
    if (held_.has_value) __builtin_trap();
    return held_.failure;
  }

  template <class U>
  [[nodiscard]] constexpr T value_or(U&& otherwise) const& noexcept {
    return held_.has_value ? held_.value : static_cast<T>(std::forward<U>(otherwise));
  }
  template <class U>
  [[nodiscard]] constexpr T value_or(U&& otherwise) && noexcept {
    return held_.has_value ? std::move(held_.value) : static_cast<T>(std::forward<U>(otherwise));
  }
  /// `next(value)`, which gives a result itself, or the error as it is.
  template <class Function>
  [[nodiscard]] constexpr auto and_then(Function&& next) && noexcept -> decltype(next(std::declval<T&&>())) {
    if (!held_.has_value) return held_.failure;
    return next(std::move(held_.value));
  }
  /// A result of what `change` makes of the value, or the error as it is.
  template <class Function>
  [[nodiscard]] constexpr auto transform(Function&& change) && noexcept
      -> result<decltype(change(std::declval<T&&>()))> {
    if (!held_.has_value) return held_.failure;
    return change(std::move(held_.value));
  }

 private:
  constexpr void demand_value() const noexcept {
    if (!held_.has_value) __builtin_trap();
  }
  detail::result_storage<T> held_;
};

/// Done, or the error that says why not.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;
  using error_type = barebpf::error;

  constexpr result() noexcept = default;
  constexpr result(const error_type& why) noexcept : error_(why), has_value_(false) {}

  [[nodiscard]] constexpr bool has_value() const noexcept { return has_value_; }
  constexpr explicit operator bool() const noexcept { return has_value_; }
  constexpr void value() const noexcept {
    if (!has_value_) __builtin_trap();
  }
  [[nodiscard]] constexpr const error_type& error() const noexcept {
    if (has_value_) __builtin_trap();
    return error_;
  }
  template <class Function>
  [[nodiscard]] constexpr auto and_then(Function&& next) const noexcept -> decltype(next()) {
    if (!has_value_) return error_;
    return next();
  }

 private:
  error_type error_{};
  bool has_value_ = true;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_RESULT_HPP

#ifdef BAREBPF_LIBC_SYSCALL
#include <unistd.h>  // syscall
#endif

#ifndef __NR_bpf
#error "barebpf: this machine's C library does not number bpf(2), so install newer kernel headers"
#endif

namespace barebpf::inline BAREBPF_ABI {

// The numbers of the calls that came after Linux 5.1 are the same on every machine.
inline constexpr long nr_fsopen = 430, nr_fsconfig = 431, nr_fsmount = 432;

namespace detail {

// Numbers and pointers, as the registers take them.
template <class T>
[[nodiscard, gnu::always_inline]] inline long to_register([[maybe_unused]] T value) noexcept {
  if constexpr (std::is_null_pointer_v<T>)
    return 0;
  else if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<long>(value);
  else
    return static_cast<long>(value);
}

}  // namespace detail

/// Makes one system call.
/// Shape:  what the kernel returns: negative errno, or the answer.
/// Cost:   the instruction itself, never a function call: the return from one costs more after the kernel
///         than the whole of the rest. With BAREBPF_LIBC_SYSCALL, libc's syscall().
/// Source: syscall(2).
template <class... Arguments>
[[gnu::always_inline]] inline long system_call(long number, Arguments... arguments) noexcept {
  static_assert(sizeof...(Arguments) <= 6, "barebpf: a system call takes at most six arguments");
#if defined(BAREBPF_LIBC_SYSCALL)
  const long answer = ::syscall(number, detail::to_register(arguments)...);
  // Of 32 bits, an address that mmap gives may be negative.
  return answer == -1 ? -static_cast<long>(errno) : answer;
#else
  const long given[6] = {detail::to_register(arguments)...};
#if defined(__x86_64__)
  long answer = number;
  // One form for each size, because loading registers that nobody reads costs bytes.
  if constexpr (sizeof...(Arguments) <= 1)
    __asm__ volatile("syscall" : "+a"(answer) : "D"(given[0]) : "rcx", "r11", "memory");
  else if constexpr (sizeof...(Arguments) <= 3)
    __asm__ volatile("syscall"
                     : "+a"(answer)
                     : "D"(given[0]), "S"(given[1]), "d"(given[2])
                     : "rcx", "r11", "memory");
  else {
    register long r10 __asm__("r10") = given[3];
    register long r8 __asm__("r8") = given[4];
    register long r9 __asm__("r9") = given[5];
    __asm__ volatile("syscall"
                     : "+a"(answer)
                     : "D"(given[0]), "S"(given[1]), "d"(given[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
  }
  return answer;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = given[0];
  register long x1 __asm__("x1") = given[1];
  register long x2 __asm__("x2") = given[2];
  register long x3 __asm__("x3") = given[3];
  register long x4 __asm__("x4") = given[4];
  register long x5 __asm__("x5") = given[5];
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory", "cc");
  return x0;
#elif defined(__s390x__)
  register long r1 __asm__("1") = number;
  register long r2 __asm__("2") = given[0];
  register long r3 __asm__("3") = given[1];
  register long r4 __asm__("4") = given[2];
  register long r5 __asm__("5") = given[3];
  register long r6 __asm__("6") = given[4];
  register long r7 __asm__("7") = given[5];
  __asm__ volatile("svc 0"
                   : "+d"(r2)
                   : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6), "d"(r7)
                   : "memory", "cc");
  return r2;
#else  // riscv64; room 0.0 sends every other machine to libc
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = given[0];
  register long a1 __asm__("a1") = given[1];
  register long a2 __asm__("a2") = given[2];
  register long a3 __asm__("a3") = given[3];
  register long a4 __asm__("a4") = given[4];
  register long a5 __asm__("a5") = given[5];
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
  return a0;
#endif
#endif
}

/// Makes one bpf(2) call with a record of room 1.1, handed over up to the end of the last field in use: a
/// byte behind the last that the kernel knows is EINVAL, and fields that came later are left to the kernels
/// that have them. Shape:  what the kernel returns: negative errno, or the answer. Source: bpf(2);
/// bpf_check_uarg_tail_zero() in kernel/bpf/syscall.c at v6.12.
template <class Record>
[[gnu::always_inline]] inline long sys_bpf(abi::command command, Record& record) noexcept {
  static_assert(sizeof(Record) <= sizeof(abi::bpf_attr) && std::is_trivially_copyable_v<Record>,
                "barebpf: the kernel reads an attr as raw bytes, so it must be a record of union bpf_attr");
  if constexpr (requires { record.used(); })
    return system_call(__NR_bpf, static_cast<long>(command), &record, record.used());
  else
    return system_call(__NR_bpf, static_cast<long>(command), &record, sizeof(Record));
}

/// The error of a system call that returned `answer`, which is negative.
[[nodiscard]] constexpr error failure(step at, long answer) noexcept {
  return {.at = at, .code = static_cast<s32>(-answer)};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SYSCALL_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Stands for the current folder where a path may be relative to another. AT_FDCWD.
inline constexpr long current_folder = -100;

/// Opens the file at `path`, seen from `folder`, for reading; no child inherits it.
/// Shape: its descriptor, or negative errno.
[[nodiscard, gnu::always_inline]] inline long open_to_read(const char* path,
                                                           long folder = current_folder) noexcept {
  constexpr long read_only_close_on_exec = 02000000;  // O_RDONLY | O_CLOEXEC
  return system_call(__NR_openat, folder, path, read_only_close_on_exec);
}

/// Another descriptor of what `number` is open to, never 0, 1 or 2.
/// Shape: the descriptor, or negative errno.
[[nodiscard, gnu::always_inline]] inline long duplicate(long number) noexcept {
  constexpr long f_dupfd_cloexec = 1030;  // F_DUPFD_CLOEXEC, the same on every machine
  return system_call(__NR_fcntl, number, f_dupfd_cloexec, 3);
}

/// Moves a descriptor that a system call has just opened away from 0, 1 and 2: a program that closed those
/// would otherwise print into a map.
/// Shape:  the descriptor to use, or negative errno; what is negative already stays as it is.
/// Cost:   none, unless it has to move: then two system calls.
[[nodiscard, gnu::noinline]] inline long move_away(long opened) noexcept {
  if (opened > 2 || opened < 0) [[likely]]
    return opened;
  const long moved = duplicate(opened);
  system_call(__NR_close, opened);
  return moved;
}

/// A file descriptor that is owned.
/// Lifetime: closed with the object; moving empties the source. There is no copy, because closing twice
///           closes somebody else's file.
class fd {
 public:
  fd() noexcept = default;
  /// Takes over what a system call opened; a negative errno stays one and is never closed.
  [[nodiscard]] static fd own(long number) noexcept { return fd(static_cast<int>(number)); }

  fd(fd&& other) noexcept : number_(other.release()) {}
  fd& operator=(fd&& other) noexcept {
    fd taken(std::move(other));
    std::swap(number_, taken.number_);
    return *this;
  }
  [[gnu::always_inline]] ~fd() {
    if (number_ >= 0) system_call(__NR_close, number_);
  }

  /// The number; negative when there is none.
  [[nodiscard]] int number() const noexcept { return number_; }
  /// The number as bpf(2) takes it.
  [[nodiscard]] u32 raw() const noexcept { return static_cast<u32>(number_); }
  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  /// Takes over `number`, which was just opened; this object must be empty.
  void fill(long number) noexcept { number_ = static_cast<int>(number); }
  /// Hands the number over: whoever takes it closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  explicit fd(int number) noexcept : number_(number) {}
  int number_ = -1;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FD_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What a file system says that it is.
// Source: CGROUP_SUPER_MAGIC and CGROUP2_SUPER_MAGIC in include/uapi/linux/magic.h at v6.12.
inline constexpr u32 cgroup_magic = 0x27e0eb, cgroup2_magic = 0x63677270;

// The start of struct statfs, and room for what follows. Source: statfs(2).
struct file_system {
#ifdef __s390x__
  u32 magic;
#else
  long magic;
#endif
  long others[31];
};

// O_RDONLY | O_DIRECTORY | O_CLOEXEC. Source: fcntl.h of each machine in the kernel at v6.12.
#if defined(__aarch64__) || defined(__arm__) || defined(__powerpc__)
inline constexpr long open_folder = 02000000 | 040000;
#else
inline constexpr long open_folder = 02000000 | 0200000;
#endif

}  // namespace detail

/// Opens the folder of a cgroup: what a `cgroup_array_map` takes as its values, a `cgrp_storage_map` as its keys, and
/// programs are attached to.
/// Errors: cgroup_version_1; not_a_cgroup for any other folder; ENOENT, ENOTDIR and EACCES of its path.
/// Cost:   two system calls.
/// Source: cgroup_get_from_fd() in kernel/cgroup/cgroup.c at v6.12, which takes version 2 alone.
[[nodiscard]] inline result<fd> open_cgroup(const char* path) noexcept {
  const long opened = move_away(system_call(__NR_openat, current_folder, path, detail::open_folder));
  if (opened < 0) return failure(step::open_cgroup, opened).about(path);
  fd folder = fd::own(opened);
  detail::file_system of = {};
  if (const long told = system_call(__NR_fstatfs, folder.number(), &of); told < 0)
    return failure(step::open_cgroup, told).about(path);
  const auto magic = static_cast<u32>(of.magic);
  if (magic == detail::cgroup2_magic) return folder;
  return error{.at = step::open_cgroup,
               .why = magic == detail::cgroup_magic ? cause::cgroup_version_1 : cause::not_a_cgroup}
      .about(path);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CGROUP_HPP
// Room 2.2, describe: makes the sentence of an error: what was tried, on what, what the kernel said, the
// likely cause and what to do. Tables and a writer; nothing is allocated, and nothing is asked again.
#ifndef BAREBPF_DESCRIBE_HPP
#define BAREBPF_DESCRIBE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// One step in words: "cannot <words> <name>".
struct step_row {
  step at;
  text words;
};
inline constexpr step_row step_rows[] = {
#define BAREBPF_STEP(identifier, number, words) {step::identifier, words},
    BAREBPF_STEPS(BAREBPF_STEP)
#undef BAREBPF_STEP
};

/// An error number by its name.
struct errno_row {
  s32 code;
  text errno_name;
};
inline constexpr errno_row errno_rows[] = {{EPERM, "EPERM"},
                                           {ENOENT, "ENOENT"},
                                           {ESRCH, "ESRCH"},
                                           {EINTR, "EINTR"},
                                           {EIO, "EIO"},
                                           {ENXIO, "ENXIO"},
                                           {E2BIG, "E2BIG"},
                                           {EBADF, "EBADF"},
                                           {EAGAIN, "EAGAIN"},
                                           {ENOMEM, "ENOMEM"},
                                           {EACCES, "EACCES"},
                                           {EFAULT, "EFAULT"},
                                           {EBUSY, "EBUSY"},
                                           {EEXIST, "EEXIST"},
                                           {ENODEV, "ENODEV"},
                                           {ENOTDIR, "ENOTDIR"},
                                           {EISDIR, "EISDIR"},
                                           {EINVAL, "EINVAL"},
                                           {ENFILE, "ENFILE"},
                                           {EMFILE, "EMFILE"},
                                           {ENOSPC, "ENOSPC"},
                                           {ESPIPE, "ESPIPE"},
                                           {EROFS, "EROFS"},
                                           {ERANGE, "ERANGE"},
                                           {EDEADLK, "EDEADLK"},
                                           {ENAMETOOLONG, "ENAMETOOLONG"},
                                           {ENOSYS, "ENOSYS"},
                                           {ELOOP, "ELOOP"},
                                           {EOVERFLOW, "EOVERFLOW"},
                                           {ENOLINK, "ENOLINK"},
                                           {EBADFD, "EBADFD"},
                                           {ENOTSOCK, "ENOTSOCK"},
                                           {EOPNOTSUPP, "EOPNOTSUPP"},
                                           {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
                                           {EAFNOSUPPORT, "EAFNOSUPPORT"},
                                           {ENETDOWN, "ENETDOWN"},
                                           {ENOBUFS, "ENOBUFS"},
                                           {ETIMEDOUT, "ETIMEDOUT"},
                                           {ESTALE, "ESTALE"},
                                           {ENOTSUPP_kernel, "ENOTSUPP"}};

/// What an errno usually means at a step, and what to do about it.
struct hint_row {
  step at;
  s32 code;
  text sentence;
};
inline constexpr hint_row hint_rows[] = {
    {step::map_create, EPERM,
     "this type of map or one of its flags needs more than CAP_BPF, such as CAP_NET_ADMIN, or before Linux "
     "5.11 RLIMIT_MEMLOCK is too small, so run it as root or raise ulimit -l"},
    {step::map_create, EINVAL,
     "the kernel does not know this map type, or does not allow one of its sizes, flags or a max_entries of "
     "0"},
    {step::map_create, E2BIG,
     "the keys and values are larger than the kernel allows, or an arena or before Linux 5.11 a whole map "
     "than 4 GiB, so make them smaller or fewer"},
    {step::map_create, ENOMEM, "the kernel has no memory for so many entries, so ask for fewer"},
    {step::map_create, EBADF,
     "the descriptor of the inner map, the types or the token is closed, so keep it open until the map is "
     "created"},
    {step::map_create, EACCES,
     "a value with a spin lock cannot be read-only to programs, so leave out map_flag::rdonly_prog"},
    {step::map_create, ERANGE,
     "the arena would cross a border of 4 GiB in the address space, so choose another map_extra"},
    {step::map_create, EOPNOTSUPP,
     "this map type needs a JIT, which the kernel lacks on this machine, so use another type"},
    {step::map_create, ENOTSUPP_kernel,
     "the kernel does not combine this map type with types of keys and values, with one of its flags or with "
     "this inner map, so leave that out"},

    {step::map_lookup_elem, ENOENT, "the key is not in the map"},
    {step::map_lookup_elem, EPERM, "the descriptor only writes, so open the map without map_flag::wronly"},
    {step::map_lookup_elem, EINVAL,
     "the kernel does not look into this map in this way, so look at what its type allows"},
    {step::map_lookup_elem, ENOSPC,
     "sockets come out as cookies of 8 bytes, so create the map with values of 8 bytes"},
    {step::map_lookup_elem, EBUSY, "somebody else holds the lock of this element, so try again"},
    {step::map_lookup_elem, EOPNOTSUPP,
     "elements of this map type come out in programs only, so look them up there"},
    {step::map_lookup_elem, ENOTSUPP_kernel,
     "elements of this map type come out in programs only, so look them up there"},

    {step::map_update_elem, ENOENT, "the key is not in the map, and update::exist only replaces"},
    {step::map_update_elem, EEXIST,
     "the key is in the map already, as every key of an array is, and update::noexist only creates"},
    {step::map_update_elem, E2BIG,
     "the map is full or the index is behind its end, so delete elements or create it with more max_entries"},
    {step::map_update_elem, EPERM,
     "the map is frozen or the descriptor only reads, so write earlier or through another descriptor"},
    {step::map_update_elem, EINVAL,
     "the kernel does not take this value or these flags on this map type, so look at what its type allows"},
    {step::map_update_elem, EBADF,
     "the descriptor of the map, or one in the key or value, is closed or of another kind, so look at both"},
    {step::map_update_elem, ENOTSOCK, "the descriptor in the value is no socket, so give one"},
    {step::map_update_elem, EOPNOTSUPP,
     "the map does not take this kind or state of socket, or no update from user space, so look at what its "
     "type allows"},
    {step::map_update_elem, EBUSY,
     "the element is in use or somebody else holds its lock, so let go of it or try again"},
    {step::map_update_elem, ENOMEM,
     "a map without preallocation found no memory for the element, so try again or leave out "
     "map_flag::no_prealloc"},
    {step::map_update_elem, ENOSPC,
     "the trie is full, so delete prefixes or create it with more max_entries"},
    {step::map_update_elem, ENODEV, "this machine has no CPU of that number, so choose a possible one"},
    {step::map_update_elem, EOVERFLOW, "the queue of a CPU holds at most 16384 packets, so ask for fewer"},
    {step::map_update_elem, ENOTSUPP_kernel,
     "user space does not write elements of this map type, so let a program do it"},

    {step::map_delete_elem, ENOENT, "the key is not in the map"},
    {step::map_delete_elem, EPERM,
     "the map is frozen or the descriptor only reads, so delete earlier or through another descriptor"},
    {step::map_delete_elem, EINVAL,
     "elements of this map cannot be deleted, so overwrite them, or pop those of a queue"},
    {step::map_delete_elem, E2BIG, "the index is behind the end of the map, so choose one below max_entries"},
    {step::map_delete_elem, EBUSY, "somebody else holds the lock of this element, so try again"},
    {step::map_delete_elem, EOPNOTSUPP,
     "user space does not delete elements of this map type, so create the map anew"},
    {step::map_delete_elem, ENOTSUPP_kernel,
     "user space does not delete elements of this map type, so create the map anew"},

    {step::map_get_next_key, ENOENT, "there is no key after this one"},
    {step::map_get_next_key, EPERM, "the descriptor only writes, so open the map without map_flag::wronly"},
    {step::map_get_next_key, EINVAL, "queues and stacks have no keys, so pop their elements"},
    {step::map_get_next_key, EAGAIN,
     "the map changed faster than the walk went, so walk again or use batches"},
    {step::map_get_next_key, EOPNOTSUPP,
     "the kernel lists no keys of this map type, so remember them yourself"},
    {step::map_get_next_key, ENOTSUPP_kernel,
     "the kernel lists no keys of this map type, so remember them yourself"},

    {step::map_lookup_and_delete_elem, ENOENT, "the key is not in the map"},
    {step::map_lookup_and_delete_elem, EPERM,
     "the map is frozen or the descriptor does not both read and write, so open it for both"},
    {step::map_lookup_and_delete_elem, EINVAL,
     "the kernel does not take elements out of this map in this way, so look at what its type allows"},
    {step::map_lookup_and_delete_elem, EBUSY, "somebody else holds the lock of this element, so try again"},
    {step::map_lookup_and_delete_elem, ENOTSUPP_kernel,
     "the kernel takes elements out of queues and stacks, and of hash maps since 5.14, so look up and delete "
     "instead"},

    {step::map_lookup_batch, ENOENT, "no elements are left, so the batch before this one was the last"},
    {step::map_lookup_batch, ENOSPC,
     "more elements share a bucket than the batch has room for, so give more room"},
    {step::map_lookup_batch, EPERM, "the descriptor only writes, so open the map without map_flag::wronly"},
    {step::map_lookup_batch, EINTR, "elements went away while the batch was read, so ask for it again"},
    {step::map_lookup_batch, EINVAL,
     "the kernel does not take these flags on a batch of this map, so leave them out"},
    {step::map_lookup_batch, ENOTSUPP_kernel,
     "the kernel has no such batches of this map type, so go element by element"},

    {step::map_lookup_and_delete_batch, ENOENT,
     "no elements are left, so the batch before this one was the last"},
    {step::map_lookup_and_delete_batch, ENOSPC,
     "more elements share a bucket than the batch has room for, so give more room"},
    {step::map_lookup_and_delete_batch, EPERM,
     "the map is frozen or the descriptor does not both read and write, so open it for both"},
    {step::map_lookup_and_delete_batch, EINVAL,
     "the kernel does not take these flags on a batch of this map, so leave them out"},
    {step::map_lookup_and_delete_batch, ENOTSUPP_kernel,
     "the kernel has no such batches of this map type, so go element by element"},

    {step::map_update_batch, E2BIG, "the map is full, so delete elements or create it with more max_entries"},
    {step::map_update_batch, EPERM,
     "the map is frozen or the descriptor only reads, so write earlier or through another descriptor"},
    {step::map_update_batch, EINVAL,
     "the kernel does not take these values or flags in a batch, so update the elements one by one"},
    {step::map_update_batch, EBUSY,
     "somebody else holds the lock of an element, so go on with the ones behind those that are done"},
    {step::map_update_batch, ENOSPC,
     "the trie is full, so delete prefixes or create it with more max_entries"},
    {step::map_update_batch, ENOTSUPP_kernel,
     "the kernel has no such batches of this map type, so go element by element"},

    {step::map_delete_batch, ENOENT, "a key of the batch is not in the map; those before it are deleted"},
    {step::map_delete_batch, EPERM,
     "the map is frozen or the descriptor only reads, so delete earlier or through another descriptor"},
    {step::map_delete_batch, EINVAL,
     "the kernel does not take these flags on a batch of this map, so leave them out"},
    {step::map_delete_batch, EBUSY,
     "somebody else holds the lock of an element, so go on with the ones behind those that are done"},
    {step::map_delete_batch, ENOTSUPP_kernel,
     "the kernel has no such batches of this map type, so go element by element"},

    {step::map_freeze, EBUSY, "somebody has mapped the map for writing, so unmap it first"},
    {step::map_freeze, EPERM, "the map is frozen already or the descriptor only reads, so freeze it once"},
    {step::map_freeze, ENOTSUPP_kernel,
     "maps of struct_ops and values with locks, timers or kernel pointers stay writable, so leave them as "
     "they are"},

    {step::map_memory, EINVAL,
     "the map was created without map_flag::mmapable, or this descriptor may not write"},
    {step::map_memory, EPERM, "the map is frozen or read-only, so map it for reading"},
    {step::map_memory, EACCES,
     "map_flag::rdonly_prog forbids to write, so map it for reading, or this descriptor may not both read "
     "and write, which the kernel asks for even then"},
    {step::map_memory, EAGAIN, "the process has as much memory locked as it may, so raise ulimit -l"},
    {step::map_memory, E2BIG,
     "whoever mapped this arena first took fewer pages than it has, and all must map the same, so let the "
     "first map it whole"},
    {step::map_memory, EEXIST,
     "the process has something else where the arena must be, or has mapped it already, so map it once and "
     "early, or create it for another address"},
    {step::map_memory, ENODEV, "the descriptor is of something without memory, so give one of a map"},
    {step::map_memory, ENOMEM, "the process has no address space or too many mappings, so unmap some"},
    {step::map_memory, ENOTSUPP_kernel,
     "maps of this type, or with locks or timers in their values, have no memory to map, so look up their "
     "elements"},

    {step::fault_in, EINVAL, "the offset is not that of a page, so give a multiple of the page size"},
    {step::fault_in, ENOMEM, "the arena ends before that, so stay below its size"},
    {step::fault_in, EFAULT,
     "map_flag::segv_on_fault leaves it to programs, or the memory cgroup of the arena's creator is full, so "
     "create it without the flag or raise the limit"},

    {step::map_get_fd_by_id, ENOENT, "there is no map with this id any more"},
    {step::map_get_fd_by_id, EPERM, "opening a map by its id needs CAP_SYS_ADMIN, so run it as root"},
    {step::map_get_fd_by_id, EINVAL,
     "a descriptor cannot be both rdonly and wronly, so choose one of these flags"},

    {step::btf_get_fd_by_id, EPERM,
     "only CAP_SYS_ADMIN opens types by their ids, so run the process as root, or get the map without them"},

    {step::obj_get_info_by_fd, EBADFD, "the descriptor is closed"},
    {step::obj_get_info_by_fd, EINVAL, "the descriptor is of something else"},

    {step::obj_pin, EEXIST, "something is pinned under this path already, so get it or choose another path"},
    {step::obj_pin, ENOENT, "the folder of this path does not exist, so make it"},
    {step::obj_pin, EPERM,
     "this is no place on the BPF file system or a name with a dot, so choose a plain name below "
     "/sys/fs/bpf"},
    {step::obj_pin, EACCES,
     "the process may not write to this folder, so run it as root or change the folder's mode"},
    {step::obj_pin, EINVAL, "the descriptor is of no map, program or link, so there is nothing to pin"},

    {step::obj_get, ENOENT, "nothing is pinned under this path"},
    {step::obj_get, EACCES, "this is no pin, or one that the process may not open"},
    {step::obj_get, EINVAL,
     "a descriptor cannot be both rdonly and wronly, and a link takes neither, so leave these flags out"},

    {step::unpin, ENOENT, "nothing is pinned under this path"},
    {step::unpin, EACCES,
     "the process may not write to this folder, so run it as root or change the folder's mode"},
    {step::unpin, EISDIR, "it is a folder, so remove the pins inside it and then the folder with rmdir"},

    {step::open_cgroup, ENOENT, "there is no such cgroup, so make it with mkdir"},
    {step::open_cgroup, ENOTDIR, "a cgroup is a folder and this is a file, so give the folder"},

    {step::open_file, ENOENT, "there is no such file"},
    {step::open_file, EACCES, "the process may not read it"},
    {step::open_file, ENXIO, "it is a socket or a device that is not there, so give an object file"},

    {step::read_file, EISDIR, "it is a folder, so give the object file inside it"},
    {step::read_file, EINVAL, "it is nothing that can be read from its start, so give an object file"},
    {step::read_file, ESPIPE, "it is a pipe, so give a file"},

    {step::allocate, ENOMEM, "the process has no memory left, so free some or raise its limits"},

    {step::btf_load, EPERM,
     "the process has CAP_BPF, so before Linux 5.11 RLIMIT_MEMLOCK is too small: raise it with ulimit -l"},
    {step::btf_load, EINVAL,
     "the kernel refused a type that it does not know or finds damaged, so load without types or on a newer "
     "kernel"},
    {step::btf_load, E2BIG,
     "the types take more than 16 MiB or the kernel is older than their header, so load fewer"},
    {step::btf_load, ENOSPC, "the log of the types does not fit into its buffer, so give a larger one"},
    {step::btf_load, ENOTSUPP_kernel,
     "the kernel does not know this version of BTF, so load without types or on a newer kernel"},

    {step::prog_load, EPERM,
     "the process has the capabilities, so the kernel is locked down for this program type, or before Linux "
     "5.11 RLIMIT_MEMLOCK is too small"},
    {step::prog_load, EACCES, "the verifier refused the program, so give load a verifier_log and read it"},
    {step::prog_load, EINVAL,
     "the verifier refused the program or the kernel does not know its type, so give load a verifier_log and "
     "read it"},
    {step::prog_load, E2BIG,
     "the program is longer or branches more often than the verifier follows, so make it smaller or its "
     "loops simpler"},
    {step::prog_load, EAGAIN, "a signal interrupted the verifier, so load the program again"},
    {step::prog_load, ENOMEM,
     "the kernel has no memory for the program and for what the verifier remembers of it, so make it "
     "smaller"},
    {step::prog_load, ENOSPC,
     "the verifier's log does not fit into its buffer, so give a larger one or let verifier_log grow"},
    {step::prog_load, EBADF,
     "the program uses a map whose descriptor is closed, so keep its maps open until it is loaded"},
    {step::prog_load, ENOENT,
     "the kernel does not find the function or type that the program attaches to, so choose another"},
    {step::prog_load, EBUSY,
     "the program uses a map that belongs to another program, so create one for each"},
    {step::prog_load, EFAULT,
     "the verifier contradicted itself or a buffer is outside of the process's memory, so give load a "
     "verifier_log and read it"},
    {step::prog_load, EOPNOTSUPP,
     "this machine or device does not run programs of this kind, so attach elsewhere"},
    {step::prog_load, ENOTSUPP_kernel,
     "the program needs what this kernel lacks on this machine, often its JIT, so give load a verifier_log "
     "and read it"},

    {step::link_create, EINVAL,
     "the kernel does not attach programs of this type here, or is older than 5.15"},
    {step::link_create, EPERM,
     "attaching here needs more than CAP_BPF, or who is attached already admits nobody else, so run it as "
     "root or detach the other"},
    {step::link_create, EACCES,
     "the program reads behind the end of what its tracepoint records, so compare its context with the "
     "tracepoint's format"},
    {step::link_create, EBADF, "the program or what it attaches to is closed, so keep both open"},
    {step::link_create, EBUSY, "another program has this place to itself, so detach it first"},
    {step::link_create, EEXIST, "this program or another is attached here already, so detach it first"},
    {step::link_create, E2BIG,
     "as many programs as the kernel allows are attached here already, so detach one"},
    {step::link_create, ERANGE,
     "as many programs as the kernel allows are attached here already, so detach one"},
    {step::link_create, ENODEV, "there is no such interface any more, so look at its name"},
    {step::link_create, ENOENT,
     "the kernel does not find what the program attaches to, so look at the name in its section"},
    {step::link_create, ESRCH,
     "the kernel does not find a function or a process of this link, so look at its names"},
    {step::link_create, ESTALE, "the programs here have changed since they were looked at, so look again"},
    {step::link_create, EOPNOTSUPP,
     "the kernel was built without this way to attach, or the interface's driver lacks it, so attach in "
     "another way"},
    {step::link_create, ENOTSUPP_kernel,
     "the kernel does not attach programs of this type on this machine, so attach in another way"},

    {step::raw_tracepoint_open, ENOENT,
     "the kernel has no such tracepoint, so look for its name under /sys/kernel/tracing/events, without the "
     "group"},
    {step::raw_tracepoint_open, EINVAL,
     "the program reads more arguments than the tracepoint has, or its section names another kind of "
     "program"},
    {step::raw_tracepoint_open, EPERM,
     "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::raw_tracepoint_open, EBUSY,
     "as many programs as the kernel allows are attached here, so detach one"},
    {step::raw_tracepoint_open, E2BIG,
     "as many programs as the kernel allows are attached here already, so detach one, or the kernel is older "
     "than 6.10 and takes no cookie here"},

    {step::prog_attach, EOPNOTSUPP,
     "the map holds no sockets or its programs are of another type, so give a sockmap or sockhash"},
    {step::prog_attach, EINVAL, "the kernel does not know this kind of program in a map, so it is too old"},
    {step::prog_attach, EBUSY, "a link holds another program in this place, so let go of it first"},

    {step::attach_to_socket, ENOTSOCK, "the descriptor is of something else, so give one of a socket"},
    {step::attach_to_socket, EINVAL,
     "the program is of another type, or sockets share no port here, so set SO_REUSEPORT before bind"},
    {step::attach_to_socket, ENOTSUPP_kernel,
     "only TCP and UDP sockets choose among those that share a port, so give one of these"},
    {step::attach_to_socket, EPERM,
     "the filter of the socket is locked by SO_LOCK_FILTER, so attach it before"},
    {step::attach_to_socket, ENOMEM,
     "the program is larger than net.core.optmem_max allows for this socket, so raise it or make it smaller"},

    {step::link_update, EINVAL,
     "the new program is of another type or made for another place than the old one, or links of this kind "
     "keep their program"},
    {step::link_update, EPERM,
     "another program is in the link than the one that was to be replaced, so look which one is"},
    {step::link_update, ENOLINK, "the link is detached: what it attached to is gone, so attach again"},

    {step::link_detach, EOPNOTSUPP,
     "links of this kind end with their last descriptor, so close it and remove pins"},

    {step::iter_create, EINVAL,
     "the link is of another kind, so attach a program whose section begins with iter/"},

    {step::read_iterator, EACCES, "the program refused to list this, so look at what it returns"},
    {step::read_iterator, EINVAL, "the iterator was read to its end, so start it again"},
    {step::read_iterator, E2BIG,
     "one element came out longer than the kernel's buffer of 8 pages, so let the program write less for "
     "each"},

    {step::prog_test_run, ENOTSUPP_kernel,
     "programs of this type cannot be run without their event, so attach it and cause that"},
    {step::prog_test_run, EOPNOTSUPP,
     "programs of this type cannot be run without their event, so attach it and cause that"},
    {step::prog_test_run, EINVAL,
     "the data or the context is shorter or longer than programs of this type take, so look at what its type "
     "wants"},
    {step::prog_test_run, ENOSPC,
     "the data or the context that came out did not fit, so give as much room as goes in and 256 bytes more"},
    {step::prog_test_run, E2BIG, "the context is longer than the kernel knows, so give less"},
    {step::prog_test_run, ENODEV, "the context names an interface that does not exist, so give a real index"},

    {step::find_kernel_type, ENOENT,
     "the kernel has no BTF of itself, so use one that was built with CONFIG_DEBUG_INFO_BTF"},

    {step::fit_program, ENOENT,
     "the kernel has no BTF of itself, so give load_options::target_btf the types of one that is built like "
     "it"},

    {step::fit_operations, ENOENT,
     "the kernel has no BTF of itself, so use one that was built with CONFIG_DEBUG_INFO_BTF"},

    {step::register_operations, EEXIST,
     "something of the name that the struct gives is registered already, so end that or choose another name"},
    {step::register_operations, EBUSY,
     "a struct without a link can be handed over once, so load the object anew, or use "
     "SEC(\".struct_ops.link\")"},
    {step::register_operations, EINVAL,
     "the kernel wants more of its functions than the struct has, or other values, or links for structs came "
     "later (6.4), so look at what others of its kind fill in"},

    {step::find_interface, ENODEV,
     "this network namespace has no interface of that name, so look at its name"},

    {step::mount_tracefs, EPERM,
     "tracefs is not mounted and a private one needs CAP_SYS_ADMIN, so mount it: mount -t tracefs tracefs "
     "/sys/kernel/tracing"},
    {step::mount_tracefs, ENODEV,
     "the kernel was built without tracefs, so it has no tracepoints to attach to"},

    {step::find_tracepoint, ENOENT,
     "the kernel has no such tracepoint, so look for its group and name under /sys/kernel/tracing/events"},
    {step::find_tracepoint, EACCES, "the process may not read tracefs, so run it as root"},
    {step::find_tracepoint, EPERM,
     "the kernel is locked down and shows no tracepoints, so boot it without lockdown"},

    {step::open_event, EACCES, "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::open_event, EPERM,
     "the kernel is locked down or a filter forbids perf_event_open, so allow it there"},
    {step::open_event, ENODEV, "CPU 0 is offline, so bring it online"},
    {step::open_event, ENOENT, "the kernel has no such events, so it was built without them"},
    {step::open_event, EINVAL, "the kernel has no tracepoint of this number any more, so attach again"},
    {step::open_event, EBUSY, "another event has the hardware to itself, so close it first"},
    {step::open_event, EOPNOTSUPP, "the hardware has no such event, so choose another"},

    {step::find_probes, ENOENT,
     "the kernel was built without kprobes, so attach to a tracepoint, or to a function by fentry"},

    {step::open_probe, ENOENT,
     "the kernel has no such function, or inlined it everywhere, so look for it in /proc/kallsyms"},
    {step::open_probe, EINVAL,
     "the kernel lets no kprobe be put there, because the function is marked notrace or the offset is not at "
     "an instruction, so choose another place"},
    {step::open_probe, EADDRNOTAVAIL,
     "the kernel has several functions of this name and does not guess, so choose one with a name of its "
     "own"},
    {step::open_probe, EACCES, "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::open_probe, EPERM,
     "the kernel is locked down or a filter forbids perf_event_open, so allow it there"},

    {step::find_replaced, EPERM,
     "the types of another program are shown to CAP_SYS_ADMIN alone, so run the process as root"},
    {step::find_replaced, EBADF,
     "the descriptor that load_options::replaced gives is closed, so keep it open until the program is "
     "loaded"},
    {step::find_replaced, EBADFD,
     "the descriptor that load_options::replaced gives is closed, so keep it open until the program is "
     "loaded"},

    {step::set_event_program, EINVAL,
     "the program is of another type than its event, so correct the SEC() of the program"},
    {step::set_event_program, EACCES,
     "the program reads behind the end of what its tracepoint records, so compare its context with the "
     "tracepoint's format"},
    {step::set_event_program, EEXIST, "this program or another is attached here already, so detach it first"},
    {step::set_event_program, E2BIG,
     "as many programs as the kernel allows are attached here already, so detach one"},

    {step::open_cpu_event, EACCES, "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::open_cpu_event, EPERM,
     "the kernel is locked down or a filter forbids perf_event_open, so allow it there"},
    {step::open_cpu_event, ENODEV,
     "none of the CPUs that have a slot runs, so create the map with more max_entries"},
    {step::open_cpu_event, ENOENT, "the kernel is older than 4.4 or was built without perf events"},

    {step::wait, EEXIST, "it is waited for already, so add it once"},
    {step::wait, EPERM, "the descriptor is of something that is never ready, so wait for something else"},

    {step::open_map, EOPNOTSUPP,
     "a program of 32 bits cannot share a ring buffer with a kernel that has the highest byte first, so "
     "build it for 64 bits"},

    {step::open_xsk, EPERM,
     "a socket of the family AF_XDP needs CAP_NET_RAW, so run the process as root or give it that"},
    {step::open_xsk, EAFNOSUPPORT,
     "the kernel is older than 4.18 or built without AF_XDP, so use another kernel"},

    {step::make_frames, EINVAL,
     "a frame is a power of two of bytes, from 2048 to a page, and a socket needs some, so ask for such"},
    {step::make_frames, ENOBUFS,
     "the process may not lock so much memory, so ask for fewer frames or raise ulimit -l"},

    {step::make_xsk_rings, EINVAL, "a ring holds a power of two of frames, so ask for 1024 or its like"},

    {step::bind_xsk, EINVAL,
     "the interface has no queue of this number, or the kernel is too old for this mode, so take queue 0 and "
     "xsk_mode::any"},
    {step::bind_xsk, ENODEV, "this network namespace has no interface of this number, so look at its name"},
    {step::bind_xsk, EBUSY,
     "another socket has this queue or had it a moment ago, so close it and try again, or take another "
     "queue"},
    {step::bind_xsk, EOPNOTSUPP,
     "the driver of the interface copies packets, so use xsk_mode::any or xsk_mode::copy"},
    {step::bind_xsk, ENETDOWN, "the interface is down, so set it up"},

    {step::send_packets, EAGAIN,
     "the kernel has as many packets on their way as it may, so flush again a little later"},
    {step::send_packets, EBUSY, "the interface dropped a packet, so flush again for those behind it"},
    {step::send_packets, ENOBUFS, "the kernel has no memory for the packet, so flush again a little later"},
    {step::send_packets, ENETDOWN, "the interface is down, so set it up"},
    {step::send_packets, ENXIO, "the interface is gone, so open a socket for another one"},

    {step::check_xsk, ENETDOWN, "the interface is down, so set it up"},
    {step::check_xsk, ENXIO, "the interface is gone, so open a socket for another one"},

    {step::map_event, EPERM,
     "so many pages are more than the process may lock, so ask for fewer, or raise ulimit -l or the sysctl "
     "kernel.perf_event_mlock_kb"},
};

/// What an errno means at every step that has no row of its own for it.
struct any_step_row {
  s32 code;
  text sentence;
};
inline constexpr any_step_row any_step_rows[] = {
    {EPERM, "the process lacks a capability for this or a security module forbids it, so run it as root"},
    {EACCES, "the process lacks the right to this or a security module forbids it, so run it as root"},
    {EBADF, "the descriptor is closed or of something else, so look for who closed it"},
    {EFAULT, "an address is outside of the process's memory, so look at the buffers that were given"},
    {EINTR, "a signal came in between, so do it again"},
    {EIO, "the device did not deliver, so look into the kernel's log"},
    {ENOMEM,
     "the kernel has no memory for this, so free some or raise the memory limit of the process's cgroup"},
    {EMFILE, "the process has too many files open, so close some or raise ulimit -n"},
    {ENFILE, "the machine has too many files open, so close some"},
    {ENOSYS, "the kernel does not have this system call, so it is too old or built without it"},
    {ENOTDIR, "a part of the path is no folder, so correct the path"},
    {ELOOP, "the path leads through too many symbolic links, so look where they lead"},
    {ENAMETOOLONG,
     "a name in the path is longer than 255 characters or the whole longer than 4095, so shorten it"},
    {EROFS, "the file system is mounted read-only, so mount it for writing"},
    {EDEADLK, "the kernel would have waited for itself, so try again outside of what holds the lock"},
    {ETIMEDOUT, "a lock of the kernel was held for too long, so try again"},
};

/// The words for a step; empty for one without a row.
[[nodiscard]] constexpr text step_words(step at) noexcept {
  for (const step_row& row : step_rows)
    if (row.at == at) return row.words;
  return {};
}
/// The name of an error number; empty for one without a row.
[[nodiscard]] constexpr text errno_name(s32 code) noexcept {
  for (const errno_row& row : errno_rows)
    if (row.code == code) return row.errno_name;
  return {};
}
/// What an errno usually means at a step; empty when there is nothing to say.
[[nodiscard]] constexpr text hint(step at, s32 code) noexcept {
  for (const hint_row& row : hint_rows)
    if (row.at == at && row.code == code) return row.sentence;
  for (const any_step_row& row : any_step_rows)
    if (row.code == code) return row.sentence;
  return {};
}
/// The sentence of a cause; empty for `none`.
[[nodiscard]] constexpr text cause_sentence(cause why) noexcept {
  switch (why) {
    case cause::none:
      return {};
#define BAREBPF_CAUSE(identifier, sentence) \
  case cause::identifier:                   \
    return sentence;
      BAREBPF_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
  }
  return {};
}

namespace detail {

// Writes text into a buffer, leaving off what does not fit.
class text_writer {
 public:
  constexpr text_writer(char* buffer, size_t size) noexcept : buffer_(buffer), room_(size) {}

  constexpr text_writer& operator<<(text more) noexcept {
    for (const char c : more)
      if (used_ + 1 < room_) buffer_[used_++] = c;
    return *this;
  }
  constexpr text_writer& operator<<(u64 number) noexcept {
    char digits[20] = {};
    size_t first = sizeof digits;
    do {
      digits[--first] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return *this << text(digits + first, sizeof digits - first);
  }
  constexpr text finish() noexcept {
    if (room_ == 0) return {};
    buffer_[used_] = '\0';
    return {buffer_, used_};
  }

 private:
  char* buffer_;
  size_t room_;
  size_t used_ = 0;
};

}  // namespace detail

/// Writes one English sentence about `what` into `buffer`, with a NUL behind it. 512 bytes are always enough.
/// Shape: returns a view of what was written; cut at the buffer's end if it is smaller.
constexpr text describe(const error& what, char* buffer, size_t size) noexcept {
  detail::text_writer out(buffer, size);
  const text subject = text::until_nul(what.name, sizeof what.name);
  out << "cannot " << step_words(what.at);
  if (!subject.empty()) out << " '" << subject << "'";
  if (what.at == step::read_object || what.offset != 0) out << " at byte " << what.offset;
  out << ": ";
  const text reason = what.why != cause::none ? cause_sentence(what.why) : hint(what.at, what.code);
  if (what.code != 0) {
    out << "the kernel said ";
    if (const text known = errno_name(what.code); !known.empty()) out << known << " ";
    const s64 number = what.code;
    out << "(" << static_cast<u64>(number < 0 ? -number : number) << ")";
    if (!reason.empty()) out << ": ";
  }
  return (out << reason).finish();
}

/// The same into an array: `char buffer[512]; describe(error, buffer)`.
template <size_t Size>
constexpr text describe(const error& what, char (&buffer)[Size]) noexcept {
  return describe(what, buffer, Size);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_DESCRIBE_HPP
// Room 9.2, iterator: reads what a program lists that is attached to an iterator of the kernel.
#ifndef BAREBPF_ITERATOR_HPP
#define BAREBPF_ITERATOR_HPP

// Room 9.0, link: attaches programs and holds them there.
#ifndef BAREBPF_LINK_HPP
#define BAREBPF_LINK_HPP

// Room 1.5, abi/perf: what perf_event_open(2) and tracefs without a mount take.
#ifndef BAREBPF_ABI_PERF_HPP
#define BAREBPF_ABI_PERF_HPP

namespace barebpf::inline BAREBPF_ABI::abi {

/// The first 64 bytes of struct perf_event_attr, which every kernel takes.
/// Source: perf_event_open(2); PERF_ATTR_SIZE_VER0 in include/uapi/linux/perf_event.h at v6.12.
struct perf_event_attr {
  u32 type = 0;
  u32 size = 64;
  u64 config = 0;
  u64 sample_period = 0;
  u64 sample_type = 0;
  u64 read_format = 0;
  u64 flags = 0;
  u32 wakeup_events = 0;
  u32 breakpoint_type = 0;
  u64 config1 = 0;
};
static_assert(sizeof(perf_event_attr) == 64 && offsetof(perf_event_attr, config1) == 56);

/// The first 72 bytes, with what probes need: `config1` is the address of the function's name, `config2` how many bytes
/// behind its beginning.
/// Source: PERF_ATTR_SIZE_VER1; perf_kprobe_init() in kernel/trace/trace_event_perf.c at v6.12.
struct perf_event_attr_of_probe {
  perf_event_attr attr{.size = 72};
  u64 config2 = 0;
};
static_assert(sizeof(perf_event_attr_of_probe) == 72 && offsetof(perf_event_attr_of_probe, config2) == 64);

/// What stands before each record in the ring of an event.
/// Source: include/uapi/linux/perf_event.h at v6.12.
struct perf_event_header {
  u32 type;
  u16 misc;
  u16 size;  ///< bytes, this header too
};
static_assert(sizeof(perf_event_header) == 8);
inline constexpr u32 perf_record_lost = 2;    // PERF_RECORD_LOST: the event's id and a number, both u64
inline constexpr u32 perf_record_sample = 9;  // PERF_RECORD_SAMPLE: what sample_type asks for

/// The first page of that ring; what is left out before it tells of the hardware.
struct perf_event_mmap_page {
  u8 reserved[1024];
  u64 data_head;  ///< bytes put in by the kernel since the beginning
  u64 data_tail;  ///< bytes taken out
};
static_assert(sizeof(perf_event_mmap_page) == 1040);

inline constexpr u32 perf_type_software = 1;         // PERF_TYPE_SOFTWARE
inline constexpr u64 perf_count_sw_bpf_output = 10;  // PERF_COUNT_SW_BPF_OUTPUT
inline constexpr u64 perf_sample_raw = 1u << 10;     // PERF_SAMPLE_RAW: a u32 length and so many bytes
inline constexpr u32 perf_type_tracepoint = 2;       // PERF_TYPE_TRACEPOINT
inline constexpr u64 perf_flag_fd_cloexec = 8;       // PERF_FLAG_FD_CLOEXEC
inline constexpr u32 perf_ioc_set_bpf = 0x40042408;  // PERF_EVENT_IOC_SET_BPF

// Source: include/uapi/linux/mount.h at v6.12.
inline constexpr u32 fsopen_cloexec = 1;       // FSOPEN_CLOEXEC
inline constexpr u32 fsconfig_cmd_create = 6;  // FSCONFIG_CMD_CREATE
inline constexpr u32 fsmount_cloexec = 1;      // FSMOUNT_CLOEXEC

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_PERF_HPP
// Room 7.4, map/pin: maps that somebody else made: by their pin, their id or a descriptor; and what the kernel says
// of them, held against what the caller expects.
#ifndef BAREBPF_MAP_PIN_HPP
#define BAREBPF_MAP_PIN_HPP

// Room 7.0, map/element: one map without types. Keys and values are addresses here, and every call is one
// system call; the typed maps of room 7.8 are a thin layer over this and hold the only sizes.
#ifndef BAREBPF_MAP_ELEMENT_HPP
#define BAREBPF_MAP_ELEMENT_HPP

// Room 6.2, outcome: what a row of system calls came to. Small, so that rows stay small; an error is made of
// it once, at the end, and only then is the kernel asked why it refused.
#ifndef BAREBPF_OUTCOME_HPP
#define BAREBPF_OUTCOME_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The capability that this thread lacks for bpf(2), or `none` when it lacks nothing and the refusal has
/// another reason.
/// Cost:   one capget(2) call.
/// Kernel: CAP_BPF and CAP_PERFMON since 5.8; CAP_SYS_ADMIN stands for both.
/// Source: capabilities(7); bpf_capable() in include/linux/capability.h at v6.12.
[[nodiscard]] inline cause missing_capability(bool for_tracing) noexcept {
  constexpr u32 version_3 = 0x20080522, sys_admin = 21, perfmon = 38, bpf = 39;
  struct {
    u32 version = version_3;
    s32 thread = 0;
  } header;
  struct {
    u32 effective, permitted, inheritable;
  } sets[2] = {};
  if (system_call(__NR_capget, &header, sets) < 0) return cause::none;
  const auto has = [&](u32 capability) {
    return (sets[capability / 32].effective >> capability % 32 & 1) != 0;
  };
  if (has(sys_admin)) return cause::none;
  if (!has(bpf)) return cause::needs_cap_bpf;
  return for_tracing && !has(perfmon) ? cause::needs_cap_perfmon : cause::none;
}

/// Source: MAX_ERRNO in include/linux/err.h at v6.12.
inline constexpr long largest_errno = 4095;
/// The answer of a row that failed without a system call: one beyond, so that masking makes it 0.
inline constexpr long no_errno = -largest_errno - 1;

/// How far a row of system calls came: `answer` is negative errno when step `at` failed.
struct outcome {
  long answer = 0;
  step at = step::map_create;
  cause why = cause::none;
  const char* subject = "";  ///< the map or program that it is about

  [[nodiscard]] constexpr bool failed() const noexcept { return answer < 0; }
  /// Ends the row for a reason that no system call gave.
  constexpr void refuse(step now, cause reason) noexcept {
    at = now;
    why = reason;
    answer = no_errno;
  }
  /// Ends the row with an error that somebody else made of his own.
  constexpr void refuse(const error& with) noexcept {
    at = with.at;
    why = with.why;
    answer = with.code == 0 ? no_errno : -static_cast<long>(with.code);
  }
  /// Remembers what step `now` came to; true when it failed.
  constexpr bool fails(step now, long came_to) noexcept {
    at = now;
    answer = came_to;
    return came_to < 0;
  }
};

/// The error of a failed row; after EPERM with the capability that was missing.
[[nodiscard, gnu::cold, gnu::noinline]] inline error to_error(const outcome& row) noexcept {
  error out{.at = row.at, .why = row.why, .code = static_cast<s32>(-row.answer & largest_errno)};
  for (size_t i = 0; i + 1 < sizeof out.name && row.subject[i] != '\0'; ++i) out.name[i] = row.subject[i];
  const bool needs_privilege =
      row.at == step::map_create || row.at == step::prog_load || row.at == step::btf_load;
  if (out.code == EPERM && needs_privilege) out.why = missing_capability(row.at == step::prog_load);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OUTCOME_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Creates a map from a finished record, `map_create` or `map_create_with_token`.
/// Shape: its descriptor, or negative errno.
template <class Record = abi::map_create>
[[nodiscard]] long create_map(const Record& attr) noexcept {
  return move_away(sys_bpf(abi::command::map_create, attr));
}

/// What the kernel says of a map.
/// Cost:   one bpf(2) call.
/// Kernel: 4.13, BPF_OBJ_GET_INFO_BY_FD; members that came later stay 0 on older kernels.
/// Source: bpf_map_get_info_by_fd() in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] inline result<abi::map_info> ask_about_map(int map) noexcept {
  abi::map_info info;
  abi::obj_info attr{.bpf_fd = static_cast<u32>(map), .info_len = sizeof info, .info = &info};
  if (const long answer = sys_bpf(abi::command::obj_get_info_by_fd, attr); answer < 0)
    return failure(step::obj_get_info_by_fd, answer);
  return info;
}

/// What the element commands need of a map: its descriptor, and its name for errors.
/// Lifetime: an owned map closes its descriptor, a borrowed one is valid as long as its owner.
/// Threads:  safe on one object from several threads; the kernel orders the calls.
class untyped_map {
 public:
  /// Takes `map` over.
  [[nodiscard]] static untyped_map own(fd map, const kernel_name& name) noexcept {
    return untyped_map(std::move(map), name, false);
  }
  /// Uses a map that somebody else closes.
  [[nodiscard]] static untyped_map borrow(int number, const kernel_name& name) noexcept {
    return untyped_map(fd::own(number), name, true);
  }

  untyped_map(untyped_map&&) noexcept = default;
  untyped_map& operator=(untyped_map&& other) noexcept {
    untyped_map taken(std::move(other));
    std::swap(fd_, taken.fd_);
    std::swap(name_, taken.name_);
    std::swap(borrowed_, taken.borrowed_);
    return *this;
  }
  [[gnu::always_inline]] ~untyped_map() {
    if (borrowed_) static_cast<void>(fd_.release());
  }

  [[nodiscard]] const fd& descriptor() const noexcept { return fd_; }
  [[nodiscard]] const kernel_name& map_name() const noexcept { return name_; }

  [[nodiscard, gnu::always_inline]] long lookup_elem(const void* key, void* value,
                                                     u64 flags = 0) const noexcept {
    const abi::map_elem attr{.map_fd = fd_.raw(), .key = key, .value = value, .flags = flags};
    return sys_bpf(abi::command::map_lookup_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long update_elem(const void* key, const void* value,
                                                     u64 flags) const noexcept {
    const abi::map_elem attr{.map_fd = fd_.raw(), .key = key, .value = value, .flags = flags};
    return sys_bpf(abi::command::map_update_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long lookup_and_delete_elem(const void* key, void* value,
                                                                u64 flags = 0) const noexcept {
    const abi::map_elem attr{.map_fd = fd_.raw(), .key = key, .value = value, .flags = flags};
    return sys_bpf(abi::command::map_lookup_and_delete_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long delete_elem(const void* key) const noexcept {
    const abi::map_key attr{.map_fd = fd_.raw(), .key = key};
    return sys_bpf(abi::command::map_delete_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long get_next_key(const void* key, void* next) const noexcept {
    const abi::map_next_key attr{.map_fd = fd_.raw(), .key = key, .next_key = next};
    return sys_bpf(abi::command::map_get_next_key, attr);
  }

  [[nodiscard]] long freeze() const noexcept {
    const abi::map_freeze attr{.map_fd = fd_.raw()};
    return sys_bpf(abi::command::map_freeze, attr);
  }
  /// One of the four commands on batches. `count` is how many elements there is room for, and then how many
  /// there were, which holds after some failures too.
  [[nodiscard]] long batch(abi::command command, const void* in, void* out, const void* keys,
                           const void* values, u32& count, u64 elem_flags = 0) const noexcept {
    abi::map_batch attr{.in_batch = in,
                        .out_batch = out,
                        .keys = keys,
                        .values = values,
                        .count = count,
                        .map_fd = fd_.raw(),
                        .elem_flags = elem_flags};
    const long answer = sys_bpf(command, attr);
    count = attr.count;
    return answer;
  }

 private:
  untyped_map(fd map, const kernel_name& name, bool borrowed) noexcept
      : fd_(std::move(map)), name_(name), borrowed_(borrowed) {}

  fd fd_;
  kernel_name name_;
  bool borrowed_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_ELEMENT_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What a map is expected to be, and what the kernel says that it is.
/// Shape: a member that is not expected to be anything has `any`.
struct map_identity {
  static constexpr u32 any = 0xffffffff;

  u32 type = any;
  u32 key_size = any;
  u32 value_size = any;
  u32 max_entries = any;
  u32 map_flags = any;
  u32 compared_flags = any;  ///< bits of `map_flags` that matter
};

/// Both sides of an adoption that failed with cause `another_map`.
struct map_differences {
  map_identity expected;
  map_identity found;

  [[nodiscard]] constexpr bool any() const noexcept {
    const auto differ = [](u32 wanted, u32 is) { return wanted != map_identity::any && wanted != is; };
    return differ(expected.type, found.type) || differ(expected.key_size, found.key_size) ||
           differ(expected.value_size, found.value_size) || differ(expected.max_entries, found.max_entries) ||
           differ(expected.map_flags, found.map_flags & expected.compared_flags);
  }
};

/// Writes every difference into `buffer`: "type: expected 1, found 2; value_size: expected 8, found 4". 256 bytes
/// are always enough.
constexpr text describe(const map_differences& what, char* buffer, size_t size) noexcept {
  struct line {
    text word;
    u32 expected, found;
  };
  const line lines[] = {
      {"type", what.expected.type, what.found.type},
      {"key_size", what.expected.key_size, what.found.key_size},
      {"value_size", what.expected.value_size, what.found.value_size},
      {"max_entries", what.expected.max_entries, what.found.max_entries},
      {"map_flags", what.expected.map_flags, what.found.map_flags & what.expected.compared_flags}};
  detail::text_writer out(buffer, size);
  bool first = true;
  for (const line& l : lines) {
    if (l.expected == map_identity::any || l.expected == l.found) continue;
    if (!first) out << "; ";
    first = false;
    out << l.word << ": expected " << u64{l.expected} << ", found " << u64{l.found};
  }
  return out.finish();
}

namespace detail {

// Paths are given as text and the kernel wants a NUL behind them.
struct path_buffer {
  char characters[4096];

  [[nodiscard]] bool fill(text path) noexcept {
    if (path.size() >= sizeof characters) return false;
    for (size_t i = 0; i < path.size(); ++i) characters[i] = path[i];
    characters[path.size()] = '\0';
    return true;
  }
};

// Whether a name in `path` has a dot; "." and ".." are no names.
constexpr bool has_dot(text path) noexcept {
  const auto in_a_name = [&](size_t at) { return at < path.size() && path[at] != '/' && path[at] != '.'; };
  for (size_t i = 0; i < path.size(); ++i)
    if (path[i] == '.' && (in_a_name(i - 1) || in_a_name(i + 1))) return true;
  return false;
}

// The kernel says EPERM to dots on the BPF file system and to pins on any other.
[[gnu::cold, gnu::noinline]] inline error path_failure(step at, long answer, text path) noexcept {
  error out = failure(at, answer);
  if (answer == -EPERM && at != step::unpin) {
    if (has_dot(path))
      out.why = cause::dot_in_a_pin;
    else if (at == step::obj_pin)
      out.why = cause::not_a_bpf_path;
  }
  return out.about(path.behind_last('/'));
}

// The error for what is behind `number` and is not the expected map. Of programs, links and BTF the kernel tells in
// the same bytes, so only an empty batch shows whether it is a map at all: EINVAL where it is none.
[[nodiscard, gnu::cold, gnu::noinline]] inline error another_map(int number,
                                                                 const abi::map_info& info) noexcept {
  constexpr step at = step::obj_get_info_by_fd;
  u32 none = 0;
  const auto map = untyped_map::borrow(number, {});
  if (map.batch(abi::command::map_lookup_batch, nullptr, nullptr, nullptr, nullptr, none) == -EINVAL)
    return {.at = at, .why = cause::not_a_map};
  return error{.at = at, .why = cause::another_map}.about(info.name);
}

}  // namespace detail

/// Pins what `descriptor` holds under `path`.
/// Errors: EEXIST when something is there already; not_a_bpf_path; dot_in_a_pin; ENOENT when the folder is missing;
///         EACCES without the right to write to it.
/// Kernel: 4.4, BPF_OBJ_PIN.
/// Source: bpf_obj_do_pin() in kernel/bpf/inode.c at v6.12.
[[nodiscard]] inline result<void> pin(const fd& descriptor, text path) noexcept {
  detail::path_buffer terminated;
  if (!terminated.fill(path)) return detail::path_failure(step::obj_pin, -ENAMETOOLONG, path);
  const abi::obj_path attr{.pathname = terminated.characters, .bpf_fd = descriptor.raw()};
  if (const long answer = sys_bpf(abi::command::obj_pin, attr); answer < 0)
    return detail::path_failure(step::obj_pin, answer, path);
  return {};
}
/// Removes the pin under `path`; what was pinned stays as long as somebody holds it.
/// Errors: ENOENT when nothing is pinned there.
/// Source: unlink(2).
[[nodiscard]] inline result<void> unpin(text path) noexcept {
  detail::path_buffer terminated;
  if (!terminated.fill(path)) return detail::path_failure(step::unpin, -ENAMETOOLONG, path);
  if (const long answer = system_call(__NR_unlinkat, current_folder, terminated.characters, 0); answer < 0)
    return detail::path_failure(step::unpin, answer, path);
  return {};
}
/// Opens what is pinned under `path`; `file_flags` may narrow it by map_flag::rdonly or map_flag::wronly.
/// Shape:  its descriptor, which may be a map, a program or a link.
/// Kernel: 4.4, BPF_OBJ_GET; flags since 4.15.
/// Source: bpf_obj_get_user() in kernel/bpf/inode.c at v6.12.
[[nodiscard]] inline result<fd> get_pin(text path, u32 file_flags = 0) noexcept {
  detail::path_buffer terminated;
  if (!terminated.fill(path)) return detail::path_failure(step::obj_get, -ENAMETOOLONG, path);
  const abi::obj_path attr{.pathname = terminated.characters, .file_flags = file_flags};
  const long opened = move_away(sys_bpf(abi::command::obj_get, attr));
  if (opened < 0) return detail::path_failure(step::obj_get, opened, path);
  return fd::own(opened);
}

/// What the kernel said of a map, as far as it can be expected.
[[nodiscard]] constexpr map_identity identity_of(const abi::map_info& info) noexcept {
  // Device maps get a flag from the kernel that nobody asked for, since 0cdbb4b09a06.
  const bool device =
      info.type == static_cast<u32>(map_type::devmap) || info.type == static_cast<u32>(map_type::devmap_hash);
  return {.type = info.type,
          .key_size = info.key_size,
          .value_size = info.value_size,
          .max_entries = info.max_entries,
          .map_flags = device ? info.map_flags & ~u32{map_flag::rdonly_prog} : info.map_flags};
}

/// Asks the kernel what the map behind `number` is and holds it against `expected`.
/// Shape:  the kernel's name of the map.
/// Errors: another_map, with both sides in `differences` if given; not_a_map; EBADFD when `number` is closed.
[[nodiscard]] inline result<kernel_name> check_identity(int number, const map_identity& expected,
                                                        map_differences* differences) noexcept {
  const auto info = ask_about_map(number);
  if (!info) return info.error();
  const map_differences both{.expected = expected, .found = identity_of(*info)};
  if (!both.any()) return info->name;
  const error why = detail::another_map(number, *info);
  if (differences != nullptr && why.why == cause::another_map) *differences = both;
  return why;
}

/// How a map is looked at before it is adopted: by what it is. `identity_and_btf` in map/types looks at more.
struct identity_only {
  using differences = map_differences;

  template <class Key, class Value>
  [[nodiscard]] static result<kernel_name> check(int number, const map_identity& expected,
                                                 differences* found) noexcept {
    return check_identity(number, expected, found);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_PIN_HPP
// Room 8.0, program: hands instructions to the verifier and keeps what it says.
#ifndef BAREBPF_PROGRAM_HPP
#define BAREBPF_PROGRAM_HPP

// Room 0.7, buffer: the one owner of heap memory. Used by what reads objects at run time; a program that
// lets the compiler read its object never allocates.
#ifndef BAREBPF_BUFFER_HPP
#define BAREBPF_BUFFER_HPP

namespace barebpf::inline BAREBPF_ABI {

/// An array on the heap that says so when there is no memory.
/// Lifetime: freed with the buffer; moving empties the source.
template <class T>
class buffer {
 public:
  buffer() noexcept = default;
  buffer(buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  buffer& operator=(buffer&& other) noexcept {
    buffer taken(std::move(other));
    std::swap(data_, taken.data_);
    std::swap(size_, taken.size_);
    return *this;
  }
  ~buffer() { delete[] data_; }

  /// Makes room for `count` value-initialized elements.
  /// Errors: ENOMEM, with step `allocate`.
  [[nodiscard]] static result<buffer> of(size_t count) noexcept {
    buffer out;
    if (count == 0) return out;
    if (count <= static_cast<size_t>(-1) / 2 / sizeof(T)) out.data_ = new (std::nothrow) T[count]();
    if (out.data_ == nullptr) return error{.at = step::allocate, .code = ENOMEM};
    out.size_ = count;
    return out;
  }

  /// Forgets what is behind the first `count` elements; the memory stays.
  void shrink(size_t count) noexcept {
    if (count < size_) size_ = count;
  }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] T& operator[](size_t at) noexcept { return data_[at]; }
  [[nodiscard]] const T& operator[](size_t at) const noexcept { return data_[at]; }
  [[nodiscard]] T* begin() noexcept { return data_; }
  [[nodiscard]] T* end() noexcept { return data_ + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data_; }
  [[nodiscard]] const T* end() const noexcept { return data_ + size_; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BUFFER_HPP
// Room 2.3, policy: what a user decides while compiling, because it decides which code and which constants there are.
#ifndef BAREBPF_POLICY_HPP
#define BAREBPF_POLICY_HPP

// Room 2.0, kinds: the table of map types. One row says what the kernel allows on a type; the typed maps read it
// here and nowhere else.
#ifndef BAREBPF_KINDS_HPP
#define BAREBPF_KINDS_HPP

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

namespace barebpf::inline BAREBPF_ABI {

/// Which of the object's types the kernel is given.
enum class btf_choice : u8 {
  none,    ///< none: two calls and some bytes less, and bpftool shows raw bytes. An object that does not work
           ///< without types gets those that are needed all the same.
  needed,  ///< those of its maps, variables and functions
  all,     ///< those, and the source lines that the verifier's log and bpftool show
};

/// Who fits the instructions of an object to the kernel's types (CO-RE).
enum class core_way : u8 {
  either,  ///< the kernel where it can (5.17), else the library. With kernels from 5.17 on alone it is the kernel.
  kernel,   ///< the kernel; no code of the library for it is made
  library,  ///< the library, on every kernel
};

/// What is decided while compiling, because it decides which code is there at all.
struct load_policy {
  u32 oldest_kernel = kernel(5, 10);  ///< no code is made for kernels before this one
  btf_choice btf = btf_choice::all;
  core_way core = core_way::either;

  /// True when the library may have to do what the kernel does for CO-RE.
  [[nodiscard]] constexpr bool has_own_core() const noexcept {
    return core == core_way::library || (core == core_way::either && oldest_kernel < kernel(5, 17));
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_POLICY_HPP
// Room 0.8, reader: takes words and numbers from the front of a text.
#ifndef BAREBPF_READER_HPP
#define BAREBPF_READER_HPP

namespace barebpf::inline BAREBPF_ABI::detail {

class text_reader {
 public:
  constexpr explicit text_reader(text whole) noexcept : rest_(whole) {}

  [[nodiscard]] constexpr text rest() const noexcept { return rest_; }
  [[nodiscard]] constexpr bool is_done() const noexcept { return rest_.empty(); }
  [[nodiscard]] constexpr bool is_next(text wanted) const noexcept { return rest_.starts_with(wanted); }
  [[nodiscard]] constexpr bool take(text wanted) noexcept {
    if (!is_next(wanted)) return false;
    rest_ = rest_.without_first(wanted.size());
    return true;
  }
  // A number of at most `digits` digits, without needless zeros in front where it is decimal: others read those as
  // octal.
  template <class Number>
  [[nodiscard]] constexpr bool take_number(u32 base, u32 digits, Number& out) noexcept {
    out = 0;
    u32 count = 0;
    for (u32 digit = 0; count < digits && !rest_.empty() && (digit = digit_of(rest_[0])) < base; ++count) {
      if (base == 10 && count == 1 && out == 0) return false;
      out = out * base + digit;
      rest_ = rest_.without_first(1);
    }
    return count != 0 && (rest_.empty() || digit_of(rest_[0]) >= base);
  }
  // Everything in front of the next `end`, which is taken too; all that is left where there is none.
  [[nodiscard]] constexpr text take_until(char end) noexcept {
    size_t size = 0;
    while (size < rest_.size() && rest_[size] != end) ++size;
    const text out(rest_.data(), size);
    rest_ = rest_.without_first(size + 1);
    return out;
  }

 private:
  [[nodiscard]] static constexpr u32 digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<u32>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<u32>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<u32>(c - 'A' + 10);
    return 99;
  }
  text rest_;
};

}  // namespace barebpf::inline BAREBPF_ABI::detail

#endif  // BAREBPF_READER_HPP
// Room 0.10, span: elements that somebody else owns, as a pointer and a count. <span> of the standard library would cost
// whoever includes a map more lines than all rooms up to the map together.
#ifndef BAREBPF_SPAN_HPP
#define BAREBPF_SPAN_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// True when `Other`, a container or a view, has elements that may be seen as `T`, and keeps them for long enough: what
// is const, what has a name, or what says of itself that it is a view.
template <class Other, class T>
concept elements_for = requires(Other& other) {
  requires std::is_convertible_v < std::remove_pointer_t<decltype(other.data())>(*)
  [], T(*)[] > ;
  requires std::is_convertible_v<decltype(other.size()), size_t>;
}
&&(std::is_const_v<T> || std::is_lvalue_reference_v<Other> ||
   requires { typename std::remove_cvref_t<Other>::element_type; });

}  // namespace detail

/// A view of elements in a row. Goes to and from std::span by itself.
/// Shape:    pointer and count; like std::span of a count that the running program knows.
/// Lifetime: valid as long as the elements.
template <class T>
class span {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr span() noexcept = default;
  constexpr span(T* elements, size_t count) noexcept : data_(elements), size_(count) {}
  template <size_t Count>
  constexpr span(T (&elements)[Count]) noexcept : data_(elements), size_(Count) {}
  /// Takes whatever has `data()` and `size()`: std::span, std::vector, std::array, std::string.
  template <class Other>
  requires(!std::is_same_v<std::remove_cvref_t<Other>, span> &&
           detail::elements_for<Other, T>) constexpr span(Other&& other) noexcept
      : data_(other.data()), size_(other.size()) {}

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr size_t size_bytes() const noexcept { return size_ * sizeof(T); }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr T* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr T* end() const noexcept { return data_ + size_; }
  [[nodiscard]] constexpr T& operator[](size_t at) const noexcept { return data_[at]; }
  [[nodiscard]] constexpr T& front() const noexcept { return data_[0]; }
  [[nodiscard]] constexpr T& back() const noexcept { return data_[size_ - 1]; }
  /// The first or last `count` elements, and those from `offset` on; there have to be as many.
  [[nodiscard]] constexpr span first(size_t count) const noexcept { return {data_, count}; }
  [[nodiscard]] constexpr span last(size_t count) const noexcept { return {data_ + (size_ - count), count}; }
  [[nodiscard]] constexpr span subspan(size_t offset) const noexcept {
    return {data_ + offset, size_ - offset};
  }
  [[nodiscard]] constexpr span subspan(size_t offset, size_t count) const noexcept {
    return {data_ + offset, count};
  }

  // std::span takes ranges of constant elements and those that have a name; this is for the others.
  template <class Standard>
  requires(!std::is_const_v<typename Standard::element_type> &&
           std::is_same_v<typename Standard::element_type, T> &&
           std::is_constructible_v<Standard, T*, size_t>) constexpr
  operator Standard() && noexcept {
    return Standard(data_, size_);
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};
template <class T, size_t Count>
span(T (&)[Count]) -> span<T>;
template <class Other>
span(Other&& other) -> span<std::remove_pointer_t<decltype(other.data())>>;

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPAN_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Where the verifier's log goes: a buffer of the caller's, or one that grows until the log is whole.
/// Shape:    text, empty until a program was refused.
/// Lifetime: a lent buffer must outlive this object.
class verifier_log {
 public:
  /// Grows on the heap as needed, to 16 MiB at most.
  verifier_log() noexcept = default;
  /// Uses `size` bytes at `lent` and never more.
  verifier_log(char* lent, u32 size) noexcept : data_(lent), size_(size), grows_(false) {}

  /// What the verifier said.
  [[nodiscard]] text said() const noexcept { return data_ == nullptr || size_ == 0 ? text() : text(data_); }
  /// False when the log did not fit; `said` is then its last part (its first before 6.4).
  [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }
  /// Forgets what was said.
  void clear() noexcept {
    if (data_ != nullptr && size_ != 0) data_[0] = '\0';
    is_whole_ = true;
  }

 private:
  template <class Log>
  friend long load_program(abi::prog_load& attr, Log* log, int token, cause& why) noexcept;

  static constexpr u32 first_size = 64 << 10, largest_size = 16 << 20;

  // Room for `wanted` bytes, or for twice as much when nobody knows; false when there will be no more.
  [[nodiscard]] bool grow(u32 wanted) noexcept {
    if (!grows_ || size_ >= largest_size) return false;
    u32 size = wanted > size_ ? wanted : size_ == 0 ? first_size : size_ * 2;
    if (size > largest_size) size = largest_size;
    auto larger = buffer<char>::of(size);
    if (!larger) return false;
    owned_ = std::move(*larger);
    data_ = owned_.data();
    size_ = size;
    return true;
  }

  buffer<char> owned_;
  char* data_ = nullptr;
  u32 size_ = 0;
  bool grows_ = true;
  bool is_whole_ = true;
};

/// Stands for "no log wanted"; no code for one is made.
struct no_log {};

/// A call of a helper that the kernel does not have. Loaders put such calls where something is missing, with a number
/// that says what, because the verifier repeats it.
struct unknown_call {
  static constexpr u32 none = 0xffffffff;

  u32 instruction = none;  ///< counted from the program's first; `none` when there is no such call
  u32 number = 0;
};
/// The last one that the verifier met, which writes "12: (85) call unknown#7" there.
/// Source: print_bpf_insn() in kernel/bpf/disasm.c at v6.12.
[[nodiscard, gnu::cold, gnu::noinline]] inline unknown_call last_unknown_call(text log) noexcept {
  unknown_call out;
  for (detail::text_reader lines(log); !lines.is_done();) {
    detail::text_reader line(lines.take_until('\n'));
    if (unknown_call seen; line.take_number(10, 9, seen.instruction) && line.take(": (85) call unknown#") &&
                           line.take_number(10, 10, seen.number))
      out = seen;
  }
  return out;
}

/// Loads one program. First without a log, because a log slows the verifier down; after a refusal once more
/// to be told why, which `why` then says: refused_by_verifier or log_cut. `token` is the descriptor of a BPF
/// token (6.9), or negative.
/// Shape:  its descriptor, or negative errno.
/// Cost:   one bpf(2) call; EAGAIN, which a signal causes, is tried again up to five times.
/// Source: bpf_prog_load() in kernel/bpf/syscall.c and bpf_vlog_finalize() in kernel/bpf/log.c at v6.12.
template <class Log>
[[nodiscard]] long load_program(abi::prog_load& attr, [[maybe_unused]] Log* log, [[maybe_unused]] int token,
                                [[maybe_unused]] cause& why) noexcept {
  const auto attempt = [&] {
    long answer = -EAGAIN;
    for (int tries = 0; tries < 5 && answer == -EAGAIN; ++tries) {
      if constexpr (!std::is_same_v<Log, no_log>)
        if (token >= 0) {
          abi::prog_load_with_token with{.load = attr, .prog_token_fd = token};
          with.load.prog_flags |= abi::prog_flag_token_fd;
          answer = sys_bpf(abi::command::prog_load, with);
          attr.log_true_size = with.load.log_true_size;
          continue;
        }
      answer = sys_bpf(abi::command::prog_load, attr);
    }
    return answer;
  };
  long answer = attempt();
  if constexpr (!std::is_same_v<Log, no_log>) {
    if (answer < 0 && answer != -EPERM && log != nullptr && (log->size_ != 0 || log->grow(0))) {
      const long refused = answer;
      do {
        log->data_[0] = '\0';
        attr.log_level = 1;
        attr.log_size = log->size_;
        attr.log_buf = log->data_;
        attr.log_true_size = 0;
        answer = attempt();
      } while (answer == -ENOSPC && log->grow(attr.log_true_size));
      log->is_whole_ = answer != -ENOSPC;
      // Before 6.4 the kernel took no log of less than 128 characters.
      if (answer == -EINVAL && log->size_ < 128 && log->said().empty()) {
        log->is_whole_ = false;
        why = cause::log_cut;
        answer = refused;
      }
      if (answer < 0 && !log->said().empty())
        why = log->is_whole_ ? cause::refused_by_verifier : cause::log_cut;
    }
  }
  return move_away(answer);
}

/// What a program is run on without its event. What a type of program takes as data and context differs.
/// Lifetime: borrowed until `test_run` returns.
struct test_input {
  span<const unsigned char> data{};   ///< a packet; 14 bytes at least where one is taken
  span<unsigned char> context{};      ///< the start of struct xdp_md, struct __sk_buff or the like; what
                                      ///< a program of type syscall writes into it stays there
  span<unsigned char> data_out{};     ///< where the packet goes as the program leaves it
  span<unsigned char> context_out{};  ///< and its context
  u32 repeat = 1;
  u32 flags = 0;       ///< of abi::test_flag
  u32 cpu = 0;         ///< with run_on_cpu
  u32 batch_size = 0;  ///< with xdp_live_frames
};
/// What came of it.
struct test_result {
  u32 value = 0;         ///< what the program returned
  u32 nanoseconds = 0;   ///< of one run, on average
  u32 data_size = 0;     ///< bytes of the packet afterwards, if there was room for it
  u32 context_size = 0;  ///< and of its context
};

/// Runs a program without its event.
/// Errors: ENOTSUPP for programs that cannot; EINVAL for data or a context that they do not take; ENOSPC when the
///         packet came out larger than `data_out`.
/// Kernel: 4.12, BPF_PROG_TEST_RUN; contexts since 5.2.
/// Source: bpf_prog_test_run() in kernel/bpf/syscall.c and net/bpf/test_run.c at v6.12.
[[nodiscard]] inline result<test_result> test_run(const fd& program, const test_input& input) noexcept {
  abi::prog_test_run attr{.prog_fd = program.raw(),
                          .data_size_in = static_cast<u32>(input.data.size()),
                          .data_size_out = static_cast<u32>(input.data_out.size()),
                          .data_in = input.data.data(),
                          .data_out = input.data_out.data(),
                          .repeat = input.repeat,
                          .ctx_size_in = static_cast<u32>(input.context.size()),
                          .ctx_size_out = static_cast<u32>(input.context_out.size()),
                          .ctx_in = input.context.data(),
                          .ctx_out = input.context_out.data(),
                          .flags = input.flags,
                          .cpu = input.cpu,
                          .batch_size = input.batch_size};
  if (const long answer = sys_bpf(abi::command::prog_test_run, attr); answer < 0)
    return failure(step::prog_test_run, answer);
  return test_result{.value = attr.retval,
                     .nanoseconds = attr.duration,
                     .data_size = attr.data_size_out,
                     .context_size = attr.ctx_size_out};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROGRAM_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A number that a program gets from bpf_get_attach_cookie().
/// Kernel: 5.15 on perf events and tracepoints, 5.19 for tracing, 6.10 for raw tracepoints.
struct cookie {
  u64 value = 0;
};
/// Stands for "no cookie"; no code for one is made.
struct no_cookie {
  static constexpr u64 value = 0;
};

/// A program in its place.
/// Lifetime: the program is detached when this object goes, unless a pin or another descriptor holds the link; moving
///           empties the source.
class link {
 public:
  link() noexcept = default;
  /// Keeps `connection` and, for programs on perf events, the event.
  link(fd connection, fd event) noexcept : connection_(std::move(connection)), event_(std::move(event)) {}

  /// Attaches a program to the tracepoint whose number stands in the file `path`; errors are about `subject`. The
  /// program gets a cookie, if one is given.
  /// Errors: ENOENT when the kernel has no such tracepoint; EACCES without CAP_PERFMON.
  /// Cost:   five system calls; seven more where no tracefs is mounted.
  /// Kernel: 4.7; as a link and with a cookie since 5.15, before that through the event.
  /// Source: perf_event_open(2); bpf_perf_link_attach() in kernel/bpf/syscall.c at v6.12.
  template <load_policy Policy = load_policy{}, class Cookie = no_cookie>
  [[nodiscard]] static result<link> attach_tracepoint(const fd& program, const char* path,
                                                      const char* subject, Cookie with = {}) noexcept;
  /// Attaches a program to `event`, which the link then owns.
  /// Errors: EINVAL for a program of another type; EEXIST where one is attached.
  /// Kernel: as above, 4.9 for programs of type perf_event.
  template <load_policy Policy = load_policy{}, class Cookie = no_cookie>
  [[nodiscard]] static result<link> attach_event(const fd& program, fd event, const char* subject,
                                                 Cookie with = {}) noexcept;

  /// The link that is pinned under `path`.
  /// Errors: ENOENT; not_a_link.
  /// Kernel: 5.7.
  [[nodiscard]] static result<link> get_pinned(text path) noexcept;
  /// Pins the link, so that the program stays in its place when this object goes; `unpin` ends that.
  /// Errors: those of `pin`; EBADF where the kernel has no link, before 5.15 on perf events.
  [[nodiscard]] result<void> pin(text path) const noexcept { return barebpf::pin(connection_, path); }

  /// Puts `program` in the place of the one that is there, without a moment between the two.
  /// Errors: EINVAL for a program of another type, and for links that keep theirs: those of tracing, perf events and
  ///         raw tracepoints; ENOLINK when the place is gone.
  /// Kernel: 5.7, BPF_LINK_UPDATE.
  /// Source: link_update() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> update(const fd& program) const noexcept {
    return update_from({.link_fd = connection_.raw(), .new_prog_fd = program.raw()});
  }
  /// The same if `old` is the one that is there.
  /// Errors: EPERM when it is not.
  [[nodiscard]] result<void> update(const fd& program, const fd& old) const noexcept {
    return update_from({.link_fd = connection_.raw(),
                        .new_prog_fd = program.raw(),
                        .flags = abi::attach_flag::replace,
                        .old_prog_fd = old.raw()});
  }

  /// What the kernel says of the link: its type and id, the program's id, and the place.
  /// Kernel: 5.8.
  /// Source: bpf_link_get_info_by_fd() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<abi::link_info> info() const noexcept {
    abi::link_info out;
    abi::obj_info attr{.bpf_fd = connection_.raw(), .info_len = sizeof out, .info = &out};
    if (const long answer = sys_bpf(abi::command::obj_get_info_by_fd, attr); answer < 0)
      return failure(step::obj_get_info_by_fd, answer);
    return out;
  }

  /// The kernel's link; none on kernels before 5.15, where the event itself holds the program.
  [[nodiscard]] const fd& descriptor() const noexcept { return connection_; }
  /// True while the program is in its place, as far as this object can tell.
  [[nodiscard]] bool is_attached() const noexcept { return connection_.is_open() || event_.is_open(); }
  /// Takes the program out of its place now, unless somebody else holds the link.
  void detach() noexcept { const link old(std::move(*this)); }
  /// Takes the program out of its place whoever else holds the link, which stays, without a place.
  /// Errors: EOPNOTSUPP for links that end with their last descriptor: those of tracing, perf events and raw
  ///         tracepoints.
  /// Kernel: 5.9, BPF_LINK_DETACH.
  [[nodiscard]] result<void> force_detach() const noexcept {
    const abi::link_detach attr{.link_fd = connection_.raw()};
    if (const long answer = sys_bpf(abi::command::link_detach, attr); answer < 0)
      return failure(step::link_detach, answer);
    return {};
  }
  /// Hands the kernel's link over: the program stays until that is closed.
  [[nodiscard]] fd release() noexcept {
    event_ = fd();
    return std::move(connection_);
  }

 private:
  template <u32 OldestKernel, class Cookie>
  void to_tracepoint(const fd& program, const char* path, Cookie with, outcome& row) noexcept;
  template <u32 OldestKernel, class Cookie>
  void to_event(const fd& program, Cookie with, outcome& row) noexcept;
  [[nodiscard]] static result<void> update_from(const abi::link_update& attr) noexcept {
    if (const long answer = sys_bpf(abi::command::link_update, attr); answer < 0)
      return failure(step::link_update, answer);
    return {};
  }

  fd connection_;
  fd event_;
};

namespace detail {

inline constexpr text tracefs = "/sys/kernel/tracing/";

constexpr bool is_event_name(text word) noexcept {
  for (const char c : word)
    if (!is_kernel_name_character(c) && c != '-') return false;
  return !word.empty() && word[0] != '.';
}

// The number that perf_event_open(2) knows the tracepoint by, from the file at `path`; or negative errno.
inline long read_tracepoint_id(long folder, const char* path) noexcept {
  const long file = open_to_read(path, folder);
  if (file < 0) return file;
  char digits[16];
  const long length = system_call(__NR_read, file, digits, sizeof digits);
  system_call(__NR_close, file);
  if (length < 0) return length;
  long id = 0;
  for (long i = 0; i < length && digits[i] >= '0' && digits[i] <= '9'; ++i) id = id * 10 + (digits[i] - '0');
  return id;
}

// Where no tracefs is mounted, one that only this process sees, gone with its descriptor.
inline long open_detached_tracefs() noexcept {
  const long context = system_call(nr_fsopen, "tracefs", abi::fsopen_cloexec);
  if (context < 0) return context;
  long mounted = system_call(nr_fsconfig, context, abi::fsconfig_cmd_create, nullptr, nullptr, 0);
  if (mounted >= 0) mounted = system_call(nr_fsmount, context, abi::fsmount_cloexec, 0);
  system_call(__NR_close, context);
  return mounted;
}

// `path` begins with `tracefs`.
inline long find_tracepoint(const char* path, outcome& row) noexcept {
  if (!row.fails(step::find_tracepoint, read_tracepoint_id(current_folder, path)) || row.answer != -ENOENT)
    return row.answer;
  const long mounted = open_detached_tracefs();
  if (row.fails(step::mount_tracefs, mounted)) return mounted;
  row.fails(step::find_tracepoint, read_tracepoint_id(mounted, path + tracefs.size()));
  system_call(__NR_close, mounted);
  return row.answer;
}

}  // namespace detail

/// Writes the path under which tracefs tells the number of the tracepoint `target`, "group/event".
/// Shape: returns the length without NUL, and writes only if `room` is larger; 0 when `target` names none.
constexpr size_t write_tracepoint_path(text target, char* out, size_t room) noexcept {
  size_t slash = 0;
  while (slash < target.size() && target[slash] != '/') ++slash;
  if (!detail::is_event_name(text(target.data(), slash)) ||
      !detail::is_event_name(target.without_first(slash + 1)))
    return 0;
  const text parts[] = {detail::tracefs, "events/", target, "/id"};
  size_t length = 0;
  for (const text part : parts) length += part.size();
  if (length >= room) return length;
  for (const text part : parts)
    for (const char c : part) *out++ = c;
  *out = '\0';
  return length;
}

inline result<link> link::get_pinned(text path) noexcept {
  auto found = get_pin(path);
  if (!found) return found.error();
  // Of anything but a link the kernel says EINVAL before it looks for the program, which is none.
  const abi::link_update attr{.link_fd = found->raw(), .new_prog_fd = fd().raw()};
  if (sys_bpf(abi::command::link_update, attr) == -EINVAL)
    return error{.at = step::obj_get, .why = cause::not_a_link}.about(path.behind_last('/'));
  return link(std::move(*found), fd());
}

// Puts the program on the event.
template <u32 OldestKernel, class Cookie>
void link::to_event(const fd& program, Cookie with, outcome& row) noexcept {
  const abi::link_create_perf_event request{.prog_fd = program.raw(),
                                            .target_fd = event_.raw(),
                                            .attach_type = static_cast<u32>(abi::attach_type::perf_event),
                                            .bpf_cookie = with.value};
  if (!row.fails(step::link_create, move_away(sys_bpf(abi::command::link_create, request)))) {
    connection_.fill(row.answer);
    return;
  }
  if constexpr (OldestKernel < kernel(5, 15))
    if (row.answer == -EINVAL && with.value == 0)  // no perf links before 5.15
      row.fails(step::set_event_program,
                system_call(__NR_ioctl, event_.number(), abi::perf_ioc_set_bpf, program.number()));
}

// Puts the program on an event for the tracepoint in `path`. Never inlined, which costs the small counters more.
template <u32 OldestKernel, class Cookie>
[[gnu::noinline]] void link::to_tracepoint(const fd& program, const char* path, Cookie with,
                                           outcome& row) noexcept {
  const long id = detail::find_tracepoint(path, row);
  if (id < 0) return;
  const abi::perf_event_attr attr{.type = abi::perf_type_tracepoint, .config = static_cast<u64>(id)};
  // Any CPU will do: the kernel runs the program wherever the tracepoint is passed.
  const long opened = system_call(__NR_perf_event_open, &attr, -1, 0, -1, abi::perf_flag_fd_cloexec);
  if (row.fails(step::open_event, move_away(opened))) return;
  event_.fill(row.answer);
  to_event<OldestKernel>(program, with, row);
}

template <load_policy Policy, class Cookie>
result<link> link::attach_tracepoint(const fd& program, const char* path, const char* subject,
                                     Cookie with) noexcept {
  result<link> out(std::in_place);
  outcome row{.subject = subject};
  out->to_tracepoint<Policy.oldest_kernel>(program, path, with, row);
  if (row.failed()) out.fail_with([&row] { return to_error(row); });
  return out;
}

template <load_policy Policy, class Cookie>
result<link> link::attach_event(const fd& program, fd event, const char* subject, Cookie with) noexcept {
  result<link> out(std::in_place, fd(), std::move(event));
  outcome row{.subject = subject};
  out->to_event<Policy.oldest_kernel>(program, with, row);
  if (row.failed()) out.fail_with([&row] { return to_error(row); });
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LINK_HPP

namespace barebpf::inline BAREBPF_ABI {

/// One walk over what the kernel lists: whatever the program writes with bpf_seq_write() and bpf_seq_printf().
/// Lifetime: needs the link no longer.
/// Threads:  one thread at a time; each may have a walk of its own.
class iterator {
 public:
  /// Takes over a descriptor that `open_iterator` or the pin of an iterator gave.
  explicit iterator(fd walk) noexcept : walk_(std::move(walk)) {}

  /// For poll(2) and for read(2) of one's own.
  [[nodiscard]] const fd& descriptor() const noexcept { return walk_; }

  /// Fills `room` with what the program writes: characters, or records of one type.
  /// Shape:  how many whole ones there were; fewer than there is room for only at the end.
  /// Errors: what the program returns where it returns neither 0 nor 1; E2BIG when one element came out too long.
  /// Cost:   one system call for each 32 KiB, and one to see the end.
  /// Source: bpf_seq_read() in kernel/bpf/bpf_iter.c at v6.12.
  template <class Room>
  requires requires(Room& room) { span(room); }
  [[nodiscard]] result<size_t> read(Room&& room) const noexcept {
    const span into(room);
    using record = typename decltype(into)::element_type;
    static_assert(std::is_trivially_copyable_v<record> && !std::is_const_v<record>,
                  "barebpf: a program writes bytes, so read records that are trivially copyable");
    const auto got = read_bytes(reinterpret_cast<char*>(into.data()), into.size_bytes());
    if (!got) return got.error();
    return *got / sizeof(record);
  }

 private:
  [[nodiscard]] result<size_t> read_bytes(char* to, size_t room) const noexcept {
    size_t done = 0;
    while (done < room) {
      const long got = system_call(__NR_read, walk_.number(), to + done, room - done);
      if (got == -EAGAIN || got == -EINTR) continue;  // the kernel let others run after a million elements
      if (got < 0) return failure(step::read_iterator, got);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  fd walk_;
};

/// Starts a walk over what the program of `link` lists.
/// Errors: EINVAL for a link of another kind.
/// Kernel: 5.8, BPF_ITER_CREATE.
/// Source: bpf_iter_new_fd() in kernel/bpf/bpf_iter.c at v6.12.
[[nodiscard]] inline result<iterator> open_iterator(const link& from) noexcept {
  const abi::iter_create attr{.link_fd = from.descriptor().raw()};
  const long opened = move_away(sys_bpf(abi::command::iter_create, attr));
  if (opened < 0) return failure(step::iter_create, opened);
  return iterator(fd::own(opened));
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ITERATOR_HPP
// Room 7.12, map/arena: an arena as memory of this process. Pointers into it mean the same here and in programs.
#ifndef BAREBPF_MAP_ARENA_HPP
#define BAREBPF_MAP_ARENA_HPP

// Room 7.9, map/map: every map type under its name, with the key and value types that it wants.
#ifndef BAREBPF_MAP_MAP_HPP
#define BAREBPF_MAP_MAP_HPP

// Room 2.4, prefix: keys of an LPM trie, from text such as "10.0.0.0/8" and back to it.
#ifndef BAREBPF_PREFIX_HPP
#define BAREBPF_PREFIX_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The first bits of so many bytes, as the kernel takes them for the key of an LPM trie.
/// Shape:  the number of bits in the machine's byte order, then the bytes, the first bit in front.
/// Source: struct bpf_lpm_trie_key_u8 in include/uapi/linux/bpf.h at v6.12.
template <size_t Bytes>
struct lpm_key {
  static_assert(
      Bytes % 4 == 0 && Bytes != 0 && Bytes <= 256,
      "barebpf: an LPM trie compares 1 to 256 bytes, and C rounds the struct up to four of them, so ask for "
      "a multiple of 4 and leave the last ones zero");
  u32 prefixlen = 0;  ///< bits
  u8 data[Bytes] = {};

  friend constexpr bool operator==(const lpm_key& a, const lpm_key& b) noexcept {
    bool same = a.prefixlen == b.prefixlen;
    for (size_t i = 0; i < Bytes; ++i) same = same && a.data[i] == b.data[i];
    return same;
  }
};

/// A network, or an address with all 32 bits.
using ipv4_prefix = lpm_key<4>;
/// A network, or an address with all 128 bits.
using ipv6_prefix = lpm_key<16>;

namespace detail {

constexpr bool take_ipv4(text_reader& in, u8* out) noexcept {
  for (int i = 0; i < 4; ++i) {
    u32 number = 0;
    if ((i != 0 && !in.take(".")) || !in.take_number(10, 3, number) || number > 255) return false;
    out[i] = static_cast<u8>(number);
  }
  return true;
}

// Source: RFC 4291, 2.2.
constexpr bool take_ipv6(text_reader& in, u8* out) noexcept {
  constexpr u32 size = 16, nowhere = 99;
  u8 bytes[size] = {};
  u32 used = 0, gap = nowhere;
  if (in.take("::")) gap = 0;
  while (used < size && !in.is_done() && !in.is_next("/")) {
    if (used != 0 && used != gap && !in.take(":")) return false;
    text_reader as_ipv4 = in;
    if (used + 4 <= size && take_ipv4(as_ipv4, bytes + used)) {
      in = as_ipv4;
      used += 4;
      break;
    }
    u32 group = 0;
    if (!in.take_number(16, 4, group)) return false;
    bytes[used] = static_cast<u8>(group >> 8);
    bytes[used + 1] = static_cast<u8>(group);
    used += 2;
    if (in.is_next("::")) {
      if (gap != nowhere) return false;
      static_cast<void>(in.take("::"));
      gap = used;
    }
  }
  if ((gap == nowhere) != (used == size)) return false;  // a gap stands for a group at least
  for (u32 i = 0; i < size; ++i) out[i] = 0;
  const u32 behind = gap == nowhere ? 0 : used - gap;
  for (u32 i = 0; i < used - behind; ++i) out[i] = bytes[i];
  for (u32 i = 0; i < behind; ++i) out[size - behind + i] = bytes[used - behind + i];
  return true;
}

template <size_t Bytes>
constexpr result<lpm_key<Bytes>> read_prefix(text whole) noexcept {
  const auto wrong = [whole](cause why) { return error{.at = step::read_prefix, .why = why}.about(whole); };
  lpm_key<Bytes> out{.prefixlen = Bytes * 8};
  text_reader in(whole);
  const bool is_address = Bytes == 4 ? take_ipv4(in, out.data) : take_ipv6(in, out.data);
  if (!is_address) return wrong(cause::bad_address);
  if (in.take("/") && (!in.take_number(10, 3, out.prefixlen) || out.prefixlen > Bytes * 8))
    return wrong(cause::bad_prefix_length);
  if (!in.is_done()) return wrong(cause::bad_address);
  for (size_t bit = out.prefixlen; bit < Bytes * 8; ++bit)
    if ((out.data[bit / 8] >> (7 - bit % 8) & 1) != 0) return wrong(cause::bits_behind_prefix);
  return out;
}

}  // namespace detail

/// The network that "10.0.0.0/8" names, or the address "10.0.0.1" with all its bits.
/// Errors: bad_address, bad_prefix_length, bits_behind_prefix, about the text.
[[nodiscard]] constexpr result<ipv4_prefix> read_ipv4_prefix(text whole) noexcept {
  return detail::read_prefix<4>(whole);
}
/// The network that "2001:db8::/32" names, or the address "::1" with all its bits.
/// Errors: as for `read_ipv4_prefix`.
[[nodiscard]] constexpr result<ipv6_prefix> read_ipv6_prefix(text whole) noexcept {
  return detail::read_prefix<16>(whole);
}

/// Writes "10.0.0.0/8" into `buffer`, with a NUL behind it; 19 bytes are always enough.
constexpr text describe(const ipv4_prefix& what, char* buffer, size_t size) noexcept {
  detail::text_writer out(buffer, size);
  for (int i = 0; i < 4; ++i) out << (i == 0 ? text() : text(".")) << u64{what.data[i]};
  return (out << "/" << u64{what.prefixlen}).finish();
}
/// Writes "2001:db8::/32" into `buffer`, with a NUL behind it; 44 bytes are always enough.
/// Source: RFC 5952, 4: the longest row of zeros is left out, the first of equals.
constexpr text describe(const ipv6_prefix& what, char* buffer, size_t size) noexcept {
  constexpr int groups = 8;
  const auto group = [&what](int i) { return u32{what.data[i * 2]} << 8 | what.data[i * 2 + 1]; };
  int gap = groups, longest = 1;
  for (int i = 0; i < groups; ++i) {
    int length = 0;
    while (i + length < groups && group(i + length) == 0) ++length;
    if (length > longest) gap = i, longest = length;
  }
  detail::text_writer out(buffer, size);
  for (int i = 0; i < groups; ++i) {
    if (i == gap) {
      out << "::";
      i += longest - 1;
      continue;
    }
    if (i != 0 && i != gap + longest) out << ":";
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
      const u32 digit = group(i) >> shift & 15;
      begun = begun || digit != 0 || shift == 0;
      if (begun) out << text(&"0123456789abcdef"[digit], 1);
    }
  }
  return (out << "/" << u64{what.prefixlen}).finish();
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PREFIX_HPP
// Room 7.8, map/typed: typed maps. One class template for all types; what a type allows stands in room 2.0, and what
// goes in and comes out where that is no plain value in room 7.6.
#ifndef BAREBPF_MAP_TYPED_HPP
#define BAREBPF_MAP_TYPED_HPP

// Room 2.5, refusal: what an errno says of an element, where that depends on the type of its map. What it says on every
// map stands in room 2.2.
#ifndef BAREBPF_REFUSAL_HPP
#define BAREBPF_REFUSAL_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// One meaning of an errno: of which keys, of which values, at which operations, as bits.
struct element_refusal {
  u32 keys;
  u32 values;
  u32 operations;
  s32 code;
  cause why;
};

template <class... Rules>
constexpr u32 rule_bits(Rules... rules) noexcept {
  return ((1u << static_cast<u32>(rules)) | ...);
}

// Rules and operations that go together.
struct refused {
  static constexpr u32 any = ~0u;
  static constexpr u32 slots = rule_bits(key_rule::index);
  static constexpr u32 owners = rule_bits(key_rule::descriptor);
  static constexpr u32 prefixes = rule_bits(key_rule::prefix);
  static constexpr u32 cgroups = rule_bits(key_rule::cgroup);
  static constexpr u32 stacks = rule_bits(value_rule::stack);
  static constexpr u32 endpoints =
      rule_bits(value_rule::socket, value_rule::xsk, value_rule::device, value_rule::cpu);
  static constexpr u32 objects =
      endpoints | rule_bits(value_rule::program, value_rule::map, value_rule::event, value_rule::cgroup);
  static constexpr u32 updates = can_update | can_update_batch;
  static constexpr u32 single = can_lookup | can_update | can_delete;
};

// The first row that fits counts. Sources: the `map_ops` of each type at v6.12, measured on 6.18.
inline constexpr element_refusal element_refusals[] = {
    {refused::any, rule_bits(value_rule::program), refused::updates, EINVAL, cause::unfit_program},
    {refused::any, rule_bits(value_rule::map), refused::updates, EINVAL, cause::unfit_inner_map},
    {refused::any, rule_bits(value_rule::event), refused::updates, EBADF, cause::not_an_event},
    {refused::any, rule_bits(value_rule::event), refused::updates, EOPNOTSUPP, cause::unfit_event},
    {refused::any, rule_bits(value_rule::cgroup), refused::updates, EBADF, cause::not_a_cgroup},
    {refused::any, rule_bits(value_rule::device), refused::updates, EINVAL, cause::unfit_device},
    {refused::any, rule_bits(value_rule::cpu), refused::updates, ENOMEM, cause::unfit_cpu_program},
    {refused::any, rule_bits(value_rule::socket), refused::updates, EOPNOTSUPP, cause::unfit_socket},
    {refused::any, rule_bits(value_rule::socket), refused::updates, ENOTSUPP_kernel, cause::not_in_a_group},
    {refused::any, rule_bits(value_rule::socket), refused::updates, EINVAL, cause::not_in_a_group},
    {refused::any, rule_bits(value_rule::socket), refused::updates, EBUSY, cause::socket_in_use},
    {refused::any, rule_bits(value_rule::xsk), refused::updates, EOPNOTSUPP, cause::unfit_xsk},
    {refused::any, rule_bits(value_rule::kernel_type), refused::updates, EBUSY, cause::registered_already},

    {refused::slots, refused::any, refused::single | can_update_batch, E2BIG, cause::no_such_slot},
    {refused::slots, refused::objects, refused::single, ENOENT, cause::empty_slot},
    {refused::slots, refused::endpoints, can_delete, EINVAL, cause::empty_slot},
    {refused::slots, refused::stacks, can_lookup | can_delete | can_lookup_and_delete, ENOENT,
     cause::no_such_stack},
    {refused::slots, refused::any, can_lookup, ENOENT, cause::no_such_slot},
    {refused::owners, refused::any, refused::single, ENOENT, cause::nothing_of_owner},
    {refused::owners, refused::any, refused::single, EBADF, cause::wrong_owner},
    {refused::owners, refused::any, refused::single, ENOTSOCK, cause::wrong_owner},
    {refused::prefixes, refused::any, refused::updates | can_delete | can_delete_batch, EINVAL,
     cause::long_prefix},
    {refused::cgroups, refused::any, can_lookup | can_update, ENOENT, cause::not_at_this_cgroup},
};

constexpr bool is_about(const element_refusal& row, const map_kind& kind) noexcept {
  return (row.keys & rule_bits(kind.key)) != 0 && (row.values & rule_bits(kind.value)) != 0;
}

constexpr u32 operation_of(step at) noexcept {
  switch (at) {
    case step::map_lookup_elem:
      return can_lookup;
    case step::map_update_elem:
      return can_update;
    case step::map_delete_elem:
      return can_delete;
    case step::map_lookup_and_delete_elem:
      return can_lookup_and_delete;
    case step::map_lookup_batch:
      return can_lookup_batch;
    case step::map_update_batch:
      return can_update_batch;
    case step::map_delete_batch:
      return can_delete_batch;
    case step::map_lookup_and_delete_batch:
      return can_lookup_and_delete_batch;
    default:
      return 0;
  }
}

}  // namespace detail

/// True when the table has more to say of refused elements of this type than room 2.2 has; where not, nobody need ask.
[[nodiscard]] constexpr bool explains_elements(const map_kind& kind) noexcept {
  for (const detail::element_refusal& row : detail::element_refusals)
    if (detail::is_about(row, kind)) return true;
  return false;
}

/// What an errno of the kernel means for an element of a map of this type; `none` where it means what it does on every
/// map. Asked after a refusal only.
[[nodiscard]] constexpr cause why_refused_element(const map_kind& kind, step at, s32 code) noexcept {
  for (const detail::element_refusal& row : detail::element_refusals)
    if (row.code == code && detail::is_about(row, kind) && (row.operations & detail::operation_of(at)) != 0)
      return row.why;
  return cause::none;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_REFUSAL_HPP
// Room 6.3, running_kernel: which kernel answers, asked only to explain what it refused.
#ifndef BAREBPF_RUNNING_KERNEL_HPP
#define BAREBPF_RUNNING_KERNEL_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The version of the running kernel, as `kernel()` makes it; 0 when it does not say.
/// Cost:   one system call.
/// Source: uname(2). A distribution's kernel may have more than its number says, never less.
[[nodiscard, gnu::cold, gnu::noinline]] inline u32 running_kernel() noexcept {
  struct {
    char words[6][65];  // system, node, release, version, machine, domain
  } names = {};
  if (system_call(__NR_uname, &names) < 0) return 0;
  u32 numbers[2] = {};
  const char* at = names.words[2];
  for (u32& number : numbers) {
    for (; *at >= '0' && *at <= '9'; ++at) number = number * 10 + static_cast<u32>(*at - '0');
    if (*at == '.') ++at;
  }
  return kernel(numbers[0], numbers[1]);
}

/// Why the kernel refused to create a map with `answer`, negative errno, as far as the table of map types and the
/// kernel's version tell; `none` where they do not.
[[nodiscard, gnu::cold, gnu::noinline]] inline cause explain_refusal(const abi::map_create& attr,
                                                                     long answer) noexcept {
  // Before 5.11 a per-CPU value that is too large was taken for a lack of memory.
  if (answer == -ENOMEM)
    return why_refused(attr) == cause::bad_value_size ? cause::bad_value_size : cause::none;
  if (answer != -EINVAL && answer != -E2BIG && answer != -ENOTSUPP_kernel && answer != -EOPNOTSUPP)
    return cause::none;
  const u32 running = running_kernel();
  if (running != 0 && running < kind_of(static_cast<map_type>(attr.map_type)).first_kernel)
    return cause::newer_map_type;
  const cause why = why_refused(attr);
  return why == cause::none && running != 0 && lacks_flag(running, attr.map_flags) ? cause::newer_map_flag
                                                                                   : why;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_RUNNING_KERNEL_HPP
// Room 7.3, map/entries: a walk over a map that always ends and says why. Batches underneath; one key after the
// other where the kernel has no batches or a bucket is too large for one.
#ifndef BAREBPF_MAP_ENTRIES_HPP
#define BAREBPF_MAP_ENTRIES_HPP

// Room 7.1, map/batch: what the batch operations of maps take and give.
#ifndef BAREBPF_MAP_BATCH_HPP
#define BAREBPF_MAP_BATCH_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Where a walk by batches stands; a new one stands at the beginning.
/// Shape:  as many bytes as the kernel may write: four for hash maps, a key for others.
/// Source: __htab_map_lookup_and_delete_batch() in kernel/bpf/hashtab.c and generic_map_lookup_batch() in
///         kernel/bpf/syscall.c at v6.12.
template <class Key>
class batch_cursor {
 public:
  /// True when the last batch was the last one.
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }

  /// What the kernel is given: nothing for the first batch.
  [[nodiscard]] const void* in() const noexcept { return started_ ? position_ : nullptr; }
  /// Where the kernel writes.
  [[nodiscard]] void* out() noexcept { return position_; }
  /// Remembers what a batch came to.
  void advance(bool end) noexcept {
    started_ = true;
    at_end_ = end;
  }

 private:
  alignas(8) unsigned char position_[sizeof(Key) > 4 ? sizeof(Key) : 4] = {};
  bool started_ = false;
  bool at_end_ = false;
};

/// How many elements a batch operation did, and whether it did all.
class [[nodiscard]] batch_result {
 public:
  explicit batch_result(u32 count) noexcept : count_(count) {}
  batch_result(u32 count, const barebpf::error& why) noexcept : count_(count), why_(why) {}

  /// Elements that were done, also when not all of them were.
  [[nodiscard]] u32 count() const noexcept { return count_; }
  [[nodiscard]] bool has_value() const noexcept { return why_.has_value(); }
  explicit operator bool() const noexcept { return why_.has_value(); }
  /// What kept the operation from doing the rest.
  [[nodiscard]] const barebpf::error& error() const noexcept { return why_.error(); }

 private:
  u32 count_;
  result<void> why_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_BATCH_HPP
// Room 7.2, map/per_cpu: values of which each possible CPU has its own. Only this room knows how large they are
// together, so nobody can lend the kernel too little memory for them.
#ifndef BAREBPF_MAP_PER_CPU_HPP
#define BAREBPF_MAP_PER_CPU_HPP

namespace barebpf::inline BAREBPF_ABI {

/// How many CPUs the kernel speaks of that writes `ranges`, "0-3,6"; 0 when that is no list of ranges.
[[nodiscard]] constexpr u32 count_cpus(text ranges) noexcept {
  constexpr u32 most = 0xffff;
  u32 count = 0, first = 0, number = 0;
  bool has_digits = false, is_range = false;
  for (size_t i = 0; i <= ranges.size(); ++i) {
    const char c = i < ranges.size() ? ranges[i] : ',';
    if (c == '\n' && i + 1 == ranges.size()) continue;
    if (c >= '0' && c <= '9') {
      number = number * 10 + static_cast<u32>(c - '0');
      has_digits = true;
      if (number > most) return 0;
      continue;
    }
    if (!has_digits || (c == '-' && is_range) || (c != '-' && c != ',')) return 0;
    if (c == '-') {
      first = number;
    } else {
      if (is_range && number < first) return 0;
      count += is_range ? number - first + 1 : 1;
    }
    is_range = c == '-';
    number = 0;
    has_digits = false;
  }
  return count;
}

/// How many CPUs the machine may ever have: the kernel keeps so many values, whether they run or not.
/// Errors: open_file or read_file with errno, about the file; EINVAL when it says something else than ranges.
/// Cost:   three system calls.
/// Source: num_possible_cpus() in include/linux/cpumask.h at v6.12; sysfs-devices-system-cpu.
[[nodiscard]] inline result<u32> possible_cpus() noexcept {
  constexpr const char* path = "/sys/devices/system/cpu/possible";
  const fd file = fd::own(open_to_read(path));
  if (!file.is_open()) return failure(step::open_file, file.number()).about(path);
  char ranges[256];
  long length = -EINTR;
  while (length == -EINTR) length = system_call(__NR_read, file.number(), ranges, sizeof ranges);
  if (length < 0) return failure(step::read_file, length).about(path);
  const u32 count = count_cpus(text(ranges, static_cast<size_t>(length)));
  if (count == 0) return failure(step::read_file, -EINVAL).about(path);
  return count;
}

/// One element's values, one for each possible CPU, in the order of their numbers: where those have no gap, the value
/// at `cpu` is that of CPU `cpu`.
/// Lifetime: looks at storage of somebody else's.
template <class Value>
class per_cpu_view {
 public:
  /// How the kernel lays values out: 8 bytes apart or a multiple of it.
  struct alignas(8) cell {
    Value value;
  };
  static_assert(
      alignof(Value) <= 8 && std::is_trivially_copyable_v<Value>,
      "barebpf: the kernel copies the values of each CPU as raw bytes, 8 bytes apart, so a value type "
      "must be trivially copyable and aligned to 8 bytes at most");

  constexpr per_cpu_view(const cell* first, u32 cpus) noexcept : first_(first), cpus_(cpus) {}

  /// How many values there are.
  [[nodiscard]] u32 size() const noexcept { return cpus_; }
  /// The value of one CPU; `cpu` must be less than `size()`.
  [[nodiscard]] const Value& operator[](u32 cpu) const noexcept { return first_[cpu].value; }
  /// All of them added up.
  [[nodiscard]] Value sum() const noexcept {
    Value out{};
    for (u32 cpu = 0; cpu < cpus_; ++cpu) out = static_cast<Value>(out + first_[cpu].value);
    return out;
  }

 private:
  const cell* first_;
  u32 cpus_;
};

/// Storage for the values of so many elements, each for every possible CPU.
/// Lifetime: freed with the object; moving empties the source.
template <class Value>
class per_cpu_values {
 public:
  using cell = typename per_cpu_view<Value>::cell;

  /// Makes room for `elements` elements, all of them `Value{}`.
  /// Errors: those of `possible_cpus`; ENOMEM.
  /// Cost:   three system calls and an allocation; so keep it and use it again.
  [[nodiscard]] static result<per_cpu_values> make(u32 elements = 1) noexcept {
    const auto cpus = possible_cpus();
    if (!cpus) return cpus.error();
    auto cells = buffer<cell>::of(size_t{*cpus} * elements);
    if (!cells) return cells.error();
    return per_cpu_values(std::move(*cells), *cpus, elements);
  }

  /// For how many CPUs.
  [[nodiscard]] u32 cpus() const noexcept { return cpus_; }
  /// For how many elements.
  [[nodiscard]] u32 elements() const noexcept { return elements_; }
  /// The value of a CPU, of the first element or of another.
  [[nodiscard]] Value& at(u32 cpu, u32 element = 0) noexcept {
    return cells_[size_t{element} * cpus_ + cpu].value;
  }
  /// The values of one element.
  [[nodiscard]] per_cpu_view<Value> view(u32 element = 0) const noexcept {
    return {cells_.data() + size_t{element} * cpus_, cpus_};
  }
  [[nodiscard]] const Value& operator[](u32 cpu) const noexcept { return cells_[cpu].value; }
  [[nodiscard]] Value& operator[](u32 cpu) noexcept { return cells_[cpu].value; }
  /// The values of the first element, added up.
  [[nodiscard]] Value sum() const noexcept { return view().sum(); }
  /// Gives each CPU of the first element the same value.
  void fill(const Value& value) noexcept {
    for (u32 cpu = 0; cpu < cpus_; ++cpu) at(cpu) = value;
  }

  /// What the kernel reads and writes.
  [[nodiscard]] cell* data() noexcept { return cells_.data(); }
  [[nodiscard]] const cell* data() const noexcept { return cells_.data(); }

 private:
  per_cpu_values(buffer<cell> cells, u32 cpus, u32 elements) noexcept
      : cells_(std::move(cells)), cpus_(cpus), elements_(elements) {}

  buffer<cell> cells_;
  u32 cpus_;
  u32 elements_;
};

/// Walks over the elements of such storage, as a pointer walks over values.
template <class Value>
class per_cpu_pointer {
 public:
  using cell = typename per_cpu_view<Value>::cell;
  using seen = per_cpu_view<Value>;

  constexpr per_cpu_pointer() noexcept = default;
  constexpr per_cpu_pointer(cell* at, u32 cpus) noexcept : at_(at), cpus_(cpus) {}
  [[nodiscard]] seen operator*() const noexcept { return {at_, cpus_}; }
  per_cpu_pointer& operator++() noexcept {
    at_ += cpus_;
    return *this;
  }
  [[nodiscard]] cell* address() const noexcept { return at_; }

 private:
  cell* at_ = nullptr;
  u32 cpus_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_PER_CPU_HPP

namespace barebpf::inline BAREBPF_ABI {

/// One element of a map, copied out.
template <class Key, class Value>
struct entry {
  Key key;
  Value value;
};

namespace detail {

// What a walk shows of the values behind a pointer, and where the kernel writes them.
template <class Pointer>
struct pointed {
  using seen = typename Pointer::seen;
  struct nothing {};
  using own = nothing;  // single steps use the storage that was lent
  static void* address(const Pointer& at) noexcept { return at.address(); }
};
template <class Value>
struct pointed<Value*> {
  using seen = Value;
  using own = Value;
  static void* address(Value* at) noexcept { return at; }
};

}  // namespace detail

/// A walk over all elements: `for (auto [key, value] : map.entries())`. `Pointer` is what walks over the values: a
/// plain one, or `per_cpu_pointer`.
/// Shape:    each element by copy. What is in the map throughout comes at least once; by batches exactly once.
///           What is added or removed meanwhile may come or not. The element at hand may be deleted.
/// Errors:   the loop ends; `error()` then tells why, and is nullptr after a whole walk.
/// Lifetime: the map must outlive the walk; the storage is the range's own, or lent by the caller.
/// Cost:     one bpf(2) call for each batch; two for each element where batches do not work.
/// Threads:  one walk belongs to one thread.
template <class Key, class Pointer>
class entry_range {
  using shown = detail::pointed<Pointer>;

 public:
  entry_range(const untyped_map& map, Key* keys, Pointer values, u32 room) noexcept
      : map_(map), keys_(keys), values_(values), room_(room), stepping_(room == 0) {}
  entry_range(const entry_range&) = delete;
  entry_range& operator=(const entry_range&) = delete;

  struct sentinel {};
  class iterator {
   public:
    using value_type = entry<Key, typename shown::seen>;
    using difference_type = std::ptrdiff_t;

    explicit iterator(entry_range* range) noexcept : range_(range) { take_more(); }
    [[nodiscard]] value_type operator*() const noexcept { return {*key_, *value_}; }
    iterator& operator++() noexcept {
      ++key_;
      ++value_;
      if (key_ >= last_) take_more();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const iterator& at, sentinel) noexcept { return at.key_ >= at.last_; }

   private:
    void take_more() noexcept {
      const u32 count = range_->next();
      key_ = range_->stepping_ ? &range_->last_key_ : range_->keys_;
      value_ = range_->stepping_ ? range_->step_value() : range_->values_;
      last_ = key_ + count;
    }

    // Kept here and not in the range, whose memory every system call may change: so they stay in registers.
    const Key* key_;
    const Key* last_;  // behind the last that is at hand
    Pointer value_;
    entry_range* range_;
  };

  /// Begins the walk, from the first element each time.
  [[nodiscard]] iterator begin() noexcept {
    cursor_ = {};
    count_ = 0;
    steps_ = 0;
    done_ = has_last_ = failed_ = prefetched_ = at_its_end_ = false;
    stepping_ = room_ == 0;
    return iterator(this);
  }
  [[nodiscard]] sentinel end() const noexcept { return {}; }

  /// Why the walk ended early; nullptr when it did not.
  [[nodiscard]] const barebpf::error* error() const noexcept { return failed_ ? &why_ : nullptr; }

  /// True when the walk is over.
  [[nodiscard]] bool at_end() const noexcept { return done_; }

 private:
  // Gets what comes next, a batch or a single element, and says how many elements that are: none at the end.
  [[nodiscard, gnu::noinline]] u32 next() noexcept {
    if (done_) return 0;
    if (!stepping_) fetch();
    if (stepping_) step_on();
    if (done_) return 0;
    return stepping_ ? 1 : count_;
  }

  // The next batch, or the change to single steps.
  void fetch() noexcept {
    const bool first = cursor_.in() == nullptr;
    Key last{};
    if (count_ != 0) last = keys_[count_ - 1];
    while (!cursor_.at_end()) {
      u32 count = room_;
      const long answer = map_.batch(abi::command::map_lookup_batch, cursor_.in(), cursor_.out(), keys_,
                                     shown::address(values_), count);
      if (answer == -EINTR) continue;
      // No batches here, or a bucket that does not fit: what is left comes one by one.
      if (answer == -ENOSPC || (first && (answer == -ENOTSUPP_kernel || answer == -EINVAL))) {
        stepping_ = true;
        prefetched_ = false;
        has_last_ = count_ != 0;
        last_key_ = last;
        return;
      }
      if (answer < 0 && answer != -ENOENT) return fail(step::map_lookup_batch, answer);
      cursor_.advance(answer == -ENOENT);
      count_ = count;
      if (count_ != 0) return;
    }
    done_ = true;
  }

  // The next element by its key. The key after it is fetched at once, so that the element may be deleted.
  void step_on() noexcept {
    if (steps_ == 0) {
      const auto info = ask_about_map(map_.descriptor().number());
      if (!info) return fail(info.error().at, -info.error().code);
      // A key that vanishes sends the kernel back to the first one, so the steps are bounded.
      most_steps_ = u64{16} * info->max_entries + 16;
    }
    for (;;) {
      if (++steps_ > most_steps_) return fail(step::map_get_next_key, -EAGAIN);
      if (!prefetched_) {
        const long answer = map_.get_next_key(has_last_ ? &last_key_ : nullptr, &next_);
        if (answer < 0) return finish(answer);
      }
      prefetched_ = false;
      if (at_its_end_) return finish(-ENOENT);
      last_key_ = next_;
      has_last_ = true;
      const long found = map_.lookup_elem(&last_key_, shown::address(step_value()));
      if (found < 0 && found != -ENOENT) return fail(step::map_lookup_elem, found);
      const long answer = map_.get_next_key(&last_key_, &next_);
      if (answer < 0 && answer != -ENOENT) return fail(step::map_get_next_key, answer);
      prefetched_ = true;
      at_its_end_ = answer == -ENOENT;
      if (found >= 0) return;
    }
  }
  // Where the value of a single step goes.
  [[nodiscard]] Pointer step_value() noexcept {
    if constexpr (std::is_pointer_v<Pointer>)
      return &last_value_;
    else
      return values_;
  }
  void finish(long answer) noexcept {
    if (answer != -ENOENT) return fail(step::map_get_next_key, answer);
    done_ = true;
  }
  void fail(step at, long answer) noexcept {
    why_ = failure(at, answer).about(map_.map_name());
    failed_ = done_ = true;
  }

  const untyped_map& map_;
  Key* keys_;
  Pointer values_;
  u32 room_;
  batch_cursor<Key> cursor_;
  u32 count_ = 0;  // elements in the batch
  u64 steps_ = 0, most_steps_ = 0;
  Key last_key_{};
  [[no_unique_address]] typename shown::own last_value_{};
  Key next_{};
  bool stepping_, done_ = false, failed_ = false, has_last_ = false, prefetched_ = false, at_its_end_ = false;
  barebpf::error why_{};
};

/// An entry_range with storage of its own.
/// Shape: at most 16 KiB, and room for at least one element.
template <class Key, class Value>
class owned_entry_range : public entry_range<Key, Value*> {
  static constexpr size_t fitting = 16384 / (sizeof(Key) + sizeof(Value));
  static constexpr size_t room = fitting == 0 ? 1 : fitting;

 public:
  explicit owned_entry_range(const untyped_map& map) noexcept
      : entry_range<Key, Value*>(map, keys_, values_, static_cast<u32>(room)) {}

 private:
  Key keys_[room];
  Value values_[room];
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_ENTRIES_HPP
// Room 7.5, map/memory: the values of an array as memory of this process. Reading them makes no system call.
#ifndef BAREBPF_MAP_MEMORY_HPP
#define BAREBPF_MAP_MEMORY_HPP

// Room 6.4, memory: memory that the kernel shares, and gets back with the object that owns it.
#ifndef BAREBPF_MEMORY_HPP
#define BAREBPF_MEMORY_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// mmap(2). s390x takes the arguments through memory.
// Shape: the address, or negative errno.
[[gnu::always_inline]] inline long map_pages(size_t address, size_t size, long protection, long flags,
                                             int descriptor, u64 offset) noexcept {
#if defined(__s390x__) && !defined(BAREBPF_LIBC_SYSCALL)
  const long arguments[6] = {
      static_cast<long>(address), static_cast<long>(size), protection, flags, descriptor,
      static_cast<long>(offset)};
  return system_call(__NR_mmap, arguments);
#elif defined(__NR_mmap2)
  // Where there are two, the first takes its arguments through memory; the second counts the offset in 4 KiB.
  return system_call(__NR_mmap2, address, size, protection, flags, descriptor, offset / 4096);
#else
  return system_call(__NR_mmap, address, size, protection, flags, descriptor, offset);
#endif
}

// mmap(2) of `size` bytes from `offset`, shared, wherever there is room.
inline long map_shared(size_t size, long protection, int descriptor, u64 offset = 0) noexcept {
  constexpr long shared = 1;  // MAP_SHARED
  return map_pages(0, size, protection, shared, descriptor, offset);
}

// Memory that the kernel lent; given back with this object.
class mapping {
 public:
  mapping() noexcept = default;
  mapping(mapping&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  mapping& operator=(mapping&& other) noexcept {
    mapping taken(std::move(other));
    std::swap(first_, taken.first_);
    std::swap(size_, taken.size_);
    return *this;
  }
  ~mapping() {
    if (size_ != 0) system_call(__NR_munmap, first_, size_);
  }

  // What `descriptor` stands for, shared.
  // Shape: 0, or negative errno.
  [[nodiscard]] long fill(int descriptor, size_t size, long protection, u64 offset = 0) noexcept {
    return take(map_shared(size, protection, descriptor, offset), size);
  }
  // Zeros. Not private, so that a fork takes nothing away from the kernel.
  // Shape: 0, or negative errno.
  [[nodiscard]] long fill_with_zeros(size_t size) noexcept {
    constexpr long shared_anonymous = 0x21;  // MAP_SHARED | MAP_ANONYMOUS
    return take(map_pages(0, size, writable, shared_anonymous, -1, 0), size);
  }
  // What mmap(2) answered: memory that is this object's from now on, or negative errno.
  // Shape: 0, or negative errno.
  [[nodiscard]] long take(long answer, size_t size) noexcept {
    if (answer < 0 && answer >= -largest_errno) return answer;
    first_ = reinterpret_cast<unsigned char*>(answer);
    size_ = size;
    return 0;
  }
  [[nodiscard]] unsigned char* data() const noexcept { return first_; }

  static constexpr long readable = 1, writable = 3;  // PROT_READ, and PROT_WRITE beside it

 private:
  unsigned char* first_ = nullptr;
  size_t size_ = 0;
};

// How large this machine's pages are. There is no system call for it, but one that does nothing to no bytes and minds
// where they would begin.
// Source: msync(2).
[[nodiscard]] inline size_t page_size() noexcept {
  constexpr size_t largest = 65536;
  size_t size = 4096;
  while (size < largest && system_call(__NR_msync, size, 0, 0) == -EINVAL) size *= 2;
  return size;
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MEMORY_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The memory of a map, shared with the programs that use it.
/// Shape:    one element for each entry, `round_up(sizeof(Value), 8)` bytes apart.
/// Lifetime: unmapped with this object; it keeps the map alive by itself. Moving empties the source.
/// Threads:  programs and other processes write at any time, so whoever needs more than one word must agree with
///           them on how.
/// Cost:     nothing for each access.
template <class Value>
class mapped_values {
 public:
  mapped_values(detail::mapping memory, size_t count) noexcept : memory_(std::move(memory)), count_(count) {}
  mapped_values(mapped_values&& other) noexcept
      : memory_(std::move(other.memory_)), count_(std::exchange(other.count_, 0)) {}
  mapped_values& operator=(mapped_values&& other) noexcept {
    mapped_values taken(std::move(other));
    std::swap(memory_, taken.memory_);
    std::swap(count_, taken.count_);
    return *this;
  }

  [[nodiscard]] span<Value> values() const noexcept { return {begin(), count_}; }
  [[nodiscard]] Value* begin() const noexcept { return reinterpret_cast<Value*>(memory_.data()); }
  [[nodiscard]] Value* end() const noexcept { return begin() + count_; }
  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] Value& operator[](size_t at) const noexcept { return begin()[at]; }

  /// How many bytes the kernel maps for so many values.
  /// Source: array_map_mmap() in kernel/bpf/arraymap.c at v6.12.
  [[nodiscard]] static constexpr size_t size_of(size_t count) noexcept {
    constexpr size_t page = 4096;  // the kernel rounds a length up to its own pages
    return (count * sizeof(Value) + page - 1) / page * page;
  }

 private:
  detail::mapping memory_;
  size_t count_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_MEMORY_HPP
// Room 7.6, map/value: values that are no plain bytes. What such a map takes stands for something of the kernel's, and
// what it gives back is often something else: a program goes in by its descriptor and comes out as its id.
#ifndef BAREBPF_MAP_VALUE_HPP
#define BAREBPF_MAP_VALUE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A file descriptor as the value of an element; whoever owns it may close it once it is in, for the map holds on to
/// what it stands for. `Answer` is what a lookup gives.
template <value_rule Rule, class Answer = no_value, class Number = u32>
struct descriptor_value {
  static constexpr value_rule rule = Rule;
  using answer = Answer;
  Number number;

  /// From the number itself, or from what owns or borrows a descriptor: an `fd`, a map, a link.
  descriptor_value(int descriptor) noexcept : number(static_cast<Number>(descriptor)) {}
  descriptor_value(const fd& descriptor) noexcept : descriptor_value(descriptor.number()) {}
  template <class Owner>
  requires requires(const Owner& owner) {
    { owner.descriptor() } -> std::same_as<const fd&>;
  }
  descriptor_value(const Owner& owner) noexcept : descriptor_value(owner.descriptor()) {}
};

/// A loaded program, known to the whole kernel by this number.
struct program_id {
  u32 id = 0;
  friend bool operator==(program_id, program_id) = default;
};
/// A map, known to the whole kernel by this number. Errors, cost: those of `Map::from_id`.
template <class Map>
struct map_id {
  u32 id = 0;
  /// Opens the map.
  [[nodiscard]] auto open() const noexcept { return Map::from_id(id); }
  friend bool operator==(map_id, map_id) = default;
};
/// A socket, known to the whole kernel by this number, which it never gives again. Source: SO_COOKIE in socket(7).
struct socket_cookie {
  u64 cookie = 0;
  friend bool operator==(socket_cookie, socket_cookie) = default;
};

/// A program in a slot of a program array.
using program_fd = descriptor_value<value_rule::program, program_id>;
/// A map in an element of an array or hash of maps. `Map` is the typed map that each of them is.
template <class Map>
using map_fd = descriptor_value<value_rule::map, map_id<Map>>;
/// A perf event in a slot of a perf event array; it does not come back out.
using event_fd = descriptor_value<value_rule::event>;
/// A cgroup in a slot of a cgroup array: the descriptor of its folder in cgroup version 2. It does not come back out.
using cgroup_fd = descriptor_value<value_rule::cgroup>;
/// An AF_XDP socket in a slot of an xskmap; it does not come back out.
using xsk_fd = descriptor_value<value_rule::xsk>;
/// A socket in a sockmap, a sockhash or a reuseport_sockarray.
using socket_fd = descriptor_value<value_rule::socket, socket_cookie, u64>;
/// The same in a map whose values have 4 bytes, from which nothing comes back out.
using short_socket_fd = descriptor_value<value_rule::socket>;

/// An interface that packets are redirected to.
struct device {
  static constexpr value_rule rule = value_rule::device;
  u32 ifindex = 0;  ///< number of the interface, as if_nametoindex(3) gives it
};
/// An interface, and the program that runs on each packet before it leaves there.
struct device_and_program {
  static constexpr value_rule rule = value_rule::device;
  /// What a lookup gives.
  struct answer {
    u32 ifindex = 0;
    u32 program_id = 0;  ///< 0 for none
  };
  u32 ifindex = 0;
  int program = -1;  ///< descriptor of an XDP program for devmaps, negative for none
};

/// A CPU that packets are redirected to; the key is its number.
struct cpu_queue {
  static constexpr value_rule rule = value_rule::cpu;
  u32 queue_size = 0;  ///< packets that may wait for it, 16,384 at most
};
/// The same, and the program that runs there on each packet.
struct cpu_queue_and_program {
  static constexpr value_rule rule = value_rule::cpu;
  /// What a lookup gives.
  struct answer {
    u32 queue_size = 0;
    u32 program_id = 0;  ///< 0 for none
  };
  u32 queue_size = 0;
  int program = -1;  ///< descriptor of an XDP program for cpumaps, negative for none
};

/// The instruction addresses of a stack, the innermost first. `Depth` is at most kernel.perf_event_max_stack, 127 by
/// default.
template <size_t Depth>
struct stack_addresses {
  static constexpr value_rule rule = value_rule::stack;
  static constexpr u32 map_flags = 0;
  u64 list[Depth] = {};

  /// Those that there are.
  [[nodiscard]] span<const u64> addresses() const noexcept {
    size_t count = 0;
    while (count < Depth && list[count] != 0) ++count;
    return {list, count};
  }
};

/// One place of a stack as map_flag::stack_build_id makes the kernel keep it; in the kernel it is an address.
/// Source: struct bpf_stack_build_id in include/uapi/linux/bpf.h at v6.12.
struct build_id_place {
  enum class state : s32 {
    empty = 0,    ///< behind the last
    valid = 1,    ///< `build_id` and `offset` hold
    address = 2,  ///< the file has no build id or was not in memory; `offset` is the address
  };
  state status = state::empty;
  u8 build_id[20] = {};
  u64 offset = 0;  ///< bytes from the start of the file
};
/// A stack by files and offsets, the innermost place first; for maps with map_flag::stack_build_id.
template <size_t Depth>
struct stack_build_ids {
  static constexpr value_rule rule = value_rule::stack;
  static constexpr u32 map_flags = map_flag::stack_build_id;
  build_id_place list[Depth] = {};

  /// Those that there are.
  [[nodiscard]] span<const build_id_place> places() const noexcept {
    size_t count = 0;
    while (count < Depth && list[count].status != build_id_place::state::empty) ++count;
    return {list, count};
  }
};

/// An instruction that a program may jump to.
/// Source: struct bpf_insn_array_value in include/uapi/linux/bpf.h of 6.19.
struct instruction_place {
  static constexpr value_rule rule = value_rule::instruction;
  u32 original = 0;    ///< as the program was loaded; only this one is given
  u32 translated = 0;  ///< as the verifier left it
  u32 machine = 0;     ///< offset into the machine code
  u32 padding = 0;
};

/// The owner of a value in a local storage, by a descriptor: a socket, a process (pidfd_open(2)), the folder of a
/// cgroup, or a file.
struct owner_fd {
  int number;

  owner_fd(int descriptor = -1) noexcept : number(descriptor) {}
  owner_fd(const fd& descriptor) noexcept : number(descriptor.number()) {}
};

/// The key of a cgroup storage that tells the ways of attaching apart; the other form is the cgroup's id, a u64.
/// Source: struct bpf_cgroup_storage_key in include/uapi/linux/bpf.h at v6.12.
struct cgroup_storage_key {
  u64 cgroup_inode_id = 0;  ///< the inode number of the cgroup's folder
  u32 attach_type = 0;      ///< `abi::attach_type` of the program
  u32 padding = 0;
};

/// A spin lock in a value, which programs take with bpf_spin_lock and `under_lock` takes from here.
/// Source: struct bpf_spin_lock in include/uapi/linux/bpf.h at v6.12.
struct spin_lock {
  u32 word = 0;  ///< the kernel's alone: it is neither read nor written with the value
};

/// Reads or writes the whole element at once, under the `spin_lock` in its value, so that no program sees half of it.
/// Kernel: 5.1, BPF_F_LOCK; the map's BTF must show the lock.
/// Source: copy_map_value_locked() in kernel/bpf/helpers.c at v6.12.
struct locked {
  static constexpr operation needs = can_lock;
  [[nodiscard]] static constexpr u64 flags() noexcept { return 4; }
};
inline constexpr locked under_lock;

/// The value of one CPU of a map that keeps one for each: a plain value goes in or comes out.
/// Kernel: 7.0, BPF_F_CPU.
struct on_cpu {
  static constexpr operation needs = can_choose_cpu;
  u32 cpu;  ///< number of a possible CPU
  [[nodiscard]] constexpr u64 flags() const noexcept { return 8 | u64{cpu} << 32; }
};
/// The same value for every CPU.
/// Kernel: 7.0, BPF_F_ALL_CPUS.
struct all_cpus {
  static constexpr operation needs = can_choose_cpu;
  [[nodiscard]] static constexpr u64 flags() noexcept { return 16; }
};
inline constexpr all_cpus on_all_cpus;

namespace detail {

// A value type that says itself what it stands for; not one of a user's that happens to have a member of that name.
template <class Value>
concept exchanged = requires {
  requires std::same_as<decltype(Value::rule), const value_rule>;
};

template <class Value>
struct answer {
  using type = Value;
};
template <exchanged Value>
requires requires { typename Value::answer; }
struct answer<Value> {
  using type = typename Value::answer;
};

template <class Value>
constexpr value_rule value_rule_of_type() noexcept {
  if constexpr (exchanged<Value>)
    return Value::rule;
  else
    return value_rule::plain;
}

}  // namespace detail

/// What a lookup of a map with values of this type gives: the value itself, or what stands for it.
template <class Value>
using answer_of = typename detail::answer<Value>::type;

/// What kind of values the maps have that take `Value`; `plain` for all types that say nothing else.
template <class Value>
inline constexpr value_rule value_rule_of = detail::value_rule_of_type<Value>();

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_VALUE_HPP
// Room 7.7, map/value_btf: types for the kernel, and the smallest that let a local storage be created. The compiler
// makes those of the C++ type of the values.
// Source: Documentation/bpf/btf.rst at v6.12.
#ifndef BAREBPF_MAP_VALUE_BTF_HPP
#define BAREBPF_MAP_VALUE_BTF_HPP

// Room 1.4, abi/btf: where the fields of BTF records lie, and the kinds of types.
// Source: include/uapi/linux/btf.h and Documentation/bpf/btf.rst at v6.12.
#ifndef BAREBPF_ABI_BTF_HPP
#define BAREBPF_ABI_BTF_HPP

namespace barebpf::inline BAREBPF_ABI::abi {

inline constexpr u16 btf_magic = 0xeb9f;

/// Offsets in the header of .BTF; sections inside it count from the header's end. Since 2026 it may have a table of
/// layouts, from which one who does not know a kind of type learns how long its records are.
struct btf_header {
  static constexpr u64 magic = 0, version = 2, header_size = 4, types_offset = 8, types_size = 12,
                       strings_offset = 16, strings_size = 20, size = 24, layouts_offset = 24,
                       layouts_size = 28, size_with_layouts = 32;
};
/// Offsets in a row of that table, which has one for each kind from 0 on: bytes behind a type's record, and so many more
/// for each member.
struct btf_layout_record {
  static constexpr u64 fixed = 0, for_each = 1, size = 4;
};

/// Offsets in a type. `info` holds the number of members in its low 24 bits (16 before 2026), the kind in
/// the next seven (5 before), and a flag on top.
struct btf_type_record {
  static constexpr u64 name = 0, info = 4, size_or_type = 8, size = 12;
};

enum class btf_kind : u8 {
  void_type = 0,
  integer = 1,
  pointer = 2,
  array = 3,
  structure = 4,
  union_type = 5,
  enumeration = 6,
  forward = 7,
  type_definition = 8,
  volatile_type = 9,
  const_type = 10,
  restrict_type = 11,
  function = 12,
  function_prototype = 13,
  variable = 14,
  data_section = 15,
  floating = 16,
  declaration_tag = 17,
  type_tag = 18,
  enumeration64 = 19,
};

/// How many bytes follow a type's record: so many, and so many more for each member.
struct btf_tail {
  u8 fixed;
  u8 for_each;
};

/// One row per kind, in the order of their numbers.
inline constexpr btf_tail btf_tails[] = {
    {0, 0},   // void, never stored
    {4, 0},   // INT: encoding, offset and bits
    {0, 0},   // PTR
    {12, 0},  // ARRAY: element type, index type, count
    {0, 12},  // STRUCT: name, type, offset in bits
    {0, 12},  // UNION
    {0, 8},   // ENUM: name, value
    {0, 0},   // FWD
    {0, 0},   // TYPEDEF
    {0, 0},   // VOLATILE
    {0, 0},   // CONST
    {0, 0},   // RESTRICT
    {0, 0},   // FUNC
    {0, 8},   // FUNC_PROTO: name, type
    {4, 0},   // VAR: linkage
    {0, 12},  // DATASEC: type, offset, size
    {0, 0},   // FLOAT
    {4, 0},   // DECL_TAG: component index
    {0, 0},   // TYPE_TAG
    {0, 12},  // ENUM64: name, low half, high half
};
inline constexpr u32 btf_kinds = sizeof btf_tails / sizeof btf_tails[0];

inline constexpr u32 btf_integer_is_signed = 1;  // BTF_INT_SIGNED
inline constexpr u32 btf_integer_is_bool = 4;    // BTF_INT_BOOL
inline constexpr u32 btf_variable_static = 0;    // BTF_VAR_STATIC
inline constexpr u32 btf_variable_global = 1;    // BTF_VAR_GLOBAL_ALLOCATED
inline constexpr u32 btf_variable_extern = 2;    // BTF_VAR_GLOBAL_EXTERN
inline constexpr u32 btf_function_static = 0;    // BTF_FUNC_STATIC
inline constexpr u32 btf_function_extern = 2;    // BTF_FUNC_EXTERN

/// Offsets in the header of .BTF.ext; the tables count from the header's end.
struct btf_ext_header {
  static constexpr u64 magic = 0, header_size = 4, functions_offset = 8, lines_offset = 16, size = 24,
                       core_offset = 24;
};
/// Offsets in front of the records of one section of code.
struct btf_ext_run_header {
  static constexpr u64 section_name = 0, count = 4, size = 8;
};

/// "At this instruction begins the function of this type." In a file, `insn_off` counts bytes from the start
/// of the section; for the kernel, instructions from the start of the program.
struct func_info {
  u32 insn_off = 0;
  u32 type_id = 0;
};
static_assert(sizeof(func_info) == 8);
/// "From this instruction on, the code comes from this line." `line_col` is the line in its upper 22 bits and
/// the column in its lower 10.
struct line_info {
  u32 insn_off = 0;
  u32 file_name_off = 0;
  u32 line_off = 0;
  u32 line_col = 0;
};
static_assert(sizeof(line_info) == 16);
/// What a CO-RE relocation puts into its instruction: enum bpf_core_relo_kind.
enum class core_kind : u32 {
  field_byte_offset = 0,
  field_byte_size = 1,
  field_exists = 2,
  field_signed = 3,
  field_lshift_u64 = 4,
  field_rshift_u64 = 5,
  type_id_local = 6,
  type_id_target = 7,
  type_exists = 8,
  type_size = 9,
  enumval_exists = 10,
  enumval_value = 11,
  type_matches = 12,
};
inline constexpr u32 core_kinds = 13;

/// "This instruction depends on how the kernel lays out a type." `access_str_off` is a string of numbers with colons
/// between them, `kind` a `core_kind`. `insn_off` counts bytes, in a file from the start of the section and for the
/// kernel from the start of the program.
struct core_relo {
  u32 insn_off = 0;
  u32 type_id = 0;
  u32 access_str_off = 0;
  u32 kind = 0;
};
static_assert(sizeof(core_relo) == 16);

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_BTF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Gives the kernel types. `token` is the descriptor of a BPF token (6.9), or negative.
/// Shape:  their descriptor, or negative errno; EINVAL when the kernel does not like a type.
/// Kernel: 4.18.
/// Source: btf_new_fd() in kernel/bpf/btf.c at v6.12.
[[nodiscard]] inline long load_btf(const void* types, u32 size, int token = -1) noexcept {
  abi::btf_load attr{.btf = types, .btf_size = size};
  if (token >= 0) attr.btf_flags = map_flag::token_fd, attr.btf_token_fd = token;
  return move_away(sys_bpf(abi::command::btf_load, attr));
}

namespace detail {

// Where the names begin in the strings of a `storage_btf`.
inline constexpr u32 int_name = 1, value_name = 5, bytes_name = 11, char_name = 17;

struct btf_record {
  u32 name;
  u32 info;
  u32 size;
};
struct btf_number {
  btf_record type;
  u32 form;
};
// struct value { unsigned char bytes[count]; }
struct btf_struct_of_bytes {
  btf_record type;
  u32 member_name, member_type, member_at;
  btf_record array;
  u32 element_type, index_type, count;
  btf_number element;
};

constexpr btf_record make_record(u32 name, abi::btf_kind kind, u32 size, u32 members = 0) noexcept {
  return {name, static_cast<u32>(kind) << 24 | members, size};
}
constexpr btf_number make_number(u32 name, u32 size, u32 encoding) noexcept {
  return {make_record(name, abi::btf_kind::integer, size), encoding << 24 | size * 8};
}

template <class Number>
constexpr u32 encoding_of() noexcept {
  if constexpr (std::is_enum_v<Number>)
    return encoding_of<std::underlying_type_t<Number>>();
  else if constexpr (std::is_same_v<Number, bool>)
    return abi::btf_integer_is_bool;
  else
    return std::is_signed_v<Number> ? abi::btf_integer_is_signed : 0;
}

template <class Value>
constexpr auto make_value_type() noexcept {
  constexpr u32 size = sizeof(Value);
  if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>)
    return make_number(value_name, size, encoding_of<Value>());
  else if constexpr (std::is_floating_point_v<Value>)
    return make_record(value_name, abi::btf_kind::floating, size);
  else
    return btf_struct_of_bytes{.type = make_record(value_name, abi::btf_kind::structure, size, 1),
                               .member_name = bytes_name,
                               .member_type = 3,
                               .member_at = 0,
                               .array = make_record(0, abi::btf_kind::array, 0),
                               .element_type = 4,
                               .index_type = 1,
                               .count = size,
                               .element = make_number(char_name, 1, 0)};
}

}  // namespace detail

/// BTF of a storage: of its keys, which are descriptors, and of its values.
/// Shape: byte for byte what BPF_BTF_LOAD takes; a type's id is its place, from 1.
/// Source: bpf_local_storage_map_check_btf() in kernel/bpf/bpf_local_storage.c at v6.12.
template <class Types>
struct storage_btf {
  static constexpr u32 key_id = 1, value_id = 2;

  u16 magic = abi::btf_magic;
  u8 version = 1;
  u8 flags = 0;
  u32 header_size = abi::btf_header::size;
  u32 types_offset = 0;
  u32 types_size = sizeof key + sizeof value;
  u32 strings_offset = types_size;
  u32 strings_size = sizeof strings;
  detail::btf_number key = detail::make_number(detail::int_name, 4, abi::btf_integer_is_signed);
  Types value;
  char strings[24] = "\0int\0value\0bytes\0char\0";
};

/// The BTF of a storage with values of this type: a number is one of its size and sign, anything else a struct of its
/// size, of which nothing more is said. So the kernel finds no lock, timer or pointer in it: for those it needs the
/// BTF of a BPF object.
/// Kernel: 4.18; floating-point numbers 5.13.
template <class Value>
inline constexpr storage_btf<decltype(detail::make_value_type<Value>())> storage_btf_of{
    .value = detail::make_value_type<Value>()};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_VALUE_BTF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What a new map is made of. Everything but the type and the sizes, which the class knows.
struct map_options {
  text name{};                        ///< at most 15 letters, digits, underscores and dots
  u32 max_entries = 0;                ///< entries; bytes of a ring buffer, pages of an arena, 0 for storages
  u32 map_flags = 0;                  ///< `map_flag` bits; those that the type demands are set
  u32 numa_node = 0;                  ///< with map_flag::numa_node
  u64 map_extra = 0;                  ///< what the type makes of it, see `map_kinds`
  u32 btf_fd = 0;                     ///< types that describe key and value; a storage makes its own without
  u32 btf_key_type_id = 0;            ///< in `btf_fd`
  u32 btf_value_type_id = 0;          ///< in `btf_fd`
  u32 btf_vmlinux_value_type_id = 0;  ///< in the kernel's own BTF, for a struct_ops
  int inner_map = -1;  ///< descriptor of a map like those that an array or hash of maps is to hold
  int token = -1;      ///< descriptor of a BPF token, 6.9; the flag for it is set
};

/// What an existing map must be beside its type and sizes; `any` where it does not matter.
struct map_expectations {
  u32 max_entries = map_identity::any;
  u32 map_flags = map_identity::any;  ///< with those that the type demands, which every map of it has
};

/// A way to reach an element beside by its key: `under_lock`, `on_cpu{3}`, `on_all_cpus`.
template <class Way>
concept element_way = requires(const Way& way) {
  { way.flags() } -> std::same_as<u64>;
  Way::needs;
};

/// A map of the kernel, with the C++ types of its keys and values. What a map of a type may do stands in room 2.0; a
/// const one does what leaves the map as it is; `read_only` and `write_only` do what the kernel allows a descriptor
/// that is narrowed so.
/// Shape:    a descriptor and the name; keys and values are copied as raw bytes.
/// Lifetime: a created map lives as long as this object, a program that uses it, or a pin. A borrowed one is
///           valid as long as its owner.
/// Threads:  safe on one object from several threads; the kernel orders the calls, but not the bytes: a value larger
///           than a word that is looked up while it is replaced or deleted may be of two (measured on 6.18: 8 of a
///           million lookups of 512 bytes). In the batches of a hash map each value is whole.
/// Cost:     one bpf(2) call for each operation, no allocation.
template <map_type Type, class Key, class Value, map_access Access = map_access::read_write>
class map {
  static constexpr map_kind kind = kind_of(Type);
  static constexpr bool per_cpu = kind.value == value_rule::per_cpu;
  // Of a kernel's type the C++ type says nothing, and of values of each CPU it says what one is.
  static constexpr value_rule wanted_value =
      per_cpu || kind.value == value_rule::kernel_type ? value_rule::plain : kind.value;
  static constexpr bool has_value = kind.value != value_rule::none;
  static_assert(kind.type == Type,
                "barebpf: this map type is newer than the library, so use untyped_map for it");
  static_assert(
      has_value != std::is_same_v<Value, no_value>,
      "barebpf: ring buffers and arenas have no values and all other maps have, so give no_value as the "
      "value type of those alone");
  static_assert(
      !has_value || value_rule_of<Value> == wanted_value,
      "barebpf: what goes into a map of this type and comes out of it is no plain value, or what its value "
      "type says belongs into another, so use the type that the map's alias in map/map.hpp has");
  static_assert(
      kind.value != value_rule::stack || sizeof(Value) % 8 == 0,
      "barebpf: the kernel keeps a stack as addresses of 8 bytes, so use stack_addresses as value type");
  static_assert((kind.key == key_rule::none) == std::is_same_v<Key, no_key>,
                "barebpf: queues, stacks, Bloom filters, ring buffers and arenas have no keys and all other "
                "maps have, so "
                "give no_key as the key type of those alone");
  static_assert(
      kind.key != key_rule::index || sizeof(Key) == 4,
      "barebpf: the kernel numbers the slots of this map with 32 bits, so its key type must have 4 bytes");
  static_assert(
      kind.key == key_rule::index || detail::is_key_size(kind.key, key_size_of<Key>),
      "barebpf: the kernel makes no map of this type with keys of this size, so take the key type that the "
      "map's alias in map/map.hpp has");
  static_assert(std::is_trivially_copyable_v<Key>,
                "barebpf: the kernel copies keys as raw bytes, so a key type must be trivially copyable");
  static_assert(std::is_trivially_copyable_v<Value>,
                "barebpf: the kernel copies values as raw bytes, so a value type must be trivially copyable");
  static_assert(
      !kind.hashes_the_key() || std::has_unique_object_representations_v<Key>,
      "barebpf: the kernel hashes every byte of a key, so a key type must have no padding: name the "
      "padding bytes as members and set them");

 public:
  static constexpr map_type type = Type;
  static constexpr map_access access = Access;
  using key_type = Key;
  using mapped_type = Value;
  /// What a lookup gives: the value, or what the kernel gives in its stead, or a value for each possible CPU.
  using element = std::conditional_t<per_cpu, per_cpu_values<Value>, answer_of<Value>>;
  /// What an update takes.
  using given = std::conditional_t<per_cpu, per_cpu_values<Value>, Value>;
  /// What batches of values are written to and read from.
  using element_storage = std::conditional_t<per_cpu, per_cpu_values<Value>&, span<answer_of<Value>>>;
  using element_source = std::conditional_t<per_cpu, const per_cpu_values<Value>&, span<const Value>>;
  /// The same map for reading only: `hits::read_only::get_pinned(path)` needs no right to write the pin, and what
  /// `create`, `get_pinned`, `from_id` and `get_or_create` open here the kernel itself holds to reading. Programs may
  /// write all the same. `adopt` and `from_fd` leave the descriptor as it is.
  using read_only = map<Type, Key, Value, map_access::read_only>;
  /// The same map for writing only, in the same way.
  using write_only = map<Type, Key, Value, map_access::write_only>;

  /// Uses a map that is already open; its type and sizes must be those of this class.
  explicit map(untyped_map untyped) noexcept : untyped_(std::move(untyped)) {}

  /// Creates a map. The flags without which the kernel makes none of this type are set, and a storage that is given no
  /// BTF gets the smallest that does, see `storage_btf_of`.
  /// Errors: bad_name; EPERM without CAP_BPF; what the table of map types says against it, such as no_entries,
  ///         refused_map_flag or newer_map_type; E2BIG and ENOMEM for a map that is too large; for a storage those of
  ///         BPF_BTF_LOAD.
  /// Cost:   one system call; three for a storage without BTF.
  /// Kernel: the type's first, see `map_kinds`.
  /// Source: map_create() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] static result<map> create(const map_options& options) noexcept {
    if (!is_kernel_name(options.name))
      return error{.at = step::map_create, .why = cause::bad_name}.about(options.name);
    if constexpr (kind.value == value_rule::stack)
      if ((options.map_flags & map_flag::stack_build_id & ~Value::map_flags) != 0)
        return error{.at = step::map_create, .why = cause::stack_of_build_ids}.about(options.name);
    abi::map_create attr{.map_type = static_cast<u32>(Type),
                         .key_size = key_size_of<Key>,
                         .value_size = value_size_of<Value>,
                         .max_entries = options.max_entries,
                         .map_flags = options.map_flags | kind.required_flags | value_flags |
                                      flag_of(Access) | (options.token >= 0 ? map_flag::token_fd : 0),
                         .inner_map_fd = options.inner_map < 0 ? 0 : static_cast<u32>(options.inner_map),
                         .numa_node = options.numa_node,
                         .map_name = to_kernel_name(options.name),
                         .btf_fd = options.btf_fd,
                         .btf_key_type_id = options.btf_key_type_id,
                         .btf_value_type_id = options.btf_value_type_id,
                         .btf_vmlinux_value_type_id = options.btf_vmlinux_value_type_id,
                         .map_extra = options.map_extra};
    outcome created{.subject = attr.map_name.characters};
    fd types;
    if constexpr (kind.btf == btf_rule::required)
      if (options.btf_fd == 0) {
        constexpr auto& made = storage_btf_of<Value>;
        types = fd::own(load_btf(&made, sizeof made, options.token));
        if (created.fails(step::btf_load, types.number())) return to_error(created);
        attr.btf_fd = types.raw();
        attr.btf_key_type_id = made.key_id;
        attr.btf_value_type_id = made.value_id;
      }
    const long answer =
        options.token < 0
            ? create_map(attr)
            : create_map(abi::map_create_with_token{.create = attr, .map_token_fd = options.token});
    if (created.fails(step::map_create, answer)) {
      created.why = explain_refusal(attr, answer);
      return to_error(created);
    }
    return map(untyped_map::own(fd::own(created.answer), attr.map_name));
  }

  /// Opens the map that is pinned under `path`, if it is one of this type, with these sizes and what `expected` says;
  /// `get_pinned<barebpf::identity_and_btf>` also holds the C++ types against the map's BTF, and so do those below.
  /// Errors: another_map, and then every difference is in `differences` if given; ENOENT; EACCES for a path that is
  ///         no pin, and for a pin without the right to read and write it, of which the views need one.
  /// Cost:   two system calls.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> get_pinned(text path, const map_expectations& expected = {},
                                              typename Check::differences* differences = nullptr) noexcept {
    auto opened = get_pin(path, flag_of(Access));
    if (!opened) return opened.error();
    return adopt<Check>(std::move(*opened), expected, differences);
  }
  /// Opens the map that the kernel knows by this id, under the same conditions.
  /// Errors: ENOENT when there is none; EPERM without CAP_SYS_ADMIN; another_map.
  /// Kernel: 4.13, BPF_MAP_GET_FD_BY_ID.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> from_id(u32 id, const map_expectations& expected = {},
                                           typename Check::differences* differences = nullptr) noexcept {
    const abi::next_id attr{.start_id = id, .open_flags = flag_of(Access)};
    const long opened = move_away(sys_bpf(abi::command::map_get_fd_by_id, attr));
    if (opened < 0) return failure(step::map_get_fd_by_id, opened);
    return adopt<Check>(fd::own(opened), expected, differences);
  }
  /// Takes over a descriptor, under the same conditions; it is closed when they are not met.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> adopt(fd owned, const map_expectations& expected = {},
                                         typename Check::differences* differences = nullptr) noexcept {
    const auto name = Check::template check<Key, Value>(owned.number(), identity(expected), differences);
    if (!name) return name.error();
    return map(untyped_map::own(std::move(owned), *name));
  }
  /// Uses a descriptor of somebody else's, under the same conditions; it is never closed.
  /// Lifetime: valid as long as `number` is open.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> from_fd(int number, const map_expectations& expected = {},
                                           typename Check::differences* differences = nullptr) noexcept {
    const auto name = Check::template check<Key, Value>(number, identity(expected), differences);
    if (!name) return name.error();
    return map(untyped_map::borrow(number, *name));
  }
  /// Opens the map that is pinned under `path`, or creates it and pins it there. Of several processes that do this
  /// at once, one creates it and all get the same.
  /// Errors: those of `create`, `pin` and `get_pinned`.
  template <class Check = identity_only>
  [[nodiscard]] static result<map> get_or_create(
      text path, const map_options& options, typename Check::differences* differences = nullptr) noexcept {
    // Those of a descriptor are not the map's, and the kernel does not keep them.
    constexpr u32 forgotten = map_flag::rdonly | map_flag::wronly | map_flag::token_fd;
    const map_expectations expected{.max_entries = options.max_entries,
                                    .map_flags = options.map_flags & ~forgotten};
    for (int tries = 0;; ++tries) {
      auto existing = get_pinned<Check>(path, expected, differences);
      if (existing || existing.error().at != step::obj_get || existing.error().code != ENOENT)
        return existing;
      auto created = create(options);
      if (!created) return created;
      const auto pinned = created->pin(path);
      if (pinned) return created;
      // Somebody was faster; and may unpin it again before it is got, so not for ever.
      if (pinned.error().code != EEXIST || tries == 8) return pinned.error();
    }
  }

  /// This map for reading or writing only, by its C++ type alone: no system call, and the descriptor may do what it
  /// could. `read_only::from_id(map.info()->id)` opens one that the kernel holds to it.
  /// Lifetime: valid as long as this map.
  [[nodiscard]] read_only as_read_only() const& noexcept {
    demand<can_lookup>();
    return read_only(untyped_map::borrow(descriptor().number(), untyped_.map_name()));
  }
  [[nodiscard]] write_only as_write_only() & noexcept {
    demand<can_update>();
    return write_only(untyped_map::borrow(descriptor().number(), untyped_.map_name()));
  }
  read_only as_read_only() const&& = delete;
  write_only as_write_only() && = delete;

  /// Pins the map under `path`, see `barebpf::pin`; the pin does not remember what this descriptor may do.
  [[nodiscard]] result<void> pin(text path) const noexcept { return barebpf::pin(descriptor(), path); }
  /// What the kernel says of the map.
  [[nodiscard]] result<abi::map_info> info() const noexcept { return ask_about_map(descriptor().number()); }
  /// From now on user space may only read; programs may still write.
  /// Errors: EBUSY while it is mapped for writing; EPERM when it is frozen already.
  /// Kernel: 5.2, BPF_MAP_FREEZE.
  /// Source: map_freeze() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> freeze() noexcept {
    demand<can_freeze>();
    return done(step::map_freeze, untyped_.freeze());
  }

  [[nodiscard]] const fd& descriptor() const noexcept { return untyped_.descriptor(); }
  [[nodiscard]] text map_name() const noexcept { return untyped_.map_name(); }

  /// Copies out the value under `key`.
  /// Errors: ENOENT when the key is absent; in an array no_such_slot.
  /// Kernel: 3.19, BPF_MAP_LOOKUP_ELEM.
  /// Source: map_lookup_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<element> lookup_elem(const Key& key) const noexcept {
    demand<can_lookup>();
    demand_answer();
    if constexpr (per_cpu) {
      auto values = element::make();
      if (!values) return values;
      if (const auto found = lookup_elem(key, *values); !found) return found.error();
      return values;
    } else {
      element value{};
      if (const long answer = untyped_.lookup_elem(&key, &value); answer < 0)
        return explain_element(step::map_lookup_elem, answer);
      return value;
    }
  }
  /// Copies the value under `key` into `value`, for values too large to return, and those of all CPUs without an
  /// allocation.
  /// Errors: ENOENT when the key is absent; `value` is then as it was.
  [[nodiscard]] result<void> lookup_elem(const Key& key, element& value) const noexcept {
    demand<can_lookup>();
    demand_answer();
    if (const long answer = untyped_.lookup_elem(&key, address_of(value)); answer < 0)
      return explain_element(step::map_lookup_elem, answer);
    return {};
  }
  /// The same `under_lock`, or the value `on_cpu` alone.
  /// Errors: ENOENT when the key is absent; EINVAL when the map's BTF shows no lock, and before 7.0 for a CPU.
  template <element_way Way>
  [[nodiscard]] result<Value> lookup_elem(const Key& key, Way way) const noexcept {
    demand<can_lookup>();
    demand_way<Way>();
    Value value{};
    if (const long answer = untyped_.lookup_elem(&key, &value, way.flags()); answer < 0)
      return explain_element(step::map_lookup_elem, answer);
    return value;
  }
  /// Stores `value` under `key`.
  /// Errors: E2BIG when the map is full; in an array no_such_slot.
  /// Kernel: 3.19, BPF_MAP_UPDATE_ELEM.
  /// Source: map_update_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> update_elem(const Key& key, const given& value) noexcept {
    return store(key, address_of(value), 0);
  }
  /// The same if the key is there, or if it is not, as `how` says.
  /// Errors: EEXIST and ENOENT as `how` says; slots of arrays are always there.
  template <class = void>
  [[nodiscard]] result<void> update_elem(const Key& key, const given& value, update how) noexcept {
    demand_choice();
    return store(key, address_of(value), static_cast<u64>(how));
  }
  /// The same `under_lock`, or the value `on_cpu` alone, or the same value `on_all_cpus`.
  /// Errors: EINVAL when the map's BTF shows no lock, and before 7.0 for CPUs.
  template <element_way Way>
  [[nodiscard]] result<void> update_elem(const Key& key, const Value& value, Way way,
                                         update how = update::any) noexcept {
    demand_way<Way>();
    return store(key, &value, static_cast<u64>(how) | way.flags());
  }
  /// Removes `key` and its value.
  /// Errors: ENOENT when the key is absent.
  /// Kernel: 3.19, BPF_MAP_DELETE_ELEM.
  /// Source: map_delete_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> delete_elem(const Key& key) noexcept {
    demand<can_delete>();
    if (const long answer = untyped_.delete_elem(&key); answer < 0)
      return explain_element(step::map_delete_elem, answer);
    return {};
  }
  /// Removes `key` and gives its value.
  /// Errors: ENOENT when the key is absent.
  /// Kernel: 5.14 for hash maps, BPF_MAP_LOOKUP_AND_DELETE_ELEM.
  /// Source: map_lookup_and_delete_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<element> lookup_and_delete_elem(const Key& key) noexcept {
    demand<can_lookup_and_delete>();
    demand_answer();
    if constexpr (per_cpu) {
      auto values = element::make();
      if (!values) return values;
      if (const long answer = untyped_.lookup_and_delete_elem(&key, values->data()); answer < 0)
        return explain_element(step::map_lookup_and_delete_elem, answer);
      return values;
    } else {
      element value{};
      if (const long answer = untyped_.lookup_and_delete_elem(&key, &value); answer < 0)
        return explain_element(step::map_lookup_and_delete_elem, answer);
      return value;
    }
  }
  /// The same `under_lock`.
  /// Errors: ENOENT when the key is absent; EINVAL when the map's BTF shows no lock.
  template <element_way Way>
  [[nodiscard]] result<Value> lookup_and_delete_elem(const Key& key, Way way) noexcept {
    demand<can_lookup_and_delete>();
    demand_lock<Way>();
    Value value{};
    if (const long answer = untyped_.lookup_and_delete_elem(&key, &value, way.flags()); answer < 0)
      return explain_element(step::map_lookup_and_delete_elem, answer);
    return value;
  }

  // These are templates, so that a map with keys can still be instantiated as a whole.

  /// Adds an element to a queue, a stack or a Bloom filter.
  /// Errors: E2BIG when it is full.
  /// Kernel: 4.20, BPF_MAP_UPDATE_ELEM without a key; Bloom filters 5.16.
  /// Source: queue_stack_map_push_elem() in kernel/bpf/queue_stack_maps.c at v6.12.
  template <class = void>
  [[nodiscard]] result<void> push_elem(const Value& value) noexcept {
    demand<can_update, false>();
    return done(step::map_update_elem, untyped_.update_elem(nullptr, &value, 0));
  }
  /// The same; with `update::exist` a full queue or stack loses its oldest element instead.
  /// Errors: EINVAL for `update::noexist`.
  template <class = void>
  [[nodiscard]] result<void> push_elem(const Value& value, update how) noexcept {
    demand<can_update, false>();
    demand_choice();
    return done(step::map_update_elem, untyped_.update_elem(nullptr, &value, static_cast<u64>(how)));
  }
  /// Takes the oldest element of a queue, the newest of a stack.
  /// Errors: ENOENT when it is empty.
  /// Kernel: 4.20, BPF_MAP_LOOKUP_AND_DELETE_ELEM without a key.
  template <class = void>
  [[nodiscard]] result<Value> pop_elem() noexcept {
    demand<can_lookup_and_delete, false>();
    Value value{};
    if (const long answer = untyped_.lookup_and_delete_elem(nullptr, &value); answer < 0)
      return explain(step::map_lookup_and_delete_elem, answer);
    return value;
  }
  /// Copies the element that `pop_elem` would take.
  /// Errors: ENOENT when it is empty.
  /// Kernel: 4.20, BPF_MAP_LOOKUP_ELEM without a key.
  template <class = void>
  [[nodiscard]] result<Value> peek_elem() const noexcept {
    demand<can_lookup, false>();
    static_assert(can_be_popped,
                  "barebpf: a Bloom filter does not give back what is in it, so ask may_contain");
    Value value{};
    if (const long answer = untyped_.lookup_elem(nullptr, &value); answer < 0)
      return explain(step::map_lookup_elem, answer);
    return value;
  }
  /// False when `value` was surely never pushed to a Bloom filter; true when it probably was.
  /// Kernel: 5.16, BPF_MAP_LOOKUP_ELEM, which takes the value in.
  /// Source: bloom_map_peek_elem() in kernel/bpf/bloom_filter.c at v6.12.
  template <class = void>
  [[nodiscard]] result<bool> may_contain(const Value& value) const noexcept {
    demand<can_lookup, false>();
    static_assert(!can_be_popped,
                  "barebpf: only a Bloom filter answers for a value, so use peek_elem or pop_elem");
    Value asked = value;
    const long answer = untyped_.lookup_elem(nullptr, &asked);
    if (answer < 0 && answer != -ENOENT) return explain(step::map_lookup_elem, answer);
    return answer >= 0;
  }

  /// The first key.
  /// Errors: ENOENT when the map is empty.
  /// Kernel: 4.12 without a key, BPF_MAP_GET_NEXT_KEY.
  [[nodiscard]] result<Key> get_next_key() const noexcept { return next(nullptr); }
  /// The key after `key`. In a hash map the first key follows one that is absent, so a walk that deletes the
  /// key it stands on begins again.
  /// Errors: ENOENT after the last key.
  /// Kernel: 3.19, BPF_MAP_GET_NEXT_KEY.
  /// Source: map_get_next_key() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<Key> get_next_key(const Key& key) const noexcept { return next(&key); }

  /// Walks over all elements: `for (auto [key, value] : map.entries())`, see `entry_range`.
  [[nodiscard]] owned_entry_range<Key, answer_of<Value>> entries() const& noexcept {
    demand<can_get_next_key>();
    demand<can_lookup>();
    demand_answer();
    static_assert(
        !per_cpu,
        "barebpf: how large the values of all CPUs are is known at run time only, so give entries the "
        "storage that per_cpu_values::make makes");
    return owned_entry_range<Key, answer_of<Value>>(untyped_);
  }
  /// The same with the caller's storage for the batches; without any, one key after the other. Per-CPU values need
  /// room for at least one element.
  [[nodiscard]] auto entries(span<Key> keys, element_storage values) const& noexcept {
    demand<can_get_next_key>();
    demand<can_lookup>();
    demand_answer();
    const u32 room = smaller(keys.size(), count_of(values));
    if constexpr (per_cpu)
      return entry_range<Key, per_cpu_pointer<Value>>(
          untyped_, keys.data(), per_cpu_pointer<Value>(values.data(), values.cpus()), room);
    else
      return entry_range<Key, answer_of<Value>*>(untyped_, keys.data(), values.data(), room);
  }

  // A walk looks at its map, which must not be gone before it.
  void entries() const&& = delete;
  void entries(span<Key> keys, element_storage values) const&& = delete;

  /// Copies out the next elements of a walk, as many as fit, and says in `cursor` whether they were the last.
  /// Errors: ENOSPC when the elements of one bucket do not fit: give more room.
  /// Kernel: 5.6, BPF_MAP_LOOKUP_BATCH; the elements of one bucket come together.
  /// Source: __htab_map_lookup_and_delete_batch() in kernel/bpf/hashtab.c at v6.12.
  [[nodiscard]] batch_result lookup_batch(batch_cursor<Key>& cursor, span<Key> keys,
                                          element_storage values) const noexcept {
    demand<can_lookup_batch>();
    return read_batch(abi::command::map_lookup_batch, step::map_lookup_batch, cursor, keys.data(),
                      values.data(), smaller(keys.size(), count_of(values)));
  }
  /// The same `under_lock`.
  template <element_way Way>
  [[nodiscard]] batch_result lookup_batch(batch_cursor<Key>& cursor, span<Key> keys, span<Value> values,
                                          Way way) const noexcept {
    demand<can_lookup_batch>();
    demand_way<Way>();
    return read_batch(abi::command::map_lookup_batch, step::map_lookup_batch, cursor, keys.data(),
                      values.data(), smaller(keys.size(), values.size()), way.flags());
  }
  /// The same, and removes them.
  /// Kernel: 5.6, BPF_MAP_LOOKUP_AND_DELETE_BATCH.
  [[nodiscard]] batch_result lookup_and_delete_batch(batch_cursor<Key>& cursor, span<Key> keys,
                                                     element_storage values) noexcept {
    demand<can_lookup_and_delete_batch>();
    return read_batch(abi::command::map_lookup_and_delete_batch, step::map_lookup_and_delete_batch, cursor,
                      keys.data(), values.data(), smaller(keys.size(), count_of(values)));
  }
  /// The same `under_lock`.
  template <element_way Way>
  [[nodiscard]] batch_result lookup_and_delete_batch(batch_cursor<Key>& cursor, span<Key> keys,
                                                     span<Value> values, Way way) noexcept {
    demand<can_lookup_and_delete_batch>();
    demand_lock<Way>();
    return read_batch(abi::command::map_lookup_and_delete_batch, step::map_lookup_and_delete_batch, cursor,
                      keys.data(), values.data(), smaller(keys.size(), values.size()), way.flags());
  }
  /// Stores each of `values` under its key. The kernel has no noexist and no exist for batches.
  /// Errors: E2BIG when the map is full, in an array no_such_slot; `count` elements were stored before that.
  /// Kernel: 5.6, BPF_MAP_UPDATE_BATCH.
  /// Source: generic_map_update_batch() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] batch_result update_batch(span<const Key> keys, element_source values) noexcept {
    demand<can_update_batch>();
    return write_batch(abi::command::map_update_batch, step::map_update_batch, keys.data(), values.data(),
                       smaller(keys.size(), count_of(values)));
  }
  /// The same `under_lock`, or each value `on_cpu` alone or `on_all_cpus`.
  template <element_way Way>
  [[nodiscard]] batch_result update_batch(span<const Key> keys, span<const Value> values, Way way) noexcept {
    demand<can_update_batch>();
    demand_way<Way>();
    return write_batch(abi::command::map_update_batch, step::map_update_batch, keys.data(), values.data(),
                       smaller(keys.size(), values.size()), way.flags());
  }
  /// Removes each of `keys`.
  /// Errors: ENOENT at the first that is not there; `count` were removed before it.
  /// Kernel: 5.6, BPF_MAP_DELETE_BATCH.
  /// Source: generic_map_delete_batch() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] batch_result delete_batch(span<const Key> keys) noexcept {
    demand<can_delete_batch>();
    return write_batch(abi::command::map_delete_batch, step::map_delete_batch, keys.data(), nullptr,
                       static_cast<u32>(keys.size()));
  }

  /// The values as memory; of a const map for reading, which a map that is frozen or that programs may not write
  /// allows too: `std::as_const(slots).map_values()`.
  /// Errors: EINVAL without map_flag::mmapable; EPERM for writing to a frozen map, EACCES to one with
  ///         map_flag::rdonly_prog; EACCES or EINVAL for a descriptor that was narrowed.
  /// Cost:   two system calls, and none for each access.
  /// Kernel: 5.5.
  /// Source: array_map_mmap() in kernel/bpf/arraymap.c at v6.12.
  // Templates, so that a map that cannot be mapped can still be instantiated as a whole.
  template <std::same_as<Value> Seen = Value>
  [[nodiscard]] result<mapped_values<Seen>> map_values() noexcept {
    return map_memory<Seen>();
  }
  template <std::same_as<const Value> Seen = const Value>
  [[nodiscard]] result<mapped_values<Seen>> map_values() const noexcept {
    return map_memory<Seen>();
  }

 private:
  // Of operations that name an element by its key, and of those that do not.
  template <operation Wanted, bool ByKey = true>
  static constexpr void demand() noexcept {
    static_assert(ByKey || kind.key == key_rule::none,
                  "barebpf: elements of this map are named by keys, so use update_elem, lookup_elem and "
                  "lookup_and_delete_elem");
    static_assert(!ByKey || kind.key != key_rule::none || !has_value || Wanted == can_freeze,
                  "barebpf: elements of this map have no keys, so use push_elem, pop_elem and peek_elem");
    static_assert((kind.operations & Wanted) != 0,
                  "barebpf: the kernel does not know this operation on maps of this type, so use another");
    constexpr bool allowed = (operations_of(Access) & Wanted) != 0;
    static_assert(
        allowed || Wanted != can_mmap,
        "barebpf: the kernel shares no memory through a read-only or write-only descriptor, so use the "
        "class of the map itself, and a const map for reading");
    static_assert(
        allowed || Wanted == can_mmap || Access != map_access::read_only,
        "barebpf: the kernel changes no map through a read-only descriptor, so use the class of the map "
        "itself");
    static_assert(
        allowed || Wanted == can_mmap || Access != map_access::write_only,
        "barebpf: the kernel reads no map through a write-only descriptor, so use the class of the map "
        "itself");
  }

  static constexpr void demand_answer() noexcept {
    static_assert(
        !std::is_same_v<answer_of<Value>, no_value>,
        "barebpf: the kernel gives nothing back from such a value, so use socket_fd, whose 8 bytes bring the "
        "socket's cookie, or look it up in a program");
  }
  static constexpr void demand_choice() noexcept {
    static_assert(
        (kind.operations & can_choose_update) != 0,
        "barebpf: the kernel does not ask whether something is there before it updates a map of this type, "
        "so leave update::noexist and update::exist out");
  }
  template <class Way>
  static constexpr void demand_way() noexcept {
    static_assert(
        Way::needs != can_lock || (kind.operations & can_lock) != 0,
        "barebpf: values of this map type have no spin lock for the kernel to take, so leave under_lock out");
    static_assert(
        Way::needs != can_choose_cpu || (kind.operations & can_choose_cpu) != 0,
        "barebpf: maps of this type keep one value for all CPUs, so leave on_cpu and on_all_cpus out");
  }
  template <class Way>
  static constexpr void demand_lock() noexcept {
    demand_way<Way>();
    static_assert(Way::needs == can_lock,
                  "barebpf: an element leaves a map with its values of all CPUs, so leave on_cpu out");
  }

  static constexpr map_identity identity(const map_expectations& expected) noexcept {
    map_identity out{.type = static_cast<u32>(Type),
                     .key_size = key_size_of<Key>,
                     .value_size = value_size_of<Value>,
                     .max_entries = expected.max_entries,
                     .map_flags = expected.map_flags | kind.required_flags};
    // Values of either kind may have the same size, so whatever else is expected, this flag tells them apart.
    if constexpr (kind.value == value_rule::stack) {
      if (expected.map_flags == map_identity::any) {
        out.map_flags = value_flags;
        out.compared_flags = map_flag::stack_build_id;
      } else {
        out.map_flags |= value_flags;
      }
    }
    return out;
  }
  // What the value type itself wants of a map.
  static constexpr u32 value_flags = [] {
    if constexpr (kind.value == value_rule::stack)
      return Value::map_flags;
    else
      return u32{0};
  }();
  static constexpr bool can_be_popped = (kind.operations & can_lookup_and_delete) != 0;
  template <class Element>
  static auto* address_of(Element& value) noexcept {
    if constexpr (per_cpu)
      return value.data();
    else
      return &value;
  }
  template <class Storage>
  static size_t count_of(const Storage& values) noexcept {
    if constexpr (per_cpu)
      return values.elements();
    else
      return values.size();
  }
  static constexpr u32 smaller(size_t a, size_t b) noexcept { return static_cast<u32>(a < b ? a : b); }

  [[nodiscard]] batch_result read_batch(abi::command command, step at, batch_cursor<Key>& cursor, Key* keys,
                                        void* values, u32 count, u64 flags = 0) const noexcept {
    if (cursor.at_end()) return batch_result(0);
    const long answer = untyped_.batch(command, cursor.in(), cursor.out(), keys, values, count, flags);
    // ENOENT says that these were the last ones, and they count.
    if (answer < 0 && answer != -ENOENT) return batch_result(0, explain_element(at, answer));
    cursor.advance(answer == -ENOENT);
    return batch_result(count);
  }
  [[nodiscard]] batch_result write_batch(abi::command command, step at, const Key* keys, const void* values,
                                         u32 count, u64 flags = 0) noexcept {
    if (count == 0) return batch_result(0);
    const u32 wanted = count;
    const long answer = untyped_.batch(command, nullptr, nullptr, keys, values, count, flags);
    if (answer >= 0) return batch_result(count);
    // Where the kernel refused before it began, it left the count as it was.
    return batch_result(count == wanted ? 0 : count, explain_element(at, answer));
  }
  template <class Seen>
  [[nodiscard]] result<mapped_values<Seen>> map_memory() const noexcept {
    demand<can_mmap>();
    static_assert(has_value,
                  "barebpf: this map's memory is no row of values, so use the class that reads it, such as "
                  "ringbuf");
    static_assert(
        sizeof(Value) % 8 == 0,
        "barebpf: the kernel keeps the values of an array 8 bytes apart or a multiple of it, so a value "
        "type that is mapped must have such a size");
    const auto known = info();
    if (!known) return known.error().about(map_name());
    detail::mapping memory;
    if (const long answer =
            memory.fill(descriptor().number(), mapped_values<Seen>::size_of(known->max_entries),
                        std::is_const_v<Seen> ? detail::mapping::readable : detail::mapping::writable);
        answer < 0)
      return explain(step::map_memory, answer);
    return mapped_values<Seen>(std::move(memory), known->max_entries);
  }
  [[nodiscard, gnu::always_inline]] result<void> store(const Key& key, const void* value,
                                                       u64 flags) noexcept {
    demand<can_update>();
    if (const long answer = untyped_.update_elem(&key, value, flags); answer < 0)
      return explain_element(step::map_update_elem, answer);
    return {};
  }
  [[nodiscard]] result<Key> next(const Key* key) const noexcept {
    demand<can_get_next_key>();
    Key found{};
    if (const long answer = untyped_.get_next_key(key, &found); answer < 0)
      return explain(step::map_get_next_key, answer);
    return found;
  }
  [[nodiscard]] result<void> done(step at, long answer) const noexcept {
    if (answer < 0) return explain(at, answer);
    return {};
  }
  // Sixteen bytes at once, because an absent key is no reason to be slow.
  [[nodiscard, gnu::always_inline]] error explain(step at, long answer) const noexcept {
    error out = failure(at, answer);
    static_assert(sizeof(kernel_name) <= sizeof out.name);
    __builtin_memcpy(out.name, &untyped_.map_name(), sizeof(kernel_name));
    return out;
  }
  // The same, with what the errno means on a map of this type where that is something of its own.
  [[nodiscard, gnu::always_inline]] error explain_element(step at, long answer) const noexcept {
    error out = explain(at, answer);
    if constexpr (explains_elements(kind)) out.why = why_refused_element(kind, at, out.code);
    return out;
  }

  untyped_map untyped_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_TYPED_HPP

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

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// An arena begins at a page, and its addresses differ in their lower 32 bits alone: those are what a program counts
// with. The kernel would silently map one that crosses a border of 4 GiB behind it.
// Source: arena_get_unmapped_area() in kernel/bpf/arena.c at v6.12.
constexpr bool can_hold_an_arena(u64 address, u64 size, size_t page) noexcept {
  return address % page == 0 && (size == 0 || address >> 32 == (address + size - 1) >> 32);
}

}  // namespace detail

/// The pages of an arena, shared with the programs that use it; made by `map_arena`.
/// Shape:    all of it, at the address that it has in every process. A page is there, full of zeros, once somebody
///           here touches it or `fault_in` does. In a page that is not there, a program reads zeros and what it writes
///           is lost.
/// Lifetime: unmapped with this object; it keeps the arena alive by itself. Moving empties the source. The pages
///           and what is in them stay as long as the arena. Newer kernels do not hand it to a child of fork
///           (measured on 6.18), which maps it for itself.
/// Threads:  programs and other processes write at any time, so whoever needs more than one word must agree with
///           them on how.
/// Cost:     nothing for each access but the first to a page.
class mapped_arena {
 public:
  explicit mapped_arena(mapped_values<unsigned char> pages) noexcept : pages_(std::move(pages)) {}

  [[nodiscard]] unsigned char* data() const noexcept { return pages_.begin(); }
  [[nodiscard]] size_t size() const noexcept { return pages_.size(); }
  [[nodiscard]] span<unsigned char> bytes() const noexcept { return pages_.values(); }

  /// The `T` that lies `offset` bytes behind the start of the arena; all of it must lie inside.
  template <class T>
  [[nodiscard]] T& at(size_t offset) const noexcept {
    demand_plain<T>();
    return *reinterpret_cast<T*>(data() + offset);
  }
  /// Whether a whole `T` lies inside the arena where `pointer` says, and is aligned. What a program or another process
  /// wrote is just a number until this is true of it.
  template <class T>
  [[nodiscard]] bool contains(const T* pointer) const noexcept {
    demand_plain<T>();
    // As integers, because pointers to different things have no order. One below the start wraps to one far behind.
    const size_t address = reinterpret_cast<size_t>(pointer);
    const size_t offset = address - reinterpret_cast<size_t>(data());
    return sizeof(T) <= size() && offset <= size() - sizeof(T) && address % alignof(T) == 0;
  }

  /// Makes the pages of `count` bytes from `offset` be there, so that programs may write to them; a `count` of 0 is all
  /// from `offset` on.
  /// Errors: EINVAL for an offset that is no whole page; ENOMEM behind the end; EFAULT with map_flag::segv_on_fault,
  ///         where only programs bring pages in, and when the memory cgroup of the arena's creator is full.
  /// Cost:   one system call.
  /// Source: madvise(2), MADV_POPULATE_WRITE.
  [[nodiscard]] result<void> fault_in(size_t offset = 0, size_t count = 0) const noexcept {
    constexpr long populate_write = 23;
    const size_t bytes = count == 0 && offset < size() ? size() - offset : count;
    if (const long answer = system_call(__NR_madvise, data() + offset, bytes, populate_write); answer < 0)
      return failure(step::fault_in, answer);
    return {};
  }

 private:
  template <class T>
  static constexpr void demand_plain() noexcept {
    static_assert(
        std::is_trivially_copyable_v<T>,
        "barebpf: programs see the raw bytes of an arena, so what lies in it must be trivially copyable");
  }

  mapped_values<unsigned char> pages_;
};

/// Maps all pages of an arena, for reading and writing. The first who maps it decides where: at the `map_extra` that
/// it was created with; or else at `address`, or where the kernel finds room when that is 0. Everybody else must say
/// the same: the kernel tells nobody where an arena is, so whoever adopts one without `map_extra` is given `address`
/// by those who mapped it. A process maps it once, and before a program that uses it is loaded.
/// Errors: misplaced_arena; arena_elsewhere; EEXIST when this process has something else there, such as the arena
///         itself; E2BIG when others mapped less of it; EPERM when it is frozen.
/// Cost:   two system calls, and one or more for the size of a page.
/// Kernel: 6.9; a map that was mapped so cannot be frozen any more.
/// Source: arena_map_mmap() in kernel/bpf/arena.c at v6.12.
template <class Map>
[[nodiscard]] result<mapped_arena> map_arena(const Map& arena, u64 address = 0) noexcept {
  static_assert(std::is_same_v<Map, arena_map>,
                "barebpf: only an arena has an address that programs know, and it is mapped for writing, so "
                "give an arena_map");
  constexpr long shared = 1, not_instead = 1 << 20;  // MAP_SHARED, MAP_FIXED_NOREPLACE
  const auto known = arena.info();
  if (!known) return known.error().about(arena.map_name());
  if (address == 0) address = known->map_extra;
  const size_t page = detail::page_size();
  const u64 size = u64{known->max_entries} * page;
  if (!detail::can_hold_an_arena(address, size, page))
    return error{.at = step::map_memory, .why = cause::misplaced_arena}.about(arena.map_name());
  detail::mapping memory;
  const long answer = memory.take(
      detail::map_pages(static_cast<size_t>(address), static_cast<size_t>(size), detail::mapping::writable,
                        address == 0 ? shared : shared | not_instead, arena.descriptor().number(), 0),
      static_cast<size_t>(size));
  if (answer < 0) {
    error why = failure(step::map_memory, answer).about(arena.map_name());
    if (answer == -EINVAL || answer == -EBUSY) why.why = cause::arena_elsewhere;
    return why;
  }
  return mapped_arena(mapped_values<unsigned char>(std::move(memory), static_cast<size_t>(size)));
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_ARENA_HPP
// Room 7.13, map/folded: stacks as lines of text, in the folded form that flame graph tools take.
#ifndef BAREBPF_MAP_FOLDED_HPP
#define BAREBPF_MAP_FOLDED_HPP

// Room 6.9, symbols: what is at an address: which function of the kernel, which file of a process.
#ifndef BAREBPF_SYMBOLS_HPP
#define BAREBPF_SYMBOLS_HPP

// Room 2.6, proc_lines: a line of /proc/kallsyms and one of /proc/PID/maps, as the kernel writes them.
#ifndef BAREBPF_PROC_LINES_HPP
#define BAREBPF_PROC_LINES_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A line of /proc/kallsyms: "ffffffff81000000 T _text", with "\t[module]" behind it if it is a module's.
/// Lifetime: looks at the line that was read.
/// Source:   s_show() in kernel/kallsyms.c at v6.12.
struct kallsyms_line {
  u64 address = 0;  ///< 0 where the kernel hides it
  char type = ' ';  ///< as nm(1) has it
  text symbol{};
  text module{};  ///< "bpf" for programs that were compiled to machine code

  /// True for functions and other places that code may be at.
  [[nodiscard]] constexpr bool is_code() const noexcept {
    // What begins with a dollar marks code and data inside the functions of arm64's modules.
    return (type == 't' || type == 'T' || type == 'w' || type == 'W') && !symbol.starts_with("$");
  }
};

/// Reads a line without its end into `out`; false when it is none.
[[nodiscard]] constexpr bool read_kallsyms_line(text line, kallsyms_line& out) noexcept {
  detail::text_reader in(line);
  if (!in.take_number(16, 16, out.address) || !in.take(" ") || in.is_done()) return false;
  out.type = in.rest()[0];
  if (!in.take(text(&out.type, 1)) || !in.take(" ")) return false;
  out.symbol = in.take_until('\t');
  out.module = {};
  if (in.take("[")) out.module = in.take_until(']');
  return !out.symbol.empty() && in.is_done();
}

/// A line of /proc/PID/maps: "7f5231677000-7f52317cd000 r-xp 00026000 fe:00 332835      /usr/lib/libc.so.6".
/// Lifetime: looks at the line that was read.
/// Source:   show_map_vma() in fs/proc/task_mmu.c at v6.12; proc_pid_maps(5).
struct maps_line {
  u64 first = 0;   ///< address of the first byte
  u64 end = 0;     ///< address behind the last byte
  u64 offset = 0;  ///< of the first byte in the file
  bool is_executable = false;
  text path{};  ///< empty where no file is mapped, "[vdso]" for the kernel's own
};

/// Reads a line without its end into `out`; false when it is none.
[[nodiscard]] constexpr bool read_maps_line(text line, maps_line& out) noexcept {
  detail::text_reader in(line);
  if (!in.take_number(16, 16, out.first) || !in.take("-")) return false;
  if (!in.take_number(16, 16, out.end) || !in.take(" ") || out.end <= out.first) return false;
  const text rights = in.take_until(' ');
  if (rights.size() != 4) return false;
  out.is_executable = rights[2] == 'x';
  if (!in.take_number(16, 16, out.offset) || !in.take(" ")) return false;
  const text device = in.take_until(' '), inode = in.take_until(' ');
  if (device.empty() || inode.empty()) return false;
  while (in.take(" ")) {
  }
  out.path = in.rest();
  return true;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROC_LINES_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// The lines of a file that has no size, such as those of /proc.
class line_reader {
 public:
  [[nodiscard]] static result<line_reader> open(text path) noexcept {
    const auto terminated = name<4096>::cut(path);
    line_reader out;
    out.file_ = fd::own(move_away(open_to_read(terminated.characters)));
    if (!out.file_.is_open()) return failure(step::open_file, out.file_.number()).about(path);
    auto piece = buffer<char>::of(piece_size);
    if (!piece) return piece.error();
    out.piece_ = std::move(*piece);
    return out;
  }

  // The next line without its end, which stays where it is until the next call.
  // Shape: 1 when there was one, 0 behind the last, or negative errno.
  [[nodiscard]] long next(text& line) noexcept {
    size_t seen = first_;
    for (;;) {
      for (; seen < end_; ++seen) {
        if (piece_[seen] != '\n') continue;
        line = text(piece_.data() + first_, seen - first_);
        first_ = seen + 1;
        return 1;
      }
      if (first_ != 0) {  // what is begun goes to the front
        end_ -= first_;
        __builtin_memmove(piece_.data(), piece_.data() + first_, end_);
        seen -= first_;
        first_ = 0;
      }
      if (end_ == piece_.size()) return -EOVERFLOW;
      const long got = system_call(__NR_read, file_.number(), piece_.data() + end_, piece_.size() - end_);
      if (got == -EINTR) continue;
      if (got <= 0) return got;
      end_ += static_cast<size_t>(got);
    }
  }

 private:
  // Room for the longest line: a path of 4095 characters, each of which may take four.
  static constexpr size_t piece_size = size_t{1} << 16;

  fd file_;
  buffer<char> piece_;
  size_t first_ = 0, end_ = 0;
};

// Hands each line of the file at `path` to `keep`, as `understand` reads it, up to the first that fails.
template <class Line, class Keep>
[[nodiscard]] result<void> each_line(text path, bool (*understand)(text, Line&) noexcept,
                                     Keep keep) noexcept {
  auto lines = line_reader::open(path);
  if (!lines) return lines.error();
  for (text line;;) {
    const long got = lines->next(line);
    if (got < 0) return failure(step::read_file, got).about(path);
    if (got == 0) return {};
    Line seen;
    if (!understand(line, seen)) return error{.at = step::read_file, .why = cause::bad_proc_line}.about(path);
    if (auto kept = keep(seen); !kept) return kept;
  }
}

// An array of which nobody knows how long it gets.
template <class T>
class growing {
 public:
  [[nodiscard]] result<void> add(const T* from, size_t count) noexcept {
    if (count > list_.size() - size_) {
      auto larger = buffer<T>::of((list_.size() + count + first_size) * 2);
      if (!larger) return larger.error();
      copy_to(*larger);
      list_ = std::move(*larger);
    }
    for (size_t i = 0; i < count; ++i) list_[size_ + i] = from[i];
    size_ += count;
    return {};
  }
  [[nodiscard]] size_t size() const noexcept { return size_; }
  [[nodiscard]] const T* data() const noexcept { return list_.data(); }
  // All of it in just as much memory as it takes.
  [[nodiscard]] result<buffer<T>> finish() const noexcept {
    auto out = buffer<T>::of(size_);
    if (out) copy_to(*out);
    return out;
  }

 private:
  static constexpr size_t first_size = 64;

  void copy_to(buffer<T>& out) const noexcept {
    if (size_ != 0) __builtin_memcpy(out.data(), list_.data(), size_ * sizeof(T));
  }
  buffer<T> list_;
  size_t size_ = 0;
};

// Names one behind the other, each with a NUL; the empty one is the first.
class name_list {
 public:
  // Where `name` stands from now on.
  [[nodiscard]] result<u32> add(text name) noexcept {
    if (all_.size() == 0)
      if (const auto begun = all_.add("", 1); !begun) return begun.error();
    if (name.empty()) return 0u;
    const size_t at = all_.size();
    if (at + name.size() >= ~u32{0}) return error{.at = step::allocate, .code = ENOMEM};
    if (const auto added = all_.add(name.data(), name.size()); !added) return added.error();
    if (const auto ended = all_.add("", 1); !ended) return ended.error();
    return static_cast<u32>(at);
  }
  // The same, or where the last name stands that was added so, if it is this one.
  [[nodiscard]] result<u32> add_again(text name) noexcept {
    if (last_ != 0 && text(all_.data() + last_) == name) return last_;
    auto at = add(name);
    if (at && *at != 0) last_ = *at;
    return at;
  }
  [[nodiscard]] result<buffer<char>> finish() const noexcept { return all_.finish(); }

 private:
  growing<char> all_;
  u32 last_ = 0;
};

// Puts `list` in order, whatever order it is in, without memory and in count times log(count) steps.
template <class T>
constexpr void sort(T* list, size_t count) noexcept {
  const auto sink = [list](size_t at, size_t end) {
    for (size_t child; (child = at * 2 + 1) < end; at = child) {
      if (child + 1 < end && list[child].is_before(list[child + 1])) ++child;
      if (!list[at].is_before(list[child])) return;
      std::swap(list[at], list[child]);
    }
  };
  for (size_t at = count / 2; at-- != 0;) sink(at, count);
  for (size_t end = count; end > 1;) {
    std::swap(list[0], list[--end]);
    sink(0, end);
  }
}

// How many of `list` begin at `address` or in front of it, by halving.
template <class T>
constexpr size_t count_up_to(const T* list, size_t count, u64 address) noexcept {
  size_t first = 0;
  while (count != 0) {
    const size_t half = count / 2;
    if (list[first + half].address <= address) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first;
}

}  // namespace detail

/// A place in the kernel's code.
/// Lifetime: looks at the `kernel_symbols` that found it.
struct kernel_place {
  text symbol{};   ///< empty where there is none
  text module{};   ///< empty for the kernel itself, "bpf" for programs
  u64 offset = 0;  ///< bytes behind the symbol
};

/// The names of the kernel's functions by their addresses, as they are at this moment.
/// Lifetime: what is loaded or unloaded later is not seen, so read them when the stacks have been taken.
class kernel_symbols {
 public:
  /// Reads them from the kernel, or from a copy of its list.
  /// Errors: hidden_addresses when the kernel shows zeros; open_file with ENOENT when it was built without them;
  ///         bad_proc_line; ENOMEM.
  /// Cost:   for 122,000 functions 0.1 s, most of it the kernel's, 5 MiB, and 10 MiB more meanwhile.
  /// Source: proc_kallsyms in kernel/kallsyms.c and kallsyms_show_value() in kernel/ksyms_common.c at v6.12.
  [[nodiscard]] static result<kernel_symbols> read(text path = "/proc/kallsyms") noexcept {
    detail::growing<place> places;
    detail::name_list names;
    bool are_hidden = false, are_sorted = true;
    u64 before = 0;
    const auto keep = [&](const kallsyms_line& seen) -> result<void> {
      if (!seen.is_code()) return {};
      are_hidden = are_hidden || seen.address == 0;
      if (seen.address == 0) return {};
      const auto symbol = names.add(seen.symbol);
      if (!symbol) return symbol.error();
      const auto module = names.add_again(seen.module);
      if (!module) return module.error();
      are_sorted = are_sorted && before <= seen.address;
      before = seen.address;
      const place found{.address = seen.address, .symbol = *symbol, .module = *module};
      return places.add(&found, 1);
    };
    if (auto all = detail::each_line(path, read_kallsyms_line, keep); !all) return all.error();
    if (are_hidden && places.size() == 0)
      return error{.at = step::read_file, .why = cause::hidden_addresses}.about(path);
    auto kept_places = places.finish();
    if (!kept_places) return kept_places.error();
    auto kept_names = names.finish();
    if (!kept_names) return kept_names.error();
    kernel_symbols out;
    out.places_ = std::move(*kept_places);
    out.names_ = std::move(*kept_names);
    if (!are_sorted) detail::sort(out.places_.data(), out.places_.size());
    return out;
  }

  /// The function that `address` is in. Of several names for one address, the one that the kernel lists first, as in
  /// its own traces.
  /// Shape: no symbol where no name is within 1 MiB in front of it: the kernel has no longer function, so it is in
  ///        something without a name, such as a program while net.core.bpf_jit_kallsyms is 0.
  /// Cost:  no system call and no allocation; 17 steps for 122,000 functions.
  [[nodiscard]] kernel_place find(u64 address) const noexcept {
    constexpr u64 longest_function = u64{1} << 20;
    size_t at = detail::count_up_to(places_.data(), places_.size(), address);
    if (at == 0) return {};
    const u64 start = places_[--at].address;
    if (address - start >= longest_function) return {};
    while (at != 0 && places_[at - 1].address == start) --at;
    return {.symbol = names_.data() + places_[at].symbol,
            .module = names_.data() + places_[at].module,
            .offset = address - start};
  }
  /// How many there are.
  [[nodiscard]] size_t size() const noexcept { return places_.size(); }

 private:
  struct place {
    u64 address;
    u32 symbol, module;  // in `names_`

    // Names stand in the order of the list.
    [[nodiscard]] constexpr bool is_before(const place& other) const noexcept {
      return address != other.address ? address < other.address : symbol < other.symbol;
    }
  };

  buffer<place> places_;
  buffer<char> names_;
};

/// A place in a file that a process has mapped.
/// Lifetime: looks at the `user_mappings` that found it.
struct user_place {
  /// Empty where no file is, as in code that the process made itself; "[vdso]" for the kernel's.
  text path{};
  /// Bytes from the start of the file, which is not always the address that a linker gave it.
  u64 offset = 0;
};

/// The files that a process has mapped to be executed, as they are at this moment.
/// Lifetime: what is mapped or unmapped later is not seen; of a process that is gone nothing is.
class user_mappings {
 public:
  /// Reads those of the process with this number.
  /// Errors: no_such_process when it is gone; EACCES without the right to trace it; ENOMEM.
  /// Cost:   some ten system calls and allocations.
  /// Source: proc_pid_maps(5).
  [[nodiscard]] static result<user_mappings> read(u32 process) noexcept {
    char path[32];
    auto out =
        read_file((detail::text_writer(path, sizeof path) << "/proc/" << u64{process} << "/maps").finish());
    // What is gone before it is opened is no folder of /proc any more, and later no process.
    if (!out && (out.error().code == ENOENT || out.error().code == ESRCH)) {
      error why = out.error();
      why.why = cause::no_such_process;
      return why;
    }
    return out;
  }

  /// The file that is mapped at `address`, and the place in it.
  [[nodiscard]] user_place find(u64 address) const noexcept {
    const size_t behind = detail::count_up_to(mapped_.data(), mapped_.size(), address);
    if (behind == 0 || address >= mapped_[behind - 1].end) return {};
    const mapping& in = mapped_[behind - 1];
    return {.path = names_.data() + in.path, .offset = address - in.address + in.offset};
  }
  /// How many there are.
  [[nodiscard]] size_t size() const noexcept { return mapped_.size(); }

 private:
  struct mapping {
    u64 address, end, offset;
    u32 path;  // in `names_`
  };

  static result<user_mappings> read_file(text path) noexcept {
    detail::growing<mapping> mapped;
    detail::name_list names;
    const auto keep = [&](const maps_line& seen) -> result<void> {
      if (!seen.is_executable) return {};
      const auto at = names.add_again(seen.path);
      if (!at) return at.error();
      const mapping found{.address = seen.first, .end = seen.end, .offset = seen.offset, .path = *at};
      return mapped.add(&found, 1);
    };
    if (auto all = detail::each_line(path, read_maps_line, keep); !all) return all.error();
    auto kept_mapped = mapped.finish();
    if (!kept_mapped) return kept_mapped.error();
    auto kept_names = names.finish();
    if (!kept_names) return kept_names.error();
    user_mappings out;
    out.mapped_ = std::move(*kept_mapped);
    out.names_ = std::move(*kept_names);
    return out;
  }

  buffer<mapping> mapped_;
  buffer<char> names_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SYMBOLS_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A stack and how often it was seen. What is not known is left empty.
/// Lifetime: looks at what others own.
struct counted_stack {
  text comm{};                            ///< the name of the process
  span<const u64> user{};                 ///< as `stack_addresses::addresses` gives them
  span<const build_id_place> user_ids{};  ///< or as `stack_build_ids::places` does
  span<const u64> kernel{};
  u64 count = 0;
};

/// Where the names of places come from; nullptr for nowhere.
struct stack_names {
  const user_mappings* user = nullptr;
  const kernel_symbols* kernel = nullptr;
};

namespace detail {

// A number as "0x2a", or "+0x2a".
struct hex_digits {
  char characters[19];
  u32 first = sizeof characters;

  constexpr explicit hex_digits(u64 number, text sign = {}) noexcept : characters() {
    do characters[--first] = "0123456789abcdef"[number % 16];
    while ((number /= 16) != 0);
    characters[--first] = 'x';
    characters[--first] = '0';
    for (const char c : sign) characters[--first] = c;
  }
  constexpr operator text() const noexcept { return {characters + first, sizeof characters - first}; }
};

template <class Sink>
class folded_writer {
 public:
  constexpr folded_writer(const stack_names& wanted, Sink& sink) noexcept : names_(wanted), sink_(sink) {}

  constexpr void write(const counted_stack& stack) noexcept {
    write_name(stack.comm);
    for (size_t i = stack.user_ids.size(); i-- != 0;) write_user(stack.user_ids[i]);
    for (size_t i = stack.user.size(); i-- != 0;) write_user(stack.user[i]);
    for (size_t i = stack.kernel.size(); i-- != 0;) write_kernel(stack.kernel[i]);
    char digits[24];
    sink_((text_writer(digits, sizeof digits) << " " << stack.count << "\n").finish());
  }

 private:
  // A semicolon would be read as the end of the name, and a line's end as that of the stack.
  constexpr void write_name(text name) noexcept {
    size_t begin = 0;
    for (size_t i = 0; i < name.size(); ++i) {
      if (name[i] != ';' && name[i] != '\n') continue;
      sink_(text(name.data() + begin, i - begin));
      sink_("_");
      begin = i + 1;
    }
    sink_(name.without_first(begin));
  }
  constexpr void write_user(u64 address) noexcept {
    sink_(";");
    const user_place found = names_.user != nullptr ? names_.user->find(address) : user_place{};
    if (found.path.empty()) return sink_(hex_digits(address));
    write_name(found.path.behind_last('/'));
    sink_(hex_digits(found.offset, "+"));
  }
  constexpr void write_user(const build_id_place& place) noexcept {
    if (place.status == build_id_place::state::address) return write_user(place.offset);
    char digits[2 * sizeof place.build_id];
    for (size_t i = 0; i < sizeof digits; ++i)
      digits[i] = "0123456789abcdef"[place.build_id[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    sink_(";");
    sink_(text(digits, sizeof digits));
    sink_(hex_digits(place.offset, "+"));
  }
  constexpr void write_kernel(u64 address) noexcept {
    sink_(";");
    const kernel_place found = names_.kernel != nullptr ? names_.kernel->find(address) : kernel_place{};
    if (found.symbol.empty())
      sink_(hex_digits(address));
    else
      write_name(found.symbol);
    sink_("_[k]");
  }

  const stack_names& names_;
  Sink& sink_;
};

}  // namespace detail

/// Writes a line such as "cat;libc.so.6+0x29d90;cat+0x3b21;do_syscall_64_[k];vfs_read_[k] 12": the process, its own
/// places and those of the kernel from the outermost to the innermost, and how often. `sink` is called with pieces of
/// text, the last of which ends the line.
/// Shape:    a function of the kernel is one frame wherever it was in it; so that of a process, of whose functions this
///           library knows nothing, is a frame for each place. Places without a name are numbers, and build ids are
///           named by their digits.
/// Lifetime: a piece is valid while `sink` runs.
/// Cost:     no system call and no allocation.
template <class Sink>
requires std::invocable<Sink&, text>
constexpr void write_folded(const counted_stack& stack, const stack_names& wanted, Sink&& sink) noexcept {
  detail::folded_writer<std::remove_reference_t<Sink>>(wanted, sink).write(stack);
}
/// Writes the same line into `buffer`.
/// Shape: returns the length of the line, whole or not: it is whole if that is at most `size`.
constexpr size_t write_folded(const counted_stack& stack, const stack_names& wanted, char* buffer,
                              size_t size) noexcept {
  size_t length = 0;
  write_folded(stack, wanted, [&](text piece) {
    for (const char c : piece) {
      if (length < size) buffer[length] = c;
      ++length;
    }
  });
  return length;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_FOLDED_HPP
// Room 7.10, map/types: the types that a map's BTF gives to its key and value, held against the C++ types. Only who
// names `identity_and_btf` has this in his program.
#ifndef BAREBPF_MAP_TYPES_HPP
#define BAREBPF_MAP_TYPES_HPP

// Room 3.1, btf: the types of an object file. They are counted once, checked as they pass, and found again
// through an index that remembers every eighth, so that a file of 100,000 types costs 12,500 words.
#ifndef BAREBPF_BTF_HPP
#define BAREBPF_BTF_HPP

// Room 3.0, elf: sections, symbols and relocations of an object file, checked once when it is opened.
// Knows nothing of BPF beyond the machine number.
#ifndef BAREBPF_ELF_HPP
#define BAREBPF_ELF_HPP

// Room 1.3, abi/elf: where the fields of 64-bit ELF records lie, and the numbers they hold. Records are
// read field by field through the checked window, never by casting, so these are offsets and not structs.
// Source: elf(5); include/uapi/linux/elf.h at v6.12.
#ifndef BAREBPF_ABI_ELF_HPP
#define BAREBPF_ABI_ELF_HPP

namespace barebpf::inline BAREBPF_ABI::abi {

inline constexpr u32 elf_magic = 0x464c457f;  // "\177ELF", lowest byte first
inline constexpr u8 elf_class_64 = 2;         // ELFCLASS64
inline constexpr u8 elf_little_endian = 1;    // ELFDATA2LSB
inline constexpr u8 elf_big_endian = 2;       // ELFDATA2MSB
inline constexpr u16 elf_relocatable = 1;     // ET_REL
inline constexpr u16 elf_machine_bpf = 247;   // EM_BPF

/// Offsets in the file header.
struct elf_header {
  static constexpr u64 ident_class = 4, ident_data = 5, type = 16, machine = 18, section_table = 40,
                       section_entry_size = 58, section_count = 60, section_names = 62, size = 64;
};

/// Offsets in a section header.
struct elf_section_header {
  static constexpr u64 name = 0, type = 4, flags = 8, offset = 24, content_size = 32, link = 40, info = 44,
                       entry_size = 56, size = 64;
};

/// Offsets in a symbol.
struct elf_symbol_record {
  static constexpr u64 name = 0, info = 4, other = 5, section = 6, value = 8, extent = 16, size = 24;
};

/// Offsets in a relocation without addend.
struct elf_relocation_record {
  static constexpr u64 offset = 0, type = 8, symbol = 12, size = 16;
};

inline constexpr u32 section_progbits = 1;  // SHT_PROGBITS
inline constexpr u32 section_symtab = 2;    // SHT_SYMTAB
inline constexpr u32 section_nobits = 8;    // SHT_NOBITS
inline constexpr u32 section_rel = 9;       // SHT_REL
inline constexpr u64 section_is_code = 4;   // SHF_EXECINSTR

inline constexpr u8 symbol_local = 0;        // STB_LOCAL
inline constexpr u8 symbol_weak = 2;         // STB_WEAK
inline constexpr u8 symbol_no_type = 0;      // STT_NOTYPE
inline constexpr u8 symbol_object = 1;       // STT_OBJECT
inline constexpr u8 symbol_function = 2;     // STT_FUNC
inline constexpr u8 symbol_file = 4;         // STT_FILE
inline constexpr u8 symbol_internal = 1;     // STV_INTERNAL
inline constexpr u8 symbol_hidden = 2;       // STV_HIDDEN
inline constexpr u16 section_undefined = 0;  // SHN_UNDEF

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_ELF_HPP
// Room 0.4, bytes: a window on a file that nobody vouches for. The compiler and the running program read
// through the same window; it never reads outside, and never touches the file.
#ifndef BAREBPF_BYTES_HPP
#define BAREBPF_BYTES_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A read-only window on the image of a file.
/// Shape:    plain bytes, or the same bytes packed into 64-bit words, eight to a word, the first one
///           lowest. Words cost the compiler a tenth of what single bytes cost.
/// Errors:   none. A read outside the window gives zero; who must know asks `holds` first.
/// Lifetime: valid as long as the storage it was made from.
class bytes {
 public:
  constexpr bytes() noexcept = default;
  constexpr bytes(const unsigned char* first, size_t size) noexcept : plain_(first), size_(size) {}
  constexpr bytes(const u64* words, size_t words_count) noexcept
      : words_(words), packed_(true), size_(words_count * 8) {}

  [[nodiscard]] constexpr u64 size() const noexcept { return size_; }

  /// True when `count` bytes from `at` on lie inside.
  [[nodiscard]] constexpr bool holds(u64 at, u64 count) const noexcept {
    return at <= size_ && count <= size_ - at;  // no sum, so nothing can wrap around
  }

  /// From here on, numbers are read with the highest byte first.
  constexpr void read_big_endian() noexcept { big_endian_ = true; }
  /// True when numbers are read in another order than this machine's.
  [[nodiscard]] constexpr bool is_foreign() const noexcept { return big_endian_ != host_is_big_endian; }
  [[nodiscard]] constexpr bool reads_big_endian() const noexcept { return big_endian_; }

  [[nodiscard]] constexpr u8 read8(u64 at) const noexcept { return static_cast<u8>(fetch(at, 1)); }
  [[nodiscard]] constexpr u16 read16(u64 at) const noexcept {
    const auto value = static_cast<u16>(fetch(at, 2));
    return big_endian_ ? __builtin_bswap16(value) : value;
  }
  [[nodiscard]] constexpr u32 read32(u64 at) const noexcept {
    const auto value = static_cast<u32>(fetch(at, 4));
    return big_endian_ ? __builtin_bswap32(value) : value;
  }
  [[nodiscard]] constexpr u64 read64(u64 at) const noexcept {
    const u64 value = fetch(at, 8);
    return big_endian_ ? __builtin_bswap64(value) : value;
  }

  /// Length of the NUL-terminated string at `at`; it ends at the window's end at the latest.
  [[nodiscard]] constexpr size_t length_of_string(u64 at) const noexcept {
    // Eight bytes at a time, because the compiler pays for each step. A subtraction that borrows into a byte's
    // top bit found its zero; the lowest such bit is never wrong.
    constexpr u64 ones = 0x0101010101010101, tops = ones << 7;
    for (size_t length = 0;; length += 8) {
      if (!holds(at, length + 8)) {
        while (holds(at + length, 1) && read8(at + length) != 0) ++length;
        return length;
      }
      const u64 eight = fetch(at + length, 8);
      const u64 zeros = (eight - ones) & ~eight & tops;
      if (zeros != 0) return length + static_cast<size_t>(__builtin_ctzll(zeros)) / 8;
    }
  }
  /// True when the NUL-terminated string at `at` is `wanted`.
  [[nodiscard]] constexpr bool string_is(u64 at, text wanted) const noexcept {
    return string_starts_with(at, wanted) && read8(at + wanted.size()) == 0;
  }
  /// True when the NUL-terminated string at `at` begins with `wanted`.
  [[nodiscard]] constexpr bool string_starts_with(u64 at, text wanted) const noexcept {
    if (!holds(at, wanted.size())) return false;
    for (size_t i = 0; i < wanted.size(); ++i)
      if (read8(at + i) != static_cast<unsigned char>(wanted[i])) return false;
    return true;
  }
  /// True when the NUL-terminated strings at `a` and `b` are the same.
  [[nodiscard]] constexpr bool same_string(u64 a, u64 b) const noexcept {
    while (read8(a) == read8(b) && read8(a) != 0) ++a, ++b;
    return read8(a) == read8(b);
  }
  /// Copies `count` bytes from `at` on to `out`.
  constexpr void copy(u64 at, u64 count, u8* out) const noexcept {
    u64 done = 0;
    for (; done + 8 <= count; done += 8) {  // eight at a time, see above
      const u64 eight = fetch(at + done, 8);
      for (unsigned i = 0; i < 8; ++i) out[done + i] = static_cast<u8>(eight >> (i * 8));
    }
    for (; done < count; ++done) out[done] = read8(at + done);
  }
  /// The eight bytes from `at` on as a word that has them in this order in memory; zeros stand for those from
  /// `end` on.
  [[nodiscard]] constexpr u64 word_in_memory(u64 at, u64 end) const noexcept {
    const u64 left = end - at;
    const u64 value = left >= 8 ? fetch(at, 8) : fetch(at, static_cast<unsigned>(left));
    return host_is_big_endian ? __builtin_bswap64(value) : value;
  }
  /// Copies at most `room - 1` characters of the string at `at` to `out` and a NUL behind them.
  /// Shape: returns how many characters were copied, without the NUL.
  constexpr size_t copy_string(u64 at, char* out, size_t room) const noexcept {
    size_t length = 0;
    for (; length + 1 < room && holds(at + length, 1); ++length) {
      const u8 character = read8(at + length);
      if (character == 0) break;
      out[length] = static_cast<char>(character);
    }
    if (room != 0) out[length] = '\0';
    return length;
  }

 private:
  // `count` bytes from `at` on as a number whose lowest byte comes first. No template, because clang 14 does
  // not instantiate one while it evaluates.
  [[nodiscard]] constexpr u64 fetch(u64 at, unsigned count) const noexcept {
    if (count == 0 || !holds(at, count)) return 0;
    u64 value = 0;
    if (!packed_) {
      if (!__builtin_is_constant_evaluated() && !host_is_big_endian) {
        __builtin_memcpy(&value, plain_ + at, count);  // one load, nine times as fast over the kernel's types
        return value;
      }
      for (unsigned i = 0; i < count; ++i) value |= u64{plain_[at + i]} << (i * 8);
      return value;
    }
    const auto bit = static_cast<unsigned>(at % 8 * 8);
    value = words_[at / 8] >> bit;
    if (bit > 64 - count * 8) value |= words_[at / 8 + 1] << (64 - bit);
    return value & ~u64{0} >> (64 - count * 8);
  }

  const unsigned char* plain_ = nullptr;
  const u64* words_ = nullptr;
  bool packed_ = false;  // asked instead of words_, which g++ will not compare under -fsanitize=undefined
  u64 size_ = 0;
  bool big_endian_ = false;
};

/// `Count` bytes packed into words, for arrays that come as single bytes (what `xxd -i` writes).
template <size_t Count>
struct packed_words {
  u64 words[(Count + 7) / 8] = {};

  template <class Array>
  constexpr explicit packed_words(const Array& single) noexcept {
    for (size_t i = 0; i < Count; ++i) words[i / 8] |= u64{static_cast<u8>(single[i])} << (i % 8 * 8);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BYTES_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A section of an object file; all offsets count from the start of the file.
struct elf_section {
  u32 index = 0;
  u32 type = 0;
  u64 flags = 0;
  u64 name = 0;  ///< where the name stands
  u64 at = 0;    ///< where the content begins
  u64 size = 0;  ///< bytes of content
  u32 link = 0;  ///< index of the section that this one refers to
  u32 info = 0;  ///< for relocations: index of the section that they change
  u64 entry_size = 0;

  [[nodiscard]] constexpr bool is_code() const noexcept {
    return type == abi::section_progbits && (flags & abi::section_is_code) != 0;
  }
};

/// A symbol of an object file.
struct elf_symbol {
  u64 at = 0;    ///< where its record stands
  u64 name = 0;  ///< where the name stands
  u8 binding = 0;
  u8 type = 0;
  bool is_hidden = false;  ///< other objects cannot name it
  u16 section = 0;
  u64 value = 0;  ///< bytes from the start of its section
  u64 size = 0;   ///< bytes
};

/// A relocation of an object file.
struct elf_relocation {
  u64 at = 0;      ///< where its record stands
  u64 offset = 0;  ///< bytes from the start of the section that it changes
  u32 symbol = 0;  ///< index of the symbol
};

/// An object file whose section headers, symbol table and string tables are known to lie inside it.
/// Lifetime: valid as long as the image.
class elf {
 public:
  /// Looks at the headers of `image`. After any verdict but a good one, `out` must not be used.
  static constexpr verdict open(bytes image, elf& out) noexcept;

  [[nodiscard]] constexpr const bytes& image() const noexcept { return image_; }
  [[nodiscard]] constexpr u32 section_count() const noexcept { return section_count_; }
  [[nodiscard]] constexpr u32 symbol_count() const noexcept { return symbol_count_; }

  /// The section with this index; an empty one when there is none.
  [[nodiscard]] constexpr elf_section section(u32 index) const noexcept {
    using header = abi::elf_section_header;
    if (index >= section_count_) return {};
    const u64 at = header_at(index);
    return {.index = index,
            .type = image_.read32(at + header::type),
            .flags = image_.read64(at + header::flags),
            .name = section_names_ + image_.read32(at + header::name),
            .at = image_.read64(at + header::offset),
            .size = image_.read64(at + header::content_size),
            .link = image_.read32(at + header::link),
            .info = image_.read32(at + header::info),
            .entry_size = image_.read64(at + header::entry_size)};
  }
  /// The first section called `wanted`; one with index 0 when there is none.
  [[nodiscard]] constexpr elf_section find_section(text wanted) const noexcept {
    for (u32 i = 1; i < section_count_; ++i)
      if (image_.string_is(section(i).name, wanted)) return section(i);
    return {};
  }
  /// The same by the string at `wanted` in the file. One of more than 255 characters is not found, so that
  /// many long names which differ at their ends cost no more than many short ones.
  [[nodiscard]] constexpr elf_section find_section(u64 wanted) const noexcept {
    constexpr u64 longest = 255;
    if (image_.length_of_string(wanted) > longest) return {};
    for (u32 i = 1; i < section_count_; ++i)
      if (image_.same_string(section(i).name, wanted)) return section(i);
    return {};
  }
  /// Finds fault with a section that is there and is not of this type.
  [[nodiscard]] constexpr verdict demand_type(const elf_section& of, u32 type) const noexcept {
    if (of.index == 0 || of.type == type) return {};
    return {.why = cause::bad_section_header,
            .section = of.index,
            .offset = header_at(of.index) + abi::elf_section_header::type};
  }
  /// The symbol with this index; an undefined one when there is none.
  [[nodiscard]] constexpr elf_symbol symbol(u32 index) const noexcept {
    using record = abi::elf_symbol_record;
    if (index >= symbol_count_) return {};
    const u64 at = symbols_ + u64{index} * record::size;
    const u8 info = image_.read8(at + record::info);
    const u8 visibility = image_.read8(at + record::other) & 3;
    const u64 name = image_.read32(at + record::name);
    return {.at = at,
            .name = symbol_names_ + (name < symbol_names_size_ ? name : 0),  // where the empty name stands
            .binding = static_cast<u8>(info >> 4),
            .type = static_cast<u8>(info & 15),
            .is_hidden = visibility == abi::symbol_hidden || visibility == abi::symbol_internal,
            .section = image_.read16(at + record::section),
            .value = image_.read64(at + record::value),
            .size = image_.read64(at + record::extent)};
  }
  /// How many relocations the section `relocations` holds.
  [[nodiscard]] static constexpr u64 relocation_count(const elf_section& relocations) noexcept {
    return relocations.size / abi::elf_relocation_record::size;
  }
  /// The relocation with this index in the section `relocations`.
  [[nodiscard]] constexpr elf_relocation relocation(const elf_section& relocations,
                                                    u64 index) const noexcept {
    using record = abi::elf_relocation_record;
    const u64 at = relocations.at + index * record::size;
    // One 64-bit field holds type and symbol, the symbol in its upper half.
    const u64 info = image_.read64(at + record::type);
    return {.at = at, .offset = image_.read64(at + record::offset), .symbol = static_cast<u32>(info >> 32)};
  }

 private:
  [[nodiscard]] constexpr u64 header_at(u32 index) const noexcept {
    return section_table_ + u64{index} * abi::elf_section_header::size;
  }
  constexpr verdict check_header() noexcept;
  constexpr verdict check_sections() noexcept;
  constexpr verdict find_symbols() noexcept;

  bytes image_;
  u64 section_table_ = 0;
  u64 section_names_ = 0;
  u64 symbols_ = 0;
  u64 symbol_names_ = 0;
  u64 symbol_names_size_ = 0;
  u32 section_count_ = 0;
  u32 symbol_count_ = 0;
};

constexpr verdict elf::open(bytes image, elf& out) noexcept {
  constexpr u64 largest = 1 << 30;  // bytes; counts and offsets in BTF have 32 bits
  if (image.size() > largest) return {.why = cause::too_large};
  out.image_ = image;
  if (const verdict v = out.check_header(); v.failed()) return v;
  if (const verdict v = out.check_sections(); v.failed()) return v;
  return out.find_symbols();
}

constexpr verdict elf::check_header() noexcept {
  using header = abi::elf_header;
  using section_header = abi::elf_section_header;
  const auto is_magic = [&] {
    for (u64 i = 0; i < 4; ++i)
      if (image_.read8(i) != (abi::elf_magic >> (i * 8) & 0xff)) return false;
    return true;
  };
  if (!is_magic()) return {.why = cause::not_elf};
  if (!image_.holds(0, header::size)) return {.why = cause::truncated, .offset = image_.size()};
  if (image_.read8(header::ident_class) != abi::elf_class_64)
    return {.why = cause::not_64_bit, .offset = header::ident_class};
  const u8 order = image_.read8(header::ident_data);
  if (order != abi::elf_big_endian && order != abi::elf_little_endian)
    return {.why = cause::bad_byte_order, .offset = header::ident_data};
  if (order == abi::elf_big_endian) image_.read_big_endian();
  if (image_.read16(header::type) != abi::elf_relocatable)
    return {.why = cause::not_relocatable, .offset = header::type};
  const u16 machine = image_.read16(header::machine);
  if (machine != abi::elf_machine_bpf && machine != 0)  // compilers before clang 4 left it 0
    return {.why = cause::not_bpf, .offset = header::machine};

  section_table_ = image_.read64(header::section_table);
  section_count_ = image_.read16(header::section_count);
  if (image_.read16(header::section_entry_size) != section_header::size)
    return {.why = cause::bad_section_header, .offset = header::section_entry_size};
  if (!image_.holds(section_table_, section_header::size))
    return {.why = cause::truncated, .offset = header::section_table};
  // A file of more than 65,279 sections keeps their number in the first header, see elf(5).
  if (section_count_ == 0) {
    const u64 count = image_.read64(section_table_ + section_header::content_size);
    if (count > image_.size() / section_header::size)
      return {.why = cause::truncated, .offset = section_table_ + section_header::content_size};
    section_count_ = static_cast<u32>(count);
  }
  if (!image_.holds(section_table_, u64{section_count_} * section_header::size))
    return {.why = cause::truncated, .offset = header::section_table};
  return {};
}

constexpr verdict elf::check_sections() noexcept {
  using header = abi::elf_section_header;
  u32 names = image_.read16(abi::elf_header::section_names);
  if (names == 0xffff) names = image_.read32(section_table_ + header::link);  // SHN_XINDEX
  const elf_section name_table = section(names);
  if (names == 0 || names >= section_count_ || !image_.holds(name_table.at, name_table.size))
    return {.why = cause::bad_section_header, .offset = abi::elf_header::section_names};
  section_names_ = name_table.at;

  for (u32 i = 1; i < section_count_; ++i) {
    const elf_section s = section(i);
    if (s.name - section_names_ >= name_table.size)
      return {.why = cause::bad_section_header, .offset = header_at(i) + header::name};
    if (s.type != abi::section_nobits && !image_.holds(s.at, s.size))
      return {.why = cause::truncated, .section = i, .offset = header_at(i) + header::offset};
    if (s.type == abi::section_rel && s.entry_size != abi::elf_relocation_record::size)
      return {.why = cause::bad_section_header, .section = i, .offset = header_at(i) + header::entry_size};
  }
  return {};
}

constexpr verdict elf::find_symbols() noexcept {
  using header = abi::elf_section_header;
  for (u32 i = 1; i < section_count_; ++i) {
    const elf_section s = section(i);
    if (s.type != abi::section_symtab) continue;
    const elf_section names = section(s.link);
    if (s.entry_size != abi::elf_symbol_record::size || names.type == abi::section_nobits || names.size == 0)
      return {.why = cause::bad_section_header, .section = i, .offset = header_at(i) + header::link};
    symbols_ = s.at;
    symbol_names_ = names.at;
    symbol_names_size_ = names.size;
    symbol_count_ = static_cast<u32>(s.size / abi::elf_symbol_record::size);
    return {};
  }
  return {.why = cause::no_symbols, .offset = abi::elf_header::section_count};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ELF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A type; all offsets count from the start of the file.
struct btf_type {
  u32 id = 0;  ///< 0 is void
  abi::btf_kind kind = abi::btf_kind::void_type;
  u32 members = 0;
  u64 at = 0;            ///< where its record stands
  u64 name = 0;          ///< where the name stands
  u32 size_or_type = 0;  ///< bytes, or the id of the type that this one refers to

  /// Where what follows the record stands: members, or the fixed words of the kind.
  [[nodiscard]] constexpr u64 tail() const noexcept { return at + abi::btf_type_record::size; }
};

/// One member of a struct, union or data section.
struct btf_member {
  u64 at = 0;
  u64 name = 0;
  u32 type = 0;
};

/// What user space must know of a number to treat it as one.
enum class number_form : u8 { no_number, signed_number, unsigned_number };

/// The types of one object file.
/// Lifetime: valid as long as the image and the index.
class btf {
 public:
  /// How many types apart the entries of the index are.
  static constexpr u32 index_stride = 8;

  /// Checks `section` and counts its types; `out` can walk but not yet find.
  static constexpr verdict open(const elf& file, const elf_section& section, btf& out) noexcept;
  /// The same of the `size` bytes from `start` on, as the kernel gives them; faults are said to lie in `section`.
  static constexpr verdict open(const bytes& image, u64 start, u64 size, btf& out, u32 section = 0) noexcept;

  [[nodiscard]] constexpr const bytes& image() const noexcept { return image_; }
  /// How many types there are, without void.
  [[nodiscard]] constexpr u32 count() const noexcept { return count_; }
  [[nodiscard]] constexpr u32 index_size() const noexcept { return count_ / index_stride + 1; }
  /// Where the first type's record stands.
  [[nodiscard]] constexpr u64 types_at() const noexcept { return types_; }
  /// How many bytes the types take.
  [[nodiscard]] constexpr u64 types_size() const noexcept { return types_size_; }
  /// Where the strings begin.
  [[nodiscard]] constexpr u64 strings() const noexcept { return strings_; }
  /// How many bytes they take.
  [[nodiscard]] constexpr u32 strings_size() const noexcept { return strings_size_; }
  /// True when `at` lies among the strings.
  [[nodiscard]] constexpr bool has_string(u64 at) const noexcept {
    return at >= strings_ && at - strings_ < strings_size_;
  }
  /// True when there is a type of this kind.
  [[nodiscard]] constexpr bool has(abi::btf_kind kind) const noexcept {
    return (kinds_ >> static_cast<u8>(kind) & 1) != 0;
  }

  /// Fills `index`, which has room for `index_size()` words, and lets `type` use it.
  constexpr void build_index(u32* index) noexcept;
  /// Puts one type where `build_index` would; for who walks over all of them anyway and then calls `use_index`.
  constexpr void index_type(const btf_type& type, u32* index) const noexcept {
    if (type.id % index_stride == 0) index[type.id / index_stride] = static_cast<u32>(type.at - types_);
  }
  /// Lets `type` use an index that was built before.
  constexpr void use_index(const u32* index) noexcept {
    index_ = index;
    is_indexed_ = true;
  }

  /// The type with this number; void when there is none.
  [[nodiscard]] constexpr btf_type type(u32 id) const noexcept {
    if (id == 0 || id > count_ || !is_indexed_) return {};
    const u32 near = id / index_stride;
    btf_type found = type_at(types_ + index_[near], near == 0 ? 1 : near * index_stride);
    while (found.id != id) found = type_at(end_of(found), found.id + 1);
    return found;
  }
  /// The type with number 1, and the one behind `type`; void behind the last. These need no index.
  [[nodiscard]] constexpr btf_type first() const noexcept {
    return count_ == 0 ? btf_type{} : type_at(types_, 1);
  }
  [[nodiscard]] constexpr btf_type after(const btf_type& type) const noexcept {
    return type.id >= count_ ? btf_type{} : type_at(end_of(type), type.id + 1);
  }
  /// The first type of this kind and name; void when there is none.
  [[nodiscard]] constexpr btf_type find(abi::btf_kind kind, text wanted) const noexcept {
    btf_type candidate = first();
    while (candidate.id != 0 && !(candidate.kind == kind && image_.string_is(candidate.name, wanted)))
      candidate = after(candidate);
    return candidate;
  }
  /// The type behind const, volatile, restrict, typedef and type tags; void when they never end.
  [[nodiscard]] constexpr btf_type resolve(u32 id) const noexcept {
    for (u32 depth = 0; depth < longest_chain; ++depth) {
      const btf_type found = type(id);
      if (!is_modifier(found.kind)) return found;
      id = found.size_or_type;
    }
    return {};
  }
  /// How many bytes a value of this type takes.
  /// Errors: 0 for types without a size, and for those that never end or exceed 32 bits.
  [[nodiscard]] constexpr u32 size_of(u32 id) const noexcept;
  /// Whether a value of this type is a number, and of which sign.
  [[nodiscard]] constexpr number_form form_of(u32 id) const noexcept;

  /// The flag on top of a type's kind; on an enum it says that its values are signed.
  [[nodiscard]] constexpr bool is_flagged(const btf_type& of) const noexcept {
    return (image_.read32(of.at + abi::btf_type_record::info) >> 31) != 0;
  }

  /// A member of a struct or union, or an entry of a data section.
  [[nodiscard]] constexpr btf_member member(const btf_type& of, u32 index) const noexcept {
    const u64 at = of.tail() + u64{index} * 12;
    return {.at = at, .name = strings_ + image_.read32(at), .type = image_.read32(at + 4)};
  }
  /// Where a member begins, in bits from the start of its struct, and how many bits it has if it is a bit field.
  struct bit_range {
    u32 bit = 0, width = 0;
  };
  [[nodiscard]] constexpr bit_range place_of(const btf_type& of, const btf_member& member) const noexcept {
    const u32 written = image_.read32(member.at + 8);
    if (!is_flagged(of)) return {.bit = written};
    return {.bit = written & 0xffffff, .width = written >> 24};
  }
  /// The id of the variable in an entry of a data section, which stands where others have their name.
  [[nodiscard]] constexpr u32 variable_of(const btf_member& place) const noexcept {
    return image_.read32(place.at);
  }
  /// The element type of an array.
  [[nodiscard]] constexpr u32 element_of(const btf_type& array) const noexcept {
    return image_.read32(array.tail());
  }
  /// The number of elements of an array.
  [[nodiscard]] constexpr u32 length_of(const btf_type& array) const noexcept {
    return image_.read32(array.tail() + 8);
  }
  /// True when the library knows what types of this kind are; of others it knows how long they are at most.
  [[nodiscard]] static constexpr bool is_known(abi::btf_kind kind) noexcept {
    return static_cast<u8>(kind) < abi::btf_kinds;
  }
  /// True when there are types of a kind that the library does not know.
  [[nodiscard]] constexpr bool has_unknown() const noexcept { return has_unknown_; }
  /// Bytes from the start of a type's record to the next type, for a kind that is known.
  [[nodiscard]] static constexpr u64 extent_of(const btf_type& of) noexcept {
    const abi::btf_tail tail = abi::btf_tails[static_cast<u8>(of.kind)];
    return abi::btf_type_record::size + tail.fixed + u64{tail.for_each} * of.members;
  }
  [[nodiscard]] static constexpr bool is_modifier(abi::btf_kind kind) noexcept {
    using enum abi::btf_kind;
    return kind == const_type || kind == volatile_type || kind == restrict_type || kind == type_definition ||
           kind == type_tag;
  }

 private:
  static constexpr u32 longest_chain = 32;  // the kernel's MAX_RESOLVE_DEPTH

  [[nodiscard]] constexpr btf_type type_at(u64 at, u32 id) const noexcept {
    using record = abi::btf_type_record;
    const u32 info = image_.read32(at + record::info);
    return {.id = id,
            .kind = static_cast<abi::btf_kind>(info >> 24 & 0x7f),
            .members = info & 0xffffff,
            .at = at,
            .name = strings_ + image_.read32(at + record::name),
            .size_or_type = image_.read32(at + record::size_or_type)};
  }
  [[nodiscard]] constexpr u64 end_of(const btf_type& of) const noexcept {
    return of.at + (is_known(of.kind) ? extent_of(of) : extent_by_layout(of));
  }
  // The same for one that is not, as the file itself says; 0 when it does not.
  [[nodiscard]] constexpr u64 extent_by_layout(const btf_type& of) const noexcept {
    using layout = abi::btf_layout_record;
    const u64 row = static_cast<u8>(of.kind) * layout::size;
    if (row + layout::size > layouts_size_) return 0;
    return abi::btf_type_record::size + image_.read8(layouts_ + row + layout::fixed) +
           u64{image_.read8(layouts_ + row + layout::for_each)} * of.members;
  }

  bytes image_;
  u64 types_ = 0;
  u64 types_size_ = 0;
  u64 strings_ = 0;
  u32 strings_size_ = 0;
  u32 count_ = 0;
  u32 kinds_ = 0;  // one bit for each known kind that occurs
  u64 layouts_ = 0;
  u64 layouts_size_ = 0;
  bool has_unknown_ = false;
  const u32* index_ = nullptr;
  bool is_indexed_ = false;
};

constexpr verdict btf::open(const elf& file, const elf_section& section, btf& out) noexcept {
  // Content that is not in the file has no bounds, so nothing may be read from it.
  if (const verdict v = file.demand_type(section, abi::section_progbits); v.failed()) return v;
  return open(file.image(), section.at, section.size, out, section.index);
}

constexpr verdict btf::open(const bytes& image, u64 start, u64 size, btf& out, u32 section) noexcept {
  using header = abi::btf_header;
  using record = abi::btf_type_record;
  const auto bad_header = [&](u64 field) {
    return verdict{.why = cause::bad_btf_header, .section = section, .offset = start + field};
  };
  if (size < header::size || !image.holds(start, size)) return bad_header(0);
  if (image.read16(start + header::magic) != abi::btf_magic) return bad_header(header::magic);
  const u64 header_size = image.read32(start + header::header_size);
  if (header_size < header::size || header_size > size) return bad_header(header::header_size);
  const u64 body = start + header_size;
  const u64 body_size = size - header_size;
  const u64 types_offset = image.read32(start + header::types_offset);
  const u64 types_size = image.read32(start + header::types_size);
  if (types_offset > body_size || types_size > body_size - types_offset)
    return bad_header(header::types_size);
  const u64 strings_offset = image.read32(start + header::strings_offset);
  const u64 strings_size = image.read32(start + header::strings_size);
  if (strings_offset > body_size || strings_size > body_size - strings_offset)
    return bad_header(header::strings_size);
  if (header_size >= header::size_with_layouts) {
    // Nobody needs it who knows all kinds, so one that is damaged is none.
    const u64 layouts_offset = image.read32(start + header::layouts_offset);
    const u64 layouts_size = image.read32(start + header::layouts_size);
    out.layouts_ = body + layouts_offset;
    if (layouts_offset <= body_size && layouts_size <= body_size - layouts_offset)
      out.layouts_size_ = layouts_size;
  }
  // With a NUL at both ends every name inside is a string, and the one at 0 is empty.
  if (strings_size == 0 || image.read8(body + strings_offset) != 0 ||
      image.read8(body + strings_offset + strings_size - 1) != 0)
    return bad_header(header::strings_offset);

  out.image_ = image;
  out.types_ = body + types_offset;
  out.types_size_ = types_size;
  out.strings_ = body + strings_offset;
  out.strings_size_ = static_cast<u32>(strings_size);
  const u64 end = out.types_ + types_size;
  for (u64 at = out.types_; at < end;) {
    const auto bad = [&](cause why) { return verdict{.why = why, .section = section, .offset = at}; };
    if (end - at < record::size) return bad(cause::bad_btf_type);
    const btf_type next = out.type_at(at, out.count_ + 1);
    const bool is_new = !is_known(next.kind);
    if (static_cast<u8>(next.kind) == 0 || (is_new && out.extent_by_layout(next) == 0))
      return bad(cause::unknown_btf_kind);
    const u64 behind = out.end_of(next);
    if (behind - at > end - at || next.name - out.strings_ >= strings_size) return bad(cause::bad_btf_type);
    ++out.count_;
    if (is_new)
      out.has_unknown_ = true;
    else
      out.kinds_ |= u32{1} << static_cast<u8>(next.kind);
    at = behind;
  }
  return {};
}

constexpr void btf::build_index(u32* index) noexcept {
  use_index(index);
  index[0] = 0;
  u64 at = types_;
  for (u32 id = 1; id <= count_; ++id) {
    if (id % index_stride == 0) index[id / index_stride] = static_cast<u32>(at - types_);
    at = end_of(type_at(at, id));
  }
}

constexpr u32 btf::size_of(u32 id) const noexcept {
  using enum abi::btf_kind;
  u64 elements = 1;
  for (u32 depth = 0; depth < longest_chain; ++depth) {
    const btf_type found = resolve(id);
    u64 size = 0;
    switch (found.kind) {
      case array:
        elements *= length_of(found);
        if (elements > 0xffffffff) return 0;
        id = element_of(found);
        continue;
      case pointer:
        size = 8;
        break;
      case integer:
      case structure:
      case union_type:
      case enumeration:
      case enumeration64:
      case floating:
        size = found.size_or_type;
        break;
      default:
        return 0;
    }
    return elements * size > 0xffffffff ? 0 : static_cast<u32>(elements * size);
  }
  return 0;
}

constexpr number_form btf::form_of(u32 id) const noexcept {
  const btf_type found = resolve(id);
  if (found.kind != abi::btf_kind::integer) return number_form::no_number;
  const u32 encoding = image_.read32(found.tail()) >> 24;
  return (encoding & abi::btf_integer_is_signed) != 0 ? number_form::signed_number
                                                      : number_form::unsigned_number;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BTF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What can be compared of the type of a key or value, in C++ and in BTF.
struct element_shape {
  enum class sort : u8 {
    unknown,  ///< not looked at
    other,    ///< only the size is known: C++ classes, data sections
    signed_integer,
    unsigned_integer,
    either_integer,  ///< char, whose sign is the machine's
    signed_enum,
    either_enum,  ///< BTF says only since 6.0 that an enum is signed
    floating,
    structure,
    union_type,
    array,
    pointer,
  };
  sort is = sort::unknown;
  u64 size = 0;  ///< bytes

  /// True when a C++ type of this shape may stand for a type of shape `found`.
  [[nodiscard]] constexpr bool fits(const element_shape& found) const noexcept {
    if (is == sort::unknown || found.is == sort::unknown) return true;
    if (size != found.size) return false;
    if (is == found.is || is == sort::other || found.is == sort::other) return true;
    switch (found.is) {
      case sort::signed_integer:
      case sort::unsigned_integer:
        return is == sort::either_integer;
      case sort::signed_enum:
        return is == sort::signed_integer || is == sort::either_integer;
      case sort::either_enum:
        return is == sort::signed_integer || is == sort::unsigned_integer || is == sort::either_integer;
      default:
        return false;
    }
  }
};

/// The shape of a C++ type; of an enum, that of the integer behind it.
template <class T>
[[nodiscard]] constexpr element_shape shape_of() noexcept {
  using enum element_shape::sort;
  if constexpr (std::is_enum_v<T>)
    return shape_of<std::underlying_type_t<T>>();
  else if constexpr (std::is_same_v<T, char>)
    return {either_integer, sizeof(T)};
  else if constexpr (std::is_integral_v<T>)
    return {std::is_signed_v<T> ? signed_integer : unsigned_integer, sizeof(T)};
  else
    return {std::is_floating_point_v<T> ? floating : other, sizeof(T)};
}

/// The shape of a type of BTF.
[[nodiscard]] constexpr element_shape shape_of(const btf& types, u32 id) noexcept {
  using enum element_shape::sort;
  const btf_type found = types.resolve(id);
  const u64 size = types.size_of(id);
  switch (found.kind) {
    case abi::btf_kind::integer:
      return {types.form_of(id) == number_form::signed_number ? signed_integer : unsigned_integer, size};
    case abi::btf_kind::enumeration:
    case abi::btf_kind::enumeration64:
      return {types.is_flagged(found) ? signed_enum : either_enum, size};
    case abi::btf_kind::floating:
      return {floating, size};
    case abi::btf_kind::structure:
      return {structure, size};
    case abi::btf_kind::union_type:
      return {union_type, size};
    case abi::btf_kind::array:
      return {array, size};
    case abi::btf_kind::pointer:
      return {pointer, size};
    case abi::btf_kind::data_section:
      return {other, found.size_or_type};
    default:
      return {};
  }
}

/// The BTF that the kernel knows by this id, byte for byte.
/// Errors: EPERM without CAP_SYS_ADMIN; ENOENT when there is none; ENOMEM.
/// Cost:   three system calls and a close, one allocation of its size.
/// Kernel: 4.19, BPF_BTF_GET_FD_BY_ID.
/// Source: bpf_btf_get_fd_by_id() in kernel/bpf/syscall.c and btf_get_info_by_fd() in kernel/bpf/btf.c at v6.12.
[[nodiscard]] inline result<buffer<unsigned char>> get_btf(u32 id) noexcept {
  const abi::next_id wanted{.start_id = id};
  const long answer = move_away(sys_bpf(abi::command::btf_get_fd_by_id, wanted));
  if (answer < 0) return failure(step::btf_get_fd_by_id, answer);
  const fd opened = fd::own(answer);
  buffer<unsigned char> image;
  for (;;) {
    abi::btf_info info{.btf = image.data(), .btf_size = static_cast<u32>(image.size())};
    abi::obj_info ask{.bpf_fd = opened.raw(), .info_len = sizeof info, .info = &info};
    if (const long told = sys_bpf(abi::command::obj_get_info_by_fd, ask); told < 0)
      return failure(step::btf_get_fd_by_id, told);
    if (info.btf_size <= image.size()) return image;
    auto larger = buffer<unsigned char>::of(info.btf_size);
    if (!larger) return larger.error();
    image = std::move(*larger);
  }
}

/// Both sides of an adoption with `identity_and_btf` that failed with cause `another_map`.
struct btf_differences : map_differences {
  element_shape expected_key{}, found_key{};  ///< unknown where there was nothing to compare
  element_shape expected_value{}, found_value{};

  [[nodiscard]] constexpr bool any() const noexcept {
    return map_differences::any() || !expected_key.fits(found_key) || !expected_value.fits(found_value);
  }
};

namespace detail {

// A shape in words.
constexpr void write_shape(text_writer& out, const element_shape& shape) noexcept {
  using enum element_shape::sort;
  switch (shape.is) {
    case signed_integer:
    case unsigned_integer:
    case either_integer:
      out << (shape.is == signed_integer     ? text("a signed ")
              : shape.is == unsigned_integer ? text("an unsigned ")
                                             : text("a "))
          << shape.size * 8 << "-bit integer";
      return;
    case signed_enum:
      out << "a signed enum";
      break;
    case either_enum:
      out << "an enum";
      break;
    case floating:
      out << "a floating-point number";
      break;
    case structure:
      out << "a struct";
      break;
    case union_type:
      out << "a union";
      break;
    case array:
      out << "an array";
      break;
    case pointer:
      out << "a pointer";
      break;
    default:
      out << "a type";
      break;
  }
  out << " of " << shape.size << " bytes";
}

}  // namespace detail

/// Writes every difference into `buffer`: "max_entries: expected 8, found 4; key: expected a signed 32-bit integer,
/// found an unsigned 32-bit integer". 512 bytes are always enough.
constexpr text describe(const btf_differences& what, char* buffer, size_t size) noexcept {
  const map_differences& identity = what;
  const text first = describe(identity, buffer, size);
  detail::text_writer out(buffer + first.size(), size - first.size());
  bool after = !first.empty();
  const auto compare = [&](text word, const element_shape& expected, const element_shape& found) {
    if (expected.fits(found)) return;
    out << (after ? text("; ") : text()) << word << ": expected ";
    after = true;
    detail::write_shape(out, expected);
    detail::write_shape(out << ", found ", found);
  };
  compare("key", what.expected_key, what.found_key);
  compare("value", what.expected_value, what.found_value);
  return {buffer, first.size() + out.finish().size()};
}

/// Fills in the shapes that a map's BTF gives to its key and value; unknown ones where it gives none.
/// Errors: those of `get_btf`.
[[nodiscard]] inline result<void> find_shapes(const abi::map_info& info, btf_differences& both) noexcept {
  if (info.btf_id == 0) return {};
  const auto image = get_btf(info.btf_id);
  if (!image) return image.error();
  btf types;
  if (const verdict v = btf::open(bytes(image->data(), image->size()), 0, image->size(), types); v.failed())
    return error{.at = step::btf_get_fd_by_id, .why = v.why, .offset = v.offset};
  auto index = buffer<u32>::of(types.index_size());
  if (!index) return index.error();
  types.build_index(index->data());
  both.found_key = shape_of(types, info.btf_key_type_id);
  both.found_value = shape_of(types, info.btf_value_type_id);
  return {};
}

/// How a map is looked at before it is adopted: by what it is, and by the types that its BTF gives to key and value:
/// `hits::get_pinned<barebpf::identity_and_btf>(path)`.
/// Shape:  integers and enums must agree in size and sign; of classes only the size is held against the BTF. A map
///         without BTF has no types to compare.
/// Errors: another_map, with both sides in `found` if given; those of `get_btf`, and the map is then not adopted.
/// Cost:   four system calls more where the map has BTF, and none where it has not.
struct identity_and_btf {
  using differences = btf_differences;

  template <class Key, class Value>
  [[nodiscard]] static result<kernel_name> check(int number, const map_identity& expected,
                                                 differences* found) noexcept {
    return check_shapes(number, expected, found, shape_of<Key>(), shape_of<Value>());
  }

 private:
  [[nodiscard]] static result<kernel_name> check_shapes(int number, const map_identity& expected,
                                                        differences* found, const element_shape& key,
                                                        const element_shape& value) noexcept {
    const auto info = ask_about_map(number);
    if (!info) return info.error();
    differences both;
    both.expected = expected;
    both.found = identity_of(*info);
    both.expected_key = key;
    both.expected_value = value;
    // What is no map has no BTF either, whatever its bytes say.
    if (both.map_differences::any())
      if (const error why = detail::another_map(number, *info); why.why != cause::another_map) return why;
    if (const auto read = find_shapes(*info, both); !read) return read.error().about(info->name);
    if (!both.any()) return info->name;
    if (found != nullptr) *found = both;
    return error{.at = step::obj_get_info_by_fd, .why = cause::another_map}.about(info->name);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_TYPES_HPP
// Room 10.8, object: an object file that is read and made real while the program runs.
#ifndef BAREBPF_OBJECT_HPP
#define BAREBPF_OBJECT_HPP

// Room 6.5, file: a whole file in memory.
#ifndef BAREBPF_FILE_HPP
#define BAREBPF_FILE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Reads a whole file that is open.
/// Shape:  its bytes; fewer than it said when it shrinks meanwhile.
/// Errors: read_file with errno, and with too_large for more than 1 GiB; ENOMEM.
[[nodiscard]] inline result<buffer<unsigned char>> read_file(const fd& file) noexcept {
  constexpr long from_start = 0, from_end = 2;  // SEEK_SET, SEEK_END
  constexpr long largest = 1 << 30;             // bytes; BTF counts in 32 bits
  const long size = system_call(__NR_lseek, file.number(), 0, from_end);
  if (size < 0) return failure(step::read_file, size);
  if (size > largest) {  // a folder says that it is endless, and refuses to be read
    const long refused = system_call(__NR_read, file.number(), nullptr, 0);
    return refused < 0 ? failure(step::read_file, refused)
                       : error{.at = step::read_file, .why = cause::too_large};
  }
  if (const long back = system_call(__NR_lseek, file.number(), 0, from_start); back < 0)
    return failure(step::read_file, back);
  auto content = buffer<unsigned char>::of(static_cast<size_t>(size));
  if (!content) return content;
  size_t done = 0;
  while (done < content->size()) {
    const long got = system_call(__NR_read, file.number(), content->data() + done, content->size() - done);
    if (got == -EINTR) continue;
    if (got < 0) return failure(step::read_file, got);
    if (got == 0) break;  // the file shrank; the reader will say what is missing
    done += static_cast<size_t>(got);
  }
  content->shrink(done);
  return content;
}
/// The same of the file at `path`.
/// Errors: open_file with errno, and as above.
[[nodiscard]] inline result<buffer<unsigned char>> read_file(const char* path) noexcept {
  const fd file = fd::own(open_to_read(path));
  if (!file.is_open()) return failure(step::open_file, file.number());
  return read_file(file);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FILE_HPP
// Room 10.6, loaded_object: what became of an object that was read while the program runs: its maps, variables and
// programs, found by their names.
#ifndef BAREBPF_LOADED_OBJECT_HPP
#define BAREBPF_LOADED_OBJECT_HPP

// Room 9.1, attach: the ways to attach a program, one `place` for each `attach_way`, and what each of them wants to be
// given. Whoever knows a program's section finds its place in the table of room 2.1 and calls it.
#ifndef BAREBPF_ATTACH_HPP
#define BAREBPF_ATTACH_HPP

// Room 6.10, probe: events on functions of the kernel, as perf_event_open(2) makes them for kprobes.
#ifndef BAREBPF_PROBE_HPP
#define BAREBPF_PROBE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A place in the code of the kernel.
struct probe_place {
  char function[256] = {};  ///< its name, without characters when there is none
  u64 offset = 0;           ///< bytes behind its beginning
};

/// Understands "vfs_read", "vfs_read+16" and "vfs_read+0x10".
/// Shape: without a function when `from` is none of these.
[[nodiscard]] constexpr probe_place read_probe_place(text from) noexcept {
  probe_place out;
  size_t end = 0;
  while (end < from.size() && from[end] != '+') ++end;
  text digits = from.without_first(end + 1);
  const bool is_hex = digits.starts_with("0x");
  if (is_hex) digits = digits.without_first(2);
  const bool lacks_digits = end < from.size() && digits.empty();
  if (end >= sizeof out.function || lacks_digits || digits.size() > 16) return {};
  for (const char c : digits) {
    const bool is_letter = is_hex && c >= 'a' && c <= 'f';
    if (!is_letter && (c < '0' || c > '9')) return {};
    out.offset = out.offset * (is_hex ? 16 : 10) + static_cast<u64>(is_letter ? c - 'a' + 10 : c - '0');
  }
  for (size_t i = 0; i < end; ++i) out.function[i] = from[i];
  return out;
}

namespace detail {

// The number behind the first `skipped` characters of a file; or negative errno.
[[nodiscard]] inline long read_number_in(const char* path, size_t skipped) noexcept {
  const long file = open_to_read(path);
  if (file < 0) return file;
  char digits[32];
  const long length = system_call(__NR_read, file, digits, sizeof digits);
  system_call(__NR_close, file);
  if (length < 0) return length;
  long out = 0;
  for (size_t i = skipped; i < static_cast<size_t>(length) && digits[i] >= '0' && digits[i] <= '9'; ++i)
    out = out * 10 + (digits[i] - '0');
  return out;
}

}  // namespace detail

/// Opens an event for each time that a function of the kernel is entered, or left with `at_end`.
/// Shape:  `place` as `read_probe_place` takes it; of all processes and CPUs. A closed descriptor after a failure, which
///         is in `row`.
/// Errors: find_probes with ENOENT for a kernel without kprobes; open_probe with ENOENT where the kernel has no such
///         function, EINVAL where it lets none be put there, EADDRNOTAVAIL where several have this name (6.7).
/// Cost:   four system calls, seven for the end of a function.
/// Kernel: 4.17.
/// Source: perf_event_open(2); perf_kprobe_init() in kernel/trace/trace_event_perf.c at v6.12.
[[nodiscard, gnu::cold]] inline fd open_kernel_probe(const char* place, bool at_end, outcome& row) noexcept {
  const long type = detail::read_number_in("/sys/bus/event_source/devices/kprobe/type", 0);
  if (row.fails(step::find_probes, type)) return {};
  u64 config = 0;
  if (at_end) {
    const long bit = detail::read_number_in("/sys/bus/event_source/devices/kprobe/format/retprobe",
                                            text("config:").size());
    if (row.fails(step::find_probes, bit)) return {};
    config = u64{1} << (bit & 63);
  }
  const probe_place where = read_probe_place(place);
  const abi::perf_event_attr_of_probe attr{
      .attr = {.type = static_cast<u32>(type),
               .size = sizeof attr,
               .config = config,
               .config1 = static_cast<u64>(detail::to_register(where.function))},
      .config2 = where.offset};
  // Any CPU will do: the kernel runs the program wherever the function is called.
  const long opened = system_call(__NR_perf_event_open, &attr, -1, 0, -1, abi::perf_flag_fd_cloexec);
  if (row.fails(step::open_probe, move_away(opened))) return {};
  return fd::own(row.answer);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROBE_HPP
// Room 2.1, sections: the table of section names. The name that SEC() gives a program tells its type, what it is for,
// and where it attaches.
#ifndef BAREBPF_SECTIONS_HPP
#define BAREBPF_SECTIONS_HPP

namespace barebpf::inline BAREBPF_ABI {

/// How a program of a section is attached. Room 9.1 has a `place` for each.
enum class attach_way : u8 {
  none,            ///< the name does not say enough
  elsewhere,       ///< by what is no program of ours: a map, a route, a filter of tc; or it is only run
  tracepoint,      ///< a perf event, which the text behind the prefix names: "group/event"
  raw_tracepoint,  ///< a tracepoint without an event, which the text names
  tracing,         ///< a function or tracepoint of the kernel's BTF, which the text names
  iterator,        ///< something that the kernel can list, which the text names
  perf_event,      ///< a perf event of the caller
  xdp,             ///< a network interface, before the network stack
  tcx,             ///< a network interface, in the network stack
  cgroup,          ///< a cgroup of the unified hierarchy, and all below it
  netns,           ///< a network namespace
  sockmap,         ///< a map of sockets
  socket,          ///< one socket
  reuseport,       ///< all sockets that share a port with one
  kprobe,          ///< where a function of the kernel begins, or an instruction in it: "function+offset"
  kretprobe,       ///< where it returns
  // Programs of these are loaded, and this version has no `place` of its own for them yet.
  ksyscall,         ///< where a system call begins, by its name without the kernel's prefixes
  kretsyscall,      ///< where it returns
  kprobe_multi,     ///< where all functions begin that a pattern names
  kretprobe_multi,  ///< where they return
  kprobe_session,   ///< both
  uprobe,           ///< where a function of a file begins: "path:function+offset"
  uretprobe,        ///< where it returns
  uprobe_multi,     ///< where all functions of a file begin that a pattern names: "path:pattern"
  uretprobe_multi,  ///< where they return
  uprobe_session,   ///< both
  usdt,             ///< a trace point that a file brings: "path:provider:name"
  tracing_multi,    ///< all functions of the kernel's BTF that a pattern names
  lsm_cgroup,       ///< a hook of the kernel's security modules, for a cgroup and all below it
  struct_ops,       ///< a function that the kernel calls through a structure
  netfilter,        ///< a hook of the packet filter
  netkit,           ///< a netkit interface
  infrared,         ///< a receiver of infrared light, by its device
};
inline constexpr size_t attach_ways = static_cast<size_t>(attach_way::infrared) + 1;
/// The last of those that room 9.1 attaches by itself.
inline constexpr attach_way last_attached_way = attach_way::kretprobe;

/// What may follow the prefix of a section name.
enum class section_rest : u8 {
  nothing,     ///< nothing that means something; people tell several of a kind apart there: "xdp/first"
  place,       ///< perhaps a slash and the place to attach to
  function,    ///< a slash and a function of the kernel
  tracepoint,  ///< a slash and a tracepoint that the kernel's BTF describes
  iterator,    ///< a slash and what the kernel is to list
  hook,        ///< a slash and a security hook of the kernel
  replaced,    ///< a slash and a function of another program
};

/// What a section name says of its programs.
struct section_kind {
  text prefix{};
  abi::prog_type type = abi::prog_type::unspec;
  attach_way attach = attach_way::none;
  /// What BPF_PROG_LOAD and BPF_LINK_CREATE are told; 0 where the kernel asks for nothing.
  abi::attach_type attach_type{};
  section_rest rest = section_rest::nothing;
  u32 flags = 0;  ///< `prog_flags` of BPF_PROG_LOAD

  /// True when the text behind the prefix names a type in the kernel's BTF, or in that of another program.
  [[nodiscard]] constexpr bool needs_kernel_type() const noexcept { return rest > section_rest::place; }
};

/// One row per name, by libbpf's names. A row with a longer name stands for itself, so the order is of no importance.
/// Kernel: a comment gives the first of what is younger than 5.10. All of those have `expected_attach_type`, and no
///         older program type minds one that it does not know, so none is left out for old kernels.
struct section_rows {
  using type = abi::prog_type;
  using way = attach_way;
  using rest = section_rest;
  using enum abi::attach_type;
  static constexpr abi::attach_type any{};
  static constexpr u32 sleeps = abi::prog_flag_sleepable, frags = abi::prog_flag_xdp_has_frags;

  static constexpr section_kind list[] = {
      {"kprobe", type::kprobe, way::kprobe, any, rest::place},
      {"kretprobe", type::kprobe, way::kretprobe, any, rest::place},
      {"ksyscall", type::kprobe, way::ksyscall, any, rest::place},
      {"kretsyscall", type::kprobe, way::kretsyscall, any, rest::place},
      {"kprobe.multi", type::kprobe, way::kprobe_multi, trace_kprobe_multi, rest::place},        // 5.18
      {"kretprobe.multi", type::kprobe, way::kretprobe_multi, trace_kprobe_multi, rest::place},  // 5.18
      {"kprobe.session", type::kprobe, way::kprobe_session, trace_kprobe_session, rest::place},  // 6.10
      {"uprobe", type::kprobe, way::uprobe, any, rest::place},
      {"uretprobe", type::kprobe, way::uretprobe, any, rest::place},
      {"uprobe.multi", type::kprobe, way::uprobe_multi, trace_uprobe_multi, rest::place},        // 6.6
      {"uretprobe.multi", type::kprobe, way::uretprobe_multi, trace_uprobe_multi, rest::place},  // 6.6
      {"uprobe.session", type::kprobe, way::uprobe_session, trace_uprobe_session, rest::place},  // 6.13
      {"usdt", type::kprobe, way::usdt, any, rest::place},
      {"uprobe.s", type::kprobe, way::uprobe, any, rest::place, sleeps},                             // 6.0
      {"uretprobe.s", type::kprobe, way::uretprobe, any, rest::place, sleeps},                       // 6.0
      {"uprobe.multi.s", type::kprobe, way::uprobe_multi, trace_uprobe_multi, rest::place, sleeps},  // 6.6
      {"uretprobe.multi.s", type::kprobe, way::uretprobe_multi, trace_uprobe_multi, rest::place,
       sleeps},  // 6.6
      {"uprobe.session.s", type::kprobe, way::uprobe_session, trace_uprobe_session, rest::place,
       sleeps},                                                       // 6.13
      {"usdt.s", type::kprobe, way::usdt, any, rest::place, sleeps},  // 6.0
      {"tracepoint", type::tracepoint, way::tracepoint, any, rest::place},
      {"tp", type::tracepoint, way::tracepoint, any, rest::place},
      {"raw_tracepoint", type::raw_tracepoint, way::raw_tracepoint, any, rest::place},
      {"raw_tp", type::raw_tracepoint, way::raw_tracepoint, any, rest::place},
      {"tracepoint.s", type::tracepoint, way::tracepoint, any, rest::place, sleeps},
      {"tp.s", type::tracepoint, way::tracepoint, any, rest::place, sleeps},
      {"raw_tracepoint.s", type::raw_tracepoint, way::raw_tracepoint, any, rest::place, sleeps},
      {"raw_tp.s", type::raw_tracepoint, way::raw_tracepoint, any, rest::place, sleeps},
      {"raw_tracepoint.w", type::raw_tracepoint_writable, way::raw_tracepoint, any, rest::place},
      {"raw_tp.w", type::raw_tracepoint_writable, way::raw_tracepoint, any, rest::place},
      {"tp_btf", type::tracing, way::tracing, trace_raw_tp, rest::tracepoint},
      {"fentry", type::tracing, way::tracing, trace_fentry, rest::function},
      {"fexit", type::tracing, way::tracing, trace_fexit, rest::function},
      {"fmod_ret", type::tracing, way::tracing, modify_return, rest::function},
      {"fsession", type::tracing, way::tracing, trace_fsession, rest::function},                 // 7.0
      {"fentry.multi", type::tracing, way::tracing_multi, trace_fentry_multi, rest::place},      // 7.2
      {"fexit.multi", type::tracing, way::tracing_multi, trace_fexit_multi, rest::place},        // 7.2
      {"fsession.multi", type::tracing, way::tracing_multi, trace_fsession_multi, rest::place},  // 7.2
      {"iter", type::tracing, way::iterator, trace_iter, rest::iterator},
      {"lsm", type::lsm, way::tracing, lsm_mac, rest::hook},
      {"struct_ops", type::struct_ops, way::struct_ops, any, rest::place},
      {"tp_btf.s", type::tracing, way::tracing, trace_raw_tp, rest::tracepoint, sleeps},
      {"fentry.s", type::tracing, way::tracing, trace_fentry, rest::function, sleeps},
      {"fexit.s", type::tracing, way::tracing, trace_fexit, rest::function, sleeps},
      {"fmod_ret.s", type::tracing, way::tracing, modify_return, rest::function, sleeps},
      {"fsession.s", type::tracing, way::tracing, trace_fsession, rest::function, sleeps},             // 7.0
      {"fentry.multi.s", type::tracing, way::tracing_multi, trace_fentry_multi, rest::place, sleeps},  // 7.2
      {"fexit.multi.s", type::tracing, way::tracing_multi, trace_fexit_multi, rest::place, sleeps},    // 7.2
      {"fsession.multi.s", type::tracing, way::tracing_multi, trace_fsession_multi, rest::place,
       sleeps},  // 7.2
      {"iter.s", type::tracing, way::iterator, trace_iter, rest::iterator, sleeps},
      {"lsm.s", type::lsm, way::tracing, lsm_mac, rest::hook, sleeps},
      {"struct_ops.s", type::struct_ops, way::struct_ops, any, rest::place, sleeps},
      {"lsm_cgroup", type::lsm, way::lsm_cgroup, lsm_cgroup, rest::hook},  // 6.0
      {"freplace", type::ext, way::tracing, any, rest::replaced},
      {"perf_event", type::perf_event, way::perf_event},
      {"syscall", type::syscall, way::elsewhere, any, rest::nothing, sleeps},  // 5.14

      {"xdp", type::xdp, way::xdp, xdp},
      {"xdp.frags", type::xdp, way::xdp, xdp, rest::nothing, frags},  // 5.18
      {"xdp/devmap", type::xdp, way::elsewhere, xdp_devmap},
      {"xdp.frags/devmap", type::xdp, way::elsewhere, xdp_devmap, rest::nothing, frags},  // 5.18
      {"xdp/cpumap", type::xdp, way::elsewhere, xdp_cpumap},
      {"xdp.frags/cpumap", type::xdp, way::elsewhere, xdp_cpumap, rest::nothing, frags},  // 5.18
      {"xdp_devmap", type::xdp, way::elsewhere, xdp_devmap},                              // before libbpf 1.0
      {"xdp_cpumap", type::xdp, way::elsewhere, xdp_cpumap},
      {"tcx/ingress", type::sched_cls, way::tcx, tcx_ingress},  // attached since 6.6
      {"tcx/egress", type::sched_cls, way::tcx, tcx_egress},
      {"tc/ingress", type::sched_cls, way::tcx, tcx_ingress},
      {"tc/egress", type::sched_cls, way::tcx, tcx_egress},
      {"tc", type::sched_cls},
      {"classifier", type::sched_cls},
      {"action", type::sched_act, way::elsewhere},
      {"lwt_in", type::lwt_in, way::elsewhere},
      {"lwt_out", type::lwt_out, way::elsewhere},
      {"lwt_xmit", type::lwt_xmit, way::elsewhere},
      {"lwt_seg6local", type::lwt_seg6local, way::elsewhere},
      {"netkit/primary", type::sched_cls, way::netkit, netkit_primary},  // 6.7
      {"netkit/peer", type::sched_cls, way::netkit, netkit_peer},        // 6.7
      {"netfilter", type::netfilter, way::netfilter, netfilter},         // 6.4
      {"lirc_mode2", type::lirc_mode2, way::infrared, lirc_mode2},
      {"flow_dissector", type::flow_dissector, way::netns, flow_dissector},
      {"sk_lookup", type::sk_lookup, way::netns, sk_lookup},

      {"socket", type::socket_filter, way::socket},
      {"sk_reuseport", type::sk_reuseport, way::reuseport, sk_reuseport_select},
      {"sk_reuseport/migrate", type::sk_reuseport, way::reuseport, sk_reuseport_select_or_migrate},  // 5.14
      {"sk_skb", type::sk_skb},
      {"sk_skb/stream_parser", type::sk_skb, way::sockmap, sk_skb_stream_parser},
      {"sk_skb/stream_verdict", type::sk_skb, way::sockmap, sk_skb_stream_verdict},
      {"sk_skb/verdict", type::sk_skb, way::sockmap, sk_skb_verdict},  // 5.13
      {"sk_msg", type::sk_msg, way::sockmap, sk_msg_verdict},

      {"sockops", type::sock_ops, way::cgroup, cgroup_sock_ops},
      {"cgroup_skb/ingress", type::cgroup_skb, way::cgroup, cgroup_inet_ingress},
      {"cgroup_skb/egress", type::cgroup_skb, way::cgroup, cgroup_inet_egress},
      {"cgroup/skb", type::cgroup_skb, way::cgroup, cgroup_inet_ingress},  // libbpf's choice, too
      {"cgroup/sock", type::cgroup_sock, way::cgroup, cgroup_inet_sock_create},
      {"cgroup/sock_create", type::cgroup_sock, way::cgroup, cgroup_inet_sock_create},
      {"cgroup/sock_release", type::cgroup_sock, way::cgroup, cgroup_inet_sock_release},
      {"cgroup/post_bind4", type::cgroup_sock, way::cgroup, cgroup_inet4_post_bind},
      {"cgroup/post_bind6", type::cgroup_sock, way::cgroup, cgroup_inet6_post_bind},
      {"cgroup/bind4", type::cgroup_sock_addr, way::cgroup, cgroup_inet4_bind},
      {"cgroup/bind6", type::cgroup_sock_addr, way::cgroup, cgroup_inet6_bind},
      {"cgroup/connect4", type::cgroup_sock_addr, way::cgroup, cgroup_inet4_connect},
      {"cgroup/connect6", type::cgroup_sock_addr, way::cgroup, cgroup_inet6_connect},
      {"cgroup/connect_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_connect},  // 6.7
      {"cgroup/sendmsg4", type::cgroup_sock_addr, way::cgroup, cgroup_udp4_sendmsg},
      {"cgroup/sendmsg6", type::cgroup_sock_addr, way::cgroup, cgroup_udp6_sendmsg},
      {"cgroup/sendmsg_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_sendmsg},  // 6.7
      {"cgroup/recvmsg4", type::cgroup_sock_addr, way::cgroup, cgroup_udp4_recvmsg},
      {"cgroup/recvmsg6", type::cgroup_sock_addr, way::cgroup, cgroup_udp6_recvmsg},
      {"cgroup/recvmsg_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_recvmsg},  // 6.7
      {"cgroup/getpeername4", type::cgroup_sock_addr, way::cgroup, cgroup_inet4_getpeername},
      {"cgroup/getpeername6", type::cgroup_sock_addr, way::cgroup, cgroup_inet6_getpeername},
      {"cgroup/getpeername_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_getpeername},  // 6.7
      {"cgroup/getsockname4", type::cgroup_sock_addr, way::cgroup, cgroup_inet4_getsockname},
      {"cgroup/getsockname6", type::cgroup_sock_addr, way::cgroup, cgroup_inet6_getsockname},
      {"cgroup/getsockname_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_getsockname},  // 6.7
      {"cgroup/sysctl", type::cgroup_sysctl, way::cgroup, cgroup_sysctl},
      {"cgroup/getsockopt", type::cgroup_sockopt, way::cgroup, cgroup_getsockopt},
      {"cgroup/setsockopt", type::cgroup_sockopt, way::cgroup, cgroup_setsockopt},
      {"cgroup/dev", type::cgroup_device, way::cgroup, cgroup_device},
  };
};
inline constexpr auto& section_kinds = section_rows::list;

/// What a program of a section attaches to, as a type in the kernel's BTF: its kind, and what stands in front of the
/// name that the section gives.
struct kernel_type_kind {
  section_rest rest;
  abi::btf_kind kind;
  text prefix;
  cause missing;  ///< when the kernel has none of this name
};
inline constexpr kernel_type_kind kernel_type_kinds[] = {
    {section_rest::function, abi::btf_kind::function, "", cause::no_kernel_function},
    {section_rest::tracepoint, abi::btf_kind::type_definition, "btf_trace_", cause::no_kernel_tracepoint},
    {section_rest::iterator, abi::btf_kind::function, "bpf_iter_", cause::no_kernel_iterator},
    {section_rest::hook, abi::btf_kind::function, "bpf_lsm_", cause::no_kernel_hook},
};

namespace detail {

// The row with the longest prefix that `section` has, and that ends there as `is_end` says.
template <class IsEnd>
constexpr section_kind longest_prefix(text section, IsEnd is_end) noexcept {
  section_kind found;
  for (const section_kind& kind : section_kinds)
    if (kind.prefix.size() >= found.prefix.size() && section.starts_with(kind.prefix) && is_end(kind))
      found = kind;
  return found;
}

}  // namespace detail

/// The row for the section called `section`, of all whose prefix it has up to a slash the longest; where there is
/// none, an empty one of type `unspec`. A question mark in front is not part of the name, see `is_optional`.
/// Shape: where no place follows the prefix, a number or a word may stand behind it without a slash, as in "xdp_pass"
///        or "socket2", which objects have from the time before libbpf 1.0.
[[nodiscard]] constexpr section_kind section_kind_of(text section) noexcept {
  const section_kind found = detail::longest_prefix(section, [&](const section_kind& kind) {
    return section.size() == kind.prefix.size() || section[kind.prefix.size()] == '/';
  });
  if (found.type != abi::prog_type::unspec) return found;
  return detail::longest_prefix(section, [&](const section_kind& kind) {
    const char behind = section.size() > kind.prefix.size() ? section[kind.prefix.size()] : '\0';
    return kind.rest == section_rest::nothing &&
           (behind == '_' || behind == '-' || (behind >= '0' && behind <= '9'));
  });
}

/// How many characters of the name of a section stand in front of what the prefix leaves for the place, the slash
/// counted; all of them where it leaves nothing.
[[nodiscard]] constexpr size_t place_in(text section, const section_kind& kind) noexcept {
  const bool names_place = kind.rest != section_rest::nothing && kind.prefix.size() + 1 < section.size();
  return names_place ? kind.prefix.size() + 1 : section.size();
}

/// True when the name of a section says that its programs are loaded only for those who ask for them.
[[nodiscard]] constexpr bool is_optional(text section) noexcept {
  return !section.empty() && section[0] == '?';
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SECTIONS_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A perf event, which the link owns from then on. `open_perf_event` makes one.
struct perf_event {
  fd event;
  barebpf::cookie cookie{};
};

/// A network interface of this process's network namespace.
struct interface {
  u32 index = 0;

  /// The interface called `wanted`.
  /// Errors: ENODEV when there is none; ENAMETOOLONG.
  /// Source: netdevice(7), SIOCGIFINDEX.
  [[nodiscard]] static result<interface> named(text wanted) noexcept;
};

/// How an XDP program gets its packets. XDP_FLAGS_SKB_MODE and its siblings.
enum class xdp_mode : u32 {
  any = 0,       ///< by the driver if it can, otherwise in the network stack
  skb = 1 << 1,  ///< in the network stack, which works on every interface
  drv = 1 << 2,  ///< by the driver
  hw = 1 << 3,   ///< on the device
};

/// Where among the programs of one place a new one goes.
/// Lifetime: a link that is named must stay until the program is attached.
/// Kernel:   6.6 for tcx, 6.16 for cgroups; at the end before that.
/// Source:   bpf_mprog_attach() in kernel/bpf/mprog.c at v6.12.
struct position {
  u32 flags = 0;
  u32 relative_fd = 0;
  u64 revision = 0;  ///< when it is not 0, ESTALE if the programs have changed since they had this revision

  [[nodiscard]] static constexpr position first() noexcept { return {.flags = abi::attach_flag::before}; }
  [[nodiscard]] static constexpr position last() noexcept { return {.flags = abi::attach_flag::after}; }
  [[nodiscard]] static position before(const link& other) noexcept {
    return {.flags = abi::attach_flag::before | abi::attach_flag::link,
            .relative_fd = other.descriptor().raw()};
  }
  [[nodiscard]] static position after(const link& other) noexcept {
    return {.flags = abi::attach_flag::after | abi::attach_flag::link,
            .relative_fd = other.descriptor().raw()};
  }
};

namespace detail {

// A descriptor of the caller's, as a number, an `fd` or something that has one.
struct borrowed {
  int descriptor = -1;

  constexpr borrowed() noexcept = default;
  constexpr explicit borrowed(int number) noexcept : descriptor(number) {}
  explicit borrowed(const fd& owner) noexcept : descriptor(owner.number()) {}
  template <class Owner>
  requires requires(const Owner& owner) { owner.descriptor().number(); }
  explicit borrowed(const Owner& owner) noexcept : descriptor(owner.descriptor().number()) {}
};

}  // namespace detail

/// A cgroup of the unified hierarchy, by a descriptor of its folder, such as `open_to_read` gives.
struct cgroup : detail::borrowed {
  using borrowed::borrowed;
};
/// A network namespace, by a descriptor of /proc/PID/ns/net or of a file that it is mounted on.
struct netns : detail::borrowed {
  using borrowed::borrowed;
};
/// A map of sockets, by its descriptor or as the typed map.
struct sockets_in : detail::borrowed {
  using borrowed::borrowed;
};
/// A socket, by its descriptor.
struct socket : detail::borrowed {
  using borrowed::borrowed;
};

/// The map whose elements an iterator lists, by its descriptor or as the typed map: iter/bpf_map_elem, iter/sockmap,
/// iter/bpf_sk_storage_map.
struct elements_of : detail::borrowed {
  using borrowed::borrowed;
};
/// Whose tasks an iterator lists: all, those of a process, or one thread.
/// Kernel: 6.1.
struct tasks_of {
  u32 process = 0;
  u32 thread = 0;
};
/// Which cgroups an iterator lists, and in which order.
/// Kernel: 6.1.
struct cgroups_of {
  enum class order : u32 { self_only = 1, descendants_pre = 2, descendants_post = 3, ancestors_up = 4 };
  int descriptor = -1;
  order walk = order::descendants_pre;
};

/// A program in a place that the kernel may have no link for.
/// Lifetime: the program is taken out when this object goes, which keeps the socket or the map open until then; moving
///           empties the source.
class attachment {
 public:
  attachment() noexcept = default;
  attachment(attachment&& other) noexcept
      : place_(std::move(other.place_)),
        program_(std::move(other.program_)),
        undo_(other.undo_),
        what_(other.what_) {}
  attachment& operator=(attachment&& other) noexcept {
    attachment taken(std::move(other));
    std::swap(place_, taken.place_);
    std::swap(program_, taken.program_);
    std::swap(undo_, taken.undo_);
    std::swap(what_, taken.what_);
    return *this;
  }
  ~attachment() { detach(); }

  /// True while the program is in its place, as far as this object can tell.
  [[nodiscard]] bool is_attached() const noexcept { return place_.is_open(); }
  /// True when the kernel has a link for it.
  [[nodiscard]] bool is_link() const noexcept { return is_attached() && undo_ == undo::close; }
  /// Takes the program out of its place now. From a socket this takes whatever filter it has by now.
  void detach() noexcept {
    if (!place_.is_open()) return;
    if (undo_ == undo::socket_option) {
      const int nothing = 0;
      system_call(__NR_setsockopt, place_.number(), sol_socket, what_, &nothing, sizeof nothing);
    } else if (undo_ == undo::map_delete) {
      const u32 key = 0;
      const abi::map_key attr{.map_fd = place_.raw(), .key = &key};
      sys_bpf(abi::command::map_delete_elem, attr);
    } else if (undo_ == undo::prog_detach) {
      const abi::prog_attach attr{
          .target_fd = place_.raw(), .attach_bpf_fd = program_.raw(), .attach_type = what_};
      sys_bpf(abi::command::prog_detach, attr);
    }
    place_ = fd();
    program_ = fd();
  }
  /// Hands the kernel's link over, for what only links can, such as being pinned; one that is not attached where there
  /// is none.
  [[nodiscard]] link to_link() noexcept { return is_link() ? link(std::move(place_), fd()) : link(); }
  /// Lets go of the place and leaves the program there, for as long as the socket or the map lives; and what a
  /// struct_ops without a link registered until its map is found by its id and emptied. A link goes.
  void leave() noexcept {
    place_ = fd();
    program_ = fd();
  }

 private:
  template <attach_way>
  friend struct place;
  enum class undo : u8 { close, prog_detach, socket_option, map_delete };
  static constexpr int sol_socket = 1;  // SOL_SOCKET

  fd place_;  // the link, the map or the socket
  fd program_;
  undo undo_ = undo::close;
  u32 what_ = 0;  // attach type or socket option
};

/// A program that is to be attached, with what its section says.
struct program_to_attach {
  const fd& descriptor;
  const char* subject;  ///< its name, which errors are about
  const char* place;    ///< as `write_place` made it
  abi::attach_type attach_type;
};

/// Writes what `program_to_attach::place` has to be for `target`, the text behind the prefix of the section.
/// Shape: returns the length without NUL, and writes only if `room` is larger; 0 when `target` names no place.
constexpr size_t write_place(attach_way way, text target, char* out, size_t room) noexcept {
  if (way == attach_way::tracepoint) return write_tracepoint_path(target, out, room);
  const bool is_probe = way == attach_way::kprobe || way == attach_way::kretprobe;
  if (is_probe && read_probe_place(target).function[0] == '\0') return 0;
  if (target.size() >= room) return target.size();
  for (const char c : target) *out++ = c;
  *out = '\0';
  return target.size();
}
/// True when a program cannot be attached in this way unless its section names the place.
[[nodiscard]] constexpr bool needs_place(attach_way way) noexcept {
  return way == attach_way::tracepoint || way == attach_way::raw_tracepoint || way == attach_way::kprobe ||
         way == attach_way::kretprobe;
}

/// Opens a perf event for `attach`.
/// Shape:  of a process, or all for -1; on a CPU, or any for -1.
/// Errors: those of perf_event_open(2).
[[nodiscard]] inline result<fd> open_perf_event(const abi::perf_event_attr& attr, int process,
                                                int cpu) noexcept {
  const long opened =
      move_away(system_call(__NR_perf_event_open, &attr, process, cpu, -1, abi::perf_flag_fd_cloexec));
  if (opened < 0) return failure(step::open_event, opened);
  return fd::own(opened);
}

namespace detail {

// What ioctl(2) on sockets takes for interfaces: struct ifreq.
struct interface_request {
  char name[16] = {};
  s32 index = 0;
  char unused[20] = {};
};
inline long ask_about_interface(u32 question, interface_request& request) noexcept {
  constexpr int unix_domain = 1, datagram_close_on_exec = 2 | 02000000;  // AF_UNIX; SOCK_DGRAM | SOCK_CLOEXEC
  const fd any = fd::own(system_call(__NR_socket, unix_domain, datagram_close_on_exec, 0));
  return any.is_open() ? system_call(__NR_ioctl, any.number(), question, &request) : any.number();
}

// Why a link was refused, as far as a second look tells.
[[nodiscard, gnu::cold, gnu::noinline]] inline cause why_not_attached(attach_way way, u32 target,
                                                                      long answer) noexcept {
  constexpr int f_getfd = 1;  // F_GETFD
  const u32 running = way == attach_way::tcx && answer == -EINVAL ? running_kernel() : 0;
  if (running != 0 && running < kernel(6, 6)) return cause::newer_attach_way;
  if (way == attach_way::xdp && answer == -EINVAL) {
    constexpr u32 get_name = 0x8910;  // SIOCGIFNAME
    interface_request request{.index = static_cast<s32>(target)};
    return ask_about_interface(get_name, request) == -ENODEV ? cause::no_interface : cause::none;
  }
  if (way == attach_way::cgroup && answer == -EBADF && system_call(__NR_fcntl, target, f_getfd) >= 0)
    return cause::not_a_cgroup;
  return cause::none;
}

template <attach_way Way, class Request>
[[nodiscard]] result<link> create_link(const program_to_attach& program, const Request& request) noexcept {
  outcome row{.subject = program.subject};
  if (row.fails(step::link_create, move_away(sys_bpf(abi::command::link_create, request)))) {
    row.why = why_not_attached(Way, request.target_fd, row.answer);
    return to_error(row);
  }
  return link(fd::own(row.answer), fd());
}

}  // namespace detail

inline result<interface> interface::named(text wanted) noexcept {
  constexpr u32 get_index = 0x8933;  // SIOCGIFINDEX
  detail::interface_request request;
  const bool fits = wanted.size() < sizeof request.name;
  for (size_t i = 0; fits && i < wanted.size(); ++i) request.name[i] = wanted[i];
  const long answer = fits ? detail::ask_about_interface(get_index, request) : -ENAMETOOLONG;
  if (answer < 0) return failure(step::find_interface, answer).about(wanted);
  return interface { static_cast<u32>(request.index) };
}

/// How programs are attached in one way: `attach<Policy>(program, what they are given...)`, and the cause that says
/// what they want to be given.
template <attach_way Way>
struct place;

template <>
struct place<attach_way::none> {
  static constexpr cause wants = cause::not_attachable;
};
template <>
struct place<attach_way::elsewhere> {
  static constexpr cause wants = cause::attached_elsewhere;
};

template <attach_way Way>
requires(Way > last_attached_way) struct place<Way> {
  static constexpr cause wants = cause::not_attached_yet;
};

template <>
struct place<attach_way::tracepoint> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program) noexcept {
    return link::attach_tracepoint<Policy>(program.descriptor, program.place, program.subject);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::cookie with) noexcept {
    return link::attach_tracepoint<Policy>(program.descriptor, program.place, program.subject, with);
  }
};

/// Errors: ENOENT when the kernel has no such tracepoint; EINVAL when the program reads more arguments than it has.
/// Kernel: 4.17, BPF_RAW_TRACEPOINT_OPEN.
/// Source: bpf_raw_tp_link_attach() in kernel/bpf/syscall.c at v6.12.
template <>
struct place<attach_way::raw_tracepoint> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::cookie with = {}) noexcept {
    outcome row{.subject = program.subject};
    const abi::raw_tracepoint request{
        .name = program.place, .prog_fd = program.descriptor.raw(), .cookie = with.value};
    if (row.fails(step::raw_tracepoint_open, move_away(sys_bpf(abi::command::raw_tracepoint_open, request))))
      return to_error(row);
    return link(fd::own(row.answer), fd());
  }
};

/// Errors: those of `open_kernel_probe`; EINVAL with a cookie where the kernel has none.
/// Kernel: 4.17; as a link and with a cookie since 5.15, before that through the event.
/// Source: perf_event_open(2); perf_event_set_bpf_prog() in kernel/events/core.c at v6.12.
template <>
struct place<attach_way::kprobe> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::cookie with = {}) noexcept {
    return to_probe<Policy>(program, false, with);
  }

 protected:
  template <load_policy Policy>
  [[nodiscard]] static result<link> to_probe(const program_to_attach& program, bool at_end,
                                             barebpf::cookie with) noexcept {
    outcome row{.subject = program.subject};
    fd event = open_kernel_probe(program.place, at_end, row);
    if (row.failed()) return to_error(row);
    return link::attach_event<Policy>(program.descriptor, std::move(event), program.subject, with);
  }
};
template <>
struct place<attach_way::kretprobe> : private place<attach_way::kprobe> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::cookie with = {}) noexcept {
    return to_probe<Policy>(program, true, with);
  }
};

/// Where to is in the program since it was loaded, so no name is given. Of programs in SEC("freplace/...") it is the
/// program that they were loaded for.
/// Errors: EBUSY when more than 38 programs are attached to the function.
/// Kernel: 5.5; as any other link, which a cookie needs, since 5.19.
/// Source: bpf_tracing_prog_attach() in kernel/bpf/syscall.c at v6.12.
template <>
struct place<attach_way::tracing> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::cookie with = {}) noexcept {
    if (with.value != 0)
      return detail::create_link<attach_way::tracing>(
          program, abi::link_create_tracing{.prog_fd = program.descriptor.raw(),
                                            .attach_type = static_cast<u32>(program.attach_type),
                                            .cookie = with.value});
    return place<attach_way::raw_tracepoint>::attach<Policy>(
        {program.descriptor, program.subject, nullptr, program.attach_type});
  }
};

/// Kernel: 5.8.
/// Source: bpf_iter_link_attach() in kernel/bpf/bpf_iter.c at v6.12.
template <>
struct place<attach_way::iterator> {
  static constexpr cause wants = cause::lists_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program) noexcept {
    return create(program, nullptr, 0);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, elements_of map) noexcept {
    return with(program, abi::iter_map{.map_fd = static_cast<u32>(map.descriptor)});
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, tasks_of whom) noexcept {
    return with(program, abi::iter_task{.tid = whom.thread, .pid = whom.process});
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, cgroups_of which) noexcept {
    return with(program, abi::iter_cgroup{.order = static_cast<u32>(which.walk),
                                          .cgroup_fd = static_cast<u32>(which.descriptor)});
  }

 private:
  template <class Info>
  [[nodiscard]] static result<link> with(const program_to_attach& program, const Info& info) noexcept {
    return create(program, &info, sizeof info);
  }
  [[nodiscard]] static result<link> create(const program_to_attach& program, const void* info,
                                           u32 size) noexcept {
    return detail::create_link<attach_way::iterator>(
        program, abi::link_create_iter{.prog_fd = program.descriptor.raw(),
                                       .attach_type = static_cast<u32>(program.attach_type),
                                       .iter_info = info,
                                       .iter_info_len = size});
  }
};

template <>
struct place<attach_way::perf_event> {
  static constexpr cause wants = cause::needs_perf_event;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::perf_event target) noexcept {
    return link::attach_event<Policy>(program.descriptor, std::move(target.event), program.subject,
                                      target.cookie);
  }
};

/// Errors: no_interface; EBUSY or EEXIST where another program is; EOPNOTSUPP when the driver cannot do what `mode`
///         asks for.
/// Kernel: 5.9.
/// Source: bpf_xdp_link_attach() in net/core/dev.c at v6.12.
template <>
struct place<attach_way::xdp> {
  static constexpr cause wants = cause::needs_interface;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, interface target,
                                           xdp_mode mode = xdp_mode::any) noexcept {
    return detail::create_link<attach_way::xdp>(
        program, abi::link_create{.prog_fd = program.descriptor.raw(),
                                  .target_fd = target.index,
                                  .attach_type = static_cast<u32>(program.attach_type),
                                  .flags = static_cast<u32>(mode)});
  }
};

namespace detail {

// Places with an order.
template <attach_way Way>
[[nodiscard]] result<link> create_ordered_link(const program_to_attach& program, u32 target,
                                               const position& where) noexcept {
  return create_link<Way>(program,
                          abi::link_create_ordered{.prog_fd = program.descriptor.raw(),
                                                   .target_fd = target,
                                                   .attach_type = static_cast<u32>(program.attach_type),
                                                   .flags = where.flags,
                                                   .relative_fd = where.relative_fd,
                                                   .expected_revision = where.revision});
}

}  // namespace detail

/// Errors: ENODEV for an interface that is gone; newer_attach_way; EEXIST when this program is there; ERANGE when 64
///         are.
/// Kernel: 6.6.
/// Source: tcx_link_attach() in kernel/bpf/tcx.c at v6.12.
template <>
struct place<attach_way::tcx> {
  static constexpr cause wants = cause::needs_interface;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, interface target,
                                           position where = {}) noexcept {
    return detail::create_ordered_link<attach_way::tcx>(program, target.index, where);
  }
};

/// Errors: not_a_cgroup; EPERM where a program above admits no others.
/// Kernel: 5.7.
/// Source: cgroup_bpf_link_attach() in kernel/bpf/cgroup.c at v6.12.
template <>
struct place<attach_way::cgroup> {
  static constexpr cause wants = cause::needs_cgroup;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::cgroup target,
                                           position where = {}) noexcept {
    return detail::create_ordered_link<attach_way::cgroup>(program, static_cast<u32>(target.descriptor),
                                                           where);
  }
};

/// Errors: EINVAL when the descriptor is of no network namespace; EEXIST where a flow dissector is; E2BIG when 64
///         programs look up sockets.
/// Cost:   two system calls more when no namespace is given.
/// Kernel: 5.8 for flow dissectors, 5.9 for sk_lookup.
/// Source: netns_bpf_link_create() in kernel/bpf/net_namespace.c at v6.12.
template <>
struct place<attach_way::netns> {
  static constexpr cause wants = cause::needs_netns;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program) noexcept {
    constexpr const char* own = "/proc/thread-self/ns/net";
    const fd opened = fd::own(move_away(open_to_read(own)));
    if (!opened.is_open()) return failure(step::open_file, opened.number()).about(own);
    return attach<Policy>(program, barebpf::netns(opened));
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::netns target) noexcept {
    return detail::create_link<attach_way::netns>(
        program, abi::link_create{.prog_fd = program.descriptor.raw(),
                                  .target_fd = static_cast<u32>(target.descriptor),
                                  .attach_type = static_cast<u32>(program.attach_type)});
  }
};

/// Errors: EOPNOTSUPP when the map is of another type; EBUSY where a link holds another program or a stream verdict
///         meets a verdict.
/// Kernel: 4.14; as a link since 6.10.
/// Source: sock_map_link_create() and sock_map_get_from_fd() in net/core/sock_map.c at v6.12.
template <>
struct place<attach_way::sockmap> {
  static constexpr cause wants = cause::needs_sockmap;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 sockets_in target) noexcept {
    const auto target_fd = static_cast<u32>(target.descriptor);
    const auto attach_type = static_cast<u32>(program.attach_type);
    outcome row{.subject = program.subject};
    attachment out;
    const abi::link_create link_request{
        .prog_fd = program.descriptor.raw(), .target_fd = target_fd, .attach_type = attach_type};
    if (!row.fails(step::link_create, move_away(sys_bpf(abi::command::link_create, link_request)))) {
      out.place_.fill(row.answer);
      return out;
    }
    if constexpr (Policy.oldest_kernel < kernel(6, 10)) {
      if (row.answer == -EINVAL) {  // no such links before 6.10
        fd map = fd::own(duplicate(target.descriptor)),
           copy = fd::own(duplicate(program.descriptor.number()));
        const abi::prog_attach request{
            .target_fd = target_fd, .attach_bpf_fd = program.descriptor.raw(), .attach_type = attach_type};
        if (!row.fails(step::prog_attach, map.number()) && !row.fails(step::prog_attach, copy.number()) &&
            !row.fails(step::prog_attach, sys_bpf(abi::command::prog_attach, request))) {
          out.place_ = std::move(map);
          out.program_ = std::move(copy);
          out.undo_ = attachment::undo::prog_detach;
          out.what_ = attach_type;
          return out;
        }
      }
    }
    return to_error(row);
  }
};

/// Errors: ENOTSOCK; EPERM for a socket whose filter is locked.
/// Kernel: 3.19, SO_ATTACH_BPF. There is no link.
/// Source: socket(7); sk_attach_bpf() in net/core/filter.c at v6.12.
template <>
struct place<attach_way::socket> {
  static constexpr cause wants = cause::needs_socket;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 barebpf::socket target) noexcept {
    constexpr u32 so_attach_bpf = 50, so_detach_bpf = 27;  // SO_ATTACH_BPF, SO_DETACH_BPF
    return set(program, target, so_attach_bpf, so_detach_bpf);
  }

 protected:
  [[nodiscard]] static result<attachment> set(const program_to_attach& program, barebpf::socket target,
                                              u32 option, u32 undo) noexcept {
    outcome row{.subject = program.subject};
    attachment out;
    if (row.fails(step::attach_to_socket, duplicate(target.descriptor))) return to_error(row);
    fd copy = fd::own(row.answer);
    const int number = program.descriptor.number();
    if (row.fails(step::attach_to_socket,
                  system_call(__NR_setsockopt, target.descriptor, attachment::sol_socket, option, &number,
                              sizeof number)))
      return to_error(row);
    out.place_ = std::move(copy);
    out.undo_ = attachment::undo::socket_option;
    out.what_ = undo;
    return out;
  }
};

/// Errors: EINVAL for a socket that shares no port.
/// Kernel: 4.19, SO_ATTACH_REUSEPORT_EBPF; taken out again since 5.3. There is no link.
/// Source: reuseport_attach_prog() in net/core/sock_reuseport.c at v6.12.
template <>
struct place<attach_way::reuseport> : private place<attach_way::socket> {
  static constexpr cause wants = cause::needs_socket;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 barebpf::socket target) noexcept {
    constexpr u32 so_attach_reuseport_ebpf = 52, so_detach_reuseport_bpf = 68;
    return set(program, target, so_attach_reuseport_ebpf, so_detach_reuseport_bpf);
  }
};

/// Functions that the kernel calls through a struct: the struct is attached, as one map, and no program by itself.
/// Errors: EEXIST where something of its name is registered; EINVAL when the kernel wants more functions than there are;
///         EBUSY for one without a link that was attached before.
/// Kernel: 5.6; as a link since 6.4.
/// Source: bpf_struct_ops_map_update_elem() and bpf_struct_ops_link_create() in kernel/bpf/bpf_struct_ops.c at v6.12.
template <>
struct place<attach_way::struct_ops> {
  static constexpr cause wants = cause::part_of_operations;

  /// Hands `value` over, which has the kernel's form, and registers it, with a link where the map has the flag for it.
  [[nodiscard]] static result<attachment> attach_map(const fd& map, const void* value,
                                                     bool is_linked) noexcept {
    constexpr step at = step::register_operations;
    outcome row;
    attachment out;
    if (!is_linked) {
      // First the descriptor by which it is emptied again.
      fd copy = fd::own(duplicate(map.number()));
      if (row.fails(at, copy.number()) || !fill(map, value, false, row)) return to_error(row);
      out.place_ = std::move(copy);
      out.undo_ = attachment::undo::map_delete;
      return out;
    }
    if (!fill(map, value, true, row)) return to_error(row);
    const abi::link_create request{.prog_fd = map.raw(),
                                   .attach_type = static_cast<u32>(abi::attach_type::struct_ops)};
    if (row.fails(at, move_away(sys_bpf(abi::command::link_create, request)))) return to_error(row);
    out.place_.fill(row.answer);
    return out;
  }
  /// Puts the struct of `map` in the place of the one that is there, without a moment between the two.
  /// Errors: EINVAL when it is of another kind or name.
  /// Kernel: 6.4.
  [[nodiscard]] static result<void> update(const attachment& attached, const fd& map,
                                           const void* value) noexcept {
    outcome row;
    const abi::link_update request{.link_fd = attached.place_.raw(), .new_prog_fd = map.raw()};
    if (fill(map, value, true, row) &&
        !row.fails(step::register_operations, sys_bpf(abi::command::link_update, request)))
      return {};
    return to_error(row);
  }

 private:
  // One that is for links keeps its value when a link goes, and is full from then on.
  static bool fill(const fd& map, const void* value, bool is_linked, outcome& row) noexcept {
    const u32 key = 0;
    const abi::map_elem attr{.map_fd = map.raw(), .key = &key, .value = value};
    const bool failed = row.fails(step::register_operations, sys_bpf(abi::command::map_update_elem, attr));
    return !failed || (is_linked && row.answer == -EBUSY);
  }
};

/// True when programs that are attached in this way take what `Target` are.
template <attach_way Way, class... Target>
concept attaches_to = requires(const program_to_attach& program, Target&&... target) {
  place<Way>::template attach<load_policy{}>(program, std::forward<Target>(target)...);
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_HPP
// Room 4.0, spec/record: what a BPF object is once it is read: plain tables of maps, variables, functions and
// programs, and what instructions refer to. Whoever reads fills them, whoever loads looks things up in them.
#ifndef BAREBPF_SPEC_RECORD_HPP
#define BAREBPF_SPEC_RECORD_HPP

// Room 3.2, btf_ext: what .BTF.ext says of instructions: which function begins where, which source line an
// instruction comes from, and which need CO-RE. Each of the three is a table of runs, one run for a section.
#ifndef BAREBPF_BTF_EXT_HPP
#define BAREBPF_BTF_EXT_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The records of one section of code; all offsets count from the start of the file.
struct btf_ext_run {
  u64 section_name = 0;  ///< where the name of the section stands
  u64 first = 0;         ///< where its first record stands
  u32 count = 0;
};

/// One of the three tables.
struct btf_ext_table {
  u64 at = 0;           ///< where the first run stands
  u64 end = 0;          ///< where the table ends
  u32 record_size = 0;  ///< bytes

  /// Reads the run at `at` and moves on to the next; false behind the last.
  constexpr bool next(const btf& types, btf_ext_run& out) noexcept {
    using header = abi::btf_ext_run_header;
    if (at >= end) return false;
    out = {.section_name = types.strings() + types.image().read32(at + header::section_name),
           .first = at + header::size,
           .count = types.image().read32(at + header::count)};
    at = out.first + u64{out.count} * record_size;
    return true;
  }
};

/// The three tables of an object.
/// Lifetime: plain numbers, good for the image they were read from.
struct btf_ext {
  btf_ext_table functions;  ///< `abi::func_info`
  btf_ext_table lines;      ///< `abi::line_info`
  btf_ext_table core;       ///< `abi::core_relo`

  /// Checks that every run of the three tables lies inside `section`.
  static constexpr verdict open(const elf& file, const elf_section& section, const btf& types,
                                btf_ext& out) noexcept;
};

namespace detail {

constexpr verdict open_btf_ext_table(const elf_section& section, const btf& types, u64 field,
                                     u32 smallest_record, btf_ext_table& out) noexcept {
  using header = abi::btf_ext_header;
  const bytes& image = types.image();
  const auto bad = [&](u64 at) {
    return verdict{.why = cause::bad_btf_ext, .section = section.index, .offset = at};
  };
  const u64 header_size = image.read32(section.at + header::header_size);
  if (field + 8 > header_size) return {};  // an older compiler that knew fewer tables
  const u64 offset = image.read32(section.at + field), size = image.read32(section.at + field + 4);
  if (size == 0) return {};
  const u64 body_size = section.size - header_size;
  if (offset > body_size || size > body_size - offset || size < 4) return bad(section.at + field);
  const u64 start = section.at + header_size + offset;
  out = {.at = start + 4, .end = start + size, .record_size = image.read32(start)};
  if (out.record_size < smallest_record || out.record_size % 4 != 0) return bad(start);
  btf_ext_table walk = out;
  for (u64 at = walk.at; at < walk.end; at = walk.at) {
    btf_ext_run run;
    if (walk.end - at < abi::btf_ext_run_header::size) return bad(at);
    walk.next(types, run);
    if (walk.at > walk.end || !types.has_string(run.section_name)) return bad(at);
  }
  return {};
}

}  // namespace detail

constexpr verdict btf_ext::open(const elf& file, const elf_section& section, const btf& types,
                                btf_ext& out) noexcept {
  using header = abi::btf_ext_header;
  const bytes& image = file.image();
  if (const verdict v = file.demand_type(section, abi::section_progbits); v.failed()) return v;
  const u64 header_size = image.read32(section.at + header::header_size);
  if (section.size < header::size || image.read16(section.at + header::magic) != abi::btf_magic ||
      header_size < header::size || header_size > section.size)
    return {.why = cause::bad_btf_ext, .section = section.index, .offset = section.at};
  if (const verdict v = detail::open_btf_ext_table(section, types, header::functions_offset,
                                                   sizeof(abi::func_info), out.functions);
      v.failed())
    return v;
  if (const verdict v =
          detail::open_btf_ext_table(section, types, header::lines_offset, sizeof(abi::line_info), out.lines);
      v.failed())
    return v;
  return detail::open_btf_ext_table(section, types, header::core_offset, sizeof(abi::core_relo), out.core);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BTF_EXT_HPP
// Room 3.5, externs: what an object wants of the kernel that runs it, by name: options of its configuration (__kconfig),
// and addresses, variables and functions of it (__ksym).
#ifndef BAREBPF_EXTERNS_HPP
#define BAREBPF_EXTERNS_HPP

// Room 2.16, kconfig: lines of a kernel's configuration, and what they make of a variable that a program declares with
// __kconfig.
#ifndef BAREBPF_KCONFIG_HPP
#define BAREBPF_KCONFIG_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What kind of value a __kconfig variable can have.
enum class kconfig_form : u8 {
  none,
  boolean,     ///< y or n
  tristate,    ///< y, n or m; `enum libbpf_tristate`
  character,   ///< y, n, m as that letter, or a number
  number,      ///< an integer of 1, 2, 4 or 8 bytes
  characters,  ///< a text in quotes
};

/// A __kconfig variable.
struct kconfig_slot {
  kconfig_form form = kconfig_form::none;
  bool is_signed = false;
  u32 size = 0;  ///< bytes
};

/// A line that sets an option: `CONFIG_HZ=250`.
/// Lifetime: looks at the line that was read.
struct kconfig_line {
  text option{};
  text value{};
};

/// Reads a line without its end into `out`. Lines that set nothing, such as comments, leave it empty.
/// Shape: false for one that begins with CONFIG_ and sets nothing.
[[nodiscard]] constexpr bool read_kconfig_line(text line, kconfig_line& out) noexcept {
  out = {};
  if (!line.starts_with("CONFIG_")) return true;
  detail::text_reader in(line);
  const text option = in.take_until('=');
  if (in.is_done()) return false;
  out = {option, in.rest()};
  return true;
}

namespace detail {

// A number as C writes it: 10, 0x1f, 017, -3.
constexpr bool read_c_number(text from, u64& out) noexcept {
  const bool is_negative = from.starts_with("-");
  if (is_negative || from.starts_with("+")) from = from.without_first(1);
  u64 base = 10;
  if (from.starts_with("0x") || from.starts_with("0X")) {
    base = 16;
    from = from.without_first(2);
  } else if (from.starts_with("0") && from.size() > 1) {
    base = 8;
  }
  out = 0;
  for (const char c : from) {
    const u64 digit = c >= '0' && c <= '9'   ? static_cast<u64>(c - '0')
                      : c >= 'a' && c <= 'f' ? static_cast<u64>(c - 'a' + 10)
                      : c >= 'A' && c <= 'F' ? static_cast<u64>(c - 'A' + 10)
                                             : 16;
    if (digit >= base || out > (~u64{0} - digit) / base) return false;
    out = out * base + digit;
  }
  if (is_negative) out = 0 - out;
  return !from.empty();
}

}  // namespace detail

/// Writes a number to a variable of `slot.size` bytes at `out`, in the machine's byte order.
/// Shape: kconfig_not_a_number for a variable that is none, kconfig_range for a number that does not fit; `none` else.
[[nodiscard]] constexpr cause set_kconfig_number(const kconfig_slot& slot, u64 value, u8* out) noexcept {
  using enum kconfig_form;
  if (slot.form == boolean && value > 1) return cause::kconfig_range;
  if (slot.form != number && slot.form != character && slot.form != boolean)
    return cause::kconfig_not_a_number;
  const u32 bits = slot.size * 8;
  if (bits < 64) {
    const bool fits = slot.is_signed ? value + (u64{1} << (bits - 1)) < u64{1} << bits : value >> bits == 0;
    if (!fits) return cause::kconfig_range;
  }
  for (u32 i = 0; i < slot.size; ++i)
    out[host_is_big_endian ? slot.size - 1 - i : i] = static_cast<u8>(value >> (i * 8));
  return cause::none;
}

/// Writes what stands behind the = of a line to a variable of `slot.size` bytes at `out`, in which there is nothing but
/// zeros. A text that is too long is cut, and always ends with a NUL.
/// Shape:  `none`, or why the value is none for this variable.
/// Source: what libbpf 1.1 takes.
[[nodiscard]] constexpr cause set_kconfig(const kconfig_slot& slot, text value, u8* out) noexcept {
  using enum kconfig_form;
  const char first = value.empty() ? '\0' : value[0];
  if (first == 'y' || first == 'n' || first == 'm') {
    switch (slot.form) {
      case boolean:
        if (first == 'm') return cause::kconfig_module;
        out[0] = first == 'y';
        return cause::none;
      case tristate: {
        const u8 number = first == 'y' ? 1 : first == 'm' ? 2 : 0;
        out[host_is_big_endian ? slot.size - 1 : 0] = number;
        return cause::none;
      }
      case character:
        out[0] = static_cast<u8>(first);
        return cause::none;
      default:
        return cause::kconfig_yes_or_no;
    }
  }
  if (first == '"') {
    if (slot.form != characters) return cause::kconfig_text;
    if (value.size() < 2 || value[value.size() - 1] != '"') return cause::bad_kconfig_line;
    for (u32 i = 0; i + 2 < value.size() && i + 1 < slot.size; ++i) out[i] = static_cast<u8>(value[i + 1]);
    return cause::none;
  }
  u64 read = 0;
  if (!detail::read_c_number(value, read)) return cause::bad_kconfig_line;
  // A bool of 0 or 1 is written y or n.
  return slot.form == boolean ? cause::kconfig_not_a_number : set_kconfig_number(slot, read, out);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KCONFIG_HPP
// Room 0.9, order: puts records in order where they are, without memory.
#ifndef BAREBPF_ORDER_HPP
#define BAREBPF_ORDER_HPP

namespace barebpf::inline BAREBPF_ABI::detail {

// Puts `list` in order, whatever order it is in, in count times log(count) steps. Lists of object files come in order,
// so the good path is one look at each.
template <class Record, class IsBefore>
constexpr void sort_with(Record* list, size_t count, IsBefore is_before) noexcept {
  bool is_sorted = true;
  for (size_t i = 1; i < count && is_sorted; ++i) is_sorted = !is_before(list[i], list[i - 1]);
  if (is_sorted) return;
  const auto swap = [list](size_t a, size_t b) {
    const Record kept = list[a];
    list[a] = list[b];
    list[b] = kept;
  };
  const auto sink = [&](size_t from, size_t end) {  // restores the heap below `from`
    for (size_t child; (child = from * 2 + 1) < end; from = child) {
      if (child + 1 < end && is_before(list[child], list[child + 1])) ++child;
      if (!is_before(list[from], list[child])) return;
      swap(from, child);
    }
  };
  for (size_t i = count / 2; i-- > 0;) sink(i, count);
  for (size_t end = count; end-- > 1;) {
    swap(0, end);
    sink(0, end);
  }
}

}  // namespace barebpf::inline BAREBPF_ABI::detail

#endif  // BAREBPF_ORDER_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Where the kernel keeps what is wanted.
enum class extern_kind : u8 {
  config,   ///< its configuration, or what is known of it beside: `extern int LINUX_KERNEL_VERSION __kconfig`
  address,  ///< /proc/kallsyms: `extern const void name __ksym`
  variable,  ///< its types: `extern const int name __ksym`
  function,  ///< its types: `extern int name(void) __ksym`
};

/// What an object wants of the kernel.
struct extern_spec {
  u64 name = 0;         ///< where its name stands
  u64 declared_at = 0;  ///< where its BTF record stands
  extern_kind kind = extern_kind::config;
  kconfig_slot slot{};  ///< of a config
  u32 alignment = 1;    ///< of a config
  u32 offset = 0;       ///< of a config: bytes from the start of the map's value
  u32 id = 0;           ///< id of its VAR or FUNC in the object's BTF
  u32 type = 0;         ///< id of its type in the object's BTF
  bool is_weak = true;  ///< the object works without it; also true while no symbol demands it
};

/// The name of an extern as a number, and its index: a list in the order of the numbers finds names by halving.
struct extern_name {
  u32 hash = 0;
  u32 target = 0;
};

/// The bytes of a name as a number, different for most different names.
[[nodiscard]] constexpr u32 hash_of(text name) noexcept {
  u32 out = 0x811c9dc5;  // FNV-1a
  for (const char c : name) out = (out ^ static_cast<u8>(c)) * 0x01000193;
  return out;
}
/// The same of the first `length` characters at `at`.
[[nodiscard]] constexpr u32 hash_of(const bytes& image, u64 at, u64 length) noexcept {
  u32 out = 0x811c9dc5;
  for (u64 i = 0; i < length; ++i) out = (out ^ image.read8(at + i)) * 0x01000193;
  return out;
}

/// How many characters of the name at `at` stand in front of its flavour, the last `___` inside it: the part that the
/// kernel knows. "bpf_iter_new___v2" is "bpf_iter_new".
[[nodiscard]] constexpr size_t length_without_flavor(const bytes& image, u64 at) noexcept {
  const size_t length = image.length_of_string(at);
  for (size_t i = length; i-- > 4;) {
    // i is the first character behind three underscores, between two that are none.
    const bool is_border = image.read8(at + i) != '_' && image.read8(at + i - 4) != '_' &&
                           image.read8(at + i - 3) == '_' && image.read8(at + i - 2) == '_' &&
                           image.read8(at + i - 1) == '_';
    if (is_border) return i - 3;
  }
  return length;
}

namespace detail {

/// The longest name of which the kernel keeps the address.
/// Source: KSYM_NAME_LEN in include/linux/kallsyms.h at v6.12.
inline constexpr u64 longest_extern_name = 511;

// What the type of a __kconfig variable makes of it; no form for one that can be none. Its alignment is that of its
// element.
constexpr kconfig_slot kconfig_slot_of(const btf& types, u32 id, u32& alignment) noexcept {
  using enum abi::btf_kind;
  btf_type type = types.resolve(id);
  const bool is_array = type.kind == array;
  const u32 size = types.size_of(id);
  if (is_array) {
    if (types.length_of(type) == 0) return {};
    type = types.resolve(types.element_of(type));
  }
  alignment = type.size_or_type < 8 ? type.size_or_type : 8;
  const u32 encoding = type.kind == integer ? types.image().read32(type.tail()) >> 24 : 0;
  const bool is_bool = (encoding & abi::btf_integer_is_bool) != 0;
  const bool is_signed = (encoding & abi::btf_integer_is_signed) != 0;
  kconfig_slot out{.is_signed = is_signed, .size = size};
  if (type.kind == enumeration && type.size_or_type == 4 &&
      types.image().string_is(type.name, "libbpf_tristate"))
    out.form = is_array ? kconfig_form::none : kconfig_form::tristate;
  else if (type.kind != integer)
    return {};
  else if (type.size_or_type == 1)
    out.form = is_bool && is_array ? kconfig_form::none
               : is_bool           ? kconfig_form::boolean
               : is_array          ? kconfig_form::characters
                                   : kconfig_form::character;
  else if (!is_bool && !is_array &&
           (type.size_or_type == 2 || type.size_or_type == 4 || type.size_or_type == 8))
    out.form = kconfig_form::number;
  return out.form == kconfig_form::none ? kconfig_slot{} : out;
}

constexpr verdict read_extern(const btf& types, const btf_member& place, bool is_config, u32 section,
                              extern_spec& out) noexcept {
  const btf_type declared = types.type(types.variable_of(place));
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = declared.at, .subject = declared.name};
  };
  const bool is_function = declared.kind == abi::btf_kind::function;
  if (!is_function && declared.kind != abi::btf_kind::variable)
    return {.why = cause::bad_btf_type, .section = section, .offset = place.at};
  const u64 length = types.image().length_of_string(declared.name);
  if (length == 0 || length > longest_extern_name) return wrong(cause::bad_extern_name);
  out = {.name = declared.name,
         .declared_at = declared.at,
         .kind = is_function ? extern_kind::function : extern_kind::config,
         .id = declared.id,
         .type = declared.size_or_type};
  if (!is_config) {
    const bool is_void = types.resolve(out.type).kind == abi::btf_kind::void_type;
    if (!is_function) out.kind = is_void ? extern_kind::address : extern_kind::variable;
    return {};
  }
  if (!is_function) out.slot = kconfig_slot_of(types, out.type, out.alignment);
  if (out.slot.form == kconfig_form::none) return wrong(cause::bad_kconfig_type);
  return {};
}

// The order in which libbpf numbers them: options by alignment and size, so that there is no gap between them, and all
// others by their names.
constexpr bool comes_before(const bytes& image, const extern_spec& a, const extern_spec& b) noexcept {
  const bool is_config = a.kind == extern_kind::config;
  if (is_config != (b.kind == extern_kind::config)) return is_config;
  if (is_config && a.alignment != b.alignment) return a.alignment > b.alignment;
  if (is_config && a.slot.size != b.slot.size) return a.slot.size < b.slot.size;
  u64 i = 0;
  while (image.read8(a.name + i) == image.read8(b.name + i) && image.read8(a.name + i) != 0) ++i;
  return image.read8(a.name + i) < image.read8(b.name + i);
}

// The externs that the two layouts list, in their order, with the places of options in the value of their map, which
// gets `value_size` bytes.
constexpr verdict read_externs(const btf& types, const btf_type& config, const btf_type& symbols, u32 section,
                               extern_spec* list, extern_name* names, u32& count, u32& value_size) noexcept {
  const btf_type layouts[] = {config, symbols};
  for (const btf_type& layout : layouts)
    for (u32 i = 0; i < layout.members; ++i)
      if (const verdict v =
              read_extern(types, types.member(layout, i), layout.id == config.id, section, list[count++]);
          v.failed())
        return v;
  const bytes& image = types.image();
  sort_with(list, count,
            [&image](const extern_spec& a, const extern_spec& b) { return comes_before(image, a, b); });
  // No option has so long a text, and somebody has to find room for it.
  constexpr u64 largest_value = 1 << 20;
  u64 end = 0;
  for (u32 i = 0; i < count; ++i) {
    extern_spec& one = list[i];
    names[i] = {.hash = hash_of(image, one.name, image.length_of_string(one.name)), .target = i};
    if (one.kind != extern_kind::config) continue;
    end = (end + one.alignment - 1) / one.alignment * one.alignment;
    one.offset = static_cast<u32>(end);
    end += one.slot.size;
    if (end > largest_value)
      return {.why = cause::kconfig_too_large,
              .section = section,
              .offset = one.declared_at,
              .subject = one.name};
  }
  value_size = static_cast<u32>(end);
  sort_with(names, count, [](const extern_name& a, const extern_name& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.target < b.target;
  });
  return {};
}

}  // namespace detail

/// The index of the extern whose name stands at `wanted`, or one more than any where there is none.
[[nodiscard]] constexpr u32 find_extern(const bytes& image, const extern_spec* list, const extern_name* names,
                                        u32 count, u64 wanted) noexcept {
  const u64 length = image.length_of_string(wanted);
  if (length == 0 || length > detail::longest_extern_name) return 0xffffffff;
  const u32 hash = hash_of(image, wanted, length);
  u32 first = 0;
  for (u32 left = count; left != 0;) {
    const u32 half = left / 2;
    const bool in_front = names[first + half].hash < hash;
    first += in_front ? half + 1 : 0;
    left = in_front ? left - half - 1 : half;
  }
  // Two names of one number are rare, and a file in which they are not is searched no further.
  constexpr u32 most_tries = 8;
  for (u32 i = first; i < count && i - first < most_tries && names[i].hash == hash; ++i)
    if (image.same_string(list[names[i].target].name, wanted)) return names[i].target;
  return 0xffffffff;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_EXTERNS_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What no index is: `find_named` gives it when there is nothing of that name.
inline constexpr u32 not_found = 0xffffffff;

/// Where a map comes from.
enum class map_origin : u8 {
  declared,        ///< a definition in .maps
  data,            ///< the variables of .data or .data.*
  read_only_data,  ///< the constants of .rodata or .rodata.*; frozen once they are in
  zeros,           ///< the variables of .bss or .bss.*
  config,          ///< options of the kernel that the programs name with __kconfig; frozen too
  operations,  ///< a struct of functions that the kernel calls: a variable of .struct_ops or .struct_ops.link
};

/// A map as the object declares it. Offsets count from the start of the file.
struct map_spec {
  u64 name = 0;         ///< where its name stands; that of its section when it holds variables
  u64 declared_at = 0;  ///< where the BTF record of its variable stands, or the content of its section
  u64 offset = 0;       ///< bytes from the start of .maps, or of `section`
  u32 type = 0;         ///< a map_type, kept as a number because a newer one must survive
  u32 key_size = 0;     ///< bytes
  u32 value_size = 0;   ///< bytes
  u32 max_entries = 0;
  u32 map_flags = 0;
  u32 numa_node = 0;
  u64 map_extra = 0;
  u32 pinning = 0;     ///< 1 to be pinned by its name
  u32 key_type = 0;    ///< id in the object's BTF, 0 when only the size is given
  u32 value_type = 0;  ///< id in the object's BTF, 0 when only the size is given
  number_form key_form = number_form::no_number;
  number_form value_form = number_form::no_number;
  map_origin origin = map_origin::declared;
  bool has_values = false;  ///< its definition has the member `values`
  u32 inner = 0;     ///< id of the struct that describes the maps in it, in the object's BTF; see `inner_of`
  u32 slots_at = 0;  ///< bytes from its start to the first of its slots
  u32 first_slot = 0;  ///< the slots that the object fills are so many from this one on
  u32 slot_count = 0;
  u32 section = 0;         ///< index of the section whose variables it holds or that defines it, 0 for .maps
  u32 first_variable = 0;  ///< its variables are so many from this one on, in the order of their offsets
  u32 variable_count = 0;
  u64 image_at = 0;    ///< of an arena: where the first values of the variables in it stand; 0 for zeros; of
                       ///< operations: where the struct stands
  u32 image_size = 0;  ///< bytes of those, at the arena's start; or of the struct
  bool is_optional = false;  ///< made only for those who change something about it, see `map_settings`

  /// True for a map that is made for variables.
  [[nodiscard]] constexpr bool is_for_variables() const noexcept {
    return origin != map_origin::declared && origin != map_origin::operations;
  }
  /// True when nobody may write to it once its value is in.
  [[nodiscard]] constexpr bool is_frozen() const noexcept {
    return origin == map_origin::read_only_data || origin == map_origin::config;
  }
  /// True when its variables have first values that a user may change before they are loaded.
  [[nodiscard]] constexpr bool has_data() const noexcept {
    return is_for_variables() && origin != map_origin::config;
  }
  /// True when the object brings what the map holds at first.
  [[nodiscard]] constexpr bool has_content() const noexcept {
    return origin == map_origin::data || origin == map_origin::read_only_data;
  }
};

/// "This slot holds that map or program at first": what stands in the member `values` of a definition, or in a struct of
/// operations.
struct filled_slot {
  u64 at = 0;      ///< where the slot stands
  u32 slot = 0;    ///< its index; for operations the index of the member
  u32 target = 0;  ///< index of the map for a map of maps, of the program for a prog array and for operations
};

/// A global variable of the programs.
struct variable_spec {
  u64 name = 0;         ///< where its name stands
  u64 declared_at = 0;  ///< where its BTF record stands
  u32 map = 0;          ///< index of the map that holds it
  u32 offset = 0;       ///< bytes from the start of the map's value
  u32 size = 0;         ///< bytes
  u32 id = 0;           ///< id of its VAR in the object's BTF
  u32 type = 0;         ///< id of its type in the object's BTF
  number_form form = number_form::no_number;
};

/// A function: a program, or what programs call.
struct function_spec {
  u64 name = 0;  ///< where its name stands
  u64 at = 0;    ///< where its first instruction stands
  u32 instruction_count = 0;
  u32 section = 0;          ///< index of its section
  u64 section_at = 0;       ///< where the content of that begins
  u32 first_reference = 0;  ///< its references are so many from this one on
  u32 reference_count = 0;
  u32 first_core = 0;  ///< its CO-RE relocations are so many from this one on
  u32 core_count = 0;
  u32 type = 0;         ///< id of its FUNC in the object's BTF, 0 when unknown
  u64 symbol = 0;       ///< where its symbol stands
  btf_ext_run lines{};  ///< the source lines of its whole section
  bool is_hidden = false;
  bool is_program = false;
};

/// A program: a function that the kernel is to call.
struct program_spec {
  u64 name = 0;          ///< where its name stands
  u64 section_name = 0;  ///< where the name of its section stands
  u64 place = 0;         ///< where the name of the place it attaches to stands; 0 when the section names none
  u32 function = 0;      ///< index of its function
  section_kind kind{};   ///< what the name of its section says; of type `unspec` when that is nothing
  bool is_optional = false;  ///< loaded only for those who ask for it, see `program_settings`

  /// What has to be said of the program before it can be loaded; `none` when its section says it all.
  [[nodiscard]] constexpr cause lacks() const noexcept {
    if (kind.type == abi::prog_type::unspec) return cause::unknown_section;
    return kind.needs_kernel_type() && place == 0 ? cause::no_kernel_place : cause::none;
  }
};

/// What an instruction can refer to.
enum class reference_kind : u8 {
  nothing,   ///< a relocation outside every function, left behind by a linker
  map,       ///< the address of a map
  value,     ///< an address in the value of a map that holds variables
  call,      ///< a function, to be called
  function,  ///< the address of a function
  external,  ///< what the kernel has under a name: an address, or a function to be called
};

/// "The instruction at `at` needs that."
struct reference {
  u64 at = 0;  ///< where the instruction stands
  reference_kind kind = reference_kind::nothing;
  u32 target = 0;  ///< index of the map, function or extern
  u32 offset = 0;  ///< bytes into the value
};

/// "The instruction at `at` depends on how the kernel lays out a type."
struct core_record {
  u64 at = 0;      ///< where the instruction stands
  u32 type = 0;    ///< id in the object's BTF
  u32 access = 0;  ///< offset among the strings of BTF
  abi::core_kind kind = abi::core_kind::field_byte_offset;
};

/// How much storage a spec needs: so many elements of each.
struct object_shape {
  u32 maps = 0;
  u32 variables = 0;
  u32 functions = 0;
  u32 programs = 0;
  u32 references = 0;
  u32 filled_slots = 0;
  u32 cores = 0;  ///< CO-RE relocations
  u32 externs = 0;
  u32 lines = 0;       ///< records of source lines
  u32 map_slots = 0;   ///< one per 8 bytes of .maps
  u32 type_index = 0;  ///< words for the index over the types
  u32 types = 0;
  u32 types_size = 0;  ///< bytes of types
};

/// Storage for a spec, lent by its owner and as large as an `object_shape` says.
struct object_slots {
  map_spec* maps = nullptr;
  variable_spec* variables = nullptr;
  function_spec* functions = nullptr;
  program_spec* programs = nullptr;
  reference* references = nullptr;
  filled_slot* filled_slots = nullptr;
  core_record* cores = nullptr;
  u32* map_slots = nullptr;
  u32* type_index = nullptr;
  extern_spec* externs = nullptr;
  extern_name* extern_names = nullptr;
};

/// What `read` found beside what it wrote to the slots.
struct object_facts {
  bytes image;
  btf types;          ///< points into `object_slots::type_index`
  u64 license = 0;    ///< where the license string stands; 0 when there is none
  u64 source = 0;     ///< where the name of the source file stands; 0 when there is none
  u32 line_size = 0;  ///< bytes of a record of a source line; 0 when there are none
  u32 maps = 0;
  u32 variables = 0;
  u32 functions = 0;
  u32 programs = 0;
  u32 references = 0;
  u32 filled_slots = 0;
  u32 cores = 0;
  u32 externs = 0;
};

/// The tables of an object, as those look at them who load it.
/// Lifetime: valid as long as the tables, which somebody else owns.
struct object_tables {
  bytes image;
  btf types;
  const map_spec* maps = nullptr;
  const variable_spec* variables = nullptr;
  const function_spec* functions = nullptr;
  const reference* references = nullptr;
  const core_record* cores = nullptr;
  u32 map_count = 0;
  u32 function_count = 0;
  u32 reference_count = 0;
  u32 core_count = 0;
  u32 line_size = 0;  ///< bytes of a record of a source line; 0 when there are none
  const extern_spec* externs = nullptr;
  u32 extern_count = 0;
};

namespace detail {

// Everything that readers look at first.
struct opened_object {
  elf file;
  elf_section maps;  // .maps
  elf_section btf_relocations;
  btf types;
  btf_ext ext;
  btf_type maps_layout;   // DATASEC .maps
  btf_type first_layout;  // the first DATASEC of all
  btf_type config;        // DATASEC .kconfig
  btf_type symbols;       // DATASEC .ksyms
  elf_section arena;      // .addr_space.1, the variables in an arena
  btf_type arena_layout;  // its DATASEC
  u32 arena_map = not_found;
  u32 operations = 0;     // structs of functions in all DATASECs
  u32 section_maps = 0;   // behind the last map that is found by its section, which `read` finds out
  u32 types_section = 0;  // .BTF
  u32 variables = 0;      // in all DATASECs but that of maps
};

// What orders records: where in the file they stand, how far from the start of their map, or what they are made of.
constexpr u64 place_of(const function_spec& of) noexcept { return of.at; }
constexpr u64 place_of(const reference& of) noexcept { return of.at; }
constexpr u64 place_of(const map_spec& of) noexcept { return u64{of.section} << 32 | of.offset; }
constexpr u64 place_of(const variable_spec& of) noexcept { return of.offset; }
constexpr u64 place_of(const filled_slot& of) noexcept { return of.at; }
constexpr u64 place_of(const core_record& of) noexcept { return of.at; }
constexpr u64 place_of(const program_spec& of) noexcept { return of.function; }

// Sorts records by their place.
template <class Record>
constexpr void sort_by_place(Record* list, u32 count) noexcept {
  sort_with(list, count, [](const Record& a, const Record& b) { return place_of(a) < place_of(b); });
}
// The first record that does not stand in front of `place`; `count` when all do.
template <class Record>
constexpr u32 lower_bound_of_place(const Record* list, u32 count, u64 place) noexcept {
  u32 first = 0;
  while (count != 0) {
    const u32 half = count / 2;
    const bool in_front = place_of(list[first + half]) < place;
    first += in_front ? half + 1 : 0;
    count = in_front ? count - half - 1 : half;
  }
  return first;
}

}  // namespace detail

/// The index of what is called `wanted` among `count` maps, variables or programs, or `not_found`.
template <class Spec>
[[nodiscard]] constexpr u32 find_named(const bytes& image, const Spec* specs, u32 count,
                                       text wanted) noexcept {
  for (u32 i = 0; i < count; ++i)
    if (image.string_is(specs[i].name, wanted)) return i;
  return not_found;
}

/// The instruction at `at` in the file. Which half of a byte is the first register differs with the byte order too.
[[nodiscard]] constexpr abi::insn read_instruction(const bytes& image, u64 at) noexcept {
  const u8 registers = image.read8(at + 1);
  return {.opcode = image.read8(at),
          .registers = image.is_foreign() ? static_cast<u8>(registers << 4 | registers >> 4) : registers,
          .offset = static_cast<s16>(image.read16(at + 2)),
          .immediate = static_cast<s32>(image.read32(at + 4))};
}

/// The name under which the kernel keeps what is called by the string at `at`.
[[nodiscard]] constexpr kernel_name kernel_name_at(const bytes& image, u64 at) noexcept {
  char name[longest_kernel_name + 1] = {};
  return to_kernel_name(text(name, image.copy_string(at, name, sizeof name)));
}

/// The name under which the kernel keeps a map of variables: as much of the object's name as fits in front of
/// the section's, and none where the section's name has a second dot.
/// Source: what libbpf 1.1 does, so that tools which look for ".rodata" find it.
[[nodiscard]] constexpr kernel_name data_map_name(text object, text section) noexcept {
  constexpr size_t shortest_section = 7;  // ".rodata", so that all maps of an object begin alike
  size_t dots = 0;
  for (const char c : section) dots += c == '.';
  const size_t reserved = section.size() < shortest_section ? shortest_section : section.size();
  size_t prefix = dots > 1 || reserved >= longest_kernel_name ? 0 : longest_kernel_name - reserved;
  if (prefix > object.size()) prefix = object.size();
  char whole[longest_kernel_name + 1] = {};
  size_t used = 0;
  for (; used < prefix; ++used) whole[used] = object[used];
  for (size_t i = 0; i < section.size() && used < longest_kernel_name; ++i) whole[used++] = section[i];
  return to_kernel_name(text(whole, used));
}

/// The name under which the kernel keeps the pattern for the maps in the map called `outer`.
[[nodiscard]] constexpr kernel_name inner_map_name(const kernel_name& outer) noexcept {
  constexpr text behind = "_inner";
  kernel_name out;
  size_t used = 0;
  for (; used < longest_kernel_name - behind.size() && outer.characters[used] != '\0'; ++used)
    out.characters[used] = outer.characters[used];
  for (const char c : behind) out.characters[used++] = c;
  return out;
}

/// The name of an object, as the maps of its variables bear it: what its `path` has behind the last slash and in
/// front of the first dot there.
[[nodiscard]] constexpr kernel_name object_name_of(text path) noexcept {
  size_t first = 0;
  for (size_t i = 0; i < path.size(); ++i)
    if (path[i] == '/') first = i + 1;
  kernel_name out;
  for (size_t i = first; i < path.size() && i - first < longest_kernel_name && path[i] != '.'; ++i)
    out.characters[i - first] = path[i];
  return out;
}
/// The same of the source file whose name stands at `at`; empty when that is 0.
[[nodiscard]] constexpr kernel_name object_name_at(const bytes& image, u64 at) noexcept {
  char path[256] = {};
  return at == 0 ? kernel_name{} : object_name_of(text(path, image.copy_string(at, path, sizeof path)));
}

/// What BPF_MAP_CREATE is to be told of `map` in the object called `object`, all but the BTF that describes it.
[[nodiscard]] constexpr abi::map_create to_map_create(const bytes& image, const map_spec& map,
                                                      text object) noexcept {
  char section[longest_kernel_name + 1] = {};
  const text section_name(section, image.copy_string(map.name, section, sizeof section));
  return {.map_type = map.type,
          .key_size = map.key_size,
          .value_size = map.value_size,
          .max_entries = map.max_entries,
          .map_flags = map.map_flags,
          .numa_node = map.numa_node,
          .map_name =
              map.is_for_variables() ? data_map_name(object, section_name) : kernel_name_at(image, map.name),
          .map_extra = map.map_extra};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_RECORD_HPP
// Room 10.4, variable: global variables of programs as memory of this process.
#ifndef BAREBPF_VARIABLE_HPP
#define BAREBPF_VARIABLE_HPP

// Room 4.7, type_check: whether C++ types fit the keys and values that an object declares. The compiler asks
// for a static_object, the program for an object; the answer is the same.
#ifndef BAREBPF_TYPE_CHECK_HPP
#define BAREBPF_TYPE_CHECK_HPP

// Room 4.2, spec/data: global variables. Each section of them is a map with one value, and BTF, where there is
// some, tells what lies where in it.
#ifndef BAREBPF_SPEC_DATA_HPP
#define BAREBPF_SPEC_DATA_HPP

// Room 4.1, spec/maps: the definitions in .maps, as BTF describes them.
#ifndef BAREBPF_SPEC_MAPS_HPP
#define BAREBPF_SPEC_MAPS_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// The members that a map definition may have: what they are called, how they are written down in BTF, and
// where their number goes.
enum class map_member_form : u8 { number, long_number, key_or_value, slots };
struct map_member_row {
  text member;
  map_member_form form;
  u32 map_spec::*number = nullptr;
  u32 map_spec::*type = nullptr;
  number_form map_spec::*number_kind = nullptr;
};
inline constexpr map_member_row map_member_rows[] = {
    {"type", map_member_form::number, &map_spec::type},
    {"key", map_member_form::key_or_value, &map_spec::key_size, &map_spec::key_type, &map_spec::key_form},
    {"value", map_member_form::key_or_value, &map_spec::value_size, &map_spec::value_type,
     &map_spec::value_form},
    {"key_size", map_member_form::number, &map_spec::key_size},
    {"value_size", map_member_form::number, &map_spec::value_size},
    {"max_entries", map_member_form::number, &map_spec::max_entries},
    {"map_flags", map_member_form::number, &map_spec::map_flags},
    {"numa_node", map_member_form::number, &map_spec::numa_node},
    {"map_extra", map_member_form::long_number},
    {"pinning", map_member_form::number, &map_spec::pinning},
    {"values", map_member_form::slots},
};

// What __uint and __ulong write: the length of an array behind a pointer, or the one value of an enum.
constexpr bool read_map_number(const btf& types, u32 id, u64& out) noexcept {
  const btf_type form = types.resolve(id);
  if (form.kind == abi::btf_kind::pointer) {
    const btf_type array = types.resolve(form.size_or_type);
    out = types.length_of(array);
    return array.kind == abi::btf_kind::array;
  }
  const u64 value = form.tail() + 4;  // behind the enumerator's name
  if (form.kind == abi::btf_kind::enumeration && form.members == 1) {
    out = types.image().read32(value);
    return true;
  }
  if (form.kind == abi::btf_kind::enumeration64 && form.members == 1) {
    out = types.image().read32(value) | u64{types.image().read32(value + 4)} << 32;
    return true;
  }
  return false;
}

// What __array writes: an array without a length, of pointers; to a struct that describes a map, or to functions.
constexpr bool read_values(const btf& types, const btf_member& member, map_spec& out) noexcept {
  const btf_type array = types.resolve(member.type);
  if (array.kind != abi::btf_kind::array || types.length_of(array) != 0) return false;
  const btf_type pointer = types.resolve(types.element_of(array));
  if (pointer.kind != abi::btf_kind::pointer) return false;
  const btf_type target = types.resolve(pointer.size_or_type);
  const bool is_map = target.kind == abi::btf_kind::structure;
  const u32 bit = types.image().read32(member.at + 8);
  out.has_values = true;
  out.inner = is_map ? target.id : 0;
  out.slots_at = bit / 8;
  return bit % 64 == 0 && (is_map || target.kind == abi::btf_kind::function_prototype);
}

// Bit `n` of `seen` is set once the member of row `n` has been read: C has no struct with two of a name, and
// many members of one would be read again for each of many maps.
constexpr verdict read_map_member(const btf& types, u32 section, const btf_member& member, u32& seen,
                                  map_spec& out) noexcept {
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = member.at, .subject = member.name};
  };
  size_t known = 0;
  constexpr size_t rows = sizeof map_member_rows / sizeof map_member_rows[0];
  while (known < rows && !types.image().string_is(member.name, map_member_rows[known].member)) ++known;
  if (known == rows) return wrong(cause::unknown_map_member);
  if ((seen >> known & 1) != 0) return wrong(cause::bad_map_member);
  seen |= u32{1} << known;
  const map_member_row& row = map_member_rows[known];
  if (row.form == map_member_form::slots)
    return read_values(types, member, out) ? verdict{} : wrong(cause::bad_map_member);

  u64 number = 0;
  if (row.form == map_member_form::key_or_value) {
    const btf_type pointer = types.resolve(member.type);
    if (pointer.kind != abi::btf_kind::pointer) return wrong(cause::bad_map_member);
    number = types.size_of(pointer.size_or_type);
    if (number == 0) return wrong(cause::bad_map_member);
    out.*row.type = pointer.size_or_type;
    out.*row.number_kind = types.form_of(pointer.size_or_type);
  } else if (!read_map_number(types, member.type, number)) {
    return wrong(cause::bad_map_member);
  }
  if (row.form == map_member_form::long_number) {
    out.map_extra = number;
    return {};
  }
  const bool is_size = row.number == &map_spec::key_size || row.number == &map_spec::value_size;
  if (number > 0xffffffff) return wrong(cause::bad_map_member);
  if (is_size && out.*row.number != 0 && out.*row.number != number) return wrong(cause::two_sizes);
  if (row.number == &map_spec::pinning && number > 1) return wrong(cause::bad_pinning);
  out.*row.number = static_cast<u32>(number);
  return {};
}

constexpr verdict read_map_members(const btf& types, u32 section, const btf_type& definition,
                                   map_spec& out) noexcept {
  u32 seen = 0;
  for (u32 i = 0; i < definition.members; ++i)
    if (const verdict v = read_map_member(types, section, types.member(definition, i), seen, out); v.failed())
      return v;
  return {};
}

constexpr bool is_map_of_maps(u32 type) noexcept {
  return type == static_cast<u32>(map_type::array_of_maps) ||
         type == static_cast<u32>(map_type::hash_of_maps);
}

// Holds the member `values` against the type of the map, which may stand behind it.
constexpr verdict check_values(const btf& types, u32 section, map_spec& out) noexcept {
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = out.declared_at, .subject = out.name};
  };
  const bool holds_maps = is_map_of_maps(out.type);
  if (!holds_maps && out.type != static_cast<u32>(map_type::prog_array))
    return wrong(cause::values_not_wanted);
  if (holds_maps != (out.inner != 0)) return wrong(cause::wrong_values);
  if (out.value_size != 0 && out.value_size != sizeof(u32)) return wrong(cause::two_sizes);
  out.value_size = sizeof(u32);
  if (!holds_maps) return {};
  const btf_type definition = types.type(out.inner);
  map_spec inner{.name = out.name, .declared_at = definition.at};
  if (const verdict v = read_map_members(types, section, definition, inner); v.failed()) return v;
  const auto wrong_inside = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = definition.at, .subject = out.name};
  };
  if (inner.type == 0) return wrong_inside(cause::no_map_type);
  if (inner.has_values || is_map_of_maps(inner.type)) return wrong_inside(cause::maps_too_deep);
  if (inner.pinning != 0) return wrong_inside(cause::pinned_inner_map);
  return {};
}

// Where in its section the variable lies whose offset stands at `place` of a data section's layout. Compilers
// leave it to a relocation and linkers fill it in; relocations come in the order of the variables, so `next`
// only moves forward.
constexpr u64 variable_offset(const opened_object& object, u64 place, u64& next) noexcept {
  const u64 written = object.file.image().read32(place);
  const elf_section types = object.file.section(object.btf_relocations.info);
  for (; next < elf::relocation_count(object.btf_relocations); ++next) {
    const elf_relocation r = object.file.relocation(object.btf_relocations, next);
    if (types.at + r.offset == place) return object.file.symbol(r.symbol).value + written;
    if (types.at + r.offset > place) break;
  }
  return written;
}

constexpr verdict read_map(const opened_object& object, const btf_member& place, u64& next_relocation,
                           map_spec& out) noexcept {
  const btf& types = object.types;
  const btf_type variable = types.type(types.variable_of(place));
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = object.maps.index, .offset = variable.at, .subject = variable.name};
  };
  if (variable.kind != abi::btf_kind::variable)
    return {.why = cause::bad_btf_type, .section = object.maps.index, .offset = place.at};
  if (types.image().read32(variable.tail()) != abi::btf_variable_global) return wrong(cause::static_map);
  const btf_type definition = types.resolve(variable.size_or_type);
  if (definition.kind != abi::btf_kind::structure) return wrong(cause::map_is_no_struct);

  out.name = variable.name;
  out.declared_at = variable.at;
  out.offset = variable_offset(object, place.at + 4, next_relocation);
  if (out.offset > object.maps.size || definition.size_or_type > object.maps.size - out.offset ||
      out.offset % 8 != 0 || definition.size_or_type == 0)
    return wrong(cause::map_outside_section);
  if (const verdict v = read_map_members(types, object.maps.index, definition, out); v.failed()) return v;
  if (out.type == 0) return wrong(cause::no_map_type);
  return out.has_values ? check_values(types, object.maps.index, out) : verdict{};
}

// `map_slots[offset / 8]` becomes one more than the index of the map that begins there.
constexpr verdict read_maps(const opened_object& object, const object_slots& slots,
                            u64& next_relocation) noexcept {
  for (u32 i = 0; i < object.maps_layout.members; ++i) {
    map_spec& map = slots.maps[i];
    map = {};
    const btf_member place = object.types.member(object.maps_layout, i);
    if (const verdict v = read_map(object, place, next_relocation, map); v.failed()) return v;
    slots.map_slots[map.offset / 8] = i + 1;
  }
  return {};
}

// Maps as they were defined before BTF described them: five numbers at the place of a symbol, in a section of this
// name. What compilers, loaders and tools of those years put behind the five differs.
// Source: struct bpf_map_def in samples/bpf of Linux 4.1 to 5.18, struct bpf_elf_map of iproute2, gobpf's
//         bpf_map_def, whose sections are called maps/NAME; v4l-utils, which writes lirc_mode2/maps.
constexpr bool holds_legacy_maps(const elf& file, const elf_section& section) noexcept {
  if (section.type != abi::section_progbits || section.is_code()) return false;
  char room[64] = {};
  const text name(room, file.image().copy_string(section.name, room, sizeof room));
  constexpr text maps = "maps", behind = "/maps";
  if (name.starts_with(maps)) return name.size() == maps.size() || name[maps.size()] == '/';
  return name.size() > behind.size() && name.without_first(name.size() - behind.size()) == behind;
}
constexpr bool is_legacy_map(const elf& file, const elf_symbol& symbol) noexcept {
  const bool may_be = symbol.type == abi::symbol_object ||
                      (symbol.type == abi::symbol_no_type && symbol.binding != abi::symbol_local);
  return may_be && holds_legacy_maps(file, file.section(symbol.section));
}
constexpr bool has_legacy_maps(const elf& file) noexcept {
  for (u32 i = 1; i < file.section_count(); ++i)
    if (holds_legacy_maps(file, file.section(i))) return true;
  return false;
}
constexpr u32 count_legacy_maps(const elf& file) noexcept {
  u32 count = 0;
  if (has_legacy_maps(file))
    for (u32 i = 0; i < file.symbol_count(); ++i) count += is_legacy_map(file, file.symbol(i));
  return count;
}

// Reads the definition of `size` bytes at `out.declared_at`.
constexpr verdict read_legacy_map(const bytes& image, u64 size, map_spec& out) noexcept {
  const auto word = [&](u64 index) { return image.read32(out.declared_at + index * 4); };
  const auto wrong = [&](cause why = cause::bad_legacy_map) {
    return verdict{.why = why, .section = out.section, .offset = out.declared_at, .subject = out.name};
  };
  constexpr u64 without_flags = 16, with_flags = 20, of_iproute2 = 36, of_gobpf = 280;
  if (size < without_flags || size % 4 != 0) return wrong();
  out.type = word(0);
  if (out.type == 0) return wrong(cause::no_map_type);
  out.key_size = word(1);
  out.value_size = word(2);
  out.max_entries = word(3);
  if (size >= with_flags) out.map_flags = word(4);
  if (is_map_of_maps(out.type) && out.value_size == 0) out.value_size = sizeof(u32);
  u64 next = with_flags / 4;
  if (size == of_iproute2) {  // id, pinning, inner_id, inner_idx; an id by itself means nothing
    if (word(6) > 2) return wrong();
    out.pinning = word(6) != 0;
    next = 7;
  } else if (size == of_gobpf) {  // pinning and a folder; whoever gives a path of his own pins it himself
    if (word(5) > 3) return wrong();
    out.pinning = word(5) == 1 || word(5) == 2;
    next = of_gobpf / 4;
  }
  for (; next < size / 4; ++next)
    if (word(next) != 0) return wrong();
  return {};
}

// Appends all such maps; `maps` from `first` on are those that belong to a section and come in the order of those.
constexpr verdict add_legacy_maps(const elf& file, map_spec* maps, u32 first, u32& used) noexcept {
  if (!has_legacy_maps(file)) return {};
  for (u32 i = 0; i < file.symbol_count(); ++i) {
    const elf_symbol symbol = file.symbol(i);
    if (!is_legacy_map(file, symbol)) continue;
    const elf_section section = file.section(symbol.section);
    if (symbol.value >= section.size || symbol.size > section.size - symbol.value)
      return {.why = cause::map_outside_section,
              .section = section.index,
              .offset = symbol.at,
              .subject = symbol.name};
    maps[used++] = {.name = symbol.name,
                    .declared_at = section.at + symbol.value,
                    .offset = symbol.value,
                    .type = i,  // until it is read below, when the neighbours are known
                    .section = section.index};
  }
  sort_by_place(maps + first, used - first);
  for (u32 i = first; i < used; ++i) {
    map_spec& map = maps[i];
    if (map.origin != map_origin::declared) continue;
    u64 size = file.symbol(map.type).size;
    if (size == 0) {  // compilers before clang 8 told none
      const bool is_last = i + 1 == used || maps[i + 1].section != map.section;
      size = (is_last ? file.section(map.section).size : maps[i + 1].offset) - map.offset;
    }
    if (const verdict v = read_legacy_map(file.image(), size, map); v.failed()) return v;
  }
  return {};
}

// The map among `maps` from `first` on that belongs to the section and lies `offset` bytes into it, or `not_found`.
constexpr u32 find_section_map(const map_spec* maps, u32 first, u32 end, u32 section, u64 offset) noexcept {
  if (first >= end || offset > 0xffffffff) return not_found;
  const u64 place = u64{section} << 32 | offset;
  const u32 found = first + lower_bound_of_place(maps + first, end - first, place);
  return found < end && place_of(maps[found]) == place ? found : not_found;
}

}  // namespace detail

/// What the maps in the map of maps `outer` look like, as its definition says in `values`; one without a type where
/// it does not.
[[nodiscard]] constexpr map_spec inner_of(const btf& types, const map_spec& outer) noexcept {
  const btf_type definition = types.type(outer.inner);
  map_spec out{.name = outer.name, .declared_at = definition.at};
  static_cast<void>(detail::read_map_members(types, 0, definition, out));
  return out;
}

/// What BPF_MAP_CREATE is to be told of the pattern for maps in a map of maps, all but the BTF that describes it.
[[nodiscard]] constexpr abi::map_create to_inner_map_create(const bytes& image,
                                                            const map_spec& inner) noexcept {
  abi::map_create out = to_map_create(image, inner, {});
  out.map_name = inner_map_name(out.map_name);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_MAPS_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Where the first values of an object's variables lie in one block of memory: those of each map one behind the
/// other, 16 bytes apart or a multiple of it.
struct data_layout {
  /// The largest alignment that a variable in the block can have.
  static constexpr u32 alignment = 16;

  u64 size = 0;  ///< bytes of the block

  /// Makes room for the value of `map` and tells where it begins.
  constexpr u64 add(const map_spec& map) noexcept {
    const u64 at = size;
    if (map.has_data()) size += (u64{map.value_size} + alignment - 1) / alignment * alignment;
    return at;
  }
};

namespace detail {

// What kind of map the section makes; `declared` when it makes none.
constexpr map_origin origin_of(const elf& file, const elf_section& section) noexcept {
  const auto is_called = [&](text wanted) {
    if (!file.image().string_starts_with(section.name, wanted)) return false;
    const u8 behind = file.image().read8(section.name + wanted.size());
    return behind == '\0' || behind == '.';
  };
  if (section.size == 0) return map_origin::declared;
  if (section.type == abi::section_nobits)
    return is_called(".bss") ? map_origin::zeros : map_origin::declared;
  if (section.type != abi::section_progbits || section.is_code()) return map_origin::declared;
  if (is_called(".rodata")) return map_origin::read_only_data;
  return is_called(".data") ? map_origin::data : map_origin::declared;
}

// Appends the maps of all such sections, in the order of the sections.
constexpr void add_data_maps(const elf& file, map_spec* maps, u32& used) noexcept {
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section section = file.section(i);
    const map_origin origin = origin_of(file, section);
    if (origin == map_origin::declared) continue;
    maps[used++] = {
        .name = section.name,
        .declared_at = section.at,
        .type = static_cast<u32>(map_type::array),
        .key_size = 4,
        .value_size = static_cast<u32>(section.size),
        .max_entries = 1,
        .map_flags = origin == map_origin::read_only_data ? u32{map_flag::rdonly_prog} : 0,
        .origin = origin,
        .section = i,
    };
  }
}

// `room` is how many bytes the section has.
constexpr verdict read_variable(const opened_object& object, const btf_member& place, u32 section, u64 room,
                                u64& next_relocation, variable_spec& out) noexcept {
  const btf& types = object.types;
  const u32 id = types.variable_of(place);
  const btf_type variable = types.type(id);
  if (variable.kind != abi::btf_kind::variable)
    return {.why = cause::bad_btf_type, .section = section, .offset = place.at};
  const u64 offset = variable_offset(object, place.at + 4, next_relocation);
  const u32 size = types.image().read32(place.at + 8);
  if (offset > room || size > room - offset)
    return {.why = cause::variable_outside_section,
            .section = section,
            .offset = variable.at,
            .subject = variable.name};
  out = {.name = variable.name,
         .declared_at = variable.at,
         .offset = static_cast<u32>(offset),
         .size = size,
         .id = id,
         .type = variable.size_or_type,
         .form = types.form_of(variable.size_or_type)};
  return {};
}

// The variables that one layout lists, sorted by their offset. Those that are not static can be reached from
// outside, so their map can be mapped.
constexpr verdict read_variables(const opened_object& object, const btf_type& layout, u32 map_index,
                                 const object_slots& slots, u32& used, u64& next_relocation) noexcept {
  map_spec& map = slots.maps[map_index];
  const bool is_arena = !map.is_for_variables();
  const u32 section = is_arena ? object.arena.index : map.section;
  if (!is_arena) map.value_type = layout.id;
  map.first_variable = used;
  for (u32 i = 0; i < layout.members; ++i) {
    variable_spec found;
    if (const verdict v = read_variable(object, object.types.member(layout, i), section,
                                        is_arena ? map.image_size : map.value_size, next_relocation, found);
        v.failed())
      return v;
    found.map = map_index;
    const u64 linkage = found.declared_at + abi::btf_type_record::size;
    if (!is_arena && object.types.image().read32(linkage) != abi::btf_variable_static)
      map.map_flags |= map_flag::mmapable;
    slots.variables[used++] = found;
  }
  map.variable_count = used - map.first_variable;
  sort_by_place(slots.variables + map.first_variable, map.variable_count);
  return {};
}

// The map of the options that the programs name: the externs of that kind are its variables, in their order.
constexpr void add_config_map(const opened_object& object, const object_slots& slots, u32 value_size,
                              object_facts& out) noexcept {
  map_spec& map = slots.maps[out.maps];
  map = {
      .name = object.config.name,
      .declared_at = object.config.at,
      .type = static_cast<u32>(map_type::array),
      .key_size = 4,
      .value_size = value_size,
      .max_entries = 1,
      .map_flags = u32{map_flag::rdonly_prog} | map_flag::mmapable,
      .value_type = object.config.id,
      .origin = map_origin::config,
      .section = not_found,  // of no section, and behind those that are found by theirs
      .first_variable = out.variables,
  };
  for (u32 i = 0; i < out.externs && slots.externs[i].kind == extern_kind::config; ++i) {
    const extern_spec& from = slots.externs[i];
    slots.variables[out.variables++] = {.name = from.name,
                                        .declared_at = from.declared_at,
                                        .map = out.maps,
                                        .offset = from.offset,
                                        .size = from.slot.size,
                                        .id = from.id,
                                        .type = from.type,
                                        .form = object.types.form_of(from.type)};
  }
  map.variable_count = out.variables - map.first_variable;
  ++out.maps;
}

// Structs of functions that the kernel calls. A question mark in front says: made only for those who ask for it.
constexpr bool is_called_operations(const bytes& image, u64 name) noexcept {
  const u64 at = name + (image.read8(name) == '?');
  return image.string_is(at, ".struct_ops") || image.string_is(at, ".struct_ops.link");
}

// Appends a map for each such struct in one of their sections.
constexpr verdict add_operations(const opened_object& object, const btf_type& layout, map_spec* maps,
                                 u32& used, u64& next_relocation) noexcept {
  const btf& types = object.types;
  const elf_section section = object.file.find_section(layout.name);
  if (section.index == 0) return {};
  if (const verdict v = object.file.demand_type(section, abi::section_progbits); v.failed()) return v;
  const bool is_optional = types.image().read8(layout.name) == '?';
  const bool is_linked = types.image().string_is(layout.name + is_optional, ".struct_ops.link");
  for (u32 i = 0; i < layout.members; ++i) {
    const btf_member place = types.member(layout, i);
    const btf_type variable = types.type(types.variable_of(place));
    const auto wrong = [&](cause why) {
      return verdict{.why = why, .section = section.index, .offset = variable.at, .subject = variable.name};
    };
    if (variable.kind != abi::btf_kind::variable)
      return {.why = cause::bad_btf_type, .section = section.index, .offset = place.at};
    const btf_type operations = types.resolve(variable.size_or_type);
    const u32 size = operations.size_or_type;
    if (operations.kind != abi::btf_kind::structure || size == 0)
      return wrong(cause::operations_are_no_struct);
    const u64 offset = variable_offset(object, place.at + 4, next_relocation);
    if (offset > section.size || size > section.size - offset) return wrong(cause::variable_outside_section);
    maps[used++] = {.name = variable.name,
                    .declared_at = variable.at,
                    .offset = offset,
                    .type = static_cast<u32>(map_type::struct_ops),
                    .key_size = 4,
                    .value_size = size,  // until the kernel's is known
                    .max_entries = 1,
                    .map_flags = is_linked ? u32{map_flag::link} : 0,
                    .value_type = operations.id,
                    .origin = map_origin::operations,
                    .section = section.index,
                    .image_at = section.at + offset,
                    .image_size = size,
                    .is_optional = is_optional};
  }
  return {};
}

// Puts them in order. None lies over another one, so all of them together are no larger than their sections.
constexpr verdict sort_operations(map_spec* maps, u32 first, u32 end) noexcept {
  if (first == end) return {};
  sort_by_place(maps + first, end - first);
  for (u32 i = first + 1; i < end; ++i)
    if (maps[i].section == maps[i - 1].section &&
        maps[i].offset - maps[i - 1].offset < maps[i - 1].image_size)
      return {.why = cause::operations_overlap,
              .section = maps[i].section,
              .offset = maps[i].image_at,
              .subject = maps[i].name};
  return {};
}

// Finds the arena that holds the variables of .addr_space.1.
constexpr verdict find_arena(opened_object& object, const object_slots& slots) noexcept {
  if (object.arena.index == 0 || object.arena.size == 0) return {};
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = object.arena.index, .offset = object.arena.at};
  };
  if (object.arena.size > 0xffffffff) return wrong(cause::bad_section_header);
  for (u32 i = 0; i < object.maps_layout.members; ++i) {
    if (slots.maps[i].type != static_cast<u32>(map_type::arena)) continue;
    if (object.arena_map != not_found) return wrong(cause::two_arenas);
    object.arena_map = i;
  }
  if (object.arena_map == not_found) return wrong(cause::no_arena);
  map_spec& found = slots.maps[object.arena_map];
  if (object.arena.type != abi::section_nobits) found.image_at = object.arena.at;
  found.image_size = static_cast<u32>(object.arena.size);
  return {};
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_DATA_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

template <class T, bool IsEnum = std::is_enum_v<T>>
struct number_behind {
  using type = T;
};
template <class T>
struct number_behind<T, true> {
  using type = std::underlying_type_t<T>;
};

// Whether a number of BTF has the sign of T. What is no number on either side has none to differ in, and
// plain char is signed or not as the machine likes.
template <class T>
constexpr bool same_sign(number_form form) noexcept {
  using number = typename number_behind<T>::type;
  if constexpr (!std::is_integral_v<number> || std::is_same_v<number, char>)
    return true;
  else
    return form == number_form::no_number || (form == number_form::signed_number) == std::is_signed_v<number>;
}

}  // namespace detail

/// What hinders `Key` and `Value` from being the key and value of `map`; `none` when nothing does.
template <class Key, class Value>
[[nodiscard]] constexpr cause compare_types(const map_spec& map) noexcept {
  if (key_size_of<Key> != map.key_size) return cause::wrong_key_size;
  if (value_size_of<Value> != map.value_size) return cause::wrong_value_size;
  if (!detail::same_sign<Key>(map.key_form)) return cause::wrong_key_sign;
  if (!detail::same_sign<Value>(map.value_form)) return cause::wrong_value_sign;
  if constexpr (requires { requires Value::rule == value_rule::stack; })
    if (((map.map_flags ^ Value::map_flags) & map_flag::stack_build_id) != 0)
      return cause::stack_of_build_ids;
  return cause::none;
}

/// What hinders `T` from being the type of `variable`; `none` when nothing does.
template <class T>
[[nodiscard]] constexpr cause compare_types(const variable_spec& variable) noexcept {
  static_assert(std::is_trivially_copyable_v<T>,
                "barebpf: programs and the kernel see variables as raw bytes, so the type of one must be "
                "trivially copyable");
  static_assert(alignof(T) <= data_layout::alignment,
                "barebpf: variables lie on multiples of 16 bytes at best, so a type may not ask for more");
  if (sizeof(T) != variable.size) return cause::wrong_variable_size;
  if (!detail::same_sign<std::remove_cv_t<T>>(variable.form)) return cause::wrong_variable_sign;
  return cause::none;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_TYPE_CHECK_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A global variable of the programs, as memory that is shared with them.
/// Lifetime: unmapped with this object; it keeps the variables alive by itself. Moving empties the source.
/// Threads:  programs write at any time, so whoever needs more than one word must agree with them on how.
template <class T>
class mapped_variable {
 public:
  mapped_variable(detail::mapping section, size_t offset) noexcept
      : section_(std::move(section)), offset_(offset) {}

  [[nodiscard]] T* get() const noexcept { return reinterpret_cast<T*>(section_.data() + offset_); }
  [[nodiscard]] T& operator*() const noexcept { return *get(); }
  [[nodiscard]] T* operator->() const noexcept { return get(); }

 private:
  detail::mapping section_;
  size_t offset_;
};

/// What hinders `variable` of the map `holder` from being seen as a `T` once it is loaded; `none` when nothing does.
template <class T>
[[nodiscard]] constexpr cause can_be_seen_as(const map_spec& holder, const variable_spec& variable) noexcept {
  if (const cause fault = compare_types<T>(variable); fault != cause::none) return fault;
  if (!holder.is_for_variables()) return cause::lies_in_arena;
  if ((holder.map_flags & map_flag::mmapable) == 0) return cause::hidden_variable;
  return holder.is_frozen() && !std::is_const_v<T> ? cause::constant_variable : cause::none;
}
/// What hinders `variable` of the map `holder` from being set as a `T` before it is loaded.
template <class T>
[[nodiscard]] constexpr cause can_be_set_as(const map_spec& holder, const variable_spec& variable) noexcept {
  if (!holder.is_for_variables()) return cause::lies_in_arena;
  if (!holder.has_data()) return cause::kernel_decides;
  return compare_types<T>(variable);
}

/// Maps the section of `value_size` bytes that `holder` keeps, for one variable in it.
template <class T>
[[nodiscard]] result<mapped_variable<T>> map_variable(const fd& holder, const variable_spec& variable,
                                                      u32 value_size, text name) noexcept {
  detail::mapping section;
  if (const long answer =
          section.fill(holder.number(), mapped_values<unsigned char>::size_of(value_size),
                       std::is_const_v<T> ? detail::mapping::readable : detail::mapping::writable);
      answer < 0)
    return failure(step::map_memory, answer).about(name);
  return mapped_variable<T>(std::move(section), variable.offset);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_VARIABLE_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What comes of attaching to these.
template <class... Target>
struct attached_by {
  using type = link;
};
template <class First, class... Rest>
struct attached_by<First, Rest...> {
  static constexpr bool has_no_link =
      attaches_to<attach_way::socket, First, Rest...> || attaches_to<attach_way::sockmap, First, Rest...>;
  using type = std::conditional_t<has_no_link, attachment, link>;
};

// Attaches in the one way, or says what that one wants.
template <load_policy Policy, class Attached, attach_way Way, class... Target>
[[nodiscard]] result<Attached> attach_in(const program_to_attach& program, Target&&... target) noexcept {
  if constexpr (requires {
                  {
                    place<Way>::template attach<Policy>(program, std::forward<Target>(target)...)
                    } -> std::same_as<result<Attached>>;
                })
    return place<Way>::template attach<Policy>(program, std::forward<Target>(target)...);
  else
    return error{.at = step::find, .why = place<Way>::wants};
}
// The same, when only the running program knows the way.
template <load_policy Policy, class Attached, class... Target>
[[nodiscard]] result<Attached> attach_by(attach_way wanted, const program_to_attach& program,
                                         Target&&... target) noexcept {
  return [&]<size_t... Way>(std::index_sequence<Way...>) {
    using attach_in_way = result<Attached> (*)(const program_to_attach&, Target&&...) noexcept;
    constexpr attach_in_way ways[] = {
        &attach_in<Policy, Attached, static_cast<attach_way>(Way), Target...>...};
    return ways[static_cast<size_t>(wanted)](program, std::forward<Target>(target)...);
  }
  (std::make_index_sequence<attach_ways>());
}

}  // namespace detail

/// The maps and programs of an object, in the kernel.
/// Lifetime: given back when this object goes, unless a link, a pin or somebody else holds them; it needs
///           the object that it was loaded from no longer.
class loaded_object {
 public:
  /// The map called `wanted`, as the typed map `Map`: `loaded->map<barebpf::hash_map<int, long>>("hits")`.
  /// Errors:   no_such_map, wrong_map_type, wrong_key_size and its siblings, map_left_out; about the map's name.
  /// Lifetime: borrowed: valid as long as this object.
  template <class Map>
  [[nodiscard]] result<Map> map(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted);
    cause fault = compare_types<typename Map::key_type, typename Map::mapped_type>(found->spec);
    if (found->spec.type != static_cast<u32>(Map::type)) fault = cause::wrong_map_type;
    if (fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted, ".maps");
    if (!found->descriptor.is_open()) return missing(cause::map_left_out, wanted);
    return Map(untyped_map::borrow(found->descriptor.number(), to_kernel_name(wanted)));
  }

  /// The descriptor of the map called `wanted`, whatever its type.
  /// Errors:   no_such_map, map_left_out, about the name.
  /// Lifetime: borrowed: valid as long as this object.
  [[nodiscard]] result<const fd*> map_descriptor(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted);
    if (!found->descriptor.is_open()) return missing(cause::map_left_out, wanted);
    return &found->descriptor;
  }

  /// The global variable called `wanted` as memory, shared with the programs.
  /// Errors: no_such_variable, wrong_variable_size, wrong_variable_sign, constant_variable for a constant by a type
  ///         that is not const, hidden_variable; map_left_out; ENOMEM and its like of mmap(2).
  /// Cost:   one system call, and one when it goes; none for each access. Who needs it often keeps it.
  /// Kernel: 5.5.
  template <class T>
  [[nodiscard]] result<mapped_variable<T>> variable(text wanted) const noexcept {
    const loaded_variable* const found = find(variables_, wanted);
    if (found == nullptr) return missing(cause::no_such_variable, wanted);
    const loaded_map& holder = maps_[found->spec.map];
    if (const cause fault = can_be_seen_as<T>(holder.spec, found->spec); fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted);
    if (!holder.descriptor.is_open()) return missing(cause::map_left_out, wanted);
    return map_variable<T>(holder.descriptor, found->spec, holder.spec.value_size, wanted);
  }

  /// The global variable called `wanted` that the programs declare with __arena, in the memory of the arena, mapped by
  /// `map_arena`.
  /// Errors:   no_such_variable, wrong_variable_size, wrong_variable_sign; not_in_arena for a variable that lies
  ///           elsewhere; about the variable's name.
  /// Lifetime: valid as long as `arena`.
  template <class T>
  [[nodiscard]] result<T*> variable(text wanted, const mapped_arena& arena) const noexcept {
    const loaded_variable* const found = find(variables_, wanted);
    if (found == nullptr) return missing(cause::no_such_variable, wanted);
    cause fault = compare_types<T>(found->spec);
    if (maps_[found->spec.map].spec.is_for_variables() || found->spec.offset + sizeof(T) > arena.size())
      fault = cause::not_in_arena;
    if (fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found->spec.declared_at}.about(wanted);
    return &arena.at<T>(found->spec.offset);
  }

  /// Attaches the program called `wanted` where the name of its section says, and to `target` if that leaves it open:
  /// `loaded->attach("filter", interface{.index = 2})`. Room 9.1 has what each `attach_way` takes.
  /// Shape:  result<link>; result<attachment> for sockets and maps of sockets.
  /// Errors: no_such_program, not_loaded, not_attachable, needs_interface and its siblings where the target is of another kind, and
  ///         those of the `place`; about the program's name.
  template <load_policy Policy = load_policy{}, class... Target>
  [[nodiscard]] auto attach(text wanted, Target&&... target) const noexcept {
    using attached = typename detail::attached_by<Target...>::type;
    const loaded_program* const found = find(programs_, wanted);
    if (found == nullptr) return result<attached>(missing(cause::no_such_program, wanted));
    if (!found->descriptor.is_open()) return result<attached>(missing(cause::not_loaded, wanted));
    char where[256];
    const size_t length = write_place(found->kind.attach, name_at(found->place), where, sizeof where);
    if (length >= sizeof where || (length == 0 && needs_place(found->kind.attach)))
      return result<attached>(missing(cause::not_attachable, wanted));
    const program_to_attach program{found->descriptor, "", where, found->kind.attach_type};
    auto out =
        detail::attach_by<Policy, attached>(found->kind.attach, program, std::forward<Target>(target)...);
    if (!out) return result<attached>(out.error().about(wanted));
    return out;
  }

  /// Hands the struct called `wanted`, a variable in .struct_ops or .struct_ops.link, to the kernel, which calls the
  /// programs in it from then on: `auto reno = loaded->attach_struct_ops("my_reno")`.
  /// Shape:  with a link if the struct lies in .struct_ops.link; otherwise what was registered is taken back when the
  ///         attachment goes, and cannot be registered again. Who uses it then keeps it until he ends: a TCP connection
  ///         its congestion control.
  /// Errors: no_such_map, not_operations, map_left_out; step register_operations with what the kernel says:
  ///         EEXIST, EINVAL, EBUSY. About the struct's name.
  /// Kernel: 5.6; with a link 6.4.
  [[nodiscard]] result<attachment> attach_struct_ops(text wanted) const noexcept {
    const auto found = operations(wanted);
    if (!found) return found.error();
    auto out = place<attach_way::struct_ops>::attach_map((*found)->descriptor, value_of(**found),
                                                         is_linked(**found));
    if (!out) return out.error().about(wanted);
    return out;
  }
  /// Puts the struct called `wanted` in the place of the one that `attached` stands for, without a moment between them.
  /// Errors: as above; operations_not_linked; EINVAL when the two differ in kind or in the name that they give.
  /// Kernel: 6.4.
  [[nodiscard]] result<void> update_struct_ops(const attachment& attached, text wanted) const noexcept {
    const auto found = operations(wanted);
    if (!found) return found.error();
    if (!is_linked(**found) || !attached.is_link()) return missing(cause::operations_not_linked, wanted);
    const auto out = place<attach_way::struct_ops>::update(attached, (*found)->descriptor, value_of(**found));
    if (!out) return out.error().about(wanted);
    return out;
  }

  /// The program called `wanted`.
  /// Errors:   no_such_program, not_loaded for one that was left out; about the name.
  /// Lifetime: borrowed: valid as long as this object.
  [[nodiscard]] result<const fd*> program(text wanted) const noexcept {
    const loaded_program* const found = find(programs_, wanted);
    if (found == nullptr) return missing(cause::no_such_program, wanted);
    if (!found->descriptor.is_open()) return missing(cause::not_loaded, wanted);
    return &found->descriptor;
  }

 private:
  friend class object;

  struct extent {
    size_t at = 0, size = 0;
  };
  struct loaded_map {
    fd descriptor;
    map_spec spec;
    extent name;
    size_t value_at = 0;  // of operations: where among `values_` they stand in the kernel's form
  };
  struct loaded_variable {
    variable_spec spec;
    extent name;
  };
  struct loaded_program {
    fd descriptor;
    section_kind kind;
    extent name;
    extent place;  // what the section names behind its prefix
  };
  [[nodiscard]] text name_at(extent where) const noexcept { return {names_.data() + where.at, where.size}; }
  template <class Loaded>
  [[nodiscard]] const Loaded* find(const buffer<Loaded>& list, text wanted) const noexcept {
    for (const Loaded& candidate : list)
      if (name_at(candidate.name) == wanted) return &candidate;
    return nullptr;
  }
  [[nodiscard]] static error missing(cause why, text wanted) noexcept {
    return error{.at = step::find, .why = why}.about(wanted);
  }
  [[nodiscard]] result<const loaded_map*> operations(text wanted) const noexcept {
    const loaded_map* const found = find(maps_, wanted);
    if (found == nullptr) return missing(cause::no_such_map, wanted);
    if (found->spec.origin != map_origin::operations) return missing(cause::not_operations, wanted);
    if (!found->descriptor.is_open()) return missing(cause::map_left_out, wanted);
    return found;
  }
  [[nodiscard]] static bool is_linked(const loaded_map& map) noexcept {
    return (map.spec.map_flags & map_flag::link) != 0;
  }
  [[nodiscard]] const u8* value_of(const loaded_map& map) const noexcept {
    return values_.data() + map.value_at;
  }

  buffer<char> names_;
  buffer<loaded_map> maps_;
  buffer<loaded_variable> variables_;
  buffer<loaded_program> programs_;
  buffer<u8> values_;  // of all operations, with descriptors in the place of programs
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOADED_OBJECT_HPP
// Room 10.7, recipe: an object that was read while the program runs, written down as the kernel takes it.
#ifndef BAREBPF_RECIPE_HPP
#define BAREBPF_RECIPE_HPP

// Room 10.3, load: finished records made real. The two kinds of objects differ in who wrote the records, the compiler or the
// program; what the kernel is told, in which order, stands here and in load/maps once.
#ifndef BAREBPF_LOAD_HPP
#define BAREBPF_LOAD_HPP

// Room 10.2, load/maps: the maps of an object, created or got from where they are pinned, with what is in them at first.
#ifndef BAREBPF_LOAD_MAPS_HPP
#define BAREBPF_LOAD_MAPS_HPP

// Room 10.0, load/options: what somebody who loads an object may want to be different from what the object says.
#ifndef BAREBPF_LOAD_OPTIONS_HPP
#define BAREBPF_LOAD_OPTIONS_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What is to be different about one map of an object, before the object has said which one that is. A struct of
/// functions whose section begins with a question mark is made only when there is such a record of it, if an empty one.
struct map_settings {
  static constexpr u32 as_declared = 0xffffffff;

  u32 max_entries = 0;  ///< entries; 0 leaves what the object says
  /// Descriptor of a map to use in its stead, which stays the caller's; negative for none.
  int replacement = -1;
  u32 value_size = 0;           ///< bytes, where the object leaves them open
  u32 map_flags = as_declared;  ///< in the place of all that the object gives
  int inner = -1;  ///< descriptor of a map like those that a map of maps is to hold, which stays the caller's
  /// False leaves the map out; a program may name it only where the verifier finds that nobody comes.
  bool create = true;
};
/// The same with the map. Made by `change` of the object, which knows its maps.
struct map_change {
  u32 map = not_found;  ///< index of the map in its object
  u32 max_entries = 0;
  int replacement = -1;
  u32 value_size = 0;
  u32 map_flags = map_settings::as_declared;
  int inner = -1;
  bool create = true;

  [[nodiscard]] static constexpr map_change of(u32 map, const map_settings& settings) noexcept {
    return {.map = map,
            .max_entries = settings.max_entries,
            .replacement = settings.replacement,
            .value_size = settings.value_size,
            .map_flags = settings.map_flags,
            .inner = settings.inner,
            .create = settings.create};
  }
};

/// What is to be different about one program of an object: whether it is loaded, and as what.
struct program_settings {
  bool load = true;  ///< with a program whose section begins with a question mark true is the difference
  /// What stands for the name of its section, as in "xdp" or "fentry/vfs_read"; nullptr leaves that. Must stay until
  /// `load` returns.
  const char* section = nullptr;
};
/// The same with the program. Made by `change_program` of the object, which knows its programs.
struct program_change {
  u32 program = not_found;  ///< index of the program in its object
  bool load = true;
  section_kind kind{};     ///< of type `unspec` for what the object says
  const char* place = "";  ///< what the program is made for or attached to, with a kind

  [[nodiscard]] static constexpr program_change of(u32 program, const program_settings& settings) noexcept {
    program_change out{.program = program, .load = settings.load};
    if (settings.section == nullptr) return out;
    const text section = settings.section;
    out.kind = section_kind_of(section);
    out.place = settings.section + place_in(section, out.kind);
    return out;
  }
};

/// A program that could not be loaded, and why.
struct refused_program {
  u32 program = not_found;  ///< index of the program in its object
  error why{};
};
/// The programs that are left out because they cannot be loaded, where a load is to go on without them.
/// Lifetime: `room` must outlive this object. Where it is full, the load fails.
class refused_programs {
 public:
  explicit constexpr refused_programs(span<refused_program> room) noexcept : room_(room) {}

  [[nodiscard]] constexpr size_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr const refused_program* begin() const noexcept { return room_.data(); }
  [[nodiscard]] constexpr const refused_program* end() const noexcept { return room_.data() + count_; }

  /// Remembers one more; false when there is no room left.
  [[nodiscard]] bool add(const refused_program& another) noexcept {
    if (count_ == room_.size()) return false;
    room_[count_++] = another;
    return true;
  }

 private:
  span<refused_program> room_;
  size_t count_ = 0;
};

/// What is given to `load` at run time. Each member has a value that does what the object says.
/// Lifetime: what they point to must stay until `load` returns.
struct load_options {
  verifier_log* log = nullptr;             ///< where the verifier's log goes when it refuses a program
  span<const map_change> maps{};           ///< made by `change`
  span<const unsigned char> data{};        ///< first values of global variables, made by `data`
  text pin_root = "/sys/fs/bpf";           ///< folder of the maps that are pinned by their names
  map_differences* differences = nullptr;  ///< where both sides go when a map is not what the object expects
  int token = -1;                          ///< descriptor of a BPF token, 6.9
  text kconfig{};  ///< options of the kernel as lines, "CONFIG_HZ=250", that hold before its own
  const char* kconfig_file = nullptr;  ///< the kernel's configuration, packed by gzip or not, in the place of
                                       ///< /boot/config-RELEASE or else /proc/config.gz
  span<const program_change> programs{};  ///< made by `change_program`
  refused_programs* refused = nullptr;  ///< where programs go that cannot be loaded, which are then left out
  int replaced = -1;  ///< descriptor of the program of which those of SEC("freplace/...") replace functions
  /// The types to fit the programs to (CO-RE), as BTF or as an ELF file that has some; nothing for the running kernel's.
  span<const unsigned char> target_btf{};

  /// What the program with this index is to be in place of what the object says; nullptr for nothing.
  [[nodiscard]] constexpr const program_change* new_kind_of(u32 program) const noexcept {
    const program_change* found = nullptr;
    for (const program_change& change : programs)
      if (change.program == program && change.kind.type != abi::prog_type::unspec) found = &change;
    return found;
  }
  /// True when the map with this index is not to be made; `otherwise` when nothing is said of it.
  [[nodiscard]] constexpr bool leaves_out_map(u32 map, bool otherwise) const noexcept {
    for (const map_change& change : maps)
      if (change.map == map) otherwise = !change.create;
    return otherwise;
  }
  /// True when something is to be different about the program with this index.
  [[nodiscard]] constexpr bool changes_program(u32 program) const noexcept {
    for (const program_change& change : programs)
      if (change.program == program) return true;
    return false;
  }
  /// Writes to `left_out`, one for each program of an object, what is to be different about it.
  constexpr void choose(bool* left_out, u32 count) const noexcept {
    for (const program_change& change : programs)
      if (change.program < count) left_out[change.program] = !change.load;
  }
};
/// Stands for "no options wanted": they are constants, for which no code is made.
struct no_options {
  static constexpr no_log* log = nullptr;
  static constexpr text pin_root = load_options().pin_root;
  static constexpr map_differences* differences = nullptr;
  static constexpr int token = -1, replaced = -1;
  static constexpr span<const unsigned char> target_btf{};
  [[nodiscard]] static constexpr const program_change* new_kind_of(u32) noexcept { return nullptr; }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_OPTIONS_HPP
// Room 10.1, load/records: a whole object as the kernel takes it, written by the compiler or by the program, and where
// what is made of it goes.
#ifndef BAREBPF_LOAD_RECORDS_HPP
#define BAREBPF_LOAD_RECORDS_HPP

// Room 8.1, fitting: programs made to fit the types of a kernel (CO-RE) before they are loaded: of the kernel that runs
// where it is too old to do it by itself, or of another one whose types are given. Nothing is read before it is needed.
#ifndef BAREBPF_FITTING_HPP
#define BAREBPF_FITTING_HPP

// Room 5.4, core: CO-RE by the library itself. It fits the instructions of a program to a kernel whose types are at
// hand: its own, or those of another machine.
#ifndef BAREBPF_CORE_HPP
#define BAREBPF_CORE_HPP

// Room 5.3, core/candidates: which types of a kernel may be the ones that an object names. All names are looked for in
// one walk over the kernel's 100,000 types, of which most are told apart by their first four characters.
#ifndef BAREBPF_CORE_CANDIDATES_HPP
#define BAREBPF_CORE_CANDIDATES_HPP

// Room 5.0, core/match: whether a type of the object and one of the kernel are the same to CO-RE. There are three
// questions: one for what a field holds, one for a type that is looked for, and one that compares all of it.
// Source: tools/lib/bpf/relo_core.c at v6.12, which is the kernel's own too.
#ifndef BAREBPF_CORE_MATCH_HPP
#define BAREBPF_CORE_MATCH_HPP

// Room 3.3, core_path: what a CO-RE relocation names in the object's own types. It gives a type and numbers with
// colons between them: which element of it, which member of that, and so on.
#ifndef BAREBPF_CORE_PATH_HPP
#define BAREBPF_CORE_PATH_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What a relocation is about.
enum class core_subject : u8 { field, type, enumerator };

[[nodiscard]] constexpr core_subject subject_of(abi::core_kind kind) noexcept {
  using enum abi::core_kind;
  if (kind <= field_rshift_u64) return core_subject::field;
  return kind == enumval_exists || kind == enumval_value ? core_subject::enumerator : core_subject::type;
}

/// One step from a type to a part of it.
struct core_step {
  btf_type from;    ///< what is left behind: a struct, a union or an array; the root itself at the first step
  u32 index = 0;    ///< which member, or which element
  btf_member to{};  ///< the member, where a struct or union is left
  u32 type = 0;     ///< id of what is there
  bool is_member = false;
};

/// Walks along what a relocation names. `next` until it is false; then `is_whole` tells whether that was the end.
class core_path {
 public:
  /// Source: BPF_CORE_SPEC_MAX_LEN in tools/lib/bpf/relo_core.h at v6.12.
  static constexpr u32 most_steps = 64;

  /// Begins at the type with the id `root`; `access` is the offset of the string.
  constexpr core_path(const btf& types, u32 root, u32 access) noexcept
      : types_(types), type_(root), at_(types.strings() + access) {}

  /// Takes the next step. The first stays at the root, as one of so many in a row.
  constexpr bool next(core_step& out) noexcept {
    u32 index = 0;
    if (count_ == most_steps || !take_number(index)) return false;
    out = {.from = types_.resolve(type_), .index = index, .type = type_};
    if (count_++ == 0) return true;
    using enum abi::btf_kind;
    const bool is_array = out.from.kind == array;
    out.is_member = out.from.kind == structure || out.from.kind == union_type;
    // The last member of a struct may be an array of no length that goes on behind it.
    const bool is_inside = is_array ? index < types_.length_of(out.from) || goes_on(out.from)
                                    : out.is_member && index < out.from.members;
    if (!is_inside) return fail();
    if (out.is_member) out.to = types_.member(out.from, index);
    was_last_ = out.is_member && index + 1 == out.from.members;
    out.type = type_ = is_array ? types_.element_of(out.from) : out.to.type;
    return true;
  }
  /// True when all of the string was taken.
  [[nodiscard]] constexpr bool is_whole() const noexcept { return is_whole_; }

  /// True when the type is there and the string fits it and the kind.
  [[nodiscard]] static constexpr bool leads_somewhere(const btf& types, u32 root, u32 access,
                                                      abi::core_kind kind) noexcept {
    if (types.type(root).id == 0 || !types.has_string(types.strings() + access)) return false;
    core_path path(types, root, access);
    core_step step;
    if (!path.next(step)) return false;
    switch (subject_of(kind)) {
      case core_subject::type:
        return path.is_whole() && step.index == 0;
      case core_subject::enumerator: {
        using enum abi::btf_kind;
        const bool is_enum = step.from.kind == enumeration || step.from.kind == enumeration64;
        return path.is_whole() && is_enum && step.index < step.from.members;
      }
      case core_subject::field:
        break;
    }
    while (path.next(step)) {
    }
    return path.is_whole();
  }

 private:
  constexpr bool fail() noexcept {
    is_whole_ = false;
    return false;
  }
  [[nodiscard]] constexpr bool goes_on(const btf_type& array) const noexcept {
    return was_last_ && types_.length_of(array) == 0;
  }
  // What comes next is a number of at most nine digits, which no struct has more members of, and an end or a colon.
  constexpr bool take_number(u32& out) noexcept {
    if (is_whole_) return false;
    const bytes& image = types_.image();
    u32 digits = 0;
    for (u8 c = image.read8(at_); c >= '0' && c <= '9'; c = image.read8(++at_)) {
      if (++digits > 9) return false;
      out = out * 10 + (c - u32{'0'});
    }
    const u8 behind = image.read8(at_);
    is_whole_ = behind == 0;
    if (behind == ':') ++at_;
    return digits != 0 && (is_whole_ || behind == ':') ? true : fail();
  }

  const btf& types_;
  u32 type_;
  u64 at_;
  u32 count_ = 0;
  bool was_last_ = false;
  bool is_whole_ = false;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_PATH_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The answer. Types that refer to each other without end are neither.
enum class core_fit : u8 { no, yes, endless };

/// How many characters of the name at `at` count: what follows the last "___" between others is a flavour, there to
/// have several versions of a type in one program.
[[nodiscard]] constexpr u32 essential_length(const bytes& image, u64 at) noexcept {
  u32 length = 0, essential = 0, underscores = 0;
  for (u8 c = image.read8(at); c != 0; c = image.read8(at + ++length)) {
    if (c == '_') {
      ++underscores;
      continue;
    }
    if (underscores == 3 && length > 3) essential = length - 3;
    underscores = 0;
  }
  return essential == 0 ? length : essential;
}

/// A type of the object beside one of the kernel.
class core_match {
 public:
  constexpr core_match(const btf& local, const btf& target) noexcept : local_(local), target_(target) {}

  /// True when both names are the same without their flavours.
  [[nodiscard]] constexpr bool same_essence(u64 local_name, u64 target_name) const noexcept {
    const bytes &here = local_.image(), &there = target_.image();
    const u32 length = essential_length(here, local_name);
    if (essential_length(there, target_name) != length) return false;
    for (u32 i = 0; i < length; ++i)
      if (here.read8(local_name + i) != there.read8(target_name + i)) return false;
    return true;
  }
  /// True when both names are the same.
  [[nodiscard]] constexpr bool same_name(u64 local_name, u64 target_name) const noexcept {
    const bytes &here = local_.image(), &there = target_.image();
    for (u64 i = 0;; ++i) {
      const u8 c = here.read8(local_name + i);
      if (c != there.read8(target_name + i)) return false;
      if (c == 0) return true;
    }
  }
  /// True when types of these kinds may be the same; an enum is one, however wide.
  [[nodiscard]] static constexpr bool same_kind(abi::btf_kind local, abi::btf_kind target) noexcept {
    return local == target || (is_enum(local) && is_enum(target));
  }
  [[nodiscard]] static constexpr bool is_enum(abi::btf_kind kind) noexcept {
    return kind == abi::btf_kind::enumeration || kind == abi::btf_kind::enumeration64;
  }
  [[nodiscard]] static constexpr bool is_composite(abi::btf_kind kind) noexcept {
    return kind == abi::btf_kind::structure || kind == abi::btf_kind::union_type;
  }

  /// Whether fields of these types may be one: any two structs or unions, pointers, floats, arrays of such, numbers of
  /// whatever size, and enums of one name or none.
  [[nodiscard]] constexpr core_fit fields_fit(u32 local, u32 target) const noexcept {
    using enum abi::btf_kind;
    for (u32 depth = 0; depth < deepest; ++depth) {
      const btf_type here = local_.resolve(local), there = target_.resolve(target);
      if (is_composite(here.kind) && is_composite(there.kind)) return core_fit::yes;
      if (!same_kind(here.kind, there.kind)) return core_fit::no;
      switch (here.kind) {
        case pointer:
        case floating:
          return core_fit::yes;
        case forward:
        case enumeration:
        case enumeration64:
          return to_fit(local_.image().read8(here.name) == 0 || target_.image().read8(there.name) == 0 ||
                        same_essence(here.name, there.name));
        case integer:
          return to_fit(is_plain(local_, here) && is_plain(target_, there));
        case array:
          local = local_.element_of(here);
          target = target_.element_of(there);
          break;
        default:
          return core_fit::no;
      }
    }
    return core_fit::endless;
  }

  /// Whether a type that is looked for is there: of the same kind, and so is what it points to, has in it or takes.
  /// The names of the two themselves are known to be the same.
  [[nodiscard]] constexpr core_fit types_fit(u32 local, u32 target) noexcept {
    visits_ = 0;
    if (!same_kind(local_.type(local).kind, target_.type(target).kind)) return core_fit::no;
    return types_fit(local, target, deepest);
  }

  /// Whether all of a type is there: each of its members under its name, with a type that matches, and each number of
  /// an enum. What stands behind a pointer is only called the same.
  [[nodiscard]] constexpr core_fit types_match(u32 local, u32 target) noexcept {
    visits_ = 0;
    return types_match(local, target, false, deepest);
  }

 private:
  static constexpr u32 deepest = 32;  // as deep as libbpf goes; the kernel goes less deep into what is nested
  static constexpr u32 most_visits = 1 << 18;  // of pairs of types or names, because nested ones can multiply

  [[nodiscard]] static constexpr core_fit to_fit(bool fits) noexcept {
    return fits ? core_fit::yes : core_fit::no;
  }
  // An old way to write bit fields gives a number an offset.
  [[nodiscard]] static constexpr bool is_plain(const btf& types, const btf_type& number) noexcept {
    return (types.image().read32(number.tail()) >> 16 & 0xff) == 0;
  }

  [[nodiscard]] constexpr core_fit types_fit(u32 local, u32 target, u32 level) noexcept {
    using enum abi::btf_kind;
    for (u32 depth = 0; depth < deepest; ++depth) {
      if (++visits_ > most_visits) return core_fit::endless;
      const btf_type here = local_.resolve(local), there = target_.resolve(target);
      if (!same_kind(here.kind, there.kind)) return core_fit::no;
      switch (here.kind) {
        case void_type:
        case structure:
        case union_type:
        case enumeration:
        case enumeration64:
        case forward:
          return core_fit::yes;
        case integer:
          return to_fit(is_plain(local_, here) && is_plain(target_, there));
        case pointer:
          local = here.size_or_type;
          target = there.size_or_type;
          break;
        case array:
          local = local_.element_of(here);
          target = target_.element_of(there);
          break;
        case function_prototype:
          if (here.members != there.members) return core_fit::no;
          if (here.members != 0 && level == 0) return core_fit::endless;
          for (u32 i = 0; i < here.members; ++i)
            if (const core_fit fit =
                    types_fit(parameter(local_, here, i), parameter(target_, there, i), level - 1);
                fit != core_fit::yes)
              return fit;
          local = here.size_or_type;
          target = there.size_or_type;
          break;
        default:
          return core_fit::no;
      }
    }
    return core_fit::endless;
  }

  [[nodiscard]] constexpr core_fit types_match(u32 local, u32 target, bool is_behind_pointer,
                                               u32 level) noexcept {
    using enum abi::btf_kind;
    if (level == 0) return core_fit::endless;
    for (u32 depth = 0; depth < deepest; ++depth) {
      if (++visits_ > most_visits) return core_fit::endless;
      const btf_type here = local_.resolve(local), there = target_.resolve(target);
      if (here.id == 0 || there.id == 0) return to_fit(here.id == there.id);
      if (!same_essence(here.name, there.name)) return core_fit::no;
      const bool same = here.kind == there.kind;
      // The flag of what is only declared says which of both it is.
      const auto is_declared_as = [](const btf& types, const btf_type& declared, abi::btf_kind kind) {
        return declared.kind == forward && (kind == union_type) == types.is_flagged(declared);
      };
      switch (here.kind) {
        case forward:
          if (same) return to_fit(local_.is_flagged(here) == target_.is_flagged(there));
          return to_fit(is_behind_pointer && is_composite(there.kind) &&
                        is_declared_as(local_, here, there.kind));
        case enumeration:
        case enumeration64:
          return to_fit(is_enum(there.kind) && enums_match(here, there));
        case structure:
        case union_type:
          if (is_behind_pointer) return to_fit(same || is_declared_as(target_, there, here.kind));
          return same ? members_match(here, there, level) : core_fit::no;
        case integer:
          return to_fit(same && here.size_or_type == there.size_or_type &&
                        local_.form_of(here.id) == target_.form_of(there.id));
        case pointer:
          if (!same) return core_fit::no;
          is_behind_pointer = true;
          local = here.size_or_type;
          target = there.size_or_type;
          break;
        case array:
          if (!same || local_.length_of(here) != target_.length_of(there)) return core_fit::no;
          local = local_.element_of(here);
          target = target_.element_of(there);
          break;
        case function_prototype:
          if (!same || here.members != there.members) return core_fit::no;
          for (u32 i = 0; i < here.members; ++i)
            if (const core_fit fit = types_match(parameter(local_, here, i), parameter(target_, there, i),
                                                 is_behind_pointer, level - 1);
                fit != core_fit::yes)
              return fit;
          local = here.size_or_type;
          target = there.size_or_type;
          break;
        default:
          return core_fit::no;
      }
    }
    return core_fit::endless;
  }
  [[nodiscard]] constexpr core_fit members_match(const btf_type& here, const btf_type& there,
                                                 u32 level) noexcept {
    if (here.members > there.members) return core_fit::no;
    for (u32 i = 0; i < here.members; ++i) {
      const btf_member wanted = local_.member(here, i);
      core_fit fit = core_fit::no;
      for (u32 k = 0; fit == core_fit::no && k < there.members; ++k) {
        if (++visits_ > most_visits) return core_fit::endless;
        const btf_member found = target_.member(there, k);
        if (same_essence(wanted.name, found.name))
          fit = types_match(wanted.type, found.type, false, level - 1);
      }
      if (fit != core_fit::yes) return fit;
    }
    return core_fit::yes;
  }
  [[nodiscard]] constexpr bool enums_match(const btf_type& here, const btf_type& there) noexcept {
    if (here.size_or_type != there.size_or_type || here.members > there.members) return false;
    for (u32 i = 0; i < here.members; ++i) {
      const u64 wanted = enumerator_name(local_, here, i);
      bool is_there = false;
      for (u32 k = 0; !is_there && k < there.members && ++visits_ <= most_visits; ++k)
        is_there = same_essence(wanted, enumerator_name(target_, there, k));
      if (!is_there) return false;
    }
    return true;
  }
  [[nodiscard]] static constexpr u32 parameter(const btf& types, const btf_type& of, u32 index) noexcept {
    return types.image().read32(of.tail() + u64{index} * 8 + 4);
  }

 public:
  /// Where the record of a number of an enum stands: its name, and 4 or 8 bytes.
  [[nodiscard]] static constexpr u64 enumerator_at(const btf_type& of, u32 index) noexcept {
    return of.tail() + u64{index} * (of.kind == abi::btf_kind::enumeration ? 8 : 12);
  }
  [[nodiscard]] static constexpr u64 enumerator_name(const btf& types, const btf_type& of,
                                                     u32 index) noexcept {
    return types.strings() + types.image().read32(enumerator_at(of, index));
  }

 private:
  const btf& local_;
  const btf& target_;
  u32 visits_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_MATCH_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What was found for one type of the object.
struct core_root {
  u32 type = 0;   ///< its id
  u32 first = 0;  ///< the ids of what may be it in the kernel are so many from this one on
  u32 count = 0;
  abi::btf_kind kind = abi::btf_kind::void_type;
  u64 name = 0;    ///< where its name stands
  u32 length = 0;  ///< characters of it, without its flavour
  u32 hash = 0;
  u32 next = 0;               ///< one more than the index of another one whose name has the same slot
  bool is_of_kernel = false;  ///< found among the first types, behind which no more are looked for
};

/// The types that an object names, and those of a kernel that may be they: `want` all, then `search` once.
/// Lifetime: looks at the object's types as long as it lives.
class core_candidates {
 public:
  explicit core_candidates(const btf& local) noexcept : local_(&local) {}

  /// Makes room for types of `relocations` relocations at most.
  /// Errors: ENOMEM.
  [[nodiscard]] result<void> reserve(u32 relocations) noexcept {
    slots_ = 4;
    while (slots_ < u64{relocations} * 2 && slots_ < u32{1} << 30) slots_ *= 2;
    auto roots = buffer<core_root>::of(relocations);
    auto by_type = buffer<u32>::of(slots_);
    auto by_name = buffer<u32>::of(slots_);
    auto starts = buffer<u64>::of(start_bits / 64);
    if (!roots || !by_type || !by_name || !starts) return error{.at = step::allocate, .code = ENOMEM};
    roots_ = std::move(*roots);
    by_type_ = std::move(*by_type);
    by_name_ = std::move(*by_name);
    starts_ = std::move(*starts);
    return {};
  }

  /// Adds the type that a relocation names; types without a name are not looked for.
  void want(u32 type) noexcept {
    u32& slot = *slot_of(type);
    if (slot != 0) return;
    const btf_type found = local_->type(type);
    core_root& root = roots_[count_];
    root = {.type = type, .kind = found.kind, .name = found.name};
    slot = ++count_;
    if (found.id == 0) return;
    root.length = essential_length(local_->image(), found.name);
    if (root.length == 0) return;
    root.hash = hash_of(local_->image(), found.name, root.length);
    kinds_ |= u32{1} << static_cast<u8>(found.kind);
    if (core_match::is_enum(found.kind))
      kinds_ |= u32{1} << static_cast<u8>(abi::btf_kind::enumeration) |
                u32{1} << static_cast<u8>(abi::btf_kind::enumeration64);
    root.next = by_name_[root.hash & (slots_ - 1)];
    by_name_[root.hash & (slots_ - 1)] = count_;
    // A name of three characters or less goes on with its end or with its flavour.
    const u32 start = four_at(local_->image(), found.name);
    mark_start(start_of(start, root.length, 0));
    if (root.length < 4) mark_start(start_of(start, root.length, 0x5f5f5f5f));
  }

  /// Finds all that may be what was wanted, and builds the index of `target` on the way; what it found before is
  /// forgotten. Of what is among the first `first` types no more is looked for behind them, where those of a module are.
  /// Errors: ENOMEM.
  /// Cost:   one walk over the types, and a look at the first four characters of each name.
  [[nodiscard]] result<void> search(btf& target, u32* index, u32 first = ~u32{0}) noexcept {
    const bytes& image = target.image();
    u32 used = 0;
    for (u32 i = 0; i < count_; ++i) {
      roots_[i].first = roots_[i].count = 0;
      roots_[i].is_of_kernel = false;
    }
    for (btf_type type = target.first(); type.id != 0; type = target.after(type)) {
      target.index_type(type, index);
      if ((kinds_ >> static_cast<u8>(type.kind) & 1) == 0) continue;
      const u32 start = whole_start(four_at(image, type.name));
      if ((starts_[start % start_bits / 64] >> start % 64 & 1) == 0) continue;
      const u32 length = essential_length(image, type.name);
      const u32 hash = hash_of(image, type.name, length);
      for (u32 next = by_name_[hash & (slots_ - 1)]; next != 0; next = roots_[next - 1].next) {
        core_root& root = roots_[next - 1];
        if (root.hash != hash || root.length != length || !core_match::same_kind(root.kind, type.kind) ||
            !is_same(root, image, type.name) || (type.id > first && root.is_of_kernel))
          continue;
        root.is_of_kernel = type.id <= first;
        if (used == found_.size())
          if (const auto more = grow(); !more) return more.error();
        found_[used++] = {next - 1, type.id};
        ++root.count;
      }
    }
    target.use_index(index);
    return sort(used);
  }

  /// True when nothing was found yet that may be the type of this kind and name.
  [[nodiscard]] bool lacks(const bytes& image, abi::btf_kind kind, u64 name) const noexcept {
    for (u32 i = 0; i < count_; ++i)
      if (is_lacking(roots_[i]) && core_match::same_kind(roots_[i].kind, kind) &&
          essential_length(image, name) == roots_[i].length && is_same(roots_[i], image, name))
        return true;
    return false;
  }
  /// True when that is so of some type that was wanted.
  [[nodiscard]] bool lacks_any() const noexcept {
    for (u32 i = 0; i < count_; ++i)
      if (is_lacking(roots_[i])) return true;
    return false;
  }

  /// The ids for a type that was wanted; the caller may leave out what turned out to be something else.
  [[nodiscard]] core_root& root_of(u32 type) noexcept { return roots_[*slot_of(type) - 1]; }
  [[nodiscard]] u32* ids_of(const core_root& root) noexcept { return ids_.data() + root.first; }

 private:
  static constexpr u32 start_bits = 1 << 15;
  struct found_type {
    u32 root = 0;
    u32 id = 0;
  };

  [[nodiscard]] static bool is_lacking(const core_root& root) noexcept {
    return root.length != 0 && root.count == 0;
  }
  [[nodiscard]] u32* slot_of(u32 type) noexcept {
    u32 slot = type * 0x9e3779b1 & (slots_ - 1);
    while (by_type_[slot] != 0 && roots_[by_type_[slot] - 1].type != type) slot = (slot + 1) & (slots_ - 1);
    return &by_type_[slot];
  }
  [[nodiscard]] static u32 hash_of(const bytes& image, u64 at, u32 length) noexcept {
    u32 hash = length;
    for (u32 i = 0; i < length; ++i) hash = (hash ^ image.read8(at + i)) * 0x01000193;
    return hash ^ hash >> 15;
  }
  // The first four characters of a name as a number, the first one lowest.
  [[nodiscard]] static u32 four_at(const bytes& image, u64 at) noexcept {
    if (!image.holds(at, 4))  // the last name of all may be shorter
      return image.read8(at) | u32{image.read8(at + 1)} << 8 | u32{image.read8(at + 2)} << 16;
    const u32 four = image.read32(at);
    return image.reads_big_endian() ? __builtin_bswap32(four) : four;
  }
  // The same of one that has only so many; `behind` has the rest.
  [[nodiscard]] static u32 start_of(u32 four, u32 length, u32 behind) noexcept {
    const u32 first = length >= 4 ? ~u32{0} : (u32{1} << length * 8) - 1;
    return mixed((four & first) | (behind & ~first));
  }
  [[nodiscard]] static u32 whole_start(u32 four) noexcept {
    u32 length = 0;
    while (length < 4 && (four >> length * 8 & 0xff) != 0) ++length;
    return start_of(four, length, 0);
  }
  [[nodiscard]] static u32 mixed(u32 four) noexcept { return four * 0x9e3779b1 >> 17; }
  void mark_start(u32 start) noexcept { starts_[start % start_bits / 64] |= u64{1} << start % 64; }

  [[nodiscard]] bool is_same(const core_root& root, const bytes& image, u64 name) const noexcept {
    for (u32 i = 0; i < root.length; ++i)
      if (local_->image().read8(root.name + i) != image.read8(name + i)) return false;
    return true;
  }
  [[nodiscard]] result<void> grow() noexcept {
    auto larger = buffer<found_type>::of(found_.size() == 0 ? 64 : found_.size() * 2);
    if (!larger) return larger.error();
    for (size_t i = 0; i < found_.size(); ++i) (*larger)[i] = found_[i];
    found_ = std::move(*larger);
    return {};
  }
  // Puts what belongs to one type together, in the order in which it was found.
  [[nodiscard]] result<void> sort(u32 used) noexcept {
    auto ids = buffer<u32>::of(used);
    if (!ids) return ids.error();
    ids_ = std::move(*ids);
    u32 first = 0;
    for (u32 i = 0; i < count_; ++i) {
      roots_[i].first = first;
      first += roots_[i].count;
      roots_[i].count = 0;
    }
    for (u32 i = 0; i < used; ++i) {
      core_root& root = roots_[found_[i].root];
      ids_[root.first + root.count++] = found_[i].id;
    }
    return {};
  }

  const btf* local_;
  buffer<core_root> roots_;
  buffer<u32> by_type_, by_name_;  // one more than an index among the roots
  buffer<u64> starts_;             // a bit for each start that a wanted name has
  buffer<found_type> found_;
  buffer<u32> ids_;
  u32 slots_ = 0;
  u32 count_ = 0;
  u32 kinds_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_CANDIDATES_HPP
// Room 5.2, core/patch: puts what a CO-RE relocation is worth into its instruction.
// Source: tools/lib/bpf/relo_core.c at v6.12.
#ifndef BAREBPF_CORE_PATCH_HPP
#define BAREBPF_CORE_PATCH_HPP

// Room 5.1, core/value: what a CO-RE relocation is worth: to the object, whose types it names, and to a kernel, in one
// of whose types the same is looked for, each member by its name.
// Source: tools/lib/bpf/relo_core.c at v6.12.
#ifndef BAREBPF_CORE_VALUE_HPP
#define BAREBPF_CORE_VALUE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What a relocation names, step by step, on one of both sides. What has no name on the way is passed over: it may be
/// there on one side alone.
struct core_spec {
  struct part {
    u64 name = 0;    ///< where the name of the member stands; 0 for one of so many in a row
    u32 index = 0;   ///< which member, or which of so many
    u32 holder = 0;  ///< id of the struct, or of what there are many of
    u32 type = 0;    ///< id of what is there
  };
  part parts[core_path::most_steps];
  u32 count = 0;
  u32 root = 0;
  u64 bit = 0;  ///< where it begins, counted from where the root begins

  [[nodiscard]] constexpr const part& last() const noexcept { return parts[count - 1]; }
};

/// What comes of a relocation.
struct core_value {
  cause fault = cause::none;  ///< it cannot be done, and the object is at fault
  bool is_missing = false;    ///< the kernel has no such thing, so the instruction must never be reached
  bool is_sure = true;        ///< the compiler knew as well what it was worth to the object
  bool loses_sign = false;    ///< the field has another size and is no plain number, so that no load fits it
  u64 old_number = 0;         ///< what the instruction holds
  u64 number = 0;             ///< what it is to hold
  u32 old_size = 0;           ///< bytes of the field, where a load may have to change with it
  u32 size = 0;
};

/// The two sides of relocations: an object's types and a kernel's.
/// Lifetime: looks at both as long as it lives.
class core_sides {
 public:
  constexpr core_sides(const btf& local, const btf& target) noexcept
      : local_(local), target_(target), match_(local, target) {}

  [[nodiscard]] constexpr const btf& local() const noexcept { return local_; }
  [[nodiscard]] constexpr const btf& target() const noexcept { return target_; }

  /// What the relocation names among the object's types.
  /// Errors: false when that is not there.
  constexpr bool read(const abi::core_relo& relocation, core_spec& out) const noexcept {
    const auto kind = static_cast<abi::core_kind>(relocation.kind);
    if (relocation.kind >= abi::core_kinds ||
        !core_path::leads_somewhere(local_, relocation.type_id, relocation.access_str_off, kind))
      return false;
    out.count = 0;
    out.root = relocation.type_id;
    out.bit = 0;
    core_path path(local_, relocation.type_id, relocation.access_str_off);
    for (core_step step; path.next(step);) {
      if (subject_of(kind) == core_subject::enumerator) {
        out.parts[out.count++] = {.name = core_match::enumerator_name(local_, step.from, step.index),
                                  .index = step.index,
                                  .holder = step.from.id};
        continue;
      }
      if (step.is_member) {
        out.bit += bit_of(local_, step.from, step.to);
        if (local_.image().read8(step.to.name) == 0) continue;
        out.parts[out.count++] = {step.to.name, step.index, step.from.id, step.type};
        continue;
      }
      if (!pass(local_, step.index, step.type, out)) return false;
    }
    return true;
  }

  /// Looks for the same in the kernel's type `candidate`.
  constexpr core_fit find(abi::core_kind kind, const core_spec& wanted, u32 candidate,
                          core_spec& out) noexcept {
    out.count = 0;
    out.root = candidate;
    out.bit = 0;
    switch (subject_of(kind)) {
      case core_subject::type:
        return kind == abi::core_kind::type_matches ? match_.types_match(wanted.root, candidate)
                                                    : match_.types_fit(wanted.root, candidate);
      case core_subject::enumerator:
        return find_enumerator(wanted, candidate, out);
      case core_subject::field:
        break;
    }
    visits_ = 0;
    for (u32 i = 0; i < wanted.count; ++i) {
      const core_spec::part& part = wanted.parts[i];
      if (part.name != 0) {
        if (const core_fit fit = find_member(part, candidate, 0, out); fit != core_fit::yes) return fit;
        candidate = out.last().type;
        continue;
      }
      if (i != 0) {
        const btf_type array = target_.resolve(candidate);
        if (array.kind != abi::btf_kind::array) return core_fit::no;
        if (part.index >= target_.length_of(array) && !goes_on(target_, array, out.last()))
          return core_fit::no;
        candidate = target_.element_of(array);
      }
      if (!pass(target_, part.index, candidate, out)) return core_fit::endless;
    }
    return core_fit::yes;
  }

  /// What the relocation is worth to the object, and to the kernel where `found` is what it has there; nullptr when it
  /// has nothing.
  [[nodiscard]] constexpr core_value value_of(abi::core_kind kind, const core_spec& wanted,
                                              const core_spec* found) const noexcept {
    using enum abi::core_kind;
    core_value out;
    switch (kind) {
      case type_id_local:
        out.is_sure = false;
        out.old_number = out.number = wanted.root;
        return out;
      case type_id_target:
        out.is_sure = false;  // linkers renumber types
        out.old_number = wanted.root;
        out.number = found == nullptr ? 0 : found->root;
        return out;
      case field_exists:
      case type_exists:
      case type_matches:
      case enumval_exists:
        out.old_number = 1;
        out.number = found != nullptr ? 1 : 0;
        return out;
      case type_size:
        out.old_number = local_.size_of(wanted.root);
        out.number = found == nullptr ? 0 : target_.size_of(found->root);
        return out;
      case enumval_value:
        out.is_missing = found == nullptr;
        out.old_number = enumerator_value(local_, wanted);
        if (found != nullptr) out.number = enumerator_value(target_, *found);
        return out;
      default:
        break;
    }
    side here, there;
    out.fault = measure(local_, kind, wanted, here);
    if (out.fault != cause::none) return out;
    out.is_sure = here.is_sure;
    out.old_number = here.number;
    out.old_size = here.size;
    out.is_missing = found == nullptr;
    if (found == nullptr) return out;
    out.fault = measure(target_, kind, *found, there);
    out.number = there.number;
    out.size = there.size;
    out.loses_sign = here.size != there.size && !widens(local_, here.type, target_, there.type);
    return out;
  }

  /// Shifts left so that a bit field begins at the top of 64 bits, once `size` bytes from `first` on are loaded, all
  /// but the last in bits.
  [[nodiscard]] static constexpr u64 left_shift(u64 bit, u32 bits, u64 first, u32 size,
                                                bool is_big_endian) noexcept {
    return is_big_endian ? (u64{8} - size) * 8 + (bit - first * 8) : 64 - (bit + bits - first * 8);
  }

 private:
  // What one side makes of a field.
  struct side {
    u64 number = 0;
    u32 size = 0;
    u32 type = 0;
    bool is_sure = true;
  };

  // Where a member begins, and over how many bits it goes: 0 for all of its type.
  [[nodiscard]] static constexpr u32 bit_of(const btf& types, const btf_type& of,
                                            const btf_member& member) noexcept {
    const u32 word = types.image().read32(member.at + 8);
    return types.is_flagged(of) ? word & 0xffffff : word;
  }
  [[nodiscard]] static constexpr u32 bits_of(const btf& types, const btf_type& of,
                                             const btf_member& member) noexcept {
    return types.is_flagged(of) ? types.image().read32(member.at + 8) >> 24 : 0;
  }
  // The last member of a struct may be an array of no length that goes on behind it.
  [[nodiscard]] static constexpr bool goes_on(const btf& types, const btf_type& array,
                                              const core_spec::part& holder) noexcept {
    return types.length_of(array) == 0 && holder.name != 0 &&
           holder.index + 1 == types.type(holder.holder).members;
  }
  // Goes to one of many in a row.
  static constexpr bool pass(const btf& types, u32 index, u32 type, core_spec& out) noexcept {
    if (out.count == core_path::most_steps) return false;
    out.parts[out.count++] = {.index = index, .holder = type, .type = type};
    const u64 bits = u64{types.size_of(type)} * 8;
    if (index != 0 && bits > (u64{1} << 40) / index) return false;  // no memory is so large
    out.bit += index * bits;
    return true;
  }

  constexpr core_fit find_enumerator(const core_spec& wanted, u32 candidate, core_spec& out) noexcept {
    const btf_type type = target_.resolve(candidate);
    if (!core_match::is_enum(type.kind)) return core_fit::no;
    for (u32 i = 0; i < type.members; ++i) {
      const u64 name = core_match::enumerator_name(target_, type, i);
      if (!match_.same_essence(wanted.parts[0].name, name)) continue;
      out.parts[out.count++] = {.name = name, .index = i, .holder = type.id};
      return core_fit::yes;
    }
    return core_fit::no;
  }
  // A member of this name, in `candidate` or in what has no name inside it.
  constexpr core_fit find_member(const core_spec::part& wanted, u32 candidate, u32 depth,
                                 core_spec& out) noexcept {
    const btf_type type = target_.resolve(candidate);
    if (!core_match::is_composite(type.kind)) return core_fit::no;
    if (depth == core_path::most_steps || out.count == core_path::most_steps) return core_fit::endless;
    for (u32 i = 0; i < type.members; ++i) {
      if (++visits_ > most_visits) return core_fit::endless;
      const btf_member member = target_.member(type, i);
      const u32 bit = bit_of(target_, type, member);
      if (target_.image().read8(member.name) == 0) {
        out.bit += bit;
        if (const core_fit fit = find_member(wanted, member.type, depth + 1, out); fit != core_fit::no)
          return fit;
        out.bit -= bit;
      } else if (match_.same_name(wanted.name, member.name)) {
        const core_fit fit = match_.fields_fit(wanted.type, member.type);
        if (fit != core_fit::yes) return fit;
        out.bit += bit;
        out.parts[out.count++] = {member.name, i, type.id, member.type};
        return fit;
      }
    }
    return core_fit::no;
  }

  [[nodiscard]] static constexpr u64 enumerator_value(const btf& types, const core_spec& of) noexcept {
    const btf_type type = types.type(of.parts[0].holder);
    const u64 at = core_match::enumerator_at(type, of.parts[0].index) + 4;
    const u32 low = types.image().read32(at);
    // As libbpf does, the number of a narrow enum has a sign whatever its flag says.
    if (type.kind == abi::btf_kind::enumeration) return static_cast<u64>(s64{static_cast<s32>(low)});
    return low | u64{types.image().read32(at + 4)} << 32;
  }

  // What a field is worth to the side that has these types.
  [[nodiscard]] static constexpr cause measure(const btf& types, abi::core_kind kind, const core_spec& of,
                                               side& out) noexcept {
    using enum abi::core_kind;
    const core_spec::part& last = of.last();
    const btf_type type = types.resolve(last.type);
    u32 size = types.size_of(last.type);
    u64 first = of.bit / 8;
    if (last.name == 0) {  // one of many, of which only place and size can be asked
      if (kind != field_byte_offset && kind != field_byte_size) return cause::bad_core;
      out.number = kind == field_byte_size ? size : first;
      if (kind == field_byte_offset) out.size = size, out.type = type.id;
      return cause::none;
    }
    const btf_type holder = types.type(last.holder);
    u32 bits = bits_of(types, holder, types.member(holder, last.index));
    const bool is_bit_field = bits != 0;
    if (is_bit_field) {
      // The smallest load of a natural size that has all of it.
      if (size == 0 || size > 16) return cause::bad_core;
      first = of.bit / 8 / size * size;
      while (of.bit + bits - first * 8 > u64{size} * 8) {
        if (size >= 8) return cause::core_too_wide;
        size *= 2;
        first = of.bit / 8 / size * size;
      }
    } else {
      bits = size * 8;
    }
    // Where a bit field lies is a matter of taste, so that compilers may have had another one.
    out.is_sure = !is_bit_field || kind == field_signed || kind == field_rshift_u64;
    switch (kind) {
      case field_byte_offset:
        out.number = first;
        if (!is_bit_field) out.size = size, out.type = type.id;
        break;
      case field_byte_size:
        out.number = size;
        break;
      case field_signed:
        out.number = (core_match::is_enum(type.kind) && types.is_flagged(type)) ||
                     types.form_of(type.id) == number_form::signed_number;
        break;
      case field_lshift_u64:
        out.number = left_shift(of.bit, bits, first, size, types.image().reads_big_endian());
        break;
      default:  // field_rshift_u64
        out.number = u64{64} - bits;
        break;
    }
    return cause::none;
  }
  // True when a load of another size gives the same number: of pointers, and of numbers without a sign.
  [[nodiscard]] static constexpr bool widens(const btf& local, u32 here, const btf& target,
                                             u32 there) noexcept {
    const auto is_plain = [](const btf& types, u32 id) {
      const btf_type type = types.type(id);
      const u32 encoding = types.image().read32(type.tail()) >> 24 & 0xf;
      return type.kind == abi::btf_kind::integer && encoding != abi::btf_integer_is_signed;
    };
    const auto is_pointer = [](const btf& types, u32 id) {
      return types.type(id).kind == abi::btf_kind::pointer;
    };
    return (is_pointer(local, here) && is_pointer(target, there)) ||
           (is_plain(local, here) && is_plain(target, there));
  }

  static constexpr u32 most_visits = 1 << 18;  // of members, because what has no name can nest and multiply

  const btf& local_;
  const btf& target_;
  core_match match_;
  u32 visits_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_VALUE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The helper that stands where the kernel lacks what an instruction needs. There is none of this number, so the
/// verifier refuses a program that can reach it; libbpf and the kernel itself write the same one.
inline constexpr s32 core_poison = 195896080;

/// Makes a call out of an instruction that nothing may reach, or out of both halves of one.
constexpr void poison_instruction(abi::insn* at) noexcept {
  const bool is_long = at->opcode == abi::opcode_ld_imm64;
  at[0] = {.opcode = abi::opcode_call, .registers = 0, .offset = 0, .immediate = core_poison};
  if (is_long) at[1] = at[0];
}

/// Changes the instruction at `at`, behind which `left` more stand, to what the kernel needs; poisons it where the
/// kernel has no such thing.
/// Errors: a cause, and the instruction stays as it was.
constexpr cause patch_instruction(abi::insn* at, u32 left, const core_value& to) noexcept {
  const bool is_long = at->opcode == abi::opcode_ld_imm64;
  if (is_long && left == 0) return cause::bad_core;
  if (to.is_missing) {
    poison_instruction(at);
    return cause::none;
  }
  const auto holds = [&to](u64 number) { return !to.is_sure || number == to.old_number; };
  enum : u8 { load_constant = 0, load = 1, store_constant = 2, store = 3, arithmetic = 4, arithmetic64 = 7 };
  switch (at->opcode & 7) {
    case arithmetic:
    case arithmetic64: {
      constexpr u8 from_register = 8;
      if ((at->opcode & from_register) != 0 || !holds(static_cast<u64>(s64{at->immediate})))
        return cause::core_other_instruction;
      at->immediate = static_cast<s32>(to.number);
      return cause::none;
    }
    case load:
    case store_constant:
    case store: {
      if (!holds(static_cast<u64>(s64{at->offset}))) return cause::core_other_instruction;
      constexpr u64 furthest = 0x7fff;
      if (to.number > furthest) return cause::core_too_far;
      if (to.loses_sign) {
        poison_instruction(at);
        return cause::none;
      }
      if (to.size != to.old_size) {
        // Of 4, 2, 1 and 8 bytes, in the order of the bits that say so.
        constexpr u32 sizes[] = {4, 2, 1, 8};
        if (sizes[at->opcode >> 3 & 3] != to.old_size) return cause::core_other_instruction;
        u32 bits = 0;
        while (bits < 4 && sizes[bits] != to.size) ++bits;
        if (bits == 4) return cause::core_other_instruction;
        at->opcode = static_cast<u8>((at->opcode & 0xe7u) | bits << 3);
      }
      at->offset = static_cast<s16>(to.number);
      return cause::none;
    }
    case load_constant: {
      const bool is_plain = is_long && at[0].source() == 0 && at[0].offset == 0 && at[1].opcode == 0 &&
                            at[1].registers == 0 && at[1].offset == 0;
      if (!is_plain ||
          !holds(static_cast<u32>(at[0].immediate) | u64{static_cast<u32>(at[1].immediate)} << 32))
        return cause::core_other_instruction;
      at[0].immediate = static_cast<s32>(to.number);
      at[1].immediate = static_cast<s32>(to.number >> 32);
      return cause::none;
    }
    default:
      return cause::core_other_instruction;
  }
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_PATCH_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What relocating a program came to.
struct core_outcome {
  cause fault = cause::none;  ///< why it cannot be done
  u32 relocation = 0;         ///< index of the one that is at fault
  u32 poisoned = 0;           ///< how many instructions need what the kernel does not have
};

/// What a relocation is worth to a kernel, of whose types `ids` may be meant. Those that are not are left out of `ids`
/// and `count`, unless none is; so later relocations of the same type know better, as with libbpf.
[[nodiscard]] constexpr core_value decide(core_sides& sides, const abi::core_relo& relocation, u32* ids,
                                          u32& count) noexcept {
  const auto kind = static_cast<abi::core_kind>(relocation.kind);
  core_spec wanted, found, chosen;
  if (!sides.read(relocation, wanted)) return {.fault = cause::bad_core};
  if (kind == abi::core_kind::type_id_local) return sides.value_of(kind, wanted, nullptr);
  if (sides.local().image().read8(sides.local().type(relocation.type_id).name) == 0)
    return {.fault = cause::core_without_name};
  core_value out;
  u32 kept = 0;
  for (u32 i = 0; i < count; ++i) {
    const core_fit fit = sides.find(kind, wanted, ids[i], found);
    if (fit == core_fit::endless) return {.fault = cause::core_endless};
    if (fit == core_fit::no) continue;
    const core_value value = sides.value_of(kind, wanted, &found);
    if (value.fault != cause::none) return value;
    if (kept == 0) {
      out = value;
      chosen.bit = found.bit;
    } else if (found.bit != chosen.bit || value.number != out.number || value.is_missing != out.is_missing) {
      return {.fault = cause::core_ambiguous};
    }
    ids[kept++] = ids[i];
  }
  if (kept == 0) return sides.value_of(kind, wanted, nullptr);
  count = kept;
  return out;
}

/// Fits the `size` instructions at `code` to the kernel, as `count` relocations say.
/// Errors: in the outcome, with the first relocation that cannot be done; those before it are done.
[[nodiscard]] inline core_outcome relocate(core_sides& sides, core_candidates& candidates,
                                           const abi::core_relo* relocations, u32 count, abi::insn* code,
                                           u32 size) noexcept {
  core_outcome out;
  for (u32 i = 0; i < count; ++i) {
    const u32 at = relocations[i].insn_off / static_cast<u32>(sizeof(abi::insn));
    out.relocation = i;
    if (at >= size) {
      out.fault = cause::bad_core;
      return out;
    }
    core_root& root = candidates.root_of(relocations[i].type_id);
    const core_value value = decide(sides, relocations[i], candidates.ids_of(root), root.count);
    out.fault = value.fault != cause::none ? value.fault : patch_instruction(code + at, size - at - 1, value);
    if (out.fault != cause::none) return out;
    out.poisoned += code[at].opcode == abi::opcode_call && code[at].immediate == core_poison;
  }
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_HPP
// Room 6.6, kernel_btf: the running kernel's own types, of which a program names the one that it is made for, and those of
// its modules. They are read once for a whole object, and not at all for one that needs none.
#ifndef BAREBPF_KERNEL_BTF_HPP
#define BAREBPF_KERNEL_BTF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What a program is made for, as its section says; nothing for most programs.
struct kernel_type_need {
  section_rest what = section_rest::nothing;
  const char* name = "";

  /// True when it is a type of the kernel, and not one of another program.
  [[nodiscard]] constexpr bool is_any() const noexcept {
    return what > section_rest::place && what != section_rest::replaced;
  }
};

namespace detail {

// What the kernel gives has numbers in the order of the machine.
[[nodiscard]] inline bytes in_this_order(const unsigned char* from, size_t size) noexcept {
  bytes out(from, size);
  if constexpr (host_is_big_endian) out.read_big_endian();
  return out;
}

}  // namespace detail

/// The BTF of the running kernel as it comes: mapped where the kernel allows that (6.16), else read.
/// Lifetime: `view` looks at it.
/// Kernel:   5.4, with CONFIG_DEBUG_INFO_BTF.
/// Source:   kernel/bpf/sysfs_btf.c at v6.16.
class kernel_btf_file {
 public:
  static constexpr const char* path = "/sys/kernel/btf/vmlinux";

  /// Errors: as read_file; ENOENT for a kernel without BTF.
  /// Cost:   four system calls; where it is read, 5.5 MB of a common kernel stay in memory.
  [[nodiscard, gnu::cold]] result<void> open() noexcept {
    constexpr long from_end = 2, private_pages = 2;  // SEEK_END, MAP_PRIVATE
    const fd file = fd::own(open_to_read(path));
    if (!file.is_open()) return failure(step::open_file, file.number());
    const long size = system_call(__NR_lseek, file.number(), 0, from_end);
    size_ = size > 0 ? static_cast<size_t>(size) : 0;
    const long answer =
        detail::map_pages(0, size_, detail::mapping::readable, private_pages, file.number(), 0);
    if (memory_.take(answer, size_) == 0) return {};
    auto content = read_file(file);
    if (!content) return content.error();
    content_ = std::move(*content);
    size_ = content_.size();
    return {};
  }
  /// The same in a row of calls: true, or what went wrong in `row`, under step `now`; no memory of its own under allocate.
  [[nodiscard]] bool open(step now, outcome& row) noexcept {
    const auto opened = open();
    if (opened) return true;
    const error& why = opened.error();
    return row.fails(why.at == step::allocate ? why.at : now, -static_cast<long>(why.code)), false;
  }
  [[nodiscard]] bytes view() const noexcept {
    return detail::in_this_order(content_.size() != 0 ? content_.data() : memory_.data(), size_);
  }

 private:
  detail::mapping memory_;
  buffer<unsigned char> content_;
  size_t size_ = 0;
};

namespace detail {

// Where types and strings lie in the BTF of the kernel or of a module. A module's goes on where the kernel's ends:
// with the next id, and with strings that count from the end of the kernel's.
struct btf_layout {
  u64 types = 0, types_size = 0, strings = 0, strings_size = 0;

  // Shape: false when they do not lie inside `image`.
  [[nodiscard]] constexpr bool read(const bytes& image) noexcept {
    using header = abi::btf_header;
    if (!image.holds(0, header::size) || image.read16(header::magic) != abi::btf_magic) return false;
    const u64 body = image.read32(header::header_size);
    types = body + image.read32(header::types_offset);
    types_size = image.read32(header::types_size);
    strings = body + image.read32(header::strings_offset);
    strings_size = image.read32(header::strings_size);
    return image.holds(types, types_size) && image.holds(strings, strings_size);
  }
};

// True when `is_wanted(module, kind, name)` is for a type of a module whose name is its own, and not one of the kernel's.
template <class Wanted>
[[nodiscard]] bool has_any_type(const bytes& base, const bytes& module, Wanted is_wanted) noexcept {
  using record = abi::btf_type_record;
  btf_layout kernel, own;
  if (!kernel.read(base) || !own.read(module)) return false;
  const u64 end = own.types + own.types_size;
  for (u64 type = own.types; type < end;) {
    const u32 info = module.read32(type + record::info);
    const btf_type seen{.kind = static_cast<abi::btf_kind>(info >> 24 & 0x7f), .members = info & 0xffffff};
    if (!btf::is_known(seen.kind)) return false;
    const u64 name = module.read32(type + record::name);
    if (name >= kernel.strings_size && is_wanted(module, seen.kind, own.strings + name - kernel.strings_size))
      return true;
    type += btf::extent_of(seen);
  }
  return false;
}

// The types of the kernel, which keep their ids, and those of a module behind them.
// Errors: ENOMEM; too_large.
[[nodiscard]] inline result<buffer<unsigned char>> join_types(const bytes& base,
                                                              const bytes& module) noexcept {
  btf_layout kernel, own;
  static_cast<void>(kernel.read(base) && own.read(module));
  const u64 types_size = kernel.types_size + own.types_size;
  const u64 strings_size = kernel.strings_size + own.strings_size;
  constexpr u64 head = abi::btf_header::size;
  if (types_size + strings_size > 0x7fffffff) return error{.at = step::allocate, .why = cause::too_large};
  auto joined = buffer<unsigned char>::of(static_cast<size_t>(head + types_size + strings_size));
  if (!joined) return joined;
  unsigned char* out = joined->data();
  base.copy(0, 4, out);  // magic and version
  const u32 fields[] = {static_cast<u32>(head), 0, static_cast<u32>(types_size), static_cast<u32>(types_size),
                        static_cast<u32>(strings_size)};
  __builtin_memcpy(out + abi::btf_header::header_size, fields, sizeof fields);
  out += head;
  base.copy(kernel.types, kernel.types_size, out);
  module.copy(own.types, own.types_size, out + kernel.types_size);
  out += types_size;
  base.copy(kernel.strings, kernel.strings_size, out);
  module.copy(own.strings, own.strings_size, out + kernel.strings_size);
  return joined;
}

// Calls `visit(types, what they look at, descriptor)` for each module that has a type of which `is_wanted(image, kind,
// name)`, as long as it says so. The types are the kernel's, whose BTF `base` is, and behind them the module's.
// Errors: ENOMEM. Modules that go meanwhile, and damaged ones, are left out.
// Kernel: 5.11.
template <class Wanted, class Visit>
[[nodiscard]] result<void> each_module_with(const bytes& base, Wanted is_wanted, Visit visit) noexcept {
  const auto ask = [](const fd& module, abi::btf_info& info) {
    abi::obj_info attr{.bpf_fd = module.raw(), .info_len = sizeof info, .info = &info};
    return sys_bpf(abi::command::obj_get_info_by_fd, attr) >= 0;
  };
  for (u32 id = 0;;) {
    abi::next_id walk{.start_id = id};
    if (sys_bpf(abi::command::btf_get_next_id, walk) < 0) return {};
    id = walk.next_id;
    const abi::next_id wanted{.start_id = id};
    fd module = fd::own(move_away(sys_bpf(abi::command::btf_get_fd_by_id, wanted)));
    if (!module.is_open()) continue;
    char name[64] = {};
    abi::btf_info info{.name = name, .name_len = sizeof name};
    if (!ask(module, info) || info.kernel_btf == 0 || text(name) == "vmlinux") continue;
    auto content = buffer<unsigned char>::of(info.btf_size);
    if (!content) return content.error();
    abi::btf_info again{.btf = content->data(), .btf_size = info.btf_size};
    const bytes image = in_this_order(content->data(), content->size());
    if (!ask(module, again) || !has_any_type(base, image, is_wanted)) continue;
    auto joined = join_types(base, image);
    if (!joined) return joined.error();
    const bytes whole = in_this_order(joined->data(), joined->size());
    btf all;
    if (!btf::open(whole, 0, whole.size(), all).failed() && !visit(all, *joined, module)) return {};
  }
}

}  // namespace detail

/// Finds the ids of `count` types in the BTF of the kernel itself, not of its modules.
/// Shape:  ids[i] is the id for needs[i], which may need nothing; true when all were found.
/// Errors: in `row`, about the name: no_kernel_function and its siblings; ENOENT for a kernel without BTF; ENOMEM.
/// Cost:   opens the file and walks over it once, whatever the count.
/// Kernel: 5.4, with CONFIG_DEBUG_INFO_BTF.
/// Source: check_attach_btf_id() in kernel/bpf/verifier.c at v6.12.
[[nodiscard, gnu::cold]] inline bool find_kernel_types(const kernel_type_need* needs, u32 count, u32* ids,
                                                       outcome& row) noexcept {
  constexpr step at = step::find_kernel_type;
  const auto row_of = [](const kernel_type_need& need) {
    const kernel_type_kind* kind = kernel_type_kinds;
    while (kind->rest != need.what) ++kind;
    return *kind;
  };
  const auto next_missing = [&] {
    u32 i = 0;
    while (i < count && (!needs[i].is_any() || ids[i] != 0)) ++i;
    return i;
  };
  if (next_missing() == count) return true;
  kernel_btf_file file;
  if (!file.open(at, row)) return false;
  const bytes image = file.view();
  btf types;
  if (const verdict v = btf::open(image, 0, image.size(), types); v.failed())
    return row.refuse(at, v.why), false;
  for (btf_type type = types.first(); type.id != 0; type = types.after(type)) {
    for (u32 i = 0; i < count; ++i) {
      if (!needs[i].is_any() || ids[i] != 0) continue;
      const kernel_type_kind kind = row_of(needs[i]);
      if (type.kind == kind.kind && image.string_starts_with(type.name, kind.prefix) &&
          image.string_is(type.name + kind.prefix.size(), needs[i].name))
        ids[i] = type.id;
    }
  }
  const u32 missing = next_missing();
  if (missing == count) return true;
  row.subject = needs[missing].name;
  const bool names_nothing = needs[missing].name[0] == '\0';
  return row.refuse(at, names_nothing ? cause::no_kernel_place : row_of(needs[missing]).missing), false;
}

/// All types of the running kernel, to be looked up by their ids.
class kernel_types {
 public:
  /// Errors: false, and in `row` under its step: ENOENT for a kernel without BTF; ENOMEM.
  /// Cost:   as above.
  [[nodiscard, gnu::cold]] bool open(outcome& row) noexcept {
    const step at = row.at;
    if (!file_.open(at, row)) return false;
    const bytes image = file_.view();
    if (const verdict v = btf::open(image, 0, image.size(), types_); v.failed())
      return row.refuse(at, v.why), false;
    auto index = buffer<u32>::of(types_.index_size());
    if (!index) return row.fails(step::allocate, -ENOMEM), false;
    index_ = std::move(*index);
    types_.build_index(index_.data());
    return true;
  }
  [[nodiscard]] const btf& types() const noexcept { return types_; }

 private:
  kernel_btf_file file_;
  buffer<u32> index_;
  btf types_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KERNEL_BTF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The CO-RE relocations of a program, as BPF_PROG_LOAD takes them.
struct program_cores {
  const abi::core_relo* list = nullptr;
  u32 count = 0;
};

/// Fits the programs of one object to a kernel.
/// Lifetime: looks at the object's types and relocations, and at the kernel's types where they were given.
class fitting {
 public:
  /// `types` are the object's, as the kernel gets them; `target` those to fit to, plain or in an ELF file, and nothing for
  /// those of the running kernel.
  fitting(const void* types, u32 size, const program_cores* programs, u32 count,
          span<const unsigned char> target) noexcept
      : own_(static_cast<const unsigned char*>(types), size),
        programs_(programs),
        program_count_(count),
        target_(target) {}
  fitting(const fitting&) = delete;
  fitting& operator=(const fitting&) = delete;

  /// Fits the `size` instructions at `code` of the program with this index.
  /// Errors: false, and in `row`: step fit_program with the cause; with errno when the types cannot be read.
  /// Cost:   the first one maps or reads the kernel's types and walks them twice; where they lack a type that is named,
  ///         it reads those of the modules, and makes one of both of those of the first module that has it.
  [[nodiscard, gnu::cold, gnu::noinline]] bool fit(u32 program, abi::insn* code, u32 size,
                                                   outcome& row) noexcept {
    if (!is_open_ && !open(row)) return false;
    core_sides sides(local_, kernel_);
    const core_outcome came_to =
        relocate(sides, candidates_, programs_[program].list, programs_[program].count, code, size);
    if (came_to.fault == cause::none) return true;
    return row.refuse(step::fit_program, came_to.fault), false;
  }

  /// What instruction `at` of a program needs, as "task_struct.pid", into `out`; false when it needs nothing.
  [[nodiscard, gnu::cold, gnu::noinline]] bool name(u32 program, u32 at, char* out, size_t room) noexcept {
    if (!open_own()) return false;
    const program_cores& all = programs_[program];
    u32 i = 0;
    while (i < all.count && all.list[i].insn_off != at * sizeof(abi::insn)) ++i;
    if (i == all.count) return false;
    const core_sides sides(local_, local_);
    core_spec spec;
    if (!sides.read(all.list[i], spec)) return false;
    size_t used = local_.image().copy_string(local_.type(all.list[i].type_id).name, out, room);
    for (u32 k = 0; k < spec.count; ++k) {
      if (spec.parts[k].name == 0 || used + 2 >= room) continue;
      out[used++] = '.';
      used += local_.image().copy_string(spec.parts[k].name, out + used, room - used);
    }
    return true;
  }

 private:
  [[nodiscard]] bool open_own() noexcept {
    if (own_index_.size() != 0) return true;
    if constexpr (host_is_big_endian) own_.read_big_endian();
    if (btf::open(own_, 0, own_.size(), local_).failed()) return false;
    auto index = buffer<u32>::of(local_.index_size());
    if (!index) return false;
    own_index_ = std::move(*index);
    local_.build_index(own_index_.data());
    return true;
  }
  // Where the types are in what was given.
  [[nodiscard]] verdict open_target(bytes image) noexcept {
    elf file;
    if (image.read8(0) != 0x7f) {
      if (image.read8(0) == (abi::btf_magic >> 8)) image.read_big_endian();
      return btf::open(image, 0, image.size(), kernel_);
    }
    if (const verdict v = elf::open(image, file); v.failed()) return v;
    return btf::open(file, file.find_section(".BTF"), kernel_);
  }
  [[nodiscard]] bool open(outcome& row) noexcept {
    constexpr step at = step::fit_program;
    if (!open_own()) return row.fails(step::allocate, -ENOMEM), false;
    if (target_.empty() && !running_.open(at, row)) return false;
    const verdict v = open_target(target_.empty() ? running_.view() : bytes(target_.data(), target_.size()));
    if (v.failed()) return row.refuse(at, v.why), false;
    auto index = buffer<u32>::of(kernel_.index_size());
    if (!index) return row.fails(step::allocate, -ENOMEM), false;
    kernel_index_ = std::move(*index);
    u32 relocations = 0;
    for (u32 i = 0; i < program_count_; ++i) relocations += programs_[i].count;
    if (!candidates_.reserve(relocations)) return row.fails(step::allocate, -ENOMEM), false;
    for (u32 i = 0; i < program_count_; ++i)
      for (u32 k = 0; k < programs_[i].count; ++k) candidates_.want(programs_[i].list[k].type_id);
    bool has_memory = candidates_.search(kernel_, kernel_index_.data()).has_value();
    if (has_memory && target_.empty() && candidates_.lacks_any()) has_memory = search_modules();
    if (!has_memory) return row.fails(step::allocate, -ENOMEM), false;
    return is_open_ = true;
  }
  // What the kernel lacks a module may have: from then on the types are the kernel's and those of the first that has some.
  // Shape: false when there is no memory.
  [[nodiscard]] bool search_modules() noexcept {
    bool has_memory = true;
    const auto is_wanted = [this](const bytes& image, abi::btf_kind kind, u64 name) {
      return candidates_.lacks(image, kind, name);
    };
    const auto visit = [&](btf& all, buffer<unsigned char>& content, const fd&) {
      auto index = buffer<u32>::of(all.index_size());
      has_memory = index && candidates_.search(all, index->data(), kernel_.count());
      if (!has_memory) return false;
      module_ = std::move(content);
      kernel_index_ = std::move(*index);
      kernel_ = all;
      return false;
    };
    return detail::each_module_with(running_.view(), is_wanted, visit).has_value() && has_memory;
  }

  bytes own_;
  const program_cores* programs_;
  u32 program_count_;
  span<const unsigned char> target_;
  kernel_btf_file running_;
  buffer<unsigned char> module_;  // the running kernel's, with those of a module
  btf local_, kernel_;
  buffer<u32> own_index_, kernel_index_;
  core_candidates candidates_{local_};
  bool is_open_ = false;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FITTING_HPP
// Room 6.12, kernel_names: finds what a program declares with __ksym: addresses by /proc/kallsyms, variables and
// functions by the types of the kernel and of its modules. Nothing is read that no need asks for.
#ifndef BAREBPF_KERNEL_NAMES_HPP
#define BAREBPF_KERNEL_NAMES_HPP

// Room 6.11, kernel_config: fills in what a program asks of the running kernel with __kconfig: options of its
// configuration, its version, and what it can do.
#ifndef BAREBPF_KERNEL_CONFIG_HPP
#define BAREBPF_KERNEL_CONFIG_HPP

// Room 2.15, inflate: unpacks what gzip packed: the kernel shows its configuration as /proc/config.gz and in no other
// form. Here and not in a library of somebody else's, because it is a page of code and barebpf needs nobody.
#ifndef BAREBPF_INFLATE_HPP
#define BAREBPF_INFLATE_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Takes bits off the front of bytes, the lowest of each byte first; zeros behind the end.
class bit_reader {
 public:
  constexpr bit_reader(const u8* from, size_t size) noexcept : at_(from), left_(size) {}

  // The next `count` bits, 16 at most.
  [[nodiscard]] constexpr u32 take(u32 count) noexcept {
    while (held_count_ < count) {
      is_past_end_ = is_past_end_ || left_ == 0;
      held_ |= (left_ == 0 ? u32{0} : u32{*at_}) << held_count_;
      if (left_ != 0) ++at_, --left_;
      held_count_ += 8;
    }
    const u32 out = held_ & ((u32{1} << count) - 1);
    held_ >>= count;
    held_count_ -= count;
    return out;
  }
  // Leaves out what is left of a byte that was begun.
  constexpr void align() noexcept { static_cast<void>(take(held_count_ % 8)); }
  [[nodiscard]] constexpr bool is_past_end() const noexcept { return is_past_end_; }

 private:
  const u8* at_;
  size_t left_;
  u32 held_ = 0, held_count_ = 0;
  bool is_past_end_ = false;
};

// A code in which frequent symbols are short: all symbols of one length follow each other, and so do their codes.
template <u32 Most>
class prefix_code {
 public:
  // Makes the code of which symbol `i` has `lengths[i]` bits, or none. Shape: false when there is no such code. One
  // that leaves codes out is taken only with a single symbol or none, as RFC 1951 has it for distances.
  [[nodiscard]] constexpr bool build(const u8* lengths, u32 count) noexcept {
    for (u32& number : counts_) number = 0;
    for (u32 i = 0; i < count; ++i) ++counts_[lengths[i]];
    const u32 symbols = count - counts_[0];
    s32 free_codes = 1;
    for (u32 length = 1; length <= longest; ++length) {
      free_codes = free_codes * 2 - static_cast<s32>(counts_[length]);
      if (free_codes < 0) return false;
    }
    if (free_codes != 0 && symbols > 1) return false;
    u32 next[longest + 1] = {};
    for (u32 length = 1; length < longest; ++length) next[length + 1] = next[length] + counts_[length];
    for (u32 i = 0; i < count; ++i)
      if (lengths[i] != 0) symbols_[next[lengths[i]]++] = static_cast<u16>(i);
    return true;
  }
  // The next symbol, or `none` for bits that are no code.
  [[nodiscard]] constexpr u32 decode(bit_reader& in) const noexcept {
    u32 code = 0, first_code = 0, first_symbol = 0;
    for (u32 length = 1; length <= longest; ++length) {
      code |= in.take(1);
      if (code - first_code < counts_[length]) return symbols_[first_symbol + code - first_code];
      first_symbol += counts_[length];
      first_code = (first_code + counts_[length]) * 2;
      code *= 2;
    }
    return none;
  }
  static constexpr u32 none = 0xffffffff;

 private:
  static constexpr u32 longest = 15;  // bits
  u32 counts_[longest + 1] = {};      // how many symbols have so many
  u16 symbols_[Most] = {};
};

// Unpacks the blocks of RFC 1951 into as much room as there is.
class inflater {
 public:
  constexpr inflater(bit_reader& in, u8* out, size_t room) noexcept : in_(in), out_(out), room_(room) {}

  // Shape: false for damaged bytes, and for more than there is room for.
  [[nodiscard]] constexpr bool run() noexcept {
    for (bool is_last = false; !is_last;) {
      is_last = in_.take(1) != 0;
      const u32 form = in_.take(2);
      const bool is_good = form == 0   ? copy_stored()
                           : form == 1 ? make_fixed_codes() && decode()
                                       : form == 2 && read_codes() && decode();
      if (!is_good || in_.is_past_end()) return false;
    }
    return true;
  }
  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }

 private:
  static constexpr u32 most_literals = 288, most_distances = 32, end_of_block = 256;

  constexpr bool put(u8 byte) noexcept {
    if (size_ == room_) return false;
    out_[size_++] = byte;
    return true;
  }
  constexpr bool copy_stored() noexcept {
    in_.align();
    const u32 size = in_.take(16);
    if (size != (in_.take(16) ^ 0xffff)) return false;
    for (u32 i = 0; i < size; ++i)
      if (in_.is_past_end() || !put(static_cast<u8>(in_.take(8)))) return false;
    return true;
  }
  constexpr bool make_fixed_codes() noexcept {
    u8 lengths[most_literals] = {};
    for (u32 i = 0; i < most_literals; ++i)
      lengths[i] = static_cast<u8>(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
    u8 distances[most_distances] = {};
    for (u8& length : distances) length = 5;
    return literals_.build(lengths, most_literals) && distances_.build(distances, most_distances);
  }
  // The codes of a block stand in front of it, packed by a code of their own.
  constexpr bool read_codes() noexcept {
    constexpr u8 order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const u32 literals = in_.take(5) + 257, distances = in_.take(5) + 1, packed = in_.take(4) + 4;
    if (literals > 286 || distances > 30) return false;
    u8 lengths[most_literals + most_distances] = {};
    for (u32 i = 0; i < packed; ++i) lengths[order[i]] = static_cast<u8>(in_.take(3));
    prefix_code<19> lengths_code;
    if (!lengths_code.build(lengths, 19)) return false;
    for (u8& length : lengths) length = 0;
    for (u32 i = 0; i < literals + distances;) {
      const u32 symbol = lengths_code.decode(in_);
      if (symbol == prefix_code<19>::none || in_.is_past_end()) return false;
      if (symbol < 16) {
        lengths[i++] = static_cast<u8>(symbol);
        continue;
      }
      if (symbol == 16 && i == 0) return false;
      const u8 again = symbol == 16 ? lengths[i - 1] : u8{0};
      u32 times = symbol == 16 ? 3 + in_.take(2) : symbol == 17 ? 3 + in_.take(3) : 11 + in_.take(7);
      if (times > literals + distances - i) return false;
      for (; times != 0; --times) lengths[i++] = again;
    }
    return lengths[end_of_block] != 0 && literals_.build(lengths, literals) &&
           distances_.build(lengths + literals, distances);
  }
  // Bytes, and copies of what came so far before.
  constexpr bool decode() noexcept {
    constexpr u16 length_starts[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                     31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    constexpr u8 length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    constexpr u16 distance_starts[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                       33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                       1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    while (!in_.is_past_end()) {
      const u32 symbol = literals_.decode(in_);
      if (symbol == end_of_block) return true;
      if (symbol < end_of_block) {
        if (!put(static_cast<u8>(symbol))) return false;
        continue;
      }
      const u32 row = symbol - end_of_block - 1;
      if (symbol == prefix_code<most_literals>::none || row >= sizeof length_bits) return false;
      const u32 length = length_starts[row] + in_.take(length_bits[row]);
      const u32 far = distances_.decode(in_);
      if (far >= sizeof distance_starts / sizeof distance_starts[0]) return false;
      const size_t distance = distance_starts[far] + in_.take(far < 2 ? 0 : far / 2 - 1);
      if (distance > size_) return false;
      for (u32 i = 0; i < length; ++i)
        if (!put(out_[size_ - distance])) return false;
    }
    return false;
  }

  bit_reader& in_;
  u8* out_;
  size_t room_;
  size_t size_ = 0;
  prefix_code<most_literals> literals_;
  prefix_code<most_distances> distances_;
};

}  // namespace detail

/// The checksum with which gzip ends.
/// Source: RFC 1952, chapter 8.
[[nodiscard]] constexpr u32 crc32(const u8* from, size_t size) noexcept {
  u32 out = 0xffffffff;
  for (size_t i = 0; i < size; ++i) {
    out ^= from[i];
    for (int bit = 0; bit < 8; ++bit) out = out >> 1 ^ (0xedb88320 & (0 - (out & 1)));
  }
  return ~out;
}

/// How many bytes a file of gzip with one member unpacks to, as it says itself; 0 when it is none, or when it says more
/// than so many bytes can hold.
[[nodiscard]] constexpr size_t unpacked_size(const u8* from, size_t size) noexcept {
  constexpr size_t head = 10, tail = 8, best_ratio = 1032;
  if (size < head + tail || from[0] != 0x1f || from[1] != 0x8b || from[2] != 8) return 0;
  size_t out = 0;
  for (size_t i = 0; i < 4; ++i) out |= size_t{from[size - 4 + i]} << (i * 8);
  return out > u64{size} * best_ratio ? 0 : out;
}

/// Unpacks a file of gzip with one member to `out`, which has room for `unpacked_size` bytes.
/// Shape:  false when it is damaged or has another size or checksum than it says; what is in `out` is then of no use.
/// Cost:   no allocation, 4 KB of stack; 2 ms for the 100 KB of a kernel's configuration.
/// Source: RFC 1951, RFC 1952.
[[nodiscard]] constexpr bool unpack(const u8* from, size_t size, u8* out) noexcept {
  const size_t room = unpacked_size(from, size);
  if (room == 0) return false;
  constexpr u8 has_head_checksum = 2, has_more = 4, strings[] = {8, 16};  // a name and a comment
  const u8 flags = from[3];
  const size_t end = size - 8;
  size_t at = 10;
  if ((flags & has_more) != 0) {
    if (end - at < 2) return false;
    const size_t more = from[at] + size_t{from[at + 1]} * 256;
    if (more > end - at - 2) return false;
    at += 2 + more;
  }
  for (const u8 flag : strings) {
    if ((flags & flag) == 0) continue;
    while (at < end && from[at] != 0) ++at;
    if (at++ >= end) return false;
  }
  if ((flags & has_head_checksum) != 0) at += 2;
  if (at >= end) return false;
  detail::bit_reader in(from + at, end - at);
  detail::inflater blocks(in, out, room);
  if (!blocks.run() || blocks.size() != room) return false;
  u32 wanted = 0;
  for (size_t i = 0; i < 4; ++i) wanted |= u32{from[end + i]} << (i * 8);
  return crc32(out, room) == wanted;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_INFLATE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What an object wants of the kernel, as it is needed while loading: an `extern_spec` without the file.
struct extern_need {
  const char* name = "";
  const char* shape = "";  ///< of a variable or function: its type, see `type_shape`
  u32 known_size = 0;      ///< so many characters of the name does the kernel know it by
  u32 hash = 0;            ///< of those
  extern_kind kind = extern_kind::config;
  bool is_weak = false;
  kconfig_slot slot{};  ///< of a config
  u32 offset = 0;       ///< of a config: bytes from the start of the map's value

  [[nodiscard]] constexpr text known_as() const noexcept { return {name, known_size}; }
  /// Whether the kernel means this by `wanted`, of which `number` is the `hash_of`.
  [[nodiscard]] constexpr bool is_called(text wanted, u32 number) const noexcept {
    return hash == number && known_as() == wanted;
  }
};

/// The same of `declared`, whose name and shape have been copied to where they stay.
[[nodiscard]] constexpr extern_need to_need(const bytes& image, const extern_spec& declared, const char* name,
                                            const char* shape) noexcept {
  const size_t known_size = declared.kind == extern_kind::function
                                ? length_without_flavor(image, declared.name)
                                : image.length_of_string(declared.name);
  return {.name = name,
          .shape = shape,
          .known_size = static_cast<u32>(known_size),
          .hash = hash_of(image, declared.name, known_size),
          .kind = declared.kind,
          .is_weak = declared.is_weak,
          .slot = declared.slot,
          .offset = declared.offset};
}

/// What came of a need.
/// Lifetime: closes the descriptor of a module's types that it holds.
struct resolved_extern {
  u64 value = 0;          ///< an address, or the id of a type
  fd module;              ///< the types of the module that has it, held by the first extern in it
  s32 module_number = 0;  ///< the number of that descriptor; 0 for the kernel itself
  s16 module_index = 0;   ///< its place among the descriptors that a program is loaded with
  bool is_found = false;
};

/// Where options come from; a member of `load_options`.
struct kconfig_source {
  text options{};              ///< lines that hold before all else
  const char* file = nullptr;  ///< in the place of the kernel's own
  int token = -1;              ///< descriptor of a BPF token
};

namespace detail {

// Three numbers with dots between them at the front of `from`, as KERNEL_VERSION in C puts them together; 0 when there
// are none.
constexpr u32 version_code(text from) noexcept {
  text_reader in(from);
  u32 numbers[3] = {};
  for (u32& number : numbers) {
    const bool is_there = &number == numbers || in.take(".");
    u32 digits = 0;
    for (; is_there && !in.is_done() && in.rest()[0] >= '0' && in.rest()[0] <= '9' && digits < 9; ++digits) {
      number = number * 10 + static_cast<u32>(in.rest()[0] - '0');
      static_cast<void>(in.take(text(in.rest().data(), 1)));
    }
    if (digits == 0) return 0;
  }
  return (numbers[0] << 16) + (numbers[1] << 8) + (numbers[2] > 255 ? 255 : numbers[2]);
}

struct kernel_identity {
  char words[6][65] = {};  // system, node, release, version, machine, domain
};

// LINUX_KERNEL_VERSION. Distributions keep the number of uname(2) while they go on, and say elsewhere which it is.
inline u32 kernel_version_code(const kernel_identity& known) noexcept {
  if (auto lines = line_reader::open("/proc/version_signature"); lines)  // "Ubuntu 5.4.0-12.15-generic 5.4.8"
    if (text line; lines->next(line) > 0) {
      text_reader in(line);
      static_cast<void>(in.take_until(' '));
      static_cast<void>(in.take_until(' '));
      if (const u32 found = version_code(in.rest()); found != 0) return found;
    }
  text_reader version(known.words[3]);  // "#1 SMP Debian 4.19.208-1 (2021-09-29)"
  while (!version.is_done())
    if (version.take_until(' ') == "Debian")
      if (const u32 found = version_code(version.rest()); found != 0) return found;
  return version_code(known.words[2]);
}

// LINUX_HAS_BPF_COOKIE: whether the kernel has bpf_get_attach_cookie, which it says when a program calls it.
inline bool has_bpf_cookie(int token) noexcept {
  constexpr u32 kprobe = 2;  // BPF_PROG_TYPE_KPROBE
  constexpr s32 get_attach_cookie = 174;
  constexpr u8 exit = 0x95;
  const abi::insn code[] = {{.opcode = abi::opcode_call, .immediate = get_attach_cookie}, {.opcode = exit}};
  abi::prog_load_with_token attr{
      .load = {.prog_type = kprobe, .insn_cnt = 2, .insns = code, .license = "GPL"}};
  if (token >= 0) {
    attr.prog_token_fd = token;
    attr.load.prog_flags = abi::prog_flag_token_fd;
  }
  const fd loaded = fd::own(token >= 0 ? sys_bpf(abi::command::prog_load, attr)
                                       : sys_bpf(abi::command::prog_load, attr.load));
  return loaded.is_open();
}

// LINUX_HAS_SYSCALL_WRAPPER: whether programs can be attached to the function that its name says.
inline bool has_syscall_wrapper() noexcept {
#if defined(__x86_64__)
  constexpr const char* wrapper = "__x64_sys_bpf";
#elif defined(__i386__)  // 64-bit kernels that run such programs have it too
  constexpr const char* wrapper = "__ia32_sys_bpf";
#elif defined(__aarch64__)
  constexpr const char* wrapper = "__arm64_sys_bpf";
#elif defined(__s390x__)
  constexpr const char* wrapper = "__s390x_sys_bpf";
#elif defined(__riscv)
  constexpr const char* wrapper = "__riscv_sys_bpf";
#else
  constexpr const char* wrapper = nullptr;
#endif
  outcome unseen;
  return wrapper != nullptr && open_kernel_probe(wrapper, false, unseen).is_open();
}

// Fills in the options of one object.
class config_filler {
 public:
  config_filler(const extern_need* needs, u32 count, resolved_extern* found, u8* value,
                const kconfig_source& source, outcome& row) noexcept
      : needs_(needs), count_(count), found_(found), value_(value), source_(source), row_(row) {}

  bool run() noexcept {
    bool has_options = false;
    for (u32 i = 0; i < count_; ++i) {
      if (needs_[i].kind != extern_kind::config) continue;
      const bool is_option = needs_[i].known_as().starts_with("CONFIG_");
      has_options = has_options || is_option;
      if (!is_option && !set_fact(i)) return false;
    }
    if (!has_options) return true;
    if (!take_lines(source_.options)) return false;
    return is_complete() || read_configuration();
  }

 private:
  static constexpr step at = step::read_kconfig;

  bool fail(cause why, const char* subject) noexcept {
    row_.subject = subject;
    return row_.refuse(at, why), false;
  }
  bool fail(const error& why, const char* subject) noexcept {
    row_.subject = subject;
    return row_.refuse(why), false;
  }
  bool keep(u32 i, cause why) noexcept {
    if (why != cause::none) return fail(why, needs_[i].name);
    return found_[i].is_found = true;
  }
  bool set_fact(u32 i) noexcept {
    const text name = needs_[i].known_as();
    const auto set = [&](u64 number) {
      return keep(i, set_kconfig_number(needs_[i].slot, number, value_ + needs_[i].offset));
    };
    if (name == "LINUX_KERNEL_VERSION") return set(kernel_version_code(identity()));
    if (name == "LINUX_HAS_BPF_COOKIE") return set(has_bpf_cookie(source_.token));
    if (name == "LINUX_HAS_SYSCALL_WRAPPER") return set(has_syscall_wrapper());
    return (needs_[i].is_weak && name.starts_with("LINUX_")) ||
           fail(cause::unknown_kernel_fact, needs_[i].name);
  }
  const kernel_identity& identity() noexcept {
    if (identity_.words[2][0] == '\0') static_cast<void>(system_call(__NR_uname, &identity_));
    return identity_;
  }

  [[nodiscard]] bool is_complete() const noexcept {
    for (u32 i = 0; i < count_; ++i)
      if (needs_[i].kind == extern_kind::config && !found_[i].is_found &&
          needs_[i].known_as().starts_with("CONFIG_"))
        return false;
    return true;
  }
  // What is set first stays.
  bool take_line(text line) noexcept {
    kconfig_line said;
    if (!read_kconfig_line(line, said)) return fail(cause::bad_kconfig_line, "");
    if (said.option.empty()) return true;
    const u32 hash = hash_of(said.option);
    for (u32 i = 0; i < count_; ++i)
      if (needs_[i].kind == extern_kind::config && !found_[i].is_found &&
          needs_[i].is_called(said.option, hash) &&
          !keep(i, set_kconfig(needs_[i].slot, said.value, value_ + needs_[i].offset)))
        return false;
    return true;
  }
  bool take_lines(text all) noexcept {
    text_reader in(all);
    while (!in.is_done())
      if (!take_line(in.take_until('\n'))) return false;
    return true;
  }
  bool take_file(const buffer<unsigned char>& content, const char* path) noexcept {
    const bool is_packed = content.size() >= 2 && content[0] == 0x1f && content[1] == 0x8b;
    if (!is_packed) return take_lines({reinterpret_cast<const char*>(content.data()), content.size()});
    // A kernel has not a tenth of it.
    constexpr size_t largest = 16 << 20;
    const size_t size = unpacked_size(content.data(), content.size());
    if (size == 0 || size > largest) return fail(cause::bad_kernel_config, path);
    auto whole = buffer<unsigned char>::of(size);
    if (!whole) return fail(whole.error(), path);
    if (!unpack(content.data(), content.size(), whole->data())) return fail(cause::bad_kernel_config, path);
    return take_lines({reinterpret_cast<const char*>(whole->data()), whole->size()});
  }
  bool read_configuration() noexcept {
    if (source_.file != nullptr) {
      const auto content = read_file(source_.file);
      return content ? take_file(*content, source_.file) : fail(content.error(), source_.file);
    }
    char path[80];
    static_cast<void>((text_writer(path, sizeof path) << "/boot/config-" << identity().words[2]).finish());
    constexpr const char* proc = "/proc/config.gz";
    if (const auto content = read_file(path); content) return take_file(*content, "/boot/config");
    if (const auto content = read_file(proc); content) return take_file(*content, proc);
    return fail(cause::no_kernel_config, "");
  }

  const extern_need* needs_;
  u32 count_;
  resolved_extern* found_;
  u8* value_;
  const kconfig_source& source_;
  outcome& row_;
  kernel_identity identity_;
};

}  // namespace detail

/// Fills in the options among `count` needs: `value` is that of their map and holds zeros. What is not set stays zero;
/// whether that will do is for `all_are_found` to say.
/// Shape:  false when something is wrong, which `row` then tells.
/// Errors: read_kconfig with no_kernel_config, unknown_kernel_fact, bad_kconfig_line, or why a value is none for its
///         variable, about the option; bad_kernel_config about the file; open_file with errno for a file of the user's.
/// Cost:   a file of 100 KB is read, and unpacked in 2 ms where it is /proc/config.gz; none for what `source` sets.
/// Source: kernel/configs.c at v6.12; the names and where they are looked for are libbpf's.
[[nodiscard, gnu::cold]] inline bool fill_config(const extern_need* needs, u32 count, resolved_extern* found,
                                                 u8* value, const kconfig_source& source,
                                                 outcome& row) noexcept {
  return detail::config_filler(needs, count, found, value, source, row).run();
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KERNEL_CONFIG_HPP
// Room 3.6, type_shape: what is compared of a type in an object and one of the kernel, as a short text: pointers to
// structs are such, whatever the structs are called. So an object that the compiler has read needs no types for it.
#ifndef BAREBPF_TYPE_SHAPE_HPP
#define BAREBPF_TYPE_SHAPE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Room for the shape of every type that is worth comparing, with its NUL.
inline constexpr size_t longest_shape = 256;

namespace detail {

// One letter for each kind, in front of those of its parts: a function has the number of its parameters as a letter
// from A on, then the parameters, then what it returns. `never` is like nothing.
inline constexpr char never = '?';
constexpr char shape_letter(const btf& types, const btf_type& type) noexcept {
  using enum abi::btf_kind;
  switch (type.kind) {
    case void_type:
      return 'v';
    case integer:
      // Bits of an integer that begin behind its first: what compilers once wrote for bit fields.
      return (types.image().read32(type.tail()) >> 16 & 0xff) == 0 ? 'i' : never;
    case pointer:
      return 'p';
    case array:
      return 'a';
    case structure:
      return 's';
    case union_type:
      return 'u';
    case enumeration:
    case enumeration64:
      return 'e';
    case forward:
      return 'f';
    case function_prototype:
      return 'F';
    default:
      return never;
  }
}
inline constexpr u32 most_parameters = 60;
constexpr u32 parameter_of(const btf& types, const btf_type& function, u32 index) noexcept {
  return types.image().read32(function.tail() + u64{index} * 8 + 4);
}

// Shape: false where there is no more room.
constexpr bool add_shape(const btf& types, u32 id, char* out, size_t& used) noexcept {
  for (;;) {
    if (used + 3 >= longest_shape) return false;
    const btf_type type = types.resolve(id);
    const char letter = shape_letter(types, type);
    out[used++] = letter;
    if (letter == 'p') {
      id = type.size_or_type;
    } else if (letter == 'a') {
      id = types.element_of(type);
    } else if (letter == 'F') {
      if (type.members > most_parameters) return false;
      out[used++] = static_cast<char>('A' + type.members);
      for (u32 i = 0; i < type.members; ++i)
        if (!add_shape(types, parameter_of(types, type, i), out, used)) return false;
      id = type.size_or_type;
    } else {
      return true;
    }
  }
}
constexpr bool takes_shape(const btf& types, u32 id, const char*& shape) noexcept {
  for (;;) {
    const btf_type type = types.resolve(id);
    const char letter = shape_letter(types, type);
    if (letter == never || *shape != letter) return false;
    ++shape;
    if (letter == 'p') {
      id = type.size_or_type;
    } else if (letter == 'a') {
      id = types.element_of(type);
    } else if (letter == 'F') {
      if (type.members > most_parameters || *shape != static_cast<char>('A' + type.members)) return false;
      ++shape;
      for (u32 i = 0; i < type.members; ++i)
        if (!takes_shape(types, parameter_of(types, type, i), shape)) return false;
      id = type.size_or_type;
    } else {
      return true;
    }
  }
}

}  // namespace detail

/// The shape of a type, to be kept for `has_shape`.
struct type_shape {
  char letters[longest_shape] = {};

  /// That of the type with this id. One that is too large to be compared is like no other.
  [[nodiscard]] static constexpr type_shape of(const btf& types, u32 id) noexcept {
    type_shape out;
    size_t used = 0;
    if (detail::add_shape(types, id, out.letters, used)) return out;
    out.letters[0] = detail::never;
    out.letters[1] = '\0';
    return out;
  }
};

/// The shape of what an object declares; empty for what has no type to be compared.
[[nodiscard]] constexpr type_shape shape_of_extern(const btf& types, const extern_spec& declared) noexcept {
  const bool has_type = declared.kind == extern_kind::variable || declared.kind == extern_kind::function;
  return has_type ? type_shape::of(types, declared.type) : type_shape{};
}

/// True when the type with this id has the shape `wanted`.
/// Cost:   bounded by the shape, whatever the types are.
/// Source: bpf_core_types_are_compat() in tools/lib/bpf/relo_core.c at v6.12.
[[nodiscard]] constexpr bool has_shape(const btf& types, u32 id, const char* wanted) noexcept {
  return detail::takes_shape(types, id, wanted) && *wanted == '\0';
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_TYPE_SHAPE_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Finds the names of one object.
class name_finder {
 public:
  name_finder(const extern_need* needs, u32 count, resolved_extern* found, outcome& row) noexcept
      : needs_(needs), count_(count), found_(found), row_(row) {}

  bool run() noexcept {
    if (is_missing(extern_kind::address) && !find_addresses()) return false;
    if (is_missing(extern_kind::variable) || is_missing(extern_kind::function)) {
      if (!find_types()) return false;
      return number_modules();
    }
    return true;
  }

 private:
  static constexpr step at = step::find_kernel_name;

  bool fail(cause why, const char* subject) noexcept {
    row_.subject = subject;
    return row_.refuse(at, why), false;
  }
  bool fail(const error& why, const char* subject) noexcept {
    row_.subject = subject;
    return row_.refuse(why), false;
  }
  [[nodiscard]] bool is_missing(u32 i, extern_kind kind) const noexcept {
    return needs_[i].kind == kind && !found_[i].is_found;
  }
  [[nodiscard]] bool is_missing(extern_kind kind) const noexcept {
    for (u32 i = 0; i < count_; ++i)
      if (is_missing(i, kind)) return true;
    return false;
  }

  bool find_addresses() noexcept {
    constexpr const char* path = "/proc/kallsyms";
    bool are_shown = false, is_hidden = false;
    const char* ambiguous = nullptr;
    const auto keep = [&](const kallsyms_line& seen) -> result<void> {
      are_shown = are_shown || seen.address != 0;
      const u32 hash = hash_of(seen.symbol);
      for (u32 i = 0; i < count_; ++i) {
        if (needs_[i].kind != extern_kind::address || !needs_[i].is_called(seen.symbol, hash)) continue;
        if (found_[i].is_found && found_[i].value != seen.address) ambiguous = needs_[i].name;
        found_[i].is_found = true;
        found_[i].value = seen.address;
        is_hidden = is_hidden || seen.address == 0;
      }
      return {};
    };
    if (const auto all = each_line(path, read_kallsyms_line, keep); !all) return fail(all.error(), path);
    // Where the kernel shows none, all of them are 0.
    if (is_hidden && !are_shown) return fail(cause::hidden_addresses, path);
    return ambiguous == nullptr || fail(cause::ambiguous_symbol, ambiguous);
  }

  bool find_types() noexcept {
    constexpr const char* path = kernel_btf_file::path;
    kernel_btf_file file;
    const auto opened = file.open();
    // A kernel without types has none of what is wanted, which somebody else judges.
    if (!opened && opened.error().code == ENOENT) return true;
    if (!opened) return fail(opened.error(), path);
    const bytes image = file.view();
    btf types;
    if (const verdict v = btf::open(image, 0, image.size(), types); v.failed()) return fail(v.why, path);
    if (!search(types, 1, 0)) return false;
    if (!is_missing(extern_kind::variable) && !is_missing(extern_kind::function)) return true;
    return search_modules(image, types);
  }
  // Calls `keep(i)` for each need that the name of a type at `name` meets.
  template <class Keep>
  bool each_need(const bytes& image, abi::btf_kind is, u64 name, Keep keep) const noexcept {
    const extern_kind kind = is == abi::btf_kind::function ? extern_kind::function : extern_kind::variable;
    const size_t size = image.length_of_string(name);
    const u32 hash = hash_of(image, name, size);
    for (u32 i = 0; i < count_; ++i)
      if (needs_[i].hash == hash && is_missing(i, kind) && needs_[i].known_size == size &&
          image.string_is(name, needs_[i].known_as()) && !keep(i))
        return false;
    return true;
  }
  [[nodiscard]] static bool is_nameable(abi::btf_kind kind) noexcept {
    return kind == abi::btf_kind::function || kind == abi::btf_kind::variable;
  }

  // Looks for what is missing among the types from `first` on; `module` is the descriptor of theirs, 0 for the kernel.
  bool search(btf& types, u32 first, s32 module) noexcept {
    buffer<u32> index;
    for (btf_type type = types.first(); type.id != 0; type = types.after(type)) {
      if (type.id < first || !is_nameable(type.kind)) continue;
      const auto keep = [&](u32 i) {
        if (index.size() == 0) {
          auto room = buffer<u32>::of(types.index_size());
          if (!room) return fail(room.error(), "");
          index = std::move(*room);
          types.build_index(index.data());
        }
        // A function that programs may call in several forms is declared in each, and weak.
        if (!has_shape(types, type.size_or_type, needs_[i].shape)) {
          const bool may_be_other = needs_[i].is_weak && needs_[i].kind == extern_kind::function;
          return may_be_other || fail(cause::another_type, needs_[i].name);
        }
        found_[i].is_found = true;
        found_[i].value = type.id;
        found_[i].module_number = module;
        return true;
      };
      if (!each_need(types.image(), type.kind, type.name, keep)) return false;
    }
    return true;
  }

  // The types of a module that has some of what is missing are read behind the kernel's, of which they are made.
  bool search_modules(const bytes& base, const btf& types) noexcept {
    bool is_fine = true;
    const auto is_wanted = [this](const bytes& image, abi::btf_kind kind, u64 name) {
      return is_nameable(kind) && !each_need(image, kind, name, [](u32) { return false; });
    };
    const auto visit = [&](btf& all, const buffer<unsigned char>&, fd& module) {
      if (!search(all, types.count() + 1, module.number())) return is_fine = false;
      for (u32 i = 0; i < count_; ++i)
        if (module.is_open() && found_[i].module_number == module.number())
          found_[i].module = std::move(module);
      return is_missing(extern_kind::variable) || is_missing(extern_kind::function);
    };
    const auto visited = each_module_with(base, is_wanted, visit);
    return is_fine && (visited || fail(visited.error(), ""));
  }
  // Calls name the descriptor of a module by its place in an array, of which the first stands for the kernel.
  bool number_modules() noexcept {
    s16 used = 0;
    for (u32 i = 0; i < count_; ++i) {
      if (needs_[i].kind != extern_kind::function || found_[i].module_number == 0) continue;
      u32 first = 0;
      while (found_[first].module_number != found_[i].module_number || found_[first].module_index == 0)
        if (++first >= i) break;
      if (first < i) {
        found_[i].module_index = found_[first].module_index;
        continue;
      }
      if (used == 32767) return fail(cause::too_many_modules, needs_[i].name);
      found_[i].module_index = ++used;
    }
    return true;
  }

  const extern_need* needs_;
  u32 count_;
  resolved_extern* found_;
  outcome& row_;
};

}  // namespace detail

/// Finds addresses, variables and functions among `count` needs. What is not there stays so; whether that will do is for
/// `all_are_found` to say.
/// Shape:  false when something is wrong, which `row` then tells.
/// Errors: find_kernel_name with hidden_addresses or ambiguous_symbol, another_type, about the name; open_file and
///         read_file about the file; ENOMEM.
/// Cost:   for addresses /proc/kallsyms once, 0.1 s; for types the kernel's once, 10 ms for 5.5 MB, and those of its
///         modules only where the kernel lacks something.
/// Kernel: types 5.4, of modules 5.11; calls of functions 5.13.
/// Source: bpf_get_btf_vmlinux(), fetch_kfunc_meta() and check_pseudo_btf_id() in kernel/bpf/verifier.c at v6.12.
[[nodiscard, gnu::cold]] inline bool find_names(const extern_need* needs, u32 count, resolved_extern* found,
                                                outcome& row) noexcept {
  return detail::name_finder(needs, count, found, row).run();
}

/// True when all that is missing is weak.
/// Errors: in `row`, about the name: no_kernel_option, no_kernel_symbol, no_kernel_variable or no_kfunc.
[[nodiscard, gnu::cold]] inline bool all_are_found(const extern_need* needs, u32 count,
                                                   const resolved_extern* found, outcome& row) noexcept {
  for (u32 i = 0; i < count; ++i) {
    if (found[i].is_found || needs[i].is_weak) continue;
    row.subject = needs[i].name;
    switch (needs[i].kind) {
      case extern_kind::config:
        return row.refuse(step::read_kconfig, cause::no_kernel_option), false;
      case extern_kind::address:
        return row.refuse(step::find_kernel_name, cause::no_kernel_symbol), false;
      case extern_kind::variable:
        return row.refuse(step::find_kernel_name, cause::no_kernel_variable), false;
      case extern_kind::function:
        return row.refuse(step::find_kernel_name, cause::no_kfunc), false;
    }
  }
  return true;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KERNEL_NAMES_HPP
// Room 4.5, spec/assembly: one program as the kernel takes it. A program is its own instructions and behind
// them those of every function that it reaches, so each program of an object has its own copy of what they
// share. Worked out for one program at a time, which is what a compiler can do for large objects too.
#ifndef BAREBPF_SPEC_ASSEMBLY_HPP
#define BAREBPF_SPEC_ASSEMBLY_HPP

namespace barebpf::inline BAREBPF_ABI {

/// "The two instructions at `instruction` of the program load the address of map `map`, or one in its value." Or: that
/// instruction needs what the kernel has under a name.
struct map_reference {
  static constexpr u32 first_extern = u32{1} << 31;

  u32 instruction = 0;  ///< counted from the program's first
  u32 map = 0;          ///< index among the object's maps; `first_extern` and an index among its externs

  [[nodiscard]] constexpr bool is_extern() const noexcept { return map >= first_extern; }
  [[nodiscard]] constexpr u32 target() const noexcept { return map % first_extern; }
};

/// The functions that make a program, each with the place of its first instruction.
struct program_layout {
  /// Source: BPF_MAX_SUBPROGS in include/linux/bpf_verifier.h at v6.12.
  static constexpr u32 most_functions = 256;
  struct piece {
    u32 function = 0;
    u32 position = 0;
  };

  piece pieces[most_functions];
  u32 piece_count = 0;
  u32 instruction_count = 0;
  u32 map_references = 0;  ///< how many instructions name a map, or something of the kernel's
  bool has_types = true;   ///< BTF describes all of them

  /// Where the function with this index begins; `not_found` when the program does not reach it.
  [[nodiscard]] constexpr u32 position_of(u32 function) const noexcept {
    for (u32 i = 0; i < piece_count; ++i)
      if (pieces[i].function == function) return pieces[i].position;
    return not_found;
  }
};

namespace detail {

// Walks over the instructions of one function, with the reference of each beside it.
struct code_cursor {
  u32 instruction = 0;  // counted from the function's first
  u32 reference = 0;    // the first that does not stand in front of it
};

// What the instruction at the cursor refers to. Calls inside a section need no relocation, so they are told by
// the instruction itself.
constexpr verdict reference_at(const object_tables& code, const function_spec& function, code_cursor& cursor,
                               reference& out) noexcept {
  const u64 at = function.at + u64{cursor.instruction} * sizeof(abi::insn);
  out = {.at = at};
  const u32 end = function.first_reference + function.reference_count;
  while (cursor.reference < end && code.references[cursor.reference].at < at) ++cursor.reference;
  if (cursor.reference < end && code.references[cursor.reference].at == at) {
    out = code.references[cursor.reference];
    // Functions that lie over each other can end between the two halves of a load.
    const bool fits =
        code.image.read8(at) == abi::opcode_call || cursor.instruction + 1 < function.instruction_count;
    if (out.kind != reference_kind::nothing && fits) return {};
    return {
        .why = cause::bad_relocation, .section = function.section, .offset = at, .subject = function.name};
  }
  if (code.image.read8(at) != abi::opcode_call) return {};
  const abi::insn call = read_instruction(code.image, at);
  if (call.source() != abi::pseudo_call) return {};
  const s64 distance = (s64{call.immediate} + 1) * s64{sizeof(abi::insn)};
  const u64 place = at + static_cast<u64>(distance);
  const u32 target = lower_bound_of_place(code.functions, code.function_count, place);
  if (target == code.function_count || code.functions[target].at != place)
    return {.why = cause::bad_call, .section = function.section, .offset = at, .subject = function.name};
  out.kind = reference_kind::call;
  out.target = target;
  return {};
}

// The records of source lines for one function: so many from the one at `first` on.
struct line_range {
  u64 first = 0;
  u32 count = 0;
};
// The kernel wants a line for the first instruction of each function, lines in order, and texts that are there;
// where it would refuse them, a function has none.
constexpr line_range lines_of(const object_tables& code, const function_spec& function) noexcept {
  const auto word_of = [&](u32 index, u64 field) {
    return code.image.read32(function.lines.first + u64{index} * code.line_size + field);
  };
  const auto lower_bound = [&](u64 offset) {
    u32 first = 0;
    for (u32 count = function.lines.count; count != 0;) {
      const u32 half = count / 2;
      const bool in_front = word_of(first + half, offsetof(abi::line_info, insn_off)) < offset;
      first += in_front ? half + 1 : 0;
      count = in_front ? count - half - 1 : half;
    }
    return first;
  };
  const u64 start = function.at - function.section_at;
  const u32 first = lower_bound(start);
  const u32 end = lower_bound(start + u64{function.instruction_count} * sizeof(abi::insn));
  if (first >= end || word_of(first, offsetof(abi::line_info, insn_off)) != start) return {};
  for (u32 i = first, behind = 0; i < end; ++i) {
    const u32 at = word_of(i, offsetof(abi::line_info, insn_off));
    if (at % sizeof(abi::insn) != 0 || (i != first && at <= behind) ||
        word_of(i, offsetof(abi::line_info, file_name_off)) >= code.types.strings_size() ||
        word_of(i, offsetof(abi::line_info, line_off)) >= code.types.strings_size())
      return {};
    behind = at;
  }
  return {.first = function.lines.first + u64{first} * code.line_size, .count = end - first};
}
// A record of such a range, as it stands in the file.
constexpr abi::line_info line_at(const object_tables& code, const line_range& lines, u32 index) noexcept {
  const u64 at = lines.first + u64{index} * code.line_size;
  return {.insn_off = code.image.read32(at),
          .file_name_off = code.image.read32(at + 4),
          .line_off = code.image.read32(at + 8),
          .line_col = code.image.read32(at + 12)};
}

}  // namespace detail

/// Finds every function that the program which begins with `entry` reaches, in the order in which its
/// instructions name them, each followed by those that it names itself.
/// Cost: linear in the instructions.
constexpr verdict lay_out(const object_tables& code, u32 entry, program_layout& out) noexcept {
  using detail::code_cursor;
  code_cursor cursors[program_layout::most_functions] = {};
  u32 callers[program_layout::most_functions] = {};
  out = {};
  const auto append = [&](u32 index, u32 caller) {
    const function_spec& function = code.functions[index];
    callers[out.piece_count] = caller;
    cursors[out.piece_count] = {.reference = function.first_reference};
    out.pieces[out.piece_count++] = {.function = index, .position = out.instruction_count};
    out.instruction_count += function.instruction_count;
    out.has_types = out.has_types && function.type != 0;
  };
  append(entry, 0);
  for (u32 current = 0;;) {
    const function_spec& function = code.functions[out.pieces[current].function];
    code_cursor& cursor = cursors[current];
    if (cursor.instruction >= function.instruction_count) {
      if (current == 0) break;
      current = callers[current];
      continue;
    }
    reference found;
    if (const verdict v = detail::reference_at(code, function, cursor, found); v.failed()) return v;
    const bool is_long =
        code.image.read8(function.at + u64{cursor.instruction} * sizeof(abi::insn)) == abi::opcode_ld_imm64;
    cursor.instruction += is_long ? 2 : 1;
    if (found.kind == reference_kind::map || found.kind == reference_kind::value ||
        found.kind == reference_kind::external)
      ++out.map_references;
    if (found.kind != reference_kind::call && found.kind != reference_kind::function) continue;
    if (out.position_of(found.target) != not_found) continue;
    if (out.piece_count == program_layout::most_functions)
      return {.why = cause::too_many_functions,
              .section = function.section,
              .offset = found.at,
              .subject = code.functions[entry].name};
    append(found.target, current);
    current = out.piece_count - 1;
  }
  return {};
}

/// How many source lines a program has; 0 when those of one of its functions are not known.
[[nodiscard]] constexpr u32 count_lines(const object_tables& code, const program_layout& layout) noexcept {
  u32 sum = 0;
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const u32 count = detail::lines_of(code, code.functions[layout.pieces[p].function]).count;
    if (count == 0) return 0;
    sum += count;
  }
  return sum;
}

/// Writes where each function of a program begins and what its type is, `layout.piece_count` records, with the ids
/// of `types`, which has kept the object's functions.
template <class Types>
constexpr void write_functions(const object_tables& code, const program_layout& layout, const Types& types,
                               abi::func_info* out) noexcept {
  for (u32 p = 0; p < layout.piece_count; ++p)
    out[p] = {.insn_off = layout.pieces[p].position,
              .type_id = types.new_id(code.functions[layout.pieces[p].function].type)};
}
/// Writes the source lines of a program, as many as `count_lines` says, with the strings of `types`.
template <class Types>
constexpr void write_lines(const object_tables& code, const program_layout& layout, const Types& types,
                           abi::line_info* out) noexcept {
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const function_spec& function = code.functions[layout.pieces[p].function];
    const detail::line_range lines = detail::lines_of(code, function);
    const u64 start = function.at - function.section_at;
    for (u32 i = 0; i < lines.count; ++i) {
      const abi::line_info line = detail::line_at(code, lines, i);
      const auto distance = static_cast<u32>((line.insn_off - start) / sizeof(abi::insn));
      *out++ = {.insn_off = layout.pieces[p].position + distance,
                .file_name_off = types.new_string(line.file_name_off),
                .line_off = types.new_string(line.line_off),
                .line_col = line.line_col};
    }
  }
}

/// How many instructions of a program depend on the kernel's types.
[[nodiscard]] constexpr u32 count_cores(const object_tables& code, const program_layout& layout) noexcept {
  u32 sum = 0;
  for (u32 p = 0; p < layout.piece_count; ++p) sum += code.functions[layout.pieces[p].function].core_count;
  return sum;
}
/// Writes which those are, with the ids and the strings of `types`, which has kept what they name.
template <class Types>
constexpr void write_cores(const object_tables& code, const program_layout& layout, const Types& types,
                           abi::core_relo* out) noexcept {
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const function_spec& function = code.functions[layout.pieces[p].function];
    for (u32 i = 0; i < function.core_count; ++i) {
      const core_record& record = code.cores[function.first_core + i];
      *out++ = {.insn_off = layout.pieces[p].position * static_cast<u32>(sizeof(abi::insn)) +
                            static_cast<u32>(record.at - function.at),
                .type_id = types.new_id(record.type),
                .access_str_off = types.new_access(record),
                .kind = static_cast<u32>(record.kind)};
    }
  }
}

/// How instructions name maps.
enum class map_naming : u8 {
  by_descriptor,  ///< the descriptor has to be put in before the kernel is given them
  by_index,       ///< by their place in an array of descriptors, 5.14
};

/// Writes the instructions of a program to `out`, and which of them name a map to `maps`; both have as much room
/// as the layout says.
constexpr void assemble(const object_tables& code, const program_layout& layout, map_naming naming,
                        abi::insn* out, map_reference* maps) noexcept {
  u32 named = 0;
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const u32 position = layout.pieces[p].position;
    const function_spec& function = code.functions[layout.pieces[p].function];
    detail::code_cursor cursor{.reference = function.first_reference};
    while (cursor.instruction < function.instruction_count) {
      const u32 at = position + cursor.instruction;
      const u64 from = function.at + u64{cursor.instruction} * sizeof(abi::insn);
      out[at] = read_instruction(code.image, from);
      const bool is_long = out[at].opcode == abi::opcode_ld_imm64;
      if (is_long && cursor.instruction + 1 < function.instruction_count)
        out[at + 1] = read_instruction(code.image, from + sizeof(abi::insn));
      reference found;
      if (detail::reference_at(code, function, cursor, found).failed()) found = {};
      switch (found.kind) {
        case reference_kind::nothing:
          break;
        case reference_kind::map:
        case reference_kind::value: {
          const bool is_value = found.kind == reference_kind::value;
          if (naming == map_naming::by_index)
            out[at].set_source(is_value ? abi::pseudo_map_idx_value : abi::pseudo_map_idx);
          else
            out[at].set_source(is_value ? abi::pseudo_map_value : abi::pseudo_map_fd);
          out[at].immediate = static_cast<s32>(found.target);
          out[at + 1].immediate = static_cast<s32>(found.offset);
          maps[named++] = {.instruction = at, .map = found.target};
          break;
        }
        case reference_kind::external:
          maps[named++] = {.instruction = at, .map = map_reference::first_extern + found.target};
          break;
        case reference_kind::call:
        case reference_kind::function:
          if (found.kind == reference_kind::function) {
            out[at].set_source(abi::pseudo_func);
            out[at + 1].immediate = 0;
          }
          out[at].immediate = static_cast<s32>(layout.position_of(found.target)) - static_cast<s32>(at) - 1;
          break;
      }
      cursor.instruction += is_long ? 2 : 1;
    }
  }
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_ASSEMBLY_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What has to be written into the instructions of a program before a kernel older than 5.14 takes them.
struct program_patch {
  const abi::insn* code = nullptr;
  const map_reference* references = nullptr;
  u32 reference_count = 0;
};

/// What a map needs beside being created.
struct map_duty {
  const void* value = nullptr;         ///< its first value, or what an arena begins with; nullptr for zeros
  u64 data_at = 0;                     ///< where that lies in `load_options::data`
  const char* pin = nullptr;           ///< the name under which it is pinned; nullptr for none
  const filled_slot* slots = nullptr;  ///< what is put into its slots, whose indices are their keys
  u32 slot_count = 0;
  bool has_data = false;   ///< it holds variables
  bool is_frozen = false;  ///< it is frozen once its value is in
  bool is_config = false;  ///< its value is made of `object_records::externs`
  u32 image_size = 0;      ///< bytes that an arena begins with
};

/// A whole object, ready for the kernel.
struct object_records {
  const abi::map_create* maps = nullptr;
  const map_duty* duties = nullptr;  ///< one for each map, or nullptr when none has any
  /// The pattern for the maps in it, one for each map, without a type for what is no map of maps; or nullptr.
  const abi::map_create* inner_maps = nullptr;
  u32 map_count = 0;
  const abi::prog_load* programs = nullptr;
  const program_patch* patches = nullptr;     ///< one for each program; nullptr when all name maps by index
  const kernel_type_need* targets = nullptr;  ///< one for each program; nullptr when none is made for a type
  /// One for each program; nullptr when none depends on the kernel's types.
  const program_cores* cores = nullptr;
  u32 program_count = 0;
  const void* btf = nullptr;             ///< types of maps, variables and functions
  u32 btf_size = 0;                      ///< bytes, 0 for none
  bool btf_is_required = false;          ///< without them the object does not work
  u64 data_size = 0;                     ///< bytes of `load_options::data`
  const extern_need* externs = nullptr;  ///< what it wants of the kernel by name
  u32 extern_count = 0;
};

/// What an object needs at all, so that no code is made for the rest.
struct load_needs {
  bool types = true;        ///< it may have BTF
  bool older_types = true;  ///< with kinds of types that some kernels do not know
  bool values = true;       ///< it may have variables
  bool pins = true;         ///< it may have maps that are pinned by their names
  bool targets = true;      ///< it may have programs that are made for a type of the kernel
  bool slots = true;        ///< it may have maps of maps, and maps whose slots it fills
  bool arenas = true;       ///< it may have an arena without an address
  bool images = true;       ///< it may have an arena that begins with something
  bool config = true;       ///< it may have options of the kernel
  bool names = true;        ///< it may name what is in the kernel; only with `patch`
  bool kernel_cores =
      true;                ///< the kernel is to fit instructions to its types, if it has some to fit (CO-RE)
  bool own_cores = true;   ///< the library is to, where the kernel cannot
  bool hints = true;       ///< the table of map types may have something to say when one is refused
  bool sizes = true;       ///< a map may have a size that only the machine tells, see `repair_size`
  bool choices = true;     ///< some programs may be left out
  bool operations = true;  ///< it may have structs of functions that the kernel calls (struct_ops)
  /// Descriptors are written into a copy of the instructions; if not, they name maps by index (5.14,
  /// BPF_PSEUDO_MAP_IDX).
  bool patch = true;
};

/// Where what is made goes; lent by the owner.
struct load_slots {
  fd* maps = nullptr;
  fd* programs = nullptr;
  u32* targets = nullptr;              ///< one for each program, 0 at first, with `load_needs::targets`
  bool* pinned = nullptr;              ///< one for each map, false at first, if some are to be pinned
  bool* left_out = nullptr;            ///< one for each program, true for those that are not to be loaded
  int* map_numbers = nullptr;          ///< one for each map, without `load_needs::patch`
  abi::insn* scratch = nullptr;        ///< room for the longest program, with it
  resolved_extern* externs = nullptr;  ///< one for each extern
  u8* config = nullptr;                ///< the value of the map of options, zeros at first
  int* modules = nullptr;              ///< one more than externs, with `load_needs::names`
  char* missing = nullptr;  ///< room for the name of an error, with either of `load_needs` about CO-RE
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_RECORDS_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Makes the maps of an object, in a row of system calls that ends with the first failure.
template <load_needs Needs, class Options>
class map_loader {
 public:
  // Takes away what `make_all` pinned before it failed.
  void unpin_all() noexcept {
    if constexpr (Needs.pins)
      for (u32 i = 0; i < records_.map_count; ++i)
        if (path_buffer path; slots_.pinned[i] && write_pin_path(i, path)) {
          static_cast<void>(unpin(text(path.characters)));
          slots_.pinned[i] = false;
        }
  }

 protected:
  static constexpr bool has_options = !std::is_same_v<Options, no_options>;
  using log_type = std::remove_pointer_t<decltype(Options::log)>;

  map_loader(const object_records& records, const load_slots& slots, const Options& options,
             outcome& row) noexcept
      : records_(records), slots_(slots), options_(options), row_(row) {}

  bool make_map(u32 i) noexcept {
    if constexpr (Needs.operations)
      if (records_.maps[i].map_type == 0) return true;  // it was left out
    row_.subject = records_.maps[i].map_name.characters;
    abi::map_create attr = records_.maps[i];
    if constexpr (has_options) {
      if (options_.leaves_out_map(i, false)) return true;
      for (const map_change& change : options_.maps) {
        if (change.map != i) continue;
        if (change.replacement >= 0) return use_replacement(i, change.replacement);
        if (change.max_entries != 0) attr.max_entries = change.max_entries;
        if (change.value_size != 0) {
          if (attr.value_size != 0 && attr.value_size != change.value_size)
            return row_.refuse(step::map_create, cause::size_is_given), false;
          attr.value_size = change.value_size;
        }
        if (change.map_flags != map_settings::as_declared) attr.map_flags = change.map_flags;
        if (change.inner >= 0) attr.inner_map_fd = static_cast<u32>(change.inner);
      }
    }
    if constexpr (Needs.pins)
      if (records_.duties != nullptr && records_.duties[i].pin != nullptr) return share_map(i, attr);
    return create(i, attr) && fill(i, attr);
  }

  [[nodiscard]] bool holds_maps(u32 i) const noexcept {
    if constexpr (Needs.slots)
      return records_.inner_maps != nullptr && records_.inner_maps[i].map_type != 0;
    else
      return false;
  }

  // Puts maps or programs into the slots of a map. The kernel says EINVAL to one that does not suit it.
  bool fill_slots(u32 i, const fd* targets, cause unsuitable) noexcept {
    if (records_.duties == nullptr || !slots_.maps[i].is_open()) return true;
    const map_duty& duty = records_.duties[i];
    for (u32 k = 0; k < duty.slot_count; ++k) {
      if constexpr (Needs.choices)  // nothing is in the slot of what was left out
        if (!targets[duty.slots[k].target].is_open()) continue;
      const u32 key = duty.slots[k].slot, value = targets[duty.slots[k].target].raw();
      const abi::map_elem attr{.map_fd = slots_.maps[i].raw(), .key = &key, .value = &value};
      row_.subject = records_.maps[i].map_name.characters;
      const long answer = sys_bpf(abi::command::map_update_elem, attr);
      if (answer == -EINVAL) row_.why = unsuitable;
      if (row_.fails(step::map_update_elem, answer)) return false;
    }
    return true;
  }

  // Copies, which an optimizer sees through: nobody else can change them.
  const object_records records_;
  const load_slots slots_;
  const Options& options_;
  outcome& row_;
  fd types_;

 private:
  // Sizes that depend on the machine: 0 places for perf events stand for one on each CPU, and a ring buffer grows to
  // a power of two of whole pages. True when there is something to try.
  [[nodiscard, gnu::cold]] static bool repair_size(abi::map_create& attr) noexcept {
    const auto type = static_cast<map_type>(attr.map_type);
    const u32 wanted = attr.max_entries;
    if (type == map_type::perf_event_array && wanted == 0) {
      const auto cpus = possible_cpus();
      if (cpus) attr.max_entries = *cpus;
    } else if (kind_of(type).entries == entries_rule::ring_size && wanted != 0) {
      u64 size = page_size();
      while (size < wanted) size *= 2;
      if (size <= 0xffffffff) attr.max_entries = static_cast<u32>(size);
    }
    return attr.max_entries != wanted;
  }

  bool create(u32 i, abi::map_create& attr) noexcept {
    fd pattern;  // goes when the map is there, which has taken over what it is like
    if (holds_maps(i) && attr.inner_map_fd == 0) {
      abi::map_create inner = records_.inner_maps[i];
      row_.subject = records_.inner_maps[i].map_name.characters;
      if (!create(inner, pattern)) return false;
      row_.subject = records_.maps[i].map_name.characters;
      attr.inner_map_fd = pattern.raw();
    }
    return create(attr, slots_.maps[i]);
  }
  bool create(abi::map_create& attr, fd& out) noexcept {
    // The kernel would create it, and then refuse each program that uses it.
    if constexpr (Needs.arenas)
      if (attr.map_type == static_cast<u32>(map_type::arena) && attr.map_extra == 0)
        return row_.refuse(step::map_create, cause::arena_without_address), false;
    long created = create_with_types(attr);
    if constexpr (Needs.sizes)
      if (created == -EINVAL && repair_size(attr)) created = create_with_types(attr);
    if (row_.fails(step::map_create, created)) {
      if constexpr (Needs.hints) row_.why = explain_refusal(attr, created);
      return false;
    }
    out.fill(created);
    return true;
  }
  // Types only explain most maps to people, so where the kernel refuses them a map goes without: an object may
  // need types for its functions and have a map that takes none. Where it was the map that needed them, the
  // verifier refuses the program and says so.
  [[nodiscard]] long create_with_types(const abi::map_create& wanted) const noexcept {
    if constexpr (Needs.types) {
      abi::map_create attr = wanted;
      long created = -EINVAL;
      const bool typed = types_.is_open() && attr.btf_value_type_id != 0;
      attr.btf_fd = types_.raw();
      if constexpr (Needs.operations)
        if (attr.btf_vmlinux_value_type_id != 0) return create_operations(attr);
      if (typed) created = create_with_token(attr);
      const bool is_about_types = created == -EINVAL || created == -ENOTSUPP_kernel || created == -EOPNOTSUPP;
      if (!is_about_types) return created;
      attr.btf_fd = attr.btf_key_type_id = attr.btf_value_type_id = 0;
      return create_with_token(attr);
    } else {
      return create_with_token(wanted);
    }
  }
  // Kernels that read their own types when they first look at a program know no struct of functions before that.
  [[nodiscard]] long create_operations(const abi::map_create& attr) const noexcept {
    const long created = create_with_token(attr);
    if (created != -ENOTSUPP_kernel) return created;
    constexpr u8 move = 0xb7, exit = 0x95;
    const abi::insn nothing[] = {{.opcode = move}, {.opcode = exit}};
    abi::prog_load first{.prog_type = static_cast<u32>(abi::prog_type::socket_filter),
                         .insn_cnt = 2,
                         .insns = nothing,
                         .license = ""};
    cause why = cause::none;
    const fd looked_at = fd::own(load_program(first, static_cast<log_type*>(nullptr), options_.token, why));
    return looked_at.is_open() ? create_with_token(attr) : created;
  }
  [[nodiscard]] long create_with_token(const abi::map_create& attr) const noexcept {
    if (options_.token < 0) return create_map(attr);
    abi::map_create_with_token with{.create = attr, .map_token_fd = options_.token};
    with.create.map_flags |= map_flag::token_fd;
    return create_map(with);
  }

  // Puts in what is there before any program: the maps of a map of maps, and the first value of variables.
  bool fill(u32 i, [[maybe_unused]] const abi::map_create& created) noexcept {
    if constexpr (Needs.images)
      if (records_.duties != nullptr && records_.duties[i].image_size != 0) return fill_arena(i, created);
    if constexpr (Needs.slots)
      if (holds_maps(i) && !fill_slots(i, slots_.maps, cause::unfit_inner_map)) return false;
    if constexpr (Needs.values) {
      if (records_.duties == nullptr || !records_.duties[i].has_data) return true;
      const map_duty& duty = records_.duties[i];
      const void* value = duty.value;
      if constexpr (has_options)
        if (!options_.data.empty() && !duty.is_config) value = options_.data.data() + duty.data_at;
      if constexpr (Needs.config)
        if (duty.is_config) value = slots_.config;
      const u32 key = 0;
      const abi::map_elem attr{.map_fd = slots_.maps[i].raw(), .key = &key, .value = value};
      if (value != nullptr && row_.fails(step::map_update_elem, sys_bpf(abi::command::map_update_elem, attr)))
        return false;
      const abi::map_freeze freeze{.map_fd = slots_.maps[i].raw()};
      if (duty.is_frozen && row_.fails(step::map_freeze, sys_bpf(abi::command::map_freeze, freeze)))
        return false;
    }
    return true;
  }

  // Puts the first values of variables into an arena, through memory that is this process's only meanwhile. Their pages
  // stay: programs cannot write to one that nobody has touched.
  bool fill_arena(u32 i, const abi::map_create& attr) noexcept {
    constexpr long shared_not_instead = 1 | 1 << 20;  // MAP_SHARED | MAP_FIXED_NOREPLACE
    const map_duty& duty = records_.duties[i];
    const size_t size = attr.max_entries * page_size();
    if (duty.image_size > size) return row_.refuse(step::map_create, cause::arena_too_small), false;
    mapping memory;
    const long answer = memory.take(map_pages(static_cast<size_t>(attr.map_extra), size, mapping::writable,
                                              shared_not_instead, slots_.maps[i].number(), 0),
                                    size);
    if (row_.fails(step::map_memory, answer)) return false;
    if (duty.value != nullptr)
      __builtin_memcpy(memory.data(), duty.value, duty.image_size);
    else
      __builtin_memset(memory.data(), 0, duty.image_size);
    return true;
  }

  // A map of the caller's in the place of one of the object's. Its sizes must fit, since the programs were
  // compiled for them.
  bool use_replacement(u32 i, int number) noexcept {
    const abi::map_create& wanted = records_.maps[i];
    if (!is_what(number,
                 {.type = wanted.map_type, .key_size = wanted.key_size, .value_size = wanted.value_size}))
      return false;
    if (row_.fails(step::map_create, duplicate(number))) return false;
    slots_.maps[i].fill(row_.answer);
    return true;
  }

  // The map that is pinned under this one's name, or a new one that is pinned there. Whoever is second gets the
  // first one's.
  bool share_map(u32 i, abi::map_create& attr) noexcept {
    path_buffer path;
    if (!write_pin_path(i, path)) return row_.fails(step::obj_get, -ENAMETOOLONG), false;
    for (int tries = 0;; ++tries) {
      auto existing = get_pin(text(path.characters));
      if (existing) {
        if (!is_what(existing->number(), {.type = attr.map_type,
                                          .key_size = attr.key_size,
                                          .value_size = attr.value_size,
                                          .max_entries = attr.max_entries,
                                          .map_flags = attr.map_flags}))
          return false;
        slots_.maps[i] = std::move(*existing);
        return true;
      }
      if (existing.error().code != ENOENT) return is_over(existing.error());
      abi::map_create copy = attr;
      if (!create(i, copy) || !fill(i, copy)) return false;
      const auto pinned = pin(slots_.maps[i], text(path.characters));
      if (pinned) return slots_.pinned[i] = true;
      // Somebody was faster; and may unpin it again before it is got, so not for ever.
      if (pinned.error().code != EEXIST || tries == 8) return is_over(pinned.error());
      slots_.maps[i] = fd();
    }
  }
  [[nodiscard]] bool write_pin_path(u32 i, path_buffer& out) const noexcept {
    const text root = options_.pin_root;
    const text name = records_.duties[i].pin;
    if (root.size() + 1 + name.size() >= sizeof out.characters) return false;
    size_t used = 0;
    for (const char c : root) out.characters[used++] = c;
    out.characters[used++] = '/';
    for (const char c : name) out.characters[used++] = c == '.' ? '_' : c;  // bpffs takes no dots
    out.characters[used] = '\0';
    return true;
  }

  // Holds a map that was there before against what the object says of it.
  bool is_what(int number, const map_identity& expected) noexcept {
    const auto known = check_identity(number, expected, options_.differences);
    return known.has_value() || is_over(known.error());
  }
  bool is_over(const error& why) noexcept {
    row_.refuse(why);
    return false;
  }
};

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_MAPS_HPP
// Room 3.7, older_btf: types in the words of an older kernel. One that meets a kind of type that it does not know refuses
// them all, and with them every map and program that cannot do without.
#ifndef BAREBPF_OLDER_BTF_HPP
#define BAREBPF_OLDER_BTF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What stands for types of a kind in kernels before `since`, or for those of them alone that are flagged.
/// Source: the functions that end in _check_meta() in kernel/bpf/btf.c at v5.10 to v6.15.
struct older_kind {
  abi::btf_kind kind;
  bool flagged = false;
  u32 since = 0;
  abi::btf_kind stand_in;
};
/// The latest first. A tag says nothing about bytes, so const will do, or a byte that is used nowhere; an enum keeps its
/// size and of its values the lower half, without a sign; a float is as many bytes without a meaning.
inline constexpr older_kind older_kinds[] = {
    {abi::btf_kind::type_tag, true, kernel(6, 15), abi::btf_kind::const_type},
    {abi::btf_kind::declaration_tag, true, kernel(6, 15), abi::btf_kind::integer},
    {abi::btf_kind::enumeration64, false, kernel(6, 0), abi::btf_kind::enumeration},
    {abi::btf_kind::enumeration, true, kernel(6, 0), abi::btf_kind::enumeration},
    {abi::btf_kind::type_tag, false, kernel(5, 17), abi::btf_kind::const_type},
    {abi::btf_kind::declaration_tag, false, kernel(5, 16), abi::btf_kind::integer},
    {abi::btf_kind::floating, false, kernel(5, 13), abi::btf_kind::structure},
};

/// What stands for `type` in kernels before `since`; the type's own kind, with `since` 0, when they know it.
[[nodiscard]] constexpr older_kind older_kind_of(const btf& types, const btf_type& type, u32 since) noexcept {
  for (const older_kind& row : older_kinds)
    if (row.kind == type.kind && row.since >= since && (!row.flagged || types.is_flagged(type))) return row;
  return {.kind = type.kind, .stand_in = type.kind};
}
/// Writes `types`, which barebpf wrote, as kernels before `since` take them: each keeps its id, and each string its
/// place.
/// Shape: bytes written to `out`, which has room for the old ones; 0 when nothing in them came with `since`.
[[nodiscard, gnu::cold]] inline u32 write_older_btf(const btf& types, u32 since, u32* out) noexcept {
  const bytes& image = types.image();
  constexpr u32 head = abi::btf_header::size / 4, flag = u32{1} << 31;
  for (u32 i = 0; i < head; ++i) out[i] = image.read32(u64{i} * 4);
  u32* next = out + head;
  bool is_older = false;
  for (btf_type type = types.first(); type.id != 0; type = types.after(type)) {
    const older_kind as = older_kind_of(types, type, since);
    is_older = is_older || as.since == since;
    const bool is_kept = as.since == 0, is_byte = !is_kept && as.stand_in == abi::btf_kind::integer;
    const bool is_named = is_kept || as.stand_in == abi::btf_kind::enumeration;
    *next++ = is_named ? static_cast<u32>(type.name - types.strings()) : 0;
    *next++ =
        static_cast<u32>(as.stand_in) << 24 | type.members | (is_kept && types.is_flagged(type) ? flag : 0);
    *next++ = is_byte ? 1 : type.size_or_type;
    const u64 tail = (btf::extent_of(type) - abi::btf_type_record::size) / 4;
    for (u64 i = 0; i < tail; ++i)
      if (is_kept || as.kind != abi::btf_kind::enumeration64 || i % 3 != 2)  // no higher half
        *next++ = is_byte ? 8 : image.read32(type.tail() + i * 4);
  }
  const auto words = static_cast<u32>(next - out);
  out[3] = out[4] = (words - head) * 4;
  image.copy(types.strings(), types.strings_size(), reinterpret_cast<u8*>(next));
  return is_older ? words * 4 + types.strings_size() : 0;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OLDER_BTF_HPP
// Room 8.2, program_types: the types that a program in the kernel was loaded with, by which another program says which
// of its functions it replaces.
#ifndef BAREBPF_PROGRAM_TYPES_HPP
#define BAREBPF_PROGRAM_TYPES_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Finds the number of the function called `wanted` among the types of the program behind `program`.
/// Shape:  0 after a failure, which is in `row`.
/// Errors: find_replaced with EBADF and its like for a descriptor that is of no program, EPERM without CAP_SYS_ADMIN;
///         no_program_types, no_replaced_function; ENOMEM.
/// Cost:   five system calls and a walk over the types.
/// Kernel: 5.6.
/// Source: bpf_prog_get_info_by_fd() in kernel/bpf/syscall.c; bpf_check_attach_target() in kernel/bpf/verifier.c at
///         v6.12.
[[nodiscard, gnu::cold]] inline u32 find_replaced_function(int program, const char* wanted,
                                                           outcome& row) noexcept {
  constexpr step at = step::find_replaced;
  abi::prog_info info;
  abi::obj_info ask{.bpf_fd = static_cast<u32>(program), .info_len = sizeof info, .info = &info};
  if (row.fails(at, sys_bpf(abi::command::obj_get_info_by_fd, ask))) return 0;
  if (info.btf_id == 0) return row.refuse(at, cause::no_program_types), 0;
  const auto image = get_btf(info.btf_id);
  if (!image) return row.fails(at, -static_cast<long>(image.error().code)), 0;
  bytes content(image->data(), image->size());
  if constexpr (host_is_big_endian) content.read_big_endian();
  btf types;
  if (const verdict v = btf::open(content, 0, content.size(), types); v.failed())
    return row.refuse(at, v.why), 0;
  for (btf_type type = types.first(); type.id != 0; type = types.after(type))
    if (type.kind == abi::btf_kind::function && content.string_is(type.name, wanted)) return type.id;
  row.subject = wanted;
  return row.refuse(at, cause::no_replaced_function), 0;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROGRAM_TYPES_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What the number of a call means that the verifier does not know: the index, on top, of the map that was left out, or of
// the extern whose function the kernel does not have.
// Source: POISON_LDIMM64_MAP_BASE and POISON_CALL_KFUNC_BASE in tools/lib/bpf/libbpf.c at v6.12.
inline constexpr u32 missing_map_base = 2001000000, missing_call_base = 2002000000;

// Makes an object real, in a row of system calls that ends with the first failure.
template <load_needs Needs, class Options>
class loader : public map_loader<Needs, Options> {
  using base = map_loader<Needs, Options>;
  using base::fill_slots, base::has_options, base::holds_maps, base::make_map, base::options_, base::records_,
      base::row_, base::slots_, base::types_;
  using typename base::log_type;
  static constexpr bool may_explain = has_options && (Needs.own_cores || Needs.kernel_cores);

 public:
  loader(const object_records& records, const load_slots& slots, const Options& options,
         outcome& row) noexcept
      : base(records, slots, options, row),
        fitting_(records.btf, records.btf_size, records.cores, records.program_count, options.target_btf) {}

  bool make_all() noexcept {
    if constexpr (has_options)
      if (!are_for_this_object()) return false;
    if constexpr (Needs.config || Needs.names)
      if (!find_externs()) return false;
    if constexpr (Needs.types) {
      if (records_.btf_size != 0) {
        load_types();
        const bool needs_types =
            records_.btf_is_required || (Needs.kernel_cores && !Needs.own_cores && records_.cores != nullptr);
        if (needs_types && row_.fails(step::btf_load, types_.number())) return false;
      }
    }
    // What is put into a map of maps is made before it.
    for (u32 i = 0; i < records_.map_count; ++i)
      if (!holds_maps(i) && !make_map(i)) return false;
    if constexpr (Needs.slots)
      for (u32 i = 0; i < records_.map_count; ++i)
        if (holds_maps(i) && !make_map(i)) return false;
    if constexpr (!Needs.patch)
      for (u32 i = 0; i < records_.map_count; ++i) slots_.map_numbers[i] = slots_.maps[i].number();
    if constexpr (Needs.targets)
      if (!find_targets()) return false;
    for (u32 i = 0; i < records_.program_count; ++i)
      if (!is_left_out(i) && !make_program(i) && !leave_out(i)) return false;
    if constexpr (Needs.slots)
      for (u32 i = 0; i < records_.map_count; ++i)
        if (!holds_maps(i) && !fill_slots(i, slots_.programs, cause::unfit_program)) return false;
    return true;
  }

 private:
  // Changes and values that another object made would go to the wrong maps. One that names none changes nothing.
  bool are_for_this_object() noexcept {
    if (!options_.data.empty() && options_.data.size() != records_.data_size) {
      row_.subject = "data";
      return row_.refuse(step::find, cause::foreign_data), false;
    }
    if (!Needs.own_cores && Needs.kernel_cores && !options_.target_btf.empty())
      return row_.refuse(step::fit_program, cause::core_left_out), false;
    for (const map_change& change : options_.maps) {
      const bool is_foreign = change.map >= records_.map_count && change.map != not_found;
      if (!is_foreign && (Needs.patch || change.create)) continue;
      row_.subject = "maps";
      return row_.refuse(step::find, is_foreign ? cause::no_such_map : cause::numbered_maps), false;
    }
    for (const program_change& change : options_.programs)
      if (change.program >= records_.program_count && change.program != not_found) {
        row_.subject = "programs";
        return row_.refuse(step::find, cause::no_such_program), false;
      }
    return true;
  }

  // Gives the kernel the object's types. One that refuses them may know fewer kinds, so it gets them in its words.
  void load_types() noexcept {
    types_ = fd::own(load_btf(records_.btf, records_.btf_size, options_.token));
    if constexpr (Needs.older_types) {
      if (types_.number() != -EINVAL) return;
      btf types;
      auto older = buffer<u32>::of((size_t{records_.btf_size} + 3) / 4);
      bytes image(static_cast<const u8*>(records_.btf), records_.btf_size);
      if constexpr (host_is_big_endian) image.read_big_endian();
      if (!older || btf::open(image, 0, records_.btf_size, types).failed()) return;
      u32 tried = 0;  // kinds that came with one kernel go at once
      for (const older_kind& row : older_kinds) {
        const u32 size = row.since == tried ? 0 : write_older_btf(types, row.since, older->data());
        tried = row.since;
        if (size == 0) continue;
        types_ = fd::own(load_btf(older->data(), size, options_.token));
        if (types_.number() != -EINVAL) return;
      }
    }
  }

  bool find_externs() noexcept {
    if (records_.extern_count == 0) return true;
    [[maybe_unused]] kconfig_source source{.token = options_.token};
    if constexpr (has_options) {
      source.options = options_.kconfig;
      source.file = options_.kconfig_file;
    }
    if constexpr (Needs.config)
      if (!fill_config(records_.externs, records_.extern_count, slots_.externs, slots_.config, source, row_))
        return false;
    if constexpr (Needs.names) {
      if (!find_names(records_.externs, records_.extern_count, slots_.externs, row_)) return false;
      for (u32 i = 0; i < records_.extern_count; ++i) {
        slots_.modules[slots_.externs[i].module_index] = slots_.externs[i].module_number;
        has_modules_ = has_modules_ || slots_.externs[i].module_index != 0;
      }
    }
    return all_are_found(records_.externs, records_.extern_count, slots_.externs, row_);
  }

  [[nodiscard]] static constexpr abi::insn missing(u32 number) noexcept {
    return {.opcode = abi::opcode_call, .immediate = static_cast<s32>(number)};
  }
  // Puts the descriptor of a map into an instruction; one that was left out is for nobody to come to.
  void put_map(const map_reference& reference) noexcept {
    abi::insn* const load = slots_.scratch + reference.instruction;
    if constexpr (has_options && Needs.choices)
      if (!slots_.maps[reference.map].is_open())
        return static_cast<void>(load[0] = load[1] = missing(missing_map_base + reference.map));
    load[0].immediate = slots_.maps[reference.map].number();
  }
  // Puts what the kernel has under a name into an instruction: as the target of a call, or as an address.
  void put_extern(const map_reference& reference) noexcept {
    const resolved_extern& found = slots_.externs[reference.target()];
    abi::insn& first = slots_.scratch[reference.instruction];
    if (first.opcode == abi::opcode_call) {
      first.set_source(abi::pseudo_kfunc_call);
      first.immediate =
          static_cast<s32>(found.value);  // 0 where there is none: that may stand where nobody comes
      first.offset = found.module_index;
      return;
    }
    const bool has_type = records_.externs[reference.target()].kind != extern_kind::address && found.is_found;
    first.set_source(has_type ? abi::pseudo_btf_id : u8{0});
    first.immediate = static_cast<s32>(found.value);
    slots_.scratch[reference.instruction + 1].immediate =
        has_type ? found.module_number : static_cast<s32>(found.value >> 32);
  }
  // Calls `act` for each call in a program of a function that the kernel does not have; false when there is none.
  template <class Act>
  bool each_missing_call(u32 program, Act act) noexcept {
    const program_patch& patch = records_.patches[program];
    bool is_any = false;
    for (u32 k = 0; k < patch.reference_count; ++k) {
      const map_reference& reference = patch.references[k];
      const bool is_call =
          reference.is_extern() && slots_.scratch[reference.instruction].opcode == abi::opcode_call;
      if (!is_call || slots_.externs[reference.target()].is_found) continue;
      act(reference);
      is_any = true;
    }
    return is_any;
  }

  [[nodiscard]] bool is_left_out([[maybe_unused]] u32 i) const noexcept {
    if constexpr (Needs.choices)
      return slots_.left_out != nullptr && slots_.left_out[i];
    else
      return false;
  }
  // After the row ended at a program: begins it anew without that one, where that is wanted.
  bool leave_out([[maybe_unused]] u32 i) noexcept {
    if constexpr (has_options && Needs.choices) {
      if (options_.refused == nullptr || slots_.left_out == nullptr) return false;
      if (!options_.refused->add({i, to_error(row_)})) return false;
      row_ = {};
      slots_.left_out[i] = true;
      return true;
    } else {
      return false;
    }
  }

  // What a program is made for, as the caller says or else the object.
  [[nodiscard]] kernel_type_need target_of(u32 i) const noexcept {
    if (const program_change* const change = options_.new_kind_of(i); change != nullptr)
      return change->kind.needs_kernel_type() ? kernel_type_need{change->kind.rest, change->place}
                                              : kernel_type_need{};
    return records_.targets == nullptr ? kernel_type_need{} : records_.targets[i];
  }
  // Finds the ids of all that programs are made for. Nothing has to be found for those that are left out.
  bool find_targets() noexcept {
    if (slots_.targets == nullptr) return true;
    for (u32 i = 0; i < records_.program_count; ++i) {
      const kernel_type_need need = target_of(i);
      const bool is_any = need.is_any() || need.what == section_rest::replaced;
      if (is_left_out(i) || !is_any) {
        slots_.targets[i] = not_found;
        continue;
      }
      const bool is_own = options_.new_kind_of(i) != nullptr || need.what == section_rest::replaced;
      if (!is_own || find_target(need, i)) continue;
      if (!leave_out(i)) return false;
      slots_.targets[i] = not_found;
    }
    while (records_.targets != nullptr &&
           !find_kernel_types(records_.targets, records_.program_count, slots_.targets, row_)) {
      u32 missing = 0;
      while (!records_.targets[missing].is_any() || slots_.targets[missing] != 0) ++missing;
      if (!leave_out(missing)) return false;
      slots_.targets[missing] = not_found;
    }
    return true;
  }
  bool find_target(const kernel_type_need& need, u32 i) noexcept {
    u32& out = slots_.targets[i];
    if (need.what != section_rest::replaced) return find_kernel_types(&need, 1, &out, row_);
    row_.subject = records_.programs[i].prog_name.characters;
    if (options_.replaced < 0) return row_.refuse(step::prog_load, cause::no_program_to_replace), false;
    out = find_replaced_function(options_.replaced, need.name, row_);
    return out != 0;
  }
  // The id for a program, none for one that is made for nothing.
  void set_target(u32 i, abi::prog_load& attr) const noexcept {
    if (slots_.targets == nullptr || slots_.targets[i] == not_found) return;
    attr.attach_btf_id = slots_.targets[i];
    if (target_of(i).what == section_rest::replaced)
      attr.attach_prog_fd = static_cast<u32>(options_.replaced);
  }

  bool make_program(u32 i) noexcept {
    abi::prog_load attr = records_.programs[i];
    row_.subject = records_.programs[i].prog_name.characters;
    const program_change* const change = options_.new_kind_of(i);
    if (change != nullptr) {
      attr.prog_type = static_cast<u32>(change->kind.type);
      attr.expected_attach_type = static_cast<u32>(change->kind.attach_type);
      attr.prog_flags = change->kind.flags;
    }
    if constexpr (has_options)
      if (attr.prog_type == 0) return row_.refuse(step::prog_load, cause::unknown_section), false;
    if constexpr (Needs.types) {
      if (types_.is_open())
        attr.prog_btf_fd = types_.raw();
      else
        attr.func_info_cnt = attr.line_info_cnt = attr.func_info_rec_size = attr.line_info_rec_size = 0;
    }
    if constexpr (Needs.targets) set_target(i, attr);
    if constexpr (Needs.patch) {
      const program_patch& patch = records_.patches[i];
      for (u32 k = 0; k < attr.insn_cnt; ++k) slots_.scratch[k] = patch.code[k];
      for (u32 k = 0; k < patch.reference_count; ++k) {
        const map_reference& reference = patch.references[k];
        if constexpr (Needs.names) {
          if (reference.is_extern()) {
            put_extern(reference);
            continue;
          }
        }
        put_map(reference);
      }
      attr.insns = slots_.scratch;
      if constexpr (Needs.names)
        if (has_modules_) attr.fd_array = slots_.modules;
    } else {
      attr.fd_array = slots_.map_numbers;
    }
    if constexpr (Needs.own_cores) {
      if (attr.core_relo_cnt != 0) return load_fitted(i, attr);
    } else if constexpr (Needs.kernel_cores) {
      if (attr.core_relo_cnt != 0 && !may_fit(attr))
        return row_.refuse(step::prog_load, cause::core_without_functions), false;
    }
    if (row_.fails(step::prog_load, submit(i, attr))) {
      if constexpr (Needs.kernel_cores && !Needs.own_cores)
        if (attr.core_relo_cnt != 0 && is_too_old()) row_.why = cause::newer_core;
      return false;
    }
    slots_.programs[i].fill(row_.answer);
    return true;
  }
  // BPF_PROG_LOAD itself.
  long submit([[maybe_unused]] u32 i, abi::prog_load& attr) noexcept {
    if constexpr (Needs.names) {
      // Where nobody comes, a call of nothing is taken as it is (5.16), and the program has the tag that it has
      // elsewhere. Calls are marked when that was refused.
      if (each_missing_call(i, [this](const map_reference& call) { put_extern(call); })) {
        const long loaded = load_program(attr, static_cast<log_type*>(nullptr), options_.token, row_.why);
        if (loaded >= 0) return loaded;
        each_missing_call(i, [this](const map_reference& call) {
          slots_.scratch[call.instruction] = missing(missing_call_base + call.target());
        });
      }
    }
    const long loaded = load_program(attr, options_.log, options_.token, row_.why);
    if constexpr (has_options)
      if (loaded < 0 && options_.log != nullptr) name_missing(i, last_unknown_call(options_.log->said()));
    return loaded;
  }
  // Says which map, function or part of a type was missing, when that is why.
  void name_missing([[maybe_unused]] u32 i, const unknown_call& call) noexcept {
    const u32 number = call.number;
    if constexpr (may_explain)
      if (number == u32{core_poison}) {
        row_.why = cause::core_missing;
        if (fitting_.name(i, call.instruction, slots_.missing, error::name_size))
          row_.subject = slots_.missing;
      }
    if (const u32 map = number - missing_map_base; number >= missing_map_base && map < records_.map_count) {
      row_.subject = records_.maps[map].map_name.characters;
      row_.why = cause::uses_missing_map;
    }
    if (const u32 index = number - missing_call_base;
        number >= missing_call_base && index < records_.extern_count) {
      row_.subject = records_.externs[index].name;
      row_.why = cause::calls_missing_kfunc;
    }
  }

  // Without them it would take the program and leave its instructions as they are.
  [[nodiscard]] static bool may_fit(const abi::prog_load& attr) noexcept { return attr.func_info_cnt != 0; }
  [[nodiscard]] bool is_too_old() const noexcept {
    return (row_.answer == -E2BIG || row_.answer == -EINVAL) && running_kernel() < kernel(5, 17);
  }

  // Loads a program that depends on the kernel's types. The kernel knows best what it has; what it refuses is fitted
  // here, for it may be too old for that, or more strict where types are compared.
  bool load_fitted(u32 i, abi::prog_load& attr) noexcept {
    const bool has_target = !options_.target_btf.empty();
    long answer = 0;
    if (Needs.kernel_cores && !has_target && !kernel_is_too_old_ && may_fit(attr)) {
      answer = submit(i, attr);
      if (answer >= 0) return keep_program(i, answer);
      row_.fails(step::prog_load, answer);
      kernel_is_too_old_ = is_too_old();
      if ((answer != -EINVAL && !kernel_is_too_old_) || row_.why == cause::core_missing) return false;
    }
    const outcome before = row_;
    if (!fitting_.fit(i, slots_.scratch, attr.insn_cnt, row_)) {
      if (answer < 0 && !kernel_is_too_old_) row_ = before;
      return false;
    }
    attr.core_relo_cnt = attr.core_relo_rec_size = 0;
    attr.core_relos = nullptr;
    attr.log_level = attr.log_size = 0;  // no log again, unless it is refused again
    attr.log_buf = nullptr;
    row_.why = cause::none;
    if constexpr (has_options)
      if (options_.log != nullptr) options_.log->clear();
    if (answer = submit(i, attr); answer >= 0) return keep_program(i, answer);
    return row_.fails(step::prog_load, answer), false;
  }
  bool keep_program(u32 i, long number) noexcept {
    row_.fails(step::prog_load, number);
    row_.why = cause::none;
    slots_.programs[i].fill(number);
    return true;
  }
  // Stands for the one that is not needed.
  struct no_fitting {
    template <class... Any>
    constexpr explicit no_fitting(Any&&...) noexcept {}
  };

  [[maybe_unused]] bool has_modules_ = false;
  [[no_unique_address]] std::conditional_t<Needs.own_cores || may_explain, fitting, no_fitting> fitting_;
  bool kernel_is_too_old_ = false;
};

}  // namespace detail

/// Creates the maps of an object and loads its programs.
/// Shape: `row` tells how far it came; what was made is in `slots`. After a failure nothing stays pinned. A map of maps
///        that was there before keeps what is in it; a prog array then gets the programs of this object, because the
///        kernel empties one that no descriptor and no pin holds any longer.
template <load_needs Needs, class Options>
void load_records(const object_records& records, const load_slots& slots, const Options& options,
                  outcome& row) noexcept {
  detail::loader<Needs, Options> loader(records, slots, options, row);
  if (!loader.make_all()) loader.unpin_all();
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_HPP
// Room 4.9, object_spec: a spec that is read while the program runs, with its storage on the heap.
#ifndef BAREBPF_OBJECT_SPEC_HPP
#define BAREBPF_OBJECT_SPEC_HPP

// Room 4.4, spec: reads a BPF object in two passes, `measure` and `read`, into storage that the caller owns:
// arrays when the compiler reads, the heap when the program does. Makes no system call, so the same file is
// the same spec everywhere.
#ifndef BAREBPF_SPEC_HPP
#define BAREBPF_SPEC_HPP

// Room 4.3, spec/code: functions, the programs among them, and what their instructions refer to. Both lists
// are sorted by place, so that whoever holds an instruction finds its function and its reference by halving.
#ifndef BAREBPF_SPEC_CODE_HPP
#define BAREBPF_SPEC_CODE_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Compilers before clang 8 did not say of functions that they are; then only their names tell them from the labels of
// the compiler's own.
constexpr bool is_function(const elf& file, const elf_symbol& symbol) noexcept {
  const bool is_label =
      symbol.binding == abi::symbol_local && (file.image().string_starts_with(symbol.name, "LBB") ||
                                              file.image().string_starts_with(symbol.name, ".L"));
  const bool may_be =
      symbol.type == abi::symbol_function || (symbol.type == abi::symbol_no_type && !is_label);
  return may_be && file.section(symbol.section).is_code();
}
// A function that the kernel is to load as a program. What is in .text, and what is static, is there to be
// called by others.
constexpr bool is_program(const elf& file, const elf_symbol& symbol) noexcept {
  return is_function(file, symbol) && symbol.binding != abi::symbol_local &&
         !file.image().string_is(file.section(symbol.section).name, ".text");
}

constexpr verdict read_function(const elf& file, const elf_symbol& symbol, function_spec& out) noexcept {
  const elf_section section = file.section(symbol.section);
  const bool has_size = symbol.size != 0 || symbol.type == abi::symbol_no_type;
  if (!has_size || symbol.size % 8 != 0 || symbol.value % 8 != 0 || symbol.value > section.size ||
      symbol.size > section.size - symbol.value)
    return {.why = cause::bad_program, .section = section.index, .offset = symbol.at, .subject = symbol.name};
  out = {.name = symbol.name,
         .at = section.at + symbol.value,
         .instruction_count = static_cast<u32>(symbol.size / sizeof(abi::insn)),
         .section = section.index,
         .section_at = section.at,
         .symbol = symbol.at,
         .is_hidden = symbol.is_hidden,
         .is_program = is_program(file, symbol)};
  return {};
}

constexpr u64 end_of(const function_spec& function) noexcept {
  return function.at + u64{function.instruction_count} * sizeof(abi::insn);
}

// A function whose symbol has no size goes on to the next one, or to the end of its section.
constexpr u32 count_to_next(const elf& file, const function_spec& function,
                            const function_spec* next) noexcept {
  const elf_section section = file.section(function.section);
  u64 end = section.at + section.size;
  if (next != nullptr && next->at < end) end = next->at;
  return static_cast<u32>((end - function.at) / sizeof(abi::insn));
}

constexpr program_spec read_program(const elf& file, const function_spec& function, u32 index) noexcept {
  const elf_section section = file.section(function.section);
  // Long enough for every prefix and to see whether something follows.
  char room[64] = {};
  text name(room, file.image().copy_string(section.name, room, sizeof room));
  const bool optional = is_optional(name);
  if (optional) name = name.without_first(1);
  const section_kind kind = section_kind_of(name);
  const size_t place = place_in(name, kind);
  return {.name = function.name,
          .section_name = section.name,
          .place = place == name.size() ? 0 : section.name + optional + place,
          .function = index,
          .kind = kind,
          .is_optional = optional};
}

// The only function of an object is there to be called by the kernel, even in .text; that is how libbpf sees it too.
constexpr bool is_alone(const elf& file, u32 section) noexcept {
  return file.image().string_is(file.section(section).name, ".text");
}

constexpr verdict read_functions(const elf& file, const object_slots& slots, object_facts& out) noexcept {
  u64 instructions = 0;
  const auto bad = [&](const function_spec& function) {
    return verdict{.why = cause::bad_program,
                   .section = function.section,
                   .offset = function.symbol,
                   .subject = function.name};
  };
  const auto are_too_many = [&] { return instructions > file.image().size() / sizeof(abi::insn); };
  for (u32 i = 0; i < file.symbol_count(); ++i) {
    const elf_symbol symbol = file.symbol(i);
    if (!is_function(file, symbol)) continue;
    function_spec& function = slots.functions[out.functions++];
    if (const verdict v = read_function(file, symbol, function); v.failed()) return v;
    instructions += function.instruction_count;
    if (are_too_many()) return bad(function);  // they lie over each other
  }
  sort_by_place(slots.functions, out.functions);
  const u32 found = out.functions;
  out.functions = 0;
  for (u32 i = 0; i < found; ++i) {
    function_spec function = slots.functions[i];
    if (function.instruction_count == 0) {
      const function_spec* const next = i + 1 < found ? &slots.functions[i + 1] : nullptr;
      const bool is_label = (next != nullptr && next->at == function.at) ||
                            (out.functions != 0 && function.at < end_of(slots.functions[out.functions - 1]));
      if (is_label) continue;
      function.instruction_count = count_to_next(file, function, next);
      instructions += function.instruction_count;
      if (function.instruction_count == 0 || are_too_many()) return bad(function);
    }
    if (found == 1) function.is_program = function.is_program || is_alone(file, function.section);
    if (function.is_program) slots.programs[out.programs++] = read_program(file, function, out.functions);
    slots.functions[out.functions++] = function;
  }
  return {};
}

// Whether the section is one of relocations that say what stands in `values`.
constexpr bool fills_slots(const opened_object& object, const elf_section& section) noexcept {
  return section.type == abi::section_rel && object.maps.index != 0 && section.info == object.maps.index;
}

// The function that has the instruction at `at`, or `not_found`.
constexpr u32 function_around(const function_spec* functions, u32 count, u64 at) noexcept {
  const u32 behind = lower_bound_of_place(functions, count, at + 1);
  if (behind == 0) return not_found;
  const function_spec& candidate = functions[behind - 1];
  return at - candidate.at < u64{candidate.instruction_count} * sizeof(abi::insn) ? behind - 1 : not_found;
}
// The function that begins at `at`, or `not_found`.
constexpr u32 function_at(const function_spec* functions, u32 count, u64 at) noexcept {
  const u32 found = lower_bound_of_place(functions, count, at);
  return found < count && functions[found].at == at ? found : not_found;
}

// Finds out what the relocation at `out.at` against the symbol `out.target` means.
constexpr verdict read_reference(const opened_object& object, const object_slots& slots,
                                 const object_facts& facts, reference& out) noexcept {
  const elf& file = object.file;
  const bytes& image = file.image();
  const u32 index = function_around(slots.functions, facts.functions, out.at);
  if (index == not_found) return {};
  const function_spec& around = slots.functions[index];
  const elf_symbol symbol = file.symbol(out.target);
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = around.section, .offset = out.at, .subject = symbol.name};
  };
  if (out.target >= file.symbol_count()) return wrong(cause::bad_symbol);
  if ((out.at - around.at) % sizeof(abi::insn) != 0) return wrong(cause::bad_relocation);
  const elf_section section = file.section(symbol.section);
  const abi::insn instruction = read_instruction(image, out.at);
  const bool has_second_half = (out.at - around.at) / sizeof(abi::insn) + 1 < around.instruction_count;
  const auto point_to = [&](reference_kind kind, u32 target, u64 offset) {
    out.kind = kind;
    out.target = target;
    out.offset = static_cast<u32>(offset);
    return target == not_found ? wrong(cause::bad_relocation) : verdict{};
  };
  if (symbol.section == abi::section_undefined) {
    const u32 found = find_extern(image, slots.externs, slots.extern_names, facts.externs, symbol.name);
    if (found == not_found) return wrong(cause::undefined_symbol);
    const extern_spec& wanted = slots.externs[found];
    const bool is_call = instruction.opcode == abi::opcode_call && wanted.kind == extern_kind::function;
    if (!is_call && (instruction.opcode != abi::opcode_ld_imm64 || !has_second_half))
      return wrong(cause::bad_relocation);
    if (wanted.kind != extern_kind::config) return point_to(reference_kind::external, found, 0);
    const u64 offset = u64{wanted.offset} + static_cast<u32>(instruction.immediate);
    const map_spec& holder = slots.maps[facts.maps - 1];
    return point_to(reference_kind::value, offset <= holder.value_size ? facts.maps - 1 : not_found, offset);
  }
  // A symbol of a whole section leaves the offset to the instruction: in bytes for an address, and for a call
  // in instructions from the one behind it.
  if (instruction.opcode == abi::opcode_call && instruction.source() == abi::pseudo_call) {
    if (!section.is_code()) return wrong(cause::bad_relocation);
    const s64 from_start = (s64{instruction.immediate} + 1) * s64{sizeof(abi::insn)};
    const u64 place = section.at + symbol.value + static_cast<u64>(from_start);
    return point_to(reference_kind::call, function_at(slots.functions, facts.functions, place), 0);
  }
  if (instruction.opcode != abi::opcode_ld_imm64 || !has_second_half) return wrong(cause::bad_relocation);
  const u64 offset = symbol.value + static_cast<u32>(instruction.immediate);
  if (object.maps.index != 0 && section.index == object.maps.index) {
    const bool is_map = offset < object.maps.size && offset % 8 == 0 && slots.map_slots[offset / 8] != 0;
    return point_to(reference_kind::map, is_map ? slots.map_slots[offset / 8] - 1 : not_found, 0);
  }
  if (section.is_code())
    return point_to(reference_kind::function,
                    function_at(slots.functions, facts.functions, section.at + offset), 0);
  if (section.index == object.arena.index && object.arena_map != not_found)
    return point_to(reference_kind::value, offset <= section.size ? object.arena_map : not_found, offset);
  if (image.string_is(section.name, ".jumptables")) return wrong(cause::jump_tables);
  const auto find_map = [&](u64 place) {
    return find_section_map(slots.maps, object.maps_layout.members, object.section_maps, section.index,
                            place);
  };
  const u32 holder = find_map(0);
  if (holder == not_found || slots.maps[holder].origin == map_origin::declared) {
    const u32 named = find_map(offset);
    if (named == not_found && !holds_legacy_maps(file, section))
      return wrong(cause::relocation_not_loaded_yet);
    return point_to(reference_kind::map, named, 0);
  }
  // One past the end is an address that C allows to take.
  return point_to(reference_kind::value, offset <= section.size ? holder : not_found, offset);
}

constexpr verdict read_references(const opened_object& object, const object_slots& slots,
                                  object_facts& out) noexcept {
  const elf& file = object.file;
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section relocations = file.section(i);
    const elf_section code = file.section(relocations.info);
    if (relocations.type != abi::section_rel || !code.is_code()) continue;
    for (u64 k = 0; k < elf::relocation_count(relocations); ++k) {
      const elf_relocation r = file.relocation(relocations, k);
      if (r.offset >= code.size) continue;
      slots.references[out.references++] = {.at = code.at + r.offset, .target = r.symbol};
    }
  }
  sort_by_place(slots.references, out.references);
  for (u32 i = 0; i < out.references; ++i)
    if (const verdict v = read_reference(object, slots, out, slots.references[i]); v.failed()) return v;
  for (u32 i = 0; i < out.functions; ++i) {
    function_spec& function = slots.functions[i];
    const u64 end = function.at + u64{function.instruction_count} * sizeof(abi::insn);
    function.first_reference = lower_bound_of_place(slots.references, out.references, function.at);
    function.reference_count =
        lower_bound_of_place(slots.references, out.references, end) - function.first_reference;
  }
  return {};
}

// Finds out which slot of the map the relocation at `out.at` fills, and what the symbol `out.target` puts there.
constexpr verdict read_slot(const opened_object& object, const object_slots& slots, const object_facts& facts,
                            const map_spec& map, filled_slot& out) noexcept {
  const elf& file = object.file;
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = object.maps.index, .offset = out.at, .subject = map.name};
  };
  const u64 first = object.maps.at + map.offset + map.slots_at;
  if (!map.has_values || out.at < first || (out.at - first) % 8 != 0) return wrong(cause::bad_slot);
  out.slot = static_cast<u32>((out.at - first) / 8);
  const elf_symbol symbol = file.symbol(out.target);
  if (out.target >= file.symbol_count()) return wrong(cause::bad_symbol);
  if (symbol.section == abi::section_undefined)
    return {.why = cause::undefined_symbol,
            .section = object.maps.index,
            .offset = out.at,
            .subject = symbol.name};
  const bool is_hash = map.type == static_cast<u32>(map_type::hash_of_maps);
  if (is_hash && map.key_size != sizeof out.slot) return wrong(cause::slots_need_numbers);
  if (!is_hash && map.max_entries != 0 && out.slot >= map.max_entries) return wrong(cause::no_such_slot);
  const elf_section section = file.section(symbol.section);
  const u64 offset = symbol.value + file.image().read64(out.at);
  if (map.inner != 0) {
    const bool is_map = section.index == object.maps.index && offset < section.size && offset % 8 == 0 &&
                        slots.map_slots[offset / 8] != 0;
    if (!is_map) return wrong(cause::slot_is_no_map);
    out.target = slots.map_slots[offset / 8] - 1;
    return is_map_of_maps(slots.maps[out.target].type) ? wrong(cause::maps_too_deep) : verdict{};
  }
  const u32 function =
      section.is_code() ? function_at(slots.functions, facts.functions, section.at + offset) : not_found;
  if (function == not_found || !slots.functions[function].is_program) return wrong(cause::slot_is_no_program);
  out.target = lower_bound_of_place(slots.programs, facts.programs, function);
  return {};
}

// Each map has its slots behind its other members, so those that are filled belong to the last map in front.
constexpr verdict read_slots(const opened_object& object, const object_slots& slots,
                             object_facts& out) noexcept {
  const elf& file = object.file;
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section relocations = file.section(i);
    if (!fills_slots(object, relocations)) continue;
    for (u64 k = 0; k < elf::relocation_count(relocations); ++k) {
      const elf_relocation r = file.relocation(relocations, k);
      if (r.offset >= object.maps.size) return {.why = cause::bad_slot, .section = i, .offset = r.at};
      slots.filled_slots[out.filled_slots++] = {.at = object.maps.at + r.offset, .target = r.symbol};
    }
  }
  sort_by_place(slots.filled_slots, out.filled_slots);
  u32 holder = 0;  // one more than its index
  u64 passed = 0;  // so many entries of map_slots
  for (u32 i = 0; i < out.filled_slots; ++i) {
    filled_slot& slot = slots.filled_slots[i];
    for (; passed <= (slot.at - object.maps.at) / 8; ++passed)
      if (slots.map_slots[passed] != 0) holder = slots.map_slots[passed];
    const bool is_filled_twice = i != 0 && slots.filled_slots[i - 1].at == slot.at;
    if (holder == 0 || is_filled_twice)
      return {.why = cause::bad_slot, .section = object.maps.index, .offset = slot.at};
    map_spec& map = slots.maps[holder - 1];
    if (const verdict v = read_slot(object, slots, out, map, slot); v.failed()) return v;
    if (map.slot_count++ == 0) map.first_slot = i;
  }
  return {};
}

// Whether the section is one of relocations that put functions into structs of operations.
constexpr bool fills_operations(const opened_object& object, const elf_section& section) noexcept {
  return object.operations != 0 && section.type == abi::section_rel && section.info != 0 &&
         is_called_operations(object.file.image(), object.file.section(section.info).name);
}

// Finds out which member of the struct, from member `from` on, the relocation at `out.at` fills, and which
// program the symbol `out.target` is.
constexpr verdict read_operation(const opened_object& object, const object_slots& slots,
                                 const object_facts& facts, const map_spec& map, u32 from,
                                 filled_slot& out) noexcept {
  const elf& file = object.file;
  const btf& types = object.types;
  const btf_type operations = types.type(map.value_type);
  btf_member member;
  const auto wrong = [&](cause why) {
    return verdict{.why = why,
                   .section = map.section,
                   .offset = out.at,
                   .subject = member.at == 0 ? map.name : member.name};
  };
  for (out.slot = from; out.slot < operations.members; ++out.slot) {
    const btf_member candidate = types.member(operations, out.slot);
    if (types.place_of(operations, candidate).bit != (out.at - map.image_at) * 8) continue;
    member = candidate;
    break;
  }
  const btf_type pointer = types.resolve(member.type);
  if (member.at == 0 || pointer.kind != abi::btf_kind::pointer ||
      map.image_at + map.image_size - out.at < 8 ||
      types.resolve(pointer.size_or_type).kind != abi::btf_kind::function_prototype)
    return wrong(cause::bad_operation);
  if (out.target >= file.symbol_count()) return wrong(cause::bad_symbol);
  const elf_symbol symbol = file.symbol(out.target);
  if (symbol.section == abi::section_undefined) {
    verdict missing = wrong(cause::undefined_symbol);
    missing.subject = symbol.name;
    return missing;
  }
  const elf_section section = file.section(symbol.section);
  const u64 offset = symbol.value + file.image().read64(out.at);
  const u32 function =
      section.is_code() ? function_at(slots.functions, facts.functions, section.at + offset) : not_found;
  if (function == not_found || !slots.functions[function].is_program)
    return wrong(cause::operation_is_no_program);
  out.target = lower_bound_of_place(slots.programs, facts.programs, function);
  return slots.programs[out.target].kind.type == abi::prog_type::struct_ops
             ? verdict{}
             : wrong(cause::operation_is_no_program);
}

// Appends what fills structs of operations, in the order of those.
constexpr verdict read_operations(const opened_object& object, const object_slots& slots,
                                  object_facts& out) noexcept {
  if (object.operations == 0) return {};
  const elf& file = object.file;
  const u32 first = out.filled_slots, first_map = object.section_maps;
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section relocations = file.section(i);
    if (!fills_operations(object, relocations)) continue;
    for (u64 k = 0; k < elf::relocation_count(relocations); ++k) {
      const elf_relocation r = file.relocation(relocations, k);
      const u64 place = u64{relocations.info} << 32 | r.offset;
      const u32 behind =
          first_map + lower_bound_of_place(slots.maps + first_map, out.maps - first_map, place + 1);
      const map_spec& map = slots.maps[behind == first_map ? first_map : behind - 1];
      if (behind == first_map || r.offset > 0xffffffff || map.section != relocations.info ||
          r.offset - map.offset >= map.image_size)
        return {.why = cause::bad_operation, .section = i, .offset = r.at};
      slots.filled_slots[out.filled_slots++] = {
          .at = map.image_at + (r.offset - map.offset), .slot = behind - 1, .target = r.symbol};
    }
  }
  const auto in_order = [](const filled_slot& a, const filled_slot& b) {
    return a.slot != b.slot ? a.slot < b.slot : a.at < b.at;
  };
  sort_with(slots.filled_slots + first, out.filled_slots - first, in_order);
  for (u32 i = first; i < out.filled_slots; ++i) {
    filled_slot& filled = slots.filled_slots[i];
    map_spec& map = slots.maps[filled.slot];
    if (map.slot_count++ == 0) map.first_slot = i;
    if (map.slot_count != 1 && slots.filled_slots[i - 1].at == filled.at)
      return {.why = cause::bad_operation, .section = map.section, .offset = filled.at, .subject = map.name};
    // Members come in the order of their places.
    const u32 from = map.slot_count == 1 ? 0 : slots.filled_slots[i - 1].slot + 1;
    if (const verdict v = read_operation(object, slots, out, map, from, filled); v.failed()) return v;
  }
  return {};
}

// Reads which instructions depend on the kernel's types. What lies in no function belongs to none and is left alone.
constexpr verdict read_cores(const opened_object& object, const object_slots& slots,
                             object_facts& out) noexcept {
  const bytes& image = object.file.image();
  btf_ext_run run;
  for (btf_ext_table walk = object.ext.core; walk.next(object.types, run);) {
    const elf_section section = object.file.find_section(run.section_name);
    for (u32 i = 0; section.is_code() && i < run.count; ++i) {
      const u64 from = run.first + u64{i} * walk.record_size;
      const u32 offset = image.read32(from);
      const core_record record{.at = section.at + offset,
                               .type = image.read32(from + 4),
                               .access = image.read32(from + 8),
                               .kind = static_cast<abi::core_kind>(image.read32(from + 12))};
      const auto wrong = [&](cause why) {
        return verdict{.why = why,
                       .section = section.index,
                       .offset = from,
                       .subject = object.types.type(record.type).name};
      };
      if (image.read32(from + 12) >= abi::core_kinds) return wrong(cause::unknown_core_kind);
      if (offset % sizeof(abi::insn) != 0 || offset >= section.size ||
          !core_path::leads_somewhere(object.types, record.type, record.access, record.kind))
        return wrong(cause::bad_core);
      slots.cores[out.cores++] = record;
    }
  }
  sort_by_place(slots.cores, out.cores);
  for (u32 i = 0; out.cores != 0 && i < out.functions; ++i) {
    function_spec& function = slots.functions[i];
    const u64 end = function.at + u64{function.instruction_count} * sizeof(abi::insn);
    function.first_core = lower_bound_of_place(slots.cores, out.cores, function.at);
    function.core_count = lower_bound_of_place(slots.cores, out.cores, end) - function.first_core;
  }
  return {};
}

// Gives functions their types and their lines. Functions of one section are neighbours, and so are records.
// What is told first holds, so that records which all tell of the same functions pass them only once.
constexpr void read_code_types(const opened_object& object, const object_slots& slots,
                               const object_facts& facts) noexcept {
  const elf& file = object.file;
  btf_ext_run run;
  for (btf_ext_table walk = object.ext.functions; walk.next(object.types, run);) {
    const elf_section section = file.find_section(run.section_name);
    for (u32 i = 0; section.is_code() && i < run.count; ++i) {
      const u64 at = run.first + u64{i} * walk.record_size;
      const u64 place = section.at + file.image().read32(at);
      const u32 type = file.image().read32(at + 4);
      if (object.types.type(type).kind != abi::btf_kind::function) continue;
      for (u32 f = lower_bound_of_place(slots.functions, facts.functions, place);
           f < facts.functions && slots.functions[f].at == place && slots.functions[f].type == 0; ++f)
        slots.functions[f].type = type;
    }
  }
  for (btf_ext_table walk = object.ext.lines; walk.next(object.types, run);) {
    const elf_section section = file.find_section(run.section_name);
    if (!section.is_code() || run.count == 0) continue;
    for (u32 f = lower_bound_of_place(slots.functions, facts.functions, section.at);
         f < facts.functions && slots.functions[f].section == section.index &&
         slots.functions[f].lines.count == 0;
         ++f)
      slots.functions[f].lines = run;
  }
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_CODE_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Finds the layouts of .maps and of the sections of variables.
constexpr void find_layouts(opened_object& out) noexcept {
  if (!out.types.has(abi::btf_kind::data_section)) return;
  for (btf_type type = out.types.first(); type.id != 0; type = out.types.after(type)) {
    if (type.kind != abi::btf_kind::data_section) continue;
    if (out.first_layout.id == 0) out.first_layout = type;
    if (out.maps_layout.id == 0 && out.types.image().string_is(type.name, ".maps"))
      out.maps_layout = type;
    else if (is_called_operations(out.types.image(), type.name) &&
             out.file.find_section(type.name).index != 0)
      out.operations += type.members;
    else
      out.variables += type.members;
    if (out.config.id == 0 && out.types.image().string_is(type.name, ".kconfig")) out.config = type;
    if (out.arena_layout.id == 0 && out.types.image().string_is(type.name, ".addr_space.1"))
      out.arena_layout = type;
    if (out.symbols.id == 0 && out.types.image().string_is(type.name, ".ksyms")) out.symbols = type;
  }
}

constexpr verdict open_object(bytes image, opened_object& out) noexcept {
  if (const verdict v = elf::open(image, out.file); v.failed()) return v;
  out.maps = out.file.find_section(".maps");
  const elf_section types = out.file.find_section(".BTF");
  const elf_section ext = out.file.find_section(".BTF.ext");
  out.btf_relocations = out.file.find_section(".rel.BTF");
  out.arena = out.file.find_section(".addr_space.1");
  out.types_section = types.index;
  if (const verdict v = out.file.demand_type(out.maps, abi::section_progbits); v.failed()) return v;
  if (out.btf_relocations.type != abi::section_rel) out.btf_relocations = {};
  if (types.index != 0)
    if (const verdict v = btf::open(out.file, types, out.types); v.failed()) return v;
  if (types.index != 0 && ext.index != 0)
    if (const verdict v = btf_ext::open(out.file, ext, out.types, out.ext); v.failed()) return v;
  find_layouts(out);
  if (out.maps.index != 0 && out.maps_layout.id == 0)
    return {.why = cause::no_btf, .section = out.maps.index, .offset = out.maps.at};
  if (out.maps.index == 0) out.maps_layout = {};
  return {};
}

// An extern is missed when a symbol that is not weak names it. Of one that no symbol names, only BTF tells.
constexpr void demand_externs(const elf& file, const object_slots& slots,
                              const object_facts& facts) noexcept {
  if (facts.externs == 0) return;
  for (u32 i = 1; i < file.symbol_count(); ++i) {
    const elf_symbol symbol = file.symbol(i);
    if (symbol.section != abi::section_undefined || symbol.binding == abi::symbol_weak) continue;
    const u32 found =
        find_extern(file.image(), slots.externs, slots.extern_names, facts.externs, symbol.name);
    if (found != not_found) slots.externs[found].is_weak = false;
  }
}

// The first name of a source file that the symbols tell.
constexpr u64 find_source(const elf& file) noexcept {
  for (u32 i = 1; i < file.symbol_count(); ++i)
    if (const elf_symbol symbol = file.symbol(i); symbol.type == abi::symbol_file) return symbol.name;
  return 0;
}

}  // namespace detail

/// Where the license of an object stands in the file, 0 when it has none.
[[nodiscard]] constexpr u64 find_license(const elf& file) noexcept {
  const elf_section license = file.find_section("license");
  return license.type == abi::section_progbits ? license.at : 0;
}

/// First pass: checks what can be checked without storage, and tells how much storage `read` needs.
/// Cost: linear in sections, symbols and types.
constexpr verdict measure(const detail::opened_object& object, object_shape& out) noexcept {
  const elf& file = object.file;
  out = {.maps = object.maps_layout.members,
         .variables = object.variables,
         .externs = object.config.members + object.symbols.members,
         .map_slots = static_cast<u32>((object.maps.size + 7) / 8),
         .type_index = object.types.index_size(),
         .types = object.types.count(),
         .types_size = static_cast<u32>(object.types.types_size())};
  // A map's definition takes at least 8 bytes, so a larger count is a lie that would cost memory.
  if (out.maps > out.map_slots)
    return {.why = cause::map_outside_section, .section = object.maps.index, .offset = object.maps_layout.at};
  if (object.config.members != 0) ++out.maps;
  out.maps += object.operations;
  for (u32 i = 0; i < file.symbol_count(); ++i) {
    const elf_symbol symbol = file.symbol(i);
    out.functions += detail::is_function(file, symbol);
    out.programs += detail::is_program(file, symbol);
  }
  if (out.functions == 1) out.programs = 1;  // see is_alone
  btf_ext_run run;
  for (btf_ext_table walk = object.ext.lines; walk.next(object.types, run);) out.lines += run.count;
  for (btf_ext_table walk = object.ext.core; walk.next(object.types, run);) out.cores += run.count;
  u64 references = 0, filled_slots = 0;
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section s = file.section(i);
    if (s.type == abi::section_rel && file.section(s.info).is_code()) references += elf::relocation_count(s);
    if (detail::fills_slots(object, s) || detail::fills_operations(object, s))
      filled_slots += elf::relocation_count(s);
    if (references + filled_slots >
        file.image().size() / abi::elf_relocation_record::size)  // sections lie over each other
      return {.why = cause::bad_section_header, .section = i, .offset = s.at};
    if (detail::origin_of(file, s) == map_origin::declared) continue;
    // Nothing in the file bounds the size of a section that it does not hold, nor its place.
    if (s.size > 0xffffffff) return {.why = cause::bad_section_header, .section = i, .offset = s.name};
    ++out.maps;
  }
  out.maps += detail::count_legacy_maps(file);
  out.references = static_cast<u32>(references);
  out.filled_slots = static_cast<u32>(filled_slots);
  return {};
}

/// Second pass: fills `slots`, which are as large as `measure` said.
/// Cost: linear in the file, but for sorting what is not sorted.
constexpr verdict read(const detail::opened_object& opened, const object_slots& slots,
                       object_facts& out) noexcept {
  detail::opened_object object = opened;
  object.types.build_index(slots.type_index);
  out = {.image = object.file.image(),
         .types = object.types,
         .license = find_license(object.file),
         .source = detail::find_source(object.file),
         .line_size = object.ext.lines.record_size,
         .maps = object.maps_layout.members};
  detail::add_data_maps(object.file, slots.maps, out.maps);
  if (const verdict v =
          detail::add_legacy_maps(object.file, slots.maps, object.maps_layout.members, out.maps);
      v.failed())
    return v;
  object.section_maps = out.maps;
  u32 config_size = 0;
  if (const verdict v =
          detail::read_externs(object.types, object.config, object.symbols, object.types_section,
                               slots.externs, slots.extern_names, out.externs, config_size);
      v.failed())
    return v;
  detail::demand_externs(object.file, slots, out);
  // Layouts are read in the order in which they stand, because their relocations come in it too.
  u64 next_relocation = 0;
  for (btf_type layout = object.first_layout; layout.id != 0; layout = object.types.after(layout)) {
    if (layout.kind != abi::btf_kind::data_section) continue;
    if (layout.id == object.maps_layout.id) {
      if (const verdict v = detail::read_maps(object, slots, next_relocation); v.failed()) return v;
      continue;
    }
    if (detail::is_called_operations(out.image, layout.name)) {
      if (const verdict v = detail::add_operations(object, layout, slots.maps, out.maps, next_relocation);
          v.failed())
        return v;
      continue;
    }
    const elf_section section = object.file.find_section(layout.name);
    const u32 map = section.index == 0 ? not_found
                                       : detail::find_section_map(slots.maps, object.maps_layout.members,
                                                                  object.section_maps, section.index, 0);
    if (map == not_found || slots.maps[map].origin == map_origin::declared) continue;
    if (const verdict v = detail::read_variables(object, layout, map, slots, out.variables, next_relocation);
        v.failed())
      return v;
  }
  if (const verdict v = detail::sort_operations(slots.maps, object.section_maps, out.maps); v.failed())
    return v;
  if (const verdict v = detail::find_arena(object, slots); v.failed()) return v;
  if (object.arena_map != not_found && object.arena_layout.id != 0) {
    next_relocation = 0;  // which map is the arena is known only now
    if (const verdict v = detail::read_variables(object, object.arena_layout, object.arena_map, slots,
                                                 out.variables, next_relocation);
        v.failed())
      return v;
  }
  if (object.config.members != 0) detail::add_config_map(object, slots, config_size, out);
  if (const verdict v = detail::read_functions(object.file, slots, out); v.failed()) return v;
  if (const verdict v = detail::read_references(object, slots, out); v.failed()) return v;
  if (const verdict v = detail::read_slots(object, slots, out); v.failed()) return v;
  if (const verdict v = detail::read_operations(object, slots, out); v.failed()) return v;
  if (const verdict v = detail::read_cores(object, slots, out); v.failed()) return v;
  detail::read_code_types(object, slots, out);
  return {};
}

/// Both passes for who has only the image.
constexpr verdict measure(bytes image, object_shape& out) noexcept {
  detail::opened_object opened;
  if (const verdict v = detail::open_object(image, opened); v.failed()) return v;
  return measure(opened, out);
}
constexpr verdict read(bytes image, const object_slots& slots, object_facts& out) noexcept {
  detail::opened_object opened;
  if (const verdict v = detail::open_object(image, opened); v.failed()) return v;
  return read(opened, slots, out);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The error that tells of a reader's verdict: about ".maps:hits", the section and the name inside it.
[[nodiscard]] constexpr error to_error(const bytes& image, const verdict& found) noexcept {
  char section[error::name_size] = {}, subject[sizeof error::name] = {};
  elf file;
  if (found.section != 0 && !elf::open(image, file).failed())
    image.copy_string(file.section(found.section).name, section, sizeof section);
  if (found.subject != 0) image.copy_string(found.subject, subject, sizeof subject);
  return error{.at = step::read_object, .why = found.why, .offset = found.offset}.about(subject, section);
}

/// A BPF object that the program reads.
/// Lifetime: looks at the image as long as it lives; moving leaves the source empty.
class object_spec {
 public:
  /// Reads the object in `image`.
  /// Errors: step read_object with the cause, the byte offset and the section; ENOMEM.
  /// Cost:   eleven allocations at most; linear in the file.
  [[nodiscard]] static result<object_spec> read(bytes image) noexcept {
    detail::opened_object opened;
    if (const verdict found = detail::open_object(image, opened); found.failed())
      return to_error(image, found);
    object_shape shape;
    if (const verdict found = measure(opened, shape); found.failed()) return to_error(image, found);
    object_spec out;
    auto maps = buffer<map_spec>::of(shape.maps);
    auto variables = buffer<variable_spec>::of(shape.variables);
    auto functions = buffer<function_spec>::of(shape.functions);
    auto programs = buffer<program_spec>::of(shape.programs);
    auto references = buffer<reference>::of(shape.references);
    auto filled_slots = buffer<filled_slot>::of(shape.filled_slots);
    auto cores = buffer<core_record>::of(shape.cores);
    auto map_slots = buffer<u32>::of(shape.map_slots);
    auto type_index = buffer<u32>::of(shape.type_index);
    auto externs = buffer<extern_spec>::of(shape.externs);
    auto extern_names = buffer<extern_name>::of(shape.externs);
    if (!maps || !variables || !functions || !programs || !references || !filled_slots || !cores ||
        !map_slots || !type_index || !externs || !extern_names)
      return error{.at = step::allocate, .code = ENOMEM};
    out.maps_ = std::move(*maps);
    out.variables_ = std::move(*variables);
    out.functions_ = std::move(*functions);
    out.programs_ = std::move(*programs);
    out.references_ = std::move(*references);
    out.filled_slots_ = std::move(*filled_slots);
    out.cores_ = std::move(*cores);
    out.type_index_ = std::move(*type_index);
    out.externs_ = std::move(*externs);
    const object_slots slots{out.maps_.data(),     out.variables_.data(),  out.functions_.data(),
                             out.programs_.data(), out.references_.data(), out.filled_slots_.data(),
                             out.cores_.data(),    map_slots->data(),      out.type_index_.data(),
                             out.externs_.data(),  extern_names->data()};
    if (const verdict found = barebpf::read(opened, slots, out.facts_); found.failed())
      return to_error(image, found);
    out.maps_.shrink(out.facts_.maps);
    out.variables_.shrink(out.facts_.variables);
    out.functions_.shrink(out.facts_.functions);
    out.programs_.shrink(out.facts_.programs);
    out.references_.shrink(out.facts_.references);
    out.cores_.shrink(out.facts_.cores);
    out.line_count_ = shape.lines;
    return out;
  }

  [[nodiscard]] const bytes& image() const noexcept { return facts_.image; }
  [[nodiscard]] const btf& types() const noexcept { return facts_.types; }
  [[nodiscard]] const buffer<map_spec>& maps() const noexcept { return maps_; }
  [[nodiscard]] const buffer<variable_spec>& variables() const noexcept { return variables_; }
  [[nodiscard]] const buffer<function_spec>& functions() const noexcept { return functions_; }
  [[nodiscard]] const buffer<program_spec>& programs() const noexcept { return programs_; }
  /// What instructions refer to; each function knows which are its own.
  [[nodiscard]] const buffer<reference>& references() const noexcept { return references_; }
  /// What the slots of maps hold at first; each map knows which are its own.
  [[nodiscard]] const buffer<filled_slot>& filled_slots() const noexcept { return filled_slots_; }
  /// Which instructions depend on the kernel's types (CO-RE); each function knows which are its own.
  [[nodiscard]] const buffer<core_record>& cores() const noexcept { return cores_; }
  /// What the object wants of the kernel by name.
  [[nodiscard]] const buffer<extern_spec>& externs() const noexcept { return externs_; }
  /// How many bytes the value of its map of options has, 0 when there is none.
  [[nodiscard]] u32 config_size() const noexcept {
    for (const map_spec& map : maps_)
      if (map.origin == map_origin::config) return map.value_size;
    return 0;
  }
  /// How many records of source lines there are.
  [[nodiscard]] u32 line_count() const noexcept { return line_count_; }
  /// Where the name of the source file stands in the image, 0 when there is none.
  [[nodiscard]] u64 source() const noexcept { return facts_.source; }
  /// All of it, as those look at it who load it.
  [[nodiscard]] object_tables tables() const noexcept {
    return {.image = facts_.image,
            .types = facts_.types,
            .maps = maps_.data(),
            .variables = variables_.data(),
            .functions = functions_.data(),
            .references = references_.data(),
            .cores = cores_.data(),
            .map_count = facts_.maps,
            .function_count = facts_.functions,
            .reference_count = facts_.references,
            .core_count = facts_.cores,
            .line_size = facts_.line_size,
            .externs = externs_.data(),
            .extern_count = facts_.externs};
  }
  /// Where the license string stands in the image, 0 when there is none.
  [[nodiscard]] u64 license() const noexcept { return facts_.license; }

  /// The index of the map, variable or program called `wanted`, or `not_found`.
  [[nodiscard]] u32 find_map(text wanted) const noexcept {
    return find_named(image(), maps_.data(), static_cast<u32>(maps_.size()), wanted);
  }
  [[nodiscard]] u32 find_variable(text wanted) const noexcept {
    return find_named(image(), variables_.data(), static_cast<u32>(variables_.size()), wanted);
  }
  [[nodiscard]] u32 find_program(text wanted) const noexcept {
    return find_named(image(), programs_.data(), static_cast<u32>(programs_.size()), wanted);
  }

 private:
  object_spec() noexcept = default;

  object_facts facts_;
  buffer<map_spec> maps_;
  buffer<variable_spec> variables_;
  buffer<function_spec> functions_;
  buffer<program_spec> programs_;
  buffer<reference> references_;
  buffer<filled_slot> filled_slots_;
  buffer<core_record> cores_;
  buffer<u32> type_index_;
  buffer<extern_spec> externs_;
  u32 line_count_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OBJECT_SPEC_HPP
// Room 4.6, pruned_btf: of all the types of an object, the few that the kernel needs: those of its maps, variables
// and functions, written anew. What a pointer points to keeps its name and size and loses its members; of what only
// CO-RE names, the members that it names stay.
#ifndef BAREBPF_PRUNED_BTF_HPP
#define BAREBPF_PRUNED_BTF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// How large a pruned BTF is, as `btf_pruner::number` finds out.
struct pruned_sizes {
  u32 total = 0;         ///< bytes of it all; 0 when that is more than the kernel takes
  u32 count = 0;         ///< types
  u32 types_size = 0;    ///< bytes of types
  u32 strings_size = 1;  ///< bytes of strings
  u32 lines_at = 1;      ///< where among the strings those of source lines begin
  u32 accesses_at = 1;   ///< where those of CO-RE begin
};

/// Types that were cut and numbered, ready to be written.
/// Lifetime: looks at the object's tables and at the pruner's storage.
class pruned_btf {
 public:
  /// Words of storage for BTF of so many types, for so many source lines, and for so many CO-RE relocations over
  /// so many bytes of types.
  [[nodiscard]] static constexpr size_t storage_size(u32 types, u32 lines = 0, u32 cores = 0,
                                                     u64 types_size = 0) noexcept {
    const size_t for_types =
        (size_t{types} + 1) * words_for_type(cores) + size_t{string_slots(lines * 2)} * 2;
    if (cores == 0) return for_types;
    const u64 bits = types_size / 12 + types_size / 8 + 2;  // see bit_of_member
    return for_types + size_t{string_slots(cores)} * 2 + static_cast<size_t>(bits / 32) + 1;
  }

  constexpr pruned_btf(const object_tables& object, const u32* storage, u32 lines,
                       const pruned_sizes& sizes) noexcept
      : object_(object),
        marks_(storage),
        ids_(storage + object.types.count() + 1),
        strings_(storage + (size_t{object.types.count()} + 1) * words_for_type(object.core_count)),
        slots_(string_slots(lines * 2)),
        accesses_(strings_ + size_t{slots_} * 2),
        access_slots_(string_slots(object.core_count)),
        members_(accesses_ + size_t{access_slots_} * 2),
        sizes_(sizes) {}

  [[nodiscard]] constexpr const pruned_sizes& sizes() const noexcept { return sizes_; }
  /// How many types there are.
  [[nodiscard]] constexpr u32 count() const noexcept { return sizes_.count; }
  /// The new id of an old type that was kept; 0 for void and for what was not kept.
  [[nodiscard]] constexpr u32 new_id(u32 id) const noexcept { return id <= types().count() ? ids_[id] : 0; }
  /// Where the old string at `offset` now stands, if a source line has it; 0 if not.
  [[nodiscard]] constexpr u32 new_string(u32 offset) const noexcept {
    if (offset == 0 || slots_ == 0) return 0;
    const u32 slot = find_slot(offset);
    return strings_[slot] == offset ? sizes_.lines_at + strings_[slot + 1] : 0;
  }
  /// Where the string of a CO-RE relocation stands, which counts only the members that were kept.
  [[nodiscard]] constexpr u32 new_access(const core_record& record) const noexcept {
    access_text access;
    write_access(record, access);
    const u32 slot = find_access(access);
    return accesses_[slot] == 0 ? 0 : sizes_.accesses_at + accesses_[slot + 1];
  }

  /// True when the object does not work without its types: it takes the address of a function, has a map that
  /// demands them, or keeps in a value what the kernel finds by its type, such as a spin lock. CO-RE needs them too,
  /// but not in the kernel when the library does it.
  /// Source: btf_parse_fields() in kernel/bpf/btf.c and check_ld_imm() in kernel/bpf/verifier.c at v6.12.
  [[nodiscard]] constexpr bool is_required() const noexcept {
    for (u32 i = 0; i < object_.reference_count; ++i)
      if (object_.references[i].kind == reference_kind::function) return true;
    const auto demands_types = [](const map_spec& map) {
      return kind_of(static_cast<map_type>(map.type)).btf == btf_rule::required ||
             map.origin == map_origin::operations;
    };
    for (u32 i = 0; i < object_.map_count; ++i)
      if (demands_types(object_.maps[i]) || demands_types(inner_of(types(), object_.maps[i]))) return true;
    for (btf_type type = types().first(); type.id != 0; type = types().after(type))
      // The tag of a kernel pointer stands behind the pointer, and there nothing is kept whole.
      if ((marks_[type.id] & (type.kind == abi::btf_kind::type_tag ? kept : whole)) != 0 && is_special(type))
        return true;
    return false;
  }

  /// Writes all of it, in the machine's byte order: `head_words` words, and behind them `sizes().strings_size` bytes
  /// of strings. Words, because the compiler pays for each step.
  constexpr void write(u32* head, u8* strings) const noexcept {
    head[0] =
        host_is_big_endian ? u32{abi::btf_magic} << 16 | 1 << 8 : u32{abi::btf_magic} | 1 << 16;  // version 1
    head[1] = static_cast<u32>(abi::btf_header::size);
    head[2] = 0;
    head[3] = head[4] = sizes_.types_size;
    head[5] = sizes_.strings_size;
    strings[0] = 0;
    u32 used = 1;
    u32* at = head + abi::btf_header::size / 4;
    for (btf_type type = types().first(); type.id != 0; type = types().after(type)) {
      if (marks_[type.id] == 0) continue;
      const btf_type left = as_kept(type);
      write_type(left, at, strings, used);
      at += btf::extent_of(left) / 4;
    }
    for (u32 slot = 0; slot < slots_ * 2; slot += 2)
      if (strings_[slot] != 0) {
        const u64 from = types().strings() + strings_[slot];
        copy_string(from, types().image().length_of_string(from),
                    strings + sizes_.lines_at + strings_[slot + 1]);
      }
    for (u32 slot = 0; slot < access_slots_ * 2; slot += 2)
      if (accesses_[slot] != 0) {
        access_text access;
        write_access(object_.cores[accesses_[slot] - 1], access);
        for (u32 i = 0; i <= access.size; ++i)
          strings[sizes_.accesses_at + accesses_[slot + 1] + i] = i == access.size ? u8{0} : access.digits[i];
      }
  }
  /// How many words of header and types `write` writes.
  [[nodiscard]] constexpr u32 head_words() const noexcept {
    return (static_cast<u32>(abi::btf_header::size) + sizes_.types_size) / 4;
  }

 protected:
  // What `deep` marks is compared with the kernel's types along its pointers, so they keep what they point to.
  static constexpr u32 kept = 1, whole = 2, made_static = 4, deep = 8;

  // Marks, new ids, and room to wait twice; or three times, where types can be compared.
  [[nodiscard]] static constexpr u32 words_for_type(u32 cores) noexcept { return cores == 0 ? 4 : 5; }
  // Twice as many as there can be strings, and a power of two.
  [[nodiscard]] static constexpr u32 string_slots(u32 strings) noexcept {
    u32 slots = strings == 0 ? 0 : 4;
    while (slots < u64{strings} * 2 && slots < (u32{1} << 30)) slots *= 2;
    return slots;
  }
  // What the kernel looks for in the values of maps.
  [[nodiscard]] constexpr bool is_special(const btf_type& type) const noexcept {
    constexpr text structs[] = {"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer",   "bpf_wq",
                                "bpf_task_work", "bpf_list_head",     "bpf_rb_root", "bpf_list_node",
                                "bpf_rb_node",   "bpf_refcount"};
    constexpr text tags[] = {"kptr", "kptr_untrusted", "percpu_kptr", "uptr"};
    const bool is_struct = type.kind == abi::btf_kind::structure;
    if (!is_struct && type.kind != abi::btf_kind::type_tag) return false;
    if (is_struct && !types().image().string_starts_with(type.name, "bpf_")) return false;
    const auto is_called_like_one_of = [&](const auto& names) {
      for (const text name : names)
        if (types().image().string_is(type.name, name)) return true;
      return false;
    };
    return is_struct ? is_called_like_one_of(structs) : is_called_like_one_of(tags);
  }
  // The slot of a string, or the free one where it belongs.
  [[nodiscard]] constexpr u32 find_slot(u32 offset) const noexcept {
    u32 slot = offset * 0x9e3779b1 & (slots_ - 1);
    while (strings_[slot * 2] != 0 && strings_[slot * 2] != offset) slot = (slot + 1) & (slots_ - 1);
    return slot * 2;
  }
  // What CO-RE names, as the string that the kernel reads. Never copied, for most of it holds nothing.
  struct access_text {
    u8 digits[core_path::most_steps * 10];
    u32 size;
  };
  constexpr void write_access(const core_record& record, access_text& out) const noexcept {
    out.size = 0;
    core_path path(types(), record.type, record.access);
    for (core_step step; path.next(step);) {
      const bool is_part = step.is_member || subject_of(record.kind) == core_subject::enumerator;
      const bool is_renumbered = is_part && loses_members(step.from);
      u32 left = is_renumbered ? count_members(step.from, step.index) : step.index;
      if (out.size != 0) out.digits[out.size++] = ':';
      u32 end = out.size + 1;
      for (u32 rest = left; rest > 9; rest /= 10) ++end;
      out.size = end;
      do out.digits[--end] = static_cast<u8>('0' + left % 10);
      while ((left /= 10) != 0);
    }
  }
  // The slot of a string of CO-RE, or the free one where it belongs. It holds one more than the index of a relocation
  // that has it, and how far behind the first it stands.
  [[nodiscard]] constexpr u32 find_access(const access_text& access) const noexcept {
    u32 slot = 0;
    for (u32 i = 0; i < access.size; ++i) slot = slot * 31 + access.digits[i];
    const auto belongs_to = [&](const core_record& record) {
      access_text other;
      write_access(record, other);
      if (other.size != access.size) return false;
      for (u32 i = 0; i < access.size; ++i)
        if (other.digits[i] != access.digits[i]) return false;
      return true;
    };
    slot = slot * 0x9e3779b1 & (access_slots_ - 1);
    while (accesses_[slot * 2] != 0 && !belongs_to(object_.cores[accesses_[slot * 2] - 1]))
      slot = (slot + 1) & (access_slots_ - 1);
    return slot * 2;
  }
  // Each member of a struct and each number of an enum has a bit, and those of one type are neighbours: they are 12 or 8
  // bytes apart, and nothing else begins so close to one.
  [[nodiscard]] constexpr u32 bit_of_member(abi::btf_kind of, u64 at) const noexcept {
    const u64 from_start = at - types().types_at();
    return static_cast<u32>(of == abi::btf_kind::enumeration ? types().types_size() / 12 + 1 + from_start / 8
                                                             : from_start / 12);
  }
  [[nodiscard]] constexpr bool has_member(abi::btf_kind of, u64 at) const noexcept {
    const u32 bit = bit_of_member(of, at);
    return (members_[bit / 32] >> bit % 32 & 1) != 0;
  }
  // How many of a type's first `end` members CO-RE names.
  [[nodiscard]] constexpr u32 count_members(const btf_type& of, u32 end) const noexcept {
    if (object_.core_count == 0 || end == 0) return 0;
    const u32 first = bit_of_member(of.kind, of.tail()), behind = first + end;
    u32 sum = 0;
    for (u32 word = first / 32; word <= (behind - 1) / 32; ++word) {
      u32 bits = members_[word];
      if (word == first / 32) bits &= ~u32{0} << first % 32;
      if (word == behind / 32) bits &= (u32{1} << behind % 32) - 1;
      sum += static_cast<u32>(__builtin_popcount(bits));
    }
    return sum;
  }
  // True when this member of what is left of a type stays.
  [[nodiscard]] constexpr bool keeps_member(const btf_type& of, u64 at) const noexcept {
    return !loses_members(of) || has_member(of.kind, at);
  }
  // True when only those members of a type stay that CO-RE names. Without any CO-RE, enums stay whole.
  [[nodiscard]] constexpr bool loses_members(const btf_type& of) const noexcept {
    using enum abi::btf_kind;
    const bool is_enum = of.kind == enumeration || of.kind == enumeration64;
    return (of.kind == structure || of.kind == union_type || (is_enum && object_.core_count != 0)) &&
           (marks_[of.id] & whole) == 0;
  }
  [[nodiscard]] constexpr const btf& types() const noexcept { return object_.types; }
  // What stays of a pointer's target: functions and variables do not.
  [[nodiscard]] constexpr u32 pointee(const btf_type& type) const noexcept {
    using enum abi::btf_kind;
    const abi::btf_kind kind = types().resolve(type.size_or_type).kind;
    if (kind == function_prototype && (marks_[type.id] & deep) != 0) return type.size_or_type;
    return kind == function_prototype || kind == function || kind == variable || kind == data_section
               ? 0
               : type.size_or_type;
  }
  // The map whose value a layout of variables describes; an empty one for a layout that describes none.
  [[nodiscard]] constexpr map_spec map_of(const btf_type& layout) const noexcept {
    for (u32 i = 0; i < object_.map_count; ++i)
      if (object_.maps[i].is_for_variables() && object_.maps[i].value_type == layout.id)
        return object_.maps[i];
    return {};
  }
  [[nodiscard]] constexpr btf_type as_kept(btf_type type) const noexcept {
    using enum abi::btf_kind;
    const u32 marks = marks_[type.id];
    if (loses_members(type)) type.members = count_members(type, type.members);
    if (type.kind == function && (marks & made_static) != 0) type.members = abi::btf_function_static;
    if (type.kind == data_section) {
      // Compilers leave its size to linkers.
      const map_spec map = map_of(type);
      type.members = map.variable_count;
      type.size_or_type = map.value_size;
    }
    return type;
  }
  // Bytes from one named member of a type to the next; 0 for kinds that have none.
  [[nodiscard]] static constexpr u32 member_size(const btf_type& type) noexcept {
    using enum abi::btf_kind;
    switch (type.kind) {
      case structure:
      case union_type:
      case enumeration64:
        return 12;
      case enumeration:
      case function_prototype:
        return 8;
      default:
        return 0;
    }
  }
  [[nodiscard]] constexpr u32 name_size(u64 at) const noexcept {
    const u64 length = types().image().length_of_string(at);
    return length == 0 ? 0 : static_cast<u32>(length) + 1;
  }

 private:
  constexpr void copy_string(u64 from, u64 length, u8* to) const noexcept {
    types().image().copy(from, length, to);
    to[length] = 0;
  }
  // Copies the name at `from` and gives its new offset; names without characters share offset 0.
  constexpr u32 write_name(u64 from, u8* strings, u32& used) const noexcept {
    const u32 size = name_size(from);
    if (size == 0) return 0;
    const u32 at = used;
    copy_string(from, size - 1, strings + at);
    used += size;
    return at;
  }
  constexpr void write_type(const btf_type& type, u32* out, u8* strings, u32& used) const noexcept {
    using enum abi::btf_kind;
    const bytes& image = types().image();
    const u32 info = image.read32(type.at + abi::btf_type_record::info);
    out[0] = write_name(type.name, strings, used);
    out[1] = (info & 0xff000000) | type.members;
    out[2] =
        !refers(type) ? type.size_or_type : new_id(type.kind == pointer ? pointee(type) : type.size_or_type);
    u32* const tail = out + abi::btf_type_record::size / 4;
    switch (type.kind) {
      case variable:
        // The kernel takes none that is only declared, and the loader has defined it.
        tail[0] = image.read32(type.tail());
        if (tail[0] == abi::btf_variable_extern) tail[0] = abi::btf_variable_global;
        return;
      case integer:
      case declaration_tag:
        tail[0] = image.read32(type.tail());
        return;
      case array:
        tail[0] = new_id(types().element_of(type));
        tail[1] = new_id(image.read32(type.tail() + 4));
        tail[2] = types().length_of(type);
        return;
      case data_section: {
        const variable_spec* const first = object_.variables + map_of(type).first_variable;
        for (u32 i = 0; i < type.members; ++i) {
          tail[size_t{i} * 3] = new_id(first[i].id);
          tail[size_t{i} * 3 + 1] = first[i].offset;
          tail[size_t{i} * 3 + 2] = first[i].size;
        }
        return;
      }
      default:
        write_members(type, tail, strings, used);
    }
  }
  constexpr void write_members(const btf_type& type, u32* to, u8* strings, u32& used) const noexcept {
    using enum abi::btf_kind;
    const u32 each = member_size(type);
    if (each == 0) return;
    const bytes& image = types().image();
    const bool typed = type.kind != enumeration && type.kind != enumeration64;
    u64 from = type.tail();
    for (u32 left = type.members; left != 0; from += each) {
      if (!keeps_member(type, from)) continue;
      --left;
      const u32 second = image.read32(from + 4);
      to[0] = write_name(types().strings() + image.read32(from), strings, used);
      to[1] = typed ? new_id(second) : second;
      if (each == 12) to[2] = image.read32(from + 8);
      to += each / 4;
    }
  }
  // Kinds whose third word is the id of another type.
  [[nodiscard]] static constexpr bool refers(const btf_type& type) noexcept {
    using enum abi::btf_kind;
    return btf::is_modifier(type.kind) || type.kind == pointer || type.kind == function ||
           type.kind == function_prototype || type.kind == variable || type.kind == declaration_tag;
  }

 protected:
  const object_tables& object_;
  const u32* marks_;
  const u32* ids_;
  const u32* strings_;  // slots of two words: the old offset, and the new one from the first line's on
  u32 slots_;
  const u32* accesses_;  // slots of two words, see find_access
  u32 access_slots_;
  const u32* members_;  // a bit for each member of a struct that CO-RE names
  pruned_sizes sizes_;
};

/// Cuts BTF to what is needed: `keep` what is wanted, `number` it, then `write`.
/// Shape:    works in storage that the caller lends: `storage_size` words, all zero.
/// Lifetime: valid as long as the object's tables and the storage.
class btf_pruner : public pruned_btf {
 public:
  constexpr btf_pruner(const object_tables& object, u32* storage, u32 lines = 0) noexcept
      : pruned_btf(object, storage, lines, {}),
        marks_to_(storage),
        ids_to_(storage + object.types.count() + 1),
        strings_to_(storage + (strings_ - marks_)),
        accesses_to_(storage + (accesses_ - marks_)),
        members_to_(storage + (members_ - marks_)) {}

  /// Keeps the type with this id and all that it is made of.
  constexpr void keep(u32 id) noexcept { keep(id, kept | whole); }
  /// Keeps what the kernel needs to know of the object's side of a CO-RE relocation.
  constexpr void keep(const core_record& record) noexcept {
    const core_subject subject = subject_of(record.kind);
    if (subject == core_subject::type)
      return keep(record.type,
                  record.kind == abi::core_kind::type_matches ? kept | whole | deep : kept | deep);
    keep(record.type, kept);
    core_path path(types(), record.type, record.access);
    for (core_step step; path.next(step);) {
      keep(step.type, kept);
      if (!step.is_member && subject != core_subject::enumerator) continue;
      const u32 bit =
          bit_of_member(step.from.kind, step.from.tail() + u64{step.index} * member_size(step.from));
      members_to_[bit / 32] |= u32{1} << bit % 32;
    }
  }
  /// Keeps the texts of a function's source lines.
  constexpr void keep_lines(const function_spec& function) noexcept {
    const detail::line_range lines = detail::lines_of(object_, function);
    for (u32 i = 0; i < lines.count; ++i) {
      const abi::line_info line = detail::line_at(object_, lines, i);
      keep_string(line.file_name_off);
      keep_string(line.line_off);
    }
  }
  /// Keeps what describes the object's maps, variables and functions, and its source lines if there is storage for
  /// them. A function that other objects cannot name becomes a static one, so that the verifier looks at it
  /// where it is called.
  constexpr void keep_object() noexcept {
    for (u32 i = 0; i < object_.map_count; ++i) {
      keep(object_.maps[i].key_type);
      if (object_.maps[i].origin == map_origin::declared || object_.maps[i].variable_count != 0)
        keep(object_.maps[i].value_type);
      if (object_.maps[i].origin == map_origin::operations)  // of which the kernel wants any types at all
        keep(object_.maps[i].value_type, kept);
      const map_spec inner = inner_of(types(), object_.maps[i]);
      keep(inner.key_type);
      keep(inner.value_type);
    }
    for (u32 i = 0; i < object_.function_count; ++i) {
      const function_spec& function = object_.functions[i];
      if (function.type == 0) continue;
      keep(function.type);
      if (function.is_hidden && !function.is_program) marks_to_[function.type] |= made_static;
      if (slots_ != 0) keep_lines(function);
    }
    for (u32 i = 0; i < object_.core_count; ++i) keep(object_.cores[i]);
  }
  /// Gives what is kept its new ids, in the old order; tells how many bytes `write` needs, and 0 when that
  /// is more than the kernel takes.
  /// Source: BTF_MAX_SIZE in include/linux/btf.h at v6.12.
  constexpr u32 number() noexcept {
    keep_tags();
    sizes_ = {};
    for (btf_type type = types().first(); type.id != 0; type = types().after(type)) {
      ids_to_[type.id] = 0;
      if (marks_[type.id] == 0) continue;
      ids_to_[type.id] = ++sizes_.count;
      const btf_type left = as_kept(type);
      sizes_.types_size += static_cast<u32>(btf::extent_of(left));
      sizes_.strings_size += name_size(left.name);
      if (sizes_.types_size > largest || sizes_.strings_size > largest) return 0;
      const u32 each = member_size(left);
      u64 name = left.tail();
      for (u32 i = each == 0 ? 0 : left.members; i != 0; name += each) {
        if (!keeps_member(left, name)) continue;
        --i;
        sizes_.strings_size += name_size(types().strings() + types().image().read32(name));
        if (sizes_.strings_size > largest) return 0;
      }
    }
    sizes_.lines_at = sizes_.strings_size;
    sizes_.accesses_at = sizes_.lines_at + lines_size_;
    sizes_.strings_size = sizes_.accesses_at + keep_accesses();
    sizes_.total = static_cast<u32>(abi::btf_header::size) + sizes_.types_size + sizes_.strings_size;
    if (sizes_.total > largest) sizes_.total = 0;
    return sizes_.total;
  }

 private:
  static constexpr u32 largest = 16 << 20;  // bytes

  constexpr void keep(u32 id, u32 wanted) noexcept {
    // Each type enters as often as it gets a mark that it did not have: without its members, with them, and deep.
    u32* const waiting = ids_to_ + types().count() + 1;
    u32 count = 0;
    mark(id, wanted, waiting, count);
    while (count != 0) {
      const u32 next = waiting[--count];
      visit(types().type(next), marks_[next] & (kept | whole | deep), waiting, count);
    }
  }
  constexpr void mark(u32 id, u32 wanted, u32* waiting, u32& count) noexcept {
    if (id == 0 || id > types().count()) return;
    if (types().has_unknown() && !btf::is_known(types().type(id).kind)) return;
    if ((marks_[id] | wanted) == marks_[id]) return;
    marks_to_[id] |= wanted;
    waiting[count++] = id;
  }
  constexpr void visit(const btf_type& type, u32 marks, u32* waiting, u32& count) noexcept {
    using enum abi::btf_kind;
    switch (type.kind) {
      case pointer:
        mark(pointee(type), marks & ~whole, waiting, count);
        return;
      case array:
        mark(types().element_of(type), marks, waiting, count);
        mark(types().image().read32(type.tail() + 4), marks, waiting, count);
        return;
      case structure:
      case union_type:
        for (u32 i = 0; (marks & whole) != 0 && i < type.members; ++i)
          mark(types().member(type, i).type, marks, waiting, count);
        return;
      case function_prototype:
        mark(type.size_or_type, marks | whole, waiting, count);
        for (u32 i = 0; i < type.members; ++i)
          mark(types().image().read32(type.tail() + u64{i} * 8 + 4), marks | whole, waiting, count);
        return;
      case data_section: {
        const map_spec map = map_of(type);  // whose variables are what is written
        for (u32 i = 0; i < map.variable_count; ++i)
          mark(object_.variables[map.first_variable + i].id, marks | whole, waiting, count);
        return;
      }
      case function:
      case variable:
        mark(type.size_or_type, marks | whole, waiting, count);
        return;
      default:
        if (btf::is_modifier(type.kind)) mark(type.size_or_type, marks, waiting, count);
        return;
    }
  }
  // Tags on what is kept, and on members that are.
  constexpr void keep_tags() noexcept {
    if (!types().has(abi::btf_kind::declaration_tag)) return;
    for (btf_type type = types().first(); type.id != 0; type = types().after(type)) {
      if (type.kind != abi::btf_kind::declaration_tag || type.size_or_type > types().count()) continue;
      const bool on_a_member = types().image().read32(type.tail()) != 0xffffffff;
      const u32 marks = marks_[type.size_or_type];
      if ((marks & (on_a_member ? whole : kept)) != 0) marks_to_[type.id] |= kept;
    }
  }
  constexpr void keep_string(u32 offset) noexcept {
    if (offset == 0 || slots_ == 0 || lines_size_ > largest) return;
    const u32 slot = find_slot(offset);
    if (strings_[slot] == offset) return;
    strings_to_[slot] = offset;
    strings_to_[slot + 1] = lines_size_;
    // No sum of two can wrap, and what is too large stays so.
    lines_size_ += static_cast<u32>(types().image().length_of_string(types().strings() + offset)) + 1;
  }

  // Gives each string of CO-RE its place; tells how many bytes they take.
  constexpr u32 keep_accesses() noexcept {
    u32 size = 0;
    for (u32 i = 0; i < object_.core_count; ++i) {
      access_text access;
      write_access(object_.cores[i], access);
      const u32 slot = find_access(access);
      if (accesses_[slot] != 0 || size > largest) continue;
      accesses_to_[slot] = i + 1;
      accesses_to_[slot + 1] = size;
      size += access.size + 1;
    }
    return size;
  }

  u32* marks_to_;
  u32* ids_to_;
  u32* strings_to_;
  u32* accesses_to_;
  u32* members_to_;
  u32 lines_size_ = 0;
};

/// Tells BPF_MAP_CREATE which of `types` describe the map, where its kind may be described.
constexpr void describe_map(const map_spec& map, const pruned_btf& types, abi::map_create& out) noexcept {
  if (kind_of(static_cast<map_type>(map.type)).btf == btf_rule::refused) return;
  const u32 key = types.new_id(map.key_type), value = types.new_id(map.value_type);
  // The kernel wants both or none, but for maps of variables, whose key is void.
  if (value == 0 || (key == 0 && map.origin == map_origin::declared)) return;
  out.btf_key_type_id = key;
  out.btf_value_type_id = value;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PRUNED_BTF_HPP
// Room 5.5, struct_ops: a struct of functions that the kernel calls, as the object has it, brought into the kernel's own
// form: members are found by their names, and may lie elsewhere there.
#ifndef BAREBPF_STRUCT_OPS_HPP
#define BAREBPF_STRUCT_OPS_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Where the kernel has such a struct, which lies in another one that counts who uses it.
struct kernel_operations {
  u32 type = 0;     ///< id of the struct
  u32 wrapper = 0;  ///< id of the struct around it, bpf_struct_ops_NAME: what a map of such has for its value
  u32 value_size = 0;  ///< bytes of that
  u32 data_at = 0;     ///< bytes from its start to the struct
};

/// What a program of a struct is to the kernel: nothing where `type` is 0.
struct operation_target {
  u32 type = 0;    ///< id of the kernel's struct, for `prog_load::attach_btf_id`
  u32 member = 0;  ///< index of the member in it, for `prog_load::expected_attach_type`
};

/// Brings one struct into the kernel's form.
/// Lifetime: looks at the tables and the kernel's types, which must have an index.
/// Source:   bpf_struct_ops_map_update_elem() in kernel/bpf/bpf_struct_ops.c and check_struct_ops_btf_id() in
///           kernel/bpf/verifier.c at v6.12.
class operations_fitter {
 public:
  constexpr operations_fitter(const object_tables& object, const filled_slot* filled, const map_spec& map,
                              const btf& kernel) noexcept
      : object_(object), filled_(filled), map_(map), kernel_(kernel) {}

  /// Finds the kernel's struct, which is called like the object's without its flavour.
  /// Errors: no_kernel_operations.
  /// Cost:   walks over the kernel's types.
  [[nodiscard]] constexpr verdict find(kernel_operations& out) const noexcept {
    constexpr text prefix = "bpf_struct_ops_";
    const btf_type own = object_.types.type(map_.value_type);
    const size_t length = length_without_flavor(object_.image, own.name);
    for (btf_type wrapper = kernel_.first(); wrapper.id != 0; wrapper = kernel_.after(wrapper)) {
      if (wrapper.kind != abi::btf_kind::structure ||
          !kernel_.image().string_starts_with(wrapper.name, prefix) ||
          !is_same(own.name, length, wrapper.name + prefix.size()))
        continue;
      for (u32 i = 0; i < wrapper.members; ++i) {
        const btf_member member = kernel_.member(wrapper, i);
        const btf_type type = kernel_.resolve(member.type);
        if (type.kind != abi::btf_kind::structure || !is_same(own.name, length, type.name)) continue;
        out = {.type = type.id,
               .wrapper = wrapper.id,
               .value_size = wrapper.size_or_type,
               .data_at = kernel_.place_of(wrapper, member).bit / 8};
        const bool is_inside =
            out.value_size >= out.data_at && out.value_size - out.data_at >= type.size_or_type;
        return is_inside ? verdict{} : wrong(cause::no_kernel_operations, own.name, map_.image_at);
      }
    }
    return wrong(cause::no_kernel_operations, own.name, map_.image_at);
  }

  /// Calls `take(program, member of the kernel's, where its descriptor goes in the value)` for each program that the
  /// kernel has a member for, passes over those that it has none for, and copies all other members into `value`, which
  /// has `value_size` bytes of zeros.
  /// Shape:  `take` gives a cause that ends it, or none.
  /// Errors: no_kernel_operation where the kernel lacks what is not zero here, operation_bit_field, another_operation,
  ///         operation_is_no_program for an address that is none.
  template <class Take>
  [[nodiscard]] constexpr verdict fit(const kernel_operations& found, u8* value, Take take) const noexcept {
    const btf& types = object_.types;
    const btf_type own = types.type(map_.value_type), theirs = kernel_.type(found.type);
    u64 covered = 0;  // bytes by all members, so that none lies over another
    const filled_slot *next = filled_ + map_.first_slot, *const end = next + map_.slot_count;
    for (u32 i = 0; i < own.members; ++i) {
      const btf_member member = types.member(own, i);
      const btf::bit_range here = types.place_of(own, member);
      const u32 program = next != end && next->slot == i ? next++->target : not_found;
      const u64 at = map_.image_at + here.bit / 8;
      const auto refuse = [&](cause why) { return wrong(why, member.name, at); };
      const u32 size = types.size_of(member.type);
      if (here.width == 0) covered += size;
      if (here.bit / 8 > map_.image_size || size > map_.image_size - here.bit / 8 ||
          covered > map_.image_size || (here.width != 0 && size > sizeof(u64)))
        return refuse(cause::bad_btf_type);
      const u32 index = find_member(theirs, member.name);
      if (index == not_found) {
        if (!is_zero(at, size)) return refuse(cause::no_kernel_operation);
        continue;
      }
      const btf_member known = kernel_.member(theirs, index);
      const btf::bit_range there = kernel_.place_of(theirs, known);
      if (here.width != 0 || there.width != 0 || here.bit % 8 != 0) return refuse(cause::operation_bit_field);
      const btf_type mine = types.resolve(member.type), its = kernel_.resolve(known.type);
      if (mine.kind != its.kind || size != kernel_.size_of(known.type) ||
          there.bit / 8 > theirs.size_or_type || size > theirs.size_or_type - there.bit / 8)
        return refuse(cause::another_operation);
      const u32 place = found.data_at + there.bit / 8;
      if (mine.kind != abi::btf_kind::pointer) {
        object_.image.copy(at, size, value + place);
        continue;
      }
      if (program == not_found) {
        if (!is_zero(at, size)) return refuse(cause::operation_is_no_program);
        continue;
      }
      if (kernel_.resolve(its.size_or_type).kind != abi::btf_kind::function_prototype)
        return refuse(cause::another_operation);
      if (const cause why = take(program, operation_target{found.type, index}, place); why != cause::none)
        return refuse(why);
    }
    return {};
  }

 private:
  [[nodiscard]] constexpr verdict wrong(cause why, u64 subject, u64 at) const noexcept {
    return {.why = why, .section = map_.section, .offset = at, .subject = subject};
  }
  [[nodiscard]] constexpr bool is_zero(u64 at, u32 size) const noexcept {
    for (u32 i = 0; i < size; ++i)
      if (object_.image.read8(at + i) != 0) return false;
    return true;
  }
  // Whether the first `length` characters of the object's name are all of the kernel's.
  [[nodiscard]] constexpr bool is_same(u64 own, size_t length, u64 its) const noexcept {
    for (size_t i = 0; i < length; ++i)
      if (object_.image.read8(own + i) != kernel_.image().read8(its + i)) return false;
    return kernel_.image().read8(its + length) == 0;
  }
  [[nodiscard]] constexpr u32 find_member(const btf_type& theirs, u64 name) const noexcept {
    const size_t length = object_.image.length_of_string(name);
    for (u32 i = 0; i < theirs.members; ++i)
      if (is_same(name, length, kernel_.member(theirs, i).name)) return i;
    return not_found;
  }

  const object_tables& object_;
  const filled_slot* filled_;
  const map_spec& map_;
  const btf& kernel_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STRUCT_OPS_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

constexpr size_t length_of_place(const bytes& image, const program_spec& program) noexcept {
  return program.place == 0 ? 0 : image.length_of_string(program.place);
}

// Where in the values of structs of functions the descriptor of a program goes.
struct operation_place {
  size_t at = 0;
  u32 program = 0;
};

// The object's maps and programs as the kernel takes them, and the memory that the records point to.
struct object_recipe {
  buffer<abi::map_create> maps, inner_maps;
  buffer<map_duty> duties;
  buffer<char> pins;
  buffer<u64> values;
  buffer<abi::prog_load> programs;
  buffer<program_patch> patches;
  buffer<kernel_type_need> targets;
  buffer<char> places;
  buffer<abi::insn> code;
  buffer<map_reference> references;
  buffer<abi::func_info> functions;
  buffer<abi::line_info> lines;
  buffer<abi::core_relo> cores;
  buffer<program_cores> cores_of;  // one for each program
  buffer<char> license;
  buffer<u32> types;
  buffer<extern_need> externs;
  buffer<type_shape> shapes;
  buffer<char> extern_names;
  buffer<bool> left_out;
  buffer<kernel_operations> operations;      // one for each map, without a type for other maps
  buffer<operation_target> operation_types;  // one for each program
  buffer<operation_place> operation_places;
  buffer<u8> operation_values;  // the structs one behind the other, in the order of their maps
  object_records records;
  u32 longest = 0;  // instructions
};

// Writes such a recipe.
class recipe_writer {
 public:
  recipe_writer(const object_spec& spec, const kernel_name& name, const load_options& options) noexcept
      : spec_(spec), name_(name), options_(options) {}

  // Errors: read_object for a program that cannot be put together; ENOMEM.
  [[nodiscard]] result<object_recipe> write(btf_choice wanted) const noexcept;

 private:
  [[nodiscard]] result<void> add_externs(object_recipe& out) const noexcept;
  [[nodiscard]] result<void> add_maps(const pruned_btf* types, object_recipe& out) const noexcept;
  [[nodiscard]] result<void> add_programs(const pruned_btf* types, bool with_lines,
                                          object_recipe& out) const noexcept;
  // Which programs are not loaded: for now, those that say so themselves.
  [[nodiscard]] result<void> choose_programs(object_recipe& out) const noexcept;
  // What speaks against a program before the kernel is asked; measures it otherwise.
  [[nodiscard]] verdict check_program(u32 index, program_layout& out) const noexcept;
  // Finds the structs of functions in the kernel and brings them into its form; programs that it does not know are left
  // out.
  [[nodiscard]] result<void> add_operations(object_recipe& out) const noexcept;

  const object_spec& spec_;
  const kernel_name& name_;
  const load_options& options_;
};

inline result<void> recipe_writer::add_externs(object_recipe& out) const noexcept {
  const bytes& image = spec_.image();
  const size_t count = spec_.externs().size();
  size_t size = 0;
  for (const extern_spec& one : spec_.externs()) size += image.length_of_string(one.name) + 1;
  auto needs = buffer<extern_need>::of(count);
  auto shapes = buffer<type_shape>::of(count);
  auto names = buffer<char>::of(size);
  if (!needs || !shapes || !names) return error{.at = step::allocate, .code = ENOMEM};
  char* next_name = names->data();
  for (size_t i = 0; i < count; ++i) {
    const extern_spec& one = spec_.externs()[i];
    (*shapes)[i] = shape_of_extern(spec_.types(), one);
    (*needs)[i] = to_need(image, one, next_name, (*shapes)[i].letters);
    next_name += image.copy_string(one.name, next_name, image.length_of_string(one.name) + 1) + 1;
  }
  out.records.externs = needs->data();
  out.records.extern_count = static_cast<u32>(count);
  out.externs = std::move(*needs);
  out.shapes = std::move(*shapes);
  out.extern_names = std::move(*names);
  return {};
}

inline result<void> recipe_writer::add_maps(const pruned_btf* types, object_recipe& out) const noexcept {
  const bytes& image = spec_.image();
  const auto count = static_cast<u32>(spec_.maps().size());
  size_t names = 0, words = 0;
  bool has_inner = false;
  for (const map_spec& map : spec_.maps()) {
    if (map.pinning != 0) names += image.length_of_string(map.name) + 1;
    if (map.has_content()) words += (size_t{map.value_size} + 7) / 8;
    if (map.image_at != 0 && map.origin == map_origin::declared) words += (size_t{map.image_size} + 7) / 8;
    has_inner = has_inner || map.inner != 0;
  }
  auto maps = buffer<abi::map_create>::of(count);
  auto inner_maps = buffer<abi::map_create>::of(has_inner ? count : 0);
  auto duties = buffer<map_duty>::of(count);
  auto pins = buffer<char>::of(names);
  auto values = buffer<u64>::of(words);
  if (!maps || !inner_maps || !duties || !pins || !values) return error{.at = step::allocate, .code = ENOMEM};
  char* next_name = pins->data();
  u64* next_word = values->data();
  data_layout layout;
  for (u32 i = 0; i < count; ++i) {
    const map_spec& map = spec_.maps()[i];
    (*maps)[i] = to_map_create(image, map, name_);
    if (types != nullptr) describe_map(map, *types, (*maps)[i]);
    map_duty& duty = (*duties)[i];
    duty = {.data_at = layout.add(map),
            .slots = spec_.filled_slots().data() + map.first_slot,
            .slot_count = map.slot_count,
            .has_data = map.is_for_variables(),
            .is_frozen = map.is_frozen(),
            .is_config = map.origin == map_origin::config};
    if (map.origin == map_origin::operations) {  // see add_operations
      duty.slot_count = 0;
      continue;
    }
    duty.image_size = map.image_size;
    if (map.inner != 0) {
      const map_spec inner = inner_of(spec_.types(), map);
      (*inner_maps)[i] = to_inner_map_create(image, inner);
      if (types != nullptr) describe_map(inner, *types, (*inner_maps)[i]);
    }
    if (map.pinning != 0) {
      const size_t room = image.length_of_string(map.name) + 1;
      duty.pin = next_name;
      next_name += image.copy_string(map.name, next_name, room) + 1;
    }
    if (map.has_content()) {
      duty.value = next_word;
      image.copy(map.declared_at, map.value_size, reinterpret_cast<u8*>(next_word));
      next_word += (map.value_size + 7) / 8;
    }
    if (map.image_at != 0) {
      duty.value = next_word;
      image.copy(map.image_at, map.image_size, reinterpret_cast<u8*>(next_word));
      next_word += (map.image_size + 7) / 8;
    }
  }
  out.records.maps = maps->data();
  if (has_inner) out.records.inner_maps = inner_maps->data();
  out.records.duties = duties->data();
  out.records.map_count = count;
  out.records.data_size = layout.size;
  out.maps = std::move(*maps);
  out.inner_maps = std::move(*inner_maps);
  out.duties = std::move(*duties);
  out.pins = std::move(*pins);
  out.values = std::move(*values);
  return {};
}

inline result<void> recipe_writer::choose_programs(object_recipe& out) const noexcept {
  auto left_out = buffer<bool>::of(spec_.programs().size());
  if (!left_out) return left_out.error();
  for (size_t i = 0; i < left_out->size(); ++i) (*left_out)[i] = spec_.programs()[i].is_optional;
  options_.choose(left_out->data(), static_cast<u32>(left_out->size()));
  out.left_out = std::move(*left_out);
  return {};
}

inline result<void> recipe_writer::add_operations(object_recipe& out) const noexcept {
  const object_tables tables = spec_.tables();
  const auto count = static_cast<u32>(spec_.programs().size());
  const auto is_operation = [&](u32 program) {
    return spec_.programs()[program].kind.type == abi::prog_type::struct_ops &&
           options_.new_kind_of(program) == nullptr;
  };
  const auto wrong = [&](const verdict& v) {
    error why = to_error(spec_.image(), v);
    why.at = step::fit_operations;
    return why;
  };
  bool has_maps = false, has_programs = false;
  for (const map_spec& map : spec_.maps()) has_maps = has_maps || map.origin == map_origin::operations;
  for (u32 i = 0; i < count; ++i) has_programs = has_programs || is_operation(i);
  if (!has_maps && !has_programs) return {};

  auto found = buffer<kernel_operations>::of(out.maps.size());
  auto targets = buffer<operation_target>::of(count);
  auto places = buffer<operation_place>::of(spec_.filled_slots().size());
  auto is_named = buffer<bool>::of(count);
  if (!found || !targets || !places || !is_named) return error{.at = step::allocate, .code = ENOMEM};
  kernel_types kernel;
  size_t value_size = 0, place_count = 0;
  for (u32 i = 0; i < out.maps.size(); ++i) {
    const map_spec& map = spec_.maps()[i];
    if (map.origin != map_origin::operations) continue;
    for (u32 k = 0; k < map.slot_count; ++k)
      (*is_named)[spec_.filled_slots()[map.first_slot + k].target] = true;
    if (options_.leaves_out_map(i, map.is_optional)) {
      out.maps[i] = {};
      continue;
    }
    outcome row{.at = step::fit_operations};
    if (kernel.types().count() == 0 && !kernel.open(row)) return to_error(row);
    const operations_fitter fitter(tables, spec_.filled_slots().data(), map, kernel.types());
    if (const verdict v = fitter.find((*found)[i]); v.failed()) return wrong(v);
    out.maps[i].btf_vmlinux_value_type_id = (*found)[i].wrapper;
    out.maps[i].value_size = (*found)[i].value_size;
    value_size += (*found)[i].value_size;
  }
  auto values = buffer<u8>::of(value_size);
  if (!values) return values.error();
  size_t value_at = 0;
  for (u32 i = 0; i < out.maps.size(); ++i) {
    if ((*found)[i].type == 0) continue;
    const auto take = [&](u32 program, operation_target target, u32 at) {
      operation_target& known = (*targets)[program];
      if (known.type != 0 && (known.type != target.type || known.member != target.member))
        return cause::operation_of_two;
      known = target;
      (*places)[place_count++] = {value_at + at, program};
      return cause::none;
    };
    const operations_fitter fitter(tables, spec_.filled_slots().data(), spec_.maps()[i], kernel.types());
    if (const verdict v = fitter.fit((*found)[i], values->data() + value_at, take); v.failed())
      return wrong(v);
    value_at += (*found)[i].value_size;
  }
  for (u32 i = 0; i < count; ++i) {
    const program_spec& program = spec_.programs()[i];
    const bool is_called = (*targets)[i].type != 0;
    if (is_called && program.is_optional && !options_.changes_program(i)) out.left_out[i] = false;
    if (out.left_out[i] || !is_operation(i) || is_called) continue;
    if (!(*is_named)[i])
      return wrong({.why = cause::operation_of_nothing,
                    .section = spec_.functions()[program.function].section,
                    .offset = program.section_name,
                    .subject = program.name});
    out.left_out[i] = true;  // no struct that is made has a member for it in this kernel
  }
  places->shrink(place_count);
  out.operations = std::move(*found);
  out.operation_types = std::move(*targets);
  out.operation_places = std::move(*places);
  out.operation_values = std::move(*values);
  return {};
}

inline verdict recipe_writer::check_program(u32 index, program_layout& out) const noexcept {
  const program_spec& program = spec_.programs()[index];
  const function_spec& function = spec_.functions()[program.function];
  if (const cause lacks = program.lacks(); lacks != cause::none && options_.new_kind_of(index) == nullptr)
    return {
        .why = lacks, .section = function.section, .offset = program.section_name, .subject = program.name};
  return lay_out(spec_.tables(), program.function, out);
}

inline result<void> recipe_writer::add_programs(const pruned_btf* types, bool with_lines,
                                                object_recipe& out) const noexcept {
  const object_tables tables = spec_.tables();
  const auto count = static_cast<u32>(spec_.programs().size());
  program_layout layout;
  size_t instructions = 0, references = 0, functions = 0, lines = 0, cores = 0, places = 0;
  for (u32 i = 0; i < count; ++i) {
    const program_spec& program = spec_.programs()[i];
    if (program.kind.needs_kernel_type()) places += detail::length_of_place(spec_.image(), program) + 1;
    if (out.left_out[i]) continue;
    if (const verdict v = check_program(i, layout); v.failed()) {
      const error why = to_error(spec_.image(), v);
      if (options_.refused == nullptr || !options_.refused->add({i, why})) return why;
      out.left_out[i] = true;
      continue;
    }
    instructions += layout.instruction_count;
    references += layout.map_references;
    functions += layout.piece_count;
    if (with_lines) lines += count_lines(tables, layout);
    cores += count_cores(tables, layout);
    if (layout.instruction_count > out.longest) out.longest = layout.instruction_count;
  }
  auto programs = buffer<abi::prog_load>::of(count);
  auto patches = buffer<program_patch>::of(count);
  auto code = buffer<abi::insn>::of(instructions);
  auto names = buffer<map_reference>::of(references);
  auto starts = buffer<abi::func_info>::of(types == nullptr ? 0 : functions);
  auto sources = buffer<abi::line_info>::of(lines);
  auto relocations = buffer<abi::core_relo>::of(types == nullptr ? 0 : cores);
  auto cores_of = buffer<program_cores>::of(types == nullptr || cores == 0 ? 0 : count);
  auto targets = buffer<kernel_type_need>::of(places == 0 ? 0 : count);
  auto target_names = buffer<char>::of(places);
  auto license = buffer<char>::of(
      spec_.license() == 0 ? 1 : static_cast<size_t>(spec_.image().length_of_string(spec_.license()) + 1));
  if (!programs || !patches || !code || !names || !starts || !sources || !relocations || !cores_of ||
      !targets || !target_names || !license)
    return error{.at = step::allocate, .code = ENOMEM};
  if (spec_.license() != 0) spec_.image().copy_string(spec_.license(), license->data(), license->size());
  abi::insn* next_code = code->data();
  map_reference* next_name = names->data();
  abi::func_info* next_start = starts->data();
  abi::line_info* next_source = sources->data();
  abi::core_relo* next_core = relocations->data();
  char* next_target = target_names->data();
  for (u32 i = 0; i < count; ++i) {
    const program_spec& program = spec_.programs()[i];
    if (out.left_out[i]) continue;
    static_cast<void>(lay_out(tables, program.function, layout));
    assemble(tables, layout, map_naming::by_descriptor, next_code, next_name);
    abi::prog_load& attr = (*programs)[i];
    attr = {.prog_type = static_cast<u32>(program.kind.type),
            .insn_cnt = layout.instruction_count,
            .license = license->data(),
            .prog_flags = program.kind.flags,
            .prog_name = kernel_name_at(spec_.image(), program.name),
            .expected_attach_type = static_cast<u32>(program.kind.attach_type)};
    if (out.operation_types.size() != 0 && out.operation_types[i].type != 0) {
      attr.attach_btf_id = out.operation_types[i].type;
      attr.expected_attach_type = out.operation_types[i].member;
    }
    if (program.kind.needs_kernel_type()) {
      const size_t room = detail::length_of_place(spec_.image(), program) + 1;
      (*targets)[i] = {program.kind.rest, next_target};
      next_target += spec_.image().copy_string(program.place, next_target, room) + 1;
    }
    (*patches)[i] = {.code = next_code, .references = next_name, .reference_count = layout.map_references};
    next_code += layout.instruction_count;
    next_name += layout.map_references;
    if (const u32 core_count = count_cores(tables, layout); types != nullptr && core_count != 0) {
      write_cores(tables, layout, *types, next_core);
      attr.core_relo_rec_size = sizeof(abi::core_relo);
      attr.core_relos = next_core;
      attr.core_relo_cnt = core_count;
      (*cores_of)[i] = {next_core, core_count};
      next_core += core_count;
    }
    if (types == nullptr || !layout.has_types) continue;
    write_functions(tables, layout, *types, next_start);
    attr.func_info_rec_size = sizeof(abi::func_info);
    attr.func_info = next_start;
    attr.func_info_cnt = layout.piece_count;
    next_start += layout.piece_count;
    const u32 line_count = with_lines ? count_lines(tables, layout) : 0;
    if (line_count == 0) continue;
    write_lines(tables, layout, *types, next_source);
    attr.line_info_rec_size = sizeof(abi::line_info);
    attr.line_info = next_source;
    attr.line_info_cnt = line_count;
    next_source += line_count;
  }
  out.records.programs = programs->data();
  out.records.patches = patches->data();
  out.records.program_count = count;
  out.programs = std::move(*programs);
  out.patches = std::move(*patches);
  out.code = std::move(*code);
  out.references = std::move(*names);
  out.functions = std::move(*starts);
  out.lines = std::move(*sources);
  out.cores = std::move(*relocations);
  if (cores_of->size() != 0) out.records.cores = cores_of->data();
  out.cores_of = std::move(*cores_of);
  if (places != 0) out.records.targets = targets->data();
  out.targets = std::move(*targets);
  out.places = std::move(*target_names);
  out.license = std::move(*license);
  return {};
}

inline result<object_recipe> recipe_writer::write(btf_choice wanted) const noexcept {
  const object_tables tables = spec_.tables();
  const u32 lines = wanted == btf_choice::all ? spec_.line_count() : 0;
  auto storage = buffer<u32>::of(
      pruned_btf::storage_size(tables.types.count(), lines, tables.core_count, tables.types.types_size()));
  if (!storage) return storage.error();
  btf_pruner types(tables, storage->data(), lines);
  types.keep_object();
  const u32 size = types.number();
  result<object_recipe> out(std::in_place);
  out->records.btf_is_required = types.is_required();
  const bool with_types = size != 0 && types.count() != 0 &&
                          (wanted != btf_choice::none || types.is_required() || tables.core_count != 0);
  if (with_types) {
    auto image = buffer<u32>::of((size_t{size} + 3) / 4);
    if (!image) return image.error();
    types.write(image->data(), reinterpret_cast<u8*>(image->data() + types.head_words()));
    out->records.btf = image->data();
    out->records.btf_size = size;
    out->types = std::move(*image);
  }
  const pruned_btf* const told = with_types ? &types : nullptr;
  if (const auto added = add_externs(*out); !added) return added.error();
  if (const auto added = add_maps(told, *out); !added) return added.error();
  if (const auto chosen = choose_programs(*out); !chosen) return chosen.error();
  if (const auto added = add_operations(*out); !added) return added.error();
  if (const auto added = add_programs(told, lines != 0, *out); !added) return added.error();
  return out;
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_RECIPE_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The first values of an object's global variables, to be changed before it is loaded.
/// Lifetime: valid as long as the object that made it.
class object_data {
 public:
  /// The variable called `wanted`.
  /// Errors: no_such_variable, wrong_variable_size, wrong_variable_sign; kernel_decides for a __kconfig variable,
  ///         lies_in_arena for one with __arena; about the variable's name.
  template <class T>
  [[nodiscard]] result<T*> variable(text wanted) noexcept {
    const u32 index = spec_->find_variable(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_variable}.about(wanted);
    const variable_spec& found = spec_->variables()[index];
    if (const cause fault = can_be_set_as<T>(spec_->maps()[found.map], found); fault != cause::none)
      return error{.at = step::find, .why = fault, .offset = found.declared_at}.about(wanted);
    data_layout layout;
    for (u32 i = 0; i < found.map; ++i) layout.add(spec_->maps()[i]);
    return reinterpret_cast<T*>(reinterpret_cast<unsigned char*>(content_.data()) + layout.size +
                                found.offset);
  }
  /// For `load_options::data`.
  [[nodiscard]] span<const unsigned char> view() const noexcept {
    return {content_.size() == 0 ? nullptr : content_.data()->bytes, content_.size() * sizeof(chunk)};
  }

 private:
  friend class object;

  struct alignas(data_layout::alignment) chunk {
    unsigned char bytes[data_layout::alignment];
  };
  // Copies what the object holds.
  [[nodiscard]] static result<object_data> of(const object_spec& spec) noexcept {
    data_layout layout;
    for (const map_spec& map : spec.maps()) layout.add(map);
    auto content = buffer<chunk>::of(static_cast<size_t>(layout.size / sizeof(chunk)));
    if (!content) return content.error();
    data_layout place;
    for (const map_spec& map : spec.maps())
      if (const u64 at = place.add(map); map.has_content())
        spec.image().copy(map.declared_at, map.value_size,
                          reinterpret_cast<unsigned char*>(content->data()) + at);
    return object_data(spec, std::move(*content));
  }
  object_data(const object_spec& spec, buffer<chunk> content) noexcept
      : spec_(&spec), content_(std::move(content)) {}

  const object_spec* spec_;
  buffer<chunk> content_;
};

/// A BPF object file.
/// Lifetime: what it loads does not need it any longer.
class object {
 public:
  /// Reads the object file at `path`, which ends with a NUL.
  /// Errors: open_file, read_file with errno; read_object with the cause, the byte offset and the section.
  [[nodiscard]] static result<object> open(const char* path) noexcept {
    auto content = read_file(path);
    if (!content) return content.error().about(path);
    auto spec = object_spec::read(bytes(content->data(), content->size()));
    if (!spec) return spec.error();
    object out(std::move(*content), std::move(*spec));
    out.name_ = object_name_of(path);
    return out;
  }
  /// Reads an object that is in memory already.
  /// Lifetime: `size` bytes at `image` must stay as long as this object.
  [[nodiscard]] static result<object> open(const void* image, size_t size) noexcept {
    auto spec = object_spec::read(bytes(static_cast<const unsigned char*>(image), size));
    if (!spec) return spec.error();
    return object(buffer<unsigned char>(), std::move(*spec));
  }

  [[nodiscard]] const object_spec& spec() const noexcept { return spec_; }

  /// Creates the maps and loads the programs.
  /// Errors: of the first map or program that the kernel refuses; what was made before is given back. read_object for
  ///         a program that cannot be put together; read_kconfig and find_kernel_name for what the kernel does not
  ///         have; ENOMEM.
  /// Cost:   one bpf(2) call for each map and program and one for their types; two more for each section of
  ///         variables, one for each slot that it fills, and a map that goes again for each map of maps.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] result<loaded_object> load(const load_options& options = {}) const noexcept;

  /// What is to be different about the map called `wanted`, for `load_options::maps`.
  /// Errors: no_such_map, about the name.
  [[nodiscard]] result<map_change> change(text wanted, const map_settings& settings) const noexcept {
    const u32 index = spec_.find_map(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_map}.about(wanted);
    return map_change::of(index, settings);
  }

  /// What is to be different about the program called `wanted`, for `load_options::programs`:
  /// `object.change_program("filter", {.section = "xdp"})`.
  /// Errors: no_such_program; unknown_section for a name that tells no type of programs. About the program's name.
  [[nodiscard]] result<program_change> change_program(text wanted,
                                                      const program_settings& settings) const noexcept {
    const u32 index = spec_.find_program(wanted);
    if (index == not_found) return error{.at = step::find, .why = cause::no_such_program}.about(wanted);
    const program_change out = program_change::of(index, settings);
    if (settings.section != nullptr && out.kind.type == abi::prog_type::unspec)
      return error{.at = step::find, .why = cause::unknown_section}.about(wanted, settings.section);
    return out;
  }

  /// The first values of the global variables, to be changed and then given to `load`.
  /// Errors: ENOMEM.
  [[nodiscard]] result<object_data> data() const noexcept { return object_data::of(spec_); }

 private:
  object(buffer<unsigned char> content, object_spec spec) noexcept
      : content_(std::move(content)),
        spec_(std::move(spec)),
        name_(object_name_at(spec_.image(), spec_.source())) {}

  // Copies the names out of the image.
  [[nodiscard]] result<void> name_all(const load_options& options, loaded_object& out) const noexcept;

  buffer<unsigned char> content_;
  object_spec spec_;
  kernel_name name_;
};

inline result<void> object::name_all(const load_options& options, loaded_object& out) const noexcept {
  const bytes& image = spec_.image();
  size_t size = 1;
  for (const map_spec& map : spec_.maps()) size += image.length_of_string(map.name);
  for (const variable_spec& variable : spec_.variables()) size += image.length_of_string(variable.name);
  for (const program_spec& program : spec_.programs())
    size += image.length_of_string(program.name) + detail::length_of_place(image, program);
  for (const program_change& change : options.programs) size += text(change.place).size();
  auto names = buffer<char>::of(size);
  if (!names) return names.error();
  out.names_ = std::move(*names);
  size_t used = 0;
  const auto keep = [&](u64 at) {
    const loaded_object::extent where{used, image.copy_string(at, out.names_.data() + used, size - used)};
    used += where.size;
    return where;
  };
  for (size_t i = 0; i < spec_.maps().size(); ++i) {
    out.maps_[i].spec = spec_.maps()[i];
    out.maps_[i].name = keep(spec_.maps()[i].name);
  }
  for (size_t i = 0; i < spec_.variables().size(); ++i) {
    out.variables_[i].spec = spec_.variables()[i];
    out.variables_[i].name = keep(spec_.variables()[i].name);
  }
  for (size_t i = 0; i < spec_.programs().size(); ++i) {
    const program_spec& program = spec_.programs()[i];
    out.programs_[i].name = keep(program.name);
    out.programs_[i].kind = program.kind;
    if (program.place != 0) out.programs_[i].place = keep(program.place);
    if (const program_change* const change = options.new_kind_of(static_cast<u32>(i)); change != nullptr) {
      out.programs_[i].kind = change->kind;
      out.programs_[i].place = {used, 0};
      for (const char* c = change->place; *c != '\0'; ++c, ++out.programs_[i].place.size)
        out.names_[used++] = *c;
    }
  }
  return {};
}

template <load_policy Policy>
result<loaded_object> object::load(const load_options& options) const noexcept {
  if (spec_.image().is_foreign())
    return to_error(spec_.image(), {.why = cause::foreign_byte_order, .offset = abi::elf_header::ident_data});
  auto made = detail::recipe_writer(spec_, name_, options).write(Policy.btf);
  if (!made) return made.error();
  const object_records& records = made->records;
  auto scratch = buffer<abi::insn>::of(made->longest);
  auto map_descriptors = buffer<fd>::of(records.map_count);
  auto program_descriptors = buffer<fd>::of(records.program_count);
  auto pinned = buffer<bool>::of(records.map_count);
  auto targets = buffer<u32>::of(records.program_count);
  auto maps = buffer<loaded_object::loaded_map>::of(records.map_count);
  auto variables = buffer<loaded_object::loaded_variable>::of(spec_.variables().size());
  auto programs = buffer<loaded_object::loaded_program>::of(records.program_count);
  auto externs = buffer<resolved_extern>::of(records.extern_count);
  auto modules = buffer<int>::of(records.extern_count == 0 ? 0 : records.extern_count + 1);
  auto config = buffer<u8>::of(spec_.config_size());
  if (!externs || !modules || !config) return error{.at = step::allocate, .code = ENOMEM};
  if (!scratch || !map_descriptors || !program_descriptors || !pinned || !targets || !maps || !variables ||
      !programs)
    return error{.at = step::allocate, .code = ENOMEM};
  loaded_object out;
  out.maps_ = std::move(*maps);
  out.variables_ = std::move(*variables);
  out.programs_ = std::move(*programs);
  if (const auto named = name_all(options, out); !named) return named.error();
  outcome row;
  char missing[error::name_size] = {};
  load_records<load_needs{.kernel_cores = Policy.core != core_way::library,
                          .own_cores = Policy.core != core_way::kernel}>(
      records,
      {.maps = map_descriptors->data(),
       .programs = program_descriptors->data(),
       .targets = targets->data(),
       .pinned = pinned->data(),
       .left_out = made->left_out.data(),
       .scratch = scratch->data(),
       .externs = externs->data(),
       .config = config->data(),
       .modules = modules->data(),
       .missing = missing},
      options, row);
  if (row.failed()) return to_error(row);
  size_t value_at = 0;
  for (u32 i = 0; i < records.map_count; ++i) {
    out.maps_[i].descriptor = std::move((*map_descriptors)[i]);
    if (made->operations.size() == 0 || made->operations[i].type == 0) continue;
    out.maps_[i].spec.value_size = made->operations[i].value_size;
    out.maps_[i].value_at = value_at;
    value_at += made->operations[i].value_size;
  }
  for (u32 i = 0; i < records.program_count; ++i)
    out.programs_[i].descriptor = std::move((*program_descriptors)[i]);
  // Where the kernel calls a program, its descriptor stands in the value.
  out.values_ = std::move(made->operation_values);
  for (const auto& one : made->operation_places) {
    const fd& program = out.programs_[one.program].descriptor;
    const u64 number = program.is_open() ? program.raw() : 0;
    __builtin_memcpy(out.values_.data() + one.at, &number, sizeof number);
  }
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OBJECT_HPP
// Room 10.11, perfbuf: takes the samples that programs put out through a perf event array, from a ring for each CPU.
#ifndef BAREBPF_PERFBUF_HPP
#define BAREBPF_PERFBUF_HPP

// Room 7.11, map/ring: what ring buffers have in common: memory that the kernel and this process read and write at
// the same time, positions in it, and records.
#ifndef BAREBPF_MAP_RING_HPP
#define BAREBPF_MAP_RING_HPP

// Room 6.7, wait: sleeps until something is ready, a deadline passes or somebody says stop.
#ifndef BAREBPF_WAIT_HPP
#define BAREBPF_WAIT_HPP

namespace barebpf::inline BAREBPF_ABI {

/// A length of time in whole units of a nanosecond or more, of the form of std::chrono::duration.
template <class T>
concept whole_duration = std::integral<typename T::rep> && T::period::den <= 1'000'000'000;

/// A moment at which waiting ends, on the clock that nobody sets.
/// Source: CLOCK_MONOTONIC in clock_gettime(2).
class deadline {
 public:
  /// Waits as long as it takes.
  [[nodiscard]] static constexpr deadline never() noexcept { return deadline(no_end); }
  /// Does not wait at all.
  [[nodiscard]] static constexpr deadline now() noexcept { return deadline(0); }
  /// So many nanoseconds from now.
  /// Cost: one system call.
  [[nodiscard]] static deadline after_nanoseconds(u64 nanoseconds) noexcept {
    const u64 present = clock();
    return deadline(nanoseconds < no_end - present ? present + nanoseconds : no_end);
  }
  /// So long from now: `deadline::after(std::chrono::milliseconds(100))`.
  /// Cost: one system call.
  template <whole_duration Duration>
  [[nodiscard]] static deadline after(Duration length) noexcept {
    constexpr u64 second = 1'000'000'000;
    constexpr auto numerator = static_cast<u64>(Duration::period::num);
    constexpr auto denominator = static_cast<u64>(Duration::period::den);
    if (length.count() <= 0) return now();
    // Whole seconds apart, so that no product overflows before its time.
    const auto ticks = static_cast<u64>(length.count());
    if (ticks / denominator >= no_end / second / numerator) return never();
    return after_nanoseconds(ticks / denominator * numerator * second +
                             ticks % denominator * numerator * second / denominator);
  }

  [[nodiscard]] constexpr bool is_never() const noexcept { return end_ == no_end; }
  /// Nanoseconds until then, 0 once it has passed.
  /// Cost: one system call, none for `now()` and `never()`.
  [[nodiscard]] u64 left() const noexcept {
    if (end_ == 0 || is_never()) return end_;
    const u64 present = clock();
    return end_ > present ? end_ - present : 0;
  }

 private:
  static constexpr u64 no_end = ~u64{0};
  explicit constexpr deadline(u64 end) noexcept : end_(end) {}
  [[nodiscard]] static u64 clock() noexcept;

  u64 end_;
};

namespace detail {

// Of 64 bits on every machine, see the numbers below.
struct kernel_time {
  s64 seconds;
  s64 nanoseconds;
};
#if defined(__NR_ppoll_time64)
inline constexpr long nr_ppoll = __NR_ppoll_time64, nr_clock_gettime = __NR_clock_gettime64;
#else
inline constexpr long nr_ppoll = __NR_ppoll, nr_clock_gettime = __NR_clock_gettime;
#endif

// struct pollfd.
struct awaited {
  int number;
  s16 events;
  s16 seen;
};
inline constexpr s16 poll_in = 0x001, poll_nval = 0x020;  // POLLIN, POLLNVAL
inline constexpr u32 epoll_in = 0x001, epoll_out = 0x004, epoll_et = 1u << 31;

// struct epoll_event, which x86-64 packs.
#if defined(__x86_64__)
struct [[gnu::packed]] epoll_interest {
#else
struct epoll_interest {
#endif
  u32 events;
  u64 data;
};

// A signal does not end the wait. Shape: how many are ready, 0 when the deadline has passed, or negative errno.
[[nodiscard]] inline long wait_for(awaited* list, size_t count, const deadline& end) noexcept {
  for (size_t i = 0; i < count; ++i)
    if (list[i].number < 0) return -EBADF;  // which ppoll would pass over
  // The kernel wakes nobody who has records left, so what was taken must be seen before it looks for new ones.
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  long ready = -EINTR;
  while (ready == -EINTR) {
    const u64 left = end.left();
    const kernel_time time{.seconds = static_cast<s64>(left / 1'000'000'000),
                           .nanoseconds = static_cast<s64>(left % 1'000'000'000)};
    ready = system_call(nr_ppoll, list, count, end.is_never() ? nullptr : &time, nullptr, 0);
  }
  for (size_t i = 0; ready > 0 && i < count; ++i)
    if ((list[i].seen & poll_nval) != 0) return -EBADF;
  return ready;
}

}  // namespace detail

inline u64 deadline::clock() noexcept {
  constexpr long monotonic = 1;  // CLOCK_MONOTONIC
  detail::kernel_time time{};
  system_call(detail::nr_clock_gettime, monotonic, &time);
  return static_cast<u64>(time.seconds) * 1'000'000'000 + static_cast<u64>(time.nanoseconds);
}

/// What has a descriptor: maps, ring buffers, stoppers.
template <class T>
concept has_descriptor = requires(const T& what) {
  { what.descriptor() } -> std::same_as<const fd&>;
};

/// Which of the things that were waited for are ready; none when the deadline passed.
class readiness {
 public:
  explicit constexpr readiness(u32 bits) noexcept : bits_(bits) {}
  /// True when the deadline did not pass.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return bits_ != 0; }
  /// True when argument `which` is ready, counted from 0.
  [[nodiscard]] constexpr bool operator[](u32 which) const noexcept { return (bits_ >> which & 1) != 0; }

 private:
  u32 bits_;
};

/// Sleeps until the descriptor of one of `things` is readable or `end` has come: `wait(deadline::never(), events, stop)`.
/// What can say itself whether it is ready (`is_ready`) has the last word.
/// Shape:   which are ready, in the order of the arguments. A signal does not end the wait.
/// Errors:  EBADF when one of them has no descriptor.
/// Threads: each thread may wait for the same things; all wake.
/// Cost:    one system call, and one to read the clock.
/// Source:  ppoll(2).
template <has_descriptor... Things>
[[nodiscard]] result<readiness> wait(const deadline& end, const Things&... things) noexcept {
  static_assert(sizeof...(Things) >= 1 && sizeof...(Things) <= 32,
                "barebpf: one call waits for 1 to 32 things, so put more of them into a wait_set");
  detail::awaited list[] = {{things.descriptor().number(), detail::poll_in, 0}...};
  const auto find_ready = [&] {
    u32 bits = 0, i = 0;
    const auto look = [&](const auto& thing) {
      bool ready = list[i].seen != 0;
      if constexpr (requires { thing.is_ready(); }) ready = thing.is_ready();
      bits |= u32{ready} << i++;
    };
    (look(things), ...);
    return bits;
  };
  for (;;) {
    // Who is ready without the kernel must not hide the others, such as a stopper.
    const long woken = detail::wait_for(list, sizeof...(Things), find_ready() != 0 ? deadline::now() : end);
    if (woken < 0) return failure(step::wait, woken);
    if (const u32 bits = find_ready(); bits != 0 || woken == 0) return readiness(bits);
    for (detail::awaited& one : list) one.seen = 0;
  }
}

/// Ends a wait from another thread or from a signal handler: give it to `wait` beside what you wait for.
/// Lifetime: whoever waits must be done before it goes.
/// Threads:  safe on one object from several threads.
/// Source:   eventfd(2).
class stopper {
 public:
  /// Errors: EMFILE and its like.
  [[nodiscard]] static result<stopper> make() noexcept {
    constexpr long close_on_exec_nonblocking = 02004000;  // EFD_CLOEXEC | EFD_NONBLOCK
    const long opened = move_away(system_call(__NR_eventfd2, 0, close_on_exec_nonblocking));
    if (opened < 0) return failure(step::wait, opened);
    return stopper(fd::own(opened));
  }

  /// Wakes all who wait, now and from now on, until `reset`.
  void stop() const noexcept {
    const u64 one = 1;
    system_call(__NR_write, event_.number(), &one, sizeof one);
  }
  /// Lets the next wait wait again.
  void reset() const noexcept {
    u64 count = 0;
    system_call(__NR_read, event_.number(), &count, sizeof count);
  }
  [[nodiscard]] const fd& descriptor() const noexcept { return event_; }

 private:
  explicit stopper(fd event) noexcept : event_(std::move(event)) {}
  fd event_;
};

/// Any number of things to wait for, as one.
/// Lifetime: what was added must stay open as long as the set is waited for.
/// Threads:  safe on one object from several threads.
/// Source:   epoll(7).
class wait_set {
 public:
  /// Errors: EMFILE and its like.
  [[nodiscard]] static result<wait_set> make() noexcept {
    constexpr long close_on_exec = 02000000;  // EPOLL_CLOEXEC
    const long opened = move_away(system_call(__NR_epoll_create1, close_on_exec));
    if (opened < 0) return failure(step::wait, opened);
    return wait_set(fd::own(opened));
  }

  /// From now on the set is ready when `thing` is.
  /// Errors: EBADF when it has no descriptor; EEXIST when it was added before.
  template <has_descriptor Thing>
  [[nodiscard]] result<void> add(const Thing& thing) noexcept {
    if (const long answer = add(thing.descriptor().number(), detail::epoll_in); answer < 0)
      return failure(step::wait, answer);
    return {};
  }
  /// The same for the descriptor `number` and other events, EPOLLOUT and its siblings.
  /// Shape: 0, or negative errno.
  [[nodiscard]] long add(int number, u32 events) noexcept {
    constexpr long add_interest = 1;  // EPOLL_CTL_ADD
    const detail::epoll_interest interest{.events = events, .data = static_cast<u32>(number)};
    return system_call(__NR_epoll_ctl, set_.number(), add_interest, number, &interest);
  }
  /// Takes note of one thing that is ready without waiting: of an event that is told only once (EPOLLET), the set
  /// knows nothing more afterwards.
  void take() const noexcept {
    detail::epoll_interest seen;
    system_call(__NR_epoll_pwait, set_.number(), &seen, 1, 0, nullptr, 0);
  }
  [[nodiscard]] const fd& descriptor() const noexcept { return set_; }

 private:
  explicit wait_set(fd set) noexcept : set_(std::move(set)) {}
  fd set_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_WAIT_HPP

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// A field of memory that the kernel wrote.
template <class T>
[[nodiscard]] inline T read_field(const unsigned char* at) noexcept {
  T out;
  __builtin_memcpy(&out, at, sizeof out);
  return out;
}

// Positions count bytes and never go back; only their differences are used. The kernel has them in an unsigned long of
// its own, of which a program of 32 bits reads the lower half: a ring has less than 4 GiB, so that is enough. What it
// writes must be whole all the same, for a kernel of 64 bits.
[[nodiscard]] inline size_t load_position(const unsigned char* at) noexcept {
  return __atomic_load_n(reinterpret_cast<const size_t*>(at), __ATOMIC_ACQUIRE);
}
inline void store_position(unsigned char* at, u64 position) noexcept {
  if constexpr (__atomic_always_lock_free(sizeof(u64), nullptr)) {
    __atomic_store_n(reinterpret_cast<u64*>(at), position, __ATOMIC_RELEASE);
  } else {
    // Between the two the ring looks full to the kernel, once in 4 GiB.
    u32* const halves = reinterpret_cast<u32*>(at);
    __atomic_store_n(halves + 1, static_cast<u32>(position >> 32), __ATOMIC_RELEASE);
    __atomic_store_n(halves, static_cast<u32>(position), __ATOMIC_RELEASE);
  }
}
// A position that only this side writes. Whoever subtracts reads the position that is behind first, so that the
// difference may come out too large, and never negative, when somebody goes on meanwhile.
[[nodiscard]] inline u64 load_own_position(const unsigned char* at) noexcept {
  if constexpr (__atomic_always_lock_free(sizeof(u64), nullptr))
    return __atomic_load_n(reinterpret_cast<const u64*>(at), __ATOMIC_ACQUIRE);
  return read_field<u64>(at);
}

// The header of a record.
// Source: struct bpf_ringbuf_hdr in kernel/bpf/ringbuf.c and BPF_RINGBUF_BUSY_BIT in include/uapi/linux/bpf.h at v6.12.
inline constexpr u32 record_header = 8, record_is_busy = 1u << 31, record_is_discarded = 1u << 30;
inline constexpr u32 record_length = record_is_discarded - 1;

// What a record of so many bytes takes in the ring.
[[nodiscard]] constexpr u64 room_of(u32 length) noexcept {
  return (u64{length} + record_header + 7) & ~u64{7};
}

// Holds a descriptor of the map that `number` belongs to, which must be one of `type`.
[[nodiscard]] inline result<abi::map_info> hold_ring(int number, map_type type, fd& held) noexcept {
  // Only the kernel knows where it keeps the lower half.
  if constexpr (sizeof(size_t) < sizeof(u64) && host_is_big_endian)
    return failure(step::open_map, -EOPNOTSUPP);
  auto info = ask_about_map(number);
  if (!info) return info;
  if (info->type != static_cast<u32>(type)) {
    if (const error why = another_map(number, *info); why.why == cause::not_a_map) return why;
    return error{.at = step::find, .why = cause::wrong_map_type}.about(info->name);
  }
  const long own = duplicate(number);
  if (own < 0) return failure(step::open_map, own).about(info->name);
  held.fill(own);
  return info;
}

}  // namespace detail

/// Bytes that one side of a ring buffer sent to the other.
/// Lifetime: valid until the callable that it was given to returns.
class record_view {
 public:
  constexpr record_view(const unsigned char* first, u32 size) noexcept : first_(first), size_(size) {}

  [[nodiscard]] constexpr span<const unsigned char> bytes() const noexcept { return {first_, size_}; }
  [[nodiscard]] constexpr const unsigned char* data() const noexcept { return first_; }
  [[nodiscard]] constexpr u32 size() const noexcept { return size_; }

 protected:
  template <class T>
  static constexpr void demand_plain() noexcept {
    static_assert(std::is_trivially_copyable_v<T>,
                  "barebpf: programs send raw bytes, so the type of a record must be trivially copyable");
  }

  const unsigned char* first_;
  u32 size_;
};

namespace detail {

// A typed map of another type is told apart before it runs.
template <map_type Wanted, class Map>
constexpr void demand_type() noexcept {
  if constexpr (requires { Map::type; })
    static_assert(
        Map::type == Wanted,
        "barebpf: each kind of ring buffer is a map type of its own, so use the class of this map's type");
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_RING_HPP

namespace barebpf::inline BAREBPF_ABI {

/// What `perfbuf::open` makes.
struct perfbuf_options {
  u32 pages = 8;          ///< of the ring of each CPU, a power of two
  u32 wakeup_events = 1;  ///< samples of one CPU after which it wakes whoever waits
};

/// The consumer of a map of type perf_event_array: `events->consume([](const perfbuf::sample& s) { ... })`.
/// Shape:    a perf event and a ring for each CPU that runs when it is opened, in the slot of that CPU's number; a CPU
///           that comes later has none, and neither has one past the end of the map.
/// Lifetime: holds the map by itself, and empties its slots when it goes: one perfbuf for each map at a time.
/// Threads:  one thread consumes at a time; programs put out samples on all CPUs meanwhile.
/// Kernel:   4.4, bpf_perf_event_output().
/// Source:   perf_event_open(2); __bpf_perf_event_output() in kernel/trace/bpf_trace.c at v6.12.
class perfbuf {
 public:
  /// What a program put out. The kernel lengthens it by up to 7 bytes, so that it ends at a multiple of 8.
  class sample : public record_view {
   public:
    constexpr sample(const unsigned char* first, u32 size, u32 cpu) noexcept
        : record_view(first, size), cpu_(cpu) {}

    /// Copies the sample into `out`; false when it has another size, and `out` is then as it was. There is no
    /// reference to it, since it lies at an odd multiple of 4 bytes.
    template <class T>
    [[nodiscard]] bool copy_to(T& out) const noexcept {
      demand_plain<T>();
      if (size_ < sizeof(T) || size_ > sizeof(T) + 7) return false;
      __builtin_memcpy(&out, first_, sizeof(T));
      return true;
    }
    /// The CPU that it comes from.
    [[nodiscard]] constexpr u32 cpu() const noexcept { return cpu_; }

   private:
    u32 cpu_;
  };

  /// Opens an event for each CPU, maps its ring and puts it into its slot of `map`. After a failure the slots are
  /// empty.
  /// Errors: wrong_map_type; not_a_map; EBADFD for a closed descriptor; bad_page_count; EPERM for more pages than the
  ///         process may lock; those of perf_event_open(2), about the CPU: EACCES without CAP_PERFMON, EMFILE; ENODEV
  ///         when no CPU of the map runs.
  /// Cost:   seven system calls, and four for each CPU.
  [[nodiscard]] static result<perfbuf> open(const fd& map, const perfbuf_options& options = {}) noexcept;
  /// The same for a typed map; one of another type does not compile.
  template <has_descriptor Map>
  [[nodiscard]] static result<perfbuf> open(const Map& map, const perfbuf_options& options = {}) noexcept {
    detail::demand_type<map_type::perf_event_array, Map>();
    return open(map.descriptor(), options);
  }

  /// Gives the samples that are there to `use`, those of each CPU oldest first, at most `at_most`; each is gone when
  /// `use` returns. If that returns false, this one was the last. The next call goes on with the next CPU.
  /// Shape: how many `use` was given. What comes meanwhile waits for the next call, so each call ends, however fast
  ///        programs are.
  /// Cost:  no system call; samples that reach over the end of a ring are copied.
  template <class Use>
  u64 consume(Use&& use, u64 at_most = ~u64{0}) {
    u64 used = 0;
    bool goes_on = true;
    for (size_t i = 0; i < rings_.size() && used < at_most && goes_on; ++i) {
      ring& from = rings_[next_ring_];
      next_ring_ = next_ring_ + 1 < rings_.size() ? next_ring_ + 1 : 0;
      u64 at = from.taken();
      for (const size_t end = from.put(); used < at_most && goes_on && static_cast<size_t>(at) != end;) {
        const unsigned char* const first = from.whole_record(at, copy_.data());
        const auto header = detail::read_field<abi::perf_event_header>(first);
        const unsigned char* const body = first + sizeof header;
        if (header.type == abi::perf_record_sample) {
          ++used;
          const sample what(body + sizeof(u32), detail::read_field<u32>(body), from.cpu);
          if constexpr (std::is_void_v<decltype(use(what))>)
            use(what);
          else
            goes_on = use(what);
        } else if (header.type == abi::perf_record_lost) {
          lost_ += detail::read_field<u64>(body + sizeof(u64));
        }
        at += header.size;
        from.release(at);
      }
    }
    return used;
  }

  /// How many samples found their ring full, as far as `consume` has come: the kernel tells in its place in the ring,
  /// with the first sample that finds room again.
  [[nodiscard]] u64 lost() const noexcept { return lost_; }
  /// How many CPUs have a ring.
  [[nodiscard]] u32 cpus() const noexcept { return static_cast<u32>(rings_.size()); }
  /// How many bytes wait to be consumed, of all CPUs.
  [[nodiscard]] u64 available() const noexcept {
    u64 out = 0;
    for (const ring& from : rings_) out += from.available();
    return out;
  }

  /// For `wait`, which also asks `is_ready`: the kernel tells of samples once and no more. Who waits for this descriptor
  /// in another way, or in a set, must consume all that is there before he waits again.
  [[nodiscard]] const fd& descriptor() const noexcept { return any_.descriptor(); }
  /// True while there is something to consume.
  /// Cost: no system call.
  [[nodiscard]] bool is_ready() const noexcept {
    for (const ring& from : rings_)
      if (from.available() != 0) return true;
    return false;
  }

  perfbuf(perfbuf&&) noexcept = default;
  perfbuf& operator=(perfbuf&& other) noexcept {
    perfbuf taken(std::move(other));
    std::swap(map_, taken.map_);
    std::swap(any_, taken.any_);
    std::swap(rings_, taken.rings_);
    std::swap(copy_, taken.copy_);
    std::swap(next_ring_, taken.next_ring_);
    std::swap(lost_, taken.lost_);
    return *this;
  }
  ~perfbuf() {
    const auto slots = untyped_map::borrow(map_.number(), {});
    for (const ring& of : rings_)
      if (of.event.is_open()) static_cast<void>(slots.delete_elem(&of.cpu));
  }

 private:
  static constexpr size_t largest_record = 65536;  // perf_event_header::size is 16 bits

  struct ring {
    u32 cpu = 0;
    size_t mask = 0;
    fd event;
    detail::mapping memory;
    const unsigned char* data = nullptr;

    static constexpr size_t head = offsetof(abi::perf_event_mmap_page, data_head);
    static constexpr size_t tail = offsetof(abi::perf_event_mmap_page, data_tail);
    // Of the 64 bits the lower half is enough, see room 7.8.
    static constexpr size_t lower_half = host_is_big_endian ? sizeof(u64) - sizeof(size_t) : 0;

    [[nodiscard]] size_t put() const noexcept {
      return detail::load_position(memory.data() + head + lower_half);
    }
    [[nodiscard]] u64 taken() const noexcept { return detail::load_own_position(memory.data() + tail); }
    void release(u64 at) const noexcept { detail::store_position(memory.data() + tail, at); }
    [[nodiscard]] size_t available() const noexcept {
      const u64 before = taken();
      return put() - static_cast<size_t>(before);
    }

    // The record at `at`, put together in `copy` where it reaches over the end.
    [[nodiscard]] const unsigned char* whole_record(u64 at, unsigned char* copy) const noexcept {
      const size_t from = static_cast<size_t>(at) & mask;
      // The header never does: records begin at multiples of 8.
      const size_t size = detail::read_field<abi::perf_event_header>(data + from).size;
      const size_t until_end = mask + 1 - from;
      if (size <= until_end) [[likely]]
        return data + from;
      __builtin_memcpy(copy, data + from, until_end);
      __builtin_memcpy(copy + until_end, data, size - until_end);
      return copy;
    }
  };

  explicit perfbuf(wait_set any) noexcept : any_(std::move(any)) {}
  // Shape: false when the CPU does not run.
  [[nodiscard]] result<bool> open_ring(ring& of, const perfbuf_options& options, size_t page) noexcept;

  fd map_;
  wait_set any_;
  buffer<ring> rings_;
  buffer<unsigned char> copy_;
  size_t next_ring_ = 0;
  u64 lost_ = 0;
};

inline result<bool> perfbuf::open_ring(ring& of, const perfbuf_options& options, size_t page) noexcept {
  const abi::perf_event_attr attr{.type = abi::perf_type_software,
                                  .config = abi::perf_count_sw_bpf_output,
                                  .sample_period = 1,
                                  .sample_type = abi::perf_sample_raw,
                                  .wakeup_events = options.wakeup_events};
  const long opened =
      move_away(system_call(__NR_perf_event_open, &attr, -1, of.cpu, -1, abi::perf_flag_fd_cloexec));
  if (opened == -ENODEV) return false;
  if (opened < 0) return failure(step::open_cpu_event, opened);
  of.event.fill(opened);
  if (const long answer =
          of.memory.fill(of.event.number(), (size_t{options.pages} + 1) * page, detail::mapping::writable);
      answer < 0)
    return failure(step::map_event, answer);
  of.data = of.memory.data() + page;
  of.mask = options.pages * page - 1;
  if (const long answer = any_.add(of.event.number(), detail::epoll_in); answer < 0)
    return failure(step::wait, answer);
  const u32 event = of.event.raw();
  const auto slots = untyped_map::borrow(map_.number(), {});
  if (const long answer = slots.update_elem(&of.cpu, &event, static_cast<u64>(update::any)); answer < 0)
    return failure(step::map_update_elem, answer);
  return true;
}

inline result<perfbuf> perfbuf::open(const fd& map, const perfbuf_options& options) noexcept {
  auto any = wait_set::make();
  if (!any) return any.error();
  perfbuf out(std::move(*any));
  const auto info = detail::hold_ring(map.number(), map_type::perf_event_array, out.map_);
  if (!info) return info.error();
  const size_t page = detail::page_size();
  if (options.pages == 0 || (options.pages & (options.pages - 1)) != 0)
    return error{.at = step::map_event, .why = cause::bad_page_count}.about(info->name);
  if (options.pages >= ~size_t{0} / page) return failure(step::map_event, -ENOMEM).about(info->name);
  const auto cpus = possible_cpus();
  if (!cpus) return cpus.error();
  const u32 slots = *cpus < info->max_entries ? *cpus : info->max_entries;
  auto rings = buffer<ring>::of(slots);
  auto copy = buffer<unsigned char>::of(largest_record);
  if (!rings || !copy) return error{.at = step::allocate, .code = ENOMEM};
  out.rings_ = std::move(*rings);
  out.copy_ = std::move(*copy);
  u32 running = 0;
  for (u32 cpu = 0; cpu < slots; ++cpu) {
    ring& next = out.rings_[running];
    next.cpu = cpu;
    const auto opened = out.open_ring(next, options, page);
    if (!opened) {
      out.rings_.shrink(running + 1);
      char words[16];
      const text place = (detail::text_writer(words, sizeof words) << "CPU " << u64{cpu}).finish();
      return opened.error().about(place, info->name);
    }
    if (*opened) ++running;
  }
  out.rings_.shrink(running);
  if (running == 0) return failure(step::open_cpu_event, -ENODEV).about(info->name);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PERFBUF_HPP
// Room 10.9, ringbuf: takes the records out of a ring buffer that programs fill. Nothing is copied or allocated for a
// record, and no system call is made as long as there are any.
#ifndef BAREBPF_RINGBUF_HPP
#define BAREBPF_RINGBUF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The consumer of a map of type ringbuf: `events->consume([](ringbuf::record r) { ... })` takes what is there, and
/// `wait(end, *events)` sleeps until something is.
/// Shape:    a descriptor and two mappings of its own.
/// Lifetime: holds the map by itself, and forgets nothing: who opens it again goes on where the last one stopped.
/// Threads:  one thread consumes at a time; programs send on all CPUs meanwhile. The positions may be asked for by all.
/// Kernel:   5.8.
/// Source:   kernel/bpf/ringbuf.c at v6.12.
class ringbuf {
 public:
  /// What a program sent, where it wrote it.
  class record : public record_view {
   public:
    using record_view::record_view;

    /// The record as one T; null when it has another size.
    template <class T>
    [[nodiscard]] const T* as() const noexcept {
      return size_ == sizeof(T) ? begins_with<T>() : nullptr;
    }
    /// The T that the record begins with; null when it is shorter.
    template <class T>
    [[nodiscard]] const T* begins_with() const noexcept {
      demand_plain<T>();
      static_assert(
          alignof(T) <= 8,
          "barebpf: a record begins at a multiple of 8 bytes, so its type must not be aligned to more");
      return size_ >= sizeof(T) ? reinterpret_cast<const T*>(first_) : nullptr;
    }
  };

  /// Maps the ring buffer behind `map`, and holds a descriptor of its own.
  /// Errors: wrong_map_type; not_a_map; EBADFD for a closed descriptor; those of mmap(2); ENOMEM.
  /// Cost:   five system calls.
  [[nodiscard]] static result<ringbuf> open(const fd& map) noexcept;
  /// The same for a typed map; one of another type does not compile.
  template <has_descriptor Map>
  [[nodiscard]] static result<ringbuf> open(const Map& map) noexcept {
    detail::demand_type<map_type::ringbuf, Map>();
    return open(map.descriptor());
  }

  /// Gives the records that are there to `use`, oldest first, at most `at_most`; each is gone when `use` returns. If
  /// that returns false, this one was the last. Records that programs discarded are passed over, and one that is not
  /// finished yet holds up those behind it.
  /// Shape: how many `use` was given. What comes meanwhile waits for the next call, so each call ends, however fast
  ///        programs are.
  /// Cost:  no system call.
  template <class Use>
  u64 consume(Use&& use, u64 at_most = ~u64{0}) {
    unsigned char* const taken = consumer();
    const unsigned char* const data = data_;
    const u64 mask = mask_;
    const bool overwrites = copy_.size() != 0;
    const size_t end = detail::load_position(producer());
    u64 at = consumer_position();
    u64 used = 0;
    // Where the next header is follows from this one, and to wait for it is what costs most. Most records are as long as
    // the one before, so the processor may guess that and read several headers at once. No record has this length.
    u32 usual = ~u32{0};
    u64 room = 0;
    // May have passed the end once records were overwritten.
    while (used != at_most && static_cast<difference>(end - static_cast<size_t>(at)) > 0) {
      const unsigned char* first = data + (at & mask);
      u32 length = __atomic_load_n(reinterpret_cast<const u32*>(first), __ATOMIC_ACQUIRE);
      first += detail::record_header;
      if (overwrites) [[unlikely]] {
        first = copy_out(at, length);
        if (first == nullptr) continue;
      }
      if (length != usual) [[unlikely]] {
        if ((length & detail::record_is_busy) != 0) break;
        usual = length;
        room = detail::room_of(length & detail::record_length);
        __asm__ volatile("" : "+r"(room));  // a branch, and no move that waits
      }
      bool goes_on = true;
      if ((length & detail::record_is_discarded) == 0) {
        ++used;
        const record what(first, length);
        if constexpr (std::is_void_v<decltype(use(what))>)
          use(what);
        else
          goes_on = use(what);
      }
      at += room;
      detail::store_position(taken, at);
      if (!goes_on) break;
    }
    return used;
  }

  /// For `wait`: readable while there is a record, finished or not.
  [[nodiscard]] const fd& descriptor() const noexcept { return map_; }

  /// How many bytes were taken out since the map was created, headers and all.
  [[nodiscard]] u64 consumer_position() const noexcept { return detail::load_own_position(consumer()); }
  /// How many bytes were put in since the map was created, headers and all.
  [[nodiscard]] u64 producer_position() const noexcept {
    // One look at the consumer's, which another thread may move; a program of 32 bits sees half of the producer's.
    const u64 taken = consumer_position();
    return taken + (detail::load_position(producer()) - static_cast<size_t>(taken));
  }
  /// How many bytes are between the two; with those that another thread takes out while it is asked.
  [[nodiscard]] size_t available() const noexcept {
    const u64 taken = consumer_position();
    return detail::load_position(producer()) - static_cast<size_t>(taken);
  }
  /// How many bytes there are in all: max_entries of the map.
  [[nodiscard]] size_t size() const noexcept { return static_cast<size_t>(mask_) + 1; }
  /// How many bytes this object did not get because newer records took their place; always 0 without
  /// map_flag::rb_overwrite.
  [[nodiscard]] u64 overwritten() const noexcept { return overwritten_; }

 private:
  using difference = std::make_signed_t<size_t>;
  ringbuf() noexcept = default;

  [[nodiscard]] unsigned char* consumer() const noexcept { return consumer_.data(); }
  [[nodiscard]] const unsigned char* producer() const noexcept { return producer_.data(); }

  // Of a ring whose records may be overwritten at any time, only a copy that was whole afterwards is worth anything.
  // Shape:  the copy of the record at `at`; null when it was overwritten, and `at` is then where the oldest one is.
  // Source: struct bpf_ringbuf and __bpf_ringbuf_reserve() in kernel/bpf/ringbuf.c at v6.19.
  [[gnu::cold, gnu::noinline]] const unsigned char* copy_out(u64& at, u32& length) noexcept {
    // The third word of the producer's page, behind producer_pos and pending_pos; words are the kernel's, of 64 bits.
    const unsigned char* const oldest = producer() + 2 * sizeof(u64);
    const size_t size = length & detail::record_length;
    const bool fits = size <= copy_.size() - detail::record_header;
    if (fits) __builtin_memcpy(copy_.data(), data_ + (at & mask_) + detail::record_header, size);
    // What was read must have been read before it is asked whether it was still there.
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const size_t gone = detail::load_position(oldest) - static_cast<size_t>(at);
    if (static_cast<difference>(gone) > 0) {
      overwritten_ += gone;
      at += gone;
      detail::store_position(consumer(), at);
      return nullptr;
    }
    // No record of this ring is so large: it is being overwritten right now.
    if (!fits) length = detail::record_is_busy;
    return copy_.data();
  }

  fd map_;
  detail::mapping consumer_, producer_;
  const unsigned char* data_ = nullptr;
  u64 mask_ = 0;
  buffer<unsigned char> copy_;
  u64 overwritten_ = 0;
};

inline result<ringbuf> ringbuf::open(const fd& map) noexcept {
  ringbuf out;
  const auto info = detail::hold_ring(map.number(), map_type::ringbuf, out.map_);
  if (!info) return info.error();
  const size_t size = info->max_entries, page = detail::page_size();
  const auto fails = [&](long answer) { return failure(step::map_memory, answer).about(info->name); };
  if (const long answer = out.consumer_.fill(out.map_.number(), page, detail::mapping::writable); answer < 0)
    return fails(answer);
  // The data is there twice, so that a record that reaches over the end goes on behind it.
  if (size > (~size_t{0} - page) / 2) return fails(-ENOMEM);
  if (const long answer =
          out.producer_.fill(out.map_.number(), page + 2 * size, detail::mapping::readable, page);
      answer < 0)
    return fails(answer);
  out.data_ = out.producer_.data() + page;
  out.mask_ = size - 1;
  if ((info->map_flags & map_flag::rb_overwrite) != 0) {
    auto copy = buffer<unsigned char>::of(size);
    if (!copy) return copy.error();
    out.copy_ = std::move(*copy);
  }
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_RINGBUF_HPP
// Room 10.5, static_object: an object that the compiler has read. What runs is a row of system calls over
// finished records; nothing is parsed, searched or allocated.
#ifndef BAREBPF_STATIC_OBJECT_HPP
#define BAREBPF_STATIC_OBJECT_HPP

// Room 4.8, static_spec: a spec that the compiler reads. Everything here is a constant; nothing of it is
// left in the program but the constants that somebody uses.
#ifndef BAREBPF_STATIC_SPEC_HPP
#define BAREBPF_STATIC_SPEC_HPP

namespace barebpf::inline BAREBPF_ABI {

/// Does not compile when `Why` is a cause; the first line of the error is the cause's sentence.
/// `AtByte` counts from the start of the object file, `Section` and `Subject` are names in it.
template <cause Why, u64 AtByte, name<48> Section, name<48> Subject>
struct object_check {
#define BAREBPF_CAUSE(identifier, sentence) static_assert(Why != cause::identifier, "barebpf: " sentence);
  BAREBPF_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
  static constexpr bool made = true;
};

namespace detail {

// Arrays of 64-bit words are read where they are; single bytes are packed first.
template <const auto& Image>
struct static_image {
  static constexpr size_t count = sizeof(Image) / sizeof(Image[0]);
  static constexpr packed_words<count> storage{Image};
  static constexpr bytes window{storage.words, (count + 7) / 8};
};
template <const auto& Image>
requires std::is_same_v<std::remove_cvref_t<decltype(Image[0])>, u64>
struct static_image<Image> {
  static constexpr bytes window{&Image[0], sizeof(Image) / sizeof(u64)};
};

constexpr name<48> section_name_at(const bytes& image, u32 section) noexcept {
  name<48> out;
  elf file;
  if (section != 0 && !elf::open(image, file).failed())
    image.copy_string(file.section(section).name, out.characters, sizeof out.characters);
  return out;
}
constexpr name<48> name_at(const bytes& image, u64 at) noexcept {
  name<48> out;
  if (at != 0) image.copy_string(at, out.characters, sizeof out.characters);
  return out;
}

// At least one element, because C++ has no empty arrays.
constexpr size_t at_least_one(size_t count) noexcept { return count == 0 ? 1 : count; }

}  // namespace detail

/// A BPF object that the compiler reads.
/// Shape: `Image` is a constexpr array with the bytes of the object file: 64-bit words as `tools/embed`
///        writes them, or single bytes as `xxd -i` does, which cost the compiler more.
/// Errors: a fault in the object does not compile; the first line says what is wrong, and the template
///        arguments of object_check<cause, byte offset, section, name> say where.
template <const auto& Image>
class static_spec {
  struct measured_object {
    detail::opened_object opened;
    object_shape shape;
    verdict fault;
  };
  static constexpr bytes window = detail::static_image<Image>::window;
  static constexpr measured_object measured = [] {
    measured_object out;
    out.fault = detail::open_object(window, out.opened);
    if (!out.fault.failed()) out.fault = measure(out.opened, out.shape);
    return out;
  }();
  static constexpr object_shape shape = measured.fault.failed() ? object_shape{} : measured.shape;

  static_assert(object_check<measured.fault.why, measured.fault.offset,
                             detail::section_name_at(window, measured.fault.section),
                             detail::name_at(window, measured.fault.subject)>::made);

  struct tables {
    map_spec maps[detail::at_least_one(shape.maps)] = {};
    variable_spec variables[detail::at_least_one(shape.variables)] = {};
    function_spec functions[detail::at_least_one(shape.functions)] = {};
    program_spec programs[detail::at_least_one(shape.programs)] = {};
    reference references[detail::at_least_one(shape.references)] = {};
    filled_slot filled_slots[detail::at_least_one(shape.filled_slots)] = {};
    core_record cores[detail::at_least_one(shape.cores)] = {};
    u32 map_slots[detail::at_least_one(shape.map_slots)] = {};
    u32 type_index[detail::at_least_one(shape.type_index)] = {};
    extern_spec externs[detail::at_least_one(shape.externs)] = {};
    extern_name extern_names[detail::at_least_one(shape.externs)] = {};
    verdict fault;
    // What `read` found beside; its types point into storage that goes, so they are left behind.
    u64 license = 0, source = 0;
    u32 line_size = 0, maps_found = 0, variables_found = 0, functions_found = 0, programs_found = 0,
        references_found = 0, cores_found = 0, externs_found = 0;
  };
  static constexpr tables table = [] {
    tables out;
    if (measured.fault.failed()) return out;
    object_facts facts;
    out.fault = read(measured.opened,
                     {out.maps, out.variables, out.functions, out.programs, out.references, out.filled_slots,
                      out.cores, out.map_slots, out.type_index, out.externs, out.extern_names},
                     facts);
    if (out.fault.failed()) return out;
    out.license = facts.license;
    out.source = facts.source;
    out.line_size = facts.line_size;
    out.maps_found = facts.maps;
    out.variables_found = facts.variables;
    out.functions_found = facts.functions;
    out.programs_found = facts.programs;
    out.references_found = facts.references;
    out.cores_found = facts.cores;
    out.externs_found = facts.externs;
    return out;
  }();
  static_assert(
      object_check<table.fault.why, table.fault.offset, detail::section_name_at(window, table.fault.section),
                   detail::name_at(window, table.fault.subject)>::made);

  static constexpr object_tables view = [] {
    object_tables out{.image = measured.fault.failed() ? window : measured.opened.file.image(),
                      .types = measured.opened.types,
                      .maps = table.maps,
                      .variables = table.variables,
                      .functions = table.functions,
                      .references = table.references,
                      .cores = table.cores,
                      .map_count = table.maps_found,
                      .function_count = table.functions_found,
                      .reference_count = table.references_found,
                      .core_count = table.cores_found,
                      .line_size = table.line_size,
                      .externs = table.externs,
                      .extern_count = table.externs_found};
    if (!measured.fault.failed()) out.types.use_index(table.type_index);
    return out;
  }();

  // What is left of the types, with the texts of the source lines or without.
  template <bool WithLines>
  struct kept_types {
    u32 storage[pruned_btf::storage_size(shape.types, WithLines ? shape.lines : 0, shape.cores,
                                         shape.types_size)] = {};
    pruned_sizes sizes;
  };
  template <bool WithLines>
  static constexpr kept_types<WithLines> kept = [] {
    kept_types<WithLines> out;
    if (measured.fault.failed() || table.fault.failed()) return out;
    btf_pruner pruner(view, out.storage, WithLines ? shape.lines : 0);
    pruner.keep_object();
    static_cast<void>(pruner.number());
    out.sizes = pruner.sizes();
    return out;
  }();
  template <bool WithLines>
  static constexpr pruned_btf pruned{view, kept<WithLines>.storage, WithLines ? shape.lines : 0,
                                     kept<WithLines>.sizes};
  static constexpr bool has_lines(btf_choice choice) noexcept { return choice == btf_choice::all; }

  struct laid_out_program {
    program_layout layout;
    u32 lines = 0;
    verdict fault;
  };
  template <u32 Index>
  static constexpr laid_out_program laid_out = [] {
    laid_out_program out;
    out.fault = lay_out(view, table.programs[Index].function, out.layout);
    if (!out.fault.failed()) out.lines = count_lines(view, out.layout);
    return out;
  }();
  template <u32 Index>
  struct whole_program {
    abi::insn code[detail::at_least_one(laid_out<Index>.layout.instruction_count)] = {};
    map_reference references[detail::at_least_one(laid_out<Index>.layout.map_references)] = {};
  };
  template <u32 Index, map_naming Naming>
  static constexpr whole_program<Index> assembled = [] {
    constexpr verdict fault = laid_out<Index>.fault;
    static_assert(object_check<fault.why, fault.offset, detail::section_name_at(window, fault.section),
                               detail::name_at(window, fault.subject)>::made);
    whole_program<Index> out;
    if (!fault.failed()) assemble(view, laid_out<Index>.layout, Naming, out.code, out.references);
    return out;
  }();

 public:
  static constexpr u32 map_count = table.maps_found;
  static constexpr u32 variable_count = table.variables_found;
  static constexpr u32 program_count = table.programs_found;
  static constexpr u32 extern_count = table.externs_found;

  /// True when the object was compiled for machines of the other byte order.
  static constexpr bool is_foreign = view.image.is_foreign();
  /// The section of the program with this index, the name of a section, and the name at a place in the file.
  [[nodiscard]] static constexpr u32 section_of(u32 program) noexcept {
    return table.functions[table.programs[program].function].section;
  }
  [[nodiscard]] static constexpr name<48> section_name(u32 section) noexcept {
    return detail::section_name_at(window, section);
  }
  [[nodiscard]] static constexpr name<48> name_at(u64 at) noexcept { return detail::name_at(window, at); }

  /// The index of the map, variable or program called `wanted`, or `not_found`.
  [[nodiscard]] static constexpr u32 find_map(text wanted) noexcept {
    return find_named(window, table.maps, map_count, wanted);
  }
  [[nodiscard]] static constexpr u32 find_variable(text wanted) noexcept {
    return find_named(window, table.variables, variable_count, wanted);
  }
  [[nodiscard]] static constexpr u32 find_program(text wanted) noexcept {
    return find_named(window, table.programs, program_count, wanted);
  }

  /// The map, variable or program with this index.
  [[nodiscard]] static constexpr map_spec map(u32 index) noexcept { return table.maps[index]; }
  [[nodiscard]] static constexpr variable_spec variable(u32 index) noexcept { return table.variables[index]; }
  [[nodiscard]] static constexpr program_spec program(u32 index) noexcept { return table.programs[index]; }
  /// What the object wants of the kernel by name, and the shape of its type.
  [[nodiscard]] static constexpr extern_spec external(u32 index) noexcept { return table.externs[index]; }
  template <u32 Index>
  static constexpr auto extern_shape = [] {
    constexpr type_shape whole = shape_of_extern(view.types, table.externs[Index]);
    return barebpf::name<text(whole.letters).size() + 1>::cut(whole.letters);
  }();
  /// The image that it was read from.
  [[nodiscard]] static constexpr const bytes& image() noexcept { return window; }
  /// A slot that the object fills; each map knows which are its own.
  [[nodiscard]] static constexpr filled_slot slot(u32 index) noexcept { return table.filled_slots[index]; }
  /// The name under which the kernel keeps the program with this index.
  [[nodiscard]] static constexpr kernel_name program_name(u32 index) noexcept {
    return kernel_name_at(window, table.programs[index].name);
  }

  /// True when some instruction depends on the kernel's types (CO-RE).
  static constexpr bool has_cores = table.cores_found != 0;
  /// True when the object does not work without its types, see `pruned_btf`.
  static constexpr bool needs_types = pruned<false>.is_required();
  /// What is loaded of the types when `wanted` is asked for.
  [[nodiscard]] static constexpr btf_choice choose(btf_choice wanted) noexcept {
    return (needs_types || has_cores) && wanted == btf_choice::none ? btf_choice::needed : wanted;
  }

  /// True when a kernel as old as `oldest` may not know the kind of a type that is loaded.
  [[nodiscard]] static constexpr bool has_newer_kinds(u32 oldest) noexcept {
    for (btf_type type = view.types.first(); type.id != 0; type = view.types.after(type))
      if (pruned<false>.new_id(type.id) != 0 && older_kind_of(view.types, type, oldest + 1).since != 0)
        return true;
    return false;
  }

  /// What BPF_MAP_CREATE is told of each map, with the ids of its types in `btf_image`.
  struct map_create_block {
    abi::map_create list[detail::at_least_one(map_count)];
  };
  template <btf_choice Btf>
  static constexpr map_create_block map_creates = [] {
    map_create_block out;
    for (u32 i = 0; i < map_count; ++i) {
      out.list[i] = to_map_create(window, table.maps[i], object_name_at(window, table.source));
      if constexpr (Btf != btf_choice::none) describe_map(table.maps[i], pruned<has_lines(Btf)>, out.list[i]);
    }
    return out;
  }();

  /// The same of the pattern for the maps in each map of maps; one without a type for each other map.
  template <btf_choice Btf>
  static constexpr map_create_block inner_map_creates = [] {
    map_create_block out;
    for (u32 i = 0; i < map_count; ++i) {
      if (table.maps[i].inner == 0) continue;
      const map_spec inner = inner_of(view.types, table.maps[i]);
      out.list[i] = to_inner_map_create(window, inner);
      if constexpr (Btf != btf_choice::none) describe_map(inner, pruned<has_lines(Btf)>, out.list[i]);
    }
    return out;
  }();

  /// The types of maps, variables and functions, as BPF_BTF_LOAD takes them.
  template <btf_choice Btf>
  static constexpr u32 btf_size = pruned<has_lines(Btf)>.count() == 0 ? 0
                                                                      : pruned<has_lines(Btf)>.sizes().total;
  template <btf_choice Btf>
  struct btf_block {
    u32 head[detail::at_least_one(pruned<has_lines(Btf)>.head_words())] = {};
    u8 strings[pruned<has_lines(Btf)>.sizes().strings_size] = {};
  };
  template <btf_choice Btf>
  static constexpr btf_block<Btf> btf_image = [] {
    btf_block<Btf> out;
    if (btf_size<Btf> != 0) pruned<has_lines(Btf)>.write(out.head, out.strings);
    return out;
  }();

  /// How many instructions the program with this index has, all its functions counted.
  template <u32 Index>
  static constexpr u32 instruction_count = laid_out<Index>.layout.instruction_count;
  template <u32 Index>
  static constexpr u32 reference_count = laid_out<Index>.layout.map_references;
  /// Its instructions.
  template <u32 Index>
  struct code_block {
    abi::insn code[detail::at_least_one(instruction_count<Index>)];
  };
  template <u32 Index, map_naming Naming>
  static constexpr code_block<Index> instructions = [] {
    code_block<Index> out;
    for (u32 i = 0; i < instruction_count<Index>; ++i) out.code[i] = assembled<Index, Naming>.code[i];
    return out;
  }();
  /// The places in those instructions that name a map, in order.
  template <u32 Index>
  struct reference_block {
    map_reference list[detail::at_least_one(reference_count<Index>)];
  };
  template <u32 Index>
  static constexpr reference_block<Index> references = [] {
    reference_block<Index> out{};
    for (u32 i = 0; i < reference_count<Index>; ++i)
      out.list[i] = assembled<Index, map_naming::by_descriptor>.references[i];
    return out;
  }();

  /// Where its functions begin and their types; its source lines. None where BTF does not tell of all.
  template <u32 Index>
  static constexpr u32 function_count =
      laid_out<Index>.layout.has_types ? laid_out<Index>.layout.piece_count : 0;
  template <u32 Index>
  static constexpr u32 line_count = function_count<Index> == 0 ? 0 : laid_out<Index>.lines;
  template <u32 Index>
  struct function_block {
    abi::func_info list[detail::at_least_one(function_count<Index>)];
  };
  template <u32 Index, btf_choice Btf>
  static constexpr function_block<Index> functions = [] {
    function_block<Index> out{};
    if (function_count<Index> != 0)
      write_functions(view, laid_out<Index>.layout, pruned<has_lines(Btf)>, out.list);
    return out;
  }();
  template <u32 Index>
  struct line_block {
    abi::line_info list[detail::at_least_one(line_count<Index>)];
  };
  template <u32 Index>
  static constexpr line_block<Index> lines = [] {
    line_block<Index> out{};
    if (line_count<Index> != 0) write_lines(view, laid_out<Index>.layout, pruned<true>, out.list);
    return out;
  }();

  /// Which of its instructions depend on the kernel's types.
  template <u32 Index>
  static constexpr u32 core_count = count_cores(view, laid_out<Index>.layout);
  template <u32 Index>
  struct core_block {
    abi::core_relo list[detail::at_least_one(core_count<Index>)];
  };
  template <u32 Index, btf_choice Btf>
  static constexpr core_block<Index> cores = [] {
    core_block<Index> out{};
    write_cores(view, laid_out<Index>.layout, pruned<has_lines(Btf)>, out.list);
    return out;
  }();

  /// The first value of a map of variables, or what an arena begins with, as the object has it; eight bytes of each
  /// word in this order.
  template <u32 Index>
  struct value_block {
    u64 words[detail::at_least_one(map(Index).has_content()   ? (map(Index).value_size + 7) / 8
                                   : map(Index).image_at != 0 ? (map(Index).image_size + 7) / 8
                                                              : 0)] = {};
  };
  template <u32 Index>
  static constexpr value_block<Index> value = [] {
    value_block<Index> out;
    constexpr map_spec from = map(Index);
    constexpr u64 at = from.has_content() ? from.declared_at : from.image_at;
    constexpr u32 size = from.has_content() ? from.value_size : from.image_size;
    for (u32 i = 0; at != 0 && i < (size + 7) / 8; ++i)
      out.words[i] = window.word_in_memory(at + u64{i} * 8, at + size);
    return out;
  }();

  /// The string at an offset of the file, as an array of just its size.
  template <u64 At>
  struct string_block {
    char characters[window.length_of_string(At) + 1];
  };
  template <u64 At>
  static constexpr string_block<At> string = [] {
    string_block<At> out{};
    window.copy_string(At, out.characters, sizeof out.characters);
    return out;
  }();
  /// The license string; empty when the object has none.
  static constexpr auto& license = string < table.license != 0 ? table.license : window.size() > ;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STATIC_SPEC_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The maps and programs of a static_object, in the kernel.
/// Lifetime: given back when this object goes, unless a link, a pin or somebody else holds them.
template <const auto& Image, load_policy Policy>
class loaded_static_object {
  using spec = static_spec<Image>;

 public:
  /// The map called `Name`, with C++ types for its keys and values. One that was left out says EBADF to everything.
  /// Errors:   none at run time. A name that the object does not have, or a type that does not fit it, does
  ///           not compile.
  /// Lifetime: borrowed: valid as long as this object.
  template <name Name, class Key, class Value>
  [[nodiscard]] auto map() const noexcept {
    constexpr u32 index = spec::find_map(Name);
    constexpr map_spec found = index == not_found ? map_spec{} : spec::map(index);
    constexpr cause fault = index == not_found ? cause::no_such_map : compare_types<Key, Value>(found);
    static_assert(object_check<fault, found.declared_at, ".maps", barebpf::name<48>::cut(Name)>::made);
    // After a fault any type will do: one error is enough.
    constexpr map_type type = fault == cause::none ? static_cast<map_type>(found.type) : map_type::hash;
    constexpr u32 known = index == not_found ? 0 : index;
    return barebpf::map<type, Key, Value>(untyped_map::borrow(maps_[known].number(), to_kernel_name(Name)));
  }

  /// The descriptor of the map called `Name`, whatever its type; not open when the map was left out.
  /// Errors:   none at run time. A name that the object does not have does not compile.
  /// Lifetime: borrowed: valid as long as this object.
  template <name Name>
  [[nodiscard]] const fd& map_descriptor() const noexcept {
    constexpr u32 index = spec::find_map(Name);
    constexpr cause fault = index == not_found ? cause::no_such_map : cause::none;
    static_assert(object_check<fault, 0, ".maps", barebpf::name<48>::cut(Name)>::made);
    return maps_[index == not_found ? 0 : index];
  }

  /// The global variable called `Name` as memory, shared with the programs: `*loaded->variable<"count", long>()`.
  /// Errors: ENOMEM and its like of mmap(2). A name that the object does not have, a type that does not fit, a
  ///         constant by a type that is not const, or a static variable in a section of none but static ones,
  ///         does not compile.
  /// Cost:   one system call, and one when it goes; none for each access. Who needs it often keeps it.
  /// Kernel: 5.5.
  template <name Name, class T>
  [[nodiscard]] result<mapped_variable<T>> variable() const noexcept {
    constexpr u32 index = spec::find_variable(Name);
    constexpr variable_spec found = index == not_found ? variable_spec{} : spec::variable(index);
    constexpr map_spec holder = index == not_found ? map_spec{} : spec::map(found.map);
    constexpr cause fault = index == not_found ? cause::no_such_variable : can_be_seen_as<T>(holder, found);
    static_assert(object_check<fault, found.declared_at, "", barebpf::name<48>::cut(Name)>::made);
    return map_variable<T>(maps_[found.map], found, holder.value_size, Name);
  }

  /// The global variable called `Name` that the programs declare with __arena, in the memory of the arena, mapped whole
  /// by `map_arena`.
  /// Errors:   none at run time. A name that the object does not have, a type that does not fit it, or a variable that
  ///           lies elsewhere does not compile.
  /// Lifetime: valid as long as `arena`.
  template <name Name, class T>
  [[nodiscard]] T& variable(const mapped_arena& arena) const noexcept {
    constexpr u32 index = spec::find_variable(Name);
    constexpr variable_spec found = index == not_found ? variable_spec{} : spec::variable(index);
    constexpr map_spec holder = index == not_found ? map_spec{} : spec::map(found.map);
    constexpr cause fault = index == not_found          ? cause::no_such_variable
                            : holder.is_for_variables() ? cause::not_in_arena
                                                        : compare_types<T>(found);
    static_assert(object_check<fault, found.declared_at, "", barebpf::name<48>::cut(Name)>::made);
    return arena.at<T>(found.offset);
  }

  /// Attaches the program called `Name` where the name of its section says, and to `target` if that leaves it open:
  /// `loaded->attach<"filter">(interface{.index = 2})`. Room 9.1 has what each `attach_way` takes.
  /// Shape:  result<link>; result<attachment> for sockets and maps of sockets.
  /// Errors: those of the `place`. A name that the object does not have, a section that does not tell where to attach,
  ///         or a target of another kind does not compile.
  template <name Name, class... Target>
  [[nodiscard]] auto attach(Target&&... target) const noexcept {
    constexpr u32 index = spec::find_program(Name);
    constexpr u32 known = index == not_found ? 0 : index;
    constexpr attach_way way = spec::program(known).kind.attach;
    constexpr abi::attach_type attach_type = spec::program(known).kind.attach_type;
    constexpr bool fits = attaches_to<way, Target...>;
    constexpr bool lacks_place = needs_place(way) && place_length<known> == 0;
    constexpr cause fault = index == not_found ? cause::no_such_program
                            : lacks_place      ? cause::not_attachable
                            : !fits            ? place<way>::wants
                                               : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    if constexpr (fits) {
      const program_to_attach program{programs_[known], Name.characters, place_name<known>.characters,
                                      attach_type};
      using attached =
          decltype(place<way>::template attach<Policy>(program, std::forward<Target>(target)...));
      if constexpr (spec::program(known).is_optional)
        if (!programs_[known].is_open())
          return attached(error{.at = step::find, .why = cause::not_loaded}.about(Name));
      return place<way>::template attach<Policy>(program, std::forward<Target>(target)...);
    } else  // one error is enough
      return result<link>(error{});
  }

  /// The program called `Name`.
  /// Shape:    not open when the program was left out.
  /// Lifetime: borrowed: valid as long as this object.
  template <name Name>
  [[nodiscard]] const fd& program() const noexcept {
    constexpr u32 index = spec::find_program(Name);
    constexpr cause fault = index == not_found ? cause::no_such_program : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    return programs_[index == not_found ? 0 : index];
  }

 private:
  template <const auto&>
  friend class static_object;

  // What the section of a program says of where to attach it.
  template <u32 Index>
  static constexpr text place_text = [] {
    if constexpr (spec::program(Index).place != 0) {
      constexpr auto& whole = spec::template string<spec::program(Index).place>;
      return text(whole.characters);
    } else {
      return text();
    }
  }();
  template <u32 Index>
  static constexpr size_t place_length = write_place(spec::program(Index).kind.attach, place_text<Index>,
                                                     nullptr, 0);
  template <u32 Index>
  static constexpr auto place_name = [] {
    barebpf::name<place_length<Index> + 1> out;
    write_place(spec::program(Index).kind.attach, place_text<Index>, out.characters, sizeof out.characters);
    return out;
  }();

  fd maps_[detail::at_least_one(spec::map_count)];
  fd programs_[detail::at_least_one(spec::program_count)];
};

/// A BPF object that the compiler reads: `constexpr barebpf::static_object<execve_counter> object;`.
/// Shape:  an empty object; everything it knows is constants.
/// Errors: a damaged object, or one that barebpf cannot load, does not compile; the first line of the error
///         says why, and the template arguments of object_check<cause, byte offset, section, name> say where.
template <const auto& Image>
class static_object {
  using spec = static_spec<Image>;

  static constexpr u64 data_size = [] {
    data_layout out;
    for (u32 i = 0; i < spec::map_count; ++i) out.add(spec::map(i));
    return out.size;
  }();
  struct offsets {
    u64 list[detail::at_least_one(spec::map_count)] = {};
    [[nodiscard]] constexpr u64 operator[](u32 map) const noexcept { return list[map]; }
  };
  static constexpr offsets data_at = [] {
    offsets out;
    data_layout layout;
    for (u32 i = 0; i < spec::map_count; ++i) out.list[i] = layout.add(spec::map(i));
    return out;
  }();

 public:
  /// The first values of the object's global variables, as `data` gives them.
  /// Shape: as many bytes as the variables take, in the object itself.
  class first_values {
   public:
    first_values() noexcept {
      for (u32 i = 0; i < spec::map_count; ++i)
        if (spec::map(i).has_content())
          __builtin_memcpy(bytes_ + data_at[i], duties.list[i].value, spec::map(i).value_size);
    }
    /// The variable called `Name`.
    /// Errors: a name that the object does not have, or a type that does not fit, does not compile.
    template <name Name, class T>
    [[nodiscard]] T& variable() noexcept {
      constexpr u32 index = spec::find_variable(Name);
      constexpr variable_spec found = index == not_found ? variable_spec{} : spec::variable(index);
      constexpr map_spec holder = index == not_found ? map_spec{} : spec::map(found.map);
      constexpr cause fault = index == not_found ? cause::no_such_variable : can_be_set_as<T>(holder, found);
      static_assert(object_check<fault, found.declared_at, "", barebpf::name<48>::cut(Name)>::made);
      return *reinterpret_cast<T*>(bytes_ + data_at[found.map] + found.offset);
    }
    /// For `load_options::data`.
    [[nodiscard]] span<const unsigned char> view() const noexcept { return {bytes_, data_size}; }

   private:
    alignas(data_layout::alignment) unsigned char bytes_[detail::at_least_one(data_size)] = {};
  };

 private:
  // Whether there are options of the kernel, or names in it. What the kernel has under a name is put into instructions,
  // so they are no constants.
  static constexpr bool has_config = spec::extern_count != 0 && spec::external(0).kind == extern_kind::config;
  static constexpr bool has_names =
      spec::extern_count != 0 && spec::external(spec::extern_count - 1).kind != extern_kind::config;
  static constexpr u32 config_size = [] {
    u32 out = 0;
    for (u32 i = 0; i < spec::map_count; ++i)
      if (spec::map(i).origin == map_origin::config) out = spec::map(i).value_size;
    return out;
  }();
  // By index where no older kernel is to be served; that leaves the instructions constant.
  static constexpr map_naming naming(const load_policy& policy) noexcept {
    const bool is_changed = has_names || (spec::has_cores && policy.has_own_core());
    return policy.oldest_kernel >= kernel(5, 14) && !is_changed ? map_naming::by_index
                                                                : map_naming::by_descriptor;
  }
  // What `load` with options may be told to do, it must be able to do.
  static constexpr load_needs needs(const load_policy& policy, bool has_options) noexcept {
    load_needs out{.types = spec::choose(policy.btf) != btf_choice::none,
                   .older_types = spec::has_newer_kinds(policy.oldest_kernel),
                   .values = false,
                   .pins = false,
                   .targets = false,
                   .slots = false,
                   .arenas = false,
                   .images = false,
                   .config = has_config,
                   .names = has_names,
                   .kernel_cores = spec::has_cores && policy.core != core_way::library,
                   .own_cores = spec::has_cores && policy.has_own_core(),
                   .hints = false,
                   .sizes = false,
                   .choices = has_options,
                   .operations = false,  // see check_all
                   .patch = naming(policy) == map_naming::by_descriptor};
    for (u32 i = 0; i < spec::map_count; ++i) {
      out.values = out.values || spec::map(i).is_for_variables();
      out.images = out.images || spec::map(i).image_size != 0;
      out.pins = out.pins || spec::map(i).pinning != 0;
      out.slots = out.slots || spec::map(i).has_values;
      out.sizes = out.sizes || depends_on_machine(spec::map(i), has_options);
      out.arenas = out.arenas ||
                   (spec::map(i).type == static_cast<u32>(map_type::arena) && spec::map(i).map_extra == 0);
      // What the oldest kernel has and the table finds nothing wrong with is refused for reasons of the moment.
      const abi::map_create attr = spec::template map_creates<btf_choice::none>.list[i];
      out.hints = out.hints || why_refused(attr) != cause::none ||
                  kind_of(static_cast<map_type>(attr.map_type)).first_kernel > policy.oldest_kernel;
    }
    for (u32 i = 0; i < spec::program_count; ++i) {
      const program_spec program = spec::program(i);
      out.choices = out.choices || program.is_optional;
      out.targets = out.targets || program.kind.needs_kernel_type() ||
                    (has_options && program.kind.type == abi::prog_type::unspec);
    }
    return out;
  }
  // Whether the size of a map is one that only the machine tells.
  static constexpr bool depends_on_machine(const map_spec& map, bool may_change) noexcept {
    const auto type = static_cast<map_type>(map.type);
    if (type == map_type::perf_event_array) return map.max_entries == 0;
    return kind_of(type).entries == entries_rule::ring_size &&
           (may_change || !detail::is_whole_ring(map.max_entries));
  }

  template <map_naming Naming, btf_choice Btf, u32 Index>
  static constexpr abi::prog_load make_program() noexcept {
    abi::prog_load out{.prog_type = static_cast<u32>(spec::program(Index).kind.type),
                       .insn_cnt = spec::template instruction_count<Index>,
                       .insns = spec::template instructions<Index, Naming>.code,
                       .license = spec::license.characters,
                       .prog_flags = spec::program(Index).kind.flags,
                       .prog_name = spec::program_name(Index),
                       .expected_attach_type = static_cast<u32>(spec::program(Index).kind.attach_type)};
    if constexpr (Btf != btf_choice::none && spec::template function_count<Index> != 0) {
      out.func_info_rec_size = sizeof(abi::func_info);
      out.func_info = spec::template functions<Index, Btf>.list;
      out.func_info_cnt = spec::template function_count<Index>;
    }
    if constexpr (Btf == btf_choice::all && spec::template line_count<Index> != 0) {
      out.line_info_rec_size = sizeof(abi::line_info);
      out.line_info = spec::template lines<Index>.list;
      out.line_info_cnt = spec::template line_count<Index>;
    }
    if constexpr (Btf != btf_choice::none && spec::template core_count<Index> != 0) {
      out.core_relo_rec_size = sizeof(abi::core_relo);
      out.core_relos = spec::template cores<Index, Btf>.list;
      out.core_relo_cnt = spec::template core_count<Index>;
    }
    return out;
  }
  struct program_loads {
    abi::prog_load list[detail::at_least_one(spec::program_count)];
  };
  template <map_naming Naming, btf_choice Btf>
  static constexpr program_loads programs = []<size_t... Index>(std::index_sequence<Index...>) {
    return program_loads{{make_program<Naming, Btf, Index>()...}};
  }
  (std::make_index_sequence<spec::program_count>());

  // What each is made for.
  template <u32 Index>
  static constexpr kernel_type_need make_target() noexcept {
    if constexpr (!spec::program(Index).kind.needs_kernel_type())
      return {};
    else if constexpr (spec::program(Index).place == 0)
      return {spec::program(Index).kind.rest, ""};
    else
      return {spec::program(Index).kind.rest, spec::template string<spec::program(Index).place>.characters};
  }
  struct program_targets {
    kernel_type_need list[detail::at_least_one(spec::program_count)];
  };
  static constexpr program_targets targets = []<size_t... Index>(std::index_sequence<Index...>) {
    return program_targets{{make_target<Index>()...}};
  }
  (std::make_index_sequence<spec::program_count>());

  template <u32 Index>
  static constexpr extern_need make_need() noexcept {
    return to_need(spec::image(), spec::external(Index),
                   spec::template string<spec::external(Index).name>.characters,
                   spec::template extern_shape<Index>.characters);
  }
  struct extern_needs {
    extern_need list[detail::at_least_one(spec::extern_count)];
  };
  static constexpr extern_needs externs = []<size_t... Index>(std::index_sequence<Index...>) {
    return extern_needs{{make_need<Index>()...}};
  }
  (std::make_index_sequence<spec::extern_count>());
  template <btf_choice Btf, u32 Index>
  static constexpr program_cores make_cores() noexcept {
    if constexpr (spec::template core_count<Index> != 0)
      return {spec::template cores<Index, Btf>.list, spec::template core_count<Index>};
    else
      return {};
  }
  struct cores_of_programs {
    program_cores list[detail::at_least_one(spec::program_count)];
  };
  template <btf_choice Btf>
  static constexpr cores_of_programs cores = []<size_t... Index>(std::index_sequence<Index...>) {
    return cores_of_programs{{make_cores<Btf, Index>()...}};
  }
  (std::make_index_sequence<spec::program_count>());

  struct program_patches {
    program_patch list[detail::at_least_one(spec::program_count)];
  };
  static constexpr program_patches patches = []<size_t... Index>(std::index_sequence<Index...>) {
    return program_patches{
        {program_patch{.code = spec::template instructions<Index, map_naming::by_descriptor>.code,
                       .references = spec::template references<Index>.list,
                       .reference_count = spec::template reference_count<Index>}...}};
  }
  (std::make_index_sequence<spec::program_count>());
  static constexpr u32 longest_program = []<size_t... Index>(std::index_sequence<Index...>) {
    u32 out = 0;
    ((out = spec::template instruction_count<Index> > out ? spec::template instruction_count<Index> : out),
     ...);
    return out;
  }
  (std::make_index_sequence<spec::program_count>());

  template <u32 Index>
  struct slot_block {
    filled_slot list[detail::at_least_one(spec::map(Index).slot_count)];
  };
  template <u32 Index>
  static constexpr slot_block<Index> slots = [] {
    slot_block<Index> out{};
    for (u32 i = 0; i < spec::map(Index).slot_count; ++i)
      out.list[i] = spec::slot(spec::map(Index).first_slot + i);
    return out;
  }();

  template <u32 Index>
  static constexpr map_duty make_duty() noexcept {
    constexpr map_spec map = spec::map(Index);
    map_duty out{.data_at = data_at[Index],
                 .has_data = map.is_for_variables(),
                 .is_frozen = map.is_frozen(),
                 .is_config = map.origin == map_origin::config,
                 .image_size = map.image_size};
    if constexpr (map.has_content() || map.image_at != 0) out.value = spec::template value<Index>.words;
    if constexpr (map.pinning != 0) out.pin = spec::template string<map.name>.characters;
    if constexpr (map.slot_count != 0) {
      out.slots = slots<Index>.list;
      out.slot_count = map.slot_count;
    }
    return out;
  }
  struct map_duties {
    map_duty list[detail::at_least_one(spec::map_count)];
  };
  static constexpr map_duties duties = []<size_t... Index>(std::index_sequence<Index...>) {
    return map_duties{{make_duty<Index>()...}};
  }
  (std::make_index_sequence<spec::map_count>());

  template <load_policy Policy>
  static constexpr object_records records = [] {
    constexpr btf_choice btf = spec::choose(Policy.btf);
    object_records out{.maps = spec::template map_creates<btf>.list,
                       .map_count = spec::map_count,
                       .programs = programs<naming(Policy), btf>.list,
                       .program_count = spec::program_count,
                       .btf_is_required = spec::needs_types,
                       .data_size = data_size};
    constexpr load_needs wanted = needs(Policy, true);
    if constexpr (wanted.patch) out.patches = patches.list;
    if constexpr (wanted.own_cores || wanted.kernel_cores) out.cores = cores<btf>.list;
    if constexpr (wanted.targets) out.targets = targets.list;
    if constexpr (wanted.values || wanted.pins || wanted.slots || wanted.images) out.duties = duties.list;
    if constexpr (spec::extern_count != 0) {
      out.externs = externs.list;
      out.extern_count = spec::extern_count;
    }
    if constexpr (wanted.slots) out.inner_maps = spec::template inner_map_creates<btf>.list;
    if constexpr (btf != btf_choice::none) {
      out.btf = &spec::template btf_image<btf>;
      out.btf_size = spec::template btf_size<btf>;
    }
    return out;
  }();

  struct left_out_programs {
    bool list[detail::at_least_one(spec::program_count)] = {};
  };
  static constexpr left_out_programs optional_programs = [] {
    left_out_programs out;
    for (u32 i = 0; i < spec::program_count; ++i) out.list[i] = spec::program(i).is_optional;
    return out;
  }();

  // What speaks against loading the object; what options can change speaks only where there are none.
  static constexpr verdict check_all(bool has_options) noexcept {
    if (spec::is_foreign) return {.why = cause::foreign_byte_order, .offset = abi::elf_header::ident_data};
    for (u32 i = 0; i < spec::map_count; ++i)
      if (const map_spec map = spec::map(i); map.origin == map_origin::operations)
        return {.why = cause::operations_at_run_time,
                .section = map.section,
                .offset = map.image_at,
                .subject = map.name};
    for (u32 i = 0; i < spec::program_count; ++i) {
      const program_spec program = spec::program(i);
      if (has_options || program.is_optional || program.lacks() == cause::none) continue;
      return {.why = program.lacks(),
              .section = spec::section_of(i),
              .offset = program.section_name,
              .subject = program.name};
    }
    return {};
  }

  template <load_policy Policy, class Options>
  static result<loaded_static_object<Image, Policy>> load_with(const Options& options) noexcept {
    result<loaded_static_object<Image, Policy>> out(std::in_place);
    outcome row;
    constexpr bool has_options = !std::is_same_v<Options, no_options>;
    constexpr load_needs wanted = needs(Policy, has_options);
    constexpr verdict fault = check_all(has_options);
    static_assert(object_check<fault.why, fault.offset, spec::section_name(fault.section),
                               spec::name_at(fault.subject)>::made);
    bool pinned[wanted.pins ? detail::at_least_one(spec::map_count) : 1] = {};
    u32 found[wanted.targets ? detail::at_least_one(spec::program_count) : 1] = {};
    [[maybe_unused]] resolved_extern external[detail::at_least_one(spec::extern_count)];
    [[maybe_unused]] u8 config[detail::at_least_one(config_size)] = {};
    [[maybe_unused]] int modules[spec::extern_count + 1] = {};
    left_out_programs left_out = optional_programs;
    if constexpr (has_options) options.choose(left_out.list, spec::program_count);
    load_slots slots{.maps = out->maps_,
                     .programs = out->programs_,
                     .targets = found,
                     .pinned = pinned,
                     .left_out = left_out.list};
    constexpr bool has_cores = wanted.own_cores || wanted.kernel_cores;
    char missing[has_cores ? error::name_size : 1] = {};
    if constexpr (has_cores) slots.missing = missing;
    if constexpr (spec::extern_count != 0) {
      slots.externs = external;
      slots.config = config;
      slots.modules = modules;
    }
    if constexpr (!wanted.patch) {
      int map_numbers[detail::at_least_one(spec::map_count)];
      slots.map_numbers = map_numbers;
      load_records<wanted>(records<Policy>, slots, options, row);
    } else if constexpr (longest_program <= longest_on_stack) {
      abi::insn scratch[detail::at_least_one(longest_program)];
      slots.scratch = scratch;
      load_records<wanted>(records<Policy>, slots, options, row);
    } else {
      auto scratch = buffer<abi::insn>::of(longest_program);
      if (!scratch) return scratch.error();
      slots.scratch = scratch->data();
      load_records<wanted>(records<Policy>, slots, options, row);
    }
    if (row.failed()) out.fail_with([&row] { return to_error(row); });
    return out;
  }
  static constexpr u32 longest_on_stack = 512;  // instructions, one page

 public:
  /// What `load<Policy>` gives.
  template <load_policy Policy = load_policy{}>
  using loaded = loaded_static_object<Image, Policy>;

  /// Creates the maps and loads the programs.
  /// Errors: of the first map or program that the kernel refuses; what was made before is given back.
  /// Cost:   one bpf(2) call for each map and program and one for their types, one for each slot that it fills, and a
  ///         map that goes again for each map of maps; no allocation, unless kernels before 5.14 are to be served a
  ///         program of more than 512 instructions.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] static result<loaded<Policy>> load() noexcept {
    return load_with<Policy>(no_options{});
  }
  /// The same with options; after a refusal the program is offered once more to fill the log.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] static result<loaded<Policy>> load(const load_options& options) noexcept {
    return load_with<Policy>(options);
  }

  /// What is to be different about the map called `Name`, for `load_options::maps`:
  /// `object.change<"hits">({.max_entries = 1024})`.
  /// Errors: a name that the object does not have does not compile.
  template <name Name>
  [[nodiscard]] static constexpr map_change change(const map_settings& settings) noexcept {
    constexpr u32 index = spec::find_map(Name);
    constexpr cause fault = index == not_found ? cause::no_such_map : cause::none;
    static_assert(object_check<fault, 0, ".maps", barebpf::name<48>::cut(Name)>::made);
    return map_change::of(index, settings);
  }

  /// What is to be different about the program called `Name`, for `load_options::programs`:
  /// `object.change_program<"filter">({.section = "xdp"})`.
  /// Errors: a name that the object does not have does not compile. A section that tells no type of programs is
  ///         refused when the object is loaded.
  template <name Name>
  [[nodiscard]] static constexpr program_change change_program(const program_settings& settings) noexcept {
    constexpr u32 index = spec::find_program(Name);
    constexpr cause fault = index == not_found ? cause::no_such_program : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    return program_change::of(index, settings);
  }

  /// The first values of the global variables, to be changed and then given to `load`:
  /// `auto data = object.data(); data.variable<"limit", int>() = 7; object.load({.data = data.view()})`.
  [[nodiscard]] static first_values data() noexcept { return {}; }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STATIC_OBJECT_HPP
// Room 10.10, user_ringbuf: sends records to programs. They are written where a program reads them; no system call is
// made as long as there is room.
#ifndef BAREBPF_USER_RINGBUF_HPP
#define BAREBPF_USER_RINGBUF_HPP

namespace barebpf::inline BAREBPF_ABI {

/// The producer of a map of type user_ringbuf, which a program empties with bpf_user_ringbuf_drain.
/// Shape:    a descriptor and two mappings of its own.
/// Lifetime: holds the map by itself; what was submitted stays there for the program.
/// Threads:  one thread reserves at a time; each reservation may be written and submitted by another. The positions may
///           be asked for by all. The program gets the records in the order in which they were reserved.
/// Kernel:   6.1.
/// Source:   __bpf_user_ringbuf_peek() in kernel/bpf/ringbuf.c at v6.12.
class user_ringbuf {
 public:
  /// Room for one record, in the ring itself.
  /// Lifetime: must be submitted, or the program never sees it: who lets it go discards it. Not longer than the ring.
  class reservation {
   public:
    reservation(reservation&& other) noexcept
        : header_(std::exchange(other.header_, nullptr)), size_(other.size_) {}
    reservation& operator=(reservation&& other) noexcept {
      reservation taken(std::move(other));
      std::swap(header_, taken.header_);
      std::swap(size_, taken.size_);
      return *this;
    }
    ~reservation() { discard(); }

    /// What the program will read; it still holds what was there before.
    [[nodiscard]] span<unsigned char> bytes() const noexcept {
      return {header_ + detail::record_header, size_};
    }
    /// Hands the record to the program.
    void submit() && noexcept { finish(0); }
    /// Makes the program pass over it.
    void discard() noexcept { finish(detail::record_is_discarded); }

   private:
    friend class user_ringbuf;
    reservation(unsigned char* header, u32 size) noexcept : header_(header), size_(size) {}
    void finish(u32 flags) noexcept {
      if (unsigned char* const header = std::exchange(header_, nullptr); header != nullptr)
        __atomic_store_n(reinterpret_cast<u32*>(header), size_ | flags, __ATOMIC_RELEASE);
    }

    unsigned char* header_;
    u32 size_;
  };

  /// Maps the ring buffer behind `map`, and holds a descriptor of its own.
  /// Errors: wrong_map_type; not_a_map; EBADFD for a closed descriptor; those of mmap(2); EMFILE.
  /// Cost:   seven system calls.
  [[nodiscard]] static result<user_ringbuf> open(const fd& map) noexcept;
  /// The same for a typed map; one of another type does not compile.
  template <has_descriptor Map>
  [[nodiscard]] static result<user_ringbuf> open(const Map& map) noexcept {
    detail::demand_type<map_type::user_ringbuf, Map>();
    return open(map.descriptor());
  }

  /// Takes room for a record of `size` bytes.
  /// Errors: ring_is_full; record_too_large.
  /// Cost:   no system call, unless the ring is full: then one.
  [[nodiscard]] result<reservation> reserve(u32 size) noexcept {
    if (size > detail::record_length || detail::room_of(size) > this->size())
      return error{.at = step::reserve, .why = cause::record_too_large}.about(name_);
    unsigned char* header = take(size);
    if (header == nullptr) {
      // Forgets what the program drained before it is looked for room once more, so that only what comes later wakes.
      drained_.take();
      header = take(size);
    }
    if (header == nullptr) return error{.at = step::reserve, .why = cause::ring_is_full}.about(name_);
    return reservation(header, size);
  }
  /// The same, and waits until `end` for a program to make room.
  /// Errors: ring_is_full when none did; record_too_large.
  /// Cost:   three system calls each time that a program drains the ring, and one to read the clock.
  [[nodiscard]] result<reservation> reserve(u32 size, const deadline& end) noexcept {
    for (;;) {
      auto got = reserve(size);
      if (got || got.error().why != cause::ring_is_full) return got;
      const auto ready = wait(end, *this);
      if (!ready) return ready.error();
      if (!*ready) return got;
    }
  }
  /// Copies `value` into a record and submits it.
  /// Errors: those of `reserve`.
  template <class T>
  [[nodiscard]] result<void> submit(const T& value) noexcept {
    static_assert(std::is_trivially_copyable_v<T>,
                  "barebpf: programs get raw bytes, so the type of a record must be trivially copyable");
    auto got = reserve(sizeof(T));
    if (!got) return got.error();
    __builtin_memcpy(got->bytes().data(), &value, sizeof(T));
    std::move(*got).submit();
    return {};
  }

  /// For `wait`: readable once a program has drained the ring after `reserve` found it full.
  [[nodiscard]] const fd& descriptor() const noexcept { return drained_.descriptor(); }

  /// How many bytes programs took out since the map was created, headers and all.
  [[nodiscard]] u64 consumer_position() const noexcept {
    // One look at the producer's, which another thread may move; a program of 32 bits sees half of the consumer's.
    const size_t drained = detail::load_position(consumer_.data());
    const u64 put = producer_position();
    return put - (static_cast<size_t>(put) - drained);
  }
  /// How many bytes were put in since the map was created, headers and all.
  [[nodiscard]] u64 producer_position() const noexcept { return detail::load_own_position(producer_.data()); }
  /// How many bytes are between the two.
  [[nodiscard]] size_t used() const noexcept {
    const size_t drained = detail::load_position(consumer_.data());
    return static_cast<size_t>(producer_position()) - drained;
  }
  /// How many bytes there are in all: max_entries of the map.
  [[nodiscard]] size_t size() const noexcept { return static_cast<size_t>(mask_) + 1; }

 private:
  explicit user_ringbuf(wait_set drained) noexcept : drained_(std::move(drained)) {}

  // Null when there is no room. Until it is finished the record is busy, and the program stops before it.
  [[nodiscard]] unsigned char* take(u32 length) noexcept {
    const u64 at = producer_position();
    const u64 room = detail::room_of(length);
    if (room > size() - used()) return nullptr;
    unsigned char* const header = data_ + (at & mask_);
    __atomic_store_n(reinterpret_cast<u32*>(header), length | detail::record_is_busy, __ATOMIC_RELAXED);
    detail::store_position(producer_.data(), at + room);
    return header;
  }

  fd map_;
  wait_set drained_;
  detail::mapping consumer_, producer_;
  unsigned char* data_ = nullptr;
  u64 mask_ = 0;
  kernel_name name_;
};

inline result<user_ringbuf> user_ringbuf::open(const fd& map) noexcept {
  auto drained = wait_set::make();
  if (!drained) return drained.error();
  user_ringbuf out(std::move(*drained));
  const auto info = detail::hold_ring(map.number(), map_type::user_ringbuf, out.map_);
  if (!info) return info.error();
  out.name_ = info->name;
  const size_t size = info->max_entries, page = detail::page_size();
  const auto fails = [&](step at, long answer) { return failure(at, answer).about(info->name); };
  if (const long answer = out.consumer_.fill(out.map_.number(), page, detail::mapping::readable); answer < 0)
    return fails(step::map_memory, answer);
  // The data is there twice, so that a record that reaches over the end goes on behind it.
  if (size > (~size_t{0} - page) / 2) return fails(step::map_memory, -ENOMEM);
  if (const long answer =
          out.producer_.fill(out.map_.number(), page + 2 * size, detail::mapping::writable, page);
      answer < 0)
    return fails(step::map_memory, answer);
  out.data_ = out.producer_.data() + page;
  out.mask_ = size - 1;
  // The map is ready for writing while it has any room at all; what tells is that a program drained it.
  if (const long answer = out.drained_.add(out.map_.number(), detail::epoll_out | detail::epoll_et);
      answer < 0)
    return fails(step::wait, answer);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_USER_RINGBUF_HPP
// Room 10.12, xsk: packets past the network stack, by a socket of the family AF_XDP. An XDP program redirects them into
// it through an xskmap; nothing is allocated for a packet, and to receive one makes no system call.
#ifndef BAREBPF_XSK_HPP
#define BAREBPF_XSK_HPP

// Room 1.6, abi/xdp: what sockets of the family AF_XDP take and give.
// Source: include/uapi/linux/if_xdp.h at v6.12.
#ifndef BAREBPF_ABI_XDP_HPP
#define BAREBPF_ABI_XDP_HPP

namespace barebpf::inline BAREBPF_ABI::abi {

inline constexpr u16 af_xdp = 44;    // AF_XDP
inline constexpr u32 sol_xdp = 283;  // SOL_XDP

/// Options of getsockopt(2) and setsockopt(2).
namespace xdp_option {
inline constexpr u32 mmap_offsets = 1;          // XDP_MMAP_OFFSETS
inline constexpr u32 rx_ring = 2;               // XDP_RX_RING
inline constexpr u32 tx_ring = 3;               // XDP_TX_RING
inline constexpr u32 umem_reg = 4;              // XDP_UMEM_REG
inline constexpr u32 umem_fill_ring = 5;        // XDP_UMEM_FILL_RING
inline constexpr u32 umem_completion_ring = 6;  // XDP_UMEM_COMPLETION_RING
inline constexpr u32 statistics = 7;            // XDP_STATISTICS
inline constexpr u32 options = 8;               // XDP_OPTIONS
}  // namespace xdp_option

/// Where mmap(2) finds a ring.
namespace xdp_place {
inline constexpr u64 rx_ring = 0;                         // XDP_PGOFF_RX_RING
inline constexpr u64 tx_ring = 0x80000000;                // XDP_PGOFF_TX_RING
inline constexpr u64 umem_fill_ring = 0x100000000;        // XDP_UMEM_PGOFF_FILL_RING
inline constexpr u64 umem_completion_ring = 0x180000000;  // XDP_UMEM_PGOFF_COMPLETION_RING
}  // namespace xdp_place

inline constexpr u16 xdp_copy = 1 << 1;             // XDP_COPY
inline constexpr u16 xdp_zerocopy = 1 << 2;         // XDP_ZEROCOPY
inline constexpr u16 xdp_use_need_wakeup = 1 << 3;  // XDP_USE_NEED_WAKEUP, 5.4
inline constexpr u32 xdp_ring_need_wakeup = 1;      // XDP_RING_NEED_WAKEUP
inline constexpr u32 xdp_options_zerocopy = 1;      // XDP_OPTIONS_ZEROCOPY

/// The address that bind(2) takes: struct sockaddr_xdp.
struct sockaddr_xdp {
  u16 family = af_xdp;
  u16 flags = 0;
  u32 ifindex = 0;
  u32 queue_id = 0;
  u32 shared_umem_fd = 0;
};
static_assert(sizeof(sockaddr_xdp) == 16);

/// The memory that packets lie in: struct xdp_umem_reg. What came after Linux 4.18 is behind the 24 bytes that it read.
struct xdp_umem_reg {
  u64 addr = 0;
  u64 len = 0;
  u32 chunk_size = 0;
  u32 headroom = 0;
  u32 flags = 0;
  u32 tx_metadata_len = 0;
};
static_assert(sizeof(xdp_umem_reg) == 32);

/// Where in its mapping the parts of a ring lie: struct xdp_ring_offset. Before 5.4 it has no `flags`.
struct xdp_ring_offset {
  u64 producer = 0;
  u64 consumer = 0;
  u64 desc = 0;
  u64 flags = 0;
};
static_assert(sizeof(xdp_ring_offset) == 32);

/// A packet that was received or is to be sent: struct xdp_desc.
struct xdp_desc {
  u64 addr = 0;
  u32 len = 0;
  u32 options = 0;
};
static_assert(sizeof(xdp_desc) == 16);

/// What happened to packets: struct xdp_statistics.
struct xdp_statistics {
  u64 rx_dropped = 0;        ///< larger than a frame, or for another reason
  u64 rx_invalid_descs = 0;  ///< frames that lie outside of the memory
  u64 tx_invalid_descs = 0;  ///< packets that do
  u64 rx_ring_full = 0;      ///< dropped because nobody received; counted since 5.9, and so is what follows
  u64 rx_fill_ring_empty_descs = 0;  ///< times that there was no frame for a packet
  u64 tx_ring_empty_descs = 0;       ///< times that there was nothing to send
};
static_assert(sizeof(xdp_statistics) == 48);

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_XDP_HPP

namespace barebpf::inline BAREBPF_ABI {

/// How packets get between an interface and a socket.
enum class xsk_mode : u16 {
  any = 0,                        ///< without a copy if the driver can, otherwise with one
  copy = abi::xdp_copy,           ///< with one, which works on every interface
  zero_copy = abi::xdp_zerocopy,  ///< without, or not at all
};

/// What a socket is made of.
struct xsk_options {
  u32 queue = 0;          ///< of the interface, the one that packets are received from
  u32 frame_size = 2048;  ///< a power of two up to a page, of which 256 bytes are not for what comes in
  u32 rx_frames = 1024;   ///< for packets that come in, a power of two; 0 for a socket that only sends
  u32 tx_frames = 1024;   ///< for packets on their way out, a power of two; 0 for one that only receives
  xsk_mode mode = xsk_mode::any;
};

namespace detail {

[[nodiscard]] inline long set_xdp_option(const fd& socket, u32 option, const void* value, u32 size) noexcept {
  return system_call(__NR_setsockopt, socket.number(), abi::sol_xdp, option, value, size);
}
// Shape: how many bytes there were, fewer on a kernel that knows less of it, or negative errno.
template <class Record>
[[nodiscard]] long get_xdp_option(const fd& socket, u32 option, Record& value) noexcept {
  u32 size = sizeof(Record);
  const long answer = system_call(__NR_getsockopt, socket.number(), abi::sol_xdp, option, &value, &size);
  return answer < 0 ? answer : static_cast<long>(size);
}

// Where the four rings lie in their mappings, in the order of the kernel: received, to be sent, fill, completion.
struct xsk_offsets {
  u64 words[4 * 4] = {};
  long size = 0;  // of it, or negative errno

  explicit xsk_offsets(const fd& socket) noexcept
      : size(get_xdp_option(socket, abi::xdp_option::mmap_offsets, words)) {}
  // Before 5.4 each has a word less, and the socket always wants to be woken.
  [[nodiscard]] bool have_flags() const noexcept { return size == sizeof words; }
  [[nodiscard]] abi::xdp_ring_offset operator[](size_t ring) const noexcept {
    const u64* const of = words + ring * (have_flags() ? 4 : 3);
    return {.producer = of[0], .consumer = of[1], .desc = of[2], .flags = have_flags() ? of[3] : 0};
  }
};

// One ring between this process and the kernel: two counters that only go up, of which each side writes one. What
// stands between them belongs to the consumer. None of the library's rings can overflow, because each has room for all
// the frames that may ever be in it.
// Source: net/xdp/xsk_queue.h at v6.12.
template <class Entry>
class xsk_ring {
 public:
  // Shape: 0, or negative errno.
  [[nodiscard]] long open(const fd& socket, u32 option, u64 place, u32 size,
                          const abi::xdp_ring_offset& at) noexcept {
    if (const long answer = set_xdp_option(socket, option, &size, sizeof size); answer < 0) return answer;
    const size_t bytes = static_cast<size_t>(at.desc) + size * sizeof(Entry);
    if (const long answer = memory_.fill(socket.number(), bytes, mapping::writable, place); answer < 0)
      return answer;
    producer_ = word_at(at.producer);
    consumer_ = word_at(at.consumer);
    flags_ = at.flags == 0 ? nullptr : word_at(at.flags);
    entries_ = reinterpret_cast<Entry*>(memory_.data() + at.desc);
    mask_ = size - 1;
    return 0;
  }
  [[nodiscard]] bool is_open() const noexcept { return memory_.data() != nullptr; }

  [[nodiscard]] Entry& operator[](u32 at) const noexcept { return entries_[at & mask_]; }
  // What the kernel says, and with it all that it wrote before.
  [[nodiscard]] u32 producer() const noexcept { return __atomic_load_n(producer_, __ATOMIC_ACQUIRE); }
  [[nodiscard]] u32 consumer() const noexcept { return __atomic_load_n(consumer_, __ATOMIC_ACQUIRE); }
  // What only this side writes.
  [[nodiscard]] u32 own_producer() const noexcept { return __atomic_load_n(producer_, __ATOMIC_RELAXED); }
  [[nodiscard]] u32 own_consumer() const noexcept { return __atomic_load_n(consumer_, __ATOMIC_RELAXED); }
  void produce_up_to(u32 end) const noexcept { __atomic_store_n(producer_, end, __ATOMIC_RELEASE); }
  void consume_up_to(u32 end) const noexcept { __atomic_store_n(consumer_, end, __ATOMIC_RELEASE); }

  // True when the kernel sleeps and goes on only after a system call; `before_5_4` where it does not say.
  [[nodiscard]] bool wants_wakeup(bool before_5_4) const noexcept {
    if (flags_ == nullptr) return before_5_4;
    return (__atomic_load_n(flags_, __ATOMIC_RELAXED) & abi::xdp_ring_need_wakeup) != 0;
  }

 private:
  [[nodiscard]] u32* word_at(u64 offset) const noexcept {
    return reinterpret_cast<u32*>(memory_.data() + offset);
  }

  mapping memory_;
  u32* producer_ = nullptr;
  u32* consumer_ = nullptr;
  u32* flags_ = nullptr;
  Entry* entries_ = nullptr;
  u32 mask_ = 0;
};

}  // namespace detail

/// A socket that receives the packets of one queue of an interface that an XDP program redirects to it, and sends
/// packets as they are. `sockets->update_elem(queue, *socket)` puts it into an xskmap, `wait(end, *socket)` sleeps
/// until a packet is there.
/// Shape:    a descriptor, the memory of the frames and four rings. Frames for what comes in and for what goes out are
///           kept apart, so neither can starve the other.
/// Lifetime: it leaves the maps that it is in when it goes. When its interface goes it stays, and nothing more comes;
///           `check` says so.
/// Threads:  one thread receives and one sends at a time, which may be two.
/// Kernel:   4.18.
/// Source:   net/xdp/xsk.c at v6.12.
class xsk {
 public:
  /// Makes a socket and binds it to a queue of the interface of this number.
  /// Errors: EPERM without CAP_NET_RAW; ENOBUFS for more memory than the process may lock; EINVAL for sizes that are no
  ///         powers of two and for a queue that the interface does not have; ENODEV; EBUSY when the queue has a socket,
  ///         or had one a moment ago; EOPNOTSUPP when the driver cannot do `mode`.
  /// Cost:   thirteen system calls, and (rx_frames + tx_frames) * frame_size bytes of locked memory.
  [[nodiscard]] static result<xsk> open(u32 ifindex, const xsk_options& options = {}) noexcept;

  /// Gives the packets that are there to `use`, a `span<unsigned char>` each, oldest first, at most `at_most`. If
  /// it returns false, this one was the last. The frames go back to the kernel together when this returns.
  /// Shape:    how many `use` was given.
  /// Lifetime: a packet may be read and written until this returns.
  /// Cost:     no system call, unless the driver sleeps for want of frames: then one.
  template <class Use>
  u32 receive(Use&& use, u32 at_most = 64) {
    if (!received_.is_open()) return 0;
    u32 used = 0;
    {
      const batch now{.of = *this, .used = used};
      for (const u32 ready = available(); used < ready && used < at_most;) {
        const abi::xdp_desc packet = received_[now.first + used];
        fill_[now.filled + used] = packet.addr & ~u64{frame_size_ - 1};
        ++used;
        const span<unsigned char> bytes(frames_.data() + packet.addr, packet.len);
        if constexpr (std::is_void_v<decltype(use(bytes))>)
          use(bytes);
        else if (!use(bytes))
          break;
      }
    }
    if (fill_.wants_wakeup(false)) wake_for_frames();
    return used;
  }
  /// How many packets wait to be received.
  [[nodiscard]] u32 available() const noexcept {
    return received_.is_open() ? received_.producer() - received_.own_consumer() : 0;
  }

  /// Lets `write` fill the next frame, a `span<unsigned char>`; as many bytes as it returns are the packet, none if
  /// that is 0. `flush` sends what was submitted.
  /// Errors: no_free_frame when all are on their way; packet_too_large.
  /// Cost:   no system call.
  template <class Write>
  requires std::is_invocable_r_v<size_t, Write&, span<unsigned char>>
  [[nodiscard]] result<void> submit(Write&& write) {
    if (!sent_.is_open() || !find_free_frame())
      return error{.at = step::send_packets, .why = cause::no_free_frame};
    const size_t size = write(span<unsigned char>(frames_.data() + free_frame_, frame_size_));
    if (size > frame_size_) return error{.at = step::send_packets, .why = cause::packet_too_large};
    if (size == 0) return {};
    const u32 at = sent_.own_producer();
    sent_[at] = {.addr = free_frame_, .len = static_cast<u32>(size)};
    sent_.produce_up_to(at + 1);
    free_frame_ = no_frame;
    return {};
  }
  /// Copies `packet` into a frame, under the same conditions.
  [[nodiscard]] result<void> submit(span<const unsigned char> packet) noexcept {
    return submit([&](span<unsigned char> frame) {
      if (packet.size() <= frame.size()) __builtin_memcpy(frame.data(), packet.data(), packet.size());
      return packet.size();
    });
  }
  /// Has the kernel send what was submitted, unless it does so already.
  /// Errors: EAGAIN when it has as much on its way as it may, EBUSY when the interface dropped a packet: what is left is
  ///         sent by the next `flush`. ENETDOWN while the interface is down; ENXIO when it is gone.
  /// Cost:   one system call for 32 packets, none when the driver is awake.
  [[nodiscard]] result<void> flush() noexcept;
  /// How many packets were submitted that the kernel has not begun to send.
  [[nodiscard]] u32 unsent() const noexcept {
    return sent_.is_open() ? sent_.own_producer() - sent_.consumer() : 0;
  }

  /// Whether packets can still come and go, which a wait for them does not tell. What was submitted is sent.
  /// Errors: ENETDOWN while the interface is down; ENXIO when it is gone.
  /// Cost:   one system call.
  [[nodiscard]] result<void> check() const noexcept {
    const long answer = wake_for_packets();
    if (answer == -ENETDOWN || answer == -ENXIO) return failure(step::check_xsk, answer);
    return {};
  }
  /// What happened to packets since the socket was made.
  [[nodiscard]] result<abi::xdp_statistics> statistics() const noexcept {
    abi::xdp_statistics out;
    if (const long answer = detail::get_xdp_option(socket_, abi::xdp_option::statistics, out); answer < 0)
      return failure(step::check_xsk, answer);
    return out;
  }
  /// True when packets are not copied.
  /// Kernel: 5.3.
  [[nodiscard]] result<bool> is_zero_copy() const noexcept {
    u32 flags = 0;
    if (const long answer = detail::get_xdp_option(socket_, abi::xdp_option::options, flags); answer < 0)
      return failure(step::check_xsk, answer);
    return (flags & abi::xdp_options_zerocopy) != 0;
  }

  /// For `wait` and for xskmaps: readable while a packet is there.
  [[nodiscard]] const fd& descriptor() const noexcept { return socket_; }

 private:
  static constexpr u64 no_frame = ~u64{0};
  xsk() noexcept = default;

  // Packets that are being received. Also when one of them throws, it and those before it are done with.
  struct batch {
    const xsk& of;
    const u32& used;
    const u32 first = of.received_.own_consumer();
    const u32 filled = of.fill_.own_producer();
    ~batch() {
      of.fill_.produce_up_to(filled + used);
      of.received_.consume_up_to(first + used);
    }
  };

  // Shape: 0, or negative errno.
  [[nodiscard]] long make_frames(const xsk_options& options) noexcept;
  [[nodiscard]] long make_rings(const xsk_options& options, const detail::xsk_offsets& at) noexcept;
  // Looks for a frame to write to, first among those that were sent, whose memory is warm.
  [[nodiscard]] bool find_free_frame() noexcept {
    if (free_frame_ != no_frame) return true;
    if (const u32 at = completed_.own_consumer(); at != completed_.producer()) {
      free_frame_ = completed_[at];
      completed_.consume_up_to(at + 1);
    } else if (untouched_ != end_) {
      free_frame_ = untouched_;
      untouched_ += frame_size_;
    }
    return free_frame_ != no_frame;
  }
  // Before 5.11 there is no other way.
  void wake_for_frames() const noexcept {
    detail::awaited one{socket_.number(), detail::poll_in, 0};
    static_cast<void>(detail::wait_for(&one, 1, deadline::now()));
  }
  long wake_for_packets() const noexcept {
    constexpr long do_not_wait = 0x40;  // MSG_DONTWAIT
    return system_call(__NR_sendto, socket_.number(), nullptr, 0, do_not_wait, nullptr, 0);
  }

  fd socket_;
  detail::mapping frames_;  // those for what comes in, and behind them those for what goes out
  detail::xsk_ring<abi::xdp_desc> received_, sent_;
  detail::xsk_ring<u64> fill_, completed_;
  u32 frame_size_ = 0;
  u64 free_frame_ = no_frame;
  u64 untouched_ = 0, end_ = 0;  // frames for what goes out that were never used
};

inline long xsk::make_frames(const xsk_options& options) noexcept {
  size_t size = 0;
  if (__builtin_mul_overflow(u64{options.rx_frames} + options.tx_frames, options.frame_size, &size))
    return -ENOMEM;
  if (const long answer = frames_.fill_with_zeros(size); answer < 0) return answer;
  const abi::xdp_umem_reg request{
      .addr = reinterpret_cast<uintptr_t>(frames_.data()), .len = size, .chunk_size = options.frame_size};
  frame_size_ = options.frame_size;
  untouched_ = u64{options.rx_frames} * options.frame_size;
  end_ = size;
  return detail::set_xdp_option(socket_, abi::xdp_option::umem_reg, &request, sizeof request);
}

inline long xsk::make_rings(const xsk_options& options, const detail::xsk_offsets& at) noexcept {
  namespace option = abi::xdp_option;
  namespace place = abi::xdp_place;
  if (at.size < 0) return at.size;
  // The kernel wants the two of the memory in any case.
  const u32 fill = options.rx_frames == 0 ? 1 : options.rx_frames;
  const u32 complete = options.tx_frames == 0 ? 1 : options.tx_frames;
  long answer = fill_.open(socket_, option::umem_fill_ring, place::umem_fill_ring, fill, at[2]);
  if (answer >= 0)
    answer =
        completed_.open(socket_, option::umem_completion_ring, place::umem_completion_ring, complete, at[3]);
  if (answer >= 0 && options.rx_frames != 0)
    answer = received_.open(socket_, option::rx_ring, place::rx_ring, options.rx_frames, at[0]);
  if (answer >= 0 && options.tx_frames != 0)
    answer = sent_.open(socket_, option::tx_ring, place::tx_ring, options.tx_frames, at[1]);
  if (answer < 0) return answer;
  for (u32 i = 0; i < options.rx_frames; ++i) fill_[i] = u64{i} * options.frame_size;
  fill_.produce_up_to(options.rx_frames);
  return 0;
}

inline result<xsk> xsk::open(u32 ifindex, const xsk_options& options) noexcept {
  constexpr int raw_close_on_exec = 3 | 02000000;  // SOCK_RAW | SOCK_CLOEXEC
  xsk out;
  outcome row;
  if (row.fails(step::open_xsk, move_away(system_call(__NR_socket, abi::af_xdp, raw_close_on_exec, 0))))
    return to_error(row);
  out.socket_.fill(row.answer);
  if (row.fails(step::make_frames, out.make_frames(options))) return to_error(row);
  const detail::xsk_offsets offsets(out.socket_);
  if (row.fails(step::make_xsk_rings, out.make_rings(options, offsets))) return to_error(row);
  const abi::sockaddr_xdp address{
      .flags = static_cast<u16>(static_cast<u16>(options.mode) |
                                (offsets.have_flags() ? abi::xdp_use_need_wakeup : 0)),
      .ifindex = ifindex,
      .queue_id = options.queue};
  if (row.fails(step::bind_xsk, system_call(__NR_bind, out.socket_.number(), &address, sizeof address)))
    return to_error(row);
  return out;
}

inline result<void> xsk::flush() noexcept {
  // The kernel takes 32 packets at a time and says EAGAIN while there are more.
  for (u32 left = unsent(); left != 0 && sent_.wants_wakeup(true);) {
    const long answer = wake_for_packets();
    if (answer >= 0) break;
    const u32 now = unsent();
    if (answer != -EAGAIN || now >= left) return failure(step::send_packets, answer);
    left = now;
  }
  return {};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_XSK_HPP

#endif  // BAREBPF_BAREBPF_HPP
