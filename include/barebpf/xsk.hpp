// SPDX-License-Identifier: MIT
// Room 10.13, xsk: packets past the network stack, by a socket of the family AF_XDP. An XDP program redirects them into
// it through an xskmap; nothing is allocated for a packet, and to receive one makes no system call.
#ifndef BAREBPF_XSK_HPP
#define BAREBPF_XSK_HPP

#include "abi/xdp.hpp"
#include "map/ring.hpp"
#include "wait.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// How packets get between an interface and a socket.
enum class xsk_mode : u16 {
  any = 0,                        ///< without a copy if the driver can, otherwise with one
  copy = abi::xdp_copy,           ///< with one, which works on every interface
  zero_copy = abi::xdp_zerocopy,  ///< without, or not at all
};

/// What a socket is made of.
struct xsk_options {
  u32 queue = 0;          ///< of the interface, the one that packets are received from
  u32 frame_size = 2048;  ///< a power of two up to a page, of which 256 bytes are not for what comes in
  u32 rx_frames = 1024;   ///< for packets that come in, a power of two; 0 for a socket that only sends
  u32 tx_frames = 1024;   ///< for packets on their way out, a power of two; 0 for one that only receives
  xsk_mode mode = xsk_mode::any;
};

namespace detail {

[[nodiscard]] inline long set_xdp_option(const fd& socket, u32 option, const void* value, u32 size) noexcept {
  return system_call(__NR_setsockopt, socket.number(), abi::sol_xdp, option, value, size);
}
// Shape: how many bytes there were, fewer on a kernel that knows less of it, or negative errno.
template <class Record>
[[nodiscard]] long get_xdp_option(const fd& socket, u32 option, Record& value) noexcept {
  u32 size = sizeof(Record);
  const long answer = system_call(__NR_getsockopt, socket.number(), abi::sol_xdp, option, &value, &size);
  return answer < 0 ? answer : static_cast<long>(size);
}

// Where the four rings lie in their mappings, in the order of the kernel: received, to be sent, fill, completion.
struct xsk_offsets {
  u64 words[4 * 4] = {};
  long size = 0;  // of it, or negative errno

  explicit xsk_offsets(const fd& socket) noexcept
      : size(get_xdp_option(socket, abi::xdp_option::mmap_offsets, words)) {}
  // Before 5.4 each has a word less, and the socket always wants to be woken.
  [[nodiscard]] bool have_flags() const noexcept { return size == sizeof words; }
  [[nodiscard]] abi::xdp_ring_offset operator[](size_t ring) const noexcept {
    const u64* const of = words + ring * (have_flags() ? 4 : 3);
    return {.producer = of[0], .consumer = of[1], .desc = of[2], .flags = have_flags() ? of[3] : 0};
  }
};

// One ring between this process and the kernel: two counters that only go up, of which each side writes one. What
// stands between them belongs to the consumer. None of the library's rings can overflow, because each has room for all
// the frames that may ever be in it.
// Source: net/xdp/xsk_queue.h at v6.12.
template <class Entry>
class xsk_ring {
 public:
  // Shape: 0, or negative errno.
  [[nodiscard]] long open(const fd& socket, u32 option, u64 place, u32 size,
                          const abi::xdp_ring_offset& at) noexcept {
    if (const long answer = set_xdp_option(socket, option, &size, sizeof size); answer < 0) return answer;
    const size_t bytes = static_cast<size_t>(at.desc) + size * sizeof(Entry);
    if (const long answer = memory_.fill(socket.number(), bytes, mapping::writable, place); answer < 0)
      return answer;
    producer_ = word_at(at.producer);
    consumer_ = word_at(at.consumer);
    flags_ = at.flags == 0 ? nullptr : word_at(at.flags);
    entries_ = reinterpret_cast<Entry*>(memory_.data() + at.desc);
    mask_ = size - 1;
    return 0;
  }
  [[nodiscard]] bool is_open() const noexcept { return memory_.data() != nullptr; }

  [[nodiscard]] Entry& operator[](u32 at) const noexcept { return entries_[at & mask_]; }
  // What the kernel says, and with it all that it wrote before.
  [[nodiscard]] u32 producer() const noexcept { return __atomic_load_n(producer_, __ATOMIC_ACQUIRE); }
  [[nodiscard]] u32 consumer() const noexcept { return __atomic_load_n(consumer_, __ATOMIC_ACQUIRE); }
  // What only this side writes.
  [[nodiscard]] u32 own_producer() const noexcept { return __atomic_load_n(producer_, __ATOMIC_RELAXED); }
  [[nodiscard]] u32 own_consumer() const noexcept { return __atomic_load_n(consumer_, __ATOMIC_RELAXED); }
  void produce_up_to(u32 end) const noexcept { __atomic_store_n(producer_, end, __ATOMIC_RELEASE); }
  void consume_up_to(u32 end) const noexcept { __atomic_store_n(consumer_, end, __ATOMIC_RELEASE); }

  // True when the kernel sleeps and goes on only after a system call; `before_5_4` where it does not say.
  [[nodiscard]] bool wants_wakeup(bool before_5_4) const noexcept {
    if (flags_ == nullptr) return before_5_4;
    return (__atomic_load_n(flags_, __ATOMIC_RELAXED) & abi::xdp_ring_need_wakeup) != 0;
  }

 private:
  [[nodiscard]] u32* word_at(u64 offset) const noexcept {
    return reinterpret_cast<u32*>(memory_.data() + offset);
  }

  mapping memory_;
  u32* producer_ = nullptr;
  u32* consumer_ = nullptr;
  u32* flags_ = nullptr;
  Entry* entries_ = nullptr;
  u32 mask_ = 0;
};

}  // namespace detail

/// A socket that receives the packets of one queue of an interface that an XDP program redirects to it, and sends
/// packets as they are. `sockets->update_elem(queue, *socket)` puts it into an xskmap, `wait(end, *socket)` sleeps
/// until a packet is there.
/// Shape:    a descriptor, the memory of the frames and four rings. Frames for what comes in and for what goes out are
///           kept apart, so neither can starve the other.
/// Lifetime: it leaves the maps that it is in when it goes. When its interface goes it stays, and nothing more comes;
///           `check` says so.
/// Threads:  one thread receives and one sends at a time, which may be two.
/// Kernel:   4.18.
/// Source:   net/xdp/xsk.c at v6.12.
class xsk {
 public:
  /// Makes a socket and binds it to a queue of the interface of this number.
  /// Errors: EPERM without CAP_NET_RAW; ENOBUFS for more memory than the process may lock; EINVAL for sizes that are no
  ///         powers of two and for a queue that the interface does not have; ENODEV; EBUSY when the queue has a socket,
  ///         or had one a moment ago; EOPNOTSUPP when the driver cannot do `mode`.
  /// Cost:   thirteen system calls, and (rx_frames + tx_frames) * frame_size bytes of locked memory.
  [[nodiscard]] static result<xsk> open(u32 ifindex, const xsk_options& options = {}) noexcept;

  /// Gives the packets that are there to `use`, a `span<unsigned char>` each, oldest first, at most `at_most`. If
  /// it returns false, this one was the last. The frames go back to the kernel together when this returns.
  /// Shape:    how many `use` was given.
  /// Lifetime: a packet may be read and written until this returns.
  /// Cost:     no system call, unless the driver sleeps for want of frames: then one.
  template <class Use>
  u32 receive(Use&& use, u32 at_most = 64) {
    if (!received_.is_open()) return 0;
    u32 used = 0;
    {
      const batch now{.of = *this, .used = used};
      for (const u32 ready = available(); used < ready && used < at_most;) {
        const abi::xdp_desc packet = received_[now.first + used];
        fill_[now.filled + used] = packet.addr & ~u64{frame_size_ - 1};
        ++used;
        const span<unsigned char> bytes(frames_.data() + packet.addr, packet.len);
        if constexpr (std::is_void_v<decltype(use(bytes))>)
          use(bytes);
        else if (!use(bytes))
          break;
      }
    }
    if (fill_.wants_wakeup(false)) wake_for_frames();
    return used;
  }
  /// How many packets wait to be received.
  [[nodiscard]] u32 available() const noexcept {
    return received_.is_open() ? received_.producer() - received_.own_consumer() : 0;
  }

  /// Lets `write` fill the next frame, a `span<unsigned char>`; as many bytes as it returns are the packet, none if
  /// that is 0. `flush` sends what was submitted.
  /// Errors: no_free_frame when all are on their way; packet_too_large.
  /// Cost:   no system call.
  template <class Write>
  requires std::is_invocable_r_v<size_t, Write&, span<unsigned char>>
  [[nodiscard]] result<void> submit(Write&& write) {
    if (!sent_.is_open() || !find_free_frame())
      return error{.at = step::send_packets, .why = cause::no_free_frame};
    const size_t size = write(span<unsigned char>(frames_.data() + free_frame_, frame_size_));
    if (size > frame_size_) return error{.at = step::send_packets, .why = cause::packet_too_large};
    if (size == 0) return {};
    const u32 at = sent_.own_producer();
    sent_[at] = {.addr = free_frame_, .len = static_cast<u32>(size)};
    sent_.produce_up_to(at + 1);
    free_frame_ = no_frame;
    return {};
  }
  /// Copies `packet` into a frame, under the same conditions.
  [[nodiscard]] result<void> submit(span<const unsigned char> packet) noexcept {
    return submit([&](span<unsigned char> frame) {
      if (packet.size() <= frame.size()) __builtin_memcpy(frame.data(), packet.data(), packet.size());
      return packet.size();
    });
  }
  /// Has the kernel send what was submitted, unless it does so already.
  /// Errors: EAGAIN when it has as much on its way as it may, EBUSY when the interface dropped a packet: what is left is
  ///         sent by the next `flush`. ENETDOWN while the interface is down; ENXIO when it is gone.
  /// Cost:   one system call for 32 packets, none when the driver is awake.
  [[nodiscard]] result<void> flush() noexcept;
  /// How many packets were submitted that the kernel has not begun to send.
  [[nodiscard]] u32 unsent() const noexcept {
    return sent_.is_open() ? sent_.own_producer() - sent_.consumer() : 0;
  }

  /// Whether packets can still come and go, which a wait for them does not tell. What was submitted is sent.
  /// Errors: ENETDOWN while the interface is down; ENXIO when it is gone.
  /// Cost:   one system call.
  [[nodiscard]] result<void> check() const noexcept {
    const long answer = wake_for_packets();
    if (answer == -ENETDOWN || answer == -ENXIO) return failure(step::check_xsk, answer);
    return {};
  }
  /// What happened to packets since the socket was made.
  [[nodiscard]] result<abi::xdp_statistics> statistics() const noexcept {
    abi::xdp_statistics out;
    if (const long answer = detail::get_xdp_option(socket_, abi::xdp_option::statistics, out); answer < 0)
      return failure(step::check_xsk, answer);
    return out;
  }
  /// True when packets are not copied.
  /// Kernel: 5.3.
  [[nodiscard]] result<bool> is_zero_copy() const noexcept {
    u32 flags = 0;
    if (const long answer = detail::get_xdp_option(socket_, abi::xdp_option::options, flags); answer < 0)
      return failure(step::check_xsk, answer);
    return (flags & abi::xdp_options_zerocopy) != 0;
  }

  /// For `wait` and for xskmaps: readable while a packet is there.
  [[nodiscard]] const fd& descriptor() const noexcept { return socket_; }

 private:
  static constexpr u64 no_frame = ~u64{0};
  xsk() noexcept = default;

  // Packets that are being received. Also when one of them throws, it and those before it are done with.
  struct batch {
    const xsk& of;
    const u32& used;
    const u32 first = of.received_.own_consumer();
    const u32 filled = of.fill_.own_producer();
    ~batch() {
      of.fill_.produce_up_to(filled + used);
      of.received_.consume_up_to(first + used);
    }
  };

  // Shape: 0, or negative errno.
  [[nodiscard]] long make_frames(const xsk_options& options) noexcept;
  [[nodiscard]] long make_rings(const xsk_options& options, const detail::xsk_offsets& at) noexcept;
  // Looks for a frame to write to, first among those that were sent, whose memory is warm.
  [[nodiscard]] bool find_free_frame() noexcept {
    if (free_frame_ != no_frame) return true;
    if (const u32 at = completed_.own_consumer(); at != completed_.producer()) {
      free_frame_ = completed_[at];
      completed_.consume_up_to(at + 1);
    } else if (untouched_ != end_) {
      free_frame_ = untouched_;
      untouched_ += frame_size_;
    }
    return free_frame_ != no_frame;
  }
  // Before 5.11 there is no other way.
  void wake_for_frames() const noexcept {
    detail::awaited one{socket_.number(), detail::poll_in, 0};
    static_cast<void>(detail::wait_for(&one, 1, deadline::now()));
  }
  long wake_for_packets() const noexcept {
    constexpr long do_not_wait = 0x40;  // MSG_DONTWAIT
    return system_call(__NR_sendto, socket_.number(), nullptr, 0, do_not_wait, nullptr, 0);
  }

  fd socket_;
  detail::mapping frames_;  // those for what comes in, and behind them those for what goes out
  detail::xsk_ring<abi::xdp_desc> received_, sent_;
  detail::xsk_ring<u64> fill_, completed_;
  u32 frame_size_ = 0;
  u64 free_frame_ = no_frame;
  u64 untouched_ = 0, end_ = 0;  // frames for what goes out that were never used
};

inline long xsk::make_frames(const xsk_options& options) noexcept {
  size_t size = 0;
  if (__builtin_mul_overflow(u64{options.rx_frames} + options.tx_frames, options.frame_size, &size))
    return -ENOMEM;
  if (const long answer = frames_.fill_with_zeros(size); answer < 0) return answer;
  const abi::xdp_umem_reg request{
      .addr = reinterpret_cast<uintptr_t>(frames_.data()), .len = size, .chunk_size = options.frame_size};
  frame_size_ = options.frame_size;
  untouched_ = u64{options.rx_frames} * options.frame_size;
  end_ = size;
  return detail::set_xdp_option(socket_, abi::xdp_option::umem_reg, &request, sizeof request);
}

inline long xsk::make_rings(const xsk_options& options, const detail::xsk_offsets& at) noexcept {
  namespace option = abi::xdp_option;
  namespace place = abi::xdp_place;
  if (at.size < 0) return at.size;
  // The kernel wants the two of the memory in any case.
  const u32 fill = options.rx_frames == 0 ? 1 : options.rx_frames;
  const u32 complete = options.tx_frames == 0 ? 1 : options.tx_frames;
  long answer = fill_.open(socket_, option::umem_fill_ring, place::umem_fill_ring, fill, at[2]);
  if (answer >= 0)
    answer =
        completed_.open(socket_, option::umem_completion_ring, place::umem_completion_ring, complete, at[3]);
  if (answer >= 0 && options.rx_frames != 0)
    answer = received_.open(socket_, option::rx_ring, place::rx_ring, options.rx_frames, at[0]);
  if (answer >= 0 && options.tx_frames != 0)
    answer = sent_.open(socket_, option::tx_ring, place::tx_ring, options.tx_frames, at[1]);
  if (answer < 0) return answer;
  for (u32 i = 0; i < options.rx_frames; ++i) fill_[i] = u64{i} * options.frame_size;
  fill_.produce_up_to(options.rx_frames);
  return 0;
}

inline result<xsk> xsk::open(u32 ifindex, const xsk_options& options) noexcept {
  constexpr int raw_close_on_exec = 3 | 02000000;  // SOCK_RAW | SOCK_CLOEXEC
  xsk out;
  outcome row;
  if (row.fails(step::open_xsk, move_away(system_call(__NR_socket, abi::af_xdp, raw_close_on_exec, 0))))
    return to_error(row);
  out.socket_.fill(row.answer);
  if (row.fails(step::make_frames, out.make_frames(options))) return to_error(row);
  const detail::xsk_offsets offsets(out.socket_);
  if (row.fails(step::make_xsk_rings, out.make_rings(options, offsets))) return to_error(row);
  const abi::sockaddr_xdp address{
      .flags = static_cast<u16>(static_cast<u16>(options.mode) |
                                (offsets.have_flags() ? abi::xdp_use_need_wakeup : 0)),
      .ifindex = ifindex,
      .queue_id = options.queue};
  if (row.fails(step::bind_xsk, system_call(__NR_bind, out.socket_.number(), &address, sizeof address)))
    return to_error(row);
  return out;
}

inline result<void> xsk::flush() noexcept {
  // The kernel takes 32 packets at a time and says EAGAIN while there are more.
  for (u32 left = unsent(); left != 0 && sent_.wants_wakeup(true);) {
    const long answer = wake_for_packets();
    if (answer >= 0) break;
    const u32 now = unsent();
    if (answer != -EAGAIN || now >= left) return failure(step::send_packets, answer);
    left = now;
  }
  return {};
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_XSK_HPP
