// SPDX-License-Identifier: MIT
// Programs on many functions at once that the kernel's types describe, in a kernel that has them.
#include <sys/epoll.h>

#include "../support/live.hpp"
#include "../support/network.hpp"
#include "function_lists.bpf.hpp"

namespace {

using barebpf::attach_way;
using barebpf::cause;
using barebpf::function_list;
using barebpf::named_place;
using barebpf::step;

constexpr barebpf::static_object<function_lists> object;

struct call {
  std::uint64_t cookie;
  std::uint64_t argument;
  std::uint64_t arguments;
  std::uint64_t result;
};

template <barebpf::name Name>
auto load_with() {
  const barebpf::program_change with[] = {object.change_program<Name>({.load = true})};
  return must(object.load({.programs = with}));
}

// What a program remembered when the kernel called its own bpf_fentry_test1 and so on, without the pointers.
template <barebpf::name Name, class Loaded>
std::vector<std::vector<std::uint64_t>> calls_of(const Loaded& loaded) {
  auto count = must(loaded.template variable<"count", std::uint64_t>());
  *count = 0;
  CHECK(must(barebpf::test_run(loaded.template program<Name>(), {})).value == 0);
  const auto calls = must(loaded.template variable<"calls", call[64]>());
  std::vector<std::vector<std::uint64_t>> out;
  for (std::size_t i = 0; i < *count && i < 64; ++i) {
    const call& one = (*calls)[i];
    if (one.argument < 100) out.push_back({one.cookie, one.argument, one.arguments, one.result});
  }
  return out;
}
using rows = std::vector<std::vector<std::uint64_t>>;

template <class Attached>
void check_refused(const Attached& attached, step at, int code, cause why, const char* about) {
  REQUIRE_FALSE(attached.has_value());
  CHECK(attached.error().at == at);
  CHECK(attached.error().code == code);
  CHECK(attached.error().why == why);
  CHECK(std::string(attached.error().name) == about);
}

constexpr barebpf::text first_and_last[] = {"bpf_fentry_test6", "bpf_fentry_test1"};

}  // namespace

TEST_CASE("fentry.multi, all functions that a pattern names, with a cookie",
          "[guest][needs 7.2][needs hooks][needs lists]") {
  const auto loaded = load_with<"begins">();
  barebpf::link attached = must(loaded.attach<"begins">(barebpf::cookie{8}));
  CHECK(attached.info()->type == barebpf::abi::link_type::tracing_multi);
  CHECK(is_explained(attached.update(loaded.program<"begins">()).error(), step::link_update, EINVAL));
  CHECK(is_explained(attached.force_detach().error(), step::link_detach, EOPNOTSUPP));
  const rows seen = calls_of<"begins">(loaded);
  REQUIRE(seen.size() == 7);
  CHECK(seen[0] == rows::value_type{8, 1, 1, 0});
  CHECK(seen[5] == rows::value_type{8, 16, 6, 0});
  attached.detach();
  CHECK(calls_of<"begins">(loaded).empty());
  const barebpf::link again = must(loaded.attach<"begins">(named_place{"bpf_fentry_test2"}));
  CHECK(calls_of<"begins">(loaded) == rows{{0, 2, 2, 0}});
}

TEST_CASE("fexit.multi, the ends of all functions that a pattern names",
          "[guest][needs 7.2][needs hooks][needs lists]") {
  const auto loaded = load_with<"ends">();
  const barebpf::link attached = must(loaded.attach<"ends">());
  const rows seen = calls_of<"ends">(loaded);
  REQUIRE(seen.size() == 7);
  CHECK(seen[0] == rows::value_type{0, 1, 1, 2});
  CHECK(seen[5] == rows::value_type{0, 16, 6, 111});
}

TEST_CASE("fsession.multi, a program runs at both ends of functions",
          "[guest][needs 7.2][needs hooks][needs lists]") {
  const auto loaded = load_with<"both">();
  constexpr std::uint64_t cookies[] = {60, 10};
  const barebpf::link attached =
      must(loaded.attach<"both">(function_list{.names = first_and_last, .cookies = cookies}));
  CHECK(calls_of<"both">(loaded) == rows{{10, 1, 1, 0}, {10, 1, 1, 2}, {60, 16, 6, 0}, {60, 16, 6, 111}});
}

TEST_CASE("fentry.multi, a list of functions by their names or ids, each with a cookie",
          "[guest][needs 7.2][needs hooks][needs lists]") {
  const auto loaded = load_with<"of_a_list">();
  constexpr std::uint64_t cookies[] = {60, 10};
  {
    const barebpf::link by_name =
        must(loaded.attach<"of_a_list">(function_list{.names = first_and_last, .cookies = cookies}));
    CHECK(calls_of<"of_a_list">(loaded) == rows{{10, 1, 1, 2}, {60, 16, 6, 111}});
  }
  std::vector<std::uint32_t> ids;
  barebpf::outcome row;
  barebpf::kernel_types kernel;
  REQUIRE(kernel.open(row));
  for (const barebpf::text name : first_and_last)
    ids.push_back(kernel.types().find(barebpf::abi::btf_kind::function, name).id);
  const barebpf::link by_id = must(loaded.attach<"of_a_list">(function_list{.ids = ids, .cookies = cookies}));
  CHECK(calls_of<"of_a_list">(loaded) == rows{{10, 1, 1, 2}, {60, 16, 6, 111}});
  check_refused(loaded.attach<"of_a_list">(function_list{.ids = ids}), step::link_create, EBUSY, cause::none,
                "of_a_list");
  ids.push_back(ids[0]);
  check_refused(loaded.attach<"of_a_list">(function_list{.ids = ids}), step::link_create, EINVAL,
                cause::bad_function_list, "of_a_list");
}

TEST_CASE("fentry.multi, an object that is read at run time is attached in the same way",
          "[guest][needs 7.2][needs hooks][needs lists]") {
  const auto file = must(barebpf::object::open(function_lists, sizeof function_lists));
  const barebpf::program_change with[] = {must(file.change_program("begins", {.load = true}))};
  const auto loaded = must(file.load({.programs = with}));
  constexpr std::uint64_t cookies[] = {6, 1};
  const barebpf::link one =
      must(loaded.attach("begins", function_list{.names = first_and_last, .cookies = cookies}));
  const barebpf::fd& program = *must(loaded.program("begins"));
  CHECK(must(barebpf::test_run(program, {})).value == 0);
  CHECK(*must(loaded.variable<std::uint64_t>("count")) == 2);
  check_refused(loaded.attach("begins", barebpf::interface{1}), step::find, 0, cause::takes_functions,
                "begins");
}

TEST_CASE("fentry.multi, what the kernel refuses of a pattern is left out, and of a list it is named",
          "[guest][needs 7.2][needs hooks][needs lists]") {
  const auto loaded = load_with<"ends">();
  const auto list = [&](barebpf::text name) {
    const barebpf::text names[] = {"bpf_fentry_test1", name};
    return loaded.attach<"ends">(function_list{.names = names});
  };
  check_refused(list("do_exit"), step::link_create, EINVAL, cause::unfit_function, "do_exit");  // never ends
  check_refused(list("_printk"), step::link_create, EINVAL, cause::unfit_function, "_printk");  // "%d", 1
  check_refused(list("start_kernel"), step::link_create, ENOENT, cause::untraceable_function, "start_kernel");
  check_refused(list("bpf_fentry_test1"), step::find_kernel_type, 0, cause::bad_function_list,
                "bpf_fentry_test1");
  check_refused(list("bpf_fentry_tests1"), step::find_kernel_type, 0, cause::no_kernel_function,
                "bpf_fentry_tests1 (bpf_fentry_test1?)");
  check_refused(loaded.attach<"ends">(named_place{"do_exit"}), step::link_create, EINVAL,
                cause::unfit_function, "do_exit");
  check_refused(loaded.attach<"ends">(named_place{"barebpf_no_such_*"}), step::find_traceable, 0,
                cause::nothing_fits, "barebpf_no_such_*");
  check_refused(loaded.attach<"ends">(named_place{"make_task_dea?"}), step::link_create, EINVAL,
                cause::unfit_function, "make_task_dea?");
  check_refused(loaded.attach<"ends">(function_list{}), step::find, 0, cause::bad_function_list, "ends");
  CHECK(calls_of<"ends">(loaded).empty());

  // __x64_sys_exit and __x64_sys_exit_group never end, and the others do.
  const barebpf::link attached = must(loaded.attach<"ends">(named_place{"__x64_sys_e*"}));
  auto count = must(loaded.variable<"count", std::uint64_t>());
  *count = 0;
  CHECK(barebpf::fd::own(epoll_create1(EPOLL_CLOEXEC)).is_open());
  CHECK(*count == 1);
}

TEST_CASE("fentry.multi.s, programs that may sleep at functions that let them",
          "[guest][needs 7.2][needs hooks][needs lists]") {
  const auto loaded = load_with<"may_sleep">();
  check_refused(loaded.attach<"may_sleep">(named_place{"vfs_rea?"}), step::link_create, EINVAL,
                cause::unfit_function, "vfs_rea?");
  const barebpf::link attached = must(loaded.attach<"may_sleep">());
  CHECK(calls_of<"may_sleep">(loaded) == rows{{0, 1, 1, 0}});
  const barebpf::link more = must(loaded.attach<"may_sleep">(named_place{"__x64_sys_epoll_c*"}));
  auto count = must(loaded.variable<"count", std::uint64_t>());
  *count = 0;
  CHECK(barebpf::fd::own(epoll_create1(EPOLL_CLOEXEC)).is_open());
  CHECK(*count == 1);
}

TEST_CASE("fentry.multi, the functions of a module", "[guest][needs 7.2][needs hooks][needs lists]") {
  const auto loaded = load_with<"of_a_module">();
  const two_hosts hosts;
  {
    const barebpf::link attached = must(loaded.attach<"of_a_module">());
    CHECK(hosts.arrives());
    CHECK(*must(loaded.variable<"packets", std::uint64_t>()) >= 1);
  }
  constexpr barebpf::text names[] = {"veth_open"};
  const barebpf::link opens = must(loaded.attach<"of_a_module">(function_list{.names = names}));
  check_refused(loaded.attach<"of_a_module">(named_place{"bpf_fentry_test1"}), step::link_create, ENOENT,
                cause::loaded_for_others, "of_a_module");
  check_refused(loaded.attach<"of_a_module">(named_place{"barebpf_none:veth_*"}), step::find_kernel_type, 0,
                cause::no_such_module, "barebpf_none");

  const barebpf::program_change with[] = {
      object.change_program<"of_a_module">({.load = true, .section = "fentry.multi/barebpf_none:veth_*"})};
  check_refused(object.load({.programs = with}), step::find_kernel_type, 0, cause::no_such_module,
                "barebpf_none:veth_*");
  const auto of_kernel = load_with<"begins">();
  check_refused(of_kernel.attach<"begins">(named_place{"veth:veth_*"}), step::link_create, EINVAL,
                cause::loaded_for_others, "begins");
}
