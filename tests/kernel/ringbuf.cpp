// SPDX-License-Identifier: MIT
// The ring buffer on the running kernel: whatever a program sends, user space gets, once and in order.
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "ringbuf.bpf.hpp"

using barebpf::deadline;
using std::chrono::milliseconds;
using record = barebpf::ringbuf::record;

namespace {

constexpr barebpf::static_object<ringbuf> object;

// What the program sends, see bpf_progs/ringbuf.bpf.c.
struct event {
  std::uint64_t number;
  std::uint32_t cpu, place;
};

auto load(std::uint32_t discards = 0) {
  return load_for_this_process(
      object, [&](auto& data) { data.template variable<"discards", std::uint32_t>() = discards; });
}
template <barebpf::name Name, class Loaded>
barebpf::ringbuf open(const Loaded& loaded) {
  auto opened = barebpf::ringbuf::open(loaded->template map_descriptor<Name>());
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

// Adds up what comes.
struct tally {
  std::uint64_t count = 0, sum = 0, wrong = 0;
  void operator()(record r) {
    const event* const one = r.as<event>();
    if (one == nullptr) {
      ++wrong;
      return;
    }
    ++count;
    sum += one->number;
  }
};

void call(int times) {
  for (int i = 0; i < times; ++i) static_cast<void>(getpgid(0));
}

}  // namespace

TEST_CASE("ringbuf: every record is accounted for, once and in order") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open<"events">(loaded);

  CHECK(events.consume([](record) {}) == 0);
  for (std::uint64_t round = 0; round < 50; ++round) {
    call(100);
    std::uint64_t next = round * 100;
    const std::uint64_t used = events.consume([&](record r) {
      REQUIRE(r.as<event>() != nullptr);
      CHECK(r.as<event>()->number == next++);
      CHECK(r.as<event>()->place == 0);
    });
    CHECK(used == 100);
  }
  // 5000 records of 24 bytes went round more than once.
  CHECK(events.consumer_position() == 5000 * 24);
  CHECK(events.consumer_position() > events.size());
  CHECK(events.producer_position() == events.consumer_position());
  CHECK(events.available() == 0);
  CHECK(events.overwritten() == 0);
  CHECK(counted<"sent">(loaded) == 5000);
  CHECK(counted<"refused">(loaded) == 0);
}

TEST_CASE("ringbuf: a record that reaches over the end is in one piece") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends_words">();
  REQUIRE(sends.has_value());
  auto events = open<"events">(loaded);
  set<"size">(loaded, 1000);

  std::uint64_t count = 0, sum = 0, over_the_end = 0;
  for (int i = 0; i < 200; ++i) {
    static_cast<void>(getsid(0));
    const std::uint64_t at = events.consumer_position() % events.size();
    events.consume([&](record r) {
      if (at + 8 + r.size() > events.size()) ++over_the_end;
      CHECK(r.size() == 1000);
      CHECK(r.as<std::uint64_t>() == nullptr);
      REQUIRE(r.begins_with<std::uint64_t>() != nullptr);
      sum += *r.begins_with<std::uint64_t>();
      CHECK(r.bytes()[999] == 0xab);
      ++count;
    });
  }
  CHECK(count == 200);
  CHECK(sum == counted<"sum">(loaded));
  CHECK(over_the_end == 3);
  set<"size">(loaded, 3);
  static_cast<void>(getsid(0));
  CHECK(events.consume([](record r) {
    CHECK(r.bytes().size() == 3);
    CHECK(r.begins_with<std::uint32_t>() == nullptr);
  }) == 1);
}

TEST_CASE("ringbuf: discarded records are passed over") {
  const auto loaded = load(3);
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open<"events">(loaded);
  set<"batch">(loaded, 10);

  call(20);
  tally seen;
  CHECK(events.consume(seen) == 120);
  CHECK(seen.count == counted<"sent">(loaded));
  CHECK(seen.sum == counted<"sum">(loaded));
  CHECK(counted<"discarded">(loaded) == 80);
  CHECK(events.available() == 0);
}

TEST_CASE("ringbuf: a full buffer refuses records, which the program notices, and none is lost silently") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open<"events">(loaded);
  set<"batch">(loaded, 64);

  call(100);
  const std::uint64_t room = (events.size() - 1) / 24;
  CHECK(counted<"sent">(loaded) == room);
  CHECK(counted<"refused">(loaded) == 6400 - room);
  CHECK(events.available() == room * 24);
  tally seen;
  CHECK(events.consume(seen) == room);
  CHECK(seen.sum == counted<"sum">(loaded));
  call(1);
  CHECK(events.consume(seen) == 64);
  CHECK(seen.wrong == 0);
}

TEST_CASE("ringbuf: consumption ends after so many records, and when the callable says so") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open<"events">(loaded);
  call(20);

  tally seen;
  CHECK(events.consume(seen, 0) == 0);
  CHECK(events.consume(seen, 7) == 7);
  CHECK(seen.sum == 0 + 1 + 2 + 3 + 4 + 5 + 6);
  CHECK(events.consumer_position() == 7 * 24);
  CHECK(events.consume([](record r) { return r.as<event>()->number < 9; }) == 3);
  CHECK(events.consume(seen) == 10);
  CHECK(seen.sum == 21 + 145);

  SECTION("and who opens it again goes on there") {
    call(3);
    CHECK(events.consume(seen, 1) == 1);
    auto again = open<"events">(loaded);
    CHECK(again.consume(seen) == 2);
    CHECK(events.consume(seen) == 0);
  }
}

TEST_CASE("ringbuf: what comes while records are consumed waits for the next call") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open<"events">(loaded);
  call(5);

  CHECK(events.consume([](record) { call(2); }) == 5);
  CHECK(events.consume([](record) {}) == 10);
}

TEST_CASE("ringbuf: a wait ends with a record, with the deadline or by a stop from another thread") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  const auto stop = barebpf::stopper::make();
  REQUIRE(sends.has_value());
  REQUIRE(stop.has_value());
  auto events = open<"events">(loaded);

  const auto passed = barebpf::wait(deadline::after(milliseconds(5)), events, *stop);
  REQUIRE(passed.has_value());
  CHECK_FALSE(*passed);

  std::thread caller([&] { call(1); });
  const auto came = barebpf::wait(deadline::never(), events, *stop);
  caller.join();
  REQUIRE(came.has_value());
  CHECK((*came)[0]);
  CHECK_FALSE((*came)[1]);

  std::thread stopping([&] { stop->stop(); });
  stopping.join();
  const auto both = barebpf::wait(deadline::never(), events, *stop);
  REQUIRE(both.has_value());
  CHECK((*both)[0]);
  CHECK((*both)[1]);
  CHECK(events.consume([](record) {}) == 1);

  std::thread later([&] { stop->stop(); });
  const auto stopped = barebpf::wait(deadline::never(), events, *stop);
  later.join();
  REQUIRE(stopped.has_value());
  CHECK_FALSE((*stopped)[0]);
  CHECK((*stopped)[1]);
  stop->reset();
  CHECK_FALSE(*barebpf::wait(deadline::now(), events, *stop));
}

TEST_CASE("ringbuf: a signal does not end a wait") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  REQUIRE(sends.has_value());
  auto events = open<"events">(loaded);
  static volatile std::sig_atomic_t signals;
  signals = 0;
  struct sigaction act {
  }, before{};
  act.sa_handler = [](int) { signals = signals + 1; };
  REQUIRE(sigaction(SIGUSR1, &act, &before) == 0);

  const pthread_t waiting = pthread_self();
  std::thread other([&] {
    for (int i = 0; i < 20; ++i) {
      pthread_kill(waiting, SIGUSR1);
      std::this_thread::sleep_for(milliseconds(1));
    }
    call(1);
  });
  const auto came = barebpf::wait(deadline::never(), events);
  other.join();
  sigaction(SIGUSR1, &before, nullptr);
  REQUIRE(came.has_value());
  CHECK((*came)[0]);
  CHECK(signals > 0);
  CHECK(events.consume([](record) {}) == 1);
}

TEST_CASE("ringbuf: two buffers in one wait, and any number in a set") {
  const auto loaded = load();
  const auto sends = loaded->attach<"sends">();
  const auto sends_to_others = loaded->attach<"sends_to_others">();
  REQUIRE(sends.has_value());
  REQUIRE(sends_to_others.has_value());
  auto events = open<"events">(loaded);
  auto others = open<"others">(loaded);
  auto set = barebpf::wait_set::make();
  REQUIRE(set.has_value());
  REQUIRE(set->add(events).has_value());
  REQUIRE(set->add(others).has_value());
  CHECK(is_explained(set->add(others).error(), barebpf::step::wait, EEXIST));

  CHECK_FALSE(*barebpf::wait(deadline::now(), events, others));
  CHECK_FALSE(*barebpf::wait(deadline::now(), *set));
  static_cast<void>(getpriority(PRIO_PROCESS, 0));
  const auto second = barebpf::wait(deadline::never(), events, others);
  REQUIRE(second.has_value());
  CHECK_FALSE((*second)[0]);
  CHECK((*second)[1]);
  CHECK(*barebpf::wait(deadline::never(), *set));
  call(1);
  const auto both = barebpf::wait(deadline::never(), events, others);
  CHECK((*both)[0]);
  CHECK((*both)[1]);
  CHECK(events.consume([](record) {}) == 1);
  CHECK(others.consume([](record r) { CHECK(*r.as<std::uint64_t>() == 0); }) == 1);
  CHECK_FALSE(*barebpf::wait(deadline::now(), *set));
}

TEST_CASE("ringbuf: a thread consumes while a program sends on all CPUs") {
  const auto loaded = load(5);
  const auto sends = loaded->attach<"sends">();
  const auto stop = barebpf::stopper::make();
  REQUIRE(sends.has_value());
  REQUIRE(stop.has_value());
  auto events = open<"events">(loaded);
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
  // Whoever looks meanwhile sees positions that go forward.
  std::atomic<bool> is_over = false;
  std::atomic<std::uint64_t> looks = 0, backwards = 0;
  std::thread watcher([&] {
    for (std::uint64_t consumed = 0, produced = 0; !is_over; ++looks) {
      const std::uint64_t taken = events.consumer_position(), put = events.producer_position();
      if (taken < consumed || put < produced || put < taken) ++backwards;
      consumed = taken;
      produced = put;
    }
  });
  std::vector<std::thread> callers;
  for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); ++cpu)
    callers.emplace_back([cpu] {
      cpu_set_t only;
      CPU_ZERO(&only);
      CPU_SET(static_cast<unsigned>(cpu), &only);
      sched_setaffinity(0, sizeof only, &only);
      call(20000);
    });
  for (std::thread& caller : callers) caller.join();
  stop->stop();
  consumer.join();
  is_over = true;
  watcher.join();

  CHECK(looks > 0);
  CHECK(backwards == 0);
  CHECK(failures == 0);
  CHECK(seen.wrong == 0);
  CHECK(seen.count == counted<"sent">(loaded));
  CHECK(seen.sum == counted<"sum">(loaded));
  CHECK(seen.count + counted<"discarded">(loaded) + counted<"refused">(loaded) ==
        callers.size() * 20000 * 16);
  CHECK(counted<"discarded">(loaded) > 0);
  CHECK(events.available() == 0);
}

TEST_CASE("ringbuf: what is none is told apart") {
  const auto loaded = load();
  const auto hash = barebpf::hash_map<int, int>::create({.name = "no_ring", .max_entries = 1});
  REQUIRE(hash.has_value());
  const auto wrong = barebpf::ringbuf::open(hash->descriptor());
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().why == barebpf::cause::wrong_map_type);
  CHECK(std::string(wrong.error().name) == "no_ring");
  CHECK(barebpf::ringbuf::open(loaded->program<"sends">()).error().why == barebpf::cause::not_a_map);
  CHECK(
      is_explained(barebpf::ringbuf::open(barebpf::fd()).error(), barebpf::step::obj_get_info_by_fd, EBADFD));

  auto events = open<"events">(loaded);
  const auto taken = std::move(events);
  const auto closed = barebpf::wait(deadline::never(), events);  // NOLINT: it was moved from
  CHECK(is_explained(closed.error(), barebpf::step::wait, EBADF));
}

TEST_CASE("ringbuf: what the kernel does not create is explained") {
  const auto explained = [](std::uint32_t max_entries, std::uint32_t flags) {
    const barebpf::abi::map_create attr{.map_type = static_cast<std::uint32_t>(barebpf::map_type::ringbuf),
                                        .max_entries = max_entries,
                                        .map_flags = flags};
    const long answer = barebpf::create_map(attr);
    const barebpf::fd made = barebpf::fd::own(answer);
    return made.is_open() ? barebpf::cause::none : barebpf::explain_refusal(attr, answer);
  };
  CHECK(explained(4096, 0) == barebpf::cause::none);
  CHECK(explained(0, 0) == barebpf::cause::bad_ring_size);
  CHECK(explained(12288, 0) == barebpf::cause::bad_ring_size);
  CHECK(explained(4096, barebpf::map_flag::rdonly) == barebpf::cause::refused_map_flag);
  const bool overwrites = barebpf::running_kernel() >= barebpf::kernel(6, 19);
  CHECK(explained(4096, barebpf::map_flag::rb_overwrite) ==
        (overwrites ? barebpf::cause::none : barebpf::cause::newer_map_flag));
}

TEST_CASE("ringbuf: nothing stays open, and the buffer outlives its object") {
  const int before = open_descriptors();
  {
    auto loaded = load();
    const auto sends = loaded->attach<"sends">();
    REQUIRE(sends.has_value());
    auto events = open<"events">(loaded);
    call(3);
    { const auto gone = std::move(loaded); }
    tally seen;
    CHECK(events.consume(seen) == 3);
    CHECK(seen.sum == 3);
  }
  CHECK(open_descriptors() == before);
}
