// SPDX-License-Identifier: MIT
// A firewall that drops what comes in from some networks, before the kernel spends any work on it:
//   xdp_firewall eth0 192.0.2.0/24 2001:db8::/32 --seconds 60
//   xdp_firewall eth0 - <networks.txt
// says each second in which it dropped something, and at its end by Ctrl-C or after N seconds, how many packets each
// rule has dropped.
// In a file there is a network on each line; what follows # is a remark. Mind the network that you log in from.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <barebpf.hpp>

#include "xdp_firewall.bpf.hpp"

namespace {

constexpr barebpf::static_object<xdp_firewall> object;

// As in the BPF program.
struct rule {
  std::uint64_t packets, bytes;
};

int explain(const barebpf::error& why, const barebpf::verifier_log& log = {}) {
  char sentence[512];
  describe(why, sentence);
  const barebpf::text said = log.said();
  std::fprintf(stderr, "%.*s%s\n", static_cast<int>(said.size()), said.data(), sentence);
  return 1;
}

// How many packets all rules dropped; with `print`, a line for each rule that dropped some.
template <class Map>
std::uint64_t dropped_by(const Map& rules, bool print) {
  std::uint64_t all = 0;
  auto entries = rules.entries();
  for (const auto& [network, dropped] : entries) {
    all += dropped.packets;
    if (!print || dropped.packets == 0) continue;
    char text[64];
    describe(network, text, sizeof text);
    std::printf("  %-24s %10llu packets %12llu bytes\n", text,
                static_cast<unsigned long long>(dropped.packets),
                static_cast<unsigned long long>(dropped.bytes));
  }
  if (const auto why = entries.error()) explain(*why);
  return all;
}

}  // namespace

int main(int count, char** arguments) {
  long seconds = -1;
  if (count > 3 && std::strcmp(arguments[count - 2], "--seconds") == 0) {
    seconds = std::strtol(arguments[count - 1], nullptr, 10);
    count -= 2;
  }
  if (count < 3) {
    std::fprintf(stderr, "usage: %s INTERFACE NETWORK...|- [--seconds N]\n", arguments[0]);
    return 2;
  }
  const auto interface = barebpf::interface::named(arguments[1]);
  if (!interface) return explain(interface.error());
  barebpf::verifier_log log;
  const auto loaded = object.load({.log = &log});
  if (!loaded) return explain(loaded.error(), log);

  auto ipv4 = loaded->map<"ipv4_rules", barebpf::ipv4_prefix, rule>();
  auto ipv6 = loaded->map<"ipv6_rules", barebpf::ipv6_prefix, rule>();
  int rules = 0;
  const auto add = [&](const char* network) -> barebpf::result<void> {
    ++rules;
    if (std::strchr(network, ':') != nullptr)
      return barebpf::read_ipv6_prefix(network).and_then([&](auto key) { return ipv6.update_elem(key, {}); });
    return barebpf::read_ipv4_prefix(network).and_then([&](auto key) { return ipv4.update_elem(key, {}); });
  };
  for (int i = 2; i < count; ++i) {
    const bool is_list = std::strcmp(arguments[i], "-") == 0;
    char line[256];
    while (!is_list || std::fgets(line, sizeof line, stdin) != nullptr) {
      const char* network = is_list ? std::strtok(line, " \t\r\n") : arguments[i];
      if (network != nullptr && network[0] != '#')
        if (const auto added = add(network); !added) return explain(added.error());
      if (!is_list) break;
    }
  }
  // Kept back, so that Ctrl-C ends the wait and nothing else.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  // Not before all rules are in, so that it begins as a whole.
  const auto link = loaded->attach<"firewall">(*interface);
  if (!link) return explain(link.error());
  const auto passed = loaded->variable<"passed", std::uint64_t>();
  if (!passed) return explain(passed.error());
  std::printf("%s drops what comes from %d networks\n", arguments[1], rules);
  std::fflush(stdout);

  std::uint64_t before = 0;
  bool is_stopped = false;
  for (long second = 1; !is_stopped && (seconds < 0 || second <= seconds); ++second) {
    const std::timespec one_second{.tv_sec = 1, .tv_nsec = 0};
    is_stopped = sigtimedwait(&stop, nullptr, &one_second) > 0;
    const std::uint64_t dropped = dropped_by(ipv4, false) + dropped_by(ipv6, false);
    if (dropped == before && !is_stopped && second != seconds) continue;
    before = dropped;
    std::printf("second %ld: %llu packets dropped, %llu passed\n", second,
                static_cast<unsigned long long>(dropped), static_cast<unsigned long long>(**passed));
    dropped_by(ipv4, true);
    dropped_by(ipv6, true);
    std::fflush(stdout);
  }
  return 0;
}
