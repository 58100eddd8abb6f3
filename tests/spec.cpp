// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reading.hpp"

namespace {

using barebpf::cause;
using barebpf::number_form;
using barebpf::reference_kind;

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
  CHECK(program.kind.type == barebpf::abi::prog_type::tracepoint);
  CHECK(program.kind.attach == barebpf::attach_way::tracepoint);
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
  CHECK(object.shape.type_index == 12);
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

TEST_CASE("a .maps that is no multiple of eight bytes never makes read leave its storage", "[spec]") {
  hits_object made;
  made.maps_size = 12;
  made.map_size = 4;
  made.map_offset = 8;
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.kept_inside());
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
