// SPDX-License-Identifier: MIT
// Beside libbpf: it opens what we pin and we open what it pins, its programs use our maps and ours look into its
// maps. libbpf comes first in this file and last in the next one.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
//
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "execve_counter.bpf.hpp"

std::vector<std::uint64_t> values_of(int map);  // of the next file

namespace {

using hash = barebpf::hash_map<std::int32_t, std::int64_t>;

constexpr barebpf::static_object<execve_counter> counter;

// An object of libbpf, closed when it goes; which is said if it does not open.
using their_object = std::unique_ptr<bpf_object, void (*)(bpf_object*)>;
their_object open_theirs() {
  libbpf_set_print(nullptr);
  their_object opened(bpf_object__open(BAREBPF_TEST_OBJECTS "/execve_counter.bpf.o"), bpf_object__close);
  REQUIRE(opened != nullptr);
  return opened;
}
bpf_map* map_in(const their_object& object) {
  bpf_map* const map = bpf_object__find_map_by_name(object.get(), "hash_map");
  REQUIRE(map != nullptr);
  return map;
}
// The program of an object, of the type that the kernel runs on request. The object keeps it.
bpf_program* runnable_in(const their_object& object) {
  bpf_program* const program = bpf_object__find_program_by_name(object.get(), "bpf_prog");
  REQUIRE(program != nullptr);
  REQUIRE(bpf_program__set_type(program, BPF_PROG_TYPE_RAW_TRACEPOINT) == 0);
  return program;
}
void run(const bpf_program* program, int times) {
  for (int i = 0; i < times; ++i) {
    bpf_test_run_opts options{};
    options.sz = sizeof options;
    REQUIRE(bpf_prog_test_run_opts(bpf_program__fd(program), &options) == 0);
  }
}

}  // namespace

TEST_CASE("libbpf gets a map that barebpf pinned, and both say the same of it") {
  const std::string path = bpf_folder() + "/ours";
  auto ours = hash::create({.name = "ours", .max_entries = 16, .map_flags = barebpf::map_flag::no_prealloc});
  REQUIRE(ours.has_value());
  for (int key = 0; key < 10; ++key) REQUIRE(ours->update_elem(key, key * 100).has_value());
  REQUIRE(ours->pin(path).has_value());

  const barebpf::fd theirs = barebpf::fd::own(bpf_obj_get(path.c_str()));
  REQUIRE(theirs.is_open());
  bpf_map_info said{};
  __u32 size = sizeof said;
  REQUIRE(bpf_obj_get_info_by_fd(theirs.number(), &said, &size) == 0);
  const auto known = ours->info();
  REQUIRE(known.has_value());
  CHECK(said.type == known->type);
  CHECK(said.id == known->id);
  CHECK(said.key_size == known->key_size);
  CHECK(said.value_size == known->value_size);
  CHECK(said.max_entries == known->max_entries);
  CHECK(said.map_flags == known->map_flags);
  CHECK(std::string(said.name) == "ours");

  int seen = 0;
  std::int32_t key = 0;
  const std::int32_t* from = nullptr;
  for (; bpf_map_get_next_key(theirs.number(), from, &key) == 0; from = &key, ++seen) {
    std::int64_t value = -1;
    REQUIRE(bpf_map_lookup_elem(theirs.number(), &key, &value) == 0);
    CHECK(value == key * 100);
  }
  CHECK(seen == 10);
  const std::int64_t written = 77;
  key = 3;
  REQUIRE(bpf_map_update_elem(theirs.number(), &key, &written, BPF_EXIST) == 0);
  CHECK(ours->lookup_elem(3).value_or(0) == 77);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("barebpf gets a map that libbpf pinned, if it is the one") {
  const std::string path = bpf_folder() + "/theirs";
  bpf_map_create_opts options{};  // their macro for it is no C++
  options.sz = sizeof options;
  options.map_flags = BPF_F_NO_PREALLOC;
  const barebpf::fd theirs =
      barebpf::fd::own(bpf_map_create(BPF_MAP_TYPE_LRU_HASH, "theirs", 4, 8, 64, nullptr));
  const barebpf::fd plain = barebpf::fd::own(bpf_map_create(BPF_MAP_TYPE_HASH, "theirs", 4, 8, 64, &options));
  REQUIRE(theirs.is_open());
  REQUIRE(plain.is_open());
  for (std::int32_t key = 0; key < 20; ++key) {
    const std::int64_t value = key + 1000;
    REQUIRE(bpf_map_update_elem(plain.number(), &key, &value, BPF_ANY) == 0);
  }
  REQUIRE(bpf_obj_pin(plain.number(), path.c_str()) == 0);
  REQUIRE(bpf_obj_pin(theirs.number(), (path + "_lru").c_str()) == 0);

  const auto ours = hash::get_pinned(path, {.max_entries = 64, .map_flags = barebpf::map_flag::no_prealloc});
  REQUIRE(ours.has_value());
  CHECK(ours->map_name() == "theirs");
  CHECK(ours->lookup_elem(7).value_or(0) == 1007);
  CHECK(values_of(ours->descriptor().number()).size() == 20);
  const auto reader = hash::read_only::get_pinned(path);
  REQUIRE(reader.has_value());
  CHECK(reader->lookup_elem(7).value_or(0) == 1007);

  barebpf::map_differences differences;
  CHECK(hash::get_pinned(path + "_lru", {.map_flags = barebpf::map_flag::no_prealloc}, &differences)
            .error()
            .why == barebpf::cause::another_map);
  char words[256];
  describe(differences, words, sizeof words);
  CHECK(std::string(words) == "type: expected 1, found 9; map_flags: expected 1, found 0");
  CHECK(barebpf::unpin(path).has_value());
  CHECK(barebpf::unpin(path + "_lru").has_value());
}

TEST_CASE("an object that libbpf loads counts into the map of one that barebpf loaded") {
  const auto loaded = counter.load();
  REQUIRE(loaded.has_value());
  const auto hits = loaded->map<"hash_map", std::int32_t, std::int64_t>();
  const their_object theirs = open_theirs();

  REQUIRE(bpf_map__reuse_fd(map_in(theirs), hits.descriptor().number()) == 0);
  const bpf_program* const program = runnable_in(theirs);
  REQUIRE(bpf_object__load(theirs.get()) == 0);
  run(program, 4);

  CHECK(hits.lookup_elem(0).value_or(0) == 4);
  CHECK(hash::from_fd(bpf_map__fd(map_in(theirs)))->info()->id == hits.info()->id);
}

TEST_CASE("barebpf looks into the map of an object that libbpf loaded, and leaves it open") {
  const their_object theirs = open_theirs();
  const bpf_program* const program = runnable_in(theirs);
  REQUIRE(bpf_object__load(theirs.get()) == 0);
  const int number = bpf_map__fd(map_in(theirs));
  {
    const auto hits = hash::from_fd<barebpf::identity_and_btf>(number, {.max_entries = 4});
    REQUIRE(hits.has_value());
    run(program, 3);
    CHECK(hits->lookup_elem(0).value_or(0) == 3);
    barebpf::btf_differences differences;
    using unsigned_hash = barebpf::hash_map<std::uint32_t, std::int64_t>;
    CHECK(unsigned_hash::from_fd<barebpf::identity_and_btf>(number, {}, &differences).error().why ==
          barebpf::cause::another_map);
    char words[512];
    describe(differences, words, sizeof words);
    CHECK(std::string(words) == "key: expected an unsigned 32-bit integer, found a signed 32-bit integer");
  }
  std::int32_t key = 0;
  std::int64_t value = 0;
  CHECK(bpf_map_lookup_elem(number, &key, &value) == 0);
}

TEST_CASE("libbpf reads the types that barebpf loaded for its map") {
  const auto loaded = counter.load();
  REQUIRE(loaded.has_value());
  const auto info = loaded->map<"hash_map", std::int32_t, std::int64_t>().info();
  REQUIRE(info.has_value());

  const std::unique_ptr<btf, void (*)(btf*)> types(btf__load_from_kernel_by_id(info->btf_id), btf__free);

  REQUIRE(types != nullptr);
  CHECK(btf__resolve_size(types.get(), info->btf_key_type_id) == 4);
  CHECK(btf__resolve_size(types.get(), info->btf_value_type_id) == 8);
  const btf_type* const key = btf__type_by_id(types.get(), info->btf_key_type_id);
  REQUIRE(key != nullptr);
  CHECK(std::string(btf__name_by_offset(types.get(), key->name_off)) == "int");
}
