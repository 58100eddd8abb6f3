// SPDX-License-Identifier: MIT
// Makes `--count` calls of one function, for whoever counts instructions: a run with twice as many calls has more by
// exactly those calls. Each function is called through the same pointer, so the loop costs the same everywhere.
#include "bench.hpp"

using namespace bench;

namespace {

using hash = barebpf::hash_map<s32, u64>;
using returning = barebpf::result<u64>(const hash&, const s32&);
using filling = barebpf::result<void>(const hash&, const s32&, u64&);

[[gnu::noinline]] barebpf::result<u64> barebpf_returning(const hash& map, const s32& key) {
  return map.lookup_elem(key);
}
[[gnu::noinline]] barebpf::result<void> barebpf_filling(const hash& map, const s32& key, u64& value) {
  return map.lookup_elem(key, value);
}

// What the typed calls do, as somebody writes it who has nothing but the kernel's header.
[[gnu::always_inline]] inline long hand_made_call(const hash& map, const s32& key, u64& value) {
  bpf_attr attr;
  attr.map_fd = static_cast<u32>(map.descriptor().number());
  attr.key = address(&key);
  attr.value = address(&value);
  attr.flags = 0;
  return bare_bpf(BPF_MAP_LOOKUP_ELEM, &attr, 32);
}
[[gnu::always_inline]] inline barebpf::error hand_made_error(const hash& map, long answer) {
  barebpf::error why{.at = barebpf::step::map_lookup_elem, .code = static_cast<s32>(-answer)};
  std::memcpy(why.name, map.map_name().data(), 16);
  return why;
}
[[gnu::noinline]] barebpf::result<u64> hand_made_returning(const hash& map, const s32& key) {
  u64 value = 0;
  if (const long answer = hand_made_call(map, key, value); answer < 0) return hand_made_error(map, answer);
  return value;
}
[[gnu::noinline]] barebpf::result<void> hand_made_filling(const hash& map, const s32& key, u64& value) {
  if (const long answer = hand_made_call(map, key, value); answer < 0) return hand_made_error(map, answer);
  return {};
}

[[gnu::noinline]] barebpf::result<void> libbpf_filling(const hash& map, const s32& key, u64& value) {
  if (const int answer = bpf_map_lookup_elem(map.descriptor().number(), &key, &value); answer < 0)
    return hand_made_error(map, answer);
  return {};
}
[[gnu::noinline]] barebpf::result<u64> nothing_returning(const hash&, const s32&) { return u64{1007}; }
[[gnu::noinline]] barebpf::result<void> nothing_filling(const hash&, const s32&, u64& value) {
  value = 1007;
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) give_up(std::string("usage: ") + argv[0] + " CONTENDER --count N");
  const settings how = arguments(argc - 1, argv + 1);
  const std::string who = argv[1];
  hash map = must(hash::create({.name = "counted", .max_entries = 16}));
  must(map.update_elem(7, 1007).has_value() ? barebpf::result<int>(0)
                                            : barebpf::result<int>(barebpf::error{}));

  returning* const volatile returns = who == "barebpf-returning"     ? barebpf_returning
                                      : who == "hand-made-returning" ? hand_made_returning
                                      : who == "nothing-returning"   ? nothing_returning
                                                                     : nullptr;
  filling* const volatile fills = who == "barebpf-filling"     ? barebpf_filling
                                  : who == "hand-made-filling" ? hand_made_filling
                                  : who == "libbpf-filling"    ? libbpf_filling
                                  : who == "nothing-filling"   ? nothing_filling
                                                               : nullptr;
  if (returns == nullptr && fills == nullptr) give_up("no such contender: " + who);
  u64 sum = 0;
  if (returns != nullptr) {
    for (u64 i = 0; i < how.count; ++i) sum += returns(map, 7).value_or(0);
  } else {
    for (u64 i = 0; i < how.count; ++i) {
      u64 value = 0;
      if (fills(map, 7, value)) sum += value;
    }
  }
  std::printf("{\"contender\": \"%s\", \"count\": %llu, \"saw\": %llu}\n", who.c_str(),
              static_cast<unsigned long long>(how.count), static_cast<unsigned long long>(sum));
  return sum == 1007 * how.count ? 0 : 1;
}
