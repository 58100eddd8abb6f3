// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reading.hpp"

namespace {

using barebpf::core_path;
using barebpf::core_step;
using barebpf::abi::core_kind;

// struct pair { int first, second; };
// struct whole { struct pair pairs[3]; union { int *number; struct { long deep; }; }; char rest[]; };
struct some_types {
  btf_builder builder;
  std::uint32_t integer, pair, pairs, pointer, inside, choice, rest, whole, alias, colours;
  file_image content;
  barebpf::btf types;
  std::vector<std::uint32_t> index;

  some_types() {
    integer = builder.integer("int", 4, 1);
    pair = builder.structure("pair", 8, {{"first", integer}, {"second", integer, 32}});
    pairs = builder.array(pair, integer, 3);
    pointer = builder.pointer(integer);
    inside = builder.structure("", 8, {{"deep", integer}});
    choice = builder.union_of("", 8, {{"number", pointer}, {"", inside}});
    rest = builder.array(integer, integer, 0);
    whole = builder.structure("whole", 32, {{"pairs", pairs}, {"", choice, 192}, {"rest", rest, 256}});
    alias = builder.type_definition("alias", builder.const_type(whole));
    colours = builder.enumeration("colours", 4, {{"RED", 0}, {"GREEN", 1}});
  }
  // Whether this string, from this type on, leads somewhere; and the ids of what is passed.
  bool leads(std::uint32_t root, const std::string& access, core_kind kind,
             std::vector<std::uint32_t>* passed = nullptr) {
    const std::uint32_t at = builder.name(access);
    content = builder.content();
    types = {};
    REQUIRE_FALSE(barebpf::btf::open(window(content), 0, content.size(), types).failed());
    index.assign(types.index_size(), 0);
    types.build_index(index.data());
    if (passed != nullptr) {
      core_path path(types, root, at);
      for (core_step step; path.next(step);) passed->push_back(step.type);
    }
    return core_path::leads_somewhere(types, root, at, kind);
  }
};

}  // namespace

TEST_CASE("a path goes through structs, unions, arrays and other names of them", "[core_path]") {
  some_types all;
  std::vector<std::uint32_t> passed;

  CHECK(all.leads(all.alias, "0:0:2:1", core_kind::field_exists, &passed));
  CHECK(passed == std::vector<std::uint32_t>{all.alias, all.pairs, all.pair, all.integer});
  passed.clear();
  CHECK(all.leads(all.whole, "7:1:1:0", core_kind::field_byte_offset, &passed));
  CHECK(passed == std::vector<std::uint32_t>{all.whole, all.choice, all.inside, all.integer});
  CHECK(all.leads(all.whole, "0", core_kind::field_byte_size));
}

TEST_CASE("only the last array of a struct goes on behind its end", "[core_path]") {
  some_types all;

  CHECK(all.leads(all.whole, "0:2:1000", core_kind::field_byte_offset));
  CHECK_FALSE(all.leads(all.whole, "0:0:3", core_kind::field_byte_offset));
  CHECK_FALSE(all.leads(all.rest, "0:1", core_kind::field_byte_offset));
}

TEST_CASE("a path that leads nowhere is known", "[core_path]") {
  some_types all;

  for (const char* access : {"", ":", "0:", ":0", "0::1", "0:3", "0:0:0:2", "0:0:0:0:0", "x", "0:-1", "0 ",
                             "0:1:0:0", "0:4294967296", "0:1000000000"})
    CHECK_FALSE(all.leads(all.whole, access, core_kind::field_byte_offset));
  CHECK_FALSE(all.leads(0, "0", core_kind::type_exists));
  CHECK_FALSE(all.leads(99, "0", core_kind::type_exists));
}

TEST_CASE("a type has no path and an enumerator one number", "[core_path]") {
  some_types all;

  for (const auto kind : {core_kind::type_id_local, core_kind::type_id_target, core_kind::type_exists,
                          core_kind::type_size, core_kind::type_matches}) {
    CHECK(all.leads(all.whole, "0", kind));
    CHECK_FALSE(all.leads(all.whole, "1", kind));
    CHECK_FALSE(all.leads(all.whole, "0:0", kind));
  }
  for (const auto kind : {core_kind::enumval_exists, core_kind::enumval_value}) {
    CHECK(all.leads(all.colours, "1", kind));
    CHECK_FALSE(all.leads(all.colours, "2", kind));
    CHECK_FALSE(all.leads(all.colours, "0:0", kind));
    CHECK_FALSE(all.leads(all.whole, "0", kind));
  }
}

TEST_CASE("no path has more than 64 steps", "[core_path]") {
  some_types all;
  std::uint32_t nested = all.integer;
  for (int i = 0; i < 70; ++i) nested = all.builder.structure("", 4, {{"one", nested}});
  std::string access = "0";
  for (int i = 1; i < 64; ++i) access += ":0";

  CHECK(all.leads(nested, access, core_kind::field_exists));
  CHECK_FALSE(all.leads(nested, access + ":0", core_kind::field_exists));
}
