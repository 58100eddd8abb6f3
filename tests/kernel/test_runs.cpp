// SPDX-License-Identifier: MIT
// Programs that are run without their event: on packets and contexts of the test's own, on a CPU of its choice, and on
// frames that the kernel makes and sends.
#include <linux/bpf.h>
#include <net/if.h>

#include <array>
#include <cstring>

#include "../support/cgroup.hpp"
#include "../support/live.hpp"
#include "../support/network.hpp"
#include "test_runs.bpf.hpp"

namespace {

using barebpf::step;

constexpr barebpf::static_object<test_runs> object;

}  // namespace

TEST_CASE("test_run, a packet goes in and comes out as the program leaves it, as often as is asked for",
          "[needs 6.1]") {
  const auto loaded = must(object.load());
  std::array<unsigned char, 64> packet{1, 2, 3};
  std::array<unsigned char, 128> out{};
  const auto ran =
      must(barebpf::test_run(loaded.program<"changes">(), {.data = packet, .data_out = out, .repeat = 1}));
  CHECK(ran.value == XDP_TX);
  CHECK(ran.data_size == packet.size() + 4);
  CHECK(out[0] == 0x77);
  CHECK(out[4] == 1);
  CHECK(value_of<"runs">(loaded) == 1);
  const auto again = must(barebpf::test_run(loaded.program<"drops">(), {.data = packet, .repeat = 100}));
  CHECK(again.value == XDP_DROP);
  CHECK(value_of<"runs">(loaded) == 101);

  std::array<unsigned char, 16> short_room{};
  const auto cut = barebpf::test_run(loaded.program<"changes">(), {.data = packet, .data_out = short_room});
  REQUIRE_FALSE(cut.has_value());
  CHECK(is_explained(cut.error(), step::prog_test_run, ENOSPC));
  const auto tiny = barebpf::test_run(loaded.program<"drops">(), {.data = {packet.data(), 4}});
  REQUIRE_FALSE(tiny.has_value());
  CHECK(is_explained(tiny.error(), step::prog_test_run, EINVAL));
}

TEST_CASE("test_run, a context goes in and comes out", "[needs 6.1]") {
  const auto loaded = must(object.load());
  std::array<unsigned char, 64> packet{};
  __sk_buff in{}, out{};
  in.mark = 41;
  const auto ran = must(barebpf::test_run(
      loaded.program<"marks">(), {.data = packet,
                                  .context = {reinterpret_cast<unsigned char*>(&in), sizeof in},
                                  .context_out = {reinterpret_cast<unsigned char*>(&out), sizeof out}}));
  CHECK(ran.context_size == sizeof out);
  CHECK(out.mark == 42);
}

TEST_CASE("test_run, on a CPU of one's choice") {
  const auto loaded = must(object.load());
  const auto cpu = static_cast<barebpf::u32>(sysconf(_SC_NPROCESSORS_ONLN) - 1);
  std::uint64_t arguments[2] = {3, 4};
  const auto ran =
      must(barebpf::test_run(loaded.program<"tells_cpu">(),
                             {.context = {reinterpret_cast<unsigned char*>(arguments), sizeof arguments},
                              .flags = barebpf::abi::test_flag::run_on_cpu,
                              .cpu = cpu}));
  CHECK(ran.value == 7);
  CHECK(*must(loaded.variable<"seen_cpu", std::uint32_t>()) == cpu);
  const auto nowhere =
      barebpf::test_run(loaded.program<"tells_cpu">(),
                        {.context = {reinterpret_cast<unsigned char*>(arguments), sizeof arguments},
                         .flags = barebpf::abi::test_flag::run_on_cpu,
                         .cpu = 100000});
  REQUIRE_FALSE(nowhere.has_value());
  CHECK(nowhere.error().at == step::prog_test_run);
}

TEST_CASE("test_run, frames that the kernel makes and the program answers", "[needs 6.1]") {
  const auto loaded = must(object.load());
  const network_namespace own;
  own.inside([&] {
    std::array<unsigned char, 64> packet{};
    xdp_md where{};
    where.data_end = packet.size();
    where.ingress_ifindex = if_nametoindex("lo");
    const auto ran = must(barebpf::test_run(
        loaded.program<"drops">(), {.data = packet,
                                    .context = {reinterpret_cast<unsigned char*>(&where), sizeof where},
                                    .repeat = 1000,
                                    .flags = barebpf::abi::test_flag::xdp_live_frames,
                                    .batch_size = 64}));
    CHECK(ran.value == 0);
    CHECK(value_of<"runs">(loaded) == 1000);
  });
}

TEST_CASE("iter, the cgroups below one, itself too", "[needs 6.1]") {
  const barebpf::program_change with[] = {object.change_program<"cgroups">({.load = true})};
  const auto loaded = must(object.load({.programs = with}));
  const test_cgroup own("listed");
  const std::string below = own.path() + "/below";
  REQUIRE(mkdir(below.c_str(), 0755) == 0);
  const auto count = [&](barebpf::cgroups_of::order walk) {
    const barebpf::link attached = must(
        loaded.attach<"cgroups">(barebpf::cgroups_of{.descriptor = own.descriptor().number(), .walk = walk}));
    char seen[64];
    return must(must(open_iterator(attached)).read(seen));
  };
  CHECK(count(barebpf::cgroups_of::order::self_only) == 1);
  CHECK(count(barebpf::cgroups_of::order::descendants_pre) == 2);
  CHECK(count(barebpf::cgroups_of::order::ancestors_up) == 2);
  REQUIRE(rmdir(below.c_str()) == 0);
}
