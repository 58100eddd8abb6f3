// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/ring_machine.hpp"

using barebpf::cause;
using barebpf::deadline;
using barebpf::map_type;
using barebpf::step;
using barebpf::user_ringbuf;

TEST_CASE("each step of opening a user ring buffer can fail and leaves nothing", "[user_ringbuf]") {
  CHECK(fails_everywhere(map_type::user_ringbuf, 4096,
                         [](const barebpf::fd& map) { return user_ringbuf::open(map); }) == 7);
}

TEST_CASE("a record is busy until it is submitted or discarded", "[user_ringbuf]") {
  ring_machine machine(map_type::user_ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto commands = user_ringbuf::open(map);
  REQUIRE(commands.has_value());
  const auto header = [&](std::size_t at) { return static_cast<std::uint32_t>(machine.word(1, 4096 + at)); };

  auto first = commands->reserve(5);
  auto second = commands->reserve(16);
  REQUIRE(first.has_value());
  REQUIRE(second.has_value());
  CHECK(header(0) == (5 | 1u << 31));
  CHECK(header(16) == (16 | 1u << 31));
  CHECK(machine.word(1, 0) == 40);

  std::move(*second).submit();
  CHECK(header(16) == 16);
  { const auto moved = std::move(*first); }
  CHECK(header(0) == (5 | 1u << 30));
  first->discard();  // it has nothing any more
  CHECK(header(0) == (5 | 1u << 30));

  struct pair {
    std::uint32_t first, second;
  };
  CHECK(commands->submit(pair{7, 8}).has_value());
  CHECK(header(40) == 8);
  CHECK(machine.word(1, 4096 + 48) == (std::uint64_t{8} << 32 | 7));
  CHECK(commands->used() == 56);
}

TEST_CASE("where somebody else moved a position nothing is reserved over what was not drained",
          "[user_ringbuf]") {
  ring_machine machine(map_type::user_ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto commands = user_ringbuf::open(map);
  REQUIRE(commands.has_value());
  const auto [which, position] = GENERATE(std::pair(0, 1 << 20), std::pair(1, 1 << 20), std::pair(1, 4));
  machine.put(static_cast<std::size_t>(which), 0, static_cast<std::uint64_t>(position));

  const auto got = commands->reserve(16);

  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().why == cause::ring_is_full);
}

TEST_CASE("a record of any size fits once the program has drained enough", "[user_ringbuf]") {
  ring_machine machine(map_type::user_ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto commands = user_ringbuf::open(map);
  REQUIRE(commands.has_value());

  CHECK(commands->reserve(4089).error().why == cause::record_too_large);
  CHECK(commands->reserve(0xffffffff).error().why == cause::record_too_large);
  CHECK(commands->reserve(4000).has_value());
  const auto full = commands->reserve(100);
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().at == step::reserve);
  CHECK(full.error().why == cause::ring_is_full);
  CHECK(full.error().code == 0);
  CHECK(std::string(full.error().name) == "ring");

  int waits = 0;
  machine.poll = [&](barebpf::detail::awaited* list, std::size_t, const barebpf::detail::kernel_time*) {
    list[0].seen = 1;
    machine.put(0, 0, ++waits == 1 ? 8 : 4008);  // which is not enough, and then is
    return 1L;
  };
  CHECK(commands->reserve(100, deadline::never()).has_value());
  CHECK(waits == 2);

  machine.poll = [&](barebpf::detail::awaited*, std::size_t, const barebpf::detail::kernel_time*) {
    return 0L;
  };
  CHECK(commands->reserve(4088, deadline::after_nanoseconds(5)).error().why == cause::ring_is_full);
  machine.poll = [&](barebpf::detail::awaited*, std::size_t, const barebpf::detail::kernel_time*) {
    return -static_cast<long>(ENOMEM);
  };
  CHECK(commands->reserve(4088, deadline::never()).error().code == ENOMEM);
}
