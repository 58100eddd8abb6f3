// SPDX-License-Identifier: MIT
#include <array>
#include <cstring>
#include <utility>

#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reading.hpp"
// Behind the library, because what they define has plain names.
#include "functions.bpf.hpp"
#include "pinned_map.bpf.hpp"
#include "variables.bpf.hpp"

namespace {

using barebpf::btf_choice;
using barebpf::map_naming;
using barebpf::number_form;

constexpr std::size_t counter_size = sizeof execve_counter;
constexpr unsigned char counter_byte(std::size_t at) {
  return static_cast<unsigned char>(execve_counter[at / 8] >> (at % 8 * 8));
}

constexpr std::array<unsigned char, counter_size> counter_array = [] {
  std::array<unsigned char, counter_size> out{};
  for (std::size_t i = 0; i < counter_size; ++i) out[i] = counter_byte(i);
  return out;
}();

// What `xxd -i` would write; only a pack can fill a bare array.
template <class Indices>
struct counter_list;
template <std::size_t... I>
struct counter_list<std::index_sequence<I...>> {
  static constexpr unsigned char value[] = {counter_byte(I)...};
};
constexpr auto& counter_plain = counter_list<std::make_index_sequence<counter_size>>::value;

using from_words = barebpf::static_spec<execve_counter>;
using from_array = barebpf::static_spec<counter_array>;
using from_plain = barebpf::static_spec<counter_plain>;

template <class Spec>
constexpr bool is_the_counter() {
  static_assert(Spec::map_count == 1);
  static_assert(Spec::find_map("hash_map") == 0);
  static_assert(Spec::find_map("hash_maps") == barebpf::not_found);
  static_assert(Spec::map(0).type == 1);
  static_assert(Spec::map(0).key_size == 4);
  static_assert(Spec::map(0).value_size == 8);
  static_assert(Spec::map(0).max_entries == 4);
  static_assert(Spec::map(0).key_form == number_form::signed_number);
  static_assert(Spec::map(0).value_form == number_form::signed_number);
  static_assert(Spec::program_count == 1);
  static_assert(Spec::find_program("bpf_prog") == 0);
  static_assert(Spec::find_program("prog") == barebpf::not_found);
  static_assert(Spec::variable_count == 0);
  static_assert(Spec::find_variable("hash_map") == barebpf::not_found);
  static_assert(Spec::template instruction_count<0> == 24);
  static_assert(Spec::template reference_count<0> == 2);
  static_assert(Spec::template function_count<0> == 1);
  static_assert(Spec::template line_count<0> > 5);
  static_assert(!Spec::needs_types);
  static_assert(Spec::choose(btf_choice::none) == btf_choice::none);
  static_assert(Spec::choose(btf_choice::needed) == btf_choice::needed);
  static_assert(Spec::choose(btf_choice::all) == btf_choice::all);
  static_assert(Spec::program(0).kind.type == barebpf::abi::prog_type::tracepoint);
  static_assert(Spec::program(0).kind.attach == barebpf::attach_way::tracepoint);
  static_assert(barebpf::text(Spec::program_name(0)) == barebpf::text("bpf_prog"));
  static_assert(Spec::template references<0>.list[0].instruction == 4);
  static_assert(Spec::template references<0>.list[0].map == 0);
  static_assert(Spec::template references<0>.list[1].instruction == 14);
  static_assert(Spec::template references<0>.list[1].map == 0);
  static_assert(sizeof Spec::license == 4);
  static_assert(barebpf::text(Spec::license.characters) == barebpf::text("GPL"));
  return true;
}
static_assert(is_the_counter<from_words>());
static_assert(is_the_counter<from_array>());
static_assert(is_the_counter<from_plain>());

// The smallest object there is: no maps, no programs, no license; a symbol table of one symbol.
constexpr std::array<unsigned char, 64 + 24 + 24 + 3 * 64> bare_object = [] {
  std::array<unsigned char, 64 + 24 + 24 + 3 * 64> out{};
  const auto put = [&](std::size_t at, std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i)
      out[at + (barebpf::host_is_big_endian ? width - 1 - i : i)] =
          static_cast<unsigned char>(value >> (i * 8));
  };
  const unsigned char ident[] = {0x7f, 'E', 'L', 'F', 2, barebpf::host_is_big_endian ? 2 : 1, 1};
  for (std::size_t i = 0; i < sizeof ident; ++i) out[i] = ident[i];
  put(16, 1, 2);
  put(18, 247, 2);
  put(40, 112, 8);
  put(58, 64, 2);
  put(60, 3, 2);
  put(62, 2, 2);
  // Section 1: the symbols, named by section 2, which is a string table of nothing but NULs.
  put(112 + 64 + 4, 2, 4);
  put(112 + 64 + 24, 64, 8);
  put(112 + 64 + 32, 24, 8);
  put(112 + 64 + 40, 2, 4);
  put(112 + 64 + 56, 24, 8);
  put(112 + 128 + 4, 3, 4);
  put(112 + 128 + 24, 88, 8);
  put(112 + 128 + 32, 24, 8);
  return out;
}();

// What the compiler made of an object beside what the program makes of it.
template <const auto& Image>
struct both_readings {
  using spec = barebpf::static_spec<Image>;
  barebpf::result<barebpf::object_spec> read =
      barebpf::object_spec::read(barebpf::bytes(Image, std::size(Image)));
  barebpf::object_tables tables = read->tables();
  barebpf::kernel_name object_name = barebpf::object_name_at(tables.image, read->source());

  void compare_maps() const {
    REQUIRE(spec::map_count == read->maps().size());
    for (std::uint32_t i = 0; i < spec::map_count; ++i) {
      CAPTURE(i);
      const barebpf::map_spec &made = spec::map(i), &expected = read->maps()[i];
      CHECK(made.name == expected.name);
      CHECK(made.declared_at == expected.declared_at);
      CHECK(made.offset == expected.offset);
      CHECK(made.type == expected.type);
      CHECK(made.key_size == expected.key_size);
      CHECK(made.value_size == expected.value_size);
      CHECK(made.max_entries == expected.max_entries);
      CHECK(made.map_flags == expected.map_flags);
      CHECK(made.numa_node == expected.numa_node);
      CHECK(made.map_extra == expected.map_extra);
      CHECK(made.pinning == expected.pinning);
      CHECK(made.key_type == expected.key_type);
      CHECK(made.value_type == expected.value_type);
      CHECK(made.key_form == expected.key_form);
      CHECK(made.value_form == expected.value_form);
      CHECK(made.origin == expected.origin);
      CHECK(made.section == expected.section);
      CHECK(made.first_variable == expected.first_variable);
      CHECK(made.variable_count == expected.variable_count);
      CHECK(spec::find_map(string_at(tables.image, expected.name)) == i);
    }
  }
  void compare_variables() const {
    REQUIRE(spec::variable_count == read->variables().size());
    for (std::uint32_t i = 0; i < spec::variable_count; ++i) {
      CAPTURE(i);
      const barebpf::variable_spec &made = spec::variable(i), &expected = read->variables()[i];
      CHECK(made.name == expected.name);
      CHECK(made.declared_at == expected.declared_at);
      CHECK(made.map == expected.map);
      CHECK(made.offset == expected.offset);
      CHECK(made.size == expected.size);
      CHECK(made.id == expected.id);
      CHECK(made.type == expected.type);
      CHECK(made.form == expected.form);
      CHECK(spec::find_variable(string_at(tables.image, expected.name)) == i);
    }
  }
  template <std::size_t... I>
  void compare_values(std::index_sequence<I...>) const {
    (compare_value<I>(), ...);
  }
  template <std::size_t Index>
  void compare_value() const {
    const barebpf::map_spec& map = read->maps()[Index];
    if (!map.has_content()) return;
    std::vector<unsigned char> expected(map.value_size);
    tables.image.copy(map.declared_at, map.value_size, expected.data());
    CHECK(std::memcmp(spec::template value<Index>.words, expected.data(), expected.size()) == 0);
  }
  template <std::size_t... I>
  void compare_programs(std::index_sequence<I...>) const {
    REQUIRE(spec::program_count == read->programs().size());
    (compare_program<I>(), ...);
  }
  template <std::size_t Index>
  void compare_program() const {
    CAPTURE(Index);
    const barebpf::program_spec &made = spec::program(Index), &expected = read->programs()[Index];
    CHECK(made.name == expected.name);
    CHECK(made.section_name == expected.section_name);
    CHECK(made.function == expected.function);
    CHECK(made.place == expected.place);
    CHECK(made.kind.type == expected.kind.type);
    CHECK(made.kind.attach == expected.kind.attach);
    const assembled_program by_descriptor(tables, expected.function, map_naming::by_descriptor);
    const assembled_program by_index(tables, expected.function, map_naming::by_index);
    REQUIRE_FALSE(by_descriptor.fault.failed());
    REQUIRE(spec::template instruction_count<Index> == by_index.layout.instruction_count);
    CHECK(std::memcmp(spec::template instructions<Index, map_naming::by_descriptor>.code,
                      by_descriptor.code->data(), by_descriptor.code->size() * 8) == 0);
    CHECK(std::memcmp(spec::template instructions<Index, map_naming::by_index>.code, by_index.code->data(),
                      by_index.code->size() * 8) == 0);
    REQUIRE(spec::template reference_count<Index> == by_index.layout.map_references);
    for (std::uint32_t i = 0; i < by_index.layout.map_references; ++i) {
      CHECK(spec::template references<Index>.list[i].instruction == (*by_index.maps)[i].instruction);
      CHECK(spec::template references<Index>.list[i].map == (*by_index.maps)[i].map);
    }
    REQUIRE(by_index.layout.has_types);
    REQUIRE(spec::template function_count<Index> == by_index.layout.piece_count);
    REQUIRE(spec::template line_count<Index> != 0);
    compare_infos<Index, btf_choice::needed>(by_index.layout);
    compare_infos<Index, btf_choice::all>(by_index.layout);
    const pruned_object types(tables, true);
    REQUIRE(spec::template line_count<Index> == types.lines.count(by_index.layout));
    std::vector<std::uint64_t> lines(std::size_t{spec::template line_count<Index>} * 2);
    types.lines.write(by_index.layout, lines.data());
    CHECK(std::memcmp(spec::template lines<Index>.list, lines.data(), lines.size() * sizeof lines[0]) == 0);
  }
  template <std::size_t Index, btf_choice Btf>
  void compare_infos(const barebpf::program_layout& layout) const {
    pruned_object types(tables, Btf == btf_choice::all);
    types.write_all();
    std::vector<barebpf::abi::func_info> infos(layout.piece_count);
    write_functions(tables, layout, types.pruner, infos.data());
    CHECK(std::memcmp(spec::template functions<Index, Btf>.list, infos.data(),
                      infos.size() * sizeof infos[0]) == 0);
  }
  template <btf_choice Btf>
  void compare_types() const {
    pruned_object types(tables, Btf == btf_choice::all);
    types.write_all();
    CHECK(types.kept_inside());
    REQUIRE(spec::template btf_size<Btf> == types.content->size());
    CHECK(std::memcmp(&spec::template btf_image<Btf>, types.content->data(), types.content->size()) == 0);
    CHECK(spec::needs_types == types.pruner.is_required());
    for (std::uint32_t i = 0; i < spec::map_count; ++i) {
      CAPTURE(i);
      barebpf::abi::map_create create = to_map_create(tables.image, read->maps()[i], object_name);
      describe_map(read->maps()[i], types.pruner, create);
      CHECK(std::memcmp(&spec::template map_creates<Btf>.list[i], &create, sizeof create) == 0);
    }
  }
  void compare() const {
    REQUIRE(read.has_value());
    compare_maps();
    compare_variables();
    compare_values(std::make_index_sequence<spec::map_count>());
    compare_programs(std::make_index_sequence<spec::program_count>());
    compare_types<btf_choice::needed>();
    compare_types<btf_choice::all>();
  }
};

}  // namespace

TEST_CASE("the compiler reads functions as the running program does", "[static_spec]") {
  both_readings<functions>().compare();
  using spec = barebpf::static_spec<functions>;
  static_assert(spec::program_count == 3);
  // The program itself, and what it reaches.
  static_assert(spec::function_count<0> == 5);
  static_assert(spec::function_count<1> == 5);
  static_assert(spec::function_count<2> == 2);
  static_assert(spec::needs_types);
  static_assert(spec::choose(btf_choice::none) == btf_choice::needed);
  static_assert(spec::choose(btf_choice::all) == btf_choice::all);
}

TEST_CASE("the compiler reads variables as the running program does", "[static_spec]") {
  both_readings<variables>().compare();
  using spec = barebpf::static_spec<variables>;
  static_assert(spec::map_count == 7);
  static_assert(spec::variable_count == 11);
  static_assert(!spec::needs_types);
  constexpr auto& step = spec::value<spec::find_map(".data")>.words;
  std::int32_t first = 0;
  std::memcpy(&first, step, sizeof first);
  CHECK(first == 3);
  CHECK(to_string(spec::map_creates<btf_choice::none>.list[spec::find_map(".bss")].map_name) ==
        "variable.bss");
  CHECK(to_string(spec::map_creates<btf_choice::none>.list[spec::find_map(".data.own")].map_name) ==
        ".data.own");
}

TEST_CASE("the compiler reads pinned maps as the running program does", "[static_spec]") {
  both_readings<pinned_map>().compare();
  using spec = barebpf::static_spec<pinned_map>;
  static_assert(spec::map(spec::find_map("shared_calls")).pinning == 1);
  static_assert(spec::map(spec::find_map("own_calls")).pinning == 0);
}

TEST_CASE("the compiler reads the same maps as the running program", "[static_spec]") {
  const file_image image = execve_counter_image();
  const auto run_time = barebpf::object_spec::read(window(image));
  REQUIRE(run_time.has_value());

  const barebpf::map_spec& map = run_time->maps()[0];
  for (const barebpf::map_spec& other : {from_words::map(0), from_array::map(0), from_plain::map(0)}) {
    CHECK(other.name == map.name);
    CHECK(other.declared_at == map.declared_at);
    CHECK(other.offset == map.offset);
    CHECK(other.type == map.type);
    CHECK(other.key_size == map.key_size);
    CHECK(other.value_size == map.value_size);
    CHECK(other.max_entries == map.max_entries);
    CHECK(other.map_flags == map.map_flags);
    CHECK(other.key_type == map.key_type);
    CHECK(other.value_type == map.value_type);
    CHECK(other.key_form == map.key_form);
    CHECK(other.value_form == map.value_form);
  }
}

TEST_CASE("the compiler reads the same programs as the running program", "[static_spec]") {
  const file_image image = execve_counter_image();
  const auto run_time = barebpf::object_spec::read(window(image));
  REQUIRE(run_time.has_value());

  const barebpf::program_spec& program = run_time->programs()[0];
  for (const barebpf::program_spec& other :
       {from_words::program(0), from_array::program(0), from_plain::program(0)}) {
    CHECK(other.name == program.name);
    CHECK(other.section_name == program.section_name);
    CHECK(other.function == program.function);
    CHECK(other.place == program.place);
    CHECK(other.kind.type == program.kind.type);
    CHECK(other.kind.attach == program.kind.attach);
  }
}

TEST_CASE("loads of map addresses name the map by its place, or wait for its descriptor", "[static_spec]") {
  static_assert(from_words::instruction_count<0> == 24);
  const auto by_index =
      records_in<barebpf::abi::insn>(from_words::instructions<0, map_naming::by_index>.code, 24);
  const auto by_descriptor =
      records_in<barebpf::abi::insn>(from_words::instructions<0, map_naming::by_descriptor>.code, 24);
  const file_image image = execve_counter_image();
  const auto run_time = barebpf::object_spec::read(window(image));
  REQUIRE(run_time.has_value());
  const auto at = static_cast<std::size_t>(run_time->functions()[0].at);

  for (std::size_t i = 0; i < 24; ++i) {
    CAPTURE(i);
    if (i == 4 || i == 14) {
      CHECK(by_index[i].opcode == 0x18);
      CHECK(by_index[i].registers == (barebpf::host_is_big_endian ? 0x15 : 0x51));
      CHECK(by_index[i].immediate == 0);
      CHECK(by_descriptor[i].opcode == 0x18);
      CHECK(by_descriptor[i].registers == 0x11);
      CHECK(by_descriptor[i].immediate == 0);
    } else {
      CHECK(std::memcmp(&by_index[i], &image[at + i * 8], 8) == 0);
      CHECK(std::memcmp(&by_descriptor[i], &image[at + i * 8], 8) == 0);
    }
  }
}

TEST_CASE("the kernel is told of a map with its types or without", "[static_spec]") {
  constexpr barebpf::abi::map_create plain = from_words::map_creates<btf_choice::none>.list[0];
  constexpr barebpf::abi::map_create typed = from_words::map_creates<btf_choice::needed>.list[0];

  for (const barebpf::abi::map_create& create : {plain, typed}) {
    CHECK(create.map_type == 1);
    CHECK(create.key_size == 4);
    CHECK(create.value_size == 8);
    CHECK(create.max_entries == 4);
    CHECK(to_string(create.map_name) == "hash_map");
    CHECK(create.btf_fd == 0);
  }
  CHECK(plain.btf_key_type_id == 0);
  CHECK(plain.btf_value_type_id == 0);
  CHECK(typed.btf_key_type_id == 1);
  CHECK(typed.btf_value_type_id == 2);
}

TEST_CASE("the types for the kernel are those of the map and the program, word for word", "[static_spec]") {
  constexpr auto& image = from_words::btf_image<btf_choice::needed>;
  constexpr std::size_t size = from_words::btf_size<btf_choice::needed>;
  static_assert(size == 24 + 76 + 23);
  static_assert(sizeof image.head == 24 + 76 && sizeof image.strings == 23);
  const auto* const first = reinterpret_cast<const unsigned char*>(&image);
  const file_image written(first, first + size);

  CHECK(get16(written, 0) == 0xeb9f);
  const std::uint32_t words[] = {24, 0,          76, 76,         23,  // the header
                                 1,  0x01000000, 4,  0x01000020,      // int
                                 5,  0x01000000, 8,  0x01000040,      // long
                                 0,  0x02000000, 0,                   // void *
                                 0,  0x0d000001, 1,  10,         3,   // int (void *ctx)
                                 14, 0x0c000001, 4};                  // bpf_prog
  for (std::size_t i = 0; i < std::size(words); ++i) {
    CAPTURE(i);
    CHECK(get32(written, 4 + i * 4) == words[i]);
  }
  CHECK(std::string(written.begin() + 100, written.end()) == std::string("\0int\0long\0ctx\0bpf_prog\0", 23));
  CHECK(std::memcmp(&image, &from_array::btf_image<btf_choice::needed>, size) == 0);
  CHECK(std::memcmp(&image, &from_plain::btf_image<btf_choice::needed>, size) == 0);
}

TEST_CASE("a string of the object is an array of just its size", "[static_spec]") {
  constexpr auto& section = from_words::string<from_words::program(0).section_name>;
  static_assert(sizeof section == 37);

  CHECK(std::string(section.characters) == "tracepoint/syscalls/sys_enter_execve");
}

TEST_CASE("the compiler reads an object without maps, programs and license", "[static_spec]") {
  using bare = barebpf::static_spec<bare_object>;
  static_assert(bare::map_count == 0);
  static_assert(bare::program_count == 0);
  static_assert(bare::variable_count == 0);
  static_assert(bare::find_variable("") == barebpf::not_found);
  static_assert(!bare::needs_types);
  static_assert(bare::find_map("hash_map") == barebpf::not_found);
  static_assert(bare::find_program("") == barebpf::not_found);
  static_assert(sizeof bare::license == 1);
  static_assert(bare::btf_size<btf_choice::all> == 0);
  static_assert(bare::btf_size<btf_choice::needed> == 0);

  CHECK(bare::license.characters[0] == '\0');
}

TEST_CASE("object_check lets an object without a fault pass", "[static_spec]") {
  static_assert(
      barebpf::object_check<barebpf::cause::none, 0, barebpf::name<48>{}, barebpf::name<48>{}>::made);

  CHECK(to_string(barebpf::detail::name_at(window(execve_counter_image()), 0)).empty());
}
