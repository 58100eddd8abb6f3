// SPDX-License-Identifier: MIT
// Local storages on the running kernel: values that belong to threads, sockets, cgroups and files, and go with them;
// and arrays of cgroups.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

#include "../support/catch.hpp"
#include "../support/cgroup.hpp"
#include "../support/live.hpp"
#include "storages.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::fd;
using barebpf::step;
using barebpf::update;

constexpr barebpf::static_object<storages> object;

// As the program has them.
struct calls {
  std::uint64_t count, step;
  std::uint32_t thread, unused;
};
struct answers {
  std::int32_t is_inside, of_nothing;
};

auto load() { return load_for_this_process(object); }

constexpr unsigned of_a_thread = O_EXCL;  // PIDFD_THREAD, since 6.9
fd open_process(long id, unsigned flags = 0) {
  return fd::own(barebpf::system_call(SYS_pidfd_open, id, flags));
}
std::uint32_t this_thread() { return static_cast<std::uint32_t>(barebpf::system_call(SYS_gettid)); }
fd open_socket() { return fd::own(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }
fd open_memory(const char* name) { return fd::own(memfd_create(name, MFD_CLOEXEC)); }

// Makes a storage, in which nobody has a value yet.
template <class Storage>
Storage make() {
  auto made = Storage::create({.name = "storage"});
  INFO((made ? std::string() : sentence(made.error())));
  REQUIRE(made.has_value());
  return std::move(*made);
}

// What every storage does with the value of one owner, whom both descriptors stand for.
template <class Storage>
void use_elements(Storage& map, const fd& owner, const fd& again) {
  CHECK(map.lookup_elem(owner).error().why == cause::nothing_of_owner);
  CHECK(map.lookup_elem(owner).error().code == ENOENT);
  CHECK(map.delete_elem(owner).error().why == cause::nothing_of_owner);
  CHECK(map.update_elem(owner, 5, update::exist).error().why == cause::nothing_of_owner);

  REQUIRE(map.update_elem(owner, 5, update::noexist).has_value());
  CHECK(map.update_elem(again, 6, update::noexist).error().code == EEXIST);
  CHECK(map.lookup_elem(again).value_or(0) == 5);
  REQUIRE(map.update_elem(again, 6, update::exist).has_value());
  CHECK(map.lookup_elem(owner).value_or(0) == 6);
  REQUIRE(map.update_elem(owner, 7).has_value());
  REQUIRE(map.delete_elem(again).has_value());
  CHECK(map.lookup_elem(owner).error().code == ENOENT);
  REQUIRE(map.update_elem(owner, 8).has_value());
}

// Every operation on `key` is refused with `code`, and told to be about the owner.
template <class Storage>
void check_no_owner(Storage& map, int key, int code) {
  CAPTURE(key, code);
  for (const barebpf::error& refused :
       {map.lookup_elem(key).error(), map.update_elem(key, 1).error(), map.delete_elem(key).error()}) {
    CHECK(refused.code == code);
    CHECK(refused.why == cause::wrong_owner);
  }
}

}  // namespace

TEST_CASE("task_storage: a program counts for each thread, and user space reads, changes and removes",
          "[needs 5.12]") {
  const auto loaded = load();
  const auto counting = loaded->attach<"counts">();
  REQUIRE(counting.has_value());
  auto map = loaded->map<"calls_of_thread", barebpf::owner_fd, calls>();
  const fd process = open_process(getpid());
  REQUIRE(process.is_open());

  CHECK(map.lookup_elem(process).error().why == cause::nothing_of_owner);
  for (int i = 0; i < 3; ++i) static_cast<void>(getsid(0));
  REQUIRE(map.lookup_elem(process).has_value());
  CHECK(map.lookup_elem(process)->count == 3);
  CHECK(map.lookup_elem(process)->thread == this_thread());

  // What user space changes, the program goes on with.
  REQUIRE(map.update_elem(process, {.count = 100, .step = 10, .thread = 0, .unused = 0}, update::exist)
              .has_value());
  static_cast<void>(getsid(0));
  CHECK(map.lookup_elem(process)->count == 110);

  // Another thread has a value of its own, which goes with it.
  if (barebpf::running_kernel() >= barebpf::kernel(6, 9)) {
    fd other;
    std::uint64_t count = 0;
    std::uint32_t thread = 0, expected = 0;
    std::thread([&] {
      expected = this_thread();
      other = open_process(expected, of_a_thread);
      for (int i = 0; i < 2; ++i) static_cast<void>(getsid(0));
      const auto mine = map.lookup_elem(other);
      count = mine ? mine->count : 0;
      thread = mine ? mine->thread : 0;
    }).join();
    REQUIRE(other.is_open());
    CHECK(count == 2);
    CHECK(thread == expected);
    CHECK(thread != this_thread());
    // The kernel lets who waits for a thread go on a little before the thread has ended.
    for (int i = 0; i < 5000 && map.lookup_elem(other); ++i) usleep(1000);
    const auto left = map.lookup_elem(other);
    REQUIRE_FALSE(left.has_value());
    CHECK(left.error().why == cause::nothing_of_owner);
  }
  CHECK(map.lookup_elem(process)->count == 110);

  REQUIRE(map.delete_elem(process).has_value());
  static_cast<void>(getsid(0));
  CHECK(map.lookup_elem(process)->count == 1);
  CHECK(map.lookup_elem(process)->thread == this_thread());
}

TEST_CASE("task_storage: user space alone keeps values, and who has ended has none and gets none",
          "[needs 5.11]") {
  auto map = make<barebpf::task_storage_map<std::uint64_t>>();
  int pipe_ends[2];
  REQUIRE(pipe2(pipe_ends, O_CLOEXEC) == 0);
  const fd reading = fd::own(pipe_ends[0]);
  fd writing = fd::own(pipe_ends[1]);
  const pid_t child = fork();
  if (child == 0) {
    char nothing;
    writing = fd();
    _exit(read(reading.number(), &nothing, 1) == 0 ? 0 : 1);  // until the parent closes its end
  }
  REQUIRE(child > 0);
  const fd process = open_process(child), again = open_process(child);
  REQUIRE(again.is_open());

  use_elements(map, process, again);
  CHECK(map.lookup_elem(open_process(getpid())).error().why == cause::nothing_of_owner);

  writing = fd();
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(map.lookup_elem(process).error().why == cause::nothing_of_owner);
  CHECK(map.update_elem(process, 1).error().why == cause::nothing_of_owner);
  CHECK(map.update_elem(process, 1).error().code == ENOENT);
  CHECK(map.delete_elem(process).error().why == cause::nothing_of_owner);
}

TEST_CASE("sk_storage: a value belongs to the socket, by whichever descriptor") {
  auto map = make<barebpf::sk_storage_map<std::uint64_t>>();
  fd socket = open_socket();
  fd again = fd::own(barebpf::duplicate(socket.number()));
  REQUIRE(again.is_open());

  use_elements(map, socket, again);
  socket = fd();
  CHECK(map.lookup_elem(again).value_or(0) == 8);
  again = fd();
  CHECK(map.lookup_elem(open_socket()).error().why == cause::nothing_of_owner);
}

TEST_CASE("inode_storage: a value belongs to the file, by whichever descriptor", "[needs jit]") {
  auto map = make<barebpf::inode_storage_map<std::uint64_t>>();
  const fd file = open_memory("first"), other = open_memory("second");
  const std::string path = "/proc/self/fd/" + std::to_string(file.number());
  const fd again = fd::own(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(again.is_open());

  use_elements(map, file, again);
  CHECK(map.lookup_elem(other).error().why == cause::nothing_of_owner);
}

TEST_CASE("cgrp_storage: a value belongs to the cgroup, by whichever descriptor of its folder",
          "[needs 6.2]") {
  auto map = make<barebpf::cgrp_storage_map<std::uint64_t>>();
  const test_cgroup group("storage"), other("nothing");
  const auto again = barebpf::open_cgroup(group.path().c_str());
  INFO((again ? std::string() : sentence(again.error())));
  REQUIRE(again.has_value());

  use_elements(map, group.descriptor(), *again);
  CHECK(map.lookup_elem(other.descriptor()).error().why == cause::nothing_of_owner);
}

TEST_CASE("a key that is the descriptor of something else, or of nothing, is refused by every storage",
          "[needs 6.2][needs jit]") {
  const fd file = open_memory("file"), socket = open_socket(), process = open_process(getpid());
  int closed = 0;
  {
    const fd gone = open_process(getpid());
    closed = gone.number();
  }
  auto tasks = make<barebpf::task_storage_map<std::uint64_t>>();
  for (const int key : {closed, -1, file.number(), socket.number()}) check_no_owner(tasks, key, EBADF);
  auto groups = make<barebpf::cgrp_storage_map<std::uint64_t>>();
  for (const int key : {closed, -1, file.number(), process.number()}) check_no_owner(groups, key, EBADF);
  auto sockets = make<barebpf::sk_storage_map<std::uint64_t>>();
  for (const int key : {closed, -1}) check_no_owner(sockets, key, EBADF);
  for (const int key : {file.number(), process.number()}) check_no_owner(sockets, key, ENOTSOCK);
  auto files = make<barebpf::inode_storage_map<std::uint64_t>>();
  for (const int key : {closed, -1}) check_no_owner(files, key, EBADF);
}

TEST_CASE("a storage with types of its own is adopted by them, and takes flags beside the one that it needs",
          "[needs 5.13]") {
  struct record {
    char text[13];
  };
  const auto check = []<class Value>(Value) {
    using storage = barebpf::sk_storage_map<Value>;
    const int before = open_descriptors();
    const auto made = storage::create({.name = "typed", .map_flags = barebpf::map_flag::clone});
    INFO((made ? std::string() : sentence(made.error())));
    REQUIRE(made.has_value());
    CHECK(open_descriptors() == before + 1);
    CHECK(made->info()->map_flags == (barebpf::map_flag::clone | barebpf::map_flag::no_prealloc));
    CHECK(made->info()->btf_key_type_id == 1);
    CHECK(storage::template from_fd<barebpf::identity_and_btf>(made->descriptor().number(),
                                                               {.map_flags = barebpf::map_flag::clone})
              .has_value());
  };
  check(1);
  check(1u);
  check(true);
  check('c');
  check(std::uint64_t{1});
  check(cause::none);
  check(1.5f);
  check(1.5);
  check(record{});

  using signed_storage = barebpf::sk_storage_map<std::int64_t>;
  const auto made = barebpf::sk_storage_map<std::uint64_t>::create({.name = "typed"});
  REQUIRE(made.has_value());
  CHECK(signed_storage::from_fd<barebpf::identity_and_btf>(made->descriptor().number()).error().why ==
        cause::another_map);
  CHECK(barebpf::sk_storage_map<int>::create({.name = "typed", .max_entries = 1}).error().why ==
        cause::entries_not_wanted);
}

TEST_CASE("cgroup_array: a program tells the processes in a cgroup from those outside", "[needs 5.12]") {
  const auto loaded = load();
  const auto asking = loaded->attach<"asks">();
  REQUIRE(asking.has_value());
  auto cgroups = loaded->map<"cgroups", std::uint32_t, barebpf::cgroup_fd>();
  auto askers = loaded->map<"askers", std::uint32_t, answers>();
  const test_cgroup group("array"), below("array-" + std::to_string(getpid()) + "/below");
  const auto ask = [&askers] {
    const auto process = static_cast<std::uint32_t>(getpid());
    if (!askers.update_elem(process, {.is_inside = 99, .of_nothing = 99})) return 99;
    static_cast<void>(getpgid(0));
    const auto said = askers.lookup_elem(process);
    static_cast<void>(askers.delete_elem(process));
    // An empty slot is EAGAIN.
    return said && said->of_nothing == -EAGAIN ? said->is_inside : 98;
  };

  CHECK(ask() == -EAGAIN);
  const auto folder = barebpf::open_cgroup(group.path().c_str());
  REQUIRE(folder.has_value());
  REQUIRE(cgroups.update_elem(0, *folder).has_value());
  CHECK(ask() == 0);
  CHECK(group.run(ask) == 1);
  CHECK(below.run(ask) == 1);

  REQUIRE(cgroups.update_elem(0, below.descriptor()).has_value());
  CHECK(group.run(ask) == 0);
  CHECK(below.run(ask) == 1);
  REQUIRE(cgroups.delete_elem(0).has_value());
  CHECK(ask() == -EAGAIN);
  CHECK(cgroups.delete_elem(0).error().why == cause::empty_slot);
}

TEST_CASE("cgroup_array: what is no cgroup is refused, and so is a slot that is not there") {
  auto made = barebpf::cgroup_array_map::create({.name = "cgroups", .max_entries = 2});
  REQUIRE(made.has_value());
  const fd file = open_memory("file");
  const test_cgroup group("slots");

  for (const int value : {-1, file.number()}) {
    CHECK(made->update_elem(0, value).error().code == EBADF);
    CHECK(made->update_elem(0, value).error().why == cause::not_a_cgroup);
  }
  CHECK(made->update_elem(2, group.descriptor()).error().why == cause::no_such_slot);
  CHECK(made->delete_elem(0).error().why == cause::empty_slot);
}

TEST_CASE("a cgroup is opened by its path, and what is none is refused and explained") {
  const test_cgroup group("opened");
  const std::string mount = cgroup_folder();
  const int before = open_descriptors();

  CHECK(barebpf::open_cgroup(group.path().c_str()).has_value());
  CHECK(barebpf::open_cgroup(mount.c_str()).has_value());
  CHECK(barebpf::open_cgroup("/proc").error().why == cause::not_a_cgroup);
  CHECK(is_explained(barebpf::open_cgroup((group.path() + "/none").c_str()).error(), step::open_cgroup,
                     ENOENT));
  CHECK(is_explained(barebpf::open_cgroup((group.path() + "/cgroup.procs").c_str()).error(),
                     step::open_cgroup, ENOTDIR));
  CHECK(open_descriptors() == before);
}
