// SPDX-License-Identifier: MIT
#include <utility>

#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reading.hpp"
// Behind the library, because what they define has plain names.
#include "foreign.bpf.hpp"
#include "functions.bpf.hpp"
#include "pinned_map.bpf.hpp"
#include "variables.bpf.hpp"

using barebpf::cause;
using barebpf::object_spec;
using barebpf::step;

namespace {

// A copy of an embedded object.
template <std::size_t Count>
file_image image_of(const std::uint64_t (&words)[Count]) {
  file_image out(Count * 8);
  barebpf::bytes(words, Count).copy(0, out.size(), out.data());
  return out;
}
// The bytes of it that anybody reads: all but what debuggers do.
std::vector<std::size_t> places_to_damage(const file_image& image) {
  barebpf::elf file;
  REQUIRE_FALSE(barebpf::elf::open(window(image), file).failed());
  std::vector<bool> is_debug(image.size());
  for (std::uint32_t i = 1; i < file.section_count(); ++i) {
    const barebpf::elf_section section = file.section(i);
    const std::string name = string_at(file.image(), section.name);
    if (name.find("debug") == std::string::npos) continue;
    for (std::uint64_t at = section.at; at < section.at + section.size; ++at)
      is_debug[static_cast<std::size_t>(at)] = true;
  }
  std::vector<std::size_t> out;
  for (std::size_t at = 0; at < image.size(); ++at)
    if (!is_debug[at]) out.push_back(at);
  return out;
}
void survives_damage(const file_image& whole) {
  file_image damaged = whole;
  std::size_t refused = 0, astray = 0;
  for (const std::size_t at : places_to_damage(whole)) {
    damaged[at] = static_cast<unsigned char>(~whole[at]);
    const reading object(damaged);
    refused += object.fault.failed();
    if (!is_handled_inside(object)) {
      ++astray;
      UNSCOPED_INFO("byte " << at);
    }
    damaged[at] = whole[at];
  }
  CHECK(astray == 0);
  CHECK(refused > 500);
}
void is_refused_when_cut(const file_image& whole) {
  // The words of an embedded object may end in zeros that are not the file's.
  for (std::size_t size = 0; size + 8 < whole.size(); ++size) {
    const file_image cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto refused = object_spec::read(window(cut));
    if (refused.has_value() || refused.error().why == cause::none) FAIL("cut at " << size);
  }
}

}  // namespace

TEST_CASE("the execve counter is read while the program runs", "[object_spec]") {
  const file_image image = execve_counter_image();
  const auto counter = object_spec::read(window(image));
  REQUIRE(counter.has_value());

  REQUIRE(counter->maps().size() == 1);
  CHECK(counter->maps()[0].type == 1);
  CHECK(counter->maps()[0].key_size == 4);
  CHECK(counter->maps()[0].value_size == 8);
  CHECK(counter->maps()[0].max_entries == 4);
  REQUIRE(counter->programs().size() == 1);
  REQUIRE(counter->functions().size() == 1);
  const barebpf::function_spec& function = counter->functions()[0];
  CHECK(function.instruction_count == 24);
  REQUIRE(counter->references().size() == 2);
  CHECK(counter->references()[0].at == function.at + 4 * 8);
  CHECK(counter->references()[1].at == function.at + 14 * 8);
  CHECK(string_at(counter->image(), counter->source()) == "execve_counter.bpf.c");
  CHECK(string_at(counter->image(), counter->license()) == "GPL");
  CHECK(counter->types().size_of(counter->maps()[0].value_type) == 8);
}

TEST_CASE("maps and programs are found by name", "[object_spec]") {
  const file_image image = execve_counter_image();
  const auto counter = object_spec::read(window(image));
  REQUIRE(counter.has_value());

  CHECK(counter->find_map("hash_map") == 0);
  CHECK(counter->find_map("bpf_prog") == barebpf::not_found);
  CHECK(counter->find_program("bpf_prog") == 0);
  CHECK(counter->find_program("hash_map") == barebpf::not_found);
  CHECK(counter->find_map("") == barebpf::not_found);
}

TEST_CASE("a spec that was moved can still look up types, and the source is empty", "[object_spec]") {
  const file_image image = execve_counter_image();
  auto first = object_spec::read(window(image));
  REQUIRE(first.has_value());

  const object_spec second = std::move(*first);

  CHECK(second.find_map("hash_map") == 0);
  CHECK(string_at(second.image(), second.types().type(second.maps()[0].key_type).name) == "int");
  CHECK(first->maps().size() == 0);
  CHECK(first->variables().size() == 0);
  CHECK(first->functions().size() == 0);
  CHECK(first->programs().size() == 0);
  CHECK(first->references().size() == 0);
  CHECK(first->find_map("hash_map") == barebpf::not_found);
  CHECK(first->find_variable("") == barebpf::not_found);
  CHECK(first->find_program("bpf_prog") == barebpf::not_found);
}

TEST_CASE("an object without anything is an empty spec", "[object_spec]") {
  object_builder file;
  const file_image image = file.build();
  const auto empty = object_spec::read(window(image));

  REQUIRE(empty.has_value());
  CHECK(empty->maps().size() == 0);
  CHECK(empty->variables().size() == 0);
  CHECK(empty->functions().size() == 0);
  CHECK(empty->line_count() == 0);
  CHECK(empty->source() == 0);
  CHECK(empty->programs().size() == 0);
  CHECK(empty->license() == 0);
}

TEST_CASE("nothing at all is no ELF file", "[object_spec]") {
  const auto refused = object_spec::read(barebpf::bytes());

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().at == step::read_object);
  CHECK(refused.error().why == cause::not_elf);
  CHECK(refused.error().code == 0);
  CHECK(refused.error().offset == 0);
  CHECK(std::string(refused.error().name).empty());
}

TEST_CASE("an error of the first pass names the section", "[object_spec]") {
  hits_object made;
  file_image& image = made.build();
  put16(image, made.file.content_at(hits_object::btf_section), 0);
  const auto refused = object_spec::read(window(image));

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().at == step::read_object);
  CHECK(refused.error().why == cause::bad_btf_header);
  CHECK(refused.error().offset == made.file.content_at(hits_object::btf_section));
  CHECK(std::string(refused.error().name) == ".BTF");
}

TEST_CASE("an error of the second pass names the section and what is inside it", "[object_spec]") {
  hits_object made;
  made.linkage = 0;
  const file_image& image = made.build();
  const auto refused = object_spec::read(window(image));

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == cause::static_map);
  CHECK(refused.error().offset == made.type_at(made.variable));
  CHECK(std::string(refused.error().name) == ".maps:hits");
}

TEST_CASE("a refused object reads as one sentence", "[object_spec]") {
  hits_object made;
  made.members[3].name = "max_entires";
  const file_image& image = made.build();
  const auto refused = object_spec::read(window(image));
  REQUIRE_FALSE(refused.has_value());
  char buffer[512];

  CHECK(to_string(barebpf::describe(refused.error(), buffer)) ==
        "cannot read the object '.maps:max_entires' at byte " +
            std::to_string(made.type_at(made.definition) + 12 + 3 * 12) +
            ": a map in .maps has a member that is not part of a map definition, so look for a misspelling");
}

TEST_CASE("the name of an error is cut to its room", "[object_spec]") {
  hits_object made;
  made.program_section = "kprobe/" + std::string(100, 'x');
  made.relocations.push_back({4, hits_object::map_symbol});
  const file_image& image = made.build();
  const auto long_section = object_spec::read(window(image));
  REQUIRE_FALSE(long_section.has_value());
  CHECK(long_section.error().why == cause::bad_relocation);
  CHECK(std::string(long_section.error().name) == "kprobe/" + std::string(40, 'x'));

  hits_object other;
  other.program_section = "kprobe/" + std::string(33, 'x');
  other.relocations.push_back({4, hits_object::map_symbol});
  const file_image& other_image = other.build();
  const auto cut_subject = object_spec::read(window(other_image));
  REQUIRE_FALSE(cut_subject.has_value());
  CHECK(std::string(cut_subject.error().name) == "kprobe/" + std::string(33, 'x') + ":hits");
}

TEST_CASE("a verdict about the whole file makes an error about no section", "[object_spec]") {
  const file_image image = execve_counter_image();
  const barebpf::error made = barebpf::to_error(window(image), {.why = cause::no_symbols, .offset = 60});

  CHECK(made.at == step::read_object);
  CHECK(made.why == cause::no_symbols);
  CHECK(made.offset == 60);
  CHECK(std::string(made.name).empty());
}

TEST_CASE("what relocations there are outside the code is no reference", "[object_spec]") {
  hits_object made;
  made.relocations = {{0, hits_object::map_symbol}, {4096, hits_object::map_symbol}};
  const file_image& image = made.build();
  const auto read = object_spec::read(window(image));

  REQUIRE(read.has_value());
  CHECK(read->references().size() == 1);
  CHECK(read->tables().reference_count == 1);
}

TEST_CASE("each way of cutting an object is an error with a cause", "[object_spec]") {
  const file_image whole = execve_counter_image();

  for (std::size_t size = 0; size + 8 < whole.size(); size += 7) {
    CAPTURE(size);
    const file_image cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    const auto refused = object_spec::read(window(cut));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().why != cause::none);
  }
}

TEST_CASE("functions of every kind are read while the program runs", "[object_spec]") {
  const file_image image = image_of(functions);
  const auto object = object_spec::read(window(image));
  REQUIRE(object.has_value());

  std::vector<std::string> names, programs;
  for (const barebpf::function_spec& function : object->functions()) {
    names.push_back(string_at(object->image(), function.name));
    CHECK(function.type != 0);
    CHECK(function.lines.count > 1);
    CHECK(function.is_hidden == (names.back() == "hidden_hundred"));
  }
  for (const barebpf::program_spec& program : object->programs())
    programs.push_back(string_at(object->image(), program.name));
  CHECK(names == std::vector<std::string>{"global_triple", "doubled", "weak_ten", "hidden_hundred", "add_to",
                                          "add_value", "beside", "first", "second", "sums_up"});
  CHECK(programs == std::vector<std::string>{"first", "second", "sums_up"});
  CHECK(object->find_program("second") == 1);
  CHECK(object->find_program("beside") == barebpf::not_found);
  CHECK(object->line_count() > 20);
  CHECK(object->tables().function_count == 10);
  CHECK(object->tables().line_size == 16);
}

TEST_CASE("variables of every kind are read while the program runs", "[object_spec]") {
  const file_image image = image_of(variables);
  const auto object = object_spec::read(window(image));
  REQUIRE(object.has_value());

  struct {
    const char* name;
    const char* map;
    std::uint32_t size;
  } const expected[] = {{"only_process", ".rodata", 4},
                        {"greeting", ".rodata", 8},
                        {"step", ".data", 4},
                        {"seen", ".data", 16},
                        {"count", ".bss", 8},
                        {"zeros", ".bss", 3000},
                        {"private_count", ".bss", 8},
                        {"own_constant", ".rodata.own", 2},
                        {"own_variable", ".data.own", 2},
                        {"own_zero", ".bss.own", 4},
                        {"hidden_variable", ".data.hidden", 4}};
  REQUIRE(object->variables().size() == std::size(expected));
  REQUIRE(object->maps().size() == 7);
  for (const auto& row : expected) {
    CAPTURE(row.name);
    const std::uint32_t found = object->find_variable(row.name);
    REQUIRE(found != barebpf::not_found);
    const barebpf::variable_spec& variable = object->variables()[found];
    CHECK(variable.size == row.size);
    CHECK(string_at(object->image(), object->maps()[variable.map].name) == row.map);
  }
  CHECK(object->find_variable("_license") == barebpf::not_found);
  const std::uint32_t hidden = object->find_map(".data.hidden");
  REQUIRE(hidden != barebpf::not_found);
  CHECK(object->maps()[hidden].map_flags == 0);
}

TEST_CASE("no damaged byte of an object of functions makes anything leave its storage", "[object_spec]") {
  survives_damage(image_of(functions));
}

TEST_CASE("no damaged byte of an object of variables makes anything leave its storage", "[object_spec]") {
  survives_damage(image_of(variables));
}

TEST_CASE("no damaged byte of an object of pinned maps makes anything leave its storage", "[object_spec]") {
  survives_damage(image_of(pinned_map));
}

TEST_CASE("objects of functions and variables, cut anywhere, are an error with a cause", "[object_spec]") {
  is_refused_when_cut(image_of(functions));
  is_refused_when_cut(image_of(variables));
  is_refused_when_cut(image_of(pinned_map));
}

TEST_CASE("an object of the other byte order is read like its twin", "[object_spec]") {
  const auto mine = object_spec::read(barebpf::bytes(variables, std::size(variables)));
  const auto other = object_spec::read(barebpf::bytes(foreign, std::size(foreign)));
  REQUIRE(mine.has_value());
  REQUIRE(other.has_value());
  CHECK_FALSE(mine->image().is_foreign());
  CHECK(other->image().is_foreign());
  const auto mine_at = [&](std::uint64_t at) { return string_at(mine->image(), at); };
  const auto other_at = [&](std::uint64_t at) { return string_at(other->image(), at); };

  REQUIRE(other->maps().size() == mine->maps().size());
  for (std::size_t i = 0; i < mine->maps().size(); ++i) {
    const barebpf::map_spec &a = mine->maps()[i], &b = other->maps()[i];
    CHECK(other_at(b.name) == mine_at(a.name));
    CHECK(b.type == a.type);
    CHECK(b.value_size == a.value_size);
    CHECK(b.map_flags == a.map_flags);
    CHECK(b.variable_count == a.variable_count);
  }
  REQUIRE(other->variables().size() == mine->variables().size());
  for (std::size_t i = 0; i < mine->variables().size(); ++i) {
    CHECK(other_at(other->variables()[i].name) == mine_at(mine->variables()[i].name));
    CHECK(other->variables()[i].offset == mine->variables()[i].offset);
    CHECK(other->variables()[i].size == mine->variables()[i].size);
  }
  REQUIRE(other->programs().size() == mine->programs().size());
  REQUIRE(mine->programs().size() == 1);
  CHECK(other_at(other->programs()[0].place) == mine_at(mine->programs()[0].place));

  const auto assembled = [](const object_spec& spec) {
    barebpf::program_layout layout;
    REQUIRE_FALSE(lay_out(spec.tables(), spec.programs()[0].function, layout).failed());
    std::vector<std::uint64_t> words(layout.instruction_count);
    std::vector<barebpf::map_reference> maps(layout.map_references);
    assemble(spec.tables(), layout, barebpf::map_naming::by_index, words.data(), maps.data());
    return records_in<barebpf::abi::insn>(words.data(), words.size());
  };
  const auto a = assembled(*mine), b = assembled(*other);
  REQUIRE(b.size() == a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(b[i].opcode == a[i].opcode);
    CHECK(b[i].registers == a[i].registers);
    CHECK(b[i].offset == a[i].offset);
    CHECK(b[i].immediate == a[i].immediate);
  }
}
