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
  text prefix{};
  abi::prog_type type = abi::prog_type::unspec;
  attach_way attach = attach_way::none;
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

/// The row for the section called `section`; where there is none, an empty one of type `unspec`.
[[nodiscard]] constexpr section_kind section_kind_of(text section) noexcept {
  for (const section_kind& kind : section_kinds)
    if (has_prefix(section, kind.prefix)) return kind;
  return {};
}
/// What follows the prefix and the slash in the name of a section, "group/event"; empty where nothing does.
[[nodiscard]] constexpr text target_of(text section) noexcept {
  const section_kind kind = section_kind_of(section);
  return kind.prefix.empty() ? text() : section.without_first(kind.prefix.size() + 1);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SECTIONS_HPP
