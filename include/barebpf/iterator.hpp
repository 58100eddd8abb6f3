// SPDX-License-Identifier: MIT
// Room 9.13, iterator: reads what a program lists that is attached to an iterator of the kernel.
#ifndef BAREBPF_ITERATOR_HPP
#define BAREBPF_ITERATOR_HPP

#include "link.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// One walk over what the kernel lists: whatever the program writes with bpf_seq_write() and bpf_seq_printf().
/// Lifetime: needs the link no longer.
/// Threads:  one thread at a time; each may have a walk of its own.
class iterator {
 public:
  /// Takes over a descriptor that `open_iterator` or the pin of an iterator gave.
  explicit iterator(fd walk) noexcept : walk_(std::move(walk)) {}

  /// For poll(2) and for read(2) of one's own.
  [[nodiscard]] const fd& descriptor() const noexcept { return walk_; }

  /// Fills `room` with what the program writes: characters, or records of one type.
  /// Shape:  how many whole ones there were; fewer than there is room for only at the end.
  /// Errors: what the program returns where it returns neither 0 nor 1; E2BIG when one element came out too long.
  /// Cost:   one system call for each 32 KiB, and one to see the end.
  /// Source: bpf_seq_read() in kernel/bpf/bpf_iter.c at v6.12.
  template <class Room>
  requires requires(Room& room) { span(room); }
  [[nodiscard]] result<size_t> read(Room&& room) const noexcept {
    const span into(room);
    using record = typename decltype(into)::element_type;
    static_assert(std::is_trivially_copyable_v<record> && !std::is_const_v<record>,
                  "barebpf: a program writes bytes, so read records that are trivially copyable");
    const auto got = read_bytes(reinterpret_cast<char*>(into.data()), into.size_bytes());
    if (!got) return got.error();
    return *got / sizeof(record);
  }

 private:
  [[nodiscard]] result<size_t> read_bytes(char* to, size_t room) const noexcept {
    size_t done = 0;
    while (done < room) {
      const long got = system_call(__NR_read, walk_.number(), to + done, room - done);
      if (got == -EAGAIN || got == -EINTR) continue;  // the kernel let others run after a million elements
      if (got < 0) return failure(step::read_iterator, got);
      if (got == 0) break;
      done += static_cast<size_t>(got);
    }
    return done;
  }

  fd walk_;
};

/// Starts a walk over what the program of `link` lists.
/// Errors: EINVAL for a link of another kind.
/// Kernel: 5.8, BPF_ITER_CREATE.
/// Source: bpf_iter_new_fd() in kernel/bpf/bpf_iter.c at v6.12.
[[nodiscard]] inline result<iterator> open_iterator(const link& from) noexcept {
  const abi::iter_create attr{.link_fd = from.descriptor().raw()};
  const long opened = move_away(sys_bpf(abi::command::iter_create, attr));
  if (opened < 0) return failure(step::iter_create, opened);
  return iterator(fd::own(opened));
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ITERATOR_HPP
