// SPDX-License-Identifier: MIT
#include <linux/btf.h>

#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

using barebpf::btf;
using barebpf::cause;
using barebpf::elf;
using barebpf::number_form;
using barebpf::verdict;
using barebpf::abi::btf_kind;

// The types of an image, with what they look at.
struct opened_types {
  file_image image;
  std::size_t section_at = 0;
  verdict fault;
  btf types;
  std::vector<std::uint32_t> index;

  explicit opened_types(file_image from) : image(std::move(from)) {
    elf file;
    REQUIRE_FALSE(elf::open(window(image), file).failed());
    const barebpf::elf_section section = file.find_section(".BTF");
    REQUIRE(section.index != 0);
    section_at = static_cast<std::size_t>(section.at);
    fault = btf::open(file, section, types);
    if (fault.failed()) return;
    index.resize(types.index_size());
    types.build_index(index.data());
  }
  opened_types(const opened_types&) = delete;
  opened_types& operator=(const opened_types&) = delete;
};

file_image object_with(const file_image& content) {
  object_builder file;
  file.add(object_builder::section{.name = ".BTF", .type = 1, .content = content});
  return file.build();
}
file_image object_with(const btf_builder& types) { return object_with(types.content()); }

// A .BTF section of one int, to damage.
file_image one_int() {
  btf_builder types;
  types.integer("int", 4, 1);
  return types.content();
}

}  // namespace

TEST_CASE("the numbers of BTF are the system's", "[btf]") {
  using header = barebpf::abi::btf_header;
  using record = barebpf::abi::btf_type_record;

  CHECK(barebpf::abi::btf_magic == BTF_MAGIC);
  CHECK(header::magic == offsetof(btf_header, magic));
  CHECK(header::version == offsetof(btf_header, version));
  CHECK(header::header_size == offsetof(btf_header, hdr_len));
  CHECK(header::types_offset == offsetof(btf_header, type_off));
  CHECK(header::types_size == offsetof(btf_header, type_len));
  CHECK(header::strings_offset == offsetof(btf_header, str_off));
  CHECK(header::strings_size == offsetof(btf_header, str_len));
  CHECK(header::size == 24);
  CHECK(record::name == offsetof(btf_type, name_off));
  CHECK(record::info == offsetof(btf_type, info));
  CHECK(record::size_or_type == offsetof(btf_type, size));
  CHECK(record::size == sizeof(btf_type));
  CHECK(static_cast<int>(btf_kind::integer) == BTF_KIND_INT);
  CHECK(static_cast<int>(btf_kind::pointer) == BTF_KIND_PTR);
  CHECK(static_cast<int>(btf_kind::array) == BTF_KIND_ARRAY);
  CHECK(static_cast<int>(btf_kind::structure) == BTF_KIND_STRUCT);
  CHECK(static_cast<int>(btf_kind::union_type) == BTF_KIND_UNION);
  CHECK(static_cast<int>(btf_kind::enumeration) == BTF_KIND_ENUM);
  CHECK(static_cast<int>(btf_kind::forward) == BTF_KIND_FWD);
  CHECK(static_cast<int>(btf_kind::type_definition) == BTF_KIND_TYPEDEF);
  CHECK(static_cast<int>(btf_kind::volatile_type) == BTF_KIND_VOLATILE);
  CHECK(static_cast<int>(btf_kind::const_type) == BTF_KIND_CONST);
  CHECK(static_cast<int>(btf_kind::restrict_type) == BTF_KIND_RESTRICT);
  CHECK(static_cast<int>(btf_kind::function) == BTF_KIND_FUNC);
  CHECK(static_cast<int>(btf_kind::function_prototype) == BTF_KIND_FUNC_PROTO);
  CHECK(static_cast<int>(btf_kind::variable) == BTF_KIND_VAR);
  CHECK(static_cast<int>(btf_kind::data_section) == BTF_KIND_DATASEC);
  CHECK(static_cast<int>(btf_kind::floating) == BTF_KIND_FLOAT);
  CHECK(static_cast<int>(btf_kind::declaration_tag) == 17);
  CHECK(static_cast<int>(btf_kind::type_tag) == 18);
  CHECK(static_cast<int>(btf_kind::enumeration64) == 19);
  CHECK(barebpf::abi::btf_integer_is_signed == BTF_INT_SIGNED);
  CHECK(barebpf::abi::btf_integer_is_bool == BTF_INT_BOOL);
  CHECK(barebpf::abi::btf_variable_global == BTF_VAR_GLOBAL_ALLOCATED);
}

TEST_CASE("what follows a record is as long as the system's structs", "[btf]") {
  const auto fixed = [](btf_kind kind) { return barebpf::abi::btf_tails[static_cast<int>(kind)].fixed; };
  const auto each = [](btf_kind kind) { return barebpf::abi::btf_tails[static_cast<int>(kind)].for_each; };

  CHECK(barebpf::abi::btf_kinds == 20);
  CHECK(fixed(btf_kind::integer) == 4);
  CHECK(fixed(btf_kind::array) == sizeof(btf_array));
  CHECK(each(btf_kind::structure) == sizeof(btf_member));
  CHECK(each(btf_kind::union_type) == sizeof(btf_member));
  CHECK(each(btf_kind::enumeration) == sizeof(btf_enum));
  CHECK(each(btf_kind::function_prototype) == sizeof(btf_param));
  CHECK(fixed(btf_kind::variable) == sizeof(btf_var));
  CHECK(each(btf_kind::data_section) == sizeof(btf_var_secinfo));
  CHECK(fixed(btf_kind::declaration_tag) == 4);
  CHECK(each(btf_kind::enumeration64) == 12);
}

TEST_CASE("the execve counter counts ints in longs", "[btf]") {
  const opened_types counter(execve_counter_image());
  REQUIRE_FALSE(counter.fault.failed());
  const btf& types = counter.types;

  const barebpf::btf_type int_type = types.find(btf_kind::integer, "int");
  const barebpf::btf_type long_type = types.find(btf_kind::integer, "long");

  REQUIRE(int_type.id != 0);
  CHECK(types.type(int_type.id).at == int_type.at);
  CHECK(types.size_of(int_type.id) == 4);
  CHECK(types.form_of(int_type.id) == number_form::signed_number);
  REQUIRE(long_type.id != 0);
  CHECK(types.type(long_type.id).at == long_type.at);
  CHECK(types.size_of(long_type.id) == 8);
  CHECK(types.form_of(long_type.id) == number_form::signed_number);
  CHECK(types.find(btf_kind::structure, "int").id == 0);
  CHECK(types.find(btf_kind::integer, "in").id == 0);
}

TEST_CASE("the .maps of the execve counter has one variable", "[btf]") {
  const opened_types counter(execve_counter_image());
  REQUIRE_FALSE(counter.fault.failed());
  const btf& types = counter.types;

  const barebpf::btf_type layout = types.find(btf_kind::data_section, ".maps");
  REQUIRE(layout.members == 1);
  // The variable's id stands where other members have their name.
  const auto variable_at = static_cast<std::size_t>(types.member(layout, 0).at);
  const barebpf::btf_type variable = types.type(get32(counter.image, variable_at));
  CHECK(variable.kind == btf_kind::variable);
  CHECK(string_at(types.image(), variable.name) == "hash_map");
  const barebpf::btf_type definition = types.resolve(variable.size_or_type);
  CHECK(definition.kind == btf_kind::structure);
  REQUIRE(definition.members == 4);
  CHECK(string_at(types.image(), types.member(definition, 0).name) == "type");
  CHECK(string_at(types.image(), types.member(definition, 3).name) == "value");
}

TEST_CASE("every type is found by its id, however many there are", "[btf]") {
  for (const std::uint32_t count : {0u, 1u, 7u, 8u, 100u, 2048u, 3000u}) {
    CAPTURE(count);
    btf_builder made;
    // Records of different lengths, so that no two places are alike.
    for (std::uint32_t i = 1; i <= count; ++i)
      made.structure("s" + std::to_string(i), i, std::vector<btf_builder::member>(i % 3, {"m", 0}));
    const opened_types opened(object_with(made));
    REQUIRE_FALSE(opened.fault.failed());

    CHECK(opened.types.count() == count);
    CHECK(opened.types.index_size() == count + 1);
    for (std::uint32_t id = 1; id <= count; ++id) {
      const barebpf::btf_type type = opened.types.type(id);
      CHECK(type.id == id);
      CHECK(type.at == opened.section_at + made.record_at(id));
      CHECK(type.size_or_type == id);
      CHECK(type.members == id % 3);
      CHECK(string_at(opened.types.image(), type.name) == "s" + std::to_string(id));
    }
    CHECK(opened.types.type(0).kind == btf_kind::void_type);
    CHECK(opened.types.type(count + 1).kind == btf_kind::void_type);
    CHECK(opened.types.type(0xffffffff).kind == btf_kind::void_type);
  }
}

TEST_CASE("without an index no type is found by its id", "[btf]") {
  const file_image image = object_with(one_int());
  elf file;
  REQUIRE_FALSE(elf::open(window(image), file).failed());
  btf types;
  REQUIRE_FALSE(btf::open(file, file.find_section(".BTF"), types).failed());

  CHECK(types.count() == 1);
  CHECK(types.type(1).id == 0);
  CHECK(types.find(btf_kind::integer, "int").id == 1);

  const std::uint32_t index[2] = {};  // the only type stands first
  types.use_index(index);
  CHECK(types.type(1).id == 1);
}

TEST_CASE("every kind of type has the size that C gives it", "[btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto char_type = made.integer("char", 1, 1);
  const auto pointer = made.pointer(0);
  const auto array = made.array(int_type, int_type, 10);
  const auto nested = made.array(array, int_type, 3);
  const auto empty = made.array(int_type, int_type, 0);
  const auto structure = made.structure("s", 24, {{"a", int_type}, {"b", int_type, 64}});
  const auto either = made.union_of("u", 16, {{"a", int_type}});
  const auto enumeration = made.enumeration("e", 4, {{"one", 1}});
  const auto enumeration64 = made.enumeration64("e64", {{"huge", 1ull << 40}});
  const auto forward = made.forward("f");
  const auto function = made.function_prototype(int_type);
  const auto variable = made.variable("v", int_type, 1);
  const auto section = made.data_section(".data", 4, {{variable, 0, 4}});
  const auto floating = made.floating("double", 8);
  const auto definition = made.type_definition("t", structure);
  const auto chain =
      made.const_type(made.volatile_type(made.restrict_type(made.type_tag("tag", definition))));
  const opened_types opened(object_with(made));
  REQUIRE_FALSE(opened.fault.failed());
  const btf& types = opened.types;

  CHECK(types.size_of(0) == 0);
  CHECK(types.size_of(int_type) == 4);
  CHECK(types.size_of(char_type) == 1);
  CHECK(types.size_of(pointer) == 8);
  CHECK(types.size_of(array) == 40);
  CHECK(types.size_of(nested) == 120);
  CHECK(types.size_of(empty) == 0);
  CHECK(types.size_of(structure) == 24);
  CHECK(types.size_of(either) == 16);
  CHECK(types.size_of(enumeration) == 4);
  CHECK(types.size_of(enumeration64) == 8);
  CHECK(types.size_of(forward) == 0);
  CHECK(types.size_of(function) == 0);
  CHECK(types.size_of(variable) == 0);
  CHECK(types.size_of(section) == 0);
  CHECK(types.size_of(floating) == 8);
  CHECK(types.size_of(definition) == 24);
  CHECK(types.size_of(chain) == 24);
  CHECK(types.size_of(0xffffffff) == 0);
  CHECK(types.resolve(chain).id == structure);
  CHECK(types.resolve(pointer).id == pointer);
  CHECK(types.element_of(types.type(array)) == int_type);
  CHECK(types.length_of(types.type(array)) == 10);
}

TEST_CASE("only integers are numbers, through every name they go by", "[btf]") {
  btf_builder made;
  const auto signed_type = made.integer("int", 4, 1);
  const auto unsigned_type = made.integer("unsigned int", 4, 0);
  const auto signed_char = made.integer("char", 1, 3);
  const auto bool_type = made.integer("_Bool", 1, 4);
  const auto named = made.type_definition("u32", made.const_type(unsigned_type));
  const auto pointer = made.pointer(signed_type);
  const auto array = made.array(signed_type, signed_type, 1);
  const auto structure = made.structure("s", 4, {{"a", signed_type}});
  const auto enumeration = made.enumeration("e", 4, {{"one", 1}});
  const auto floating = made.floating("float", 4);
  const opened_types opened(object_with(made));
  REQUIRE_FALSE(opened.fault.failed());
  const btf& types = opened.types;

  CHECK(types.form_of(signed_type) == number_form::signed_number);
  CHECK(types.form_of(unsigned_type) == number_form::unsigned_number);
  CHECK(types.form_of(signed_char) == number_form::signed_number);
  CHECK(types.form_of(bool_type) == number_form::unsigned_number);
  CHECK(types.form_of(named) == number_form::unsigned_number);
  CHECK(types.form_of(pointer) == number_form::no_number);
  CHECK(types.form_of(array) == number_form::no_number);
  CHECK(types.form_of(structure) == number_form::no_number);
  CHECK(types.form_of(enumeration) == number_form::no_number);
  CHECK(types.form_of(floating) == number_form::no_number);
  CHECK(types.form_of(0) == number_form::no_number);
  CHECK(types.form_of(99) == number_form::no_number);
}

TEST_CASE("names that lead in a circle end in void", "[btf]") {
  btf_builder made;
  const auto first = made.type_definition("first", 2);
  const auto second = made.type_definition("second", 1);
  const auto itself = made.const_type(3);
  const opened_types opened(object_with(made));
  REQUIRE_FALSE(opened.fault.failed());

  for (const std::uint32_t id : {first, second, itself}) {
    CHECK(opened.types.resolve(id).kind == btf_kind::void_type);
    CHECK(opened.types.size_of(id) == 0);
    CHECK(opened.types.form_of(id) == number_form::no_number);
  }
}

TEST_CASE("a chain of names as long as the kernel allows leads to its end", "[btf]") {
  btf_builder made;
  const auto end = made.integer("int", 4, 1);
  std::uint32_t last = end;
  for (int i = 0; i < 31; ++i) last = made.type_definition("t", last);
  const auto too_far = made.type_definition("t", last);
  const opened_types opened(object_with(made));
  REQUIRE_FALSE(opened.fault.failed());

  CHECK(opened.types.resolve(last).id == end);
  CHECK(opened.types.resolve(too_far).id == 0);
}

TEST_CASE("an array that holds itself has no size", "[btf]") {
  btf_builder made;
  const auto itself = made.array(1, 1, 1);
  const opened_types opened(object_with(made));
  REQUIRE_FALSE(opened.fault.failed());

  CHECK(opened.types.size_of(itself) == 0);
}

TEST_CASE("an array of more bytes than 32 bits count has no size", "[btf]") {
  btf_builder made;
  const auto int_type = made.integer("int", 4, 1);
  const auto large = made.array(int_type, int_type, 0x3fffffff);
  const auto too_large = made.array(int_type, int_type, 0x40000000);
  const auto half = made.array(int_type, int_type, 0x10000);
  // Its number of elements is 2^32, which is zero in 32 bits.
  const auto wrapping = made.array(half, int_type, 0x10000);
  // Its number of bytes is 2^64, which is zero in 64 bits.
  const auto wrapping_twice = made.array(made.array(wrapping, int_type, 0x10000), int_type, 0x4000);
  const opened_types opened(object_with(made));
  REQUIRE_FALSE(opened.fault.failed());

  CHECK(opened.types.size_of(large) == 0xfffffffc);
  CHECK(opened.types.size_of(too_large) == 0);
  CHECK(opened.types.size_of(wrapping) == 0);
  CHECK(opened.types.size_of(wrapping_twice) == 0);
}

TEST_CASE("a damaged header of .BTF is refused at its field", "[btf]") {
  const auto refused_at = [](std::size_t field, auto value) {
    file_image content = one_int();
    put_number(content, field, value);
    const opened_types opened(object_with(content));
    CHECK(opened.fault.why == cause::bad_btf_header);
    CHECK(opened.fault.section == 1);
    return opened.fault.offset - opened.section_at;
  };

  CHECK(refused_at(0, std::uint16_t{0x9feb}) == 0);
  CHECK(refused_at(4, std::uint32_t{23}) == 4);
  CHECK(refused_at(4, std::uint32_t{0x10000}) == 4);
  CHECK(refused_at(4, ~std::uint32_t{0}) == 4);
  CHECK(refused_at(8, std::uint32_t{0x10000}) == 12);
  CHECK(refused_at(8, ~std::uint32_t{0}) == 12);
  CHECK(refused_at(12, std::uint32_t{0x10000}) == 12);
  CHECK(refused_at(12, ~std::uint32_t{0}) == 12);
  CHECK(refused_at(16, std::uint32_t{0x10000}) == 20);
  CHECK(refused_at(16, ~std::uint32_t{0}) == 20);
  CHECK(refused_at(20, std::uint32_t{0x10000}) == 20);
  CHECK(refused_at(20, ~std::uint32_t{0}) == 20);
  CHECK(refused_at(20, std::uint32_t{0}) == 16);
}

TEST_CASE("strings without a NUL at both ends are refused", "[btf]") {
  for (const std::size_t from_end : {1u, 5u}) {
    file_image content = one_int();
    content[content.size() - from_end] = 'x';
    const opened_types opened(object_with(content));

    CHECK(opened.fault.why == cause::bad_btf_header);
    CHECK(opened.fault.offset == opened.section_at + 16);
  }
}

TEST_CASE("a .BTF section smaller than its header is refused", "[btf]") {
  for (std::size_t size = 0; size < 24; ++size) {
    file_image content = one_int();
    content.resize(size);
    const opened_types opened(object_with(content));

    CHECK(opened.fault.why == cause::bad_btf_header);
    CHECK(opened.fault.offset == opened.section_at);
  }
}

TEST_CASE("a header that grew since is skipped", "[btf]") {
  file_image content = one_int();
  content.insert(content.begin() + 24, 8, 0xff);
  put32(content, 4, 32);
  const opened_types opened(object_with(content));

  REQUIRE_FALSE(opened.fault.failed());
  CHECK(opened.types.count() == 1);
  CHECK(opened.types.size_of(1) == 4);
}

TEST_CASE("types of a kind that nobody knows are passed over where the file says how long they are",
          "[btf]") {
  btf_builder made;
  const auto before = made.integer("int", 4, 1);
  // Eight bytes behind the record, and three for each of four members.
  const auto unknown = made.add(100, "new", 4, before, {1, 2, 3, 4, 5});
  const auto behind = made.structure("s", 4, {{"x", before}});
  const auto of_it = made.pointer(unknown);
  file_image content = made.content();
  // The rows stand behind the strings, and their place in a longer header.
  const auto body = static_cast<std::uint32_t>(content.size() - 24);
  for (int kind = 0; kind <= 100; ++kind) append32(content, 0);
  content[content.size() - 4] = 8;
  content[content.size() - 3] = 3;
  content.insert(content.begin() + 24, 8, 0);
  put32(content, 4, 32);
  put32(content, 24, body);
  put32(content, 28, 101 * 4);
  {
    const opened_types opened(object_with(content));
    REQUIRE_FALSE(opened.fault.failed());
    CHECK(opened.types.count() == 4);
    CHECK(opened.types.has_unknown());
    CHECK(opened.types.type(behind).kind == btf_kind::structure);
    CHECK(opened.types.find(btf_kind::structure, "s").id == behind);
    CHECK(opened.types.type(of_it).size_or_type == unknown);
    CHECK(opened.types.size_of(unknown) == 0);
    // The kernel is given none of it.
    std::vector<std::uint32_t> storage(barebpf::pruned_btf::storage_size(opened.types.count()));
    const barebpf::object_tables object{.image = window(opened.image), .types = opened.types};
    barebpf::btf_pruner pruner(object, storage.data());
    pruner.keep(of_it);
    pruner.keep(unknown);
    CHECK(pruner.number() != 0);
    CHECK(pruner.new_id(unknown) == 0);
    CHECK(pruner.count() == 1);
  }
  // A table that ends before, or leads out of the section, says nothing.
  for (const auto& [at, value] :
       {std::pair{28u, 100u * 4}, {28u, 101u * 4 + 1}, {24u, body + 1}, {24u, ~0u}}) {
    file_image damaged = content;
    put32(damaged, at, value);
    CHECK(opened_types(object_with(damaged)).fault.why == cause::unknown_btf_kind);
  }
}

TEST_CASE("a kind that nobody knows is refused at its type", "[btf]") {
  for (const std::uint32_t kind : {0u, 20u, 31u, 127u}) {
    CAPTURE(kind);
    btf_builder made;
    made.integer("int", 4, 1);
    const auto unknown = made.add(kind, "x", 0, 0);
    const opened_types opened(object_with(made));

    CHECK(opened.fault.why == cause::unknown_btf_kind);
    CHECK(opened.fault.section == 1);
    CHECK(opened.fault.offset == opened.section_at + made.record_at(unknown));
  }
}

TEST_CASE("a type that runs past the end of the types is refused", "[btf]") {
  // More members, or a tail, than there are bytes left.
  for (const std::uint32_t info : {4u << 24 | 2u, 4u << 24 | 0xffffffu, 3u << 24}) {
    btf_builder made;
    made.integer("int", 4, 1);
    const auto last = made.structure("s", 4, {{"a", 1}});
    file_image content = made.content();
    put32(content, made.record_at(last) + 4, info);
    // An array is as long as a struct of one member, so it has to lose its end first.
    if (info == 3u << 24) put32(content, 12, static_cast<std::uint32_t>(made.types.size()) - 4);
    const opened_types opened(object_with(content));

    CHECK(opened.fault.why == cause::bad_btf_type);
    CHECK(opened.fault.offset == opened.section_at + made.record_at(last));
  }
}

TEST_CASE("types that end inside a record are refused", "[btf]") {
  btf_builder made;
  made.integer("int", 4, 1);
  const auto last = made.pointer(1);
  for (std::uint32_t missing = 1; missing < 12; ++missing) {
    file_image content = made.content();
    put32(content, 12, static_cast<std::uint32_t>(made.types.size()) - missing);
    const opened_types opened(object_with(content));

    CHECK(opened.fault.why == cause::bad_btf_type);
    CHECK(opened.fault.offset == opened.section_at + made.record_at(last));
  }
}

TEST_CASE("a type whose name lies past the strings is refused", "[btf]") {
  for (const std::uint32_t name : {5u, 0xffffffffu}) {
    file_image content = one_int();
    put32(content, 24, name);
    const opened_types opened(object_with(content));

    CHECK(opened.fault.why == cause::bad_btf_type);
    CHECK(opened.fault.offset == opened.section_at + 24);
  }
}

TEST_CASE("a .BTF without content in the file is refused", "[btf]") {
  hits_object made;
  file_image& image = made.build();
  const std::size_t header = made.file.header_at(hits_object::btf_section);
  put32(image, header + 4, 8);
  put64(image, header + 32, std::uint64_t{1} << 40);
  // The strings announce 2 GiB, which only the size in the header of the section bears out.
  put32(image, made.file.content_at(hits_object::btf_section) + 20, 0x7fffffff);

  CHECK(opened_types(image).fault.failed());
}

TEST_CASE("bare BTF is read like a section, wherever it lies", "[btf]") {
  btf_builder types;
  const std::uint32_t word = types.integer("int", 4, 1);
  file_image image = types.content();
  const std::uint64_t size = image.size();
  image.insert(image.begin(), 5, 0xff);
  const barebpf::bytes window(image.data(), image.size());
  barebpf::btf read;

  REQUIRE_FALSE(barebpf::btf::open(window, 5, size, read).failed());
  CHECK(read.count() == 1);
  std::vector<std::uint32_t> index(read.index_size());
  read.build_index(index.data());
  CHECK(read.size_of(word) == 4);
  CHECK_FALSE(read.is_flagged(read.type(word)));

  const barebpf::verdict outside = barebpf::btf::open(window, 5, size + 1, read, 9);
  CHECK(outside.why == barebpf::cause::bad_btf_header);
  CHECK(outside.section == 9);
  CHECK(outside.offset == 5);
  CHECK(barebpf::btf::open(window, 4, size, read).why == barebpf::cause::bad_btf_header);
}
