// SPDX-License-Identifier: MIT
// Room 2.1, sections: the table of section names. The name that SEC() gives a program tells its type, what it is for,
// and where it attaches.
#ifndef BAREBPF_SECTIONS_HPP
#define BAREBPF_SECTIONS_HPP

#include "abi/bpf.hpp"
#include "abi/btf.hpp"
#include "cause.hpp"
#include "kinds.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// How a program of a section is attached. The rooms from 9.2 to 9.11 have a `place` for each.
enum class attach_way : u8 {
  none,             ///< the name does not say enough
  elsewhere,        ///< by what is no program of ours: a map, an action of tc; or it is only run
  tracepoint,       ///< a perf event, which the text behind the prefix names: "group/event"
  raw_tracepoint,   ///< a tracepoint without an event, which the text names
  tracing,          ///< a function or tracepoint of the kernel's BTF, which the text names
  iterator,         ///< something that the kernel can list, which the text names
  perf_event,       ///< a perf event of the caller
  xdp,              ///< a network interface, before the network stack
  tcx,              ///< a network interface, in the network stack
  cgroup,           ///< a cgroup of the unified hierarchy, and all below it
  netns,            ///< a network namespace
  sockmap,          ///< a map of sockets
  socket,           ///< one socket
  reuseport,        ///< all sockets that share a port with one
  kprobe,           ///< where a function of the kernel begins, or an instruction in it: "function+offset"
  kretprobe,        ///< where it returns
  ksyscall,         ///< where a system call begins, by its name without the kernel's prefixes
  kretsyscall,      ///< where it returns
  kprobe_multi,     ///< where all functions begin that a pattern names
  kretprobe_multi,  ///< where they return
  kprobe_session,   ///< both
  uprobe,           ///< where a function of a file begins: "path:function+offset"
  uretprobe,        ///< where it returns
  uprobe_multi,     ///< where all functions of a file begin that a pattern names: "path:pattern"
  uretprobe_multi,  ///< where they return
  uprobe_session,   ///< both
  usdt,             ///< a trace point that a file brings: "path:provider:name"
  lsm_cgroup,       ///< a hook of the kernel's security modules, for a cgroup and all below it
  struct_ops,       ///< a function that the kernel calls through a structure
  netfilter,        ///< a hook of the packet filter
  netkit,           ///< a netkit interface
  infrared,         ///< a receiver of infrared light, by its device
  traffic,          ///< a filter of tc on a network interface
  route,            ///< a route, on which packets pass it
  tracing_multi,  ///< all functions of the kernel's BTF that a pattern names: "pattern", or "module:pattern"
};
inline constexpr size_t attach_ways = static_cast<size_t>(attach_way::tracing_multi) + 1;

/// What may follow the prefix of a section name.
enum class section_rest : u8 {
  nothing,     ///< nothing that means something; people tell several of a kind apart there: "xdp/first"
  place,       ///< perhaps a slash and the place to attach to
  functions,   ///< the same, where the program is loaded for the module whose functions it names
  function,    ///< a slash and a function of the kernel
  tracepoint,  ///< a slash and a tracepoint that the kernel's BTF describes
  iterator,    ///< a slash and what the kernel is to list
  hook,        ///< a slash and a security hook of the kernel
  replaced,    ///< a slash and a function of another program
};

/// What a section name says of its programs.
struct section_kind {
  text prefix{};
  abi::prog_type type = abi::prog_type::unspec;
  attach_way attach = attach_way::none;
  /// What BPF_PROG_LOAD and BPF_LINK_CREATE are told; 0 where the kernel asks for nothing.
  abi::attach_type attach_type{};
  section_rest rest = section_rest::nothing;
  u32 flags = 0;  ///< `prog_flags` of BPF_PROG_LOAD
  u32 since = 0;  ///< the first kernel that attaches them, as `kernel` writes it; 0 for 5.10 or older

  /// True when the text behind the prefix names a type in the kernel's BTF, or in that of another program.
  [[nodiscard]] constexpr bool needs_kernel_type() const noexcept { return rest > section_rest::functions; }
  /// True when that text may say for what the program is loaded: such a type, or a module.
  [[nodiscard]] constexpr bool may_be_loaded_for() const noexcept { return rest > section_rest::place; }
};

/// One row per name, by libbpf's names. A row with a longer name stands for itself, so the order is of no importance.
/// Kernel: those that may be older than a row have `expected_attach_type` all the same, and no older program type minds
///         one that it does not know, so none is left out for old kernels.
struct section_rows {
  using type = abi::prog_type;
  using way = attach_way;
  using rest = section_rest;
  using enum abi::attach_type;
  static constexpr abi::attach_type any{};
  static constexpr u32 sleeps = abi::prog_flag_sleepable, frags = abi::prog_flag_xdp_has_frags;

  static constexpr section_kind list[] = {
      {"kprobe", type::kprobe, way::kprobe, any, rest::place},
      {"kretprobe", type::kprobe, way::kretprobe, any, rest::place},
      {"ksyscall", type::kprobe, way::ksyscall, any, rest::place},
      {"kretsyscall", type::kprobe, way::kretsyscall, any, rest::place},
      {"kprobe.multi", type::kprobe, way::kprobe_multi, trace_kprobe_multi, rest::place, 0, kernel(5, 18)},
      {"kretprobe.multi", type::kprobe, way::kretprobe_multi, trace_kprobe_multi, rest::place, 0,
       kernel(5, 18)},
      {"kprobe.session", type::kprobe, way::kprobe_session, trace_kprobe_session, rest::place, 0,
       kernel(6, 10)},
      {"uprobe", type::kprobe, way::uprobe, any, rest::place},
      {"uretprobe", type::kprobe, way::uretprobe, any, rest::place},
      {"uprobe.multi", type::kprobe, way::uprobe_multi, trace_uprobe_multi, rest::place, 0, kernel(6, 6)},
      {"uretprobe.multi", type::kprobe, way::uretprobe_multi, trace_uprobe_multi, rest::place, 0,
       kernel(6, 6)},
      {"uprobe.session", type::kprobe, way::uprobe_session, trace_uprobe_session, rest::place, 0,
       kernel(6, 13)},
      {"usdt", type::kprobe, way::usdt, trace_uprobe_multi, rest::place},
      {"uprobe.s", type::kprobe, way::uprobe, any, rest::place, sleeps, kernel(6, 0)},
      {"uretprobe.s", type::kprobe, way::uretprobe, any, rest::place, sleeps, kernel(6, 0)},
      {"uprobe.multi.s", type::kprobe, way::uprobe_multi, trace_uprobe_multi, rest::place, sleeps,
       kernel(6, 6)},
      {"uretprobe.multi.s", type::kprobe, way::uretprobe_multi, trace_uprobe_multi, rest::place, sleeps,
       kernel(6, 6)},
      {"uprobe.session.s", type::kprobe, way::uprobe_session, trace_uprobe_session, rest::place, sleeps,
       kernel(6, 13)},
      {"usdt.s", type::kprobe, way::usdt, trace_uprobe_multi, rest::place, sleeps, kernel(6, 0)},
      {"tracepoint", type::tracepoint, way::tracepoint, any, rest::place},
      {"tp", type::tracepoint, way::tracepoint, any, rest::place},
      {"raw_tracepoint", type::raw_tracepoint, way::raw_tracepoint, any, rest::place},
      {"raw_tp", type::raw_tracepoint, way::raw_tracepoint, any, rest::place},
      {"tracepoint.s", type::tracepoint, way::tracepoint, any, rest::place, sleeps},
      {"tp.s", type::tracepoint, way::tracepoint, any, rest::place, sleeps},
      {"raw_tracepoint.s", type::raw_tracepoint, way::raw_tracepoint, any, rest::place, sleeps},
      {"raw_tp.s", type::raw_tracepoint, way::raw_tracepoint, any, rest::place, sleeps},
      {"raw_tracepoint.w", type::raw_tracepoint_writable, way::raw_tracepoint, any, rest::place},
      {"raw_tp.w", type::raw_tracepoint_writable, way::raw_tracepoint, any, rest::place},
      {"tp_btf", type::tracing, way::tracing, trace_raw_tp, rest::tracepoint},
      {"fentry", type::tracing, way::tracing, trace_fentry, rest::function},
      {"fexit", type::tracing, way::tracing, trace_fexit, rest::function},
      {"fmod_ret", type::tracing, way::tracing, modify_return, rest::function},
      {"fsession", type::tracing, way::tracing, trace_fsession, rest::function, 0, kernel(7, 0)},
      {"fentry.multi", type::tracing, way::tracing_multi, trace_fentry_multi, rest::functions, 0,
       kernel(7, 2)},
      {"fexit.multi", type::tracing, way::tracing_multi, trace_fexit_multi, rest::functions, 0, kernel(7, 2)},
      {"fsession.multi", type::tracing, way::tracing_multi, trace_fsession_multi, rest::functions, 0,
       kernel(7, 2)},
      {"iter", type::tracing, way::iterator, trace_iter, rest::iterator},
      {"lsm", type::lsm, way::tracing, lsm_mac, rest::hook},
      {"struct_ops", type::struct_ops, way::struct_ops, any, rest::place},
      {"tp_btf.s", type::tracing, way::tracing, trace_raw_tp, rest::tracepoint, sleeps},
      {"fentry.s", type::tracing, way::tracing, trace_fentry, rest::function, sleeps},
      {"fexit.s", type::tracing, way::tracing, trace_fexit, rest::function, sleeps},
      {"fmod_ret.s", type::tracing, way::tracing, modify_return, rest::function, sleeps},
      {"fsession.s", type::tracing, way::tracing, trace_fsession, rest::function, sleeps, kernel(7, 0)},
      {"fentry.multi.s", type::tracing, way::tracing_multi, trace_fentry_multi, rest::functions, sleeps,
       kernel(7, 2)},
      {"fexit.multi.s", type::tracing, way::tracing_multi, trace_fexit_multi, rest::functions, sleeps,
       kernel(7, 2)},
      {"fsession.multi.s", type::tracing, way::tracing_multi, trace_fsession_multi, rest::functions, sleeps,
       kernel(7, 2)},
      {"iter.s", type::tracing, way::iterator, trace_iter, rest::iterator, sleeps},
      {"lsm.s", type::lsm, way::tracing, lsm_mac, rest::hook, sleeps},
      {"struct_ops.s", type::struct_ops, way::struct_ops, any, rest::place, sleeps},
      {"lsm_cgroup", type::lsm, way::lsm_cgroup, lsm_cgroup, rest::hook, 0, kernel(6, 0)},
      {"freplace", type::ext, way::tracing, any, rest::replaced},
      {"perf_event", type::perf_event, way::perf_event},
      {"syscall", type::syscall, way::elsewhere, any, rest::nothing, sleeps, kernel(5, 14)},

      {"xdp", type::xdp, way::xdp, xdp},
      {"xdp.frags", type::xdp, way::xdp, xdp, rest::nothing, frags, kernel(5, 18)},
      {"xdp/devmap", type::xdp, way::elsewhere, xdp_devmap},
      {"xdp.frags/devmap", type::xdp, way::elsewhere, xdp_devmap, rest::nothing, frags, kernel(5, 18)},
      {"xdp/cpumap", type::xdp, way::elsewhere, xdp_cpumap},
      {"xdp.frags/cpumap", type::xdp, way::elsewhere, xdp_cpumap, rest::nothing, frags, kernel(5, 18)},
      {"xdp_devmap", type::xdp, way::elsewhere, xdp_devmap},  // before libbpf 1.0
      {"xdp_cpumap", type::xdp, way::elsewhere, xdp_cpumap},
      {"tcx/ingress", type::sched_cls, way::tcx, tcx_ingress, rest::nothing, 0, kernel(6, 6)},
      {"tcx/egress", type::sched_cls, way::tcx, tcx_egress, rest::nothing, 0, kernel(6, 6)},
      {"tc/ingress", type::sched_cls, way::tcx, tcx_ingress, rest::nothing, 0, kernel(6, 6)},
      {"tc/egress", type::sched_cls, way::tcx, tcx_egress, rest::nothing, 0, kernel(6, 6)},
      {"tc", type::sched_cls, way::traffic},
      {"classifier", type::sched_cls, way::traffic},
      {"action", type::sched_act, way::elsewhere},
      {"lwt_in", type::lwt_in, way::route},
      {"lwt_out", type::lwt_out, way::route},
      {"lwt_xmit", type::lwt_xmit, way::route},
      {"lwt_seg6local", type::lwt_seg6local, way::route},
      {"netkit/primary", type::sched_cls, way::netkit, netkit_primary, rest::nothing, 0, kernel(6, 7)},
      {"netkit/peer", type::sched_cls, way::netkit, netkit_peer, rest::nothing, 0, kernel(6, 7)},
      {"netfilter", type::netfilter, way::netfilter, netfilter, rest::nothing, 0, kernel(6, 4)},
      {"lirc_mode2", type::lirc_mode2, way::infrared, lirc_mode2},
      {"flow_dissector", type::flow_dissector, way::netns, flow_dissector},
      {"sk_lookup", type::sk_lookup, way::netns, sk_lookup},

      {"socket", type::socket_filter, way::socket},
      {"sk_reuseport", type::sk_reuseport, way::reuseport, sk_reuseport_select},
      {"sk_reuseport/migrate", type::sk_reuseport, way::reuseport, sk_reuseport_select_or_migrate,
       rest::nothing, 0, kernel(5, 14)},
      {"sk_skb", type::sk_skb},
      {"sk_skb/stream_parser", type::sk_skb, way::sockmap, sk_skb_stream_parser},
      {"sk_skb/stream_verdict", type::sk_skb, way::sockmap, sk_skb_stream_verdict},
      {"sk_skb/verdict", type::sk_skb, way::sockmap, sk_skb_verdict, rest::nothing, 0, kernel(5, 13)},
      {"sk_msg", type::sk_msg, way::sockmap, sk_msg_verdict},

      {"sockops", type::sock_ops, way::cgroup, cgroup_sock_ops},
      {"cgroup_skb/ingress", type::cgroup_skb, way::cgroup, cgroup_inet_ingress},
      {"cgroup_skb/egress", type::cgroup_skb, way::cgroup, cgroup_inet_egress},
      {"cgroup/skb", type::cgroup_skb, way::cgroup, cgroup_inet_ingress},  // libbpf's choice, too
      {"cgroup/sock", type::cgroup_sock, way::cgroup, cgroup_inet_sock_create},
      {"cgroup/sock_create", type::cgroup_sock, way::cgroup, cgroup_inet_sock_create},
      {"cgroup/sock_release", type::cgroup_sock, way::cgroup, cgroup_inet_sock_release},
      {"cgroup/post_bind4", type::cgroup_sock, way::cgroup, cgroup_inet4_post_bind},
      {"cgroup/post_bind6", type::cgroup_sock, way::cgroup, cgroup_inet6_post_bind},
      {"cgroup/bind4", type::cgroup_sock_addr, way::cgroup, cgroup_inet4_bind},
      {"cgroup/bind6", type::cgroup_sock_addr, way::cgroup, cgroup_inet6_bind},
      {"cgroup/connect4", type::cgroup_sock_addr, way::cgroup, cgroup_inet4_connect},
      {"cgroup/connect6", type::cgroup_sock_addr, way::cgroup, cgroup_inet6_connect},
      {"cgroup/connect_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_connect, rest::nothing, 0,
       kernel(6, 7)},
      {"cgroup/sendmsg4", type::cgroup_sock_addr, way::cgroup, cgroup_udp4_sendmsg},
      {"cgroup/sendmsg6", type::cgroup_sock_addr, way::cgroup, cgroup_udp6_sendmsg},
      {"cgroup/sendmsg_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_sendmsg, rest::nothing, 0,
       kernel(6, 7)},
      {"cgroup/recvmsg4", type::cgroup_sock_addr, way::cgroup, cgroup_udp4_recvmsg},
      {"cgroup/recvmsg6", type::cgroup_sock_addr, way::cgroup, cgroup_udp6_recvmsg},
      {"cgroup/recvmsg_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_recvmsg, rest::nothing, 0,
       kernel(6, 7)},
      {"cgroup/getpeername4", type::cgroup_sock_addr, way::cgroup, cgroup_inet4_getpeername},
      {"cgroup/getpeername6", type::cgroup_sock_addr, way::cgroup, cgroup_inet6_getpeername},
      {"cgroup/getpeername_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_getpeername, rest::nothing,
       0, kernel(6, 7)},
      {"cgroup/getsockname4", type::cgroup_sock_addr, way::cgroup, cgroup_inet4_getsockname},
      {"cgroup/getsockname6", type::cgroup_sock_addr, way::cgroup, cgroup_inet6_getsockname},
      {"cgroup/getsockname_unix", type::cgroup_sock_addr, way::cgroup, cgroup_unix_getsockname, rest::nothing,
       0, kernel(6, 7)},
      {"cgroup/sysctl", type::cgroup_sysctl, way::cgroup, cgroup_sysctl},
      {"cgroup/getsockopt", type::cgroup_sockopt, way::cgroup, cgroup_getsockopt},
      {"cgroup/setsockopt", type::cgroup_sockopt, way::cgroup, cgroup_setsockopt},
      {"cgroup/dev", type::cgroup_device, way::cgroup, cgroup_device},
  };
};
inline constexpr auto& section_kinds = section_rows::list;

/// True for programs that older kernels do not even load, because they look at the attach type of such.
/// Source: check_attach_btf_id() in kernel/bpf/verifier.c at v6.12.
[[nodiscard]] constexpr bool is_loaded_since(const section_kind& kind) noexcept {
  return kind.since != 0 && (kind.type == abi::prog_type::tracing || kind.type == abi::prog_type::lsm);
}
/// The first kernel that loads such a program; 0 for others.
[[nodiscard]] constexpr u32 first_kernel_to_load(u32 prog_type, u32 attach_type) noexcept {
  constexpr auto late = [] {
    struct row {
      abi::prog_type type;
      abi::attach_type attach_type;
      u32 since;
    };
    struct {
      row list[16] = {};
      size_t count = 0;
    } out;
    for (const section_kind& kind : section_kinds)
      if (is_loaded_since(kind)) out.list[out.count++] = {kind.type, kind.attach_type, kind.since};
    return out;
  }();
  for (const auto& row : late.list)
    if (row.type == static_cast<abi::prog_type>(prog_type) &&
        row.attach_type == static_cast<abi::attach_type>(attach_type))
      return row.since;
  return 0;
}

/// What a program of a section attaches to, as a type in the kernel's BTF: its kind, and what stands in front of the
/// name that the section gives.
struct kernel_type_kind {
  section_rest rest;
  abi::btf_kind kind;
  text prefix;
  cause missing;  ///< when the kernel has none of this name
};
inline constexpr kernel_type_kind kernel_type_kinds[] = {
    {section_rest::function, abi::btf_kind::function, "", cause::no_kernel_function},
    {section_rest::tracepoint, abi::btf_kind::type_definition, "btf_trace_", cause::no_kernel_tracepoint},
    {section_rest::iterator, abi::btf_kind::function, "bpf_iter_", cause::no_kernel_iterator},
    {section_rest::hook, abi::btf_kind::function, "bpf_lsm_", cause::no_kernel_hook},
};

namespace detail {

// The row with the longest prefix that `section` has, and that ends there as `is_end` says.
template <class IsEnd>
constexpr section_kind longest_prefix(text section, IsEnd is_end) noexcept {
  section_kind found;
  for (const section_kind& kind : section_kinds)
    if (section.starts_with(kind.prefix) && kind.prefix.size() >= found.prefix.size() && is_end(kind))
      found = kind;
  return found;
}

}  // namespace detail

/// The row for the section called `section`, of all whose prefix it has up to a slash the longest; where there is
/// none, an empty one of type `unspec`. A question mark in front is not part of the name, see `is_optional`.
/// Shape: where no place follows the prefix, a number or a word may stand behind it without a slash, as in "xdp_pass"
///        or "socket2", which objects have from the time before libbpf 1.0.
[[nodiscard]] constexpr section_kind section_kind_of(text section) noexcept {
  const section_kind found = detail::longest_prefix(section, [&](const section_kind& kind) {
    return section.size() == kind.prefix.size() || section[kind.prefix.size()] == '/';
  });
  if (found.type != abi::prog_type::unspec) return found;
  return detail::longest_prefix(section, [&](const section_kind& kind) {
    const char behind = section.size() > kind.prefix.size() ? section[kind.prefix.size()] : '\0';
    return kind.rest == section_rest::nothing &&
           (behind == '_' || behind == '-' || (behind >= '0' && behind <= '9'));
  });
}

/// How many characters of the name of a section stand in front of what the prefix leaves for the place, the slash
/// counted; all of them where it leaves nothing.
[[nodiscard]] constexpr size_t place_in(text section, const section_kind& kind) noexcept {
  const bool names_place = kind.rest != section_rest::nothing && kind.prefix.size() + 1 < section.size();
  return names_place ? kind.prefix.size() + 1 : section.size();
}

/// The module in "module:pattern", as sections of fentry.multi and its siblings name functions; nothing for those of the
/// kernel itself.
[[nodiscard]] constexpr text module_in(text place) noexcept {
  for (size_t i = 0; i < place.size(); ++i)
    if (place[i] == ':') return {place.data(), i};
  return {};
}

/// True when the name of a section says that its programs are loaded only for those who ask for them.
[[nodiscard]] constexpr bool is_optional(text section) noexcept {
  return !section.empty() && section[0] == '?';
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SECTIONS_HPP
