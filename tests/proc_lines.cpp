// SPDX-License-Identifier: MIT
#include <string>

#include "support/catch.hpp"
#include "support/library.hpp"

namespace {

std::string to_string(barebpf::text from) { return {from.data(), from.size()}; }

}  // namespace

TEST_CASE("a line of kallsyms is an address, a type, a name and perhaps a module", "[proc_lines]") {
  barebpf::kallsyms_line line;
  REQUIRE(barebpf::read_kallsyms_line("ffffffff81000000 T _text", line));
  CHECK(line.address == 0xffffffff81000000);
  CHECK(line.type == 'T');
  CHECK(to_string(line.symbol) == "_text");
  CHECK(line.module.empty());
  CHECK(line.is_code());

  REQUIRE(barebpf::read_kallsyms_line("ffffffffc0203000 t bpf_prog_6deef7357e7b4530_sample\t[bpf]", line));
  CHECK(to_string(line.symbol) == "bpf_prog_6deef7357e7b4530_sample");
  CHECK(to_string(line.module) == "bpf");

  REQUIRE(barebpf::read_kallsyms_line("c0008000 t stext", line));  // of 32 bits
  CHECK(line.address == 0xc0008000);
  CHECK(line.module.empty());
}

TEST_CASE("code is what functions are, weak ones too, without the marks inside them", "[proc_lines]") {
  const auto is_code = [](const char* line) {
    barebpf::kallsyms_line out;
    REQUIRE(barebpf::read_kallsyms_line(line, out));
    return out.is_code();
  };
  CHECK(is_code("ffffffff81000000 t a"));
  CHECK(is_code("ffffffff81000000 W a"));
  CHECK(is_code("ffffffff81000000 w a"));
  CHECK_FALSE(is_code("ffffffff81000000 D a"));
  CHECK_FALSE(is_code("0000000000000000 A a"));
  CHECK_FALSE(is_code("ffffffff81000000 t $x\t[virtio]"));
}

TEST_CASE("what the kernel does not write is no line of kallsyms", "[proc_lines]") {
  barebpf::kallsyms_line line;
  for (const char* wrong :
       {"", "ffffffff81000000", "ffffffff81000000 ", "ffffffff81000000 T", "ffffffff81000000 T ",
        "ffffffff81000000 T \t[bpf]", "fffffffff81000000 T a", " ffffffff81000000 T a", "x T a", "T a",
        "ffffffff81000000 T a\tbpf", "ffffffff81000000 T a\t[bpf] b", "ffffffff81000000  T a"}) {
    CAPTURE(wrong);
    CHECK_FALSE(barebpf::read_kallsyms_line(wrong, line));
  }
}

TEST_CASE("a line of maps is where a file lies, and whether it is executed", "[proc_lines]") {
  barebpf::maps_line line;
  REQUIRE(barebpf::read_maps_line(
      "7f5231677000-7f52317cd000 r-xp 00026000 fe:00 332835                     /usr/lib/libc.so.6", line));
  CHECK(line.first == 0x7f5231677000);
  CHECK(line.end == 0x7f52317cd000);
  CHECK(line.offset == 0x26000);
  CHECK(line.is_executable);
  CHECK(to_string(line.path) == "/usr/lib/libc.so.6");

  REQUIRE(
      barebpf::read_maps_line("55d15591f000-55d155920000 rw-p 0000a000 fe:00 247134   /a b (deleted)", line));
  CHECK_FALSE(line.is_executable);
  CHECK(to_string(line.path) == "/a b (deleted)");

  REQUIRE(barebpf::read_maps_line("7f52315ce000-7f52315f0000 rwxp 00000000 00:00 0 ", line));
  CHECK(line.is_executable);
  CHECK(line.path.empty());

  REQUIRE(barebpf::read_maps_line(
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]", line));
  CHECK(to_string(line.path) == "[vsyscall]");
}

TEST_CASE("what the kernel does not write is no line of maps", "[proc_lines]") {
  barebpf::maps_line line;
  for (const char* wrong :
       {"", "7f52", "7f52-", "7f52-7f53", "7f52-7f53 ", "7f52-7f53 r-x 0 0:0 0 ", "7f52-7f53 r-xp",
        "7f52-7f53 r-xp x", "7f52-7f53 r-xp 0", "7f52-7f53 r-xp 0 ", "7f52-7f53 r-xp 0 0:0",
        "7f52-7f53 r-xp 0  0 ", "7f53-7f52 r-xp 0 0:0 0 ", "7f52-7f52 r-xp 0 0:0 0 ",
        "7f52 7f53 r-xp 0 0:0 0 ", "00000000000007f52-7f53 r-xp 0 0:0 0 "}) {
    CAPTURE(wrong);
    CHECK_FALSE(barebpf::read_maps_line(wrong, line));
  }
}

TEST_CASE("lines of /proc are read by the compiler too", "[proc_lines]") {
  constexpr auto address = [] {
    barebpf::kallsyms_line line;
    return barebpf::read_kallsyms_line("ff T a", line) ? line.address : 0;
  }();
  static_assert(address == 0xff);
  constexpr auto end = [] {
    barebpf::maps_line line;
    return barebpf::read_maps_line("1-2 r-xp 0 0:0 0 ", line) ? line.end : 0;
  }();
  static_assert(end == 2);
}
