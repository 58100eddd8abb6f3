// SPDX-License-Identifier: MIT
// Room 5.4, core: CO-RE by the library itself. It fits the instructions of a program to a kernel whose types are at
// hand: its own, or those of another machine.
#ifndef BAREBPF_CORE_HPP
#define BAREBPF_CORE_HPP

#include "core/candidates.hpp"
#include "core/patch.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What relocating a program came to.
struct core_outcome {
  cause fault = cause::none;  ///< why it cannot be done
  u32 relocation = 0;         ///< index of the one that is at fault
  u32 poisoned = 0;           ///< how many instructions need what the kernel does not have
};

/// What a relocation is worth to a kernel, of whose types `ids` may be meant. Those that are not are left out of `ids`
/// and `count`, unless none is; so later relocations of the same type know better, as with libbpf.
[[nodiscard]] constexpr core_value decide(core_sides& sides, const abi::core_relo& relocation, u32* ids,
                                          u32& count) noexcept {
  const auto kind = static_cast<abi::core_kind>(relocation.kind);
  core_spec wanted, found, chosen;
  if (!sides.read(relocation, wanted)) return {.fault = cause::bad_core};
  if (kind == abi::core_kind::type_id_local) return sides.value_of(kind, wanted, nullptr);
  if (sides.local().image().read8(sides.local().type(relocation.type_id).name) == 0)
    return {.fault = cause::core_without_name};
  core_value out;
  u32 kept = 0;
  for (u32 i = 0; i < count; ++i) {
    const core_fit fit = sides.find(kind, wanted, ids[i], found);
    if (fit == core_fit::endless) return {.fault = cause::core_endless};
    if (fit == core_fit::no) continue;
    const core_value value = sides.value_of(kind, wanted, &found);
    if (value.fault != cause::none) return value;
    if (kept == 0) {
      out = value;
      chosen.bit = found.bit;
    } else if (found.bit != chosen.bit || value.number != out.number || value.is_missing != out.is_missing) {
      return {.fault = cause::core_ambiguous};
    }
    ids[kept++] = ids[i];
  }
  if (kept == 0) return sides.value_of(kind, wanted, nullptr);
  count = kept;
  return out;
}

/// Fits the `size` instructions at `code` to the kernel, as `count` relocations say.
/// Errors: in the outcome, with the first relocation that cannot be done; those before it are done.
[[nodiscard]] inline core_outcome relocate(core_sides& sides, core_candidates& candidates,
                                           const abi::core_relo* relocations, u32 count, abi::insn* code,
                                           u32 size) noexcept {
  core_outcome out;
  for (u32 i = 0; i < count; ++i) {
    const u32 at = relocations[i].insn_off / static_cast<u32>(sizeof(abi::insn));
    out.relocation = i;
    if (at >= size) {
      out.fault = cause::bad_core;
      return out;
    }
    core_root& root = candidates.root_of(relocations[i].type_id);
    const core_value value = decide(sides, relocations[i], candidates.ids_of(root), root.count);
    out.fault = value.fault != cause::none ? value.fault : patch_instruction(code + at, size - at - 1, value);
    if (out.fault != cause::none) return out;
    out.poisoned += code[at].opcode == abi::opcode_call && code[at].immediate == core_poison;
  }
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_HPP
