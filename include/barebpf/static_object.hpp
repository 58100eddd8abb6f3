// SPDX-License-Identifier: MIT
// Room 10.6, static_object: an object that the compiler has read. What runs is a row of system calls over
// finished records; nothing is parsed, searched or allocated.
#ifndef BAREBPF_STATIC_OBJECT_HPP
#define BAREBPF_STATIC_OBJECT_HPP

#include "load.hpp"
#include "loaded_static_object.hpp"
#include "static_operations.hpp"
#include "static_parts.hpp"
#include "static_spec.hpp"
#include "variable.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A BPF object that the compiler reads: `constexpr barebpf::static_object<execve_counter> object;`.
/// Shape:  an empty object; everything it knows is constants.
/// Errors: a damaged object, or one that barebpf cannot load, does not compile; the first line of the error
///         says why, and the template arguments of object_check<cause, byte offset, section, name> say where.
template <const auto& Image>
class static_object {
  using spec = static_spec<Image>;
  using operations = static_operations<spec>;

  static constexpr u64 data_size = [] {
    data_layout out;
    for (u32 i = 0; i < spec::map_count; ++i) out.add(spec::map(i));
    return out.size;
  }();
  struct offsets {
    u64 list[detail::at_least_one(spec::map_count)] = {};
    [[nodiscard]] constexpr u64 operator[](u32 map) const noexcept { return list[map]; }
  };
  static constexpr offsets data_at = [] {
    offsets out;
    data_layout layout;
    for (u32 i = 0; i < spec::map_count; ++i) out.list[i] = layout.add(spec::map(i));
    return out;
  }();

 public:
  /// The first values of the object's global variables, as `data` gives them.
  /// Shape: as many bytes as the variables take, in the object itself.
  class first_values {
   public:
    first_values() noexcept {
      for (u32 i = 0; i < spec::map_count; ++i)
        if (spec::map(i).has_content())
          __builtin_memcpy(bytes_ + data_at[i], duties.list[i].value, spec::map(i).value_size);
    }
    /// The variable called `Name`.
    /// Errors: a name that the object does not have, or a type that does not fit, does not compile.
    template <name Name, class T>
    [[nodiscard]] T& variable() noexcept {
      using asked = detail::asked_variable<spec, Name, T>;
      constexpr cause fault = asked::fault(can_be_set_as<T>(asked::holder, asked::found));
      static_assert(object_check<fault, asked::found.declared_at, "", barebpf::name<48>::cut(Name)>::made);
      return *reinterpret_cast<T*>(bytes_ + data_at[asked::found.map] + asked::found.offset);
    }
    /// The same with the type that the object has for it: `data.variable<"limit">() = 7`.
    template <name Name>
    [[nodiscard]] auto& variable() noexcept {
      constexpr u32 index = spec::find_variable(Name);
      constexpr cause fault = index == not_found ? cause::no_such_variable : cause::none;
      static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
      return variable<Name, object_type<spec, spec::variable(index == not_found ? 0 : index).type>>();
    }
    /// For `load_options::data`.
    [[nodiscard]] span<const unsigned char> view() const noexcept { return {bytes_, data_size}; }

   private:
    alignas(data_layout::alignment) unsigned char bytes_[detail::at_least_one(data_size)] = {};
  };

 private:
  // Whether there are options of the kernel, or names in it. What the kernel has under a name is put into instructions,
  // so they are no constants.
  static constexpr bool has_config = spec::extern_count != 0 && spec::external(0).kind == extern_kind::config;
  static constexpr bool has_names =
      spec::extern_count != 0 && spec::external(spec::extern_count - 1).kind != extern_kind::config;
  static constexpr u32 config_size = [] {
    u32 out = 0;
    for (u32 i = 0; i < spec::map_count; ++i)
      if (spec::map(i).origin == map_origin::config) out = spec::map(i).value_size;
    return out;
  }();
  // An instruction that names a struct of functions which is not made is marked.
  static constexpr bool has_optional_maps = [] {
    for (u32 i = 0; i < spec::map_count; ++i)
      if (spec::map(i).is_optional) return true;
    return false;
  }();
  // By index where no older kernel is to be served; that leaves the instructions constant.
  static constexpr map_naming naming(const load_policy& policy) noexcept {
    const bool is_changed = has_names || has_optional_maps || (spec::has_cores && policy.has_own_core());
    return policy.oldest_kernel >= kernel(5, 14) && !is_changed ? map_naming::by_index
                                                                : map_naming::by_descriptor;
  }
  // What `load` with options may be told to do, it must be able to do.
  static constexpr load_needs needs(const load_policy& policy, bool has_options) noexcept {
    load_needs out{.types = spec::choose(policy.btf) != btf_choice::none,
                   .older_types = spec::has_newer_kinds(policy.oldest_kernel),
                   .values = false,
                   .pins = false,
                   .targets = false,
                   .modules = false,
                   .newer = false,
                   .slots = false,
                   .arenas = false,
                   .images = false,
                   .config = has_config,
                   .names = has_names,
                   .kernel_cores = spec::has_cores && policy.core != core_way::library,
                   .own_cores = spec::has_cores && policy.has_own_core(),
                   .hints = operations::is_any,
                   .sizes = false,
                   .choices = has_options || operations::is_any,
                   .operations = operations::is_any,
                   .patch = naming(policy) == map_naming::by_descriptor};
    for (u32 i = 0; i < spec::map_count; ++i) {
      out.values = out.values || spec::map(i).is_for_variables();
      out.images = out.images || has_image(spec::map(i));
      out.pins = out.pins || spec::map(i).pinning != 0;
      out.slots = out.slots || spec::map(i).has_values;
      out.sizes = out.sizes || depends_on_machine(spec::map(i), has_options);
      out.arenas = out.arenas ||
                   (spec::map(i).type == static_cast<u32>(map_type::arena) && spec::map(i).map_extra == 0);
      // What the oldest kernel has and the table finds nothing wrong with is refused for reasons of the moment.
      const abi::map_create attr = spec::template map_creates<btf_choice::none>.list[i];
      out.hints = out.hints || why_refused(attr) != cause::none ||
                  kind_of(static_cast<map_type>(attr.map_type)).first_kernel > policy.oldest_kernel;
    }
    for (u32 i = 0; i < spec::program_count; ++i) {
      const program_spec program = spec::program(i);
      out.choices = out.choices || program.is_optional;
      out.targets = out.targets || program.kind.needs_kernel_type() ||
                    (has_options && program.kind.type == abi::prog_type::unspec);
      out.newer = out.newer || (is_loaded_since(program.kind) && program.kind.since > policy.oldest_kernel);
      out.modules = out.modules || names_module(program) ||
                    (has_options && (program.kind.rest == section_rest::functions ||
                                     program.kind.type == abi::prog_type::unspec));
    }
    return out;
  }
  // Whether it is an arena that begins with something.
  static constexpr bool has_image(const map_spec& map) noexcept {
    return map.image_size != 0 && map.origin != map_origin::operations;
  }
  static constexpr bool names_module(const program_spec& program) noexcept {
    if (program.kind.rest != section_rest::functions || program.place == 0) return false;
    u64 at = program.place;
    while (spec::image().read8(at) != 0 && spec::image().read8(at) != ':') ++at;
    return spec::image().read8(at) != 0;
  }
  // Whether the size of a map is one that only the machine tells.
  static constexpr bool depends_on_machine(const map_spec& map, bool may_change) noexcept {
    const auto type = static_cast<map_type>(map.type);
    if (type == map_type::perf_event_array) return map.max_entries == 0;
    return kind_of(type).entries == entries_rule::ring_size &&
           (may_change || !detail::is_whole_ring(map.max_entries));
  }

  template <map_naming Naming, btf_choice Btf, u32 Index>
  static constexpr abi::prog_load make_program() noexcept {
    abi::prog_load out{.prog_type = static_cast<u32>(spec::program(Index).kind.type),
                       .insn_cnt = spec::template instruction_count<Index>,
                       .insns = spec::template instructions<Index, Naming>.code,
                       .license = spec::license.characters,
                       .prog_flags = spec::program(Index).kind.flags,
                       .prog_name = spec::program_name(Index),
                       .expected_attach_type = static_cast<u32>(spec::program(Index).kind.attach_type)};
    if constexpr (Btf != btf_choice::none && spec::template function_count<Index> != 0) {
      out.func_info_rec_size = sizeof(abi::func_info);
      out.func_info = spec::template functions<Index, Btf>.list;
      out.func_info_cnt = spec::template function_count<Index>;
    }
    if constexpr (Btf == btf_choice::all && spec::template line_count<Index> != 0) {
      out.line_info_rec_size = sizeof(abi::line_info);
      out.line_info = spec::template lines<Index>.list;
      out.line_info_cnt = spec::template line_count<Index>;
    }
    if constexpr (Btf != btf_choice::none && spec::template core_count<Index> != 0) {
      out.core_relo_rec_size = sizeof(abi::core_relo);
      out.core_relos = spec::template cores<Index, Btf>.list;
      out.core_relo_cnt = spec::template core_count<Index>;
    }
    return out;
  }
  struct program_loads {
    abi::prog_load list[detail::at_least_one(spec::program_count)];
  };
  template <map_naming Naming, btf_choice Btf>
  static constexpr program_loads programs = []<size_t... Index>(std::index_sequence<Index...>) {
    return program_loads{{make_program<Naming, Btf, Index>()...}};
  }
  (std::make_index_sequence<spec::program_count>());

  // What each is made for.
  template <u32 Index>
  static constexpr kernel_type_need make_target() noexcept {
    if constexpr (!spec::program(Index).kind.may_be_loaded_for())
      return {};
    else if constexpr (spec::program(Index).place == 0)
      return {spec::program(Index).kind.rest, ""};
    else
      return {spec::program(Index).kind.rest, spec::template string<spec::program(Index).place>.characters};
  }
  struct program_targets {
    kernel_type_need list[detail::at_least_one(spec::program_count)];
  };
  static constexpr program_targets targets = []<size_t... Index>(std::index_sequence<Index...>) {
    return program_targets{{make_target<Index>()...}};
  }
  (std::make_index_sequence<spec::program_count>());

  template <u32 Index>
  static constexpr extern_need make_need() noexcept {
    return to_need(spec::image(), spec::external(Index),
                   spec::template string<spec::external(Index).name>.characters,
                   spec::template extern_shape<Index>.characters);
  }
  struct extern_needs {
    extern_need list[detail::at_least_one(spec::extern_count)];
  };
  static constexpr extern_needs externs = []<size_t... Index>(std::index_sequence<Index...>) {
    return extern_needs{{make_need<Index>()...}};
  }
  (std::make_index_sequence<spec::extern_count>());
  template <btf_choice Btf, u32 Index>
  static constexpr program_cores make_cores() noexcept {
    if constexpr (spec::template core_count<Index> != 0)
      return {spec::template cores<Index, Btf>.list, spec::template core_count<Index>};
    else
      return {};
  }
  struct cores_of_programs {
    program_cores list[detail::at_least_one(spec::program_count)];
  };
  template <btf_choice Btf>
  static constexpr cores_of_programs cores = []<size_t... Index>(std::index_sequence<Index...>) {
    return cores_of_programs{{make_cores<Btf, Index>()...}};
  }
  (std::make_index_sequence<spec::program_count>());

  struct program_patches {
    program_patch list[detail::at_least_one(spec::program_count)];
  };
  static constexpr program_patches patches = []<size_t... Index>(std::index_sequence<Index...>) {
    return program_patches{
        {program_patch{.code = spec::template instructions<Index, map_naming::by_descriptor>.code,
                       .references = spec::template references<Index>.list,
                       .reference_count = spec::template reference_count<Index>}...}};
  }
  (std::make_index_sequence<spec::program_count>());
  static constexpr u32 longest_program = []<size_t... Index>(std::index_sequence<Index...>) {
    u32 out = 0;
    ((out = spec::template instruction_count<Index> > out ? spec::template instruction_count<Index> : out),
     ...);
    return out;
  }
  (std::make_index_sequence<spec::program_count>());

  template <u32 Index>
  struct slot_block {
    filled_slot list[detail::at_least_one(spec::map(Index).slot_count)];
  };
  template <u32 Index>
  static constexpr slot_block<Index> slots = [] {
    slot_block<Index> out{};
    for (u32 i = 0; i < spec::map(Index).slot_count; ++i)
      out.list[i] = spec::slot(spec::map(Index).first_slot + i);
    return out;
  }();

  template <u32 Index>
  static constexpr map_duty make_duty() noexcept {
    constexpr map_spec map = spec::map(Index);
    if constexpr (map.origin == map_origin::operations)
      return {};  // see static_operations
    else {
      map_duty out{.data_at = data_at[Index],
                   .has_data = map.is_for_variables(),
                   .is_frozen = map.is_frozen(),
                   .is_config = map.origin == map_origin::config,
                   .image_size = map.image_size};
      if constexpr (map.has_content() || map.image_at != 0) out.value = spec::template value<Index>.words;
      if constexpr (map.pinning != 0) out.pin = spec::template string<map.name>.characters;
      if constexpr (map.slot_count != 0) {
        out.slots = slots<Index>.list;
        out.slot_count = map.slot_count;
      }
      return out;
    }
  }
  struct map_duties {
    map_duty list[detail::at_least_one(spec::map_count)];
  };
  static constexpr map_duties duties = []<size_t... Index>(std::index_sequence<Index...>) {
    return map_duties{{make_duty<Index>()...}};
  }
  (std::make_index_sequence<spec::map_count>());

  template <load_policy Policy>
  static constexpr object_records records = [] {
    constexpr btf_choice btf = spec::choose(Policy.btf);
    object_records out{.maps = spec::template map_creates<btf>.list,
                       .map_count = spec::map_count,
                       .programs = programs<naming(Policy), btf>.list,
                       .program_count = spec::program_count,
                       .btf_is_required = spec::needs_types,
                       .data_size = data_size};
    constexpr load_needs wanted = needs(Policy, true);
    if constexpr (wanted.patch) out.patches = patches.list;
    if constexpr (wanted.own_cores || wanted.kernel_cores) out.cores = cores<btf>.list;
    if constexpr (wanted.targets || wanted.modules) out.targets = targets.list;
    if constexpr (wanted.values || wanted.pins || wanted.slots || wanted.images) out.duties = duties.list;
    if constexpr (spec::extern_count != 0) {
      out.externs = externs.list;
      out.extern_count = spec::extern_count;
    }
    if constexpr (wanted.slots) out.inner_maps = spec::template inner_map_creates<btf>.list;
    if constexpr (btf != btf_choice::none) {
      out.btf = &spec::template btf_image<btf>;
      out.btf_size = spec::template btf_size<btf>;
    }
    return out;
  }();

  struct left_out_programs {
    bool list[detail::at_least_one(spec::program_count)] = {};
  };
  static constexpr left_out_programs optional_programs = [] {
    left_out_programs out;
    for (u32 i = 0; i < spec::program_count; ++i) out.list[i] = spec::program(i).is_optional;
    return out;
  }();

  // What speaks against loading the object; what options can change speaks only where there are none.
  static constexpr verdict check_all(bool has_options) noexcept {
    if (spec::is_foreign) return {.why = cause::foreign_byte_order, .offset = abi::elf_header::ident_data};
    if (operations::fault.failed()) return operations::fault;
    if (const u32 i = has_options ? not_found : operations::find_stray(); i != not_found)
      return {.why = cause::operation_of_nothing,
              .section = spec::section_of(i),
              .offset = spec::program(i).section_name,
              .subject = spec::program(i).name};
    for (u32 i = 0; i < spec::program_count; ++i) {
      const program_spec program = spec::program(i);
      if (has_options || program.is_optional || program.lacks() == cause::none) continue;
      return {.why = program.lacks(),
              .section = spec::section_of(i),
              .offset = program.section_name,
              .subject = program.name};
    }
    return {};
  }

  // What structs of functions are in the kernel, as long as they are made.
  struct found_operations {
    kernel_operations structs[detail::at_least_one(operations::struct_count)];
    operation_target targets[detail::at_least_one(spec::program_count)];
    operation_place places[detail::at_least_one(operations::place_count)];
    operation_slots slots{.structs = structs,
                          .struct_count = operations::struct_count,
                          .first_map = operations::first_map,
                          .targets = targets,
                          .places = places};
  };
  struct no_operations {};

  template <load_policy Policy, class Options>
  static result<loaded_static_object<Image, Policy>> load_with(const Options& options) noexcept {
    result<loaded_static_object<Image, Policy>> out(std::in_place);
    outcome row;
    constexpr bool has_options = !std::is_same_v<Options, no_options>;
    constexpr load_needs wanted = needs(Policy, has_options);
    constexpr verdict fault = check_all(has_options);
    static_assert(object_check<fault.why, fault.offset, spec::section_name(fault.section),
                               spec::name_at(fault.subject)>::made);
    bool pinned[wanted.pins ? detail::at_least_one(spec::map_count) : 1] = {};
    u32 found[wanted.targets ? detail::at_least_one(spec::program_count) : 1] = {};
    [[maybe_unused]] resolved_extern external[detail::at_least_one(spec::extern_count)];
    [[maybe_unused]] u8 config[detail::at_least_one(config_size)] = {};
    [[maybe_unused]] int modules[spec::extern_count + 1] = {};
    left_out_programs left_out = optional_programs;
    if constexpr (has_options) options.choose(left_out.list, spec::program_count);
    [[maybe_unused]] std::conditional_t<operations::is_any, found_operations, no_operations> in_kernel;
    if constexpr (operations::is_any) {
      if constexpr (operations::struct_count != 0) in_kernel.slots.values = out->values_.list;
      choose_for_operations(operations::records, options, left_out.list);
      const auto fitted = fit_operations(operations::records, options, in_kernel.slots, left_out.list);
      if (!fitted) {
        out.fail_with([&fitted] { return fitted.error(); });
        return out;
      }
    }
    load_slots slots{.maps = out->maps_,
                     .programs = out->programs_,
                     .targets = found,
                     .pinned = pinned,
                     .left_out = left_out.list};
    if constexpr (operations::is_any) slots.operations = &in_kernel.slots;
    constexpr bool has_cores = wanted.own_cores || wanted.kernel_cores;
    char missing[has_cores ? error::name_size : 1] = {};
    if constexpr (has_cores) slots.missing = missing;
    if constexpr (spec::extern_count != 0) {
      slots.externs = external;
      slots.config = config;
      slots.modules = modules;
    }
    if constexpr (!wanted.patch) {
      int map_numbers[detail::at_least_one(spec::map_count)];
      slots.map_numbers = map_numbers;
      load_records<wanted>(records<Policy>, slots, options, row);
    } else if constexpr (longest_program <= longest_on_stack) {
      abi::insn scratch[detail::at_least_one(longest_program)];
      slots.scratch = scratch;
      load_records<wanted>(records<Policy>, slots, options, row);
    } else {
      auto scratch = buffer<abi::insn>::of(longest_program);
      if (!scratch) return scratch.error();
      slots.scratch = scratch->data();
      load_records<wanted>(records<Policy>, slots, options, row);
    }
    // Who wants no types wants little code, and is told of fewer reasons.
    constexpr bool tells_all = has_options || wanted.types;
    if (row.failed()) out.fail_with([&row] { return tells_all ? to_whole_error(row) : to_error(row); });
    return out;
  }
  static constexpr u32 longest_on_stack = 512;  // instructions, one page

 public:
  /// What `load<Policy>` gives.
  template <load_policy Policy = load_policy{}>
  using loaded = loaded_static_object<Image, Policy>;

  /// Creates the maps and loads the programs.
  /// Errors: of the first map or program that the kernel refuses; what was made before is given back.
  /// Cost:   one bpf(2) call for each map and program and one for their types, one for each slot that it fills, and a
  ///         map that goes again for each map of maps; no allocation, unless kernels before 5.14 are to be served a
  ///         program of more than 512 instructions.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] static result<loaded<Policy>> load() noexcept {
    return load_with<Policy>(no_options{});
  }
  /// The same with options; after a refusal the program is offered once more to fill the log.
  template <load_policy Policy = load_policy{}>
  [[nodiscard]] static result<loaded<Policy>> load(const load_options& options) noexcept {
    return load_with<Policy>(options);
  }
  /// The same, with the kernel's work on several programs side by side, as `run` has it done; see `options_to_run`:
  /// `object.load({}, [](size_t count, const auto& task) { for (size_t i = 0; i < count; ++i) task(i); })`.
  template <load_policy Policy = load_policy{}, class Run>
  [[nodiscard]] static result<loaded<Policy>> load(const load_options& options, Run&& run) noexcept {
    return load_with<Policy>(options_to_run<std::remove_reference_t<Run>>(options, run));
  }

  /// Calls `f` with a value for each map of the object, whose members are constants, see `static_map`:
  /// `object.each_map([&](auto map) { show(map.name, loaded->map_descriptor<map.name>()); })`.
  template <class F>
  static constexpr void each_map(F&& f) {
    barebpf::each_map<spec>(f);
  }
  /// The same for its programs and its global variables, see `static_program` and `static_variable`.
  template <class F>
  static constexpr void each_program(F&& f) {
    barebpf::each_program<spec>(f);
  }
  template <class F>
  static constexpr void each_variable(F&& f) {
    barebpf::each_variable<spec>(f);
  }
  /// How many there are.
  static constexpr u32 map_count = spec::map_count;
  static constexpr u32 program_count = spec::program_count;
  static constexpr u32 variable_count = spec::variable_count;

  /// What is to be different about the map called `Name`, for `load_options::maps`:
  /// `object.change<"hits">({.max_entries = 1024})`.
  /// Errors: a name that the object does not have does not compile.
  template <name Name>
  [[nodiscard]] static constexpr map_change change(const map_settings& settings) noexcept {
    constexpr u32 index = spec::find_map(Name);
    constexpr cause fault = index == not_found ? cause::no_such_map : cause::none;
    static_assert(object_check<fault, 0, ".maps", barebpf::name<48>::cut(Name)>::made);
    return map_change::of(index, settings);
  }

  /// What is to be different about the program called `Name`, for `load_options::programs`:
  /// `object.change_program<"filter">({.section = "xdp"})`.
  /// Errors: a name that the object does not have does not compile. A section that tells no type of programs is
  ///         refused when the object is loaded.
  template <name Name>
  [[nodiscard]] static constexpr program_change change_program(const program_settings& settings) noexcept {
    constexpr u32 index = spec::find_program(Name);
    constexpr cause fault = index == not_found ? cause::no_such_program : cause::none;
    static_assert(object_check<fault, 0, "", barebpf::name<48>::cut(Name)>::made);
    return program_change::of(index, settings);
  }

  /// The first values of the global variables, to be changed and then given to `load`:
  /// `auto data = object.data(); data.variable<"limit", int>() = 7; object.load({.data = data.view()})`.
  [[nodiscard]] static first_values data() noexcept { return {}; }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STATIC_OBJECT_HPP
