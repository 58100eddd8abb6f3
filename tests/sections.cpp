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

TEST_CASE("of the rows that a section begins with the longest counts", "[sections]") {
  CHECK(section_kind_of("xdp").attach == attach_way::xdp);
  CHECK(section_kind_of("xdp/devmap").attach == attach_way::elsewhere);
  CHECK(section_kind_of("sk_reuseport/migrate").attach_type == attach_type::sk_reuseport_select_or_migrate);
  struct {
    const char* section;
    const char* prefix;
  } const rows[] = {{"xdp/", "xdp"},
                    {"xdp/foo", "xdp"},
                    {"xdp/devmap/foo", "xdp/devmap"},
                    {"xdp/devmaps", "xdp"},
                    {"xdp.frags/foo", "xdp.frags"},
                    {"socket/1", "socket"},
                    {"lirc_mode2/grundig", "lirc_mode2"},
                    {"sk_skb/foo", "sk_skb"},
                    {"sk_skb/verdict/foo", "sk_skb/verdict"},
                    {"cgroup/sock/foo", "cgroup/sock"},
                    {"kprobe/vfs_read", "kprobe"},
                    {"kprobe.multi/vfs_*", "kprobe.multi"}};
  for (const auto& row : rows) {
    CAPTURE(row.section);
    CHECK((section_kind_of(row.section).prefix == barebpf::text(row.prefix)));
  }
  for (const char* section : {"xdpx", "cgroup", "cgroup/", "cgroup_skb", "cgroup_skb/foo", "?xdp",
                              "tcp_probe", "tp_foo", "kprobe_foo", "kprobe1", "xdp\x7f"}) {
    CAPTURE(section);
    CHECK(section_kind_of(section).type == prog_type::unspec);
  }
}

TEST_CASE("a number or a word may stand behind the prefix where no place follows it", "[sections]") {
  struct {
    const char* section;
    const char* prefix;
  } const rows[] = {{"xdp_pass", "xdp"},
                    {"xdp1", "xdp"},
                    {"xdp-drop/first", "xdp"},
                    {"xdp_devmap/foo", "xdp_devmap"},
                    {"xdp_cpumap/foo", "xdp_cpumap"},
                    {"xdp.frags_foo", "xdp.frags"},
                    {"socket12", "socket"},
                    {"classifier_mark", "classifier"},
                    {"sk_skb/verdict2", "sk_skb"},
                    {"sk_skb_1", "sk_skb"},
                    {"cgroup/sock1", "cgroup/sock"}};
  for (const auto& row : rows) {
    CAPTURE(row.section);
    CHECK((section_kind_of(row.section).prefix == barebpf::text(row.prefix)));
    const barebpf::text name(row.section);
    CHECK(place_in(name, section_kind_of(name)) == name.size());
  }
}

TEST_CASE("a question mark in front of a section says that its programs are optional", "[sections]") {
  CHECK(barebpf::is_optional("?xdp"));
  CHECK(barebpf::is_optional("?"));
  CHECK_FALSE(barebpf::is_optional(""));
  CHECK_FALSE(barebpf::is_optional("xdp?"));
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
  CHECK(place("xdp/foo").empty());
  CHECK(place("lsm.s/bprm_check_security") == "bprm_check_security");
  CHECK(place("uprobe//bin/true:main") == "/bin/true:main");
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
  CHECK(rests.size() == 4 + std::size(barebpf::kernel_type_kinds));
}

TEST_CASE("every section name of libbpf's means here what it means there", "[sections]") {
  // Read from the table of libbpf 1.8. A plus stands for a place behind a slash.
  struct {
    const char* section;
    std::uint32_t type, attach_type;
    bool sleeps, is_made_for_type, has_frags;
  } const rows[] = {
      {"socket", 1, 0, false, false, false},
      {"sk_reuseport/migrate", 21, 40, false, false, false},
      {"sk_reuseport", 21, 39, false, false, false},
      {"kprobe+", 2, 0, false, false, false},
      {"uprobe+", 2, 0, false, false, false},
      {"uprobe.s+", 2, 0, true, false, false},
      {"kretprobe+", 2, 0, false, false, false},
      {"uretprobe+", 2, 0, false, false, false},
      {"uretprobe.s+", 2, 0, true, false, false},
      {"kprobe.multi+", 2, 42, false, false, false},
      {"kretprobe.multi+", 2, 42, false, false, false},
      {"kprobe.session+", 2, 56, false, false, false},
      {"uprobe.multi+", 2, 48, false, false, false},
      {"uretprobe.multi+", 2, 48, false, false, false},
      {"uprobe.session+", 2, 57, false, false, false},
      {"uprobe.multi.s+", 2, 48, true, false, false},
      {"uretprobe.multi.s+", 2, 48, true, false, false},
      {"uprobe.session.s+", 2, 57, true, false, false},
      {"ksyscall+", 2, 0, false, false, false},
      {"kretsyscall+", 2, 0, false, false, false},
      // libbpf says the attach type, that of many uprobes, to kernels that have it; others take any here.
      {"usdt+", 2, 48, false, false, false},
      {"usdt.s+", 2, 48, true, false, false},
      {"tc/ingress", 3, 46, false, false, false},
      {"tc/egress", 3, 47, false, false, false},
      {"tcx/ingress", 3, 46, false, false, false},
      {"tcx/egress", 3, 47, false, false, false},
      {"tc", 3, 0, false, false, false},
      {"classifier", 3, 0, false, false, false},
      {"action", 4, 0, false, false, false},
      {"netkit/primary", 3, 54, false, false, false},
      {"netkit/peer", 3, 55, false, false, false},
      {"tracepoint+", 5, 0, false, false, false},
      {"tp+", 5, 0, false, false, false},
      {"tracepoint.s+", 5, 0, true, false, false},
      {"tp.s+", 5, 0, true, false, false},
      {"raw_tracepoint+", 17, 0, false, false, false},
      {"raw_tp+", 17, 0, false, false, false},
      {"raw_tracepoint.s+", 17, 0, true, false, false},
      {"raw_tp.s+", 17, 0, true, false, false},
      {"raw_tracepoint.w+", 24, 0, false, false, false},
      {"raw_tp.w+", 24, 0, false, false, false},
      {"tp_btf+", 26, 23, false, true, false},
      {"tp_btf.s+", 26, 23, true, true, false},
      {"fentry+", 26, 24, false, true, false},
      {"fmod_ret+", 26, 26, false, true, false},
      {"fexit+", 26, 25, false, true, false},
      {"fentry.s+", 26, 24, true, true, false},
      {"fmod_ret.s+", 26, 26, true, true, false},
      {"fexit.s+", 26, 25, true, true, false},
      {"fsession+", 26, 58, false, true, false},
      {"fsession.s+", 26, 58, true, true, false},
      {"fsession.multi+", 26, 61, false, false, false},
      {"fsession.multi.s+", 26, 61, true, false, false},
      {"fentry.multi+", 26, 59, false, false, false},
      {"fexit.multi+", 26, 60, false, false, false},
      {"fentry.multi.s+", 26, 59, true, false, false},
      {"fexit.multi.s+", 26, 60, true, false, false},
      {"freplace+", 28, 0, false, true, false},
      {"lsm+", 29, 27, false, true, false},
      {"lsm.s+", 29, 27, true, true, false},
      {"lsm_cgroup+", 29, 43, false, true, false},
      {"iter+", 26, 28, false, true, false},
      {"iter.s+", 26, 28, true, true, false},
      {"syscall", 31, 0, true, false, false},
      {"xdp.frags/devmap", 6, 33, false, false, true},
      {"xdp/devmap", 6, 33, false, false, false},
      {"xdp.frags/cpumap", 6, 35, false, false, true},
      {"xdp/cpumap", 6, 35, false, false, false},
      {"xdp.frags", 6, 37, false, false, true},
      {"xdp", 6, 37, false, false, false},
      {"perf_event", 7, 0, false, false, false},
      {"lwt_in", 10, 0, false, false, false},
      {"lwt_out", 11, 0, false, false, false},
      {"lwt_xmit", 12, 0, false, false, false},
      {"lwt_seg6local", 19, 0, false, false, false},
      {"sockops", 13, 3, false, false, false},
      {"sk_skb/stream_parser", 14, 4, false, false, false},
      {"sk_skb/stream_verdict", 14, 5, false, false, false},
      {"sk_skb/verdict", 14, 38, false, false, false},
      {"sk_skb", 14, 0, false, false, false},
      {"sk_msg", 16, 7, false, false, false},
      {"lirc_mode2", 20, 16, false, false, false},
      {"flow_dissector", 22, 17, false, false, false},
      {"cgroup_skb/ingress", 8, 0, false, false, false},
      {"cgroup_skb/egress", 8, 1, false, false, false},
      {"cgroup/skb", 8, 0, false, false, false},
      {"cgroup/sock_create", 9, 2, false, false, false},
      {"cgroup/sock_release", 9, 34, false, false, false},
      {"cgroup/sock", 9, 2, false, false, false},
      {"cgroup/post_bind4", 9, 12, false, false, false},
      {"cgroup/post_bind6", 9, 13, false, false, false},
      {"cgroup/bind4", 18, 8, false, false, false},
      {"cgroup/bind6", 18, 9, false, false, false},
      {"cgroup/connect4", 18, 10, false, false, false},
      {"cgroup/connect6", 18, 11, false, false, false},
      {"cgroup/connect_unix", 18, 49, false, false, false},
      {"cgroup/sendmsg4", 18, 14, false, false, false},
      {"cgroup/sendmsg6", 18, 15, false, false, false},
      {"cgroup/sendmsg_unix", 18, 50, false, false, false},
      {"cgroup/recvmsg4", 18, 19, false, false, false},
      {"cgroup/recvmsg6", 18, 20, false, false, false},
      {"cgroup/recvmsg_unix", 18, 51, false, false, false},
      {"cgroup/getpeername4", 18, 29, false, false, false},
      {"cgroup/getpeername6", 18, 30, false, false, false},
      {"cgroup/getpeername_unix", 18, 52, false, false, false},
      {"cgroup/getsockname4", 18, 31, false, false, false},
      {"cgroup/getsockname6", 18, 32, false, false, false},
      {"cgroup/getsockname_unix", 18, 53, false, false, false},
      {"cgroup/sysctl", 23, 18, false, false, false},
      {"cgroup/getsockopt", 25, 21, false, false, false},
      {"cgroup/setsockopt", 25, 22, false, false, false},
      {"cgroup/dev", 15, 6, false, false, false},
      {"struct_ops+", 27, 0, false, false, false},
      {"struct_ops.s+", 27, 0, true, false, false},
      {"sk_lookup", 30, 36, false, false, false},
      {"netfilter", 32, 45, false, false, false},
  };
  for (const auto& row : rows) {
    std::string section = row.section;
    const bool may_name_place = section.back() == '+';
    if (may_name_place) section.pop_back();
    CAPTURE(section);
    const section_kind kind = section_kind_of(section.c_str());
    CHECK((kind.prefix == barebpf::text(section.c_str())));
    CHECK(static_cast<std::uint32_t>(kind.type) == row.type);
    CHECK(static_cast<std::uint32_t>(kind.attach_type) == row.attach_type);
    CHECK(((kind.flags & barebpf::abi::prog_flag_sleepable) != 0) == row.sleeps);
    CHECK(((kind.flags & barebpf::abi::prog_flag_xdp_has_frags) != 0) == row.has_frags);
    CHECK((kind.rest != section_rest::nothing) == may_name_place);
    // freplace is made for a function of another program.
    CHECK((kind.needs_kernel_type() || section == "freplace") == row.is_made_for_type);
  }
  CHECK(std::size(rows) + 2 == std::size(barebpf::section_kinds));  // and two of older names
}
