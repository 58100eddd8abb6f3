// SPDX-License-Identifier: MIT
// Room 5.6, static_operations: the structs of functions of an object that the compiler reads, as records, and of its image
// no more than they look at: the structs and the names.
#ifndef BAREBPF_STATIC_OPERATIONS_HPP
#define BAREBPF_STATIC_OPERATIONS_HPP

#include "static_spec.hpp"
#include "struct_ops.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// The structs of functions of an object. Everything here is a constant.
template <class Spec>
class static_operations {
  static constexpr operation_counts make_measured() noexcept {
    return count_operations(Spec::all_tables(), Spec::filled_slots(), Spec::programs(), Spec::program_count);
  }
  static constexpr operation_counts measured = make_measured();

  // Copies what is looked at out of the file, behind a NUL; or only counts it.
  struct copier {
    u8* to = nullptr;
    u64 used = 1;

    constexpr u64 move(u64 from, u64 size) noexcept {
      const u64 at = used;
      if (to != nullptr) Spec::image().copy(from, size, to + at);
      used += size;
      return at;
    }
    constexpr u64 move_string(u64 from) noexcept {
      const u64 at = move(from, Spec::image().length_of_string(from));
      ++used;
      return at;
    }
  };
  struct lists {
    operation_struct structs[detail::at_least_one(measured.structs)] = {};
    operation_member members[detail::at_least_one(measured.members)] = {};
    operation_program programs[detail::at_least_one(Spec::program_count)] = {};
  };
  static constexpr void write(lists& out, copier& copy) noexcept {
    if (!measured.is_any || measured.fault.failed()) return;
    write_operations(Spec::all_tables(), Spec::filled_slots(), Spec::programs(), Spec::program_count,
                     measured, {out.structs, out.members, out.programs});
    for (operation_program& program : out.programs) {
      program.name = program.is_operation ? copy.move_string(program.name) : 0;
      program.section = program.is_operation ? copy.move_string(program.section) : 0;
    }
    for (u32 i = 0; i < measured.structs; ++i) {
      operation_struct& one = out.structs[i];
      one.name = copy.move_string(one.name);
      one.section = copy.move_string(one.section);
      one.content = copy.move(one.content, Spec::map(measured.first_map + i).image_size);
    }
    for (u32 i = 0; i < measured.members; ++i) out.members[i].name = copy.move_string(out.members[i].name);
  }
  static constexpr u64 image_size = [] {
    lists unused;
    copier copy;
    write(unused, copy);
    return copy.used;
  }();
  struct kept : lists {
    u8 image[image_size] = {};
  };
  static constexpr kept make_kept() noexcept {
    kept out;
    copier copy{out.image};
    write(out, copy);
    return out;
  }
  static constexpr kept all = make_kept();

 public:
  /// True when there is a struct of functions, or a program that wants to be in one.
  static constexpr bool is_any = measured.is_any;
  static constexpr u32 struct_count = measured.structs;
  static constexpr u32 first_map = measured.first_map;
  /// How many members programs are put into.
  static constexpr u32 place_count = measured.places;
  static constexpr verdict fault = measured.fault;
  static constexpr operation_records records{.image = bytes(all.image, image_size),
                                             .structs = all.structs,
                                             .members = all.members,
                                             .programs = all.programs,
                                             .struct_count = measured.structs,
                                             .first_map = measured.first_map,
                                             .program_count = Spec::program_count};
  /// What speaks against loading a program that says it is in a struct: the first that none has, of those that are loaded.
  [[nodiscard]] static constexpr u32 find_stray() noexcept {
    if constexpr (is_any)
      for (u32 i = 0; i < Spec::program_count; ++i)
        if (all.programs[i].is_operation && !all.programs[i].is_named && !all.programs[i].is_optional)
          return i;
    return not_found;
  }
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STATIC_OPERATIONS_HPP
