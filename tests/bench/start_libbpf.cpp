// SPDX-License-Identifier: MIT
// The same with libbpf, from the same bytes, as a skeleton does it.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "execve_counter.bpf.hpp"

int main() {
  bpf_object* const object = bpf_object__open_mem(execve_counter, sizeof execve_counter, nullptr);
  if (object == nullptr || bpf_object__load(object) != 0) return 1;
  const bpf_program* const program = bpf_object__find_program_by_name(object, "bpf_prog");
  if (program == nullptr || bpf_program__attach(program) == nullptr) return 1;
  const bpf_map* const map = bpf_object__find_map_by_name(object, "hash_map");
  if (map == nullptr) return 1;
  std::int64_t attached[2] = {};
  // As in the other program, the call itself, so that a trace shows it.
  syscall(__NR_clock_gettime, 1, attached);
  if (write(1, attached, sizeof attached) != sizeof attached) return 1;
  char end = 0;
  if (read(0, &end, 1) != 0) return 1;
  const std::int32_t key = 0;
  std::int64_t hits = 0;
  bpf_map__lookup_elem(map, &key, sizeof key, &hits, sizeof hits, 0);
  if (write(1, &hits, sizeof hits) != sizeof hits) return 1;
  _exit(0);  // the kernel gives everything back, which is the quickest way
}
