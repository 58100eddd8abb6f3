// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/library.hpp"

TEST_CASE("the number of CPUs is how many the ranges name", "[per_cpu]") {
  CHECK(barebpf::count_cpus("0\n") == 1);
  CHECK(barebpf::count_cpus("0-1\n") == 2);
  CHECK(barebpf::count_cpus("0-3,6\n") == 5);
  CHECK(barebpf::count_cpus("0-127") == 128);
  CHECK(barebpf::count_cpus("0,2,4-5,9") == 5);
}

TEST_CASE("what is no list of ranges is no number of CPUs", "[per_cpu]") {
  for (const char* wrong : {"", "\n", "x", "0-", "0-\n", "-1", "0,,2", "0-1 ", "0x3", "1-2-3", "5-4", "0\n1",
                            "70000", "99999999999999999999"}) {
    CAPTURE(wrong);
    CHECK(barebpf::count_cpus(wrong) == 0);
  }
}

TEST_CASE("values lie eight bytes apart or a multiple of it", "[per_cpu]") {
  static_assert(sizeof(barebpf::per_cpu_view<char>::cell) == 8);
  static_assert(sizeof(barebpf::per_cpu_view<std::uint64_t>::cell) == 8);
  struct nine {
    char bytes[9];
  };
  static_assert(sizeof(barebpf::per_cpu_view<nine>::cell) == 16);
  const barebpf::per_cpu_view<int>::cell cells[] = {{4}, {5}, {-2}};

  const barebpf::per_cpu_view<int> view(cells, 3);

  CHECK(view.size() == 3);
  CHECK(view[1] == 5);
  CHECK(view.sum() == 7);
}
