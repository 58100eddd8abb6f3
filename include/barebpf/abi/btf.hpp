// SPDX-License-Identifier: MIT
// Room 1.4, abi/btf: where the fields of BTF records lie, and the kinds of types.
// Source: include/uapi/linux/btf.h and Documentation/bpf/btf.rst at v6.12.
#ifndef BAREBPF_ABI_BTF_HPP
#define BAREBPF_ABI_BTF_HPP

#include "../word.hpp"

namespace barebpf::inline BAREBPF_ABI::abi {

inline constexpr u16 btf_magic = 0xeb9f;
/// The first word of BTF of version 1, in the machine's byte order: the mark, the version and no flags.
inline constexpr u32 btf_first_word =
    host_is_big_endian ? u32{btf_magic} << 16 | 1 << 8 : u32{btf_magic} | 1 << 16;

/// Offsets in the header of .BTF; sections inside it count from the header's end. Since 2026 it may have a table of
/// layouts, from which one who does not know a kind of type learns how long its records are.
struct btf_header {
  static constexpr u64 magic = 0, version = 2, header_size = 4, types_offset = 8, types_size = 12,
                       strings_offset = 16, strings_size = 20, size = 24, layouts_offset = 24,
                       layouts_size = 28, size_with_layouts = 32;
};
/// Offsets in a row of that table, which has one for each kind from 0 on: bytes behind a type's record, and so many more
/// for each member.
struct btf_layout_record {
  static constexpr u64 fixed = 0, for_each = 1, size = 4;
};

/// Offsets in a type. `info` holds the number of members in its low 24 bits (16 before 2026), the kind in
/// the next seven (5 before), and a flag on top.
struct btf_type_record {
  static constexpr u64 name = 0, info = 4, size_or_type = 8, size = 12;
};

/// The structs that the kernel looks for in the values of maps, by their names.
/// Source: btf_get_field_type() in kernel/bpf/btf.c at v6.18.
inline constexpr const char* special_structs[] = {
    "bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer",     "bpf_wq",      "bpf_task_work",
    "bpf_list_head", "bpf_rb_root",       "bpf_list_node", "bpf_rb_node", "bpf_refcount"};

enum class btf_kind : u8 {
  void_type = 0,
  integer = 1,
  pointer = 2,
  array = 3,
  structure = 4,
  union_type = 5,
  enumeration = 6,
  forward = 7,
  type_definition = 8,
  volatile_type = 9,
  const_type = 10,
  restrict_type = 11,
  function = 12,
  function_prototype = 13,
  variable = 14,
  data_section = 15,
  floating = 16,
  declaration_tag = 17,
  type_tag = 18,
  enumeration64 = 19,
};

/// How many bytes follow a type's record: so many, and so many more for each member.
struct btf_tail {
  u8 fixed;
  u8 for_each;
};

/// One row per kind, in the order of their numbers.
inline constexpr btf_tail btf_tails[] = {
    {0, 0},   // void, never stored
    {4, 0},   // INT: encoding, offset and bits
    {0, 0},   // PTR
    {12, 0},  // ARRAY: element type, index type, count
    {0, 12},  // STRUCT: name, type, offset in bits
    {0, 12},  // UNION
    {0, 8},   // ENUM: name, value
    {0, 0},   // FWD
    {0, 0},   // TYPEDEF
    {0, 0},   // VOLATILE
    {0, 0},   // CONST
    {0, 0},   // RESTRICT
    {0, 0},   // FUNC
    {0, 8},   // FUNC_PROTO: name, type
    {4, 0},   // VAR: linkage
    {0, 12},  // DATASEC: type, offset, size
    {0, 0},   // FLOAT
    {4, 0},   // DECL_TAG: component index
    {0, 0},   // TYPE_TAG
    {0, 12},  // ENUM64: name, low half, high half
};
inline constexpr u32 btf_kinds = sizeof btf_tails / sizeof btf_tails[0];

inline constexpr u32 btf_integer_is_signed = 1;  // BTF_INT_SIGNED
inline constexpr u32 btf_integer_is_bool = 4;    // BTF_INT_BOOL
inline constexpr u32 btf_variable_static = 0;    // BTF_VAR_STATIC
inline constexpr u32 btf_variable_global = 1;    // BTF_VAR_GLOBAL_ALLOCATED
inline constexpr u32 btf_variable_extern = 2;    // BTF_VAR_GLOBAL_EXTERN
inline constexpr u32 btf_function_static = 0;    // BTF_FUNC_STATIC
inline constexpr u32 btf_function_extern = 2;    // BTF_FUNC_EXTERN

/// Offsets in the header of .BTF.ext; the tables count from the header's end.
struct btf_ext_header {
  static constexpr u64 magic = 0, header_size = 4, functions_offset = 8, lines_offset = 16, size = 24,
                       core_offset = 24;
};
/// Offsets in front of the records of one section of code.
struct btf_ext_run_header {
  static constexpr u64 section_name = 0, count = 4, size = 8;
};

/// "At this instruction begins the function of this type." In a file, `insn_off` counts bytes from the start
/// of the section; for the kernel, instructions from the start of the program.
struct func_info {
  u32 insn_off = 0;
  u32 type_id = 0;
};
static_assert(sizeof(func_info) == 8);
/// "From this instruction on, the code comes from this line." `line_col` is the line in its upper 22 bits and
/// the column in its lower 10.
struct line_info {
  u32 insn_off = 0;
  u32 file_name_off = 0;
  u32 line_off = 0;
  u32 line_col = 0;
};
static_assert(sizeof(line_info) == 16);
/// What a CO-RE relocation puts into its instruction: enum bpf_core_relo_kind.
enum class core_kind : u32 {
  field_byte_offset = 0,
  field_byte_size = 1,
  field_exists = 2,
  field_signed = 3,
  field_lshift_u64 = 4,
  field_rshift_u64 = 5,
  type_id_local = 6,
  type_id_target = 7,
  type_exists = 8,
  type_size = 9,
  enumval_exists = 10,
  enumval_value = 11,
  type_matches = 12,
};
inline constexpr u32 core_kinds = 13;

/// "This instruction depends on how the kernel lays out a type." `access_str_off` is a string of numbers with colons
/// between them, `kind` a `core_kind`. `insn_off` counts bytes, in a file from the start of the section and for the
/// kernel from the start of the program.
struct core_relo {
  u32 insn_off = 0;
  u32 type_id = 0;
  u32 access_str_off = 0;
  u32 kind = 0;
};
static_assert(sizeof(core_relo) == 16);

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_BTF_HPP
