// SPDX-License-Identifier: MIT
#include "../support/catch.hpp"
#include "../support/library.hpp"
#include "../support/object_builder.hpp"
#include "../support/reading.hpp"
#include "../support/slots_object.hpp"

namespace {

using barebpf::cause;
using barebpf::reference_kind;

// Functions of every kind: three in .text, a static one beside two programs in one section, a program in
// another, and variables; with the types and the lines of some.
struct functions_object {
  btf_builder types{};
  std::uint32_t int_type = types.integer("int", 4, 1);
  std::uint32_t prototype = types.function_prototype(int_type, {{"number", int_type}});
  std::uint32_t leaf_type = types.function("leaf", prototype, 0);
  std::uint32_t middle_type = types.function("middle", prototype, 1);
  std::uint32_t first_type = types.function("first", prototype, 1);
  std::uint32_t text_name = types.name(".text"), events_name = types.name("tp/a/b"),
                gone_name = types.name("gone"), file_name = types.name("x.c"),
                line_name = types.name("return;");
  btf_ext_builder ext{};

  static constexpr std::uint16_t text = 1, events = 2, other = 3, data = 4, bss = 5, license = 6;
  // Symbols in an order of their own.
  static constexpr std::uint32_t second_symbol = 1, hidden_symbol = 2, leaf_symbol = 3, middle_symbol = 4,
                                 first_symbol = 5, beside_symbol = 6, third_symbol = 7, text_symbol = 8,
                                 data_symbol = 9, counter_symbol = 10, license_symbol = 11, bss_symbol = 12,
                                 undefined_symbol = 13, events_symbol = 14;
  // .text: leaf at 0, middle at 16 calls it, hidden at 32.
  file_image text_code = bpf_code().move(0, 1).exit().call(-3).exit().move(0, 2).exit();
  // first at 0 calls middle by its name, hidden by its section, and beside without a relocation; second at
  // 40, beside at 88.
  file_image events_code = bpf_code()
                               .call(-1)
                               .call(32 / 8 - 1)
                               .call(8)
                               .move(0, 0)
                               .exit()
                               .load(1, 8)
                               .load(2, 0)
                               .move(0, 3)
                               .exit()
                               .move(0, 7)
                               .exit();
  // third takes the address of leaf by the section and of middle by its name.
  file_image other_code = bpf_code().load(1, 0).load(2, 0).exit();
  std::vector<object_builder::relocation> events_relocations = {
      {0, middle_symbol}, {8, text_symbol}, {40, data_symbol}, {56, counter_symbol}};
  std::vector<object_builder::relocation> other_relocations = {{16, middle_symbol}, {0, text_symbol}};

  object_builder file{};
  file_image image{};

  functions_object() {
    ext.functions.runs = {{text_name, {{0, leaf_type}, {16, middle_type}}}, {events_name, {{0, first_type}}}};
    ext.lines.runs = {{text_name, {{0, file_name, line_name, 1 << 10}, {16, file_name, line_name, 2 << 10}}}};
  }
  std::size_t content_at(std::uint32_t section) const { return file.content_at(section); }

  file_image& build() {
    file.add(object_builder::section{.name = ".text", .type = 1, .flags = 6, .content = text_code});
    file.add(object_builder::section{.name = "tp/a/b", .type = 1, .flags = 6, .content = events_code});
    file.add(object_builder::section{.name = "tp/c/d", .type = 1, .flags = 6, .content = other_code});
    file.add(object_builder::section{.name = ".data", .type = 1, .flags = 3, .content = file_image(16, 1)});
    file.add(object_builder::section{.name = ".bss", .type = 8, .flags = 3, .zeros = 8});
    file.add(
        object_builder::section{.name = "license", .type = 1, .flags = 3, .content = {'G', 'P', 'L', 0}});
    file.add(object_builder::section{.name = ".BTF", .type = 1, .content = types.content()});
    file.add(object_builder::section{.name = ".BTF.ext", .type = 1, .content = ext.content()});
    file.add_relocations(".reltp/a/b", events, events_relocations);
    file.add_relocations(".reltp/c/d", other, other_relocations);
    file.add(object_builder::symbol{"second", 0x12, events, 40, 48});
    file.add(object_builder::symbol{"hidden", 0x12, text, 32, 16, 2});
    file.add(object_builder::symbol{"leaf", 0x02, text, 0, 16});
    file.add(object_builder::symbol{"middle", 0x22, text, 16, 16});
    file.add(object_builder::symbol{"first", 0x12, events, 0, 40});
    file.add(object_builder::symbol{"beside", 0x02, events, 88, 16});
    file.add(object_builder::symbol{"third", 0x12, other, 0, 40});
    file.add(object_builder::symbol{"", 0x03, text, 0, 0});
    file.add(object_builder::symbol{"", 0x03, data, 0, 0});
    file.add(object_builder::symbol{"counter", 0x11, bss, 4, 4});
    file.add(object_builder::symbol{"_license", 0x11, license, 0, 4});
    file.add(object_builder::symbol{"", 0x03, bss, 0, 0});
    file.add(object_builder::symbol{"missing", 0x10, 0, 0, 0});
    file.add(object_builder::symbol{"", 0x03, events, 0, 0});
    image = file.build();
    return image;
  }
};

// The same with one relocation more in the section of `first`, or another one.
struct with_relocation {
  functions_object made;
  with_relocation(std::size_t index, std::uint64_t offset, std::uint32_t symbol) {
    made.events_relocations.at(index) = {offset, symbol};
    made.build();
  }
  void is_refused(cause why, std::uint64_t offset, const std::string& subject) const {
    const reading object(made.image);
    CHECK(object.fault.why == why);
    CHECK(object.fault.section == functions_object::events);
    CHECK(object.fault.offset == made.content_at(functions_object::events) + offset);
    CHECK(subject_of(made.image, object.fault) == subject);
  }
};

}  // namespace

TEST_CASE("functions of every kind are found, sorted by place, and the programs among them", "[spec/code]") {
  functions_object made;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  struct {
    const char* name;
    std::uint32_t section, offset, instructions, symbol, type;
    bool is_hidden, is_program;
  } const expected[] = {{"leaf", made.text, 0, 2, made.leaf_symbol, made.leaf_type, false, false},
                        {"middle", made.text, 16, 2, made.middle_symbol, made.middle_type, false, false},
                        {"hidden", made.text, 32, 2, made.hidden_symbol, 0, true, false},
                        {"first", made.events, 0, 5, made.first_symbol, made.first_type, false, true},
                        {"second", made.events, 40, 6, made.second_symbol, 0, false, true},
                        {"beside", made.events, 88, 2, made.beside_symbol, 0, false, false},
                        {"third", made.other, 0, 5, made.third_symbol, 0, false, true}};
  CHECK(object.shape.functions == 7);
  REQUIRE(object.facts.functions == 7);
  for (std::size_t i = 0; i < 7; ++i) {
    CAPTURE(i);
    const barebpf::function_spec& function = object.function(i);
    CHECK(object.name_at(function.name) == expected[i].name);
    CHECK(function.section == expected[i].section);
    CHECK(function.section_at == made.content_at(expected[i].section));
    CHECK(function.at == function.section_at + expected[i].offset);
    CHECK(function.instruction_count == expected[i].instructions);
    CHECK(function.symbol == made.file.symbol_at(expected[i].symbol));
    CHECK(function.type == expected[i].type);
    CHECK(function.is_hidden == expected[i].is_hidden);
    CHECK(function.is_program == expected[i].is_program);
  }
  CHECK(object.shape.programs == 3);
  REQUIRE(object.facts.programs == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const std::uint32_t function[] = {3, 4, 6};
    CHECK(object.program(i).function == function[i]);
    CHECK(object.program(i).name == object.function(function[i]).name);
    CHECK(object.name_at(object.program(i).section_name) == (i == 2 ? "tp/c/d" : "tp/a/b"));
    CHECK(object.program(i).kind.type == barebpf::abi::prog_type::tracepoint);
    CHECK(object.program(i).kind.attach == barebpf::attach_way::tracepoint);
  }
  CHECK(is_handled_inside(object));
}

TEST_CASE("functions in .text need no program type of their section, and internal ones are hidden too",
          "[spec/code]") {
  hits_object made;
  made.program_section = ".text";
  file_image& image = made.build();
  image[made.file.symbol_at(made.program_symbol) + 5] = 1;
  CHECK(reading(image).function(0).is_hidden);
  image[made.file.symbol_at(made.program_symbol) + 5] = 3;
  CHECK_FALSE(reading(image).function(0).is_hidden);
}

TEST_CASE("instructions refer to functions, variables and addresses of functions", "[spec/code]") {
  functions_object made;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  struct {
    std::uint32_t section, offset;
    reference_kind kind;
    std::uint32_t target, into;
  } const expected[] = {
      {made.events, 0, reference_kind::call, 1, 0},    {made.events, 8, reference_kind::call, 2, 0},
      {made.events, 40, reference_kind::value, 0, 8},  {made.events, 56, reference_kind::value, 1, 4},
      {made.other, 0, reference_kind::function, 0, 0}, {made.other, 16, reference_kind::function, 1, 0}};
  CHECK(object.shape.references == 6);
  REQUIRE(object.facts.references == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    CAPTURE(i);
    CHECK(object.reference(i).at == made.content_at(expected[i].section) + expected[i].offset);
    CHECK(object.reference(i).kind == expected[i].kind);
    CHECK(object.reference(i).target == expected[i].target);
    CHECK(object.reference(i).offset == expected[i].into);
  }
  const auto references_of = [&](std::uint32_t function) {
    return std::vector<std::uint32_t>{object.function(function).first_reference,
                                      object.function(function).reference_count};
  };
  CHECK(references_of(0)[1] == 0);
  CHECK(references_of(3) == std::vector<std::uint32_t>{0, 2});
  CHECK(references_of(4) == std::vector<std::uint32_t>{2, 2});
  CHECK(references_of(5)[1] == 0);
  CHECK(references_of(6) == std::vector<std::uint32_t>{4, 2});
}

TEST_CASE("the lines of a section belong to each of its functions", "[spec/code]") {
  functions_object made;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.shape.lines == 2);
  CHECK(object.facts.line_size == 16);
  for (const std::size_t i : {0u, 1u, 2u}) {
    CHECK(object.function(i).lines.count == 2);
    CHECK(object.name_at(object.function(i).lines.section_name) == ".text");
  }
  CHECK(object.function(3).lines.count == 0);
}

TEST_CASE("types and lines of what is not there tell of nothing", "[spec/code]") {
  functions_object made;
  // No such section; no code; no function; another place than a function's start; no such type.
  made.ext.functions.runs = {
      {made.gone_name, {{0, made.leaf_type}}},
      {made.types.name(".data"), {{0, made.leaf_type}}},
      {made.text_name,
       {{0, made.prototype}, {8, made.leaf_type}, {0xfffffff8, made.leaf_type}, {16, 9999}, {32, 0}}}};
  made.ext.lines.runs = {{made.gone_name, {{0, 1, 1, 0}}}, {made.types.name("license"), {{0, 1, 1, 0}}}};
  const file_image& image = made.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.shape.lines == 2);
  for (std::uint32_t i = 0; i < object.facts.functions; ++i) {
    CHECK(object.function(i).type == 0);
    CHECK(object.function(i).lines.count == 0);
  }
  CHECK(is_handled_inside(object));
}

TEST_CASE("an address one past the end of a variable's section is allowed, and no farther", "[spec/code]") {
  for (const std::int32_t offset : {16, 17, -1}) {
    CAPTURE(offset);
    functions_object made;
    put32(made.events_code, 44, static_cast<std::uint32_t>(offset));
    const file_image& image = made.build();
    const reading object(image);

    if (offset == 16) {
      REQUIRE_FALSE(object.fault.failed());
      CHECK(object.reference(2).offset == 16);
    } else {
      CHECK(object.fault.why == cause::bad_relocation);
      CHECK(object.fault.section == made.events);
      CHECK(object.fault.offset == made.content_at(made.events) + 40);
    }
  }
}

TEST_CASE("a symbol's place and what stands in the instruction are added", "[spec/code]") {
  functions_object made;
  put32(made.events_code, 60, 2);  // counter is at 4 of .bss
  put32(made.other_code, 4, 16);   // middle is at 16 of .text
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.reference(3).offset == 6);
  CHECK(object.reference(4).kind == reference_kind::function);
  CHECK(object.reference(4).target == 1);
}

TEST_CASE("symbols of whole sections leave the place to the instruction", "[spec/code]") {
  functions_object made;
  // beside is at 88 of its section, which a call counts in instructions from the one behind it.
  put32(made.events_code, 4, 88 / 8 - 1);
  put32(made.events_code, 60, 4);
  made.events_relocations[0].symbol = made.events_symbol;
  made.events_relocations[3].symbol = made.bss_symbol;
  const file_image& image = made.build();
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.reference(0).kind == reference_kind::call);
  CHECK(object.name_at(object.function(object.reference(0).target).name) == "beside");
  CHECK(object.reference(3).kind == reference_kind::value);
  CHECK(object.reference(3).target == 1);
  CHECK(object.reference(3).offset == 4);
}

TEST_CASE("a call to a place where no function begins is refused by the symbol's name", "[spec/code]") {
  for (const std::int32_t immediate : {0, 1, 2, 6, 100, -2, 0x7fffffff}) {
    CAPTURE(immediate);
    functions_object made;
    put32(made.events_code, 4, static_cast<std::uint32_t>(immediate));
    const file_image& image = made.build();
    const reading object(image);
    // From middle, which is at 16 of .text: 1 from there is hidden + 8, -2 is leaf + 8, -3 would be leaf.
    if (immediate == 1) {
      REQUIRE_FALSE(object.fault.failed());
      CHECK(object.reference(0).target == 2);
      continue;
    }
    CHECK(object.fault.why == cause::bad_relocation);
    CHECK(object.fault.section == made.events);
    CHECK(object.fault.offset == made.content_at(made.events));
    CHECK(subject_of(image, object.fault) == "middle");
  }
}

TEST_CASE("a call of what is no code is refused by name", "[spec/code]") {
  const with_relocation variable(0, 0, functions_object::counter_symbol);
  const with_relocation license(0, 0, functions_object::license_symbol);

  variable.is_refused(cause::bad_relocation, 0, "counter");
  license.is_refused(cause::bad_relocation, 0, "_license");
}

TEST_CASE("a call of a function that the object does not define is refused by name", "[spec/code]") {
  const with_relocation made(0, 0, functions_object::undefined_symbol);

  made.is_refused(cause::undefined_symbol, 0, "missing");
}

TEST_CASE("a relocation at an instruction that refers to nothing is refused", "[spec/code]") {
  // r0 = 0, exit, and the call of a helper.
  const with_relocation move(0, 24, functions_object::middle_symbol);
  const with_relocation exit(0, 32, functions_object::counter_symbol);
  move.is_refused(cause::bad_relocation, 24, "middle");
  exit.is_refused(cause::bad_relocation, 32, "counter");

  functions_object helper;
  helper.events_code[1] = 0;
  helper.build();
  const reading object(helper.image);
  CHECK(object.fault.why == cause::bad_relocation);
  CHECK(object.fault.offset == helper.content_at(helper.events));
}

TEST_CASE("a relocation between two instructions, or at the second half of a load, is refused",
          "[spec/code]") {
  const with_relocation between(2, 44, functions_object::data_symbol);
  const with_relocation second(2, 48, functions_object::data_symbol);

  between.is_refused(cause::bad_relocation, 44, "");
  second.is_refused(cause::bad_relocation, 48, "");
}

TEST_CASE("a reference to a section that is neither code nor variables is not loaded yet", "[spec/code]") {
  const with_relocation made(3, 56, functions_object::license_symbol);

  made.is_refused(cause::relocation_not_loaded_yet, 56, "_license");
}

TEST_CASE("a relocation of a symbol that is not there is refused", "[spec/code]") {
  const with_relocation made(3, 56, 99);

  made.is_refused(cause::bad_symbol, 56, "");
}

TEST_CASE("the address of a place where no function begins is refused", "[spec/code]") {
  functions_object made;
  put32(made.other_code, 4, 8);
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.fault.why == cause::bad_relocation);
  CHECK(object.fault.section == made.other);
  CHECK(object.fault.offset == made.content_at(made.other));
}

TEST_CASE("a relocation between two functions is nobody's", "[spec/code]") {
  functions_object made;
  file_image& image = made.build();
  // first is one instruction shorter, so its last has no function.
  put64(image, made.file.symbol_at(made.first_symbol) + 16, 32);
  put64(image, made.file.content_at(9), 32);
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.function(3).reference_count == 1);
  CHECK(object.facts.references == 6);
}

TEST_CASE("functions that are not whole instructions are refused, in .text too", "[spec/code]") {
  for (const std::uint32_t symbol :
       {functions_object::leaf_symbol + 0, functions_object::beside_symbol + 0}) {
    functions_object made;
    file_image& image = made.build();
    put64(image, made.file.symbol_at(symbol) + 16, 12);
    const reading object(image);

    CHECK(object.fault.why == cause::bad_program);
    CHECK(object.fault.offset == made.file.symbol_at(symbol));
    CHECK(subject_of(image, object.fault) == (symbol == made.leaf_symbol ? "leaf" : "beside"));
  }
}

TEST_CASE("functions that lie over each other many times are refused before anybody pays for them",
          "[spec/code]") {
  hits_object made;
  made.relocations = {};
  for (int i = 0; i < 50; ++i) made.more_symbols.push_back({"", 0x02, hits_object::code_section, 0, 32});
  const file_image& image = made.build();
  const reading object(image);
  CHECK_FALSE(object.fault.failed());

  // More instructions than the whole file could hold.
  hits_object many;
  many.relocations = {};
  many.code = file_image(8000, 0);
  for (int i = 0; i < 100; ++i) many.more_symbols.push_back({"", 0x02, hits_object::code_section, 0, 8000});
  const file_image& many_image = many.build();
  CHECK(reading(many_image).fault.why == cause::bad_program);
}

TEST_CASE("an alias has the references of what it is another name for", "[spec/code]") {
  functions_object made;
  file_image& image = made.build();
  // hidden becomes a second name of first.
  const std::size_t symbol = made.file.symbol_at(made.hidden_symbol);
  put16(image, symbol + 6, made.events);
  put64(image, symbol + 8, 0);
  put64(image, symbol + 16, 40);
  put32(image, made.content_at(made.events) + 12, static_cast<std::uint32_t>(-1));  // calls leaf instead
  const reading object(image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.facts.programs == 4);
  CHECK(object.function(2).at == object.function(3).at);
  CHECK(object.function(2).reference_count == 2);
  CHECK(object.function(3).reference_count == 2);
  CHECK(object.function(2).type == made.first_type);
  CHECK(object.function(3).type == made.first_type);
  CHECK(is_handled_inside(object));
}

TEST_CASE("a reference may leave the offset of its map to the instruction", "[spec/code]") {
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

TEST_CASE("what the address of a symbol means is asked anew where an instruction adds to it", "[spec/code]") {
  const auto whole = hits_object::first_more_symbol;
  // Of the only map, whose symbol needs no offset, and of the section of all maps, whose symbol needs one.
  const auto read_with = [&](std::vector<object_builder::relocation> more) {
    hits_object made;
    made.maps_size = 64;
    made.map_offset = 32;
    made.more_symbols = {{"", 0x03, hits_object::maps_section, 0, 0}};
    made.code.clear();
    for (const int offset : {0, 0, 0, 32})
      for (const int byte : {0x18, 1, 0, 0, offset, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
        made.code.push_back(static_cast<unsigned char>(byte));
    for (const int byte : {0x95, 0, 0, 0, 0, 0, 0, 0}) made.code.push_back(static_cast<unsigned char>(byte));
    made.relocations = {{0, hits_object::map_symbol}, {16, hits_object::map_symbol}, {48, whole}};
    made.relocations.insert(made.relocations.end(), more.begin(), more.end());
    const file_image& image = made.build();
    const reading object(image);
    for (std::uint32_t i = 0; !object.fault.failed() && i < object.facts.references; ++i) {
      CHECK(object.reference(i).kind == reference_kind::map);
      CHECK(object.reference(i).target == 0);
      CHECK((i == 0 || object.reference(i).at > object.reference(i - 1).at));
    }
    return object.fault.why;
  };

  CHECK(read_with({}) == cause::none);
  CHECK(read_with({{32, hits_object::map_symbol}}) == cause::none);
  CHECK(read_with({{32, whole}}) == cause::bad_relocation);  // there is no map at 0
  CHECK(read_with({{24, hits_object::map_symbol}}) ==
        cause::bad_relocation);  // the second half of an instruction
  CHECK(read_with({{20, hits_object::map_symbol}}) == cause::bad_relocation);  // between two
  CHECK(read_with({{64, hits_object::map_symbol}}) ==
        cause::bad_relocation);  // not one that loads an address
}

TEST_CASE("a program keeps where its section names the place, and none where it names none", "[spec/code]") {
  struct {
    const char* section;
    const char* place;
  } const rows[] = {{"tp/group/event", "group/event"}, {"iter.s/task", "task"}, {"tp", ""}, {"xdp", ""}};
  for (const auto& row : rows) {
    CAPTURE(row.section);
    hits_object made;
    made.program_section = row.section;
    const file_image& image = made.build();
    const reading object(image);
    REQUIRE_FALSE(object.fault.failed());
    REQUIRE(object.facts.programs == 1);
    const auto place = object.program(0).place;
    CHECK((place == 0 ? std::string() : object.name_at(place)) == row.place);
  }
}

TEST_CASE("a question mark in front of its section makes a program optional", "[spec/code]") {
  for (const char* section : {"?tp/group/event", "?nothing/that/is/known"}) {
    hits_object made;
    made.program_section = section;
    const file_image& image = made.build();
    const reading object(image);
    REQUIRE_FALSE(object.fault.failed());
    REQUIRE(object.facts.programs == 1);
    CHECK(object.program(0).is_optional);
    CHECK(object.function(0).is_program);
  }
  hits_object made;
  made.program_section = "?tp/group/event";
  const file_image& image = made.build();
  const reading object(image);
  CHECK(object.program(0).kind.type == barebpf::abi::prog_type::tracepoint);
  CHECK(object.name_at(object.program(0).place) == "group/event");
  CHECK(object.name_at(object.program(0).section_name) == "?tp/group/event");
}

TEST_CASE("a program lacks what its section does not say", "[spec/code]") {
  struct {
    const char* section;
    cause lacks;
  } const rows[] = {{"fentry", cause::no_kernel_place},         {"tp_btf/", cause::no_kernel_place},
                    {"iter", cause::no_kernel_place},           {"lsm", cause::no_kernel_place},
                    {"fentry/vfs_read", cause::none},           {"kprobe", cause::none},
                    {"tracepoynt/a/b", cause::unknown_section}, {"filter", cause::unknown_section}};
  for (const auto& row : rows) {
    CAPTURE(row.section);
    hits_object made;
    made.program_section = row.section;
    const file_image& image = made.build();
    const reading object(image);
    REQUIRE_FALSE(object.fault.failed());
    CHECK(object.program(0).lacks() == row.lacks);
  }
}

namespace {

// Symbols as clang 7 and older wrote them: neither type nor size.
struct object_of_old_compiler {
  object_builder elf;
  std::uint32_t code = 0, subprograms = 0;

  object_of_old_compiler() {
    bpf_code two;
    two.move(0, 1).exit().move(0, 2).exit();
    code = elf.add(object_builder::section{.name = "xdp", .type = 1, .flags = 6, .content = two});
    bpf_code one;
    one.move(0, 3).exit();
    subprograms = elf.add(object_builder::section{.name = ".text", .type = 1, .flags = 6, .content = one});
  }
  void add_symbol(const char* called, unsigned char info, std::uint32_t section, std::uint64_t value,
                  std::uint64_t size = 0) {
    elf.add(object_builder::symbol{.name = called,
                                   .info = info,
                                   .section = static_cast<std::uint16_t>(section),
                                   .value = value,
                                   .size = size});
  }
};

}  // namespace

TEST_CASE("a symbol without a type in a section of code is a function up to the next one", "[spec/code]") {
  object_of_old_compiler made;
  made.add_symbol("LBB0_2", 0x00, made.code, 8);
  made.add_symbol(".Ltmp1", 0x00, made.code, 8);
  made.add_symbol("second", 0x10, made.code, 16);
  made.add_symbol("first", 0x20, made.code, 0);
  made.add_symbol("Lookup", 0x00, made.subprograms, 0);  // begins as labels do
  const file_image image = made.elf.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  REQUIRE(object.facts.functions == 3);
  CHECK(object.name_at(object.function(0).name) == "first");
  CHECK(object.function(0).instruction_count == 2);
  CHECK(object.name_at(object.function(1).name) == "second");
  CHECK(object.function(1).instruction_count == 2);
  CHECK(object.name_at(object.function(2).name) == "Lookup");
  CHECK_FALSE(object.function(2).is_program);
  CHECK(object.facts.programs == 2);
  CHECK(object.kept_inside());
}

TEST_CASE("a symbol without a type inside a function is a label of it", "[spec/code]") {
  object_of_old_compiler made;
  made.add_symbol("same", 0x10, made.code, 0);
  made.add_symbol("whole", 0x12, made.code, 0, 32);
  made.add_symbol("inside", 0x10, made.code, 16);
  made.add_symbol("helper", 0x12, made.subprograms, 0, 16);
  const file_image image = made.elf.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  REQUIRE(object.facts.functions == 2);
  CHECK(object.name_at(object.function(0).name) == "whole");
  CHECK(object.function(0).instruction_count == 4);
  CHECK(object.facts.programs == 1);
  CHECK(object.function_of(0).name == object.function(0).name);
}

TEST_CASE("a symbol without a type at the end of its section is no program", "[spec/code]") {
  object_of_old_compiler made;
  made.add_symbol("behind", 0x10, made.code, 32);
  const file_image image = made.elf.build();
  const reading object(image);

  CHECK(object.fault.why == cause::bad_program);
  CHECK(subject_of(image, object.fault) == "behind");
}

TEST_CASE("a static function in a program section is a function and no program", "[spec/code]") {
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

TEST_CASE("functions in .text are no programs, but for one that is alone", "[spec/code]") {
  hits_object made;
  made.program_section = ".text";
  const file_image& image = made.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  REQUIRE(object.facts.functions == 1);
  REQUIRE(object.facts.programs == 1);
  CHECK(object.program(0).lacks() == cause::unknown_section);

  object_of_old_compiler two;
  two.add_symbol("first", 0x12, two.subprograms, 0, 8);
  two.add_symbol("second", 0x12, two.subprograms, 8, 8);
  const file_image of_two = two.elf.build();
  const reading library(of_two);
  REQUIRE_FALSE(library.fault.failed());
  CHECK(library.facts.functions == 2);
  CHECK(library.facts.programs == 0);
}

TEST_CASE("a program that is not whole instructions inside its section is refused", "[spec/code]") {
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

TEST_CASE("a relocation that points at no load of an address is refused", "[spec/code]") {
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

TEST_CASE("a load whose second half lies behind the program is refused", "[spec/code]") {
  hits_object made;
  made.code[24] = 0x18;
  made.relocations = {{24, hits_object::map_symbol}};
  const file_image& image = made.build();

  CHECK(reading(image).fault.why == cause::bad_relocation);
}

TEST_CASE("a reference to a place in .maps where no map begins is refused", "[spec/code]") {
  for (const std::uint32_t place : {4u, 8u, 32u, 64u}) {
    CAPTURE(place);
    hits_object made;
    put32(made.code, 4, place);
    const file_image& image = made.build();

    CHECK(reading(image).fault.why == cause::bad_relocation);
  }
}

TEST_CASE("a symbol that the object does not define is refused by name", "[spec/code]") {
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

TEST_CASE("a relocation that names no symbol at all is refused", "[spec/code]") {
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

TEST_CASE("a reference to what is neither map, variable nor function is refused by name", "[spec/code]") {
  hits_object made;
  made.relocations = {{0, hits_object::license_symbol}};
  const file_image& image = made.build();
  const reading object(image);

  CHECK(object.fault.why == cause::relocation_not_loaded_yet);
  CHECK(object.fault.section == hits_object::code_section);
  CHECK(object.fault.offset == 64);
  CHECK(subject_of(image, object.fault) == "_license");
}

TEST_CASE("a relocation outside every program is nobody's", "[spec/code]") {
  hits_object made;
  made.relocations = {{0, hits_object::map_symbol}, {~std::uint64_t{0}, hits_object::license_symbol}};
  const file_image& image = made.build();
  const reading object(image);

  REQUIRE_FALSE(object.fault.failed());
  CHECK(object.facts.references == 1);
  CHECK(object.function(0).reference_count == 1);
}

TEST_CASE("two functions over the same instructions never make read leave its storage", "[spec/code]") {
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

TEST_CASE("no single damaged byte of an object of functions makes anything leave its storage",
          "[spec/code]") {
  functions_object made;
  file_image damaged = made.build();
  std::size_t refused = 0, astray = 0;

  for (std::size_t at = 0; at < damaged.size(); ++at) {
    const unsigned char before = damaged[at];
    for (const int after : {0x00, 0xff, before ^ 0x01, before ^ 0x08, before ^ 0x80}) {
      damaged[at] = static_cast<unsigned char>(after);
      const reading object(damaged);
      refused += object.fault.failed();
      astray += !is_handled_inside(object);
    }
    damaged[at] = before;
  }

  CHECK(astray == 0);
  CHECK(refused > 1000);
}

TEST_CASE("an object of functions, cut anywhere, is an error with a cause", "[spec/code]") {
  functions_object made;
  const file_image whole = made.build();

  for (std::size_t size = 0; size < whole.size(); ++size) {
    const file_image cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(reading(cut).fault.failed());
  }
}

TEST_CASE("slots hold what values says, in whatever order it all stands", "[spec/code]") {
  slots_object made;
  made.build();
  const reading object(made.image);
  REQUIRE_FALSE(object.fault.failed());

  REQUIRE(object.facts.filled_slots == 3);
  CHECK(object.map(0).first_slot == 0);
  CHECK(object.map(0).slot_count == 2);
  CHECK(object.map(1).first_slot == 2);
  CHECK(object.map(1).slot_count == 1);
  CHECK(object.map(2).slot_count == 0);
  CHECK(object.slot(0).at == made.map_byte_at(24));
  CHECK(object.slot(0).slot == 0);
  CHECK(object.slot(0).target == object.find_map("page"));
  CHECK(object.slot(1).slot == 2);
  CHECK(object.slot(1).target == object.find_map("other"));
  CHECK(object.slot(2).slot == 1);
  CHECK(object.name_at(object.program(object.slot(2).target).name) == "first");
  CHECK(object.kept_inside());
}

TEST_CASE("what fills a slot may be told by its section, with the rest of the way in the slot",
          "[spec/code]") {
  slots_object made;
  made.fills = {{slots_object::ways_at + 24, slots_object::code_symbol},
                {slots_object::ways_at + 32, slots_object::code_symbol},
                {slots_object::pages_at + 24, slots_object::maps_symbol}};
  put64(made.maps_content, slots_object::ways_at + 24, 16);
  put64(made.maps_content, slots_object::pages_at + 24, slots_object::other_at);
  made.build();
  const reading object(made.image);
  REQUIRE_FALSE(object.fault.failed());

  CHECK(object.slot(0).target == object.find_map("other"));
  CHECK(object.name_at(object.program(object.slot(1).target).name) == "first");
  CHECK(object.name_at(object.program(object.slot(2).target).name) == "second");
}

TEST_CASE("what cannot fill a slot is refused by the map's name and the slot's place", "[spec/code]") {
  const auto fault_of = [](std::uint64_t offset, std::uint32_t symbol, auto change) {
    slots_object made;
    made.fills = {{offset, symbol}};
    change(made);
    made.build();
    const reading object(made.image);
    CHECK(object.fault.section == slots_object::maps_section);
    CHECK(object.fault.offset == made.map_byte_at(static_cast<std::size_t>(offset)));
    return object.fault.why;
  };
  const auto as_it_is = [](slots_object&) {};
  constexpr std::uint64_t page = slots_object::pages_at + 24, way = slots_object::ways_at + 24;

  CHECK(fault_of(page, slots_object::first_symbol, as_it_is) == cause::slot_is_no_map);
  CHECK(fault_of(page, slots_object::license_symbol, as_it_is) == cause::slot_is_no_map);
  CHECK(fault_of(page, slots_object::page_symbol, [](slots_object& o) { put64(o.maps_content, 24, 8); }) ==
        cause::slot_is_no_map);
  CHECK(fault_of(page, slots_object::page_symbol, [](slots_object& o) { put64(o.maps_content, 24, 4); }) ==
        cause::slot_is_no_map);
  CHECK(fault_of(page, slots_object::page_symbol,
                 [](slots_object& o) { put64(o.maps_content, 24, ~0ull); }) == cause::slot_is_no_map);
  CHECK(fault_of(page, slots_object::pages_symbol, as_it_is) == cause::maps_too_deep);
  CHECK(fault_of(way, slots_object::page_symbol, as_it_is) == cause::slot_is_no_program);
  CHECK(fault_of(way, slots_object::static_symbol, as_it_is) == cause::slot_is_no_program);
  CHECK(fault_of(way, slots_object::first_symbol, [](slots_object& o) {
          put64(o.maps_content, slots_object::ways_at + 24, 8);
        }) == cause::slot_is_no_program);
  CHECK(fault_of(way, slots_object::undefined_symbol, as_it_is) == cause::undefined_symbol);
  CHECK(fault_of(way, 99, as_it_is) == cause::bad_symbol);
  CHECK(fault_of(page, slots_object::page_symbol, [](slots_object& o) {
          o.pages[0].type = o.number(13);
          o.pages[1].type = o.number(8);
        }) == cause::slots_need_numbers);
  CHECK(fault_of(page + 16, slots_object::page_symbol,
                 [](slots_object& o) { o.pages[2].type = o.number(2); }) == cause::no_such_slot);
}

TEST_CASE("a hash of maps and an array whose size is not said yet take any slot", "[spec/code]") {
  for (const bool is_hash : {true, false}) {
    slots_object made;
    made.pages[2].type = made.number(is_hash ? 1 : 0);
    if (is_hash) made.pages[0].type = made.number(13);
    made.build();
    const reading object(made.image);

    REQUIRE_FALSE(object.fault.failed());
    CHECK(object.map(0).slot_count == 2);
    CHECK(object.map(0).max_entries == (is_hash ? 1 : 0));
  }
}

TEST_CASE("a relocation of .maps that fills no slot, or one twice, is refused", "[spec/code]") {
  constexpr std::uint64_t first = slots_object::pages_at + 24;
  for (const std::uint64_t offset : {std::uint64_t{slots_object::pages_at}, first - 8, first + 4,
                                     std::uint64_t{slots_object::page_at}, std::uint64_t{148}}) {
    CAPTURE(offset);
    slots_object made;
    made.fills = {{offset, slots_object::page_symbol}};
    made.build();
    const reading object(made.image);

    CHECK(object.fault.why == cause::bad_slot);
    CHECK(object.fault.offset == made.map_byte_at(static_cast<std::size_t>(offset)));
  }
  for (const std::uint64_t offset : {std::uint64_t{slots_object::maps_size}, ~std::uint64_t{7}}) {
    slots_object made;
    made.fills = {{first, slots_object::page_symbol}, {offset, slots_object::page_symbol}};
    made.build();
    const reading object(made.image);

    CHECK(object.fault.why == cause::bad_slot);
    CHECK(object.fault.section == made.fill_relocations);
    CHECK(object.fault.offset == made.file.content_at(made.fill_relocations) + 16);
  }
  slots_object twice;
  twice.fills = {{first, slots_object::page_symbol}, {first, slots_object::other_symbol}};
  twice.build();
  CHECK(reading(twice.image).fault.why == cause::bad_slot);
  CHECK(reading(twice.image).fault.offset == twice.map_byte_at(24));
}
