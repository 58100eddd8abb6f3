// SPDX-License-Identifier: MIT
// Types of every kind that kernels learned after 5.10, and a value with a lock that has them all.
#ifndef BAREBPF_TESTS_SUPPORT_NEWER_KINDS_HPP
#define BAREBPF_TESTS_SUPPORT_NEWER_KINDS_HPP

#include "catch.hpp"
#include "library.hpp"
#include "object_builder.hpp"

struct newer_kinds_types {
  btf_builder types{};
  std::uint32_t number = types.integer("int", 4, 1);
  std::uint32_t lock = types.structure("bpf_spin_lock", 4, {{"val", number, 0}});
  std::uint32_t negative = types.flagged(types.enumeration("mood", 4, {{"BAD", 0xffffffff}, {"GOOD", 1}}));
  std::uint32_t wide = types.enumeration64("distance", {{"NEAR", 1}, {"GOOD", 0x7000000007}});
  std::uint32_t plain = types.enumeration("plain", 4, {{"ONE", 1}});
  std::uint32_t weight = types.floating("double", 8);
  std::uint32_t type_tag = types.type_tag("user", number);
  std::uint32_t pointer = types.pointer(type_tag);
  std::uint32_t flagged_type_tag = types.flagged(types.type_tag("preserve_access_index", number));
  std::uint32_t other_pointer = types.pointer(flagged_type_tag);
  // By themselves, because beside a lock the kernel demands to know each tag.
  std::uint32_t words = types.structure("words", 16, {{"first", pointer, 0}, {"second", other_pointer, 64}});
  std::uint32_t value = types.structure("note", 40,
                                        {{"lock", lock, 0},
                                         {"mood", negative, 32},
                                         {"distance", wide, 64},
                                         {"weight", weight, 128},
                                         {"plain", plain, 192},
                                         {"count", number, 224}});
  std::uint32_t tag = types.declaration_tag("unused:yes", value, 1);
  std::uint32_t flagged_tag = types.flagged(types.declaration_tag("aligned", value, 0xffffffff));
};

/// `before` as `write_older_btf` writes it; empty when that has nothing to change.
inline file_image write_older(const file_image& before, std::uint32_t since) {
  barebpf::btf types;
  REQUIRE_FALSE(barebpf::btf::open(window_on_numbers(before), 0, before.size(), types).failed());
  std::vector<std::uint32_t> out((before.size() + 3) / 4);
  const std::uint32_t size = barebpf::write_older_btf(types, since, out.data());
  REQUIRE(size <= before.size());
  const auto* first = reinterpret_cast<const unsigned char*>(out.data());
  return file_image(first, first + size);
}

#endif
