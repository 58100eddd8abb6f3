// SPDX-License-Identifier: MIT
// Fuzzes room spec and those it is made of: a whole object is read, and each of its programs put together.
#include <barebpf/source_lines.hpp>

#include <algorithm>
#include <bit>

#include "mutate.hpp"
#include "reading.hpp"

namespace {

using barebpf::not_found;
using barebpf::u32;
using barebpf::u64;

// Stands for types that have kept all functions and lines.
struct all_types {
  u32 new_id(u32 id) const { return id; }
};

// Everything that has an index has a good one, and everything that has a place has it inside.
void check_tables(const reading& found, const barebpf::bytes& image) {
  const barebpf::object_tables tables = found.tables();
  const auto& facts = found.facts;
  promise(facts.maps == found.shape.maps, "measure counts maps as read does");
  promise(facts.functions <= found.shape.functions, "read finds no more functions than measure");
  promise(facts.programs <= found.shape.programs, "read finds no more programs than measure");
  promise(facts.variables <= found.shape.variables, "read finds no more variables than measure");
  promise(facts.references <= found.shape.references, "read finds no more references than measure");
  promise(facts.cores <= found.shape.cores, "read finds no more relocations than measure");
  for (u32 i = 0; i < facts.maps; ++i) {
    const barebpf::map_spec& map = tables.maps[i];
    promise(map.type != 0, "every map has a type");
    promise(map.declared_at <= image.size() || !map.has_content(), "a map is declared in the file");
    promise(!map.has_content() || image.holds(map.declared_at, map.value_size),
            "first values are in the file");
    promise(map.first_variable + u64{map.variable_count} <= facts.variables, "a map's variables are there");
    for (u32 v = 0; v < map.variable_count; ++v) {
      const barebpf::variable_spec& variable = tables.variables[map.first_variable + v];
      promise(variable.map == i, "a map's variables are its own");
      promise(variable.offset + u64{variable.size} <= (map.image_size != 0 ? map.image_size : map.value_size),
              "a variable lies in its map's value, or in what an arena begins with");
      promise(v == 0 || tables.variables[map.first_variable + v - 1].offset <= variable.offset,
              "variables are sorted");
    }
  }
  for (u32 i = 0; i < facts.functions; ++i) {
    const barebpf::function_spec& function = tables.functions[i];
    promise(function.instruction_count != 0, "a function has instructions");
    promise(image.holds(function.at, u64{function.instruction_count} * 8), "a function is in the file");
    promise(function.first_reference + u64{function.reference_count} <= facts.references,
            "a function's references are there");
    promise(function.first_core + u64{function.core_count} <= facts.cores,
            "a function's relocations are there");
    promise(function.type <= tables.types.count(), "a function's type is there");
    promise(i == 0 || tables.functions[i - 1].at <= function.at, "functions are sorted");
  }
  for (u32 i = 0; i < facts.references; ++i) {
    const barebpf::reference& reference = tables.references[i];
    using enum barebpf::reference_kind;
    if (reference.kind == map) promise(reference.target < facts.maps, "a map that is named is there");
    if (reference.kind == value) {
      promise(reference.target < facts.maps, "a map whose value is named is there");
      const barebpf::map_spec& holder = tables.maps[reference.target];
      promise(reference.offset <= (holder.image_size != 0 ? holder.image_size : holder.value_size),
              "an address in a value lies in it");
    }
    if (reference.kind == external)
      promise(reference.target < facts.externs &&
                  tables.externs[reference.target].kind != barebpf::extern_kind::config,
              "what is wanted of the kernel is there");
    if (reference.kind == call || reference.kind == function)
      promise(reference.target < facts.functions, "a function that is named is there");
  }
  promise(facts.externs == found.shape.externs, "measure counts externs as read does");
  for (u32 i = 0; i < facts.externs; ++i) {
    const barebpf::extern_spec& wanted = tables.externs[i];
    const bool is_config = wanted.kind == barebpf::extern_kind::config;
    promise(image.length_of_string(wanted.name) != 0, "an extern has a name");
    promise(is_config == (wanted.slot.form != barebpf::kconfig_form::none), "an option has a form");
    promise(i == 0 || !is_config || tables.externs[i - 1].kind == barebpf::extern_kind::config,
            "options come first");
    if (is_config) {
      const barebpf::map_spec& map = tables.maps[facts.maps - 1];
      promise(map.origin == barebpf::map_origin::config, "options have the last map");
      promise(
          wanted.offset % wanted.alignment == 0 && wanted.offset + u64{wanted.slot.size} <= map.value_size,
          "an option lies in the map of options");
      promise(map.value_size <= 1 << 20, "and that is no larger than somebody has memory for");
    }
    const barebpf::type_shape shape = shape_of_extern(tables.types, wanted);
    const bool is_comparable = shape.letters[0] != '\0' && shape.letters[0] != '?';
    promise(std::memchr(shape.letters, '\0', sizeof shape.letters) != nullptr, "a shape ends");
    promise(!is_comparable || std::strchr(shape.letters, '?') != nullptr ||
                has_shape(tables.types, wanted.type, shape.letters),
            "a type has its own shape");
    const u32 found_again =
        find_extern(image, tables.externs, found.extern_names.data(), facts.externs, wanted.name);
    promise(found_again == not_found || image.same_string(tables.externs[found_again].name, wanted.name),
            "an extern is found by its name");
  }
  promise(facts.filled_slots == found.shape.filled_slots, "measure counts filled slots as read does");
  for (u32 i = 0; i < facts.maps; ++i) {
    const barebpf::map_spec& map = tables.maps[i];
    promise(map.first_slot + u64{map.slot_count} <= facts.filled_slots, "a map's slots are there");
    const bool is_operations = map.origin == barebpf::map_origin::operations;
    promise(map.slot_count == 0 || map.has_values || is_operations,
            "only a map with values has filled slots");
    promise(!is_operations || image.holds(map.image_at, map.image_size),
            "a struct of functions is in the file");
    for (u32 s = map.first_slot; s < map.first_slot + map.slot_count; ++s) {
      const barebpf::filled_slot& slot = found.filled_slots[s];
      promise(image.holds(slot.at, 8), "a slot is in the file");
      promise(s == map.first_slot || found.filled_slots[s - 1].slot < slot.slot, "slots are sorted");
      promise(slot.target < (map.inner != 0 ? facts.maps : facts.programs), "what fills a slot is there");
    }
    const barebpf::map_spec inner = inner_of(tables.types, map);
    promise((map.inner != 0) == (inner.type != 0) && !inner.has_values,
            "the pattern in a map of maps is a plain map");
    promise(barebpf::is_kernel_name(to_inner_map_create(image, inner).map_name),
            "the kernel takes the name of a pattern");
  }
  promise(facts.license <= image.size() && facts.source <= u64{2} << 32, "texts stand in the file");
}

// What is made of the tables before the kernel is asked: names, places in memory, and lookups.
void check_uses(const reading& found, const barebpf::bytes& image) {
  const barebpf::object_tables tables = found.tables();
  const barebpf::kernel_name object = barebpf::object_name_at(image, found.facts.source);
  barebpf::data_layout layout;
  for (u32 i = 0; i < tables.map_count; ++i) {
    const barebpf::map_spec& map = tables.maps[i];
    const barebpf::abi::map_create create = to_map_create(image, map, object);
    promise(barebpf::is_kernel_name(create.map_name), "the kernel takes the name of a map");
    promise(create.map_type == map.type && create.value_size == map.value_size,
            "a map is created as declared");
    const u64 size = layout.size, at = layout.add(map);
    promise(at == size && at % barebpf::data_layout::alignment == 0, "values lie one behind the other");
    promise(!map.has_data() || layout.size - at >= map.value_size, "there is room for a value");
    if (i >= 64) continue;  // looking up is linear
    const u64 length = image.length_of_string(map.name);
    const exact<char> name(length + 1);
    image.copy_string(map.name, name.data(), length + 1);
    promise(find_named(image, tables.maps, tables.map_count, barebpf::text(name.data(), length)) <= i,
            "a map is found by its name");
  }
  for (u32 i = 0; i < found.facts.programs; ++i)
    promise(barebpf::is_kernel_name(kernel_name_at(image, found.programs[i].name)),
            "the kernel takes the name of a program");
}

// Whether the loader is to put something into the instruction.
bool is_named(const exact<barebpf::map_reference>& references, u32 instruction) {
  const barebpf::map_reference* const first = references.data();
  const barebpf::map_reference* const end = first + references.size();
  const barebpf::map_reference* const at = std::lower_bound(
      first, end, instruction,
      [](const barebpf::map_reference& one, u32 wanted) { return one.instruction < wanted; });
  return at != end && at->instruction == instruction;
}

void put_together(const reading& found, u32 entry, const barebpf::bytes& image) {
  const barebpf::object_tables tables = found.tables();
  auto layout = std::make_unique<barebpf::program_layout>();
  const barebpf::verdict fault = lay_out(tables, entry, *layout);
  promise_place(fault, image);
  if (fault.failed()) return;
  u32 position = 0;
  for (u32 i = 0; i < layout->piece_count; ++i) {
    promise(layout->pieces[i].position == position, "functions lie one behind the other");
    position += tables.functions[layout->pieces[i].function].instruction_count;
  }
  promise(position == layout->instruction_count, "a program is as long as its functions");

  for (const auto naming : {barebpf::map_naming::by_descriptor, barebpf::map_naming::by_index}) {
    const exact<u64> words(layout->instruction_count);
    const auto code = [&](u32 i) { return std::bit_cast<barebpf::abi::insn>(words[i]); };
    const exact<barebpf::map_reference> maps(layout->map_references);
    for (u32 i = 0; i < layout->map_references; ++i) maps[i].instruction = not_found;
    assemble(tables, *layout, naming, words.data(), maps.data());
    for (u32 i = 0; i < layout->map_references; ++i) {
      promise(maps[i].instruction < layout->instruction_count,
              "assemble writes as many references as laid out");
      promise(maps[i].target() < (maps[i].is_extern() ? tables.extern_count : tables.map_count),
              "what is named is a map, or something of the kernel's");
      promise(i == 0 || maps[i - 1].instruction < maps[i].instruction, "references come in order");
      const bool is_load = code(maps[i].instruction).opcode == barebpf::abi::opcode_ld_imm64;
      const bool is_call = code(maps[i].instruction).opcode == barebpf::abi::opcode_call;
      promise((is_load && maps[i].instruction + 1 < layout->instruction_count) ||
                  (is_call && maps[i].is_extern()),
              "what names a map is a whole instruction");
    }
    for (u32 i = 0; i < layout->instruction_count; ++i) {
      if (code(i).opcode == barebpf::abi::opcode_ld_imm64) {
        ++i;
      } else if (code(i).opcode == barebpf::abi::opcode_call &&
                 code(i).source() == barebpf::abi::pseudo_call && !is_named(maps, i)) {
        const auto target = barebpf::s64{i} + code(i).immediate + 1;
        bool is_start = false;
        for (u32 p = 0; p < layout->piece_count; ++p)
          is_start = is_start || layout->pieces[p].position == target;
        promise(is_start, "a call leads to a function of the program");
      }
    }
  }

  const exact<barebpf::abi::func_info> functions(layout->piece_count);
  write_functions(tables, *layout, all_types{}, functions.data());
  for (u32 i = 0; i < layout->piece_count; ++i)
    promise(functions[i].type_id != 0 || !layout->has_types, "where BTF tells of all, each has its type");
  const exact<u32> storage(barebpf::source_lines::storage_size(tables));
  barebpf::source_line_finder finder(tables, storage.data());
  finder.find();
  const exact<barebpf::abi::line_info> lines = lines_of(finder, *layout);
  if (lines.size() == 0) return;
  u32 piece = 0;
  for (u32 i = 0; i < lines.size(); ++i) {
    promise(lines[i].insn_off < layout->instruction_count, "a line is one of an instruction");
    promise(i == 0 || lines[i - 1].insn_off < lines[i].insn_off, "lines come in order");
    if (piece < layout->piece_count && lines[i].insn_off == layout->pieces[piece].position) ++piece;
  }
  promise(piece == layout->piece_count, "each function begins with a line");
}

// Both ways to hold the same bytes, and both ways to own what is found.
void compare(const input& file) {
  const reading plain(file.plain_padded()), packed(file.packed());
  promise(fields(plain.fault) == fields(packed.fault), "plain bytes and packed words get the same verdict");
  promise(fields(plain.shape) == fields(packed.shape), "plain bytes and packed words have the same shape");
  if (plain.fault.failed()) return;
  promise(fields(plain.facts) == fields(packed.facts), "plain bytes and packed words have the same facts");
  promise_same(plain.maps, packed.maps, plain.facts.maps);
  promise_same(plain.variables, packed.variables, plain.facts.variables);
  promise_same(plain.functions, packed.functions, plain.facts.functions);
  promise_same(plain.programs, packed.programs, plain.facts.programs);
  promise_same(plain.references, packed.references, plain.facts.references);
  promise_same(plain.filled_slots, packed.filled_slots, plain.facts.filled_slots);
  promise_same(plain.cores, packed.cores, plain.facts.cores);
  promise_same(plain.externs, packed.externs, plain.facts.externs);
  promise_same(plain.extern_names, packed.extern_names, plain.facts.externs);
}

// What a record of the file can cost at most, for each byte of it. The same bytes may be listed as several
// tables, but each table only once:
//   a section header, 64 bytes, makes a map of variables:             120 / 64
//   an entry of .maps, 12 bytes of BTF and 8 of .maps, makes a map:   120 / 20
//   an entry of .struct_ops, 12 bytes, makes a map:                   120 / 12
//   an entry of another layout, 12 bytes, makes a variable and an extern with a name: 96 / 12
//   a symbol, 24 bytes, makes a function and a program:               160 / 24
//   a relocation, 16 bytes, makes a reference or a filled slot:        24 / 16
//   8 bytes of .maps make a slot of 4, and 96 of types a word of the index.
// Together below 20 for each byte, since an entry is one of .maps or of another layout.
constexpr std::size_t most_memory_for_a_byte = 20;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const input file(data, size);
  const barebpf::bytes image = file.plain();
  const std::size_t before = memory_asked_for;
  const auto spec = barebpf::object_spec::read(image);
  promise(memory_asked_for - before <= most_memory_for_a_byte * size + 64,
          "memory is bounded by the file's size");

  const reading found(image);
  barebpf::object_shape shape;
  promise(found.fault.failed() || (!measure(image, shape).failed() && fields(shape) == fields(found.shape)),
          "who has only the image measures the same");
  promise_place(found.fault, image);
  promise(spec.has_value() != found.fault.failed(), "an object is a value or an error, and the same for all");
  if (!spec) {
    promise(spec.error().why == found.fault.why && spec.error().offset == found.fault.offset,
            "the error tells of the verdict");
    promise(spec.error().name[sizeof spec.error().name - 1] == '\0', "the error's name ends");
  }
  compare(file);
  if (found.fault.failed()) return 0;
  promise(fields(found.facts) ==
              std::tuple(spec->license(), spec->source(), spec->tables().line_size, spec->tables().map_count,
                         spec->variables().size(), spec->tables().function_count, spec->programs().size(),
                         spec->tables().reference_count, spec->filled_slots().size(), spec->cores().size(),
                         spec->tables().extern_count, spec->types().count(), spec->types().strings(),
                         spec->types().strings_size()),
          "the owner on the heap has found the same");
  check_tables(found, image);
  check_uses(found, image);
  // Each program has its own copy of what it calls, so all of them together are no longer linear in the file.
  u64 instructions = 0;
  for (u32 i = 0; i < found.facts.programs && instructions < 1 << 20; ++i) {
    const barebpf::program_spec& program = found.programs[i];
    promise(program.function < found.facts.functions && found.functions[program.function].is_program,
            "a program is one of the functions");
    put_together(found, program.function, image);
    instructions += size / 8;
  }
  return 0;
}
