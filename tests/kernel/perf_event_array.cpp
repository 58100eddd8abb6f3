// SPDX-License-Identifier: MIT
// Perf events on the running kernel: every sample that a program puts out is taken or counted as lost.
#include <sched.h>
#include <sys/resource.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "perf_event_array.bpf.hpp"

using barebpf::cause;
using barebpf::deadline;
using std::chrono::milliseconds;
using sample = barebpf::perfbuf::sample;

namespace {

constexpr barebpf::static_object<perf_event_array> object;

// What the program puts out, see bpf_progs/perf_event_array.bpf.c.
struct event {
  std::uint64_t number;
  std::uint32_t cpu, place;
};

auto load() { return load_for_this_process(object); }
template <class Loaded>
barebpf::perfbuf open(const Loaded& loaded, const barebpf::perfbuf_options& options = {}) {
  auto opened = barebpf::perfbuf::open(loaded->template map_descriptor<"events">(), options);
  INFO((opened ? std::string() : sentence(opened.error())));
  REQUIRE(opened.has_value());
  return std::move(*opened);
}
template <barebpf::name Name, class Loaded>
std::uint64_t counted(const Loaded& loaded) {
  return **loaded->template variable<Name, std::uint64_t>();
}
template <barebpf::name Name, class Loaded>
void set(const Loaded& loaded, std::uint32_t value) {
  **loaded->template variable<Name, std::uint32_t>() = value;
}
unsigned online() { return static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN)); }

// Adds up what comes.
struct tally {
  std::uint64_t count = 0, sum = 0, wrong = 0;
  void operator()(const sample& s) {
    event one;
    if (!s.copy_to(one) || one.cpu != s.cpu()) {
      ++wrong;
      return;
    }
    ++count;
    sum += one.number;
  }
};

void call(int times) {
  for (int i = 0; i < times; ++i) static_cast<void>(getpgid(0));
}
// The same on one CPU.
void call_on(unsigned cpu, int times) {
  cpu_set_t before, only;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  REQUIRE(sched_setaffinity(0, sizeof only, &only) == 0);
  call(times);
  REQUIRE(sched_setaffinity(0, sizeof before, &before) == 0);
}

}  // namespace

TEST_CASE("perf_event_array: every sample of every CPU is accounted for") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open(loaded);
  CHECK(events.cpus() == online());
  CHECK_FALSE(events.is_ready());

  for (int round = 0; round < 30; ++round) {
    for (unsigned cpu = 0; cpu < online(); ++cpu) call_on(cpu, 50);
    CHECK(events.is_ready());
    tally seen;
    std::vector<std::uint64_t> last(online());
    CHECK(events.consume([&](const sample& s) {
      seen(s);
      event one{};
      static_cast<void>(s.copy_to(one));
      REQUIRE(s.cpu() < online());
      CHECK(one.number + 1 > last[s.cpu()]);  // in order on each CPU
      last[s.cpu()] = one.number + 1;
    }) == 50 * online());
    CHECK(seen.wrong == 0);
    CHECK(events.available() == 0);
  }
  CHECK(counted<"sent">(loaded) == 1500 * online());
  CHECK(counted<"refused">(loaded) == 0);
  CHECK(events.lost() == 0);
}

TEST_CASE("perf_event_array: samples of any size, also over the end of the ring") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends_words">();
  REQUIRE(sends.has_value());
  auto events = open(loaded, {.pages = 1});

  std::uint64_t sum = 0, count = 0;
  for (std::uint32_t bytes = 9; bytes < 2000; bytes += 7) {
    set<"size">(loaded, bytes);
    static_cast<void>(getsid(0));
    CHECK(events.consume([&](const sample& s) {
      // Lengthened so that with its own length it ends at a multiple of 8.
      CHECK(s.size() == (bytes + 4 + 7) / 8 * 8 - 4);
      std::uint64_t number = 0;
      std::memcpy(&number, s.data(), sizeof number);
      CHECK(s.bytes()[bytes - 1] == 0xab);
      sum += number;
      ++count;
    }) == 1);
  }
  CHECK(count == 285);
  CHECK(sum == counted<"sum">(loaded));

  set<"size">(loaded, 16);
  static_cast<void>(getsid(0));
  events.consume([](const sample& s) {
    event exact{};
    std::uint64_t shorter = 77;
    struct {
      std::uint64_t words[3];
    } longer{};
    CHECK(s.copy_to(exact));
    CHECK_FALSE(s.copy_to(shorter));
    CHECK(shorter == 77);
    CHECK_FALSE(s.copy_to(longer));
  });
}

TEST_CASE("perf_event_array: what finds its ring full is counted as lost") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open(loaded, {.pages = 1});
  set<"batch">(loaded, 64);

  call_on(0, 100);
  const std::uint64_t sent = counted<"sent">(loaded);
  CHECK(sent > 0);
  CHECK(counted<"refused">(loaded) == 6400 - sent);
  CHECK(**loaded->variable<"answer", std::int64_t>() == -ENOSPC);
  tally seen;
  CHECK(events.consume(seen) == sent);
  CHECK(events.lost() == 0);
  call_on(0, 1);
  CHECK(events.consume(seen) == 64);
  CHECK(events.lost() == 6400 - sent);
  CHECK(seen.count == counted<"sent">(loaded));
  CHECK(seen.sum == counted<"sum">(loaded));
}

TEST_CASE("perf_event_array: consumption ends after so many samples, and when the callable says so") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open(loaded);
  for (unsigned cpu = 0; cpu < online(); ++cpu) call_on(cpu, 10);

  tally seen;
  CHECK(events.consume(seen, 0) == 0);
  CHECK(events.consume(seen, 4) == 4);
  // The kernel told of these samples already, and they are ready all the same.
  const auto ready = barebpf::wait(deadline::never(), events);
  REQUIRE(ready.has_value());
  CHECK((*ready)[0]);
  int left = 3;
  CHECK(events.consume([&](const sample&) { return --left != 0; }) == 3);
  CHECK(events.consume(seen) == 10 * online() - 7);
  CHECK(events.consume(seen) == 0);
  CHECK_FALSE(*barebpf::wait(deadline::now(), events));
}

TEST_CASE("perf_event_array: a wait ends with a sample, with the deadline or by a stop") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  const auto stop = barebpf::stopper::make();
  REQUIRE(sends.has_value());
  REQUIRE(stop.has_value());
  auto events = open(loaded);

  CHECK_FALSE(*barebpf::wait(deadline::after(milliseconds(5)), events, *stop));
  for (unsigned cpu = 0; cpu < online(); ++cpu) {
    std::thread caller([cpu] { call_on(cpu, 1); });
    const auto came = barebpf::wait(deadline::never(), *stop, events);
    caller.join();
    REQUIRE(came.has_value());
    CHECK_FALSE((*came)[0]);
    CHECK((*came)[1]);
    CHECK(events.consume([cpu](const sample& s) { CHECK(s.cpu() == cpu); }) == 1);
  }
  std::thread stopping([&] { stop->stop(); });
  const auto stopped = barebpf::wait(deadline::never(), events, *stop);
  stopping.join();
  REQUIRE(stopped.has_value());
  CHECK((*stopped)[1]);
}

TEST_CASE("perf_event_array: a thread consumes while a program puts out samples on all CPUs") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  const auto stop = barebpf::stopper::make();
  REQUIRE(sends.has_value());
  REQUIRE(stop.has_value());
  auto events = open(loaded, {.pages = 4});
  set<"batch">(loaded, 16);

  tally seen;
  std::uint64_t failures = 0;
  std::thread consumer([&] {
    for (;;) {
      const auto ready = barebpf::wait(deadline::never(), events, *stop);
      if (!ready) ++failures;
      events.consume(seen);
      if (!ready || (*ready)[1]) break;
    }
  });
  std::vector<std::thread> callers;
  for (unsigned cpu = 0; cpu < online(); ++cpu) callers.emplace_back([cpu] { call_on(cpu, 10000); });
  for (std::thread& caller : callers) caller.join();
  stop->stop();
  consumer.join();
  // Those that were lost last are told of with the next sample of their CPU.
  set<"batch">(loaded, 1);
  for (unsigned cpu = 0; cpu < online(); ++cpu) call_on(cpu, 1);
  events.consume(seen);

  CHECK(failures == 0);
  CHECK(seen.wrong == 0);
  CHECK(seen.count == counted<"sent">(loaded));
  CHECK(seen.sum == counted<"sum">(loaded));
  CHECK(events.lost() == counted<"refused">(loaded));
  CHECK(seen.count + events.lost() == (10000 * 16 + 1) * online());
}

TEST_CASE("perf_event_array: the slots are emptied when it goes, and nothing stays open") {
  const int before = open_descriptors();
  {
    const auto loaded = load();
    const auto sends = loaded->attach<"sends">();
    REQUIRE(sends.has_value());
    call(1);
    CHECK(**loaded->variable<"answer", std::int64_t>() == -ENOENT);
    {
      auto first = open(loaded);
      call(1);
      CHECK(first.consume([](const sample&) {}) == 1);
      auto moved = std::move(first);
      call(1);
      CHECK(moved.consume([](const sample&) {}) == 1);
    }
    call(1);
    CHECK(counted<"sent">(loaded) == 2);
    CHECK(counted<"refused">(loaded) == 2);
    auto second = open(loaded);
    call(1);
    CHECK(second.consume([](const sample&) {}) == 1);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("perf_event_array: what cannot be opened is explained, and the slots are then empty") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  const barebpf::fd& map = loaded->map_descriptor<"events">();
  const int before = open_descriptors();

  const auto hash = barebpf::hash_map<int, int>::create({.name = "no_events", .max_entries = 1});
  REQUIRE(hash.has_value());
  CHECK(barebpf::perfbuf::open(hash->descriptor()).error().why == cause::wrong_map_type);
  CHECK(barebpf::perfbuf::open(loaded->program<"sends">()).error().why == cause::not_a_map);
  CHECK(
      is_explained(barebpf::perfbuf::open(barebpf::fd()).error(), barebpf::step::obj_get_info_by_fd, EBADFD));
  CHECK(barebpf::perfbuf::open(map, {.pages = 0}).error().why == cause::bad_page_count);
  CHECK(barebpf::perfbuf::open(map, {.pages = 12}).error().why == cause::bad_page_count);
  const auto endless = barebpf::perfbuf::open(map, {.pages = 1u << 31});
  REQUIRE_FALSE(endless.has_value());
  CHECK(endless.error().at == barebpf::step::map_event);
  CHECK(std::string(endless.error().name) == "events:CPU 0");

  // No descriptor is left for the event of the last CPU.
  rlimit limit{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  const int highest = dup(0);
  close(highest);
  rlimit few = limit;
  few.rlim_cur = static_cast<rlim_t>(highest) + 1 + online();  // the set, the map, and one event too few
  REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
  const auto out = barebpf::perfbuf::open(map);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK(is_explained(out.error(), barebpf::step::open_cpu_event, EMFILE));
  CHECK(std::string(out.error().name) == "events:CPU " + std::to_string(online() - 1));
  call(1);
  CHECK(**loaded->variable<"answer", std::int64_t>() == -ENOENT);
  CHECK(open_descriptors() == before + 1);  // the hash
}
