// SPDX-License-Identifier: MIT
// Room 7.14, map/dynamic: maps whose types only the running program knows, from an object's BTF. Keys and values are bytes
// whose members are asked for by name.
#ifndef BAREBPF_MAP_DYNAMIC_HPP
#define BAREBPF_MAP_DYNAMIC_HPP

#include "../field.hpp"
#include "../refusal.hpp"
#include "element.hpp"
#include "per_cpu.hpp"

#include <type_traits>  // is_enum_v, underlying_type_t and their siblings

namespace barebpf::inline BAREBPF_ABI {

/// A key or value whose type only the object's BTF tells; of a map that keeps a value for each CPU, all of them.
/// Lifetime: looks at the types of the loaded_object that it is of.
class dynamic_value {
 public:
  /// A value of all zeros of the type with this id, `size` bytes long, once for each of `copies`.
  /// Errors: ENOMEM.
  [[nodiscard]] static result<dynamic_value> of(const btf& types, u32 id, u32 size, u32 copies = 1) noexcept {
    dynamic_value out;
    auto storage = buffer<u64>::of((size_t{size} + 7) / 8 * copies);
    if (!storage) return storage.error();
    out.storage_ = std::move(*storage);
    out.types_ = types;
    out.id_ = id;
    out.size_ = size;
    return out;
  }

  /// The number that `path` names, such as "packets" or "ports[1].source"; of an integer that is the whole value, "".
  /// `T` is an integer as wide as it or wider, that holds its sign; an enum, bool, float or double; or `text` for an array
  /// of characters, up to its first NUL.
  /// Errors:   no_such_member, bad_field_path, element_past_end; other_size, other_sign, other_sort for a `T` that does not
  ///           hold it. About the path.
  /// Lifetime: of a `text`, that of this value.
  template <class T>
  [[nodiscard]] result<T> get(text path, u32 cpu = 0) const noexcept {
    const field where = find(path);
    if (const cause why = fits<T>(where, cpu); why != cause::none) return about(why, path);
    const unsigned char* const at = data(cpu);
    if constexpr (std::is_same_v<T, text>) {
      return text::until_nul(reinterpret_cast<const char*>(at) + where.bit / 8, where.size);
    } else if constexpr (std::is_floating_point_v<T>) {
      if (where.size == sizeof(float)) return static_cast<T>(copy_out<float>(at + where.bit / 8));
      return static_cast<T>(copy_out<double>(at + where.bit / 8));
    } else {
      return static_cast<T>(read_field(at, where));
    }
  }
  /// Sets that number; of an array of characters, what is behind the text is zero.
  /// Errors: as above; other_size for a number or a text that is too large for it, which is then cut.
  template <class T>
  [[nodiscard]] result<void> set(text path, const T& value, u32 cpu = 0) noexcept {
    using given = std::conditional_t<std::is_convertible_v<T, text>, text, T>;
    const field where = find(path);
    if (const cause why = is_of_sort<given>(where, cpu); why != cause::none) return about(why, path);
    unsigned char* const at = data(cpu);
    if constexpr (std::is_same_v<given, text>) {
      const text characters(value);
      if (characters.size() > where.size) return about(cause::other_size, path);
      for (u32 i = 0; i < where.size; ++i)
        at[where.bit / 8 + i] = i < characters.size() ? static_cast<unsigned char>(characters[i]) : 0;
    } else if constexpr (std::is_floating_point_v<T>) {
      if (where.size == sizeof(float))
        copy_in(at + where.bit / 8, static_cast<float>(value));
      else
        copy_in(at + where.bit / 8, static_cast<double>(value));
    } else {
      write_field(at, where, static_cast<u64>(value));
      // What was cut off is not what was given.
      if (static_cast<T>(read_field(at, where)) != value) return about(cause::other_size, path);
    }
    return {};
  }

  /// Its bytes; those of a CPU by the place of its number among the possible ones.
  [[nodiscard]] const unsigned char* data(u32 cpu = 0) const noexcept {
    return reinterpret_cast<const unsigned char*>(storage_.data() + size_t{cpu} * ((size_ + 7) / 8));
  }
  [[nodiscard]] unsigned char* data(u32 cpu = 0) noexcept {
    return reinterpret_cast<unsigned char*>(storage_.data() + size_t{cpu} * ((size_ + 7) / 8));
  }
  /// How many bytes one has.
  [[nodiscard]] u32 size() const noexcept { return size_; }
  /// How many there are: 1, or the number of possible CPUs.
  [[nodiscard]] u32 copies() const noexcept {
    return size_ == 0 ? 0 : static_cast<u32>(storage_.size() / ((size_ + 7) / 8));
  }

 private:
  template <class T>
  static T copy_out(const unsigned char* from) noexcept {
    T out;
    __builtin_memcpy(&out, from, sizeof out);
    return out;
  }
  template <class T>
  static void copy_in(unsigned char* to, const T& value) noexcept {
    __builtin_memcpy(to, &value, sizeof value);
  }
  static error about(cause why, text path) noexcept {
    return error{.at = step::find, .why = why}.about(path);
  }

  // Of a value of which the object tells the size alone, the whole may be a number all the same.
  [[nodiscard]] field find(text path) const noexcept {
    if (id_ != 0 || !path.empty()) return find_field(types_, id_, path);
    const bool is_word = size_ == 1 || size_ == 2 || size_ == 4 || size_ == 8;
    return {.size = size_, .sort = is_word ? field_sort::unsigned_number : field_sort::other};
  }
  // Whether a T can be made of every value of the field.
  template <class T>
  [[nodiscard]] cause fits(const field& where, u32 cpu) const noexcept {
    if (const cause why = is_of_sort<T>(where, cpu); why != cause::none) return why;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      const u32 bits = where.width != 0 ? where.width : where.size * 8;
      const bool is_signed = where.sort == field_sort::signed_number;
      if (bits > sizeof(T) * 8) return cause::other_size;
      if (is_signed != std::is_signed_v<T> && (is_signed || bits == sizeof(T) * 8)) return cause::other_sign;
    }
    return cause::none;
  }
  template <class T>
  [[nodiscard]] cause is_of_sort(const field& where, u32 cpu) const noexcept {
    if (where.why != cause::none) return where.why;
    if (cpu >= copies()) return cause::element_past_end;
    if (u64{where.bit} + (where.width != 0 ? where.width : u64{where.size} * 8) > u64{size_} * 8)
      return cause::no_such_member;  // types that say more than the map has
    if constexpr (std::is_same_v<T, text>) {
      const btf_type found = types_.resolve(where.type);
      const bool is_text =
          found.kind == abi::btf_kind::array && types_.size_of(types_.element_of(found)) == 1;
      return is_text ? cause::none : cause::other_sort;
    } else if constexpr (std::is_floating_point_v<T>) {
      if (where.sort != field_sort::floating) return cause::other_sort;
      return where.size > sizeof(T) ? cause::other_size : cause::none;
    } else {
      static_assert(
          std::is_integral_v<T> || std::is_enum_v<T>,
          "barebpf: a field holds a number or text, so ask for an integer, an enum, a floating-point number "
          "or text");
      const bool is_number = where.sort != field_sort::other && where.sort != field_sort::floating;
      if (std::is_same_v<T, bool> && where.sort != field_sort::boolean) return cause::no_boolean;
      return is_number ? cause::none : cause::other_sort;
    }
  }

  btf types_;
  u32 id_ = 0, size_ = 0;
  buffer<u64> storage_;
};

/// A map whose types only the object's BTF tells: `loaded->map("flows")`.
/// Lifetime: borrowed, and it looks at types: valid as long as the loaded_object that it is of.
/// Threads:  safe on one object from several threads; the kernel orders the calls.
class dynamic_map {
 public:
  /// What the object says of the map; ids of types that it does not tell are 0.
  struct shape {
    u32 type = 0, key_size = 0, value_size = 0, key_type = 0, value_type = 0;
  };
  dynamic_map(untyped_map map, const btf& types, const shape& what) noexcept
      : map_(std::move(map)), types_(types), shape_(what) {}

  /// A key or value of all zeros, to be filled in.
  /// Errors: ENOMEM; where there is a value for each CPU, those of `possible_cpus`.
  [[nodiscard]] result<dynamic_value> make_key() const noexcept {
    return dynamic_value::of(types_, shape_.key_type, shape_.key_size);
  }
  [[nodiscard]] result<dynamic_value> make_value() const noexcept {
    u32 copies = 1;
    if (kind().value == value_rule::per_cpu) {
      const auto cpus = possible_cpus();
      if (!cpus) return cpus.error();
      copies = *cpus;
    }
    return dynamic_value::of(types_, shape_.value_type, shape_.value_size, copies);
  }

  /// Copies the value of `key` into `value`, which `make_value` made.
  /// Errors: ENOENT when there is none; those of bpf(2), about the map's name.
  /// Cost:   one system call.
  [[nodiscard]] result<void> lookup_elem(const dynamic_value& key, dynamic_value& value) const noexcept {
    return done(step::map_lookup_elem, map_.lookup_elem(key.data(), value.data()));
  }
  /// The value of `key`.
  /// Errors: as above; ENOMEM.
  [[nodiscard]] result<dynamic_value> lookup_elem(const dynamic_value& key) const noexcept {
    auto value = make_value();
    if (!value) return value;
    if (const auto found = lookup_elem(key, *value); !found) return found.error();
    return value;
  }
  /// Creates or replaces it, as `flags` has it: `update::any`, `noexist`, `exist`.
  [[nodiscard]] result<void> update_elem(const dynamic_value& key, const dynamic_value& value,
                                         u64 flags = 0) noexcept {
    return done(step::map_update_elem, map_.update_elem(key.data(), value.data(), flags));
  }
  [[nodiscard]] result<void> delete_elem(const dynamic_value& key) noexcept {
    return done(step::map_delete_elem, map_.delete_elem(key.data()));
  }
  /// The key behind `key`, or the first for no key, into `next`.
  /// Errors: ENOENT behind the last.
  [[nodiscard]] result<void> get_next_key(const dynamic_value* key, dynamic_value& next) const noexcept {
    return done(step::map_get_next_key,
                map_.get_next_key(key == nullptr ? nullptr : key->data(), next.data()));
  }

  [[nodiscard]] const fd& descriptor() const noexcept { return map_.descriptor(); }
  [[nodiscard]] map_type type() const noexcept { return static_cast<map_type>(shape_.type); }

 private:
  [[nodiscard]] map_kind kind() const noexcept { return kind_of(type()); }
  [[nodiscard]] result<void> done(step at, long answer) const noexcept {
    if (answer >= 0) return {};
    error out = failure(at, answer).about(map_.map_name());
    out.why = why_refused_element(kind(), at, out.code);
    return out;
  }

  untyped_map map_;
  btf types_;
  shape shape_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_DYNAMIC_HPP
