// expect: barebpf: what goes into a map of this type and comes out of it is no plain value
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
template class barebpf::map<barebpf::map_type::xskmap, barebpf::u32, int>;
#else
barebpf::xskmap* sockets = nullptr;
#endif
