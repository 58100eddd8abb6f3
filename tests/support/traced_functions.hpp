// SPDX-License-Identifier: MIT
// What programs are attached to in the tests of uprobes and trace points.
#ifndef BAREBPF_TESTS_SUPPORT_TRACED_FUNCTIONS_HPP
#define BAREBPF_TESTS_SUPPORT_TRACED_FUNCTIONS_HPP

// Found by name in the symbols of this file.
extern "C" {
[[gnu::noinline, gnu::used]] int attach_user_add(int a, int b) {
  asm volatile("" : "+r"(a), "+r"(b));
  return a + b;
}
[[gnu::noinline, gnu::used]] int attach_user_many_one(int a) {
  asm volatile("" : "+r"(a));
  return a + 1;
}
[[gnu::noinline, gnu::used]] int attach_user_many_two(int a) {
  asm volatile("" : "+r"(a));
  return a + 2;
}
// Of those who listen to the trace point with a semaphore, which the kernel finds by its bytes in the file.
[[gnu::used, gnu::section(".probes")]] volatile unsigned short attach_user_semaphore = 0;
}

#endif
