// SPDX-License-Identifier: MIT
// Room 6.7, wait: sleeps until something is ready, a deadline passes or somebody says stop.
#ifndef BAREBPF_WAIT_HPP
#define BAREBPF_WAIT_HPP

#include "fd.hpp"

#include <concepts>  // integral, same_as

namespace barebpf::inline BAREBPF_ABI {

/// A length of time in whole units of a nanosecond or more, of the form of std::chrono::duration.
template <class T>
concept whole_duration = std::integral<typename T::rep> && T::period::den <= 1'000'000'000;

/// A moment at which waiting ends, on the clock that nobody sets.
/// Source: CLOCK_MONOTONIC in clock_gettime(2).
class deadline {
 public:
  /// Waits as long as it takes.
  [[nodiscard]] static constexpr deadline never() noexcept { return deadline(no_end); }
  /// Does not wait at all.
  [[nodiscard]] static constexpr deadline now() noexcept { return deadline(0); }
  /// So many nanoseconds from now.
  /// Cost: one system call.
  [[nodiscard]] static deadline after_nanoseconds(u64 nanoseconds) noexcept {
    const u64 present = clock();
    return deadline(nanoseconds < no_end - present ? present + nanoseconds : no_end);
  }
  /// So long from now: `deadline::after(std::chrono::milliseconds(100))`.
  /// Cost: one system call.
  template <whole_duration Duration>
  [[nodiscard]] static deadline after(Duration length) noexcept {
    constexpr u64 second = 1'000'000'000;
    constexpr auto numerator = static_cast<u64>(Duration::period::num);
    constexpr auto denominator = static_cast<u64>(Duration::period::den);
    if (length.count() <= 0) return now();
    // Whole seconds apart, so that no product overflows before its time.
    const auto ticks = static_cast<u64>(length.count());
    if (ticks / denominator >= no_end / second / numerator) return never();
    return after_nanoseconds(ticks / denominator * numerator * second +
                             ticks % denominator * numerator * second / denominator);
  }

  [[nodiscard]] constexpr bool is_never() const noexcept { return end_ == no_end; }
  /// Nanoseconds until then, 0 once it has passed.
  /// Cost: one system call, none for `now()` and `never()`.
  [[nodiscard]] u64 left() const noexcept {
    if (end_ == 0 || is_never()) return end_;
    const u64 present = clock();
    return end_ > present ? end_ - present : 0;
  }

 private:
  static constexpr u64 no_end = ~u64{0};
  explicit constexpr deadline(u64 end) noexcept : end_(end) {}
  [[nodiscard]] static u64 clock() noexcept;

  u64 end_;
};

namespace detail {

// Of 64 bits on every machine, see the numbers below.
struct kernel_time {
  s64 seconds;
  s64 nanoseconds;
};
#if defined(__NR_ppoll_time64)
inline constexpr long nr_ppoll = __NR_ppoll_time64, nr_clock_gettime = __NR_clock_gettime64;
#else
inline constexpr long nr_ppoll = __NR_ppoll, nr_clock_gettime = __NR_clock_gettime;
#endif

// struct pollfd.
struct awaited {
  int number;
  s16 events;
  s16 seen;
};
inline constexpr s16 poll_in = 0x001, poll_nval = 0x020;  // POLLIN, POLLNVAL
inline constexpr u32 epoll_in = 0x001, epoll_out = 0x004, epoll_et = 1u << 31;

// struct epoll_event, which x86-64 packs.
#if defined(__x86_64__)
struct [[gnu::packed]] epoll_interest {
#else
struct epoll_interest {
#endif
  u32 events;
  u64 data;
};

// A signal does not end the wait. Shape: how many are ready, 0 when the deadline has passed, or negative errno.
[[nodiscard]] inline long wait_for(awaited* list, size_t count, const deadline& end) noexcept {
  for (size_t i = 0; i < count; ++i)
    if (list[i].number < 0) return -EBADF;  // which ppoll would pass over
  // The kernel wakes nobody who has records left, so what was taken must be seen before it looks for new ones.
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  long ready = -EINTR;
  while (ready == -EINTR) {
    const u64 left = end.left();
    const kernel_time time{.seconds = static_cast<s64>(left / 1'000'000'000),
                           .nanoseconds = static_cast<s64>(left % 1'000'000'000)};
    ready = system_call(nr_ppoll, list, count, end.is_never() ? nullptr : &time, nullptr, 0);
  }
  for (size_t i = 0; ready > 0 && i < count; ++i)
    if ((list[i].seen & poll_nval) != 0) return -EBADF;
  return ready;
}

}  // namespace detail

inline u64 deadline::clock() noexcept {
  constexpr long monotonic = 1;  // CLOCK_MONOTONIC
  detail::kernel_time time{};
  system_call(detail::nr_clock_gettime, monotonic, &time);
  return static_cast<u64>(time.seconds) * 1'000'000'000 + static_cast<u64>(time.nanoseconds);
}

/// What has a descriptor: maps, ring buffers, stoppers.
template <class T>
concept has_descriptor = requires(const T& what) {
  { what.descriptor() } -> std::same_as<const fd&>;
};

/// Which of the things that were waited for are ready; none when the deadline passed.
class readiness {
 public:
  explicit constexpr readiness(u32 bits) noexcept : bits_(bits) {}
  /// True when the deadline did not pass.
  [[nodiscard]] constexpr explicit operator bool() const noexcept { return bits_ != 0; }
  /// True when argument `which` is ready, counted from 0.
  [[nodiscard]] constexpr bool operator[](u32 which) const noexcept { return (bits_ >> which & 1) != 0; }

 private:
  u32 bits_;
};

/// Sleeps until the descriptor of one of `things` is readable or `end` has come: `wait(deadline::never(), events, stop)`.
/// What can say itself whether it is ready (`is_ready`) has the last word.
/// Shape:   which are ready, in the order of the arguments. A signal does not end the wait.
/// Errors:  EBADF when one of them has no descriptor.
/// Threads: each thread may wait for the same things; all wake.
/// Cost:    one system call, and one to read the clock.
/// Source:  ppoll(2).
template <has_descriptor... Things>
[[nodiscard]] result<readiness> wait(const deadline& end, const Things&... things) noexcept {
  static_assert(sizeof...(Things) >= 1 && sizeof...(Things) <= 32,
                "barebpf: one call waits for 1 to 32 things, so put more of them into a wait_set");
  detail::awaited list[] = {{things.descriptor().number(), detail::poll_in, 0}...};
  const auto find_ready = [&] {
    u32 bits = 0, i = 0;
    const auto look = [&](const auto& thing) {
      bool ready = list[i].seen != 0;
      if constexpr (requires { thing.is_ready(); }) ready = thing.is_ready();
      bits |= u32{ready} << i++;
    };
    (look(things), ...);
    return bits;
  };
  for (;;) {
    // Who is ready without the kernel must not hide the others, such as a stopper.
    const long woken = detail::wait_for(list, sizeof...(Things), find_ready() != 0 ? deadline::now() : end);
    if (woken < 0) return failure(step::wait, woken);
    if (const u32 bits = find_ready(); bits != 0 || woken == 0) return readiness(bits);
    for (detail::awaited& one : list) one.seen = 0;
  }
}

/// Ends a wait from another thread or from a signal handler: give it to `wait` beside what you wait for.
/// Lifetime: whoever waits must be done before it goes.
/// Threads:  safe on one object from several threads.
/// Source:   eventfd(2).
class stopper {
 public:
  /// Errors: EMFILE and its like.
  [[nodiscard]] static result<stopper> make() noexcept {
    constexpr long close_on_exec_nonblocking = 02004000;  // EFD_CLOEXEC | EFD_NONBLOCK
    const long opened = move_away(system_call(__NR_eventfd2, 0, close_on_exec_nonblocking));
    if (opened < 0) return failure(step::wait, opened);
    return stopper(fd::own(opened));
  }

  /// Wakes all who wait, now and from now on, until `reset`.
  void stop() const noexcept {
    const u64 one = 1;
    system_call(__NR_write, event_.number(), &one, sizeof one);
  }
  /// Lets the next wait wait again.
  void reset() const noexcept {
    u64 count = 0;
    system_call(__NR_read, event_.number(), &count, sizeof count);
  }
  [[nodiscard]] const fd& descriptor() const noexcept { return event_; }

 private:
  explicit stopper(fd event) noexcept : event_(std::move(event)) {}
  fd event_;
};

/// Any number of things to wait for, as one.
/// Lifetime: what was added must stay open as long as the set is waited for.
/// Threads:  safe on one object from several threads.
/// Source:   epoll(7).
class wait_set {
 public:
  /// Errors: EMFILE and its like.
  [[nodiscard]] static result<wait_set> make() noexcept {
    constexpr long close_on_exec = 02000000;  // EPOLL_CLOEXEC
    const long opened = move_away(system_call(__NR_epoll_create1, close_on_exec));
    if (opened < 0) return failure(step::wait, opened);
    return wait_set(fd::own(opened));
  }

  /// From now on the set is ready when `thing` is.
  /// Errors: EBADF when it has no descriptor; EEXIST when it was added before.
  template <has_descriptor Thing>
  [[nodiscard]] result<void> add(const Thing& thing) noexcept {
    if (const long answer = add(thing.descriptor().number(), detail::epoll_in); answer < 0)
      return failure(step::wait, answer);
    return {};
  }
  /// The same for the descriptor `number` and other events, EPOLLOUT and its siblings.
  /// Shape: 0, or negative errno.
  [[nodiscard]] long add(int number, u32 events) noexcept {
    constexpr long add_interest = 1;  // EPOLL_CTL_ADD
    const detail::epoll_interest interest{.events = events, .data = static_cast<u32>(number)};
    return system_call(__NR_epoll_ctl, set_.number(), add_interest, number, &interest);
  }
  /// Takes note of one thing that is ready without waiting: of an event that is told only once (EPOLLET), the set
  /// knows nothing more afterwards.
  void take() const noexcept {
    detail::epoll_interest seen;
    system_call(__NR_epoll_pwait, set_.number(), &seen, 1, 0, nullptr, 0);
  }
  [[nodiscard]] const fd& descriptor() const noexcept { return set_; }

 private:
  explicit wait_set(fd set) noexcept : set_(std::move(set)) {}
  fd set_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_WAIT_HPP
