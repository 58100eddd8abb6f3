// expect: barebpf: the kernel does not know this operation on maps of this type
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::task_storage_map<int>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->get_next_key().has_value();
#else
  return m->lookup_elem(3).has_value();
#endif
}
