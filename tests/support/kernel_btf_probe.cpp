// SPDX-License-Identifier: MIT
// Asks, before the tests that read the running kernel's BTF, whether it has any.
#include <unistd.h>

extern "C" const char* reason_to_skip();

extern "C" const char* reason_to_skip() {
  if (access("/sys/kernel/btf/vmlinux", R_OK) == 0) return nullptr;
  return "this kernel was built without BTF, so it does not tell what its records look like";
}
