// expect: barebpf: this map type has no typed form yet, so use untyped_map for it
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
template class barebpf::map<barebpf::map_type::xskmap, int, int>;
#else
template class barebpf::map<barebpf::map_type::hash, int, int>;
#endif
