// SPDX-License-Identifier: MIT
// Attaching to many functions, where a test says which the kernel has, which ftrace reaches and which are refused.
#include "function_lists.bpf.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/fault_sweep.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

using barebpf::attach_way;
using barebpf::cause;
using barebpf::function_list;
using barebpf::named_place;
using barebpf::step;
using barebpf::abi::attach_type;
using names = std::vector<std::string>;
using numbers = std::vector<std::uint32_t>;

namespace {

constexpr barebpf::static_object<function_lists> object;

// A kernel with some functions, and a program for them.
struct bench {
  enum : std::uint32_t {
    read = 4,
    readv = 5,
    exits = 6,
    prints = 7,
    starts = 8,
    gives = 9,
    write = 10,
    last = 11
  };

  bench() { furnish(machine); }
  static void furnish(fake_machine& machine) {
    btf_builder types;
    const std::uint32_t word = types.integer("int", 4, 1);                              // 1
    const std::uint32_t plain = types.function_prototype(word, {{"a", word}});          // 2
    const std::uint32_t open = types.function_prototype(word, {{"a", word}, {"", 0}});  // 3
    for (const auto& [name, form] : std::vector<std::pair<std::string, std::uint32_t>>{{"vfs_read", plain},
                                                                                       {"vfs_readv", plain},
                                                                                       {"vfs_exit", plain},
                                                                                       {"vfs_print", open},
                                                                                       {"vfs_start", plain},
                                                                                       {"vfs_give", plain},
                                                                                       {"vfs_write", plain},
                                                                                       {"vfs_zap", plain}})
      types.function(name, form, 0);
    machine.files["/sys/kernel/btf/vmlinux"] = string_of(types);
    machine.files["/sys/kernel/tracing/available_filter_functions_addrs"] =
        "ffffffff81000001 vfs_read\nffffffff81000002 vfs_readv\nffffffff81000003 vfs_exit\n"
        "ffffffff81000004 vfs_print\nffffffff81000005 vfs_give\nffffffff81000006 vfs_write\n"
        "ffffffff81000007 vfs_static\nffffffffc0000001 vfs_of_module [mod]\n";
    machine.refused_functions = {{exits, EINVAL}, {prints, EINVAL}, {starts, ENOENT}, {last, ENOENT}};
    machine.release = "7.2.0";
  }
  static std::string string_of(const btf_builder& types) {
    const file_image content = types.content();
    return std::string(content.begin(), content.end());
  }
  template <class... Target>
  auto attach(const char* where, Target&&... to) {
    machine.calls.clear();
    return attach_there(program, where, std::forward<Target>(to)...);
  }
  template <class... Target>
  static auto attach_there(const barebpf::fd& program, const char* where, Target&&... to) {
    return barebpf::place<attach_way::tracing_multi>::attach<barebpf::load_policy{}>(
        barebpf::program_to_attach{program, "count", where, attach_type::trace_fentry_multi,
                                   barebpf::abi::prog_type::tracing, barebpf::kernel(7, 2)},
        std::forward<Target>(to)...);
  }
  // The functions of the last attempt, in the order of their ids.
  numbers ids() const {
    numbers out = machine.all("link_create").back().ids;
    std::sort(out.begin(), out.end());
    return out;
  }

  fake_machine machine;
  barebpf::fd program = barebpf::fd::own(machine.open("program"));
};

template <class Attached>
void check_error(const Attached& attached, step at, int code, cause why, const std::string& about) {
  REQUIRE_FALSE(attached);
  CHECK(attached.error().at == at);
  CHECK(attached.error().code == code);
  CHECK(attached.error().why == why);
  CHECK(std::string(attached.error().name) == about);
}

}  // namespace

TEST_CASE("a pattern is all functions that ftrace reaches and the kernel describes", "[functions]") {
  bench b;
  {
    const auto attached = b.attach("vfs_read*", barebpf::cookie{7});
    REQUIRE(attached);
    const auto calls = b.machine.all("link_create");
    REQUIRE(calls.size() == 1);
    CHECK(calls[0].u32(0) == 3);
    CHECK(calls[0].u32(8) == 59);
    CHECK(b.ids() == numbers{bench::read, bench::readv});
    CHECK(calls[0].cookies == std::vector<std::uint64_t>{7, 7});
  }
  CHECK(b.machine.left_open() == names{"program"});
  // Neither the one that takes any number of arguments, nor those that ftrace or the types do not know.
  b.machine.refused_functions.erase(bench::exits);
  REQUIRE(b.attach("*"));
  CHECK(b.machine.all("link_create").size() == 1);
  CHECK(b.ids() == numbers{bench::read, bench::readv, bench::exits, bench::gives, bench::write});
  CHECK(b.machine.all("link_create")[0].cookies.empty());
}

TEST_CASE("of a pattern what the kernel refuses is left out, which it is asked without being attached",
          "[functions]") {
  bench b;
  REQUIRE(b.attach("vfs_*"));
  CHECK(b.ids() == numbers{bench::read, bench::readv, bench::gives, bench::write});
  std::size_t made = 0;
  for (const seen_call& call : b.machine.all("link_create")) made += call.answer >= 0;
  CHECK(made == 1);
  check_error(b.attach("vfs_exi?"), step::link_create, EINVAL, cause::unfit_function, "vfs_exi?");
  b.machine.refused_functions[bench::gives] = ENOENT;  // another of this name is what ftrace reaches
  REQUIRE(b.attach("vfs_*"));
  CHECK(b.ids() == numbers{bench::read, bench::readv, bench::write});
  check_error(b.attach("vfs_giv?"), step::link_create, ENOENT, cause::untraceable_function, "vfs_giv?");
  CHECK(b.machine.left_open() == names{"program"});

  // Where it refuses the program itself, nothing is left out.
  b.machine.refusals["link_create"] = {EBUSY};
  check_error(b.attach("vfs_*"), step::link_create, EBUSY, cause::none, "count");
  CHECK(b.machine.all("link_create").size() == 1);
}

TEST_CASE("a list of functions goes as it is, with a cookie for each", "[functions]") {
  bench b;
  const barebpf::text list[] = {"vfs_write", "vfs_read"};
  const std::uint64_t cookies[] = {100, 40};
  const std::uint32_t ids[] = {bench::write, bench::read};
  REQUIRE(b.attach("", function_list{.names = list, .cookies = cookies}));
  REQUIRE(b.machine.all("link_create").size() == 1);
  CHECK(b.machine.all("link_create")[0].ids == numbers{bench::write, bench::read});
  CHECK(b.machine.all("link_create")[0].cookies == std::vector<std::uint64_t>{100, 40});
  REQUIRE(b.attach("", function_list{.ids = ids}));
  CHECK(b.machine.names() == names{"link_create", "close"});
  CHECK(b.ids() == numbers{bench::read, bench::write});
  REQUIRE(b.attach("vfs_read", barebpf::cookie{5}));
  CHECK(b.ids() == numbers{bench::read});
  CHECK(b.machine.all("link_create")[0].cookies == std::vector<std::uint64_t>{5});
  REQUIRE(b.attach("", named_place{.name = "vfs_write"}));
  CHECK(b.ids() == numbers{bench::write});
}

TEST_CASE("what is wrong with a list is told by the name of the function", "[functions]") {
  bench b;
  const auto with = [&](barebpf::text name) {
    const barebpf::text list[] = {"vfs_read", name};
    return b.attach("", function_list{.names = list});
  };
  check_error(with("vfs_raed"), step::find_kernel_type, 0, cause::no_kernel_function, "vfs_raed (vfs_read?)");
  check_error(with("vfs_read"), step::find_kernel_type, 0, cause::bad_function_list, "vfs_read");
  check_error(with("vfs_exit"), step::link_create, EINVAL, cause::unfit_function, "vfs_exit");
  check_error(with("vfs_start"), step::link_create, ENOENT, cause::untraceable_function, "vfs_start");
  check_error(b.attach("vfs_print"), step::link_create, EINVAL, cause::unfit_function, "vfs_print");
  const std::uint32_t ids[] = {bench::read, bench::exits}, twice[] = {bench::read, bench::read};
  check_error(b.attach("", function_list{.ids = ids}), step::link_create, EINVAL, cause::unfit_function,
              "vfs_exit");
  check_error(b.attach("", function_list{.ids = twice}), step::link_create, EINVAL, cause::bad_function_list,
              "count");
  for (const std::uint32_t none : {1u, 12u, ~0u}) {  // a number, behind the last, and no id at all
    CAPTURE(none);
    b.machine.refused_functions[none] = EINVAL;
    const std::uint32_t with_none[] = {bench::read, none};
    check_error(b.attach("", function_list{.ids = with_none}), step::link_create, EINVAL,
                cause::bad_function_list, "count");
  }
  const barebpf::text list[] = {"vfs_read"};
  const std::uint64_t cookies[] = {1, 2};
  for (const function_list& wrong : {function_list{}, function_list{.names = list, .ids = ids},
                                     function_list{.names = list, .cookies = cookies}}) {
    check_error(b.attach("", wrong), step::find, 0, cause::bad_function_list, "count");
    CHECK(b.machine.calls.empty());
  }
  // With no function that ftrace does not reach, the kernel cannot be asked, and its own word stays.
  b.machine.refused_functions = {{bench::exits, EINVAL}};
  check_error(with("vfs_exit"), step::link_create, EINVAL, cause::none, "count");
  CHECK(b.machine.left_open() == names{"program"});
}

TEST_CASE("before Linux 7.2 the error names the kernel that attaches to lists of functions", "[functions]") {
  bench b;
  b.machine.refusals["link_create"] = {EINVAL};
  b.machine.release = "7.1.0";
  check_error(b.attach("vfs_*"), step::link_create, EINVAL, cause::newer_attach_way, "count");
  CHECK(b.machine.all("link_create").size() == 1);
}

TEST_CASE("a kernel that is too old to load such programs is named where they are loaded", "[functions]") {
  fake_machine machine;
  const barebpf::program_change with[] = {object.change_program<"begins">({.load = true})};
  const auto load = [&](const char* release, int code) {
    machine.release = release;
    machine.refusals["prog_load"] = {code};
    return object.load({.programs = with});
  };
  check_error(load("7.1.0", EINVAL), step::prog_load, EINVAL, cause::newer_attach_way, "begins");
  check_error(load("7.2.0", EINVAL), step::prog_load, EINVAL, cause::none, "begins");
  check_error(load("7.1.0", EPERM), step::prog_load, EPERM, cause::none, "begins");
}

TEST_CASE("without types or without ftrace a pattern is refused at the step", "[functions]") {
  bench b;
  check_error(b.attach("no_such_*"), step::find_traceable, 0, cause::nothing_fits, "no_such_*");
  b.machine.files.erase("/sys/kernel/tracing/available_filter_functions_addrs");
  check_error(b.attach("vfs_*"), step::find_traceable, ENOENT, cause::none, "");
  b.machine.files.erase("/sys/kernel/btf/vmlinux");
  check_error(b.attach("vfs_*"), step::find_kernel_type, ENOENT, cause::none, "");
  CHECK(b.machine.left_open() == names{"program"});
}

TEST_CASE("functions of a module have ids behind the kernel's, and the program is loaded for it",
          "[functions]") {
  bench b;
  btf_builder own;  // the module's strings go on where the kernel's end, and its types too
  own.function("vfs_of_module", 2, 0);
  std::string content = bench::string_of(own);
  const auto kernel_strings = [&] {
    std::uint32_t size = 0;
    std::memcpy(&size, b.machine.files["/sys/kernel/btf/vmlinux"].data() + 20, sizeof size);
    return size;
  }();
  std::uint32_t name = 0;
  std::memcpy(&name, content.data() + 24, sizeof name);
  name += kernel_strings;
  std::memcpy(content.data() + 24, &name, sizeof name);
  b.machine.types = {
      {"vmlinux", b.machine.files["/sys/kernel/btf/vmlinux"]}, {"mod", content}, {"other", content}};

  REQUIRE(b.attach("mod:vfs_*"));
  CHECK(b.ids() == numbers{12});
  REQUIRE(b.attach("mod:vfs_of_module"));
  CHECK(b.ids() == numbers{12});
  check_error(b.attach("none:vfs_*"), step::find_kernel_type, 0, cause::no_such_module, "none");
  b.machine.refusals["btf_get_next_id"] = {EPERM};
  check_error(b.attach("mod:vfs_*"), step::find_kernel_type, EPERM, cause::none, "mod");
  check_error(b.attach("other:vfs_*"), step::find_traceable, 0, cause::nothing_fits, "vfs_*");

  // One that was loaded for others is told so, and for which functions it was loaded does not matter where all is well.
  b.machine.refused_functions = {{12, EINVAL}, {bench::read, ENOENT}, {bench::last, ENOENT}};
  b.machine.program_is_for = 1;
  check_error(b.attach("mod:vfs_*"), step::link_create, EINVAL, cause::loaded_for_others, "count");
  check_error(b.attach("vfs_read"), step::link_create, ENOENT, cause::untraceable_function, "vfs_read");
  b.machine.program_is_for = 2;
  check_error(b.attach("vfs_read"), step::link_create, ENOENT, cause::loaded_for_others, "count");

  const auto load = [&](const char* section) {
    b.machine.calls.clear();
    const barebpf::program_change with[] = {
        object.change_program<"begins">({.load = true, .section = section})};
    return object.load({.programs = with});
  };
  REQUIRE(load("fentry.multi/mod:vfs_*"));
  const auto loaded = b.machine.all("prog_load");
  REQUIRE(loaded.size() == 1);
  CHECK(loaded[0].u32(112) != 0);  // attach_btf_obj_fd
  CHECK(loaded[0].u32(108) == 0);  // attach_btf_id
  {
    // Side by side, those for a module come after the others.
    b.machine.calls.clear();
    const barebpf::program_change with[] = {
        object.change_program<"begins">({.load = true, .section = "fentry.multi/mod:vfs_*"}),
        object.change_program<"ends">({.load = true})};
    std::size_t at_once = 0;
    REQUIRE(object.load({.programs = with}, [&](std::size_t count, const auto& task) {
      at_once = count;
      for (std::size_t i = 0; i < count; ++i) task(i);
    }));
    CHECK(at_once == 1);
    const auto loads = b.machine.all("prog_load");
    REQUIRE(loads.size() == 2);
    CHECK(loads[0].u32(112) == 0);
    CHECK(loads[1].u32(112) != 0);
  }
  REQUIRE(load("fentry.multi/vfs_*"));
  CHECK(b.machine.all("prog_load")[0].u32(112) == 0);
  check_error(load("fentry.multi/none:vfs_*"), step::find_kernel_type, 0, cause::no_such_module,
              "none:vfs_*");
  b.machine.refusals["btf_get_next_id"] = {EPERM};
  check_error(load("fentry.multi/mod:vfs_*"), step::find_kernel_type, EPERM, cause::none, "mod:vfs_*");
  CHECK(b.machine.left_open() == names{"program"});
}

TEST_CASE("each system call that attaches to a pattern fails in turn, and nothing stays", "[functions]") {
  constexpr step types = step::find_kernel_type, list = step::find_traceable, link = step::link_create;
  const std::vector<fault_row> rows = {
      {"openat", types, types},    {"lseek", works, types}, {"mmap", works, types},
      {"lseek", types, types},     {"lseek", types, types}, {"read", types, types, EINTR},
      {"close", works, list},      {"openat", list, list},  {"read", list, list, EINTR},
      {"read", list, list, EINTR}, {"close", works, link},  {"link_create", link, link},
  };
  sweep(
      rows, bench::furnish,
      [](fake_machine& machine) -> std::optional<barebpf::error> {
        const barebpf::fd program = barebpf::fd::own(machine.open("program"));
        const auto attached = bench::attach_there(program, "vfs_read*");
        machine.fault = nullptr;
        if (!attached) return attached.error();
        return std::nullopt;
      },
      [](step at) { return at == step::link_create ? "count" : ""; });
}

TEST_CASE("functions have a form that the kernel can hand to programs, or not", "[functions]") {
  btf_builder types;
  const std::uint32_t word = types.integer("int", 4, 1), wide = types.integer("u128", 16, 0);
  const std::uint32_t pair = types.structure("pair", 16, {{"a", word, 0}});
  const std::uint32_t three = types.structure("three", 24, {{"a", word, 0}});
  const std::uint32_t alias = types.const_type(types.type_definition("pair_t", pair));
  const std::uint32_t pointer = types.pointer(three), number = types.floating("double", 8);
  const std::uint32_t none = types.forward("unknown"), list = types.array(word, word, 2);
  using parameters = std::vector<btf_builder::member>;
  struct {
    std::uint32_t gives;
    parameters takes;
    bool is_plain;
  } const rows[] = {
      {0, {}, true},
      {word, {{"a", word}, {"b", pointer}, {"c", pair}, {"d", alias}}, true},
      {pointer, {}, true},
      {pair, {}, false},
      {alias, {}, false},
      {number, {}, false},
      {word, {{"a", three}}, false},
      {word, {{"a", number}}, false},
      {word, {{"a", none}}, false},
      {word, {{"a", list}}, false},
      {word, {{"a", word}, {"", 0}}, false},  // any number of arguments
      {word, parameters(12, {"a", word}), true},
      {word, parameters(13, {"a", word}), false},
      {word, parameters(6, {"a", wide}), true},
      {word, parameters(7, {"a", wide}), false},
  };
  std::vector<std::uint32_t> ids;
  for (const auto& row : rows)
    ids.push_back(types.function("f", types.function_prototype(row.gives, row.takes), 0));
  ids.push_back(types.function("no_form", word, 0));
  const file_image content = types.content();
  const barebpf::bytes image(content.data(), content.size());
  barebpf::btf read;
  REQUIRE_FALSE(barebpf::btf::open(image, 0, image.size(), read).failed());
  std::vector<std::uint32_t> index(read.index_size());
  read.build_index(index.data());
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    CAPTURE(i);
    CHECK(barebpf::detail::has_plain_form(read, read.type(ids[i])) == rows[i].is_plain);
  }
  CHECK_FALSE(barebpf::detail::has_plain_form(read, read.type(ids.back())));
}

TEST_CASE("the place of a program on functions is a pattern, perhaps in a module", "[functions]") {
  const auto length = [](const char* name) {
    return barebpf::write_place(attach_way::tracing_multi, name, nullptr, 0);
  };
  CHECK(length("vfs_*") == 5);
  CHECK(length("veth:veth_*") == 11);
  for (const char* bad : {"", ":", "veth:", ":vfs_*", "a:b:c", "::"}) {
    CAPTURE(bad);
    CHECK(length(bad) == 0);
  }
}
