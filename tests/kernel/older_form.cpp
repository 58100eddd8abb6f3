// SPDX-License-Identifier: MIT
// Maps as they were defined before BTF described them, on the running kernel, by the compiler's reading and by the
// program's.
#include <string>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "older_form.bpf.hpp"

namespace {

using barebpf::fd;
using barebpf::u32;
using barebpf::u64;

constexpr barebpf::static_object<older_form> compiled;

u64 value_in(const fd& map, u32 key) {
  u64 value = 0;
  return barebpf::untyped_map::borrow(map.number(), {}).lookup_elem(&key, &value) < 0 ? 0 : value;
}

void check_run(const fd& program, const fd& lengths, const fd& total, const fd& by_mark, const fd& own) {
  const unsigned char packet[100] = {};
  const auto ran = barebpf::test_run(program, {.data = packet, .repeat = 3});
  require(ran);
  CHECK(ran->value == 3);
  CHECK(value_in(lengths, 100) == 1);
  CHECK(value_in(total, 0) == 0);
  CHECK(value_in(total, 1) == 300);
  CHECK(value_in(by_mark, 2) == 60);
  CHECK(value_in(own, 3) == 900);
}

}  // namespace

TEST_CASE("maps of the older form are created and found by programs") {
  const int before = open_descriptors();
  {
    const auto loaded = compiled.load();
    require(loaded);
    check_run(loaded->program<"counts">(), loaded->map_descriptor<"lengths">(),
              loaded->map_descriptor<"total">(), loaded->map_descriptor<"by_mark">(),
              loaded->map_descriptor<"own">());
    CHECK(loaded->map_descriptor<"lengths">().is_open());

    const auto object = barebpf::object::open(BAREBPF_TEST_OBJECTS "/older_form.bpf.o");
    require(object);
    const auto read = object->load();
    require(read);
    check_run(**read->program("counts"), **read->map_descriptor("lengths"), **read->map_descriptor("total"),
              **read->map_descriptor("by_mark"), **read->map_descriptor("own"));
    const auto typed = read->map<barebpf::hash_map<u32, u64>>("lengths");
    require(typed);
    const auto info = typed->info();
    require(info);
    CHECK(info->max_entries == 8);
    CHECK(info->map_flags == barebpf::map_flag::no_prealloc);
    CHECK(read->map<barebpf::hash_map<u32, u32>>("lengths").error().why == barebpf::cause::wrong_value_size);
  }
  CHECK(open_descriptors() == before);
}
