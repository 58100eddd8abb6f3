// SPDX-License-Identifier: MIT
// Room 2.5, refusal: what an errno says of an element, where that depends on the type of its map. What it says on every
// map stands in room 2.2.
#ifndef BAREBPF_REFUSAL_HPP
#define BAREBPF_REFUSAL_HPP

#include "kinds.hpp"
#include "result.hpp"

namespace barebpf::inline BAREBPF_ABI {

namespace detail {

// One meaning of an errno: of which keys, of which values, at which operations, as bits.
struct element_refusal {
  u32 keys;
  u32 values;
  u32 operations;
  s32 code;
  cause why;
};

template <class... Rules>
constexpr u32 rule_bits(Rules... rules) noexcept {
  return ((1u << static_cast<u32>(rules)) | ...);
}

// Rules and operations that go together.
struct refused {
  static constexpr u32 any = ~0u;
  static constexpr u32 slots = rule_bits(key_rule::index);
  static constexpr u32 owners = rule_bits(key_rule::descriptor);
  static constexpr u32 prefixes = rule_bits(key_rule::prefix);
  static constexpr u32 cgroups = rule_bits(key_rule::cgroup);
  static constexpr u32 stacks = rule_bits(value_rule::stack);
  static constexpr u32 endpoints =
      rule_bits(value_rule::socket, value_rule::xsk, value_rule::device, value_rule::cpu);
  static constexpr u32 objects =
      endpoints | rule_bits(value_rule::program, value_rule::map, value_rule::event, value_rule::cgroup);
  static constexpr u32 updates = can_update | can_update_batch;
  static constexpr u32 single = can_lookup | can_update | can_delete;
};

// The first row that fits counts. Sources: the `map_ops` of each type at v6.12, measured on 6.18 and 7.2.
inline constexpr element_refusal element_refusals[] = {
    {refused::any, rule_bits(value_rule::program), refused::updates, EINVAL, cause::unfit_program},
    {refused::any, rule_bits(value_rule::map), refused::updates, EINVAL, cause::unfit_inner_map},
    {refused::any, rule_bits(value_rule::event), refused::updates, EBADF, cause::not_an_event},
    {refused::any, rule_bits(value_rule::event), refused::updates, EOPNOTSUPP, cause::unfit_event},
    {refused::any, rule_bits(value_rule::cgroup), refused::updates, EBADF, cause::not_a_cgroup},
    {refused::any, rule_bits(value_rule::device), refused::updates, EINVAL, cause::unfit_device},
    {refused::any, rule_bits(value_rule::cpu), refused::updates, ENOMEM, cause::unfit_cpu_program},
    // Linux 7.2 says of such a program what it is, and older ones that they have no memory.
    {refused::any, rule_bits(value_rule::cpu), refused::updates, EINVAL, cause::unfit_cpu_program},
    {refused::any, rule_bits(value_rule::socket), refused::updates, EOPNOTSUPP, cause::unfit_socket},
    {refused::any, rule_bits(value_rule::socket), refused::updates, ENOTSUPP_kernel, cause::not_in_a_group},
    {refused::any, rule_bits(value_rule::socket), refused::updates, EINVAL, cause::not_in_a_group},
    {refused::any, rule_bits(value_rule::socket), refused::updates, EBUSY, cause::socket_in_use},
    {refused::any, rule_bits(value_rule::xsk), refused::updates, EOPNOTSUPP, cause::unfit_xsk},
    // One without a ring to receive with, which older kernels than 7.2 take.
    {refused::any, rule_bits(value_rule::xsk), refused::updates, ENOBUFS, cause::unfit_xsk},
    {refused::any, rule_bits(value_rule::kernel_type), refused::updates, EBUSY, cause::registered_already},

    {refused::slots, refused::any, refused::single | can_update_batch, E2BIG, cause::no_such_slot},
    {refused::slots, refused::objects, refused::single, ENOENT, cause::empty_slot},
    {refused::slots, refused::endpoints, can_delete, EINVAL, cause::empty_slot},
    {refused::slots, refused::stacks, can_lookup | can_delete | can_lookup_and_delete, ENOENT,
     cause::no_such_stack},
    {refused::slots, refused::any, can_lookup, ENOENT, cause::no_such_slot},
    {refused::owners, refused::any, refused::single, ENOENT, cause::nothing_of_owner},
    {refused::owners, refused::any, refused::single, EBADF, cause::wrong_owner},
    {refused::owners, refused::any, refused::single, ENOTSOCK, cause::wrong_owner},
    {refused::prefixes, refused::any, refused::updates | can_delete | can_delete_batch, EINVAL,
     cause::long_prefix},
    {refused::cgroups, refused::any, can_lookup | can_update, ENOENT, cause::not_at_this_cgroup},
};

constexpr bool is_about(const element_refusal& row, const map_kind& kind) noexcept {
  return (row.keys & rule_bits(kind.key)) != 0 && (row.values & rule_bits(kind.value)) != 0;
}

constexpr u32 operation_of(step at) noexcept {
  switch (at) {
    case step::map_lookup_elem:
      return can_lookup;
    case step::map_update_elem:
      return can_update;
    case step::map_delete_elem:
      return can_delete;
    case step::map_lookup_and_delete_elem:
      return can_lookup_and_delete;
    case step::map_lookup_batch:
      return can_lookup_batch;
    case step::map_update_batch:
      return can_update_batch;
    case step::map_delete_batch:
      return can_delete_batch;
    case step::map_lookup_and_delete_batch:
      return can_lookup_and_delete_batch;
    default:
      return 0;
  }
}

}  // namespace detail

/// True when the table has more to say of refused elements of this type than room 2.2 has; where not, nobody need ask.
[[nodiscard]] constexpr bool explains_elements(const map_kind& kind) noexcept {
  for (const detail::element_refusal& row : detail::element_refusals)
    if (detail::is_about(row, kind)) return true;
  return false;
}

/// What an errno of the kernel means for an element of a map of this type; `none` where it means what it does on every
/// map. Asked after a refusal only.
[[nodiscard]] constexpr cause why_refused_element(const map_kind& kind, step at, s32 code) noexcept {
  for (const detail::element_refusal& row : detail::element_refusals)
    if (row.code == code && detail::is_about(row, kind) && (row.operations & detail::operation_of(at)) != 0)
      return row.why;
  return cause::none;
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_REFUSAL_HPP
