// expect: barebpf: ring buffers and arenas have no values and all other maps have
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
static_assert(sizeof(barebpf::map<barebpf::map_type::ringbuf, barebpf::no_key, int>) != 0);
#else
static_assert(sizeof(barebpf::queue_map<int>) != 0);
#endif
