// SPDX-License-Identifier: MIT
// Names in the fake machine: its symbols, its types and those of its modules.
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "kernel_names.bpf.hpp"
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

using barebpf::cause;
using barebpf::extern_kind;
using barebpf::extern_need;
using barebpf::resolved_extern;
using barebpf::step;
using names = std::vector<std::string>;

constexpr const char* symbols = "/proc/kallsyms";
constexpr const char* vmlinux = "/sys/kernel/btf/vmlinux";

extern_need need(extern_kind kind, const char* name, const char* shape = "", bool is_weak = false,
                 std::size_t known = 0) {
  if (known == 0) known = std::strlen(name);
  return {.name = name,
          .shape = shape,
          .known_size = static_cast<std::uint32_t>(known),
          .hash = barebpf::hash_of({name, known}),
          .kind = kind,
          .is_weak = is_weak};
}
struct found_names {
  std::vector<extern_need> needs;
  std::vector<resolved_extern> found;
  barebpf::outcome row;
  bool is_good;

  explicit found_names(std::vector<extern_need> wanted) : needs(std::move(wanted)), found(needs.size()) {
    const auto count = static_cast<std::uint32_t>(needs.size());
    is_good = find_names(needs.data(), count, found.data(), row) &&
              all_are_found(needs.data(), count, found.data(), row);
  }
  bool is_refused(step at, cause why, const std::string& about, int code = 0) const {
    const barebpf::error error = to_error(row);
    UNSCOPED_INFO(error.name << " " << static_cast<int>(error.at) << " " << error.code);
    return !is_good && error.at == at && error.why == why && error.name == about && error.code == code;
  }
};

std::string as_string(const file_image& from) { return std::string(from.begin(), from.end()); }

// The kernel's types: int 1, a struct 2, a pointer to it 3, functions and variables.
struct kernel_types {
  btf_builder types{};
  std::uint32_t word = types.integer("int", 4, 1);
  std::uint32_t task = types.structure("task_struct", 8, {{"pid", word}});
  std::uint32_t pointer = types.pointer(task);
  std::uint32_t takes_task = types.function_prototype(pointer, {{"p", pointer}});
  std::uint32_t acquire = types.function("acquire", takes_task, 0);
  std::uint32_t counter = types.variable("counter", word, 1);
  std::uint32_t same_name = types.type_definition("release", word);
};
// A module's: ids and strings go on where the kernel's end.
std::string module_types(const kernel_types& base, const std::string& function, const std::string& variable) {
  btf_builder own;
  own.strings.clear();
  const auto first = static_cast<std::uint32_t>(base.types.strings.size());
  const auto next_id = static_cast<std::uint32_t>(base.types.starts.size());
  const auto name = [&](const std::string& called) {
    const auto at = first + static_cast<std::uint32_t>(own.strings.size());
    own.strings += called + '\0';
    return at;
  };
  const auto add = [&](const std::vector<std::uint32_t>& words) {
    for (const std::uint32_t word : words) append32(own.types, word);
  };
  add({0, 13u << 24 | 1, base.word, name("p"), base.pointer});  // its id is next_id
  add({name(function), 12u << 24, next_id});                    // one more
  add({name(variable), 14u << 24, base.word, 1});               // two more
  return as_string(own.content());
}

}  // namespace

TEST_CASE("addresses are those that the kernel lists", "[kernel_names]") {
  fake_machine machine;
  machine.files[symbols] =
      "ffffffff81000000 T start\nffffffff81000100 t inner\t[module]\nffffffff81000200 D data\n"
      "ffffffff81000100 t twice\nffffffff81000300 t twice\nffffffff81000400 t same\nffffffff81000400 T "
      "same\n";
  const auto address = [](const char* name, bool is_weak = false) {
    return need(extern_kind::address, name, "", is_weak);
  };
  const found_names all({address("data"), address("inner"), address("nothing", true), address("same")});
  CHECK(all.is_good);
  CHECK(all.found[0].value == 0xffffffff81000200);
  CHECK(all.found[1].value == 0xffffffff81000100);
  CHECK_FALSE(all.found[2].is_found);
  CHECK(all.found[2].value == 0);
  CHECK(all.found[3].value == 0xffffffff81000400);
  CHECK(machine.all("openat").size() == 1);
  CHECK(found_names({address("nothing")})
            .is_refused(step::find_kernel_name, cause::no_kernel_symbol, "nothing"));
  CHECK(found_names({address("twice")}).is_refused(step::find_kernel_name, cause::ambiguous_symbol, "twice"));

  machine.files[symbols] = "0000000000000000 T start\n0000000000000000 D data\n";
  CHECK(found_names({address("data")}).is_refused(step::find_kernel_name, cause::hidden_addresses, symbols));
  CHECK(found_names({address("nothing", true)}).is_good);
  machine.files[symbols] = "0000000000000000 D first_of_each_cpu\nffffffff81000000 T start\n";
  CHECK(found_names({address("first_of_each_cpu")}).is_good);  // where a kernel has something at zero
  machine.files[symbols] = "something else\n";
  CHECK(found_names({address("data")}).is_refused(step::read_file, cause::bad_proc_line, symbols));
  machine.files.clear();
  CHECK(found_names({address("data")}).is_refused(step::open_file, cause::none, symbols, ENOENT));
  CHECK(found_names({}).is_good);
}

TEST_CASE("variables and functions are found by their types", "[kernel_names]") {
  fake_machine machine;
  const kernel_types kernel;
  machine.files[vmlinux] = as_string(kernel.types.content());
  const found_names all({need(extern_kind::function, "acquire", "FBpsps"),
                         need(extern_kind::function, "acquire___other", "FApv", true, 7),
                         need(extern_kind::function, "acquire___same", "FBpsps", true, 7),
                         need(extern_kind::variable, "counter", "i")});
  CHECK(all.is_good);
  CHECK(all.found[0].value == kernel.acquire);
  CHECK_FALSE(all.found[1].is_found);
  CHECK(all.found[2].value == kernel.acquire);
  CHECK(all.found[3].value == kernel.counter);
  for (const auto& one : all.found) {
    CHECK(one.module_number == 0);
    CHECK(one.module_index == 0);
  }
  CHECK(machine.all("openat").size() == 1);
  CHECK(machine.left_open() == names{});

  CHECK(found_names({need(extern_kind::function, "acquire", "FApv")})
            .is_refused(step::find_kernel_name, cause::another_type, "acquire"));
  CHECK(found_names({need(extern_kind::variable, "counter", "s", true)})
            .is_refused(step::find_kernel_name, cause::another_type, "counter"));
  CHECK(found_names({need(extern_kind::function, "counter", "i")})
            .is_refused(step::find_kernel_name, cause::no_kfunc, "counter"));
  CHECK(found_names({need(extern_kind::function, "release", "i")})
            .is_refused(step::find_kernel_name, cause::no_kfunc, "release"));
  CHECK(found_names({need(extern_kind::variable, "acquire", "i")})
            .is_refused(step::find_kernel_name, cause::no_kernel_variable, "acquire"));
}

TEST_CASE("a kernel without types has nothing that is found by them", "[kernel_names]") {
  fake_machine machine;
  CHECK(found_names({need(extern_kind::function, "acquire", "FApv", true)}).is_good);
  CHECK(found_names({need(extern_kind::function, "acquire", "FApv")})
            .is_refused(step::find_kernel_name, cause::no_kfunc, "acquire"));
  machine.files[vmlinux] = "nothing of the kind";
  CHECK(found_names({need(extern_kind::function, "acquire", "FApv", true)})
            .is_refused(step::find_kernel_name, cause::bad_btf_header, vmlinux));
}

TEST_CASE("what the kernel lacks its modules may have", "[kernel_names]") {
  fake_machine machine;
  const kernel_types kernel;
  machine.files[vmlinux] = as_string(kernel.types.content());
  const auto first_own = static_cast<std::uint32_t>(kernel.types.starts.size());
  machine.types = {{"vmlinux", machine.files[vmlinux]},
                   {"", "a program's", false},
                   {"other", module_types(kernel, "of_other", "in_other")},
                   {"mine", module_types(kernel, "of_mine", "in_mine")},
                   {"damaged", "no types"},
                   {"last", module_types(kernel, "of_last", "in_last")}};
  {
    const found_names all(
        {need(extern_kind::function, "acquire", "FBpsps"), need(extern_kind::variable, "in_mine", "i"),
         need(extern_kind::function, "of_last", "FBpsi"), need(extern_kind::function, "of_mine", "FBpsi"),
         need(extern_kind::function, "of_mine___again", "FBpsi", true, 7),
         need(extern_kind::function, "of_nobody", "FBpsi", true)});
    REQUIRE(all.is_good);
    CHECK(all.found[0].module_number == 0);
    CHECK(all.found[1].value == first_own + 2);
    CHECK(all.found[1].module_number == all.found[3].module_number);
    CHECK(all.found[1].module_index == 0);  // a load of 64 bits has the descriptor itself
    CHECK(all.found[2].value == first_own + 1);
    CHECK(all.found[2].module_index == 1);
    CHECK(all.found[3].value == first_own + 1);
    CHECK(all.found[3].module_index == 2);
    CHECK(all.found[4].module_index == 2);
    CHECK_FALSE(all.found[5].is_found);
    CHECK(machine.kind_of(all.found[2].module_number) == "types");
    // One descriptor for each module that has something.
    CHECK(machine.left_open() == names{"types", "types"});
  }
  CHECK(machine.left_open() == names{});
  CHECK(found_names({need(extern_kind::function, "of_mine", "FApv")})
            .is_refused(step::find_kernel_name, cause::another_type, "of_mine"));
  CHECK(machine.left_open() == names{});
  machine.refusals["btf_get_next_id"] = {EPERM};
  CHECK(found_names({need(extern_kind::function, "of_mine", "FBpsi")})
            .is_refused(step::find_kernel_name, cause::no_kfunc, "of_mine"));
}

TEST_CASE("modules are not looked at when the kernel has it all", "[kernel_names]") {
  fake_machine machine;
  machine.files[vmlinux] = as_string(kernel_types().types.content());
  CHECK(found_names({need(extern_kind::function, "acquire", "FBpsps")}).is_good);
  CHECK(machine.all("btf_get_next_id").empty());
}

namespace {

constexpr barebpf::static_object<kernel_names> names_object;

// A machine for bpf_progs/kernel_names.bpf.c: one function is the kernel's, the other a module's, the third nobody's.
struct machine_for_names : fake_machine {
  machine_for_names() {
    files[symbols] = "ffffffff81000010 T bpf_prog_put\n";
    btf_builder kernel;
    const std::uint32_t word = kernel.integer("int", 4, 1);
    const std::uint32_t task = kernel.pointer(kernel.structure("task_struct", 8, {{"pid", word}}));
    kernel.function("bpf_task_acquire", kernel.function_prototype(task, {{"p", task}}), 0);  // 5
    files[vmlinux] = as_string(kernel.content());
    btf_builder module;
    const auto first = static_cast<std::uint32_t>(kernel.strings.size());
    module.strings = std::string("bpf_task_release") + '\0';
    for (const std::uint32_t one : {0u, 13u << 24 | 1, 0u, 0u, task, first, 12u << 24, 6u})
      append32(module.types, one);
    types = {{"vmlinux", files[vmlinux]}, {"mine", as_string(module.content())}};
  }
};
// One that is compared with what the kernel would be given: opcode, registers, offset, immediate.
raw_bytes instruction(unsigned opcode, unsigned destination, unsigned source, int offset,
                      std::uint32_t immediate) {
  file_image out;
  append_instruction(out, opcode, destination, source, offset, static_cast<std::int32_t>(immediate));
  return out;
}
// Those of a program that are calls of the kernel or loads of what it has, in order.
std::vector<raw_bytes> named(const seen_call& program) {
  std::vector<raw_bytes> out;
  for (std::size_t i = 0; i < program.u32(4); ++i) {
    const raw_bytes one = program.instruction(i);
    const bool is_load = one[0] == 0x18;
    const unsigned source = barebpf::host_is_big_endian ? one[1] & 15u : one[1] >> 4;
    if (is_load && source != 2) {
      out.push_back(one);
      out.push_back(program.instruction(++i));
    } else if (is_load) {
      ++i;
    } else if (one[0] == 0x85 && (source == 2 || one[6] != 0)) {  // helpers have small numbers
      out.push_back(one);
    }
  }
  return out;
}

template <class Load>
void check_instructions(Load load) {
  machine_for_names machine;
  const auto loaded = load(barebpf::load_options{});
  REQUIRE(loaded.has_value());
  const auto programs = machine.all("prog_load");
  REQUIRE(programs.size() == 2);
  // An address that is there, and one and a variable that are not, in the compiler's order.
  std::vector<raw_bytes> loads = named(programs[0]);
  REQUIRE(loads.size() == 6);
  const auto there = std::find(loads.begin(), loads.end(), instruction(0x18, 2, 0, 0, 0x81000010));
  REQUIRE(there != loads.end());
  CHECK(*(there + 1) == instruction(0, 0, 0, 0, 0xffffffff));
  loads.erase(there, there + 2);
  for (std::size_t i = 0; i < 4; ++i)
    CHECK(loads[i] == (i % 2 == 0 ? instruction(0x18, 2, 0, 0, 0) : instruction(0, 0, 0, 0, 0)));
  // The kernel's function, the module's, whether there is the third, and a call of it all the same.
  CHECK(named(programs[1]) ==
        std::vector<raw_bytes>{instruction(0x85, 0, 2, 0, 5), instruction(0x85, 0, 2, 1, 7),
                               instruction(0x18, 1, 0, 0, 0), instruction(0, 0, 0, 0, 0),
                               instruction(0x85, 0, 2, 0, 0)});
  REQUIRE(programs[1].array.size() == 2);
  CHECK(programs[1].array[1] > 2);
  CHECK(machine.kind_of(programs[1].array[1]) == "closed");  // by now
}

// A load with each system call failing in turn, alone and with all behind it, gives a value or an error with a
// sentence, and leaves nothing.
template <class Machine, class Load>
void fail_everywhere(Load load) {
  std::size_t count = 0;
  {
    Machine machine;
    machine.fault = [&count](std::size_t index) { return count = index + 1, 0; };
    CHECK(load(barebpf::load_options{}).has_value());
  }
  REQUIRE(count > 5);
  for (std::size_t at = 0; at < count; ++at)
    for (const int code : {EPERM, ENOMEM, EINVAL, EMFILE, EINTR})
      for (const bool all_after : {false, true}) {
        if (all_after && code == EINTR) continue;
        CAPTURE(at, code, all_after);
        Machine machine;
        machine.fault = [&](std::size_t index) {
          return index == at || (all_after && index > at) ? code : 0;
        };
        {
          const auto loaded = load(barebpf::load_options{});
          machine.fault = nullptr;
          if (!loaded.has_value()) {
            char sentence[512];
            CHECK(describe(loaded.error(), sentence).size() > 20);
          }
        }
        CHECK(machine.left_open() == names{});
      }
}

auto load_names = [](const barebpf::load_options& options) { return names_object.load(options); };
auto open_names = [](const barebpf::load_options& options) {
  const auto object = barebpf::object::open(kernel_names, sizeof kernel_names);
  REQUIRE(object.has_value());
  return object->load(options);
};

}  // namespace

TEST_CASE("what is found is put into the instructions", "[kernel_names]") {
  check_instructions(load_names);
  check_instructions(open_names);
}

TEST_CASE("whichever call fails while names are looked for, nothing is leaked", "[kernel_names]") {
  fail_everywhere<machine_for_names>(load_names);
  fail_everywhere<machine_for_names>(open_names);
}

TEST_CASE("calls of what is missing have a number once the verifier has refused them", "[kernel_names]") {
  machine_for_names machine;
  machine.refusals["prog_load"] = {0, EINVAL, 0};
  const auto loaded = names_object.load();
  CHECK(loaded.has_value());  // as before 5.16, where nobody comes
  const auto programs = machine.all("prog_load");
  REQUIRE(programs.size() == 3);
  CHECK(named(programs[2]).back() == instruction(0x85, 0, 0, 0, 2002000000));

  machine.meanwhile = [&machine](const seen_call& call) {
    const bool is_second = call.name == "prog_load" && call.text(48) == "calls";
    if (call.name == "prog_load") machine.verifier_refuses = is_second ? EINVAL : 0;
  };
  machine.verifier_says = "0: (85) call unknown#2002000000\ninvalid func unknown#2002000000\nprocessed\n";
  barebpf::verifier_log log;
  const auto refused = open_names({.log = &log});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().why == cause::calls_missing_kfunc);
  CHECK(std::string(refused.error().name) == "bpf_no_such_function");
  machine.verifier_says = "0: (85) call unknown#4000000000\n";
  CHECK(open_names({.log = &log}).error().why == cause::refused_by_verifier);
  machine.verifier_says = "0: (85) call unknown#";
  CHECK(std::string(open_names({.log = &log}).error().name) == "calls");
  // Without a log nobody says why.
  CHECK(open_names({}).error().why == cause::none);
}
