// expect: barebpf: this program attaches to the packet filter, so give netfilter_hook
#include <barebpf/barebpf.hpp>

#include "attach_traffic.bpf.hpp"

constexpr barebpf::static_object<attach_traffic> object;

bool attaches(const barebpf::static_object<attach_traffic>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"accept">().has_value();
#else
  return loaded.attach<"accept">(barebpf::netfilter_hook{}).has_value();
#endif
}
