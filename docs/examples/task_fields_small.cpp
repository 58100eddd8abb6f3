// SPDX-License-Identifier: MIT
// CO-RE where every kilobyte counts: what this process looks like to the kernel, on each from 5.17 on, which puts the
// places of its own members into the program by itself. Once, and that is all. No stdio and no allocation; with
// BAREBPF_BARE not even a C library.
#include <barebpf.hpp>

#include "task_fields.bpf.hpp"

namespace {

constexpr barebpf::static_object<task_fields> object;
constexpr barebpf::load_policy small{.oldest_kernel = barebpf::kernel(5, 17),
                                     .btf = barebpf::btf_choice::needed};

// As bpf_progs/task_fields.bpf.c has it.
struct seen {
  std::uint64_t pid, parent, flags, subreaper, ringbuf, gone_type, place_of_pid;
};

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

int fail(const barebpf::error& why) {
  print("errno ", static_cast<std::uint64_t>(why.code));
  print("at step ", static_cast<std::uint64_t>(why.at));
  return 1;
}

int run() {
  const auto loaded = object.load<small>();
  if (!loaded) return fail(loaded.error());
  // Nothing is attached: the kernel runs it once, on who asks for it.
  const auto ran = test_run(loaded->program<"look">(), {.repeat = 0});
  if (!ran) return fail(ran.error());
  const auto task = loaded->variable<"seen", const seen>();
  if (!task) return fail(task.error());
  print("pid ", (*task)->pid);
  print("parent ", (*task)->parent);
  print("flags ", (*task)->flags);
  print("child subreaper ", (*task)->subreaper);
  print("BPF_MAP_TYPE_RINGBUF ", (*task)->ringbuf);
  print("a type that is gone ", (*task)->gone_type);
  print("bytes in front of the pid ", (*task)->place_of_pid);
  return 0;
}

}  // namespace

#ifdef BAREBPF_BARE

#ifdef __x86_64__
#define ENTRY_POINT gnu::force_align_arg_pointer  // the kernel pushes no return address
#else
#define ENTRY_POINT gnu::used
#endif

// Without a C library the kernel enters here, and compilers may call these two.
extern "C" [[noreturn, gnu::used, ENTRY_POINT]] void _start() {
  barebpf::system_call(__NR_exit_group, run());
  __builtin_unreachable();
}
extern "C" void* memcpy(void* to, const void* from, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
    __asm__ volatile("");  // or the compiler would make a call of memcpy of this
  }
  return to;
}
extern "C" void* memset(void* to, int value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    static_cast<char*>(to)[i] = static_cast<char>(value);
    __asm__ volatile("");
  }
  return to;
}

#else

int main() { return run(); }

#endif
