// SPDX-License-Identifier: MIT
// Room 0.2, name: text that is looked at (`text`) and text that is part of a type (`name`).
#ifndef BAREBPF_NAME_HPP
#define BAREBPF_NAME_HPP

#include "word.hpp"

#include <concepts>  // same_as

namespace barebpf::inline BAREBPF_ABI {

/// A view of characters that somebody else owns.
/// Shape:    pointer and length; not NUL-terminated.
/// Lifetime: valid as long as the characters it was made from.
class text {
 public:
  constexpr text() noexcept = default;
  constexpr text(const char* characters, size_t size) noexcept : data_(characters), size_(size) {}
  constexpr text(const char* characters) noexcept : data_(characters) {
    while (characters[size_] != '\0') ++size_;
  }
  /// Takes whatever has `data()` and `size()` over `char`: std::string, std::string_view.
  template <class String>
  requires requires(const String& s) {
    { s.data() } -> std::same_as<const char*>;
    s.size();
  }
  constexpr text(const String& s) noexcept : data_(s.data()), size_(s.size()) {}

  /// The characters in front of the first NUL among `room`.
  [[nodiscard]] static constexpr text until_nul(const char* characters, size_t room) noexcept {
    size_t size = 0;
    while (size < room && characters[size] != '\0') ++size;
    return {characters, size};
  }

  [[nodiscard]] constexpr const char* data() const noexcept { return data_; }
  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr const char* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr const char* end() const noexcept { return data_ + size_; }
  [[nodiscard]] constexpr char operator[](size_t at) const noexcept { return data_[at]; }

  [[nodiscard]] constexpr bool starts_with(text head) const noexcept {
    if (size_ < head.size_) return false;
    for (size_t i = 0; i < head.size_; ++i)
      if (data_[i] != head.data_[i]) return false;
    return true;
  }
  /// What is left behind the first `count` characters.
  [[nodiscard]] constexpr text without_first(size_t count) const noexcept {
    return count < size_ ? text(data_ + count, size_ - count) : text();
  }
  /// What is left behind the last `mark`; the whole where there is none.
  [[nodiscard]] constexpr text behind_last(char mark) const noexcept {
    size_t start = size_;
    while (start != 0 && data_[start - 1] != mark) --start;
    return without_first(start);
  }
  friend constexpr bool operator==(text a, text b) noexcept {
    if (a.size_ != b.size_) return false;
    for (size_t i = 0; i < a.size_; ++i)
      if (a.data_[i] != b.data_[i]) return false;
    return true;
  }

 private:
  const char* data_ = "";
  size_t size_ = 0;
};

/// Text that can be a template argument: `loaded.map<"hits", int, long>()`.
/// Shape: characters by value, and NULs up to the end.
template <size_t N>
struct name {
  char characters[N] = {};

  constexpr name() noexcept = default;
  template <size_t M>
  requires(M <= N) constexpr name(const char (&literal)[M]) noexcept {
    for (size_t i = 0; i < M; ++i) characters[i] = literal[i];
  }
  /// As much of `whole` as there is room for.
  [[nodiscard]] static constexpr name cut(text whole) noexcept {
    name out;
    for (size_t i = 0; i < whole.size() && i + 1 < N; ++i) out.characters[i] = whole[i];
    return out;
  }
  constexpr operator text() const noexcept { return text::until_nul(characters, N); }
};
template <size_t M>
name(const char (&)[M]) -> name<M>;

/// The longest name the kernel keeps for a map or a program, without its NUL.
/// Source: BPF_OBJ_NAME_LEN in include/uapi/linux/bpf.h at v6.12.
inline constexpr size_t longest_kernel_name = 15;

/// Room for a kernel name and its NUL.
struct kernel_name {
  char characters[longest_kernel_name + 1] = {};
  constexpr operator text() const noexcept { return text::until_nul(characters, sizeof characters); }
};

/// True for the characters that names of C and C++ are made of.
[[nodiscard]] constexpr bool is_name_character(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// True for the characters that bpf(2) takes in a name.
/// Source: bpf_obj_name_cpy() in kernel/bpf/syscall.c at v6.12; the dot since 5.2.
[[nodiscard]] constexpr bool is_kernel_name_character(char c) noexcept {
  return is_name_character(c) || c == '.';
}

/// True when the kernel takes `wanted` as it stands.
[[nodiscard]] constexpr bool is_kernel_name(text wanted) noexcept {
  if (wanted.size() > longest_kernel_name) return false;
  for (const char c : wanted)
    if (!is_kernel_name_character(c)) return false;
  return true;
}

/// The name under which the kernel keeps what an object file calls `wanted`: cut to 15 characters, and
/// every character that the kernel refuses replaced by an underscore.
[[nodiscard]] constexpr kernel_name to_kernel_name(text wanted) noexcept {
  kernel_name out;
  for (size_t i = 0; i < wanted.size() && i < longest_kernel_name; ++i)
    out.characters[i] = is_kernel_name_character(wanted[i]) ? wanted[i] : '_';
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_NAME_HPP
