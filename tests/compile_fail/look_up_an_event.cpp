// expect: barebpf: the kernel does not know this operation on maps of this type
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::perf_event_array_map::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->lookup_elem(0).has_value();
#else
  return m->delete_elem(0).has_value();
#endif
}
