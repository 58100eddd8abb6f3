// SPDX-License-Identifier: MIT
// The main function of the tests that read the running kernel's BTF. Exit code 77 says that it has none.
#define CATCH_CONFIG_RUNNER
#include <unistd.h>

#include <cstdio>

#include "catch.hpp"

int main(int count, char** arguments) {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0) {
    std::printf(
        "skipped: this kernel was built without BTF, so it does not tell what its records look like\n");
    return 77;
  }
  return Catch::Session().run(count, arguments);
}
