// expect: barebpf: the kernel hashes every byte of a key, so a key type must have no padding
// then: padded
#include <barebpf/map/map.hpp>

struct padded {
#ifdef EXPECT_ERROR
  char tag;  // three bytes of padding follow
#else
  int tag;
#endif
  int id;
};
static_assert(sizeof(barebpf::map<barebpf::map_type::hash, padded, int>) != 0);
