// SPDX-License-Identifier: MIT
#ifndef BAREBPF_TESTS_CORPUS_OWN_PINS_HPP
#define BAREBPF_TESTS_CORPUS_OWN_PINS_HPP

#include <sched.h>
#include <sys/mount.h>

/// A BPF file system at the usual place that goes with this process.
inline bool mount_own_pins() {
  return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) == 0;
}

#endif
