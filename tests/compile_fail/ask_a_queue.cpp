// expect: only a Bloom filter answers for a value, so use peek_elem or pop_elem
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::queue_map<int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->may_contain(1).has_value();
#else
  return m->peek_elem().has_value();
#endif
}
