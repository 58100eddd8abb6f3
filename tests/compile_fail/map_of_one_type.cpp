// expect: barebpf: a map has a key and a value, so give the types of both, or none to have those of the object
#include <barebpf/barebpf.hpp>

#include "execve_counter.bpf.hpp"

constexpr barebpf::static_object<execve_counter> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->map<"hash_map", std::int32_t>());
#else
  static_cast<void>(loaded->map<"hash_map">());
#endif
}
