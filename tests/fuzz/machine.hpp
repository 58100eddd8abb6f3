// SPDX-License-Identifier: MIT
// For rooms that read what the kernel says: a kernel that is an object of the test. A target that includes this defines
// BAREBPF_LIBC_SYSCALL in front of all else, so that each system call of the library comes here.
#ifndef BAREBPF_TESTS_FUZZ_MACHINE_HPP
#define BAREBPF_TESTS_FUZZ_MACHINE_HPP

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "../support/syscall_arguments.hpp"
#include "fuzz.hpp"

#ifndef BAREBPF_LIBC_SYSCALL
#error "define BAREBPF_LIBC_SYSCALL before anything is included, or the calls go to the real kernel"
#endif

/// Answers system calls while it lives; one at a time. Descriptors that are closed twice or never break a promise.
class machine {
 public:
  machine() { current = this; }
  virtual ~machine() {
    current = nullptr;
    promise(open_.empty(), "what was opened is closed");
  }
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  /// What the kernel would: the answer, or negative errno.
  virtual long answer(long number, const long* arguments) = 0;

  static inline machine* current = nullptr;

 protected:
  long add_descriptor() {
    open_.insert(next_);
    return next_++;
  }
  bool is_open(long descriptor) const { return open_.count(descriptor) != 0; }
  long close(long descriptor) {
    promise(open_.erase(descriptor) == 1, "what is closed is open");
    return 0;
  }

 private:
  std::set<long> open_;
  long next_ = 10;
};

/// Files and folders in memory, and what uname(2) says.
class file_machine : public machine {
 public:
  std::map<std::string, std::string> files;  ///< by their paths; a folder is there when a file is in it
  std::size_t longest_read = ~std::size_t{0};
  std::string words[6];  ///< of uname(2)
  std::size_t reads = 0;

  long answer(long number, const long* a) override {
    switch (number) {
      case __NR_openat:
        return open(a[0], reinterpret_cast<const char*>(a[1]));
      case __NR_close:
        return forget(a[0]);
      case __NR_read:
        return read(a[0], reinterpret_cast<char*>(a[1]), static_cast<std::size_t>(a[2]));
      case __NR_lseek:
        return seek(a[0], a[1], a[2]);
      case __NR_getdents64:
        return list(a[0], reinterpret_cast<char*>(a[1]), static_cast<std::size_t>(a[2]));
      case __NR_uname:
        return name_itself(reinterpret_cast<char*>(a[0]));
      default:
        return -ENOSYS;
    }
  }

 private:
  struct opened {
    std::string path;
    const std::string* content = nullptr;  // of a file
    std::vector<std::string> names{};      // of a folder
    std::size_t at = 0;
  };

  long open(long folder, const char* given) {
    std::string path = given;
    if (path.empty()) return -ENOENT;
    if (path[0] != '/' && is_open(folder)) path = opened_.at(folder).path + '/' + path;
    opened out{.path = path};
    if (const auto file = files.find(path); file != files.end()) {
      out.content = &file->second;
    } else {
      const std::string below = path + '/';
      std::set<std::string> names;
      for (auto in = files.lower_bound(below); in != files.end() && in->first.starts_with(below); ++in)
        names.insert(in->first.substr(below.size(), in->first.find('/', below.size()) - below.size()));
      if (names.empty()) return -ENOENT;
      out.names = {".", ".."};
      out.names.insert(out.names.end(), names.begin(), names.end());
    }
    const long number = add_descriptor();
    opened_[number] = std::move(out);
    return number;
  }
  long forget(long descriptor) {
    opened_.erase(descriptor);
    return close(descriptor);
  }
  long read(long descriptor, char* to, std::size_t room) {
    ++reads;
    promise(is_open(descriptor), "what is read is open");
    opened& from = opened_.at(descriptor);
    if (from.content == nullptr) return -EISDIR;
    const std::size_t left = from.content->size() - std::min(from.at, from.content->size());
    const std::size_t count = std::min({room, left, longest_read});
    if (count != 0) std::memcpy(to, from.content->data() + from.at, count);
    from.at += count;
    return static_cast<long>(count);
  }
  long seek(long descriptor, long offset, long whence) {
    promise(is_open(descriptor), "where a place is looked for is open");
    opened& in = opened_.at(descriptor);
    if (in.content == nullptr) return -EISDIR;
    in.at = static_cast<std::size_t>(offset) + (whence == 2 ? in.content->size() : 0);
    return static_cast<long>(in.at);
  }
  // struct linux_dirent64: inode, offset, length of the record, type, name.
  long list(long descriptor, char* to, std::size_t room) {
    promise(is_open(descriptor), "a folder that is listed is open");
    opened& in = opened_.at(descriptor);
    if (in.content != nullptr) return -ENOTDIR;
    std::size_t used = 0;
    for (; in.at < in.names.size(); ++in.at) {
      const std::string& name = in.names[in.at];
      const std::size_t length = (19 + name.size() + 1 + 7) / 8 * 8;
      if (length > room - used) break;
      std::memset(to + used, 0, length);
      const auto as_written = static_cast<std::uint16_t>(length);
      std::memcpy(to + used + 16, &as_written, sizeof as_written);
      std::memcpy(to + used + 19, name.data(), name.size());
      used += length;
    }
    return static_cast<long>(used);
  }
  long name_itself(char* to) const {
    constexpr std::size_t size = 65;
    std::memset(to, 0, size * 6);
    for (std::size_t i = 0; i < 6; ++i)
      std::memcpy(to + i * size, words[i].data(), std::min(words[i].size(), size - 1));
    return 0;
  }

  std::map<long, opened> opened_;
};

// Found before libc's, which only the library calls.
extern "C" long syscall(long number, ...) noexcept {
  if (number == SYS_gettid) return gettid();  // libc++ asks for it
  long arguments[6] = {};
  va_list list;
  va_start(list, number);
  read_syscall_arguments(number, list, arguments);
  va_end(list);
  promise(machine::current != nullptr, "nobody asks the kernel where there is none");
  const long answer = machine::current->answer(number, arguments);
  if (answer >= 0 || answer <= -4096) return answer;  // of 32 bits, an address may be negative
  errno = static_cast<int>(-answer);
  return -1;
}

#endif
