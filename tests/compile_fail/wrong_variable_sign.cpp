// expect: barebpf: the variable in the BPF object and this type differ in signedness, so use the type that the BPF program declares
// then: wrong_variable_sign
#include <barebpf/barebpf.hpp>

#include "variables.bpf.hpp"

constexpr barebpf::static_object<variables> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->variable<"count", std::int64_t>());
#else
  static_cast<void>(loaded->variable<"count", std::uint64_t>());
#endif
}
