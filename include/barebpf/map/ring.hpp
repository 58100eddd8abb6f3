// SPDX-License-Identifier: MIT
// Room 7.11, map/ring: what ring buffers have in common: memory that the kernel and this process read and write at
// the same time, positions in it, and records.
#ifndef BAREBPF_MAP_RING_HPP
#define BAREBPF_MAP_RING_HPP

#include "../kinds.hpp"
#include "../wait.hpp"
#include "memory.hpp"
#include "pin.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// A field of memory that the kernel wrote.
template <class T>
[[nodiscard]] inline T read_field(const unsigned char* at) noexcept {
  T out;
  __builtin_memcpy(&out, at, sizeof out);
  return out;
}

// Positions count bytes and never go back; only their differences are used. The kernel has them in an unsigned long of
// its own, of which a program of 32 bits reads the lower half: a ring has less than 4 GiB, so that is enough. What it
// writes must be whole all the same, for a kernel of 64 bits.
[[nodiscard]] inline size_t load_position(const unsigned char* at) noexcept {
  return __atomic_load_n(reinterpret_cast<const size_t*>(at), __ATOMIC_ACQUIRE);
}
// On i386 a number of 64 bits may lie at any multiple of four, and clang asks a library to write such a one whole.
using position_word [[gnu::aligned(8)]] = u64;
inline void store_position(unsigned char* at, u64 position) noexcept {
  if constexpr (__atomic_always_lock_free(sizeof(u64), nullptr)) {
    __atomic_store_n(reinterpret_cast<position_word*>(at), position, __ATOMIC_RELEASE);
  } else {
    // Between the two the ring looks full to the kernel, once in 4 GiB.
    u32* const halves = reinterpret_cast<u32*>(at);
    __atomic_store_n(halves + 1, static_cast<u32>(position >> 32), __ATOMIC_RELEASE);
    __atomic_store_n(halves, static_cast<u32>(position), __ATOMIC_RELEASE);
  }
}
// A position that only this side writes. Whoever subtracts reads the position that is behind first, so that the
// difference may come out too large, and never negative, when somebody goes on meanwhile.
[[nodiscard]] inline u64 load_own_position(const unsigned char* at) noexcept {
  if constexpr (__atomic_always_lock_free(sizeof(u64), nullptr))
    return __atomic_load_n(reinterpret_cast<const position_word*>(at), __ATOMIC_ACQUIRE);
  return read_field<u64>(at);
}

// The header of a record.
// Source: struct bpf_ringbuf_hdr in kernel/bpf/ringbuf.c and BPF_RINGBUF_BUSY_BIT in include/uapi/linux/bpf.h at v6.12.
inline constexpr u32 record_header = 8, record_is_busy = 1u << 31, record_is_discarded = 1u << 30;
inline constexpr u32 record_length = record_is_discarded - 1;

// What a record of so many bytes takes in the ring.
[[nodiscard]] constexpr u64 room_of(u32 length) noexcept {
  return (u64{length} + record_header + 7) & ~u64{7};
}

// Holds a descriptor of the map that `number` belongs to, which must be one of `type`.
[[nodiscard]] inline result<abi::map_info> hold_ring(int number, map_type type, fd& held) noexcept {
  // Only the kernel knows where it keeps the lower half.
  if constexpr (sizeof(size_t) < sizeof(u64) && host_is_big_endian)
    return failure(step::open_map, -EOPNOTSUPP);
  auto info = ask_about_map(number);
  if (!info) return info;
  if (info->type != static_cast<u32>(type)) {
    if (const error why = another_map(number, *info); why.why == cause::not_a_map) return why;
    return error{.at = step::find, .why = cause::wrong_map_type}.about(info->name);
  }
  const long own = duplicate(number);
  if (own < 0) return failure(step::open_map, own).about(info->name);
  held.fill(own);
  return info;
}

}  // namespace detail

/// Bytes that one side of a ring buffer sent to the other.
/// Lifetime: valid until the callable that it was given to returns.
class record_view {
 public:
  constexpr record_view(const unsigned char* first, u32 size) noexcept : first_(first), size_(size) {}

  [[nodiscard]] constexpr span<const unsigned char> bytes() const noexcept { return {first_, size_}; }
  [[nodiscard]] constexpr const unsigned char* data() const noexcept { return first_; }
  [[nodiscard]] constexpr u32 size() const noexcept { return size_; }

 protected:
  template <class T>
  static constexpr void demand_plain() noexcept {
    static_assert(std::is_trivially_copyable_v<T>,
                  "barebpf: programs send raw bytes, so the type of a record must be trivially copyable");
  }

  const unsigned char* first_;
  u32 size_;
};

namespace detail {

// A typed map of another type is told apart before it runs.
template <map_type Wanted, class Map>
constexpr void demand_type() noexcept {
  if constexpr (requires { Map::type; })
    static_assert(
        Map::type == Wanted,
        "barebpf: each kind of ring buffer is a map type of its own, so use the class of this map's type");
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_RING_HPP
