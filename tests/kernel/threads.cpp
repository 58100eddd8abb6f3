// SPDX-License-Identifier: MIT
// One map object under several threads, as the comments on the types allow: each writes keys of its own, all read all,
// and each walks with a range of its own.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"

using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;

namespace {

constexpr std::uint32_t writers = 3, keys_each = 256, rounds = 200;

// A value says which key it belongs to, so that a mixture of two would be seen.
constexpr std::uint64_t value_of(std::uint32_t key, std::uint32_t round) {
  return std::uint64_t{key} << 32 | round;
}

}  // namespace

TEST_CASE("threads that share a map see whole elements, and what each leaves is there") {
  auto made = hash::create({.name = "shared", .max_entries = writers * keys_each});
  REQUIRE(made.has_value());
  hash& map = *made;
  // Catch's macros are for one thread, so what goes wrong is counted.
  std::atomic<int> wrong = 0, walks = 0, working = writers;

  std::vector<std::thread> threads;
  for (std::uint32_t writer = 0; writer < writers; ++writer)
    threads.emplace_back([&, writer] {
      for (std::uint32_t round = 0; round < rounds; ++round)
        for (std::uint32_t at = 0; at < keys_each; ++at) {
          const std::uint32_t key = at * writers + writer;
          if (!map.update_elem(key, value_of(key, round))) ++wrong;
          if (map.lookup_elem(key).value_or(0) != value_of(key, round)) ++wrong;
          // An even key is taken out in all rounds but the last.
          if (key % 2 == 0 && round + 1 != rounds && !map.delete_elem(key)) ++wrong;
        }
      --working;
    });
  for (int reader = 0; reader < 2; ++reader)
    threads.emplace_back([&] {
      while (working != 0) {
        auto range = map.entries();
        for (auto [key, value] : range)
          if (value >> 32 != key || key >= writers * keys_each) ++wrong;
        if (range.error() != nullptr) ++wrong;
        ++walks;
      }
    });
  for (std::thread& thread : threads) thread.join();

  CHECK(wrong == 0);
  CHECK(walks > 0);
  std::uint32_t left = 0;
  auto range = map.entries();
  for (auto [key, value] : range) left += value == value_of(key, rounds - 1);
  CHECK(range.error() == nullptr);
  CHECK(left == writers * keys_each);
}

TEST_CASE("threads that make one pin at once end with one map and no descriptor more") {
  const std::string path = bpf_folder() + "/threads";
  const int before = open_descriptors();
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> waiting = 4, failed = 0;
    std::vector<barebpf::u32> ids(4);
    std::vector<std::thread> threads;
    for (barebpf::u32& id : ids)
      threads.emplace_back([&] {
        --waiting;
        while (waiting != 0) {
        }
        const auto map = hash::get_or_create(path, {.name = "threads", .max_entries = 4});
        const auto info = map ? map->info() : barebpf::result<barebpf::abi::map_info>(map.error());
        if (info)
          id = info->id;
        else
          ++failed;
      });
    for (std::thread& thread : threads) thread.join();
    CHECK(failed == 0);
    CHECK(ids == std::vector<barebpf::u32>(4, ids[0]));
    REQUIRE(barebpf::unpin(path).has_value());
  }
  CHECK(open_descriptors() == before);
}
