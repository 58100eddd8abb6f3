// expect: barebpf: the kernel does not ask whether something is there
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::prog_array_map::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->update_elem(0, 5, barebpf::update::noexist).has_value();
#else
  return m->update_elem(0, 5).has_value();
#endif
}
