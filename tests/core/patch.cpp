// SPDX-License-Identifier: MIT
#include "../support/catch.hpp"
#include "../support/library.hpp"

namespace {

using barebpf::cause;
using barebpf::core_poison;
using barebpf::core_value;
using barebpf::patch_instruction;
using barebpf::abi::insn;

constexpr std::uint8_t move = 0xb7, add = 0x07, add_register = 0x0f, move32 = 0xb4, load8 = 0x79,
                       load4 = 0x61, load2 = 0x69, load1 = 0x71, store4 = 0x63, store_constant4 = 0x62,
                       jump = 0x05, wide = 0x18;

bool is_poison(const insn& one) {
  return one.opcode == 0x85 && one.registers == 0 && one.offset == 0 && one.immediate == 195896080;
}

}  // namespace

TEST_CASE("numbers are put where arithmetic has them", "[core]") {
  for (const auto opcode : {move, add, move32}) {
    insn code{.opcode = opcode, .registers = 3, .immediate = 40};
    CHECK(patch_instruction(&code, 0, {.old_number = 40, .number = 1264}) == cause::none);
    CHECK(code.immediate == 1264);
    CHECK(code.opcode == opcode);
    CHECK(code.registers == 3);
  }
  insn code{.opcode = move, .immediate = -1};
  CHECK(patch_instruction(&code, 0, {.old_number = ~std::uint64_t{0}, .number = 5}) == cause::none);
  CHECK(code.immediate == 5);
}

TEST_CASE("an instruction that holds something else stays as it is", "[core]") {
  const std::uint8_t opcodes[] = {move, load4, store4, store_constant4};
  for (const auto opcode : opcodes) {
    insn code{.opcode = opcode, .offset = 8, .immediate = 8};
    const core_value other{.old_number = 9, .number = 12, .old_size = 4, .size = 4};
    CHECK(patch_instruction(&code, 0, other) == cause::core_other_instruction);
    CHECK(code.immediate == 8);
    CHECK(code.offset == 8);
    core_value unsure = other;
    unsure.is_sure = false;
    CHECK(patch_instruction(&code, 0, unsure) == cause::none);
    CHECK((opcode == move ? code.immediate : code.offset) == 12);
  }
  insn by_register{.opcode = add_register};
  CHECK(patch_instruction(&by_register, 0, {}) == cause::core_other_instruction);
  insn elsewhere{.opcode = jump};
  CHECK(patch_instruction(&elsewhere, 0, {}) == cause::core_other_instruction);
}

TEST_CASE("loads and stores reach as far as their 16 bits", "[core]") {
  for (const auto opcode : {load4, store4, store_constant4}) {
    insn code{.opcode = opcode, .offset = 4, .immediate = 77};
    CHECK(patch_instruction(&code, 0, {.old_number = 4, .number = 32768, .old_size = 4, .size = 4}) ==
          cause::core_too_far);
    CHECK(code.offset == 4);
    CHECK(patch_instruction(&code, 0, {.old_number = 4, .number = 32767, .old_size = 4, .size = 4}) ==
          cause::none);
    CHECK(code.offset == 32767);
    CHECK(code.immediate == 77);
  }
}

TEST_CASE("a load changes its size with the field", "[core]") {
  struct row {
    std::uint8_t before;
    std::uint32_t old_size, size;
    std::uint8_t after;
  };
  const row rows[] = {{load8, 8, 4, load4}, {load4, 4, 8, load8}, {load2, 2, 1, load1}, {load1, 1, 2, load2}};
  for (const row& one : rows) {
    insn code{.opcode = one.before};
    CHECK(patch_instruction(&code, 0, {.number = 16, .old_size = one.old_size, .size = one.size}) ==
          cause::none);
    CHECK(code.opcode == one.after);
    CHECK(code.offset == 16);
  }
  // A size that no load has, or that this one does not have.
  for (const std::uint32_t size : {0u, 3u, 16u}) {
    insn code{.opcode = load4};
    CHECK(patch_instruction(&code, 0, {.number = 16, .old_size = 4, .size = size}) ==
          cause::core_other_instruction);
    CHECK(code.opcode == load4);
    CHECK(code.offset == 0);
  }
  insn other{.opcode = load2};
  CHECK(patch_instruction(&other, 0, {.number = 16, .old_size = 4, .size = 8}) ==
        cause::core_other_instruction);
  // Numbers of arithmetic do not care.
  insn number{.opcode = move};
  CHECK(patch_instruction(&number, 0, {.loses_sign = true, .number = 16, .old_size = 4, .size = 3}) ==
        cause::none);
  CHECK(number.immediate == 16);
}

TEST_CASE("where a sign would be lost, and where nothing is there, stands poison", "[core]") {
  insn load{.opcode = load4, .registers = 0x21, .offset = 8};
  CHECK(patch_instruction(&load, 0,
                          {.loses_sign = true, .old_number = 8, .number = 4, .old_size = 4, .size = 8}) ==
        cause::none);
  CHECK(is_poison(load));
  insn missing{.opcode = move, .registers = 1, .immediate = 8};
  CHECK(patch_instruction(&missing, 0, {.is_missing = true, .old_number = 99}) == cause::none);
  CHECK(is_poison(missing));
  insn both[2] = {{.opcode = wide, .registers = 1, .immediate = 1}, {.immediate = 2}};
  CHECK(patch_instruction(both, 1, {.is_missing = true}) == cause::none);
  CHECK(is_poison(both[0]));
  CHECK(is_poison(both[1]));
  CHECK(core_poison == 0xbad2310);
}

TEST_CASE("a load of 64 bits takes all of them, and only where it is plain and whole", "[core]") {
  const core_value value{.old_number = 0x200000001, .number = 0xfffffffe80000000};
  insn code[2] = {{.opcode = wide, .registers = 1, .immediate = 1}, {.immediate = 2}};
  CHECK(patch_instruction(code, 1, value) == cause::none);
  CHECK(static_cast<std::uint32_t>(code[0].immediate) == 0x80000000);
  CHECK(static_cast<std::uint32_t>(code[1].immediate) == 0xfffffffe);
  CHECK(code[0].registers == 1);

  insn half{.opcode = wide, .immediate = 1};
  CHECK(patch_instruction(&half, 0, value) == cause::bad_core);
  insn of_map[2] = {{.opcode = wide, .immediate = 1}, {.immediate = 2}};
  of_map[0].set_source(1);
  CHECK(patch_instruction(of_map, 1, value) == cause::core_other_instruction);
  insn other[2] = {{.opcode = wide, .immediate = 1}, {.opcode = move, .immediate = 2}};
  CHECK(patch_instruction(other, 1, value) == cause::core_other_instruction);
}
