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
inline constexpr u8 pseudo_map_fd = 1;   // BPF_PSEUDO_MAP_FD
inline constexpr u8 pseudo_map_idx = 5;  // BPF_PSEUDO_MAP_IDX, 5.14

/// Operation code of the two-slot load of 64 bits, BPF_LD | BPF_IMM | BPF_DW.
inline constexpr u8 opcode_ld_imm64 = 0x18;

/// One instruction as the kernel takes it. The two register numbers share a byte, and which of them has
/// the low half follows the machine's byte order.
struct insn {
  u8 opcode = 0;
  u8 registers = 0;
  s16 offset = 0;
  s32 immediate = 0;

  /// Sets the source register and leaves the destination register.
  constexpr void set_source(u8 source) noexcept {
    registers = static_cast<u8>(host_is_big_endian ? (registers & 0xf0) | source
                                                   : (registers & 0x0f) | (source << 4));
  }
};
static_assert(sizeof(insn) == 8);

/// What BPF_MAP_CREATE reads.
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

/// What BPF_MAP_LOOKUP_ELEM and BPF_MAP_UPDATE_ELEM read.
struct map_elem {
  u32 map_fd = 0;
  u32 unused = 0;
  address key{};
  address value{};
  u64 flags = 0;
};
static_assert(sizeof(map_elem) == 32 && offsetof(map_elem, flags) == 24);

/// What BPF_MAP_DELETE_ELEM reads: no flags, any byte behind the key is EINVAL.
struct map_key {
  u32 map_fd = 0;
  u32 unused = 0;
  address key{};
};
static_assert(sizeof(map_key) == 16);

/// What BPF_MAP_GET_NEXT_KEY reads; without a key it gives the first.
struct map_next_key {
  u32 map_fd = 0;
  u32 unused = 0;
  address key{};
  address next_key{};
};
static_assert(sizeof(map_next_key) == 24);

/// What BPF_PROG_LOAD reads, and writes `log_true_size` back to (6.4).
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
  u32 attach_prog_fd = 0;
  u32 core_relo_cnt = 0;
  address fd_array{};
  address core_relos{};
  u32 core_relo_rec_size = 0;
  u32 log_true_size = 0;
};
static_assert(sizeof(prog_load) == 144 && offsetof(prog_load, prog_name) == 48 &&
              offsetof(prog_load, fd_array) == 120 && offsetof(prog_load, log_true_size) == 140);

/// What BPF_BTF_LOAD reads.
struct btf_load {
  alignas(8) address btf{};
  address btf_log_buf{};
  u32 btf_size = 0;
  u32 btf_log_size = 0;
  u32 btf_log_level = 0;
  u32 btf_log_true_size = 0;
};
static_assert(sizeof(btf_load) == 32 && offsetof(btf_load, btf_log_true_size) == 28);

/// What BPF_LINK_CREATE reads for a perf event.
struct link_create_perf_event {
  u32 prog_fd = 0;
  u32 target_fd = 0;
  u32 attach_type = 0;
  u32 flags = 0;
  u64 bpf_cookie = 0;
};
static_assert(sizeof(link_create_perf_event) == 24);

/// What the commands that walk over ids read, and write `next_id` back to.
struct next_id {
  u32 start_id = 0;
  u32 next_id = 0;
  u32 open_flags = 0;
};
static_assert(sizeof(next_id) == 12);

/// What BPF_OBJ_GET_INFO_BY_FD reads, and writes `info_len` back to.
struct obj_info {
  u32 bpf_fd = 0;
  u32 info_len = 0;
  alignas(8) address info{};
};
static_assert(sizeof(obj_info) == 16);

/// The argument of bpf(2): one named member for each form it takes. Only storage; what is handed to the
/// kernel is one member with its own size.
union bpf_attr {
  abi::map_create map_create{};
  abi::map_elem map_elem;
  abi::map_key map_key;
  abi::map_next_key map_next_key;
  abi::prog_load prog_load;
  abi::btf_load btf_load;
  abi::link_create_perf_event link_create_perf_event;
  abi::next_id next_id;
  abi::obj_info obj_info;
};

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_BPF_HPP
