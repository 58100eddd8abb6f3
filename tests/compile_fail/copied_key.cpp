// expect: barebpf: the kernel copies keys as raw bytes, so a key type must be trivially copyable
// then: owner
#include <barebpf/map/map.hpp>

struct owner {
#ifdef EXPECT_ERROR
  owner(const owner&) {}
#endif
  int id;
};
static_assert(sizeof(barebpf::map<barebpf::map_type::hash, owner, int>) != 0);
