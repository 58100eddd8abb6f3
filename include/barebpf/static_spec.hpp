// SPDX-License-Identifier: MIT
// Room 4.9, static_spec: a spec that the compiler reads. Everything here is a constant; nothing of it is
// left in the program but the constants that somebody uses.
#ifndef BAREBPF_STATIC_SPEC_HPP
#define BAREBPF_STATIC_SPEC_HPP

#include "older_btf.hpp"
#include "policy.hpp"
#include "pruned_btf.hpp"
#include "spec.hpp"
#include "type_shape.hpp"

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
template <u64 AtByte, name<48> Section, name<48> Subject>
struct object_check<cause::none, AtByte, Section, Subject> {
  static constexpr bool made = true;
};

namespace detail {

// C arrays and std::array, of bytes or of words.
template <const auto& Image, size_t Size>
concept image_of = requires {
  Image[0];
  requires std::is_integral_v<std::remove_cvref_t<decltype(Image[0])>> && sizeof(Image[0]) == Size;
  requires !std::is_pointer_v<std::remove_cvref_t<decltype(Image)>>;
};

template <const auto& Image>
struct static_image {
  static_assert(
      image_of<Image, 1>,
      "barebpf: an object is an array of its bytes, or of 64-bit words, so give what tools/embed or xxd -i "
      "writes, declared constexpr");
  static constexpr u64 nothing[1] = {};
  static constexpr bytes window{nothing, 0};
};
// Arrays of 64-bit words are read where they are; single bytes are packed first.
template <const auto& Image>
requires image_of<Image, 1>
struct static_image<Image> {
  static constexpr size_t count = sizeof(Image);
  static constexpr packed_words<count> storage{Image};
  static constexpr bytes window{storage.words, (count + 7) / 8};
};
template <const auto& Image>
requires image_of<Image, sizeof(u64)>
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
  // What takes long is made by a function: g++ evaluates a call without arguments once, and a lambda as often as it looks
  // at it.
  static constexpr measured_object make_measured() noexcept {
    measured_object out;
    out.fault = detail::open_object(window, out.opened);
    if (!out.fault.failed()) out.fault = measure(out.opened, out.shape);
    return out;
  }
  static constexpr measured_object measured = make_measured();
  static constexpr object_shape shape = measured.fault.failed() ? object_shape{} : measured.shape;

  static_assert(object_check<measured.fault.why, measured.fault.offset,
                             detail::section_name_at(window, measured.fault.section),
                             detail::name_at(window, measured.fault.subject)>::made);

  struct tables {
    map_spec maps[detail::at_least_one(shape.maps)] = {};
    variable_spec variables[detail::at_least_one(shape.variables)] = {};
    function_spec functions[detail::at_least_one(shape.functions)] = {};
    program_spec programs[detail::at_least_one(shape.programs)] = {};
    reference references[detail::at_least_one(shape.references)] = {};
    filled_slot filled_slots[detail::at_least_one(shape.filled_slots)] = {};
    core_record cores[detail::at_least_one(shape.cores)] = {};
    u32 map_slots[detail::at_least_one(shape.map_slots)] = {};
    u32 type_index[detail::at_least_one(shape.type_index)] = {};
    extern_spec externs[detail::at_least_one(shape.externs)] = {};
    extern_name extern_names[detail::at_least_one(shape.externs)] = {};
    verdict fault;
    // What `read` found beside; its types point into storage that goes, so they are left behind.
    u64 license = 0, source = 0;
    u32 line_size = 0, maps_found = 0, variables_found = 0, functions_found = 0, programs_found = 0,
        references_found = 0, cores_found = 0, externs_found = 0;
  };
  static constexpr tables make_table() noexcept {
    tables out;
    if (measured.fault.failed()) return out;
    object_facts facts;
    out.fault = read(measured.opened,
                     {out.maps, out.variables, out.functions, out.programs, out.references, out.filled_slots,
                      out.cores, out.map_slots, out.type_index, out.externs, out.extern_names},
                     facts);
    if (out.fault.failed()) return out;
    out.license = facts.license;
    out.source = facts.source;
    out.line_size = facts.line_size;
    out.maps_found = facts.maps;
    out.variables_found = facts.variables;
    out.functions_found = facts.functions;
    out.programs_found = facts.programs;
    out.references_found = facts.references;
    out.cores_found = facts.cores;
    out.externs_found = facts.externs;
    return out;
  }
  static constexpr tables table = make_table();
  static_assert(
      object_check<table.fault.why, table.fault.offset, detail::section_name_at(window, table.fault.section),
                   detail::name_at(window, table.fault.subject)>::made);

  static constexpr object_tables view = [] {
    object_tables out{.image = measured.fault.failed() ? window : measured.opened.file.image(),
                      .types = measured.opened.types,
                      .maps = table.maps,
                      .variables = table.variables,
                      .functions = table.functions,
                      .references = table.references,
                      .cores = table.cores,
                      .map_count = table.maps_found,
                      .function_count = table.functions_found,
                      .reference_count = table.references_found,
                      .core_count = table.cores_found,
                      .line_size = table.line_size,
                      .externs = table.externs,
                      .extern_count = table.externs_found};
    if (!measured.fault.failed()) out.types.use_index(table.type_index);
    return out;
  }();

  // What is left of the types.
  struct kept_types {
    u32 storage[pruned_btf::storage_size(shape.types, shape.cores, shape.types_size)] = {};
    pruned_sizes sizes;
  };
  static constexpr kept_types make_kept() noexcept {
    kept_types out;
    if (measured.fault.failed() || table.fault.failed()) return out;
    btf_pruner pruner(view, out.storage);
    pruner.keep_object();
    static_cast<void>(pruner.number());
    out.sizes = pruner.sizes();
    return out;
  }
  static constexpr kept_types kept = make_kept();
  // The source lines.
  struct found_lines {
    u32 storage[detail::at_least_one(source_lines::storage_size(view))] = {};
    u32 count = 0;
  };
  static constexpr found_lines make_all_lines() noexcept {
    found_lines out;
    if (!measured.fault.failed() && !table.fault.failed())
      out.count = source_line_finder(view, out.storage).find();
    return out;
  }
  static constexpr found_lines all_lines = make_all_lines();
  template <bool WithLines>
  static constexpr source_lines some_lines = [] {
    if constexpr (WithLines)
      return source_lines(view, all_lines.storage, all_lines.count);
    else
      return source_lines();
  }();
  template <bool WithLines>
  static constexpr pruned_btf pruned{view, kept.storage, kept.sizes, some_lines<WithLines>};
  static constexpr bool has_lines(btf_choice choice) noexcept { return choice == btf_choice::all; }

  struct laid_out_program {
    program_layout layout;
    verdict fault;
  };
  template <u32 Index>
  static constexpr laid_out_program make_laid_out() noexcept {
    laid_out_program out;
    out.fault = lay_out(view, table.programs[Index].function, out.layout);
    return out;
  }
  template <u32 Index>
  static constexpr laid_out_program laid_out = make_laid_out<Index>();
  template <u32 Index>
  struct whole_program {
    struct {
      u64 code[detail::at_least_one(laid_out<Index>.layout.instruction_count)] = {};
    } instructions;
    struct {
      map_reference list[detail::at_least_one(laid_out<Index>.layout.map_references)] = {};
    } references;
  };
  template <u32 Index, map_naming Naming>
  static constexpr whole_program<Index> make_assembled() noexcept {
    constexpr verdict fault = laid_out<Index>.fault;
    static_assert(object_check<fault.why, fault.offset, detail::section_name_at(window, fault.section),
                               detail::name_at(window, fault.subject)>::made);
    whole_program<Index> out;
    if (!fault.failed())
      assemble(view, laid_out<Index>.layout, Naming, out.instructions.code, out.references.list);
    return out;
  }
  template <u32 Index, map_naming Naming>
  static constexpr whole_program<Index> assembled = make_assembled<Index, Naming>();

 public:
  static constexpr u32 map_count = table.maps_found;
  static constexpr u32 variable_count = table.variables_found;
  static constexpr u32 program_count = table.programs_found;
  static constexpr u32 extern_count = table.externs_found;

  /// True when the object was compiled for machines of the other byte order.
  static constexpr bool is_foreign = view.image.is_foreign();
  /// The section of the program with this index, the name of a section, and the name at a place in the file.
  [[nodiscard]] static constexpr u32 section_of(u32 program) noexcept {
    return table.functions[table.programs[program].function].section;
  }
  [[nodiscard]] static constexpr name<48> section_name(u32 section) noexcept {
    return detail::section_name_at(window, section);
  }
  [[nodiscard]] static constexpr name<48> name_at(u64 at) noexcept { return detail::name_at(window, at); }

  /// The index of the map, variable or program called `wanted`, or `not_found`.
  [[nodiscard]] static constexpr u32 find_map(text wanted) noexcept {
    return find_named(window, table.maps, map_count, wanted);
  }
  [[nodiscard]] static constexpr u32 find_variable(text wanted) noexcept {
    return find_named(window, table.variables, variable_count, wanted);
  }
  [[nodiscard]] static constexpr u32 find_program(text wanted) noexcept {
    return find_named(window, table.programs, program_count, wanted);
  }

  /// The map, variable or program with this index.
  [[nodiscard]] static constexpr map_spec map(u32 index) noexcept { return table.maps[index]; }
  [[nodiscard]] static constexpr variable_spec variable(u32 index) noexcept { return table.variables[index]; }
  [[nodiscard]] static constexpr program_spec program(u32 index) noexcept { return table.programs[index]; }
  /// All programs.
  [[nodiscard]] static constexpr const program_spec* programs() noexcept { return table.programs; }
  /// What the object wants of the kernel by name, and the shape of its type.
  [[nodiscard]] static constexpr extern_spec external(u32 index) noexcept { return table.externs[index]; }
  template <u32 Index>
  static constexpr auto extern_shape = [] {
    constexpr type_shape whole = shape_of_extern(view.types, table.externs[Index]);
    return barebpf::name<text(whole.letters).size() + 1>::cut(whole.letters);
  }();
  /// The types of the object.
  [[nodiscard]] static constexpr const btf& types() noexcept { return view.types; }
  /// The image that it was read from.
  [[nodiscard]] static constexpr const bytes& image() noexcept { return window; }
  /// All of it, as those look at it who load it.
  [[nodiscard]] static constexpr const object_tables& all_tables() noexcept { return view; }
  /// The slots that the object fills; each map knows which are its own.
  [[nodiscard]] static constexpr const filled_slot* filled_slots() noexcept { return table.filled_slots; }
  [[nodiscard]] static constexpr filled_slot slot(u32 index) noexcept { return table.filled_slots[index]; }
  /// The name under which the kernel keeps the program with this index.
  [[nodiscard]] static constexpr kernel_name program_name(u32 index) noexcept {
    return kernel_name_at(window, table.programs[index].name);
  }

  /// True when some instruction depends on the kernel's types (CO-RE).
  static constexpr bool has_cores = table.cores_found != 0;
  /// True when the object does not work without its types, see `pruned_btf`.
  static constexpr bool needs_types = pruned<false>.is_required();
  /// What is loaded of the types when `wanted` is asked for.
  [[nodiscard]] static constexpr btf_choice choose(btf_choice wanted) noexcept {
    return (needs_types || has_cores) && wanted == btf_choice::none ? btf_choice::needed : wanted;
  }

  /// True when a kernel as old as `oldest` may not know the kind of a type that is loaded.
  [[nodiscard]] static constexpr bool has_newer_kinds(u32 oldest) noexcept {
    for (u32 i = 0; i < pruned<false>.count(); ++i)
      if (older_kind_of(view.types, pruned<false>.kept_type(i), oldest + 1).since != 0) return true;
    return false;
  }

  /// What BPF_MAP_CREATE is told of each map, with the ids of its types in `btf_image`.
  struct map_create_block {
    abi::map_create list[detail::at_least_one(map_count)];
  };
  template <btf_choice Btf>
  static constexpr map_create_block map_creates = [] {
    map_create_block out;
    for (u32 i = 0; i < map_count; ++i) {
      out.list[i] = to_map_create(window, table.maps[i], object_name_at(window, table.source));
      if constexpr (Btf != btf_choice::none) describe_map(table.maps[i], pruned<has_lines(Btf)>, out.list[i]);
    }
    return out;
  }();

  /// The same of the pattern for the maps in each map of maps; one without a type for each other map.
  template <btf_choice Btf>
  static constexpr map_create_block inner_map_creates = [] {
    map_create_block out;
    for (u32 i = 0; i < map_count; ++i) {
      if (table.maps[i].inner == 0) continue;
      const map_spec inner = inner_of(view.types, table.maps[i]);
      out.list[i] = to_inner_map_create(window, inner);
      if constexpr (Btf != btf_choice::none) describe_map(inner, pruned<has_lines(Btf)>, out.list[i]);
    }
    return out;
  }();

  /// The types of maps, variables and functions, as BPF_BTF_LOAD takes them.
  template <btf_choice Btf>
  static constexpr u32 btf_size = pruned<has_lines(Btf)>.count() == 0 ? 0
                                                                      : pruned<has_lines(Btf)>.sizes().total;
  template <btf_choice Btf>
  struct btf_block {
    u32 head[detail::at_least_one(pruned<has_lines(Btf)>.head_words())] = {};
    u8 strings[pruned<has_lines(Btf)>.name_bytes()] = {};
  };

 private:
  template <btf_choice Btf>
  static constexpr btf_block<Btf> make_btf_image() noexcept {
    btf_block<Btf> out;
    if (btf_size<Btf> != 0) pruned<has_lines(Btf)>.write(out.head, out.strings);
    return out;
  }

 public:
  template <btf_choice Btf>
  static constexpr btf_block<Btf> btf_image = make_btf_image<Btf>();

  /// How many instructions the program with this index has, all its functions counted.
  template <u32 Index>
  static constexpr u32 instruction_count = laid_out<Index>.layout.instruction_count;
  template <u32 Index>
  static constexpr u32 reference_count = laid_out<Index>.layout.map_references;
  /// Its instructions, a word for each, see `assemble`.
  template <u32 Index, map_naming Naming>
  static constexpr auto instructions = assembled<Index, Naming>.instructions;
  /// The places in those instructions that name a map, in order.
  template <u32 Index>
  static constexpr auto references = assembled<Index, map_naming::by_descriptor>.references;

  /// Where its functions begin and their types; its source lines, two words for each, see `source_lines`. None where BTF
  /// does not tell of all.
  template <u32 Index>
  static constexpr u32 function_count =
      laid_out<Index>.layout.has_types ? laid_out<Index>.layout.piece_count : 0;
  template <u32 Index>
  static constexpr u32 line_count = function_count<Index> == 0
                                        ? 0
                                        : some_lines<true>.count(laid_out<Index>.layout);
  template <u32 Index>
  struct function_block {
    abi::func_info list[detail::at_least_one(function_count<Index>)];
  };
  template <u32 Index, btf_choice Btf>
  static constexpr function_block<Index> functions = [] {
    function_block<Index> out{};
    if (function_count<Index> != 0)
      write_functions(view, laid_out<Index>.layout, pruned<has_lines(Btf)>, out.list);
    return out;
  }();
  template <u32 Index>
  struct line_block {
    u64 list[detail::at_least_one(line_count<Index> * 2)];
  };

 private:
  template <u32 Index>
  static constexpr line_block<Index> make_lines() noexcept {
    line_block<Index> out{};
    if (line_count<Index> != 0) some_lines<true>.write(laid_out<Index>.layout, out.list);
    return out;
  }

 public:
  template <u32 Index>
  static constexpr line_block<Index> lines = make_lines<Index>();

  /// Which of its instructions depend on the kernel's types.
  template <u32 Index>
  static constexpr u32 core_count = count_cores(view, laid_out<Index>.layout);
  template <u32 Index>
  struct core_block {
    abi::core_relo list[detail::at_least_one(core_count<Index>)];
  };

 private:
  template <u32 Index, btf_choice Btf>
  static constexpr core_block<Index> make_cores() noexcept {
    core_block<Index> out{};
    write_cores(view, laid_out<Index>.layout, pruned<has_lines(Btf)>, out.list);
    return out;
  }

 public:
  template <u32 Index, btf_choice Btf>
  static constexpr core_block<Index> cores = make_cores<Index, Btf>();

  /// The first value of a map of variables, or what an arena begins with, as the object has it; eight bytes of each
  /// word in this order.
  template <u32 Index>
  struct value_block {
    u64 words[detail::at_least_one(map(Index).has_content()   ? (map(Index).value_size + 7) / 8
                                   : map(Index).image_at != 0 ? (map(Index).image_size + 7) / 8
                                                              : 0)] = {};
  };

 private:
  template <u32 Index>
  static constexpr value_block<Index> make_value() noexcept {
    value_block<Index> out;
    constexpr map_spec from = map(Index);
    constexpr u64 at = from.has_content() ? from.declared_at : from.image_at;
    constexpr u32 size = from.has_content() ? from.value_size : from.image_size;
    for (u32 i = 0; at != 0 && i < (size + 7) / 8; ++i)
      out.words[i] = window.word_in_memory(at + u64{i} * 8, at + size);
    return out;
  }

 public:
  template <u32 Index>
  static constexpr value_block<Index> value = make_value<Index>();

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
  /// The license string; empty when the object has none.
  static constexpr auto& license = string < table.license != 0 ? table.license : window.size() > ;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STATIC_SPEC_HPP
