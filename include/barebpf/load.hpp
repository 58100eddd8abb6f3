// SPDX-License-Identifier: MIT
// Room 10.3, load: finished records made real. The two kinds of objects differ in who wrote the records, the compiler or the
// program; what the kernel is told, in which order, stands here and in load/maps once.
#ifndef BAREBPF_LOAD_HPP
#define BAREBPF_LOAD_HPP

#include "load/maps.hpp"
#include "older_btf.hpp"
#include "program_types.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What the number of a call means that the verifier does not know: the index, on top, of the map that was left out, or of
// the extern whose function the kernel does not have.
// Source: POISON_LDIMM64_MAP_BASE and POISON_CALL_KFUNC_BASE in tools/lib/bpf/libbpf.c at v6.12.
inline constexpr u32 missing_map_base = 2001000000, missing_call_base = 2002000000;

// Makes an object real, in a row of system calls that ends with the first failure.
template <load_needs Needs, class Options>
class loader : public map_loader<Needs, Options> {
  using base = map_loader<Needs, Options>;
  using base::fill_slots, base::has_options, base::holds_maps, base::make_map, base::options_, base::records_,
      base::row_, base::slots_, base::types_;
  using typename base::log_type;
  static constexpr bool may_explain = has_options && (Needs.own_cores || Needs.kernel_cores);

 public:
  loader(const object_records& records, const load_slots& slots, const Options& options,
         outcome& row) noexcept
      : base(records, slots, options, row),
        fitting_(records.btf, records.btf_size, records.cores, records.program_count, options.target_btf) {}

  bool make_all() noexcept {
    if constexpr (has_options)
      if (!are_for_this_object()) return false;
    if constexpr (Needs.config || Needs.names)
      if (!find_externs()) return false;
    if constexpr (Needs.types) {
      if (records_.btf_size != 0) {
        load_types();
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
    constexpr bool has_executor = requires { options_.run; };
    if constexpr (has_executor) make_programs_side_by_side();
    for (u32 i = 0; i < records_.program_count; ++i) {
      if (has_executor && slots_.programs[i].is_open()) continue;
      if (!is_left_out(i) && !make_program(i) && !leave_out(i)) return false;
    }
    if constexpr (Needs.slots)
      for (u32 i = 0; i < records_.map_count; ++i)
        if (!holds_maps(i) && !fill_slots(i, slots_.programs, cause::unfit_program)) return false;
    if constexpr (Needs.operations)
      if (slots_.operations != nullptr) put_programs(*slots_.operations, slots_.programs);
    return true;
  }

 private:
  // Changes and values that another object made would go to the wrong maps. One that names none changes nothing.
  bool are_for_this_object() noexcept {
    if (!options_.data.empty() && options_.data.size() != records_.data_size) {
      row_.subject = "data";
      return row_.refuse(step::find, cause::foreign_data), false;
    }
    if (!Needs.own_cores && Needs.kernel_cores && !options_.target_btf.empty())
      return row_.refuse(step::fit_program, cause::core_left_out), false;
    for (const map_change& change : options_.maps) {
      const bool is_foreign = change.map >= records_.map_count && change.map != not_found;
      if (!is_foreign && (Needs.patch || change.create)) continue;
      row_.subject = "maps";
      return row_.refuse(step::find, is_foreign ? cause::no_such_map : cause::numbered_maps), false;
    }
    for (const program_change& change : options_.programs)
      if (change.program >= records_.program_count && change.program != not_found) {
        row_.subject = "programs";
        return row_.refuse(step::find, cause::no_such_program), false;
      }
    return true;
  }

  // Gives the kernel the object's types. One that refuses them may know fewer kinds, so it gets them in its words.
  void load_types() noexcept {
    types_ = fd::own(load_btf(records_.btf, records_.btf_size, options_.token));
    if constexpr (Needs.older_types) {
      if (types_.number() != -EINVAL) return;
      btf types;
      auto older = buffer<u32>::of((size_t{records_.btf_size} + 3) / 4);
      bytes image(static_cast<const u8*>(records_.btf), records_.btf_size);
      if constexpr (host_is_big_endian) image.read_big_endian();
      if (!older || btf::open(image, 0, records_.btf_size, types).failed()) return;
      u32 tried = 0;  // kinds that came with one kernel go at once
      for (const older_kind& row : older_kinds) {
        const u32 size = row.since == tried ? 0 : write_older_btf(types, row.since, older->data());
        tried = row.since;
        if (size == 0) continue;
        types_ = fd::own(load_btf(older->data(), size, options_.token));
        if (types_.number() != -EINVAL) return;
      }
    }
  }

  bool find_externs() noexcept {
    if (records_.extern_count == 0) return true;
    [[maybe_unused]] kconfig_source source{.token = options_.token};
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

  [[nodiscard]] static constexpr abi::insn missing(u32 number) noexcept {
    return {.opcode = abi::opcode_call, .immediate = static_cast<s32>(number)};
  }
  // Puts the descriptor of a map into an instruction; one that was left out is for nobody to come to.
  void put_map(const map_reference& reference) noexcept {
    abi::insn* const load = slots_.scratch + reference.instruction;
    if constexpr ((has_options && Needs.choices) || Needs.operations)
      if (!slots_.maps[reference.map].is_open())
        return static_cast<void>(load[0] = load[1] = missing(missing_map_base + reference.map));
    load[0].immediate = slots_.maps[reference.map].number();
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
      if (!options_.refused->add({i, to_whole_error(row_)})) return false;
      row_ = {};
      slots_.left_out[i] = true;
      return true;
    } else {
      return false;
    }
  }

  // What a program is made for, as the caller says or else the object.
  [[nodiscard]] kernel_type_need target_of(u32 i) const noexcept {
    if (const program_change* const change = options_.new_kind_of(i); change != nullptr)
      return change->kind.may_be_loaded_for() ? kernel_type_need{change->kind.rest, change->place}
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
      const bool is_own = options_.new_kind_of(i) != nullptr || need.what == section_rest::replaced;
      if (!is_own || find_target(need, i)) continue;
      if (!leave_out(i)) return false;
      slots_.targets[i] = not_found;
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
    if (options_.replaced < 0) return row_.refuse(step::prog_load, cause::no_program_to_replace), false;
    out = find_replaced_function(options_.replaced, need.name, row_);
    return out != 0;
  }
  // The id for a program, none for one that is made for nothing.
  void set_target(u32 i, abi::prog_load& attr) const noexcept {
    if (slots_.targets == nullptr || slots_.targets[i] == not_found) return;
    attr.attach_btf_id = slots_.targets[i];
    if (target_of(i).what == section_rest::replaced)
      attr.attach_prog_fd = static_cast<u32>(options_.replaced);
  }

  // The module for whose functions a program is loaded; nothing for one that is loaded for none.
  [[nodiscard]] text module_of(u32 i) const noexcept {
    const kernel_type_need need = target_of(i);
    return need.what == section_rest::functions ? module_in(need.name) : text();
  }
  // Its types, which stay open as long as this object, for one program at a time.
  bool set_module(u32 i, abi::prog_load& attr) noexcept {
    const text module = module_of(i);
    if (module.empty()) return true;
    u32 size = 0;
    module_ = find_module_types(module, size);
    if (row_.fails(step::find_kernel_type, module_.number())) {
      row_.subject = target_of(i).name;
      if (module_.number() == -ENOENT) row_.refuse(step::find_kernel_type, cause::no_such_module);
      return false;
    }
    attr.attach_prog_fd = module_.raw();
    return true;
  }

  // Loads what can be loaded at the first attempt, as the caller runs it. What the kernel refuses is loaded once more in
  // turn, where one can ask why, and try what else there is.
  void make_programs_side_by_side() noexcept {
    struct job {
      abi::prog_load attr;
      u32 program;
      long answer;
    };
    size_t length = 0;
    for (u32 i = 0; i < records_.program_count; ++i) length += records_.programs[i].insn_cnt;
    auto jobs = buffer<job>::of(records_.program_count);
    auto code = buffer<abi::insn>::of(Needs.patch ? length : 0);
    if (!jobs || !code) return;  // in turn it takes less memory
    size_t count = 0, used = 0;
    for (u32 i = 0; i < records_.program_count; ++i) {
      abi::prog_load attr;
      if (is_left_out(i)) continue;
      if constexpr (Needs.modules)
        if (!module_of(i).empty()) continue;
      if (!prepare(i, attr)) continue;
      if (attr.core_relo_cnt != 0 && (!Needs.kernel_cores || !options_.target_btf.empty() || !may_fit(attr)))
        continue;
      if constexpr (Needs.names)
        each_missing_call(i, [this](const map_reference& call) { put_extern(call); });
      if constexpr (Needs.patch) {
        for (u32 k = 0; k < attr.insn_cnt; ++k) (*code)[used + k] = slots_.scratch[k];
        attr.insns = code->data() + used;
        used += attr.insn_cnt;
      }
      (*jobs)[count++] = {.attr = attr, .program = i, .answer = no_errno};
    }
    row_ = {};
    (*options_.run)(count, [&jobs, token = options_.token](size_t which) noexcept {
      job& one = (*jobs)[which];
      cause unused = cause::none;
      one.answer = load_program(one.attr, static_cast<log_type*>(nullptr), token, unused);
    });
    for (size_t k = 0; k < count; ++k)
      if ((*jobs)[k].answer >= 0) slots_.programs[(*jobs)[k].program].fill((*jobs)[k].answer);
  }

  // What the kernel is told of a program, with its instructions in `slots_.scratch` where they depend on it.
  [[gnu::always_inline]] bool prepare(u32 i, abi::prog_load& attr) noexcept {
    attr = records_.programs[i];
    row_.subject = records_.programs[i].prog_name.characters;
    if constexpr (Needs.operations)
      if (slots_.operations != nullptr && slots_.operations->targets[i].type != 0) {
        attr.attach_btf_id = slots_.operations->targets[i].type;
        attr.expected_attach_type = slots_.operations->targets[i].member;
      }
    const program_change* const change = options_.new_kind_of(i);
    if (change != nullptr) {
      attr.prog_type = static_cast<u32>(change->kind.type);
      attr.expected_attach_type = static_cast<u32>(change->kind.attach_type);
      attr.prog_flags = change->kind.flags;
    }
    row_.needed = capabilities_for_program(attr.prog_type);
    if constexpr (has_options)
      if (attr.prog_type == 0) return row_.refuse(step::prog_load, cause::unknown_section), false;
    if constexpr (Needs.types) {
      if (types_.is_open())
        attr.prog_btf_fd = types_.raw();
      else
        attr.func_info_cnt = attr.line_info_cnt = attr.func_info_rec_size = attr.line_info_rec_size = 0;
    }
    if constexpr (Needs.targets) set_target(i, attr);
    if constexpr (Needs.modules)
      if (!set_module(i, attr)) return false;
    if constexpr (Needs.patch) {
      const program_patch& patch = records_.patches[i];
      for (u32 k = 0; k < attr.insn_cnt; ++k)
        slots_.scratch[k] = __builtin_bit_cast(abi::insn, patch.code[k]);
      for (u32 k = 0; k < patch.reference_count; ++k) {
        const map_reference& reference = patch.references[k];
        if constexpr (Needs.names) {
          if (reference.is_extern()) {
            put_extern(reference);
            continue;
          }
        }
        put_map(reference);
      }
      attr.insns = slots_.scratch;
      if constexpr (Needs.names)
        if (has_modules_) attr.fd_array = slots_.modules;
    } else {
      attr.fd_array = slots_.map_numbers;
    }
    return true;
  }
  bool make_program(u32 i) noexcept {
    abi::prog_load attr;
    if (!prepare(i, attr)) return false;
    if constexpr (Needs.own_cores) {
      if (attr.core_relo_cnt != 0) return load_fitted(i, attr);
    } else if constexpr (Needs.kernel_cores) {
      if (attr.core_relo_cnt != 0 && !may_fit(attr))
        return row_.refuse(step::prog_load, cause::core_without_functions), false;
    }
    if (row_.fails(step::prog_load, submit(i, attr))) {
      if constexpr (Needs.kernel_cores && !Needs.own_cores)
        if (attr.core_relo_cnt != 0 && is_too_old()) row_.why = cause::newer_core;
      if constexpr (Needs.newer) {
        const u32 since = first_kernel_to_load(attr.prog_type, attr.expected_attach_type);
        const u32 running = row_.answer == -EINVAL && since != 0 ? running_kernel() : 0;
        if (running != 0 && running < since) row_.why = cause::newer_attach_way;
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
        const long loaded = load_program(attr, static_cast<log_type*>(nullptr), options_.token, row_.why);
        if (loaded >= 0) return loaded;
        each_missing_call(i, [this](const map_reference& call) {
          slots_.scratch[call.instruction] = missing(missing_call_base + call.target());
        });
      }
    }
    const long loaded = load_program(attr, options_.log, options_.token, row_.why);
    if constexpr (has_options)
      if (loaded < 0 && options_.log != nullptr) name_missing(i, last_unknown_call(options_.log->said()));
    return loaded;
  }
  // Says which map, function or part of a type was missing, when that is why.
  void name_missing([[maybe_unused]] u32 i, const unknown_call& call) noexcept {
    const u32 number = call.number;
    if constexpr (may_explain)
      if (number == u32{core_poison}) {
        row_.why = cause::core_missing;
        if (fitting_.name(i, call.instruction, slots_.missing, error::name_size))
          row_.subject = slots_.missing;
      }
    if (const u32 map = number - missing_map_base; number >= missing_map_base && map < records_.map_count) {
      row_.subject = records_.maps[map].map_name.characters;
      row_.why = cause::uses_missing_map;
    }
    if (const u32 index = number - missing_call_base;
        number >= missing_call_base && index < records_.extern_count) {
      row_.subject = records_.externs[index].name;
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
    const bool has_target = !options_.target_btf.empty();
    long answer = 0;
    if (Needs.kernel_cores && !has_target && !kernel_is_too_old_ && may_fit(attr)) {
      answer = submit(i, attr);
      if (answer >= 0) return keep_program(i, answer);
      row_.fails(step::prog_load, answer);
      kernel_is_too_old_ = is_too_old();
      if ((answer != -EINVAL && !kernel_is_too_old_) || row_.why == cause::core_missing) return false;
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
      if (options_.log != nullptr) options_.log->clear();
    if (answer = submit(i, attr); answer >= 0) return keep_program(i, answer);
    return row_.fails(step::prog_load, answer), false;
  }
  bool keep_program(u32 i, long number) noexcept {
    row_.fails(step::prog_load, number);
    row_.why = cause::none;
    slots_.programs[i].fill(number);
    return true;
  }
  // Stands for the one that is not needed.
  struct no_fitting {
    template <class... Any>
    constexpr explicit no_fitting(Any&&...) noexcept {}
  };

  // Stands for a descriptor that is not needed.
  struct no_module {};

  [[maybe_unused]] bool has_modules_ = false;
  [[no_unique_address, maybe_unused]] std::conditional_t<Needs.modules, fd, no_module> module_;
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
