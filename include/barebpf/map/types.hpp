// SPDX-License-Identifier: MIT
// Room 7.10, map/types: the types that a map's BTF gives to its key and value, held against the C++ types. Only who
// names `identity_and_btf` has this in his program.
#ifndef BAREBPF_MAP_TYPES_HPP
#define BAREBPF_MAP_TYPES_HPP

#include "../btf.hpp"
#include "../buffer.hpp"
#include "../layout_match.hpp"
#include "../layout_words.hpp"
#include "pin.hpp"
#include "value.hpp"

#include <type_traits>  // is_enum_v, underlying_type_t and their siblings

namespace barebpf::inline BAREBPF_ABI {

/// What can be compared of the type of a key or value, in C++ and in BTF.
struct element_shape {
  enum class sort : u8 {
    unknown,  ///< not looked at
    other,    ///< only the size is known: C++ classes, data sections
    signed_integer,
    unsigned_integer,
    either_integer,  ///< char, whose sign is the machine's
    signed_enum,
    either_enum,  ///< BTF says only since 6.0 that an enum is signed
    floating,
    structure,
    union_type,
    array,
    pointer,
  };
  sort is = sort::unknown;
  u64 size = 0;  ///< bytes

  /// True when a C++ type of this shape may stand for a type of shape `found`.
  [[nodiscard]] constexpr bool fits(const element_shape& found) const noexcept {
    if (is == sort::unknown || found.is == sort::unknown) return true;
    if (size != found.size) return false;
    if (is == found.is || is == sort::other || found.is == sort::other) return true;
    switch (found.is) {
      case sort::signed_integer:
      case sort::unsigned_integer:
        return is == sort::either_integer;
      case sort::signed_enum:
        return is == sort::signed_integer || is == sort::either_integer;
      case sort::either_enum:
        return is == sort::signed_integer || is == sort::unsigned_integer || is == sort::either_integer;
      default:
        return false;
    }
  }
};

/// The shape of a C++ type; of an enum, that of the integer behind it.
template <class T>
[[nodiscard]] constexpr element_shape shape_of() noexcept {
  using enum element_shape::sort;
  if constexpr (std::is_enum_v<T>)
    return shape_of<std::underlying_type_t<T>>();
  else if constexpr (std::is_same_v<T, char>)
    return {either_integer, sizeof(T)};
  else if constexpr (std::is_integral_v<T>)
    return {std::is_signed_v<T> ? signed_integer : unsigned_integer, sizeof(T)};
  else
    return {std::is_floating_point_v<T> ? floating : other, sizeof(T)};
}

/// The shape of a type of BTF.
[[nodiscard]] constexpr element_shape shape_of(const btf& types, u32 id) noexcept {
  using enum element_shape::sort;
  const btf_type found = types.resolve(id);
  const u64 size = types.size_of(id);
  switch (found.kind) {
    case abi::btf_kind::integer:
      return {types.form_of(id) == number_form::signed_number ? signed_integer : unsigned_integer, size};
    case abi::btf_kind::enumeration:
    case abi::btf_kind::enumeration64:
      return {types.is_flagged(found) ? signed_enum : either_enum, size};
    case abi::btf_kind::floating:
      return {floating, size};
    case abi::btf_kind::structure:
      return {structure, size};
    case abi::btf_kind::union_type:
      return {union_type, size};
    case abi::btf_kind::array:
      return {array, size};
    case abi::btf_kind::pointer:
      return {pointer, size};
    case abi::btf_kind::data_section:
      return {other, found.size_or_type};
    default:
      return {};
  }
}

/// The BTF that the kernel knows by this id, byte for byte.
/// Errors: EPERM without CAP_SYS_ADMIN; ENOENT when there is none; ENOMEM.
/// Cost:   three system calls and a close, one allocation of its size.
/// Kernel: 4.19, BPF_BTF_GET_FD_BY_ID.
/// Source: bpf_btf_get_fd_by_id() in kernel/bpf/syscall.c and btf_get_info_by_fd() in kernel/bpf/btf.c at v6.12.
[[nodiscard]] inline result<buffer<unsigned char>> get_btf(u32 id) noexcept {
  const abi::next_id wanted{.start_id = id};
  const long answer = move_away(sys_bpf(abi::command::btf_get_fd_by_id, wanted));
  if (answer < 0) return failure(step::btf_get_fd_by_id, answer);
  const fd opened = fd::own(answer);
  buffer<unsigned char> image;
  for (;;) {
    abi::btf_info info{.btf = image.data(), .btf_size = static_cast<u32>(image.size())};
    abi::obj_info ask{.bpf_fd = opened.raw(), .info_len = sizeof info, .info = &info};
    if (const long told = sys_bpf(abi::command::obj_get_info_by_fd, ask); told < 0)
      return failure(step::btf_get_fd_by_id, told);
    if (info.btf_size <= image.size()) return image;
    auto larger = buffer<unsigned char>::of(info.btf_size);
    if (!larger) return larger.error();
    image = std::move(*larger);
  }
}

/// Both sides of an adoption with `identity_and_btf` that failed with cause `another_map`.
struct btf_differences : map_differences {
  element_shape expected_key{}, found_key{};  ///< unknown where there was nothing to compare
  element_shape expected_value{}, found_value{};
  layout_difference key_member{}, value_member{};  ///< the first at a member, of cause none for none

  [[nodiscard]] constexpr bool any() const noexcept {
    return map_differences::any() || !expected_key.fits(found_key) || !expected_value.fits(found_value) ||
           key_member.why != cause::none || value_member.why != cause::none;
  }
};

namespace detail {

// A shape in words.
constexpr void write_shape(text_writer& out, const element_shape& shape) noexcept {
  using enum element_shape::sort;
  switch (shape.is) {
    case signed_integer:
    case unsigned_integer:
    case either_integer:
      out << (shape.is == signed_integer     ? text("a signed ")
              : shape.is == unsigned_integer ? text("an unsigned ")
                                             : text("a "))
          << shape.size * 8 << "-bit integer";
      return;
    case signed_enum:
      out << "a signed enum";
      break;
    case either_enum:
      out << "an enum";
      break;
    case floating:
      out << "a floating-point number";
      break;
    case structure:
      out << "a struct";
      break;
    case union_type:
      out << "a union";
      break;
    case array:
      out << "an array";
      break;
    case pointer:
      out << "a pointer";
      break;
    default:
      out << "a type";
      break;
  }
  out << " of " << shape.size << " bytes";
}

}  // namespace detail

/// Writes every difference into `buffer`: "max_entries: expected 8, found 4; key: expected a signed 32-bit integer,
/// found an unsigned 32-bit integer; value.packets: 8 bytes at 0 in the object, none in C++: ...". 1,536 bytes are always
/// enough.
constexpr text describe(const btf_differences& what, char* buffer, size_t size) noexcept {
  const map_differences& identity = what;
  const text first = describe(identity, buffer, size);
  detail::text_writer out(buffer + first.size(), size - first.size());
  bool after = !first.empty();
  const auto compare = [&](text word, const element_shape& expected, const element_shape& found) {
    if (expected.fits(found)) return;
    out << (after ? text("; ") : text()) << word << ": expected ";
    after = true;
    detail::write_shape(out, expected);
    detail::write_shape(out << ", found ", found);
  };
  compare("key", what.expected_key, what.found_key);
  compare("value", what.expected_value, what.found_value);
  const auto add = [&](text word, const layout_difference& member) {
    if (member.why == cause::none) return;
    char line[384];
    out << (after ? text("; ") : text()) << word << (text(member.member).empty() ? text(": ") : text("."))
        << describe(member, line, sizeof line);
    after = true;
  };
  add("key", what.key_member);
  add("value", what.value_member);
  return {buffer, first.size() + out.finish().size()};
}

namespace detail {

// What the library itself names, and what stands for something else, has no members of a user's.
template <class T>
inline constexpr const layout* members_of_element =
    std::is_class_v<T> && !is_compared_by_size<T> && !exchanged<T> ? &layout_of<T> : nullptr;

}  // namespace detail

/// Fills in the shapes that a map's BTF gives to its key and value, unknown ones where it gives none; and how their members
/// differ from those of `key` and `value`, which are null for what has none.
/// Errors: those of `get_btf`.
[[nodiscard]] inline result<void> find_shapes(const abi::map_info& info, btf_differences& both,
                                              const layout* key, const layout* value) noexcept {
  if (info.btf_id == 0) return {};
  const auto image = get_btf(info.btf_id);
  if (!image) return image.error();
  btf types;
  bytes content(image->data(), image->size());
  if constexpr (host_is_big_endian) content.read_big_endian();
  if (const verdict v = btf::open(content, 0, content.size(), types); v.failed())
    return error{.at = step::btf_get_fd_by_id, .why = v.why, .offset = v.offset};
  auto index = buffer<u32>::of(types.index_size());
  if (!index) return index.error();
  types.build_index(index->data());
  both.found_key = shape_of(types, info.btf_key_type_id);
  both.found_value = shape_of(types, info.btf_value_type_id);
  const auto compare = [&types](const layout* cxx, u32 id, layout_difference& found) {
    if (cxx != nullptr && id != 0) found = first_difference(types, id, *cxx);
  };
  compare(key, info.btf_key_type_id, both.key_member);
  compare(value, info.btf_value_type_id, both.value_member);
  return {};
}

/// How a map is looked at before it is adopted: by what it is, and by the types that its BTF gives to key and value:
/// `hits::get_pinned<barebpf::identity_and_btf>(path)`.
/// Shape:  integers and enums must agree in size and sign, structs member by member. A map without BTF has no types to
///         compare.
/// Errors: another_map, with both sides in `found` if given; those of `get_btf`, and the map is then not adopted.
/// Cost:   four system calls more where the map has BTF, and none where it has not.
struct identity_and_btf {
  using differences = btf_differences;

  template <class Key, class Value>
  [[nodiscard]] static result<kernel_name> check(int number, const map_identity& expected,
                                                 differences* found) noexcept {
    return check_shapes(number, expected, found, shape_of<Key>(), shape_of<Value>(),
                        detail::members_of_element<Key>, detail::members_of_element<Value>);
  }

 private:
  [[nodiscard]] static result<kernel_name> check_shapes(int number, const map_identity& expected,
                                                        differences* found, const element_shape& key,
                                                        const element_shape& value, const layout* key_members,
                                                        const layout* value_members) noexcept {
    const auto info = ask_about_map(number);
    if (!info) return info.error();
    differences both;
    both.expected = expected;
    both.found = identity_of(*info);
    both.expected_key = key;
    both.expected_value = value;
    // What is no map has no BTF either, whatever its bytes say.
    if (both.map_differences::any())
      if (const error why = detail::another_map(number, *info); why.why != cause::another_map) return why;
    if (const auto read = find_shapes(*info, both, key_members, value_members); !read)
      return read.error().about(info->name);
    if (!both.any()) return info->name;
    if (found != nullptr) *found = both;
    return error{.at = step::obj_get_info_by_fd, .why = cause::another_map}.about(info->name);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_TYPES_HPP
