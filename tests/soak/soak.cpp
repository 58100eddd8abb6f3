// SPDX-License-Identifier: MIT
// soak NAME SECONDS: does one thing over and over for so long while others do something beside it, and then looks for
// what stays behind. Prints one line; ends with 1 and a sentence when something is wrong. tools/soak runs it.
#include "soak.hpp"

#include <dirent.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <thread>
#include <utility>

namespace soak {

namespace {

const char* running = "";

// What the kernel knows a thing by.
using kernel_thing = std::pair<barebpf::id_of, std::uint32_t>;
std::set<kernel_thing> noted;

// What the kernel has of the kind that soaks make: by the names that they give, or because it was noted.
std::set<kernel_thing> things_of_soaks() {
  std::set<kernel_thing> out;
  for (const barebpf::id_of kind : {barebpf::id_of::map, barebpf::id_of::program, barebpf::id_of::link}) {
    barebpf::all_ids all(kind);
    for (const std::uint32_t id : all) {
      bool counts = noted.count({kind, id}) != 0;
      if (!counts && kind != barebpf::id_of::link) {
        const auto opened = barebpf::open_by_id(kind, id);
        if (!opened) continue;  // it went meanwhile
        std::string name;
        if (kind == barebpf::id_of::map) {
          if (const auto info = barebpf::ask_about_map(opened->number())) name = info->name.characters;
        } else if (const auto info = barebpf::program_info(*opened)) {
          name = info->name.characters;
        }
        counts = name.rfind("soak", 0) == 0;
      }
      if (counts) out.insert({kind, id});
    }
    demand(!all.failed(), "the kernel does not tell of all its maps and programs", "run it as root");
  }
  return out;
}
std::set<kernel_thing> held(bool by_this_process) {
  std::set<kernel_thing> out;
  must(barebpf::each_holder([&](const barebpf::holder& seen) {
    if ((seen.process == own_number()) == by_this_process) out.insert({seen.kind, seen.id});
    return true;
  }));
  return out;
}
// What is there now, was not before, and is not another soak's that runs on this machine.
std::string what_is_left(const std::set<kernel_thing>& before) {
  static constexpr const char* words[] = {"map", "program", "link"};
  const auto of_others = held(false);
  std::string out;
  for (const kernel_thing& one : things_of_soaks()) {
    if (before.count(one) != 0 || of_others.count(one) != 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(words[static_cast<std::size_t>(one.first)]) + " " +
           std::to_string(one.second);
  }
  return out;
}

struct one_soak {
  const char* name;
  std::string (*run)(double seconds);
};
constexpr one_soak all_soaks[] = {
    {"pins", pins},     {"killed", killed},   {"vanishing", vanishing}, {"walks", walks},
    {"taking", taking}, {"ringbuf", ringbuf}, {"perfbuf", perfbuf},     {"user_ringbuf", user_ringbuf}};

int run(const one_soak& which, double seconds) {
  running = which.name;
  static_cast<void>(bpf_folder());
  const auto before = things_of_soaks();
  const int descriptors = open_descriptors();
  const std::string did = which.run(seconds);
  demand(open_descriptors() == descriptors,
         "of " + std::to_string(descriptors) + " open descriptors there are " +
             std::to_string(open_descriptors()) + " afterwards",
         "something was opened and not closed, or closed by somebody else");
  demand(names_in_bpf_folder().empty(), "pins are left: " + names_in_bpf_folder(),
         "all were removed, so one was made that nobody told of");
  // The kernel gives maps and programs back a moment after the last descriptor is closed.
  std::string left;
  for (int tries = 0; tries < 100; ++tries) {
    left = what_is_left(before);
    if (left.empty()) break;
    sleep_microseconds(100000);
  }
  demand(left.empty(), "the kernel still has " + left, "nobody holds them any more, so they are lost");
  std::printf("%s: %s, nothing left\n", which.name, did.c_str());
  return 0;
}

}  // namespace

void broken(const std::string& what, const std::string& meaning) {
  std::fprintf(stderr, "soak: %s: %s.\n  %s.\n", running, what.c_str(), meaning.c_str());
  std::fflush(nullptr);
  _exit(1);
}

std::string sentence(const barebpf::error& why) {
  char words[512];
  describe(why, words);
  return words;
}

void spin(std::uint32_t turns) {
  for (std::uint32_t left = turns; left != 0; --left) std::atomic_signal_fence(std::memory_order_seq_cst);
}
void sleep_microseconds(std::uint32_t length) {
  std::this_thread::sleep_for(std::chrono::microseconds(length));
}

std::uint32_t own_number() { return static_cast<std::uint32_t>(getpid()); }
std::uint32_t cpus() { return static_cast<std::uint32_t>(sysconf(_SC_NPROCESSORS_ONLN)); }
void stay_on_cpu(std::uint32_t cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  demand(sched_setaffinity(0, sizeof only, &only) == 0,
         "this process may not run on CPU " + std::to_string(cpu), "allow it all CPUs");
}

int open_descriptors() {
  int count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}
long own_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "RssAnon:") {
      long kib = 0;
      status >> kib;
      return kib;
    }
  broken("/proc/self/status does not tell how much memory this process has", "mount /proc");
}

void steady::look() {
  if (++rounds_ != warm_up) return;
  descriptors_ = open_descriptors();
  memory_ = own_memory();
}
void steady::demand_steady() const {
  if (rounds_ < warm_up) return;
  const int descriptors = open_descriptors();
  const long memory = own_memory();
  demand(descriptors == descriptors_,
         "from round " + std::to_string(warm_up) + " to round " + std::to_string(rounds_) +
             " the open descriptors went from " + std::to_string(descriptors_) + " to " +
             std::to_string(descriptors),
         "some round opens what it does not close");
  demand(memory <= memory_ + allowed_kib,
         "from round " + std::to_string(warm_up) + " to round " + std::to_string(rounds_) +
             " the memory went from " + std::to_string(memory_) + " to " + std::to_string(memory) + " KiB",
         "some round keeps what it allocates");
}

process::process(const std::function<void()>& act) {
  std::fflush(nullptr);
  const pid_t parent = getpid();
  number_ = fork();
  demand(number_ >= 0, "cannot fork", "end other processes or raise ulimit -u");
  if (number_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() == parent) act();
  _exit(0);
}
void process::demand_running() {
  int status = 0;
  if (waitpid(number_, &status, WNOHANG) != number_) return;
  number_ = -1;
  broken("a process ended too early, with status " + std::to_string(status),
         WIFEXITED(status) ? "it says why above" : "it crashed, so run it under a debugger");
}
void process::join() {
  int status = 0;
  demand(waitpid(std::exchange(number_, -1), &status, 0) > 0 && status == 0,
         "a process ended with status " + std::to_string(status),
         WIFEXITED(status) ? "it says why above" : "it crashed, so run it under a debugger");
}
void process::kill() {
  if (number_ < 0) return;
  ::kill(number_, SIGKILL);
  waitpid(std::exchange(number_, -1), nullptr, 0);
}

void* shared_memory(std::size_t size) {
  void* const out = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  demand(out != MAP_FAILED, "there is no memory for processes to share", "free some");
  return out;
}

const std::string& bpf_folder() {
  static const std::string path = [] {
    const long context = barebpf::system_call(barebpf::nr_fsopen, "bpf", 1);
    barebpf::system_call(barebpf::nr_fsconfig, context, 6, nullptr, nullptr, 0);
    const long mounted = barebpf::system_call(barebpf::nr_fsmount, context, 1, 0);
    barebpf::system_call(__NR_close, context);
    demand(mounted >= 0, "cannot make a BPF file system", "run it as root, on a kernel with one");
    return "/proc/self/fd/" + std::to_string(mounted);
  }();
  return path;
}
std::string names_in_bpf_folder() {
  std::string out;
  DIR* const folder = opendir(bpf_folder().c_str());
  demand(folder != nullptr, "the folder for pins cannot be read", "run it as root");
  // Those with a dot are the folder itself, and what the kernel puts into each BPF file system.
  while (const dirent* const one = readdir(folder))
    if (std::strchr(one->d_name, '.') == nullptr) out += (out.empty() ? "" : " ") + std::string(one->d_name);
  closedir(folder);
  return out;
}

void note_what_is_held() { noted.merge(held(true)); }

}  // namespace soak

int main(int count, char** arguments) {
  if (geteuid() != 0) {
    std::puts("skipped: maps and programs need root");
    return 77;
  }
  const double seconds = count == 3 ? std::atof(arguments[2]) : 0;
  for (const auto& one : soak::all_soaks)
    if (seconds > 0 && std::strcmp(arguments[1], one.name) == 0) return soak::run(one, seconds);
  std::fputs("soak NAME SECONDS, and these are the names:\n", stderr);
  for (const auto& one : soak::all_soaks) std::fprintf(stderr, "%s\n", one.name);
  return 2;
}
