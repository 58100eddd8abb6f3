// expect: barebpf: a record begins at a multiple of 8 bytes, so its type must not be aligned to more
#include <barebpf/ringbuf.hpp>

#ifdef EXPECT_ERROR
struct alignas(16) event {
#else
struct alignas(8) event {
#endif
  unsigned char bytes[16];
};
const event* use(barebpf::ringbuf::record r) { return r.as<event>(); }
