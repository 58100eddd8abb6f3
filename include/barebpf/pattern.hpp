// SPDX-License-Identifier: MIT
// Room 0.11, pattern: whether a name fits a pattern, and which of many names is most like a wanted one.
#ifndef BAREBPF_PATTERN_HPP
#define BAREBPF_PATTERN_HPP

#include "name.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// True when `name` is what `pattern` describes: `*` stands for any characters, `?` for one, all others for themselves.
/// Cost: at most the product of the lengths.
[[nodiscard]] constexpr bool fits_pattern(text name, text pattern) noexcept {
  size_t at = 0, wanted = 0, star = pattern.size(), after_star = 0;
  while (at < name.size()) {
    const char next = wanted < pattern.size() ? pattern[wanted] : '\0';
    if (next == '*') {
      star = wanted++;
      after_star = at;
    } else if (wanted < pattern.size() && (next == '?' || next == name[at])) {
      ++at;
      ++wanted;
    } else if (star < pattern.size()) {  // let the last star stand for one more
      wanted = star + 1;
      at = ++after_star;
    } else {
      return false;
    }
  }
  while (wanted < pattern.size() && pattern[wanted] == '*') ++wanted;
  return wanted == pattern.size();
}
/// True when `name` describes several names.
[[nodiscard]] constexpr bool is_pattern(text name) noexcept {
  for (const char c : name)
    if (c == '*' || c == '?') return true;
  return false;
}

namespace detail {

// How many characters must be changed, added or taken away to make the one of the other; more than `largest` when it
// takes more than that. Names are cut at 63 characters.
[[nodiscard]] constexpr u32 changes_between(text a, text b, u32 largest) noexcept {
  constexpr size_t longest = 63;
  const size_t rows = a.size() < longest ? a.size() : longest,
               columns = b.size() < longest ? b.size() : longest;
  if (rows > columns + largest || columns > rows + largest) return largest + 1;
  u32 row[longest + 1] = {};
  for (size_t j = 0; j <= columns; ++j) row[j] = static_cast<u32>(j);
  for (size_t i = 1; i <= rows; ++i) {
    u32 diagonal = row[0], least = row[0] = static_cast<u32>(i);
    for (size_t j = 1; j <= columns; ++j) {
      const u32 change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      const u32 step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = change < step ? change : step;
      if (row[j] < least) least = row[j];
    }
    if (least > largest) return largest + 1;
  }
  return row[columns];
}

}  // namespace detail

/// Looks through names for the one that is most like a wanted one.
/// Shape: what `found` gives is empty when none is within a third of its characters.
class nearest_name {
 public:
  explicit constexpr nearest_name(text wanted) noexcept
      : wanted_(wanted), best_(static_cast<u32>(wanted.size() / 3 + 1)) {}

  /// Looks at one more name; of several that are as near, the first is kept.
  constexpr void see(text name) noexcept {
    const u32 changes = detail::changes_between(wanted_, name, best_ - 1);
    if (changes >= best_ || name.empty()) return;
    best_ = changes == 0 ? 1 : changes;
    size_ = name.size() < sizeof kept_ ? name.size() : sizeof kept_;
    for (size_t i = 0; i < size_; ++i) kept_[i] = name[i];
  }
  [[nodiscard]] constexpr text found() const noexcept { return {kept_, size_}; }

 private:
  text wanted_;
  u32 best_;
  size_t size_ = 0;
  char kept_[64] = {};
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PATTERN_HPP
