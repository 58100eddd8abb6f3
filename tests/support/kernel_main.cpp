// SPDX-License-Identifier: MIT
// The main function of the kernel tests. Exit code 77 says that the kernel did not let them run, and why.
#define CATCH_CONFIG_RUNNER
#include <cstdio>

#include "catch.hpp"
#include "library.hpp"

int main(int count, char** arguments) {
  if (const auto probe = barebpf::hash_map<int, int>::create({.name = "probe", .max_entries = 1}); !probe) {
    char sentence[512];
    describe(probe.error(), sentence);
    std::printf("skipped: %s\n", sentence);
    return 77;
  }
  return Catch::Session().run(count, arguments);
}
