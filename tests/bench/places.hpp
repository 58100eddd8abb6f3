// SPDX-License-Identifier: MIT
// Loops over calls, each of which stands at several places of a cache line.
#ifndef BAREBPF_TESTS_BENCH_PLACES_HPP
#define BAREBPF_TESTS_BENCH_PLACES_HPP

#include "bench.hpp"

namespace bench {

// One turn of `count` calls. The padding moves the loop to another place.
template <unsigned Padding, class Call>
struct loop {
  u64 count;
  Call call;

  // Everything is inlined into the loop, as in a program's own: which call would stay a function, and return right
  // after the kernel did, is otherwise the compiler's mood.
  [[gnu::flatten]] u64 operator()() {
    __asm__ volatile(".skip %c0, 0x90" ::"i"(Padding));
    u64 sum = 0;
    for (u32 key = 0; key < count; ++key) sum += call(static_cast<s32>(key));
    return sum;
  }
};
// Turns whose loop stands somewhere else each time, at eight places of a cache line. A system call can take half as
// long again where the branch after it lies badly, whoever wrote it; one place for each contender would measure the
// linker's luck.
template <unsigned... Padding, class Call>
std::function<u64()> turns_at(std::integer_sequence<unsigned, Padding...>, u64 count, const Call& call) {
  return [next = 0u, turns = std::vector<std::function<u64()>>{loop<8 * Padding + 8, Call>{
                         count, call}...}]() mutable { return turns[next++ % turns.size()](); };
}
template <class Call>
std::function<u64()> turn(u64 count, const Call& call) {
  return turns_at(std::make_integer_sequence<unsigned, 8>(), count, call);
}

}  // namespace bench

#endif  // BAREBPF_TESTS_BENCH_PLACES_HPP
