// SPDX-License-Identifier: MIT
// The table of map types against the running kernel: what it allows is created, what it forbids is refused, for every
// type, size rule, entries rule and flag; and what was refused explains itself.
#include <string>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/map_objects.hpp"

namespace {

using barebpf::cause;
using barebpf::entries_rule;
using barebpf::key_rule;
using barebpf::map_flag;
using barebpf::map_kind;
using barebpf::map_type;
using barebpf::value_rule;
using barebpf::abi::map_create;

std::string name_of(const map_kind& kind) { return {kind.type_name.data(), kind.type_name.size()}; }

// What the kernel says to a map, which goes at once.
long answer_to(const map_create& attr) {
  const barebpf::fd made = barebpf::fd::own(barebpf::create_map(attr));
  return made.is_open() ? 0 : made.number();
}

// Types that are made otherwise: of a struct_ops the kernel wants one of its own types.
bool is_made_by_size(const map_kind& kind) { return kind.value != value_rule::kernel_type; }

// Refused by the kernel, and the table says why.
void check_refused(const map_create& attr, cause why) {
  const long answer = answer_to(attr);
  CHECK(answer < 0);
  CHECK(barebpf::why_refused(attr) == why);
  CHECK(barebpf::explain_refusal(attr, answer) == why);
}

}  // namespace

TEST_CASE("every map type is created as its row says", "[kinds]") {
  for (const map_kind& kind : barebpf::map_kinds) {
    CAPTURE(name_of(kind));
    if (!is_made_by_size(kind)) continue;
    const map_create attr = smallest_map(kind);
    CHECK(barebpf::why_refused(attr) == cause::none);
    const long answer = answer_to(attr);
    if (is_known_here(kind)) {
      CHECK(answer == 0);
    } else {
      CHECK(answer == answer_without(kind));
      CHECK(barebpf::explain_refusal(attr, answer) == cause_without(kind));
    }
  }
}

TEST_CASE("a size or a count that a row forbids is refused and explained", "[kinds]") {
  for (const map_kind& kind : barebpf::map_kinds) {
    CAPTURE(name_of(kind));
    if (!is_made_by_size(kind) || !is_known_here(kind)) continue;
    const auto with = [&](auto change) {
      map_create attr = smallest_map(kind);
      change(attr);
      return attr;
    };
    check_refused(with([&](map_create& a) { a.key_size = kind.key == key_rule::none ? 4 : 0; }),
                  cause::bad_key_size);
    if (kind.key == key_rule::index || kind.key == key_rule::descriptor || kind.key == key_rule::ifindex)
      for (const barebpf::u32 size : {2u, 8u})
        check_refused(with([&](map_create& a) { a.key_size = size; }), cause::bad_key_size);
    if (kind.key == key_rule::prefix)
      for (const barebpf::u32 size : {4u, 261u})
        check_refused(with([&](map_create& a) { a.key_size = size; }), cause::bad_key_size);
    check_refused(with([&](map_create& a) { a.value_size = kind.value == value_rule::none ? 8 : 0; }),
                  cause::bad_value_size);
    switch (kind.value) {
      case value_rule::program:
      case value_rule::map:
      case value_rule::event:
      case value_rule::cgroup:
      case value_rule::xsk:
        check_refused(with([&](map_create& a) { a.value_size = 8; }), cause::bad_value_size);
        break;
      case value_rule::socket:
      case value_rule::device:
      case value_rule::cpu:
        CHECK(answer_to(with([&](map_create& a) { a.value_size = 8; })) == 0);
        check_refused(with([&](map_create& a) { a.value_size = 12; }), cause::bad_value_size);
        break;
      case value_rule::per_cpu:
        // Before 5.15 values of cgroups were a page at most.
        if (kind.type != barebpf::map_type::percpu_cgroup_storage ||
            barebpf::running_kernel() >= barebpf::kernel(5, 15))
          CHECK(answer_to(with([&](map_create& a) { a.value_size = 32768; })) == 0);
        check_refused(with([&](map_create& a) { a.value_size = 32769; }), cause::bad_value_size);
        break;
      case value_rule::stack:
        check_refused(with([&](map_create& a) { a.value_size = 12; }), cause::bad_value_size);
        check_refused(with([&](map_create& a) {
                        a.value_size = 40;
                        a.map_flags = map_flag::stack_build_id;
                      }),
                      cause::bad_value_size);
        break;
      default:
        break;
    }
    switch (kind.entries) {
      case entries_rule::zero:
        check_refused(with([&](map_create& a) { a.max_entries = 1; }), cause::entries_not_wanted);
        break;
      case entries_rule::ring_size:
        for (const barebpf::u32 size : {0u, 2048u, 4097u, 12288u})
          check_refused(with([&](map_create& a) { a.max_entries = size; }), cause::bad_ring_size);
        break;
      default:
        check_refused(with([&](map_create& a) { a.max_entries = 0; }), cause::no_entries);
    }
    if (kind.btf == barebpf::btf_rule::required)
      check_refused(with([&](map_create& a) { a.btf_value_type_id = a.btf_key_type_id = a.btf_fd = 0; }),
                    cause::missing_map_types);
    if (kind.value == value_rule::map)
      check_refused(with([&](map_create& a) { a.inner_map_fd = 0; }), cause::missing_inner_map);
  }
}

TEST_CASE("every flag is taken or refused by every map type as its row says", "[kinds]") {
  constexpr barebpf::u32 access = map_flag::rdonly | map_flag::wronly;
  int cells = 0;
  for (const map_kind& kind : barebpf::map_kinds) {
    if (!is_made_by_size(kind) || !is_known_here(kind)) continue;
    for (unsigned bit = 0; bit < 20; ++bit) {
      const barebpf::u32 flag = 1u << bit;
      // Of a token the kernel wants a descriptor with it, and the newest flag came with 6.19.
      if (flag == map_flag::token_fd) continue;
      if (flag == map_flag::rb_overwrite && barebpf::running_kernel() < barebpf::kernel(6, 19)) continue;
      CAPTURE(name_of(kind), bit);
      map_create attr = smallest_map(kind);
      ++cells;
      if ((kind.required_flags & flag) != 0) {
        attr.map_flags &= ~flag;
        check_refused(attr, cause::missing_map_flag);
        continue;
      }
      attr.map_flags |= flag;
      if ((flag & map_flag::stack_build_id) != 0) attr.value_size = 32;
      if ((kind.flags & flag) != 0) {
        CHECK(barebpf::why_refused(attr) == cause::none);
        CHECK(answer_to(attr) == 0);
      } else if (kind.value == value_rule::stack || flag != map_flag::stack_build_id) {
        check_refused(attr, cause::refused_map_flag);
      }
    }
    if ((kind.flags & access) == access) {
      CAPTURE(name_of(kind));
      map_create both = smallest_map(kind);
      both.map_flags |= access;
      CHECK(answer_to(both) == -EINVAL);
    }
  }
  CHECK(cells > 450);  // the more types, the more cells
}

TEST_CASE("types of key and value are taken or refused as the row says", "[kinds]") {
  for (const map_kind& kind : barebpf::map_kinds) {
    CAPTURE(name_of(kind));
    if (!is_made_by_size(kind) || !is_known_here(kind)) continue;
    if (kind.key == key_rule::cgroup || kind.value == value_rule::instruction)
      continue;  // types of their own
    map_create attr = smallest_map(kind);
    const element_types& types = element_types::shared();
    attr.btf_fd = types.descriptor.raw();
    attr.btf_key_type_id = kind.key == key_rule::prefix ? types.prefix : types.number;
    attr.btf_value_type_id = attr.value_size == 4 ? types.number : types.wide;
    CHECK((answer_to(attr) == 0) == (kind.btf != barebpf::btf_rule::refused));
  }
}
