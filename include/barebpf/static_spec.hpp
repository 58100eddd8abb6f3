// SPDX-License-Identifier: MIT
// Room 4.3, static_spec: a spec that the compiler reads. Everything here is a constant; nothing of it is
// left in the program but the constants that somebody uses.
#ifndef BAREBPF_STATIC_SPEC_HPP
#define BAREBPF_STATIC_SPEC_HPP

#include "pruned_btf.hpp"
#include "spec.hpp"

#include <type_traits>  // remove_cvref_t, is_same_v

namespace barebpf::inline BAREBPF_ABI {

/// Does not compile when `Why` is a cause; the first line of the error is the cause's sentence.
/// `AtByte` counts from the start of the object file, `Section` and `Subject` are names in it.
template <cause Why, u64 AtByte, name<48> Section, name<48> Subject>
struct object_check {
#define BAREBPF_CAUSE(identifier, sentence) static_assert(Why != cause::identifier, "barebpf: " sentence);
  BAREBPF_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
  static constexpr bool made = true;
};

namespace detail {

// Arrays of 64-bit words are read where they are; single bytes are packed first.
template <const auto& Image>
struct static_image {
  static constexpr size_t count = sizeof(Image) / sizeof(Image[0]);
  static constexpr packed_words<count> storage{Image};
  static constexpr bytes window{storage.words, (count + 7) / 8};
};
template <const auto& Image>
requires std::is_same_v<std::remove_cvref_t<decltype(Image[0])>, u64>
struct static_image<Image> {
  static constexpr bytes window{&Image[0], sizeof(Image) / sizeof(u64)};
};

constexpr name<48> section_name_at(const bytes& image, u32 section) noexcept {
  name<48> out;
  elf file;
  if (section != 0 && !elf::open(image, file).failed())
    image.copy_string(file.section(section).name, out.characters, sizeof out.characters);
  return out;
}
constexpr name<48> name_at(const bytes& image, u64 at) noexcept {
  name<48> out;
  if (at != 0) image.copy_string(at, out.characters, sizeof out.characters);
  return out;
}

// At least one element, because C++ has no empty arrays.
constexpr size_t at_least_one(size_t count) noexcept { return count == 0 ? 1 : count; }

}  // namespace detail

/// A BPF object that the compiler reads.
/// Shape: `Image` is a constexpr array with the bytes of the object file: 64-bit words as `tools/embed`
///        writes them, or single bytes as `xxd -i` does, which cost the compiler more.
/// Errors: a fault in the object does not compile; the first line says what is wrong, and the template
///        arguments of object_check<cause, byte offset, section, name> say where.
template <const auto& Image>
class static_spec {
  struct measured_object {
    detail::opened_object opened;
    object_shape shape;
    verdict fault;
  };
  static constexpr bytes window = detail::static_image<Image>::window;
  static constexpr measured_object measured = [] {
    measured_object out;
    out.fault = detail::open_object(window, out.opened);
    if (!out.fault.failed()) out.fault = measure(out.opened, out.shape);
    return out;
  }();
  static constexpr object_shape shape = measured.fault.failed() ? object_shape{} : measured.shape;

  static_assert(object_check<measured.fault.why, measured.fault.offset,
                             detail::section_name_at(window, measured.fault.section),
                             detail::name_at(window, measured.fault.subject)>::made);

  struct tables {
    map_spec maps[detail::at_least_one(shape.maps)] = {};
    program_spec programs[detail::at_least_one(shape.programs)] = {};
    map_reference references[detail::at_least_one(shape.references)] = {};
    u32 map_slots[detail::at_least_one(shape.map_slots)] = {};
    u32 type_index[detail::at_least_one(shape.type_index)] = {};
    verdict fault;
  };
  static constexpr tables table = [] {
    tables out;
    if (measured.fault.failed()) return out;
    object_facts facts;
    out.fault = read(
        measured.opened,
        {out.maps, out.programs, out.references, out.map_slots, out.type_index, shape.references}, facts);
    return out;
  }();
  static_assert(
      object_check<table.fault.why, table.fault.offset, detail::section_name_at(window, table.fault.section),
                   detail::name_at(window, table.fault.subject)>::made);

  // What `read` found points into storage, so it is put together anew around storage that stays.
  static constexpr btf types = [] {
    btf out = measured.opened.types;
    if (!measured.fault.failed() && !table.fault.failed()) out.use_index(table.type_index);
    return out;
  }();

  struct types_for_maps {
    u32 size = 0;
    u32 key_ids[detail::at_least_one(shape.maps)] = {};
    u32 value_ids[detail::at_least_one(shape.maps)] = {};
  };
  static constexpr btf_pruner prune(u32* marks) noexcept {
    btf_pruner pruner(types, marks);
    for (u32 i = 0; i < shape.maps; ++i) {
      pruner.keep(table.maps[i].key_type);
      pruner.keep(table.maps[i].value_type);
    }
    return pruner;
  }
  static constexpr types_for_maps pruned = [] {
    types_for_maps out;
    u32 marks[btf_pruner::marks_size(shape.types)] = {};
    btf_pruner pruner = prune(marks);
    out.size = pruner.number();
    if (pruner.count() == 0) out.size = 0;
    for (u32 i = 0; i < shape.maps; ++i) {
      out.key_ids[i] = pruner.new_id(table.maps[i].key_type);
      out.value_ids[i] = pruner.new_id(table.maps[i].value_type);
    }
    return out;
  }();

 public:
  static constexpr u32 map_count = shape.maps;
  static constexpr u32 program_count = table.fault.failed() ? 0 : shape.programs;

  /// The index of the map or program called `wanted`, or `not_found`.
  [[nodiscard]] static constexpr u32 find_map(text wanted) noexcept {
    return find_named(window, table.maps, map_count, wanted);
  }
  [[nodiscard]] static constexpr u32 find_program(text wanted) noexcept {
    return find_named(window, table.programs, program_count, wanted);
  }

  /// The map or program with this index.
  [[nodiscard]] static constexpr map_spec map(u32 index) noexcept { return table.maps[index]; }
  [[nodiscard]] static constexpr program_spec program(u32 index) noexcept { return table.programs[index]; }
  /// The name under which the kernel keeps the program with this index.
  [[nodiscard]] static constexpr kernel_name program_name(u32 index) noexcept {
    return kernel_name_at(window, table.programs[index].name);
  }
  /// Instructions of the longest program.
  static constexpr u32 longest_program = [] {
    u32 out = 0;
    for (u32 i = 0; i < program_count; ++i)
      if (table.programs[i].instruction_count > out) out = table.programs[i].instruction_count;
    return out;
  }();

  /// What BPF_MAP_CREATE is told of each map; with the ids of its types in `maps_btf` when `WithBtf`.
  struct map_create_block {
    abi::map_create list[detail::at_least_one(shape.maps)];
  };
  template <bool WithBtf>
  static constexpr map_create_block map_creates = [] {
    map_create_block out;
    for (u32 i = 0; i < shape.maps; ++i) {
      out.list[i] = to_map_create(window, table.maps[i]);
      // The kernel wants both ids or none.
      if (!WithBtf || pruned.key_ids[i] == 0 || pruned.value_ids[i] == 0) continue;
      out.list[i].btf_key_type_id = pruned.key_ids[i];
      out.list[i].btf_value_type_id = pruned.value_ids[i];
    }
    return out;
  }();

  /// The types of the maps' keys and values, as BPF_BTF_LOAD takes them.
  static constexpr u32 btf_size = pruned.size;
  struct btf_block {
    u8 data[detail::at_least_one(pruned.size)] = {};
  };
  static constexpr btf_block maps_btf = [] {
    btf_block out;
    u32 marks[btf_pruner::marks_size(shape.types)] = {};
    btf_pruner pruner = prune(marks);
    if (pruner.number() != 0 && pruned.size != 0) pruner.write(out.data);
    return out;
  }();

  /// The instructions of the program with this index. Loads of map addresses name the map by its place in
  /// an array of descriptors when `ByIndex` (5.14), and have to be given the descriptor otherwise.
  template <u32 Index>
  struct code_block {
    abi::insn code[detail::at_least_one(program(Index).instruction_count)];
  };
  template <u32 Index, bool ByIndex>
  static constexpr code_block<Index> instructions = [] {
    code_block<Index> out;
    constexpr program_spec from = program(Index);
    for (u32 i = 0; i < from.instruction_count; ++i) out.code[i] = read_instruction(window, from, i);
    for (u32 i = 0; i < from.reference_count; ++i) {
      const map_reference& reference = table.references[from.first_reference + i];
      abi::insn& load = out.code[reference.instruction];
      load.set_source(ByIndex ? abi::pseudo_map_idx : abi::pseudo_map_fd);
      load.immediate = static_cast<s32>(reference.map);
    }
    return out;
  }();
  /// The places in those instructions that name a map, in order.
  template <u32 Index>
  struct reference_block {
    map_reference list[detail::at_least_one(program(Index).reference_count)];
  };
  template <u32 Index>
  static constexpr reference_block<Index> references = [] {
    reference_block<Index> out{};
    for (u32 i = 0; i < program(Index).reference_count; ++i)
      out.list[i] = table.references[program(Index).first_reference + i];
    return out;
  }();

  /// The string at an offset of the file, as an array of just its size.
  template <u64 At>
  struct string_block {
    char characters[window.length_of_string(At) + 1];
  };
  template <u64 At>
  static constexpr string_block<At> string = [] {
    string_block<At> out{};
    window.copy_string(At, out.characters, sizeof out.characters);
    return out;
  }();

 private:
  static constexpr u64 license_at = [] {
    return measured.fault.failed() ? u64{0} : find_license(measured.opened.file);
  }();

 public:
  /// The license string; empty when the object has none.
  static constexpr auto& license = string < license_at != 0 ? license_at : window.size() > ;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STATIC_SPEC_HPP
