// SPDX-License-Identifier: MIT
// Room 7.7, map/value_btf: types for the kernel, and maps that are created with them.
// Source: Documentation/bpf/btf.rst at v6.12.
#ifndef BAREBPF_MAP_VALUE_BTF_HPP
#define BAREBPF_MAP_VALUE_BTF_HPP

#include "element.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Gives the kernel types. `token` is the descriptor of a BPF token (6.9), or negative.
/// Shape:  their descriptor, or negative errno; EINVAL when the kernel does not like a type.
/// Kernel: 4.18.
/// Source: btf_new_fd() in kernel/bpf/btf.c at v6.12.
[[nodiscard]] inline long load_btf(const void* types, u32 size, int token = -1) noexcept {
  abi::btf_load attr{.btf = types, .btf_size = size};
  if (token >= 0) attr.btf_flags = map_flag::token_fd, attr.btf_token_fd = token;
  return move_away(sys_bpf(abi::command::btf_load, attr));
}

namespace detail {

// Creates a map with these types; where the kernel does not take them and the map can do without, without.
[[nodiscard, gnu::noinline]] inline long create_with_types(abi::map_create attr, const void* types, u32 size,
                                                           int token, bool is_required,
                                                           outcome& row) noexcept {
  const auto create = [&attr, token] {
    return token < 0 ? create_map(attr)
                     : create_map(abi::map_create_with_token{.create = attr, .map_token_fd = token});
  };
  const fd loaded = fd::own(load_btf(types, size, token));
  if (!loaded.is_open()) {
    if (is_required) return row.fails(step::btf_load, loaded.number()), 0;
    attr.btf_key_type_id = attr.btf_value_type_id = 0;
    return create();
  }
  attr.btf_fd = loaded.raw();
  const long answer = create();
  if (is_required || (answer != -EINVAL && answer != -ENOTSUPP_kernel)) return answer;
  attr.btf_fd = attr.btf_key_type_id = attr.btf_value_type_id = 0;
  return create();
}

}  // namespace detail

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_VALUE_BTF_HPP
