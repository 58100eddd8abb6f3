// SPDX-License-Identifier: MIT
#include <span>
#include <type_traits>
#include <utility>

#include "support/binary_builder.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::attach_way;
using barebpf::attaches_to;
using barebpf::cause;
using barebpf::load_policy;
using barebpf::place;
using barebpf::position;
using barebpf::program_to_attach;
using barebpf::step;
using barebpf::abi::attach_type;
using names = std::vector<std::string>;

namespace {

constexpr load_policy modern{.oldest_kernel = barebpf::kernel(6, 10)};

// A machine with a program, and something for it to attach to.
struct bench {
  fake_machine machine;
  barebpf::fd program = barebpf::fd::own(machine.open("program"));
  barebpf::fd target = barebpf::fd::own(machine.open("target"));

  template <attach_way Way, load_policy Policy = load_policy{}, class... Target>
  auto attach(attach_type type, const char* where, Target&&... to) const {
    std::uint32_t since = 0;
    for (const barebpf::section_kind& kind : barebpf::section_kinds)
      if (kind.attach == Way) since = kind.since;
    return place<Way>::template attach<Policy>(
        program_to_attach{program, "count", where, type, barebpf::abi::prog_type::unspec, since},
        std::forward<Target>(to)...);
  }
  raw_bytes request(const std::string& name) const { return machine.all(name).at(0).attr; }
};

template <class Attached>
void check_error(const Attached& attached, step at, int code, cause why = cause::none) {
  REQUIRE_FALSE(attached);
  CHECK(attached.error().at == at);
  CHECK(attached.error().code == code);
  CHECK(attached.error().why == why);
  CHECK(std::string(attached.error().name) == "count");
}

}  // namespace

TEST_CASE("a raw tracepoint is opened by its name, and with 8 bytes more by a cookie", "[attach]") {
  const bench b;
  {
    const auto attached = b.attach<attach_way::raw_tracepoint>({}, "sys_enter");
    REQUIRE(attached);
    CHECK(b.machine.kind_of(attached->descriptor().number()) == "link");
    const auto with = b.attach<attach_way::raw_tracepoint>({}, "sys_enter", barebpf::cookie{77});
    REQUIRE(with);
  }
  const auto calls = b.machine.all("raw_tracepoint_open");
  CHECK(calls[0].path == "sys_enter");
  CHECK(calls[0].attr.size() == 12);
  CHECK(calls[0].u32(8) == 3);
  CHECK(calls[1].attr.size() == 24);
  CHECK(calls[1].u64(16) == 77);
  CHECK(b.machine.left_open() == names{"program", "target"});
}

TEST_CASE("a raw tracepoint that the kernel does not have is told at its own step", "[attach]") {
  bench b;
  b.machine.refusals["raw_tracepoint_open"] = {ENOENT};
  check_error(b.attach<attach_way::raw_tracepoint>({}, "none"), step::raw_tracepoint_open, ENOENT);
}

TEST_CASE("programs on types of the kernel attach without a name, and by a link when they have a cookie",
          "[attach]") {
  const bench b;
  REQUIRE(b.attach<attach_way::tracing>(attach_type::trace_fentry, "vfs_read"));
  CHECK(b.request("raw_tracepoint_open") == record(12).u32(8, 3));
  REQUIRE(b.attach<attach_way::tracing>(attach_type::trace_fentry, "vfs_read", barebpf::cookie{5}));
  CHECK(b.request("link_create") == record(32).u32(0, 3).u32(8, 24).u64(24, 5));
}

TEST_CASE("an iterator is told what to list", "[attach]") {
  const bench b;
  constexpr attach_type iter = attach_type::trace_iter;
  REQUIRE(b.attach<attach_way::iterator>(iter, "task"));
  REQUIRE(b.attach<attach_way::iterator>(iter, "bpf_map_elem", barebpf::elements_of(b.target)));
  REQUIRE(b.attach<attach_way::iterator>(iter, "task", barebpf::tasks_of{.process = 42}));
  REQUIRE(b.attach<attach_way::iterator>(iter, "cgroup", barebpf::cgroups_of{.descriptor = 4}));

  const auto calls = b.machine.all("link_create");
  CHECK(calls[0].attr == record(32).u32(0, 3).u32(8, 28));
  CHECK(calls[1].u32(24) == 4);
  CHECK(calls[1].value == record(4).u32(0, 4));
  CHECK(calls[2].value == record(12).u32(4, 42));
  CHECK(calls[3].value == record(16).u32(0, 2).u32(4, 4));
}

TEST_CASE("a perf event goes with the link, and with the error", "[attach]") {
  bench b;
  const auto event = [&] { return barebpf::perf_event{barebpf::fd::own(b.machine.open("event")), {9}}; };
  {
    const auto attached = b.attach<attach_way::perf_event>({}, "", event());
    REQUIRE(attached);
    CHECK(b.request("link_create") == record(24).u32(0, 3).u32(4, 5).u32(8, 41).u64(16, 9));
    CHECK(b.machine.left_open() == names{"program", "target", "event", "link"});
  }
  b.machine.has_perf_links = false;
  check_error(b.attach<attach_way::perf_event>({}, "", event()), step::link_create,
              EINVAL);  // no cookies there
  CHECK(b.machine.all("ioctl").empty());
  CHECK(b.machine.left_open() == names{"program", "target"});
  REQUIRE(b.attach<attach_way::perf_event>({}, "",
                                           barebpf::perf_event{barebpf::fd::own(b.machine.open("event"))}));
  CHECK(b.machine.all("ioctl").size() == 1);
}

TEST_CASE("XDP attaches to an interface's index in a mode", "[attach]") {
  bench b;
  REQUIRE(b.attach<attach_way::xdp>(attach_type::xdp, "", barebpf::interface{7}, barebpf::xdp_mode::skb));
  CHECK(b.request("link_create") == record(20).u32(0, 3).u32(4, 7).u32(8, 37).u32(12, 2));

  b.machine.refusals["link_create"] = {EINVAL, EINVAL, EBUSY};
  check_error(b.attach<attach_way::xdp>(attach_type::xdp, "", barebpf::interface{7}), step::link_create,
              EINVAL);
  b.machine.interfaces_are_there = false;
  check_error(b.attach<attach_way::xdp>(attach_type::xdp, "", barebpf::interface{7}), step::link_create,
              EINVAL, cause::no_interface);
  check_error(b.attach<attach_way::xdp>(attach_type::xdp, "", barebpf::interface{7}), step::link_create,
              EBUSY);
  CHECK(b.machine.left_open() == names{"program", "target"});
}

TEST_CASE("tcx attaches in an order, and names the kernel that it came with", "[attach]") {
  bench b;
  const barebpf::link other(barebpf::fd::own(b.machine.open("link")), barebpf::fd());
  constexpr attach_type ingress = attach_type::tcx_ingress;
  REQUIRE(b.attach<attach_way::tcx>(ingress, "", barebpf::interface{7}));
  REQUIRE(b.attach<attach_way::tcx>(ingress, "", barebpf::interface{7}, position::first()));
  REQUIRE(b.attach<attach_way::tcx>(ingress, "", barebpf::interface{7}, position::after(other)));
  const auto calls = b.machine.all("link_create");
  CHECK(calls[0].attr == record(32).u32(0, 3).u32(4, 7).u32(8, 46));
  CHECK(calls[1].attr == record(32).u32(0, 3).u32(4, 7).u32(8, 46).u32(12, 8));
  CHECK(calls[2].attr == record(32).u32(0, 3).u32(4, 7).u32(8, 46).u32(12, 16 | 8192).u32(16, 5));

  b.machine.refusals["link_create"] = {EINVAL, EINVAL};
  check_error(b.attach<attach_way::tcx>(ingress, "", barebpf::interface{7}), step::link_create, EINVAL);
  b.machine.release = "6.5.0";
  check_error(b.attach<attach_way::tcx>(ingress, "", barebpf::interface{7}), step::link_create, EINVAL,
              cause::newer_attach_way);
}

TEST_CASE("a cgroup is told from a descriptor of something else", "[attach]") {
  bench b;
  constexpr attach_type egress = attach_type::cgroup_inet_egress;
  REQUIRE(b.attach<attach_way::cgroup>(egress, "", barebpf::cgroup(b.target)));
  CHECK(b.request("link_create") == record(32).u32(0, 3).u32(4, 4).u32(8, 1));

  b.machine.refusals["link_create"] = {EBADF, EBADF};
  check_error(b.attach<attach_way::cgroup>(egress, "", barebpf::cgroup(b.target)), step::link_create, EBADF,
              cause::not_a_cgroup);
  check_error(b.attach<attach_way::cgroup>(egress, "", barebpf::cgroup(50)), step::link_create, EBADF);
}

TEST_CASE("an older kernel takes no position on a cgroup", "[attach]") {
  bench b;
  constexpr attach_type egress = attach_type::cgroup_inet_egress;
  const barebpf::cgroup target(b.target);
  REQUIRE(b.attach<attach_way::cgroup>(egress, "", target, position::first()));
  CHECK(b.request("link_create") == record(32).u32(0, 3).u32(4, 4).u32(8, 1).u32(12, 8));

  b.machine.refusals["link_create"] = {EINVAL, EINVAL, EINVAL, EINVAL};
  b.machine.release = "6.16.0";
  check_error(b.attach<attach_way::cgroup>(egress, "", target, position::first()), step::link_create, EINVAL,
              cause::newer_position);
  check_error(b.attach<attach_way::cgroup>(egress, "", target, position{.revision = 3}), step::link_create,
              EINVAL);
  check_error(b.attach<attach_way::cgroup>(egress, "", target), step::link_create, EINVAL);
  b.machine.release = "6.17.0";
  check_error(b.attach<attach_way::cgroup>(egress, "", target, position::first()), step::link_create, EINVAL);
}

TEST_CASE("without a network namespace it is the thread's own", "[attach]") {
  bench b;
  b.machine.files["/proc/thread-self/ns/net"] = "";
  constexpr attach_type lookup = attach_type::sk_lookup;
  REQUIRE(b.attach<attach_way::netns>(lookup, "", barebpf::netns(b.target)));
  CHECK(b.request("link_create") == record(20).u32(0, 3).u32(4, 4).u32(8, 36));
  REQUIRE(b.attach<attach_way::netns>(lookup, ""));
  CHECK(b.machine.all("link_create")[1].u32(4) == 5);
  CHECK(b.machine.left_open() == names{"program", "target"});

  b.machine.files.clear();
  const auto refused = b.attach<attach_way::netns>(lookup, "");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::open_file);
  CHECK(refused.error().code == ENOENT);
}

TEST_CASE("a map of sockets has a link since 6.10, and before that the map keeps the program", "[attach]") {
  bench b;
  constexpr attach_type verdict = attach_type::sk_skb_stream_verdict;
  {
    auto attached = b.attach<attach_way::sockmap>(verdict, "", barebpf::sockets_in(b.target));
    REQUIRE(attached);
    CHECK(attached->is_link());
    CHECK(b.request("link_create") == record(20).u32(0, 3).u32(4, 4).u32(8, 5));
  }
  CHECK(b.machine.all("prog_detach").empty());

  b.machine.has_sockmap_links = false;
  {
    auto attached = b.attach<attach_way::sockmap>(verdict, "", barebpf::sockets_in(b.target));
    REQUIRE(attached);
    CHECK_FALSE(attached->is_link());
    CHECK(b.request("prog_attach") == record(20).u32(0, 4).u32(4, 3).u32(8, 5));
    CHECK(b.machine.left_open() == names{"program", "target", "target", "program"});
    barebpf::attachment moved = std::move(*attached);
    CHECK_FALSE(attached->is_attached());
    CHECK(moved.is_attached());
  }
  CHECK(b.machine.all("prog_detach").size() == 1);
  CHECK(b.request("prog_detach") == record(20).u32(0, 5).u32(4, 6).u32(8, 5));
  CHECK(b.machine.left_open() == names{"program", "target"});

  REQUIRE(b.attach<attach_way::sockmap>(verdict, "", barebpf::sockets_in(b.target)));
  b.machine.refusals["prog_attach"] = {EOPNOTSUPP};
  check_error(b.attach<attach_way::sockmap>(verdict, "", barebpf::sockets_in(b.target)), step::prog_attach,
              EOPNOTSUPP);
  check_error(b.attach<attach_way::sockmap, modern>(verdict, "", barebpf::sockets_in(b.target)),
              step::link_create, EINVAL);
  b.machine.refusals["fcntl"] = {EMFILE};
  check_error(b.attach<attach_way::sockmap>(verdict, "", barebpf::sockets_in(b.target)), step::prog_attach,
              EMFILE);
  CHECK(b.machine.left_open() == names{"program", "target"});
}

TEST_CASE("a socket keeps its program by an option, and loses it by another", "[attach]") {
  bench b;
  const barebpf::fd socket = barebpf::fd::own(b.machine.open("socket"));
  {
    const auto filter = b.attach<attach_way::socket>({}, "", barebpf::socket(socket));
    const auto choice = b.attach<attach_way::reuseport>({}, "", barebpf::socket(socket));
    REQUIRE(filter);
    REQUIRE(choice);
    CHECK_FALSE(filter->is_link());
  }
  std::vector<long> options;
  for (const seen_call& call : b.machine.all("setsockopt")) {
    CHECK(call.arguments[1] == 1);  // SOL_SOCKET
    CHECK(call.value.size() == 4);
    options.push_back(call.arguments[2]);
  }
  CHECK(options ==
        std::vector<long>{50, 52, 68, 27});  // SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_EBPF and their ends
  CHECK(b.machine.all("setsockopt")[0].value == record(4).u32(0, 3));

  b.attach<attach_way::socket>({}, "", barebpf::socket(socket))->leave();
  CHECK(b.machine.all("setsockopt").size() == 5);
  check_error(b.attach<attach_way::socket>({}, "", barebpf::socket(b.target)), step::attach_to_socket,
              ENOTSOCK);
  b.machine.refusals["fcntl"] = {EMFILE};
  check_error(b.attach<attach_way::socket>({}, "", barebpf::socket(socket)), step::attach_to_socket, EMFILE);
  CHECK(b.machine.left_open() == names{"program", "target", "socket"});
}

TEST_CASE("each way takes its own target and no other", "[attach]") {
  static_assert(attaches_to<attach_way::xdp, barebpf::interface>);
  static_assert(attaches_to<attach_way::xdp, barebpf::interface, barebpf::xdp_mode>);
  static_assert(!attaches_to<attach_way::xdp>);
  static_assert(!attaches_to<attach_way::xdp, barebpf::interface, position>);
  static_assert(!attaches_to<attach_way::xdp, int>);
  static_assert(!attaches_to<attach_way::tcx, barebpf::interface, barebpf::xdp_mode>);
  static_assert(!attaches_to<attach_way::cgroup, const barebpf::fd&>);
  static_assert(!attaches_to<attach_way::cgroup, barebpf::netns>);
  static_assert(!attaches_to<attach_way::none>);
  static_assert(!attaches_to<attach_way::elsewhere, barebpf::interface>);
  static_assert(!std::is_copy_constructible_v<barebpf::attachment>);
  CHECK(place<attach_way::cgroup>::wants == cause::needs_cgroup);
}

TEST_CASE("the path of a tracepoint is its place; of others it is the name", "[attach]") {
  char room[64] = {};
  CHECK(write_place(attach_way::tracepoint, "a/b", room, sizeof room) == 33);
  CHECK(std::string(room) == "/sys/kernel/tracing/events/a/b/id");
  CHECK(write_place(attach_way::raw_tracepoint, "sys_enter", room, sizeof room) == 9);
  CHECK(std::string(room) == "sys_enter");
  CHECK(write_place(attach_way::raw_tracepoint, "sys_enter", room, 9) == 9);  // no room for the NUL
  CHECK(write_place(attach_way::raw_tracepoint, "", nullptr, 0) == 0);
}

TEST_CASE("a link's program is replaced, with or without a look at the old one", "[attach]") {
  bench b;
  const barebpf::link link(barebpf::fd::own(b.machine.open("link")), barebpf::fd());
  REQUIRE(link.update(b.program));
  REQUIRE(link.update(b.program, b.target));
  const auto calls = b.machine.all("link_update");
  CHECK(calls[0].attr == record(16).u32(0, 5).u32(4, 3));
  CHECK(calls[1].attr == record(16).u32(0, 5).u32(4, 3).u32(8, 4).u32(12, 4));
  REQUIRE(link.force_detach());
  CHECK(b.request("link_detach") == record(4).u32(0, 5));

  b.machine.refusals["link_update"] = {EPERM};
  b.machine.refusals["link_detach"] = {EOPNOTSUPP};
  CHECK(link.update(b.program, b.target).error().at == step::link_update);
  CHECK(link.force_detach().error().at == step::link_detach);
}

TEST_CASE("a pinned link is got again, and told from what is none", "[attach]") {
  bench b;
  {
    const barebpf::link link(barebpf::fd::own(b.machine.open("link")), barebpf::fd());
    REQUIRE(link.pin("/sys/fs/bpf/kept"));
  }
  {
    const auto again = barebpf::link::get_pinned("/sys/fs/bpf/kept");
    REQUIRE(again);
    CHECK(b.machine.kind_of(again->descriptor().number()) == "link");
  }
  b.machine.pin_program("/sys/fs/bpf/other");
  const auto other = barebpf::link::get_pinned("/sys/fs/bpf/other");
  REQUIRE_FALSE(other);
  CHECK(other.error().why == cause::not_a_link);
  CHECK(std::string(other.error().name) == "other");
  CHECK(barebpf::link::get_pinned("/sys/fs/bpf/none").error().code == ENOENT);
  CHECK(b.machine.left_open() == names{"program", "target"});
}

TEST_CASE("an iterator is read to its end, and again where the kernel let others run", "[attach]") {
  bench b;
  b.machine.files["walk"] = "0123456789";
  b.machine.longest_read = 4;
  const barebpf::iterator walk(barebpf::fd::own(barebpf::open_to_read("walk")));
  char room[8] = {};
  b.machine.refusals["read"] = {EAGAIN, 0, EINTR};
  CHECK(walk.read(std::span<char>(room)).value_or(0) == 8);
  CHECK(std::string(room, 8) == "01234567");
  std::uint16_t pairs[3] = {};
  CHECK(walk.read(std::span<std::uint16_t>(pairs)).value_or(0) == 1);
  b.machine.refusals["read"] = {E2BIG};
  CHECK(walk.read(std::span<char>(room)).error().at == step::read_iterator);

  const barebpf::link link(barebpf::fd::own(b.machine.open("link")), barebpf::fd());
  REQUIRE(open_iterator(link));
  CHECK(b.request("iter_create") == record(8).u32(0, static_cast<std::uint32_t>(link.descriptor().number())));
  CHECK(open_iterator(barebpf::link()).error().at == step::iter_create);
}

TEST_CASE("a program is run on data and a context", "[attach]") {
  bench b;
  unsigned char packet[64] = {}, context[24] = {}, out[128];
  const auto ran = test_run(b.program, {.data = packet, .context = context, .data_out = out, .repeat = 3});
  REQUIRE(ran);
  CHECK(ran->data_size == 128);
  CHECK(b.request("prog_test_run") == record(80)
                                          .u32(0, 3)
                                          .u32(8, 64)
                                          .u32(12, 128)
                                          .pointer(16, packet)
                                          .pointer(24, out)
                                          .u32(32, 3)
                                          .u32(40, 24)
                                          .pointer(48, context));
  CHECK(test_run(barebpf::fd(), {}).error().at == step::prog_test_run);
}

TEST_CASE("a tracepoint is attached by a name that the caller gives", "[attach]") {
  const bench b;

  const auto attached =
      b.attach<attach_way::tracepoint>({}, "", barebpf::named_place{"syscalls/sys_enter_execve"});

  REQUIRE(attached);
  CHECK(b.machine.kind_of(attached->descriptor().number()) == "link");
}

namespace {

// A machine with a file that has a trace point at two places, another at one, and one whose arguments nobody knows.
struct traced_file {
  fake_machine machine;
  barebpf::fd program = barebpf::fd::own(machine.open("program"));
  barebpf::fd specs = barebpf::fd::own(machine.open_map(2, 4, barebpf::usdt_spec::long_size, 4));

  traced_file() {
    binary_builder file(true, false);
    file.add_trace_point("library", "twice", "8@%rdi", 0x10);
    file.add_trace_point("library", "twice", "-4@$5", 0x20);
    file.add_trace_point("library", "once", "", 0x30);
    file.add_trace_point("library", "odd", "8@what", 0x40);
    const auto image = file.build();
    machine.files["/bin/traced"] = std::string(image.begin(), image.end());
    machine.files["/sys/bus/event_source/devices/uprobe/type"] = "9\n";
  }
  template <class... Given>
  auto attach(const char* where, Given&&... given) const {
    const barebpf::fd* const map = specs.is_open() ? &specs : nullptr;
    return place<attach_way::usdt>::attach<load_policy{}>(
        program_to_attach{program, "count", where, static_cast<attach_type>(48),
                          barebpf::abi::prog_type::kprobe, barebpf::kernel(5, 15), map,
                          barebpf::usdt_spec::long_size},
        std::forward<Given>(given)...);
  }
};

}  // namespace

TEST_CASE("a trace point is attached at all of its places at once", "[attach]") {
  const traced_file b;

  const auto attached = b.attach("/bin/traced:library:twice");

  REQUIRE(attached);
  const auto asked = b.machine.all("link_create");
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].u32(8) == 48);
  CHECK(asked[0].u32(48) == 2);  // uprobe_multi.cnt
  CHECK(b.machine.all("map_update_elem").size() == 2);
}

TEST_CASE("before 6.6 a trace point is attached where it is, and by whoever has one link alone at one place",
          "[attach]") {
  traced_file b;
  b.machine.release = "6.1.0";
  const auto refuse_once = [&] { b.machine.refusals["link_create"] = {EINVAL}; };

  refuse_once();
  const auto one = b.attach("/bin/traced:library:once");
  REQUIRE(one);
  CHECK(b.machine.all("perf_event_open").size() == 1);

  refuse_once();
  const auto several = b.attach("/bin/traced:library:twice");
  check_error(several, step::link_create, 0, cause::several_places);

  refuse_once();
  const auto both = b.attach("/bin/traced:library:twice", barebpf::named_place{"/bin/traced:library:twice"});
  REQUIRE(both);
  CHECK(both->link_count() == 2);
  CHECK(b.machine.all("perf_event_open").size() == 3);

  b.machine.refusals["link_create"] = {EPERM};
  CHECK(b.attach("/bin/traced:library:once").error().code == EPERM);
}

TEST_CASE("a trace point needs a map for its arguments, and arguments that are known", "[attach]") {
  traced_file b;

  const auto odd = b.attach("/bin/traced:library:odd");
  REQUIRE_FALSE(odd);
  CHECK(odd.error().at == step::find_usdt);
  CHECK(odd.error().why == cause::unknown_usdt_argument);
  CHECK(std::string(odd.error().name) == "8@what");

  b.specs = barebpf::fd();
  check_error(b.attach("/bin/traced:library:once"), step::find_usdt, 0, cause::no_usdt_specs);
}
