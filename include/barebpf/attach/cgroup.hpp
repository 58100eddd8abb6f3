// SPDX-License-Identifier: MIT
// Room 9.8, attach/cgroup: programs on cgroups.
#ifndef BAREBPF_ATTACH_CGROUP_HPP
#define BAREBPF_ATTACH_CGROUP_HPP

#include "place.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A cgroup of the unified hierarchy, by a descriptor of its folder, such as `open_to_read` gives.
struct cgroup : detail::borrowed {
  using borrowed::borrowed;
};

namespace detail {

template <attach_way Way>
struct place_of_cgroup {
  static constexpr cause wants = cause::needs_cgroup;

  template <load_policy Policy>
  [[nodiscard]] static result<link> attach(const program_to_attach& program, barebpf::cgroup target,
                                           position where = {}) noexcept {
    return create_ordered_link<Way>(program, static_cast<u32>(target.descriptor), where);
  }
  template <class Request>
  [[nodiscard]] static cause why_refused(const Request& request, long answer) noexcept {
    // What the patch brought into kernels of long support does not show in their version. Before it they look at flags
    // alone.
    if (const u32 running = answer == -EINVAL && request.flags != 0 ? running_kernel() : 0;
        running != 0 && running < kernel(6, 17))
      return cause::newer_position;
    constexpr int f_getfd = 1;  // F_GETFD
    const bool is_open = answer == -EBADF && system_call(__NR_fcntl, request.target_fd, f_getfd) >= 0;
    return is_open ? cause::not_a_cgroup : cause::none;
  }
};

}  // namespace detail

/// Errors: not_a_cgroup; newer_position; EPERM where a program above admits no others.
/// Kernel: 5.7.
/// Source: cgroup_bpf_link_attach() in kernel/bpf/cgroup.c at v6.12.
template <>
struct place<attach_way::cgroup> : detail::place_of_cgroup<attach_way::cgroup> {};

/// A hook of the kernel's security modules, for a cgroup and all below it.
/// Errors: as above; newer_attach_way.
/// Kernel: 6.0.
/// Source: bpf_trampoline_link_cgroup_shim() in kernel/bpf/trampoline.c at v6.12.
template <>
struct place<attach_way::lsm_cgroup> : detail::place_of_cgroup<attach_way::lsm_cgroup> {};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_CGROUP_HPP
