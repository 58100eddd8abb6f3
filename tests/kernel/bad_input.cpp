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

  CHECK(said(hits.pin(path)) ==
        "cannot pin 'taken': the kernel said EEXIST (17): something is pinned under this path already, so "
        "get it or "
        "choose another path");
  CHECK(said(hits.pin(path + "/below")) ==
        "cannot pin 'below': the kernel said ENOTDIR (20): a part of this path is no folder");
  CHECK(said(hits.pin("/dev/shm/barebpf")) ==
        "cannot pin 'barebpf': the kernel said EPERM (1): maps are pinned on the BPF file system only, so "
        "choose a "
        "path below /sys/fs/bpf and mount it: mount -t bpf bpf /sys/fs/bpf");
  CHECK(said(hits.pin(bpf_folder() + "/none/hits")) ==
        "cannot pin 'hits': the kernel said ENOENT (2): the folder of this path does not exist, so make it");
  const std::string too_long =
      "': the kernel said ENAMETOOLONG (36): a name in this path has more than 255 bytes, or the path more "
      "than 4,095";
  CHECK(said(hits.pin(bpf_folder() + "/" + std::string(256, 'n'))) ==
        "cannot pin '" + std::string(47, 'n') + too_long);
  CHECK(said(hits.pin("/" + std::string(4095, '/') + "p")) == "cannot pin 'p" + too_long);
  CHECK(said(hash::get_pinned("/" + std::string(4095, '/') + "p")) == "cannot get the pin 'p" + too_long);
  CHECK(said(hash::get_pinned(path + "/below")) ==
        "cannot get the pin 'below': the kernel said ENOTDIR (20): a part of this path is no folder");
  CHECK(said(hash::get_pinned("/dev/null")) ==
        "cannot get the pin 'null': the kernel said EACCES (13): this is no pin, or one that the process may "
        "not open");
  CHECK(said(hash::get_pinned(bpf_folder() + "/none")) ==
        "cannot get the pin 'none': the kernel said ENOENT (2): nothing is pinned under this path");
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
    return sentence(refused.error()) ==
                   "cannot pin 'hits': the kernel said EACCES (13): the process may not write to this folder"
               ? 0
               : refused.error().code;
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
  CHECK(said(slots.update_elem(1, 1, barebpf::update::noexist)) ==
        "cannot update an element of the map 'slots': the kernel said EEXIST (17): the key is in the map "
        "already, and "
        "update::noexist only creates");
  const std::uint32_t indices[] = {1, 2};
  const std::uint64_t numbers[] = {1, 2};
  const auto some = slots.update_batch(indices, numbers);
  CHECK(said(some) == "cannot update a batch of the map 'slots': the kernel said E2BIG (7)" + past);
  CHECK(some.count() == 1);
  CHECK(slots.get_next_key(0xffffffff).value_or(9) == 0);  // the kernel begins again
  CHECK(said(slots.get_next_key(1)) ==
        "cannot find the next key of the map 'slots': the kernel said ENOENT (2): there is no key after this "
        "one");

  REQUIRE(hits.update_elem(1, 1).has_value());
  REQUIRE(hits.update_elem(2, 2).has_value());
  const std::string full = ": the map is full, so delete elements or create it with more max_entries";
  CHECK(said(hits.update_elem(3, 3)) ==
        "cannot update an element of the map 'hits': the kernel said E2BIG (7)" + full);
  const std::uint32_t keys[] = {2, 3};
  const std::uint64_t values[] = {2, 3};
  const auto batch = hits.update_batch(keys, values);
  CHECK(said(batch) == "cannot update a batch of the map 'hits': the kernel said E2BIG (7)" + full);
  CHECK(batch.count() == 1);
}

TEST_CASE("a descriptor that is closed or of something else is called that by every operation") {
  const auto says = [](auto map, const std::string& why, const std::string& walk_ends) {
    std::uint32_t keys[] = {1};
    std::uint64_t values[] = {1};
    barebpf::batch_cursor<std::uint32_t> cursor;
    const auto ends = [](const std::string& sentence, const std::string& reason) {
      CAPTURE(sentence);
      CHECK(sentence.substr(sentence.find("): ") + 3).find(reason) == 0);
      CHECK(sentence.find("'mine'") != std::string::npos);
    };
    ends(said(map.lookup_elem(1)), why);
    ends(said(map.update_elem(1, 1)), why);
    ends(said(map.delete_elem(1)), why);
    ends(said(map.get_next_key()), why);
    ends(said(map.lookup_batch(cursor, keys, values)), why);
    auto range = map.entries();
    for (auto [key, value] : range) FAIL_CHECK("an element of nothing: " << key << " " << value);
    REQUIRE(range.error() != nullptr);
    ends(sentence(*range.error()), walk_ends);
  };
  const int file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  REQUIRE(file > 2);
  says(over(file), "the descriptor is not of a map", "the descriptor is of something else");
  CHECK(said(hash::from_fd(file)) ==
        "cannot ask about the map: the kernel said EINVAL (22): the descriptor is of something else");
  CHECK(said(barebpf::pin(over(file).descriptor(), bpf_folder() + "/null")) ==
        "cannot pin 'null': the kernel said EINVAL (22): the descriptor is closed, or of what cannot be "
        "pinned");
  close(file);
  says(over(file), "the descriptor is closed", "the descriptor is closed");
  CHECK(said(hash::from_fd(file)) ==
        "cannot ask about the map: the kernel said EBADFD (77): the descriptor is closed");
  CHECK(said(over<array>(file).map_values()) ==
        "cannot ask about the map 'mine': the kernel said EBADFD (77): the descriptor is closed");
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
    const auto says = [&](const auto& refused) {
      if (refused || refused.error().code != EMFILE) return false;
      const std::string sentence_of = sentence(refused.error());
      return sentence_of.find("the process has too many files open, so close some or raise ulimit -n") !=
             std::string::npos;
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
  CHECK(said(barebpf::array_map<page>::create({.name = "huge", .max_entries = 0x7fffffff})) ==
        "cannot create the map 'huge': the kernel said ENOMEM (12): the kernel has no memory for so many "
        "entries, so "
        "ask for fewer");
  CHECK(open_descriptors() == before);

  auto slots = barebpf::array_map<page>::create(
      {.name = "slots", .max_entries = 4096, .map_flags = barebpf::map_flag::mmapable});
  REQUIRE(slots.has_value());
  const int outcome = in_child([&] {
    const rlimit little{.rlim_cur = 1 << 20, .rlim_max = 1 << 20};
    setrlimit(RLIMIT_AS, &little);
    const auto refused = slots->map_values();
    if (refused) return 254;
    return sentence(refused.error()) ==
                   "cannot map the memory of the map 'slots': the kernel said ENOMEM (12): there is not "
                   "enough memory "
                   "for it"
               ? 0
               : 253;
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
    return sentence(refused.error()) ==
                   "cannot open by its id the map: the kernel said EPERM (1): only CAP_SYS_ADMIN opens maps "
                   "by their "
                   "ids, so run the process as root, or pin the map and get the pin"
               ? 0
               : 252;
  });

  CHECK(outcome == 0);
}
