// SPDX-License-Identifier: MIT
#include <sstream>
#include <string>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::step;

namespace {

const std::string kallsyms = "/proc/kallsyms";

std::string to_string(barebpf::text from) { return {from.data(), from.size()}; }

// "symbol+offset [module]"
std::string found(const barebpf::kernel_symbols& symbols, std::uint64_t address) {
  const auto place = symbols.find(address);
  std::string out = to_string(place.symbol) + "+" + std::to_string(place.offset);
  if (!place.module.empty()) out += " [" + to_string(place.module) + "]";
  return out;
}
std::string found(const barebpf::user_mappings& mappings, std::uint64_t address) {
  const auto place = mappings.find(address);
  return to_string(place.path) + "+" + std::to_string(place.offset);
}

}  // namespace

TEST_CASE("the function at an address is the last that begins in front of it", "[symbols]") {
  fake_machine machine;
  machine.files[kallsyms] =
      "0000000000000000 A fixed_percpu_data\n"
      "ffffffff81000100 T first\n"
      "ffffffff81000100 T its_other_name\n"
      "ffffffff81000200 t second\n"
      "ffffffff81000280 D data\n"
      "ffffffffc0002000 t of_module\t[virtio]\n"
      "ffffffffc0001000 t before_it\t[virtio]\n"
      "ffffffffc0003000 t program\t[bpf]\n"
      "ffffffff81000300 W third\n";
  machine.longest_read = 7;

  const auto symbols = barebpf::kernel_symbols::read();

  REQUIRE(symbols.has_value());
  CHECK(symbols->size() == 7);
  CHECK(found(*symbols, 0xffffffff810000ff) == "+0");
  CHECK(found(*symbols, 0xffffffff81000100) == "first+0");
  CHECK(found(*symbols, 0xffffffff810001ff) == "first+255");
  CHECK(found(*symbols, 0xffffffff810002ff) == "second+255");
  CHECK(found(*symbols, 0xffffffff81000300) == "third+0");
  CHECK(found(*symbols, 0xffffffffc0001fff) == "before_it+4095 [virtio]");
  CHECK(found(*symbols, 0xffffffffc0002001) == "of_module+1 [virtio]");
  CHECK(found(*symbols, 0xffffffffc0003000) == "program+0 [bpf]");
  CHECK(found(*symbols, 0) == "+0");
}

TEST_CASE("the last line of a copy may have no end", "[symbols]") {
  fake_machine machine;
  machine.files[kallsyms] = "0000000000001000 T first\n0000000000001100 T last";
  machine.longest_read = GENERATE(7l, 1l << 30);

  const auto symbols = barebpf::kernel_symbols::read();

  REQUIRE(symbols.has_value());
  CHECK(found(*symbols, 0x10ff) == "first+255");
  CHECK(found(*symbols, 0x1101) == "last+1");
}

TEST_CASE("an address far behind every function is in none", "[symbols]") {
  fake_machine machine;
  machine.files[kallsyms] = "0000000000001000 T only\n";

  const auto symbols = barebpf::kernel_symbols::read();

  REQUIRE(symbols.has_value());
  CHECK(found(*symbols, 0x1000 + 0xfffff) == "only+1048575");
  CHECK(found(*symbols, 0x1000 + 0x100000) == "+0");
  CHECK(found(*symbols, ~0ull) == "+0");
}

TEST_CASE("functions in whatever order are found", "[symbols]") {
  for (const std::uint64_t count : {1u, 2u, 3u, 10u, 1000u}) {
    // In order, backwards, and mixed up: each has no divisor in common with the count, so each number comes once.
    for (const std::uint64_t width : {std::uint64_t{1}, count - 1, std::uint64_t{7919}}) {
      CAPTURE(count, width);
      fake_machine machine;
      std::ostringstream list;
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t number = i * width % count;
        list << std::hex << 0x1000 + number * 16 << std::dec << " t f" << number << "\n";
      }
      machine.files[kallsyms] = list.str();
      const auto symbols = barebpf::kernel_symbols::read();
      REQUIRE(symbols.has_value());
      for (std::uint64_t i = 0; i < count; ++i)
        REQUIRE(found(*symbols, 0x1005 + i * 16) == "f" + std::to_string(i) + "+5");
    }
  }
}

TEST_CASE("hidden addresses, wrong lines and missing files say what they are", "[symbols]") {
  fake_machine machine;
  CHECK(barebpf::kernel_symbols::read().error().at == step::open_file);
  CHECK(barebpf::kernel_symbols::read().error().code == ENOENT);

  machine.files[kallsyms] = "0000000000000000 T _text\n0000000000000000 t second\n";
  CHECK(barebpf::kernel_symbols::read().error().why == cause::hidden_addresses);
  CHECK(std::string(barebpf::kernel_symbols::read().error().name) == kallsyms);

  machine.files[kallsyms] = "ffffffff81000100 T first\nno line\n";
  CHECK(barebpf::kernel_symbols::read().error().why == cause::bad_proc_line);

  machine.files[kallsyms] = std::string(1 << 16, 'x');
  CHECK(barebpf::kernel_symbols::read().error().code == EOVERFLOW);

  machine.files[kallsyms] = "";
  REQUIRE(barebpf::kernel_symbols::read().has_value());
  CHECK(found(*barebpf::kernel_symbols::read(), 5) == "+0");

  machine.files["/tmp/of another machine"] = "ffffffff81000100 T first\n";
  CHECK(barebpf::kernel_symbols::read("/tmp/of another machine")->size() == 1);
}

TEST_CASE("a read that a signal interrupts goes on, and one that fails ends it", "[symbols]") {
  fake_machine machine;
  machine.files[kallsyms] = "ffffffff81000100 T first\n";
  machine.refusals["read"] = {EINTR};
  CHECK(barebpf::kernel_symbols::read()->size() == 1);
  machine.refusals["read"] = {EIO};
  const auto failed = barebpf::kernel_symbols::read();
  CHECK(failed.error().at == step::read_file);
  CHECK(failed.error().code == EIO);
}

TEST_CASE("a place in a process is a file and an offset in it", "[symbols]") {
  fake_machine machine;
  machine.files["/proc/77/maps"] =
      "1000-2000 r--p 00000000 fe:00 1     /bin/cat\n"
      "2000-5000 r-xp 00001000 fe:00 1     /bin/cat\n"
      "5000-6000 r-xp 00004000 fe:00 1     /bin/cat\n"
      "8000-9000 r-xp 00000000 00:00 0 \n"
      "9000-a000 r-xp 00003000 fe:00 2     /lib/libc.so.6\n";

  const auto mappings = barebpf::user_mappings::read(77);

  REQUIRE(mappings.has_value());
  CHECK(mappings->size() == 4);
  CHECK(found(*mappings, 0x1fff) == "+0");  // not executed
  CHECK(found(*mappings, 0x2000) == "/bin/cat+4096");
  CHECK(found(*mappings, 0x4fff) == "/bin/cat+16383");
  CHECK(found(*mappings, 0x5001) == "/bin/cat+16385");
  CHECK(found(*mappings, 0x7000) == "+0");
  CHECK(found(*mappings, 0x8010) == "+16");
  CHECK(found(*mappings, 0x9abc) == "/lib/libc.so.6+" + std::to_string(0x3abc));
  CHECK(found(*mappings, 0xa000) == "+0");
}

TEST_CASE("a process that is gone says so, before and after its file was opened", "[symbols]") {
  fake_machine machine;
  const auto before = barebpf::user_mappings::read(4000000);
  CHECK(before.error().why == cause::no_such_process);
  CHECK(std::string(before.error().name) == "/proc/4000000/maps");

  machine.files["/proc/77/maps"] = "2000-5000 r-xp 00001000 fe:00 1     /bin/cat\n";
  machine.refusals["read"] = {ESRCH};
  CHECK(barebpf::user_mappings::read(77).error().why == cause::no_such_process);
  machine.refusals["openat"] = {EACCES};
  CHECK(barebpf::user_mappings::read(77).error().why == cause::none);
}
