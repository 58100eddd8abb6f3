// expect: barebpf: constants are frozen when the object is loaded, so set them before, and ask for a const type afterwards
// then: constant_variable
#include <barebpf/barebpf.hpp>

#include "variables.bpf.hpp"

constexpr barebpf::static_object<variables> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->variable<"only_process", std::uint32_t>());
#else
  static_cast<void>(loaded->variable<"only_process", const std::uint32_t>());
#endif
}
