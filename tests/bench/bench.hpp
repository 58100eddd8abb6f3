// SPDX-License-Identifier: MIT
// What the benchmarks share: one processor, contenders that take turns, and a line of JSON for each question.
#ifndef BAREBPF_TESTS_BENCH_BENCH_HPP
#define BAREBPF_TESTS_BENCH_BENCH_HPP

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <barebpf.hpp>

namespace bench {

using u64 = std::uint64_t;
using u32 = std::uint32_t;
using s32 = std::int32_t;

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(1);
}

/// What came out of a call of the library's that must not fail here.
template <class Result>
auto must(Result outcome) {
  if (!outcome) {
    char sentence[512];
    describe(outcome.error(), sentence);
    give_up(sentence);
  }
  return std::move(*outcome);
}
inline void must_be(bool truth, const char* what) {
  if (!truth) give_up(std::string(what) + ": " + std::strerror(errno));
}

/// How long to measure: so many rounds, in which each contender does `count` things. The time of turns that take
/// milliseconds is that of the processor, or most of them would have other work of the machine in it.
struct settings {
  u64 rounds = 1;
  u64 count = 1;
  bool by_processor_time = false;
};
inline settings arguments(int argc, char** argv) {
  settings out;
  for (int i = 1; i + 1 < argc; i += 2) {
    const u64 number = std::strtoull(argv[i + 1], nullptr, 10);
    if (std::strcmp(argv[i], "--rounds") == 0)
      out.rounds = number;
    else if (std::strcmp(argv[i], "--count") == 0)
      out.count = number;
    else
      give_up(std::string("unknown argument ") + argv[i]);
  }
  if (argc % 2 == 0 || out.rounds == 0 || out.count == 0)
    give_up(std::string("usage: ") + argv[0] + " [--rounds N] [--count N]");
  return out;
}

/// Stays on the last processor that this process may use: the first one serves most interrupts.
inline void stay_on_one_processor() {
  cpu_set_t allowed;
  must_be(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
  int last = CPU_SETSIZE - 1;
  while (last > 0 && !CPU_ISSET(static_cast<unsigned>(last), &allowed)) --last;
  CPU_ZERO(&allowed);
  CPU_SET(static_cast<unsigned>(last), &allowed);
  must_be(sched_setaffinity(0, sizeof allowed, &allowed) == 0, "sched_setaffinity");
}

/// bpf(2) as nobody can make it faster: one instruction, an attr that is ready, no return from a function.
[[gnu::always_inline]] inline long bare_bpf(long command, const bpf_attr* attr, unsigned long size) {
#if defined(__x86_64__)
  long answer = __NR_bpf;
  __asm__ volatile("syscall" : "+a"(answer) : "D"(command), "S"(attr), "d"(size) : "rcx", "r11", "memory");
  return answer;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = __NR_bpf;
  register long x0 __asm__("x0") = command;
  register const bpf_attr* x1 __asm__("x1") = attr;
  register unsigned long x2 __asm__("x2") = size;
  __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory", "cc");
  return x0;
#else
#error "barebpf: the benchmarks know the system call instruction of x86-64 and arm64 alone"
#endif
}
inline u64 address(const void* of) { return reinterpret_cast<std::uintptr_t>(of); }

/// One way to answer a question: does the whole of it once, and gives a sum of what it saw.
struct contender {
  const char* name;
  std::function<u64()> turn;
};

inline u64 nanoseconds() {
  return static_cast<u64>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                              std::chrono::steady_clock::now().time_since_epoch())
                              .count());
}

/// What this thread has had of the processor, in the kernel too.
inline u64 processor_nanoseconds() {
  timespec now{};
  must_be(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0, "clock_gettime");
  return static_cast<u64>(now.tv_sec) * 1000000000 + static_cast<u64>(now.tv_nsec);
}

/// Prints one line: the question, and for each contender the nanoseconds per thing of each round. In each round
/// everybody has one turn, in another order each time; `prepare` comes before each turn, outside of the time.
/// All must have seen the same, or the program ends here.
inline void ask(
    const char* question, settings how, std::vector<contender> contenders,
    const std::function<void()>& prepare = [] {}) {
  std::vector<std::vector<double>> times(contenders.size());
  prepare();
  const u64 saw = contenders[0].turn();
  std::vector<std::size_t> order(contenders.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 dice;  // the same orders in each run
  for (u64 round = 0; round <= how.rounds; ++round) {
    std::shuffle(order.begin(), order.end(), dice);
    for (const std::size_t who : order) {
      prepare();
      const auto clock = how.by_processor_time ? processor_nanoseconds : nanoseconds;
      const u64 begin = clock();
      const u64 sum = contenders[who].turn();
      const u64 end = clock();
      if (sum != saw)
        give_up(std::string(question) + ": " + contenders[who].name + " saw other data than " +
                contenders[0].name);
      // The first round fills the caches and counts for nothing.
      if (round != 0) times[who].push_back(static_cast<double>(end - begin) / static_cast<double>(how.count));
    }
  }
  std::printf("{\"question\": \"%s\", \"count\": %llu, \"saw\": %llu, \"ns\": {", question,
              static_cast<unsigned long long>(how.count), static_cast<unsigned long long>(saw));
  for (std::size_t who = 0; who < contenders.size(); ++who) {
    std::printf("%s\"%s\": [", who == 0 ? "" : ", ", contenders[who].name);
    for (std::size_t i = 0; i < times[who].size(); ++i)
      std::printf("%s%.3f", i == 0 ? "" : ", ", times[who][i]);
    std::printf("]");
  }
  std::printf("}}\n");
  std::fflush(stdout);
}

// Maps of several types: whether each CPU has a value of its own, and the key that has a number, whatever keys are.
template <class Map>
constexpr bool is_per_cpu = barebpf::kind_of(Map::type).value == barebpf::value_rule::per_cpu;

template <class Key, class Number>
Key key_of(Number number) {
  if constexpr (std::is_same_v<Key, barebpf::ipv4_prefix>) {
    barebpf::ipv4_prefix out{.prefixlen = 32};
    static_assert(sizeof number == sizeof out.data);
    std::memcpy(out.data, &number, sizeof number);
    return out;
  } else {
    return static_cast<Key>(number);
  }
}

}  // namespace bench

#endif  // BAREBPF_TESTS_BENCH_BENCH_HPP
