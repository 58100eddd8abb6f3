// SPDX-License-Identifier: MIT
#include <type_traits>
#include <utility>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::step;
using names = std::vector<std::string>;

namespace {

constexpr const char* execve_id = "/sys/kernel/tracing/events/syscalls/sys_enter_execve/id";
constexpr barebpf::load_policy modern{.oldest_kernel = barebpf::kernel(5, 15)};

// What stands between the program and its place, as far as the calls tell.
barebpf::result<barebpf::link> attach(const barebpf::fd& program) {
  return barebpf::link::attach_tracepoint(program, execve_id, "count");
}

void check_error(const barebpf::result<barebpf::link>& attached, step at, int code) {
  REQUIRE_FALSE(attached);
  CHECK(attached.error().at == at);
  CHECK(attached.error().code == code);
  CHECK(attached.error().why == cause::none);
  CHECK(std::string(attached.error().name) == "count");
}

std::string path_of(barebpf::text target) {
  char path[256] = {};
  const std::size_t length = barebpf::write_tracepoint_path(target, path, sizeof path);
  CHECK(std::string(path).size() == length);
  return path;
}

}  // namespace

TEST_CASE("a program is attached through tracefs, an event and a link", "[link]") {
  fake_machine machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  {
    const auto attached = attach(program);
    REQUIRE(attached);
    CHECK(attached->is_attached());
    CHECK(machine.kind_of(attached->descriptor().number()) == "link");
    CHECK(machine.left_open() == names{"program", "event", "link"});
  }

  CHECK(machine.names() ==
        names{"openat", "read", "close", "perf_event_open", "link_create", "close", "close"});
  CHECK(machine.left_open() == names{"program"});
}

TEST_CASE("the number of the tracepoint is read from its id file", "[link]") {
  fake_machine machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  const auto attached = attach(program);

  REQUIRE(attached);
  CHECK(machine.calls[0].arguments[0] == -100);  // AT_FDCWD
  CHECK(machine.calls[0].path == "/sys/kernel/tracing/events/syscalls/sys_enter_execve/id");
  CHECK(machine.calls[0].arguments[2] == 02000000);  // O_RDONLY | O_CLOEXEC
  CHECK(machine.all("perf_event_open")[0].u64(8) == 727);
}

TEST_CASE("a number without a newline is a number, too", "[link]") {
  fake_machine machine;
  machine.tracepoints["syscalls/sys_enter_execve"] = "1234567";
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  const auto attached = attach(program);

  REQUIRE(attached);
  CHECK(machine.all("perf_event_open")[0].u64(8) == 1234567);
}

TEST_CASE("the event is opened with 64 bytes on CPU 0, for every process", "[link]") {
  fake_machine machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  const auto attached = attach(program);

  REQUIRE(attached);
  const seen_call call = machine.all("perf_event_open").at(0);
  CHECK(call.attr == record(64).u32(0, 2).u32(4, 64).u64(8, 727));
  CHECK(call.arguments[1] == -1);  // every process
  CHECK(call.arguments[2] == 0);   // CPU
  CHECK(call.arguments[3] == -1);  // no group
  CHECK(call.arguments[4] == 8);   // PERF_FLAG_FD_CLOEXEC
}

TEST_CASE("the link is made with 24 bytes: program, event, BPF_PERF_EVENT", "[link]") {
  fake_machine machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  const auto attached = attach(program);

  REQUIRE(attached);
  const seen_call call = machine.all("link_create").at(0);
  CHECK(call.arguments[2] == 24);
  CHECK(call.attr == record(24).u32(0, 3).u32(4, 4).u32(8, 41));
}

TEST_CASE("the event and the link are moved away from the standard streams", "[link]") {
  fake_machine machine;
  machine.open("something");
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));
  machine.close_streams();

  const auto attached = attach(program);

  REQUIRE(attached);
  CHECK(attached->descriptor().number() == 6);
  CHECK(machine.names() == names{"openat", "read", "close", "perf_event_open", "fcntl", "close",
                                 "link_create", "fcntl", "close"});
  machine.forget(3);
}

TEST_CASE("where tracefs is not mounted, one that nobody else sees serves", "[link]") {
  fake_machine machine;
  machine.tracefs_is_mounted = false;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  const auto attached = attach(program);

  REQUIRE(attached);
  CHECK(machine.names() == names{"openat", "fsopen", "fsconfig", "fsmount", "close", "openat", "read",
                                 "close", "close", "perf_event_open", "link_create"});
  CHECK(machine.calls[1].path == "tracefs");
  CHECK(machine.calls[1].arguments[1] == 1);  // FSOPEN_CLOEXEC
  CHECK(machine.calls[2].arguments[0] == machine.calls[1].answer);
  CHECK(machine.calls[2].arguments[1] == 6);  // FSCONFIG_CMD_CREATE
  CHECK(machine.calls[2].arguments[2] == 0);
  CHECK(machine.calls[2].arguments[3] == 0);
  CHECK(machine.calls[2].arguments[4] == 0);
  CHECK(machine.calls[3].arguments[0] == machine.calls[1].answer);
  CHECK(machine.calls[3].arguments[1] == 1);  // FSMOUNT_CLOEXEC
  CHECK(machine.calls[3].arguments[2] == 0);
  CHECK(machine.calls[5].arguments[0] == machine.calls[3].answer);
  CHECK(machine.calls[5].path == "events/syscalls/sys_enter_execve/id");
  CHECK(machine.all("perf_event_open")[0].u64(8) == 727);
  CHECK(machine.left_open() == names{"program", "event", "link"});
}

TEST_CASE("a tracepoint that neither tracefs has is not found", "[link]") {
  fake_machine machine;
  machine.tracepoints.clear();
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  const auto attached = attach(program);

  check_error(attached, step::find_tracepoint, 2);  // ENOENT
  CHECK(machine.names() == names{"openat", "fsopen", "fsconfig", "fsmount", "close", "openat", "close"});
  CHECK(machine.left_open() == names{"program"});
}

TEST_CASE("without the right to mount, the error is about reaching tracefs", "[link]") {
  fake_machine machine;
  machine.tracefs_is_mounted = false;
  machine.refusals["fsopen"] = {EPERM};
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  const auto attached = attach(program);

  check_error(attached, step::mount_tracefs, 1);  // EPERM
  CHECK(machine.names() == names{"openat", "fsopen"});
}

TEST_CASE("a kernel without tracefs says ENODEV", "[link]") {
  fake_machine machine;
  machine.tracefs_is_mounted = machine.has_tracefs = false;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  check_error(attach(program), step::mount_tracefs, 19);  // ENODEV
}

TEST_CASE("a mount that fails halfway leaves nothing open", "[link]") {
  fake_machine machine;
  machine.tracefs_is_mounted = false;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  machine.refusals["fsconfig"] = {EBUSY};
  check_error(attach(program), step::mount_tracefs, 16);
  CHECK(machine.names() == names{"openat", "fsopen", "fsconfig", "close"});
  CHECK(machine.left_open() == names{"program"});

  machine.calls.clear();
  machine.refusals["fsmount"] = {EMFILE};
  check_error(attach(program), step::mount_tracefs, 24);
  CHECK(machine.names() == names{"openat", "fsopen", "fsconfig", "fsmount", "close"});
  CHECK(machine.left_open() == names{"program"});
}

TEST_CASE("other errors of tracefs than ENOENT are handed on", "[link]") {
  for (const int code : {EACCES, EPERM, EMFILE, ENOMEM, EINTR}) {
    CAPTURE(code);
    fake_machine machine;
    const barebpf::fd program = barebpf::fd::own(machine.open("program"));

    machine.refusals["openat"] = {code};
    check_error(attach(program), step::find_tracepoint, code);
    CHECK(machine.names() == names{"openat"});

    machine.calls.clear();
    machine.refusals["read"] = {code};
    check_error(attach(program), step::find_tracepoint, code);
    CHECK(machine.names() == names{"openat", "read", "close"});
    CHECK(machine.left_open() == names{"program"});
  }
}

TEST_CASE("an event that cannot be opened is its own step", "[link]") {
  for (const int code : {EACCES, EPERM, ENODEV, EMFILE, EINVAL}) {
    CAPTURE(code);
    fake_machine machine;
    const barebpf::fd program = barebpf::fd::own(machine.open("program"));
    machine.refusals["perf_event_open"] = {code};

    check_error(attach(program), step::open_event, code);

    CHECK(machine.names() == names{"openat", "read", "close", "perf_event_open"});
  }
}

TEST_CASE("a link that is refused closes its event", "[link]") {
  for (const int code : {EACCES, EPERM, EBADF, EMFILE, EEXIST}) {
    CAPTURE(code);
    fake_machine machine;
    const barebpf::fd program = barebpf::fd::own(machine.open("program"));
    machine.refusals["link_create"] = {code};

    check_error(attach(program), step::link_create, code);

    CHECK(machine.names() == names{"openat", "read", "close", "perf_event_open", "link_create", "close"});
    CHECK(machine.left_open() == names{"program"});
  }
}

TEST_CASE("before 5.15 the event itself holds the program", "[link]") {
  fake_machine machine;
  machine.has_perf_links = false;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  {
    const auto attached = attach(program);
    REQUIRE(attached);
    CHECK(attached->is_attached());
    CHECK_FALSE(attached->descriptor().is_open());
    CHECK(machine.left_open() == names{"program", "event"});
  }

  CHECK(machine.names() ==
        names{"openat", "read", "close", "perf_event_open", "link_create", "ioctl", "close"});
  const seen_call call = machine.all("ioctl").at(0);
  CHECK(call.arguments[0] == machine.all("perf_event_open").at(0).answer);
  CHECK(call.arguments[1] == 0x40042408);  // PERF_EVENT_IOC_SET_BPF
  CHECK(call.arguments[2] == 3);
  CHECK(machine.left_open() == names{"program"});
}

TEST_CASE("an event that refuses the program is closed", "[link]") {
  fake_machine machine;
  machine.has_perf_links = false;
  machine.refusals["ioctl"] = {EACCES};
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  check_error(attach(program), step::set_event_program, 13);

  CHECK(machine.left_open() == names{"program"});
}

TEST_CASE("a policy that serves only kernels from 5.15 on never asks the event", "[link]") {
  fake_machine machine;
  machine.has_perf_links = false;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  const auto attached = barebpf::link::attach_tracepoint<modern>(program, execve_id, "count");

  check_error(attached, step::link_create, 22);  // EINVAL
  CHECK(machine.names() == names{"openat", "read", "close", "perf_event_open", "link_create", "close"});
}

TEST_CASE("detach takes the program out at once, and only once", "[link]") {
  fake_machine machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));

  {
    auto attached = attach(program);
    REQUIRE(attached);
    attached->detach();
    CHECK_FALSE(attached->is_attached());
    CHECK_FALSE(attached->descriptor().is_open());
    CHECK(machine.left_open() == names{"program"});
    attached->detach();
  }

  CHECK(machine.names() ==
        names{"openat", "read", "close", "perf_event_open", "link_create", "close", "close"});
}

TEST_CASE("a moved link stays attached, and its source is empty", "[link]") {
  fake_machine machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));
  barebpf::link kept;

  {
    auto attached = attach(program);
    REQUIRE(attached);
    barebpf::link moved(std::move(*attached));
    CHECK_FALSE(attached->is_attached());
    CHECK(moved.is_attached());
    kept = std::move(moved);
    CHECK_FALSE(moved.is_attached());
  }

  CHECK(kept.is_attached());
  CHECK(machine.left_open() == names{"program", "event", "link"});
  CHECK(machine.names() == names{"openat", "read", "close", "perf_event_open", "link_create"});
}

TEST_CASE("a link that was never made is not attached", "[link]") {
  fake_machine machine;

  {
    barebpf::link nothing;
    CHECK_FALSE(nothing.is_attached());
    nothing.detach();
  }

  CHECK(machine.names() == names{});
  CHECK_FALSE(std::is_copy_constructible_v<barebpf::link>);
}

TEST_CASE("the path of a tracepoint is made of its group and name", "[link]") {
  CHECK(path_of("syscalls/sys_enter_execve") == "/sys/kernel/tracing/events/syscalls/sys_enter_execve/id");
  CHECK(path_of("my-group/event.1") == "/sys/kernel/tracing/events/my-group/event.1/id");
}

TEST_CASE("what is no group and name has no path", "[link]") {
  for (const char* target : {"", "syscalls", "syscalls/", "/sys_enter_execve", "a/b/c", "../syscalls", "a/..",
                             "a/.hidden", "a b/c", "a/b*", "/", "a//b"}) {
    CAPTURE(target);
    CHECK(path_of(target).empty());
  }
}

TEST_CASE("a path that does not fit is measured and not written", "[link]") {
  char path[56];
  std::memset(path, '#', sizeof path);

  CHECK(barebpf::write_tracepoint_path("syscalls/sys_enter_execve", path, 55) == 55);
  CHECK(std::string(path, sizeof path) == std::string(56, '#'));
  CHECK(barebpf::write_tracepoint_path("syscalls/sys_enter_execve", nullptr, 0) == 55);

  CHECK(barebpf::write_tracepoint_path("syscalls/sys_enter_execve", path, 56) == 55);
  CHECK(std::string(path) == "/sys/kernel/tracing/events/syscalls/sys_enter_execve/id");
}

TEST_CASE("what the kernel does not tell of a link is its errno", "[link]") {
  fake_machine machine;
  const barebpf::fd program = barebpf::fd::own(machine.open("program"));
  const auto attached = attach(program);
  REQUIRE(attached);
  machine.refusals["obj_get_info_by_fd"] = {EINVAL};

  const auto told = attached->info();

  REQUIRE_FALSE(told);
  CHECK(told.error().at == step::ask_about);
  CHECK(told.error().code == EINVAL);
  CHECK(attached->info());
}
