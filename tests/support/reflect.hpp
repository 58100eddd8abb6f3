// SPDX-License-Identifier: MIT
// The enumerators of an enum, found by asking the compiler how it spells each value: no list that could be
// forgotten.
#ifndef BAREBPF_TESTS_SUPPORT_REFLECT_HPP
#define BAREBPF_TESTS_SUPPORT_REFLECT_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// "barebpf::map_type::hash" where there is such an enumerator, else "(barebpf::map_type)99"; a comma behind each but the
// last. All of them by one function, for one each would cost the compiler seconds.
template <auto... Values>
constexpr std::string_view spelled() {
  constexpr std::string_view whole = __PRETTY_FUNCTION__;
  constexpr std::size_t from = whole.find("Values = ") + 10;
  return whole.substr(from, whole.find_first_of("}>", from) - from);
}

template <class Enum>
struct enumerator {
  Enum value;
  std::string name;
};

/// Every enumerator of `Enum` below `End`, in the order of their values.
template <class Enum, std::size_t End = 512>
std::vector<enumerator<Enum>> enumerators() {
  std::vector<enumerator<Enum>> out;
  std::string_view rest = []<std::size_t... Value>(std::index_sequence<Value...>) {
    return spelled<static_cast<Enum>(Value)...>();
  }
  (std::make_index_sequence<End>());
  for (std::size_t value = 0; value < End; ++value) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (one.find(')') == std::string_view::npos)
      out.push_back({static_cast<Enum>(value), std::string(one.substr(one.rfind(':') + 1))});
  }
  return out;
}

#endif
