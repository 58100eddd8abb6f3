// SPDX-License-Identifier: MIT
// Room 3.3, core_path: what a CO-RE relocation names in the object's own types. It gives a type and numbers with
// colons between them: which element of it, which member of that, and so on.
#ifndef BAREBPF_CORE_PATH_HPP
#define BAREBPF_CORE_PATH_HPP

#include "btf_ext.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What a relocation is about.
enum class core_subject : u8 { field, type, enumerator };

[[nodiscard]] constexpr core_subject subject_of(abi::core_kind kind) noexcept {
  using enum abi::core_kind;
  if (kind <= field_rshift_u64) return core_subject::field;
  return kind == enumval_exists || kind == enumval_value ? core_subject::enumerator : core_subject::type;
}

/// One step from a type to a part of it.
struct core_step {
  btf_type from;    ///< what is left behind: a struct, a union or an array; the root itself at the first step
  u32 index = 0;    ///< which member, or which element
  btf_member to{};  ///< the member, where a struct or union is left
  u32 type = 0;     ///< id of what is there
  bool is_member = false;
};

/// Walks along what a relocation names. `next` until it is false; then `is_whole` tells whether that was the end.
class core_path {
 public:
  /// Source: BPF_CORE_SPEC_MAX_LEN in tools/lib/bpf/relo_core.h at v6.12.
  static constexpr u32 most_steps = 64;

  /// Begins at the type with the id `root`; `access` is the offset of the string.
  constexpr core_path(const btf& types, u32 root, u32 access) noexcept
      : types_(types), type_(root), at_(types.strings() + access) {}

  /// Takes the next step. The first stays at the root, as one of so many in a row.
  constexpr bool next(core_step& out) noexcept {
    u32 index = 0;
    if (count_ == most_steps || !take_number(index)) return false;
    out = {.from = types_.resolve(type_), .index = index, .type = type_};
    if (count_++ == 0) return true;
    using enum abi::btf_kind;
    const bool is_array = out.from.kind == array;
    out.is_member = out.from.kind == structure || out.from.kind == union_type;
    // The last member of a struct may be an array of no length that goes on behind it.
    const bool is_inside = is_array ? index < types_.length_of(out.from) || goes_on(out.from)
                                    : out.is_member && index < out.from.members;
    if (!is_inside) return fail();
    if (out.is_member) out.to = types_.member(out.from, index);
    was_last_ = out.is_member && index + 1 == out.from.members;
    out.type = type_ = is_array ? types_.element_of(out.from) : out.to.type;
    return true;
  }
  /// True when all of the string was taken.
  [[nodiscard]] constexpr bool is_whole() const noexcept { return is_whole_; }

  /// True when the type is there and the string fits it and the kind.
  [[nodiscard]] static constexpr bool leads_somewhere(const btf& types, u32 root, u32 access,
                                                      abi::core_kind kind) noexcept {
    if (types.type(root).id == 0 || !types.has_string(types.strings() + access)) return false;
    core_path path(types, root, access);
    core_step step;
    if (!path.next(step)) return false;
    switch (subject_of(kind)) {
      case core_subject::type:
        return path.is_whole() && step.index == 0;
      case core_subject::enumerator: {
        using enum abi::btf_kind;
        const bool is_enum = step.from.kind == enumeration || step.from.kind == enumeration64;
        return path.is_whole() && is_enum && step.index < step.from.members;
      }
      case core_subject::field:
        break;
    }
    while (path.next(step)) {
    }
    return path.is_whole();
  }

 private:
  constexpr bool fail() noexcept {
    is_whole_ = false;
    return false;
  }
  [[nodiscard]] constexpr bool goes_on(const btf_type& array) const noexcept {
    return was_last_ && types_.length_of(array) == 0;
  }
  // What comes next is a number of at most nine digits, which no struct has more members of, and an end or a colon.
  constexpr bool take_number(u32& out) noexcept {
    if (is_whole_) return false;
    const bytes& image = types_.image();
    u32 digits = 0;
    for (u8 c = image.read8(at_); c >= '0' && c <= '9'; c = image.read8(++at_)) {
      if (++digits > 9) return false;
      out = out * 10 + (c - u32{'0'});
    }
    const u8 behind = image.read8(at_);
    is_whole_ = behind == 0;
    if (behind == ':') ++at_;
    return digits != 0 && (is_whole_ || behind == ':') ? true : fail();
  }

  const btf& types_;
  u32 type_;
  u64 at_;
  u32 count_ = 0;
  bool was_last_ = false;
  bool is_whole_ = false;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_PATH_HPP
