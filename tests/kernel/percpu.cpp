// SPDX-License-Identifier: MIT
// Values that each CPU has for itself: a program counts on one CPU after the other, and user space sees them apart,
// writes them, takes them, walks over them and copies them in batches.
#include <sched.h>

#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "percpu.bpf.hpp"

namespace {

constexpr barebpf::static_object<percpu> object;

// Calls getpgid so often on this CPU; false where it cannot run there.
bool call_on(unsigned cpu, int times) {
  cpu_set_t before, only;
  sched_getaffinity(0, sizeof before, &before);
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (sched_setaffinity(0, sizeof only, &only) != 0) return false;
  for (int i = 0; i < times; ++i) static_cast<void>(getpgid(0));
  return sched_setaffinity(0, sizeof before, &before) == 0;
}

// What the program counted, on CPU 0 and on the last one.
template <class Map>
void counts_apart(Map map) {
  const auto cpus = barebpf::possible_cpus();
  REQUIRE(cpus.has_value());
  const unsigned last = static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN)) - 1;

  REQUIRE(call_on(0, 3));
  REQUIRE(call_on(last, 4));

  const auto counted = map.lookup_elem(1);
  INFO((counted ? std::string() : sentence(counted.error())));
  REQUIRE(counted.has_value());
  REQUIRE(counted->cpus() == *cpus);
  CHECK((*counted)[0] == (last == 0 ? 7 : 3));
  CHECK((*counted)[last] == (last == 0 ? 7 : 4));
  CHECK(counted->sum() == 7);

  auto changed = barebpf::per_cpu_values<std::uint32_t>::make();
  REQUIRE(changed.has_value());
  changed->fill(100);
  REQUIRE(map.update_elem(1, *changed).has_value());
  REQUIRE(call_on(0, 1));
  REQUIRE(map.lookup_elem(1, *changed).has_value());
  CHECK((*changed)[0] == 101);
  CHECK(changed->sum() == 100 * *cpus + 1);
}

template <class Map>
Map filled(std::uint32_t entries) {
  auto made = Map::create({.name = "percpu", .max_entries = entries});
  REQUIRE(made.has_value());
  auto values = barebpf::per_cpu_values<std::uint32_t>::make(entries);
  REQUIRE(values.has_value());
  std::vector<std::uint32_t> keys(entries);
  for (std::uint32_t key = 0; key < entries; ++key) {
    keys[key] = key;
    for (barebpf::u32 cpu = 0; cpu < values->cpus(); ++cpu) values->at(cpu, key) = key * 1000 + cpu;
  }
  const auto stored = made->update_batch(keys, *values);
  REQUIRE(stored.has_value());
  REQUIRE(stored.count() == entries);
  return std::move(*made);
}

// A walk with so much room passes each element once, with every CPU's own value.
template <class Map>
void walks(const Map& map, std::uint32_t entries, std::uint32_t room) {
  auto storage = barebpf::per_cpu_values<std::uint32_t>::make(room);
  REQUIRE(storage.has_value());
  std::vector<std::uint32_t> keys(room);
  std::vector<int> times(entries);
  auto range = map.entries(keys, *storage);
  for (const auto& [key, values] : range) {
    REQUIRE(key < entries);
    ++times[key];
    for (barebpf::u32 cpu = 0; cpu < values.size(); ++cpu) CHECK(values[cpu] == key * 1000 + cpu);
  }
  CHECK(range.error() == nullptr);
  CHECK(times == std::vector<int>(entries, 1));
}

// Does `look` while the program counts.
template <class Function>
void counting(Function look) {
  const auto loaded = load_for_this_process(object);
  const auto link = loaded->template attach<"counts">();
  REQUIRE(link.has_value());
  look(*loaded);
}

}  // namespace

TEST_CASE("percpu_hash: a program counts for each CPU apart") {
  counting([](const auto& loaded) {
    counts_apart(loaded.template map<"in_hash", std::uint32_t, std::uint32_t>());
  });
}
TEST_CASE("percpu_array: a program counts for each CPU apart") {
  counting([](const auto& loaded) {
    counts_apart(loaded.template map<"in_array", std::uint32_t, std::uint32_t>());
  });
}
TEST_CASE("lru_percpu_hash: a program counts for each CPU apart") {
  counting([](const auto& loaded) {
    counts_apart(loaded.template map<"in_lru_hash", std::uint32_t, std::uint32_t>());
  });
}

TEST_CASE("a walk over values of all CPUs passes each element once, by batches and one by one",
          "[needs 5.13]") {
  const auto hash = filled<barebpf::percpu_hash_map<std::uint32_t, std::uint32_t>>(500);
  const auto array = filled<barebpf::percpu_array_map<std::uint32_t>>(500);
  for (const std::uint32_t room : {1u, 64u, 1000u}) {
    CAPTURE(room);
    walks(hash, 500, room);
    walks(array, 500, room);
  }
}

TEST_CASE("an element of all CPUs is taken out, and an array's stays", "[needs 5.14]") {
  auto hash = filled<barebpf::percpu_hash_map<std::uint32_t, std::uint32_t>>(4);
  const auto taken = hash.lookup_and_delete_elem(3);
  REQUIRE(taken.has_value());
  CHECK((*taken)[0] == 3000);
  CHECK(hash.lookup_elem(3).error().code == ENOENT);
  const auto again = hash.lookup_and_delete_elem(3);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().at == barebpf::step::map_lookup_and_delete_elem);
  CHECK(again.error().code == ENOENT);

  barebpf::batch_cursor<std::uint32_t> cursor;
  std::vector<std::uint32_t> keys(8);
  auto values = barebpf::per_cpu_values<std::uint32_t>::make(8);
  REQUIRE(values.has_value());
  const auto rest = hash.lookup_and_delete_batch(cursor, keys, *values);
  CHECK(rest.count() == 3);
  CHECK(values->at(0, 0) == keys[0] * 1000);
  CHECK(hash.get_next_key().error().code == ENOENT);
}

TEST_CASE("a map of all CPUs' values is not taken for a plain one, nor the other way round") {
  const auto hash = filled<barebpf::percpu_hash_map<std::uint32_t, std::uint32_t>>(4);
  const auto id = hash.info()->id;

  CHECK(barebpf::hash_map<std::uint32_t, std::uint32_t>::from_id(id).error().why ==
        barebpf::cause::another_map);
  CHECK(barebpf::percpu_hash_map<std::uint32_t, std::uint32_t>::from_id(id).has_value());
}
