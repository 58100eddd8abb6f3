// SPDX-License-Identifier: MIT
#include "../support/catch.hpp"
#include "../support/library.hpp"
#include "../support/object_builder.hpp"
#include "../support/reading.hpp"

namespace {

using barebpf::cause;
using barebpf::map_naming;
using barebpf::reference_kind;

// Tables of functions without a file around them. Each function is a section of its own.
struct hand_made {
  struct needs {
    std::uint32_t instruction;
    reference_kind kind;
    std::uint32_t target;
    std::uint32_t offset = 0;
  };

  file_image image{};
  std::vector<barebpf::function_spec> functions{};
  std::vector<barebpf::reference> references{};
  barebpf::btf types{};
  std::uint32_t line_size = 16;

  // A .BTF of nothing but these strings stands first: "x.c" at 1, "return;" at 5, "odd." at 13 and "even.c" at 18.
  hand_made() {
    btf_builder strings;
    strings.name("x.c");
    strings.name("return;");
    strings.name("odd.");
    strings.name("even.c");
    image = strings.content();
    strings_end = image.size();
    image.resize((image.size() + 7) / 8 * 8);
  }
  std::size_t strings_end;

  std::uint32_t add(const file_image& content, const std::vector<needs>& list = {}) {
    const std::uint64_t at = image.size();
    functions.push_back({.name = at,
                         .at = at,
                         .instruction_count = static_cast<std::uint32_t>(content.size() / 8),
                         .section = 7,
                         .section_at = at,
                         .first_reference = static_cast<std::uint32_t>(references.size()),
                         .reference_count = static_cast<std::uint32_t>(list.size()),
                         .type = static_cast<std::uint32_t>(100 + functions.size())});
    for (const needs& one : list)
      references.push_back(
          {.at = at + one.instruction * 8, .kind = one.kind, .target = one.target, .offset = one.offset});
    image.insert(image.end(), content.begin(), content.end());
    return static_cast<std::uint32_t>(functions.size() - 1);
  }
  // Source lines for a function: instruction, file, text, line.
  void add_lines(std::uint32_t function, const std::vector<std::vector<std::uint32_t>>& lines) {
    functions[function].lines = {.first = image.size(), .count = static_cast<std::uint32_t>(lines.size())};
    for (const auto& line : lines)
      for (const std::uint32_t word : line) append32(image, word);
    image.resize((image.size() + 7) / 8 * 8);
  }
  // Good until something is added.
  barebpf::object_tables tables() {
    REQUIRE_FALSE(barebpf::btf::open(window(image), 0, strings_end, types).failed());
    return {.image = window(image),
            .types = types,
            .functions = functions.data(),
            .references = references.data(),
            .function_count = static_cast<std::uint32_t>(functions.size()),
            .reference_count = static_cast<std::uint32_t>(references.size()),
            .line_size = line_size};
  }
  assembled_program make(std::uint32_t entry, map_naming naming = map_naming::by_descriptor) {
    return assembled_program(tables(), entry, naming);
  }
  void is_refused(std::uint32_t entry, cause why, std::uint32_t function, std::uint32_t instruction,
                  std::uint32_t subject) {
    const assembled_program made = make(entry);
    CHECK(made.fault.why == why);
    CHECK(made.fault.section == 7);
    CHECK(made.fault.offset == functions[function].at + instruction * 8);
    CHECK(made.fault.subject == functions[subject].name);
  }
};

// Which functions a program is made of, and where each begins.
std::vector<std::pair<std::uint32_t, std::uint32_t>> pieces_of(const barebpf::program_layout& layout) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
  for (std::uint32_t i = 0; i < layout.piece_count; ++i)
    out.emplace_back(layout.pieces[i].function, layout.pieces[i].position);
  return out;
}
using pieces = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

constexpr auto call = reference_kind::call;

// Types that were kept: ids and offsets that tell what they were made of.
struct renamed {
  std::uint32_t new_id(std::uint32_t id) const { return id + 1000; }
};

std::vector<std::vector<std::uint32_t>> lines_of(hand_made& made, std::uint32_t entry) {
  const barebpf::object_tables tables = made.tables();
  barebpf::program_layout layout;
  REQUIRE_FALSE(lay_out(tables, entry, layout).failed());
  guarded<std::uint32_t> storage(barebpf::source_lines::storage_size(tables));
  barebpf::source_line_finder finder(tables, storage.data());
  finder.find();
  const std::uint32_t count = finder.count(layout);
  guarded<std::uint64_t> words(count * 2);
  if (count != 0) finder.write(layout, words.data());
  const auto lines = records_in<barebpf::abi::line_info>(words.data(), count);
  guarded<std::uint32_t> texts(finder.texts_size() / 4);
  finder.write_texts(texts.data());
  CHECK((storage.is_untouched() && words.is_untouched() && texts.is_untouched()));
  const auto old_offset = [&](std::uint32_t offset) -> std::uint32_t {
    const std::string text(reinterpret_cast<const char*>(texts.data()) + offset);
    return text == "x.c" ? 1 : text == "return;" ? 5 : text == "even.c" ? 18 : text.empty() ? 0 : 99;
  };
  std::vector<std::vector<std::uint32_t>> out;
  for (const barebpf::abi::line_info& line : lines)
    out.push_back({line.insn_off, old_offset(line.file_name_off), old_offset(line.line_off), line.line_col});
  return out;
}
using line_list = std::vector<std::vector<std::uint32_t>>;

}  // namespace

TEST_CASE("a program that calls nobody is its own instructions", "[spec/assembly]") {
  hand_made made;
  const file_image content =
      bpf_code().move(0, 5).call_helper(14).load(3, 0x12345678, -1).add(0x85, 0, 2, 77).exit();
  const auto entry = made.add(content);
  const assembled_program program = made.make(entry);
  REQUIRE_FALSE(program.fault.failed());

  CHECK(pieces_of(program.layout) == pieces{{0, 0}});
  CHECK(program.layout.instruction_count == 6);
  CHECK(program.layout.map_references == 0);
  CHECK(program.layout.has_types);
  CHECK(program.bytes() == content);
  CHECK(program.kept_inside());
}

TEST_CASE("functions follow in the order in which they are named, each with those that it names itself",
          "[spec/assembly]") {
  hand_made made;
  // main calls a and b; a calls c; b calls c and a. Nobody calls alone.
  const auto main = made.add(bpf_code().call(-1).call(-1).exit(), {{0, call, 1}, {1, call, 3}});
  const auto a = made.add(bpf_code().move(1, 1).call(-1).exit(), {{1, call, 4}});
  const auto alone = made.add(bpf_code().exit());
  const auto b = made.add(bpf_code().call(-1).call(-1).exit(), {{0, call, 4}, {1, call, 1}});
  const auto c = made.add(bpf_code().move(0, 9).exit());
  const assembled_program program = made.make(main);
  REQUIRE_FALSE(program.fault.failed());

  CHECK(pieces_of(program.layout) == pieces{{main, 0}, {a, 3}, {c, 6}, {b, 8}});
  CHECK(program.layout.instruction_count == 11);
  CHECK(program.layout.position_of(b) == 8);
  CHECK(program.layout.position_of(alone) == barebpf::not_found);
  CHECK(program.bytes() == bpf_code()
                               .call(3 - 1)
                               .call(8 - 2)
                               .exit()
                               .move(1, 1)
                               .call(6 - 5)
                               .exit()
                               .move(0, 9)
                               .exit()
                               .call(6 - 9)
                               .call(3 - 10)
                               .exit()
                               .content);
  CHECK(program.kept_inside());
}

TEST_CASE("each program has its own copy of what it shares with others", "[spec/assembly]") {
  hand_made made;
  const auto shared = made.add(bpf_code().move(0, 1).exit());
  const auto first = made.add(bpf_code().call(-1).exit(), {{0, call, shared}});
  const auto second =
      made.add(bpf_code().move(1, 1).call(-1).call(-1).exit(), {{1, call, shared}, {2, call, shared}});

  CHECK(made.make(first).bytes() == bpf_code().call(1).exit().move(0, 1).exit().content);
  CHECK(made.make(second).bytes() == bpf_code().move(1, 1).call(2).call(1).exit().move(0, 1).exit().content);
}

TEST_CASE("functions that call themselves and each other end", "[spec/assembly]") {
  hand_made made;
  const auto first = made.add(bpf_code().call(-1).call(-1).exit(), {{0, call, 0}, {1, call, 1}});
  const auto second = made.add(bpf_code().call(-1).call(-1).exit(), {{0, call, 1}, {1, call, 0}});
  const assembled_program program = made.make(first);
  REQUIRE_FALSE(program.fault.failed());

  CHECK(pieces_of(program.layout) == pieces{{first, 0}, {second, 3}});
  CHECK(program.bytes() == bpf_code().call(-1).call(1).exit().call(-1).call(-5).exit().content);
}

TEST_CASE("calls inside a section need no relocation", "[spec/assembly]") {
  hand_made made;
  const auto leaf = made.add(bpf_code().move(0, 1).exit());
  const auto main = made.add(bpf_code().call(3).call(-4).call(1).exit());
  const auto behind = made.add(bpf_code().move(0, 2).exit());
  const assembled_program program = made.make(main);
  REQUIRE_FALSE(program.fault.failed());

  CHECK(pieces_of(program.layout) == pieces{{main, 0}, {behind, 4}, {leaf, 6}});
  CHECK(program.bytes() ==
        bpf_code().call(3).call(4).call(1).exit().move(0, 2).exit().move(0, 1).exit().content);
}

TEST_CASE("the address of a function is where it begins, counted from the next instruction",
          "[spec/assembly]") {
  hand_made made;
  const auto callback = made.add(bpf_code().move(0, 0).exit());
  const auto main = made.add(bpf_code().load(2, 48, 99).load(3, 0).exit(),
                             {{0, reference_kind::function, callback}, {2, reference_kind::function, 1}});
  for (const map_naming naming : {map_naming::by_descriptor, map_naming::by_index}) {
    const assembled_program program = made.make(main, naming);
    REQUIRE_FALSE(program.fault.failed());

    CHECK(pieces_of(program.layout) == pieces{{main, 0}, {callback, 5}});
    CHECK(program.layout.map_references == 0);
    CHECK(program.bytes() == bpf_code()
                                 .add(0x18, 2, 4, 5 - 0 - 1)
                                 .add(0, 0, 0, 0)
                                 .add(0x18, 3, 4, 0 - 2 - 1)
                                 .add(0, 0, 0, 0)
                                 .exit()
                                 .move(0, 0)
                                 .exit()
                                 .content);
  }
}

TEST_CASE("maps are named by descriptor or by index, and the second half says where in the value",
          "[spec/assembly]") {
  hand_made made;
  const auto helper = made.add(bpf_code().load(1, 5, 6).exit(), {{0, reference_kind::map, 3}});
  const auto main =
      made.add(bpf_code().move(0, 0).load(4, 77, 88).load(2, 8).call(-1).exit(),
               {{1, reference_kind::map, 2}, {3, reference_kind::value, 1, 0x80000010}, {5, call, helper}});
  struct {
    map_naming naming;
    unsigned map, value;
  } const ways[] = {{map_naming::by_descriptor, 1, 2}, {map_naming::by_index, 5, 6}};
  for (const auto& way : ways) {
    const assembled_program program = made.make(main, way.naming);
    REQUIRE_FALSE(program.fault.failed());

    CHECK(program.bytes() == bpf_code()
                                 .move(0, 0)
                                 .add(0x18, 4, way.map, 2)
                                 .add(0, 0, 0, 0)
                                 .add(0x18, 2, way.value, 1)
                                 .add(0, 0, 0, static_cast<std::int32_t>(0x80000010))
                                 .call(1)
                                 .exit()
                                 .add(0x18, 1, way.map, 3)
                                 .add(0, 0, 0, 0)
                                 .exit()
                                 .content);
    REQUIRE(program.layout.map_references == 3);
    const auto& maps = *program.maps;
    CHECK((maps[0].instruction == 1 && maps[0].map == 2));
    CHECK((maps[1].instruction == 3 && maps[1].map == 1));
    CHECK((maps[2].instruction == 7 && maps[2].map == 3));
    CHECK(program.kept_inside());
  }
}

TEST_CASE("the second half of a load is no instruction, whatever it looks like", "[spec/assembly]") {
  hand_made made;
  const file_image content = bpf_code().add(0x18, 1, 0, 1).call(500).load(0, 2).exit();
  const auto entry = made.add(content);
  const assembled_program program = made.make(entry);

  REQUIRE_FALSE(program.fault.failed());
  CHECK(program.bytes() == content);
}

TEST_CASE("a load whose second half is missing stays inside", "[spec/assembly]") {
  hand_made made;
  const file_image content = bpf_code().exit().add(0x18, 1, 0, 1);
  const auto entry = made.add(content);
  const assembled_program program = made.make(entry);

  REQUIRE_FALSE(program.fault.failed());
  CHECK(program.bytes() == content);
  CHECK(program.kept_inside());
}

TEST_CASE("a map whose load a function cuts in two is refused and not written behind the program",
          "[spec/assembly]") {
  for (const reference_kind kind : {reference_kind::map, reference_kind::value, reference_kind::function}) {
    hand_made made;
    const auto entry = made.add(bpf_code().exit().add(0x18, 1, 0, 0), {{1, kind, 0}});

    made.is_refused(entry, cause::bad_relocation, entry, 1, entry);
  }
}

TEST_CASE("a relocation whose meaning nobody found is refused where it stands", "[spec/assembly]") {
  hand_made made;
  const auto entry = made.add(bpf_code().call(-1).exit(), {{0, call, 1}});
  const auto called = made.add(bpf_code().move(0, 0).load(1, 0).exit(), {{1, reference_kind::nothing, 0}});

  made.is_refused(entry, cause::bad_relocation, called, 1, called);
}

TEST_CASE("a call that leads to no function is refused where it stands", "[spec/assembly]") {
  for (const std::int32_t immediate : {0, 2, 1000, -1, -0x7fffffff - 1, 0x7fffffff}) {
    CAPTURE(immediate);
    hand_made made;
    const auto entry = made.add(bpf_code().call(-1).exit(), {{0, call, 1}});
    const auto called = made.add(bpf_code().move(0, 1).call(immediate).exit());

    made.is_refused(entry, cause::bad_call, called, 1, called);
  }
}

TEST_CASE("a program has at most 256 functions", "[spec/assembly]") {
  CHECK(barebpf::program_layout::most_functions == 256);
  for (const std::uint32_t count : {256u, 257u}) {
    CAPTURE(count);
    hand_made made;
    // Each calls the next, so that the deepest chain is walked too.
    for (std::uint32_t i = 0; i < count; ++i)
      if (i + 1 < count)
        made.add(bpf_code().call(-1).exit(), {{0, call, i + 1}});
      else
        made.add(bpf_code().exit());

    if (count == 257) {
      made.is_refused(0, cause::too_many_functions, 255, 0, 0);
      continue;
    }
    const assembled_program program = made.make(0);
    REQUIRE_FALSE(program.fault.failed());
    CHECK(program.layout.piece_count == 256);
    CHECK(program.layout.instruction_count == 511);
    CHECK(program.kept_inside());
  }
}

TEST_CASE("a program whose functions are not all known to BTF has no types", "[spec/assembly]") {
  hand_made made;
  const auto main = made.add(bpf_code().call(-1).exit(), {{0, call, 1}});
  const auto called = made.add(bpf_code().exit());
  CHECK(made.make(main).layout.has_types);

  made.functions[called].type = 0;
  CHECK_FALSE(made.make(main).layout.has_types);
  made.functions[called].type = 1;
  made.functions[main].type = 0;
  CHECK_FALSE(made.make(main).layout.has_types);
  CHECK(made.make(called).layout.has_types);
}

TEST_CASE("each function is said to begin where it was laid, with its new type", "[spec/assembly]") {
  hand_made made;
  const auto leaf = made.add(bpf_code().exit());
  const auto main = made.add(bpf_code().call(-1).call(-1).exit(), {{0, call, 2}, {1, call, leaf}});
  made.add(bpf_code().move(0, 0).exit());
  const barebpf::object_tables tables = made.tables();
  barebpf::program_layout layout;
  REQUIRE_FALSE(lay_out(tables, main, layout).failed());
  guarded<barebpf::abi::func_info> infos(layout.piece_count);

  write_functions(tables, layout, renamed(), infos.data());

  REQUIRE(infos.size() == 3);
  CHECK((infos[0].insn_off == 0 && infos[0].type_id == 1101));
  CHECK((infos[1].insn_off == 3 && infos[1].type_id == 1102));
  CHECK((infos[2].insn_off == 5 && infos[2].type_id == 1100));
  CHECK(infos.is_untouched());
}

TEST_CASE("source lines follow their functions, with the same texts", "[spec/assembly]") {
  hand_made made;
  const auto leaf = made.add(bpf_code().move(0, 1).exit());
  const auto main = made.add(bpf_code().move(1, 1).call(-1).exit(), {{1, call, leaf}});
  made.add_lines(leaf, {{0, 1, 5, 10 << 10 | 3}, {8, 1, 5, 11 << 10}});
  made.add_lines(main, {{0, 1, 0, 20 << 10}, {16, 0, 5, 22 << 10 | 7}});

  CHECK(
      lines_of(made, main) ==
      line_list{{0, 1, 0, 20 << 10}, {2, 0, 5, 22 << 10 | 7}, {3, 1, 5, 10 << 10 | 3}, {4, 1, 5, 11 << 10}});
  CHECK(lines_of(made, leaf) == line_list{{0, 1, 5, 10 << 10 | 3}, {1, 1, 5, 11 << 10}});
}

TEST_CASE("of a section's lines a function has those of its instructions", "[spec/assembly]") {
  hand_made made;
  const auto first = made.add(bpf_code().move(0, 1).exit());
  const auto second = made.add(bpf_code().move(0, 2).move(0, 3).exit());
  const auto third = made.add(bpf_code().exit());
  made.add_lines(first,
                 {{0, 1, 5, 1}, {8, 1, 5, 2}, {16, 18, 5, 3}, {32, 18, 18, 4}, {40, 1, 5, 5}, {48, 1, 5, 6}});
  for (const std::uint32_t function : {second, third}) {
    made.functions[function].section_at = made.functions[first].at;
    made.functions[function].lines = made.functions[first].lines;
  }

  CHECK(lines_of(made, first) == line_list{{0, 1, 5, 1}, {1, 1, 5, 2}});
  CHECK(lines_of(made, second) == line_list{{0, 18, 5, 3}, {2, 18, 18, 4}});
  CHECK(lines_of(made, third) == line_list{{0, 1, 5, 5}});
}

TEST_CASE("records of lines may be longer than those that are known", "[spec/assembly]") {
  hand_made made;
  made.line_size = 20;
  const auto entry = made.add(bpf_code().move(0, 1).exit());
  made.add_lines(entry, {{0, 1, 5, 1, 77}, {8, 1, 5, 2, 77}});

  CHECK(lines_of(made, entry) == line_list{{0, 1, 5, 1}, {1, 1, 5, 2}});
}

TEST_CASE("a function whose lines the kernel would refuse has none", "[spec/assembly]") {
  const auto lines_for = [](const line_list& lines) {
    hand_made made;
    const auto entry = made.add(bpf_code().move(0, 1).move(0, 2).move(0, 3).exit());
    made.add_lines(entry, lines);
    return lines_of(made, entry).size();
  };
  const std::uint32_t strings = 25;  // bytes of them

  CHECK(lines_for({{0, 1, 5, 1}, {8, 1, 5, 2}, {16, 1, 12, 3}}) == 3);
  CHECK(lines_for({}) == 0);
  CHECK(lines_for({{8, 1, 5, 1}}) == 0);                               // none for the first instruction
  CHECK(lines_for({{0, 1, 5, 1}, {0, 1, 5, 2}}) == 0);                 // two for one
  CHECK(lines_for({{0, 1, 5, 1}, {16, 1, 5, 2}, {8, 1, 5, 3}}) == 0);  // out of order
  CHECK(lines_for({{16, 1, 5, 1}, {8, 1, 5, 2}, {0, 1, 5, 3}}) == 0);  // backwards
  CHECK(lines_for({{0, 1, 5, 1}, {12, 1, 5, 2}}) == 0);                // between two instructions
  CHECK(lines_for({{0, strings, 5, 1}}) == 0);                         // a file name outside the strings
  CHECK(lines_for({{0, 1, strings, 1}}) == 0);                         // a text outside
  CHECK(lines_for({{0, 1, 5, 1}, {8, 0xffffffff, 5, 2}}) == 0);
  CHECK(lines_for({{0, 1, 5, 1}, {8, 1, 0xffffffff, 2}}) == 0);
  CHECK(lines_for({{0, 1, 5, 1}, {32, 99, 99, 2}}) == 1);  // behind the function, so not its own
}

TEST_CASE("a program has lines for all of its functions or none", "[spec/assembly]") {
  hand_made made;
  const auto leaf = made.add(bpf_code().exit());
  const auto main = made.add(bpf_code().call(-1).exit(), {{0, call, leaf}});
  made.add_lines(main, {{0, 1, 5, 1}});

  CHECK(lines_of(made, main).empty());
  made.add_lines(leaf, {{0, 1, 5, 2}});
  CHECK(lines_of(made, main).size() == 2);
}
