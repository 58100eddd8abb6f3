// SPDX-License-Identifier: MIT
// XDP programs that send frames on through a devmap or a devmap_hash: three hosts in a row, of which the one in the
// middle has the map.
#include "../support/catch.hpp"
#include "../support/frames.hpp"
#include "../support/live.hpp"
#include "xdp_maps.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::device;
using barebpf::device_and_program;
using barebpf::result;
using barebpf::step;
using barebpf::xdp_mode;

constexpr barebpf::static_object<xdp_maps> programs;

// "left0" - "in0", and "out0" - "right0".
struct three_hosts {
  network_namespace left, middle, right;
  barebpf::u32 in = 0, out = 0;

  three_hosts() {
    connect_by_veth(left, "left0", middle, "in0");
    connect_by_veth(middle, "out0", right, "right0");
    left.add_address("left0", "10.77.2.1");
    middle.add_address("in0", "10.77.2.2");
    middle.add_address("out0", "10.77.3.1");
    right.add_address("right0", "10.77.3.2");
    in = middle.index_of("in0");
    out = middle.index_of("out0");
    wait_for_wire(wire_end(left, "left0"), wire_end(middle, "in0"));
    wait_for_wire(wire_end(middle, "out0"), wire_end(right, "right0"));
  }
  // The other end of a wire takes redirected frames only when it has a program itself.
  template <class Loaded>
  barebpf::link open_right_end(const Loaded& loaded, xdp_mode mode) const {
    return right.inside([&] {
      return must(loaded.template attach<"passes">(barebpf::interface{right.index_of("right0")}, mode));
    });
  }
};

// Slots are filled, and programs attached, from the network namespace of the interface.
template <barebpf::name Program, class Map>
void redirects(const xdp_mode mode) {
  CAPTURE(static_cast<unsigned>(mode));
  const three_hosts hosts;
  const wire_end left(hosts.left, "left0"), right(hosts.right, "right0"), middle(hosts.middle, "in0");
  const auto loaded = must(programs.load());
  const barebpf::link open = hosts.open_right_end(loaded, mode);
  const auto seen = must(loaded.variable<"seen", std::uint64_t>());
  const auto unplaced = must(loaded.variable<"unplaced", std::uint64_t>());
  hosts.middle.inside([&] {
    const barebpf::link attached = must(loaded.attach<Program>(barebpf::interface{hosts.in}, mode));
    auto devices = Map::of(loaded);
    must(devices.update_elem(2, {.ifindex = hosts.out}));
    CHECK(must(devices.lookup_elem(2)).ifindex == hosts.out);
    CHECK(devices.update_elem(2, {.ifindex = hosts.in}, barebpf::update::noexist).error().code == EEXIST);

    bool are_equal = true;
    for (unsigned i = 0; i < 100; ++i) {
      left.send(frame_of(2, i, 60 + i));
      are_equal = are_equal && right.receive() == frame_of(2, i, 60 + i);
    }
    CHECK(are_equal);
    CHECK(*seen == 100);
    CHECK(*unplaced == 0);

    // Nothing is under the key of the first.
    left.send(frame_of(3, 1));
    left.send(frame_of(2, 2));
    CHECK((right.receive() == frame_of(2, 2)));
    CHECK(*unplaced == 1);
    must(devices.delete_elem(2));
    CHECK(devices.lookup_elem(2).error().code == ENOENT);
    left.send(frame_of(2, 3));
    must(devices.update_elem(2, {.ifindex = hosts.out}));
    left.send(frame_of(2, 4));
    CHECK((right.receive() == frame_of(2, 4)));
    CHECK(middle.is_silent());

    // What has no interface in this namespace is nothing to redirect to, and who goes leaves the map.
    CHECK(devices.update_elem(2, {.ifindex = 12345}).error().code == EINVAL);
    CHECK(must(devices.lookup_elem(2)).ifindex == hosts.out);
    hosts.middle.remove("out0");
    CHECK(devices.lookup_elem(2).error().code == ENOENT);
    CHECK(devices.update_elem(2, {.ifindex = hosts.out}).error().why == barebpf::cause::unfit_device);
  });
}

struct array_of_devices {
  template <class Loaded>
  static auto of(const Loaded& loaded) {
    return loaded.template map<"devices", std::uint32_t, device_and_program>();
  }
};
struct hash_of_devices {
  template <class Loaded>
  static auto of(const Loaded& loaded) {
    return loaded.template map<"devices_hash", std::uint32_t, device>();
  }
};

}  // namespace

TEST_CASE("devmap: frames leave by the interface of their slot, until it goes", "[devmap][needs 5.15]") {
  redirects<"to_device", array_of_devices>(GENERATE(xdp_mode::drv, xdp_mode::skb));
}

TEST_CASE("devmap_hash: frames leave by the interface of their key, until it goes", "[devmap]") {
  redirects<"to_device_of_hash", hash_of_devices>(GENERATE(xdp_mode::drv, xdp_mode::skb));
}

TEST_CASE("devmap: a program in the slot sees each frame before it leaves", "[devmap]") {
  const three_hosts hosts;
  const wire_end left(hosts.left, "left0"), right(hosts.right, "right0");
  const auto loaded = must(programs.load());
  const barebpf::link open = hosts.open_right_end(loaded, xdp_mode::drv);
  const auto count = must(loaded.variable<"left", std::uint64_t>());
  hosts.middle.inside([&] {
    const barebpf::link attached = must(loaded.attach<"to_device">(barebpf::interface{hosts.in}));
    auto devices = loaded.map<"devices", std::uint32_t, device_and_program>();
    const int program = loaded.program<"leaves">().number();
    must(devices.update_elem(0, {.ifindex = hosts.out, .program = program}));
    must(devices.update_elem(1, {.ifindex = hosts.out}));
    CHECK(must(devices.lookup_elem(0)).program_id == kernel_id(loaded.program<"leaves">()));
    CHECK(must(devices.lookup_elem(1)).program_id == 0);

    // One at a time, because of frames that leave together all see the program of the first: bq_enqueue in
    // kernel/bpf/devmap.c at v6.12 keeps one for each interface.
    left.send(frame_of(0, 1));
    CHECK((right.receive() == marked(frame_of(0, 1))));
    left.send(frame_of(1, 2));
    CHECK((right.receive() == frame_of(1, 2)));
    left.send(frame_of(0, 3));
    CHECK((right.receive() == marked(frame_of(0, 3))));
    CHECK(*count == 2);

    // Only programs of the section xdp/devmap run there.
    const int other = loaded.program<"passes">().number();
    CHECK(devices.update_elem(0, {.ifindex = hosts.out, .program = other}).error().code == EINVAL);
    CHECK(devices.update_elem(0, {.ifindex = hosts.out, .program = 999}).error().code == EINVAL);
  });
}

TEST_CASE("devmap: a slot counts as there already, and no update is only for what is", "[devmap]") {
  auto slots = must(barebpf::devmap<>::create({.name = "slots", .max_entries = 2}));
  CHECK(slots.update_elem(1, {.ifindex = 1}, barebpf::update::noexist).error().code == EEXIST);
  must(slots.update_elem(1, {.ifindex = 1}, barebpf::update::exist));  // loopback
  CHECK(slots.update_elem(2, {.ifindex = 1}).error().why == cause::no_such_slot);
  CHECK(must(slots.lookup_elem(1)).ifindex == 1);
  CHECK(slots.lookup_elem(0).error().code == ENOENT);
  CHECK(must(slots.get_next_key(0)) == 1);
  must(slots.update_elem(1, {.ifindex = 0}));
  CHECK(slots.lookup_elem(1).error().code == ENOENT);
}

TEST_CASE("devmap_hash: keys are any numbers, and no update is only for those that are there", "[devmap]") {
  auto keys = must(barebpf::devmap_hash<device_and_program>::create({.name = "keys", .max_entries = 2}));
  must(keys.update_elem(4'000'000'000, {.ifindex = 1}));
  CHECK(keys.update_elem(4'000'000'000, {.ifindex = 1}, barebpf::update::noexist).error().code == EEXIST);
  must(keys.update_elem(7, {.ifindex = 1}, barebpf::update::exist));
  CHECK(is_explained(keys.update_elem(8, {.ifindex = 1}).error(), step::map_update_elem, E2BIG));
  CHECK(keys.update_elem(7, {.ifindex = 0}).error().code == EINVAL);
  unsigned found = 0;
  auto entries = keys.entries();
  for (const auto& [key, value] : entries) found += key == 7 || key == 4'000'000'000 ? value.ifindex : 100;
  CHECK(found == 2);
  CHECK(entries.error() == nullptr);
  must(keys.delete_elem(7));
  CHECK(is_explained(keys.delete_elem(7).error(), step::map_delete_elem, ENOENT));
}
