// SPDX-License-Identifier: MIT
// Programs on functions and trace points of this very program, which calls them.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/trace_point.hpp"
#include "../support/traced_functions.hpp"
#include "attach_others.bpf.hpp"
#include "attach_user.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::named_place;
using barebpf::step;

constexpr barebpf::static_object<attach_user> object;
constexpr barebpf::static_object<attach_others> others;
constexpr const char* self = "/proc/self/exe";

auto load_object() { return must(load_for_this_process(object)); }
// With one program that is left out by default, because kernels came later with its kind.
template <barebpf::name Name>
auto load_with() {
  auto data = object.data();
  data.variable<"only_process", std::uint32_t>() = static_cast<std::uint32_t>(getpid());
  const barebpf::program_change with[] = {object.change_program<Name>({.load = true})};
  return must(object.load({.data = data.view(), .programs = with}));
}
std::string in_self(const char* function) { return std::string(self) + ":" + function; }

// A trace point with arguments of each kind that compilers choose, at two places of which one has constants.
[[gnu::noinline]] void pass_first(int small, std::uint64_t large, const std::int8_t* where) {
  asm volatile(TRACE_POINT_NOTE("barebpf", "passed", "0", "-4@%[small] 8@%[large] -1@%[byte]")
               :
               : [small] TRACE_POINT_OPERAND(small), [large] TRACE_POINT_OPERAND(large), [byte] "m"(*where));
}
[[gnu::noinline]] void pass_second() {
  asm volatile(TRACE_POINT_NOTE("barebpf", "passed", "0", "-4@%[small] 8@%[large]")
               :
               : [small] "n"(-5), [large] "n"(77));
}
[[gnu::noinline]] void pass_watched() {
  asm volatile(TRACE_POINT_NOTE("barebpf", "watched", "attach_user_semaphore", ""));
}
#if defined(__x86_64__)
// An element of an array, addressed by two registers.
[[gnu::noinline]] void pass_element(const std::int32_t* array, std::size_t index) {
  asm volatile(TRACE_POINT_NOTE("barebpf", "element", "0", "-4@4(%[array],%[index],4)")
               :
               : [array] "r"(array), [index] "r"(index));
}
#endif

}  // namespace

TEST_CASE("uprobe, the entry of a function, its arguments and a cookie", "[needs 5.15]") {
  const auto loaded = load_object();
  auto attached =
      must(loaded.attach<"begins">(named_place{.name = in_self("attach_user_add"), .cookie = {77}}));
  CHECK(attach_user_add(3, 4) == 7);
  CHECK(attach_user_add(10, 20) == 30);
  CHECK(value_of<"entries">(loaded) == 2);
  CHECK(value_of<"sum_of_arguments">(loaded) == 37);
  CHECK(value_of<"seen_cookie">(loaded) == 77);
  attached.detach();
  attach_user_add(1, 1);
  CHECK(value_of<"entries">(loaded) == 2);
}

TEST_CASE("uretprobe, the end of a function and what it returns") {
  const auto loaded = load_object();
  barebpf::link attached = must(loaded.attach<"is_over">(named_place{in_self("attach_user_add")}));
  attach_user_add(3, 4);
  attach_user_add(10, 20);
  CHECK(value_of<"ends">(loaded) == 2);
  CHECK(value_of<"sum_of_results">(loaded) == 37);
  attached.detach();
  attach_user_add(1, 1);
  CHECK(value_of<"ends">(loaded) == 2);
}

TEST_CASE("uprobe, in one process alone") {
  const auto loaded = load_object();
  const barebpf::link elsewhere =
      must(loaded.attach<"begins">(named_place{.name = in_self("attach_user_add"), .process = getppid()}));
  attach_user_add(1, 2);
  CHECK(value_of<"entries">(loaded) == 0);
  const barebpf::link here =
      must(loaded.attach<"begins">(named_place{.name = in_self("attach_user_add"), .process = getpid()}));
  attach_user_add(1, 2);
  CHECK(value_of<"entries">(loaded) == 1);
}

TEST_CASE("uprobe, a library is found where distributions have it") {
  const auto loaded = load_object();
  char path[barebpf::path_room];
  const auto attached = loaded.attach<"in_a_library">();
  if (!barebpf::find_binary("libc.so.6", path)) {  // a guest has no libraries
    REQUIRE_FALSE(attached.has_value());
    CHECK(attached.error().why == cause::no_such_binary);
    return;
  }
  require(attached);
  CHECK(value_of<"entries">(loaded) == 0);
  in_child([] { return getpgid(0) > 0 ? 0 : 1; });
  const auto own = must(loaded.attach<"in_a_library">(barebpf::cookie{1}));
  getpgid(0);
  CHECK(value_of<"entries">(loaded) == 2);
}

TEST_CASE("uprobe, a place behind the beginning of a function, and one in bytes from the start of the file") {
  const auto loaded = load_object();
  const auto file = must(barebpf::binary_file::open(self));
  const auto opened = must(barebpf::binary<barebpf::binary_file>::open(file));
  const std::uint64_t offset = must(opened.find_function("attach_user_many_one"));
  char place[64];
  std::snprintf(place, sizeof place, "%s:0x%llx", self, static_cast<unsigned long long>(offset));
  const barebpf::link by_offset = must(loaded.attach<"begins">(named_place{place}));
  const barebpf::link by_name = must(loaded.attach<"begins">(named_place{in_self("attach_user_many_one+0")}));
  attach_user_many_one(1);
  CHECK(value_of<"entries">(loaded) == 2);
}

TEST_CASE("uprobe, an object that is read at run time is attached in the same way") {
  const auto file = must(barebpf::object::open(attach_user, sizeof attach_user));
  auto data = must(file.data());
  *must(data.variable<std::uint32_t>("only_process")) = static_cast<std::uint32_t>(getpid());
  const auto loaded = must(file.load({.data = data.view()}));
  const auto entries = must(loaded.variable<std::uint64_t>("entries"));
  barebpf::attachment attached = must(loaded.attach("begins", named_place{in_self("attach_user_add")}));
  attach_user_add(1, 2);
  CHECK(*entries == 1);
  CHECK(attached.link_count() <= 1);
  attached.detach();
  CHECK_FALSE(attached.is_attached());
  attach_user_add(1, 2);
  CHECK(*entries == 1);
  CHECK(loaded.attach("begins").error().why == cause::not_attachable);
}

TEST_CASE("uprobe, what is not there is said by name") {
  const auto loaded = load_object();
  const auto file = loaded.attach<"nowhere">();
  REQUIRE_FALSE(file.has_value());
  CHECK(file.error().at == step::open_file);
  CHECK(file.error().code == ENOENT);
  const auto refuse = [&](const std::string& place) {
    return loaded.attach<"begins">(named_place{place}).error();
  };
  const barebpf::error misspelt = refuse(in_self("attach_user_ad"));
  CHECK(misspelt.why == cause::no_such_function);
  CHECK(std::string(misspelt.name) == "attach_user_ad (attach_user_add?)");
  CHECK(refuse("no-such-program:main").why == cause::no_such_binary);
  CHECK(refuse("libno-such-library.so:main").why == cause::no_such_binary);
  CHECK(refuse("main").why == cause::bad_place);
  CHECK(refuse(std::string(self) + ":").why == cause::bad_place);
  CHECK(refuse(in_self("attach_user_add+x")).why == cause::bad_place);
  const std::string text = "/tmp/barebpf-text-" + std::to_string(getpid());
  std::ofstream(text) << "no program, but long enough to be looked at: its first bytes say what it is";
  CHECK(refuse(text + ":main").why == cause::not_a_binary);
  unlink(text.c_str());
  CHECK(refuse("/tmp:main").at == step::read_file);
  CHECK(refuse(std::string(5000, 'a') + ":b").why == cause::bad_place);
  const auto no_process = loaded.attach<"begins">(
      named_place{.name = in_self("attach_user_add"), .process = std::numeric_limits<int>::max()});
  REQUIRE_FALSE(no_process.has_value());
  CHECK(is_explained(no_process.error(), step::open_user_probe, ESRCH));
}

TEST_CASE("uprobe.multi, all functions that a pattern names, with a cookie", "[needs 6.6]") {
  const auto loaded = load_with<"begin_many">();
  barebpf::link attached =
      must(loaded.attach<"begin_many">(named_place{.name = in_self("attach_user_many_*"), .cookie = {5}}));
  attach_user_many_one(1);
  attach_user_many_two(1);
  attach_user_add(1, 1);
  CHECK(value_of<"entries">(loaded) == 2);
  CHECK(value_of<"seen_cookie">(loaded) == 5);
  attached.detach();
  attach_user_many_one(1);
  CHECK(value_of<"entries">(loaded) == 2);
  const barebpf::link one = must(loaded.attach<"begin_many">(named_place{in_self("attach_user_add")}));
  attach_user_add(1, 1);
  CHECK(value_of<"entries">(loaded) == 3);
  const auto nothing = loaded.attach<"begin_many">(named_place{in_self("attach_user_none_*")});
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().why == cause::nothing_fits);
}

TEST_CASE("uprobe.multi, the caller's process is one like any other", "[needs 6.12]") {
  const auto loaded = load_with<"begin_many">();
  // What the kernel says of such a link ends with its flags and the process.
  const auto process_of = [&](int process) {
    const barebpf::link attached = must(
        loaded.attach<"begin_many">(named_place{.name = in_self("attach_user_many_*"), .process = process}));
    std::uint32_t words[12];
    const auto info = must(attached.info());
    std::memcpy(words, &info.place, sizeof words);
    return static_cast<int>(words[11]);
  };
  CHECK(process_of(-1) == 0);
  CHECK(process_of(0) == getpid());
  CHECK(process_of(getppid()) == getppid());
}

TEST_CASE("uretprobe.multi, the ends of all functions that a pattern names", "[needs 6.6]") {
  const auto loaded = load_with<"end_many">();
  const barebpf::link attached =
      must(loaded.attach<"end_many">(named_place{in_self("attach_user_many_???")}));
  attach_user_many_one(1);
  attach_user_many_two(1);
  CHECK(value_of<"ends">(loaded) == 2);
}

TEST_CASE("uprobe.session, a program runs at both ends of a function", "[needs 6.13]") {
  const auto loaded = load_with<"both">();
  const barebpf::link attached = must(loaded.attach<"both">(named_place{in_self("attach_user_many_one")}));
  attach_user_many_one(1);
  CHECK(value_of<"entries">(loaded) == 2);
}

TEST_CASE("usdt, a trace point and its arguments, wherever they are", "[needs 5.15]") {
  const auto loaded = load_object();
  const auto argument = [&](int i) { return (*must(loaded.variable<"arguments", std::int64_t[12]>()))[i]; };
  barebpf::attachment attached =
      must(loaded.attach<"point">(named_place{.name = in_self("barebpf:passed"), .cookie = {99}}));
  const std::int8_t byte = -7;
  pass_first(-3, 1ull << 40, &byte);
  CHECK(value_of<"passed">(loaded) == 1);
  CHECK(value_of<"argument_count">(loaded) == 3);
  CHECK(argument(0) == -3);
  CHECK(argument(1) == std::int64_t{1} << 40);
  CHECK(argument(2) == -7);
  CHECK(value_of<"seen_cookie">(loaded) == 99);
  pass_second();
  CHECK(value_of<"passed">(loaded) == 2);
  CHECK(value_of<"argument_count">(loaded) == 2);
  CHECK(argument(0) == -5);
  CHECK(argument(1) == 77);
  attached.detach();
  pass_second();
  CHECK(value_of<"passed">(loaded) == 2);
}

TEST_CASE("usdt, who listens is counted where a trace point has a semaphore", "[needs 5.15]") {
  const auto loaded = load_object();
  CHECK(attach_user_semaphore == 0);
  {
    const barebpf::attachment attached =
        must(loaded.attach<"point">(named_place{in_self("barebpf:watched")}));
    CHECK(attach_user_semaphore == 1);
    pass_watched();
    CHECK(value_of<"passed">(loaded) == 1);
    CHECK(value_of<"argument_count">(loaded) == 0);
  }
  CHECK(attach_user_semaphore == 0);
}

#if defined(__x86_64__)
TEST_CASE("usdt, an argument in an array", "[needs 5.15]") {
  const auto loaded = load_object();
  const barebpf::attachment attached = must(loaded.attach<"point">(named_place{in_self("barebpf:element")}));
  const std::int32_t array[] = {10, 20, -30, 40};
  pass_element(array, 1);
  CHECK(value_of<"passed">(loaded) == 1);
  CHECK((*must(loaded.variable<"arguments", std::int64_t[12]>()))[0] == -30);
}
#endif

TEST_CASE("uprobe.s, a program that may sleep", "[needs 6.1]") {
  const auto loaded = must(load_for_this_process(others));
  const barebpf::link attached = must(loaded.attach<"sleeps">(named_place{in_self("attach_user_add")}));
  attach_user_add(1, 2);
  CHECK(value_of<"sleeping">(loaded) == 1);
}

TEST_CASE("raw_tp.w, a program that may write what it is given", "[needs 6.1]") {
  const auto loaded = must(load_for_this_process(
      others, [](auto& data) { data.template variable<"only_syscall", std::uint64_t>() = SYS_getpgid; }));
  const barebpf::link attached = must(loaded.attach<"writes">());
  static_cast<void>(getpgid(0));
  CHECK(value_of<"writing">(loaded) == 1);
}

TEST_CASE("iter.s, a program that lists and may sleep", "[needs 6.1]") {
  const auto loaded = must(load_for_this_process(others));
  const barebpf::link attached =
      must(loaded.attach<"lists">(barebpf::tasks_of{.process = static_cast<barebpf::u32>(getpid())}));
  char nothing[64];
  CHECK(must(must(open_iterator(attached)).read(nothing)) == 0);
  CHECK(value_of<"listing">(loaded) >= 1);
}

TEST_CASE("usdt, what is not there is said by name") {
  const auto loaded = load_object();
  const auto refuse = [&](const std::string& place) {
    return loaded.attach<"point">(named_place{place}).error();
  };
  const barebpf::error misspelt = refuse(in_self("barebpf:pased"));
  CHECK(misspelt.at == step::find_usdt);
  CHECK(misspelt.why == cause::no_such_usdt);
  CHECK(std::string(misspelt.name) == "pased (passed?)");
  CHECK(refuse(in_self("nobody:passed")).why == cause::no_such_usdt);
  CHECK(refuse(in_self("passed")).why == cause::bad_place);
}
