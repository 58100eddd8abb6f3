// SPDX-License-Identifier: MIT
// Room 5.2, core/patch: puts what a CO-RE relocation is worth into its instruction.
// Source: tools/lib/bpf/relo_core.c at v6.12.
#ifndef BAREBPF_CORE_PATCH_HPP
#define BAREBPF_CORE_PATCH_HPP

#include "../abi/bpf.hpp"
#include "value.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The helper that stands where the kernel lacks what an instruction needs. There is none of this number, so the
/// verifier refuses a program that can reach it; libbpf and the kernel itself write the same one.
inline constexpr s32 core_poison = 195896080;

/// Makes a call out of an instruction that nothing may reach, or out of both halves of one.
constexpr void poison_instruction(abi::insn* at) noexcept {
  const bool is_long = at->opcode == abi::opcode_ld_imm64;
  at[0] = {.opcode = abi::opcode_call, .registers = 0, .offset = 0, .immediate = core_poison};
  if (is_long) at[1] = at[0];
}

/// Changes the instruction at `at`, behind which `left` more stand, to what the kernel needs; poisons it where the
/// kernel has no such thing.
/// Errors: a cause, and the instruction stays as it was.
constexpr cause patch_instruction(abi::insn* at, u32 left, const core_value& to) noexcept {
  const bool is_long = at->opcode == abi::opcode_ld_imm64;
  if (is_long && left == 0) return cause::bad_core;
  if (to.is_missing) {
    poison_instruction(at);
    return cause::none;
  }
  const auto holds = [&to](u64 number) { return !to.is_sure || number == to.old_number; };
  enum : u8 { load_constant = 0, load = 1, store_constant = 2, store = 3, arithmetic = 4, arithmetic64 = 7 };
  switch (at->opcode & 7) {
    case arithmetic:
    case arithmetic64: {
      constexpr u8 from_register = 8;
      if ((at->opcode & from_register) != 0 || !holds(static_cast<u64>(s64{at->immediate})))
        return cause::core_other_instruction;
      at->immediate = static_cast<s32>(to.number);
      return cause::none;
    }
    case load:
    case store_constant:
    case store: {
      if (!holds(static_cast<u64>(s64{at->offset}))) return cause::core_other_instruction;
      constexpr u64 furthest = 0x7fff;
      if (to.number > furthest) return cause::core_too_far;
      if (to.loses_sign) {
        poison_instruction(at);
        return cause::none;
      }
      if (to.size != to.old_size) {
        // Of 4, 2, 1 and 8 bytes, in the order of the bits that say so.
        constexpr u32 sizes[] = {4, 2, 1, 8};
        if (sizes[at->opcode >> 3 & 3] != to.old_size) return cause::core_other_instruction;
        u32 bits = 0;
        while (bits < 4 && sizes[bits] != to.size) ++bits;
        if (bits == 4) return cause::core_other_instruction;
        at->opcode = static_cast<u8>((at->opcode & 0xe7u) | bits << 3);
      }
      at->offset = static_cast<s16>(to.number);
      return cause::none;
    }
    case load_constant: {
      const bool is_plain = is_long && at[0].source() == 0 && at[0].offset == 0 && at[1].opcode == 0 &&
                            at[1].registers == 0 && at[1].offset == 0;
      if (!is_plain ||
          !holds(static_cast<u32>(at[0].immediate) | u64{static_cast<u32>(at[1].immediate)} << 32))
        return cause::core_other_instruction;
      at[0].immediate = static_cast<s32>(to.number);
      at[1].immediate = static_cast<s32>(to.number >> 32);
      return cause::none;
    }
    default:
      return cause::core_other_instruction;
  }
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_PATCH_HPP
