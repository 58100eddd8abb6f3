// SPDX-License-Identifier: MIT
// Room 7.1, map/batch: what the batch operations of maps take and give.
#ifndef BAREBPF_MAP_BATCH_HPP
#define BAREBPF_MAP_BATCH_HPP

#include "element.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Where a walk by batches stands; a new one stands at the beginning.
/// Shape:  as many bytes as the kernel may write: four for hash maps, a key for others.
/// Source: __htab_map_lookup_and_delete_batch() in kernel/bpf/hashtab.c and generic_map_lookup_batch() in
///         kernel/bpf/syscall.c at v6.12.
template <class Key>
class batch_cursor {
 public:
  /// True when the last batch was the last one.
  [[nodiscard]] bool at_end() const noexcept { return at_end_; }

  /// What the kernel is given: nothing for the first batch.
  [[nodiscard]] const void* in() const noexcept { return started_ ? position_ : nullptr; }
  /// Where the kernel writes.
  [[nodiscard]] void* out() noexcept { return position_; }
  /// Remembers what a batch came to.
  void advance(bool end) noexcept {
    started_ = true;
    at_end_ = end;
  }

 private:
  alignas(8) unsigned char position_[sizeof(Key) > 4 ? sizeof(Key) : 4] = {};
  bool started_ = false;
  bool at_end_ = false;
};

/// How many elements a batch operation did, and whether it did all.
class [[nodiscard]] batch_result {
 public:
  explicit batch_result(u32 count) noexcept : count_(count) {}
  batch_result(u32 count, const barebpf::error& why) noexcept : count_(count), why_(why) {}

  /// Elements that were done, also when not all of them were.
  [[nodiscard]] u32 count() const noexcept { return count_; }
  [[nodiscard]] bool has_value() const noexcept { return why_.has_value(); }
  explicit operator bool() const noexcept { return why_.has_value(); }
  /// What kept the operation from doing the rest.
  [[nodiscard]] const barebpf::error& error() const noexcept { return why_.error(); }

 private:
  u32 count_;
  result<void> why_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_BATCH_HPP
