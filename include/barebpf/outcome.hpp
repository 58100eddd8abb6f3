// SPDX-License-Identifier: MIT
// Room 6.2, outcome: what a row of system calls came to. Small, so that rows stay small; an error is made of
// it once, at the end, and only then is the kernel asked why it refused.
#ifndef BAREBPF_OUTCOME_HPP
#define BAREBPF_OUTCOME_HPP

#include "syscall.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

template <class... Types>
constexpr u64 type_bits(Types... types) noexcept {
  return ((u64{1} << static_cast<u32>(types)) | ...);
}

}  // namespace detail

/// What maps and programs want beside CAP_BPF, as bits: CAP_PERFMON and CAP_NET_ADMIN.
inline constexpr u8 for_tracing = 1, for_network = 2;
/// What a map of this type wants.
/// Source: map_create() in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] constexpr u8 capabilities_for_map(u32 type) noexcept {
  constexpr u64 of_network = detail::type_bits(map_type::devmap, map_type::devmap_hash, map_type::sockmap,
                                               map_type::sockhash, map_type::xskmap);
  return type < 64 && (of_network >> type & 1) != 0 ? for_network : 0;
}
/// What a program of this type wants.
/// Source: is_net_admin_prog_type() and is_perfmon_prog_type() in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] constexpr u8 capabilities_for_program(u32 type) noexcept {
  using enum abi::prog_type;
  constexpr u64 of_network = detail::type_bits(
      sched_cls, sched_act, xdp, lwt_in, lwt_out, lwt_xmit, lwt_seg6local, sk_skb, sk_msg, flow_dissector,
      cgroup_device, cgroup_sock, cgroup_sock_addr, cgroup_sockopt, cgroup_sysctl, sock_ops, ext, netfilter);
  constexpr u64 of_tracing = detail::type_bits(kprobe, tracepoint, perf_event, raw_tracepoint,
                                               raw_tracepoint_writable, tracing, lsm, struct_ops, ext);
  const u64 bit = type < 64 ? u64{1} << type : 0;
  return static_cast<u8>(((of_network & bit) != 0 ? for_network : 0) |
                         ((of_tracing & bit) != 0 ? for_tracing : 0));
}

/// The capability that this thread lacks for bpf(2), of CAP_BPF and what is needed beside it; `none` when it lacks
/// nothing and the refusal has another reason.
/// Cost:   one capget(2) call.
/// Kernel: CAP_BPF and CAP_PERFMON since 5.8; CAP_SYS_ADMIN stands for all.
/// Source: capabilities(7); bpf_token_capable() in kernel/bpf/token.c at v6.12.
[[nodiscard]] inline cause missing_capability(u8 needed) noexcept {
  constexpr u32 version_3 = 0x20080522, net_admin = 12, sys_admin = 21, perfmon = 38, bpf = 39;
  struct {
    u32 version = version_3;
    s32 thread = 0;
  } header;
  struct {
    u32 effective, permitted, inheritable;
  } sets[2] = {};
  if (system_call(__NR_capget, &header, sets) < 0) return cause::none;
  const auto has = [&](u32 capability) {
    return (sets[capability / 32].effective >> capability % 32 & 1) != 0;
  };
  if (has(sys_admin)) return cause::none;
  if (!has(bpf)) return cause::needs_cap_bpf;
  if ((needed & for_tracing) != 0 && !has(perfmon)) return cause::needs_cap_perfmon;
  return (needed & for_network) != 0 && !has(net_admin) ? cause::needs_cap_net_admin : cause::none;
}

/// True outside of the first user namespace, where capabilities do not count for bpf(2) by themselves.
/// Source: USER_NS_INIT_INO in include/uapi/linux/nsfs.h at v6.18, the same number since 3.8.
[[nodiscard, gnu::cold]] inline bool is_in_user_namespace() noexcept {
  constexpr text first = "user:[4026531837]";
  constexpr long from_here = -100;  // AT_FDCWD
  char seen[32];
  const long size = system_call(__NR_readlinkat, from_here, "/proc/self/ns/user", seen, sizeof seen);
  return size > 0 && text(seen, static_cast<size_t>(size)) != first;
}

/// Source: MAX_ERRNO in include/linux/err.h at v6.12.
inline constexpr long largest_errno = 4095;
/// The answer of a row that failed without a system call: one beyond, so that masking makes it 0.
inline constexpr long no_errno = -largest_errno - 1;

/// How far a row of system calls came: `answer` is negative errno when step `at` failed.
struct outcome {
  long answer = 0;
  step at = step::map_create;
  cause why = cause::none;
  u8 needed = 0;             ///< for_tracing and for_network, where they hold for what is made
  const char* subject = "";  ///< the map or program that it is about

  [[nodiscard]] constexpr bool failed() const noexcept { return answer < 0; }
  /// Ends the row for a reason that no system call gave.
  constexpr void refuse(step now, cause reason) noexcept {
    at = now;
    why = reason;
    answer = no_errno;
  }
  /// Ends the row with an error that somebody else made of his own.
  constexpr void refuse(const error& with) noexcept {
    at = with.at;
    why = with.why;
    answer = with.code == 0 ? no_errno : -static_cast<long>(with.code);
  }
  /// Remembers what step `now` came to; true when it failed.
  constexpr bool fails(step now, long came_to) noexcept {
    at = now;
    answer = came_to;
    return came_to < 0;
  }
};

/// True of what the kernel refuses with EPERM to whoever lacks a capability.
[[nodiscard]] constexpr bool needs_privilege(step at) noexcept {
  return at == step::map_create || at == step::prog_load || at == step::btf_load;
}

namespace detail {

[[nodiscard]] inline error plain_error(const outcome& row) noexcept {
  error out{.at = row.at, .why = row.why, .code = static_cast<s32>(-row.answer & largest_errno)};
  for (size_t i = 0; i + 1 < sizeof out.name && row.subject[i] != '\0'; ++i) out.name[i] = row.subject[i];
  return out;
}

}  // namespace detail

/// The error of a failed row; after EPERM with CAP_BPF or CAP_PERFMON where that was missing.
[[nodiscard, gnu::cold, gnu::noinline]] inline error to_error(const outcome& row) noexcept {
  error out = detail::plain_error(row);
  if (out.code == EPERM && needs_privilege(row.at)) out.why = missing_capability(row.needed & for_tracing);
  return out;
}
/// The same with all that may be missing: CAP_NET_ADMIN too, and in a user namespace a token.
/// Cost: one system call more.
[[nodiscard, gnu::cold, gnu::noinline]] inline error to_whole_error(const outcome& row) noexcept {
  error out = detail::plain_error(row);
  if (out.code != EPERM || !needs_privilege(row.at)) return out;
  out.why = missing_capability(row.needed);
  if (out.why == cause::none && is_in_user_namespace()) out.why = cause::in_user_namespace;
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OUTCOME_HPP
