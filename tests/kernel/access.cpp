// SPDX-License-Identifier: MIT
// Descriptors that may only read or only write: what the kernel lets them do, held against the table, and the views
// of maps that are made of them.
#include <sys/stat.h>
#include <sys/utsname.h>

#include <array>
#include <cstdio>
#include <string>
#include <utility>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"

using barebpf::map_access;
using barebpf::map_flag;
using barebpf::map_type;
using barebpf::operation;
using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;
using array = barebpf::array_map<std::uint64_t>;

namespace {

constexpr std::array operations = {
    barebpf::can_lookup,
    barebpf::can_update,
    barebpf::can_delete,
    barebpf::can_get_next_key,
    barebpf::can_lookup_and_delete,
    barebpf::can_lookup_batch,
    barebpf::can_update_batch,
    barebpf::can_delete_batch,
    barebpf::can_lookup_and_delete_batch,
    barebpf::can_mmap,
    barebpf::can_freeze,  // the last one, because the map changes no more after it
};

// What the kernel says to an operation on key 0, which is in the map before each: 0 or an errno.
long attempt(const barebpf::fd& descriptor, operation wanted) {
  using barebpf::abi::command;
  const auto map = barebpf::untyped_map::borrow(descriptor.number(), {});
  std::uint32_t key = 0, next = 0, keys[64] = {}, count = 1;
  std::uint64_t value = 1, values[64] = {}, cursor[1] = {};
  switch (wanted) {
    case barebpf::can_lookup:
      return map.lookup_elem(&key, &value);
    case barebpf::can_update:
      return map.update_elem(&key, &value, 0);
    case barebpf::can_delete:
      return map.delete_elem(&key);
    case barebpf::can_get_next_key:
      return map.get_next_key(nullptr, &next);
    case barebpf::can_lookup_and_delete:
      return map.lookup_and_delete_elem(&key, &value);
    case barebpf::can_lookup_batch:
      count = 64;
      return map.batch(command::map_lookup_batch, nullptr, cursor, keys, values, count);
    case barebpf::can_update_batch:
      return map.batch(command::map_update_batch, nullptr, nullptr, keys, values, count);
    case barebpf::can_delete_batch:
      return map.batch(command::map_delete_batch, nullptr, nullptr, keys, nullptr, count);
    case barebpf::can_lookup_and_delete_batch:
      count = 64;
      return map.batch(command::map_lookup_and_delete_batch, nullptr, cursor, keys, values, count);
    case barebpf::can_mmap: {
      const long where = barebpf::detail::map_shared(4096, 1, descriptor.number());
      if (where < 0 && where > -4096) return where;
      return barebpf::system_call(__NR_munmap, where, 4096);
    }
    case barebpf::can_freeze:
      return map.freeze();
    default:  // no operation of its own, but a way to do one
      return -ENOSYS;
  }
}

template <class Map>
Map create(const char* name) {
  auto made = Map::create(
      {.name = name, .max_entries = 8, .map_flags = Map::type == map_type::array ? map_flag::mmapable : 0});
  REQUIRE(made.has_value());
  return std::move(*made);
}

// Every operation that the type has, on every descriptor that may do less, however it was opened.
template <class Map>
void holds_the_table_against_the_kernel() {
  constexpr barebpf::u32 known = barebpf::kind_of(Map::type).operations;
  const std::string path = bpf_folder() + "/access";
  for (const map_access access : {map_access::read_only, map_access::write_only}) {
    for (const bool by_pin : {false, true}) {
      Map whole = create<Map>("access");
      REQUIRE(whole.pin(path).has_value());
      barebpf::fd narrow;
      if (by_pin) {
        auto opened = barebpf::get_pin(path, barebpf::flag_of(access));
        REQUIRE(opened.has_value());
        narrow = std::move(*opened);
      } else {
        const barebpf::abi::next_id attr{.start_id = whole.info()->id,
                                         .open_flags = barebpf::flag_of(access)};
        narrow = barebpf::fd::own(barebpf::sys_bpf(barebpf::abi::command::map_get_fd_by_id, attr));
        REQUIRE(narrow.is_open());
      }
      REQUIRE(barebpf::unpin(path).has_value());
      for (const operation wanted : operations) {
        if ((known & wanted) == 0) continue;
        static_cast<void>(whole.update_elem(0, 5));
        const long answer = attempt(narrow, wanted);
        CAPTURE(Map::type, access, by_pin, wanted, answer);
        if ((operations_of(access) & wanted) != 0)
          CHECK((answer == 0 || answer == -ENOENT));  // ENOENT ends a batch
        else if (wanted == barebpf::can_mmap)
          CHECK(answer == (access == map_access::read_only ? -EINVAL : -EACCES));
        else if (wanted == barebpf::can_freeze && barebpf::running_kernel() < barebpf::kernel(6, 5))
          CHECK(answer == 0);  // whoever has CAP_BPF might freeze by any descriptor
        else
          CHECK(answer == -EPERM);
      }
    }
  }
}

}  // namespace

TEST_CASE("a narrowed descriptor may do what the table says, and nothing else") {
  holds_the_table_against_the_kernel<hash>();
  holds_the_table_against_the_kernel<barebpf::lru_hash_map<std::uint32_t, std::uint64_t>>();
  holds_the_table_against_the_kernel<array>();
}

TEST_CASE("both flags at once are refused at every door") {
  constexpr barebpf::u32 both = map_flag::rdonly | map_flag::wronly;
  const std::string path = bpf_folder() + "/both";
  const hash whole = create<hash>("both");
  REQUIRE(whole.pin(path).has_value());

  CHECK(hash::create({.name = "both", .max_entries = 1, .map_flags = both}).error().code == EINVAL);
  CHECK(hash::read_only::create({.name = "both", .max_entries = 1, .map_flags = map_flag::wronly})
            .error()
            .code == EINVAL);
  CHECK(barebpf::get_pin(path, both).error().code == EINVAL);
  const barebpf::abi::next_id attr{.start_id = whole.info()->id, .open_flags = both};
  CHECK(barebpf::sys_bpf(barebpf::abi::command::map_get_fd_by_id, attr) == -EINVAL);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("a read-only view reads what the map holds, and the kernel holds it to that") {
  const std::string path = bpf_folder() + "/seen";
  const int before = open_descriptors();
  {
    hash whole = create<hash>("seen");
    REQUIRE(whole.pin(path).has_value());
    REQUIRE(whole.update_elem(1, 10).has_value());

    const auto by_pin = hash::read_only::get_pinned(path);
    const auto by_id = hash::read_only::from_id(whole.info()->id);
    REQUIRE(by_pin.has_value());
    REQUIRE(by_id.has_value());
    for (const hash::read_only* view : {&*by_pin, &*by_id}) {
      CHECK(view->lookup_elem(1).value_or(0) == 10);
      CHECK(view->get_next_key().value_or(0) == 1);
      auto range = view->entries();
      int passed = 0;
      for (auto [key, value] : range) passed += key == 1 && value == 10;
      CHECK(passed == 1);
      CHECK(range.error() == nullptr);
      CHECK(view->info()->map_flags == 0);  // the map knows nothing of it
      // What no view allows, tried with the class of the map itself.
      hash same(barebpf::untyped_map::borrow(view->descriptor().number(), barebpf::to_kernel_name("seen")));
      const auto refused = same.update_elem(1, 11);
      REQUIRE_FALSE(refused.has_value());
      CHECK(is_explained(refused.error(), barebpf::step::map_update_elem, EPERM));
    }
    CHECK(whole.lookup_elem(1).value_or(0) == 10);
    CHECK(barebpf::unpin(path).has_value());
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("a write-only view writes what the map then holds, and the kernel lets it read nothing") {
  hash whole = create<hash>("fed");
  auto view = hash::write_only::from_id(whole.info()->id);
  REQUIRE(view.has_value());
  const std::uint32_t keys[] = {2, 3};
  const std::uint64_t values[] = {20, 30};

  REQUIRE(view->update_elem(1, 10).has_value());
  REQUIRE(view->update_batch(keys, values).has_value());
  REQUIRE(view->delete_elem(3).has_value());

  CHECK(whole.lookup_elem(1).value_or(0) == 10);
  CHECK(whole.lookup_elem(2).value_or(0) == 20);
  CHECK(whole.lookup_elem(3).error().code == ENOENT);
  const hash same(barebpf::untyped_map::borrow(view->descriptor().number(), barebpf::to_kernel_name("fed")));
  CHECK(is_explained(same.lookup_elem(1).error(), barebpf::step::map_lookup_elem, EPERM));
  REQUIRE(view->freeze().has_value());
  CHECK(whole.update_elem(1, 11).error().code == EPERM);
}

TEST_CASE("a created view is narrow, and its pin is not") {
  const std::string path = bpf_folder() + "/created";
  {
    const auto view = hash::read_only::get_or_create(path, {.name = "created", .max_entries = 4});
    REQUIRE(view.has_value());
    hash same(barebpf::untyped_map::borrow(view->descriptor().number(), {}));
    CHECK(same.update_elem(1, 1).error().code == EPERM);
  }
  auto whole = hash::get_or_create(path, {.name = "created", .max_entries = 4});
  REQUIRE(whole.has_value());
  CHECK(whole->update_elem(1, 10).has_value());
  CHECK(hash::read_only::get_or_create(path, {.name = "created", .max_entries = 4})
            ->lookup_elem(1)
            .value_or(0) == 10);
  CHECK(barebpf::unpin(path).has_value());
}

TEST_CASE("a view by type alone borrows the descriptor and opens nothing") {
  hash whole = create<hash>("lent");
  const int before = open_descriptors();

  {
    auto writer = whole.as_write_only();
    REQUIRE(writer.update_elem(4, 40).has_value());
    const auto reader = whole.as_read_only();
    CHECK(reader.lookup_elem(4).value_or(0) == 40);
    CHECK(reader.map_name() == "lent");
    CHECK(reader.descriptor().number() == whole.descriptor().number());
    CHECK(open_descriptors() == before);
  }

  CHECK(whole.lookup_elem(4).value_or(0) == 40);  // still open
}

TEST_CASE("the maps of a loaded object are viewed in the same way") {
  const auto object = barebpf::object::open(BAREBPF_TEST_OBJECTS "/execve_counter.bpf.o");
  REQUIRE(object.has_value());
  const auto loaded = object->load();
  REQUIRE(loaded.has_value());
  using counts = barebpf::hash_map<std::int32_t, std::int64_t>;
  auto writer = loaded->map<counts::write_only>("hash_map");
  const auto reader = loaded->map<counts::read_only>("hash_map");
  REQUIRE(writer.has_value());
  REQUIRE(reader.has_value());

  REQUIRE(writer->update_elem(3, 33).has_value());

  CHECK(reader->lookup_elem(3).value_or(0) == 33);
}

TEST_CASE("a const array is mapped for reading, and a narrowed one not at all") {
  array slots = create<array>("slots");
  REQUIRE(slots.update_elem(3, 30).has_value());

  const auto values = std::as_const(slots).map_values();
  REQUIRE(values.has_value());
  CHECK((*values)[3] == 30);
  static_assert(std::is_same_v<decltype((*values)[3]), const std::uint64_t&>);

  const auto narrow = array::read_only::from_id(slots.info()->id);
  REQUIRE(narrow.has_value());
  array same(barebpf::untyped_map::borrow(narrow->descriptor().number(), barebpf::to_kernel_name("slots")));
  CHECK(is_explained(std::as_const(same).map_values().error(), barebpf::step::map_memory, EINVAL));
  CHECK(is_explained(same.map_values().error(), barebpf::step::map_memory, EACCES));
}

TEST_CASE("whoever may only read a pin gets the map for reading only") {
  utsname kernel{};
  REQUIRE(uname(&kernel) == 0);
  int version = 0, patchlevel = 0;
  REQUIRE(std::sscanf(kernel.release, "%d.%d", &version, &patchlevel) == 2);
  // Before 5.19 whoever lacks CAP_BPF got no pin at all where unprivileged_bpf_disabled was set.
  const bool pins_are_for_all = version > 5 || patchlevel >= 19;
  const std::string path = bpf_folder() + "/public";
  hash whole = create<hash>("public");
  REQUIRE(whole.update_elem(1, 10).has_value());
  REQUIRE(whole.pin(path).has_value());
  REQUIRE(chmod(path.c_str(), 0444) == 0);

  const int outcome = in_child([&path] {
    if (setgid(65534) != 0 || setuid(65534) != 0) return 254;
    const auto refused = hash::get_pinned(path);
    if (refused || refused.error().code != EACCES) return refused ? 253 : refused.error().code;
    if (hash::write_only::get_pinned(path)) return 252;
    const auto view = hash::read_only::get_pinned(path);
    if (!view) return view.error().code;
    return view->lookup_elem(1).value_or(0) == 10 ? 0 : 251;
  });

  CHECK(outcome == (pins_are_for_all ? 0 : EPERM));
  CHECK(barebpf::unpin(path).has_value());
}
