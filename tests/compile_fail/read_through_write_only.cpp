// expect: barebpf: the kernel reads no map through a write-only descriptor, so use the class of the map itself
// then: can_get_next_key
#include <barebpf/map/map.hpp>

using hits = barebpf::hash_map<int, long>;
#ifdef EXPECT_ERROR
using reader = hits::write_only;
#else
using reader = hits::read_only;
#endif

int use(const reader& map) {
  int seen = 0;
  auto range = map.entries();
  for (auto [key, value] : range) seen += value > key;
  return seen;
}
