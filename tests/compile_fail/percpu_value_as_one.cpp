// expect: per_cpu_values<
#include <barebpf/barebpf.hpp>

#include "percpu.bpf.hpp"

constexpr barebpf::static_object<percpu> object;

std::uint32_t use() {
  const auto loaded = object.load();
  const auto counts = loaded->map<"in_array", std::uint32_t, std::uint32_t>();
  const auto seen = counts.lookup_elem(7);
#ifdef EXPECT_ERROR
  return *seen;
#else
  return seen->sum();
#endif
}
