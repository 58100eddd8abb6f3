// SPDX-License-Identifier: MIT
// Programs that may sleep, netkit, and a scheduler, in a kernel that has them.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "../support/both_forms.hpp"
#include "../support/live.hpp"
#include "../support/network.hpp"
#include "attach_traffic.bpf.hpp"
#include "scheduler.bpf.hpp"
#include "sleepers.bpf.hpp"

namespace {

using barebpf::step;

constexpr barebpf::static_object<sleepers> asleep;
constexpr barebpf::static_object<attach_traffic> on_traffic;

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string out;
  std::getline(file, out);
  return out;
}

// The first packet may come before both ends are up.
bool gets_through(const owned_fd& from, const char* address, std::uint16_t port, const owned_fd& to) {
  for (int tries = 0; tries < 5; ++tries)
    if (send_to(from, address, port, 10) && receives(to)) return true;
  return false;
}

}  // namespace

TEST_CASE("fentry.s and fexit.s, programs that may sleep at both ends of a function",
          "[guest][needs 6.12][needs hooks]") {
  const auto loaded = must(load_for_this_process(asleep));
  barebpf::link begins = must(loaded.attach<"begins">());
  const barebpf::link is_over = must(loaded.attach<"is_over">());
  const auto call = [&] { must(barebpf::test_run(loaded.program<"begins">(), {})); };
  call();
  CHECK(value_of<"entries">(loaded) == 1);
  CHECK(value_of<"ends">(loaded) == 1);
  begins.detach();
  call();
  CHECK(value_of<"entries">(loaded) == 1);
  CHECK(value_of<"ends">(loaded) == 2);
}

TEST_CASE("lsm.s, a security hook whose program may sleep", "[guest][needs 6.12][needs hooks]") {
  const auto loaded = must(load_for_this_process(asleep));
  const barebpf::link attached = must(loaded.attach<"opens">());
  const std::uint64_t before = value_of<"opened">(loaded);
  close(open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(value_of<"opened">(loaded) > before);
}

TEST_CASE("netkit, packets of both ends of a pair", "[guest][needs 6.12]") {
  const barebpf::program_change with[] = {on_traffic.change_program<"of_the_host">({.load = true}),
                                          on_traffic.change_program<"of_the_peer">({.load = true})};
  const auto loaded = must(on_traffic.load({.programs = with}));
  const network_namespace left, right;
  connect_by_netkit(left, "left0", right, "right0");
  left.add_address("left0", "10.88.0.1");
  right.add_address("right0", "10.88.0.2");
  const owned_fd sender = left.inside([] { return udp_socket("10.88.0.1", 0); });
  const owned_fd receiver = right.inside([] { return udp_socket("10.88.0.2", 4711); });
  const owned_fd back = left.inside([] { return udp_socket("10.88.0.1", 4712); });
  left.inside([&] {
    const barebpf::interface primary { if_nametoindex("left0") };
    {
      const barebpf::link attached = must(loaded.attach<"of_the_host">(primary));
      CHECK(attached.info()->type == barebpf::abi::link_type::netkit);
      const std::uint64_t before = value_of<"packets">(loaded);
      CHECK(gets_through(sender, "10.88.0.2", 4711, receiver));
      CHECK(value_of<"packets">(loaded) > before);
    }
    const barebpf::link attached = must(loaded.attach<"of_the_peer">(primary));
    const std::uint64_t before = value_of<"packets">(loaded);
    CHECK(gets_through(receiver, "10.88.0.1", 4712, back));
    CHECK(value_of<"packets">(loaded) > before);
  });
}

TEST_CASE("sched_ext, a scheduler that leaves all to the kernel", "[guest][needs 7.2][needs trampolines]") {
  in_both_forms<scheduler>([](const auto& object) {
    const auto loaded = must(object.load());
    barebpf::attachment attached = must(loaded.template attach_struct_ops<"barebpf_scheduler">());
    CHECK(first_line("/sys/kernel/sched_ext/state") == "enabled");
    CHECK(first_line("/sys/kernel/sched_ext/root/ops").substr(0, 7) == "barebpf");
    call_execve(3);  // still runs
    attached.detach();
    std::string state;
    for (int tries = 0; tries < 500 && (state = first_line("/sys/kernel/sched_ext/state")) != "disabled";
         ++tries)
      usleep(10000);
    CHECK(state == "disabled");
  });
}
