// SPDX-License-Identifier: MIT
// What does it cost to take a sample out of a perf buffer? The library and libbpf, each with the rings of a map of its own,
// since a map has one ring for each CPU; the same calls make both programs put out the same samples.
#include <atomic>
#include <thread>

#include "bench.hpp"
#include "perf_event_array.bpf.hpp"

using namespace bench;

namespace {

constexpr barebpf::static_object<perf_event_array> object;
constexpr std::size_t pages = 64;  // of the ring of each CPU

// What everybody does with a sample: its first word and its length.
struct sums {
  u64 sum = 0;
  u64 count = 0;
  void add(const void* data, std::size_t size) {
    u64 word;
    std::memcpy(&word, data, sizeof word);
    sum += word ^ size;
    ++count;
  }
};

auto load() {
  auto data = object.data();
  data.variable<"only_process", u32>() = static_cast<u32>(getpid());
  return must(object.load({.data = data.view()}));
}
using loaded_object = decltype(load());

// A map with a program that puts samples into it as soon as somebody attaches that.
struct source {
  loaded_object loaded = load();
  std::remove_cvref_t<decltype(must(loaded.variable<"sent", u64>()))> sent =
      must(loaded.variable<"sent", u64>());
  std::remove_cvref_t<decltype(must(loaded.variable<"size", u32>()))> size =
      must(loaded.variable<"size", u32>());
  [[nodiscard]] const barebpf::fd& map() const { return loaded.map_descriptor<"events">(); }
  [[nodiscard]] auto attach() const { return must(loaded.attach<"sends_words">()); }
};

struct ours {
  source from;
  barebpf::perfbuf buffer = must(barebpf::perfbuf::open(from.map(), {.pages = pages}));
  sums seen;

  u64 consume() {
    seen = {};
    buffer.consume([this](const barebpf::perfbuf::sample& one) { seen.add(one.data(), one.size()); });
    return seen.sum;
  }
  [[nodiscard]] u64 lost() const { return buffer.lost(); }
};

struct theirs {
  source from;
  sums seen;
  u64 lost_ = 0;
  perf_buffer* buffer = perf_buffer__new(
      from.map().number(), pages,
      [](void* self, int, void* data, u32 size) { static_cast<theirs*>(self)->seen.add(data, size); },
      [](void* self, int, __u64 count) { static_cast<theirs*>(self)->lost_ += count; }, this, nullptr);

  theirs() { must_be(buffer != nullptr, "perf_buffer__new"); }
  ~theirs() { perf_buffer__free(buffer); }
  theirs(const theirs&) = delete;
  theirs& operator=(const theirs&) = delete;

  u64 consume() {
    seen = {};
    must_be(perf_buffer__consume(buffer) >= 0, "perf_buffer__consume");
    return seen.sum;
  }
  [[nodiscard]] u64 lost() const { return lost_; }
};

// Both rings are filled and emptied by turns, and no sample may be lost.
void ask_ready(ours& own, theirs& other, settings how, u32 bytes) {
  const auto sends = own.from.attach();
  const auto sends_to_others = other.from.attach();
  *own.from.size = *other.from.size = bytes;
  const settings here{how.rounds, std::min<u64>(how.count, pages * 4096 / (bytes + 24))};
  const auto prepare = [&] {
    own.consume();
    other.consume();
    *own.from.sent = *other.from.sent = 0;
    for (u64 i = 0; i < here.count; ++i) static_cast<void>(getsid(0));
    must_be(*own.from.sent == here.count && *other.from.sent == here.count, "the ring is too small");
  };
  char question[64];
  std::snprintf(question, sizeof question, "samples of %u bytes", bytes);
  ask(question, here,
      {{"barebpf", [&] { return own.consume(); }}, {"libbpf", [&] { return other.consume(); }}}, prepare);
  own.consume();
  other.consume();
  must_be(own.lost() == 0 && other.lost() == 0, "a sample was lost where there is room for all");
}

// Takes samples as fast as it can while a thread on another CPU makes them as fast as it can.
template <class Consumer>
struct race {
  std::vector<double> times, lost;

  void run(Consumer& by, u64 count, u32 bytes, unsigned cpu, bool matters) {
    const auto sends = by.from.attach();
    by.consume();
    *by.from.size = bytes;
    *by.from.sent = 0;
    const u64 lost_before = by.lost();
    std::atomic<bool> is_over = false;
    u64 taken = 0;
    const u64 begin = nanoseconds();
    const auto puts_out = [&is_over, cpu](u64 calls) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      must_be(sched_setaffinity(0, sizeof one, &one) == 0, "sched_setaffinity");
      for (u64 i = 0; i < calls; ++i) static_cast<void>(getsid(0));
      is_over = true;
    };
    std::thread producer(puts_out, count);
    for (bool last = false; !last;) {
      last = is_over;
      by.consume();
      taken += by.seen.count;
    }
    const u64 end = nanoseconds();
    producer.join();
    // The kernel tells of those that were lost with the next that finds room in the same ring.
    std::thread(puts_out, 1).join();
    by.consume();
    const u64 missing = count - taken;
    must_be(by.seen.count == 1 && taken + 1 == *by.from.sent, "samples that were put out did not arrive");
    must_be(by.lost() - lost_before == missing, "the count of lost samples is wrong");
    if (!matters) return;
    times.push_back(static_cast<double>(end - begin) / static_cast<double>(taken));
    lost.push_back(static_cast<double>(missing));
  }
};

void print(const std::vector<double>& list, const char* name, const char* end) {
  std::printf("\"%s\": [", name);
  for (std::size_t i = 0; i < list.size(); ++i) std::printf("%s%.3f", i == 0 ? "" : ", ", list[i]);
  std::printf("]%s", end);
}

void ask_live(ours& own, theirs& other, settings how, u32 bytes, unsigned cpu) {
  const settings here{std::max<u64>(how.rounds / 10, 1), how.count};
  race<ours> first;
  race<theirs> second;
  std::mt19937 dice;
  for (u64 round = 0; round <= here.rounds; ++round) {
    const bool other_way = (dice() & 1) != 0;
    if (other_way) second.run(other, here.count, bytes, cpu, round != 0);
    first.run(own, here.count, bytes, cpu, round != 0);
    if (!other_way) second.run(other, here.count, bytes, cpu, round != 0);
  }
  std::printf("{\"question\": \"live, samples of %u bytes\", \"count\": %llu, \"ns\": {", bytes,
              static_cast<unsigned long long>(here.count));
  print(first.times, "barebpf", ", ");
  print(second.times, "libbpf", ", ");
  print(first.lost, "barebpf, lost", ", ");
  print(second.lost, "libbpf, lost", "}}\n");
}

}  // namespace

int main(int argc, char** argv) {
  const settings how = arguments(argc, argv);
  cpu_set_t allowed;
  must_be(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
  unsigned another = 0;
  while (!CPU_ISSET(another, &allowed)) ++another;
  stay_on_one_processor();
  ours own;
  theirs other;
  // The kernel puts 12 bytes before each and rounds up to 8, so that these waste nothing.
  for (const u32 bytes : {12u, 60u, 252u, 1020u}) ask_ready(own, other, how, bytes);
  for (const u32 bytes : {12u, 252u}) ask_live(own, other, how, bytes, another);
  return 0;
}
