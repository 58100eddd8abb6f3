// SPDX-License-Identifier: MIT
// Room 8.2, program_types: the types that a program in the kernel was loaded with, by which another program says which
// of its functions it replaces.
#ifndef BAREBPF_PROGRAM_TYPES_HPP
#define BAREBPF_PROGRAM_TYPES_HPP

#include "map/types.hpp"
#include "program.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Finds the number of the function called `wanted` among the types of the program behind `program`.
/// Shape:  0 after a failure, which is in `row`.
/// Errors: find_replaced with EBADF and its like for a descriptor that is of no program, EPERM without CAP_SYS_ADMIN;
///         no_program_types, no_replaced_function; ENOMEM.
/// Cost:   five system calls and a walk over the types.
/// Kernel: 5.6.
/// Source: bpf_prog_get_info_by_fd() in kernel/bpf/syscall.c; bpf_check_attach_target() in kernel/bpf/verifier.c at
///         v6.12.
[[nodiscard, gnu::cold]] inline u32 find_replaced_function(int program, const char* wanted,
                                                           outcome& row) noexcept {
  constexpr step at = step::find_replaced;
  abi::prog_info info;
  abi::obj_info ask{.bpf_fd = static_cast<u32>(program), .info_len = sizeof info, .info = &info};
  if (row.fails(at, sys_bpf(abi::command::obj_get_info_by_fd, ask))) return 0;
  if (info.btf_id == 0) return row.refuse(at, cause::no_program_types), 0;
  const auto image = get_btf(info.btf_id);
  if (!image) return row.fails(at, -static_cast<long>(image.error().code)), 0;
  bytes content(image->data(), image->size());
  if constexpr (host_is_big_endian) content.read_big_endian();
  btf types;
  if (const verdict v = btf::open(content, 0, content.size(), types); v.failed())
    return row.refuse(at, v.why), 0;
  for (btf_type type = types.first(); type.id != 0; type = types.after(type))
    if (type.kind == abi::btf_kind::function && content.string_is(type.name, wanted)) return type.id;
  row.subject = wanted;
  return row.refuse(at, cause::no_replaced_function), 0;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_PROGRAM_TYPES_HPP
