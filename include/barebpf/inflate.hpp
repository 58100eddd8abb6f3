// SPDX-License-Identifier: MIT
// Room 2.15, inflate: unpacks what gzip packed: the kernel shows its configuration as /proc/config.gz and in no other
// form. Here and not in a library of somebody else's, because it is a page of code and barebpf needs nobody.
#ifndef BAREBPF_INFLATE_HPP
#define BAREBPF_INFLATE_HPP

#include "word.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Takes bits off the front of bytes, the lowest of each byte first; zeros behind the end.
class bit_reader {
 public:
  constexpr bit_reader(const u8* from, size_t size) noexcept : at_(from), left_(size) {}

  // The next `count` bits, 16 at most.
  [[nodiscard]] constexpr u32 take(u32 count) noexcept {
    while (held_count_ < count) {
      is_past_end_ = is_past_end_ || left_ == 0;
      held_ |= (left_ == 0 ? u32{0} : u32{*at_}) << held_count_;
      if (left_ != 0) ++at_, --left_;
      held_count_ += 8;
    }
    const u32 out = held_ & ((u32{1} << count) - 1);
    held_ >>= count;
    held_count_ -= count;
    return out;
  }
  // Leaves out what is left of a byte that was begun.
  constexpr void align() noexcept { static_cast<void>(take(held_count_ % 8)); }
  [[nodiscard]] constexpr bool is_past_end() const noexcept { return is_past_end_; }

 private:
  const u8* at_;
  size_t left_;
  u32 held_ = 0, held_count_ = 0;
  bool is_past_end_ = false;
};

// A code in which frequent symbols are short: all symbols of one length follow each other, and so do their codes.
template <u32 Most>
class prefix_code {
 public:
  // Makes the code of which symbol `i` has `lengths[i]` bits, or none. Shape: false when there is no such code. One
  // that leaves codes out is taken only with a single symbol or none, as RFC 1951 has it for distances.
  [[nodiscard]] constexpr bool build(const u8* lengths, u32 count) noexcept {
    for (u32& number : counts_) number = 0;
    for (u32 i = 0; i < count; ++i) ++counts_[lengths[i]];
    const u32 symbols = count - counts_[0];
    s32 free_codes = 1;
    for (u32 length = 1; length <= longest; ++length) {
      free_codes = free_codes * 2 - static_cast<s32>(counts_[length]);
      if (free_codes < 0) return false;
    }
    if (free_codes != 0 && symbols > 1) return false;
    u32 next[longest + 1] = {};
    for (u32 length = 1; length < longest; ++length) next[length + 1] = next[length] + counts_[length];
    for (u32 i = 0; i < count; ++i)
      if (lengths[i] != 0) symbols_[next[lengths[i]]++] = static_cast<u16>(i);
    return true;
  }
  // The next symbol, or `none` for bits that are no code.
  [[nodiscard]] constexpr u32 decode(bit_reader& in) const noexcept {
    u32 code = 0, first_code = 0, first_symbol = 0;
    for (u32 length = 1; length <= longest; ++length) {
      code |= in.take(1);
      if (code - first_code < counts_[length]) return symbols_[first_symbol + code - first_code];
      first_symbol += counts_[length];
      first_code = (first_code + counts_[length]) * 2;
      code *= 2;
    }
    return none;
  }
  static constexpr u32 none = 0xffffffff;

 private:
  static constexpr u32 longest = 15;  // bits
  u32 counts_[longest + 1] = {};      // how many symbols have so many
  u16 symbols_[Most] = {};
};

// Unpacks the blocks of RFC 1951 into as much room as there is.
class inflater {
 public:
  constexpr inflater(bit_reader& in, u8* out, size_t room) noexcept : in_(in), out_(out), room_(room) {}

  // Shape: false for damaged bytes, and for more than there is room for.
  [[nodiscard]] constexpr bool run() noexcept {
    for (bool is_last = false; !is_last;) {
      is_last = in_.take(1) != 0;
      const u32 form = in_.take(2);
      const bool is_good = form == 0   ? copy_stored()
                           : form == 1 ? make_fixed_codes() && decode()
                                       : form == 2 && read_codes() && decode();
      if (!is_good || in_.is_past_end()) return false;
    }
    return true;
  }
  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }

 private:
  static constexpr u32 most_literals = 288, most_distances = 32, end_of_block = 256;

  constexpr bool put(u8 byte) noexcept {
    if (size_ == room_) return false;
    out_[size_++] = byte;
    return true;
  }
  constexpr bool copy_stored() noexcept {
    in_.align();
    const u32 size = in_.take(16);
    if (size != (in_.take(16) ^ 0xffff)) return false;
    for (u32 i = 0; i < size; ++i)
      if (in_.is_past_end() || !put(static_cast<u8>(in_.take(8)))) return false;
    return true;
  }
  constexpr bool make_fixed_codes() noexcept {
    u8 lengths[most_literals] = {};
    for (u32 i = 0; i < most_literals; ++i)
      lengths[i] = static_cast<u8>(i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8);
    u8 distances[most_distances] = {};
    for (u8& length : distances) length = 5;
    return literals_.build(lengths, most_literals) && distances_.build(distances, most_distances);
  }
  // The codes of a block stand in front of it, packed by a code of their own.
  constexpr bool read_codes() noexcept {
    constexpr u8 order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    const u32 literals = in_.take(5) + 257, distances = in_.take(5) + 1, packed = in_.take(4) + 4;
    if (literals > 286 || distances > 30) return false;
    u8 lengths[most_literals + most_distances] = {};
    for (u32 i = 0; i < packed; ++i) lengths[order[i]] = static_cast<u8>(in_.take(3));
    prefix_code<19> lengths_code;
    if (!lengths_code.build(lengths, 19)) return false;
    for (u8& length : lengths) length = 0;
    for (u32 i = 0; i < literals + distances;) {
      const u32 symbol = lengths_code.decode(in_);
      if (symbol == prefix_code<19>::none || in_.is_past_end()) return false;
      if (symbol < 16) {
        lengths[i++] = static_cast<u8>(symbol);
        continue;
      }
      if (symbol == 16 && i == 0) return false;
      const u8 again = symbol == 16 ? lengths[i - 1] : u8{0};
      u32 times = symbol == 16 ? 3 + in_.take(2) : symbol == 17 ? 3 + in_.take(3) : 11 + in_.take(7);
      if (times > literals + distances - i) return false;
      for (; times != 0; --times) lengths[i++] = again;
    }
    return lengths[end_of_block] != 0 && literals_.build(lengths, literals) &&
           distances_.build(lengths + literals, distances);
  }
  // Bytes, and copies of what came so far before.
  constexpr bool decode() noexcept {
    constexpr u16 length_starts[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                     31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    constexpr u8 length_bits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    constexpr u16 distance_starts[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                       33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                       1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    while (!in_.is_past_end()) {
      const u32 symbol = literals_.decode(in_);
      if (symbol == end_of_block) return true;
      if (symbol < end_of_block) {
        if (!put(static_cast<u8>(symbol))) return false;
        continue;
      }
      const u32 row = symbol - end_of_block - 1;
      if (symbol == prefix_code<most_literals>::none || row >= sizeof length_bits) return false;
      const u32 length = length_starts[row] + in_.take(length_bits[row]);
      const u32 far = distances_.decode(in_);
      if (far >= sizeof distance_starts / sizeof distance_starts[0]) return false;
      const size_t distance = distance_starts[far] + in_.take(far < 2 ? 0 : far / 2 - 1);
      if (distance > size_) return false;
      for (u32 i = 0; i < length; ++i)
        if (!put(out_[size_ - distance])) return false;
    }
    return false;
  }

  bit_reader& in_;
  u8* out_;
  size_t room_;
  size_t size_ = 0;
  prefix_code<most_literals> literals_;
  prefix_code<most_distances> distances_;
};

}  // namespace detail

/// The checksum with which gzip ends.
/// Source: RFC 1952, chapter 8.
[[nodiscard]] constexpr u32 crc32(const u8* from, size_t size) noexcept {
  u32 out = 0xffffffff;
  for (size_t i = 0; i < size; ++i) {
    out ^= from[i];
    for (int bit = 0; bit < 8; ++bit) out = out >> 1 ^ (0xedb88320 & (0 - (out & 1)));
  }
  return ~out;
}

/// How many bytes a file of gzip with one member unpacks to, as it says itself; 0 when it is none, or when it says more
/// than so many bytes can hold.
[[nodiscard]] constexpr size_t unpacked_size(const u8* from, size_t size) noexcept {
  constexpr size_t head = 10, tail = 8, best_ratio = 1032;
  if (size < head + tail || from[0] != 0x1f || from[1] != 0x8b || from[2] != 8) return 0;
  size_t out = 0;
  for (size_t i = 0; i < 4; ++i) out |= size_t{from[size - 4 + i]} << (i * 8);
  return out > u64{size} * best_ratio ? 0 : out;
}

/// Unpacks a file of gzip with one member to `out`, which has room for `unpacked_size` bytes.
/// Shape:  false when it is damaged or has another size or checksum than it says; what is in `out` is then of no use.
/// Cost:   no allocation, 4 KB of stack; 2 ms for the 100 KB of a kernel's configuration.
/// Source: RFC 1951, RFC 1952.
[[nodiscard]] constexpr bool unpack(const u8* from, size_t size, u8* out) noexcept {
  const size_t room = unpacked_size(from, size);
  if (room == 0) return false;
  constexpr u8 has_head_checksum = 2, has_more = 4, strings[] = {8, 16};  // a name and a comment
  const u8 flags = from[3];
  const size_t end = size - 8;
  size_t at = 10;
  if ((flags & has_more) != 0) {
    if (end - at < 2) return false;
    const size_t more = from[at] + size_t{from[at + 1]} * 256;
    if (more > end - at - 2) return false;
    at += 2 + more;
  }
  for (const u8 flag : strings) {
    if ((flags & flag) == 0) continue;
    while (at < end && from[at] != 0) ++at;
    if (at++ >= end) return false;
  }
  if ((flags & has_head_checksum) != 0) at += 2;
  if (at >= end) return false;
  detail::bit_reader in(from + at, end - at);
  detail::inflater blocks(in, out, room);
  if (!blocks.run() || blocks.size() != room) return false;
  u32 wanted = 0;
  for (size_t i = 0; i < 4; ++i) wanted |= u32{from[end + i]} << (i * 8);
  return crc32(out, room) == wanted;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_INFLATE_HPP
