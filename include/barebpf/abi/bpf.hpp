// SPDX-License-Identifier: MIT
// Room 1.1, abi/bpf: what bpf(2) takes, as plain records of our own. One record per command, every member
// initialized, so that no byte is ever left over; <linux/bpf.h> is never needed and never in the way.
#ifndef BAREBPF_ABI_BPF_HPP
#define BAREBPF_ABI_BPF_HPP

#include "../name.hpp"
#include "enums.hpp"

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
