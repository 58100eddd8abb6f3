// SPDX-License-Identifier: MIT
#include <string>

#include "congestion.bpf.hpp"
#include "congestion_links.bpf.hpp"
#include "stray_operation.bpf.hpp"
#include "support/both_forms.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/fault_sweep.hpp"
#include "support/library.hpp"
#include "support/operations_object.hpp"
#include "support/reading.hpp"
#include "support/whole_objects.hpp"

using barebpf::cause;
using barebpf::map_origin;
using barebpf::object;
using barebpf::step;
using barebpf::u32;

namespace {

// A kernel that has the struct of the congestion controls in bpf_progs.
struct congestion_kernel : operations_kernel {
  congestion_kernel() {
    struct_name = "tcp_congestion_ops";
    members = {{"ssthresh", function, 0},
               {"cong_avoid", function, 64},
               {"undo_cwnd", function, 128},
               {"init", function, 192},
               {"name", types.array(char_type, int_type, 16), 256},
               {"flags", int_type, 384}};
    size = 56;
  }
};

// A kernel whose types are those.
void give_types(fake_machine& machine, operations_kernel& kernel) {
  const file_image content = kernel.build();
  machine.files["/sys/kernel/btf/vmlinux"] = std::string(content.begin(), content.end());
}

object open_image(const file_image& image) {
  auto out = object::open(image.data(), image.size());
  REQUIRE(out);
  return std::move(*out);
}
barebpf::error refusal_of(const file_image& image, const barebpf::load_options& options = {}) {
  const auto loaded = open_image(image).load(options);
  REQUIRE_FALSE(loaded);
  return loaded.error();
}

std::vector<seen_call> calls_of(const fake_machine& machine, const std::string& name) {
  std::vector<seen_call> out;
  for (const seen_call& call : machine.calls)
    if (call.name == name) out.push_back(call);
  return out;
}
u32 word_at(const std::vector<unsigned char>& from, std::size_t at) {
  u32 out = 0;
  std::memcpy(&out, from.data() + at, sizeof out);
  return out;
}

}  // namespace

TEST_CASE("each variable of .struct_ops is a map, and its relocations say which member is which program",
          "[struct_ops]") {
  operations_object made;
  const reading read(made.build());
  REQUIRE_FALSE(read.fault.failed());
  CHECK(read.kept_inside());
  REQUIRE(read.facts.maps == 2);
  REQUIRE(read.facts.programs == 2);
  CHECK(read.facts.variables == 0);
  const barebpf::map_spec &first = read.map(read.find_map("first")),
                          &second = read.map(read.find_map("second"));
  for (const barebpf::map_spec* map : {&first, &second}) {
    CHECK(map->origin == map_origin::operations);
    CHECK_FALSE(map->is_for_variables());
    CHECK_FALSE(map->has_data());
    CHECK(map->type == static_cast<u32>(barebpf::map_type::struct_ops));
    CHECK(map->key_size == 4);
    CHECK(map->max_entries == 1);
    CHECK(map->image_size == 32);
  }
  CHECK(first.map_flags == barebpf::map_flag::link);
  CHECK(second.map_flags == 0);
  CHECK_FALSE(first.is_optional);
  CHECK(second.is_optional);
  CHECK(first.image_at == made.first_place());
  REQUIRE(first.slot_count == 2);
  REQUIRE(second.slot_count == 1);
  CHECK(read.slot(first.first_slot).slot == 1);
  CHECK(read.program(read.slot(first.first_slot).target).kind.type == barebpf::abi::prog_type::struct_ops);
  CHECK(string_at(read.facts.image, read.program(read.slot(first.first_slot).target).name) == "starts");
  CHECK(read.slot(first.first_slot + 1).slot == 2);
  CHECK(string_at(read.facts.image, read.program(read.slot(first.first_slot + 1).target).name) == "stops");
  CHECK(read.slot(second.first_slot).slot == 1);
}

TEST_CASE("structs of functions that contradict themselves are refused", "[struct_ops]") {
  struct row {
    const char* what;
    void (*change)(operations_object&);
    cause why;
    const char* subject;
  };
  using made = operations_object;
  const row rows[] = {
      {"no struct", [](made& o) { o.size = 0; }, cause::operations_are_no_struct, "first"},
      {"past the end", [](made& o) { o.first_at = 8; }, cause::variable_outside_section, "first"},
      {"no member there",
       [](made& o) {
         o.first_fills = {{made::start_at + 4, 1}};
       },
       cause::bad_operation, "first"},
      {"no function",
       [](made& o) {
         o.first_fills = {{made::amount_at, 1}};
       },
       cause::bad_operation, "amount"},
      {"behind all",
       [](made& o) {
         o.first_fills = {{32, 1}};
       },
       cause::bad_operation, ""},
      {"far behind",
       [](made& o) {
         o.first_fills = {{0x100000008, 1}};
       },
       cause::bad_operation, ""},
      {"twice",
       [](made& o) {
         o.first_fills = {{8, 1}, {8, 1}};
       },
       cause::bad_operation, "first"},
      {"no symbol",
       [](made& o) {
         o.first_fills = {{8, 99}};
       },
       cause::bad_symbol, "start"},
      {"undefined",
       [](made& o) {
         o.first_fills = {{8, made::missing_symbol}};
       },
       cause::undefined_symbol, "missing"},
      {"static",
       [](made& o) {
         o.first_fills = {{8, made::beside_symbol}};
       },
       cause::operation_is_no_program, "start"},
      {"inside a program", [](made& o) { put64(o.first, 8, 8); }, cause::operation_is_no_program, "start"},
      {"another type", [](made& o) { o.starts_section = "xdp"; }, cause::operation_is_no_program, "start"},
      {"members out of order", [](made& o) { std::swap(o.members[1].bit, o.members[2].bit); },
       cause::bad_operation, "first"},
      {"a function past the end",
       [](made& o) {
         o.members[3] = {"late", o.function, 224};
         o.first_fills = {{28, 1}};
       },
       cause::bad_operation, "late"},
      {"one over the other", [](made& o) { o.second_section = o.first_section; }, cause::operations_overlap,
       "second"},
  };
  for (const row& one : rows) {
    CAPTURE(one.what);
    operations_object object;
    one.change(object);
    const file_image& image = object.build();
    const reading read(image);
    CHECK(read.kept_inside());
    CHECK(read.fault.why == one.why);
    CHECK(read.fault.section != 0);
    CHECK(read.fault.offset != 0);
    CHECK((read.fault.subject == 0 ? std::string() : subject_of(image, read.fault)) == one.subject);
  }
}

TEST_CASE("a struct of functions gets the kernel's form, by the names of its members", "[struct_ops]") {
  fake_machine machine;
  operations_kernel kernel;
  give_types(machine, kernel);
  operations_object made;
  const auto loaded = open_image(made.build()).load();
  REQUIRE(loaded);

  const auto maps = calls_of(machine, "map_create");
  REQUIRE(maps.size() == 1);  // the other is made for those who ask
  CHECK(maps[0].u32(0) == 26);
  CHECK(maps[0].u32(8) == kernel.value_size);
  CHECK(maps[0].u32(16) == barebpf::map_flag::link);
  CHECK(calls_of(machine, "btf_load").size() == 1);
  CHECK(maps[0].u32(52) == 0);
  CHECK(maps[0].u32(56) == 0);
  CHECK(maps[0].u32(60) == kernel.wrapper);
  const auto programs = calls_of(machine, "prog_load");
  REQUIRE(programs.size() == 2);
  for (const seen_call& call : programs) CHECK(call.u32(108) == kernel.operations);
  CHECK(programs[0].u32(68) == 3);  // start
  CHECK(programs[1].u32(68) == 1);  // stop

  const auto attached = loaded->attach_struct_ops("first");
  REQUIRE(attached);
  CHECK(attached->is_link());
  const auto updates = calls_of(machine, "map_update_elem");
  REQUIRE(updates.size() == 1);
  const raw_bytes value = machine.first_value((*loaded->map_descriptor("first"))->number());
  REQUIRE(value.size() == kernel.value_size);
  CHECK(std::string(reinterpret_cast<const char*>(value.data() + 64 + 32)) == "first");
  CHECK(word_at(value, 64 + 16) == 7);
  CHECK(word_at(value, 64 + 24) == (*loaded->program("starts"))->raw());
  CHECK(word_at(value, 64 + 8) == (*loaded->program("stops"))->raw());
  CHECK(word_at(value, 64) == 0);
  CHECK(word_at(value, 0) == 0);
  CHECK(loaded->attach_struct_ops("second").error().why == cause::map_left_out);
  // The value stays in it, and another link does.
  REQUIRE(loaded->attach_struct_ops("first"));
  REQUIRE(loaded->update_struct_ops(*attached, "first"));
  CHECK(calls_of(machine, "link_update").size() == 1);
}

TEST_CASE("without a link a map is emptied when its attachment goes", "[struct_ops]") {
  fake_machine machine;
  operations_kernel kernel;
  give_types(machine, kernel);
  operations_object made;
  made.first_section = ".struct_ops";
  const auto loaded = open_image(made.build()).load();
  REQUIRE(loaded);
  {
    const auto attached = loaded->attach_struct_ops("first");
    REQUIRE(attached);
    CHECK_FALSE(attached->is_link());
    CHECK(loaded->update_struct_ops(*attached, "first").error().why == cause::operations_not_linked);
    CHECK(calls_of(machine, "map_delete_elem").empty());
    const auto again = loaded->attach_struct_ops("first");
    REQUIRE_FALSE(again);
    CHECK(again.error().at == step::register_operations);
    CHECK(again.error().code == EBUSY);
    CHECK(std::string(again.error().name) == "first");
  }
  CHECK(calls_of(machine, "map_delete_elem").size() == 1);
  CHECK(calls_of(machine, "link_create").empty());
  auto left = loaded->attach_struct_ops("first");
  REQUIRE(left);
  left->leave();
  CHECK(calls_of(machine, "map_delete_elem").size() == 1);
}

TEST_CASE("a struct whose section begins with a question mark is made for those who ask", "[struct_ops]") {
  fake_machine machine;
  operations_kernel kernel;
  give_types(machine, kernel);
  operations_object made;
  made.first_section = "?.struct_ops.link";
  made.stops_section = "?struct_ops";
  const object opened = open_image(made.build());
  {
    REQUIRE(opened.load());
    CHECK(calls_of(machine, "map_create").empty());
    CHECK(calls_of(machine, "prog_load").empty());
    CHECK(calls_of(machine, "openat").empty());
  }
  const barebpf::map_change asked[] = {*opened.change("first", {})};
  const auto loaded = opened.load({.maps = asked});
  REQUIRE(loaded);
  CHECK(calls_of(machine, "map_create").size() == 1);
  CHECK(loaded->program("stops"));  // the struct asks for it
  const barebpf::program_change without[] = {*opened.change_program("stops", {.load = false})};
  const auto less = opened.load({.maps = asked, .programs = without});
  REQUIRE(less);
  CHECK(less->program("stops").error().why == cause::not_loaded);
}

TEST_CASE("a program that is for those who ask is loaded with the struct that has it", "[struct_ops]") {
  const barebpf::operation_program programs[] = {{.is_optional = true}, {.is_optional = true}};
  const barebpf::operation_member members[] = {{.program = barebpf::not_found}, {.program = 1}};
  for (const bool is_optional : {false, true}) {
    const barebpf::operation_struct one{.member_count = 2, .is_optional = is_optional};
    const barebpf::operation_records records{.image = {},
                                             .structs = &one,
                                             .members = members,
                                             .programs = programs,
                                             .struct_count = 1,
                                             .program_count = 2};
    bool left_out[] = {true, true};
    choose_for_operations(records, barebpf::no_options{}, left_out);
    CHECK(left_out[0]);
    CHECK(left_out[1] == is_optional);
  }
}

TEST_CASE("what does not fit the kernel's struct is refused, and nothing is made", "[struct_ops]") {
  struct row {
    const char* what;
    void (*change)(operations_object&, operations_kernel&);
    cause why;
    const char* name;
  };
  using made = operations_object;
  using known = operations_kernel;
  const row rows[] = {
      {"another name", [](made&, known& k) { k.struct_name = "rain_ops2"; }, cause::no_kernel_operations,
       ".struct_ops.link:rain_ops___own"},
      {"the struct past its wrapper", [](made&, known& k) { k.value_size = 96; }, cause::no_kernel_operations,
       ".struct_ops.link:rain_ops___own"},
      {"a member the kernel lacks", [](made&, known& k) { k.members[2].name = "other"; },
       cause::no_kernel_operation, ".struct_ops.link:amount"},
      {"a bit field", [](made& o, known&) { o.members[3].bit = 193; }, cause::operation_bit_field,
       ".struct_ops.link:amount"},
      {"another kind", [](made&, known& k) { k.members[2].type = k.function; }, cause::another_operation,
       ".struct_ops.link:amount"},
      {"another size", [](made&, known& k) { k.members[2].type = k.char_type; }, cause::another_operation,
       ".struct_ops.link:amount"},
      {"no function there", [](made&, known& k) { k.members[1].type = k.members[0].type; },
       cause::another_operation, ".struct_ops.link:stop"},
      {"past the kernel's end", [](made&, known& k) { k.members[2].bit = 320; }, cause::another_operation,
       ".struct_ops.link:amount"},
      {"an address",
       [](made& o, known&) {
         o.first_fills.pop_back();
         put64(o.first, 8, 4096);
       },
       cause::operation_is_no_program, ".struct_ops.link:start"},
      {"one program for two",
       [](made& o, known&) {
         o.first_fills = {{8, 1}, {16, 1}};
       },
       cause::operation_of_two, ".struct_ops.link:stop"},
      {"members over each other",
       [](made& o, known&) {
         o.members[3] = {"name", o.name, 192}, o.members[0].bit = 192, o.size = 32;
         o.members.push_back({"name", o.name, 192});
       },
       cause::bad_btf_type, ".struct_ops.link:name"},
      {"a program of none",
       [](made& o, known&) {
         o.first_fills = {{8, 1}};
       },
       cause::operation_of_nothing, "struct_ops:stops"},
  };
  for (const row& one : rows) {
    CAPTURE(one.what);
    fake_machine machine;
    operations_object object;
    operations_kernel kernel;
    one.change(object, kernel);
    give_types(machine, kernel);
    const barebpf::error why = refusal_of(object.build());
    CHECK(why.at == step::fit_operations);
    CHECK(why.why == one.why);
    CHECK(why.code == 0);
    CHECK(why.offset != 0);
    CHECK(std::string(why.name) == one.name);
    CHECK(calls_of(machine, "map_create").empty());
    CHECK(calls_of(machine, "prog_load").empty());
  }
}

TEST_CASE("a program whose member the kernel lacks is not loaded", "[struct_ops]") {
  fake_machine machine;
  operations_object made;
  operations_kernel kernel;
  kernel.members[1].name = "halt";
  give_types(machine, kernel);
  const auto loaded = open_image(made.build()).load();
  REQUIRE(loaded);
  CHECK(calls_of(machine, "prog_load").size() == 1);
  CHECK(loaded->program("stops").error().why == cause::not_loaded);
}

TEST_CASE("a kernel without types has no structs for functions", "[struct_ops]") {
  fake_machine machine;
  operations_object made;
  const barebpf::error why = refusal_of(made.build());
  CHECK(why.at == step::fit_operations);
  CHECK(why.code == ENOENT);
}

TEST_CASE("whichever call fails while a struct is made and registered, nothing stays", "[struct_ops]") {
  for (const bool is_linked : {true, false}) {
    operations_object made;
    if (!is_linked) made.first_section = ".struct_ops";
    const file_image& image = made.build();
    const object opened = open_image(image);
    std::vector<fault_row> rows = {
        {"openat", step::fit_operations, step::fit_operations},
        {"lseek", works, step::fit_operations},  // to map it; it is read all the same
        {"mmap", works, step::fit_operations},
        {"lseek", step::fit_operations, step::fit_operations},
        {"lseek", step::fit_operations, step::fit_operations},
        {"read", step::fit_operations, step::fit_operations, EINTR},
        {"close", works, step::btf_load},
        {"btf_load", step::btf_load, step::btf_load},
        {"map_create", step::map_create, step::map_create, 0, works, "first"},
        {"prog_load", step::prog_load, step::prog_load, 0, works, "starts"},
        {"prog_load", step::prog_load, step::prog_load, 0, works, "stops"},
        {"close", works, step::register_operations}};  // of the types
    if (!is_linked) rows.push_back({"fcntl", step::register_operations, step::register_operations});
    rows.push_back({"map_update_elem", step::register_operations, step::register_operations});
    if (is_linked) rows.push_back({"link_create", step::register_operations, step::register_operations});
    sweep(
        rows,
        [](fake_machine& machine) {
          operations_kernel kernel;
          give_types(machine, kernel);
        },
        [&](fake_machine& machine) -> std::optional<barebpf::error> {
          const auto loaded = opened.load();
          if (!loaded) return loaded.error();
          const auto attached = loaded->attach_struct_ops("first");
          if (!attached) return attached.error();
          machine.fault = nullptr;
          return std::nullopt;
        },
        [](step at) { return at == step::register_operations ? "first" : ""; });
  }
}

TEST_CASE("a kernel that has not read its types yet is made to by a program that does nothing",
          "[struct_ops]") {
  operations_object made;
  const file_image& image = made.build();
  for (const int refusals : {1, 2}) {
    fake_machine machine;
    operations_kernel kernel;
    give_types(machine, kernel);
    // Behind the kernel's types (7 calls) and the object's: map_create, prog_load, map_create.
    machine.fault = [&](std::size_t index) {
      return index == 8 || (refusals == 2 && index == 10) ? barebpf::ENOTSUPP_kernel : 0;
    };
    const auto loaded = open_image(image).load();
    machine.fault = nullptr;
    CHECK(calls_of(machine, "map_create").size() == 2);
    const auto programs = calls_of(machine, "prog_load");
    REQUIRE(programs.size() == (refusals == 1 ? 3 : 1));
    CHECK(programs[0].u32(0) == 1);  // a socket filter
    CHECK(programs[0].u32(4) == 2);
    REQUIRE(loaded.has_value() == (refusals == 1));
    if (!loaded) {
      CHECK(loaded.error().at == step::map_create);
      CHECK(loaded.error().code == barebpf::ENOTSUPP_kernel);
      CHECK(machine.left_open() == std::vector<std::string>{});
    }
  }
}

namespace {

// What `act` does with the object in `Image` is the same for the kernel in both forms.
template <const auto& Image, class Act>
void check_both_forms(Act act) {
  std::vector<std::vector<seen_call>> seen;
  in_both_forms<Image>([&](const auto& object) {
    fake_machine machine;
    congestion_kernel kernel;
    give_types(machine, kernel);
    act(object);
    seen.push_back(machine.calls);
  });
  REQUIRE(seen.size() == 2);
  check_same_calls(seen[0], seen[1]);
}

}  // namespace

TEST_CASE("structs of functions are told to the kernel alike, whoever has read the object", "[struct_ops]") {
  check_both_forms<congestion>([](const auto& object) {
    const auto loaded = object.load();
    REQUIRE(loaded);
    CHECK(loaded->template attach_struct_ops<"bare_reno">());
  });
  check_both_forms<congestion_links>([](const auto& object) {
    const auto loaded = object.load();
    REQUIRE(loaded);
    const auto attached = loaded->template attach_struct_ops<"first">();
    REQUIRE(attached);
    CHECK(loaded->template update_struct_ops<"second">(*attached));
    CHECK_FALSE(loaded->template program<"of_no_kernel">().is_open());
    CHECK_FALSE(loaded->template program<"third_cong_avoid">().is_open());
    CHECK(loaded->template attach_struct_ops<"third">().error().why == cause::map_left_out);
  });
  check_both_forms<congestion_links>([](const auto& object) {
    const barebpf::map_change changes[] = {object.template change<"third">({}),
                                           object.template change<"first">({.create = false})};
    const barebpf::program_change without[] = {
        object.template change_program<"link_ssthresh">({.load = false})};
    const auto loaded = object.load({.maps = changes, .programs = without});
    REQUIRE(loaded);
    CHECK(loaded->template attach_struct_ops<"first">().error().why == cause::map_left_out);
    CHECK(loaded->template program<"third_cong_avoid">().is_open());
    CHECK_FALSE(loaded->template program<"first_cong_avoid">().is_open());
    CHECK(loaded->template attach_struct_ops<"third">());
  });
}

TEST_CASE("whichever call fails with structs of functions that the compiler has read, nothing stays",
          "[struct_ops]") {
  const auto types = [](fake_machine& machine) {
    congestion_kernel kernel;
    give_types(machine, kernel);
  };
  const auto subject = [](step at) { return at == step::register_operations ? "first" : ""; };
  std::vector<fault_row> rows = {{"openat", step::fit_operations, step::fit_operations},
                                 {"lseek", works, step::fit_operations},
                                 {"mmap", works, step::fit_operations},
                                 {"lseek", step::fit_operations, step::fit_operations},
                                 {"lseek", step::fit_operations, step::fit_operations},
                                 {"read", step::fit_operations, step::fit_operations, EINTR},
                                 {"close", works, step::btf_load},
                                 {"btf_load", step::btf_load, step::btf_load}};
  rows.push_back(
      {"map_create", step::map_create, step::map_create, EINVAL, step::map_create, "congesti.bss"});
  for (const char* name : {"first", "second"})
    rows.push_back({"map_create", step::map_create, step::map_create, 0, works, name});
  // What the kernel cannot fit to its types (CO-RE) the library does.
  for (const char* name : {"link_ssthresh", "link_undo_cwnd", "first_cong_avoi", "second_cong_avo"})
    rows.push_back({"prog_load", step::prog_load, step::prog_load, EINVAL, step::fit_program, name});
  rows.push_back({"close", works, step::register_operations});  // of the types
  rows.push_back({"map_update_elem", step::register_operations, step::register_operations});
  rows.push_back({"link_create", step::register_operations, step::register_operations});
  for (const char* call : {"map_update_elem", "link_update"})
    rows.push_back({call, step::register_operations, step::register_operations, 0, works, "second"});
  in_both_forms<congestion_links>([&](const auto& object) {
    sweep(
        rows, types,
        [&](fake_machine& machine) -> std::optional<barebpf::error> {
          const auto loaded = object.load();
          if (!loaded) return loaded.error();
          auto attached = loaded->template attach_struct_ops<"first">();
          if (!attached) return attached.error();
          const auto updated = loaded->template update_struct_ops<"second">(*attached);
          if (!updated) return updated.error();
          machine.fault = nullptr;
          return std::nullopt;
        },
        subject);
  });
}

TEST_CASE("what a kernel lacks of a struct is said alike, whoever has read the object", "[struct_ops]") {
  struct row {
    const char* what;
    void (*change)(congestion_kernel&);
    cause why;
    const char* name;
  };
  using known = congestion_kernel;
  const row rows[] = {
      {"no such struct", [](known& k) { k.struct_name = "others"; }, cause::no_kernel_operations,
       ".struct_ops:tcp_congestion_ops___own"},
      {"no name", [](known& k) { k.members[4].name = "title"; }, cause::no_kernel_operation,
       ".struct_ops:name"},
      {"a shorter name", [](known& k) { k.members[4].type = k.name; }, cause::another_operation,
       ".struct_ops:name"},
      {"no function there", [](known& k) { k.members[0].type = k.types.pointer(k.int_type); },
       cause::another_operation, ".struct_ops:ssthresh"},
  };
  for (const row& one : rows) {
    CAPTURE(one.what);
    in_both_forms<congestion>([&](const auto& object) {
      fake_machine machine;
      congestion_kernel kernel;
      one.change(kernel);
      give_types(machine, kernel);
      const auto loaded = object.load();
      REQUIRE_FALSE(loaded);
      CHECK(loaded.error().at == step::fit_operations);
      CHECK(loaded.error().why == one.why);
      CHECK(loaded.error().offset != 0);
      CHECK(std::string(loaded.error().name) == one.name);
      CHECK(calls_of(machine, "map_create").empty());
    });
  }
  // What has no member there is left out, and the rest is loaded.
  in_both_forms<congestion>([&](const auto& object) {
    fake_machine machine;
    congestion_kernel kernel;
    kernel.members[3].name = "start";
    give_types(machine, kernel);
    const auto loaded = object.load();
    REQUIRE(loaded);
    CHECK_FALSE(loaded->template program<"bare_init">().is_open());
    CHECK(calls_of(machine, "prog_load").size() == 3);
  });
}

TEST_CASE("a program that no struct has is refused, or left out by who says so", "[struct_ops]") {
  in_both_forms<stray_operation>([](const auto& object) {
    fake_machine machine;
    // Without options the compiler refuses it: see tests/compile_fail/stray_operation.cpp.
    const auto loaded = object.load(barebpf::load_options{});
    REQUIRE_FALSE(loaded);
    CHECK(loaded.error().at == step::fit_operations);
    CHECK(loaded.error().why == cause::operation_of_nothing);
    CHECK(loaded.error().offset != 0);
    CHECK(std::string(loaded.error().name) == "struct_ops:stray");
    CHECK(machine.calls.empty());
    const barebpf::program_change without[] = {object.template change_program<"stray">({.load = false})};
    const auto less = object.load({.programs = without});
    REQUIRE(less);
    CHECK_FALSE(less->template program<"stray">().is_open());
    CHECK(calls_of(machine, "prog_load").empty());
  });
}
