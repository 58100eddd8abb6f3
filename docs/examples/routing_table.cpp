// SPDX-License-Identifier: MIT
// Counts the packets that come in on an interface by the longest of some prefixes that their destination has:
//   routing_table lo 127.0.0.0/8 127.1.0.0/16 ::1 --seconds 10
// says once a second how many packets went by each, until Ctrl-C or for N seconds.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <barebpf.hpp>

#include "routing_table.bpf.hpp"

namespace {

constexpr barebpf::static_object<routing_table> object;

struct route {
  std::uint64_t packets;
  std::uint64_t bytes;
};

volatile std::sig_atomic_t stopped = 0;

int explain(const barebpf::error& why) {
  char sentence[512];
  describe(why, sentence);
  std::fprintf(stderr, "%s\n", sentence);
  return 1;
}

template <class Map, class Counts>
void print(const Map& routes, const Counts& counts) {
  auto entries = routes.entries();  // longer prefixes come before the shorter ones that hold them
  for (auto [network, number] : entries) {
    const route seen = counts.lookup_elem(number).value_or(route{});
    char text[64];
    describe(network, text, sizeof text);
    std::printf("  %-24s %10llu packets %12llu bytes\n", text, static_cast<unsigned long long>(seen.packets),
                static_cast<unsigned long long>(seen.bytes));
  }
  if (const auto why = entries.error()) explain(*why);
}

}  // namespace

int main(int count, char** arguments) {
  long seconds = -1;
  if (count > 3 && std::strcmp(arguments[count - 2], "--seconds") == 0) {
    seconds = std::strtol(arguments[count - 1], nullptr, 10);
    count -= 2;
  }
  if (count < 3) {
    std::fprintf(stderr, "usage: %s INTERFACE PREFIX... [--seconds N]\n", arguments[0]);
    return 2;
  }
  const auto interface = barebpf::interface::named(arguments[1]);
  if (!interface) return explain(interface.error());
  const auto loaded = object.load();
  if (!loaded) return explain(loaded.error());
  auto ipv4 = loaded->map<"ipv4_routes", barebpf::ipv4_prefix, std::uint32_t>();
  auto ipv6 = loaded->map<"ipv6_routes", barebpf::ipv6_prefix, std::uint32_t>();
  const auto counts = loaded->map<"routes_by_number", std::uint32_t, route>();
  for (int i = 2; i < count; ++i) {
    const auto number = static_cast<std::uint32_t>(i - 2);
    const bool is_ipv6 = std::strchr(arguments[i], ':') != nullptr;
    const auto stored = is_ipv6 ? barebpf::read_ipv6_prefix(arguments[i]).and_then([&](auto network) {
      return ipv6.update_elem(network, number);
    })
                                : barebpf::read_ipv4_prefix(arguments[i]).and_then([&](auto network) {
                                    return ipv4.update_elem(network, number);
                                  });
    if (!stored) return explain(stored.error());
  }
  const auto link = loaded->attach<"routes">(*interface);
  if (!link) return explain(link.error());
  const auto others = loaded->variable<"without_route", std::uint64_t>();
  if (!others) return explain(others.error());

  struct sigaction stop {};
  stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGTERM, &stop, nullptr);
  for (long second = 1; stopped == 0 && (seconds < 0 || second <= seconds); ++second) {
    const std::timespec one_second{.tv_sec = 1, .tv_nsec = 0};
    nanosleep(&one_second, nullptr);
    std::printf("second %ld, %llu packets without a route\n", second,
                static_cast<unsigned long long>(**others));
    print(ipv4, counts);
    print(ipv6, counts);
    std::fflush(stdout);
  }
  return 0;
}
