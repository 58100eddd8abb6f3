// SPDX-License-Identifier: MIT
#include <array>
#include <limits>
#include <string>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/stated_types.hpp"

namespace {

using barebpf::layout;
using barebpf::layout_of;
using barebpf::layout_sort;
using barebpf::unseen;

enum class state : std::uint32_t { idle, running = 5, stopped = 63, far = 0x80000000, between = 65 };
enum class mood : int { bad = -1, good = 1 };
enum class small : std::uint8_t { none, all = 255, top = 128 };
enum class wide : std::uint64_t { near = 1, far = 0x700000000 };
enum plain { zero, one, two };
enum plain_and_negative { below = -1, above = 1 };
enum class twice : std::uint32_t { first = 1, second = 1, third = 2 };
enum class nobody : std::uint16_t {};
enum class of_any_byte : unsigned char;

template <class T, class U>
struct pair_of {
  enum class kind : std::uint32_t { left, right };
};

// "idle 0, running 5"
template <class E>
std::string values_of() {
  std::string out;
  const layout& found = layout_of<E>;
  for (unsigned i = 0; i < found.count; ++i)
    out +=
        (i == 0 ? "" : ", ") + to_string(found.values[i].name) + " " + std::to_string(found.values[i].value);
  return out;
}

struct flow {
  std::uint32_t source;
  std::uint16_t ports[2];
};
union either {
  std::uint64_t number;
  unsigned char bytes[12];
};

}  // namespace

TEST_CASE("each C++ type has its sort, its size and its alignment", "[layout]") {
  if (!lays_out_as_bpf) return;
  using enum layout_sort;
  const auto is = [](const layout& found, layout_sort sort, unsigned size, unsigned alignment) {
    return found.sort == sort && found.size == size && found.alignment == alignment && !found.is_stated;
  };

  CHECK(is(layout_of<std::int8_t>, signed_integer, 1, 1));
  CHECK(is(layout_of<std::uint8_t>, unsigned_integer, 1, 1));
  CHECK(is(layout_of<char>, character, 1, 1));
  CHECK(is(layout_of<std::byte>, raw, 1, 1));
  CHECK(is(layout_of<bool>, boolean, 1, 1));
  CHECK(is(layout_of<std::int64_t>, signed_integer, 8, 8));
  CHECK(is(layout_of<char16_t>, unsigned_integer, 2, 2));
  CHECK(is(layout_of<float>, floating, 4, 4));
  CHECK(is(layout_of<const char*>, pointer, 8, 8));
  CHECK(is(layout_of<void (*)(int)>, pointer, 8, 8));
  CHECK(is(layout_of<state>, enumeration, 4, 4));
  CHECK(is(layout_of<flow>, structure, 8, 4));
  CHECK(is(layout_of<either>, union_type, 16, 8));
  CHECK(is(layout_of<std::uint16_t[3]>, array, 6, 2));
  CHECK(is(layout_of<std::array<std::uint32_t, 4>>, array, 16, 4));
  CHECK(layout_of<either>.count == 0);  // of a union no member is compared
}

TEST_CASE("an array has its elements, and std::array is one", "[layout]") {
  CHECK(layout_of<std::uint16_t[3]>.count == 3);
  CHECK(layout_of<std::uint16_t[3]>.element == &layout_of<std::uint16_t>);
  CHECK(layout_of<std::array<flow, 5>>.count == 5);
  CHECK(layout_of<std::array<flow, 5>>.element == &layout_of<flow>);
  CHECK(layout_of<const std::uint32_t[2]>.element == &layout_of<std::uint32_t>);
  CHECK(layout_of<std::uint8_t[2][3]>.count == 2);
  CHECK(layout_of<std::uint8_t[2][3]>.element == &layout_of<std::uint8_t[3]>);
  CHECK(layout_of<flow>.members[1].type == &layout_of<std::uint16_t[2]>);
}

TEST_CASE("an enum tells its values that are small or of one bit", "[layout]") {
  CHECK(values_of<state>() == "idle 0, running 5, stopped 63, far 2147483648");
  CHECK(values_of<mood>() == "bad -1, good 1");
  CHECK(values_of<small>() == "all 255, none 0, top 128");
  CHECK(values_of<wide>() == "near 1");
  CHECK(values_of<plain>() == "zero 0, one 1, two 2");
  CHECK(values_of<plain_and_negative>() == "below -1, above 1");
  // Clang knows the values of an enum in a template when somebody has used one.
  using kind = pair_of<int, pair_of<char, bool>>::kind;
  CHECK(kind::left != kind::right);
  CHECK(values_of<kind>() == "left 0, right 1");
  CHECK(values_of<nobody>().empty());
  CHECK(values_of<of_any_byte>().empty());
  // Of two names for one value the compiler knows one.
  CHECK(layout_of<twice>.count == 2);
  CHECK(layout_of<mood>.is_signed);
  CHECK_FALSE(layout_of<state>.is_signed);
  CHECK(to_string(layout_of<state>.name) == "state");
}

TEST_CASE("an enum inside a function tells its values", "[layout]") {
  enum class local : std::uint8_t { yes = 1, no = 0 };

  CHECK(values_of<local>() == "no 0, yes 1");
}

TEST_CASE("what is stated stands for what the compiler does not tell", "[layout]") {
  if (!lays_out_as_bpf) return;
  const layout& found = layout_of<stated::packet>;

  CHECK(found.sort == layout_sort::structure);
  CHECK(found.is_stated);
  CHECK(found.size == 8);
  REQUIRE(found.count == 5);
  CHECK(to_string(found.members[1].name) == "version");
  CHECK(found.members[1].bit == 32);
  CHECK(found.members[1].width == 4);
  CHECK(found.members[2].bit == 36);
  CHECK(found.members[4].bit == 48);
  CHECK(found.members[4].width == 0);
  CHECK(found.members[4].type == &layout_of<std::uint16_t>);
  CHECK(layout_of<stated::guarded>.members[1].bit == 64);
  CHECK(layout_of<stated::number>.sort == layout_sort::union_type);
  CHECK(layout_of<stated::number>.count == 1);
}

TEST_CASE("what cannot be seen says why, and what is compared by size has no members", "[layout]") {
  struct with_bits {
    std::uint32_t low : 4;
  };

  CHECK(layout_of<with_bits>.sort == layout_sort::unknown);
  CHECK(layout_of<with_bits>.why == unseen::placed);
  CHECK(layout_of<stated::opaque>.by_size);
  CHECK(layout_of<stated::opaque>.size == 16);
}
