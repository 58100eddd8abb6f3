// expect: barebpf: this variable lies in an arena, so map that with map_arena and give it beside the name
// then: lies_in_arena
#include <barebpf/barebpf.hpp>

#include "arena_globals.bpf.hpp"

constexpr barebpf::static_object<arena_globals> object;

void use(const barebpf::mapped_arena& pages) {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(pages);
  static_cast<void>(loaded->variable<"step", std::uint64_t>());
#else
  loaded->variable<"step", std::uint64_t>(pages) = 7;
#endif
}
