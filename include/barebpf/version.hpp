// SPDX-License-Identifier: MIT
// Room 0.0, version: one number for the release, one name for the binary interface.

// Stands before the guard, so that it fires when a second copy of another release is included.
#if defined(BAREBPF_VERSION) && BAREBPF_VERSION != 100
#error "barebpf: two versions meet in one file, so keep one copy of barebpf per program"
#endif

#ifndef BAREBPF_VERSION_HPP
#define BAREBPF_VERSION_HPP

/// The release: major * 10000 + minor * 100 + patch.
#define BAREBPF_VERSION 100

// Machines whose system call instruction room 6.0 knows. Everywhere else, and wherever a user defines
// BAREBPF_LIBC_SYSCALL, every system call goes through libc's syscall().
#if !defined(BAREBPF_LIBC_SYSCALL) && !(defined(__x86_64__) && defined(__LP64__)) && \
    !(defined(__aarch64__) && defined(__LP64__)) && !defined(__s390x__) &&           \
    !(defined(__riscv) && __riscv_xlen == 64)
#define BAREBPF_LIBC_SYSCALL
#endif

/// The inline namespace. Whatever changes inline code changes this name, so that two settings linked
/// into one program stay two sets of functions.
#ifdef BAREBPF_LIBC_SYSCALL
#define BAREBPF_ABI v0_libc
#else
#define BAREBPF_ABI v0
#endif

#endif  // BAREBPF_VERSION_HPP
