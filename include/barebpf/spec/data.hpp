// SPDX-License-Identifier: MIT
// Room 4.2, spec/data: global variables. Each section of them is a map with one value, and BTF, where there is
// some, tells what lies where in it.
#ifndef BAREBPF_SPEC_DATA_HPP
#define BAREBPF_SPEC_DATA_HPP

#include "maps.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Where the first values of an object's variables lie in one block of memory: those of each map one behind the
/// other, 16 bytes apart or a multiple of it.
struct data_layout {
  /// The largest alignment that a variable in the block can have.
  static constexpr u32 alignment = 16;

  u64 size = 0;  ///< bytes of the block

  /// Makes room for the value of `map` and tells where it begins.
  constexpr u64 add(const map_spec& map) noexcept {
    const u64 at = size;
    if (map.has_data()) size += (u64{map.value_size} + alignment - 1) / alignment * alignment;
    return at;
  }
};

namespace detail {

// What kind of map the section makes; `declared` when it makes none.
constexpr map_origin origin_of(const elf& file, const elf_section& section) noexcept {
  const auto is_called = [&](text wanted) {
    if (!file.image().string_starts_with(section.name, wanted)) return false;
    const u8 behind = file.image().read8(section.name + wanted.size());
    return behind == '\0' || behind == '.';
  };
  if (section.size == 0) return map_origin::declared;
  if (section.type == abi::section_nobits)
    return is_called(".bss") ? map_origin::zeros : map_origin::declared;
  if (section.type != abi::section_progbits || section.is_code()) return map_origin::declared;
  if (is_called(".rodata")) return map_origin::read_only_data;
  return is_called(".data") ? map_origin::data : map_origin::declared;
}

// Appends the maps of all such sections, in the order of the sections.
constexpr void add_data_maps(const elf& file, map_spec* maps, u32& used) noexcept {
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section section = file.section(i);
    const map_origin origin = origin_of(file, section);
    if (origin == map_origin::declared) continue;
    maps[used++] = {
        .name = section.name,
        .declared_at = section.at,
        .type = static_cast<u32>(map_type::array),
        .key_size = 4,
        .value_size = static_cast<u32>(section.size),
        .max_entries = 1,
        .map_flags = origin == map_origin::read_only_data ? u32{map_flag::rdonly_prog} : 0,
        .origin = origin,
        .section = i,
    };
  }
}

// `room` is how many bytes the section has.
constexpr verdict read_variable(const opened_object& object, const btf_member& place, u32 section, u64 room,
                                u64& next_relocation, variable_spec& out) noexcept {
  const btf& types = object.types;
  const u32 id = types.variable_of(place);
  const btf_type variable = types.type(id);
  if (variable.kind != abi::btf_kind::variable)
    return {.why = cause::bad_btf_type, .section = section, .offset = place.at};
  const u64 offset = variable_offset(object, place.at + 4, next_relocation);
  const u32 size = types.image().read32(place.at + 8);
  if (offset > room || size > room - offset)
    return {.why = cause::variable_outside_section,
            .section = section,
            .offset = variable.at,
            .subject = variable.name};
  out = {.name = variable.name,
         .declared_at = variable.at,
         .offset = static_cast<u32>(offset),
         .size = size,
         .id = id,
         .type = variable.size_or_type,
         .form = types.form_of(variable.size_or_type)};
  return {};
}

// The variables that one layout lists, sorted by their offset. Those that are not static can be reached from
// outside, so their map can be mapped.
constexpr verdict read_variables(const opened_object& object, const btf_type& layout, u32 map_index,
                                 const object_slots& slots, u32& used, u64& next_relocation) noexcept {
  map_spec& map = slots.maps[map_index];
  const bool is_arena = !map.is_for_variables();
  const u32 section = is_arena ? object.arena.index : map.section;
  if (!is_arena) map.value_type = layout.id;
  map.first_variable = used;
  for (u32 i = 0; i < layout.members; ++i) {
    variable_spec found;
    if (const verdict v = read_variable(object, object.types.member(layout, i), section,
                                        is_arena ? map.image_size : map.value_size, next_relocation, found);
        v.failed())
      return v;
    found.map = map_index;
    const u64 linkage = found.declared_at + abi::btf_type_record::size;
    if (!is_arena && object.types.image().read32(linkage) != abi::btf_variable_static)
      map.map_flags |= map_flag::mmapable;
    slots.variables[used++] = found;
  }
  map.variable_count = used - map.first_variable;
  sort_by_place(slots.variables + map.first_variable, map.variable_count);
  return {};
}

// The map of the options that the programs name: the externs of that kind are its variables, in their order.
constexpr void add_config_map(const opened_object& object, const object_slots& slots, u32 value_size,
                              object_facts& out) noexcept {
  map_spec& map = slots.maps[out.maps];
  map = {
      .name = object.config.name,
      .declared_at = object.config.at,
      .type = static_cast<u32>(map_type::array),
      .key_size = 4,
      .value_size = value_size,
      .max_entries = 1,
      .map_flags = u32{map_flag::rdonly_prog} | map_flag::mmapable,
      .value_type = object.config.id,
      .origin = map_origin::config,
      .section = not_found,  // of no section, and behind those that are found by theirs
      .first_variable = out.variables,
  };
  for (u32 i = 0; i < out.externs && slots.externs[i].kind == extern_kind::config; ++i) {
    const extern_spec& from = slots.externs[i];
    slots.variables[out.variables++] = {.name = from.name,
                                        .declared_at = from.declared_at,
                                        .map = out.maps,
                                        .offset = from.offset,
                                        .size = from.slot.size,
                                        .id = from.id,
                                        .type = from.type,
                                        .form = object.types.form_of(from.type)};
  }
  map.variable_count = out.variables - map.first_variable;
  ++out.maps;
}

// Structs of functions that the kernel calls. A question mark in front says: made only for those who ask for it.
constexpr bool is_called_operations(const bytes& image, u64 name) noexcept {
  const u64 at = name + (image.read8(name) == '?');
  return image.string_is(at, ".struct_ops") || image.string_is(at, ".struct_ops.link");
}

// Appends a map for each such struct in one of their sections.
constexpr verdict add_operations(const opened_object& object, const btf_type& layout, map_spec* maps,
                                 u32& used, u64& next_relocation) noexcept {
  const btf& types = object.types;
  const elf_section section = object.file.find_section(layout.name);
  if (section.index == 0) return {};
  if (const verdict v = object.file.demand_type(section, abi::section_progbits); v.failed()) return v;
  const bool is_optional = types.image().read8(layout.name) == '?';
  const bool is_linked = types.image().string_is(layout.name + is_optional, ".struct_ops.link");
  for (u32 i = 0; i < layout.members; ++i) {
    const btf_member place = types.member(layout, i);
    const btf_type variable = types.type(types.variable_of(place));
    const auto wrong = [&](cause why) {
      return verdict{.why = why, .section = section.index, .offset = variable.at, .subject = variable.name};
    };
    if (variable.kind != abi::btf_kind::variable)
      return {.why = cause::bad_btf_type, .section = section.index, .offset = place.at};
    const btf_type operations = types.resolve(variable.size_or_type);
    const u32 size = operations.size_or_type;
    if (operations.kind != abi::btf_kind::structure || size == 0)
      return wrong(cause::operations_are_no_struct);
    const u64 offset = variable_offset(object, place.at + 4, next_relocation);
    if (offset > section.size || size > section.size - offset) return wrong(cause::variable_outside_section);
    maps[used++] = {.name = variable.name,
                    .declared_at = variable.at,
                    .offset = offset,
                    .type = static_cast<u32>(map_type::struct_ops),
                    .key_size = 4,
                    .value_size = size,  // until the kernel's is known
                    .max_entries = 1,
                    .map_flags = is_linked ? u32{map_flag::link} : 0,
                    .value_type = operations.id,
                    .origin = map_origin::operations,
                    .section = section.index,
                    .image_at = section.at + offset,
                    .image_size = size,
                    .is_optional = is_optional};
  }
  return {};
}

// Puts them in order. None lies over another one, so all of them together are no larger than their sections.
constexpr verdict sort_operations(map_spec* maps, u32 first, u32 end) noexcept {
  if (first == end) return {};
  sort_by_place(maps + first, end - first);
  for (u32 i = first + 1; i < end; ++i)
    if (maps[i].section == maps[i - 1].section &&
        maps[i].offset - maps[i - 1].offset < maps[i - 1].image_size)
      return {.why = cause::operations_overlap,
              .section = maps[i].section,
              .offset = maps[i].image_at,
              .subject = maps[i].name};
  return {};
}

// Finds the arena that holds the variables of .addr_space.1.
constexpr verdict find_arena(opened_object& object, const object_slots& slots) noexcept {
  if (object.arena.index == 0 || object.arena.size == 0) return {};
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = object.arena.index, .offset = object.arena.at};
  };
  if (object.arena.size > 0xffffffff) return wrong(cause::bad_section_header);
  for (u32 i = 0; i < object.maps_layout.members; ++i) {
    if (slots.maps[i].type != static_cast<u32>(map_type::arena)) continue;
    if (object.arena_map != not_found) return wrong(cause::two_arenas);
    object.arena_map = i;
  }
  if (object.arena_map == not_found) return wrong(cause::no_arena);
  map_spec& found = slots.maps[object.arena_map];
  if (object.arena.type != abi::section_nobits) found.image_at = object.arena.at;
  found.image_size = static_cast<u32>(object.arena.size);
  return {};
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_DATA_HPP
