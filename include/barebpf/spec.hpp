// SPDX-License-Identifier: MIT
// Room 4.0, spec: a whole BPF object as data: its maps, its programs and what their instructions refer to.
// Read in two passes, `measure` and `read`, into storage that the caller owns: arrays when the compiler
// reads, the heap when the program does. Makes no system call, so the same file is the same spec everywhere.
#ifndef BAREBPF_SPEC_HPP
#define BAREBPF_SPEC_HPP

#include "abi/bpf.hpp"
#include "btf.hpp"
#include "sections.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A map as the object declares it. Offsets count from the start of the file.
struct map_spec {
  u64 name = 0;         ///< where its name stands
  u64 declared_at = 0;  ///< where the BTF record of its variable stands
  u64 offset = 0;       ///< bytes from the start of .maps
  u32 type = 0;         ///< a map_type, kept as a number because a newer one must survive
  u32 key_size = 0;     ///< bytes
  u32 value_size = 0;   ///< bytes
  u32 max_entries = 0;
  u32 map_flags = 0;
  u32 numa_node = 0;
  u64 map_extra = 0;
  u32 pinning = 0;
  u32 key_type = 0;    ///< id in the object's BTF, 0 when only the size is given
  u32 value_type = 0;  ///< id in the object's BTF, 0 when only the size is given
  number_form key_form = number_form::no_number;
  number_form value_form = number_form::no_number;
};

/// A program as the object declares it. Offsets count from the start of the file.
struct program_spec {
  u64 name = 0;          ///< where its name stands
  u64 section_name = 0;  ///< where the name of its section stands
  u64 instructions = 0;  ///< where its first instruction stands
  u32 instruction_count = 0;
  u32 section = 0;          ///< index of its section
  u32 first_reference = 0;  ///< its references are so many from this one on
  u32 reference_count = 0;
  abi::prog_type type = abi::prog_type::unspec;
  attach_way attach = attach_way::none;
};

/// "The two instructions at `instruction` of the program load the address of map `map`."
struct map_reference {
  u32 instruction = 0;  ///< counted from the program's first
  u32 map = 0;          ///< index among the object's maps
};

/// How much storage a spec needs: so many elements of each.
struct object_shape {
  u32 maps = 0;
  u32 programs = 0;
  u32 references = 0;
  u32 map_slots = 0;   ///< one per 8 bytes of .maps
  u32 type_index = 0;  ///< words for the index over the types
  u32 types = 0;
};

/// Storage for a spec, lent by its owner and as large as an `object_shape` says.
struct object_slots {
  map_spec* maps = nullptr;
  program_spec* programs = nullptr;
  map_reference* references = nullptr;
  u32* map_slots = nullptr;
  u32* type_index = nullptr;
  u32 reference_count = 0;  ///< room in `references`
};

/// What `read` found beside what it wrote to the slots.
struct object_facts {
  bytes image;
  btf types;        ///< points into `object_slots::type_index`
  u64 license = 0;  ///< where the license string stands; 0 when there is none
  u32 maps = 0;
  u32 programs = 0;
};

namespace detail {

// Everything both passes look at first.
struct opened_object {
  elf file;
  elf_section maps;  // .maps
  elf_section btf_relocations;
  btf types;
  btf_type maps_layout;  // DATASEC .maps
};

constexpr verdict open_object(bytes image, opened_object& out) noexcept {
  if (const verdict v = elf::open(image, out.file); v.failed()) return v;
  out.maps = out.file.find_section(".maps");
  const elf_section types = out.file.find_section(".BTF");
  out.btf_relocations = out.file.find_section(".rel.BTF");
  if (const verdict v = out.file.demand_type(out.maps, abi::section_progbits); v.failed()) return v;
  if (out.btf_relocations.type != abi::section_rel) out.btf_relocations = {};
  if (types.index != 0)
    if (const verdict v = btf::open(out.file, types, out.types); v.failed()) return v;
  if (out.maps.index == 0) return {};
  out.maps_layout = out.types.find(abi::btf_kind::data_section, ".maps");
  if (out.maps_layout.id == 0)
    return {.why = cause::no_btf, .section = out.maps.index, .offset = out.maps.at};
  return {};
}

// A function that the kernel is to load as a program: global or static, but not in .text.
constexpr bool is_program(const elf& file, const elf_symbol& symbol) noexcept {
  return symbol.type == abi::symbol_function && file.section(symbol.section).is_code() &&
         !file.image().string_is(file.section(symbol.section).name, ".text");
}

// The members that a map definition may have: what they are called, how they are written down in BTF, and
// where their number goes.
enum class map_member_form : u8 { number, long_number, key_or_value, not_yet };
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
    {"values", map_member_form::not_yet},
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

constexpr verdict read_map_member(const btf& types, u32 section, const btf_member& member,
                                  map_spec& out) noexcept {
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = member.at, .subject = member.name};
  };
  size_t known = 0;
  constexpr size_t rows = sizeof map_member_rows / sizeof map_member_rows[0];
  while (known < rows && !types.image().string_is(member.name, map_member_rows[known].member)) ++known;
  if (known == rows) return wrong(cause::unknown_map_member);
  const map_member_row& row = map_member_rows[known];
  if (row.form == map_member_form::not_yet) return wrong(cause::map_member_not_loaded_yet);

  u64 number = 0;
  if (row.form == map_member_form::key_or_value) {
    const btf_type pointer = types.resolve(member.type);
    if (pointer.kind != abi::btf_kind::pointer) return wrong(cause::bad_map_member);
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
  if (row.number == &map_spec::pinning && number != 0) return wrong(cause::map_member_not_loaded_yet);
  out.*row.number = static_cast<u32>(number);
  return {};
}

// Where in .maps the variable at `place` of the layout lies. Compilers leave the offset to a relocation and
// linkers fill it in; relocations come in the order of the variables, so `next` only moves forward.
constexpr u64 map_offset(const opened_object& object, u64 place, u64& next) noexcept {
  const elf_section types = object.file.section(object.btf_relocations.info);
  for (; next < elf::relocation_count(object.btf_relocations); ++next) {
    const elf_relocation r = object.file.relocation(object.btf_relocations, next);
    if (types.at + r.offset == place) return object.file.symbol(r.symbol).value;
    if (types.at + r.offset > place) break;
  }
  return object.file.image().read32(place);
}

constexpr verdict read_map(const opened_object& object, const btf_member& place, u64& next_relocation,
                           map_spec& out) noexcept {
  const btf& types = object.types;
  const btf_type variable = types.type(place.type);
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
  out.offset = map_offset(object, place.at + 4, next_relocation);
  if (out.offset > object.maps.size || definition.size_or_type > object.maps.size - out.offset ||
      out.offset % 8 != 0 || definition.size_or_type == 0)
    return wrong(cause::map_outside_section);
  for (u32 i = 0; i < definition.members; ++i)
    if (const verdict v = read_map_member(types, object.maps.index, types.member(definition, i), out);
        v.failed())
      return v;
  if (out.type == 0) return wrong(cause::no_map_type);
  return {};
}

constexpr verdict read_program(const elf& file, const elf_symbol& symbol, program_spec& out) noexcept {
  const elf_section section = file.section(symbol.section);
  const auto wrong = [&](cause why, u64 at) {
    return verdict{.why = why, .section = section.index, .offset = at, .subject = symbol.name};
  };
  if (symbol.binding == abi::symbol_local) return wrong(cause::static_program, symbol.at);
  if (symbol.size == 0 || symbol.size % 8 != 0 || symbol.value % 8 != 0 || symbol.value > section.size ||
      symbol.size > section.size - symbol.value)
    return wrong(cause::bad_program, symbol.at);
  // Long enough for every prefix; what follows the prefix is read where the program is attached.
  char name[64] = {};
  const section_kind kind =
      section_kind_of(text(name, file.image().copy_string(section.name, name, sizeof name)));
  if (kind.type == abi::prog_type::unspec) return wrong(cause::unknown_section, section.name);
  out = {.name = symbol.name,
         .section_name = section.name,
         .instructions = section.at + symbol.value,
         .instruction_count = static_cast<u32>(symbol.size / sizeof(abi::insn)),
         .section = section.index,
         .type = kind.type,
         .attach = kind.attach};
  return {};
}

// The relocations of the section `of`; one with index 0 when it has none.
constexpr elf_section find_relocations(const elf& file, u32 of) noexcept {
  for (u32 i = 1; i < file.section_count(); ++i)
    if (const elf_section s = file.section(i); s.type == abi::section_rel && s.info == of) return s;
  return {};
}

// `map_slots[offset / 8]` is one more than the index of the map that begins there.
constexpr verdict read_references(const opened_object& object, const object_slots& slots,
                                  program_spec& program, u32& used) noexcept {
  const elf& file = object.file;
  const elf_section code = file.section(program.section);
  const elf_section relocations = find_relocations(file, program.section);
  program.first_reference = used;
  for (u64 i = 0; i < elf::relocation_count(relocations); ++i) {
    const elf_relocation r = file.relocation(relocations, i);
    const u64 first = program.instructions - code.at;
    if (r.offset < first || r.offset - first >= u64{program.instruction_count} * sizeof(abi::insn)) continue;
    const elf_symbol target = file.symbol(r.symbol);
    const auto wrong = [&](cause why) {
      return verdict{
          .why = why, .section = program.section, .offset = code.at + r.offset, .subject = target.name};
    };
    if (r.offset % sizeof(abi::insn) != 0) return wrong(cause::bad_relocation);
    if (r.symbol >= file.symbol_count()) return wrong(cause::bad_symbol);
    if (target.section == abi::section_undefined) return wrong(cause::undefined_symbol);
    if (object.maps.index == 0 || target.section != object.maps.index)
      return wrong(cause::relocation_not_loaded_yet);
    const auto instruction = static_cast<u32>((r.offset - first) / sizeof(abi::insn));
    if (file.image().read8(code.at + r.offset) != abi::opcode_ld_imm64 ||
        instruction + 1 >= program.instruction_count)
      return wrong(cause::bad_relocation);
    // A symbol of the whole section leaves the offset to the instruction.
    const u64 offset = target.value + file.image().read32(code.at + r.offset + 4);
    if (offset >= object.maps.size || offset % 8 != 0 || slots.map_slots[offset / 8] == 0)
      return wrong(cause::bad_relocation);
    // Programs that share instructions share their references too, and those were counted once.
    if (used == slots.reference_count) return wrong(cause::bad_program);
    slots.references[used++] = {.instruction = instruction, .map = slots.map_slots[offset / 8] - 1};
  }
  program.reference_count = used - program.first_reference;
  return {};
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
         .map_slots = static_cast<u32>((object.maps.size + 7) / 8),
         .type_index = object.types.index_size(),
         .types = object.types.count()};
  // A map's definition takes at least 8 bytes, so a larger count is a lie that would cost memory.
  if (out.maps > out.map_slots)
    return {.why = cause::map_outside_section, .section = object.maps.index, .offset = object.maps_layout.at};
  for (u32 i = 0; i < file.symbol_count(); ++i) out.programs += detail::is_program(file, file.symbol(i));
  for (u32 i = 1; i < file.section_count(); ++i)
    if (const elf_section s = file.section(i); s.type == abi::section_rel && file.section(s.info).is_code())
      out.references += static_cast<u32>(elf::relocation_count(s));
  return {};
}

/// Second pass: fills `slots`, which are as large as `measure` said.
/// Cost: linear in the file, and for each program in the relocations of its section.
constexpr verdict read(const detail::opened_object& opened, const object_slots& slots,
                       object_facts& out) noexcept {
  detail::opened_object object = opened;
  object.types.build_index(slots.type_index);
  u64 next_relocation = 0;
  for (u32 i = 0; i < object.maps_layout.members; ++i) {
    map_spec& map = slots.maps[i];
    map = {};
    const btf_member place = object.types.member(object.maps_layout, i);
    // A data section names the variable's type first, where other members have their name.
    const btf_member variable = {.at = place.at, .type = object.file.image().read32(place.at)};
    if (const verdict v = detail::read_map(object, variable, next_relocation, map); v.failed()) return v;
    slots.map_slots[map.offset / 8] = i + 1;
  }
  u32 programs = 0;
  u32 references = 0;
  u64 instructions = 0;
  for (u32 i = 0; i < object.file.symbol_count(); ++i) {
    const elf_symbol symbol = object.file.symbol(i);
    if (!detail::is_program(object.file, symbol)) continue;
    program_spec& program = slots.programs[programs++];
    if (const verdict v = detail::read_program(object.file, symbol, program); v.failed()) return v;
    instructions += program.instruction_count;
    if (instructions > object.file.image().size() / sizeof(abi::insn))  // programs lie over each other
      return {
          .why = cause::bad_program, .section = program.section, .offset = symbol.at, .subject = symbol.name};
    if (const verdict v = detail::read_references(object, slots, program, references); v.failed()) return v;
  }
  out = {.image = object.file.image(),
         .types = object.types,
         .license = find_license(object.file),
         .maps = object.maps_layout.members,
         .programs = programs};
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

/// What no index is: `find_map` and `find_program` give it when there is nothing of that name.
inline constexpr u32 not_found = 0xffffffff;

/// The index of the map or program called `wanted` among `count`, or `not_found`.
template <class Spec>
[[nodiscard]] constexpr u32 find_named(const bytes& image, const Spec* specs, u32 count,
                                       text wanted) noexcept {
  for (u32 i = 0; i < count; ++i)
    if (image.string_is(specs[i].name, wanted)) return i;
  return not_found;
}

/// The instruction at `index` of `program`, as it stands in the file.
[[nodiscard]] constexpr abi::insn read_instruction(const bytes& image, const program_spec& program,
                                                   u32 index) noexcept {
  const u64 at = program.instructions + u64{index} * sizeof(abi::insn);
  return {.opcode = image.read8(at),
          .registers = image.read8(at + 1),
          .offset = static_cast<s16>(image.read16(at + 2)),
          .immediate = static_cast<s32>(image.read32(at + 4))};
}

/// The name under which the kernel keeps what is called by the string at `at`.
[[nodiscard]] constexpr kernel_name kernel_name_at(const bytes& image, u64 at) noexcept {
  char name[longest_kernel_name + 1] = {};
  return to_kernel_name(text(name, image.copy_string(at, name, sizeof name)));
}

/// What BPF_MAP_CREATE is to be told of `map`, all but the BTF that describes it.
[[nodiscard]] constexpr abi::map_create to_map_create(const bytes& image, const map_spec& map) noexcept {
  return {.map_type = map.type,
          .key_size = map.key_size,
          .value_size = map.value_size,
          .max_entries = map.max_entries,
          .map_flags = map.map_flags,
          .numa_node = map.numa_node,
          .map_name = kernel_name_at(image, map.name),
          .map_extra = map.map_extra};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_HPP
