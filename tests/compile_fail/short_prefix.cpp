// expect: barebpf: the kernel makes no map of this type with keys of this size
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
static_assert(sizeof(barebpf::map<barebpf::map_type::lpm_trie, int, int>) != 0);
#else
static_assert(sizeof(barebpf::lpm_trie_map<barebpf::ipv4_prefix, int>) != 0);
#endif
