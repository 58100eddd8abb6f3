// SPDX-License-Identifier: MIT
// The execve counter as bytes, whole or damaged in one place, for tests of readers.
#ifndef BAREBPF_TESTS_SUPPORT_FAULT_OBJECT_HPP
#define BAREBPF_TESTS_SUPPORT_FAULT_OBJECT_HPP

#include <cstddef>
#include <cstring>
#include <vector>

#include "execve_counter.bpf.hpp"
#include "library.hpp"

/// A copy of the execve counter's object file, to read and to damage. The words are padded to a multiple of
/// eight, so up to seven zero bytes follow the file.
inline std::vector<unsigned char> execve_counter_image() {
  std::vector<unsigned char> out(sizeof execve_counter);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<unsigned char>(execve_counter[i / 8] >> (i % 8 * 8));
  return out;
}

inline barebpf::bytes window(const std::vector<unsigned char>& image) {
  return barebpf::bytes(image.data(), image.size());
}

#endif
