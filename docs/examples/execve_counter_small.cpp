// SPDX-License-Identifier: MIT
// The execve counter for places where every kilobyte counts: one number a second until it is killed. No stdio
// and no allocation; with BAREBPF_BARE not even a C library.
#include <barebpf.hpp>

#include "execve_counter.bpf.hpp"

namespace {

constexpr barebpf::static_object<execve_counter> object;

// No types for bpftool and no code for kernels before 5.15: what is left is seven system calls.
constexpr barebpf::load_policy small{.oldest_kernel = barebpf::kernel(5, 15),
                                     .btf = barebpf::btf_choice::none};

[[gnu::noinline]] void print(const char* words, std::uint64_t number) {
  char line[64];
  char* first = line + sizeof line;
  *--first = '\n';
  do *--first = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  std::size_t length = 0;
  while (words[length] != '\0') ++length;
  for (; length != 0; --length) *--first = words[length - 1];
  barebpf::system_call(__NR_write, 1, first, line + sizeof line - first);
}

void explain(const barebpf::error& why) {
  print(why.why == barebpf::cause::needs_cap_bpf       ? "needs CAP_BPF: errno "
        : why.why == barebpf::cause::needs_cap_perfmon ? "needs CAP_PERFMON: errno "
                                                       : "errno ",
        static_cast<std::uint64_t>(why.code));
  print("at step ", static_cast<std::uint64_t>(why.at));
}

// Never returns while it counts; whoever kills it leaves nothing behind, for the kernel closes what is open.
void run() {
  const auto loaded = object.load<small>();
  if (!loaded) return explain(loaded.error());
  const auto link = loaded->attach<"bpf_prog">();
  if (!link) return explain(link.error());
  const auto hits = loaded->map<"hash_map", std::int32_t, std::int64_t>();
  for (;;) {
    const std::int64_t one_second[2] = {1, 0};
    barebpf::system_call(__NR_nanosleep, one_second, nullptr);
    print("execve calls: ", static_cast<std::uint64_t>(hits.lookup_elem(0).value_or(0)));
  }
}

}  // namespace

#ifdef BAREBPF_BARE

#ifdef __x86_64__
#define ENTRY_POINT gnu::force_align_arg_pointer  // the kernel pushes no return address
#else
#define ENTRY_POINT gnu::used
#endif

// Without a C library the kernel enters here, and compilers may call this memcpy.
extern "C" [[noreturn, gnu::used, ENTRY_POINT]] void _start() {
  run();
  barebpf::system_call(__NR_exit_group, 1);
  __builtin_unreachable();
}
extern "C" void* memcpy(void* to, const void* from, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
    __asm__ volatile("");  // or the compiler would make a call of memcpy of this
  }
  return to;
}

#else

int main() {
  run();
  return 1;
}

#endif
