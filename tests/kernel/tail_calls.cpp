// SPDX-License-Identifier: MIT
// Prog arrays on the running kernel: what they begin with, how many tail calls it lets follow each other, and slots
// that are exchanged while programs run. Each by the compiler's reading and by the program's, with one answer.
#include <sched.h>

#include <atomic>
#include <ctime>
#include <string>
#include <thread>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "tail_calls.bpf.hpp"

namespace {

using barebpf::fd;
using barebpf::u32;
using barebpf::u64;
using barebpf::untyped_map;

constexpr barebpf::static_object<tail_calls> compiled;

untyped_map borrow(const fd& map) { return untyped_map::borrow(map.number(), {}); }

// What the tests look at, whoever read the object.
struct parts {
  const fd &loop, &ways, &again, &goes_left, &goes_right;
  const volatile u64 &tail_calls, &refused, &left, &right, &nowhere;
};

// Calls `check` with the parts of the object, loaded in both ways and attached.
template <class Check>
void with_both_readings(Check check) {
  {
    auto data = compiled.data();
    data.variable<"only_process", u32>() = static_cast<u32>(getpid());
    const auto loaded = compiled.load({.data = data.view()});
    require(loaded);
    const auto begins = loaded->attach<"begins">(), chooses = loaded->attach<"chooses">();
    require(begins);
    require(chooses);
    const auto tail_calls = loaded->variable<"tail_calls", u64>(),
               refused = loaded->variable<"refused", u64>(), left = loaded->variable<"left", u64>(),
               right = loaded->variable<"right", u64>(), nowhere = loaded->variable<"nowhere", u64>();
    check(parts{loaded->map_descriptor<"loop">(), loaded->map_descriptor<"ways">(),
                loaded->program<"again">(), loaded->program<"goes_left">(), loaded->program<"goes_right">(),
                **tail_calls, **refused, **left, **right, **nowhere});
  }
  const auto object = barebpf::object::open(BAREBPF_TEST_OBJECTS "/tail_calls.bpf.o");
  require(object);
  auto data = object->data();
  require(data);
  **data->variable<u32>("only_process") = static_cast<u32>(getpid());
  const auto loaded = object->load({.data = data->view()});
  require(loaded);
  const auto begins = loaded->attach("begins"), chooses = loaded->attach("chooses");
  require(begins);
  require(chooses);
  const auto tail_calls = loaded->variable<u64>("tail_calls"), refused = loaded->variable<u64>("refused"),
             left = loaded->variable<u64>("left"), right = loaded->variable<u64>("right"),
             nowhere = loaded->variable<u64>("nowhere");
  check(parts{**loaded->map_descriptor("loop"), **loaded->map_descriptor("ways"), **loaded->program("again"),
              **loaded->program("goes_left"), **loaded->program("goes_right"), **tail_calls, **refused,
              **left, **right, **nowhere});
}

u32 id_in(const fd& array, u32 slot) {
  u32 id = 0;
  return borrow(array).lookup_elem(&slot, &id) < 0 ? 0 : id;
}
long put(const fd& array, u32 slot, const fd& program) {
  const u32 number = program.raw();
  return borrow(array).update_elem(&slot, &number, 0);
}

}  // namespace

TEST_CASE("prog_array: begins with what values says, and lets 33 tail calls follow each other") {
  const int before = open_descriptors();
  with_both_readings([](const parts& of) {
    CHECK(id_in(of.loop, 3) == kernel_id(of.again));
    CHECK(id_in(of.loop, 0) == 0);
    CHECK(id_in(of.ways, 0) == 0);
    CHECK(id_in(of.ways, 1) == kernel_id(of.goes_left));

    static_cast<void>(getpgid(0));
    CHECK(of.tail_calls == 33);
    CHECK(of.refused == 1);
    static_cast<void>(getpgid(0));
    CHECK(of.tail_calls == 66);
    CHECK(of.refused == 2);
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("prog_array: a slot is exchanged while programs run, and every call goes one way") {
  with_both_readings([](const parts& of) {
    const u32 slot = 1;
    std::atomic<bool> is_over = false;
    std::atomic<u64> calls = 0;
    // After the second call from now on, one has begun and ended in the meantime.
    const auto let_call = [&calls] {
      for (const u64 before = calls; calls < before + 2;) sched_yield();
    };
    std::thread caller([&] {
      for (; !is_over; ++calls) static_cast<void>(getsid(0));
    });
    bool all_worked = true;
    // Each change takes a moment, and in an emulated kernel a long one.
    const std::time_t began = std::time(nullptr);
    for (int i = 0; i < 300 && (i < 20 || std::time(nullptr) - began < 2); ++i) {
      all_worked = put(of.ways, slot, of.goes_right) == 0 && all_worked;
      let_call();
      all_worked = borrow(of.ways).delete_elem(&slot) == 0 && all_worked;
      let_call();
      all_worked = put(of.ways, slot, of.goes_left) == 0 && all_worked;
      let_call();
    }
    is_over = true;
    caller.join();

    CHECK(all_worked);
    CHECK(of.left > 0);
    CHECK(of.right > 0);
    CHECK(of.nowhere > 0);
    CHECK(of.left + of.right + of.nowhere == calls);
  });
}

TEST_CASE("prog_array: one that was there before gets the programs of whoever loads") {
  const auto first = compiled.load();
  require(first);
  const fd& there = first->map_descriptor<"ways">();
  REQUIRE(id_in(there, 1) == kernel_id(first->program<"goes_left">()));
  const barebpf::map_change change[] = {compiled.change<"ways">({.replacement = there.number()})};

  const auto second = compiled.load({.maps = change});

  require(second);
  CHECK(id_in(there, 1) == kernel_id(second->program<"goes_left">()));
}
