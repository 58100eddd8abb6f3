// expect: barebpf: this program attaches to a map of sockets, so give sockets_in with the map
#include <barebpf/barebpf.hpp>

#include "attach_sockets.bpf.hpp"

constexpr barebpf::static_object<attach_sockets> object;

bool attaches(const barebpf::static_object<attach_sockets>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"message">(barebpf::socket(3)).has_value();
#else
  return loaded.attach<"message">(barebpf::sockets_in(3)).has_value();
#endif
}
