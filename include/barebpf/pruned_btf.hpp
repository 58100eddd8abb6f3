// SPDX-License-Identifier: MIT
// Room 4.1, pruned_btf: of all the types of an object, the few that describe the keys and values of its
// maps, written anew for the kernel. What a pointer points to keeps its name and size and loses its members.
#ifndef BAREBPF_PRUNED_BTF_HPP
#define BAREBPF_PRUNED_BTF_HPP

#include "btf.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Cuts BTF to what is needed: `keep` each type that is wanted, `number` them, then `write`.
/// Shape:    works in storage that the caller lends: `marks_size` words, all zero.
/// Lifetime: valid as long as the types and the storage.
class btf_pruner {
 public:
  /// Words of storage for BTF of so many types.
  [[nodiscard]] static constexpr size_t marks_size(u32 types) noexcept { return (size_t{types} + 1) * 4; }

  constexpr btf_pruner(const btf& types, u32* storage) noexcept
      : types_(types), marks_(storage), ids_(storage + types.count() + 1) {}

  /// Keeps the type with this id and all that it is made of.
  constexpr void keep(u32 id) noexcept {
    // Each type enters twice at most: once without its members and once with them.
    u32* const waiting = ids_ + types_.count() + 1;
    u32 count = 0;
    mark(id, true, waiting, count);
    while (count != 0) {
      const u32 next = waiting[--count];
      visit(types_.type(next), (marks_[next] & whole) != 0, waiting, count);
    }
  }
  /// Gives what is kept its new ids, in the old order; tells how many bytes `write` needs, and 0 when that
  /// is more than the kernel takes.
  /// Source: BTF_MAX_SIZE in include/linux/btf.h at v6.12.
  constexpr u32 number() noexcept {
    count_ = 0;
    types_size_ = 0;
    strings_size_ = 1;
    constexpr u32 largest = 16 << 20;
    u32 next = 1;
    for (u32 id = 1; id <= types_.count(); ++id) {
      ids_[id] = 0;
      if (marks_[id] == 0) continue;
      ids_[id] = next++;
      const btf_type type = as_kept(id);
      types_size_ += static_cast<u32>(btf::extent_of(type));
      if (types_size_ > largest) return 0;
      strings_size_ += name_size(type.name);
      for (u32 i = 0; i < named_members(type); ++i) {
        strings_size_ += name_size(member_name(type, i));
        if (strings_size_ > largest) return 0;
      }
    }
    count_ = next - 1;
    return static_cast<u32>(abi::btf_header::size) + types_size_ + strings_size_;
  }
  /// How many types `number` counted.
  [[nodiscard]] constexpr u32 count() const noexcept { return count_; }
  /// The new id of an old type that was kept; 0 for void and for what was not kept.
  [[nodiscard]] constexpr u32 new_id(u32 id) const noexcept { return id <= types_.count() ? ids_[id] : 0; }

  /// Writes what `number` measured, in the machine's byte order.
  constexpr void write(u8* out) const noexcept {
    u8* const types = out + abi::btf_header::size;
    u8* const strings = types + types_size_;
    put16(out, abi::btf_magic);
    out[2] = 1;  // version
    out[3] = 0;  // flags
    put32(out + 4, static_cast<u32>(abi::btf_header::size));
    put32(out + 8, 0);
    put32(out + 12, types_size_);
    put32(out + 16, types_size_);
    put32(out + 20, strings_size_);
    strings[0] = 0;
    u32 used = 1;
    u8* at = types;
    for (u32 id = 1; id <= types_.count(); ++id) {
      if (marks_[id] == 0) continue;
      const btf_type type = as_kept(id);
      write_type(type, at, strings, used);
      at += btf::extent_of(type);
    }
  }

 private:
  static constexpr u32 kept = 1, whole = 2;

  constexpr void mark(u32 id, bool with_members, u32* waiting, u32& count) noexcept {
    if (id == 0 || id > types_.count()) return;
    const u32 wanted = with_members ? kept | whole : kept;
    if ((marks_[id] | wanted) == marks_[id]) return;
    marks_[id] |= wanted;
    waiting[count++] = id;
  }
  constexpr void visit(const btf_type& type, bool with_members, u32* waiting, u32& count) noexcept {
    using enum abi::btf_kind;
    switch (type.kind) {
      case pointer:
        mark(pointee(type), false, waiting, count);
        return;
      case array:
        mark(types_.element_of(type), with_members, waiting, count);
        mark(types_.image().read32(type.tail() + 4), with_members, waiting, count);
        return;
      case structure:
      case union_type:
        for (u32 i = 0; with_members && i < type.members; ++i)
          mark(types_.member(type, i).type, true, waiting, count);
        return;
      default:
        if (btf::is_modifier(type.kind)) mark(type.size_or_type, with_members, waiting, count);
        return;
    }
  }
  // What stays of a pointer's target: functions and variables do not.
  [[nodiscard]] constexpr u32 pointee(const btf_type& type) const noexcept {
    using enum abi::btf_kind;
    const abi::btf_kind kind = types_.resolve(type.size_or_type).kind;
    return kind == function_prototype || kind == function || kind == variable || kind == data_section
               ? 0
               : type.size_or_type;
  }
  [[nodiscard]] constexpr btf_type as_kept(u32 id) const noexcept {
    using enum abi::btf_kind;
    btf_type type = types_.type(id);
    if ((type.kind == structure || type.kind == union_type) && (marks_[id] & whole) == 0) type.members = 0;
    return type;
  }
  [[nodiscard]] constexpr u32 named_members(const btf_type& type) const noexcept {
    using enum abi::btf_kind;
    const bool named = type.kind == structure || type.kind == union_type || type.kind == enumeration ||
                       type.kind == enumeration64;
    return named ? type.members : 0;
  }
  [[nodiscard]] constexpr u64 member_name(const btf_type& type, u32 index) const noexcept {
    const u64 each = type.kind == abi::btf_kind::enumeration ? 8 : 12;
    return types_.strings() + types_.image().read32(type.tail() + index * each);
  }
  [[nodiscard]] constexpr u32 name_size(u64 at) const noexcept {
    const u64 length = types_.image().length_of_string(at);
    return length == 0 ? 0 : static_cast<u32>(length) + 1;
  }
  // Copies the name at `from` and gives its new offset; names without characters share offset 0.
  constexpr u32 write_name(u64 from, u8* strings, u32& used) const noexcept {
    const u32 size = name_size(from);
    if (size == 0) return 0;
    const u32 at = used;
    for (u32 i = 0; i < size; ++i) strings[at + i] = types_.image().read8(from + i);
    used += size;
    return at;
  }
  constexpr void write_type(const btf_type& type, u8* at, u8* strings, u32& used) const noexcept {
    using enum abi::btf_kind;
    const bytes& image = types_.image();
    const u32 info = image.read32(type.at + abi::btf_type_record::info);
    put32(at, write_name(type.name, strings, used));
    put32(at + 4, (info & 0xff000000) | type.members);
    const bool refers = btf::is_modifier(type.kind) || type.kind == pointer;
    const u32 target = type.kind == pointer ? pointee(type) : type.size_or_type;
    put32(at + 8, refers ? new_id(target) : type.size_or_type);
    u8* const tail = at + abi::btf_type_record::size;
    switch (type.kind) {
      case integer:
        put32(tail, image.read32(type.tail()));
        return;
      case array:
        put32(tail, new_id(types_.element_of(type)));
        put32(tail + 4, new_id(image.read32(type.tail() + 4)));
        put32(tail + 8, types_.length_of(type));
        return;
      case structure:
      case union_type:
      case enumeration:
      case enumeration64: {
        const u32 each = type.kind == enumeration ? 8 : 12;
        const bool typed = type.kind == structure || type.kind == union_type;
        for (u32 i = 0; i < type.members; ++i) {
          const u64 from = type.tail() + u64{i} * each;
          u8* const to = tail + size_t{i} * each;
          put32(to, write_name(member_name(type, i), strings, used));
          put32(to + 4, typed ? new_id(image.read32(from + 4)) : image.read32(from + 4));
          if (each == 12) put32(to + 8, image.read32(from + 8));
        }
        return;
      }
      default:
        return;
    }
  }
  static constexpr void put16(u8* out, u32 value) noexcept {
    for (u32 i = 0; i < 2; ++i) out[i] = static_cast<u8>(value >> ((host_is_big_endian ? 1 - i : i) * 8));
  }
  static constexpr void put32(u8* out, u32 value) noexcept {
    for (u32 i = 0; i < 4; ++i) out[i] = static_cast<u8>(value >> ((host_is_big_endian ? 3 - i : i) * 8));
  }

  const btf& types_;
  u32* marks_;
  u32* ids_;
  u32 count_ = 0;
  u32 types_size_ = 0;
  u32 strings_size_ = 1;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PRUNED_BTF_HPP
