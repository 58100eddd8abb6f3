// SPDX-License-Identifier: MIT
// Room 6.8, cgroup: cgroups by the path of their folder.
#ifndef BAREBPF_CGROUP_HPP
#define BAREBPF_CGROUP_HPP

#include "fd.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// What a file system says that it is.
// Source: CGROUP_SUPER_MAGIC and CGROUP2_SUPER_MAGIC in include/uapi/linux/magic.h at v6.12.
inline constexpr u32 cgroup_magic = 0x27e0eb, cgroup2_magic = 0x63677270;

// The start of struct statfs, and room for what follows. Source: statfs(2).
struct file_system {
#ifdef __s390x__
  u32 magic;
#else
  long magic;
#endif
  long others[31];
};

// O_RDONLY | O_DIRECTORY | O_CLOEXEC. Source: fcntl.h of each machine in the kernel at v6.12.
#if defined(__aarch64__) || defined(__arm__) || defined(__powerpc__)
inline constexpr long open_folder = 02000000 | 040000;
#else
inline constexpr long open_folder = 02000000 | 0200000;
#endif

}  // namespace detail

/// Opens the folder of a cgroup: what a `cgroup_array_map` takes as its values, a `cgrp_storage_map` as its keys, and
/// programs are attached to.
/// Errors: cgroup_version_1; not_a_cgroup for any other folder; ENOENT, ENOTDIR and EACCES of its path.
/// Cost:   two system calls.
/// Source: cgroup_get_from_fd() in kernel/cgroup/cgroup.c at v6.12, which takes version 2 alone.
[[nodiscard]] inline result<fd> open_cgroup(const char* path) noexcept {
  const long opened = move_away(system_call(__NR_openat, current_folder, path, detail::open_folder));
  if (opened < 0) return failure(step::open_cgroup, opened).about(path);
  fd folder = fd::own(opened);
  detail::file_system of = {};
  if (const long told = system_call(__NR_fstatfs, folder.number(), &of); told < 0)
    return failure(step::open_cgroup, told).about(path);
  const auto magic = static_cast<u32>(of.magic);
  if (magic == detail::cgroup2_magic) return folder;
  return error{.at = step::open_cgroup,
               .why = magic == detail::cgroup_magic ? cause::cgroup_version_1 : cause::not_a_cgroup}
      .about(path);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CGROUP_HPP
