// SPDX-License-Identifier: MIT
// Room 6.15, kernel_operations: finds the structs of functions of an object in the running kernel, and keeps them in the
// form that this kernel has for them.
#ifndef BAREBPF_KERNEL_OPERATIONS_HPP
#define BAREBPF_KERNEL_OPERATIONS_HPP

#include "fd.hpp"
#include "kernel_btf.hpp"
#include "struct_ops.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// Where in the value of a struct of functions the descriptor of a program goes.
struct operation_place {
  u32 which = 0;    ///< index of the struct
  u32 at = 0;       ///< bytes from the start of the value
  u32 program = 0;  ///< index of the program
};

/// Where what becomes of the structs of an object goes, all of it empty at first; lent by the owner.
struct operation_slots {
  kernel_operations* structs = nullptr;  ///< one for each; without a type for those that are left out
  u32 struct_count = 0;
  u32 first_map = 0;                    ///< as in `operation_records`
  buffer<u8>* values = nullptr;         ///< one for each, in the kernel's form
  operation_target* targets = nullptr;  ///< one for each program
  operation_place* places = nullptr;    ///< one for each member that a program is put into
  u32 place_count = 0;                  ///< so many of them hold something
};

/// The error that tells of a verdict on a struct or a program of it, whose section is called by the string at `section`.
[[nodiscard]] constexpr error to_error(const operation_records& object, u64 section,
                                       const verdict& found) noexcept {
  char where[error::name_size] = {}, subject[error::name_size] = {};
  object.image.copy_string(section, where, sizeof where);
  object.image.copy_string(found.subject, subject, sizeof subject);
  return error{.at = step::fit_operations, .why = found.why, .offset = found.offset}.about(subject, where);
}

/// What the structs of functions say of which programs are left out: those of SEC("?struct_ops") are loaded with a struct
/// that has them. `options` is a `load_options`, or answers as that does.
template <class Options>
constexpr void choose_for_operations(const operation_records& object, const Options& options,
                                     bool* left_out) noexcept {
  for (u32 i = 0; i < object.struct_count; ++i) {
    const operation_struct& one = object.structs[i];
    if (options.leaves_out_map(object.first_map + i, one.is_optional)) continue;
    for (u32 k = 0; k < one.member_count; ++k) {
      const u32 program = object.members[one.first_member + k].program;
      if (program != not_found && object.programs[program].is_optional && !options.changes_program(program))
        left_out[program] = false;
    }
  }
}

/// Finds the structs in the kernel and brings them into its form, all but the descriptors of programs. Programs that this
/// kernel has no member for are left out.
/// Errors: step fit_operations, about the section and the name in it: no_kernel_operations and the other causes of
///         `operations_fitter`; operation_of_two, operation_of_nothing; ENOENT for a kernel without BTF; ENOMEM.
/// Cost:   opens the kernel's types once, where any struct is made, and walks over them for each.
template <class Options>
[[nodiscard, gnu::cold]] result<void> fit_operations(const operation_records& object, const Options& options,
                                                     operation_slots& slots, bool* left_out) noexcept {
  kernel_types kernel;
  for (u32 i = 0; i < object.struct_count; ++i) {
    const operation_struct& own = object.structs[i];
    if (options.leaves_out_map(object.first_map + i, own.is_optional)) continue;
    outcome row{.at = step::fit_operations};
    if (kernel.types().count() == 0 && !kernel.open(row)) return to_error(row);
    const operations_fitter fitter(object, own, kernel.types());
    kernel_operations& found = slots.structs[i];
    if (const verdict v = fitter.find(found); v.failed()) return to_error(object, own.section, v);
    auto value = buffer<u8>::of(found.value_size);
    if (!value) return value.error();
    const auto take = [&](u32 program, operation_target target, u32 at) {
      operation_target& known = slots.targets[program];
      if (known.type != 0 && (known.type != target.type || known.member != target.member))
        return cause::operation_of_two;
      known = target;
      slots.places[slots.place_count++] = {.which = i, .at = at, .program = program};
      return cause::none;
    };
    if (const verdict v = fitter.fit(found, value->data(), take); v.failed())
      return to_error(object, own.section, v);
    slots.values[i] = std::move(*value);
  }
  for (u32 i = 0; i < object.program_count; ++i) {
    const operation_program& program = object.programs[i];
    if (left_out[i] || !program.is_operation || slots.targets[i].type != 0) continue;
    if (options.new_kind_of(i) != nullptr) continue;
    if (!program.is_named)
      return to_error(object, program.section,
                      {.why = cause::operation_of_nothing, .offset = program.at, .subject = program.name});
    left_out[i] = true;
  }
  return {};
}

/// Puts the descriptors of programs into the values. Nothing is put where one was left out.
inline void put_programs(const operation_slots& slots, const fd* programs) noexcept {
  for (u32 i = 0; i < slots.place_count; ++i) {
    const operation_place& place = slots.places[i];
    if (!programs[place.program].is_open()) continue;
    const u64 number = programs[place.program].raw();
    __builtin_memcpy(slots.values[place.which].data() + place.at, &number, sizeof number);
  }
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_KERNEL_OPERATIONS_HPP
