// expect: barebpf: what stands here as a key does not become one of this map's keys, so give what its key_type is made of
#include <barebpf/map/map.hpp>

struct flow {
  std::uint32_t source, destination;
};

bool use(barebpf::hash_map<std::uint32_t, std::uint64_t>& packets, flow seen) {
#ifdef EXPECT_ERROR
  return packets.lookup_elem(seen).value_or(0) != 0;
#else
  return packets.lookup_elem(seen.source).value_or(0) != 0;
#endif
}
