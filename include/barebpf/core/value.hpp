// SPDX-License-Identifier: MIT
// Room 5.1, core/value: what a CO-RE relocation is worth: to the object, whose types it names, and to a kernel, in one
// of whose types the same is looked for, each member by its name.
// Source: tools/lib/bpf/relo_core.c at v6.12.
#ifndef BAREBPF_CORE_VALUE_HPP
#define BAREBPF_CORE_VALUE_HPP

#include "match.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What a relocation names, step by step, on one of both sides. What has no name on the way is passed over: it may be
/// there on one side alone.
struct core_spec {
  struct part {
    u64 name = 0;    ///< where the name of the member stands; 0 for one of so many in a row
    u32 index = 0;   ///< which member, or which of so many
    u32 holder = 0;  ///< id of the struct, or of what there are many of
    u32 type = 0;    ///< id of what is there
  };
  part parts[core_path::most_steps];
  u32 count = 0;
  u32 root = 0;
  u64 bit = 0;  ///< where it begins, counted from where the root begins

  [[nodiscard]] constexpr const part& last() const noexcept { return parts[count - 1]; }
};

/// What comes of a relocation.
struct core_value {
  cause fault = cause::none;  ///< it cannot be done, and the object is at fault
  bool is_missing = false;    ///< the kernel has no such thing, so the instruction must never be reached
  bool is_sure = true;        ///< the compiler knew as well what it was worth to the object
  bool loses_sign = false;    ///< the field has another size and is no plain number, so that no load fits it
  u64 old_number = 0;         ///< what the instruction holds
  u64 number = 0;             ///< what it is to hold
  u32 old_size = 0;           ///< bytes of the field, where a load may have to change with it
  u32 size = 0;
};

/// The two sides of relocations: an object's types and a kernel's.
/// Lifetime: looks at both as long as it lives.
class core_sides {
 public:
  constexpr core_sides(const btf& local, const btf& target) noexcept
      : local_(local), target_(target), match_(local, target) {}

  [[nodiscard]] constexpr const btf& local() const noexcept { return local_; }
  [[nodiscard]] constexpr const btf& target() const noexcept { return target_; }

  /// What the relocation names among the object's types.
  /// Errors: false when that is not there.
  constexpr bool read(const abi::core_relo& relocation, core_spec& out) const noexcept {
    const auto kind = static_cast<abi::core_kind>(relocation.kind);
    if (relocation.kind >= abi::core_kinds ||
        !core_path::leads_somewhere(local_, relocation.type_id, relocation.access_str_off, kind))
      return false;
    out.count = 0;
    out.root = relocation.type_id;
    out.bit = 0;
    core_path path(local_, relocation.type_id, relocation.access_str_off);
    for (core_step step; path.next(step);) {
      if (subject_of(kind) == core_subject::enumerator) {
        out.parts[out.count++] = {.name = core_match::enumerator_name(local_, step.from, step.index),
                                  .index = step.index,
                                  .holder = step.from.id};
        continue;
      }
      if (step.is_member) {
        out.bit += bit_of(local_, step.from, step.to);
        if (local_.image().read8(step.to.name) == 0) continue;
        out.parts[out.count++] = {step.to.name, step.index, step.from.id, step.type};
        continue;
      }
      if (!pass(local_, step.index, step.type, out)) return false;
    }
    return true;
  }

  /// Looks for the same in the kernel's type `candidate`.
  constexpr core_fit find(abi::core_kind kind, const core_spec& wanted, u32 candidate,
                          core_spec& out) noexcept {
    out.count = 0;
    out.root = candidate;
    out.bit = 0;
    switch (subject_of(kind)) {
      case core_subject::type:
        return kind == abi::core_kind::type_matches ? match_.types_match(wanted.root, candidate)
                                                    : match_.types_fit(wanted.root, candidate);
      case core_subject::enumerator:
        return find_enumerator(wanted, candidate, out);
      case core_subject::field:
        break;
    }
    visits_ = 0;
    for (u32 i = 0; i < wanted.count; ++i) {
      const core_spec::part& part = wanted.parts[i];
      if (part.name != 0) {
        if (const core_fit fit = find_member(part, candidate, 0, out); fit != core_fit::yes) return fit;
        candidate = out.last().type;
        continue;
      }
      if (i != 0) {
        const btf_type array = target_.resolve(candidate);
        if (array.kind != abi::btf_kind::array) return core_fit::no;
        if (part.index >= target_.length_of(array) && !goes_on(target_, array, out.last()))
          return core_fit::no;
        candidate = target_.element_of(array);
      }
      if (!pass(target_, part.index, candidate, out)) return core_fit::endless;
    }
    return core_fit::yes;
  }

  /// What the relocation is worth to the object, and to the kernel where `found` is what it has there; nullptr when it
  /// has nothing.
  [[nodiscard]] constexpr core_value value_of(abi::core_kind kind, const core_spec& wanted,
                                              const core_spec* found) const noexcept {
    using enum abi::core_kind;
    core_value out;
    switch (kind) {
      case type_id_local:
        out.is_sure = false;
        out.old_number = out.number = wanted.root;
        return out;
      case type_id_target:
        out.is_sure = false;  // linkers renumber types
        out.old_number = wanted.root;
        out.number = found == nullptr ? 0 : found->root;
        return out;
      case field_exists:
      case type_exists:
      case type_matches:
      case enumval_exists:
        out.old_number = 1;
        out.number = found != nullptr ? 1 : 0;
        return out;
      case type_size:
        out.old_number = local_.size_of(wanted.root);
        out.number = found == nullptr ? 0 : target_.size_of(found->root);
        return out;
      case enumval_value:
        out.is_missing = found == nullptr;
        out.old_number = enumerator_value(local_, wanted);
        if (found != nullptr) out.number = enumerator_value(target_, *found);
        return out;
      default:
        break;
    }
    side here, there;
    out.fault = measure(local_, kind, wanted, here);
    if (out.fault != cause::none) return out;
    out.is_sure = here.is_sure;
    out.old_number = here.number;
    out.old_size = here.size;
    out.is_missing = found == nullptr;
    if (found == nullptr) return out;
    out.fault = measure(target_, kind, *found, there);
    out.number = there.number;
    out.size = there.size;
    out.loses_sign = here.size != there.size && !widens(local_, here.type, target_, there.type);
    return out;
  }

  /// Shifts left so that a bit field begins at the top of 64 bits, once `size` bytes from `first` on are loaded, all
  /// but the last in bits.
  [[nodiscard]] static constexpr u64 left_shift(u64 bit, u32 bits, u64 first, u32 size,
                                                bool is_big_endian) noexcept {
    return is_big_endian ? (u64{8} - size) * 8 + (bit - first * 8) : 64 - (bit + bits - first * 8);
  }

 private:
  // What one side makes of a field.
  struct side {
    u64 number = 0;
    u32 size = 0;
    u32 type = 0;
    bool is_sure = true;
  };

  // Where a member begins, and over how many bits it goes: 0 for all of its type.
  [[nodiscard]] static constexpr u32 bit_of(const btf& types, const btf_type& of,
                                            const btf_member& member) noexcept {
    const u32 word = types.image().read32(member.at + 8);
    return types.is_flagged(of) ? word & 0xffffff : word;
  }
  [[nodiscard]] static constexpr u32 bits_of(const btf& types, const btf_type& of,
                                             const btf_member& member) noexcept {
    return types.is_flagged(of) ? types.image().read32(member.at + 8) >> 24 : 0;
  }
  // The last member of a struct may be an array of no length that goes on behind it.
  [[nodiscard]] static constexpr bool goes_on(const btf& types, const btf_type& array,
                                              const core_spec::part& holder) noexcept {
    return types.length_of(array) == 0 && holder.name != 0 &&
           holder.index + 1 == types.type(holder.holder).members;
  }
  // Goes to one of many in a row.
  static constexpr bool pass(const btf& types, u32 index, u32 type, core_spec& out) noexcept {
    if (out.count == core_path::most_steps) return false;
    out.parts[out.count++] = {.index = index, .holder = type, .type = type};
    const u64 bits = u64{types.size_of(type)} * 8;
    if (index != 0 && bits > (u64{1} << 40) / index) return false;  // no memory is so large
    out.bit += index * bits;
    return true;
  }

  constexpr core_fit find_enumerator(const core_spec& wanted, u32 candidate, core_spec& out) noexcept {
    const btf_type type = target_.resolve(candidate);
    if (!core_match::is_enum(type.kind)) return core_fit::no;
    for (u32 i = 0; i < type.members; ++i) {
      const u64 name = core_match::enumerator_name(target_, type, i);
      if (!match_.same_essence(wanted.parts[0].name, name)) continue;
      out.parts[out.count++] = {.name = name, .index = i, .holder = type.id};
      return core_fit::yes;
    }
    return core_fit::no;
  }
  // A member of this name, in `candidate` or in what has no name inside it.
  constexpr core_fit find_member(const core_spec::part& wanted, u32 candidate, u32 depth,
                                 core_spec& out) noexcept {
    const btf_type type = target_.resolve(candidate);
    if (!core_match::is_composite(type.kind)) return core_fit::no;
    if (depth == core_path::most_steps || out.count == core_path::most_steps) return core_fit::endless;
    for (u32 i = 0; i < type.members; ++i) {
      if (++visits_ > most_visits) return core_fit::endless;
      const btf_member member = target_.member(type, i);
      const u32 bit = bit_of(target_, type, member);
      if (target_.image().read8(member.name) == 0) {
        out.bit += bit;
        if (const core_fit fit = find_member(wanted, member.type, depth + 1, out); fit != core_fit::no)
          return fit;
        out.bit -= bit;
      } else if (match_.same_name(wanted.name, member.name)) {
        const core_fit fit = match_.fields_fit(wanted.type, member.type);
        if (fit != core_fit::yes) return fit;
        out.bit += bit;
        out.parts[out.count++] = {member.name, i, type.id, member.type};
        return fit;
      }
    }
    return core_fit::no;
  }

  [[nodiscard]] static constexpr u64 enumerator_value(const btf& types, const core_spec& of) noexcept {
    const btf_type type = types.type(of.parts[0].holder);
    const u64 at = core_match::enumerator_at(type, of.parts[0].index) + 4;
    const u32 low = types.image().read32(at);
    // As libbpf does, the number of a narrow enum has a sign whatever its flag says.
    if (type.kind == abi::btf_kind::enumeration) return static_cast<u64>(s64{static_cast<s32>(low)});
    return low | u64{types.image().read32(at + 4)} << 32;
  }

  // What a field is worth to the side that has these types.
  [[nodiscard]] static constexpr cause measure(const btf& types, abi::core_kind kind, const core_spec& of,
                                               side& out) noexcept {
    using enum abi::core_kind;
    const core_spec::part& last = of.last();
    const btf_type type = types.resolve(last.type);
    u32 size = types.size_of(last.type);
    u64 first = of.bit / 8;
    if (last.name == 0) {  // one of many, of which only place and size can be asked
      if (kind != field_byte_offset && kind != field_byte_size) return cause::bad_core;
      out.number = kind == field_byte_size ? size : first;
      if (kind == field_byte_offset) out.size = size, out.type = type.id;
      return cause::none;
    }
    const btf_type holder = types.type(last.holder);
    u32 bits = bits_of(types, holder, types.member(holder, last.index));
    const bool is_bit_field = bits != 0;
    if (is_bit_field) {
      // The smallest load of a natural size that has all of it.
      if (size == 0 || size > 16) return cause::bad_core;
      first = of.bit / 8 / size * size;
      while (of.bit + bits - first * 8 > u64{size} * 8) {
        if (size >= 8) return cause::core_too_wide;
        size *= 2;
        first = of.bit / 8 / size * size;
      }
    } else {
      bits = size * 8;
    }
    // Where a bit field lies is a matter of taste, so that compilers may have had another one.
    out.is_sure = !is_bit_field || kind == field_signed || kind == field_rshift_u64;
    switch (kind) {
      case field_byte_offset:
        out.number = first;
        if (!is_bit_field) out.size = size, out.type = type.id;
        break;
      case field_byte_size:
        out.number = size;
        break;
      case field_signed:
        out.number = (core_match::is_enum(type.kind) && types.is_flagged(type)) ||
                     types.form_of(type.id) == number_form::signed_number;
        break;
      case field_lshift_u64:
        out.number = left_shift(of.bit, bits, first, size, types.image().reads_big_endian());
        break;
      default:  // field_rshift_u64
        out.number = u64{64} - bits;
        break;
    }
    return cause::none;
  }
  // True when a load of another size gives the same number: of pointers, and of numbers without a sign.
  [[nodiscard]] static constexpr bool widens(const btf& local, u32 here, const btf& target,
                                             u32 there) noexcept {
    const auto is_plain = [](const btf& types, u32 id) {
      const btf_type type = types.type(id);
      const u32 encoding = types.image().read32(type.tail()) >> 24 & 0xf;
      return type.kind == abi::btf_kind::integer && encoding != abi::btf_integer_is_signed;
    };
    const auto is_pointer = [](const btf& types, u32 id) {
      return types.type(id).kind == abi::btf_kind::pointer;
    };
    return (is_pointer(local, here) && is_pointer(target, there)) ||
           (is_plain(local, here) && is_plain(target, there));
  }

  static constexpr u32 most_visits = 1 << 18;  // of members, because what has no name can nest and multiply

  const btf& local_;
  const btf& target_;
  core_match match_;
  u32 visits_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_VALUE_HPP
