// SPDX-License-Identifier: MIT
// Room 9.0, link: attaches programs and holds them there.
#ifndef BAREBPF_LINK_HPP
#define BAREBPF_LINK_HPP

#include "abi/perf.hpp"
#include "ids.hpp"
#include "map/pin.hpp"
#include "program.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A number that a program gets from bpf_get_attach_cookie().
/// Kernel: 5.15 on perf events and tracepoints, 5.19 for tracing, 6.10 for raw tracepoints.
struct cookie {
  u64 value = 0;
};
/// Stands for "no cookie"; no code for one is made.
struct no_cookie {
  static constexpr u64 value = 0;
};

/// A program in its place.
/// Lifetime: the program is detached when this object goes, unless a pin or another descriptor holds the link; moving
///           empties the source.
class link {
 public:
  link() noexcept = default;
  /// Keeps `connection` and, for programs on perf events, the event.
  link(fd connection, fd event) noexcept : connection_(std::move(connection)), event_(std::move(event)) {}

  /// Attaches a program to the tracepoint whose number stands in the file `path`; errors are about `subject`. The
  /// program gets a cookie, if one is given.
  /// Errors: ENOENT when the kernel has no such tracepoint; EACCES without CAP_PERFMON.
  /// Cost:   five system calls; seven more where no tracefs is mounted.
  /// Kernel: 4.7; as a link and with a cookie since 5.15, before that through the event.
  /// Source: perf_event_open(2); bpf_perf_link_attach() in kernel/bpf/syscall.c at v6.12.
  template <load_policy Policy = load_policy{}, class Cookie = no_cookie>
  [[nodiscard]] static result<link> attach_tracepoint(const fd& program, const char* path,
                                                      const char* subject, Cookie with = {}) noexcept;
  /// Attaches a program to `event`, which the link then owns.
  /// Errors: EINVAL for a program of another type; EEXIST where one is attached.
  /// Kernel: as above, 4.9 for programs of type perf_event.
  template <load_policy Policy = load_policy{}, class Cookie = no_cookie>
  [[nodiscard]] static result<link> attach_event(const fd& program, fd event, const char* subject,
                                                 Cookie with = {}) noexcept;

  /// The link that is pinned under `path`.
  /// Errors: ENOENT; not_a_link.
  /// Kernel: 5.7.
  [[nodiscard]] static result<link> get_pinned(text path) noexcept;
  /// The link that has this number.
  /// Errors: ENOENT when it is gone; EPERM without CAP_SYS_ADMIN.
  /// Kernel: 5.8.
  [[nodiscard]] static result<link> get_by_id(u32 id) noexcept {
    auto found = open_by_id(id_of::link, id);
    if (!found) return found.error();
    return link(std::move(*found), fd());
  }
  /// Pins the link, so that the program stays in its place when this object goes; `unpin` ends that.
  /// Errors: those of `pin`; EBADF where the kernel has no link, before 5.15 on perf events.
  [[nodiscard]] result<void> pin(text path) const noexcept { return barebpf::pin(connection_, path); }

  /// Puts `program` in the place of the one that is there, without a moment between the two.
  /// Errors: EINVAL for a program of another type, and for links that keep theirs: those of tracing, perf events and
  ///         raw tracepoints; ENOLINK when the place is gone.
  /// Kernel: 5.7, BPF_LINK_UPDATE.
  /// Source: link_update() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> update(const fd& program) const noexcept {
    return update_from({.link_fd = connection_.raw(), .new_prog_fd = program.raw()});
  }
  /// The same if `old` is the one that is there.
  /// Errors: EPERM when it is not.
  [[nodiscard]] result<void> update(const fd& program, const fd& old) const noexcept {
    return update_from({.link_fd = connection_.raw(),
                        .new_prog_fd = program.raw(),
                        .flags = abi::attach_flag::replace,
                        .old_prog_fd = old.raw()});
  }

  /// What the kernel says of the link: its type and id, the program's id, and the place.
  /// Kernel: 5.8.
  /// Source: bpf_link_get_info_by_fd() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<abi::link_info> info() const noexcept {
    abi::link_info out;
    abi::obj_info attr{.bpf_fd = connection_.raw(), .info_len = sizeof out, .info = &out};
    if (const long answer = sys_bpf(abi::command::obj_get_info_by_fd, attr); answer < 0)
      return failure(step::ask_about, answer);
    return out;
  }

  /// The kernel's link; none on kernels before 5.15, where the event itself holds the program.
  [[nodiscard]] const fd& descriptor() const noexcept { return connection_; }
  /// True while the program is in its place, as far as this object can tell.
  [[nodiscard]] bool is_attached() const noexcept { return connection_.is_open() || event_.is_open(); }
  /// Takes the program out of its place now, unless somebody else holds the link.
  void detach() noexcept { const link old(std::move(*this)); }
  /// Takes the program out of its place whoever else holds the link, which stays, without a place.
  /// Errors: EOPNOTSUPP for links that end with their last descriptor: those of tracing, perf events and raw
  ///         tracepoints.
  /// Kernel: 5.9, BPF_LINK_DETACH.
  [[nodiscard]] result<void> force_detach() const noexcept {
    const abi::link_detach attr{.link_fd = connection_.raw()};
    if (const long answer = sys_bpf(abi::command::link_detach, attr); answer < 0)
      return failure(step::link_detach, answer);
    return {};
  }
  /// Hands the perf event over that it owns; a closed descriptor for one without.
  [[nodiscard]] fd take_event() noexcept { return std::move(event_); }
  /// Hands the kernel's link over: the program stays until that is closed.
  [[nodiscard]] fd release() noexcept {
    event_ = fd();
    return std::move(connection_);
  }

 private:
  template <u32 OldestKernel, class Cookie>
  void to_tracepoint(const fd& program, const char* path, Cookie with, outcome& row) noexcept;
  template <u32 OldestKernel, class Cookie>
  void to_event(const fd& program, Cookie with, outcome& row) noexcept;
  [[nodiscard]] static result<void> update_from(const abi::link_update& attr) noexcept {
    if (const long answer = sys_bpf(abi::command::link_update, attr); answer < 0)
      return failure(step::link_update, answer);
    return {};
  }

  fd connection_;
  fd event_;
};

namespace detail {

inline constexpr text tracefs = "/sys/kernel/tracing/";

constexpr bool is_event_name(text word) noexcept {
  for (const char c : word)
    if (!is_kernel_name_character(c) && c != '-') return false;
  return !word.empty() && word[0] != '.';
}

// The number that perf_event_open(2) knows the tracepoint by, from the file at `path`; or negative errno.
inline long read_tracepoint_id(long folder, const char* path) noexcept {
  const long file = open_to_read(path, folder);
  if (file < 0) return file;
  char digits[16];
  const long length = system_call(__NR_read, file, digits, sizeof digits);
  system_call(__NR_close, file);
  if (length < 0) return length;
  return leading_number(text(digits, static_cast<size_t>(length)));
}

// Where no tracefs is mounted, one that only this process sees, gone with its descriptor.
inline long open_detached_tracefs() noexcept {
  const long context = system_call(nr_fsopen, "tracefs", abi::fsopen_cloexec);
  if (context < 0) return context;
  long mounted = system_call(nr_fsconfig, context, abi::fsconfig_cmd_create, nullptr, nullptr, 0);
  if (mounted >= 0) mounted = system_call(nr_fsmount, context, abi::fsmount_cloexec, 0);
  system_call(__NR_close, context);
  return mounted;
}

// What is at `below` in tracefs, opened for reading with `more` flags; where no tracefs is mounted, in one that only this
// process sees.
// Shape: its descriptor, or a negative errno in its place.
[[nodiscard, gnu::cold]] inline fd open_in_tracefs(text below, long more = 0) noexcept {
  constexpr long read_only_close_on_exec = 02000000;  // O_RDONLY | O_CLOEXEC
  name<256> path;
  size_t size = 0;
  for (const text part : {tracefs, below})
    for (const char c : part)
      if (size + 1 < sizeof path.characters) path.characters[size++] = c;
  const auto open = [&](const char* at, long folder) {
    return fd::own(move_away(system_call(__NR_openat, folder, at, read_only_close_on_exec | more)));
  };
  fd out = open(path.characters, current_folder);
  if (out.number() != -ENOENT) return out;
  const fd mounted = fd::own(open_detached_tracefs());
  return mounted.is_open() ? open(path.characters + tracefs.size(), mounted.number())
                           : fd::own(mounted.number());
}

// `path` begins with `tracefs`.
inline long find_tracepoint(const char* path, outcome& row) noexcept {
  if (!row.fails(step::find_tracepoint, read_tracepoint_id(current_folder, path)) || row.answer != -ENOENT)
    return row.answer;
  const long mounted = open_detached_tracefs();
  if (row.fails(step::mount_tracefs, mounted)) return mounted;
  row.fails(step::find_tracepoint, read_tracepoint_id(mounted, path + tracefs.size()));
  system_call(__NR_close, mounted);
  return row.answer;
}

}  // namespace detail

/// Writes the path under which tracefs tells the number of the tracepoint `target`, "group/event".
/// Shape: returns the length without NUL, and writes only if `room` is larger; 0 when `target` names none.
constexpr size_t write_tracepoint_path(text target, char* out, size_t room) noexcept {
  size_t slash = 0;
  while (slash < target.size() && target[slash] != '/') ++slash;
  if (!detail::is_event_name(text(target.data(), slash)) ||
      !detail::is_event_name(target.without_first(slash + 1)))
    return 0;
  const text parts[] = {detail::tracefs, "events/", target, "/id"};
  size_t length = 0;
  for (const text part : parts) length += part.size();
  if (length >= room) return length;
  for (const text part : parts)
    for (const char c : part) *out++ = c;
  *out = '\0';
  return length;
}

inline result<link> link::get_pinned(text path) noexcept {
  auto found = get_pin(path);
  if (!found) return found.error();
  // Of anything but a link the kernel says EINVAL before it looks for the program, which is none.
  const abi::link_update attr{.link_fd = found->raw(), .new_prog_fd = fd().raw()};
  if (sys_bpf(abi::command::link_update, attr) == -EINVAL)
    return error{.at = step::obj_get, .why = cause::not_a_link}.about(path.behind_last('/'));
  return link(std::move(*found), fd());
}

// Puts the program on the event.
template <u32 OldestKernel, class Cookie>
void link::to_event(const fd& program, Cookie with, outcome& row) noexcept {
  const abi::link_create_perf_event request{.prog_fd = program.raw(),
                                            .target_fd = event_.raw(),
                                            .attach_type = static_cast<u32>(abi::attach_type::perf_event),
                                            .bpf_cookie = with.value};
  if (!row.fails(step::link_create, move_away(sys_bpf(abi::command::link_create, request)))) {
    connection_.fill(row.answer);
    return;
  }
  if constexpr (OldestKernel < kernel(5, 15))
    if (row.answer == -EINVAL && with.value == 0)  // no perf links before 5.15
      row.fails(step::set_event_program,
                system_call(__NR_ioctl, event_.number(), abi::perf_ioc_set_bpf, program.number()));
}

// Puts the program on an event for the tracepoint in `path`. Never inlined, which costs the small counters more.
template <u32 OldestKernel, class Cookie>
[[gnu::noinline]] void link::to_tracepoint(const fd& program, const char* path, Cookie with,
                                           outcome& row) noexcept {
  const long id = detail::find_tracepoint(path, row);
  if (id < 0) return;
  const abi::perf_event_attr attr{.type = abi::perf_type_tracepoint, .config = static_cast<u64>(id)};
  // Any CPU will do: the kernel runs the program wherever the tracepoint is passed.
  const long opened = system_call(__NR_perf_event_open, &attr, -1, 0, -1, abi::perf_flag_fd_cloexec);
  if (row.fails(step::open_event, move_away(opened))) return;
  event_.fill(row.answer);
  to_event<OldestKernel>(program, with, row);
}

template <load_policy Policy, class Cookie>
result<link> link::attach_tracepoint(const fd& program, const char* path, const char* subject,
                                     Cookie with) noexcept {
  result<link> out(std::in_place);
  outcome row{.subject = subject};
  out->to_tracepoint<Policy.oldest_kernel>(program, path, with, row);
  if (row.failed()) out.fail_with([&row] { return to_error(row); });
  return out;
}

template <load_policy Policy, class Cookie>
result<link> link::attach_event(const fd& program, fd event, const char* subject, Cookie with) noexcept {
  result<link> out(std::in_place, fd(), std::move(event));
  outcome row{.subject = subject};
  out->to_event<Policy.oldest_kernel>(program, with, row);
  if (row.failed()) out.fail_with([&row] { return to_error(row); });
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LINK_HPP
