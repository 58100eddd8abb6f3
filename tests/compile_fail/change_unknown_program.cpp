// expect: barebpf: the object has no program of this name, so look for a misspelling
// then: no_such_program
#include <barebpf/barebpf.hpp>

#include "choices.bpf.hpp"

constexpr barebpf::static_object<choices> object;

#ifdef EXPECT_ERROR
constexpr auto change = object.change_program<"optionl">({.load = true});
#else
constexpr auto change = object.change_program<"optional">({.load = true});
#endif
