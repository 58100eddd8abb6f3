// SPDX-License-Identifier: MIT
// What does a walk over a whole hash cost? Key after key, batches by hand, and the range, on the same map.
#include "bench.hpp"

using namespace bench;

namespace {

using hash = barebpf::hash_map<u32, u64>;

u64 sum_of(u32 key, u64 value) { return key ^ value << 8; }

u64 key_after_key(int map) {
  u64 sum = 0;
  u32 key = 0, next = 0;
  const void* from = nullptr;
  while (bpf_map_get_next_key(map, from, &next) == 0) {
    u64 value = 0;
    if (bpf_map_lookup_elem(map, &next, &value) == 0) sum += sum_of(next, value);
    key = next;
    from = &key;
  }
  return sum;
}

// Room for the batches of those who bring their own.
struct storage {
  std::vector<u32> keys;
  std::vector<u64> values;
  explicit storage(std::size_t room) : keys(room), values(room) {}
};

u64 libbpf_batches(int map, storage& lent) {
  u64 sum = 0;
  u32 cursor = 0;
  void* in = nullptr;
  for (;;) {
    u32 count = static_cast<u32>(lent.keys.size());
    const int answer =
        bpf_map_lookup_batch(map, in, &cursor, lent.keys.data(), lent.values.data(), &count, nullptr);
    if (answer != 0 && answer != -ENOENT) return 0;
    for (u32 i = 0; i < count; ++i) sum += sum_of(lent.keys[i], lent.values[i]);
    if (answer != 0) return sum;
    in = &cursor;
  }
}

u64 bare_batches(int map, storage& lent) {
  u64 sum = 0;
  u32 cursor = 0;
  bpf_attr attr{};
  attr.batch.map_fd = static_cast<u32>(map);
  attr.batch.keys = address(lent.keys.data());
  attr.batch.values = address(lent.values.data());
  attr.batch.out_batch = address(&cursor);
  for (;;) {
    attr.batch.count = static_cast<u32>(lent.keys.size());
    const long answer = bare_bpf(BPF_MAP_LOOKUP_BATCH, &attr, sizeof attr.batch);
    if (answer != 0 && answer != -ENOENT) return 0;
    for (u32 i = 0; i < attr.batch.count; ++i) sum += sum_of(lent.keys[i], lent.values[i]);
    if (answer != 0) return sum;
    attr.batch.in_batch = address(&cursor);
  }
}

template <class Range>
u64 walk(Range&& entries) {
  u64 sum = 0;
  for (auto [key, value] : entries) sum += sum_of(key, value);
  return entries.error() == nullptr ? sum : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const settings how = arguments(argc, argv);
  stay_on_one_processor();
  hash map = must(hash::create({.name = "walked", .max_entries = static_cast<u32>(how.count)}));
  {
    storage all(how.count);
    std::iota(all.keys.begin(), all.keys.end(), 0u);
    std::iota(all.values.begin(), all.values.end(), u64{1000});
    const auto stored = map.update_batch(all.keys, all.values);
    if (!stored || stored.count() != how.count) give_up("cannot fill the map");
  }
  const int number = map.descriptor().number();
  // As many as the range has room for by itself (16 KiB), as many as is usual, and as many as pay.
  storage own(16384 / 12), usual(4096), large(65536);
  char question[64];
  std::snprintf(question, sizeof question, "walk, %llu entries", static_cast<unsigned long long>(how.count));
  ask(question, how,
      {{"libbpf, key after key", [&] { return key_after_key(number); }},
       {"libbpf, batches of 4096", [&] { return libbpf_batches(number, usual); }},
       {"bare, batches of 1365", [&] { return bare_batches(number, own); }},
       {"bare, batches of 4096", [&] { return bare_batches(number, usual); }},
       {"bare, batches of 65536", [&] { return bare_batches(number, large); }},
       {"barebpf, entries()", [&] { return walk(map.entries()); }},
       {"barebpf, 1365 lent", [&] { return walk(map.entries(own.keys, own.values)); }},
       {"barebpf, 4096 lent", [&] { return walk(map.entries(usual.keys, usual.values)); }},
       {"barebpf, 65536 lent", [&] { return walk(map.entries(large.keys, large.values)); }}});
  return 0;
}
