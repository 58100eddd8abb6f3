// SPDX-License-Identifier: MIT
// Room 2.0, kinds: the table of map types. One row says what the kernel allows on a type; the typed maps,
// the loader and the tests read it here and nowhere else.
#ifndef BAREBPF_KINDS_HPP
#define BAREBPF_KINDS_HPP

#include "abi/bpf.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A kernel version as a number that can be compared: `kernel(5, 15) < kernel(6, 1)`.
[[nodiscard]] constexpr u32 kernel(u32 version, u32 patchlevel) noexcept {
  return version << 16 | patchlevel << 8;
}

/// Operations of bpf(2) on the elements of a map, as bits.
enum operation : u32 {
  can_lookup = 1u << 0,
  can_update = 1u << 1,
  can_delete = 1u << 2,
  can_get_next_key = 1u << 3,
};

/// What the kernel allows on one map type.
struct map_kind {
  map_type type = map_type::unspec;
  text type_name{};             ///< the kernel's word for it
  u32 first_kernel = 0;         ///< as `kernel()` gives it
  u32 operations = 0;           ///< bits of `operation`
  bool hashes_the_key = false;  ///< keys are compared as raw bytes, so they must hold no padding
};

/// One row per type that has a typed form. Sources: kernel/bpf/syscall.c and the `map_ops` of each type at
/// v6.12; executed by tests/kernel on the running kernel.
inline constexpr map_kind map_kinds[] = {
    {map_type::hash, "hash", kernel(3, 19), can_lookup | can_update | can_delete | can_get_next_key, true},
};

/// The row of `type`; where it has none yet, an empty one of type `unspec`.
[[nodiscard]] constexpr map_kind kind_of(map_type type) noexcept {
  for (const map_kind& kind : map_kinds)
    if (kind.type == type) return kind;
  return {};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KINDS_HPP
