// expect: barebpf: this program sees packets on a route, so give route_to with the network and the interface
#include <barebpf/barebpf.hpp>

#include "attach_traffic.bpf.hpp"

constexpr barebpf::static_object<attach_traffic> object;

bool attaches(const barebpf::static_object<attach_traffic>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"leaves">(barebpf::interface{1}).has_value();
#else
  return loaded.attach<"leaves">(barebpf::route_to{.network = "10.0.0.0/8", .interface = 1}).has_value();
#endif
}
