// SPDX-License-Identifier: MIT
// Room 2.4, prefix: keys of an LPM trie, from text such as "10.0.0.0/8" and back to it.
#ifndef BAREBPF_PREFIX_HPP
#define BAREBPF_PREFIX_HPP

#include "layout.hpp"
#include "reader.hpp"
#include "result.hpp"
#include "writer.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The first bits of so many bytes, as the kernel takes them for the key of an LPM trie.
/// Shape:  the number of bits in the machine's byte order, then the bytes, the first bit in front.
/// Source: struct bpf_lpm_trie_key_u8 in include/uapi/linux/bpf.h at v6.12.
template <size_t Bytes>
struct lpm_key {
  static_assert(
      Bytes % 4 == 0 && Bytes != 0 && Bytes <= 256,
      "barebpf: an LPM trie compares 1 to 256 bytes, and C rounds the struct up to four of them, so ask for "
      "a multiple of 4 and leave the last ones zero");
  u32 prefixlen = 0;  ///< bits
  u8 data[Bytes] = {};

  friend constexpr bool operator==(const lpm_key& a, const lpm_key& b) noexcept {
    bool same = a.prefixlen == b.prefixlen;
    for (size_t i = 0; i < Bytes; ++i) same = same && a.data[i] == b.data[i];
    return same;
  }
};

// Programs call its members as they like.
template <size_t Bytes>
inline constexpr bool is_compared_by_size<lpm_key<Bytes>> = true;

/// A network, or an address with all 32 bits.
using ipv4_prefix = lpm_key<4>;
/// A network, or an address with all 128 bits.
using ipv6_prefix = lpm_key<16>;

namespace detail {

constexpr bool take_ipv4(text_reader& in, u8* out) noexcept {
  for (int i = 0; i < 4; ++i) {
    u32 number = 0;
    if ((i != 0 && !in.take(".")) || !in.take_number(10, 3, number) || number > 255) return false;
    out[i] = static_cast<u8>(number);
  }
  return true;
}

// Source: RFC 4291, 2.2.
constexpr bool take_ipv6(text_reader& in, u8* out) noexcept {
  constexpr u32 size = 16, nowhere = 99;
  u8 bytes[size] = {};
  u32 used = 0, gap = nowhere;
  if (in.take("::")) gap = 0;
  while (used < size && !in.is_done() && !in.is_next("/")) {
    if (used != 0 && used != gap && !in.take(":")) return false;
    text_reader as_ipv4 = in;
    if (used + 4 <= size && take_ipv4(as_ipv4, bytes + used)) {
      in = as_ipv4;
      used += 4;
      break;
    }
    u32 group = 0;
    if (!in.take_number(16, 4, group)) return false;
    bytes[used] = static_cast<u8>(group >> 8);
    bytes[used + 1] = static_cast<u8>(group);
    used += 2;
    if (in.is_next("::")) {
      if (gap != nowhere) return false;
      static_cast<void>(in.take("::"));
      gap = used;
    }
  }
  if ((gap == nowhere) != (used == size)) return false;  // a gap stands for a group at least
  for (u32 i = 0; i < size; ++i) out[i] = 0;
  const u32 behind = gap == nowhere ? 0 : used - gap;
  for (u32 i = 0; i < used - behind; ++i) out[i] = bytes[i];
  for (u32 i = 0; i < behind; ++i) out[size - behind + i] = bytes[used - behind + i];
  return true;
}

template <size_t Bytes>
constexpr result<lpm_key<Bytes>> read_prefix(text whole) noexcept {
  const auto wrong = [whole](cause why) { return error{.at = step::read_prefix, .why = why}.about(whole); };
  lpm_key<Bytes> out{.prefixlen = Bytes * 8};
  text_reader in(whole);
  const bool is_address = Bytes == 4 ? take_ipv4(in, out.data) : take_ipv6(in, out.data);
  if (!is_address) return wrong(cause::bad_address);
  if (in.take("/") && (!in.take_number(10, 3, out.prefixlen) || out.prefixlen > Bytes * 8))
    return wrong(cause::bad_prefix_length);
  if (!in.is_done()) return wrong(cause::bad_address);
  for (size_t bit = out.prefixlen; bit < Bytes * 8; ++bit)
    if ((out.data[bit / 8] >> (7 - bit % 8) & 1) != 0) return wrong(cause::bits_behind_prefix);
  return out;
}

}  // namespace detail

/// The network that "10.0.0.0/8" names, or the address "10.0.0.1" with all its bits.
/// Errors: bad_address, bad_prefix_length, bits_behind_prefix, about the text.
[[nodiscard]] constexpr result<ipv4_prefix> read_ipv4_prefix(text whole) noexcept {
  return detail::read_prefix<4>(whole);
}
/// The network that "2001:db8::/32" names, or the address "::1" with all its bits.
/// Errors: as for `read_ipv4_prefix`.
[[nodiscard]] constexpr result<ipv6_prefix> read_ipv6_prefix(text whole) noexcept {
  return detail::read_prefix<16>(whole);
}

/// Writes "10.0.0.0/8" into `buffer`, with a NUL behind it; 19 bytes are always enough.
constexpr text describe(const ipv4_prefix& what, char* buffer, size_t size) noexcept {
  detail::text_writer out(buffer, size);
  for (int i = 0; i < 4; ++i) out << (i == 0 ? text() : text(".")) << u64{what.data[i]};
  return (out << "/" << u64{what.prefixlen}).finish();
}
/// Writes "2001:db8::/32" into `buffer`, with a NUL behind it; 44 bytes are always enough.
/// Source: RFC 5952, 4: the longest row of zeros is left out, the first of equals.
constexpr text describe(const ipv6_prefix& what, char* buffer, size_t size) noexcept {
  constexpr int groups = 8;
  const auto group = [&what](int i) { return u32{what.data[i * 2]} << 8 | what.data[i * 2 + 1]; };
  int gap = groups, longest = 1;
  for (int i = 0; i < groups; ++i) {
    int length = 0;
    while (i + length < groups && group(i + length) == 0) ++length;
    if (length > longest) gap = i, longest = length;
  }
  detail::text_writer out(buffer, size);
  for (int i = 0; i < groups; ++i) {
    if (i == gap) {
      out << "::";
      i += longest - 1;
      continue;
    }
    if (i != 0 && i != gap + longest) out << ":";
    bool begun = false;
    for (int shift = 12; shift >= 0; shift -= 4) {
      const u32 digit = group(i) >> shift & 15;
      begun = begun || digit != 0 || shift == 0;
      if (begun) out << text(&"0123456789abcdef"[digit], 1);
    }
  }
  return (out << "/" << u64{what.prefixlen}).finish();
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PREFIX_HPP
