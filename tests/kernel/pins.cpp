// SPDX-License-Identifier: MIT
// Maps that somebody else made: by pin, by id, by descriptor.
#include <string>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"

using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;
using array = barebpf::array_map<std::uint64_t>;

namespace {

hash create(const char* name) {
  auto created = hash::create({.name = name, .max_entries = 8});
  REQUIRE(created.has_value());
  return std::move(*created);
}

}  // namespace

TEST_CASE("a pinned map outlives its descriptor and is got again with its name and elements") {
  const std::string path = bpf_folder() + "/hits";
  {
    hash hits = create("hits");
    REQUIRE(hits.update_elem(1, 10).has_value());
    const auto pinned = hits.pin(path);
    INFO((pinned ? std::string() : sentence(pinned.error())));
    REQUIRE(pinned.has_value());
    CHECK(hits.pin(path).error().code == EEXIST);
  }
  const auto again = hash::get_pinned(path);
  REQUIRE(again.has_value());
  CHECK(again->lookup_elem(1).value_or(0) == 10);
  CHECK(again->map_name() == "hits");
  REQUIRE(barebpf::unpin(path).has_value());
  CHECK(barebpf::unpin(path).error().code == ENOENT);
  CHECK(hash::get_pinned(path).error().code == ENOENT);
}

TEST_CASE("a pin of another kind is refused with every difference, and nothing stays open") {
  const std::string path = bpf_folder() + "/other";
  const auto other = array::create({.name = "other", .max_entries = 3});
  REQUIRE(other.has_value());
  REQUIRE(other->pin(path).has_value());
  const int before = open_descriptors();

  barebpf::map_differences differences;
  const auto refused = barebpf::hash_map<std::uint64_t, std::uint32_t>::get_pinned(
      path, {.max_entries = 8, .map_flags = 1}, &differences);

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == barebpf::cause::another_map);
  CHECK(std::string(refused.error().name) == "other");
  char text[256];
  describe(differences, text, sizeof text);
  CHECK(std::string(text) ==
        "type: expected 1, found 2; key_size: expected 8, found 4; value_size: expected 4, found 8; "
        "max_entries: "
        "expected 8, found 3; map_flags: expected 1, found 0");
  CHECK(open_descriptors() == before);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("where another map is pinned, get_or_create leaves it there and makes nothing") {
  const std::string path = bpf_folder() + "/hits";
  const hash hits = create("hits");
  REQUIRE(hits.pin(path).has_value());
  const int before = open_descriptors();
  barebpf::map_differences differences;

  const auto refused = hash::get_or_create(path, {.name = "hits", .max_entries = 9}, &differences);

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == barebpf::cause::another_map);
  char text[256];
  describe(differences, text, sizeof text);
  CHECK(std::string(text) == "max_entries: expected 9, found 8");
  CHECK(open_descriptors() == before);
  CHECK(hash::get_pinned(path)->info()->id == hits.info()->id);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("a path that is not on the BPF file system is refused with the way to one") {
  const hash hits = create("hits");

  const auto refused = hits.pin("/dev/shm/barebpf-hits");

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == barebpf::cause::not_a_bpf_path);
  CHECK(hits.pin(bpf_folder() + "/no/such/folder").error().code == ENOENT);
}

TEST_CASE("a map is opened by its id and by a descriptor") {
  const hash hits = create("hits");
  const auto info = hits.info();
  REQUIRE(info.has_value());
  CHECK(info->max_entries == 8);

  const auto by_id = hash::from_id(info->id);
  REQUIRE(by_id.has_value());
  CHECK(by_id->info()->id == info->id);
  CHECK(array::from_id(info->id).error().why == barebpf::cause::another_map);
  CHECK(hash::from_id(0x7fffffff).error().code == ENOENT);

  {
    const auto borrowed = hash::from_fd(hits.descriptor().number());
    REQUIRE(borrowed.has_value());
  }
  CHECK(hits.info().has_value());  // still open
  CHECK(hash::from_fd(STDIN_FILENO).error().code == EINVAL);
  CHECK(hash::from_fd(-1).error().code == EBADFD);
}

TEST_CASE("processes that pin one name at once end with one map") {
  const std::string path = bpf_folder() + "/shared";
  for (int round = 0; round < 20; ++round) {
    pid_t children[4];
    for (pid_t& child : children) {
      child = fork();
      if (child == 0) {
        auto mine = hash::get_or_create(path, {.name = "shared", .max_entries = 8});
        _exit(mine && mine->update_elem(static_cast<std::uint32_t>(getpid()) % 8, 1).has_value() ? 0 : 1);
      }
    }
    for (const pid_t child : children) {
      int status = 1;
      waitpid(child, &status, 0);
      CHECK(status == 0);
    }
    const auto shared = hash::get_pinned(path);
    REQUIRE(shared.has_value());
    CHECK(shared->get_next_key().has_value());
    REQUIRE(barebpf::unpin(path).has_value());
  }
}
