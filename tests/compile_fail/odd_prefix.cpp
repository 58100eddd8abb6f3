// expect: barebpf: an LPM trie compares 1 to 256 bytes
#include <barebpf/prefix.hpp>

#ifdef EXPECT_ERROR
barebpf::lpm_key<5> key;
#else
barebpf::lpm_key<8> key;
#endif
