// SPDX-License-Identifier: MIT
// Room 7.0, map/element: one map without types. Keys and values are addresses here, and every call is one
// system call; the typed maps of room 7.1 are a thin layer over this and hold the only sizes.
#ifndef BAREBPF_MAP_ELEMENT_HPP
#define BAREBPF_MAP_ELEMENT_HPP

#include "../capability.hpp"
#include "../fd.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Creates a map from a finished record.
/// Errors: needs_cap_bpf, or the errno of BPF_MAP_CREATE; about the map's name.
[[nodiscard]] inline result<fd> create_map(const abi::map_create& attr) noexcept {
  const long answer = sys_bpf(abi::command::map_create, attr);
  if (answer < 0) return refusal(step::map_create, answer).about(attr.map_name);
  return fd::opened(step::map_create, answer);
}

/// What the element commands need of a map: its descriptor, and its name for errors.
/// Threads: safe on one object from several threads; the kernel orders the calls.
class untyped_map {
 public:
  untyped_map() noexcept = default;
  untyped_map(barebpf::fd fd, kernel_name name) noexcept : fd_(std::move(fd)), name_(name) {}

  [[nodiscard]] const barebpf::fd& fd() const noexcept { return fd_; }
  [[nodiscard]] text map_name() const noexcept { return name_; }

  [[nodiscard, gnu::always_inline]] long lookup_elem(const void* key, void* value,
                                                     u64 flags = 0) const noexcept {
    const abi::map_elem attr{.map_fd = fd_.raw(), .key = key, .value = value, .flags = flags};
    return sys_bpf(abi::command::map_lookup_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long update_elem(const void* key, const void* value,
                                                     u64 flags) const noexcept {
    const abi::map_elem attr{.map_fd = fd_.raw(), .key = key, .value = value, .flags = flags};
    return sys_bpf(abi::command::map_update_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long delete_elem(const void* key) const noexcept {
    const abi::map_key attr{.map_fd = fd_.raw(), .key = key};
    return sys_bpf(abi::command::map_delete_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long get_next_key(const void* key, void* next) const noexcept {
    const abi::map_next_key attr{.map_fd = fd_.raw(), .key = key, .next_key = next};
    return sys_bpf(abi::command::map_get_next_key, attr);
  }

 private:
  barebpf::fd fd_;
  kernel_name name_{};
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_ELEMENT_HPP
