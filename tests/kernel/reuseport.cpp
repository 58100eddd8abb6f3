// SPDX-License-Identifier: MIT
// Sockets that share a port on the running kernel, in a network namespace of the test's own: a program chooses, and who
// accepts or receives shows what it chose.
#include <poll.h>

#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/sockets.hpp"
#include "reuseport.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::socket_fd;
using barebpf::step;
using barebpf::u32;
using barebpf::update;

constexpr barebpf::static_object<reuseport> object;
constexpr std::uint16_t shared_port = 4712;
constexpr barebpf::socket_cookie nobody;

// Three sockets on one port. Slot 0 holds the last of them, so that no order of the kernel's is taken for a choice.
struct group {
  owned_fd members[3];

  explicit group(int kind) {
    for (owned_fd& member : members) member = shared_socket(kind, shared_port);
  }
  const owned_fd& in_slot(u32 slot) const { return members[2 - slot]; }
  template <class Map>
  void fill(Map& map) const {
    for (u32 slot = 0; slot < 3; ++slot) must(map.update_elem(slot, in_slot(slot)));
  }
};

// What the kernel says to a client that connects: 0 or the errno.
int connect_to_port(const owned_fd& client) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(shared_port);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(client.number(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 ? 0 : errno;
}
owned_fd new_client(int kind) { return owned_fd::own(::socket(AF_INET, kind | SOCK_CLOEXEC, 0)); }

// The slots of the sockets that have a connection to accept, which none has afterwards.
std::vector<u32> who_accepts(const group& all) {
  std::vector<u32> out;
  for (u32 slot = 0; slot < 3; ++slot) {
    const int listener = all.in_slot(slot).number();
    REQUIRE(fcntl(listener, F_SETFL, O_NONBLOCK) == 0);
    while (owned_fd::own(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)).is_open()) out.push_back(slot);
  }
  return out;
}
std::vector<u32> who_accepts_next(const group& all) {
  const owned_fd client = new_client(SOCK_STREAM);
  REQUIRE(connect_to_port(client) == 0);
  // The client is connected a moment before the listener has anything to accept.
  pollfd listeners[3];
  for (u32 slot = 0; slot < 3; ++slot) listeners[slot] = {all.in_slot(slot).number(), POLLIN, 0};
  REQUIRE(poll(listeners, 3, 5000) > 0);
  return who_accepts(all);
}

template <barebpf::name Program, barebpf::name Map>
void check_choices() {
  const auto loaded = must(object.load());
  const auto wanted = must(loaded.template variable<"wanted", u32>());
  auto map = loaded.template map<Map, u32, socket_fd>();
  const group listeners(SOCK_STREAM);
  listeners.fill(map);
  auto chosen = must(loaded.template attach<Program>(barebpf::socket(listeners.members[0])));
  for (const u32 slot : {0u, 2u, 1u, 1u, 0u}) {
    *wanted = slot;
    CHECK(who_accepts_next(listeners) == std::vector<u32>{slot});
  }
}

}  // namespace

TEST_CASE("reuseport_sockarray: a program chooses which of the listeners accepts") {
  in_own_network(check_choices<"chooses", "listeners">);
}

TEST_CASE("sockmap: a program chooses one of its listeners too") {
  in_own_network(check_choices<"chooses_of_sockmap", "listeners_of_sockmap">);
}

TEST_CASE("sockhash: a program chooses one of its listeners too") {
  in_own_network(check_choices<"chooses_of_sockhash", "listeners_of_sockhash">);
}

TEST_CASE("reuseport_sockarray: a program chooses by what is in a datagram who receives it") {
  in_own_network([] {
    const auto loaded = must(object.load());
    auto map = loaded.map<"listeners", u32, socket_fd>();
    const group receivers(SOCK_DGRAM);
    receivers.fill(map);
    const auto chosen = must(loaded.attach<"chooses">(barebpf::socket(receivers.members[1])));
    const owned_fd client = new_client(SOCK_DGRAM);
    REQUIRE(connect_to_port(client) == 0);

    const std::string sent[] = {"0 to the first", "2 to the third", "1 to the second", "2 again"};
    for (const std::string& words : sent)
      REQUIRE(send_once(client, words) == static_cast<long>(words.size()));
    const auto next_at = [&receivers](u32 slot) {
      char words[64];
      const long size = recv(receivers.in_slot(slot).number(), words, sizeof words, MSG_DONTWAIT);
      return size < 0 ? std::string() : std::string(words, static_cast<std::size_t>(size));
    };
    CHECK(next_at(0) == sent[0]);
    CHECK(next_at(2) == sent[1]);
    CHECK(next_at(1) == sent[2]);
    CHECK(next_at(2) == sent[3]);
    for (u32 slot = 0; slot < 3; ++slot) CHECK(has_nothing(receivers.in_slot(slot)));
  });
}

TEST_CASE(
    "reuseport_sockarray: an empty slot is no choice, so the program refuses or leaves it to the kernel") {
  in_own_network([] {
    const auto loaded = must(object.load());
    auto map = loaded.map<"listeners", u32, socket_fd>();
    const auto last_answer = must(loaded.variable<"last_answer", long>());
    *must(loaded.variable<"wanted", u32>()) = 3;
    const group listeners(SOCK_STREAM), receivers(SOCK_DGRAM);
    listeners.fill(map);
    auto for_tcp = must(loaded.attach<"chooses">(barebpf::socket(listeners.members[0])));
    const auto for_udp = must(loaded.attach<"chooses">(barebpf::socket(receivers.members[0])));

    CHECK(connect_to_port(new_client(SOCK_STREAM)) == ECONNREFUSED);
    CHECK(*last_answer == -ENOENT);
    const owned_fd client = new_client(SOCK_DGRAM);
    REQUIRE(connect_to_port(client) == 0);
    REQUIRE(send_once(client, "3") == 1);
    CHECK(send_once(client, "3") == -ECONNREFUSED);  // what came of the first
    for (const owned_fd& receiver : receivers.members) CHECK(has_nothing(receiver));

    // A slot with a socket of another protocol is no choice either.
    REQUIRE(send_once(client, "0") == 1);
    CHECK(*last_answer != 0);
    for (const owned_fd& receiver : receivers.members) CHECK(has_nothing(receiver));

    *must(loaded.variable<"pass_without", u32>()) = 1;
    CHECK(who_accepts_next(listeners).size() == 1);
    CHECK(*last_answer == -ENOENT);
    *must(loaded.variable<"pass_without", u32>()) = 0;
    for_tcp.detach();
    CHECK(who_accepts_next(listeners).size() == 1);
  });
}

TEST_CASE("reuseport_sockarray: cookies come out, and a socket that closes leaves its slot") {
  in_own_network([] {
    const auto loaded = must(object.load());
    auto map = loaded.map<"listeners", u32, socket_fd>();
    group listeners(SOCK_STREAM);
    listeners.fill(map);
    for (u32 slot = 0; slot < 3; ++slot)
      CHECK(map.lookup_elem(slot).value_or(nobody) == cookie_of(listeners.in_slot(slot)));
    CHECK(map.lookup_elem(3).error().why == cause::empty_slot);

    std::vector<u32> slots;
    auto walk = map.entries();
    for (auto [slot, cookie] : walk) {
      slots.push_back(slot);
      CHECK(cookie == cookie_of(listeners.in_slot(slot)));
    }
    CHECK(walk.error() == nullptr);
    CHECK(slots == std::vector<u32>{0, 1, 2});

    const auto chosen = must(loaded.attach<"chooses">(barebpf::socket(listeners.members[0])));
    *must(loaded.variable<"wanted", u32>()) = 0;
    CHECK(who_accepts_next(listeners) == std::vector<u32>{0});
    listeners.members[2] = owned_fd();  // in slot 0
    CHECK(map.lookup_elem(0).error().why == cause::empty_slot);
    CHECK(connect_to_port(new_client(SOCK_STREAM)) == ECONNREFUSED);
    must(map.delete_elem(1));
    CHECK(map.delete_elem(1).error().why == cause::empty_slot);
    CHECK(map.delete_elem(4).error().why == cause::no_such_slot);
  });
}

TEST_CASE("reuseport_sockarray: a socket in use and one that is not in a group are told apart") {
  in_own_network([] {
    auto map = must(barebpf::reuseport_sockarray<>::create({.name = "listeners", .max_entries = 2}));
    auto other = must(barebpf::reuseport_sockarray<>::create({.name = "others", .max_entries = 2}));
    const owned_fd listener = shared_socket(SOCK_STREAM, shared_port), second = shared_socket(SOCK_STREAM, 0);
    const auto refusal_of = [](auto& in, u32 slot, const owned_fd& one) {
      return in.update_elem(slot, one).error().why;
    };
    must(map.update_elem(0, listener));
    CHECK(refusal_of(map, 0, listener) == cause::socket_in_use);
    CHECK(refusal_of(map, 1, listener) == cause::socket_in_use);
    CHECK(refusal_of(other, 0, listener) == cause::socket_in_use);
    must(map.delete_elem(0));
    must(other.update_elem(0, listener));

    CHECK(other.update_elem(0, second, update::noexist).error().code == EEXIST);
    CHECK(other.update_elem(1, second, update::exist).error().code == ENOENT);
    must(other.update_elem(0, second, update::exist));
    must(map.update_elem(0, listener));  // it is out of the other one
    CHECK(refusal_of(map, 2, second) == cause::no_such_slot);

    CHECK(refusal_of(map, 1, new_client(SOCK_STREAM)) == cause::not_in_a_group);
    CHECK(refusal_of(map, 1, new_client(SOCK_DGRAM)) == cause::not_in_a_group);
    CHECK(refusal_of(map, 1, udp_socket("127.0.0.1", 0)) == cause::not_in_a_group);  // without SO_REUSEPORT
    const auto connected = tcp_connection();
    CHECK(refusal_of(map, 1, connected.first) == cause::not_in_a_group);
    CHECK(is_explained(map.update_elem(1, owned_fd::own(::open("/dev/null", O_RDONLY | O_CLOEXEC))).error(),
                       step::map_update_elem, ENOTSOCK));
    CHECK(is_explained(map.update_elem(1, 9999).error(), step::map_update_elem, EBADF));
    sockaddr_in where{};
    where.sin_family = AF_INET;
    const owned_fd bound = new_client(SOCK_STREAM);
    const int yes = 1;
    REQUIRE(setsockopt(bound.number(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0);
    REQUIRE(bind(bound.number(), reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0);
    CHECK(refusal_of(map, 1, bound) == cause::not_in_a_group);  // it does not listen yet
    REQUIRE(listen(bound.number(), 1) == 0);
    must(map.update_elem(1, bound));
  });
}

TEST_CASE("reuseport_sockarray: with values of 4 bytes it takes sockets and gives nothing back") {
  in_own_network([] {
    auto map = must(barebpf::reuseport_sockarray<barebpf::short_socket_fd>::create(
        {.name = "listeners", .max_entries = 2}));
    const owned_fd listener = shared_socket(SOCK_STREAM, 0);
    must(map.update_elem(1, listener));
    CHECK(map.update_elem(0, listener).error().why == cause::socket_in_use);
    CHECK(map.get_next_key(0).value_or(9) == 1);
    const u32 slot = 1;
    barebpf::u64 room = 0;
    const auto untyped = barebpf::untyped_map::borrow(map.descriptor().number(), {});
    CHECK(untyped.lookup_elem(&slot, &room) == -ENOSPC);
    must(map.delete_elem(1));
  });
}
