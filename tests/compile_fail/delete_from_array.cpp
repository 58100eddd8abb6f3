// expect: barebpf: the kernel does not know this operation on maps of this type, so use another
// then: can_delete
#include <barebpf/map/map.hpp>

void use(barebpf::array_map<long>& slots) {
#ifdef EXPECT_ERROR
  static_cast<void>(slots.delete_elem(1));
#else
  static_cast<void>(slots.update_elem(1, 0));
#endif
}
