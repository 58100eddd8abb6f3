// SPDX-License-Identifier: MIT
// Room 2.3, policy: what a user decides while compiling, because it decides which code and which constants there are.
#ifndef BAREBPF_POLICY_HPP
#define BAREBPF_POLICY_HPP

#include "kinds.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Which of the object's types the kernel is given.
enum class btf_choice : u8 {
  none,    ///< none: two calls and some bytes less, and bpftool shows raw bytes. An object that does not work
           ///< without types gets those that are needed all the same.
  needed,  ///< those of its maps, variables and functions
  all,     ///< those, and the source lines that the verifier's log and bpftool show
};

/// Who fits the instructions of an object to the kernel's types (CO-RE).
enum class core_way : u8 {
  either,  ///< the kernel where it can (5.17), else the library. With kernels from 5.17 on alone it is the kernel.
  kernel,   ///< the kernel; no code of the library for it is made
  library,  ///< the library, on every kernel
};

/// What is decided while compiling, because it decides which code is there at all.
struct load_policy {
  u32 oldest_kernel = kernel(5, 10);  ///< no code is made for kernels before this one
  btf_choice btf = btf_choice::all;
  core_way core = core_way::either;

  /// True when the library may have to do what the kernel does for CO-RE.
  [[nodiscard]] constexpr bool has_own_core() const noexcept {
    return core == core_way::library || (core == core_way::either && oldest_kernel < kernel(5, 17));
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_POLICY_HPP
