// expect: barebpf: this map has a value for each CPU, so add on_all_cpus or on_cpu, or give a per_cpu_values
#include <barebpf/map/map.hpp>

bool use(barebpf::percpu_hash_map<std::uint32_t, std::uint64_t>& packets) {
#ifdef EXPECT_ERROR
  return packets.update_elem(1, 0).has_value();
#else
  return packets.update_elem(1, 0, barebpf::on_all_cpus).has_value();
#endif
}
