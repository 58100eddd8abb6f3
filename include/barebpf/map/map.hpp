// SPDX-License-Identifier: MIT
// Room 7.1, map/map: typed maps. One class template; what a type allows stands in room 2.0.
#ifndef BAREBPF_MAP_MAP_HPP
#define BAREBPF_MAP_MAP_HPP

#include "../kinds.hpp"
#include "element.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What a new map is made of. Everything but the type and the sizes, which the class knows.
struct map_options {
  text name{};          ///< at most 15 letters, digits, underscores and dots
  u32 max_entries = 0;  ///< entries
  u32 map_flags = 0;    ///< BPF_F_... bits
};

/// A map of the kernel, with the C++ types of its keys and values.
/// Shape:    a descriptor and the name; keys and values are copied as raw bytes.
/// Lifetime: a created map lives as long as this object, a program that uses it, or a pin. A borrowed one is
///           valid as long as its owner.
/// Threads:  safe on one object from several threads; the kernel orders the calls.
/// Cost:     one bpf(2) call for each operation, no allocation.
template <map_type Type, class Key, class Value>
class map {
  static constexpr map_kind kind = kind_of(Type);
  static_assert(kind.type == Type, "barebpf: this map type has no typed form yet, so use untyped_map for it");
  static_assert(std::is_trivially_copyable_v<Key>,
                "barebpf: the kernel copies keys as raw bytes, so a key type must be trivially copyable");
  static_assert(std::is_trivially_copyable_v<Value>,
                "barebpf: the kernel copies values as raw bytes, so a value type must be trivially copyable");
  static_assert(
      !kind.hashes_the_key || std::has_unique_object_representations_v<Key>,
      "barebpf: the kernel hashes every byte of a key, so a key type must have no padding: name the "
      "padding bytes as members and set them");

 public:
  static constexpr map_type type = Type;
  using key_type = Key;
  using mapped_type = Value;

  /// Uses a map that is already open; its type and sizes must be those of this class.
  explicit map(untyped_map untyped) noexcept : untyped_(std::move(untyped)) {}

  /// Creates a map.
  /// Errors: bad_name; EPERM without CAP_BPF; EINVAL for zero `max_entries` or flags that the type does not
  ///         take; E2BIG and ENOMEM for a map that is too large.
  /// Kernel: the type's first, see `map_kinds`.
  /// Source: map_create() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] static result<map> create(const map_options& options) noexcept {
    if (!is_kernel_name(options.name))
      return error{.at = step::map_create, .why = cause::bad_name}.about(options.name);
    const abi::map_create attr{.map_type = static_cast<u32>(Type),
                               .key_size = sizeof(Key),
                               .value_size = sizeof(Value),
                               .max_entries = options.max_entries,
                               .map_flags = options.map_flags,
                               .map_name = to_kernel_name(options.name)};
    outcome created{.subject = attr.map_name.characters};
    if (created.fails(step::map_create, create_map(attr))) return to_error(created);
    return map(untyped_map::own(fd::own(created.answer), attr.map_name));
  }

  [[nodiscard]] const fd& descriptor() const noexcept { return untyped_.descriptor(); }
  [[nodiscard]] text map_name() const noexcept { return untyped_.map_name(); }

  /// Copies out the value under `key`.
  /// Errors: ENOENT when the key is absent.
  /// Kernel: 3.19, BPF_MAP_LOOKUP_ELEM.
  /// Source: map_lookup_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<Value> lookup_elem(const Key& key) const noexcept {
    demand<can_lookup>();
    Value value{};
    if (const long answer = untyped_.lookup_elem(&key, &value); answer < 0)
      return explain(step::map_lookup_elem, answer);
    return value;
  }
  /// Copies the value under `key` into `value`, for values too large to return.
  /// Errors: ENOENT when the key is absent; `value` is then as it was.
  [[nodiscard]] result<void> lookup_elem(const Key& key, Value& value) const noexcept {
    demand<can_lookup>();
    return done(step::map_lookup_elem, untyped_.lookup_elem(&key, &value));
  }
  /// Stores `value` under `key`, as `how` says.
  /// Errors: EEXIST and ENOENT as `how` says; E2BIG when the map is full.
  /// Kernel: 3.19, BPF_MAP_UPDATE_ELEM.
  /// Source: map_update_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> update_elem(const Key& key, const Value& value,
                                         update how = update::any) noexcept {
    demand<can_update>();
    return done(step::map_update_elem, untyped_.update_elem(&key, &value, static_cast<u64>(how)));
  }
  /// Removes `key` and its value.
  /// Errors: ENOENT when the key is absent.
  /// Kernel: 3.19, BPF_MAP_DELETE_ELEM.
  /// Source: map_delete_elem() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<void> delete_elem(const Key& key) noexcept {
    demand<can_delete>();
    return done(step::map_delete_elem, untyped_.delete_elem(&key));
  }
  /// The first key.
  /// Errors: ENOENT when the map is empty.
  /// Kernel: 4.12 without a key, BPF_MAP_GET_NEXT_KEY.
  [[nodiscard]] result<Key> get_next_key() const noexcept { return next(nullptr); }
  /// The key after `key`. In a hash map the first key follows one that is absent, so a walk that deletes the
  /// key it stands on begins again.
  /// Errors: ENOENT after the last key.
  /// Kernel: 3.19, BPF_MAP_GET_NEXT_KEY.
  /// Source: map_get_next_key() in kernel/bpf/syscall.c at v6.12.
  [[nodiscard]] result<Key> get_next_key(const Key& key) const noexcept { return next(&key); }

 private:
  template <operation Wanted>
  static constexpr void demand() noexcept {
    static_assert((kind.operations & Wanted) != 0,
                  "barebpf: the kernel does not know this operation on maps of this type, so use another");
  }
  [[nodiscard]] result<Key> next(const Key* key) const noexcept {
    demand<can_get_next_key>();
    Key found{};
    if (const long answer = untyped_.get_next_key(key, &found); answer < 0)
      return explain(step::map_get_next_key, answer);
    return found;
  }
  [[nodiscard]] result<void> done(step at, long answer) const noexcept {
    if (answer < 0) return explain(at, answer);
    return {};
  }
  // Sixteen bytes at once, because an absent key is no reason to be slow.
  [[nodiscard, gnu::always_inline]] error explain(step at, long answer) const noexcept {
    error out = failure(at, answer);
    static_assert(sizeof(kernel_name) <= sizeof out.name);
    __builtin_memcpy(out.name, &untyped_.map_name(), sizeof(kernel_name));
    return out;
  }

  untyped_map untyped_;
};

/// A hash table: any key without padding, any value.
/// Kernel: 3.19, BPF_MAP_TYPE_HASH.
template <class Key, class Value>
using hash_map = map<map_type::hash, Key, Value>;

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_MAP_HPP
