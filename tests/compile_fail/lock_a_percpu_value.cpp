// expect: barebpf: values of this map type have no spin lock for the kernel to take
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::percpu_array_map<int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->lookup_elem(0, barebpf::under_lock).has_value();
#else
  return m->lookup_elem(0, barebpf::on_cpu{0}).has_value();
#endif
}
