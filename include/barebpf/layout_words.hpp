// SPDX-License-Identifier: MIT
// Room 3.11, layout_words: a difference between a C++ type and an object's in words.
#ifndef BAREBPF_LAYOUT_WORDS_HPP
#define BAREBPF_LAYOUT_WORDS_HPP

#include "describe.hpp"
#include "layout_match.hpp"
#include "writer.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Writes a difference into `buffer`: "ports[].source: 4 bytes at 8 in the object, 4 bytes at 12 in C++: it lies at another
/// offset, so ...". 512 bytes are always enough.
constexpr text describe(const layout_difference& what, char* buffer, size_t size) noexcept {
  detail::text_writer out(buffer, size);
  if (!text(what.member).empty()) out << what.member << ": ";
  if (what.in_object.size != 0)
    out << what.in_object.size << " bytes at " << what.in_object.offset << " in the object, ";
  if (what.in_cxx.size != 0) out << what.in_cxx.size << " bytes at " << what.in_cxx.offset << " in C++";
  if (!text(what.cxx_member).empty()) out << " as " << what.cxx_member;
  if (what.in_cxx.size == 0) out << "none in C++";
  // The sentence without whose types they are.
  constexpr text mark = "at a member: ";
  text why = cause_sentence(what.why);
  for (size_t i = 0; i + mark.size() < why.size(); ++i)
    if (why.without_first(i).starts_with(mark)) why = why.without_first(i + mark.size());
  out << ": " << why;
  return out.finish();
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LAYOUT_WORDS_HPP
