// SPDX-License-Identifier: MIT
// Room 3.12, field: a member of a value by its name, "ports[1].source", as the object's types tell where it lies; and
// numbers out of bytes and into them.
#ifndef BAREBPF_FIELD_HPP
#define BAREBPF_FIELD_HPP

#include "btf.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What a field holds, as far as one word can.
enum class field_sort : u8 {
  other,  ///< structs, unions, arrays, and numbers of 16 bytes
  signed_number,
  unsigned_number,  ///< and pointers
  boolean,
  floating,
};

/// Where a member lies in a value.
struct field {
  cause why = cause::none;  ///< what is wrong with the path
  u32 type = 0;             ///< its id
  u32 bit = 0;              ///< from the start of the value
  u32 width = 0;            ///< bits of a bit field, 0 for all others
  u32 size = 0;             ///< bytes
  field_sort sort = field_sort::other;
};

/// What a value of the type with this id is.
[[nodiscard]] constexpr field_sort sort_of_field(const btf& types, u32 id) noexcept {
  using enum field_sort;
  const btf_type found = types.resolve(id);
  if (types.size_of(id) > 8) return other;
  switch (found.kind) {
    case abi::btf_kind::integer:
      if (types.is_encoded(found, abi::btf_integer_is_bool)) return boolean;
      return types.is_encoded(found, abi::btf_integer_is_signed) ? signed_number : unsigned_number;
    case abi::btf_kind::enumeration:
    case abi::btf_kind::enumeration64:
      return types.is_flagged(found) ? signed_number : unsigned_number;
    case abi::btf_kind::pointer:
      return unsigned_number;
    case abi::btf_kind::floating:
      return floating;
    default:
      return other;
  }
}

namespace detail {

// The member called `wanted`, also of structs and unions without a name in `type`; false when there is none.
constexpr bool find_member(const btf& types, const btf_type& type, text wanted, u32 depth,
                           field& out) noexcept {
  constexpr u32 deepest = 16;
  for (u32 i = 0; i < type.members; ++i) {
    const btf_member member = types.member(type, i);
    const btf::bit_range place = types.place_of(type, member);
    if (types.image().string_is(member.name, wanted)) {
      out.type = member.type;
      out.bit += place.bit;
      out.width = place.width;
      return true;
    }
    if (types.image().read8(member.name) != 0 || depth == deepest) continue;
    const btf_type inner = types.resolve(member.type);
    if (inner.kind != abi::btf_kind::structure && inner.kind != abi::btf_kind::union_type) continue;
    field deeper = out;
    deeper.bit += place.bit;
    if (!find_member(types, inner, wanted, depth + 1, deeper)) continue;
    out = deeper;
    return true;
  }
  return false;
}

}  // namespace detail

/// Finds the field that `path` names in the type with this id: members, with a dot between them, and elements by their
/// number in brackets. An empty path is the value itself.
/// Errors: `why` is no_such_member, bad_field_path or element_past_end.
[[nodiscard]] constexpr field find_field(const btf& types, u32 id, text path) noexcept {
  field out{.type = id};
  size_t at = 0;
  while (at < path.size()) {
    const btf_type within = types.resolve(out.type);
    const bool is_element = path[at] == '[';
    if (is_element) {
      u64 index = 0;
      const size_t first = ++at;
      for (; at < path.size() && path[at] >= '0' && path[at] <= '9'; ++at)
        if (index <= 0xffffffff) index = index * 10 + static_cast<u64>(path[at] - '0');
      if (at == first || at == path.size() || path[at] != ']' || within.kind != abi::btf_kind::array)
        return {.why = cause::bad_field_path};
      ++at;
      if (index >= types.length_of(within)) return {.why = cause::element_past_end};
      out.type = types.element_of(within);
      out.bit += static_cast<u32>(index) * types.size_of(out.type) * 8;
    } else {
      if (at != 0 && path[at] == '.') ++at;
      size_t end = at;
      while (end < path.size() && path[end] != '.' && path[end] != '[') ++end;
      const bool has_members =
          within.kind == abi::btf_kind::structure || within.kind == abi::btf_kind::union_type;
      if (end == at || out.width != 0) return {.why = cause::bad_field_path};
      if (!has_members || !detail::find_member(types, within, {path.data() + at, end - at}, 0, out))
        return {.why = cause::no_such_member};
      at = end;
    }
  }
  out.size = types.size_of(out.type);
  out.sort = sort_of_field(types, out.type);
  return out;
}

/// The number in a field of `value`, its sign in all bits of the word; of bytes that are not there, zero.
/// Shape: `where` has a sort that is a number, and no path of `why`; floating-point numbers are their bits.
[[nodiscard]] constexpr u64 read_field(const unsigned char* value, const field& where) noexcept {
  u64 out = 0;
  const u32 first = where.bit / 8;
  const u32 bits = where.width != 0 ? where.width : where.size * 8;
  // A bit field may begin anywhere, and reach over nine bytes.
  const u32 in_front = where.bit % 8;
  for (u32 i = 0; i < bits; ++i) {
    const u32 bit = in_front + i;
    const u32 byte = first + bit / 8;
    if (host_is_big_endian)
      out = out << 1 | (value[byte] >> (7 - bit % 8) & 1u);
    else
      out |= u64{value[byte] >> (bit % 8) & 1u} << i;
  }
  if (where.sort == field_sort::signed_number && bits < 64 && (out >> (bits - 1) & 1) != 0)
    out |= ~u64{0} << bits;
  return out;
}

/// Puts a number into a field of `value`; what does not fit is cut off.
constexpr void write_field(unsigned char* value, const field& where, u64 number) noexcept {
  const u32 first = where.bit / 8;
  const u32 bits = where.width != 0 ? where.width : where.size * 8;
  const u32 in_front = where.bit % 8;
  for (u32 i = 0; i < bits; ++i) {
    const u32 bit = in_front + i;
    const u32 shift = host_is_big_endian ? 7 - bit % 8 : bit % 8;
    const u64 one = number >> (host_is_big_endian ? bits - 1 - i : i) & 1;
    unsigned char& byte = value[first + bit / 8];
    byte = static_cast<unsigned char>((byte & ~(1u << shift)) | static_cast<unsigned>(one) << shift);
  }
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_FIELD_HPP
