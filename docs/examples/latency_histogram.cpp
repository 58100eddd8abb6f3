// SPDX-License-Identifier: MIT
// How long a system call takes, in the whole machine or in one process, as a histogram:
//   latency_histogram read --seconds 10
//   latency_histogram 0 --pid 1234
// by name or by number, until Ctrl-C or for N seconds.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <barebpf.hpp>

#include "latency_histogram.bpf.hpp"

namespace {

constexpr barebpf::static_object<latency_histogram> object;
constexpr std::uint32_t buckets = 40;  // as in the BPF program
constexpr int width = 40;              // of the longest bar

int explain(const barebpf::error& why, const barebpf::verifier_log& log = {}) {
  char sentence[512];
  describe(why, sentence);
  const barebpf::text said = log.said();
  std::fprintf(stderr, "%.*s%s\n", static_cast<int>(said.size()), said.data(), sentence);
  return 1;
}

// "512 ns", "1 us" and so on: where a bucket begins, to the nearest that reads well.
void write_time(std::uint32_t bucket, char* out, std::size_t size) {
  constexpr const char* units[] = {"ns", "us", "ms", "s"};
  const unsigned unit = std::min(bucket / 10, 3u);
  std::snprintf(out, size, "%llu %s", 1ull << (bucket - unit * 10), units[unit]);
}

void draw(const std::uint64_t (&counts)[buckets]) {
  std::uint32_t first = 0, last = buckets;
  while (first < buckets && counts[first] == 0) ++first;
  while (last > first && counts[last - 1] == 0) --last;
  const std::uint64_t most = *std::max_element(counts, counts + buckets);
  for (std::uint32_t i = first; i < last; ++i) {
    char from[16], to[16];
    write_time(i, from, sizeof from);
    write_time(i + 1, to, sizeof to);
    const int length = static_cast<int>((counts[i] * width + most - 1) / most);  // whatever was seen shows
    std::printf("%7s .. %-7s %10llu |%.*s%*s|\n", from, to, static_cast<unsigned long long>(counts[i]),
                length, "########################################", width - length, "");
  }
}

}  // namespace

int main(int count, char** arguments) {
  long seconds = 1l << 30;
  auto data = object.data();
  bool is_understood = count >= 2 && count % 2 == 0;
  for (int i = 2; is_understood && i < count; i += 2) {
    const long number = std::strtol(arguments[i + 1], nullptr, 10);
    is_understood = number > 0;
    if (std::strcmp(arguments[i], "--seconds") == 0)
      seconds = number;
    else if (std::strcmp(arguments[i], "--pid") == 0)
      data.variable<"only_process", std::uint32_t>() = static_cast<std::uint32_t>(number);
    else
      is_understood = false;
  }
  if (!is_understood) {
    std::fprintf(stderr, "usage: %s NAME|NUMBER [--seconds N] [--pid PROCESS]\n", arguments[0]);
    return 2;
  }

  // A name has tracepoints of its own, which others do not pay for; a number is looked for among all calls.
  const char* call = arguments[1];
  const bool is_number = call[0] >= '0' && call[0] <= '9';
  if (is_number) data.variable<"only_call", std::int64_t>() = std::strtol(call, nullptr, 10);
  char entry[80], exit[80];
  std::snprintf(entry, sizeof entry, is_number ? "raw_syscalls/sys_enter" : "syscalls/sys_enter_%s", call);
  std::snprintf(exit, sizeof exit, is_number ? "raw_syscalls/sys_exit" : "syscalls/sys_exit_%s", call);

  barebpf::verifier_log log;
  const auto loaded = object.load({.log = &log, .data = data.view()});
  if (!loaded) return explain(loaded.error(), log);
  auto values = barebpf::per_cpu_values<std::uint64_t>::make(buckets);
  if (!values) return explain(values.error());
  const auto missed = loaded->variable<"missed", std::uint64_t>();
  if (!missed) return explain(missed.error());
  auto leaves = loaded->attach<"leaves">(barebpf::named_place{exit});
  if (!leaves) return std::fprintf(stderr, "%s: ", exit), explain(leaves.error());
  auto enters = loaded->attach<"enters">(barebpf::named_place{entry});
  if (!enters) return std::fprintf(stderr, "%s: ", entry), explain(enters.error());

  // Kept back, so that Ctrl-C ends the wait and nothing else.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  std::fprintf(stderr, "measuring %s\n", call);
  const std::timespec while_it_counts{.tv_sec = seconds, .tv_nsec = 0};
  sigtimedwait(&stop, nullptr, &while_it_counts);
  enters->detach();
  leaves->detach();

  const auto per_bucket = loaded->map<"buckets", std::uint32_t, std::uint64_t>();
  std::uint64_t counts[buckets] = {}, all = 0;
  std::uint32_t keys[buckets];
  auto entries = per_bucket.entries(keys, *values);
  for (const auto& [bucket, of_each_cpu] : entries) all += counts[bucket] = of_each_cpu.sum();
  if (const auto why = entries.error()) return explain(*why);
  std::printf("%s: %llu calls\n", call, static_cast<unsigned long long>(all));
  draw(counts);
  if (**missed != 0)
    std::fprintf(stderr, "%llu calls found no room\n", static_cast<unsigned long long>(**missed));
  return 0;
}
