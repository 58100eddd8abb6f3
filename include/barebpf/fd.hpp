// SPDX-License-Identifier: MIT
// Room 6.1, fd: file descriptors that are owned, or borrowed for a while.
#ifndef BAREBPF_FD_HPP
#define BAREBPF_FD_HPP

#include "syscall.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A file descriptor.
/// Lifetime: an owned one is closed with the object, a borrowed one is left alone; moving empties the
///           source, and copying is for borrowing only, because closing twice closes somebody else's file.
class fd {
 public:
  fd() noexcept = default;
  /// Takes `number` over: it is closed with this object.
  [[nodiscard]] static fd own(int number) noexcept { return fd(number, true); }
  /// Uses `number` as long as its owner keeps it open.
  [[nodiscard]] static fd borrow(int number) noexcept { return fd(number, false); }

  /// Owns what a system call opened, moved away from 0, 1 and 2: a program that closed those would
  /// otherwise print into a map.
  /// Errors: the call's own errno with step `at`; `move_descriptor` when the table is full.
  [[nodiscard]] static result<fd> opened(step at, long answer) noexcept {
    if (answer < 0) return failure(at, answer);
    if (answer > 2) [[likely]]
      return own(static_cast<int>(answer));
    const long moved = system_call(__NR_fcntl, answer, f_dupfd_cloexec, 3);
    system_call(__NR_close, answer);
    if (moved < 0) return failure(step::move_descriptor, moved);
    return own(static_cast<int>(moved));
  }

  fd(fd&& other) noexcept : number_(std::exchange(other.number_, -1)), owned_(other.owned_) {}
  fd& operator=(fd&& other) noexcept {
    std::swap(number_, other.number_);
    std::swap(owned_, other.owned_);
    return *this;
  }
  ~fd() {
    if (owned_ && number_ >= 0) system_call(__NR_close, number_);
  }

  /// The number, -1 when there is none.
  [[nodiscard]] int number() const noexcept { return number_; }
  /// The number as bpf(2) takes it.
  [[nodiscard]] u32 raw() const noexcept { return static_cast<u32>(number_); }
  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  /// Hands the number over: whoever takes it closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  static constexpr int f_dupfd_cloexec = 1030;  // F_DUPFD_CLOEXEC, the same on every machine

  fd(int number, bool owned) noexcept : number_(number), owned_(owned) {}
  int number_ = -1;
  bool owned_ = false;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FD_HPP
