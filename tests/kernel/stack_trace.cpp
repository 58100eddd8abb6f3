// SPDX-License-Identifier: MIT
// Stacks of this process on the running kernel: the functions of a known chain are found in their order, by files and
// offsets and by build ids; those of the kernel by their names; and all of it in folded lines.
#include <link.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "stacks.bpf.hpp"

namespace {

using barebpf::cause;
using barebpf::step;

constexpr barebpf::static_object<stacks> object;
using addresses = barebpf::stack_addresses<127>;
using build_ids = barebpf::stack_build_ids<127>;

// As in the BPF program.
struct seen {
  std::uint32_t pid;
  std::int32_t user;
  std::int32_t kernel;
};

// Where each function of the chain returns to, the innermost first: these are the places in its stack. Its own place
// is in `innermost`, which makes the system call itself, for a C library has no frame pointers.
std::uint64_t returns_to[3];

#define REMEMBERS(place) \
  returns_to[place] =    \
      reinterpret_cast<std::uint64_t>(__builtin_extract_return_addr(__builtin_return_address(0)))
#define NO_TAIL_CALL __asm__ volatile("")

// Who calls nobody has no frame on s390x.
[[gnu::noinline]] void nobody() { NO_TAIL_CALL; }
[[gnu::noinline]] void innermost() {
  nobody();
  REMEMBERS(0);
  barebpf::system_call(__NR_getpgid, 0);
  NO_TAIL_CALL;
}
[[gnu::noinline]] void middle() {
  REMEMBERS(1);
  innermost();
  NO_TAIL_CALL;
}
[[gnu::noinline]] void outermost() {
  REMEMBERS(2);
  middle();
  NO_TAIL_CALL;
}
// The compiler must not know how often, or it makes several places of one call.
[[gnu::noinline]] void call_chain(int times) {
  __asm__ volatile("" : "+r"(times));
  for (int i = 0; i < times; ++i) outermost();
  NO_TAIL_CALL;
}
[[gnu::noinline]] void call_past_the_middle(int times) {
  __asm__ volatile("" : "+r"(times));
  for (int i = 0; i < times; ++i) innermost();
  NO_TAIL_CALL;
}

auto load() { return load_for_this_process(object); }

std::string to_string(barebpf::text from) { return {from.data(), from.size()}; }

// What the dynamic linker knows of the file that is mapped at `address`.
struct linked_place {
  std::uint64_t address = 0;
  std::uint64_t offset = 0;
  std::string build_id{};
  bool is_found = false;
};
int look_for(dl_phdr_info* file, std::size_t, void* into) {
  linked_place& place = *static_cast<linked_place*>(into);
  const auto segments = std::vector<ElfW(Phdr)>(file->dlpi_phdr, file->dlpi_phdr + file->dlpi_phnum);
  for (const auto& segment : segments) {
    const std::uint64_t begin = file->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || place.address < begin || place.address >= begin + segment.p_memsz)
      continue;
    place.offset = place.address - begin + segment.p_offset;
    place.is_found = true;
  }
  if (!place.is_found) return 0;
  for (const auto& segment : segments) {
    const auto* notes = reinterpret_cast<const char*>(file->dlpi_addr + segment.p_vaddr);
    for (std::size_t at = 0; segment.p_type == PT_NOTE && at + sizeof(ElfW(Nhdr)) <= segment.p_memsz;) {
      ElfW(Nhdr) note;
      std::memcpy(&note, notes + at, sizeof note);
      const std::size_t name = at + sizeof note, content = name + (note.n_namesz + 3) / 4 * 4;
      if (note.n_type == NT_GNU_BUILD_ID && std::string(notes + name, 3) == "GNU")
        place.build_id.assign(notes + content, note.n_descsz);
      at = content + (note.n_descsz + 3) / 4 * 4;
    }
  }
  return 1;
}
linked_place linked_at(std::uint64_t address) {
  linked_place out{.address = address};
  dl_iterate_phdr(look_for, &out);
  REQUIRE(out.is_found);
  return out;
}

std::string own_path() {
  char path[4096];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return {path, static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}
std::string hex(std::uint64_t number) {
  std::ostringstream out;
  out << std::hex << number;
  return out.str();
}
std::string frame(std::uint64_t address) {
  const std::string path = own_path();
  return path.substr(path.rfind('/') + 1) + "+0x" + hex(linked_at(address).offset);
}

template <class Map>
std::vector<std::pair<seen, std::uint64_t>> all_of(const Map& counts) {
  std::vector<std::pair<seen, std::uint64_t>> out;
  auto entries = counts.entries();
  for (const auto& [key, value] : entries) out.emplace_back(key, value);
  REQUIRE(entries.error() == nullptr);
  return out;
}

#if defined(__x86_64__)
const std::string entry_function = "do_syscall_64";
#elif defined(__aarch64__)
const std::string entry_function = "do_el0_svc";
#elif defined(__s390x__)
const std::string entry_function = "__do_syscall";
#else
const std::string entry_function = "sys";
#endif

}  // namespace

TEST_CASE("stack_trace: a chain of functions is found in its order, and the kernel's by their names",
          "[needs 6.12]") {
  const auto loaded = load();
  const auto link = loaded->attach<"sample">();
  REQUIRE(link.has_value());
  auto traces = loaded->map<"stacks", std::uint32_t, addresses>();
  call_chain(3);

  const auto counted = all_of(loaded->map<"counts", seen, std::uint64_t>());
  REQUIRE(counted.size() == 1);
  const auto [key, count] = counted[0];
  CHECK(count == 3);
  CHECK(key.pid == static_cast<std::uint32_t>(getpid()));
  REQUIRE(key.user >= 0);
  REQUIRE(key.kernel >= 0);

  const auto user = traces.lookup_elem(static_cast<std::uint32_t>(key.user));
  REQUIRE(user.has_value());
  REQUIRE(user->addresses().size() > 4);
  const auto inside = reinterpret_cast<std::uint64_t>(&innermost);
  CHECK(user->addresses()[0] > inside);
  CHECK(user->addresses()[0] < inside + 512);
  const auto mappings = barebpf::user_mappings::read(key.pid);
  INFO((mappings ? std::string() : sentence(mappings.error())));
  REQUIRE(mappings.has_value());
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    REQUIRE(user->addresses()[i + 1] == returns_to[i]);
    const auto place = mappings->find(returns_to[i]);
    CHECK(to_string(place.path) == own_path());
    CHECK(place.offset == linked_at(returns_to[i]).offset);
  }

  const auto symbols = barebpf::kernel_symbols::read();
  INFO((symbols ? std::string() : sentence(symbols.error())));
  REQUIRE(symbols.has_value());
  const auto kernel = traces.lookup_elem(static_cast<std::uint32_t>(key.kernel));
  REQUIRE(kernel.has_value());
  std::string names;
  for (const std::uint64_t address : kernel->addresses())
    names += to_string(symbols->find(address).symbol) + " ";
  CAPTURE(names);
  CHECK(names.find(entry_function) != std::string::npos);

  const barebpf::counted_stack stack{
      .comm = "chain", .user = user->addresses(), .kernel = kernel->addresses(), .count = count};
  const barebpf::stack_names from{.user = &*mappings, .kernel = &*symbols};
  std::string line;
  write_folded(stack, from, [&](barebpf::text piece) { line.append(piece.data(), piece.size()); });
  const std::string chain = ";" + frame(returns_to[2]) + ";" + frame(returns_to[1]) + ";" +
                            frame(returns_to[0]) + ";" + frame(user->addresses()[0]) + ";";
  CAPTURE(line, chain);
  CHECK(line.starts_with("chain;"));
  CHECK(line.find(chain) != std::string::npos);
  CHECK(line.find(chain) < line.find(";" + entry_function));
  CHECK(line.ends_with("_[k] 3\n"));
  char buffer[65536];
  const std::size_t length = write_folded(stack, from, buffer, sizeof buffer);
  CHECK(std::string(buffer, length) == line);
  CHECK(write_folded(stack, from, buffer, 8) == line.size());
}

TEST_CASE("stack_trace: other callers make another stack, which has no place in a map that is full") {
  const auto loaded = load();
  const auto link = loaded->attach<"sample">();
  REQUIRE(link.has_value());
  call_chain(3);
  call_past_the_middle(2);
  call_chain(1);

  std::vector<std::uint64_t> times;
  for (const auto& [key, count] : all_of(loaded->map<"counts", seen, std::uint64_t>()))
    times.push_back(count);
  std::sort(times.begin(), times.end());
  CHECK(times == std::vector<std::uint64_t>{1, 2, 3});
  CHECK(**loaded->variable<"kept", std::uint64_t>() == 3);
  CHECK(**loaded->variable<"collided", std::uint64_t>() == 3);
  CHECK(**loaded->variable<"other", std::uint64_t>() == 0);

  auto crowded = loaded->map<"crowded", std::uint32_t, addresses>();
  REQUIRE(crowded.lookup_elem(0).has_value());
  REQUIRE(crowded.delete_elem(0).has_value());
  call_past_the_middle(2);
  CHECK(**loaded->variable<"kept", std::uint64_t>() == 5);
}

TEST_CASE("stack_trace: a stack that is deleted is gone, and an id that was never given has none") {
  const auto loaded = load();
  const auto link = loaded->attach<"sample">();
  REQUIRE(link.has_value());
  auto traces = loaded->map<"stacks", std::uint32_t, addresses>();
  call_chain(1);
  const auto counted = all_of(loaded->map<"counts", seen, std::uint64_t>());
  REQUIRE(counted.size() == 1);
  const auto id = static_cast<std::uint32_t>(counted[0].first.user);

  REQUIRE(traces.lookup_elem(id).has_value());
  REQUIRE(traces.delete_elem(id).has_value());
  CHECK(traces.lookup_elem(id).error().why == cause::no_such_stack);
  CHECK(traces.delete_elem(id).error().why == cause::no_such_stack);
  CHECK(traces.lookup_elem(5000).error().why == cause::no_such_stack);
  CHECK(traces.lookup_elem(5000).error().code == ENOENT);
  CHECK(traces.delete_elem(5000).error().why == cause::no_such_slot);
}

TEST_CASE("stack_trace: build ids and offsets are those of the file") {
  const auto loaded = load();
  const auto link = loaded->attach<"sample">();
  REQUIRE(link.has_value());
  auto kept = loaded->map<"build_ids", std::uint32_t, build_ids>();
  call_chain(1);
  const auto id = **loaded->variable<"build_id", std::int64_t>();
  REQUIRE(id >= 0);

  const auto stack = kept.lookup_elem(static_cast<std::uint32_t>(id));
  REQUIRE(stack.has_value());
  REQUIRE(stack->places().size() > 4);
  for (std::size_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    const barebpf::build_id_place& place = stack->places()[i + 1];
    const linked_place expected = linked_at(returns_to[i]);
    REQUIRE(place.status == barebpf::build_id_place::state::valid);
    CHECK(place.offset == expected.offset);
    REQUIRE(expected.build_id.size() == sizeof place.build_id);
    CHECK(std::memcmp(place.build_id, expected.build_id.data(), sizeof place.build_id) == 0);
  }
  std::string line, digits;
  barebpf::write_folded({.comm = "ids", .user_ids = stack->places(), .count = 1}, {},
                        [&](barebpf::text piece) { line.append(piece.data(), piece.size()); });
  for (const char c : linked_at(returns_to[0]).build_id) {
    const auto byte = static_cast<unsigned char>(c);
    digits += hex(byte / 16u) + hex(byte % 16u);
  }
  CAPTURE(line);
  CHECK(line.find(";" + digits + "+0x" + hex(linked_at(returns_to[0]).offset) + ";") != std::string::npos);
}

TEST_CASE("stack_trace: addresses are not read as build ids, nor the other way round") {
  auto with_ids = barebpf::stack_build_id_map<4>::create({.name = "ids", .max_entries = 4});
  INFO((with_ids ? std::string() : sentence(with_ids.error())));
  REQUIRE(with_ids.has_value());
  auto with_addresses = barebpf::stack_trace_map<16>::create({.name = "addresses", .max_entries = 4});
  REQUIRE(with_addresses.has_value());
  REQUIRE(with_ids->info()->value_size == with_addresses->info()->value_size);

  barebpf::map_differences both;
  const auto ids = with_ids->info()->id, plain = with_addresses->info()->id;
  CHECK(barebpf::stack_trace_map<16>::from_id(ids, {}, &both).error().why == cause::another_map);
  char words[256];
  CHECK(to_string(describe(both, words, sizeof words)) == "map_flags: expected 0, found 32");
  CHECK(barebpf::stack_build_id_map<4>::from_id(plain, {}, &both).error().why == cause::another_map);
  CHECK(to_string(describe(both, words, sizeof words)) == "map_flags: expected 32, found 0");
  CHECK(barebpf::stack_build_id_map<4>::from_id(ids).has_value());
  CHECK(barebpf::stack_build_id_map<4>::from_id(ids, {.map_flags = 0}).has_value());
  CHECK(barebpf::stack_trace_map<16>::from_id(plain).has_value());

  const auto wrong = barebpf::stack_trace_map<16>::create(
      {.name = "wrong", .max_entries = 4, .map_flags = barebpf::map_flag::stack_build_id});
  CHECK(wrong.error().why == cause::stack_of_build_ids);
}

TEST_CASE("stack_trace: the kernel keeps no deeper stacks than its limit, and the error names it") {
  std::uint32_t limit = 0;
  std::ifstream("/proc/sys/kernel/perf_event_max_stack") >> limit;
  REQUIRE(limit > 0);
  if (limit == 127) {
    CHECK(barebpf::stack_trace_map<127>::create({.name = "deepest", .max_entries = 1}).has_value());
    const auto deep = barebpf::stack_trace_map<128>::create({.name = "deep", .max_entries = 1});
    CHECK(deep.error().why == cause::deep_stack);
    CHECK(deep.error().code == EINVAL);
  }
  const barebpf::abi::map_create attr{
      .map_type = 7, .key_size = 4, .value_size = (limit + 1) * 8, .max_entries = 1};
  CHECK(barebpf::create_map(attr) == -EINVAL);
}

TEST_CASE("kernel_symbols, every function of the kernel is found at its address, by the first of its names") {
  const auto symbols = barebpf::kernel_symbols::read();
  REQUIRE(symbols.has_value());
  std::ifstream list("/proc/kallsyms");
  std::map<std::uint64_t, std::string> first_names;
  std::size_t functions = 0;
  for (std::string line; std::getline(list, line);) {
    std::istringstream words(line);
    std::uint64_t address = 0;
    char type = 0;
    std::string symbol;
    words >> std::hex >> address >> type >> symbol;
    // Others load programs and modules meanwhile, and only the kernel's own functions stay.
    if (address == 0 || std::strchr("tTwW", type) == nullptr || line.ends_with(']')) continue;
    first_names.emplace(address, symbol);
    ++functions;
  }
  std::size_t wrong = 0;
  for (const auto& [address, symbol] : first_names) {
    const auto place = symbols->find(address);
    wrong += to_string(place.symbol) != symbol || place.offset != 0;
    if (first_names.count(address + 1) == 0) wrong += symbols->find(address + 1).offset != 1;
  }
  CHECK(wrong == 0);
  CHECK(symbols->size() >= functions);
  CHECK(symbols->find(1).symbol.empty());
}

TEST_CASE("kernel_symbols, zeros in place of addresses are told from a kernel without functions") {
  int paranoid = 0, restricted = 0;
  std::ifstream("/proc/sys/kernel/perf_event_paranoid") >> paranoid;
  std::ifstream("/proc/sys/kernel/kptr_restrict") >> restricted;
  const bool shown_to_all = restricted == 0 && paranoid <= 1;
  CHECK(in_child([&] {
          if (setgid(65534) != 0 || setuid(65534) != 0) return 2;
          const auto symbols = barebpf::kernel_symbols::read();
          if (shown_to_all) return symbols ? 0 : 3;
          return !symbols && symbols.error().why == cause::hidden_addresses ? 0 : 4;
        }) == 0);
}

TEST_CASE("user_mappings, those of another process, until it is gone") {
  int stop[2];
  REQUIRE(pipe(stop) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    char end;
    close(stop[1]);
    _exit(read(stop[0], &end, 1) == 0 ? 0 : 1);
  }
  close(stop[0]);
  const auto mappings = barebpf::user_mappings::read(static_cast<std::uint32_t>(child));
  close(stop[1]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);

  INFO((mappings ? std::string() : sentence(mappings.error())));
  REQUIRE(mappings.has_value());
  const auto own = reinterpret_cast<std::uint64_t>(&innermost);
  CHECK(to_string(mappings->find(own).path) == own_path());
  CHECK(mappings->find(0).path.empty());
  const auto gone = barebpf::user_mappings::read(static_cast<std::uint32_t>(child));
  CHECK(gone.error().why == cause::no_such_process);
  CHECK(gone.error().code == ENOENT);
}
