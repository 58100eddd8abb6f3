// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <new>
#include <utility>

#include "support/catch.hpp"
#include "support/library.hpp"

namespace {

struct counted {
  inline static int alive = 0;
  int number = 7;
  counted() noexcept { ++alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
};

// There is never memory for these.
struct unaffordable {
  int number = 0;
  static void* operator new[](std::size_t, const std::nothrow_t&) noexcept { return nullptr; }
  static void operator delete[](void* where) noexcept { std::free(where); }
};

}  // namespace

TEST_CASE("a buffer holds as many zeros as were asked for", "[buffer]") {
  auto made = barebpf::buffer<int>::of(5);

  REQUIRE(made.has_value());
  CHECK(made->size() == 5);
  int sum = 0;
  for (const int number : *made) sum |= number;
  CHECK(sum == 0);
  (*made)[4] = 9;
  CHECK(made->data()[4] == 9);
  CHECK(made->end() - made->begin() == 5);
}

TEST_CASE("an empty buffer needs no memory", "[buffer]") {
  const auto made = barebpf::buffer<unaffordable>::of(0);

  REQUIRE(made.has_value());
  CHECK(made->size() == 0);
  CHECK(made->data() == nullptr);
  CHECK(made->begin() == made->end());
}

TEST_CASE("a buffer says when there is no memory", "[buffer]") {
  const auto made = barebpf::buffer<unaffordable>::of(1);

  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().at == barebpf::step::allocate);
  CHECK(made.error().code == 12);
  CHECK(made.error().why == barebpf::cause::none);
}

TEST_CASE("a buffer refuses a size that cannot be counted in bytes", "[buffer]") {
  const auto all = barebpf::buffer<long>::of(~std::size_t{0});
  // Eight times as many bytes is a small number again.
  const auto wrapping = barebpf::buffer<long>::of((~std::size_t{0} >> 3) + 2);

  REQUIRE_FALSE(all.has_value());
  CHECK(all.error().code == 12);
  REQUIRE_FALSE(wrapping.has_value());
  CHECK(wrapping.error().code == 12);
}

TEST_CASE("a buffer makes and destroys each element once", "[buffer]") {
  {
    const auto made = barebpf::buffer<counted>::of(3);
    REQUIRE(made.has_value());
    CHECK(counted::alive == 3);
    CHECK((*made)[2].number == 7);
  }
  CHECK(counted::alive == 0);
}

TEST_CASE("moving a buffer empties the source", "[buffer]") {
  auto made = barebpf::buffer<int>::of(5);
  REQUIRE(made.has_value());
  int* const where = made->data();

  barebpf::buffer<int> taken = std::move(*made);

  CHECK(taken.data() == where);
  CHECK(taken.size() == 5);
  CHECK(made->size() == 0);
  CHECK(made->data() == nullptr);
}

TEST_CASE("moving a buffer into a full one frees what was there and empties the source", "[buffer]") {
  {
    auto first = barebpf::buffer<counted>::of(2);
    auto second = barebpf::buffer<counted>::of(3);
    REQUIRE((first.has_value() && second.has_value()));

    *first = std::move(*second);

    CHECK(first->size() == 3);
    CHECK(second->size() == 0);
    CHECK(counted::alive == 3);
  }
  CHECK(counted::alive == 0);
}
