// expect: barebpf: the object has no map of this name, so look for a misspelling
// then: no_such_map
#include <barebpf/barebpf.hpp>

#include "execve_counter.bpf.hpp"

constexpr barebpf::static_object<execve_counter> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->map<"hash_mop", int, long>());
#else
  static_cast<void>(loaded->map<"hash_map", int, long>());
#endif
}
