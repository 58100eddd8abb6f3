// SPDX-License-Identifier: MIT
// Room 10.11, user_ringbuf: sends records to programs. They are written where a program reads them; no system call is
// made as long as there is room.
#ifndef BAREBPF_USER_RINGBUF_HPP
#define BAREBPF_USER_RINGBUF_HPP

#include "map/ring.hpp"
#include "wait.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The producer of a map of type user_ringbuf, which a program empties with bpf_user_ringbuf_drain.
/// Shape:    a descriptor and two mappings of its own.
/// Lifetime: holds the map by itself; what was submitted stays there for the program.
/// Threads:  one thread reserves at a time; each reservation may be written and submitted by another. The positions may
///           be asked for by all. The program gets the records in the order in which they were reserved.
/// Kernel:   6.1.
/// Source:   __bpf_user_ringbuf_peek() in kernel/bpf/ringbuf.c at v6.12.
class user_ringbuf {
 public:
  /// Room for one record, in the ring itself.
  /// Lifetime: must be submitted, or the program never sees it: who lets it go discards it. Not longer than the ring.
  class reservation {
   public:
    reservation(reservation&& other) noexcept
        : header_(std::exchange(other.header_, nullptr)), size_(other.size_) {}
    reservation& operator=(reservation&& other) noexcept {
      reservation taken(std::move(other));
      std::swap(header_, taken.header_);
      std::swap(size_, taken.size_);
      return *this;
    }
    ~reservation() { discard(); }

    /// What the program will read; it still holds what was there before.
    [[nodiscard]] span<unsigned char> bytes() const noexcept {
      return {header_ + detail::record_header, size_};
    }
    /// Hands the record to the program.
    void submit() && noexcept { finish(0); }
    /// Makes the program pass over it.
    void discard() noexcept { finish(detail::record_is_discarded); }

   private:
    friend class user_ringbuf;
    reservation(unsigned char* header, u32 size) noexcept : header_(header), size_(size) {}
    void finish(u32 flags) noexcept {
      if (unsigned char* const header = std::exchange(header_, nullptr); header != nullptr)
        __atomic_store_n(reinterpret_cast<u32*>(header), size_ | flags, __ATOMIC_RELEASE);
    }

    unsigned char* header_;
    u32 size_;
  };

  /// Maps the ring buffer behind `map`, and holds a descriptor of its own.
  /// Errors: wrong_map_type; not_a_map; EBADFD for a closed descriptor; those of mmap(2); EMFILE.
  /// Cost:   seven system calls.
  [[nodiscard]] static result<user_ringbuf> open(const fd& map) noexcept;
  /// The same for a typed map; one of another type does not compile.
  template <has_descriptor Map>
  [[nodiscard]] static result<user_ringbuf> open(const Map& map) noexcept {
    detail::demand_type<map_type::user_ringbuf, Map>();
    return open(map.descriptor());
  }

  /// Takes room for a record of `size` bytes.
  /// Errors: ring_is_full; record_too_large.
  /// Cost:   no system call, unless the ring is full: then one.
  [[nodiscard]] result<reservation> reserve(u32 size) noexcept {
    if (unsigned char* const header = take(size); header != nullptr) [[likely]]
      return reservation(header, size);
    return reserve_once_more(size);
  }
  /// The same, and waits until `end` for a program to make room.
  /// Errors: ring_is_full when none did; record_too_large.
  /// Cost:   three system calls each time that a program drains the ring, and one to read the clock.
  [[nodiscard]] result<reservation> reserve(u32 size, const deadline& end) noexcept {
    for (;;) {
      auto got = reserve(size);
      if (got || got.error().why != cause::ring_is_full) return got;
      const auto ready = wait(end, *this);
      if (!ready) return ready.error();
      if (!*ready) return got;
    }
  }
  /// Copies `value` into a record and submits it.
  /// Errors: those of `reserve`.
  template <class T>
  [[nodiscard]] result<void> submit(const T& value) noexcept {
    static_assert(std::is_trivially_copyable_v<T>,
                  "barebpf: programs get raw bytes, so the type of a record must be trivially copyable");
    auto got = reserve(sizeof(T));
    if (!got) return got.error();
    __builtin_memcpy(got->bytes().data(), &value, sizeof(T));
    std::move(*got).submit();
    return {};
  }

  /// For `wait`: readable once a program has drained the ring after `reserve` found it full.
  [[nodiscard]] const fd& descriptor() const noexcept { return drained_.descriptor(); }

  /// How many bytes programs took out since the map was created, headers and all.
  [[nodiscard]] u64 consumer_position() const noexcept {
    // One look at the producer's, which another thread may move; a program of 32 bits sees half of the consumer's.
    const size_t drained = detail::load_position(consumer_.data());
    const u64 put = producer_position();
    return put - (static_cast<size_t>(put) - drained);
  }
  /// How many bytes were put in since the map was created, headers and all.
  [[nodiscard]] u64 producer_position() const noexcept { return detail::load_own_position(producer_.data()); }
  /// How many bytes are between the two.
  [[nodiscard]] size_t used() const noexcept {
    const size_t drained = detail::load_position(consumer_.data());
    return static_cast<size_t>(producer_position()) - drained;
  }
  /// How many bytes there are in all: max_entries of the map.
  [[nodiscard]] size_t size() const noexcept { return static_cast<size_t>(mask_) + 1; }

 private:
  explicit user_ringbuf(wait_set drained) noexcept : drained_(std::move(drained)) {}

  // Out of line, so that what is left of `reserve` becomes part of its caller.
  [[nodiscard, gnu::cold, gnu::noinline]] result<reservation> reserve_once_more(u32 size) noexcept {
    if (size > detail::record_length || detail::room_of(size) > this->size())
      return error{.at = step::reserve, .why = cause::record_too_large}.about(name_);
    // Forgets what the program drained before it is looked for room once more, so that only what comes later wakes.
    drained_.take();
    if (unsigned char* const header = take(size); header != nullptr) return reservation(header, size);
    return error{.at = step::reserve, .why = cause::ring_is_full}.about(name_);
  }

  // Null when there is no room, or never any. Until it is finished the record is busy, and the program stops before it.
  [[nodiscard]] unsigned char* take(u32 length) noexcept {
    const size_t drained = detail::load_position(consumer_.data());
    const u64 at = producer_position();
    const u64 room = detail::room_of(length);
    const size_t taken = static_cast<size_t>(at) - drained;
    // Whoever holds the map can write the position, and then the kernel takes nothing either.
    if ((at & 7) != 0 || taken > size() || room > size() - taken || length > detail::record_length)
      return nullptr;
    unsigned char* const header = data_ + (at & mask_);
    __atomic_store_n(reinterpret_cast<u32*>(header), length | detail::record_is_busy, __ATOMIC_RELAXED);
    detail::store_position(producer_.data(), at + room);
    return header;
  }

  fd map_;
  wait_set drained_;
  detail::mapping consumer_, producer_;
  unsigned char* data_ = nullptr;
  u64 mask_ = 0;
  kernel_name name_;
};

inline result<user_ringbuf> user_ringbuf::open(const fd& map) noexcept {
  auto drained = wait_set::make();
  if (!drained) return drained.error();
  user_ringbuf out(std::move(*drained));
  const auto info = detail::hold_ring(map.number(), map_type::user_ringbuf, out.map_);
  if (!info) return info.error();
  out.name_ = info->name;
  const size_t size = info->max_entries, page = detail::page_size();
  const auto fails = [&](step at, long answer) { return failure(at, answer).about(info->name); };
  if (const long answer = out.consumer_.fill(out.map_.number(), page, detail::mapping::readable); answer < 0)
    return fails(step::map_memory, answer);
  // The data is there twice, so that a record that reaches over the end goes on behind it.
  if (size > (~size_t{0} - page) / 2) return fails(step::map_memory, -ENOMEM);
  if (const long answer =
          out.producer_.fill(out.map_.number(), page + 2 * size, detail::mapping::writable, page);
      answer < 0)
    return fails(step::map_memory, answer);
  out.data_ = out.producer_.data() + page;
  out.mask_ = size - 1;
  // The map is ready for writing while it has any room at all; what tells is that a program drained it.
  if (const long answer = out.drained_.add(out.map_.number(), detail::epoll_out | detail::epoll_et);
      answer < 0)
    return fails(step::wait, answer);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_USER_RINGBUF_HPP
