// SPDX-License-Identifier: MIT
// Room 0.6, result: what went wrong as one plain value, and a value that may be that instead. Nothing is
// thrown, printed or allocated here; room 2.2 makes the sentence.
#ifndef BAREBPF_RESULT_HPP
#define BAREBPF_RESULT_HPP

#include "cause.hpp"
#include "name.hpp"
#include "step.hpp"

#include <cerrno>   // ENOENT and its siblings
#include <new>      // placement new
#include <utility>  // move, forward, exchange, swap, in_place_t

namespace barebpf::inline BAREBPF_ABI {

/// Kernel-only error number that leaks out of bpf(2): "operation not supported". Not libc's ENOTSUP.
/// Source: include/linux/errno.h at v6.12.
inline constexpr int ENOTSUPP_kernel = 524;

/// What went wrong, where, and on what.
/// Shape:    64 bytes, trivially copyable; owns nothing, so it may outlive what failed.
struct [[nodiscard]] error {
  static constexpr size_t name_size = 48;  ///< bytes, with the zero at the end

  step at = step::map_create;  ///< what was tried
  cause why = cause::none;     ///< what the library knows about the reason
  s32 code = 0;                ///< errno, 0 when no system call failed
  u64 offset = 0;              ///< bytes from the start of the file, when it came from a file
  char name[name_size] = {};   ///< the map, program, section or file it is about; cut if longer

  /// The same error, about `what`; or about `what` in the section `where`, as ".maps:hits".
  [[nodiscard]] constexpr error about(text what, text where = {}) const noexcept {
    error out = *this;
    size_t used = 0;
    const auto append = [&](text more) {
      for (const char c : more)
        if (used + 1 < sizeof name) out.name[used++] = c;
    };
    append(where);
    if (!where.empty() && !what.empty()) append(":");
    append(what);
    while (used < sizeof name) out.name[used++] = '\0';
    return out;
  }
  /// The same error about `what`, with what may have been meant, as "mallok (malloc?)"; `meant` is empty for nothing.
  [[nodiscard]] constexpr error about_like(text what, text meant) const noexcept {
    error out = about(what);
    if (meant.empty()) return out;
    size_t used = what.size() < sizeof name - 1 ? what.size() : sizeof name - 1;
    for (const text part : {text(" ("), meant, text("?)")})
      for (const char c : part)
        if (used + 1 < sizeof name) out.name[used++] = c;
    return out;
  }
};
static_assert(sizeof(error) == 64);

namespace detail {

// What a result holds. Plain for plain values, so that such a result is itself trivially copyable.
template <class T, bool Plain = std::is_trivially_copyable_v<T>>
struct result_storage {
  union {
    T value;
    error failure;
  };
  bool has_value;

  template <class... Arguments>
  constexpr explicit result_storage(std::in_place_t, Arguments&&... arguments) noexcept
      : value(std::forward<Arguments>(arguments)...), has_value(true) {}
  constexpr explicit result_storage(const error& why) noexcept : failure(why), has_value(false) {}
};

template <class T>
struct result_storage<T, false> {
  union {
    T value;
    error failure;
  };
  bool has_value;

  template <class... Arguments>
  explicit result_storage(std::in_place_t, Arguments&&... arguments) noexcept
      : value(std::forward<Arguments>(arguments)...), has_value(true) {}
  explicit result_storage(const error& why) noexcept : failure(why), has_value(false) {}
  result_storage(result_storage&& other) noexcept : has_value(other.has_value) {
    if (has_value)
      ::new (static_cast<void*>(&value)) T(std::move(other.value));
    else
      ::new (static_cast<void*>(&failure)) error(other.failure);
  }
  ~result_storage() {
    if (has_value) value.~T();
  }
};

}  // namespace detail

/// A value, or the error that stands in its place. The interface is std::expected's.
/// Errors: asking a failed result for its value, or a good one for its error, traps.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;
  using error_type = barebpf::error;

  template <class U = T>
  requires std::is_constructible_v<T, U&&>
  constexpr result(U&& value) noexcept : held_(std::in_place, std::forward<U>(value)) {}
  template <class... Arguments>
  constexpr explicit result(std::in_place_t, Arguments&&... arguments) noexcept
      : held_(std::in_place, std::forward<Arguments>(arguments)...) {}
  constexpr result(const error_type& why) noexcept : held_(why) {}

  /// Gives the value up, which must be there, for the error that `make` returns.
  template <class Function>
  void fail_with(Function&& make) noexcept {
    held_.value.~T();
    ::new (static_cast<void*>(&held_.failure)) error_type(make());
    held_.has_value = false;
  }

  [[nodiscard]] constexpr bool has_value() const noexcept { return held_.has_value; }
  constexpr explicit operator bool() const noexcept { return held_.has_value; }

  [[nodiscard]] constexpr T& value() & noexcept { return demand_value(), held_.value; }
  [[nodiscard]] constexpr const T& value() const& noexcept { return demand_value(), held_.value; }
  [[nodiscard]] constexpr T&& value() && noexcept { return std::move(value()); }
  [[nodiscard]] constexpr T& operator*() & noexcept { return value(); }
  [[nodiscard]] constexpr const T& operator*() const& noexcept { return value(); }
  [[nodiscard]] constexpr T&& operator*() && noexcept { return std::move(value()); }
  [[nodiscard]] constexpr T* operator->() noexcept { return &value(); }
  [[nodiscard]] constexpr const T* operator->() const noexcept { return &value(); }
  [[nodiscard]] constexpr const error_type& error() const noexcept {
    if (held_.has_value) __builtin_trap();
    return held_.failure;
  }

  template <class U>
  [[nodiscard]] constexpr T value_or(U&& otherwise) const& noexcept {
    return held_.has_value ? held_.value : static_cast<T>(std::forward<U>(otherwise));
  }
  template <class U>
  [[nodiscard]] constexpr T value_or(U&& otherwise) && noexcept {
    return held_.has_value ? std::move(held_.value) : static_cast<T>(std::forward<U>(otherwise));
  }
  /// `next(value)`, which gives a result itself, or the error as it is.
  template <class Function>
  [[nodiscard]] constexpr auto and_then(Function&& next) && noexcept -> decltype(next(std::declval<T&&>())) {
    if (!held_.has_value) return held_.failure;
    return next(std::move(held_.value));
  }
  /// A result of what `change` makes of the value, or the error as it is.
  template <class Function>
  [[nodiscard]] constexpr auto transform(Function&& change) && noexcept
      -> result<decltype(change(std::declval<T&&>()))> {
    if (!held_.has_value) return held_.failure;
    return change(std::move(held_.value));
  }

 private:
  constexpr void demand_value() const noexcept {
    if (!held_.has_value) __builtin_trap();
  }
  detail::result_storage<T> held_;
};

/// Done, or the error that says why not.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;
  using error_type = barebpf::error;

  constexpr result() noexcept = default;
  constexpr result(const error_type& why) noexcept : error_(why), has_value_(false) {}

  [[nodiscard]] constexpr bool has_value() const noexcept { return has_value_; }
  constexpr explicit operator bool() const noexcept { return has_value_; }
  constexpr void value() const noexcept {
    if (!has_value_) __builtin_trap();
  }
  [[nodiscard]] constexpr const error_type& error() const noexcept {
    if (has_value_) __builtin_trap();
    return error_;
  }
  template <class Function>
  [[nodiscard]] constexpr auto and_then(Function&& next) const noexcept -> decltype(next()) {
    if (!has_value_) return error_;
    return next();
  }

 private:
  error_type error_{};
  bool has_value_ = true;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_RESULT_HPP
