// SPDX-License-Identifier: MIT
// get_or_create between other processes: a pin that comes or goes between two calls, and every call that fails.
#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../support/fake_kernel.hpp"
#include "../support/library.hpp"

namespace {

namespace abi = barebpf::abi;
using hits = barebpf::hash_map<int, std::int64_t>;
using commands = std::vector<abi::command>;
using enum abi::command;

// A kernel with one path. `before` may pin and unpin as another process does, in front of each call.
struct one_path {
  bool pinned = false;
  std::function<void(abi::command)> before = [](abi::command) {};
  int fails_at = -1, code = 0;  // the call to refuse, and how
  std::set<long> open{};
  commands seen{};

  long open_next() {
    long number = 3;
    while (open.count(number) != 0) ++number;
    open.insert(number);
    return number;
  }
  long operator()(const fake_call& call) {
    if (call.number == __NR_close) return open.erase(call.arguments[0]) == 1 ? 0 : -EBADF;
    if (call.number == __NR_capget || call.number == __NR_readlinkat || call.number == __NR_uname)
      return -EINVAL;
    const auto command = static_cast<abi::command>(call.arguments[0]);
    before(command);
    seen.push_back(command);
    if (static_cast<int>(seen.size()) - 1 == fails_at) return -code;
    switch (command) {
      case obj_get:
        return pinned ? open_next() : -ENOENT;
      case map_create:
        return open_next();
      case obj_pin:
        if (pinned) return -EEXIST;
        pinned = true;
        return 0;
      case obj_get_info_by_fd: {
        std::uint64_t where = 0;
        std::memcpy(&where, reinterpret_cast<const unsigned char*>(call.arguments[1]) + 8, sizeof where);
        const abi::map_info info{.type = 1, .key_size = 4, .value_size = 8, .max_entries = 4};
        std::memcpy(reinterpret_cast<void*>(static_cast<std::uintptr_t>(where)), &info, sizeof info);
        return 0;
      }
      default:
        FAIL_CHECK("nothing here answers " << call.arguments[0]);
        return -ENOSYS;
    }
  }
  // How it went: 0 or an errno; and how many descriptors the map that came of it holds.
  int get_or_create(std::size_t held) {
    fake_kernel kernel([this](const fake_call& call) { return (*this)(call); });
    const auto map = hits::get_or_create("/sys/fs/bpf/hits", {.name = "hits", .max_entries = 4});
    CHECK(open.size() == (map ? held : 0));
    return map ? 0 : map.error().code;
  }
};

}  // namespace

TEST_CASE("a pin that another process makes first is got, and the map that was made is given back", "[pin]") {
  one_path machine;
  machine.before = [&](abi::command now) {
    if (now == obj_pin) machine.pinned = true;
  };

  CHECK(machine.get_or_create(1) == 0);

  CHECK(machine.seen == commands{obj_get, map_create, obj_pin, obj_get, obj_get_info_by_fd});
  CHECK(machine.open.empty());
}

TEST_CASE("a pin that vanishes before it is got is made anew", "[pin]") {
  one_path machine;
  int pins = 0;
  machine.before = [&](abi::command now) {
    if (now == obj_pin) machine.pinned = pins++ == 0;
    if (now == obj_get) machine.pinned = false;
  };

  CHECK(machine.get_or_create(1) == 0);

  CHECK(machine.seen == commands{obj_get, map_create, obj_pin, obj_get, map_create, obj_pin});
  CHECK(machine.open.empty());
}

TEST_CASE("a pin that comes and goes for ever is given up, and every map that was made is given back",
          "[pin]") {
  one_path machine;
  machine.before = [&](abi::command now) { machine.pinned = now == obj_pin; };

  CHECK(machine.get_or_create(1) == EEXIST);

  CHECK(machine.seen.size() == 27);  // nine rounds of three calls
  CHECK(machine.open.empty());
}

TEST_CASE("whichever call fails, get_or_create gives its errno and keeps nothing", "[pin]") {
  for (const bool pinned : {false, true})
    for (int at = 0; at < (pinned ? 2 : 3); ++at)
      for (const int code : {EINTR, ENOMEM, EMFILE, EPERM, EINVAL}) {
        CAPTURE(pinned, at, code);
        one_path machine;
        machine.pinned = pinned;
        machine.fails_at = at;
        machine.code = code;

        CHECK(machine.get_or_create(1) == code);

        CHECK(machine.open.empty());
        CHECK(machine.pinned == pinned);
      }
}

TEST_CASE("a signal is called a signal, and the call may be made again", "[pin]") {
  one_path machine;
  machine.fails_at = 0;
  machine.code = EINTR;
  fake_kernel kernel([&machine](const fake_call& call) { return machine(call); });

  const auto interrupted = hits::get_pinned("/sys/fs/bpf/hits");

  REQUIRE_FALSE(interrupted.has_value());
  char sentence[512];
  describe(interrupted.error(), sentence);
  CHECK(std::string(sentence) ==
        "cannot get the pin 'hits': the kernel said EINTR (4): a signal came in between, so do it again");
  machine.pinned = true;
  CHECK(hits::get_pinned("/sys/fs/bpf/hits", {.max_entries = 4}).has_value());
}
