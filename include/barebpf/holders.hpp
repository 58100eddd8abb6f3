// SPDX-License-Identifier: MIT
// Room 8.4, holders: which process holds which map, program, link or types, by the descriptors that it has open.
#ifndef BAREBPF_HOLDERS_HPP
#define BAREBPF_HOLDERS_HPP

#include "ids.hpp"
#include "reader.hpp"
#include "writer.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A descriptor of a process that is open to something of BPF.
struct holder {
  u32 process = 0;
  u32 descriptor = 0;
  id_of kind = id_of::map;
  u32 id = 0;  ///< of the map, program, link or types
};

namespace detail {

// The names in an open folder, one for each call.
class folder_names {
 public:
  explicit folder_names(const fd& folder) noexcept : folder_(folder.number()) {}
  // Shape: 1 when there was one, 0 behind the last, or negative errno; `name` is there until the next call.
  [[nodiscard]] long next(text& name) noexcept {
    if (at_ >= end_) {
      const long got = system_call(__NR_getdents64, folder_, entries_, sizeof entries_);
      if (got <= 0) return got;
      at_ = 0;
      end_ = static_cast<size_t>(got);
    }
    constexpr size_t length_at = 16, name_at = 19;  // struct linux_dirent64
    u16 length;
    __builtin_memcpy(&length, entries_ + at_ + length_at, sizeof length);
    name = text(entries_ + at_ + name_at);
    at_ += length;
    return 1;
  }
  // The same of names that are numbers.
  [[nodiscard]] long next(u32& number) noexcept {
    text name;
    for (long more; (more = next(name)) != 0;) {
      text_reader in(name);
      if (more < 0 || (in.take_number(10, 10, number) && in.is_done())) return more;
    }
    return 0;
  }

 private:
  int folder_;
  size_t at_ = 0, end_ = 0;
  alignas(8) char entries_[2048];
};

// What /proc says of a descriptor: "prog_id:\t12" and its siblings.
[[nodiscard]] constexpr bool read_holder_line(text line, holder& out) noexcept {
  constexpr struct {
    text key;
    id_of kind;
  } rows[] = {{"link_id:\t", id_of::link},
              {"map_id:\t", id_of::map},
              {"prog_id:\t", id_of::program},
              {"btf_id:\t", id_of::btf}};
  for (const auto& row : rows) {
    text_reader in(line);
    if (!in.take(row.key)) continue;
    out.kind = row.kind;
    return in.take_number(10, 10, out.id);
  }
  return false;
}

}  // namespace detail

/// Calls `visit` with each descriptor of each process that is open to something of BPF; it goes on as long as that
/// gives true. Processes that may not be looked at are passed over.
/// Shape:  what is opened or closed meanwhile is seen or not. A link counts as a link, and not as its program.
/// Errors: list_processes with errno where /proc cannot be read.
/// Cost:   three system calls for each descriptor of each process.
/// Source: bpf_map_show_fdinfo(), bpf_prog_show_fdinfo(), bpf_link_show_fdinfo() in kernel/bpf/syscall.c at v6.12.
template <class Visit>
[[nodiscard]] result<void> each_holder(Visit&& visit) noexcept {
  const fd processes = fd::own(move_away(open_to_read("/proc")));
  if (!processes.is_open()) return failure(step::list_processes, processes.number());
  detail::folder_names all(processes);
  holder seen;
  for (long more; (more = all.next(seen.process)) != 0;) {
    if (more < 0) return failure(step::list_processes, more);
    char path[64];
    const auto write = [&](text below) {
      detail::text_writer out(path, sizeof path);
      static_cast<void>((out << u64{seen.process} << below).finish());
      return static_cast<const char*>(path);
    };
    const fd descriptors = fd::own(move_away(open_to_read(write("/fdinfo"), processes.number())));
    if (!descriptors.is_open()) continue;
    detail::folder_names of_process(descriptors);
    while (of_process.next(seen.descriptor) > 0) {
      char name[16], content[2048];
      static_cast<void>((detail::text_writer(name, sizeof name) << u64{seen.descriptor}).finish());
      const fd file = fd::own(open_to_read(name, descriptors.number()));
      if (!file.is_open()) continue;
      const long size = system_call(__NR_read, file.number(), content, sizeof content);
      if (size <= 0) continue;
      for (detail::text_reader lines(text(content, static_cast<size_t>(size))); !lines.is_done();)
        if (detail::read_holder_line(lines.take_until('\n'), seen)) {
          if (!visit(seen)) return {};
          break;
        }
    }
  }
  return {};
}

/// The program on a perf event that a process has open, and where the event is.
struct event_program {
  enum class kind : u32 { raw_tracepoint, tracepoint, kprobe, kretprobe, uprobe, uretprobe };

  u32 program = 0;  ///< its id
  kind event{};
  u64 offset = 0;     ///< behind the function or, for uprobes, from the start of the file, in bytes
  u64 address = 0;    ///< of a kprobe, where the kernel shows addresses
  name<256> place{};  ///< the tracepoint, the function or the path; cut if longer
};
/// Asks for it: older kernels have no links for such events, and no number that tells the program from outside.
/// Errors: ENOENT for a process that is gone; EBADF for a descriptor that it has not open; ENOTSUPP for one of something
///         else; EPERM without CAP_SYS_ADMIN.
/// Kernel: 4.18, BPF_TASK_FD_QUERY.
/// Source: bpf_task_fd_query() in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] inline result<event_program> query_event(u32 process, u32 descriptor) noexcept {
  event_program out;
  abi::task_fd_query attr{
      .pid = process, .fd = descriptor, .buf_len = sizeof out.place.characters, .buf = out.place.characters};
  const long answer = sys_bpf(abi::command::task_fd_query, attr);
  if (answer < 0 && answer != -ENOSPC) return failure(step::query_event, answer);
  out.program = attr.prog_id;
  out.event = static_cast<event_program::kind>(attr.fd_type);
  out.offset = attr.probe_offset;
  out.address = attr.probe_addr;
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_HOLDERS_HPP
