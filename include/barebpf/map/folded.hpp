// SPDX-License-Identifier: MIT
// Room 7.13, map/folded: stacks as lines of text, in the folded form that flame graph tools take.
#ifndef BAREBPF_MAP_FOLDED_HPP
#define BAREBPF_MAP_FOLDED_HPP

#include "../symbols.hpp"
#include "value.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A stack and how often it was seen. What is not known is left empty.
/// Lifetime: looks at what others own.
struct counted_stack {
  text comm{};                            ///< the name of the process
  span<const u64> user{};                 ///< as `stack_addresses::addresses` gives them
  span<const build_id_place> user_ids{};  ///< or as `stack_build_ids::places` does
  span<const u64> kernel{};
  u64 count = 0;
};

/// Where the names of places come from; nullptr for nowhere.
struct stack_names {
  const user_mappings* user = nullptr;
  const kernel_symbols* kernel = nullptr;
};

namespace detail {

// A number as "0x2a", or "+0x2a".
struct hex_digits {
  char characters[19];
  u32 first = sizeof characters;

  constexpr explicit hex_digits(u64 number, text sign = {}) noexcept : characters() {
    do characters[--first] = "0123456789abcdef"[number % 16];
    while ((number /= 16) != 0);
    characters[--first] = 'x';
    characters[--first] = '0';
    for (const char c : sign) characters[--first] = c;
  }
  constexpr operator text() const noexcept { return {characters + first, sizeof characters - first}; }
};

template <class Sink>
class folded_writer {
 public:
  constexpr folded_writer(const stack_names& wanted, Sink& sink) noexcept : names_(wanted), sink_(sink) {}

  constexpr void write(const counted_stack& stack) noexcept {
    write_name(stack.comm);
    for (size_t i = stack.user_ids.size(); i-- != 0;) write_user(stack.user_ids[i]);
    for (size_t i = stack.user.size(); i-- != 0;) write_user(stack.user[i]);
    for (size_t i = stack.kernel.size(); i-- != 0;) write_kernel(stack.kernel[i]);
    char digits[24];
    sink_((text_writer(digits, sizeof digits) << " " << stack.count << "\n").finish());
  }

 private:
  // A semicolon would be read as the end of the name, and a line's end as that of the stack.
  constexpr void write_name(text name) noexcept {
    size_t begin = 0;
    for (size_t i = 0; i < name.size(); ++i) {
      if (name[i] != ';' && name[i] != '\n') continue;
      sink_(text(name.data() + begin, i - begin));
      sink_("_");
      begin = i + 1;
    }
    sink_(name.without_first(begin));
  }
  constexpr void write_user(u64 address) noexcept {
    sink_(";");
    const user_place found = names_.user != nullptr ? names_.user->find(address) : user_place{};
    if (found.path.empty()) return sink_(hex_digits(address));
    write_name(found.path.behind_last('/'));
    sink_(hex_digits(found.offset, "+"));
  }
  constexpr void write_user(const build_id_place& place) noexcept {
    if (place.status == build_id_place::state::address) return write_user(place.offset);
    char digits[2 * sizeof place.build_id];
    for (size_t i = 0; i < sizeof digits; ++i)
      digits[i] = "0123456789abcdef"[place.build_id[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    sink_(";");
    sink_(text(digits, sizeof digits));
    sink_(hex_digits(place.offset, "+"));
  }
  constexpr void write_kernel(u64 address) noexcept {
    sink_(";");
    const kernel_place found = names_.kernel != nullptr ? names_.kernel->find(address) : kernel_place{};
    if (found.symbol.empty())
      sink_(hex_digits(address));
    else
      write_name(found.symbol);
    sink_("_[k]");
  }

  const stack_names& names_;
  Sink& sink_;
};

}  // namespace detail

/// Writes a line such as "cat;libc.so.6+0x29d90;cat+0x3b21;do_syscall_64_[k];vfs_read_[k] 12": the process, its own
/// places and those of the kernel from the outermost to the innermost, and how often. `sink` is called with pieces of
/// text, the last of which ends the line.
/// Shape:    a function of the kernel is one frame wherever it was in it; so that of a process, of whose functions this
///           library knows nothing, is a frame for each place. Places without a name are numbers, and build ids are
///           named by their digits.
/// Lifetime: a piece is valid while `sink` runs.
/// Cost:     no system call and no allocation.
template <class Sink>
requires std::invocable<Sink&, text>
constexpr void write_folded(const counted_stack& stack, const stack_names& wanted, Sink&& sink) noexcept {
  detail::folded_writer<std::remove_reference_t<Sink>>(wanted, sink).write(stack);
}
/// Writes the same line into `buffer`.
/// Shape: returns the length of the line, whole or not: it is whole if that is at most `size`.
constexpr size_t write_folded(const counted_stack& stack, const stack_names& wanted, char* buffer,
                              size_t size) noexcept {
  size_t length = 0;
  write_folded(stack, wanted, [&](text piece) {
    for (const char c : piece) {
      if (length < size) buffer[length] = c;
      ++length;
    }
  });
  return length;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_FOLDED_HPP
