// SPDX-License-Identifier: MIT
// An object with structs of functions, made by hand: "first" and, without a link, "second" of struct rain_ops___own, and
// what a kernel says of its own struct rain_ops.
#ifndef BAREBPF_TESTS_SUPPORT_OPERATIONS_OBJECT_HPP
#define BAREBPF_TESTS_SUPPORT_OPERATIONS_OBJECT_HPP

#include "object_builder.hpp"

/// Change what you like, then build.
struct operations_object {
  btf_builder types{};
  std::uint32_t int_type = types.integer("int", 4, 1);
  std::uint32_t char_type = types.integer("char", 1, 1);
  std::uint32_t prototype = types.function_prototype(int_type, {{"ctx", int_type}});
  std::uint32_t function = types.pointer(prototype);
  std::uint32_t name = types.array(char_type, int_type, 8);
  std::uint32_t program_type = types.function("starts", prototype, 1);
  std::string struct_name = "rain_ops___own";
  std::vector<btf_builder::member> members = {
      {"name", name, 0}, {"start", function, 64}, {"stop", function, 128}, {"amount", int_type, 192}};
  std::uint32_t size = 32;
  std::string first_section = ".struct_ops.link", second_section = "?.struct_ops";
  std::string starts_section = "struct_ops/starts", stops_section = "struct_ops";
  file_image first = content("first", 7), second = content("second", 8);
  std::uint32_t first_at = 0;

  static constexpr std::uint16_t starts_code = 1, stops_code = 2, first_index = 3, second_index = 4,
                                 btf_section = 5;
  static constexpr std::uint32_t starts_symbol = 1, stops_symbol = 2, missing_symbol = 3, beside_symbol = 4;
  static constexpr std::uint32_t start_at = 8, stop_at = 16, amount_at = 24;
  std::vector<object_builder::relocation> first_fills = {{stop_at, stops_symbol}, {start_at, starts_symbol}},
                                          second_fills = {{start_at, starts_symbol}};

  object_builder file{};
  file_image image{};

  static file_image content(const std::string& name, std::uint32_t amount) {
    file_image out(32);
    std::copy(name.begin(), name.end(), out.begin());
    put32(out, amount_at, amount);
    return out;
  }
  std::size_t first_place() const { return file.content_at(first_index); }

  file_image& build() {
    const std::uint32_t definition = types.structure(struct_name, size, members);
    types.data_section(first_section, size, {{types.variable("first", definition, 1), first_at, size}});
    types.data_section(second_section, size, {{types.variable("second", definition, 1), 0, size}});
    const file_image code = bpf_code().move(0, 1).exit();
    file.add(object_builder::section{.name = starts_section, .type = 1, .flags = 6, .content = code});
    file.add(object_builder::section{.name = stops_section,
                                     .type = 1,
                                     .flags = 6,
                                     .content = bpf_code().move(0, 2).exit().move(0, 3).exit()});
    file.add(object_builder::section{.name = first_section, .type = 1, .flags = 3, .content = first});
    file.add(object_builder::section{.name = second_section, .type = 1, .flags = 3, .content = second});
    file.add(object_builder::section{.name = ".BTF", .type = 1, .content = types.content()});
    file.add_relocations(".rel" + first_section, first_index, first_fills);
    file.add_relocations(".rel" + second_section, second_index, second_fills);
    file.add(object_builder::symbol{"starts", 0x12, starts_code, 0, 16});
    file.add(object_builder::symbol{"stops", 0x12, stops_code, 0, 16});
    file.add(object_builder::symbol{"missing", 0x10, 0, 0, 0});
    file.add(object_builder::symbol{"beside", 0x02, stops_code, 16, 16});
    image = file.build();
    return image;
  }
};

/// What the kernel has: members in another order, and one between that programs know nothing of.
struct operations_kernel {
  btf_builder types{};
  std::uint32_t int_type = types.integer("int", 4, 1);
  std::uint32_t char_type = types.integer("char", 1, 1);
  std::uint32_t function = types.pointer(types.function_prototype(int_type, {{"ctx", int_type}}));
  std::uint32_t name = types.array(char_type, int_type, 8);
  std::vector<btf_builder::member> members = {{"list", types.pointer(0), 0},
                                              {"stop", function, 64},
                                              {"amount", int_type, 128},
                                              {"start", function, 192},
                                              {"name", name, 256}};
  std::string struct_name = "rain_ops";
  std::uint32_t size = 40, value_size = 128, data_at = 64;
  std::uint32_t operations = 0, wrapper = 0;

  file_image build() {
    types.structure("rain_ops_not", size, members);
    operations = types.structure(struct_name, size, members);
    wrapper = types.structure("bpf_struct_ops_" + struct_name, value_size,
                              {{"common", int_type, 0}, {"data", operations, data_at * 8}});
    return types.content();
  }
};

#endif
