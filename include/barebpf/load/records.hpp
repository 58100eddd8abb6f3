// SPDX-License-Identifier: MIT
// Room 10.1, load/records: a whole object as the kernel takes it, written by the compiler or by the program, and where
// what is made of it goes.
#ifndef BAREBPF_LOAD_RECORDS_HPP
#define BAREBPF_LOAD_RECORDS_HPP

#include "../fitting.hpp"
#include "../kernel_btf.hpp"
#include "../kernel_names.hpp"
#include "../kernel_operations.hpp"
#include "../spec/assembly.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What has to be written into the instructions of a program before a kernel older than 5.14 takes them.
struct program_patch {
  const u64* code = nullptr;  ///< a word for each instruction
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
  /// One for each program; nullptr when none depends on the kernel's types.
  const program_cores* cores = nullptr;
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
  bool types = true;        ///< it may have BTF
  bool older_types = true;  ///< with kinds of types that some kernels do not know
  bool values = true;       ///< it may have variables
  bool pins = true;         ///< it may have maps that are pinned by their names
  bool targets = true;      ///< it may have programs that are made for a type of the kernel
  bool modules = true;      ///< it may have programs that are made for functions of a module
  bool newer = true;        ///< it may have programs that the kernel is too old to load
  bool slots = true;        ///< it may have maps of maps, and maps whose slots it fills
  bool arenas = true;       ///< it may have an arena without an address
  bool images = true;       ///< it may have an arena that begins with something
  bool config = true;       ///< it may have options of the kernel
  bool names = true;        ///< it may name what is in the kernel; only with `patch`
  bool kernel_cores =
      true;                ///< the kernel is to fit instructions to its types, if it has some to fit (CO-RE)
  bool own_cores = true;   ///< the library is to, where the kernel cannot
  bool hints = true;       ///< the table of map types may have something to say when one is refused
  bool sizes = true;       ///< a map may have a size that only the machine tells, see `repair_size`
  bool choices = true;     ///< some programs may be left out
  bool operations = true;  ///< it may have structs of functions that the kernel calls (struct_ops)
  /// Descriptors are written into a copy of the instructions; if not, they name maps by index (5.14,
  /// BPF_PSEUDO_MAP_IDX).
  bool patch = true;
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
  /// As `fit_operations` filled them, where the object has structs of functions or programs for one.
  operation_slots* operations = nullptr;
  char* missing = nullptr;  ///< room for the name of an error, with either of `load_needs` about CO-RE
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LOAD_RECORDS_HPP
