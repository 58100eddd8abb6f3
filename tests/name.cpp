// SPDX-License-Identifier: MIT
#include <string>
#include <string_view>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

TEST_CASE("text sees literals, strings and views alike", "[name]") {
  const std::string owned = "hits";
  const std::string_view viewed = "hits";

  CHECK(barebpf::text("hits").size() == 4);
  CHECK(barebpf::text(owned) == barebpf::text("hits"));
  CHECK(barebpf::text(viewed) == barebpf::text("hits"));
  CHECK(barebpf::text(owned).data() == owned.data());
  CHECK_FALSE(barebpf::text("hits") == barebpf::text("hitz"));
  CHECK_FALSE(barebpf::text("hits") == barebpf::text("hit"));
}

TEST_CASE("text that was made from nothing is empty", "[name]") {
  constexpr barebpf::text nothing;

  CHECK(nothing.empty());
  CHECK(nothing.begin() == nothing.end());
  CHECK(nothing == barebpf::text(""));
}

TEST_CASE("text from a field with room stops at the first NUL or at the end of the room", "[name]") {
  const char padded[8] = {'a', 'b', '\0', 'c'};
  const char full[3] = {'x', 'y', 'z'};

  CHECK(to_string(barebpf::text::until_nul(padded, 8)) == "ab");
  CHECK(to_string(barebpf::text::until_nul(full, 3)) == "xyz");
  CHECK(barebpf::text::until_nul(full, 0).empty());
}

TEST_CASE("text knows how it begins", "[name]") {
  constexpr barebpf::text section = "tracepoint/a/b";

  CHECK(section.starts_with("tracepoint"));
  CHECK(section.starts_with(""));
  CHECK_FALSE(section.starts_with("tracepoint/a/b/c"));
  CHECK_FALSE(section.starts_with("racepoint"));
}

TEST_CASE("text without its first characters is the rest, or nothing", "[name]") {
  constexpr barebpf::text section = "tp/a";

  CHECK(to_string(section.without_first(3)) == "a");
  CHECK(section.without_first(4).empty());
  CHECK(section.without_first(99).empty());
}

TEST_CASE("text behind the last mark is the rest, or all of it", "[name]") {
  CHECK(to_string(barebpf::text("/usr/lib/libc.so.6").behind_last('/')) == "libc.so.6");
  CHECK(to_string(barebpf::text("libc.so.6").behind_last('/')) == "libc.so.6");
  CHECK(barebpf::text("/usr/lib/").behind_last('/').empty());
  CHECK(barebpf::text().behind_last('/').empty());
}

namespace {
template <barebpf::name<16> Wanted>
struct by_name {
  static constexpr barebpf::name<16> value = Wanted;
};
}  // namespace

TEST_CASE("a name is a template argument, and literals of any length that fits make the same one", "[name]") {
  static_assert(std::is_same_v<by_name<"hits">, by_name<"hits\0\0">>);
  static_assert(!std::is_same_v<by_name<"hits">, by_name<"hit">>);

  CHECK(to_string(by_name<"hits">::value) == "hits");
  CHECK(to_string(barebpf::name("hits")) == "hits");
}

TEST_CASE("a name that is cut keeps room for its NUL", "[name]") {
  const auto cut = barebpf::name<5>::cut("abcdefgh");

  CHECK(to_string(cut) == "abcd");
  CHECK(cut.characters[4] == '\0');
  CHECK(to_string(barebpf::name<5>::cut("ab")) == "ab");
  CHECK(to_string(barebpf::name<1>::cut("ab")).empty());
}

TEST_CASE("the kernel takes letters, digits, underscores and dots", "[name]") {
  std::string taken;
  for (int c = 1; c < 256; ++c)
    if (barebpf::is_kernel_name_character(static_cast<char>(c))) taken += static_cast<char>(c);

  CHECK(taken == ".0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
  CHECK_FALSE(barebpf::is_kernel_name_character('\0'));
}

TEST_CASE("the kernel takes names of up to fifteen characters", "[name]") {
  CHECK(barebpf::is_kernel_name("fifteen_letters"));
  CHECK(barebpf::is_kernel_name(".rodata"));
  CHECK(barebpf::is_kernel_name(""));
  CHECK_FALSE(barebpf::is_kernel_name("sixteen__letters"));
  CHECK_FALSE(barebpf::is_kernel_name("no-dash"));
  CHECK_FALSE(barebpf::is_kernel_name("no space"));
  CHECK_FALSE(barebpf::is_kernel_name(barebpf::text("a\0b", 3)));
}

TEST_CASE("a name becomes one that the kernel takes by cutting and by underscores", "[name]") {
  CHECK(to_string(barebpf::to_kernel_name("hits")) == "hits");
  CHECK(to_string(barebpf::to_kernel_name("a_name_that_is_far_too_long")) == "a_name_that_is_");
  CHECK(to_string(barebpf::to_kernel_name("a-b c/d")) == "a_b_c_d");
  CHECK(to_string(barebpf::to_kernel_name("\xc3\xa4")) == "__");
  CHECK(barebpf::to_kernel_name("sixteen__letters").characters[15] == '\0');
}
