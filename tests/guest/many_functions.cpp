// SPDX-License-Identifier: MIT
// Programs on many functions at once, on system calls by their names, and on security hooks of a cgroup, in a kernel that
// has them.
#include <sys/socket.h>

#include "../support/cgroup.hpp"
#include "../support/live.hpp"
#include "kprobes.bpf.hpp"
#include "many_functions.bpf.hpp"
#include "reads.hpp"

namespace {

using barebpf::cause;
using barebpf::named_place;
using barebpf::step;

constexpr barebpf::static_object<many_functions> object;
constexpr barebpf::static_object<kprobes> single;

// With one program that is left out by default, because kernels came later with its kind.
template <barebpf::name Name>
auto load_with() {
  auto data = object.data();
  data.variable<"only_process", std::uint32_t>() = static_cast<std::uint32_t>(getpid());
  const barebpf::program_change with[] = {object.change_program<Name>({.load = true})};
  return must(object.load({.data = data.view(), .programs = with}));
}

}  // namespace

TEST_CASE("kprobe.multi, all functions that a pattern names, with a cookie",
          "[guest][needs 6.12][needs fprobes]") {
  const auto loaded = load_with<"begin_many">();
  barebpf::link attached = must(loaded.attach<"begin_many">(barebpf::cookie{8}));
  CHECK(attached.info()->type == barebpf::abi::link_type::kprobe_multi);
  read_zeros({10, 20, 300});
  CHECK(value_of<"entries">(loaded) == 3);
  CHECK(value_of<"seen_cookie">(loaded) == 8);
  attached.detach();
  read_zeros({5});
  CHECK(value_of<"entries">(loaded) == 3);
  const barebpf::link by_name = must(loaded.attach<"begin_many">(named_place{"vfs_read"}));
  read_zeros({5});
  CHECK(value_of<"entries">(loaded) == 4);
  const auto nothing = loaded.attach<"begin_many">(named_place{"barebpf_no_such_*"});
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().why == cause::nothing_fits);
  const auto missing = loaded.attach<"begin_many">(named_place{"barebpf_no_such_function"});
  REQUIRE_FALSE(missing.has_value());
  CHECK(is_explained(missing.error(), step::link_create, ESRCH));
}

TEST_CASE("kprobe.multi, as many functions as the kernel has of one kind",
          "[guest][needs 6.12][needs fprobes]") {
  const auto loaded = load_with<"begin_many">();
  const barebpf::link attached = must(loaded.attach<"begin_many">(named_place{"vfs_*"}));
  read_zeros({10});
  CHECK(value_of<"entries">(loaded) >= 1);
}

TEST_CASE("kretprobe.multi, the ends of all functions that a pattern names",
          "[guest][needs 6.12][needs fprobes]") {
  const auto loaded = load_with<"end_many">();
  const barebpf::link attached = must(loaded.attach<"end_many">());
  read_zeros({10, 20});
  CHECK(value_of<"ends">(loaded) == 2);
}

TEST_CASE("kprobe.session, a program runs at both ends of a function", "[guest][needs 6.12][needs fprobes]") {
  const auto loaded = load_with<"both">();
  const barebpf::link attached = must(loaded.attach<"both">());
  read_zeros({10});
  CHECK(value_of<"both_ends">(loaded) == 2);
}

TEST_CASE("fsession, a program runs at both ends of a function", "[guest][needs 7.2][needs hooks]") {
  const auto loaded = load_with<"session">();
  const barebpf::link attached = must(loaded.attach<"session">());
  read_zeros({10});
  CHECK(value_of<"both_ends">(loaded) == 2);
}

TEST_CASE("ksyscall, a system call by its name, and its arguments", "[guest]") {
  const auto loaded = must(load_for_this_process(object));
  barebpf::link attached = must(loaded.attach<"asks">());
  read_zeros({10, 20, 300});
  CHECK(value_of<"size_asked">(loaded) == 330);
  attached.detach();
  read_zeros({10});
  CHECK(value_of<"size_asked">(loaded) == 330);
  const auto missing = loaded.attach<"nowhere">();
  REQUIRE_FALSE(missing.has_value());
  CHECK(is_explained(missing.error(), step::open_probe, ENOENT));
}

TEST_CASE("kretsyscall, what a system call returns", "[guest]") {
  const auto loaded = must(load_for_this_process(object));
  const barebpf::link attached = must(loaded.attach<"gives">());
  read_zeros({10, 20});
  CHECK(*must(loaded.variable<"size_given", std::int64_t>()) == 30);
}

TEST_CASE("kprobe, a function that only the running program names", "[guest]") {
  const auto loaded = must(load_for_this_process(single));
  const barebpf::link attached = must(loaded.attach<"begins">(named_place{"vfs_read"}));
  read_zeros({10});
  CHECK(value_of<"entries">(loaded) == 1);
  CHECK(loaded.attach<"begins">(named_place{"vfs_read+"}).error().why == cause::bad_place);
}

TEST_CASE("lsm_cgroup, a security hook for the processes of a cgroup", "[guest][needs 6.1][needs hooks]") {
  const auto loaded = load_with<"makes_socket">();
  const test_cgroup own("hooks");
  barebpf::link attached = must(loaded.attach<"makes_socket">(barebpf::cgroup(own.descriptor())));
  CHECK(attached.info()->type == barebpf::abi::link_type::cgroup);
  const auto make_socket = [] { return close(socket(AF_INET, SOCK_DGRAM, 0)); };
  CHECK(make_socket() == 0);
  CHECK(value_of<"sockets">(loaded) == 0);
  CHECK(own.run(make_socket) == 0);
  CHECK(value_of<"sockets">(loaded) == 1);
  attached.detach();
  CHECK(own.run(make_socket) == 0);
  CHECK(value_of<"sockets">(loaded) == 1);
}
