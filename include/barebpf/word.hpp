// SPDX-License-Identifier: MIT
// Room 0.1, word: the kernel's own short names for integers of a fixed width.
#ifndef BAREBPF_WORD_HPP
#define BAREBPF_WORD_HPP

#include "version.hpp"

#include <cstddef>  // size_t
#include <cstdint>  // uint32_t and its siblings

namespace barebpf::inline BAREBPF_ABI {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using s16 = std::int16_t;
using s32 = std::int32_t;
using s64 = std::int64_t;
using std::size_t;

/// True where the machine that runs this program keeps the highest byte first.
inline constexpr bool host_is_big_endian = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_WORD_HPP
