// SPDX-License-Identifier: MIT
// Room 5.5, struct_ops: a struct of functions that the kernel calls, as the object has it, brought into the kernel's own
// form: members are found by their names, and may lie elsewhere there.
#ifndef BAREBPF_STRUCT_OPS_HPP
#define BAREBPF_STRUCT_OPS_HPP

#include "externs.hpp"
#include "spec/record.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A member of a struct of functions, as the object has it.
struct operation_member {
  u64 name = 0;                                   ///< where its name stands in `operation_records::image`
  u32 offset = 0;                                 ///< bytes from the start of the struct
  u32 size = 0;                                   ///< bytes
  u32 program = not_found;                        ///< index of the program that is put there
  abi::btf_kind kind = abi::btf_kind::void_type;  ///< of its type, without names for it and qualifiers
  bool is_bit_field = false;
};

/// A struct of functions, as the object has it.
struct operation_struct {
  u64 name = 0;          ///< where its type's name stands in `operation_records::image`
  u64 section = 0;       ///< where that of its section does
  u64 content = 0;       ///< where the struct itself does
  u64 at = 0;            ///< where the struct stands in the object file
  u32 first_member = 0;  ///< its members are so many from this one on
  u32 member_count = 0;
  u32 name_length = 0;       ///< characters in front of its flavour
  bool is_optional = false;  ///< see `map_spec::is_optional`
};

/// A program, as structs of functions look at it.
struct operation_program {
  u64 name = 0;               ///< where its name stands in `operation_records::image`
  u64 section = 0;            ///< where that of its section does
  u64 at = 0;                 ///< where that stands in the object file
  bool is_operation = false;  ///< its section says that the kernel calls it through a struct
  bool is_named = false;      ///< a struct of the object has it
  bool is_optional = false;   ///< see `program_spec::is_optional`
};

/// All structs of functions of an object, ready for the kernel that runs to be asked about.
/// Lifetime: looks at the object's image, or at what the compiler has kept of it.
struct operation_records {
  bytes image;
  const operation_struct* structs = nullptr;
  const operation_member* members = nullptr;
  const operation_program* programs = nullptr;  ///< one for each program of the object
  u32 struct_count = 0;
  u32 first_map = 0;  ///< index of the map of the first struct; those of the others come behind it
  u32 program_count = 0;
};

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

/// Reads the struct of `map`, all but its section; its members go to `members`, or are only counted where that is nullptr.
/// Shape:  what takes no room is passed over, so members are no more than eight times the struct's bytes.
/// Errors: bad_btf_type for members that lie over each other or past its end.
[[nodiscard]] constexpr verdict read_operations(const object_tables& object, const filled_slot* filled,
                                                const map_spec& map, operation_member* members,
                                                operation_struct& out) noexcept {
  const btf& types = object.types;
  const btf_type own = types.type(map.value_type);
  out = {.name = own.name,
         .content = map.image_at,
         .at = map.image_at,
         .name_length = static_cast<u32>(length_without_flavor(object.image, own.name)),
         .is_optional = map.is_optional};
  u64 covered = 0;  // bits by all members, so that none lies over another
  const filled_slot *next = filled + map.first_slot, *const end = next + map.slot_count;
  for (u32 i = 0; i < own.members; ++i) {
    const btf_member member = types.member(own, i);
    const btf::bit_range place = types.place_of(own, member);
    const u32 program = next != end && next->slot == i ? next++->target : not_found;
    const u32 offset = place.bit / 8;
    const u32 size = place.width == 0 ? types.size_of(member.type) : (place.bit % 8 + place.width + 7) / 8;
    covered += place.width == 0 ? u64{size} * 8 : place.width;
    if (offset > map.image_size || size > map.image_size - offset || covered > u64{map.image_size} * 8)
      return {.why = cause::bad_btf_type,
              .section = map.section,
              .offset = map.image_at + offset,
              .subject = member.name};
    if (size == 0) continue;
    if (members != nullptr)
      members[out.member_count] = {.name = member.name,
                                   .offset = offset,
                                   .size = size,
                                   .program = program,
                                   .kind = types.resolve(member.type).kind,
                                   .is_bit_field = place.width != 0 || place.bit % 8 != 0};
    ++out.member_count;
  }
  return {};
}

/// What structs of functions want to know of a program, all but whether one has it.
[[nodiscard]] constexpr operation_program to_operation_program(const program_spec& program) noexcept {
  return {.name = program.name,
          .section = program.section_name,
          .at = program.section_name,
          .is_operation = program.kind.type == abi::prog_type::struct_ops,
          .is_optional = program.is_optional};
}

/// How many records the structs of functions of an object take, and what speaks against these.
struct operation_counts {
  u32 structs = 0;
  u32 first_map = 0;    ///< as in `operation_records`
  u32 members = 0;      ///< of all structs
  u32 places = 0;       ///< how many members programs are put into
  bool is_any = false;  ///< there is a struct, or a program that wants to be in one
  verdict fault;
};
/// Counts them; `programs` are the `count` programs of the object.
[[nodiscard]] constexpr operation_counts count_operations(const object_tables& object,
                                                          const filled_slot* filled,
                                                          const program_spec* programs, u32 count) noexcept {
  operation_counts out;
  for (u32 i = 0; i < count; ++i) out.is_any = out.is_any || to_operation_program(programs[i]).is_operation;
  for (u32 i = 0; i < object.map_count; ++i) {
    const map_spec& map = object.maps[i];
    if (map.origin != map_origin::operations) continue;
    if (out.structs++ == 0) out.first_map = i;
    out.is_any = true;
    out.places += map.slot_count;
    operation_struct one;
    out.fault = read_operations(object, filled, map, nullptr, one);
    if (out.fault.failed()) return out;
    out.members += one.member_count;
  }
  return out;
}
/// Where they go: as many as were counted, and one for each program.
struct operation_lists {
  operation_struct* structs = nullptr;
  operation_member* members = nullptr;
  operation_program* programs = nullptr;
};
/// Writes what was counted without a fault.
constexpr void write_operations(const object_tables& object, const filled_slot* filled,
                                const program_spec* programs, u32 count, const operation_counts& counted,
                                const operation_lists& out) noexcept {
  elf file;
  static_cast<void>(elf::open(object.image, file));
  for (u32 i = 0; i < count; ++i) out.programs[i] = to_operation_program(programs[i]);
  u32 used = 0;
  for (u32 i = 0; i < counted.structs; ++i) {
    const map_spec& map = object.maps[counted.first_map + i];
    operation_struct& one = out.structs[i];
    static_cast<void>(read_operations(object, filled, map, out.members + used, one));
    one.section = file.section(map.section).name;
    one.first_member = used;
    used += one.member_count;
    for (u32 k = 0; k < map.slot_count; ++k) out.programs[filled[map.first_slot + k].target].is_named = true;
  }
}

/// Brings one struct into the kernel's form.
/// Lifetime: looks at the records and at the kernel's types, which must have an index.
/// Source:   bpf_struct_ops_map_update_elem() in kernel/bpf/bpf_struct_ops.c and check_struct_ops_btf_id() in
///           kernel/bpf/verifier.c at v6.12.
class operations_fitter {
 public:
  constexpr operations_fitter(const operation_records& object, const operation_struct& own,
                              const btf& kernel) noexcept
      : object_(object), own_(own), kernel_(kernel) {}

  /// Finds the kernel's struct, which is called like the object's without its flavour.
  /// Errors: no_kernel_operations.
  /// Cost:   walks over the kernel's types.
  [[nodiscard]] constexpr verdict find(kernel_operations& out) const noexcept {
    constexpr text prefix = "bpf_struct_ops_";
    const verdict none{.why = cause::no_kernel_operations, .offset = own_.at, .subject = own_.name};
    for (btf_type wrapper = kernel_.first(); wrapper.id != 0; wrapper = kernel_.after(wrapper)) {
      if (wrapper.kind != abi::btf_kind::structure ||
          !kernel_.image().string_starts_with(wrapper.name, prefix) ||
          !is_same(own_.name, own_.name_length, wrapper.name + prefix.size()))
        continue;
      for (u32 i = 0; i < wrapper.members; ++i) {
        const btf_member member = kernel_.member(wrapper, i);
        const btf_type type = kernel_.resolve(member.type);
        if (type.kind != abi::btf_kind::structure || !is_same(own_.name, own_.name_length, type.name))
          continue;
        out = {.type = type.id,
               .wrapper = wrapper.id,
               .value_size = wrapper.size_or_type,
               .data_at = kernel_.place_of(wrapper, member).bit / 8};
        const bool is_inside =
            out.value_size >= out.data_at && out.value_size - out.data_at >= type.size_or_type;
        return is_inside ? verdict{} : none;
      }
    }
    return none;
  }

  /// Calls `take(program, member of the kernel's, where its descriptor goes in the value)` for each program that the
  /// kernel has a member for, passes over those that it has none for, and copies all other members into `value`, which
  /// has `value_size` bytes of zeros.
  /// Shape:  `take` gives a cause that ends it, or none.
  /// Errors: no_kernel_operation where the kernel lacks what is not zero here, operation_bit_field, another_operation,
  ///         operation_is_no_program for an address that is none.
  template <class Take>
  [[nodiscard]] constexpr verdict fit(const kernel_operations& found, u8* value, Take take) const noexcept {
    const btf_type theirs = kernel_.type(found.type);
    for (u32 i = 0; i < own_.member_count; ++i) {
      const operation_member& member = object_.members[own_.first_member + i];
      const auto refuse = [&](cause why) {
        return verdict{.why = why, .offset = own_.at + member.offset, .subject = member.name};
      };
      const u32 index = find_member(theirs, member.name);
      if (index == not_found) {
        if (!is_zero(member)) return refuse(cause::no_kernel_operation);
        continue;
      }
      const btf_member known = kernel_.member(theirs, index);
      const btf::bit_range there = kernel_.place_of(theirs, known);
      if (member.is_bit_field || there.width != 0) return refuse(cause::operation_bit_field);
      const btf_type its = kernel_.resolve(known.type);
      if (member.kind != its.kind || member.size != kernel_.size_of(known.type) ||
          there.bit / 8 > theirs.size_or_type || member.size > theirs.size_or_type - there.bit / 8)
        return refuse(cause::another_operation);
      const u32 place = found.data_at + there.bit / 8;
      if (member.kind != abi::btf_kind::pointer) {
        object_.image.copy(own_.content + member.offset, member.size, value + place);
        continue;
      }
      if (member.program == not_found) {
        if (!is_zero(member)) return refuse(cause::operation_is_no_program);
        continue;
      }
      if (kernel_.resolve(its.size_or_type).kind != abi::btf_kind::function_prototype)
        return refuse(cause::another_operation);
      if (const cause why = take(member.program, operation_target{found.type, index}, place);
          why != cause::none)
        return refuse(why);
    }
    return {};
  }

 private:
  [[nodiscard]] constexpr bool is_zero(const operation_member& member) const noexcept {
    for (u32 i = 0; i < member.size; ++i)
      if (object_.image.read8(own_.content + member.offset + i) != 0) return false;
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

  const operation_records& object_;
  const operation_struct& own_;
  const btf& kernel_;
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STRUCT_OPS_HPP
