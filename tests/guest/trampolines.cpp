// SPDX-License-Identifier: MIT
// Programs at the entry and the end of functions of the kernel, and in the place of one, in a kernel that allows it.
#include <unistd.h>

#include <cerrno>

#include "../support/live.hpp"
#include "reads.hpp"
#include "trampolines.bpf.hpp"

namespace {

constexpr barebpf::static_object<trampolines> object;

}  // namespace

TEST_CASE("fentry, the entry of a function and its arguments", "[guest][needs hooks]") {
  const auto loaded = must(load_for_this_process(object));
  barebpf::link attached = must(loaded.attach<"begins">());
  read_zeros({10, 20, 300});
  CHECK(value_of<"entries">(loaded) == 3);
  CHECK(value_of<"size_asked">(loaded) == 330);
  CHECK(value_of<"ends">(loaded) == 0);
  CHECK(must(attached.info()).type == barebpf::abi::link_type::tracing);

  attached.detach();
  read_zeros({5});
  CHECK(value_of<"entries">(loaded) == 3);
}

TEST_CASE("fexit, the end of a function, its arguments and what it returns", "[guest][needs hooks]") {
  const auto loaded = must(load_for_this_process(object));
  barebpf::link attached = must(loaded.attach<"is_over">());
  read_zeros({10, 20});
  read_nothing(7);
  CHECK(value_of<"ends">(loaded) == 3);
  CHECK(*must(loaded.variable<"size_given", std::int64_t>()) == 30);
  CHECK(value_of<"entries">(loaded) == 0);

  attached.detach();
  read_zeros({5});
  CHECK(value_of<"ends">(loaded) == 3);
}

TEST_CASE("fmod_ret, a function gives what the program says", "[guest][needs hooks]") {
  const auto loaded = must(load_for_this_process(object));
  auto answer = must(loaded.variable<"answer", std::int32_t>());
  barebpf::link attached = must(loaded.attach<"answers">());
  CHECK(getpgid(getpid()) == getpgrp());
  *answer = -EPERM;
  errno = 0;
  CHECK(getpgid(getpid()) == -1);
  CHECK(errno == EPERM);
  CHECK(value_of<"questions">(loaded) == 2);

  attached.detach();
  CHECK(getpgid(getpid()) == getpgrp());
  CHECK(value_of<"questions">(loaded) == 2);
}

TEST_CASE("fentry, an object that is read at run time is attached in the same way", "[guest][needs hooks]") {
  const auto file = must(barebpf::object::open(trampolines, sizeof trampolines));
  auto data = must(file.data());
  *must(data.variable<std::uint32_t>("only_process")) = static_cast<std::uint32_t>(getpid());
  const auto loaded = must(file.load({.data = data.view()}));
  const barebpf::link begins = must(loaded.attach("begins")), ends = must(loaded.attach("is_over"));
  read_zeros({10, 20});
  CHECK(*must(loaded.variable<std::uint64_t>("entries")) == 2);
  CHECK(*must(loaded.variable<std::int64_t>("size_given")) == 30);
}

TEST_CASE("fentry, a program gets the cookie that it was given", "[guest][needs 5.19][needs hooks]") {
  const auto loaded = must(load_for_this_process(object));
  const barebpf::link attached = must(loaded.attach<"begins">(barebpf::cookie{42}));
  read_zeros({10});
  CHECK(value_of<"entries">(loaded) == 1);
}
