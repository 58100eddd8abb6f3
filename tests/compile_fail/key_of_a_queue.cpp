// expect: elements of this map have no keys, so use push_elem, pop_elem and peek_elem
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::queue_map<int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->lookup_elem({}).has_value();
#else
  return m->pop_elem().has_value();
#endif
}
