// SPDX-License-Identifier: MIT
// Room 4.4, spec: reads a BPF object in two passes, `measure` and `read`, into storage that the caller owns:
// arrays when the compiler reads, the heap when the program does. Makes no system call, so the same file is
// the same spec everywhere.
#ifndef BAREBPF_SPEC_HPP
#define BAREBPF_SPEC_HPP

#include "spec/code.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Finds the layouts of .maps and of the sections of variables.
constexpr void find_layouts(opened_object& out) noexcept {
  for (btf_type type = out.types.first_data_section(); type.id != 0; type = out.types.after(type)) {
    if (type.kind != abi::btf_kind::data_section) continue;
    if (out.first_layout.id == 0) out.first_layout = type;
    if (out.maps_layout.id == 0 && out.types.image().string_is(type.name, ".maps"))
      out.maps_layout = type;
    else if (is_called_operations(out.types.image(), type.name) &&
             out.file.find_section(type.name).index != 0)
      out.operations += type.members;
    else
      out.variables += type.members;
    if (out.config.id == 0 && out.types.image().string_is(type.name, ".kconfig")) out.config = type;
    if (out.arena_layout.id == 0 && out.types.image().string_is(type.name, ".addr_space.1"))
      out.arena_layout = type;
    if (out.symbols.id == 0 && out.types.image().string_is(type.name, ".ksyms")) out.symbols = type;
  }
}

constexpr verdict open_object(bytes image, opened_object& out) noexcept {
  if (const verdict v = elf::open(image, out.file); v.failed()) return v;
  out.maps = out.file.find_section(".maps");
  const elf_section types = out.file.find_section(".BTF");
  const elf_section ext = out.file.find_section(".BTF.ext");
  out.btf_relocations = out.file.find_section(".rel.BTF");
  out.arena = out.file.find_section(".addr_space.1");
  out.types_section = types.index;
  if (const verdict v = out.file.demand_type(out.maps, abi::section_progbits); v.failed()) return v;
  if (out.btf_relocations.type != abi::section_rel) out.btf_relocations = {};
  if (types.index != 0)
    if (const verdict v = btf::open(out.file, types, out.types); v.failed()) return v;
  if (types.index != 0 && ext.index != 0)
    if (const verdict v = btf_ext::open(out.file, ext, out.types, out.ext); v.failed()) return v;
  find_layouts(out);
  if (out.maps.index != 0 && out.maps_layout.id == 0)
    return {.why = cause::no_btf, .section = out.maps.index, .offset = out.maps.at};
  if (out.maps.index == 0) out.maps_layout = {};
  return {};
}

// An extern is missed when a symbol that is not weak names it. Of one that no symbol names, only BTF tells.
constexpr void demand_externs(const elf& file, const object_slots& slots,
                              const object_facts& facts) noexcept {
  if (facts.externs == 0) return;
  for (u32 i = 1; i < file.symbol_count(); ++i) {
    const elf_symbol symbol = file.symbol(i);
    if (symbol.section != abi::section_undefined || symbol.binding == abi::symbol_weak) continue;
    const u32 found =
        find_extern(file.image(), slots.externs, slots.extern_names, facts.externs, symbol.name);
    if (found != not_found) slots.externs[found].is_weak = false;
  }
}

// The first name of a source file that the symbols tell.
constexpr u64 find_source(const elf& file) noexcept {
  for (u32 i = 1, count = file.symbol_count(); i < count; ++i)
    if ((file.symbol_head(i).info & 15) == abi::symbol_file) return file.symbol(i).name;
  return 0;
}

}  // namespace detail

/// Where the license of an object stands in the file, 0 when it has none.
[[nodiscard]] constexpr u64 find_license(const elf& file) noexcept {
  const elf_section license = file.find_section("license");
  return license.type == abi::section_progbits ? license.at : 0;
}

/// First pass: checks what can be checked without storage, and tells how much storage `read` needs.
/// Cost: linear in sections, symbols and types.
constexpr verdict measure(const detail::opened_object& object, object_shape& out) noexcept {
  const elf& file = object.file;
  out = {.maps = object.maps_layout.members,
         .variables = object.variables,
         .externs = object.config.members + object.symbols.members,
         .map_slots = static_cast<u32>((object.maps.size + 7) / 8),
         .type_index = object.types.index_size(),
         .types = object.types.count(),
         .types_size = static_cast<u32>(object.types.types_size())};
  // A map's definition takes at least 8 bytes, so a larger count is a lie that would cost memory.
  if (out.maps > out.map_slots)
    return {.why = cause::map_outside_section, .section = object.maps.index, .offset = object.maps_layout.at};
  if (object.config.members != 0) ++out.maps;
  out.maps += object.operations;
  for (u32 i = 0, count = file.symbol_count(); i < count; ++i) {
    if (!detail::is_function(file, i)) continue;
    ++out.functions;
    out.programs += detail::is_program(file, file.symbol(i));
  }
  if (out.functions == 1) out.programs = 1;  // see is_alone
  btf_ext_run run;
  for (btf_ext_table walk = object.ext.lines; walk.next(object.types, run);) out.lines += run.count;
  for (btf_ext_table walk = object.ext.core; walk.next(object.types, run);) out.cores += run.count;
  u64 references = 0, filled_slots = 0;
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section s = file.section(i);
    if (s.type == abi::section_rel && file.section(s.info).is_code()) references += elf::relocation_count(s);
    if (detail::fills_slots(object, s) || detail::fills_operations(object, s))
      filled_slots += elf::relocation_count(s);
    if (references + filled_slots >
        file.image().size() / abi::elf_relocation_record::size)  // sections lie over each other
      return {.why = cause::bad_section_header, .section = i, .offset = s.at};
    if (detail::origin_of(file, s) == map_origin::declared) continue;
    // Nothing in the file bounds the size of a section that it does not hold, nor its place.
    if (s.size > 0xffffffff) return {.why = cause::bad_section_header, .section = i, .offset = s.name};
    ++out.maps;
  }
  out.maps += detail::count_legacy_maps(file);
  out.references = static_cast<u32>(references);
  out.filled_slots = static_cast<u32>(filled_slots);
  return {};
}

/// Second pass: fills `slots`, which are as large as `measure` said.
/// Cost: linear in the file, but for sorting what is not sorted.
constexpr verdict read(const detail::opened_object& opened, const object_slots& slots,
                       object_facts& out) noexcept {
  detail::opened_object object = opened;
  object.types.build_index(slots.type_index);
  out = {.image = object.file.image(),
         .types = object.types,
         .license = find_license(object.file),
         .source = detail::find_source(object.file),
         .line_size = object.ext.lines.record_size,
         .maps = object.maps_layout.members};
  detail::add_data_maps(object.file, slots.maps, out.maps);
  if (const verdict v =
          detail::add_legacy_maps(object.file, slots.maps, object.maps_layout.members, out.maps);
      v.failed())
    return v;
  object.section_maps = out.maps;
  u32 config_size = 0;
  if (const verdict v =
          detail::read_externs(object.types, object.config, object.symbols, object.types_section,
                               slots.externs, slots.extern_names, out.externs, config_size);
      v.failed())
    return v;
  detail::demand_externs(object.file, slots, out);
  // Layouts are read in the order in which they stand, because their relocations come in it too.
  u64 next_relocation = 0;
  for (btf_type layout = object.first_layout; layout.id != 0; layout = object.types.after(layout)) {
    if (layout.kind != abi::btf_kind::data_section) continue;
    if (layout.id == object.maps_layout.id) {
      if (const verdict v = detail::read_maps(object, slots, next_relocation); v.failed()) return v;
      continue;
    }
    if (detail::is_called_operations(out.image, layout.name)) {
      if (const verdict v = detail::add_operations(object, layout, slots.maps, out.maps, next_relocation);
          v.failed())
        return v;
      continue;
    }
    const elf_section section = object.file.find_section(layout.name);
    const u32 map = section.index == 0 ? not_found
                                       : detail::find_section_map(slots.maps, object.maps_layout.members,
                                                                  object.section_maps, section.index, 0);
    if (map == not_found || slots.maps[map].origin == map_origin::declared) continue;
    if (const verdict v = detail::read_variables(object, layout, map, slots, out.variables, next_relocation);
        v.failed())
      return v;
  }
  if (const verdict v = detail::sort_operations(slots.maps, object.section_maps, out.maps); v.failed())
    return v;
  if (const verdict v = detail::find_arena(object, slots); v.failed()) return v;
  if (object.arena_map != not_found && object.arena_layout.id != 0) {
    next_relocation = 0;  // which map is the arena is known only now
    if (const verdict v = detail::read_variables(object, object.arena_layout, object.arena_map, slots,
                                                 out.variables, next_relocation);
        v.failed())
      return v;
  }
  if (object.config.members != 0) detail::add_config_map(object, slots, config_size, out);
  if (const verdict v = detail::read_functions(object.file, slots, out); v.failed()) return v;
  if (const verdict v = detail::read_references(object, slots, out); v.failed()) return v;
  if (const verdict v = detail::read_slots(object, slots, out); v.failed()) return v;
  if (const verdict v = detail::read_operations(object, slots, out); v.failed()) return v;
  if (const verdict v = detail::read_cores(object, slots, out); v.failed()) return v;
  detail::read_code_types(object, slots, out);
  return {};
}

/// Both passes for who has only the image.
constexpr verdict measure(bytes image, object_shape& out) noexcept {
  detail::opened_object opened;
  if (const verdict v = detail::open_object(image, opened); v.failed()) return v;
  return measure(opened, out);
}
constexpr verdict read(bytes image, const object_slots& slots, object_facts& out) noexcept {
  detail::opened_object opened;
  if (const verdict v = detail::open_object(image, opened); v.failed()) return v;
  return read(opened, slots, out);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_HPP
