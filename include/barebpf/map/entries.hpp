// SPDX-License-Identifier: MIT
// Room 7.3, map/entries: a walk over a map that always ends and says why. Batches underneath; one key after the
// other where the kernel has no batches or a bucket is too large for one.
#ifndef BAREBPF_MAP_ENTRIES_HPP
#define BAREBPF_MAP_ENTRIES_HPP

#include "batch.hpp"
#include "per_cpu.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// One element of a map, copied out.
template <class Key, class Value>
struct entry {
  Key key;
  Value value;
};

namespace detail {

// What a walk shows of the values behind a pointer, and where the kernel writes them.
template <class Pointer>
struct pointed {
  using seen = typename Pointer::seen;
  struct nothing {};
  using own = nothing;  // single steps use the storage that was lent
  static void* address(const Pointer& at) noexcept { return at.address(); }
};
template <class Value>
struct pointed<Value*> {
  using seen = Value;
  using own = Value;
  static void* address(Value* at) noexcept { return at; }
};

}  // namespace detail

/// A walk over all elements: `for (auto [key, value] : map.entries())`. `Pointer` is what walks over the values: a
/// plain one, or `per_cpu_pointer`.
/// Shape:    each element by copy. What is in the map throughout comes at least once; by batches exactly once.
///           What is added or removed meanwhile may come or not. The element at hand may be deleted.
/// Errors:   the loop ends; `error()` then tells why, and is nullptr after a whole walk.
/// Lifetime: the map must outlive the walk; the storage is the range's own, or lent by the caller.
/// Cost:     one bpf(2) call for each batch; two for each element where batches do not work.
/// Threads:  one walk belongs to one thread.
template <class Key, class Pointer>
class entry_range {
  using shown = detail::pointed<Pointer>;

 public:
  entry_range(const untyped_map& map, Key* keys, Pointer values, u32 room) noexcept
      : map_(map), keys_(keys), values_(values), room_(room), stepping_(room == 0) {}
  entry_range(const entry_range&) = delete;
  entry_range& operator=(const entry_range&) = delete;

  struct sentinel {};
  class iterator {
   public:
    using value_type = entry<Key, typename shown::seen>;
    using difference_type = std::ptrdiff_t;

    explicit iterator(entry_range* range) noexcept : range_(range) { take_more(); }
    [[nodiscard]] value_type operator*() const noexcept { return {*key_, *value_}; }
    iterator& operator++() noexcept {
      ++key_;
      ++value_;
      if (key_ >= last_) take_more();
      return *this;
    }
    void operator++(int) noexcept { ++*this; }
    friend bool operator==(const iterator& at, sentinel) noexcept { return at.key_ >= at.last_; }

   private:
    void take_more() noexcept {
      const u32 count = range_->next();
      key_ = range_->stepping_ ? &range_->last_key_ : range_->keys_;
      value_ = range_->stepping_ ? range_->step_value() : range_->values_;
      last_ = key_ + count;
    }

    // Kept here and not in the range, whose memory every system call may change: so they stay in registers.
    const Key* key_;
    const Key* last_;  // behind the last that is at hand
    Pointer value_;
    entry_range* range_;
  };

  /// Begins the walk, from the first element each time.
  [[nodiscard]] iterator begin() noexcept {
    cursor_ = {};
    count_ = 0;
    steps_ = 0;
    done_ = has_last_ = failed_ = prefetched_ = at_its_end_ = false;
    stepping_ = room_ == 0;
    return iterator(this);
  }
  [[nodiscard]] sentinel end() const noexcept { return {}; }

  /// Why the walk ended early; nullptr when it did not.
  [[nodiscard]] const barebpf::error* error() const noexcept { return failed_ ? &why_ : nullptr; }

  /// True when the walk is over.
  [[nodiscard]] bool at_end() const noexcept { return done_; }

 private:
  // Gets what comes next, a batch or a single element, and says how many elements that are: none at the end.
  [[nodiscard, gnu::noinline]] u32 next() noexcept {
    if (done_) return 0;
    if (!stepping_) fetch();
    if (stepping_) step_on();
    if (done_) return 0;
    return stepping_ ? 1 : count_;
  }

  // The next batch, or the change to single steps.
  void fetch() noexcept {
    const bool first = cursor_.in() == nullptr;
    Key last{};
    if (count_ != 0) last = keys_[count_ - 1];
    while (!cursor_.at_end()) {
      u32 count = room_;
      const long answer = map_.batch(abi::command::map_lookup_batch, cursor_.in(), cursor_.out(), keys_,
                                     shown::address(values_), count);
      if (answer == -EINTR) continue;
      // No batches here, or a bucket that does not fit: what is left comes one by one.
      if (answer == -ENOSPC || (first && (answer == -ENOTSUPP_kernel || answer == -EINVAL))) {
        stepping_ = true;
        prefetched_ = false;
        has_last_ = count_ != 0;
        last_key_ = last;
        return;
      }
      if (answer < 0 && answer != -ENOENT) return fail(step::map_lookup_batch, answer);
      cursor_.advance(answer == -ENOENT);
      count_ = count;
      if (count_ != 0) return;
    }
    done_ = true;
  }

  // The next element by its key. The key after it is fetched at once, so that the element may be deleted.
  void step_on() noexcept {
    if (steps_ == 0) {
      const auto info = ask_about_map(map_.descriptor().number());
      if (!info) return fail(info.error().at, -info.error().code);
      // A key that vanishes sends the kernel back to the first one, so the steps are bounded.
      most_steps_ = u64{16} * info->max_entries + 16;
    }
    for (;;) {
      if (++steps_ > most_steps_) return fail(step::map_get_next_key, -EAGAIN);
      if (!prefetched_) {
        const long answer = map_.get_next_key(has_last_ ? &last_key_ : nullptr, &next_);
        if (answer < 0) return finish(answer);
      }
      prefetched_ = false;
      if (at_its_end_) return finish(-ENOENT);
      last_key_ = next_;
      has_last_ = true;
      const long found = map_.lookup_elem(&last_key_, shown::address(step_value()));
      if (found < 0 && found != -ENOENT) return fail(step::map_lookup_elem, found);
      const long answer = map_.get_next_key(&last_key_, &next_);
      if (answer < 0 && answer != -ENOENT) return fail(step::map_get_next_key, answer);
      prefetched_ = true;
      at_its_end_ = answer == -ENOENT;
      if (found >= 0) return;
    }
  }
  // Where the value of a single step goes.
  [[nodiscard]] Pointer step_value() noexcept {
    if constexpr (std::is_pointer_v<Pointer>)
      return &last_value_;
    else
      return values_;
  }
  void finish(long answer) noexcept {
    if (answer != -ENOENT) return fail(step::map_get_next_key, answer);
    done_ = true;
  }
  void fail(step at, long answer) noexcept {
    why_ = failure(at, answer).about(map_.map_name());
    failed_ = done_ = true;
  }

  const untyped_map& map_;
  Key* keys_;
  Pointer values_;
  u32 room_;
  batch_cursor<Key> cursor_;
  u32 count_ = 0;  // elements in the batch
  u64 steps_ = 0, most_steps_ = 0;
  Key last_key_{};
  [[no_unique_address]] typename shown::own last_value_{};
  Key next_{};
  bool stepping_, done_ = false, failed_ = false, has_last_ = false, prefetched_ = false, at_its_end_ = false;
  barebpf::error why_{};
};

/// An entry_range with storage of its own.
/// Shape: at most 16 KiB, and room for at least one element.
template <class Key, class Value>
class owned_entry_range : public entry_range<Key, Value*> {
  static constexpr size_t fitting = 16384 / (sizeof(Key) + sizeof(Value));
  static constexpr size_t room = fitting == 0 ? 1 : fitting;

 public:
  explicit owned_entry_range(const untyped_map& map) noexcept
      : entry_range<Key, Value*>(map, keys_, values_, static_cast<u32>(room)) {}

 private:
  Key keys_[room];
  Value values_[room];
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_ENTRIES_HPP
