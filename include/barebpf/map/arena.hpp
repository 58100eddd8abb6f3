// SPDX-License-Identifier: MIT
// Room 7.12, map/arena: an arena as memory of this process. Pointers into it mean the same here and in programs.
#ifndef BAREBPF_MAP_ARENA_HPP
#define BAREBPF_MAP_ARENA_HPP

#include "map.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// An arena begins at a page, and its addresses differ in their lower 32 bits alone: those are what a program counts
// with. The kernel would silently map one that crosses a border of 4 GiB behind it.
// Source: arena_get_unmapped_area() in kernel/bpf/arena.c at v6.12.
constexpr bool can_hold_an_arena(u64 address, u64 size, size_t page) noexcept {
  return address % page == 0 && (size == 0 || address >> 32 == (address + size - 1) >> 32);
}

}  // namespace detail

/// The pages of an arena, shared with the programs that use it; made by `map_arena`.
/// Shape:    all of it, at the address that it has in every process. A page is there, full of zeros, once somebody
///           here touches it or `fault_in` does. In a page that is not there, a program reads zeros and what it writes
///           is lost.
/// Lifetime: unmapped with this object; it keeps the arena alive by itself. Moving empties the source. The pages
///           and what is in them stay as long as the arena. Newer kernels do not hand it to a child of fork
///           (measured on 6.18), which maps it for itself.
/// Threads:  programs and other processes write at any time, so whoever needs more than one word must agree with
///           them on how.
/// Cost:     nothing for each access but the first to a page.
class mapped_arena {
 public:
  explicit mapped_arena(mapped_values<unsigned char> pages) noexcept : pages_(std::move(pages)) {}

  [[nodiscard]] unsigned char* data() const noexcept { return pages_.begin(); }
  [[nodiscard]] size_t size() const noexcept { return pages_.size(); }
  [[nodiscard]] span<unsigned char> bytes() const noexcept { return pages_.values(); }

  /// The `T` that lies `offset` bytes behind the start of the arena; all of it must lie inside.
  template <class T>
  [[nodiscard]] T& at(size_t offset) const noexcept {
    demand_plain<T>();
    return *reinterpret_cast<T*>(data() + offset);
  }
  /// Whether a whole `T` lies inside the arena where `pointer` says, and is aligned. What a program or another process
  /// wrote is just a number until this is true of it.
  template <class T>
  [[nodiscard]] bool contains(const T* pointer) const noexcept {
    demand_plain<T>();
    // As integers, because pointers to different things have no order. One below the start wraps to one far behind.
    const size_t address = reinterpret_cast<size_t>(pointer);
    const size_t offset = address - reinterpret_cast<size_t>(data());
    return sizeof(T) <= size() && offset <= size() - sizeof(T) && address % alignof(T) == 0;
  }

  /// Makes the pages of `count` bytes from `offset` be there, so that programs may write to them; a `count` of 0 is all
  /// from `offset` on.
  /// Errors: EINVAL for an offset that is no whole page; ENOMEM behind the end; EFAULT with map_flag::segv_on_fault,
  ///         where only programs bring pages in, and when the memory cgroup of the arena's creator is full.
  /// Cost:   one system call.
  /// Source: madvise(2), MADV_POPULATE_WRITE.
  [[nodiscard]] result<void> fault_in(size_t offset = 0, size_t count = 0) const noexcept {
    constexpr long populate_write = 23;
    const size_t bytes = count == 0 && offset < size() ? size() - offset : count;
    if (const long answer = system_call(__NR_madvise, data() + offset, bytes, populate_write); answer < 0)
      return failure(step::fault_in, answer);
    return {};
  }

 private:
  template <class T>
  static constexpr void demand_plain() noexcept {
    static_assert(
        std::is_trivially_copyable_v<T>,
        "barebpf: programs see the raw bytes of an arena, so what lies in it must be trivially copyable");
  }

  mapped_values<unsigned char> pages_;
};

/// Maps all pages of an arena, for reading and writing. The first who maps it decides where: at the `map_extra` that
/// it was created with; or else at `address`, or where the kernel finds room when that is 0. Everybody else must say
/// the same: the kernel tells nobody where an arena is, so whoever adopts one without `map_extra` is given `address`
/// by those who mapped it. A process maps it once, and before a program that uses it is loaded.
/// Errors: misplaced_arena; arena_elsewhere; EEXIST when this process has something else there, such as the arena
///         itself; E2BIG when others mapped less of it; EPERM when it is frozen.
/// Cost:   two system calls, and one or more for the size of a page.
/// Kernel: 6.9; a map that was mapped so cannot be frozen any more.
/// Source: arena_map_mmap() in kernel/bpf/arena.c at v6.12.
template <class Map>
[[nodiscard]] result<mapped_arena> map_arena(const Map& arena, u64 address = 0) noexcept {
  static_assert(std::is_same_v<Map, arena_map>,
                "barebpf: only an arena has an address that programs know, and it is mapped for writing, so "
                "give an arena_map");
  constexpr long shared = 1, not_instead = 1 << 20;  // MAP_SHARED, MAP_FIXED_NOREPLACE
  const auto known = arena.info();
  if (!known) return known.error().about(arena.map_name());
  if (address == 0) address = known->map_extra;
  const size_t page = detail::page_size();
  const u64 size = u64{known->max_entries} * page;
  if (!detail::can_hold_an_arena(address, size, page))
    return error{.at = step::map_memory, .why = cause::misplaced_arena}.about(arena.map_name());
  detail::mapping memory;
  const long answer = memory.take(
      detail::map_pages(static_cast<size_t>(address), static_cast<size_t>(size), detail::mapping::writable,
                        address == 0 ? shared : shared | not_instead, arena.descriptor().number(), 0),
      static_cast<size_t>(size));
  if (answer < 0) {
    error why = failure(step::map_memory, answer).about(arena.map_name());
    if (answer == -EINVAL || answer == -EBUSY) why.why = cause::arena_elsewhere;
    return why;
  }
  return mapped_arena(mapped_values<unsigned char>(std::move(memory), static_cast<size_t>(size)));
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_ARENA_HPP
