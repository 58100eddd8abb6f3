// SPDX-License-Identifier: MIT
// Room 4.7, pruned_btf: of all the types of an object, the few that the kernel needs: those of its maps, variables
// and functions, written anew. What a pointer points to keeps its name and size and loses its members; of what only
// CO-RE names, the members that it names stay.
#ifndef BAREBPF_PRUNED_BTF_HPP
#define BAREBPF_PRUNED_BTF_HPP

#include "core_path.hpp"
#include "kinds.hpp"
#include "source_lines.hpp"
#include "spec/maps.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// How large a pruned BTF is, as `btf_pruner::number` finds out.
struct pruned_sizes {
  u32 total = 0;         ///< bytes of it all; 0 when that is more than the kernel takes
  u32 count = 0;         ///< types
  u32 types_size = 0;    ///< bytes of types
  u32 strings_size = 1;  ///< bytes of strings
  u32 names_at = 0;      ///< where among the strings those of types begin, behind the texts of source lines
  u32 accesses_at = 1;   ///< where those of CO-RE begin
};

/// Types that were cut and numbered, ready to be written.
/// Lifetime: looks at the object's tables and at the pruner's storage.
class pruned_btf {
 public:
  /// Words of storage for BTF of so many types, and for so many CO-RE relocations over so many bytes of types.
  [[nodiscard]] static constexpr size_t storage_size(u32 types, u32 cores = 0, u64 types_size = 0) noexcept {
    const size_t for_types = (size_t{types} + 1) * words_for_type(cores);
    if (cores == 0) return for_types;
    const u64 bits = types_size / 12 + types_size / 8 + 2;  // see bit_of_member
    return for_types + size_t{string_slots(cores)} * 2 + static_cast<size_t>(bits / 32) + 1;
  }

  /// What was kept in `storage`, and beside it the texts of these source lines.
  constexpr pruned_btf(const object_tables& object, const u32* storage, const pruned_sizes& sizes,
                       const source_lines& lines = {}) noexcept
      : object_(object),
        marks_(storage),
        ids_(storage + object.types.count() + 1),
        list_(ids_ + object.types.count() + 1),
        accesses_(storage + (size_t{object.types.count()} + 1) * words_for_type(object.core_count)),
        access_slots_(string_slots(object.core_count)),
        members_(accesses_ + size_t{access_slots_} * 2),
        lines_(lines),
        sizes_(sizes) {
    add_texts();
  }

  [[nodiscard]] constexpr const pruned_sizes& sizes() const noexcept { return sizes_; }
  /// How many types there are.
  [[nodiscard]] constexpr u32 count() const noexcept { return sizes_.count; }
  /// The new id of an old type that was kept; 0 for void and for what was not kept.
  [[nodiscard]] constexpr u32 new_id(u32 id) const noexcept {
    return id <= object_.types.count() ? ids_[id] : 0;
  }
  /// The old type whose new id is one more than `index`.
  [[nodiscard]] constexpr btf_type kept_type(u32 index) const noexcept {
    const u32* const at = list_ + size_t{index} * 2;
    return object_.types.type_at(object_.types.types_at() + at[1], at[0]);
  }
  /// Where the string of a CO-RE relocation stands, which counts only the members that were kept.
  [[nodiscard]] constexpr u32 new_access(const core_record& record) const noexcept {
    access_text access;
    write_access(record, access);
    const u32 slot = find_access(access);
    return accesses_[slot] == 0 ? 0 : sizes_.accesses_at + accesses_[slot + 1];
  }

  /// True when the object does not work without its types: it takes the address of a function, has a map that
  /// demands them, or keeps in a value what the kernel finds by its type, such as a spin lock. CO-RE needs them too,
  /// but not in the kernel when the library does it.
  /// Source: btf_parse_fields() in kernel/bpf/btf.c and check_ld_imm() in kernel/bpf/verifier.c at v6.12.
  [[nodiscard]] constexpr bool is_required() const noexcept {
    for (u32 i = 0; i < object_.reference_count; ++i)
      if (object_.references[i].kind == reference_kind::function) return true;
    const auto demands_types = [](const map_spec& map) {
      return kind_of(static_cast<map_type>(map.type)).btf == btf_rule::required ||
             map.origin == map_origin::operations;
    };
    for (u32 i = 0; i < object_.map_count; ++i)
      if (demands_types(object_.maps[i]) || demands_types(inner_of(object_.types, object_.maps[i])))
        return true;
    for (u32 i = 0; i < count(); ++i)
      // The tag of a kernel pointer stands behind the pointer, and there nothing is kept whole.
      if (const btf_type type = kept_type(i);
          (marks_[type.id] & (type.kind == abi::btf_kind::type_tag ? kept : whole)) != 0 && is_special(type))
        return true;
    return false;
  }

  /// Writes all of it, in the machine's byte order: `head_words` words, and behind them `name_bytes` bytes of
  /// strings. Words, because the compiler pays for each step.
  constexpr void write(u32* head, u8* strings) const noexcept {
    head[0] = abi::btf_first_word;
    head[1] = static_cast<u32>(abi::btf_header::size);
    head[2] = 0;
    head[3] = head[4] = sizes_.types_size;
    head[5] = sizes_.strings_size;
    strings[0] = 0;
    u32 used = 1;
    u32* at = head + abi::btf_header::size / 4;
    for (u32 i = 0; i < count(); ++i) {
      const btf_type left = as_kept(kept_type(i));
      write_type(left, at, strings, used);
      at += btf::extent_of(left) / 4;
    }
    lines_.write_texts(at);
    for (u32 slot = 0; slot < access_slots_ * 2; slot += 2)
      if (accesses_[slot] != 0) {
        access_text access;
        write_access(object_.cores[accesses_[slot] - 1], access);
        u8* const to = strings + (sizes_.accesses_at - sizes_.names_at + accesses_[slot + 1]);
        for (u32 i = 0; i <= access.size; ++i) to[i] = i == access.size ? u8{0} : access.digits[i];
      }
  }
  /// How many words `write` writes: header, types and the texts of source lines.
  [[nodiscard]] constexpr u32 head_words() const noexcept {
    return (static_cast<u32>(abi::btf_header::size) + sizes_.types_size + lines_.texts_size()) / 4;
  }
  /// How many bytes of strings it writes behind them.
  [[nodiscard]] constexpr u32 name_bytes() const noexcept {
    return sizes_.strings_size - lines_.texts_size();
  }

 protected:
  // What `deep` marks is compared with the kernel's types along its pointers, so they keep what they point to.
  static constexpr u32 kept = 1, whole = 2, made_static = 4, deep = 8;

  // Marks, new ids, and room to wait twice; or three times, where types can be compared.
  [[nodiscard]] static constexpr u32 words_for_type(u32 cores) noexcept { return cores == 0 ? 4 : 5; }
  // Twice as many as there can be strings, and a power of two.
  [[nodiscard]] static constexpr u32 string_slots(u32 strings) noexcept {
    u32 slots = strings == 0 ? 0 : 4;
    while (slots < u64{strings} * 2 && slots < (u32{1} << 30)) slots *= 2;
    return slots;
  }
  // What the kernel looks for in the values of maps.
  [[nodiscard]] constexpr bool is_special(const btf_type& type) const noexcept {
    constexpr text tags[] = {"kptr", "kptr_untrusted", "percpu_kptr", "uptr"};
    const bool is_struct = type.kind == abi::btf_kind::structure;
    if (!is_struct && type.kind != abi::btf_kind::type_tag) return false;
    if (is_struct && !object_.types.image().string_starts_with(type.name, "bpf_")) return false;
    const auto is_called_like_one_of = [&](const auto& names) {
      for (const text name : names)
        if (object_.types.image().string_is(type.name, name)) return true;
      return false;
    };
    return is_struct ? is_called_like_one_of(abi::special_structs) : is_called_like_one_of(tags);
  }
  // What CO-RE names, as the string that the kernel reads. Never copied, for most of it holds nothing.
  struct access_text {
    u8 digits[core_path::most_steps * 10];
    u32 size;
  };
  constexpr void write_access(const core_record& record, access_text& out) const noexcept {
    out.size = 0;
    core_path path(object_.types, record.type, record.access);
    for (core_step step; path.next(step);) {
      const bool is_part = step.is_member || subject_of(record.kind) == core_subject::enumerator;
      const bool is_renumbered = is_part && loses_members(step.from);
      u32 left = is_renumbered ? count_members(step.from, step.index) : step.index;
      if (out.size != 0) out.digits[out.size++] = ':';
      u32 end = out.size + 1;
      for (u32 rest = left; rest > 9; rest /= 10) ++end;
      out.size = end;
      do out.digits[--end] = static_cast<u8>('0' + left % 10);
      while ((left /= 10) != 0);
    }
  }
  // The slot of a string of CO-RE, or the free one where it belongs. It holds one more than the index of a relocation
  // that has it, and how far behind the first it stands.
  [[nodiscard]] constexpr u32 find_access(const access_text& access) const noexcept {
    u32 slot = 0;
    for (u32 i = 0; i < access.size; ++i) slot = slot * 31 + access.digits[i];
    const auto belongs_to = [&](const core_record& record) {
      access_text other;
      write_access(record, other);
      if (other.size != access.size) return false;
      for (u32 i = 0; i < access.size; ++i)
        if (other.digits[i] != access.digits[i]) return false;
      return true;
    };
    slot = slot * 0x9e3779b1 & (access_slots_ - 1);
    while (accesses_[slot * 2] != 0 && !belongs_to(object_.cores[accesses_[slot * 2] - 1]))
      slot = (slot + 1) & (access_slots_ - 1);
    return slot * 2;
  }
  // Each member of a struct and each number of an enum has a bit, and those of one type are neighbours: they are 12 or 8
  // bytes apart, and nothing else begins so close to one.
  [[nodiscard]] constexpr u32 bit_of_member(abi::btf_kind of, u64 at) const noexcept {
    const u64 from_start = at - object_.types.types_at();
    return static_cast<u32>(of == abi::btf_kind::enumeration
                                ? object_.types.types_size() / 12 + 1 + from_start / 8
                                : from_start / 12);
  }
  [[nodiscard]] constexpr bool has_member(abi::btf_kind of, u64 at) const noexcept {
    const u32 bit = bit_of_member(of, at);
    return (members_[bit / 32] >> bit % 32 & 1) != 0;
  }
  // How many of a type's first `end` members CO-RE names.
  [[nodiscard]] constexpr u32 count_members(const btf_type& of, u32 end) const noexcept {
    if (object_.core_count == 0 || end == 0) return 0;
    const u32 first = bit_of_member(of.kind, of.tail()), behind = first + end;
    u32 sum = 0;
    for (u32 word = first / 32; word <= (behind - 1) / 32; ++word) {
      u32 bits = members_[word];
      if (word == first / 32) bits &= ~u32{0} << first % 32;
      if (word == behind / 32) bits &= (u32{1} << behind % 32) - 1;
      sum += static_cast<u32>(__builtin_popcount(bits));
    }
    return sum;
  }
  // True when this member of what is left of a type stays.
  [[nodiscard]] constexpr bool keeps_member(const btf_type& of, u64 at) const noexcept {
    return !loses_members(of) || has_member(of.kind, at);
  }
  // True when only those members of a type stay that CO-RE names. Without any CO-RE, enums stay whole.
  [[nodiscard]] constexpr bool loses_members(const btf_type& of) const noexcept {
    using enum abi::btf_kind;
    const bool is_enum = of.kind == enumeration || of.kind == enumeration64;
    return (of.kind == structure || of.kind == union_type || (is_enum && object_.core_count != 0)) &&
           (marks_[of.id] & whole) == 0;
  }
  // The texts of source lines stand in front of the other strings. No sum of two can wrap, and what is too large stays so.
  constexpr void add_texts() noexcept {
    if (sizes_.total == 0 || lines_.texts_size() == 0) return;
    sizes_.names_at += lines_.texts_size();
    sizes_.accesses_at += lines_.texts_size();
    sizes_.strings_size += lines_.texts_size();
    sizes_.total += lines_.texts_size();
    if (sizes_.total > largest) sizes_.total = 0;
  }
  static constexpr u32 largest = 16 << 20;  // bytes
  // What stays of a pointer's target: functions and variables do not.
  [[nodiscard]] constexpr u32 pointee(const btf_type& type) const noexcept {
    using enum abi::btf_kind;
    const abi::btf_kind kind = object_.types.resolve(type.size_or_type).kind;
    if (kind == function_prototype && (marks_[type.id] & deep) != 0) return type.size_or_type;
    return kind == function_prototype || kind == function || kind == variable || kind == data_section
               ? 0
               : type.size_or_type;
  }
  // The map whose value a layout of variables describes; an empty one for a layout that describes none.
  [[nodiscard]] constexpr map_spec map_of(const btf_type& layout) const noexcept {
    for (u32 i = 0; i < object_.map_count; ++i)
      if (object_.maps[i].is_for_variables() && object_.maps[i].value_type == layout.id)
        return object_.maps[i];
    return {};
  }
  [[nodiscard]] constexpr btf_type as_kept(btf_type type) const noexcept {
    using enum abi::btf_kind;
    const u32 marks = marks_[type.id];
    if (loses_members(type)) type.members = count_members(type, type.members);
    if (type.kind == function && (marks & made_static) != 0) type.members = abi::btf_function_static;
    if (type.kind == data_section) {
      // Compilers leave its size to linkers.
      const map_spec map = map_of(type);
      type.members = map.variable_count;
      type.size_or_type = map.value_size;
    }
    return type;
  }
  // Bytes from one named member of a type to the next; 0 for kinds that have none.
  [[nodiscard]] static constexpr u32 member_size(const btf_type& type) noexcept {
    using enum abi::btf_kind;
    switch (type.kind) {
      case structure:
      case union_type:
      case enumeration64:
        return 12;
      case enumeration:
      case function_prototype:
        return 8;
      default:
        return 0;
    }
  }
  [[nodiscard]] constexpr u32 name_size(u64 at) const noexcept {
    const u64 length = object_.types.image().length_of_string(at);
    return length == 0 ? 0 : static_cast<u32>(length) + 1;
  }

 private:
  constexpr void copy_string(u64 from, u64 length, u8* to) const noexcept {
    object_.types.image().copy(from, length, to);
    to[length] = 0;
  }
  // Copies the name at `from` and gives its new offset; names without characters share offset 0.
  constexpr u32 write_name(u64 from, u8* strings, u32& used) const noexcept {
    const u32 size = name_size(from);
    if (size == 0) return 0;
    copy_string(from, size - 1, strings + used);
    used += size;
    return sizes_.names_at + used - size;
  }
  constexpr void write_type(const btf_type& type, u32* out, u8* strings, u32& used) const noexcept {
    using enum abi::btf_kind;
    const bytes& image = object_.types.image();
    const u32 info = image.read32(type.at + abi::btf_type_record::info);
    out[0] = write_name(type.name, strings, used);
    out[1] = (info & 0xff000000) | type.members;
    out[2] =
        !refers(type) ? type.size_or_type : new_id(type.kind == pointer ? pointee(type) : type.size_or_type);
    u32* const tail = out + abi::btf_type_record::size / 4;
    switch (type.kind) {
      case variable:
        // The kernel takes none that is only declared, and the loader has defined it.
        tail[0] = image.read32(type.tail());
        if (tail[0] == abi::btf_variable_extern) tail[0] = abi::btf_variable_global;
        return;
      case integer:
      case declaration_tag:
        tail[0] = image.read32(type.tail());
        return;
      case array:
        tail[0] = new_id(object_.types.element_of(type));
        tail[1] = new_id(image.read32(type.tail() + 4));
        tail[2] = object_.types.length_of(type);
        return;
      case data_section: {
        const variable_spec* const first = object_.variables + map_of(type).first_variable;
        for (u32 i = 0; i < type.members; ++i) {
          tail[size_t{i} * 3] = new_id(first[i].id);
          tail[size_t{i} * 3 + 1] = first[i].offset;
          tail[size_t{i} * 3 + 2] = first[i].size;
        }
        return;
      }
      default:
        write_members(type, tail, strings, used);
    }
  }
  constexpr void write_members(const btf_type& type, u32* to, u8* strings, u32& used) const noexcept {
    using enum abi::btf_kind;
    const u32 each = member_size(type);
    if (each == 0) return;
    const bytes& image = object_.types.image();
    const bool typed = type.kind != enumeration && type.kind != enumeration64;
    u64 from = type.tail();
    for (u32 left = type.members; left != 0; from += each) {
      if (!keeps_member(type, from)) continue;
      --left;
      const u32 second = image.read32(from + 4);
      to[0] = write_name(object_.types.strings() + image.read32(from), strings, used);
      to[1] = typed ? new_id(second) : second;
      if (each == 12) to[2] = image.read32(from + 8);
      to += each / 4;
    }
  }
  // Kinds whose third word is the id of another type.
  [[nodiscard]] static constexpr bool refers(const btf_type& type) noexcept {
    using enum abi::btf_kind;
    return btf::is_modifier(type.kind) || type.kind == pointer || type.kind == function ||
           type.kind == function_prototype || type.kind == variable || type.kind == declaration_tag;
  }

 protected:
  const object_tables& object_;
  const u32* marks_;
  const u32* ids_;
  const u32* list_;  // of each type that was kept: its old id, and how far its record stands behind the first
  const u32* accesses_;  // slots of two words, see find_access
  u32 access_slots_;
  const u32* members_;  // a bit for each member of a struct that CO-RE names
  source_lines lines_;
  pruned_sizes sizes_;
};

/// Cuts BTF to what is needed: `keep` what is wanted, `number` it, then `write`.
/// Shape:    works in storage that the caller lends: `storage_size` words, all zero.
/// Lifetime: valid as long as the object's tables and the storage.
class btf_pruner : public pruned_btf {
 public:
  constexpr btf_pruner(const object_tables& object, u32* storage, const source_lines& lines = {}) noexcept
      : pruned_btf(object, storage, {}, lines),
        marks_to_(storage),
        ids_to_(storage + object.types.count() + 1),
        accesses_to_(storage + (accesses_ - marks_)),
        members_to_(storage + (members_ - marks_)) {}

  /// Keeps the type with this id and all that it is made of.
  constexpr void keep(u32 id) noexcept { keep(id, kept | whole); }
  /// Keeps what the kernel needs to know of the object's side of a CO-RE relocation.
  constexpr void keep(const core_record& record) noexcept {
    const core_subject subject = subject_of(record.kind);
    if (subject == core_subject::type)
      return keep(record.type,
                  record.kind == abi::core_kind::type_matches ? kept | whole | deep : kept | deep);
    keep(record.type, kept);
    core_path path(object_.types, record.type, record.access);
    for (core_step step; path.next(step);) {
      keep(step.type, kept);
      if (!step.is_member && subject != core_subject::enumerator) continue;
      const u32 bit =
          bit_of_member(step.from.kind, step.from.tail() + u64{step.index} * member_size(step.from));
      members_to_[bit / 32] |= u32{1} << bit % 32;
    }
  }
  /// Keeps what describes the object's maps, variables and functions. A function that other objects cannot name becomes a static one, so that the verifier looks at it
  /// where it is called.
  constexpr void keep_object() noexcept {
    for (u32 i = 0; i < object_.map_count; ++i) {
      keep(object_.maps[i].key_type);
      if (object_.maps[i].origin == map_origin::declared || object_.maps[i].variable_count != 0)
        keep(object_.maps[i].value_type);
      if (object_.maps[i].origin == map_origin::operations)  // of which the kernel wants any types at all
        keep(object_.maps[i].value_type, kept);
      const map_spec inner = inner_of(object_.types, object_.maps[i]);
      keep(inner.key_type);
      keep(inner.value_type);
    }
    for (u32 i = 0; i < object_.function_count; ++i) {
      const function_spec& function = object_.functions[i];
      if (function.type == 0) continue;
      keep(function.type);
      if (function.is_hidden && !function.is_program) marks_to_[function.type] |= made_static;
    }
    for (u32 i = 0; i < object_.core_count; ++i) keep(object_.cores[i]);
  }
  /// Gives what is kept its new ids, in the old order; tells how many bytes `write` needs, and 0 when that
  /// is more than the kernel takes.
  /// Source: BTF_MAX_SIZE in include/linux/btf.h at v6.12.
  constexpr u32 number() noexcept {
    keep_tags();
    sizes_ = {};
    btf_type type;
    for (u32 id = 1; id <= object_.types.count(); ++id) {
      if (marks_[id] == 0) continue;
      // Most stand alone among many that are not kept, or one behind the other.
      type = type.id != 0 && type.id + 1 == id ? object_.types.after(type) : object_.types.type(id);
      u32* const in_list = waiting() + size_t{sizes_.count} * 2;
      in_list[0] = id;
      in_list[1] = static_cast<u32>(type.at - object_.types.types_at());
      ids_to_[id] = ++sizes_.count;
      const btf_type left = as_kept(type);
      sizes_.types_size += static_cast<u32>(btf::extent_of(left));
      sizes_.strings_size += name_size(left.name);
      if (sizes_.types_size > largest || sizes_.strings_size > largest) return 0;
      const u32 each = member_size(left);
      u64 name = left.tail();
      for (u32 i = each == 0 ? 0 : left.members; i != 0; name += each) {
        if (!keeps_member(left, name)) continue;
        --i;
        sizes_.strings_size += name_size(object_.types.strings() + object_.types.image().read32(name));
        if (sizes_.strings_size > largest) return 0;
      }
    }
    sizes_.accesses_at = sizes_.strings_size;
    sizes_.strings_size += keep_accesses();
    sizes_.total = static_cast<u32>(abi::btf_header::size) + sizes_.types_size + sizes_.strings_size;
    if (sizes_.total > largest) sizes_.total = 0;
    add_texts();
    return sizes_.total;
  }

 private:
  constexpr void keep(u32 id, u32 wanted) noexcept {
    // Each type enters as often as it gets a mark that it did not have: without its members, with them, and deep.
    u32 count = 0;
    mark(id, wanted, waiting(), count);
    while (count != 0) {
      const u32 next = waiting()[--count];
      visit(object_.types.type(next), marks_[next] & (kept | whole | deep), waiting(), count);
    }
  }
  // Where types wait, and where the list of those that were kept stands later.
  [[nodiscard]] constexpr u32* waiting() noexcept { return ids_to_ + object_.types.count() + 1; }
  constexpr void mark(u32 id, u32 wanted, u32* waiting, u32& count) noexcept {
    if (id == 0 || id > object_.types.count()) return;
    if (object_.types.has_unknown() && !btf::is_known(object_.types.type(id).kind)) return;
    if ((marks_[id] | wanted) == marks_[id]) return;
    marks_to_[id] |= wanted;
    waiting[count++] = id;
  }
  constexpr void visit(const btf_type& type, u32 marks, u32* waiting, u32& count) noexcept {
    using enum abi::btf_kind;
    switch (type.kind) {
      case pointer:
        mark(pointee(type), marks & ~whole, waiting, count);
        return;
      case array:
        mark(object_.types.element_of(type), marks, waiting, count);
        mark(object_.types.image().read32(type.tail() + 4), marks, waiting, count);
        return;
      case structure:
      case union_type:
        for (u32 i = 0; (marks & whole) != 0 && i < type.members; ++i)
          mark(object_.types.member(type, i).type, marks, waiting, count);
        return;
      case function_prototype:
        mark(type.size_or_type, marks | whole, waiting, count);
        for (u32 i = 0; i < type.members; ++i)
          mark(object_.types.parameter(type, i), marks | whole, waiting, count);
        return;
      case data_section: {
        const map_spec map = map_of(type);  // whose variables are what is written
        for (u32 i = 0; i < map.variable_count; ++i)
          mark(object_.variables[map.first_variable + i].id, marks | whole, waiting, count);
        return;
      }
      case function:
      case variable:
        mark(type.size_or_type, marks | whole, waiting, count);
        return;
      default:
        if (btf::is_modifier(type.kind)) mark(type.size_or_type, marks, waiting, count);
        return;
    }
  }
  // Tags on what is kept, and on members that are.
  constexpr void keep_tags() noexcept {
    if (!object_.types.has(abi::btf_kind::declaration_tag)) return;
    for (btf_type type = object_.types.first(); type.id != 0; type = object_.types.after(type)) {
      if (type.kind != abi::btf_kind::declaration_tag || type.size_or_type > object_.types.count()) continue;
      const bool on_a_member = object_.types.image().read32(type.tail()) != 0xffffffff;
      const u32 marks = marks_[type.size_or_type];
      if ((marks & (on_a_member ? whole : kept)) != 0) marks_to_[type.id] |= kept;
    }
  }
  // Gives each string of CO-RE its place; tells how many bytes they take.
  constexpr u32 keep_accesses() noexcept {
    u32 size = 0;
    for (u32 i = 0; i < object_.core_count; ++i) {
      access_text access;
      write_access(object_.cores[i], access);
      const u32 slot = find_access(access);
      if (accesses_[slot] != 0 || size > largest) continue;
      accesses_to_[slot] = i + 1;
      accesses_to_[slot + 1] = size;
      size += access.size + 1;
    }
    return size;
  }

  u32* marks_to_;
  u32* ids_to_;
  u32* accesses_to_;
  u32* members_to_;
};

/// Tells BPF_MAP_CREATE which of `types` describe the map, where its kind may be described.
constexpr void describe_map(const map_spec& map, const pruned_btf& types, abi::map_create& out) noexcept {
  if (kind_of(static_cast<map_type>(map.type)).btf == btf_rule::refused) return;
  const u32 key = types.new_id(map.key_type), value = types.new_id(map.value_type);
  // The kernel wants both or none, but for maps of variables, whose key is void.
  if (value == 0 || (key == 0 && map.origin == map_origin::declared)) return;
  out.btf_key_type_id = key;
  out.btf_value_type_id = value;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PRUNED_BTF_HPP
