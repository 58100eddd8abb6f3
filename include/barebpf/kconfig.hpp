// SPDX-License-Identifier: MIT
// Room 2.16, kconfig: lines of a kernel's configuration, and what they make of a variable that a program declares with
// __kconfig.
#ifndef BAREBPF_KCONFIG_HPP
#define BAREBPF_KCONFIG_HPP

#include "cause.hpp"
#include "reader.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What kind of value a __kconfig variable can have.
enum class kconfig_form : u8 {
  none,
  boolean,     ///< y or n
  tristate,    ///< y, n or m; `enum libbpf_tristate`
  character,   ///< y, n, m as that letter, or a number
  number,      ///< an integer of 1, 2, 4 or 8 bytes
  characters,  ///< a text in quotes
};

/// A __kconfig variable.
struct kconfig_slot {
  kconfig_form form = kconfig_form::none;
  bool is_signed = false;
  u32 size = 0;  ///< bytes
};

/// A line that sets an option: `CONFIG_HZ=250`.
/// Lifetime: looks at the line that was read.
struct kconfig_line {
  text option{};
  text value{};
};

/// Reads a line without its end into `out`. Lines that set nothing, such as comments, leave it empty.
/// Shape: false for one that begins with CONFIG_ and sets nothing.
[[nodiscard]] constexpr bool read_kconfig_line(text line, kconfig_line& out) noexcept {
  out = {};
  if (!line.starts_with("CONFIG_")) return true;
  detail::text_reader in(line);
  const text option = in.take_until('=');
  if (in.is_done()) return false;
  out = {option, in.rest()};
  return true;
}

namespace detail {

// A number as C writes it: 10, 0x1f, 017, -3.
constexpr bool read_c_number(text from, u64& out) noexcept {
  const bool is_negative = from.starts_with("-");
  if (is_negative || from.starts_with("+")) from = from.without_first(1);
  u64 base = 10;
  if (from.starts_with("0x") || from.starts_with("0X")) {
    base = 16;
    from = from.without_first(2);
  } else if (from.starts_with("0") && from.size() > 1) {
    base = 8;
  }
  out = 0;
  for (const char c : from) {
    const u64 digit = c >= '0' && c <= '9'   ? static_cast<u64>(c - '0')
                      : c >= 'a' && c <= 'f' ? static_cast<u64>(c - 'a' + 10)
                      : c >= 'A' && c <= 'F' ? static_cast<u64>(c - 'A' + 10)
                                             : 16;
    if (digit >= base || out > (~u64{0} - digit) / base) return false;
    out = out * base + digit;
  }
  if (is_negative) out = 0 - out;
  return !from.empty();
}

}  // namespace detail

/// Writes a number to a variable of `slot.size` bytes at `out`, in the machine's byte order.
/// Shape: kconfig_not_a_number for a variable that is none, kconfig_range for a number that does not fit; `none` else.
[[nodiscard]] constexpr cause set_kconfig_number(const kconfig_slot& slot, u64 value, u8* out) noexcept {
  using enum kconfig_form;
  if (slot.form == boolean && value > 1) return cause::kconfig_range;
  if (slot.form != number && slot.form != character && slot.form != boolean)
    return cause::kconfig_not_a_number;
  const u32 bits = slot.size * 8;
  if (bits < 64) {
    const bool fits = slot.is_signed ? value + (u64{1} << (bits - 1)) < u64{1} << bits : value >> bits == 0;
    if (!fits) return cause::kconfig_range;
  }
  for (u32 i = 0; i < slot.size; ++i)
    out[host_is_big_endian ? slot.size - 1 - i : i] = static_cast<u8>(value >> (i * 8));
  return cause::none;
}

/// Writes what stands behind the = of a line to a variable of `slot.size` bytes at `out`, in which there is nothing but
/// zeros. A text that is too long is cut, and always ends with a NUL.
/// Shape:  `none`, or why the value is none for this variable.
/// Source: what libbpf 1.1 takes.
[[nodiscard]] constexpr cause set_kconfig(const kconfig_slot& slot, text value, u8* out) noexcept {
  using enum kconfig_form;
  const char first = value.empty() ? '\0' : value[0];
  if (first == 'y' || first == 'n' || first == 'm') {
    switch (slot.form) {
      case boolean:
        if (first == 'm') return cause::kconfig_module;
        out[0] = first == 'y';
        return cause::none;
      case tristate: {
        const u8 number = first == 'y' ? 1 : first == 'm' ? 2 : 0;
        out[host_is_big_endian ? slot.size - 1 : 0] = number;
        return cause::none;
      }
      case character:
        out[0] = static_cast<u8>(first);
        return cause::none;
      default:
        return cause::kconfig_yes_or_no;
    }
  }
  if (first == '"') {
    if (slot.form != characters) return cause::kconfig_text;
    if (value.size() < 2 || value[value.size() - 1] != '"') return cause::bad_kconfig_line;
    for (u32 i = 0; i + 2 < value.size() && i + 1 < slot.size; ++i) out[i] = static_cast<u8>(value[i + 1]);
    return cause::none;
  }
  u64 read = 0;
  if (!detail::read_c_number(value, read)) return cause::bad_kconfig_line;
  // A bool of 0 or 1 is written y or n.
  return slot.form == boolean ? cause::kconfig_not_a_number : set_kconfig_number(slot, read, out);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KCONFIG_HPP
