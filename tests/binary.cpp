// SPDX-License-Identifier: MIT
// Files of both word sizes and byte orders are made here, for a compiler makes one kind; that real ones are read too is
// what tests/kernel/attach_user.cpp shows.
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "support/binary_builder.hpp"
#include "support/catch.hpp"
#include "support/library.hpp"

using barebpf::cause;

namespace {

std::string name_of(const barebpf::error& why) { return why.name; }

}  // namespace

TEST_CASE("a function is found in files of each word size and byte order", "[binary]") {
  for (const bool is_64 : {false, true})
    for (const bool is_big : {false, true}) {
      CAPTURE(is_64, is_big);
      binary_builder file(is_64, is_big);
      file.add_function("first", 0x10);
      file.add_function("second", 0x24);
      file.add_hidden_function("inner", 0x30);
      const memory_file image(file.build());
      const auto opened = barebpf::binary<memory_file>::open(image);
      REQUIRE(opened.has_value());
      CHECK(opened->word_size() == (is_64 ? 8 : 4));
      CHECK(opened->is_big_endian() == is_big);
      CHECK(opened->find_function("first").value_or(0) == file.code_offset() + 0x10);
      CHECK(opened->find_function("second").value_or(0) == file.code_offset() + 0x24);
      CHECK(opened->find_function("inner").value_or(0) == file.code_offset() + 0x30);
      const auto missing = opened->find_function("secnd");
      REQUIRE_FALSE(missing.has_value());
      CHECK(missing.error().why == cause::no_such_function);
      CHECK(name_of(missing.error()) == "secnd (second?)");
      CHECK(opened->offset_of(file.code_address() + 4, 1).value_or(0) == file.code_offset() + 4);
      CHECK(opened->offset_of(1, 1).value_or(0) == opened->nowhere);
    }
}

TEST_CASE("of several functions of one name the one that others see is found", "[binary]") {
  binary_builder file(true, false);
  file.add_hidden_function("twice", 0x10);
  file.add_hidden_function("twice", 0x20);
  file.add_hidden_function("shown", 0x30);
  file.add_function("shown", 0x40);
  file.add_hidden_function("again", 0x50);
  file.add_hidden_function("again", 0x50);
  const memory_file image(file.build());
  const auto opened = barebpf::binary<memory_file>::open(image);
  REQUIRE(opened.has_value());
  const auto twice = opened->find_function("twice");
  REQUIRE_FALSE(twice.has_value());
  CHECK(twice.error().why == cause::ambiguous_function);
  CHECK(name_of(twice.error()) == "twice");
  CHECK(opened->find_function("shown").value_or(0) == file.code_offset() + 0x40);
  CHECK(opened->find_function("again").value_or(0) == file.code_offset() + 0x50);
}

TEST_CASE("of several versions of a function the one that programs get is found, and each by its name",
          "[binary]") {
  binary_builder file(true, false);
  file.add_version("V_1", 2);
  file.add_version("V_2", 3);
  file.add_function("create", 0x10, 2 | 0x8000);
  file.add_function("create", 0x20, 3);
  const memory_file image(file.build());
  const auto opened = barebpf::binary<memory_file>::open(image);
  REQUIRE(opened.has_value());
  CHECK(opened->find_function("create").value_or(0) == file.code_offset() + 0x20);
  CHECK(opened->find_function("create@V_1").value_or(0) == file.code_offset() + 0x10);
  CHECK(opened->find_function("create@V_2").value_or(0) == file.code_offset() + 0x20);
  CHECK(opened->find_function("create@@V_2").value_or(0) == file.code_offset() + 0x20);
  CHECK(opened->find_function("create@V_3").error().why == cause::no_such_function);
}

TEST_CASE("whichever read of a file fails, so does the search", "[binary]") {
  struct failing_file {
    memory_file whole;
    mutable int left;
    [[nodiscard]] std::uint64_t size() const noexcept { return whole.size(); }
    [[nodiscard]] barebpf::result<void> read(std::uint64_t at, void* to, std::size_t size) const noexcept {
      if (left-- == 0) return barebpf::error{.at = barebpf::step::read_file, .code = 5};
      return whole.read(at, to, size);
    }
  };
  binary_builder file(true, false);
  file.add_function("first", 0x10);
  const auto image = file.build();
  int reads = 0;
  for (cause why = cause::none; why != cause::no_such_function; ++reads) {
    const failing_file given{memory_file(image), reads};
    const auto opened = barebpf::binary<failing_file>::open(given);
    const auto found = opened ? opened->find_function("secnd") : opened.error();
    REQUIRE_FALSE(found.has_value());
    why = found.error().why;
    if (why != cause::no_such_function) CHECK(found.error().code == 5);
    REQUIRE(reads < 100);
  }
  CHECK(reads > 4);
}

TEST_CASE("versions may stand in the names themselves", "[binary]") {
  binary_builder file(true, false);
  file.add_hidden_function("create@V_1", 0x10);
  file.add_hidden_function("create@@V_2", 0x20, 1);  // with the binding of what others see
  const memory_file image(file.build());
  const auto opened = barebpf::binary<memory_file>::open(image);
  REQUIRE(opened.has_value());
  CHECK(opened->find_function("create").value_or(0) == file.code_offset() + 0x20);
  CHECK(opened->find_function("create@V_1").value_or(0) == file.code_offset() + 0x10);
}

TEST_CASE("what is no binary is said to be none", "[binary]") {
  const auto fault = [](std::vector<std::uint8_t> bytes) {
    const memory_file image(std::move(bytes));
    const auto opened = barebpf::binary<memory_file>::open(image);
    return opened.has_value() ? cause::none : opened.error().why;
  };
  binary_builder builder(true, false);
  builder.add_function("f", 0);
  const auto good = builder.build();
  CHECK(fault(good) == cause::none);
  CHECK(fault({}) == cause::not_a_binary);
  CHECK(fault({1, 2, 3}) == cause::not_a_binary);
  CHECK(fault(std::vector<std::uint8_t>(100, 'x')) == cause::not_a_binary);
  auto changed = good;
  changed[16] = 1;  // an object file
  CHECK(fault(changed) == cause::not_a_binary);
  changed = good;
  changed[4] = 3;  // a class that there is not
  CHECK(fault(changed) == cause::not_a_binary);
  changed = good;
  changed[58] = 63;  // another size of section headers
  CHECK(fault(changed) == cause::damaged_binary);
  changed = good;
  changed.resize(changed.size() - 1);  // the last section header is cut
  CHECK(fault(changed) == cause::damaged_binary);

  binary_builder stripped(true, false);
  const memory_file image(stripped.build());
  const auto opened = barebpf::binary<memory_file>::open(image);
  REQUIRE(opened.has_value());
  CHECK(opened->find_function("f").error().why == cause::no_function_names);
}

TEST_CASE("a file cut at any byte is an error or what is left of it, and never read outside", "[binary]") {
  binary_builder builder(true, false);
  builder.add_version("V_1", 2);
  builder.add_function("f", 0x10, 2);
  builder.add_hidden_function("g", 0x20);
  const auto whole = builder.build();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const memory_file image(
        std::vector<std::uint8_t>(whole.begin(), whole.begin() + static_cast<long>(size)));
    const auto opened = barebpf::binary<memory_file>::open(image);
    CHECK_FALSE(opened.has_value());  // the section headers come last
  }
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const int change : {0x00, 0x01, 0x7f, 0x80, 0xff}) {
      auto bytes = whole;
      bytes[at] = static_cast<std::uint8_t>(change);
      const memory_file image(std::move(bytes));
      const auto opened = barebpf::binary<memory_file>::open(image);
      if (opened) static_cast<void>(opened->find_function("f@V_1"));
    }
}
