// SPDX-License-Identifier: MIT
// What the fake machine says of itself, and what becomes of it in the variables of a program.
#include <cstring>
#include <string>
#include <vector>

#include "arena_globals.bpf.hpp"
#include "kernel_config.bpf.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

namespace {

using barebpf::cause;
using barebpf::extern_kind;
using barebpf::extern_need;
using barebpf::kconfig_form;
using barebpf::kconfig_source;
using barebpf::resolved_extern;
using barebpf::step;
using names = std::vector<std::string>;

// Needs of one object: each option has eight bytes.
extern_need need(const char* name, kconfig_form form = kconfig_form::number, bool is_weak = false) {
  return {.name = name,
          .known_size = static_cast<std::uint32_t>(std::strlen(name)),
          .hash = barebpf::hash_of(name),
          .is_weak = is_weak,
          .slot = {form, false, form == kconfig_form::number ? 8u : 1u}};
}
struct filled {
  std::vector<extern_need> needs;
  std::vector<resolved_extern> found;
  std::vector<std::uint64_t> values;
  barebpf::outcome row;
  bool is_good = false;

  explicit filled(std::vector<extern_need> wanted, const kconfig_source& source = {})
      : needs(std::move(wanted)), found(needs.size()), values(needs.size()) {
    for (std::size_t i = 0; i < needs.size(); ++i) needs[i].offset = static_cast<std::uint32_t>(i * 8);
    is_good = fill_config(needs.data(), static_cast<std::uint32_t>(needs.size()), found.data(),
                          reinterpret_cast<barebpf::u8*>(values.data()), source, row);
  }
  bool is_refused(step at, cause why, const std::string& about, int code = 0) const {
    const barebpf::error error = to_error(row);
    return !is_good && error.at == at && error.why == why && error.name == about && error.code == code;
  }
};
std::uint64_t version(unsigned major, unsigned minor, unsigned patch) {
  return (major << 16) + (minor << 8) + patch;
}

constexpr const char* boot = "/boot/config-6.18.44-fake";
constexpr const char* proc = "/proc/config.gz";

// "CONFIG_A=7\n", packed by gzip with everything stored.
std::string packed(const std::string& content) {
  std::string out("\x1f\x8b\x08\0\0\0\0\0\0\x03\x01", 11);
  const auto add = [&out](std::size_t number, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(number >> (i * 8));
  };
  add(content.size(), 2);
  add(content.size() ^ 0xffff, 2);
  out += content;
  add(barebpf::crc32(reinterpret_cast<const barebpf::u8*>(content.data()), content.size()), 4);
  add(content.size(), 4);
  return out;
}

}  // namespace

TEST_CASE("the version is where the distribution says it", "[kernel_config]") {
  const auto told = [](const char* release, const char* version, const char* signature = nullptr) {
    fake_machine machine;
    machine.release = release;
    machine.version = version;
    if (signature != nullptr) machine.files["/proc/version_signature"] = signature;
    const filled out({need("LINUX_KERNEL_VERSION")});
    CHECK(out.is_good);
    CHECK(out.found[0].is_found);
    return out.values[0];
  };
  CHECK(told("6.18.44-fc", "#1 SMP") == version(6, 18, 44));
  CHECK(told("5.10.300", "#1 SMP") == version(5, 10, 255));
  CHECK(told("6.1.0-56-cloud-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-01-01)") ==
        version(6, 1, 192));
  CHECK(told("6.1.0", "#1 Debian") == version(6, 1, 0));
  CHECK(told("5.4.0-12-generic", "#1 SMP", "Ubuntu 5.4.0-12.15-generic 5.4.8\n") == version(5, 4, 8));
  CHECK(told("5.4.0-12-generic", "#1 SMP", "something\n") == version(5, 4, 0));
  CHECK(told("7.0-rc1", "#1 SMP") == 0);  // as libbpf has it
  CHECK(told("", "") == 0);
}

TEST_CASE("what the kernel can do is tried", "[kernel_config]") {
  fake_machine machine;
  machine.files["/sys/bus/event_source/devices/kprobe/type"] = "8\n";
  const std::vector<extern_need> both = {need("LINUX_HAS_BPF_COOKIE", kconfig_form::boolean),
                                         need("LINUX_HAS_SYSCALL_WRAPPER", kconfig_form::boolean)};
  std::string called;
  machine.meanwhile = [&called](const seen_call& call) {
    if (call.name == "perf_event_open")
      called = reinterpret_cast<const char*>(static_cast<std::uintptr_t>(call.u64(56)));
  };
  const filled out(both);
  CHECK(out.is_good);
  CHECK(out.values == std::vector<std::uint64_t>{1, 1});
  const auto programs = machine.all("prog_load");
  REQUIRE(programs.size() == 1);
  CHECK(programs[0].u32(0) == 2);                // BPF_PROG_TYPE_KPROBE
  CHECK(programs[0].instruction(0)[0] == 0x85);  // a call
  CHECK(programs[0].instruction(0)[4] + programs[0].instruction(0)[7] == 174);
  const auto events = machine.all("perf_event_open");
  REQUIRE(events.size() == 1);
  CHECK(events[0].u32(0) == 8);
#if defined(__x86_64__)
  CHECK(called == "__x64_sys_bpf");
#endif
  CHECK(machine.left_open() == names{});

  machine.verifier_refuses = EINVAL;
  machine.refusals["perf_event_open"] = {ENOENT};
  const filled neither(both);
  CHECK(neither.is_good);
  CHECK(neither.values == std::vector<std::uint64_t>{0, 0});
  machine.files.clear();
  CHECK(filled({both[1]}).values == std::vector<std::uint64_t>{0});
  CHECK(machine.all("perf_event_open").size() == 2);
}

TEST_CASE("facts that nobody knows are zero when they are weak", "[kernel_config]") {
  fake_machine machine;
  const filled weak({need("LINUX_OF_TOMORROW", kconfig_form::number, true)});
  CHECK(weak.is_good);
  CHECK_FALSE(weak.found[0].is_found);
  CHECK(filled({need("LINUX_OF_TOMORROW")})
            .is_refused(step::read_kconfig, cause::unknown_kernel_fact, "LINUX_OF_TOMORROW"));
  CHECK(filled({need("HZ", kconfig_form::number, true)})
            .is_refused(step::read_kconfig, cause::unknown_kernel_fact, "HZ"));
  CHECK(filled({need("LINUX_KERNEL_VERSION", kconfig_form::boolean)})
            .is_refused(step::read_kconfig, cause::kconfig_range, "LINUX_KERNEL_VERSION"));
  CHECK(machine.all("openat").size() == 1);  // no configuration
}

TEST_CASE("options come from the user, then from /boot, then from /proc", "[kernel_config]") {
  const std::vector<extern_need> both = {need("CONFIG_A"), need("CONFIG_B")};
  fake_machine machine;
  machine.files[boot] = "CONFIG_A=1\n# CONFIG_B is not set\n\nCONFIG_C=\"x\"\nCONFIG_B=2";
  machine.files[proc] = packed("CONFIG_A=3\nCONFIG_B=4\n");
  CHECK(filled(both).values == std::vector<std::uint64_t>{1, 2});
  CHECK(filled(both, {.options = "CONFIG_B=9"}).values == std::vector<std::uint64_t>{1, 9});

  machine.calls.clear();
  CHECK(filled(both, {.options = "CONFIG_B=9\nCONFIG_A=8\n"}).values == std::vector<std::uint64_t>{8, 9});
  CHECK(machine.all("openat").empty());  // nothing is left to ask the kernel

  machine.files["mine"] = "CONFIG_A=5\n";
  const filled mine(both, {.file = "mine"});
  CHECK(mine.is_good);
  CHECK(mine.values == std::vector<std::uint64_t>{5, 0});
  CHECK(mine.found[0].is_found);
  CHECK_FALSE(mine.found[1].is_found);

  machine.files.erase(boot);
  CHECK(filled(both).values == std::vector<std::uint64_t>{3, 4});
  machine.longest_read = 7;
  CHECK(filled(both).values == std::vector<std::uint64_t>{3, 4});
  machine.files.erase(proc);
  CHECK(filled(both).is_refused(step::read_kconfig, cause::no_kernel_config, ""));
  CHECK(machine.left_open() == names{});
}

TEST_CASE("configurations that are damaged are refused by their path", "[kernel_config]") {
  fake_machine machine;
  const std::string whole = packed("CONFIG_A=3\n");
  machine.files["mine"] = whole.substr(0, whole.size() - 1);
  CHECK(filled({need("CONFIG_A")}, {.file = "mine"})
            .is_refused(step::read_kconfig, cause::bad_kernel_config, "mine"));
  machine.files["mine"] = whole;
  machine.files["mine"][12] = 'x';
  CHECK(filled({need("CONFIG_A")}, {.file = "mine"})
            .is_refused(step::read_kconfig, cause::bad_kernel_config, "mine"));
  machine.files["mine"] = "CONFIG_A\n";
  CHECK(filled({need("CONFIG_A")}, {.file = "mine"})
            .is_refused(step::read_kconfig, cause::bad_kconfig_line, ""));
  CHECK(filled({need("CONFIG_A")}, {.file = "other"})
            .is_refused(step::open_file, cause::none, "other", ENOENT));
  machine.folders.insert("folder");
  CHECK(filled({need("CONFIG_A")}, {.file = "folder"})
            .is_refused(step::read_file, cause::none, "folder", EISDIR));
}

namespace {

constexpr barebpf::static_object<kernel_config> config_object;
constexpr barebpf::static_object<arena_globals> arena_object;

constexpr const char* options =
    "CONFIG_BPF_SYSCALL=y\nCONFIG_BPF_JIT=m\nCONFIG_HZ=100\nCONFIG_NR_CPUS=8\nCONFIG_NET=n\n"
    "CONFIG_DEFAULT_HOSTNAME=\"(none)\"\n";

template <class Load>
void check_map(Load load) {
  fake_machine machine;
  machine.files[proc] = packed(options);
  const auto loaded = load(barebpf::load_options{});
  REQUIRE(loaded.has_value());
  const auto updates = machine.all("map_update_elem");
  // Constants and options; variables that are zero are so already.
  REQUIRE(updates.size() == 2);
  CHECK(machine.all("map_freeze").size() == 2);
  // LINUX_HAS_NEVER_BEEN_KNOWN, CONFIG_BPF_JIT, CONFIG_HZ, CONFIG_NO_SUCH_OPTION, LINUX_KERNEL_VERSION,
  // CONFIG_NR_CPUS, CONFIG_BPF_SYSCALL, CONFIG_NET, LINUX_HAS_BPF_COOKIE, LINUX_HAS_SYSCALL_WRAPPER and
  // CONFIG_DEFAULT_HOSTNAME.
  record expected = record(46).u32(8, 2).u32(12, 100).u32(20, 6 << 16 | 18 << 8 | 44).text(30, "(none)");
  raw_bytes bytes = expected;
  const std::uint16_t cpus = 8;
  std::memcpy(bytes.data() + 24, &cpus, sizeof cpus);
  bytes[26] = 1;
  bytes[27] = 'n';
  bytes[28] = 1;
  CHECK(updates[1].value == bytes);
}
auto load_config = [](const barebpf::load_options& with) { return config_object.load(with); };
auto open_config = [](const barebpf::load_options& with) {
  const auto object = barebpf::object::open(kernel_config, sizeof kernel_config);
  REQUIRE(object.has_value());
  return object->load(with);
};

}  // namespace

TEST_CASE("options are the content of their map", "[kernel_config]") {
  check_map(load_config);
  check_map(open_config);
}

TEST_CASE("what an object misses is told before anything is made", "[kernel_config]") {
  fake_machine machine;
  machine.files[proc] = packed("CONFIG_HZ=100\n");
  const auto loaded = load_config({});
  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().why == cause::no_kernel_option);
  CHECK(std::string(loaded.error().name) == "CONFIG_BPF_JIT");
  CHECK(machine.all("map_create").empty());
  CHECK(open_config({.kconfig = options}).has_value());
}

TEST_CASE("whichever call fails, options are right or refused, and nothing is leaked", "[kernel_config]") {
  std::size_t count = 0;
  const auto prepare = [](fake_machine& machine) {
    machine.files[proc] = packed(options);
    machine.files["/sys/bus/event_source/devices/kprobe/type"] = "8\n";
  };
  {
    fake_machine machine;
    prepare(machine);
    machine.fault = [&count](std::size_t index) { return count = index + 1, 0; };
    CHECK(load_config({}).has_value());
  }
  REQUIRE(count > 20);
  for (std::size_t at = 0; at < count; ++at)
    for (const int code : {EPERM, ENOMEM, EINVAL, EMFILE, EINTR}) {
      CAPTURE(at, code);
      fake_machine machine;
      prepare(machine);
      machine.fault = [&](std::size_t index) { return index == at ? code : 0; };
      {
        const auto loaded = load_config({});
        machine.fault = nullptr;
        const auto updates = machine.all("map_update_elem");
        if (loaded.has_value()) CHECK(updates.at(1).value.at(26) == 1);  // CONFIG_BPF_SYSCALL
      }
      CHECK(machine.left_open() == names{});
    }
}

TEST_CASE("an arena begins with the values of its variables", "[kernel_config]") {
  fake_machine machine;
  const auto loaded = arena_object.load();
  REQUIRE(loaded.has_value());
  const raw_bytes first = machine.first_bytes(loaded->map_descriptor<"pages">().number(), 24);
  CHECK(first == record(24).u32(0, 100).u64(8, 5).u64(16, 7));
  const auto mapped = machine.all("mmap");
  REQUIRE(mapped.size() == 1);
  CHECK(mapped[0].arguments[0] == 0x71000000);
  CHECK(machine.all("munmap").size() == 1);

  machine.refusals["mmap"] = {EEXIST};
  const auto refused = arena_object.load();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().at == step::map_memory);
  CHECK(refused.error().code == EEXIST);
  CHECK(std::string(refused.error().name) == "pages");
  const barebpf::map_change changes[] = {arena_object.change<"pages">({.max_entries = 1})};
  CHECK(arena_object.load({.maps = changes}).error().why == cause::arena_too_small);
}
