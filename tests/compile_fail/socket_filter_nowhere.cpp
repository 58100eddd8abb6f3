// expect: barebpf: this program attaches to a socket, so give socket with its descriptor
#include <barebpf/barebpf.hpp>

#include "attach_sockets.bpf.hpp"

constexpr barebpf::static_object<attach_sockets> object;

bool attaches(const barebpf::static_object<attach_sockets>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"filter">().has_value();
#else
  return loaded.attach<"filter">(barebpf::socket(3)).has_value();
#endif
}
