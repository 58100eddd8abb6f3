// expect: barebpf: this map is no struct in .struct_ops, so give the name of such a variable
// then: not_operations
#include <barebpf/static_object.hpp>

#include "congestion_links.bpf.hpp"

void use(const barebpf::static_object<congestion_links>::loaded<>& loaded) {
#ifdef EXPECT_ERROR
  static_cast<void>(loaded.attach_struct_ops<".bss">());
#else
  static_cast<void>(loaded.attach_struct_ops<"first">());
#endif
}
