// expect: barebpf: a map can be pinned by its name (1) or not at all (0), so correct its member pinning
// then: bad_pinning
#include <barebpf/static_object.hpp>

#include "bad_pinning.bpf.hpp"
#include "pinned_map.bpf.hpp"

#ifdef EXPECT_ERROR
constexpr barebpf::static_object<bad_pinning> object;
#else
constexpr barebpf::static_object<pinned_map> object;
#endif

void use() { static_cast<void>(object.load()); }
