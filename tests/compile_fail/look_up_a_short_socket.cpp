// expect: barebpf: the kernel gives nothing back from such a value, so use socket_fd
#include <barebpf/map/map.hpp>

bool use() {
  auto m = barebpf::sockmap<barebpf::short_socket_fd>::create({.name = "m", .max_entries = 1});
#ifdef EXPECT_ERROR
  return m->lookup_elem(0).has_value();
#else
  return m->update_elem(0, 5).has_value();
#endif
}
