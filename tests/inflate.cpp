// SPDX-License-Identifier: MIT
// Files that zlib made, one for each kind of block, and what they unpack to; every cut and every changed byte of them.
#include "support/catch.hpp"
#include "support/library.hpp"

#include <string>
#include <vector>

namespace {

using barebpf::u8;

const std::string fixed_text =
    "# Linux/x86 6.18.44\nCONFIG_HZ=250\nCONFIG_BPF=y\nCONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=y\n";
// With the codes that the format brings along.
constexpr u8 fixed_codes[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x53, 0x56, 0xf0,
                              0xc9, 0xcc, 0x2b, 0xad, 0xd0, 0xaf, 0xb0, 0x30, 0x53, 0x30, 0xd3, 0x33, 0xb4,
                              0xd0, 0x33, 0x31, 0xe1, 0x72, 0xf6, 0xf7, 0x73, 0xf3, 0x74, 0x8f, 0xf7, 0x88,
                              0xb2, 0x35, 0x32, 0x35, 0x80, 0xf1, 0x9c, 0x02, 0xdc, 0x6c, 0x2b, 0x91, 0x38,
                              0xf1, 0xc1, 0x91, 0xc1, 0xce, 0x8e, 0x3e, 0x3e, 0xa8, 0x82, 0x5e, 0x9e, 0x21,
                              0x40, 0x01, 0x00, 0xa5, 0x05, 0xa8, 0xad, 0x55, 0x00, 0x00, 0x00};
// With codes of its own, and behind a header with everything that one can have.
constexpr u8 own_codes[] = {
    0x1f, 0x8b, 0x08, 0x1e, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x02, 0x00, 0x61, 0x62, 0x63, 0x6f, 0x6e,
    0x66, 0x69, 0x67, 0x00, 0x6e, 0x6f, 0x00, 0x07, 0x14, 0xa5, 0x90, 0x89, 0x0d, 0x44, 0x21, 0x08, 0x05,
    0x5b, 0x99, 0x12, 0x3e, 0xa0, 0xa8, 0xfd, 0x37, 0xb6, 0xa3, 0x2d, 0x6c, 0x62, 0x8c, 0xc7, 0x3b, 0xf9,
    0x08, 0x06, 0x87, 0x68, 0x72, 0x52, 0xcd, 0x38, 0xf4, 0x60, 0x07, 0x45, 0x0e, 0xc6, 0x62, 0x25, 0x49,
    0x05, 0x9d, 0x1c, 0x11, 0xc5, 0xfa, 0x88, 0x64, 0x16, 0x47, 0xb4, 0x5c, 0x05, 0x3c, 0x0f, 0xe6, 0xc7,
    0xa6, 0x27, 0xb9, 0xd8, 0x9b, 0x39, 0xc8, 0x64, 0xab, 0xa6, 0xd4, 0x24, 0x82, 0xdd, 0xb4, 0x8c, 0x4d,
    0x25, 0x21, 0x92, 0x53, 0xec, 0xc9, 0x3a, 0x2c, 0xf7, 0x7a, 0xeb, 0x5d, 0x7d, 0xf4, 0xab, 0x2f, 0x48,
    0xa8, 0x04, 0x69, 0x92, 0xe3, 0x09, 0x29, 0xa7, 0xa8, 0xd2, 0x1a, 0x68, 0xa3, 0x99, 0x96, 0xfb, 0x9a,
    0x1b, 0xe1, 0x06, 0x89, 0x17, 0xaa, 0x6f, 0x40, 0x63, 0x1a, 0xd6, 0xc8, 0x06, 0xef, 0x57, 0x22, 0x6f,
    0x1d, 0x4b, 0x59, 0xad, 0x6e, 0x49, 0xab, 0x5a, 0xb8, 0x5e, 0x79, 0x47, 0x70, 0x9c, 0x45, 0xf0, 0xfd,
    0x37, 0x93, 0x1f, 0xde, 0xb5, 0x44, 0x71, 0x53, 0x01, 0x00, 0x00};
// As they are.
constexpr u8 stored[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x01,
                         0x14, 0x00, 0xeb, 0xff, 0x23, 0x20, 0x4c, 0x69, 0x6e, 0x75, 0x78,
                         0x2f, 0x78, 0x38, 0x36, 0x20, 0x36, 0x2e, 0x31, 0x38, 0x2e, 0x34,
                         0x34, 0x0a, 0x0a, 0x9b, 0xd7, 0xa4, 0x14, 0x00, 0x00, 0x00};

// Squares modulo 97, which are of few digits.
std::string squares() {
  std::string out;
  for (int i = 0; i < 120; ++i) out += std::to_string(i * i % 97) + ' ';
  return out;
}

using file = std::vector<u8>;
template <std::size_t N>
file file_of(const u8 (&from)[N]) {
  return file(from, from + N);
}
struct unpacked {
  bool is_good = false;
  std::string text;
};
// Into a block of just the announced size, so that a sanitizer sees a byte too many.
unpacked unpack_all(const file& from) {
  unpacked out;
  std::vector<u8> room(barebpf::unpacked_size(from.data(), from.size()));
  out.is_good = barebpf::unpack(from.data(), from.size(), room.data());
  out.text.assign(room.begin(), room.end());
  return out;
}

struct unpacked_by_compiler {
  bool is_good = false;
  u8 first = 0, last = 0;
};
constexpr unpacked_by_compiler made = [] {
  unpacked_by_compiler out;
  u8 room[sizeof own_codes * 8] = {};
  out.is_good = barebpf::unpack(own_codes, sizeof own_codes, room);
  out.first = room[0];
  out.last = room[barebpf::unpacked_size(own_codes, sizeof own_codes) - 2];
  return out;
}();
static_assert(made.is_good && made.first == '0' && made.last == '6');
static_assert(barebpf::crc32(nullptr, 0) == 0);
constexpr u8 nine[] = {'1', '2', '3', '4', '5', '6', '7', '8', '9'};
static_assert(barebpf::crc32(nine, sizeof nine) == 0xcbf43926);  // as everywhere

}  // namespace

TEST_CASE("what gzip packed is unpacked, whatever the codes", "[inflate]") {
  const struct {
    file from;
    std::string text;
  } rows[] = {{file_of(fixed_codes), fixed_text},
              {file_of(own_codes), squares()},
              {file_of(stored), fixed_text.substr(0, 20)}};
  for (const auto& row : rows) {
    CHECK(barebpf::unpacked_size(row.from.data(), row.from.size()) == row.text.size());
    const unpacked out = unpack_all(row.from);
    CHECK(out.is_good);
    CHECK(out.text == row.text);
  }
}

TEST_CASE("a file of gzip that was cut anywhere is none", "[inflate]") {
  for (const file& whole : {file_of(fixed_codes), file_of(own_codes), file_of(stored)})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(unpack_all(file(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))).is_good);
    }
}

TEST_CASE("a changed byte is seen, but in what nobody looks at", "[inflate]") {
  for (const file& whole : {file_of(fixed_codes), file_of(own_codes), file_of(stored)}) {
    const unpacked expected = unpack_all(whole);
    for (std::size_t at = 0; at < whole.size(); ++at)
      for (const int change : {1, 2, 4, 8, 16, 32, 64, 128, 255}) {
        file changed = whole;
        changed[at] = static_cast<u8>(changed[at] ^ change);
        const unpacked out = unpack_all(changed);
        CAPTURE(at, change);
        CHECK((!out.is_good || out.text == expected.text));
      }
  }
}

TEST_CASE("other files are no file of gzip, and lies about their size cost nothing", "[inflate]") {
  CHECK(barebpf::unpacked_size(nullptr, 0) == 0);
  file elf(100, 0x7f);
  CHECK(barebpf::unpacked_size(elf.data(), elf.size()) == 0);
  file other_method = file_of(stored);
  other_method[2] = 7;
  CHECK(barebpf::unpacked_size(other_method.data(), other_method.size()) == 0);
  file large = file_of(stored);
  large.back() = 0x7f;  // 2 GiB
  CHECK(barebpf::unpacked_size(large.data(), large.size()) == 0);
  CHECK_FALSE(unpack_all(large).is_good);
  const std::size_t most = large.size() * 1032;  // bytes of the longest copy, for two bits each
  for (const std::size_t size : {most, most + 1}) {
    for (std::size_t i = 0; i < 4; ++i)
      large[large.size() - 4 + i] = static_cast<unsigned char>(size >> (i * 8));
    CHECK(barebpf::unpacked_size(large.data(), large.size()) == (size == most ? most : 0));
  }
  file empty = file_of(stored);
  for (std::size_t i = 1; i <= 4; ++i) empty[empty.size() - i] = 0;
  CHECK_FALSE(unpack_all(empty).is_good);
}

TEST_CASE("blocks whose codes contradict themselves are refused", "[inflate]") {
  const auto is_good = [](const file& blocks) {
    u8 out[64];
    barebpf::detail::bit_reader in(blocks.data(), blocks.size());
    return barebpf::detail::inflater(in, out, sizeof out).run();
  };
  CHECK(is_good({0x03, 0x00}));                          // nothing, with fixed codes
  CHECK_FALSE(is_good({}));                              // nothing at all
  CHECK_FALSE(is_good({0x07, 0x00}));                    // a kind of block that there is not
  CHECK_FALSE(is_good({0x01, 0x01, 0x00, 0x00, 0x00}));  // a size that is not said twice
  CHECK_FALSE(is_good({0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));  // too many codes
  CHECK_FALSE(is_good(file(9, 0)));  // all zeros: stored blocks of nothing, whose size is not said twice
  CHECK_FALSE(is_good({0x83, 0x01, 0x00}));  // a copy of what stands in front of the first byte
}
