// SPDX-License-Identifier: MIT
// Maps that are walked while programs on all CPUs and threads of this process change them. Some keys are never deleted,
// and the library promises that each walk over a hash shows them.
#include <sys/syscall.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "elements.bpf.hpp"
#include "soak.hpp"

namespace soak {

namespace {

using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;
using barebpf::step;

constexpr barebpf::static_object<elements> object;

// Keys below this one stay, and those up to the other come and go.
constexpr std::uint32_t staying = 1000, all = 3500;

// How often each key was seen in one walk.
class sightings {
 public:
  void operator()(std::uint32_t key, const char* walk) {
    demand(key < all, std::string(walk) + " shows key " + std::to_string(key), "nobody ever put it in");
    ++seen_[key];
    ++count_;
  }
  // Each key that stays was seen; exactly once if `once`.
  void demand_whole(const char* walk, bool once) const {
    for (std::uint32_t key = 0; key < staying; ++key)
      demand(once ? seen_[key] == 1 : seen_[key] >= 1,
             std::string(walk) + " shows key " + std::to_string(key) + ", which stays, " +
                 std::to_string(seen_[key]) + " times",
             once ? "by batches it must come exactly once" : "it must come at least once");
  }
  std::uint64_t count() const { return count_; }

 private:
  std::uint32_t seen_[all] = {};
  std::uint64_t count_ = 0;
};

}  // namespace

std::string walks(double seconds) {
  const auto loaded = load_for_this_process(object);
  auto counting = must(loaded.attach<"counts_keys">());
  auto deleting = must(loaded.attach<"deletes_keys">());
  note_what_is_held();
  auto counts = loaded.map<"counts", std::uint32_t, std::uint64_t>();
  const auto slots = loaded.map<"slots", std::uint32_t, std::uint64_t>();
  const auto cache = loaded.map<"cache", std::uint32_t, std::uint64_t>();
  for (std::uint32_t key = 0; key < staying; ++key) must(counts.update_elem(key, 1));

  std::atomic<bool> is_over = false;
  std::atomic<std::uint64_t> changes = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t cpu = 0; cpu < cpus(); ++cpu)
    threads.emplace_back([&, cpu] {
      stay_on_cpu(cpu);
      dice random(cpu + 1);
      for (; !is_over; ++changes) {
        syscall(SYS_getpgid, random.below(all));
        syscall(SYS_getsid, staying + random.below(all - staying));
        if (changes % 4096 == 0) sleep_microseconds(500);  // or the walks never run where there are few CPUs
      }
    });
  threads.emplace_back([&] {
    dice random(99);
    for (; !is_over; ++changes) {
      const std::uint32_t key = staying + random.below(all - staying);
      if (random.below(2) == 0) {
        must(counts.update_elem(key, 1));
      } else {
        demand_only(counts.delete_elem(key), ENOENT, "it may only be told that the key is absent");
      }
      if (changes % 1024 == 0) sleep_microseconds(500);
    }
  });

  steady self;
  std::uint64_t rounds = 0, seen = 0, longest = 0, given_up = 0;
  std::vector<std::uint32_t> keys(700);
  std::vector<std::uint64_t> values(700);
  const std::uint64_t most_steps = 16 * 4096 + 16;
  for (const timer time(seconds); !time.is_over(); ++rounds) {
    sightings now;
    switch (rounds % 6) {
      case 0: {
        auto range = counts.entries();
        for (const auto [key, value] : range) now(key, "entries()");
        demand(range.error() == nullptr, range.error() == nullptr ? "" : sentence(*range.error()),
               "a walk by batches must not fail");
        now.demand_whole("entries()", true);
        break;
      }
      case 1: {
        auto range = counts.entries(keys, values);
        for (const auto [key, value] : range) now(key, "entries() with storage that is lent");
        demand(range.error() == nullptr, range.error() == nullptr ? "" : sentence(*range.error()),
               "a walk by batches must not fail");
        now.demand_whole("entries() with storage that is lent", true);
        break;
      }
      case 2: {
        auto range = counts.entries({}, {});
        for (const auto [key, value] : range) now(key, "entries() one by one");
        demand(now.count() <= most_steps,
               "entries() one by one shows " + std::to_string(now.count()) + " elements",
               "it promises to end after 16 times as many steps as the map has room for");
        if (range.error() == nullptr) {
          now.demand_whole("entries() one by one", false);
        } else {
          // Keys that vanish send the walk back to the start, and it says when that happened too often.
          demand(range.error()->at == step::map_get_next_key && range.error()->code == EAGAIN,
                 sentence(*range.error()), "it may only be told that the map changed too fast");
          ++given_up;
        }
        break;
      }
      case 3: {
        barebpf::batch_cursor<std::uint32_t> cursor;
        while (!cursor.at_end()) {
          const auto got = counts.lookup_batch(cursor, keys, values);
          demand(got.has_value(), got ? "" : sentence(got.error()), "the room is larger than any bucket");
          for (std::uint32_t i = 0; i < got.count(); ++i) now(keys[i], "lookup_batch");
        }
        now.demand_whole("lookup_batch", true);
        break;
      }
      case 4: {
        // By hand, and not longer than the library would go on.
        auto key = counts.get_next_key();
        while (key && now.count() < most_steps) {
          now(*key, "get_next_key");
          key = counts.get_next_key(*key);
        }
        if (!key) {
          demand(key.error().code == ENOENT, sentence(key.error()),
                 "it may only be told that this was the last key");
          now.demand_whole("get_next_key", false);
        }
        break;
      }
      default: {
        // The kernel throws elements out of the one whenever it likes, and the slots of the other are always there.
        auto some = cache.entries();
        for (const auto [key, value] : some) now(key, "entries() of an LRU hash");
        if (some.error() != nullptr) broken(sentence(*some.error()), "a walk by batches must not fail");
        std::uint32_t next = 0;
        auto range = slots.entries();
        for (const auto [key, value] : range)
          demand(key == next++, "the slots of an array are out of order", "they are numbered");
        demand(next == 8 && range.error() == nullptr, "an array of 8 slots shows " + std::to_string(next),
               "all are always there");
      }
    }
    longest = std::max(longest, now.count());
    seen += now.count();
    self.look();
  }
  is_over = true;
  for (std::thread& thread : threads) thread.join();
  demand(seen != 0 && changes > rounds, "the map changed only " + std::to_string(changes) + " times",
         "give it more seconds");
  return std::to_string(rounds) + " walks beside " + std::to_string(changes) +
         " changes: " + std::to_string(seen) + " elements seen, at most " + std::to_string(longest) +
         " in one walk, " + std::to_string(given_up) + " given up";
}

std::string taking(double seconds) {
  auto map = must(hash::create({.name = "soak_taken", .max_entries = 2048}));
  constexpr std::uint32_t writers = 2;
  std::atomic<std::uint32_t> working = writers;
  std::atomic<std::uint64_t> put = 0;
  std::vector<std::thread> threads;
  for (std::uint32_t writer = 0; writer < writers; ++writer)
    threads.emplace_back([&, writer] {
      std::uint32_t key = writer;
      for (const timer time(seconds); !time.is_over();) {
        const auto stored = map.update_elem(key, std::uint64_t{key} + 1, barebpf::update::noexist);
        if (stored) {
          ++put;
          key += writers;
        } else {
          demand(stored.error().code == E2BIG, sentence(stored.error()),
                 "it may only be told that the map is full");
          sleep_microseconds(100);
        }
      }
      --working;
    });
  std::uint64_t rounds = 0, taken = 0;
  std::vector<bool> was_taken;
  std::vector<std::uint32_t> keys(512);
  std::vector<std::uint64_t> values(512);
  for (bool last = false; !last; ++rounds) {
    last = working == 0;
    barebpf::batch_cursor<std::uint32_t> cursor;
    while (!cursor.at_end()) {
      const auto got = map.lookup_and_delete_batch(cursor, keys, values);
      demand(got.has_value(), got ? "" : sentence(got.error()), "the room is larger than any bucket");
      for (std::uint32_t i = 0; i < got.count(); ++i) {
        demand(values[i] == std::uint64_t{keys[i]} + 1, "a value does not belong to its key",
               "an element is put together of two");
        if (keys[i] >= was_taken.size()) was_taken.resize(2 * std::size_t{keys[i]} + 64);
        demand(!was_taken[keys[i]], "key " + std::to_string(keys[i]) + " was taken twice",
               "who takes an element out removes it");
        was_taken[keys[i]] = true;
      }
      taken += got.count();
    }
  }
  for (std::thread& thread : threads) thread.join();
  demand(taken == put && put != 0,
         std::to_string(put) + " elements were put in and " + std::to_string(taken) + " taken out",
         "none may be lost");
  return std::to_string(rounds) + " walks that take: " + std::to_string(put) +
         " elements put in and taken out once";
}

}  // namespace soak
