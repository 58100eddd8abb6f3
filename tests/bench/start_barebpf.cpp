// SPDX-License-Identifier: MIT
// The execve counter as `start` wants it: attaches, writes the time, waits for the end of its input, writes the count.
// With BENCH_SMALL no types for bpftool and no code for kernels before 5.15; with BENCH_BARE no C library either.
#include <barebpf.hpp>

#include "execve_counter.bpf.hpp"

namespace {

constexpr barebpf::static_object<execve_counter> object;
#ifdef BENCH_SMALL
constexpr barebpf::load_policy policy{.oldest_kernel = barebpf::kernel(5, 15),
                                      .btf = barebpf::btf_choice::none};
#else
constexpr barebpf::load_policy policy;
#endif

int run() {
  const auto loaded = object.load<policy>();
  if (!loaded) return loaded.error().code;
  const auto link = loaded->attach<"bpf_prog">();
  if (!link) return link.error().code;
  std::int64_t attached[2] = {};
  barebpf::system_call(__NR_clock_gettime, 1, attached);  // CLOCK_MONOTONIC
  barebpf::system_call(__NR_write, 1, attached, sizeof attached);
  char end = 0;
  barebpf::system_call(__NR_read, 0, &end, 1);
  const std::int64_t hits = loaded->map<"hash_map", std::int32_t, std::int64_t>().lookup_elem(0).value_or(0);
  barebpf::system_call(__NR_write, 1, &hits, sizeof hits);
  return 0;
}

}  // namespace

#ifdef BENCH_BARE

#ifdef __x86_64__
#define ENTRY_POINT gnu::force_align_arg_pointer  // the kernel pushes no return address
#else
#define ENTRY_POINT gnu::used
#endif

extern "C" [[noreturn, gnu::used, ENTRY_POINT]] void _start() {
  barebpf::system_call(__NR_exit_group, run());
  __builtin_unreachable();
}
// Without a C library compilers may still call this.
extern "C" void* memcpy(void* to, const void* from, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
    __asm__ volatile("");  // or the compiler would make a call of memcpy of this
  }
  return to;
}

#else

int main() { return run(); }

#endif
