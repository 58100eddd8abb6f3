// SPDX-License-Identifier: MIT
#include "../support/catch.hpp"
#include "../support/library.hpp"
#include "../support/object_builder.hpp"
#include "../support/reading.hpp"

namespace {

using barebpf::cause;
using barebpf::map_origin;
using barebpf::number_form;

constexpr std::uint32_t rdonly_prog = 128, mmapable = 1024;

// An object with variables in each kind of section. Their layouts stand in another order than the sections.
struct variables_object {
  btf_builder types{};
  std::uint32_t int_type = types.integer("int", 4, 1);
  std::uint32_t u64_type = types.integer("unsigned long long", 8, 0);
  std::uint32_t pair_type = types.structure("pair", 12, {{"a", int_type}, {"b", u64_type, 32}});
  std::uint32_t limit = types.variable("limit", types.const_type(types.volatile_type(int_type)), 1);
  std::uint32_t step = types.variable("step", int_type, 1);
  std::uint32_t seen = types.variable("seen", pair_type, 1);
  std::uint32_t count = types.variable("count", u64_type, 1);
  std::uint32_t secret = types.variable("secret", u64_type, 0);
  std::uint32_t hidden = types.variable("hidden", int_type, 0);
  // What stands for `secret` is its offset in .bss, to which the relocation adds the section's symbol.
  std::uint32_t bss_layout = types.data_section(".bss", 0, {{secret, 16, 8}, {count, 0, 8}});
  std::uint32_t data_layout = types.data_section(".data", 0, {{step, 0, 4}, {seen, 0, 12}});
  std::uint32_t own_layout = types.data_section(".data.own", 0, {{hidden, 0, 4}});
  std::uint32_t rodata_layout = types.data_section(".rodata", 0, {{limit, 0, 4}});
  std::uint32_t license_layout = types.data_section("license", 0, {{limit, 0, 4}});
  std::uint32_t gone_layout = types.data_section(".ksyms", 0, {{limit, 0, 4}});

  static constexpr std::uint16_t rodata = 1, data = 2, bss = 3, own = 4, btf = 5;
  static constexpr std::uint32_t limit_symbol = 1, step_symbol = 2, seen_symbol = 3, count_symbol = 4,
                                 bss_symbol = 5, own_symbol = 6;
  std::uint64_t bss_size = 24;
  std::uint64_t seen_at = 8;
  bool with_types = true;
  std::vector<object_builder::section> more{};
  object_builder file{};
  file_image image{};

  std::size_t type_at(std::uint32_t id) const { return file.content_at(btf) + types.record_at(id); }
  // Where the offset of the variable with this index in a layout is.
  std::uint64_t offset_of(std::uint32_t layout, std::uint64_t index) const {
    return types.record_at(layout) + 12 + index * 12 + 4;
  }
  file_image& build() {
    file.add(object_builder::section{
        .name = ".rodata", .type = 1, .flags = 2, .content = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}});
    file.add(object_builder::section{.name = ".data", .type = 1, .flags = 3, .content = file_image(20, 7)});
    file.add(object_builder::section{.name = ".bss", .type = 8, .flags = 3, .zeros = bss_size});
    file.add(
        object_builder::section{.name = ".data.own", .type = 1, .flags = 3, .content = file_image(4, 9)});
    file.add(
        object_builder::section{.name = with_types ? ".BTF" : ".btf", .type = 1, .content = types.content()});
    file.add(
        object_builder::section{.name = "license", .type = 1, .flags = 3, .content = {'G', 'P', 'L', 0}});
    for (const object_builder::section& one : more) file.add(one);
    file.add_relocations(".rel.BTF", btf,
                         {{offset_of(bss_layout, 0), bss_symbol},
                          {offset_of(bss_layout, 1), count_symbol},
                          {offset_of(data_layout, 0), step_symbol},
                          {offset_of(data_layout, 1), seen_symbol},
                          {offset_of(own_layout, 0), own_symbol},
                          {offset_of(rodata_layout, 0), limit_symbol}});
    file.add(object_builder::symbol{"limit", 0x11, rodata, 8, 4});
    file.add(object_builder::symbol{"step", 0x11, data, 0, 4});
    file.add(object_builder::symbol{"seen", 0x11, data, seen_at, 12});
    file.add(object_builder::symbol{"count", 0x11, bss, 8, 8});
    file.add(object_builder::symbol{"", 0x03, bss, 0, 0});
    file.add(object_builder::symbol{"", 0x03, own, 0, 0});
    image = file.build();
    return image;
  }
};

}  // namespace

TEST_CASE("each section of variables is an array of one value", "[spec/data]") {
  variables_object made;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.shape.maps == 4);
  REQUIRE(object.facts.maps == 4);
  struct {
    const char* name;
    map_origin origin;
    std::uint32_t section, size, flags, layout;
  } const expected[] = {
      {".rodata", map_origin::read_only_data, made.rodata, 12, rdonly_prog | mmapable, made.rodata_layout},
      {".data", map_origin::data, made.data, 20, mmapable, made.data_layout},
      {".bss", map_origin::zeros, made.bss, 24, mmapable, made.bss_layout},
      {".data.own", map_origin::data, made.own, 4, 0, made.own_layout}};
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    const barebpf::map_spec& map = object.map(i);
    CHECK(object.name_at(map.name) == expected[i].name);
    CHECK(map.declared_at == made.file.content_at(expected[i].section));
    CHECK(map.type == 2);
    CHECK(map.key_size == 4);
    CHECK(map.value_size == expected[i].size);
    CHECK(map.max_entries == 1);
    CHECK(map.map_flags == expected[i].flags);
    CHECK(map.numa_node == 0);
    CHECK(map.map_extra == 0);
    CHECK(map.pinning == 0);
    CHECK(map.key_type == 0);
    CHECK(map.value_type == expected[i].layout);
    CHECK(map.key_form == number_form::no_number);
    CHECK(map.value_form == number_form::no_number);
    CHECK(map.origin == expected[i].origin);
    CHECK(map.section == expected[i].section);
    CHECK(map.has_content() == (i != 2));
  }
  CHECK(is_handled_inside(object));
}

TEST_CASE("variables lie where their relocations say, sorted by map", "[spec/data]") {
  variables_object made;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  struct {
    const char* name;
    std::uint32_t map, offset, size, id;
    number_form form;
  } const expected[] = {// The layouts' order, and inside of each the order of the offsets.
                        {"count", 2, 8, 8, made.count, number_form::unsigned_number},
                        {"secret", 2, 16, 8, made.secret, number_form::unsigned_number},
                        {"step", 1, 0, 4, made.step, number_form::signed_number},
                        {"seen", 1, 8, 12, made.seen, number_form::no_number},
                        {"hidden", 3, 0, 4, made.hidden, number_form::signed_number},
                        {"limit", 0, 8, 4, made.limit, number_form::signed_number}};
  REQUIRE(object.facts.variables == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CAPTURE(i);
    const barebpf::variable_spec& variable = object.variable(i);
    CHECK(object.name_at(variable.name) == expected[i].name);
    CHECK(variable.declared_at == made.type_at(expected[i].id));
    CHECK(variable.map == expected[i].map);
    CHECK(variable.offset == expected[i].offset);
    CHECK(variable.size == expected[i].size);
    CHECK(variable.id == expected[i].id);
    CHECK(variable.type == get32(image, made.type_at(expected[i].id) + 8));
    CHECK(variable.form == expected[i].form);
    CHECK(object.find_variable(expected[i].name) == i);
  }
  CHECK(object.map(0).first_variable == 5);
  CHECK(object.map(0).variable_count == 1);
  CHECK(object.map(1).first_variable == 2);
  CHECK(object.map(1).variable_count == 2);
  CHECK(object.map(2).first_variable == 0);
  CHECK(object.map(2).variable_count == 2);
  CHECK(object.map(3).first_variable == 4);
  CHECK(object.map(3).variable_count == 1);
}

TEST_CASE("declared maps come first, and variables behind them", "[spec/data]") {
  hits_object made;
  made.more_sections = {{.name = ".data", .type = 1, .flags = 3, .content = file_image(8)}};
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  REQUIRE(object.facts.maps == 2);
  CHECK(object.name_at(object.map(0).name) == "hits");
  CHECK(object.map(0).origin == map_origin::declared);
  CHECK_FALSE(object.map(0).has_content());
  CHECK(object.name_at(object.map(1).name) == ".data");
  CHECK(object.map(1).section == hits_object::first_more_section);
}

TEST_CASE("sections of variables need no BTF, and then nobody knows what is in them", "[spec/data]") {
  variables_object made;
  made.with_types = false;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  REQUIRE(object.facts.maps == 4);
  CHECK(object.facts.variables == 0);
  CHECK(object.map(0).map_flags == rdonly_prog);
  CHECK(object.map(1).map_flags == 0);
  CHECK(object.map(1).value_size == 20);
  CHECK(object.map(1).value_type == 0);
  CHECK(is_handled_inside(object));
}

TEST_CASE("what is merely called like a section of variables is none", "[spec/data]") {
  object_builder file;
  const auto add = [&](const char* name, std::uint32_t type, std::uint64_t flags, std::size_t size) {
    file.add(object_builder::section{.name = name,
                                     .type = type,
                                     .flags = flags,
                                     .content = file_image(type == 8 ? 0 : size),
                                     .zeros = size});
  };
  add(".database", 1, 3, 8);
  add(".rodatas", 1, 2, 8);
  add(".bssx", 8, 3, 8);
  add("data", 1, 3, 8);
  add("x.data", 1, 3, 8);
  add(".data", 1, 3, 0);    // empty
  add(".bss", 8, 3, 0);     // empty
  add(".data", 1, 6, 8);    // code
  add(".bss", 1, 3, 8);     // with content
  add(".data", 8, 3, 8);    // without
  add(".rodata", 8, 2, 8);  // without
  add(".rodata", 7, 2, 8);  // a note
  const file_image none = file.build();
  CHECK(reading(none).facts.maps == 0);

  object_builder other;
  other.add(object_builder::section{.name = ".rodata.str1.1", .type = 1, .flags = 2, .content = {'a', 0}});
  other.add(object_builder::section{.name = ".bss.", .type = 8, .flags = 3, .zeros = 5});
  const file_image two = other.build();
  const reading object(two);
  REQUIRE(object.facts.maps == 2);
  CHECK(object.map(0).origin == map_origin::read_only_data);
  CHECK(object.map(0).value_size == 2);
  CHECK(object.map(1).origin == map_origin::zeros);
  CHECK(object.map(1).value_size == 5);
}

TEST_CASE("a section of zeros that needs more than 32 bits is refused and not cut", "[spec/data]") {
  variables_object made;
  made.bss_size = (std::uint64_t{1} << 32) + 24;
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.fault.why == cause::bad_section_header);
  CHECK(object.fault.section == made.bss);
}

TEST_CASE("a variable past the end of its section is refused by name", "[spec/data]") {
  for (const std::uint64_t at : {std::uint64_t{9}, std::uint64_t{20}, std::uint64_t{21},
                                 std::uint64_t{1} << 32, (std::uint64_t{1} << 32) + 8, ~std::uint64_t{0}}) {
    CAPTURE(at);
    variables_object made;
    made.seen_at = at;
    const file_image& image = made.build();
    const reading object(image);

    CHECK(object.fault.why == cause::variable_outside_section);
    CHECK(object.fault.section == made.data);
    CHECK(object.fault.offset == made.type_at(made.seen));
    CHECK(subject_of(image, object.fault) == "seen");
  }
}

TEST_CASE("a variable that is larger than its section is refused by name", "[spec/data]") {
  variables_object made;
  file_image& image = made.build();
  put32(image, made.type_at(made.own_layout) + 12 + 8, 5);
  const reading object(image);

  CHECK(object.fault.why == cause::variable_outside_section);
  CHECK(object.fault.section == made.own);
  CHECK(object.fault.offset == made.type_at(made.hidden));
  CHECK(subject_of(image, object.fault) == "hidden");
}

TEST_CASE("an entry of a layout that is no variable is refused where it stands", "[spec/data]") {
  for (const std::uint32_t id : {0u, 1u, 9999u}) {
    CAPTURE(id);
    variables_object made;
    file_image& image = made.build();
    put32(image, made.type_at(made.data_layout) + 12, id);
    const reading object(image);

    CHECK(object.fault.why == cause::bad_btf_type);
    CHECK(object.fault.section == made.data);
    CHECK(object.fault.offset == made.type_at(made.data_layout) + 12);
  }
}

TEST_CASE("two layouts of one section never make read leave its storage", "[spec/data]") {
  variables_object made;
  made.types.data_section(".data", 20, {{made.step, 0, 4}, {made.seen, 4, 12}, {made.step, 16, 4}});
  const file_image& image = made.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.shape.variables == 11);
  CHECK(object.map(1).variable_count == 3);
  CHECK(is_handled_inside(object));
}

TEST_CASE("no single damaged byte of an object of variables makes anything leave its storage",
          "[spec/data]") {
  variables_object made;
  file_image damaged = made.build();
  std::size_t refused = 0, astray = 0;

  for (std::size_t at = 0; at < damaged.size(); ++at) {
    const unsigned char before = damaged[at];
    for (const int after : {0x00, 0xff, before ^ 0x01, before ^ 0x80}) {
      damaged[at] = static_cast<unsigned char>(after);
      const reading object(damaged);
      refused += object.fault.failed();
      astray += !is_handled_inside(object);
    }
    damaged[at] = before;
  }

  CHECK(astray == 0);
  CHECK(refused > 500);
}

TEST_CASE("first values lie one behind the other, 16 bytes apart or a multiple of it", "[spec/data]") {
  barebpf::data_layout layout;
  const auto map = [](map_origin origin, std::uint32_t size) {
    return barebpf::map_spec{.value_size = size, .origin = origin};
  };

  CHECK(layout.add(map(map_origin::declared, 100)) == 0);
  CHECK(layout.add(map(map_origin::data, 1)) == 0);
  CHECK(layout.add(map(map_origin::zeros, 16)) == 16);
  CHECK(layout.add(map(map_origin::read_only_data, 17)) == 32);
  CHECK(layout.add(map(map_origin::data, 0xffffffff)) == 64);
  CHECK(layout.size == 64 + (std::uint64_t{1} << 32));
}
