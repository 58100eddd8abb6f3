// expect: how large the values of all CPUs are is known at run time only, so give entries the storage
#include <barebpf/map/map.hpp>

void use(const barebpf::percpu_array_map<int>& slots) {
#ifdef EXPECT_ERROR
  static_cast<void>(slots.entries());
#else
  auto storage = barebpf::per_cpu_values<int>::make(8);
  std::uint32_t keys[8];
  if (storage) static_cast<void>(slots.entries(keys, *storage));
#endif
}
