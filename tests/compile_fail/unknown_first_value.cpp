// expect: barebpf: the object has no global variable of this name, so look for a misspelling, or give it BTF with -g
// then: no_such_variable
#include <barebpf/barebpf.hpp>

#include "variables.bpf.hpp"

constexpr barebpf::static_object<variables> object;

void use() {
  auto data = object.data();
#ifdef EXPECT_ERROR
  static_cast<void>(data.variable<"stop", std::int32_t>());
#else
  static_cast<void>(data.variable<"step", std::int32_t>());
#endif
}
