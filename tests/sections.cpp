// SPDX-License-Identifier: MIT
#include <set>
#include <string>

#include "support/catch.hpp"
#include "support/library.hpp"

using barebpf::attach_way;
using barebpf::section_kind;
using barebpf::section_kind_of;
using barebpf::section_rest;
using barebpf::abi::attach_type;
using barebpf::abi::prog_type;

TEST_CASE("both names of tracepoint sections tell a program that is attached to a tracepoint", "[sections]") {
  for (const char* section :
       {"tracepoint/syscalls/sys_enter_execve", "tp/syscalls/sys_enter_execve", "tracepoint", "tp", "tp/"}) {
    CAPTURE(section);
    const section_kind kind = section_kind_of(section);

    CHECK(kind.type == prog_type::tracepoint);
    CHECK(kind.attach == attach_way::tracepoint);
  }
}

TEST_CASE("the prefix of a section ends at a slash or with the name", "[sections]") {
  for (const char* section :
       {"tracepoints/a/b", "tpx", "t", "", "/tp", "Tracepoint/a/b", ".text", "license"}) {
    CAPTURE(section);
    CHECK(section_kind_of(section).type == prog_type::unspec);
  }
}

TEST_CASE("what names no place is the whole name of a section", "[sections]") {
  CHECK(section_kind_of("xdp").attach == attach_way::xdp);
  CHECK(section_kind_of("xdp/devmap").attach == attach_way::elsewhere);
  CHECK(section_kind_of("sk_reuseport/migrate").attach_type == attach_type::sk_reuseport_select_or_migrate);
  for (const char* section : {"xdp/", "xdp/foo", "xdp/devmap/foo", "xdpx", "tc/foo", "cgroup", "cgroup/",
                              "cgroup_skb", "sk_skb/foo", "socket/foo", "perf_event/foo", "syscall/foo"}) {
    CAPTURE(section);
    CHECK(section_kind_of(section).type == prog_type::unspec);
  }
}

TEST_CASE("a section tells the kernel what its programs are for", "[sections]") {
  struct {
    const char* section;
    prog_type type;
    attach_type attach;
    std::uint32_t flags;
  } const expected[] = {
      {"raw_tp/sys_enter", prog_type::raw_tracepoint, attach_type{}, 0},
      {"raw_tracepoint.w/sys_enter", prog_type::raw_tracepoint_writable, attach_type{}, 0},
      {"tp_btf/sys_enter", prog_type::tracing, attach_type::trace_raw_tp, 0},
      {"fentry/vfs_read", prog_type::tracing, attach_type::trace_fentry, 0},
      {"fexit.s/vfs_read", prog_type::tracing, attach_type::trace_fexit, 16},
      {"lsm/file_open", prog_type::lsm, attach_type::lsm_mac, 0},
      {"lsm.s/file_open", prog_type::lsm, attach_type::lsm_mac, 16},
      {"freplace/answer", prog_type::ext, attach_type{}, 0},
      {"kprobe/vfs_read", prog_type::kprobe, attach_type{}, 0},
      {"kretprobe/vfs_read", prog_type::kprobe, attach_type{}, 0},
      {"iter/task", prog_type::tracing, attach_type::trace_iter, 0},
      {"perf_event", prog_type::perf_event, attach_type{}, 0},
      {"syscall", prog_type::syscall, attach_type{}, 16},
      {"xdp", prog_type::xdp, attach_type::xdp, 0},
      {"xdp.frags/cpumap", prog_type::xdp, attach_type::xdp_cpumap, 32},
      {"tcx/egress", prog_type::sched_cls, attach_type::tcx_egress, 0},
      {"cgroup_skb/egress", prog_type::cgroup_skb, attach_type::cgroup_inet_egress, 0},
      {"cgroup/connect4", prog_type::cgroup_sock_addr, attach_type::cgroup_inet4_connect, 0},
      {"sockops", prog_type::sock_ops, attach_type::cgroup_sock_ops, 0},
      {"sk_skb/stream_verdict", prog_type::sk_skb, attach_type::sk_skb_stream_verdict, 0},
      {"sk_msg", prog_type::sk_msg, attach_type::sk_msg_verdict, 0},
      {"sk_lookup", prog_type::sk_lookup, attach_type::sk_lookup, 0},
  };
  for (const auto& row : expected) {
    CAPTURE(row.section);
    const section_kind kind = section_kind_of(row.section);
    CHECK(kind.type == row.type);
    CHECK(kind.attach_type == row.attach);
    CHECK(kind.flags == row.flags);
  }
}

TEST_CASE("the place is what follows the prefix and a slash", "[sections]") {
  const auto place = [](const char* section) {
    const barebpf::text name(section);
    const barebpf::text rest = name.without_first(place_in(name, section_kind_of(name)));
    return std::string(rest.data(), rest.size());
  };
  CHECK(place("tp/syscalls/sys_enter_execve") == "syscalls/sys_enter_execve");
  CHECK(place("iter.s/task") == "task");
  CHECK(place("tp/").empty());
  CHECK(place("tp").empty());
  CHECK(place("xdp/devmap").empty());
}

TEST_CASE("no row of the section table hides behind another", "[sections]") {
  for (const section_kind& kind : barebpf::section_kinds)
    CHECK(section_kind_of(kind.prefix).prefix.data() == kind.prefix.data());
}

TEST_CASE("each way to attach, and each kind of kernel type, is some section's", "[sections]") {
  std::set<attach_way> ways;
  std::set<section_rest> rests;
  for (const section_kind& kind : barebpf::section_kinds) {
    ways.insert(kind.attach);
    rests.insert(kind.rest);
  }
  CHECK(ways.size() == barebpf::attach_ways);
  for (const barebpf::kernel_type_kind& kind : barebpf::kernel_type_kinds) CHECK(rests.count(kind.rest) == 1);
  CHECK(rests.size() == 3 + std::size(barebpf::kernel_type_kinds));
}
