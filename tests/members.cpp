// SPDX-License-Identifier: MIT
#include <array>
#include <string>
#include <tuple>
#include <utility>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/stated_types.hpp"

namespace {

using barebpf::layout;
using barebpf::layout_of;
using barebpf::unseen;

template <class T>
constexpr unseen why = barebpf::detail::why_unseen<T>();

struct inner {
  std::uint16_t low, high;
};
enum class color : unsigned char { red, green };
union either {
  std::uint32_t number;
  unsigned char bytes[4];
};

// Every sort of member that shares memory well.
struct mixed {
  std::uint8_t first;
  std::uint64_t large;
  bool flag;
  char text[5];
  color paint;
  inner one;
  inner many[3];
  std::array<std::uint32_t, 2> row;
  either choice;
  const void* where;
  void (*call)(int);
  double number;
  std::uint16_t grid[2][3];
};

// "first 0, large 8, ..."
template <class T>
std::string members_of() {
  std::string out;
  const layout& found = layout_of<T>;
  for (unsigned i = 0; i < found.count; ++i)
    out += (i == 0 ? "" : ", ") + to_string(found.members[i].name) + " " +
           std::to_string(found.members[i].bit / 8);
  return out;
}

class with_private {
 public:
  std::uint32_t seen;

 private:
  [[maybe_unused]] std::uint32_t hidden_;
};
struct with_constructor {
  explicit with_constructor(int from) noexcept : number(from) {}
  int number;
};
struct with_function_table {
  virtual void f() {}
  int number;
};
struct copied_with_care {
  copied_with_care(const copied_with_care&) {}
  int number;
};
struct base {
  std::uint32_t number;
};
struct derived : base {
  std::uint32_t more;
};
struct derived_alone : base {};
struct with_nameless {
  std::uint32_t before;
  union {
    std::uint32_t number;
    float weight;
  };
};
struct nameless_first {
  union {
    std::uint32_t number;
    float weight;
  };
  std::uint32_t behind;
};
// A type without a name, but the member has one; the compiler cannot be asked for the one without the other.
struct with_nameless_type {
  struct {
    std::uint32_t a, b;
  } both;
};
struct with_bits {
  std::uint32_t low : 4, high : 28;
};
struct with_bits_behind {
  std::uint32_t whole;
  std::uint32_t low : 8;
};
struct packed_by_hand {
  std::uint8_t tag;
  std::uint32_t number;
} __attribute__((packed));
struct packed_without_gaps {
  std::uint32_t first, second;
} __attribute__((packed));
struct aligned_member {
  std::uint8_t tag;
  alignas(8) std::uint8_t number;
};
struct alignas(16) aligned_whole {
  std::uint64_t number;
};
// As long as without `alignas`, and yet elsewhere.
struct aligned_in_a_gap {
  std::uint32_t first;
  std::uint8_t second;
  alignas(2) std::uint8_t third;
};

#define BAREBPF_TEST_TEN(d) \
  m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5, m##d##6, m##d##7, m##d##8, m##d##9
struct seventy {
  unsigned char BAREBPF_TEST_TEN(1), BAREBPF_TEST_TEN(2), BAREBPF_TEST_TEN(3), BAREBPF_TEST_TEN(4),
      BAREBPF_TEST_TEN(5), BAREBPF_TEST_TEN(6), BAREBPF_TEST_TEN(7);
};
struct seventy_one {
  unsigned char BAREBPF_TEST_TEN(1), BAREBPF_TEST_TEN(2), BAREBPF_TEST_TEN(3), BAREBPF_TEST_TEN(4),
      BAREBPF_TEST_TEN(5), BAREBPF_TEST_TEN(6), BAREBPF_TEST_TEN(7), last;
};
#undef BAREBPF_TEST_TEN

struct changed_by_others {
  volatile std::uint32_t count;
  const volatile std::uint32_t limit;
};
struct node {
  node* next;
  std::uint32_t number;
};
struct with_default {
  std::uint32_t number = 7;
  const std::uint32_t fixed = 8;
};
struct large {
  std::uint32_t number;
  unsigned char bytes[5000];
  std::uint32_t behind;
};

template <class T>
struct made_by_template {
  T value;
};

}  // namespace

TEST_CASE("a plain struct tells its members, their names and where they lie", "[members]") {
  if (!lays_out_as_bpf) return;
  STATIC_REQUIRE(why<mixed> == unseen::nothing);
  STATIC_REQUIRE(barebpf::detail::count_members<mixed>() == 13);

  CHECK(
      members_of<mixed>() ==
      "first 0, large 8, flag 16, text 17, paint 22, one 24, many 28, row 40, choice 48, where 56, call 64, "
      "number 72, grid 80");
  CHECK(members_of<inner>() == "low 0, high 2");
  CHECK(members_of<node>() == "next 0, number 8");
  CHECK(members_of<with_default>() == "number 0, fixed 4");
  CHECK(members_of<large>() == "number 0, bytes 4, behind 5004");
  CHECK(members_of<made_by_template<inner>>() == "value 0");
}

TEST_CASE("volatile members are seen where the compiler lets others look at them", "[members]") {
#ifdef __clang__
  CHECK(members_of<changed_by_others>() == "count 0, limit 4");
#else
  CHECK(why<changed_by_others> == unseen::placed);
#endif
}

TEST_CASE("a struct inside a function tells its members too", "[members]") {
  struct local {
    std::uint8_t a;
    std::uint16_t b;
  };

  CHECK(members_of<local>() == "a 0, b 2");
}

TEST_CASE("of one struct of 70 members the compiler tells all, and of 71 none", "[members]") {
  STATIC_REQUIRE(why<seventy> == unseen::nothing);
  STATIC_REQUIRE(why<seventy_one> == unseen::many);

  CHECK(layout_of<seventy>.count == 70);
  CHECK(to_string(layout_of<seventy>.members[69].name) == "m79");
  CHECK(layout_of<seventy>.members[69].bit == 69 * 8);
  CHECK(layout_of<seventy_one>.count == 0);
}

TEST_CASE("a class that is no plain struct says why it tells nothing", "[members]") {
  CHECK(why<with_private> == unseen::hidden);
  CHECK(why<with_constructor> == unseen::hidden);
  CHECK(why<with_function_table> == unseen::hidden);
  CHECK(why<copied_with_care> == unseen::hidden);
  CHECK(why<std::pair<int, int>> == unseen::hidden);
  CHECK(why<std::tuple<int>> == unseen::hidden);
  CHECK(why<derived> == unseen::base);
  CHECK(why<derived_alone> == unseen::base);
  CHECK(why<with_nameless> == unseen::nameless);
  CHECK(why<nameless_first> == unseen::nameless);
  CHECK(why<with_nameless_type> == unseen::nameless);
  CHECK(why<stated::address> == unseen::nameless);
}

TEST_CASE("members that lie elsewhere than their types ask for are not guessed at", "[members]") {
  CHECK(why<with_bits> == unseen::placed);
  CHECK(why<with_bits_behind> == unseen::placed);
  CHECK(why<packed_by_hand> == unseen::placed);
  CHECK(why<packed_without_gaps> == unseen::placed);
  CHECK(why<aligned_member> == unseen::nothing);
  CHECK(why<aligned_whole> == unseen::nothing);
  CHECK(why<aligned_in_a_gap> == unseen::nothing);
}

TEST_CASE("a type is called as it is without its namespaces", "[members]") {
  using barebpf::text;
  using barebpf::detail::type_name;

  CHECK(text(type_name<stated::packet>) == "packet");
  CHECK(text(type_name<inner>) == "inner");
  CHECK(text(type_name<color>) == "color");
  CHECK(text(type_name<made_by_template<int>>).empty());
  CHECK(text(type_name<decltype(with_nameless_type::both)>).empty());
}
