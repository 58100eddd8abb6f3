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

/// What has to be written into the instructions of a program before a kernel older than 5.14 takes them.
struct program_patch {
  const abi::insn* code = nullptr;
  const map_reference* references = nullptr;
  u32 reference_count = 0;
};

/// A whole object, ready for the kernel.
struct object_records {
  const abi::map_create* maps = nullptr;
  u32 map_count = 0;
  const abi::prog_load* programs = nullptr;
  const program_patch* patches = nullptr;  ///< one for each program, or nullptr when all are `load_by_index`
  u32 program_count = 0;
  const u8* btf = nullptr;  ///< types of keys and values
  u32 btf_size = 0;         ///< bytes, 0 for none
};

namespace detail {

// Creates the maps. Types only explain a map to people, so where the kernel refuses them it goes without.
template <btf_choice Btf>
bool create_maps(const object_records& records, fd* maps, outcome& row) noexcept {
  fd types;
  if constexpr (Btf != btf_choice::none)
    if (records.btf_size != 0) types = fd::own(load_btf(records.btf, records.btf_size));
  for (u32 i = 0; i < records.map_count; ++i) {
    long created = -EINVAL;
    if constexpr (Btf != btf_choice::none) {
      abi::map_create attr = records.maps[i];
      attr.btf_fd = types.raw();
      if (types.is_open() && attr.btf_key_type_id != 0) created = create_map(attr);
      attr.btf_fd = attr.btf_key_type_id = attr.btf_value_type_id = 0;
      if (created < 0) created = create_map(attr);
    } else {
      created = create_map(records.maps[i]);
    }
    row.subject = records.maps[i].map_name.characters;
    if (row.fails(step::map_create, created)) return false;
    maps[i].fill(created);
  }
  return true;
}

}  // namespace detail

/// Creates the maps of an object and loads its programs, whose instructions stay as they are: they name maps
/// by their place in `map_numbers`, which has room for all of them.
/// Shape:  `row` tells how far it came; what was made is in `maps` and `programs`.
/// Kernel: 5.14, BPF_PSEUDO_MAP_IDX.
template <btf_choice Btf, class Log>
void load_by_index(const object_records& records, fd* maps, fd* programs, int* map_numbers, Log* log,
                   outcome& row) noexcept {
  if (!detail::create_maps<Btf>(records, maps, row)) return;
  for (u32 i = 0; i < records.map_count; ++i) map_numbers[i] = maps[i].number();
  for (u32 i = 0; i < records.program_count; ++i) {
    abi::prog_load attr = records.programs[i];
    attr.fd_array = map_numbers;
    row.subject = records.programs[i].prog_name.characters;
    if (row.fails(step::prog_load, load_program(attr, log, row.why))) return;
    programs[i].fill(row.answer);
  }
}

/// The same for every kernel: the instructions are copied to `scratch`, which has room for the longest
/// program, and get the descriptors of the maps there.
template <btf_choice Btf, class Log>
void load_patched(const object_records& records, fd* maps, fd* programs, abi::insn* scratch, Log* log,
                  outcome& row) noexcept {
  if (!detail::create_maps<Btf>(records, maps, row)) return;
  for (u32 i = 0; i < records.program_count; ++i) {
    abi::prog_load attr = records.programs[i];
    const program_patch& patch = records.patches[i];
    for (u32 k = 0; k < attr.insn_cnt; ++k) scratch[k] = patch.code[k];
    for (u32 k = 0; k < patch.reference_count; ++k) {
      const map_reference& reference = patch.references[k];
      scratch[reference.instruction].set_source(abi::pseudo_map_fd);
      scratch[reference.instruction].immediate = maps[reference.map].number();
    }
    attr.insns = scratch;
    row.subject = records.programs[i].prog_name.characters;
    if (row.fails(step::prog_load, load_program(attr, log, row.why))) return;
    programs[i].fill(row.answer);
  }
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_HPP
