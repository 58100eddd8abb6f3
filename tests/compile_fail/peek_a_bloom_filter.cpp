// expect: a Bloom filter does not give back what is in it, so ask may_contain
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::bloom_filter<int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->peek_elem().has_value();
#else
  return m->may_contain(1).has_value();
#endif
}
