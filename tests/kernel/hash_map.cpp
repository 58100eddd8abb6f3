// SPDX-License-Identifier: MIT
// Every operation of a hash map on the running kernel, and every errno that it gives.
#include <cstdio>
#include <string>

#include "../support/catch.hpp"
#include "../support/live.hpp"

using barebpf::update;
using map = barebpf::hash_map<std::uint32_t, std::uint64_t>;

namespace {

map create(barebpf::u32 entries) {
  auto created = map::create({.name = "test", .max_entries = entries});
  REQUIRE(created.has_value());
  return std::move(*created);
}

}  // namespace

TEST_CASE("an element is stored, replaced, found and removed") {
  map hits = create(4);

  REQUIRE(hits.update_elem(7, 70).has_value());
  CHECK(hits.lookup_elem(7).value_or(0) == 70);
  REQUIRE(hits.update_elem(7, 71, update::exist).has_value());
  std::uint64_t value = 0;
  REQUIRE(hits.lookup_elem(7, value).has_value());
  CHECK(value == 71);
  REQUIRE(hits.delete_elem(7).has_value());
  CHECK(hits.lookup_elem(7).error().code == ENOENT);
}

TEST_CASE("what is refused says why, and the map is as it was") {
  map hits = create(2);
  REQUIRE(hits.update_elem(1, 10).has_value());

  CHECK(hits.update_elem(1, 99, update::noexist).error().code == EEXIST);
  CHECK(hits.update_elem(2, 99, update::exist).error().code == ENOENT);
  CHECK(hits.delete_elem(2).error().code == ENOENT);
  REQUIRE(hits.update_elem(2, 20, update::noexist).has_value());
  const auto full = hits.update_elem(3, 30);
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().code == E2BIG);
  CHECK(sentence(full.error()) ==
        "cannot update an element of the map 'test': the kernel said E2BIG (7): the map is full or the "
        "index is behind its end, so delete elements or create it with more max_entries");
  CHECK(hits.lookup_elem(1).value_or(0) == 10);
  CHECK(hits.lookup_elem(2).value_or(0) == 20);
}

TEST_CASE("get_next_key passes every key once and ends with ENOENT") {
  map hits = create(64);
  CHECK(hits.get_next_key().error().code == ENOENT);
  std::uint64_t wanted = 0;
  for (std::uint32_t key = 0; key < 64; ++key) {
    REQUIRE(hits.update_elem(key, key).has_value());
    wanted |= std::uint64_t{1} << key;
  }

  std::uint64_t seen = 0;
  auto key = hits.get_next_key();
  for (; key; key = hits.get_next_key(*key)) {
    CHECK((seen >> *key & 1) == 0);
    seen |= std::uint64_t{1} << *key;
  }

  CHECK(seen == wanted);
  CHECK(key.error().code == ENOENT);
}

TEST_CASE("a walk that deletes the key it stands on begins again, as the kernel has it") {
  map hits = create(16);
  for (std::uint32_t key = 0; key < 16; ++key) REQUIRE(hits.update_elem(key, key).has_value());
  const auto first = hits.get_next_key();
  REQUIRE(first.has_value());
  const auto second = hits.get_next_key(*first);
  REQUIRE(second.has_value());

  REQUIRE(hits.delete_elem(*first).has_value());

  CHECK(hits.get_next_key(*first).value_or(99) == *second);
}

TEST_CASE("a map without entries is refused with a hint") {
  const auto refused = map::create({.name = "none"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == EINVAL);
  CHECK(sentence(refused.error()) ==
        "cannot create the map 'none': the kernel said EINVAL (22): a map of this type needs room for at "
        "least one "
        "element, so give max_entries: in its definition, or by change(name, {.max_entries = 1024}) for a "
        "map of an "
        "object");
}

TEST_CASE("the compiler's and the kernel's idea of a name agree") {
  CHECK(map::create({.name = "fifteen_letters", .max_entries = 1}).has_value());
  CHECK(map::create({.name = "a.dot_is_fine", .max_entries = 1}).has_value());
  const auto refused = map::create({.name = "sixteen__letters", .max_entries = 1});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == barebpf::cause::bad_name);
}

TEST_CASE("a process without the capability is told which one, and nothing is left") {
  const auto cause_with = [](std::uint64_t capabilities) {
    return in_child([capabilities] {
      struct {
        std::uint32_t version = 0x20080522;
        int thread = 0;
      } header;
      const std::uint32_t low = static_cast<std::uint32_t>(capabilities);
      const std::uint32_t high = static_cast<std::uint32_t>(capabilities >> 32);
      const std::uint32_t sets[6] = {low, low, 0, high, high, 0};
      if (barebpf::system_call(__NR_capset, &header, sets) < 0) return 254;
      const int before = open_descriptors();
      const auto created = map::create({.name = "test", .max_entries = 1});
      if (open_descriptors() != before + (created ? 1 : 0)) return 253;
      return created ? 0 : static_cast<int>(created.error().why);
    });
  };
  constexpr std::uint64_t cap_sys_admin = 1ull << 21, cap_bpf = 1ull << 39;

  // Where unprivileged users may create maps, nothing is missing.
  std::string allowed(1, '0');
  if (FILE* const file = std::fopen("/proc/sys/kernel/unprivileged_bpf_disabled", "r")) {
    allowed[0] = static_cast<char>(std::fgetc(file));
    std::fclose(file);
  }
  CHECK(cause_with(0) == (allowed == "0" ? 0 : static_cast<int>(barebpf::cause::needs_cap_bpf)));
  CHECK(cause_with(cap_bpf) == 0);
  CHECK(cause_with(cap_sys_admin) == 0);
}
