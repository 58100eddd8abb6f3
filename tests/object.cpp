// SPDX-License-Identifier: MIT
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "execve_counter.bpf.hpp"
#include "foreign.bpf.hpp"
#include "layouts.bpf.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/fault_sweep.hpp"
#include "support/library.hpp"
#include "support/stated_types.hpp"
#include "support/whole_objects.hpp"
#include "two_programs.bpf.hpp"

using barebpf::cause;
using barebpf::hash_map;
using barebpf::object;
using barebpf::step;
using names = std::vector<std::string>;
using loads = std::vector<std::pair<int, int>>;

namespace {

constexpr barebpf::load_policy plain{.btf = barebpf::btf_choice::none};

struct process_call {
  unsigned pid, number;
};

std::string file_of(const raw_bytes& image) { return std::string(image.begin(), image.end()); }

// The object in memory; the image has to stay.
barebpf::loaded_object load(const raw_bytes& image) {
  const auto opened = object::open(image.data(), image.size());
  REQUIRE(opened);
  auto loaded = opened->load<plain>();
  REQUIRE(loaded);
  return std::move(*loaded);
}

object open_image(const raw_bytes& image) {
  auto opened = object::open(image.data(), image.size());
  REQUIRE(opened);
  return std::move(*opened);
}

// The calls that load an object, and those that load what the compiler read of it.
template <const auto& Image, barebpf::load_policy Policy>
void check_both_readings(const std::function<void(fake_machine&)>& prepare = as_it_comes) {
  const raw_bytes image = image_of(Image);
  std::vector<seen_call> read, compiled;
  {
    fake_machine machine;
    prepare(machine);
    CHECK(open_image(image).load<Policy>());
    read = machine.calls;
  }
  fake_machine machine;
  prepare(machine);
  CHECK(barebpf::static_object<Image>::template load<Policy>());
  compiled = machine.calls;
  check_same_calls(read, compiled);
}

// Writes `to` over every `from`, which is as long.
raw_bytes with_text(raw_bytes image, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  int found = 0;
  for (auto at = image.begin();; ++found) {
    at = std::search(at, image.end(), from.begin(), from.end());
    if (at == image.end()) break;
    at = std::copy(to.begin(), to.end(), at);
  }
  REQUIRE(found != 0);
  return image;
}

// The counter with a map of another type. Its type, 1, is the length of an array in BTF.
raw_bytes with_map_type(unsigned char type) {
  raw_bytes image = image_of(execve_counter);
  const auto opened = object::open(image.data(), image.size());
  REQUIRE(opened);
  const barebpf::btf& types = opened->spec().types();
  int found = 0;
  for (barebpf::u32 id = 1; id <= types.count(); ++id) {
    const barebpf::btf_type candidate = types.type(id);
    if (candidate.kind != barebpf::abi::btf_kind::array || types.length_of(candidate) != 1) continue;
    image[static_cast<std::size_t>(candidate.tail()) + (barebpf::host_is_big_endian ? 11 : 8)] = type;
    ++found;
  }
  REQUIRE(found == 1);
  return image;
}

template <class Map>
void check_unfit(const barebpf::loaded_object& loaded, const char* name, cause why) {
  const auto found = loaded.map<Map>(name);
  REQUIRE_FALSE(found);
  CHECK(found.error().at == step::find);
  CHECK(found.error().why == why);
  CHECK(found.error().code == 0);
  CHECK(found.error().offset != 0);  // where the map is declared
  CHECK(std::string(found.error().name) == ".maps:" + std::string(name));
}

// A variable that does not fit is neither seen nor mapped.
// An error about `name`, perhaps with one that is like it in brackets.
bool is_about(const barebpf::error& why, const std::string& name) {
  const std::string told = why.name;
  return told == name || told.substr(0, name.size() + 2) == name + " (";
}

template <class T>
void check_unfit_variable(fake_machine& machine, const barebpf::loaded_object& loaded, const char* name,
                          cause why) {
  const auto found = loaded.variable<T>(name);
  REQUIRE_FALSE(found);
  CHECK(found.error().at == step::find);
  CHECK(found.error().why == why);
  CHECK(found.error().code == 0);
  CHECK((found.error().offset != 0) == (why != cause::no_such_variable));  // where it is declared
  CHECK(is_about(found.error(), name));
  CHECK(machine.all("mmap").empty());
}

void with_file(fake_machine& machine) { machine.files["counter.bpf.o"] = file_of(image_of(execve_counter)); }

// Everything a tool does, up to its first count.
std::optional<barebpf::error> count(fake_machine& machine) {
  const auto opened = object::open("counter.bpf.o");
  if (!opened) return opened.error();
  const auto loaded = opened->load();
  if (!loaded) return loaded.error();
  const auto attached = loaded->attach("bpf_prog");
  if (!attached) return attached.error();
  machine.fault = nullptr;
  CHECK(attached->is_attached());
  auto hits = loaded->map<hash_map<int, std::int64_t>>("hash_map");
  REQUIRE(hits);
  CHECK(hits->update_elem(0, 41));
  CHECK(hits->lookup_elem(0).value_or(0) == 41);
  return std::nullopt;
}

std::string subject(step at) {
  if (at == step::open_file || at == step::read_file) return "counter.bpf.o";
  return at == step::map_create ? "hash_map" : "bpf_prog";
}

}  // namespace

TEST_CASE("a file is opened, measured, read and closed", "[object]") {
  fake_machine machine;
  with_file(machine);

  const auto opened = object::open("counter.bpf.o");

  REQUIRE(opened);
  REQUIRE(machine.names() == names{"openat", "lseek", "lseek", "read", "close"});
  CHECK(machine.calls[0].arguments[0] == -100);  // AT_FDCWD
  CHECK(machine.calls[0].path == "counter.bpf.o");
  CHECK(machine.calls[0].arguments[2] == 02000000);  // O_RDONLY | O_CLOEXEC
  CHECK(machine.calls[1].arguments[1] == 0);
  CHECK(machine.calls[1].arguments[2] == 2);  // SEEK_END
  CHECK(machine.calls[2].arguments[1] == 0);
  CHECK(machine.calls[2].arguments[2] == 0);  // SEEK_SET
  CHECK(machine.calls[3].arguments[2] == machine.calls[1].answer);
  CHECK(opened->spec().maps().size() == 1);
  CHECK(opened->spec().find_map("hash_map") == 0);
  CHECK(opened->spec().find_program("bpf_prog") == 0);
  CHECK(opened->spec().find_program("hash_map") == 0xffffffffu);
}

TEST_CASE("a file that comes in pieces is read whole", "[object]") {
  fake_machine machine;
  with_file(machine);
  machine.longest_read = 1000;

  const auto opened = object::open("counter.bpf.o");

  REQUIRE(opened);
  const auto reads = machine.all("read");
  REQUIRE(reads.size() > 2);
  CHECK(reads[1].arguments[1] == reads[0].arguments[1] + 1000);
  CHECK(reads[1].arguments[2] == reads[0].arguments[2] - 1000);
  CHECK(reads.back().answer == reads.back().arguments[2]);
  CHECK(opened->load<plain>());
  CHECK(is_code_of(machine.all("prog_load").at(0).payload, image_of(execve_counter)));
}

TEST_CASE("a read that a signal interrupts is tried again", "[object]") {
  fake_machine machine;
  with_file(machine);
  machine.longest_read = 4000;
  machine.refusals["read"] = {EINTR, 0, EINTR, EINTR, 0};

  const auto opened = object::open("counter.bpf.o");

  REQUIRE(opened);
  CHECK(opened->spec().programs().size() == 1);
}

TEST_CASE("a missing file is an error of opening, about its path", "[object]") {
  fake_machine machine;

  const auto opened = object::open("nowhere/counter.bpf.o");

  REQUIRE_FALSE(opened);
  CHECK(opened.error().at == step::open_file);
  CHECK(opened.error().code == 2);  // ENOENT
  CHECK(std::string(opened.error().name) == "nowhere/counter.bpf.o");
  CHECK(machine.names() == names{"openat"});
}

TEST_CASE("a path too long for an error is cut there, and whole for the kernel", "[object]") {
  fake_machine machine;
  const std::string path = "/" + std::string(60, 'd') + "/counter.bpf.o";

  const auto opened = object::open(path.c_str());

  REQUIRE_FALSE(opened);
  CHECK(std::string(opened.error().name) == "/dddddddddddddddddddddddddddddddddddddddddddddd");
  CHECK(machine.calls[0].path == path);
}

TEST_CASE("a folder is an error of reading", "[object]") {
  fake_machine machine;
  machine.folders = {"programs"};

  const auto opened = object::open("programs");

  REQUIRE_FALSE(opened);
  CHECK(opened.error().at == step::read_file);
  CHECK(opened.error().code == 21);  // EISDIR
  CHECK(opened.error().why == cause::none);
  CHECK(std::string(opened.error().name) == "programs");
  CHECK(machine.names() == names{"openat", "lseek", "read", "close"});
}

TEST_CASE("what cannot be measured is an error of reading", "[object]") {
  fake_machine machine;
  with_file(machine);

  machine.refusals["lseek"] = {ESPIPE};
  const auto pipe = object::open("counter.bpf.o");
  machine.refusals["lseek"] = {0, EIO};
  const auto broken = object::open("counter.bpf.o");

  REQUIRE_FALSE(pipe);
  CHECK(pipe.error().at == step::read_file);
  CHECK(pipe.error().code == 29);
  REQUIRE_FALSE(broken);
  CHECK(broken.error().at == step::read_file);
  CHECK(broken.error().code == 5);
  CHECK(machine.names() == names{"openat", "lseek", "close", "openat", "lseek", "lseek", "close"});
}

TEST_CASE("a file that stops halfway is an error of reading", "[object]") {
  fake_machine machine;
  with_file(machine);
  machine.longest_read = 1000;
  machine.refusals["read"] = {0, EIO};

  const auto opened = object::open("counter.bpf.o");

  REQUIRE_FALSE(opened);
  CHECK(opened.error().at == step::read_file);
  CHECK(opened.error().code == 5);
  CHECK(std::string(opened.error().name) == "counter.bpf.o");
}

TEST_CASE("a file above 1 GiB is refused before memory is asked for", "[object]") {
  long size = (1L << 30) + 1;
  fake_kernel kernel([&size](const fake_call& call) -> long {
    if (call.number == __NR_openat) return 3;
    return call.number == __NR_lseek ? size : 0;
  });

  const auto opened = object::open("large");

  REQUIRE_FALSE(opened);
  CHECK(opened.error().at == step::read_file);
  CHECK(opened.error().why == cause::too_large);
  CHECK(opened.error().code == 0);
  CHECK(std::string(opened.error().name) == "large");
  CHECK(kernel.calls.size() == 4);
  CHECK(kernel.calls.back().number == __NR_close);
}

TEST_CASE("an empty file is no object", "[object]") {
  fake_machine machine;
  machine.files["empty"] = "";

  const auto opened = object::open("empty");

  REQUIRE_FALSE(opened);
  CHECK(opened.error().at == step::read_object);
  CHECK(opened.error().why == cause::not_elf);
}

TEST_CASE("a file that shrank after it was measured is reported as truncated", "[object]") {
  const raw_bytes image = image_of(execve_counter);
  std::size_t left = 2000, done = 0;
  fake_kernel kernel([&](const fake_call& call) -> long {
    if (call.number == __NR_openat) return 3;
    if (call.number == __NR_lseek) return call.arguments[2] == 2 ? static_cast<long>(image.size()) : 0;
    if (call.number != __NR_read) return 0;
    std::memcpy(reinterpret_cast<void*>(call.arguments[1]), image.data() + done, left);
    done += left;
    return static_cast<long>(std::exchange(left, 0));
  });

  const auto opened = object::open("counter.bpf.o");

  REQUIRE_FALSE(opened);
  CHECK(opened.error().at == step::read_object);
  CHECK(opened.error().why == cause::truncated);
}

TEST_CASE("an object in memory is read without a system call", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(two_programs);

  const auto opened = object::open(image.data(), image.size());

  REQUIRE(opened);
  CHECK(opened->spec().maps().size() == 2);
  CHECK(opened->spec().programs().size() == 2);
  CHECK(machine.names() == names{});

  // The words of an embedded one lie otherwise in the memory of a big-endian machine.
  const auto embedded = object::open(two_programs, sizeof two_programs);
  REQUIRE(embedded);
  CHECK(embedded->spec().programs().size() == 2);
}

TEST_CASE("what is no object says where it stops being one", "[object]") {
  const auto opened = object::open("not an object, but long enough to look at", 41);

  REQUIRE_FALSE(opened);
  CHECK(opened.error().at == step::read_object);
  CHECK(opened.error().why == cause::not_elf);
}

TEST_CASE("an object is loaded with the calls of the compiler's reading", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(execve_counter);
  const auto opened = object::open(image.data(), image.size());
  REQUIRE(opened);

  {
    const auto loaded = opened->load();
    REQUIRE(loaded);
    CHECK(machine.left_open() == names{"map", "program"});
  }

  REQUIRE(machine.names() == names{"btf_load", "map_create", "prog_load", "close", "close", "close"});
  CHECK(machine.calls[1].attr == record(72)
                                     .u32(0, 1)
                                     .u32(4, 4)
                                     .u32(8, 8)
                                     .u32(12, 4)
                                     .text(28, "hash_map")
                                     .u32(48, 3)
                                     .u32(52, 1)
                                     .u32(56, 2));
  const seen_call& program = machine.calls[2];
  CHECK(program.u32(0) == 5);  // BPF_PROG_TYPE_TRACEPOINT
  CHECK(program.text(48) == "bpf_prog");
  CHECK(program.license == "GPL");
  CHECK(program.u64(120) == 0);  // fd_array
  CHECK(map_loads(program.payload) == loads{{1, 4}});
  CHECK(is_code_of(program.payload, image));
}

TEST_CASE("an object without types wanted loads none", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(execve_counter);

  const auto loaded = load(image);

  CHECK(machine.names() == names{"map_create", "prog_load"});
  CHECK(machine.calls[0].attr == record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 4).text(28, "hash_map"));
}

TEST_CASE("both readings make the same calls", "[object]") {
  constexpr barebpf::load_policy needed{.btf = barebpf::btf_choice::needed}, all{};
  check_both_readings<two_programs, all>();
  check_both_readings<two_programs, needed>();
  check_both_readings<two_programs, plain>();
  check_both_readings<functions, all>();
  check_both_readings<functions, needed>();
  check_both_readings<functions, plain>();
  check_both_readings<variables, all>();
  check_both_readings<variables, needed>();
  check_both_readings<variables, plain>();
  check_both_readings<pinned_map, all>();
  check_both_readings<pinned_map, plain>(with_shared_calls);
  check_both_readings<long_program, all>();
  check_both_readings<map_in_map, all>();
  check_both_readings<map_in_map, needed>();
  check_both_readings<map_in_map, plain>();
  check_both_readings<tail_calls, all>();
  check_both_readings<tail_calls, plain>();
}

TEST_CASE("two programs get their own maps, names and instructions", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(two_programs);

  const auto loaded = load(image);

  REQUIRE(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
  CHECK(machine.calls[0].text(28) == "calls_by_proces");
  CHECK(machine.calls[1].attr ==
        record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 8).u32(16, 1).text(28, "totals"));
  CHECK(machine.calls[2].text(48) == "count_getpgid_c");
  CHECK(machine.calls[3].text(48) == "count_getsid_ca");
  for (const std::size_t i : {2u, 3u}) {
    CHECK(map_loads(machine.calls[i].payload) == loads{{1, 3}, {1, 4}});
    CHECK(is_code_of(machine.calls[i].payload, image));
  }
  CHECK(machine.calls[2].payload != machine.calls[3].payload);
}

TEST_CASE("what was loaded needs neither the object nor its file", "[object]") {
  fake_machine machine;
  with_file(machine);

  const auto loaded = [] {
    const auto opened = object::open("counter.bpf.o");
    REQUIRE(opened);
    return opened->load();
  }();

  REQUIRE(loaded);
  CHECK(loaded->map<hash_map<int, std::int64_t>>("hash_map"));
  CHECK(loaded->attach("bpf_prog"));
}

TEST_CASE("maps are found by their whole names and borrowed", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(two_programs);
  const auto loaded = load(image);

  {
    auto calls = loaded.map<hash_map<process_call, barebpf::u64>>("calls_by_process_and_number");
    auto totals = loaded.map<hash_map<unsigned, std::uint64_t>>("totals");
    REQUIRE(calls);
    REQUIRE(totals);
    CHECK(calls->descriptor().number() == 3);
    CHECK(totals->descriptor().number() == 4);
    CHECK(calls->map_name() == "calls_by_proces");
    CHECK(calls->update_elem({.pid = 1, .number = 2}, 3));
    CHECK(calls->lookup_elem({.pid = 1, .number = 2}).value() == 3);
  }

  CHECK(machine.all("close").empty());
}

TEST_CASE("a map that the object does not have is not found", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(execve_counter);
  const auto loaded = load(image);

  for (const char* name : {"hash_ma", "hash_map_", "", "bpf_prog"}) {
    CAPTURE(name);
    const auto found = loaded.map<hash_map<int, std::int64_t>>(name);
    REQUIRE_FALSE(found);
    CHECK(found.error().at == step::find);
    CHECK(found.error().why == cause::no_such_map);
    CHECK(found.error().code == 0);
    CHECK(is_about(found.error(), name));
  }
}

TEST_CASE("a map is not found under the cut name that the kernel keeps", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(two_programs);
  const auto loaded = load(image);

  const auto found = loaded.map<hash_map<process_call, barebpf::u64>>("calls_by_proces");

  REQUIRE_FALSE(found);
  CHECK(found.error().why == cause::no_such_map);
}

TEST_CASE("a map does not fit types of other sizes or signs", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(execve_counter);
  const auto loaded = load(image);

  check_unfit<hash_map<std::int64_t, std::int64_t>>(loaded, "hash_map", cause::wrong_key_size);
  check_unfit<hash_map<short, std::int64_t>>(loaded, "hash_map", cause::wrong_key_size);
  check_unfit<hash_map<int, int>>(loaded, "hash_map", cause::wrong_value_size);
  check_unfit<hash_map<unsigned, std::int64_t>>(loaded, "hash_map", cause::wrong_key_sign);
  check_unfit<hash_map<int, std::uint64_t>>(loaded, "hash_map", cause::wrong_value_sign);
  CHECK(loaded.map<hash_map<int, std::int64_t>>("hash_map"));
}

TEST_CASE("a map of another type is not taken for a hash", "[object]") {
  fake_machine machine;
  const raw_bytes image = with_map_type(2);
  const auto loaded = load(image);

  check_unfit<hash_map<int, std::int64_t>>(loaded, "hash_map", cause::wrong_map_type);
  // The type says more than the sizes.
  check_unfit<hash_map<std::int64_t, std::int64_t>>(loaded, "hash_map", cause::wrong_map_type);

  CHECK(machine.calls[0].u32(0) == 2);
}

TEST_CASE("an object attaches its programs where their sections say", "[object]") {
  fake_machine machine;
  machine.tracepoints = {{"syscalls/sys_enter_getpgid", "150\n"}, {"syscalls/sys_enter_getsid", "144\n"}};
  const raw_bytes image = image_of(two_programs);
  const auto loaded = load(image);

  const auto getsid = loaded.attach("count_getsid_calls");
  const auto getpgid = loaded.attach("count_getpgid_calls");

  REQUIRE(getsid);
  REQUIRE(getpgid);
  CHECK(machine.all("openat").at(0).path == "/sys/kernel/tracing/events/syscalls/sys_enter_getsid/id");
  CHECK(machine.all("perf_event_open").at(0).u64(8) == 144);
  CHECK(static_cast<long>(machine.all("link_create").at(0).u32(0)) == machine.all("prog_load").at(1).answer);
  CHECK(machine.all("perf_event_open").at(1).u64(8) == 150);
  CHECK(static_cast<long>(machine.all("link_create").at(1).u32(0)) == machine.all("prog_load").at(0).answer);
}

TEST_CASE("an object names the tracepoint that it did not find", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(two_programs);
  const auto loaded = load(image);

  const auto attached = loaded.attach("count_getpgid_calls");

  REQUIRE_FALSE(attached);
  CHECK(attached.error().at == step::find_tracepoint);
  CHECK(attached.error().code == 2);                        // ENOENT
  CHECK(std::string(attached.error().name) == "syscalls");  // there is not even the group
}

TEST_CASE("a program that the object does not have is not found", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(execve_counter);
  const auto loaded = load(image);

  for (const char* name : {"bpf_pro", "bpf_prog2", "", "hash_map"}) {
    CAPTURE(name);
    const auto attached = loaded.attach(name);
    REQUIRE_FALSE(attached);
    CHECK(attached.error().at == step::find);
    CHECK(attached.error().why == cause::no_such_program);
    CHECK(is_about(attached.error(), name));
  }
}

TEST_CASE("programs are found by their whole names and borrowed", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(two_programs);
  const auto loaded = load(image);

  const auto getpgid = loaded.program("count_getpgid_calls");
  const auto getsid = loaded.program("count_getsid_calls");
  const auto cut = loaded.program("count_getsid_ca");

  REQUIRE(getpgid);
  CHECK((*getpgid)->number() == machine.all("prog_load").at(0).answer);
  REQUIRE(getsid);
  CHECK((*getsid)->number() == machine.all("prog_load").at(1).answer);
  REQUIRE_FALSE(cut);
  CHECK(cut.error().at == step::find);
  CHECK(cut.error().why == cause::no_such_program);
  CHECK(std::string(cut.error().name) == "count_getsid_ca (count_getsid_calls?)");
  CHECK(machine.all("close").empty());
}

TEST_CASE("a program whose section names no place cannot be attached", "[object]") {
  const std::string whole = "tracepoint/syscalls/sys_enter_execve", none = std::string(1, '\0');
  for (const std::string& section :
       {"tracepoint" + none + "syscalls/sys_enter_execve", "tracepoint/" + none + "yscalls/sys_enter_execve",
        "tracepoint/syscalls" + none + "sys_enter_execve", "tracepoint/syscalls/" + none + "ys_enter_execve",
        std::string("tracepoint/syscalls/sys/enter_execve"),
        std::string("tracepoint/../calls/sys_enter_execve")}) {
    CAPTURE(section);
    fake_machine machine;
    const raw_bytes image = with_text(image_of(execve_counter), whole, section);
    const auto loaded = load(image);

    const auto attached = loaded.attach("bpf_prog");

    REQUIRE_FALSE(attached);
    CHECK(attached.error().at == step::find);
    CHECK(attached.error().why == cause::not_attachable);
    CHECK(std::string(attached.error().name) == "bpf_prog");
    CHECK(machine.names() == names{"map_create", "prog_load"});
  }
}

TEST_CASE("a refused program leaves its whole log", "[object]") {
  fake_machine machine;
  machine.verifier_refuses = EINVAL;
  machine.verifier_says = "unknown func bpf_frobnicate#999";
  const raw_bytes image = image_of(two_programs);
  const auto opened = object::open(image.data(), image.size());
  REQUIRE(opened);
  barebpf::verifier_log log;

  const auto loaded = opened->load({.log = &log});

  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().at == step::prog_load);
  CHECK(loaded.error().code == 22);
  CHECK(loaded.error().why == cause::refused_by_verifier);
  CHECK(std::string(loaded.error().name) == "count_getpgid_c");
  CHECK(log.said() == "unknown func bpf_frobnicate#999");
  CHECK(log.is_whole());
  CHECK(machine.left_open() == names{});
}

TEST_CASE("without privilege an object's map says what is missing", "[object]") {
  fake_machine machine;
  machine.capabilities = 0;
  machine.refusals["map_create"] = {EPERM};
  const raw_bytes image = image_of(execve_counter);
  const auto opened = object::open(image.data(), image.size());
  REQUIRE(opened);

  const auto loaded = opened->load<plain>();

  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().at == step::map_create);
  CHECK(loaded.error().why == cause::needs_cap_bpf);
  CHECK(std::string(loaded.error().name) == "hash_map");
}

TEST_CASE("the same object can be loaded twice", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(execve_counter);
  const auto opened = object::open(image.data(), image.size());
  REQUIRE(opened);

  const auto first = opened->load<plain>();
  const auto second = opened->load<plain>();

  REQUIRE(first);
  REQUIRE(second);
  CHECK(map_loads(machine.all("prog_load").at(0).payload) == loads{{1, 3}});
  CHECK(map_loads(machine.all("prog_load").at(1).payload) == loads{{1, 5}});
}

TEST_CASE("whichever call fails, an object gives an error or another way, and leaks nothing", "[object]") {
  sweep(
      {
          {"openat", step::open_file, step::open_file},
          {"lseek", step::read_file, step::read_file},
          {"lseek", step::read_file, step::read_file},
          {"read", step::read_file, step::read_file, EINTR},
          {"close", works, step::map_create},
          {"btf_load", works, step::map_create},
          {"map_create", step::map_create, step::map_create, EINVAL, step::map_create},
          {"prog_load", step::prog_load, step::prog_load},
          {"close", works, step::find_tracepoint},
          {"openat", step::find_tracepoint, step::find_tracepoint},
          {"read", step::find_tracepoint, step::find_tracepoint},
          {"close", works, step::open_event},
          {"perf_event_open", step::open_event, step::open_event},
          {"link_create", step::link_create, step::link_create, EINVAL, step::set_event_program},
      },
      with_file, count, subject);
}

TEST_CASE("the same object with the standard streams closed", "[object]") {
  sweep(
      {
          {"openat", step::open_file, step::open_file},
          {"lseek", step::read_file, step::read_file},
          {"lseek", step::read_file, step::read_file},
          {"read", step::read_file, step::read_file, EINTR},
          {"close", works, step::map_create},
          {"btf_load", works, step::map_create},
          {"fcntl", works, step::map_create},
          {"close", works, step::map_create},
          {"map_create", step::map_create, step::map_create, EINVAL, step::map_create},
          {"fcntl", step::map_create, step::map_create, EINVAL, step::map_create},
          {"close", works, step::prog_load},
          {"prog_load", step::prog_load, step::prog_load},
          {"fcntl", step::prog_load, step::prog_load},
          {"close", works, step::find_tracepoint},
          {"close", works, step::find_tracepoint},
          {"openat", step::find_tracepoint, step::find_tracepoint},
          {"read", step::find_tracepoint, step::find_tracepoint},
          {"close", works, step::open_event},
          {"perf_event_open", step::open_event, step::open_event},
          {"fcntl", step::open_event, step::open_event},
          {"close", works, step::link_create, EINVAL, step::set_event_program},
          {"link_create", step::link_create, step::link_create, EINVAL, step::set_event_program},
          {"fcntl", step::link_create, step::link_create, EINVAL, step::set_event_program},
          {"close", works, works},
      },
      [](fake_machine& machine) {
        with_file(machine);
        machine.close_streams();
      },
      count, subject);
}

TEST_CASE("whichever call fails, a read object that needs its types gives an error and leaks nothing",
          "[object]") {
  const raw_bytes image = image_of(functions);
  const auto load_with = [&]<barebpf::load_policy Policy>() {
    sweep(
        rows_of_functions(), as_it_comes,
        [&](fake_machine& machine) {
          const auto loaded = open_image(image).load<Policy>();
          machine.fault = nullptr;
          return error_of(loaded);
        },
        no_subject);
  };
  load_with.operator()<barebpf::load_policy{}>();
  load_with.operator()<plain>();
}

TEST_CASE("whichever call fails, no variable of an object stays mapped and nothing is leaked", "[object]") {
  const raw_bytes image = image_of(variables);
  sweep(
      rows_of_variables(), as_it_comes,
      [&](fake_machine& machine) -> std::optional<barebpf::error> {
        const auto loaded = open_image(image).load();
        if (!loaded) return loaded.error();
        {
          const auto count = loaded->variable<std::uint64_t>("count");
          if (!count) return count.error();
          CHECK(**count == 0);
        }
        machine.fault = nullptr;
        return std::nullopt;
      },
      no_subject);
}

TEST_CASE("whichever call fails, nothing stays of an object that fills slots", "[object]") {
  const auto load_image = [](const raw_bytes& image) {
    return [&](fake_machine& machine) {
      const auto loaded = open_image(image).load();
      machine.fault = nullptr;
      return error_of(loaded);
    };
  };
  const raw_bytes maps = image_of(map_in_map), programs = image_of(tail_calls);

  sweep(rows_of_map_in_map(), as_it_comes, load_image(maps), no_subject);
  sweep(rows_of_tail_calls(), as_it_comes, load_image(programs), no_subject);
}

TEST_CASE("whichever call fails, the load of an object leaves only those pins that it found", "[object]") {
  const raw_bytes image = image_of(pinned_map);
  const auto load_pinned = [&](fake_machine& machine) {
    const auto loaded = open_image(image).load();
    if (loaded) machine.fault = nullptr;
    if (loaded)
      CHECK(machine.is_pinned(
          loaded->map<hash_map<std::uint32_t, std::uint64_t>>("shared_calls")->descriptor().number(),
          shared_calls_pin));
    return error_of(loaded);
  };
  sweep(rows_of_a_new_pin(), as_it_comes, load_pinned, no_subject);
  sweep(rows_of_an_old_pin(), with_an_old_pin, load_pinned, no_subject);
}

TEST_CASE("a read program of more than a page is patched whole, and the short one before it, too",
          "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(long_program);

  const auto loaded = load(image);

  const auto programs = machine.all("prog_load");
  REQUIRE(programs.size() == 2);
  CHECK(programs[0].text(48) == "is_short");
  CHECK(programs[1].u32(4) > 600);
  for (const seen_call& program : programs) {
    CHECK(map_loads(program.payload) == loads{{1, 3}});
    CHECK(is_code_of(program.payload, image));
  }
}

TEST_CASE("an object's variables are changed before it is loaded", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(variables);
  const object opened = open_image(image);
  auto data = opened.data();
  REQUIRE(data);
  CHECK(**data->variable<std::int32_t>("step") == 3);
  CHECK(**data->variable<std::uint16_t>("own_constant") == 500);
  **data->variable<std::uint32_t>("only_process") = 4711;
  **data->variable<std::int32_t>("step") = -9;
  **data->variable<std::uint32_t>("own_zero") = 12;
  (**data->variable<unsigned char[3000]>("zeros"))[2999] = 7;

  const auto loaded = opened.load({.data = data->view()});

  REQUIRE(loaded);
  CHECK(**loaded->variable<const std::uint32_t>("only_process") == 4711);
  CHECK(**loaded->variable<std::int32_t>("step") == -9);
  CHECK(**loaded->variable<std::uint32_t>("own_zero") == 12);
  CHECK((**loaded->variable<unsigned char[3000]>("zeros"))[2999] == 7);
  CHECK(**loaded->variable<std::uint16_t>("own_variable") == 40);
  CHECK(data->view().size() == barebpf::static_object<variables>::data().view().size());
}

TEST_CASE("the first values of both readings are one block", "[object]") {
  const raw_bytes image = image_of(variables);
  const object opened = open_image(image);
  const auto data = opened.data();
  const auto compiled = barebpf::static_object<variables>::data();

  REQUIRE(data);
  REQUIRE(data->view().size() == compiled.view().size());
  CHECK(std::equal(data->view().begin(), data->view().end(), compiled.view().begin()));
}

TEST_CASE("variables that do not fit before loading are told by name", "[object]") {
  const raw_bytes image = image_of(variables);
  const object opened = open_image(image);
  auto data = opened.data();
  REQUIRE(data);

  CHECK(data->variable<std::int64_t>("step").error().why == cause::wrong_variable_size);
  CHECK(data->variable<std::uint32_t>("step").error().why == cause::wrong_variable_sign);
  CHECK(data->variable<std::uint32_t>("hidden_variable").has_value());
  const auto missing = data->variable<std::int32_t>("stop");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().at == step::find);
  CHECK(missing.error().why == cause::no_such_variable);
  CHECK(std::string(missing.error().name) == "stop");
}

TEST_CASE("variables that do not fit after loading are told by name", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(variables);
  const auto loaded = load(image);

  check_unfit_variable<int>(machine, loaded, "count", cause::wrong_variable_size);
  check_unfit_variable<std::int64_t>(machine, loaded, "count", cause::wrong_variable_sign);
  check_unfit_variable<int>(machine, loaded, "counter", cause::no_such_variable);
  check_unfit_variable<int>(machine, loaded, "", cause::no_such_variable);
  check_unfit_variable<std::uint32_t>(machine, loaded, "only_process", cause::constant_variable);
  check_unfit_variable<std::uint32_t>(machine, loaded, "hidden_variable", cause::hidden_variable);
}

TEST_CASE("first values of another object are refused before any call", "[object]") {
  fake_machine machine;
  const raw_bytes image = image_of(variables), other = image_of(execve_counter);
  const object opened = open_image(image);
  const auto data = opened.data();
  REQUIRE(data);

  const auto refused = open_image(other).load({.data = data->view()});

  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::find);
  CHECK(refused.error().why == cause::foreign_data);
  CHECK(refused.error().code == 0);
  CHECK(machine.names() == names{});
}

TEST_CASE("a map of an object can have other entries or be another map", "[object]") {
  fake_machine machine;
  const int mine = machine.open_map(1, 4, 8, 3);
  const raw_bytes image = image_of(two_programs);
  const object opened = open_image(image);
  const auto larger = opened.change("calls_by_process_and_number", {.max_entries = 1000});
  const auto replaced = opened.change("totals", {.replacement = mine});
  REQUIRE(larger);
  REQUIRE(replaced);
  const barebpf::map_change changes[] = {*larger, *replaced};
  {
    const auto loaded = opened.load<plain>({.maps = changes});
    REQUIRE(loaded);
    CHECK(machine.all("map_create").size() == 1);
    CHECK(machine.all("map_create").at(0).u32(12) == 1000);
    const auto totals = loaded->map<hash_map<std::uint32_t, std::uint64_t>>("totals");
    REQUIRE(totals);
    CHECK(machine.are_one_map(totals->descriptor().number(), mine));
  }
  CHECK(machine.left_open() == names{"map"});
  machine.forget(mine);

  const auto unknown = opened.change("calls_by_proces", {});
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().at == step::find);
  CHECK(unknown.error().why == cause::no_such_map);
  CHECK(std::string(unknown.error().name) == "calls_by_proces");
}

TEST_CASE("the maps of variables bear the name of the object's file, or of its source", "[object]") {
  const raw_bytes image = image_of(variables);
  const auto first_name = [&](const char* path) {
    fake_machine machine;
    machine.files["a/renamed.v2.o"] = file_of(image);
    CHECK((path == nullptr ? open_image(image) : std::move(*object::open(path))).load());
    return machine.all("map_create").at(0).text(28);
  };

  CHECK(first_name(nullptr) == "variable.rodata");
  CHECK(first_name("a/renamed.v2.o") == "renamed.rodata");
}

TEST_CASE("an object of the other byte order is opened, and not loaded", "[object]") {
  fake_machine machine;
  const auto opened = barebpf::object::open(foreign, sizeof foreign);
  REQUIRE(opened.has_value());
  CHECK(opened->spec().find_program("counts") == 0);

  const auto refused = opened->load();

  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().at == step::read_object);
  CHECK(refused.error().why == cause::foreign_byte_order);
  CHECK(refused.error().offset == 5);
  CHECK(machine.calls.empty());
}

namespace {

// Pointers of programs have 64 bits everywhere.
using kernel_pointer = std::conditional_t<sizeof(void*) == 8, const void*, std::uint64_t>;

namespace good {
enum class state : std::uint32_t { idle, running = 5 };
enum class small_state : std::uint8_t { off, on };
struct port {
  std::uint16_t number;
  bool is_open;
  std::uint8_t kind;
};
struct flow {
  std::uint32_t source;
  std::int32_t change;
  port ports[2];
};
struct traffic {
  std::uint64_t packets;
  std::uint32_t bytes;
  std::uint8_t flag;
  bool is_new;
  small_state small;
  good::state state;
  char name[12];
  kernel_pointer where;
};
union number {
  std::uint64_t whole;
  std::uint8_t parts[8];
};
struct node {
  kernel_pointer next;
  good::number number;
};
union address {
  std::uint32_t v4;
  std::uint8_t v6[16];
};
struct nameless {
  std::uint32_t family, first, second;
  address where;
};
}  // namespace good

// Each with one thing that is otherwise.
namespace bad {
struct flow {
  std::uint32_t origin;
  std::int32_t change;
  good::port ports[2];
};
struct port {
  std::uint16_t number;
  std::uint8_t is_open;
  std::uint8_t more;
};
struct deep_flow {
  std::uint32_t source;
  std::int32_t change;
  port ports[2];
};
struct traffic {
  std::uint64_t packets;
  std::int32_t bytes;
  bool flag;
  bool is_new;
  good::small_state small;
  good::state state;
  char name[8];
  kernel_pointer where;
};
struct longer {
  good::traffic all;
  std::uint64_t more;
};
}  // namespace bad

// The error of a map or variable that is asked for as something else.
template <class Found>
void check_other_member(const Found& found, cause why, const std::string& about) {
  REQUIRE_FALSE(found);
  CHECK(found.error().at == step::find);
  CHECK(found.error().why == why);
  CHECK(std::string(found.error().name) == about);
}

}  // namespace

TEST_CASE("a loaded object gives maps and variables to types with its members", "[object]") {
  fake_machine machine;
  const auto opened = object::open(layouts, sizeof layouts);
  REQUIRE(opened);
  const auto loaded = opened->load();
  REQUIRE(loaded);

  CHECK(loaded->map<hash_map<good::flow, good::traffic>>("flows"));
  CHECK(loaded->map<hash_map<std::array<std::byte, 16>, good::traffic>>("flows"));
  CHECK(loaded->map<hash_map<good::state, good::state>>("states"));
  CHECK(loaded->map<hash_map<std::uint32_t, good::node>>("nodes"));
  CHECK(loaded->map<hash_map<std::uint32_t, good::nameless>>("nameless"));
  CHECK(loaded->variable<good::flow>("last_flow"));
  CHECK(loaded->variable<const volatile good::flow>("last_flow"));
  CHECK(loaded->variable<std::array<good::traffic, 4>>("totals"));
  CHECK(loaded->variable<good::number>("last_number"));
}

TEST_CASE("a loaded object names the member in which a type differs", "[object]") {
  fake_machine machine;
  const auto opened = object::open(layouts, sizeof layouts);
  REQUIRE(opened);
  const auto loaded = opened->load();
  REQUIRE(loaded);

  check_other_member(loaded->map<hash_map<bad::flow, good::traffic>>("flows"), cause::other_name,
                     "flows:key.source");
  check_other_member(loaded->map<hash_map<good::flow, bad::traffic>>("flows"), cause::other_sign,
                     "flows:value.bytes");
  check_other_member(loaded->map<hash_map<bad::deep_flow, good::traffic>>("flows"), cause::other_name,
                     "flows:key.ports[].kind");
  check_other_member(loaded->map<hash_map<good::flow, bad::longer>>("flows"), cause::other_name,
                     "flows:value.packets");
  check_other_member(loaded->map<hash_map<good::small_state, good::state>>("states"), cause::other_size,
                     "states:key");
  check_other_member(loaded->variable<bad::flow>("last_flow"), cause::other_name, "last_flow:source");
  check_other_member(loaded->variable<std::array<bad::traffic, 4>>("totals"), cause::other_sign,
                     "totals:[].bytes");
  check_other_member(loaded->variable<good::port>("last_number"), cause::other_sort, "last_number");
}

TEST_CASE("without types nobody tells of members, and sizes are still compared", "[object]") {
  fake_machine machine;
  const auto opened = object::open(layouts, sizeof layouts);
  REQUIRE(opened);
  const auto loaded = opened->load<plain>();
  REQUIRE(loaded);

  CHECK(loaded->map<hash_map<bad::flow, good::traffic>>("flows"));
  CHECK(loaded->map<hash_map<good::flow, bad::longer>>("flows").error().why == cause::wrong_value_size);
}

TEST_CASE("an object tells each difference of a map and of a variable", "[object]") {
  if (!lays_out_as_bpf) return;
  const auto opened = object::open(layouts, sizeof layouts);
  REQUIRE(opened);
  std::vector<std::pair<barebpf::type_role, std::string>> told;
  const auto note = [&told](barebpf::type_role of, const barebpf::layout_difference& found) {
    char out[512];
    const barebpf::text words = barebpf::describe(found, out, sizeof out);
    told.emplace_back(of,
                      std::string(words.data(), words.size()).substr(0, std::string(words.data()).find(':')));
  };

  CHECK(opened->compare<hash_map<good::flow, good::traffic>>("flows", note));
  CHECK(told.empty());
  CHECK(opened->compare<hash_map<bad::flow, bad::traffic>>("flows", note));
  using barebpf::type_role;
  CHECK(told == decltype(told){{type_role::key, "source"},
                               {type_role::value, "bytes"},
                               {type_role::value, "flag"},
                               {type_role::value, "name"}});
  told.clear();
  CHECK(opened->compare_variable<const bad::flow>(
      "last_flow", [&](const auto& found) { note(type_role::variable, found); }));
  CHECK(told == decltype(told){{type_role::variable, "source"}});
  CHECK(opened->compare<hash_map<int, int>>("nothing", note).error().why == cause::no_such_map);
  CHECK(opened->compare_variable<int>("nothing", [](const auto&) {}).error().why == cause::no_such_variable);
}

TEST_CASE("the first values of variables are set by types with its members", "[object]") {
  const auto opened = object::open(layouts, sizeof layouts);
  REQUIRE(opened);
  auto data = opened->data();
  REQUIRE(data);

  CHECK(data->variable<good::flow>("last_flow"));
  CHECK(data->variable<good::number>("last_number"));
  const auto other = data->variable<bad::flow>("last_flow");
  REQUIRE_FALSE(other);
  CHECK(other.error().why == cause::other_name);
}

TEST_CASE("the compiler's reading agrees with the same types", "[object]") {
  fake_machine machine;
  const auto loaded = barebpf::static_object<layouts>::load();
  REQUIRE(loaded);

  static_cast<void>(loaded->map<"flows", good::flow, good::traffic>());
  static_cast<void>(loaded->map<"states", good::state, good::state>());
  static_cast<void>(loaded->map<"nameless", std::uint32_t, good::nameless>());
  static_cast<void>(loaded->map<"packets", stated::packet, stated::packet>());
  CHECK(loaded->variable<"totals", std::array<good::traffic, 4>>());
  CHECK(loaded->variable<"last_flow", const good::flow>());
  CHECK(loaded->variable<"last_number", good::number>());
}
