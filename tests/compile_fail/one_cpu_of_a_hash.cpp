// expect: barebpf: maps of this type keep one value for all CPUs
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::hash_map<int, int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->lookup_elem(0, barebpf::on_cpu{0}).has_value();
#else
  return m->lookup_elem(0, barebpf::under_lock).has_value();
#endif
}
