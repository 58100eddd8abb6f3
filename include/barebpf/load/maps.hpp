// SPDX-License-Identifier: MIT
// Room 10.2, load/maps: the maps of an object, created or got from where they are pinned, with what is in them at first.
#ifndef BAREBPF_LOAD_MAPS_HPP
#define BAREBPF_LOAD_MAPS_HPP

#include "../map/per_cpu.hpp"
#include "../map/value_btf.hpp"
#include "../memory.hpp"
#include "../refusal.hpp"
#include "../running_kernel.hpp"
#include "options.hpp"
#include "records.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Makes the maps of an object, in a row of system calls that ends with the first failure.
template <load_needs Needs, class Options>
class map_loader {
 public:
  // Takes away what `make_all` pinned before it failed.
  void unpin_all() noexcept {
    if constexpr (Needs.pins)
      for (u32 i = 0; i < records_.map_count; ++i)
        if (path_buffer path; slots_.pinned[i] && write_pin_path(i, path)) {
          static_cast<void>(unpin(text(path.characters)));
          slots_.pinned[i] = false;
        }
  }

 protected:
  static constexpr bool has_options = !std::is_same_v<Options, no_options>;
  using log_type = std::remove_pointer_t<decltype(Options::log)>;

  map_loader(const object_records& records, const load_slots& slots, const Options& options,
             outcome& row) noexcept
      : records_(records), slots_(slots), options_(options), row_(row) {}

  bool make_map(u32 i) noexcept {
    row_.subject = records_.maps[i].map_name.characters;
    abi::map_create attr = records_.maps[i];
    if constexpr (Needs.operations)
      if (const auto* const found = operations_of(i); found != nullptr) {
        if (found->type == 0) return true;  // it was left out
        attr.btf_vmlinux_value_type_id = found->wrapper;
        attr.value_size = found->value_size;
      }
    if constexpr (has_options) {
      if (options_.leaves_out_map(i, false)) return true;
      for (const map_change& change : options_.maps) {
        if (change.map != i) continue;
        if (change.replacement >= 0) return use_replacement(i, attr, change.replacement);
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

  // Where the kernel has the struct of functions that the map is for; nullptr for other maps.
  [[nodiscard]] const kernel_operations* operations_of(u32 i) const noexcept {
    if (slots_.operations == nullptr) return nullptr;
    const u32 which = i - slots_.operations->first_map;
    return which < slots_.operations->struct_count ? &slots_.operations->structs[which] : nullptr;
  }

  [[nodiscard]] bool holds_maps(u32 i) const noexcept {
    if constexpr (Needs.slots)
      return records_.inner_maps != nullptr && records_.inner_maps[i].map_type != 0;
    else
      return false;
  }

  // Puts maps or programs into the slots of a map. The kernel says EINVAL to one that does not suit it.
  bool fill_slots(u32 i, const fd* targets, cause unsuitable) noexcept {
    if (records_.duties == nullptr || !slots_.maps[i].is_open()) return true;
    const map_duty& duty = records_.duties[i];
    for (u32 k = 0; k < duty.slot_count; ++k) {
      if constexpr (Needs.choices)  // nothing is in the slot of what was left out
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

  // Copies, which an optimizer sees through: nobody else can change them.
  const object_records records_;
  const load_slots slots_;
  const Options& options_;
  outcome& row_;
  fd types_;

 private:
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
    if constexpr (has_options || Needs.types) row_.needed = capabilities_for_map(attr.map_type);
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
    const fd looked_at = fd::own(load_program(first, static_cast<log_type*>(nullptr), options_.token, why));
    return looked_at.is_open() ? create_with_token(attr) : created;
  }
  [[nodiscard]] long create_with_token(const abi::map_create& attr) const noexcept {
    if (options_.token < 0) return create_map(attr);
    abi::map_create_with_token with{.create = attr, .map_token_fd = options_.token};
    with.create.map_flags |= map_flag::token_fd;
    return create_map(with);
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

  // A map of the caller's in the place of one of the object's. Its sizes must fit, since the programs were
  // compiled for them.
  bool use_replacement(u32 i, const abi::map_create& wanted, int number) noexcept {
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
    const text root = options_.pin_root;
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
    const auto known = check_identity(number, expected, options_.differences);
    return known.has_value() || is_over(known.error());
  }
  bool is_over(const error& why) noexcept {
    row_.refuse(why);
    return false;
  }
};

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_MAPS_HPP
