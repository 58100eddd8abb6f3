// expect: barebpf: the variable in the BPF object and this type differ in signedness, so use the type that the BPF program declares
// then: wrong_variable_sign
#include <barebpf/barebpf.hpp>

#include "variables.bpf.hpp"

constexpr barebpf::static_object<variables> object;

void use() {
  auto data = object.data();
#ifdef EXPECT_ERROR
  static_cast<void>(data.variable<"step", std::uint32_t>());
#else
  static_cast<void>(data.variable<"step", std::int32_t>());
#endif
}
