// SPDX-License-Identifier: MIT
// Loads one object file with libbpf or with barebpf and prints what the kernel got, as JSON. See tools/corpus.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <unistd.h>
//
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "../support/library.hpp"
#include "own_pins.hpp"

namespace {

// --- what is printed ---

std::string quoted(std::string_view of) {
  std::string out = "\"";
  for (const char c : of) {
    char escaped[8];
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 32 || static_cast<unsigned char>(c) > 126) {
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}
std::string hexadecimal(const unsigned char* bytes, std::size_t count) {
  std::string out;
  char two[3];
  for (std::size_t i = 0; i < count; ++i) {
    std::snprintf(two, sizeof two, "%02x", static_cast<unsigned>(bytes[i]));
    out += two;
  }
  return out;
}
// FNV-1a, which shows a difference as well as a better one.
std::string digest(const std::vector<unsigned char>& of) {
  std::uint64_t sum = 14695981039346656037ULL;
  for (const unsigned char c : of) sum = (sum ^ c) * 1099511628211ULL;
  char out[32];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(sum));
  return out;
}

struct printed {
  std::vector<std::string> maps, programs, dropped;
  std::string why;
  bool loaded = false, flavors = false;

  void add_map(int descriptor) {
    bpf_map_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(descriptor, &info, &size) != 0) return;
    std::string content;
    const bool is_one_array = info.type == BPF_MAP_TYPE_ARRAY && info.max_entries == 1;
    if (is_one_array) {
      std::vector<unsigned char> value(info.value_size);
      const __u32 key = 0;
      content = bpf_map_lookup_elem(descriptor, &key, value.data()) == 0 ? digest(value) : "unreadable";
    }
    maps.push_back("{\"name\":" + quoted(info.name) + ",\"type\":" + std::to_string(info.type) +
                   ",\"key_size\":" + std::to_string(info.key_size) + ",\"value_size\":" +
                   std::to_string(info.value_size) + ",\"max_entries\":" + std::to_string(info.max_entries) +
                   ",\"flags\":" + std::to_string(info.map_flags) +
                   ",\"extra\":" + std::to_string(info.map_extra) + ",\"content\":\"" + content +
                   "\",\"id\":" + std::to_string(info.id) + "}");
  }
  void add_program(std::string_view whole_name, unsigned attach_type, int descriptor,
                   bool has_local_ids = false) {
    bpf_prog_info info{};
    __u32 size = sizeof info;
    if (bpf_obj_get_info_by_fd(descriptor, &info, &size) != 0) return;
    programs.push_back(
        "{\"name\":" + quoted(whole_name) + ",\"kernel_name\":" + quoted(info.name) + ",\"type\":" +
        std::to_string(info.type) + ",\"attach_type\":" + std::to_string(attach_type) + ",\"tag\":\"" +
        hexadecimal(info.tag, sizeof info.tag) + "\",\"made_for\":" + std::to_string(info.attach_btf_id) +
        ",\"local_ids\":" + (has_local_ids ? "1" : "0") + ",\"gpl\":" + std::to_string(info.gpl_compatible) +
        ",\"id\":" + std::to_string(info.id) + "}");
  }
  static std::string joined(const std::vector<std::string>& list) {
    std::string out = "[";
    for (const std::string& entry : list) out += (out.size() > 1 ? "," : "") + entry;
    return out + "]";
  }
  void print() const {
    std::printf("{\"loaded\":%s,\"flavors\":%s,\"why\":%s,\"maps\":%s,\"programs\":%s,\"dropped\":%s}\n",
                loaded ? "true" : "false", flavors ? "true" : "false", quoted(why).c_str(),
                joined(maps).c_str(), joined(programs).c_str(), joined(dropped).c_str());
  }
};

// --- libbpf ---

std::string last_warning, refused_program;
int keep_warning(libbpf_print_level level, const char* format, va_list values) {
  if (level != LIBBPF_WARN) return 0;
  char line[512];
  std::vsnprintf(line, sizeof line, format, values);
  const std::string_view said = line;
  if (said.find("BEGIN PROG LOAD LOG") != said.npos || said.find("failed to load object") != said.npos)
    return 0;
  last_warning = line;
  while (!last_warning.empty() && last_warning.back() == '\n') last_warning.pop_back();
  const std::size_t first = said.find("prog '");
  if (first != said.npos)
    refused_program = std::string(said.substr(first + 6, said.find('\'', first + 6) - first - 6));
  return 0;
}

// What the application would say of a program whose section tells libbpf no type: what our table says, and where that
// says nothing either, that it is a classifier.
void help_program(bpf_program* program) {
  if (bpf_program__type(program) != BPF_PROG_TYPE_UNSPEC) return;
  const barebpf::section_kind kind = barebpf::section_kind_of(bpf_program__section_name(program));
  const bool is_known = kind.type != barebpf::abi::prog_type::unspec;
  bpf_program__set_type(program, is_known ? static_cast<bpf_prog_type>(kind.type) : BPF_PROG_TYPE_SCHED_CLS);
  bpf_program__set_expected_attach_type(program, static_cast<bpf_attach_type>(kind.attach_type));
}
void help_map(bpf_map* map) {
  const bpf_map_type type = bpf_map__type(map);
  const bool needs_none = type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_INODE_STORAGE ||
                          type == BPF_MAP_TYPE_TASK_STORAGE || static_cast<int>(type) == 32 ||
                          type == BPF_MAP_TYPE_CGROUP_STORAGE || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE ||
                          type == BPF_MAP_TYPE_STRUCT_OPS || type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
  const bool is_ring = type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF;
  if (bpf_map__max_entries(map) == 0 && !needs_none) bpf_map__set_max_entries(map, is_ring ? 4096 : 1024);
  if (type == BPF_MAP_TYPE_STACK_TRACE && bpf_map__value_size(map) == 0) bpf_map__set_value_size(map, 1016);
  const bool is_outer = type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
  if (is_outer && bpf_map__inner_map(map) == nullptr) {
    const int pattern = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pattern", 4, 4, 1, nullptr);
    bpf_map__set_inner_map_fd(map, pattern);
  }
}

printed load_with_libbpf(const char* path, bool help) {
  libbpf_set_print(keep_warning);
  std::set<std::string> dropped;
  for (;;) {
    printed out;
    last_warning.clear();
    refused_program.clear();
    bpf_object* const object = bpf_object__open_file(path, nullptr);
    if (object == nullptr) {
      out.why = "open: " + last_warning;
      return out;
    }
    bpf_map* map = nullptr;
    bpf_program* program = nullptr;
    if (help) {
      bpf_object__for_each_map(map, object) help_map(map);
      bpf_object__for_each_program(program, object) {
        help_program(program);
        if (dropped.count(bpf_program__name(program)) != 0) bpf_program__set_autoload(program, false);
      }
    }
    const int answer = bpf_object__load(object);
    if (answer == 0) {
      out.loaded = true;
      bpf_object__for_each_map(map, object) out.add_map(bpf_map__fd(map));
      bpf_object__for_each_program(program, object) {
        if (bpf_program__fd(program) < 0) continue;
        // What libbpf says of programs on trace points since 1.3, where the kernel has links of many uprobes.
        const bool is_usdt = std::string_view(bpf_program__section_name(program)).substr(0, 4) == "usdt";
        constexpr unsigned uprobe_multi = 48;  // BPF_TRACE_UPROBE_MULTI
        out.add_program(
            bpf_program__name(program),
            is_usdt ? uprobe_multi : static_cast<unsigned>(bpf_program__expected_attach_type(program)),
            bpf_program__fd(program));
      }
      for (const std::string& name : dropped) out.dropped.push_back(quoted(name));
      bpf_object__close(object);
      return out;
    }
    out.why = "load: " + last_warning + ": " + std::strerror(-answer);
    bpf_object__close(object);
    if (!help || refused_program.empty() || !dropped.insert(refused_program).second) return out;
  }
}

// --- barebpf ---

std::string sentence(const barebpf::error& of) {
  char room[1024];
  const barebpf::text said = barebpf::describe(of, room);
  return {said.data(), said.size()};
}

// The same help as above, by the options of `load`.
struct given_help {
  std::vector<barebpf::map_change> maps;
  std::vector<barebpf::program_change> programs;
  barebpf::fd pattern;
};
void help_map(const barebpf::map_spec& map, barebpf::u32 index, given_help& out) {
  const auto type = static_cast<barebpf::map_type>(map.type);
  const barebpf::map_kind kind = barebpf::kind_of(type);
  const bool is_ring = kind.entries == barebpf::entries_rule::ring_size;
  const bool needs_some = kind.entries != barebpf::entries_rule::zero &&
                          kind.entries != barebpf::entries_rule::one &&
                          type != barebpf::map_type::perf_event_array;
  barebpf::map_settings settings;
  if (map.max_entries == 0 && needs_some) settings.max_entries = is_ring ? 4096 : 1024;
  if (type == barebpf::map_type::stack_trace && map.value_size == 0) settings.value_size = 1016;
  if (kind.value == barebpf::value_rule::map && map.inner == 0) {
    if (!out.pattern.is_open())
      out.pattern = barebpf::fd::own(bpf_map_create(BPF_MAP_TYPE_ARRAY, "pattern", 4, 4, 1, nullptr));
    settings.inner = out.pattern.number();
  }
  out.maps.push_back(barebpf::map_change::of(index, settings));
}

// Whether ids of the object's own types stand in a program.
bool has_local_ids(const barebpf::object_spec& spec, const barebpf::program_spec& program) {
  const barebpf::object_tables tables = spec.tables();
  barebpf::program_layout layout;
  if (lay_out(tables, program.function, layout).failed()) return false;
  for (barebpf::u32 i = 0; i < layout.piece_count; ++i) {
    const barebpf::function_spec& function = tables.functions[layout.pieces[i].function];
    for (barebpf::u32 k = 0; k < function.core_count; ++k)
      if (tables.cores[function.first_core + k].kind == barebpf::abi::core_kind::type_id_local) return true;
  }
  return false;
}

// Whether the object asks the kernel for something by a name with a flavor, "name___flavor".
bool has_flavors(const barebpf::object_spec& spec) {
  barebpf::elf file;
  if (barebpf::elf::open(spec.image(), file).failed()) return false;
  for (barebpf::u32 i = 1; i < file.symbol_count(); ++i) {
    const barebpf::elf_symbol symbol = file.symbol(i);
    char name[256] = {};
    file.image().copy_string(symbol.name, name, sizeof name);
    if (symbol.section == barebpf::abi::section_undefined && std::strstr(name, "___") != nullptr) return true;
  }
  return false;
}

printed load_with_barebpf(const char* path, bool help) {
  printed out;
  const auto object = barebpf::object::open(path);
  if (!object) {
    out.why = "open: " + sentence(object.error());
    return out;
  }
  const barebpf::object_spec& spec = object->spec();
  out.flavors = has_flavors(spec);
  const auto string_at = [&](barebpf::u64 at) {
    std::string name(spec.image().length_of_string(at) + 1, '\0');
    name.resize(spec.image().copy_string(at, name.data(), name.size()));
    return name;
  };
  given_help given;
  if (help) {
    for (std::size_t i = 0; i < spec.maps().size(); ++i)
      help_map(spec.maps()[i], static_cast<barebpf::u32>(i), given);
    for (std::size_t i = 0; i < spec.programs().size(); ++i)
      if (spec.programs()[i].kind.type == barebpf::abi::prog_type::unspec)
        given.programs.push_back(
            barebpf::program_change::of(static_cast<barebpf::u32>(i), {.section = "classifier"}));
  }
  std::vector<barebpf::refused_program> room(spec.programs().size());
  barebpf::refused_programs refused(room);
  barebpf::verifier_log log;
  const auto loaded = object->load(
      {.log = &log, .maps = given.maps, .programs = given.programs, .refused = help ? &refused : nullptr});
  for (const barebpf::refused_program& program : refused) {
    out.dropped.push_back(quoted(string_at(spec.programs()[program.program].name)));
    std::fprintf(stderr, "left out: %s\n", sentence(program.why).c_str());
  }
  if (!log.said().empty()) std::fprintf(stderr, "%s\n", log.said().data());
  if (!loaded) {
    out.why = "load: " + sentence(loaded.error());
    return out;
  }
  out.loaded = true;
  for (std::size_t i = 0; i < spec.maps().size(); ++i)
    if (const auto map = loaded->map_descriptor(string_at(spec.maps()[i].name)))
      out.add_map((*map)->number());
  for (const barebpf::program_spec& program : spec.programs()) {
    const std::string name = string_at(program.name);
    if (const auto descriptor = loaded->program(name))
      out.add_program(name, static_cast<unsigned>(program.kind.attach_type), (*descriptor)->number(),
                      has_local_ids(spec, program));
  }
  return out;
}

// --- what is left ---

// Which of these maps and programs the kernel still has; it forgets them a moment after they are closed.
int print_left(int count, char** names) {
  std::vector<std::string> left;
  for (int i = 0; i < count; ++i) {
    const std::string_view name = names[i];
    const auto id = static_cast<__u32>(std::strtoul(name.data() + name.find(':') + 1, nullptr, 10));
    int found = -1;
    for (int tries = 0; tries < 300; ++tries) {
      found = name.substr(0, 4) == "map:" ? bpf_map_get_fd_by_id(id) : bpf_prog_get_fd_by_id(id);
      if (found < 0) break;
      close(found);
      usleep(10'000);
    }
    if (found >= 0) left.push_back(quoted(name));
  }
  std::printf("%s\n", printed::joined(left).c_str());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view what = count > 1 ? words[1] : "";
  if (what == "left") return print_left(count - 2, words + 2);
  const bool help = count == 4 && std::string_view(words[3]) == "help";
  if ((count != 3 && !help) || (what != "libbpf" && what != "barebpf")) {
    std::fprintf(stderr, "verdict libbpf|barebpf FILE [help]; verdict left map:ID|program:ID...\n");
    return 2;
  }
  if (!mount_own_pins()) {
    std::perror("no BPF file system of its own");
    return 2;
  }
  (what == "libbpf" ? load_with_libbpf(words[2], help) : load_with_barebpf(words[2], help)).print();
  return 0;
}
