// expect: barebpf: the value type has another size than the value in the BPF object, so use the type that the BPF program declares
// then: wrong_value_size
#include <barebpf/barebpf.hpp>

#include "execve_counter.bpf.hpp"

constexpr barebpf::static_object<execve_counter> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->map<"hash_map", std::int32_t, std::int32_t>());
#else
  static_cast<void>(loaded->map<"hash_map", std::int32_t, std::int64_t>());
#endif
}
