// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/fake_machine.hpp"
#include "support/library.hpp"

using barebpf::cause;
using barebpf::outcome;
using barebpf::step;
using names = std::vector<std::string>;

namespace {

constexpr std::uint64_t cap_net_admin = 1ull << 12, cap_sys_admin = 1ull << 21, cap_perfmon = 1ull << 38,
                        cap_bpf = 1ull << 39;

}  // namespace

TEST_CASE("a row remembers the step it is at and what that came to", "[outcome]") {
  outcome row;
  CHECK_FALSE(row.failed());

  CHECK_FALSE(row.fails(step::map_create, 7));
  CHECK(row.at == step::map_create);
  CHECK(row.answer == 7);
  CHECK_FALSE(row.failed());

  CHECK_FALSE(row.fails(step::open_event, 0));
  CHECK(row.at == step::open_event);

  CHECK(row.fails(step::prog_load, -EINVAL));
  CHECK(row.at == step::prog_load);
  CHECK(row.answer == -22);
  CHECK(row.failed());
}

TEST_CASE("the error of a row has its step, errno, cause and subject", "[outcome]") {
  const fake_machine machine;
  const outcome row{.answer = -EACCES,
                    .at = step::prog_load,
                    .why = cause::refused_by_verifier,
                    .subject = "count_getpgid_c"};

  const barebpf::error error = barebpf::to_error(row);

  CHECK(error.at == step::prog_load);
  CHECK(error.code == 13);
  CHECK(error.why == cause::refused_by_verifier);
  CHECK(error.offset == 0);
  CHECK(std::string(error.name) == "count_getpgid_c");
  CHECK(machine.names() == names{});
}

TEST_CASE("a row can be refused before any call, and its error has no errno", "[outcome]") {
  const fake_machine machine;
  outcome row;

  row.refuse(step::find, cause::foreign_data);

  CHECK(row.failed());
  const barebpf::error error = barebpf::to_error(row);
  CHECK(error.at == step::find);
  CHECK(error.why == cause::foreign_data);
  CHECK(error.code == 0);
  CHECK(std::string(error.name).empty());
  CHECK(machine.names() == names{});
}

TEST_CASE("a subject that is too long is cut to 47 characters", "[outcome]") {
  const outcome row{.answer = -ENOENT,
                    .at = step::find_tracepoint,
                    .subject = "0123456789012345678901234567890123456789012345678901234567890"};

  const barebpf::error error = barebpf::to_error(row);

  CHECK(std::string(error.name) == "01234567890123456789012345678901234567890123456");
}

TEST_CASE("EPERM of what needs a capability asks which one is missing", "[outcome]") {
  fake_machine machine;
  machine.capabilities = 0;

  for (const step at : {step::map_create, step::prog_load, step::btf_load})
    CHECK(barebpf::to_error({.answer = -EPERM, .at = at}).why == cause::needs_cap_bpf);

  CHECK(machine.names() == names{"capget", "capget", "capget"});
}

TEST_CASE("EPERM of other steps asks nothing", "[outcome]") {
  fake_machine machine;
  machine.capabilities = 0;

  for (const step at : {step::map_lookup_elem, step::link_create, step::open_event, step::mount_tracefs,
                        step::find_tracepoint, step::set_event_program})
    CHECK(barebpf::to_error({.answer = -EPERM, .at = at}).why == cause::none);

  CHECK(machine.names() == names{});
}

TEST_CASE("other errors than EPERM ask nothing", "[outcome]") {
  fake_machine machine;
  machine.capabilities = 0;

  for (const long answer : {-EACCES, -EINVAL, -ENOMEM})
    CHECK(barebpf::to_error({.answer = answer, .at = step::map_create}).why == cause::none);

  CHECK(machine.names() == names{});
}

TEST_CASE("what is needed beside CAP_BPF depends on the type of the map or program", "[outcome]") {
  fake_machine machine;
  using barebpf::map_type;
  using barebpf::abi::prog_type;
  const auto map = [](map_type type) {
    const auto needed = barebpf::capabilities_for_map(static_cast<std::uint32_t>(type));
    return barebpf::to_whole_error({.answer = -EPERM, .at = step::map_create, .needed = needed}).why;
  };
  const auto program = [](prog_type type) {
    const auto needed = barebpf::capabilities_for_program(static_cast<std::uint32_t>(type));
    return barebpf::to_whole_error({.answer = -EPERM, .at = step::prog_load, .needed = needed}).why;
  };

  machine.capabilities = cap_bpf;
  CHECK(map(map_type::hash) == cause::none);
  CHECK(map(map_type::devmap) == cause::needs_cap_net_admin);
  CHECK(map(map_type::sockhash) == cause::needs_cap_net_admin);
  CHECK(program(prog_type::socket_filter) == cause::none);
  CHECK(program(prog_type::tracepoint) == cause::needs_cap_perfmon);
  CHECK(program(prog_type::xdp) == cause::needs_cap_net_admin);
  CHECK(program(prog_type::ext) == cause::needs_cap_perfmon);
  CHECK(program(static_cast<prog_type>(64)) == cause::none);
  // The short form knows of fewer reasons.
  CHECK(barebpf::to_error({.answer = -EPERM, .at = step::prog_load, .needed = barebpf::for_network}).why ==
        cause::none);

  machine.capabilities = cap_bpf | cap_perfmon;
  CHECK(program(prog_type::tracepoint) == cause::none);
  CHECK(program(prog_type::ext) == cause::needs_cap_net_admin);
  machine.capabilities = cap_bpf | cap_perfmon | cap_net_admin;
  CHECK(program(prog_type::ext) == cause::none);
  CHECK(map(map_type::devmap) == cause::none);
}

TEST_CASE("only tracing programs need CAP_PERFMON", "[outcome]") {
  fake_machine machine;
  machine.capabilities = cap_bpf;

  CHECK(barebpf::to_error({.answer = -EPERM, .at = step::map_create}).why == cause::none);
  CHECK(barebpf::to_error({.answer = -EPERM, .at = step::btf_load}).why == cause::none);
  CHECK(barebpf::to_error({.answer = -EPERM, .at = step::prog_load}).why == cause::none);
  CHECK(barebpf::to_error({.answer = -EPERM, .at = step::prog_load, .needed = barebpf::for_tracing}).why ==
        cause::needs_cap_perfmon);
}

TEST_CASE("the missing capability is found from the effective set alone", "[outcome]") {
  fake_machine machine;

  machine.capabilities = 0;
  CHECK(barebpf::missing_capability(0) == cause::needs_cap_bpf);
  CHECK(barebpf::missing_capability(barebpf::for_tracing) == cause::needs_cap_bpf);

  machine.capabilities = cap_perfmon;
  CHECK(barebpf::missing_capability(0) == cause::needs_cap_bpf);
  CHECK(barebpf::missing_capability(barebpf::for_tracing) == cause::needs_cap_bpf);

  machine.capabilities = ~(cap_bpf | cap_sys_admin);
  CHECK(barebpf::missing_capability(barebpf::for_tracing) == cause::needs_cap_bpf);

  machine.capabilities = cap_bpf;
  CHECK(barebpf::missing_capability(0) == cause::none);
  CHECK(barebpf::missing_capability(barebpf::for_tracing) == cause::needs_cap_perfmon);

  machine.capabilities = cap_bpf | cap_perfmon;
  CHECK(barebpf::missing_capability(barebpf::for_tracing) == cause::none);

  machine.capabilities = cap_sys_admin;
  CHECK(barebpf::missing_capability(0) == cause::none);
  CHECK(barebpf::missing_capability(barebpf::for_tracing) == cause::none);
}

TEST_CASE("in a user namespace it is said that capabilities alone allow nothing", "[outcome]") {
  fake_machine machine;
  machine.user_namespace = "user:[4026532300]";

  for (const step at : {step::map_create, step::prog_load, step::btf_load})
    CHECK(barebpf::to_whole_error({.answer = -EPERM, .at = at}).why == cause::in_user_namespace);
  for (const long answer : {-EACCES, -EINVAL, -ENOMEM})
    CHECK(barebpf::to_whole_error({.answer = answer, .at = step::map_create}).why == cause::none);
  CHECK(barebpf::to_whole_error({.answer = -EPERM, .at = step::link_create}).why == cause::none);
  machine.capabilities = 0;  // which even a token does not do without
  CHECK(barebpf::to_whole_error({.answer = -EPERM, .at = step::map_create}).why == cause::needs_cap_bpf);
  CHECK(machine.all("readlinkat").size() == 3);

  machine.capabilities = cap_sys_admin;
  machine.refusals["readlinkat"] = {ENOENT};
  CHECK(barebpf::to_whole_error({.answer = -EPERM, .at = step::map_create}).why == cause::none);
}

TEST_CASE("where capget is refused, no capability is blamed", "[outcome]") {
  fake_machine machine;
  machine.capabilities = 0;
  machine.refusals["capget"] = {ENOSYS};

  const barebpf::error error = barebpf::to_error({.answer = -EPERM, .at = step::prog_load});

  CHECK(error.why == cause::none);
  CHECK(error.code == 1);
}
