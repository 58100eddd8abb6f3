// SPDX-License-Identifier: MIT
// Room 7.7, map/value_btf: types for the kernel, and the smallest that let a local storage be created. The compiler
// makes those of the C++ type of the values.
// Source: Documentation/bpf/btf.rst at v6.12.
#ifndef BAREBPF_MAP_VALUE_BTF_HPP
#define BAREBPF_MAP_VALUE_BTF_HPP

#include "../abi/btf.hpp"
#include "../fd.hpp"

#include <type_traits>  // is_enum_v, is_integral_v and their siblings

namespace barebpf::inline BAREBPF_ABI {

/// Gives the kernel types. `token` is the descriptor of a BPF token (6.9), or negative.
/// Shape:  their descriptor, or negative errno; EINVAL when the kernel does not like a type.
/// Kernel: 4.18.
/// Source: btf_new_fd() in kernel/bpf/btf.c at v6.12.
[[nodiscard]] inline long load_btf(const void* types, u32 size, int token = -1) noexcept {
  abi::btf_load attr{.btf = types, .btf_size = size};
  if (token >= 0) attr.btf_flags = map_flag::token_fd, attr.btf_token_fd = token;
  return move_away(sys_bpf(abi::command::btf_load, attr));
}

namespace detail {

// Where the names begin in the strings of a `storage_btf`.
inline constexpr u32 int_name = 1, value_name = 5, bytes_name = 11, char_name = 17;

struct btf_record {
  u32 name;
  u32 info;
  u32 size;
};
struct btf_number {
  btf_record type;
  u32 form;
};
// struct value { unsigned char bytes[count]; }
struct btf_struct_of_bytes {
  btf_record type;
  u32 member_name, member_type, member_at;
  btf_record array;
  u32 element_type, index_type, count;
  btf_number element;
};

constexpr btf_record make_record(u32 name, abi::btf_kind kind, u32 size, u32 members = 0) noexcept {
  return {name, static_cast<u32>(kind) << 24 | members, size};
}
constexpr btf_number make_number(u32 name, u32 size, u32 encoding) noexcept {
  return {make_record(name, abi::btf_kind::integer, size), encoding << 24 | size * 8};
}

template <class Number>
constexpr u32 encoding_of() noexcept {
  if constexpr (std::is_enum_v<Number>)
    return encoding_of<std::underlying_type_t<Number>>();
  else if constexpr (std::is_same_v<Number, bool>)
    return abi::btf_integer_is_bool;
  else
    return std::is_signed_v<Number> ? abi::btf_integer_is_signed : 0;
}

template <class Value>
constexpr auto make_value_type() noexcept {
  constexpr u32 size = sizeof(Value);
  if constexpr (std::is_integral_v<Value> || std::is_enum_v<Value>)
    return make_number(value_name, size, encoding_of<Value>());
  else if constexpr (std::is_floating_point_v<Value>)
    return make_record(value_name, abi::btf_kind::floating, size);
  else
    return btf_struct_of_bytes{.type = make_record(value_name, abi::btf_kind::structure, size, 1),
                               .member_name = bytes_name,
                               .member_type = 3,
                               .member_at = 0,
                               .array = make_record(0, abi::btf_kind::array, 0),
                               .element_type = 4,
                               .index_type = 1,
                               .count = size,
                               .element = make_number(char_name, 1, 0)};
}

}  // namespace detail

/// BTF of a storage: of its keys, which are descriptors, and of its values.
/// Shape: byte for byte what BPF_BTF_LOAD takes; a type's id is its place, from 1.
/// Source: bpf_local_storage_map_check_btf() in kernel/bpf/bpf_local_storage.c at v6.12.
template <class Types>
struct storage_btf {
  static constexpr u32 key_id = 1, value_id = 2;

  u16 magic = abi::btf_magic;
  u8 version = 1;
  u8 flags = 0;
  u32 header_size = abi::btf_header::size;
  u32 types_offset = 0;
  u32 types_size = sizeof key + sizeof value;
  u32 strings_offset = types_size;
  u32 strings_size = sizeof strings;
  detail::btf_number key = detail::make_number(detail::int_name, 4, abi::btf_integer_is_signed);
  Types value;
  char strings[24] = "\0int\0value\0bytes\0char\0";
};

/// The BTF of a storage with values of this type: a number is one of its size and sign, anything else a struct of its
/// size, of which nothing more is said. So the kernel finds no lock, timer or pointer in it: for those it needs the
/// BTF of a BPF object.
/// Kernel: 4.18; floating-point numbers 5.13.
template <class Value>
inline constexpr storage_btf<decltype(detail::make_value_type<Value>())> storage_btf_of{
    .value = detail::make_value_type<Value>()};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_VALUE_BTF_HPP
