// SPDX-License-Identifier: MIT
// Each way to attach on the running kernel: the program is put in its place, seen to work there, taken out, and seen to
// have gone. Networks and cgroups are the test's own.
#include <linux/perf_event.h>
#include <poll.h>
#include <sys/syscall.h>

#include <span>

#include "../support/background.hpp"
#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/cgroup.hpp"
#include "../support/live.hpp"
#include "../support/network.hpp"
#include "../support/sockets.hpp"
#include "attach_network.bpf.hpp"
#include "attach_sockets.bpf.hpp"
#include "attach_tracing.bpf.hpp"
#include "function_lists.bpf.hpp"
#include "trampolines.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::position;
using barebpf::result;
using barebpf::step;

constexpr barebpf::static_object<attach_tracing> tracing;
constexpr barebpf::static_object<attach_network> network;
constexpr barebpf::static_object<attach_sockets> sockets;
constexpr barebpf::static_object<trampolines> in_functions;
constexpr barebpf::static_object<function_lists> lists;
const std::string objects = BAREBPF_TEST_OBJECTS;
constexpr std::uint16_t test_port = two_hosts::test_port;

auto load_tracing() {
  return must(load_for_this_process(
      tracing, [](auto& data) { data.template variable<"only_syscall", std::uint64_t>() = SYS_getpgid; }));
}
// Kernels that are locked for programs in functions of their own are so for iterators over elements. tools/kernels shows
// both where neither is.
bool kernel_is_locked() {
  const auto loaded = in_functions.load();
  return !loaded && loaded.error().code == EPERM;
}

}  // namespace

TEST_CASE("attach, a raw tracepoint, with the cookie that it was given", "[attach][needs 6.10]") {
  const auto loaded = load_tracing();
  barebpf::link attached = must(loaded.attach<"raw">(barebpf::cookie{77}));
  CHECK(attached.info()->type == barebpf::abi::link_type::raw_tracepoint);

  for (int i = 0; i < 5; ++i) static_cast<void>(getpgid(0));
  CHECK(value_of<"raw_calls">(loaded) == 5);
  CHECK(value_of<"raw_cookie">(loaded) == 77);

  attached.detach();
  static_cast<void>(getpgid(0));
  CHECK(value_of<"raw_calls">(loaded) == 5);
}

TEST_CASE("attach, a tracepoint of the kernel's BTF, with and without a cookie", "[attach][needs 6.10]") {
  const auto loaded = load_tracing();
  barebpf::link attached = must(loaded.attach<"typed">());
  static_cast<void>(getpgid(0));
  CHECK(value_of<"typed_calls">(loaded) == 1);
  CHECK(value_of<"typed_cookie">(loaded) == 0);
  attached.detach();
  static_cast<void>(getpgid(0));
  CHECK(value_of<"typed_calls">(loaded) == 1);

  const barebpf::link with = must(loaded.attach<"typed">(barebpf::cookie{78}));
  CHECK(with.info()->type == barebpf::abi::link_type::raw_tracepoint);
  static_cast<void>(getpgid(0));
  CHECK(value_of<"typed_cookie">(loaded) == 78);
}

TEST_CASE("attach, a tracepoint's event with a cookie", "[attach][needs 6.10]") {
  const auto loaded = load_tracing();
  const barebpf::link attached = must(loaded.attach<"event">(barebpf::cookie{79}));
  static_cast<void>(getpgid(0));
  CHECK(value_of<"tracepoint_cookie">(loaded) == 79);
}

TEST_CASE("attach, a program that the object says not to load is known and not loaded", "[attach]") {
  const auto object = must(barebpf::object::open((objects + "/attach_tracing.bpf.o").c_str()));
  const barebpf::object_spec& spec = object.spec();
  REQUIRE(spec.find_program("never") != barebpf::not_found);
  CHECK(spec.programs()[spec.find_program("never")].is_optional);
  CHECK_FALSE(spec.programs()[spec.find_program("raw")].is_optional);
}

TEST_CASE("attach, a perf event of the caller's", "[attach][needs 6.10]") {
  const auto loaded = load_tracing();
  const barebpf::abi::perf_event_attr clock{
      .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_TASK_CLOCK, .sample_period = 100'000};
  barebpf::link attached =
      must(loaded.attach<"sample">(barebpf::perf_event{must(barebpf::open_perf_event(clock, 0, -1))}));
  const std::uint64_t before = value_of<"samples">(loaded);
  for (int i = 0; i < 1'000'000 && value_of<"samples">(loaded) == before; ++i) {
  }
  CHECK(value_of<"samples">(loaded) > before);

  attached.detach();
  const std::uint64_t at_the_end = value_of<"samples">(loaded);
  for (int i = 0; i < 1000; ++i) static_cast<void>(value_of<"samples">(loaded));
  CHECK(value_of<"samples">(loaded) == at_the_end);
}

TEST_CASE("attach, an iterator over a map gives its elements as records", "[attach][needs 6.10]") {
  const barebpf::program_change elements[] = {tracing.change_program<"elements">({.load = true})};
  auto made = tracing.load({.programs = elements});
  if (!made && kernel_is_locked()) {
    CHECK(is_explained(made.error(), step::prog_load, EPERM));
    return;
  }
  const auto loaded = must(std::move(made));
  auto listed = loaded.map<"listed", std::uint32_t, std::uint64_t>();
  for (std::uint32_t key = 1; key <= 10; ++key)
    REQUIRE(listed.update_elem(key, std::uint64_t{key} * key).has_value());
  const barebpf::link attached = must(loaded.attach<"elements">(barebpf::elements_of(listed)));
  const auto walk = must(open_iterator(attached));

  struct {
    std::uint32_t key, unused;
    std::uint64_t value;
  } records[16] = {};
  CHECK(walk.read(std::span(records, 4)).value_or(0) == 4);
  CHECK(walk.read(std::span(records).subspan(4)).value_or(0) == 6);
  std::uint64_t keys = 0;
  for (int i = 0; i < 10; ++i) {
    CHECK(records[i].value == std::uint64_t{records[i].key} * records[i].key);
    keys |= 1u << records[i].key;
  }
  CHECK(keys == 0x7fe);
  CHECK(loaded.attach<"elements">().error().code == EBADF);  // which map?
  CHECK(loaded.attach<"elements">(barebpf::elements_of(99)).error().code == EBADF);
}

TEST_CASE("attach, an iterator over the threads of one process gives text", "[attach][needs 6.10]") {
  const auto loaded = load_tracing();
  const auto process = static_cast<std::uint32_t>(getpid());
  const barebpf::link attached = must(loaded.attach<"tasks">(barebpf::tasks_of{.process = process}));
  char words[64] = {};
  const auto list = [&] { return must(must(open_iterator(attached)).read(std::span<char>(words))); };
  CHECK(list() == 5);
  CHECK(std::string(words) == "task\n");
  background other([](const std::atomic<bool>& stops) {
    while (!stops) poll(nullptr, 0, 1);
  });
  CHECK(list() == 10);

  const barebpf::link raw = must(loaded.attach<"raw">());
  CHECK(is_explained(open_iterator(raw).error(), step::iter_create, EINVAL));
}

TEST_CASE("attach, a program that is only run takes a context and gives a value", "[attach][needs 6.10]") {
  const auto loaded = load_tracing();
  std::uint64_t numbers[2] = {21, 0};
  auto* const raw = reinterpret_cast<unsigned char*>(numbers);
  const auto ran =
      must(barebpf::test_run(loaded.program<"doubles">(), {.context = {raw, sizeof numbers}, .repeat = 0}));
  CHECK(ran.value == 42);
  CHECK(numbers[1] == 42);

  CHECK(is_explained(barebpf::test_run(loaded.program<"sample">(), {}).error(), step::prog_test_run, 524));
}

TEST_CASE("attach, XDP on an interface, and another program in its place", "[attach][needs 5.18]") {
  const auto loaded = must(network.load());
  const two_hosts hosts;
  const unsigned index = hosts.right.index_of("right0");
  barebpf::link attached = hosts.right.inside(
      [&] { return must(loaded.attach<"count">(barebpf::interface{index}, barebpf::xdp_mode::drv)); });
  CHECK(attached.info()->type == barebpf::abi::link_type::xdp);
  CHECK(attached.info()->place.interface.ifindex == index);

  CHECK(hosts.arrives());
  CHECK(value_of<"xdp_packets">(loaded) == 1);
  const auto occupied = hosts.right.inside([&] { return loaded.attach<"drop">(barebpf::interface{index}); });
  CHECK(is_explained(occupied.error(), step::link_create, EBUSY));

  REQUIRE(attached.update(loaded.program<"drop">()).has_value());
  CHECK_FALSE(hosts.arrives());
  CHECK(is_explained(attached.update(loaded.program<"count">(), loaded.program<"count">()).error(),
                     step::link_update, EPERM));
  CHECK(is_explained(attached.update(loaded.program<"first">()).error(), step::link_update, EINVAL));
  REQUIRE(attached.update(loaded.program<"count">(), loaded.program<"drop">()).has_value());
  CHECK(hosts.arrives());
  CHECK(value_of<"xdp_packets">(loaded) == 2);

  attached.detach();
  CHECK(hosts.arrives());
  CHECK(value_of<"xdp_packets">(loaded) == 2);
}

TEST_CASE("attach, an interface that is gone", "[attach][needs 6.6]") {
  const auto loaded = must(network.load());
  two_hosts hosts;
  const unsigned index = hosts.right.index_of("right0");
  const barebpf::link attached = hosts.right.inside(
      [&] { return must(loaded.attach<"count">(barebpf::interface{index}, barebpf::xdp_mode::skb)); });
  hosts.right.remove("right0");

  CHECK(attached.info()->place.interface.ifindex == 0);
  CHECK(is_explained(attached.update(loaded.program<"drop">()).error(), step::link_update, ENOLINK));
  hosts.right.inside([&] {
    CHECK(loaded.attach<"count">(barebpf::interface{index}).error().why == cause::no_interface);
    CHECK(is_explained(loaded.attach<"first">(barebpf::interface{index}).error(), step::link_create, ENODEV));
    CHECK(is_explained(barebpf::interface::named("right0").error(), step::find_interface, ENODEV));
    CHECK(barebpf::interface::named("lo")->index == if_nametoindex("lo"));
  });
}

TEST_CASE("attach, tcx in an order", "[attach][needs 6.6]") {
  const auto loaded = must(network.load());
  const two_hosts hosts;
  const unsigned index = hosts.right.index_of("right0");
  const barebpf::interface right { index };
  hosts.right.inside([&] {
    barebpf::link first = must(loaded.attach<"first">(right));
    CHECK(first.info()->type == barebpf::abi::link_type::tcx);
    CHECK(first.info()->place.interface.attach_type == 46);  // BPF_TCX_INGRESS
    const auto order = must(loaded.variable<"order", std::uint64_t>());
    const auto order_with = [&](const position& where) {
      const barebpf::link second = must(loaded.attach<"second">(right, where));
      *order = 0;
      CHECK(hosts.arrives());
      return *order;
    };
    CHECK(order_with({}) == 12);
    CHECK(order_with(position::first()) == 21);
    CHECK(order_with(position::last()) == 12);
    CHECK(order_with(position::before(first)) == 21);
    CHECK(order_with(position::after(first)) == 12);
    CHECK(is_explained(loaded.attach<"second">(right, position{.revision = 999}).error(), step::link_create,
                       ESTALE));
    CHECK(is_explained(loaded.attach<"first">(right).error(), step::link_create, EEXIST));

    const std::uint64_t seen = value_of<"ingress_packets">(loaded);
    REQUIRE(first.force_detach().has_value());
    CHECK(hosts.arrives());
    CHECK(value_of<"ingress_packets">(loaded) == seen);
    CHECK(first.info()->place.interface.ifindex == 0);
  });

  const barebpf::interface left { hosts.left.index_of("left0") };
  barebpf::link leaves = hosts.left.inside([&] { return must(loaded.attach<"leaves">(left)); });
  CHECK(hosts.arrives());
  CHECK(value_of<"egress_packets">(loaded) == 1);
  leaves.detach();
  CHECK(hosts.arrives());
  CHECK(value_of<"egress_packets">(loaded) == 1);
}

TEST_CASE("attach, socket lookup of a network namespace, given or one's own", "[attach][needs 5.18]") {
  const auto loaded = must(network.load());
  const network_namespace other;
  other.inside([&] {
    const owned_fd sender = udp_socket("127.0.0.1", 0), receiver = udp_socket("127.0.0.1", test_port);
    const auto send = [&] {
      CHECK(send_to(sender, "127.0.0.1", test_port, 10));
      CHECK(receives(receiver));
      return value_of<"lookups">(loaded);
    };
    barebpf::link own = must(loaded.attach<"look_up">());
    CHECK(own.info()->type == barebpf::abi::link_type::netns);
    CHECK(send() == 1);
    const barebpf::link twice = must(loaded.attach<"look_up">(barebpf::netns(other.descriptor())));
    CHECK(twice.info()->place.netns.netns_ino == own.info()->place.netns.netns_ino);
    CHECK(send() == 3);
    own.detach();
    CHECK(send() == 4);
    REQUIRE(twice.force_detach().has_value());
    CHECK(send() == 4);

    const barebpf::link dissector = must(loaded.attach<"dissect">());
    CHECK(is_explained(loaded.attach<"dissect">().error(), step::link_create, E2BIG));
  });
  const owned_fd no_namespace = owned_fd::own(open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(is_explained(loaded.attach<"look_up">(barebpf::netns(no_namespace)).error(), step::link_create,
                     EINVAL));
}

TEST_CASE("attach, a cgroup, whose processes alone are seen", "[attach][needs 5.18]") {
  const auto loaded = must(network.load());
  const test_cgroup group("attach");
  const barebpf::cgroup target(group.descriptor());
  const network_namespace quiet;
  const auto from_inside = [&](auto act) {
    return group.run([&] { return setns(quiet.descriptor().number(), CLONE_NEWNET) == 0 ? act() : 254; });
  };
  const auto sends_one = [] {
    const int from = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(9);
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sendto(from, "x", 1, 0, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 1 ? 0 : 1;
  };

  SECTION("packets") {
    barebpf::link attached = must(loaded.attach<"sends">(target));
    CHECK(attached.info()->type == barebpf::abi::link_type::cgroup);
    CHECK(attached.info()->place.cgroup.cgroup_id == group.id());
    CHECK(from_inside(sends_one) == 0);
    CHECK(value_of<"cgroup_packets">(loaded) == 1);
    CHECK(in_child(sends_one) == 0);  // of another cgroup
    CHECK(value_of<"cgroup_packets">(loaded) == 1);
    attached.detach();
    CHECK(from_inside(sends_one) == 0);
    CHECK(value_of<"cgroup_packets">(loaded) == 1);
  }
  SECTION("sockets") {
    const barebpf::link attached = must(loaded.attach<"creates">(target));
    CHECK(from_inside([] { return ::socket(AF_INET, SOCK_DGRAM, 0) >= 0 ? 0 : 1; }) == 0);
    CHECK(value_of<"sockets">(loaded) == 1);
  }
  SECTION("connections, which the program refuses to one port") {
    const auto connects = [](std::uint16_t port) {
      const int from = ::socket(AF_INET, SOCK_DGRAM, 0);
      sockaddr_in where{};
      where.sin_family = AF_INET;
      where.sin_port = htons(port);
      where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      return connect(from, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 ? 0 : errno;
    };
    barebpf::link attached = must(loaded.attach<"connects">(target));
    CHECK(from_inside([&] { return connects(test_port); }) == EPERM);
    CHECK(from_inside([&] { return connects(9); }) == 0);
    attached.detach();
    CHECK(from_inside([&] { return connects(test_port); }) == 0);
  }
  SECTION("what happens to TCP sockets") {
    const barebpf::link attached = must(loaded.attach<"operates">(target));
    CHECK(from_inside([] {
            const auto ends = tcp_connection();
            return ends.first.is_open() ? 0 : 1;
          }) == 0);
    CHECK(value_of<"socket_events">(loaded) > 0);
  }
  SECTION("reads of sysctls") {
    const barebpf::link attached = must(loaded.attach<"reads">(target));
    CHECK(from_inside([] {
            char words[64];
            const int file = open("/proc/sys/kernel/ostype", O_RDONLY);
            return read(file, words, sizeof words) > 0 ? 0 : 1;
          }) == 0);
    CHECK(value_of<"sysctls">(loaded) == 1);
  }
  SECTION("what is no cgroup of the unified hierarchy") {
    const owned_fd folder = owned_fd::own(open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto refused = loaded.attach<"sends">(barebpf::cgroup(folder));
    CHECK(refused.error().code == EBADF);
    CHECK(refused.error().why == cause::not_a_cgroup);
    const auto closed = loaded.attach<"sends">(barebpf::cgroup(999));
    CHECK(is_explained(closed.error(), step::link_create, EBADF));
  }
  SECTION("a pinned link holds its program, which a new process gets again") {
    const std::string path = bpf_folder() + "/attach_link", other = bpf_folder() + "/attach_other";
    {
      const barebpf::link attached = must(loaded.attach<"sends">(target));
      REQUIRE(attached.pin(path).has_value());
    }
    CHECK(from_inside(sends_one) == 0);
    CHECK(value_of<"cgroup_packets">(loaded) == 1);
    {
      const barebpf::link again = must(barebpf::link::get_pinned(path));
      CHECK(again.info()->place.cgroup.cgroup_id == group.id());
      REQUIRE(pin(loaded.program<"sends">(), other).has_value());
      CHECK(barebpf::link::get_pinned(other).error().why == cause::not_a_link);
      REQUIRE(barebpf::unpin(other).has_value());
      REQUIRE(again.force_detach().has_value());
    }
    CHECK(from_inside(sends_one) == 0);
    CHECK(value_of<"cgroup_packets">(loaded) == 1);
    REQUIRE(barebpf::unpin(path).has_value());
    CHECK(barebpf::link::get_pinned(path).error().code == ENOENT);
  }
}

TEST_CASE("attach, a link whose descriptor was handed over", "[attach][needs 6.10]") {
  const auto loaded = load_tracing();
  barebpf::link attached = must(loaded.attach<"raw">());
  barebpf::fd kept = attached.release();
  CHECK_FALSE(attached.is_attached());
  static_cast<void>(getpgid(0));
  CHECK(value_of<"raw_calls">(loaded) == 1);
  CHECK(is_explained(barebpf::link(std::move(kept), barebpf::fd()).force_detach().error(), step::link_detach,
                     EOPNOTSUPP));
  static_cast<void>(getpgid(0));
  CHECK(value_of<"raw_calls">(loaded) == 1);  // that link is gone
}

TEST_CASE("attach, a filter of one socket", "[attach]") {
  const auto loaded = must(sockets.load());
  const network_namespace quiet;
  quiet.inside([&] {
    const owned_fd sender = udp_socket("127.0.0.1", 0), receiver = udp_socket("127.0.0.1", test_port);
    const auto arrives = [&](std::size_t size) {
      CHECK(send_to(sender, "127.0.0.1", test_port, size));
      return receives(receiver);
    };
    auto attached = must(loaded.attach<"filter">(barebpf::socket(receiver)));
    CHECK(attached.is_attached());
    CHECK_FALSE(attached.is_link());
    CHECK(arrives(10));
    CHECK_FALSE(arrives(11));
    CHECK(value_of<"filtered">(loaded) == 2);
    attached.detach();
    CHECK_FALSE(attached.is_attached());
    CHECK(arrives(11));

    must(loaded.attach<"filter">(barebpf::socket(receiver))).leave();
    CHECK_FALSE(arrives(11));
  });
  const owned_fd file = owned_fd::own(open("/dev/null", O_RDONLY | O_CLOEXEC));
  CHECK(
      is_explained(loaded.attach<"filter">(barebpf::socket(file)).error(), step::attach_to_socket, ENOTSOCK));
  CHECK(is_explained(loaded.attach<"filter">(barebpf::socket(999)).error(), step::attach_to_socket, EBADF));
}

TEST_CASE("attach, the choice among sockets that share a port", "[attach]") {
  const auto loaded = must(sockets.load());
  const network_namespace quiet;
  quiet.inside([&] {
    const owned_fd alone = udp_socket("127.0.0.1", 0);
    CHECK(is_explained(loaded.attach<"chooses">(barebpf::socket(alone)).error(), step::attach_to_socket,
                       EINVAL));

    const owned_fd shared = shared_socket(SOCK_DGRAM, test_port);
    auto attached = must(loaded.attach<"chooses">(barebpf::socket(shared)));
    CHECK(send_to(alone, "127.0.0.1", test_port, 10));
    CHECK(receives(shared));
    CHECK(value_of<"chosen">(loaded) == 1);
    attached.detach();
    CHECK(send_to(alone, "127.0.0.1", test_port, 10));
    CHECK(receives(shared));
    CHECK(value_of<"chosen">(loaded) == 1);
  });
}

TEST_CASE("attach, parser, verdict and message of a map of sockets", "[attach][only since 5.14]") {
  const auto object = must(barebpf::object::open((objects + "/attach_sockets.bpf.o").c_str()));
  const auto loaded = must(object.load());
  const barebpf::sockets_in map(**loaded.map_descriptor("sockets"));
  const auto parsed = must(loaded.variable<std::uint64_t>("parsed"));
  const auto judged = must(loaded.variable<std::uint64_t>("judged"));
  const auto messages = must(loaded.variable<std::uint64_t>("messages"));
  const network_namespace quiet;
  // Sockets get the programs that are there when they are put in, and keep them while they are in it.
  const auto passes_through = [&] {
    const auto ends = tcp_connection();
    std::uint32_t key = 0;
    for (const owned_fd* end : {&ends.first, &ends.second}) {
      const auto number = static_cast<std::uint64_t>(end->number());
      const barebpf::abi::map_elem attr{
          .map_fd = static_cast<std::uint32_t>(map.descriptor), .key = &key, .value = &number};
      REQUIRE(barebpf::sys_bpf(barebpf::abi::command::map_update_elem, attr) == 0);
      ++key;
    }
    char word[8] = {};
    return send(ends.first.number(), "hello", 5, 0) == 5 &&
           recv(ends.second.number(), word, 5, MSG_WAITALL) == 5 && std::string(word) == "hello";
  };
  quiet.inside([&] {
    auto parser = must(loaded.attach("parser", map));
    auto verdict = must(loaded.attach("verdict", map));
    auto message = must(loaded.attach("message", map));
    const bool has_links = barebpf::running_kernel() >= barebpf::kernel(6, 10);
    CHECK(verdict.is_link() == has_links);
    // Without links the same program takes its own place.
    if (has_links) CHECK(is_explained(loaded.attach("verdict", map).error(), step::link_create, EBUSY));
    CHECK(passes_through());
    CHECK(*parsed > 0);
    CHECK(*judged > 0);
    CHECK(*messages == 1);
    for (auto* each : {&message, &verdict, &parser}) each->detach();
    CHECK(passes_through());
    CHECK(*messages == 1);
  });
  const auto hash = must(barebpf::hash_map<int, int>::create({.name = "no_sockets", .max_entries = 1}));
  const auto refused = loaded.attach("message", barebpf::sockets_in(hash));
  INFO(sentence(refused.error()));
  CHECK(is_explained(refused.error(), step::prog_attach, EOPNOTSUPP));
}

TEST_CASE("attach, an object that is read at run time takes the same targets, and explains wrong ones",
          "[attach][needs 5.18]") {
  const auto object = must(barebpf::object::open((objects + "/attach_network.bpf.o").c_str()));
  const auto loaded = must(object.load());
  const test_cgroup group("object");
  const two_hosts hosts;
  const barebpf::interface right { hosts.right.index_of("right0") };

  const auto packets = must(loaded.variable<std::uint64_t>("xdp_packets"));
  barebpf::link attached = hosts.right.inside([&] { return must(loaded.attach("count", right)); });
  CHECK(hosts.arrives());
  CHECK(*packets == 1);
  CHECK(must(loaded.attach("sends", barebpf::cgroup(group.descriptor()))).is_attached());

  CHECK(loaded.attach("count").error().why == cause::needs_interface);
  CHECK(loaded.attach("count", barebpf::cgroup(group.descriptor())).error().why == cause::needs_interface);
  CHECK(loaded.attach("sends", right).error().why == cause::needs_cgroup);
  CHECK(loaded.attach("sends", barebpf::socket(1)).error().why == cause::needs_cgroup);
  CHECK(loaded.attach("look_up", right).error().why == cause::needs_netns);
  CHECK(loaded.attach("behind_redirect", right).error().why == cause::attached_elsewhere);
  CHECK(loaded.attach("nothing", right).error().why == cause::no_such_program);
}

TEST_CASE("attach, an object that is read at run time finds its tracepoint in the kernel's BTF",
          "[attach][needs 6.10]") {
  const auto object = must(barebpf::object::open((objects + "/attach_tracing.bpf.o").c_str()));
  auto data = must(object.data());
  **data.variable<std::uint32_t>("only_process") = static_cast<std::uint32_t>(getpid());
  **data.variable<std::uint64_t>("only_syscall") = SYS_getpgid;
  const auto loaded = must(object.load({.data = data.view()}));
  const auto calls = must(loaded.variable<std::uint64_t>("typed_calls"));
  const barebpf::link attached = must(loaded.attach("typed"));
  static_cast<void>(getpgid(0));
  CHECK(*calls == 1);
  CHECK(loaded.attach("doubles").error().why == cause::attached_elsewhere);
  CHECK(loaded.attach("sample").error().why == cause::needs_perf_event);
  CHECK(loaded.attach("typed", barebpf::interface{1}).error().why == cause::takes_no_target);
}

TEST_CASE("attach, a kernel that is too old for a program says so when it is loaded", "[attach]") {
  const barebpf::program_change with[] = {lists.change_program<"begins">({.load = true})};
  const auto loaded = lists.load({.programs = with});
  const bool is_older = barebpf::running_kernel() < barebpf::kernel(7, 2);
  if (is_older) REQUIRE_FALSE(loaded);
  if (!loaded && loaded.error().code == EINVAL)
    CHECK((loaded.error().why == cause::newer_attach_way) == is_older);
}

TEST_CASE("attach, of what is not there the name most like it is told", "[attach][needs 6.10]") {
  const auto object = must(barebpf::object::open(attach_tracing, sizeof attach_tracing));
  const auto loaded = must(object.load());
  const auto meant = [](const auto& refused) {
    REQUIRE_FALSE(refused.has_value());
    return std::string(refused.error().name);
  };
  CHECK(meant(loaded.attach("event", barebpf::named_place{"syscalls/sys_enter_getpgi"})) ==
        "sys_enter_getpgi (sys_enter_getpgid?)");
  CHECK(meant(loaded.attach("event", barebpf::named_place{"sycalls/sys_enter_getpgid"})) ==
        "sycalls (syscalls?)");
  CHECK(meant(loaded.attach("evnt")) == "evnt (event?)");
  CHECK(meant(loaded.map_descriptor("list")) == "list");
  CHECK(meant(loaded.map_descriptor("listet")) == "listet (listed?)");
  const network_namespace own;
  CHECK(own.inside([&] { return meant(barebpf::interface::named("loo")); }) == "loo (lo?)");
}
