// SPDX-License-Identifier: MIT
#include <algorithm>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

using barebpf::cause;
using barebpf::layout_difference;

std::string words_of(const layout_difference& what) {
  char out[512];
  return to_string(barebpf::describe(what, out, sizeof out));
}

}  // namespace

TEST_CASE("a difference is told with its member, both places and what to do", "[layout_words]") {
  CHECK(
      words_of(
          {.why = cause::other_offset, .member = "ports[].source", .in_object = {8, 4}, .in_cxx = {12, 4}}) ==
      "ports[].source: 4 bytes at 8 in the object, 4 bytes at 12 in C++: it lies at another offset, so "
      "declare the "
      "members in the same order and with the same types");
  CHECK(words_of({.why = cause::other_name,
                  .member = "source",
                  .cxx_member = "origin",
                  .in_object = {0, 4},
                  .in_cxx = {0, 4}}) ==
        "source: 4 bytes at 0 in the object, 4 bytes at 0 in C++ as origin: the one at this place has "
        "another name, "
        "so give it the name that the BPF program uses");
}

TEST_CASE("what one side lacks is told as such", "[layout_words]") {
  CHECK(words_of({.why = cause::missing_member, .member = "more", .in_object = {4, 8}}) ==
        "more: 8 bytes at 4 in the object, none in C++: the C++ type lacks it, so declare it there too");
  CHECK(words_of({.why = cause::extra_member, .member = "more", .in_cxx = {4, 8}}) ==
        "more: 8 bytes at 4 in C++: the BPF program does not have it, so take it out of the C++ type, or "
        "make it an "
        "array of std::byte where it fills a gap");
}

TEST_CASE("a difference of the whole type has no member to tell", "[layout_words]") {
  CHECK(words_of({.why = cause::other_size, .in_object = {0, 16}, .in_cxx = {0, 8}}) ==
        "16 bytes at 0 in the object, 8 bytes at 0 in C++: it has another size, so give it a type as large "
        "as the one "
        "that the BPF program uses");
  CHECK(words_of({.why = cause::unseen_base, .in_object = {0, 8}, .in_cxx = {0, 8}}) ==
        "8 bytes at 0 in the object, 8 bytes at 0 in C++: C++ does not tell what is in a class with a base "
        "class, so "
        "write the members into one struct, or state the layout by hand: specialize barebpf::stated_layout");
}

TEST_CASE("the longest difference fits into 512 bytes, and a short buffer ends it", "[layout_words]") {
  layout_difference longest{.member = barebpf::name<64>::cut(std::string(100, 'm')),
                            .cxx_member = barebpf::name<32>::cut(std::string(100, 'c')),
                            .in_object = {0xffffffff, 0xffffffff},
                            .in_cxx = {0xffffffff, 0xffffffff}};
  std::size_t most = 0;
#define BAREBPF_CAUSE(identifier, sentence) \
  longest.why = cause::identifier;          \
  most = std::max(most, words_of(longest).size());
  BAREBPF_LAYOUT_CAUSES(BAREBPF_CAUSE, "")
  BAREBPF_UNSEEN_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
  CHECK(most > 300);
  CHECK(most < 511);

  char small[20];
  const barebpf::text cut = barebpf::describe(longest, small, sizeof small);
  CHECK(cut.size() < sizeof small);
  CHECK(to_string(cut).substr(0, 10) == std::string(10, 'm'));
}
