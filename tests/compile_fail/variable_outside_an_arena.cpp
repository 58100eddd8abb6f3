// expect: barebpf: this variable does not lie in this arena, so ask for it by its name alone, or give the arena of this object, mapped whole
// then: not_in_arena
#include <barebpf/barebpf.hpp>

#include "arena_globals.bpf.hpp"

constexpr barebpf::static_object<arena_globals> object;

void use(const barebpf::mapped_arena& pages) {
  const auto loaded = object.load();
#ifdef EXPECT_ERROR
  static_cast<void>(loaded->variable<"only_process", std::uint32_t>(pages));
#else
  static_cast<void>(loaded->variable<"step", std::uint64_t>(pages));
#endif
}
