// SPDX-License-Identifier: MIT
// Room 6.10, probe: events on functions of the kernel, as perf_event_open(2) makes them for kprobes.
#ifndef BAREBPF_PROBE_HPP
#define BAREBPF_PROBE_HPP

#include "abi/perf.hpp"
#include "fd.hpp"
#include "outcome.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A place in the code of the kernel.
struct probe_place {
  char function[256] = {};  ///< its name, without characters when there is none
  u64 offset = 0;           ///< bytes behind its beginning
};

/// Understands "vfs_read", "vfs_read+16" and "vfs_read+0x10".
/// Shape: without a function when `from` is none of these.
[[nodiscard]] constexpr probe_place read_probe_place(text from) noexcept {
  probe_place out;
  size_t end = 0;
  while (end < from.size() && from[end] != '+') ++end;
  text digits = from.without_first(end + 1);
  const bool is_hex = digits.starts_with("0x");
  if (is_hex) digits = digits.without_first(2);
  const bool lacks_digits = end < from.size() && digits.empty();
  if (end >= sizeof out.function || lacks_digits || digits.size() > 16) return {};
  for (const char c : digits) {
    const bool is_letter = is_hex && c >= 'a' && c <= 'f';
    if (!is_letter && (c < '0' || c > '9')) return {};
    out.offset = out.offset * (is_hex ? 16 : 10) + static_cast<u64>(is_letter ? c - 'a' + 10 : c - '0');
  }
  for (size_t i = 0; i < end; ++i) out.function[i] = from[i];
  return out;
}

namespace detail {

// The number behind the first `skipped` characters of a file; or negative errno.
[[nodiscard]] inline long read_number_in(const char* path, size_t skipped) noexcept {
  const long file = open_to_read(path);
  if (file < 0) return file;
  char digits[32];
  const long length = system_call(__NR_read, file, digits, sizeof digits);
  system_call(__NR_close, file);
  if (length < 0) return length;
  long out = 0;
  for (size_t i = skipped; i < static_cast<size_t>(length) && digits[i] >= '0' && digits[i] <= '9'; ++i)
    out = out * 10 + (digits[i] - '0');
  return out;
}

}  // namespace detail

/// Opens an event for each time that a function of the kernel is entered, or left with `at_end`.
/// Shape:  `place` as `read_probe_place` takes it; of all processes and CPUs. A closed descriptor after a failure, which
///         is in `row`.
/// Errors: find_probes with ENOENT for a kernel without kprobes; open_probe with ENOENT where the kernel has no such
///         function, EINVAL where it lets none be put there, EADDRNOTAVAIL where several have this name (6.7).
/// Cost:   four system calls, seven for the end of a function.
/// Kernel: 4.17.
/// Source: perf_event_open(2); perf_kprobe_init() in kernel/trace/trace_event_perf.c at v6.12.
[[nodiscard, gnu::cold]] inline fd open_kernel_probe(const char* place, bool at_end, outcome& row) noexcept {
  const long type = detail::read_number_in("/sys/bus/event_source/devices/kprobe/type", 0);
  if (row.fails(step::find_probes, type)) return {};
  u64 config = 0;
  if (at_end) {
    const long bit = detail::read_number_in("/sys/bus/event_source/devices/kprobe/format/retprobe",
                                            text("config:").size());
    if (row.fails(step::find_probes, bit)) return {};
    config = u64{1} << (bit & 63);
  }
  const probe_place where = read_probe_place(place);
  const abi::perf_event_attr_of_probe attr{
      .attr = {.type = static_cast<u32>(type),
               .size = sizeof attr,
               .config = config,
               .config1 = static_cast<u64>(detail::to_register(where.function))},
      .config2 = where.offset};
  // Any CPU will do: the kernel runs the program wherever the function is called.
  const long opened = system_call(__NR_perf_event_open, &attr, -1, 0, -1, abi::perf_flag_fd_cloexec);
  if (row.fails(step::open_probe, move_away(opened))) return {};
  return fd::own(row.answer);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROBE_HPP
