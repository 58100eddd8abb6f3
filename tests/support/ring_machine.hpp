// SPDX-License-Identifier: MIT
// A small Linux over the fake kernel that has one map with rings, CPUs, and a clock. Whatever is closed or unmapped
// twice, or never, fails the test that did it.
#ifndef BAREBPF_TESTS_SUPPORT_RING_MACHINE_HPP
#define BAREBPF_TESTS_SUPPORT_RING_MACHINE_HPP

#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "fake_kernel.hpp"
#include "library.hpp"

class ring_machine {
 public:
  ring_machine(barebpf::map_type type, std::uint32_t max_entries, std::uint32_t flags = 0)
      : info_{.type = static_cast<std::uint32_t>(type), .max_entries = max_entries, .map_flags = flags},
        kernel_([this](const fake_call& call) { return enter(call); }) {
    std::memcpy(info_.name.characters, "ring", 5);
  }
  ~ring_machine() {
    CHECK(open_.empty());
    CHECK(mapped_.empty());
  }
  ring_machine(const ring_machine&) = delete;
  ring_machine& operator=(const ring_machine&) = delete;

  // What the machine is like.
  std::size_t page = 4096;
  std::string cpus = "0-1\n";
  std::set<long> offline;  // CPUs
  std::uint64_t now = 0;   // nanoseconds of the clock, which goes on by one each time that it is read
  std::size_t failing_call = ~std::size_t{0};
  int failing_code = ENOMEM;
  /// What ppoll comes to; it may set `seen`.
  std::function<long(barebpf::detail::awaited*, std::size_t, const barebpf::detail::kernel_time*)> poll;

  // What it has seen.
  std::vector<std::string> names;
  std::map<std::uint32_t, std::uint32_t> slots;                // of the perf event array
  std::vector<std::pair<std::size_t, std::size_t>> asked_for;  // size and offset of each mapping

  /// A descriptor of the map, which the test closes.
  barebpf::fd open_map() { return barebpf::fd::own(add()); }
  /// The memory of mapping `which`, counted from 0.
  unsigned char* memory(std::size_t which) { return areas_.at(which).data(); }
  void put(std::size_t which, std::size_t at, std::uint64_t word) {
    std::memcpy(memory(which) + at, &word, sizeof word);
  }
  std::uint64_t word(std::size_t which, std::size_t at) {
    std::uint64_t out = 0;
    std::memcpy(&out, memory(which) + at, sizeof out);
    return out;
  }
  /// Writes a record of a ring buffer as the kernel does, and moves the position of the producer behind it.
  void send(const std::string& content, std::uint32_t flags = 0) {
    const auto size = static_cast<std::uint32_t>(content.size());
    const std::uint32_t header[2] = {size | flags, 0};
    const std::uint64_t at = word(1, 0);
    write_twice(at, header, sizeof header);
    write_twice(at + 8, content.data(), content.size());
    put(1, 0, at + (size + 15) / 8 * 8);
  }

 private:
  // The data behind the producer's page is there twice.
  void write_twice(std::uint64_t at, const void* from, std::size_t size) {
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t copy = 0; copy < 2; ++copy)
        memory(1)[page + (at + i) % info_.max_entries + copy * info_.max_entries] =
            static_cast<const unsigned char*>(from)[i];
  }
  long add() {
    const int number = next_++;
    open_.insert(number);
    return number;
  }

  long enter(const fake_call& call) {
    const auto* const a = call.arguments;
    // What cannot fail, or whose failure changes nothing.
    if (call.number == __NR_close) {
      CHECK(open_.erase(a[0]) == 1);
      return 0;
    }
    if (call.number == __NR_munmap) {
      CHECK(mapped_.erase({a[0], a[1]}) == 1);
      return 0;
    }
    if (call.number == __NR_bpf && a[0] == 3) {
      const auto& attr = *reinterpret_cast<const barebpf::abi::map_key*>(a[1]);
      return slots.erase(read_u32(attr.key)) == 1 ? 0 : -ENOENT;
    }
    const std::string name = name_of(call);
    names.push_back(name);
    if (names.size() - 1 == failing_call) return -failing_code;
    if (name == "msync") return static_cast<std::size_t>(a[0]) % page == 0 ? 0 : -EINVAL;
    if (name == "clock") {
      const std::uint64_t time = now++;
      const barebpf::detail::kernel_time out{.seconds = static_cast<std::int64_t>(time / 1'000'000'000),
                                             .nanoseconds = static_cast<std::int64_t>(time % 1'000'000'000)};
      std::memcpy(reinterpret_cast<void*>(a[1]), &out, sizeof out);
      return 0;
    }
    if (name == "ppoll")
      return poll(reinterpret_cast<barebpf::detail::awaited*>(a[0]), static_cast<std::size_t>(a[1]),
                  reinterpret_cast<const barebpf::detail::kernel_time*>(a[2]));
    if (name == "fcntl" || name == "epoll_create" || name == "eventfd" || name == "openat") return add();
    if (name == "read") {
      std::memcpy(reinterpret_cast<void*>(a[1]), cpus.data(), cpus.size());
      return static_cast<long>(cpus.size());
    }
    if (name == "perf_event_open") return offline.count(a[2]) != 0 ? -ENODEV : add();
    if (name == "mmap") return map_memory(a);
    if (name == "info") {
      const auto& attr = *reinterpret_cast<const barebpf::abi::obj_info*>(a[1]);
      if (open_.count(static_cast<long>(attr.bpf_fd)) == 0) return -EBADFD;
      std::memcpy(pointer(attr.info), &info_, sizeof info_);
      return 0;
    }
    if (name == "update") {
      const auto& attr = *reinterpret_cast<const barebpf::abi::map_elem*>(a[1]);
      slots[read_u32(attr.key)] = read_u32(attr.value);
    }
    return 0;
  }

  long map_memory(const long* a) {
#ifdef __NR_mmap2
    const std::size_t offset = static_cast<std::size_t>(a[5]) * 4096;
#else
    const auto offset = static_cast<std::size_t>(a[5]);
#endif
    const auto size = static_cast<std::size_t>(a[1]);
    CHECK(a[3] == 1);  // MAP_SHARED
    if (offset % page != 0) return -EINVAL;
    asked_for.emplace_back(size, offset);
    areas_.emplace_back(size);
    const auto address = reinterpret_cast<long>(areas_.back().data());
    mapped_.insert({address, a[1]});
    return address;
  }

  static void* pointer(const barebpf::abi::address& where) {
    void* out = nullptr;
    std::memcpy(&out, &where, sizeof out);
    return out;
  }
  static std::uint32_t read_u32(const barebpf::abi::address& where) {
    std::uint32_t out = 0;
    std::memcpy(&out, pointer(where), sizeof out);
    return out;
  }
  static std::string name_of(const fake_call& call) {
    if (call.number == __NR_bpf)
      return call.arguments[0] == 15 ? "info" : call.arguments[0] == 2 ? "update" : "batch";
    static const std::map<long, std::string> known{{__NR_msync, "msync"},
                                                   {__NR_fcntl, "fcntl"},
                                                   {__NR_openat, "openat"},
                                                   {__NR_read, "read"},
                                                   {__NR_write, "write"},
                                                   {__NR_epoll_create1, "epoll_create"},
                                                   {__NR_epoll_ctl, "epoll_ctl"},
                                                   {__NR_epoll_pwait, "epoll_wait"},
                                                   {__NR_eventfd2, "eventfd"},
                                                   {__NR_perf_event_open, "perf_event_open"},
#ifdef __NR_mmap2
                                                   {__NR_mmap2, "mmap"},
#else
                                                   {__NR_mmap, "mmap"},
#endif
                                                   {barebpf::detail::nr_ppoll, "ppoll"},
                                                   {barebpf::detail::nr_clock_gettime, "clock"}};
    const auto found = known.find(call.number);
    return found == known.end() ? "call " + std::to_string(call.number) : found->second;
  }

  barebpf::abi::map_info info_;
  int next_ = 10;
  std::set<long> open_;
  std::set<std::pair<long, long>> mapped_;
  struct alignas(16) chunk {
    unsigned char bytes[16] = {};
  };
  class area {
   public:
    explicit area(std::size_t size) : memory_(size / 16 + 1) {}
    unsigned char* data() { return memory_.data()->bytes; }

   private:
    std::vector<chunk> memory_;
  };
  std::deque<area> areas_;
  fake_kernel kernel_;
};

/// Lets each system call of `open` fail in turn; what is left open or mapped then fails the test by itself. Gives the
/// number of calls.
template <class Open>
std::size_t fails_everywhere(barebpf::map_type type, std::uint32_t max_entries, Open open) {
  for (std::size_t at = 0;; ++at) {
    ring_machine machine(type, max_entries);
    const barebpf::fd map = machine.open_map();
    machine.failing_call = at;
    CAPTURE(at);
    const bool opened = open(map).has_value();
    if (at >= machine.names.size()) {
      CHECK(opened);
      return at;
    }
    INFO(machine.names.back());
    // Without it pages are as large as on most machines.
    CHECK(opened == (machine.names[at] == "msync"));
    CHECK(machine.slots.empty());
  }
}

#endif
