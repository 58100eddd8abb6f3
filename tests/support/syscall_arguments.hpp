// SPDX-License-Identifier: MIT
// What a stand-in for libc's syscall(2) was called with.
#ifndef BAREBPF_TESTS_SUPPORT_SYSCALL_ARGUMENTS_HPP
#define BAREBPF_TESTS_SUPPORT_SYSCALL_ARGUMENTS_HPP

#include <sys/syscall.h>

#include <cstdarg>

/// Reads them from `list`: only mmap has a sixth, and to read what was not passed is undefined.
inline void read_syscall_arguments(long number, std::va_list list, long (&out)[6]) {
#ifdef __NR_mmap2
  const int count = number == __NR_mmap2 ? 6 : 5;
#else
  const int count = number == __NR_mmap ? 6 : 5;
#endif
  for (int i = 0; i < count; ++i) out[i] = va_arg(list, long);
}

#endif
