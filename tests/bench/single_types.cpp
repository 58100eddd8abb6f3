// SPDX-License-Identifier: MIT
// What does one call on one element cost in maps of other types? The typed call, libbpf's, and the bare instruction, on the
// same map and with the same storage.
#include "places.hpp"

using namespace bench;

namespace {

// A map of one type, and one place for a value, or those of all CPUs, into which everybody has it written.
template <class Map>
class types {
 public:
  types(const char* type, settings how, u32 room_in_map)
      : type_(type), how_(how), map_(must(Map::create({.name = type, .max_entries = room_in_map}))) {
    attr_.map_fd = static_cast<u32>(map_.descriptor().number());
    attr_.key = address(&key_);
    attr_.value = address(data());
    for (u64 i = 0; i < how.count; ++i) keys_.push_back(key_of<key>(static_cast<s32>(i)));
    fill();
  }
  types(const types&) = delete;  // the attr holds addresses of the other members
  types& operator=(const types&) = delete;

  void ask_lookup() {
    const int number = map_.descriptor().number();
    ask_all(
        "lookup", [this](s32 i) -> u64 { return map_.lookup_elem(key_of<key>(i), storage()) ? sum() : 1; },
        [this, number](s32 i) -> u64 {
          const key wanted = key_of<key>(i);
          return bpf_map_lookup_elem(number, &wanted, data()) == 0 ? sum() : 1;
        },
        [this](s32 i) -> u64 {
          key_ = key_of<key>(i);
          return bare_bpf(BPF_MAP_LOOKUP_ELEM, &attr_, 32) == 0 ? sum() : 1;
        });
  }
  void ask_update() {
    const int number = map_.descriptor().number();
    ask_all(
        "update",
        [this](s32 i) -> u64 {
          set(i);
          return map_.update_elem(key_of<key>(i), storage()).has_value();
        },
        [this, number](s32 i) -> u64 {
          set(i);
          const key wanted = key_of<key>(i);
          return bpf_map_update_elem(number, &wanted, data(), BPF_ANY) == 0;
        },
        [this](s32 i) -> u64 {
          set(i);
          key_ = key_of<key>(i);
          return bare_bpf(BPF_MAP_UPDATE_ELEM, &attr_, 32) == 0;
        });
  }
  void ask_delete() {
    const int number = map_.descriptor().number();
    ask_all(
        "delete", [this](s32 i) -> u64 { return map_.delete_elem(key_of<key>(i)).has_value(); },
        [number](s32 i) -> u64 {
          const key wanted = key_of<key>(i);
          return bpf_map_delete_elem(number, &wanted) == 0;
        },
        [this](s32 i) -> u64 {
          key_ = key_of<key>(i);
          return bare_bpf(BPF_MAP_DELETE_ELEM, &attr_, 16) == 0;
        },
        [this] { fill(); });
  }

 private:
  using key = typename Map::key_type;
  using stored = std::conditional_t<is_per_cpu<Map>, barebpf::per_cpu_values<u64>, u64>;

  template <class Ours, class Theirs, class Bare>
  void ask_all(
      const char* what, const Ours& ours, const Theirs& theirs, const Bare& bare,
      const std::function<void()>& prepare = [] {}) {
    char question[64];
    std::snprintf(question, sizeof question, "%s, %s", what, type_);
    ask(question, how_,
        {{"barebpf", turn(how_.count, ours)},
         {"libbpf", turn(how_.count, theirs)},
         {"bare", turn(how_.count, bare)}},
        prepare);
  }

  static stored make() {
    if constexpr (is_per_cpu<Map>)
      return must(stored::make());
    else
      return 0;
  }
  [[nodiscard]] stored& storage() { return content_; }
  [[nodiscard]] void* data() {
    if constexpr (is_per_cpu<Map>)
      return content_.data();
    else
      return &content_;
  }
  [[nodiscard]] u64 sum() const {
    if constexpr (is_per_cpu<Map>)
      return content_.sum();
    else
      return content_;
  }
  void set(s32 i) {
    if constexpr (is_per_cpu<Map>)
      content_[0] = static_cast<u32>(i) + u64{1000};
    else
      content_ = static_cast<u32>(i) + u64{1000};
  }
  void fill() {
    for (s32 i = 0; const key& next : keys_) {
      set(i++);
      if (!map_.update_elem(next, storage())) give_up(std::string("cannot fill ") + type_);
    }
  }

  const char* type_;
  settings how_;
  Map map_;
  std::vector<key> keys_;
  key key_{};
  stored content_ = make();
  bpf_attr attr_{};
};

}  // namespace

int main(int argc, char** argv) {
  const settings how = arguments(argc, argv);
  stay_on_one_processor();
  const u32 count = static_cast<u32>(how.count);
  {
    types<barebpf::percpu_hash_map<s32, u64>> all("percpu_hash", how, count);
    all.ask_lookup();
    all.ask_update();
    all.ask_delete();
  }
  {
    types<barebpf::percpu_array_map<u64>> all("percpu_array", how, count);
    all.ask_lookup();
    all.ask_update();
  }
  {
    // Each CPU keeps free elements for itself, and none is to be thrown out.
    types<barebpf::lru_hash_map<s32, u64>> all("lru_hash", how, 16 * count + 4096);
    all.ask_lookup();
    all.ask_update();
    all.ask_delete();
  }
  {
    types<barebpf::lpm_trie_map<barebpf::ipv4_prefix, u64>> all("lpm_trie", how, count);
    all.ask_lookup();
    all.ask_update();
    all.ask_delete();
  }
  return 0;
}
