// SPDX-License-Identifier: MIT
#include <array>

#include "support/catch.hpp"
#include "support/library.hpp"

namespace {

using barebpf::cause;
using barebpf::compare_types;
using barebpf::number_form;

constexpr auto is_signed = number_form::signed_number;
constexpr auto is_unsigned = number_form::unsigned_number;
constexpr auto is_other = number_form::no_number;

constexpr barebpf::map_spec map_of(std::uint32_t key_size, number_form key_form, std::uint32_t value_size,
                                   number_form value_form) {
  return {.key_size = key_size, .value_size = value_size, .key_form = key_form, .value_form = value_form};
}

struct pair {
  int first, second;
};
enum plain_color : unsigned { red };
enum class signed_color : int { red };
enum class unsigned_color : unsigned { red };
enum class byte_color : unsigned char { red };

}  // namespace

TEST_CASE("types that the object declares fit", "[type_check]") {
  constexpr auto int_to_long = map_of(4, is_signed, 8, is_signed);
  static_assert(compare_types<int, std::int64_t>(int_to_long) == cause::none);

  CHECK(compare_types<std::int32_t, std::int64_t>(int_to_long) == cause::none);
  CHECK(compare_types<std::uint32_t, std::uint64_t>(map_of(4, is_unsigned, 8, is_unsigned)) == cause::none);
}

TEST_CASE("a key or value of another size does not fit", "[type_check]") {
  constexpr auto int_to_long = map_of(4, is_signed, 8, is_signed);

  CHECK(compare_types<std::int64_t, std::int64_t>(int_to_long) == cause::wrong_key_size);
  CHECK(compare_types<std::int16_t, std::int64_t>(int_to_long) == cause::wrong_key_size);
  CHECK(compare_types<int, int>(int_to_long) == cause::wrong_value_size);
  CHECK(compare_types<int, std::array<char, 16>>(int_to_long) == cause::wrong_value_size);
}

TEST_CASE("a number of the other sign does not fit", "[type_check]") {
  constexpr auto int_to_long = map_of(4, is_signed, 8, is_signed);
  constexpr auto unsigned_to_unsigned = map_of(4, is_unsigned, 8, is_unsigned);

  CHECK(compare_types<std::uint32_t, std::int64_t>(int_to_long) == cause::wrong_key_sign);
  CHECK(compare_types<std::int32_t, std::uint64_t>(int_to_long) == cause::wrong_value_sign);
  CHECK(compare_types<std::int32_t, std::uint64_t>(unsigned_to_unsigned) == cause::wrong_key_sign);
  CHECK(compare_types<std::uint32_t, std::int64_t>(unsigned_to_unsigned) == cause::wrong_value_sign);
}

TEST_CASE("of stacks of one size only the flag tells what the bytes mean", "[type_check]") {
  using addresses = barebpf::stack_addresses<16>;
  using build_ids = barebpf::stack_build_ids<4>;
  barebpf::map_spec traces = map_of(4, is_other, 128, is_other);
  CHECK(compare_types<std::uint32_t, addresses>(traces) == cause::none);
  CHECK(compare_types<std::uint32_t, build_ids>(traces) == cause::stack_of_build_ids);

  traces.map_flags = barebpf::map_flag::stack_build_id | barebpf::map_flag::numa_node;
  CHECK(compare_types<std::uint32_t, addresses>(traces) == cause::stack_of_build_ids);
  CHECK(compare_types<std::uint32_t, build_ids>(traces) == cause::none);
}

TEST_CASE("of several faults the size of the key is told first and the sign of the value last",
          "[type_check]") {
  constexpr auto int_to_long = map_of(4, is_signed, 8, is_signed);

  CHECK(compare_types<std::uint64_t, std::uint32_t>(int_to_long) == cause::wrong_key_size);
  CHECK(compare_types<std::uint32_t, std::uint32_t>(int_to_long) == cause::wrong_value_size);
  CHECK(compare_types<std::uint32_t, std::uint64_t>(int_to_long) == cause::wrong_key_sign);
}

TEST_CASE("an enum has the sign of the number behind it", "[type_check]") {
  constexpr auto signed_map = map_of(4, is_signed, 4, is_signed);
  constexpr auto unsigned_map = map_of(4, is_unsigned, 4, is_unsigned);

  CHECK(compare_types<signed_color, int>(signed_map) == cause::none);
  CHECK(compare_types<unsigned_color, int>(signed_map) == cause::wrong_key_sign);
  CHECK(compare_types<plain_color, int>(signed_map) == cause::wrong_key_sign);
  CHECK(compare_types<unsigned_color, plain_color>(unsigned_map) == cause::none);
  CHECK(compare_types<unsigned_color, signed_color>(unsigned_map) == cause::wrong_value_sign);
  CHECK(compare_types<byte_color, int>(signed_map) == cause::wrong_key_size);
}

TEST_CASE("an enum in the object fits an enum and a number of either sign", "[type_check]") {
  constexpr auto enums = map_of(4, is_other, 4, is_other);

  CHECK(compare_types<signed_color, unsigned_color>(enums) == cause::none);
  CHECK(compare_types<int, unsigned>(enums) == cause::none);
}

TEST_CASE("plain char fits either sign, and the others have one", "[type_check]") {
  for (const number_form form : {is_signed, is_unsigned, is_other})
    CHECK(compare_types<char, char>(map_of(1, form, 1, form)) == cause::none);

  CHECK(compare_types<signed char, char>(map_of(1, is_unsigned, 1, is_signed)) == cause::wrong_key_sign);
  CHECK(compare_types<char, unsigned char>(map_of(1, is_signed, 1, is_signed)) == cause::wrong_value_sign);
}

TEST_CASE("bool is a number without a sign", "[type_check]") {
  CHECK(compare_types<bool, bool>(map_of(1, is_unsigned, 1, is_unsigned)) == cause::none);
  CHECK(compare_types<bool, bool>(map_of(1, is_unsigned, 1, is_signed)) == cause::wrong_value_sign);
}

TEST_CASE("structs, arrays, pointers and floats have no sign to differ in", "[type_check]") {
  constexpr auto signed_map = map_of(8, is_signed, 8, is_unsigned);

  CHECK(compare_types<pair, pair>(map_of(8, is_other, 8, is_other)) == cause::none);
  CHECK(compare_types<pair, std::array<int, 2>>(signed_map) == cause::none);
  CHECK(compare_types<double, double>(signed_map) == cause::none);
  CHECK(compare_types<std::int64_t, std::uint64_t>(map_of(8, is_other, 8, is_other)) == cause::none);
  CHECK(compare_types<pair, int>(map_of(8, is_other, 8, is_other)) == cause::wrong_value_size);
}

TEST_CASE("the type of a variable has its size and its sign", "[type_check]") {
  const auto variable = [](std::uint32_t size, number_form form) {
    return barebpf::variable_spec{.size = size, .form = form};
  };

  CHECK(compare_types<int>(variable(4, is_signed)) == cause::none);
  CHECK(compare_types<const int>(variable(4, is_signed)) == cause::none);
  CHECK(compare_types<const volatile unsigned>(variable(4, is_unsigned)) == cause::none);
  CHECK(compare_types<pair>(variable(8, is_other)) == cause::none);
  CHECK(compare_types<std::array<char, 3000>>(variable(3000, is_other)) == cause::none);
  CHECK(compare_types<double>(variable(8, is_other)) == cause::none);
  CHECK(compare_types<signed_color>(variable(4, is_signed)) == cause::none);
  CHECK(compare_types<char>(variable(1, is_unsigned)) == cause::none);
  CHECK(compare_types<std::int64_t>(variable(4, is_signed)) == cause::wrong_variable_size);
  CHECK(compare_types<short>(variable(4, is_unsigned)) == cause::wrong_variable_size);
  CHECK(compare_types<unsigned>(variable(4, is_signed)) == cause::wrong_variable_sign);
  CHECK(compare_types<const int>(variable(4, is_unsigned)) == cause::wrong_variable_sign);
  CHECK(compare_types<const volatile unsigned_color>(variable(4, is_signed)) == cause::wrong_variable_sign);
}
