// SPDX-License-Identifier: MIT
// Room 5.5, struct_ops: a struct of functions that the kernel calls, as the object has it, brought into the kernel's own
// form: members are found by their names, and may lie elsewhere there.
#ifndef BAREBPF_STRUCT_OPS_HPP
#define BAREBPF_STRUCT_OPS_HPP

#include "externs.hpp"
#include "spec/record.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Where the kernel has such a struct, which lies in another one that counts who uses it.
struct kernel_operations {
  u32 type = 0;     ///< id of the struct
  u32 wrapper = 0;  ///< id of the struct around it, bpf_struct_ops_NAME: what a map of such has for its value
  u32 value_size = 0;  ///< bytes of that
  u32 data_at = 0;     ///< bytes from its start to the struct
};

/// What a program of a struct is to the kernel: nothing where `type` is 0.
struct operation_target {
  u32 type = 0;    ///< id of the kernel's struct, for `prog_load::attach_btf_id`
  u32 member = 0;  ///< index of the member in it, for `prog_load::expected_attach_type`
};

/// Brings one struct into the kernel's form.
/// Lifetime: looks at the tables and the kernel's types, which must have an index.
/// Source:   bpf_struct_ops_map_update_elem() in kernel/bpf/bpf_struct_ops.c and check_struct_ops_btf_id() in
///           kernel/bpf/verifier.c at v6.12.
class operations_fitter {
 public:
  constexpr operations_fitter(const object_tables& object, const filled_slot* filled, const map_spec& map,
                              const btf& kernel) noexcept
      : object_(object), filled_(filled), map_(map), kernel_(kernel) {}

  /// Finds the kernel's struct, which is called like the object's without its flavour.
  /// Errors: no_kernel_operations.
  /// Cost:   walks over the kernel's types.
  [[nodiscard]] constexpr verdict find(kernel_operations& out) const noexcept {
    constexpr text prefix = "bpf_struct_ops_";
    const btf_type own = object_.types.type(map_.value_type);
    const size_t length = length_without_flavor(object_.image, own.name);
    for (btf_type wrapper = kernel_.first(); wrapper.id != 0; wrapper = kernel_.after(wrapper)) {
      if (wrapper.kind != abi::btf_kind::structure ||
          !kernel_.image().string_starts_with(wrapper.name, prefix) ||
          !is_same(own.name, length, wrapper.name + prefix.size()))
        continue;
      for (u32 i = 0; i < wrapper.members; ++i) {
        const btf_member member = kernel_.member(wrapper, i);
        const btf_type type = kernel_.resolve(member.type);
        if (type.kind != abi::btf_kind::structure || !is_same(own.name, length, type.name)) continue;
        out = {.type = type.id,
               .wrapper = wrapper.id,
               .value_size = wrapper.size_or_type,
               .data_at = kernel_.place_of(wrapper, member).bit / 8};
        const bool is_inside =
            out.value_size >= out.data_at && out.value_size - out.data_at >= type.size_or_type;
        return is_inside ? verdict{} : wrong(cause::no_kernel_operations, own.name, map_.image_at);
      }
    }
    return wrong(cause::no_kernel_operations, own.name, map_.image_at);
  }

  /// Calls `take(program, member of the kernel's, where its descriptor goes in the value)` for each program that the
  /// kernel has a member for, passes over those that it has none for, and copies all other members into `value`, which
  /// has `value_size` bytes of zeros.
  /// Shape:  `take` gives a cause that ends it, or none.
  /// Errors: no_kernel_operation where the kernel lacks what is not zero here, operation_bit_field, another_operation,
  ///         operation_is_no_program for an address that is none.
  template <class Take>
  [[nodiscard]] constexpr verdict fit(const kernel_operations& found, u8* value, Take take) const noexcept {
    const btf& types = object_.types;
    const btf_type own = types.type(map_.value_type), theirs = kernel_.type(found.type);
    u64 covered = 0;  // bytes by all members, so that none lies over another
    const filled_slot *next = filled_ + map_.first_slot, *const end = next + map_.slot_count;
    for (u32 i = 0; i < own.members; ++i) {
      const btf_member member = types.member(own, i);
      const btf::bit_range here = types.place_of(own, member);
      const u32 program = next != end && next->slot == i ? next++->target : not_found;
      const u64 at = map_.image_at + here.bit / 8;
      const auto refuse = [&](cause why) { return wrong(why, member.name, at); };
      const u32 size = types.size_of(member.type);
      if (here.width == 0) covered += size;
      if (here.bit / 8 > map_.image_size || size > map_.image_size - here.bit / 8 ||
          covered > map_.image_size || (here.width != 0 && size > sizeof(u64)))
        return refuse(cause::bad_btf_type);
      const u32 index = find_member(theirs, member.name);
      if (index == not_found) {
        if (!is_zero(at, size)) return refuse(cause::no_kernel_operation);
        continue;
      }
      const btf_member known = kernel_.member(theirs, index);
      const btf::bit_range there = kernel_.place_of(theirs, known);
      if (here.width != 0 || there.width != 0 || here.bit % 8 != 0) return refuse(cause::operation_bit_field);
      const btf_type mine = types.resolve(member.type), its = kernel_.resolve(known.type);
      if (mine.kind != its.kind || size != kernel_.size_of(known.type) ||
          there.bit / 8 > theirs.size_or_type || size > theirs.size_or_type - there.bit / 8)
        return refuse(cause::another_operation);
      const u32 place = found.data_at + there.bit / 8;
      if (mine.kind != abi::btf_kind::pointer) {
        object_.image.copy(at, size, value + place);
        continue;
      }
      if (program == not_found) {
        if (!is_zero(at, size)) return refuse(cause::operation_is_no_program);
        continue;
      }
      if (kernel_.resolve(its.size_or_type).kind != abi::btf_kind::function_prototype)
        return refuse(cause::another_operation);
      if (const cause why = take(program, operation_target{found.type, index}, place); why != cause::none)
        return refuse(why);
    }
    return {};
  }

 private:
  [[nodiscard]] constexpr verdict wrong(cause why, u64 subject, u64 at) const noexcept {
    return {.why = why, .section = map_.section, .offset = at, .subject = subject};
  }
  [[nodiscard]] constexpr bool is_zero(u64 at, u32 size) const noexcept {
    for (u32 i = 0; i < size; ++i)
      if (object_.image.read8(at + i) != 0) return false;
    return true;
  }
  // Whether the first `length` characters of the object's name are all of the kernel's.
  [[nodiscard]] constexpr bool is_same(u64 own, size_t length, u64 its) const noexcept {
    for (size_t i = 0; i < length; ++i)
      if (object_.image.read8(own + i) != kernel_.image().read8(its + i)) return false;
    return kernel_.image().read8(its + length) == 0;
  }
  [[nodiscard]] constexpr u32 find_member(const btf_type& theirs, u64 name) const noexcept {
    const size_t length = object_.image.length_of_string(name);
    for (u32 i = 0; i < theirs.members; ++i)
      if (is_same(name, length, kernel_.member(theirs, i).name)) return i;
    return not_found;
  }

  const object_tables& object_;
  const filled_slot* filled_;
  const map_spec& map_;
  const btf& kernel_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STRUCT_OPS_HPP
