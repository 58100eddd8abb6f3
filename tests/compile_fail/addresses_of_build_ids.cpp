// expect: barebpf: map_flag::stack_build_id makes the kernel keep build ids and offsets, so use stack_build_ids as value type with this flag, and stack_addresses without it
// then: stack_of_build_ids
#include <barebpf/barebpf.hpp>

#include "stacks.bpf.hpp"

constexpr barebpf::static_object<stacks> object;

void use() {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->map<"build_ids", std::uint32_t, barebpf::stack_addresses<508>>());
#else
  static_cast<void>(loaded->map<"build_ids", std::uint32_t, barebpf::stack_build_ids<127>>());
#endif
}
