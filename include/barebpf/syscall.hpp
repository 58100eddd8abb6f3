// SPDX-License-Identifier: MIT
// Room 6.0, syscall: the one door to the kernel. Every system call of the library goes through
// `system_call`, and every bpf(2) through `sys_bpf`.
#ifndef BAREBPF_SYSCALL_HPP
#define BAREBPF_SYSCALL_HPP

#include "abi/bpf.hpp"
#include "result.hpp"

#include <sys/syscall.h>  // numbers of the system calls

#ifdef BAREBPF_LIBC_SYSCALL
#include <unistd.h>  // syscall
#endif

#ifndef __NR_bpf
#error "barebpf: this machine's C library does not number bpf(2), so install newer kernel headers"
#endif

namespace barebpf::inline BAREBPF_ABI {

// The numbers of the calls that came after Linux 5.1 are the same on every machine.
inline constexpr long nr_fsopen = 430, nr_fsconfig = 431, nr_fsmount = 432;

namespace detail {

// Numbers and pointers, as the registers take them.
template <class T>
[[nodiscard, gnu::always_inline]] inline long to_register([[maybe_unused]] T value) noexcept {
  if constexpr (std::is_null_pointer_v<T>)
    return 0;
  else if constexpr (std::is_pointer_v<T>)
    return reinterpret_cast<long>(value);
  else
    return static_cast<long>(value);
}

}  // namespace detail

/// Makes one system call.
/// Shape:  what the kernel returns: negative errno, or the answer.
/// Cost:   the instruction itself, never a function call: the return from one costs more after the kernel
///         than the whole of the rest. With BAREBPF_LIBC_SYSCALL, libc's syscall().
/// Source: syscall(2).
template <class... Arguments>
[[gnu::always_inline]] inline long system_call(long number, Arguments... arguments) noexcept {
  static_assert(sizeof...(Arguments) <= 6, "barebpf: a system call takes at most six arguments");
#if defined(BAREBPF_LIBC_SYSCALL)
  const long answer = ::syscall(number, detail::to_register(arguments)...);
  // Of 32 bits, an address that mmap gives may be negative.
  return answer == -1 ? -static_cast<long>(errno) : answer;
#else
  const long given[6] = {detail::to_register(arguments)...};
#if defined(__x86_64__)
  long answer = number;
  // One form for each size, because loading registers that nobody reads costs bytes.
  if constexpr (sizeof...(Arguments) <= 1)
    __asm__ volatile("syscall" : "+a"(answer) : "D"(given[0]) : "rcx", "r11", "memory");
  else if constexpr (sizeof...(Arguments) <= 3)
    __asm__ volatile("syscall"
                     : "+a"(answer)
                     : "D"(given[0]), "S"(given[1]), "d"(given[2])
                     : "rcx", "r11", "memory");
  else {
    register long r10 __asm__("r10") = given[3];
    register long r8 __asm__("r8") = given[4];
    register long r9 __asm__("r9") = given[5];
    __asm__ volatile("syscall"
                     : "+a"(answer)
                     : "D"(given[0]), "S"(given[1]), "d"(given[2]), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
  }
  return answer;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = given[0];
  register long x1 __asm__("x1") = given[1];
  register long x2 __asm__("x2") = given[2];
  register long x3 __asm__("x3") = given[3];
  register long x4 __asm__("x4") = given[4];
  register long x5 __asm__("x5") = given[5];
  __asm__ volatile("svc #0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory", "cc");
  return x0;
#elif defined(__s390x__)
  register long r1 __asm__("1") = number;
  register long r2 __asm__("2") = given[0];
  register long r3 __asm__("3") = given[1];
  register long r4 __asm__("4") = given[2];
  register long r5 __asm__("5") = given[3];
  register long r6 __asm__("6") = given[4];
  register long r7 __asm__("7") = given[5];
  __asm__ volatile("svc 0"
                   : "+d"(r2)
                   : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6), "d"(r7)
                   : "memory", "cc");
  return r2;
#else  // riscv64; room 0.0 sends every other machine to libc
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = given[0];
  register long a1 __asm__("a1") = given[1];
  register long a2 __asm__("a2") = given[2];
  register long a3 __asm__("a3") = given[3];
  register long a4 __asm__("a4") = given[4];
  register long a5 __asm__("a5") = given[5];
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
  return a0;
#endif
#endif
}

/// Makes one bpf(2) call with a record of room 1.1, handed over up to the end of the last field in use: a
/// byte behind the last that the kernel knows is EINVAL, and fields that came later are left to the kernels
/// that have them. Shape:  what the kernel returns: negative errno, or the answer. Source: bpf(2);
/// bpf_check_uarg_tail_zero() in kernel/bpf/syscall.c at v6.12.
template <class Record>
[[gnu::always_inline]] inline long sys_bpf(abi::command command, Record& record) noexcept {
  static_assert(sizeof(Record) <= sizeof(abi::bpf_attr) && std::is_trivially_copyable_v<Record>,
                "barebpf: the kernel reads an attr as raw bytes, so it must be a record of union bpf_attr");
  if constexpr (requires { record.used(); })
    return system_call(__NR_bpf, static_cast<long>(command), &record, record.used());
  else
    return system_call(__NR_bpf, static_cast<long>(command), &record, sizeof(Record));
}

/// The error of a system call that returned `answer`, which is negative.
[[nodiscard]] constexpr error failure(step at, long answer) noexcept {
  return {.at = at, .code = static_cast<s32>(-answer)};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_SYSCALL_HPP
