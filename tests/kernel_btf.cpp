// SPDX-License-Identifier: MIT
#include <string>

#include "attach_tracing.bpf.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

using barebpf::cause;
using barebpf::kernel_type_need;
using barebpf::section_rest;
using barebpf::step;
using names = std::vector<std::string>;

namespace {

constexpr barebpf::static_object<attach_tracing> tracing;

constexpr const char* path = "/sys/kernel/btf/vmlinux";

// What the kernel would show: a function and a tracepoint of the same name, and an iterator.
std::string kernel_types() {
  btf_builder types;
  const std::uint32_t word = types.integer("int", 4, 1);           // 1
  const std::uint32_t prototype = types.function_prototype(word);  // 2
  types.function("sched_switch", prototype, 0);                    // 3
  types.type_definition("btf_trace_sched_switch", prototype);      // 4
  types.function("bpf_iter_task", prototype, 0);                   // 5
  types.type_definition("sched_switch", prototype);                // 6
  types.function("sched_switch", prototype, 0);                    // 7, a static one of the same name
  types.function("bpf_lsm_sched_switch", prototype, 0);            // 8
  const file_image content = types.content();
  return std::string(content.begin(), content.end());
}

struct found {
  bool all = false;
  std::uint32_t ids[4] = {};
  barebpf::outcome row;
};
found find(const std::vector<kernel_type_need>& needs) {
  found out;
  out.all = find_kernel_types(needs.data(), static_cast<std::uint32_t>(needs.size()), out.ids, out.row);
  return out;
}

}  // namespace

TEST_CASE("types of the kernel are found by what they are, in one reading for all", "[kernel_btf]") {
  fake_machine machine;
  machine.files[path] = kernel_types();
  const found all = find({{section_rest::tracepoint, "sched_switch"},
                          {},
                          {section_rest::iterator, "task"},
                          {section_rest::function, "sched_switch"}});
  CHECK(all.all);
  CHECK(find({{section_rest::hook, "sched_switch"}}).ids[0] == 8);
  CHECK(all.ids[0] == 4);
  CHECK(all.ids[1] == 0);
  CHECK(all.ids[2] == 5);
  CHECK(all.ids[3] == 3);
  CHECK(machine.all("openat").size() == 2);  // once each time
  CHECK(machine.left_open() == names{});
}

TEST_CASE("programs that are made for nothing leave the kernel's types unread", "[kernel_btf]") {
  fake_machine machine;
  CHECK(find({{}, {section_rest::place, "group/event"}, {section_rest::replaced, "answer"}}).all);
  CHECK(machine.calls.empty());
}

TEST_CASE("what the kernel does not have is told by its kind", "[kernel_btf]") {
  fake_machine machine;
  machine.files[path] = kernel_types();
  struct {
    section_rest what;
    const char* name;
    cause why;
  } const rows[] = {{section_rest::function, "sched_switc", cause::no_kernel_function},
                    {section_rest::function, "sched_switch2", cause::no_kernel_function},
                    {section_rest::function, "int", cause::no_kernel_function},
                    {section_rest::hook, "task", cause::no_kernel_hook},
                    {section_rest::tracepoint, "task", cause::no_kernel_tracepoint},
                    {section_rest::iterator, "sched_switch", cause::no_kernel_iterator}};
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const found none = find({{section_rest::iterator, "task"}, {row.what, row.name}});
    CHECK_FALSE(none.all);
    CHECK(none.row.failed());
    CHECK(none.row.at == step::find_kernel_type);
    CHECK(none.row.why == row.why);
    CHECK(std::string(none.row.subject) == row.name);
  }
}

TEST_CASE("a kernel without types, or with damaged ones, is told of", "[kernel_btf]") {
  fake_machine machine;
  const std::vector<kernel_type_need> needs = {{section_rest::function, "sched_switch"}};
  found none = find(needs);
  CHECK_FALSE(none.all);
  CHECK(none.row.at == step::find_kernel_type);
  CHECK(none.row.answer == -ENOENT);

  machine.files[path] = kernel_types().substr(0, 60);
  none = find(needs);
  CHECK_FALSE(none.all);
  CHECK(none.row.why == cause::bad_btf_header);
  machine.refusals["read"] = {EIO};
  CHECK(find(needs).row.answer == -EIO);
  CHECK(machine.left_open() == names{});
}

TEST_CASE("a program whose new target is missing is left out once, and its old one is not looked for",
          "[kernel_btf]") {
  fake_machine machine;
  btf_builder types;
  const std::uint32_t prototype = types.function_prototype(0);
  types.function("bpf_iter_task", prototype, 0);
  const file_image content = types.content();
  machine.files[path] = std::string(content.begin(), content.end());
  const barebpf::program_change changes[] = {
      tracing.change_program<"typed">({.section = "fentry/barebpf_no_such_function"})};
  barebpf::refused_program room[4];
  barebpf::refused_programs refused(room);

  const auto loaded = tracing.load({.programs = changes, .refused = &refused});

  REQUIRE(loaded.has_value());
  REQUIRE(refused.size() == 1);
  CHECK(refused.begin()->why.why == cause::no_kernel_function);
  CHECK_FALSE(loaded->program<"typed">().is_open());
  CHECK(loaded->program<"tasks">().is_open());
}

TEST_CASE("a program that is made for a tracepoint is loaded with its id, and others without one",
          "[kernel_btf]") {
  fake_machine machine;
  btf_builder types;
  const std::uint32_t prototype = types.function_prototype(0);
  types.type_definition("btf_trace_sys_enter", prototype);  // 2
  types.function("bpf_iter_bpf_map_elem", prototype, 0);    // 3
  types.function("bpf_iter_task", prototype, 0);            // 4
  const file_image content = types.content();
  machine.files[path] = std::string(content.begin(), content.end());

  const barebpf::program_change elements[] = {tracing.change_program<"elements">({.load = true})};
  REQUIRE(tracing.load({.programs = elements}));
  std::map<std::string, std::vector<std::uint32_t>> seen;
  for (const seen_call& call : machine.all("prog_load"))
    seen[call.text(48)] = {call.u32(0), call.u32(68), call.u32(108), call.u32(44)};
  CHECK(seen["raw"] == std::vector<std::uint32_t>{17, 0, 0, 0});
  CHECK(seen["typed"] == std::vector<std::uint32_t>{26, 23, 2, 0});     // BPF_TRACE_RAW_TP
  CHECK(seen["elements"] == std::vector<std::uint32_t>{26, 28, 3, 0});  // BPF_TRACE_ITER
  CHECK(seen["tasks"] == std::vector<std::uint32_t>{26, 28, 4, 0});
  CHECK(seen["doubles"] == std::vector<std::uint32_t>{31, 0, 0, 16});  // it may sleep
  CHECK(seen.count("never") == 0);
  CHECK(machine.all("openat").size() == 1);

  machine.files.clear();
  const auto refused = tracing.load();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::find_kernel_type);
  CHECK(refused.error().code == ENOENT);
}
