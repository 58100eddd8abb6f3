// expect: barebpf: the kernel lists this by itself, or the elements of a map, the tasks or the cgroups that are asked for, so give nothing or one of those
#include <barebpf/barebpf.hpp>

#include "attach_tracing.bpf.hpp"

constexpr barebpf::static_object<attach_tracing> object;

bool attaches(const barebpf::static_object<attach_tracing>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"tasks">(barebpf::socket(3)).has_value();
#else
  return loaded.attach<"tasks">().has_value();
#endif
}
