// SPDX-License-Identifier: MIT
#include <string>

#include "../support/catch.hpp"
#include "../support/fake_machine.hpp"
#include "../support/library.hpp"

namespace {

std::string folded(const barebpf::counted_stack& stack, const barebpf::stack_names& names = {}) {
  std::string out;
  barebpf::write_folded(stack, names, [&](barebpf::text piece) { out.append(piece.data(), piece.size()); });
  return out;
}

}  // namespace

TEST_CASE("a folded line goes from the process to the kernel, from the outermost to the innermost",
          "[folded]") {
  fake_machine machine;
  machine.files["/proc/kallsyms"] = "ffffffff81000100 T entry\nffffffff81000200 T inner\n";
  machine.files["/proc/77/maps"] =
      "2000-5000 r-xp 00001000 fe:00 1     /bin/cat\n"
      "9000-a000 r-xp 00000000 fe:00 2     /lib/libc.so.6\n";
  const auto symbols = barebpf::kernel_symbols::read();
  const auto mappings = barebpf::user_mappings::read(77);
  REQUIRE(symbols.has_value());
  REQUIRE(mappings.has_value());
  const barebpf::u64 user[] = {0x9004, 0x2010, 0x7f00},
                     kernel[] = {0xffffffff81000204, 0xffffffff81000104, 5};
  const barebpf::counted_stack stack{.comm = "a cat", .user = user, .kernel = kernel, .count = 12};

  CHECK(folded(stack, {.user = &*mappings, .kernel = &*symbols}) ==
        "a cat;0x7f00;cat+0x1010;libc.so.6+0x4;0x5_[k];entry_[k];inner_[k] 12\n");
  CHECK(folded(stack) ==
        "a cat;0x7f00;0x2010;0x9004;0x5_[k];0xffffffff81000104_[k];0xffffffff81000204_[k] 12\n");
}

TEST_CASE("build ids are named by their digits, and a place without one by its address", "[folded]") {
  barebpf::build_id_place places[2];
  places[0].status = barebpf::build_id_place::state::valid;
  for (barebpf::u8 i = 0; i < 20; ++i) places[0].build_id[i] = static_cast<barebpf::u8>(i * 13);
  places[0].offset = 0x1234;
  places[1].status = barebpf::build_id_place::state::address;
  places[1].offset = 0x2010;
  CHECK(folded({.comm = "cat", .user_ids = places, .count = 1}) ==
        "cat;0x2010;000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7+0x1234 1\n");
}

TEST_CASE("names with what parts a line are changed, and an empty stack is a line too", "[folded]") {
  CHECK(folded({.comm = "a;b\nc;", .count = 18446744073709551615u}) == "a_b_c_ 18446744073709551615\n");
  CHECK(folded({}) == " 0\n");
}

TEST_CASE("a buffer that is too small gets the beginning and the length", "[folded]") {
  const barebpf::u64 user[] = {~0ull, 0};
  const barebpf::counted_stack stack{.comm = "cat", .user = user, .count = 3};
  const std::string whole = folded(stack);
  CHECK(whole == "cat;0x0;0xffffffffffffffff 3\n");
  for (std::size_t room = 0; room <= whole.size(); ++room) {
    CAPTURE(room);
    std::string buffer(room + 1, '#');
    CHECK(barebpf::write_folded(stack, {}, buffer.data(), room) == whole.size());
    CHECK(buffer == whole.substr(0, room) + "#");
  }
}
