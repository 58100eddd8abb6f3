// expect: barebpf: an object is an array of its bytes, or of 64-bit words, so give what tools/embed or xxd -i writes, declared constexpr
#include <barebpf/barebpf.hpp>

#include "two_programs.bpf.hpp"

#ifdef EXPECT_ERROR
constexpr const char* path = "two_programs.bpf.o";
constexpr barebpf::static_object<path> object;
#else
constexpr barebpf::static_object<two_programs> object;
#endif

void use() { static_cast<void>(object.load()); }
