// SPDX-License-Identifier: MIT
// Room 5.0, core/match: whether a type of the object and one of the kernel are the same to CO-RE. There are three
// questions: one for what a field holds, one for a type that is looked for, and one that compares all of it.
// Source: tools/lib/bpf/relo_core.c at v6.12, which is the kernel's own too.
#ifndef BAREBPF_CORE_MATCH_HPP
#define BAREBPF_CORE_MATCH_HPP

#include "../core_path.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The answer. Types that refer to each other without end are neither.
enum class core_fit : u8 { no, yes, endless };

/// How many characters of the name at `at` count: what follows the last "___" between others is a flavour, there to
/// have several versions of a type in one program.
[[nodiscard]] constexpr u32 essential_length(const bytes& image, u64 at) noexcept {
  u32 length = 0, essential = 0, underscores = 0;
  for (u8 c = image.read8(at); c != 0; c = image.read8(at + ++length)) {
    if (c == '_') {
      ++underscores;
      continue;
    }
    if (underscores == 3 && length > 3) essential = length - 3;
    underscores = 0;
  }
  return essential == 0 ? length : essential;
}

/// A type of the object beside one of the kernel.
class core_match {
 public:
  constexpr core_match(const btf& local, const btf& target) noexcept : local_(local), target_(target) {}

  /// True when both names are the same without their flavours.
  [[nodiscard]] constexpr bool same_essence(u64 local_name, u64 target_name) const noexcept {
    const bytes &here = local_.image(), &there = target_.image();
    const u32 length = essential_length(here, local_name);
    if (essential_length(there, target_name) != length) return false;
    for (u32 i = 0; i < length; ++i)
      if (here.read8(local_name + i) != there.read8(target_name + i)) return false;
    return true;
  }
  /// True when both names are the same.
  [[nodiscard]] constexpr bool same_name(u64 local_name, u64 target_name) const noexcept {
    const bytes &here = local_.image(), &there = target_.image();
    for (u64 i = 0;; ++i) {
      const u8 c = here.read8(local_name + i);
      if (c != there.read8(target_name + i)) return false;
      if (c == 0) return true;
    }
  }
  /// True when types of these kinds may be the same; an enum is one, however wide.
  [[nodiscard]] static constexpr bool same_kind(abi::btf_kind local, abi::btf_kind target) noexcept {
    return local == target || (is_enum(local) && is_enum(target));
  }
  [[nodiscard]] static constexpr bool is_enum(abi::btf_kind kind) noexcept {
    return kind == abi::btf_kind::enumeration || kind == abi::btf_kind::enumeration64;
  }
  [[nodiscard]] static constexpr bool is_composite(abi::btf_kind kind) noexcept {
    return kind == abi::btf_kind::structure || kind == abi::btf_kind::union_type;
  }

  /// Whether fields of these types may be one: any two structs or unions, pointers, floats, arrays of such, numbers of
  /// whatever size, and enums of one name or none.
  [[nodiscard]] constexpr core_fit fields_fit(u32 local, u32 target) const noexcept {
    using enum abi::btf_kind;
    for (u32 depth = 0; depth < deepest; ++depth) {
      const btf_type here = local_.resolve(local), there = target_.resolve(target);
      if (is_composite(here.kind) && is_composite(there.kind)) return core_fit::yes;
      if (!same_kind(here.kind, there.kind)) return core_fit::no;
      switch (here.kind) {
        case pointer:
        case floating:
          return core_fit::yes;
        case forward:
        case enumeration:
        case enumeration64:
          return to_fit(local_.image().read8(here.name) == 0 || target_.image().read8(there.name) == 0 ||
                        same_essence(here.name, there.name));
        case integer:
          return to_fit(is_plain(local_, here) && is_plain(target_, there));
        case array:
          local = local_.element_of(here);
          target = target_.element_of(there);
          break;
        default:
          return core_fit::no;
      }
    }
    return core_fit::endless;
  }

  /// Whether a type that is looked for is there: of the same kind, and so is what it points to, has in it or takes.
  /// The names of the two themselves are known to be the same.
  [[nodiscard]] constexpr core_fit types_fit(u32 local, u32 target) noexcept {
    visits_ = 0;
    if (!same_kind(local_.type(local).kind, target_.type(target).kind)) return core_fit::no;
    return types_fit(local, target, deepest);
  }

  /// Whether all of a type is there: each of its members under its name, with a type that matches, and each number of
  /// an enum. What stands behind a pointer is only called the same.
  [[nodiscard]] constexpr core_fit types_match(u32 local, u32 target) noexcept {
    visits_ = 0;
    return types_match(local, target, false, deepest);
  }

 private:
  static constexpr u32 deepest = 32;  // as deep as libbpf goes; the kernel goes less deep into what is nested
  static constexpr u32 most_visits = 1 << 18;  // of pairs of types or names, because nested ones can multiply

  [[nodiscard]] static constexpr core_fit to_fit(bool fits) noexcept {
    return fits ? core_fit::yes : core_fit::no;
  }
  // An old way to write bit fields gives a number an offset.
  [[nodiscard]] static constexpr bool is_plain(const btf& types, const btf_type& number) noexcept {
    return (types.image().read32(number.tail()) >> 16 & 0xff) == 0;
  }

  [[nodiscard]] constexpr core_fit types_fit(u32 local, u32 target, u32 level) noexcept {
    using enum abi::btf_kind;
    for (u32 depth = 0; depth < deepest; ++depth) {
      if (++visits_ > most_visits) return core_fit::endless;
      const btf_type here = local_.resolve(local), there = target_.resolve(target);
      if (!same_kind(here.kind, there.kind)) return core_fit::no;
      switch (here.kind) {
        case void_type:
        case structure:
        case union_type:
        case enumeration:
        case enumeration64:
        case forward:
          return core_fit::yes;
        case integer:
          return to_fit(is_plain(local_, here) && is_plain(target_, there));
        case pointer:
          local = here.size_or_type;
          target = there.size_or_type;
          break;
        case array:
          local = local_.element_of(here);
          target = target_.element_of(there);
          break;
        case function_prototype:
          if (here.members != there.members) return core_fit::no;
          if (here.members != 0 && level == 0) return core_fit::endless;
          for (u32 i = 0; i < here.members; ++i)
            if (const core_fit fit =
                    types_fit(local_.parameter(here, i), target_.parameter(there, i), level - 1);
                fit != core_fit::yes)
              return fit;
          local = here.size_or_type;
          target = there.size_or_type;
          break;
        default:
          return core_fit::no;
      }
    }
    return core_fit::endless;
  }

  [[nodiscard]] constexpr core_fit types_match(u32 local, u32 target, bool is_behind_pointer,
                                               u32 level) noexcept {
    using enum abi::btf_kind;
    if (level == 0) return core_fit::endless;
    for (u32 depth = 0; depth < deepest; ++depth) {
      if (++visits_ > most_visits) return core_fit::endless;
      const btf_type here = local_.resolve(local), there = target_.resolve(target);
      if (here.id == 0 || there.id == 0) return to_fit(here.id == there.id);
      if (!same_essence(here.name, there.name)) return core_fit::no;
      const bool same = here.kind == there.kind;
      // The flag of what is only declared says which of both it is.
      const auto is_declared_as = [](const btf& types, const btf_type& declared, abi::btf_kind kind) {
        return declared.kind == forward && (kind == union_type) == types.is_flagged(declared);
      };
      switch (here.kind) {
        case forward:
          if (same) return to_fit(local_.is_flagged(here) == target_.is_flagged(there));
          return to_fit(is_behind_pointer && is_composite(there.kind) &&
                        is_declared_as(local_, here, there.kind));
        case enumeration:
        case enumeration64:
          return to_fit(is_enum(there.kind) && enums_match(here, there));
        case structure:
        case union_type:
          if (is_behind_pointer) return to_fit(same || is_declared_as(target_, there, here.kind));
          return same ? members_match(here, there, level) : core_fit::no;
        case integer:
          return to_fit(same && here.size_or_type == there.size_or_type &&
                        local_.form_of(here.id) == target_.form_of(there.id));
        case pointer:
          if (!same) return core_fit::no;
          is_behind_pointer = true;
          local = here.size_or_type;
          target = there.size_or_type;
          break;
        case array:
          if (!same || local_.length_of(here) != target_.length_of(there)) return core_fit::no;
          local = local_.element_of(here);
          target = target_.element_of(there);
          break;
        case function_prototype:
          if (!same || here.members != there.members) return core_fit::no;
          for (u32 i = 0; i < here.members; ++i)
            if (const core_fit fit = types_match(local_.parameter(here, i), target_.parameter(there, i),
                                                 is_behind_pointer, level - 1);
                fit != core_fit::yes)
              return fit;
          local = here.size_or_type;
          target = there.size_or_type;
          break;
        default:
          return core_fit::no;
      }
    }
    return core_fit::endless;
  }
  [[nodiscard]] constexpr core_fit members_match(const btf_type& here, const btf_type& there,
                                                 u32 level) noexcept {
    if (here.members > there.members) return core_fit::no;
    for (u32 i = 0; i < here.members; ++i) {
      const btf_member wanted = local_.member(here, i);
      core_fit fit = core_fit::no;
      for (u32 k = 0; fit == core_fit::no && k < there.members; ++k) {
        if (++visits_ > most_visits) return core_fit::endless;
        const btf_member found = target_.member(there, k);
        if (same_essence(wanted.name, found.name))
          fit = types_match(wanted.type, found.type, false, level - 1);
      }
      if (fit != core_fit::yes) return fit;
    }
    return core_fit::yes;
  }
  [[nodiscard]] constexpr bool enums_match(const btf_type& here, const btf_type& there) noexcept {
    if (here.size_or_type != there.size_or_type || here.members > there.members) return false;
    for (u32 i = 0; i < here.members; ++i) {
      const u64 wanted = enumerator_name(local_, here, i);
      bool is_there = false;
      for (u32 k = 0; !is_there && k < there.members && ++visits_ <= most_visits; ++k)
        is_there = same_essence(wanted, enumerator_name(target_, there, k));
      if (!is_there) return false;
    }
    return true;
  }

 public:
  /// Where the record of a number of an enum stands: its name, and 4 or 8 bytes.
  [[nodiscard]] static constexpr u64 enumerator_at(const btf_type& of, u32 index) noexcept {
    return of.tail() + u64{index} * (of.kind == abi::btf_kind::enumeration ? 8 : 12);
  }
  [[nodiscard]] static constexpr u64 enumerator_name(const btf& types, const btf_type& of,
                                                     u32 index) noexcept {
    return types.strings() + types.image().read32(enumerator_at(of, index));
  }

 private:
  const btf& local_;
  const btf& target_;
  u32 visits_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_MATCH_HPP
