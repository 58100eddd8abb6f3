// SPDX-License-Identifier: MIT
// Room 9.10, attach/operations: functions that the kernel calls through a struct.
#ifndef BAREBPF_ATTACH_OPERATIONS_HPP
#define BAREBPF_ATTACH_OPERATIONS_HPP

#include "place.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Functions that the kernel calls through a struct: the struct is attached, as one map, and no program by itself.
/// Errors: EEXIST where something of its name is registered; EINVAL when the kernel wants more functions than there are;
///         EBUSY for one without a link that was attached before.
/// Kernel: 5.6; as a link since 6.4.
/// Source: bpf_struct_ops_map_update_elem() and bpf_struct_ops_link_create() in kernel/bpf/bpf_struct_ops.c at v6.12.
template <>
struct place<attach_way::struct_ops> {
  static constexpr cause wants = cause::part_of_operations;

  /// Hands `value` over, which has the kernel's form, and registers it, with a link where the map has the flag for it.
  /// Errors: about `subject`.
  [[nodiscard]] static result<attachment> attach_map(const fd& map, const void* value, bool is_linked,
                                                     text subject) noexcept {
    constexpr step at = step::register_operations;
    outcome row;
    attachment out;
    if (!is_linked) {
      // First the descriptor by which it is emptied again.
      fd copy = fd::own(duplicate(map.number()));
      if (row.fails(at, copy.number()) || !fill(map, value, false, row)) return to_error(row).about(subject);
      out.place_ = std::move(copy);
      out.undo_ = attachment::undo::map_delete;
      return out;
    }
    if (!fill(map, value, true, row)) return to_error(row).about(subject);
    const abi::link_create request{.prog_fd = map.raw(),
                                   .attach_type = static_cast<u32>(abi::attach_type::struct_ops)};
    if (row.fails(at, move_away(sys_bpf(abi::command::link_create, request))))
      return to_error(row).about(subject);
    out.place_.fill(row.answer);
    return out;
  }
  /// Puts the struct of `map` in the place of the one that is there, without a moment between the two.
  /// Errors: operations_not_linked where `attached` has no link; EINVAL when it is of another kind or name. About
  ///         `subject`.
  /// Kernel: 6.4.
  [[nodiscard]] static result<void> update(const attachment& attached, const fd& map, const void* value,
                                           text subject) noexcept {
    if (!attached.is_link())
      return error{.at = step::find, .why = cause::operations_not_linked}.about(subject);
    outcome row;
    const abi::link_update request{.link_fd = attached.place_.raw(), .new_prog_fd = map.raw()};
    if (fill(map, value, true, row) &&
        !row.fails(step::register_operations, sys_bpf(abi::command::link_update, request)))
      return {};
    return to_error(row).about(subject);
  }

 private:
  // One that is for links keeps its value when a link goes, and is full from then on.
  static bool fill(const fd& map, const void* value, bool is_linked, outcome& row) noexcept {
    const u32 key = 0;
    const abi::map_elem attr{.map_fd = map.raw(), .key = &key, .value = value};
    const bool failed = row.fails(step::register_operations, sys_bpf(abi::command::map_update_elem, attr));
    return !failed || (is_linked && row.answer == -EBUSY);
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_ATTACH_OPERATIONS_HPP
