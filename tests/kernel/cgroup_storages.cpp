// SPDX-License-Identifier: MIT
// What programs that are attached to a cgroup, or told of it, keep for its sockets and for itself.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "../support/catch.hpp"
#include "../support/cgroup.hpp"
#include "../support/live.hpp"
#include "cgroup_storages.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::cgroup_storage_key;
using barebpf::fd;
using barebpf::update;

constexpr barebpf::static_object<cgroup_storages> object;

// As the program has it.
struct traffic {
  std::uint32_t creator, packets;
  std::uint64_t limit;
};

constexpr std::size_t headers = 20 + 8;  // of IPv4 and UDP

auto load() {
  auto loaded = object.load();
  require(loaded);
  return loaded;
}

fd open_socket() { return fd::own(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }
// Sends so many bytes to a port of this machine where nobody listens.
bool sends(const fd& from, std::size_t size) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(9);
  where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string packet(size, 'x');
  // What could not be delivered before is told of first.
  for (int tries = 0; tries < 3; ++tries) {
    const auto sent = sendto(from.number(), packet.data(), size, 0, reinterpret_cast<const sockaddr*>(&where),
                             sizeof where);
    if (sent == static_cast<ssize_t>(size)) return true;
    if (errno != ECONNREFUSED) return false;
  }
  return false;
}

}  // namespace

TEST_CASE(
    "sk_storage: a program keeps a value for each socket of a cgroup, and user space reads and changes it",
    "[needs 6.2]") {
  const auto loaded = load();
  const test_cgroup group("sockets");
  const barebpf::cgroup target(group.descriptor());
  const auto creating = must(loaded->attach<"creates">(target));
  const auto sending = must(loaded->attach<"sends">(target));
  auto map = loaded->map<"traffic_of_socket", barebpf::owner_fd, traffic>();

  // Each step in the cgroup has a number, so that the exit code says which went wrong.
  const int failed = group.run([&map] {
    const fd first = open_socket(), second = open_socket();
    const auto made = map.lookup_elem(first);
    if (!made || made->creator != static_cast<std::uint32_t>(getpid()) || made->limit != 1000) return 1;
    if (!sends(first, 10) || !sends(first, 10) || !sends(second, 10)) return 2;
    if (map.lookup_elem(first)->packets != 2 || map.lookup_elem(second)->packets != 1) return 3;
    // What user space allows, the program holds the socket to; and no other.
    if (!map.update_elem(first, {.creator = 0, .packets = 40, .limit = headers + 10}, update::exist))
      return 4;
    if (!sends(first, 10) || sends(first, 11) || errno != EPERM || !sends(second, 11)) return 5;
    if (map.lookup_elem(first)->packets != 42) return 6;
    if (!map.delete_elem(first) || !sends(first, 11)) return 7;
    return map.lookup_elem(first).error().why == cause::nothing_of_owner ? 0 : 8;
  });
  CHECK(failed == 0);
  // A socket from outside has none.
  CHECK(map.lookup_elem(open_socket()).error().why == cause::nothing_of_owner);
}

TEST_CASE("cgrp_storage: a program counts who comes to a cgroup, in the value that user space put there",
          "[needs 6.2]") {
  const auto loaded = load();
  const auto counting = must(loaded->attach<"arrives">());
  auto map = loaded->map<"arrivals", barebpf::owner_fd, std::uint64_t>();
  const test_cgroup group("arrivals"), other("uncounted");
  const auto nothing = [] { return 0; };

  REQUIRE(map.update_elem(group.descriptor(), 40, update::noexist).has_value());
  REQUIRE(group.run(nothing) == 0);
  REQUIRE(group.run(nothing) == 0);
  REQUIRE(other.run(nothing) == 0);
  CHECK(map.lookup_elem(group.descriptor()).value_or(0) == 42);
  CHECK(map.lookup_elem(other.descriptor()).error().why == cause::nothing_of_owner);

  REQUIRE(map.delete_elem(group.descriptor()).has_value());
  REQUIRE(group.run(nothing) == 0);
  CHECK(map.lookup_elem(group.descriptor()).error().why == cause::nothing_of_owner);
}

TEST_CASE("cgroup_storage: the kernel keeps a value for each cgroup that a program is attached to",
          "[needs 6.2]") {
  const auto loaded = load();
  const test_cgroup group("bytes"), other("elsewhere");
  auto map = loaded->map<"bytes_of_cgroup", std::uint64_t, std::uint64_t>();
  const auto sends_ten = [] { return sends(open_socket(), 10) ? 0 : 1; };

  CHECK(map.lookup_elem(group.id()).error().why == cause::not_at_this_cgroup);
  CHECK(map.update_elem(group.id(), 1).error().why == cause::not_at_this_cgroup);
  CHECK(map.get_next_key().error().code == ENOENT);

  const auto attached = must(loaded->attach<"sends">(barebpf::cgroup(group.descriptor())));
  CHECK(map.lookup_elem(group.id()).value_or(1) == 0);
  CHECK(map.get_next_key().value_or(0) == group.id());
  REQUIRE(group.run(sends_ten) == 0);
  REQUIRE(other.run(sends_ten) == 0);
  CHECK(map.lookup_elem(group.id()).value_or(0) == headers + 10);
  CHECK(map.lookup_elem(other.id()).error().why == cause::not_at_this_cgroup);

  REQUIRE(map.update_elem(group.id(), 1000, update::exist).has_value());
  CHECK(map.update_elem(group.id(), 1, update::noexist).error().code == EINVAL);
  REQUIRE(group.run(sends_ten) == 0);
  CHECK(map.lookup_elem(group.id()).value_or(0) == 1000 + headers + 10);

  int found = 0;
  auto entries = map.entries();
  for (const auto [key, value] : entries) {
    CHECK(key == group.id());
    CHECK(value == 1000 + headers + 10);
    ++found;
  }
  CHECK(entries.error() == nullptr);
  CHECK(found == 1);
}

TEST_CASE("percpu_cgroup_storage: the same on each CPU, under the cgroup and the way of attaching",
          "[needs 6.2]") {
  const auto loaded = load();
  const test_cgroup group("packets");
  auto map = loaded->map<"packets_of_cgroup", cgroup_storage_key, std::uint64_t>();
  const auto attached = must(loaded->attach<"sends">(barebpf::cgroup(group.descriptor())));
  const auto egress = static_cast<std::uint32_t>(barebpf::abi::attach_type::cgroup_inet_egress);
  const cgroup_storage_key key{.cgroup_inode_id = group.id(), .attach_type = egress};
  const auto sum = [&map, &key] {
    const auto values = map.lookup_elem(key);
    REQUIRE(values.has_value());
    return values->sum();
  };

  CHECK(sum() == 0);
  REQUIRE(group.run([] {
    const fd from = open_socket();
    for (int i = 0; i < 5; ++i)
      if (!sends(from, 10)) return 1;
    return 0;
  }) == 0);
  CHECK(sum() == 5);
  CHECK(map.lookup_elem({.cgroup_inode_id = group.id(), .attach_type = egress + 1}).error().why ==
        cause::not_at_this_cgroup);

  auto values = barebpf::per_cpu_values<std::uint64_t>::make();
  REQUIRE(values.has_value());
  values->fill(100);
  REQUIRE(map.update_elem(key, *values).has_value());
  CHECK(sum() == 100 * values->cpus());
}
