// expect: barebpf: programs get raw bytes, so the type of a record must be trivially copyable
#include <barebpf/user_ringbuf.hpp>

struct command {
#ifdef EXPECT_ERROR
  command(const command& other) : id(other.id) {}
#endif
  int id;
};
bool use(barebpf::user_ringbuf& commands, const command& one) { return commands.submit(one).has_value(); }
