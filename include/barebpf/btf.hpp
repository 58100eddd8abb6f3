// SPDX-License-Identifier: MIT
// Room 3.1, btf: the types of an object file. They are counted once, checked as they pass, and found again
// through an index of where each one stands.
#ifndef BAREBPF_BTF_HPP
#define BAREBPF_BTF_HPP

#include "abi/btf.hpp"
#include "elf.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A type; all offsets count from the start of the file.
struct btf_type {
  u32 id = 0;  ///< 0 is void
  abi::btf_kind kind = abi::btf_kind::void_type;
  u32 members = 0;
  u64 at = 0;            ///< where its record stands
  u64 name = 0;          ///< where the name stands
  u32 size_or_type = 0;  ///< bytes, or the id of the type that this one refers to

  /// Where what follows the record stands: members, or the fixed words of the kind.
  [[nodiscard]] constexpr u64 tail() const noexcept { return at + abi::btf_type_record::size; }
};

/// One member of a struct, union or data section.
struct btf_member {
  u64 at = 0;
  u64 name = 0;
  u32 type = 0;
};

/// What user space must know of a number to treat it as one.
enum class number_form : u8 { no_number, signed_number, unsigned_number };

/// The types of one object file.
/// Lifetime: valid as long as the image and the index.
class btf {
 public:
  /// Checks `section` and counts its types; `out` can walk but not yet find.
  static constexpr verdict open(const elf& file, const elf_section& section, btf& out) noexcept;
  /// The same of the `size` bytes from `start` on, as the kernel gives them; faults are said to lie in `section`.
  static constexpr verdict open(const bytes& image, u64 start, u64 size, btf& out, u32 section = 0) noexcept;

  [[nodiscard]] constexpr const bytes& image() const noexcept { return image_; }
  /// How many types there are, without void.
  [[nodiscard]] constexpr u32 count() const noexcept { return count_; }
  [[nodiscard]] constexpr u32 index_size() const noexcept { return count_ + 1; }
  /// Where the first type's record stands.
  [[nodiscard]] constexpr u64 types_at() const noexcept { return types_; }
  /// How many bytes the types take.
  [[nodiscard]] constexpr u64 types_size() const noexcept { return types_size_; }
  /// Where the strings begin.
  [[nodiscard]] constexpr u64 strings() const noexcept { return strings_; }
  /// How many bytes they take.
  [[nodiscard]] constexpr u32 strings_size() const noexcept { return strings_size_; }
  /// True when `at` lies among the strings.
  [[nodiscard]] constexpr bool has_string(u64 at) const noexcept {
    return at >= strings_ && at - strings_ < strings_size_;
  }
  /// True when there is a type of this kind.
  [[nodiscard]] constexpr bool has(abi::btf_kind kind) const noexcept {
    return (kinds_ >> static_cast<u8>(kind) & 1) != 0;
  }

  /// Fills `index`, which has room for `index_size()` words, and lets `type` use it.
  constexpr void build_index(u32* index) noexcept;
  /// Puts one type where `build_index` would; for who walks over all of them anyway and then calls `use_index`.
  constexpr void index_type(const btf_type& type, u32* index) const noexcept {
    index[type.id] = static_cast<u32>(type.at - types_);
  }
  /// Lets `type` use an index that was built before.
  constexpr void use_index(const u32* index) noexcept {
    index_ = index;
    is_indexed_ = true;
  }

  /// The type with this number; void when there is none.
  [[nodiscard]] constexpr btf_type type(u32 id) const noexcept {
    if (id == 0 || id > count_ || !is_indexed_) return {};
    return type_at(types_ + index_[id], id);
  }
  /// The type with number 1, and the one behind `type`; void behind the last. Neither of these needs an index.
  [[nodiscard]] constexpr btf_type first() const noexcept {
    return count_ == 0 ? btf_type{} : type_at(types_, 1);
  }
  [[nodiscard]] constexpr btf_type after(const btf_type& type) const noexcept {
    return type.id >= count_ ? btf_type{} : type_at(end_of(type), type.id + 1);
  }
  /// The type with this number, of which it is known that its record stands at `at`.
  [[nodiscard]] constexpr btf_type type_at(u64 at, u32 id) const noexcept {
    using record = abi::btf_type_record;
    static_assert(record::name == 0 && record::info == 4 && record::size_or_type == 8);
    const bytes::four32 first = image_.read_four32(at);  // in one piece, see `bytes` for what reads cost
    return {.id = id,
            .kind = kind_in(first.second),
            .members = members_in(first.second),
            .at = at,
            .name = strings_ + first.first,
            .size_or_type = first.third};
  }
  /// The first data section; clang writes them behind all other types, so who wants these alone begins here.
  [[nodiscard]] constexpr btf_type first_data_section() const noexcept { return first_data_section_; }
  /// The first type of this kind and name; void when there is none.
  [[nodiscard]] constexpr btf_type find(abi::btf_kind kind, text wanted) const noexcept {
    btf_type candidate = first();
    while (candidate.id != 0 && !(candidate.kind == kind && image_.string_is(candidate.name, wanted)))
      candidate = after(candidate);
    return candidate;
  }
  /// The type behind const, volatile, restrict, typedef and type tags; void when they never end.
  [[nodiscard]] constexpr btf_type resolve(u32 id) const noexcept {
    for (u32 depth = 0; depth < longest_chain; ++depth) {
      const btf_type found = type(id);
      if (!is_modifier(found.kind)) return found;
      id = found.size_or_type;
    }
    return {};
  }
  /// How many bytes a value of this type takes.
  /// Errors: 0 for types without a size, and for those that never end or exceed 32 bits.
  [[nodiscard]] constexpr u32 size_of(u32 id) const noexcept;
  /// Whether a value of this type is a number, and of which sign.
  [[nodiscard]] constexpr number_form form_of(u32 id) const noexcept;

  /// True when an integer has this encoding, such as `abi::btf_integer_is_signed`.
  [[nodiscard]] constexpr bool is_encoded(const btf_type& integer, u32 as) const noexcept {
    return (image_.read32(integer.tail()) >> 24 & as) != 0;
  }
  /// The flag on top of a type's kind; on an enum it says that its values are signed.
  [[nodiscard]] constexpr bool is_flagged(const btf_type& of) const noexcept {
    return (image_.read32(of.at + abi::btf_type_record::info) >> 31) != 0;
  }

  /// A member of a struct or union, or an entry of a data section.
  [[nodiscard]] constexpr btf_member member(const btf_type& of, u32 index) const noexcept {
    const u64 at = of.tail() + u64{index} * 12;
    return {.at = at, .name = strings_ + image_.read32(at), .type = image_.read32(at + 4)};
  }
  /// Where a member begins, in bits from the start of its struct, and how many bits it has if it is a bit field.
  struct bit_range {
    u32 bit = 0, width = 0;
  };
  [[nodiscard]] constexpr bit_range place_of(const btf_type& of, const btf_member& member) const noexcept {
    const u32 written = image_.read32(member.at + 8);
    if (!is_flagged(of)) return {.bit = written};
    return {.bit = written & 0xffffff, .width = written >> 24};
  }
  /// The id of the variable in an entry of a data section, which stands where others have their name.
  [[nodiscard]] constexpr u32 variable_of(const btf_member& place) const noexcept {
    return image_.read32(place.at);
  }
  /// The element type of an array.
  [[nodiscard]] constexpr u32 element_of(const btf_type& array) const noexcept {
    return image_.read32(array.tail());
  }
  /// The type of a parameter of a function's prototype.
  [[nodiscard]] constexpr u32 parameter(const btf_type& of, u32 index) const noexcept {
    return image_.read32(of.tail() + u64{index} * 8 + 4);
  }
  /// The number of elements of an array.
  [[nodiscard]] constexpr u32 length_of(const btf_type& array) const noexcept {
    return image_.read32(array.tail() + 8);
  }
  /// True when the library knows what types of this kind are; of others it knows how long they are at most.
  [[nodiscard]] static constexpr bool is_known(abi::btf_kind kind) noexcept {
    return static_cast<u8>(kind) < abi::btf_kinds;
  }
  /// True when there are types of a kind that the library does not know.
  [[nodiscard]] constexpr bool has_unknown() const noexcept { return has_unknown_; }
  /// Bytes from the start of a type's record to the next type, for a kind that is known.
  [[nodiscard]] static constexpr u64 extent_of(const btf_type& of) noexcept {
    const abi::btf_tail tail = abi::btf_tails[static_cast<u8>(of.kind)];
    return abi::btf_type_record::size + tail.fixed + u64{tail.for_each} * of.members;
  }
  [[nodiscard]] static constexpr bool is_modifier(abi::btf_kind kind) noexcept {
    using enum abi::btf_kind;
    return kind == const_type || kind == volatile_type || kind == restrict_type || kind == type_definition ||
           kind == type_tag;
  }

 private:
  static constexpr u32 longest_chain = 32;  // the kernel's MAX_RESOLVE_DEPTH

  [[nodiscard]] static constexpr abi::btf_kind kind_in(u32 info) noexcept {
    return static_cast<abi::btf_kind>(info >> 24 & 0x7f);
  }
  [[nodiscard]] static constexpr u32 members_in(u32 info) noexcept { return info & 0xffffff; }
  // Where the type behind such a one at `at` stands; `at` where the file does not say. Not by extent_of, because a walk over
  // all types is what costs the compiler most.
  [[nodiscard]] constexpr u64 next_at(u64 at, abi::btf_kind kind, u32 members) const noexcept {
    if (static_cast<u8>(kind) >= abi::btf_kinds) return at + extent_by_layout(kind, members);
    const abi::btf_tail& tail = abi::btf_tails[static_cast<u8>(kind)];
    return at + abi::btf_type_record::size + tail.fixed + u64{tail.for_each} * members;
  }
  [[nodiscard]] constexpr u64 end_of(const btf_type& of) const noexcept {
    return next_at(of.at, of.kind, of.members);
  }
  // How long a type of a kind is that the library does not know, as the file itself says; 0 when it does not.
  [[nodiscard]] constexpr u64 extent_by_layout(abi::btf_kind kind, u32 members) const noexcept {
    using record = abi::btf_layout_record;
    const u64 row = static_cast<u8>(kind) * record::size;
    if (row + record::size > layouts_size_) return 0;
    return abi::btf_type_record::size + image_.read8(layouts_ + row + record::fixed) +
           u64{image_.read8(layouts_ + row + record::for_each)} * members;
  }

  bytes image_;
  u64 types_ = 0;
  u64 types_size_ = 0;
  u64 strings_ = 0;
  u32 strings_size_ = 0;
  u32 count_ = 0;
  u32 kinds_ = 0;  // one bit for each known kind that occurs
  u64 layouts_ = 0;
  u64 layouts_size_ = 0;
  bool has_unknown_ = false;
  btf_type first_data_section_;
  const u32* index_ = nullptr;
  bool is_indexed_ = false;
};

constexpr verdict btf::open(const elf& file, const elf_section& section, btf& out) noexcept {
  // Content that is not in the file has no bounds, so nothing may be read from it.
  if (const verdict v = file.demand_type(section, abi::section_progbits); v.failed()) return v;
  return open(file.image(), section.at, section.size, out, section.index);
}

constexpr verdict btf::open(const bytes& image, u64 start, u64 size, btf& out, u32 section) noexcept {
  using header = abi::btf_header;
  using record = abi::btf_type_record;
  const auto bad_header = [&](u64 field) {
    return verdict{.why = cause::bad_btf_header, .section = section, .offset = start + field};
  };
  if (size < header::size || !image.holds(start, size)) return bad_header(0);
  if (image.read16(start + header::magic) != abi::btf_magic) return bad_header(header::magic);
  const u64 header_size = image.read32(start + header::header_size);
  if (header_size < header::size || header_size > size) return bad_header(header::header_size);
  const u64 body = start + header_size;
  const u64 body_size = size - header_size;
  const u64 types_offset = image.read32(start + header::types_offset);
  const u64 types_size = image.read32(start + header::types_size);
  if (types_offset > body_size || types_size > body_size - types_offset)
    return bad_header(header::types_size);
  const u64 strings_offset = image.read32(start + header::strings_offset);
  const u64 strings_size = image.read32(start + header::strings_size);
  if (strings_offset > body_size || strings_size > body_size - strings_offset)
    return bad_header(header::strings_size);
  if (header_size >= header::size_with_layouts) {
    // Nobody needs it who knows all kinds, so one that is damaged is none.
    const u64 layouts_offset = image.read32(start + header::layouts_offset);
    const u64 layouts_size = image.read32(start + header::layouts_size);
    out.layouts_ = body + layouts_offset;
    if (layouts_offset <= body_size && layouts_size <= body_size - layouts_offset)
      out.layouts_size_ = layouts_size;
  }
  // With a NUL at both ends every name inside is a string, and the one at 0 is empty.
  if (strings_size == 0 || image.read8(body + strings_offset) != 0 ||
      image.read8(body + strings_offset + strings_size - 1) != 0)
    return bad_header(header::strings_offset);

  out.image_ = image;
  out.types_ = body + types_offset;
  out.types_size_ = types_size;
  out.strings_ = body + strings_offset;
  out.strings_size_ = static_cast<u32>(strings_size);
  const u64 end = out.types_ + types_size;
  for (u64 at = out.types_; at < end;) {
    const auto bad = [&](cause why) { return verdict{.why = why, .section = section, .offset = at}; };
    if (end - at < record::size) return bad(cause::bad_btf_type);
    const u32 info = image.read32(at + record::info);
    const abi::btf_kind kind = kind_in(info);
    const u64 behind = out.next_at(at, kind, members_in(info));
    const bool is_new = !is_known(kind);
    if (static_cast<u8>(kind) == 0 || behind == at) return bad(cause::unknown_btf_kind);
    if (behind - at > end - at || image.read32(at + record::name) >= strings_size)
      return bad(cause::bad_btf_type);
    ++out.count_;
    if (kind == abi::btf_kind::data_section && out.first_data_section_.id == 0)
      out.first_data_section_ = out.type_at(at, out.count_);
    if (is_new)
      out.has_unknown_ = true;
    else
      out.kinds_ |= u32{1} << static_cast<u8>(kind);
    at = behind;
  }
  return {};
}

constexpr void btf::build_index(u32* index) noexcept {
  use_index(index);
  index[0] = 0;
  u64 at = types_;
  for (u32 id = 1; id <= count_; ++id) {
    index[id] = static_cast<u32>(at - types_);
    const u32 info = image_.read32(at + abi::btf_type_record::info);
    at = next_at(at, kind_in(info), members_in(info));
  }
}

constexpr u32 btf::size_of(u32 id) const noexcept {
  using enum abi::btf_kind;
  u64 elements = 1;
  for (u32 depth = 0; depth < longest_chain; ++depth) {
    const btf_type found = resolve(id);
    u64 size = 0;
    switch (found.kind) {
      case array:
        elements *= length_of(found);
        if (elements > 0xffffffff) return 0;
        id = element_of(found);
        continue;
      case pointer:
        size = 8;
        break;
      case integer:
      case structure:
      case union_type:
      case enumeration:
      case enumeration64:
      case floating:
        size = found.size_or_type;
        break;
      default:
        return 0;
    }
    return elements * size > 0xffffffff ? 0 : static_cast<u32>(elements * size);
  }
  return 0;
}

constexpr number_form btf::form_of(u32 id) const noexcept {
  const btf_type found = resolve(id);
  if (found.kind != abi::btf_kind::integer) return number_form::no_number;
  return is_encoded(found, abi::btf_integer_is_signed) ? number_form::signed_number
                                                       : number_form::unsigned_number;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BTF_HPP
