// expect: barebpf: the kernel changes no map through a read-only descriptor, so use the class of the map itself
// then: can_update
#include <barebpf/map/map.hpp>

using hits = barebpf::hash_map<int, long>;
#ifdef EXPECT_ERROR
using feeder = hits::read_only;
#else
using feeder = hits::write_only;
#endif

void use(feeder& map) { static_cast<void>(map.update_elem(1, 2)); }
