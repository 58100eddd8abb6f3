// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

TEST_CASE("both names of tracepoint sections tell a program that is attached to a tracepoint", "[sections]") {
  for (const char* section :
       {"tracepoint/syscalls/sys_enter_execve", "tp/syscalls/sys_enter_execve", "tracepoint", "tp", "tp/"}) {
    CAPTURE(section);
    const barebpf::section_kind kind = barebpf::section_kind_of(section);

    CHECK(kind.type == barebpf::abi::prog_type::tracepoint);
    CHECK(kind.attach == barebpf::attach_way::tracepoint);
  }
}

TEST_CASE("the prefix of a section ends at a slash or with the name", "[sections]") {
  for (const char* section :
       {"tracepoints/a/b", "tpx", "t", "", "/tp", "Tracepoint/a/b", ".text", "license"}) {
    CAPTURE(section);
    CHECK(barebpf::section_kind_of(section).type == barebpf::abi::prog_type::unspec);
  }
}

TEST_CASE("has_prefix does not take a longer word for its beginning", "[sections]") {
  CHECK(barebpf::has_prefix("tp/a/b", "tp"));
  CHECK(barebpf::has_prefix("tp", "tp"));
  CHECK_FALSE(barebpf::has_prefix("tp", "tp/a"));
  CHECK_FALSE(barebpf::has_prefix("tpx/a", "tp"));
}

TEST_CASE("no row of the section table hides behind another", "[sections]") {
  for (const barebpf::section_kind& kind : barebpf::section_kinds)
    CHECK(barebpf::section_kind_of(kind.prefix).prefix.data() == kind.prefix.data());
}
