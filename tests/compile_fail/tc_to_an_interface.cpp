// expect: barebpf: this program attaches to an interface as a filter of tc, so give traffic_filter with its index
#include <barebpf/barebpf.hpp>

#include "attach_traffic.bpf.hpp"

constexpr barebpf::static_object<attach_traffic> object;

bool attaches(const barebpf::static_object<attach_traffic>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"first">(barebpf::interface{1}).has_value();
#else
  return loaded.attach<"first">(barebpf::traffic_filter{.interface = 1}).has_value();
#endif
}
