// SPDX-License-Identifier: MIT
// Room 0.13, members: what C++20 tells of the members of a struct: how many there are, of which types, what they are
// called and where they lie. Everything here is a question to the compiler, and nothing of it is left in the program.
#ifndef BAREBPF_MEMBERS_HPP
#define BAREBPF_MEMBERS_HPP

#include "name.hpp"

#include <type_traits>  // is_aggregate_v, is_base_of_v and their siblings
#include <utility>      // index_sequence, tuple_size

namespace barebpf::inline BAREBPF_ABI {

/// Why the compiler does not tell what a class is made of.
enum class unseen : u8 {
  nothing,   ///< it does
  hidden,    ///< private members, virtual functions or constructors of its own
  base,      ///< members of a base class
  nameless,  ///< a struct or union without a name in it
  many,      ///< more than 70 members
  placed,  ///< members that lie elsewhere than their types ask for: bit fields, packed or aligned by hand; for g++ also
  ///< volatile ones
};

namespace detail {

// Stands for whatever a member may be set to. Never called.
struct anything {
  template <class T>
  operator T() const noexcept;
};
template <class T>
struct any_base {
  template <class Base>
  requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>) operator Base() const noexcept;
};

constexpr bool begins_with(const char* characters, const char* head) noexcept {
  while (*head != '\0')
    if (*characters++ != *head++) return false;
  return true;
}
// Compilers call a type without a name "<unnamed struct>", "(unnamed struct at ...)" or "(anonymous struct at ...)".
template <class T>
consteval bool is_nameless() noexcept {
  for (const char* at = __PRETTY_FUNCTION__; *at != '\0'; ++at)
    if ((*at == '<' || *at == '(') &&
        (begins_with(at + 1, "unnamed ") || begins_with(at + 1, "anonymous struct") ||
         begins_with(at + 1, "anonymous union") || begins_with(at + 1, "anonymous class")))
      return true;
  return false;
}
struct any_nameless {
  template <class T>
  requires((std::is_class_v<T> || std::is_union_v<T>)&&is_nameless<T>()) operator T() const noexcept;
};

// std::array and its like: as many elements in a row as it has parts, and nothing else.
template <class T>
concept element_row = requires(const T& row) {
  typename T::value_type;
  row[0];
  requires sizeof(T) == std::tuple_size<T>::value * sizeof(typename T::value_type);
};
// Taken apart by functions of its own, which have nothing to do with how it lies in memory.
template <class T>
concept has_own_parts = requires {
  std::tuple_size<T>::value;
};

// True when so many members can be set, one by one; and when the one behind so many can be set to a `Probe`.
template <class T, size_t... I>
constexpr bool takes_values(std::index_sequence<I...>) noexcept {
  return requires { T{{(static_cast<void>(I), anything{})}...}; };
}
template <class T, class Probe, size_t... I>
constexpr bool takes_behind(std::index_sequence<I...>) noexcept {
  return requires { T{{(static_cast<void>(I), anything{})}..., Probe{}}; };
}

inline constexpr size_t most_members = 70;
template <class T, size_t Count = 0>
consteval size_t count_members() noexcept {
  if constexpr (Count <= most_members && takes_values<T>(std::make_index_sequence<Count + 1>{}))
    return count_members<T, Count + 1>();
  else
    return Count;
}
template <class T>
consteval bool has_nameless() noexcept {
  return []<size_t... I>(std::index_sequence<I...>) {
    return (takes_behind<T, any_nameless>(std::make_index_sequence<I>{}) || ...);
  }
  (std::make_index_sequence<count_members<T>()>{});
}

// Calls `f` with all members of `value`; the numbers go from 100 on because 08 is no number.
#define BAREBPF_TEN(row, d, before)                                                                          \
  row(1##d##0, before m##d##0) row(1##d##1, before m##d##0, m##d##1)                                         \
      row(1##d##2, before m##d##0, m##d##1, m##d##2) row(1##d##3, before m##d##0, m##d##1, m##d##2, m##d##3) \
          row(1##d##4, before m##d##0, m##d##1, m##d##2, m##d##3, m##d##4)                                   \
              row(1##d##5, before m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5)                      \
                  row(1##d##6, before m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5, m##d##6)         \
                      row(1##d##7, before m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5, m##d##6,     \
                          m##d##7) row(1##d##8, before m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5, \
                                       m##d##6, m##d##7, m##d##8)                                            \
                          row(1##d##9, before m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5, m##d##6, \
                              m##d##7, m##d##8, m##d##9)
#define BAREBPF_ALL_OF(d) \
  m##d##0, m##d##1, m##d##2, m##d##3, m##d##4, m##d##5, m##d##6, m##d##7, m##d##8, m##d##9,
#define BAREBPF_UP_TO_0 BAREBPF_ALL_OF(0)
#define BAREBPF_UP_TO_1 BAREBPF_UP_TO_0 BAREBPF_ALL_OF(1)
#define BAREBPF_UP_TO_2 BAREBPF_UP_TO_1 BAREBPF_ALL_OF(2)
#define BAREBPF_UP_TO_3 BAREBPF_UP_TO_2 BAREBPF_ALL_OF(3)
#define BAREBPF_UP_TO_4 BAREBPF_UP_TO_3 BAREBPF_ALL_OF(4)
#define BAREBPF_UP_TO_5 BAREBPF_UP_TO_4 BAREBPF_ALL_OF(5)
#define BAREBPF_NAMES(number, ...)      \
  if constexpr (count == number - 99) { \
    const auto& [__VA_ARGS__] = value;  \
    return f(__VA_ARGS__);              \
  } else
template <class T, class F>
constexpr auto with_members(const T& value, F f) noexcept {
  constexpr size_t count = count_members<T>();
  BAREBPF_TEN(BAREBPF_NAMES, 0, )
  BAREBPF_TEN(BAREBPF_NAMES, 1, BAREBPF_UP_TO_0)
  BAREBPF_TEN(BAREBPF_NAMES, 2, BAREBPF_UP_TO_1)
  BAREBPF_TEN(BAREBPF_NAMES, 3, BAREBPF_UP_TO_2)
  BAREBPF_TEN(BAREBPF_NAMES, 4, BAREBPF_UP_TO_3)
  BAREBPF_TEN(BAREBPF_NAMES, 5, BAREBPF_UP_TO_4)
  BAREBPF_TEN(BAREBPF_NAMES, 6, BAREBPF_UP_TO_5)
  static_assert(count == 0);
}
#undef BAREBPF_NAMES
#undef BAREBPF_UP_TO_5
#undef BAREBPF_UP_TO_4
#undef BAREBPF_UP_TO_3
#undef BAREBPF_UP_TO_2
#undef BAREBPF_UP_TO_1
#undef BAREBPF_UP_TO_0
#undef BAREBPF_ALL_OF
#undef BAREBPF_TEN

// What the members are of: their types, and where they are in the one `example`, which is no constant because a struct with
// a volatile member cannot be one.
template <class... Member>
struct member_list {
  static constexpr size_t count = sizeof...(Member);
  const volatile void* at[count];
};
template <class T>
struct wrapped {
  T value;
};
template <class T>
inline const wrapped<T> example{};
template <class T>
consteval auto list_members() noexcept {
  return with_members(example<T>.value, []<class... Member>(const Member&... member) {
    return member_list<Member...>{{&member...}};
  });
}
template <auto Value>
struct constant {};
// A bit field has no address, nor has what is packed: the one that is taken is of a copy that is gone, and no constant.
template <class T>
concept has_addresses = requires {
  typename constant<list_members<T>()>;
};

struct address {
  const volatile void* to;
};
// The last word between the braces, in "[A = address{&example.value.source}]" of the one compiler and
// "[with address A = address{((const void*)(& example<flow>.wrapped<flow>::value.flow::source))}]" of the other.
template <address At>
consteval text find_member_name() noexcept {
  const text whole(__PRETTY_FUNCTION__, sizeof __PRETTY_FUNCTION__ - 1);
  size_t end = whole.size();
  while (!is_name_character(whole[end - 1])) --end;
  size_t start = end;
  while (is_name_character(whole[start - 1])) --start;
  return {whole.data() + start, end - start};
}
template <address At>
inline constexpr auto member_name = [] {
  constexpr text found = find_member_name<At>();
  return name<found.size() + 1>::cut(found);
}();

// Where members of these sizes and alignments lie when nothing was said about it.
template <size_t Count>
struct member_offsets {
  size_t at[Count];
  size_t end = 0, alignment = 1;
};
template <class... Member>
consteval member_offsets<sizeof...(Member)> lay_out_members(member_list<Member...>*) noexcept {
  member_offsets<sizeof...(Member)> out{};
  size_t index = 0;
  const auto add = [&](size_t size, size_t alignment) {
    out.end = (out.end + alignment - 1) / alignment * alignment;
    out.at[index++] = out.end;
    out.end += size;
    if (alignment > out.alignment) out.alignment = alignment;
  };
  (add(sizeof(Member), alignof(Member)), ...);
  out.end = (out.end + out.alignment - 1) / out.alignment * out.alignment;
  return out;
}

template <class T>
consteval unseen why_unseen() noexcept;

// True for types whose bytes the compiler lets others see: numbers, and what is made of them alone.
template <class T>
consteval bool has_plain_bytes() noexcept {
  if constexpr (std::is_volatile_v<T>)
    return false;
  else if constexpr (std::is_array_v<T>)
    return has_plain_bytes<std::remove_const_t<std::remove_extent_t<T>>>();
  else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>)
    return true;
  else if constexpr (std::is_floating_point_v<T>)
    return sizeof(T) <= 8;
  else if constexpr (element_row<T>)
    return has_plain_bytes<typename T::value_type>();
  else if constexpr (!std::is_class_v<T>)
    return false;
  else if constexpr (why_unseen<T>() != unseen::nothing)
    return false;
  else
    return []<class... Member>(member_list<Member...>) {
      return (has_plain_bytes<std::remove_const_t<Member>>() && ...);
    }(list_members<T>());
}
template <class T>
constexpr u8 first_byte(const T& value) noexcept {
  if constexpr (std::is_array_v<T> || element_row<T>) {
    return first_byte(value[0]);
  } else if constexpr (std::is_class_v<T>) {
    return with_members(value, [](const auto& first, const auto&...) { return first_byte(first); });
  } else {
    struct byte_row {
      u8 bytes[sizeof(T)];
    };
    return __builtin_bit_cast(byte_row, value).bytes[0];
  }
}
// Where the members lie in truth: each byte is given one bit of its own place after the other, and the members say which
// they have. No byte is anything but 0 or 1, so that every type can be made of them.
template <class T>
consteval auto find_offsets() noexcept {
  member_offsets<count_members<T>()> out{};
  for (size_t bit = 0; ((sizeof(T) - 1) >> bit) != 0; ++bit) {
    struct byte_row {
      u8 bytes[sizeof(T)];
    } row{};
    for (size_t i = 0; i < sizeof(T); ++i) row.bytes[i] = static_cast<u8>(i >> bit & 1);
    with_members(__builtin_bit_cast(T, row), [&](const auto&... member) {
      size_t index = 0;
      ((out.at[index++] |= size_t{first_byte(member)} << bit), ...);
      return true;
    });
  }
  return out;
}
// Larger ones take the compiler too many steps.
inline constexpr size_t largest_with_bytes = 2048;
template <class T>
consteval bool are_offsets_shown() noexcept {
  if constexpr (sizeof(T) > largest_with_bytes || !std::is_trivially_copyable_v<T>)
    return false;
  else
    return []<class... Member>(member_list<Member...>*) {
      return (has_plain_bytes<std::remove_const_t<Member>>() && ...);
    }(static_cast<decltype(list_members<T>())*>(nullptr));
}
template <class T>
inline constexpr bool shows_offsets = are_offsets_shown<T>();

// Where the members lie: in truth, or else where nothing is said about it.
template <class T>
inline constexpr auto offsets_of = [] {
  if constexpr (shows_offsets<T>)
    return find_offsets<T>();
  else
    return lay_out_members(static_cast<decltype(list_members<T>())*>(nullptr));
}();
// False for what is packed, and for what does not show where it is and lies elsewhere than its types ask for.
template <class T>
consteval bool lies_as_told() noexcept {
  constexpr auto natural = lay_out_members(static_cast<decltype(list_members<T>())*>(nullptr));
  if constexpr (!shows_offsets<T>) return natural.end == sizeof(T) && natural.alignment == alignof(T);
  return alignof(T) >= natural.alignment && []<class... Member>(member_list<Member...>*) {
    size_t index = 0;
    return ((offsets_of<T>.at[index++] % alignof(Member) == 0) && ...);
  }(static_cast<decltype(list_members<T>())*>(nullptr));
}

// Each question may be asked only when the one before has a good answer: the compiler refuses to take apart a class with
// a base or a member without a name, and refuses it with words of its own.
template <class T>
consteval unseen why_unseen() noexcept {
  if constexpr (!std::is_aggregate_v<T> || has_own_parts<T> || !std::is_trivially_copyable_v<T>)
    return unseen::hidden;
  else if constexpr (takes_behind<T, any_base<T>>(std::index_sequence<>{}))
    return unseen::base;
  else if constexpr (count_members<T>() == 0)
    return unseen::hidden;
  else if constexpr (count_members<T>() > most_members)
    return unseen::many;
  else if constexpr (has_nameless<T>())
    return unseen::nameless;
  else if constexpr (!has_addresses<T>)
    return unseen::placed;
  else if constexpr (!lies_as_told<T>())
    return unseen::placed;
  else
    return unseen::nothing;
}

// The name of a type without the namespaces around it; empty for one that has none or is made by a template.
template <class T>
consteval text find_type_name() noexcept {
  const text whole(__PRETTY_FUNCTION__, sizeof __PRETTY_FUNCTION__ - 1);
  size_t end = whole.size() - 1;  // "[T = ns::flow]", "[with T = ns::flow]"
  if (is_nameless<T>() || !is_name_character(whole[end - 1])) return {};
  size_t start = end;
  while (is_name_character(whole[start - 1])) --start;
  return {whole.data() + start, end - start};
}
template <class T>
inline constexpr auto type_name = name<find_type_name<T>().size() + 1>::cut(find_type_name<T>());

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MEMBERS_HPP
