// SPDX-License-Identifier: MIT
// Room 9.9, attach/socket: programs on sockets, on maps of sockets, and on receivers of infrared light.
#ifndef BAREBPF_ATTACH_SOCKET_HPP
#define BAREBPF_ATTACH_SOCKET_HPP

#include "place.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A map of sockets, by its descriptor or as the typed map.
struct sockets_in : detail::borrowed {
  using borrowed::borrowed;
};
/// A socket, by its descriptor.
struct socket : detail::borrowed {
  using borrowed::borrowed;
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
      if (row.answer == -EINVAL) return attach_without_link(program, target.descriptor);  // before 6.10
    }
    return to_error(row);
  }

 private:
  friend struct place<attach_way::infrared>;
  [[nodiscard]] static result<attachment> attach_without_link(const program_to_attach& program,
                                                              int target) noexcept {
    outcome row{.subject = program.subject};
    const auto attach_type = static_cast<u32>(program.attach_type);
    fd there = fd::own(duplicate(target)), copy = fd::own(duplicate(program.descriptor.number()));
    const abi::prog_attach request{.target_fd = static_cast<u32>(target),
                                   .attach_bpf_fd = program.descriptor.raw(),
                                   .attach_type = attach_type};
    if (row.fails(step::prog_attach, there.number()) || row.fails(step::prog_attach, copy.number()) ||
        row.fails(step::prog_attach, sys_bpf(abi::command::prog_attach, request)))
      return to_error(row);
    attachment out;
    out.place_ = std::move(there);
    out.program_ = std::move(copy);
    out.undo_ = attachment::undo::prog_detach;
    out.what_ = attach_type;
    return out;
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

/// A device that hears the remote control, by a descriptor of /dev/lircN.
struct infrared_receiver : detail::borrowed {
  using borrowed::borrowed;
};

/// Errors: ENODEV for a descriptor of something else; EINVAL for a device that does not hear raw light; EEXIST when this
///         program is there; EPERM without CAP_NET_ADMIN.
/// Kernel: 4.18. There is no link.
/// Source: lirc_prog_attach() in drivers/media/rc/bpf-lirc.c at v6.12.
template <>
struct place<attach_way::infrared> {
  static constexpr cause wants = cause::needs_infrared_receiver;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 infrared_receiver target) noexcept {
    return place<attach_way::sockmap>::attach_without_link(program, target.descriptor);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_SOCKET_HPP
