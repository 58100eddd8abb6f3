// SPDX-License-Identifier: MIT
// Maps of maps on the running kernel: what they begin with, maps that are exchanged while a program counts in them,
// and what must not stay behind. Each by the compiler's reading and by the program's, with one answer.
#include <string>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "map_in_map.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::fd;
using barebpf::step;
using barebpf::u32;
using barebpf::u64;
using barebpf::untyped_map;

constexpr barebpf::static_object<map_in_map> compiled;
constexpr barebpf::load_policy policies[] = {
    {}, {.oldest_kernel = barebpf::kernel(5, 14)}, {.btf = barebpf::btf_choice::none}};

barebpf::object open_object() {
  auto opened = barebpf::object::open(BAREBPF_TEST_OBJECTS "/map_in_map.bpf.o");
  require(opened);
  return std::move(*opened);
}
untyped_map borrow(const fd& map) { return untyped_map::borrow(map.number(), {}); }

// Takes what differs between the two readings out of the tests.
struct parts {
  const fd &pages, &books, &first, &third, &spare, &book, &spare_book;
  u32& chosen;
  const u64& missing;

  void call(u32 wanted, int times) const {
    chosen = wanted;
    for (int i = 0; i < times; ++i) static_cast<void>(getpgid(0));
  }
};

// Calls `check` with the parts of the object, loaded in every way and attached.
template <class Check>
void with_all_readings(Check check) {
  const auto by_compiler = [&]<barebpf::load_policy Policy>() {
    auto data = compiled.data();
    data.variable<"only_process", u32>() = static_cast<u32>(getpid());
    const auto loaded = compiled.load<Policy>({.data = data.view()});
    require(loaded);
    const auto attached = loaded->template attach<"counts">();
    auto chosen = loaded->template variable<"chosen", u32>();
    auto missing = loaded->template variable<"missing", u64>();
    require(attached);
    check(parts{loaded->template map_descriptor<"pages">(), loaded->template map_descriptor<"books">(),
                loaded->template map_descriptor<"first">(), loaded->template map_descriptor<"third">(),
                loaded->template map_descriptor<"spare">(), loaded->template map_descriptor<"book">(),
                loaded->template map_descriptor<"spare_book">(), **chosen, **missing});
  };
  by_compiler.template operator()<policies[0]>();
  by_compiler.template operator()<policies[1]>();
  by_compiler.template operator()<policies[2]>();

  const barebpf::object object = open_object();
  auto data = object.data();
  require(data);
  **data->variable<u32>("only_process") = static_cast<u32>(getpid());
  const auto loaded = object.load({.data = data->view()});
  require(loaded);
  const auto attached = loaded->attach("counts");
  auto chosen = loaded->variable<u32>("chosen");
  auto missing = loaded->variable<u64>("missing");
  require(attached);
  check(parts{**loaded->map_descriptor("pages"), **loaded->map_descriptor("books"),
              **loaded->map_descriptor("first"), **loaded->map_descriptor("third"),
              **loaded->map_descriptor("spare"), **loaded->map_descriptor("book"),
              **loaded->map_descriptor("spare_book"), **chosen, **missing});
}

// The kernel's number of the map in a slot, 0 for none.
u32 id_in(const fd& outer, u32 slot) {
  u32 id = 0;
  return borrow(outer).lookup_elem(&slot, &id) < 0 ? 0 : id;
}
u64 value_of(const fd& map, u32 key) {
  u64 value = 0;
  return borrow(map).lookup_elem(&key, &value) < 0 ? 0 : value;
}
long put(const fd& outer, u32 slot, const fd& inner) {
  const u32 number = inner.raw();
  return borrow(outer).update_elem(&slot, &number, 0);
}

}  // namespace

TEST_CASE("array_of_maps: begins with what values says, and a program counts in what is exchanged",
          "[needs 5.14]") {
  const int before = open_descriptors();
  with_all_readings([](const parts& of) {
    CHECK(id_in(of.pages, 0) == kernel_id(of.first));
    CHECK(id_in(of.pages, 1) == 0);
    CHECK(id_in(of.pages, 2) == kernel_id(of.third));
    CHECK(id_in(of.pages, 3) == 0);

    of.call(0, 3);
    of.call(2, 5);
    CHECK(value_of(of.first, 0) == 3);
    CHECK(value_of(of.third, 0) == 5);

    CHECK(put(of.pages, 2, of.spare) == 0);
    CHECK(id_in(of.pages, 2) == kernel_id(of.spare));
    of.call(2, 7);
    CHECK(value_of(of.third, 0) == 5);
    CHECK(value_of(of.spare, 0) == 7);

    const u64 missing = of.missing;
    const u32 second = 2;
    CHECK(borrow(of.pages).delete_elem(&second) == 0);
    of.call(2, 1);
    CHECK(of.missing == missing + 1);
    CHECK(put(of.pages, 4, of.spare) == -E2BIG);
    CHECK(put(of.pages, 1, of.book) == -EINVAL);
    CHECK(id_in(of.pages, 1) == 0);
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("hash_of_maps: begins with what values says, and a program counts in what is exchanged",
          "[needs 5.14]") {
  const int before = open_descriptors();
  with_all_readings([](const parts& of) {
    CHECK(id_in(of.books, 2) == kernel_id(of.book));
    CHECK(id_in(of.books, 0) == 0);

    of.call(2, 3);
    CHECK(value_of(of.book, 2) == 3);
    CHECK(put(of.books, 2, of.spare_book) == 0);
    of.call(2, 4);
    CHECK(value_of(of.book, 2) == 3);
    CHECK(value_of(of.spare_book, 2) == 4);

    CHECK(put(of.books, 1000, of.book) == 0);
    of.call(1000, 2);
    CHECK(value_of(of.book, 1000) == 2);
    CHECK(of.missing == 2);  // the array has no such page
    CHECK(put(of.books, 3, of.first) == -EINVAL);
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("array_of_maps: a map that is unlike the pattern is refused by name, and nothing stays") {
  const int before = open_descriptors();
  const auto check = [](const barebpf::error& why) {
    CHECK(why.at == step::map_update_elem);
    CHECK(why.code == EINVAL);
    CHECK(why.why == cause::unfit_inner_map);
    CHECK(std::string(why.name) == "pages");
  };
  const barebpf::map_change change[] = {compiled.change<"third">({.max_entries = 2})};
  const auto by_compiler = compiled.load({.maps = change});
  const barebpf::object object = open_object();
  const auto by_program = object.load({.maps = change});

  REQUIRE_FALSE(by_compiler.has_value());
  REQUIRE_FALSE(by_program.has_value());
  check(by_compiler.error());
  check(by_program.error());
  CHECK(open_descriptors() == before);
}

TEST_CASE("array_of_maps: one that was there before keeps what is in it") {
  const auto first = compiled.load();
  require(first);
  const fd& there = first->map_descriptor<"pages">();
  const u32 third = 2;
  REQUIRE(put(there, 0, first->map_descriptor<"spare">()) == 0);
  REQUIRE(borrow(there).delete_elem(&third) == 0);
  const barebpf::map_change change[] = {compiled.change<"pages">({.replacement = there.number()})};

  const auto second = compiled.load({.maps = change});

  require(second);
  CHECK(kernel_id(second->map_descriptor<"pages">()) == kernel_id(there));
  CHECK(id_in(there, 0) == kernel_id(first->map_descriptor<"spare">()));
  CHECK(id_in(there, 2) == 0);
}
