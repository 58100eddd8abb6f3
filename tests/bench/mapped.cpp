// SPDX-License-Identifier: MIT
// What does reading the values of an array cost, mapped and by calls? `--count` values; the mapped ones are read one
// by one and not all at once, as they must be while programs write them.
#include <sys/mman.h>

#include <numeric>
#include <utility>

#include "bench.hpp"

using namespace bench;

namespace {

using array = barebpf::array_map<u64>;

}  // namespace

int main(int argc, char** argv) {
  // Alone, the mapped walk is what a trace of the system calls is made of.
  const bool alone = argc > 1 && std::strcmp(argv[1], "--alone") == 0;
  const settings how = alone ? arguments(argc - 1, argv + 1) : arguments(argc, argv);
  stay_on_one_processor();
  const u32 count = static_cast<u32>(how.count);
  array map =
      must(array::create({.name = "mapped", .max_entries = 4096, .map_flags = barebpf::map_flag::mmapable}));
  std::vector<u32> keys(4096);
  std::vector<u64> contents(4096);
  std::iota(keys.begin(), keys.end(), 0u);
  std::iota(contents.begin(), contents.end(), u64{1000});
  const auto stored = map.update_batch(keys, contents);
  if (!stored) give_up("cannot fill the map");

  const int number = map.descriptor().number();
  const auto values = must(std::as_const(map).map_values());
  void* const theirs = mmap(nullptr, 4096 * sizeof(u64), PROT_READ, MAP_SHARED, number, 0);
  must_be(theirs != MAP_FAILED, "mmap");
  const auto* const by_hand = static_cast<const volatile u64*>(theirs);

  const auto mapped_turn = [&values, count] {
    u64 sum = 0;
    for (u32 i = 0; i < count; ++i) sum += static_cast<const volatile u64&>(values[i & 4095]);
    return sum;
  };
  if (alone) {
    std::printf("{\"contender\": \"barebpf\", \"count\": %u, \"saw\": %llu}\n", count,
                static_cast<unsigned long long>(mapped_turn()));
    return 0;
  }
  ask("reading an mmapable array", how,
      {{"barebpf, map_values()", mapped_turn},
       {"mmap by hand",
        [by_hand, count] {
          u64 sum = 0;
          for (u32 i = 0; i < count; ++i) sum += by_hand[i & 4095];
          return sum;
        }},
       {"libbpf, lookup", [number, count] {
          u64 sum = 0;
          for (u32 i = 0; i < count; ++i) {
            u64 value = 0;
            const u32 key = i & 4095;
            if (bpf_map_lookup_elem(number, &key, &value) == 0) sum += value;
          }
          return sum;
        }}});
  munmap(theirs, 4096 * sizeof(u64));
  return 0;
}
