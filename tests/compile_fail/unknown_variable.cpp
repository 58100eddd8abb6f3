// expect: barebpf: the object has no global variable of this name, so look for a misspelling, or give it BTF with -g
// then: no_such_variable
#include <barebpf/barebpf.hpp>

#include "variables.bpf.hpp"

constexpr barebpf::static_object<variables> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->variable<"counter", std::uint64_t>());
#else
  static_cast<void>(loaded->variable<"count", std::uint64_t>());
#endif
}
