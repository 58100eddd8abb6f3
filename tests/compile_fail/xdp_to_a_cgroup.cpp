// expect: barebpf: this program attaches to a network interface, so give interface with its index
#include <barebpf/barebpf.hpp>

#include "attach_network.bpf.hpp"

constexpr barebpf::static_object<attach_network> object;

bool attaches(const barebpf::static_object<attach_network>::loaded<>& loaded, const barebpf::fd& folder) {
#ifdef EXPECT_ERROR
  return loaded.attach<"count">(barebpf::cgroup(folder)).has_value();
#else
  return loaded.attach<"sends">(barebpf::cgroup(folder)).has_value();
#endif
}
