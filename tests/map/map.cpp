// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "../support/catch.hpp"
#include "../support/fake_machine.hpp"
#include "../support/library.hpp"

using barebpf::cause;
using barebpf::step;
using barebpf::update;
using names = std::vector<std::string>;
using counts = barebpf::hash_map<int, std::int64_t>;

namespace {

// An error about the map "hits", all of whose other bytes are zero.
void check_error(const barebpf::error& error, step at, int code) {
  CHECK(error.at == at);
  CHECK(error.code == code);
  CHECK(error.why == cause::none);
  CHECK(error.offset == 0);
  CHECK(std::string(error.name, sizeof error.name) == std::string("hits") + std::string(44, '\0'));
}

struct large_value {
  int numbers[300];
};

}  // namespace

TEST_CASE("create hands over 72 bytes: type, sizes, entries, flags, name and zeros", "[map]") {
  fake_machine machine;

  const auto map = counts::create({.name = "hits", .max_entries = 16, .map_flags = 1});

  REQUIRE(map);
  REQUIRE(machine.names() == names{"map_create"});
  CHECK(machine.calls[0].arguments[2] == 72);
  CHECK(machine.calls[0].attr ==
        record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 16).u32(16, 1).text(28, "hits"));
  CHECK(map->map_name() == "hits");
  CHECK(map->descriptor().number() == 3);
}

TEST_CASE("create takes names of 15 characters and of none", "[map]") {
  fake_machine machine;

  CHECK(counts::create({.name = "Fifteen_chars.9", .max_entries = 1}));
  CHECK(counts::create({.max_entries = 1}));

  CHECK(machine.calls[0].text(28) == "Fifteen_chars.9");
  CHECK(machine.all("map_create")[1].attr == record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 1));
}

TEST_CASE("create refuses a name that the kernel would refuse, before asking it", "[map]") {
  fake_machine machine;

  for (const char* name : {"sixteen_letters_", "with space", "slash/es", "dash-es", "tab\t", "\xc3\xa9"}) {
    CAPTURE(name);
    const auto map = counts::create({.name = name, .max_entries = 1});
    REQUIRE_FALSE(map);
    CHECK(map.error().at == step::map_create);
    CHECK(map.error().why == cause::bad_name);
    CHECK(map.error().code == 0);
    CHECK(std::string(map.error().name) == name);
  }

  CHECK(machine.names() == names{});
}

TEST_CASE("create leaves it to the kernel to refuse entries and flags, and then says what was wrong", "[map]") {
  fake_machine machine;
  machine.refusals["map_create"] = {EINVAL, E2BIG, ENOMEM, EMFILE};

  for (const int code : {EINVAL, E2BIG, ENOMEM, EMFILE}) {
    const auto map = counts::create({.name = "hits"});
    REQUIRE_FALSE(map);
    CHECK(map.error().why == (code == EINVAL || code == E2BIG ? cause::no_entries : cause::none));
    barebpf::error plain = map.error();
    plain.why = cause::none;
    check_error(plain, step::map_create, code);
  }

  // Only after a refusal that may be about the map itself is the kernel asked how old it is.
  CHECK(machine.names() == names{"map_create", "uname", "map_create", "uname", "map_create", "map_create"});
}

TEST_CASE("after EPERM create tells which capability is missing", "[map]") {
  fake_machine machine;
  machine.refusals["map_create"] = {EPERM, EPERM};

  machine.capabilities = 0;
  const auto without = counts::create({.name = "hits", .max_entries = 1});
  machine.capabilities = 1ull << 39;  // CAP_BPF
  const auto with = counts::create({.name = "hits", .max_entries = 1});

  REQUIRE_FALSE(without);
  CHECK(without.error().at == step::map_create);
  CHECK(without.error().code == 1);
  CHECK(without.error().why == cause::needs_cap_bpf);
  CHECK(std::string(without.error().name) == "hits");
  REQUIRE_FALSE(with);
  check_error(with.error(), step::map_create, 1);
  CHECK(machine.names() == names{"map_create", "capget", "map_create", "capget", "readlinkat"});
}

TEST_CASE("an element is stored, found, replaced and deleted", "[map]") {
  fake_machine machine;
  auto map = counts::create({.name = "hits", .max_entries = 4});
  REQUIRE(map);

  REQUIRE(map->update_elem(-5, 40));
  CHECK(map->lookup_elem(-5).value() == 40);
  REQUIRE(map->update_elem(-5, 41));
  CHECK(map->lookup_elem(-5).value() == 41);
  REQUIRE(map->delete_elem(-5));
  CHECK(map->lookup_elem(-5).error().code == 2);  // ENOENT
}

TEST_CASE("update modes reach the kernel as flags 0, 1 and 2", "[map]") {
  fake_machine machine;
  auto map = counts::create({.name = "hits", .max_entries = 4});
  REQUIRE(map);

  CHECK(map->update_elem(1, 1, update::exist).error().code == 2);  // ENOENT
  CHECK(map->update_elem(1, 1, update::noexist));
  CHECK(map->update_elem(1, 2, update::noexist).error().code == 17);  // EEXIST
  CHECK(map->update_elem(1, 3, update::exist));
  CHECK(map->update_elem(1, 4, update::any));
  CHECK(map->update_elem(1, 5));

  CHECK(map->lookup_elem(1).value() == 5);
  const auto updates = machine.all("map_update_elem");
  std::vector<std::uint64_t> flags;
  for (const seen_call& call : updates) flags.push_back(call.u64(24));
  CHECK(flags == std::vector<std::uint64_t>{2, 1, 1, 2, 0, 0});
}

TEST_CASE("a full map says E2BIG", "[map]") {
  fake_machine machine;
  auto map = counts::create({.name = "hits", .max_entries = 1});
  REQUIRE(map);
  REQUIRE(map->update_elem(1, 1));

  const auto second = map->update_elem(2, 2);

  REQUIRE_FALSE(second);
  check_error(second.error(), step::map_update_elem, 7);
}

TEST_CASE("keys are walked until ENOENT", "[map]") {
  fake_machine machine;
  auto map = counts::create({.name = "hits", .max_entries = 4});
  REQUIRE(map);
  for (const int key : {10, 20, 30}) REQUIRE(map->update_elem(key, key));

  std::vector<int> walked;
  auto key = map->get_next_key();
  while (key) {
    walked.push_back(*key);
    key = map->get_next_key(*key);
  }

  CHECK(key.error().code == 2);  // ENOENT
  std::sort(walked.begin(), walked.end());
  CHECK(walked == std::vector<int>{10, 20, 30});
  CHECK(machine.all("map_get_next_key").size() == 4);
  CHECK(machine.all("map_get_next_key")[0].u64(8) == 0);
}

TEST_CASE("an empty map has no first key", "[map]") {
  fake_machine machine;
  const auto map = counts::create({.name = "hits", .max_entries = 4});
  REQUIRE(map);

  const auto key = map->get_next_key();

  REQUIRE_FALSE(key);
  check_error(key.error(), step::map_get_next_key, 2);
}

TEST_CASE("each errno of an element operation comes back with step, code and map", "[map]") {
  fake_machine machine;
  auto map = counts::create({.name = "hits", .max_entries = 4});
  REQUIRE(map);

  for (const int code : {EPERM, ENOENT, E2BIG, EBADF, EAGAIN, ENOMEM, EFAULT, EBUSY, EEXIST, EINVAL, 524}) {
    CAPTURE(code);
    for (const char* operation :
         {"map_lookup_elem", "map_update_elem", "map_delete_elem", "map_get_next_key"})
      machine.refusals[operation] = {code, code};
    std::int64_t value = 77;

    check_error(map->lookup_elem(1).error(), step::map_lookup_elem, code);
    check_error(map->lookup_elem(1, value).error(), step::map_lookup_elem, code);
    CHECK(value == 77);
    check_error(map->update_elem(1, 1).error(), step::map_update_elem, code);
    check_error(map->delete_elem(1).error(), step::map_delete_elem, code);
    check_error(map->get_next_key().error(), step::map_get_next_key, code);
    check_error(map->get_next_key(1).error(), step::map_get_next_key, code);
  }

  // Why the kernel refused is asked where a capability may be missing, and nowhere else.
  CHECK(machine.all("capget").empty());
}

TEST_CASE("a large value is copied into the caller's", "[map]") {
  fake_machine machine;
  auto map = barebpf::hash_map<int, large_value>::create({.name = "large", .max_entries = 1, .with_types = false});
  REQUIRE(map);
  large_value in{}, out{};
  in.numbers[0] = 1;
  in.numbers[299] = 300;

  REQUIRE(map->update_elem(3, in));
  REQUIRE(map->lookup_elem(3, out));

  CHECK(machine.calls[0].u32(8) == 1200);
  CHECK(out.numbers[0] == 1);
  CHECK(out.numbers[299] == 300);
  CHECK(machine.all("map_lookup_elem")[0].u64(16) == reinterpret_cast<std::uintptr_t>(&out));
}

TEST_CASE("a created map is closed once, and moving it closes nothing", "[map]") {
  fake_machine machine;

  {
    auto made = counts::create({.name = "hits", .max_entries = 4});
    REQUIRE(made);
    counts first(std::move(*made));
    const counts second(std::move(first));
    CHECK(second.map_name() == "hits");
    CHECK(machine.left_open() == names{"map"});
    CHECK(machine.names() == names{"map_create"});
  }

  CHECK(machine.names() == names{"map_create", "close"});
}

TEST_CASE("a typed map over a borrowed one does not close it", "[map]") {
  fake_machine machine;
  auto owner = counts::create({.name = "hits", .max_entries = 4});
  REQUIRE(owner);

  {
    counts same(barebpf::untyped_map::borrow(owner->descriptor().number(), barebpf::to_kernel_name("again")));
    REQUIRE(same.update_elem(1, 2));
    CHECK(same.map_name() == "again");
  }

  CHECK(owner->lookup_elem(1).value() == 2);
  CHECK(machine.all("close").empty());
}

TEST_CASE("a moved-from map reaches no map of the kernel", "[map]") {
  fake_machine machine;
  auto made = counts::create({.name = "hits", .max_entries = 4});
  REQUIRE(made);
  const counts taken(std::move(*made));

  CHECK(made->update_elem(1, 1).error().code == 9);  // EBADF
  CHECK(made->lookup_elem(1).error().code == 9);
  CHECK(made->delete_elem(1).error().code == 9);
  CHECK(made->get_next_key().error().code == 9);

  for (std::size_t i = 1; i < machine.calls.size(); ++i) CHECK(machine.calls[i].u32(0) == 0xffffffffu);
}

TEST_CASE("a map cannot be copied, and knows its types", "[map]") {
  CHECK_FALSE(std::is_copy_constructible_v<counts>);
  CHECK(std::is_same_v<counts::key_type, int>);
  CHECK(std::is_same_v<counts::mapped_type, std::int64_t>);
  CHECK(counts::type == barebpf::map_type::hash);
}
