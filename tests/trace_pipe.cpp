// SPDX-License-Identifier: MIT
// What is read of the trace pipe when nothing is there yet.
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>

#include "support/catch.hpp"
#include "support/fake_kernel.hpp"
#include "support/library.hpp"

namespace {

// A kernel whose pipe says these one after the other, and that wakes whoever waits.
struct pipe_machine {
  std::vector<long> says;  // errno, or how many characters
  long wakes = 1;
  std::size_t reads = 0, waits = 0;

  long operator()(const fake_call& call) {
    if (call.number == __NR_openat) return 5;
    if (call.number == __NR_close) return 0;
    if (call.number == barebpf::detail::nr_ppoll) {
      ++waits;
      if (wakes == 1) reinterpret_cast<barebpf::detail::awaited*>(call.arguments[0])->seen = 1;
      return wakes;
    }
    if (call.number != __NR_read || reads == says.size()) return -ENOSYS;
    const long next = says[reads++];
    if (next > 0)
      std::memset(reinterpret_cast<void*>(call.arguments[1]), 'x', static_cast<std::size_t>(next));
    return next;
  }
};
barebpf::result<size_t> read(pipe_machine& machine, barebpf::deadline end = barebpf::deadline::never()) {
  fake_kernel kernel([&machine](const fake_call& call) { return machine(call); });
  const auto pipe = barebpf::trace_pipe::open();
  REQUIRE(pipe);
  char room[16];
  return pipe->read(room, end);
}

}  // namespace

TEST_CASE("an empty trace pipe is waited for, and then read again", "[trace_pipe]") {
  pipe_machine machine{.says = {-EAGAIN, -EINTR, 5}};
  CHECK(read(machine).value_or(0) == 5);
  CHECK(machine.reads == 3);
  CHECK(machine.waits == 2);
}

TEST_CASE("a trace pipe that stays empty until the end gives nothing, and one that is taken says so",
          "[trace_pipe]") {
  pipe_machine empty{.says = {-EAGAIN}, .wakes = 0};
  CHECK(read(empty, barebpf::deadline::now()).value_or(99) == 0);
  pipe_machine taken{.says = {-EBUSY}};
  const auto refused = read(taken);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().at == barebpf::step::open_trace_pipe);
  CHECK(refused.error().code == EBUSY);
  pipe_machine interrupted{.says = {-EAGAIN}, .wakes = -EFAULT};
  CHECK(read(interrupted).error().code == EFAULT);
}
