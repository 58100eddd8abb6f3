// SPDX-License-Identifier: MIT
// Room 0.9, order: puts records in order where they are, without memory.
#ifndef BAREBPF_ORDER_HPP
#define BAREBPF_ORDER_HPP

#include "word.hpp"

namespace barebpf::inline BAREBPF_ABI::detail {

// Puts `list` in order, whatever order it is in, in count times log(count) steps. Lists of object files come in order,
// so the good path is one look at each.
template <class Record, class IsBefore>
constexpr void sort_with(Record* list, size_t count, IsBefore is_before) noexcept {
  bool is_sorted = true;
  for (size_t i = 1; i < count && is_sorted; ++i) is_sorted = !is_before(list[i], list[i - 1]);
  if (is_sorted) return;
  const auto swap = [list](size_t a, size_t b) {
    const Record kept = list[a];
    list[a] = list[b];
    list[b] = kept;
  };
  const auto sink = [&](size_t from, size_t end) {  // restores the heap below `from`
    for (size_t child; (child = from * 2 + 1) < end; from = child) {
      if (child + 1 < end && is_before(list[child], list[child + 1])) ++child;
      if (!is_before(list[from], list[child])) return;
      swap(from, child);
    }
  };
  for (size_t i = count / 2; i-- > 0;) sink(i, count);
  for (size_t end = count; end-- > 1;) {
    swap(0, end);
    sink(0, end);
  }
}

}  // namespace barebpf::inline BAREBPF_ABI::detail

#endif  // BAREBPF_ORDER_HPP
