// SPDX-License-Identifier: MIT
// What whoever loads an object may decide: which of its programs, and as what; sizes and patterns of maps that the
// object leaves open. On the running kernel, by the compiler's reading and by the program's.
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "choices.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::fd;
using barebpf::step;
using barebpf::u32;

constexpr barebpf::static_object<choices> compiled;

barebpf::object open_object() {
  auto opened = barebpf::object::open(BAREBPF_TEST_OBJECTS "/choices.bpf.o");
  require(opened);
  return std::move(*opened);
}

// What the object leaves open of its maps, for either reading.
struct given {
  std::vector<barebpf::map_change> maps;
  barebpf::array_map<u32> pattern;

  given() : pattern(make_pattern()) {
    maps = {compiled.change<"open_size">({.max_entries = 9}), compiled.change<"stacks">({.value_size = 80}),
            compiled.change<"outer">({.inner = pattern.descriptor().number()})};
  }

 private:
  static barebpf::array_map<u32> make_pattern() {
    auto made = barebpf::array_map<u32>::create({.name = "pattern", .max_entries = 1});
    require(made);
    return std::move(*made);
  }
};
constexpr barebpf::program_change nameless_is_a_filter =
    compiled.change_program<"nameless">({.section = "classifier"});

u32 run(const fd& program) {
  const unsigned char packet[100] = {};
  const auto ran = barebpf::test_run(program, {.data = packet});
  require(ran);
  return ran->value;
}
barebpf::abi::map_info info_of(const fd& map) {
  barebpf::abi::map_info out;
  const barebpf::abi::obj_info attr{.bpf_fd = map.raw(), .info_len = sizeof out, .info = &out};
  REQUIRE(barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, attr) == 0);
  return out;
}
u32 type_of(const fd& program) {
  barebpf::u32 info[2] = {};
  const barebpf::abi::obj_info attr{.bpf_fd = program.raw(), .info_len = sizeof info, .info = info};
  REQUIRE(barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, attr) == 0);
  return info[0];
}
u32 id_in(const fd& map, u32 slot) {
  u32 id = 0;
  return barebpf::untyped_map::borrow(map.number(), {}).lookup_elem(&slot, &id) < 0 ? 0 : id;
}

}  // namespace

TEST_CASE("optional programs stay out, and sizes come from the machine or from the caller", "[choices]") {
  const int before = open_descriptors();
  {
    const given of;
    const barebpf::program_change programs[] = {nameless_is_a_filter};
    const auto by_compiler = compiled.load({.maps = of.maps, .programs = programs});
    require(by_compiler);
    const barebpf::object object = open_object();
    const auto by_program = object.load({.maps = of.maps, .programs = programs});
    require(by_program);

    const auto check = [](const fd& always, const fd& nameless, const fd& events, const fd& records,
                          const fd& open_size, const fd& stacks, const fd& outer, const fd& ways) {
      CHECK(run(always) == 900);
      CHECK(run(nameless) == 88);
      CHECK(type_of(nameless) == static_cast<u32>(barebpf::abi::prog_type::sched_cls));
      CHECK(info_of(events).max_entries == *barebpf::possible_cpus());
      CHECK(info_of(records).max_entries == std::max(u32{8192}, static_cast<u32>(getpagesize())));
      CHECK(info_of(open_size).max_entries == 9);
      CHECK(info_of(stacks).value_size == 80);
      CHECK(info_of(outer).max_entries == 4);
      CHECK(id_in(ways, 0) == kernel_id(always));
      CHECK(id_in(ways, 1) == 0);
      CHECK(id_in(ways, 2) == 0);
    };
    check(by_compiler->program<"always">(), by_compiler->program<"nameless">(),
          by_compiler->map_descriptor<"events">(), by_compiler->map_descriptor<"records">(),
          by_compiler->map_descriptor<"open_size">(), by_compiler->map_descriptor<"stacks">(),
          by_compiler->map_descriptor<"outer">(), by_compiler->map_descriptor<"ways">());
    check(**by_program->program("always"), **by_program->program("nameless"),
          **by_program->map_descriptor("events"), **by_program->map_descriptor("records"),
          **by_program->map_descriptor("open_size"), **by_program->map_descriptor("stacks"),
          **by_program->map_descriptor("outer"), **by_program->map_descriptor("ways"));

    CHECK_FALSE(by_compiler->program<"optional">().is_open());
    CHECK(by_program->program("optional").error().why == cause::not_loaded);
    CHECK(by_program->attach("optional", barebpf::socket(0)).error().why == cause::not_loaded);
    CHECK(by_compiler->attach<"optional">(barebpf::socket(0)).error().why == cause::not_loaded);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a program is loaded or not as its change says", "[choices]") {
  const given of;
  const barebpf::program_change programs[] = {compiled.change_program<"optional">({}),
                                              compiled.change_program<"always">({.load = false}),
                                              compiled.change_program<"nameless">({.load = false})};
  const auto by_compiler = compiled.load({.maps = of.maps, .programs = programs});
  require(by_compiler);
  CHECK(run(by_compiler->program<"optional">()) == 'M');
  CHECK(id_in(by_compiler->map_descriptor<"ways">(), 1) == kernel_id(by_compiler->program<"optional">()));
  CHECK_FALSE(by_compiler->program<"always">().is_open());

  const barebpf::object object = open_object();
  const auto by_program = object.load({.maps = of.maps, .programs = programs});
  require(by_program);
  CHECK(run(**by_program->program("optional")) == 'M');
  CHECK(by_program->program("always").error().why == cause::not_loaded);
}

TEST_CASE("programs that cannot be loaded are left out where there is room to say why", "[choices]") {
  const int before = open_descriptors();
  const given of;
  const barebpf::program_change programs[] = {compiled.change_program<"misses">({}),
                                              compiled.change_program<"refused">({})};
  const auto check = [](const barebpf::refused_programs& refused, const std::string& log) {
    REQUIRE(refused.size() == 3);
    int verifier = 0, section = 0, target = 0;
    for (const barebpf::refused_program& one : refused) {
      verifier += one.why.why == cause::refused_by_verifier && std::string(one.why.name) == "refused";
      section += one.why.why == cause::unknown_section;
      target += one.why.why == cause::no_kernel_function &&
                std::string(one.why.name) == "a_function_that_is_nowhere";
    }
    CHECK(verifier == 1);
    CHECK(section == 1);
    CHECK(target == 1);
    CHECK(log.find("R0 invalid mem access 'map_value_or_null'") != std::string::npos);
  };
  {
    barebpf::refused_program room[3];
    barebpf::refused_programs refused(room);
    barebpf::verifier_log log;
    const auto loaded =
        compiled.load({.log = &log, .maps = of.maps, .programs = programs, .refused = &refused});
    require(loaded);
    check(refused, log.said().data());
    CHECK(run(loaded->program<"always">()) == 900);
    CHECK_FALSE(loaded->program<"refused">().is_open());
    CHECK_FALSE(loaded->program<"misses">().is_open());
  }
  {
    barebpf::refused_program room[3];
    barebpf::refused_programs refused(room);
    barebpf::verifier_log log;
    const auto loaded =
        open_object().load({.log = &log, .maps = of.maps, .programs = programs, .refused = &refused});
    require(loaded);
    check(refused, log.said().data());
    CHECK(run(**loaded->program("always")) == 900);
    CHECK(loaded->program("refused").error().why == cause::not_loaded);
  }
  for (const bool by_compiler : {false, true}) {
    barebpf::refused_program room[2];
    barebpf::refused_programs refused(room);
    const barebpf::load_options options{.maps = of.maps, .programs = programs, .refused = &refused};
    if (by_compiler)
      CHECK_FALSE(compiled.load(options).has_value());
    else
      CHECK_FALSE(open_object().load(options).has_value());
    CHECK(refused.size() == 2);
  }
  CHECK(open_descriptors() == before + 1);  // the pattern
}

TEST_CASE("a program whose section tells no type is asked for at its place in the file", "[choices]") {
  const given of;
  const auto by_program = open_object().load({.maps = of.maps});
  REQUIRE_FALSE(by_program.has_value());
  CHECK(by_program.error().at == step::read_object);
  CHECK(by_program.error().why == cause::unknown_section);
  CHECK(std::string(by_program.error().name) == "no_such_section:nameless");
  CHECK(by_program.error().offset != 0);

  const auto by_compiler = compiled.load({.maps = of.maps});
  REQUIRE_FALSE(by_compiler.has_value());
  CHECK(by_compiler.error().why == cause::unknown_section);
  CHECK(std::string(by_compiler.error().name) == "nameless");

  const auto wrong = open_object().change_program("nameless", {.section = "clasifier"});
  CHECK(wrong.error().why == cause::unknown_section);
  CHECK(open_object().change_program("namless", {.section = "classifier"}).error().why ==
        cause::no_such_program);
}

TEST_CASE("a program that is made something else is attached as that", "[choices]") {
  const given of;
  const barebpf::object object = open_object();
  const auto change = object.change_program("nameless", {.section = "tp_btf/sys_enter"});
  require(change);
  const auto loaded = object.load({.maps = of.maps, .programs = {&*change, 1}});
  require(loaded);
  CHECK(type_of(**loaded->program("nameless")) == static_cast<u32>(barebpf::abi::prog_type::tracing));
  require(loaded->attach("nameless"));

  const auto nowhere = object.change_program("nameless", {.section = "tp_btf"});
  require(nowhere);
  const auto refused = object.load({.maps = of.maps, .programs = {&*nowhere, 1}});
  CHECK(refused.error().why == cause::no_kernel_place);
}

TEST_CASE("what an object leaves open of its maps is asked for by their names", "[choices]") {
  const int before = open_descriptors();
  {
    const given of;
    const barebpf::object object = open_object();
    const barebpf::program_change programs[] = {nameless_is_a_filter};
    const struct {
      std::size_t without;
      const char* name;
      cause why;
    } rows[] = {{0, "open_size", cause::no_entries},
                {1, "stacks", cause::bad_value_size},
                {2, "outer", cause::missing_inner_map}};
    for (const auto& row : rows) {
      CAPTURE(row.name);
      std::vector<barebpf::map_change> maps = of.maps;
      maps.erase(maps.begin() + static_cast<std::ptrdiff_t>(row.without));
      const auto by_program = object.load({.maps = maps, .programs = programs});
      const auto by_compiler = compiled.load({.maps = maps, .programs = programs});
      for (const barebpf::error& why : {by_program.error(), by_compiler.error()}) {
        CHECK(why.at == step::map_create);
        CHECK(why.why == row.why);
        CHECK(std::string(why.name) == row.name);
      }
    }
    std::vector<barebpf::map_change> maps = of.maps;
    maps[0].value_size = 16;
    const auto refused = object.load({.maps = maps, .programs = programs});
    CHECK(refused.error().why == cause::size_is_given);
    maps[0].value_size = 8;
    maps[0].map_flags = barebpf::map_flag::no_prealloc;
    const auto loaded = object.load({.maps = maps, .programs = programs});
    require(loaded);
    CHECK(info_of(**loaded->map_descriptor("open_size")).map_flags == barebpf::map_flag::no_prealloc);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a map is left out where nobody comes to it, and is named where somebody does", "[choices]") {
  constexpr barebpf::load_policy numbered{.oldest_kernel = barebpf::kernel(5, 14)};
  const int before = open_descriptors();
  {
    given of;
    of.maps.push_back(compiled.change<"remembered">({.create = false}));
    const barebpf::program_change programs[] = {nameless_is_a_filter,
                                                compiled.change_program<"remembering">({})};
    const auto by_compiler = compiled.load({.maps = of.maps, .programs = programs});
    require(by_compiler);
    CHECK(run(by_compiler->program<"remembering">()) == 55);
    CHECK_FALSE(by_compiler->map_descriptor<"remembered">().is_open());
    const barebpf::object object = open_object();
    const auto by_program = object.load({.maps = of.maps, .programs = programs});
    require(by_program);
    CHECK(run(**by_program->program("remembering")) == 55);
    CHECK(by_program->map_descriptor("remembered").error().why == cause::map_left_out);
    CHECK((by_program->map<barebpf::hash_map<u32, barebpf::u64>>("remembered").error().why ==
           cause::map_left_out));

    auto of_compiler = compiled.data();
    of_compiler.variable<"remembers", u32>() = 1;
    auto of_program = object.data();
    require(of_program);
    **of_program->variable<u32>("remembers") = 1;
    barebpf::verifier_log log;
    const auto not_by_compiler =
        compiled.load({.log = &log, .maps = of.maps, .data = of_compiler.view(), .programs = programs});
    const auto not_by_program =
        object.load({.log = &log, .maps = of.maps, .data = of_program->view(), .programs = programs});
    for (const barebpf::error& why : {not_by_compiler.error(), not_by_program.error()}) {
      CHECK(why.at == step::prog_load);
      CHECK(why.why == cause::uses_missing_map);
      CHECK(std::string(why.name) == "remembered");
    }
    of.maps.back().create = true;
    const auto with_it = compiled.load({.maps = of.maps, .data = of_compiler.view(), .programs = programs});
    require(with_it);
    CHECK(run(with_it->program<"remembering">()) == 55);
    CHECK(with_it->map<"remembered", u32, barebpf::u64>().lookup_elem(3).value_or(0) == 86);

    of.maps.back().create = false;
    CHECK(compiled.load<numbered>({.maps = of.maps, .programs = programs}).error().why ==
          cause::numbered_maps);
  }
  CHECK(open_descriptors() == before);
}
