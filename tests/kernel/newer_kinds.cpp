// SPDX-License-Identifier: MIT
// Kinds of types that some kernels do not know: on one that does not, the object works all the same.
#include <cstring>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/newer_kinds.hpp"
#include "newer_kinds.bpf.hpp"

namespace {

using barebpf::fd;
using barebpf::kernel;
using barebpf::u32;

constexpr barebpf::static_object<newer_kinds> compiled;

}  // namespace

TEST_CASE("a lock works beside types that the kernel may not know", "[newer_kinds]") {
  const auto check = [](const fd& program, const fd& notes) {
    const unsigned char packet[100] = {};
    const auto ran = barebpf::test_run(program, {.data = packet});
    require(ran);
    CHECK(ran->value == 5);
    const u32 key = 0;
    unsigned char note[32] = {};
    REQUIRE(barebpf::untyped_map::borrow(notes.number(), {}).lookup_elem(&key, note) == 0);
    CHECK(note[4] == 0xff);  // the mood, -1
    std::uint64_t count = 0;
    std::memcpy(&count, note + 24, sizeof count);
    CHECK(count == 3);
  };
  const auto by_compiler = compiled.load();
  require(by_compiler);
  check(by_compiler->program<"counts">(), by_compiler->map_descriptor<"notes">());
  const auto opened = barebpf::object::open(BAREBPF_TEST_OBJECTS "/newer_kinds.bpf.o");
  require(opened);
  const auto by_program = opened->load();
  require(by_program);
  check(**by_program->program("counts"), **by_program->map_descriptor("notes"));
}

TEST_CASE("the words of every age that is over are the kernel's", "[newer_kinds]") {
  const newer_kinds_types made;
  const file_image before = made.types.content();
  constexpr u32 since[] = {kernel(6, 15), kernel(6, 0), kernel(5, 17), kernel(5, 16), kernel(5, 13)};
  for (std::size_t i = 0; i < std::size(since); ++i) {
    const u32 first = i + 1 < std::size(since) ? since[i + 1] : kernel(5, 10);
    CAPTURE(i);
    if (barebpf::running_kernel() < first) continue;
    const file_image older = write_older(before, since[i]);
    const fd types = fd::own(barebpf::load_btf(older.data(), static_cast<u32>(older.size())));
    REQUIRE(types.is_open());
    const barebpf::abi::map_create attr{.map_type = static_cast<u32>(barebpf::map_type::array),
                                        .key_size = 4,
                                        .value_size = 40,
                                        .max_entries = 1,
                                        .btf_fd = types.raw(),
                                        .btf_key_type_id = made.number,
                                        .btf_value_type_id = made.value};
    const fd map = fd::own(barebpf::sys_bpf(barebpf::abi::command::map_create, attr));
    CHECK(map.is_open());
  }
}
