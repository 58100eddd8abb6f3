// SPDX-License-Identifier: MIT
#include "../include/barebpf/span.hpp"

#include <array>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "support/catch.hpp"

using barebpf::span;

namespace {

std::size_t count(span<const int> elements) { return elements.size(); }
int first_of(std::span<int> elements) { return elements.front(); }
int first_constant_of(std::span<const int> elements) { return elements.front(); }
span<int> make(std::vector<int>& from) { return from; }

template <class From, class To>
concept goes_to = std::is_convertible_v<From, To>;

}  // namespace

TEST_CASE("a span is the elements that it was made from") {
  int list[] = {1, 2, 3, 4};
  const span<int> all(list);
  CHECK(all.size() == 4);
  CHECK(all.size_bytes() == 16);
  CHECK(&all[2] == &list[2]);
  CHECK(&all.back() == &list[3]);
  CHECK(all.first(2).back() == 2);
  CHECK(all.last(1).front() == 4);
  CHECK(all.subspan(3).size() == 1);
  CHECK(all.subspan(4).empty());
  CHECK(all.subspan(1, 2).back() == 3);
  int sum = 0;
  for (const int element : all) sum += element;
  CHECK(sum == 10);
  CHECK(span<int>().empty());
  STATIC_REQUIRE(span<const char>("ab", 2)[1] == 'b');
}

TEST_CASE("whatever has its elements in a row becomes a span") {
  int list[] = {1, 2};
  std::vector<int> vector{1, 2, 3};
  const std::array<int, 4> array{};
  CHECK(count(list) == 2);
  CHECK(count(vector) == 3);
  CHECK(count(array) == 4);
  CHECK(count(std::span(vector)) == 3);
  CHECK(count(std::vector<int>(5)) == 5);  // for the call
  CHECK(span(vector).size() == 3);
  std::string characters = "ab";
  CHECK(span(characters).size() == 2);
}

TEST_CASE("a span becomes a std::span, with a name and without") {
  std::vector<int> vector{7, 2, 3};
  auto named = make(vector);
  const auto constant = named;
  CHECK(first_of(named) == 7);
  CHECK(first_of(constant) == 7);
  CHECK(first_of(make(vector)) == 7);
  CHECK(first_constant_of(named) == 7);
  CHECK(first_constant_of(make(vector)) == 7);
  CHECK(first_constant_of(span<const int>(vector)) == 7);
  CHECK(std::span(named).size() == 3);
}

TEST_CASE("a span takes nothing that it could change and should not, and nothing that goes at once") {
  STATIC_REQUIRE(goes_to<std::vector<int>&, span<int>>);
  STATIC_REQUIRE(!goes_to<std::vector<int>, span<int>>);
  STATIC_REQUIRE(!goes_to<const std::vector<int>&, span<int>>);
  STATIC_REQUIRE(!goes_to<span<const int>, span<int>>);
  STATIC_REQUIRE(goes_to<span<int>, span<const int>>);
  STATIC_REQUIRE(goes_to<std::span<int>, span<int>>);
  STATIC_REQUIRE(!goes_to<std::vector<long>&, span<int>>);
  STATIC_REQUIRE(!goes_to<span<const int>, std::span<int>>);
}
