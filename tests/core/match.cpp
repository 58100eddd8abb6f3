// SPDX-License-Identifier: MIT
#include "../support/catch.hpp"
#include "../support/core_types.hpp"

namespace {

using barebpf::core_fit;
using barebpf::core_match;

// The answer to one question about a type of each side.
core_fit fields_fit(two_sides& both, std::uint32_t here, std::uint32_t there) {
  both.open();
  return core_match(both.local.types, both.target.types).fields_fit(here, there);
}
core_fit types_fit(two_sides& both, std::uint32_t here, std::uint32_t there) {
  both.open();
  return core_match(both.local.types, both.target.types).types_fit(here, there);
}
core_fit types_match(two_sides& both, std::uint32_t here, std::uint32_t there) {
  both.open();
  return core_match(both.local.types, both.target.types).types_match(here, there);
}

}  // namespace

TEST_CASE("a flavour is what follows the last three underscores between others", "[core]") {
  const auto essence = [](const std::string& name) {
    const std::string whole = name + '\0';
    return barebpf::essential_length(
        barebpf::bytes(reinterpret_cast<const unsigned char*>(whole.data()), whole.size()), 0);
  };

  CHECK(essence("task_struct") == 11);
  CHECK(essence("task_struct___old") == 11);
  CHECK(essence("a___b___c") == 5);
  CHECK(essence("a___b") == 1);
  CHECK(essence("___b") == 4);
  CHECK(essence("a___") == 4);
  CHECK(essence("a____b") == 6);
  CHECK(essence("a__b") == 4);
  CHECK(essence("a___b____c") == 1);
  CHECK(essence("") == 0);
}

TEST_CASE("fields of any two structs, pointers, numbers or floats are one", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_long = both.there.integer("long", 8, 0);
  const auto here_struct = both.here.structure("a", 4, {{"x", here_int}});
  const auto there_union = both.there.union_of("b", 8, {});
  const auto here_pointer = both.here.pointer(here_int), there_pointer = both.there.pointer(there_union);
  const auto here_float = both.here.floating("f", 4), there_float = both.there.floating("d", 8);
  const auto alias = both.here.type_definition("t", both.here.const_type(here_int));
  const auto old_bits = both.there.add(1, "old", 0, 4, {3 << 16 | 4});  // a bit field as it once was

  CHECK(fields_fit(both, here_struct, there_union) == core_fit::yes);
  CHECK(fields_fit(both, here_pointer, there_pointer) == core_fit::yes);
  CHECK(fields_fit(both, here_int, there_long) == core_fit::yes);
  CHECK(fields_fit(both, alias, there_long) == core_fit::yes);
  CHECK(fields_fit(both, here_float, there_float) == core_fit::yes);
  CHECK(fields_fit(both, here_int, old_bits) == core_fit::no);
  CHECK(fields_fit(both, here_int, there_pointer) == core_fit::no);
  CHECK(fields_fit(both, here_struct, there_long) == core_fit::no);
  CHECK(fields_fit(both, here_int, there_float) == core_fit::no);
}

TEST_CASE("fields of enums and of what is only declared are one by their name", "[core]") {
  two_sides both;
  const auto here = both.here.enumeration("e___x", 4, {}), unnamed = both.here.enumeration("", 4, {});
  const auto wide = both.there.enumeration64("e", {}), other = both.there.enumeration("f", 4, {});
  const auto declared = both.here.forward("s"), there_declared = both.there.forward("s");
  const auto other_declared = both.there.forward("t");

  CHECK(fields_fit(both, here, wide) == core_fit::yes);
  CHECK(fields_fit(both, here, other) == core_fit::no);
  CHECK(fields_fit(both, unnamed, other) == core_fit::yes);
  CHECK(fields_fit(both, declared, there_declared) == core_fit::yes);
  CHECK(fields_fit(both, declared, other_declared) == core_fit::no);
}

TEST_CASE("fields of arrays are one by their elements, however many", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("int", 4, 1);
  const auto here = both.here.array(both.here.array(here_int, here_int, 3), here_int, 2);
  const auto there = both.there.array(both.there.array(there_int, there_int, 9), there_int, 1);
  const auto flat = both.there.array(there_int, there_int, 6);
  std::uint32_t deep = here_int, there_deep = there_int;
  for (int i = 0; i < 40; ++i) {
    deep = both.here.array(deep, here_int, 1);
    there_deep = both.there.array(there_deep, there_int, 1);
  }

  CHECK(fields_fit(both, here, there) == core_fit::yes);
  CHECK(fields_fit(both, here, flat) == core_fit::no);
  CHECK(fields_fit(both, deep, there_deep) == core_fit::endless);
}

TEST_CASE("a type is there when one of its kind is, and what it points to or takes", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("long", 8, 1);
  const auto here_struct = both.here.structure("s", 4, {{"x", here_int}});
  const auto there_struct = both.there.structure("s", 99, {}), there_union = both.there.union_of("s", 4, {});
  const auto here_call = both.here.function_prototype(here_int, {{"", both.here.pointer(here_struct)}});
  const auto there_call = both.there.function_prototype(there_int, {{"", both.there.pointer(there_struct)}});
  const auto there_other = both.there.function_prototype(there_int, {{"", both.there.pointer(there_union)}});
  const auto there_more = both.there.function_prototype(there_int, {{"", there_int}, {"", there_int}});
  const auto here_alias = both.here.type_definition("t", both.here.pointer(here_call));
  const auto there_alias = both.there.type_definition("t", both.there.pointer(there_call));
  const auto there_wrong = both.there.type_definition("t", both.there.pointer(there_other));

  CHECK(types_fit(both, here_struct, there_struct) == core_fit::yes);
  CHECK(types_fit(both, here_struct, there_union) == core_fit::no);
  CHECK(types_fit(both, here_call, there_call) == core_fit::yes);
  CHECK(types_fit(both, here_call, there_other) == core_fit::no);
  CHECK(types_fit(both, here_call, there_more) == core_fit::no);
  CHECK(types_fit(both, here_alias, there_alias) == core_fit::yes);
  CHECK(types_fit(both, here_alias, there_wrong) == core_fit::no);
  // Both have to be called by a name, so a name of it does not do.
  CHECK(types_fit(both, here_alias, there_call) == core_fit::no);
}

TEST_CASE("types match when all members are there, each with a type that matches", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("int", 4, 1);
  const auto there_unsigned = both.there.integer("int", 4, 0), there_long = both.there.integer("int", 8, 1);
  const auto here = both.here.structure("s___x", 8, {{"b", here_int}, {"a", here_int, 32}});
  const auto same =
      both.there.structure("s", 12, {{"a", there_int}, {"new", there_int, 32}, {"b", there_int, 64}});
  const auto fewer = both.there.structure("s", 4, {{"a", there_int}});
  const auto sign = both.there.structure("s", 8, {{"a", there_int}, {"b", there_unsigned, 32}});
  const auto size = both.there.structure("s", 12, {{"a", there_int}, {"b", there_long, 32}});
  const auto either = both.there.union_of("s", 8, {{"a", there_int}, {"b", there_int}});
  const auto other = both.there.structure("t", 8, {{"a", there_int}, {"b", there_int, 32}});

  CHECK(types_match(both, here, same) == core_fit::yes);
  for (const auto wrong : {fewer, sign, size, either, other})
    CHECK(types_match(both, here, wrong) == core_fit::no);
}

TEST_CASE("behind a pointer a struct matches by its name, even one that is only declared", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("int", 4, 1);
  const auto inside = both.here.structure("inside", 4, {{"gone", here_int}});
  const auto here = both.here.structure("s", 8, {{"to", both.here.pointer(inside)}});
  const auto declared = both.here.forward("inside");
  const auto here_declared = both.here.structure("s", 8, {{"to", both.here.pointer(declared)}});
  const auto there_inside = both.there.structure("inside", 4, {{"new", there_int}});
  const auto there = both.there.structure("s", 8, {{"to", both.there.pointer(there_inside)}});
  const auto there_declared =
      both.there.structure("s", 8, {{"to", both.there.pointer(both.there.forward("inside"))}});
  const auto there_union =
      both.there.structure("s", 8, {{"to", both.there.pointer(both.there.union_of("inside", 4, {}))}});
  const auto other =
      both.there.structure("s", 8, {{"to", both.there.pointer(both.there.structure("else", 4, {}))}});

  CHECK(types_match(both, here, there) == core_fit::yes);
  CHECK(types_match(both, here, there_declared) == core_fit::yes);
  CHECK(types_match(both, here_declared, there) == core_fit::yes);
  CHECK(types_match(both, here_declared, there_declared) == core_fit::yes);
  CHECK(types_match(both, here, there_union) == core_fit::no);
  CHECK(types_match(both, here_declared, there_union) == core_fit::no);
  CHECK(types_match(both, here, other) == core_fit::no);
}

TEST_CASE("enums match when all their numbers have a name there, arrays when they are as long", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("int", 4, 1);
  const auto here = both.here.enumeration("e", 4, {{"B", 1}, {"A___x", 2}});
  const auto same = both.there.enumeration("e", 4, {{"A", 7}, {"B", 8}, {"C", 9}});
  const auto fewer = both.there.enumeration("e", 4, {{"A", 2}});
  const auto other = both.there.enumeration("e", 4, {{"A", 2}, {"C", 1}});
  const auto wide = both.there.enumeration64("e", {{"A", 7}, {"B", 8}});
  const auto eight = both.here.enumeration("e", 8, {{"A", 1}});
  const auto three = both.here.array(here_int, here_int, 3);
  const auto there_three = both.there.array(there_int, there_int, 3),
             four = both.there.array(there_int, there_int, 4);

  CHECK(types_match(both, here, same) == core_fit::yes);
  CHECK(types_match(both, here, fewer) == core_fit::no);
  CHECK(types_match(both, here, other) == core_fit::no);
  CHECK(types_match(both, here, wide) == core_fit::no);
  CHECK(types_match(both, eight, wide) == core_fit::yes);
  CHECK(types_match(both, three, there_three) == core_fit::yes);
  CHECK(types_match(both, three, four) == core_fit::no);
}

TEST_CASE("types that refer to each other without end are neither the same nor others", "[core]") {
  two_sides both;
  // A function that takes many of its own kind: what looks at each would never come to an end.
  const auto chain = [](btf_builder& types) {
    std::uint32_t last = types.function_prototype(0);
    for (int i = 0; i < 40; ++i) {
      const auto to = types.pointer(last);
      last = types.function_prototype(to, {{"", to}, {"", to}, {"", to}, {"", to}});
    }
    return last;
  };
  const auto here = chain(both.here), there = chain(both.there);

  CHECK(types_fit(both, here, there) == core_fit::endless);
  CHECK(types_match(both, here, there) == core_fit::endless);
}

TEST_CASE("fields that are no values are never one", "[core]") {
  two_sides both;
  const auto here = both.here.function_prototype(0), there = both.there.function_prototype(0);

  CHECK(fields_fit(both, here, there) == core_fit::no);
}

TEST_CASE("a type of arrays or pointers is there when their elements are, however deep up to an end",
          "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("int", 4, 1);
  const auto here_struct = both.here.structure("s", 4, {}), there_union = both.there.union_of("s", 4, {});
  const auto here_floats = both.here.floating("f", 4), there_floats = both.there.floating("f", 4);
  const auto row = [](btf_builder& types, std::uint32_t of, std::uint32_t length) {
    return types.array(of, 1, length);
  };
  std::uint32_t deep = here_int, there_deep = there_int;
  for (int i = 0; i < 40; ++i) {
    deep = both.here.pointer(deep);
    there_deep = both.there.pointer(there_deep);
  }

  CHECK(types_fit(both, row(both.here, here_int, 2), row(both.there, there_int, 7)) == core_fit::yes);
  CHECK(types_fit(both, row(both.here, here_struct, 2), row(both.there, there_union, 2)) == core_fit::no);
  CHECK(types_fit(both, here_floats, there_floats) == core_fit::no);  // as the kernel has it
  CHECK(types_fit(both, deep, there_deep) == core_fit::endless);
  CHECK(types_match(both, deep, there_deep) == core_fit::endless);
  CHECK(types_match(both, here_floats, there_floats) == core_fit::no);
}

TEST_CASE("functions match when they give and take the same", "[core]") {
  two_sides both;
  const auto here_int = both.here.integer("int", 4, 1), there_int = both.there.integer("int", 4, 1);
  const auto there_long = both.there.integer("int", 8, 1);
  const auto here = both.here.function_prototype(here_int, {{"", here_int}});
  const auto same = both.there.function_prototype(there_int, {{"", there_int}});
  const auto gives_other = both.there.function_prototype(there_long, {{"", there_int}});
  const auto takes_other = both.there.function_prototype(there_int, {{"", there_long}});

  CHECK(types_match(both, here, same) == core_fit::yes);
  CHECK(types_match(both, here, gives_other) == core_fit::no);
  CHECK(types_match(both, here, takes_other) == core_fit::no);
}
