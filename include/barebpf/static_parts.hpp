// SPDX-License-Identifier: MIT
// Room 4.12, static_parts: the maps, programs and variables of an object as types, to be walked over while compiling, and
// as somebody asks for them by name and C++ type.
#ifndef BAREBPF_STATIC_PARTS_HPP
#define BAREBPF_STATIC_PARTS_HPP

#include "static_spec.hpp"
#include "struct_value.hpp"
#include "type_check.hpp"

#include <utility>  // integer_sequence

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// The name at a place of the file, of just its length, so that it can be a template argument as if it were written there.
template <class Spec, u64 At>
inline constexpr auto part_name = [] {
  constexpr auto& whole = Spec::template string<At>;
  return barebpf::name<sizeof whole.characters>::cut(whole.characters);
}();

// The C++ type T that somebody gives to the key, value or variable called `Subject`, whose type in the object has this id.
// One that differs at a member does not compile.
template <class Spec, type_role Role, barebpf::name Subject, u32 Id, class T>
struct asked_type {
  static constexpr layout_difference found = compare_members<std::remove_cv_t<T>>(Spec::types(), Id);
  static constexpr bool agrees = found.why == cause::none;
  static_assert(layout_check<Role, found.why, spelled<Subject>, spelled<found.member>, found.in_object,
                             found.in_cxx, spelled<found.cxx_member>>::made);
};

// The variable called `Name`, asked for as a T; an empty one where the object does not have it.
template <class Spec, barebpf::name Name, class T>
struct asked_variable {
  static constexpr u32 index = Spec::find_variable(Name);
  static constexpr variable_spec found = index == not_found ? variable_spec{} : Spec::variable(index);
  static constexpr map_spec holder = index == not_found ? map_spec{} : Spec::map(found.map);
  using type = asked_type<Spec, type_role::variable, Name, found.type, T>;

  // What hinders it, with `otherwise` where nothing else does; what differs at a member was said already.
  [[nodiscard]] static constexpr cause fault(cause otherwise) noexcept {
    return index == not_found ? cause::no_such_variable : type::agrees ? otherwise : cause::none;
  }
};

}  // namespace detail

/// A map of an object: `name` is the one that `loaded->map<...>()` takes, `spec` all that the object says of it.
template <class Spec, u32 Index>
struct static_map {
  static constexpr u32 index = Index;
  static constexpr map_spec spec = Spec::map(Index);
  static constexpr map_type type = static_cast<map_type>(spec.type);
  static constexpr auto& name = detail::part_name<Spec, spec.name>;
};

/// A program of an object.
template <class Spec, u32 Index>
struct static_program {
  static constexpr u32 index = Index;
  static constexpr program_spec spec = Spec::program(Index);
  static constexpr auto& name = detail::part_name<Spec, spec.name>;
  /// The name of its section, "tp/syscalls/sys_enter_execve".
  static constexpr auto& section = detail::part_name<Spec, spec.section_name>;
};

/// A global variable of an object.
template <class Spec, u32 Index>
struct static_variable {
  static constexpr u32 index = Index;
  static constexpr variable_spec spec = Spec::variable(Index);
  static constexpr auto& name = detail::part_name<Spec, spec.name>;
  /// What it is in C++, as the object has it.
  using type = object_type<Spec, spec.type>;
  /// True when no program writes to it.
  static constexpr bool is_constant = Spec::map(spec.map).is_frozen();
};

/// Calls `f` with one of these for each map, program or variable of an object, in the order of their indexes.
template <class Spec, class F>
constexpr void each_map(F&& f) {
  [&]<u32... Index>(std::integer_sequence<u32, Index...>) { (f(static_map<Spec, Index>{}), ...); }
  (std::make_integer_sequence<u32, Spec::map_count>{});
}
template <class Spec, class F>
constexpr void each_program(F&& f) {
  [&]<u32... Index>(std::integer_sequence<u32, Index...>) { (f(static_program<Spec, Index>{}), ...); }
  (std::make_integer_sequence<u32, Spec::program_count>{});
}
template <class Spec, class F>
constexpr void each_variable(F&& f) {
  [&]<u32... Index>(std::integer_sequence<u32, Index...>) { (f(static_variable<Spec, Index>{}), ...); }
  (std::make_integer_sequence<u32, Spec::variable_count>{});
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STATIC_PARTS_HPP
