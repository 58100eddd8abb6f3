// SPDX-License-Identifier: MIT
// A hash, an array and an LRU hash that a program writes while user space reads them.
#include <set>
#include <thread>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "elements.bpf.hpp"

namespace {

constexpr barebpf::static_object<elements> object;

auto load() { return load_for_this_process(object); }

// Makes a program count under `key`, or delete it.
void count(std::uint32_t key) { static_cast<void>(getpgid(static_cast<pid_t>(key))); }
void erase(std::uint32_t key) { static_cast<void>(getsid(static_cast<pid_t>(key))); }

}  // namespace

TEST_CASE("hash: a program deletes while user space walks over it") {
  const auto loaded = load();
  const auto counting = loaded->attach<"counts_keys">();
  const auto deleting = loaded->attach<"deletes_keys">();
  REQUIRE(counting.has_value());
  REQUIRE(deleting.has_value());
  auto counts = loaded->map<"counts", std::uint32_t, std::uint64_t>();
  constexpr std::uint32_t keys = 2000;  // odd ones stay, even ones go during the walk
  const auto walk = [&](auto&& entries) {
    for (std::uint32_t key = 1; key <= keys; ++key)
      if (!counts.lookup_elem(key)) count(key);
    std::multiset<std::uint32_t> seen;
    std::uint32_t next = 2;
    for (auto [key, value] : entries) {
      CHECK(value == 1);
      seen.insert(key);
      if (next <= keys) erase(next), next += 2;
    }
    CHECK(entries.error() == nullptr);
    std::uint32_t missed = 0;
    for (std::uint32_t key = 1; key <= keys; key += 2) missed += seen.count(key) == 0 ? 1u : 0u;
    CHECK(missed == 0);
    return seen;
  };

  const auto by_batches = walk(counts.entries());
  CHECK(std::set<std::uint32_t>(by_batches.begin(), by_batches.end()).size() == by_batches.size());
  walk(counts.entries({}, {}));  // one by one
  CHECK(**loaded->variable<"refused", std::uint64_t>() == 0);
}

TEST_CASE("hash: a program counts beside user space, and what is taken out begins anew", "[needs 5.14]") {
  const auto loaded = load();
  const auto counting = loaded->attach<"counts_keys">();
  REQUIRE(counting.has_value());
  auto counts = loaded->map<"counts", std::uint32_t, std::uint64_t>();

  for (int i = 0; i < 3; ++i) count(7);
  CHECK(counts.lookup_elem(7).value_or(0) == 3);
  REQUIRE(counts.update_elem(7, 100, barebpf::update::exist).has_value());
  count(7);
  CHECK(counts.lookup_and_delete_elem(7).value_or(0) == 101);
  count(7);
  CHECK(counts.lookup_elem(7).value_or(0) == 1);
}

TEST_CASE("array: a program counts and user space reads it through the mapping") {
  const auto loaded = load();
  const auto counting = loaded->attach<"counts_keys">();
  REQUIRE(counting.has_value());
  auto slots = loaded->map<"slots", std::uint32_t, std::uint64_t>();
  const auto values = slots.map_values();
  REQUIRE(values.has_value());

  constexpr int threads = 4, calls = 1000;
  std::vector<std::thread> callers;
  for (int i = 0; i < threads; ++i)
    callers.emplace_back([i] {
      for (int call = 0; call < calls; ++call) count(static_cast<std::uint32_t>(i % 2 == 0 ? 3 : 4));
    });
  for (std::thread& caller : callers) caller.join();
  // From 6.13 on a program at a system call may be put aside for another thread, whose own call then misses it: the kernel
  // counts those.
  const auto missed = must(barebpf::program_info(loaded->program<"counts_keys">())).recursion_misses;
  CHECK((*values)[3] + (*values)[4] + missed == threads * calls);
  CHECK((missed != 0 || (*values)[3] == (*values)[4]));
  (*values)[4] = 10;
  count(4);
  CHECK(slots.lookup_elem(4).value_or(0) == 11);
}

TEST_CASE("lru_hash: a program is never refused, and the newest is there") {
  const auto loaded = load();
  const auto counting = loaded->attach<"counts_keys">();
  REQUIRE(counting.has_value());
  const auto cache = loaded->map<"cache", std::uint32_t, std::uint64_t>();

  for (std::uint32_t key = 1; key <= 3000; ++key) {
    count(key);
    if (key % 100 == 0) CHECK(cache.lookup_elem(key).value_or(0) == 1);
  }
  CHECK(**loaded->variable<"refused", std::uint64_t>() == 0);
  std::size_t left = 0;
  auto entries = cache.entries();
  for (const auto one : entries) left += one.value == 1 ? 1 : 0;
  CHECK(entries.error() == nullptr);
  CHECK(left > 0);
  CHECK(left <= 64);
}
