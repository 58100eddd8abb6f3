// SPDX-License-Identifier: MIT
// Room 1.5, abi/perf: what perf_event_open(2) and tracefs without a mount take.
#ifndef BAREBPF_ABI_PERF_HPP
#define BAREBPF_ABI_PERF_HPP

#include "../word.hpp"

namespace barebpf::inline BAREBPF_ABI::abi {

/// The first 64 bytes of struct perf_event_attr, which every kernel takes.
/// Source: perf_event_open(2); PERF_ATTR_SIZE_VER0 in include/uapi/linux/perf_event.h at v6.12.
struct perf_event_attr {
  u32 type = 0;
  u32 size = 64;
  u64 config = 0;
  u64 sample_period = 0;
  u64 sample_type = 0;
  u64 read_format = 0;
  u64 flags = 0;
  u32 wakeup_events = 0;
  u32 breakpoint_type = 0;
  u64 config1 = 0;
};
static_assert(sizeof(perf_event_attr) == 64 && offsetof(perf_event_attr, config1) == 56);

/// The first 72 bytes, with what probes need: `config1` is the address of the function's name, `config2` how many bytes
/// behind its beginning.
/// Source: PERF_ATTR_SIZE_VER1; perf_kprobe_init() in kernel/trace/trace_event_perf.c at v6.12.
struct perf_event_attr_of_probe {
  perf_event_attr attr{.size = 72};
  u64 config2 = 0;
};
static_assert(sizeof(perf_event_attr_of_probe) == 72 && offsetof(perf_event_attr_of_probe, config2) == 64);

/// What stands before each record in the ring of an event.
/// Source: include/uapi/linux/perf_event.h at v6.12.
struct perf_event_header {
  u32 type;
  u16 misc;
  u16 size;  ///< bytes, this header too
};
static_assert(sizeof(perf_event_header) == 8);
inline constexpr u32 perf_record_lost = 2;    // PERF_RECORD_LOST: the event's id and a number, both u64
inline constexpr u32 perf_record_sample = 9;  // PERF_RECORD_SAMPLE: what sample_type asks for

/// The first page of that ring; what is left out before it tells of the hardware.
struct perf_event_mmap_page {
  u8 reserved[1024];
  u64 data_head;  ///< bytes put in by the kernel since the beginning
  u64 data_tail;  ///< bytes taken out
};
static_assert(sizeof(perf_event_mmap_page) == 1040);

inline constexpr u32 perf_type_software = 1;         // PERF_TYPE_SOFTWARE
inline constexpr u64 perf_count_sw_bpf_output = 10;  // PERF_COUNT_SW_BPF_OUTPUT
inline constexpr u64 perf_sample_raw = 1u << 10;     // PERF_SAMPLE_RAW: a u32 length and so many bytes
inline constexpr u32 perf_type_tracepoint = 2;       // PERF_TYPE_TRACEPOINT
inline constexpr u64 perf_flag_fd_cloexec = 8;       // PERF_FLAG_FD_CLOEXEC
inline constexpr u32 perf_ioc_set_bpf = 0x40042408;  // PERF_EVENT_IOC_SET_BPF

// Source: include/uapi/linux/mount.h at v6.12.
inline constexpr u32 fsopen_cloexec = 1;       // FSOPEN_CLOEXEC
inline constexpr u32 fsconfig_cmd_create = 6;  // FSCONFIG_CMD_CREATE
inline constexpr u32 fsmount_cloexec = 1;      // FSMOUNT_CLOEXEC

}  // namespace barebpf::inline BAREBPF_ABI::abi

#endif  // BAREBPF_ABI_PERF_HPP
