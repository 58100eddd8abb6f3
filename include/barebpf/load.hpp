// SPDX-License-Identifier: MIT
// Room 10.0, load: finished records made real. The two kinds of objects differ in who wrote the records, the
// compiler or the program; what the kernel is told, in which order, stands here once.
#ifndef BAREBPF_LOAD_HPP
#define BAREBPF_LOAD_HPP

#include "map/element.hpp"
#include "program.hpp"
#include "spec.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What is given to `load` at run time.
struct load_options {
  verifier_log* log = nullptr;  ///< where the verifier's log goes when it refuses a program
};

/// One program, ready for the kernel. Loads of map addresses hold the index of the map.
struct program_record {
  const abi::insn* code = nullptr;
  u32 instruction_count = 0;
  abi::prog_type type = abi::prog_type::unspec;
  kernel_name program_name{};
  const map_reference* references = nullptr;
  u32 reference_count = 0;
};

/// A whole object, ready for the kernel.
struct object_records {
  const abi::map_create* maps = nullptr;
  u32 map_count = 0;
  const program_record* programs = nullptr;
  u32 program_count = 0;
  const char* license = "";
  const u8* btf = nullptr;  ///< types of keys and values
  u32 btf_size = 0;         ///< bytes, 0 for none
};

namespace detail {

// Creates the maps. Types only explain a map to people, so where the kernel refuses them it goes without.
template <btf_choice Btf>
inline result<void> create_maps(const object_records& records, fd* maps) noexcept {
  fd types;
  if constexpr (Btf != btf_choice::none)
    if (records.btf_size != 0)
      if (auto loaded = load_btf(records.btf, records.btf_size)) types = std::move(*loaded);
  for (u32 i = 0; i < records.map_count; ++i) {
    if constexpr (Btf != btf_choice::none) {
      abi::map_create attr = records.maps[i];
      if (types.is_open() && attr.btf_key_type_id != 0) {
        attr.btf_fd = types.raw();
        if (auto created = create_map(attr)) {
          maps[i] = std::move(*created);
          continue;
        }
      }
      attr.btf_fd = attr.btf_key_type_id = attr.btf_value_type_id = 0;
      auto created = create_map(attr);
      if (!created) return created.error();
      maps[i] = std::move(*created);
    } else {
      auto created = create_map(records.maps[i]);
      if (!created) return created.error();
      maps[i] = std::move(*created);
    }
  }
  return {};
}

inline abi::prog_load to_prog_load(const object_records& records, const program_record& program) noexcept {
  return {.prog_type = static_cast<u32>(program.type),
          .insn_cnt = program.instruction_count,
          .insns = program.code,
          .license = records.license,
          .prog_name = program.program_name};
}

}  // namespace detail

/// Creates the maps of an object and loads its programs, whose instructions stay as they are: they name maps
/// by their place in `map_numbers`, which has room for all of them.
/// Kernel: 5.14, BPF_PSEUDO_MAP_IDX.
template <btf_choice Btf, class Log>
[[nodiscard]] result<void> load_by_index(const object_records& records, fd* maps, fd* programs,
                                         int* map_numbers, Log* log) noexcept {
  if (const auto created = detail::create_maps<Btf>(records, maps); !created) return created;
  for (u32 i = 0; i < records.map_count; ++i) map_numbers[i] = maps[i].number();
  for (u32 i = 0; i < records.program_count; ++i) {
    abi::prog_load attr = detail::to_prog_load(records, records.programs[i]);
    attr.fd_array = map_numbers;
    auto loaded = load_program(attr, log);
    if (!loaded) return loaded.error();
    programs[i] = std::move(*loaded);
  }
  return {};
}

/// The same for every kernel: the instructions are copied to `scratch`, which has room for the longest
/// program, and get the descriptors of the maps there.
template <btf_choice Btf, class Log>
[[nodiscard]] result<void> load_patched(const object_records& records, fd* maps, fd* programs,
                                        abi::insn* scratch, Log* log) noexcept {
  if (const auto created = detail::create_maps<Btf>(records, maps); !created) return created;
  for (u32 i = 0; i < records.program_count; ++i) {
    const program_record& program = records.programs[i];
    for (u32 k = 0; k < program.instruction_count; ++k) scratch[k] = program.code[k];
    for (u32 k = 0; k < program.reference_count; ++k) {
      const map_reference& reference = program.references[k];
      scratch[reference.instruction].set_source(abi::pseudo_map_fd);
      scratch[reference.instruction].immediate = maps[reference.map].number();
    }
    abi::prog_load attr = detail::to_prog_load(records, program);
    attr.insns = scratch;
    auto loaded = load_program(attr, log);
    if (!loaded) return loaded.error();
    programs[i] = std::move(*loaded);
  }
  return {};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_HPP
