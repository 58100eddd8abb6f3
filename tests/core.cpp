// SPDX-License-Identifier: MIT
// A program fitted to a kernel, from the names to the instructions.
#include "support/catch.hpp"
#include "support/core_types.hpp"

namespace {

using barebpf::cause;
using barebpf::core_outcome;
using barebpf::abi::insn;

// Relocations of one program against two sets of types.
struct fitted {
  two_sides both;
  std::vector<barebpf::abi::core_relo> relocations;
  std::vector<insn> code;

  // r1 = number, which depends on this.
  void move(std::int32_t number, std::uint32_t type, const std::string& access, std::uint32_t kind) {
    relocations.push_back({.insn_off = static_cast<std::uint32_t>(code.size() * 8),
                           .type_id = type,
                           .access_str_off = both.here.name(access),
                           .kind = kind});
    code.push_back({.opcode = 0xb7, .registers = 1, .immediate = number});
  }
  core_outcome fit() {
    both.open();
    barebpf::core_candidates candidates(both.local.types);
    REQUIRE(candidates.reserve(static_cast<std::uint32_t>(relocations.size())));
    for (const auto& one : relocations) candidates.want(one.type_id);
    REQUIRE(candidates.search(both.target.types, both.target.index.data()));
    barebpf::core_sides sides(both.local.types, both.target.types);
    return relocate(sides, candidates, relocations.data(), static_cast<std::uint32_t>(relocations.size()),
                    code.data(), static_cast<std::uint32_t>(code.size()));
  }
};

// The same bytes as a machine of the other order has them: all but the strings are words.
file_image turned(file_image content) {
  const auto turn = [&](std::size_t at, std::size_t size) {
    for (std::size_t i = 0; i < size / 2; ++i) std::swap(content[at + i], content[at + size - 1 - i]);
  };
  const std::size_t end = 24 + get32(content, 12);
  turn(0, 2);
  for (std::size_t at = 4; at < end; at += 4) turn(at, 4);
  return content;
}

}  // namespace

TEST_CASE("names are found among many, with their flavours and without", "[core]") {
  fitted all;
  const auto here_int = all.both.here.integer("int", 4, 1), there_int = all.both.there.integer("int", 4, 1);
  std::vector<std::uint32_t> wanted;
  for (const char* name : {"a", "ab___x", "abc", "abcd___one", "abcde", "a_very_long_name_of_a_struct___y"})
    wanted.push_back(all.both.here.structure(name, 4, {{"x", here_int}}));
  // Others that begin alike, are of another kind, or have no name.
  for (int i = 0; i < 300; ++i) {
    all.both.there.structure("abcd" + std::to_string(i), 4, {{"x", there_int}});
    all.both.there.structure("", 4, {{"x", there_int}});
    all.both.there.union_of("abcde", 4, {{"x", there_int}});
  }
  std::uint32_t place = 0;
  for (const char* name : {"abcde___x", "a", "a_very_long_name_of_a_struct", "abcd", "ab", "abc___zz"})
    all.both.there.structure(name, 128, {{"x", there_int, 32 * ++place}});
  for (const std::uint32_t type : wanted) all.move(0, type, "0:0", 0);
  REQUIRE(all.fit().fault == cause::none);

  const std::int32_t expected[] = {2, 5, 6, 4, 1, 3};
  for (std::size_t i = 0; i < wanted.size(); ++i) CHECK(all.code[i].immediate == expected[i] * 4);
}

TEST_CASE("types of one name have to agree", "[core]") {
  for (const bool agree : {true, false}) {
    fitted all;
    const auto here_int = all.both.here.integer("int", 4, 1), there_int = all.both.there.integer("int", 4, 1);
    const auto here = all.both.here.structure("s", 8, {{"x", here_int}, {"y", here_int, 32}});
    all.both.there.structure("s", 64, {{"x", there_int, 96}});
    all.both.there.structure("s___2", 8, {{"y", there_int}});
    all.both.there.structure("s___3", 8, {{"x", there_int, agree ? 96u : 64u}});
    all.move(0, here, "0:0", 0);
    const core_outcome out = all.fit();
    CHECK(out.fault == (agree ? cause::none : cause::core_ambiguous));
    CHECK(all.code[0].immediate == (agree ? 12 : 0));
  }
}

TEST_CASE("what one relocation has ruled out, the next ones do not ask again", "[core]") {
  fitted all;
  const auto here_int = all.both.here.integer("int", 4, 1), there_int = all.both.there.integer("int", 4, 1);
  const auto here = all.both.here.structure("s", 8, {{"x", here_int}, {"y", here_int, 32}});
  all.both.there.structure("s", 64, {{"x", there_int, 96}, {"y", there_int, 128}});
  all.both.there.structure("s", 64, {{"x", there_int, 32}});
  all.move(4, here, "0:1", 0);
  all.move(0, here, "0:0", 0);

  CHECK(all.fit().fault == cause::none);
  CHECK(all.code[0].immediate == 16);
  CHECK(all.code[1].immediate == 12);
}

TEST_CASE("what the kernel does not have becomes poison and is counted", "[core]") {
  fitted all;
  const auto here_int = all.both.here.integer("int", 4, 1), there_int = all.both.there.integer("int", 4, 1);
  const auto here = all.both.here.structure("s", 8, {{"x", here_int}, {"gone", here_int, 32}});
  const auto nowhere = all.both.here.structure("nowhere", 8, {{"x", here_int}});
  all.both.there.structure("s", 64, {{"x", there_int, 96}});
  all.move(4, here, "0:1", 0);
  all.move(1, here, "0:1", 2);
  all.move(0, here, "0:0", 0);
  all.move(0, nowhere, "0:0", 0);
  all.move(1, nowhere, "0", 8);
  const core_outcome out = all.fit();

  CHECK(out.fault == cause::none);
  CHECK(out.poisoned == 2);
  CHECK(all.code[0].immediate == barebpf::core_poison);
  CHECK(all.code[1].immediate == 0);
  CHECK(all.code[2].immediate == 12);
  CHECK(all.code[3].immediate == barebpf::core_poison);
  CHECK(all.code[4].immediate == 0);
}

TEST_CASE("the first relocation that cannot be done is told", "[core]") {
  fitted all;
  const auto here_int = all.both.here.integer("int", 4, 1), there_int = all.both.there.integer("int", 4, 1);
  const auto here = all.both.here.structure("s", 8, {{"x", here_int}});
  const auto unnamed = all.both.here.structure("", 8, {{"x", here_int}});
  all.both.there.structure("s", 64, {{"x", there_int, 96}});
  all.move(0, here, "0:0", 0);
  SECTION("a type without a name") {
    all.move(0, unnamed, "0:0", 0);
    const core_outcome out = all.fit();
    CHECK(out.fault == cause::core_without_name);
    CHECK(out.relocation == 1);
  }
  SECTION("but its own id is known") {
    all.move(99, unnamed, "0", 6);
    CHECK(all.fit().fault == cause::none);
    CHECK(all.code[1].immediate == static_cast<std::int32_t>(unnamed));
  }
  SECTION("an instruction that is not there") {
    all.move(0, here, "0:0", 0);
    all.relocations.back().insn_off = 800;
    CHECK(all.fit().fault == cause::bad_core);
  }
  SECTION("a member that is not there") {
    all.move(0, here, "0:1", 0);
    CHECK(all.fit().fault == cause::bad_core);
  }
  SECTION("another number in the instruction") {
    all.move(4, here, "0:0", 0);
    CHECK(all.fit().fault == cause::core_other_instruction);
  }
  CHECK(all.code[0].immediate == 12);
}

TEST_CASE("types of a machine with the other order of bytes are read as well", "[core]") {
  fitted all;
  const auto here_int = all.both.here.integer("int", 4, 0), there_int = all.both.there.integer("int", 4, 0);
  const auto here = all.both.here.structure("task", 8, {{"x", here_int}, {"bit", here_int, 32}});
  const auto there =
      all.both.there.structure("task", 64, {{"x", there_int, 96}, {"bit", there_int, 3u << 24 | 165}});
  auto& types = all.both.there;
  put32(types.types, types.starts.at(there) + 4, 1u << 31 | 4u << 24 | 2);
  all.move(0, here, "0:0", 0);
  all.move(32, here, "0:1", 4);
  all.both.open();
  opened_side& target = all.both.target;
  target.content = turned(target.content);
  barebpf::bytes image(target.content.data(), target.content.size());
  if (!barebpf::host_is_big_endian) image.read_big_endian();
  target.types = {};
  REQUIRE_FALSE(barebpf::btf::open(image, 0, image.size(), target.types).failed());
  barebpf::core_candidates candidates(all.both.local.types);
  REQUIRE(candidates.reserve(2));
  candidates.want(here);
  REQUIRE(candidates.search(target.types, target.index.data()));
  barebpf::core_sides sides(all.both.local.types, target.types);

  CHECK(relocate(sides, candidates, all.relocations.data(), 2, all.code.data(), 2).fault == cause::none);
  CHECK(all.code[0].immediate == 12);
  // Three bits from the fifth on of the four bytes at 20.
  CHECK(all.code[1].immediate == (barebpf::host_is_big_endian ? 64 - 8 : 32 + 5));
}
