// SPDX-License-Identifier: MIT
// Room 3.7, older_btf: types in the words of an older kernel. One that meets a kind of type that it does not know refuses
// them all, and with them every map and program that cannot do without.
#ifndef BAREBPF_OLDER_BTF_HPP
#define BAREBPF_OLDER_BTF_HPP

#include "btf.hpp"
#include "kinds.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What stands for types of a kind in kernels before `since`, or for those of them alone that are flagged.
/// Source: the functions that end in _check_meta() in kernel/bpf/btf.c at v5.10 to v6.15.
struct older_kind {
  abi::btf_kind kind;
  bool flagged = false;
  u32 since = 0;
  abi::btf_kind stand_in;
};
/// The latest first. A tag says nothing about bytes, so const will do, or a byte that is used nowhere; an enum keeps its
/// size and of its values the lower half, without a sign; a float is as many bytes without a meaning.
inline constexpr older_kind older_kinds[] = {
    {abi::btf_kind::type_tag, true, kernel(6, 15), abi::btf_kind::const_type},
    {abi::btf_kind::declaration_tag, true, kernel(6, 15), abi::btf_kind::integer},
    {abi::btf_kind::enumeration64, false, kernel(6, 0), abi::btf_kind::enumeration},
    {abi::btf_kind::enumeration, true, kernel(6, 0), abi::btf_kind::enumeration},
    {abi::btf_kind::type_tag, false, kernel(5, 17), abi::btf_kind::const_type},
    {abi::btf_kind::declaration_tag, false, kernel(5, 16), abi::btf_kind::integer},
    {abi::btf_kind::floating, false, kernel(5, 13), abi::btf_kind::structure},
};

/// What stands for `type` in kernels before `since`; the type's own kind, with `since` 0, when they know it.
[[nodiscard]] constexpr older_kind older_kind_of(const btf& types, const btf_type& type, u32 since) noexcept {
  for (const older_kind& row : older_kinds)
    if (row.kind == type.kind && row.since >= since && (!row.flagged || types.is_flagged(type))) return row;
  return {.kind = type.kind, .stand_in = type.kind};
}
/// Writes `types`, which barebpf wrote, as kernels before `since` take them: each keeps its id, and each string its
/// place.
/// Shape: bytes written to `out`, which has room for the old ones; 0 when nothing in them came with `since`.
[[nodiscard, gnu::cold]] inline u32 write_older_btf(const btf& types, u32 since, u32* out) noexcept {
  const bytes& image = types.image();
  constexpr u32 head = abi::btf_header::size / 4, flag = u32{1} << 31;
  for (u32 i = 0; i < head; ++i) out[i] = image.read32(u64{i} * 4);
  u32* next = out + head;
  bool is_older = false;
  for (btf_type type = types.first(); type.id != 0; type = types.after(type)) {
    const older_kind as = older_kind_of(types, type, since);
    is_older = is_older || as.since == since;
    const bool is_kept = as.since == 0, is_byte = !is_kept && as.stand_in == abi::btf_kind::integer;
    const bool is_named = is_kept || as.stand_in == abi::btf_kind::enumeration;
    *next++ = is_named ? static_cast<u32>(type.name - types.strings()) : 0;
    *next++ = static_cast<u32>(as.stand_in) << 24 | (is_named ? type.members : 0) |
              (is_kept && types.is_flagged(type) ? flag : 0);
    *next++ = is_byte ? 1 : type.size_or_type;
    const u64 tail = (btf::extent_of(type) - abi::btf_type_record::size) / 4;
    for (u64 i = 0; i < tail; ++i)
      if (is_kept || as.kind != abi::btf_kind::enumeration64 || i % 3 != 2)  // no higher half
        *next++ = is_byte ? 8 : image.read32(type.tail() + i * 4);
  }
  const auto words = static_cast<u32>(next - out);
  out[3] = out[4] = (words - head) * 4;
  image.copy(types.strings(), types.strings_size(), reinterpret_cast<u8*>(next));
  return is_older ? words * 4 + types.strings_size() : 0;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OLDER_BTF_HPP
