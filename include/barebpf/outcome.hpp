// SPDX-License-Identifier: MIT
// Room 6.2, outcome: what a row of system calls came to. Small, so that rows stay small; an error is made of
// it once, at the end, and only then is the kernel asked why it refused.
#ifndef BAREBPF_OUTCOME_HPP
#define BAREBPF_OUTCOME_HPP

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

/// Source: MAX_ERRNO in include/linux/err.h at v6.12.
inline constexpr long largest_errno = 4095;
/// The answer of a row that failed without a system call: one beyond, so that masking makes it 0.
inline constexpr long no_errno = -largest_errno - 1;

/// How far a row of system calls came: `answer` is negative errno when step `at` failed.
struct outcome {
  long answer = 0;
  step at = step::map_create;
  cause why = cause::none;
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

/// The error of a failed row; after EPERM with the capability that was missing.
[[nodiscard, gnu::cold, gnu::noinline]] inline error to_error(const outcome& row) noexcept {
  error out{.at = row.at, .why = row.why, .code = static_cast<s32>(-row.answer & largest_errno)};
  for (size_t i = 0; i + 1 < sizeof out.name && row.subject[i] != '\0'; ++i) out.name[i] = row.subject[i];
  const bool needs_privilege =
      row.at == step::map_create || row.at == step::prog_load || row.at == step::btf_load;
  if (out.code == EPERM && needs_privilege) out.why = missing_capability(row.at == step::prog_load);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_OUTCOME_HPP
