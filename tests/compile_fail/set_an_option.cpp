// expect: barebpf: the value of a __kconfig variable is the kernel's, so change what the kernel says with load_options::kconfig
// then: kernel_decides
#include <barebpf/barebpf.hpp>

#include "kernel_config.bpf.hpp"

constexpr barebpf::static_object<kernel_config> object;

void use() {
  auto data = object.data();
#ifdef EXPECT_ERROR
  data.variable<"CONFIG_HZ", std::uint32_t>() = 100;
#else
  data.variable<"only_process", std::uint32_t>() = 100;
#endif
}
