// SPDX-License-Identifier: MIT
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <utility>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

constexpr barebpf::error no_entry{.at = barebpf::step::map_lookup_elem, .code = ENOENT};

// Counts how many were made and destroyed, moved-from ones too.
struct counted {
  inline static int alive = 0, destroyed = 0;
  int number;

  explicit counted(int n) noexcept : number(n) { ++alive; }
  counted(counted&& other) noexcept : number(std::exchange(other.number, -1)) { ++alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() {
    --alive;
    ++destroyed;
  }
  static void reset() { alive = destroyed = 0; }
};

// The signal that ended a process that did `action`; 0 when none did.
template <class Action>
int signal_of(Action action) {
  const pid_t child = fork();
  if (child == 0) {
    // Catch2 reports fatal signals, and the child must not speak for the test.
    for (const int number : {SIGILL, SIGTRAP, SIGABRT, SIGSEGV}) signal(number, SIG_DFL);
    action();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("a result with a value gives the value", "[result]") {
  barebpf::result<int> seven = 7;

  REQUIRE(seven.has_value());
  CHECK(static_cast<bool>(seven));
  CHECK(seven.value() == 7);
  CHECK(*seven == 7);
  *seven = 8;
  CHECK(std::as_const(seven).value() == 8);
}

TEST_CASE("a result with an error gives the error as it was", "[result]") {
  const barebpf::result<int> failed = no_entry.about("hits");

  REQUIRE_FALSE(failed.has_value());
  CHECK_FALSE(static_cast<bool>(failed));
  CHECK(failed.error().at == barebpf::step::map_lookup_elem);
  CHECK(failed.error().code == 2);
  CHECK(failed.error().why == barebpf::cause::none);
  CHECK(std::string(failed.error().name) == "hits");
}

TEST_CASE("a result reaches into its value", "[result]") {
  barebpf::result<std::string> word = std::string("hits");

  CHECK(word->size() == 4);
  CHECK(std::as_const(word)->size() == 4);
}

TEST_CASE("a result is made in place from several arguments", "[result]") {
  const barebpf::result<std::string> word(std::in_place, std::size_t{3}, 'x');

  CHECK(word.value() == "xxx");
}

TEST_CASE("a result of a plain value is plain itself and works in constant expressions", "[result]") {
  static_assert(std::is_trivially_copyable_v<barebpf::result<int>>);
  static_assert(barebpf::result<int>(7).value() == 7);
  static_assert(barebpf::result<int>(no_entry).error().code == 2);
  static_assert(barebpf::result<int>(no_entry).value_or(3) == 3);

  const barebpf::result<int> first = 7;
  const barebpf::result<int> second = first;
  CHECK(second.value() == 7);
}

TEST_CASE("value_or stands in for a value that is missing, and only then", "[result]") {
  const barebpf::result<int> seven = 7;
  const barebpf::result<int> failed = no_entry;

  CHECK(seven.value_or(3) == 7);
  CHECK(failed.value_or(3) == 3);
  CHECK(*barebpf::result<std::unique_ptr<int>>(std::make_unique<int>(7)).value_or(nullptr) == 7);
  CHECK(barebpf::result<std::unique_ptr<int>>(no_entry).value_or(nullptr) == nullptr);
}

TEST_CASE("and_then goes on with a value and stops at an error", "[result]") {
  int calls = 0;
  const auto half = [&](int n) -> barebpf::result<int> {
    ++calls;
    if (n % 2 != 0) return barebpf::error{.at = barebpf::step::find, .code = EINVAL};
    return n / 2;
  };

  CHECK(barebpf::result<int>(8).and_then(half).and_then(half).value() == 2);
  CHECK(barebpf::result<int>(6).and_then(half).and_then(half).error().code == 22);
  CHECK(calls == 4);
  CHECK(barebpf::result<int>(no_entry).and_then(half).error().code == 2);
  CHECK(calls == 4);
}

TEST_CASE("transform changes a value and its type, and leaves an error alone", "[result]") {
  int calls = 0;
  const auto word = [&](int n) { return ++calls, std::string(static_cast<std::size_t>(n), 'x'); };

  CHECK(barebpf::result<int>(3).transform(word).value() == "xxx");
  CHECK(barebpf::result<int>(no_entry).transform(word).error().code == 2);
  CHECK(calls == 1);
}

TEST_CASE("a value that can only be moved is destroyed exactly once", "[result]") {
  counted::reset();
  {
    const barebpf::result<counted> one(std::in_place, 7);
    CHECK(counted::alive == 1);
    CHECK(one->number == 7);
  }
  CHECK(counted::alive == 0);
  CHECK(counted::destroyed == 1);
}

TEST_CASE("a moved result owns a value of its own, and both are destroyed", "[result]") {
  counted::reset();
  {
    barebpf::result<counted> first(std::in_place, 7);
    const barebpf::result<counted> second = std::move(first);
    CHECK(second->number == 7);
    CHECK(counted::alive == 2);
  }
  CHECK(counted::alive == 0);
  CHECK(counted::destroyed == 2);
}

TEST_CASE("a moved result keeps its error and destroys nothing", "[result]") {
  counted::reset();
  {
    barebpf::result<counted> first(no_entry);
    const barebpf::result<counted> second = std::move(first);
    CHECK(second.error().code == 2);
  }
  CHECK(counted::alive == 0);
  CHECK(counted::destroyed == 0);
}

TEST_CASE("a chain of moves destroys every value exactly once", "[result]") {
  counted::reset();
  {
    const auto next = barebpf::result<counted>(std::in_place, 7)
                          .transform([](counted&& from) { return counted(from.number + 1); })
                          .and_then([](counted&& from) { return barebpf::result<counted>(std::move(from)); });
    CHECK(next->number == 8);
    const counted taken = barebpf::result<counted>(std::in_place, 9).value();
    CHECK(taken.number == 9);
    const counted replaced = barebpf::result<counted>(no_entry).value_or(counted(3));
    CHECK(replaced.number == 3);
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("fail_with destroys the value before the error is made", "[result]") {
  counted::reset();
  int destroyed_when_made = -1;
  {
    barebpf::result<counted> one(std::in_place, 7);
    one.fail_with([&] {
      destroyed_when_made = counted::destroyed;
      return no_entry;
    });
    CHECK_FALSE(one.has_value());
    CHECK(one.error().code == 2);
  }
  CHECK(destroyed_when_made == 1);
  CHECK(counted::destroyed == 1);
  CHECK(counted::alive == 0);
}

TEST_CASE("a result without a value says whether it went well", "[result]") {
  const barebpf::result<void> done;
  const barebpf::result<void> failed = no_entry;
  static_assert(barebpf::result<void>().has_value());

  CHECK(done.has_value());
  CHECK(static_cast<bool>(done));
  done.value();
  CHECK_FALSE(failed.has_value());
  CHECK(failed.error().code == 2);
}

TEST_CASE("a result without a value goes on and stops like the others", "[result]") {
  int calls = 0;
  const auto next = [&]() -> barebpf::result<int> { return ++calls; };

  CHECK(barebpf::result<void>().and_then(next).value() == 1);
  CHECK(barebpf::result<void>(no_entry).and_then(next).error().code == 2);
  CHECK(calls == 1);
}

TEST_CASE("asking for what is not there traps", "[result]") {
  const auto is_trap = [](int number) { return number == SIGILL || number == SIGTRAP || number == SIGABRT; };
  volatile bool fail = true;  // so that no compiler sees the trap coming
  const auto number = [&]() -> barebpf::result<int> {
    if (fail) return no_entry;
    return 7;
  };
  const auto nothing = [&]() -> barebpf::result<void> {
    if (fail) return no_entry;
    return {};
  };

  CHECK(is_trap(signal_of([&] { (void)number().value(); })));
  CHECK(is_trap(signal_of([&] { (void)*number(); })));
  CHECK(is_trap(signal_of([&] { nothing().value(); })));
  CHECK(signal_of([&] { (void)number().error(); }) == 0);
  fail = false;
  CHECK(is_trap(signal_of([&] { (void)number().error(); })));
  CHECK(is_trap(signal_of([&] { (void)nothing().error(); })));
  CHECK(signal_of([&] { (void)number().value(); }) == 0);
}

TEST_CASE("an error is 64 plain bytes", "[result]") {
  static_assert(sizeof(barebpf::error) == 64);
  static_assert(std::is_trivially_copyable_v<barebpf::error>);

  CHECK(barebpf::error{}.why == barebpf::cause::none);
  CHECK(barebpf::error{}.code == 0);
}

TEST_CASE("an error cuts the name it is about and leaves nothing of the one before", "[result]") {
  const barebpf::error longest = no_entry.about(std::string(60, 'x'));
  CHECK(std::string(longest.name) == std::string(47, 'x'));

  const barebpf::error shorter = longest.about("hits");
  CHECK(std::string(shorter.name, 48) == "hits" + std::string(44, '\0'));
}

TEST_CASE("an error tells the section in front of the name, where both are known", "[result]") {
  CHECK(std::string(no_entry.about("hits", ".maps").name) == ".maps:hits");
  CHECK(std::string(no_entry.about("", ".maps").name) == ".maps");
  CHECK(std::string(no_entry.about("hits", "").name) == "hits");
  CHECK(std::string(no_entry.about("hits", std::string(45, 'x')).name) == std::string(45, 'x') + ":h");
  CHECK(std::string(no_entry.about("hits", std::string(60, 'x')).name) == std::string(47, 'x'));
}

TEST_CASE("about makes a copy and leaves the original", "[result]") {
  const barebpf::error other = no_entry.about("misses");

  CHECK(std::string(other.name) == "misses");
  CHECK(other.code == 2);
  CHECK(std::string(no_entry.name).empty());
}
