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

/// What is decided while compiling, because it decides which code is there at all.
struct load_policy {
  u32 oldest_kernel = kernel(5, 10);  ///< no code is made for kernels before this one
  btf_choice btf = btf_choice::all;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_POLICY_HPP
