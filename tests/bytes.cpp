// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/library.hpp"

TEST_CASE("a window gives zero outside and never wraps around", "[bytes]") {
  const unsigned char image[] = {1, 2, 3, 4};
  const barebpf::bytes window(image, sizeof image);

  CHECK(window.read32(0) == 0x04030201);
  CHECK(window.read32(1) == 0);
  CHECK(window.read8(~0ull) == 0);
  CHECK_FALSE(window.holds(2, ~0ull));
}
