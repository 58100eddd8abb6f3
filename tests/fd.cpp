// SPDX-License-Identifier: MIT
#include <type_traits>
#include <utility>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::fd;
using names = std::vector<std::string>;

TEST_CASE("a descriptor is closed once, when its owner goes", "[fd]") {
  fake_machine machine;
  const int number = machine.open("file");

  {
    const fd owner = fd::own(number);
    CHECK(owner.number() == 3);
    CHECK(owner.raw() == 3u);
    CHECK(owner.is_open());
    CHECK(machine.names() == names{});
  }

  CHECK(machine.names() == names{"close"});
  CHECK(machine.calls[0].arguments[0] == 3);
}

TEST_CASE("descriptor 0 is owned like any other", "[fd]") {
  fake_machine machine;

  { const fd owner = fd::own(0); }

  CHECK(machine.names() == names{"close"});
  CHECK(machine.kind_of(0) == "closed");
}

TEST_CASE("moving a descriptor leaves the source empty, and it is still closed once", "[fd]") {
  fake_machine machine;
  fd first = fd::own(machine.open("file"));

  {
    const fd second(std::move(first));
    CHECK(second.number() == 3);
    CHECK_FALSE(first.is_open());
    CHECK(first.number() == -1);
  }

  CHECK(machine.names() == names{"close"});
}

TEST_CASE("a descriptor is moved into an empty one by assignment", "[fd]") {
  fake_machine machine;
  fd source = fd::own(machine.open("file"));

  {
    fd target;
    target = std::move(source);
    CHECK(target.number() == 3);
    CHECK_FALSE(source.is_open());
  }

  CHECK(machine.names() == names{"close"});
}

TEST_CASE("assigning a descriptor over another closes each of them once", "[fd]") {
  fake_machine machine;

  {
    fd target = fd::own(machine.open("map"));
    fd source = fd::own(machine.open("program"));
    target = std::move(source);
    CHECK(machine.kind_of(target.number()) == "program");
  }

  CHECK(machine.names() == names{"close", "close"});
}

TEST_CASE("moving a descriptor over another leaves the source empty", "[fd]") {
  fake_machine machine;
  fd target = fd::own(machine.open("map"));
  fd source = fd::own(machine.open("program"));

  target = std::move(source);

  CHECK_FALSE(source.is_open());
  CHECK(machine.left_open() == names{"program"});
}

TEST_CASE("a descriptor that is assigned to itself stays open", "[fd]") {
  fake_machine machine;
  fd owner = fd::own(machine.open("file"));
  fd& same = owner;

  owner = std::move(same);

  CHECK(owner.number() == 3);
  CHECK(machine.names() == names{});
}

TEST_CASE("a released descriptor belongs to whoever took it", "[fd]") {
  fake_machine machine;
  fd owner = fd::own(machine.open("file"));

  CHECK(owner.release() == 3);
  CHECK(owner.release() == -1);
  CHECK_FALSE(owner.is_open());

  CHECK(machine.names() == names{});
  CHECK(machine.left_open() == names{"file"});
  machine.forget(3);
}

TEST_CASE("a negative errno stays one and is never closed", "[fd]") {
  fake_machine machine;

  {
    const fd refused = fd::own(-EMFILE);
    CHECK(refused.number() == -24);
    CHECK_FALSE(refused.is_open());
  }
  {
    const fd empty;
    CHECK(empty.number() == -1);
    CHECK(empty.raw() == 0xffffffffu);
  }

  CHECK(machine.names() == names{});
}

TEST_CASE("an empty descriptor can be filled once", "[fd]") {
  fake_machine machine;

  {
    fd owner;
    owner.fill(machine.open("file"));
    CHECK(owner.number() == 3);
  }

  CHECK(machine.names() == names{"close"});
}

TEST_CASE("a descriptor cannot be copied", "[fd]") {
  CHECK_FALSE(std::is_copy_constructible_v<fd>);
  CHECK_FALSE(std::is_copy_assignable_v<fd>);
}

TEST_CASE("a descriptor above 2 stays where it is", "[fd]") {
  fake_machine machine;

  CHECK(barebpf::move_away(3) == 3);
  CHECK(barebpf::move_away(1000) == 1000);

  CHECK(machine.names() == names{});
}

TEST_CASE("a failed call is not moved", "[fd]") {
  fake_machine machine;

  CHECK(barebpf::move_away(-1) == -1);
  CHECK(barebpf::move_away(-EMFILE) == -24);

  CHECK(machine.names() == names{});
}

TEST_CASE("0, 1 and 2 are moved to 3 or above and closed", "[fd]") {
  for (const long number : {0L, 1L, 2L}) {
    CAPTURE(number);
    fake_machine machine;

    CHECK(barebpf::move_away(number) == 3);

    REQUIRE(machine.names() == names{"fcntl", "close"});
    CHECK(machine.calls[0].arguments[0] == number);
    CHECK(machine.calls[0].arguments[1] == 1030);
    CHECK(machine.calls[0].arguments[2] == 3);
    CHECK(machine.calls[1].arguments[0] == number);
    machine.forget(3);
  }
}

TEST_CASE("with a full table the descriptor is closed and the errno handed on", "[fd]") {
  fake_machine machine;
  machine.close_streams();
  const int number = machine.open("map");
  machine.table_size = 3;

  CHECK(barebpf::move_away(number) == -24);  // EMFILE

  CHECK(machine.names() == names{"fcntl", "close"});
  CHECK(machine.left_open() == names{});
}
