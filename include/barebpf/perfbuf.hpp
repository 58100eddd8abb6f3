// SPDX-License-Identifier: MIT
// Room 10.12, perfbuf: takes the samples that programs put out through a perf event array, from a ring for each CPU.
#ifndef BAREBPF_PERFBUF_HPP
#define BAREBPF_PERFBUF_HPP

#include "abi/perf.hpp"
#include "buffer.hpp"
#include "map/per_cpu.hpp"
#include "map/ring.hpp"
#include "wait.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What `perfbuf::open` makes.
struct perfbuf_options {
  u32 pages = 8;          ///< of the ring of each CPU, a power of two
  u32 wakeup_events = 1;  ///< samples of one CPU after which it wakes whoever waits
};

/// The consumer of a map of type perf_event_array: `events->consume([](const perfbuf::sample& s) { ... })`.
/// Shape:    a perf event and a ring for each CPU that runs when it is opened, in the slot of that CPU's number; a CPU
///           that comes later has none, and neither has one past the end of the map.
/// Lifetime: holds the map by itself, and empties its slots when it goes: one perfbuf for each map at a time.
/// Threads:  one thread consumes at a time; programs put out samples on all CPUs meanwhile.
/// Kernel:   4.4, bpf_perf_event_output().
/// Source:   perf_event_open(2); __bpf_perf_event_output() in kernel/trace/bpf_trace.c at v6.12.
class perfbuf {
 public:
  /// What a program put out. The kernel lengthens it by up to 7 bytes, so that it ends at a multiple of 8.
  class sample : public record_view {
   public:
    constexpr sample(const unsigned char* first, u32 size, u32 cpu) noexcept
        : record_view(first, size), cpu_(cpu) {}

    /// Copies the sample into `out`; false when it has another size, and `out` is then as it was. There is no
    /// reference to it, since it lies at an odd multiple of 4 bytes.
    template <class T>
    [[nodiscard]] bool copy_to(T& out) const noexcept {
      demand_plain<T>();
      if (size_ < sizeof(T) || size_ > sizeof(T) + 7) return false;
      __builtin_memcpy(&out, first_, sizeof(T));
      return true;
    }
    /// The CPU that it comes from.
    [[nodiscard]] constexpr u32 cpu() const noexcept { return cpu_; }

   private:
    u32 cpu_;
  };

  /// Opens an event for each CPU, maps its ring and puts it into its slot of `map`. After a failure the slots are
  /// empty.
  /// Errors: wrong_map_type; not_a_map; EBADFD for a closed descriptor; bad_page_count; EPERM for more pages than the
  ///         process may lock; those of perf_event_open(2), about the CPU: EACCES without CAP_PERFMON, EMFILE; ENODEV
  ///         when no CPU of the map runs.
  /// Cost:   seven system calls, and four for each CPU.
  [[nodiscard]] static result<perfbuf> open(const fd& map, const perfbuf_options& options = {}) noexcept;
  /// The same for a typed map; one of another type does not compile.
  template <has_descriptor Map>
  [[nodiscard]] static result<perfbuf> open(const Map& map, const perfbuf_options& options = {}) noexcept {
    detail::demand_type<map_type::perf_event_array, Map>();
    return open(map.descriptor(), options);
  }

  /// Gives the samples that are there to `use`, those of each CPU oldest first, at most `at_most`; each is gone when
  /// `use` returns. If that returns false, this one was the last. The next call goes on with the next CPU. A ring in which
  /// is no record, because somebody else wrote to its memory, is passed over.
  /// Shape: how many `use` was given. What comes meanwhile waits for the next call, so each call ends, however fast
  ///        programs are.
  /// Cost:  no system call; samples that reach over the end of a ring are copied.
  template <class Use>
  u64 consume(Use&& use, u64 at_most = ~u64{0}) {
    u64 used = 0;
    bool goes_on = true;
    for (size_t i = 0; i < rings_.size() && used < at_most && goes_on; ++i) {
      ring& from = rings_[next_ring_];
      next_ring_ = next_ring_ + 1 < rings_.size() ? next_ring_ + 1 : 0;
      u64 at = from.taken();
      for (const size_t end = from.put(); used < at_most && goes_on && static_cast<size_t>(at) != end;) {
        const unsigned char* const first = from.whole_record(at, end, copy_.data());
        if (first == nullptr) [[unlikely]] {
          from.give_up();
          break;
        }
        const auto header = detail::read_field<abi::perf_event_header>(first);
        const unsigned char* const body = first + sizeof header;
        if (header.type == abi::perf_record_sample) {
          ++used;
          const sample what(body + sizeof(u32), detail::read_field<u32>(body), from.cpu);
          if constexpr (std::is_void_v<decltype(use(what))>)
            use(what);
          else
            goes_on = use(what);
        } else if (header.type == abi::perf_record_lost) {
          lost_ += detail::read_field<u64>(body + sizeof(u64));
        }
        at += header.size;
        from.release(at);
      }
    }
    return used;
  }

  /// How many samples found their ring full, as far as `consume` has come: the kernel tells in its place in the ring,
  /// with the first sample that finds room again.
  [[nodiscard]] u64 lost() const noexcept { return lost_; }
  /// How many CPUs have a ring.
  [[nodiscard]] u32 cpus() const noexcept { return static_cast<u32>(rings_.size()); }
  /// How many bytes wait to be consumed, of all CPUs.
  [[nodiscard]] u64 available() const noexcept {
    u64 out = 0;
    for (const ring& from : rings_) out += from.available();
    return out;
  }

  /// For `wait`, which also asks `is_ready`: the kernel tells of samples once and no more. Who waits for this descriptor
  /// in another way, or in a set, must consume all that is there before he waits again.
  [[nodiscard]] const fd& descriptor() const noexcept { return any_.descriptor(); }
  /// True while there is something to consume.
  /// Cost: no system call.
  [[nodiscard]] bool is_ready() const noexcept {
    for (const ring& from : rings_)
      if (from.available() != 0) return true;
    return false;
  }

  perfbuf(perfbuf&&) noexcept = default;
  perfbuf& operator=(perfbuf&& other) noexcept {
    perfbuf taken(std::move(other));
    std::swap(map_, taken.map_);
    std::swap(any_, taken.any_);
    std::swap(rings_, taken.rings_);
    std::swap(copy_, taken.copy_);
    std::swap(next_ring_, taken.next_ring_);
    std::swap(lost_, taken.lost_);
    return *this;
  }
  ~perfbuf() {
    const auto slots = untyped_map::borrow(map_.number(), {});
    for (const ring& of : rings_)
      if (of.event.is_open()) static_cast<void>(slots.delete_elem(&of.cpu));
  }

 private:
  static constexpr size_t largest_record = 65536;  // perf_event_header::size is 16 bits

  struct ring {
    u32 cpu = 0;
    size_t mask = 0;
    fd event;
    detail::mapping memory;
    const unsigned char* data = nullptr;

    // In front of what a program put out: the header, and how long it is.
    static constexpr size_t sample_head = sizeof(abi::perf_event_header) + sizeof(u32);
    static constexpr size_t head = offsetof(abi::perf_event_mmap_page, data_head);
    static constexpr size_t tail = offsetof(abi::perf_event_mmap_page, data_tail);
    // Of the 64 bits the lower half is enough, see room 7.8.
    static constexpr size_t lower_half = host_is_big_endian ? sizeof(u64) - sizeof(size_t) : 0;

    [[nodiscard]] size_t put() const noexcept {
      return detail::load_position(memory.data() + head + lower_half);
    }
    [[nodiscard]] u64 taken() const noexcept { return detail::load_own_position(memory.data() + tail); }
    void release(u64 at) const noexcept { detail::store_position(memory.data() + tail, at); }
    [[nodiscard]] size_t available() const noexcept {
      const u64 before = taken();
      return put() - static_cast<size_t>(before);
    }

    // The record at `at`, put together in `copy` where it reaches over the end; null where none can be, because somebody
    // else wrote to this memory.
    [[nodiscard]] const unsigned char* whole_record(u64 at, size_t end, unsigned char* copy) const noexcept {
      const size_t from = static_cast<size_t>(at) & mask, left = end - static_cast<size_t>(at);
      // The header never reaches over it: records begin at multiples of 8.
      if ((from & 7) != 0 || left > mask + 1) return nullptr;
      const auto header = detail::read_field<abi::perf_event_header>(data + from);
      const size_t least =
          header.type == abi::perf_record_lost ? sizeof header + 2 * sizeof(u64) : sample_head;
      if (header.size < least || header.size > left) return nullptr;
      const unsigned char* first = data + from;
      if (const size_t until_end = mask + 1 - from; header.size > until_end) [[unlikely]] {
        __builtin_memcpy(copy, first, until_end);
        __builtin_memcpy(copy + until_end, data, header.size - until_end);
        first = copy;
      }
      const bool is_sample = header.type == abi::perf_record_sample;
      const bool is_sound =
          !is_sample || detail::read_field<u32>(first + sizeof header) <= header.size - sample_head;
      return is_sound ? first : nullptr;
    }
    // Goes on behind all that is there.
    void give_up() const noexcept { release(detail::load_own_position(memory.data() + head)); }
  };

  explicit perfbuf(wait_set any) noexcept : any_(std::move(any)) {}
  // Shape: false when the CPU does not run.
  [[nodiscard]] result<bool> open_ring(ring& of, const perfbuf_options& options, size_t page) noexcept;

  fd map_;
  wait_set any_;
  buffer<ring> rings_;
  buffer<unsigned char> copy_;
  size_t next_ring_ = 0;
  u64 lost_ = 0;
};

inline result<bool> perfbuf::open_ring(ring& of, const perfbuf_options& options, size_t page) noexcept {
  const abi::perf_event_attr attr{.type = abi::perf_type_software,
                                  .config = abi::perf_count_sw_bpf_output,
                                  .sample_period = 1,
                                  .sample_type = abi::perf_sample_raw,
                                  .wakeup_events = options.wakeup_events};
  const long opened =
      move_away(system_call(__NR_perf_event_open, &attr, -1, of.cpu, -1, abi::perf_flag_fd_cloexec));
  if (opened == -ENODEV) return false;
  if (opened < 0) return failure(step::open_cpu_event, opened);
  of.event.fill(opened);
  if (const long answer =
          of.memory.fill(of.event.number(), (size_t{options.pages} + 1) * page, detail::mapping::writable);
      answer < 0)
    return failure(step::map_event, answer);
  of.data = of.memory.data() + page;
  of.mask = options.pages * page - 1;
  if (const long answer = any_.add(of.event.number(), detail::epoll_in); answer < 0)
    return failure(step::wait, answer);
  const u32 event = of.event.raw();
  const auto slots = untyped_map::borrow(map_.number(), {});
  if (const long answer = slots.update_elem(&of.cpu, &event, static_cast<u64>(update::any)); answer < 0)
    return failure(step::map_update_elem, answer);
  return true;
}

inline result<perfbuf> perfbuf::open(const fd& map, const perfbuf_options& options) noexcept {
  auto any = wait_set::make();
  if (!any) return any.error();
  perfbuf out(std::move(*any));
  const auto info = detail::hold_ring(map.number(), map_type::perf_event_array, out.map_);
  if (!info) return info.error();
  const size_t page = detail::page_size();
  if (options.pages == 0 || (options.pages & (options.pages - 1)) != 0)
    return error{.at = step::map_event, .why = cause::bad_page_count}.about(info->name);
  if (options.pages >= ~size_t{0} / page) return failure(step::map_event, -ENOMEM).about(info->name);
  const auto cpus = possible_cpus();
  if (!cpus) return cpus.error();
  const u32 slots = *cpus < info->max_entries ? *cpus : info->max_entries;
  auto rings = buffer<ring>::of(slots);
  auto copy = buffer<unsigned char>::of(largest_record);
  if (!rings || !copy) return error{.at = step::allocate, .code = ENOMEM};
  out.rings_ = std::move(*rings);
  out.copy_ = std::move(*copy);
  u32 running = 0;
  for (u32 cpu = 0; cpu < slots; ++cpu) {
    ring& next = out.rings_[running];
    next.cpu = cpu;
    const auto opened = out.open_ring(next, options, page);
    if (!opened) {
      out.rings_.shrink(running + 1);
      char words[16];
      const text place = (detail::text_writer(words, sizeof words) << "CPU " << u64{cpu}).finish();
      return opened.error().about(place, info->name);
    }
    if (*opened) ++running;
  }
  out.rings_.shrink(running);
  if (running == 0) return failure(step::open_cpu_event, -ENODEV).about(info->name);
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PERFBUF_HPP
