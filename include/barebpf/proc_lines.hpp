// SPDX-License-Identifier: MIT
// Room 2.6, proc_lines: a line of /proc/kallsyms and one of /proc/PID/maps, as the kernel writes them.
#ifndef BAREBPF_PROC_LINES_HPP
#define BAREBPF_PROC_LINES_HPP

#include "reader.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A line of /proc/kallsyms: "ffffffff81000000 T _text", with "\t[module]" behind it if it is a module's.
/// Lifetime: looks at the line that was read.
/// Source:   s_show() in kernel/kallsyms.c at v6.12.
struct kallsyms_line {
  u64 address = 0;  ///< 0 where the kernel hides it
  char type = ' ';  ///< as nm(1) has it
  text symbol{};
  text module{};  ///< "bpf" for programs that were compiled to machine code

  /// True for functions and other places that code may be at.
  [[nodiscard]] constexpr bool is_code() const noexcept {
    // What begins with a dollar marks code and data inside the functions of arm64's modules.
    return (type == 't' || type == 'T' || type == 'w' || type == 'W') && !symbol.starts_with("$");
  }
};

/// Reads a line without its end into `out`; false when it is none.
[[nodiscard]] constexpr bool read_kallsyms_line(text line, kallsyms_line& out) noexcept {
  detail::text_reader in(line);
  if (!in.take_number(16, 16, out.address) || !in.take(" ") || in.is_done()) return false;
  out.type = in.rest()[0];
  if (!in.take(text(&out.type, 1)) || !in.take(" ")) return false;
  out.symbol = in.take_until('\t');
  out.module = {};
  if (in.take("[")) out.module = in.take_until(']');
  return !out.symbol.empty() && in.is_done();
}

/// A line of /proc/PID/maps: "7f5231677000-7f52317cd000 r-xp 00026000 fe:00 332835      /usr/lib/libc.so.6".
/// Lifetime: looks at the line that was read.
/// Source:   show_map_vma() in fs/proc/task_mmu.c at v6.12; proc_pid_maps(5).
struct maps_line {
  u64 first = 0;   ///< address of the first byte
  u64 end = 0;     ///< address behind the last byte
  u64 offset = 0;  ///< of the first byte in the file
  bool is_executable = false;
  text path{};  ///< empty where no file is mapped, "[vdso]" for the kernel's own
};

/// Reads a line without its end into `out`; false when it is none.
[[nodiscard]] constexpr bool read_maps_line(text line, maps_line& out) noexcept {
  detail::text_reader in(line);
  if (!in.take_number(16, 16, out.first) || !in.take("-")) return false;
  if (!in.take_number(16, 16, out.end) || !in.take(" ") || out.end <= out.first) return false;
  const text rights = in.take_until(' ');
  if (rights.size() != 4) return false;
  out.is_executable = rights[2] == 'x';
  if (!in.take_number(16, 16, out.offset) || !in.take(" ")) return false;
  const text device = in.take_until(' '), inode = in.take_until(' ');
  if (device.empty() || inode.empty()) return false;
  while (in.take(" ")) {
  }
  out.path = in.rest();
  return true;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROC_LINES_HPP
