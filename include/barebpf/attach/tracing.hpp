// SPDX-License-Identifier: MIT
// Room 9.2, attach/tracing: programs on tracepoints, on functions of the kernel that its types describe, on perf events, and
// those that list what the kernel has.
#ifndef BAREBPF_ATTACH_TRACING_HPP
#define BAREBPF_ATTACH_TRACING_HPP

#include "../holders.hpp"
#include "../pattern.hpp"
#include "place.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A perf event, which the link owns from then on. `open_perf_event` makes one.
struct perf_event {
  fd event;
  barebpf::cookie cookie{};
};

/// The map whose elements an iterator lists, by its descriptor or as the typed map: iter/bpf_map_elem, iter/sockmap,
/// iter/bpf_sk_storage_map.
struct elements_of : detail::borrowed {
  using borrowed::borrowed;
};
/// Whose tasks an iterator lists: all, those of a process, or one thread.
/// Kernel: 6.1.
struct tasks_of {
  u32 process = 0;
  u32 thread = 0;
};
/// Which cgroups an iterator lists, and in which order.
/// Kernel: 6.1.
struct cgroups_of {
  enum class order : u32 { self_only = 1, descendants_pre = 2, descendants_post = 3, ancestors_up = 4 };
  int descriptor = -1;
  order walk = order::descendants_pre;
};

/// Opens a perf event for `attach`.
/// Shape:  of a process, or all for -1; on a CPU, or any for -1.
/// Errors: those of perf_event_open(2).
[[nodiscard]] inline result<fd> open_perf_event(const abi::perf_event_attr& attr, int process,
                                                int cpu) noexcept {
  const long opened =
      move_away(system_call(__NR_perf_event_open, &attr, process, cpu, -1, abi::perf_flag_fd_cloexec));
  if (opened < 0) return failure(step::open_event, opened);
  return fd::own(opened);
}

namespace detail {

// The error of a tracepoint that is not there, `path` as `write_tracepoint_path` made it, with the one most like it.
[[nodiscard, gnu::cold]] inline error with_nearest_tracepoint(const error& why, const char* path) noexcept {
  if (why.at != step::find_tracepoint || why.code != ENOENT) return why;
  // "/sys/kernel/tracing/events/group/event/id"
  text_reader rest(text(path).without_first(tracefs.size() + text("events/").size()));
  const text group = rest.take_until('/'), event = rest.take_until('/');
  const fd root = open_in_tracefs("events");
  const auto group_name = name<128>::cut(group);
  const fd folder =
      fd::own(root.is_open() ? open_to_read(group_name.characters, root.number()) : root.number());
  const text wanted = folder.is_open() ? event : group;
  nearest_name nearest(wanted);
  folder_names all(folder.is_open() ? folder : root);
  for (text name; all.next(name) > 0;) nearest.see(name);
  return why.about_like(wanted, nearest.found());
}

}  // namespace detail

template <>
struct place<attach_way::tracepoint> : place_by_name<attach_way::tracepoint> {
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program) noexcept {
    return link::attach_tracepoint<Policy>(program.descriptor, program.place, program.subject);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::cookie with) noexcept {
    return link::attach_tracepoint<Policy>(program.descriptor, program.place, program.subject, with);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           const named_place& where) noexcept {
    return place_by_name::attach<Policy>(program, where);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> to(const program_to_attach& program, const named_place& how) noexcept {
    auto out =
        link::attach_tracepoint<Policy>(program.descriptor, program.place, program.subject, how.cookie);
    if (!out) return detail::with_nearest_tracepoint(out.error(), program.place);
    return out;
  }
  static constexpr size_t write(text name, char* out, size_t room) noexcept {
    return write_tracepoint_path(name, out, room);
  }
};

/// Errors: ENOENT when the kernel has no such tracepoint; EINVAL when the program reads more arguments than it has.
/// Kernel: 4.17, BPF_RAW_TRACEPOINT_OPEN.
/// Source: bpf_raw_tp_link_attach() in kernel/bpf/syscall.c at v6.12.
template <>
struct place<attach_way::raw_tracepoint> : place_by_name<attach_way::raw_tracepoint> {
  template <load_policy Policy>
  [[nodiscard]] static result<link> to(const program_to_attach& program, const named_place& how) noexcept {
    outcome row{.subject = program.subject};
    const abi::raw_tracepoint request{
        .name = program.place, .prog_fd = program.descriptor.raw(), .cookie = how.cookie.value};
    if (row.fails(step::raw_tracepoint_open, move_away(sys_bpf(abi::command::raw_tracepoint_open, request))))
      return to_error(row);
    return link(fd::own(row.answer), fd());
  }
};

/// Where to is in the program since it was loaded, so no name is given. Of programs in SEC("freplace/...") it is the
/// program that they were loaded for.
/// Errors: EBUSY when more than 38 programs are attached to the function.
/// Kernel: 5.5; as any other link, which a cookie needs, since 5.19.
/// Source: bpf_tracing_prog_attach() in kernel/bpf/syscall.c at v6.12.
template <>
struct place<attach_way::tracing> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::cookie with = {}) noexcept {
    if (with.value != 0)
      return detail::create_link<attach_way::tracing>(
          program, abi::link_create_tracing{.prog_fd = program.descriptor.raw(),
                                            .attach_type = static_cast<u32>(program.attach_type),
                                            .cookie = with.value});
    return place<attach_way::raw_tracepoint>::attach<Policy>(
        {program.descriptor, program.subject, nullptr, program.attach_type});
  }
};

/// Kernel: 5.8.
/// Source: bpf_iter_link_attach() in kernel/bpf/bpf_iter.c at v6.12.
template <>
struct place<attach_way::iterator> {
  static constexpr cause wants = cause::lists_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program) noexcept {
    return create(program, nullptr, 0);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, elements_of map) noexcept {
    return with(program, abi::iter_map{.map_fd = static_cast<u32>(map.descriptor)});
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, tasks_of whom) noexcept {
    return with(program, abi::iter_task{.tid = whom.thread, .pid = whom.process});
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, cgroups_of which) noexcept {
    return with(program, abi::iter_cgroup{.order = static_cast<u32>(which.walk),
                                          .cgroup_fd = static_cast<u32>(which.descriptor)});
  }

 private:
  template <class Info>
  [[nodiscard]] static result<link> with(const program_to_attach& program, const Info& info) noexcept {
    return create(program, &info, sizeof info);
  }
  [[nodiscard]] static result<link> create(const program_to_attach& program, const void* info,
                                           u32 size) noexcept {
    return detail::create_link<attach_way::iterator>(
        program, abi::link_create_iter{.prog_fd = program.descriptor.raw(),
                                       .attach_type = static_cast<u32>(program.attach_type),
                                       .iter_info = info,
                                       .iter_info_len = size});
  }
};

template <>
struct place<attach_way::perf_event> {
  static constexpr cause wants = cause::needs_perf_event;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::perf_event target) noexcept {
    return link::attach_event<Policy>(program.descriptor, std::move(target.event), program.subject,
                                      target.cookie);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_TRACING_HPP
