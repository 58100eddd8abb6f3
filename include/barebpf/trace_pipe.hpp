// SPDX-License-Identifier: MIT
// Room 9.14, trace_pipe: what programs print with bpf_printk(), which the machine has once for all of them.
#ifndef BAREBPF_TRACE_PIPE_HPP
#define BAREBPF_TRACE_PIPE_HPP

#include "link.hpp"
#include "span.hpp"
#include "wait.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The stream of lines of all programs on the machine. Each line comes to one reader.
/// Lifetime: closed with this object; moving empties the source.
/// Threads:  one thread at a time.
class trace_pipe {
 public:
  /// Opens it; where no tracefs is mounted, in one that only this process sees.
  /// Errors: open_trace_pipe with ENOENT, EACCES, EPERM: what tracefs says; EBUSY.
  [[nodiscard]] static result<trace_pipe> open() noexcept {
    constexpr long no_waiting = 04000;  // O_NONBLOCK
    trace_pipe out;
    out.file_ = detail::open_in_tracefs("trace_pipe", no_waiting);
    if (!out.file_.is_open()) return failure(step::open_trace_pipe, out.file_.number());
    return out;
  }
  /// Readable when there is something; for `wait` and poll(2).
  [[nodiscard]] const fd& descriptor() const noexcept { return file_; }

  /// Waits until there is something, or until `end`, and takes what fits.
  /// Shape:  how many bytes came, whole lines unless there is no room for one; 0 when `end` came first.
  /// Errors: EBUSY while another reads.
  /// Cost:   two system calls.
  [[nodiscard]] result<size_t> read(span<char> to, const deadline& end = deadline::never()) const noexcept {
    for (;;) {
      const long got = system_call(__NR_read, file_.number(), to.data(), to.size());
      if (got > 0) return static_cast<size_t>(got);
      if (got < 0 && got != -EAGAIN && got != -EINTR) return failure(step::open_trace_pipe, got);
      if (const auto ready = wait(end, *this); !ready)
        return ready.error();
      else if (!*ready)
        return size_t{0};
    }
  }

 private:
  trace_pipe() noexcept = default;
  fd file_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_TRACE_PIPE_HPP
