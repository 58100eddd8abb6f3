// expect: barebpf: this program attaches to a network interface, so give interface with its index
#include <barebpf/barebpf.hpp>

#include "attach_network.bpf.hpp"

constexpr barebpf::static_object<attach_network> object;

bool attaches(const barebpf::static_object<attach_network>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"first">(barebpf::interface{1}, barebpf::xdp_mode::skb).has_value();
#else
  return loaded.attach<"first">(barebpf::interface{1}).has_value();
#endif
}
