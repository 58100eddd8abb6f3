// SPDX-License-Identifier: MIT
// A thread that is told to stop and waited for when its object goes; libc++ 14 has no std::jthread.
#ifndef BAREBPF_TESTS_SUPPORT_BACKGROUND_HPP
#define BAREBPF_TESTS_SUPPORT_BACKGROUND_HPP

#include <atomic>
#include <thread>
#include <utility>

class background {
 public:
  /// Runs `work`, which is given a flag that becomes true when it is to end.
  template <class Work>
  explicit background(Work work) : thread_([this, work = std::move(work)] { work(stops_); }) {}
  background(const background&) = delete;
  background& operator=(const background&) = delete;
  ~background() {
    stops_ = true;
    if (thread_.joinable()) thread_.join();
  }
  void join() { thread_.join(); }

 private:
  std::atomic<bool> stops_ = false;
  std::thread thread_;
};

#endif
