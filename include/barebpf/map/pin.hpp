// SPDX-License-Identifier: MIT
// Room 7.4, map/pin: maps that somebody else made: by their pin, their id or a descriptor; and what the kernel says
// of them, held against what the caller expects.
#ifndef BAREBPF_MAP_PIN_HPP
#define BAREBPF_MAP_PIN_HPP

#include "../describe.hpp"
#include "element.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What a map is expected to be, and what the kernel says that it is.
/// Shape: a member that is not expected to be anything has `any`.
struct map_identity {
  static constexpr u32 any = 0xffffffff;

  u32 type = any;
  u32 key_size = any;
  u32 value_size = any;
  u32 max_entries = any;
  u32 map_flags = any;
  u32 compared_flags = any;  ///< bits of `map_flags` that matter
};

/// Both sides of an adoption that failed with cause `another_map`.
struct map_differences {
  map_identity expected;
  map_identity found;

  [[nodiscard]] constexpr bool any() const noexcept {
    const auto differ = [](u32 wanted, u32 is) { return wanted != map_identity::any && wanted != is; };
    return differ(expected.type, found.type) || differ(expected.key_size, found.key_size) ||
           differ(expected.value_size, found.value_size) || differ(expected.max_entries, found.max_entries) ||
           differ(expected.map_flags, found.map_flags & expected.compared_flags);
  }
};

/// Writes every difference into `buffer`: "type: expected 1, found 2; value_size: expected 8, found 4". 256 bytes
/// are always enough.
constexpr text describe(const map_differences& what, char* buffer, size_t size) noexcept {
  struct line {
    text word;
    u32 expected, found;
  };
  const line lines[] = {
      {"type", what.expected.type, what.found.type},
      {"key_size", what.expected.key_size, what.found.key_size},
      {"value_size", what.expected.value_size, what.found.value_size},
      {"max_entries", what.expected.max_entries, what.found.max_entries},
      {"map_flags", what.expected.map_flags, what.found.map_flags & what.expected.compared_flags}};
  detail::text_writer out(buffer, size);
  bool first = true;
  for (const line& l : lines) {
    if (l.expected == map_identity::any || l.expected == l.found) continue;
    if (!first) out << "; ";
    first = false;
    out << l.word << ": expected " << u64{l.expected} << ", found " << u64{l.found};
  }
  return out.finish();
}

namespace detail {

// Paths are given as text and the kernel wants a NUL behind them.
struct path_buffer {
  char characters[4096];

  [[nodiscard]] bool fill(text path) noexcept {
    if (path.size() >= sizeof characters) return false;
    for (size_t i = 0; i < path.size(); ++i) characters[i] = path[i];
    characters[path.size()] = '\0';
    return true;
  }
};

// Whether a name in `path` has a dot; "." and ".." are no names.
constexpr bool has_dot(text path) noexcept {
  const auto in_a_name = [&](size_t at) { return at < path.size() && path[at] != '/' && path[at] != '.'; };
  for (size_t i = 0; i < path.size(); ++i)
    if (path[i] == '.' && (in_a_name(i - 1) || in_a_name(i + 1))) return true;
  return false;
}

// The kernel says EPERM to dots on the BPF file system and to pins on any other.
[[gnu::cold, gnu::noinline]] inline error path_failure(step at, long answer, text path) noexcept {
  error out = failure(at, answer);
  if (answer == -EPERM && at != step::unpin) {
    if (has_dot(path))
      out.why = cause::dot_in_a_pin;
    else if (at == step::obj_pin)
      out.why = cause::not_a_bpf_path;
  }
  return out.about(path.behind_last('/'));
}

// The error for what is behind `number` and is not the expected map. Of programs, links and BTF the kernel tells in
// the same bytes, so only an empty batch shows whether it is a map at all: EINVAL where it is none.
[[nodiscard, gnu::cold, gnu::noinline]] inline error another_map(int number,
                                                                 const abi::map_info& info) noexcept {
  constexpr step at = step::obj_get_info_by_fd;
  u32 none = 0;
  const auto map = untyped_map::borrow(number, {});
  if (map.batch(abi::command::map_lookup_batch, nullptr, nullptr, nullptr, nullptr, none) == -EINVAL)
    return {.at = at, .why = cause::not_a_map};
  return error{.at = at, .why = cause::another_map}.about(info.name);
}

}  // namespace detail

/// Pins what `descriptor` holds under `path`.
/// Errors: EEXIST when something is there already; not_a_bpf_path; dot_in_a_pin; ENOENT when the folder is missing;
///         EACCES without the right to write to it.
/// Kernel: 4.4, BPF_OBJ_PIN.
/// Source: bpf_obj_do_pin() in kernel/bpf/inode.c at v6.12.
[[nodiscard]] inline result<void> pin(const fd& descriptor, text path) noexcept {
  detail::path_buffer terminated;
  if (!terminated.fill(path)) return detail::path_failure(step::obj_pin, -ENAMETOOLONG, path);
  const abi::obj_path attr{.pathname = terminated.characters, .bpf_fd = descriptor.raw()};
  if (const long answer = sys_bpf(abi::command::obj_pin, attr); answer < 0)
    return detail::path_failure(step::obj_pin, answer, path);
  return {};
}
/// Removes the pin under `path`; what was pinned stays as long as somebody holds it.
/// Errors: ENOENT when nothing is pinned there.
/// Source: unlink(2).
[[nodiscard]] inline result<void> unpin(text path) noexcept {
  detail::path_buffer terminated;
  if (!terminated.fill(path)) return detail::path_failure(step::unpin, -ENAMETOOLONG, path);
  if (const long answer = system_call(__NR_unlinkat, current_folder, terminated.characters, 0); answer < 0)
    return detail::path_failure(step::unpin, answer, path);
  return {};
}
/// Opens what is pinned under `path`; `file_flags` may narrow it by map_flag::rdonly or map_flag::wronly.
/// Shape:  its descriptor, which may be a map, a program or a link.
/// Kernel: 4.4, BPF_OBJ_GET; flags since 4.15.
/// Source: bpf_obj_get_user() in kernel/bpf/inode.c at v6.12.
[[nodiscard]] inline result<fd> get_pin(text path, u32 file_flags = 0) noexcept {
  detail::path_buffer terminated;
  if (!terminated.fill(path)) return detail::path_failure(step::obj_get, -ENAMETOOLONG, path);
  const abi::obj_path attr{.pathname = terminated.characters, .file_flags = file_flags};
  const long opened = move_away(sys_bpf(abi::command::obj_get, attr));
  if (opened < 0) return detail::path_failure(step::obj_get, opened, path);
  return fd::own(opened);
}

/// What the kernel said of a map, as far as it can be expected.
[[nodiscard]] constexpr map_identity identity_of(const abi::map_info& info) noexcept {
  // Device maps get a flag from the kernel that nobody asked for, since 0cdbb4b09a06.
  const bool device =
      info.type == static_cast<u32>(map_type::devmap) || info.type == static_cast<u32>(map_type::devmap_hash);
  return {.type = info.type,
          .key_size = info.key_size,
          .value_size = info.value_size,
          .max_entries = info.max_entries,
          .map_flags = device ? info.map_flags & ~u32{map_flag::rdonly_prog} : info.map_flags};
}

/// Asks the kernel what the map behind `number` is and holds it against `expected`.
/// Shape:  the kernel's name of the map.
/// Errors: another_map, with both sides in `differences` if given; not_a_map; EBADFD when `number` is closed.
[[nodiscard]] inline result<kernel_name> check_identity(int number, const map_identity& expected,
                                                        map_differences* differences) noexcept {
  const auto info = ask_about_map(number);
  if (!info) return info.error();
  const map_differences both{.expected = expected, .found = identity_of(*info)};
  if (!both.any()) return info->name;
  const error why = detail::another_map(number, *info);
  if (differences != nullptr && why.why == cause::another_map) *differences = both;
  return why;
}

/// How a map is looked at before it is adopted: by what it is. `identity_and_btf` in map/types looks at more.
struct identity_only {
  using differences = map_differences;

  template <class Key, class Value>
  [[nodiscard]] static result<kernel_name> check(int number, const map_identity& expected,
                                                 differences* found) noexcept {
    return check_identity(number, expected, found);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_PIN_HPP
