// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

TEST_CASE("kernel versions compare like versions", "[kinds]") {
  static_assert(barebpf::kernel(5, 15) == 0x050f00);

  CHECK(barebpf::kernel(3, 19) < barebpf::kernel(4, 4));
  CHECK(barebpf::kernel(5, 4) < barebpf::kernel(5, 15));
  CHECK(barebpf::kernel(5, 255) < barebpf::kernel(6, 0));
}

TEST_CASE("a hash map can do everything with its elements since Linux 3.19", "[kinds]") {
  const barebpf::map_kind hash = barebpf::kind_of(barebpf::map_type::hash);

  CHECK(to_string(hash.type_name) == "hash");
  CHECK(hash.first_kernel == 0x031300);
  CHECK(hash.operations == 15);
  CHECK(hash.hashes_the_key);
}

TEST_CASE("a map type without a row is not found", "[kinds]") {
  CHECK(barebpf::kind_of(barebpf::map_type::unspec).type_name.empty());
  CHECK(barebpf::kind_of(static_cast<barebpf::map_type>(9999)).type == barebpf::map_type::unspec);
}

TEST_CASE("each map type has one row at most", "[kinds]") {
  for (const barebpf::map_kind& kind : barebpf::map_kinds) {
    CHECK(barebpf::kind_of(kind.type).type_name.data() == kind.type_name.data());
    CHECK_FALSE(kind.type_name.empty());
  }
}
