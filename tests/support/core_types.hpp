// SPDX-License-Identifier: MIT
// Two sets of types, an object's and a kernel's, for tests of CO-RE.
#ifndef BAREBPF_TESTS_SUPPORT_CORE_TYPES_HPP
#define BAREBPF_TESTS_SUPPORT_CORE_TYPES_HPP

#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "library.hpp"
#include "object_builder.hpp"

/// Types that can be looked up.
struct opened_side {
  file_image content;
  barebpf::btf types;
  std::vector<std::uint32_t> index;

  void open(const btf_builder& from) {
    content = from.content();
    types = {};
    REQUIRE_FALSE(barebpf::btf::open(barebpf::bytes(content.data(), content.size()), 0, content.size(), types)
                      .failed());
    index.assign(types.index_size(), 0);
    types.build_index(index.data());
  }
};

/// Add types to `here` and `there`, then `open`.
struct two_sides {
  btf_builder here, there;
  opened_side local, target;

  two_sides() = default;
  two_sides(const two_sides&) = delete;
  two_sides& operator=(const two_sides&) = delete;
  void open() {
    local.open(here);
    target.open(there);
  }
};

#endif
