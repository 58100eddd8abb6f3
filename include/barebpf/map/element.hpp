// SPDX-License-Identifier: MIT
// Room 7.0, map/element: one map without types. Keys and values are addresses here, and every call is one
// system call; the typed maps of room 7.8 are a thin layer over this and hold the only sizes.
#ifndef BAREBPF_MAP_ELEMENT_HPP
#define BAREBPF_MAP_ELEMENT_HPP

#include "../fd.hpp"
#include "../outcome.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Creates a map from a finished record, `map_create` or `map_create_with_token`.
/// Shape: its descriptor, or negative errno.
template <class Record = abi::map_create>
[[nodiscard]] long create_map(const Record& attr) noexcept {
  return move_away(sys_bpf(abi::command::map_create, attr));
}

/// What the kernel says of a map.
/// Cost:   one bpf(2) call.
/// Kernel: 4.13, BPF_OBJ_GET_INFO_BY_FD; members that came later stay 0 on older kernels.
/// Source: bpf_map_get_info_by_fd() in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] inline result<abi::map_info> ask_about_map(int map) noexcept {
  abi::map_info info;
  abi::obj_info attr{.bpf_fd = static_cast<u32>(map), .info_len = sizeof info, .info = &info};
  if (const long answer = sys_bpf(abi::command::obj_get_info_by_fd, attr); answer < 0)
    return failure(step::obj_get_info_by_fd, answer);
  return info;
}

/// What the element commands need of a map: its descriptor, and its name for errors.
/// Lifetime: an owned map closes its descriptor, a borrowed one is valid as long as its owner.
/// Threads:  safe on one object from several threads; the kernel orders the calls.
class untyped_map {
 public:
  /// Takes `map` over.
  [[nodiscard]] static untyped_map own(fd map, const kernel_name& name) noexcept {
    return untyped_map(std::move(map), name, false);
  }
  /// Uses a map that somebody else closes.
  [[nodiscard]] static untyped_map borrow(int number, const kernel_name& name) noexcept {
    return untyped_map(fd::own(number), name, true);
  }

  untyped_map(untyped_map&&) noexcept = default;
  untyped_map& operator=(untyped_map&& other) noexcept {
    untyped_map taken(std::move(other));
    std::swap(fd_, taken.fd_);
    std::swap(name_, taken.name_);
    std::swap(borrowed_, taken.borrowed_);
    return *this;
  }
  [[gnu::always_inline]] ~untyped_map() {
    if (borrowed_) static_cast<void>(fd_.release());
  }

  [[nodiscard]] const fd& descriptor() const noexcept { return fd_; }
  [[nodiscard]] const kernel_name& map_name() const noexcept { return name_; }

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
  [[nodiscard, gnu::always_inline]] long lookup_and_delete_elem(const void* key, void* value,
                                                                u64 flags = 0) const noexcept {
    const abi::map_elem attr{.map_fd = fd_.raw(), .key = key, .value = value, .flags = flags};
    return sys_bpf(abi::command::map_lookup_and_delete_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long delete_elem(const void* key) const noexcept {
    const abi::map_key attr{.map_fd = fd_.raw(), .key = key};
    return sys_bpf(abi::command::map_delete_elem, attr);
  }
  [[nodiscard, gnu::always_inline]] long get_next_key(const void* key, void* next) const noexcept {
    const abi::map_next_key attr{.map_fd = fd_.raw(), .key = key, .next_key = next};
    return sys_bpf(abi::command::map_get_next_key, attr);
  }

  [[nodiscard]] long freeze() const noexcept {
    const abi::map_freeze attr{.map_fd = fd_.raw()};
    return sys_bpf(abi::command::map_freeze, attr);
  }
  /// One of the four commands on batches. `count` is how many elements there is room for, and then how many
  /// there were, which holds after some failures too.
  [[nodiscard]] long batch(abi::command command, const void* in, void* out, const void* keys,
                           const void* values, u32& count, u64 elem_flags = 0) const noexcept {
    abi::map_batch attr{.in_batch = in,
                        .out_batch = out,
                        .keys = keys,
                        .values = values,
                        .count = count,
                        .map_fd = fd_.raw(),
                        .elem_flags = elem_flags};
    const long answer = sys_bpf(command, attr);
    count = attr.count;
    return answer;
  }

 private:
  untyped_map(fd map, const kernel_name& name, bool borrowed) noexcept
      : fd_(std::move(map)), name_(name), borrowed_(borrowed) {}

  fd fd_;
  kernel_name name_;
  bool borrowed_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_ELEMENT_HPP
