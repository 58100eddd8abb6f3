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
    bool must_walk = false;  ///< its relocations do not tell of all that its instructions refer to
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
  u32 instruction;  // counted from the function's first
  u32 reference;    // the first that does not stand in front of it
  u32 told;         // so many references were found by relocations
  bool has_calls;   // and some without one
};

// What the instruction at the cursor refers to. Calls inside a section need no relocation, so they are told by
// the instruction itself.
constexpr verdict reference_at(const object_tables& code, const function_spec& function, code_cursor& cursor,
                               const abi::insn& instruction, reference& out) noexcept {
  const u64 at = function.at + u64{cursor.instruction} * sizeof(abi::insn);
  const u32 end = function.first_reference + function.reference_count;
  while (cursor.reference < end && code.references[cursor.reference].at < at) ++cursor.reference;
  if (cursor.reference < end && code.references[cursor.reference].at == at) {
    out = code.references[cursor.reference++];
    ++cursor.told;
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
  cursor.has_calls = true;
  return {};
}

// Moves the cursor on to the next instruction that `reference_at` may know something of.
constexpr void pass_plain(const object_tables& code, const function_spec& function,
                          code_cursor& cursor) noexcept {
  const bool is_last = cursor.reference >= function.first_reference + function.reference_count;
  const u64 next = is_last ? ~u64{0} : code.references[cursor.reference].at;
  const u64 end = function.at + u64{function.instruction_count} * sizeof(abi::insn);
  const u64 stop = next < end ? next : end;
  u64 at = function.at + u64{cursor.instruction} * sizeof(abi::insn);
  // Nearly always nothing is in between, and no long instruction lies over the next place: then the compiler has little
  // to do.
  constexpr u64 call = abi::pseudo_call << 12 | abi::opcode_call, mask = 0xf0ff;
  if (!code.image.reads_big_endian() && stop > at && (stop - at) % sizeof(abi::insn) == 0 &&
      code.image.find64(at, stop, mask, call) == stop &&
      code.image.read8(stop - sizeof(abi::insn)) != abi::opcode_ld_imm64)
    at = stop;
  while (at < stop) {
    const u8 opcode = code.image.read8(at);
    if (opcode == abi::opcode_call) break;
    at += (opcode == abi::opcode_ld_imm64 ? 2 : 1) * sizeof(abi::insn);
  }
  cursor.instruction = static_cast<u32>((at - function.at) / sizeof(abi::insn));
}
// The same for a function whose references are those of its relocations, one for each.
constexpr void go_to_reference(const object_tables& code, const function_spec& function,
                               code_cursor& cursor) noexcept {
  const u32 index = function.first_reference + cursor.told;
  cursor.instruction = cursor.told == function.reference_count
                           ? function.instruction_count
                           : static_cast<u32>((code.references[index].at - function.at) / sizeof(abi::insn));
}

constexpr void copy_code(const bytes& image, const function_spec& function, u64* out) noexcept {
  const u64 end = function.at + u64{function.instruction_count} * sizeof(abi::insn);
  if (!host_is_big_endian && image.has_words(function.at, end)) {
    const u64* next = image.words_at(function.at);  // the same in fewer steps
    for (u32 left = function.instruction_count; left != 0; --left) *out++ = *next++;
  } else {
    for (u64 at = function.at; at < end; at += sizeof(abi::insn))
      *out++ = __builtin_bit_cast(u64, read_instruction(image, at));
  }
}

constexpr void set_immediate(u64& instruction, s32 immediate) noexcept {
  auto parts = __builtin_bit_cast(abi::insn, instruction);
  parts.immediate = immediate;
  instruction = __builtin_bit_cast(u64, parts);
}

}  // namespace detail

/// Finds every function that the program which begins with `entry` reaches, in the order in which its
/// instructions name them, each followed by those that it names itself.
/// Cost: linear in the instructions.
constexpr verdict lay_out(const object_tables& code, u32 entry, program_layout& out) noexcept {
  using detail::code_cursor;
  // Not made before they are needed, because the compiler pays for each.
  code_cursor cursors[program_layout::most_functions];
  u32 callers[program_layout::most_functions];
  out.piece_count = out.instruction_count = out.map_references = 0;
  out.has_types = true;
  const auto append = [&](u32 index, u32 caller) {
    const function_spec& function = code.functions[index];
    callers[out.piece_count] = caller;
    cursors[out.piece_count] = {0, function.first_reference, 0, false};
    out.pieces[out.piece_count++] = {.function = index, .position = out.instruction_count};
    out.instruction_count += function.instruction_count;
    out.has_types = out.has_types && function.type != 0;
  };
  append(entry, 0);
  for (u32 current = 0;;) {
    const function_spec& function = code.functions[out.pieces[current].function];
    code_cursor& cursor = cursors[current];
    detail::pass_plain(code, function, cursor);
    if (cursor.instruction >= function.instruction_count) {
      out.pieces[current].must_walk = cursor.has_calls || cursor.told != function.reference_count;
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

/// Writes where each function of a program begins and what its type is, `layout.piece_count` records, with the ids
/// of `types`, which has kept the object's functions.
template <class Types>
constexpr void write_functions(const object_tables& code, const program_layout& layout, const Types& types,
                               abi::func_info* out) noexcept {
  for (u32 p = 0; p < layout.piece_count; ++p)
    out[p] = {.insn_off = layout.pieces[p].position,
              .type_id = types.new_id(code.functions[layout.pieces[p].function].type)};
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
/// Shape: a word for each instruction, which has it in memory as the kernel takes it. Most stay whole, because the
///        compiler pays for each part of one.
constexpr void assemble(const object_tables& code, const program_layout& layout, map_naming naming, u64* out,
                        map_reference* maps) noexcept {
  u32 named = 0;
  for (u32 p = 0; p < layout.piece_count; ++p) {
    const u32 position = layout.pieces[p].position;
    const function_spec& function = code.functions[layout.pieces[p].function];
    detail::copy_code(code.image, function, out + position);
    for (detail::code_cursor cursor{0, function.first_reference, 0, false};;) {
      if (layout.pieces[p].must_walk)
        detail::pass_plain(code, function, cursor);
      else
        detail::go_to_reference(code, function, cursor);
      if (cursor.instruction >= function.instruction_count) break;
      const u32 at = position + cursor.instruction;
      auto first = __builtin_bit_cast(abi::insn, out[at]);
      reference found;
      if (detail::reference_at(code, function, cursor, first, found).failed()) found = {};
      switch (found.kind) {
        case reference_kind::nothing:
          break;
        case reference_kind::map:
        case reference_kind::value: {
          const bool is_value = found.kind == reference_kind::value;
          if (naming == map_naming::by_index)
            first.set_source(is_value ? abi::pseudo_map_idx_value : abi::pseudo_map_idx);
          else
            first.set_source(is_value ? abi::pseudo_map_value : abi::pseudo_map_fd);
          first.immediate = static_cast<s32>(found.target);
          detail::set_immediate(out[at + 1], static_cast<s32>(found.offset));
          maps[named++] = {.instruction = at, .map = found.target};
          break;
        }
        case reference_kind::external:
          maps[named++] = {.instruction = at, .map = map_reference::first_extern + found.target};
          break;
        case reference_kind::call:
        case reference_kind::function:
          if (found.kind == reference_kind::function) {
            first.set_source(abi::pseudo_func);
            detail::set_immediate(out[at + 1], 0);
          }
          first.immediate = static_cast<s32>(layout.position_of(found.target)) - static_cast<s32>(at) - 1;
          break;
      }
      out[at] = __builtin_bit_cast(u64, first);
      cursor.instruction += first.opcode == abi::opcode_ld_imm64 ? 2 : 1;
    }
  }
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SPEC_ASSEMBLY_HPP
