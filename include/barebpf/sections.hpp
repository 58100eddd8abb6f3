// SPDX-License-Identifier: MIT
// Room 2.1, sections: the table of section names. The name that SEC() gives a program tells its type and
// where it attaches.
#ifndef BAREBPF_SECTIONS_HPP
#define BAREBPF_SECTIONS_HPP

#include "abi/bpf.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// How a program of a section is attached.
enum class attach_way : u8 {
  none,
  tracepoint,  ///< "group/event" follows the prefix
};

/// What a section name that begins with `prefix` and a slash, or is `prefix`, says of its programs.
struct section_kind {
  text prefix;
  abi::prog_type type;
  attach_way attach;
};

/// One row per prefix, by libbpf's names.
inline constexpr section_kind section_kinds[] = {
    {"tracepoint", abi::prog_type::tracepoint, attach_way::tracepoint},
    {"tp", abi::prog_type::tracepoint, attach_way::tracepoint},
};

/// True when `section` is `prefix` or begins with it and a slash.
[[nodiscard]] constexpr bool has_prefix(text section, text prefix) noexcept {
  return section.starts_with(prefix) && (section.size() == prefix.size() || section[prefix.size()] == '/');
}

/// The row for the section called `section`, or nullptr.
[[nodiscard]] constexpr const section_kind* find_section_kind(text section) noexcept {
  for (const section_kind& kind : section_kinds)
    if (has_prefix(section, kind.prefix)) return &kind;
  return nullptr;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SECTIONS_HPP
