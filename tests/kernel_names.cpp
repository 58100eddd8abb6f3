// SPDX-License-Identifier: MIT
// Names in the fake machine: its symbols, its types and those of its modules.
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
