// SPDX-License-Identifier: MIT
// The simple object, whole: functions of every kind, global variables before and after loading, maps that are pinned
// by their names, and what may be different about an object when it is loaded. Each by the compiler's reading and by
// the program's, with one answer.
#include <sys/stat.h>

#include <cstring>
#include <string>
#include <vector>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "functions.bpf.hpp"
#include "pinned_map.bpf.hpp"
#include "variables.bpf.hpp"

namespace {

using barebpf::btf_choice;
using barebpf::cause;
using barebpf::load_policy;
using barebpf::map_flag;

const std::string objects = BAREBPF_TEST_OBJECTS;

constexpr barebpf::static_object<functions> functions_object;
constexpr barebpf::static_object<variables> variables_object;
constexpr barebpf::static_object<pinned_map> pinned_object;
constexpr load_policy by_index{.oldest_kernel = barebpf::kernel(5, 14)};
constexpr load_policy untyped{.btf = btf_choice::none};

barebpf::object open_object(const char* name) {
  auto opened = barebpf::object::open((objects + "/" + name + ".bpf.o").c_str());
  require(opened);
  return std::move(*opened);
}

// Number of functions and lines that the kernel knows of a program, and its tag.
struct known_program {
  barebpf::u32 functions, lines;
  std::string tag;
};
known_program ask(const barebpf::fd& program) {
  alignas(8) unsigned char info[256] = {};
  barebpf::abi::obj_info attr{.bpf_fd = program.raw(), .info_len = sizeof info, .info = info};
  REQUIRE(barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, attr) == 0);
  const auto word = [&](std::size_t at) {
    barebpf::u32 out = 0;
    std::memcpy(&out, info + at, sizeof out);
    return out;
  };
  // nr_func_info and nr_line_info of struct bpf_prog_info, include/uapi/linux/bpf.h at v6.12.
  return {word(144), word(148), std::string(info + 8, info + 16)};
}

}  // namespace

TEST_CASE("programs call functions of every kind", "[functions][needs 5.13][needs jit]") {
  const int before = open_descriptors();
  const auto check = [](const auto& sums) {
    static_cast<void>(getpgid(0));
    static_cast<void>(getpgid(0));
    static_cast<void>(getsid(0));
    CHECK(sums.lookup_elem(0).value_or(0) == 2 * (3 + 10));
    CHECK(sums.lookup_elem(1).value_or(0) == 2 * (100 + 7));
    CHECK(sums.lookup_elem(2).value_or(0) == 2 * (3 + 10) + 2 * (100 + 7));
  };
  const auto compiled = [&]<load_policy Policy>() {
    const auto loaded = functions_object.load<Policy>();
    require(loaded);
    const auto first = loaded->template attach<"first">();
    const auto second = loaded->template attach<"second">();
    const auto third = loaded->template attach<"sums_up">();
    require(first);
    require(second);
    require(third);
    check(loaded->template map<"sums", std::uint32_t, std::uint64_t>());
  };
  compiled.operator()<load_policy{}>();
  compiled.operator()<by_index>();
  compiled.operator()<untyped>();  // which a callback does not allow, so the types come all the same
  {
    const auto loaded = open_object("functions").load();
    require(loaded);
    const auto first = loaded->attach("first");
    const auto second = loaded->attach("second");
    const auto third = loaded->attach("sums_up");
    require(first);
    require(second);
    require(third);
    const auto sums = loaded->map<barebpf::array_map<std::uint64_t>>("sums");
    require(sums);
    check(*sums);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("the kernel knows the functions and the source lines of programs",
          "[functions][needs 5.13][needs jit]") {
  const auto all = functions_object.load();
  const auto needed = functions_object.load<load_policy{.btf = btf_choice::needed}>();
  const auto read = open_object("functions").load();
  require(all);
  require(needed);
  require(read);

  const known_program compiled = ask(all->program<"second">());
  CHECK(compiled.functions == 5);  // second, hidden_hundred, doubled, beside, add_to
  CHECK(compiled.lines > 10);
  CHECK(ask(needed->program<"second">()).functions == 5);
  CHECK(ask(needed->program<"second">()).lines == 0);
  for (const char* name : {"first", "second", "sums_up"}) {
    const auto program = read->program(name);
    REQUIRE(program.has_value());
    CHECK(ask(**program).functions >= 2);
    CHECK(ask(**program).lines > 10);
  }
  CHECK(ask(**read->program("second")).lines == compiled.lines);
  CHECK(ask(**read->program("first")).tag == ask(all->program<"first">()).tag);
  CHECK(ask(**read->program("second")).tag == compiled.tag);
  CHECK(ask(**read->program("sums_up")).tag == ask(all->program<"sums_up">()).tag);
}

TEST_CASE("variables are set before loading and seen while programs change them", "[variables][needs 5.14]") {
  const int before = open_descriptors();
  struct pair {
    std::uint32_t calls;
    std::int64_t sum;
  };
  const auto check = [](auto&& count, auto&& seen, auto&& own, auto&& zero) {
    for (int i = 0; i < 5; ++i) static_cast<void>(getpgid(0));
    CHECK(*count == 5 * 4);  // step is 4
    CHECK(seen->calls == 105);
    CHECK(seen->sum == -5 + 5 * 'J');
    CHECK(*own == 40 + 5 * 500);
    CHECK(*zero == 5 + 6);
    *count = 1000;
    static_cast<void>(getpgid(0));
    CHECK(*count == 1004);
  };
  const auto me = static_cast<std::uint32_t>(getpid());
  const auto compiled = [&]<load_policy Policy>() {
    auto data = variables_object.data();
    CHECK(data.variable<"step", int>() == 3);
    CHECK(std::string(&data.variable<"greeting", char[8]>()[0]) == "hello");
    data.variable<"only_process", std::uint32_t>() = me;
    data.variable<"step", int>() = 4;
    data.variable<"greeting", char[8]>()[0] = 'J';
    const auto loaded = variables_object.load<Policy>({.data = data.view()});
    require(loaded);
    const auto link = loaded->template attach<"counts">();
    require(link);
    auto count = loaded->template variable<"count", std::uint64_t>();
    auto seen = loaded->template variable<"seen", pair>();
    auto own = loaded->template variable<"own_variable", std::uint16_t>();
    auto zero = loaded->template variable<"own_zero", std::uint32_t>();
    auto greeting = loaded->template variable<"greeting", const char[8]>();
    require(count);
    require(seen);
    require(own);
    require(zero);
    require(greeting);
    CHECK(std::string(**greeting) == "Jello");
    check(*count, *seen, *own, *zero);
    // A constant stays what it was, for user space too.
    auto constants = loaded->template map<".rodata", std::uint32_t, unsigned char[12]>();
    CHECK(barebpf::untyped_map::borrow(constants.descriptor().number(), {}).update_elem(&me, &me, 0) ==
          -EPERM);
  };
  compiled.operator()<load_policy{}>();
  compiled.operator()<by_index>();
  compiled.operator()<untyped>();
  {
    const barebpf::object object = open_object("variables");
    auto data = object.data();
    require(data);
    CHECK(**data->variable<std::int32_t>("step") == 3);
    **data->variable<std::uint32_t>("only_process") = me;
    **data->variable<int>("step") = 4;
    (**data->variable<char[8]>("greeting"))[0] = 'J';
    const auto loaded = object.load({.data = data->view()});
    require(loaded);
    const auto link = loaded->attach("counts");
    require(link);
    auto count = loaded->variable<std::uint64_t>("count");
    auto seen = loaded->variable<pair>("seen");
    auto own = loaded->variable<std::uint16_t>("own_variable");
    auto zero = loaded->variable<std::uint32_t>("own_zero");
    require(count);
    require(seen);
    require(own);
    require(zero);
    check(*count, *seen, *own, *zero);
    CHECK(loaded->variable<int>("count").error().why == cause::wrong_variable_size);
    CHECK(loaded->variable<std::int64_t>("count").error().why == cause::wrong_variable_sign);
    CHECK(loaded->variable<int>("counter").error().why == cause::no_such_variable);
    CHECK(loaded->variable<std::uint32_t>("only_process").error().why == cause::constant_variable);
    CHECK(loaded->variable<std::uint32_t>("hidden_variable").error().why == cause::hidden_variable);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("without changes an object's variables begin as it says", "[variables]") {
  const auto loaded = variables_object.load();
  require(loaded);
  const auto link = loaded->attach<"counts">();
  require(link);
  const auto step = loaded->variable<"step", const std::int32_t>();
  require(step);
  CHECK(**step == 3);
  const auto zeros = loaded->variable<"zeros", unsigned char[3000]>();
  require(zeros);
  static_cast<void>(getpgid(0));
  CHECK((**zeros)[2998] == 0);
  CHECK((**zeros)[2999] == 9);
}

TEST_CASE("the maps of variables are named, sized and flagged as libbpf does it", "[variables]") {
  const auto loaded = variables_object.load();
  require(loaded);
  const auto read = open_object("variables").load();
  require(read);
  const auto check = [](const barebpf::fd& map, const char* name, barebpf::u32 size, barebpf::u32 flags) {
    const auto info = barebpf::ask_about_map(map.number());
    REQUIRE(info.has_value());
    CAPTURE(name);
    CHECK(std::string(info->name.characters) == name);
    CHECK(info->type == 2);
    CHECK(info->max_entries == 1);
    CHECK(info->value_size == size);
    CHECK(info->map_flags == flags);
    CHECK(info->btf_value_type_id != 0);
  };
  constexpr barebpf::u32 constant = map_flag::rdonly_prog | map_flag::mmapable, variable = map_flag::mmapable;
  const auto both = [&]<barebpf::name Name, std::size_t Size>(const char* name, barebpf::u32 flags) {
    struct bytes_of {
      unsigned char bytes[Size];
    };
    check(loaded->map<Name, std::uint32_t, bytes_of>().descriptor(), name, Size, flags);
    const auto map = read->map<barebpf::array_map<bytes_of>>(barebpf::text(Name));
    require(map);
    check(map->descriptor(), name, Size, flags);
  };
  both.operator()<".rodata", 12>("variable.rodata", constant);
  both.operator()<".data", 24>("variable.data", variable);
  both.operator()<".bss", 3016>("variable.bss", variable);
  both.operator()<".rodata.own", 2>(".rodata.own", constant);
  both.operator()<".data.hidden", 4>(".data.hidden", 0);
}

TEST_CASE("first values of another object are refused, and nothing is made", "[variables]") {
  const int before = open_descriptors();
  const auto functions_file = open_object("functions");
  auto data = variables_object.data();

  const auto refused = functions_file.load({.data = data.view()});

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == cause::foreign_data);
  CHECK(refused.error().code == 0);
  CHECK(open_descriptors() == before);
}

TEST_CASE("a map can have other entries, or be another map", "[options][needs 5.13][needs jit]") {
  auto mine = barebpf::array_map<std::uint64_t>::create({.name = "mine", .max_entries = 4});
  REQUIRE(mine.has_value());
  const barebpf::map_change changes[] = {
      functions_object.change<"sums">({.replacement = mine->descriptor().number()})};
  {
    const auto loaded = functions_object.load({.maps = changes});
    require(loaded);
    const auto link = loaded->attach<"first">();
    require(link);
    static_cast<void>(getpgid(0));
  }
  CHECK(mine->lookup_elem(0).value_or(0) == 13);

  const auto object = open_object("functions");
  const auto larger = object.change("sums", {.max_entries = 400});
  REQUIRE(larger.has_value());
  const auto loaded = object.load({.maps = {&*larger, 1}});
  require(loaded);
  CHECK(loaded->map<barebpf::array_map<std::uint64_t>>("sums")->info()->max_entries == 400);
  CHECK(object.change("summs", {}).error().why == cause::no_such_map);

  const auto other =
      barebpf::hash_map<std::uint32_t, std::uint64_t>::create({.name = "other", .max_entries = 4});
  const barebpf::map_change wrong[] = {
      functions_object.change<"sums">({.replacement = other->descriptor().number()})};
  barebpf::map_differences differences;
  const auto refused = functions_object.load({.maps = wrong, .differences = &differences});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == cause::another_map);
  CHECK(differences.found.type == 1);
}

TEST_CASE("a map that is pinned by its name is made once and shared", "[options][needs 5.14]") {
  const std::string root = bpf_folder() + "/by_name";
  REQUIRE(mkdir(root.c_str(), 0700) == 0);
  const int before = open_descriptors();
  {
    const auto first = pinned_object.load({.pin_root = root});
    require(first);
    const auto second = pinned_object.load<by_index>({.pin_root = root});
    require(second);
    const auto third = open_object("pinned_map").load({.pin_root = root});
    require(third);
    const auto link = first->attach<"counts">();
    const auto again = third->attach("counts");
    require(link);
    require(again);
    static_cast<void>(getpgid(0));

    CHECK(second->map<"shared_calls", std::uint32_t, std::uint64_t>().lookup_elem(0).value_or(0) == 2);
    CHECK(second->map<"own_calls", std::uint32_t, std::uint64_t>().lookup_elem(0).value_or(9) == 0);
    CHECK(barebpf::hash_map<std::uint32_t, std::uint64_t>::get_pinned(root + "/shared_calls").has_value());
  }
  CHECK(open_descriptors() == before);

  // The pin outlives its programs, and whoever expects another map is told.
  const barebpf::map_change larger[] = {pinned_object.change<"shared_calls">({.max_entries = 17})};
  barebpf::map_differences differences;
  const auto refused = pinned_object.load({.maps = larger, .pin_root = root, .differences = &differences});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == cause::another_map);
  CHECK(std::string(refused.error().name) == "shared_calls");
  CHECK(differences.expected.max_entries == 17);
  CHECK(differences.found.max_entries == 16);
  REQUIRE(barebpf::unpin(root + "/shared_calls").has_value());
  CHECK(pinned_object.load({.pin_root = root + "/none"}).error().code == ENOENT);
  CHECK(rmdir(root.c_str()) == 0);
}
