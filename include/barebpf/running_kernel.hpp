// SPDX-License-Identifier: MIT
// Room 6.3, running_kernel: which kernel answers, asked only to explain what it refused.
#ifndef BAREBPF_RUNNING_KERNEL_HPP
#define BAREBPF_RUNNING_KERNEL_HPP

#include "kinds.hpp"
#include "outcome.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The version of the running kernel, as `kernel()` makes it; 0 when it does not say.
/// Cost:   one system call.
/// Source: uname(2). A distribution's kernel may have more than its number says, never less.
[[nodiscard, gnu::cold, gnu::noinline]] inline u32 running_kernel() noexcept {
  struct {
    char words[6][65];  // system, node, release, version, machine, domain
  } names = {};
  if (system_call(__NR_uname, &names) < 0) return 0;
  u32 numbers[2] = {};
  const char* at = names.words[2];
  for (u32& number : numbers) {
    for (; *at >= '0' && *at <= '9'; ++at) number = number * 10 + static_cast<u32>(*at - '0');
    if (*at == '.') ++at;
  }
  return kernel(numbers[0], numbers[1]);
}

/// Why the kernel refused to create a map with `answer`, negative errno, as far as the table of map types and the
/// kernel's version tell; `none` where they do not.
[[nodiscard, gnu::cold, gnu::noinline]] inline cause explain_refusal(const abi::map_create& attr,
                                                                     long answer) noexcept {
  // Before 5.11 a per-CPU value that is too large was taken for a lack of memory.
  if (answer == -ENOMEM)
    return why_refused(attr) == cause::bad_value_size ? cause::bad_value_size : cause::none;
  if (answer != -EINVAL && answer != -E2BIG && answer != -ENOTSUPP_kernel && answer != -EOPNOTSUPP)
    return cause::none;
  // Older kernels say the one, newer ones the other.
  if ((answer == -EOPNOTSUPP || answer == -ENOTSUPP_kernel) && attr.btf_value_type_id != 0)
    return cause::lock_in_such_a_map;
  const u32 running = running_kernel();
  if (running != 0 && running < kind_of(static_cast<map_type>(attr.map_type)).first_kernel)
    return cause::newer_map_type;
  const cause why = why_refused(attr);
  return why == cause::none && running != 0 && lacks_flag(running, attr.map_flags) ? cause::newer_map_flag
                                                                                   : why;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_RUNNING_KERNEL_HPP
