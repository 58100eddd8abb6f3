// SPDX-License-Identifier: MIT
#include <barebpf/barebpf.hpp>

#include "own.bpf.hpp"

static constexpr barebpf::static_object<own> object;

int main(int count, char**) {
  // Only the build is tested here: an argument would make it load the program.
  return count > 1 && !object.load().has_value();
}
