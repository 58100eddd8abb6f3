// SPDX-License-Identifier: MIT
// What programs want of the kernel that runs them: options and facts, addresses, functions that are really called,
// variables, and variables of their own in an arena. Each by the compiler's reading and by the program's, held against
// what uname, /proc and the arena's memory say.
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "arena_globals.bpf.hpp"
#include "kernel_config.bpf.hpp"
#include "kernel_flavors.bpf.hpp"
#include "kernel_names.bpf.hpp"
#include "kernel_variable.bpf.hpp"
#include "missing_kfunc.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::kernel;
using barebpf::load_options;
using barebpf::step;

const std::string objects = BAREBPF_TEST_OBJECTS;

constexpr barebpf::static_object<kernel_config> config_object;
constexpr barebpf::static_object<kernel_names> names_object;
constexpr barebpf::static_object<kernel_flavors> flavors_object;
constexpr barebpf::static_object<kernel_variable> variable_object;
constexpr barebpf::static_object<missing_kfunc> missing_object;
constexpr barebpf::static_object<arena_globals> arena_object;

constexpr barebpf::load_policy by_index{.oldest_kernel = kernel(5, 15)};

barebpf::object open_object(const char* name) {
  auto opened = barebpf::object::open((objects + "/" + name + ".bpf.o").c_str());
  require(opened);
  return std::move(*opened);
}

#if defined(__aarch64__)
constexpr const char* wrapper = "__arm64_sys_bpf";
#elif defined(__s390x__)
constexpr const char* wrapper = "__s390x_sys_bpf";
#else
constexpr const char* wrapper = "__x64_sys_bpf";
#endif

// The running kernel's configuration, by other programs' means; empty where it is nowhere.
std::map<std::string, std::string> configuration() {
  utsname names{};
  uname(&names);
  const std::string boot = std::string("/boot/config-") + names.release;
  const std::string command = "(cat " + boot + " || gzip -dc /proc/config.gz) 2>/dev/null";
  std::map<std::string, std::string> out;
  FILE* const lines = popen(command.c_str(), "r");
  char line[4096];
  while (fgets(line, sizeof line, lines) != nullptr) {
    std::string text = line;
    text.pop_back();
    if (text.rfind("CONFIG_", 0) != 0) continue;
    const std::size_t equals = text.find('=');
    out[text.substr(0, equals)] = text.substr(equals + 1);
  }
  pclose(lines);
  return out;
}
// The addresses of a name, as /proc/kallsyms has them.
std::vector<std::uint64_t> addresses_of(const std::string& wanted) {
  std::vector<std::uint64_t> out;
  std::ifstream lines("/proc/kallsyms");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address, type, name;
    words >> address >> type >> name;
    if (name == wanted) out.push_back(std::stoull(address, nullptr, 16));
  }
  return out;
}

// What bpf_progs/kernel_config.bpf.c writes down.
struct seen_config {
  std::uint64_t version, hz, never_known;
  std::uint32_t cpus, jit, no_such;
  std::uint8_t has_cookie, has_wrapper, has_syscall;
  char net, hostname[16];
};
seen_config expected_config(std::map<std::string, std::string> options) {
  utsname names{};
  uname(&names);
  unsigned version[3] = {};
  // Of a kernel whose distribution says elsewhere which it is, other tests know.
  const char* const debian = std::strstr(names.version, "Debian ");
  REQUIRE(std::sscanf(debian == nullptr ? names.release : debian + 7, "%u.%u.%u", &version[0], &version[1],
                      &version[2]) == 3);
  seen_config out{};
  out.version = (version[0] << 16) + (version[1] << 8) + std::min(version[2], 255u);
  out.hz = std::stoul(options["CONFIG_HZ"]);
  out.cpus = static_cast<std::uint32_t>(std::stoul(options["CONFIG_NR_CPUS"]));
  out.jit = options["CONFIG_BPF_JIT"] == "y" ? 1 : options["CONFIG_BPF_JIT"] == "m" ? 2 : 0;
  out.has_cookie = version[0] > 5 || (version[0] == 5 && version[1] >= 15);
  const bool has_probes = std::ifstream("/sys/bus/event_source/devices/kprobe/type").good();
  out.has_wrapper = has_probes && !addresses_of(wrapper).empty();
  out.has_syscall = options["CONFIG_BPF_SYSCALL"] == "y";
  out.net = options["CONFIG_NET"][0];
  const std::string hostname = options["CONFIG_DEFAULT_HOSTNAME"];
  hostname.substr(1, hostname.size() - 2).copy(out.hostname, sizeof out.hostname - 1);
  return out;
}
void check_config(const seen_config& seen, const seen_config& expected) {
  CHECK(seen.version == expected.version);
  CHECK(seen.hz == expected.hz);
  CHECK(seen.never_known == 0);
  CHECK(seen.cpus == expected.cpus);
  CHECK(seen.jit == expected.jit);
  CHECK(seen.no_such == 0);
  CHECK(seen.has_cookie == expected.has_cookie);
  CHECK(seen.has_wrapper == expected.has_wrapper);
  CHECK(seen.has_syscall == expected.has_syscall);
  CHECK(seen.net == expected.net);
  CHECK(std::string(seen.hostname) == expected.hostname);
}

// Loads the object of options by the compiler's reading, and by the program's.
auto load_static_config(load_options options) {
  auto data = config_object.data();
  data.variable<"only_process", std::uint32_t>() = static_cast<std::uint32_t>(getpid());
  options.data = data.view();
  return config_object.load(options);
}
auto load_config(load_options options) {
  const barebpf::object object = open_object("kernel_config");
  auto data = object.data();
  require(data);
  **data->variable<std::uint32_t>("only_process") = static_cast<std::uint32_t>(getpid());
  options.data = data->view();
  return object.load(options);
}
// What the program sees when it runs.
template <class Loaded>
seen_config static_config_of(const Loaded& loaded) {
  const auto link = loaded->template attach<"tells">();
  require(link);
  static_cast<void>(getpgid(0));
  const auto seen = loaded->template variable<"seen", seen_config>();
  require(seen);
  return **seen;
}
template <class Loaded>
seen_config config_of(const Loaded& loaded) {
  const auto link = loaded->attach("tells");
  require(link);
  static_cast<void>(getpgid(0));
  const auto seen = loaded->template variable<seen_config>("seen");
  require(seen);
  return **seen;
}
template <class Loaded>
bool is_refused(const Loaded& loaded, step at, cause why, const std::string& about) {
  REQUIRE_FALSE(loaded.has_value());
  UNSCOPED_INFO(sentence(loaded.error()));
  return loaded.error().at == at && loaded.error().why == why && about == loaded.error().name;
}

// What bpf_progs/kernel_names.bpf.c writes down.
struct found_names {
  std::uint64_t symbol, nothing, no_variable;
  std::uint32_t acquired, has_function, has_no_function;
};
std::uint32_t run(const barebpf::fd& program) {
  const auto out = test_run(program, {.repeat = 0});
  require(out);
  return out->value;
}
void check_names(const found_names& found) {
  const auto addresses = addresses_of("bpf_prog_put");
  REQUIRE(addresses.size() == 1);
  CHECK(found.symbol == addresses[0]);
  CHECK(found.symbol != 0);
  CHECK(found.nothing == 0);
  CHECK(found.no_variable == 0);
  CHECK(found.acquired == 1);
  CHECK(found.has_no_function == 0);
}

struct pair {
  std::uint32_t calls;
  std::uint64_t sum;
};

}  // namespace

TEST_CASE("a program is told the options of the kernel that runs it", "[externs]") {
  const int before = open_descriptors();
  const auto options = configuration();
  if (options.empty()) {
    CHECK(is_refused(load_static_config({}), step::read_kconfig, cause::no_kernel_config, ""));
    CHECK(is_refused(load_config({}), step::read_kconfig, cause::no_kernel_config, ""));
    return;
  }
  const seen_config expected = expected_config(options);
  {
    const auto loaded = load_static_config({});
    require(loaded);
    check_config(static_config_of(loaded), expected);
    const auto version = loaded->variable<"LINUX_KERNEL_VERSION", const int>();
    require(version);
    CHECK(static_cast<std::uint64_t>(**version) == expected.version);
    const auto has_syscall = loaded->variable<"CONFIG_BPF_SYSCALL", const bool>();
    require(has_syscall);
    CHECK(**has_syscall);
  }
  {
    const auto loaded = load_config({});
    require(loaded);
    check_config(config_of(loaded), expected);
    const auto hz = loaded->variable<const std::uint32_t>("CONFIG_HZ");
    require(hz);
    CHECK(**hz == expected.hz);
    CHECK(loaded->variable<std::uint32_t>("CONFIG_HZ").error().why == cause::constant_variable);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("options of the user's hold before the kernel's", "[externs]") {
  seen_config expected = expected_config({{"CONFIG_HZ", "1234"},
                                          {"CONFIG_NR_CPUS", "65535"},
                                          {"CONFIG_BPF_JIT", "m"},
                                          {"CONFIG_BPF_SYSCALL", "n"},
                                          {"CONFIG_NET", "n"},
                                          {"CONFIG_DEFAULT_HOSTNAME", "\"a name that is \""}});
  const char* const options =
      "# a comment\nCONFIG_HZ=0x4d2\nCONFIG_BPF_JIT=m\nCONFIG_NR_CPUS=65535\nCONFIG_NET=n\n"
      "CONFIG_DEFAULT_HOSTNAME=\"a name that is too long\"\n\nCONFIG_HZ=9\nCONFIG_BPF_SYSCALL=n";
  if (configuration().empty()) {  // whether a weak one is set, which is not among these, nobody can tell
    CHECK(is_refused(load_static_config({.kconfig = options}), step::read_kconfig, cause::no_kernel_config,
                     ""));
    CHECK(is_refused(load_config({.kconfig = options}), step::read_kconfig, cause::no_kernel_config, ""));
    return;
  }
  const auto by_compiler = load_static_config({.kconfig = options});
  require(by_compiler);
  check_config(static_config_of(by_compiler), expected);
  const auto by_program = load_config({.kconfig = options});
  require(by_program);
  check_config(config_of(by_program), expected);
}

TEST_CASE("a file of options stands for the kernel's own", "[externs]") {
  const std::string path = "/tmp/barebpf-options-" + std::to_string(getpid());
  const std::string lines =
      "CONFIG_BPF_SYSCALL=n\nCONFIG_HZ=7\nCONFIG_NR_CPUS=3\nCONFIG_NET=110\nCONFIG_BPF_JIT=n\n"
      "CONFIG_DEFAULT_HOSTNAME=\"\"\n";
  seen_config expected = expected_config({{"CONFIG_HZ", "7"},
                                          {"CONFIG_NR_CPUS", "3"},
                                          {"CONFIG_BPF_JIT", "n"},
                                          {"CONFIG_BPF_SYSCALL", "n"},
                                          {"CONFIG_NET", "n"},
                                          {"CONFIG_DEFAULT_HOSTNAME", "\"\""}});
  for (const bool is_packed : {false, true}) {
    CAPTURE(is_packed);
    std::ofstream(path) << lines;
    const std::string packed = path + ".gz";
    if (is_packed) REQUIRE(std::system(("gzip -f " + path).c_str()) == 0);
    const std::string used = is_packed ? packed : path;
    const auto loaded = load_static_config({.kconfig_file = used.c_str()});
    require(loaded);
    check_config(static_config_of(loaded), expected);
    const auto by_program = load_config({.kconfig_file = used.c_str()});
    require(by_program);
    check_config(config_of(by_program), expected);
    REQUIRE(std::remove(used.c_str()) == 0);
    // The file is gone.
    const auto none = load_config({.kconfig_file = used.c_str()});
    CHECK(is_refused(none, step::open_file, cause::none, used));
    CHECK(none.error().code == ENOENT);
  }
}

TEST_CASE("options that do not fit are refused by name, and nothing stays", "[externs]") {
  const int before = open_descriptors();
  const struct {
    const char* line;
    cause why;
    const char* about;
  } rows[] = {
      {"CONFIG_BPF_SYSCALL=m", cause::kconfig_module, "CONFIG_BPF_SYSCALL"},
      {"CONFIG_BPF_SYSCALL=1", cause::kconfig_not_a_number, "CONFIG_BPF_SYSCALL"},
      {"CONFIG_HZ=y", cause::kconfig_yes_or_no, "CONFIG_HZ"},
      {"CONFIG_HZ=\"y\"", cause::kconfig_text, "CONFIG_HZ"},
      {"CONFIG_HZ=4294967296", cause::kconfig_range, "CONFIG_HZ"},
      {"CONFIG_NR_CPUS=65536", cause::kconfig_range, "CONFIG_NR_CPUS"},
      {"CONFIG_NET=300", cause::kconfig_range, "CONFIG_NET"},
      {"CONFIG_HZ=12a", cause::bad_kconfig_line, "CONFIG_HZ"},
      {"CONFIG_DEFAULT_HOSTNAME=\"open", cause::bad_kconfig_line, "CONFIG_DEFAULT_HOSTNAME"},
      {"CONFIG_OTHER", cause::bad_kconfig_line, ""},
      {"CONFIG_OTHER=", cause::bad_kconfig_line, ""},
  };
  for (const auto& row : rows) {
    CAPTURE(row.line);
    CHECK(is_refused(load_static_config({.kconfig = row.line}), step::read_kconfig, row.why, row.about));
    CHECK(is_refused(load_config({.kconfig = row.line}), step::read_kconfig, row.why, row.about));
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("an option that is not set is missed unless it is weak", "[externs]") {
  const std::string path = "/tmp/barebpf-no-options-" + std::to_string(getpid());
  std::ofstream(path) << "# CONFIG_BPF_SYSCALL is not set\nCONFIG_HZ=7\n";
  const auto loaded = load_config({.kconfig_file = path.c_str()});
  CHECK(is_refused(loaded, step::read_kconfig, cause::no_kernel_option, "CONFIG_BPF_JIT"));
  std::remove(path.c_str());
}

TEST_CASE("the value of an option is not set as other first values are", "[externs]") {
  const barebpf::object object = open_object("kernel_config");
  auto data = object.data();
  require(data);
  CHECK(data->variable<std::uint32_t>("CONFIG_HZ").error().why == cause::kernel_decides);
}

TEST_CASE("addresses and functions of the kernel are found by name", "[externs][needs 6.10][needs jit]") {
  const int before = open_descriptors();
  {
    const auto loaded = names_object.load();
    require(loaded);
    CHECK(run(loaded->program<"addresses">()) == 0);
    CHECK(run(loaded->program<"calls">()) == 1);
    const auto found = loaded->variable<"found", found_names>();
    require(found);
    check_names(**found);
  }
  {
    const auto loaded = open_object("kernel_names").load();
    require(loaded);
    CHECK(run(**loaded->program("addresses")) == 0);
    CHECK(run(**loaded->program("calls")) == 1);
    const auto found = loaded->variable<found_names>("found");
    require(found);
    check_names(**found);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("whatever the oldest kernel, what names the kernel is loaded in the same form",
          "[externs][needs 6.10][needs jit]") {
  const auto loaded = names_object.load<by_index>();
  require(loaded);
  CHECK(run(loaded->program<"addresses">()) == 0);
  CHECK(run(loaded->program<"calls">()) == 1);
}

TEST_CASE("of several forms of a function the kernel has the one that fits",
          "[externs][needs 6.10][needs jit]") {
  const auto loaded = flavors_object.load();
  require(loaded);
  run(loaded->program<"calls">());
  const auto which = loaded->variable<"which", std::uint32_t>();
  require(which);
  CHECK(**which == 1);

  const auto again = open_object("kernel_flavors").load();
  require(again);
  run(**again->program("calls"));
  CHECK(**again->variable<std::uint32_t>("which") == 1);
}

TEST_CASE("a call of what the kernel does not have is told by its name", "[externs][needs 5.14]") {
  const int before = open_descriptors();
  barebpf::verifier_log log;
  const auto loaded = missing_object.load({.log = &log});
  CHECK(is_refused(loaded, step::prog_load, cause::calls_missing_kfunc, "bpf_is_nowhere"));
  CHECK(std::string(log.said().data(), log.said().size()).find("unknown#2002000000") != std::string::npos);
  barebpf::verifier_log other;
  CHECK(is_refused(open_object("missing_kfunc").load({.log = &other}), step::prog_load,
                   cause::calls_missing_kfunc, "bpf_is_nowhere"));
  // Without a log nobody says why.
  CHECK(is_refused(missing_object.load(), step::prog_load, cause::none, "calls"));
  CHECK(open_descriptors() == before);
}

TEST_CASE("a variable of the kernel is read where the kernel tells its address", "[externs][needs 5.14]") {
  const auto addresses = addresses_of("process_counts");
  barebpf::verifier_log log;
  const auto loaded = variable_object.load({.log = &log});
  const auto again = open_object("kernel_variable").load();
  if (addresses.empty()) {  // without CONFIG_KALLSYMS_ALL
    const std::string said(log.said().data(), log.said().size());
    CHECK(is_refused(loaded, step::prog_load, cause::refused_by_verifier, "reads"));
    CHECK(said.find("kernel symbol 'process_counts'") != std::string::npos);
    CHECK(again.error().code == ENOENT);
    return;
  }
  require(loaded);
  require(again);
  run(loaded->program<"reads">());
  run(**again->program("reads"));
  CHECK(**loaded->variable<"address", std::uint64_t>() == addresses[0]);
  CHECK(**again->variable<std::uint64_t>("address") == addresses[0]);
}

TEST_CASE("variables in an arena begin as the object says, and are shared",
          "[externs][needs 6.10][needs jit]") {
  const int before = open_descriptors();
  const auto self = static_cast<std::uint32_t>(getpid());
  {
    auto data = arena_object.data();
    data.variable<"only_process", std::uint32_t>() = self;
    const auto loaded = arena_object.load({.data = data.view()});
    require(loaded);
    const auto link = loaded->attach<"counts">();
    require(link);
    const auto pages = map_arena(loaded->map<"pages", barebpf::no_key, barebpf::no_value>());
    require(pages);
    auto& seen = loaded->variable<"seen", pair>(*pages);
    auto& far = loaded->variable<"far", std::array<std::uint64_t, 600>>(*pages);
    CHECK(seen.calls == 100);
    CHECK(seen.sum == 5);
    CHECK(far[599] == 11);
    loaded->variable<"step", std::uint64_t>(*pages) = 10;
    static_cast<void>(getpgid(0));
    CHECK(seen.calls == 101);
    CHECK(seen.sum == 15);
    CHECK(far[599] == 12);
  }
  {
    const barebpf::object object = open_object("arena_globals");
    auto data = object.data();
    require(data);
    **data->variable<std::uint32_t>("only_process") = self;
    CHECK(data->variable<std::uint64_t>("step").error().why == cause::lies_in_arena);
    const auto loaded = object.load({.data = data->view()});
    require(loaded);
    const auto link = loaded->attach("counts");
    require(link);
    CHECK(loaded->variable<pair>("seen").error().why == cause::lies_in_arena);
    const auto pages = map_arena(must(loaded->map<barebpf::arena_map>("pages")));
    require(pages);
    CHECK(loaded->variable<int>("seen", *pages).error().why == cause::wrong_variable_size);
    CHECK(loaded->variable<std::uint32_t>("only_process", *pages).error().why == cause::not_in_arena);
    const auto seen = loaded->variable<pair>("seen", *pages);
    require(seen);
    CHECK((*seen)->calls == 100);
    static_cast<void>(getpgid(0));
    CHECK((*seen)->calls == 101);
    CHECK((*seen)->sum == 12);
    // A second arena at the same address would lie over this one, so it gets none.
    const auto second = object.load();
    CHECK(is_refused(second, step::map_memory, cause::none, "pages"));
    CHECK(second.error().code == EEXIST);
    // Room for fewer pages than the variables take.
    const auto small = must(object.change("pages", {.max_entries = 1}));
    CHECK(is_refused(object.load({.maps = {&small, 1}}), step::map_create, cause::arena_too_small, "pages"));
  }
  CHECK(open_descriptors() == before);
}
