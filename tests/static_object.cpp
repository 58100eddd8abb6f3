// SPDX-License-Identifier: MIT
#include <utility>

#include "execve_counter.bpf.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/fault_sweep.hpp"
#include "support/library.hpp"
#include "support/whole_objects.hpp"
#include "two_programs.bpf.hpp"

using barebpf::cause;
using barebpf::step;
using names = std::vector<std::string>;
using loads = std::vector<std::pair<int, int>>;

namespace {

constexpr barebpf::static_object<execve_counter> counter;
constexpr barebpf::static_object<two_programs> pair;

constexpr barebpf::load_policy usual{};
constexpr barebpf::load_policy plain{.btf = barebpf::btf_choice::none};
constexpr barebpf::load_policy modern{.oldest_kernel = barebpf::kernel(5, 15)};
constexpr barebpf::load_policy modern_plain{.oldest_kernel = barebpf::kernel(5, 15),
                                            .btf = barebpf::btf_choice::none};
constexpr barebpf::load_policy first_by_index{.oldest_kernel = barebpf::kernel(5, 14),
                                              .btf = barebpf::btf_choice::none};
constexpr barebpf::load_policy last_patched{.oldest_kernel = barebpf::kernel(5, 13),
                                            .btf = barebpf::btf_choice::none};

constexpr barebpf::static_object<functions> functions_object;
constexpr barebpf::static_object<variables> variables_object;
constexpr barebpf::static_object<pinned_map> pinned_object;
constexpr barebpf::static_object<long_program> long_object;
constexpr barebpf::load_policy needed{.btf = barebpf::btf_choice::needed};

template <barebpf::load_policy Policy>
std::optional<barebpf::error> load_functions(fake_machine& machine) {
  const auto loaded = functions_object.load<Policy>();
  machine.fault = nullptr;
  return error_of(loaded);
}
template <barebpf::load_policy Policy>
std::optional<barebpf::error> load_variables(fake_machine& machine) {
  const auto loaded = variables_object.load<Policy>();
  if (!loaded) return loaded.error();
  {
    const auto count = loaded->template variable<"count", std::uint64_t>();
    if (!count) return count.error();
    CHECK(**count == 0);
  }
  machine.fault = nullptr;
  return std::nullopt;
}
template <barebpf::load_policy Policy>
std::optional<barebpf::error> load_pinned(fake_machine& machine) {
  const auto loaded = pinned_object.load<Policy>();
  if (loaded) machine.fault = nullptr;
  if (loaded)
    CHECK(machine.is_pinned(
        loaded->template map<"shared_calls", std::uint32_t, std::uint64_t>().descriptor().number(),
        shared_calls_pin));
  return error_of(loaded);
}

void with_tracepoints(fake_machine& machine) {
  machine.tracepoints = {{"syscalls/sys_enter_execve", "727\n"},
                         {"syscalls/sys_enter_getpgid", "150\n"},
                         {"syscalls/sys_enter_getsid", "144\n"}};
}

void without_streams(fake_machine& machine) { machine.close_streams(); }
void as_it_is(fake_machine&) {}

// Everything a small tool does, up to its first count.
template <barebpf::load_policy Policy>
std::optional<barebpf::error> count(fake_machine& machine) {
  const auto loaded = counter.load<Policy>();
  if (!loaded) return loaded.error();
  const auto attached = loaded->template attach<"bpf_prog">();
  if (!attached) return attached.error();
  machine.fault = nullptr;
  CHECK(attached->is_attached());
  auto hits = loaded->template map<"hash_map", int, std::int64_t>();
  CHECK(hits.update_elem(0, 41));
  CHECK(hits.lookup_elem(0).value_or(0) == 41);
  return std::nullopt;
}

std::string subject(step at) { return at == step::map_create ? "hash_map" : "bpf_prog"; }

}  // namespace

TEST_CASE("an object that the compiler read is loaded in four calls", "[static_object]") {
  fake_machine machine;

  {
    const auto loaded = counter.load();
    REQUIRE(loaded);
    CHECK(machine.left_open() == names{"map", "program"});
    CHECK(machine.kind_of(loaded->program<"bpf_prog">().number()) == "program");
  }

  CHECK(machine.names() == names{"btf_load", "map_create", "prog_load", "close", "close", "close"});
}

TEST_CASE("its map is created as the object declares it, with its types", "[static_object]") {
  fake_machine machine;

  const auto loaded = counter.load();

  REQUIRE(loaded);
  CHECK(machine.calls[1].attr == record(72)
                                     .u32(0, 1)
                                     .u32(4, 4)
                                     .u32(8, 8)
                                     .u32(12, 4)
                                     .text(28, "hash_map")
                                     .u32(48, 3)
                                     .u32(52, 1)
                                     .u32(56, 2));
  CHECK(machine.calls[0].payload.size() == machine.calls[0].u32(16));
}

TEST_CASE("its program is loaded with name, type and license", "[static_object]") {
  fake_machine machine;

  const auto loaded = counter.load();

  REQUIRE(loaded);
  const seen_call call = machine.all("prog_load").at(0);
  CHECK(call.u32(0) == 5);  // BPF_PROG_TYPE_TRACEPOINT
  CHECK(call.text(48) == "bpf_prog");
  CHECK(call.license == "GPL");
  CHECK(call.u32(4) * 8 == call.payload.size());
  for (const std::size_t zero : {24u, 28u, 40u, 44u, 64u, 68u, 140u}) CHECK(call.u32(zero) == 0);
}

TEST_CASE("for kernels before 5.14 the instructions get descriptors", "[static_object]") {
  fake_machine machine;

  const auto loaded = counter.load<last_patched>();

  REQUIRE(loaded);
  const seen_call call = machine.all("prog_load").at(0);
  CHECK(map_loads(call.payload) == loads{{1, 3}});
  CHECK(is_code_of(call.payload, image_of(execve_counter)));
  CHECK(call.u64(120) == 0);  // fd_array
}

TEST_CASE("from 5.14 on the instructions name maps by index", "[static_object]") {
  fake_machine machine;

  const auto loaded = counter.load<first_by_index>();

  REQUIRE(loaded);
  const seen_call call = machine.all("prog_load").at(0);
  CHECK(map_loads(call.payload) == loads{{5, 0}});
  CHECK(is_code_of(call.payload, image_of(execve_counter)));
  CHECK(call.array == std::vector<int>{3});
}

TEST_CASE("without types wanted, none are loaded", "[static_object]") {
  fake_machine machine;

  const auto loaded = counter.load<plain>();

  REQUIRE(loaded);
  CHECK(machine.names() == names{"map_create", "prog_load"});
  CHECK(machine.calls[0].attr == record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 4).text(28, "hash_map"));
}

TEST_CASE("each program names each of its maps", "[static_object]") {
  fake_machine machine;

  const auto loaded = pair.load<plain>();

  REQUIRE(loaded);
  REQUIRE(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
  CHECK(machine.calls[0].attr ==
        record(72).u32(0, 1).u32(4, 8).u32(8, 8).u32(12, 64).text(28, "calls_by_proces"));
  CHECK(machine.calls[1].attr ==
        record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 8).u32(16, 1).text(28, "totals"));
  CHECK(machine.calls[2].text(48) == "count_getpgid_c");
  CHECK(machine.calls[3].text(48) == "count_getsid_ca");
  for (const std::size_t i : {2u, 3u}) {
    CHECK(map_loads(machine.calls[i].payload) == loads{{1, 3}, {1, 4}});
    CHECK(is_code_of(machine.calls[i].payload, image_of(two_programs)));
  }
  CHECK(machine.calls[2].payload != machine.calls[3].payload);
}

TEST_CASE("each program names each of its maps by index", "[static_object]") {
  fake_machine machine;
  machine.open("something");

  const auto loaded = pair.load<modern_plain>();

  REQUIRE(loaded);
  REQUIRE(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
  for (const std::size_t i : {2u, 3u}) {
    CHECK(map_loads(machine.calls[i].payload) == loads{{5, 0}, {5, 1}});
    CHECK(is_code_of(machine.calls[i].payload, image_of(two_programs)));
    CHECK(machine.calls[i].array == std::vector<int>{4, 5});
  }
  machine.forget(3);
}

TEST_CASE("a map that is given by sizes alone gets no types", "[static_object]") {
  fake_machine machine;

  const auto loaded = pair.load();

  REQUIRE(loaded);
  REQUIRE(machine.names() ==
          names{"btf_load", "map_create", "map_create", "prog_load", "prog_load", "close"});
  CHECK(machine.calls[1].u32(48) == 3);
  CHECK(machine.calls[1].u32(52) != 0);
  CHECK(machine.calls[1].u32(56) != 0);
  CHECK(machine.calls[2].attr ==
        record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 8).u32(16, 1).text(28, "totals"));
}

TEST_CASE("where the kernel refuses the types, the map goes without", "[static_object]") {
  fake_machine machine;
  machine.refusals["map_create"] = {EINVAL, 0};

  const auto loaded = counter.load();

  REQUIRE(loaded);
  CHECK(machine.names() == names{"btf_load", "map_create", "map_create", "prog_load", "close"});
  CHECK(machine.calls[2].attr == record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 4).text(28, "hash_map"));
}

TEST_CASE("where the kernel knows no types, the map goes without", "[static_object]") {
  fake_machine machine;
  machine.refusals["btf_load"] = {EINVAL};

  const auto loaded = counter.load();

  REQUIRE(loaded);
  CHECK(machine.names() == names{"btf_load", "map_create", "prog_load"});
  CHECK(machine.calls[1].attr == record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 4).text(28, "hash_map"));
}

TEST_CASE("maps are borrowed from the loaded object under their whole names", "[static_object]") {
  fake_machine machine;
  struct call {
    unsigned pid, number;
  };
  const auto loaded = pair.load<plain>();
  REQUIRE(loaded);

  {
    auto calls = loaded->map<"calls_by_process_and_number", call, barebpf::u64>();
    auto totals = loaded->map<"totals", unsigned, std::uint64_t>();
    CHECK(calls.descriptor().number() == 3);
    CHECK(totals.descriptor().number() == 4);
    CHECK(calls.map_name() == "calls_by_proces");
    CHECK(calls.update_elem({.pid = 1, .number = 2}, 3));
    CHECK(calls.lookup_elem({.pid = 1, .number = 2}).value() == 3);
    CHECK(std::string(totals.lookup_elem(1).error().name) == "totals");
  }

  CHECK(machine.all("close").empty());
  CHECK(machine.left_open() == names{"map", "map", "program", "program"});
}

TEST_CASE("programs are attached where their sections say", "[static_object]") {
  fake_machine machine;
  with_tracepoints(machine);
  const auto loaded = pair.load<modern_plain>();
  REQUIRE(loaded);

  const auto getpgid = loaded->attach<"count_getpgid_calls">();
  const auto getsid = loaded->attach<"count_getsid_calls">();

  REQUIRE(getpgid);
  REQUIRE(getsid);
  CHECK(machine.all("openat").at(0).path == "/sys/kernel/tracing/events/syscalls/sys_enter_getpgid/id");
  CHECK(machine.all("openat").at(1).path == "/sys/kernel/tracing/events/syscalls/sys_enter_getsid/id");
  CHECK(machine.all("perf_event_open").at(0).u64(8) == 150);
  CHECK(machine.all("perf_event_open").at(1).u64(8) == 144);
  CHECK(machine.all("link_create").at(0).u32(0) == loaded->program<"count_getpgid_calls">().raw());
  CHECK(machine.all("link_create").at(1).u32(0) == loaded->program<"count_getsid_calls">().raw());
}

TEST_CASE("an object that is attached as a whole gives all back when one is refused", "[static_object]") {
  fake_machine machine;
  const auto loaded = counter.load();
  REQUIRE(loaded);
  machine.refusals["link_create"] = {ENOMEM};

  const auto refused = loaded->attach_all();

  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == barebpf::step::link_create);
  CHECK(refused.error().code == ENOMEM);
  CHECK(machine.left_open() == std::vector<std::string>{"map", "program"});
  CHECK(loaded->attach_all());
}

TEST_CASE("errors of attaching are about the program by its whole name", "[static_object]") {
  fake_machine machine;
  const auto loaded = pair.load<modern_plain>();
  REQUIRE(loaded);

  const auto attached = loaded->attach<"count_getpgid_calls">();

  REQUIRE_FALSE(attached);
  CHECK(attached.error().at == step::find_tracepoint);
  CHECK(attached.error().code == 2);  // ENOENT
  CHECK(std::string(attached.error().name) == "count_getpgid_calls");
}

TEST_CASE("a moved object keeps what it loaded", "[static_object]") {
  fake_machine machine;

  {
    auto loaded = counter.load<plain>();
    REQUIRE(loaded);
    const auto kept = std::move(*loaded);
    CHECK(kept.program<"bpf_prog">().number() == 4);
    CHECK_FALSE(loaded->program<"bpf_prog">().is_open());
    CHECK(machine.left_open() == names{"map", "program"});
  }

  CHECK(machine.names() == names{"map_create", "prog_load", "close", "close"});
}

TEST_CASE("a link outlives the object that it was attached from", "[static_object]") {
  fake_machine machine;
  barebpf::link kept;

  {
    const auto loaded = counter.load<modern_plain>();
    REQUIRE(loaded);
    auto attached = loaded->attach<"bpf_prog">();
    REQUIRE(attached);
    kept = std::move(*attached);
  }

  CHECK(kept.is_attached());
  CHECK(machine.left_open() == names{"event", "link"});
}

TEST_CASE("without privilege the first refusal says what is missing", "[static_object]") {
  fake_machine machine;
  machine.capabilities = 0;
  machine.refusals["btf_load"] = {EPERM};
  machine.refusals["map_create"] = {EPERM};

  const auto loaded = counter.load();

  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().at == step::map_create);
  CHECK(loaded.error().code == 1);
  CHECK(loaded.error().why == cause::needs_cap_bpf);
  CHECK(std::string(loaded.error().name) == "hash_map");
  CHECK(machine.names() == names{"btf_load", "map_create", "capget"});
}

TEST_CASE("a program without CAP_PERFMON is refused by name", "[static_object]") {
  fake_machine machine;
  machine.capabilities = 1ull << 39;  // CAP_BPF
  machine.verifier_refuses = EPERM;
  barebpf::verifier_log log;

  const auto loaded = counter.load<modern>({.log = &log});

  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().at == step::prog_load);
  CHECK(loaded.error().why == cause::needs_cap_perfmon);
  CHECK(std::string(loaded.error().name) == "bpf_prog");
  CHECK(machine.names() == names{"btf_load", "map_create", "prog_load", "close", "close", "capget"});
}

TEST_CASE("a refused program leaves its whole log and the verifier's errno", "[static_object]") {
  fake_machine machine;
  machine.verifier_refuses = EACCES;
  machine.verifier_says = std::string(200000, '.') + "R0 invalid mem access 'map_value_or_null'";
  barebpf::verifier_log log;

  const auto loaded = counter.load({.log = &log});

  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().at == step::prog_load);
  CHECK(loaded.error().code == 13);
  CHECK(loaded.error().why == cause::refused_by_verifier);
  CHECK(std::string(loaded.error().name) == "bpf_prog");
  CHECK(log.is_whole());
  CHECK(log.said().size() == 200041);
  CHECK(machine.left_open() == names{});
}

TEST_CASE("a lent log that is too small is an error of its own", "[static_object]") {
  fake_machine machine;
  machine.verifier_refuses = EACCES;
  machine.verifier_says = std::string(200, '.');
  char lent[128];
  barebpf::verifier_log log(lent, sizeof lent);

  const auto loaded = counter.load<modern_plain>({.log = &log});

  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().at == step::prog_load);
  CHECK(loaded.error().why == cause::log_cut);
  CHECK_FALSE(log.is_whole());
  CHECK(log.said().size() == 127);
}

TEST_CASE("options without a log change nothing", "[static_object]") {
  fake_machine machine;
  machine.verifier_refuses = EACCES;

  const auto loaded = counter.load<plain>(barebpf::load_options{});

  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().why == cause::none);
  CHECK(machine.names() == names{"map_create", "prog_load", "close"});
}

TEST_CASE("whichever call fails, the usual policy gives an error or another way, and leaks nothing",
          "[static_object]") {
  sweep(
      {
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
      as_it_is, count<usual>, subject);
}

TEST_CASE("the same with the standard streams closed, where every descriptor moves", "[static_object]") {
  sweep(
      {
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
          // A close that alone fails is no matter, so the step is that of the calls behind it.
          {"close", works, step::link_create, EINVAL, step::set_event_program},
          {"link_create", step::link_create, step::link_create, EINVAL, step::set_event_program},
          {"fcntl", step::link_create, step::link_create, EINVAL, step::set_event_program},
          {"close", works, works},
      },
      without_streams, count<usual>, subject);
}

TEST_CASE("whichever call fails, the smallest policy gives an error and leaks nothing", "[static_object]") {
  sweep(
      {
          {"map_create", step::map_create, step::map_create},
          {"prog_load", step::prog_load, step::prog_load},
          {"openat", step::find_tracepoint, step::find_tracepoint},
          {"read", step::find_tracepoint, step::find_tracepoint},
          {"close", works, step::open_event},
          {"perf_event_open", step::open_event, step::open_event},
          {"link_create", step::link_create, step::link_create},
      },
      as_it_is, count<modern_plain>, subject);
}

TEST_CASE("the smallest policy with the standard streams closed", "[static_object]") {
  sweep(
      {
          {"map_create", step::map_create, step::map_create},
          {"fcntl", step::map_create, step::map_create},
          {"close", works, step::prog_load},
          {"prog_load", step::prog_load, step::prog_load},
          {"fcntl", step::prog_load, step::prog_load},
          {"close", works, step::find_tracepoint},
          {"openat", step::find_tracepoint, step::find_tracepoint},
          {"read", step::find_tracepoint, step::find_tracepoint},
          {"close", works, step::open_event},
          {"perf_event_open", step::open_event, step::open_event},
          {"fcntl", step::open_event, step::open_event},
          {"close", works, step::link_create},
          {"link_create", step::link_create, step::link_create},
          {"fcntl", step::link_create, step::link_create},
          {"close", works, works},
      },
      without_streams, count<modern_plain>, subject);
}

TEST_CASE("whichever call fails on an unmounted tracefs, nothing is leaked", "[static_object]") {
  sweep(
      {
          {"map_create", step::map_create, step::map_create},
          {"prog_load", step::prog_load, step::prog_load},
          {"openat", step::find_tracepoint, step::find_tracepoint},
          {"fsopen", step::mount_tracefs, step::mount_tracefs},
          {"fsconfig", step::mount_tracefs, step::mount_tracefs},
          {"fsmount", step::mount_tracefs, step::mount_tracefs},
          {"close", works, step::find_tracepoint},
          {"openat", step::find_tracepoint, step::find_tracepoint},
          {"read", step::find_tracepoint, step::find_tracepoint},
          {"close", works, step::open_event},
          {"close", works, step::open_event},
          {"perf_event_open", step::open_event, step::open_event},
          {"link_create", step::link_create, step::link_create},
      },
      [](fake_machine& machine) { machine.tracefs_is_mounted = false; }, count<modern_plain>, subject);
}

TEST_CASE("whichever call fails before 5.15, nothing is leaked", "[static_object]") {
  sweep(
      {
          {"map_create", step::map_create, step::map_create},
          {"prog_load", step::prog_load, step::prog_load},
          {"openat", step::find_tracepoint, step::find_tracepoint},
          {"read", step::find_tracepoint, step::find_tracepoint},
          {"close", works, step::open_event},
          {"perf_event_open", step::open_event, step::open_event},
          {"link_create", step::link_create, step::link_create, EINVAL, step::set_event_program},
          {"ioctl", step::set_event_program, step::set_event_program},
      },
      [](fake_machine& machine) { machine.has_perf_links = false; }, count<plain>, subject);
}

TEST_CASE("whichever map or program fails, those before it are given back", "[static_object]") {
  const auto load_pair = [](fake_machine&) -> std::optional<barebpf::error> {
    const auto loaded = pair.load<modern_plain>();
    return loaded ? std::nullopt : std::optional(loaded.error());
  };
  const struct {
    const char* call;
    int passed;
    step at;
    const char* name;
  } refused[] = {{"map_create", 0, step::map_create, "calls_by_proces"},
                 {"map_create", 1, step::map_create, "totals"},
                 {"prog_load", 0, step::prog_load, "count_getpgid_c"},
                 {"prog_load", 1, step::prog_load, "count_getsid_ca"}};
  for (const auto& row : refused) {
    fake_machine machine;
    machine.refusals[row.call].assign(static_cast<std::size_t>(row.passed), 0);
    machine.refusals[row.call].push_back(ENOMEM);

    const auto failure = load_pair(machine);

    REQUIRE(failure);
    CHECK(failure->at == row.at);
    CHECK(failure->code == 12);
    CHECK(std::string(failure->name) == row.name);
    CHECK(machine.left_open() == names{});
  }
}

TEST_CASE("whichever call fails, an object that needs its types gives an error and leaks nothing",
          "[static_object]") {
  sweep(rows_of_functions(), as_it_comes, load_functions<usual>, no_subject);
  sweep(rows_of_functions(), as_it_comes, load_functions<modern>, no_subject);
  sweep(rows_of_functions(), as_it_comes, load_functions<plain>, no_subject);
}

TEST_CASE("whichever call fails, no variable stays mapped and nothing is leaked", "[static_object]") {
  sweep(rows_of_variables(), as_it_comes, load_variables<usual>, no_subject);
  sweep(rows_of_variables(), as_it_comes, load_variables<modern>, no_subject);
}

template <const auto& Image, barebpf::load_policy Policy>
std::optional<barebpf::error> load_whole(fake_machine& machine) {
  const auto loaded = barebpf::static_object<Image>::template load<Policy>();
  machine.fault = nullptr;
  return error_of(loaded);
}

TEST_CASE("whichever call fails, no map stays that was to be in another", "[static_object]") {
  sweep(rows_of_map_in_map(), as_it_comes, load_whole<map_in_map, usual>, no_subject);
  sweep(rows_of_map_in_map(), as_it_comes, load_whole<map_in_map, modern>, no_subject);
}

TEST_CASE("whichever call fails, no prog array stays half filled", "[static_object]") {
  sweep(rows_of_tail_calls(), as_it_comes, load_whole<tail_calls, usual>, no_subject);
  sweep(rows_of_tail_calls(), as_it_comes, load_whole<tail_calls, modern>, no_subject);
}

TEST_CASE("whichever call fails, the load leaves only those pins that it found", "[static_object]") {
  sweep(rows_of_a_new_pin(), as_it_comes, load_pinned<usual>, no_subject);
  sweep(rows_of_a_new_pin(), as_it_comes, load_pinned<modern>, no_subject);
  sweep(rows_of_an_old_pin(), with_an_old_pin, load_pinned<usual>, no_subject);
  sweep(rows_of_an_old_pin(), with_an_old_pin, load_pinned<modern>, no_subject);
}

TEST_CASE("an object that needs its types is given them whatever the policy says", "[static_object]") {
  const auto load = []<barebpf::load_policy Policy>() {
    fake_machine machine;
    REQUIRE(functions_object.load<Policy>());
    REQUIRE(machine.calls[0].name == "btf_load");
    return machine.all("prog_load");
  };
  const auto without = load.operator()<plain>(), some = load.operator()<needed>(),
             everything = load.operator()<usual>();

  check_same_calls(without, some);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(some[i].lines.empty());
    CHECK(some[i].u64(96) == 0);
    CHECK(some[i].u32(92) == 0);
    CHECK(everything[i].lines.size() == std::size_t{everything[i].u32(104)} * 16);
    CHECK_FALSE(everything[i].lines.empty());
    CHECK(everything[i].functions.size() == some[i].functions.size());
    CHECK(everything[i].payload == some[i].payload);
  }
}

TEST_CASE("where types are refused, the programs go on without functions and lines", "[static_object]") {
  fake_machine machine;
  machine.refusals["btf_load"] = {EINVAL};

  REQUIRE(variables_object.load());

  for (const std::size_t zero : {72u, 76u, 88u, 92u, 104u})
    CHECK(machine.all("prog_load").at(0).u32(zero) == 0);
}

TEST_CASE("the functions of a program are told in order, the first at its start", "[static_object]") {
  fake_machine machine;
  REQUIRE(functions_object.load());

  for (const seen_call& call : machine.all("prog_load")) {
    CAPTURE(call.text(48));
    std::vector<std::uint32_t> words(call.functions.size() / 4);
    std::memcpy(words.data(), call.functions.data(), call.functions.size());
    REQUIRE(words.size() >= 4);
    CHECK(words[0] == 0);
    for (std::size_t i = 2; i < words.size(); i += 2) {
      CHECK(words[i] > words[i - 2]);
      CHECK(words[i] < call.u32(4));
      // The instruction in front of a function ends the one before.
      CHECK(call.instruction(words[i] - 1)[0] == 0x95);
    }
    // Every line but a function's first stands behind the one before.
    std::vector<std::uint32_t> lines(call.lines.size() / 4);
    std::memcpy(lines.data(), call.lines.data(), call.lines.size());
    REQUIRE(lines.size() >= 4);
    CHECK(lines[0] == 0);
    for (std::size_t i = 4; i < lines.size(); i += 4) CHECK(lines[i] > lines[i - 4]);
    for (std::size_t f = 0; f < words.size(); f += 2) {
      bool has_line = false;
      for (std::size_t i = 0; i < lines.size(); i += 4) has_line = has_line || lines[i] == words[f];
      CHECK(has_line);
    }
  }
}

TEST_CASE("a program of more than a page is patched whole, and the short one before it, too",
          "[static_object]") {
  fake_machine machine;

  const auto loaded = long_object.load<plain>();

  REQUIRE(loaded);
  const auto programs = machine.all("prog_load");
  REQUIRE(programs.size() == 2);
  CHECK(programs[0].text(48) == "is_short");
  CHECK(programs[1].u32(4) > 600);
  CHECK(map_loads(programs[0].payload) == loads{{1, 3}});
  CHECK(map_loads(programs[1].payload) == loads{{1, 3}});
  CHECK(is_code_of(programs[0].payload, image_of(long_program)));
  CHECK(is_code_of(programs[1].payload, image_of(long_program)));
}

TEST_CASE("variables have the values that the object gives them", "[static_object]") {
  fake_machine machine;
  struct pair_of {
    std::uint32_t calls;
    alignas(8) std::int64_t sum;
  };

  const auto loaded = variables_object.load();

  REQUIRE(loaded);
  const auto step_size = loaded->variable<"step", std::int32_t>();
  const auto seen = loaded->variable<"seen", pair_of>();
  const auto greeting = loaded->variable<"greeting", const char[8]>();
  const auto own = loaded->variable<"own_variable", std::uint16_t>();
  const auto own_constant = loaded->variable<"own_constant", const std::uint16_t>();
  const auto zero = loaded->variable<"own_zero", std::uint32_t>();
  REQUIRE(step_size);
  REQUIRE(seen);
  REQUIRE(greeting);
  REQUIRE(own);
  REQUIRE(own_constant);
  REQUIRE(zero);
  CHECK(**step_size == 3);
  CHECK((*seen)->calls == 100);
  CHECK((*seen)->sum == -5);
  CHECK(std::string(**greeting) == "hello");
  CHECK(**own == 40);
  CHECK(**own_constant == 500);
  CHECK(**zero == 0);
  for (const seen_call& call : machine.all("map_create"))
    CHECK(machine.is_frozen(call.answer) == (call.text(28).find("rodata") != std::string::npos));
}

TEST_CASE("variables are changed before they are loaded, and constants with them", "[static_object]") {
  fake_machine machine;
  auto data = variables_object.data();
  CHECK(data.variable<"step", std::int32_t>() == 3);
  CHECK(data.variable<"own_zero", std::uint32_t>() == 0);
  data.variable<"only_process", std::uint32_t>() = 4711;
  data.variable<"step", std::int32_t>() = -9;
  data.variable<"own_zero", std::uint32_t>() = 12;
  data.variable<"zeros", unsigned char[3000]>()[2999] = 7;

  const auto loaded = variables_object.load<modern>({.data = data.view()});

  REQUIRE(loaded);
  CHECK(**loaded->variable<"only_process", const std::uint32_t>() == 4711);
  CHECK(**loaded->variable<"step", std::int32_t>() == -9);
  CHECK(**loaded->variable<"own_zero", std::uint32_t>() == 12);
  CHECK((**loaded->variable<"zeros", unsigned char[3000]>())[2999] == 7);
  CHECK(**loaded->variable<"own_variable", std::uint16_t>() == 40);
  CHECK(machine.all("map_update_elem").size() == 7);  // .bss, too
  CHECK(machine.left_open().back() != "mapping");
}

TEST_CASE("first values do not fit another object", "[static_object]") {
  fake_machine machine;
  const auto data = variables_object.data();

  const auto refused = functions_object.load({.data = data.view()});

  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::find);
  CHECK(refused.error().why == cause::foreign_data);
  CHECK(machine.names() == names{});
}

TEST_CASE("an object without variables has first values of no bytes, which change nothing",
          "[static_object]") {
  fake_machine machine;
  const auto data = counter.data();

  CHECK(data.view().empty());
  CHECK(counter.load<plain>({.data = data.view()}));
}

TEST_CASE("a map can have other entries or be another map", "[static_object]") {
  fake_machine machine;
  const int mine = machine.open_map(1, 4, 8, 3);
  const barebpf::map_change changes[] = {pair.change<"calls_by_process_and_number">({.max_entries = 1000}),
                                         pair.change<"totals">({.replacement = mine})};
  {
    const auto loaded = pair.load<plain>({.maps = changes});
    REQUIRE(loaded);
    CHECK(machine.all("map_create").size() == 1);
    CHECK(machine.all("map_create").at(0).u32(12) == 1000);
    const auto totals = loaded->map<"totals", std::uint32_t, std::uint64_t>();
    CHECK(machine.are_one_map(totals.descriptor().number(), mine));
    CHECK(totals.descriptor().number() != mine);
    for (const seen_call& call : machine.all("prog_load"))
      CHECK(map_loads(call.payload) == loads{{1, 4}, {1, totals.descriptor().number()}});
  }
  CHECK(machine.left_open() == names{"map"});
  machine.forget(mine);
}

TEST_CASE("another map under the name of a pinned one is not used, and nothing is left", "[static_object]") {
  fake_machine machine;
  machine.pin_map(shared_calls_pin, 1, 4, 8, 17);
  barebpf::map_differences differences;

  const auto refused = pinned_object.load({.differences = &differences});

  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == step::obj_get_info_by_fd);
  CHECK(refused.error().why == cause::another_map);
  CHECK(std::string(refused.error().name) == "shared_calls");
  char words[256];
  CHECK(describe(differences, words, sizeof words) == "max_entries: expected 16, found 17");
  CHECK(machine.all("map_create").empty());
  CHECK(machine.left_open() == names{});
  CHECK(machine.pins() == names{shared_calls_pin});
}

TEST_CASE("a map that is pinned by its name is shared by every load", "[static_object]") {
  fake_machine machine;

  const auto first = pinned_object.load();
  const auto second = pinned_object.load<modern_plain>();

  REQUIRE(first);
  REQUIRE(second);
  const auto number = [](const auto& map) { return map.descriptor().number(); };
  CHECK(machine.are_one_map(number(first->map<"shared_calls", std::uint32_t, std::uint64_t>()),
                            number(second->map<"shared_calls", std::uint32_t, std::uint64_t>())));
  CHECK_FALSE(machine.are_one_map(number(first->map<"own_calls", std::uint32_t, std::uint64_t>()),
                                  number(second->map<"own_calls", std::uint32_t, std::uint64_t>())));
  CHECK(machine.pins() == names{shared_calls_pin});
}
