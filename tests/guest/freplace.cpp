// SPDX-License-Identifier: MIT
// Programs that stand in for a function of another program, in a kernel that allows it.
#include "../support/live.hpp"
#include "replaceable.bpf.hpp"
#include "replacement.bpf.hpp"
#include "replaces_nothing.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::step;

constexpr barebpf::static_object<replaceable> target;
constexpr barebpf::static_object<replacement> object;
constexpr barebpf::static_object<replaces_nothing> misspelt;

std::uint32_t asked(const barebpf::fd& program) {
  const unsigned char packet[64] = {};
  return must(barebpf::test_run(program, {.data = packet})).value;
}

}  // namespace

TEST_CASE("freplace, a function of another program is replaced, and comes back",
          "[guest][needs trampolines]") {
  const auto first = must(target.load());
  const barebpf::fd& program = first.program<"asks">();
  CHECK(asked(program) == 42);

  const auto second = must(object.load({.replaced = program.number()}));
  CHECK(asked(program) == 42);  // not before it is attached
  barebpf::link attached = must(second.attach<"other_answer">());
  CHECK(must(attached.info()).type == barebpf::abi::link_type::tracing);
  CHECK(asked(program) == 63);
  CHECK(*must(second.variable<"replaced_calls", std::uint64_t>()) == 1);
  CHECK(*must(first.variable<"questions", std::uint64_t>()) == 3);

  attached.detach();
  CHECK(asked(program) == 42);
  CHECK(*must(second.variable<"replaced_calls", std::uint64_t>()) == 1);
}

TEST_CASE("freplace, an object that is read at run time replaces in the same way",
          "[guest][needs trampolines]") {
  const auto first = must(target.load());
  const barebpf::fd& program = first.program<"asks">();
  const auto file = must(barebpf::object::open(replacement, sizeof replacement));
  const auto second = must(file.load({.replaced = program.number()}));
  const barebpf::link attached = must(second.attach("other_answer"));
  CHECK(asked(program) == 63);
}

TEST_CASE("freplace, what is missing is said", "[guest]") {
  const auto first = must(target.load());
  CHECK(object.load().error().why == cause::no_program_to_replace);
  const auto refused = misspelt.load({.replaced = first.program<"asks">().number()});
  CHECK(refused.error().why == cause::no_replaced_function);
  CHECK(barebpf::text(refused.error().name) == barebpf::text("no_such_answer"));
  const auto closed = object.load({.replaced = 1000});
  const int code = closed.error().code;  // which of the two depends on the kernel
  CHECK(is_explained(closed.error(), step::find_replaced, code == EBADF ? EBADF : EBADFD));

  constexpr barebpf::load_policy untyped{.btf = barebpf::btf_choice::none};
  const auto bare = must(target.load<untyped>());
  const auto without = object.load({.replaced = bare.program<"asks">().number()});
  CHECK(without.error().why == cause::no_program_types);
}
