// SPDX-License-Identifier: MIT
// The map types that no program can use here, or that are made otherwise: each says why.
#include "../support/catch.hpp"
#include "../support/live.hpp"

using barebpf::cause;

TEST_CASE("struct_ops: without a type of the kernel there is no such map") {
  using wrapper = std::uint64_t[8];
  struct eight {
    wrapper words;
  };
  const auto nothing = barebpf::struct_ops_map<eight>::create({.name = "nothing", .max_entries = 1});
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().at == barebpf::step::map_create);
  CHECK(barebpf::struct_ops_map<eight>::create({.name = "two", .max_entries = 2}).error().why ==
        cause::one_entry);
}

TEST_CASE("insn_array: the kernel has it, or it is said from when on") {
  auto made = barebpf::insn_array_map::create({.name = "targets", .max_entries = 2});
  if (barebpf::running_kernel() < barebpf::kernel(6, 19)) {
    CHECK(made.error().why == cause::newer_map_type);
    CHECK(sentence(made.error()).find("'targets'") != std::string::npos);
    return;
  }
  REQUIRE(made.has_value());
  REQUIRE(made->update_elem(0, {.original = 3}).has_value());
  CHECK(made->lookup_elem(0)->original == 3);
}

TEST_CASE("rhash: the kernel has it, or it is said from when on") {
  auto made =
      barebpf::rhash_map<std::uint32_t, std::uint64_t>::create({.name = "table", .max_entries = 1024});
  if (barebpf::running_kernel() < barebpf::kernel(7, 2)) {
    CHECK(made.error().why == cause::newer_map_type);
    CHECK(sentence(made.error()).find("'table'") != std::string::npos);
    return;
  }
  REQUIRE(made.has_value());
  for (std::uint32_t key = 0; key < 100; ++key) REQUIRE(made->update_elem(key, key).has_value());
  std::uint32_t seen = 0;
  auto entries = made->entries();
  for (const auto one : entries) seen += one.value == one.key ? 1 : 0;
  CHECK(seen == 100);
}
