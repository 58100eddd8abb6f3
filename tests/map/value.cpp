// SPDX-License-Identifier: MIT
// What goes into maps whose values are no plain bytes, byte by byte, and what comes out of them.
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../support/catch.hpp"
#include "../support/fake_machine.hpp"
#include "../support/library.hpp"

namespace {

template <class Map>
using looked_up = typename decltype(std::declval<const Map&>().lookup_elem(
    std::declval<const typename Map::key_type&>()))::value_type;

raw_bytes bytes_of(std::uint32_t first) { return record(4).u32(0, first); }
raw_bytes bytes_of(std::uint32_t first, std::uint32_t second) {
  return record(8).u32(0, first).u32(4, second);
}

// A user's own type that happens to have members of these names.
struct ruled {
  int rule;
  int answer;
};

}  // namespace

TEST_CASE("what stands for something of the kernel's comes out as something else", "[map]") {
  static_assert(std::is_same_v<looked_up<barebpf::prog_array_map>, barebpf::program_id>);
  using inner = barebpf::array_map<long>;
  static_assert(std::is_same_v<looked_up<barebpf::array_of_maps<inner>>, barebpf::map_id<inner>>);
  static_assert(std::is_same_v<looked_up<barebpf::sockmap<>>, barebpf::socket_cookie>);
  static_assert(std::is_same_v<looked_up<barebpf::devmap<>>, barebpf::device>);
  static_assert(std::is_same_v<looked_up<barebpf::devmap<barebpf::device_and_program>>,
                               barebpf::device_and_program::answer>);
  static_assert(std::is_same_v<looked_up<barebpf::stack_trace_map<16>>, barebpf::stack_addresses<16>>);
  static_assert(std::is_same_v<looked_up<barebpf::hash_map<int, ruled>>, ruled>);
  static_assert(sizeof(barebpf::short_socket_fd) == 4 && sizeof(barebpf::socket_fd) == 8);
  static_assert(sizeof(barebpf::stack_build_ids<4>) == 4 * 32 && sizeof(barebpf::instruction_place) == 16);
  static_assert(sizeof(barebpf::cgroup_storage_key) == 16);
  SUCCEED();
}

TEST_CASE("descriptors go in by number, by their owner, and by a map", "[map]") {
  fake_machine machine;
  auto slots = barebpf::prog_array_map::create({.name = "slots", .max_entries = 4});
  auto maps = barebpf::array_of_maps<barebpf::array_map<int>>::create({.name = "maps", .max_entries = 4});
  const auto inner = barebpf::array_map<int>::create({.name = "inner", .max_entries = 1});
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));
  machine.calls.clear();

  REQUIRE(slots->update_elem(1, program));
  REQUIRE(slots->update_elem(2, program.number()));
  REQUIRE(maps->update_elem(0, *inner));

  const raw_bytes raw = bytes_of(program.raw());
  CHECK(machine.calls[0].value == raw);
  CHECK(machine.calls[1].value == raw);
  CHECK(machine.calls[2].value == bytes_of(inner->descriptor().raw()));
  CHECK(slots->lookup_elem(1)->id == program.raw());  // this kernel gives back what it got
}

TEST_CASE("an interface, a queue and a socket go in with what belongs to them", "[map]") {
  fake_machine machine;
  auto devices = barebpf::devmap<>::create({.name = "devices", .max_entries = 4});
  auto both = barebpf::devmap_hash<barebpf::device_and_program>::create({.name = "both", .max_entries = 4});
  auto cpus = barebpf::cpumap<barebpf::cpu_queue_and_program>::create({.name = "cpus", .max_entries = 4});
  auto sockets = barebpf::sockhash<std::uint16_t>::create({.name = "sockets", .max_entries = 4});
  machine.calls.clear();

  REQUIRE(devices->update_elem(0, {.ifindex = 7}));
  REQUIRE(both->update_elem(70, {.ifindex = 7}));
  REQUIRE(cpus->update_elem(1, {.queue_size = 192, .program = 12}));
  REQUIRE(sockets->update_elem(80, 9, barebpf::update::noexist));

  CHECK(machine.calls[0].value == bytes_of(7));
  CHECK(machine.calls[1].value == bytes_of(7, 0xffffffff));
  CHECK(machine.calls[2].value == bytes_of(192, 12));
  CHECK(machine.calls[3].value == bytes_of(9, 0));
  CHECK(machine.calls[3].u64(24) == 1);
}

TEST_CASE("a lock and a CPU are asked for in the flags", "[map]") {
  fake_machine machine;
  auto values = barebpf::hash_map<int, std::uint64_t>::create({.name = "values", .max_entries = 4});
  auto each = barebpf::percpu_hash_map<int, std::uint64_t>::create({.name = "each", .max_entries = 4});
  machine.calls.clear();
  const auto flags = [&machine] { return machine.calls.back().u64(24); };

  static_cast<void>(values->update_elem(1, 5, barebpf::under_lock));
  CHECK(flags() == 4);
  static_cast<void>(values->update_elem(1, 5, barebpf::under_lock, barebpf::update::exist));
  CHECK(flags() == 6);
  static_cast<void>(values->lookup_elem(1, barebpf::under_lock));
  CHECK(flags() == 4);
  static_cast<void>(each->update_elem(1, 5, barebpf::on_cpu{3}));
  CHECK(flags() == (std::uint64_t{3} << 32 | 8));
  static_cast<void>(each->update_elem(1, 5, barebpf::on_all_cpus, barebpf::update::noexist));
  CHECK(flags() == 17);
  static_cast<void>(each->lookup_elem(1, barebpf::on_cpu{1}));
  CHECK(flags() == (std::uint64_t{1} << 32 | 8));
}

TEST_CASE("a map of maps is created after an example, a ring without sizes", "[map]") {
  fake_machine machine;
  const auto inner = barebpf::array_map<int>::create({.name = "inner", .max_entries = 1});
  machine.calls.clear();

  static_cast<void>(barebpf::hash_of_maps<std::uint16_t, barebpf::array_map<int>>::create(
      {.name = "maps", .max_entries = 4, .inner_map = inner->descriptor().number()}));
  CHECK(machine.calls[0].attr == record(72)
                                     .u32(0, 13)
                                     .u32(4, 2)
                                     .u32(8, 4)
                                     .u32(12, 4)
                                     .u32(20, inner->descriptor().raw())
                                     .text(28, "maps"));
  machine.calls.clear();
  static_cast<void>(barebpf::ringbuf_map::create({.name = "ring", .max_entries = 4096}));
  CHECK(machine.calls[0].attr == record(72).u32(0, 27).u32(12, 4096).text(28, "ring"));
}

TEST_CASE("a map of build ids has the flag of its values, and no map of addresses takes it", "[map]") {
  fake_machine machine;
  static_cast<void>(barebpf::stack_build_id_map<4>::create({.name = "ids", .max_entries = 8}));
  CHECK(machine.calls[0].attr ==
        record(72).u32(0, 7).u32(4, 4).u32(8, 128).u32(12, 8).u32(16, 32).text(28, "ids"));
  machine.calls.clear();
  const auto wrong = barebpf::stack_trace_map<16>::create(
      {.name = "wrong", .max_entries = 8, .map_flags = barebpf::map_flag::stack_build_id});
  CHECK(wrong.error().why == barebpf::cause::stack_of_build_ids);
  CHECK(machine.calls.empty());
}

TEST_CASE("a stack ends at its first empty place", "[map]") {
  const barebpf::stack_addresses<4> some{{5, 6, 0, 0}}, all{{1, 2, 3, 4}};
  CHECK(some.addresses().size() == 2);
  CHECK(all.addresses().size() == 4);
  CHECK(barebpf::stack_addresses<4>{}.addresses().empty());

  barebpf::stack_build_ids<2> places;
  CHECK(places.places().empty());
  places.list[0].status = barebpf::build_id_place::state::address;
  CHECK(places.places().size() == 1);
}
