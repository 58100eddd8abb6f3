// SPDX-License-Identifier: MIT
// Room 6.2, capability: which privilege was missing. Asked only after the kernel said EPERM.
#ifndef BAREBPF_CAPABILITY_HPP
#define BAREBPF_CAPABILITY_HPP

#include "syscall.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The capability that this thread lacks for bpf(2), or `none` when it lacks nothing and the refusal has
/// another reason.
/// Cost:   one capget(2) call.
/// Kernel: CAP_BPF and CAP_PERFMON since 5.8; CAP_SYS_ADMIN stands for both.
/// Source: capabilities(7); bpf_capable() in include/linux/capability.h at v6.12.
[[nodiscard]] inline cause missing_capability(bool for_tracing) noexcept {
  constexpr u32 version_3 = 0x20080522, sys_admin = 21, perfmon = 38, bpf = 39;
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
  return for_tracing && !has(perfmon) ? cause::needs_cap_perfmon : cause::none;
}

/// The error of a bpf(2) call that returned `answer`, with the missing capability if that was the reason.
[[nodiscard]] inline error refusal(step at, long answer, bool for_tracing = false) noexcept {
  error out = failure(at, answer);
  if (out.code == EPERM) out.why = missing_capability(for_tracing);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CAPABILITY_HPP
