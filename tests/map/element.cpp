// SPDX-License-Identifier: MIT
#include <algorithm>
#include <type_traits>
#include <utility>

#include "../support/catch.hpp"
#include "../support/fake_machine.hpp"
#include "../support/library.hpp"

using barebpf::untyped_map;
using names = std::vector<std::string>;

namespace {

constexpr barebpf::kernel_name hits = barebpf::to_kernel_name("hits");

untyped_map own_new_map(fake_machine& machine) {
  return untyped_map::own(barebpf::fd::own(machine.open("map")), hits);
}

// The record of an element command without the four bytes behind the descriptor, which the kernel skips.
raw_bytes told(const seen_call& call) {
  raw_bytes out = call.attr;
  REQUIRE(out.size() >= 16);
  std::fill_n(out.begin() + 4, 4, static_cast<unsigned char>(0));
  return out;
}

}  // namespace

TEST_CASE("a map is created from exactly 72 bytes, each field in its place", "[map/element]") {
  fake_machine machine;
  const int types = machine.open("btf");
  const barebpf::abi::map_create attr{.map_type = 1,
                                      .key_size = 4,
                                      .value_size = 8,
                                      .max_entries = 64,
                                      .map_flags = 0x101,
                                      .inner_map_fd = 6,
                                      .numa_node = 7,
                                      .map_name = barebpf::to_kernel_name("fifteen_letters"),
                                      .map_ifindex = 9,
                                      .btf_fd = static_cast<barebpf::u32>(types),
                                      .btf_key_type_id = 11,
                                      .btf_value_type_id = 12,
                                      .btf_vmlinux_value_type_id = 13,
                                      .map_extra = 0x1122334455667788};

  CHECK(barebpf::create_map(attr) == 4);

  REQUIRE(machine.names() == names{"map_create"});
  CHECK(machine.calls[0].arguments[2] == 72);
  CHECK(machine.calls[0].attr == record(72)
                                     .u32(0, 1)
                                     .u32(4, 4)
                                     .u32(8, 8)
                                     .u32(12, 64)
                                     .u32(16, 0x101)
                                     .u32(20, 6)
                                     .u32(24, 7)
                                     .text(28, "fifteen_letters")
                                     .u32(44, 9)
                                     .u32(48, 3)
                                     .u32(52, 11)
                                     .u32(56, 12)
                                     .u32(60, 13)
                                     .u64(64, 0x1122334455667788));
  machine.forget(3);
  machine.forget(4);
}

TEST_CASE("a new map is moved away from the standard streams", "[map/element]") {
  fake_machine machine;
  machine.close_streams();

  CHECK(barebpf::create_map({.map_type = 1}) == 3);

  CHECK(machine.names() == names{"map_create", "fcntl", "close"});
  machine.forget(3);
}

TEST_CASE("a map that cannot be moved away is given back", "[map/element]") {
  fake_machine machine;
  machine.close_streams();
  machine.table_size = 2;

  CHECK(barebpf::create_map({.map_type = 1}) == -24);  // EMFILE

  CHECK(machine.names() == names{"map_create", "fcntl", "close"});
}

TEST_CASE("a lookup hands over 32 bytes: descriptor, key, value, flags", "[map/element]") {
  fake_machine machine;
  const untyped_map map = own_new_map(machine);
  const int key = 5;
  long value = 0;
  machine.refusals["map_lookup_elem"] = {ENOENT, ENOENT};

  CHECK(map.lookup_elem(&key, &value) == -2);
  CHECK(map.lookup_elem(&key, &value, 4) == -2);

  REQUIRE(machine.names() == names{"map_lookup_elem", "map_lookup_elem"});
  CHECK(machine.calls[0].arguments[2] == 32);
  CHECK(told(machine.calls[0]) == record(32).u32(0, 3).pointer(8, &key).pointer(16, &value));
  CHECK(told(machine.calls[1]) == record(32).u32(0, 3).pointer(8, &key).pointer(16, &value).u64(24, 4));
}

TEST_CASE("an update hands over 32 bytes: descriptor, key, value, flags", "[map/element]") {
  fake_machine machine;
  const untyped_map map = own_new_map(machine);
  const int key = 5;
  const long value = 6;
  machine.refusals["map_update_elem"] = {E2BIG};

  CHECK(map.update_elem(&key, &value, 2) == -7);

  REQUIRE(machine.names() == names{"map_update_elem"});
  CHECK(machine.calls[0].arguments[2] == 32);
  CHECK(told(machine.calls[0]) == record(32).u32(0, 3).pointer(8, &key).pointer(16, &value).u64(24, 2));
}

TEST_CASE("a deletion hands over 16 bytes and no flags", "[map/element]") {
  fake_machine machine;
  const untyped_map map = own_new_map(machine);
  const int key = 5;
  machine.refusals["map_delete_elem"] = {ENOENT};

  CHECK(map.delete_elem(&key) == -2);

  REQUIRE(machine.names() == names{"map_delete_elem"});
  CHECK(machine.calls[0].arguments[2] == 16);
  CHECK(told(machine.calls[0]) == record(16).u32(0, 3).pointer(8, &key));
}

TEST_CASE("the next key is asked for with 24 bytes, the first one without a key", "[map/element]") {
  fake_machine machine;
  const untyped_map map = own_new_map(machine);
  const int key = 5;
  int next = 0;
  machine.refusals["map_get_next_key"] = {ENOENT, ENOENT};

  CHECK(map.get_next_key(&key, &next) == -2);
  CHECK(map.get_next_key(nullptr, &next) == -2);

  REQUIRE(machine.names() == names{"map_get_next_key", "map_get_next_key"});
  CHECK(machine.calls[0].arguments[2] == 24);
  CHECK(told(machine.calls[0]) == record(24).u32(0, 3).pointer(8, &key).pointer(16, &next));
  CHECK(told(machine.calls[1]) == record(24).u32(0, 3).pointer(16, &next));
}

TEST_CASE("no byte of a record is left to chance", "[map/element]") {
  namespace abi = barebpf::abi;
  CHECK(std::has_unique_object_representations_v<abi::map_create>);
  CHECK(std::has_unique_object_representations_v<abi::map_elem>);
  CHECK(std::has_unique_object_representations_v<abi::map_key>);
  CHECK(std::has_unique_object_representations_v<abi::map_next_key>);
  CHECK(std::has_unique_object_representations_v<abi::prog_load>);
  CHECK(std::has_unique_object_representations_v<abi::btf_load>);
  CHECK(std::has_unique_object_representations_v<abi::link_create_perf_event>);
}

TEST_CASE("an owned map is closed once, however often it is moved", "[map/element]") {
  fake_machine machine;

  {
    untyped_map first = own_new_map(machine);
    const untyped_map second(std::move(first));
    CHECK(second.descriptor().number() == 3);
    CHECK_FALSE(first.descriptor().is_open());
    CHECK(machine.names() == names{});
  }

  CHECK(machine.names() == names{"close"});
}

TEST_CASE("a borrowed map is never closed, however often it is moved", "[map/element]") {
  fake_machine machine;
  const int number = machine.open("map");

  {
    untyped_map first = untyped_map::borrow(number, hits);
    untyped_map second(std::move(first));
    untyped_map third = untyped_map::borrow(number, hits);
    third = std::move(second);
    CHECK(third.descriptor().number() == 3);
    CHECK(barebpf::text(third.map_name()) == "hits");
  }

  CHECK(machine.names() == names{});
  machine.forget(number);
}

TEST_CASE("an owned map that replaces a borrowed one is closed, and the borrowed one is not",
          "[map/element]") {
  fake_machine machine;
  const int borrowed = machine.open("borrowed map");

  {
    untyped_map map = untyped_map::borrow(borrowed, barebpf::to_kernel_name("lent"));
    map = own_new_map(machine);
    CHECK(map.descriptor().number() == 4);
    CHECK(barebpf::text(map.map_name()) == "hits");
  }

  CHECK(machine.names() == names{"close"});
  CHECK(machine.left_open() == names{"borrowed map"});
  machine.forget(borrowed);
}

TEST_CASE("a borrowed map that replaces an owned one is not closed, and the owned one is", "[map/element]") {
  fake_machine machine;
  const int borrowed = machine.open("borrowed map");

  {
    untyped_map map = own_new_map(machine);
    map = untyped_map::borrow(borrowed, barebpf::to_kernel_name("lent"));
    CHECK(map.descriptor().number() == 3);
    CHECK(barebpf::text(map.map_name()) == "lent");
  }

  CHECK(machine.names() == names{"close"});
  CHECK(machine.calls[0].arguments[0] == 4);
  machine.forget(borrowed);
}

TEST_CASE("a moved-from untyped map reaches no map of the kernel", "[map/element]") {
  fake_machine machine;
  untyped_map source = own_new_map(machine);
  const untyped_map target(std::move(source));
  const int key = 0;

  CHECK(source.delete_elem(&key) == -9);  // EBADF

  CHECK(machine.calls[0].u32(0) == 0xffffffffu);
}

TEST_CASE("an untyped map cannot be copied", "[map/element]") {
  CHECK_FALSE(std::is_copy_constructible_v<untyped_map>);
  CHECK_FALSE(std::is_copy_assignable_v<untyped_map>);
}
