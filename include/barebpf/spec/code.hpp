// SPDX-License-Identifier: MIT
// Room 4.3, spec/code: functions, the programs among them, and what their instructions refer to. Both lists
// are sorted by place, so that whoever holds an instruction finds its function and its reference by halving.
#ifndef BAREBPF_SPEC_CODE_HPP
#define BAREBPF_SPEC_CODE_HPP

#include "../core_path.hpp"
#include "data.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Compilers before clang 8 did not say of functions that they are; then only their names tell them from the labels of
// the compiler's own.
constexpr bool is_function(const elf& file, u32 symbol) noexcept {
  constexpr text label = "LBB", other_label = ".L";
  const elf_symbol_head head = file.symbol_head(symbol);
  const u8 type = head.info & 15;
  if (type != abi::symbol_function) {
    if (type != abi::symbol_no_type) return false;
    const u64 name = file.symbol_name(head);
    const bool is_label =
        head.info >> 4 == abi::symbol_local &&
        (file.image().string_starts_with(name, label) || file.image().string_starts_with(name, other_label));
    if (is_label) return false;
  }
  return file.is_code(head.section);
}
// A function that the kernel is to load as a program. What is in .text, and what is static, is there to be
// called by others.
constexpr bool is_program(const elf& file, const elf_symbol& function) noexcept {
  return function.binding != abi::symbol_local &&
         !file.image().string_is(file.section(function.section).name, ".text");
}

constexpr verdict read_function(const elf& file, const elf_symbol& symbol, function_spec& out) noexcept {
  const elf_section section = file.section(symbol.section);
  const bool has_size = symbol.size != 0 || symbol.type == abi::symbol_no_type;
  if (!has_size || symbol.size % 8 != 0 || symbol.value % 8 != 0 || symbol.value > section.size ||
      symbol.size > section.size - symbol.value)
    return {.why = cause::bad_program, .section = section.index, .offset = symbol.at, .subject = symbol.name};
  out = {.name = symbol.name,
         .at = section.at + symbol.value,
         .instruction_count = static_cast<u32>(symbol.size / sizeof(abi::insn)),
         .section = section.index,
         .section_at = section.at,
         .symbol = symbol.at,
         .is_hidden = symbol.is_hidden,
         .is_program = is_program(file, symbol)};
  return {};
}

constexpr u64 end_of(const function_spec& function) noexcept {
  return function.at + u64{function.instruction_count} * sizeof(abi::insn);
}

// A function whose symbol has no size goes on to the next one, or to the end of its section.
constexpr u32 count_to_next(const elf& file, const function_spec& function,
                            const function_spec* next) noexcept {
  const elf_section section = file.section(function.section);
  u64 end = section.at + section.size;
  if (next != nullptr && next->at < end) end = next->at;
  return static_cast<u32>((end - function.at) / sizeof(abi::insn));
}

// What the name of a section says of the programs in it.
constexpr program_spec read_section(const elf& file, u32 index) noexcept {
  const elf_section section = file.section(index);
  // Long enough for every prefix and to see whether something follows.
  char room[64] = {};
  text name(room, file.image().copy_string(section.name, room, sizeof room));
  const bool optional = is_optional(name);
  if (optional) name = name.without_first(1);
  const section_kind kind = section_kind_of(name);
  const size_t place = place_in(name, kind);
  return {.section_name = section.name,
          .place = place == name.size() ? 0 : section.name + optional + place,
          .kind = kind,
          .is_optional = optional};
}

// The only function of an object is there to be called by the kernel, even in .text; that is how libbpf sees it too.
constexpr bool is_alone(const elf& file, u32 section) noexcept {
  return file.image().string_is(file.section(section).name, ".text");
}

constexpr verdict read_functions(const elf& file, const object_slots& slots, object_facts& out) noexcept {
  u64 instructions = 0;
  const auto bad = [&](const function_spec& function) {
    return verdict{.why = cause::bad_program,
                   .section = function.section,
                   .offset = function.symbol,
                   .subject = function.name};
  };
  const auto are_too_many = [&] { return instructions > file.image().size() / sizeof(abi::insn); };
  for (u32 i = 0, count = file.symbol_count(); i < count; ++i) {
    if (!is_function(file, i)) continue;
    const elf_symbol symbol = file.symbol(i);
    function_spec& function = slots.functions[out.functions++];
    if (const verdict v = read_function(file, symbol, function); v.failed()) return v;
    instructions += function.instruction_count;
    if (are_too_many()) return bad(function);  // they lie over each other
  }
  sort_by_place(slots.functions, out.functions);
  const u32 found = out.functions;
  out.functions = 0;
  for (u32 i = 0; i < found; ++i) {
    function_spec function = slots.functions[i];
    if (function.instruction_count == 0) {
      const function_spec* const next = i + 1 < found ? &slots.functions[i + 1] : nullptr;
      const bool is_label = (next != nullptr && next->at == function.at) ||
                            (out.functions != 0 && function.at < end_of(slots.functions[out.functions - 1]));
      if (is_label) continue;
      function.instruction_count = count_to_next(file, function, next);
      instructions += function.instruction_count;
      if (function.instruction_count == 0 || are_too_many()) return bad(function);
    }
    if (found == 1) function.is_program = function.is_program || is_alone(file, function.section);
    if (function.is_program) {
      program_spec& program = slots.programs[out.programs++];
      const bool is_next = out.functions != 0 && slots.functions[out.functions - 1].is_program &&
                           slots.functions[out.functions - 1].section == function.section;
      // Of many in one section, the name of that is looked at once.
      program = is_next ? slots.programs[out.programs - 2] : read_section(file, function.section);
      program.name = function.name;
      program.function = out.functions;
    }
    slots.functions[out.functions++] = function;
  }
  return {};
}

// Whether the section is one of relocations that say what stands in `values`.
constexpr bool fills_slots(const opened_object& object, const elf_section& section) noexcept {
  return section.type == abi::section_rel && object.maps.index != 0 && section.info == object.maps.index;
}

// The function that begins at `at`, or `not_found`.
constexpr u32 function_at(const function_spec* functions, u32 count, u64 at) noexcept {
  const u32 found = lower_bound_of_place(functions, count, at);
  return found < count && functions[found].at == at ? found : not_found;
}

// Finds out what the relocation at `out.at` in the function `around` against the symbol `out.target` means.
constexpr verdict read_reference(const opened_object& object, const object_slots& slots,
                                 const object_facts& facts, const function_spec& around,
                                 const abi::insn& instruction, reference& out) noexcept {
  const elf& file = object.file;
  const bytes& image = file.image();
  const elf_symbol symbol = file.symbol(out.target);
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = around.section, .offset = out.at, .subject = symbol.name};
  };
  if (out.target >= file.symbol_count()) return wrong(cause::bad_symbol);
  if ((out.at - around.at) % sizeof(abi::insn) != 0) return wrong(cause::bad_relocation);
  const bool is_in_maps = object.maps.index != 0 && symbol.section == object.maps.index;
  const elf_section section = is_in_maps ? object.maps : file.section(symbol.section);
  const bool has_second_half = (out.at - around.at) / sizeof(abi::insn) + 1 < around.instruction_count;
  const auto point_to = [&](reference_kind kind, u32 target, u64 offset) {
    out.kind = kind;
    out.target = target;
    out.offset = static_cast<u32>(offset);
    return target == not_found ? wrong(cause::bad_relocation) : verdict{};
  };
  if (symbol.section == abi::section_undefined) {
    const u32 found = find_extern(image, slots.externs, slots.extern_names, facts.externs, symbol.name);
    if (found == not_found) return wrong(cause::undefined_symbol);
    const extern_spec& wanted = slots.externs[found];
    const bool is_call = instruction.opcode == abi::opcode_call && wanted.kind == extern_kind::function;
    if (!is_call && (instruction.opcode != abi::opcode_ld_imm64 || !has_second_half))
      return wrong(cause::bad_relocation);
    if (wanted.kind != extern_kind::config) return point_to(reference_kind::external, found, 0);
    const u64 offset = u64{wanted.offset} + static_cast<u32>(instruction.immediate);
    const map_spec& holder = slots.maps[facts.maps - 1];
    return point_to(reference_kind::value, offset <= holder.value_size ? facts.maps - 1 : not_found, offset);
  }
  // A symbol of a whole section leaves the offset to the instruction: in bytes for an address, and for a call
  // in instructions from the one behind it.
  if (instruction.opcode == abi::opcode_call && instruction.source() == abi::pseudo_call) {
    if (!section.is_code()) return wrong(cause::bad_relocation);
    const s64 from_start = (s64{instruction.immediate} + 1) * s64{sizeof(abi::insn)};
    const u64 place = section.at + symbol.value + static_cast<u64>(from_start);
    return point_to(reference_kind::call, function_at(slots.functions, facts.functions, place), 0);
  }
  if (instruction.opcode != abi::opcode_ld_imm64 || !has_second_half) return wrong(cause::bad_relocation);
  const u64 offset = symbol.value + static_cast<u32>(instruction.immediate);
  if (is_in_maps) {
    const bool is_map = offset < object.maps.size && offset % 8 == 0 && slots.map_slots[offset / 8] != 0;
    return point_to(reference_kind::map, is_map ? slots.map_slots[offset / 8] - 1 : not_found, 0);
  }
  if (section.is_code())
    return point_to(reference_kind::function,
                    function_at(slots.functions, facts.functions, section.at + offset), 0);
  if (section.index == object.arena.index && object.arena_map != not_found)
    return point_to(reference_kind::value, offset <= section.size ? object.arena_map : not_found, offset);
  if (image.string_is(section.name, ".jumptables")) return wrong(cause::jump_tables);
  const auto find_map = [&](u64 place) {
    return find_section_map(slots.maps, object.maps_layout.members, object.section_maps, section.index,
                            place);
  };
  const u32 holder = find_map(0);
  if (holder == not_found || slots.maps[holder].origin == map_origin::declared) {
    const u32 named = find_map(offset);
    if (named == not_found && !holds_legacy_maps(file, section))
      return wrong(cause::relocation_not_loaded_yet);
    return point_to(reference_kind::map, named, 0);
  }
  // One past the end is an address that C allows to take.
  return point_to(reference_kind::value, offset <= section.size ? holder : not_found, offset);
}

// What the addresses of symbols mean, of those that were asked for last: many instructions name the same few.
struct known_addresses {
  static constexpr u32 slots = 64;

  u32 symbols[slots] = {};  // 0, that of no symbol, for none
  reference meanings[slots];
};

constexpr verdict read_references(const opened_object& object, const object_slots& slots,
                                  object_facts& out) noexcept {
  const elf& file = object.file;
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section relocations = file.section(i);
    const elf_section code = file.section(relocations.info);
    if (relocations.type != abi::section_rel || !code.is_code()) continue;
    for (u64 k = 0, count = elf::relocation_count(relocations); k < count; ++k) {
      const elf_relocation r = file.relocation(relocations, k);
      if (r.offset >= code.size) continue;
      slots.references[out.references++] = {.at = code.at + r.offset, .target = r.symbol};
    }
  }
  sort_by_place(slots.references, out.references);
  known_addresses known;
  u32 behind = 0;  // the first function that begins behind the reference
  for (u32 i = 0; i < out.references; ++i) {
    reference& next = slots.references[i];
    while (behind < out.functions && slots.functions[behind].at <= next.at) ++behind;
    if (behind == 0) continue;
    const function_spec& around = slots.functions[behind - 1];
    if (next.at >= end_of(around)) continue;
    const abi::insn instruction = read_instruction(file.image(), next.at);
    // Of an address without an offset, at a place like any other.
    const u32 symbol = next.target, slot = symbol % known_addresses::slots;
    const bool is_plain = instruction.opcode == abi::opcode_ld_imm64 && instruction.immediate == 0 &&
                          (next.at - around.at) % sizeof(abi::insn) == 0 &&
                          end_of(around) - next.at >= 2 * sizeof(abi::insn);
    if (is_plain && symbol != 0 && known.symbols[slot] == symbol) {
      const reference& meaning = known.meanings[slot];
      next = {.at = next.at, .kind = meaning.kind, .target = meaning.target, .offset = meaning.offset};
      continue;
    }
    if (const verdict v = read_reference(object, slots, out, around, instruction, next); v.failed()) return v;
    if (!is_plain) continue;
    known.symbols[slot] = symbol;
    known.meanings[slot] = next;
  }
  for (u32 i = 0; i < out.functions; ++i) {
    function_spec& function = slots.functions[i];
    const u64 end = function.at + u64{function.instruction_count} * sizeof(abi::insn);
    function.first_reference = lower_bound_of_place(slots.references, out.references, function.at);
    function.reference_count =
        lower_bound_of_place(slots.references, out.references, end) - function.first_reference;
  }
  return {};
}

// Finds out which slot of the map the relocation at `out.at` fills, and what the symbol `out.target` puts there.
constexpr verdict read_slot(const opened_object& object, const object_slots& slots, const object_facts& facts,
                            const map_spec& map, filled_slot& out) noexcept {
  const elf& file = object.file;
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = object.maps.index, .offset = out.at, .subject = map.name};
  };
  const u64 first = object.maps.at + map.offset + map.slots_at;
  if (!map.has_values || out.at < first || (out.at - first) % 8 != 0) return wrong(cause::bad_slot);
  out.slot = static_cast<u32>((out.at - first) / 8);
  const elf_symbol symbol = file.symbol(out.target);
  if (out.target >= file.symbol_count()) return wrong(cause::bad_symbol);
  if (symbol.section == abi::section_undefined)
    return {.why = cause::undefined_symbol,
            .section = object.maps.index,
            .offset = out.at,
            .subject = symbol.name};
  const bool is_hash = map.type == static_cast<u32>(map_type::hash_of_maps);
  if (is_hash && map.key_size != sizeof out.slot) return wrong(cause::slots_need_numbers);
  if (!is_hash && map.max_entries != 0 && out.slot >= map.max_entries) return wrong(cause::no_such_slot);
  const elf_section section = file.section(symbol.section);
  const u64 offset = symbol.value + file.image().read64(out.at);
  if (map.inner != 0) {
    const bool is_map = section.index == object.maps.index && offset < section.size && offset % 8 == 0 &&
                        slots.map_slots[offset / 8] != 0;
    if (!is_map) return wrong(cause::slot_is_no_map);
    out.target = slots.map_slots[offset / 8] - 1;
    return is_map_of_maps(slots.maps[out.target].type) ? wrong(cause::maps_too_deep) : verdict{};
  }
  const u32 function =
      section.is_code() ? function_at(slots.functions, facts.functions, section.at + offset) : not_found;
  if (function == not_found || !slots.functions[function].is_program) return wrong(cause::slot_is_no_program);
  out.target = lower_bound_of_place(slots.programs, facts.programs, function);
  return {};
}

// Each map has its slots behind its other members, so those that are filled belong to the last map in front.
constexpr verdict read_slots(const opened_object& object, const object_slots& slots,
                             object_facts& out) noexcept {
  const elf& file = object.file;
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section relocations = file.section(i);
    if (!fills_slots(object, relocations)) continue;
    for (u64 k = 0; k < elf::relocation_count(relocations); ++k) {
      const elf_relocation r = file.relocation(relocations, k);
      if (r.offset >= object.maps.size) return {.why = cause::bad_slot, .section = i, .offset = r.at};
      slots.filled_slots[out.filled_slots++] = {.at = object.maps.at + r.offset, .target = r.symbol};
    }
  }
  sort_by_place(slots.filled_slots, out.filled_slots);
  u32 holder = 0;  // one more than its index
  u64 passed = 0;  // so many entries of map_slots
  for (u32 i = 0; i < out.filled_slots; ++i) {
    filled_slot& slot = slots.filled_slots[i];
    for (; passed <= (slot.at - object.maps.at) / 8; ++passed)
      if (slots.map_slots[passed] != 0) holder = slots.map_slots[passed];
    const bool is_filled_twice = i != 0 && slots.filled_slots[i - 1].at == slot.at;
    if (holder == 0 || is_filled_twice)
      return {.why = cause::bad_slot, .section = object.maps.index, .offset = slot.at};
    map_spec& map = slots.maps[holder - 1];
    if (const verdict v = read_slot(object, slots, out, map, slot); v.failed()) return v;
    if (map.slot_count++ == 0) map.first_slot = i;
  }
  return {};
}

// Whether the section is one of relocations that put functions into structs of operations.
constexpr bool fills_operations(const opened_object& object, const elf_section& section) noexcept {
  return object.operations != 0 && section.type == abi::section_rel && section.info != 0 &&
         is_called_operations(object.file.image(), object.file.section(section.info).name);
}

// Finds out which member of the struct, from member `from` on, the relocation at `out.at` fills, and which
// program the symbol `out.target` is.
constexpr verdict read_operation(const opened_object& object, const object_slots& slots,
                                 const object_facts& facts, const map_spec& map, u32 from,
                                 filled_slot& out) noexcept {
  const elf& file = object.file;
  const btf& types = object.types;
  const btf_type operations = types.type(map.value_type);
  btf_member member;
  const auto wrong = [&](cause why) {
    return verdict{.why = why,
                   .section = map.section,
                   .offset = out.at,
                   .subject = member.at == 0 ? map.name : member.name};
  };
  for (out.slot = from; out.slot < operations.members; ++out.slot) {
    const btf_member candidate = types.member(operations, out.slot);
    if (types.place_of(operations, candidate).bit != (out.at - map.image_at) * 8) continue;
    member = candidate;
    break;
  }
  const btf_type pointer = types.resolve(member.type);
  if (member.at == 0 || pointer.kind != abi::btf_kind::pointer ||
      map.image_at + map.image_size - out.at < 8 ||
      types.resolve(pointer.size_or_type).kind != abi::btf_kind::function_prototype)
    return wrong(cause::bad_operation);
  if (out.target >= file.symbol_count()) return wrong(cause::bad_symbol);
  const elf_symbol symbol = file.symbol(out.target);
  if (symbol.section == abi::section_undefined) {
    verdict missing = wrong(cause::undefined_symbol);
    missing.subject = symbol.name;
    return missing;
  }
  const elf_section section = file.section(symbol.section);
  const u64 offset = symbol.value + file.image().read64(out.at);
  const u32 function =
      section.is_code() ? function_at(slots.functions, facts.functions, section.at + offset) : not_found;
  if (function == not_found || !slots.functions[function].is_program)
    return wrong(cause::operation_is_no_program);
  out.target = lower_bound_of_place(slots.programs, facts.programs, function);
  return slots.programs[out.target].kind.type == abi::prog_type::struct_ops
             ? verdict{}
             : wrong(cause::operation_is_no_program);
}

// Appends what fills structs of operations, in the order of those.
constexpr verdict read_operations(const opened_object& object, const object_slots& slots,
                                  object_facts& out) noexcept {
  if (object.operations == 0) return {};
  const elf& file = object.file;
  const u32 first = out.filled_slots, first_map = object.section_maps;
  for (u32 i = 1; i < file.section_count(); ++i) {
    const elf_section relocations = file.section(i);
    if (!fills_operations(object, relocations)) continue;
    for (u64 k = 0; k < elf::relocation_count(relocations); ++k) {
      const elf_relocation r = file.relocation(relocations, k);
      const u64 place = u64{relocations.info} << 32 | r.offset;
      const u32 behind =
          first_map + lower_bound_of_place(slots.maps + first_map, out.maps - first_map, place + 1);
      const map_spec& map = slots.maps[behind == first_map ? first_map : behind - 1];
      if (behind == first_map || r.offset > 0xffffffff || map.section != relocations.info ||
          r.offset - map.offset >= map.image_size)
        return {.why = cause::bad_operation, .section = i, .offset = r.at};
      slots.filled_slots[out.filled_slots++] = {
          .at = map.image_at + (r.offset - map.offset), .slot = behind - 1, .target = r.symbol};
    }
  }
  const auto in_order = [](const filled_slot& a, const filled_slot& b) {
    return a.slot != b.slot ? a.slot < b.slot : a.at < b.at;
  };
  sort_with(slots.filled_slots + first, out.filled_slots - first, in_order);
  for (u32 i = first; i < out.filled_slots; ++i) {
    filled_slot& filled = slots.filled_slots[i];
    map_spec& map = slots.maps[filled.slot];
    if (map.slot_count++ == 0) map.first_slot = i;
    if (map.slot_count != 1 && slots.filled_slots[i - 1].at == filled.at)
      return {.why = cause::bad_operation, .section = map.section, .offset = filled.at, .subject = map.name};
    // Members come in the order of their places.
    const u32 from = map.slot_count == 1 ? 0 : slots.filled_slots[i - 1].slot + 1;
    if (const verdict v = read_operation(object, slots, out, map, from, filled); v.failed()) return v;
  }
  return {};
}

// Reads which instructions depend on the kernel's types. What lies in no function belongs to none and is left alone.
constexpr verdict read_cores(const opened_object& object, const object_slots& slots,
                             object_facts& out) noexcept {
  const bytes& image = object.file.image();
  btf_ext_run run;
  elf_section section;
  for (btf_ext_table walk = object.ext.core; walk.next(object.types, run);) {
    section = object.file.find_section(run.section_name, section.index);
    for (u32 i = 0; section.is_code() && i < run.count; ++i) {
      const u64 from = run.first + u64{i} * walk.record_size;
      const u32 offset = image.read32(from);
      const core_record record{.at = section.at + offset,
                               .type = image.read32(from + 4),
                               .access = image.read32(from + 8),
                               .kind = static_cast<abi::core_kind>(image.read32(from + 12))};
      const auto wrong = [&](cause why) {
        return verdict{.why = why,
                       .section = section.index,
                       .offset = from,
                       .subject = object.types.type(record.type).name};
      };
      if (image.read32(from + 12) >= abi::core_kinds) return wrong(cause::unknown_core_kind);
      if (offset % sizeof(abi::insn) != 0 || offset >= section.size ||
          !core_path::leads_somewhere(object.types, record.type, record.access, record.kind))
        return wrong(cause::bad_core);
      slots.cores[out.cores++] = record;
    }
  }
  sort_by_place(slots.cores, out.cores);
  for (u32 i = 0; out.cores != 0 && i < out.functions; ++i) {
    function_spec& function = slots.functions[i];
    const u64 end = function.at + u64{function.instruction_count} * sizeof(abi::insn);
    function.first_core = lower_bound_of_place(slots.cores, out.cores, function.at);
    function.core_count = lower_bound_of_place(slots.cores, out.cores, end) - function.first_core;
  }
  return {};
}

// Gives functions their types and their lines. Functions of one section are neighbours, and so are records.
// What is told first holds, so that records which all tell of the same functions pass them only once.
constexpr void read_code_types(const opened_object& object, const object_slots& slots,
                               const object_facts& facts) noexcept {
  const elf& file = object.file;
  btf_ext_run run;
  elf_section section;
  for (btf_ext_table walk = object.ext.functions; walk.next(object.types, run);) {
    section = file.find_section(run.section_name, section.index);
    for (u32 i = 0; section.is_code() && i < run.count; ++i) {
      const u64 at = run.first + u64{i} * walk.record_size;
      const u64 place = section.at + file.image().read32(at);
      const u32 type = file.image().read32(at + 4);
      if (object.types.type(type).kind != abi::btf_kind::function) continue;
      for (u32 f = lower_bound_of_place(slots.functions, facts.functions, place);
           f < facts.functions && slots.functions[f].at == place && slots.functions[f].type == 0; ++f)
        slots.functions[f].type = type;
    }
  }
  for (btf_ext_table walk = object.ext.lines; walk.next(object.types, run);) {
    section = file.find_section(run.section_name, section.index);
    if (!section.is_code() || run.count == 0) continue;
    for (u32 f = lower_bound_of_place(slots.functions, facts.functions, section.at);
         f < facts.functions && slots.functions[f].section == section.index &&
         slots.functions[f].lines.count == 0;
         ++f)
      slots.functions[f].lines = run;
  }
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_CODE_HPP
