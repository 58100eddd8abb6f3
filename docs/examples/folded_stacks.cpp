// SPDX-License-Identifier: MIT
// Where processes leave the CPU, for `--seconds N` (5) or until Ctrl-C: then one folded line for each stack of the whole
// machine, as flame graph tools take them.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <vector>

#include <barebpf.hpp>

#include "folded_stacks.bpf.hpp"
#include "folded_stacks.h"  // struct seen, which the BPF program includes too

namespace {

constexpr barebpf::static_object<folded_stacks> object;

using addresses = barebpf::stack_addresses<127>;

struct counted {
  seen key;
  std::uint64_t count;
};

int explain(const barebpf::error& why, const barebpf::verifier_log& log = {}) {
  char sentence[512];
  describe(why, sentence);
  const barebpf::text said = log.said();
  std::fprintf(stderr, "%.*s%s\n", static_cast<int>(said.size()), said.data(), sentence);
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  long seconds = 5;
  if (count == 3 && std::strcmp(arguments[1], "--seconds") == 0) {
    seconds = std::strtol(arguments[2], nullptr, 10);
  } else if (count != 1) {
    std::fprintf(stderr, "usage: %s [--seconds N]\n", arguments[0]);
    return 2;
  }

  barebpf::verifier_log log;
  const auto loaded = object.load({.log = &log});
  if (!loaded) return explain(loaded.error(), log);
  // Kept back, so that Ctrl-C ends the wait and nothing else.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  auto link = loaded->attach<"leaves">();
  if (!link) return explain(link.error(), log);
  const std::timespec while_it_counts{.tv_sec = seconds, .tv_nsec = 0};
  sigtimedwait(&stop, nullptr, &while_it_counts);
  link->detach();

  const auto missed = loaded->variable<"missed", std::uint64_t>();
  if (!missed) return explain(missed.error());
  const auto symbols = barebpf::kernel_symbols::read();
  if (!symbols) return explain(symbols.error());
  std::vector<counted> all;
  const auto counts = loaded->map<"counts", seen, std::uint64_t>();
  auto entries = counts.entries();
  for (const auto& [key, times] : entries) all.push_back({key, times});
  if (const auto why = entries.error()) return explain(*why);
  // One process after the other, so that the mappings of each are read once.
  std::sort(all.begin(), all.end(), [](const counted& a, const counted& b) { return a.key.pid < b.key.pid; });

  const auto stacks = loaded->map<"stacks", std::uint32_t, addresses>();
  const auto stack_of = [&](std::int32_t id) {
    return id < 0 ? addresses{} : stacks.lookup_elem(static_cast<std::uint32_t>(id)).value_or(addresses{});
  };
  std::uint64_t without_room = **missed;
  barebpf::user_mappings mappings;
  std::uint32_t pid = 0;
  for (const auto& [key, times] : all) {
    // Of a process that is gone nothing is known, and its places remain numbers.
    if (key.pid != pid)
      mappings = barebpf::user_mappings::read(pid = key.pid).value_or(barebpf::user_mappings{});
    if (key.user == -EEXIST || key.kernel == -EEXIST) without_room += times;
    const addresses user = stack_of(key.user), kernel = stack_of(key.kernel);
    barebpf::write_folded({.comm = barebpf::text::until_nul(key.comm, sizeof key.comm),
                           .user = user.addresses(),
                           .kernel = kernel.addresses(),
                           .count = times},
                          {.user = &mappings, .kernel = &*symbols},
                          [](barebpf::text piece) { std::fwrite(piece.data(), 1, piece.size(), stdout); });
  }
  if (without_room != 0)
    std::fprintf(stderr, "%llu times a stack found no room\n", static_cast<unsigned long long>(without_room));
  return 0;
}
