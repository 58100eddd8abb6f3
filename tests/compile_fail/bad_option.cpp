// expect: barebpf: an option of the kernel is a bool, a char, an integer, an enum libbpf_tristate or an array of char, so declare the __kconfig variable as one
// then: bad_kconfig_type
#include <barebpf/static_object.hpp>

#include "bad_option.bpf.hpp"
#include "kernel_config.bpf.hpp"

#ifdef EXPECT_ERROR
constexpr barebpf::static_object<bad_option> object;
#else
constexpr barebpf::static_object<kernel_config> object;
#endif

void use() { static_cast<void>(object.load()); }
