// SPDX-License-Identifier: MIT
// What both readings of an object must come to on the fake machine: the calls they make, the same to the last byte,
// and what each of them failing must come to.
#ifndef BAREBPF_TESTS_SUPPORT_WHOLE_OBJECTS_HPP
#define BAREBPF_TESTS_SUPPORT_WHOLE_OBJECTS_HPP

#include <optional>
#include <string>
#include <vector>

#include "fault_sweep.hpp"
#include "functions.bpf.hpp"
#include "library.hpp"
#include "long_program.bpf.hpp"
#include "map_in_map.bpf.hpp"
#include "pinned_map.bpf.hpp"
#include "tail_calls.bpf.hpp"
#include "two_programs.bpf.hpp"
#include "variables.bpf.hpp"

inline constexpr const char* shared_calls_pin = "/sys/fs/bpf/shared_calls";
inline void with_shared_calls(fake_machine& machine) { machine.pin_map(shared_calls_pin, 1, 4, 8, 16); }

/// The error of what was loaded, as `sweep` wants it.
template <class Loaded>
std::optional<barebpf::error> error_of(const Loaded& loaded) {
  return loaded ? std::nullopt : std::optional(loaded.error());
}

/// Every call that loads `functions`, which does not work without its types.
inline std::vector<fault_row> rows_of_functions() {
  using barebpf::step;
  const auto none = std::optional<step>();
  return {
      {"btf_load", step::btf_load, step::btf_load, 0, none, ""},
      {"map_create", step::map_create, step::map_create, EINVAL, step::map_create, "sums"},
      {"prog_load", step::prog_load, step::prog_load, 0, none, "first"},
      {"prog_load", step::prog_load, step::prog_load, 0, none, "second"},
      {"prog_load", step::prog_load, step::prog_load, 0, none, "sums_up"},
      {"close", works, works},
  };
}

/// Every call that loads `variables`, looks at one of them and lets it go.
inline std::vector<fault_row> rows_of_variables() {
  using barebpf::step;
  const auto none = std::optional<step>();
  std::vector<fault_row> out{{"btf_load", works, step::map_create, 0, none, "variable.rodata"}};
  const auto add = [&](const char* name, bool is_filled, bool is_frozen) {
    out.push_back({"map_create", step::map_create, step::map_create, EINVAL, step::map_create, name});
    if (is_filled)
      out.push_back({"map_update_elem", step::map_update_elem, step::map_update_elem, 0, none, name});
    if (is_frozen) out.push_back({"map_freeze", step::map_freeze, step::map_freeze, 0, none, name});
  };
  add("variable.rodata", true, true);
  add("variable.data", true, false);
  add("variable.bss", false, false);
  add(".rodata.own", true, true);
  add(".data.own", true, false);
  add(".data.hidden", true, false);
  add(".bss.own", false, false);
  out.push_back({"prog_load", step::prog_load, step::prog_load, 0, none, "counts"});
  out.push_back({"close", works, step::map_memory, 0, none, "count"});
  out.push_back({"mmap", step::map_memory, step::map_memory, 0, none, "count"});
  out.push_back({"munmap", works, works});
  return out;
}

/// Every call that loads `map_in_map`: maps of maps come last, each after its pattern, which goes when it is there.
inline std::vector<fault_row> rows_of_map_in_map() {
  using barebpf::step;
  const auto none = std::optional<step>();
  std::vector<fault_row> out{{"btf_load", works, step::map_create, 0, none, "first"}};
  const auto create = [&](const char* name) {
    out.push_back({"map_create", step::map_create, step::map_create, EINVAL, step::map_create, name});
  };
  for (const char* name :
       {"first", "third", "book", "spare", "spare_book", "map_in_m.bss", "map_in_m.rodata"})
    create(name);
  out.push_back(
      {"map_update_elem", step::map_update_elem, step::map_update_elem, 0, none, "map_in_m.rodata"});
  out.push_back({"map_freeze", step::map_freeze, step::map_freeze, 0, none, "map_in_m.rodata"});
  const auto create_outer = [&](const char* name, const char* pattern, int slots) {
    const auto unlike = barebpf::cause::unfit_inner_map;
    create(pattern);
    out.push_back({"map_create", step::map_create, step::map_create, 0, none, name});
    out.push_back({"close", works, step::map_update_elem, 0, none, name, unlike});
    for (int i = 0; i < slots; ++i)
      out.push_back({"map_update_elem", step::map_update_elem, step::map_update_elem, 0, none, name, unlike});
  };
  create_outer("pages", "pages_inner", 2);
  create_outer("books", "books_inner", 1);
  out.push_back({"prog_load", step::prog_load, step::prog_load, 0, none, "counts"});
  out.push_back({"close", works, works});
  return out;
}

/// Every call that loads `tail_calls`: prog arrays are filled when all programs are there.
inline std::vector<fault_row> rows_of_tail_calls() {
  using barebpf::step;
  const auto none = std::optional<step>();
  std::vector<fault_row> out{{"btf_load", works, step::map_create, 0, none, "loop"}};
  for (const char* name : {"loop", "ways"})
    out.push_back({"map_create", step::map_create, step::map_create, 0, none, name});
  for (const char* name : {"tail_cal.bss", "tail_cal.rodata"})
    out.push_back({"map_create", step::map_create, step::map_create, EINVAL, step::map_create, name});
  out.push_back(
      {"map_update_elem", step::map_update_elem, step::map_update_elem, 0, none, "tail_cal.rodata"});
  out.push_back({"map_freeze", step::map_freeze, step::map_freeze, 0, none, "tail_cal.rodata"});
  for (const char* name : {"again", "goes_left", "begins", "chooses", "goes_right"})
    out.push_back({"prog_load", step::prog_load, step::prog_load, 0, none, name});
  for (const char* name : {"loop", "ways"})
    out.push_back({"map_update_elem", step::map_update_elem, step::map_update_elem, 0, none, name,
                   barebpf::cause::unfit_program});
  out.push_back({"close", works, works});
  return out;
}

/// Every call that loads `pinned_map` where nothing is pinned.
inline std::vector<fault_row> rows_of_a_new_pin() {
  using barebpf::step;
  const auto none = std::optional<step>();
  return {
      {"btf_load", works, step::obj_get, 0, none, "shared_calls"},
      {"obj_get", step::obj_get, step::obj_get, 0, none, "shared_calls"},
      {"map_create", step::map_create, step::map_create, EINVAL, step::map_create, "shared_calls"},
      {"obj_pin", step::obj_pin, step::obj_pin, 0, none, "shared_calls"},
      {"map_create", step::map_create, step::map_create, EINVAL, step::map_create, "own_calls"},
      {"prog_load", step::prog_load, step::prog_load, 0, none, "counts"},
      {"close", works, works},
  };
}
/// The same where the map is pinned already, with the standard streams closed.
inline std::vector<fault_row> rows_of_an_old_pin() {
  using barebpf::step;
  const auto none = std::optional<step>();
  return {
      {"btf_load", works, step::obj_get, 0, none, "shared_calls"},
      {"fcntl", works, step::obj_get, 0, none, "shared_calls"},
      {"close", works, step::obj_get, 0, none, "shared_calls"},
      {"obj_get", step::obj_get, step::obj_get, 0, none, "shared_calls"},
      {"fcntl", step::obj_get, step::obj_get, 0, none, "shared_calls"},
      {"close", works, step::obj_get_info_by_fd, 0, none, "shared_calls"},
      {"obj_get_info_by_fd", step::obj_get_info_by_fd, step::obj_get_info_by_fd, 0, none, "shared_calls"},
      {"map_create", step::map_create, step::map_create, EINVAL, step::map_create, "own_calls"},
      {"fcntl", step::map_create, step::map_create, EINVAL, step::map_create, "own_calls"},
      {"close", works, step::prog_load, 0, none, "counts"},
      {"prog_load", step::prog_load, step::prog_load, 0, none, "counts"},
      {"fcntl", step::prog_load, step::prog_load, 0, none, "counts"},
      {"close", works, works},
      {"close", works, works},
  };
}
inline void with_an_old_pin(fake_machine& machine) {
  with_shared_calls(machine);
  machine.close_streams();
}
inline void as_it_comes(fake_machine&) {}
inline std::string no_subject(barebpf::step) { return "every row names its own"; }

/// Two rows of calls that tell the kernel the same; what differs is where in memory it stands.
inline void check_same_calls(const std::vector<seen_call>& some, const std::vector<seen_call>& others) {
  REQUIRE(some.size() == others.size());
  for (std::size_t i = 0; i < some.size(); ++i) {
    CAPTURE(i, some[i].name);
    REQUIRE(some[i].name == others[i].name);
    CHECK(some[i].payload == others[i].payload);
    CHECK(some[i].functions == others[i].functions);
    CHECK(some[i].lines == others[i].lines);
    CHECK(some[i].value == others[i].value);
    CHECK(some[i].path == others[i].path);
    CHECK(some[i].license == others[i].license);
    raw_bytes one = some[i].attr, other = others[i].attr;
    REQUIRE(one.size() == other.size());
    const auto forget = [&](std::initializer_list<std::size_t> pointers) {
      for (const std::size_t at : pointers) {
        std::memset(one.data() + at, 0, 8);
        std::memset(other.data() + at, 0, 8);
      }
    };
    if (some[i].name == "btf_load" || some[i].name == "obj_get" || some[i].name == "obj_pin") forget({0});
    if (some[i].name == "obj_get_info_by_fd") forget({8});
    if (some[i].name == "map_update_elem") forget({8, 16});
    if (some[i].name == "map_delete_elem") forget({8});
    if (some[i].name == "prog_load") {
      CHECK((some[i].u64(96) == 0) == (some[i].u32(104) == 0));
      CHECK((some[i].u64(128) == 0) == (some[i].u32(116) == 0));
      forget({8, 16, 80, 96});
      if (some[i].u64(128) != 0) forget({128});
    }
    CHECK(one == other);
  }
}

#endif
