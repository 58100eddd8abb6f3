// expect: barebpf: what goes into a map of this type and comes out of it is no plain value
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
static_assert(sizeof(barebpf::map<barebpf::map_type::xskmap, barebpf::u32, int>) != 0);
#else
static_assert(sizeof(barebpf::xskmap) != 0);
#endif
