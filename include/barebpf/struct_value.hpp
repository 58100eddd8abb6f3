// SPDX-License-Identifier: MIT
// Room 4.11, struct_value: C++ types made of an object's own types, for who writes none: numbers are numbers, a struct is
// its bytes with its members by name, an array a row of either.
#ifndef BAREBPF_STRUCT_VALUE_HPP
#define BAREBPF_STRUCT_VALUE_HPP

#include "field.hpp"
#include "kinds.hpp"
#include "layout.hpp"
#include "static_spec.hpp"

#include <type_traits>  // conditional_t, is_same_v

namespace barebpf::inline BAREBPF_ABI {

/// So many elements in a row, as an array of the object has them.
template <class T, size_t Count>
struct row {
  T elements[Count] = {};

  [[nodiscard]] static constexpr size_t size() noexcept { return Count; }
  [[nodiscard]] constexpr T* begin() noexcept { return elements; }
  [[nodiscard]] constexpr T* end() noexcept { return elements + Count; }
  [[nodiscard]] constexpr const T* begin() const noexcept { return elements; }
  [[nodiscard]] constexpr const T* end() const noexcept { return elements + Count; }
  [[nodiscard]] constexpr T& operator[](size_t at) noexcept { return elements[at]; }
  [[nodiscard]] constexpr const T& operator[](size_t at) const noexcept { return elements[at]; }
  /// The characters in front of the first NUL.
  [[nodiscard]] constexpr text view() const noexcept requires std::is_same_v<T, char> {
    return text::until_nul(elements, Count);
  }
  friend constexpr bool operator==(const row& a, const row& b) noexcept {
    for (size_t i = 0; i < Count; ++i)
      if (!(a.elements[i] == b.elements[i])) return false;
    return true;
  }
};

template <class Spec, u32 Id>
class struct_value;

namespace detail {

template <class T>
struct one_type {
  using type = T;
};
template <u32 Size, bool IsSigned>
constexpr auto integer_of() noexcept {
  if constexpr (Size == 1)
    return one_type<std::conditional_t<IsSigned, std::int8_t, u8>>{};
  else if constexpr (Size == 2)
    return one_type<std::conditional_t<IsSigned, s16, u16>>{};
  else if constexpr (Size == 4)
    return one_type<std::conditional_t<IsSigned, s32, u32>>{};
  else
    return one_type<std::conditional_t<IsSigned, s64, u64>>{};
}
template <class Spec, u32 Id>
constexpr auto make_object_type() noexcept;
template <class Spec, u32 Id>
using object_type = typename decltype(make_object_type<Spec, Id>())::type;

// Clang's `char` is the one integer of C that has no other name.
constexpr bool is_character(const btf& types, const btf_type& found) noexcept {
  return found.kind == abi::btf_kind::integer && found.size_or_type == 1 &&
         types.image().string_is(found.name, "char");
}
template <class Spec, u32 Id>
constexpr auto make_object_type() noexcept {
  constexpr btf_type found = Spec::types().resolve(Id);
  constexpr field_sort sort = sort_of_field(Spec::types(), Id);
  constexpr u32 size = Spec::types().size_of(Id);
  if constexpr (found.kind == abi::btf_kind::array) {
    constexpr u32 length = Spec::types().length_of(found);
    return one_type<row<object_type<Spec, Spec::types().element_of(found)>, length == 0 ? 1 : length>>{};
  } else if constexpr (is_character(Spec::types(), found)) {
    return one_type<char>{};
  } else if constexpr (sort == field_sort::boolean && size == 1) {
    return one_type<bool>{};
  } else if constexpr (sort == field_sort::floating) {
    return one_type<std::conditional_t<size == 4, float, double>>{};
  } else if constexpr (sort != field_sort::other) {
    return integer_of<size, sort == field_sort::signed_number>();
  } else {
    return one_type<struct_value<Spec, found.id>>{};
  }
}

// What a member that is not there is set to, so that nothing else is wrong with it.
struct takes_anything {
  template <class T>
  takes_anything(const T&) noexcept {}
};

// As aligned as bytes of this number can be without becoming more.
constexpr size_t alignment_of_size(u32 size) noexcept {
  return size % 8 == 0 ? 8 : size % 4 == 0 ? 4 : size % 2 == 0 ? 2 : 1;
}

}  // namespace detail

/// The C++ type for the type with this id in an object: an integer, a bool, a floating-point number, a `row`, or a
/// `struct_value`.
template <class Spec, u32 Id>
using object_type = detail::object_type<Spec, Id>;

namespace detail {

// The C++ type of a key or value of which nothing was said: none, what the object's types tell, an index, or bytes.
template <class Spec, bool IsNone, bool IsIndex, u32 Id, u32 Size, class None = no_key>
constexpr auto make_element_type() noexcept {
  if constexpr (IsNone)
    return one_type<None>{};
  else if constexpr (Id != 0 && Spec::types().size_of(Id) == Size)
    return one_type<object_type<Spec, Id>>{};
  else if constexpr (IsIndex)
    return one_type<u32>{};
  else
    return one_type<row<unsigned char, at_least_one(Size)>>{};
}
template <class Spec, bool IsNone, bool IsIndex, u32 Id, u32 Size, class None = no_key>
using element_type = typename decltype(make_element_type<Spec, IsNone, IsIndex, Id, Size, None>())::type;

}  // namespace detail

/// A struct or union of an object whose members are asked for by name: `value.get<"packets">()`,
/// `value.set<"ports[1].source">(80)`.
/// Shape:  its bytes, as the programs have them.
/// Errors: none at run time. A name that the struct does not have does not compile.
/// Cost:   that of a member of a plain struct.
template <class Spec, u32 Id>
class struct_value {
  static constexpr u32 size = Spec::types().size_of(Id);
  template <name Path>
  static constexpr field place = find_field(Spec::types(), Id, Path);
  template <name Path>
  static constexpr bool is_there =
      object_check<place<Path>.why, Spec::types().type(Id).at, Spec::name_at(Spec::types().type(Id).name),
                   barebpf::name<48>::cut(Path)>::made;

 public:
  /// The member, or the member of a member, that `Path` names: a number by its value, and so a copy of all else.
  template <name Path>
  [[nodiscard]] auto get() const noexcept {
    static_assert(is_there<Path>);
    constexpr field where = place<Path>;
    using type = object_type<Spec, where.type>;
    if constexpr (where.width != 0) {
      return static_cast<type>(read_field(bytes_, where));
    } else {
      type out;
      __builtin_memcpy(&out, bytes_ + where.bit / 8, sizeof out);
      return out;
    }
  }
  /// Sets it to `value`; a number is converted to its type as C++ does it without a cast.
  template <name Path>
  void set(const std::conditional_t<place<Path>.why == cause::none, object_type<Spec, place<Path>.type>,
                                    detail::takes_anything>& value) noexcept {
    static_assert(is_there<Path>);
    constexpr field where = place<Path>;
    if constexpr (where.why != cause::none)
      return;  // one error is enough
    else if constexpr (where.width != 0)
      write_field(bytes_, where, static_cast<u64>(value));
    else
      __builtin_memcpy(bytes_ + where.bit / 8, &value, sizeof value);
  }

  /// All its bytes.
  [[nodiscard]] const unsigned char* data() const noexcept { return bytes_; }
  [[nodiscard]] unsigned char* data() noexcept { return bytes_; }

  friend bool operator==(const struct_value& a, const struct_value& b) noexcept {
    return __builtin_memcmp(a.bytes_, b.bytes_, size) == 0;
  }

 private:
  alignas(detail::alignment_of_size(size)) unsigned char bytes_[size == 0 ? 1 : size] = {};
};

// They are made of the object's types, so there is nothing to compare.
template <class Spec, u32 Id>
inline constexpr bool is_compared_by_size<struct_value<Spec, Id>> = true;
template <class T, size_t Count>
inline constexpr bool is_compared_by_size<row<T, Count>> = true;

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STRUCT_VALUE_HPP
