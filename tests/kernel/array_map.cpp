// SPDX-License-Identifier: MIT
// An array on the running kernel: slots, freezing, and its values as memory of this process.
#include <utility>

#include "../support/catch.hpp"
#include "../support/live.hpp"

using barebpf::map_flag;
using barebpf::update;
using array = barebpf::array_map<std::uint64_t>;

TEST_CASE("every slot of an array is there from the beginning") {
  auto slots = array::create({.name = "slots", .max_entries = 4});
  REQUIRE(slots.has_value());

  CHECK(slots->lookup_elem(3).value_or(9) == 0);
  REQUIRE(slots->update_elem(3, 30).has_value());
  CHECK(slots->lookup_elem(3).value_or(0) == 30);
  CHECK(slots->lookup_elem(4).error().code == ENOENT);
  CHECK(slots->update_elem(4, 40).error().code == E2BIG);
  CHECK(slots->update_elem(3, 40, update::noexist).error().code == EEXIST);
}

TEST_CASE("what is written through the mapping is in the map, and the other way round") {
  const int before = open_descriptors();
  auto slots = array::create({.name = "slots", .max_entries = 600, .map_flags = map_flag::mmapable});
  REQUIRE(slots.has_value());
  auto values = slots->map_values();
  INFO((values ? std::string() : sentence(values.error())));
  REQUIRE(values.has_value());
  REQUIRE(values->size() == 600);

  (*values)[599] = 7;
  CHECK(slots->lookup_elem(599).value_or(0) == 7);
  REQUIRE(slots->update_elem(0, 8).has_value());
  CHECK(values->values().front() == 8);
  CHECK(slots->freeze().error().code == EBUSY);
  *values = std::move(*slots->map_values());
  CHECK((*values)[599] == 7);
  CHECK(open_descriptors() == before + 1);
}

TEST_CASE("a frozen array can be read and mapped, and written no more") {
  auto slots = array::create({.name = "slots", .max_entries = 4, .map_flags = map_flag::mmapable});
  REQUIRE(slots.has_value());
  REQUIRE(slots->update_elem(1, 11).has_value());

  REQUIRE(slots->freeze().has_value());

  CHECK(slots->update_elem(1, 12).error().code == EPERM);
  CHECK(slots->freeze().error().code == (barebpf::running_kernel() < barebpf::kernel(6, 5) ? EBUSY : EPERM));
  CHECK(slots->map_values().error().code == EPERM);
  const auto& frozen = *slots;
  const auto values = frozen.map_values();
  REQUIRE(values.has_value());
  CHECK((*values)[1] == 11);
}

TEST_CASE("an array that programs may only read is mapped for reading only") {
  auto slots = array::create(
      {.name = "slots", .max_entries = 4, .map_flags = map_flag::mmapable | map_flag::rdonly_prog});
  REQUIRE(slots.has_value());
  REQUIRE(slots->update_elem(1, 11).has_value());

  CHECK(is_explained(slots->map_values().error(), barebpf::step::map_memory, EACCES));
  const auto values = std::as_const(*slots).map_values();
  REQUIRE(values.has_value());
  CHECK((*values)[1] == 11);
}

TEST_CASE("an array without the flag cannot be mapped") {
  auto slots = array::create({.name = "slots", .max_entries = 4});
  REQUIRE(slots.has_value());

  const auto refused = slots->map_values();

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == EINVAL);
  CHECK(is_explained(refused.error(), barebpf::step::map_memory, EINVAL));
}
