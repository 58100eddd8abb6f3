// SPDX-License-Identifier: MIT
// What the kernel has, who holds it, what programs print, and programs that are loaded side by side.
#include <sys/mount.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "attach_network.bpf.hpp"
#include "attach_tracing.bpf.hpp"
#include "bad_verifier.bpf.hpp"
#include "core_fields.bpf.hpp"
#include "prints.bpf.hpp"

namespace {

using barebpf::all_ids;
using barebpf::cause;
using barebpf::id_of;
using barebpf::step;

constexpr barebpf::static_object<prints> printing;
constexpr barebpf::static_object<attach_network> many;
constexpr barebpf::static_object<attach_tracing> tracing;

std::set<barebpf::u32> ids(id_of kind) {
  std::set<barebpf::u32> out;
  all_ids walk(kind);
  for (const barebpf::u32 id : walk) {
    if (!out.empty()) CHECK(id > *out.rbegin());
    out.insert(id);
  }
  CHECK_FALSE(walk.failed());
  return out;
}

// Two threads, of which each takes the next task until there is none.
struct two_threads {
  std::size_t count = 0;
  std::set<std::thread::id> threads;

  template <class Task>
  void operator()(std::size_t all, const Task& task) {
    count = all;
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
      for (std::size_t i; (i = next++) < all;) task(i);
    };
    std::thread other(work);
    work();
    other.join();
  }
};

}  // namespace

TEST_CASE("watching, everything that the kernel has is found by its number", "[needs 5.15]") {
  const auto before = ids(id_of::program);
  const auto loaded = must(printing.load());
  const barebpf::u32 program = kernel_id(loaded.program<"prints">()),
                     map = kernel_id(loaded.map_descriptor<"numbers">());
  CHECK(before.count(program) == 0);
  CHECK(ids(id_of::program).count(program) == 1);
  CHECK(ids(id_of::map).count(map) == 1);
  CHECK_FALSE(ids(id_of::btf).empty());

  const auto opened = must(open_by_id(id_of::program, program));
  barebpf::u32 maps[4] = {};
  const auto info = must(program_info(opened, maps));
  CHECK(info.id == program);
  CHECK(info.type == 31);  // BPF_PROG_TYPE_SYSCALL
  CHECK(std::string(info.name.characters) == "prints");
  REQUIRE(info.nr_map_ids >= 1);
  CHECK(std::set<barebpf::u32>(maps, maps + info.nr_map_ids).count(map) == 1);
  CHECK(is_explained(open_by_id(id_of::program, 0x7fffffff).error(), step::open_by_id, ENOENT));
  const auto no_program = program_info(loaded.map_descriptor<"numbers">());
  REQUIRE_FALSE(no_program.has_value());
  CHECK(is_explained(no_program.error(), step::ask_about, EINVAL));
}

TEST_CASE("watching, a link is opened by its number and told from others", "[needs 6.10]") {
  const auto loaded = must(load_for_this_process(tracing));
  const barebpf::link attached = must(loaded.attach<"event">());
  const barebpf::u32 id = attached.info()->id;
  CHECK(ids(id_of::link).count(id) == 1);
  const barebpf::link again = must(barebpf::link::get_by_id(id));
  CHECK(again.info()->prog_id == kernel_id(loaded.program<"event">()));
  CHECK(is_explained(barebpf::link::get_by_id(0x7fffffff).error(), step::open_by_id, ENOENT));
}

TEST_CASE("watching, who holds a program, a map and a link", "[needs 6.10]") {
  const auto loaded = must(load_for_this_process(tracing));
  const barebpf::link attached = must(loaded.attach<"raw">());
  std::set<std::pair<int, barebpf::u32>> own;
  const auto walked = barebpf::each_holder([&](const barebpf::holder& seen) {
    if (seen.process == static_cast<barebpf::u32>(getpid()))
      own.insert({static_cast<int>(seen.kind), seen.id});
    return true;
  });
  REQUIRE(walked.has_value());
  CHECK(own.count({static_cast<int>(id_of::program), kernel_id(loaded.program<"raw">())}) == 1);
  CHECK(own.count({static_cast<int>(id_of::map), kernel_id(loaded.map_descriptor<"listed">())}) == 1);
  CHECK(own.count({static_cast<int>(id_of::link), attached.info()->id}) == 1);
  int seen = 0;
  CHECK(barebpf::each_holder([&](const barebpf::holder&) { return ++seen < 2; }).has_value());
  CHECK(seen == 2);
}

TEST_CASE("watching, how often a program ran is counted as long as somebody wants to know", "[needs 5.15]") {
  const auto loaded = must(printing.load());
  const auto& program = loaded.program<"prints">();
  std::uint64_t context[1] = {1};
  const auto run = [&] {
    must(
        barebpf::test_run(program, {.context = {reinterpret_cast<unsigned char*>(context), sizeof context}}));
  };
  run();
  CHECK(must(program_info(program)).run_cnt == 0);
  {
    const barebpf::fd counting = must(barebpf::count_runs());
    run();
    run();
    const auto info = must(program_info(program));
    CHECK(info.run_cnt == 2);
    CHECK(info.run_time_ns > 0);
  }
}

TEST_CASE("watching, the trace pipe gives what a program printed, line by line", "[needs 5.15]") {
  const auto loaded = must(printing.load());
  const auto pipe = must(barebpf::trace_pipe::open());
  std::uint64_t number = 0x6261726562;
  must(barebpf::test_run(loaded.program<"prints">(),
                         {.context = {reinterpret_cast<unsigned char*>(&number), sizeof number}}));
  const std::string wanted = "barebpf prints " + std::to_string(number);
  std::string seen;
  const auto end = barebpf::deadline::after(std::chrono::seconds(5));
  while (seen.find(wanted) == std::string::npos) {
    char part[512];
    const auto got = must(pipe.read(part, end));
    if (got == 0) break;
    seen.append(part, got);
  }
  CHECK(seen.find(wanted) != std::string::npos);
  char part[512];
  while (must(pipe.read(part, barebpf::deadline::now())) != 0) {
  }
  CHECK(must(pipe.read(part, barebpf::deadline::after(std::chrono::milliseconds(1)))) == 0);
}

TEST_CASE("watching, a program without anything to say has empty streams, and no third one", "[needs 6.18]") {
  const auto loaded = must(printing.load());
  char room[64];
  CHECK(must(read_stream(loaded.program<"prints">(), barebpf::program_stream::out, room)) == 0);
  CHECK(must(read_stream(loaded.program<"prints">(), barebpf::program_stream::errors, room)) == 0);
  CHECK(is_explained(
      read_stream(loaded.program<"prints">(), static_cast<barebpf::program_stream>(3), room).error(),
      step::prog_stream_read_by_fd, ENOENT));
}

TEST_CASE("watching, a token is for user namespaces alone", "[needs 6.12]") {
  const barebpf::fd mounted = barebpf::fd::own(open_detached("bpf"));
  const barebpf::fd folder = barebpf::fd::own(barebpf::open_to_read(".", mounted.number()));
  REQUIRE(folder.is_open());
  const auto refused = barebpf::create_token(folder);
  REQUIRE_FALSE(refused.has_value());
  CAPTURE(sentence(refused.error()), refused.error().code);
  CHECK((is_explained(refused.error(), step::token_create, EOPNOTSUPP) ||
         is_explained(refused.error(), step::token_create, ENOENT) ||
         is_explained(refused.error(), step::token_create, EPERM)));
}

TEST_CASE("loading, several programs side by side are the same programs", "[needs 5.18]") {
  two_threads run;
  const auto loaded = must(many.load({}, run));
  CHECK(run.count >= 10);
  const auto in_turn = must(many.load());
  const auto tag = [](const barebpf::fd& program) {
    const auto info = must(program_info(program));
    return std::string(reinterpret_cast<const char*>(info.tag), sizeof info.tag);
  };
  CHECK(tag(loaded.program<"count">()) == tag(in_turn.program<"count">()));
  CHECK(tag(loaded.program<"look_up">()) == tag(in_turn.program<"look_up">()));
  CHECK(loaded.program<"drop">().is_open());

  const auto object = must(barebpf::object::open(attach_network, sizeof attach_network));
  two_threads again;
  const auto at_run_time = must(object.load({}, again));
  CHECK(again.count == run.count);
  CHECK(tag(*must(at_run_time.program("count"))) == tag(in_turn.program<"count">()));
}

TEST_CASE("loading, what the verifier refuses is explained as without an executor") {
  const auto object = must(barebpf::object::open(bad_verifier, sizeof bad_verifier));
  barebpf::verifier_log log, log_of_two;
  const auto in_turn = object.load({.log = &log});
  two_threads run;
  const auto refused = object.load({.log = &log_of_two}, run);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().at == in_turn.error().at);
  CHECK(refused.error().why == in_turn.error().why);
  CHECK(std::string(refused.error().name) == in_turn.error().name);
  for (const barebpf::verifier_log* said : {&log, &log_of_two})
    CHECK(std::string(said->said().data()).find("invalid mem access") != std::string::npos);
}

TEST_CASE("loading, an executor that does nothing leaves all to the caller's thread", "[needs 6.1]") {
  const auto object = must(barebpf::object::open(core_fields, sizeof core_fields));
  const auto nothing = [](std::size_t, const auto&) {};
  CHECK(object.load({}, nothing).has_value());
}
