// SPDX-License-Identifier: MIT
// Room 7.5, map/memory: memory that the kernel shares, and the values of an array in it. Reading them makes no system
// call.
#ifndef BAREBPF_MAP_MEMORY_HPP
#define BAREBPF_MAP_MEMORY_HPP

#include "../outcome.hpp"

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

// Memory that the kernel lent; given back with this object.
class mapping {
 public:
  mapping() noexcept = default;
  mapping(mapping&& other) noexcept
      : first_(std::exchange(other.first_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  mapping& operator=(mapping&& other) noexcept {
    mapping taken(std::move(other));
    std::swap(first_, taken.first_);
    std::swap(size_, taken.size_);
    return *this;
  }
  ~mapping() {
    if (size_ != 0) system_call(__NR_munmap, first_, size_);
  }

  // What `descriptor` stands for, shared.
  // Shape: 0, or negative errno.
  [[nodiscard]] long fill(int descriptor, size_t size, long protection, u64 offset = 0) noexcept {
    return take(map_shared(size, protection, descriptor, offset), size);
  }
  // Zeros. Not private, so that a fork takes nothing away from the kernel.
  // Shape: 0, or negative errno.
  [[nodiscard]] long fill_with_zeros(size_t size) noexcept {
    constexpr long shared_anonymous = 0x21;  // MAP_SHARED | MAP_ANONYMOUS
    return take(map_pages(0, size, writable, shared_anonymous, -1, 0), size);
  }
  // What mmap(2) answered: memory that is this object's from now on, or negative errno.
  // Shape: 0, or negative errno.
  [[nodiscard]] long take(long answer, size_t size) noexcept {
    if (answer < 0 && answer >= -largest_errno) return answer;
    first_ = reinterpret_cast<unsigned char*>(answer);
    size_ = size;
    return 0;
  }
  [[nodiscard]] unsigned char* data() const noexcept { return first_; }

  static constexpr long readable = 1, writable = 3;  // PROT_READ, and PROT_WRITE beside it

 private:
  unsigned char* first_ = nullptr;
  size_t size_ = 0;
};

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
  mapped_values(detail::mapping memory, size_t count) noexcept : memory_(std::move(memory)), count_(count) {}
  mapped_values(mapped_values&& other) noexcept
      : memory_(std::move(other.memory_)), count_(std::exchange(other.count_, 0)) {}
  mapped_values& operator=(mapped_values&& other) noexcept {
    mapped_values taken(std::move(other));
    std::swap(memory_, taken.memory_);
    std::swap(count_, taken.count_);
    return *this;
  }

  [[nodiscard]] std::span<Value> values() const noexcept { return {begin(), count_}; }
  [[nodiscard]] Value* begin() const noexcept { return reinterpret_cast<Value*>(memory_.data()); }
  [[nodiscard]] Value* end() const noexcept { return begin() + count_; }
  [[nodiscard]] size_t size() const noexcept { return count_; }
  [[nodiscard]] Value& operator[](size_t at) const noexcept { return begin()[at]; }

  /// How many bytes the kernel maps for so many values.
  /// Source: array_map_mmap() in kernel/bpf/arraymap.c at v6.12.
  [[nodiscard]] static constexpr size_t size_of(size_t count) noexcept {
    constexpr size_t page = 4096;  // the kernel rounds a length up to its own pages
    return (count * sizeof(Value) + page - 1) / page * page;
  }

 private:
  detail::mapping memory_;
  size_t count_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_MEMORY_HPP
