// SPDX-License-Identifier: MIT
// One program with the whole library: reads files, asks for memory, parses, and works with maps and programs of the
// running kernel. tests/checks/libraries.py builds it with each C library, tests/checks/memcheck.py watches its memory.
#include <cstdlib>
#include <new>
#ifdef WITHOUT_LIBRARY_OF_CXX
const std::nothrow_t std::nothrow{};
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* at) noexcept { std::free(at); }
void operator delete[](void* at) noexcept { std::free(at); }
void operator delete(void* at, std::size_t) noexcept { std::free(at); }
void operator delete[](void* at, std::size_t) noexcept { std::free(at); }
#endif
#include <barebpf.hpp>
#include "execve_counter.bpf.hpp"

#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstring>

#define CHECK(truth) \
  if (!(truth)) return std::printf("line %d: %s\n", __LINE__, #truth), 1

constexpr barebpf::static_object<execve_counter> object;
using hits = barebpf::hash_map<std::int32_t, std::int64_t>;

static int read_files() {
  char sentence[512];
  const auto missing = barebpf::object::open("/nonexistent");
  CHECK(!missing &&
        describe(missing.error(), sentence) ==
            "cannot open the file '/nonexistent': the kernel said ENOENT (2): there is no such file");
  CHECK(barebpf::possible_cpus().value_or(0) >= static_cast<unsigned>(sysconf(_SC_NPROCESSORS_ONLN)));
  const auto mappings = barebpf::user_mappings::read(static_cast<barebpf::u32>(getpid()));
  CHECK(mappings);
  const auto place = mappings->find(reinterpret_cast<std::uintptr_t>(&read_files));
  CHECK(!place.path.empty());
  return 0;
}
static int parse() {
  const auto network = barebpf::read_ipv6_prefix("2001:db8::/32");
  char written[44];
  CHECK(network && describe(*network, written, sizeof written) == "2001:db8::/32");
  unsigned char damaged[sizeof execve_counter];
  std::memcpy(damaged, execve_counter, sizeof damaged);
  damaged[0] = 0;
  CHECK(barebpf::object::open(damaged, sizeof damaged).error().why == barebpf::cause::not_elf);
  return 0;
}
[[gnu::noinline]] static int use_maps() {
  auto map = hits::create({.name = "hits", .max_entries = 300});
  CHECK(map);
  for (std::int32_t i = 0; i < 300; ++i) CHECK(map->update_elem(i, std::int64_t{1} << 33));
  CHECK(map->update_elem(300, 1).error().code == E2BIG);
  std::int64_t sum = 0;
  auto entries = map->entries();
  for (const auto [key, value] : entries) sum += value + key;
  CHECK(entries.error() == nullptr && sum == 300 * (std::int64_t{1} << 33) + 299 * 150);
  CHECK(map->delete_elem(7) && map->lookup_elem(7).error().code == ENOENT);

  auto array = barebpf::array_map<std::uint64_t>::create(
      {.name = "slots", .max_entries = 1000, .map_flags = barebpf::map_flag::mmapable});
  CHECK(array && array->update_elem(999, 5));
  auto values = array->map_values();
  CHECK(values && (*values)[999] == 5);
  (*values)[0] = 6;
  CHECK(array->lookup_elem(0).value_or(0) == 6);
  return 0;
}
template <class Loaded>
static int count_in(const Loaded& loaded) {
  auto map = loaded.template map<"hash_map", std::int32_t, std::int64_t>();
  CHECK(map.update_elem(0, 41) && map.lookup_elem(0).value_or(0) == 41);
  return 0;
}
static int load_both() {
  const auto loaded = object.load();
  CHECK(loaded && count_in(*loaded) == 0);
  const auto read = barebpf::object::open(execve_counter, sizeof execve_counter);
  CHECK(read);
  barebpf::verifier_log log;
  const auto again = read->load({.log = &log});
  CHECK(again);
  auto map = again->map<hits>("hash_map");
  CHECK(map && map->update_elem(0, 42) && map->lookup_elem(0).value_or(0) == 42);
  CHECK(loaded->template attach<"bpf_prog">());
  CHECK(again->attach("bpf_prog"));
  return 0;
}

int main() {
  if (read_files() != 0 || parse() != 0 || use_maps() != 0 || load_both() != 0) return 1;
#if defined(__GLIBC__)
  const char* const library = "glibc";
#else
  const char* const library = "musl";
#endif
#if defined(_LIBCPP_VERSION)
  const char* const of_cxx = "libc++";
#else
  const char* const of_cxx = "libstdc++";
#endif
  std::printf("%s %s %u bits\n", library, of_cxx, static_cast<unsigned>(sizeof(void*) * 8));
}
