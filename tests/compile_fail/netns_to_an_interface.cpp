// expect: barebpf: this program attaches to a network namespace, so give netns with its descriptor, or nothing for the one of this process
#include <barebpf/barebpf.hpp>

#include "attach_network.bpf.hpp"

constexpr barebpf::static_object<attach_network> object;

bool attaches(const barebpf::static_object<attach_network>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"look_up">(barebpf::interface{1}).has_value();
#else
  return loaded.attach<"look_up">().has_value();
#endif
}
