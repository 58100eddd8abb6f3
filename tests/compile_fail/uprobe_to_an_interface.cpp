// expect: barebpf: programs of this section attach to a place that has a name, so give nothing, or a cookie, or the name as named_place
#include <barebpf/barebpf.hpp>

#include "attach_user.bpf.hpp"

constexpr barebpf::static_object<attach_user> object;

bool attaches(const barebpf::static_object<attach_user>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"begins">(barebpf::interface{1}).has_value();
#else
  return loaded.attach<"begins">(barebpf::named_place{"/bin/sh:main"}).has_value();
#endif
}
