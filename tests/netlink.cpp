// SPDX-License-Identifier: MIT
// How the network stack answers a request, and how it is waited for.
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "support/catch.hpp"
#include "support/fake_kernel.hpp"
#include "support/library.hpp"

namespace {

using message = std::vector<unsigned char>;

// One message: its length, its type, and what stands behind sixteen bytes of header.
message made(std::uint16_t type, std::uint32_t first_word) {
  message out(20);
  const std::uint32_t length = 20;
  std::memcpy(out.data(), &length, 4);
  std::memcpy(out.data() + 4, &type, 2);
  std::memcpy(out.data() + 16, &first_word, 4);
  return out;
}
constexpr std::uint16_t acknowledged = 2;

// Sends a request to a kernel that answers each attempt to read with the next of these: a message, or an errno.
struct attempt {
  long code = 0;
  message content{};
};
long send(const std::vector<attempt>& answers, std::uint32_t& body, std::size_t& reads) {
  fake_kernel kernel([&](const fake_call& call) -> long {
    if (call.number == __NR_sendto) return call.arguments[2];
    if (call.number != __NR_recvfrom || reads == answers.size()) return -ENOSYS;
    const attempt& next = answers[reads++];
    if (next.code != 0) return -next.code;
    std::memcpy(reinterpret_cast<void*>(call.arguments[1]), next.content.data(), next.content.size());
    return static_cast<long>(next.content.size());
  });
  barebpf::fd socket = barebpf::fd::own(5);
  barebpf::detail::netlink_request request(36, 0, body);
  const long out = request.send(socket, body);
  static_cast<void>(socket.release());
  return out;
}

}  // namespace

TEST_CASE("an answer is waited for again when a signal came first", "[netlink]") {
  std::uint32_t body = 1;
  std::size_t reads = 0;
  CHECK(send({{.code = EINTR}, {.code = EINTR}, {.content = made(acknowledged, 0)}}, body, reads) == 0);
  CHECK(reads == 3);
}

TEST_CASE("what comes in front of the answer is the body of what was made", "[netlink]") {
  std::uint32_t body = 1;
  std::size_t reads = 0;
  CHECK(send({{.content = made(36, 77)}, {.content = made(acknowledged, 0)}}, body, reads) == 0);
  CHECK(body == 77);
}

TEST_CASE("a refusal is its errno, and so is a read that fails", "[netlink]") {
  std::uint32_t body = 1;
  std::size_t reads = 0;
  CHECK(send({{.content = made(acknowledged, static_cast<std::uint32_t>(-EEXIST))}}, body, reads) == -EEXIST);
  reads = 0;
  CHECK(send({{.code = ENOBUFS}}, body, reads) == -ENOBUFS);
  CHECK(reads == 1);
}

TEST_CASE("a message that says it is longer than what came is no answer", "[netlink]") {
  std::uint32_t body = 1;
  std::size_t reads = 0;
  message cut = made(acknowledged, 0);
  cut[0] = 24;
  CHECK(send({{.content = cut}}, body, reads) == -EPROTO);
  cut[0] = 3;
  reads = 0;
  CHECK(send({{.content = cut}}, body, reads) == -EPROTO);
}
