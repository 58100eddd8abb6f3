// expect: barebpf: programs of this section are put into a map or an action of tc, or are only run, so do that with the program's descriptor
#include <barebpf/barebpf.hpp>

#include "attach_network.bpf.hpp"

constexpr barebpf::static_object<attach_network> object;

bool attaches(const barebpf::static_object<attach_network>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"behind_redirect">(barebpf::interface{1}).has_value();
#else
  return loaded.attach<"count">(barebpf::interface{1}).has_value();
#endif
}
