// SPDX-License-Identifier: MIT
// An object whose maps begin with something in their slots, made by hand: the array of maps "pages" with the pages
// "page" and "other", and the prog array "ways" with the program "first". What is put in stands behind it.
#ifndef BAREBPF_TESTS_SUPPORT_SLOTS_OBJECT_HPP
#define BAREBPF_TESTS_SUPPORT_SLOTS_OBJECT_HPP

#include "object_builder.hpp"

/// Change what you like, then build.
struct slots_object {
  using members = std::vector<btf_builder::member>;

  btf_builder types{};
  std::uint32_t int_type = types.integer("int", 4, 1);
  std::uint32_t prototype = types.function_prototype(int_type);
  members inner = {{"type", number(2)},
                   {"key", types.pointer(int_type)},
                   {"value_size", number(8)},
                   {"max_entries", number(1)}};
  /// Without `values`, which stands at bit 192 and is made last.
  members pages = {{"type", number(12)}, {"key_size", number(4)}, {"max_entries", number(4)}};
  members ways = {{"type", number(3)}, {"key_size", number(4)}, {"max_entries", number(2)}};
  /// Types of `values`; 0 for an array of pointers to what belongs there.
  std::uint32_t pages_values = 0, ways_values = 0;
  std::uint32_t values_bit = 192;

  static constexpr std::uint16_t code_section = 1, maps_section = 2, btf_section = 3;
  static constexpr std::uint32_t first_symbol = 1, second_symbol = 2, static_symbol = 3, page_symbol = 4,
                                 other_symbol = 5, pages_symbol = 6, ways_symbol = 7, code_symbol = 8,
                                 license_symbol = 9, undefined_symbol = 10, maps_symbol = 11;
  static constexpr std::uint32_t pages_at = 0, pages_size = 48, ways_at = 48, ways_size = 40, page_at = 88,
                                 other_at = 120, map_size = 32, maps_size = 152;
  static constexpr std::uint32_t slots_at = 24;
  /// Not in the order of the slots.
  std::vector<object_builder::relocation> fills = {{ways_at + slots_at + 8, first_symbol},
                                                   {pages_at + slots_at + 16, other_symbol},
                                                   {pages_at + slots_at, page_symbol}};
  file_image maps_content = file_image(maps_size);

  object_builder file{};
  file_image image{};
  std::uint32_t inner_definition = 0, pages_definition = 0, ways_definition = 0, pages_variable = 0,
                ways_variable = 0;
  std::uint32_t fill_relocations = 0;

  /// A number as __uint writes it down.
  std::uint32_t number(std::uint32_t value) { return types.pointer(types.array(int_type, int_type, value)); }
  /// What __array writes for pointers to `element`.
  std::uint32_t array_of(std::uint32_t element) { return types.array(types.pointer(element), int_type, 0); }

  std::size_t type_at(std::uint32_t id) const { return file.content_at(btf_section) + types.record_at(id); }
  /// Where a member of a definition stands.
  std::size_t member_at(std::uint32_t id, std::size_t index) const { return type_at(id) + 12 + index * 12; }
  /// Where a byte of .maps stands.
  std::size_t map_byte_at(std::size_t offset) const { return file.content_at(maps_section) + offset; }

  file_image& build() {
    const auto with_values = [&](members list, std::uint32_t type) {
      list.push_back({"values", type, values_bit});
      return list;
    };
    inner_definition = types.structure("", map_size, inner);
    pages_definition = types.structure(
        "", slots_at, with_values(pages, pages_values == 0 ? array_of(inner_definition) : pages_values));
    ways_definition = types.structure(
        "", slots_at, with_values(ways, ways_values == 0 ? array_of(prototype) : ways_values));
    const std::uint32_t plain = types.structure(
        "", map_size, {{"type", number(2)}, {"key_size", number(4)}, {"value_size", number(8)}});
    pages_variable = types.variable("pages", pages_definition, 1);
    ways_variable = types.variable("ways", ways_definition, 1);
    types.data_section(".maps", maps_size,
                       {{pages_variable, pages_at, pages_size},
                        {ways_variable, ways_at, ways_size},
                        {types.variable("page", plain, 1), page_at, map_size},
                        {types.variable("other", plain, 1), other_at, map_size}});
    file.add(
        object_builder::section{.name = "tracepoint/a/b",
                                .type = 1,
                                .flags = 6,
                                .content = bpf_code().move(0, 1).exit().move(0, 2).exit().move(0, 3).exit()});
    file.add(object_builder::section{.name = ".maps", .type = 1, .flags = 3, .content = maps_content});
    file.add(object_builder::section{.name = ".BTF", .type = 1, .content = types.content()});
    file.add(
        object_builder::section{.name = "license", .type = 1, .flags = 3, .content = {'G', 'P', 'L', 0}});
    fill_relocations = file.add_relocations(".rel.maps", maps_section, fills);
    file.add(object_builder::symbol{"first", 0x12, code_section, 16, 16});
    file.add(object_builder::symbol{"second", 0x12, code_section, 0, 16});
    file.add(object_builder::symbol{"beside", 0x02, code_section, 32, 16});
    file.add(object_builder::symbol{"page", 0x11, maps_section, page_at, map_size});
    file.add(object_builder::symbol{"other", 0x11, maps_section, other_at, map_size});
    file.add(object_builder::symbol{"pages", 0x11, maps_section, pages_at, pages_size});
    file.add(object_builder::symbol{"ways", 0x11, maps_section, ways_at, ways_size});
    file.add(object_builder::symbol{"", 0x03, code_section, 0, 0});
    file.add(object_builder::symbol{"_license", 0x11, 4, 0, 4});
    file.add(object_builder::symbol{"missing", 0x10, 0, 0, 0});
    file.add(object_builder::symbol{"", 0x03, maps_section, 0, 0});
    image = file.build();
    return image;
  }
};

#endif
