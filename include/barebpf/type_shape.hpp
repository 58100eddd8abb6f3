// SPDX-License-Identifier: MIT
// Room 3.6, type_shape: what is compared of a type in an object and one of the kernel, as a short text: pointers to
// structs are such, whatever the structs are called. So an object that the compiler has read needs no types for it.
#ifndef BAREBPF_TYPE_SHAPE_HPP
#define BAREBPF_TYPE_SHAPE_HPP

#include "externs.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Room for the shape of every type that is worth comparing, with its NUL.
inline constexpr size_t longest_shape = 256;

namespace detail {

// One letter for each kind, in front of those of its parts: a function has the number of its parameters as a letter
// from A on, then the parameters, then what it returns. `never` is like nothing.
inline constexpr char never = '?';
constexpr char shape_letter(const btf& types, const btf_type& type) noexcept {
  using enum abi::btf_kind;
  switch (type.kind) {
    case void_type:
      return 'v';
    case integer:
      // Bits of an integer that begin behind its first: what compilers once wrote for bit fields.
      return (types.image().read32(type.tail()) >> 16 & 0xff) == 0 ? 'i' : never;
    case pointer:
      return 'p';
    case array:
      return 'a';
    case structure:
      return 's';
    case union_type:
      return 'u';
    case enumeration:
    case enumeration64:
      return 'e';
    case forward:
      return 'f';
    case function_prototype:
      return 'F';
    default:
      return never;
  }
}
inline constexpr u32 most_parameters = 60;
constexpr u32 parameter_of(const btf& types, const btf_type& function, u32 index) noexcept {
  return types.image().read32(function.tail() + u64{index} * 8 + 4);
}

// Shape: false where there is no more room.
constexpr bool add_shape(const btf& types, u32 id, char* out, size_t& used) noexcept {
  for (;;) {
    if (used + 3 >= longest_shape) return false;
    const btf_type type = types.resolve(id);
    const char letter = shape_letter(types, type);
    out[used++] = letter;
    if (letter == 'p') {
      id = type.size_or_type;
    } else if (letter == 'a') {
      id = types.element_of(type);
    } else if (letter == 'F') {
      if (type.members > most_parameters) return false;
      out[used++] = static_cast<char>('A' + type.members);
      for (u32 i = 0; i < type.members; ++i)
        if (!add_shape(types, parameter_of(types, type, i), out, used)) return false;
      id = type.size_or_type;
    } else {
      return true;
    }
  }
}
constexpr bool takes_shape(const btf& types, u32 id, const char*& shape) noexcept {
  for (;;) {
    const btf_type type = types.resolve(id);
    const char letter = shape_letter(types, type);
    if (letter == never || *shape != letter) return false;
    ++shape;
    if (letter == 'p') {
      id = type.size_or_type;
    } else if (letter == 'a') {
      id = types.element_of(type);
    } else if (letter == 'F') {
      if (type.members > most_parameters || *shape != static_cast<char>('A' + type.members)) return false;
      ++shape;
      for (u32 i = 0; i < type.members; ++i)
        if (!takes_shape(types, parameter_of(types, type, i), shape)) return false;
      id = type.size_or_type;
    } else {
      return true;
    }
  }
}

}  // namespace detail

/// The shape of a type, to be kept for `has_shape`.
struct type_shape {
  char letters[longest_shape] = {};

  /// That of the type with this id. One that is too large to be compared is like no other.
  [[nodiscard]] static constexpr type_shape of(const btf& types, u32 id) noexcept {
    type_shape out;
    size_t used = 0;
    if (detail::add_shape(types, id, out.letters, used)) return out;
    out.letters[0] = detail::never;
    out.letters[1] = '\0';
    return out;
  }
};

/// The shape of what an object declares; empty for what has no type to be compared.
[[nodiscard]] constexpr type_shape shape_of_extern(const btf& types, const extern_spec& declared) noexcept {
  const bool has_type = declared.kind == extern_kind::variable || declared.kind == extern_kind::function;
  return has_type ? type_shape::of(types, declared.type) : type_shape{};
}

/// True when the type with this id has the shape `wanted`.
/// Cost:   bounded by the shape, whatever the types are.
/// Source: bpf_core_types_are_compat() in tools/lib/bpf/relo_core.c at v6.12.
[[nodiscard]] constexpr bool has_shape(const btf& types, u32 id, const char* wanted) noexcept {
  return detail::takes_shape(types, id, wanted) && *wanted == '\0';
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_TYPE_SHAPE_HPP
