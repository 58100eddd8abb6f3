// SPDX-License-Identifier: MIT
// Room 0.14, layout: how a C++ type lies in memory, as plain records: what `members` sees of it, or what its author states
// by hand. So it can be compared with the types of an object, or written as such, by code that is no template.
#ifndef BAREBPF_LAYOUT_HPP
#define BAREBPF_LAYOUT_HPP

#include "members.hpp"

#include <cstddef>  // byte

namespace barebpf::inline BAREBPF_ABI {

/// What a type is, where it matters to who shares its bytes.
enum class layout_sort : u8 {
  unknown,           ///< the compiler does not tell: `layout::why` says what hinders it
  raw,               ///< std::byte: of what lies there only the size is compared
  signed_integer,    ///< also `signed char`
  unsigned_integer,  ///< also `unsigned char`
  character,         ///< `char`, whose sign is the machine's
  boolean,
  floating,
  enumeration,
  pointer,
  array,  ///< C arrays, and std::array and its like
  structure,
  union_type,
};

struct layout;

/// A member of a struct or union.
struct layout_member {
  text name;
  const layout* type = nullptr;
  u32 bit = 0;    ///< where it begins, in bits from the start of the struct
  u32 width = 0;  ///< bits of a bit field, 0 for all others
};

/// A value of an enum that has a name.
struct layout_value {
  text name;
  s64 value = 0;
};

/// A C++ type as it lies in memory. All that it points to is constant and stays.
struct layout {
  layout_sort sort = layout_sort::unknown;
  unseen why = unseen::nothing;  ///< of what is `unknown`
  bool is_stated = false;        ///< by hand, see `stated_layout`
  bool by_size = false;          ///< nothing else is compared, see `is_compared_by_size`
  bool is_signed = false;        ///< of an enum
  u32 size = 0;                  ///< bytes
  u32 alignment = 1;             ///< bytes
  u32 count = 0;                 ///< elements, members or named values
  text name{};                   ///< without namespaces; empty where there is none
  const layout* element = nullptr;
  const layout_member* members = nullptr;
  const layout_value* values = nullptr;
};

/// To be specialized for a class whose members the compiler does not tell: one with bit fields, private members, base
/// classes, or structs and unions without a name:
/// ```
/// template <>
/// struct barebpf::stated_layout<packet> {
///   static constexpr layout_member members[] = {member_at<u32>("source", offsetof(packet, source)),
///                                               bits_at<u8>("version", 32, 4)};
/// };
/// ```
/// Shape: what is not stated is not compared. A class with private members makes it a friend.
template <class T>
struct stated_layout {};

/// True for types that are compared by their size alone. To be specialized for types of others about which nothing can be
/// stated.
template <class T>
inline constexpr bool is_compared_by_size = false;

namespace detail {

template <class T>
concept has_stated_layout = requires {
  stated_layout<T>::members;
};

// The values of an enum that are looked for: the small ones, and those of one bit.
inline constexpr s64 first_value = -1;
inline constexpr u64 last_value = 63;
constexpr s64 looked_for(size_t index) noexcept {
  constexpr size_t small = last_value + 2;
  return index < small ? static_cast<s64>(index) + first_value : s64{1} << (index - small + 6);
}
// The same, asked of the bits of a value; -1 is all of them.
constexpr bool is_looked_for(u64 bits, u64 all) noexcept {
  return bits <= last_value || bits == all || (bits < u64{1} << 32 && (bits & (bits - 1)) == 0);
}
template <class E>
inline constexpr size_t values_looked_for = 65 + (sizeof(E) >= 4   ? 26
                                                  : sizeof(E) == 2 ? 10
                                                                   : 2);
// True for enums that have room for all values of the type behind them.
template <class E>
concept has_fixed_type = requires {
  E{0};
};
// False for what an enum without a fixed type has no bits for, where the compiler refuses that; zero stands for it.
#ifdef __clang__
#pragma clang diagnostic push
#if __has_warning("-Wenum-constexpr-conversion")
// From clang 16 on an error that is no error to whoever tries, from 20 on one that is.
#pragma clang diagnostic ignored "-Wenum-constexpr-conversion"
#endif
template <class E, s64 Value, class = void>
inline constexpr bool enum_holds = has_fixed_type<E>;
template <class E, s64 Value>
requires(!has_fixed_type<E>) inline constexpr bool enum_holds<
    E, Value,
    std::void_t<std::integral_constant<E, static_cast<E>(static_cast<std::underlying_type_t<E>>(Value))>>> =
    true;
#else
template <class E, s64 Value>
inline constexpr bool enum_holds = true;
#endif
template <class E, s64 Value>
consteval E as_enum() noexcept {
  if constexpr (enum_holds<E, Value>)
    return __builtin_bit_cast(E, static_cast<std::underlying_type_t<E>>(Value));
  else
    return static_cast<E>(0);
}

template <class E, E... Value>
consteval text write_values() noexcept {
  return __PRETTY_FUNCTION__;
}
template <class E>
consteval text written_values() noexcept {
  return []<size_t... I>(std::index_sequence<I...>) {
    // A function for each value would cost the compiler more than all the rest.
    if constexpr (has_fixed_type<E>)
      return write_values<E, static_cast<E>(static_cast<std::underlying_type_t<E>>(looked_for(I)))...>();
    else
      return write_values<E, as_enum<E, looked_for(I)>()...>();
  }
  (std::make_index_sequence<values_looked_for<E>>{});
}
#ifdef __clang__
#pragma clang diagnostic pop
#endif
template <class E>
constexpr bool holds_looked_for(size_t index) noexcept {
  if constexpr (has_fixed_type<E>)
    return true;
  else
    return [index]<size_t... I>(std::index_sequence<I...>) {
      return ((I == index && enum_holds<E, looked_for(I)>) || ...);
    }
  (std::make_index_sequence<values_looked_for<E>>{});
}
// The values of an enum that have a name, and where that stands in `written_values`.
template <class E>
struct found_values {
  struct place {
    size_t index, start, size;
  };
  size_t count = 0, characters = 0;
  place list[values_looked_for<E>] = {};
};
// Takes the names out of "[with E = ns::color; E ...Value = {ns::color::red, (ns::color)1}]" and of
// "[E = ns::color, Value = <ns::color::red, (ns::color)1>]": the last word of each part that does not begin with a digit.
template <class E>
inline constexpr found_values<E> values_found = [] {
  constexpr text whole = written_values<E>();
  const char* const written = whole.data();
  constexpr text head = "E = ", mark = "Value = ";
  size_t type = 0;
  while (!begins_with(written + type, head.data())) ++type;
  type += head.size();
  size_t type_size = 0;
  while (!begins_with(written + type + type_size, ", Value = ") && written[type + type_size] != ';')
    ++type_size;
  size_t at = type + type_size;
  while (!begins_with(written + at, mark.data())) ++at;
  at += mark.size() + 1;
  found_values<E> out;
  for (size_t index = 0; at < whole.size(); ++index) {
    // Most have no name. They begin with the type in brackets, and nobody needs to look at all of it.
    const size_t in_brackets = at + type_size + 1;
    size_t depth = 0, end = at;
    if (written[at] == '(' && in_brackets < whole.size() && written[in_brackets] == ')')
      end = in_brackets + 1;
    const size_t first = end;
    for (;; ++end) {
      const char c = written[end];
      if (depth == 0 && (c == ',' || c == '>' || c == '}')) break;
      depth += c == '(' || c == '<' || c == '{';
      depth -= c == ')' || c == '>' || c == '}';
    }
    if (first == at) {
      size_t start = end;
      while (start != at && is_name_character(written[start - 1])) --start;
      const bool is_number = start == end || (written[start] >= '0' && written[start] <= '9');
      if (!is_number && holds_looked_for<E>(index)) {
        out.list[out.count++] = {index, start, end - start};
        out.characters += end - start;
      }
    }
    if (written[end] != ',') break;
    at = end + 2;
  }
  return out;
}();
// Copied, so that a program that has them does not have all the rest of the text.
template <class E>
struct value_names {
  char characters[values_found<E>.characters + 1] = {};
};
template <class E>
inline constexpr value_names<E> names_of_values = [] {
  constexpr text written = written_values<E>();
  value_names<E> out;
  size_t used = 0;
  for (size_t i = 0; i < values_found<E>.count; ++i)
    for (size_t k = 0; k < values_found<E>.list[i].size; ++k)
      out.characters[used++] = written[values_found<E>.list[i].start + k];
  return out;
}();
template <class E>
struct value_list {
  layout_value list[values_found<E>.count + 1] = {};
};
template <class E>
inline constexpr value_list<E> values_of = [] {
  value_list<E> out;
  size_t used = 0;
  for (size_t i = 0; i < values_found<E>.count; ++i) {
    const auto& found = values_found<E>.list[i];
    // The value as the enum has it: of an unsigned one, -1 is its largest.
    const auto value = static_cast<std::underlying_type_t<E>>(looked_for(found.index));
    out.list[i] = {{names_of_values<E>.characters + used, found.size}, static_cast<s64>(value)};
    used += found.size;
  }
  return out;
}();

template <class T>
consteval layout make_layout() noexcept;

}  // namespace detail

/// The layout of a C++ type.
/// Cost: the compiler's time, once for each type; in the program only what it reads of it while it runs.
template <class T>
inline constexpr layout layout_of = detail::make_layout<T>();

/// A member that is stated by hand: its type, its name in the BPF program, and offsetof(3).
template <class T>
[[nodiscard]] constexpr layout_member member_at(text name, size_t offset) noexcept {
  return {name, &layout_of<T>, static_cast<u32>(offset * 8)};
}
/// A bit field of `width` bits from bit `first` of the struct on, counted as the machine counts them.
template <class T>
[[nodiscard]] constexpr layout_member bits_at(text name, u32 first, u32 width) noexcept {
  return {name, &layout_of<T>, first, width};
}

namespace detail {

template <class T>
struct seen_members {
  using list = decltype(list_members<T>());
  layout_member members[list::count];
};
template <class T>
inline constexpr seen_members<T> members_of =
    []<class... Member, size_t... I>(member_list<Member...>*, std::index_sequence<I...>) {
      constexpr auto found = list_members<T>();
      return seen_members<T>{
          {layout_member{text(member_name<address{found.at[I]}>), &layout_of<std::remove_cv_t<Member>>,
                         static_cast<u32>(offsets_of<T>.at[I] * 8)}...}};
    }(static_cast<decltype(list_members<T>())*>(nullptr),
      std::make_index_sequence<decltype(list_members<T>())::count>{});

template <class T>
constexpr layout_sort sort_of() noexcept {
  using enum layout_sort;
  if constexpr (std::is_same_v<T, std::byte>)
    return raw;
  else if constexpr (std::is_same_v<T, bool>)
    return boolean;
  else if constexpr (std::is_same_v<T, char>)
    return character;
  else if constexpr (std::is_integral_v<T>)
    return std::is_signed_v<T> ? signed_integer : unsigned_integer;
  else if constexpr (std::is_floating_point_v<T>)
    return floating;
  else if constexpr (std::is_enum_v<T>)
    return enumeration;
  else if constexpr (std::is_pointer_v<T>)
    return pointer;
  else if constexpr (std::is_array_v<T> || element_row<T>)
    return array;
  // Numbers of 128 bits, which are integral with the extensions of GNU only.
  else if constexpr (!std::is_class_v<T> && !std::is_union_v<T> && requires(T number) { number % number; })
    return static_cast<T>(-1) < static_cast<T>(0) ? signed_integer : unsigned_integer;
  else
    return std::is_union_v<T> ? union_type : structure;
}

template <class T>
consteval layout make_layout() noexcept {
  layout out{
      .sort = sort_of<T>(), .size = static_cast<u32>(sizeof(T)), .alignment = static_cast<u32>(alignof(T))};
  constexpr layout_sort sort = sort_of<T>();
  out.by_size = is_compared_by_size<T>;
  if constexpr (has_stated_layout<T>) {
    out.is_stated = true;
    out.name = type_name<T>;
    out.members = stated_layout<T>::members;
    out.count = static_cast<u32>(sizeof stated_layout<T>::members / sizeof(layout_member));
  } else if constexpr (sort == layout_sort::array) {
    using element = std::remove_cv_t<std::remove_reference_t<decltype(std::declval<T&>()[0])>>;
    out.element = &layout_of<element>;
    out.count = static_cast<u32>(sizeof(T) / sizeof(element));
  } else if constexpr (sort == layout_sort::enumeration) {
    out.is_signed = std::is_signed_v<std::underlying_type_t<T>>;
    out.name = type_name<T>;
    out.values = values_of<T>.list;
    out.count = static_cast<u32>(values_found<T>.count);
  } else if constexpr (sort == layout_sort::structure) {
    if constexpr (constexpr unseen why = why_unseen<T>(); why != unseen::nothing) {
      out.sort = layout_sort::unknown;
      out.why = why;
    } else {
      out.name = type_name<T>;
      out.members = members_of<T>.members;
      out.count = static_cast<u32>(seen_members<T>::list::count);
    }
  } else if constexpr (sort == layout_sort::union_type) {
    out.name = type_name<T>;
  }
  return out;
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LAYOUT_HPP
