// SPDX-License-Identifier: MIT
// Maps and variables of which nobody wrote the types: the object's own are enough, while programs use both.
#include <unistd.h>

#include <string>
#include <type_traits>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "two_programs.bpf.hpp"
#include "variables.bpf.hpp"

namespace kernel_types {
namespace {

using barebpf::u16;
using barebpf::u32;
using barebpf::u64;
using barebpf::u8;

constexpr barebpf::static_object<two_programs> calls_object;
constexpr barebpf::static_object<variables> variables_object;

TEST_CASE("a map without a word on types has those of the object", "[types]") {
  const auto loaded = calls_object.load();
  require(loaded);
  const auto link = loaded->attach<"count_getsid_calls">();
  require(link);
  auto counts = loaded->map<"calls_by_process_and_number">();
  static_assert(std::is_same_v<decltype(counts)::mapped_type, u64>);
  using call = decltype(counts)::key_type;
  static_assert(sizeof(call) == 8 && alignof(call) == 8);
  static_assert(std::has_unique_object_representations_v<call>);

  static_cast<void>(::getsid(0));
  static_cast<void>(::getsid(0));
  call mine;
  mine.set<"pid">(static_cast<u32>(::getpid()));
  mine.set<"number">(2);
  const auto seen = counts.lookup_elem(mine);
  require(seen);
  CHECK(*seen >= 2);

  size_t found = 0;
  auto walk = counts.entries();
  for (const auto& [key, value] : walk) {
    static_assert(std::is_same_v<decltype(key.get<"pid">()), u32>);
    if (key == mine) CHECK(value >= 2);
    found += key == mine;
  }
  CHECK(walk.error() == nullptr);
  CHECK(found == 1);

  // Of this one the object tells the sizes alone.
  const auto totals = loaded->map<"totals">();
  static_assert(std::is_same_v<decltype(totals)::key_type, barebpf::row<unsigned char, 4>>);
  static_assert(std::is_same_v<decltype(totals)::mapped_type, barebpf::row<unsigned char, 8>>);
  CHECK(totals.lookup_elem({{2, 0, 0, 0}}).has_value() == !barebpf::host_is_big_endian);
}

TEST_CASE("a map that the running program reads without types has those of the object", "[types]") {
  const auto opened = barebpf::object::open(BAREBPF_TEST_OBJECTS "/two_programs.bpf.o");
  require(opened);
  const auto loaded = opened->load();
  require(loaded);
  const auto link = loaded->attach("count_getsid_calls");
  require(link);
  auto counts = loaded->map("calls_by_process_and_number");
  require(counts);
  static_cast<void>(::getsid(0));

  auto key = counts->make_key();
  require(key);
  require(key->set("pid", ::getpid()));
  require(key->set("number", 2));
  const auto value = counts->lookup_elem(*key);
  require(value);
  const auto seen = value->get<u64>("");
  require(seen);
  CHECK(*seen >= 1);
  require(counts->update_elem(*key, [&] {
    auto changed = counts->make_value();
    require(changed);
    require(changed->set("", u64{1000}));
    return std::move(*changed);
  }()));
  static_cast<void>(::getsid(0));
  CHECK(*counts->lookup_elem(*key)->get<u64>("") == 1001);

  auto next = counts->make_key();
  require(next);
  require(counts->get_next_key(nullptr, *next));
  CHECK(*next->get<u32>("number") == 2);
  require(counts->delete_elem(*key));
  const auto gone = counts->lookup_elem(*key);
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code == ENOENT);

  CHECK(key->get<u32>("pit").error().why == barebpf::cause::no_such_member);
  CHECK(key->get<u16>("pid").error().why == barebpf::cause::other_size);
  CHECK(key->get<barebpf::s32>("pid").error().why == barebpf::cause::other_sign);
  CHECK(key->get<barebpf::s64>("pid").has_value());
  CHECK(key->get<barebpf::text>("pid").error().why == barebpf::cause::other_sort);
  CHECK(key->get<u32>("pid[0]").error().why == barebpf::cause::bad_field_path);
  CHECK(key->set("pid", u64{1} << 40).error().why == barebpf::cause::other_size);

  // Of this one the object tells the sizes alone.
  auto totals = loaded->map("totals");
  require(totals);
  auto number = totals->make_key();
  require(number);
  require(number->set("", 2));
  const auto total = totals->lookup_elem(*number);
  require(total);
  CHECK(*total->get<u64>("") >= 2);
}

TEST_CASE("a pinned map of other members is not adopted by who asks for its types", "[types]") {
  struct traffic {
    u32 packets, bytes;
    u64 last;
  };
  struct other {
    u32 packets, dropped;
    u64 last;
  };
  using ours = barebpf::hash_map<int, traffic>;
  using theirs = barebpf::hash_map<int, other>;
  const auto made = ours::create({.name = "traffic", .max_entries = 4});
  require(made);
  const int number = made->descriptor().number();
  require(ours::from_fd<barebpf::identity_and_btf>(number));
  require(theirs::from_fd(number));
  barebpf::btf_differences differences;
  const auto refused = theirs::from_fd<barebpf::identity_and_btf>(number, {}, &differences);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().why == barebpf::cause::another_map);
  CHECK(differences.value_member.why == barebpf::cause::other_name);
  char words[1024];
  const barebpf::text line = describe(differences, words, sizeof words);
  const std::string said(line.data(), line.size());
  CHECK(said.starts_with("value.bytes: 4 bytes at 4 in the object, 4 bytes at 4 in C++ as dropped: "));
}

TEST_CASE("an object is walked over while compiling, and attached as a whole", "[types]") {
  const auto loaded = calls_object.load();
  require(loaded);
  std::string said;
  calls_object.each_map([&](auto map) {
    static_assert(map.type == barebpf::map_type::hash);
    CHECK(loaded->template map_descriptor<map.name>().is_open());
    said += std::string(map.name.characters) + ":" + std::to_string(map.spec.max_entries) + " ";
  });
  calls_object.each_program([&](auto program) {
    CHECK(loaded->template program<program.name>().is_open());
    said += std::string(program.name.characters) + "@" + program.section.characters + " ";
  });
  CHECK(said ==
        "calls_by_process_and_number:64 totals:8 count_getpgid_calls@tp/syscalls/sys_enter_getpgid "
        "count_getsid_calls@tp/syscalls/sys_enter_getsid ");
  u32 constants = 0, bytes = 0;
  variables_object.each_variable([&](auto variable) {
    constants += variable.is_constant;
    static_assert(sizeof(typename decltype(variable)::type) == variable.spec.size);
    bytes += variable.spec.size;
  });
  CHECK(constants == 3);
  CHECK(bytes > 3000);
  static_assert(calls_object.map_count == 2 && calls_object.program_count == 2);

  auto counts = loaded->map<"calls_by_process_and_number">();
  const auto attached = loaded->attach_all();
  require(attached);
  static_cast<void>(::getsid(0));
  static_cast<void>(::getpgid(0));
  decltype(counts)::key_type mine;
  mine.set<"pid">(static_cast<u32>(::getpid()));
  for (const u32 number : {1u, 2u}) {
    mine.set<"number">(number);
    CHECK(counts.lookup_elem(mine).value_or(0) >= 1);
  }
}

TEST_CASE("a variable without a type has that of the object", "[types]") {
  auto data = variables_object.data();
  data.variable<"only_process">() = static_cast<u32>(::getpid());
  static_assert(std::is_same_v<decltype(data.variable<"step">()), barebpf::s32&>);
  data.variable<"step">() = 5;
  data.variable<"seen">().set<"sum">(-7);
  const auto loaded = variables_object.load({.data = data.view()});
  require(loaded);

  const auto only_process = loaded->variable<"only_process">();
  require(only_process);
  static_assert(std::is_same_v<decltype(**only_process), const u32&>);
  CHECK(**only_process == static_cast<u32>(::getpid()));
  const auto greeting = loaded->variable<"greeting">();
  require(greeting);
  CHECK((*greeting)->view() == "hello");
  const auto zeros = loaded->variable<"zeros">();
  require(zeros);
  static_assert(std::is_same_v<decltype(**zeros), barebpf::row<u8, 3000>&>);
  const auto seen = loaded->variable<"seen">();
  require(seen);
  CHECK((*seen)->get<"calls">() == 100);
  CHECK((*seen)->get<"sum">() == -7);
  (*seen)->set<"calls">(101);
  CHECK((*seen)->get<"calls">() == 101);
}

}  // namespace
}  // namespace kernel_types
