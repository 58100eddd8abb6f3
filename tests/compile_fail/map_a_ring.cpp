// expect: barebpf: this map's memory is no row of values
#include <barebpf/map/map.hpp>

bool use() {
#ifdef EXPECT_ERROR
  auto m = barebpf::ringbuf_map::create({.name = "m", .max_entries = 4096});
  return m->map_values().has_value();
#else
  auto m = barebpf::array_map<long>::create({.name = "m", .max_entries = 1});
  return m->map_values().has_value();
#endif
}
