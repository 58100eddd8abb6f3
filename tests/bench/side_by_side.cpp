// SPDX-License-Identifier: MIT
// What does an executor bring that lets the kernel verify programs side by side? An object of 24 programs is read and
// loaded: in turn, on two threads, and by libbpf.
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "bench.hpp"
#include "many_programs.bpf.hpp"

using namespace bench;

namespace {

// One thread beside the caller's, which waits for work: what a program with many tasks has anyway.
class two_threads {
 public:
  two_threads() : other_([this] { serve(); }) {}
  ~two_threads() {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    changed_.notify_all();
    other_.join();
  }

  template <class Task>
  void operator()(std::size_t count, const Task& task) {
    std::atomic<std::size_t> next = 0;
    const std::function<void()> work = [&] {
      for (std::size_t i; (i = next++) < count;) task(i);
    };
    {
      const std::lock_guard lock(mutex_);
      work_ = &work;
    }
    changed_.notify_all();
    work();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return work_ == nullptr; });
  }

 private:
  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return is_over_ || work_ != nullptr; });
      if (is_over_) return;
      const std::function<void()>* const work = work_;
      lock.unlock();
      (*work)();
      lock.lock();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  bool is_over_ = false;
  std::thread other_;
};

template <class... Run>
u64 load_all(Run&... run) {
  const auto object = must(barebpf::object::open(many_programs, sizeof many_programs));
  const auto loaded = must(object.load({}, run...));
  u64 count = 0;
  for (int i = 0; i < 24; ++i)
    count += must(loaded.program("program_" + std::to_string(i)))->is_open() ? 1u : 0u;
  return count;
}
u64 load_by_libbpf() {
  bpf_object* const object = bpf_object__open_mem(many_programs, sizeof many_programs, nullptr);
  must_be(object != nullptr && bpf_object__load(object) == 0, "bpf_object__load");
  u64 count = 0;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) count += bpf_program__fd(program) >= 0 ? 1u : 0u;
  bpf_object__close(object);
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  settings how = arguments(argc, argv);
  how.count = 1;
  libbpf_set_print(nullptr);
  two_threads run;
  ask("loading 24 programs", how,
      {{"barebpf, in turn", [] { return load_all(); }},
       {"barebpf, two threads", [&run] { return load_all(run); }},
       {"libbpf", load_by_libbpf}});
  return 0;
}
