// SPDX-License-Identifier: MIT
#include <cerrno>

#include "support/catch.hpp"
#include "support/library.hpp"
#include "support/object_builder.hpp"

TEST_CASE("what an errno says of an element depends on the type of its map", "[refusal]") {
  using barebpf::cause;
  using barebpf::map_type;
  using barebpf::step;
  const auto why = [](map_type type, step at, int code) {
    return why_refused_element(barebpf::kind_of(type), at, code);
  };
  static_assert(why_refused_element(barebpf::kind_of(map_type::array), step::map_update_elem, E2BIG) ==
                cause::no_such_slot);

  CHECK(why(map_type::array, step::map_lookup_elem, ENOENT) == cause::no_such_slot);
  CHECK(why(map_type::percpu_array, step::map_update_batch, E2BIG) == cause::no_such_slot);
  CHECK(why(map_type::prog_array, step::map_lookup_elem, ENOENT) == cause::empty_slot);
  CHECK(why(map_type::prog_array, step::map_delete_elem, E2BIG) == cause::no_such_slot);
  CHECK(why(map_type::cpumap, step::map_delete_elem, EINVAL) == cause::empty_slot);
  CHECK(why(map_type::stack_trace, step::map_lookup_and_delete_elem, ENOENT) == cause::no_such_stack);
  CHECK(why(map_type::sockhash, step::map_update_elem, EOPNOTSUPP) == cause::unfit_socket);
  CHECK(why(map_type::cpumap, step::map_update_elem, EINVAL) == cause::unfit_cpu_program);
  CHECK(why(map_type::xskmap, step::map_update_elem, ENOBUFS) == cause::unfit_xsk);
  CHECK(why(map_type::reuseport_sockarray, step::map_update_elem, EINVAL) == cause::not_in_a_group);
  CHECK(why(map_type::hash_of_maps, step::map_update_batch, EINVAL) == cause::unfit_inner_map);
  // What means the same on every map is left to the sentences of the steps.
  CHECK(why(map_type::sockhash, step::map_lookup_elem, ENOENT) == cause::none);
  CHECK(why(map_type::hash, step::map_update_elem, E2BIG) == cause::none);
  CHECK(why(map_type::prog_array, step::map_create, EINVAL) == cause::none);
  CHECK(why(map_type::unspec, step::map_update_elem, EINVAL) == cause::none);
}

TEST_CASE("only types with a sentence of their own are asked why an element was refused", "[refusal]") {
  using barebpf::map_type;
  CHECK(explains_elements(barebpf::kind_of(map_type::array)));
  CHECK(explains_elements(barebpf::kind_of(map_type::sockhash)));
  CHECK(explains_elements(barebpf::kind_of(map_type::lpm_trie)));
  for (const map_type type : {map_type::hash, map_type::lru_percpu_hash, map_type::queue, map_type::stack,
                              map_type::bloom_filter, map_type::ringbuf, map_type::arena})
    CHECK_FALSE(explains_elements(barebpf::kind_of(type)));
}

TEST_CASE("every row of refused elements is the first for something", "[refusal]") {
  for (const auto& row : barebpf::detail::element_refusals) {
    CAPTURE(to_string(barebpf::cause_sentence(row.why)), row.code);
    bool is_found = false;
    for (const barebpf::map_kind& kind : barebpf::map_kinds) {
      if (!barebpf::detail::is_about(row, kind)) continue;
      for (unsigned number = 1; number < 28; ++number) {
        const auto at = static_cast<barebpf::step>(number);
        const bool is_asked = (row.operations & barebpf::detail::operation_of(at)) != 0;
        is_found = is_found || (is_asked && why_refused_element(kind, at, row.code) == row.why);
      }
    }
    CHECK(is_found);
  }
}
