// SPDX-License-Identifier: MIT
// Maps without keys on the running kernel: a program pushes and user space takes, and the other way round.
#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "queues.bpf.hpp"

namespace {

constexpr barebpf::static_object<queues> object;

auto load() { return load_for_this_process(object); }

}  // namespace

TEST_CASE("queue: a program pushes, user space takes in order, and the other way round", "[needs 5.16]") {
  const auto loaded = load();
  const auto pushes = loaded->attach<"pushes">();
  const auto takes = loaded->attach<"takes">();
  REQUIRE(pushes.has_value());
  REQUIRE(takes.has_value());
  auto from_program = loaded->map<"to_user_queue", barebpf::no_key, std::uint64_t>();
  auto to_program = loaded->map<"to_program_queue", barebpf::no_key, std::uint64_t>();

  CHECK(from_program.pop_elem().error().code == ENOENT);
  CHECK(from_program.peek_elem().error().code == ENOENT);
  for (int i = 0; i < 10; ++i) static_cast<void>(getpgid(0));  // two more than there is room for
  CHECK(from_program.peek_elem().value_or(0) == 3);
  for (std::uint64_t call = 3; call <= 10; ++call) CHECK(from_program.pop_elem().value_or(0) == call);
  CHECK(from_program.pop_elem().error().code == ENOENT);

  for (const std::uint64_t value : {4u, 7u, 1u}) REQUIRE(to_program.push_elem(value).has_value());
  for (int i = 0; i < 3; ++i) static_cast<void>(getsid(0));
  CHECK(**loaded->variable<"queue_order", std::uint64_t>() == 471);
  CHECK(**loaded->variable<"peeked", std::uint64_t>() == 1);
}

TEST_CASE("stack: the same, last in, first out", "[needs 5.16]") {
  const auto loaded = load();
  const auto pushes = loaded->attach<"pushes">();
  const auto takes = loaded->attach<"takes">();
  REQUIRE(pushes.has_value());
  REQUIRE(takes.has_value());
  auto from_program = loaded->map<"to_user_stack", barebpf::no_key, std::uint64_t>();
  auto to_program = loaded->map<"to_program_stack", barebpf::no_key, std::uint64_t>();

  for (int i = 0; i < 10; ++i) static_cast<void>(getpgid(0));  // the last two find it full
  CHECK(from_program.peek_elem().value_or(0) == 8);
  for (std::uint64_t call = 8; call >= 1; --call) CHECK(from_program.pop_elem().value_or(0) == call);
  CHECK(from_program.pop_elem().error().code == ENOENT);

  for (const std::uint64_t value : {4u, 7u, 1u}) REQUIRE(to_program.push_elem(value).has_value());
  for (int i = 0; i < 3; ++i) static_cast<void>(getsid(0));
  CHECK(**loaded->variable<"stack_order", std::uint64_t>() == 174);
}

TEST_CASE("bloom_filter: what a program pushed is known to user space, and the other way round",
          "[needs 5.16]") {
  const auto loaded = load();
  const auto pushes = loaded->attach<"pushes">();
  const auto takes = loaded->attach<"takes">();
  REQUIRE(pushes.has_value());
  REQUIRE(takes.has_value());
  auto seen = loaded->map<"seen", barebpf::no_key, std::uint64_t>();

  CHECK_FALSE(seen.may_contain(1).value_or(true));
  for (int i = 0; i < 5; ++i) static_cast<void>(getpgid(0));
  for (std::uint64_t call = 1; call <= 5; ++call) CHECK(seen.may_contain(call).value_or(false));
  int wrong = 0;
  for (std::uint64_t other = 1000; other < 2000; ++other)
    wrong += seen.may_contain(other).value_or(true) ? 1 : 0;
  CHECK(wrong < 10);  // of five elements in a filter for a thousand

  auto to_program = loaded->map<"to_program_stack", barebpf::no_key, std::uint64_t>();
  REQUIRE(seen.push_elem(77).has_value());
  REQUIRE(to_program.push_elem(77).has_value());
  REQUIRE(to_program.push_elem(78).has_value());
  for (int i = 0; i < 2; ++i) static_cast<void>(getsid(0));
  CHECK(**loaded->variable<"known", std::uint64_t>() == 1);
}

TEST_CASE("a full queue says so, and gives way to the newest when asked to") {
  auto queue = barebpf::queue_map<int>::create({.name = "queue", .max_entries = 2});
  REQUIRE(queue.has_value());
  REQUIRE(queue->push_elem(1).has_value());
  REQUIRE(queue->push_elem(2).has_value());

  CHECK(queue->push_elem(3).error().code == E2BIG);
  REQUIRE(queue->push_elem(3, barebpf::update::exist).has_value());
  CHECK(queue->pop_elem().value_or(0) == 2);
  CHECK(queue->pop_elem().value_or(0) == 3);
  CHECK(queue->info()->key_size == 0);
}
