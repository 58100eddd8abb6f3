// SPDX-License-Identifier: MIT
// Room 6.1, fd: file descriptors and who closes them.
#ifndef BAREBPF_FD_HPP
#define BAREBPF_FD_HPP

#include "syscall.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Stands for the current folder where a path may be relative to another. AT_FDCWD.
inline constexpr long current_folder = -100;

/// Opens the file at `path`, seen from `folder`, for reading; no child inherits it.
/// Shape: its descriptor, or negative errno.
[[nodiscard, gnu::always_inline]] inline long open_to_read(const char* path,
                                                           long folder = current_folder) noexcept {
  constexpr long read_only_close_on_exec = 02000000;  // O_RDONLY | O_CLOEXEC
  return system_call(__NR_openat, folder, path, read_only_close_on_exec);
}

/// Another descriptor of what `number` is open to, never 0, 1 or 2.
/// Shape: the descriptor, or negative errno.
[[nodiscard, gnu::always_inline]] inline long duplicate(long number) noexcept {
  constexpr long f_dupfd_cloexec = 1030;  // F_DUPFD_CLOEXEC, the same on every machine
  return system_call(__NR_fcntl, number, f_dupfd_cloexec, 3);
}

/// Moves a descriptor that a system call has just opened away from 0, 1 and 2: a program that closed those
/// would otherwise print into a map.
/// Shape:  the descriptor to use, or negative errno; what is negative already stays as it is.
/// Cost:   none, unless it has to move: then two system calls.
[[nodiscard, gnu::noinline]] inline long move_away(long opened) noexcept {
  if (opened > 2 || opened < 0) [[likely]]
    return opened;
  const long moved = duplicate(opened);
  system_call(__NR_close, opened);
  return moved;
}

/// A file descriptor that is owned.
/// Lifetime: closed with the object; moving empties the source. There is no copy, because closing twice
///           closes somebody else's file.
class fd {
 public:
  fd() noexcept = default;
  /// Takes over what a system call opened; a negative errno stays one and is never closed.
  [[nodiscard]] static fd own(long number) noexcept { return fd(static_cast<int>(number)); }

  fd(fd&& other) noexcept : number_(other.release()) {}
  fd& operator=(fd&& other) noexcept {
    fd taken(std::move(other));
    std::swap(number_, taken.number_);
    return *this;
  }
  [[gnu::always_inline]] ~fd() {
    if (number_ >= 0) system_call(__NR_close, number_);
  }

  /// The number; negative when there is none.
  [[nodiscard]] int number() const noexcept { return number_; }
  /// The number as bpf(2) takes it.
  [[nodiscard]] u32 raw() const noexcept { return static_cast<u32>(number_); }
  [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }
  /// Takes over `number`, which was just opened; this object must be empty.
  void fill(long number) noexcept { number_ = static_cast<int>(number); }
  /// Hands the number over: whoever takes it closes it.
  [[nodiscard]] int release() noexcept { return std::exchange(number_, -1); }

 private:
  explicit fd(int number) noexcept : number_(number) {}
  int number_ = -1;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FD_HPP
