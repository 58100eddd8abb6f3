// SPDX-License-Identifier: MIT
// The ways into the network that are no link of an interface: the packet filter, filters of tc, and routes. Networks are
// the test's own.
#include <net/if.h>

#include "../support/live.hpp"
#include "../support/network.hpp"
#include "attach_traffic.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::step;
using barebpf::traffic_filter;

constexpr barebpf::static_object<attach_traffic> traffic;

// With one program that is left out by default, because kernels came later with its kind.
template <barebpf::name Name>
auto load_with() {
  const barebpf::program_change with[] = {traffic.change_program<Name>({.load = true})};
  return must(traffic.load({.programs = with}));
}

}  // namespace

TEST_CASE("tc, filters of an interface in the order of their priorities") {
  const auto loaded = must(traffic.load());
  const two_hosts hosts;
  const auto order = must(loaded.variable<"order", std::uint64_t>());
  hosts.right.inside([&] {
    const unsigned right = if_nametoindex("right0");
    barebpf::attachment first =
        must(loaded.attach<"first">(traffic_filter{.interface = right, .priority = 10}));
    CHECK(first.is_attached());
    CHECK_FALSE(first.is_link());
    {
      const barebpf::attachment second =
          must(loaded.attach<"second">(traffic_filter{.interface = right, .priority = 20}));
      *order = 0;
      CHECK(hosts.arrives());
      CHECK(*order == 12);
    }
    const barebpf::attachment before =
        must(loaded.attach<"drop">(traffic_filter{.interface = right, .priority = 5}));
    *order = 0;
    CHECK_FALSE(hosts.arrives());
    CHECK(*order == 0);
    barebpf::attachment moved;
    moved = std::move(first);
    CHECK_FALSE(first.is_attached());
  });
  CHECK(hosts.arrives());  // all have gone, from outside of their namespace too
  CHECK(*order == 0);
}

TEST_CASE("tc, on the way out, and left behind until the interface goes") {
  const auto loaded = must(traffic.load());
  const two_hosts hosts;
  hosts.left.inside([&] {
    const unsigned left = if_nametoindex("left0");
    barebpf::attachment out = must(
        loaded.attach<"drop">(traffic_filter{.interface = left, .way = traffic_filter::direction::egress}));
    CHECK_FALSE(hosts.arrives());
    out.detach();
    CHECK(hosts.arrives());
    barebpf::attachment stays = must(
        loaded.attach<"drop">(traffic_filter{.interface = left, .way = traffic_filter::direction::egress}));
    stays.leave();
    CHECK_FALSE(hosts.arrives());
    const auto gone = loaded.attach<"drop">(traffic_filter{.interface = 4711});
    REQUIRE_FALSE(gone.has_value());
    CHECK(is_explained(gone.error(), step::attach_by_request, ENODEV));
  });
}

TEST_CASE("netfilter, packets that come in, and a priority that is taken", "[needs 6.4]") {
  const auto loaded = load_with<"refuse">();
  const two_hosts hosts;
  hosts.right.inside([&] {
    barebpf::link attached = must(loaded.attach<"refuse">(barebpf::netfilter_hook{.priority = 3}));
    CHECK(attached.info()->type == barebpf::abi::link_type::netfilter);
    CHECK_FALSE(hosts.arrives());
    CHECK(value_of<"packets">(loaded) == 1);
    const auto twice = loaded.attach<"refuse">(barebpf::netfilter_hook{.priority = 3});
    REQUIRE_FALSE(twice.has_value());
    CHECK(is_explained(twice.error(), step::link_create, EBUSY));
    REQUIRE(attached.force_detach().has_value());
    CHECK(hosts.arrives());
    const barebpf::link six = must(
        loaded.attach<"refuse">(barebpf::netfilter_hook{.packets = barebpf::netfilter_hook::family::ipv6,
                                                        .at = barebpf::netfilter_hook::point::pre_routing}));
    CHECK(hosts.arrives());
    const auto edge = loaded.attach<"refuse">(barebpf::netfilter_hook{.priority = -2147483647 - 1});
    REQUIRE_FALSE(edge.has_value());
    CHECK(is_explained(edge.error(), step::link_create, ERANGE));
  });
}

TEST_CASE("lwt_xmit and lwt_out, packets to a network as they leave") {
  const auto loaded = must(traffic.load());
  const two_hosts hosts;
  hosts.left.inside([&] {
    const barebpf::route_to there{.network = "10.99.0.0/24", .interface = if_nametoindex("left0")};
    barebpf::attachment leaves = must(loaded.attach<"leaves">(there));
    CHECK(send_to(hosts.sender, "10.99.0.5", 1, 10));
    CHECK(value_of<"packets">(loaded) == 1);
    const auto twice = loaded.attach<"goes_out">(there);
    REQUIRE_FALSE(twice.has_value());
    CHECK(is_explained(twice.error(), step::attach_by_request, EEXIST));
    leaves.detach();
    CHECK_FALSE(send_to(hosts.sender, "10.99.0.5", 1, 10));  // there is no way any more
    const barebpf::attachment out = must(loaded.attach<"goes_out">(there));
    CHECK(send_to(hosts.sender, "10.99.0.5", 1, 10));
    CHECK(value_of<"packets">(loaded) == 2);
  });
}

TEST_CASE("lwt_in, packets to an address of this machine as they come in") {
  const auto loaded = must(traffic.load());
  const network_namespace own;
  own.inside([&] {
    const barebpf::attachment in = must(loaded.attach<"comes_in">(
        barebpf::route_to{.network = "10.99.0.5/32", .interface = if_nametoindex("lo"), .is_local = true}));
    const owned_fd any = udp_socket("0.0.0.0", 0);
    CHECK(send_to(any, "10.99.0.5", 1, 10));
    CHECK(value_of<"packets">(loaded) >= 1);  // and what says that nobody is there
  });
}

TEST_CASE("lwt_seg6local, a route to a segment") {
  const auto loaded = must(traffic.load());
  const network_namespace own;
  own.inside([&] {
    const barebpf::route_to segment{.network = "fd00:1::1/128", .interface = if_nametoindex("lo")};
    barebpf::attachment attached = must(loaded.attach<"segment">(segment));
    CHECK(attached.is_attached());
    CHECK(loaded.attach<"segment">(segment).has_value() == false);
    attached.detach();
    CHECK(loaded.attach<"segment">(segment).has_value());
    CHECK(loaded.attach<"leaves">(barebpf::route_to{.network = "fd00:1::"}).error().why == cause::none);
    CHECK(loaded.attach<"leaves">(barebpf::route_to{.network = "nonsense"}).error().why ==
          cause::bad_address);
  });
}

TEST_CASE("netkit, an interface of another kind") {
  const auto loaded = load_with<"of_the_host">();
  const two_hosts hosts;
  hosts.right.inside([&] {
    const auto refused = loaded.attach<"of_the_host">(barebpf::interface{if_nametoindex("right0")});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().at == step::link_create);
  });
}
