// SPDX-License-Identifier: MIT
// A routing table in an LPM trie: a program looks destinations of real packets up, in a network namespace of the test's
// own, and user space keeps the table.
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/network.hpp"
#include "routing_table.bpf.hpp"

namespace {

constexpr barebpf::static_object<routing_table> object;

struct route {
  std::uint64_t packets;
  std::uint64_t bytes;
};
using ipv4_table = barebpf::lpm_trie_map<barebpf::ipv4_prefix, int>;

barebpf::ipv4_prefix ipv4(const char* from) { return barebpf::read_ipv4_prefix(from).value(); }
barebpf::ipv6_prefix ipv6(const char* from) { return barebpf::read_ipv6_prefix(from).value(); }

// Sends datagrams of 4 bytes to an address; whether anybody listens is nothing to them.
void send_ipv4(const char* address, int count) {
  const owned_fd door = owned_fd::own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  REQUIRE(inet_pton(AF_INET, address, &to.sin_addr) == 1);
  for (int i = 0; i < count; ++i)
    REQUIRE(sendto(door.number(), "ping", 4, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 4);
}
void send_ipv6(const char* address, int count) {
  const owned_fd door = owned_fd::own(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(9);
  REQUIRE(inet_pton(AF_INET6, address, &to.sin6_addr) == 1);
  for (int i = 0; i < count; ++i)
    REQUIRE(sendto(door.number(), "ping", 4, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 4);
}

ipv4_table table_of(const std::vector<const char*>& networks) {
  auto made = ipv4_table::create({.name = "table", .max_entries = 16});
  REQUIRE(made.has_value());
  int number = 0;
  for (const char* network : networks) REQUIRE(made->update_elem(ipv4(network), ++number).has_value());
  return std::move(*made);
}

}  // namespace

TEST_CASE("lpm_trie: a program finds the longest prefix of real packets") {
  const network_namespace network;
  network.inside([] {
    const auto loaded = object.load();
    INFO((loaded ? std::string() : sentence(loaded.error())));
    REQUIRE(loaded.has_value());
    auto routes = loaded->map<"ipv4_routes", barebpf::ipv4_prefix, std::uint32_t>();
    auto routes6 = loaded->map<"ipv6_routes", barebpf::ipv6_prefix, std::uint32_t>();
    const auto counts = loaded->map<"routes_by_number", std::uint32_t, route>();
    std::uint32_t number = 0;
    for (const char* text : {"127.0.0.0/8", "127.1.0.0/16", "127.1.2.3"})
      REQUIRE(routes.update_elem(ipv4(text), number++).has_value());
    REQUIRE(routes6.update_elem(ipv6("::/64"), number).has_value());
    const auto attached = loaded->attach<"routes">(barebpf::interface{if_nametoindex("lo")});
    INFO((attached ? std::string() : sentence(attached.error())));
    REQUIRE(attached.has_value());

    // Nobody listens, so each datagram also brings an answer from ICMP back to 127.0.0.1, which is in the widest one.
    send_ipv4("127.1.2.3", 3);
    send_ipv4("127.1.200.7", 5);
    send_ipv4("127.200.0.1", 7);
    send_ipv6("::1", 2);

    const auto seen = [&](const char* text) {
      return must(counts.lookup_elem(must(routes.lookup_elem(ipv4(text)))));
    };
    const auto packets = [&](const char* text) { return seen(text).packets; };
    CHECK(packets("127.1.2.3") == 3);
    CHECK(packets("127.1.99.99") == 5);
    CHECK(packets("127.9.9.9") >= 7);
    CHECK(packets("127.9.9.9") <= 7 + 15);
    CHECK(seen("127.1.2.3").bytes == 3 * (20 + 8 + 4));
    CHECK(must(counts.lookup_elem(must(routes6.lookup_elem(ipv6("::1"))))).packets >= 2);
    CHECK(routes.lookup_elem(ipv4("10.0.0.1")).error().code == ENOENT);

    // Without the longest one the next longest counts.
    REQUIRE(routes.delete_elem(ipv4("127.1.2.3")).has_value());
    send_ipv4("127.1.2.3", 4);
    CHECK(packets("127.1.2.3") == 9);
    CHECK(**loaded->variable<"without_route", std::uint64_t>() == 0);
    REQUIRE(routes.delete_elem(ipv4("127.0.0.0/8")).has_value());
    send_ipv4("127.200.0.1", 1);
    CHECK(**loaded->variable<"without_route", std::uint64_t>() >= 1);
  });
}

TEST_CASE("lpm_trie: a lookup finds the longest prefix, a delete wants the prefix itself") {
  auto table = table_of({"10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24"});

  CHECK(table.lookup_elem(ipv4("10.1.2.3")).value_or(0) == 3);
  CHECK(table.lookup_elem(ipv4("10.1.3.3")).value_or(0) == 2);
  CHECK(table.lookup_elem(ipv4("10.2.0.0/16")).value_or(0) == 1);  // a network may be asked for too
  CHECK(table.lookup_elem(ipv4("11.0.0.0/8")).error().code == ENOENT);
  CHECK(table.delete_elem(ipv4("10.1.2.3")).error().code == ENOENT);
  CHECK(table.delete_elem(ipv4("10.0.0.0/15")).error().code == ENOENT);
  REQUIRE(table.delete_elem(ipv4("10.1.0.0/16")).has_value());
  CHECK(table.lookup_elem(ipv4("10.1.3.3")).value_or(0) == 1);
  // Kernels without the repair of 6.13, which went into those of long support, take any update.
  if (barebpf::running_kernel() >= barebpf::kernel(6, 1)) {
    CHECK(table.update_elem(ipv4("10.0.0.0/8"), 5, barebpf::update::noexist).error().code == EEXIST);
    CHECK(table.update_elem(ipv4("12.0.0.0/8"), 5, barebpf::update::exist).error().code == ENOENT);
  }
  CHECK(table.update_elem({.prefixlen = 33}, 1).error().code == EINVAL);
}

TEST_CASE("lpm_trie: a walk comes to longer prefixes first, by batches and one by one") {
  const auto table =
      table_of({"10.0.0.0/8", "10.1.2.0/24", "10.1.0.0/16", "192.168.0.0/16", "10.1.2.128/25"});
  const auto places = [](auto& entries) {
    std::vector<std::pair<barebpf::u32, int>> seen;
    for (auto [network, number] : entries) seen.emplace_back(network.prefixlen, number);
    CHECK(entries.error() == nullptr);
    return seen;
  };
  auto batches = table.entries();
  const auto seen = places(batches);
  REQUIRE(seen.size() == 5);
  const auto place_of = [&seen](int number) {
    std::size_t i = 0;
    while (seen[i].second != number) ++i;
    return i;
  };
  CHECK(place_of(5) < place_of(2));  // 10.1.2.128/25 before 10.1.2.0/24
  CHECK(place_of(2) < place_of(3));
  CHECK(place_of(3) < place_of(1));
  auto steps = table.entries({}, {});
  CHECK(places(steps) == seen);
}

TEST_CASE("lpm_trie: full means no space, and IPv6 and other bytes are prefixes as well") {
  auto small = ipv4_table::create({.name = "small", .max_entries = 1});
  REQUIRE(small.has_value());
  REQUIRE(small->update_elem(ipv4("10.0.0.0/8"), 1).has_value());
  const auto full = small->update_elem(ipv4("11.0.0.0/8"), 1);
  CHECK(full.error().code == ENOSPC);
  CHECK(is_explained(full.error(), barebpf::step::map_update_elem, ENOSPC));

  struct paths {
    std::uint32_t prefixlen;
    char path[12];
  };
  auto owners = barebpf::lpm_trie_map<paths, int>::create({.name = "owners", .max_entries = 8});
  REQUIRE(owners.has_value());
  REQUIRE(owners->update_elem({5 * 8, "/home"}, 1).has_value());
  REQUIRE(owners->update_elem({9 * 8, "/home/eve"}, 2).has_value());
  CHECK(owners->lookup_elem({12 * 8, "/home/eve/x"}).value_or(0) == 2);
  CHECK(owners->lookup_elem({12 * 8, "/home/adam"}).value_or(0) == 1);
}
