// SPDX-License-Identifier: MIT
// Room 0.4, bytes: a window on a file that nobody vouches for. The compiler and the running program read
// through the same window; it never reads outside, and never touches the file.
#ifndef BAREBPF_BYTES_HPP
#define BAREBPF_BYTES_HPP

#include "name.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A read-only window on the image of a file.
/// Shape:    plain bytes, or the same bytes packed into 64-bit words, eight to a word, the first one
///           lowest. Words cost the compiler a tenth of what single bytes cost.
/// Errors:   none. A read outside the window gives zero; who must know asks `holds` first.
/// Lifetime: valid as long as the storage it was made from.
class bytes {
 public:
  constexpr bytes() noexcept = default;
  constexpr bytes(const unsigned char* first, size_t size) noexcept : plain_(first), size_(size) {}
  constexpr bytes(const u64* words, size_t words_count) noexcept
      : words_(words), packed_(true), is_direct_(true), size_(words_count * 8) {}

  [[nodiscard]] constexpr u64 size() const noexcept { return size_; }

  /// True when `count` bytes from `at` on lie inside.
  [[nodiscard]] constexpr bool holds(u64 at, u64 count) const noexcept {
    return at <= size_ && count <= size_ - at;  // no sum, so nothing can wrap around
  }

  /// From here on, numbers are read with the highest byte first.
  constexpr void read_big_endian() noexcept {
    big_endian_ = true;
    is_direct_ = false;
  }
  /// True when numbers are read in another order than this machine's.
  [[nodiscard]] constexpr bool is_foreign() const noexcept { return big_endian_ != host_is_big_endian; }
  [[nodiscard]] constexpr bool reads_big_endian() const noexcept { return big_endian_; }

  // Where the window is made of words and nothing has to be swapped, each of these is one step on its own, because the
  // compiler pays most for calls. All else goes through `fetch`.
  [[nodiscard]] constexpr u8 read8(u64 at) const noexcept {
    if (packed_ && at < size_) return static_cast<u8>(words_[at / 8] >> at % 8 * 8);
    return static_cast<u8>(fetch(at, 1));
  }
  [[nodiscard]] constexpr u16 read16(u64 at) const noexcept {
    if (is_direct_ && at % 8 <= 6 && at < size_) return static_cast<u16>(words_[at / 8] >> at % 8 * 8);
    const auto value = static_cast<u16>(fetch(at, 2));
    return big_endian_ ? __builtin_bswap16(value) : value;
  }
  [[nodiscard]] constexpr u32 read32(u64 at) const noexcept {
    if (is_direct_ && at % 8 <= 4 && at < size_) return static_cast<u32>(words_[at / 8] >> at % 8 * 8);
    const auto value = static_cast<u32>(fetch(at, 4));
    return big_endian_ ? __builtin_bswap32(value) : value;
  }
  [[nodiscard]] constexpr u64 read64(u64 at) const noexcept {
    if (is_direct_ && at % 8 == 0 && at < size_) return words_[at / 8];
    const u64 value = fetch(at, 8);
    return big_endian_ ? __builtin_bswap64(value) : value;
  }

  /// Four numbers of 32 bits, one behind the other.
  struct four32 {
    u32 first, second, third, fourth;
  };
  [[nodiscard]] constexpr four32 read_four32(u64 at) const noexcept {
    if (!is_direct_ || at % 4 != 0 || at >= size_ || size_ - at < 16)
      return {read32(at), read32(at + 4), read32(at + 8), read32(at + 12)};
    const u64* const from = words_ + at / 8;
    const u64 middle = from[1];
    if (at % 8 == 0)
      return {static_cast<u32>(from[0]), static_cast<u32>(from[0] >> 32), static_cast<u32>(middle),
              static_cast<u32>(middle >> 32)};
    return {static_cast<u32>(from[0] >> 32), static_cast<u32>(middle), static_cast<u32>(middle >> 32),
            static_cast<u32>(from[2])};
  }
  /// True when the numbers of 64 bits from `at` on up to `end` stand in memory as they are to be read; then `words_at` is
  /// where, for who reads many of them.
  [[nodiscard]] constexpr bool has_words(u64 at, u64 end) const noexcept {
    return is_direct_ && at % 8 == 0 && end % 8 == 0 && at <= end && end <= size_;
  }
  [[nodiscard]] constexpr const u64* words_at(u64 at) const noexcept {
    return is_direct_ ? words_ + at / 8 : nullptr;
  }
  /// Where, from `at` on, in front of `end` and in steps of eight, the first number of 64 bits stands that is `wanted` under
  /// `mask`; `end` when none does.
  [[nodiscard]] constexpr u64 find64(u64 at, u64 end, u64 mask, u64 wanted) const noexcept {
    if (has_words(at, end)) {
      const u64* next = words_at(at);
      while (at < end && (*next++ & mask) != wanted) at += 8;
    } else {
      while (at < end && (read64(at) & mask) != wanted) at += 8;
    }
    return at < end ? at : end;
  }

  /// Length of the NUL-terminated string at `at`; it ends at the window's end at the latest.
  [[nodiscard]] constexpr size_t length_of_string(u64 at) const noexcept {
    // Eight bytes at a time, because the compiler pays for each step. A subtraction that borrows into a byte's
    // top bit found its zero; the lowest such bit is never wrong.
    const u64 most = at < size_ ? size_ - at : 0;
    for (size_t length = 0;; length += 8) {
      if (most - length < 8) {
        while (length < most && read8(at + length) != 0) ++length;
        return length;
      }
      const u64 eight = fetch(at + length, 8);
      const u64 zeros = (eight - first_bits) & ~eight & top_bits;
      if (zeros != 0) return length + static_cast<size_t>(__builtin_ctzll(zeros)) / 8;
    }
  }
  /// True when the NUL-terminated string at `at` is `wanted`.
  [[nodiscard]] constexpr bool string_is(u64 at, text wanted) const noexcept {
    return string_starts_with(at, wanted) && read8(at + wanted.size()) == 0;
  }
  /// True when the NUL-terminated string at `at` begins with `wanted`.
  [[nodiscard]] constexpr bool string_starts_with(u64 at, text wanted) const noexcept {
    const size_t size = wanted.size();
    if (at > size_ || size > size_ - at) return false;
    const char* const letters = wanted.data();
    u64 eight = 0;  // at a time, see above
    for (size_t i = 0; i < size; ++i, eight >>= 8) {
      if (i % 8 == 0) eight = fetch(at + i, size - i < 8 ? static_cast<unsigned>(size - i) : 8);
      if (static_cast<u8>(eight) != static_cast<u8>(letters[i])) return false;
    }
    return true;
  }
  /// True when the NUL-terminated strings at `a` and `b` are the same.
  [[nodiscard]] constexpr bool same_string(u64 a, u64 b) const noexcept {
    for (;; a += 8, b += 8) {  // eight at a time, see above
      if (!holds(a, 8) || !holds(b, 8)) {
        while (read8(a) == read8(b) && read8(a) != 0) ++a, ++b;
        return read8(a) == read8(b);
      }
      const u64 eight = fetch(a, 8), others = fetch(b, 8);
      const u64 zeros = (eight - first_bits) & ~eight & top_bits;
      // What lies behind the first zero is another string.
      if (zeros != 0) return ((eight ^ others) & (zeros ^ (zeros - 1))) == 0;
      if (eight != others) return false;
    }
  }
  /// Copies `count` bytes from `at` on to `out`.
  constexpr void copy(u64 at, u64 count, u8* out) const noexcept {
    u64 done = 0;
    for (; done + 8 <= count; done += 8) {  // eight at a time, see above
      const u64 eight = fetch(at + done, 8);
      for (unsigned i = 0; i < 8; ++i) out[done + i] = static_cast<u8>(eight >> (i * 8));
    }
    for (; done < count; ++done) out[done] = read8(at + done);
  }
  /// The eight bytes from `at` on as a word that has them in this order in memory; zeros stand for those from
  /// `end` on.
  [[nodiscard]] constexpr u64 word_in_memory(u64 at, u64 end) const noexcept {
    const u64 left = end - at;
    if (packed_ && at % 8 == 0 && left >= 8 && at < size_)
      return host_is_big_endian ? __builtin_bswap64(words_[at / 8]) : words_[at / 8];
    const u64 value = left >= 8 ? fetch(at, 8) : fetch(at, static_cast<unsigned>(left));
    return host_is_big_endian ? __builtin_bswap64(value) : value;
  }
  /// Copies at most `room - 1` characters of the string at `at` to `out` and a NUL behind them.
  /// Shape: returns how many characters were copied, without the NUL.
  constexpr size_t copy_string(u64 at, char* out, size_t room) const noexcept {
    size_t length = 0;
    for (; length + 1 < room && holds(at + length, 1); ++length) {
      const u8 character = read8(at + length);
      if (character == 0) break;
      out[length] = static_cast<char>(character);
    }
    if (room != 0) out[length] = '\0';
    return length;
  }

 private:
  // `count` bytes from `at` on as a number whose lowest byte comes first. No template, because clang 14 does
  // not instantiate one while it evaluates.
  [[nodiscard]] constexpr u64 fetch(u64 at, unsigned count) const noexcept {
    // Nothing is called here, because the compiler pays most for calls: see `holds`.
    if (count == 0 || at > size_ || count > size_ - at) return 0;
    if (!packed_) {
      u64 value = 0;
      if (!__builtin_is_constant_evaluated() && !host_is_big_endian) {
        __builtin_memcpy(&value, plain_ + at, count);  // one load, nine times as fast over the kernel's types
        return value;
      }
      for (unsigned i = 0; i < count; ++i) value |= u64{plain_[at + i]} << (i * 8);
      return value;
    }
    const auto bit = static_cast<unsigned>(at % 8 * 8);
    const u64 value = words_[at / 8] >> bit;
    if (bit <= 64 - count * 8) return value & ~u64{0} >> (64 - count * 8);
    return (value | words_[at / 8 + 1] << (64 - bit)) & ~u64{0} >> (64 - count * 8);
  }

  // The lowest and the highest bit of each byte.
  static constexpr u64 first_bits = 0x0101010101010101, top_bits = first_bits << 7;

  const unsigned char* plain_ = nullptr;
  const u64* words_ = nullptr;
  bool packed_ = false;     // asked instead of words_, which g++ will not compare under -fsanitize=undefined
  bool is_direct_ = false;  // packed, and numbers have their lowest byte first
  u64 size_ = 0;
  bool big_endian_ = false;
};

/// `Count` bytes packed into words, for arrays that come as single bytes (what `xxd -i` writes).
template <size_t Count>
struct packed_words {
  u64 words[(Count + 7) / 8] = {};

  template <class Array>
  constexpr explicit packed_words(const Array& single) noexcept {
    for (size_t i = 0; i < Count; ++i) words[i / 8] |= u64{static_cast<u8>(single[i])} << (i % 8 * 8);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BYTES_HPP
