// expect: barebpf: the kernel makes no map of this type with keys of this size
#include <barebpf/map/map.hpp>

#ifdef EXPECT_ERROR
template class barebpf::map<barebpf::map_type::lpm_trie, int, int>;
#else
barebpf::lpm_trie_map<barebpf::ipv4_prefix, int>* networks = nullptr;
#endif
