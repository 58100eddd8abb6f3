// SPDX-License-Identifier: MIT
// What the soaks share: how one fails, how long it takes, other processes, and what must be as it was afterwards.
#ifndef BAREBPF_TESTS_SOAK_SOAK_HPP
#define BAREBPF_TESTS_SOAK_SOAK_HPP

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include <barebpf/barebpf.hpp>

namespace soak {

/// Says what is wrong and what that means, and ends this process with 1, whichever thread found out.
[[noreturn]] void broken(const std::string& what, const std::string& meaning);
inline void demand(bool holds, const std::string& what, const std::string& meaning) {
  if (!holds) broken(what, meaning);
}
/// The sentence of an error.
std::string sentence(const barebpf::error& why);
/// The same when something failed otherwise than by an errno that may come here.
template <class Result>
void demand_only(const Result& done, int code, const std::string& meaning) {
  if (!done && done.error().code != code) broken(sentence(done.error()), meaning);
}
/// What `made` holds; the soak is broken when it is an error, since nothing was to hinder it.
template <class T>
T must(barebpf::result<T> made) {
  if (!made) broken(sentence(made.error()), "this step has nobody beside it and must work");
  return std::move(*made);
}
inline void must(const barebpf::result<void>& done) {
  if (!done) broken(sentence(done.error()), "this step has nobody beside it and must work");
}

/// Numbers that differ from call to call and are the same in each run.
class dice {
 public:
  explicit dice(std::uint32_t seed) : state_(seed * 2654435761u | 1) {}
  std::uint32_t below(std::uint32_t end) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 17;
    state_ ^= state_ << 5;
    return state_ % end;
  }

 private:
  std::uint32_t state_;
};

/// Does nothing for a moment that is too short to sleep.
void spin(std::uint32_t turns);
void sleep_microseconds(std::uint32_t length);

/// This process's number.
std::uint32_t own_number();
/// How many descriptors this process has open, and how much memory of its own it has, in KiB.
int open_descriptors();
long own_memory();

/// Nothing may pile up: after a warm-up a process keeps its descriptors, and its memory but for some pages.
class steady {
 public:
  /// To be asked in each round, when nothing of the round is open.
  void look();
  /// To be called once, in the same state.
  void demand_steady() const;

 private:
  static constexpr int warm_up = 20;
  // Under a sanitizer freed memory is kept for a while on purpose.
#if defined(__SANITIZE_ADDRESS__)
  static constexpr long allowed_kib = 1 << 20;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
  static constexpr long allowed_kib = 1 << 20;
#else
  static constexpr long allowed_kib = 4096;
#endif
#else
  static constexpr long allowed_kib = 4096;
#endif
  int rounds_ = 0, descriptors_ = 0;
  long memory_ = 0;
};

/// How long a soak goes on.
class timer {
 public:
  explicit timer(double seconds)
      : end_(std::chrono::steady_clock::now() +
             std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                 std::chrono::duration<double>(seconds))) {}
  bool is_over() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::steady_clock::time_point end_;
};

/// Another process, which goes with this one.
class process {
 public:
  /// Runs `act` there; it ends with 0 when that returns.
  explicit process(const std::function<void()>& act);
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  ~process() { kill(); }
  /// Breaks the soak when it has ended by itself.
  void demand_running();
  /// Waits for it to end by itself, which must be without a complaint.
  void join();
  /// Ends it wherever it stands.
  void kill();

 private:
  pid_t number_ = -1;
};

/// A T in memory that processes share which are forked after it.
void* shared_memory(std::size_t size);
template <class T>
T& make_shared_by_processes() {
  return *new (shared_memory(sizeof(T))) T();
}

/// A folder on a BPF file system that is mounted nowhere and goes with the last process that has it open.
const std::string& bpf_folder();
/// The names in it, one after the other.
std::string names_in_bpf_folder();

/// Remembers what this process holds of BPF, so that it is looked for when the soak is over. What has a name that
/// begins with soak is looked for anyway.
void note_what_is_held();

/// Loads an object whose programs look at nothing but what this process does.
template <class Object>
auto load_for_this_process(const Object& object) {
  auto data = object.data();
  data.template variable<"only_process", std::uint32_t>() = own_number();
  return must(object.load({.data = data.view()}));
}
/// How many CPUs run; and from now on this thread runs on one of them alone.
std::uint32_t cpus();
void stay_on_cpu(std::uint32_t cpu);

/// Each gives the rest of its line: what it did.
std::string pins(double seconds);
std::string killed(double seconds);
std::string vanishing(double seconds);
std::string walks(double seconds);
std::string taking(double seconds);
std::string ringbuf(double seconds);
std::string perfbuf(double seconds);
std::string user_ringbuf(double seconds);

}  // namespace soak

#endif
