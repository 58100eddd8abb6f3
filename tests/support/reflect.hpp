// SPDX-License-Identifier: MIT
// The enumerators of an enum, found by asking the compiler how it spells each value: no list that could be
// forgotten.
#ifndef BAREBPF_TESTS_SUPPORT_REFLECT_HPP
#define BAREBPF_TESTS_SUPPORT_REFLECT_HPP

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// "barebpf::map_type::hash" where there is such an enumerator, else "(barebpf::map_type)99".
template <auto Value>
constexpr std::string_view spelled() {
  constexpr std::string_view whole = __PRETTY_FUNCTION__;
  constexpr std::size_t from = whole.find("Value = ") + 8;
  return whole.substr(from, whole.find_first_of(";]", from) - from);
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
  [&]<std::size_t... Value>(std::index_sequence<Value...>) {
    const std::string_view spellings[] = {spelled<static_cast<Enum>(Value)>()...};
    for (std::size_t value = 0; value < End; ++value)
      if (spellings[value].find(')') == std::string_view::npos)
        out.push_back({static_cast<Enum>(value),
                       std::string(spellings[value].substr(spellings[value].rfind(':') + 1))});
  }
  (std::make_index_sequence<End>());
  return out;
}

#endif
