// SPDX-License-Identifier: MIT
// Room 9.11, attach/traffic: programs on the traffic of an interface, as links (tcx) or in the older way (tc), and on
// routes.
#ifndef BAREBPF_ATTACH_TRAFFIC_HPP
#define BAREBPF_ATTACH_TRAFFIC_HPP

#include "../prefix.hpp"
#include "network.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A filter of tc on an interface, at its qdisc `clsact`, which is made where there is none, and left.
/// Kernel: 4.5. Since 6.6 there is tcx, which has links and an order.
/// Source: tc-bpf(8); cls_bpf_change() in net/sched/cls_bpf.c at v6.12.
struct traffic_filter {
  enum class direction : u32 { ingress = 0xfffffff2, egress = 0xfffffff3 };

  u32 interface = 0;  ///< its index
  direction way = direction::ingress;
  u16 priority = 0;  ///< lower ones come first; 0 lets the kernel choose
};

/// Packets to a network that a program sees on their way, by a route of their own.
/// Kernel: 4.10; seg6local 4.18.
/// Source: ip-route(8); net/core/lwt_bpf.c and net/ipv6/seg6_local.c at v6.12.
struct route_to {
  text network{};         ///< "10.1.0.0/16", "fd00::/8"
  u32 interface = 0;      ///< index of the one that they leave by
  u32 table = 254;        ///< of routes; 254 is the main one
  bool is_local = false;  ///< to this machine, which lwt_in sees as they come in; in table 255 then
  u32 headroom = 0;       ///< bytes that lwt_xmit may put in front, at most 256
};

namespace detail {

// Bodies of requests, and the numbers in them.
// Source: struct tcmsg and rtmsg in include/uapi/linux/rtnetlink.h; pkt_sched.h, pkt_cls.h, lwtunnel.h and seg6_local.h
// beside it, at v6.12.
struct tc_message {
  u8 family = 0, padding[3] = {};
  s32 interface = 0;
  u32 handle = 0, parent = 0, info = 0;
};
struct route_message {
  u8 family = 0, length = 0, source_length = 0, tos = 0, table = 0, protocol = 3, scope = 253, type = 1;
  u32 flags = 0;
};
struct netlink_type {
  static constexpr u16 new_route = 24, delete_route = 25, new_qdisc = 36, new_filter = 44, delete_filter = 45;
};

}  // namespace detail

/// Programs of SEC("tc") and SEC("classifier").
/// Errors: attach_by_request with ENODEV for an interface that is gone, ENOENT for a kernel without cls_bpf, EEXIST where a
///         filter has this priority and another kind.
template <>
struct place<attach_way::traffic> {
  static constexpr cause wants = cause::needs_traffic_filter;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 const traffic_filter& target) noexcept {
    using detail::netlink_request;
    using detail::netlink_type;
    outcome row{.subject = program.subject};
    fd socket = netlink_request::open_socket();
    if (row.fails(step::attach_by_request, socket.number())) return to_error(row);
    constexpr u32 clsact = 0xfffffff1, its_handle = 0xffff0000;
    detail::tc_message where{
        .interface = static_cast<s32>(target.interface), .handle = its_handle, .parent = clsact};
    netlink_request qdisc(netlink_type::new_qdisc, netlink_request::create | netlink_request::excl, where);
    constexpr u16 kind = 1, options = 2, descriptor = 6, name = 7,
                  flags = 8;  // TCA_KIND, TCA_BPF_FD and so on
    qdisc.add_text(kind, "clsact");
    const long made = qdisc.send(socket);
    if (made != -EEXIST && row.fails(step::attach_by_request, made)) return to_error(row);

    constexpr u32 all_protocols =
        host_is_big_endian ? 0x0003 : 0x0300;  // ETH_P_ALL, as it goes over the wire
    where = {.interface = static_cast<s32>(target.interface),
             .parent = static_cast<u32>(target.way),
             .info = u32{target.priority} << 16 | all_protocols};
    netlink_request filter(netlink_type::new_filter,
                           netlink_request::create | netlink_request::excl | netlink_request::echo, where);
    filter.add_text(kind, "bpf");
    const size_t inner = filter.begin(options);
    filter.add(descriptor, program.descriptor.raw());
    filter.add_text(name, program.subject);
    filter.add(flags, u32{1});  // TCA_BPF_FLAG_ACT_DIRECT: what it returns is what becomes of the packet
    filter.end(inner);
    if (row.fails(step::attach_by_request, filter.send(socket, where))) return to_error(row);
    // The kernel said by which number and priority it goes.
    netlink_request undo(netlink_type::delete_filter, 0, where);
    undo.add_text(kind, "bpf");
    return attachment::of(std::move(socket), undo);
  }
};

/// In the order that is asked for; or, with a `traffic_filter`, as a filter of tc, which older kernels have as well.
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
  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 const traffic_filter& target) noexcept {
    return place<attach_way::traffic>::attach<Policy>(program, target);
  }
};

/// Programs of SEC("lwt_in"), SEC("lwt_out"), SEC("lwt_xmit") and SEC("lwt_seg6local").
/// Errors: bad_address and its siblings for a network that is none; attach_by_request with EEXIST where there is such a
///         route, ENODEV for an interface that is gone, EOPNOTSUPP for a kernel without CONFIG_LWTUNNEL_BPF.
template <>
struct place<attach_way::route> {
  static constexpr cause wants = cause::needs_route;

  template <load_policy Policy>
  [[nodiscard]] static result<attachment> attach(const program_to_attach& program,
                                                 const route_to& target) noexcept {
    u8 address[16];
    detail::route_message where{.table = 254};
    if (target.is_local) where.scope = 254, where.type = 2;  // RT_SCOPE_HOST, RTN_LOCAL
    size_t size = 4;
    if (const auto four = read_ipv4_prefix(target.network); four) {
      where.family = 2;  // AF_INET
      where.length = static_cast<u8>(four->prefixlen);
      __builtin_memcpy(address, four->data, 4);
    } else if (const auto six = read_ipv6_prefix(target.network); six) {
      where.family = 10;  // AF_INET6
      where.length = static_cast<u8>(six->prefixlen);
      __builtin_memcpy(address, six->data, size = 16);
    } else {
      return four.error();
    }
    using detail::netlink_request;
    using detail::netlink_type;
    outcome row{.subject = program.subject};
    fd socket = netlink_request::open_socket();
    if (row.fails(step::attach_by_request, socket.number())) return to_error(row);
    netlink_request route(netlink_type::new_route, netlink_request::create | netlink_request::excl, where);
    const auto address_it = [&](netlink_request& to) {
      constexpr u16 destination = 1, leaves_by = 4, table = 15;  // RTA_DST, RTA_OIF, RTA_TABLE
      to.add(destination, address, size);
      to.add(leaves_by, target.interface);
      to.add(table, target.is_local ? u32{255} : target.table);
    };
    address_it(route);
    constexpr u16 tunnel = 22, tunnel_type = 21, nested = 0x8000;  // RTA_ENCAP, RTA_ENCAP_TYPE, NLA_F_NESTED
    const bool is_seg6 = program.type == abi::prog_type::lwt_seg6local;
    const size_t outer = route.begin(tunnel | nested);
    // SEG6_LOCAL_BPF, or LWT_BPF_IN and its siblings
    const u16 kind = is_seg6                                   ? u16{8}
                     : program.type == abi::prog_type::lwt_in  ? u16{1}
                     : program.type == abi::prog_type::lwt_out ? u16{2}
                                                               : u16{3};
    constexpr u16 action = 1, headroom = 4;   // SEG6_LOCAL_ACTION, LWT_BPF_XMIT_HEADROOM
    if (is_seg6) route.add(action, u32{15});  // SEG6_LOCAL_ACTION_END_BPF
    const size_t inner = route.begin(kind | nested);
    route.add(1, program.descriptor.raw());  // LWT_BPF_PROG_FD, SEG6_LOCAL_BPF_PROG
    route.add_text(2, program.subject);
    route.end(inner);
    if (target.headroom != 0) route.add(headroom, target.headroom);
    route.end(outer);
    route.add(tunnel_type,
              static_cast<u16>(is_seg6 ? 7 : 6));  // LWTUNNEL_ENCAP_SEG6_LOCAL, LWTUNNEL_ENCAP_BPF
    if (row.fails(step::attach_by_request, route.send(socket))) return to_error(row);
    netlink_request undo(netlink_type::delete_route, 0, where);
    address_it(undo);
    return attachment::of(std::move(socket), undo);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_TRAFFIC_HPP
