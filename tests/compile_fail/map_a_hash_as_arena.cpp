// expect: barebpf: only an arena has an address that programs know
#include <barebpf/map/arena.hpp>

bool use() {
#ifdef EXPECT_ERROR
  auto m = barebpf::hash_map<int, long>::create({.name = "m", .max_entries = 1});
#else
  auto m = barebpf::arena_map::create({.name = "m", .max_entries = 1});
#endif
  return barebpf::map_arena(*m).has_value();
}
