// expect: barebpf: what goes into this map comes out of it as something else, so give the types of its key and value, as its alias in map/map.hpp has them
// then: needs_value_type
#include <barebpf/barebpf.hpp>

#include "tail_calls.bpf.hpp"

constexpr barebpf::static_object<tail_calls> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->map<"ways">());
#else
  static_cast<void>(loaded->map<"ways", barebpf::u32, barebpf::program_fd>());
#endif
}
