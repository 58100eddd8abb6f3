// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/ring_machine.hpp"

using barebpf::cause;
using barebpf::map_type;
using barebpf::ringbuf;
using barebpf::step;
using record = barebpf::ringbuf::record;
using contents = std::vector<std::string>;

namespace {

constexpr std::uint32_t busy = 1u << 31, discarded = 1u << 30;

contents take_from(ringbuf& events, std::uint64_t at_most = ~std::uint64_t{0}) {
  contents out;
  events.consume([&](record r) { out.emplace_back(reinterpret_cast<const char*>(r.data()), r.size()); },
                 at_most);
  return out;
}

}  // namespace

TEST_CASE("a ring buffer is mapped by pages of any size", "[ringbuf]") {
  const std::size_t page = GENERATE(std::size_t{4096}, std::size_t{16384}, std::size_t{65536});
  ring_machine machine(map_type::ringbuf, 65536);
  machine.page = page;
  const barebpf::fd map = machine.open_map();

  const auto events = ringbuf::open(map);

  REQUIRE(events.has_value());
  CHECK(machine.asked_for ==
        std::vector<std::pair<std::size_t, std::size_t>>{{page, 0}, {page + 2 * 65536, page}});
  CHECK(events->size() == 65536);
  CHECK(events->descriptor().number() != map.number());
}

TEST_CASE("each step of opening a ring buffer can fail and leaves nothing", "[ringbuf]") {
  CHECK(fails_everywhere(map_type::ringbuf, 4096,
                         [](const barebpf::fd& map) { return ringbuf::open(map); }) == 5);
}

TEST_CASE("records are given until one is not finished", "[ringbuf]") {
  ring_machine machine(map_type::ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto events = ringbuf::open(map);
  REQUIRE(events.has_value());
  machine.send("one");
  machine.send("");
  machine.send("not this", discarded);
  machine.send("four", busy);
  machine.send("five");

  CHECK(take_from(*events) == contents{"one", ""});
  CHECK(machine.word(0, 0) == 16 + 8 + 16);
  CHECK(events->available() == 32);
  CHECK(take_from(*events).empty());
  machine.memory(1)[4096 + 40 + 3] = 0;  // the highest byte of the length
  CHECK(take_from(*events, 1) == contents{"four"});
  CHECK(take_from(*events) == contents{"five"});
  CHECK(events->available() == 0);
}

TEST_CASE("an empty record that is not finished holds up what is behind it, too", "[ringbuf]") {
  ring_machine machine(map_type::ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto events = ringbuf::open(map);
  REQUIRE(events.has_value());
  machine.send("", busy);
  machine.send("next");

  CHECK(take_from(*events).empty());
  CHECK(events->available() == 24);
}

TEST_CASE("a record goes on behind the end of the ring, and positions behind 4 GiB", "[ringbuf]") {
  ring_machine machine(map_type::ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto events = ringbuf::open(map);
  REQUIRE(events.has_value());
  constexpr std::uint64_t start = (std::uint64_t{1} << 32) - 16;
  machine.put(0, 0, start);
  machine.put(1, 0, start);
  machine.send("0123456789abcdefghij");
  machine.send("next");

  CHECK(events->available() == 48);
  CHECK(events->producer_position() == start + 48);
  CHECK(take_from(*events) == contents{"0123456789abcdefghij", "next"});
  CHECK(events->consumer_position() == start + 48);
}

TEST_CASE("a record is seen as a type of its size, or of less at its beginning", "[ringbuf]") {
  alignas(8) const unsigned char bytes[8] = {1, 0, 0, 0, 2, 0, 0, 0};
  const record r(bytes, 8);
  struct pair {
    std::uint32_t first, second;
  };

  CHECK(r.as<pair>() != nullptr);
  CHECK(r.as<std::uint32_t>() == nullptr);
  CHECK(r.begins_with<std::uint32_t>() == static_cast<const void*>(bytes));
  CHECK(r.bytes().size() == 8);
  CHECK(record(bytes, 7).begins_with<pair>() == nullptr);
}

TEST_CASE("in overwrite mode the oldest records that are left are given", "[ringbuf]") {
  ring_machine machine(map_type::ringbuf, 4096, barebpf::map_flag::rb_overwrite);
  const barebpf::fd map = machine.open_map();
  auto events = ringbuf::open(map);
  REQUIRE(events.has_value());
  for (const char* word : {"one", "two", "three", "four"}) machine.send(word);

  SECTION("all, when none was overwritten") {
    CHECK(take_from(*events) == contents{"one", "two", "three", "four"});
    CHECK(events->overwritten() == 0);
  }
  SECTION("those behind the ones that were") {
    machine.put(1, 16, 32);
    CHECK(take_from(*events) == contents{"three", "four"});
    CHECK(events->overwritten() == 32);
    CHECK(events->consumer_position() == 64);
  }
  SECTION("those behind the ones that were overwritten in between") {
    contents seen;
    events->consume([&](record r) {
      seen.emplace_back(reinterpret_cast<const char*>(r.data()), r.size());
      machine.put(1, 16, 48);
      machine.memory(1)[4096 + 16] = 0xff;  // "two" is no more
    });
    CHECK(seen == contents{"one", "four"});
    CHECK(events->overwritten() == 32);
  }
  SECTION("none, when all and more were") {
    machine.put(1, 16, 80);
    CHECK(take_from(*events).empty());
    CHECK(events->consumer_position() == 80);
    CHECK(take_from(*events).empty());
    CHECK(events->overwritten() == 80);
  }
  SECTION("none behind one that is being overwritten") {
    machine.memory(1)[4096 + 16 + 1] = 0x20;  // a length of 8195
    CHECK(take_from(*events) == contents{"one"});
    CHECK(events->overwritten() == 0);
  }
  SECTION("none at all while the first is being overwritten") {
    machine.memory(1)[4096 + 1] = 0x20;
    CHECK(take_from(*events).empty());
    CHECK(events->consumer_position() == 0);
  }
  SECTION("none behind one that is not finished") {
    machine.send("five", busy);
    machine.send("six");
    CHECK(take_from(*events).size() == 4);
  }
}

TEST_CASE("a position that somebody else wrote leads to no record outside of the ring", "[ringbuf]") {
  ring_machine machine(map_type::ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto events = ringbuf::open(map);
  REQUIRE(events.has_value());
  machine.send("lost");
  const auto position = static_cast<std::uint64_t>(GENERATE(4l, 16 - (1l << 20), 1l << 20));
  CAPTURE(position);
  machine.put(0, 0, position);

  CHECK(take_from(*events).empty());
  CHECK(events->available() == 0);
  machine.send("seen");
  CHECK(take_from(*events) == contents{"seen"});
}

TEST_CASE("a record that is longer than the ring is none", "[ringbuf]") {
  ring_machine machine(map_type::ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto events = ringbuf::open(map);
  REQUIRE(events.has_value());
  machine.send("one");
  machine.send("two");
  const std::uint32_t header = GENERATE(4089u, 0x3fffffffu, 0x7fffffffu);
  std::memcpy(machine.memory(1) + 4096 + 16, &header, sizeof header);

  CHECK(take_from(*events) == contents{"one"});
  CHECK(events->available() == 0);
  machine.send("seen");
  CHECK(take_from(*events) == contents{"seen"});
}

TEST_CASE("a header of nothing but ones is that of a record which is not finished", "[ringbuf]") {
  ring_machine machine(map_type::ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  auto events = ringbuf::open(map);
  REQUIRE(events.has_value());
  machine.send("one");
  const std::uint32_t header = ~std::uint32_t{0};
  std::memcpy(machine.memory(1) + 4096, &header, sizeof header);

  CHECK(take_from(*events).empty());
  CHECK(events->consumer_position() == 0);
}

TEST_CASE("a ring buffer of the other direction is told by its name", "[ringbuf]") {
  ring_machine machine(map_type::user_ringbuf, 4096);
  const barebpf::fd map = machine.open_map();
  const auto wrong = ringbuf::open(map);
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().at == step::find);
  CHECK(wrong.error().why == cause::wrong_map_type);
  CHECK(std::string(wrong.error().name) == "ring");
}
