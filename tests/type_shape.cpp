// SPDX-License-Identifier: MIT
#include <cstring>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

using barebpf::has_shape;
using barebpf::type_shape;

// The types of a builder, with an index.
struct indexed_types {
  file_image content;
  barebpf::btf types;
  std::vector<std::uint32_t> index;

  explicit indexed_types(const btf_builder& from) : content(from.content()) {
    REQUIRE_FALSE(barebpf::btf::open(window(content), 0, content.size(), types).failed());
    index.resize(types.index_size());
    types.build_index(index.data());
  }
  std::string shape(std::uint32_t id) const {
    const type_shape out = type_shape::of(types, id);
    CHECK(std::memchr(out.letters, '\0', sizeof out.letters) != nullptr);
    return out.letters;
  }
};

}  // namespace

TEST_CASE("a shape has a letter for each part", "[type_shape]") {
  btf_builder of;
  const auto word = of.integer("int", 4, 1);
  const auto task = of.structure("task", 4, {{"pid", word}});
  const auto either = of.union_of("either", 4, {{"a", word}});
  const auto choice = of.enumeration("choice", 4, {{"A", 0}});
  const auto wide_choice = of.enumeration64("wide_choice", {{"B", 0}});
  const auto ahead = of.forward("ahead");
  const auto named = of.type_definition("named", of.const_type(of.volatile_type(task)));
  const auto list = of.array(of.pointer(word), word, 3);
  const auto number = of.floating("float", 4);
  const auto bits = of.add(1, "bits", 0, 4, {1 << 24 | 3 << 16 | 5});
  const auto nothing = of.function_prototype(0);
  const auto much =
      of.function_prototype(of.pointer(task), {{"a", of.pointer(named)}, {"b", word}, {"c", list}});
  const auto takes_function = of.function_prototype(word, {{"f", of.pointer(nothing)}, {"x", of.pointer(0)}});
  const indexed_types types(of);
  CHECK(types.shape(0) == "v");
  CHECK(types.shape(word) == "i");
  CHECK(types.shape(task) == "s");
  CHECK(types.shape(either) == "u");
  CHECK(types.shape(choice) == "e");
  CHECK(types.shape(wide_choice) == "e");
  CHECK(types.shape(ahead) == "f");
  CHECK(types.shape(named) == "s");
  CHECK(types.shape(list) == "api");
  CHECK(types.shape(nothing) == "FAv");
  CHECK(types.shape(much) == "FDpsiapips");
  CHECK(types.shape(takes_function) == "FCpFAvpvi");
  for (const auto id : {number, bits}) {
    CHECK(types.shape(id) == "?");
    CHECK_FALSE(has_shape(types.types, id, "?"));
  }
  const std::uint32_t all[] = {word,  task, either,  choice, wide_choice,   ahead,
                               named, list, nothing, much,   takes_function};
  for (const auto a : all)
    for (const auto b : all) {
      CAPTURE(a, b);
      CHECK(has_shape(types.types, a, types.shape(b).c_str()) == (types.shape(a) == types.shape(b)));
    }
  // One that goes on, and one that ends early.
  CHECK_FALSE(has_shape(types.types, word, "ii"));
  CHECK_FALSE(has_shape(types.types, list, "ap"));
  CHECK_FALSE(has_shape(types.types, word, ""));
}

TEST_CASE("types that never end, or are too large, are like no other", "[type_shape]") {
  btf_builder of;
  const auto word = of.integer("int", 4, 1);
  const std::uint32_t loop = 2;
  CHECK(of.pointer(loop) == loop);
  const auto many = of.function_prototype(word, std::vector<btf_builder::member>(61, {"x", word}));
  const auto most = of.function_prototype(word, std::vector<btf_builder::member>(60, {"x", word}));
  // Functions of functions of functions: more letters than there are types.
  auto deep = of.function_prototype(word, {{"a", word}, {"b", word}});
  for (int i = 0; i < 40; ++i) {
    const auto pointer = of.pointer(deep);
    deep = of.function_prototype(word, {{"a", pointer}, {"b", pointer}});
  }
  const indexed_types types(of);
  CHECK(types.shape(loop) == "?");
  CHECK(types.shape(many) == "?");
  CHECK(types.shape(most).size() == 63);
  CHECK(types.shape(deep) == "?");
  CHECK(types.shape(1000) == "v");  // what is not there is void
}

TEST_CASE("only what has a type has a shape", "[type_shape]") {
  btf_builder of;
  const auto word = of.integer("int", 4, 1);
  const indexed_types types(of);
  using barebpf::extern_kind;
  const auto shape = [&](extern_kind kind) {
    return std::string(shape_of_extern(types.types, {.kind = kind, .type = word}).letters);
  };
  CHECK(shape(extern_kind::config).empty());
  CHECK(shape(extern_kind::address).empty());
  CHECK(shape(extern_kind::variable) == "i");
  CHECK(shape(extern_kind::function) == "i");
}
