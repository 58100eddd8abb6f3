// SPDX-License-Identifier: MIT
// C++ types that the compiler writes as BTF, read by the library's own reader: nothing differs.
#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/stated_types.hpp"

namespace {

using barebpf::cause;

enum class state : std::uint8_t { idle, busy = 3 };
enum class change : std::int32_t { less = -1, same = 0 };
struct port {
  std::uint16_t number;
  bool is_open;
  std::byte padding;
};
union number {
  std::uint64_t whole;
  float parts[2];
};
struct everything {
  std::int8_t s8;
  std::uint8_t u8;
  std::int16_t s16;
  std::uint64_t u64;
  double ratio;
  char name[7];
  bool flag;
  port ports[2][3];
  std::array<std::int32_t, 4> row;
  state now;
  change by;
  number either;
  void* where;
};
struct hidden {
  hidden() : value(0) {}

 private:
  [[maybe_unused]] int value;
};

struct written {
  std::vector<unsigned char> image;
  std::vector<barebpf::u32> index;
  barebpf::btf types;
};
template <class Key, class Value, bool KeyIsNumber = false>
written write() {
  constexpr auto& made = barebpf::element_btf<Key, Value, KeyIsNumber>;
  written out;
  out.image.resize(made.size());
  std::memcpy(out.image.data(), &made, made.size());
  barebpf::bytes image(out.image.data(), out.image.size());
  if constexpr (barebpf::host_is_big_endian) image.read_big_endian();
  const auto opened = barebpf::btf::open(image, 0, image.size(), out.types);
  REQUIRE_FALSE(opened.failed());
  out.index.resize(out.types.index_size());
  out.types.build_index(out.index.data());
  return out;
}

TEST_CASE("what was written of a type has all its members where they are", "[layout_btf]") {
  const written made = write<port, everything>();
  constexpr auto& ids = barebpf::element_btf<port, everything>;
  CHECK(barebpf::first_difference(made.types, ids.key_id, barebpf::layout_of<port>).why == cause::none);
  const auto type = made.types.type(ids.value_id);
  CHECK(made.types.image().string_is(type.name, "everything"));
  REQUIRE(type.members == barebpf::layout_of<everything>.count);
  for (barebpf::u32 i = 0; i < type.members; ++i) {
    const auto member = made.types.member(type, i);
    const auto& expected = barebpf::layout_of<everything>.members[i];
    CAPTURE(i);
    CHECK(made.types.image().string_is(member.name, expected.name));
    CHECK(made.types.place_of(type, member).bit == expected.bit);
    CHECK(made.types.size_of(member.type) == expected.type->size);
    // An address of this process is a number to others, and of a union nobody saw the alternatives.
    if (expected.name == "where" || expected.name == "either") continue;
    CHECK(barebpf::first_difference(made.types, member.type, *expected.type).why == cause::none);
  }
}

TEST_CASE("a type is written once, however often it is used", "[layout_btf]") {
  struct twice {
    port a, b;
    std::uint16_t c, d;
  };
  const written made = write<twice, twice>();
  CHECK(barebpf::element_btf<twice, twice>.key_id == barebpf::element_btf<twice, twice>.value_id);
  unsigned structs = 0;
  for (auto type = made.types.first(); type.id != 0; type = made.types.after(type))
    structs += type.kind == barebpf::abi::btf_kind::structure;
  CHECK(structs == 2);
}

TEST_CASE("of what the compiler does not tell, the size is written; of what is stated, the members",
          "[layout_btf]") {
  const written made = write<int, hidden, true>();
  constexpr auto& ids = barebpf::element_btf<int, hidden, true>;
  CHECK(made.types.size_of(ids.value_id) == sizeof(hidden));
  CHECK(made.types.form_of(ids.key_id) == barebpf::number_form::signed_number);
  const auto bytes = made.types.member(made.types.type(ids.value_id), 0);
  CHECK(made.types.image().string_is(bytes.name, "bytes"));
}

}  // namespace
