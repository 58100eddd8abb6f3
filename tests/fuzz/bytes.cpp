// SPDX-License-Identifier: MIT
// Fuzzes room bytes: each question is asked of plain bytes, of packed words, and of a model that goes byte by
// byte.
#include <string>
#include <vector>

#include "fuzz.hpp"

namespace {

using barebpf::bytes;
using barebpf::u64;
using barebpf::u8;

// The window as a list of bytes that never ends: zeros stand behind the file.
struct model {
  std::vector<u8> content;
  bool big_endian = false;

  bool holds(u64 at, u64 count) const {
    const u64 end = at + count;
    return end >= at && end <= content.size();
  }
  u8 at(u64 place) const { return place < content.size() ? content[place] : u8{0}; }
  u64 number(u64 place, unsigned count) const {
    if (!holds(place, count)) return 0;
    u64 value = 0;
    for (unsigned i = 0; i < count; ++i) value |= u64{at(place + i)} << (big_endian ? count - 1 - i : i) * 8;
    return value;
  }
  std::string string(u64 place) const {
    std::string out;
    while (holds(place, 1) && at(place) != 0) out += static_cast<char>(at(place++));
    return out;
  }
};

// Places near the interesting ones: the start, the end, and where a sum would wrap.
u64 place_from(number_source& numbers, u64 size) {
  const auto choice = numbers.next<u8>();
  const auto near = static_cast<u64>(numbers.next<std::int8_t>());
  switch (choice % 5) {
    case 0:
      return size + near;
    case 1:
      return near;
    case 2:
      return (u64{1} << 63) + near;
    case 3:
      return numbers.next<u64>();
    default:
      return size == 0 ? 0 : numbers.next<std::uint16_t>() % size;
  }
}

void ask(const bytes& window, const model& known, number_source numbers) {
  const u64 size = window.size();
  promise(size == known.content.size(), "a window is as large as what it looks at");
  for (int question = 0; question < 64 && numbers.left() != 0; ++question) {
    const u64 at = place_from(numbers, size), other = place_from(numbers, size);
    const u64 count = place_from(numbers, size);
    promise(window.holds(at, count) == known.holds(at, count), "holds is a sum that cannot wrap");
    promise(window.read8(at) == known.number(at, 1), "read8 reads one byte, or zero outside");
    promise(window.read16(at) == known.number(at, 2), "read16 reads two bytes, or zero outside");
    promise(window.read32(at) == known.number(at, 4), "read32 reads four bytes, or zero outside");
    promise(window.read64(at) == known.number(at, 8), "read64 reads eight bytes, or zero outside");
    const std::string whole = known.string(at);
    promise(window.length_of_string(at) == whole.size(), "a string ends at its NUL or at the window's end");
    if (at < size && other < size)
      promise(window.same_string(at, other) == (whole == known.string(other)),
              "same_string compares strings");

    const barebpf::text wanted = numbers.next_text(numbers.next<u8>() % 8);
    const std::string text(wanted.data(), wanted.size());
    if (text.find('\0') == std::string::npos) {
      promise(window.string_is(at, wanted) == (known.holds(at, text.size()) && whole == text),
              "string_is compares whole strings");
      promise(
          window.string_starts_with(at, wanted) == (known.holds(at, text.size()) && whole.starts_with(text)),
          "string_starts_with compares beginnings");
    }
    promise(window.string_is(at, barebpf::text(whole.data(), whole.size())) == (at <= size),
            "a string is itself");

    const std::size_t room = numbers.next<u8>() % 40;
    exact<char> cut(room);
    const std::size_t copied = window.copy_string(at, cut.data(), room);
    const std::size_t fitting = room == 0 ? 0 : whole.size() < room ? whole.size() : room - 1;
    promise(copied == fitting, "copy_string copies what fits");
    promise(room == 0 || (cut[copied] == '\0' && whole.compare(0, copied, cut.data(), copied) == 0),
            "copy_string copies the beginning and a NUL");

    const u64 length = count % 64;
    exact<u8> copy(length);
    window.copy(at, length, copy.data());
    if (known.holds(at, length))
      for (u64 i = 0; i < length; ++i)
        promise(copy[i] == known.at(at + i), "copy copies bytes in their order");

    if (at <= size) {
      const u64 end = at + length % 12 < size ? at + length % 12 : size;
      const u64 word = window.word_in_memory(at, end);
      for (u64 i = 0; i < 8; ++i)
        promise(reinterpret_cast<const u8*>(&word)[i] == (at + i < end ? known.at(at + i) : 0),
                "word_in_memory has the bytes in their order and zeros from the end on");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // The first half is the file, the second asks the questions.
  const input file(data, size / 2);
  const number_source questions(data + size / 2, size - size / 2);
  model known{{file.as_it_is.data(), file.as_it_is.data() + file.as_it_is.size()}};
  ask(file.plain(), known, questions);
  known.content.resize(file.padded.size());
  ask(file.packed(), known, questions);
  bytes plain = file.plain_padded(), packed = file.packed();
  plain.read_big_endian();
  packed.read_big_endian();
  known.big_endian = true;
  ask(plain, known, questions);
  ask(packed, known, questions);
  return 0;
}
