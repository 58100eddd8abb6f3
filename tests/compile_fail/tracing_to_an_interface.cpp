// expect: barebpf: the section of this program names the place to attach to, so give nothing but perhaps a cookie
#include <barebpf/barebpf.hpp>

#include "attach_tracing.bpf.hpp"

constexpr barebpf::static_object<attach_tracing> object;

bool attaches(const barebpf::static_object<attach_tracing>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"typed">(barebpf::interface{1}).has_value();
#else
  return loaded.attach<"typed">().has_value();
#endif
}
