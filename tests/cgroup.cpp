// SPDX-License-Identifier: MIT
// A cgroup's folder by its path: what each file system that may be there comes to, and each call that fails.
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string>

#include "support/catch.hpp"
#include "support/fake_kernel.hpp"
#include "support/library.hpp"

namespace {

using barebpf::cause;
using barebpf::step;

// A machine with one folder, on the file system of this magic number.
struct folder {
  long magic = 0x63677270;
  long number = 5;  // that it is opened as, or negative errno
  int fails_to_tell = 0;
  std::set<long> open{};
  std::string path{};

  long operator()(const fake_call& call) {
    if (call.number == __NR_close) return open.erase(call.arguments[0]) == 1 ? 0 : -EBADF;
    if (call.number == __NR_openat) {
      path = reinterpret_cast<const char*>(call.arguments[1]);
      CHECK((call.arguments[2] & 02000000) != 0);  // O_CLOEXEC
      if (number >= 0) open.insert(number);
      return number;
    }
    REQUIRE(call.number == __NR_fstatfs);
    CHECK(open.count(call.arguments[0]) == 1);
    std::memset(reinterpret_cast<void*>(call.arguments[1]), 0xff, 120);
    std::memcpy(reinterpret_cast<void*>(call.arguments[1]), &magic, sizeof magic);
    return -fails_to_tell;
  }
};

void check_refused(folder machine, cause why, int code) {
  {
    const fake_kernel kernel([&](const fake_call& call) { return machine(call); });
    const auto refused = barebpf::open_cgroup("/sys/fs/cgroup/web");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().at == step::open_cgroup);
    CHECK(refused.error().why == why);
    CHECK(refused.error().code == code);
    CHECK(std::string(refused.error().name) == "/sys/fs/cgroup/web");
  }
  CHECK(machine.open.empty());
}

}  // namespace

TEST_CASE("a folder in cgroup2 is opened, and owned by who asked", "[cgroup]") {
  folder machine;
  const fake_kernel kernel([&](const fake_call& call) { return machine(call); });
  {
    const auto opened = barebpf::open_cgroup("/sys/fs/cgroup/web");
    REQUIRE(opened);
    CHECK(opened->number() == 5);
    CHECK(machine.path == "/sys/fs/cgroup/web");
    CHECK(machine.open == std::set<long>{5});
  }
  CHECK(machine.open.empty());
}

TEST_CASE("any other folder is closed again, and version 1 is called so", "[cgroup]") {
  check_refused({.magic = 0x27e0eb}, cause::cgroup_version_1, 0);
  check_refused({.magic = 0x01021994}, cause::not_a_cgroup, 0);  // tmpfs
  check_refused({.fails_to_tell = EINTR}, cause::none, EINTR);
  check_refused({.number = -ENOENT}, cause::none, ENOENT);
  check_refused({.number = -ENOTDIR}, cause::none, ENOTDIR);
}
