// expect: barebpf: the compiler looks for the names of a static_object, so give them in angle brackets: attach_struct_ops<
#include <barebpf/static_object.hpp>

#include "congestion.bpf.hpp"

void use(const barebpf::static_object<congestion>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  loaded.attach_struct_ops("bare_reno");
#else
  static_cast<void>(loaded.attach_struct_ops<"bare_reno">());
#endif
}
