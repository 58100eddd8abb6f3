// SPDX-License-Identifier: MIT
// The main job on the running kernel: both kinds of objects, under every policy, and what is left afterwards.
#include <string>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "bad_verifier.bpf.hpp"
#include "execve_counter.bpf.hpp"
#include "two_programs.bpf.hpp"

namespace {

using barebpf::btf_choice;
using barebpf::load_policy;

constexpr barebpf::static_object<execve_counter> counter;
const std::string objects = BAREBPF_TEST_OBJECTS;

template <load_policy Policy>
void counts_execve_calls() {
  const int before = open_descriptors();
  {
    const auto loaded = counter.load<Policy>();
    INFO((loaded ? std::string() : sentence(loaded.error())));
    REQUIRE(loaded.has_value());
    const auto hits = loaded->template map<"hash_map", std::int32_t, std::int64_t>();
    CHECK(hits.lookup_elem(0).value_or(0) == 0);

    auto link = loaded->template attach<"bpf_prog">();
    INFO((link ? std::string() : sentence(link.error())));
    REQUIRE(link.has_value());
    call_execve(5);
    const std::int64_t seen = hits.lookup_elem(0).value_or(0);
    CHECK(seen >= 5);

    link->detach();
    CHECK_FALSE(link->is_attached());
    const std::int64_t at_the_end = hits.lookup_elem(0).value_or(0);
    call_execve(3);
    CHECK(hits.lookup_elem(0).value_or(0) == at_the_end);
  }
  CHECK(open_descriptors() == before);
}

}  // namespace

TEST_CASE("an object that the compiler read counts execve calls under every policy", "[needs 5.15]") {
  counts_execve_calls<load_policy{}>();
  counts_execve_calls<load_policy{.btf = btf_choice::none}>();
  counts_execve_calls<load_policy{.oldest_kernel = barebpf::kernel(5, 14)}>();
  counts_execve_calls<load_policy{.oldest_kernel = barebpf::kernel(5, 15), .btf = btf_choice::none}>();
}

TEST_CASE("an object that the program read counts execve calls") {
  const int before = open_descriptors();
  {
    const auto object = barebpf::object::open((objects + "/execve_counter.bpf.o").c_str());
    REQUIRE(object.has_value());
    const auto loaded = object->load();
    INFO((loaded ? std::string() : sentence(loaded.error())));
    REQUIRE(loaded.has_value());
    const auto hits = loaded->map<barebpf::hash_map<std::int32_t, std::int64_t>>("hash_map");
    REQUIRE(hits.has_value());
    const auto link = loaded->attach("bpf_prog");
    INFO((link ? std::string() : sentence(link.error())));
    REQUIRE(link.has_value());

    call_execve(4);

    CHECK(hits->lookup_elem(0).value_or(0) >= 4);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("nothing of an object stays in the kernel when it goes") {
  barebpf::u32 map_id = 0, program_id = 0;
  {
    const auto loaded = counter.load();
    REQUIRE(loaded.has_value());
    const auto link = loaded->attach<"bpf_prog">();
    REQUIRE(link.has_value());
    map_id = kernel_id(loaded->map<"hash_map", std::int32_t, std::int64_t>().descriptor());
    program_id = kernel_id(loaded->program<"bpf_prog">());
    REQUIRE(map_id != 0);
    REQUIRE(program_id != 0);
  }
  CHECK(vanishes(barebpf::abi::command::map_get_fd_by_id, map_id));
  CHECK(vanishes(barebpf::abi::command::prog_get_fd_by_id, program_id));
}

TEST_CASE("two programs and two maps of one object keep their counts apart") {
  struct call {
    std::uint32_t pid, number;
  };
  static constexpr barebpf::static_object<two_programs> object;
  const auto loaded = object.load();
  INFO((loaded ? std::string() : sentence(loaded.error())));
  REQUIRE(loaded.has_value());
  const auto by_process = loaded->map<"calls_by_process_and_number", call, std::uint64_t>();
  const auto totals = loaded->map<"totals", std::uint32_t, std::uint64_t>();
  const auto first = loaded->attach<"count_getpgid_calls">();
  REQUIRE(first.has_value());
  const auto second = loaded->attach<"count_getsid_calls">();
  REQUIRE(second.has_value());

  for (int i = 0; i < 7; ++i) static_cast<void>(getpgid(0));
  for (int i = 0; i < 3; ++i) static_cast<void>(getsid(0));

  const auto me = static_cast<std::uint32_t>(getpid());
  CHECK(by_process.lookup_elem({.pid = me, .number = 1}).value_or(0) == 7);
  CHECK(by_process.lookup_elem({.pid = me, .number = 2}).value_or(0) == 3);
  CHECK(totals.lookup_elem(1).value_or(0) >= 7);
  CHECK(totals.lookup_elem(2).value_or(0) >= 3);
}

TEST_CASE("the same object read by the compiler and by the program has the same program tags") {
  const auto tag = [](const barebpf::fd& program) {
    struct {
      barebpf::u32 type, id;
      unsigned char tag[8];
    } info{};
    barebpf::abi::obj_info attr{.bpf_fd = program.raw(), .info_len = sizeof info, .info = &info};
    REQUIRE(barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, attr) == 0);
    return std::string(info.tag, info.tag + sizeof info.tag);
  };
  const auto here = counter.load();
  REQUIRE(here.has_value());
  const auto object = barebpf::object::open((objects + "/execve_counter.bpf.o").c_str());
  REQUIRE(object.has_value());
  const auto there = object->load();
  REQUIRE(there.has_value());
  const auto other = there->program("bpf_prog");
  REQUIRE(other.has_value());

  CHECK(tag(here->program<"bpf_prog">()) == tag(**other));
}

TEST_CASE("a program that the verifier refuses brings the whole log and leaves nothing") {
  static constexpr barebpf::static_object<bad_verifier> object;
  const int before = open_descriptors();
  barebpf::verifier_log log;

  const auto loaded = object.load({.log = &log});

  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().at == barebpf::step::prog_load);
  CHECK(loaded.error().code == EACCES);
  CHECK(loaded.error().why == barebpf::cause::refused_by_verifier);
  CHECK(std::string(loaded.error().name) == "careless");
  const std::string said(log.said().data(), log.said().size());
  CHECK(said.find("invalid mem access 'map_value_or_null'") != std::string::npos);
  CHECK(said.find("processed") != std::string::npos);  // the verifier's last line
  CHECK(said.find("; return *(volatile long *)bpf_map_lookup_elem") != std::string::npos);  // the source line
  CHECK(log.is_whole());
  CHECK(open_descriptors() == before);
}

TEST_CASE("a log buffer that is too small is said to be") {
  static constexpr barebpf::static_object<bad_verifier> object;
  char lent[32];
  barebpf::verifier_log log(lent, sizeof lent);

  const auto loaded = object.load({.log = &log});

  REQUIRE_FALSE(loaded.has_value());
  CHECK(loaded.error().why == barebpf::cause::log_cut);
  CHECK_FALSE(log.is_whole());
}
