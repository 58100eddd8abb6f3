// SPDX-License-Identifier: MIT
// Room 7.5, map/memory: the values of an array as memory of this process. Reading them makes no system call.
#ifndef BAREBPF_MAP_MEMORY_HPP
#define BAREBPF_MAP_MEMORY_HPP

#include "element.hpp"

#include <span>  // span

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// mmap(2). s390x takes the arguments through memory.
// Shape: the address, or negative errno.
[[gnu::always_inline]] inline long map_pages(size_t address, size_t size, long protection, long flags,
                                             int descriptor, u64 offset) noexcept {
#if defined(__s390x__) && !defined(BAREBPF_LIBC_SYSCALL)
  const long arguments[6] = {
      static_cast<long>(address), static_cast<long>(size), protection, flags, descriptor,
      static_cast<long>(offset)};
  return system_call(__NR_mmap, arguments);
#elif defined(__NR_mmap2)
  // Where there are two, the first takes its arguments through memory; the second counts the offset in 4 KiB.
  return system_call(__NR_mmap2, address, size, protection, flags, descriptor, offset / 4096);
#else
  return system_call(__NR_mmap, address, size, protection, flags, descriptor, offset);
#endif
}

// mmap(2) of `size` bytes from `offset`, shared, wherever there is room.
inline long map_shared(size_t size, long protection, int descriptor, u64 offset = 0) noexcept {
  constexpr long shared = 1;  // MAP_SHARED
  return map_pages(0, size, protection, shared, descriptor, offset);
}

// How large this machine's pages are. There is no system call for it, but one that does nothing to no bytes and minds
// where they would begin.
// Source: msync(2).
[[nodiscard]] inline size_t page_size() noexcept {
  constexpr size_t largest = 65536;
  size_t size = 4096;
  while (size < largest && system_call(__NR_msync, size, 0, 0) == -EINVAL) size *= 2;
  return size;
}

}  // namespace detail

/// The memory of a map, shared with the programs that use it.
/// Shape:    one element for each entry, `round_up(sizeof(Value), 8)` bytes apart.
/// Lifetime: unmapped with this object; it keeps the map alive by itself. Moving empties the source.
/// Threads:  programs and other processes write at any time, so whoever needs more than one word must agree with
///           them on how.
/// Cost:     nothing for each access.
template <class Value>
class mapped_values {
 public:
  mapped_values(Value* first, size_t count) noexcept : first_(first), count_(count) {}
  mapped_values(mapped_values&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  mapped_values& operator=(mapped_values&& other) noexcept {
    mapped_values taken(std::move(other));
    std::swap(first_, taken.first_);
    std::swap(count_, taken.count_);
    return *this;
  }
  ~mapped_values() {
    if (count_ != 0) system_call(__NR_munmap, first_, size_of(count_));
  }

  [[nodiscard]] std::span<Value> values() const noexcept { return {first_, count_}; }
  [[nodiscard]] Value* begin() const noexcept { return first_; }
  [[nodiscard]] Value* end() const noexcept { return first_ + count_; }
  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] Value& operator[](size_t at) const noexcept { return first_[at]; }

  /// How many bytes the kernel maps for so many values.
  /// Source: array_map_mmap() in kernel/bpf/arraymap.c at v6.12.
  [[nodiscard]] static constexpr size_t size_of(size_t count) noexcept {
    constexpr size_t page = 4096;  // the kernel rounds a length up to its own pages
    return (count * sizeof(Value) + page - 1) / page * page;
  }

 private:
  Value* first_;
  size_t count_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_MEMORY_HPP
