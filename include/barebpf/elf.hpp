// SPDX-License-Identifier: MIT
// Room 3.0, elf: sections, symbols and relocations of an object file, checked once when it is opened.
// Knows nothing of BPF beyond the machine number.
#ifndef BAREBPF_ELF_HPP
#define BAREBPF_ELF_HPP

#include "abi/elf.hpp"
#include "bytes.hpp"
#include "cause.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A section of an object file; all offsets count from the start of the file.
struct elf_section {
  u32 index = 0;
  u32 type = 0;
  u64 flags = 0;
  u64 name = 0;  ///< where the name stands
  u64 at = 0;    ///< where the content begins
  u64 size = 0;  ///< bytes of content
  u32 link = 0;  ///< index of the section that this one refers to
  u32 info = 0;  ///< for relocations: index of the section that they change
  u64 entry_size = 0;

  [[nodiscard]] constexpr bool is_code() const noexcept {
    return type == abi::section_progbits && (flags & abi::section_is_code) != 0;
  }
};

/// A symbol of an object file.
struct elf_symbol {
  u64 at = 0;    ///< where its record stands
  u64 name = 0;  ///< where the name stands
  u8 binding = 0;
  u8 type = 0;
  bool is_hidden = false;  ///< other objects cannot name it
  u16 section = 0;
  u64 value = 0;  ///< bytes from the start of its section
  u64 size = 0;   ///< bytes
};

/// What a symbol's record begins with.
struct elf_symbol_head {
  u32 name = 0;  ///< offset among the names
  u8 info = 0;   ///< binding, in the upper half, and type
  u8 other = 0;  ///< visibility, in the lowest two bits
  u16 section = 0;
};

/// A relocation of an object file.
struct elf_relocation {
  u64 at = 0;      ///< where its record stands
  u64 offset = 0;  ///< bytes from the start of the section that it changes
  u32 symbol = 0;  ///< index of the symbol
};

/// An object file whose section headers, symbol table and string tables are known to lie inside it.
/// Lifetime: valid as long as the image.
class elf {
 public:
  /// Looks at the headers of `image`. After any verdict but a good one, `out` must not be used.
  static constexpr verdict open(bytes image, elf& out) noexcept;

  [[nodiscard]] constexpr const bytes& image() const noexcept { return image_; }
  [[nodiscard]] constexpr u32 section_count() const noexcept { return section_count_; }
  [[nodiscard]] constexpr u32 symbol_count() const noexcept { return symbol_count_; }

  /// The section with this index; an empty one when there is none.
  [[nodiscard]] constexpr elf_section section(u32 index) const noexcept {
    using header = abi::elf_section_header;
    if (index >= section_count_) return {};
    const u64 at = header_at(index);
    return {.index = index,
            .type = image_.read32(at + header::type),
            .flags = image_.read64(at + header::flags),
            .name = section_names_ + image_.read32(at + header::name),
            .at = image_.read64(at + header::offset),
            .size = image_.read64(at + header::content_size),
            .link = image_.read32(at + header::link),
            .info = image_.read32(at + header::info),
            .entry_size = image_.read64(at + header::entry_size)};
  }
  /// True when the section with this index holds instructions.
  [[nodiscard]] constexpr bool is_code(u32 index) const noexcept {
    using header = abi::elf_section_header;
    return index < section_count_ &&
           image_.read32(header_at(index) + header::type) == abi::section_progbits &&
           (image_.read64(header_at(index) + header::flags) & abi::section_is_code) != 0;
  }
  /// The first section called `wanted`; one with index 0 when there is none.
  [[nodiscard]] constexpr elf_section find_section(text wanted) const noexcept {
    for (u32 i = 1; i < section_count_; ++i)
      if (image_.string_is(section(i).name, wanted)) return section(i);
    return {};
  }
  /// The same by the string at `wanted` in the file. One of more than 255 characters is not found, so that
  /// many long names which differ at their ends cost no more than many short ones. Whoever finds one after the other,
  /// in the order of the file, says which was the last, so that the search begins behind it.
  [[nodiscard]] constexpr elf_section find_section(u64 wanted, u32 last = 0) const noexcept {
    constexpr u64 longest = 255;
    if (image_.length_of_string(wanted) > longest) return {};
    for (u32 i = last + 1; i < section_count_; ++i)
      if (is_called(i, wanted)) return section(i);
    for (u32 i = 1; i <= last && i < section_count_; ++i)
      if (is_called(i, wanted)) return section(i);
    return {};
  }
  /// Finds fault with a section that is there and is not of this type.
  [[nodiscard]] constexpr verdict demand_type(const elf_section& of, u32 type) const noexcept {
    if (of.index == 0 || of.type == type) return {};
    return {.why = cause::bad_section_header,
            .section = of.index,
            .offset = header_at(of.index) + abi::elf_section_header::type};
  }
  /// The symbol with this index; an undefined one when there is none.
  [[nodiscard]] constexpr elf_symbol symbol(u32 index) const noexcept {
    using record = abi::elf_symbol_record;
    if (index >= symbol_count_) return {};
    const u64 at = symbols_ + u64{index} * record::size;
    const elf_symbol_head head = symbol_head(index);
    const u8 visibility = head.other & 3;
    return {.at = at,
            .name = symbol_name(head),
            .binding = static_cast<u8>(head.info >> 4),
            .type = static_cast<u8>(head.info & 15),
            .is_hidden = visibility == abi::symbol_hidden || visibility == abi::symbol_internal,
            .section = head.section,
            .value = image_.read64(at + record::value),
            .size = image_.read64(at + record::extent)};
  }
  /// The first fields of the symbol with this index, and where the name stands that they give: for who looks for a few
  /// symbols among many, because the compiler pays for each field.
  [[nodiscard]] constexpr elf_symbol_head symbol_head(u32 index) const noexcept {
    const u64 all = image_.read64(symbols_ + u64{index} * abi::elf_symbol_record::size);
    if (image_.reads_big_endian())
      return {static_cast<u32>(all >> 32), static_cast<u8>(all >> 24), static_cast<u8>(all >> 16),
              static_cast<u16>(all)};
    return {static_cast<u32>(all), static_cast<u8>(all >> 32), static_cast<u8>(all >> 40),
            static_cast<u16>(all >> 48)};
  }
  [[nodiscard]] constexpr u64 symbol_name(const elf_symbol_head& head) const noexcept {
    return symbol_names_ + (head.name < symbol_names_size_ ? head.name : 0);  // where the empty name stands
  }
  /// How many relocations the section `relocations` holds.
  [[nodiscard]] static constexpr u64 relocation_count(const elf_section& relocations) noexcept {
    return relocations.size / abi::elf_relocation_record::size;
  }
  /// The relocation with this index in the section `relocations`.
  [[nodiscard]] constexpr elf_relocation relocation(const elf_section& relocations,
                                                    u64 index) const noexcept {
    using record = abi::elf_relocation_record;
    const u64 at = relocations.at + index * record::size;
    // One 64-bit field holds type and symbol, the symbol in its upper half.
    const u64 info = image_.read64(at + record::type);
    return {.at = at, .offset = image_.read64(at + record::offset), .symbol = static_cast<u32>(info >> 32)};
  }

 private:
  [[nodiscard]] constexpr u64 header_at(u32 index) const noexcept {
    return section_table_ + u64{index} * abi::elf_section_header::size;
  }
  [[nodiscard]] constexpr bool is_called(u32 index, u64 wanted) const noexcept {
    return image_.same_string(
        section_names_ + image_.read32(header_at(index) + abi::elf_section_header::name), wanted);
  }
  constexpr verdict check_header() noexcept;
  constexpr verdict check_sections() noexcept;
  constexpr verdict find_symbols() noexcept;

  bytes image_;
  u64 section_table_ = 0;
  u64 section_names_ = 0;
  u64 symbols_ = 0;
  u64 symbol_names_ = 0;
  u64 symbol_names_size_ = 0;
  u32 section_count_ = 0;
  u32 symbol_count_ = 0;
};

constexpr verdict elf::open(bytes image, elf& out) noexcept {
  constexpr u64 largest = 1 << 30;  // bytes; counts and offsets in BTF have 32 bits
  if (image.size() > largest) return {.why = cause::too_large};
  out.image_ = image;
  if (const verdict v = out.check_header(); v.failed()) return v;
  if (const verdict v = out.check_sections(); v.failed()) return v;
  return out.find_symbols();
}

constexpr verdict elf::check_header() noexcept {
  using header = abi::elf_header;
  using section_header = abi::elf_section_header;
  const auto is_magic = [&] {
    for (u64 i = 0; i < 4; ++i)
      if (image_.read8(i) != (abi::elf_magic >> (i * 8) & 0xff)) return false;
    return true;
  };
  if (!is_magic()) return {.why = cause::not_elf};
  if (!image_.holds(0, header::size)) return {.why = cause::truncated, .offset = image_.size()};
  if (image_.read8(header::ident_class) != abi::elf_class_64)
    return {.why = cause::not_64_bit, .offset = header::ident_class};
  const u8 order = image_.read8(header::ident_data);
  if (order != abi::elf_big_endian && order != abi::elf_little_endian)
    return {.why = cause::bad_byte_order, .offset = header::ident_data};
  if (order == abi::elf_big_endian) image_.read_big_endian();
  if (image_.read16(header::type) != abi::elf_relocatable)
    return {.why = cause::not_relocatable, .offset = header::type};
  const u16 machine = image_.read16(header::machine);
  if (machine != abi::elf_machine_bpf && machine != 0)  // compilers before clang 4 left it 0
    return {.why = cause::not_bpf, .offset = header::machine};

  section_table_ = image_.read64(header::section_table);
  section_count_ = image_.read16(header::section_count);
  if (image_.read16(header::section_entry_size) != section_header::size)
    return {.why = cause::bad_section_header, .offset = header::section_entry_size};
  if (!image_.holds(section_table_, section_header::size))
    return {.why = cause::truncated, .offset = header::section_table};
  // A file of more than 65,279 sections keeps their number in the first header, see elf(5).
  if (section_count_ == 0) {
    const u64 count = image_.read64(section_table_ + section_header::content_size);
    if (count > image_.size() / section_header::size)
      return {.why = cause::truncated, .offset = section_table_ + section_header::content_size};
    section_count_ = static_cast<u32>(count);
  }
  if (!image_.holds(section_table_, u64{section_count_} * section_header::size))
    return {.why = cause::truncated, .offset = header::section_table};
  return {};
}

constexpr verdict elf::check_sections() noexcept {
  using header = abi::elf_section_header;
  u32 names = image_.read16(abi::elf_header::section_names);
  if (names == 0xffff) names = image_.read32(section_table_ + header::link);  // SHN_XINDEX
  const elf_section name_table = section(names);
  if (names == 0 || names >= section_count_ || !image_.holds(name_table.at, name_table.size))
    return {.why = cause::bad_section_header, .offset = abi::elf_header::section_names};
  section_names_ = name_table.at;

  for (u32 i = 1; i < section_count_; ++i) {
    const elf_section s = section(i);
    if (s.name - section_names_ >= name_table.size)
      return {.why = cause::bad_section_header, .offset = header_at(i) + header::name};
    if (s.type != abi::section_nobits && !image_.holds(s.at, s.size))
      return {.why = cause::truncated, .section = i, .offset = header_at(i) + header::offset};
    if (s.type == abi::section_rel && s.entry_size != abi::elf_relocation_record::size)
      return {.why = cause::bad_section_header, .section = i, .offset = header_at(i) + header::entry_size};
  }
  return {};
}

constexpr verdict elf::find_symbols() noexcept {
  using header = abi::elf_section_header;
  for (u32 i = 1; i < section_count_; ++i) {
    const elf_section s = section(i);
    if (s.type != abi::section_symtab) continue;
    const elf_section names = section(s.link);
    if (s.entry_size != abi::elf_symbol_record::size || names.type == abi::section_nobits || names.size == 0)
      return {.why = cause::bad_section_header, .section = i, .offset = header_at(i) + header::link};
    symbols_ = s.at;
    symbol_names_ = names.at;
    symbol_names_size_ = names.size;
    symbol_count_ = static_cast<u32>(s.size / abi::elf_symbol_record::size);
    return {};
  }
  return {.why = cause::no_symbols, .offset = abi::elf_header::section_count};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ELF_HPP
