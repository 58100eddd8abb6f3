// expect: barebpf: the object has no program of this name, so look for a misspelling
// then: no_such_program
#include <barebpf/barebpf.hpp>

#include "execve_counter.bpf.hpp"

constexpr barebpf::static_object<execve_counter> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->attach<"bpf_porg">());
#else
  static_cast<void>(loaded->attach<"bpf_prog">());
#endif
}
