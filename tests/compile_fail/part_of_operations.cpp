// expect: barebpf: the kernel calls this program through a struct in .struct_ops, so attach that: attach_struct_ops(name)
// then: part_of_operations
#include <barebpf/static_object.hpp>

#include "congestion.bpf.hpp"

void use(const barebpf::static_object<congestion>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  static_cast<void>(loaded.attach<"bare_init">());
#else
  static_cast<void>(loaded.attach_struct_ops<"bare_reno">());
#endif
}
