// SPDX-License-Identifier: MIT
// The BTF that the library makes for local storages, read by its own reader, and when `create` hands it over.
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "../support/catch.hpp"
#include "../support/fake_machine.hpp"
#include "../support/library.hpp"

namespace {

using barebpf::element_shape;
using barebpf::map_flag;
using barebpf::step;
using names = std::vector<std::string>;
using storage = barebpf::task_storage_map<std::uint64_t>;

enum class small : std::uint16_t { one = 1 };
struct odd {
  char characters[7];
};

// Both shapes, as the reader finds them in the BTF that is made for a storage with such values.
template <class Value>
std::pair<element_shape, element_shape> shapes() {
  const auto& made = barebpf::element_btf<barebpf::owner_fd, Value, true>;
  raw_bytes image(made.size());
  std::memcpy(image.data(), &made, made.size());
  barebpf::btf types;
  const auto v = barebpf::btf::open(barebpf::bytes(image.data(), image.size()), 0, image.size(), types);
  REQUIRE_FALSE(v.failed());
  std::vector<barebpf::u32> index(types.index_size());
  types.build_index(index.data());
  return {shape_of(types, made.key_id), shape_of(types, made.value_id)};
}

template <class Value>
void check_shapes(element_shape::sort value) {
  const auto [key, found] = shapes<Value>();
  CHECK(key.is == element_shape::sort::signed_integer);
  CHECK(key.size == 4);
  CHECK(found.is == value);
  CHECK(found.size == sizeof(Value));
  CHECK(barebpf::shape_of<Value>().fits(found));
}

raw_bytes expected_map(std::uint32_t btf_fd, std::uint32_t key_id, std::uint32_t value_id) {
  return record(72)
      .u32(0, 29)
      .u32(4, 4)
      .u32(8, 8)
      .u32(16, 1)
      .text(28, "tasks")
      .u32(48, btf_fd)
      .u32(52, key_id)
      .u32(56, value_id);
}

}  // namespace

TEST_CASE("types are loaded with 32 bytes, without a log", "[map]") {
  fake_machine machine;
  const barebpf::u8 types[] = {1, 2, 3, 4, 5};

  CHECK(barebpf::load_btf(types, 5) == 3);

  REQUIRE(machine.names() == names{"btf_load"});
  CHECK(machine.calls[0].arguments[2] == 32);
  CHECK(machine.calls[0].attr == record(32).pointer(0, types).u32(16, 5));
  CHECK(machine.calls[0].payload == raw_bytes{1, 2, 3, 4, 5});
  machine.forget(3);
}

TEST_CASE("types that are refused give the errno", "[map]") {
  fake_machine machine;
  machine.refusals["btf_load"] = {EINVAL};
  const barebpf::u8 types[] = {0};

  CHECK(barebpf::load_btf(types, 1) == -22);
}

TEST_CASE("types that come with a token name it in eight bytes more", "[map]") {
  fake_machine machine;
  const int token = machine.open("token");
  const barebpf::u8 types[] = {1, 2};

  CHECK(barebpf::load_btf(types, 2, token) == 4);

  REQUIRE(machine.names() == names{"btf_load"});
  CHECK(machine.calls[0].attr ==
        record(40).pointer(0, types).u32(16, 2).u32(32, 1u << 16).u32(36, static_cast<std::uint32_t>(token)));
  machine.forget(4);
  machine.forget(token);
}

TEST_CASE("the BTF of a storage says what its numbers are, and of anything else the size", "[map]") {
  using enum element_shape::sort;
  check_shapes<int>(signed_integer);
  check_shapes<std::uint64_t>(unsigned_integer);
  check_shapes<bool>(unsigned_integer);
  check_shapes<small>(either_enum);
  check_shapes<signed char>(signed_integer);
  check_shapes<double>(floating);
  check_shapes<odd>(structure);
  check_shapes<odd*>(unsigned_integer);
}

TEST_CASE("a storage is created with BTF of its own, which is closed behind it", "[map]") {
  fake_machine machine;
  machine.close_streams();

  const auto map = storage::create({.name = "tasks"});

  REQUIRE(map);
  CHECK(machine.names() == names{"btf_load", "fcntl", "close", "map_create", "fcntl", "close", "close"});
  const auto& made = barebpf::element_btf<barebpf::owner_fd, std::uint64_t, true>;
  CHECK(machine.calls[0].payload.size() == made.size());
  CHECK(std::memcmp(machine.calls[0].payload.data(), &made, made.size()) == 0);
  CHECK(machine.calls[3].attr == expected_map(3, 1, 2));
  CHECK(machine.left_open() == names{"map"});
}

TEST_CASE("a storage is created with the caller's BTF if there is one, and a token is for both calls",
          "[map]") {
  fake_machine machine;
  const barebpf::fd types = barebpf::fd::own(machine.open("btf"));
  const barebpf::fd token = barebpf::fd::own(machine.open("token"));

  CHECK(storage::create(
      {.name = "tasks", .btf_fd = types.raw(), .btf_key_type_id = 7, .btf_value_type_id = 9}));
  CHECK(machine.names() == names{"map_create", "close"});
  CHECK(machine.calls[0].attr == expected_map(types.raw(), 7, 9));

  machine.calls.clear();
  CHECK(storage::create({.name = "tasks", .token = token.number()}));
  CHECK(machine.names() == names{"btf_load", "map_create", "close", "close"});
  CHECK(machine.calls[0].u32(36) == token.raw());
  CHECK(machine.calls[1].u32(76) == token.raw());
}

TEST_CASE("whichever call of a storage's creation fails, its errno comes back and nothing stays", "[map]") {
  fake_machine machine;
  for (const char* call : {"btf_load", "map_create"})
    for (const int code : {EINVAL, ENOMEM, EMFILE}) {
      CAPTURE(call, code);
      machine.refusals[call] = {code};
      const auto map = storage::create({.name = "tasks"});
      REQUIRE_FALSE(map);
      CHECK(map.error().at == (std::string(call) == "btf_load" ? step::btf_load : step::map_create));
      CHECK(map.error().code == code);
      CHECK(map.error().why == barebpf::cause::none);
      CHECK(std::string(map.error().name) == "tasks");
      CHECK(machine.left_open() == names{});
    }

  machine.capabilities = 0;
  machine.refusals["btf_load"] = {EPERM};
  CHECK(storage::create({.name = "tasks"}).error().why == barebpf::cause::needs_cap_bpf);
}

TEST_CASE("the flags that a type demands are set, and every map of it is expected to have them", "[map]") {
  fake_machine machine;
  using trie = barebpf::lpm_trie_map<barebpf::ipv4_prefix, int>;

  CHECK(trie::create({.name = "nets", .max_entries = 1}));
  CHECK(machine.all("map_create")[0].u32(16) == map_flag::no_prealloc);
  CHECK(trie::create({.name = "nets", .max_entries = 1, .map_flags = map_flag::numa_node}));
  CHECK(machine.all("map_create")[1].u32(16) == (map_flag::no_prealloc | map_flag::numa_node));
  CHECK(barebpf::arena_map::create({.name = "arena", .max_entries = 1}));
  CHECK(machine.all("map_create")[2].u32(16) == map_flag::mmapable);

  const auto made = trie::get_or_create("/sys/fs/bpf/nets", {.name = "nets", .max_entries = 1});
  REQUIRE(made);
  CHECK(trie::get_or_create("/sys/fs/bpf/nets", {.name = "nets", .max_entries = 1}));
  CHECK(trie::get_pinned("/sys/fs/bpf/nets", {.map_flags = 0}));
  CHECK(trie::get_pinned("/sys/fs/bpf/nets", {.map_flags = map_flag::no_prealloc}));
  CHECK(trie::get_pinned("/sys/fs/bpf/nets", {.map_flags = map_flag::zero_seed}).error().why ==
        barebpf::cause::another_map);
  CHECK(machine.all("map_create").size() == 4);
}

TEST_CASE("a map that can do without types is created without those that the kernel refuses", "[map]") {
  struct traffic {
    std::uint64_t packets, bytes;
  };
  using counts = barebpf::hash_map<int, traffic>;
  fake_machine machine;

  CHECK(counts::create({.name = "counts", .max_entries = 1}));
  REQUIRE(machine.names() == names{"btf_load", "map_create", "close", "close"});
  CHECK(machine.calls[1].u32(52) != 0);
  for (const int code : {EINVAL, EPERM}) {
    machine.calls.clear();
    machine.refusals["btf_load"] = {code};
    CHECK(counts::create({.name = "counts", .max_entries = 1}));
    REQUIRE(machine.names() == names{"btf_load", "map_create", "close"});
    for (const std::size_t field : {48u, 52u, 56u}) CHECK(machine.calls[1].u32(field) == 0);
  }
}
