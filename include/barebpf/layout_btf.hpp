// SPDX-License-Identifier: MIT
// Room 3.13, layout_btf: C++ types as the kernel takes types, written by the compiler, so that a map that no object
// declares has names for its members too.
// Source: Documentation/bpf/btf.rst at v6.12.
#ifndef BAREBPF_LAYOUT_BTF_HPP
#define BAREBPF_LAYOUT_BTF_HPP

#include "abi/btf.hpp"
#include "layout.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// Counts words and characters, or writes them where there is room for them.
class layout_btf_writer {
 public:
  constexpr layout_btf_writer(u32* words, char* characters) noexcept
      : words_(words), characters_(characters) {
    put('\0');
  }

  // The id of a type, which is written unless it is there already; 0 when there are too many.
  constexpr u32 add(const layout& one) noexcept {
    for (u32 i = 0; i < known_count_; ++i)
      if (known_[i] == &one) return ids_[i];
    const u32 id = write(one);
    if (known_count_ == most) return 0;
    known_[known_count_] = &one;
    ids_[known_count_++] = id;
    return id;
  }
  // A number of 4 bytes, whatever the C++ type is: descriptors, and indexes.
  constexpr u32 add_number() noexcept { return write_integer("int", 4, abi::btf_integer_is_signed); }

  // True when there is a struct that the kernel looks for, such as a lock.
  [[nodiscard]] constexpr bool has_special() const noexcept { return has_special_; }
  [[nodiscard]] constexpr u32 words() const noexcept { return word_count_; }
  [[nodiscard]] constexpr u32 characters() const noexcept { return character_count_; }

 private:
  static constexpr u32 most = 128;

  constexpr void put(u32 word) noexcept {
    if (words_ != nullptr) words_[word_count_] = word;
    ++word_count_;
  }
  constexpr void put(char character) noexcept {
    if (characters_ != nullptr) characters_[character_count_] = character;
    ++character_count_;
  }
  // Where the name stands; 0 for none.
  constexpr u32 put(text name) noexcept {
    if (name.empty()) return 0;
    const u32 at = character_count_;
    for (const char c : name) put(c);
    put('\0');
    return at;
  }
  constexpr u32 begin(text name, abi::btf_kind kind, u32 members, u32 size, bool flagged = false) noexcept {
    const u32 at = put(name);
    put(at);
    put((flagged ? u32{1} << 31 : 0) | static_cast<u32>(kind) << 24 | members);
    put(size);
    return ++type_count_;
  }
  constexpr u32 write_integer(text name, u32 size, u32 encoding) noexcept {
    const u32 id = begin(name, abi::btf_kind::integer, 0, size);
    put(encoding << 24 | size * 8);
    return id;
  }
  constexpr u32 write_array(u32 element, u32 length) noexcept {
    const u32 id = begin({}, abi::btf_kind::array, 0, 0);
    put(element);
    put(element);  // of the index; any type will do
    put(length);
    return id;
  }
  // What nobody can look into, as the bytes that it is.
  constexpr u32 write_bytes(const layout& one, abi::btf_kind kind) noexcept {
    const u32 element = write_integer("unsigned char", 1, 0);
    const u32 array = write_array(element, one.size);
    const u32 member = put(text("bytes"));
    const u32 id = begin(one.name, kind, 1, one.size);
    put(member);
    put(array);
    put(u32{0});
    return id;
  }
  constexpr u32 write_members(const layout& one, abi::btf_kind kind) noexcept {
    for (const text name : abi::special_structs) has_special_ = has_special_ || one.name == name;
    bool has_bits = false;
    for (u32 i = 0; i < one.count; ++i) {
      static_cast<void>(add(*one.members[i].type));
      has_bits = has_bits || one.members[i].width != 0;
    }
    // The names of the members stand in front, because `begin` writes words.
    const u32 first = character_count_;
    for (u32 i = 0; i < one.count; ++i) static_cast<void>(put(one.members[i].name));
    const u32 id = begin(one.name, kind, one.count, one.size, has_bits);
    u32 name = first;
    for (u32 i = 0; i < one.count; ++i) {
      put(one.members[i].name.empty() ? 0 : name);
      name += one.members[i].name.empty() ? 0 : static_cast<u32>(one.members[i].name.size()) + 1;
      put(add(*one.members[i].type));
      put(one.members[i].bit | one.members[i].width << 24);
    }
    return id;
  }
  constexpr u32 write_enum(const layout& one) noexcept {
    bool is_negative = false;
    for (u32 i = 0; i < one.count; ++i) is_negative = is_negative || one.values[i].value < 0;
    // Kernels before 6.0 know neither enums of 8 bytes nor that one can be signed.
    if (one.count == 0 || one.size == 8 || is_negative)
      return write_integer("int", one.size, one.is_signed ? abi::btf_integer_is_signed : 0);
    const u32 first = character_count_;
    for (u32 i = 0; i < one.count; ++i) static_cast<void>(put(one.values[i].name));
    const u32 id = begin(one.name, abi::btf_kind::enumeration, one.count, one.size);
    u32 name = first;
    for (u32 i = 0; i < one.count; ++i) {
      put(name);
      name += static_cast<u32>(one.values[i].name.size()) + 1;
      put(static_cast<u32>(one.values[i].value));
    }
    return id;
  }
  constexpr u32 write(const layout& one) noexcept {
    using enum layout_sort;
    constexpr text unsigned_names[] = {"__u8", "__u16", "", "__u32", "", "", "", "__u64"};
    constexpr text signed_names[] = {"__s8", "__s16", "", "__s32", "", "", "", "__s64"};
    const u32 at = one.size - 1 < 8 ? one.size - 1 : 2;
    switch (one.sort) {
      case raw:
        return write_integer("unsigned char", 1, 0);
      case signed_integer:
        return write_integer(at == 2 ? text("int") : signed_names[at], one.size, abi::btf_integer_is_signed);
      case unsigned_integer:
        return write_integer(at == 2 ? text("int") : unsigned_names[at], one.size, 0);
      case character:
        return write_integer("char", 1, abi::btf_integer_is_signed);
      case boolean:
        return write_integer("_Bool", 1, abi::btf_integer_is_bool);
      case floating:
        return begin(one.size == 4 ? text("float") : text("double"), abi::btf_kind::floating, 0, one.size);
      case enumeration:
        return write_enum(one);
      case pointer:
        return write_integer(unsigned_names[at], one.size,
                             0);  // an address of this process is none to others
      case array: {
        const u32 element = add(*one.element);
        return write_array(element, one.count);
      }
      case structure:
        return write_members(one, abi::btf_kind::structure);
      case union_type:
        if (one.is_stated) return write_members(one, abi::btf_kind::union_type);
        return write_bytes(one, abi::btf_kind::union_type);
      case unknown:
        return write_bytes(one, abi::btf_kind::structure);
    }
    return 0;
  }

  u32* words_;
  char* characters_;
  u32 word_count_ = 0, character_count_ = 0, type_count_ = 0, known_count_ = 0;
  const layout* known_[most] = {};
  u32 ids_[most] = {};
  bool has_special_ = false;
};

template <u32 Words, u32 Characters>
struct btf_image_of {
  u32 header[abi::btf_header::size / 4];
  u32 types[Words];
  char strings[Characters];
  u32 key_id, value_id;
  bool has_special;  // without these types the value would not have what it shows, such as a lock

  // Without what follows the strings.
  [[nodiscard]] static constexpr u32 size() noexcept {
    return static_cast<u32>(abi::btf_header::size) + Words * 4 + Characters;
  }
};

}  // namespace detail

/// The BTF of a key and a value.
/// Shape:  `size()` bytes that BPF_BTF_LOAD takes, and the ids `key_id` and `value_id` in it. With `KeyIsNumber` the key is
///         a number of 4 bytes, as the kernel wants it of descriptors and indexes. What the compiler does not tell of a
///         class, see `unseen`, is so many bytes.
/// Kernel: 4.18; with floating-point numbers 5.13.
template <class Key, class Value, bool KeyIsNumber = false>
inline constexpr auto element_btf = [] {
  constexpr auto write_all = [](detail::layout_btf_writer& out, u32& key, u32& value) {
    key = KeyIsNumber ? out.add_number() : out.add(layout_of<Key>);
    value = out.add(layout_of<Value>);
  };
  struct sizes {
    u32 words, characters;
  };
  constexpr sizes needed = [write_all] {
    detail::layout_btf_writer out(nullptr, nullptr);
    u32 key = 0, value = 0;
    write_all(out, key, value);
    return sizes{out.words(), out.characters()};
  }();
  detail::btf_image_of<needed.words, needed.characters> out{};
  detail::layout_btf_writer writer(out.types, out.strings);
  write_all(writer, out.key_id, out.value_id);
  out.has_special = writer.has_special();
  out.header[0] = abi::btf_first_word;
  out.header[1] = static_cast<u32>(abi::btf_header::size);
  out.header[3] = out.header[4] = needed.words * 4;
  out.header[5] = needed.characters;
  return out;
}();

/// True when a key or value of this type has members that somebody who looks at the map would miss.
template <class T>
inline constexpr bool has_members_to_show = std::is_class_v<T> || std::is_union_v<T> || std::is_array_v<T>;

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_LAYOUT_BTF_HPP
