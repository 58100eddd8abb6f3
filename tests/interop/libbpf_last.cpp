// SPDX-License-Identifier: MIT
// The single header first, and libbpf's and the kernel's behind it, in one file.
#include <barebpf.hpp>
//
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/btf.h>

#include <vector>

static_assert(sizeof(barebpf::abi::map_info) <= sizeof(bpf_map_info));
static_assert(static_cast<int>(barebpf::map_type::lru_hash) == BPF_MAP_TYPE_LRU_HASH);

/// The values of a hash map with keys of four bytes and values of eight.
std::vector<std::uint64_t> values_of(int map);
std::vector<std::uint64_t> values_of(int map) {
  std::vector<std::uint64_t> out;
  const auto hash = barebpf::hash_map<std::uint32_t, std::uint64_t>::from_fd(map);
  if (!hash) return out;
  auto range = hash->entries();
  for (auto [key, value] : range) {
    std::uint64_t same = 0;
    if (bpf_map_lookup_elem(map, &key, &same) == 0 && same == value) out.push_back(value);
  }
  return out;
}
