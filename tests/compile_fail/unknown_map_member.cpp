// expect: barebpf: a map in .maps has a member that is not part of a map definition, so look for a misspelling
// then: unknown_map_member
#include <barebpf/static_object.hpp>

#include "bad_map_member.bpf.hpp"
#include "execve_counter.bpf.hpp"

#ifdef EXPECT_ERROR
constexpr barebpf::static_object<bad_map_member> object;
#else
constexpr barebpf::static_object<execve_counter> object;
#endif

void use() { static_cast<void>(object.load()); }
