// expect: barebpf: the kernel lets a section be mapped only when one of its variables is not static, so take the word static away from this one
// then: hidden_variable
#include <barebpf/barebpf.hpp>

#include "variables.bpf.hpp"

constexpr barebpf::static_object<variables> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->variable<"hidden_variable", std::uint32_t>());
#else
  static_cast<void>(loaded->variable<"own_variable", std::uint16_t>());
#endif
}
