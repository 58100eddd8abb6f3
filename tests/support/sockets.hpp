// SPDX-License-Identifier: MIT
// What tests of maps of sockets ask of a socket, and bytes that are compared one by one.
#ifndef BAREBPF_TESTS_SUPPORT_SOCKETS_HPP
#define BAREBPF_TESTS_SUPPORT_SOCKETS_HPP

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>

#include "background.hpp"
#include "live.hpp"
#include "network.hpp"

/// Does `act` in a network namespace of its own.
template <class Act>
void in_own_network(Act act) {
  const network_namespace quiet;
  quiet.inside(act);
}

/// The number by which the kernel knows a socket.
inline barebpf::socket_cookie cookie_of(const owned_fd& of) {
  barebpf::socket_cookie out;
  socklen_t size = sizeof out.cookie;
  REQUIRE(getsockopt(of.number(), SOL_SOCKET, SO_COOKIE, &out.cookie, &size) == 0);
  return out;
}

/// Both ports of an IPv4 socket.
struct connection {
  std::uint32_t local_port = 0;
  std::uint32_t remote_port = 0;
  friend bool operator==(const connection&, const connection&) = default;
};
inline connection ports_of(const owned_fd& end) {
  sockaddr_in here{}, there{};
  socklen_t size = sizeof here;
  REQUIRE(getsockname(end.number(), reinterpret_cast<sockaddr*>(&here), &size) == 0);
  static_cast<void>(getpeername(end.number(), reinterpret_cast<sockaddr*>(&there), &size));  // or none
  return {ntohs(here.sin_port), ntohs(there.sin_port)};
}

/// Reads and writes wait that long at most, which no test does that passes.
inline void wait_at_most(const owned_fd& at, int seconds) {
  const timeval time{.tv_sec = seconds, .tv_usec = 0};
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
    REQUIRE(setsockopt(at.number(), SOL_SOCKET, option, &time, sizeof time) == 0);
}

/// A socket on 127.0.0.1 that shares its port with others, and listens if it is TCP. Port 0 is any.
inline owned_fd shared_socket(int kind, std::uint16_t port) {
  owned_fd out = owned_fd::own(::socket(AF_INET, kind | SOCK_CLOEXEC, 0));
  const int yes = 1;
  REQUIRE(setsockopt(out.number(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(out.number(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
  if (kind == SOCK_STREAM) REQUIRE(listen(out.number(), 8) == 0);
  return out;
}

/// So many letters, in an order that no shift of less than that gives again.
inline std::string letters(std::size_t count) {
  std::string out(count, 'a');
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<char>('a' + (i * i + i / 26) % 26);
  return out;
}

/// What the kernel says to a send.
inline long send_once(const owned_fd& from, const std::string& bytes) {
  const long sent = send(from.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}
/// So many bytes, or fewer when no more come.
inline std::string receive(const owned_fd& at, std::size_t count) {
  std::string out(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const long got = recv(at.number(), out.data() + have, count - have, 0);
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}
/// True when nothing waits there to be read.
inline bool has_nothing(const owned_fd& at) {
  char one = 0;
  return recv(at.number(), &one, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}
/// True when `bytes` that are sent there come out here as they were, and nothing else does.
inline bool passes(const owned_fd& from, const owned_fd& to, const std::string& bytes) {
  background sender([&](const std::atomic<bool>&) {
    for (std::size_t done = 0; done < bytes.size();) {
      const long sent = send(from.number(), bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (sent <= 0) return;
      done += static_cast<std::size_t>(sent);
    }
  });
  const bool same = receive(to, bytes.size()) == bytes;
  sender.join();
  return same && has_nothing(to);
}

/// True once `holds` does; looks for ten seconds at most.
template <class Condition>
bool comes_true(Condition holds) {
  for (int i = 0; i < 10'000; ++i) {
    if (holds()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

#endif
