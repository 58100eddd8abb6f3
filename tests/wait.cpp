// SPDX-License-Identifier: MIT
#include <chrono>

#include "support/catch.hpp"
#include "support/ring_machine.hpp"

using barebpf::deadline;
using barebpf::step;
using barebpf::detail::awaited;
using barebpf::detail::kernel_time;

namespace {

// Something to wait for.
struct thing {
  barebpf::fd number;
  [[nodiscard]] const barebpf::fd& descriptor() const noexcept { return number; }
};
struct knowing_thing : thing {
  bool knows = false;
  [[nodiscard]] bool is_ready() const noexcept { return knows; }
};

}  // namespace

TEST_CASE("a deadline counts from the clock and never wraps", "[wait]") {
  ring_machine machine(barebpf::map_type::ringbuf, 4096);
  machine.now = 5'000'000'000;

  CHECK(deadline::now().left() == 0);
  CHECK(deadline::never().is_never());
  CHECK(deadline::after_nanoseconds(100).left() == 99);
  CHECK(deadline::after(std::chrono::milliseconds(2)).left() == 1'999'999);
  CHECK(deadline::after(std::chrono::hours(1)).left() == 3'599'999'999'999);
  CHECK(deadline::after(std::chrono::nanoseconds(-1)).left() == 0);
  CHECK(deadline::after(std::chrono::hours::max()).is_never());
  CHECK(deadline::after_nanoseconds(~std::uint64_t{0}).is_never());
  machine.now = 1;
  const deadline passed = deadline::after_nanoseconds(3);
  machine.now = 4;
  CHECK(passed.left() == 0);
}

TEST_CASE("a signal makes the rest of the wait shorter, and no more", "[wait]") {
  ring_machine machine(barebpf::map_type::ringbuf, 4096);
  const thing one{machine.open_map()};
  std::vector<std::int64_t> waited;
  machine.poll = [&](awaited*, std::size_t count, const kernel_time* time) -> long {
    CHECK(count == 1);
    waited.push_back(time->seconds * 1'000'000'000 + time->nanoseconds);
    machine.now += 1'000'000'000;
    return waited.size() < 3 ? -EINTR : 0;
  };

  const auto ready = barebpf::wait(deadline::after_nanoseconds(2'500'000'000), one);

  REQUIRE(ready.has_value());
  CHECK_FALSE(*ready);
  CHECK(waited == std::vector<std::int64_t>{2'499'999'999, 1'499'999'998, 499'999'997});
}

TEST_CASE("what is ready is told in the order of the arguments", "[wait]") {
  ring_machine machine(barebpf::map_type::ringbuf, 4096);
  const thing first{machine.open_map()}, second{machine.open_map()}, third{machine.open_map()};
  machine.poll = [&](awaited* list, std::size_t count, const kernel_time* time) -> long {
    REQUIRE(count == 3);
    CHECK(time == nullptr);
    CHECK(list[2].number == third.number.number());
    CHECK(list[0].events == 1);
    list[1].seen = 1;
    list[2].seen = 8;  // POLLERR
    return 2;
  };

  const auto ready = barebpf::wait(deadline::never(), first, second, third);

  REQUIRE(ready.has_value());
  CHECK(*ready);
  CHECK_FALSE((*ready)[0]);
  CHECK((*ready)[1]);
  CHECK((*ready)[2]);
}

TEST_CASE("what knows by itself whether it is ready has the last word", "[wait]") {
  ring_machine machine(barebpf::map_type::ringbuf, 4096);
  knowing_thing one{{machine.open_map()}};
  const thing other{machine.open_map()};
  int calls = 0;
  machine.poll = [&](awaited* list, std::size_t, const kernel_time* time) -> long {
    ++calls;
    CHECK(list[0].seen == 0);
    if (one.knows) {
      CHECK(time != nullptr);  // it does not sleep, and still looks at the other
      list[1].seen = 1;
      return 1;
    }
    if (calls == 2) one.knows = true;
    list[0].seen = 1;
    return 1;
  };

  const auto woken = barebpf::wait(deadline::never(), one, other);
  REQUIRE(woken.has_value());
  CHECK(calls == 2);
  CHECK((*woken)[0]);
  CHECK_FALSE((*woken)[1]);
  const auto both = barebpf::wait(deadline::never(), one, other);
  CHECK((*both)[0]);
  CHECK((*both)[1]);
}

TEST_CASE("who has no descriptor is not waited for", "[wait]") {
  ring_machine machine(barebpf::map_type::ringbuf, 4096);
  const thing none{}, closed{machine.open_map()};
  machine.poll = [](awaited* list, std::size_t, const kernel_time*) -> long {
    list[0].seen = 0x20;  // POLLNVAL
    return 1;
  };

  for (const auto& failed :
       {barebpf::wait(deadline::never(), none), barebpf::wait(deadline::never(), closed)}) {
    REQUIRE_FALSE(failed.has_value());
    CHECK(failed.error().at == step::wait);
    CHECK(failed.error().code == EBADF);
  }
  CHECK(machine.names == std::vector<std::string>{"ppoll"});
}

TEST_CASE("stoppers and sets close what they open, and say what went wrong", "[wait]") {
  ring_machine machine(barebpf::map_type::ringbuf, 4096);
  {
    const auto stop = barebpf::stopper::make();
    auto set = barebpf::wait_set::make();
    REQUIRE(stop.has_value());
    REQUIRE(set.has_value());
    CHECK(set->add(*stop).has_value());
    machine.failing_call = machine.names.size();
    machine.failing_code = EEXIST;
    CHECK(set->add(*stop).error().code == EEXIST);
    stop->stop();
    stop->reset();
  }
  machine.failing_call = machine.names.size();
  CHECK(barebpf::stopper::make().error().at == step::wait);
  machine.failing_call = machine.names.size();
  CHECK(barebpf::wait_set::make().error().at == step::wait);
}
