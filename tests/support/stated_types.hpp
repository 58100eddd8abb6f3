// SPDX-License-Identifier: MIT
// C++ types whose members the compiler does not tell, and what their authors state of them.
#ifndef BAREBPF_TESTS_SUPPORT_STATED_TYPES_HPP
#define BAREBPF_TESTS_SUPPORT_STATED_TYPES_HPP

#include <cstddef>
#include <cstdint>

#include "library.hpp"

/// True where C++ aligns 64-bit numbers and pointers as BPF programs do. On other machines types that have them lie
/// otherwise, which the library says, see "a machine of 32 bits".
inline constexpr bool lays_out_as_bpf = alignof(std::uint64_t) == 8 && sizeof(void*) == 8 && [] {
  struct pair {
    char first;
    std::uint64_t second;
  };
  return sizeof(pair) == 16;
}();

namespace stated {

/// A bit field, as programs have them for the headers of packets.
struct packet {
  std::uint32_t source;
  std::uint8_t version : 4, length : 4;
  std::uint8_t kind;
  std::uint16_t port;
};

/// Members that nobody else may see.
class guarded {
 public:
  constexpr guarded() noexcept = default;

 private:
  friend struct barebpf::stated_layout<guarded>;
  [[maybe_unused]] std::uint32_t first_ = 0;
  [[maybe_unused]] std::uint64_t second_ = 0;
};

struct head {
  std::uint32_t kind;
};
struct message : head {
  std::uint32_t size;
};

/// A union and a struct without a name.
struct address {
  std::uint32_t family;
  union {
    std::uint32_t v4;
    std::uint8_t v6[16];
  };
};

struct packed {
  std::uint8_t tag;
  std::uint32_t value;
} __attribute__((packed));

/// Of which only the size is asked.
class opaque {
 public:
  constexpr explicit opaque(int) noexcept {}

 private:
  [[maybe_unused]] std::uint64_t bytes_[2] = {};
};

union number {
  std::uint32_t word;
  std::uint8_t bytes[4];
};

}  // namespace stated

template <>
struct barebpf::stated_layout<stated::packet> {
  static constexpr layout_member members[] = {member_at<u32>("source", offsetof(stated::packet, source)),
                                              bits_at<u8>("version", 32, 4), bits_at<u8>("length", 36, 4),
                                              member_at<u8>("kind", offsetof(stated::packet, kind)),
                                              member_at<u16>("port", offsetof(stated::packet, port))};
};
template <>
struct barebpf::stated_layout<stated::guarded> {
  static constexpr layout_member members[] = {member_at<u32>("first", offsetof(stated::guarded, first_)),
                                              member_at<u64>("second", offsetof(stated::guarded, second_))};
};
template <>
struct barebpf::stated_layout<stated::message> {
  static constexpr layout_member members[] = {member_at<u32>("kind", 0), member_at<u32>("size", 4)};
};
template <>
struct barebpf::stated_layout<stated::address> {
  static constexpr layout_member members[] = {member_at<u32>("family", 0), member_at<u32>("v4", 4),
                                              member_at<u8[16]>("v6", 4)};
};
template <>
struct barebpf::stated_layout<stated::packed> {
  static constexpr layout_member members[] = {member_at<u8>("tag", 0), member_at<u32>("value", 1)};
};
template <>
struct barebpf::stated_layout<stated::number> {
  static constexpr layout_member members[] = {member_at<u32>("word", 0)};
};
template <>
inline constexpr bool barebpf::is_compared_by_size<stated::opaque> = true;

#endif
