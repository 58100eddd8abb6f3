// expect: barebpf: this program runs when a perf event does, so give perf_event with an event that is open
#include <barebpf/barebpf.hpp>

#include "attach_tracing.bpf.hpp"

constexpr barebpf::static_object<attach_tracing> object;

bool attaches(const barebpf::static_object<attach_tracing>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  return loaded.attach<"sample">().has_value();
#else
  return loaded.attach<"sample">(barebpf::perf_event{}).has_value();
#endif
}
