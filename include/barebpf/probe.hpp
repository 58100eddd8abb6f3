// SPDX-License-Identifier: MIT
// Room 6.10, probe: events on functions of the kernel and of programs, as perf_event_open(2) makes them for kprobes and
// uprobes.
#ifndef BAREBPF_PROBE_HPP
#define BAREBPF_PROBE_HPP

#include "abi/perf.hpp"
#include "fd.hpp"
#include "outcome.hpp"
#include "reader.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A place in code: a function, and bytes behind its beginning.
struct probe_place {
  text function{};  ///< its name, without characters when there is none
  u64 offset = 0;   ///< bytes behind its beginning
};

/// Understands "vfs_read", "vfs_read+16" and "vfs_read+0x10".
/// Shape:    without a function when `from` is none of these.
/// Lifetime: looks at `from`.
[[nodiscard]] constexpr probe_place read_probe_place(text from) noexcept {
  detail::text_reader rest(from);
  probe_place out{.function = rest.take_until('+')};
  const bool has_offset = out.function.size() < from.size();
  const bool is_read = !has_offset || (rest.take("0x") ? rest.take_number(16, 16, out.offset)
                                                       : rest.take_number(10, 19, out.offset));
  return is_read && rest.is_done() && !out.function.empty() ? out : probe_place();
}

/// The most characters that the kernel takes of the name of one of its functions.
/// Source: KSYM_NAME_LEN in include/linux/kallsyms.h at v6.12.
inline constexpr size_t function_name_room = 512;

namespace detail {

// The number behind the first `skipped` characters of a file; or negative errno.
[[nodiscard]] inline long read_number_in(const char* path, size_t skipped) noexcept {
  const long file = open_to_read(path);
  if (file < 0) return file;
  char digits[32];
  const long length = system_call(__NR_read, file, digits, sizeof digits);
  system_call(__NR_close, file);
  if (length < 0) return length;
  return leading_number(text(digits, static_cast<size_t>(length)).without_first(skipped));
}

// One of the two kinds of probes that perf_event_open(2) knows by numbers of the running kernel.
struct probe_kind {
  const char* type;
  const char* at_end;
  step find, open;
};
inline constexpr probe_kind kernel_probes{"/sys/bus/event_source/devices/kprobe/type",
                                          "/sys/bus/event_source/devices/kprobe/format/retprobe",
                                          step::find_probes, step::open_probe};
inline constexpr probe_kind user_probes{"/sys/bus/event_source/devices/uprobe/type",
                                        "/sys/bus/event_source/devices/uprobe/format/retprobe",
                                        step::find_user_probes, step::open_user_probe};

struct probe_to_open {
  const char* name = nullptr;  // a function of the kernel, or the path of a file
  u64 offset = 0;              // bytes behind it, or from the start of the file
  bool at_end = false;
  u64 semaphore = 0;  // bytes from the start of the file
  int process = -1;
};

[[nodiscard, gnu::cold]] inline fd open_probe(const probe_kind& kind, const probe_to_open& wanted,
                                              outcome& row) noexcept {
  const long type = read_number_in(kind.type, 0);
  if (row.fails(kind.find, type)) return {};
  u64 config = wanted.semaphore << 32;  // PERF_UPROBE_REF_CTR_OFFSET_SHIFT
  if (wanted.at_end) {
    const long bit = read_number_in(kind.at_end, text("config:").size());
    if (row.fails(kind.find, bit)) return {};
    config |= u64{1} << (bit & 63);
  }
  const abi::perf_event_attr_of_probe attr{.attr = {.type = static_cast<u32>(type),
                                                    .size = sizeof attr,
                                                    .config = config,
                                                    .config1 = static_cast<u64>(to_register(wanted.name))},
                                           .config2 = wanted.offset};
  // Of all processes the kernel wants to be told a CPU, and any will do: the program runs on each.
  const long opened = system_call(__NR_perf_event_open, &attr, wanted.process, wanted.process < 0 ? 0 : -1,
                                  -1, abi::perf_flag_fd_cloexec);
  if (row.fails(kind.open, move_away(opened))) return {};
  return fd::own(row.answer);
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
[[nodiscard, gnu::cold]] inline fd open_kernel_probe(text place, bool at_end, outcome& row) noexcept {
  const probe_place where = read_probe_place(place);
  const auto function = name<function_name_room>::cut(where.function);
  return detail::open_probe(detail::kernel_probes,
                            {.name = function.characters, .offset = where.offset, .at_end = at_end}, row);
}

/// Opens an event for each time that the instruction at `offset` in the file at `path` is passed, or the function that
/// begins there is left with `at_end`.
/// Shape:  of one process, or of all for -1. While it is open the kernel counts one more at `semaphore`, bytes from the
///         start of the file, in the memory of each process, if it is not 0. Closed after a failure.
/// Errors: find_user_probes with ENOENT for a kernel without uprobes; open_user_probe with ENOENT where there is no such
///         file, EINVAL where there is no instruction that it can replace, ESRCH where there is no such process.
/// Cost:   as above.
/// Kernel: 4.17; semaphores since 4.20.
/// Source: perf_event_open(2); perf_uprobe_init() in kernel/trace/trace_event_perf.c at v6.12.
[[nodiscard, gnu::cold]] inline fd open_user_probe(const char* path, u64 offset, bool at_end, u64 semaphore,
                                                   int process, outcome& row) noexcept {
  return detail::open_probe(
      detail::user_probes,
      {.name = path, .offset = offset, .at_end = at_end, .semaphore = semaphore, .process = process}, row);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROBE_HPP
