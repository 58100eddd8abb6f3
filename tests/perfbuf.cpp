// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/ring_machine.hpp"

using barebpf::cause;
using barebpf::map_type;
using barebpf::perfbuf;
using barebpf::step;
using contents = std::vector<std::string>;

namespace {

constexpr std::size_t page = 4096, head = 1024, tail = 1032;

// Puts a record of the kernel's into the ring of one page that is mapping `which`.
void put(ring_machine& machine, std::size_t which, std::uint32_t type, const std::string& body) {
  const std::uint64_t at = machine.word(which, head);
  const auto size = static_cast<std::uint16_t>(8 + body.size());
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &type, 4);
  std::memcpy(bytes.data() + 6, &size, 2);
  bytes += body;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    machine.memory(which)[page + (at + i) % page] = static_cast<unsigned char>(bytes[i]);
  machine.put(which, head, at + bytes.size());
}
// As PERF_RECORD_SAMPLE, lengthened like the kernel does.
void put_sample(ring_machine& machine, std::size_t which, std::string content) {
  content.resize((content.size() + 4 + 7) / 8 * 8 - 4, '.');
  const auto size = static_cast<std::uint32_t>(content.size());
  put(machine, which, 9, std::string(reinterpret_cast<const char*>(&size), 4) + content);
}
void put_lost(ring_machine& machine, std::size_t which, std::uint64_t count) {
  const std::uint64_t body[] = {77, count};
  put(machine, which, 2, std::string(reinterpret_cast<const char*>(body), sizeof body));
}

contents take_from(perfbuf& events, std::uint64_t at_most = ~std::uint64_t{0}) {
  contents out;
  events.consume(
      [&](const perfbuf::sample& s) {
        out.push_back(std::to_string(s.cpu()) +
                      std::string(reinterpret_cast<const char*>(s.data()), s.size()));
      },
      at_most);
  return out;
}

}  // namespace

TEST_CASE("each step of opening a perf buffer can fail and leaves nothing", "[perfbuf]") {
  CHECK(fails_everywhere(map_type::perf_event_array, 8,
                         [](const barebpf::fd& map) { return perfbuf::open(map); }) == 14);
}

TEST_CASE("each CPU that runs has an event in its slot", "[perfbuf]") {
  ring_machine machine(map_type::perf_event_array, 3);
  machine.cpus = "0-7\n";
  machine.offline = {1};
  const barebpf::fd map = machine.open_map();
  {
    const auto events = perfbuf::open(map, {.pages = 4});
    REQUIRE(events.has_value());
    CHECK(events->cpus() == 2);
    CHECK(machine.slots.size() == 2);
    CHECK(machine.slots.count(0) == 1);
    CHECK(machine.slots.count(2) == 1);
    CHECK(machine.asked_for ==
          std::vector<std::pair<std::size_t, std::size_t>>{{5 * page, 0}, {5 * page, 0}});
  }
  CHECK(machine.slots.empty());
}

TEST_CASE("a perf buffer for no CPU says so", "[perfbuf]") {
  ring_machine machine(map_type::perf_event_array, 2);
  machine.offline = {0, 1};
  const barebpf::fd map = machine.open_map();

  const auto none = perfbuf::open(map);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().at == step::open_cpu_event);
  CHECK(none.error().code == ENODEV);
  const auto odd = perfbuf::open(map, {.pages = 3});
  REQUIRE_FALSE(odd.has_value());
  CHECK(odd.error().why == cause::bad_page_count);
}

TEST_CASE("samples are given and losses counted, one CPU after the other", "[perfbuf]") {
  ring_machine machine(map_type::perf_event_array, 2);
  const barebpf::fd map = machine.open_map();
  auto opened = perfbuf::open(map, {.pages = 1});
  REQUIRE(opened.has_value());
  perfbuf events = std::move(*opened);
  CHECK_FALSE(events.is_ready());
  put_sample(machine, 0, "zero");
  put_lost(machine, 0, 5);
  put_sample(machine, 1, "one");
  put(machine, 1, 12, "unknown!");
  put_sample(machine, 1, "more of CPU 1");
  CHECK(events.is_ready());
  CHECK(events.available() == 16 + 24 + 16 + 16 + 32);

  CHECK(take_from(events, 1) == contents{"0zero"});
  CHECK(machine.word(0, tail) == 16);
  CHECK(events.lost() == 0);
  CHECK(take_from(events) == contents{"1one.", "1more of CPU 1......."});
  CHECK(events.lost() == 5);
  CHECK_FALSE(events.is_ready());
  CHECK(machine.word(1, tail) == machine.word(1, head));
}

TEST_CASE("a sample that reaches over the end is put together", "[perfbuf]") {
  ring_machine machine(map_type::perf_event_array, 1);
  const barebpf::fd map = machine.open_map();
  auto events = perfbuf::open(map, {.pages = 1});
  REQUIRE(events.has_value());
  constexpr std::uint64_t start = (std::uint64_t{1} << 33) - 8;  // only the header is before the end
  machine.put(0, head, start);
  machine.put(0, tail, start);
  put_sample(machine, 0, "0123456789abcdef");
  put_sample(machine, 0, "next");

  CHECK(take_from(*events) == contents{"00123456789abcdef....", "0next"});
  CHECK(machine.word(0, tail) == start + 32 + 16);
}

TEST_CASE("a ring in which is no record is passed over", "[perfbuf]") {
  ring_machine machine(map_type::perf_event_array, 1);
  machine.cpus = "0\n";
  const barebpf::fd map = machine.open_map();
  auto events = perfbuf::open(map, {.pages = 1});
  REQUIRE(events.has_value());
  put_sample(machine, 0, "one");
  const auto size = static_cast<std::uint16_t>(GENERATE(0, 8, 0xfff8));
  const bool is_of_the_sample = GENERATE(false, true);
  const std::uint32_t length = 0xffff;
  if (is_of_the_sample)
    std::memcpy(machine.memory(0) + page + 8, &length, sizeof length);
  else
    std::memcpy(machine.memory(0) + page + 6, &size, sizeof size);

  CHECK(take_from(*events).empty());
  CHECK_FALSE(events->is_ready());
  put_sample(machine, 0, "two");
  CHECK(take_from(*events) == contents{"0two."});
  machine.put(0, tail, 1 << 20);
  CHECK(take_from(*events).empty());
  CHECK_FALSE(events->is_ready());
}

TEST_CASE("a sample is copied into a type of its size alone", "[perfbuf]") {
  const unsigned char bytes[12] = {1, 0, 0, 0, 0, 0, 0, 0, 2};
  const perfbuf::sample s(bytes, 12, 3);
  std::uint64_t word = 0;
  std::uint32_t half = 7;
  struct {
    std::uint64_t words[2];
  } two{};

  CHECK(s.copy_to(word));
  CHECK(word == 1);
  CHECK_FALSE(s.copy_to(half));
  CHECK(half == 7);
  CHECK_FALSE(s.copy_to(two));
  CHECK(s.cpu() == 3);
  CHECK(s.bytes().size() == 12);
}
