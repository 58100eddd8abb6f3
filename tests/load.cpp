// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::btf_choice;
using barebpf::cause;
using barebpf::fd;
using barebpf::no_log;
using barebpf::outcome;
using barebpf::step;
using names = std::vector<std::string>;

namespace {

// Two maps, of which only the first has types, and two programs: the first refers to map 1 and then to
// map 0, the second to nothing. Register 2 is loaded, so that it can be seen to stay.
constexpr barebpf::u8 two = barebpf::host_is_big_endian ? 0x20 : 0x02;
constexpr barebpf::u8 two_and_map_fd = barebpf::host_is_big_endian ? 0x21 : 0x12;
constexpr barebpf::u8 two_and_map_index = barebpf::host_is_big_endian ? 0x25 : 0x52;

constexpr barebpf::abi::map_create maps[] = {
    {.map_type = 1,
     .key_size = 4,
     .value_size = 8,
     .max_entries = 16,
     .map_name = barebpf::to_kernel_name("typed"),
     .btf_key_type_id = 1,
     .btf_value_type_id = 2},
    {.map_type = 1,
     .key_size = 4,
     .value_size = 4,
     .max_entries = 8,
     .map_name = barebpf::to_kernel_name("untyped")},
};
constexpr barebpf::u8 types[] = {9, 8, 7};

constexpr barebpf::abi::insn long_code[] = {
    {.opcode = 0xb7, .registers = 0x01, .offset = -1, .immediate = 1234},
    {.opcode = 0x18, .registers = two, .immediate = 100},
    {.immediate = 3},
    {.opcode = 0x18, .registers = two, .immediate = 200},
    {},
    {.opcode = 0x95},
};
constexpr barebpf::abi::insn indexed_code[] = {
    {.opcode = 0xb7, .registers = 0x01, .offset = -1, .immediate = 1234},
    {.opcode = 0x18, .registers = two_and_map_index, .immediate = 1},
    {.immediate = 3},
    {.opcode = 0x18, .registers = two_and_map_index, .immediate = 0},
    {},
    {.opcode = 0x95},
};
constexpr barebpf::abi::insn short_code[] = {{.opcode = 0xb7}, {.opcode = 0x95}};
constexpr barebpf::map_reference references[] = {{.instruction = 1, .map = 1}, {.instruction = 3, .map = 0}};
constexpr barebpf::program_patch patches[] = {
    {.code = long_code, .references = references, .reference_count = 2},
    {.code = short_code},
};
constexpr char license[] = "GPL";
constexpr barebpf::abi::prog_load programs[] = {
    {.prog_type = 5,
     .insn_cnt = 6,
     .insns = indexed_code,
     .license = license,
     .prog_name = barebpf::to_kernel_name("long")},
    {.prog_type = 5,
     .insn_cnt = 2,
     .insns = short_code,
     .license = license,
     .prog_name = barebpf::to_kernel_name("short")},
};
constexpr barebpf::object_records everything{.maps = maps,
                                             .map_count = 2,
                                             .programs = programs,
                                             .patches = patches,
                                             .program_count = 2,
                                             .btf = types,
                                             .btf_size = 3};

raw_bytes as_bytes(const barebpf::abi::insn* code, std::size_t count) {
  raw_bytes out(count * 8);
  std::memcpy(out.data(), code, out.size());
  return out;
}

// Somewhere to load to.
struct place {
  fd maps[2], programs[2];
  int numbers[2] = {-7, -7};
  barebpf::abi::insn scratch[6];
  outcome row;

  template <btf_choice Btf>
  void by_index() {
    barebpf::load_by_index<Btf>(everything, maps, programs, numbers, static_cast<no_log*>(nullptr), row);
  }
  template <btf_choice Btf>
  void patched() {
    barebpf::load_patched<Btf>(everything, maps, programs, scratch, static_cast<no_log*>(nullptr), row);
  }
};

// The records of the two maps, the first with the types in `btf` or, for 0, with none.
record typed_map(std::uint32_t btf) {
  record out = record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 16).text(28, "typed");
  return btf == 0 ? out : out.u32(48, btf).u32(52, 1).u32(56, 2);
}
record untyped_map() { return record(72).u32(0, 1).u32(4, 4).u32(8, 4).u32(12, 8).text(28, "untyped"); }

}  // namespace

TEST_CASE("by index, programs get the maps in an array and their instructions as they are", "[load]") {
  fake_machine machine;
  place to;

  to.by_index<btf_choice::none>();

  CHECK_FALSE(to.row.failed());
  REQUIRE(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
  CHECK(machine.calls[2].attr == record(144)
                                     .u32(0, 5)
                                     .u32(4, 6)
                                     .pointer(8, indexed_code)
                                     .pointer(16, license)
                                     .text(48, "long")
                                     .pointer(120, to.numbers));
  CHECK(machine.calls[2].array == std::vector<int>{3, 4});
  CHECK(machine.calls[2].payload == as_bytes(indexed_code, 6));
  CHECK(machine.calls[3].payload == as_bytes(short_code, 2));
  CHECK(machine.calls[3].text(48) == "short");
  CHECK(to.maps[0].number() == 3);
  CHECK(to.maps[1].number() == 4);
  CHECK(to.programs[0].number() == 5);
  CHECK(to.programs[1].number() == 6);
}

TEST_CASE("patched, programs get descriptors where they name maps and nothing else changes", "[load]") {
  fake_machine machine;
  place to;

  to.patched<btf_choice::none>();

  CHECK_FALSE(to.row.failed());
  REQUIRE(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
  CHECK(machine.calls[2].attr ==
        record(144).u32(0, 5).u32(4, 6).pointer(8, to.scratch).pointer(16, license).text(48, "long"));
  const barebpf::abi::insn expected[] = {
      {.opcode = 0xb7, .registers = 0x01, .offset = -1, .immediate = 1234},
      {.opcode = 0x18, .registers = two_and_map_fd, .immediate = 4},
      {.immediate = 3},
      {.opcode = 0x18, .registers = two_and_map_fd, .immediate = 3},
      {},
      {.opcode = 0x95},
  };
  CHECK(machine.calls[2].payload == as_bytes(expected, 6));
  CHECK(machine.calls[3].payload == as_bytes(short_code, 2));
}

TEST_CASE("a map's types are loaded first, told with it, and then let go", "[load]") {
  fake_machine machine;
  place to;

  to.patched<btf_choice::needed>();

  CHECK_FALSE(to.row.failed());
  REQUIRE(machine.names() ==
          names{"btf_load", "map_create", "map_create", "close", "prog_load", "prog_load"});
  CHECK(machine.calls[0].payload == raw_bytes{9, 8, 7});
  CHECK(machine.calls[1].attr == typed_map(3));
  // The descriptor of types that describe nothing of this map would be refused.
  CHECK(machine.calls[2].attr == untyped_map());
  CHECK(machine.calls[3].arguments[0] == 3);
}

TEST_CASE("a map whose types are refused is created without them", "[load]") {
  for (const int code : {EINVAL, EPERM, ENOMEM}) {
    CAPTURE(code);
    fake_machine machine;
    machine.refusals["map_create"] = {code, 0};
    place to;

    to.by_index<btf_choice::needed>();

    CHECK_FALSE(to.row.failed());
    REQUIRE(machine.names() ==
            names{"btf_load", "map_create", "map_create", "map_create", "close", "prog_load", "prog_load"});
    CHECK(machine.calls[1].attr == typed_map(3));
    CHECK(machine.calls[2].attr == typed_map(0));
    CHECK(machine.calls[3].attr == untyped_map());
  }
}

TEST_CASE("where types cannot be loaded the maps go without", "[load]") {
  for (const int code : {EINVAL, EPERM, ENOMEM, EMFILE}) {
    CAPTURE(code);
    fake_machine machine;
    machine.refusals["btf_load"] = {code};
    place to;

    to.patched<btf_choice::needed>();

    CHECK_FALSE(to.row.failed());
    REQUIRE(machine.names() == names{"btf_load", "map_create", "map_create", "prog_load", "prog_load"});
    CHECK(machine.calls[1].attr == typed_map(0));
    CHECK(machine.calls[2].attr == untyped_map());
  }
}

TEST_CASE("an object without types loads none", "[load]") {
  fake_machine machine;
  place to;
  barebpf::object_records records = everything;
  records.btf_size = 0;

  barebpf::load_patched<btf_choice::needed>(records, to.maps, to.programs, to.scratch,
                                            static_cast<no_log*>(nullptr), to.row);

  CHECK_FALSE(to.row.failed());
  CHECK(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
  CHECK(machine.calls[0].attr == typed_map(0));
}

TEST_CASE("an object without maps and programs loads at once", "[load]") {
  fake_machine machine;
  place to;

  barebpf::load_by_index<btf_choice::needed>({}, to.maps, to.programs, to.numbers,
                                             static_cast<no_log*>(nullptr), to.row);

  CHECK_FALSE(to.row.failed());
  CHECK(machine.names() == names{});
}

TEST_CASE("a map that is refused ends the row and is named", "[load]") {
  fake_machine machine;
  machine.refusals["map_create"] = {0, ENOMEM};
  place to;

  to.patched<btf_choice::none>();

  CHECK(to.row.failed());
  CHECK(to.row.at == step::map_create);
  CHECK(to.row.answer == -12);
  CHECK(std::string(to.row.subject) == "untyped");
  CHECK(machine.names() == names{"map_create", "map_create"});
  CHECK(to.maps[0].is_open());
  CHECK_FALSE(to.maps[1].is_open());
}

TEST_CASE("a program that is refused ends the row and is named", "[load]") {
  for (const bool by_index : {false, true}) {
    CAPTURE(by_index);
    fake_machine machine;
    machine.refusals["prog_load"] = {0, E2BIG};
    place to;

    by_index ? to.by_index<btf_choice::none>() : to.patched<btf_choice::none>();

    CHECK(to.row.failed());
    CHECK(to.row.at == step::prog_load);
    CHECK(to.row.answer == -7);
    CHECK(std::string(to.row.subject) == "short");
    CHECK(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
    CHECK(to.programs[0].is_open());
    CHECK_FALSE(to.programs[1].is_open());
  }
}

TEST_CASE("what the verifier said of the refused program is in the log, and the row knows", "[load]") {
  fake_machine machine;
  machine.verifier_refuses = EACCES;
  machine.verifier_says = "R0 invalid mem access";
  place to;
  barebpf::verifier_log log;

  barebpf::load_by_index<btf_choice::none>(everything, to.maps, to.programs, to.numbers, &log, to.row);

  CHECK(to.row.at == step::prog_load);
  CHECK(to.row.answer == -13);
  CHECK(to.row.why == cause::refused_by_verifier);
  CHECK(std::string(to.row.subject) == "long");
  CHECK(log.said() == "R0 invalid mem access");
  CHECK(log.is_whole());
}
