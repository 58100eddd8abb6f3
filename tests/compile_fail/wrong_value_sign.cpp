// expect: barebpf: the value type and the value in the BPF object differ in signedness, so use the type that the BPF program declares
// then: wrong_value_sign
#include <barebpf/barebpf.hpp>

#include "execve_counter.bpf.hpp"

constexpr barebpf::static_object<execve_counter> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->map<"hash_map", std::int32_t, std::uint64_t>());
#else
  static_cast<void>(loaded->map<"hash_map", std::int32_t, std::int64_t>());
#endif
}
