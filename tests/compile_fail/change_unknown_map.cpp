// expect: barebpf: the object has no map of this name, so look for a misspelling
// then: no_such_map
#include <barebpf/barebpf.hpp>

#include "execve_counter.bpf.hpp"

constexpr barebpf::static_object<execve_counter> object;

#ifdef EXPECT_ERROR
constexpr auto larger = object.change<"hash_mop">({.max_entries = 8});
#else
constexpr auto larger = object.change<"hash_map">({.max_entries = 8});
#endif
static_assert(larger.max_entries == 8);
