// expect: barebpf: a static map cannot be found by name, so take the word static away from the map in the BPF program
// then: static_map
#include <barebpf/static_object.hpp>

#include "bad_static_map.bpf.hpp"
#include "execve_counter.bpf.hpp"

#ifdef EXPECT_ERROR
constexpr barebpf::static_object<bad_static_map> object;
#else
constexpr barebpf::static_object<execve_counter> object;
#endif

void use() { static_cast<void>(object.load()); }
