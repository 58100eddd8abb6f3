// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reading.hpp"
#include "support/slots_object.hpp"

namespace {

using barebpf::btf;
using barebpf::btf_pruner;
using barebpf::btf_type;
using barebpf::number_form;
using barebpf::abi::btf_kind;

// An object with nothing but this .BTF, and its types.
struct opened_types {
  file_image image;
  btf types;
  std::vector<std::uint32_t> index;

  // From a whole object file.
  explicit opened_types(file_image from) : image(std::move(from)) {
    barebpf::elf file;
    REQUIRE_FALSE(barebpf::elf::open(window(image), file).failed());
    const barebpf::verdict fault = btf::open(file, file.find_section(".BTF"), types);
    REQUIRE(fault.why == barebpf::cause::none);
    index.resize(types.index_size());
    types.build_index(index.data());
  }
  static file_image object_with(file_image content) {
    object_builder file;
    file.add(object_builder::section{.name = ".BTF", .type = 1, .content = std::move(content)});
    return file.build();
  }
  opened_types(const opened_types&) = delete;
  opened_types& operator=(const opened_types&) = delete;

  barebpf::bytes image_window() const { return window(image); }
  std::string name_of(std::uint32_t id) const { return string_at(types.image(), types.type(id).name); }
  std::string name_of(const barebpf::btf_member& member) const {
    return string_at(types.image(), member.name);
  }
};

// What is left when only these types are kept, read again with the library's own reader.
struct pruned_types {
  std::vector<std::uint32_t> new_ids;
  file_image content;
  opened_types left;

  pruned_types(const btf& whole, const std::vector<std::uint32_t>& wanted)
      : content(prune(whole, wanted, new_ids)), left(opened_types::object_with(content)) {}

  static file_image prune(const btf& whole, const std::vector<std::uint32_t>& wanted,
                          std::vector<std::uint32_t>& new_ids) {
    const std::size_t announced = barebpf::pruned_btf::storage_size(whole.count());
    std::vector<std::uint32_t> storage(announced);
    // Vectors of just the announced size, so that a sanitizer sees a word too many.
    const barebpf::object_tables object{.image = whole.image(), .types = whole};
    btf_pruner pruner(object, storage.data());
    for (const std::uint32_t id : wanted) pruner.keep(id);
    file_image out(pruner.number());
    write_types(pruner, out.data());
    for (const std::uint32_t id : wanted) new_ids.push_back(pruner.new_id(id));
    return out;
  }
};

}  // namespace

TEST_CASE("of the execve counter's types just int and long are left", "[pruned_btf]") {
  const opened_types counter(execve_counter_image());
  const auto int_type = counter.types.find(btf_kind::integer, "int").id;
  const auto long_type = counter.types.find(btf_kind::integer, "long").id;

  const pruned_types pruned(counter.types, {int_type, long_type});

  CHECK(pruned.content.size() == 24 + 2 * 16 + 1 + 4 + 5);
  CHECK(pruned.new_ids == std::vector<std::uint32_t>{1, 2});
  REQUIRE(pruned.left.types.count() == 2);
  CHECK(pruned.left.name_of(1) == "int");
  CHECK(pruned.left.types.size_of(1) == 4);
  CHECK(pruned.left.types.form_of(1) == number_form::signed_number);
  CHECK(pruned.left.name_of(2) == "long");
  CHECK(pruned.left.types.size_of(2) == 8);
  CHECK(pruned.left.types.form_of(2) == number_form::signed_number);
}

TEST_CASE("the written header is the kernel's first version", "[pruned_btf]") {
  const opened_types counter(execve_counter_image());
  const pruned_types pruned(counter.types, {counter.types.find(btf_kind::integer, "int").id});

  CHECK(get16(pruned.content, 0) == 0xeb9f);
  CHECK(pruned.content[2] == 1);
  CHECK(pruned.content[3] == 0);
  CHECK(get32(pruned.content, 4) == 24);
  CHECK(get32(pruned.content, 8) == 0);
  CHECK(get32(pruned.content, 12) == 16);
  CHECK(get32(pruned.content, 16) == 16);
  CHECK(get32(pruned.content, 20) == 5);
  CHECK(get32(pruned.content, 24) == 1);
  CHECK(get32(pruned.content, 28) == 0x01000000);
  CHECK(get32(pruned.content, 32) == 4);
  CHECK(get32(pruned.content, 36) == 0x01000020);
  CHECK(std::string(pruned.content.begin() + 40, pruned.content.end()) == std::string("\0int\0", 5));
}

TEST_CASE("when nothing is kept an empty BTF is left", "[pruned_btf]") {
  const opened_types counter(execve_counter_image());
  const pruned_types pruned(counter.types, {});

  CHECK(pruned.content.size() == 25);
  CHECK(pruned.left.types.count() == 0);
}

TEST_CASE("void and ids that nobody has keep nothing", "[pruned_btf]") {
  const opened_types counter(execve_counter_image());
  const pruned_types pruned(counter.types, {0, 9999, 0xffffffff});

  CHECK(pruned.left.types.count() == 0);
  CHECK(pruned.new_ids == std::vector<std::uint32_t>{0, 0, 0});
}

TEST_CASE("a type that is kept twice is written once", "[pruned_btf]") {
  const opened_types counter(execve_counter_image());
  const auto int_type = counter.types.find(btf_kind::integer, "int").id;
  const pruned_types pruned(counter.types, {int_type, int_type});

  CHECK(pruned.left.types.count() == 1);
  CHECK(pruned.new_ids == std::vector<std::uint32_t>{1, 1});
}

TEST_CASE("nested structs keep their members, offsets and order", "[pruned_btf]") {
  btf_builder made;
  made.integer("unused", 2, 0);
  const auto int_type = made.integer("int", 4, 1);
  made.structure("unused_too", 4, {{"a", int_type}});
  // The outer struct stands in front of what it is made of, as compilers often write it.
  const auto outer = made.structure("outer", 24, {{"first", 5}, {"second", 5, 64}, {"", 6, 128}});
  const auto inner = made.structure("inner", 8, {{"x", int_type}, {"y", int_type, 32}});
  const auto either = made.union_of("", 8, {{"number", int_type}, {"pair", inner}});
  REQUIRE(inner == 5);
  REQUIRE(either == 6);
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {outer});
  const opened_types& left = pruned.left;

  REQUIRE(left.types.count() == 4);
  CHECK(pruned.new_ids == std::vector<std::uint32_t>{2});
  CHECK(left.name_of(1) == "int");
  const btf_type new_outer = left.types.type(2);
  CHECK(new_outer.kind == btf_kind::structure);
  CHECK(left.name_of(2) == "outer");
  CHECK(new_outer.size_or_type == 24);
  REQUIRE(new_outer.members == 3);
  CHECK(left.name_of(left.types.member(new_outer, 0)) == "first");
  CHECK(left.types.member(new_outer, 0).type == 3);
  CHECK(left.name_of(left.types.member(new_outer, 1)) == "second");
  CHECK(left.types.member(new_outer, 1).type == 3);
  CHECK(left.types.image().read32(left.types.member(new_outer, 1).at + 8) == 64);
  CHECK(left.name_of(left.types.member(new_outer, 2)).empty());
  CHECK(left.types.member(new_outer, 2).type == 4);
  CHECK(left.types.image().read32(left.types.member(new_outer, 2).at + 8) == 128);
  const btf_type new_inner = left.types.type(3);
  CHECK(left.name_of(3) == "inner");
  REQUIRE(new_inner.members == 2);
  CHECK(left.name_of(left.types.member(new_inner, 1)) == "y");
  CHECK(left.types.member(new_inner, 1).type == 1);
  const btf_type new_union = left.types.type(4);
  CHECK(new_union.kind == btf_kind::union_type);
  CHECK(left.name_of(4).empty());
  REQUIRE(new_union.members == 2);
  CHECK(left.types.member(new_union, 1).type == 3);
}

TEST_CASE("what a pointer points to keeps its name and size and loses its members", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto secret = made.structure("secret", 4, {{"hidden", int_type}});
  const auto big = made.structure("big", 4096, {{"a", int_type}, {"b", secret, 32}});
  const auto holder = made.structure("holder", 8, {{"pointer", made.pointer(big)}});
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {holder});
  const opened_types& left = pruned.left;

  REQUIRE(left.types.count() == 3);
  CHECK(left.name_of(1) == "big");
  CHECK(left.types.type(1).kind == btf_kind::structure);
  CHECK(left.types.type(1).size_or_type == 4096);
  CHECK(left.types.type(1).members == 0);
  CHECK(left.types.type(2).kind == btf_kind::pointer);
  CHECK(left.types.type(2).size_or_type == 1);
  CHECK(left.name_of(3) == "holder");
  CHECK(left.types.member(left.types.type(3), 0).type == 2);
}

TEST_CASE("what is needed whole keeps its members though a pointer points to it too", "[pruned_btf]") {
  for (const bool pointer_first : {true, false}) {
    CAPTURE(pointer_first);
    btf_builder made;
    const auto int_type = made.integer("int", 4, 1);
    // A list: the pointer inside leads back to the struct that holds it.
    const auto node = made.structure("node", 16, {{"next", 3}, {"value", int_type, 64}});
    const auto pointer = made.pointer(node);
    REQUIRE(pointer == 3);
    const opened_types whole(opened_types::object_with(made.content()));

    const pruned_types pruned(whole.types, pointer_first ? std::vector<std::uint32_t>{pointer, node}
                                                         : std::vector<std::uint32_t>{node, pointer});

    REQUIRE(pruned.left.types.count() == 3);
    CHECK(pruned.left.types.type(2).members == 2);
    CHECK(pruned.left.types.member(pruned.left.types.type(2), 0).type == 3);
    CHECK(pruned.left.types.type(3).size_or_type == 2);
  }
}

TEST_CASE("a struct that holds itself ends", "[pruned_btf]") {
  btf_builder made;
  const auto itself = made.structure("itself", 8, {{"a", 1}, {"b", 2}});
  made.array(1, 2, 4);
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {itself});

  CHECK(pruned.left.types.count() == 2);
  CHECK(pruned.left.types.type(1).members == 2);
}

TEST_CASE("chains of names are kept link by link", "[pruned_btf]") {
  btf_builder made;
  made.integer("unused", 1, 0);
  const auto base = made.integer("unsigned int", 4, 0);
  const auto u32_type = made.type_definition("__u32", base);
  const auto constant = made.const_type(u32_type);
  const auto changing = made.volatile_type(constant);
  const auto counter = made.type_definition("counter_t", changing);
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {counter});
  const opened_types& left = pruned.left;

  REQUIRE(left.types.count() == 5);
  CHECK(pruned.new_ids == std::vector<std::uint32_t>{5});
  CHECK(left.types.type(2).kind == btf_kind::type_definition);
  CHECK(left.name_of(2) == "__u32");
  CHECK(left.types.type(2).size_or_type == 1);
  CHECK(left.types.type(3).kind == btf_kind::const_type);
  CHECK(left.types.type(3).size_or_type == 2);
  CHECK(left.types.type(4).kind == btf_kind::volatile_type);
  CHECK(left.types.type(4).size_or_type == 3);
  CHECK(left.name_of(5) == "counter_t");
  CHECK(left.types.type(5).size_or_type == 4);
  CHECK(left.types.resolve(5).id == 1);
  CHECK(left.types.form_of(5) == number_form::unsigned_number);
}

TEST_CASE("the names between a pointer and a struct are kept, and the members are not", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto task = made.structure("task", 8192, {{"pid", int_type}});
  const auto pointer = made.pointer(made.type_tag("rcu", made.const_type(task)));
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {pointer});
  const opened_types& left = pruned.left;

  REQUIRE(left.types.count() == 4);
  CHECK(left.types.type(1).members == 0);
  CHECK(left.types.type(2).kind == btf_kind::const_type);
  CHECK(left.types.type(3).kind == btf_kind::type_tag);
  CHECK(left.name_of(3) == "rcu");
  CHECK(left.types.type(4).kind == btf_kind::pointer);
  CHECK(left.types.type(4).size_or_type == 3);
}

TEST_CASE("arrays keep their element, their index type and their length", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto index_type = made.integer("__ARRAY_SIZE_TYPE__", 4, 0);
  const auto row = made.array(int_type, index_type, 3);
  const auto table = made.array(row, index_type, 5);
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {table});
  const opened_types& left = pruned.left;

  REQUIRE(left.types.count() == 4);
  CHECK(left.types.size_of(4) == 60);
  CHECK(left.types.element_of(left.types.type(4)) == 3);
  CHECK(left.types.image().read32(left.types.type(4).tail() + 4) == 2);
  CHECK(left.types.length_of(left.types.type(4)) == 5);
  CHECK(left.types.length_of(left.types.type(3)) == 3);
}

TEST_CASE("enums keep the names and values of both sizes", "[pruned_btf]") {
  btf_builder made;
  const auto small = made.enumeration("small", 4, {{"ONE", 1}, {"MINUS", 0xffffffff}});
  const auto large = made.enumeration64("large", {{"HUGE", 0x123456789abcdef0}, {"TINY", 1}});
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {small, large});
  const opened_types& left = pruned.left;
  const barebpf::bytes& image = left.types.image();

  REQUIRE(left.types.count() == 2);
  const btf_type new_small = left.types.type(1);
  CHECK(new_small.kind == btf_kind::enumeration);
  CHECK(left.name_of(1) == "small");
  CHECK(new_small.size_or_type == 4);
  REQUIRE(new_small.members == 2);
  CHECK(string_at(image, left.types.strings() + image.read32(new_small.tail())) == "ONE");
  CHECK(image.read32(new_small.tail() + 4) == 1);
  CHECK(string_at(image, left.types.strings() + image.read32(new_small.tail() + 8)) == "MINUS");
  CHECK(image.read32(new_small.tail() + 12) == 0xffffffff);
  const btf_type new_large = left.types.type(2);
  CHECK(new_large.kind == btf_kind::enumeration64);
  REQUIRE(new_large.members == 2);
  CHECK(string_at(image, left.types.strings() + image.read32(new_large.tail())) == "HUGE");
  CHECK(image.read32(new_large.tail() + 4) == 0x9abcdef0);
  CHECK(image.read32(new_large.tail() + 8) == 0x12345678);
  CHECK(string_at(image, left.types.strings() + image.read32(new_large.tail() + 12)) == "TINY");
}

TEST_CASE("floats and forward declarations are kept as they are", "[pruned_btf]") {
  btf_builder made;
  const auto floating = made.floating("double", 8);
  const auto pointer = made.pointer(made.forward("elsewhere"));
  // The flag on top says that the declaration is of a union.
  put32(made.types, made.starts[2] + 4, 0x87000000);
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {floating, pointer});
  const opened_types& left = pruned.left;

  REQUIRE(left.types.count() == 3);
  CHECK(left.types.size_of(1) == 8);
  CHECK(left.name_of(2) == "elsewhere");
  CHECK(left.types.image().read32(left.types.type(2).at + 4) == 0x87000000);
  CHECK(left.types.type(3).size_or_type == 2);
}

TEST_CASE("a struct with bit fields stays one", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto flags =
      made.structure("flags", 4, {{"low", int_type, 3u << 24}, {"high", int_type, 5u << 24 | 3u}});
  put32(made.types, made.starts[flags] + 4, 0x84000002);
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {flags});
  const opened_types& left = pruned.left;

  REQUIRE(left.types.count() == 2);
  CHECK(left.types.image().read32(left.types.type(2).at + 4) == 0x84000002);
  CHECK(left.types.image().read32(left.types.member(left.types.type(2), 1).at + 8) == 0x05000003);
}

TEST_CASE("a pointer to a function becomes a pointer to void", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto callback = made.pointer(made.type_definition("callback_t", made.function_prototype(int_type)));
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {callback});

  REQUIRE(pruned.left.types.count() == 1);
  CHECK(pruned.left.types.type(1).kind == btf_kind::pointer);
  CHECK(pruned.left.types.type(1).size_or_type == 0);
}

TEST_CASE("what is kept whole can be pruned again to the same bytes", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto task = made.structure("task", 8192, {{"pid", int_type}});
  const auto value = made.structure("value", 24, {{"count", int_type}, {"owner", made.pointer(task), 64}});
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types once(whole.types, {value});
  const pruned_types twice(once.left.types, {once.new_ids[0]});

  CHECK(once.content == twice.content);
}

TEST_CASE("functions keep their prototype and the names of its parameters", "[pruned_btf]") {
  btf_builder made;
  made.integer("unused", 1, 0);
  const auto int_type = made.integer("int", 4, 1);
  const auto context = made.pointer(made.structure("context", 64, {{"a", int_type}}));
  const auto prototype = made.function_prototype(int_type, {{"ctx", context}, {"", int_type}});
  const auto counts = made.function("counts", prototype, 1);
  made.function("forgotten", made.function_prototype(0), 1);
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {counts});
  const opened_types& left = pruned.left;

  REQUIRE(left.types.count() == 5);
  CHECK(pruned.new_ids == std::vector<std::uint32_t>{5});
  CHECK(left.name_of(2) == "context");
  CHECK(left.types.type(2).members == 0);
  const btf_type new_prototype = left.types.type(4);
  CHECK(new_prototype.kind == btf_kind::function_prototype);
  CHECK(new_prototype.size_or_type == 1);
  REQUIRE(new_prototype.members == 2);
  const barebpf::bytes& image = left.types.image();
  CHECK(string_at(image, left.types.strings() + image.read32(new_prototype.tail())) == "ctx");
  CHECK(image.read32(new_prototype.tail() + 4) == 3);
  CHECK(image.read32(new_prototype.tail() + 8) == 0);
  CHECK(image.read32(new_prototype.tail() + 12) == 1);
  CHECK(left.types.type(5).kind == btf_kind::function);
  CHECK(left.name_of(5) == "counts");
  CHECK(left.types.type(5).members == 1);
  CHECK(left.types.type(5).size_or_type == 4);
}

TEST_CASE("a hidden function becomes a static one, and a program does not", "[pruned_btf]") {
  btf_builder made;
  const auto prototype = made.function_prototype(0);
  const auto plain = made.function("plain", prototype, 1);
  const auto hidden = made.function("hidden", prototype, 1);
  const auto program = made.function("program", prototype, 1);
  const auto inner = made.function("inner", prototype, 0);
  const opened_types whole(opened_types::object_with(made.content()));
  const barebpf::function_spec list[] = {{.type = plain},
                                         {.type = hidden, .is_hidden = true},
                                         {.type = program, .is_hidden = true, .is_program = true},
                                         {.type = inner},
                                         {.type = 0, .is_hidden = true}};
  pruned_object pruned(
      {.image = whole.image_window(), .types = whole.types, .functions = list, .function_count = 5});
  pruned.write_all();
  const opened_types left(opened_types::object_with({pruned.content->begin(), pruned.content->end()}));

  REQUIRE(left.types.count() == 5);
  const auto linkage_of = [&](std::uint32_t old) {
    return left.types.type(pruned.pruner.new_id(old)).members;
  };
  CHECK(linkage_of(plain) == 1);
  CHECK(linkage_of(hidden) == 0);
  CHECK(linkage_of(program) == 1);
  CHECK(linkage_of(inner) == 0);
  CHECK(pruned.kept_inside());
}

TEST_CASE("a layout of variables is completed with its size and their offsets", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto first = made.variable("first", int_type, 1);
  const auto second = made.variable("second", made.array(int_type, int_type, 3), 0);
  const auto layout = made.data_section(".data", 0, {{second, 0, 12}, {first, 0, 4}});
  const auto other = made.data_section(".rodata", 0, {{first, 0, 4}});
  const opened_types whole(opened_types::object_with(made.content()));
  const barebpf::variable_spec list[] = {{.offset = 4, .size = 4, .id = first},
                                         {.offset = 8, .size = 12, .id = second}};
  const barebpf::map_spec maps[] = {
      {.value_size = 20, .value_type = layout, .origin = barebpf::map_origin::data, .variable_count = 2},
      // Nobody knows what is in this one.
      {.value_size = 4, .value_type = other, .origin = barebpf::map_origin::read_only_data}};
  pruned_object pruned(
      {.image = whole.image_window(), .types = whole.types, .maps = maps, .variables = list, .map_count = 2});
  pruned.write_all();
  const opened_types left(opened_types::object_with({pruned.content->begin(), pruned.content->end()}));

  REQUIRE(left.types.count() == 5);
  CHECK(pruned.pruner.new_id(other) == 0);
  const btf_type new_layout = left.types.type(pruned.pruner.new_id(layout));
  CHECK(new_layout.kind == btf_kind::data_section);
  CHECK(left.name_of(new_layout.id) == ".data");
  CHECK(new_layout.size_or_type == 20);
  REQUIRE(new_layout.members == 2);
  const std::uint32_t words[] = {pruned.pruner.new_id(first), 4, 4, pruned.pruner.new_id(second), 8, 12};
  for (std::uint32_t i = 0; i < 6; ++i)
    CHECK(left.types.image().read32(new_layout.tail() + i * 4) == words[i]);
  const btf_type new_second = left.types.type(pruned.pruner.new_id(second));
  CHECK(new_second.kind == btf_kind::variable);
  CHECK(left.name_of(new_second.id) == "second");
  CHECK(left.types.image().read32(new_second.tail()) == 0);
  CHECK(left.types.image().read32(left.types.type(pruned.pruner.new_id(first)).tail()) == 1);
  CHECK(pruned.kept_inside());
}

TEST_CASE("tags stay with what they are on, and with members that stay", "[pruned_btf]") {
  constexpr std::uint32_t itself = 0xffffffff;
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto pointed_to = made.structure("pointed_to", 4, {{"a", int_type}});
  const auto value = made.structure("value", 16, {{"a", int_type}, {"p", made.pointer(pointed_to), 64}});
  const auto gone = made.structure("gone", 4, {{"a", int_type}});
  const auto counts = made.function("counts", made.function_prototype(int_type, {{"x", int_type}}), 1);
  made.declaration_tag("on_value", value, itself);
  made.declaration_tag("on_its_member", value, 1);
  made.declaration_tag("on_pointed_to", pointed_to, itself);
  made.declaration_tag("on_a_member_that_goes", pointed_to, 0);
  made.declaration_tag("on_gone", gone, itself);
  made.declaration_tag("on_function", counts, itself);
  made.declaration_tag("on_parameter", counts, 0);
  made.declaration_tag("on_nothing", 0, itself);
  made.declaration_tag("on_what_is_not_there", 999, itself);
  const opened_types whole(opened_types::object_with(made.content()));

  const pruned_types pruned(whole.types, {value, counts});
  const opened_types& left = pruned.left;

  std::vector<std::string> tags;
  for (btf_type type = left.types.first(); type.id != 0; type = left.types.after(type))
    if (type.kind == btf_kind::declaration_tag)
      tags.push_back(left.name_of(type.id) + "/" + left.name_of(type.size_or_type) + "/" +
                     std::to_string(static_cast<int>(left.types.image().read32(type.tail()))));
  CHECK(tags == std::vector<std::string>{"on_value/value/-1", "on_its_member/value/1",
                                         "on_pointed_to/pointed_to/-1", "on_function/counts/-1",
                                         "on_parameter/counts/0"});
  CHECK(left.types.find(btf_kind::structure, "pointed_to").members == 0);
}

TEST_CASE("the texts of source lines stand in front of the names of types", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto prototype = made.function_prototype(int_type);
  const auto first = made.function("first", prototype, 1);
  made.name("this is not kept");
  const auto file_name = made.name("x.c"), text = made.name("return 0;"), brace = made.name("}");
  btf_ext_builder ext;
  const auto section = made.name("tp/a/b");
  ext.functions.runs = {{section, {{0, first}}}};
  ext.lines.runs = {
      {section,
       {{0, file_name, text, 1 << 10}, {8, file_name, brace, 2 << 10}, {16, file_name, text, 3 << 10}}}};
  object_builder file;
  file.add(object_builder::section{
      .name = "tp/a/b", .type = 1, .flags = 6, .content = bpf_code().move(0, 1).move(0, 2).exit()});
  file.add(object_builder::section{.name = ".BTF", .type = 1, .content = made.content()});
  file.add(object_builder::section{.name = ".BTF.ext", .type = 1, .content = ext.content()});
  file.add(object_builder::symbol{"first", 0x12, 1, 0, 24});
  const file_image image = file.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());
  pruned_object pruned(object.tables(), true);
  pruned_object without(object.tables());
  pruned.write_all();
  without.write_all();
  const file_image content(pruned.content->begin(), pruned.content->end());

  // Pieces of eight bytes, as they lie in the file: behind 24 bytes of header and those of the types.
  const std::string strings(content.end() - static_cast<std::ptrdiff_t>(get32(content, 20)), content.end());
  CHECK(strings.size() == pruned.pruner.sizes().strings_size);
  CHECK(strings.substr(pruned.pruner.sizes().names_at) == std::string("\0int\0first\0", 11));
  CHECK(pruned.pruner.sizes().names_at == pruned.lines.texts_size());
  const auto text_at = [&](std::uint32_t offset) {
    return std::string(strings.c_str() + pruned.lines.new_text(offset));
  };
  CHECK(text_at(file_name) == "x.c");
  CHECK(text_at(text) == "return 0;");
  CHECK(text_at(brace) == "}");
  CHECK(strings.find("is not") == std::string::npos);
  CHECK(pruned.lines.new_text(0) == 0);
  CHECK(pruned.lines.new_text(section) == 0);
  CHECK(pruned.lines.new_text(0xffffffff) == 0);
  CHECK(pruned.kept_inside());
  // The same types, and no more.
  CHECK(without.content->size() == content.size() - pruned.lines.texts_size());
  CHECK(without.pruner.sizes().types_size == pruned.pruner.sizes().types_size);
  CHECK(without.lines.new_text(file_name) == 0);
}

namespace {

// An object of one program, "first" in the section tp/a/b.
file_image image_of(const bpf_code& body, const btf_builder& types, const btf_ext_builder& ext) {
  object_builder file;
  file.add(object_builder::section{.name = "tp/a/b", .type = 1, .flags = 6, .content = body});
  file.add(object_builder::section{.name = ".BTF", .type = 1, .content = types.content()});
  file.add(object_builder::section{.name = ".BTF.ext", .type = 1, .content = ext.content()});
  file.add(object_builder::symbol{"first", 0x12, 1, 0, body.size()});
  return file.build();
}

// Its types and lines as they are written, read by nobody.
struct pruned_lines {
  reading object;
  pruned_object pruned;
  std::string content{};

  explicit pruned_lines(const barebpf::bytes& image) : object(image), pruned(object.tables(), true) {
    REQUIRE_FALSE(object.fault.failed());
    pruned.write_all();
    CHECK(pruned.kept_inside());
    content.assign(pruned.content->begin(), pruned.content->end());
  }
  // What stands there of the text at `offset` among the object's strings.
  std::string text(std::uint32_t offset) const {
    const std::size_t strings = content.size() - pruned.pruner.sizes().strings_size;
    return content.c_str() + strings + pruned.lines.new_text(offset);
  }
};

// The same bytes as `static_spec` has them.
std::vector<std::uint64_t> words_of(const file_image& image) {
  std::vector<std::uint64_t> out((image.size() + 7) / 8);
  for (std::size_t i = 0; i < image.size(); ++i) out[i / 8] |= std::uint64_t{image[i]} << i % 8 * 8;
  return out;
}

}  // namespace

TEST_CASE("strings of many lines are found", "[pruned_btf]") {
  // As bytes and as the words that the compiler reads, of which a record fills two or a part of three.
  const std::size_t moved = GENERATE(4u, 5u, 8u);
  const bool is_words = GENERATE(false, true);
  CAPTURE(moved, is_words);
  btf_builder made;
  made.name(std::string(moved, 'm'));
  const auto first = made.function("first", made.function_prototype(0), 1);
  btf_ext_builder ext;
  const auto section = made.name("tp/a/b");
  bpf_code body;
  std::vector<std::uint32_t> texts;
  ext.functions.runs = {{section, {{0, first}}}};
  ext.lines.runs = {{section}};
  for (std::uint32_t i = 0; i < 500; ++i) {
    texts.push_back(made.name("line " + std::to_string(i % 300)));
    body.move(0, 1);
    ext.lines.runs[0].records.push_back({i * 8, texts.back(), texts[i / 2], i << 10});
  }
  const file_image image = image_of(body, made, ext);
  const std::vector<std::uint64_t> words = words_of(image);
  const pruned_lines pruned(is_words ? barebpf::bytes(words.data(), words.size()) : window(image));
  for (std::uint32_t i = 0; i < 500; ++i) REQUIRE(pruned.text(texts[i]) == "line " + std::to_string(i % 300));
}

TEST_CASE("a long text is kept though its end is a text too", "[pruned_btf]") {
  btf_builder made;
  const auto first = made.function("first", made.function_prototype(0), 1);
  const auto section = made.name("tp/a/b"), file_name = made.name("file");
  const std::string text = std::string(900, 'b') + std::string(100, 'e');
  const auto whole = made.name(text), its_end = whole + 900;
  btf_ext_builder ext;
  ext.functions.runs = {{section, {{0, first}}}};
  ext.lines.runs = {{section, {{0, file_name, whole, 1 << 10}, {8, file_name, its_end, 2 << 10}}}};
  const file_image image = image_of(bpf_code().move(0, 1).exit(), made, ext);
  const pruned_lines pruned(window(image));
  CHECK(pruned.text(whole) == text);
  CHECK(pruned.text(its_end) == text.substr(900));
}

TEST_CASE("what stands between the texts of lines is left out where it is much", "[pruned_btf]") {
  btf_builder made;
  const auto first = made.function("first", made.function_prototype(0), 1);
  const auto section = made.name("tp/a/b");
  const std::string longest(100, 'l');
  std::vector<std::uint32_t> texts = {made.name("file")};
  made.name("little");
  texts.push_back(made.name("one"));
  made.name(std::string(1000, 'm'));
  texts.push_back(made.name("two"));
  texts.push_back(made.name(longest));
  made.name(std::string(1000, 'n'));
  btf_ext_builder ext;
  ext.functions.runs = {{section, {{0, first}}}};
  ext.lines.runs = {{section}};
  bpf_code body;
  for (std::uint32_t i = 1; i < texts.size(); ++i) {
    ext.lines.runs[0].records.push_back({(i - 1) * 8, texts[0], texts[i], i << 10});
    body.move(0, 1);
  }
  const file_image image = image_of(body, made, ext);
  const pruned_lines pruned(window(image));
  CHECK(pruned.pruned.lines.texts_size() >= 4 + sizeof "file" + sizeof "one" + sizeof "two" + 101);
  CHECK(pruned.pruned.lines.texts_size() < 200);
  const std::string expected[] = {"file", "one", "two", longest};
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(pruned.text(texts[i]) == expected[i]);
}

namespace {

// One program of four instructions and one function that it calls, each with what it needs of these types:
// struct whole { int unused; struct pair *next; union { int choice; long number; }; struct pair pairs[2]; };
struct relocated_object {
  btf_builder made{};
  std::uint32_t int_type = made.integer("int", 4, 1), long_type = made.integer("long", 8, 1);
  std::uint32_t pair = made.structure("pair", 8, {{"first", int_type}, {"second", int_type, 32}});
  std::uint32_t to_pair = made.pointer(pair);
  std::uint32_t choice = made.union_of("", 8, {{"choice", int_type}, {"number", long_type}});
  std::uint32_t pairs = made.array(pair, int_type, 2);
  std::uint32_t whole = made.structure(
      "whole", 40, {{"unused", int_type}, {"next", to_pair, 64}, {"", choice, 128}, {"pairs", pairs, 192}});
  std::uint32_t colours = made.enumeration("colours", 4, {{"RED", 1}, {"GREEN", 2}, {"BLUE", 3}});
  std::uint32_t prototype = made.function_prototype(int_type);
  std::uint32_t first = made.function("first", prototype, 1), second = made.function("second", prototype, 0);
  std::uint32_t section = made.name("tp/a/b");
  btf_ext_builder ext{};
  std::vector<std::vector<std::uint32_t>> records{};
  file_image image{};

  void relocate(std::uint32_t instruction, std::uint32_t type, const std::string& access,
                std::uint32_t kind) {
    records.push_back({instruction * 8, type, made.name(access), kind});
  }
  const file_image& build() {
    ext.functions.runs = {{section, {{0, first}, {32, second}}}};
    ext.core.runs = {{section, records}};
    object_builder file;
    file.add(object_builder::section{
        .name = "tp/a/b",
        .type = 1,
        .flags = 6,
        .content = bpf_code().call(3).move(1, 0).move(0, 1).exit().move(0, 2).exit()});
    file.add(object_builder::section{.name = ".BTF", .type = 1, .content = made.content()});
    file.add(object_builder::section{.name = ".BTF.ext", .type = 1, .content = ext.content()});
    file.add(object_builder::symbol{"first", 0x12, 1, 0, 32});
    file.add(object_builder::symbol{"second", 0x02, 1, 32, 16});
    image = file.build();
    return image;
  }
};

// That object, read and pruned, with the relocations as the kernel gets them.
struct relocated_reading {
  reading object;
  pruned_object pruned;
  std::unique_ptr<opened_types> left{};
  std::vector<barebpf::abi::core_relo> relocations{};

  explicit relocated_reading(const file_image& image) : object(image), pruned(object.tables()) {
    REQUIRE(object.fault.why == barebpf::cause::none);
    pruned.write_all();
    CHECK(pruned.kept_inside());
    CHECK_FALSE(pruned.pruner.is_required());  // the library may do it
    left = std::make_unique<opened_types>(
        opened_types::object_with(file_image(pruned.content->begin(), pruned.content->end())));
    const assembled_program program(object.tables(), object.program(0).function);
    relocations.resize(count_cores(object.tables(), program.layout));
    write_cores(object.tables(), program.layout, pruned.pruner, relocations.data());
  }
  std::string access(std::size_t at) const {
    return string_at(left->types.image(), left->types.strings() + relocations.at(at).access_str_off);
  }
  std::string type(std::size_t at) const { return left->name_of(relocations.at(at).type_id); }
  // The names of the members that are left of a struct or an enum.
  std::string members(btf_kind kind, barebpf::text name) const {
    const btf_type of = left->types.find(kind, name);
    std::string out;
    for (std::uint32_t i = 0; i < of.members; ++i) {
      const std::uint64_t at = of.tail() + std::uint64_t{i} * (kind == btf_kind::enumeration ? 8 : 12);
      out += string_at(left->types.image(), left->types.strings() + left->types.image().read32(at)) + ' ';
    }
    return out;
  }
};

}  // namespace

TEST_CASE("of what only CO-RE names, the members that it names are left, and counted anew", "[pruned_btf]") {
  relocated_object made;
  made.relocate(1, made.whole, "0:3:1:1", 0);
  made.relocate(2, made.whole, "0:2:1", 0);
  made.relocate(4, made.colours, "2", 11);
  made.relocate(4, made.pair, "0:1", 2);
  const relocated_reading read(made.build());

  REQUIRE(read.relocations.size() == 4);
  CHECK(read.members(btf_kind::structure, "whole") == " pairs ");
  CHECK(read.members(btf_kind::structure, "pair") == "second ");
  CHECK(read.members(btf_kind::enumeration, "colours") == "BLUE ");
  CHECK(read.access(0) == "0:1:1:0");
  CHECK(read.access(1) == "0:0:0");
  CHECK(read.access(2) == "0");
  CHECK(read.access(3) == "0:0");
  CHECK(read.type(0) == "whole");
  CHECK(read.type(1) == "whole");
  CHECK(read.type(2) == "colours");
  CHECK(read.type(3) == "pair");
  // Sizes stay, for the kernel asks for them.
  CHECK(read.left->types.size_of(read.relocations[0].type_id) == 40);
  CHECK(read.left->types.find(btf_kind::structure, "pair").size_or_type == 8);
}

TEST_CASE("a relocation moves with its instruction, in bytes", "[pruned_btf]") {
  relocated_object made;
  made.relocate(4, made.pair, "0:1", 2);  // not in order, as nobody promised
  made.relocate(1, made.pair, "0:0", 1);
  made.relocate(2, made.pair, "0", 8);
  const relocated_reading read(made.build());

  REQUIRE(read.relocations.size() == 3);
  CHECK(read.relocations[0].insn_off == 8);
  CHECK(read.relocations[0].kind == 1);
  CHECK(read.relocations[1].insn_off == 16);
  CHECK(read.relocations[1].kind == 8);
  CHECK(read.relocations[2].insn_off == 32);
  CHECK(read.relocations[2].kind == 2);
  CHECK(read.object.function(0).core_count == 2);
  CHECK(read.object.function(1).first_core == 2);
  CHECK(read.object.function(1).core_count == 1);
}

TEST_CASE("a type that is only looked for leaves all its members, and one to be compared keeps them",
          "[pruned_btf]") {
  for (const std::uint32_t kind : {6u, 7u, 8u, 9u, 12u}) {
    CAPTURE(kind);
    relocated_object made;
    const auto callback = made.made.function_prototype(0, {{"pair", made.to_pair}});
    const auto holder = made.made.structure(
        "holder", 16, {{"call", made.made.pointer(callback)}, {"next", made.to_pair, 64}});
    made.relocate(1, holder, "0", kind);
    const relocated_reading read(made.build());

    CHECK(read.members(btf_kind::structure, "holder") == (kind == 12 ? "call next " : ""));
    CHECK(read.members(btf_kind::structure, "pair") == "");
    // The one that compares also compares what a pointer to a function takes.
    const auto prototype = read.left->types.find(btf_kind::function_prototype, "");
    const auto second = read.left->types.count() - 1;
    CHECK(prototype.id != 0);
    CHECK((read.left->types.count() > second && read.pruned.pruner.new_id(callback) != 0) == (kind == 12));
    CHECK(read.access(0) == "0");
  }
}

TEST_CASE("a map's value keeps all its members, whatever CO-RE names", "[pruned_btf]") {
  relocated_object made;
  made.relocate(1, made.pair, "0:1", 0);
  made.build();
  const reading object(made.image);
  REQUIRE_FALSE(object.fault.failed());
  pruned_object pruned(object.tables());
  pruned.pruner.keep(made.pair);
  pruned.write_all();
  const barebpf::bytes content(pruned.content->data(), pruned.content->size());
  const std::uint64_t strings = content.size() - pruned.pruner.sizes().strings_size;

  CHECK(string_at(content, strings + pruned.pruner.new_access(object.tables().cores[0])) == "0:1");
}

TEST_CASE("equal strings of relocations are written once", "[pruned_btf]") {
  relocated_object made, twice;
  made.relocate(1, made.pair, "0:0", 0);
  twice.relocate(1, twice.pair, "0:0", 0);
  twice.relocate(2, twice.colours, "0", 11);
  for (std::uint32_t i = 0; i < 40; ++i) twice.relocate(1, twice.pair, "0:0", i % 6);
  const relocated_reading one(made.build()), many(twice.build());

  CHECK(many.relocations.size() == 42);
  // "0" and what the enum has.
  CHECK(many.pruned.pruner.sizes().strings_size ==
        one.pruned.pruner.sizes().strings_size + sizeof "0" + sizeof "colours" + sizeof "RED");
}

TEST_CASE("a relocation that names what is not there is refused where it stands", "[pruned_btf]") {
  const auto fault_of = [](std::uint32_t instruction, const std::string& access, std::uint32_t kind) {
    relocated_object made;
    made.relocate(1, made.pair, "0:1", 0);
    made.relocate(instruction, made.pair, access, kind);
    const reading object(made.build());
    return object.fault.why;
  };

  CHECK(fault_of(2, "0:1", 0) == barebpf::cause::none);
  CHECK(fault_of(2, "0:2", 0) == barebpf::cause::bad_core);
  CHECK(fault_of(2, "", 0) == barebpf::cause::bad_core);
  CHECK(fault_of(2, "0:1", 8) == barebpf::cause::bad_core);
  CHECK(fault_of(6, "0:1", 0) == barebpf::cause::bad_core);
  CHECK(fault_of(2, "0:1", 13) == barebpf::cause::unknown_core_kind);
}

TEST_CASE("types are required where a program takes the address of a function", "[pruned_btf]") {
  using barebpf::reference_kind;
  for (const reference_kind kind : {reference_kind::nothing, reference_kind::map, reference_kind::value,
                                    reference_kind::call, reference_kind::function}) {
    const barebpf::reference list[] = {{.kind = reference_kind::call}, {.kind = kind}};
    pruned_object pruned({.image = {}, .types = {}, .references = list, .reference_count = 2});
    CHECK(pruned.pruner.is_required() == (kind == reference_kind::function));
  }
}

TEST_CASE("types are required where the kind of a map demands them", "[pruned_btf]") {
  const auto needs_types = [](barebpf::map_type type) {
    const barebpf::map_spec maps[] = {{.type = 1}, {.type = static_cast<std::uint32_t>(type)}};
    return pruned_object({.image = {}, .types = {}, .maps = maps, .map_count = 2}).pruner.is_required();
  };

  CHECK(needs_types(barebpf::map_type::sk_storage));
  CHECK(needs_types(barebpf::map_type::task_storage));
  CHECK_FALSE(needs_types(barebpf::map_type::array));
  CHECK_FALSE(needs_types(barebpf::map_type::ringbuf));
}

TEST_CASE("types are required where a value keeps what the kernel finds by its type", "[pruned_btf]") {
  // A value with one member of this struct, held whole or behind a pointer.
  const auto needs_types = [](const std::string& name, bool whole_struct) {
    btf_builder made;
    const auto int_type = made.integer("int", 4, 1);
    const auto special = made.structure(name, 16, {{"a", int_type}});
    const auto value = made.structure(
        "value", 32, {{"count", int_type}, {"special", whole_struct ? special : made.pointer(special), 64}});
    const opened_types whole(opened_types::object_with(made.content()));
    const barebpf::map_spec maps[] = {{.type = 1, .key_type = int_type, .value_type = value}};
    pruned_object pruned({.image = whole.image_window(), .types = whole.types, .maps = maps, .map_count = 1});
    pruned.write_all();
    return pruned.pruner.is_required();
  };

  for (const char* name : {"bpf_spin_lock", "bpf_res_spin_lock", "bpf_timer", "bpf_wq", "bpf_task_work",
                           "bpf_list_head", "bpf_rb_root", "bpf_list_node", "bpf_rb_node", "bpf_refcount"}) {
    CAPTURE(name);
    CHECK(needs_types(name, true));
    CHECK_FALSE(needs_types(name, false));
  }
  CHECK_FALSE(needs_types("bpf_spin_locks", true));
  CHECK_FALSE(needs_types("plain", true));
}

TEST_CASE("types are required where a value keeps a pointer of the kernel", "[pruned_btf]") {
  const auto needs_types = [](const std::string& tag) {
    btf_builder made;
    const auto int_type = made.integer("int", 4, 1);
    const auto task = made.structure("task_struct", 64, {{"a", int_type}});
    const auto value = made.structure("value", 8, {{"task", made.pointer(made.type_tag(tag, task))}});
    const opened_types whole(opened_types::object_with(made.content()));
    const barebpf::map_spec maps[] = {{.type = 1, .key_type = int_type, .value_type = value}};
    pruned_object pruned({.image = whole.image_window(), .types = whole.types, .maps = maps, .map_count = 1});
    pruned.write_all();
    return pruned.pruner.is_required();
  };

  for (const char* tag : {"kptr", "kptr_untrusted", "percpu_kptr", "uptr"}) {
    CAPTURE(tag);
    CHECK(needs_types(tag));
  }
  CHECK_FALSE(needs_types("rcu"));
  CHECK_FALSE(needs_types("kptrs"));
}

TEST_CASE("a map is described by key and value, by the value alone for variables, or not at all",
          "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto long_type = made.integer("long", 8, 1);
  const opened_types whole(opened_types::object_with(made.content()));
  pruned_object pruned({.image = whole.image_window(), .types = whole.types});
  pruned.pruner.keep(int_type);
  pruned.pruner.keep(long_type);
  pruned.write();
  const auto ids_of = [&](const barebpf::map_spec& map) {
    barebpf::abi::map_create create{};
    describe_map(map, pruned.pruner, create);
    CHECK(create.btf_fd == 0);
    return std::pair(create.btf_key_type_id, create.btf_value_type_id);
  };
  using ids = std::pair<std::uint32_t, std::uint32_t>;
  constexpr auto declared = barebpf::map_origin::declared, data = barebpf::map_origin::data;

  CHECK(ids_of({.type = 1, .key_type = int_type, .value_type = long_type}) == ids(1, 2));
  CHECK(ids_of({.type = 1, .key_type = int_type}) == ids(0, 0));
  CHECK(ids_of({.type = 1, .value_type = long_type, .origin = declared}) == ids(0, 0));
  CHECK(ids_of({.type = 2, .value_type = long_type, .origin = data}) == ids(0, 2));
  CHECK(ids_of({.type = 1, .key_type = int_type, .value_type = 99}) == ids(0, 0));
  // The kernel refuses types of a perf event array.
  CHECK(ids_of({.type = 4, .key_type = int_type, .value_type = long_type}) == ids(0, 0));
}

TEST_CASE("more bytes than the kernel takes are no BTF, and their sum never wraps", "[pruned_btf]") {
  // So many types under one long name: of each of these sums the last is 4 GiB and a little.
  for (const std::uint32_t count : {15u, 17u, 4096u, 4097u}) {
    CAPTURE(count);
    btf_builder made;
    const auto long_name = made.name(std::string((1 << 20) - 1, 'x'));
    std::vector<btf_builder::member> members;
    for (std::uint32_t i = 0; i < count; ++i) {
      const auto type = made.integer("", 4, 1);
      put32(made.types, made.starts[type], long_name);
      members.push_back({"", type, i * 32});
    }
    const auto value = made.structure("value", count * 4, members);
    const opened_types whole(opened_types::object_with(made.content()));
    pruned_object pruned({.image = whole.image_window(), .types = whole.types});
    pruned.pruner.keep(value);

    const std::uint32_t size = pruned.pruner.number();
    CHECK(size == pruned.pruner.sizes().total);
    CHECK(size == (count == 15 ? 24 + 15 * 16 + 12 + 15 * 12 + 1 + 15 * (1u << 20) + 6 : 0));
  }
}

TEST_CASE("no single damaged byte of the types makes the pruner crash", "[pruned_btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto rows = made.array(int_type, int_type, 3);
  const auto kind = made.enumeration("kind", 4, {{"ONE", 1}});
  const auto inner = made.structure("inner", 16, {{"rows", rows}, {"kind", kind, 96}});
  const auto value = made.structure("value", 24, {{"inner", inner}, {"next", made.pointer(5), 128}});
  const file_image content = made.content();
  std::size_t pruned = 0;

  for (std::size_t at = 0; at < content.size(); ++at)
    for (const int after : {0x00, 0xff, content[at] ^ 0x80}) {
      file_image damaged = content;
      damaged[at] = static_cast<unsigned char>(after);
      const file_image image = opened_types::object_with(damaged);
      barebpf::elf file;
      REQUIRE_FALSE(barebpf::elf::open(window(image), file).failed());
      btf types;
      if (btf::open(file, file.find_section(".BTF"), types).failed()) continue;
      std::vector<std::uint32_t> index(types.index_size());
      types.build_index(index.data());
      std::vector<std::uint32_t> new_ids;
      const file_image left = pruned_types::prune(types, {value}, new_ids);
      pruned += left.size() >= 25;
    }

  CHECK(pruned > 100);
}

TEST_CASE("the types of the maps in a map of maps are kept, and what they need is needed", "[pruned_btf]") {
  for (const bool has_lock : {false, true}) {
    CAPTURE(has_lock);
    slots_object made;
    const auto lock =
        made.types.structure(has_lock ? "bpf_spin_lock" : "my_own_lock", 4, {{"val", made.int_type}});
    const auto value = made.types.structure("locked", 8, {{"lock", lock}, {"number", made.int_type, 32}});
    made.inner[2] = {"value", made.types.pointer(value)};
    made.build();
    const reading object(made.image);
    REQUIRE_FALSE(object.fault.failed());
    pruned_object pruned(object.tables());
    pruned.write_all();
    barebpf::abi::map_create attr =
        to_inner_map_create(object.facts.image, inner_of(object.facts.types, object.map(0)));
    describe_map(inner_of(object.facts.types, object.map(0)), pruned.pruner, attr);
    barebpf::abi::map_create outer{};
    describe_map(object.map(0), pruned.pruner, outer);

    CHECK(pruned.pruner.is_required() == has_lock);
    CHECK(attr.btf_key_type_id == pruned.pruner.new_id(made.int_type));
    CHECK(attr.btf_value_type_id == pruned.pruner.new_id(value));
    CHECK(attr.btf_value_type_id != 0);
    CHECK(outer.btf_value_type_id == 0);
    CHECK(pruned.kept_inside());
  }
}
