// expect: barebpf: programs send raw bytes, so the type of a record must be trivially copyable
#include <barebpf/ringbuf.hpp>

struct event {
#ifdef EXPECT_ERROR
  event(const event& other) : id(other.id) {}
#endif
  int id;
};
const event* use(barebpf::ringbuf::record r) { return r.begins_with<event>(); }
