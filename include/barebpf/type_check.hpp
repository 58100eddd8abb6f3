// SPDX-License-Identifier: MIT
// Room 4.7, type_check: whether C++ types fit the keys and values that an object declares. The compiler asks
// for a static_object, the program for an object; the answer is the same.
#ifndef BAREBPF_TYPE_CHECK_HPP
#define BAREBPF_TYPE_CHECK_HPP

#include "kinds.hpp"
#include "spec/data.hpp"

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
  if (key_size_of<Key> != map.key_size) return cause::wrong_key_size;
  if (value_size_of<Value> != map.value_size) return cause::wrong_value_size;
  if (!detail::same_sign<Key>(map.key_form)) return cause::wrong_key_sign;
  if (!detail::same_sign<Value>(map.value_form)) return cause::wrong_value_sign;
  if constexpr (requires { requires Value::rule == value_rule::stack; })
    if (((map.map_flags ^ Value::map_flags) & map_flag::stack_build_id) != 0)
      return cause::stack_of_build_ids;
  return cause::none;
}

/// What hinders `T` from being the type of `variable`; `none` when nothing does.
template <class T>
[[nodiscard]] constexpr cause compare_types(const variable_spec& variable) noexcept {
  static_assert(std::is_trivially_copyable_v<T>,
                "barebpf: programs and the kernel see variables as raw bytes, so the type of one must be "
                "trivially copyable");
  static_assert(alignof(T) <= data_layout::alignment,
                "barebpf: variables lie on multiples of 16 bytes at best, so a type may not ask for more");
  if (sizeof(T) != variable.size) return cause::wrong_variable_size;
  if (!detail::same_sign<std::remove_cv_t<T>>(variable.form)) return cause::wrong_variable_sign;
  return cause::none;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_TYPE_CHECK_HPP
