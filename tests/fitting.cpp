// SPDX-License-Identifier: MIT
// CO-RE on kernels of all ages.
#include <string>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"
#include "task_fields.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::core_way;
using barebpf::load_policy;
using barebpf::step;
using names = std::vector<std::string>;

constexpr barebpf::static_object<task_fields> fields;
constexpr load_policy by_library{.core = core_way::library};
constexpr load_policy by_kernel{.core = core_way::kernel};
constexpr load_policy newest{.oldest_kernel = barebpf::kernel(5, 17)};
constexpr const char* path = "/sys/kernel/btf/vmlinux";

// A kernel that has the pid at 1236, or none at all.
btf_builder kernel_builder(const char* pid = "pid") {
  btf_builder types;
  const auto integer = types.integer("int", 4, 1);
  const auto pointer = types.pointer(0);
  types.structure("task_struct", 4096,
                  {{"flags", integer, 64},
                   {pid, integer, 9888},
                   {"real_parent", pointer, 128},
                   {"signal", pointer, 256}});
  const auto signal = types.structure("signal_struct", 64, {{"is_child_subreaper", integer, 1u << 24 | 33}});
  put32(types.types, types.starts.at(signal) + 4, 1u << 31 | 4u << 24 | 1);
  types.enumeration("bpf_map_type", 4, {{"BPF_MAP_TYPE_RINGBUF", 27}});
  return types;
}
std::string as_string(const file_image& content) { return std::string(content.begin(), content.end()); }
std::string kernel_types(const char* pid = "pid") { return as_string(kernel_builder(pid).content()); }
// The types of a module of that kernel: structs with an int called pid. Ids and strings go on where the kernel's end.
std::string module_types(const names& structs) {
  const btf_builder kernel = kernel_builder();
  btf_builder own;
  own.strings.clear();
  const auto name = [&](const std::string& called) {
    const auto at = static_cast<std::uint32_t>(kernel.strings.size() + own.strings.size());
    own.strings += called + '\0';
    return at;
  };
  for (const std::string& called : structs)
    for (const std::uint32_t word : {name(called), 4u << 24 | 1, 4u, name("pid"), 1u, 0u})
      append32(own.types, word);
  return as_string(own.content());
}

// core_relo_cnt of BPF_PROG_LOAD.
std::uint32_t relocations_of(const seen_call& call) { return call.u32(116); }
// How many instructions say rX = number.
int moves_of(const seen_call& call, std::uint32_t number) {
  int count = 0;
  for (std::size_t i = 0; i * 8 < call.payload.size(); ++i) {
    std::uint32_t immediate = 0;
    std::memcpy(&immediate, call.payload.data() + i * 8 + 4, 4);
    count += call.payload[i * 8] == 0xb7 && immediate == number;
  }
  return count;
}
bool is_fitted(const seen_call& call) {
  return relocations_of(call) == 0 && call.u64(128) == 0 && call.u32(136) == 0 && moves_of(call, 1236) > 1;
}
bool is_for_the_kernel(const seen_call& call) {
  return relocations_of(call) != 0 && call.u64(128) != 0 && call.u32(136) == 16 && moves_of(call, 1236) == 0;
}

barebpf::object open() { return std::move(*barebpf::object::open(task_fields, sizeof task_fields)); }

}  // namespace

TEST_CASE("a kernel that can fits the program to itself, and its types stay unread", "[fitting]") {
  fake_machine machine;
  REQUIRE(fields.load());
  REQUIRE(fields.load<newest>());
  REQUIRE(open().load());
  for (const seen_call& call : machine.all("prog_load")) CHECK(is_for_the_kernel(call));
  CHECK(machine.all("prog_load").size() == 3);
  CHECK(machine.all("openat").empty());
  CHECK(machine.all("uname").empty());
}

TEST_CASE("for a kernel that is too old the library fits it", "[fitting]") {
  const auto load = [](auto&& loads, int refusal) {
    fake_machine machine;
    machine.files[path] = kernel_types();
    machine.release = "5.15.0";
    machine.refusals["prog_load"] = {refusal};
    REQUIRE(loads());
    const auto seen = machine.all("prog_load");
    REQUIRE(seen.size() == 2);
    CHECK(is_for_the_kernel(seen[0]));
    CHECK(is_fitted(seen[1]));
  };
  for (const int refusal : {E2BIG, EINVAL}) {
    load([] { return fields.load().has_value(); }, refusal);
    load([] { return fields.load({}).has_value(); }, refusal);
    load([] { return open().load().has_value(); }, refusal);
  }
}

TEST_CASE("the library fits it at once where that was chosen, or where no kernel could", "[fitting]") {
  const auto load = [](auto&& loads, bool without_types) {
    fake_machine machine;
    machine.files[path] = kernel_types();
    if (without_types) machine.refusals["btf_load"] = {EINVAL};
    REQUIRE(loads());
    const auto seen = machine.all("prog_load");
    REQUIRE(seen.size() == 1);
    CHECK(is_fitted(seen[0]));
    CHECK(machine.all("openat").size() == 1);
  };
  load([] { return fields.load<by_library>().has_value(); }, false);
  load([] { return open().load<by_library>().has_value(); }, false);
  // Without the types of its functions a kernel would leave the instructions as they are.
  load([] { return fields.load().has_value(); }, true);
  load([] { return open().load().has_value(); }, true);
}

TEST_CASE("where only the kernel may fit it, one that cannot is told of", "[fitting]") {
  fake_machine machine;
  machine.files[path] = kernel_types();
  machine.release = "5.16.3";
  for (const int refusal : {E2BIG, EINVAL}) {
    machine.refusals["prog_load"] = {refusal, refusal, refusal};
    for (const auto& why : {fields.load<by_kernel>().error(), fields.load<newest>().error(),
                            open().load<by_kernel>().error()}) {
      CHECK(why.at == step::prog_load);
      CHECK(why.code == refusal);
      CHECK(why.why == cause::newer_core);
    }
  }
  machine.refusals["btf_load"] = {EPERM};
  CHECK(fields.load<by_kernel>().error().at == step::btf_load);
  CHECK(machine.all("openat").empty());
}

TEST_CASE("what a new kernel refuses is fitted and offered once more", "[fitting]") {
  fake_machine machine;
  machine.files[path] = kernel_types();
  machine.refusals["prog_load"] = {EINVAL};
  REQUIRE(fields.load());
  CHECK(is_fitted(machine.all("prog_load").back()));
  machine.calls.clear();
  machine.refusals["prog_load"] = {EINVAL, EINVAL};  // without a log and with one
  barebpf::verifier_log log;
  REQUIRE(fields.load({.log = &log}));
  const auto seen = machine.all("prog_load");
  REQUIRE(seen.size() == 3);
  CHECK(seen[1].u32(24) == 1);  // log_level
  CHECK(is_fitted(seen[2]));
  CHECK(seen[2].u32(24) == 0);
  CHECK(seen[2].u64(32) == 0);
  CHECK(log.said().empty());

  // What is refused for other reasons is not.
  machine.calls.clear();
  machine.refusals["prog_load"] = {EACCES};
  CHECK(fields.load().error().code == EACCES);
  CHECK(machine.all("prog_load").size() == 1);

  // The kernel's own answer is the one that counts when the types cannot be read.
  machine.files.clear();
  machine.refusals["prog_load"] = {EINVAL};
  const auto why = fields.load().error();
  CHECK(why.at == step::prog_load);
  CHECK(why.code == EINVAL);
}

TEST_CASE("a kernel without types, or with damaged ones, is told of by name", "[fitting]") {
  fake_machine machine;
  const auto refused = [&] {
    const auto why = fields.load<by_library>().error();
    CHECK(why.at == step::fit_program);
    CHECK(std::string(why.name) == "look");
    CHECK(machine.left_open() == names{});
    return why;
  };
  CHECK(refused().code == ENOENT);
  machine.files[path] = kernel_types().substr(0, 60);
  CHECK(refused().why == cause::bad_btf_header);
  machine.files[path] = kernel_types();
  machine.refusals["read"] = {EIO};
  CHECK(refused().code == EIO);
  // What it does not have is for the verifier to find, which may never come there.
  machine.files[path] = kernel_types("another");
  REQUIRE(fields.load<by_library>());
  CHECK(moves_of(machine.all("prog_load").back(), 1236) == 0);
}

TEST_CASE("a type that the kernel lacks may be a module's", "[fitting]") {
  const auto code_with = [](const std::vector<names>& modules) {
    fake_machine machine;
    machine.files[path] = kernel_types();
    machine.types = {{"vmlinux", kernel_types()}, {"", "a program's", false}, {"damaged", "no types"}};
    for (const names& structs : modules) machine.types.push_back({"module", module_types(structs)});
    REQUIRE(fields.load<by_library>());
    CHECK(machine.left_open() == names{});
    CHECK(is_fitted(machine.all("prog_load").back()));
    return machine.all("prog_load").back();
  };
  const seen_call without = code_with({{"another"}});
  // The kernel's own task_struct is the one that is meant.
  for (const auto& modules : {std::vector<names>{{"another"}, {"gone_type"}},
                              std::vector<names>{{"task_struct", "gone_type"}, {"gone_type"}}}) {
    const seen_call with = code_with(modules);
    REQUIRE(with.payload.size() == without.payload.size());
    int changed = 0;
    for (std::size_t i = 0; i * 8 < with.payload.size(); ++i) {
      if (with.instruction(i) == without.instruction(i)) continue;
      ++changed;
      CHECK(without.instruction(i)[4] == 0);
      CHECK(with.instruction(i)[4] == 1);  // it exists
    }
    CHECK(changed == 1);
  }
}

TEST_CASE("modules are not asked where the types to fit to are given, or nothing is missing", "[fitting]") {
  const std::string given = kernel_types();
  fake_machine machine;
  machine.files[path] = given;
  machine.types = {{"module", module_types({"gone_type"})}};
  const auto* const first = reinterpret_cast<const unsigned char*>(given.data());
  REQUIRE(fields.load({.target_btf = {first, given.size()}}));
  CHECK(machine.all("btf_get_next_id").empty());

  btf_builder all = kernel_builder();
  all.structure("gone_type", 4, {{"member", 1, 0}});
  machine.files[path] = as_string(all.content());
  REQUIRE(fields.load<by_library>());
  CHECK(machine.all("btf_get_next_id").empty());
}

TEST_CASE("what two types of the kernel answer differently is told of by name", "[fitting]") {
  fake_machine machine;
  auto types = kernel_builder();
  constexpr std::uint32_t integer = 1, pointer = 2;
  types.structure("task_struct", 4096,
                  {{"flags", integer, 64},
                   {"pid", integer, 9920},
                   {"real_parent", pointer, 128},
                   {"signal", pointer, 256}});
  machine.files[path] = as_string(types.content());

  const auto why = fields.load<by_library>().error();

  CHECK(why.at == step::fit_program);
  CHECK(why.why == cause::core_ambiguous);
}

TEST_CASE("types that are given are fitted to in turn, whoever runs what can be loaded at once",
          "[fitting]") {
  fake_machine machine;
  const std::string types = kernel_types();
  std::size_t at_once = 0;
  const auto run = [&](std::size_t count, const auto& load) {
    at_once += count;
    for (std::size_t i = 0; i < count; ++i) load(i);
  };

  REQUIRE(
      fields.load({.target_btf = {reinterpret_cast<const unsigned char*>(types.data()), types.size()}}, run));

  CHECK(at_once == 0);
  REQUIRE(machine.all("prog_load").size() == 1);
  CHECK(is_fitted(machine.all("prog_load")[0]));
}

TEST_CASE("a program whose functions nobody describes is not left to the kernel", "[fitting]") {
  hits_object made;
  const auto type = made.types.structure("task_struct", 4, {{"pid", made.int_type}});
  btf_ext_builder ext;
  ext.core.runs.push_back({made.types.name("tracepoint/a/b"), {{16, type, made.types.name("0:0"), 0}}});
  made.more_sections.push_back({.name = ".BTF.ext", .type = 1, .content = ext.content()});
  const file_image image = made.build();
  const auto opened = barebpf::object::open(image.data(), image.size());
  REQUIRE(opened);
  fake_machine machine;

  const auto refused = opened->load<by_kernel>();

  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::prog_load);
  CHECK(refused.error().why == cause::core_without_functions);
  CHECK(machine.all("prog_load").empty());
}
