// expect: barebpf: what is in this map is the kernel's own struct, which may be larger elsewhere, so give types for the key and for that: map<name, unsigned, type>()
// then: needs_kernel_type
#include <barebpf/static_object.hpp>

#include "congestion.bpf.hpp"

struct kernels_own {
  unsigned char bytes[256];
};

void use(const barebpf::static_object<congestion>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  static_cast<void>(loaded.map<"bare_reno">());
#else
  static_cast<void>(loaded.map<"bare_reno", unsigned, kernels_own>());
#endif
}
