// SPDX-License-Identifier: MIT
// The records and numbers of floor 1 beside those of the kernel that runs, as its own BTF tells them.
#include "../support/kernel_types.hpp"

namespace {

const kernel_types::type_source& running_kernel() {
  static const kernel_types::type_source source(
      kernel_types::object_around(kernel_types::read_whole("/sys/kernel/btf/vmlinux")));
  return source;
}

}  // namespace

TEST_CASE("the running kernel's members lie where the records have them") {
  CHECK(kernel_types::record_differences(running_kernel(), kernel_types::compare::theirs_in_us) == "");
}

TEST_CASE("the running kernel's numbers are in the tables") {
  CHECK(kernel_types::number_differences(running_kernel(), kernel_types::compare::theirs_in_us) == "");
}
