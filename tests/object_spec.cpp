// SPDX-License-Identifier: MIT
#include <utility>

#include "support/catch.hpp"
#include "support/fault_object.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

using barebpf::cause;
using barebpf::object_spec;
using barebpf::step;

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
  const file_image& image = made.build();
  const auto long_section = object_spec::read(window(image));
  REQUIRE_FALSE(long_section.has_value());
  CHECK(long_section.error().why == cause::unknown_section);
  CHECK(std::string(long_section.error().name) == "kprobe/" + std::string(40, 'x'));

  hits_object other;
  other.program_section = "kprobe/" + std::string(33, 'x');
  const file_image& other_image = other.build();
  const auto cut_subject = object_spec::read(window(other_image));
  REQUIRE_FALSE(cut_subject.has_value());
  CHECK(std::string(cut_subject.error().name) == "kprobe/" + std::string(33, 'x') + ":count");
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
