// SPDX-License-Identifier: MIT
#include <algorithm>

#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reading.hpp"

namespace {

using barebpf::cause;
using barebpf::number_form;
using barebpf::reference_kind;

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

TEST_CASE("the execve counter declares one hash map of four longs by int", "[spec]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());

  CHECK(counter.shape.maps == 1);
  CHECK(counter.shape.map_slots == 4);
  CHECK(counter.facts.maps == 1);
  const barebpf::map_spec& map = counter.map(0);
  CHECK(string_at(counter.facts.image, map.name) == "hash_map");
  CHECK(map.type == 1);
  CHECK(map.key_size == 4);
  CHECK(map.value_size == 8);
  CHECK(map.max_entries == 4);
  CHECK(map.map_flags == 0);
  CHECK(map.numa_node == 0);
  CHECK(map.map_extra == 0);
  CHECK(map.pinning == 0);
  CHECK(map.offset == 0);
  CHECK(map.key_form == number_form::signed_number);
  CHECK(map.value_form == number_form::signed_number);
  CHECK(string_at(counter.facts.image, counter.facts.types.type(map.key_type).name) == "int");
  CHECK(string_at(counter.facts.image, counter.facts.types.type(map.value_type).name) == "long");
  CHECK(counter.kept_inside());
}

TEST_CASE("the execve counter declares one tracepoint program of 24 instructions", "[spec]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());

  CHECK(counter.shape.programs == 1);
  CHECK(counter.facts.programs == 1);
  const barebpf::program_spec& program = counter.program(0);
  CHECK(string_at(counter.facts.image, program.name) == "bpf_prog");
  CHECK(string_at(counter.facts.image, program.section_name) == "tracepoint/syscalls/sys_enter_execve");
  CHECK(counter.facts.functions == 1);
  CHECK(program.function == 0);
  CHECK(counter.function(0).name == program.name);
  CHECK(counter.function(0).instruction_count == 24);
  CHECK(counter.function(0).is_program);
  CHECK_FALSE(counter.function(0).is_hidden);
  CHECK(program.type == barebpf::abi::prog_type::tracepoint);
  CHECK(program.attach == barebpf::attach_way::tracepoint);
}

TEST_CASE("the program of the execve counter refers to its map at instructions 4 and 14", "[spec]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());

  CHECK(counter.shape.references == 2);
  CHECK(counter.function(0).first_reference == 0);
  REQUIRE(counter.function(0).reference_count == 2);
  for (const std::size_t i : {0u, 1u}) {
    CHECK(counter.reference(i).at == counter.function(0).at + (i == 0 ? 4 : 14) * 8);
    CHECK(counter.reference(i).kind == reference_kind::map);
    CHECK(counter.reference(i).target == 0);
    CHECK(counter.reference(i).offset == 0);
  }
}

TEST_CASE("the instructions of the execve counter are read as they stand in the file", "[spec]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());
  const auto instruction = [&](std::uint32_t index) {
    return read_instruction(counter.facts.image, counter.function(0).at + index * 8);
  };

  // *(u32 *)(r10 - 4) = r1
  CHECK(instruction(1).opcode == 0x63);
  CHECK(instruction(1).registers == (barebpf::host_is_big_endian ? 0xa1 : 0x1a));
  CHECK(instruction(1).offset == -4);
  // r2 += -4
  CHECK(instruction(3).opcode == 0x07);
  CHECK(instruction(3).immediate == -4);
  CHECK(instruction(4).opcode == 0x18);
  // exit
  CHECK(instruction(23).opcode == 0x95);
}

TEST_CASE("the execve counter is licensed under the GPL", "[spec]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());

  REQUIRE(counter.facts.license != 0);
  CHECK(string_at(counter.facts.image, counter.facts.license) == "GPL");
}

TEST_CASE("packed words are read as the same spec", "[spec]") {
  const reading counter(barebpf::bytes(execve_counter, sizeof execve_counter / 8));
  REQUIRE_FALSE(counter.fault.failed());

  CHECK(counter.map(0).max_entries == 4);
  CHECK(counter.function(0).instruction_count == 24);
  CHECK(counter.reference(1).at == counter.function(0).at + 14 * 8);
}

TEST_CASE("what is looked for by name is found, and nothing else", "[spec]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());
  const auto find = [&](barebpf::text wanted) {
    return find_named(counter.facts.image, counter.maps->data(), 1, wanted);
  };

  CHECK(find("hash_map") == 0);
  CHECK(find("hash") == 0xffffffff);
  CHECK(find("hash_maps") == 0xffffffff);
  CHECK(find("") == barebpf::not_found);
}

TEST_CASE("the kernel is told what the object says of a map", "[spec]") {
  const file_image image = execve_counter_image();
  const reading counter(image);
  REQUIRE_FALSE(counter.fault.failed());
  barebpf::map_spec map = counter.map(0);
  map.map_flags = 1;
  map.numa_node = 2;
  map.map_extra = 3;

  const barebpf::abi::map_create create = to_map_create(counter.facts.image, map, "counter");

  CHECK(create.map_type == 1);
  CHECK(create.key_size == 4);
  CHECK(create.value_size == 8);
  CHECK(create.max_entries == 4);
  CHECK(create.map_flags == 1);
  CHECK(create.numa_node == 2);
  CHECK(create.map_extra == 3);
  CHECK(to_string(create.map_name) == "hash_map");
  CHECK(create.inner_map_fd == 0);
  CHECK(create.btf_fd == 0);
  CHECK(create.btf_key_type_id == 0);
  CHECK(create.btf_value_type_id == 0);
}

TEST_CASE("a name in the file becomes one that the kernel takes", "[spec]") {
  const unsigned char name[] = "a-name-of-more-than-fifteen";
  const barebpf::bytes image(name, sizeof name);

  CHECK(to_string(kernel_name_at(image, 0)) == "a_name_of_more_");
  CHECK(to_string(kernel_name_at(image, 99)).empty());
}

TEST_CASE("an object of hand-made records is the spec that it was made as", "[spec]") {
  hits_object made;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.shape.maps == 1);
  CHECK(object.shape.programs == 1);
  CHECK(object.shape.references == 1);
  CHECK(object.shape.map_slots == 4);
  CHECK(object.shape.types == 11);
  CHECK(object.shape.type_index == 2);
  CHECK(string_at(object.facts.image, object.map(0).name) == "hits");
  CHECK(object.map(0).declared_at == made.type_at(made.variable));
  CHECK(object.map(0).key_type == 1);
  CHECK(object.map(0).value_type == 2);
  CHECK(string_at(object.facts.image, object.program(0).name) == "count");
  REQUIRE(object.facts.functions == 1);
  CHECK(object.function(0).instruction_count == 4);
  CHECK(object.function(0).section == 1);
  CHECK(object.function(0).section_at == 64);
  CHECK(object.function(0).at == 64);
  CHECK(object.function(0).symbol == made.file.symbol_at(made.program_symbol));
  CHECK(object.function(0).type == 0);
  CHECK(object.reference(0).at == 64);
  CHECK(object.facts.license == made.file.content_at(hits_object::license_section));
  CHECK(object.kept_inside());
}

TEST_CASE("an object without maps, programs and license is an empty spec", "[spec]") {
  object_builder file;
  const file_image image = file.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.facts.maps == 0);
  CHECK(object.facts.programs == 0);
  CHECK(object.facts.license == 0);
}

TEST_CASE("every member of a map definition goes where it belongs", "[spec]") {
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

TEST_CASE("a member that __ulong wrote is the one value of its enum", "[spec]") {
  const with_member small("map_extra", [](hits_object& o) {
    return o.types.enumeration("", 4, {{"__unique_0", 77}});
  });
  const with_member large("map_extra", [](hits_object& o) {
    return o.types.enumeration64("", {{"__unique_0", 0x123456789abcdef0}});
  });

  CHECK(reading(small.object.image).map(0).map_extra == 77);
  CHECK(reading(large.object.image).map(0).map_extra == 0x123456789abcdef0);
}

TEST_CASE("keys and values hide behind names, and their sign comes through", "[spec]") {
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

TEST_CASE("a size may be given beside the type when both agree", "[spec]") {
  const with_member after("key_size", [](hits_object& o) { return o.number(4); });
  hits_object before;
  before.members.insert(before.members.begin(), {"value_size", before.number(8)});
  before.build();

  CHECK_FALSE(reading(after.object.image).fault.failed());
  CHECK(reading(before.image).map(0).value_size == 8);
}

TEST_CASE("what stands for an offset counts alone, and is added to the symbol where a relocation says so", "[spec]") {
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

TEST_CASE("several maps and programs keep their references apart", "[spec]") {
  hits_object made;
  made.definition = made.types.structure("", 32, made.members);
  const auto first = made.types.variable("first", made.definition, 1);
  const auto second = made.types.variable("second", made.definition, 1);
  made.layout = made.types.data_section(".maps", 64, {{first, 0, 32}, {second, 0, 32}});
  file_image code = made.code;
  code.insert(code.end(), made.code.begin(), made.code.end());
  object_builder& file = made.file;
  file.add(object_builder::section{.name = "tp/a/b", .type = 1, .flags = 6, .content = code});
  file.add(object_builder::section{.name = ".maps", .type = 1, .flags = 3, .content = file_image(64)});
  file.add(object_builder::section{.name = ".BTF", .type = 1, .content = made.types.content()});
  // The second program's reference comes first, as a linker may leave it.
  file.add_relocations(".reltp/a/b", 1, {{32, 3}, {0, 4}});
  file.add_relocations(
      ".rel.BTF", 3,
      {{made.types.record_at(made.layout) + 16, 3}, {made.types.record_at(made.layout) + 28, 4}});
  file.add(object_builder::symbol{"one", 0x12, 1, 0, 32});
  file.add(object_builder::symbol{"two", 0x12, 1, 32, 32});
  file.add(object_builder::symbol{"first", 0x11, 2, 0, 32});
  file.add(object_builder::symbol{"second", 0x11, 2, 32, 32});
  const file_image image = file.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.facts.maps == 2);
  CHECK(object.facts.programs == 2);
  CHECK(object.map(0).offset == 0);
  CHECK(object.map(1).offset == 32);
  CHECK(string_at(object.facts.image, object.map(1).name) == "second");
  for (const std::size_t i : {0u, 1u}) {
    const barebpf::function_spec& function = object.function_of(i);
    CHECK(function.at == 64 + i * 32);
    REQUIRE(function.reference_count == 1);
    CHECK(object.reference(function.first_reference).at == function.at);
    CHECK(object.reference(function.first_reference).target == 1 - i);
  }
  CHECK(object.kept_inside());
}

TEST_CASE("a reference may leave the offset of its map to the instruction", "[spec]") {
  hits_object made;
  made.maps_size = 64;
  made.map_offset = 32;
  made.more_symbols = {{"", 0x03, hits_object::maps_section, 0, 0}};
  made.relocations = {{0, 5}};
  put32(made.code, 4, 32);
  const file_image& image = made.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.reference(0).kind == reference_kind::map);
  CHECK(object.reference(0).target == 0);
}

TEST_CASE("a static map is refused by name", "[spec]") {
  hits_object made;
  made.linkage = 0;
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.fault.why == cause::static_map);
  CHECK(object.fault.section == hits_object::maps_section);
  CHECK(object.fault.offset == made.type_at(made.variable));
  CHECK(subject_of(image, object.fault) == "hits");
}

TEST_CASE("a variable in .maps that is no struct is refused", "[spec]") {
  hits_object made;
  file_image& image = made.build();
  put32(image, made.type_at(made.variable) + 8, made.int_type);
  const reading object(image);

  CHECK(object.fault.why == cause::map_is_no_struct);
  CHECK(object.fault.offset == made.type_at(made.variable));
  CHECK(subject_of(image, object.fault) == "hits");
}

TEST_CASE("an entry of .maps that is no variable is refused", "[spec]") {
  hits_object made;
  file_image& image = made.build();
  for (const std::uint32_t id : {made.int_type, 0u, 999u}) {
    put32(image, made.type_at(made.layout) + 12, id);
    const reading object(image);

    CHECK(object.fault.why == cause::bad_btf_type);
    CHECK(object.fault.offset == made.type_at(made.layout) + 12);
  }
}

TEST_CASE("a map past the end of .maps is refused", "[spec]") {
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

TEST_CASE("a map that begins between words is refused", "[spec]") {
  hits_object made;
  made.maps_size = 64;
  made.map_offset = 12;
  const file_image& image = made.build();

  CHECK(reading(image).fault.why == cause::map_outside_section);
}

TEST_CASE("more maps than .maps has room for are refused before anything is allocated", "[spec]") {
  hits_object made;
  made.maps_size = 32;
  const auto variable = made.types.variable("x", 1, 1);
  std::vector<btf_builder::place> places(5, {variable, 0, 8});
  made.types.data_section(".maps", 32, places);
  const file_image& image = made.build();
  barebpf::object_shape shape;

  const barebpf::verdict found = measure(window(image), shape);

  CHECK(found.why == cause::map_outside_section);
  CHECK(found.section == hits_object::maps_section);
}

TEST_CASE("a misspelled member of a map definition is refused by name", "[spec]") {
  file_image image = execve_counter_image();
  rename_in_types(image, "max_entries", "max_entires");
  const reading object(image);

  CHECK(object.fault.why == cause::unknown_map_member);
  CHECK(subject_of(image, object.fault) == "max_entires");
}

TEST_CASE("a member without a name is refused", "[spec]") {
  const with_member made("", [](hits_object& o) { return o.number(1); });
  const reading object(made.object.image);

  CHECK(object.fault.why == cause::unknown_map_member);
  CHECK(object.fault.offset == made.member_at());
}

TEST_CASE("a key or value of two sizes is refused", "[spec]") {
  const with_member key("key_size", [](hits_object& o) { return o.number(8); });
  const with_member value("value", [](hits_object& o) { return o.types.pointer(o.int_type); });
  const reading two_keys(key.object.image);
  const reading two_values(value.object.image);

  CHECK(two_keys.fault.why == cause::two_sizes);
  CHECK(two_keys.fault.offset == key.member_at());
  CHECK(subject_of(key.object.image, two_keys.fault) == "key_size");
  CHECK(two_values.fault.why == cause::two_sizes);
  CHECK(subject_of(value.object.image, two_values.fault) == "value");
}

TEST_CASE("a map without a type is refused", "[spec]") {
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

TEST_CASE("a number that neither __uint nor __ulong wrote is refused", "[spec]") {
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

TEST_CASE("a number that does not fit into 32 bits is refused and not cut", "[spec]") {
  const with_member made("map_flags", [](hits_object& o) {
    return o.types.enumeration64("", {{"__unique_0", 0x100000001}});
  });
  const reading object(made.object.image);

  CHECK(object.fault.why == cause::bad_map_member);
}

TEST_CASE("a key or value that is no pointer to something with a size is refused", "[spec]") {
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
          cause::bad_map_member);
    CHECK(cause_of(member, [](hits_object& o) { return o.types.pointer(999); }) == cause::bad_map_member);
    CHECK(cause_of(member, [](hits_object&) { return 0u; }) == cause::bad_map_member);
  }
}

TEST_CASE("a member that this version cannot honour is refused by name", "[spec]") {
  const with_member values("values", [](hits_object& o) { return o.types.array(o.types.pointer(0), 1, 0); });
  const reading inner(values.object.image);

  CHECK(inner.fault.why == cause::map_member_not_loaded_yet);
  CHECK(inner.fault.offset == values.member_at());
  CHECK(subject_of(values.object.image, inner.fault) == "values");
}

TEST_CASE("an object with maps and without BTF is refused", "[spec]") {
  file_image image = execve_counter_image();
  const std::uint64_t maps_at = get64(image, section_header_at(image, ".maps") + 24);
  rename_section(image, ".BTF", ".BTX");
  const reading counter(image);

  CHECK(counter.fault.why == cause::no_btf);
  CHECK(counter.fault.section == (section_header_at(image, ".maps") - get64(image, 40)) / 64);
  CHECK(counter.fault.offset == maps_at);
}

TEST_CASE("an object with maps whose BTF does not tell of them is refused", "[spec]") {
  hits_object made;
  file_image& image = made.build();
  // An empty name, so that the data section is not the one of .maps.
  put32(image, made.type_at(made.layout), 0);
  const reading object(image);

  CHECK(object.fault.why == cause::no_btf);
}

TEST_CASE("damaged types are refused with their own cause", "[spec]") {
  hits_object made;
  file_image& image = made.build();
  put16(image, made.file.content_at(hits_object::btf_section), 0);
  const reading object(image);

  CHECK(object.fault.why == cause::bad_btf_header);
  CHECK(object.fault.section == hits_object::btf_section);
}

TEST_CASE("a section that tells no program type is refused at its name", "[spec]") {
  file_image image = execve_counter_image();
  rename_section(image, "tracepoint/syscalls/sys_enter_execve", "tracepoynt/syscalls/sys_enter_execve");
  const reading object(image);

  CHECK(object.fault.why == cause::unknown_section);
  CHECK(string_at(window(image), object.fault.offset) == "tracepoynt/syscalls/sys_enter_execve");
  CHECK(subject_of(image, object.fault) == "bpf_prog");
}

TEST_CASE("a static function in a program section is a function and no program", "[spec]") {
  hits_object made;
  file_image& image = made.build();
  image[made.file.symbol_at(made.program_symbol) + 4] = 0x02;
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.facts.programs == 0);
  REQUIRE(object.facts.functions == 1);
  CHECK(object.name_at(object.function(0).name) == "count");
  CHECK_FALSE(object.function(0).is_program);
  CHECK(object.function(0).reference_count == 1);
}

TEST_CASE("functions in .text are no programs", "[spec]") {
  hits_object made;
  made.program_section = ".text";
  const file_image& image = made.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.facts.programs == 0);
  REQUIRE(object.facts.functions == 1);
  CHECK_FALSE(object.function(0).is_program);
}

TEST_CASE("a program that is not whole instructions inside its section is refused", "[spec]") {
  struct {
    std::uint64_t value, size;
  } const extents[] = {{0, 0},
                       {0, 12},
                       {4, 8},
                       {0, 40},
                       {8, 32},
                       {32, 8},
                       {40, 8},
                       {~std::uint64_t{0} - 7, 8},
                       {8, ~std::uint64_t{0} - 7}};
  for (const auto& extent : extents) {
    CAPTURE(extent.value, extent.size);
    hits_object made;
    file_image& image = made.build();
    put64(image, made.file.symbol_at(made.program_symbol) + 8, extent.value);
    put64(image, made.file.symbol_at(made.program_symbol) + 16, extent.size);
    const reading object(image);

    CHECK(object.fault.why == cause::bad_program);
    CHECK(object.fault.offset == made.file.symbol_at(made.program_symbol));
    CHECK(subject_of(image, object.fault) == "count");
  }
}

TEST_CASE("a relocation that points at no load of an address is refused", "[spec]") {
  // Between instructions, at another instruction, at the last slot.
  for (const std::uint64_t offset : {4u, 16u, 24u}) {
    CAPTURE(offset);
    hits_object made;
    made.relocations = {{offset, hits_object::map_symbol}};
    const file_image& image = made.build();
    const reading object(image);

    CHECK(object.fault.why == cause::bad_relocation);
    CHECK(object.fault.section == hits_object::code_section);
    CHECK(object.fault.offset == 64 + offset);
    CHECK(subject_of(image, object.fault) == "hits");
  }
}

TEST_CASE("a load whose second half lies behind the program is refused", "[spec]") {
  hits_object made;
  made.code[24] = 0x18;
  made.relocations = {{24, hits_object::map_symbol}};
  const file_image& image = made.build();

  CHECK(reading(image).fault.why == cause::bad_relocation);
}

TEST_CASE("a reference to a place in .maps where no map begins is refused", "[spec]") {
  for (const std::uint32_t place : {4u, 8u, 32u, 64u}) {
    CAPTURE(place);
    hits_object made;
    put32(made.code, 4, place);
    const file_image& image = made.build();

    CHECK(reading(image).fault.why == cause::bad_relocation);
  }
}

TEST_CASE("a symbol that the object does not define is refused by name", "[spec]") {
  for (const std::uint32_t symbol : {hits_object::undefined_symbol + 0, 0u}) {
    hits_object made;
    made.relocations = {{0, symbol}};
    const file_image& image = made.build();
    const reading object(image);

    CHECK(object.fault.why == cause::undefined_symbol);
    CHECK(object.fault.section == hits_object::code_section);
    CHECK(object.fault.offset == 64);
    CHECK(subject_of(image, object.fault) == (symbol == 0u ? "" : "missing"));
  }
}

TEST_CASE("a relocation that names no symbol at all is refused", "[spec]") {
  for (const std::uint32_t symbol : {5u, 99u, 0xffffffffu}) {
    hits_object made;
    made.relocations = {{0, symbol}};
    const file_image& image = made.build();
    const reading object(image);

    CHECK(object.fault.why == cause::bad_symbol);
    CHECK(object.fault.section == hits_object::code_section);
    CHECK(object.fault.offset == 64);
  }
}

TEST_CASE("a reference to what is neither map, variable nor function is refused by name", "[spec]") {
  hits_object made;
  made.relocations = {{0, hits_object::license_symbol}};
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.fault.why == cause::relocation_not_loaded_yet);
  CHECK(object.fault.section == hits_object::code_section);
  CHECK(object.fault.offset == 64);
  CHECK(subject_of(image, object.fault) == "_license");
}

TEST_CASE("a relocation outside every program is nobody's", "[spec]") {
  hits_object made;
  made.relocations = {{0, hits_object::map_symbol}, {~std::uint64_t{0}, hits_object::license_symbol}};
  const file_image& image = made.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.facts.references == 1);
  CHECK(object.function(0).reference_count == 1);
}

TEST_CASE("a .maps that is no multiple of eight bytes never makes read leave its storage", "[spec]") {
  hits_object made;
  made.maps_size = 12;
  made.map_size = 4;
  made.map_offset = 8;
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.kept_inside());
}

TEST_CASE("two functions over the same instructions never make read leave its storage", "[spec]") {
  hits_object made;
  made.more_symbols = {{"alias", 0x12, hits_object::code_section, 0, 32}};
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.shape.programs == 2);
  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.function(0).at == object.function(1).at);
  CHECK(object.function(0).reference_count == 1);
  CHECK(object.function(1).reference_count == 1);
  CHECK(is_handled_inside(object));
}

TEST_CASE("a .maps without content in the file is refused before anything is allocated", "[spec]") {
  hits_object made;
  file_image& image = made.build();
  put32(image, made.file.header_at(hits_object::maps_section) + 4, 8);
  // One more than 2^32 slots, which is one slot in 32 bits.
  put64(image, made.file.header_at(hits_object::maps_section) + 32, (std::uint64_t{1} << 35) + 8);
  barebpf::object_shape shape;

  // Never read such an object here: it would write far behind its slots.
  CHECK(measure(window(image), shape).failed());
}

TEST_CASE("a section that is merely called .rel.BTF moves no map", "[spec]") {
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

TEST_CASE("a license without content in the file is none", "[spec]") {
  hits_object made;
  file_image& image = made.build();
  put32(image, made.file.header_at(hits_object::license_section) + 4, 8);
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.facts.license == 0);
}

TEST_CASE("no single damaged byte makes the reader crash or leave its storage", "[spec]") {
  const file_image whole = execve_counter_image();
  hits_object made;
  const file_image small = made.build();
  std::size_t refused = 0;
  std::size_t astray = 0;

  for (const file_image* image : {&whole, &small}) {
    file_image damaged = *image;
    for (std::size_t at = 0; at < damaged.size(); ++at) {
      const unsigned char before = damaged[at];
      for (const int after : {0x00, 0xff, before ^ 0x80}) {
        damaged[at] = static_cast<unsigned char>(after);
        const reading object(damaged);
        refused += object.fault.failed();
        if (is_handled_inside(object)) continue;
        ++astray;
        UNSCOPED_INFO("byte " << at << " set to " << after);
      }
      damaged[at] = before;
    }
  }

  CHECK(astray == 0);
  CHECK(refused > 1000);
}
