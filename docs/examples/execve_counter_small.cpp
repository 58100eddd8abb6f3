// SPDX-License-Identifier: MIT
// The execve counter for places where every kilobyte counts: one number a second until it is killed, or as
// many as the first argument says. No stdio and no allocation; with BAREBPF_BARE not even a C library.
#include <barebpf.hpp>

#include "execve_counter.bpf.hpp"

namespace {

constexpr barebpf::static_object<execve_counter> object;

// No types for bpftool and no code for kernels before 5.15: what is left is seven system calls.
constexpr barebpf::load_policy small{.oldest_kernel = barebpf::kernel(5, 15), .btf = barebpf::btf_choice::none};

void print(const char* words, std::uint64_t number) {
  char line[64];
  char* end = line;
  while (*words != '\0') *end++ = *words++;
  char digits[20];
  int used = 0;
  do digits[used++] = static_cast<char>('0' + number % 10);
  while ((number /= 10) != 0);
  while (used != 0) *end++ = digits[--used];
  *end++ = '\n';
  barebpf::system_call(__NR_write, 1, line, end - line);
}

int explain(const barebpf::error& why) {
  if (why.why == barebpf::cause::needs_cap_bpf || why.why == barebpf::cause::needs_cap_perfmon) {
    print(why.why == barebpf::cause::needs_cap_bpf ? "needs CAP_BPF, errno " : "needs CAP_PERFMON, errno ",
          static_cast<std::uint64_t>(why.code));
  } else {
    print("step ", static_cast<std::uint64_t>(why.at));
    print("errno ", static_cast<std::uint64_t>(why.code));
  }
  return 1;
}

int run(const char* argument) {
  std::uint64_t seconds = 0;
  while (argument != nullptr && *argument >= '0' && *argument <= '9')
    seconds = seconds * 10 + static_cast<std::uint64_t>(*argument++ - '0');

  const auto loaded = object.load<small>();
  if (!loaded) return explain(loaded.error());
  const auto link = loaded->attach<"bpf_prog">();
  if (!link) return explain(link.error());
  const auto hits = loaded->map<"hash_map", std::int32_t, std::int64_t>();
  for (std::uint64_t second = 0; seconds == 0 || second < seconds; ++second) {
    const std::int64_t one_second[2] = {1, 0};
    barebpf::system_call(__NR_nanosleep, one_second, nullptr);
    print("execve calls: ", static_cast<std::uint64_t>(hits.lookup_elem(0).value_or(0)));
  }
  return 0;
}

}  // namespace

#ifdef BAREBPF_BARE

// The kernel enters with the number of arguments on top of the stack and the arguments above it.
extern "C" [[noreturn, gnu::used]] void start(const char* const* stack) {
  const auto count = reinterpret_cast<std::intptr_t>(stack[0]);
  barebpf::system_call(__NR_exit_group, run(count > 1 ? stack[2] : nullptr));
  __builtin_unreachable();
}
#if defined(__x86_64__)
__asm__(".globl _start\n_start: xor %ebp, %ebp\n mov %rsp, %rdi\n and $-16, %rsp\n call start\n");
#elif defined(__aarch64__)
__asm__(".globl _start\n_start: mov x29, #0\n mov x0, sp\n b start\n");
#else
#error "the bare counter knows how x86-64 and arm64 start a program"
#endif

#else

int main(int count, char** arguments) { return run(count > 1 ? arguments[1] : nullptr); }

#endif
