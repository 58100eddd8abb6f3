// SPDX-License-Identifier: MIT
// What a caller can do wrong with maps on the running kernel: each is said in a sentence of its own, and nothing
// half-made stays.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "execve_counter.bpf.hpp"

using barebpf::cause;
using barebpf::step;
using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;
using array = barebpf::array_map<std::uint64_t>;

namespace {

template <class Map = hash>
Map create(const char* name, barebpf::u32 flags = 0) {
  auto made = Map::create({.name = name, .max_entries = 2, .map_flags = flags});
  REQUIRE(made.has_value());
  return std::move(*made);
}

// The sentence of what must have failed.
template <class Result>
std::string said(const Result& refused) {
  REQUIRE_FALSE(refused.has_value());
  return sentence(refused.error());
}

// Checks that it failed with this errno at this step, and that its sentence says what that means.
template <class Result>
void check_refused(const Result& refused, step at, int code) {
  REQUIRE_FALSE(refused.has_value());
  CAPTURE(sentence(refused.error()), code);
  CHECK(is_explained(refused.error(), at, code));
}

// A map over a descriptor that is of something else.
template <class Map = hash>
Map over(int number) {
  return Map(barebpf::untyped_map::borrow(number, barebpf::to_kernel_name("mine")));
}

}  // namespace

TEST_CASE("a name with a dot is refused with the rule, to pin and to get") {
  const hash hits = create("hits");
  const std::string rule =
      ": the kernel said EPERM (1): the BPF file system takes no dots in names, and maps are pinned on it "
      "alone, so "
      "choose names without dots below /sys/fs/bpf";

  CHECK(said(hits.pin(bpf_folder() + "/hits.v1")) == "cannot pin 'hits.v1'" + rule);
  CHECK(said(hits.pin(bpf_folder() + "/.hits")) == "cannot pin '.hits'" + rule);
  CHECK(said(hits.pin(bpf_folder() + "/my.app/hits")) == "cannot pin 'hits'" + rule);
  CHECK(said(hash::get_pinned(bpf_folder() + "/hits.v1")) == "cannot get the pin 'hits.v1'" + rule);
  CHECK(said(hash::get_or_create(bpf_folder() + "/hits.v1", {.name = "hits", .max_entries = 2})) ==
        "cannot get the pin 'hits.v1'" + rule);
  // Dots that are no names are none of the kernel's concern.
  CHECK(hits.pin(bpf_folder() + "/./hits").has_value());

  CHECK(barebpf::unpin(bpf_folder() + "/hits").has_value());
}

TEST_CASE("a path that cannot hold a pin is refused with the reason") {
  const hash hits = create("hits");
  const std::string path = bpf_folder() + "/taken";
  REQUIRE(hits.pin(path).has_value());

  check_refused(hits.pin(path), step::obj_pin, EEXIST);
  check_refused(hits.pin(path + "/below"), step::obj_pin, ENOTDIR);
  CHECK(said(hits.pin("/dev/shm/barebpf")) ==
        "cannot pin 'barebpf': the kernel said EPERM (1): maps are pinned on the BPF file system only, so "
        "choose a "
        "path below /sys/fs/bpf and mount it: mount -t bpf bpf /sys/fs/bpf");
  check_refused(hits.pin(bpf_folder() + "/none/hits"), step::obj_pin, ENOENT);
  check_refused(hits.pin(bpf_folder() + "/" + std::string(256, 'n')), step::obj_pin, ENAMETOOLONG);
  check_refused(hits.pin("/" + std::string(4095, '/') + "p"), step::obj_pin, ENAMETOOLONG);
  check_refused(hash::get_pinned("/" + std::string(4095, '/') + "p"), step::obj_get, ENAMETOOLONG);
  check_refused(hash::get_pinned(path + "/below"), step::obj_get, ENOTDIR);
  check_refused(hash::get_pinned("/dev/null"), step::obj_get, EACCES);
  check_refused(hash::get_pinned(bpf_folder() + "/none"), step::obj_get, ENOENT);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("who may not write to a folder cannot pin in it") {
  const hash hits = create("hits");
  const std::string path = bpf_folder() + "/mine";
  REQUIRE(mkdir(path.c_str(), 0755) == 0);

  const int outcome = in_child([&] {
    if (setgid(65534) != 0 || setuid(65534) != 0) return 254;
    const auto refused = hits.pin(path + "/hits");
    if (refused) return 253;
    return is_explained(refused.error(), step::obj_pin, EACCES) ? 0 : refused.error().code;
  });

  CHECK((outcome == 0 || outcome == EPERM));  // EPERM before 5.19, for want of CAP_BPF
  CHECK(rmdir(path.c_str()) == 0);
}

TEST_CASE("a pinned program is no map, whatever its bytes say") {
  static constexpr barebpf::static_object<execve_counter> object;
  const auto loaded = object.load();
  REQUIRE(loaded.has_value());
  const std::string path = bpf_folder() + "/program";
  REQUIRE(barebpf::pin(loaded->program<"bpf_prog">(), path).has_value());
  const int before = open_descriptors();
  const std::string rule =
      "cannot ask about the map: this is a program, a link or something else and no map, so look at what the "
      "path or "
      "the descriptor belongs to";
  barebpf::map_differences differences;
  barebpf::btf_differences with_types;

  CHECK(said(hash::get_pinned(path, {}, &differences)) == rule);
  CHECK(said(hash::get_pinned<barebpf::identity_and_btf>(path, {}, &with_types)) == rule);
  CHECK(said(hash::from_fd(loaded->program<"bpf_prog">().number())) == rule);

  CHECK_FALSE(differences.any());
  CHECK_FALSE(with_types.any());
  CHECK(open_descriptors() == before);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("an index past the end of an array is called that, and a full hash full") {
  array slots = create<array>("slots");
  hash hits = create("hits");
  const std::string past =
      ": this index is past the end of the array, so stay below its max_entries or create it with more";
  std::uint64_t value = 0;

  CHECK(said(slots.lookup_elem(2)) ==
        "cannot look up a key in the map 'slots': the kernel said ENOENT (2)" + past);
  CHECK(said(slots.lookup_elem(2, value)) ==
        "cannot look up a key in the map 'slots': the kernel said ENOENT (2)" + past);
  CHECK(said(slots.update_elem(0xffffffff, 1)) ==
        "cannot update an element of the map 'slots': the kernel said E2BIG (7)" + past);
  check_refused(slots.update_elem(1, 1, barebpf::update::noexist), step::map_update_elem, EEXIST);
  const std::uint32_t indices[] = {1, 2};
  const std::uint64_t numbers[] = {1, 2};
  const auto some = slots.update_batch(indices, numbers);
  CHECK(said(some) == "cannot update a batch of the map 'slots': the kernel said E2BIG (7)" + past);
  CHECK(some.count() == 1);
  CHECK(slots.get_next_key(0xffffffff).value_or(9) == 0);  // the kernel begins again
  check_refused(slots.get_next_key(1), step::map_get_next_key, ENOENT);

  REQUIRE(hits.update_elem(1, 1).has_value());
  REQUIRE(hits.update_elem(2, 2).has_value());
  check_refused(hits.update_elem(3, 3), step::map_update_elem, E2BIG);
  const std::uint32_t keys[] = {2, 3};
  const std::uint64_t values[] = {2, 3};
  const auto batch = hits.update_batch(keys, values);
  check_refused(batch, step::map_update_batch, E2BIG);
  CHECK(batch.count() == 1);
}

TEST_CASE("a descriptor that is closed or of something else is called that by every operation") {
  const auto says = [](auto map, int code, step walk_ends_at, int walk_ends) {
    std::uint32_t keys[] = {1};
    std::uint64_t values[] = {1};
    barebpf::batch_cursor<std::uint32_t> cursor;
    check_refused(map.lookup_elem(1), step::map_lookup_elem, code);
    check_refused(map.update_elem(1, 1), step::map_update_elem, code);
    check_refused(map.delete_elem(1), step::map_delete_elem, code);
    check_refused(map.get_next_key(), step::map_get_next_key, code);
    check_refused(map.lookup_batch(cursor, keys, values), step::map_lookup_batch, code);
    auto range = map.entries();
    for (auto [key, value] : range) FAIL_CHECK("an element of nothing: " << key << " " << value);
    REQUIRE(range.error() != nullptr);
    CHECK(std::string(range.error()->name) == "mine");
    CHECK(is_explained(*range.error(), walk_ends_at, walk_ends));
  };
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(file > 2);
  says(over(file), EINVAL, step::obj_get_info_by_fd, EINVAL);
  check_refused(hash::from_fd(file), step::obj_get_info_by_fd, EINVAL);
  check_refused(barebpf::pin(over(file).descriptor(), bpf_folder() + "/null"), step::obj_pin, EINVAL);
  close(file);
  says(over(file), EBADF, step::map_lookup_batch, EBADF);
  check_refused(hash::from_fd(file), step::obj_get_info_by_fd, EBADFD);
  check_refused(over<array>(file).map_values(), step::obj_get_info_by_fd, EBADFD);
}

TEST_CASE("no map is ever one of the standard streams, though they be closed") {
  const hash hits = create("hits");
  const std::string path = bpf_folder() + "/hits";
  REQUIRE(hits.pin(path).has_value());
  const auto id = hits.info()->id;

  const int outcome = in_child([&] {
    for (int number = 0; number < 3; ++number) close(number);
    const int before = open_descriptors();
    {
      const auto made = hash::create({.name = "more", .max_entries = 1});
      const auto pinned = hash::get_pinned(path);
      const auto known = hash::read_only::from_id(id);
      const auto either = hash::get_or_create(path, {.name = "hits", .max_entries = 2});
      if (!made || !pinned || !known || !either) return 254;
      if (made->descriptor().number() < 3 || pinned->descriptor().number() < 3) return 253;
      if (known->descriptor().number() < 3 || either->descriptor().number() < 3) return 252;
      for (int number = 0; number < 3; ++number)
        if (fcntl(number, F_GETFD) != -1) return 251;
    }
    return open_descriptors() == before ? 0 : 250;
  });

  CHECK(outcome == 0);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("without descriptors left, every door says so and nothing stays") {
  const hash hits = create("hits");
  const std::string path = bpf_folder() + "/hits", other = bpf_folder() + "/other";
  REQUIRE(hits.pin(path).has_value());
  const auto id = hits.info()->id;

  const int outcome = in_child([&] {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    const int before = open_descriptors();
    const auto says = [](const auto& refused) {
      return !refused && is_explained(refused.error(), refused.error().at, EMFILE);
    };
    const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &none);
    const bool all = says(hash::create({.name = "more", .max_entries = 1})) && says(hash::get_pinned(path)) &&
                     says(hash::from_id(id)) && says(hash::get_or_create(path, {.max_entries = 2})) &&
                     says(hash::get_or_create(other, {.max_entries = 2}));
    setrlimit(RLIMIT_NOFILE, &limit);
    if (!all) return 254;
    if (hash::get_pinned(other)) return 253;
    return open_descriptors() == before ? 0 : 252;
  });

  CHECK(outcome == 0);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("without memory, nothing is made and it is said") {
  struct page {
    std::uint64_t words[512];
  };
  const int before = open_descriptors();
  check_refused(barebpf::array_map<page>::create({.name = "huge", .max_entries = 0x7fffffff}),
                step::map_create, barebpf::running_kernel() < barebpf::kernel(5, 11) ? E2BIG : ENOMEM);
  CHECK(open_descriptors() == before);

  auto slots = barebpf::array_map<page>::create(
      {.name = "slots", .max_entries = 4096, .map_flags = barebpf::map_flag::mmapable});
  REQUIRE(slots.has_value());
  const int outcome = in_child([&] {
    const rlimit little{.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    setrlimit(RLIMIT_AS, &little);
    const auto refused = slots->map_values();
    if (refused) return 254;
    return is_explained(refused.error(), step::map_memory, ENOMEM) ? 0 : 253;
  });
  CHECK(outcome == 0);
}

TEST_CASE("an id without the right to open it is refused with the way round") {
  const hash hits = create("hits");
  const auto id = hits.info()->id;

  const int outcome = in_child([id] {
    if (setgid(65534) != 0 || setuid(65534) != 0) return 254;
    const auto refused = hash::from_id(id);
    if (refused) return 253;
    return is_explained(refused.error(), step::map_get_fd_by_id, EPERM) ? 0 : 252;
  });

  CHECK(outcome == 0);
}
