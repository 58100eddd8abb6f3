// SPDX-License-Identifier: MIT
// What do lookups in one hash cost when two threads make them? Each thread has a processor of its own; with one thread it
// makes the other's lookups too, so that all make as many in all. The clock is that of the first thread's processor, since
// others that want two processors at once have to wait for them, and waiting is nobody's cost here.
#include <atomic>
#include <thread>

#include "places.hpp"

using namespace bench;

namespace {

using hash = barebpf::hash_map<u32, u64>;

std::vector<unsigned> allowed_processors() {
  cpu_set_t allowed;
  must_be(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
  std::vector<unsigned> out;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &allowed)) out.push_back(cpu);
  return out;
}
void stay_on(unsigned cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  must_be(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
}

// A thread that waits for one turn after another.
class helper {
 public:
  explicit helper(unsigned cpu) : thread_([this, cpu] { serve(cpu); }) {}
  ~helper() {
    begin(nullptr);
    thread_.join();
  }
  helper(const helper&) = delete;
  helper& operator=(const helper&) = delete;

  void begin(const std::function<u64()>* work) {
    work_ = work;
    begun_.fetch_add(1);
    begun_.notify_one();
  }
  u64 end() {
    ended_.wait(begun_.load() - 1);
    return sum_;
  }

 private:
  void serve(unsigned cpu) {
    stay_on(cpu);
    for (u64 turns = 0;; ++turns) {
      begun_.wait(turns);
      if (work_ == nullptr) return;
      sum_ = (*work_)();
      ended_.fetch_add(1);
      ended_.notify_one();
    }
  }

  std::atomic<u64> begun_ = 0, ended_ = 0;
  const std::function<u64()>* work_ = nullptr;
  u64 sum_ = 0;
  std::thread thread_;
};

// What each of the two threads calls: no memory of one is the other's.
struct two {
  std::function<u64()> mine, theirs;

  [[nodiscard]] std::function<u64()> by_one() const {
    return [all = *this] { return all.mine() + all.theirs(); };
  }
  [[nodiscard]] std::function<u64()> by_both(helper& other) const {
    return [all = *this, &other] {
      other.begin(&all.theirs);
      const u64 sum = all.mine();
      return sum + other.end();
    };
  }
};

struct alignas(64) bare_lookup {
  u32 key = 0;
  u64 value = 0;
  bpf_attr attr{};
};

}  // namespace

int main(int argc, char** argv) {
  const settings how = arguments(argc, argv);
  const auto cpus = allowed_processors();
  stay_on(cpus.back());
  helper other(cpus.front());
  const u32 half = static_cast<u32>((how.count + 1) / 2);
  hash map = must(hash::create({.name = "shared", .max_entries = half}));
  std::vector<u32> keys(half);
  std::vector<u64> values(half);
  std::iota(keys.begin(), keys.end(), 0u);
  std::iota(values.begin(), values.end(), u64{1000});
  if (map.update_batch(keys, values).count() != half) give_up("cannot fill the map");

  const int number = map.descriptor().number();
  bare_lookup ready[2];
  for (bare_lookup& one : ready) {
    one.attr.map_fd = static_cast<u32>(number);
    one.attr.key = address(&one.key);
    one.attr.value = address(&one.value);
  }
  const auto ours = [&map](s32 key) -> u64 { return map.lookup_elem(static_cast<u32>(key)).value_or(1); };
  const auto theirs = [number](s32 key) -> u64 {
    u64 value = 0;
    return bpf_map_lookup_elem(number, &key, &value) == 0 ? value : 1;
  };
  const auto bare = [](bare_lookup& with) {
    return [&with](s32 key) -> u64 {
      with.key = static_cast<u32>(key);
      return bare_bpf(BPF_MAP_LOOKUP_ELEM, &with.attr, 32) == 0 ? with.value : 1;
    };
  };
  const two by_barebpf{turn(half, ours), turn(half, ours)}, by_libbpf{turn(half, theirs), turn(half, theirs)},
      by_hand{turn(half, bare(ready[0])), turn(half, bare(ready[1]))};
  ask("lookups by threads", {.rounds = how.rounds, .count = u64{half} * 2, .by_processor_time = true},
      {{"barebpf, 1", by_barebpf.by_one()},
       {"barebpf, 2", by_barebpf.by_both(other)},
       {"libbpf, 1", by_libbpf.by_one()},
       {"libbpf, 2", by_libbpf.by_both(other)},
       {"bare, 1", by_hand.by_one()},
       {"bare, 2", by_hand.by_both(other)}});
  return 0;
}
