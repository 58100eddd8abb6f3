// SPDX-License-Identifier: MIT
// The execve counter as bytes, whole or damaged in one place, for tests of readers.
#ifndef BAREBPF_TESTS_SUPPORT_FAULT_OBJECT_HPP
#define BAREBPF_TESTS_SUPPORT_FAULT_OBJECT_HPP

#include "execve_counter.bpf.hpp"
#include "object_builder.hpp"

/// A copy of the execve counter's object file, to read and to damage. The words are padded to a multiple of
/// eight, so up to seven zero bytes follow the file.
inline file_image execve_counter_image() {
  file_image out(sizeof execve_counter);
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<unsigned char>(execve_counter[i / 8] >> (i % 8 * 8));
  return out;
}

#endif
