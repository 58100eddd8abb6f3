// expect: barebpf: ring buffers and arenas have no values and all other maps have
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
template class barebpf::map<barebpf::map_type::ringbuf, barebpf::no_key, int>;
#else
barebpf::queue_map<int>* queue = nullptr;
#endif
