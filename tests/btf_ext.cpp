// SPDX-License-Identifier: MIT
#include <linux/btf.h>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "support/reading.hpp"

namespace {

using barebpf::btf;
using barebpf::btf_ext;
using barebpf::btf_ext_run;
using barebpf::btf_ext_table;
using barebpf::cause;
using barebpf::elf;
using barebpf::verdict;

// An object of a .BTF and a .BTF.ext, opened.
struct opened_ext {
  file_image image;
  std::size_t at = 0;
  btf types;
  btf_ext ext;
  verdict fault;

  explicit opened_ext(const file_image& content, std::uint32_t section_type = 1) {
    btf_builder names;
    names.name("one");
    names.name("two");
    object_builder file;
    const auto btf_section =
        file.add(object_builder::section{.name = ".BTF", .type = 1, .content = names.content()});
    const auto section = file.add(object_builder::section{
        .name = ".BTF.ext", .type = section_type, .content = content, .zeros = content.size()});
    image = file.build();
    at = file.content_at(section);
    elf opened;
    REQUIRE_FALSE(elf::open(window(image), opened).failed());
    REQUIRE_FALSE(btf::open(opened, opened.section(btf_section), types).failed());
    fault = btf_ext::open(opened, opened.section(section), types, ext);
  }
  opened_ext(const opened_ext&) = delete;
  opened_ext& operator=(const opened_ext&) = delete;

  std::vector<btf_ext_run> runs_of(btf_ext_table table) const {
    std::vector<btf_ext_run> out;
    for (btf_ext_run run; table.next(types, run);) out.push_back(run);
    return out;
  }
  bool is_refused_at(std::size_t offset) const {
    return fault.why == cause::bad_btf_ext && fault.section == 2 && fault.offset == at + offset;
  }
};

// The strings of `opened_ext`.
constexpr std::uint32_t one = 1, two = 5;

// Two sections of functions, one of lines, none of CO-RE.
btf_ext_builder small() {
  btf_ext_builder out;
  out.functions.runs = {{one, {{0, 7}, {16, 8}}}, {two, {{8, 9}}}};
  out.lines.runs = {{two, {{0, 1, 5, 1024}, {8, 1, 5, 2048}, {16, 1, 5, 4096}}}};
  return out;
}
// Where the tables of `small` stand: behind 32 bytes of header, functions first, then lines.
constexpr std::size_t functions_at = 32, first_run_at = functions_at + 4, second_run_at = first_run_at + 24,
                      lines_at = second_run_at + 16, lines_run_at = lines_at + 4;

}  // namespace

TEST_CASE("the numbers of .BTF.ext are the system's and the kernel's", "[btf_ext]") {
  using header = barebpf::abi::btf_ext_header;

  CHECK(header::functions_offset == 8);
  CHECK(header::lines_offset == 16);
  CHECK(header::core_offset == 24);
  CHECK(sizeof(barebpf::abi::func_info) == 8);
  CHECK(sizeof(barebpf::abi::line_info) == 16);
  CHECK(sizeof(barebpf::abi::core_relo) == 16);
}

TEST_CASE("each table is a list of runs with their section and their records", "[btf_ext]") {
  const opened_ext opened(small().content());
  REQUIRE_FALSE(opened.fault.failed());

  CHECK(opened.ext.functions.record_size == 8);
  const auto infos = opened.runs_of(opened.ext.functions);
  REQUIRE(infos.size() == 2);
  CHECK(string_at(opened.types.image(), infos[0].section_name) == "one");
  CHECK(infos[0].count == 2);
  CHECK(infos[0].first == opened.at + first_run_at + 8);
  CHECK(string_at(opened.types.image(), infos[1].section_name) == "two");
  CHECK(infos[1].count == 1);
  CHECK(infos[1].first == opened.at + second_run_at + 8);
  CHECK(opened.types.image().read32(infos[1].first + 4) == 9);
  CHECK(opened.ext.lines.record_size == 16);
  const auto lines = opened.runs_of(opened.ext.lines);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].count == 3);
  CHECK(lines[0].first == opened.at + lines_run_at + 8);
  CHECK(opened.runs_of(opened.ext.core).empty());
  CHECK(opened.ext.core.record_size == 0);
}

TEST_CASE("the header of an older compiler tells of two tables", "[btf_ext]") {
  file_image content = small().content();
  content.erase(content.begin() + 24, content.begin() + 32);
  put32(content, 4, 24);
  const opened_ext opened(content);

  REQUIRE_FALSE(opened.fault.failed());
  CHECK(opened.runs_of(opened.ext.functions).size() == 2);
  CHECK(opened.runs_of(opened.ext.lines).size() == 1);
  CHECK(opened.runs_of(opened.ext.core).empty());
}

TEST_CASE("a newer header is as long as it says", "[btf_ext]") {
  file_image content = small().content();
  content.insert(content.begin() + 32, 16, 0xee);
  put32(content, 4, 48);
  const opened_ext opened(content);

  REQUIRE_FALSE(opened.fault.failed());
  CHECK(opened.runs_of(opened.ext.lines).size() == 1);
}

TEST_CASE("records may be longer than those that are known", "[btf_ext]") {
  btf_ext_builder made;
  made.functions = {12, {{one, {{0, 7, 99}, {16, 8, 99}}}, {two, {{8, 9, 99}}}}};
  const opened_ext opened(made.content());

  REQUIRE_FALSE(opened.fault.failed());
  CHECK(opened.ext.functions.record_size == 12);
  const auto runs = opened.runs_of(opened.ext.functions);
  REQUIRE(runs.size() == 2);
  CHECK(opened.types.image().read32(runs[1].first + 4) == 9);
}

TEST_CASE("a .BTF.ext of nothing has three empty tables", "[btf_ext]") {
  const opened_ext opened(btf_ext_builder().content());

  REQUIRE_FALSE(opened.fault.failed());
  for (const btf_ext_table& table : {opened.ext.functions, opened.ext.lines, opened.ext.core})
    CHECK(opened.runs_of(table).empty());
}

TEST_CASE("a .BTF.ext whose header does not fit is refused at its start", "[btf_ext]") {
  const auto changed = [](auto change) {
    file_image content = small().content();
    change(content);
    return content;
  };

  CHECK(opened_ext({}).is_refused_at(0));
  CHECK(opened_ext(changed([](file_image& c) { c.resize(23); })).is_refused_at(0));
  CHECK(opened_ext(changed([](file_image& c) { put16(c, 0, 0xeb9e); })).is_refused_at(0));
  CHECK(opened_ext(changed([](file_image& c) { put32(c, 4, 23); })).is_refused_at(0));
  CHECK(opened_ext(changed([](file_image& c) {
          put32(c, 4, static_cast<std::uint32_t>(c.size() + 1));
        })).is_refused_at(0));
}

TEST_CASE("a .BTF.ext without content in the file is refused", "[btf_ext]") {
  const opened_ext opened(small().content(), 8);

  CHECK(opened.fault.why == cause::bad_section_header);
  CHECK(opened.fault.section == 2);
}

TEST_CASE("a table past the end of the section is refused at its place in the header", "[btf_ext]") {
  const file_image whole = small().content();
  const auto body = static_cast<std::uint32_t>(whole.size() - 32);
  struct {
    std::uint32_t offset, size;
  } const places[] = {{body + 1, 4},   {0, body + 1}, {body, 4},    {0xffffffff, 4},
                      {4, 0xffffffff}, {0, 3},        {body - 3, 4}};
  for (const std::size_t field : {8u, 16u, 24u})
    for (const auto& place : places) {
      CAPTURE(field, place.offset, place.size);
      file_image content = whole;
      put32(content, field, place.offset);
      put32(content, field + 4, place.size);
      CHECK(opened_ext(content).is_refused_at(field));
    }
}

TEST_CASE("records that are too short or no whole words are refused", "[btf_ext]") {
  for (const std::uint32_t size : {0u, 4u, 7u, 9u, 10u, 0x80000001u}) {
    CAPTURE(size);
    file_image content = small().content();
    put32(content, functions_at, size);
    CHECK(opened_ext(content).is_refused_at(functions_at));
  }
  for (const std::uint32_t size : {0u, 8u, 12u, 15u, 18u}) {
    CAPTURE(size);
    file_image content = small().content();
    put32(content, lines_at, size);
    CHECK(opened_ext(content).is_refused_at(lines_at));
  }
}

TEST_CASE("a run past the end of its table is refused where it begins", "[btf_ext]") {
  for (const std::uint32_t count : {2u, 3u, 0x20000000u, 0xffffffffu}) {
    CAPTURE(count);
    file_image content = small().content();
    put32(content, second_run_at + 4, count);
    CHECK(opened_ext(content).is_refused_at(second_run_at));
  }
  // The largest records and the most of them.
  file_image content = small().content();
  put32(content, functions_at, 0xfffffffc);
  put32(content, first_run_at + 4, 0xffffffff);
  CHECK(opened_ext(content).is_refused_at(first_run_at));
}

TEST_CASE("a table that ends inside the head of a run is refused there", "[btf_ext]") {
  for (const std::uint32_t more : {1u, 4u, 7u}) {
    CAPTURE(more);
    file_image content = small().content();
    put32(content, 12, 4 + 24 + more);
    CHECK(opened_ext(content).is_refused_at(second_run_at));
  }
}

TEST_CASE("a run whose section has no name among the strings is refused", "[btf_ext]") {
  for (const std::uint32_t name : {9u, 1000u, 0xffffffffu}) {
    CAPTURE(name);
    file_image content = small().content();
    put32(content, lines_run_at, name);
    CHECK(opened_ext(content).is_refused_at(lines_run_at));
  }
}

TEST_CASE("no single damaged byte of .BTF.ext lets a run leave the section", "[btf_ext]") {
  btf_ext_builder made = small();
  made.core.runs = {{one, {{0, 1, 1, 0}}}};
  const file_image whole = made.content();
  std::size_t refused = 0, astray = 0;

  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const int after : {0x00, 0xff, whole[at] ^ 0x01, whole[at] ^ 0x80}) {
      file_image content = whole;
      content[at] = static_cast<unsigned char>(after);
      const opened_ext opened(content);
      refused += opened.fault.failed();
      if (opened.fault.failed()) continue;
      for (const btf_ext_table& table : {opened.ext.functions, opened.ext.lines, opened.ext.core})
        for (const btf_ext_run& run : opened.runs_of(table))
          astray += run.first < opened.at ||
                    run.first + std::uint64_t{run.count} * table.record_size > opened.at + content.size() ||
                    !opened.types.has_string(run.section_name);
    }

  CHECK(astray == 0);
  CHECK(refused > 50);
}

TEST_CASE("a record of CO-RE that names what is not there is refused", "[btf_ext]") {
  for (const bool behind_an_empty_run : {false, true}) {
    CAPTURE(behind_an_empty_run);
    hits_object made;
    btf_ext_builder ext;
    const auto section = made.types.name("tracepoint/a/b");
    if (behind_an_empty_run) ext.core.runs.push_back({section});
    ext.core.runs.push_back({section, {{0, 1, section, 0}}});
    // The fifth section, behind the license; relocations follow.
    hits_object whole = made;
    whole.more_sections = {{.name = ".BTF.ext", .type = 1, .content = ext.content()}};
    const file_image& image = whole.build();
    const reading object(image);

    CHECK(object.fault.why == cause::bad_core);
    CHECK(string_at(window(image), object.fault.subject) == "int");
    CHECK(object.fault.offset == whole.file.content_at(hits_object::first_more_section) + 32 + 4 + 8 +
                                     (behind_an_empty_run ? 8 : 0));
  }
}

TEST_CASE("a run of no CO-RE records is nothing to honour", "[btf_ext]") {
  hits_object made;
  btf_ext_builder ext;
  ext.core.runs = {{made.types.name("tracepoint/a/b")}};
  made.more_sections = {{.name = ".BTF.ext", .type = 1, .content = ext.content()}};
  const file_image& image = made.build();

  CHECK_FALSE(reading(image).fault.failed());
}

TEST_CASE("a damaged .BTF.ext makes the object refused, and nobody asks for one without types", "[btf_ext]") {
  hits_object made;
  file_image content = small().content();
  put16(content, 0, 0);
  made.more_sections = {{.name = ".BTF.ext", .type = 1, .content = content}};
  file_image image = made.build();

  const reading object(image);
  CHECK(object.fault.why == cause::bad_btf_ext);
  CHECK(object.fault.section == hits_object::first_more_section);

  object_builder file;
  file.add(object_builder::section{.name = ".BTF.ext", .type = 1, .content = content});
  image = file.build();
  CHECK_FALSE(reading(image).fault.failed());
}
