// SPDX-License-Identifier: MIT
// Reads that programs in the kernel see.
#ifndef BAREBPF_TESTS_GUEST_READS_HPP
#define BAREBPF_TESTS_GUEST_READS_HPP

#include <fcntl.h>
#include <unistd.h>

#include <initializer_list>

#include "../support/live.hpp"

/// Reads so many bytes of zeros, one size after the other.
inline void read_zeros(std::initializer_list<size_t> sizes) {
  char zeros[512];
  const barebpf::fd file = barebpf::fd::own(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  for (const size_t size : sizes) REQUIRE(read(file.number(), zeros, size) == static_cast<ssize_t>(size));
}

/// Asks for so many bytes of a file that has none.
inline void read_nothing(size_t size) {
  char nothing[512];
  const barebpf::fd file = barebpf::fd::own(open("/dev/null", O_RDONLY | O_CLOEXEC));
  REQUIRE(read(file.number(), nothing, size) == 0);
}

#endif
