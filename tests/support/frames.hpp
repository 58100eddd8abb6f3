// SPDX-License-Identifier: MIT
// Ethernet frames of the tests' own protocol, and what sends and receives them past everything but the driver.
#ifndef BAREBPF_TESTS_SUPPORT_FRAMES_HPP
#define BAREBPF_TESTS_SUPPORT_FRAMES_HPP

#include <linux/if_packet.h>

#include <string>
#include <vector>

#include "network.hpp"

using frame = std::vector<unsigned char>;

/// 0x88b5, for local experiments; bpf_progs/xdp_maps.bpf.c lets all others pass.
inline constexpr unsigned char test_protocol[] = {0x88, 0xb5};

/// A frame to everybody: behind its header the key that the programs look for, a byte for them to write into, and as
/// many others as it takes, which differ for each `number`.
inline frame frame_of(unsigned char key, unsigned number, std::size_t size = 64) {
  frame out(size, 0xff);
  out[6] = 2;  // a local address of the sender
  out[12] = test_protocol[0];
  out[13] = test_protocol[1];
  out[14] = key;
  out[15] = 0;
  for (std::size_t i = 16; i < size; ++i) out[i] = static_cast<unsigned char>(number * 31 + i * 7);
  return out;
}
/// The same as a program of the tests leaves it that writes its mark.
inline frame marked(frame of) {
  of[15] = 0x42;
  return of;
}

/// One end of a wire: a packet socket on an interface that is up.
class wire_end {
 public:
  wire_end(const network_namespace& where, const std::string& name)
      : socket_(
            where.inside([&] { return owned_fd::own(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)); })) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(test_protocol[0] << 8 | test_protocol[1]);
    address.sll_ifindex = static_cast<int>(where.index_of(name));
    REQUIRE(bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const timeval long_enough{.tv_sec = 5, .tv_usec = 0};
    REQUIRE(setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &long_enough, sizeof long_enough) == 0);
  }

  void send(const frame& content) const {
    REQUIRE(::send(socket_.number(), content.data(), content.size(), 0) == static_cast<long>(content.size()));
  }
  /// The next frame that comes in here; empty when none does for seconds.
  frame receive() const {
    frame out(4096);
    const long got = recv(socket_.number(), out.data(), out.size(), 0);
    out.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return out;
  }
  /// True when nothing has come in.
  bool is_silent() const {
    char byte = 0;
    return recv(socket_.number(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
  }

 private:
  owned_fd socket_;
};

/// A new wire carries nothing in its first moments; this returns once it does.
inline void wait_for_wire(const wire_end& from, const wire_end& to) {
  for (int tries = 0; tries < 500 && to.is_silent(); ++tries) {
    from.send(frame_of(0, 0));
    usleep(10'000);
  }
  REQUIRE_FALSE(to.is_silent());
  while (!to.is_silent()) static_cast<void>(to.receive());
}

#endif
