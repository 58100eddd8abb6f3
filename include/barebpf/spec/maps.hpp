// SPDX-License-Identifier: MIT
// Room 4.1, spec/maps: the definitions in .maps, as BTF describes them.
#ifndef BAREBPF_SPEC_MAPS_HPP
#define BAREBPF_SPEC_MAPS_HPP

#include "record.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// The members that a map definition may have: what they are called, how they are written down in BTF, and
// where their number goes.
enum class map_member_form : u8 { number, long_number, key_or_value, slots };
struct map_member_row {
  text member;
  map_member_form form;
  u32 map_spec::*number = nullptr;
  u32 map_spec::*type = nullptr;
  number_form map_spec::*number_kind = nullptr;
};
inline constexpr map_member_row map_member_rows[] = {
    {"type", map_member_form::number, &map_spec::type},
    {"key", map_member_form::key_or_value, &map_spec::key_size, &map_spec::key_type, &map_spec::key_form},
    {"value", map_member_form::key_or_value, &map_spec::value_size, &map_spec::value_type,
     &map_spec::value_form},
    {"key_size", map_member_form::number, &map_spec::key_size},
    {"value_size", map_member_form::number, &map_spec::value_size},
    {"max_entries", map_member_form::number, &map_spec::max_entries},
    {"map_flags", map_member_form::number, &map_spec::map_flags},
    {"numa_node", map_member_form::number, &map_spec::numa_node},
    {"map_extra", map_member_form::long_number},
    {"pinning", map_member_form::number, &map_spec::pinning},
    {"values", map_member_form::slots},
};

// What __uint and __ulong write: the length of an array behind a pointer, or the one value of an enum.
constexpr bool read_map_number(const btf& types, u32 id, u64& out) noexcept {
  const btf_type form = types.resolve(id);
  if (form.kind == abi::btf_kind::pointer) {
    const btf_type array = types.resolve(form.size_or_type);
    out = types.length_of(array);
    return array.kind == abi::btf_kind::array;
  }
  const u64 value = form.tail() + 4;  // behind the enumerator's name
  if (form.kind == abi::btf_kind::enumeration && form.members == 1) {
    out = types.image().read32(value);
    return true;
  }
  if (form.kind == abi::btf_kind::enumeration64 && form.members == 1) {
    out = types.image().read32(value) | u64{types.image().read32(value + 4)} << 32;
    return true;
  }
  return false;
}

// What __array writes: an array without a length, of pointers; to a struct that describes a map, or to functions.
constexpr bool read_values(const btf& types, const btf_member& member, map_spec& out) noexcept {
  const btf_type array = types.resolve(member.type);
  if (array.kind != abi::btf_kind::array || types.length_of(array) != 0) return false;
  const btf_type pointer = types.resolve(types.element_of(array));
  if (pointer.kind != abi::btf_kind::pointer) return false;
  const btf_type target = types.resolve(pointer.size_or_type);
  const bool is_map = target.kind == abi::btf_kind::structure;
  const u32 bit = types.image().read32(member.at + 8);
  out.has_values = true;
  out.inner = is_map ? target.id : 0;
  out.slots_at = bit / 8;
  return bit % 64 == 0 && (is_map || target.kind == abi::btf_kind::function_prototype);
}

// Bit `n` of `seen` is set once the member of row `n` has been read: C has no struct with two of a name, and
// many members of one would be read again for each of many maps.
constexpr verdict read_map_member(const btf& types, u32 section, const btf_member& member, u32& seen,
                                  map_spec& out) noexcept {
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = member.at, .subject = member.name};
  };
  size_t known = 0;
  constexpr size_t rows = sizeof map_member_rows / sizeof map_member_rows[0];
  while (known < rows && !types.image().string_is(member.name, map_member_rows[known].member)) ++known;
  if (known == rows) return wrong(cause::unknown_map_member);
  if ((seen >> known & 1) != 0) return wrong(cause::bad_map_member);
  seen |= u32{1} << known;
  const map_member_row& row = map_member_rows[known];
  if (row.form == map_member_form::slots)
    return read_values(types, member, out) ? verdict{} : wrong(cause::bad_map_member);

  u64 number = 0;
  if (row.form == map_member_form::key_or_value) {
    const btf_type pointer = types.resolve(member.type);
    if (pointer.kind != abi::btf_kind::pointer) return wrong(cause::bad_map_member);
    if (types.resolve(pointer.size_or_type).kind == abi::btf_kind::forward)
      return wrong(cause::only_declared_type);
    number = types.size_of(pointer.size_or_type);
    if (number == 0) return wrong(cause::bad_map_member);
    out.*row.type = pointer.size_or_type;
    out.*row.number_kind = types.form_of(pointer.size_or_type);
  } else if (!read_map_number(types, member.type, number)) {
    return wrong(cause::bad_map_member);
  }
  if (row.form == map_member_form::long_number) {
    out.map_extra = number;
    return {};
  }
  const bool is_size = row.number == &map_spec::key_size || row.number == &map_spec::value_size;
  if (number > 0xffffffff) return wrong(cause::bad_map_member);
  if (is_size && out.*row.number != 0 && out.*row.number != number) return wrong(cause::two_sizes);
  if (row.number == &map_spec::pinning && number > 1) return wrong(cause::bad_pinning);
  out.*row.number = static_cast<u32>(number);
  return {};
}

constexpr verdict read_map_members(const btf& types, u32 section, const btf_type& definition,
                                   map_spec& out) noexcept {
  u32 seen = 0;
  for (u32 i = 0; i < definition.members; ++i)
    if (const verdict v = read_map_member(types, section, types.member(definition, i), seen, out); v.failed())
      return v;
  return {};
}

constexpr bool is_map_of_maps(u32 type) noexcept {
  return type == static_cast<u32>(map_type::array_of_maps) ||
         type == static_cast<u32>(map_type::hash_of_maps);
}

// Holds the member `values` against the type of the map, which may stand behind it.
constexpr verdict check_values(const btf& types, u32 section, map_spec& out) noexcept {
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = out.declared_at, .subject = out.name};
  };
  const bool holds_maps = is_map_of_maps(out.type);
  if (!holds_maps && out.type != static_cast<u32>(map_type::prog_array))
    return wrong(cause::values_not_wanted);
  if (holds_maps != (out.inner != 0)) return wrong(cause::wrong_values);
  if (out.value_size != 0 && out.value_size != sizeof(u32)) return wrong(cause::two_sizes);
  out.value_size = sizeof(u32);
  if (!holds_maps) return {};
  const btf_type definition = types.type(out.inner);
  map_spec inner{.name = out.name, .declared_at = definition.at};
  if (const verdict v = read_map_members(types, section, definition, inner); v.failed()) return v;
  const auto wrong_inside = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = definition.at, .subject = out.name};
  };
  if (inner.type == 0) return wrong_inside(cause::no_map_type);
  if (inner.has_values || is_map_of_maps(inner.type)) return wrong_inside(cause::maps_too_deep);
  if (inner.pinning != 0) return wrong_inside(cause::pinned_inner_map);
  return {};
}

// Where in its section the variable lies whose offset stands at `place` of a data section's layout. Compilers
// leave it to a relocation and linkers fill it in; relocations come in the order of the variables, so `next`
// only moves forward.
constexpr u64 variable_offset(const opened_object& object, u64 place, u64& next) noexcept {
  const u64 written = object.file.image().read32(place);
  const elf_section types = object.file.section(object.btf_relocations.info);
  for (; next < elf::relocation_count(object.btf_relocations); ++next) {
    const elf_relocation r = object.file.relocation(object.btf_relocations, next);
    if (types.at + r.offset == place) return object.file.symbol(r.symbol).value + written;
    if (types.at + r.offset > place) break;
  }
  return written;
}

constexpr verdict read_map(const opened_object& object, const btf_member& place, u64& next_relocation,
                           map_spec& out) noexcept {
  const btf& types = object.types;
  const btf_type variable = types.type(types.variable_of(place));
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = object.maps.index, .offset = variable.at, .subject = variable.name};
  };
  if (variable.kind != abi::btf_kind::variable)
    return {.why = cause::bad_btf_type, .section = object.maps.index, .offset = place.at};
  if (types.image().read32(variable.tail()) != abi::btf_variable_global) return wrong(cause::static_map);
  const btf_type definition = types.resolve(variable.size_or_type);
  if (definition.kind != abi::btf_kind::structure) return wrong(cause::map_is_no_struct);

  out.name = variable.name;
  out.declared_at = variable.at;
  out.offset = variable_offset(object, place.at + 4, next_relocation);
  if (out.offset > object.maps.size || definition.size_or_type > object.maps.size - out.offset ||
      out.offset % 8 != 0 || definition.size_or_type == 0)
    return wrong(cause::map_outside_section);
  if (const verdict v = read_map_members(types, object.maps.index, definition, out); v.failed()) return v;
  if (out.type == 0) return wrong(cause::no_map_type);
  return out.has_values ? check_values(types, object.maps.index, out) : verdict{};
}

// `map_slots[offset / 8]` becomes one more than the index of the map that begins there.
constexpr verdict read_maps(const opened_object& object, const object_slots& slots,
                            u64& next_relocation) noexcept {
  for (u32 i = 0; i < object.maps_layout.members; ++i) {
    map_spec& map = slots.maps[i];
    map = {};
    const btf_member place = object.types.member(object.maps_layout, i);
    if (const verdict v = read_map(object, place, next_relocation, map); v.failed()) return v;
    slots.map_slots[map.offset / 8] = i + 1;
  }
  return {};
}

// Maps as they were defined before BTF described them: five numbers at the place of a symbol, in a section of this
// name. What compilers, loaders and tools of those years put behind the five differs.
// Source: struct bpf_map_def in samples/bpf of Linux 4.1 to 5.18, struct bpf_elf_map of iproute2, gobpf's
//         bpf_map_def, whose sections are called maps/NAME; v4l-utils, which writes lirc_mode2/maps.
constexpr bool holds_legacy_maps(const elf& file, const elf_section& section) noexcept {
  if (section.type != abi::section_progbits || section.is_code()) return false;
  char room[64] = {};
  const text name(room, file.image().copy_string(section.name, room, sizeof room));
  constexpr text maps = "maps", behind = "/maps";
  if (name.starts_with(maps)) return name.size() == maps.size() || name[maps.size()] == '/';
  return name.size() > behind.size() && name.without_first(name.size() - behind.size()) == behind;
}
constexpr bool is_legacy_map(const elf& file, const elf_symbol& symbol) noexcept {
  const bool may_be = symbol.type == abi::symbol_object ||
                      (symbol.type == abi::symbol_no_type && symbol.binding != abi::symbol_local);
  return may_be && holds_legacy_maps(file, file.section(symbol.section));
}
constexpr bool has_legacy_maps(const elf& file) noexcept {
  for (u32 i = 1; i < file.section_count(); ++i)
    if (holds_legacy_maps(file, file.section(i))) return true;
  return false;
}
constexpr u32 count_legacy_maps(const elf& file) noexcept {
  u32 count = 0;
  if (has_legacy_maps(file))
    for (u32 i = 0; i < file.symbol_count(); ++i) count += is_legacy_map(file, file.symbol(i));
  return count;
}

// Reads the definition of `size` bytes at `out.declared_at`.
constexpr verdict read_legacy_map(const bytes& image, u64 size, map_spec& out) noexcept {
  const auto word = [&](u64 index) { return image.read32(out.declared_at + index * 4); };
  const auto wrong = [&](cause why = cause::bad_legacy_map) {
    return verdict{.why = why, .section = out.section, .offset = out.declared_at, .subject = out.name};
  };
  constexpr u64 without_flags = 16, with_flags = 20, of_iproute2 = 36, of_gobpf = 280;
  if (size < without_flags || size % 4 != 0) return wrong();
  out.type = word(0);
  if (out.type == 0) return wrong(cause::no_map_type);
  out.key_size = word(1);
  out.value_size = word(2);
  out.max_entries = word(3);
  if (size >= with_flags) out.map_flags = word(4);
  if (is_map_of_maps(out.type) && out.value_size == 0) out.value_size = sizeof(u32);
  u64 next = with_flags / 4;
  if (size == of_iproute2) {  // id, pinning, inner_id, inner_idx; an id by itself means nothing
    if (word(6) > 2) return wrong();
    out.pinning = word(6) != 0;
    next = 7;
  } else if (size == of_gobpf) {  // pinning and a folder; whoever gives a path of his own pins it himself
    if (word(5) > 3) return wrong();
    out.pinning = word(5) == 1 || word(5) == 2;
    next = of_gobpf / 4;
  }
  for (; next < size / 4; ++next)
    if (word(next) != 0) return wrong();
  return {};
}

// Appends all such maps; `maps` from `first` on are those that belong to a section and come in the order of those.
constexpr verdict add_legacy_maps(const elf& file, map_spec* maps, u32 first, u32& used) noexcept {
  if (!has_legacy_maps(file)) return {};
  for (u32 i = 0; i < file.symbol_count(); ++i) {
    const elf_symbol symbol = file.symbol(i);
    if (!is_legacy_map(file, symbol)) continue;
    const elf_section section = file.section(symbol.section);
    if (symbol.value >= section.size || symbol.size > section.size - symbol.value)
      return {.why = cause::map_outside_section,
              .section = section.index,
              .offset = symbol.at,
              .subject = symbol.name};
    maps[used++] = {.name = symbol.name,
                    .declared_at = section.at + symbol.value,
                    .offset = symbol.value,
                    .type = i,  // until it is read below, when the neighbours are known
                    .section = section.index};
  }
  sort_by_place(maps + first, used - first);
  for (u32 i = first; i < used; ++i) {
    map_spec& map = maps[i];
    if (map.origin != map_origin::declared) continue;
    u64 size = file.symbol(map.type).size;
    if (size == 0) {  // compilers before clang 8 told none
      const bool is_last = i + 1 == used || maps[i + 1].section != map.section;
      size = (is_last ? file.section(map.section).size : maps[i + 1].offset) - map.offset;
    }
    if (const verdict v = read_legacy_map(file.image(), size, map); v.failed()) return v;
  }
  return {};
}

// The map among `maps` from `first` on that belongs to the section and lies `offset` bytes into it, or `not_found`.
constexpr u32 find_section_map(const map_spec* maps, u32 first, u32 end, u32 section, u64 offset) noexcept {
  if (first >= end || offset > 0xffffffff) return not_found;
  const u64 place = u64{section} << 32 | offset;
  const u32 found = first + lower_bound_of_place(maps + first, end - first, place);
  return found < end && place_of(maps[found]) == place ? found : not_found;
}

}  // namespace detail

/// What the maps in the map of maps `outer` look like, as its definition says in `values`; one without a type where
/// it does not.
[[nodiscard]] constexpr map_spec inner_of(const btf& types, const map_spec& outer) noexcept {
  const btf_type definition = types.type(outer.inner);
  map_spec out{.name = outer.name, .declared_at = definition.at};
  static_cast<void>(detail::read_map_members(types, 0, definition, out));
  return out;
}

/// What BPF_MAP_CREATE is to be told of the pattern for maps in a map of maps, all but the BTF that describes it.
[[nodiscard]] constexpr abi::map_create to_inner_map_create(const bytes& image,
                                                            const map_spec& inner) noexcept {
  abi::map_create out = to_map_create(image, inner, {});
  out.map_name = inner_map_name(out.map_name);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_MAPS_HPP
