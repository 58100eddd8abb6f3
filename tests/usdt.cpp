// SPDX-License-Identifier: MIT
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "support/binary_builder.hpp"
#include "support/catch.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::usdt_argument;
using barebpf::usdt_spec;

namespace {

using kind = usdt_argument::kind;
constexpr std::uint16_t x86 = 62, arm64 = 183, s390 = 22, riscv = 243;

struct site {
  std::string provider, name, arguments;
  std::uint64_t offset, semaphore;
};
std::string text_of(barebpf::text from) { return {from.data(), from.size()}; }

std::vector<site> sites_in(binary_builder& builder, cause& fault) {
  std::vector<site> out;
  const memory_file image(builder.build());
  const auto opened = barebpf::binary<memory_file>::open(image);
  REQUIRE(opened.has_value());
  const auto walked = each_usdt(*opened, [&](const barebpf::usdt_site& seen) {
    out.push_back(
        {text_of(seen.provider), text_of(seen.name), text_of(seen.arguments), seen.offset, seen.semaphore});
    return true;
  });
  fault = walked ? cause::none : walked.error().why;
  return out;
}

}  // namespace

TEST_CASE("trace points are found in files of each word size and byte order, also where these were moved",
          "[usdt]") {
  for (const bool is_64 : {false, true})
    for (const bool is_big : {false, true})
      for (const std::uint64_t moved : {std::uint64_t{0}, std::uint64_t{0x1000}}) {
        CAPTURE(is_64, is_big, moved);
        binary_builder builder(is_64, is_big);
        builder.set_moved(moved);
        builder.add_trace_point("library", "begin", "8@%rdi -4@$5", 0x20);
        builder.add_trace_point("library", "end", "", 0x41, 0x10);
        cause fault{};
        const auto found = sites_in(builder, fault);
        CHECK(fault == cause::none);
        REQUIRE(found.size() == 2);
        CHECK(found[0].provider == "library");
        CHECK(found[0].name == "begin");
        CHECK(found[0].arguments == "8@%rdi -4@$5");
        CHECK(found[0].offset == builder.code_offset() + 0x20);
        CHECK(found[0].semaphore == 0);
        CHECK(found[1].arguments.empty());
        CHECK(found[1].offset == builder.code_offset() + 0x41);
        CHECK(found[1].semaphore == builder.data_offset() + 0x10);
      }
}

TEST_CASE("a file without trace points, and one whose notes are damaged", "[usdt]") {
  binary_builder none(true, false);
  none.add_function("f", 0);
  cause fault{};
  CHECK(sites_in(none, fault).empty());
  CHECK(fault == cause::no_usdt);

  binary_builder outside(true, false);
  outside.add_trace_point("p", "n", "", 0x1000);  // behind the code
  CHECK(sites_in(outside, fault).empty());
  CHECK(fault == cause::damaged_binary);

  binary_builder builder(true, false);
  builder.add_trace_point("provider", "name", "8@%rax", 0x20);
  builder.add_trace_point("provider", "other", "", 0x30);
  const auto whole = builder.build();
  for (std::size_t at = 0; at < whole.size(); ++at)
    for (const int change : {0x00, 0x01, 0x10, 0x7f, 0xff}) {
      auto bytes = whole;
      bytes[at] = static_cast<std::uint8_t>(change);
      const memory_file image(std::move(bytes));
      const auto opened = barebpf::binary<memory_file>::open(image);
      if (opened) static_cast<void>(each_usdt(*opened, [](const barebpf::usdt_site&) { return true; }));
    }
}

TEST_CASE("where an argument is, in the words of each machine's assembler", "[usdt]") {
  struct {
    std::uint16_t machine;
    const char* words;
    kind where;
    std::int64_t value;
    std::uint16_t base, index;
    std::uint8_t scale, size;
    bool is_signed;
  } const rows[] = {
      {x86, "-4@$5", kind::constant, 5, 0, 0, 0, 4, true},
      {x86, "8@$-9223372036854775808", kind::constant, INT64_MIN, 0, 0, 0, 8, false},
      {x86, "-4@$-1", kind::constant, -1, 0, 0, 0, 4, true},
      {x86, "4@$0x1f", kind::constant, 31, 0, 0, 0, 4, false},
      {x86, "8@%rdi", kind::in_register, 0, 112, 0, 0, 8, false},
      {x86, "-4@%r15d", kind::in_register, 0, 0, 0, 0, 4, true},
      {x86, "1@%al", kind::in_register, 0, 80, 0, 0, 1, false},
      {x86, "2@%bp", kind::in_register, 0, 32, 0, 0, 2, false},
      {x86, "8@%rsp", kind::in_register, 0, 152, 0, 0, 8, false},
      {x86, "%rax", kind::in_register, 0, 80, 0, 0, 8, false},
      {x86, "-4@-20(%rbp)", kind::in_memory, -20, 32, 0, 0, 4, true},
      {x86, "8@(%rax)", kind::in_memory, 0, 80, 0, 0, 8, false},
      {x86, "8@0x10(%rbx)", kind::in_memory, 16, 40, 0, 0, 8, false},
      {x86, "-1@-96(%rbp,%rax,8)", kind::in_array, -96, 32, 80, 3, 1, true},
      {x86, "4@(%r8,%r9)", kind::in_array, 0, 72, 64, 0, 4, false},
      {arm64, "8@x0", kind::in_register, 0, 0, 0, 0, 8, false},
      {arm64, "-4@w30", kind::in_register, 0, 240, 0, 0, 4, true},
      {arm64, "8@[sp]", kind::in_memory, 0, 248, 0, 0, 8, false},
      {arm64, "-4@[sp, 60]", kind::in_memory, 60, 248, 0, 0, 4, true},
      {arm64, "8@[x29, -8]", kind::in_memory, -8, 232, 0, 0, 8, false},
      {arm64, "-4@5", kind::constant, 5, 0, 0, 0, 4, true},
      {s390, "-4@%r2", kind::in_register, 0, 40, 0, 0, 4, true},
      {s390, "8@160(%r15)", kind::in_memory, 160, 144, 0, 0, 8, false},
      {s390, "-4@-7", kind::constant, -7, 0, 0, 0, 4, true},
      {riscv, "-8@a0", kind::in_register, 0, 80, 0, 0, 8, true},
      {riscv, "-4@-20(s0)", kind::in_memory, -20, 64, 0, 0, 4, true},
      {riscv, "8@t6", kind::in_register, 0, 248, 0, 0, 8, false},
  };
  for (const auto& row : rows) {
    CAPTURE(row.machine, row.words);
    usdt_spec spec;
    REQUIRE(spec.read(row.words, row.machine));
    REQUIRE(spec.count == 1);
    const usdt_argument& found = spec.arguments[0];
    CHECK(found.where == row.where);
    CHECK(static_cast<std::int64_t>(found.value) == row.value);
    CHECK(found.base == row.base);
    CHECK(found.index == row.index);
    CHECK(found.scale == row.scale);
    CHECK(found.size == row.size);
    CHECK(found.is_signed == row.is_signed);
  }
}

TEST_CASE("several arguments, none, and too many", "[usdt]") {
  usdt_spec spec;
  CHECK(spec.read("", x86));
  CHECK(spec.count == 0);
  CHECK(spec.read("8@%rdi -4@$5 8@-8(%rbp)", x86));
  CHECK(spec.count == 3);
  CHECK(spec.arguments[2].where == kind::in_memory);
  CHECK(spec.read("-4@[sp, 12] 8@x1", arm64));
  CHECK(spec.count == 2);
  std::string many;
  for (int i = 0; i < 12; ++i) many += "8@%rax ";
  CHECK(spec.read(many, x86));
  CHECK(spec.count == 12);
  CHECK_FALSE(spec.read(many + "8@%rax", x86));
}

TEST_CASE("what is not known is not guessed", "[usdt]") {
  usdt_spec spec;
  for (const char* words : {"8@", "@%rax", "3@%rax", "16@%xmm0", "8f@%xmm0", "8@%xmm0", "8@symbol(%rip)",
                            "8@%rax)", "8@(%rax", "8@(%rax,%rbx,3)", "8@(%rax,%rbx,16)", "8@5(", "8@$",
                            "8@[x0]", "-@%rax", "8@%", "8@%rdi8@%rsi", "8@%gs:16"}) {
    CAPTURE(words);
    CHECK_FALSE(spec.read(words, x86));
  }
  for (const char* words : {"8@[x0", "8@[sp, ]", "8@[sp,x1]", "8@%rax"}) {
    CAPTURE(words);
    CHECK_FALSE(spec.read(words, arm64));
  }
  CHECK_FALSE(spec.read("8@%rax", 3));  // a machine that is not known
}

TEST_CASE("an element of the map is written as its programs read it, in both forms", "[usdt]") {
  // Source: struct __bpf_usdt_arg_spec and __bpf_usdt_spec in tools/lib/bpf/usdt.bpf.h at v6.12, and at v7.0.
  struct short_argument {
    std::uint64_t val_off;
    std::uint32_t arg_type;
    std::int16_t reg_off;
    std::uint8_t arg_signed, arg_bitshift;
  };
  struct long_argument {
    std::uint64_t val_off;
    std::uint8_t arg_type, unused;
    std::uint16_t index_and_scale;
    std::uint16_t unused_too;
    std::int16_t reg_off;
    std::uint8_t arg_signed, arg_bitshift, rest[6];
  };
  struct tail {
    std::uint64_t cookie;
    std::int16_t count;
    std::uint8_t rest[6];
  };
  static_assert(sizeof(short_argument) == 16 && sizeof(long_argument) == 24);
  usdt_spec spec;
  REQUIRE(spec.read("-4@%edi 1@7(%rbp,%rax,4)", x86));
  spec.cookie = 0x1122334455667788;

  std::uint8_t element[usdt_spec::long_size];
  spec.write(element, usdt_spec::short_size);
  short_argument small[2];
  tail behind;
  std::memcpy(small, element, sizeof small);
  std::memcpy(&behind, element + 12 * sizeof(short_argument), sizeof behind);
  CHECK(small[0].arg_type == 1);
  CHECK(small[0].reg_off == 112);
  CHECK(small[0].arg_signed == 1);
  CHECK(small[0].arg_bitshift == 32);
  CHECK(small[1].val_off == 7);
  CHECK(small[1].arg_type == (3u | 80u << 16 | 2u << 28));
  CHECK(small[1].arg_bitshift == 56);
  CHECK(behind.cookie == spec.cookie);
  CHECK(behind.count == 2);
  CHECK(behind.rest[5] == 1);

  if constexpr (!barebpf::host_is_big_endian) {
    spec.write(element, usdt_spec::long_size);
    long_argument large[2];
    std::memcpy(large, element, sizeof large);
    std::memcpy(&behind, element + 12 * sizeof(long_argument), sizeof behind);
    CHECK(large[0].arg_type == 1);
    CHECK(large[0].reg_off == 112);
    CHECK(large[0].arg_signed == 1);
    CHECK(large[0].arg_bitshift == 32);
    CHECK(large[1].arg_type == 3);
    CHECK(large[1].index_and_scale == (80 | 2 << 12));
    CHECK(large[1].reg_off == 32);
    CHECK(behind.cookie == spec.cookie);
    CHECK(behind.count == 2);
  }
}
