// SPDX-License-Identifier: MIT
// The main function of every test program. Exit code 77 says that a program did not run, and why.
#define CATCH_CONFIG_RUNNER
#include <cstdio>

#include "catch.hpp"

/// A program that needs more than a compiler may define this: why it cannot run here, or a null pointer.
extern "C" [[gnu::weak]] const char* reason_to_skip();

int main(int count, char** arguments) {
  if (reason_to_skip != nullptr) {
    if (const char* const reason = reason_to_skip(); reason != nullptr) {
      std::printf("skipped: %s\n", reason);
      return 77;
    }
  }
  return Catch::Session().run(count, arguments);
}
