// SPDX-License-Identifier: MIT
// Members by their names in an object that the compiler has read, and numbers out of bytes and into them.
#include <cstdint>
#include <cstring>

#include "layouts.bpf.hpp"
#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

using barebpf::cause;
using barebpf::field;
using barebpf::field_sort;
using barebpf::text;
using spec = barebpf::static_spec<layouts>;

constexpr field find(text map, text path) {
  return barebpf::find_field(spec::types(), spec::map(spec::find_map(map)).value_type, path);
}

TEST_CASE("a path leads through members and elements, also of what has no name", "[field]") {
  static_assert(find("flows", "packets").bit == 0 && find("flows", "packets").size == 8);
  static_assert(find("flows", "bytes").bit == 64);
  static_assert(find("flows", "is_new").sort == field_sort::boolean);
  static_assert(find("flows", "state").sort == field_sort::unsigned_number);
  static_assert(find("flows", "where").sort == field_sort::unsigned_number);
  static_assert(find("flows", "name").sort == field_sort::other && find("flows", "name").size == 12);
  static_assert(find("flows", "name[11]").bit == find("flows", "name").bit + 88);
  static_assert(find("pairs", "change").sort == field_sort::signed_number);
  static_assert(find("pairs", "ports[1].number").bit == 96);
  static_assert(find("pairs", "").size == 16);
  static_assert(find("nameless", "second").bit == 64);
  static_assert(find("nameless", "v6[3]").bit == 96 + 24);
  static_assert(find("packets", "length").bit == 36 && find("packets", "length").width == 4);
  CHECK(find("numbers", "parts[7]").bit == 56);
}

TEST_CASE("a path that leads nowhere says why", "[field]") {
  CHECK(find("flows", "packet").why == cause::no_such_member);
  CHECK(find("flows", "packets.low").why == cause::no_such_member);
  CHECK(find("pairs", "ports.number").why == cause::no_such_member);
  CHECK(find("pairs", "ports[2]").why == cause::element_past_end);
  CHECK(find("pairs", "ports[99999999999999999999]").why == cause::element_past_end);
  for (const char* path : {"ports[", "ports[]", "ports[x]", "ports[1", "ports[-1]", "ports[1]..number",
                           "source[0]", ".", "source..", "ports[0]]"})
    CHECK(find("pairs", path).why != cause::none);
  CHECK(find("packets", "length.low").why == cause::bad_field_path);
}

TEST_CASE("a program that runs finds the same sorts of fields", "[field]") {
  btf_builder made;
  const auto number = made.integer("unsigned int", 4, 0);
  const auto color = made.enumeration("color", 4, {{"RED", 1}});
  const auto weight = made.floating("double", 8);
  const auto inner = made.union_of("", 8, {{"low", number}, {"weight", weight}});
  const auto value = made.structure("value", 32,
                                    {{"color", color},
                                     {"next", made.pointer(0), 64},
                                     {"", inner, 128},
                                     {"numbers", made.array(number, number, 2), 192}});
  const file_image content = made.content();
  barebpf::btf types;
  REQUIRE_FALSE(barebpf::btf::open(window(content), 0, content.size(), types).failed());
  std::vector<std::uint32_t> index(types.index_size());
  types.build_index(index.data());
  const auto look = [&](const char* path) { return barebpf::find_field(types, value, path); };

  CHECK(look("color").sort == field_sort::unsigned_number);
  CHECK((look("next").sort == field_sort::unsigned_number && look("next").bit == 64));
  CHECK((look("weight").sort == field_sort::floating && look("weight").bit == 128));
  CHECK((look("low").bit == 128 && look("low").size == 4));
  CHECK((look("numbers[1]").bit == 224 && look("numbers").sort == field_sort::other));
  CHECK(look("high").why == cause::no_such_member);
}

TEST_CASE("numbers go into fields and come out again, and touch nothing beside them", "[field]") {
  for (const char* path : {"source", "version", "length", "kind", "port"}) {
    CAPTURE(path);
    const field where = find("packets", path);
    REQUIRE(where.why == cause::none);
    const unsigned bits = where.width != 0 ? where.width : where.size * 8;
    for (const int around : {0x00, 0xff})
      for (const std::uint64_t number : {std::uint64_t{0}, std::uint64_t{5}, ~std::uint64_t{0}}) {
        unsigned char bytes[8];
        std::memset(bytes, around, sizeof bytes);
        barebpf::write_field(bytes, where, number);
        CHECK(barebpf::read_field(bytes, where) == (number & ((std::uint64_t{1} << bits) - 1)));
        for (const char* other : {"source", "version", "length", "kind", "port"})
          if (text(other) != text(path)) {
            const field beside = find("packets", other);
            const unsigned other_bits = beside.width != 0 ? beside.width : beside.size * 8;
            CHECK(barebpf::read_field(bytes, beside) ==
                  (around == 0 ? 0 : (std::uint64_t{1} << other_bits) - 1));
          }
      }
  }
}

TEST_CASE("a field reads as C does, signs and all", "[field]") {
  struct {
    std::uint32_t source;
    std::int32_t change;
    struct {
      std::uint16_t number;
      bool is_open;
      std::uint8_t kind;
    } ports[2];
  } flow{7, -3, {{80, true, 1}, {443, false, 2}}};
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&flow);
  const auto read = [&](text path) { return barebpf::read_field(bytes, find("pairs", path)); };
  CHECK(read("source") == 7);
  CHECK(static_cast<std::int64_t>(read("change")) == -3);
  CHECK(read("ports[1].number") == 443);
  CHECK(read("ports[0].is_open") == 1);
}

TEST_CASE("a struct of which nobody wrote the type has its members by name", "[struct_value]") {
  using packet = barebpf::object_type<spec, spec::map(spec::find_map("packets")).value_type>;
  static_assert(sizeof(packet) == 8 && std::is_trivially_copyable_v<packet>);
  packet one;
  one.set<"source">(0x01020304);
  one.set<"length">(9);
  one.set<"version">(6);
  one.set<"port">(443);
  CHECK(one.get<"source">() == 0x01020304);
  CHECK(one.get<"length">() == 9);
  CHECK(one.get<"version">() == 6);
  CHECK(one.get<"kind">() == 0);
  const packet same = one;
  CHECK(same == one);
  one.set<"kind">(1);
  CHECK_FALSE(same == one);

  using traffic = barebpf::object_type<spec, spec::map(spec::find_map("flows")).value_type>;
  static_assert(std::is_same_v<decltype(traffic().get<"is_new">()), bool>);
  static_assert(std::is_same_v<decltype(traffic().get<"small">()), std::uint8_t>);
  static_assert(std::is_same_v<decltype(traffic().get<"name">()), barebpf::row<char, 12>>);
  traffic seen;
  seen.set<"name">({"curl"});
  CHECK(seen.get<"name">().view() == "curl");
  CHECK(seen.get<"name[1]">() == 'u');

  using flow = barebpf::object_type<spec, spec::map(spec::find_map("pairs")).value_type>;
  flow nested;
  nested.set<"ports[1].number">(80);
  CHECK(nested.get<"ports">()[1].get<"number">() == 80);
  CHECK(nested.get<"ports[1]">().get<"number">() == 80);
  CHECK(nested.get<"ports[0].number">() == 0);
}

}  // namespace
