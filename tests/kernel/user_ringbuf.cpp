// SPDX-License-Identifier: MIT
// The ring buffer in the other direction: user space sends, and a program takes all of it in order.
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "user_ringbuf.bpf.hpp"

using barebpf::cause;
using barebpf::deadline;
using std::chrono::milliseconds;

namespace {

constexpr barebpf::static_object<user_ringbuf> object;

auto load() { return load_for_this_process(object); }
template <class Loaded>
barebpf::user_ringbuf open(const Loaded& loaded) {
  auto opened = barebpf::user_ringbuf::open(loaded->template map_descriptor<"commands">());
  INFO((opened ? std::string() : sentence(opened.error())));
  REQUIRE(opened.has_value());
  return std::move(*opened);
}
template <barebpf::name Name, class Loaded>
std::uint64_t counted(const Loaded& loaded) {
  return **loaded->template variable<Name, std::uint64_t>();
}
void drain() { static_cast<void>(getpgid(0)); }

}  // namespace

TEST_CASE("user_ringbuf: a program takes every record, once and in order", "[needs 6.1][needs jit]") {
  const auto loaded = load();
  const auto drains = loaded->attach<"drains">();
  REQUIRE(drains.has_value());
  auto commands = open(loaded);

  std::uint64_t next = 0, sum = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 100; ++i) {
      sum += next;
      REQUIRE(commands.submit(next++).has_value());
    }
    CHECK(commands.used() == 1600);
    drain();
    CHECK(**loaded->variable<"answer", std::int64_t>() == 100);
    CHECK(commands.used() == 0);
  }
  // 2000 records of 16 bytes went round several times.
  CHECK(commands.producer_position() == 32000);
  CHECK(commands.consumer_position() == 32000);
  CHECK(commands.size() == 4096);
  CHECK(counted<"drained">(loaded) == 2000);
  CHECK(counted<"in_order">(loaded) == 2000);
  CHECK(counted<"sum">(loaded) == sum);
  CHECK(counted<"short_ones">(loaded) == 0);
}

TEST_CASE(
    "user_ringbuf: a reservation that is let go is discarded, and one that is kept holds up those behind "
    "it",
    "[needs 6.1][needs jit]") {
  const auto loaded = load();
  const auto drains = loaded->attach<"drains">();
  REQUIRE(drains.has_value());
  auto commands = open(loaded);

  auto kept = commands.reserve(8);
  REQUIRE(kept.has_value());
  { const auto dropped = commands.reserve(100); }
  REQUIRE(commands.submit(std::uint64_t{1}).has_value());
  drain();
  CHECK(counted<"drained">(loaded) == 0);
  CHECK(commands.used() == 16 + 112 + 16);

  const std::uint64_t zero = 0;
  REQUIRE(kept->bytes().size() == 8);
  __builtin_memcpy(kept->bytes().data(), &zero, 8);
  std::move(*kept).submit();
  drain();
  CHECK(counted<"drained">(loaded) == 2);
  CHECK(counted<"in_order">(loaded) == 2);
  CHECK(commands.used() == 0);

  auto first = commands.reserve(3);
  auto second = commands.reserve(8);
  REQUIRE(second.has_value());
  *second = std::move(*first);  // what the second held is discarded
  std::move(*second).submit();
  drain();
  CHECK(counted<"drained">(loaded) == 3);
  CHECK(counted<"short_ones">(loaded) == 1);
  CHECK(commands.used() == 0);
}

TEST_CASE("user_ringbuf: a full ring and a record that never fits are told apart", "[needs 6.1][needs jit]") {
  const auto loaded = load();
  const auto drains = loaded->attach<"drains">();
  REQUIRE(drains.has_value());
  auto commands = open(loaded);

  std::uint64_t sent = 0;
  while (commands.submit(sent)) ++sent;
  CHECK(sent == 256);
  const auto full = commands.reserve(8);
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().at == barebpf::step::reserve);
  CHECK(full.error().why == cause::ring_is_full);
  CHECK(std::string(full.error().name) == "commands");
  const auto passed = commands.reserve(8, deadline::after(milliseconds(5)));
  REQUIRE_FALSE(passed.has_value());
  CHECK(passed.error().why == cause::ring_is_full);
  CHECK(commands.reserve(4096).error().why == cause::record_too_large);
  CHECK(commands.reserve(0xffffffff, deadline::never()).error().why == cause::record_too_large);

  drain();
  CHECK(counted<"in_order">(loaded) == 256);
  auto whole = commands.reserve(4088);
  REQUIRE(whole.has_value());
  whole->bytes()[4087] = 7;
  std::move(*whole).submit();
  drain();
  CHECK(counted<"drained">(loaded) == 257);
}

TEST_CASE("user_ringbuf: who waits for room gets it when a program has drained enough",
          "[needs 6.1][needs jit]") {
  const auto loaded = load();
  const auto drains = loaded->attach<"drains">();
  REQUIRE(drains.has_value());
  auto commands = open(loaded);
  **loaded->variable<"at_most", std::uint32_t>() = 1;
  for (std::uint64_t i = 0; i < 256; ++i) REQUIRE(commands.submit(i).has_value());

  // One record makes room for one, so that a larger one waits through several drains.
  std::thread other([] {
    for (int i = 0; i < 4; ++i) {
      std::this_thread::sleep_for(milliseconds(2));
      drain();
    }
  });
  auto got = commands.reserve(56, deadline::never());
  other.join();
  REQUIRE(got.has_value());
  CHECK(counted<"drained">(loaded) == 4);
  got->discard();

  // What was drained before does not wake: there is room for nothing.
  const auto ready = barebpf::wait(deadline::now(), commands);
  REQUIRE(commands.reserve(8).error().why == cause::ring_is_full);
  CHECK(ready.has_value());
  CHECK_FALSE(*barebpf::wait(deadline::now(), commands));
  drain();
  CHECK(*barebpf::wait(deadline::never(), commands));
  CHECK(commands.reserve(8).has_value());
}

TEST_CASE("user_ringbuf: a thread sends while programs drain", "[needs 6.1][needs jit]") {
  const auto loaded = load();
  const auto drains = loaded->attach<"drains">();
  REQUIRE(drains.has_value());
  auto commands = open(loaded);
  constexpr std::uint64_t count = 20000;

  std::atomic<std::uint64_t> failures = 0;
  std::thread sender([&] {
    for (std::uint64_t i = 0; i < count; ++i) {
      auto got = commands.reserve(8, deadline::never());
      if (!got) {
        ++failures;
        return;
      }
      __builtin_memcpy(got->bytes().data(), &i, 8);
      std::move(*got).submit();
    }
  });
  const auto drained = loaded->variable<"drained", std::uint64_t>();
  // Whoever looks meanwhile sees positions that go forward.
  std::uint64_t taken = 0, put = 0, backwards = 0;
  while (__atomic_load_n(&**drained, __ATOMIC_RELAXED) < count && failures == 0) {
    drain();
    const std::uint64_t consumed = commands.consumer_position(), produced = commands.producer_position();
    if (consumed < taken || produced < put || produced < consumed) ++backwards;
    taken = consumed;
    put = produced;
  }
  sender.join();
  CHECK(backwards == 0);
  CHECK(failures == 0);
  CHECK(counted<"in_order">(loaded) == count);
  CHECK(counted<"sum">(loaded) == count * (count - 1) / 2);
}

TEST_CASE("user_ringbuf: what is none is told apart, and nothing stays open", "[needs 6.1][needs jit]") {
  const int before = open_descriptors();
  {
    const auto loaded = load();
    auto commands = open(loaded);
    CHECK(barebpf::ringbuf::open(loaded->map_descriptor<"commands">()).error().why == cause::wrong_map_type);
    const auto hash = barebpf::hash_map<int, int>::create({.name = "no_ring", .max_entries = 1});
    REQUIRE(hash.has_value());
    CHECK(barebpf::user_ringbuf::open(hash->descriptor()).error().why == cause::wrong_map_type);
    CHECK(barebpf::user_ringbuf::open(loaded->program<"drains">()).error().why == cause::not_a_map);
    CHECK(is_explained(barebpf::user_ringbuf::open(barebpf::fd()).error(), barebpf::step::obj_get_info_by_fd,
                       EBADFD));
    const barebpf::abi::map_create attr{
        .map_type = static_cast<std::uint32_t>(barebpf::map_type::user_ringbuf), .max_entries = 5000};
    const long answer = barebpf::create_map(attr);
    REQUIRE(answer == -EINVAL);
    CHECK(barebpf::explain_refusal(attr, answer) == cause::bad_ring_size);
  }
  CHECK(open_descriptors() == before);
}
