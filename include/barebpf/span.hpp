// SPDX-License-Identifier: MIT
// Room 0.10, span: elements that somebody else owns, as a pointer and a count. <span> of the standard library would cost
// whoever includes a map more lines than all rooms up to the map together.
#ifndef BAREBPF_SPAN_HPP
#define BAREBPF_SPAN_HPP

#include "word.hpp"

#include <type_traits>  // is_convertible
#include <utility>      // declval

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// True when `Other`, a container or a view, has elements that may be seen as `T`, and keeps them for long enough: what
// is const, what has a name, or what says of itself that it is a view.
template <class Other, class T>
concept elements_for = requires(Other& other) {
  requires std::is_convertible_v < std::remove_pointer_t<decltype(other.data())>(*)
  [], T(*)[] > ;
  requires std::is_convertible_v<decltype(other.size()), size_t>;
}
&&(std::is_const_v<T> || std::is_lvalue_reference_v<Other> ||
   requires { typename std::remove_cvref_t<Other>::element_type; });

}  // namespace detail

/// A view of elements in a row. Goes to and from std::span by itself.
/// Shape:    pointer and count; like std::span of a count that the running program knows.
/// Lifetime: valid as long as the elements.
template <class T>
class span {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr span() noexcept = default;
  constexpr span(T* first, size_t count) noexcept : data_(first), size_(count) {}
  template <size_t Count>
  constexpr span(T (&row)[Count]) noexcept : data_(row), size_(Count) {}
  /// Takes whatever has `data()` and `size()`: std::span, std::vector, std::array, std::string.
  template <class Other>
  requires(!std::is_same_v<std::remove_cvref_t<Other>, span> &&
           detail::elements_for<Other, T>) constexpr span(Other&& other) noexcept
      : data_(other.data()), size_(other.size()) {}

  [[nodiscard]] constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] constexpr size_t size() const noexcept { return size_; }
  [[nodiscard]] constexpr size_t size_bytes() const noexcept { return size_ * sizeof(T); }
  [[nodiscard]] constexpr bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] constexpr T* begin() const noexcept { return data_; }
  [[nodiscard]] constexpr T* end() const noexcept { return data_ + size_; }
  [[nodiscard]] constexpr T& operator[](size_t at) const noexcept { return data_[at]; }
  [[nodiscard]] constexpr T& front() const noexcept { return data_[0]; }
  [[nodiscard]] constexpr T& back() const noexcept { return data_[size_ - 1]; }
  /// The first or last `count` elements, and those from `offset` on; there have to be as many.
  [[nodiscard]] constexpr span first(size_t count) const noexcept { return {data_, count}; }
  [[nodiscard]] constexpr span last(size_t count) const noexcept { return {data_ + (size_ - count), count}; }
  [[nodiscard]] constexpr span subspan(size_t offset) const noexcept {
    return {data_ + offset, size_ - offset};
  }
  [[nodiscard]] constexpr span subspan(size_t offset, size_t count) const noexcept {
    return {data_ + offset, count};
  }

  // std::span takes ranges of constant elements and those that have a name; this is for the others.
  template <class Standard>
  requires(!std::is_const_v<typename Standard::element_type> &&
           std::is_same_v<typename Standard::element_type, T> &&
           std::is_constructible_v<Standard, T*, size_t>) constexpr
  operator Standard() && noexcept {
    return Standard(data_, size_);
  }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};
template <class T, size_t Count>
span(T (&)[Count]) -> span<T>;
template <class Other>
span(Other&& other) -> span<std::remove_pointer_t<decltype(other.data())>>;

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPAN_HPP
