// SPDX-License-Identifier: MIT
// Values whose type only the running program knows.
#include <cstdint>
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../support/fake_machine.hpp"
#include "../support/library.hpp"
#include "../support/object_builder.hpp"

namespace {

using barebpf::cause;
using barebpf::dynamic_value;
using barebpf::text;

// struct value { char name[8]; double weight; unsigned count; float ratio; }, of 24 bytes.
struct value_types {
  file_image content;
  barebpf::btf types;
  std::vector<barebpf::u32> index;
  std::uint32_t value = 0;

  value_types() {
    btf_builder made;
    const auto character = made.integer("char", 1, 1), number = made.integer("unsigned int", 4, 0);
    value = made.structure("value", 24,
                           {{"name", made.array(character, number, 8)},
                            {"weight", made.floating("double", 8), 64},
                            {"count", number, 128},
                            {"ratio", made.floating("float", 4), 160}});
    content = made.content();
    REQUIRE_FALSE(barebpf::btf::open(window_on_numbers(content), 0, content.size(), types).failed());
    index.resize(types.index_size());
    types.build_index(index.data());
  }
};

}  // namespace

TEST_CASE("text and floating-point numbers go in and come out", "[map/dynamic]") {
  const value_types of;
  auto value = dynamic_value::of(of.types, of.value, 24);
  REQUIRE(value);

  CHECK(value->set("name", "curl"));
  CHECK(value->set("weight", 2.5));
  CHECK(value->set("count", 7));
  CHECK(value->set("ratio", 0.5));
  CHECK(to_string(value->get<text>("name").value_or("")) == "curl");
  CHECK(value->get<double>("weight").value_or(0) == 2.5);
  CHECK(value->get<float>("ratio").value_or(0) == 0.5f);
  CHECK(value->get<std::uint32_t>("count").value_or(0) == 7);
  CHECK(value->set("name", "of eight").has_value());
  CHECK(to_string(value->get<text>("name").value_or("")) == "of eight");
  CHECK(value->set("name", "much longer").error().why == cause::other_size);
  CHECK(value->get<float>("weight").error().why == cause::other_size);
  CHECK(value->get<text>("count").error().why == cause::other_sort);
  CHECK(value->get<bool>("count").error().why == cause::no_boolean);
}

TEST_CASE("a member behind the end of the map's value is none", "[map/dynamic]") {
  const value_types of;
  auto value = dynamic_value::of(of.types, of.value, 16);
  REQUIRE(value);

  CHECK(value->set("weight", 1.0));
  const auto refused = value->get<std::uint32_t>("count");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().why == cause::no_such_member);
  CHECK(std::string(refused.error().name) == "count");
}

TEST_CASE("a map with a value for each CPU has so many in one", "[map/dynamic]") {
  constexpr barebpf::u32 percpu_array = 6;
  const value_types of;
  fake_machine machine;
  machine.files["/sys/devices/system/cpu/possible"] = "0-2\n";
  const barebpf::dynamic_map map(
      barebpf::untyped_map::borrow(7, {}), of.types,
      {.type = percpu_array, .key_size = 4, .value_size = 24, .value_type = of.value});

  auto value = map.make_value();

  REQUIRE(value);
  CHECK(value->copies() == 3);
  CHECK(value->set("count", 5, 2));
  CHECK(value->get<std::uint32_t>("count", 2).value_or(0) == 5);
  CHECK(value->get<std::uint32_t>("count", 0).value_or(9) == 0);
  CHECK(value->get<std::uint32_t>("count", 3).error().why == cause::element_past_end);
  machine.files.clear();
  CHECK(map.make_value().error().at == barebpf::step::open_file);
}
