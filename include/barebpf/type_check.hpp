// SPDX-License-Identifier: MIT
// Room 4.8, type_check: whether C++ types fit the keys and values that an object declares. The compiler asks
// for a static_object, the program for an object; the answer is the same.
#ifndef BAREBPF_TYPE_CHECK_HPP
#define BAREBPF_TYPE_CHECK_HPP

#include "kinds.hpp"
#include "layout_match.hpp"
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

/// Whose type it is that is compared.
enum class type_role : u8 { key, value, variable };

namespace detail {

// A value type that says itself what it stands for, and what the library itself names, have no members to compare.
template <class T>
concept says_its_rule = requires {
  requires std::is_same_v<decltype(T::rule), const value_rule>;
};
template <class T>
concept has_members_to_compare = !is_compared_by_size<T> && !says_its_rule<T> &&
                                 (std::is_class_v<T> || std::is_union_v<T> || std::is_array_v<T> ||
                                  (std::is_enum_v<T> && !std::is_same_v<T, std::byte>));

}  // namespace detail

/// Tells `sink` each difference between `T` and the type with this id in an object, until it gives false. Numbers on their
/// own have no members, and a type that the object does not tell, id 0, has none either.
template <class T, class Sink>
constexpr void each_member_difference(const btf& types, u32 id, Sink sink) noexcept {
  if constexpr (detail::has_members_to_compare<T>)
    if (id != 0) each_difference(types, id, layout_of<T>, sink);
}
/// The first of them; of cause none when there is none.
template <class T>
[[nodiscard]] constexpr layout_difference compare_members(const btf& types, u32 id) noexcept {
  if constexpr (detail::has_members_to_compare<T>)
    if (id != 0) return first_difference(types, id, layout_of<T>);
  return {};
}

namespace detail {

// A name as part of a type, written so that the compiler prints it as text, without the room behind it.
#if defined(__clang_major__) && __clang_major__ < 16
// It prints what a `name` holds as ten numbers at most, and characters one by one as what they are.
template <char... Character>
struct called {};
template <name Long, size_t... I>
called<Long.characters[I]...> spell(std::index_sequence<I...>) noexcept;
template <name Long>
using spelled = decltype(spell<Long>(std::make_index_sequence<text(Long).size()>{}));
#else
template <name Text>
struct called {};
template <name Long>
using spelled = called<name<text(Long).size() + 1>::cut(Long)>;
#endif

}  // namespace detail

/// Does not compile when `Why` is a cause: the first line of the error is a sentence that says what is wrong, and the
/// template arguments say where: the map or variable, the member as the object calls it, where it lies in the object and
/// in the C++ type, and what lies there in the C++ type under another name.
template <type_role Role, cause Why, class Subject, class Member, place_in_object InObject,
          place_in_cxx InCxx, class CxxMember>
struct layout_check {
#define BAREBPF_CAUSE(identifier, sentence) \
  static_assert(Role != type_role::key || Why != cause::identifier, sentence);
  BAREBPF_LAYOUT_CAUSES(BAREBPF_CAUSE,
                        "barebpf: this C++ type and the map's key in the BPF object disagree at a member")
#undef BAREBPF_CAUSE
#define BAREBPF_CAUSE(identifier, sentence) \
  static_assert(Role != type_role::value || Why != cause::identifier, sentence);
  BAREBPF_LAYOUT_CAUSES(BAREBPF_CAUSE,
                        "barebpf: this C++ type and the map's value in the BPF object disagree at a member")
#undef BAREBPF_CAUSE
#define BAREBPF_CAUSE(identifier, sentence) \
  static_assert(Role != type_role::variable || Why != cause::identifier, sentence);
  BAREBPF_LAYOUT_CAUSES(BAREBPF_CAUSE,
                        "barebpf: this C++ type and the variable in the BPF object disagree at a member")
#undef BAREBPF_CAUSE
#define BAREBPF_CAUSE(identifier, sentence) static_assert(Why != cause::identifier, "barebpf: " sentence);
  BAREBPF_UNSEEN_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
  static constexpr bool made = true;
};
template <type_role Role, class Subject, class Member, place_in_object InObject, place_in_cxx InCxx,
          class CxxMember>
struct layout_check<Role, cause::none, Subject, Member, InObject, InCxx, CxxMember> {
  static constexpr bool made = true;
};
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
