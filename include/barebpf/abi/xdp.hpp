// SPDX-License-Identifier: MIT
// Room 1.6, abi/xdp: what sockets of the family AF_XDP take and give.
// Source: include/uapi/linux/if_xdp.h at v6.12.
#ifndef BAREBPF_ABI_XDP_HPP
#define BAREBPF_ABI_XDP_HPP

#include "../word.hpp"

namespace barebpf::inline BAREBPF_ABI::abi {

inline constexpr u16 af_xdp = 44;    // AF_XDP
inline constexpr u32 sol_xdp = 283;  // SOL_XDP

/// Options of getsockopt(2) and setsockopt(2).
namespace xdp_option {
inline constexpr u32 mmap_offsets = 1;          // XDP_MMAP_OFFSETS
inline constexpr u32 rx_ring = 2;               // XDP_RX_RING
inline constexpr u32 tx_ring = 3;               // XDP_TX_RING
inline constexpr u32 umem_reg = 4;              // XDP_UMEM_REG
inline constexpr u32 umem_fill_ring = 5;        // XDP_UMEM_FILL_RING
inline constexpr u32 umem_completion_ring = 6;  // XDP_UMEM_COMPLETION_RING
inline constexpr u32 statistics = 7;            // XDP_STATISTICS
inline constexpr u32 options = 8;               // XDP_OPTIONS
}  // namespace xdp_option

/// Where mmap(2) finds a ring.
namespace xdp_place {
inline constexpr u64 rx_ring = 0;                         // XDP_PGOFF_RX_RING
inline constexpr u64 tx_ring = 0x80000000;                // XDP_PGOFF_TX_RING
inline constexpr u64 umem_fill_ring = 0x100000000;        // XDP_UMEM_PGOFF_FILL_RING
inline constexpr u64 umem_completion_ring = 0x180000000;  // XDP_UMEM_PGOFF_COMPLETION_RING
}  // namespace xdp_place

inline constexpr u16 xdp_copy = 1 << 1;             // XDP_COPY
inline constexpr u16 xdp_zerocopy = 1 << 2;         // XDP_ZEROCOPY
inline constexpr u16 xdp_use_need_wakeup = 1 << 3;  // XDP_USE_NEED_WAKEUP, 5.4
inline constexpr u32 xdp_ring_need_wakeup = 1;      // XDP_RING_NEED_WAKEUP
inline constexpr u32 xdp_options_zerocopy = 1;      // XDP_OPTIONS_ZEROCOPY

/// The address that bind(2) takes: struct sockaddr_xdp.
struct sockaddr_xdp {
  u16 family = af_xdp;
  u16 flags = 0;
  u32 ifindex = 0;
  u32 queue_id = 0;
  u32 shared_umem_fd = 0;
};
static_assert(sizeof(sockaddr_xdp) == 16);

/// The memory that packets lie in: struct xdp_umem_reg. What came after Linux 4.18 is behind the 24 bytes that it read.
struct xdp_umem_reg {
  u64 addr = 0;
  u64 len = 0;
  u32 chunk_size = 0;
  u32 headroom = 0;
  u32 flags = 0;
  u32 tx_metadata_len = 0;
};
static_assert(sizeof(xdp_umem_reg) == 32);

/// Where in its mapping the parts of a ring lie: struct xdp_ring_offset. Before 5.4 it has no `flags`.
struct xdp_ring_offset {
  u64 producer = 0;
  u64 consumer = 0;
  u64 desc = 0;
  u64 flags = 0;
};
static_assert(sizeof(xdp_ring_offset) == 32);

/// A packet that was received or is to be sent: struct xdp_desc.
struct xdp_desc {
  u64 addr = 0;
  u32 len = 0;
  u32 options = 0;
};
static_assert(sizeof(xdp_desc) == 16);

/// What happened to packets: struct xdp_statistics.
struct xdp_statistics {
  u64 rx_dropped = 0;        ///< larger than a frame, or for another reason
  u64 rx_invalid_descs = 0;  ///< frames that lie outside of the memory
  u64 tx_invalid_descs = 0;  ///< packets that do
  u64 rx_ring_full = 0;      ///< dropped because nobody received; counted since 5.9, and so is what follows
  u64 rx_fill_ring_empty_descs = 0;  ///< times that there was no frame for a packet
  u64 tx_ring_empty_descs = 0;       ///< times that there was nothing to send
};
static_assert(sizeof(xdp_statistics) == 48);

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_XDP_HPP
