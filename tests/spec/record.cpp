// SPDX-License-Identifier: MIT
#include "../support/catch.hpp"
#include "../support/library.hpp"
#include "../support/object_builder.hpp"
#include "../support/reading.hpp"

namespace {

std::string map_name(barebpf::text object, barebpf::text section) {
  return to_string(barebpf::data_map_name(object, section));
}
std::string object_name(barebpf::text path) { return to_string(barebpf::object_name_of(path)); }

}  // namespace

TEST_CASE("a map of variables is called after its object and its section, as libbpf does it",
          "[spec/record]") {
  CHECK(map_name("my_object_name", ".rodata") == "my_objec.rodata");
  CHECK(map_name("my_object_name", ".data") == "my_objec.data");
  CHECK(map_name("my_object_name", ".bss") == "my_objec.bss");
  CHECK(map_name("short", ".rodata") == "short.rodata");
  CHECK(map_name("eight_ch", ".bss") == "eight_ch.bss");
  CHECK(map_name("", ".bss") == ".bss");
}

TEST_CASE("a section with a second dot takes no prefix", "[spec/record]") {
  CHECK(map_name("my_object_name", ".rodata.foo") == ".rodata.foo");
  CHECK(map_name("my_object_name", ".data.x") == ".data.x");
  CHECK(map_name("my_object_name", ".rodata.a_very_long_one") == ".rodata.a_very_");
}

TEST_CASE("characters that the kernel refuses become underscores", "[spec/record]") {
  CHECK(map_name("my-obj", ".data") == "my_obj.data");
  CHECK(map_name("a b", ".rodata.x-y") == ".rodata.x_y");
}

TEST_CASE("an object is called after its source, up to the first dot", "[spec/record]") {
  CHECK(object_name("counter.bpf.c") == "counter");
  CHECK(object_name("/src/my.progs/counter.bpf.c") == "counter");
  CHECK(object_name("../progs/plain") == "plain");
  CHECK(object_name("a_name_of_more_than_fifteen.c") == "a_name_of_more_");
  CHECK(object_name("folder/").empty());
  CHECK(object_name(".hidden").empty());
  CHECK(object_name("").empty());
}

TEST_CASE("the name of an object is read from its file, and there may be none", "[spec/record]") {
  const unsigned char characters[] = "?/somewhere/x.bpf.c";
  const barebpf::bytes image(characters, sizeof characters);

  CHECK(to_string(barebpf::object_name_at(image, 1)) == "x");
  CHECK(to_string(barebpf::object_name_at(image, 0)).empty());
  CHECK(to_string(barebpf::object_name_at(image, 1000)).empty());
}

TEST_CASE("the kernel is told the object's name in front of a section of variables alone", "[spec/record]") {
  const unsigned char characters[] = ".rodata";
  const barebpf::bytes image(characters, sizeof characters);
  barebpf::map_spec map{.type = 2, .key_size = 4, .value_size = 12, .max_entries = 1, .map_flags = 128};

  CHECK(to_string(to_map_create(image, map, "object").map_name) == ".rodata");
  map.origin = barebpf::map_origin::read_only_data;
  const barebpf::abi::map_create create = to_map_create(image, map, "object");
  CHECK(to_string(create.map_name) == "object.rodata");
  CHECK(create.map_type == 2);
  CHECK(create.key_size == 4);
  CHECK(create.value_size == 12);
  CHECK(create.max_entries == 1);
  CHECK(create.map_flags == 128);
}

TEST_CASE("the source file of an object is the first that its symbols name", "[spec/record]") {
  hits_object made;
  made.more_symbols = {{"first.bpf.c", 0x04, 0xfff1, 0, 0}, {"second.c", 0x04, 0xfff1, 0, 0}};
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.name_at(object.facts.source) == "first.bpf.c");
  CHECK(to_string(barebpf::object_name_at(object.facts.image, object.facts.source)) == "first");
}

TEST_CASE("an object whose symbols name no source file has no source", "[spec/record]") {
  hits_object made;
  const file_image& image = made.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.facts.source == 0);
}

TEST_CASE("records are sorted by their place, whatever order they come in", "[spec/record]") {
  // Every order of a few, and a long list that runs backwards and one that is scattered.
  const auto is_sorted = [](std::vector<barebpf::reference> list) {
    const auto before = list.size();
    std::uint64_t sum = 0;
    for (const auto& one : list) sum += one.at * 31 + one.target;
    barebpf::detail::sort_by_place(list.data(), static_cast<std::uint32_t>(before));
    for (std::size_t i = 0; i < before; ++i) {
      sum -= list[i].at * 31 + list[i].target;
      if (list[i].at != list[i].target || (i != 0 && list[i - 1].at > list[i].at)) return false;
    }
    return sum == 0;
  };
  const auto list_of = [](const std::vector<std::uint32_t>& places) {
    std::vector<barebpf::reference> out;
    for (const std::uint32_t place : places) out.push_back({.at = place, .target = place});
    return out;
  };
  std::vector<std::uint32_t> few = {0, 1, 2, 2, 3, 5};
  do CHECK(is_sorted(list_of(few)));
  while (std::next_permutation(few.begin(), few.end()));
  std::vector<std::uint32_t> backwards, scattered;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    backwards.push_back(1000 - i);
    scattered.push_back(i * 7919 % 1009);
  }
  CHECK(is_sorted(list_of(backwards)));
  CHECK(is_sorted(list_of(scattered)));
  CHECK(is_sorted({}));
}

TEST_CASE("the first record from a place on is found by halving", "[spec/record]") {
  std::vector<barebpf::reference> list;
  for (const std::uint32_t place : {8u, 8u, 24u, 40u, 40u, 40u, 48u}) list.push_back({.at = place});
  for (std::uint32_t count = 0; count <= list.size(); ++count)
    for (std::uint64_t place = 0; place < 60; ++place) {
      CAPTURE(count, place);
      std::uint32_t expected = 0;
      while (expected < count && list[expected].at < place) ++expected;
      CHECK(barebpf::detail::lower_bound_of_place(list.data(), count, place) == expected);
    }
}

TEST_CASE("what is looked for by name is found, and nothing else", "[spec/record]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());
  const auto find = [&](barebpf::text wanted) {
    return find_named(counter.facts.image, counter.maps->data(), 1, wanted);
  };

  CHECK(find("hash_map") == 0);
  CHECK(find("hash") == 0xffffffff);
  CHECK(find("hash_maps") == 0xffffffff);
  CHECK(find("") == barebpf::not_found);
}

TEST_CASE("the kernel is told what the object says of a map", "[spec/record]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());
  barebpf::map_spec map = counter.map(0);
  map.map_flags = 1;
  map.numa_node = 2;
  map.map_extra = 3;

  const barebpf::abi::map_create create = to_map_create(counter.facts.image, map, "counter");

  CHECK(create.map_type == 1);
  CHECK(create.key_size == 4);
  CHECK(create.value_size == 8);
  CHECK(create.max_entries == 4);
  CHECK(create.map_flags == 1);
  CHECK(create.numa_node == 2);
  CHECK(create.map_extra == 3);
  CHECK(to_string(create.map_name) == "hash_map");
  CHECK(create.inner_map_fd == 0);
  CHECK(create.btf_fd == 0);
  CHECK(create.btf_key_type_id == 0);
  CHECK(create.btf_value_type_id == 0);
}

TEST_CASE("a name in the file becomes one that the kernel takes", "[spec/record]") {
  const unsigned char name[] = "a-name-of-more-than-fifteen";
  const barebpf::bytes image(name, sizeof name);

  CHECK(to_string(kernel_name_at(image, 0)) == "a_name_of_more_");
  CHECK(to_string(kernel_name_at(image, 99)).empty());
}

TEST_CASE("the pattern for the maps in a map bears that one's name as far as there is room",
          "[spec/record]") {
  const auto name_of = [](barebpf::text outer) {
    return std::string(inner_map_name(barebpf::to_kernel_name(outer)).characters);
  };

  CHECK(name_of("pages") == "pages_inner");
  CHECK(name_of("ninechars") == "ninechars_inner");
  CHECK(name_of("tencharsxx") == "tencharsx_inner");
  CHECK(name_of("fifteencharsxyz") == "fifteench_inner");
  CHECK(name_of("") == "_inner");
}
