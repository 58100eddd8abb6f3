// SPDX-License-Identifier: MIT
// Room 8.0, program: hands instructions to the verifier and keeps what it says.
#ifndef BAREBPF_PROGRAM_HPP
#define BAREBPF_PROGRAM_HPP

#include "buffer.hpp"
#include "fd.hpp"
#include "outcome.hpp"
#include "policy.hpp"
#include "reader.hpp"
#include "span.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Where the verifier's log goes: a buffer of the caller's, or one that grows until the log is whole.
/// Shape:    text, empty until a program was refused.
/// Lifetime: a lent buffer must outlive this object.
class verifier_log {
 public:
  /// Grows on the heap as needed, to 16 MiB at most.
  verifier_log() noexcept = default;
  /// Uses `size` bytes at `lent` and never more.
  verifier_log(char* lent, u32 size) noexcept : data_(lent), size_(size), grows_(false) {}

  /// What the verifier said.
  [[nodiscard]] text said() const noexcept { return data_ == nullptr || size_ == 0 ? text() : text(data_); }
  /// False when the log did not fit; `said` is then its last part (its first before 6.4).
  [[nodiscard]] bool is_whole() const noexcept { return is_whole_; }
  /// Forgets what was said.
  void clear() noexcept {
    if (data_ != nullptr && size_ != 0) data_[0] = '\0';
    is_whole_ = true;
  }

 private:
  template <class Log>
  friend long load_program(abi::prog_load& attr, Log* log, int token, cause& why) noexcept;

  static constexpr u32 first_size = 64 << 10, largest_size = 16 << 20;

  // Room for `wanted` bytes, or for twice as much when nobody knows; false when there will be no more.
  [[nodiscard]] bool grow(u32 wanted) noexcept {
    if (!grows_ || size_ >= largest_size) return false;
    u32 size = wanted > size_ ? wanted : size_ == 0 ? first_size : size_ * 2;
    if (size > largest_size) size = largest_size;
    auto larger = buffer<char>::of(size);
    if (!larger) return false;
    owned_ = std::move(*larger);
    data_ = owned_.data();
    size_ = size;
    return true;
  }

  buffer<char> owned_;
  char* data_ = nullptr;
  u32 size_ = 0;
  bool grows_ = true;
  bool is_whole_ = true;
};

/// Stands for "no log wanted"; no code for one is made.
struct no_log {};

/// A call of a helper that the kernel does not have. Loaders put such calls where something is missing, with a number
/// that says what, because the verifier repeats it.
struct unknown_call {
  static constexpr u32 none = 0xffffffff;

  u32 instruction = none;  ///< counted from the program's first; `none` when there is no such call
  u32 number = 0;
};
/// The last one that the verifier met, which writes "12: (85) call unknown#7" there.
/// Source: print_bpf_insn() in kernel/bpf/disasm.c at v6.12.
[[nodiscard, gnu::cold, gnu::noinline]] inline unknown_call last_unknown_call(text log) noexcept {
  unknown_call out;
  for (detail::text_reader lines(log); !lines.is_done();) {
    detail::text_reader line(lines.take_until('\n'));
    if (unknown_call seen; line.take_number(10, 9, seen.instruction) && line.take(": (85) call unknown#") &&
                           line.take_number(10, 10, seen.number))
      out = seen;
  }
  return out;
}

/// Loads one program. First without a log, because a log slows the verifier down; after a refusal once more
/// to be told why, which `why` then says: refused_by_verifier or log_cut. `token` is the descriptor of a BPF
/// token (6.9), or negative.
/// Shape:  its descriptor, or negative errno.
/// Cost:   one bpf(2) call; EAGAIN, which a signal causes, is tried again up to five times.
/// Source: bpf_prog_load() in kernel/bpf/syscall.c and bpf_vlog_finalize() in kernel/bpf/log.c at v6.12.
template <class Log>
[[nodiscard]] long load_program(abi::prog_load& attr, [[maybe_unused]] Log* log, [[maybe_unused]] int token,
                                [[maybe_unused]] cause& why) noexcept {
  const auto attempt = [&] {
    long answer = -EAGAIN;
    for (int tries = 0; tries < 5 && answer == -EAGAIN; ++tries) {
      if constexpr (!std::is_same_v<Log, no_log>)
        if (token >= 0) {
          abi::prog_load_with_token with{.load = attr, .prog_token_fd = token};
          with.load.prog_flags |= abi::prog_flag_token_fd;
          answer = sys_bpf(abi::command::prog_load, with);
          attr.log_true_size = with.load.log_true_size;
          continue;
        }
      answer = sys_bpf(abi::command::prog_load, attr);
    }
    return answer;
  };
  long answer = attempt();
  if constexpr (!std::is_same_v<Log, no_log>) {
    if (answer < 0 && answer != -EPERM && log != nullptr && (log->size_ != 0 || log->grow(0))) {
      const long refused = answer;
      do {
        log->data_[0] = '\0';
        attr.log_level = 1;
        attr.log_size = log->size_;
        attr.log_buf = log->data_;
        attr.log_true_size = 0;
        answer = attempt();
      } while (answer == -ENOSPC && log->grow(attr.log_true_size));
      log->is_whole_ = answer != -ENOSPC;
      // Before 6.4 the kernel took no log of less than 128 characters.
      if (answer == -EINVAL && log->size_ < 128 && log->said().empty()) {
        log->is_whole_ = false;
        why = cause::log_cut;
        answer = refused;
      }
      if (answer < 0 && !log->said().empty())
        why = log->is_whole_ ? cause::refused_by_verifier : cause::log_cut;
    }
  }
  return move_away(answer);
}

/// What a program is run on without its event. What a type of program takes as data and context differs.
/// Lifetime: borrowed until `test_run` returns.
struct test_input {
  span<const unsigned char> data{};   ///< a packet; 14 bytes at least where one is taken
  span<unsigned char> context{};      ///< the start of struct xdp_md, struct __sk_buff or the like; what
                                      ///< a program of type syscall writes into it stays there
  span<unsigned char> data_out{};     ///< where the packet goes as the program leaves it
  span<unsigned char> context_out{};  ///< and its context
  u32 repeat =
      0;  ///< times; 0 is once, and all that programs of type syscall, tracing and raw tracepoints take
  u32 flags = 0;       ///< of abi::test_flag
  u32 cpu = 0;         ///< with run_on_cpu
  u32 batch_size = 0;  ///< with xdp_live_frames
};
/// What came of it.
struct test_result {
  u32 value = 0;         ///< what the program returned
  u32 nanoseconds = 0;   ///< of one run, on average
  u32 data_size = 0;     ///< bytes of the packet afterwards, if there was room for it
  u32 context_size = 0;  ///< and of its context
};

/// Runs a program without its event.
/// Errors: ENOTSUPP for programs that cannot; EINVAL for data or a context that they do not take; ENOSPC when the
///         packet came out larger than `data_out`.
/// Kernel: 4.12, BPF_PROG_TEST_RUN; contexts since 5.2.
/// Source: bpf_prog_test_run() in kernel/bpf/syscall.c and net/bpf/test_run.c at v6.12.
[[nodiscard]] inline result<test_result> test_run(const fd& program, const test_input& input) noexcept {
  abi::prog_test_run attr{.prog_fd = program.raw(),
                          .data_size_in = static_cast<u32>(input.data.size()),
                          .data_size_out = static_cast<u32>(input.data_out.size()),
                          .data_in = input.data.data(),
                          .data_out = input.data_out.data(),
                          .repeat = input.repeat,
                          .ctx_size_in = static_cast<u32>(input.context.size()),
                          .ctx_size_out = static_cast<u32>(input.context_out.size()),
                          .ctx_in = input.context.data(),
                          .ctx_out = input.context_out.data(),
                          .flags = input.flags,
                          .cpu = input.cpu,
                          .batch_size = input.batch_size};
  if (const long answer = sys_bpf(abi::command::prog_test_run, attr); answer < 0)
    return failure(step::prog_test_run, answer);
  return test_result{.value = attr.retval,
                     .nanoseconds = attr.duration,
                     .data_size = attr.data_size_out,
                     .context_size = attr.ctx_size_out};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROGRAM_HPP
