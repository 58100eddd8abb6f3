// SPDX-License-Identifier: MIT
// Room 10.10, ringbuf: takes the records out of a ring buffer that programs fill. Nothing is copied or allocated for a
// record, and no system call is made as long as there are any.
#ifndef BAREBPF_RINGBUF_HPP
#define BAREBPF_RINGBUF_HPP

#include "buffer.hpp"
#include "map/ring.hpp"
#include "wait.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The consumer of a map of type ringbuf: `events->consume([](ringbuf::record r) { ... })` takes what is there, and
/// `wait(end, *events)` sleeps until something is.
/// Shape:    a descriptor and two mappings of its own.
/// Lifetime: holds the map by itself, and forgets nothing: who opens it again goes on where the last one stopped.
/// Threads:  one thread consumes at a time; programs send on all CPUs meanwhile. The positions may be asked for by all.
/// Kernel:   5.8.
/// Source:   kernel/bpf/ringbuf.c at v6.12.
class ringbuf {
 public:
  /// What a program sent, where it wrote it.
  class record : public record_view {
   public:
    using record_view::record_view;

    /// The record as one T; null when it has another size.
    template <class T>
    [[nodiscard]] const T* as() const noexcept {
      return size_ == sizeof(T) ? begins_with<T>() : nullptr;
    }
    /// The T that the record begins with; null when it is shorter.
    template <class T>
    [[nodiscard]] const T* begins_with() const noexcept {
      demand_plain<T>();
      static_assert(
          alignof(T) <= 8,
          "barebpf: a record begins at a multiple of 8 bytes, so its type must not be aligned to more");
      return size_ >= sizeof(T) ? reinterpret_cast<const T*>(first_) : nullptr;
    }
  };

  /// Maps the ring buffer behind `map`, and holds a descriptor of its own.
  /// Errors: wrong_map_type; not_a_map; EBADFD for a closed descriptor; those of mmap(2); ENOMEM.
  /// Cost:   five system calls.
  [[nodiscard]] static result<ringbuf> open(const fd& map) noexcept;
  /// The same for a typed map; one of another type does not compile.
  template <has_descriptor Map>
  [[nodiscard]] static result<ringbuf> open(const Map& map) noexcept {
    detail::demand_type<map_type::ringbuf, Map>();
    return open(map.descriptor());
  }

  /// Gives the records that are there to `use`, oldest first, at most `at_most`; each is gone when `use` returns. If
  /// that returns false, this one was the last. Records that programs discarded are passed over, and one that is not
  /// finished yet holds up those behind it. Whoever holds the map can write the consumer's position; where that leaves it
  /// in no record, all that is there is passed over.
  /// Shape: how many `use` was given. What comes meanwhile waits for the next call, so each call ends, however fast
  ///        programs are.
  /// Cost:  no system call.
  template <class Use>
  u64 consume(Use&& use, u64 at_most = ~u64{0}) {
    unsigned char* const taken = consumer();
    const unsigned char* const data = data_;
    const u64 mask = mask_;
    const bool overwrites = copy_.size() != 0;
    const size_t end = detail::load_position(producer());
    u64 at = consumer_position();
    // The kernel puts in no more than the ring holds, at multiples of 8.
    if ((at & 7) != 0 || (!overwrites && end - static_cast<size_t>(at) > mask + 1)) [[unlikely]]
      at = give_up();
    u64 used = 0;
    // Where the next header is follows from this one, and to wait for it is what costs most. Most records are as long as
    // the one before, so the processor may guess that and read several headers at once. At first no length is usual.
    u64 usual = ~u64{0};
    u64 room = 0;
    // May have passed the end once records were overwritten.
    while (used != at_most && static_cast<difference>(end - static_cast<size_t>(at)) > 0) {
      const unsigned char* first = data + (at & mask);
      u32 length = __atomic_load_n(reinterpret_cast<const u32*>(first), __ATOMIC_ACQUIRE);
      first += detail::record_header;
      if (overwrites) [[unlikely]] {
        first = copy_out(at, length);
        if (first == nullptr) continue;
      }
      if (length != usual) [[unlikely]] {
        if ((length & detail::record_is_busy) != 0) break;
        usual = length;
        room = detail::room_of(length & detail::record_length);
        if (room > mask + 1) [[unlikely]] {
          at = give_up();
          continue;
        }
        __asm__ volatile("" : "+r"(room));  // a branch, and no move that waits
      }
      bool goes_on = true;
      if ((length & detail::record_is_discarded) == 0) {
        ++used;
        const record what(first, length);
        if constexpr (std::is_void_v<decltype(use(what))>)
          use(what);
        else
          goes_on = use(what);
      }
      at += room;
      detail::store_position(taken, at);
      if (!goes_on) break;
    }
    return used;
  }

  /// For `wait`: readable while there is a record, finished or not.
  [[nodiscard]] const fd& descriptor() const noexcept { return map_; }

  /// How many bytes were taken out since the map was created, headers and all.
  [[nodiscard]] u64 consumer_position() const noexcept { return detail::load_own_position(consumer()); }
  /// How many bytes were put in since the map was created, headers and all.
  [[nodiscard]] u64 producer_position() const noexcept {
    // One look at the consumer's, which another thread may move; a program of 32 bits sees half of the producer's.
    const u64 taken = consumer_position();
    return taken + (detail::load_position(producer()) - static_cast<size_t>(taken));
  }
  /// How many bytes are between the two; with those that another thread takes out while it is asked.
  [[nodiscard]] size_t available() const noexcept {
    const u64 taken = consumer_position();
    return detail::load_position(producer()) - static_cast<size_t>(taken);
  }
  /// How many bytes there are in all: max_entries of the map.
  [[nodiscard]] size_t size() const noexcept { return static_cast<size_t>(mask_) + 1; }
  /// How many bytes this object did not get because newer records took their place; always 0 without
  /// map_flag::rb_overwrite.
  [[nodiscard]] u64 overwritten() const noexcept { return overwritten_; }

 private:
  using difference = std::make_signed_t<size_t>;
  ringbuf() noexcept = default;

  [[nodiscard]] unsigned char* consumer() const noexcept { return consumer_.data(); }
  [[nodiscard]] const unsigned char* producer() const noexcept { return producer_.data(); }

  // Goes on behind all that is there.
  [[gnu::cold, gnu::noinline]] u64 give_up() noexcept {
    const u64 at = detail::load_own_position(producer());
    detail::store_position(consumer(), at);
    return at;
  }

  // Of a ring whose records may be overwritten at any time, only a copy that was whole afterwards is worth anything.
  // Shape:  the copy of the record at `at`; null when it was overwritten, and `at` is then where the oldest one is.
  // Source: struct bpf_ringbuf and __bpf_ringbuf_reserve() in kernel/bpf/ringbuf.c at v6.19.
  [[gnu::cold, gnu::noinline]] const unsigned char* copy_out(u64& at, u32& length) noexcept {
    // The third word of the producer's page, behind producer_pos and pending_pos; words are the kernel's, of 64 bits.
    const unsigned char* const oldest = producer() + 2 * sizeof(u64);
    const size_t size = length & detail::record_length;
    const bool fits = size <= copy_.size() - detail::record_header;
    if (fits) __builtin_memcpy(copy_.data(), data_ + (at & mask_) + detail::record_header, size);
    // What was read must have been read before it is asked whether it was still there.
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    const size_t gone = detail::load_position(oldest) - static_cast<size_t>(at);
    if (static_cast<difference>(gone) > 0) {
      overwritten_ += gone;
      at += gone;
      detail::store_position(consumer(), at);
      return nullptr;
    }
    // No record of this ring is so large: it is being overwritten right now.
    if (!fits) length = detail::record_is_busy;
    return copy_.data();
  }

  fd map_;
  detail::mapping consumer_, producer_;
  const unsigned char* data_ = nullptr;
  u64 mask_ = 0;
  buffer<unsigned char> copy_;
  u64 overwritten_ = 0;
};

inline result<ringbuf> ringbuf::open(const fd& map) noexcept {
  ringbuf out;
  const auto info = detail::hold_ring(map.number(), map_type::ringbuf, out.map_);
  if (!info) return info.error();
  const size_t size = info->max_entries, page = detail::page_size();
  const auto fails = [&](long answer) { return failure(step::map_memory, answer).about(info->name); };
  if (const long answer = out.consumer_.fill(out.map_.number(), page, detail::mapping::writable); answer < 0)
    return fails(answer);
  // The data is there twice, so that a record that reaches over the end goes on behind it.
  if (size > (~size_t{0} - page) / 2) return fails(-ENOMEM);
  if (const long answer =
          out.producer_.fill(out.map_.number(), page + 2 * size, detail::mapping::readable, page);
      answer < 0)
    return fails(answer);
  out.data_ = out.producer_.data() + page;
  out.mask_ = size - 1;
  if ((info->map_flags & map_flag::rb_overwrite) != 0) {
    auto copy = buffer<unsigned char>::of(size);
    if (!copy) return copy.error();
    out.copy_ = std::move(*copy);
  }
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_RINGBUF_HPP
