// SPDX-License-Identifier: MIT
#include <cstring>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {
// Every byte differs and has its top bit set in half the places, so that no shift can hide a mistake.
constexpr unsigned char plain_image[24] = {0x81, 0x02, 0x93, 0x14, 0xa5, 0x26, 0xb7, 0x38,
                                           0xc9, 0x4a, 0xdb, 0x5c, 0xed, 0x6e, 0xff, 0x70,
                                           0x80, 0x01, 0x92, 0x13, 0xa4, 0x25, 0xb6, 0x37};
constexpr std::uint64_t packed_image[3] = {0x38b726a514930281, 0x70ff6eed5cdb4ac9, 0x37b625a413920180};
constexpr barebpf::bytes plain(plain_image, sizeof plain_image);
constexpr barebpf::bytes packed(packed_image, 3);

std::uint64_t low_byte_first(std::uint64_t at, unsigned width) {
  std::uint64_t out = 0;
  for (unsigned i = 0; i < width; ++i) out |= std::uint64_t{plain_image[at + i]} << (i * 8);
  return out;
}
}  // namespace

TEST_CASE("a window gives zero outside and never wraps around", "[bytes]") {
  const unsigned char image[] = {1, 2, 3, 4};
  const barebpf::bytes window(image, sizeof image);

  CHECK(window.read32(0) == 0x04030201);
  CHECK(window.read32(1) == 0);
  CHECK(window.read8(~0ull) == 0);
  CHECK_FALSE(window.holds(2, ~0ull));
}

TEST_CASE("a window holds what lies inside to the last byte", "[bytes]") {
  CHECK(plain.size() == 24);
  CHECK(packed.size() == 24);
  CHECK(plain.holds(0, 24));
  CHECK(plain.holds(24, 0));
  CHECK(plain.holds(23, 1));
  CHECK_FALSE(plain.holds(24, 1));
  CHECK_FALSE(plain.holds(25, 0));
  CHECK_FALSE(plain.holds(~0ull, 2));
}

TEST_CASE("plain bytes and packed words read the same at every offset and width", "[bytes]") {
  for (std::uint64_t at = 0; at < 34; ++at) {
    CAPTURE(at);
    const auto expected = [&](unsigned width) { return at + width <= 24 ? low_byte_first(at, width) : 0; };
    CHECK(plain.read8(at) == expected(1));
    CHECK(packed.read8(at) == expected(1));
    CHECK(plain.read16(at) == expected(2));
    CHECK(packed.read16(at) == expected(2));
    CHECK(plain.read32(at) == expected(4));
    CHECK(packed.read32(at) == expected(4));
    CHECK(plain.read64(at) == expected(8));
    CHECK(packed.read64(at) == expected(8));
  }
}

TEST_CASE("a window can read with the highest byte first", "[bytes]") {
  for (barebpf::bytes window : {plain, packed}) {
    window.read_big_endian();

    CHECK(window.read8(0) == 0x81);
    CHECK(window.read16(0) == 0x8102);
    CHECK(window.read32(1) == 0x029314a5);
    CHECK(window.read64(3) == 0x14a526b738c94adb);
    CHECK(window.read64(17) == 0);
  }
}

TEST_CASE("an empty window holds nothing", "[bytes]") {
  constexpr barebpf::bytes nothing;

  CHECK(nothing.size() == 0);
  CHECK(nothing.holds(0, 0));
  CHECK_FALSE(nothing.holds(0, 1));
  CHECK(nothing.read64(0) == 0);
  CHECK(nothing.length_of_string(0) == 0);
  CHECK(nothing.string_is(0, ""));
}

TEST_CASE("strings end at their NUL, or at the end of the window", "[bytes]") {
  const unsigned char characters[16] = {'h', 'i', 't', 's', 0,   'm', 'i', 's',
                                        's', 'e', 's', 0,   'l', 'a', 's', 't'};
  std::uint64_t words[2];
  std::memcpy(words, characters, sizeof words);
  if (barebpf::host_is_big_endian)
    for (std::uint64_t& word : words) word = __builtin_bswap64(word);

  for (const barebpf::bytes& window : {barebpf::bytes(characters, 16), barebpf::bytes(words, 2)}) {
    CHECK(window.length_of_string(0) == 4);
    CHECK(window.length_of_string(4) == 0);
    CHECK(window.length_of_string(12) == 4);
    CHECK(window.length_of_string(16) == 0);
    CHECK(window.length_of_string(~0ull) == 0);
    CHECK(window.string_is(0, "hits"));
    CHECK_FALSE(window.string_is(0, "hit"));
    CHECK_FALSE(window.string_is(0, "hitss"));
    CHECK(window.string_is(12, "last"));
    CHECK_FALSE(window.string_is(12, "lasts"));
    CHECK_FALSE(window.string_is(~0ull, ""));
    CHECK(window.string_starts_with(5, "miss"));
    CHECK_FALSE(window.string_starts_with(5, "hiss"));
    CHECK_FALSE(window.string_starts_with(14, "still"));
  }
}

TEST_CASE("a string is compared byte by byte above 127 too", "[bytes]") {
  const unsigned char characters[3] = {0xc3, 0xa4, 0};

  CHECK(barebpf::bytes(characters, 3).string_is(0, "\xc3\xa4"));
}

TEST_CASE("a copied string is cut to the room and always ends with a NUL", "[bytes]") {
  const unsigned char characters[8] = {'h', 'i', 't', 's', 0, 'x', 'y', 'z'};
  const barebpf::bytes window(characters, 8);
  char out[8];

  std::memset(out, '#', sizeof out);
  CHECK(window.copy_string(0, out, sizeof out) == 4);
  CHECK(std::string(out, 8) == std::string("hits\0###", 8));

  std::memset(out, '#', sizeof out);
  CHECK(window.copy_string(0, out, 3) == 2);
  CHECK(std::string(out, 8) == std::string("hi\0#####", 8));

  std::memset(out, '#', sizeof out);
  CHECK(window.copy_string(5, out, sizeof out) == 3);
  CHECK(std::string(out, 8) == std::string("xyz\0####", 8));

  std::memset(out, '#', sizeof out);
  CHECK(window.copy_string(99, out, sizeof out) == 0);
  CHECK(std::string(out, 8) == std::string("\0#######", 8));

  std::memset(out, '#', sizeof out);
  CHECK(window.copy_string(0, out, 0) == 0);
  CHECK(std::string(out, 8) == "########");
}

TEST_CASE("single bytes are packed eight to a word, the first one lowest", "[bytes]") {
  constexpr unsigned char single[11] = {1, 2, 3, 4, 5, 6, 7, 8, 0xf9, 10, 11};
  constexpr barebpf::packed_words<11> packed_single(single);
  static_assert(sizeof packed_single.words == 16);

  CHECK(packed_single.words[0] == 0x0807060504030201);
  CHECK(packed_single.words[1] == 0x00000000000b0af9);
}

TEST_CASE("signed characters are packed without their sign", "[bytes]") {
  constexpr signed char single[2] = {-1, 1};
  constexpr barebpf::packed_words<2> packed_single(single);

  CHECK(packed_single.words[0] == 0x00000000000001ff);
}

TEST_CASE("the length of a string is right at every alignment, length and end of the window", "[bytes]") {
  // Behind the window stand characters that are no NULs, and bytes from 0x80 on must not be taken for one.
  constexpr std::size_t whole = 40;
  for (std::size_t size = 24; size <= whole; size += 8)
    for (std::size_t start = 0; start < 12; ++start)
      for (std::size_t nul = start; nul <= size; ++nul) {
        CAPTURE(size, start, nul);
        unsigned char characters[whole + 8];
        for (std::size_t i = 0; i < sizeof characters; ++i)
          characters[i] = static_cast<unsigned char>(i % 3 == 0 ? 0x80 : i % 3 == 1 ? 0x01 : 0xff);
        if (nul < size) characters[nul] = 0;
        for (std::size_t i = 0; i < start; ++i) characters[i] = 0;
        std::uint64_t words[sizeof characters / 8];
        std::memcpy(words, characters, sizeof words);
        if (barebpf::host_is_big_endian)
          for (std::uint64_t& word : words) word = __builtin_bswap64(word);

        const std::size_t length = nul - start;
        REQUIRE(barebpf::bytes(characters, size).length_of_string(start) == length);
        REQUIRE(barebpf::bytes(words, size / 8).length_of_string(start) == length);
        if (nul >= size) REQUIRE(barebpf::bytes(characters, size - 3).length_of_string(start) == length - 3);
      }
}

TEST_CASE("bytes are copied as they stand, from every place and in every length", "[bytes]") {
  for (const barebpf::bytes& window : {plain, packed})
    for (std::size_t at = 0; at <= 24; ++at)
      for (std::size_t count = 0; count <= 24 - at; ++count) {
        CAPTURE(at, count);
        unsigned char out[25];
        std::memset(out, '#', sizeof out);
        window.copy(at, count, out);
        REQUIRE(std::memcmp(out, plain_image + at, count) == 0);
        REQUIRE(out[count] == '#');
      }
}

TEST_CASE("a copy of bytes outside is zeros, and the order of numbers does not matter to it", "[bytes]") {
  for (barebpf::bytes window : {plain, packed}) {
    window.read_big_endian();
    unsigned char out[24];

    window.copy(0, 24, out);
    CHECK(std::memcmp(out, plain_image, 24) == 0);
    window.copy(100, 11, out);
    CHECK(std::string(reinterpret_cast<const char*>(out), 11) == std::string(11, '\0'));
  }
}

TEST_CASE("a word has its bytes in memory as the window has them", "[bytes]") {
  for (const bool big_endian : {false, true})
    for (barebpf::bytes window : {plain, packed}) {
      if (big_endian) window.read_big_endian();
      for (std::size_t at = 0; at < 24; ++at)
        for (std::size_t end = at + 1; end <= 24; ++end) {
          CAPTURE(at, end);
          const std::uint64_t word = window.word_in_memory(at, end);
          unsigned char in_memory[8], expected[8] = {};
          std::memcpy(in_memory, &word, 8);
          std::memcpy(expected, plain_image + at, end - at < 8 ? end - at : 8);
          REQUIRE(std::memcmp(in_memory, expected, 8) == 0);
        }
    }
}

TEST_CASE("two strings of a window are the same or not", "[bytes]") {
  const unsigned char characters[16] = {'h', 'i', 't', 's', 0,   'h', 'i', 't',
                                        's', 0,   'h', 'i', 't', 0,   'h', 'i'};
  const barebpf::bytes window(characters, 16);

  CHECK(window.same_string(0, 5));
  CHECK(window.same_string(0, 0));
  CHECK_FALSE(window.same_string(0, 10));
  CHECK_FALSE(window.same_string(10, 0));
  CHECK_FALSE(window.same_string(10, 14));
  CHECK(window.same_string(4, 13));
  CHECK(window.same_string(4, 1000));
  CHECK_FALSE(window.same_string(14, 1000));
}

TEST_CASE("four numbers in one are those that stand there one by one", "[bytes]") {
  const std::uint64_t words[] = {0x0706050403020100, 0x0f0e0d0c0b0a0908, 0x1716151413121110};
  const barebpf::bytes three(words, 24);
  for (const std::uint64_t at : {0u, 4u, 8u, 2u}) {
    CAPTURE(at);
    const auto four = three.read_four32(at);
    CHECK(four.first == three.read32(at));
    CHECK(four.second == three.read32(at + 4));
    CHECK(four.third == three.read32(at + 8));
    CHECK(four.fourth == three.read32(at + 12));
  }
}
