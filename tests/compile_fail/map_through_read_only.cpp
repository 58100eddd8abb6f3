// expect: barebpf: the kernel shares no memory through a read-only or write-only descriptor, so use the class of the map
// then: can_mmap
#include <barebpf/map/map.hpp>

using slots = barebpf::array_map<long>;
#ifdef EXPECT_ERROR
using mapped = slots::read_only;
#else
using mapped = slots;
#endif

long use(const mapped& map) {
  const auto values = map.map_values();
  return values ? (*values)[0] : 0;
}
