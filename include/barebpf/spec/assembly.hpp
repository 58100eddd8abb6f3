// SPDX-License-Identifier: MIT
// Room 4.5, spec/assembly: one program as the kernel takes it. A program is its own instructions and behind
// them those of every function that it reaches, so each program of an object has its own copy of what they
// share. Worked out for one program at a time, which is what a compiler can do for large objects too.
#ifndef BAREBPF_SPEC_ASSEMBLY_HPP
#define BAREBPF_SPEC_ASSEMBLY_HPP

#include "record.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// "The two instructions at `instruction` of the program load the address of map `map`, or one in its value." Or: that
/// instruction needs what the kernel has under a name.
struct map_reference {
  static constexpr u32 first_extern = u32{1} << 31;

  u32 instruction = 0;  ///< counted from the program's first
  u32 map = 0;          ///< index among the object's maps; `first_extern` and an index among its externs

  [[nodiscard]] constexpr bool is_extern() const noexcept { return map >= first_extern; }
  [[nodiscard]] constexpr u32 target() const noexcept { return map % first_extern; }
};

/// The functions that make a program, each with the place of its first instruction.
struct program_layout {
  /// Source: BPF_MAX_SUBPROGS in include/linux/bpf_verifier.h at v6.12.
  static constexpr u32 most_functions = 256;
  struct piece {
    u32 function = 0;
    u32 position = 0;
  };

  piece pieces[most_functions];
  u32 piece_count = 0;
  u32 instruction_count = 0;
  u32 map_references = 0;  ///< how many instructions name a map, or something of the kernel's
  bool has_types = true;   ///< BTF describes all of them

  /// Where the function with this index begins; `not_found` when the program does not reach it.
  [[nodiscard]] constexpr u32 position_of(u32 function) const noexcept {
    for (u32 i = 0; i < piece_count; ++i)
      if (pieces[i].function == function) return pieces[i].position;
    return not_found;
  }
};

namespace detail {

// Walks over the instructions of one function, with the reference of each beside it.
struct code_cursor {
  u32 instruction = 0;  // counted from the function's first
  u32 reference = 0;    // the first that does not stand in front of it
};

// What the instruction at the cursor refers to. Calls inside a section need no relocation, so they are told by
// the instruction itself.
constexpr verdict reference_at(const object_tables& code, const function_spec& function, code_cursor& cursor,
                               const abi::insn& instruction, reference& out) noexcept {
  const u64 at = function.at + u64{cursor.instruction} * sizeof(abi::insn);
  const u32 end = function.first_reference + function.reference_count;
  while (cursor.reference < end && code.references[cursor.reference].at < at) ++cursor.reference;
  if (cursor.reference < end && code.references[cursor.reference].at == at) {
    out = code.references[cursor.reference];
    // Functions that lie over each other can end between the two halves of a load.
    const bool fits =
        instruction.opcode == abi::opcode_call || cursor.instruction + 1 < function.instruction_count;
    if (out.kind != reference_kind::nothing && fits) return {};
    return {
        .why = cause::bad_relocation, .section = function.section, .offset = at, .subject = function.name};
  }
  if (instruction.opcode != abi::opcode_call || instruction.source() != abi::pseudo_call) return {};
  const s64 distance = (s64{instruction.immediate} + 1) * s64{sizeof(abi::insn)};
  const u64 place = at + static_cast<u64>(distance);
  const u32 target = lower_bound_of_place(code.functions, code.function_count, place);
  if (target == code.function_count || code.functions[target].at != place)
    return {.why = cause::bad_call, .section = function.section, .offset = at, .subject = function.name};
  out = {.at = at, .kind = reference_kind::call, .target = target};
  return {};
}

// The records of source lines for one function: so many from the one at `first` on.
struct line_range {
  u64 first = 0;
  u32 count = 0;
};
// The kernel wants a line for the first instruction of each function, lines in order, and texts that are there;
// where it would refuse them, a function has none.
constexpr line_range lines_of(const object_tables& code, const function_spec& function) noexcept {
  const auto word_of = [&](u32 index, u64 field) {
    return code.image.read32(function.lines.first + u64{index} * code.line_size + field);
  };
  const auto lower_bound = [&](u64 offset) {
    u32 first = 0;
    for (u32 count = function.lines.count; count != 0;) {
      const u32 half = count / 2;
      const bool in_front = word_of(first + half, offsetof(abi::line_info, insn_off)) < offset;
      first += in_front ? half + 1 : 0;
      count = in_front ? count - half - 1 : half;
    }
    return first;
  };
  const u64 start = function.at - function.section_at;
  const u32 first = lower_bound(start);
  const u32 end = lower_bound(start + u64{function.instruction_count} * sizeof(abi::insn));
  if (first >= end || word_of(first, offsetof(abi::line_info, insn_off)) != start) return {};
  for (u32 i = first, behind = 0; i < end; ++i) {
    const u32 at = word_of(i, offsetof(abi::line_info, insn_off));
    if (at % sizeof(abi::insn) != 0 || (i != first && at <= behind) ||
        word_of(i, offsetof(abi::line_info, file_name_off)) >= code.types.strings_size() ||
        word_of(i, offsetof(abi::line_info, line_off)) >= code.types.strings_size())
      return {};
    behind = at;
  }
  return {.first = function.lines.first + u64{first} * code.line_size, .count = end - first};
}
// A record of such a range, as it stands in the file.
constexpr abi::line_info line_at(const object_tables& code, const line_range& lines, u32 index) noexcept {
  const u64 at = lines.first + u64{index} * code.line_size;
  return {.insn_off = code.image.read32(at),
          .file_name_off = code.image.read32(at + 4),
          .line_off = code.image.read32(at + 8),
          .line_col = code.image.read32(at + 12)};
}

}  // namespace detail

/// Finds every function that the program which begins with `entry` reaches, in the order in which its
/// instructions name them, each followed by those that it names itself.
/// Cost: linear in the instructions.
constexpr verdict lay_out(const object_tables& code, u32 entry, program_layout& out) noexcept {
  using detail::code_cursor;
  code_cursor cursors[program_layout::most_functions] = {};
  u32 callers[program_layout::most_functions] = {};
  out = {};
  const auto append = [&](u32 index, u32 caller) {
    const function_spec& function = code.functions[index];
    callers[out.piece_count] = caller;
    cursors[out.piece_count] = {.reference = function.first_reference};
    out.pieces[out.piece_count++] = {.function = index, .position = out.instruction_count};
    out.instruction_count += function.instruction_count;
    out.has_types = out.has_types && function.type != 0;
  };
  append(entry, 0);
  for (u32 current = 0;;) {
    const function_spec& function = code.functions[out.pieces[current].function];
    code_cursor& cursor = cursors[current];
    if (cursor.instruction >= function.instruction_count) {
      if (current == 0) break;
      current = callers[current];
      continue;
    }
    reference found;
    const abi::insn instruction =
        read_instruction(code.image, function.at + u64{cursor.instruction} * sizeof(abi::insn));
    if (const verdict v = detail::reference_at(code, function, cursor, instruction, found); v.failed())
      return v;
    cursor.instruction += instruction.opcode == abi::opcode_ld_imm64 ? 2 : 1;
    if (found.kind == reference_kind::map || found.kind == reference_kind::value ||
        found.kind == reference_kind::external)
      ++out.map_references;
    if (found.kind != reference_kind::call && found.kind != reference_kind::function) continue;
    if (out.position_of(found.target) != not_found) continue;
    if (out.piece_count == program_layout::most_functions)
      return {.why = cause::too_many_functions,
              .section = function.section,
              .offset = found.at,
              .subject = code.functions[entry].name};
    append(found.target, current);
    current = out.piece_count - 1;
  }
  return {};
}

/// How many source lines a program has; 0 when those of one of its functions are not known.
[[nodiscard]] constexpr u32 count_lines(const object_tables& code, const program_layout& layout) noexcept {
  u32 sum = 0;
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const u32 count = detail::lines_of(code, code.functions[layout.pieces[p].function]).count;
    if (count == 0) return 0;
    sum += count;
  }
  return sum;
}

/// Writes where each function of a program begins and what its type is, `layout.piece_count` records, with the ids
/// of `types`, which has kept the object's functions.
template <class Types>
constexpr void write_functions(const object_tables& code, const program_layout& layout, const Types& types,
                               abi::func_info* out) noexcept {
  for (u32 p = 0; p < layout.piece_count; ++p)
    out[p] = {.insn_off = layout.pieces[p].position,
              .type_id = types.new_id(code.functions[layout.pieces[p].function].type)};
}
/// Writes the source lines of a program, as many as `count_lines` says, with the strings of `types`.
template <class Types>
constexpr void write_lines(const object_tables& code, const program_layout& layout, const Types& types,
                           abi::line_info* out) noexcept {
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const function_spec& function = code.functions[layout.pieces[p].function];
    const detail::line_range lines = detail::lines_of(code, function);
    const u64 start = function.at - function.section_at;
    for (u32 i = 0; i < lines.count; ++i) {
      const abi::line_info line = detail::line_at(code, lines, i);
      const auto distance = static_cast<u32>((line.insn_off - start) / sizeof(abi::insn));
      *out++ = {.insn_off = layout.pieces[p].position + distance,
                .file_name_off = types.new_string(line.file_name_off),
                .line_off = types.new_string(line.line_off),
                .line_col = line.line_col};
    }
  }
}

/// How many instructions of a program depend on the kernel's types.
[[nodiscard]] constexpr u32 count_cores(const object_tables& code, const program_layout& layout) noexcept {
  u32 sum = 0;
  for (u32 p = 0; p < layout.piece_count; ++p) sum += code.functions[layout.pieces[p].function].core_count;
  return sum;
}
/// Writes which those are, with the ids and the strings of `types`, which has kept what they name.
template <class Types>
constexpr void write_cores(const object_tables& code, const program_layout& layout, const Types& types,
                           abi::core_relo* out) noexcept {
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const function_spec& function = code.functions[layout.pieces[p].function];
    for (u32 i = 0; i < function.core_count; ++i) {
      const core_record& record = code.cores[function.first_core + i];
      *out++ = {.insn_off = layout.pieces[p].position * static_cast<u32>(sizeof(abi::insn)) +
                            static_cast<u32>(record.at - function.at),
                .type_id = types.new_id(record.type),
                .access_str_off = types.new_access(record),
                .kind = static_cast<u32>(record.kind)};
    }
  }
}

/// How instructions name maps.
enum class map_naming : u8 {
  by_descriptor,  ///< the descriptor has to be put in before the kernel is given them
  by_index,       ///< by their place in an array of descriptors, 5.14
};

/// Writes the instructions of a program to `out`, and which of them name a map to `maps`; both have as much room
/// as the layout says.
constexpr void assemble(const object_tables& code, const program_layout& layout, map_naming naming,
                        abi::insn* out, map_reference* maps) noexcept {
  u32 named = 0;
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const u32 position = layout.pieces[p].position;
    const function_spec& function = code.functions[layout.pieces[p].function];
    detail::code_cursor cursor{.reference = function.first_reference};
    while (cursor.instruction < function.instruction_count) {
      const u32 at = position + cursor.instruction;
      const u64 from = function.at + u64{cursor.instruction} * sizeof(abi::insn);
      out[at] = read_instruction(code.image, from);
      const bool is_long = out[at].opcode == abi::opcode_ld_imm64;
      if (is_long && cursor.instruction + 1 < function.instruction_count)
        out[at + 1] = read_instruction(code.image, from + sizeof(abi::insn));
      reference found;
      if (detail::reference_at(code, function, cursor, out[at], found).failed()) found = {};
      switch (found.kind) {
        case reference_kind::nothing:
          break;
        case reference_kind::map:
        case reference_kind::value: {
          const bool is_value = found.kind == reference_kind::value;
          if (naming == map_naming::by_index)
            out[at].set_source(is_value ? abi::pseudo_map_idx_value : abi::pseudo_map_idx);
          else
            out[at].set_source(is_value ? abi::pseudo_map_value : abi::pseudo_map_fd);
          out[at].immediate = static_cast<s32>(found.target);
          out[at + 1].immediate = static_cast<s32>(found.offset);
          maps[named++] = {.instruction = at, .map = found.target};
          break;
        }
        case reference_kind::external:
          maps[named++] = {.instruction = at, .map = map_reference::first_extern + found.target};
          break;
        case reference_kind::call:
        case reference_kind::function:
          if (found.kind == reference_kind::function) {
            out[at].set_source(abi::pseudo_func);
            out[at + 1].immediate = 0;
          }
          out[at].immediate = static_cast<s32>(layout.position_of(found.target)) - static_cast<s32>(at) - 1;
          break;
      }
      cursor.instruction += is_long ? 2 : 1;
    }
  }
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_ASSEMBLY_HPP
