// SPDX-License-Identifier: MIT
// The same object files, loaded by libbpf and by barebpf: the kernel must end with the same maps, with the same
// content, and the same programs, by the tag that it makes of their instructions.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <unistd.h>
//
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"

namespace {

// What the kernel says of a map and of a program, as far as it is the same whoever loads them.
struct kernel_map {
  std::string name;
  unsigned type = 0, key_size = 0, value_size = 0, max_entries = 0, flags = 0;
  bool has_types = false;
  std::string first_value;
  std::map<unsigned, std::string> slots;  // names of the maps or programs in it
  bool operator==(const kernel_map&) const = default;
};
struct kernel_program {
  std::string name, tag;
  unsigned type = 0, functions = 0, lines = 0, instructions = 0;
  bool has_types = false;
  bool operator==(const kernel_program&) const = default;
};
struct kernel_object {
  std::map<std::string, kernel_map> maps;
  std::map<std::string, kernel_program> programs;
};

std::string name_of(__u32 id, bool is_program) {
  const int descriptor = is_program ? bpf_prog_get_fd_by_id(id) : bpf_map_get_fd_by_id(id);
  REQUIRE(descriptor >= 0);
  bpf_prog_info program{};
  bpf_map_info map{};
  __u32 size = is_program ? sizeof program : sizeof map;
  REQUIRE(bpf_obj_get_info_by_fd(descriptor, is_program ? static_cast<void*>(&program) : &map, &size) == 0);
  close(descriptor);
  return is_program ? program.name : map.name;
}
void add_map(kernel_object& to, const std::string& name, int descriptor) {
  bpf_map_info info{};
  __u32 size = sizeof info;
  REQUIRE(bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0);
  kernel_map map{info.name,
                 info.type,
                 info.key_size,
                 info.value_size,
                 info.max_entries,
                 info.map_flags,
                 info.btf_value_type_id != 0,
                 {},
                 {}};
  if (info.type == BPF_MAP_TYPE_ARRAY) {
    const __u32 key = 0;
    map.first_value.resize(info.value_size);
    REQUIRE(bpf_map_lookup_elem(descriptor, &key, map.first_value.data()) == 0);
  }
  const bool holds_programs = info.type == BPF_MAP_TYPE_PROG_ARRAY;
  if (holds_programs || info.type == BPF_MAP_TYPE_ARRAY_OF_MAPS || info.type == BPF_MAP_TYPE_HASH_OF_MAPS)
    for (__u32 key = 0, id = 0; key < info.max_entries; ++key)
      if (bpf_map_lookup_elem(descriptor, &key, &id) == 0) map.slots[key] = name_of(id, holds_programs);
  to.maps[name] = map;
}
void add_program(kernel_object& to, const std::string& name, int descriptor) {
  bpf_prog_info info{};
  __u32 size = sizeof info;
  REQUIRE(bpf_obj_get_info_by_fd(descriptor, &info, &size) == 0);
  to.programs[name] = {
      info.name,         std::string(reinterpret_cast<const char*>(info.tag), sizeof info.tag),
      info.type,         info.nr_func_info,
      info.nr_line_info, info.xlated_prog_len,
      info.btf_id != 0};
}

kernel_object load_with_libbpf(const std::string& path, const std::string& pins) {
  libbpf_set_print(nullptr);
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.pin_root_path = pins.c_str();
  bpf_object* const object = bpf_object__open_file(path.c_str(), &options);
  REQUIRE(object != nullptr);
  REQUIRE(bpf_object__load(object) == 0);
  kernel_object out;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) add_map(out, bpf_map__name(map), bpf_map__fd(map));
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object)
      add_program(out, bpf_program__name(program), bpf_program__fd(program));
  bpf_object__close(object);
  return out;
}

template <barebpf::load_policy Policy = barebpf::load_policy{}>
kernel_object load_with_barebpf(const std::string& path, const std::string& pins) {
  const auto object = barebpf::object::open(path.c_str());
  REQUIRE(object.has_value());
  const auto loaded = object->load<Policy>({.pin_root = pins});
  INFO((loaded ? std::string() : sentence(loaded.error())));
  REQUIRE(loaded.has_value());
  const barebpf::object_spec& spec = object->spec();
  const auto string_at = [&](barebpf::u64 at) {
    std::string out(spec.image().length_of_string(at) + 1, '\0');
    out.resize(spec.image().copy_string(at, out.data(), out.size()));
    return out;
  };
  kernel_object out;
  for (std::size_t i = 0; i < spec.maps().size(); ++i) {
    const std::string name = string_at(spec.maps()[i].name);
    const auto descriptor = loaded->map_descriptor(name);
    REQUIRE(descriptor.has_value());
    add_map(out, name, (*descriptor)->number());
  }
  for (const barebpf::program_spec& program : spec.programs()) {
    const std::string name = string_at(program.name);
    add_program(out, name, (*loaded->program(name))->number());
  }
  return out;
}

}  // namespace

TEST_CASE("libbpf and barebpf make the same maps and programs of an object") {
  const std::string objects = BAREBPF_TEST_OBJECTS;
  const std::vector<std::string> paths{objects + "/execve_counter.bpf.o", objects + "/two_programs.bpf.o",
                                       objects + "/variables.bpf.o",      objects + "/pinned_map.bpf.o",
                                       objects + "/map_in_map.bpf.o",     objects + "/tail_calls.bpf.o",
                                       objects + "/kernel_config.bpf.o",  objects + "/kernel_names.bpf.o",
                                       BAREBPF_TEST_CONGESTION_FOR_BOTH,  BAREBPF_TEST_FOR_BOTH};
  for (const std::string& path : paths) {
    CAPTURE(path);
    const kernel_object theirs = load_with_libbpf(path, bpf_folder());
    const kernel_object ours = load_with_barebpf(path, bpf_folder());

    REQUIRE(theirs.programs.size() != 0);
    REQUIRE(ours.maps.size() == theirs.maps.size());
    for (const auto& [name, map] : theirs.maps) {
      // libbpf finds maps of variables by their names in the kernel too.
      const auto same =
          ours.maps.count(name) != 0 ? ours.maps.find(name) : ours.maps.find(name.substr(name.find('.')));
      CAPTURE(name);
      REQUIRE(same != ours.maps.end());
      CHECK(same->second.name == map.name);
      CHECK(same->second.flags == map.flags);
      CHECK(same->second.value_size == map.value_size);
      CHECK(same->second.slots == map.slots);
      CHECK(same->second == map);
    }
    REQUIRE(ours.programs.size() == theirs.programs.size());
    for (const auto& [name, program] : theirs.programs) {
      CAPTURE(name);
      REQUIRE(ours.programs.count(name) == 1);
      const kernel_program& same = ours.programs.at(name);
      CHECK(same.tag == program.tag);
      CHECK(same.functions == program.functions);
      CHECK(same.lines == program.lines);
      CHECK(same == program);
    }
  }
  static_cast<void>(barebpf::unpin(bpf_folder() + "/shared_calls"));
}

TEST_CASE("libbpf, barebpf and the kernel fit a program to the kernel's types in one way") {
  const std::string objects = BAREBPF_TEST_OBJECTS;
  for (const std::string& path : {objects + "/task_fields.bpf.o", std::string(BAREBPF_TEST_CORE_FOR_BOTH)}) {
    CAPTURE(path);
    const kernel_object theirs = load_with_libbpf(path, "/sys/fs/bpf");
    for (const auto load : {&load_with_barebpf<barebpf::load_policy{.core = barebpf::core_way::kernel}>,
                            &load_with_barebpf<barebpf::load_policy{.core = barebpf::core_way::library}>,
                            &load_with_barebpf<barebpf::load_policy{}>}) {
      const kernel_object ours = load(path, "/sys/fs/bpf");
      REQUIRE(ours.programs.size() == theirs.programs.size());
      for (const auto& [name, program] : theirs.programs) {
        CAPTURE(name);
        CHECK(ours.programs.at(name) == program);
      }
    }
  }
}
