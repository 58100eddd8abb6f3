// SPDX-License-Identifier: MIT
// A BPF file system of a test program's own.
#ifndef BAREBPF_TESTS_SUPPORT_BPF_FOLDER_HPP
#define BAREBPF_TESTS_SUPPORT_BPF_FOLDER_HPP

#include <string>

#include "catch.hpp"
#include "live.hpp"

/// A folder for pins that is mounted nowhere: whoever has its descriptor reaches it through /proc, and it goes with
/// the last one.
inline const std::string& bpf_folder() {
  static const std::string path = [] {
    const long mounted = open_detached("bpf");
    kept_descriptors().push_back(static_cast<int>(mounted));
    return mounted < 0 ? std::string() : "/proc/self/fd/" + std::to_string(mounted);
  }();
  REQUIRE_FALSE(path.empty());
  return path;
}

#endif
