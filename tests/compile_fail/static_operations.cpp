// expect: barebpf: what the kernel's struct looks like is known only when the program runs, so load this object with object::open and object::load
// then: operations_at_run_time
#include <barebpf/static_object.hpp>

#include "congestion.bpf.hpp"
#include "execve_counter.bpf.hpp"

#ifdef EXPECT_ERROR
void use() { static_cast<void>(barebpf::static_object<congestion>::load()); }
#else
void use() { static_cast<void>(barebpf::static_object<execve_counter>::load()); }
#endif
