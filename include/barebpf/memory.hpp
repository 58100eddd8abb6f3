// SPDX-License-Identifier: MIT
// Room 6.4, memory: memory that the kernel shares, and gets back with the object that owns it.
#ifndef BAREBPF_MEMORY_HPP
#define BAREBPF_MEMORY_HPP

#include "outcome.hpp"

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

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MEMORY_HPP
