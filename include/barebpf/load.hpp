// SPDX-License-Identifier: MIT
// Room 10.0, load: finished records made real. The two kinds of objects differ in who wrote the records, the
// compiler or the program; what the kernel is told, in which order, stands here once.
#ifndef BAREBPF_LOAD_HPP
#define BAREBPF_LOAD_HPP

#include "fitting.hpp"
#include "kernel_btf.hpp"
#include "kernel_names.hpp"
#include "map/memory.hpp"
#include "map/per_cpu.hpp"
#include "map/pin.hpp"
#include "map/value_btf.hpp"
#include "program.hpp"
#include "program_types.hpp"
#include "running_kernel.hpp"
#include "spec/assembly.hpp"

#include <span>  // span

namespace barebpf::inline BAREBPF_ABI {

/// What is to be different about one map of an object, before the object has said which one that is. A struct of
/// functions whose section begins with a question mark is made only when there is such a record of it, if an empty one.
struct map_settings {
  static constexpr u32 as_declared = 0xffffffff;

  u32 max_entries = 0;  ///< entries; 0 leaves what the object says
  int replacement =
      -1;  ///< descriptor of a map to use in its stead, which stays the caller's; negative for none
  u32 value_size = 0;           ///< bytes, where the object leaves them open
  u32 map_flags = as_declared;  ///< in the place of all that the object gives
  int inner = -1;  ///< descriptor of a map like those that a map of maps is to hold, which stays the caller's
};
/// The same with the map. Made by `change` of the object, which knows its maps.
struct map_change {
  u32 map = not_found;  ///< index of the map in its object
  u32 max_entries = 0;
  int replacement = -1;
  u32 value_size = 0;
  u32 map_flags = map_settings::as_declared;
  int inner = -1;

  [[nodiscard]] static constexpr map_change of(u32 map, const map_settings& settings) noexcept {
    return {.map = map,
            .max_entries = settings.max_entries,
            .replacement = settings.replacement,
            .value_size = settings.value_size,
            .map_flags = settings.map_flags,
            .inner = settings.inner};
  }
};

/// What is to be different about one program of an object: whether it is loaded, and as what.
struct program_settings {
  bool load = true;  ///< with a program whose section begins with a question mark true is the difference
  /// What stands for the name of its section, as in "xdp" or "fentry/vfs_read"; nullptr leaves that. Must stay until
  /// `load` returns.
  const char* section = nullptr;
};
/// The same with the program. Made by `change_program` of the object, which knows its programs.
struct program_change {
  u32 program = not_found;  ///< index of the program in its object
  bool load = true;
  section_kind kind{};     ///< of type `unspec` for what the object says
  const char* place = "";  ///< what the program is made for or attached to, with a kind

  [[nodiscard]] static constexpr program_change of(u32 program, const program_settings& settings) noexcept {
    program_change out{.program = program, .load = settings.load};
    if (settings.section == nullptr) return out;
    const text section = settings.section;
    out.kind = section_kind_of(section);
    out.place = settings.section + place_in(section, out.kind);
    return out;
  }
};

/// A program that could not be loaded, and why.
struct refused_program {
  u32 program = not_found;  ///< index of the program in its object
  error why{};
};
/// The programs that are left out because they cannot be loaded, where a load is to go on without them.
/// Lifetime: `room` must outlive this object. Where it is full, the load fails.
class refused_programs {
 public:
  explicit constexpr refused_programs(std::span<refused_program> room) noexcept : room_(room) {}

  [[nodiscard]] constexpr size_t size() const noexcept { return count_; }
  [[nodiscard]] constexpr const refused_program* begin() const noexcept { return room_.data(); }
  [[nodiscard]] constexpr const refused_program* end() const noexcept { return room_.data() + count_; }

  /// Remembers one more; false when there is no room left.
  [[nodiscard]] bool add(const refused_program& another) noexcept {
    if (count_ == room_.size()) return false;
    room_[count_++] = another;
    return true;
  }

 private:
  std::span<refused_program> room_;
  size_t count_ = 0;
};

/// What is given to `load` at run time. Each member has a value that does what the object says.
/// Lifetime: what they point to must stay until `load` returns.
struct load_options {
  verifier_log* log = nullptr;             ///< where the verifier's log goes when it refuses a program
  std::span<const map_change> maps{};      ///< made by `change`
  std::span<const unsigned char> data{};   ///< first values of global variables, made by `data`
  text pin_root = "/sys/fs/bpf";           ///< folder of the maps that are pinned by their names
  map_differences* differences = nullptr;  ///< where both sides go when a map is not what the object expects
  int token = -1;                          ///< descriptor of a BPF token, 6.9
  text kconfig{};  ///< options of the kernel as lines, "CONFIG_HZ=250", that hold before its own
  const char* kconfig_file = nullptr;  ///< the kernel's configuration, packed by gzip or not, in the place of
                                       ///< /boot/config-RELEASE or else /proc/config.gz
  std::span<const program_change> programs{};  ///< made by `change_program`
  refused_programs* refused = nullptr;  ///< where programs go that cannot be loaded, which are then left out
  int replaced = -1;  ///< descriptor of the program of which those of SEC("freplace/...") replace functions
  /// The types to fit the programs to (CO-RE), as BTF or as an ELF file that has some; nothing for the running kernel's.
  std::span<const unsigned char> target_btf{};

  /// What the program with this index is to be in place of what the object says; nullptr for nothing.
  [[nodiscard]] constexpr const program_change* new_kind_of(u32 program) const noexcept {
    const program_change* found = nullptr;
    for (const program_change& change : programs)
      if (change.program == program && change.kind.type != abi::prog_type::unspec) found = &change;
    return found;
  }
  /// True when something is to be different about the map with this index.
  [[nodiscard]] constexpr bool changes_map(u32 map) const noexcept {
    for (const map_change& change : maps)
      if (change.map == map) return true;
    return false;
  }
  /// The same of a program.
  [[nodiscard]] constexpr bool changes_program(u32 program) const noexcept {
    for (const program_change& change : programs)
      if (change.program == program) return true;
    return false;
  }
  /// Writes to `left_out`, one for each program of an object, what is to be different about it.
  constexpr void choose(bool* left_out, u32 count) const noexcept {
    for (const program_change& change : programs)
      if (change.program < count) left_out[change.program] = !change.load;
  }
};
/// Stands for "no options wanted"; no code for any is made.
struct no_options {};

/// What has to be written into the instructions of a program before a kernel older than 5.14 takes them.
struct program_patch {
  const abi::insn* code = nullptr;
  const map_reference* references = nullptr;
  u32 reference_count = 0;
};

/// What a map needs beside being created.
struct map_duty {
  const void* value = nullptr;         ///< its first value, or what an arena begins with; nullptr for zeros
  u64 data_at = 0;                     ///< where that lies in `load_options::data`
  const char* pin = nullptr;           ///< the name under which it is pinned; nullptr for none
  const filled_slot* slots = nullptr;  ///< what is put into its slots, whose indices are their keys
  u32 slot_count = 0;
  bool has_data = false;   ///< it holds variables
  bool is_frozen = false;  ///< it is frozen once its value is in
  bool is_config = false;  ///< its value is made of `object_records::externs`
  u32 image_size = 0;      ///< bytes that an arena begins with
};

/// A whole object, ready for the kernel.
struct object_records {
  const abi::map_create* maps = nullptr;
  const map_duty* duties = nullptr;  ///< one for each map, or nullptr when none has any
  /// The pattern for the maps in it, one for each map, without a type for what is no map of maps; or nullptr.
  const abi::map_create* inner_maps = nullptr;
  u32 map_count = 0;
  const abi::prog_load* programs = nullptr;
  const program_patch* patches = nullptr;     ///< one for each program; nullptr when all name maps by index
  const kernel_type_need* targets = nullptr;  ///< one for each program; nullptr when none is made for a type
  const program_cores* cores =
      nullptr;  ///< one for each program; nullptr when none depends on the kernel's types
  u32 program_count = 0;
  const void* btf = nullptr;             ///< types of maps, variables and functions
  u32 btf_size = 0;                      ///< bytes, 0 for none
  bool btf_is_required = false;          ///< without them the object does not work
  u64 data_size = 0;                     ///< bytes of `load_options::data`
  const extern_need* externs = nullptr;  ///< what it wants of the kernel by name
  u32 extern_count = 0;
};

/// What an object needs at all, so that no code is made for the rest.
struct load_needs {
  bool types = true;    ///< it may have BTF
  bool values = true;   ///< it may have variables
  bool pins = true;     ///< it may have maps that are pinned by their names
  bool targets = true;  ///< it may have programs that are made for a type of the kernel
  bool slots = true;    ///< it may have maps of maps, and maps whose slots it fills
  bool arenas = true;   ///< it may have an arena without an address
  bool images = true;   ///< it may have an arena that begins with something
  bool config = true;   ///< it may have options of the kernel
  bool names = true;    ///< it may name what is in the kernel; only with `patch`
  bool kernel_cores =
      true;                ///< the kernel is to fit instructions to its types (CO-RE), if it has some to fit
  bool own_cores = true;   ///< the library is to, where the kernel cannot
  bool hints = true;       ///< the table of map types may have something to say when one is refused
  bool sizes = true;       ///< a map may have a size that only the machine tells, see `repair_size`
  bool choices = true;     ///< some programs may be left out
  bool operations = true;  ///< it may have structs of functions that the kernel calls (struct_ops)
  bool patch =
      true;  ///< descriptors are written into a copy of the instructions; if not, they name maps by index
             ///< (5.14, BPF_PSEUDO_MAP_IDX)
};

/// Where what is made goes; lent by the owner.
struct load_slots {
  fd* maps = nullptr;
  fd* programs = nullptr;
  u32* targets = nullptr;              ///< one for each program, 0 at first, with `load_needs::targets`
  bool* pinned = nullptr;              ///< one for each map, false at first, if some are to be pinned
  bool* left_out = nullptr;            ///< one for each program, true for those that are not to be loaded
  int* map_numbers = nullptr;          ///< one for each map, without `load_needs::patch`
  abi::insn* scratch = nullptr;        ///< room for the longest program, with it
  resolved_extern* externs = nullptr;  ///< one for each extern
  u8* config = nullptr;                ///< the value of the map of options, zeros at first
  int* modules = nullptr;              ///< one more than externs, with `load_needs::names`
  char* missing = nullptr;  ///< room for the name of an error, with either of `load_needs` about CO-RE
};

namespace detail {

// The verifier repeats the number of a function that it does not know, so a call of one that the kernel does not have
// can tell which it is.
// Source: POISON_CALL_KFUNC_BASE in tools/lib/bpf/libbpf.c at v6.12.
inline constexpr u32 missing_call_base = 2002000000;

// The index of the extern of which the verifier says that the program calls it; a large number when it says nothing
// of that kind.
constexpr u32 missing_call_in(text log) noexcept {
  constexpr text mark = "unknown#";
  u32 out = not_found;
  for (size_t i = 0; i + mark.size() < log.size(); ++i) {
    if (log[i] != 'u' || !log.without_first(i).starts_with(mark)) continue;
    text_reader in(log.without_first(i + mark.size()));
    if (u32 number = 0; in.take_number(10, 10, number) && number >= missing_call_base)
      out = number - missing_call_base;
  }
  return out;
}

// Makes an object real, in a row of system calls that ends with the first failure.
template <load_needs Needs, class Options>
class loader {
  static constexpr bool has_options = !std::is_same_v<Options, no_options>;
  using log_type = std::conditional_t<has_options, verifier_log, no_log>;
  static constexpr bool may_explain = has_options && (Needs.own_cores || Needs.kernel_cores);

 public:
  loader(const object_records& records, const load_slots& slots, const Options& options,
         outcome& row) noexcept
      : records_(records),
        slots_(slots),
        options_(options),
        row_(row),
        fitting_(records.btf, records.btf_size, records.cores, records.program_count, target_types(options)) {
  }

  bool make_all() noexcept {
    if constexpr (has_options)
      if (!are_for_this_object()) return false;
    if constexpr (Needs.config || Needs.names)
      if (!find_externs()) return false;
    if constexpr (Needs.types) {
      if (records_.btf_size != 0) {
        types_ = fd::own(load_btf(records_.btf, records_.btf_size, token()));
        const bool needs_types =
            records_.btf_is_required || (Needs.kernel_cores && !Needs.own_cores && records_.cores != nullptr);
        if (needs_types && row_.fails(step::btf_load, types_.number())) return false;
      }
    }
    // What is put into a map of maps is made before it.
    for (u32 i = 0; i < records_.map_count; ++i)
      if (!holds_maps(i) && !make_map(i)) return false;
    if constexpr (Needs.slots)
      for (u32 i = 0; i < records_.map_count; ++i)
        if (holds_maps(i) && !make_map(i)) return false;
    if constexpr (!Needs.patch)
      for (u32 i = 0; i < records_.map_count; ++i) slots_.map_numbers[i] = slots_.maps[i].number();
    if constexpr (Needs.targets)
      if (!find_targets()) return false;
    for (u32 i = 0; i < records_.program_count; ++i)
      if (!is_left_out(i) && !make_program(i) && !leave_out(i)) return false;
    if constexpr (Needs.slots)
      for (u32 i = 0; i < records_.map_count; ++i)
        if (!holds_maps(i) && !fill_slots(i, slots_.programs, cause::unfit_program)) return false;
    return true;
  }

  // Takes away what `make_all` pinned before it failed.
  void unpin_all() noexcept {
    if constexpr (Needs.pins)
      for (u32 i = 0; i < records_.map_count; ++i)
        if (path_buffer path; slots_.pinned[i] && write_pin_path(i, path)) {
          static_cast<void>(unpin(text(path.characters)));
          slots_.pinned[i] = false;
        }
  }

 private:
  [[nodiscard]] int token() const noexcept {
    if constexpr (has_options)
      return options_.token;
    else
      return -1;
  }
  [[nodiscard]] log_type* log() const noexcept {
    if constexpr (has_options)
      return options_.log;
    else
      return nullptr;
  }

  // Changes and values that another object made would go to the wrong maps. One that names none changes nothing.
  bool are_for_this_object() noexcept {
    if (!options_.data.empty() && options_.data.size() != records_.data_size) {
      row_.subject = "data";
      return row_.refuse(step::find, cause::foreign_data), false;
    }
    if (!Needs.own_cores && Needs.kernel_cores && !options_.target_btf.empty())
      return row_.refuse(step::fit_program, cause::core_left_out), false;
    for (const map_change& change : options_.maps)
      if (change.map >= records_.map_count && change.map != not_found) {
        row_.subject = "maps";
        return row_.refuse(step::find, cause::no_such_map), false;
      }
    for (const program_change& change : options_.programs)
      if (change.program >= records_.program_count && change.program != not_found) {
        row_.subject = "programs";
        return row_.refuse(step::find, cause::no_such_program), false;
      }
    return true;
  }

  // Sizes that depend on the machine: 0 places for perf events stand for one on each CPU, and a ring buffer grows to
  // a power of two of whole pages. True when there is something to try.
  [[nodiscard, gnu::cold]] static bool repair_size(abi::map_create& attr) noexcept {
    const auto type = static_cast<map_type>(attr.map_type);
    const u32 wanted = attr.max_entries;
    if (type == map_type::perf_event_array && wanted == 0) {
      const auto cpus = possible_cpus();
      if (cpus) attr.max_entries = *cpus;
    } else if (kind_of(type).entries == entries_rule::ring_size && wanted != 0) {
      u64 size = page_size();
      while (size < wanted) size *= 2;
      if (size <= 0xffffffff) attr.max_entries = static_cast<u32>(size);
    }
    return attr.max_entries != wanted;
  }

  bool make_map(u32 i) noexcept {
    if constexpr (Needs.operations)
      if (records_.maps[i].map_type == 0) return true;  // it was left out
    row_.subject = records_.maps[i].map_name.characters;
    abi::map_create attr = records_.maps[i];
    if constexpr (has_options) {
      for (const map_change& change : options_.maps) {
        if (change.map != i) continue;
        if (change.replacement >= 0) return use_replacement(i, change.replacement);
        if (change.max_entries != 0) attr.max_entries = change.max_entries;
        if (change.value_size != 0) {
          if (attr.value_size != 0 && attr.value_size != change.value_size)
            return row_.refuse(step::map_create, cause::size_is_given), false;
          attr.value_size = change.value_size;
        }
        if (change.map_flags != map_settings::as_declared) attr.map_flags = change.map_flags;
        if (change.inner >= 0) attr.inner_map_fd = static_cast<u32>(change.inner);
      }
    }
    if constexpr (Needs.pins)
      if (records_.duties != nullptr && records_.duties[i].pin != nullptr) return share_map(i, attr);
    return create(i, attr) && fill(i, attr);
  }

  [[nodiscard]] bool holds_maps(u32 i) const noexcept {
    if constexpr (Needs.slots)
      return records_.inner_maps != nullptr && records_.inner_maps[i].map_type != 0;
    else
      return false;
  }

  bool create(u32 i, abi::map_create& attr) noexcept {
    fd pattern;  // goes when the map is there, which has taken over what it is like
    if (holds_maps(i) && attr.inner_map_fd == 0) {
      abi::map_create inner = records_.inner_maps[i];
      row_.subject = records_.inner_maps[i].map_name.characters;
      if (!create(inner, pattern)) return false;
      row_.subject = records_.maps[i].map_name.characters;
      attr.inner_map_fd = pattern.raw();
    }
    return create(attr, slots_.maps[i]);
  }
  bool create(abi::map_create& attr, fd& out) noexcept {
    // The kernel would create it, and then refuse each program that uses it.
    if constexpr (Needs.arenas)
      if (attr.map_type == static_cast<u32>(map_type::arena) && attr.map_extra == 0)
        return row_.refuse(step::map_create, cause::arena_without_address), false;
    long created = create_with_types(attr);
    if constexpr (Needs.sizes)
      if (created == -EINVAL && repair_size(attr)) created = create_with_types(attr);
    if (row_.fails(step::map_create, created)) {
      if constexpr (Needs.hints) row_.why = explain_refusal(attr, created);
      return false;
    }
    out.fill(created);
    return true;
  }
  // Types only explain most maps to people, so where the kernel refuses them a map goes without: an object may
  // need types for its functions and have a map that takes none. Where it was the map that needed them, the
  // verifier refuses the program and says so.
  [[nodiscard]] long create_with_types(const abi::map_create& wanted) const noexcept {
    if constexpr (Needs.types) {
      abi::map_create attr = wanted;
      long created = -EINVAL;
      const bool typed = types_.is_open() && attr.btf_value_type_id != 0;
      attr.btf_fd = types_.raw();
      if constexpr (Needs.operations)
        if (attr.btf_vmlinux_value_type_id != 0) return create_operations(attr);
      if (typed) created = create_with_token(attr);
      const bool is_about_types = created == -EINVAL || created == -ENOTSUPP_kernel || created == -EOPNOTSUPP;
      if (!is_about_types) return created;
      attr.btf_fd = attr.btf_key_type_id = attr.btf_value_type_id = 0;
      return create_with_token(attr);
    } else {
      return create_with_token(wanted);
    }
  }
  // Kernels that read their own types when they first look at a program know no struct of functions before that.
  [[nodiscard]] long create_operations(const abi::map_create& attr) const noexcept {
    const long created = create_with_token(attr);
    if (created != -ENOTSUPP_kernel) return created;
    constexpr u8 move = 0xb7, exit = 0x95;
    const abi::insn nothing[] = {{.opcode = move}, {.opcode = exit}};
    abi::prog_load first{.prog_type = static_cast<u32>(abi::prog_type::socket_filter),
                         .insn_cnt = 2,
                         .insns = nothing,
                         .license = ""};
    cause why = cause::none;
    const fd looked_at = fd::own(load_program(first, static_cast<log_type*>(nullptr), token(), why));
    return looked_at.is_open() ? create_with_token(attr) : created;
  }
  [[nodiscard]] long create_with_token(const abi::map_create& attr) const noexcept {
    if constexpr (has_options)
      if (token() >= 0) {
        abi::map_create_with_token with{.create = attr, .map_token_fd = token()};
        with.create.map_flags |= map_flag::token_fd;
        return create_map(with);
      }
    return create_map(attr);
  }

  // Puts in what is there before any program: the maps of a map of maps, and the first value of variables.
  bool fill(u32 i, [[maybe_unused]] const abi::map_create& created) noexcept {
    if constexpr (Needs.images)
      if (records_.duties != nullptr && records_.duties[i].image_size != 0) return fill_arena(i, created);
    if constexpr (Needs.slots)
      if (holds_maps(i) && !fill_slots(i, slots_.maps, cause::unfit_inner_map)) return false;
    if constexpr (Needs.values) {
      if (records_.duties == nullptr || !records_.duties[i].has_data) return true;
      const map_duty& duty = records_.duties[i];
      const void* value = duty.value;
      if constexpr (has_options)
        if (!options_.data.empty() && !duty.is_config) value = options_.data.data() + duty.data_at;
      if constexpr (Needs.config)
        if (duty.is_config) value = slots_.config;
      const u32 key = 0;
      const abi::map_elem attr{.map_fd = slots_.maps[i].raw(), .key = &key, .value = value};
      if (value != nullptr && row_.fails(step::map_update_elem, sys_bpf(abi::command::map_update_elem, attr)))
        return false;
      const abi::map_freeze freeze{.map_fd = slots_.maps[i].raw()};
      if (duty.is_frozen && row_.fails(step::map_freeze, sys_bpf(abi::command::map_freeze, freeze)))
        return false;
    }
    return true;
  }

  // Puts the first values of variables into an arena, through memory that is this process's only meanwhile. Their pages
  // stay: programs cannot write to one that nobody has touched.
  bool fill_arena(u32 i, const abi::map_create& attr) noexcept {
    constexpr long shared_not_instead = 1 | 1 << 20;  // MAP_SHARED | MAP_FIXED_NOREPLACE
    const map_duty& duty = records_.duties[i];
    const size_t size = attr.max_entries * page_size();
    if (duty.image_size > size) return row_.refuse(step::map_create, cause::arena_too_small), false;
    mapping memory;
    const long answer = memory.take(map_pages(static_cast<size_t>(attr.map_extra), size, mapping::writable,
                                              shared_not_instead, slots_.maps[i].number(), 0),
                                    size);
    if (row_.fails(step::map_memory, answer)) return false;
    if (duty.value != nullptr)
      __builtin_memcpy(memory.data(), duty.value, duty.image_size);
    else
      __builtin_memset(memory.data(), 0, duty.image_size);
    return true;
  }

  bool find_externs() noexcept {
    if (records_.extern_count == 0) return true;
    [[maybe_unused]] kconfig_source source{.token = token()};
    if constexpr (has_options) {
      source.options = options_.kconfig;
      source.file = options_.kconfig_file;
    }
    if constexpr (Needs.config)
      if (!fill_config(records_.externs, records_.extern_count, slots_.externs, slots_.config, source, row_))
        return false;
    if constexpr (Needs.names) {
      if (!find_names(records_.externs, records_.extern_count, slots_.externs, row_)) return false;
      for (u32 i = 0; i < records_.extern_count; ++i) {
        slots_.modules[slots_.externs[i].module_index] = slots_.externs[i].module_number;
        has_modules_ = has_modules_ || slots_.externs[i].module_index != 0;
      }
    }
    return all_are_found(records_.externs, records_.extern_count, slots_.externs, row_);
  }

  // Puts what the kernel has under a name into an instruction: as the target of a call, or as an address.
  void put_extern(const map_reference& reference) noexcept {
    const resolved_extern& found = slots_.externs[reference.target()];
    abi::insn& first = slots_.scratch[reference.instruction];
    if (first.opcode == abi::opcode_call) {
      first.set_source(abi::pseudo_kfunc_call);
      first.immediate =
          static_cast<s32>(found.value);  // 0 where there is none: that may stand where nobody comes
      first.offset = found.module_index;
      return;
    }
    const bool has_type = records_.externs[reference.target()].kind != extern_kind::address && found.is_found;
    first.set_source(has_type ? abi::pseudo_btf_id : u8{0});
    first.immediate = static_cast<s32>(found.value);
    slots_.scratch[reference.instruction + 1].immediate =
        has_type ? found.module_number : static_cast<s32>(found.value >> 32);
  }
  // Calls `act` for each call in a program of a function that the kernel does not have; false when there is none.
  template <class Act>
  bool each_missing_call(u32 program, Act act) noexcept {
    const program_patch& patch = records_.patches[program];
    bool is_any = false;
    for (u32 k = 0; k < patch.reference_count; ++k) {
      const map_reference& reference = patch.references[k];
      const bool is_call =
          reference.is_extern() && slots_.scratch[reference.instruction].opcode == abi::opcode_call;
      if (!is_call || slots_.externs[reference.target()].is_found) continue;
      act(reference);
      is_any = true;
    }
    return is_any;
  }

  // Puts maps or programs into the slots of a map. The kernel says EINVAL to one that does not suit it.
  bool fill_slots(u32 i, const fd* targets, cause unsuitable) noexcept {
    if (records_.duties == nullptr) return true;
    const map_duty& duty = records_.duties[i];
    for (u32 k = 0; k < duty.slot_count; ++k) {
      if constexpr (Needs.choices)  // nothing is in the slot of a program that was left out
        if (!targets[duty.slots[k].target].is_open()) continue;
      const u32 key = duty.slots[k].slot, value = targets[duty.slots[k].target].raw();
      const abi::map_elem attr{.map_fd = slots_.maps[i].raw(), .key = &key, .value = &value};
      row_.subject = records_.maps[i].map_name.characters;
      const long answer = sys_bpf(abi::command::map_update_elem, attr);
      if (answer == -EINVAL) row_.why = unsuitable;
      if (row_.fails(step::map_update_elem, answer)) return false;
    }
    return true;
  }

  // A map of the caller's in the place of one of the object's. Its sizes must fit, since the programs were
  // compiled for them.
  bool use_replacement(u32 i, int number) noexcept {
    const abi::map_create& wanted = records_.maps[i];
    if (!is_what(number,
                 {.type = wanted.map_type, .key_size = wanted.key_size, .value_size = wanted.value_size}))
      return false;
    if (row_.fails(step::map_create, duplicate(number))) return false;
    slots_.maps[i].fill(row_.answer);
    return true;
  }

  // The map that is pinned under this one's name, or a new one that is pinned there. Whoever is second gets the
  // first one's.
  bool share_map(u32 i, abi::map_create& attr) noexcept {
    path_buffer path;
    if (!write_pin_path(i, path)) return row_.fails(step::obj_get, -ENAMETOOLONG), false;
    for (int tries = 0;; ++tries) {
      auto existing = get_pin(text(path.characters));
      if (existing) {
        if (!is_what(existing->number(), {.type = attr.map_type,
                                          .key_size = attr.key_size,
                                          .value_size = attr.value_size,
                                          .max_entries = attr.max_entries,
                                          .map_flags = attr.map_flags}))
          return false;
        slots_.maps[i] = std::move(*existing);
        return true;
      }
      if (existing.error().code != ENOENT) return is_over(existing.error());
      abi::map_create copy = attr;
      if (!create(i, copy) || !fill(i, copy)) return false;
      const auto pinned = pin(slots_.maps[i], text(path.characters));
      if (pinned) return slots_.pinned[i] = true;
      // Somebody was faster; and may unpin it again before it is got, so not for ever.
      if (pinned.error().code != EEXIST || tries == 8) return is_over(pinned.error());
      slots_.maps[i] = fd();
    }
  }
  [[nodiscard]] bool write_pin_path(u32 i, path_buffer& out) const noexcept {
    text root = "/sys/fs/bpf";
    if constexpr (has_options) root = options_.pin_root;
    const text name = records_.duties[i].pin;
    if (root.size() + 1 + name.size() >= sizeof out.characters) return false;
    size_t used = 0;
    for (const char c : root) out.characters[used++] = c;
    out.characters[used++] = '/';
    for (const char c : name) out.characters[used++] = c == '.' ? '_' : c;  // bpffs takes no dots
    out.characters[used] = '\0';
    return true;
  }

  // Holds a map that was there before against what the object says of it.
  bool is_what(int number, const map_identity& expected) noexcept {
    map_differences* differences = nullptr;
    if constexpr (has_options) differences = options_.differences;
    const auto known = check_identity(number, expected, differences);
    return known.has_value() || is_over(known.error());
  }
  bool is_over(const error& why) noexcept {
    row_.fails(why.at, why.code == 0 ? no_errno : -static_cast<long>(why.code));
    row_.why = why.why;
    return false;
  }

  [[nodiscard]] const program_change* new_kind_of([[maybe_unused]] u32 i) const noexcept {
    if constexpr (has_options)
      return options_.new_kind_of(i);
    else
      return nullptr;
  }
  [[nodiscard]] bool is_left_out([[maybe_unused]] u32 i) const noexcept {
    if constexpr (Needs.choices)
      return slots_.left_out != nullptr && slots_.left_out[i];
    else
      return false;
  }
  // After the row ended at a program: begins it anew without that one, where that is wanted.
  bool leave_out([[maybe_unused]] u32 i) noexcept {
    if constexpr (has_options && Needs.choices) {
      if (options_.refused == nullptr || slots_.left_out == nullptr) return false;
      if (!options_.refused->add({i, to_error(row_)})) return false;
      row_ = {};
      slots_.left_out[i] = true;
      return true;
    } else {
      return false;
    }
  }

  // What a program is made for, as the caller says or else the object.
  [[nodiscard]] kernel_type_need target_of(u32 i) const noexcept {
    if (const program_change* const change = new_kind_of(i); change != nullptr)
      return change->kind.needs_kernel_type() ? kernel_type_need{change->kind.rest, change->place}
                                              : kernel_type_need{};
    return records_.targets == nullptr ? kernel_type_need{} : records_.targets[i];
  }
  // Finds the ids of all that programs are made for. Nothing has to be found for those that are left out.
  bool find_targets() noexcept {
    if (slots_.targets == nullptr) return true;
    for (u32 i = 0; i < records_.program_count; ++i) {
      const kernel_type_need need = target_of(i);
      const bool is_any = need.is_any() || need.what == section_rest::replaced;
      if (is_left_out(i) || !is_any) {
        slots_.targets[i] = not_found;
        continue;
      }
      const bool is_own = new_kind_of(i) != nullptr || need.what == section_rest::replaced;
      if (is_own && !find_target(need, i) && !leave_out(i)) return false;
    }
    while (records_.targets != nullptr &&
           !find_kernel_types(records_.targets, records_.program_count, slots_.targets, row_)) {
      u32 missing = 0;
      while (!records_.targets[missing].is_any() || slots_.targets[missing] != 0) ++missing;
      if (!leave_out(missing)) return false;
      slots_.targets[missing] = not_found;
    }
    return true;
  }
  bool find_target(const kernel_type_need& need, u32 i) noexcept {
    u32& out = slots_.targets[i];
    if (need.what != section_rest::replaced) return find_kernel_types(&need, 1, &out, row_);
    row_.subject = records_.programs[i].prog_name.characters;
    if (replaced() < 0) return row_.refuse(step::prog_load, cause::no_program_to_replace), false;
    out = find_replaced_function(replaced(), need.name, row_);
    return out != 0;
  }
  [[nodiscard]] int replaced() const noexcept {
    if constexpr (has_options)
      return options_.replaced;
    else
      return -1;
  }
  // The id for a program, none for one that is made for nothing.
  void set_target(u32 i, abi::prog_load& attr) const noexcept {
    if (slots_.targets == nullptr || slots_.targets[i] == not_found) return;
    attr.attach_btf_id = slots_.targets[i];
    if (target_of(i).what == section_rest::replaced) attr.attach_prog_fd = static_cast<u32>(replaced());
  }

  bool make_program(u32 i) noexcept {
    abi::prog_load attr = records_.programs[i];
    row_.subject = records_.programs[i].prog_name.characters;
    const program_change* const change = new_kind_of(i);
    if (change != nullptr) {
      attr.prog_type = static_cast<u32>(change->kind.type);
      attr.expected_attach_type = static_cast<u32>(change->kind.attach_type);
      attr.prog_flags = change->kind.flags;
    }
    if constexpr (has_options)
      if (attr.prog_type == 0) return row_.refuse(step::prog_load, cause::unknown_section), false;
    if constexpr (Needs.types) {
      if (types_.is_open())
        attr.prog_btf_fd = types_.raw();
      else
        attr.func_info_cnt = attr.line_info_cnt = attr.func_info_rec_size = attr.line_info_rec_size = 0;
    }
    if constexpr (Needs.targets) set_target(i, attr);
    if constexpr (Needs.patch) {
      const program_patch& patch = records_.patches[i];
      for (u32 k = 0; k < attr.insn_cnt; ++k) slots_.scratch[k] = patch.code[k];
      for (u32 k = 0; k < patch.reference_count; ++k) {
        const map_reference& reference = patch.references[k];
        if constexpr (Needs.names) {
          if (reference.is_extern()) {
            put_extern(reference);
            continue;
          }
        }
        slots_.scratch[reference.instruction].immediate = slots_.maps[reference.map].number();
      }
      attr.insns = slots_.scratch;
      if constexpr (Needs.names)
        if (has_modules_) attr.fd_array = slots_.modules;
    } else {
      attr.fd_array = slots_.map_numbers;
    }
    if constexpr (Needs.own_cores) {
      if (attr.core_relo_cnt != 0) return load_fitted(i, attr);
    } else if constexpr (Needs.kernel_cores) {
      if (attr.core_relo_cnt != 0 && !may_fit(attr))
        return row_.refuse(step::prog_load, cause::core_without_functions), false;
    }
    if (row_.fails(step::prog_load, submit(i, attr))) {
      if constexpr (Needs.kernel_cores && !Needs.own_cores)
        if (attr.core_relo_cnt != 0) {
          if (is_too_old()) row_.why = cause::newer_core;
          return explain_missing(i);
        }
      return false;
    }
    slots_.programs[i].fill(row_.answer);
    return true;
  }
  // BPF_PROG_LOAD itself.
  long submit([[maybe_unused]] u32 i, abi::prog_load& attr) noexcept {
    if constexpr (Needs.names) {
      // Where nobody comes, a call of nothing is taken as it is (5.16), and the program has the tag that it has
      // elsewhere. Calls are marked when that was refused.
      if (each_missing_call(i, [this](const map_reference& call) { put_extern(call); })) {
        const long loaded = load_program(attr, static_cast<log_type*>(nullptr), token(), row_.why);
        if (loaded >= 0) return loaded;
        each_missing_call(i, [this](const map_reference& call) {
          slots_.scratch[call.instruction] = {
              .opcode = abi::opcode_call, .immediate = static_cast<s32>(missing_call_base + call.target())};
        });
        const long again = load_program(attr, log(), token(), row_.why);
        if (again < 0) name_missing_call();
        return again;
      }
    }
    return load_program(attr, log(), token(), row_.why);
  }
  // Says which function was missing, when that is why.
  void name_missing_call() noexcept {
    if constexpr (has_options) {
      if (log() == nullptr) return;
      const u32 missing = missing_call_in(log()->said());
      if (missing >= records_.extern_count) return;
      row_.subject = records_.externs[missing].name;
      row_.why = cause::calls_missing_kfunc;
    }
  }

  // Without them it would take the program and leave its instructions as they are.
  [[nodiscard]] static bool may_fit(const abi::prog_load& attr) noexcept { return attr.func_info_cnt != 0; }
  [[nodiscard]] bool is_too_old() const noexcept {
    return (row_.answer == -E2BIG || row_.answer == -EINVAL) && running_kernel() < kernel(5, 17);
  }

  // Loads a program that depends on the kernel's types. The kernel knows best what it has; what it refuses is fitted
  // here, for it may be too old for that, or more strict where types are compared.
  bool load_fitted(u32 i, abi::prog_load& attr) noexcept {
    bool has_target = false;
    if constexpr (has_options) has_target = !target_types(options_).empty();
    long answer = 0;
    if (Needs.kernel_cores && !has_target && !kernel_is_too_old_ && may_fit(attr)) {
      answer = submit(i, attr);
      if (answer >= 0) return keep_program(i, answer);
      row_.fails(step::prog_load, answer);
      kernel_is_too_old_ = is_too_old();
      if (answer != -EINVAL && !kernel_is_too_old_) return explain_missing(i);
      if (explain_missing(i); row_.why == cause::core_missing) return false;
    }
    const outcome before = row_;
    if (!fitting_.fit(i, slots_.scratch, attr.insn_cnt, row_)) {
      if (answer < 0 && !kernel_is_too_old_) row_ = before;
      return false;
    }
    attr.core_relo_cnt = attr.core_relo_rec_size = 0;
    attr.core_relos = nullptr;
    attr.log_level = attr.log_size = 0;  // no log again, unless it is refused again
    attr.log_buf = nullptr;
    row_.why = cause::none;
    if constexpr (has_options)
      if (log() != nullptr) log()->clear();
    if (answer = submit(i, attr); answer >= 0) return keep_program(i, answer);
    row_.fails(step::prog_load, answer);
    return explain_missing(i);
  }
  bool keep_program(u32 i, long number) noexcept {
    row_.fails(step::prog_load, number);
    row_.why = cause::none;
    slots_.programs[i].fill(number);
    return true;
  }
  // After the verifier's refusal: whether it met what the kernel does not have, and what that was.
  bool explain_missing([[maybe_unused]] u32 i) noexcept {
    if constexpr (may_explain) {
      if (log() == nullptr) return false;
      const u32 at = poisoned_instruction(log()->said());
      if (at == not_found) return false;
      row_.why = cause::core_missing;
      if (fitting_.name(i, at, slots_.missing, sizeof error::name)) row_.subject = slots_.missing;
    }
    return false;
  }
  [[nodiscard]] static std::span<const unsigned char> target_types(
      [[maybe_unused]] const Options& options) noexcept {
    if constexpr (has_options)
      return options.target_btf;
    else
      return {};
  }
  // Stands for the one that is not needed.
  struct no_fitting {
    template <class... Any>
    constexpr explicit no_fitting(Any&&...) noexcept {}
  };

  // Copies, which an optimizer sees through: nobody else can change them.
  const object_records records_;
  const load_slots slots_;
  const Options& options_;
  outcome& row_;
  fd types_;
  [[maybe_unused]] bool has_modules_ = false;
  [[no_unique_address]] std::conditional_t<Needs.own_cores || may_explain, fitting, no_fitting> fitting_;
  bool kernel_is_too_old_ = false;
};

}  // namespace detail

/// Creates the maps of an object and loads its programs.
/// Shape: `row` tells how far it came; what was made is in `slots`. After a failure nothing stays pinned. A map of maps
///        that was there before keeps what is in it; a prog array then gets the programs of this object, because the
///        kernel empties one that no descriptor and no pin holds any longer.
template <load_needs Needs, class Options>
void load_records(const object_records& records, const load_slots& slots, const Options& options,
                  outcome& row) noexcept {
  detail::loader<Needs, Options> loader(records, slots, options, row);
  if (!loader.make_all()) loader.unpin_all();
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_HPP
