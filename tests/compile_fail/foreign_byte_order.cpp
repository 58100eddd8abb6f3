// expect: barebpf: this object has the other byte order than the machine
// then: foreign_byte_order, 5
#include <barebpf/barebpf.hpp>

#include "foreign.bpf.hpp"

constexpr barebpf::static_object<foreign> object;
// What is in it can be read all the same.
static_assert(barebpf::static_spec<foreign>::find_program("counts") == 0);

void use() {
#ifdef EXPECT_ERROR
  static_cast<void>(object.load());
#endif
}
