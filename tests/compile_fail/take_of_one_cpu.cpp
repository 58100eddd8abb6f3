// expect: barebpf: an element leaves a map with its values of all CPUs, so leave on_cpu out
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::percpu_hash_map<int, int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->lookup_and_delete_elem(0, barebpf::on_cpu{0}).has_value();
#else
  return m->lookup_and_delete_elem(0).has_value();
#endif
}
