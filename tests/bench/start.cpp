// SPDX-License-Identifier: MIT
// How long does a program take from its start until its BPF program is attached, and to its end? Starts each of the
// programs given in turn; start_barebpf.cpp says what they do.
#include <fcntl.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "bench.hpp"

using namespace bench;

namespace {

// libbpf looks for tracefs where it is usually mounted, so it is mounted there for us alone if it is not.
void have_tracefs() {
  must_be(unshare(CLONE_NEWNS) == 0, "unshare");
  must_be(mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "mount --make-rprivate /");
  if (access("/sys/kernel/tracing/events", F_OK) != 0)
    must_be(mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, nullptr) == 0, "mount -t tracefs");
}

// The largest memory that the process ever had, in KiB.
double peak_memory(pid_t process) {
  char path[64], line[256];
  std::snprintf(path, sizeof path, "/proc/%d/status", process);
  std::FILE* const status = std::fopen(path, "r");
  must_be(status != nullptr, path);
  double out = -1;
  while (std::fgets(line, sizeof line, status) != nullptr)
    if (std::strncmp(line, "VmHWM:", 6) == 0) out = std::strtod(line + 6, nullptr);
  std::fclose(status);
  if (out < 0) give_up("the kernel does not tell the peak memory of a process");
  return out;
}

struct program {
  std::string path;
  std::string name;
  std::vector<double> attached, whole, memory;

  void run(bool matters) {
    int input[2], output[2];
    must_be(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0, "pipe2");
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input[0], 0);
    posix_spawn_file_actions_adddup2(&actions, output[1], 1);
    char* const words[] = {path.data(), nullptr};
    char* const nothing[] = {nullptr};
    pid_t process = 0;
    const u64 started = nanoseconds();
    if (posix_spawn(&process, path.c_str(), &actions, nullptr, words, nothing) != 0)
      give_up("cannot start " + path);
    close(input[0]);
    close(output[1]);
    std::int64_t when[2] = {};
    if (read(output[0], when, sizeof when) != sizeof when) give_up(path + " did not attach");
    const double peak = peak_memory(process);
    // The counter counts calls that fail too, and these cost no process.
    char* const none[] = {nullptr};
    for (int i = 0; i < 3; ++i) execve("/nowhere/to/be/found", none, none);

    const u64 released = nanoseconds();
    close(input[1]);
    std::int64_t hits = 0;
    if (read(output[0], &hits, sizeof hits) != sizeof hits) give_up(path + " did not say what it counted");
    int status = 0;
    waitpid(process, &status, 0);
    const u64 ended = nanoseconds();
    close(output[0]);
    posix_spawn_file_actions_destroy(&actions);
    if (status != 0) give_up(path + " failed");
    const bool counts_nothing = name.rfind("start_nothing", 0) == 0;
    if (counts_nothing ? hits != -1 : hits < 3)
      give_up(path + " counted " + std::to_string(hits) + " execve calls of 3");
    if (!matters) return;
    const double took =
        static_cast<double>(static_cast<u64>(when[0]) * 1'000'000'000 + static_cast<u64>(when[1]) - started);
    attached.push_back(took);
    whole.push_back(took + static_cast<double>(ended - released));
    memory.push_back(peak);
  }
};

void print(const char* question, const char* unit, const std::vector<program>& programs,
           std::vector<double> program::*times) {
  std::printf("{\"question\": \"%s\", \"count\": 1, \"saw\": 3, \"%s\": {", question, unit);
  for (const program& one : programs) {
    std::printf("%s\"%s\": [", &one == programs.data() ? "" : ", ", one.name.c_str());
    const std::vector<double>& list = one.*times;
    for (std::size_t i = 0; i < list.size(); ++i) std::printf("%s%.0f", i == 0 ? "" : ", ", list[i]);
    std::printf("]");
  }
  std::printf("}}\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) give_up(std::string("usage: ") + argv[0] + " --rounds N PROGRAM...");
  const settings how = arguments(3, argv);
  have_tracefs();
  stay_on_one_processor();
  std::vector<program> programs;
  for (int i = 3; i < argc; ++i) {
    const std::string path = argv[i];
    programs.push_back({path, path.substr(path.rfind('/') + 1), {}, {}, {}});
  }
  std::vector<std::size_t> order(programs.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 dice;
  for (u64 round = 0; round <= how.rounds; ++round) {
    std::shuffle(order.begin(), order.end(), dice);
    for (const std::size_t who : order) programs[who].run(round != 0);
  }
  print("start to attached", "ns", programs, &program::attached);
  print("the whole process", "ns", programs, &program::whole);
  print("peak memory", "kib", programs, &program::memory);
  return 0;
}
