// SPDX-License-Identifier: MIT
// Room 10.1, static_object: an object that the compiler has read. What runs is a row of system calls over
// finished records; nothing is parsed, searched or allocated.
#ifndef BAREBPF_STATIC_OBJECT_HPP
#define BAREBPF_STATIC_OBJECT_HPP

#include "link.hpp"
#include "load.hpp"
#include "map/map.hpp"
#include "static_spec.hpp"
#include "type_check.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The maps and programs of a static_object, in the kernel.
/// Lifetime: given back when this object goes, unless a link, a pin or somebody else holds them.
template <const auto& Image, load_policy Policy>
class loaded_static_object {
  using spec = static_spec<Image>;

 public:
  /// The map called `Name`, with C++ types for its keys and values.
  /// Errors:   none at run time. A name that the object does not have, or a type that does not fit it, does
  ///           not compile.
  /// Lifetime: borrowed: valid as long as this object.
  template <name Name, class Key, class Value>
  [[nodiscard]] auto map() const noexcept {
    constexpr u32 index = spec::find_map(Name);
    constexpr map_spec found = index == not_found ? map_spec{} : spec::map(index);
    constexpr cause fault = index == not_found ? cause::no_such_map : compare_types<Key, Value>(found);
    static_assert(object_check<fault, found.declared_at, ".maps", barebpf::name<48>::cut(Name)>::made);
    // After a fault any type will do: one error is enough.
    constexpr map_type type = fault == cause::none ? static_cast<map_type>(found.type) : map_type::hash;
    constexpr u32 known = index == not_found ? 0 : index;
    return barebpf::map<type, Key, Value>(untyped_map::borrow(maps_[known].number(), to_kernel_name(Name)));
  }

  /// Attaches the program called `Name` where the name of its section says.
  /// Errors: those of `attach_tracepoint`. A name that the object does not have, or a section that does not
  ///         tell where to attach, does not compile.
  template <name Name>
  [[nodiscard]] result<link> attach() const noexcept {
    constexpr u32 index = spec::find_program(Name);
    constexpr u32 known = index == not_found ? 0 : index;
    constexpr cause fault = index == not_found        ? cause::no_such_program
                            : path_length<known> == 0 ? cause::not_attachable
                                                      : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    return link::attach_tracepoint<Policy>(programs_[known], path<known>.characters, Name.characters);
  }

  /// The program called `Name`.
  /// Lifetime: borrowed: valid as long as this object.
  template <name Name>
  [[nodiscard]] const fd& program() const noexcept {
    constexpr u32 index = spec::find_program(Name);
    constexpr cause fault = index == not_found ? cause::no_such_program : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    return programs_[index == not_found ? 0 : index];
  }

 private:
  template <const auto&>
  friend class static_object;

  // The file that tells the number of the tracepoint that a program's section names.
  template <u32 Index>
  static constexpr text target = [] {
    constexpr auto& section = spec::template string<spec::program(Index).section_name>;
    return target_of(section.characters);
  }();
  template <u32 Index>
  static constexpr size_t path_length = write_tracepoint_path(target<Index>, nullptr, 0);
  template <u32 Index>
  static constexpr auto path = [] {
    barebpf::name<path_length<Index> + 1> out;
    write_tracepoint_path(target<Index>, out.characters, sizeof out.characters);
    return out;
  }();

  fd maps_[detail::at_least_one(spec::map_count)];
  fd programs_[detail::at_least_one(spec::program_count)];
};

/// A BPF object that the compiler reads: `constexpr barebpf::static_object<execve_counter> object;`.
/// Shape:  an empty object; everything it knows is constants.
/// Errors: a damaged object, or one that barebpf cannot load, does not compile; the first line of the error
///         says why, and the template arguments of object_check<cause, byte offset, section, name> say where.
template <const auto& Image>
class static_object {
  using spec = static_spec<Image>;

  // By index where no older kernel is to be served; that leaves the instructions constant.
  static constexpr bool by_index(const load_policy& policy) noexcept {
    return policy.oldest_kernel >= kernel(5, 14);
  }

  struct program_loads {
    abi::prog_load list[detail::at_least_one(spec::program_count)];
  };
  template <bool ByIndex, size_t... Index>
  static constexpr program_loads make_programs(std::index_sequence<Index...>) noexcept {
    return {{abi::prog_load{.prog_type = static_cast<u32>(spec::program(Index).type),
                            .insn_cnt = spec::program(Index).instruction_count,
                            .insns = spec::template instructions<Index, ByIndex>.code,
                            .license = spec::license.characters,
                            .prog_name = spec::program_name(Index)}...}};
  }
  template <bool ByIndex>
  static constexpr program_loads programs =
      make_programs<ByIndex>(std::make_index_sequence<spec::program_count>());

  struct program_patches {
    program_patch list[detail::at_least_one(spec::program_count)];
  };
  template <size_t... Index>
  static constexpr program_patches make_patches(std::index_sequence<Index...>) noexcept {
    return {{program_patch{.code = spec::template instructions<Index, false>.code,
                           .references = spec::template references<Index>.list,
                           .reference_count = spec::program(Index).reference_count}...}};
  }
  static constexpr program_patches patches = make_patches(std::make_index_sequence<spec::program_count>());

  template <load_policy Policy>
  static constexpr object_records records = [] {
    constexpr bool with_btf = Policy.btf != btf_choice::none;
    object_records out{.maps = spec::template map_creates<with_btf>.list,
                       .map_count = spec::map_count,
                       .programs = programs<by_index(Policy)>.list,
                       .program_count = spec::program_count};
    if constexpr (!by_index(Policy)) out.patches = patches.list;
    if constexpr (with_btf) {
      out.btf = spec::maps_btf.data;
      out.btf_size = spec::btf_size;
    }
    return out;
  }();

  template <load_policy Policy, class Log>
  static result<loaded_static_object<Image, Policy>> load_with(Log* log) noexcept {
    result<loaded_static_object<Image, Policy>> out(std::in_place);
    outcome row;
    constexpr const object_records& all = records<Policy>;
    if constexpr (by_index(Policy)) {
      int map_numbers[detail::at_least_one(spec::map_count)];
      load_by_index<Policy.btf>(all, out->maps_, out->programs_, map_numbers, log, row);
    } else if constexpr (spec::longest_program <= longest_on_stack) {
      abi::insn scratch[detail::at_least_one(spec::longest_program)];
      load_patched<Policy.btf>(all, out->maps_, out->programs_, scratch, log, row);
    } else {
      auto scratch = buffer<abi::insn>::of(spec::longest_program);
      if (!scratch) return scratch.error();
      load_patched<Policy.btf>(all, out->maps_, out->programs_, scratch->data(), log, row);
    }
    if (row.failed()) out.fail_with([&row] { return to_error(row); });
    return out;
  }
  static constexpr u32 longest_on_stack = 512;  // instructions, one page

 public:
  /// What `load<Policy>` gives.
  template <load_policy Policy = load_policy{}>
  using loaded = loaded_static_object<Image, Policy>;

  /// Creates the maps and loads the programs.
  /// Errors: of the first map or program that the kernel refuses; what was made before is given back.
  /// Cost:   one bpf(2) call for each map and program and one for their types; no allocation, unless kernels
  ///         before 5.14 are to be served a program of more than 512 instructions.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] static result<loaded<Policy>> load() noexcept {
    return load_with<Policy>(static_cast<no_log*>(nullptr));
  }
  /// The same with options; after a refusal the program is offered once more to fill the log.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] static result<loaded<Policy>> load(const load_options& options) noexcept {
    return load_with<Policy>(options.log);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STATIC_OBJECT_HPP
