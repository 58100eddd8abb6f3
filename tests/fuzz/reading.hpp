// SPDX-License-Identifier: MIT
// An object read in both passes into storage of just the announced size, and all that was found as tuples, so
// that two readings can be held against each other.
#ifndef BAREBPF_TESTS_FUZZ_READING_HPP
#define BAREBPF_TESTS_FUZZ_READING_HPP

#include <barebpf/object_spec.hpp>
#include <barebpf/source_lines.hpp>
#include <barebpf/type_shape.hpp>
#include <cstring>
#include <tuple>

#include "fuzz.hpp"

inline auto fields(const barebpf::verdict& of) {
  return std::tuple(of.why, of.section, of.offset, of.subject);
}
inline auto fields(const barebpf::map_spec& of) {
  return std::tuple(of.name, of.declared_at, of.offset, of.type, of.key_size, of.value_size, of.max_entries,
                    of.map_flags, of.numa_node, of.map_extra, of.pinning, of.key_type, of.value_type,
                    of.key_form, of.value_form, of.origin, of.has_values, of.inner, of.slots_at,
                    of.first_slot, of.slot_count, of.section, of.first_variable, of.variable_count,
                    of.image_at, of.image_size, of.is_optional);
}
inline auto fields(const barebpf::variable_spec& of) {
  return std::tuple(of.name, of.declared_at, of.map, of.offset, of.size, of.id, of.type, of.form);
}
inline auto fields(const barebpf::function_spec& of) {
  return std::tuple(of.name, of.at, of.instruction_count, of.section, of.section_at, of.first_reference,
                    of.reference_count, of.first_core, of.core_count, of.type, of.symbol,
                    of.lines.section_name, of.lines.first, of.lines.count, of.is_hidden, of.is_program);
}
inline auto fields(const barebpf::program_spec& of) {
  return std::tuple(of.name, of.section_name, of.place, of.function, of.kind.prefix.data());
}
inline auto fields(const barebpf::reference& of) { return std::tuple(of.at, of.kind, of.target, of.offset); }
inline auto fields(const barebpf::filled_slot& of) { return std::tuple(of.at, of.slot, of.target); }
inline auto fields(const barebpf::extern_spec& of) {
  return std::tuple(of.name, of.declared_at, of.kind, of.slot.form, of.slot.is_signed, of.slot.size,
                    of.alignment, of.offset, of.id, of.type, of.is_weak);
}
inline auto fields(const barebpf::extern_name& of) { return std::tuple(of.hash, of.target); }
inline auto fields(const barebpf::core_record& of) { return std::tuple(of.at, of.type, of.access, of.kind); }
inline auto fields(const barebpf::object_shape& of) {
  return std::tuple(of.maps, of.variables, of.functions, of.programs, of.references, of.filled_slots,
                    of.cores, of.externs, of.lines, of.map_slots, of.type_index, of.types, of.types_size);
}
inline auto fields(const barebpf::object_facts& of) {
  return std::tuple(of.license, of.source, of.line_size, of.maps, of.variables, of.functions, of.programs,
                    of.references, of.filled_slots, of.cores, of.externs, of.types.count(),
                    of.types.strings(), of.types.strings_size());
}

/// Both passes over `image`.
struct reading {
  barebpf::detail::opened_object opened;
  barebpf::object_shape shape;
  barebpf::object_facts facts;
  barebpf::verdict fault;
  exact<barebpf::map_spec> maps{0};
  exact<barebpf::variable_spec> variables{0};
  exact<barebpf::function_spec> functions{0};
  exact<barebpf::program_spec> programs{0};
  exact<barebpf::reference> references{0};
  exact<barebpf::filled_slot> filled_slots{0};
  exact<barebpf::core_record> cores{0};
  exact<barebpf::u32> map_slots{0}, type_index{0};
  exact<barebpf::extern_spec> externs{0};
  exact<barebpf::extern_name> extern_names{0};

  explicit reading(const barebpf::bytes& image) {
    fault = barebpf::detail::open_object(image, opened);
    if (!fault.failed()) fault = barebpf::measure(opened, shape);
    if (fault.failed()) return;
    maps = exact<barebpf::map_spec>(shape.maps);
    variables = exact<barebpf::variable_spec>(shape.variables);
    functions = exact<barebpf::function_spec>(shape.functions);
    programs = exact<barebpf::program_spec>(shape.programs);
    references = exact<barebpf::reference>(shape.references);
    filled_slots = exact<barebpf::filled_slot>(shape.filled_slots);
    cores = exact<barebpf::core_record>(shape.cores);
    map_slots = exact<barebpf::u32>(shape.map_slots);
    type_index = exact<barebpf::u32>(shape.type_index);
    externs = exact<barebpf::extern_spec>(shape.externs);
    extern_names = exact<barebpf::extern_name>(shape.externs);
    fault = barebpf::read(opened,
                          {maps.data(), variables.data(), functions.data(), programs.data(),
                           references.data(), filled_slots.data(), cores.data(), map_slots.data(),
                           type_index.data(), externs.data(), extern_names.data()},
                          facts);
  }
  barebpf::object_tables tables() const {
    return {.image = facts.image,
            .types = facts.types,
            .maps = maps.data(),
            .variables = variables.data(),
            .functions = functions.data(),
            .references = references.data(),
            .cores = cores.data(),
            .map_count = facts.maps,
            .function_count = facts.functions,
            .reference_count = facts.references,
            .core_count = facts.cores,
            .line_size = facts.line_size,
            .externs = externs.data(),
            .extern_count = facts.externs};
  }
};

/// The lines of a program, as many as `lines` counts.
inline exact<barebpf::abi::line_info> lines_of(const barebpf::source_lines& lines,
                                               const barebpf::program_layout& layout) {
  const barebpf::u32 count = lines.count(layout);
  const exact<barebpf::u64> words(std::size_t{count} * 2);
  if (count != 0) lines.write(layout, words.data());
  exact<barebpf::abi::line_info> out(count);
  for (barebpf::u32 i = 0; i < count; ++i)
    std::memcpy(static_cast<void*>(&out[i]), words.data() + std::size_t{i} * 2, sizeof out[i]);
  return out;
}

/// A verdict tells of a place in the file.
inline void promise_place(const barebpf::verdict& fault, const barebpf::bytes& image) {
  promise(!fault.failed() || fault.offset <= image.size(), "the offset of a verdict lies in the file");
  barebpf::elf file;
  if (fault.section != 0)
    promise(!barebpf::elf::open(image, file).failed() ? fault.section < file.section_count() : true,
            "the section of a verdict is there");
}

template <class Record>
void promise_same(const exact<Record>& a, const exact<Record>& b, barebpf::u32 count) {
  promise(a.size() == b.size() && count <= a.size(), "both readings found as much");
  for (barebpf::u32 i = 0; i < count; ++i)
    promise(fields(a[i]) == fields(b[i]), "plain bytes and packed words give the same tables");
}

#endif
