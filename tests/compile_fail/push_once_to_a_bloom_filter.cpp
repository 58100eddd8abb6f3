// expect: barebpf: the kernel does not ask whether something is there
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::bloom_filter<int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->push_elem(5, barebpf::update::noexist).has_value();
#else
  return m->push_elem(5).has_value();
#endif
}
