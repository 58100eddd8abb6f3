// SPDX-License-Identifier: MIT
// What does it cost to store and to remove many elements? Batches of the library, of libbpf and by hand, and one element
// after the other, on the same map.
#include <optional>

#include "bench.hpp"

using namespace bench;

namespace {

// All of them, in a map that has room for `room_in_map`, and so many in one call.
template <class Map>
class elements {
 public:
  elements(const char* type, settings how, u32 room_in_map)
      : type_(type), how_(how), map_(must(Map::create({.name = type, .max_entries = room_in_map}))) {
    for (u32 i = 0; i < how.count; ++i) keys_.push_back(key_of<key>(i));
    if constexpr (is_per_cpu<Map>) {
      values_ = must(stored::make(most_at_once));
      one_ = must(stored::make());
    } else {
      values_.resize(how.count);
      std::iota(values_.begin(), values_.end(), u64{1000});
    }
    fill();
  }

  void ask_update(u32 at_once) {
    ask_all("update", at_once,
            {{"barebpf",
              [=, this] {
                return in_batches(at_once, [this](u32 first, u32 count) { return store(first, count); });
              }},
             {"libbpf",
              [=, this] {
                return in_batches(at_once, [this](u32 first, u32 count) {
                  return bpf_map_update_batch(number(), &keys_[first], value_at(first), &count, nullptr) == 0
                             ? count
                             : 0;
                });
              }},
             {"bare",
              [=, this] {
                bpf_attr attr{};
                attr.batch.map_fd = static_cast<u32>(number());
                return in_batches(at_once, [this, &attr](u32 first, u32 count) {
                  attr.batch.keys = address(&keys_[first]);
                  attr.batch.values = address(value_at(first));
                  attr.batch.count = count;
                  return bare_bpf(BPF_MAP_UPDATE_BATCH, &attr, sizeof attr.batch) == 0 ? attr.batch.count : 0;
                });
              }},
             {"barebpf, one by one",
              [this] {
                u64 done = 0;
                for (u32 i = 0; i < keys_.size(); ++i) done += store_one(i);
                return done;
              }},
             {"libbpf, one by one", [this] {
                u64 done = 0;
                for (u32 i = 0; i < keys_.size(); ++i)
                  done += bpf_map_update_elem(number(), &keys_[i], value_at(i), BPF_ANY) == 0;
                return done;
              }}});
  }
  void ask_delete(u32 at_once) {
    ask_all("delete", at_once,
            {{"barebpf",
              [=, this] {
                return in_batches(at_once, [this](u32 first, u32 count) {
                  return map_.delete_batch(barebpf::span<const key>(&keys_[first], count)).count();
                });
              }},
             {"libbpf",
              [=, this] {
                return in_batches(at_once, [this](u32 first, u32 count) {
                  return bpf_map_delete_batch(number(), &keys_[first], &count, nullptr) == 0 ? count : 0;
                });
              }},
             {"bare",
              [=, this] {
                bpf_attr attr{};
                attr.batch.map_fd = static_cast<u32>(number());
                return in_batches(at_once, [this, &attr](u32 first, u32 count) {
                  attr.batch.keys = address(&keys_[first]);
                  attr.batch.count = count;
                  return bare_bpf(BPF_MAP_DELETE_BATCH, &attr, sizeof attr.batch) == 0 ? attr.batch.count : 0;
                });
              }},
             {"barebpf, one by one",
              [this] {
                u64 done = 0;
                for (const key& one : keys_) done += map_.delete_elem(one).has_value();
                return done;
              }},
             {"libbpf, one by one",
              [this] {
                u64 done = 0;
                for (const key& one : keys_) done += bpf_map_delete_elem(number(), &one) == 0;
                return done;
              }}},
            [this] { fill(); });
  }

 private:
  using key = typename Map::key_type;
  using stored = std::conditional_t<is_per_cpu<Map>, barebpf::per_cpu_values<u64>, u64>;
  static constexpr u32 most_at_once = 4096;

  void ask_all(
      const char* what, u32 at_once, std::vector<contender> contenders,
      const std::function<void()>& prepare = [] {}) {
    char question[64];
    std::snprintf(question, sizeof question, "%s, %s, %u at once", what, type_, at_once);
    ask(question, how_, std::move(contenders), prepare);
  }
  template <class Call>
  u64 in_batches(u32 at_once, const Call& call) {
    const u32 all = static_cast<u32>(keys_.size());
    u64 done = 0;
    for (u32 first = 0; first < all; first += at_once) done += call(first, std::min(at_once, all - first));
    return done;
  }
  [[nodiscard]] int number() const { return map_.descriptor().number(); }

  u32 store(u32 first, u32 count) {
    const barebpf::span<const key> keys(&keys_[first], count);
    if constexpr (is_per_cpu<Map>)
      return map_.update_batch(keys, *values_).count();
    else
      return map_.update_batch(keys, barebpf::span<const u64>(&values_[first], count)).count();
  }
  u64 store_one(u32 i) {
    if constexpr (is_per_cpu<Map>)
      return map_.update_elem(keys_[i], *one_).has_value();
    else
      return map_.update_elem(keys_[i], values_[i]).has_value();
  }
  // Those of all CPUs are the same for each batch, as the library's storage for them is one whole.
  [[nodiscard]] const void* value_at([[maybe_unused]] u32 i) const {
    if constexpr (is_per_cpu<Map>)
      return values_->data();
    else
      return &values_[i];
  }
  void fill() {
    const u64 done = in_batches(most_at_once, [this](u32 first, u32 count) { return store(first, count); });
    if (done != keys_.size()) give_up(std::string("cannot fill ") + type_);
  }

  const char* type_;
  settings how_;
  Map map_;
  std::vector<key> keys_;
  std::conditional_t<is_per_cpu<Map>, std::optional<stored>, std::vector<u64>> values_;
  std::conditional_t<is_per_cpu<Map>, std::optional<stored>, u64> one_{};
};

}  // namespace

int main(int argc, char** argv) {
  settings how = arguments(argc, argv);
  how.by_processor_time = true;
  stay_on_one_processor();
  const u32 count = static_cast<u32>(how.count);
  {
    elements<barebpf::hash_map<u32, u64>> all("hash", how, count);
    for (const u32 at_once : {16u, 256u, 4096u}) all.ask_update(at_once);
    for (const u32 at_once : {16u, 256u, 4096u}) all.ask_delete(at_once);
  }
  {
    // Each CPU keeps free elements for itself, and none is to be thrown out.
    elements<barebpf::lru_hash_map<u32, u64>> all("lru_hash", how, 2 * count + 4096);
    all.ask_update(4096);
    all.ask_delete(4096);
  }
  {
    elements<barebpf::percpu_hash_map<u32, u64>> all("percpu_hash", how, count);
    all.ask_update(4096);
    all.ask_delete(4096);
  }
  elements<barebpf::array_map<u64>>("array", how, count).ask_update(4096);
  elements<barebpf::percpu_array_map<u64>>("percpu_array", how, count).ask_update(4096);
  {
    elements<barebpf::lpm_trie_map<barebpf::ipv4_prefix, u64>> all("lpm_trie", how, count);
    all.ask_update(4096);
    all.ask_delete(4096);
  }
  return 0;
}
