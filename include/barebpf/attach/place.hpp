// SPDX-License-Identifier: MIT
// Room 9.1, attach/place: what it is to be attached: one `place` for each `attach_way`, in the rooms that follow, and
// what owns the program there.
#ifndef BAREBPF_ATTACH_PLACE_HPP
#define BAREBPF_ATTACH_PLACE_HPP

#include "../link.hpp"
#include "../netlink.hpp"
#include "../running_kernel.hpp"
#include "../sections.hpp"

namespace barebpf::inline BAREBPF_ABI {

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

/// A program in a place that the kernel may have no link for, or that takes several.
/// Lifetime: the program is taken out when this object goes, which keeps the socket or the map open until then; moving
///           empties the source.
class attachment {
 public:
  attachment() noexcept = default;
  /// Keeps one link.
  [[nodiscard]] static attachment of(link one) noexcept {
    attachment out;
    out.event_ = one.take_event();
    out.place_ = one.release();
    return out;
  }
  /// Keeps several, such as those of one trace point that a program passes at several places.
  [[nodiscard]] static attachment of(buffer<link> several) noexcept {
    attachment out;
    out.links_ = std::move(several);
    return out;
  }
  /// Keeps what goes by the request `take_out` through `socket`, which keeps the network namespace. Without memory for that
  /// the request is sent at once.
  [[nodiscard]] static result<attachment> of(fd socket, detail::netlink_request take_out) noexcept {
    auto request = buffer<detail::netlink_request>::of(1);
    if (!request) {
      static_cast<void>(take_out.send(socket));
      return request.error();
    }
    (*request)[0] = take_out;
    attachment out;
    out.place_ = std::move(socket);
    out.request_ = std::move(*request);
    out.undo_ = undo::request;
    return out;
  }
  attachment(attachment&& other) noexcept
      : place_(std::move(other.place_)),
        event_(std::move(other.event_)),
        program_(std::move(other.program_)),
        links_(std::move(other.links_)),
        request_(std::move(other.request_)),
        undo_(other.undo_),
        what_(other.what_) {}
  attachment& operator=(attachment&& other) noexcept {
    attachment taken(std::move(other));
    std::swap(place_, taken.place_);
    std::swap(event_, taken.event_);
    std::swap(program_, taken.program_);
    std::swap(links_, taken.links_);
    std::swap(request_, taken.request_);
    std::swap(undo_, taken.undo_);
    std::swap(what_, taken.what_);
    return *this;
  }
  ~attachment() { detach(); }

  /// True while the program is in its place, as far as this object can tell.
  [[nodiscard]] bool is_attached() const noexcept {
    return place_.is_open() || event_.is_open() || links_.size() != 0;
  }
  /// True when the kernel has one link for it.
  [[nodiscard]] bool is_link() const noexcept { return place_.is_open() && undo_ == undo::close; }
  /// How many links hold it: 0, 1, or the number of its places.
  [[nodiscard]] size_t link_count() const noexcept { return is_link() ? 1 : links_.size(); }
  /// Takes the program out of its place now. From a socket this takes whatever filter it has by now.
  void detach() noexcept {
    if (!place_.is_open()) return leave();
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
    } else if (undo_ == undo::request) {
      static_cast<void>(request_[0].send(place_));
    }
    leave();
  }
  /// Hands the kernel's link over, for what only links can, such as being pinned; one that is not attached where there
  /// is none.
  [[nodiscard]] link to_link() noexcept {
    return is_link() ? link(std::move(place_), std::move(event_)) : link();
  }
  /// Lets go of the place and leaves the program there, for as long as the socket, the map, the interface or the route
  /// lives; and what a struct_ops without a link registered until its map is found by its id and emptied. A link goes.
  void leave() noexcept {
    place_ = fd();
    event_ = fd();
    program_ = fd();
    request_ = buffer<detail::netlink_request>();
    links_ = buffer<link>();
  }

 private:
  template <attach_way>
  friend struct place;
  enum class undo : u8 { close, prog_detach, socket_option, map_delete, request };
  static constexpr int sol_socket = 1;  // SOL_SOCKET

  fd place_;  // the link, the map or the socket
  fd event_;  // of a link on a perf event, which before 5.15 is all there is
  fd program_;
  buffer<link> links_;
  buffer<detail::netlink_request> request_;  // what takes it out, sent through the socket
  undo undo_ = undo::close;
  u32 what_ = 0;  // attach type or socket option
};

/// Where among the programs of one place a new one goes.
/// Lifetime: a link that is named must stay until the program is attached.
/// Kernel:   6.6 for tcx, 6.17 for cgroups and in late releases of 6.12; before that
///           at the end, and a revision alone is not looked at.
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

/// A program that is to be attached, with what its section says.
struct program_to_attach {
  const fd& descriptor;
  const char* subject;  ///< its name, which errors are about
  const char* place;    ///< as `write_place` made it
  abi::attach_type attach_type;
  abi::prog_type type{};
  u32 since = 0;                   ///< the first kernel that attaches such programs
  const fd* usdt_specs = nullptr;  ///< the map `__bpf_usdt_specs` of its object, where it has one
  u32 usdt_spec_size = 0;          ///< bytes of that map's values
};

/// A place by its name, in the words that else stand behind the prefix of the section: "sched/sched_switch" for a
/// tracepoint, "vfs_read+16" for a kprobe, "/usr/lib/libc.so.6:malloc" for a uprobe. Kernels and files have their own
/// names for places, and this is for those that only the running program knows.
struct named_place {
  text name{};
  barebpf::cookie cookie{};
  int process = -1;  ///< for uprobes and USDT: in this process alone; 0 for the caller's, -1 for all
};

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

/// What those ways have in common whose programs are attached to a place that has a name. Such a `place` has a function
/// `to<Policy>`, which takes the program, with the name in its `place`, and a `named_place` with all else.
template <attach_way Way, class Attached = link>
struct place_by_name {
  static constexpr cause wants = cause::takes_named_place;
  static constexpr bool needs_name = true;

  template <load_policy Policy>
  [[nodiscard]] static result<Attached> attach(const program_to_attach& program) noexcept {
    return place<Way>::template to<Policy>(program, named_place{});
  }
  template <load_policy Policy>
  [[nodiscard]] static result<Attached> attach(const program_to_attach& program,
                                               barebpf::cookie with) noexcept {
    return place<Way>::template to<Policy>(program, named_place{.cookie = with});
  }
  template <load_policy Policy>
  [[nodiscard, gnu::noinline]] static result<Attached> attach(const program_to_attach& program,
                                                              const named_place& where) noexcept {
    char name[name_room];
    const size_t length = place<Way>::write(where.name, name, sizeof name);
    if (length == 0 || length >= sizeof name)
      return error{.at = step::find, .why = cause::bad_place}.about(where.name);
    program_to_attach there = program;
    there.place = name;
    return place<Way>::template to<Policy>(there, where);
  }
  /// Writes the name as `program_to_attach::place` has it.
  /// Shape: returns the length without NUL, and writes only if `room` is larger; 0 when it is none.
  static constexpr size_t write(text name, char* out, size_t room) noexcept {
    if (name.size() >= room) return name.size();
    for (const char c : name) *out++ = c;
    *out = '\0';
    return name.size();
  }
  static constexpr size_t name_room = 4608;  ///< for a path and a function
};

namespace detail {

// True for what says where a program goes whose section may leave that open.
template <class Target>
inline constexpr bool names_place = std::is_same_v<Target, named_place>;

template <attach_way Way, class Request>
[[nodiscard]] result<link> create_link(const program_to_attach& program, const Request& request) noexcept {
  outcome row{.subject = program.subject};
  if (row.fails(step::link_create, move_away(sys_bpf(abi::command::link_create, request)))) {
    const bool may_be_older = row.answer == -EINVAL || row.answer == -EOPNOTSUPP;
    if (const u32 running = may_be_older && program.since != 0 ? running_kernel() : 0;
        running < program.since)
      row.why = running == 0 ? cause::none : cause::newer_attach_way;
    else if constexpr (requires { place<Way>::why_refused(request, row.answer); })
      row.why = place<Way>::why_refused(request, row.answer);
    return to_error(row);
  }
  return link(fd::own(row.answer), fd());
}

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
}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_PLACE_HPP
