// expect: barebpf: the compiler looks for the names of a static_object, so give them in angle brackets: attach<
#include <barebpf/barebpf.hpp>

#include "execve_counter.bpf.hpp"

constexpr barebpf::static_object<execve_counter> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->attach("bpf_prog"));
#else
  static_cast<void>(loaded->attach<"bpf_prog">());
#endif
}
