// SPDX-License-Identifier: MIT
// Counts execve calls of the whole machine until Ctrl-C, or for `--seconds N`: one line a second.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <barebpf.hpp>

#include "execve_counter.bpf.hpp"

namespace {

constexpr barebpf::static_object<execve_counter> object;

volatile std::sig_atomic_t stopped = 0;

int explain(const barebpf::error& why, const barebpf::verifier_log& log) {
  char sentence[512];
  describe(why, sentence);
  const barebpf::text said = log.said();
  std::fprintf(stderr, "%.*s%s\n", static_cast<int>(said.size()), said.data(), sentence);
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  long seconds = -1;
  if (count == 3 && std::strcmp(arguments[1], "--seconds") == 0) {
    seconds = std::strtol(arguments[2], nullptr, 10);
  } else if (count != 1) {
    std::fprintf(stderr, "usage: %s [--seconds N]\n", arguments[0]);
    return 2;
  }

  barebpf::verifier_log log;
  const auto loaded = object.load({.log = &log});
  if (!loaded) return explain(loaded.error(), log);
  const auto link = loaded->attach<"bpf_prog">();
  if (!link) return explain(link.error(), log);
  const auto hits = loaded->map<"hash_map", std::int32_t, std::int64_t>();

  struct sigaction stop {};
  stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGTERM, &stop, nullptr);
  const auto total = [&] { return static_cast<long long>(hits.lookup_elem(0).value_or(0)); };
  for (long second = 1; stopped == 0 && (seconds < 0 || second <= seconds); ++second) {
    const std::timespec one_second{.tv_sec = 1, .tv_nsec = 0};
    nanosleep(&one_second, nullptr);
    if (stopped != 0) break;
    std::printf("second %ld: %lld execve calls\n", second, total());
    std::fflush(stdout);
  }
  std::printf("execve calls in all: %lld\n", total());
  return 0;
}
