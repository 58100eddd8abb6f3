// expect: barebpf: what stands here as a value does not become one of this map's values, so give what its mapped_type is made of
#include <barebpf/map/map.hpp>

struct counts {
  std::uint64_t packets, bytes;
};

bool use(barebpf::hash_map<std::uint32_t, counts>& of_hosts) {
#ifdef EXPECT_ERROR
  return of_hosts.update_elem(1, std::uint64_t{2}, barebpf::update::noexist).has_value();
#else
  return of_hosts.update_elem(1, {2, 128}, barebpf::update::noexist).has_value();
#endif
}
