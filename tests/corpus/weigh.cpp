// SPDX-License-Identifier: MIT
// Loads one object file several times with libbpf or with barebpf and prints what that took of the processor, outside of
// the kernel, and of memory, as JSON. See `tools/corpus --weigh`.
#include <bpf/libbpf.h>
#include <sys/resource.h>
#include <barebpf/barebpf.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "own_pins.hpp"

namespace {

bool load_with_libbpf(const char* path) {
  bpf_object* const object = bpf_object__open_file(path, nullptr);
  if (object == nullptr) return false;
  const bool is_loaded = bpf_object__load(object) == 0;
  bpf_object__close(object);
  return is_loaded;
}
bool load_with_barebpf(const char* path) {
  const auto object = barebpf::object::open(path);
  return object && object->load();
}

struct usage {
  double user_us, whole_us;
  long peak_kib;
};
// Not that of getrusage(2), which counts whoever started this program too.
long peak_kib() {
  long out = 0;
  std::FILE* const status = std::fopen("/proc/self/status", "r");
  char line[128];
  while (status != nullptr && std::fgets(line, sizeof line, status) != nullptr)
    if (std::sscanf(line, "VmHWM: %ld", &out) == 1) break;
  if (status != nullptr) std::fclose(status);
  return out;
}
usage used_so_far() {
  rusage of{};
  getrusage(RUSAGE_SELF, &of);
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return {static_cast<double>(of.ru_utime.tv_sec) * 1e6 + static_cast<double>(of.ru_utime.tv_usec),
          std::chrono::duration<double, std::micro>(now).count(), peak_kib()};
}

}  // namespace

int main(int count, char** words) {
  const std::string_view who = count == 4 ? words[1] : "";
  if (who != "libbpf" && who != "barebpf") {
    std::fprintf(stderr, "weigh libbpf|barebpf FILE ROUNDS\n");
    return 2;
  }
  if (!mount_own_pins()) {
    std::perror("no BPF file system of its own");
    return 2;
  }
  libbpf_set_print(nullptr);
  const int rounds = std::atoi(words[3]);
  const usage before = used_so_far();
  bool is_loaded = true;
  for (int i = 0; i < rounds && is_loaded; ++i)
    is_loaded = who == "libbpf" ? load_with_libbpf(words[2]) : load_with_barebpf(words[2]);
  const usage after = used_so_far();
  std::printf("{\"loaded\":%s,\"user_us\":%.1f,\"whole_us\":%.1f,\"peak_kib\":%ld,\"grown_kib\":%ld}\n",
              is_loaded ? "true" : "false", (after.user_us - before.user_us) / rounds,
              (after.whole_us - before.whole_us) / rounds, after.peak_kib, after.peak_kib - before.peak_kib);
  return 0;
}
