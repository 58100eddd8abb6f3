// expect: disagree at a member: it lies at another offset, so declare the members in the same order and with the same types
// then: other_offset
#include <barebpf/barebpf.hpp>

#include "folded_stacks.bpf.hpp"

constexpr barebpf::static_object<folded_stacks> object;

struct seen {
#ifdef EXPECT_ERROR
  std::int32_t user, kernel;
  std::uint32_t pid;
#else
  std::uint32_t pid;
  std::int32_t user, kernel;
#endif
  char comm[16];
};

void use() {
  const auto loaded = object.load();
  static_cast<void>(loaded->map<"counts", seen, std::uint64_t>());
}
