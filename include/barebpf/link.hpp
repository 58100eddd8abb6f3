// SPDX-License-Identifier: MIT
// Room 9.0, link: attaches programs and holds them there.
#ifndef BAREBPF_LINK_HPP
#define BAREBPF_LINK_HPP

#include "abi/perf.hpp"
#include "program.hpp"
#include "sections.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A program in its place.
/// Lifetime: the program is detached when this object goes; moving empties the source.
class link {
 public:
  link() noexcept = default;
  /// Keeps `connection` and, for programs on perf events, the event.
  link(barebpf::fd connection, barebpf::fd event) noexcept
      : link_(std::move(connection)), event_(std::move(event)) {}

  /// The kernel's link; none on kernels before 5.15, where the event itself holds the program.
  [[nodiscard]] const barebpf::fd& fd() const noexcept { return link_; }
  /// True while the program is in its place.
  [[nodiscard]] bool is_attached() const noexcept { return link_.is_open() || event_.is_open(); }
  /// Takes the program out of its place now.
  void detach() noexcept { *this = link(); }

  link(link&&) noexcept = default;
  link& operator=(link&& other) noexcept {
    const link old(std::move(*this));
    link_ = std::move(other.link_);
    event_ = std::move(other.event_);
    return *this;
  }

 private:
  barebpf::fd link_;
  barebpf::fd event_;
};

namespace detail {

inline constexpr text tracefs = "/sys/kernel/tracing/";

constexpr bool is_event_name(text word) noexcept {
  for (const char c : word)
    if (!is_kernel_name_character(c) && c != '-') return false;
  return !word.empty() && word[0] != '.';
}

// The number that perf_event_open(2) knows the tracepoint by, from the file at `path`, which begins with
// `tracefs`.
inline result<u32> read_tracepoint_id(int folder, const char* path) noexcept {
  constexpr long read_only_close_on_exec = 02000000;  // O_RDONLY | O_CLOEXEC
  auto file =
      fd::opened(step::find_tracepoint, system_call(__NR_openat, folder, path, read_only_close_on_exec));
  if (!file) return file.error();
  char digits[16];
  const long length = system_call(__NR_read, file->number(), digits, sizeof digits);
  if (length < 0) return failure(step::find_tracepoint, length);
  u32 id = 0;
  for (long i = 0; i < length && digits[i] >= '0' && digits[i] <= '9'; ++i)
    id = id * 10 + static_cast<u32>(digits[i] - '0');
  return id;
}

// Where no tracefs is mounted, one that only this process sees, gone with its descriptor.
inline result<fd> open_detached_tracefs() noexcept {
  auto context = fd::opened(step::mount_tracefs, system_call(nr_fsopen, "tracefs", abi::fsopen_cloexec));
  if (!context) return context.error();
  const long made = system_call(nr_fsconfig, context->number(), abi::fsconfig_cmd_create, 0, 0, 0);
  if (made < 0) return failure(step::mount_tracefs, made);
  return fd::opened(step::mount_tracefs, system_call(nr_fsmount, context->number(), abi::fsmount_cloexec, 0));
}

inline result<u32> find_tracepoint(const char* path) noexcept {
  constexpr int current_folder = -100;  // AT_FDCWD
  const auto id = read_tracepoint_id(current_folder, path);
  if (id || id.error().code != ENOENT) return id;
  const auto mounted = open_detached_tracefs();
  if (!mounted) return mounted.error();
  return read_tracepoint_id(mounted->number(), path + tracefs.size());
}

template <u32 OldestKernel>
result<link> attach_to_event(const fd& program, u32 tracepoint) noexcept {
  abi::perf_event_attr attr{.type = abi::perf_type_tracepoint, .config = tracepoint};
  // Any CPU will do: the kernel runs the program wherever the tracepoint is passed.
  auto event = fd::opened(step::open_event,
                          system_call(__NR_perf_event_open, &attr, -1, 0, -1, abi::perf_flag_fd_cloexec));
  if (!event) return event.error();
  const abi::link_create_perf_event request{.prog_fd = program.raw(),
                                            .target_fd = event->raw(),
                                            .attach_type = static_cast<u32>(abi::attach_type::perf_event)};
  const long answer = sys_bpf(abi::command::link_create, request);
  if constexpr (OldestKernel < kernel(5, 15)) {
    if (answer == -EINVAL) {  // no perf links before 5.15
      const long set = system_call(__NR_ioctl, event->number(), abi::perf_ioc_set_bpf, program.number());
      if (set < 0) return failure(step::set_event_program, set);
      return link(fd(), std::move(*event));
    }
  }
  auto connection = fd::opened(step::link_create, answer);
  if (!connection) return connection.error();
  return link(std::move(*connection), std::move(*event));
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

/// Attaches a program to the tracepoint whose number stands in the file `path`.
/// Errors: ENOENT when the kernel has no such tracepoint; EACCES without CAP_PERFMON.
/// Cost:   five system calls; three more where no tracefs is mounted, and their closing.
/// Kernel: 4.7; as a link since 5.15, before that through the event.
/// Source: perf_event_open(2); bpf_perf_link_attach() in kernel/bpf/syscall.c at v6.12.
template <load_policy Policy = load_policy{}>
[[nodiscard]] result<link> attach_tracepoint(const fd& program, const char* path) noexcept {
  const auto id = detail::find_tracepoint(path);
  if (!id) return id.error();
  return detail::attach_to_event<Policy.oldest_kernel>(program, *id);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LINK_HPP
