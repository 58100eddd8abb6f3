// expect: barebpf: no struct in .struct_ops has this function, so put its address into one, or leave it out with change_program(name, {.load = false})
// then: operation_of_nothing
#include <barebpf/static_object.hpp>

#include "stray_operation.bpf.hpp"

constexpr barebpf::static_object<stray_operation> object;

void use() {
#ifdef EXPECT_ERROR
  static_cast<void>(object.load());
#endif
  const barebpf::program_change without[] = {object.change_program<"stray">({.load = false})};
  static_cast<void>(object.load({.programs = without}));
}
