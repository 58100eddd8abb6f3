// SPDX-License-Identifier: MIT
// Room 0.8, reader: takes words and numbers from the front of a text.
#ifndef BAREBPF_READER_HPP
#define BAREBPF_READER_HPP

#include "name.hpp"

namespace barebpf::inline BAREBPF_ABI::detail {

class text_reader {
 public:
  constexpr explicit text_reader(text whole) noexcept : rest_(whole) {}

  [[nodiscard]] constexpr text rest() const noexcept { return rest_; }
  [[nodiscard]] constexpr bool is_done() const noexcept { return rest_.empty(); }
  [[nodiscard]] constexpr bool is_next(text wanted) const noexcept { return rest_.starts_with(wanted); }
  [[nodiscard]] constexpr bool take(text wanted) noexcept {
    if (!is_next(wanted)) return false;
    rest_ = rest_.without_first(wanted.size());
    return true;
  }
  // Takes it if it is next.
  constexpr void skip(text wanted) noexcept { static_cast<void>(take(wanted)); }
  // A number of at most `digits` digits, without needless zeros in front where it is decimal: others read those as
  // octal.
  template <class Number>
  [[nodiscard]] constexpr bool take_number(u32 base, u32 digits, Number& out) noexcept {
    out = 0;
    u32 count = 0;
    for (u32 digit = 0; count < digits && !rest_.empty() && (digit = digit_of(rest_[0])) < base; ++count) {
      if (base == 10 && count == 1 && out == 0) return false;
      out = out * base + digit;
      rest_ = rest_.without_first(1);
    }
    return count != 0 && (rest_.empty() || digit_of(rest_[0]) >= base);
  }
  // Everything in front of the next `end`, which is taken too; all that is left where there is none.
  [[nodiscard]] constexpr text take_until(char end) noexcept {
    size_t size = 0;
    while (size < rest_.size() && rest_[size] != end) ++size;
    const text out(rest_.data(), size);
    rest_ = rest_.without_first(size + 1);
    return out;
  }

 private:
  [[nodiscard]] static constexpr u32 digit_of(char c) noexcept {
    if (c >= '0' && c <= '9') return static_cast<u32>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<u32>(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return static_cast<u32>(c - 'A' + 10);
    return 99;
  }
  text rest_;
};

// The number that `from` begins with: 0 where there is none, and no more digits than fit.
[[nodiscard]] constexpr long leading_number(text from) noexcept {
  constexpr long most = (static_cast<long>(~0ul >> 1) - 9) / 10;
  long out = 0;
  for (const char c : from) {
    if (c < '0' || c > '9' || out > most) break;
    out = out * 10 + (c - '0');
  }
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI::detail

#endif  // BAREBPF_READER_HPP
