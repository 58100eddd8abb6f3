// expect: barebpf: each kind of ring buffer is a map type of its own, so use the class of this map's type
#include <barebpf/map/map.hpp>
#include <barebpf/ringbuf.hpp>

bool use(const barebpf::hash_map<int, int>& map) {
#ifdef EXPECT_ERROR
  return barebpf::ringbuf::open(map).has_value();
#else
  return barebpf::ringbuf::open(map.descriptor()).has_value();  // which says so when it runs
#endif
}
