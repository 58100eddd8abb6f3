// SPDX-License-Identifier: MIT
#include <array>
#include <bit>

#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::fd;
using barebpf::load_options;
using barebpf::object_records;
using barebpf::outcome;
using barebpf::step;
using names = std::vector<std::string>;

namespace {

// Two maps, of which only the first has types, and two programs: the first refers to map 1 and then to
// map 0, the second to nothing. Register 2 is loaded, so that it can be seen to stay.
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
    {.opcode = 0x18, .registers = two_and_map_fd, .immediate = 100},
    {.immediate = 3},
    {.opcode = 0x18, .registers = two_and_map_fd, .immediate = 200},
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
// As they stand in memory, a word for each.
template <std::size_t Count>
constexpr std::array<barebpf::u64, Count> words_of(const barebpf::abi::insn (&code)[Count]) {
  std::array<barebpf::u64, Count> out{};
  for (std::size_t i = 0; i < Count; ++i) out[i] = std::bit_cast<barebpf::u64>(code[i]);
  return out;
}
constexpr auto long_words = words_of(long_code);
constexpr auto short_words = words_of(short_code);
constexpr barebpf::program_patch patches[] = {
    {.code = long_words.data(), .references = references, .reference_count = 2},
    {.code = short_words.data()},
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
constexpr object_records everything{.maps = maps,
                                    .map_count = 2,
                                    .programs = programs,
                                    .patches = patches,
                                    .program_count = 2,
                                    .btf = types,
                                    .btf_size = 3};

// The same where no types were wanted.
constexpr barebpf::abi::map_create plain_maps[] = {
    {.map_type = 1,
     .key_size = 4,
     .value_size = 8,
     .max_entries = 16,
     .map_name = barebpf::to_kernel_name("typed")},
    maps[1],
};
constexpr object_records without_types{
    .maps = plain_maps, .map_count = 2, .programs = programs, .patches = patches, .program_count = 2};

raw_bytes as_bytes(const barebpf::abi::insn* code, std::size_t count) {
  raw_bytes out(count * 8);
  std::memcpy(out.data(), code, out.size());
  return out;
}

constexpr barebpf::load_needs plain_by_index{.types = false, .values = false, .pins = false, .patch = false};
constexpr barebpf::load_needs plain_patched{.types = false, .values = false, .pins = false, .patch = true};
constexpr barebpf::load_needs typed_by_index{.types = true, .values = false, .pins = false, .patch = false};
constexpr barebpf::load_needs typed_patched{.types = true, .values = false, .pins = false, .patch = true};
constexpr barebpf::load_needs all_needs{};

// Somewhere to load to.
struct place {
  fd maps[2], programs[2];
  bool pinned[2] = {};
  int numbers[2] = {-7, -7};
  barebpf::abi::insn scratch[6];
  outcome row;

  template <barebpf::load_needs Needs, class Options = barebpf::no_options>
  void load(const object_records& records = Needs.types ? everything : without_types,
            const Options& options = {}) {
    barebpf::load_records<Needs>(records,
                                 {.maps = maps,
                                  .programs = programs,
                                  .pinned = pinned,
                                  .map_numbers = Needs.patch ? nullptr : numbers,
                                  .scratch = Needs.patch ? scratch : nullptr},
                                 options, row);
  }
};

// The records of the two maps, the first with the types in `btf` or, for 0, with none.
record typed_map(std::uint32_t btf) {
  record out = record(72).u32(0, 1).u32(4, 4).u32(8, 8).u32(12, 16).text(28, "typed");
  return btf == 0 ? out : out.u32(48, btf).u32(52, 1).u32(56, 2);
}
// Ids of types are told with them or not at all.
record untyped_map() { return record(72).u32(0, 1).u32(4, 4).u32(8, 4).u32(12, 8).text(28, "untyped"); }

// A map with a pin, and one of variables that is frozen.
constexpr barebpf::u64 first_value[] = {0x1122334455667788, 0x99};
constexpr barebpf::abi::map_create holders[] = {
    {.map_type = 1,
     .key_size = 4,
     .value_size = 8,
     .max_entries = 16,
     .map_name = barebpf::to_kernel_name("hits.by.cpu"),
     .btf_key_type_id = 1,
     .btf_value_type_id = 2},
    {.map_type = 2,
     .key_size = 4,
     .value_size = 12,
     .max_entries = 1,
     .map_flags = 1u << 7,
     .map_name = barebpf::to_kernel_name("obj.rodata"),
     .btf_value_type_id = 3},
};
constexpr barebpf::map_duty duties[] = {
    {.pin = "hits.by.cpu"},
    {.value = first_value, .data_at = 16, .has_data = true, .is_frozen = true},
};
constexpr object_records with_duties{.maps = holders,
                                     .duties = duties,
                                     .map_count = 2,
                                     .programs = programs,
                                     .patches = patches,
                                     .program_count = 2,
                                     .data_size = 32};
constexpr const char* pin_path = "/sys/fs/bpf/hits_by_cpu";

// An array of maps that is pinned, with the map behind it in slot 3; and the other one alone, as a prog array with
// both programs.
constexpr barebpf::abi::map_create nested[] = {
    {.map_type = 12,
     .key_size = 4,
     .value_size = 4,
     .max_entries = 4,
     .map_name = barebpf::to_kernel_name("outer")},
    {.map_type = 2,
     .key_size = 4,
     .value_size = 8,
     .max_entries = 1,
     .map_name = barebpf::to_kernel_name("page")},
};
constexpr barebpf::abi::map_create patterns[] = {
    {.map_type = 2,
     .key_size = 4,
     .value_size = 8,
     .max_entries = 1,
     .map_name = barebpf::to_kernel_name("outer_inner"),
     .btf_key_type_id = 5,
     .btf_value_type_id = 6},
    {},
};
constexpr barebpf::filled_slot page_in_slot_3[] = {{.slot = 3, .target = 1}};
constexpr barebpf::map_duty nested_duties[] = {{.pin = "outer", .slots = page_in_slot_3, .slot_count = 1},
                                               {}};
constexpr object_records with_nested{.maps = nested,
                                     .duties = nested_duties,
                                     .inner_maps = patterns,
                                     .map_count = 2,
                                     .programs = programs,
                                     .patches = patches,
                                     .program_count = 2,
                                     .btf = types,
                                     .btf_size = 3};
constexpr const char* outer_path = "/sys/fs/bpf/outer";
constexpr barebpf::abi::map_create steps[] = {
    nested[1],
    {.map_type = 3,
     .key_size = 4,
     .value_size = 4,
     .max_entries = 4,
     .map_name = barebpf::to_kernel_name("steps")},
};
constexpr barebpf::filled_slot both_programs[] = {{.slot = 0, .target = 1}, {.slot = 2, .target = 0}};
constexpr barebpf::map_duty steps_duties[] = {{}, {.pin = "steps", .slots = both_programs, .slot_count = 2}};
constexpr object_records with_steps{.maps = steps,
                                    .duties = steps_duties,
                                    .map_count = 2,
                                    .programs = programs,
                                    .patches = patches,
                                    .program_count = 2};
constexpr const char* steps_path = "/sys/fs/bpf/steps";

// A descriptor or an index as the kernel is told it.
raw_bytes word(int number) {
  raw_bytes out(4);
  std::memcpy(out.data(), &number, 4);
  return out;
}

}  // namespace

TEST_CASE("by index, programs get the maps in an array and their instructions as they are", "[load]") {
  fake_machine machine;
  place to;

  to.load<plain_by_index>();

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

  to.load<plain_patched>();

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

TEST_CASE("types are loaded first, told with their maps and with every program, and then let go", "[load]") {
  fake_machine machine;
  place to;

  to.load<typed_patched>();

  CHECK_FALSE(to.row.failed());
  REQUIRE(machine.names() ==
          names{"btf_load", "map_create", "map_create", "prog_load", "prog_load", "close"});
  CHECK(machine.calls[0].payload == raw_bytes{9, 8, 7});
  CHECK(machine.calls[1].attr == typed_map(3));
  CHECK(machine.calls[2].attr == untyped_map());
  CHECK(machine.calls[3].u32(72) == 3);
  CHECK(machine.calls[4].u32(72) == 3);
  CHECK(machine.calls[5].arguments[0] == 3);
}

TEST_CASE("a map whose types are refused is created without them", "[load]") {
  for (const int code : {EINVAL, EOPNOTSUPP, 524}) {
    CAPTURE(code);
    fake_machine machine;
    machine.refusals["map_create"] = {code, 0};
    place to;

    to.load<typed_by_index>();

    CHECK_FALSE(to.row.failed());
    REQUIRE(machine.names() ==
            names{"btf_load", "map_create", "map_create", "map_create", "prog_load", "prog_load", "close"});
    CHECK(machine.calls[1].attr == typed_map(3));
    CHECK(machine.calls[2].attr == typed_map(0));
    CHECK(machine.calls[3].attr == untyped_map());
  }
}

TEST_CASE("a map that is refused for another reason than its types is not tried without them", "[load]") {
  for (const int code : {EPERM, ENOMEM, E2BIG, EMFILE, EINTR}) {
    CAPTURE(code);
    fake_machine machine;
    machine.refusals["map_create"] = {code};
    place to;

    to.load<typed_by_index>();

    CHECK(to.row.failed());
    CHECK(to.row.at == step::map_create);
    CHECK(to.row.answer == -code);
    CHECK(machine.names() == (code == E2BIG ? names{"btf_load", "map_create", "uname", "close"}
                                            : names{"btf_load", "map_create", "close"}));
  }
}

TEST_CASE("where types cannot be loaded the maps and programs go without", "[load]") {
  constexpr barebpf::abi::func_info function[] = {{.insn_off = 0, .type_id = 1}};
  constexpr barebpf::abi::line_info line[] = {
      {.insn_off = 0, .file_name_off = 1, .line_off = 1, .line_col = 1}};
  barebpf::abi::prog_load told[] = {programs[0], programs[1]};
  for (barebpf::abi::prog_load& program : told) {
    program.func_info_rec_size = 8;
    program.func_info = function;
    program.func_info_cnt = 1;
    program.line_info_rec_size = 16;
    program.line_info = line;
    program.line_info_cnt = 1;
  }
  object_records records = everything;
  records.programs = told;
  for (const int code : {EINVAL, EPERM, ENOMEM, EMFILE}) {
    CAPTURE(code);
    fake_machine machine;
    machine.refusals["btf_load"] = {code};
    place to;

    to.load<typed_patched>(records);

    CHECK_FALSE(to.row.failed());
    REQUIRE(machine.names() == names{"btf_load", "map_create", "map_create", "prog_load", "prog_load"});
    CHECK(machine.calls[1].attr == typed_map(0));
    CHECK(machine.calls[2].attr == untyped_map());
    // Descriptor, and size and number of the records of functions and of lines.
    for (const std::size_t program : {3u, 4u})
      for (const std::size_t zero : {72u, 76u, 88u, 92u, 104u}) CHECK(machine.calls[program].u32(zero) == 0);
  }
}

TEST_CASE("where types are required, the object fails with them", "[load]") {
  object_records records = everything;
  records.btf_is_required = true;
  {
    fake_machine machine;
    machine.refusals["btf_load"] = {EINVAL};
    place to;
    to.load<typed_patched>(records);
    CHECK(to.row.failed());
    CHECK(to.row.at == step::btf_load);
    CHECK(to.row.answer == -22);
    CHECK(machine.names() == names{"btf_load"});
  }
  {
    fake_machine machine;
    place to;
    to.load<typed_patched>(records);
    CHECK_FALSE(to.row.failed());
    CHECK(machine.calls[2].attr == untyped_map());  // which has no types that it could be refused for
  }
}

TEST_CASE("a map of an object that requires types goes without where the map takes none", "[load]") {
  object_records records = everything;
  records.btf_is_required = true;
  {
    fake_machine machine;
    machine.refusals["map_create"] = {EINVAL, 0};
    place to;
    to.load<typed_patched>(records);
    CHECK_FALSE(to.row.failed());
    CHECK(machine.calls[2].attr == typed_map(0));
    CHECK(machine.calls[4].u32(72) == 3);  // its programs have them all the same
  }
  {
    fake_machine machine;
    machine.refusals["map_create"] = {EINVAL, EINVAL};
    place to;
    to.load<typed_patched>(records);
    CHECK(to.row.at == step::map_create);
    CHECK(to.row.answer == -22);
  }
}

TEST_CASE("functions and source lines are told byte for byte", "[load]") {
  constexpr barebpf::abi::func_info functions[] = {{.insn_off = 0, .type_id = 5},
                                                   {.insn_off = 3, .type_id = 7}};
  constexpr barebpf::abi::line_info lines[] = {
      {.insn_off = 0, .file_name_off = 11, .line_off = 12, .line_col = 13}};
  barebpf::abi::prog_load told = programs[0];
  told.func_info_rec_size = 8;
  told.func_info = functions;
  told.func_info_cnt = 2;
  told.line_info_rec_size = 16;
  told.line_info = lines;
  told.line_info_cnt = 1;
  object_records records = everything;
  records.programs = &told;
  records.program_count = 1;
  fake_machine machine;
  place to;

  to.load<typed_by_index>(records);

  CHECK_FALSE(to.row.failed());
  const seen_call call = machine.all("prog_load").at(0);
  CHECK(call.attr == record(144)
                         .u32(0, 5)
                         .u32(4, 6)
                         .pointer(8, indexed_code)
                         .pointer(16, license)
                         .text(48, "long")
                         .u32(72, 3)
                         .u32(76, 8)
                         .pointer(80, functions)
                         .u32(88, 2)
                         .u32(92, 16)
                         .pointer(96, lines)
                         .u32(104, 1)
                         .pointer(120, to.numbers));
  CHECK(call.functions == record(16).u32(4, 5).u32(8, 3).u32(12, 7));
  CHECK(call.lines == record(16).u32(4, 11).u32(8, 12).u32(12, 13));
}

TEST_CASE("an object without types loads none", "[load]") {
  fake_machine machine;
  place to;
  object_records records = everything;
  records.btf_size = 0;

  to.load<typed_patched>(records);

  CHECK_FALSE(to.row.failed());
  CHECK(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
  CHECK(machine.calls[0].attr == typed_map(0));
}

TEST_CASE("an object without maps and programs loads at once", "[load]") {
  fake_machine machine;
  place to;

  to.load<all_needs>({});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.names() == names{});
}

TEST_CASE("a map that is refused ends the row and is named", "[load]") {
  fake_machine machine;
  machine.refusals["map_create"] = {0, ENOMEM};
  place to;

  to.load<plain_patched>();

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

    by_index ? to.load<plain_by_index>() : to.load<plain_patched>();

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

  to.load<plain_by_index>(without_types, load_options{.log = &log});

  CHECK(to.row.at == step::prog_load);
  CHECK(to.row.answer == -13);
  CHECK(to.row.why == cause::refused_by_verifier);
  CHECK(std::string(to.row.subject) == "long");
  CHECK(log.said() == "R0 invalid mem access");
  CHECK(log.is_whole());
}

TEST_CASE("each program is patched in the same scratch, and descriptors of the one before are gone",
          "[load]") {
  constexpr barebpf::map_reference one[] = {{.instruction = 0, .map = 0}};
  constexpr barebpf::abi::insn third[] = {{.opcode = 0x18, .registers = two_and_map_fd, .immediate = 0}, {}};
  constexpr auto third_words = words_of(third);
  const barebpf::program_patch in_turn[] = {
      {.code = long_words.data(), .references = references, .reference_count = 2},
      {.code = third_words.data(), .references = one, .reference_count = 1}};
  object_records records = without_types;
  records.patches = in_turn;
  fake_machine machine;
  place to;

  to.load<plain_patched>(records);

  CHECK_FALSE(to.row.failed());
  CHECK(machine.calls[2].u64(8) == machine.calls[3].u64(8));
  const barebpf::abi::insn expected[] = {{.opcode = 0x18, .registers = two_and_map_fd, .immediate = 3}, {}};
  CHECK(machine.calls[3].payload == as_bytes(expected, 2));
}

TEST_CASE("a map of variables gets its first value and is frozen", "[load]") {
  fake_machine machine;
  place to;

  to.load<all_needs>(with_duties);

  CHECK_FALSE(to.row.failed());
  REQUIRE(machine.names() == names{"obj_get", "map_create", "obj_pin", "map_create", "map_update_elem",
                                   "map_freeze", "prog_load", "prog_load"});
  const seen_call& update = machine.calls[4];
  CHECK(update.attr == record(32).u32(0, 4).u64(8, update.u64(8)).pointer(16, first_value));
  CHECK(machine.calls[5].attr == record(4).u32(0, 4));
  raw_bytes expected(12);
  std::memcpy(expected.data(), first_value, 12);
  CHECK(machine.first_value(4) == expected);
  CHECK(machine.is_frozen(4));
  CHECK_FALSE(machine.is_frozen(3));
}

TEST_CASE("first values of the caller's come from their place in his", "[load]") {
  fake_machine machine;
  place to;
  unsigned char data[32];
  for (unsigned char i = 0; i < 32; ++i) data[i] = static_cast<unsigned char>(i + 100);

  to.load<all_needs>(with_duties, load_options{.data = data});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.first_value(4) == raw_bytes(data + 16, data + 28));
}

TEST_CASE("zeros need no call, and are written when the caller gives others", "[load]") {
  const barebpf::map_duty zeros[] = {{}, {.data_at = 16, .has_data = true}};
  object_records records = with_duties;
  records.duties = zeros;
  const unsigned char data[32] = {};
  {
    fake_machine machine;
    place to;
    to.load<all_needs>(records, load_options{});
    CHECK(machine.names() == names{"map_create", "map_create", "prog_load", "prog_load"});
  }
  {
    fake_machine machine;
    place to;
    to.load<all_needs>(records, load_options{.data = data});
    CHECK(machine.names() == names{"map_create", "map_create", "map_update_elem", "prog_load", "prog_load"});
  }
}

TEST_CASE("first values of another size are refused before any call", "[load]") {
  const unsigned char data[48] = {};
  for (const std::size_t size : {1u, 16u, 31u, 33u, 48u}) {
    CAPTURE(size);
    fake_machine machine;
    place to;

    to.load<all_needs>(with_duties, load_options{.data = {data, size}});

    CHECK(to.row.failed());
    const barebpf::error error = to_error(to.row);
    CHECK(error.at == step::find);
    CHECK(error.why == cause::foreign_data);
    CHECK(error.code == 0);
    char words[512];
    CHECK(describe(error, words) ==
          "cannot use 'data': these first values were made for another object, so make them with data() of "
          "this "
          "one");
    CHECK(machine.names() == names{});
  }
}

TEST_CASE("first values for an object without variables are refused", "[load]") {
  const unsigned char data[16] = {};
  fake_machine machine;
  place to;

  to.load<plain_patched>(without_types, load_options{.data = data});

  CHECK(to.row.why == cause::foreign_data);
  CHECK(machine.names() == names{});
}

TEST_CASE("an array that cannot be filled or frozen ends the row and is named", "[load]") {
  for (const auto& [call, at] :
       {std::pair("map_update_elem", step::map_update_elem), std::pair("map_freeze", step::map_freeze)})
    for (const int code : {EPERM, ENOMEM, EBUSY}) {
      CAPTURE(call, code);
      fake_machine machine;
      machine.refusals[call] = {code};
      place to;

      to.load<all_needs>(with_duties);

      CHECK(to.row.failed());
      CHECK(to.row.at == at);
      CHECK(to.row.answer == -code);
      CHECK(std::string(to.row.subject) == "obj.rodata");
      CHECK(machine.all("prog_load").empty());
      CHECK(machine.pins() == names{});  // which the first map had already
    }
}

TEST_CASE("a change of entries is told of its map alone", "[load]") {
  fake_machine machine;
  place to;
  const barebpf::map_change changes[] = {{.map = 1, .max_entries = 77}, {}};

  to.load<plain_patched>(without_types, load_options{.maps = changes});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.calls[0].u32(12) == 16);
  CHECK(machine.calls[1].u32(12) == 77);
  CHECK(maps[1].max_entries == 8);
}

TEST_CASE("a change of a map that the object does not have is refused before anything is made", "[load]") {
  fake_machine machine;
  place to;
  const barebpf::map_change changes[] = {{.map = 2, .max_entries = 77}};

  to.load<plain_patched>(without_types, load_options{.maps = changes});

  CHECK(to.row.failed());
  CHECK(to.row.why == barebpf::cause::no_such_map);
  CHECK(barebpf::to_error(to.row).code == 0);
  CHECK(machine.calls.empty());
}

TEST_CASE("a change without entries leaves what the object says", "[load]") {
  fake_machine machine;
  place to;
  const barebpf::map_change changes[] = {{.map = 0}, {.map = 1}};

  to.load<plain_patched>(without_types, load_options{.maps = changes});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.calls[0].attr == typed_map(0));
  CHECK(machine.calls[1].attr == untyped_map());
}

TEST_CASE("a map in the stead of another is used under a descriptor of its own", "[load]") {
  fake_machine machine;
  const int mine = machine.open_map(1, 4, 8, 1000, 1);  // other entries and flags do no harm
  {
    place to;
    const barebpf::map_change changes[] = {{.map = 0, .max_entries = 5, .replacement = mine}};

    to.load<plain_patched>(without_types, load_options{.maps = changes});

    CHECK_FALSE(to.row.failed());
    REQUIRE(machine.names() == names{"obj_get_info_by_fd", "fcntl", "map_create", "prog_load", "prog_load"});
    CHECK(machine.calls[1].arguments[0] == mine);
    CHECK(machine.calls[1].arguments[1] == 1030);  // F_DUPFD_CLOEXEC
    CHECK(machine.calls[1].arguments[2] == 3);
    CHECK(to.maps[0].number() == 4);
    CHECK(machine.are_one_map(to.maps[0].number(), mine));
    CHECK(machine.calls[2].text(28) == "untyped");
  }
  CHECK(machine.kind_of(mine) == "map");  // still the caller's
  machine.forget(mine);
}

TEST_CASE("the map of variables that is in the stead of another is neither filled nor frozen", "[load]") {
  fake_machine machine;
  const int mine = machine.open_map(2, 4, 12, 1);
  place to;
  const barebpf::map_change changes[] = {{.map = 1, .replacement = mine}};
  unsigned char data[32] = {};

  to.load<all_needs>(with_duties, load_options{.maps = changes, .data = data});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.all("map_update_elem").empty());
  CHECK(machine.all("map_freeze").empty());
  machine.forget(mine);
}

TEST_CASE("a map that does not fit is not taken in the stead of another", "[load]") {
  const struct { std::uint32_t type, key_size, value_size; } others[] = {{2, 4, 8}, {1, 8, 8}, {1, 4, 4}};
  for (const auto& other : others) {
    fake_machine machine;
    const int mine = machine.open_map(other.type, other.key_size, other.value_size, 16);
    place to;
    const barebpf::map_change changes[] = {{.map = 0, .replacement = mine}};
    barebpf::map_differences differences;

    to.load<plain_patched>(without_types, load_options{.maps = changes, .differences = &differences});

    CHECK(to.row.failed());
    const barebpf::error error = to_error(to.row);
    CHECK(error.at == step::obj_get_info_by_fd);
    CHECK(error.why == cause::another_map);
    CHECK(error.code == 0);
    CHECK(std::string(error.name) == "typed");
    CHECK(differences.any());
    CHECK(differences.expected.value_size == 8);
    CHECK(differences.found.type == other.type);
    CHECK(differences.found.key_size == other.key_size);
    CHECK(differences.found.value_size == other.value_size);
    CHECK(machine.all("map_create").empty());
    machine.forget(mine);
  }
}

TEST_CASE("what is no map, or closed, is not taken in the stead of one", "[load]") {
  fake_machine machine;
  const int program = machine.open("program");
  for (const auto& [number, why, code] :
       {std::tuple(program, cause::not_a_map, 0), std::tuple(40, cause::none, EBADFD)}) {
    CAPTURE(number);
    place to;
    const barebpf::map_change changes[] = {{.map = 0, .replacement = number}};
    to.load<plain_patched>(without_types, load_options{.maps = changes});
    const barebpf::error error = to_error(to.row);
    CHECK(error.at == step::obj_get_info_by_fd);
    CHECK(error.why == why);
    CHECK(error.code == code);
  }
  machine.forget(program);
}

TEST_CASE("where there is no descriptor left for a replacement, the row ends", "[load]") {
  fake_machine machine;
  const int mine = machine.open_map(1, 4, 8, 16);
  machine.refusals["fcntl"] = {EMFILE};
  place to;
  const barebpf::map_change changes[] = {{.map = 0, .replacement = mine}};

  to.load<plain_patched>(without_types, load_options{.maps = changes});

  CHECK(to.row.at == step::map_create);
  CHECK(to.row.answer == -24);
  CHECK(std::string(to.row.subject) == "typed");
  CHECK_FALSE(to.maps[0].is_open());
  CHECK(machine.left_open() == names{"map"});
  machine.forget(mine);
}

namespace {

// A map, and an arena that wants this address.
struct arenas_at {
  barebpf::abi::map_create maps[2] = {plain_maps[0],
                                      {.map_type = 33,
                                       .max_entries = 4,
                                       .map_flags = 1u << 10,
                                       .map_name = barebpf::to_kernel_name("pages")}};
  explicit arenas_at(barebpf::u64 address) { maps[1].map_extra = address; }
};

}  // namespace

TEST_CASE("an arena without an address is refused before it is created, unless another is in its stead",
          "[load]") {
  const arenas_at arenas(0);
  object_records with_arena = without_types;
  with_arena.maps = arenas.maps;
  fake_machine machine;
  {
    place to;
    to.load<plain_patched>(with_arena);
    CHECK(to.row.failed());
    CHECK(to.row.at == step::map_create);
    CHECK(to.row.why == cause::arena_without_address);
    CHECK(std::string(to.row.subject) == "pages");
    CHECK(machine.names() == names{"map_create"});  // the map before it
  }
  const int mine = machine.open_map(33, 0, 0, 4, 1u << 10);
  {
    place to;
    const barebpf::map_change changes[] = {{.map = 1, .replacement = mine}};
    to.load<plain_patched>(with_arena, load_options{.maps = changes});
    CHECK_FALSE(to.row.failed());
    CHECK(machine.are_one_map(to.maps[1].number(), mine));
  }
  machine.forget(mine);
}

TEST_CASE("an arena is created where the object says", "[load]") {
  const arenas_at arenas(0x70000000);
  object_records with_arena = without_types;
  with_arena.maps = arenas.maps;
  fake_machine machine;
  place to;

  to.load<plain_patched>(with_arena);

  CHECK_FALSE(to.row.failed());
  CHECK(machine.calls[1].attr ==
        record(72).u32(0, 33).u32(12, 4).u32(16, 1u << 10).text(28, "pages").u64(64, 0x70000000));
}

TEST_CASE("the variables of an arena that begin as zeros are written too, for that brings their pages in",
          "[load]") {
  const arenas_at arenas(0x70000000);
  const barebpf::map_duty with_zeros[] = {{}, {.image_size = 16}};
  object_records with_arena = without_types;
  with_arena.maps = arenas.maps;
  with_arena.duties = with_zeros;
  fake_machine machine;
  machine.meanwhile = [&](const seen_call& call) {
    if (call.name == "mmap") machine.soil(call.arguments[4]);
  };
  place to;

  to.load<plain_patched>(with_arena);

  CHECK_FALSE(to.row.failed());
  raw_bytes expected(17);
  expected[16] = 0x5a;
  CHECK(machine.first_bytes(to.maps[1].number(), 17) == expected);
}

TEST_CASE("a map that is pinned by its name is created and pinned where nothing is", "[load]") {
  fake_machine machine;
  place to;

  to.load<all_needs>(with_duties);

  CHECK_FALSE(to.row.failed());
  CHECK(machine.calls[0].path == pin_path);  // bpffs takes no dots
  CHECK(machine.calls[2].path == pin_path);
  CHECK(machine.calls[2].u32(8) == 3);
  CHECK(machine.pins() == names{pin_path});
  CHECK(machine.is_pinned(to.maps[0].number(), pin_path));
  CHECK(to.pinned[0]);
  CHECK_FALSE(to.pinned[1]);
}

TEST_CASE("a map that is pinned by its name is used where it is", "[load]") {
  fake_machine machine;
  machine.pin_map(pin_path, 1, 4, 8, 16);
  place to;

  to.load<all_needs>(with_duties);

  CHECK_FALSE(to.row.failed());
  REQUIRE(machine.names() == names{"obj_get", "obj_get_info_by_fd", "map_create", "map_update_elem",
                                   "map_freeze", "prog_load", "prog_load"});
  CHECK(machine.is_pinned(to.maps[0].number(), pin_path));
  CHECK_FALSE(to.pinned[0]);
}

TEST_CASE("another map under the name is left alone, and nothing else is made", "[load]") {
  const struct {
    std::uint32_t type, key_size, value_size, max_entries, flags;
  } others[] = {{9, 4, 8, 16, 0}, {1, 8, 8, 16, 0}, {1, 4, 4, 16, 0}, {1, 4, 8, 17, 0}, {1, 4, 8, 16, 1}};
  for (const auto& other : others) {
    fake_machine machine;
    machine.pin_map(pin_path, other.type, other.key_size, other.value_size, other.max_entries, other.flags);
    barebpf::map_differences differences;
    place to;

    to.load<all_needs>(with_duties, load_options{.differences = &differences});

    CHECK(to.row.failed());
    const barebpf::error error = to_error(to.row);
    CHECK(error.at == step::obj_get_info_by_fd);
    CHECK(error.why == cause::another_map);
    CHECK(error.code == 0);
    CHECK(std::string(error.name) == "hits.by.cpu");
    CHECK(differences.any());
    CHECK(differences.expected.max_entries == 16);
    CHECK(differences.found.map_flags == other.flags);
    CHECK(machine.all("map_create").empty());
    CHECK(machine.left_open() == names{});
    CHECK(machine.pins() == names{pin_path});
  }
}

TEST_CASE("a program under the name of a map is told from one", "[load]") {
  fake_machine machine;
  machine.pin_program(pin_path);
  place to;

  to.load<all_needs>(with_duties);

  CHECK(to_error(to.row).why == cause::not_a_map);
  CHECK(machine.left_open() == names{});
  CHECK(machine.pins() == names{pin_path});
}

TEST_CASE("a change of entries is what a pinned map is held against", "[load]") {
  fake_machine machine;
  machine.pin_map(pin_path, 1, 4, 8, 32);
  place to;
  const barebpf::map_change changes[] = {{.map = 0, .max_entries = 32}};

  to.load<all_needs>(with_duties, load_options{.maps = changes});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.is_pinned(to.maps[0].number(), pin_path));
}

TEST_CASE("a replacement is used whatever is pinned", "[load]") {
  fake_machine machine;
  const int mine = machine.open_map(1, 4, 8, 2);
  place to;
  const barebpf::map_change changes[] = {{.map = 0, .replacement = mine}};

  to.load<all_needs>(with_duties, load_options{.maps = changes});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.all("obj_get").empty());
  CHECK(machine.pins() == names{});
  machine.forget(mine);
}

TEST_CASE("who comes second to a pin uses the map of who came first", "[load]") {
  fake_machine machine;
  machine.meanwhile = [&](const seen_call& call) {
    if (call.name == "obj_pin") machine.pin_map(pin_path, 1, 4, 8, 16);
  };
  place to;

  to.load<all_needs>(with_duties);

  CHECK_FALSE(to.row.failed());
  CHECK(machine.names() == names{"obj_get", "map_create", "obj_pin", "close", "obj_get", "obj_get_info_by_fd",
                                 "map_create", "map_update_elem", "map_freeze", "prog_load", "prog_load"});
  CHECK(machine.is_pinned(to.maps[0].number(), pin_path));
  CHECK_FALSE(to.pinned[0]);
}

TEST_CASE("who comes second to a pin of another map is told", "[load]") {
  fake_machine machine;
  machine.meanwhile = [&](const seen_call& call) {
    if (call.name == "obj_pin") machine.pin_map(pin_path, 1, 4, 8, 99);
  };
  place to;

  to.load<all_needs>(with_duties);

  CHECK(to.row.failed());
  CHECK(to.row.why == cause::another_map);
  CHECK(machine.left_open() == names{});
  CHECK(machine.pins() == names{pin_path});
}

TEST_CASE("a pin that comes and goes is not waited for without end", "[load]") {
  fake_machine machine;
  machine.meanwhile = [&](const seen_call& call) {
    if (call.name == "obj_pin") machine.pin_map(pin_path, 1, 4, 8, 16);
    if (call.name == "obj_get") machine.remove_pin(pin_path);
  };
  {
    place to;

    to.load<all_needs>(with_duties);

    CHECK(to.row.failed());
    CHECK(to.row.at == step::obj_pin);
    CHECK(to.row.answer == -17);  // EEXIST
    CHECK(machine.all("obj_pin").size() == 9);
    CHECK(machine.all("prog_load").empty());
  }
  CHECK(machine.left_open() == names{});
}

TEST_CASE("a pin that comes and goes once does no harm", "[load]") {
  fake_machine machine;
  int pins = 0;
  machine.meanwhile = [&](const seen_call& call) {
    if (call.name == "obj_pin" && ++pins == 1) machine.pin_map(pin_path, 1, 4, 8, 16);
    if (call.name == "obj_get") machine.remove_pin(pin_path);
  };
  place to;

  to.load<all_needs>(with_duties);

  CHECK_FALSE(to.row.failed());
  CHECK(machine.all("obj_pin").size() == 2);
  CHECK(machine.is_pinned(to.maps[0].number(), pin_path));
  CHECK(to.pinned[0]);
}

TEST_CASE("what this load pinned is unpinned when a later step fails", "[load]") {
  for (const char* call : {"map_freeze", "prog_load"}) {
    CAPTURE(call);
    fake_machine machine;
    machine.refusals[call] = {EINVAL};
    place to;

    to.load<all_needs>(with_duties);

    CHECK(to.row.failed());
    CHECK(to.row.answer == -22);
    CHECK(machine.calls.back().name == "unlinkat");
    CHECK(machine.calls.back().path == pin_path);
    CHECK(machine.pins() == names{});
    CHECK_FALSE(to.pinned[0]);
  }
}

TEST_CASE("what somebody else pinned stays when a later step fails", "[load]") {
  fake_machine machine;
  machine.pin_map(pin_path, 1, 4, 8, 16);
  machine.refusals["prog_load"] = {EINVAL};
  place to;

  to.load<all_needs>(with_duties);

  CHECK(to.row.at == step::prog_load);
  CHECK(machine.all("unlinkat").empty());
  CHECK(machine.pins() == names{pin_path});
}

TEST_CASE("the folder of pins can be another", "[load]") {
  fake_machine machine;
  machine.bpf_folders = {"/run/bpf/mine.d"};
  place to;

  to.load<all_needs>(with_duties, load_options{.pin_root = "/run/bpf/mine.d"});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.pins() == names{"/run/bpf/mine.d/hits_by_cpu"});
}

TEST_CASE("a folder of pins that is not there is an error of pinning", "[load]") {
  fake_machine machine;
  place to;

  to.load<all_needs>(with_duties, load_options{.pin_root = "/run/nowhere"});

  CHECK(to.row.at == step::obj_pin);
  CHECK(to.row.answer == -2);  // ENOENT
  CHECK(std::string(to.row.subject) == "hits.by.cpu");
}

TEST_CASE("a path of a pin that is too long is refused, the longest is not", "[load]") {
  const std::string longest(4095 - std::strlen("/hits_by_cpu"), 'd'), longer = longest + 'd';
  {
    fake_machine machine;
    place to;
    to.load<all_needs>(with_duties, load_options{.pin_root = {longer.data(), longer.size()}});
    CHECK(to.row.at == step::obj_get);
    CHECK(to.row.answer == -36);  // ENAMETOOLONG
    CHECK(std::string(to.row.subject) == "hits.by.cpu");
    CHECK(machine.names() == names{});
  }
  fake_machine machine;
  machine.bpf_folders = {longest};
  place to;
  to.load<all_needs>(with_duties, load_options{.pin_root = {longest.data(), longest.size()}});
  CHECK_FALSE(to.row.failed());
  CHECK(machine.pins() == names{longest + "/hits_by_cpu"});
}

TEST_CASE("a token goes to all three commands, each time with its flag", "[load]") {
  fake_machine machine;
  const int token = machine.open("token");
  const auto number = static_cast<std::uint32_t>(token);
  {
    place to;

    to.load<typed_patched>(everything, load_options{.token = token});

    CHECK_FALSE(to.row.failed());
    REQUIRE(machine.names() ==
            names{"btf_load", "map_create", "map_create", "prog_load", "prog_load", "close"});
    CHECK(machine.calls[0].attr == record(40).pointer(0, types).u32(16, 3).u32(32, 1u << 16).u32(36, number));
    CHECK(machine.calls[2].attr == record(80)
                                       .u32(0, 1)
                                       .u32(4, 4)
                                       .u32(8, 4)
                                       .u32(12, 8)
                                       .u32(16, 1u << 16)
                                       .text(28, "untyped")
                                       .u32(76, number));
    CHECK(machine.calls[4].attr == record(152)
                                       .u32(0, 5)
                                       .u32(4, 2)
                                       .pointer(8, to.scratch)
                                       .pointer(16, license)
                                       .u32(44, 1u << 16)
                                       .text(48, "short")
                                       .u32(72, 4)
                                       .u32(144, number));
  }
  CHECK(machine.kind_of(token) == "token");
  machine.forget(token);
}

TEST_CASE("a map that is pinned is no other for the token that made it", "[load]") {
  fake_machine machine;
  const int token = machine.open("token");
  place first, second;

  first.load<all_needs>(with_duties, load_options{.token = token});
  second.load<all_needs>(with_duties, load_options{.token = token});

  CHECK_FALSE(first.row.failed());
  CHECK_FALSE(second.row.failed());
  CHECK(machine.are_one_map(first.maps[0].number(), second.maps[0].number()));
  machine.forget(token);
}

TEST_CASE("a map of maps comes last, after its pattern, and is pinned when it is full", "[load]") {
  fake_machine machine;
  place to;

  to.load<all_needs>(with_nested);

  CHECK_FALSE(to.row.failed());
  REQUIRE(machine.names() == names{"btf_load", "map_create", "obj_get", "map_create", "map_create", "close",
                                   "map_update_elem", "obj_pin", "prog_load", "prog_load", "close"});
  CHECK(machine.calls[1].text(28) == "page");
  CHECK(machine.calls[3].attr == record(72)
                                     .u32(0, 2)
                                     .u32(4, 4)
                                     .u32(8, 8)
                                     .u32(12, 1)
                                     .text(28, "outer_inner")
                                     .u32(48, 3)
                                     .u32(52, 5)
                                     .u32(56, 6));
  CHECK(machine.calls[4].text(28) == "outer");
  CHECK(machine.calls[4].u32(20) == 5);  // the pattern
  CHECK(machine.calls[5].arguments[0] == 5);
  CHECK(machine.calls[6].u32(0) == to.maps[0].raw());
  CHECK(machine.calls[6].value == word(to.maps[1].number()));
  CHECK(machine.is_pinned(to.maps[0].number(), outer_path));
}

TEST_CASE("a map of maps that was there before is used as it is", "[load]") {
  for (const bool is_pinned : {true, false}) {
    CAPTURE(is_pinned);
    fake_machine machine;
    if (is_pinned) machine.pin_map(outer_path, 12, 4, 4, 4);
    const int mine = machine.open_map(12, 4, 4, 4);
    const barebpf::map_change change{.map = 0, .replacement = mine};
    {
      place to;

      to.load<all_needs>(with_nested, load_options{.maps = {&change, is_pinned ? 0u : 1u}});

      CHECK_FALSE(to.row.failed());
      CHECK(machine.all("map_create").size() == 1);
      CHECK(machine.all("map_update_elem").empty());
      CHECK(machine.are_one_map(to.maps[0].number(), mine) != is_pinned);
    }
    machine.forget(mine);
  }
}

TEST_CASE("a pattern that is refused is told of by its own name, and by why", "[load]") {
  constexpr barebpf::abi::map_create bad_pattern[] = {
      {.map_type = 2,
       .key_size = 8,
       .value_size = 8,
       .max_entries = 1,
       .map_name = barebpf::to_kernel_name("outer_inner")},
      {},
  };
  object_records records = with_nested;
  records.inner_maps = bad_pattern;
  fake_machine machine;
  machine.refusals["map_create"] = {0, EINVAL};
  place to;

  to.load<all_needs>(records);

  CHECK(to.row.at == step::map_create);
  CHECK(to.row.why == cause::bad_key_size);
  CHECK(std::string(to.row.subject) == "outer_inner");
  CHECK(machine.pins() == names{});
}

TEST_CASE("a map that is unlike the pattern is refused in the name of the other, which is not pinned then",
          "[load]") {
  for (const int code : {EINVAL, ENOMEM}) {
    fake_machine machine;
    machine.refusals["map_update_elem"] = {code};
    place to;

    to.load<all_needs>(with_nested);

    CHECK(to.row.at == step::map_update_elem);
    CHECK(to.row.answer == -code);
    CHECK(to.row.why == (code == EINVAL ? cause::unfit_inner_map : cause::none));
    CHECK(std::string(to.row.subject) == "outer");
    CHECK(machine.pins() == names{});
  }
}

TEST_CASE("a prog array is filled when all programs are there, also where it was there before", "[load]") {
  for (const bool was_there : {false, true}) {
    CAPTURE(was_there);
    fake_machine machine;
    if (was_there) machine.pin_map(steps_path, 3, 4, 4, 4);
    place to;

    to.load<all_needs>(with_steps);

    CHECK_FALSE(to.row.failed());
    const std::vector<seen_call> fills = machine.all("map_update_elem");
    REQUIRE(fills.size() == 2);
    CHECK(machine.calls[machine.calls.size() - 3].name == "prog_load");
    for (const seen_call& fill : fills) CHECK(fill.u32(0) == to.maps[1].raw());
    CHECK(fills[0].value == word(to.programs[1].number()));
    CHECK(fills[1].value == word(to.programs[0].number()));
    CHECK(machine.pins() == names{steps_path});
  }
}

TEST_CASE("a program that does not suit a prog array takes back what was made", "[load]") {
  fake_machine machine;
  machine.refusals["map_update_elem"] = {0, EINVAL};
  place to;

  to.load<all_needs>(with_steps);

  CHECK(to.row.at == step::map_update_elem);
  CHECK(to.row.why == cause::unfit_program);
  CHECK(std::string(to.row.subject) == "steps");
  CHECK(machine.pins() == names{});
}

TEST_CASE("a change of a program that the object does not have is refused before anything is made",
          "[load]") {
  fake_machine machine;
  place to;
  const barebpf::program_change changes[] = {{.program = 2}};

  to.load<plain_patched>(without_types, load_options{.programs = changes});

  CHECK(to.row.why == cause::no_such_program);
  CHECK(machine.calls.empty());
}

TEST_CASE("a program is loaded as what it is to be", "[load]") {
  fake_machine machine;
  place to;
  const barebpf::program_change changes[] = {{},
                                             barebpf::program_change::of(1, {.section = "xdp.frags/cpumap"}),
                                             barebpf::program_change::of(0, {})};

  to.load<plain_patched>(without_types, load_options{.programs = changes});

  CHECK_FALSE(to.row.failed());
  const auto loads = machine.all("prog_load");
  REQUIRE(loads.size() == 2);
  CHECK(loads[0].u32(0) == 5);
  CHECK(loads[1].u32(0) == 6);    // prog_type
  CHECK(loads[1].u32(44) == 32);  // prog_flags
  CHECK(loads[1].u32(68) == 35);  // expected_attach_type
}

TEST_CASE("programs are left out as long as there is room to say why", "[load]") {
  for (const std::size_t room_for : {0u, 1u, 2u}) {
    CAPTURE(room_for);
    fake_machine machine;
    machine.verifier_refuses = EACCES;
    place to;
    bool left_out[2] = {};
    barebpf::refused_program room[2];
    barebpf::refused_programs refused({room, room_for});
    const load_options options{.refused = &refused};

    barebpf::load_records<plain_patched>(
        without_types,
        {.maps = to.maps, .programs = to.programs, .left_out = left_out, .scratch = to.scratch}, options,
        to.row);

    CHECK(to.row.failed() == (room_for != 2));
    REQUIRE(refused.size() == room_for);
    for (std::size_t i = 0; i < room_for; ++i) {
      CHECK(room[i].program == i);
      CHECK(room[i].why.code == EACCES);
      CHECK(std::string(room[i].why.name) == (i == 0 ? "long" : "short"));
      CHECK(left_out[i]);
      CHECK_FALSE(to.programs[i].is_open());
    }
  }
}

TEST_CASE("a program without a type is refused without the kernel", "[load]") {
  fake_machine machine;
  place to;
  const barebpf::abi::prog_load nameless[] = {programs[0], {.insn_cnt = 2, .insns = short_code}};
  object_records records = without_types;
  records.programs = nameless;

  to.load<plain_patched>(records, load_options{});

  CHECK(to.row.why == cause::unknown_section);
  CHECK(machine.all("prog_load").size() == 1);
}

TEST_CASE("a size that only the machine tells is found after the kernel refused what there was", "[load]") {
  struct {
    barebpf::map_type type;
    std::uint32_t wanted, made;
  } const rows[] = {{barebpf::map_type::perf_event_array, 0, 4},
                    {barebpf::map_type::perf_event_array, 3, 0},
                    {barebpf::map_type::ringbuf, 4097, 8192},
                    {barebpf::map_type::ringbuf, 1, 4096},
                    {barebpf::map_type::user_ringbuf, 0x7fffffff, 0x80000000},
                    {barebpf::map_type::ringbuf, 0, 0},
                    {barebpf::map_type::ringbuf, 0x80000001, 0},
                    {barebpf::map_type::ringbuf, 8192, 0},
                    {barebpf::map_type::hash, 0, 0}};
  for (const auto& row : rows) {
    CAPTURE(row.type, row.wanted);
    fake_machine machine;
    machine.files["/sys/devices/system/cpu/possible"] = "0-3\n";
    machine.refusals["map_create"] = {EINVAL};
    place to;
    const barebpf::abi::map_create sized[] = {
        {.map_type = static_cast<std::uint32_t>(row.type), .max_entries = row.wanted}};
    object_records records = without_types;
    records.maps = sized;
    records.map_count = 1;
    records.program_count = 0;

    to.load<plain_patched>(records);

    const auto made = machine.all("map_create");
    CHECK(to.row.failed() == (row.made == 0));
    REQUIRE(made.size() == (row.made == 0 ? 1u : 2u));
    if (row.made != 0) CHECK(made[1].u32(12) == row.made);
  }
}

TEST_CASE("values are sized where the object leaves that open, and flags are exchanged", "[load]") {
  fake_machine machine;
  place to;
  barebpf::abi::map_create sized[] = {maps[1], maps[1]};
  sized[0].value_size = 0;
  object_records records = without_types;
  records.maps = sized;
  const barebpf::map_change changes[] = {{.map = 0, .value_size = 24},
                                         {.map = 1, .value_size = 4, .map_flags = 1}};

  to.load<plain_patched>(records, load_options{.maps = changes});

  CHECK_FALSE(to.row.failed());
  CHECK(machine.calls[0].u32(8) == 24);
  CHECK(machine.calls[0].u32(16) == 0);
  CHECK(machine.calls[1].u32(8) == 4);
  CHECK(machine.calls[1].u32(16) == 1);

  place other;
  const barebpf::map_change wrong[] = {{.map = 1, .value_size = 5}};
  other.load<plain_patched>(records, load_options{.maps = wrong});
  CHECK(other.row.why == cause::size_is_given);
}

TEST_CASE("a pattern for the maps in a map of maps can be given", "[load]") {
  fake_machine machine;
  const int mine = machine.open_map(2, 4, 8, 1);
  {
    place to;
    barebpf::abi::map_create outer[] = {maps[1], maps[1]};
    outer[1].map_type = static_cast<std::uint32_t>(barebpf::map_type::array_of_maps);
    object_records records = without_types;
    records.maps = outer;
    const barebpf::map_change changes[] = {{.map = 1, .inner = mine}};

    to.load<plain_patched>(records, load_options{.maps = changes});

    CHECK_FALSE(to.row.failed());
    CHECK(machine.calls[1].u32(20) == static_cast<std::uint32_t>(mine));
  }
  machine.forget(mine);
}
