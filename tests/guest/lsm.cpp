// SPDX-License-Identifier: MIT
// Programs on security hooks, in a kernel that allows them, and values that belong to inodes, which only those programs
// can reach.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "../support/live.hpp"
#include "unlinked.bpf.hpp"

namespace {

constexpr barebpf::static_object<unlinked> object;

// A folder of the test's own, with as many files as asked for.
class test_folder {
 public:
  test_folder(const std::string& name, int files) : path_("/run/barebpf-" + name), files_(files) {
    REQUIRE(mkdir(path_.c_str(), 0700) == 0);
    descriptor_ = barebpf::fd::own(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int i = 0; i < files; ++i)
      REQUIRE(barebpf::fd::own(open(file(i).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)).is_open());
  }
  ~test_folder() {
    for (int i = 0; i < files_; ++i) unlink(file(i).c_str());
    rmdir(path_.c_str());
  }
  test_folder(const test_folder&) = delete;
  test_folder& operator=(const test_folder&) = delete;

  std::string file(int number) const { return path_ + "/" + std::to_string(number); }
  const barebpf::fd& descriptor() const { return descriptor_; }

 private:
  std::string path_;
  barebpf::fd descriptor_;
  int files_;
};

}  // namespace

TEST_CASE("lsm, a hook is called, and what it says counts", "[guest][needs hooks]") {
  const auto loaded = must(load_for_this_process(object));
  const test_folder folder("lsm", 3);
  auto verdict = must(loaded.variable<"verdict", std::int32_t>());
  barebpf::link attached = must(loaded.attach<"forbids">());
  CHECK(must(attached.info()).type == barebpf::abi::link_type::tracing);
  CHECK(unlink(folder.file(0).c_str()) == 0);
  *verdict = -EROFS;
  errno = 0;
  CHECK(unlink(folder.file(1).c_str()) == -1);
  CHECK(errno == EROFS);
  CHECK(*must(loaded.variable<"calls", std::uint64_t>()) == 2);

  attached.detach();
  CHECK(unlink(folder.file(1).c_str()) == 0);
  CHECK(*must(loaded.variable<"calls", std::uint64_t>()) == 2);
}

TEST_CASE("lsm, an object that is read at run time is attached in the same way", "[guest][needs hooks]") {
  const auto file = must(barebpf::object::open(unlinked, sizeof unlinked));
  auto data = must(file.data());
  *must(data.variable<std::uint32_t>("only_process")) = static_cast<std::uint32_t>(getpid());
  const auto loaded = must(file.load({.data = data.view()}));
  const test_folder folder("lsm-at-run-time", 1);
  const barebpf::link attached = must(loaded.attach("forbids"));
  *must(loaded.variable<std::int32_t>("verdict")) = -EROFS;
  CHECK(unlink(folder.file(0).c_str()) == -1);
  *must(loaded.variable<std::int32_t>("verdict")) = 0;
  CHECK(unlink(folder.file(0).c_str()) == 0);
}

TEST_CASE("inode_storage: a program counts in the value of each folder, and user space sees and sets it",
          "[guest][needs hooks]") {
  const auto loaded = must(load_for_this_process(object));
  const test_folder first("first", 4), second("second", 4), third("third", 0);
  auto losses = loaded.map<"losses", barebpf::owner_fd, std::uint64_t>();
  const barebpf::link attached = must(loaded.attach<"counts">());
  for (int i = 0; i < 3; ++i) REQUIRE(unlink(first.file(i).c_str()) == 0);
  REQUIRE(unlink(second.file(0).c_str()) == 0);
  CHECK(must(losses.lookup_elem(first.descriptor())) == 3);
  CHECK(must(losses.lookup_elem(second.descriptor())) == 1);
  CHECK(losses.lookup_elem(third.descriptor()).error().why == barebpf::cause::nothing_of_owner);

  must(losses.update_elem(second.descriptor(), 100));
  REQUIRE(unlink(second.file(1).c_str()) == 0);
  CHECK(must(losses.lookup_elem(second.descriptor())) == 101);
  must(losses.delete_elem(first.descriptor()));
  REQUIRE(unlink(first.file(3).c_str()) == 0);
  CHECK(must(losses.lookup_elem(first.descriptor())) == 1);
}

TEST_CASE("inode_storage: a value goes with its inode", "[guest][needs hooks]") {
  const auto loaded = must(load_for_this_process(object));
  auto losses = loaded.map<"losses", barebpf::owner_fd, std::uint64_t>();
  const barebpf::link attached = must(loaded.attach<"counts">());
  for (int round = 0; round < 100; ++round) {
    const test_folder folder("again", 1);
    CHECK(losses.lookup_elem(folder.descriptor()).error().why == barebpf::cause::nothing_of_owner);
    REQUIRE(unlink(folder.file(0).c_str()) == 0);
    CHECK(must(losses.lookup_elem(folder.descriptor())) == 1);
  }
}
