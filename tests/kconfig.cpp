// SPDX-License-Identifier: MIT
#include <cstring>
#include <string>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

using barebpf::cause;
using barebpf::kconfig_form;
using barebpf::kconfig_line;
using barebpf::kconfig_slot;
using barebpf::u8;

struct set {
  cause why;
  u8 bytes[8] = {};

  set(const kconfig_slot& slot, const char* value) { why = set_kconfig(slot, value, bytes); }
  template <class Number>
  Number as() const {
    Number out;
    std::memcpy(&out, bytes, sizeof out);
    return out;
  }
};
constexpr kconfig_slot number_of(barebpf::u32 size, bool is_signed = false) {
  return {kconfig_form::number, is_signed, size};
}
constexpr kconfig_slot boolean{kconfig_form::boolean, false, 1};
constexpr kconfig_slot tristate{kconfig_form::tristate, false, 4};
constexpr kconfig_slot character{kconfig_form::character, true, 1};

// The compiler reads options too.
constexpr bool is_read = [] {
  kconfig_line line;
  u8 out[2] = {};
  return read_kconfig_line("CONFIG_A=0x102", line) && line.option == "CONFIG_A" &&
         set_kconfig({kconfig_form::number, false, 2}, line.value, out) == cause::none &&
         out[0] + out[1] == 3;
}();
static_assert(is_read);

}  // namespace

TEST_CASE("a line sets an option, or nothing", "[kconfig]") {
  kconfig_line line;
  CHECK(read_kconfig_line("CONFIG_HZ=250", line));
  CHECK(to_string(line.option) == "CONFIG_HZ");
  CHECK(to_string(line.value) == "250");
  CHECK(read_kconfig_line("CONFIG_CMDLINE=\"a=b\"", line));
  CHECK(to_string(line.value) == "\"a=b\"");
  for (const char* other : {"", "#", "# CONFIG_HZ is not set", "HZ=250", " CONFIG_HZ=250", "CONFIG"}) {
    CHECK(read_kconfig_line(other, line));
    CHECK(line.option.empty());
  }
  CHECK_FALSE(read_kconfig_line("CONFIG_HZ", line));
  CHECK_FALSE(read_kconfig_line("CONFIG_HZ=", line));
}

TEST_CASE("y, n and m are what the form of the variable makes of them", "[kconfig]") {
  CHECK(set(boolean, "y").as<u8>() == 1);
  CHECK(set(boolean, "n").as<u8>() == 0);
  CHECK(set(boolean, "m").why == cause::kconfig_module);
  CHECK(set(tristate, "n").as<int>() == 0);
  CHECK(set(tristate, "y").as<int>() == 1);
  CHECK(set(tristate, "m").as<int>() == 2);
  CHECK(set(character, "m").as<char>() == 'm');
  CHECK(set(number_of(4), "y").why == cause::kconfig_yes_or_no);
  CHECK(set({kconfig_form::characters, false, 4}, "y").why == cause::kconfig_yes_or_no);
}

TEST_CASE("numbers are read as C writes them, and must fit", "[kconfig]") {
  CHECK(set(number_of(4), "250").as<unsigned>() == 250);
  CHECK(set(number_of(4), "0x1F").as<unsigned>() == 31);
  CHECK(set(number_of(4), "017").as<unsigned>() == 15);
  CHECK(set(number_of(4), "0").as<unsigned>() == 0);
  CHECK(set(number_of(4, true), "-5").as<int>() == -5);
  CHECK(set(number_of(8), "18446744073709551615").as<std::uint64_t>() == ~0ull);
  CHECK(set(number_of(8), "-1").as<std::uint64_t>() == ~0ull);
  CHECK(set(character, "100").as<char>() == 100);
  const struct {
    kconfig_slot slot;
    const char* value;
    cause why;
  } rows[] = {
      {number_of(2), "65535", cause::none},
      {number_of(2), "65536", cause::kconfig_range},
      {number_of(2), "-1", cause::kconfig_range},
      {number_of(2, true), "32767", cause::none},
      {number_of(2, true), "32768", cause::kconfig_range},
      {number_of(2, true), "-32768", cause::none},
      {number_of(2, true), "-32769", cause::kconfig_range},
      {number_of(4, true), "2147483647", cause::none},
      {number_of(4, true), "2147483648", cause::kconfig_range},
      {number_of(8), "18446744073709551616", cause::bad_kconfig_line},
      {number_of(8), "0x1ffffffffffffffff", cause::bad_kconfig_line},
      {number_of(4), "08", cause::bad_kconfig_line},
      {number_of(4), "0x", cause::bad_kconfig_line},
      {number_of(4), "12 ", cause::bad_kconfig_line},
      {number_of(4), " 12", cause::bad_kconfig_line},
      {number_of(4), "-", cause::bad_kconfig_line},
      {number_of(4), "", cause::bad_kconfig_line},
      {character, "128", cause::kconfig_range},
      {boolean, "1", cause::kconfig_not_a_number},
      {tristate, "1", cause::kconfig_not_a_number},
      {{kconfig_form::characters, false, 4}, "1", cause::kconfig_not_a_number},
  };
  for (const auto& row : rows) {
    CAPTURE(row.value, row.slot.size);
    CHECK(set(row.slot, row.value).why == row.why);
  }
}

TEST_CASE("what is known beside the configuration is a number too", "[kconfig]") {
  u8 out[8] = {};
  CHECK(set_kconfig_number(boolean, 1, out) == cause::none);
  CHECK(out[0] == 1);
  CHECK(set_kconfig_number(boolean, 2, out) == cause::kconfig_range);
  CHECK(set_kconfig_number(tristate, 1, out) == cause::kconfig_not_a_number);
}

TEST_CASE("a text loses its quotes, and what there is no room for", "[kconfig]") {
  const auto text_in = [](barebpf::u32 size, const char* value) {
    u8 out[16];
    std::memset(out, 0, sizeof out);
    const cause why = barebpf::set_kconfig({kconfig_form::characters, false, size}, value, out);
    CHECK(out[size] == 0);
    return why == cause::none ? std::string(reinterpret_cast<const char*>(out)) : "(refused)";
  };
  CHECK(text_in(8, "\"(none)\"") == "(none)");
  CHECK(text_in(7, "\"(none)\"") == "(none)");
  CHECK(text_in(6, "\"(none)\"") == "(none");
  CHECK(text_in(1, "\"(none)\"") == "");
  CHECK(text_in(8, "\"\"") == "");
  CHECK(text_in(8, "\"a\"b\"") == "a\"b");
  CHECK(text_in(8, "\"") == "(refused)");
  CHECK(text_in(8, "\"a") == "(refused)");
  u8 out[4] = {};
  CHECK(set_kconfig(number_of(4), "\"a\"", out) == cause::kconfig_text);
}
