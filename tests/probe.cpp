// SPDX-License-Identifier: MIT
#include <cerrno>
#include <cstring>
#include <string>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::attach_way;
using barebpf::cause;
using barebpf::read_probe_place;
using barebpf::step;
using names = std::vector<std::string>;

namespace {

constexpr const char* type_file = "/sys/bus/event_source/devices/kprobe/type";
constexpr const char* end_file = "/sys/bus/event_source/devices/kprobe/format/retprobe";

struct kernel_with_kprobes : fake_machine {
  kernel_with_kprobes() {
    files[type_file] = "8\n";
    files[end_file] = "config:3\n";
  }
};

struct opened {
  barebpf::fd event;
  barebpf::outcome row{.subject = "reads"};
};
opened open_probe(const char* place, bool at_end) {
  opened out;
  out.event = barebpf::open_kernel_probe(place, at_end, out.row);
  return out;
}

template <attach_way Way>
barebpf::result<barebpf::link> attach(const barebpf::fd& program, const char* place,
                                      barebpf::cookie with = {}) {
  return barebpf::place<Way>::template attach<barebpf::load_policy{}>({program, "reads", place, {}}, with);
}

}  // namespace

TEST_CASE("a place in the kernel's code is a function, perhaps with an offset", "[probe]") {
  struct {
    const char* text;
    const char* function;
    std::uint64_t offset;
  } const rows[] = {
      {"vfs_read", "vfs_read", 0},
      {"vfs_read+16", "vfs_read", 16},
      {"vfs_read+0x1f", "vfs_read", 31},
      {"__do_sys.isra.0+0x0", "__do_sys.isra.0", 0},
      {"a+0xffffffffffffffff", "a", ~0ull},
      {"", "", 0},
      {"+16", "", 0},
      {"vfs_read+", "", 0},
      {"vfs_read+0x", "", 0},
      {"vfs_read+1f", "", 0},
      {"vfs_read+0x1F", "vfs_read", 31},
      {"vfs_read+-1", "", 0},
      {"vfs_read+1+1", "", 0},
      {"a+0x10000000000000000", "", 0},
  };
  for (const auto& row : rows) {
    CAPTURE(row.text);
    const barebpf::probe_place place = read_probe_place(row.text);
    CHECK(place.function == barebpf::text(row.function));
    if (!place.function.empty()) CHECK(place.offset == row.offset);
  }
}

TEST_CASE("what names no function of the kernel is no place of a kprobe", "[probe]") {
  char room[32] = "untouched";
  CHECK(barebpf::write_place(attach_way::kprobe, "vfs_read+", room, sizeof room) == 0);
  CHECK(barebpf::write_place(attach_way::kretprobe, "", room, sizeof room) == 0);
  CHECK(std::string(room) == "untouched");
  CHECK(barebpf::write_place(attach_way::kprobe, "vfs_read+0x4", room, sizeof room) == 12);
  CHECK(std::string(room) == "vfs_read+0x4");
  CHECK(barebpf::needs_place(attach_way::kprobe));
  CHECK(barebpf::needs_place(attach_way::kretprobe));
}

TEST_CASE("a kprobe is an event of the kind that sysfs tells, with the name of the function", "[probe]") {
  kernel_with_kprobes machine;
  std::string name;
  machine.meanwhile = [&name](const seen_call& call) {
    if (call.name != "perf_event_open") return;
    name = reinterpret_cast<const char*>(static_cast<std::uintptr_t>(call.u64(56)));
  };
  {
    const opened entry = open_probe("vfs_read+0x10", false);
    CHECK_FALSE(entry.row.failed());
    CHECK(machine.kind_of(entry.event.number()) == "event");
    const seen_call call = machine.all("perf_event_open").at(0);
    CHECK(call.attr.size() == 72);
    CHECK(call.u32(0) == 8);
    CHECK(call.u64(8) == 0);
    CHECK(call.u64(64) == 16);
    CHECK(name == "vfs_read");
    CHECK(call.arguments[1] == -1);
    CHECK(call.arguments[2] == 0);
    CHECK(call.arguments[3] == -1);
    CHECK(call.arguments[4] == 8);  // PERF_FLAG_FD_CLOEXEC
    CHECK(machine.names() == names{"openat", "read", "close", "perf_event_open"});
  }
  const opened end = open_probe("vfs_read", true);
  CHECK_FALSE(end.row.failed());
  CHECK(machine.all("perf_event_open").at(1).u64(8) == 8);  // bit 3
  CHECK(machine.all("perf_event_open").at(1).u64(64) == 0);
}

TEST_CASE("a kernel without kprobes says so, and each refusal is told with its step", "[probe]") {
  {
    fake_machine machine;
    const opened none = open_probe("vfs_read", false);
    CHECK_FALSE(none.event.is_open());
    CHECK(none.row.at == step::find_probes);
    CHECK(none.row.answer == -ENOENT);
    CHECK(machine.names() == names{"openat"});
    CHECK(barebpf::hint(step::find_probes, ENOENT).starts_with("the kernel was built without kprobes"));
  }
  {
    kernel_with_kprobes machine;
    machine.files.erase(end_file);
    const opened none = open_probe("vfs_read", true);
    CHECK(none.row.at == step::find_probes);
    CHECK(none.row.answer == -ENOENT);
    CHECK(machine.left_open() == names{});
  }
  for (const int code : {ENOENT, EINVAL, EACCES, EPERM, EADDRNOTAVAIL}) {
    CAPTURE(code);
    kernel_with_kprobes machine;
    machine.refusals["perf_event_open"] = {code};
    const opened none = open_probe("vfs_read", false);
    CHECK_FALSE(none.event.is_open());
    CHECK(none.row.at == step::open_probe);
    CHECK(none.row.answer == -code);
    CHECK_FALSE(barebpf::hint(step::open_probe, code).empty());
  }
  for (const char* call : {"openat", "read"}) {
    CAPTURE(call);
    kernel_with_kprobes machine;
    machine.refusals[call] = {EIO};
    const opened none = open_probe("vfs_read", false);
    CHECK(none.row.at == step::find_probes);
    CHECK(none.row.answer == -EIO);
    CHECK(machine.left_open() == names{});
  }
}

TEST_CASE("a program on a kprobe is held by a link and its event", "[probe]") {
  kernel_with_kprobes machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));
  {
    const auto attached = attach<attach_way::kprobe>(program, "vfs_read", barebpf::cookie{42});
    REQUIRE(attached);
    CHECK(machine.left_open() == names{"program", "event", "link"});
    CHECK(machine.all("link_create").at(0).u64(16) == 42);
  }
  CHECK(machine.left_open() == names{"program"});
  const auto at_the_end = attach<attach_way::kretprobe>(program, "vfs_read");
  REQUIRE(at_the_end);
  CHECK(machine.all("perf_event_open").at(1).u64(8) == 8);
}

TEST_CASE("before perf links the event itself holds a program on a kprobe", "[probe]") {
  kernel_with_kprobes machine;
  machine.has_perf_links = false;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));
  const auto attached = attach<attach_way::kprobe>(program, "vfs_read");
  REQUIRE(attached);
  CHECK(machine.all("ioctl").at(0).arguments[0] == machine.all("perf_event_open").at(0).answer);
  const auto with_cookie = attach<attach_way::kprobe>(program, "vfs_read", barebpf::cookie{42});
  REQUIRE_FALSE(with_cookie);
  CHECK(with_cookie.error().at == step::link_create);
  CHECK(with_cookie.error().code == EINVAL);
  CHECK(machine.left_open() == names{"program", "event"});
}

TEST_CASE("a kprobe that cannot be opened is an error about the program", "[probe]") {
  fake_machine machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));
  const auto refused = attach<attach_way::kretprobe>(program, "vfs_read");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::find_probes);
  CHECK(std::string(refused.error().name) == "reads");
}
