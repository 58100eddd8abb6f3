// SPDX-License-Identifier: MIT
// Holds a map and a program and says what the library knows of them, so that bpftool can be asked too. Then it takes
// the pin that bpftool made under the name that it reads, and says what is in it.
#include <linux/bpf.h>
#include <unistd.h>

#include <barebpf.hpp>
#include <cstdio>
#include <string>

#include "execve_counter.bpf.hpp"

constexpr barebpf::static_object<execve_counter> counter;
using hash = barebpf::hash_map<std::int32_t, std::int64_t>;

// No object says what these are: the kernel has it from the compiler.
struct flow {
  std::uint32_t source = 0;
  std::uint16_t ports[2] = {};
};
enum class state : std::uint8_t { idle, busy = 3 };
struct traffic {
  barebpf::spin_lock lock;
  std::int32_t balance = 0;
  std::uint64_t packets = 0;
  char owner[8] = {};
  state now = state::idle;
  bool is_known = false;
};
using flows = barebpf::hash_map<flow, traffic>;

static int explain(const barebpf::error& why) {
  char sentence[512];
  describe(why, sentence);
  std::fprintf(stderr, "%s\n", sentence);
  return why.code == EPERM ? 77 : 1;
}

int main() {
  const long context = barebpf::system_call(barebpf::nr_fsopen, "bpf", 1);
  if (context < 0 || barebpf::system_call(barebpf::nr_fsconfig, context, 6, nullptr, nullptr, 0) < 0)
    return 77;
  const long folder = barebpf::system_call(barebpf::nr_fsmount, context, 1, 0);
  if (folder < 0) return 77;
  const std::string path = "/proc/self/fd/" + std::to_string(folder) + "/";

  const auto loaded = counter.load();
  if (!loaded) return explain(loaded.error());
  auto hits = loaded->map<"hash_map", std::int32_t, std::int64_t>();
  if (const auto stored = hits.update_elem(-2, 1234567890123); !stored) return explain(stored.error());
  if (const auto pinned = hits.pin(path + "hits"); !pinned) return explain(pinned.error());
  const auto map = hits.info();
  if (!map) return explain(map.error());
  auto described = flows::create({.name = "flows", .max_entries = 4});
  if (!described) return explain(described.error());
  const traffic seen{
      .lock = {}, .balance = -5, .packets = 7, .owner = "nobody", .now = state::busy, .is_known = true};
  if (const auto stored = described->update_elem({.source = 1, .ports = {80, 443}}, seen); !stored)
    return explain(stored.error());
  const auto flows_info = described->info();
  if (!flows_info) return explain(flows_info.error());
  bpf_prog_info program{};
  const barebpf::abi::obj_info ask{
      .bpf_fd = loaded->program<"bpf_prog">().raw(), .info_len = sizeof program, .info = &program};
  if (barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, ask) < 0) return 1;
  const barebpf::text type = barebpf::kind_of(hash::type).type_name;
  std::printf("{\"folder\": \"/proc/%d/fd/%ld\", ", getpid(), folder);
  std::printf(
      "\"map\": {\"id\": %u, \"type\": \"%.*s\", \"name\": \"%s\", \"flags\": %u, \"bytes_key\": %u, "
      "\"bytes_value\": %u, \"max_entries\": %u, \"btf_id\": %u}, ",
      map->id, static_cast<int>(type.size()), type.data(), map->name.characters, map->map_flags,
      map->key_size, map->value_size, map->max_entries, map->btf_id);
  std::printf("\"flows\": %u, ", flows_info->id);
  std::printf("\"key_type\": %u, \"value_type\": %u, ", map->btf_key_type_id, map->btf_value_type_id);
  std::printf("\"program\": {\"id\": %u, \"type\": \"tracepoint\", \"name\": \"%s\", \"tag\": \"", program.id,
              program.name);
  for (const unsigned byte : program.tag) std::printf("%02x", byte);
  std::printf("\", \"gpl_compatible\": true, \"bytes_xlated\": %u, \"map_ids\": [%u]}}\n",
              program.xlated_prog_len, map->id);
  std::fflush(stdout);

  char name[64] = {};
  if (std::scanf("%63s", name) != 1) return 1;
  const auto made = hash::get_pinned(path + name, {.max_entries = 5, .map_flags = 1});
  if (!made) return explain(made.error());
  const auto value = made->lookup_elem(1);
  if (!value) return explain(value.error());
  std::printf("{\"name\": \"%.*s\", \"value\": %lld}\n", static_cast<int>(made->map_name().size()),
              made->map_name().data(), static_cast<long long>(*value));
}
