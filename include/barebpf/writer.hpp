// SPDX-License-Identifier: MIT
// Room 0.12, writer: puts words and numbers into a buffer, as much as there is room for.
#ifndef BAREBPF_WRITER_HPP
#define BAREBPF_WRITER_HPP

#include "name.hpp"

namespace barebpf::inline BAREBPF_ABI::detail {

// Writes text into a buffer, leaving off what does not fit.
class text_writer {
 public:
  constexpr text_writer(char* buffer, size_t size) noexcept : buffer_(buffer), room_(size) {}

  constexpr text_writer& operator<<(text more) noexcept {
    for (const char c : more)
      if (used_ + 1 < room_) buffer_[used_++] = c;
    return *this;
  }
  constexpr text_writer& operator<<(u64 number) noexcept {
    char digits[20] = {};
    size_t first = sizeof digits;
    do {
      digits[--first] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return *this << text(digits + first, sizeof digits - first);
  }
  constexpr text finish() noexcept {
    if (room_ == 0) return {};
    buffer_[used_] = '\0';
    return {buffer_, used_};
  }

 private:
  char* buffer_;
  size_t room_;
  size_t used_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI::detail

#endif  // BAREBPF_WRITER_HPP
