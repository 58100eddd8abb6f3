// SPDX-License-Identifier: MIT
// Values with a spin lock: a program changes two counters together on all CPUs, and user space never sees one without
// the other.
#include <span>
#include <thread>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "locks.bpf.hpp"

namespace {

constexpr barebpf::static_object<locks> object;

struct pair {
  barebpf::spin_lock lock{};
  std::uint32_t padding = 0;
  std::uint64_t first = 0, second = 0;
};

// Of how many calls the program was not run. Where programs may be interrupted, as on the tracepoints of system calls in
// Linux 7.2, one of another thread that comes to the same CPU meanwhile is left out, and the kernel counts that.
template <class Loaded>
std::uint64_t missed_calls(const Loaded& loaded) {
  return must(barebpf::program_info(loaded->template program<"counts">())).recursion_misses;
}

// Whether both counters were the same in every one of many reads while programs count, and how far they came.
template <class Map, class Loaded>
void stays_whole(Map map, const Loaded& loaded) {
  constexpr int threads = 4, calls = 20000;
  const auto link = loaded->template attach<"counts">();
  REQUIRE(link.has_value());
  REQUIRE(map.update_elem(0, pair{.first = 7, .second = 7}, barebpf::under_lock).has_value());
  std::vector<std::thread> callers;
  for (int i = 0; i < threads; ++i)
    callers.emplace_back([] {
      for (int call = 0; call < calls; ++call) static_cast<void>(getpgid(0));
    });
  int torn = 0, failed = 0;
  for (int read = 0; read < 20000; ++read) {
    const auto seen = map.lookup_elem(0, barebpf::under_lock);
    failed += seen ? 0 : 1;
    torn += seen && seen->first != seen->second ? 1 : 0;
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(failed == 0);
  CHECK(torn == 0);
  const std::uint64_t counted = map.lookup_elem(0, barebpf::under_lock)->second;
  CHECK(counted <= 7 + threads * calls);
  // Calls of other processes can be among those that were missed.
  CHECK(counted + missed_calls(loaded) >= 7 + threads * calls);

  std::uint32_t keys[4] = {};
  pair values[4];
  barebpf::batch_cursor<std::uint32_t> cursor;
  const auto batch = map.lookup_batch(cursor, keys, values, barebpf::under_lock);
  REQUIRE(batch.has_value());
  CHECK(batch.count() == 1);
  CHECK(values[0].first == counted);
  const pair changed[1] = {{.first = 1, .second = 2}};
  CHECK(map.update_batch(std::span<const std::uint32_t>(keys, 1), changed, barebpf::under_lock).count() == 1);
  CHECK(map.lookup_elem(0)->second == 2);
}

auto load() {
  return load_for_this_process(
      object, [](auto& data) { data.template variable<"only_call", std::uint64_t>() = __NR_getpgid; });
}

}  // namespace

TEST_CASE("hash: a value with a lock is read and written whole", "[needs 6.1]") {
  const auto loaded = load();
  auto map = loaded->map<"locked_hash", std::uint32_t, pair>();
  REQUIRE(map.update_elem(0, pair{}).has_value());
  stays_whole(std::move(map), loaded);
}

TEST_CASE("hash: a value with a lock is taken out whole", "[needs 6.1]") {
  const auto loaded = load();
  auto map = loaded->map<"locked_hash", std::uint32_t, pair>();
  const auto link = loaded->attach<"counts">();
  REQUIRE(link.has_value());
  const auto count = [&](int calls) {
    REQUIRE(map.update_elem(0, pair{}, barebpf::update::noexist).has_value());
    for (int call = 0; call < calls; ++call) static_cast<void>(getpgid(0));
  };
  count(5);
  const auto taken = map.lookup_and_delete_elem(0, barebpf::under_lock);
  REQUIRE(taken.has_value());
  CHECK(taken->first == 5);
  CHECK(taken->second == 5);
  CHECK(map.lookup_and_delete_elem(0, barebpf::under_lock).error().code == ENOENT);

  count(6);
  std::uint32_t keys[4] = {};
  pair values[4];
  barebpf::batch_cursor<std::uint32_t> cursor;
  const auto batch = map.lookup_and_delete_batch(cursor, keys, values, barebpf::under_lock);
  REQUIRE(batch.has_value());
  REQUIRE(batch.count() == 1);
  CHECK(values[0].first == 6);
  CHECK(values[0].second == 6);
  CHECK(map.lookup_elem(0).error().code == ENOENT);
}

TEST_CASE("array: a value with a lock is read and written whole", "[needs 6.1]") {
  const auto loaded = load();
  stays_whole(loaded->map<"locked_array", std::uint32_t, pair>(), loaded);
}

TEST_CASE("a map that no object declares has the lock that its C++ type has") {
  auto map = barebpf::hash_map<int, pair>::create({.name = "made", .max_entries = 1});
  REQUIRE(map.has_value());
  REQUIRE(map->update_elem(1, pair{}).has_value());
  CHECK(map->update_elem(1, pair{}, barebpf::under_lock).has_value());
  CHECK(map->lookup_elem(1, barebpf::under_lock).has_value());
  // Its copy of the lock is the kernel's alone.
  const auto info = map->info();
  REQUIRE(info.has_value());
  CHECK(info->btf_id != 0);
  CHECK(info->btf_value_type_id != 0);
  const auto refused =
      barebpf::lpm_trie_map<barebpf::ipv4_prefix, pair>::create({.name = "trie", .max_entries = 1});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == barebpf::cause::lock_in_such_a_map);
}

TEST_CASE("a lock that the map does not have, and one CPU of many before 7.0, are refused") {
  auto plain = barebpf::hash_map<int, pair>::create({.name = "plain", .max_entries = 1, .with_types = false});
  REQUIRE(plain.has_value());
  CHECK(plain->update_elem(1, pair{}, barebpf::under_lock).error().code == EINVAL);
  REQUIRE(plain->update_elem(1, pair{}).has_value());
  CHECK(plain->lookup_and_delete_elem(1, barebpf::under_lock).error().code == EINVAL);
  CHECK(plain->lookup_elem(1).has_value());
  auto each = barebpf::percpu_array_map<std::uint64_t>::create({.name = "each", .max_entries = 1});
  REQUIRE(each.has_value());
  if (barebpf::running_kernel() >= barebpf::kernel(7, 0)) {
    REQUIRE(each->update_elem(0, 5, barebpf::on_all_cpus).has_value());
    REQUIRE(each->update_elem(0, 6, barebpf::on_cpu{0}).has_value());
    CHECK(each->lookup_elem(0, barebpf::on_cpu{0}).value_or(0) == 6);
  } else {
    CHECK(each->update_elem(0, 5, barebpf::on_all_cpus).error().code == EINVAL);
    CHECK(each->lookup_elem(0, barebpf::on_cpu{0}).error().code == EINVAL);
  }
}
