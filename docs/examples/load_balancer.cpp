// SPDX-License-Identifier: MIT
// Spreads the TCP and UDP of a virtual address over backends:
//   load_balancer eth0 10.0.0.100 10.1.0.1 10.1.0.2 10.1.0.3 --seconds 60
// What comes in on the interface for the first address goes on to one of the others, the same for all packets of a
// connection, and the answers come from the first one. Routes to the virtual address and to the backends must be there,
// and answers must go out on the same interface. Says once a second what each backend got.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <barebpf.hpp>

#include "load_balancer.bpf.hpp"

namespace {

constexpr barebpf::static_object<load_balancer> object;
constexpr int most_backends = 16;  // as in the BPF program

// As in the BPF program: the address as the network has it.
struct backend {
  std::uint32_t address = 0, flows = 0;
  std::uint64_t packets = 0;
};

int explain(const barebpf::error& why, const barebpf::verifier_log& log = {}) {
  char sentence[512];
  describe(why, sentence);
  const barebpf::text said = log.said();
  std::fprintf(stderr, "%.*s%s\n", static_cast<int>(said.size()), said.data(), sentence);
  return 1;
}

// 0 for what is no single address, after saying so.
std::uint32_t read_address(const char* written) {
  const auto read = barebpf::read_ipv4_prefix(written);
  std::uint32_t address = 0;
  if (!read)
    explain(read.error());
  else if (std::memcpy(&address, read->data, sizeof address); read->prefixlen != 32 || address == 0)
    std::fprintf(stderr, "%s is no address of a host\n", written), address = 0;
  return address;
}

}  // namespace

int main(int count, char** arguments) {
  long seconds = -1;
  if (count > 4 && std::strcmp(arguments[count - 2], "--seconds") == 0) {
    seconds = std::strtol(arguments[count - 1], nullptr, 10);
    count -= 2;
  }
  const int backends = count - 3;
  if (backends < 1 || backends > most_backends) {
    std::fprintf(stderr, "usage: %s INTERFACE ADDRESS BACKEND... [--seconds N]\nwith up to %d backends\n",
                 arguments[0], most_backends);
    return 2;
  }
  const auto interface = barebpf::interface::named(arguments[1]);
  if (!interface) return explain(interface.error());
  auto data = object.data();
  data.variable<"backend_count", std::uint32_t>() = static_cast<std::uint32_t>(backends);
  auto& virtual_address = data.variable<"virtual_address", std::uint32_t>();
  if ((virtual_address = read_address(arguments[2])) == 0) return 1;

  barebpf::verifier_log log;
  const auto loaded = object.load({.log = &log, .data = data.view()});
  if (!loaded) return explain(loaded.error(), log);
  auto table = loaded->map<"backends", std::uint32_t, backend>();
  for (int i = 0; i < backends; ++i) {
    const std::uint32_t address = read_address(arguments[3 + i]);
    if (address == 0) return 1;
    const auto stored = table.update_elem(static_cast<std::uint32_t>(i), {.address = address});
    if (!stored) return explain(stored.error());
  }
  // Kept back, so that Ctrl-C ends the wait and nothing else.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  // The way back first, so that no answer goes out under an address that the client does not know.
  const auto back = loaded->attach<"from_backend">(*interface);
  if (!back) return explain(back.error());
  const auto there = loaded->attach<"to_backend">(*interface);
  if (!there) return explain(there.error());
  std::printf("%s: what is for %s goes to %d backends\n", arguments[1], arguments[2], backends);
  std::fflush(stdout);

  bool is_stopped = false;
  for (long second = 1; !is_stopped && (seconds < 0 || second <= seconds); ++second) {
    const std::timespec one_second{.tv_sec = 1, .tv_nsec = 0};
    is_stopped = sigtimedwait(&stop, nullptr, &one_second) > 0;
    std::printf("second %ld\n", second);
    for (int i = 0; i < backends; ++i) {
      const auto seen = table.lookup_elem(static_cast<std::uint32_t>(i));
      if (!seen) return explain(seen.error());
      std::printf("  %-15s %8u flows %10llu packets\n", arguments[3 + i], seen->flows,
                  static_cast<unsigned long long>(seen->packets));
    }
    std::fflush(stdout);
  }
  return 0;
}
