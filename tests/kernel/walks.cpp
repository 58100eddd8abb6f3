// SPDX-License-Identifier: MIT
// Batches and walks on the running kernel: whole, interrupted, without room, and while the map changes.
#include <numeric>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"

using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;

namespace {

hash filled(std::uint32_t entries) {
  auto created = hash::create({.name = "walk", .max_entries = entries});
  REQUIRE(created.has_value());
  std::vector<std::uint32_t> keys(entries);
  std::vector<std::uint64_t> values(entries);
  std::iota(keys.begin(), keys.end(), 0u);
  std::iota(values.begin(), values.end(), 1000u);
  const auto stored = created->update_batch(keys, values);
  REQUIRE(stored.has_value());
  REQUIRE(stored.count() == entries);
  return std::move(*created);
}

// How often each key came, and whether its value was the one that belongs to it.
template <class Range>
std::vector<int> seen(Range& range, std::uint32_t entries) {
  std::vector<int> times(entries);
  for (auto [key, value] : range) {
    REQUIRE(key < entries);
    REQUIRE(value == key + 1000);
    ++times[key];
  }
  return times;
}

}  // namespace

TEST_CASE("a walk passes every element exactly once, however many there are") {
  for (const std::uint32_t entries : {1u, 2u, 1000u, 20000u}) {
    CAPTURE(entries);
    const hash map = filled(entries);
    auto range = map.entries();

    CHECK(seen(range, entries) == std::vector<int>(entries, 1));
    CHECK(range.error() == nullptr);
    CHECK(seen(range, entries) == std::vector<int>(entries, 1));  // and again from the beginning
  }
}

TEST_CASE("a walk over an empty map ends at once") {
  const auto map = hash::create({.name = "empty", .max_entries = 8});
  REQUIRE(map.has_value());
  auto range = map->entries();

  CHECK(seen(range, 0).empty());
  CHECK(range.error() == nullptr);
}

TEST_CASE("a walk uses the storage of the caller, and does without any") {
  const hash map = filled(300);
  std::uint32_t keys[64];
  std::uint64_t values[64];
  auto lent = map.entries(keys, values);
  CHECK(seen(lent, 300) == std::vector<int>(300, 1));
  CHECK(lent.error() == nullptr);

  auto stepping = map.entries({}, {});
  CHECK(seen(stepping, 300) == std::vector<int>(300, 1));
  CHECK(stepping.error() == nullptr);
  CHECK(seen(stepping, 300) == std::vector<int>(300, 1));
}

TEST_CASE("where a bucket does not fit, the walk goes on one by one and misses nothing") {
  const hash map = filled(4000);
  std::uint32_t key[1];
  std::uint64_t value[1];
  auto range = map.entries(key, value);

  const std::vector<int> times = seen(range, 4000);

  CHECK(range.error() == nullptr);
  for (const int count : times) CHECK(count == 1);
}

TEST_CASE("the element at hand may be deleted, by batches and one by one") {
  for (const bool stepping : {false, true}) {
    CAPTURE(stepping);
    hash map = filled(500);
    std::uint32_t keys[32];
    std::uint64_t values[32];
    int passed = 0;
    auto range = stepping ? map.entries({}, {}) : map.entries(keys, values);
    for (auto [key, value] : range) {
      static_cast<void>(value);
      REQUIRE(map.delete_elem(key).has_value());
      ++passed;
    }
    CHECK(range.error() == nullptr);
    CHECK(passed == 500);
    CHECK(map.get_next_key().error().code == ENOENT);
  }
}

TEST_CASE("a walk ends and keeps what stays, while another process changes the map") {
  hash map = filled(2000);
  const pid_t child = fork();
  if (child == 0) {
    for (int round = 0; round < 200; ++round) {
      for (std::uint32_t key = 0; key < 1000; ++key) static_cast<void>(map.delete_elem(key));
      for (std::uint32_t key = 0; key < 1000; ++key) static_cast<void>(map.update_elem(key, key + 1000));
    }
    _exit(0);
  }
  for (int walk = 0; walk < 20; ++walk) {
    auto range = map.entries();
    const std::vector<int> times = seen(range, 2000);
    CHECK(range.error() == nullptr);
    for (std::size_t key = 1000; key < 2000; ++key) CHECK(times[key] == 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("a walk over a descriptor that is no map says so") {
  const barebpf::map<barebpf::map_type::hash, std::uint32_t, std::uint64_t> map(
      barebpf::untyped_map::borrow(STDIN_FILENO, barebpf::to_kernel_name("stdin")));
  auto range = map.entries();

  CHECK(seen(range, 0).empty());

  REQUIRE(range.error() != nullptr);
  CHECK(std::string(range.error()->name) == "stdin");
  CHECK(range.error()->code == EINVAL);
}

TEST_CASE("batches count what they did, also when they stop half-way") {
  hash map = filled(10);
  const std::uint32_t keys[] = {3, 4, 77, 5};
  const auto deleted = map.delete_batch(keys);
  REQUIRE_FALSE(deleted.has_value());
  CHECK(deleted.error().code == ENOENT);
  CHECK(deleted.count() == 2);
  CHECK(map.lookup_elem(5).value_or(0) == 1005);

  const std::uint32_t more[] = {3, 4, 100, 101};
  const std::uint64_t values[] = {1, 2, 3, 4};
  const auto stored = map.update_batch(more, values);
  REQUIRE_FALSE(stored.has_value());
  CHECK(stored.error().code == E2BIG);
  CHECK(stored.count() == 2);
}

TEST_CASE("a batch takes elements out of the map") {
  hash map = filled(100);
  barebpf::batch_cursor<std::uint32_t> cursor;
  std::vector<std::uint32_t> keys(128);
  std::vector<std::uint64_t> values(128);

  const auto taken = map.lookup_and_delete_batch(cursor, keys, values);

  REQUIRE(taken.has_value());
  CHECK(taken.count() == 100);
  CHECK(cursor.at_end());
  CHECK(map.lookup_and_delete_batch(cursor, keys, values).count() == 0);
  CHECK(map.get_next_key().error().code == ENOENT);
}

TEST_CASE("an element is taken out with its value", "[needs 5.14]") {
  hash map = filled(3);

  CHECK(map.lookup_and_delete_elem(1).value_or(0) == 1001);
  CHECK(map.lookup_and_delete_elem(1).error().code == ENOENT);
}

TEST_CASE("an LRU hash is never full, and a walk passes what is left") {
  auto recent =
      barebpf::lru_hash_map<std::uint32_t, std::uint64_t>::create({.name = "recent", .max_entries = 512});
  REQUIRE(recent.has_value());
  for (std::uint32_t key = 0; key < 5000; ++key) REQUIRE(recent->update_elem(key, key + 1000).has_value());
  auto range = recent->entries();

  const std::vector<int> times = seen(range, 5000);

  CHECK(range.error() == nullptr);
  CHECK(times[4999] == 1);
  CHECK(std::accumulate(times.begin(), times.end(), 0) <= 512);
  CHECK(std::accumulate(times.begin(), times.end(), 0) > 0);
}
