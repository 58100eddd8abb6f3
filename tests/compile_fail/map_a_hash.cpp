// expect: barebpf: the kernel does not know this operation on maps of this type, so use another
// then: can_mmap
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
using map = barebpf::hash_map<unsigned, long>;
#else
using map = barebpf::array_map<long>;
#endif

void use(map& values) { static_cast<void>(values.map_values()); }
