// SPDX-License-Identifier: MIT
// Adoption with a look at the BTF of a map: what the kernel gives back of the types that it was given.
#include <string>
#include <utility>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/object_builder.hpp"
#include "execve_counter.bpf.hpp"

namespace {

enum class small : std::uint32_t { one = 1 };
enum class negative : std::int32_t { one = -1 };
struct pair {
  std::uint32_t first, second;
};

// Some types, and the kernel's descriptor of them.
struct loaded_types {
  btf_builder types{};
  std::uint32_t s32 = types.integer("int", 4, 1);
  std::uint32_t u32 = types.integer("unsigned int", 4, 0);
  std::uint32_t u64 = types.integer("unsigned long", 8, 0);
  std::uint32_t s64 = types.type_definition("s64", types.const_type(types.integer("long", 8, 1)));
  std::uint32_t plain_enum = types.enumeration("state", 4, {{"on", 1}});
  std::uint32_t signed_enum = types.add(0x86, "level", 1, 4, {types.name("low"), 0xffffffff});
  std::uint32_t structure = types.structure("pair", 8, {{"first", u32, 0}, {"second", u32, 32}});
  std::uint32_t union_of = types.union_of("either", 8, {{"number", u64, 0}});
  std::uint32_t array = types.array(u32, u32, 2);
  barebpf::fd descriptor{};

  loaded_types() {
    const file_image content = types.content();
    const barebpf::abi::btf_load attr{.btf = content.data(),
                                      .btf_size = static_cast<barebpf::u32>(content.size())};
    descriptor = barebpf::fd::own(barebpf::sys_bpf(barebpf::abi::command::btf_load, attr));
    REQUIRE(descriptor.is_open());
  }
  template <class Key, class Value>
  barebpf::hash_map<Key, Value> create(std::uint32_t key, std::uint32_t value) const {
    auto made = barebpf::hash_map<Key, Value>::create({.name = "typed",
                                                       .max_entries = 4,
                                                       .btf_fd = descriptor.raw(),
                                                       .btf_key_type_id = key,
                                                       .btf_value_type_id = value});
    INFO((made ? std::string() : sentence(made.error())));
    REQUIRE(made.has_value());
    return std::move(*made);
  }
};

// The differences that adopting a map as `Map` finds; empty when it is adopted.
template <class Map>
std::string differences(const barebpf::fd& descriptor) {
  barebpf::btf_differences both;
  const auto adopted = Map::template from_fd<barebpf::identity_and_btf>(descriptor.number(), {}, &both);
  if (adopted) return {};
  INFO(sentence(adopted.error()));
  REQUIRE(adopted.error().why == barebpf::cause::another_map);
  CHECK(std::string(adopted.error().name) == "typed");
  char buffer[1024];
  describe(both, buffer, sizeof buffer);
  return buffer;
}

template <class Key, class Value>
using hash = barebpf::hash_map<Key, Value>;

}  // namespace

TEST_CASE("integers are adopted with their size and sign only, behind typedefs too", "[needs 6.0]") {
  const loaded_types types;
  const auto map = types.create<int, long>(types.s32, types.s64);

  CHECK(differences<hash<int, long>>(map.descriptor()).empty());
  CHECK(differences<hash<negative, long>>(map.descriptor()).empty());
  CHECK(differences<hash<unsigned, unsigned long>>(map.descriptor()) ==
        "key: expected an unsigned 32-bit integer, found a signed 32-bit integer; value: expected an "
        "unsigned 64-bit "
        "integer, found a signed 64-bit integer");
  CHECK(differences<hash<small, double>>(map.descriptor()) ==
        "key: expected an unsigned 32-bit integer, found a signed 32-bit integer; value: expected a "
        "floating-point "
        "number of 8 bytes, found a signed 64-bit integer");
  CHECK(differences<hash<long, int>>(map.descriptor()) ==
        "key_size: expected 8, found 4; value_size: expected 4, found 8; key: expected a signed 64-bit "
        "integer, found "
        "a signed 32-bit integer; value: expected a signed 32-bit integer, found a signed 64-bit integer");
  // Without being asked, nobody looks at the types.
  CHECK((hash<unsigned, unsigned long>::from_fd(map.descriptor().number()).has_value()));
}

TEST_CASE("enums are adopted as the integers behind them, and a signed one says so", "[needs 6.0]") {
  const loaded_types types;
  const auto plain = types.create<small, small>(types.plain_enum, types.plain_enum);
  CHECK(differences<hash<small, small>>(plain.descriptor()).empty());
  CHECK(differences<hash<int, unsigned>>(plain.descriptor())
            .empty());  // older compilers never say that it is signed

  const auto level = types.create<negative, int>(types.signed_enum, types.signed_enum);
  CHECK(differences<hash<negative, int>>(level.descriptor()).empty());
  CHECK(differences<hash<small, int>>(level.descriptor()) ==
        "key: expected an unsigned 32-bit integer, found a signed enum of 4 bytes");
}

TEST_CASE("a struct is adopted as one with its members, and an integer is no struct, union or array",
          "[needs 6.0]") {
  const loaded_types types;
  const auto of_struct = types.create<unsigned, pair>(types.u32, types.structure);
  CHECK(differences<hash<unsigned, pair>>(of_struct.descriptor()).empty());
  CHECK(differences<hash<unsigned, unsigned long>>(of_struct.descriptor()) ==
        "value: expected an unsigned 64-bit integer, found a struct of 8 bytes");
  const auto of_union = types.create<unsigned, pair>(types.u32, types.union_of);
  CHECK(differences<hash<unsigned, pair>>(of_union.descriptor()) ==
        "value: 8 bytes at 0 in the object, 8 bytes at 0 in C++: one side has a number and the other a "
        "struct, an "
        "array or a pointer, so give it a type like the BPF program's");
  CHECK(differences<hash<unsigned, unsigned long>>(of_union.descriptor()) ==
        "value: expected an unsigned 64-bit integer, found a union of 8 bytes");
  const auto of_array = types.create<unsigned, pair>(types.u32, types.array);
  CHECK(differences<hash<unsigned, unsigned long>>(of_array.descriptor()) ==
        "value: expected an unsigned 64-bit integer, found an array of 8 bytes");
}

TEST_CASE("a map without BTF is adopted without a look at types") {
  const auto map = hash<unsigned, unsigned long>::create({.name = "typed", .max_entries = 4});
  REQUIRE(map.has_value());
  CHECK(differences<hash<int, double>>(map->descriptor()).empty());
}

TEST_CASE("the map of a loaded object has the types of its program, by every door") {
  static constexpr barebpf::static_object<execve_counter> object;
  const auto loaded = object.load();
  REQUIRE(loaded.has_value());
  const auto map = loaded->map<"hash_map", std::int32_t, std::int64_t>();
  const int before = open_descriptors();
  const auto id = map.info()->id;

  CHECK((hash<std::int32_t, std::int64_t>::from_id<barebpf::identity_and_btf>(id).has_value()));
  CHECK((hash<std::int32_t, std::int64_t>::read_only::from_id<barebpf::identity_and_btf>(id).has_value()));
  barebpf::btf_differences both;
  const auto refused =
      hash<std::int32_t, std::uint64_t>::from_id<barebpf::identity_and_btf>(id, {.max_entries = 77}, &both);
  REQUIRE_FALSE(refused.has_value());
  char buffer[1024];
  describe(both, buffer, sizeof buffer);
  CHECK(std::string(buffer).find("max_entries: expected 77") == 0);
  CHECK(std::string(buffer).find(
            "; value: expected an unsigned 64-bit integer, found a signed 64-bit integer") !=
        std::string::npos);
  CHECK(open_descriptors() == before);
}

TEST_CASE("who may not read the types is told so, and does not get the map unchecked", "[needs 6.0]") {
  const loaded_types types;
  const auto map = types.create<int, long>(types.s32, types.s64);

  const int outcome = in_child([&map] {
    if (setgid(65534) != 0 || setuid(65534) != 0) return 254;
    const int before = open_descriptors();
    const auto refused = hash<int, long>::from_fd<barebpf::identity_and_btf>(map.descriptor().number());
    if (refused || !is_explained(refused.error(), barebpf::step::btf_get_fd_by_id, EPERM)) return 253;
    return open_descriptors() == before ? 0 : 251;
  });

  CHECK(outcome == 0);
}
