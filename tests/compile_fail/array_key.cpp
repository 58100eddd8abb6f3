// expect: barebpf: the kernel numbers the slots of this map with 32 bits, so its key type must have 4 bytes
// then: array
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
using key = long;
#else
using key = int;
#endif

void use(barebpf::map<barebpf::map_type::array, key, long>& slots) { static_cast<void>(slots.lookup_elem(1)); }
