// SPDX-License-Identifier: MIT
// What a run of the kernel tests must give back: descriptors, links, programs, maps, pins, cgroups, network namespaces
// with names, and processes. Pins elsewhere and namespaces without a name go with their last descriptor. The main
// function asks before the first test and after the last one.
#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <set>
#include <string>

#include "live.hpp"

extern "C" void remember_what_is_there();
extern "C" const char* what_is_left();

namespace {

using names = std::set<std::string>;
using barebpf::abi::command;

// All of a kind that the kernel knows, by id.
void add_ids(command next, const std::string& kind, names& out) {
  barebpf::abi::next_id attr{};
  while (barebpf::sys_bpf(next, attr) >= 0) {
    out.insert(kind + " " + std::to_string(attr.next_id));
    attr.start_id = attr.next_id;
  }
}
void add_files(const std::string& folder, const std::string& kind, const std::string& with, names& out) {
  std::error_code failed;
  for (const auto& one : std::filesystem::recursive_directory_iterator(folder, failed))
    if (one.path().filename().string().find(with) != std::string::npos)
      out.insert(kind + " " + one.path().filename().string());
}
std::string target_of_descriptor(int number) {
  char target[256] = {};
  const std::string path = "/proc/self/fd/" + std::to_string(number);
  return readlink(path.c_str(), target, sizeof target - 1) < 0 ? std::string() : std::string(target);
}
void add_descriptors(names& out) {
  for (int number = 0; number < 1024; ++number)
    if (const std::string target = target_of_descriptor(number); !target.empty())
      out.insert("descriptor " + std::to_string(number) + " of " + target);
}
// Processes of this one's session: whoever a test left behind.
void add_processes(names& out) {
  std::error_code failed;
  for (const auto& one : std::filesystem::directory_iterator("/proc", failed)) {
    const int process = std::atoi(one.path().filename().c_str());
    if (process > 0 && process != getpid() && process != getppid() && getsid(process) == getsid(0))
      out.insert("process " + std::to_string(process));
  }
}

names seen() {
  names out;
  add_ids(command::link_get_next_id, "link", out);
  add_ids(command::prog_get_next_id, "program", out);
  add_ids(command::map_get_next_id, "map", out);
  add_files("/sys/fs/bpf", "pin", "", out);
  add_files("/run/netns", "network namespace", "", out);
  add_descriptors(out);
  for (const int kept : kept_descriptors()) {
    out.erase("descriptor " + std::to_string(kept) + " of " + target_of_descriptor(kept));
    out.erase("map " + std::to_string(kernel_id(barebpf::fd::own(barebpf::duplicate(kept)))));
  }
  const barebpf::fd cgroups = barebpf::fd::own(open_detached("cgroup2"));
  add_files("/proc/self/fd/" + std::to_string(cgroups.number()), "cgroup", "barebpf", out);
  add_processes(out);
  return out;
}

names before;

}  // namespace

extern "C" void remember_what_is_there() { before = seen(); }

extern "C" const char* what_is_left() {
  static std::string left;
  // The kernel gives programs and maps back a moment after the last descriptor is closed.
  for (int tries = 0; tries < 100; ++tries) {
    left.clear();
    for (const std::string& one : seen())
      if (before.count(one) == 0) left += (left.empty() ? "" : ", ") + one;
    if (left.empty()) return nullptr;
    const std::timespec moment{.tv_sec = 0, .tv_nsec = 100'000'000};
    nanosleep(&moment, nullptr);
  }
  return left.c_str();
}
