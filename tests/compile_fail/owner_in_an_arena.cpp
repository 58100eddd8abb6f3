// expect: barebpf: programs see the raw bytes of an arena
#include <barebpf/map/arena.hpp>

struct owner {
  long value;
#ifdef EXPECT_ERROR
  ~owner() { value = 0; }
#endif
};

long use(const barebpf::mapped_arena& pages) { return pages.at<owner>(0).value; }
