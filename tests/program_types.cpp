// SPDX-License-Identifier: MIT
// The function of another program that is to be replaced: found among its types, told apart from what is no function,
// and every refusal with its reason.
#include <sys/syscall.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string>

#include "replacement.bpf.hpp"
#include "support/catch.hpp"
#include "support/fake_kernel.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

namespace {

namespace abi = barebpf::abi;
using barebpf::cause;
using barebpf::step;

constexpr int program_number = 5, types_number = 6, other_number = 7;

template <class T>
T read(long from, std::size_t at) {
  T out{};
  std::memcpy(&out, reinterpret_cast<const unsigned char*>(from) + at, sizeof out);
  return out;
}
template <class T>
void write(std::uint64_t to, const T& what) {
  std::memcpy(reinterpret_cast<void*>(static_cast<std::uintptr_t>(to)), &what, sizeof what);
}

// A kernel with one program, whose types are a file image, and one in which a second is loaded.
struct kernel_with_a_program {
  file_image content{};
  std::uint32_t btf_id = 9;
  int fails_at = -1;  // the call to answer with EPERM
  std::set<long> open{program_number};
  int calls = 0;
  abi::prog_load loaded{};

  long operator()(const fake_call& call) {
    if (call.number == __NR_close) return open.erase(call.arguments[0]) == 1 ? 0 : -EBADF;
    if (call.number != __NR_bpf) return call.number == __NR_fcntl ? call.arguments[0] : 0;
    if (calls++ == fails_at) return -EPERM;
    const auto command = static_cast<abi::command>(call.arguments[0]);
    if (command == abi::command::btf_get_fd_by_id) {
      CHECK(read<std::uint32_t>(call.arguments[1], 0) == btf_id);
      open.insert(types_number);
      return types_number;
    }
    if (command == abi::command::prog_load) {
      std::memcpy(&loaded, reinterpret_cast<const void*>(call.arguments[1]), sizeof loaded);
      open.insert(other_number);
      return other_number;
    }
    if (command != abi::command::obj_get_info_by_fd) {
      open.insert(20 + calls);
      return 20 + calls;
    }
    const auto number = read<std::uint32_t>(call.arguments[1], 0);
    const auto info = read<std::uint64_t>(call.arguments[1], 8);
    if (open.count(static_cast<long>(number)) == 0) return -EBADFD;
    if (number == program_number) {
      CHECK(read<std::uint32_t>(call.arguments[1], 4) == 232);
      write(info + 128, btf_id);
      return 0;
    }
    const auto where = read<std::uint64_t>(static_cast<long>(info), 0);
    if (read<std::uint32_t>(static_cast<long>(info), 8) != 0) {
      std::memcpy(reinterpret_cast<void*>(static_cast<std::uintptr_t>(where)), content.data(),
                  content.size());
    }
    write(info + 8, static_cast<std::uint32_t>(content.size()));
    return 0;
  }
};

// A variable, a type and a function of the same name, and another function.
kernel_with_a_program program_with_an_answer() {
  btf_builder types;
  kernel_with_a_program out;
  const std::uint32_t word = types.integer("int", 4, 1);           // 1
  const std::uint32_t prototype = types.function_prototype(word);  // 2
  types.type_definition("answer", prototype);                      // 3
  types.function("asks", prototype, 1);                            // 4
  types.function("answer", prototype, 1);                          // 5
  out.content = types.content();
  return out;
}

struct found {
  std::uint32_t id = 0;
  barebpf::outcome row{.subject = "other_answer"};
};
found find(kernel_with_a_program& kernel, const char* wanted, int program = program_number) {
  fake_kernel fake([&](const fake_call& call) { return kernel(call); });
  found out;
  out.id = barebpf::find_replaced_function(program, wanted, out.row);
  return out;
}

constexpr barebpf::static_object<replacement> object;

}  // namespace

TEST_CASE("a function of a program in the kernel is found among its types", "[program_types]") {
  auto kernel = program_with_an_answer();
  CHECK(find(kernel, "answer").id == 5);
  CHECK(find(kernel, "asks").id == 4);
  CHECK(kernel.open == std::set<long>{program_number});
}

TEST_CASE("what another program does not have cannot be replaced in it", "[program_types]") {
  for (const char* wanted : {"answe", "answers", "int", ""}) {
    CAPTURE(wanted);
    auto kernel = program_with_an_answer();
    const found none = find(kernel, wanted);
    CHECK(none.id == 0);
    CHECK(none.row.at == step::find_replaced);
    CHECK(none.row.why == cause::no_replaced_function);
    CHECK(std::string(none.row.subject) == wanted);
  }
  auto untyped = program_with_an_answer();
  untyped.btf_id = 0;
  CHECK(find(untyped, "answer").row.why == cause::no_program_types);
  auto damaged = program_with_an_answer();
  damaged.content[0] = static_cast<unsigned char>(damaged.content[0] ^ 1);
  CHECK(find(damaged, "answer").row.why == cause::bad_btf_header);
  auto closed = program_with_an_answer();
  const found refused = find(closed, "answer", 99);
  CHECK(refused.row.at == step::find_replaced);
  CHECK(refused.row.answer == -EBADFD);
  CHECK_FALSE(barebpf::hint(step::find_replaced, EBADFD).empty());
}

TEST_CASE("whichever call fails, the types of the other program are closed", "[program_types]") {
  for (int fails_at = 0; fails_at < 4; ++fails_at) {
    CAPTURE(fails_at);
    auto kernel = program_with_an_answer();
    kernel.fails_at = fails_at;
    const found none = find(kernel, "answer");
    CHECK(none.id == 0);
    CHECK(none.row.at == step::find_replaced);
    CHECK(none.row.answer == -EPERM);
    CHECK(kernel.open == std::set<long>{program_number});
  }
}

TEST_CASE("a program that replaces a function is loaded with the other program and the function's number",
          "[program_types]") {
  auto kernel = program_with_an_answer();
  fake_kernel fake([&](const fake_call& call) { return kernel(call); });
  {
    const auto loaded = object.load({.replaced = program_number});
    REQUIRE(loaded.has_value());
    CHECK(kernel.loaded.prog_type == static_cast<std::uint32_t>(abi::prog_type::ext));
    CHECK(kernel.loaded.expected_attach_type == 0);
    CHECK(kernel.loaded.attach_btf_id == 5);
    CHECK(kernel.loaded.attach_prog_fd == program_number);
  }
  CHECK(kernel.open == std::set<long>{program_number});
}

TEST_CASE("a program that replaces a function wants to be given the other program", "[program_types]") {
  auto kernel = program_with_an_answer();
  fake_kernel fake([&](const fake_call& call) { return kernel(call); });
  const auto without = object.load();
  REQUIRE_FALSE(without.has_value());
  CHECK(without.error().at == step::prog_load);
  CHECK(without.error().why == cause::no_program_to_replace);
  CHECK(std::string(without.error().name) == "other_answer");
  const auto with_others = object.load(barebpf::load_options{});
  CHECK(with_others.error().why == cause::no_program_to_replace);
  CHECK(kernel.open == std::set<long>{program_number});
}
