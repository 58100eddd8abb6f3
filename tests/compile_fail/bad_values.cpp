// expect: barebpf: only maps of maps and prog arrays begin with values, so take the member values away
// then: values_not_wanted
#include <barebpf/static_object.hpp>

#include "bad_values.bpf.hpp"
#include "map_in_map.bpf.hpp"

#ifdef EXPECT_ERROR
constexpr barebpf::static_object<bad_values> object;
#else
constexpr barebpf::static_object<map_in_map> object;
#endif

void use() { static_cast<void>(object.load()); }
