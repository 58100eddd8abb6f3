// SPDX-License-Identifier: MIT
// Room 9.1, attach: the ways to attach a program, one `place` for each `attach_way`, and what each of them wants to be
// given. Whoever knows a program's section finds its place in the table of room 2.1 and calls it.
#ifndef BAREBPF_ATTACH_HPP
#define BAREBPF_ATTACH_HPP

#include "link.hpp"
#include "probe.hpp"
#include "running_kernel.hpp"
#include "sections.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A perf event, which the link owns from then on. `open_perf_event` makes one.
struct perf_event {
  fd event;
  barebpf::cookie cookie{};
};

/// A network interface of this process's network namespace.
struct interface {
  u32 index = 0;

  /// The interface called `wanted`.
  /// Errors: ENODEV when there is none; ENAMETOOLONG.
  /// Source: netdevice(7), SIOCGIFINDEX.
  [[nodiscard]] static result<interface> named(text wanted) noexcept;
};

/// How an XDP program gets its packets. XDP_FLAGS_SKB_MODE and its siblings.
enum class xdp_mode : u32 {
  any = 0,       ///< by the driver if it can, otherwise in the network stack
  skb = 1 << 1,  ///< in the network stack, which works on every interface
  drv = 1 << 2,  ///< by the driver
  hw = 1 << 3,   ///< on the device
};

/// Where among the programs of one place a new one goes.
/// Lifetime: a link that is named must stay until the program is attached.
/// Kernel:   6.6 for tcx, 6.16 for cgroups; at the end before that.
/// Source:   bpf_mprog_attach() in kernel/bpf/mprog.c at v6.12.
struct position {
  u32 flags = 0;
  u32 relative_fd = 0;
  u64 revision = 0;  ///< when it is not 0, ESTALE if the programs have changed since they had this revision

  [[nodiscard]] static constexpr position first() noexcept { return {.flags = abi::attach_flag::before}; }
  [[nodiscard]] static constexpr position last() noexcept { return {.flags = abi::attach_flag::after}; }
  [[nodiscard]] static position before(const link& other) noexcept {
    return {.flags = abi::attach_flag::before | abi::attach_flag::link,
            .relative_fd = other.descriptor().raw()};
  }
  [[nodiscard]] static position after(const link& other) noexcept {
    return {.flags = abi::attach_flag::after | abi::attach_flag::link,
            .relative_fd = other.descriptor().raw()};
  }
};

namespace detail {

// A descriptor of the caller's, as a number, an `fd` or something that has one.
struct borrowed {
  int descriptor = -1;

  constexpr borrowed() noexcept = default;
  constexpr explicit borrowed(int number) noexcept : descriptor(number) {}
  explicit borrowed(const fd& owner) noexcept : descriptor(owner.number()) {}
  template <class Owner>
  requires requires(const Owner& owner) { owner.descriptor().number(); }
  explicit borrowed(const Owner& owner) noexcept : descriptor(owner.descriptor().number()) {}
};

}  // namespace detail

/// A cgroup of the unified hierarchy, by a descriptor of its folder, such as `open_to_read` gives.
struct cgroup : detail::borrowed {
  using borrowed::borrowed;
};
/// A network namespace, by a descriptor of /proc/PID/ns/net or of a file that it is mounted on.
struct netns : detail::borrowed {
  using borrowed::borrowed;
};
/// A map of sockets, by its descriptor or as the typed map.
struct sockets_in : detail::borrowed {
  using borrowed::borrowed;
};
/// A socket, by its descriptor.
struct socket : detail::borrowed {
  using borrowed::borrowed;
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

/// A program in a place that the kernel may have no link for.
/// Lifetime: the program is taken out when this object goes, which keeps the socket or the map open until then; moving
///           empties the source.
class attachment {
 public:
  attachment() noexcept = default;
  attachment(attachment&& other) noexcept
      : place_(std::move(other.place_)),
        program_(std::move(other.program_)),
        undo_(other.undo_),
        what_(other.what_) {}
  attachment& operator=(attachment&& other) noexcept {
    attachment taken(std::move(other));
    std::swap(place_, taken.place_);
    std::swap(program_, taken.program_);
    std::swap(undo_, taken.undo_);
    std::swap(what_, taken.what_);
    return *this;
  }
  ~attachment() { detach(); }

  /// True while the program is in its place, as far as this object can tell.
  [[nodiscard]] bool is_attached() const noexcept { return place_.is_open(); }
  /// True when the kernel has a link for it.
  [[nodiscard]] bool is_link() const noexcept { return is_attached() && undo_ == undo::close; }
  /// Takes the program out of its place now. From a socket this takes whatever filter it has by now.
  void detach() noexcept {
    if (!place_.is_open()) return;
    if (undo_ == undo::socket_option) {
      const int nothing = 0;
      system_call(__NR_setsockopt, place_.number(), sol_socket, what_, &nothing, sizeof nothing);
    } else if (undo_ == undo::map_delete) {
      const u32 key = 0;
      const abi::map_key attr{.map_fd = place_.raw(), .key = &key};
      sys_bpf(abi::command::map_delete_elem, attr);
    } else if (undo_ == undo::prog_detach) {
      const abi::prog_attach attr{
          .target_fd = place_.raw(), .attach_bpf_fd = program_.raw(), .attach_type = what_};
      sys_bpf(abi::command::prog_detach, attr);
    }
    place_ = fd();
    program_ = fd();
  }
  /// Hands the kernel's link over, for what only links can, such as being pinned; one that is not attached where there
  /// is none.
  [[nodiscard]] link to_link() noexcept { return is_link() ? link(std::move(place_), fd()) : link(); }
  /// Lets go of the place and leaves the program there, for as long as the socket or the map lives; and what a
  /// struct_ops without a link registered until its map is found by its id and emptied. A link goes.
  void leave() noexcept {
    place_ = fd();
    program_ = fd();
  }

 private:
  template <attach_way>
  friend struct place;
  enum class undo : u8 { close, prog_detach, socket_option, map_delete };
  static constexpr int sol_socket = 1;  // SOL_SOCKET

  fd place_;  // the link, the map or the socket
  fd program_;
  undo undo_ = undo::close;
  u32 what_ = 0;  // attach type or socket option
};

/// A program that is to be attached, with what its section says.
struct program_to_attach {
  const fd& descriptor;
  const char* subject;  ///< its name, which errors are about
  const char* place;    ///< as `write_place` made it
  abi::attach_type attach_type;
};

/// Writes what `program_to_attach::place` has to be for `target`, the text behind the prefix of the section.
/// Shape: returns the length without NUL, and writes only if `room` is larger; 0 when `target` names no place.
constexpr size_t write_place(attach_way way, text target, char* out, size_t room) noexcept {
  if (way == attach_way::tracepoint) return write_tracepoint_path(target, out, room);
  const bool is_probe = way == attach_way::kprobe || way == attach_way::kretprobe;
  if (is_probe && read_probe_place(target).function[0] == '\0') return 0;
  if (target.size() >= room) return target.size();
  for (const char c : target) *out++ = c;
  *out = '\0';
  return target.size();
}
/// True when a program cannot be attached in this way unless its section names the place.
[[nodiscard]] constexpr bool needs_place(attach_way way) noexcept {
  return way == attach_way::tracepoint || way == attach_way::raw_tracepoint || way == attach_way::kprobe ||
         way == attach_way::kretprobe;
}

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

// What ioctl(2) on sockets takes for interfaces: struct ifreq.
struct interface_request {
  char name[16] = {};
  s32 index = 0;
  char unused[20] = {};
};
inline long ask_about_interface(u32 question, interface_request& request) noexcept {
  constexpr int unix_domain = 1, datagram_close_on_exec = 2 | 02000000;  // AF_UNIX; SOCK_DGRAM | SOCK_CLOEXEC
  const fd any = fd::own(system_call(__NR_socket, unix_domain, datagram_close_on_exec, 0));
  return any.is_open() ? system_call(__NR_ioctl, any.number(), question, &request) : any.number();
}

// Why a link was refused, as far as a second look tells.
[[nodiscard, gnu::cold, gnu::noinline]] inline cause why_not_attached(attach_way way, u32 target,
                                                                      long answer) noexcept {
  constexpr int f_getfd = 1;  // F_GETFD
  const u32 running = way == attach_way::tcx && answer == -EINVAL ? running_kernel() : 0;
  if (running != 0 && running < kernel(6, 6)) return cause::newer_attach_way;
  if (way == attach_way::xdp && answer == -EINVAL) {
    constexpr u32 get_name = 0x8910;  // SIOCGIFNAME
    interface_request request{.index = static_cast<s32>(target)};
    return ask_about_interface(get_name, request) == -ENODEV ? cause::no_interface : cause::none;
  }
  if (way == attach_way::cgroup && answer == -EBADF && system_call(__NR_fcntl, target, f_getfd) >= 0)
    return cause::not_a_cgroup;
  return cause::none;
}

template <attach_way Way, class Request>
[[nodiscard]] result<link> create_link(const program_to_attach& program, const Request& request) noexcept {
  outcome row{.subject = program.subject};
  if (row.fails(step::link_create, move_away(sys_bpf(abi::command::link_create, request)))) {
    row.why = why_not_attached(Way, request.target_fd, row.answer);
    return to_error(row);
  }
  return link(fd::own(row.answer), fd());
}

}  // namespace detail

inline result<interface> interface::named(text wanted) noexcept {
  constexpr u32 get_index = 0x8933;  // SIOCGIFINDEX
  detail::interface_request request;
  const bool fits = wanted.size() < sizeof request.name;
  for (size_t i = 0; fits && i < wanted.size(); ++i) request.name[i] = wanted[i];
  const long answer = fits ? detail::ask_about_interface(get_index, request) : -ENAMETOOLONG;
  if (answer < 0) return failure(step::find_interface, answer).about(wanted);
  return interface { static_cast<u32>(request.index) };
}

/// How programs are attached in one way: `attach<Policy>(program, what they are given...)`, and the cause that says
/// what they want to be given.
template <attach_way Way>
struct place;

template <>
struct place<attach_way::none> {
  static constexpr cause wants = cause::not_attachable;
};
template <>
struct place<attach_way::elsewhere> {
  static constexpr cause wants = cause::attached_elsewhere;
};

template <attach_way Way>
requires(Way > last_attached_way) struct place<Way> {
  static constexpr cause wants = cause::not_attached_yet;
};

template <>
struct place<attach_way::tracepoint> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program) noexcept {
    return link::attach_tracepoint<Policy>(program.descriptor, program.place, program.subject);
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::cookie with) noexcept {
    return link::attach_tracepoint<Policy>(program.descriptor, program.place, program.subject, with);
  }
};

/// Errors: ENOENT when the kernel has no such tracepoint; EINVAL when the program reads more arguments than it has.
/// Kernel: 4.17, BPF_RAW_TRACEPOINT_OPEN.
/// Source: bpf_raw_tp_link_attach() in kernel/bpf/syscall.c at v6.12.
template <>
struct place<attach_way::raw_tracepoint> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::cookie with = {}) noexcept {
    outcome row{.subject = program.subject};
    const abi::raw_tracepoint request{
        .name = program.place, .prog_fd = program.descriptor.raw(), .cookie = with.value};
    if (row.fails(step::raw_tracepoint_open, move_away(sys_bpf(abi::command::raw_tracepoint_open, request))))
      return to_error(row);
    return link(fd::own(row.answer), fd());
  }
};

/// Errors: those of `open_kernel_probe`; EINVAL with a cookie where the kernel has none.
/// Kernel: 4.17; as a link and with a cookie since 5.15, before that through the event.
/// Source: perf_event_open(2); perf_event_set_bpf_prog() in kernel/events/core.c at v6.12.
template <>
struct place<attach_way::kprobe> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::cookie with = {}) noexcept {
    return to_probe<Policy>(program, false, with);
  }

 protected:
  template <load_policy Policy>
  [[nodiscard]] static result<link> to_probe(const program_to_attach& program, bool at_end,
                                             barebpf::cookie with) noexcept {
    outcome row{.subject = program.subject};
    fd event = open_kernel_probe(program.place, at_end, row);
    if (row.failed()) return to_error(row);
    return link::attach_event<Policy>(program.descriptor, std::move(event), program.subject, with);
  }
};
template <>
struct place<attach_way::kretprobe> : private place<attach_way::kprobe> {
  static constexpr cause wants = cause::takes_no_target;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           barebpf::cookie with = {}) noexcept {
    return to_probe<Policy>(program, true, with);
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

/// Errors: no_interface; EBUSY or EEXIST where another program is; EOPNOTSUPP when the driver cannot do what `mode`
///         asks for.
/// Kernel: 5.9.
/// Source: bpf_xdp_link_attach() in net/core/dev.c at v6.12.
template <>
struct place<attach_way::xdp> {
  static constexpr cause wants = cause::needs_interface;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, interface target,
                                           xdp_mode mode = xdp_mode::any) noexcept {
    return detail::create_link<attach_way::xdp>(
        program, abi::link_create{.prog_fd = program.descriptor.raw(),
                                  .target_fd = target.index,
                                  .attach_type = static_cast<u32>(program.attach_type),
                                  .flags = static_cast<u32>(mode)});
  }
};

namespace detail {

// Places with an order.
template <attach_way Way>
[[nodiscard]] result<link> create_ordered_link(const program_to_attach& program, u32 target,
                                               const position& where) noexcept {
  return create_link<Way>(program,
                          abi::link_create_ordered{.prog_fd = program.descriptor.raw(),
                                                   .target_fd = target,
                                                   .attach_type = static_cast<u32>(program.attach_type),
                                                   .flags = where.flags,
                                                   .relative_fd = where.relative_fd,
                                                   .expected_revision = where.revision});
}

}  // namespace detail

/// Errors: ENODEV for an interface that is gone; newer_attach_way; EEXIST when this program is there; ERANGE when 64
///         are.
/// Kernel: 6.6.
/// Source: tcx_link_attach() in kernel/bpf/tcx.c at v6.12.
template <>
struct place<attach_way::tcx> {
  static constexpr cause wants = cause::needs_interface;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, interface target,
                                           position where = {}) noexcept {
    return detail::create_ordered_link<attach_way::tcx>(program, target.index, where);
  }
};

/// Errors: not_a_cgroup; EPERM where a program above admits no others.
/// Kernel: 5.7.
/// Source: cgroup_bpf_link_attach() in kernel/bpf/cgroup.c at v6.12.
template <>
struct place<attach_way::cgroup> {
  static constexpr cause wants = cause::needs_cgroup;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::cgroup target,
                                           position where = {}) noexcept {
    return detail::create_ordered_link<attach_way::cgroup>(program, static_cast<u32>(target.descriptor),
                                                           where);
  }
};

/// Errors: EINVAL when the descriptor is of no network namespace; EEXIST where a flow dissector is; E2BIG when 64
///         programs look up sockets.
/// Cost:   two system calls more when no namespace is given.
/// Kernel: 5.8 for flow dissectors, 5.9 for sk_lookup.
/// Source: netns_bpf_link_create() in kernel/bpf/net_namespace.c at v6.12.
template <>
struct place<attach_way::netns> {
  static constexpr cause wants = cause::needs_netns;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program) noexcept {
    constexpr const char* own = "/proc/thread-self/ns/net";
    const fd opened = fd::own(move_away(open_to_read(own)));
    if (!opened.is_open()) return failure(step::open_file, opened.number()).about(own);
    return attach<Policy>(program, barebpf::netns(opened));
  }
  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::netns target) noexcept {
    return detail::create_link<attach_way::netns>(
        program, abi::link_create{.prog_fd = program.descriptor.raw(),
                                  .target_fd = static_cast<u32>(target.descriptor),
                                  .attach_type = static_cast<u32>(program.attach_type)});
  }
};

/// Errors: EOPNOTSUPP when the map is of another type; EBUSY where a link holds another program or a stream verdict
///         meets a verdict.
/// Kernel: 4.14; as a link since 6.10.
/// Source: sock_map_link_create() and sock_map_get_from_fd() in net/core/sock_map.c at v6.12.
template <>
struct place<attach_way::sockmap> {
  static constexpr cause wants = cause::needs_sockmap;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 sockets_in target) noexcept {
    const auto target_fd = static_cast<u32>(target.descriptor);
    const auto attach_type = static_cast<u32>(program.attach_type);
    outcome row{.subject = program.subject};
    attachment out;
    const abi::link_create link_request{
        .prog_fd = program.descriptor.raw(), .target_fd = target_fd, .attach_type = attach_type};
    if (!row.fails(step::link_create, move_away(sys_bpf(abi::command::link_create, link_request)))) {
      out.place_.fill(row.answer);
      return out;
    }
    if constexpr (Policy.oldest_kernel < kernel(6, 10)) {
      if (row.answer == -EINVAL) {  // no such links before 6.10
        fd map = fd::own(duplicate(target.descriptor)),
           copy = fd::own(duplicate(program.descriptor.number()));
        const abi::prog_attach request{
            .target_fd = target_fd, .attach_bpf_fd = program.descriptor.raw(), .attach_type = attach_type};
        if (!row.fails(step::prog_attach, map.number()) && !row.fails(step::prog_attach, copy.number()) &&
            !row.fails(step::prog_attach, sys_bpf(abi::command::prog_attach, request))) {
          out.place_ = std::move(map);
          out.program_ = std::move(copy);
          out.undo_ = attachment::undo::prog_detach;
          out.what_ = attach_type;
          return out;
        }
      }
    }
    return to_error(row);
  }
};

/// Errors: ENOTSOCK; EPERM for a socket whose filter is locked.
/// Kernel: 3.19, SO_ATTACH_BPF. There is no link.
/// Source: socket(7); sk_attach_bpf() in net/core/filter.c at v6.12.
template <>
struct place<attach_way::socket> {
  static constexpr cause wants = cause::needs_socket;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 barebpf::socket target) noexcept {
    constexpr u32 so_attach_bpf = 50, so_detach_bpf = 27;  // SO_ATTACH_BPF, SO_DETACH_BPF
    return set(program, target, so_attach_bpf, so_detach_bpf);
  }

 protected:
  [[nodiscard]] static result<attachment> set(const program_to_attach& program, barebpf::socket target,
                                              u32 option, u32 undo) noexcept {
    outcome row{.subject = program.subject};
    attachment out;
    if (row.fails(step::attach_to_socket, duplicate(target.descriptor))) return to_error(row);
    fd copy = fd::own(row.answer);
    const int number = program.descriptor.number();
    if (row.fails(step::attach_to_socket,
                  system_call(__NR_setsockopt, target.descriptor, attachment::sol_socket, option, &number,
                              sizeof number)))
      return to_error(row);
    out.place_ = std::move(copy);
    out.undo_ = attachment::undo::socket_option;
    out.what_ = undo;
    return out;
  }
};

/// Errors: EINVAL for a socket that shares no port.
/// Kernel: 4.19, SO_ATTACH_REUSEPORT_EBPF; taken out again since 5.3. There is no link.
/// Source: reuseport_attach_prog() in net/core/sock_reuseport.c at v6.12.
template <>
struct place<attach_way::reuseport> : private place<attach_way::socket> {
  static constexpr cause wants = cause::needs_socket;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 barebpf::socket target) noexcept {
    constexpr u32 so_attach_reuseport_ebpf = 52, so_detach_reuseport_bpf = 68;
    return set(program, target, so_attach_reuseport_ebpf, so_detach_reuseport_bpf);
  }
};

/// Functions that the kernel calls through a struct: the struct is attached, as one map, and no program by itself.
/// Errors: EEXIST where something of its name is registered; EINVAL when the kernel wants more functions than there are;
///         EBUSY for one without a link that was attached before.
/// Kernel: 5.6; as a link since 6.4.
/// Source: bpf_struct_ops_map_update_elem() and bpf_struct_ops_link_create() in kernel/bpf/bpf_struct_ops.c at v6.12.
template <>
struct place<attach_way::struct_ops> {
  static constexpr cause wants = cause::part_of_operations;

  /// Hands `value` over, which has the kernel's form, and registers it, with a link where the map has the flag for it.
  [[nodiscard]] static result<attachment> attach_map(const fd& map, const void* value,
                                                     bool is_linked) noexcept {
    constexpr step at = step::register_operations;
    outcome row;
    attachment out;
    if (!is_linked) {
      // First the descriptor by which it is emptied again.
      fd copy = fd::own(duplicate(map.number()));
      if (row.fails(at, copy.number()) || !fill(map, value, false, row)) return to_error(row);
      out.place_ = std::move(copy);
      out.undo_ = attachment::undo::map_delete;
      return out;
    }
    if (!fill(map, value, true, row)) return to_error(row);
    const abi::link_create request{.prog_fd = map.raw(),
                                   .attach_type = static_cast<u32>(abi::attach_type::struct_ops)};
    if (row.fails(at, move_away(sys_bpf(abi::command::link_create, request)))) return to_error(row);
    out.place_.fill(row.answer);
    return out;
  }
  /// Puts the struct of `map` in the place of the one that is there, without a moment between the two.
  /// Errors: EINVAL when it is of another kind or name.
  /// Kernel: 6.4.
  [[nodiscard]] static result<void> update(const attachment& attached, const fd& map,
                                           const void* value) noexcept {
    outcome row;
    const abi::link_update request{.link_fd = attached.place_.raw(), .new_prog_fd = map.raw()};
    if (fill(map, value, true, row) &&
        !row.fails(step::register_operations, sys_bpf(abi::command::link_update, request)))
      return {};
    return to_error(row);
  }

 private:
  // One that is for links keeps its value when a link goes, and is full from then on.
  static bool fill(const fd& map, const void* value, bool is_linked, outcome& row) noexcept {
    const u32 key = 0;
    const abi::map_elem attr{.map_fd = map.raw(), .key = &key, .value = value};
    const bool failed = row.fails(step::register_operations, sys_bpf(abi::command::map_update_elem, attr));
    return !failed || (is_linked && row.answer == -EBUSY);
  }
};

/// True when programs that are attached in this way take what `Target` are.
template <attach_way Way, class... Target>
concept attaches_to = requires(const program_to_attach& program, Target&&... target) {
  place<Way>::template attach<load_policy{}>(program, std::forward<Target>(target)...);
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_HPP
