// SPDX-License-Identifier: MIT
#include <algorithm>

#include "../support/catch.hpp"
#include "../support/library.hpp"
#include "../support/object_builder.hpp"
#include "../support/reading.hpp"
#include "../support/slots_object.hpp"

namespace {

using barebpf::cause;
using barebpf::number_form;

hits_object pinned(std::uint32_t how) {
  hits_object made;
  made.members.push_back({"pinning", made.number(how)});
  made.build();
  return made;
}

// Gives what .BTF calls `old_name` another name; DWARF may know it too, but stands in front.
void rename_in_types(file_image& image, const std::string& old_name, const std::string& new_name) {
  REQUIRE(old_name.size() == new_name.size());
  const std::string needle = '\0' + old_name + '\0';
  const auto types =
      image.begin() + static_cast<std::ptrdiff_t>(get64(image, section_header_at(image, ".BTF") + 24));
  const auto found = std::search(types, image.end(), needle.begin(), needle.end());
  REQUIRE(found != image.end());
  std::copy(new_name.begin(), new_name.end(), found + 1);
}

// An object whose map definition has one more member of this type.
struct with_member {
  hits_object object;
  template <class MakeType>
  with_member(const std::string& name, MakeType make_type) {
    object.members.push_back({name, make_type(object)});
    object.build();
  }
  // Where the record of the member added stands.
  std::size_t member_at() const { return object.type_at(object.definition) + 12 + 4 * 12; }
};

}  // namespace

TEST_CASE("a map is pinned by its name or not at all", "[spec/maps]") {
  for (const std::uint32_t how : {0u, 1u}) {
    const hits_object made = pinned(how);
    const reading object(made.image);

    REQUIRE_FALSE(object.fault.failed());
    CHECK(object.map(0).pinning == how);
  }
}

TEST_CASE("any other way of pinning is refused by the member's name", "[spec/maps]") {
  for (const std::uint32_t how : {2u, 3u, 0xffffffffu}) {
    CAPTURE(how);
    const hits_object made = pinned(how);
    const reading object(made.image);

    CHECK(object.fault.why == cause::bad_pinning);
    CHECK(object.fault.section == hits_object::maps_section);
    CHECK(object.fault.offset == made.type_at(made.definition) + 12 + 4 * 12);
    CHECK(subject_of(made.image, object.fault) == "pinning");
  }
}

TEST_CASE("declared maps are marked as such and hold no variables", "[spec/maps]") {
  hits_object made;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.map(0).origin == barebpf::map_origin::declared);
  CHECK_FALSE(object.map(0).has_content());
  CHECK(object.map(0).variable_count == 0);
}

TEST_CASE("every member of a map definition goes where it belongs", "[spec/maps]") {
  hits_object made;
  made.members = {{"type", made.number(2)},         {"key_size", made.number(16)},
                  {"value_size", made.number(32)},  {"max_entries", made.number(1000)},
                  {"map_flags", made.number(1024)}, {"numa_node", made.number(3)},
                  {"map_extra", made.number(5)},    {"pinning", made.number(0)}};
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  const barebpf::map_spec& map = object.map(0);
  CHECK(map.type == 2);
  CHECK(map.key_size == 16);
  CHECK(map.value_size == 32);
  CHECK(map.max_entries == 1000);
  CHECK(map.map_flags == 1024);
  CHECK(map.numa_node == 3);
  CHECK(map.map_extra == 5);
  CHECK(map.pinning == 0);
  CHECK(map.key_type == 0);
  CHECK(map.value_type == 0);
  CHECK(map.key_form == number_form::no_number);
  CHECK(map.value_form == number_form::no_number);
}

TEST_CASE("a member that __ulong wrote is the one value of its enum", "[spec/maps]") {
  const with_member small("map_extra", [](hits_object& o) {
    return o.types.enumeration("", 4, {{"__unique_0", 77}});
  });
  const with_member large("map_extra", [](hits_object& o) {
    return o.types.enumeration64("", {{"__unique_0", 0x123456789abcdef0}});
  });

  CHECK(reading(small.object.image).map(0).map_extra == 77);
  CHECK(reading(large.object.image).map(0).map_extra == 0x123456789abcdef0);
}

TEST_CASE("keys and values hide behind names, and their sign comes through", "[spec/maps]") {
  hits_object made;
  const auto u32_type = made.types.type_definition("u32", made.types.integer("unsigned int", 4, 0));
  const auto value = made.types.structure("value", 24, {{"count", u32_type}});
  made.members[1].type = made.types.type_definition("key_pointer", made.types.pointer(u32_type));
  made.members[2].type = made.types.pointer(made.types.const_type(value));
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.map(0).key_size == 4);
  CHECK(object.map(0).key_form == number_form::unsigned_number);
  CHECK(object.map(0).key_type == u32_type);
  CHECK(object.map(0).value_size == 24);
  CHECK(object.map(0).value_form == number_form::no_number);
}

TEST_CASE("a size may be given beside the type when both agree", "[spec/maps]") {
  const with_member after("key_size", [](hits_object& o) { return o.number(4); });
  hits_object before;
  before.members.insert(before.members.begin(), {"value_size", before.number(8)});
  before.build();

  CHECK_FALSE(reading(after.object.image).fault.failed());
  CHECK(reading(before.image).map(0).value_size == 8);
}

TEST_CASE("what stands for an offset counts alone, and is added to the symbol where a relocation says so",
          "[spec/maps]") {
  hits_object made;
  made.maps_size = 64;
  made.map_offset = 8;
  file_image& image = made.build();
  put32(image, made.type_at(made.layout) + 12 + 4, 24);
  CHECK(reading(image).map(0).offset == 32);

  // Another place than the variable's, so the relocation is not its own.
  put64(image, made.file.content_at(made.btf_relocations), 0);
  put64(image, made.file.content_at(made.code_relocations) + 8, std::uint64_t{made.license_symbol} << 32);
  put64(image, made.file.symbol_at(made.program_symbol) + 16, 0);
  put16(image, made.file.symbol_at(made.program_symbol) + 6, 0);
  CHECK(reading(image).map(0).offset == 24);
}

TEST_CASE("a static map is refused by name", "[spec/maps]") {
  hits_object made;
  made.linkage = 0;
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.fault.why == cause::static_map);
  CHECK(object.fault.section == hits_object::maps_section);
  CHECK(object.fault.offset == made.type_at(made.variable));
  CHECK(subject_of(image, object.fault) == "hits");
}

TEST_CASE("a variable in .maps that is no struct is refused", "[spec/maps]") {
  hits_object made;
  file_image& image = made.build();
  put32(image, made.type_at(made.variable) + 8, made.int_type);
  const reading object(image);

  CHECK(object.fault.why == cause::map_is_no_struct);
  CHECK(object.fault.offset == made.type_at(made.variable));
  CHECK(subject_of(image, object.fault) == "hits");
}

TEST_CASE("an entry of .maps that is no variable is refused", "[spec/maps]") {
  hits_object made;
  file_image& image = made.build();
  for (const std::uint32_t id : {made.int_type, 0u, 999u}) {
    put32(image, made.type_at(made.layout) + 12, id);
    const reading object(image);

    CHECK(object.fault.why == cause::bad_btf_type);
    CHECK(object.fault.offset == made.type_at(made.layout) + 12);
  }
}

TEST_CASE("a map past the end of .maps is refused", "[spec/maps]") {
  for (const std::uint32_t offset : {8u, 32u, 40u, 0xfffffff8u}) {
    CAPTURE(offset);
    hits_object made;
    made.map_offset = offset;
    const file_image& image = made.build();
    const reading object(image);

    CHECK(object.fault.why == cause::map_outside_section);
    CHECK(object.fault.offset == made.type_at(made.variable));
  }
}

TEST_CASE("a map that begins between words is refused", "[spec/maps]") {
  hits_object made;
  made.maps_size = 64;
  made.map_offset = 12;
  const file_image& image = made.build();

  CHECK(reading(image).fault.why == cause::map_outside_section);
}

TEST_CASE("a misspelled member of a map definition is refused by name", "[spec/maps]") {
  file_image image = execve_counter_image();
  rename_in_types(image, "max_entries", "max_entires");
  const reading object(image);

  CHECK(object.fault.why == cause::unknown_map_member);
  CHECK(subject_of(image, object.fault) == "max_entires");
}

TEST_CASE("a member without a name is refused", "[spec/maps]") {
  const with_member made("", [](hits_object& o) { return o.number(1); });
  const reading object(made.object.image);

  CHECK(object.fault.why == cause::unknown_map_member);
  CHECK(object.fault.offset == made.member_at());
}

TEST_CASE("a key or value of two sizes is refused", "[spec/maps]") {
  const with_member key("key_size", [](hits_object& o) { return o.number(8); });
  const with_member value("value_size", [](hits_object& o) { return o.number(4); });
  const reading two_keys(key.object.image);
  const reading two_values(value.object.image);

  CHECK(two_keys.fault.why == cause::two_sizes);
  CHECK(two_keys.fault.offset == key.member_at());
  CHECK(subject_of(key.object.image, two_keys.fault) == "key_size");
  CHECK(two_values.fault.why == cause::two_sizes);
  CHECK(subject_of(value.object.image, two_values.fault) == "value_size");
}

TEST_CASE("a map without a type is refused", "[spec/maps]") {
  for (const bool is_zero : {true, false}) {
    hits_object made;
    made.members[0] = is_zero ? btf_builder::member{"type", made.number(0)}
                              : btf_builder::member{"map_flags", made.number(0)};
    const file_image& image = made.build();
    const reading object(image);

    CHECK(object.fault.why == cause::no_map_type);
    CHECK(object.fault.offset == made.type_at(made.variable));
    CHECK(subject_of(image, object.fault) == "hits");
  }
}

TEST_CASE("a number that neither __uint nor __ulong wrote is refused", "[spec/maps]") {
  const auto cause_of = [](auto make_type) {
    const with_member made("map_flags", make_type);
    const reading object(made.object.image);
    CHECK(object.fault.offset == made.member_at());
    CHECK(subject_of(made.object.image, object.fault) == "map_flags");
    return object.fault.why;
  };

  CHECK(cause_of([](hits_object& o) { return o.int_type; }) == cause::bad_map_member);
  CHECK(cause_of([](hits_object& o) { return o.types.pointer(o.int_type); }) == cause::bad_map_member);
  CHECK(cause_of([](hits_object& o) { return o.types.array(1, 1, 4); }) == cause::bad_map_member);
  CHECK(cause_of([](hits_object& o) { return o.types.enumeration("", 4, {}); }) == cause::bad_map_member);
  CHECK(cause_of([](hits_object& o) {
          return o.types.enumeration("", 4, {{"a", 1}, {"b", 2}});
        }) == cause::bad_map_member);
  CHECK(cause_of([](hits_object& o) {
          return o.types.enumeration64("", {{"a", 1}, {"b", 2}});
        }) == cause::bad_map_member);
  CHECK(cause_of([](hits_object&) { return 0u; }) == cause::bad_map_member);
  CHECK(cause_of([](hits_object&) { return 999u; }) == cause::bad_map_member);
}

TEST_CASE("a number that does not fit into 32 bits is refused and not cut", "[spec/maps]") {
  const with_member made("map_flags", [](hits_object& o) {
    return o.types.enumeration64("", {{"__unique_0", 0x100000001}});
  });
  const reading object(made.object.image);

  CHECK(object.fault.why == cause::bad_map_member);
}

TEST_CASE("a key or value that is no pointer to something with a size is refused", "[spec/maps]") {
  const auto cause_of = [](std::size_t member, auto make_type) {
    hits_object made;
    made.members[member].type = make_type(made);
    made.build();
    const reading object(made.image);
    CHECK(object.fault.offset == made.type_at(made.definition) + 12 + member * 12);
    return object.fault.why;
  };

  for (const std::size_t member : {1u, 2u}) {
    CHECK(cause_of(member, [](hits_object& o) { return o.int_type; }) == cause::bad_map_member);
    CHECK(cause_of(member, [](hits_object& o) { return o.types.pointer(0); }) == cause::bad_map_member);
    CHECK(cause_of(member, [](hits_object& o) { return o.types.pointer(o.types.forward("f")); }) ==
          cause::only_declared_type);
    CHECK(cause_of(member, [](hits_object& o) { return o.types.pointer(999); }) == cause::bad_map_member);
    CHECK(cause_of(member, [](hits_object&) { return 0u; }) == cause::bad_map_member);
  }
}

TEST_CASE("the maps in a map of maps are described in its values", "[spec/maps]") {
  slots_object made;
  made.build();
  const reading object(made.image);
  REQUIRE_FALSE(object.fault.failed());
  const barebpf::map_spec inner = inner_of(object.facts.types, object.map(0));

  CHECK(object.facts.maps == 4);
  CHECK(object.map(0).has_values);
  CHECK(object.map(0).inner == made.inner_definition);
  CHECK(object.map(0).slots_at == 24);
  CHECK(object.map(0).value_size == 4);
  CHECK(inner.type == 2);
  CHECK(inner.key_size == 4);
  CHECK(inner.key_type == made.int_type);
  CHECK(inner.value_size == 8);
  CHECK(inner.max_entries == 1);
  CHECK(inner.declared_at == made.type_at(made.inner_definition));
  CHECK(object.name_at(inner.name) == "pages");
  CHECK(std::string(to_inner_map_create(object.facts.image, inner).map_name.characters) == "pages_inner");
  CHECK(to_inner_map_create(object.facts.image, inner).max_entries == 1);
}

TEST_CASE("a prog array has values and describes no map in it", "[spec/maps]") {
  slots_object made;
  made.build();
  const reading object(made.image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.map(1).has_values);
  CHECK(object.map(1).inner == 0);
  CHECK(object.map(1).value_size == 4);
  CHECK(inner_of(object.facts.types, object.map(1)).type == 0);
  CHECK_FALSE(object.map(2).has_values);
  CHECK(inner_of(object.facts.types, object.map(2)).type == 0);
}

TEST_CASE("values may stand in front of the type, and hide behind names", "[spec/maps]") {
  slots_object made;
  made.pages_values = made.types.type_definition(
      "list", made.array_of(made.types.const_type(made.types.structure("", 32, made.inner))));
  made.build();
  // The first member of the definition and the last change their places.
  const std::size_t first = made.member_at(made.pages_definition, 0);
  std::swap_ranges(made.image.begin() + std::ptrdiff_t(first),
                   made.image.begin() + std::ptrdiff_t(first + 12),
                   made.image.begin() + std::ptrdiff_t(first + 36));
  const reading object(made.image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(inner_of(object.facts.types, object.map(0)).type == 2);
}

TEST_CASE("values on a map that takes none are refused by the map's name", "[spec/maps]") {
  for (const std::uint32_t type : {1u, 2u, 14u, 99u}) {
    slots_object made;
    made.pages[0].type = made.number(type);
    made.build();
    const reading object(made.image);

    CHECK(object.fault.why == cause::values_not_wanted);
    CHECK(object.fault.section == slots_object::maps_section);
    CHECK(object.fault.offset == made.type_at(made.pages_variable));
    CHECK(subject_of(made.image, object.fault) == "pages");
  }
}

TEST_CASE("values that are for another type of map are refused by the map's name", "[spec/maps]") {
  slots_object functions, maps;
  functions.pages_values = functions.array_of(functions.prototype);
  maps.ways_values = maps.array_of(maps.types.structure("", 32, maps.inner));
  functions.build();
  maps.build();
  const reading with_functions(functions.image), with_maps(maps.image);

  CHECK(with_functions.fault.why == cause::wrong_values);
  CHECK(with_functions.fault.offset == functions.type_at(functions.pages_variable));
  CHECK(with_maps.fault.why == cause::wrong_values);
  CHECK(subject_of(maps.image, with_maps.fault) == "ways");
}

TEST_CASE("values that __array did not write are refused", "[spec/maps]") {
  const auto cause_of = [](auto make_type, std::uint32_t bit = 192) {
    slots_object made;
    made.pages_values = make_type(made);
    made.values_bit = bit;
    made.build();
    const reading object(made.image);
    CHECK(object.fault.offset == made.member_at(made.pages_definition, 3));
    CHECK(subject_of(made.image, object.fault) == "values");
    return object.fault.why;
  };
  const auto structure = [](slots_object& o) { return o.types.structure("", 32, o.inner); };

  CHECK(cause_of([](slots_object& o) { return o.int_type; }) == cause::bad_map_member);
  CHECK(cause_of([&](slots_object& o) { return o.types.pointer(structure(o)); }) == cause::bad_map_member);
  CHECK(cause_of([&](slots_object& o) { return o.types.array(structure(o), 1, 0); }) ==
        cause::bad_map_member);
  CHECK(cause_of([&](slots_object& o) { return o.types.array(o.types.pointer(structure(o)), 1, 2); }) ==
        cause::bad_map_member);
  CHECK(cause_of([](slots_object& o) { return o.array_of(o.int_type); }) == cause::bad_map_member);
  CHECK(cause_of([](slots_object& o) { return o.array_of(0); }) == cause::bad_map_member);
  CHECK(cause_of([](slots_object& o) { return o.array_of(999); }) == cause::bad_map_member);
  CHECK(cause_of([](slots_object&) { return 999u; }) == cause::bad_map_member);
  CHECK(cause_of([&](slots_object& o) { return o.array_of(structure(o)); }, 160) == cause::bad_map_member);
}

TEST_CASE("a map of maps has values of four bytes, whatever it says itself", "[spec/maps]") {
  for (const std::uint32_t size : {4u, 8u}) {
    slots_object made;
    made.pages.push_back({"value_size", made.number(size)});
    made.build();
    const reading object(made.image);

    CHECK(object.fault.why == (size == 4 ? cause::none : cause::two_sizes));
  }
}

TEST_CASE("the pattern in values is read like any definition, and is neither deep nor pinned",
          "[spec/maps]") {
  const auto fault_of = [](auto change) {
    slots_object made;
    change(made);
    made.build();
    const reading object(made.image);
    if (object.fault.offset == made.type_at(made.inner_definition))
      CHECK(subject_of(made.image, object.fault) == "pages");
    else
      CHECK(object.fault.offset == made.member_at(made.inner_definition, 4));
    return object.fault.why;
  };

  CHECK(fault_of([](slots_object& o) { o.inner[0].type = o.number(0); }) == cause::no_map_type);
  CHECK(fault_of([](slots_object& o) { o.inner[0].type = o.number(12); }) == cause::maps_too_deep);
  CHECK(fault_of([](slots_object& o) { o.inner[0].type = o.number(13); }) == cause::maps_too_deep);
  CHECK(fault_of([](slots_object& o) {
          o.inner.push_back({"values", o.array_of(o.types.structure("", 32, o.inner))});
        }) == cause::maps_too_deep);
  CHECK(fault_of([](slots_object& o) {
          o.inner.push_back({"pinning", o.number(1)});
        }) == cause::pinned_inner_map);
  CHECK(fault_of([](slots_object& o) { o.inner.push_back({"pinning", o.number(2)}); }) == cause::bad_pinning);
  CHECK(fault_of([](slots_object& o) {
          o.inner.push_back({"sort", o.number(2)});
        }) == cause::unknown_map_member);
  CHECK(fault_of([](slots_object& o) { o.inner.push_back({"key_size", o.number(8)}); }) == cause::two_sizes);
}

TEST_CASE("a definition that describes itself in values is refused and not followed", "[spec/maps]") {
  slots_object made;
  made.build();
  const std::size_t values = made.member_at(made.pages_definition, 3);
  const std::uint32_t array = get32(made.image, values + 4);
  const std::uint32_t pointer = get32(made.image, made.type_at(array) + 12);
  put32(made.image, made.type_at(pointer) + 8, made.pages_definition);

  CHECK(reading(made.image).fault.why == cause::maps_too_deep);
}

TEST_CASE("a section that is merely called .rel.BTF moves no map", "[spec/maps]") {
  hits_object made;
  made.maps_size = 64;
  made.map_offset = 32;
  made.relocations = {};
  file_image& image = made.build();
  put32(image, made.file.header_at(made.btf_relocations) + 4, 1);
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.map(0).offset == 0);
}

namespace {

// An object with maps as they were defined before BTF: five numbers and what else somebody put behind them.
struct legacy_object {
  struct definition {
    const char* name;
    std::vector<std::uint32_t> words;
    std::uint64_t size;  // as its symbol tells it
    unsigned char info = 0x11;
  };
  object_builder elf;
  std::uint32_t code = 0, maps = 0;
  file_image image;

  explicit legacy_object(const std::vector<definition>& definitions, const char* section = "maps",
                         std::uint64_t reference = 0) {
    bpf_code load;
    load.load(1, 0).move(0, 0).exit();
    code = elf.add(object_builder::section{.name = "xdp", .type = 1, .flags = 6, .content = load});
    file_image content;
    std::vector<std::uint64_t> starts;
    for (const definition& one : definitions) {
      starts.push_back(content.size());
      for (const std::uint32_t word : one.words) append32(content, word);
    }
    maps = elf.add(object_builder::section{.name = section, .type = 1, .flags = 3, .content = content});
    elf.add(object_builder::symbol{.name = "program", .info = 0x12, .section = 1, .value = 0, .size = 32});
    // The other way round, so that the order of symbols is not that of maps.
    for (std::size_t i = definitions.size(); i-- > 0;)
      elf.add(object_builder::symbol{.name = definitions[i].name,
                                     .info = definitions[i].info,
                                     .section = 2,
                                     .value = starts[i],
                                     .size = definitions[i].size});
    elf.add_relocations(".relxdp", code,
                        {{0, static_cast<std::uint32_t>(1 + definitions.size() - reference)}});
    image = elf.build();
  }
};

}  // namespace

TEST_CASE("a map of the older form is read at its symbol", "[spec/maps]") {
  for (const char* section : {"maps", "maps/second", "lirc_mode2/maps"}) {
    CAPTURE(section);
    const legacy_object made({{"first", {1, 4, 8, 16, 1}, 20}, {"second", {2, 4, 2, 3, 0}, 20}}, section, 1);
    const reading object(made.image);
    REQUIRE_FALSE(object.fault.failed());
    REQUIRE(object.facts.maps == 2);
    const barebpf::map_spec& first = object.map(0);
    CHECK(object.name_at(first.name) == "first");
    CHECK(first.type == 1);
    CHECK(first.key_size == 4);
    CHECK(first.value_size == 8);
    CHECK(first.max_entries == 16);
    CHECK(first.map_flags == 1);
    CHECK(first.declared_at == made.elf.content_at(made.maps));
    CHECK(first.origin == barebpf::map_origin::declared);
    CHECK(object.map(1).declared_at == made.elf.content_at(made.maps) + 20);
    REQUIRE(object.facts.references == 1);
    CHECK(object.reference(0).kind == barebpf::reference_kind::map);
    CHECK(object.reference(0).target == 1);
    CHECK(is_handled_inside(object));
  }
}

TEST_CASE("only sections called maps hold maps of the older form", "[spec/maps]") {
  for (const char* section : {"map", "mapsx", "amaps", "/maps", ".maps.x"}) {
    CAPTURE(section);
    const legacy_object made({{"first", {1, 4, 8, 16, 1}, 20}}, section);
    const reading object(made.image);
    CHECK(object.fault.why == cause::relocation_not_loaded_yet);
  }
}

TEST_CASE("a map of the older form may end in front of its flags, and go on with zeros", "[spec/maps]") {
  const std::vector<std::uint32_t> whole = {5, 4, 8, 16};
  for (std::size_t words = 4; words != 70; ++words) {
    CAPTURE(words);
    std::vector<std::uint32_t> of = whole;
    of.resize(words);
    const legacy_object made({{"first", of, words * 4}});
    const reading object(made.image);
    REQUIRE_FALSE(object.fault.failed());
    CHECK(object.map(0).type == 5);
    CHECK(object.map(0).map_flags == 0);
    CHECK(object.map(0).pinning == 0);
  }
}

TEST_CASE("what stands behind a map of the older form is refused where loaders differ", "[spec/maps]") {
  for (const std::size_t words : {6u, 7u, 8u, 9u, 10u, 69u, 71u})
    for (std::size_t odd = 5; odd < words; ++odd) {
      CAPTURE(words, odd);
      std::vector<std::uint32_t> of = {5, 4, 8, 16, 0};
      of.resize(words);
      of[odd] = 3;
      const legacy_object made({{"first", of, words * 4}});
      const reading object(made.image);
      if (words == 9 && odd == 5) {  // iproute2's id
        CHECK_FALSE(object.fault.failed());
        continue;
      }
      CHECK(object.fault.why == cause::bad_legacy_map);
      CHECK(object.fault.offset == made.elf.content_at(made.maps));
      CHECK(subject_of(made.image, object.fault) == "first");
    }
}

TEST_CASE("iproute2's form says whether a map is pinned", "[spec/maps]") {
  for (const std::uint32_t how : {0u, 1u, 2u}) {
    const legacy_object made({{"first", {1, 4, 8, 2, 0, 7, how, 0, 0}, 36}});
    const reading object(made.image);
    REQUIRE_FALSE(object.fault.failed());
    CHECK(object.map(0).pinning == (how != 0));
  }
}

TEST_CASE("gobpf's form says whether a map is pinned, and then in which folder", "[spec/maps]") {
  for (const std::uint32_t how : {0u, 1u, 2u, 3u, 4u}) {
    CAPTURE(how);
    std::vector<std::uint32_t> of = {1, 4, 8, 2, 0, how, 0x64666564};  // "defd"
    of.resize(70);
    const legacy_object made({{"first", of, 280}});
    const reading object(made.image);
    REQUIRE(object.fault.failed() == (how == 4));
    if (how == 4)
      CHECK(object.fault.why == cause::bad_legacy_map);
    else
      CHECK(object.map(0).pinning == (how == 1 || how == 2));  // 3: the caller gives a path
  }
}

TEST_CASE("a map of the older form without a size goes on to the next one", "[spec/maps]") {
  const legacy_object made(
      {{"first", {1, 4, 8, 16, 1}, 0, 0x10}, {"second", {2, 4, 2, 3, 0, 0, 0}, 0, 0x10}});
  const reading object(made.image);
  REQUIRE_FALSE(object.fault.failed());
  REQUIRE(object.facts.maps == 2);
  CHECK(object.map(0).map_flags == 1);
  CHECK(object.map(1).value_size == 2);
}

TEST_CASE("a map of the older form that is cut or outside is refused", "[spec/maps]") {
  const legacy_object cut({{"first", {1, 4, 8}, 12}});
  CHECK(reading(cut.image).fault.why == cause::bad_legacy_map);
  const legacy_object odd({{"first", {1, 4, 8, 1, 0, 0}, 22}});
  CHECK(reading(odd.image).fault.why == cause::bad_legacy_map);
  const legacy_object without_type({{"first", {0, 4, 8, 1, 0}, 20}});
  CHECK(reading(without_type.image).fault.why == cause::no_map_type);
  const legacy_object outside({{"first", {1, 4, 8, 1, 0}, 24}});
  CHECK(reading(outside.image).fault.why == cause::map_outside_section);
}

TEST_CASE("an address between maps of the older form is refused", "[spec/maps]") {
  legacy_object made({{"first", {1, 4, 8, 16, 1}, 20}});
  file_image image = made.image;
  put32(image, made.elf.content_at(made.code) + 4, 4);
  CHECK(reading(image).fault.why == cause::bad_relocation);
}

TEST_CASE("a map of maps of the older form has values of four bytes", "[spec/maps]") {
  const legacy_object made({{"outer", {12, 4, 0, 2, 0}, 20}});
  const reading object(made.image);
  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.map(0).value_size == 4);
}
