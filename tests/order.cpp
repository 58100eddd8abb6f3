// SPDX-License-Identifier: MIT
#include <algorithm>
#include <random>
#include <vector>

#include "support/catch.hpp"
#include "support/library.hpp"

namespace {

constexpr bool is_sorted_by_compiler = [] {
  int list[] = {3, 1, 2, 2, 0};
  barebpf::detail::sort_with(list, 5, [](int a, int b) { return a < b; });
  for (int i = 1; i < 5; ++i)
    if (list[i - 1] > list[i]) return false;
  return list[0] == 0;
}();
static_assert(is_sorted_by_compiler);

}  // namespace

TEST_CASE("lists of every length and order are put in order", "[order]") {
  std::mt19937 random(7);
  for (std::size_t size = 0; size < 70; ++size)
    for (const int range : {1, 3, 1000}) {
      std::vector<int> list(size);
      for (int& one : list) one = static_cast<int>(random() % static_cast<unsigned>(range));
      std::vector<int> expected = list;
      std::sort(expected.begin(), expected.end());
      barebpf::detail::sort_with(list.data(), list.size(), [](int a, int b) { return a < b; });
      CHECK(list == expected);
    }
}

TEST_CASE("what is in order is looked at once and left alone", "[order]") {
  std::vector<int> list = {1, 1, 2, 3, 5};
  std::size_t compared = 0;
  barebpf::detail::sort_with(list.data(), list.size(), [&compared](int a, int b) {
    ++compared;
    return a < b;
  });
  CHECK(compared == 4);
}
