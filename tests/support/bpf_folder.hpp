// SPDX-License-Identifier: MIT
// A BPF file system of a test program's own.
#ifndef BAREBPF_TESTS_SUPPORT_BPF_FOLDER_HPP
#define BAREBPF_TESTS_SUPPORT_BPF_FOLDER_HPP

#include <string>

#include "catch.hpp"
#include "library.hpp"

/// A folder for pins that is mounted nowhere: whoever has its descriptor reaches it through /proc, and it goes with
/// the last one.
inline const std::string& bpf_folder() {
  static const std::string path = [] {
    const long context = barebpf::system_call(barebpf::nr_fsopen, "bpf", 1);
    if (context < 0) return std::string();
    long mounted = barebpf::system_call(barebpf::nr_fsconfig, context, 6, nullptr, nullptr, 0);
    if (mounted >= 0) mounted = barebpf::system_call(barebpf::nr_fsmount, context, 1, 0);
    barebpf::system_call(__NR_close, context);
    return mounted < 0 ? std::string() : "/proc/self/fd/" + std::to_string(mounted);
  }();
  REQUIRE_FALSE(path.empty());
  return path;
}

#endif
