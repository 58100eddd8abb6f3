// SPDX-License-Identifier: MIT
// What does a walk cost over a map of each type that has batches? By hand, and by the range with the same storage.
#include "bench.hpp"

using namespace bench;

namespace {

constexpr u32 room = 4096;
// Cursors of hashes are smaller and those of other types as large as their keys; keys are no larger here.
using any_cursor = u64;
template <class Map>
constexpr bool is_per_cpu = barebpf::kind_of(Map::type).value == barebpf::value_rule::per_cpu;

template <class Key>
u64 number_of(const Key& key) {
  static_assert(sizeof key <= sizeof(u64));
  u64 out = 0;
  std::memcpy(&out, &key, sizeof key);
  return out;
}
u64 number_of(const barebpf::per_cpu_view<u64>& values) { return values.sum(); }

// Batches by hand into storage for `room` elements; `value_at` reads the value of one.
template <class Key, class ValueAt>
u64 by_hand(int map, std::vector<Key>& keys, void* values, ValueAt value_at) {
  u64 sum = 0;
  any_cursor cursor = 0;
  bpf_attr attr{};
  attr.batch.map_fd = static_cast<u32>(map);
  attr.batch.keys = address(keys.data());
  attr.batch.values = address(values);
  attr.batch.out_batch = address(&cursor);
  for (;;) {
    attr.batch.count = room;
    const long answer = bare_bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof attr.batch);
    if (answer != 0 && answer != -ENOENT) return 0;
    for (u32 i = 0; i < attr.batch.count; ++i) sum += number_of(keys[i]) ^ value_at(i) << 8;
    if (answer != 0) return sum;
    attr.batch.in_batch = address(&cursor);
  }
}

template <class Range>
u64 walk(Range&& entries) {
  u64 sum = 0;
  for (auto [key, value] : entries) sum += number_of(key) ^ number_of(value) << 8;
  return entries.error() == nullptr ? sum : 0;
}

template <class Map>
void ask_both(const char* type, settings how, const Map& map) {
  using key = typename Map::key_type;
  const int number = map.descriptor().number();
  char question[64];
  std::snprintf(question, sizeof question, "walk, %s", type);
  std::vector<key> keys(room);
  if constexpr (is_per_cpu<Map>) {
    auto values = must(barebpf::per_cpu_values<u64>::make(room));
    const u32 cpus = values.cpus();
    ask(question, how,
        {{"bare",
          [&] {
            return by_hand(number, keys, values.data(), [&](u32 i) {
              u64 sum = 0;
              for (u32 cpu = 0; cpu < cpus; ++cpu) sum += values.data()[std::size_t{i} * cpus + cpu].value;
              return sum;
            });
          }},
         {"barebpf", [&] { return walk(map.entries(keys, values)); }}});
  } else {
    std::vector<barebpf::answer_of<typename Map::mapped_type>> values(room);
    ask(question, how,
        {{"bare",
          [&] { return by_hand(number, keys, values.data(), [&](u32 i) { return number_of(values[i]); }); }},
         {"barebpf", [&] { return walk(map.entries(keys, values)); }}});
  }
}

// Stores the values, which are `each` bytes long, in one call, since a map of maps waits after each.
template <class Key>
void fill(int map, const std::vector<Key>& keys, const std::vector<u64>& values) {
  u32 count = static_cast<u32>(keys.size());
  must_be(bpf_map_update_batch(map, keys.data(), values.data(), &count, nullptr) == 0,
          "bpf_map_update_batch");
  must_be(count == keys.size(), "bpf_map_update_batch, all of them");
}

template <class Map>
void ask_numbers(const char* type, settings how, u32 room_in_map) {
  auto map = must(Map::create({.name = type, .max_entries = room_in_map}));
  const u32 count = static_cast<u32>(how.count);
  std::vector<u32> keys(count);
  std::iota(keys.begin(), keys.end(), 0u);
  const u32 cpus = is_per_cpu<Map> ? must(barebpf::possible_cpus()) : 1;
  std::vector<u64> values(std::size_t{count} * cpus);
  std::iota(values.begin(), values.end(), u64{1000});
  fill(map.descriptor().number(), keys, values);
  ask_both(type, how, map);
}

using counters = barebpf::array_map<u64>;
template <class Map>
void ask_maps(const char* type, settings how, const counters& inner) {
  auto map = must(Map::create(
      {.name = type, .max_entries = static_cast<u32>(how.count), .inner_map = inner.descriptor().number()}));
  std::vector<u32> keys(how.count);
  std::iota(keys.begin(), keys.end(), 0u);
  const std::vector<u32> values(how.count, static_cast<u32>(inner.descriptor().number()));
  u32 count = static_cast<u32>(how.count);
  must_be(bpf_map_update_batch(map.descriptor().number(), keys.data(), values.data(), &count, nullptr) == 0,
          "bpf_map_update_batch");
  ask_both(type, how, map);
}

}  // namespace

int main(int argc, char** argv) {
  const settings how = arguments(argc, argv);
  stay_on_one_processor();
  const u32 count = static_cast<u32>(how.count);
  ask_numbers<barebpf::hash_map<u32, u64>>("hash", how, count);
  ask_numbers<barebpf::lru_hash_map<u32, u64>>("lru_hash", how, count * 2);  // none is to be thrown out
  ask_numbers<barebpf::percpu_hash_map<u32, u64>>("percpu_hash", how, count);
  ask_numbers<barebpf::lru_percpu_hash_map<u32, u64>>("lru_percpu_hash", how, count * 2);
  ask_numbers<barebpf::array_map<u64>>("array", how, count);
  ask_numbers<barebpf::percpu_array_map<u64>>("percpu_array", how, count);
  {
    using routes = barebpf::lpm_trie_map<barebpf::ipv4_prefix, u64>;
    auto map = must(routes::create({.name = "lpm_trie", .max_entries = count}));
    std::vector<barebpf::ipv4_prefix> keys(count);
    for (u32 i = 0; i < count; ++i) {
      keys[i].prefixlen = 32;
      std::memcpy(keys[i].data, &i, sizeof i);
    }
    std::vector<u64> values(count);
    std::iota(values.begin(), values.end(), u64{1000});
    fill(map.descriptor().number(), keys, values);
    ask_both("lpm_trie", how, map);
  }
  auto inner = must(counters::create({.name = "inner", .max_entries = 4}));
  ask_maps<barebpf::array_of_maps<counters>>("array_of_maps", how, inner);
  ask_maps<barebpf::hash_of_maps<u32, counters>>("hash_of_maps", how, inner);
  return 0;
}
