// expect: barebpf: the variable in the BPF object has another size than this type, so use the type that the BPF program declares
// then: wrong_variable_size
#include <barebpf/barebpf.hpp>

#include "variables.bpf.hpp"

constexpr barebpf::static_object<variables> object;

void use() {
  auto data = object.data();
#ifdef EXPECT_ERROR
  static_cast<void>(data.variable<"step", std::int64_t>());
#else
  static_cast<void>(data.variable<"step", std::int32_t>());
#endif
}
