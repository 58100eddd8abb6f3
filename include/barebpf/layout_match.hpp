// SPDX-License-Identifier: MIT
// Room 3.10, layout_match: a C++ type held against a type of an object, member by member. Names of types do not count;
// names of members, and where and what they are, do.
#ifndef BAREBPF_LAYOUT_MATCH_HPP
#define BAREBPF_LAYOUT_MATCH_HPP

#include "btf.hpp"
#include "layout.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Where a member lies in its struct, in bytes; two types, so that a compiler that prints them says which is which.
struct place_in_object {
  u32 offset = 0;
  u32 size = 0;
};
struct place_in_cxx {
  u32 offset = 0;
  u32 size = 0;
};

/// One difference between a C++ type and a type of an object.
struct layout_difference {
  cause why = cause::none;
  name<64> member{};            ///< in the object, as "flow.ports[].source"; empty for the type as a whole
  name<32> cxx_member{};        ///< what the C++ type has at its place, where that has another name
  place_in_object in_object{};  ///< nothing where the object does not have it
  place_in_cxx in_cxx{};        ///< nothing where the C++ type does not have it
};

namespace detail {

constexpr cause cause_of(unseen why) noexcept {
  constexpr cause causes[] = {cause::none,        cause::unseen_hidden,
                              cause::unseen_base, cause::unseen_nameless,
                              cause::unseen_many, cause::unseen_placed};
  return causes[static_cast<u8>(why)];
}

// Tells `sink` each difference; one that has had enough says false.
template <class Sink>
class layout_matcher {
 public:
  constexpr layout_matcher(const btf& types, Sink& sink) noexcept : types_(types), sink_(sink) {}

  // Shape: false when `sink` wants no more.
  constexpr bool match(u32 id, const layout& cxx) noexcept { return match_type(id, cxx, {}, {}, 0); }

 private:
  static constexpr u32 deepest = 16;
  // As many as one struct of BTF can have. In one that is damaged structs may hold each other many times over.
  static constexpr u32 most_members = 0xffff;

  constexpr bool report(cause why, const place_in_object& in_object, const place_in_cxx& in_cxx,
                        text cxx_member = {}) noexcept {
    ++told_;
    const layout_difference found{why, path_, name<32>::cut(cxx_member), in_object, in_cxx};
    return sink_(found);
  }

  // A longer path loses its end.
  constexpr size_t path_size() const noexcept { return path_size_; }
  constexpr void append(text more) noexcept {
    for (const char c : more)
      if (path_size_ + 1 < sizeof path_.characters) path_.characters[path_size_++] = c;
  }
  constexpr void append_name(u64 at) noexcept {
    if (path_size_ != 0) append(".");
    path_size_ +=
        types_.image().copy_string(at, path_.characters + path_size_, sizeof path_.characters - path_size_);
  }
  constexpr void cut_path(size_t size) noexcept {
    while (path_size_ > size) path_.characters[--path_size_] = '\0';
  }

  constexpr bool is_nameless(const btf_member& member) const noexcept {
    return types_.image().read8(member.name) == 0;
  }
  // Calls `f` with each member that has a name, those of structs without a name too, as C has them; of unions without a
  // name only where the layout is stated, for C++ has nothing of the kind that could be seen.
  template <class F>
  constexpr bool each_member(const btf_type& type, bool is_stated, F& f) noexcept {
    u32 left = most_members;
    return each_member(type, 0, is_stated, 0, left, f);
  }
  template <class F>
  constexpr bool each_member(const btf_type& type, u32 first_bit, bool is_stated, u32 depth, u32& left,
                             F& f) noexcept {
    for (u32 i = 0; i < type.members && left != 0; ++i, --left) {
      const btf_member member = types_.member(type, i);
      btf::bit_range place = types_.place_of(type, member);
      place.bit += first_bit;
      if (is_nameless(member)) {
        const btf_type inner = types_.resolve(member.type);
        const bool goes_in =
            inner.kind == abi::btf_kind::structure || (inner.kind == abi::btf_kind::union_type && is_stated);
        if (goes_in && depth < deepest) {
          if (!each_member(inner, place.bit, is_stated, depth + 1, left, f)) return false;
          if (left == 0) return true;
          continue;
        }
        if (inner.kind != abi::btf_kind::union_type) continue;  // bits that nobody can name
      }
      if (!f(member, place)) return false;
    }
    return true;
  }
  constexpr const layout_member* find(const layout& cxx, u64 name) const noexcept {
    for (u32 i = 0; i < cxx.count; ++i)
      if (types_.image().string_is(name, cxx.members[i].name)) return &cxx.members[i];
    return nullptr;
  }
  static constexpr const layout_member* find_at(const layout& cxx, u32 bit) noexcept {
    for (u32 i = 0; i < cxx.count; ++i)
      if (cxx.members[i].bit == bit) return &cxx.members[i];
    return nullptr;
  }
  constexpr bool has(const btf_type& type, bool is_stated, text wanted) noexcept {
    auto is_another = [&](const btf_member& member, const btf::bit_range&) {
      return !types_.image().string_is(member.name, wanted);
    };
    return !each_member(type, is_stated, is_another);
  }
  // True when something of the object begins at this bit, or lies over those from it on.
  constexpr bool has_at(const btf_type& type, bool is_stated, u32 bit, u32 width) noexcept {
    auto is_elsewhere = [&](const btf_member& member, const btf::bit_range& place) {
      const u64 end = place.bit + (place.width != 0 ? place.width : u64{types_.size_of(member.type)} * 8);
      return place.bit >= u64{bit} + width || end <= bit;
    };
    return !each_member(type, is_stated, is_elsewhere);
  }
  static constexpr place_in_cxx place_of(const layout_member& member) noexcept {
    return {member.bit / 8, member.width != 0 ? (member.width + 7) / 8 : member.type->size};
  }
  constexpr place_in_object place_of(const btf_member& member, const btf::bit_range& place) const noexcept {
    return {place.bit / 8, place.width != 0 ? (place.width + 7) / 8 : types_.size_of(member.type)};
  }

  constexpr bool match_members(const btf_type& type, const layout& cxx, u32 depth) noexcept {
    const size_t before = path_size();
    u32 in_both = 0;
    auto compare = [&](const btf_member& member, const btf::bit_range& place) {
      cut_path(before);
      const bool nameless = is_nameless(member);
      if (nameless)
        append(before == 0 ? "(union)" : ".(union)");
      else
        append_name(member.name);
      const layout_member* const same = nameless ? find_at(cxx, place.bit) : find(cxx, member.name);
      if (same != nullptr) {
        ++in_both;
        return match_member(member, place, *same, depth);
      }
      // C++ has no arrays without a length, and no structs without a size.
      if (cxx.is_stated || (place.width == 0 && types_.size_of(member.type) == 0)) return true;
      const layout_member* const instead = find_at(cxx, place.bit);
      if (instead != nullptr && !has(type, false, instead->name))
        return report(cause::other_name, place_of(member, place), place_of(*instead), instead->name);
      return report(cause::missing_member, place_of(member, place), {});
    };
    if (!each_member(type, cxx.is_stated, compare)) return false;
    for (u32 i = 0; in_both < cxx.count && i < cxx.count; ++i) {
      const layout_member& member = cxx.members[i];
      if (has(type, cxx.is_stated, member.name)) continue;
      const u32 width = member.width != 0 ? member.width : member.type->size * 8;
      const layout& element = *(member.type->element != nullptr ? member.type->element : member.type);
      const bool is_taken = has_at(type, cxx.is_stated, member.bit, width);
      if (element.sort == layout_sort::raw && !is_taken) continue;
      if (!cxx.is_stated && is_taken && is_instead(type, member)) continue;
      cut_path(before);
      if (before != 0) append(".");
      append(member.name);
      if (!report(cause::extra_member, {}, place_of(member))) return false;
    }
    cut_path(before);
    return true;
  }
  // True when the member that begins at the same bit in the object was said to have another name already, or has none.
  constexpr bool is_instead(const btf_type& type, const layout_member& member) noexcept {
    auto is_elsewhere = [&](const btf_member&, const btf::bit_range& place) {
      return place.bit != member.bit;
    };
    return !each_member(type, false, is_elsewhere);
  }

  constexpr bool match_member(const btf_member& member, const btf::bit_range& place, const layout_member& cxx,
                              u32 depth) noexcept {
    const place_in_object in_object = place_of(member, place);
    const place_in_cxx in_cxx = place_of(cxx);
    if (place.width != 0 && cxx.width == 0) return report(cause::object_bit_field, in_object, in_cxx);
    if (place.bit != cxx.bit) return report(cause::other_offset, in_object, in_cxx);
    if (place.width != cxx.width) return report(cause::other_size, in_object, in_cxx);
    return match_type(member.type, *cxx.type, in_object, in_cxx, depth + 1, place.width != 0);
  }

  constexpr bool match_type(u32 id, const layout& cxx, place_in_object in_object, place_in_cxx in_cxx,
                            u32 depth, bool is_bits = false) noexcept {
    using enum layout_sort;
    using kind = abi::btf_kind;
    if (depth == deepest) return report(cause::nested_too_deep, in_object, in_cxx);
    const btf_type found = types_.resolve(id);
    // The members of a section are variables, each with a type of its own.
    if (found.kind == kind::data_section) return true;
    if (in_object.size == 0) in_object.size = types_.size_of(id);
    if (in_cxx.size == 0) in_cxx.size = cxx.size;
    // How wide a bit field is does not depend on the size of the type that it is declared with.
    const u32 size = is_bits ? cxx.size : in_object.size;
    const auto differ = [&](cause why) { return report(why, in_object, in_cxx); };
    const auto same_size = [&] { return size == cxx.size || differ(cause::other_size); };
    if (cxx.by_size) return same_size();
    switch (cxx.sort) {
      case unknown:
        return differ(cause_of(cxx.why));
      case raw:
        return same_size();
      case signed_integer:
      case unsigned_integer:
      case character:
      case boolean:
        // Programs keep addresses in 64 bits, and the values of an enum are numbers.
        if (found.kind == kind::pointer && cxx.sort == unsigned_integer) return same_size();
        if (is_enum(found)) return cxx.sort == boolean ? differ(cause::no_boolean) : same_size();
        if (found.kind != kind::integer) return differ(cause::other_sort);
        if (size != cxx.size) return differ(cause::other_size);
        if (cxx.sort == boolean)
          return types_.is_encoded(found, abi::btf_integer_is_bool) || differ(cause::no_boolean);
        if (cxx.sort == character) return true;
        return types_.is_encoded(found, abi::btf_integer_is_signed) == (cxx.sort == signed_integer) ||
               differ(cause::other_sign);
      case floating:
        return found.kind == kind::floating ? same_size() : differ(cause::other_sort);
      case enumeration:
        if (found.kind == kind::integer) return same_size();
        if (!is_enum(found)) return differ(cause::other_sort);
        if (size != cxx.size) return differ(cause::other_size);
        // Before clang 15 an enum of 64 bits had values of 32.
        if (found.kind == kind::enumeration && size == 8) return true;
        // Without names it is a number; clang also knows none of one in a template before somebody uses them.
        if (cxx.count == 0) return true;
        return has_same_values(found, cxx) || differ(cause::other_values);
      case pointer:
        return found.kind == kind::pointer ? same_size() : differ(cause::other_sort);
      case array:
        // Whoever takes bytes takes them of anything.
        if (cxx.element->sort == raw) return same_size();
        if (found.kind != kind::array) return differ(cause::other_sort);
        return match_elements(found, cxx, in_object, in_cxx, depth);
      case structure:
        if (found.kind != kind::structure) return differ(cause::other_sort);
        return match_members(found, cxx, depth) && same_size();
      case union_type:
        if (found.kind != kind::union_type) return differ(cause::other_sort);
        if (cxx.is_stated && !match_members(found, cxx, depth)) return false;
        if (size != cxx.size) return differ(cause::other_size);
        // Machines of 32 bits align 64-bit numbers as they like; where these lie is compared anyway.
        if (alignof(u64) < 8 && cxx.alignment == alignof(u64)) return true;
        if (u32 left = most_members; alignment_of(id, 0, left) != cxx.alignment)
          return differ(cause::other_alignment);
        break;
    }
    return true;
  }

  constexpr bool match_elements(const btf_type& found, const layout& cxx, const place_in_object& in_object,
                                const place_in_cxx& in_cxx, u32 depth) noexcept {
    const size_t before = path_size();
    append("[]");
    const u32 element = types_.element_of(found);
    // Where the elements differ the lengths say nothing, and the other way round.
    const u32 told = told_;
    if (!match_type(element, *cxx.element, {}, {}, depth + 1)) return false;
    cut_path(before);
    if (told_ != told || types_.length_of(found) == cxx.count) return true;
    return report(cause::other_length, in_object, in_cxx);
  }

  static constexpr bool is_enum(const btf_type& found) noexcept {
    return found.kind == abi::btf_kind::enumeration || found.kind == abi::btf_kind::enumeration64;
  }
  // Names may be of another style, "STATE_IDLE" here and "idle" there; but each value has to be on both sides, as far as
  // C++ tells, and a name that both have has to mean the same.
  constexpr bool has_same_values(const btf_type& found, const layout& cxx) const noexcept {
    const bool is_wide = found.kind == abi::btf_kind::enumeration64;
    const auto value_of = [&](u32 index) {
      const u64 at = found.tail() + u64{index} * (is_wide ? 12 : 8) + 4;
      if (is_wide)
        return static_cast<s64>(types_.image().read32(at) | u64{types_.image().read32(at + 4)} << 32);
      const u32 value = types_.image().read32(at);
      // Before 6.0 nothing said that an enum is signed; C++ knows it of its own.
      return types_.is_flagged(found) || cxx.is_signed ? static_cast<s64>(static_cast<s32>(value))
                                                       : static_cast<s64>(value);
    };
    const auto cut = [&](s64 value) {
      const u64 bits = cxx.size == 8 ? ~u64{0} : (u64{1} << cxx.size * 8) - 1;
      return static_cast<u64>(value) & bits;
    };
    for (u32 i = 0; i < found.members; ++i) {
      const u64 name = types_.strings() + types_.image().read32(found.tail() + u64{i} * (is_wide ? 12 : 8));
      const s64 value = value_of(i);
      bool is_there = false;
      for (u32 k = 0; k < cxx.count; ++k) {
        const bool is_same = cut(cxx.values[k].value) == cut(value);
        if (!is_same && types_.image().string_is(name, cxx.values[k].name)) return false;
        is_there |= is_same;
      }
      if (!is_there && is_looked_for(cut(value), cut(-1))) return false;
    }
    for (u32 k = 0; k < cxx.count; ++k) {
      bool is_there = false;
      for (u32 i = 0; i < found.members; ++i) is_there |= cut(value_of(i)) == cut(cxx.values[k].value);
      if (!is_there) return false;
    }
    return true;
  }

  // Types do not tell that they are packed, but mostly it shows.
  constexpr u32 alignment_of(u32 id, u32 depth, u32& left) const noexcept {
    using enum abi::btf_kind;
    if (depth == deepest) return 1;
    const btf_type found = types_.resolve(id);
    if (found.kind == array) return alignment_of(types_.element_of(found), depth + 1, left);
    if (found.kind != structure && found.kind != union_type)
      return types_.size_of(id) > 8 ? 8 : types_.size_of(id);
    u32 out = 1;
    bool fits = true;
    for (u32 i = 0; i < found.members && left != 0; ++i) {
      --left;
      const btf_member member = types_.member(found, i);
      const btf::bit_range place = types_.place_of(found, member);
      const u32 one = alignment_of(member.type, depth + 1, left);
      fits = fits && (place.width != 0 || one == 0 || place.bit % (one * 8) == 0);
      if (one > out) out = one;
    }
    return fits && found.size_or_type % out == 0 ? out : 1;
  }

  const btf& types_;
  Sink& sink_;
  name<64> path_{};
  size_t path_size_ = 0;  // counted, because the compiler would walk along it at each member
  u32 told_ = 0;
};

}  // namespace detail

/// Tells `sink` each difference between the type with this id and a C++ type, until it gives false.
/// Cost: squares of the members of one struct, and nothing else that grows.
template <class Sink>
constexpr void each_difference(const btf& types, u32 id, const layout& cxx, Sink sink) noexcept {
  detail::layout_matcher<Sink>(types, sink).match(id, cxx);
}

/// The first difference; of cause none when there is none.
[[nodiscard]] constexpr layout_difference first_difference(const btf& types, u32 id,
                                                           const layout& cxx) noexcept {
  layout_difference out;
  each_difference(types, id, cxx, [&out](const layout_difference& found) {
    out = found;
    return false;
  });
  return out;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LAYOUT_MATCH_HPP
