// expect: barebpf: the file ends before what it announces, so it was cut or overwritten: copy or compile it again
// then: truncated, 40
#include <array>
#include <barebpf/static_object.hpp>

#include "execve_counter.bpf.hpp"

#ifdef EXPECT_ERROR
constexpr std::size_t words = std::size(execve_counter) / 2;
#else
constexpr std::size_t words = std::size(execve_counter);
#endif
constexpr auto copy = [] {
  std::array<std::uint64_t, words> out{};
  for (std::size_t i = 0; i < words; ++i) out[i] = execve_counter[i];
  return out;
}();

void use() { static_cast<void>(barebpf::static_object<copy>::load()); }
