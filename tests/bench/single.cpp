// SPDX-License-Identifier: MIT
// What does one call on one element cost? The typed call, libbpf's two, and the bare instruction, on the same map.
#include "execve_counter.bpf.hpp"
#include "places.hpp"

using namespace bench;

namespace {

template <std::size_t Bytes>
struct alignas(Bytes < 64 ? 8 : 64) value {
  u64 words[Bytes / 8];
};
template <std::size_t Bytes>
value<Bytes> value_of(u32 key) {
  value<Bytes> out{};
  out.words[0] = key + u64{1000};
  out.words[Bytes / 8 - 1] = key + u64{2000};
  return out;
}
template <std::size_t Bytes>
u64 sum_of(const value<Bytes>& of) {
  return of.words[0] ^ of.words[Bytes / 8 - 1] << 20;
}

// The attr that the bare instruction gets again and again, and where its addresses lead.
template <std::size_t Bytes>
struct ready {
  s32 key = 0;
  value<Bytes> content{};
  bpf_attr attr{};

  // Not copyable: the attr holds addresses of the other members.
  explicit ready(int map) {
    attr.map_fd = static_cast<u32>(map);
    attr.key = address(&key);
    attr.value = address(&content);
  }
  ready(const ready&) = delete;
  ready& operator=(const ready&) = delete;
  [[gnu::always_inline]] long call(long command, unsigned long size = 32) {
    return bare_bpf(command, &attr, size);
  }
};

template <std::size_t Bytes, class Map>
void fill(Map& map, u64 count) {
  std::vector<typename Map::key_type> keys(count);
  std::vector<value<Bytes>> values(count);
  for (u32 key = 0; key < count; ++key) {
    keys[key] = static_cast<typename Map::key_type>(key);
    values[key] = value_of<Bytes>(key);
  }
  const auto stored = map.update_batch(keys, values);
  if (!stored || stored.count() != count) give_up("cannot fill the map");
}

template <std::size_t Bytes, class Map>
void ask_lookup(const char* question, settings how, const Map& map, const bpf_map* theirs = nullptr) {
  using key_type = typename Map::key_type;
  const int number = map.descriptor().number();
  ready<Bytes> bare(number);
  const auto barebpf_call = [&map, &bare](s32 key) -> u64 {
    [[maybe_unused]] value<Bytes>& place = bare.content;
    if constexpr (Bytes <= 64) {
      const auto found = map.lookup_elem(static_cast<key_type>(key));
      return found ? sum_of(*found) : 1;
    } else {
      // All write to the same place: for a page it matters more where it lies than who asked for it.
      return map.lookup_elem(static_cast<key_type>(key), place) ? sum_of(place) : 1;
    }
  };
  const auto libbpf_call = [number, &bare](s32 key) -> u64 {
    return bpf_map_lookup_elem(number, &key, &bare.content) == 0 ? sum_of(bare.content) : 1;
  };
  const auto bare_call = [&bare](s32 key) -> u64 {
    bare.key = key;
    return bare.call(BPF_MAP_LOOKUP_ELEM) == 0 ? sum_of(bare.content) : 1;
  };
  std::vector<contender> contenders{{"barebpf", turn(how.count, barebpf_call)},
                                    {"libbpf", turn(how.count, libbpf_call)},
                                    {"bare", turn(how.count, bare_call)}};
  if (theirs != nullptr)
    contenders.push_back({"libbpf, bpf_map__", turn(how.count, [theirs, &bare](s32 key) -> u64 {
                            return bpf_map__lookup_elem(theirs, &key, sizeof key, &bare.content, Bytes, 0) ==
                                           0
                                       ? sum_of(bare.content)
                                       : 1;
                          })});
  ask(question, how, std::move(contenders));
}

template <class Map>
void ask_update(const char* question, settings how, Map& map) {
  const int number = map.descriptor().number();
  ready<8> bare(number);
  ask(question, how,
      {{"barebpf",
        turn(how.count,
             [&map](s32 key) -> u64 {
               const auto content = value_of<8>(static_cast<u32>(key));
               return map.update_elem(static_cast<typename Map::key_type>(key), content).has_value();
             })},
       {"libbpf", turn(how.count,
                       [number](s32 key) -> u64 {
                         const auto content = value_of<8>(static_cast<u32>(key));
                         return bpf_map_update_elem(number, &key, &content, BPF_ANY) == 0;
                       })},
       {"bare", turn(how.count, [&bare](s32 key) -> u64 {
          bare.key = key;
          bare.content = value_of<8>(static_cast<u32>(key));
          return bare.call(BPF_MAP_UPDATE_ELEM) == 0;
        })}});
}

using hash = barebpf::hash_map<s32, value<8>>;

void ask_delete(settings how, hash& map) {
  const int number = map.descriptor().number();
  ready<8> bare(number);
  const auto prepare = [&map, how] { fill<8>(map, how.count); };
  ask("delete, hash", how,
      {{"barebpf", turn(how.count, [&map](s32 key) -> u64 { return map.delete_elem(key).has_value(); })},
       {"libbpf",
        turn(how.count, [number](s32 key) -> u64 { return bpf_map_delete_elem(number, &key) == 0; })},
       {"bare", turn(how.count,
                     [&bare](s32 key) -> u64 {
                       bare.key = key;
                       return bare.call(BPF_MAP_DELETE_ELEM, 16) == 0;  // the kernel wants no value here
                     })}},
      prepare);
  ask("lookup_and_delete, hash", how,
      {{"barebpf", turn(how.count,
                        [&map](s32 key) -> u64 {
                          const auto found = map.lookup_and_delete_elem(key);
                          return found ? sum_of(*found) : 1;
                        })},
       {"libbpf", turn(how.count,
                       [number](s32 key) -> u64 {
                         value<8> found;
                         return bpf_map_lookup_and_delete_elem(number, &key, &found) == 0 ? sum_of(found) : 1;
                       })},
       {"bare", turn(how.count,
                     [&bare](s32 key) -> u64 {
                       bare.key = key;
                       return bare.call(BPF_MAP_LOOKUP_AND_DELETE_ELEM) == 0 ? sum_of(bare.content) : 1;
                     })}},
      prepare);
}

}  // namespace

int main(int argc, char** argv) {
  const settings how = arguments(argc, argv);
  stay_on_one_processor();
  const u32 count = static_cast<u32>(how.count);

  // libbpf's bpf_map__ calls want a map of an object, so the map comes from one.
  bpf_object* object = bpf_object__open_mem(execve_counter, sizeof execve_counter, nullptr);
  must_be(object != nullptr, "bpf_object__open_mem");
  bpf_map* theirs = bpf_object__find_map_by_name(object, "hash_map");
  must_be(theirs != nullptr && bpf_map__set_max_entries(theirs, count) == 0, "bpf_map__set_max_entries");
  must_be(bpf_object__load(object) == 0, "bpf_object__load");
  hash small = must(hash::from_fd(bpf_map__fd(theirs)));
  fill<8>(small, count);
  ask_lookup<8>("lookup, hash, 8-byte value", how, small, theirs);

  auto medium = must(barebpf::hash_map<s32, value<64>>::create({.name = "medium", .max_entries = count}));
  fill<64>(medium, count);
  ask_lookup<64>("lookup, hash, 64-byte value", how, medium);

  auto large = must(barebpf::hash_map<s32, value<4096>>::create({.name = "large", .max_entries = count}));
  fill<4096>(large, count);
  ask_lookup<4096>("lookup, hash, 4096-byte value", how, large);

  ask_update("update, hash", how, small);
  ask_delete(how, small);

  auto slots = must(barebpf::array_map<value<8>>::create({.name = "slots", .max_entries = count}));
  fill<8>(slots, count);
  ask_lookup<8>("lookup, array", how, slots);
  ask_update("update, array", how, slots);
  bpf_object__close(object);
  return 0;
}
