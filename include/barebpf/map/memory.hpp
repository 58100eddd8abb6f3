// SPDX-License-Identifier: MIT
// Room 7.5, map/memory: the values of an array as memory of this process. Reading them makes no system call.
#ifndef BAREBPF_MAP_MEMORY_HPP
#define BAREBPF_MAP_MEMORY_HPP

#include "../memory.hpp"
#include "../span.hpp"

namespace barebpf::inline BAREBPF_ABI {

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

  [[nodiscard]] span<Value> values() const noexcept { return {begin(), count_}; }
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
