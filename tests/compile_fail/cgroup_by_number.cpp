// expect: barebpf: this program attaches to a cgroup, so give cgroup with a descriptor of its folder
#include <barebpf/barebpf.hpp>

#include "attach_network.bpf.hpp"

constexpr barebpf::static_object<attach_network> object;

bool attaches(const barebpf::static_object<attach_network>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"sends">(3).has_value();
#else
  return loaded.attach<"sends">(barebpf::cgroup(3)).has_value();
#endif
}
