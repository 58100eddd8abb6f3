// SPDX-License-Identifier: MIT
// Maps of sockets on the running kernel: real TCP connections in a network namespace of the test's own, and programs that
// move bytes from one to the other, drop them, and put sockets in.
#include <algorithm>
#include <vector>

#include "../support/background.hpp"
#include "../support/catch.hpp"
#include "../support/cgroup.hpp"
#include "../support/live.hpp"
#include "../support/sockets.hpp"
#include "socket_proxy.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::short_socket_fd;
using barebpf::sockets_in;
using barebpf::step;
using barebpf::u32;
using barebpf::u64;
using barebpf::update;

constexpr barebpf::static_object<socket_proxy> object;
constexpr std::size_t sizes[] = {1, 100, 4096, 65536};
constexpr u64 to_the_reader = 1;  // BPF_F_INGRESS
constexpr barebpf::socket_cookie nobody;

// A client and a service that know nothing of each other: one is connected to the front, the other to the back of a proxy
// whose two sockets are in the maps.
struct proxied {
  owned_fd client, front, back, service;

  proxied() {
    auto outside = tcp_connection(), inside = tcp_connection();
    client = std::move(outside.first);
    front = std::move(outside.second);
    back = std::move(inside.first);
    service = std::move(inside.second);
    for (const owned_fd* end : {&client, &front, &back, &service}) wait_at_most(*end, 10);
  }
};

// The loaded object, what of it is used here, and the connections.
struct proxy_test {
  decltype(must(object.load())) loaded = must(object.load());
  barebpf::sockmap<> slots = loaded.map<"slots", u32, barebpf::socket_fd>();
  barebpf::sockmap<short_socket_fd> short_slots = loaded.map<"short_slots", u32, short_socket_fd>();
  barebpf::sockhash<connection> partners = loaded.map<"partners", connection, barebpf::socket_fd>();
  barebpf::mapped_variable<u64> redirect_flags = must(loaded.variable<"redirect_flags", u64>());
  barebpf::mapped_variable<u64> judged = must(loaded.variable<"judged", u64>());
  barebpf::mapped_variable<u64> dropped = must(loaded.variable<"dropped", u64>());
  proxied ends;

  // Sockets get the programs that are attached when they are put in.
  template <class Map>
  void fill_slots(Map& into) {
    *must(loaded.variable<"first_port", u32>()) = ports_of(ends.front).local_port;
    must(into.update_elem(0, ends.front));
    must(into.update_elem(1, ends.back));
  }
  void fill_partners() {
    must(partners.update_elem(ports_of(ends.front), ends.back));
    must(partners.update_elem(ports_of(ends.back), ends.front));
  }
  u64 times_judged() const { return __atomic_load_n(&*judged, __ATOMIC_RELAXED); }
};

void check_both_ways(const owned_fd& a, const owned_fd& b, const owned_fd& c, const owned_fd& d) {
  for (const std::size_t size : sizes) {
    CAPTURE(size);
    CHECK(passes(a, b, letters(size)));
    CHECK(passes(c, d, letters(size)));
  }
}
// What arrives at the proxy goes on to the other side, or into the hands of who reads there.
void check_streams(proxy_test& test) {
  const proxied& ends = test.ends;
  check_both_ways(ends.client, ends.service, ends.service, ends.client);
  *test.redirect_flags = to_the_reader;
  check_both_ways(ends.client, ends.back, ends.service, ends.front);
  for (const owned_fd* end : {&ends.client, &ends.front, &ends.back, &ends.service}) CHECK(has_nothing(*end));
}
// What the proxy sends at one end leaves it at the other, or comes to who reads there.
void check_messages(proxy_test& test) {
  const proxied& ends = test.ends;
  check_both_ways(ends.front, ends.service, ends.back, ends.client);
  *test.redirect_flags = to_the_reader;
  check_both_ways(ends.front, ends.back, ends.back, ends.front);
  for (const owned_fd* end : {&ends.client, &ends.front, &ends.back, &ends.service}) CHECK(has_nothing(*end));
}
void check_dropped_stream(proxy_test& test) {
  REQUIRE(send_once(test.ends.client, "!secret") == 7);
  REQUIRE(comes_true([&] { return test.times_judged() == 1; }));
  CHECK(passes(test.ends.client, test.ends.service, "hello"));
  CHECK(*test.dropped == 1);
  CHECK(has_nothing(test.ends.front));
}
// The kernel keeps that verdict for as long as the socket is in the map and asks no more; `put_in_again` is the way out.
template <class Function>
void check_dropped_message(proxy_test& test, Function put_in_again) {
  CHECK(passes(test.ends.front, test.ends.service, "hello"));
  CHECK(send_once(test.ends.front, "!secret") == -EACCES);
  CHECK(send_once(test.ends.front, "hello") == -EACCES);
  CHECK(*test.judged == 2);
  put_in_again();
  CHECK(passes(test.ends.front, test.ends.service, "hello"));
  CHECK(*test.judged == 3);
  CHECK(*test.dropped == 1);
  CHECK(has_nothing(test.ends.client));
}

}  // namespace

TEST_CASE("sockmap: what arrives at one socket goes on through another, byte by byte") {
  in_own_network([] {
    proxy_test test;
    const auto attached = must(test.loaded.attach<"goes_on_to_slot">(sockets_in(test.slots)));
    test.fill_slots(test.slots);
    check_streams(test);
  });
}

TEST_CASE("sockmap: what is sent on one socket leaves through another, byte by byte") {
  in_own_network([] {
    proxy_test test;
    const auto attached = must(test.loaded.attach<"sends_to_slot">(sockets_in(test.slots)));
    test.fill_slots(test.slots);
    check_messages(test);
  });
}

TEST_CASE("sockmap: bytes that a program drops arrive nowhere") {
  in_own_network([] {
    proxy_test test;
    SECTION("as they arrive") {
      const auto attached = must(test.loaded.attach<"goes_on_to_slot">(sockets_in(test.slots)));
      test.fill_slots(test.slots);
      check_dropped_stream(test);
    }
    SECTION("as they are sent") {
      const auto attached = must(test.loaded.attach<"sends_to_slot">(sockets_in(test.slots)));
      test.fill_slots(test.slots);
      check_dropped_message(test, [&test] {
        must(test.slots.delete_elem(0));
        must(test.slots.update_elem(0, test.ends.front));
      });
    }
  });
}

TEST_CASE("sockmap: a parser makes messages, and the verdict comes to each of them once", "[needs 5.14]") {
  in_own_network([] {
    proxy_test test;
    constexpr std::size_t message = 4096, messages = 16;
    *must(test.loaded.variable<"message_size", u32>()) = message;
    const auto parser = must(test.loaded.attach<"cuts">(sockets_in(test.slots)));
    const auto verdict = must(test.loaded.attach<"goes_on_to_slot">(sockets_in(test.slots)));
    test.fill_slots(test.slots);

    // In pieces that end nowhere where messages do.
    const std::string whole = letters(message * messages);
    for (std::size_t at = 0; at < whole.size(); at += 1000) {
      const std::string piece = whole.substr(at, 1000);
      REQUIRE(send_once(test.ends.client, piece) == static_cast<long>(piece.size()));
    }
    CHECK(receive(test.ends.service, whole.size()) == whole);
    CHECK(*test.judged == messages);
    // Of a message that is not whole yet nothing is seen.
    REQUIRE(send_once(test.ends.client, letters(message - 1)) == message - 1);
    REQUIRE(passes(test.ends.service, test.ends.client, whole));  // meanwhile it has arrived
    CHECK(has_nothing(test.ends.service));
    CHECK(*test.judged == 2 * messages);
    REQUIRE(send_once(test.ends.client, "x") == 1);
    CHECK(receive(test.ends.service, message) == letters(message - 1) + "x");
  });
}

TEST_CASE("sockmap: with values of 4 bytes it redirects and walks, and gives nothing back") {
  in_own_network([] {
    proxy_test test;
    const auto attached = must(test.loaded.attach<"sends_to_short_slot">(sockets_in(test.short_slots)));
    test.fill_slots(test.short_slots);
    check_messages(test);
    CHECK(test.short_slots.get_next_key(0).value_or(9) == 1);
    u64 room = 0;
    const u32 first = 0;
    const auto untyped = barebpf::untyped_map::borrow(test.short_slots.descriptor().number(), {});
    CHECK(untyped.lookup_elem(&first, &room) == -ENOSPC);
    CHECK_FALSE(barebpf::hint(step::map_lookup_elem, ENOSPC).empty());
    must(test.short_slots.delete_elem(0));
    CHECK(test.short_slots.delete_elem(0).error().why == cause::empty_slot);
  });
}

TEST_CASE("sockmap: cookies come out, and a slot is full or empty") {
  in_own_network([] {
    const proxied ends;
    auto map = must(barebpf::sockmap<>::create({.name = "slots", .max_entries = 3}));
    CHECK(map.lookup_elem(0).error().why == cause::empty_slot);
    CHECK(map.update_elem(0, ends.front, update::exist).error().code == ENOENT);
    must(map.update_elem(0, ends.front, update::noexist));
    CHECK(map.lookup_elem(0).value_or(nobody) == cookie_of(ends.front));
    CHECK(map.update_elem(0, ends.back, update::noexist).error().code == EEXIST);
    must(map.update_elem(0, ends.back, update::exist));
    CHECK(map.lookup_elem(0).value_or(nobody) == cookie_of(ends.back));
    CHECK_FALSE(cookie_of(ends.front) == cookie_of(ends.back));
    must(map.update_elem(2, ends.back));  // without programs, one socket may be in several slots

    std::vector<u64> seen;
    auto walk = map.entries();
    for (auto [slot, cookie] : walk) seen.push_back(cookie.cookie);
    CHECK(walk.error() == nullptr);
    CHECK(seen == std::vector<u64>(2, cookie_of(ends.back).cookie));

    CHECK(map.update_elem(3, ends.front).error().why == cause::no_such_slot);
    must(map.delete_elem(0));
    CHECK(map.delete_elem(0).error().why == cause::empty_slot);
  });
}

TEST_CASE("sockmap: sockets of which kinds it takes, and in which state", "[needs 5.15]") {
  in_own_network([] {
    auto map = must(barebpf::sockmap<>::create({.name = "slots", .max_entries = 8}));
    const auto takes = [&map](const owned_fd& one) {
      must(map.update_elem(0, one));
      return map.lookup_elem(0).value_or(nobody) == cookie_of(one);
    };
    const auto refusal_of = [&map](const owned_fd& one) { return map.update_elem(1, one).error(); };
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const owned_fd unix_end = owned_fd::own(pair[0]), unix_peer = owned_fd::own(pair[1]);
    CHECK(takes(unix_end));
    CHECK(takes(udp_socket("127.0.0.1", 0)));
    CHECK(takes(shared_socket(SOCK_STREAM, 0)));  // it listens

    const auto is_unfit = [&](const owned_fd& one) {
      const barebpf::error why = refusal_of(one);
      return why.code == EOPNOTSUPP && why.why == cause::unfit_socket;
    };
    CHECK(is_unfit(owned_fd::own(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))));  // not connected
    CHECK(is_unfit(owned_fd::own(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))));   // not bound
    CHECK(is_unfit(owned_fd::own(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))));
    const auto half_closed = tcp_connection();
    REQUIRE(shutdown(half_closed.first.number(), SHUT_WR) == 0);
    CHECK(is_unfit(half_closed.first));
    CHECK(is_unfit(owned_fd::own(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0))));
    CHECK(is_explained(refusal_of(owned_fd::own(::open("/dev/null", O_RDONLY | O_CLOEXEC))),
                       step::map_update_elem, ENOTSOCK));
    CHECK(is_explained(map.update_elem(1, 9999).error(), step::map_update_elem, EBADF));
  });
}

TEST_CASE(
    "sockmap: a socket that closes leaves its slots, and one whose peer has reset it does not come in "
    "again") {
  in_own_network([] {
    auto map = must(barebpf::sockmap<>::create({.name = "slots", .max_entries = 4}));
    auto by_name = must(barebpf::sockhash<u32>::create({.name = "names", .max_entries = 4}));
    proxied ends;
    must(map.update_elem(0, ends.front));
    must(map.update_elem(1, ends.front));
    must(by_name.update_elem(77, ends.front));
    ends.front = owned_fd();
    CHECK(map.lookup_elem(0).error().why == cause::empty_slot);
    CHECK(map.lookup_elem(1).error().why == cause::empty_slot);
    CHECK(by_name.lookup_elem(77).error().code == ENOENT);

    must(map.update_elem(0, ends.back));
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    REQUIRE(setsockopt(ends.service.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0);
    ends.service = owned_fd();
    REQUIRE(comes_true([&] { return send_once(ends.back, "x") < 0; }));
    CHECK(map.lookup_elem(0).value_or(nobody) == cookie_of(ends.back));  // until it is closed here
    CHECK(map.update_elem(1, ends.back).error().why == cause::unfit_socket);
    ends.back = owned_fd();
    CHECK(map.lookup_elem(0).error().why == cause::empty_slot);
  });
}

TEST_CASE("sockmap: where programs are attached, a socket is in one slot of one map") {
  in_own_network([] {
    proxy_test test;
    const auto first = must(test.loaded.attach<"sends_to_slot">(sockets_in(test.slots)));
    auto second = must(test.loaded.attach<"sends_to_partner">(sockets_in(test.partners)));
    test.fill_slots(test.slots);
    CHECK(test.slots.update_elem(2, test.ends.front).error().why == cause::socket_in_use);
    CHECK(test.slots.update_elem(0, test.ends.front).error().why == cause::socket_in_use);
    CHECK(test.partners.update_elem({1, 1}, test.ends.front).error().why == cause::socket_in_use);
    second.detach();
    must(test.partners.update_elem({1, 1}, test.ends.front));
    CHECK(passes(test.ends.front, test.ends.service, "hello"));
  });
}

TEST_CASE("sockmap: redirected bytes that nobody has read yet go with the slot") {
  in_own_network([] {
    proxy_test test;
    const auto attached = must(test.loaded.attach<"sends_to_slot">(sockets_in(test.slots)));
    test.fill_slots(test.slots);
    *test.redirect_flags = to_the_reader;
    CHECK(passes(test.ends.front, test.ends.back, "read in time"));
    REQUIRE(send_once(test.ends.front, "too late") == 8);
    must(test.slots.delete_elem(1));
    REQUIRE(passes(test.ends.service, test.ends.back, "by TCP alone"));
    CHECK(has_nothing(test.ends.back));
  });
}

TEST_CASE("sockmap: sockets come and go by several threads while bytes pass between two others") {
  in_own_network([] {
    proxy_test test;
    const auto attached = must(test.loaded.attach<"goes_on_to_slot">(sockets_in(test.slots)));
    test.fill_slots(test.slots);
    const proxied others;
    int changes[2] = {};
    {
      const auto come_and_go = [&](const std::atomic<bool>& stops, u32 slot, const owned_fd& one,
                                   int& count) {
        do {
          if (test.slots.update_elem(slot, one) && test.slots.delete_elem(slot)) ++count;
        } while (!stops);
      };
      background a([&](const std::atomic<bool>& stops) { come_and_go(stops, 2, others.front, changes[0]); });
      background b([&](const std::atomic<bool>& stops) { come_and_go(stops, 3, others.back, changes[1]); });
      for (int i = 0; i < 8; ++i) {
        CHECK(passes(test.ends.client, test.ends.service, letters(65536)));
        CHECK(passes(test.ends.service, test.ends.client, letters(65536)));
      }
    }
    CHECK(changes[0] > 0);
    CHECK(changes[1] > 0);
    CHECK(passes(others.client, others.front, "hello"));  // as if they had never been in
  });
}

TEST_CASE("sockhash: what arrives at one socket goes on through its partner, byte by byte") {
  in_own_network([] {
    proxy_test test;
    const auto attached = must(test.loaded.attach<"goes_on_to_partner">(sockets_in(test.partners)));
    test.fill_partners();
    check_streams(test);
  });
}

TEST_CASE("sockhash: what is sent on one socket leaves through its partner, byte by byte") {
  in_own_network([] {
    proxy_test test;
    const auto attached = must(test.loaded.attach<"sends_to_partner">(sockets_in(test.partners)));
    test.fill_partners();
    check_messages(test);
  });
}

TEST_CASE("sockhash: bytes that a program drops arrive nowhere") {
  in_own_network([] {
    proxy_test test;
    SECTION("as they arrive") {
      const auto attached = must(test.loaded.attach<"goes_on_to_partner">(sockets_in(test.partners)));
      test.fill_partners();
      check_dropped_stream(test);
    }
    SECTION("as they are sent") {
      const auto attached = must(test.loaded.attach<"sends_to_partner">(sockets_in(test.partners)));
      test.fill_partners();
      check_dropped_message(test, [&test] {
        must(test.partners.delete_elem(ports_of(test.ends.back)));
        must(test.partners.update_elem(ports_of(test.ends.back), test.ends.front));
      });
    }
  });
}

TEST_CASE("sockhash: any bytes are keys, cookies come out, and a walk comes to all") {
  in_own_network([] {
    struct name {
      char letters[12];
    };
    const proxied ends;
    auto map = must(barebpf::sockhash<name>::create({.name = "names", .max_entries = 3}));
    const std::pair<name, const owned_fd*> members[] = {
        {{"client"}, &ends.client}, {{"front"}, &ends.front}, {{"back"}, &ends.back}};
    CHECK(map.get_next_key().error().code == ENOENT);
    for (const auto& [key, end] : members) must(map.update_elem(key, *end, update::noexist));
    CHECK(map.update_elem({"front"}, ends.front, update::noexist).error().code == EEXIST);
    CHECK(map.update_elem({"nobody"}, ends.front, update::exist).error().code == ENOENT);
    CHECK(is_explained(map.update_elem({"service"}, ends.service).error(), step::map_update_elem, E2BIG));

    std::vector<std::pair<std::string, u64>> seen, expected;
    auto walk = map.entries();
    for (auto [key, cookie] : walk) seen.emplace_back(key.letters, cookie.cookie);
    CHECK(walk.error() == nullptr);
    for (const auto& [key, end] : members) expected.emplace_back(key.letters, cookie_of(*end).cookie);
    std::sort(seen.begin(), seen.end());
    std::sort(expected.begin(), expected.end());
    CHECK(seen == expected);

    must(map.delete_elem({"back"}));
    CHECK(map.delete_elem({"back"}).error().code == ENOENT);
    CHECK(map.lookup_elem({"back"}).error().code == ENOENT);
    must(map.update_elem({"service"}, ends.service));
    CHECK(map.lookup_elem({"service"}).value_or(nobody) == cookie_of(ends.service));
  });
}

TEST_CASE("sockhash: both ends of a connection put themselves in, and into slots of a sockmap") {
  const auto loaded = must(object.load());
  const test_cgroup group("sockhash");
  const auto attached = must(loaded.attach<"connects">(barebpf::cgroup(group.descriptor())));
  const auto slots = loaded.map<"slots", u32, barebpf::socket_fd>();
  const auto partners = loaded.map<"partners", connection, barebpf::socket_fd>();
  const network_namespace quiet;
  const int outcome = group.run([&] {
    if (setns(quiet.descriptor().number(), CLONE_NEWNET) != 0) return 254;
    const auto ends = tcp_connection();
    if (!(slots.lookup_elem(2).value_or(nobody) == cookie_of(ends.first))) return 1;
    if (!(slots.lookup_elem(3).value_or(nobody) == cookie_of(ends.second))) return 2;
    for (const owned_fd* end : {&ends.first, &ends.second})
      if (!(partners.lookup_elem(ports_of(*end)).value_or(nobody) == cookie_of(*end))) return 3;
    return 0;
  });
  CHECK(outcome == 0);
  CHECK(slots.lookup_elem(2).error().why == cause::empty_slot);  // they went with their process
  CHECK(partners.get_next_key().error().code == ENOENT);
}
