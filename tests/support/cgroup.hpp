// SPDX-License-Identifier: MIT
// A cgroup of the test's own, in the unified hierarchy whether that is mounted or not, removed when it goes.
#ifndef BAREBPF_TESTS_SUPPORT_CGROUP_HPP
#define BAREBPF_TESTS_SUPPORT_CGROUP_HPP

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>
#include <string>

#include "catch.hpp"
#include "live.hpp"

/// The root of all cgroups of version 2, as a file system that is mounted nowhere.
inline const std::string& cgroup_folder() {
  static const std::string path = [] {
    const long mounted = open_detached("cgroup2");
    kept_descriptors().push_back(static_cast<int>(mounted));
    return mounted < 0 ? std::string() : "/proc/self/fd/" + std::to_string(mounted);
  }();
  REQUIRE_FALSE(path.empty());
  return path;
}

/// A child of the root cgroup. Processes are put into it by `run`, never this one.
class test_cgroup {
 public:
  explicit test_cgroup(const std::string& name) {
    path_ = cgroup_folder() + "/barebpf-" + name + "-" + std::to_string(getpid());
    REQUIRE(mkdir(path_.c_str(), 0755) == 0);
    folder_ = barebpf::fd::own(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    REQUIRE(folder_.is_open());
  }
  ~test_cgroup() {
    folder_ = barebpf::fd();
    // A process that has just ended is in its cgroup for a moment more.
    const std::timespec moment{.tv_sec = 0, .tv_nsec = 10'000'000};
    for (int i = 0; i < 500 && rmdir(path_.c_str()) != 0 && errno == EBUSY; ++i) nanosleep(&moment, nullptr);
  }
  test_cgroup(const test_cgroup&) = delete;
  test_cgroup& operator=(const test_cgroup&) = delete;

  const std::string& path() const { return path_; }
  const barebpf::fd& descriptor() const { return folder_; }
  /// The kernel's number of it, as bpf_get_current_cgroup_id() gives.
  std::uint64_t id() const {
    struct stat about {};
    return stat(path_.c_str(), &about) == 0 ? about.st_ino : 0;
  }

  /// Does `act` in a child process that is in the cgroup, and gives back what it returns, or 255 when the child did not
  /// get so far.
  template <class Function>
  int run(Function act) const {
    const pid_t child = fork();
    if (child == 0) {
      const int door = ::open((path_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
      if (door < 0 || write(door, "0", 1) != 1) _exit(255);
      close(door);
      _exit(act());
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 255;
    return WEXITSTATUS(status);
  }

 private:
  std::string path_;
  barebpf::fd folder_;
};

#endif
