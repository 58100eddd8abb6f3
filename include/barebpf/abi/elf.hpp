// SPDX-License-Identifier: MIT
// Room 1.3, abi/elf: where the fields of 64-bit ELF records lie, and the numbers they hold. Records are
// read field by field through the checked window, never by casting, so these are offsets and not structs.
// Source: elf(5); include/uapi/linux/elf.h at v6.12.
#ifndef BAREBPF_ABI_ELF_HPP
#define BAREBPF_ABI_ELF_HPP

#include "../word.hpp"

namespace barebpf::inline BAREBPF_ABI::abi {

inline constexpr u32 elf_magic = 0x464c457f;  // "\177ELF", lowest byte first
inline constexpr u8 elf_class_64 = 2;         // ELFCLASS64
inline constexpr u8 elf_little_endian = 1;    // ELFDATA2LSB
inline constexpr u8 elf_big_endian = 2;       // ELFDATA2MSB
inline constexpr u16 elf_relocatable = 1;     // ET_REL
inline constexpr u16 elf_program = 2;         // ET_EXEC
inline constexpr u16 elf_shared = 3;          // ET_DYN
inline constexpr u16 elf_machine_bpf = 247;   // EM_BPF

/// Offsets in the file header.
struct elf_header {
  static constexpr u64 ident_class = 4, ident_data = 5, type = 16, machine = 18, section_table = 40,
                       section_entry_size = 58, section_count = 60, section_names = 62, size = 64;
};

/// Offsets in a section header.
struct elf_section_header {
  static constexpr u64 name = 0, type = 4, flags = 8, offset = 24, content_size = 32, link = 40, info = 44,
                       entry_size = 56, size = 64;
};

/// Offsets in a symbol.
struct elf_symbol_record {
  static constexpr u64 name = 0, info = 4, other = 5, section = 6, value = 8, extent = 16, size = 24;
};

/// Offsets in a relocation without addend.
struct elf_relocation_record {
  static constexpr u64 offset = 0, type = 8, symbol = 12, size = 16;
};

inline constexpr u32 section_progbits = 1;         // SHT_PROGBITS
inline constexpr u32 section_symtab = 2;           // SHT_SYMTAB
inline constexpr u32 section_note = 7;             // SHT_NOTE
inline constexpr u32 section_nobits = 8;           // SHT_NOBITS
inline constexpr u32 section_rel = 9;              // SHT_REL
inline constexpr u32 section_dynsym = 11;          // SHT_DYNSYM
inline constexpr u32 section_verdef = 0x6ffffffd;  // SHT_GNU_verdef
inline constexpr u32 section_versym = 0x6fffffff;  // SHT_GNU_versym
inline constexpr u64 section_is_code = 4;          // SHF_EXECINSTR

inline constexpr u8 symbol_local = 0;        // STB_LOCAL
inline constexpr u8 symbol_weak = 2;         // STB_WEAK
inline constexpr u8 symbol_no_type = 0;      // STT_NOTYPE
inline constexpr u8 symbol_object = 1;       // STT_OBJECT
inline constexpr u8 symbol_function = 2;     // STT_FUNC
inline constexpr u8 symbol_file = 4;         // STT_FILE
inline constexpr u8 symbol_internal = 1;     // STV_INTERNAL
inline constexpr u8 symbol_hidden = 2;       // STV_HIDDEN
inline constexpr u16 section_undefined = 0;  // SHN_UNDEF

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_ELF_HPP
