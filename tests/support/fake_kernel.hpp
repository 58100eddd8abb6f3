// SPDX-License-Identifier: MIT
// A kernel made of one function: a test program that is compiled with BAREBPF_LIBC_SYSCALL sends every system
// call of the library here. Link tests/support/fake_kernel.cpp to it.
#ifndef BAREBPF_TESTS_SUPPORT_FAKE_KERNEL_HPP
#define BAREBPF_TESTS_SUPPORT_FAKE_KERNEL_HPP

#include <functional>
#include <vector>

/// One system call as the library made it.
struct fake_call {
  long number;
  long arguments[6];
};

/// Answers system calls while it lives; one at a time.
class fake_kernel {
 public:
  /// `answer` gets each call and returns what the kernel would: the answer, or negative errno.
  explicit fake_kernel(std::function<long(const fake_call&)> answer);
  ~fake_kernel();
  fake_kernel(const fake_kernel&) = delete;
  fake_kernel& operator=(const fake_kernel&) = delete;

  /// Every call so far, in order.
  std::vector<fake_call> calls;
  std::function<long(const fake_call&)> answer;
};

#endif
