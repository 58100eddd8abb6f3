// SPDX-License-Identifier: MIT
// The records and numbers of floor 1 beside a <linux/bpf.h>: the machine's, which may be older than they are,
// or with BAREBPF_TEST_NEWEST the newest there is, which has to have them all.
#include "../support/kernel_types.hpp"

#ifdef BAREBPF_TEST_NEWEST
constexpr auto how = kernel_types::compare::both_ways;
#else
constexpr auto how = kernel_types::compare::theirs_in_us;
#endif

namespace {

const kernel_types::type_source& header() {
  static const kernel_types::type_source source(kernel_types::read_whole(BAREBPF_TEST_KERNEL_TYPES));
  return source;
}

}  // namespace

TEST_CASE("records and header have the same members in the same places", "[abi]") {
  CHECK(kernel_types::record_differences(header(), how) == "");
}

TEST_CASE("tables and header have the same numbers under the same names", "[abi]") {
  CHECK(kernel_types::number_differences(header(), how) == "");
}

TEST_CASE("no member of a record escapes the comparison", "[abi]") {
  CHECK(kernel_types::record_gaps() == "");
}

TEST_CASE("a step of an error below 256 is the command of its name", "[abi]") {
  const kernel_types::numbers commands = kernel_types::numbers_of<barebpf::abi::command>("");

  for (const auto& [name, value] : kernel_types::numbers_of<barebpf::step>("")) {
    CAPTURE(name);
    REQUIRE(commands.count(name) == 1);
    CHECK(commands.at(name) == value);
  }
}
