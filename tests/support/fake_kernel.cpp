// SPDX-License-Identifier: MIT
#include "fake_kernel.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

#include "syscall_arguments.hpp"

namespace {
fake_kernel* current = nullptr;
}

fake_kernel::fake_kernel(std::function<long(const fake_call&)> answers) : answer(std::move(answers)) {
  current = this;
}
fake_kernel::~fake_kernel() { current = nullptr; }

// Found before libc's. Only the library calls it: Catch2 and libstdc++ go to libc's own functions, and libc++
// comes here for the number of the thread alone.
extern "C" long syscall(long number, ...) noexcept {
  if (number == SYS_gettid) return gettid();
  fake_call call{.number = number, .arguments = {}};
  va_list list;
  va_start(list, number);
  read_syscall_arguments(number, list, call.arguments);
  va_end(list);
  if (current == nullptr) {
    std::fprintf(stderr, "system call %ld without a fake kernel to answer it\n", number);
    std::abort();
  }
  current->calls.push_back(call);
  const long answer = current->answer(call);
  if (answer >= 0 || answer <= -4096) return answer;  // of 32 bits, an address may be negative
  errno = static_cast<int>(-answer);
  return -1;
}
