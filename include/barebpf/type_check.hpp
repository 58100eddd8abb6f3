// SPDX-License-Identifier: MIT
// Room 4.2, type_check: whether C++ types fit the keys and values that an object declares. The compiler asks
// for a static_object, the program for an object; the answer is the same.
#ifndef BAREBPF_TYPE_CHECK_HPP
#define BAREBPF_TYPE_CHECK_HPP

#include "spec.hpp"

#include <type_traits>  // is_integral_v, is_signed_v, underlying_type_t

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

template <class T, bool IsEnum = std::is_enum_v<T>>
struct number_behind {
  using type = T;
};
template <class T>
struct number_behind<T, true> {
  using type = std::underlying_type_t<T>;
};

// Whether a number of BTF has the sign of T. What is no number on either side has none to differ in, and
// plain char is signed or not as the machine likes.
template <class T>
constexpr bool same_sign(number_form form) noexcept {
  using number = typename number_behind<T>::type;
  if constexpr (!std::is_integral_v<number> || std::is_same_v<number, char>)
    return true;
  else
    return form == number_form::no_number || (form == number_form::signed_number) == std::is_signed_v<number>;
}

}  // namespace detail

/// What hinders `Key` and `Value` from being the key and value of `map`; `none` when nothing does.
template <class Key, class Value>
[[nodiscard]] constexpr cause compare_types(const map_spec& map) noexcept {
  if (sizeof(Key) != map.key_size) return cause::wrong_key_size;
  if (sizeof(Value) != map.value_size) return cause::wrong_value_size;
  if (!detail::same_sign<Key>(map.key_form)) return cause::wrong_key_sign;
  if (!detail::same_sign<Value>(map.value_form)) return cause::wrong_value_sign;
  return cause::none;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_TYPE_CHECK_HPP
