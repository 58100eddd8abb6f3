// SPDX-License-Identifier: MIT
// scenarios NAME [FAILING_ALLOCATION]: does one thing with the library and says in one line how it ended, `ok` or
// `STEP ERRNO`, and what was there before and after. tests/checks/faults.py lets each of its system calls fail in
// turn. What only prepares stands outside the two calls of getppid, which the library never makes.
#include <dirent.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>

#include <barebpf/barebpf.hpp>

#include "../support/trace_point.hpp"

#include "attach_network.bpf.hpp"
#include "attach_sockets.bpf.hpp"
#include "attach_tracing.bpf.hpp"
#include "attach_traffic.bpf.hpp"
#include "attach_user.bpf.hpp"
#include "congestion.bpf.hpp"
#include "execve_counter.bpf.hpp"
#include "one_field.bpf.hpp"

namespace {

long live_allocations = 0, allocations_until_failure = 0, failing_allocation = 0;

}  // namespace

// All other forms of new and delete come to these. NOLINTBEGIN
void* operator new(std::size_t size) {
  if (allocations_until_failure > 0 && --allocations_until_failure == 0) throw std::bad_alloc();
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  ++live_allocations;
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) --live_allocations;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
// NOLINTEND

namespace {

using hash = barebpf::hash_map<std::uint32_t, std::uint64_t>;
using slots = barebpf::array_map<std::uint64_t>;
using barebpf::error;
using verdict = std::optional<error>;

constexpr barebpf::static_object<execve_counter> counter;
constexpr barebpf::static_object<one_field> field;
constexpr barebpf::static_object<attach_user> probes;
constexpr barebpf::static_object<attach_network> network;
constexpr barebpf::static_object<attach_traffic> traffic;
constexpr barebpf::static_object<attach_tracing> tracing;
constexpr barebpf::static_object<attach_sockets> sockets;
constexpr barebpf::static_object<congestion> operations;

int count_lines(const char* path, const char* word) {
  int count = 0;
  char line[1024];
  std::FILE* const file = std::fopen(path, "r");
  while (std::fgets(line, sizeof line, file) != nullptr) count += std::strstr(line, word) != nullptr;
  std::fclose(file);
  return count;
}
int count_entries(const char* path) {
  int count = 0;
  DIR* const folder = opendir(path);
  while (const dirent* const one = readdir(folder)) count += one->d_name[0] != '.';
  closedir(folder);
  return count;
}

// A BPF file system that is mounted nowhere and goes with the process.
char bpf_folder[64], pin_path[80];
void make_bpf_folder() {
  const long context = barebpf::system_call(barebpf::nr_fsopen, "bpf", 1);
  barebpf::system_call(barebpf::nr_fsconfig, context, 6, nullptr, nullptr, 0);
  const long mounted = barebpf::system_call(barebpf::nr_fsmount, context, 1, 0);
  barebpf::system_call(__NR_close, context);
  if (mounted < 0) std::exit(3);
  std::snprintf(bpf_folder, sizeof bpf_folder, "/proc/self/fd/%ld", mounted);
  std::snprintf(pin_path, sizeof pin_path, "%s/hits", bpf_folder);
}

template <class Result>
auto must(Result result) {
  if (result) return std::move(*result);
  char sentence[512];
  describe(result.error(), sentence);
  std::fprintf(stderr, "%s\n", sentence);
  std::exit(3);
}
hash make_hash() { return must(hash::create({.name = "hits", .max_entries = 64})); }

struct state {
  std::optional<hash> map{};
  std::optional<slots> array{};
  std::optional<decltype(counter.load())> loaded{};
  std::optional<decltype(probes.load())> with_probes{};
  std::optional<decltype(network.load())> with_network{};
  std::optional<decltype(traffic.load())> with_traffic{};
  std::optional<decltype(tracing.load())> with_tracing{};
  std::optional<decltype(sockets.load())> with_sockets{};
  std::optional<decltype(operations.load())> with_operations{};
  barebpf::fd ring{};
  int place = -1;        // where something is attached to
  std::uint32_t id = 0;  // of a map, or of this process
};

verdict create(state&) {
  const auto made = hash::create({.name = "hits", .max_entries = 4});
  return made ? verdict() : made.error();
}
verdict create_storage(state&) {
  const auto made = barebpf::task_storage_map<int>::create({.name = "calls"});
  return made ? verdict() : made.error();
}
void close_stdin(state&) { close(0); }

verdict load_static(state&) {
  const auto loaded = counter.load();
  return loaded ? verdict() : loaded.error();
}
verdict fit_static(state&) {
  const auto loaded = field.load<barebpf::load_policy{.core = barebpf::core_way::library}>();
  return loaded ? verdict() : loaded.error();
}
verdict load_object(state&) {
  const auto file = barebpf::object::open(BAREBPF_TEST_OBJECTS "/execve_counter.bpf.o");
  if (!file) return file.error();
  barebpf::verifier_log log;
  const auto loaded = file->load({.log = &log});
  if (!loaded) return loaded.error();
  const auto hits = loaded->map<barebpf::hash_map<std::int32_t, std::int64_t>>("hash_map");
  return hits ? verdict() : hits.error();
}

void load_counter(state& has) {
  has.loaded.emplace(counter.load());
  if (!*has.loaded) std::exit(3);
}
verdict attach(state& has) {
  const auto link = (*has.loaded)->attach<"bpf_prog">();
  if (!link) return link.error();
  if (!link->is_attached()) return error{.code = ENOTCONN};
  return {};
}

verdict pin(state&) {
  const auto made = hash::create({.name = "hits", .max_entries = 4});
  if (!made) return made.error();
  if (const auto pinned = made->pin(pin_path); !pinned) return pinned.error();
  const auto gone = barebpf::unpin(pin_path);
  return gone ? verdict() : gone.error();
}
verdict get_or_create(state&) {
  const auto made = hash::get_or_create(pin_path, {.name = "hits", .max_entries = 4});
  if (!made) return made.error();
  const auto gone = barebpf::unpin(pin_path);
  return gone ? verdict() : gone.error();
}

void prepare_pin(state& has) {
  has.map = make_hash();
  if (!has.map->pin(pin_path)) std::exit(3);
  has.id = must(has.map->info()).id;
}
verdict adopt(state& has) {
  const auto by_path = hash::get_pinned(pin_path);
  if (!by_path) return by_path.error();
  const auto by_id = hash::from_id(has.id);
  if (!by_id) return by_id.error();
  const auto by_number = hash::from_fd(has.map->descriptor().number());
  return by_number ? verdict() : by_number.error();
}
void remove_pin(state&) {
  if (!barebpf::unpin(pin_path)) std::exit(3);
}

void fill(state& has) {
  has.map = make_hash();
  for (std::uint32_t key = 0; key < 24; ++key)
    if (!has.map->update_elem(key, key)) std::exit(3);
}
verdict walk_batches(state& has) {
  std::array<std::uint32_t, 16> keys;
  std::array<std::uint64_t, 16> values;
  auto range = has.map->entries(keys, values);
  std::uint64_t sum = 0, count = 0;
  for (auto [key, value] : range) sum += value, ++count;
  if (const error* const why = range.error()) return *why;
  if (count != 24 || sum != 276) return error{.code = EILSEQ};
  return {};
}
verdict walk_steps(state& has) {
  auto range = has.map->entries({}, {});
  std::uint64_t sum = 0, count = 0;
  for (auto [key, value] : range) {
    sum += value, ++count;
    if (count == 3) return {};
  }
  if (const error* const why = range.error()) return *why;
  return error{.code = EILSEQ};
}
verdict batches(state& has) {
  std::array<std::uint32_t, 8> keys{1, 2, 3, 4, 5, 6, 7, 8};
  std::array<std::uint64_t, 8> values{};
  if (const auto done = has.map->update_batch(keys, values); !done) return done.error();
  if (const auto done = has.map->delete_batch(keys); !done) return done.error();
  std::array<std::uint32_t, 64> more_keys;
  std::array<std::uint64_t, 64> more_values;
  barebpf::batch_cursor<std::uint32_t> cursor;
  const auto taken = has.map->lookup_and_delete_batch(cursor, more_keys, more_values);
  if (!taken) return taken.error();
  return taken.count() == 16 ? verdict() : error{.code = EILSEQ};
}
verdict elements(state& has) {
  if (const auto done = has.map->update_elem(100, 1); !done) return done.error();
  if (const auto found = has.map->lookup_elem(100); !found) return found.error();
  if (const auto next = has.map->get_next_key(); !next) return next.error();
  if (const auto taken = has.map->lookup_and_delete_elem(100); !taken) return taken.error();
  if (const auto done = has.map->delete_elem(1); !done) return done.error();
  if (const auto done = has.map->freeze(); !done) return done.error();
  return {};
}

void make_array(state& has) {
  has.array =
      must(slots::create({.name = "slots", .max_entries = 600, .map_flags = barebpf::map_flag::mmapable}));
}
verdict map_memory(state& has) {
  const auto values = has.array->map_values();
  if (!values) return values.error();
  (*values)[7] = 7;
  return {};
}

template <barebpf::map_type Type>
void make_ring(state& has) {
  constexpr bool has_slots = Type == barebpf::map_type::perf_event_array;
  has.ring.fill(barebpf::create_map(barebpf::abi::map_create{.map_type = static_cast<std::uint32_t>(Type),
                                                             .key_size = has_slots ? 4 : 0,
                                                             .value_size = has_slots ? 4 : 0,
                                                             .max_entries = has_slots ? 2 : 4096}));
  if (!has.ring.is_open()) std::exit(3);
}
template <class Ring>
verdict open_ring(state& has) {
  const auto opened = Ring::open(has.ring);
  return opened ? verdict() : opened.error();
}
verdict wait_for_ring(state& has) {
  const auto stop = barebpf::stopper::make();
  if (!stop) return stop.error();
  const auto events = barebpf::ringbuf::open(has.ring);
  if (!events) return events.error();
  const auto ready = barebpf::wait(barebpf::deadline::now(), *events, *stop);
  return ready ? verdict() : ready.error();
}

// What is attached goes at once, so each attachment is one more than was there before.
template <class Attached>
verdict is_there(const Attached& attached) {
  if (!attached) return attached.error();
  return attached->is_attached() ? verdict() : error{.code = ENOTCONN};
}
// The one of all interfaces that a new network namespace has.
constexpr barebpf::interface loopback { 1 };

void load_probes(state& has) { has.with_probes.emplace(probes.load()); }
verdict attach_uprobe(state& has) {
  return is_there((*has.with_probes)->attach<"begins">(barebpf::named_place{"/proc/self/exe:main"}));
}
extern "C" [[gnu::noinline, gnu::used]] void scenarios_trace_point() {
  asm volatile(TRACE_POINT_NOTE("scenarios", "point", "0", "") : :);
}
verdict attach_usdt(state& has) {
  return is_there(
      (*has.with_probes)->attach<"point">(barebpf::named_place{"/proc/self/exe:scenarios:point"}));
}
void load_network(state& has) {
  if (unshare(CLONE_NEWNET) != 0) std::exit(4);
  has.with_network.emplace(network.load());
}
verdict attach_xdp(state& has) {
  return is_there((*has.with_network)->attach<"count">(loopback, barebpf::xdp_mode::skb));
}
verdict attach_tcx(state& has) { return is_there((*has.with_network)->attach<"first">(loopback)); }
verdict attach_netns(state& has) { return is_there((*has.with_network)->attach<"look_up">()); }
void load_traffic(state& has) {
  if (unshare(CLONE_NEWNET) != 0) std::exit(4);
  const barebpf::program_change with[] = {traffic.change_program<"accept">({.load = true})};
  has.with_traffic.emplace(traffic.load({.programs = with}));
}
verdict attach_filter(state& has) {
  return is_there((*has.with_traffic)
                      ->attach<"first">(barebpf::traffic_filter{.interface = loopback.index, .priority = 1}));
}
verdict attach_route(state& has) {
  return is_there((*has.with_traffic)
                      ->attach<"comes_in">(barebpf::route_to{
                          .network = "10.99.0.5/32", .interface = loopback.index, .is_local = true}));
}
verdict attach_netfilter(state& has) {
  return is_there((*has.with_traffic)->attach<"accept">(barebpf::netfilter_hook{.priority = 1}));
}
void load_tracing(state& has) {
  has.with_tracing.emplace(tracing.load());
  has.id = static_cast<std::uint32_t>(getpid());
}
verdict attach_raw_tracepoint(state& has) { return is_there((*has.with_tracing)->attach<"raw">()); }
verdict attach_btf_tracepoint(state& has) { return is_there((*has.with_tracing)->attach<"typed">()); }
verdict attach_perf_event(state& has) {
  const barebpf::abi::perf_event_attr clock{
      .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK, .sample_period = 1000000};
  auto opened = barebpf::open_perf_event(clock, 0, -1);
  if (!opened) return opened.error();
  return is_there((*has.with_tracing)->attach<"sample">(barebpf::perf_event{std::move(*opened)}));
}
verdict iterate(state& has) {
  const auto attached = (*has.with_tracing)->attach<"tasks">(barebpf::tasks_of{.process = has.id});
  if (!attached) return attached.error();
  const auto walk = open_iterator(*attached);
  if (!walk) return walk.error();
  std::array<char, 64> words{};
  const auto count = walk->read(words);
  if (!count) return count.error();
  return *count == 5 ? verdict() : error{.code = EILSEQ};
}

void load_sockets(state& has) {
  has.with_sockets.emplace(sockets.load());
  has.place = socket(AF_UNIX, SOCK_DGRAM, 0);
}
verdict attach_socket(state& has) {
  return is_there((*has.with_sockets)->attach<"filter">(barebpf::socket(has.place)));
}
verdict attach_sockmap(state& has) {
  return is_there(
      (*has.with_sockets)
          ->attach<"verdict">(barebpf::sockets_in((*has.with_sockets)->map_descriptor<"sockets">())));
}

// Of this process alone, in a hierarchy that is mounted nowhere.
char cgroup_path[96];
void load_into_cgroup(state& has) {
  has.with_network.emplace(network.load());
  const long context = barebpf::system_call(barebpf::nr_fsopen, "cgroup2", 1);
  barebpf::system_call(barebpf::nr_fsconfig, context, 6, nullptr, nullptr, 0);
  const long mounted = barebpf::system_call(barebpf::nr_fsmount, context, 1, 0);
  barebpf::system_call(__NR_close, context);
  std::snprintf(cgroup_path, sizeof cgroup_path, "/proc/self/fd/%ld/barebpf_faults_%d", mounted,
                static_cast<int>(getpid()));
  if (mounted < 0 || mkdir(cgroup_path, 0755) != 0) std::exit(4);
  has.place = open(cgroup_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
verdict attach_cgroup(state& has) {
  return is_there((*has.with_network)->attach<"sends">(barebpf::cgroup(has.place)));
}

// The kernel knows one congestion control of a name, so whoever runs beside this waits.
void wait_for_others(state&) {
  if (flock(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), LOCK_EX) != 0) std::exit(4);
}
void load_operations(state& has) {
  wait_for_others(has);
  has.with_operations.emplace(operations.load());
}
verdict attach_operations(state& has) {
  return is_there((*has.with_operations)->attach_struct_ops<"bare_reno">());
}
// The kernel registers a map of this kind once, so the other one is of another map.
verdict attach_other_operations(state& has) {
  has.with_operations.emplace(operations.load());
  return attach_operations(has);
}
verdict fit_operations(state&) {
  const auto loaded = operations.load();
  return loaded ? verdict() : loaded.error();
}
verdict load_operations_object(state&) {
  const auto file = barebpf::object::open(BAREBPF_TEST_OBJECTS "/congestion.bpf.o");
  if (!file) return file.error();
  const auto loaded = file->load();
  return loaded ? verdict() : loaded.error();
}

// A failed attach left the place as it was, so that there is room for another: nobody else may have a filter of this
// priority, a route to this address, or a program on this interface. A child looks, because strace lets no call of it
// fail.
template <verdict (*Attach)(state&)>
void attach_again(state& has) {
  const pid_t child = fork();
  if (child == 0) _exit(Attach(has) ? 1 : 0);
  int status = 1;
  if (waitpid(child, &status, 0) != child || status != 0) std::exit(5);
}

void leave_cgroup(state& has) {
  attach_again<attach_cgroup>(has);
  if (rmdir(cgroup_path) != 0) std::exit(5);
}

constexpr struct {
  const char* name;
  verdict (*act)(state&);
  void (*prepare)(state&) = nullptr;
  void (*tidy)(state&) = nullptr;
} scenarios[] = {
    {"create", create},
    {"create_with_stdin_closed", create, close_stdin},
    {"create_storage", create_storage},
    {"load_static", load_static},
    {"load_object", load_object},
    {"fit_static", fit_static},
    {"attach", attach, load_counter},
    {"attach_uprobe", attach_uprobe, load_probes, attach_again<attach_uprobe>},
    {"attach_usdt", attach_usdt, load_probes, attach_again<attach_usdt>},
    {"attach_xdp", attach_xdp, load_network, attach_again<attach_xdp>},
    {"attach_tcx", attach_tcx, load_network, attach_again<attach_tcx>},
    {"attach_netns", attach_netns, load_network, attach_again<attach_netns>},
    {"attach_filter", attach_filter, load_traffic, attach_again<attach_filter>},
    {"attach_route", attach_route, load_traffic, attach_again<attach_route>},
    {"attach_netfilter", attach_netfilter, load_traffic, attach_again<attach_netfilter>},
    {"attach_raw_tracepoint", attach_raw_tracepoint, load_tracing, attach_again<attach_raw_tracepoint>},
    {"attach_btf_tracepoint", attach_btf_tracepoint, load_tracing, attach_again<attach_btf_tracepoint>},
    {"attach_perf_event", attach_perf_event, load_tracing, attach_again<attach_perf_event>},
    {"iterate", iterate, load_tracing, attach_again<iterate>},
    {"attach_socket", attach_socket, load_sockets, attach_again<attach_socket>},
    {"attach_sockmap", attach_sockmap, load_sockets, attach_again<attach_sockmap>},
    {"attach_cgroup", attach_cgroup, load_into_cgroup, leave_cgroup},
    {"attach_operations", attach_operations, load_operations, attach_again<attach_other_operations>},
    {"fit_operations", fit_operations},
    {"load_operations_object", load_operations_object},
    {"pin", pin},
    {"get_or_create", get_or_create},
    {"adopt", adopt, prepare_pin, remove_pin},
    {"walk_batches", walk_batches, fill},
    {"walk_steps", walk_steps, fill},
    {"batches", batches, fill},
    {"elements", elements, fill},
    {"map_memory", map_memory, make_array},
    {"wait_for_ring", wait_for_ring, make_ring<barebpf::map_type::ringbuf>},
    {"user_ringbuf", open_ring<barebpf::user_ringbuf>, make_ring<barebpf::map_type::user_ringbuf>},
    {"perfbuf", open_ring<barebpf::perfbuf>, make_ring<barebpf::map_type::perf_event_array>},
};

// What is there beside the heap. A child looks, because strace lets no call of it fail.
struct belongings {
  int descriptors, mapped, pins;
};
belongings look() {
  static auto* const seen = static_cast<belongings*>(
      mmap(nullptr, sizeof(belongings), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  char descriptors[64], mappings[64];
  std::snprintf(descriptors, sizeof descriptors, "/proc/%d/fd", static_cast<int>(getpid()));
  std::snprintf(mappings, sizeof mappings, "/proc/%d/maps", static_cast<int>(getpid()));
  const pid_t child = fork();
  if (child == 0) {
    *seen = {count_entries(descriptors), count_lines(mappings, "bpf-map"), count_entries(bpf_folder)};
    _exit(0);
  }
  int status = 1;
  if (waitpid(child, &status, 0) != child || status != 0) std::exit(3);
  return *seen;
}

int run(const decltype(scenarios[0])& scenario) {
  make_bpf_folder();
  state has;
  // What is pinned before it is prepared is what shall be left once it is tidied up.
  const int pins = look().pins;
  if (scenario.prepare != nullptr) scenario.prepare(has);
  const belongings before = look();
  const long heap = live_allocations;
  allocations_until_failure = failing_allocation;

  syscall(SYS_getppid);
  const verdict why = scenario.act(has);
  syscall(SYS_getppid);

  allocations_until_failure = 0;
  const long heap_after = live_allocations;
  if (scenario.tidy != nullptr) scenario.tidy(has);
  const belongings after = look();
  char sentence[512] = "", result[32] = "ok";
  if (why) {
    describe(*why, sentence);
    std::snprintf(result, sizeof result, "%d %d", static_cast<int>(why->at), why->code);
  }
  std::printf("%s; descriptors %d %d; heap %ld %ld; pins %d %d; mapped %d; %s\n", result, before.descriptors,
              after.descriptors, heap, heap_after, pins, after.pins, after.mapped, sentence);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  if (count >= 3) failing_allocation = std::atol(arguments[2]);
  for (const auto& scenario : scenarios) {
    if (count == 1)
      std::puts(scenario.name);
    else if (std::strcmp(arguments[1], scenario.name) == 0)
      return run(scenario);
  }
  return count == 1 ? 0 : 2;
}
