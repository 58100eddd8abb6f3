// SPDX-License-Identifier: MIT
// What the kernel tests share: children that do one thing, counts of what is open, and ids that must vanish.
#ifndef BAREBPF_TESTS_SUPPORT_LIVE_HPP
#define BAREBPF_TESTS_SUPPORT_LIVE_HPP

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <string>
#include <vector>

#include "catch.hpp"
#include "library.hpp"

/// Runs `act` in a child and gives back its exit code, or 255 when it did not exit by itself.
template <class Function>
int in_child(Function act) {
  const pid_t child = fork();
  if (child == 0) _exit(act());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return 255;
  return WEXITSTATUS(status);
}

/// Makes `count` execve calls, one in each of as many children.
inline void call_execve(int count) {
  for (int i = 0; i < count; ++i) {
    in_child([] {
      execl("/bin/true", "true", static_cast<char*>(nullptr));
      return 1;
    });
  }
}

/// A file system of its own that is mounted nowhere, as a descriptor or negative errno.
inline long open_detached(const char* file_system) {
  const long context = barebpf::system_call(barebpf::nr_fsopen, file_system, 1);
  if (context < 0) return context;
  long mounted = barebpf::system_call(barebpf::nr_fsconfig, context, 6, nullptr, nullptr, 0);
  if (mounted >= 0) mounted = barebpf::system_call(barebpf::nr_fsmount, context, 1, 0);
  barebpf::system_call(__NR_close, context);
  return mounted;
}

/// The descriptors that tests share and that stay open until the program ends.
inline std::vector<int>& kept_descriptors() {
  static std::vector<int> all;
  return all;
}

/// How many descriptors this process has open.
inline int open_descriptors() {
  int count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count - 3;  // ".", ".." and the folder itself
}

/// The kernel's number for the map or program behind a descriptor; both structs have it second.
inline barebpf::u32 kernel_id(const barebpf::fd& of) {
  barebpf::u32 info[2] = {};
  barebpf::abi::obj_info attr{.bpf_fd = of.raw(), .info_len = sizeof info, .info = info};
  return barebpf::sys_bpf(barebpf::abi::command::obj_get_info_by_fd, attr) < 0 ? 0 : info[1];
}

/// True once the kernel knows no map (or program) of this number; it forgets them a moment after the last
/// descriptor is closed, so this waits up to five seconds.
inline bool vanishes(barebpf::abi::command get_fd_by_id, barebpf::u32 id) {
  for (int i = 0; i < 500; ++i) {
    const barebpf::abi::next_id attr{.start_id = id};
    const long found = barebpf::sys_bpf(get_fd_by_id, attr);
    if (found == -ENOENT) return true;
    if (found >= 0) close(static_cast<int>(found));
    const std::timespec moment{.tv_sec = 0, .tv_nsec = 10'000'000};
    nanosleep(&moment, nullptr);
  }
  return false;
}

/// The sentence of an error, to see in a failing test.
inline std::string sentence(const barebpf::error& why) {
  char buffer[512];
  describe(why, buffer);
  return buffer;
}

/// Ends the test when `result` is an error, whose sentence it shows.
template <class T>
void require(const barebpf::result<T>& result) {
  INFO((result ? std::string() : sentence(result.error())));
  REQUIRE(result.has_value());
}
/// What `made` holds, under the same condition.
template <class T>
T must(barebpf::result<T> made) {
  require(made);
  return std::move(*made);
}
inline void must(const barebpf::result<void>& done) { require(done); }

/// What a variable of 64 bits holds now.
template <barebpf::name Name, class Loaded>
std::uint64_t value_of(const Loaded& loaded) {
  return *must(loaded.template variable<Name, std::uint64_t>());
}

/// Loads an object whose programs look at nothing but what this process does; `set` gives more variables their values.
template <class Object, class Set>
auto load_for_this_process(const Object& object, Set set) {
  auto data = object.data();
  data.template variable<"only_process", std::uint32_t>() = static_cast<std::uint32_t>(getpid());
  set(data);
  auto loaded = object.load({.data = data.view()});
  require(loaded);
  return loaded;
}
template <class Object>
auto load_for_this_process(const Object& object) {
  return load_for_this_process(object, [](auto&) {});
}

/// True when `why` is this errno at this step, and its sentence ends with what that means there.
inline bool is_explained(const barebpf::error& why, barebpf::step at, int code) {
  const barebpf::text meaning = barebpf::hint(at, code);
  const std::string whole = sentence(why), end(meaning.data(), meaning.size());
  return why.at == at && why.code == code && why.why == barebpf::cause::none && !end.empty() &&
         whole.size() > end.size() && whole.compare(whole.size() - end.size(), end.size(), end) == 0;
}

#endif
