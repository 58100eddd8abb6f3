// SPDX-License-Identifier: MIT
// Room 9.7, attach/network: programs on interfaces, in the packet filter and on network namespaces.
#ifndef BAREBPF_ATTACH_NETWORK_HPP
#define BAREBPF_ATTACH_NETWORK_HPP

#include "../pattern.hpp"
#include "place.hpp"

namespace barebpf::inline BAREBPF_ABI {

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

/// A network namespace, by a descriptor of /proc/PID/ns/net or of a file that it is mounted on.
struct netns : detail::borrowed {
  using borrowed::borrowed;
};
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

// The error of an interface that is not there, with the one of this network namespace that is most like it.
[[nodiscard, gnu::cold, gnu::noinline]] inline error with_nearest_interface(const error& why,
                                                                            text wanted) noexcept {
  constexpr u32 get_name = 0x8910;  // SIOCGIFNAME
  constexpr s32 last_asked = 4096;
  nearest_name nearest(wanted);
  interface_request request;
  for (request.index = 1; why.code == ENODEV && request.index <= last_asked; ++request.index)
    if (ask_about_interface(get_name, request) >= 0)
      nearest.see(text::until_nul(request.name, sizeof request.name));
  return why.about_like(wanted, nearest.found());
}

}  // namespace detail

inline result<interface> interface::named(text wanted) noexcept {
  constexpr u32 get_index = 0x8933;  // SIOCGIFINDEX
  detail::interface_request request;
  const bool fits = wanted.size() < sizeof request.name;
  for (size_t i = 0; fits && i < wanted.size(); ++i) request.name[i] = wanted[i];
  const long answer = fits ? detail::ask_about_interface(get_index, request) : -ENAMETOOLONG;
  if (answer < 0) return detail::with_nearest_interface(failure(step::find_interface, answer), wanted);
  return interface { static_cast<u32>(request.index) };
}

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
  [[nodiscard]] static cause why_refused(const abi::link_create& request, long answer) noexcept {
    constexpr u32 get_name = 0x8910;  // SIOCGIFNAME
    detail::interface_request look{.index = static_cast<s32>(request.target_fd)};
    const bool is_gone = answer == -EINVAL && detail::ask_about_interface(get_name, look) == -ENODEV;
    return is_gone ? cause::no_interface : cause::none;
  }
};

/// One end of a pair of netkit interfaces: the first, which hosts see, or its peer. The target is the first one.
/// Errors: EINVAL for an interface of another kind; EACCES for a peer that is not in this network namespace;
///         newer_attach_way; as above.
/// Kernel: 6.7.
/// Source: netkit_link_attach() in drivers/net/netkit.c at v6.12.
template <>
struct place<attach_way::netkit> {
  static constexpr cause wants = cause::needs_interface;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, interface target,
                                           position where = {}) noexcept {
    return detail::create_ordered_link<attach_way::netkit>(program, target.index, where);
  }
};

/// A hook of the packet filter in the network namespace of this process.
/// Source: NFPROTO_IPV4 and NF_INET_PRE_ROUTING and their siblings in include/uapi/linux/netfilter.h at v6.12.
struct netfilter_hook {
  enum class family : u8 { ipv4 = 2, ipv6 = 10 };
  enum class point : u8 { pre_routing, local_in, forward, local_out, post_routing };

  family packets = family::ipv4;
  point at = point::local_in;
  s32 priority = 0;         ///< lower ones come first; no two may have the same, and neither end of the range
  bool defragment = false;  ///< put fragments together first
};

/// Errors: EBUSY where another program has this priority; ERANGE for the first and the last one, which are the kernel's;
///         EAFNOSUPPORT; newer_attach_way.
/// Kernel: 6.4; to put fragments together 6.6.
/// Source: bpf_nf_link_attach() in net/netfilter/nf_bpf_link.c at v6.12.
template <>
struct place<attach_way::netfilter> {
  static constexpr cause wants = cause::needs_netfilter_hook;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program,
                                           const netfilter_hook& target) noexcept {
    return detail::create_link<attach_way::netfilter>(
        program, abi::link_create_netfilter{.prog_fd = program.descriptor.raw(),
                                            .attach_type = static_cast<u32>(program.attach_type),
                                            .pf = static_cast<u32>(target.packets),
                                            .hooknum = static_cast<u32>(target.at),
                                            .priority = target.priority,
                                            .netfilter_flags = target.defragment ? 1u : 0u});
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

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_NETWORK_HPP
