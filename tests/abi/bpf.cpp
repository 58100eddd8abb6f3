// SPDX-License-Identifier: MIT
// Rooms 1.0 and 1.1 in one program with the system's own header, which defines many of their words as macros.
// Where members lie and which numbers there are is compared in headers.cpp.
#include <linux/bpf.h>

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "../support/catch.hpp"
#include "../support/library.hpp"

namespace {

namespace abi = barebpf::abi;
// The library has a union of this name too, in its own namespace.
using attr = union ::bpf_attr;

// The number of an enumerator, whatever its enum.
template <class Enum>
constexpr unsigned number(Enum value) {
  return static_cast<unsigned>(value);
}

}  // namespace

TEST_CASE("a record is handed over up to the end of its last field in use", "[abi]") {
  CHECK(abi::map_create_with_token{.map_token_fd = 3}.used() == 80);
  CHECK(abi::map_create_with_token{.excl_prog_hash_size = 32}.used() == 92);
  CHECK(abi::prog_load_with_token{.prog_token_fd = 3}.used() == 152);
  CHECK(abi::prog_load_with_token{.signature_size = 1}.used() == 168);
  CHECK(abi::obj_path{}.used() == 16);
  CHECK(abi::obj_path{.path_fd = 4}.used() == 20);
  CHECK(abi::btf_load{}.used() == 32);
  CHECK(abi::btf_load{.btf_token_fd = 4}.used() == 40);
  CHECK(abi::next_id{}.used() == 12);
  CHECK(abi::raw_tracepoint{}.used() == 12);
  CHECK(abi::raw_tracepoint{.cookie = 1}.used() == 24);
  CHECK(abi::prog_attach{}.used() == 20);
  CHECK(abi::link_create_uprobe_multi{}.used() == 60);
}

TEST_CASE("the library's argument of bpf(2) is large enough for each form of it", "[abi]") {
  CHECK(sizeof(abi::bpf_attr) == 168);
  CHECK(alignof(abi::bpf_attr) == alignof(attr));
}

TEST_CASE("a fresh record is all zeros to its last byte", "[abi]") {
  const auto is_zero = [](auto record) {
    // Storage that was full before, so that a byte that nobody writes shows.
    alignas(8) unsigned char storage[sizeof record];
    std::memset(storage, 0xa5, sizeof storage);
    std::memcpy(storage, &record, sizeof record);
    for (const unsigned char byte : storage)
      if (byte != 0) return false;
    return true;
  };
  static_assert(std::has_unique_object_representations_v<abi::map_create>);
  static_assert(std::has_unique_object_representations_v<abi::prog_load>);
  static_assert(std::has_unique_object_representations_v<abi::btf_load>);
  static_assert(std::has_unique_object_representations_v<abi::link_create_perf_event>);
  static_assert(std::has_unique_object_representations_v<abi::link_create_tracing>);
  static_assert(std::has_unique_object_representations_v<abi::link_create_ordered>);
  static_assert(std::has_unique_object_representations_v<abi::link_create_iter>);
  static_assert(std::has_unique_object_representations_v<abi::link_create_tracing_multi>);
  static_assert(std::has_unique_object_representations_v<abi::prog_test_run>);
  static_assert(std::has_unique_object_representations_v<abi::prog_stream_read>);

  CHECK(is_zero(abi::map_create{}));
  CHECK(is_zero(abi::prog_load{}));
  CHECK(is_zero(abi::btf_load{}));
  CHECK(is_zero(abi::link_create_perf_event{}));
  CHECK(is_zero(abi::link_create_ordered{}));
  CHECK(is_zero(abi::link_create_iter{}));
  CHECK(is_zero(abi::next_id{}));
}

TEST_CASE("an address takes eight bytes and is the pointer in them", "[abi]") {
  int target = 0;
  const abi::address where(&target);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &where, sizeof bits);

  CHECK(sizeof where == 8);
  CHECK(bits == static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&target)));
}

TEST_CASE("an instruction has the kernel's shape", "[abi]") {
  CHECK(sizeof(abi::insn) == sizeof(bpf_insn));
  CHECK(offsetof(abi::insn, opcode) == offsetof(bpf_insn, code));
  CHECK(offsetof(abi::insn, offset) == offsetof(bpf_insn, off));
  CHECK(offsetof(abi::insn, immediate) == offsetof(bpf_insn, imm));
  CHECK(number(abi::opcode_ld_imm64) == (BPF_LD | BPF_IMM | BPF_DW));
  CHECK(number(abi::pseudo_map_fd) == BPF_PSEUDO_MAP_FD);
  CHECK(number(abi::pseudo_map_idx) == BPF_PSEUDO_MAP_IDX);
}

TEST_CASE("setting the source register leaves the destination register", "[abi]") {
  bpf_insn system{};
  system.code = BPF_LD | BPF_IMM | BPF_DW;
  system.dst_reg = 9;
  system.src_reg = 3;
  system.off = -2;
  system.imm = -7;
  abi::insn ours;
  std::memcpy(static_cast<void*>(&ours), &system, sizeof ours);

  ours.set_source(5);

  std::memcpy(&system, &ours, sizeof system);
  CHECK(static_cast<int>(system.src_reg) == 5);
  CHECK(static_cast<int>(system.dst_reg) == 9);
  CHECK(system.code == 0x18);
  CHECK(system.off == -2);
  CHECK(system.imm == -7);
}

TEST_CASE("flags of an update and lengths of names are the kernel's", "[abi]") {
  CHECK(number(barebpf::update::any) == BPF_ANY);
  CHECK(number(barebpf::update::noexist) == BPF_NOEXIST);
  CHECK(number(barebpf::update::exist) == BPF_EXIST);
  CHECK(sizeof(barebpf::kernel_name) == BPF_OBJ_NAME_LEN);
  CHECK(barebpf::longest_kernel_name == 15);
}
