// SPDX-License-Identifier: MIT
// Programs on kprobes, in a kernel that has them: each read of this process is seen at its beginning with the size that
// was asked for, and at its end with the size that came.
#include <fcntl.h>
#include <unistd.h>

#include "../support/live.hpp"
#include "kprobes.bpf.hpp"
#include "probe_cookie.bpf.hpp"
#include "reads.hpp"

namespace {

using barebpf::step;

constexpr barebpf::static_object<kprobes> object;
constexpr barebpf::static_object<probe_cookie> cookies;


}  // namespace

TEST_CASE("kprobe, the entry of a function and its arguments", "[guest]") {
  const auto loaded = must(load_for_this_process(object));
  barebpf::link attached = must(loaded.attach<"begins">());
  read_zeros({10, 20, 300});
  CHECK(value_of<"entries">(loaded) == 3);
  CHECK(value_of<"size_asked">(loaded) == 330);
  CHECK(value_of<"ends">(loaded) == 0);

  attached.detach();
  read_zeros({5});
  CHECK(value_of<"entries">(loaded) == 3);
}

TEST_CASE("kretprobe, the end of a function and what it returns", "[guest]") {
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

TEST_CASE("kprobe, an object that is read at run time is attached in the same way", "[guest]") {
  const auto file = must(barebpf::object::open(kprobes, sizeof kprobes));
  auto data = must(file.data());
  *must(data.variable<std::uint32_t>("only_process")) = static_cast<std::uint32_t>(getpid());
  const auto loaded = must(file.load({.data = data.view()}));
  const auto entries = must(loaded.variable<std::uint64_t>("entries")),
             ends = must(loaded.variable<std::uint64_t>("ends"));
  const barebpf::link at_the_end = must(loaded.attach("is_over"));
  barebpf::link at_the_entry = must(loaded.attach("begins"));
  const std::uint64_t before = *ends;  // to attach a kprobe, two files of the kernel are read
  read_zeros({10, 20, 300});
  CHECK(*entries == 3);
  CHECK(*ends == before + 3);
  at_the_entry.detach();
  read_zeros({10});
  CHECK(*entries == 3);
  CHECK(*ends == before + 4);
}

TEST_CASE("kprobe, a place behind the beginning of a function", "[guest]") {
  const auto loaded = must(load_for_this_process(object));
  const barebpf::link attached = must(loaded.attach<"at_an_offset">());
  read_zeros({10});
  CHECK(value_of<"entries">(loaded) == 1);
}

TEST_CASE("kprobe, a function that the kernel does not have", "[guest]") {
  const auto loaded = must(load_for_this_process(object));
  const auto refused = loaded.attach<"nowhere">();
  REQUIRE_FALSE(refused.has_value());
  CHECK(is_explained(refused.error(), step::open_probe, ENOENT));
}

TEST_CASE("kprobe, the kernel's link says what it is", "[guest][needs 5.15]") {
  const auto loaded = must(load_for_this_process(object));
  const barebpf::link attached = must(loaded.attach<"begins">());
  CHECK(must(attached.info()).type == barebpf::abi::link_type::perf_event);
}

TEST_CASE("kprobe, a program gets the cookie that it was given", "[guest][needs 5.15]") {
  const auto loaded = must(load_for_this_process(cookies));
  const barebpf::link attached = must(loaded.attach<"remembers">(barebpf::cookie{42}));
  read_zeros({1});
  CHECK(value_of<"cookie">(loaded) == 42);
}
