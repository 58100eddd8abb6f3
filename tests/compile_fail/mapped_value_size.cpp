// expect: barebpf: the kernel keeps the values of an array 8 bytes apart or a multiple of it, so a value type that is mapped must have such a size
// then: int
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
using value = int;
#else
using value = long;
#endif

void use(barebpf::array_map<value>& slots) { static_cast<void>(slots.map_values()); }
