// SPDX-License-Identifier: MIT
// Consumers of ring buffers that are stopped while they wait and started again, beside programs on all CPUs that send
// numbered records. Nothing may be lost but what a program was refused, nothing come twice, and a stop must end the wait.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "soak.hpp"
#include "soak_rings.bpf.hpp"
#include "user_ringbuf.bpf.hpp"

namespace soak {

namespace {

using barebpf::deadline;
using std::chrono::steady_clock;

constexpr barebpf::static_object<soak_rings> object;
constexpr barebpf::static_object<::user_ringbuf> drained_object;

constexpr std::uint32_t most_senders = 16;
using numbers = std::uint64_t[most_senders];

// A stop must not wait for anything; this much is for a machine that is busy with other things.
constexpr auto prompt = std::chrono::seconds(2);

// One thread for each CPU that calls what makes a program send, in bursts with pauses, in which consumers fall asleep.
class senders {
 public:
  explicit senders(long system_call_number) {
    for (std::uint32_t who = 0; who < std::min(cpus(), most_senders); ++who)
      threads_.emplace_back([this, who, system_call_number] {
        stay_on_cpu(who);
        dice random(who + 1);
        while (!is_over_) {
          for (std::uint32_t left = random.below(400); left != 0; --left)
            syscall(system_call_number, std::uint64_t{who} << 48 | called_[who]++);
          sleep_microseconds(random.below(2000));
        }
      });
  }
  void join() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }
  // One more record on each CPU.
  void send_once_more(long system_call_number) {
    for (std::uint32_t who = 0; who < threads_.size(); ++who)
      std::thread([this, who, system_call_number] {
        stay_on_cpu(who);
        syscall(system_call_number, std::uint64_t{who} << 48 | called_[who]++);
      }).join();
  }
  const numbers& called() const { return called_; }

 private:
  std::atomic<bool> is_over_ = false;
  numbers called_ = {};
  std::vector<std::thread> threads_;
};

// What came of each sender. Its numbers only go up, so none comes twice when they do.
class taken {
 public:
  void operator()(const unsigned char* data, std::size_t size, std::size_t largest) {
    std::uint64_t number = 0;
    demand(size >= sizeof number && size <= largest, "a record of " + std::to_string(size) + " bytes came",
           "none was sent");
    std::memcpy(&number, data, sizeof number);
    const std::uint64_t who = number >> 48, place = number & 0xffffffffffff;
    demand(who < most_senders, "a record of sender " + std::to_string(who) + " came", "there is none");
    demand(place >= next_[who],
           "sender " + std::to_string(who) + " sent record " + std::to_string(place) + " behind record " +
               std::to_string(next_[who] - 1),
           "it came twice or in the wrong order");
    next_[who] = place + 1;
    ++count_[who];
  }
  // Held against what the program says that it sent and was refused, and both against the calls.
  void demand_all(const numbers& called, const numbers& sent, const numbers& refused) const {
    for (std::uint32_t who = 0; who < most_senders; ++who) {
      const std::string of = " of sender " + std::to_string(who);
      demand(sent[who] + refused[who] == called[who],
             std::to_string(called[who]) + " calls" + of + " made " + std::to_string(sent[who]) +
                 " records and " + std::to_string(refused[who]) + " refusals",
             "each call makes one or the other");
      demand(count_[who] == sent[who],
             "of " + std::to_string(sent[who]) + " records" + of + " came " + std::to_string(count_[who]),
             "each must come once");
    }
  }

 private:
  numbers count_ = {}, next_ = {};
};

std::uint64_t sum(const numbers& of) {
  std::uint64_t out = 0;
  for (const std::uint64_t one : of) out += one;
  return out;
}
template <barebpf::name Name, class Loaded>
void read(const Loaded& loaded, numbers& out) {
  const auto counted = must(loaded.template variable<Name, const numbers>());
  std::memcpy(out, &*counted, sizeof out);
}

// How long stops took.
class stops {
 public:
  // Waits a moment, stops the consumer and waits for it.
  void operator()(const barebpf::stopper& stop, std::thread& consumer, dice& random) {
    sleep_microseconds(random.below(3000));
    const auto before = steady_clock::now();
    stop.stop();
    consumer.join();
    const auto took = steady_clock::now() - before;
    demand(took < prompt, "a stop took " + milliseconds(took), "it must end the wait at once");
    longest_ = std::max(longest_, took);
    stop.reset();
  }
  std::string longest() const { return milliseconds(longest_); }

 private:
  static std::string milliseconds(steady_clock::duration length) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(length).count()) + " ms";
  }
  steady_clock::duration longest_{};
};

// Takes records until it is told to stop, each time in another way, and counts how often it slept.
template <class Ring, class Use>
void consume(Ring& from, const barebpf::stopper& stop, std::uint64_t round, std::uint64_t& waits,
             const Use& use) {
  for (;;) {
    const auto ready = must(barebpf::wait(deadline::never(), from, stop));
    ++waits;
    if (ready[1]) return;  // what is there stays for the next one
    demand(ready[0], "a wait ended without a record and without a stop", "it has no other reason to end");
    std::uint64_t left = 5;
    if (round % 3 == 0)
      from.consume(use);
    else if (round % 3 == 1)
      from.consume(use, 7);
    else
      from.consume([&](const auto& one) {
        use(one);
        return --left != 0;
      });
  }
}

// Starts a consumer and stops it, over and over; `between` is called when there is none.
template <class Ring, class Use, class Between>
std::string stop_and_start(double seconds, Ring& from, const Use& use, const Between& between) {
  const auto stop = must(barebpf::stopper::make());
  stops stopping;
  dice random(5);
  steady self;
  std::uint64_t rounds = 0, waits = 0;
  for (const timer time(seconds); !time.is_over(); ++rounds) {
    std::thread consumer([&] { consume(from, stop, rounds, waits, use); });
    stopping(stop, consumer, random);
    between(rounds);
    self.look();
  }
  self.demand_steady();
  demand(waits > rounds, "in " + std::to_string(rounds) + " rounds no consumer ever got a record",
         "give it more seconds");
  return std::to_string(rounds) + " stops, the longest took " + stopping.longest() + "; " +
         std::to_string(waits - rounds) + " waits for records";
}

std::string told(const std::string& rounds, const numbers& sent, const numbers& refused) {
  return rounds + "; " + std::to_string(sum(sent)) + " records taken once each, " +
         std::to_string(sum(refused)) + " refused";
}

}  // namespace

std::string ringbuf(double seconds) {
  const auto loaded = load_for_this_process(object);
  const auto attached = must(loaded.attach<"soak_to_ring">());
  note_what_is_held();
  taken seen;
  const auto use = [&](barebpf::ringbuf::record r) { seen(r.data(), r.size(), sizeof(std::uint64_t)); };
  auto ring = must(barebpf::ringbuf::open(loaded.map_descriptor<"soak_ring">()));
  senders sending(SYS_getpgid);
  const std::string rounds = stop_and_start(seconds, ring, use, [&](std::uint64_t round) {
    // Whoever opens it again goes on where the last one stopped.
    if (round % 4 == 0) ring = must(barebpf::ringbuf::open(loaded.map_descriptor<"soak_ring">()));
  });
  sending.join();
  ring.consume(use);
  demand(ring.available() == 0, std::to_string(ring.available()) + " bytes are left in the ring",
         "nobody sends any more");
  numbers sent, refused;
  read<"sent">(loaded, sent);
  read<"refused">(loaded, refused);
  seen.demand_all(sending.called(), sent, refused);
  return told(rounds, sent, refused);
}

std::string perfbuf(double seconds) {
  const auto loaded = load_for_this_process(object);
  const auto attached = must(loaded.attach<"soak_to_events">());
  note_what_is_held();
  taken seen;
  // The kernel lengthens a sample to a multiple of 8 with its own length of 4 bytes.
  const auto use = [&](const barebpf::perfbuf::sample& s) {
    seen(s.data(), s.size(), sizeof(std::uint64_t) + 4);
  };
  auto events = must(barebpf::perfbuf::open(loaded.map_descriptor<"soak_samples">(), {.pages = 2}));
  note_what_is_held();
  senders sending(SYS_getsid);
  const std::string rounds = stop_and_start(seconds, events, use, [](std::uint64_t) {});
  sending.join();
  events.consume(use);
  // What was lost last is told of with the next sample of its CPU.
  sending.send_once_more(SYS_getsid);
  events.consume(use);
  numbers sent, refused;
  read<"sent">(loaded, sent);
  read<"refused">(loaded, refused);
  seen.demand_all(sending.called(), sent, refused);
  demand(events.lost() == sum(refused),
         "the program was refused " + std::to_string(sum(refused)) + " samples, and lost() says " +
             std::to_string(events.lost()),
         "each is told of once");
  return told(rounds, sent, refused);
}

std::string user_ringbuf(double seconds) {
  const auto loaded = load_for_this_process(drained_object);
  const auto attached = must(loaded.attach<"drains">());
  note_what_is_held();
  auto commands = must(barebpf::user_ringbuf::open(loaded.map_descriptor<"commands">()));
  // Programs on all CPUs drain it, and pause in between, so that the ring is full.
  std::atomic<bool> is_over = false;
  std::vector<std::thread> drainers;
  for (std::uint32_t cpu = 0; cpu < cpus(); ++cpu)
    drainers.emplace_back([&, cpu] {
      stay_on_cpu(cpu);
      dice random(cpu + 1);
      while (!is_over) {
        for (std::uint32_t left = random.below(20); left != 0; --left) syscall(SYS_getpgid, 0);
        sleep_microseconds(random.below(3000));
      }
    });
  const auto stop = must(barebpf::stopper::make());
  stops stopping;
  dice random(11);
  steady self;
  std::uint64_t rounds = 0, sent = 0, waits = 0, discarded = 0;
  for (const timer time(seconds); !time.is_over(); ++rounds) {
    std::thread sender([&] {
      for (;;) {
        auto got = commands.reserve(sizeof sent);
        if (!got) {
          demand(got.error().why == barebpf::cause::ring_is_full, sentence(got.error()),
                 "it may only be told that the ring is full");
          const auto ready = must(barebpf::wait(deadline::never(), commands, stop));
          ++waits;
          if (ready[1]) return;
          demand(ready[0], "a wait ended without room and without a stop", "it has no other reason to end");
          continue;
        }
        if (sent % 50 == 49 && discarded < sent / 50) {
          ++discarded;  // and the next one takes its number
          continue;
        }
        std::memcpy(got->bytes().data(), &sent, sizeof sent);
        std::move(*got).submit();
        ++sent;
      }
    });
    stopping(stop, sender, random);
    if (rounds % 4 == 0) commands = must(barebpf::user_ringbuf::open(loaded.map_descriptor<"commands">()));
    self.look();
  }
  is_over = true;
  for (std::thread& drainer : drainers) drainer.join();
  syscall(SYS_getpgid, 0);
  self.demand_steady();
  const std::uint64_t drained = *must(loaded.variable<"drained", std::uint64_t>()),
                      in_order = *must(loaded.variable<"in_order", std::uint64_t>());
  demand(commands.used() == 0, std::to_string(commands.used()) + " bytes are left in the ring",
         "a program drained it");
  demand(drained == sent && in_order == sent,
         "of " + std::to_string(sent) + " records a program took " + std::to_string(drained) + ", and " +
             std::to_string(in_order) + " in their order",
         "each must come once and in order");
  demand(waits > rounds, "in " + std::to_string(rounds) + " rounds the sender never got room by waiting",
         "give it more seconds");
  return std::to_string(rounds) + " stops, the longest took " + stopping.longest() + "; " +
         std::to_string(waits - rounds) + " waits for room; " + std::to_string(sent) +
         " records drained once each, in order, " + std::to_string(discarded) + " discarded";
}

}  // namespace soak
