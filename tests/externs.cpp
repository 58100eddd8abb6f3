// SPDX-License-Identifier: MIT
// Objects that want something of the kernel, made by hand: the table of what they want, and what instructions make of it.
#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reading.hpp"

namespace {

using barebpf::cause;
using barebpf::extern_kind;
using barebpf::kconfig_form;
using barebpf::map_origin;
using barebpf::not_found;
using barebpf::reference_kind;

// Options of every form, an address, a variable and two functions, in no order at all; and a program that uses some.
struct externs_object {
  btf_builder types{};
  std::uint32_t int_type = types.integer("int", 4, 1);
  std::uint32_t u64_type = types.integer("unsigned long long", 8, 0);
  std::uint32_t bool_type = types.integer("_Bool", 1, 4);
  std::uint32_t char_type = types.integer("char", 1, 1);
  std::uint32_t tristate = types.enumeration("libbpf_tristate", 4, {{"TRI_NO", 0}, {"TRI_YES", 1}});
  std::uint32_t task = types.structure("task", 4, {{"pid", int_type}});
  std::uint32_t prototype = types.function_prototype(int_type, {{"", types.pointer(task)}});
  std::uint32_t void_const = types.const_type(0);

  std::vector<btf_builder::place> options = {
      {extern_variable("CONFIG_FLAG", bool_type), 0, 1},
      {extern_variable("CONFIG_NAME", types.array(char_type, int_type, 5)), 0, 5},
      {extern_variable("LINUX_KERNEL_VERSION", types.type_definition("word", int_type)), 0, 4},
      {extern_variable("CONFIG_LARGE", u64_type), 0, 8},
      {extern_variable("CONFIG_CHOICE", tristate), 0, 4},
      {extern_variable("CONFIG_LETTER", char_type), 0, 1},
  };
  std::vector<btf_builder::place> symbols = {
      {types.function("get_task___mine", prototype, 2), 0, 0},
      {extern_variable("jiffies", types.const_type(u64_type)), 0, 8},
      {extern_variable("a_symbol", void_const), 0, 1},
      {types.function("free_task", prototype, 2), 0, 0},
  };
  // CONFIG_NAME + 2, then a_symbol, jiffies, the address of free_task, and calls of both functions.
  file_image code =
      bpf_code().load(1, 2).load(2, 0).load(3, 0).load(4, 0).call(-1).call(-1).move(0, 0).exit();
  std::vector<std::pair<std::uint64_t, std::string>> uses = {{0, "CONFIG_NAME"}, {16, "a_symbol"},
                                                             {32, "jiffies"},    {48, "free_task"},
                                                             {64, "free_task"},  {72, "get_task___mine"}};
  std::vector<std::string> weak = {"CONFIG_LARGE", "jiffies", "free_task"};
  std::vector<std::string> unused = {"CONFIG_LETTER"};

  object_builder file{};
  file_image image{};

  std::uint32_t extern_variable(const std::string& called, std::uint32_t type) {
    return types.variable(called, type, 2);
  }
  std::string name_of(const btf_builder::place& one) const {
    std::uint32_t at = 0;
    std::memcpy(&at, types.types.data() + types.starts.at(one.variable), sizeof at);
    return types.strings.c_str() + at;
  }
  file_image& build() {
    if (!options.empty()) types.data_section(".kconfig", 0, options);
    if (!symbols.empty()) types.data_section(".ksyms", 0, symbols);
    file.add(object_builder::section{.name = "tp/a/b", .type = 1, .flags = 6, .content = code});
    file.add(object_builder::section{.name = ".BTF", .type = 1, .content = types.content()});
    file.add(object_builder::symbol{"program", 0x12, 1, 0, code.size()});
    std::vector<object_builder::relocation> relocations;
    const auto add = [&](const std::string& name) {
      if (std::find(unused.begin(), unused.end(), name) != unused.end()) return;
      const bool is_weak = std::find(weak.begin(), weak.end(), name) != weak.end();
      const std::uint32_t symbol =
          file.add(object_builder::symbol{name, static_cast<unsigned char>(is_weak ? 0x20 : 0x10), 0, 0, 0});
      for (const auto& [offset, used] : uses)
        if (used == name) relocations.push_back({offset, symbol});
    };
    for (const btf_builder::place& one : options) add(name_of(one));
    for (const btf_builder::place& one : symbols) add(name_of(one));
    file.add_relocations(".reltp/a/b", 1, relocations);
    return image = file.build();
  }
};

struct expected_extern {
  std::string name;
  extern_kind kind;
  bool is_weak;
  kconfig_form form = kconfig_form::none;
  std::uint32_t offset = 0, size = 0;
};

void refuse(externs_object& object, cause why, const std::string& about) {
  const reading read(object.build());
  CHECK(read.fault.why == why);
  CHECK(subject_of(object.image, read.fault) == about);
  CHECK(read.kept_inside());
}

}  // namespace

TEST_CASE("what an object wants of the kernel is listed as libbpf numbers it", "[externs]") {
  externs_object object;
  const reading read(object.build());
  REQUIRE(read.fault.why == cause::none);
  const std::vector<expected_extern> expected = {
      {"CONFIG_LARGE", extern_kind::config, true, kconfig_form::number, 0, 8},
      {"CONFIG_CHOICE", extern_kind::config, false, kconfig_form::tristate, 8, 4},
      {"LINUX_KERNEL_VERSION", extern_kind::config, false, kconfig_form::number, 12, 4},
      {"CONFIG_FLAG", extern_kind::config, false, kconfig_form::boolean, 16, 1},
      {"CONFIG_LETTER", extern_kind::config, true, kconfig_form::character, 17, 1},
      {"CONFIG_NAME", extern_kind::config, false, kconfig_form::characters, 18, 5},
      {"a_symbol", extern_kind::address, false},
      {"free_task", extern_kind::function, true},
      {"get_task___mine", extern_kind::function, false},
      {"jiffies", extern_kind::variable, true},
  };
  REQUIRE(read.facts.externs == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const barebpf::extern_spec& seen = read.external(i);
    CAPTURE(expected[i].name);
    CHECK(read.name_at(seen.name) == expected[i].name);
    CHECK(seen.kind == expected[i].kind);
    CHECK(seen.is_weak == expected[i].is_weak);
    CHECK(seen.slot.form == expected[i].form);
    CHECK(seen.slot.size == expected[i].size);
    CHECK(seen.offset == expected[i].offset);
    CHECK(find_extern(read.facts.image, read.externs->data(), read.extern_names->data(), read.facts.externs,
                      seen.name) == i);
  }
  CHECK(read.external(2).slot.is_signed);
  CHECK_FALSE(read.external(0).slot.is_signed);
  CHECK(is_handled_inside(read));
}

TEST_CASE("options are the variables of a map of their own, the last one", "[externs]") {
  externs_object object;
  const reading read(object.build());
  REQUIRE(read.facts.maps == 1);
  const barebpf::map_spec& map = read.map(0);
  CHECK(read.name_at(map.name) == ".kconfig");
  CHECK(map.origin == map_origin::config);
  CHECK(map.type == 2);
  CHECK(map.key_size == 4);
  CHECK(map.value_size == 23);
  CHECK(map.max_entries == 1);
  CHECK(map.map_flags == (128 | 1024));
  CHECK(map.is_frozen());
  CHECK_FALSE(map.has_data());
  REQUIRE(map.variable_count == 6);
  CHECK(read.name_at(read.variable(5).name) == "CONFIG_NAME");
  CHECK(read.variable(5).offset == 18);
  CHECK(read.variable(5).size == 5);
  CHECK(barebpf::data_layout().add(map) == 0);

  const barebpf::abi::map_create create = to_map_create(read.facts.image, map, "an_object_of_mine");
  CHECK(std::string(create.map_name.characters) == "an_obje.kconfig");
}

TEST_CASE("the kernel is told of options as variables that are there", "[externs]") {
  externs_object object;
  const reading read(object.build());
  pruned_object types(read.tables());
  types.write_all();
  const std::vector<std::uint8_t> content(types.content->begin(), types.content->end());
  barebpf::btf left;
  REQUIRE_FALSE(barebpf::btf::open({content.data(), content.size()}, 0, content.size(), left).failed());
  std::uint32_t variables = 0, functions = 0;
  for (auto type = left.first(); type.id != 0; type = left.after(type)) {
    variables += type.kind == barebpf::abi::btf_kind::variable;
    functions += type.kind == barebpf::abi::btf_kind::function;
    if (type.kind == barebpf::abi::btf_kind::variable) CHECK(left.image().read32(type.tail()) == 1);
    if (type.kind == barebpf::abi::btf_kind::data_section) {
      CHECK(string_at(left.image(), type.name) == ".kconfig");
      CHECK(type.size_or_type == 23);
      CHECK(type.members == 6);
    }
  }
  CHECK(variables == 6);
  CHECK(functions == 0);  // what is only declared the kernel has itself
}

TEST_CASE("instructions name what they want", "[externs]") {
  externs_object object;
  const reading read(object.build());
  REQUIRE(read.facts.references == 6);
  CHECK(read.reference(0).kind == reference_kind::value);
  CHECK(read.reference(0).target == 0);
  CHECK(read.reference(0).offset == 20);
  const std::uint32_t targets[] = {6, 9, 7, 7, 8};
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(read.reference(i + 1).kind == reference_kind::external);
    CHECK(read.reference(i + 1).target == targets[i]);
  }
  const assembled_program program(read.tables(), 0);
  REQUIRE(program.fault.why == cause::none);
  REQUIRE(program.layout.map_references == 6);
  const std::uint32_t instructions[] = {0, 2, 4, 6, 8, 9};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK((*program.maps)[i].instruction == instructions[i]);
    CHECK((*program.maps)[i].is_extern() == (i != 0));
    if (i != 0) CHECK((*program.maps)[i].target() == targets[i - 1]);
  }
}

TEST_CASE("what can be no option is refused by its name", "[externs]") {
  const auto with = [](auto type_of) {
    externs_object object;
    object.options.push_back({object.extern_variable("CONFIG_ODD", type_of(object)), 0, 4});
    refuse(object, cause::bad_kconfig_type, "CONFIG_ODD");
  };
  with([](externs_object& o) { return o.task; });
  with([](externs_object& o) { return o.types.pointer(o.int_type); });
  with([](externs_object& o) { return o.types.enumeration("other", 4, {{"A", 0}}); });
  with([](externs_object& o) { return o.types.enumeration("libbpf_tristate", 8, {{"B", 0}}); });
  with([](externs_object& o) { return o.types.array(o.int_type, o.int_type, 4); });
  with([](externs_object& o) { return o.types.array(o.char_type, o.int_type, 0); });
  with([](externs_object& o) { return o.types.array(o.bool_type, o.int_type, 4); });
  with([](externs_object& o) { return o.types.integer("int128", 16, 1); });
  with([](externs_object& o) { return o.types.integer("odd", 3, 0); });
  with([](externs_object& o) { return o.types.integer("wide bool", 4, 4); });
  with([](externs_object& o) { return o.types.floating("float", 4); });
  with([](externs_object&) { return 0u; });
  externs_object function;
  function.options.push_back({function.types.function("CONFIG_CALLED", function.prototype, 2), 0, 0});
  refuse(function, cause::bad_kconfig_type, "CONFIG_CALLED");
}

TEST_CASE("options take no more than a megabyte, and names no more than a line", "[externs]") {
  externs_object large;
  large.options = {
      {large.extern_variable("CONFIG_SOME",
                             large.types.array(large.char_type, large.int_type, (1 << 20) - 8)),
       0, 0},
      {large.extern_variable("CONFIG_MORE", large.types.array(large.char_type, large.int_type, 9)), 0, 0}};
  large.uses = {};
  refuse(large, cause::kconfig_too_large, "CONFIG_SOME");  // which comes behind the smaller one

  externs_object named;
  named.symbols.push_back({named.extern_variable(std::string(512, 'n'), named.void_const), 0, 1});
  const reading read(named.build());
  CHECK(read.fault.why == cause::bad_extern_name);
  externs_object nameless;
  nameless.symbols.push_back({nameless.extern_variable("", nameless.void_const), 0, 1});
  CHECK(reading(nameless.build()).fault.why == cause::bad_extern_name);
  externs_object fitting;
  fitting.symbols.push_back({fitting.extern_variable(std::string(511, 'n'), fitting.void_const), 0, 1});
  CHECK(reading(fitting.build()).fault.why == cause::none);
}

TEST_CASE("what is neither a variable nor a function is wanted by nobody", "[externs]") {
  externs_object object;
  object.symbols[0].variable = object.int_type;
  object.uses.clear();
  CHECK(reading(object.build()).fault.why == cause::bad_btf_type);
}

TEST_CASE("instructions that cannot use what they name are refused", "[externs]") {
  externs_object called;  // an address is no function
  called.uses = {{64, "a_symbol"}};
  refuse(called, cause::bad_relocation, "a_symbol");
  externs_object moved;  // nothing can be put into a move
  moved.uses = {{80, "a_symbol"}};
  refuse(moved, cause::bad_relocation, "a_symbol");
  externs_object beyond;  // behind all options
  beyond.code = bpf_code().load(1, 6).exit();
  beyond.uses = {{0, "CONFIG_NAME"}};
  refuse(beyond, cause::bad_relocation, "CONFIG_NAME");
  hits_object hits;
  hits.relocations = {{0, hits_object::undefined_symbol}};
  CHECK(reading(hits.build()).fault.why == cause::undefined_symbol);
}

TEST_CASE("the flavour of a name is what stands behind its last three underscores", "[externs]") {
  const auto known = [](const std::string& name) {
    const file_image image(name.c_str(), name.c_str() + name.size() + 1);
    return name.substr(0, length_without_flavor(window(image), 0));
  };
  CHECK(known("bpf_iter_new") == "bpf_iter_new");
  CHECK(known("bpf_iter_new___v2") == "bpf_iter_new");
  CHECK(known("a___b___c") == "a___b");
  CHECK(known("a____b") == "a____b");
  CHECK(known("___b") == "___b");
  CHECK(known("a___") == "a___");
  CHECK(known("a__b") == "a__b");
  CHECK(known("") == "");
}

TEST_CASE("a name is a number that its text has too", "[externs]") {
  const file_image image = {'j', 'i', 'f', 'f', 'i', 'e', 's', 0};
  CHECK(barebpf::hash_of(window(image), 0, 7) == barebpf::hash_of("jiffies"));
  CHECK(barebpf::hash_of("") == 0x811c9dc5);
  CHECK(barebpf::hash_of("a") == 0xe40c292c);  // as everywhere
}

namespace {

// An object with an arena, and variables in it.
struct arena_object {
  btf_builder types{};
  std::uint32_t int_type = types.integer("int", 4, 1);
  std::uint32_t index_type = types.integer("index", 4, 0);
  std::vector<std::uint32_t> map_types = {33};
  std::uint32_t section_type = 1;
  file_image content = file_image(24, 7);
  std::string section = ".addr_space.1";
  file_image code = bpf_code().load(1, 0).load(2, 4).exit();
  object_builder file{};

  static constexpr std::uint16_t code_index = 1, arena_index = 2, maps_index = 3, btf_index = 4;
  std::uint32_t number(std::uint32_t value) {
    return types.pointer(types.array(int_type, index_type, value));
  }
  file_image build() {
    const std::uint32_t first = types.variable("first", int_type, 1);
    const std::uint32_t second = types.variable("second", int_type, 1);
    // In front of the map that they belong to, as compilers write them.
    types.data_section(section, 0, {{second, 8, 4}, {first, 0, 4}});
    std::vector<btf_builder::place> maps;
    for (std::size_t i = 0; i < map_types.size(); ++i) {
      const std::uint32_t map =
          types.structure("", 16, {{"type", number(map_types[i])}, {"max_entries", number(4), 64}});
      maps.push_back(
          {types.variable("map" + std::to_string(i), map, 1), static_cast<std::uint32_t>(i * 16), 16});
    }
    if (!maps.empty()) types.data_section(".maps", 0, maps);
    const bool has_content = section_type == 1;
    file.add(object_builder::section{.name = "tp/a/b", .type = 1, .flags = 6, .content = code});
    file.add(object_builder::section{.name = section,
                                     .type = section_type,
                                     .flags = 3,
                                     .content = has_content ? content : file_image(),
                                     .zeros = content.size()});
    file.add(object_builder::section{.name = maps.empty() ? "none" : ".maps",
                                     .type = 1,
                                     .flags = 3,
                                     .content = file_image(map_types.size() * 16, 0)});
    file.add(object_builder::section{.name = ".BTF", .type = 1, .content = types.content()});
    file.add(object_builder::symbol{"program", 0x12, code_index, 0, code.size()});
    const std::uint32_t symbol = file.add(object_builder::symbol{"second", 0x11, arena_index, 8, 4});
    const std::uint32_t whole = file.add(object_builder::symbol{"", 0x03, arena_index, 0, 0});
    file.add_relocations(".reltp/a/b", code_index, {{0, symbol}, {16, whole}});
    return file.build();
  }
};

}  // namespace

TEST_CASE("variables in an arena belong to the one arena of the object", "[externs]") {
  arena_object object;
  object.map_types = {1, 33};
  const file_image image = object.build();
  const reading read(image);
  REQUIRE(read.fault.why == cause::none);
  const barebpf::map_spec& arena = read.map(1);
  CHECK(arena.origin == map_origin::declared);
  CHECK(arena.image_at == object.file.content_at(arena_object::arena_index));
  CHECK(arena.image_size == 24);
  CHECK(arena.value_type == 0);
  CHECK(arena.map_flags == 0);
  REQUIRE(arena.variable_count == 2);
  CHECK(read.name_at(read.variable(0).name) == "first");
  CHECK(read.variable(1).offset == 8);
  CHECK(read.variable(1).map == 1);
  CHECK(read.map(0).image_size == 0);

  REQUIRE(read.facts.references == 2);
  for (const std::size_t i : {0u, 1u}) {
    CHECK(read.reference(i).kind == reference_kind::value);
    CHECK(read.reference(i).target == 1);
    CHECK(read.reference(i).offset == (i == 0 ? 8 : 4));
  }
  CHECK(is_handled_inside(read));
}

TEST_CASE("variables in an arena may all be zero", "[externs]") {
  arena_object object;
  object.section_type = 8;
  const file_image image = object.build();
  const reading read(image);
  REQUIRE(read.fault.why == cause::none);
  CHECK(read.map(0).image_at == 0);
  CHECK(read.map(0).image_size == 24);
}

TEST_CASE("variables in an arena need one, and one only", "[externs]") {
  arena_object none;
  none.map_types = {1};
  CHECK(reading(none.build()).fault.why == cause::no_arena);
  arena_object no_maps;
  no_maps.map_types = {};
  CHECK(reading(no_maps.build()).fault.why == cause::no_arena);
  arena_object two;
  two.map_types = {33, 33};
  CHECK(reading(two.build()).fault.why == cause::two_arenas);
  arena_object outside;
  outside.content = file_image(8, 0);
  CHECK(reading(outside.build()).fault.why == cause::variable_outside_section);
}

TEST_CASE("jumps through a table explain themselves", "[externs]") {
  arena_object object;
  object.section = ".jumptables";
  const file_image image = object.build();
  const reading read(image);
  CHECK(read.fault.why == cause::jump_tables);
  CHECK(subject_of(image, read.fault) == "second");
}
