// SPDX-License-Identifier: MIT
// Asks the kernel, before the first kernel test, whether it lets this process make a map.
#include "library.hpp"

extern "C" const char* reason_to_skip();

extern "C" const char* reason_to_skip() {
  const auto probe = barebpf::hash_map<int, int>::create({.name = "probe", .max_entries = 1});
  static char sentence[512];
  if (probe) return nullptr;
  describe(probe.error(), sentence);
  return sentence;
}
