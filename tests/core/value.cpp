// SPDX-License-Identifier: MIT
#include "../support/catch.hpp"
#include "../support/core_types.hpp"

namespace {

using barebpf::cause;
using barebpf::core_fit;
using barebpf::core_sides;
using barebpf::core_spec;
using barebpf::core_value;
using barebpf::abi::core_kind;

struct answer {
  core_fit fit = core_fit::no;
  core_value value{};
  std::uint64_t bit = 0;
};

// What a relocation of the object's type `here` is worth in the type `there`; 0 for one that is not there.
answer ask(two_sides& both, std::uint32_t here, const std::string& access, core_kind kind,
           std::uint32_t there) {
  const barebpf::abi::core_relo relocation{.insn_off = 0,
                                           .type_id = here,
                                           .access_str_off = both.here.name(access),
                                           .kind = static_cast<std::uint32_t>(kind)};
  both.open();
  core_sides sides(both.local.types, both.target.types);
  core_spec wanted, found;
  REQUIRE(sides.read(relocation, wanted));
  answer out;
  if (there != 0) out.fit = sides.find(kind, wanted, there, found);
  out.value = sides.value_of(kind, wanted, out.fit == core_fit::yes ? &found : nullptr);
  out.bit = found.bit;
  return out;
}
std::uint64_t number(two_sides& both, std::uint32_t here, const std::string& access, core_kind kind,
                     std::uint32_t there) {
  const answer out = ask(both, here, access, kind, there);
  CHECK(out.fit == core_fit::yes);
  CHECK(out.value.fault == cause::none);
  CHECK_FALSE(out.value.is_missing);
  return out.value.number;
}

// A member of a struct with bit fields: its bits above its place.
constexpr std::uint32_t bits(std::uint32_t count, std::uint32_t at) { return count << 24 | at; }
std::uint32_t flagged(btf_builder& types, const std::string& name, std::uint32_t size,
                      const std::vector<btf_builder::member>& members) {
  const auto id = types.structure(name, size, members);
  put32(types.types, types.starts.at(id) + 4, get32(types.types, types.starts.at(id) + 4) | 1u << 31);
  return id;
}

}  // namespace

TEST_CASE("a member is found by its name, through what has none", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("int", 4, 1);
  const auto part = both.here.structure("", 8, {{"x", here_int}, {"y", here_int, 32}});
  const auto here =
      both.here.structure("s", 16, {{"", part}, {"array", both.here.array(here_int, here_int, 2), 64}});
  const auto inside = both.there.union_of("", 4, {{"y", there_int}, {"z", there_int}});
  const auto there = both.there.structure(
      "s", 64,
      {{"array", both.there.array(there_int, there_int, 8), 32}, {"", inside, 320}, {"x", there_int, 384}});

  CHECK(number(both, here, "0:0:0", core_kind::field_byte_offset, there) == 48);
  CHECK(number(both, here, "0:0:1", core_kind::field_byte_offset, there) == 40);
  CHECK(number(both, here, "0:1:1", core_kind::field_byte_offset, there) == 8);
  CHECK(number(both, here, "0:1", core_kind::field_byte_size, there) == 32);
  // The second of several structs in a row.
  CHECK(number(both, here, "1:0:0", core_kind::field_byte_offset, there) == 64 + 48);
  CHECK(ask(both, here, "1:0:0", core_kind::field_byte_offset, there).value.old_number == 16);
  CHECK(number(both, here, "0", core_kind::field_byte_size, there) == 64);
}

TEST_CASE("a member of another type, and an element behind the last, are not there", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("int", 4, 1);
  const auto here = both.here.structure(
      "s", 44,
      {{"x", here_int}, {"array", both.here.array(here_int, here_int, 9), 32}, {"gone", here_int, 320}});
  const auto array = both.there.array(there_int, there_int, 4),
             endless = both.there.array(there_int, there_int, 0);
  const auto there =
      both.there.structure("s", 24, {{"x", both.there.pointer(there_int)}, {"array", array, 64}});
  const auto open_end = both.there.structure("s", 8, {{"y", there_int}, {"array", endless, 32}});

  CHECK(ask(both, here, "0:0", core_kind::field_byte_offset, there).fit == core_fit::no);
  CHECK(ask(both, here, "0:2", core_kind::field_byte_offset, there).fit == core_fit::no);
  CHECK(ask(both, here, "0:1:3", core_kind::field_byte_offset, there).fit == core_fit::yes);
  CHECK(ask(both, here, "0:1:4", core_kind::field_byte_offset, there).fit == core_fit::no);
  CHECK(ask(both, here, "0:1:8", core_kind::field_byte_offset, open_end).fit == core_fit::yes);
  CHECK(ask(both, here, "0:1:8", core_kind::field_byte_offset, open_end).value.number == 36);
}

TEST_CASE("what is not there is worth nothing, or must not be reached", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1);
  both.there.integer("int", 4, 1);
  const auto here = both.here.structure("s", 4, {{"x", here_int}});
  const auto colours = both.here.enumeration("e", 4, {{"RED", 5}});

  for (const auto kind : {core_kind::field_byte_offset, core_kind::field_byte_size, core_kind::field_signed,
                          core_kind::field_lshift_u64, core_kind::field_rshift_u64})
    CHECK(ask(both, here, "0:0", kind, 0).value.is_missing);
  CHECK(ask(both, colours, "0", core_kind::enumval_value, 0).value.is_missing);
  const std::pair<core_kind, std::uint64_t> asked[] = {{core_kind::type_exists, 1},
                                                       {core_kind::type_matches, 1},
                                                       {core_kind::type_size, 4},
                                                       {core_kind::type_id_target, here}};
  for (const auto& [kind, before] : asked) {
    const core_value value = ask(both, here, "0", kind, 0).value;
    CHECK_FALSE(value.is_missing);
    CHECK(value.number == 0);
    CHECK(value.old_number == before);
    CHECK(value.is_sure == (kind != core_kind::type_id_target));
  }
  CHECK(ask(both, here, "0:0", core_kind::field_exists, 0).value.number == 0);
  CHECK(ask(both, colours, "0", core_kind::enumval_exists, 0).value.number == 0);
}

TEST_CASE("a type is worth its ids and its size", "[core]") {
  two_sides both;
  const auto here = both.here.structure("s", 4, {});
  both.there.integer("int", 4, 1);
  const auto there = both.there.structure("s", 12, {});

  CHECK(number(both, here, "0", core_kind::type_id_target, there) == there);
  CHECK(number(both, here, "0", core_kind::type_id_local, there) == here);
  CHECK(number(both, here, "0", core_kind::type_size, there) == 12);
  CHECK(number(both, here, "0", core_kind::type_exists, there) == 1);
  CHECK(number(both, here, "0", core_kind::type_matches, there) == 1);
}

TEST_CASE("a number of an enum is found by its name, whatever the width of either", "[core]") {
  two_sides both;
  const auto here = both.here.enumeration("e", 4, {{"RED", 1}, {"GREEN___x", 2}});
  const auto wide_here = both.here.enumeration64("e", {{"WIDE", 0x123456789}});
  const auto there = both.there.enumeration("e", 4, {{"GREEN", 0xffffffff}, {"WIDE", 9}});
  const auto wide = both.there.enumeration64("e", {{"RED", 1}, {"GREEN", 0x987654321}});

  CHECK(number(both, here, "1", core_kind::enumval_value, there) == ~std::uint64_t{0});
  CHECK(number(both, here, "1", core_kind::enumval_value, wide) == 0x987654321);
  CHECK(number(both, wide_here, "0", core_kind::enumval_value, there) == 9);
  CHECK(ask(both, wide_here, "0", core_kind::enumval_value, there).value.old_number == 0x123456789);
  CHECK(ask(both, here, "0", core_kind::enumval_exists, there).fit == core_fit::no);
  CHECK(number(both, here, "0", core_kind::enumval_exists, wide) == 1);
}

TEST_CASE("a sign is that of a number or of an enum", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), here_enum = both.here.enumeration("", 4, {});
  const auto there_int = both.there.integer("int", 4, 1), there_unsigned = both.there.integer("u", 4, 0);
  const auto there_enum = both.there.enumeration("", 4, {}), there_signed = both.there.enumeration("", 4, {});
  put32(both.there.types, both.there.starts.at(there_signed) + 4, 1u << 31 | 6u << 24);
  const auto here = both.here.structure("s", 8, {{"x", here_int}, {"e", here_enum, 32}});
  const auto plus = both.there.structure("s", 8, {{"x", there_unsigned}, {"e", there_enum, 32}});
  const auto minus = both.there.structure("s", 8, {{"x", there_int}, {"e", there_signed, 32}});

  CHECK(number(both, here, "0:0", core_kind::field_signed, plus) == 0);
  CHECK(number(both, here, "0:0", core_kind::field_signed, minus) == 1);
  CHECK(number(both, here, "0:1", core_kind::field_signed, plus) == 0);
  CHECK(number(both, here, "0:1", core_kind::field_signed, minus) == 1);
}

TEST_CASE("a bit field is loaded by the smallest load that holds it, and shifted to both ends", "[core]") {
  struct row {
    std::uint32_t size, count, at;
    std::uint64_t offset, bytes, left, right;
  };
  // In the order of this machine; left as in room core/value.
  const row rows[] = {{4, 1, 0, 0, 4, 63, 63},  {4, 3, 30, 0, 8, 64 - 33, 61}, {4, 5, 35, 4, 4, 56, 59},
                      {1, 2, 13, 1, 1, 57, 62}, {1, 4, 14, 0, 4, 64 - 18, 60}, {2, 9, 64, 8, 2, 55, 55},
                      {8, 60, 64, 8, 8, 4, 4},  {4, 2, 63, 0, 0, 0, 0}};
  for (const row& one : rows) {
    CAPTURE(one.size, one.count, one.at);
    two_sides both;
    const auto here_int = both.here.integer("int", 4, 0), there_int = both.there.integer("int", one.size, 0);
    const auto here = flagged(both.here, "s", 4, {{"x", here_int, bits(1, 7)}});
    const auto there = flagged(both.there, "s", 32, {{"x", there_int, bits(one.count, one.at)}});
    if (one.bytes == 0) {  // over the end of any 8 bytes
      CHECK(ask(both, here, "0:0", core_kind::field_byte_offset, there).value.fault == cause::core_too_wide);
      continue;
    }
    CHECK(number(both, here, "0:0", core_kind::field_byte_offset, there) == one.offset);
    CHECK(number(both, here, "0:0", core_kind::field_byte_size, there) == one.bytes);
    if (!barebpf::host_is_big_endian)
      CHECK(number(both, here, "0:0", core_kind::field_lshift_u64, there) == one.left);
    CHECK(number(both, here, "0:0", core_kind::field_rshift_u64, there) == one.right);
    CHECK(ask(both, here, "0:0", core_kind::field_byte_offset, there).bit == one.at);
    // Compilers may load it in another way.
    CHECK_FALSE(ask(both, here, "0:0", core_kind::field_byte_offset, there).value.is_sure);
    CHECK_FALSE(ask(both, here, "0:0", core_kind::field_lshift_u64, there).value.is_sure);
    CHECK(ask(both, here, "0:0", core_kind::field_rshift_u64, there).value.is_sure);
    CHECK(ask(both, here, "0:0", core_kind::field_signed, there).value.is_sure);
  }
}

TEST_CASE("a bit field is shifted as far as the order of bytes wants", "[core]") {
  // Three bits from the sixth on of a byte that was loaded as one, and of the same in four bytes.
  CHECK(core_sides::left_shift(5, 3, 0, 1, false) == 56);
  CHECK(core_sides::left_shift(5, 3, 0, 1, true) == 7 * 8 + 5);
  CHECK(core_sides::left_shift(37, 3, 4, 4, false) == 56);
  CHECK(core_sides::left_shift(37, 3, 4, 4, true) == 4 * 8 + 5);
  CHECK(core_sides::left_shift(0, 64, 0, 8, false) == 0);
  CHECK(core_sides::left_shift(0, 64, 0, 8, true) == 0);
}

TEST_CASE("a load changes its size with pointers and with numbers without a sign alone", "[core]") {
  two_sides both;
  const auto here_plain = both.here.integer("u", 4, 0), here_signed = both.here.integer("i", 4, 1);
  const auto there_plain = both.there.integer("u", 8, 0), there_signed = both.there.integer("i", 8, 1);
  const auto here = both.here.structure("s", 32,
                                        {{"plain", here_plain},
                                         {"signed", here_signed, 32},
                                         {"mixed", here_plain, 64},
                                         {"alias", both.here.type_definition("t", here_plain), 96},
                                         {"array", both.here.array(here_plain, here_plain, 2), 128},
                                         {"same", here_signed, 192}});
  const auto there = both.there.structure("s", 64,
                                          {{"plain", there_plain},
                                           {"signed", there_signed, 64},
                                           {"mixed", there_signed, 128},
                                           {"alias", there_plain, 192},
                                           {"array", both.there.array(there_plain, there_plain, 2), 256},
                                           {"same", both.there.integer("i", 4, 0), 384}});
  const auto loses = [&](const std::string& access) {
    const core_value value = ask(both, here, access, core_kind::field_byte_offset, there).value;
    CHECK(value.old_size == 4);
    return value.loses_sign;
  };

  CHECK_FALSE(loses("0:0"));
  CHECK(loses("0:1"));
  CHECK(loses("0:2"));
  CHECK_FALSE(loses("0:3"));
  CHECK_FALSE(loses("0:4:1"));
  CHECK_FALSE(loses("0:5"));
  CHECK(ask(both, here, "0:0", core_kind::field_byte_offset, there).value.size == 8);
  CHECK(ask(both, here, "0:0", core_kind::field_byte_size, there).value.size == 0);
}

TEST_CASE("of one of many only place and size can be asked", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1);
  both.there.integer("int", 4, 1);
  const auto here = both.here.structure("s", 8, {{"array", both.here.array(here_int, here_int, 2)}});

  CHECK(ask(both, here, "0:0:1", core_kind::field_signed, 0).value.fault == cause::bad_core);
  CHECK(ask(both, here, "0:0:1", core_kind::field_lshift_u64, 0).value.fault == cause::bad_core);
  CHECK(ask(both, here, "0:0:1", core_kind::field_byte_size, 0).value.fault == cause::none);
}

TEST_CASE("a path without names that multiplies comes to an end", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1);
  const auto here = both.here.structure("s", 4, {{"gone", here_int}});
  std::uint32_t last = both.there.structure("", 4, {});
  for (int i = 0; i < 40; ++i)
    last = both.there.structure(i == 39 ? "s" : "", 4, {{"", last}, {"", last}, {"", last}});

  CHECK(ask(both, here, "0:0", core_kind::field_exists, last).fit == core_fit::endless);
}
