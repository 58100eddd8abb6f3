// expect: barebpf: this struct has no link to be put into, so put it into SEC(
// then: operations_not_linked
#include <barebpf/static_object.hpp>

#include "congestion.bpf.hpp"
#include "congestion_links.bpf.hpp"

void use(const barebpf::static_object<congestion>::loaded<>& loaded,
         const barebpf::static_object<congestion_links>::loaded<>& linked, const barebpf::attachment& there) {
#ifdef EXPECT_ERROR
  static_cast<void>(loaded.update_struct_ops<"bare_reno">(there));
#endif
  static_cast<void>(loaded.attach_struct_ops<"bare_reno">());
  static_cast<void>(linked.update_struct_ops<"second">(there));
}
