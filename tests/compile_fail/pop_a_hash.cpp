// expect: elements of this map are named by keys, so use update_elem
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::hash_map<int, int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->pop_elem().has_value();
#else
  return m->lookup_elem(1).has_value();
#endif
}
