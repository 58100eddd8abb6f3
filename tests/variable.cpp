// SPDX-License-Identifier: MIT
#include <type_traits>
#include <utility>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::fd;
using barebpf::map_origin;
using barebpf::map_spec;
using barebpf::mapped_variable;
using barebpf::number_form;
using barebpf::step;
using barebpf::variable_spec;
using names = std::vector<std::string>;

namespace {

constexpr std::uint32_t mmapable = 1u << 10;

constexpr map_spec data{.map_flags = mmapable, .origin = map_origin::data};
constexpr map_spec zeros{.map_flags = mmapable, .origin = map_origin::zeros};
constexpr map_spec constants{.map_flags = mmapable, .origin = map_origin::read_only_data};
constexpr map_spec hidden{.origin = map_origin::data};
constexpr map_spec hidden_constants{.origin = map_origin::read_only_data};
constexpr variable_spec number{.offset = 8, .size = 4, .form = number_form::signed_number};

static_assert(barebpf::can_be_seen_as<int>(data, number) == cause::none);
static_assert(barebpf::can_be_seen_as<const int>(data, number) == cause::none);
static_assert(barebpf::can_be_seen_as<volatile int>(zeros, number) == cause::none);
static_assert(barebpf::can_be_seen_as<const int>(constants, number) == cause::none);
static_assert(barebpf::can_be_seen_as<const volatile int>(constants, number) == cause::none);
static_assert(barebpf::can_be_seen_as<int>(constants, number) == cause::constant_variable);
static_assert(barebpf::can_be_seen_as<volatile int>(constants, number) == cause::constant_variable);
static_assert(barebpf::can_be_seen_as<int>(hidden, number) == cause::hidden_variable);
static_assert(barebpf::can_be_seen_as<int>(hidden_constants, number) == cause::hidden_variable);
static_assert(barebpf::can_be_seen_as<unsigned>(data, number) == cause::wrong_variable_sign);
static_assert(barebpf::can_be_seen_as<const unsigned>(data, number) == cause::wrong_variable_sign);
static_assert(barebpf::can_be_seen_as<long long>(data, number) == cause::wrong_variable_size);
// A type that does not fit is told first: who asks for the wrong one will have to correct it anyway.
static_assert(barebpf::can_be_seen_as<short>(constants, number) == cause::wrong_variable_size);
static_assert(barebpf::can_be_seen_as<const char[4]>(constants, variable_spec{.size = 4}) == cause::none);
static_assert(barebpf::can_be_seen_as<char[4]>(constants, variable_spec{.size = 4}) ==
              cause::constant_variable);

static_assert(!std::is_copy_constructible_v<mapped_variable<int>>);
static_assert(std::is_nothrow_move_constructible_v<mapped_variable<int>>);

}  // namespace

TEST_CASE("a variable is the memory of its section, mapped once and unmapped once", "[variable]") {
  fake_machine machine;
  const fd holder = fd::own(machine.open_map(2, 4, 5000, 1, mmapable));
  {
    const auto mapped = barebpf::map_variable<int>(holder, number, 5000, "number");
    REQUIRE(mapped);
    CHECK(machine.left_open() == names{"map", "mapping"});
    **mapped = 0x01020304;
    CHECK(*mapped->get() == 0x01020304);
    CHECK(reinterpret_cast<std::uintptr_t>(mapped->get()) ==
          static_cast<std::uintptr_t>(machine.calls[0].answer) + 8);
  }
  REQUIRE(machine.names() == names{"mmap", "munmap"});
  CHECK(machine.calls[0].arguments[1] == 8192);  // whole pages
  CHECK(machine.calls[0].arguments[2] == 3);     // PROT_READ | PROT_WRITE
  CHECK(machine.calls[0].arguments[4] == holder.number());
  CHECK(machine.calls[1].arguments[0] == machine.calls[0].answer);
  CHECK(machine.calls[1].arguments[1] == 8192);
  int seen = 0;
  std::memcpy(&seen, machine.first_value(holder.number()).data() + 8, sizeof seen);
  CHECK(seen == 0x01020304);
}

TEST_CASE("a const variable is mapped for reading alone", "[variable]") {
  fake_machine machine;
  const fd holder = fd::own(machine.open_map(2, 4, 16, 1, mmapable));

  const auto mapped = barebpf::map_variable<const int>(holder, number, 16, "number");

  REQUIRE(mapped);
  CHECK(machine.calls[0].arguments[1] == 4096);
  CHECK(machine.calls[0].arguments[2] == 1);  // PROT_READ
  CHECK(**mapped == 0);
}

TEST_CASE("members of a variable are reached like those of a pointer", "[variable]") {
  fake_machine machine;
  struct two {
    int first, second;
  };
  const fd holder = fd::own(machine.open_map(2, 4, 16, 1, mmapable));

  const auto mapped = barebpf::map_variable<two>(holder, {.offset = 8, .size = 8}, 16, "both");

  REQUIRE(mapped);
  (*mapped)->second = 7;
  CHECK(machine.first_value(holder.number())[barebpf::host_is_big_endian ? 15 : 12] == 7);
}

TEST_CASE("a mapped variable outlives the descriptor, and moves", "[variable]") {
  fake_machine machine;
  {
    fd holder = fd::own(machine.open_map(2, 4, 16, 1, mmapable));
    auto mapped = barebpf::map_variable<int>(holder, number, 16, "number");
    REQUIRE(mapped);
    holder = fd();
    mapped_variable<int> kept = std::move(*mapped);
    *kept = 5;
    mapped_variable<int> again = std::move(kept);
    CHECK(*again == 5);
    CHECK(machine.left_open() == names{"mapping"});
  }
  CHECK(machine.names() == names{"mmap", "close", "munmap"});
}

TEST_CASE("two looks at one variable are two mappings of one memory", "[variable]") {
  fake_machine machine;
  const fd holder = fd::own(machine.open_map(2, 4, 16, 1, mmapable));
  const auto first = barebpf::map_variable<int>(holder, number, 16, "number");
  {
    const auto second = barebpf::map_variable<int>(holder, number, 16, "number");
    REQUIRE(first);
    REQUIRE(second);
    **second = 9;
  }
  CHECK(**first == 9);
  CHECK(machine.left_open() == names{"map", "mapping"});
}

TEST_CASE("a variable that cannot be mapped is named, with the errno", "[variable]") {
  for (const int code : {ENOMEM, EPERM, EACCES, EINVAL, 4095}) {
    CAPTURE(code);
    fake_machine machine;
    machine.refusals["mmap"] = {code};
    const fd holder = fd::own(machine.open_map(2, 4, 16, 1, mmapable));

    const auto mapped = barebpf::map_variable<int>(holder, number, 16, "number");

    REQUIRE_FALSE(mapped);
    CHECK(mapped.error().at == step::map_memory);
    CHECK(mapped.error().code == code);
    CHECK(mapped.error().why == cause::none);
    CHECK(std::string(mapped.error().name) == "number");
    CHECK(machine.names() == names{"mmap"});
  }
}
