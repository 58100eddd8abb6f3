// SPDX-License-Identifier: MIT
// Room 3.2, btf_ext: what .BTF.ext says of instructions: which function begins where, which source line an
// instruction comes from, and which need CO-RE. Each of the three is a table of runs, one run for a section.
#ifndef BAREBPF_BTF_EXT_HPP
#define BAREBPF_BTF_EXT_HPP

#include "btf.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The records of one section of code; all offsets count from the start of the file.
struct btf_ext_run {
  u64 section_name = 0;  ///< where the name of the section stands
  u64 first = 0;         ///< where its first record stands
  u32 count = 0;
};

/// One of the three tables.
struct btf_ext_table {
  u64 at = 0;           ///< where the first run stands
  u64 end = 0;          ///< where the table ends
  u32 record_size = 0;  ///< bytes

  /// Reads the run at `at` and moves on to the next; false behind the last.
  constexpr bool next(const btf& types, btf_ext_run& out) noexcept {
    using header = abi::btf_ext_run_header;
    if (at >= end) return false;
    out = {.section_name = types.strings() + types.image().read32(at + header::section_name),
           .first = at + header::size,
           .count = types.image().read32(at + header::count)};
    at = out.first + u64{out.count} * record_size;
    return true;
  }
};

/// The three tables of an object.
/// Lifetime: plain numbers, good for the image they were read from.
struct btf_ext {
  btf_ext_table functions;  ///< `abi::func_info`
  btf_ext_table lines;      ///< `abi::line_info`
  btf_ext_table core;       ///< `abi::core_relo`

  /// Checks that every run of the three tables lies inside `section`.
  static constexpr verdict open(const elf& file, const elf_section& section, const btf& types,
                                btf_ext& out) noexcept;
};

namespace detail {

constexpr verdict open_btf_ext_table(const elf_section& section, const btf& types, u64 field,
                                     u32 smallest_record, btf_ext_table& out) noexcept {
  using header = abi::btf_ext_header;
  const bytes& image = types.image();
  const auto bad = [&](u64 at) {
    return verdict{.why = cause::bad_btf_ext, .section = section.index, .offset = at};
  };
  const u64 header_size = image.read32(section.at + header::header_size);
  if (field + 8 > header_size) return {};  // an older compiler that knew fewer tables
  const u64 offset = image.read32(section.at + field), size = image.read32(section.at + field + 4);
  if (size == 0) return {};
  const u64 body_size = section.size - header_size;
  if (offset > body_size || size > body_size - offset || size < 4) return bad(section.at + field);
  const u64 start = section.at + header_size + offset;
  out = {.at = start + 4, .end = start + size, .record_size = image.read32(start)};
  if (out.record_size < smallest_record || out.record_size % 4 != 0) return bad(start);
  btf_ext_table walk = out;
  for (u64 at = walk.at; at < walk.end; at = walk.at) {
    btf_ext_run run;
    if (walk.end - at < abi::btf_ext_run_header::size) return bad(at);
    walk.next(types, run);
    if (walk.at > walk.end || !types.has_string(run.section_name)) return bad(at);
  }
  return {};
}

}  // namespace detail

constexpr verdict btf_ext::open(const elf& file, const elf_section& section, const btf& types,
                                btf_ext& out) noexcept {
  using header = abi::btf_ext_header;
  const bytes& image = file.image();
  if (const verdict v = file.demand_type(section, abi::section_progbits); v.failed()) return v;
  const u64 header_size = image.read32(section.at + header::header_size);
  if (section.size < header::size || image.read16(section.at + header::magic) != abi::btf_magic ||
      header_size < header::size || header_size > section.size)
    return {.why = cause::bad_btf_ext, .section = section.index, .offset = section.at};
  if (const verdict v = detail::open_btf_ext_table(section, types, header::functions_offset,
                                                   sizeof(abi::func_info), out.functions);
      v.failed())
    return v;
  if (const verdict v =
          detail::open_btf_ext_table(section, types, header::lines_offset, sizeof(abi::line_info), out.lines);
      v.failed())
    return v;
  return detail::open_btf_ext_table(section, types, header::core_offset, sizeof(abi::core_relo), out.core);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BTF_EXT_HPP
