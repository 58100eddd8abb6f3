// SPDX-License-Identifier: MIT
// Room 5.3, core/candidates: which types of a kernel may be the ones that an object names. All names are looked for in
// one walk over the kernel's 100,000 types, of which most are told apart by their first four characters.
#ifndef BAREBPF_CORE_CANDIDATES_HPP
#define BAREBPF_CORE_CANDIDATES_HPP

#include "../buffer.hpp"
#include "match.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What was found for one type of the object.
struct core_root {
  u32 type = 0;   ///< its id
  u32 first = 0;  ///< the ids of what may be it in the kernel are so many from this one on
  u32 count = 0;
  abi::btf_kind kind = abi::btf_kind::void_type;
  u64 name = 0;    ///< where its name stands
  u32 length = 0;  ///< characters of it, without its flavour
  u32 hash = 0;
  u32 next = 0;               ///< one more than the index of another one whose name has the same slot
  bool is_of_kernel = false;  ///< found among the first types, behind which no more are looked for
};

/// The types that an object names, and those of a kernel that may be they: `want` all, then `search` once.
/// Lifetime: looks at the object's types as long as it lives.
class core_candidates {
 public:
  explicit core_candidates(const btf& local) noexcept : local_(&local) {}

  /// Makes room for types of `relocations` relocations at most.
  /// Errors: ENOMEM.
  [[nodiscard]] result<void> reserve(u32 relocations) noexcept {
    slots_ = 4;
    while (slots_ < u64{relocations} * 2 && slots_ < u32{1} << 30) slots_ *= 2;
    auto roots = buffer<core_root>::of(relocations);
    auto by_type = buffer<u32>::of(slots_);
    auto by_name = buffer<u32>::of(slots_);
    auto starts = buffer<u64>::of(start_bits / 64);
    if (!roots || !by_type || !by_name || !starts) return error{.at = step::allocate, .code = ENOMEM};
    roots_ = std::move(*roots);
    by_type_ = std::move(*by_type);
    by_name_ = std::move(*by_name);
    starts_ = std::move(*starts);
    return {};
  }

  /// Adds the type that a relocation names; types without a name are not looked for.
  void want(u32 type) noexcept {
    u32& slot = *slot_of(type);
    if (slot != 0) return;
    const btf_type found = local_->type(type);
    core_root& root = roots_[count_];
    root = {.type = type, .kind = found.kind, .name = found.name};
    slot = ++count_;
    if (found.id == 0) return;
    root.length = essential_length(local_->image(), found.name);
    if (root.length == 0) return;
    root.hash = hash_of(local_->image(), found.name, root.length);
    kinds_ |= u32{1} << static_cast<u8>(found.kind);
    if (core_match::is_enum(found.kind))
      kinds_ |= u32{1} << static_cast<u8>(abi::btf_kind::enumeration) |
                u32{1} << static_cast<u8>(abi::btf_kind::enumeration64);
    root.next = by_name_[root.hash & (slots_ - 1)];
    by_name_[root.hash & (slots_ - 1)] = count_;
    // A name of three characters or less goes on with its end or with its flavour.
    const u32 start = four_at(local_->image(), found.name);
    mark_start(start_of(start, root.length, 0));
    if (root.length < 4) mark_start(start_of(start, root.length, 0x5f5f5f5f));
  }

  /// Finds all that may be what was wanted, and builds the index of `target` on the way; what it found before is
  /// forgotten. Of what is among the first `first` types no more is looked for behind them, where those of a module are.
  /// Errors: ENOMEM.
  /// Cost:   one walk over the types, and a look at the first four characters of each name.
  [[nodiscard]] result<void> search(btf& target, u32* index, u32 first = ~u32{0}) noexcept {
    const bytes& image = target.image();
    u32 used = 0;
    for (u32 i = 0; i < count_; ++i) {
      roots_[i].first = roots_[i].count = 0;
      roots_[i].is_of_kernel = false;
    }
    for (btf_type type = target.first(); type.id != 0; type = target.after(type)) {
      target.index_type(type, index);
      if ((kinds_ >> static_cast<u8>(type.kind) & 1) == 0) continue;
      const u32 start = whole_start(four_at(image, type.name));
      if ((starts_[start % start_bits / 64] >> start % 64 & 1) == 0) continue;
      const u32 length = essential_length(image, type.name);
      const u32 hash = hash_of(image, type.name, length);
      for (u32 next = by_name_[hash & (slots_ - 1)]; next != 0; next = roots_[next - 1].next) {
        core_root& root = roots_[next - 1];
        if (root.hash != hash || root.length != length || !core_match::same_kind(root.kind, type.kind) ||
            !is_same(root, image, type.name) || (type.id > first && root.is_of_kernel))
          continue;
        root.is_of_kernel = type.id <= first;
        if (used == found_.size())
          if (const auto more = grow(); !more) return more.error();
        found_[used++] = {next - 1, type.id};
        ++root.count;
      }
    }
    target.use_index(index);
    return sort(used);
  }

  /// True when nothing was found yet that may be the type of this kind and name.
  [[nodiscard]] bool lacks(const bytes& image, abi::btf_kind kind, u64 name) const noexcept {
    for (u32 i = 0; i < count_; ++i)
      if (is_lacking(roots_[i]) && core_match::same_kind(roots_[i].kind, kind) &&
          essential_length(image, name) == roots_[i].length && is_same(roots_[i], image, name))
        return true;
    return false;
  }
  /// True when that is so of some type that was wanted.
  [[nodiscard]] bool lacks_any() const noexcept {
    for (u32 i = 0; i < count_; ++i)
      if (is_lacking(roots_[i])) return true;
    return false;
  }

  /// The ids for a type that was wanted; the caller may leave out what turned out to be something else.
  [[nodiscard]] core_root& root_of(u32 type) noexcept { return roots_[*slot_of(type) - 1]; }
  [[nodiscard]] u32* ids_of(const core_root& root) noexcept { return ids_.data() + root.first; }

 private:
  static constexpr u32 start_bits = 1 << 15;
  struct found_type {
    u32 root = 0;
    u32 id = 0;
  };

  [[nodiscard]] static bool is_lacking(const core_root& root) noexcept {
    return root.length != 0 && root.count == 0;
  }
  [[nodiscard]] u32* slot_of(u32 type) noexcept {
    u32 slot = type * 0x9e3779b1 & (slots_ - 1);
    while (by_type_[slot] != 0 && roots_[by_type_[slot] - 1].type != type) slot = (slot + 1) & (slots_ - 1);
    return &by_type_[slot];
  }
  [[nodiscard]] static u32 hash_of(const bytes& image, u64 at, u32 length) noexcept {
    u32 hash = length;
    for (u32 i = 0; i < length; ++i) hash = (hash ^ image.read8(at + i)) * 0x01000193;
    return hash ^ hash >> 15;
  }
  // The first four characters of a name as a number, the first one lowest.
  [[nodiscard]] static u32 four_at(const bytes& image, u64 at) noexcept {
    if (!image.holds(at, 4))  // the last name of all may be shorter
      return image.read8(at) | u32{image.read8(at + 1)} << 8 | u32{image.read8(at + 2)} << 16;
    const u32 four = image.read32(at);
    return image.reads_big_endian() ? __builtin_bswap32(four) : four;
  }
  // The same of one that has only so many; `behind` has the rest.
  [[nodiscard]] static u32 start_of(u32 four, u32 length, u32 behind) noexcept {
    const u32 first = length >= 4 ? ~u32{0} : (u32{1} << length * 8) - 1;
    return mixed((four & first) | (behind & ~first));
  }
  [[nodiscard]] static u32 whole_start(u32 four) noexcept {
    u32 length = 0;
    while (length < 4 && (four >> length * 8 & 0xff) != 0) ++length;
    return start_of(four, length, 0);
  }
  [[nodiscard]] static u32 mixed(u32 four) noexcept { return four * 0x9e3779b1 >> 17; }
  void mark_start(u32 start) noexcept { starts_[start % start_bits / 64] |= u64{1} << start % 64; }

  [[nodiscard]] bool is_same(const core_root& root, const bytes& image, u64 name) const noexcept {
    for (u32 i = 0; i < root.length; ++i)
      if (local_->image().read8(root.name + i) != image.read8(name + i)) return false;
    return true;
  }
  [[nodiscard]] result<void> grow() noexcept {
    auto larger = buffer<found_type>::of(found_.size() == 0 ? 64 : found_.size() * 2);
    if (!larger) return larger.error();
    for (size_t i = 0; i < found_.size(); ++i) (*larger)[i] = found_[i];
    found_ = std::move(*larger);
    return {};
  }
  // Puts what belongs to one type together, in the order in which it was found.
  [[nodiscard]] result<void> sort(u32 used) noexcept {
    auto ids = buffer<u32>::of(used);
    if (!ids) return ids.error();
    ids_ = std::move(*ids);
    u32 first = 0;
    for (u32 i = 0; i < count_; ++i) {
      roots_[i].first = first;
      first += roots_[i].count;
      roots_[i].count = 0;
    }
    for (u32 i = 0; i < used; ++i) {
      core_root& root = roots_[found_[i].root];
      ids_[root.first + root.count++] = found_[i].id;
    }
    return {};
  }

  const btf* local_;
  buffer<core_root> roots_;
  buffer<u32> by_type_, by_name_;  // one more than an index among the roots
  buffer<u64> starts_;             // a bit for each start that a wanted name has
  buffer<found_type> found_;
  buffer<u32> ids_;
  u32 slots_ = 0;
  u32 count_ = 0;
  u32 kinds_ = 0;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_CORE_CANDIDATES_HPP
