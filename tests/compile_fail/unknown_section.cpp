// expect: barebpf: the name of this section tells no program type that barebpf knows
// then: unknown_section
#include <barebpf/barebpf.hpp>

#include "choices.bpf.hpp"

constexpr barebpf::static_object<choices> object;

void use() {
#ifdef EXPECT_ERROR
  static_cast<void>(object.load());
#else
  const barebpf::program_change changes[] = {object.change_program<"nameless">({.section = "classifier"})};
  static_cast<void>(object.load({.programs = changes}));
#endif
}
