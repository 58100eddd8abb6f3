// SPDX-License-Identifier: MIT
// XDP programs that hand frames to another CPU through a cpumap.
#include "../support/catch.hpp"
#include "../support/frames.hpp"
#include "../support/live.hpp"
#include "xdp_maps.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::cpu_queue;
using barebpf::cpu_queue_and_program;
using barebpf::result;
using barebpf::step;

constexpr barebpf::static_object<xdp_maps> programs;

// A wire from "left0" to "right0", where the programs are.
struct wired_pair {
  network_namespace left, right;
  barebpf::u32 index = 0;

  wired_pair() {
    connect_by_veth(left, "left0", right, "right0");
    left.add_address("left0", "10.77.4.1");
    right.add_address("right0", "10.77.4.2");
    index = right.index_of("right0");
    wait_for_wire(wire_end(left, "left0"), wire_end(right, "right0"));
  }
};

// The CPUs that are online and that the map of the programs has slots for.
std::vector<std::uint32_t> usable_cpus() {
  std::vector<std::uint32_t> out;
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  for (std::uint32_t cpu = 0; cpu < count && cpu < 8; ++cpu) out.push_back(cpu);
  return out;
}

}  // namespace

TEST_CASE("cpumap: frames go to the CPU of their key, where a program sees them first", "[cpumap]") {
  const wired_pair hosts;
  const wire_end left(hosts.left, "left0"), right(hosts.right, "right0");
  const auto loaded = must(programs.load());
  auto cpus = loaded.map<"cpus", std::uint32_t, cpu_queue_and_program>();
  const int program = loaded.program<"arrives">().number();
  for (const std::uint32_t cpu : usable_cpus()) {
    must(cpus.update_elem(cpu, {.queue_size = 64, .program = program}));
    const auto found = must(cpus.lookup_elem(cpu));
    CHECK(found.queue_size == 64);
    CHECK(found.program_id == kernel_id(loaded.program<"arrives">()));
  }
  const barebpf::link attached = hosts.right.inside(
      [&] { return must(loaded.attach<"to_cpu">(barebpf::interface{hosts.index}, barebpf::xdp_mode::drv)); });

  std::uint64_t sent = 0;
  bool are_equal = true;
  for (unsigned i = 0; i < 50; ++i)
    for (const std::uint32_t cpu : usable_cpus()) {
      const frame one = frame_of(static_cast<unsigned char>(cpu), i, 60 + i);
      left.send(one);
      are_equal = are_equal && right.receive() == marked(one);
      ++sent;
    }
  CHECK(are_equal);
  CHECK(*must(loaded.variable<"seen", std::uint64_t>()) == sent);
  CHECK(*must(loaded.variable<"arrived", std::uint64_t>()) == sent);
  CHECK(*must(loaded.variable<"on_another_cpu", std::uint64_t>()) == 0);

  // Nobody is left to take the first.
  must(cpus.delete_elem(0));
  CHECK(cpus.lookup_elem(0).error().code == ENOENT);
  left.send(frame_of(0, 1));
  must(cpus.update_elem(0, {.queue_size = 8, .program = program}));
  left.send(frame_of(0, 2));
  CHECK((right.receive() == marked(frame_of(0, 2))));
  CHECK(*must(loaded.variable<"unplaced", std::uint64_t>()) == 1);
}

TEST_CASE("cpumap: without a program frames arrive as they are", "[cpumap]") {
  const wired_pair hosts;
  const wire_end left(hosts.left, "left0"), right(hosts.right, "right0");
  const auto loaded = must(programs.load());
  auto queues = loaded.map<"queues", std::uint32_t, cpu_queue>();
  for (const std::uint32_t cpu : usable_cpus()) {
    must(queues.update_elem(cpu, {.queue_size = 16}));
    CHECK(must(queues.lookup_elem(cpu)).queue_size == 16);
  }
  const barebpf::link attached = hosts.right.inside([&] {
    return must(loaded.attach<"to_queue">(barebpf::interface{hosts.index}, barebpf::xdp_mode::drv));
  });
  for (const std::uint32_t cpu : usable_cpus()) {
    const frame one = frame_of(static_cast<unsigned char>(cpu), cpu);
    left.send(one);
    CHECK((right.receive() == one));
  }
  CHECK(*must(loaded.variable<"arrived", std::uint64_t>()) == 0);
  CHECK(*must(loaded.variable<"unplaced", std::uint64_t>()) == 0);
}

TEST_CASE("cpumap: CPUs that are not possible, queues too long and other programs are explained",
          "[cpumap]") {
  const auto possible = static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_CONF));
  auto cpus =
      must(barebpf::cpumap<cpu_queue_and_program>::create({.name = "cpus", .max_entries = possible + 1}));
  CHECK(is_explained(cpus.update_elem(possible, {.queue_size = 8}).error(), step::map_update_elem, ENODEV));
  CHECK(cpus.update_elem(possible + 1, {.queue_size = 8}).error().why == cause::no_such_slot);
  CHECK(is_explained(cpus.update_elem(0, {.queue_size = 16385}).error(), step::map_update_elem, EOVERFLOW));
  must(cpus.update_elem(0, {.queue_size = 16384}));
  CHECK(cpus.update_elem(0, {.queue_size = 8}, barebpf::update::noexist).error().code == EEXIST);
  CHECK(must(cpus.lookup_elem(0)).program_id == 0);

  // Of a program that was not loaded for it the kernel says that it has no memory; Linux 7.2 says what is wrong.
  const auto loaded = must(programs.load());
  const int other = loaded.program<"passes">().number();
  const barebpf::error unfit = cpus.update_elem(0, {.queue_size = 8, .program = other}).error();
  CHECK((unfit.code == ENOMEM || unfit.code == EINVAL));
  CHECK(unfit.why == cause::unfit_cpu_program);
  // A queue without room is none.
  must(cpus.update_elem(0, {.queue_size = 0}));
  CHECK(cpus.lookup_elem(0).error().code == ENOENT);
}
