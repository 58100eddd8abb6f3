// SPDX-License-Identifier: MIT
// A TCP proxy whose bytes the kernel moves from socket to socket, so that none comes to this program:
//   tcp_proxy 8080 10.0.0.1 80
// takes connections at port 8080 and passes them on to port 80 of 10.0.0.1, until Ctrl-C. Says of each connection that
// has ended how many bytes went which way. Of somebody who has nothing more to say when he is to be put in the map, the
// kernel does not take the socket; his last words are copied by hand. Nobody slows down who says more than the other side
// hears, and the kernel keeps all of it: this is for sides that you trust.
#include <arpa/inet.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <barebpf.hpp>

#include "tcp_proxy.bpf.hpp"

namespace {

constexpr barebpf::static_object<tcp_proxy> object;
constexpr int tcp_close = 7;  // a state; <netinet/tcp.h> names it, and its tcp_info is an older one

volatile std::sig_atomic_t stopped = 0;
std::atomic<int> connections = 0;

int explain(const barebpf::error& why, const barebpf::verifier_log& log = {}) {
  char sentence[512];
  describe(why, sentence);
  const barebpf::text said = log.said();
  std::fprintf(stderr, "%.*s%s\n", static_cast<int>(said.size()), said.data(), sentence);
  return 1;
}

struct proxy_maps {
  barebpf::sockhash<std::uint64_t> sources, partners;
  barebpf::hash_map<std::uint64_t, std::uint64_t> moved;
};

template <class T>
T option(const barebpf::fd& socket, int level, int name) {
  T value{};
  socklen_t size = sizeof value;
  getsockopt(socket.number(), level, name, &value, &size);
  return value;
}

// One of the two ways through a connection.
struct way {
  const barebpf::fd &from, &to;
  std::uint64_t cookie = option<std::uint64_t>(from, SOL_SOCKET, SO_COOKIE);
  std::uint64_t bytes = 0;
  bool is_by_hand = false, has_ended = false;
};

void begin(way& one, proxy_maps& maps) {
  // The source comes last, for then its bytes begin to move.
  auto put_in = maps.moved.update_elem(one.cookie, 0);
  if (put_in) put_in = maps.partners.update_elem(one.cookie, one.to);
  if (put_in) put_in = maps.sources.update_elem(one.cookie, one.from);
  one.is_by_hand = !put_in;
  if (!put_in && put_in.error().why != barebpf::cause::unfit_socket) explain(put_in.error());
  // Lets the kernel look at what was there before.
  const int lowest = 1;
  if (put_in) setsockopt(one.from.number(), SOL_SOCKET, SO_RCVLOWAT, &lowest, sizeof lowest);
}

// The source has something to say by hand, or has ended.
void go_on(way& one, const proxy_maps& maps) {
  char bytes[16384];
  const ssize_t got = one.is_by_hand ? recv(one.from.number(), bytes, sizeof bytes, 0) : 0;
  if (got > 0 && send(one.to.number(), bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) == got) {
    one.bytes += static_cast<std::uint64_t>(got);
    return;
  }
  // What the kernel takes from one socket it puts into the other a little later, and the end has to wait for that.
  static_cast<void>(
      option<tcp_info>(one.from, IPPROTO_TCP, TCP_INFO));  // for the kernel to have done with it
  while (stopped == 0 && !one.is_by_hand) {
    const auto to = option<tcp_info>(one.to, IPPROTO_TCP, TCP_INFO);
    const std::uint64_t written = to.tcpi_bytes_sent - to.tcpi_bytes_retrans + to.tcpi_notsent_bytes;
    if (to.tcpi_state == tcp_close || written >= maps.moved.lookup_elem(one.cookie).value_or(0)) break;
    usleep(1000);
  }
  shutdown(one.to.number(), SHUT_WR);
  one.has_ended = true;
}

void serve(const barebpf::fd& client, const barebpf::fd& service, proxy_maps& maps, const sockaddr_in& who) {
  way there{.from = client, .to = service}, back{.from = service, .to = client};
  for (way* one : {&there, &back}) begin(*one, maps);
  while (stopped == 0 && !(there.has_ended && back.has_ended)) {
    const auto wish = [](const way& one) {
      const int events = one.has_ended ? 0 : one.is_by_hand ? POLLIN : POLLRDHUP;
      return pollfd{.fd = one.from.number(), .events = static_cast<short>(events), .revents = 0};
    };
    pollfd ends[] = {wish(there), wish(back)};
    poll(ends, 2, 200);
    if (((ends[0].revents | ends[1].revents) & POLLERR) != 0) break;  // somebody broke it off
    if (ends[0].revents != 0 && !there.has_ended) go_on(there, maps);
    if (ends[1].revents != 0 && !back.has_ended) go_on(back, maps);
  }
  // The maps of sockets forget those that are closed.
  for (way* one : {&there, &back})
    if (const auto moved = maps.moved.lookup_and_delete_elem(one->cookie); moved && !one->is_by_hand)
      one->bytes = *moved;
  char address[INET_ADDRSTRLEN] = "";
  inet_ntop(AF_INET, &who.sin_addr, address, sizeof address);
  std::printf("%s:%d: %llu bytes there%s, %llu bytes back%s\n", address, ntohs(who.sin_port),
              static_cast<unsigned long long>(there.bytes), there.is_by_hand ? " by hand" : "",
              static_cast<unsigned long long>(back.bytes), back.is_by_hand ? " by hand" : "");
  std::fflush(stdout);
}

barebpf::fd open_socket() { return barebpf::fd::own(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

}  // namespace

int main(int count, char** arguments) {
  sockaddr_in own{}, other{};
  own.sin_family = other.sin_family = AF_INET;
  if (count != 4 || inet_pton(AF_INET, arguments[2], &other.sin_addr) != 1) {
    std::fprintf(stderr, "usage: %s PORT ADDRESS PORT\n", arguments[0]);
    return 2;
  }
  own.sin_port = htons(static_cast<std::uint16_t>(std::atoi(arguments[1])));
  other.sin_port = htons(static_cast<std::uint16_t>(std::atoi(arguments[3])));

  barebpf::verifier_log log;
  const auto loaded = object.load({.log = &log});
  if (!loaded) return explain(loaded.error(), log);
  proxy_maps maps{loaded->map<"sources", std::uint64_t, barebpf::socket_fd>(),
                  loaded->map<"partners", std::uint64_t, barebpf::socket_fd>(),
                  loaded->map<"moved", std::uint64_t, std::uint64_t>()};
  const auto attached = loaded->attach<"forward">(barebpf::sockets_in(maps.sources));
  if (!attached) return explain(attached.error());
  struct sigaction stop {};
  stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGINT, &stop, nullptr);
  sigaction(SIGTERM, &stop, nullptr);
  const barebpf::fd listener = open_socket();
  const int yes = 1;
  setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(listener.number(), reinterpret_cast<sockaddr*>(&own), sizeof own) != 0 ||
      listen(listener.number(), SOMAXCONN) != 0)
    return std::perror("cannot listen at this port"), 1;
  std::printf("from port %s to %s port %s\n", arguments[1], arguments[2], arguments[3]);
  std::fflush(stdout);

  while (stopped == 0) {
    pollfd ready{.fd = listener.number(), .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, 200) <= 0) continue;
    sockaddr_in who{};
    socklen_t size = sizeof who;
    barebpf::fd client =
        barebpf::fd::own(accept4(listener.number(), reinterpret_cast<sockaddr*>(&who), &size, SOCK_CLOEXEC));
    if (!client.is_open()) continue;
    ++connections;
    std::thread([&maps, other, who, client = std::move(client)] {
      const barebpf::fd service = open_socket();
      if (connect(service.number(), reinterpret_cast<const sockaddr*>(&other), sizeof other) == 0)
        serve(client, service, maps, who);
      else
        std::perror("cannot connect to the other side");
      --connections;
    }).detach();
  }
  while (connections != 0) usleep(1000);  // they end too, and their sockets are in the maps
  return 0;
}
