// SPDX-License-Identifier: MIT
// Arenas on the running kernel: lists of plain pointers that user space and programs both follow, where an arena may
// lie, and who else may have it.
#include <sys/mman.h>

#include <fstream>
#include <string>
#include <thread>
#include <utility>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "arena.bpf.hpp"

namespace {

using barebpf::arena_map;
using barebpf::cause;
using barebpf::map_arena;
using barebpf::map_flag;
using barebpf::mapped_arena;
using barebpf::step;

constexpr barebpf::static_object<arena> object;
constexpr std::uint64_t address_in_object = 0x70000000;
const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

struct node {
  node* next;
  std::uint64_t value, visits;
};
struct list {
  node *first, *largest;
  std::uint64_t sum, length, walks;
};
// A list at the start of the arena, of nodes behind it, each with its own number squared.
list& build_list(const mapped_arena& pages, unsigned length) {
  auto& out = pages.at<list>(0);
  out = {};
  node** link = &out.first;
  for (unsigned i = 0; i < length; ++i) {
    auto& next = pages.at<node>(sizeof(list) + i * sizeof(node));
    next = {.next = nullptr, .value = i * i, .visits = 0};
    *link = &next;
    link = &next.next;
  }
  return out;
}

int mappings_of_maps() {
  std::ifstream lines("/proc/self/maps");
  int count = 0;
  for (std::string line; std::getline(lines, line);) count += line.find("bpf-map") != std::string::npos;
  return count;
}

// Nothing is open and nothing mapped behind a test that was not before it.
class nothing_left {
 public:
  ~nothing_left() {
    CHECK(open_descriptors() == descriptors_);
    CHECK(mappings_of_maps() == mappings_);
  }

 private:
  int descriptors_ = open_descriptors(), mappings_ = mappings_of_maps();
};

arena_map create(unsigned pages, std::uint64_t address = 0, unsigned flags = 0) {
  return must(arena_map::create({.name = "pages",
                                 .max_entries = pages,
                                 .map_flags = map_flag::mmapable | flags,
                                 .map_extra = address}));
}
template <class T>
std::string said(const barebpf::result<T>& refused) {
  REQUIRE_FALSE(refused.has_value());
  return sentence(refused.error());
}
template <class T>
bool is_refused(const barebpf::result<T>& refused, step at, cause why, int code) {
  UNSCOPED_INFO(said(refused));
  return refused.error().at == at && refused.error().why == why && refused.error().code == code;
}

auto load(const barebpf::load_options& options = {}) {
  auto data = object.data();
  data.variable<"only_process", std::uint32_t>() = static_cast<std::uint32_t>(getpid());
  auto with = options;
  with.data = data.view();
  return must(object.load(with));
}
template <class Loaded>
void share(const Loaded& loaded, const list& what) {
  const auto shared = must(loaded.template variable<"shared", std::uint64_t>());
  *shared = reinterpret_cast<std::uintptr_t>(&what);
}
void check_walk(const mapped_arena& pages, const list& walked, unsigned length) {
  CHECK(walked.length == length);
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < length; ++i) sum += i * i;
  CHECK(walked.sum == sum);
  REQUIRE(pages.contains(walked.largest));
  CHECK(walked.largest == &pages.at<node>(sizeof(list) + (length - 1) * sizeof(node)));
  CHECK(walked.largest->value == std::uint64_t{length - 1} * (length - 1));
}

// Loads a program that refers to the arena and does nothing.
long load_user_of(const arena_map& arena) {
  barebpf::abi::insn code[] = {
      {.opcode = 0x18, .immediate = arena.descriptor().number()}, {}, {.opcode = 0xb7}, {.opcode = 0x95}};
  code[0].set_source(1);  // BPF_PSEUDO_MAP_FD
  const barebpf::abi::prog_load attr{.prog_type = static_cast<unsigned>(barebpf::abi::prog_type::tracepoint),
                                     .insn_cnt = 4,
                                     .insns = code,
                                     .license = "GPL"};
  return barebpf::sys_bpf(barebpf::abi::command::prog_load, attr);
}

}  // namespace

TEST_CASE("arena: a program walks over a list of plain pointers, and user space follows the one it leaves",
          "[needs 6.10][needs jit]") {
  const nothing_left check;
  const auto loaded = load();
  const auto attached = must(loaded.attach<"walks">());
  const auto pages = must(map_arena(loaded.map<"pages", barebpf::no_key, barebpf::no_value>()));
  CHECK(reinterpret_cast<std::uintptr_t>(pages.data()) == address_in_object);
  CHECK(pages.size() == 16 * page);
  CHECK(pages.bytes().size() == pages.size());

  const list& shared = build_list(pages, 900);  // over six pages
  share(loaded, shared);
  static_cast<void>(getpgid(0));
  check_walk(pages, shared, 900);
  static_cast<void>(getpgid(0));
  CHECK(shared.walks == 2);
  for (const node* at = shared.first; at != nullptr; at = at->next) REQUIRE(at->visits == 2);

  // An empty one: a null pointer stays one in both casts.
  static_cast<void>(build_list(pages, 0));
  static_cast<void>(getpgid(0));
  CHECK(shared.walks == 1);
  CHECK(shared.length == 0);
  CHECK(shared.largest == nullptr);
}

TEST_CASE("arena: an object that is read at run time has one in the same way", "[needs 6.10][needs jit]") {
  const nothing_left check;
  const auto opened = must(barebpf::object::open(BAREBPF_TEST_OBJECTS "/arena.bpf.o"));
  auto data = must(opened.data());
  *must(data.variable<std::uint32_t>("only_process")) = static_cast<std::uint32_t>(getpid());
  const auto loaded = must(opened.load({.data = data.view()}));
  const auto attached = must(loaded.attach("walks"));
  const auto map = must(loaded.map<arena_map>("pages"));
  const auto pages = must(map_arena(map));

  CHECK(loaded.variable<std::uint64_t>("read_from_absent", pages).error().why ==
        barebpf::cause::not_in_arena);
  struct renamed {
    std::uint32_t origin;
    std::int32_t change;
    std::uint64_t ports;
  };
  const auto described = must(must(barebpf::object::open(BAREBPF_TEST_OBJECTS "/layouts.bpf.o")).load());
  const auto other = described.variable<renamed>("last_flow", pages);
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().why == barebpf::cause::other_name);
  CHECK(std::string(other.error().name) == "last_flow:source");

  const list& shared = build_list(pages, 5);
  *must(loaded.variable<std::uint64_t>("shared")) = reinterpret_cast<std::uintptr_t>(&shared);
  static_cast<void>(getpgid(0));
  check_walk(pages, shared, 5);
}

TEST_CASE("arena: one that was mapped where the kernel found room replaces that of an object",
          "[needs 6.10][needs jit]") {
  const nothing_left check;
  const auto map = create(300);
  const auto pages = must(map_arena(map));
  CHECK(pages.size() == 300 * page);
  const barebpf::map_change changes[] = {object.change<"pages">({.replacement = map.descriptor().number()})};
  const auto loaded = load({.maps = changes});
  const auto attached = must(loaded.attach<"walks">());

  const list& shared = build_list(pages, 999);
  share(loaded, shared);
  static_cast<void>(getpgid(0));
  check_walk(pages, shared, 999);
}

TEST_CASE("arena: programs on several CPUs and user space add to the same words", "[needs 6.10][needs jit]") {
  const nothing_left check;
  const auto loaded = load();
  const auto attached = must(loaded.attach<"walks">());
  const auto pages = must(map_arena(loaded.map<"pages", barebpf::no_key, barebpf::no_value>()));
  const list& shared = build_list(pages, 10);
  share(loaded, shared);
  constexpr unsigned rounds = 2000;

  const auto walk = [](unsigned cpu) {
    cpu_set_t where;
    CPU_ZERO(&where);
    CPU_SET(cpu % static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN)), &where);
    static_cast<void>(sched_setaffinity(0, sizeof where, &where));  // any other will do
    for (unsigned i = 0; i < rounds; ++i) static_cast<void>(getpgid(0));
  };
  std::thread first(walk, 0u), second(walk, 1u);
  for (unsigned i = 0; i < rounds; ++i)
    for (node* at = shared.first; at != nullptr; at = at->next)
      __atomic_fetch_add(&at->visits, 1, __ATOMIC_RELAXED);
  first.join();
  second.join();

  CHECK(shared.walks == 2 * rounds);
  for (const node* at = shared.first; at != nullptr; at = at->next) REQUIRE(at->visits == 3 * rounds);
  check_walk(pages, shared, 10);
}

TEST_CASE("arena: what a program writes where no page is, is lost, until the page is brought in",
          "[needs 6.10][needs jit]") {
  const nothing_left check;
  const auto loaded = load();
  const auto attached = must(loaded.attach<"writes">());
  const auto pages = must(map_arena(loaded.map<"pages", barebpf::no_key, barebpf::no_value>()));
  const auto absent = must(loaded.variable<"absent", std::uint64_t>());
  const auto read = must(loaded.variable<"read_from_absent", std::uint64_t>());
  *absent = reinterpret_cast<std::uintptr_t>(pages.data() + 7 * page + 8);

  static_cast<void>(getsid(0));
  CHECK(*read == 0);
  CHECK(pages.at<std::uint64_t>(7 * page + 8) == 0);  // which brings it in
  static_cast<void>(getsid(0));
  CHECK(*read == 7);
  CHECK(pages.at<std::uint64_t>(7 * page + 8) == 7);

  *absent = reinterpret_cast<std::uintptr_t>(pages.data() + 9 * page);
  REQUIRE(pages.fault_in(9 * page, 1).has_value());
  static_cast<void>(getsid(0));
  CHECK(*read == 7);
  CHECK(pages.at<std::uint64_t>(9 * page) == 7);
  CHECK(pages.fault_in().has_value());
}

TEST_CASE("arena: a pointer is of it when all that it points to lies inside and is aligned",
          "[needs 6.9][needs arenas]") {
  const nothing_left check;
  const auto map = create(2);
  const auto pages = must(map_arena(map));
  const auto first = reinterpret_cast<std::uintptr_t>(pages.data());
  const auto contains = [&](std::uintptr_t where) {
    return pages.contains(reinterpret_cast<const node*>(where));
  };

  CHECK(contains(first));
  CHECK(contains(first + 2 * page - sizeof(node)));
  CHECK_FALSE(contains(first + 4));
  CHECK_FALSE(contains(first - 8));
  CHECK_FALSE(contains(first + 2 * page - sizeof(node) + 8));
  CHECK_FALSE(contains(first + 2 * page));
  CHECK_FALSE(contains(0));
  CHECK_FALSE(contains(~std::uintptr_t{7}));
}

TEST_CASE("arena: a program is loaded only once its arena has an address", "[needs 6.9][needs jit]") {
  const nothing_left check;
  const auto map = create(1);
  CHECK(load_user_of(map) == -EINVAL);
  {
    const auto pages = must(map_arena(map));
    const long program = load_user_of(map);
    REQUIRE(program >= 0);
    close(static_cast<int>(program));
  }
  // The address stays when nobody has it mapped any longer, and so does what lies there.
  const long again = load_user_of(map);
  REQUIRE(again >= 0);
  close(static_cast<int>(again));

  const auto placed = create(1, 1ull << 45);
  const long program = load_user_of(placed);
  REQUIRE(program >= 0);
  close(static_cast<int>(program));
}

TEST_CASE("arena: where it cannot be is refused with the reason", "[needs 6.9][needs arenas]") {
  const nothing_left check;
  const auto made = [](unsigned pages, std::uint64_t address, unsigned flags = map_flag::mmapable) {
    return arena_map::create(
        {.name = "pages", .max_entries = pages, .map_flags = flags, .map_extra = address});
  };
  CHECK(is_refused(made(1, (1ull << 44) + 1), step::map_create, cause::misplaced_arena, EINVAL));
  CHECK(is_refused(made(0, 0), step::map_create, cause::no_entries, EINVAL));
  CHECK(is_refused(made(1, 0, map_flag::mmapable | map_flag::rdonly), step::map_create,
                   cause::refused_map_flag, EINVAL));
  const auto crossing = made(4, (1ull << 44) - 2 * page);
  REQUIRE_FALSE(crossing.has_value());
  CHECK(is_explained(crossing.error(), step::map_create, ERANGE));
  const auto too_large = made(static_cast<unsigned>((1ull << 32) / page + 1), 0);
  REQUIRE_FALSE(too_large.has_value());
  CHECK(is_explained(too_large.error(), step::map_create, E2BIG));
  CHECK(said(too_large) ==
        "cannot create the map 'pages': the kernel said E2BIG (7): the keys and values are larger than the "
        "kernel allows, or an arena or before Linux 5.11 a whole map than 4 GiB, so make them smaller or "
        "fewer");

  // The largest there is lies between two borders.
  const auto largest = made(static_cast<unsigned>((1ull << 32) / page), 0);
  REQUIRE(largest.has_value());
  const auto all = must(map_arena(*largest));
  CHECK(reinterpret_cast<std::uintptr_t>(all.data()) % (1ull << 32) == 0);
  CHECK(all.contains(all.data() + (all.size() - 1)));

  const auto map = create(4);
  CHECK(is_refused(map_arena(map, (1ull << 45) + 8), step::map_memory, cause::misplaced_arena, 0));
  CHECK(said(map_arena(map, (1ull << 45) - page)) ==
        "cannot map the memory of the map 'pages': an arena begins at a page and does not cross a border of "
        "4 GiB in the address space, so choose another address for it");
  const auto pages = must(map_arena(map, (1ull << 45) - 4 * page));
  CHECK(reinterpret_cast<std::uintptr_t>(pages.data()) == (1ull << 45) - 4 * page);
}

TEST_CASE("arena: a second mapping is at the same address or nowhere", "[needs 6.9][needs arenas]") {
  const nothing_left check;
  const auto map = create(4);
  auto pages = must(map_arena(map));
  const auto address = reinterpret_cast<std::uintptr_t>(pages.data());

  CHECK(said(map_arena(map)) ==
        "cannot map the memory of the map 'pages': the kernel said EINVAL (22): an arena has one address and "
        "one size in all processes and this one was mapped differently before, so give the address where it "
        "is mapped whole");
  CHECK(is_refused(map_arena(map, 1ull << 45), step::map_memory, cause::arena_elsewhere, EINVAL));
  const auto twice = map_arena(map, address);
  REQUIRE_FALSE(twice.has_value());
  CHECK(is_explained(twice.error(), step::map_memory, EEXIST));

  pages.at<int>(page) = 5;
  const auto moved = std::move(pages);
  CHECK(moved.at<int>(page) == 5);
  CHECK(pages.size() == 0);
  {
    const auto gone = must(map_arena(create(1)));
    pages = must(map_arena(create(2)));  // its map lives as long as the mapping
  }
  pages.at<int>(page) = 6;
}

TEST_CASE("arena: it keeps its pages and its address while nobody has it mapped",
          "[needs 6.9][needs arenas]") {
  const nothing_left check;
  const auto map = create(4);
  std::uintptr_t address = 0;
  {
    const auto pages = must(map_arena(map));
    address = reinterpret_cast<std::uintptr_t>(pages.data());
    pages.at<int>(page) = 5;
  }
  CHECK(must(map_arena(map, address)).at<int>(page) == 5);

  // Who took fewer pages than there are has decided for all.
  const auto shorter = create(4);
  void* const two =
      mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, shorter.descriptor().number(), 0);
  REQUIRE(two != MAP_FAILED);
  munmap(two, 2 * page);
  const auto whole = map_arena(shorter, reinterpret_cast<std::uintptr_t>(two));
  REQUIRE_FALSE(whole.has_value());
  CHECK(is_explained(whole.error(), step::map_memory, E2BIG));
}

TEST_CASE("arena: once it was mapped it cannot be frozen, and a frozen one cannot be mapped",
          "[needs 6.9][needs arenas]") {
  const nothing_left check;
  auto map = create(1);
  {
    const auto pages = must(map_arena(map));
    const auto refused = map.freeze();
    REQUIRE_FALSE(refused.has_value());
    CHECK(is_explained(refused.error(), step::map_freeze, EBUSY));
  }
  CHECK(map.freeze().error().code == EBUSY);

  auto frozen = create(1);
  REQUIRE(frozen.freeze().has_value());
  const auto pages = map_arena(frozen);
  REQUIRE_FALSE(pages.has_value());
  CHECK(is_explained(pages.error(), step::map_memory, EPERM));
}

TEST_CASE("arena: pages that cannot be brought in are an error and no signal", "[needs 6.9][needs arenas]") {
  const nothing_left check;
  const auto map = create(2);
  const auto pages = must(map_arena(map));
  const auto unaligned = pages.fault_in(8), behind = pages.fault_in(2 * page, page);
  REQUIRE_FALSE(unaligned.has_value());
  CHECK(is_explained(unaligned.error(), step::fault_in, EINVAL));
  REQUIRE_FALSE(behind.has_value());
  CHECK(is_explained(behind.error(), step::fault_in, ENOMEM));

  const auto strict = create(2, 0, map_flag::segv_on_fault);
  const auto none = must(map_arena(strict)).fault_in();
  REQUIRE_FALSE(none.has_value());
  CHECK(is_explained(none.error(), step::fault_in, EFAULT));
}

TEST_CASE("arena: another process adopts it by id or pin, and finds the same pointers",
          "[needs 6.9][needs arenas]") {
  const std::string pin = bpf_folder() + "/arena";
  const nothing_left check;
  const auto map = create(4, 1ull << 45);
  REQUIRE(map.pin(barebpf::text(pin.c_str())).has_value());
  auto pages = must(map_arena(map));
  const list& shared = build_list(pages, 20);
  const auto id = must(map.info()).id;

  CHECK_FALSE(arena_map::from_id(id, {.max_entries = 5}).has_value());
  const int by_id = in_child([&] {
    { const auto inherited = std::move(pages); }  // which older kernels hand on, and newer ones do not
    const auto adopted = arena_map::from_id(id, {.max_entries = 4});
    if (!adopted) return 1;
    const auto mine = map_arena(*adopted);
    if (!mine) return 2;
    std::uint64_t sum = 0;
    const list& found = mine->at<list>(0);
    for (node* at = found.first; at != nullptr; at = at->next) {
      if (!mine->contains(at)) return 3;
      sum += at->value++;
    }
    return static_cast<int>(sum % 251);
  });
  CHECK(by_id == 2470 % 251);
  const int by_pin = in_child([&] {
    { const auto inherited = std::move(pages); }
    const auto adopted = arena_map::get_pinned(barebpf::text(pin.c_str()));
    if (!adopted) return 1;
    const auto mine = map_arena(*adopted);
    if (!mine) return 2;
    node* const second = mine->at<list>(0).first->next;
    if (!mine->contains(second) || second->value != 2) return 3;
    second->visits = 77;
    return 0;
  });
  CHECK(by_pin == 0);
  CHECK(shared.first->next->visits == 77);
  CHECK(barebpf::unpin(barebpf::text(pin.c_str())).has_value());
}
