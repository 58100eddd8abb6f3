// SPDX-License-Identifier: MIT
// Room 3.5, externs: what an object wants of the kernel that runs it, by name: options of its configuration (__kconfig),
// and addresses, variables and functions of it (__ksym).
#ifndef BAREBPF_EXTERNS_HPP
#define BAREBPF_EXTERNS_HPP

#include "btf.hpp"
#include "kconfig.hpp"
#include "order.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Where the kernel keeps what is wanted.
enum class extern_kind : u8 {
  config,   ///< its configuration, or what is known of it beside: `extern int LINUX_KERNEL_VERSION __kconfig`
  address,  ///< /proc/kallsyms: `extern const void name __ksym`
  variable,  ///< its types: `extern const int name __ksym`
  function,  ///< its types: `extern int name(void) __ksym`
};

/// What an object wants of the kernel.
struct extern_spec {
  u64 name = 0;         ///< where its name stands
  u64 declared_at = 0;  ///< where its BTF record stands
  extern_kind kind = extern_kind::config;
  kconfig_slot slot{};  ///< of a config
  u32 alignment = 1;    ///< of a config
  u32 offset = 0;       ///< of a config: bytes from the start of the map's value
  u32 id = 0;           ///< id of its VAR or FUNC in the object's BTF
  u32 type = 0;         ///< id of its type in the object's BTF
  bool is_weak = true;  ///< the object works without it; also true while no symbol demands it
};

/// The name of an extern as a number, and its index: a list in the order of the numbers finds names by halving.
struct extern_name {
  u32 hash = 0;
  u32 target = 0;
};

/// The bytes of a name as a number, different for most different names.
[[nodiscard]] constexpr u32 hash_of(text name) noexcept {
  u32 out = 0x811c9dc5;  // FNV-1a
  for (const char c : name) out = (out ^ static_cast<u8>(c)) * 0x01000193;
  return out;
}
/// The same of the first `length` characters at `at`.
[[nodiscard]] constexpr u32 hash_of(const bytes& image, u64 at, u64 length) noexcept {
  u32 out = 0x811c9dc5;
  for (u64 i = 0; i < length; ++i) out = (out ^ image.read8(at + i)) * 0x01000193;
  return out;
}

/// How many characters of the name at `at` stand in front of its flavour, the last `___` inside it: the part that the
/// kernel knows. "bpf_iter_new___v2" is "bpf_iter_new".
[[nodiscard]] constexpr size_t length_without_flavor(const bytes& image, u64 at) noexcept {
  const size_t length = image.length_of_string(at);
  for (size_t i = length; i-- > 4;) {
    // i is the first character behind three underscores, between two that are none.
    const bool is_border = image.read8(at + i) != '_' && image.read8(at + i - 4) != '_' &&
                           image.read8(at + i - 3) == '_' && image.read8(at + i - 2) == '_' &&
                           image.read8(at + i - 1) == '_';
    if (is_border) return i - 3;
  }
  return length;
}

namespace detail {

/// The longest name of which the kernel keeps the address.
/// Source: KSYM_NAME_LEN in include/linux/kallsyms.h at v6.12.
inline constexpr u64 longest_extern_name = 511;

// What the type of a __kconfig variable makes of it; no form for one that can be none. Its alignment is that of its
// element.
constexpr kconfig_slot kconfig_slot_of(const btf& types, u32 id, u32& alignment) noexcept {
  using enum abi::btf_kind;
  btf_type type = types.resolve(id);
  const bool is_array = type.kind == array;
  const u32 size = types.size_of(id);
  if (is_array) {
    if (types.length_of(type) == 0) return {};
    type = types.resolve(types.element_of(type));
  }
  alignment = type.size_or_type < 8 ? type.size_or_type : 8;
  const u32 encoding = type.kind == integer ? types.image().read32(type.tail()) >> 24 : 0;
  const bool is_bool = (encoding & abi::btf_integer_is_bool) != 0;
  const bool is_signed = (encoding & abi::btf_integer_is_signed) != 0;
  kconfig_slot out{.is_signed = is_signed, .size = size};
  if (type.kind == enumeration && type.size_or_type == 4 &&
      types.image().string_is(type.name, "libbpf_tristate"))
    out.form = is_array ? kconfig_form::none : kconfig_form::tristate;
  else if (type.kind != integer)
    return {};
  else if (type.size_or_type == 1)
    out.form = is_bool && is_array ? kconfig_form::none
               : is_bool           ? kconfig_form::boolean
               : is_array          ? kconfig_form::characters
                                   : kconfig_form::character;
  else if (!is_bool && !is_array &&
           (type.size_or_type == 2 || type.size_or_type == 4 || type.size_or_type == 8))
    out.form = kconfig_form::number;
  return out.form == kconfig_form::none ? kconfig_slot{} : out;
}

constexpr verdict read_extern(const btf& types, const btf_member& place, bool is_config, u32 section,
                              extern_spec& out) noexcept {
  const btf_type declared = types.type(types.variable_of(place));
  const auto wrong = [&](cause why) {
    return verdict{.why = why, .section = section, .offset = declared.at, .subject = declared.name};
  };
  const bool is_function = declared.kind == abi::btf_kind::function;
  if (!is_function && declared.kind != abi::btf_kind::variable)
    return {.why = cause::bad_btf_type, .section = section, .offset = place.at};
  const u64 length = types.image().length_of_string(declared.name);
  if (length == 0 || length > longest_extern_name) return wrong(cause::bad_extern_name);
  out = {.name = declared.name,
         .declared_at = declared.at,
         .kind = is_function ? extern_kind::function : extern_kind::config,
         .id = declared.id,
         .type = declared.size_or_type};
  if (!is_config) {
    const bool is_void = types.resolve(out.type).kind == abi::btf_kind::void_type;
    if (!is_function) out.kind = is_void ? extern_kind::address : extern_kind::variable;
    return {};
  }
  if (!is_function) out.slot = kconfig_slot_of(types, out.type, out.alignment);
  if (out.slot.form == kconfig_form::none) return wrong(cause::bad_kconfig_type);
  return {};
}

// The order in which libbpf numbers them: options by alignment and size, so that there is no gap between them, and all
// others by their names.
constexpr bool comes_before(const bytes& image, const extern_spec& a, const extern_spec& b) noexcept {
  const bool is_config = a.kind == extern_kind::config;
  if (is_config != (b.kind == extern_kind::config)) return is_config;
  if (is_config && a.alignment != b.alignment) return a.alignment > b.alignment;
  if (is_config && a.slot.size != b.slot.size) return a.slot.size < b.slot.size;
  u64 i = 0;
  while (image.read8(a.name + i) == image.read8(b.name + i) && image.read8(a.name + i) != 0) ++i;
  return image.read8(a.name + i) < image.read8(b.name + i);
}

// The externs that the two layouts list, in their order, with the places of options in the value of their map, which
// gets `value_size` bytes.
constexpr verdict read_externs(const btf& types, const btf_type& config, const btf_type& symbols, u32 section,
                               extern_spec* list, extern_name* names, u32& count, u32& value_size) noexcept {
  const btf_type layouts[] = {config, symbols};
  for (const btf_type& layout : layouts)
    for (u32 i = 0; i < layout.members; ++i)
      if (const verdict v =
              read_extern(types, types.member(layout, i), layout.id == config.id, section, list[count++]);
          v.failed())
        return v;
  const bytes& image = types.image();
  sort_with(list, count,
            [&image](const extern_spec& a, const extern_spec& b) { return comes_before(image, a, b); });
  // No option has so long a text, and somebody has to find room for it.
  constexpr u64 largest_value = 1 << 20;
  u64 end = 0;
  for (u32 i = 0; i < count; ++i) {
    extern_spec& one = list[i];
    names[i] = {.hash = hash_of(image, one.name, image.length_of_string(one.name)), .target = i};
    if (one.kind != extern_kind::config) continue;
    end = (end + one.alignment - 1) / one.alignment * one.alignment;
    one.offset = static_cast<u32>(end);
    end += one.slot.size;
    if (end > largest_value)
      return {.why = cause::kconfig_too_large,
              .section = section,
              .offset = one.declared_at,
              .subject = one.name};
  }
  value_size = static_cast<u32>(end);
  sort_with(names, count, [](const extern_name& a, const extern_name& b) {
    return a.hash != b.hash ? a.hash < b.hash : a.target < b.target;
  });
  return {};
}

}  // namespace detail

/// The index of the extern whose name stands at `wanted`, or one more than any where there is none.
[[nodiscard]] constexpr u32 find_extern(const bytes& image, const extern_spec* list, const extern_name* names,
                                        u32 count, u64 wanted) noexcept {
  const u64 length = image.length_of_string(wanted);
  if (length == 0 || length > detail::longest_extern_name) return 0xffffffff;
  const u32 hash = hash_of(image, wanted, length);
  u32 first = 0;
  for (u32 left = count; left != 0;) {
    const u32 half = left / 2;
    const bool in_front = names[first + half].hash < hash;
    first += in_front ? half + 1 : 0;
    left = in_front ? left - half - 1 : half;
  }
  // Two names of one number are rare, and a file in which they are not is searched no further.
  constexpr u32 most_tries = 8;
  for (u32 i = first; i < count && i - first < most_tries && names[i].hash == hash; ++i)
    if (image.same_string(list[names[i].target].name, wanted)) return names[i].target;
  return 0xffffffff;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_EXTERNS_HPP
