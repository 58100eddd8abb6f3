// SPDX-License-Identifier: MIT
// Errors that the kernel really gives: each is provoked by the call that the library makes, has the number
// that the tables of room 2.2 have it under, and its own sentence there.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "../support/bpf_folder.hpp"
#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/reflect.hpp"

namespace {

namespace abi = barebpf::abi;
using abi::command;
using barebpf::map_type;
using barebpf::step;
using barebpf::sys_bpf;
using barebpf::system_call;

using flag = barebpf::map_flag;

struct shape {
  map_type type = map_type::hash;
  unsigned key_size = 4, value_size = 8, entries = 2, flags = 0;
  unsigned long long extra = 0;
};
long create(const shape& of) {
  abi::map_create attr{.map_type = static_cast<unsigned>(of.type),
                       .key_size = of.key_size,
                       .value_size = of.value_size,
                       .max_entries = of.entries,
                       .map_flags = of.flags,
                       .map_extra = of.extra};
  return sys_bpf(command::map_create, attr);
}

// A map, or another descriptor, of one test.
class opened {
 public:
  explicit opened(long number) : number_(number) { REQUIRE(number >= 0); }
  explicit opened(const shape& of) : opened(create(of)) {}
  opened(const opened&) = delete;
  opened& operator=(const opened&) = delete;
  ~opened() { system_call(__NR_close, number_); }
  [[nodiscard]] unsigned raw() const { return static_cast<unsigned>(number_); }

 private:
  long number_;
};

const unsigned keys[] = {7, 8, 9, 10};
unsigned long long values[64];

long lookup(unsigned map, const unsigned* key = keys, unsigned long long flags = 0) {
  abi::map_elem attr{.map_fd = map, .key = key, .value = values, .flags = flags};
  return sys_bpf(command::map_lookup_elem, attr);
}
long update(unsigned map, const void* key = keys, const void* value = values, unsigned long long flags = 0) {
  abi::map_elem attr{.map_fd = map, .key = key, .value = value, .flags = flags};
  return sys_bpf(command::map_update_elem, attr);
}
long remove(unsigned map, const unsigned* key = keys) {
  abi::map_key attr{.map_fd = map, .key = key};
  return sys_bpf(command::map_delete_elem, attr);
}
long next(unsigned map, const unsigned* key = nullptr) {
  unsigned found[16];
  abi::map_next_key attr{.map_fd = map, .key = key, .next_key = found};
  return sys_bpf(command::map_get_next_key, attr);
}
long take(unsigned map, unsigned long long flags = 0) {
  abi::map_elem attr{.map_fd = map, .key = keys, .value = values, .flags = flags};
  return sys_bpf(command::map_lookup_and_delete_elem, attr);
}
long freeze(unsigned map) {
  abi::map_freeze attr{.map_fd = map};
  return sys_bpf(command::map_freeze, attr);
}
long batch(command how, unsigned map, unsigned count, unsigned long long flags = 0) {
  static unsigned cursor[4];
  static unsigned many_keys[4];
  std::memcpy(many_keys, keys, sizeof keys);
  abi::map_batch attr{.out_batch = cursor,
                      .keys = many_keys,
                      .values = values,
                      .count = count,
                      .map_fd = map,
                      .elem_flags = flags};
  return sys_bpf(how, attr);
}
long info(unsigned descriptor) {
  abi::map_info found;
  abi::obj_info attr{.bpf_fd = descriptor, .info_len = sizeof found, .info = &found};
  return sys_bpf(command::obj_get_info_by_fd, attr);
}
long by_id(unsigned id, unsigned flags = 0) {
  abi::next_id attr{.start_id = id, .open_flags = flags};
  return sys_bpf(command::map_get_fd_by_id, attr);
}
long map_memory(unsigned map, long protection) {
  return barebpf::detail::map_shared(4096, protection, static_cast<int>(map));
}

const abi::insn exit_with_zero[] = {{.opcode = 0xb7}, {.opcode = 0x95}};
const abi::insn never_ends[] = {{.opcode = 0x05, .offset = -1}};
// r0 = the eight bytes at this place of what the program is called with
constexpr abi::insn read_context(std::int16_t at) {
  abi::insn out{.opcode = 0x79, .offset = at};
  out.set_source(1);
  return out;
}
const abi::insn reads_behind[] = {read_context(2000), {.opcode = 0xb7}, {.opcode = 0x95}};
template <std::size_t Count>
long load(const abi::insn (&code)[Count], abi::prog_type type = abi::prog_type::tracepoint,
          unsigned log_size = 0) {
  static char log[128];  // the least that every kernel takes
  abi::prog_load attr{.prog_type = static_cast<unsigned>(type),
                      .insn_cnt = Count,
                      .insns = code,
                      .license = "GPL",
                      .log_level = log_size != 0 ? 2u : 0u,
                      .log_size = log_size,
                      .log_buf = log_size != 0 ? log : nullptr};
  return sys_bpf(command::prog_load, attr);
}
long load_types(const void* types, unsigned size) {
  abi::btf_load attr{.btf = types, .btf_size = size};
  return sys_bpf(command::btf_load, attr);
}
long open_event(unsigned long long tracepoint) {
  const abi::perf_event_attr attr{.type = abi::perf_type_tracepoint, .config = tracepoint};
  return system_call(__NR_perf_event_open, &attr, -1, 0, -1, abi::perf_flag_fd_cloexec);
}
long link(unsigned program, unsigned event) {
  const abi::link_create_perf_event attr{.prog_fd = program,
                                         .target_fd = event,
                                         .attach_type = static_cast<unsigned>(abi::attach_type::perf_event)};
  return sys_bpf(command::link_create, attr);
}
long open_at(const std::string& path, long flags = 0) {
  return system_call(__NR_openat, AT_FDCWD, path.c_str(), flags | O_CLOEXEC);
}
long read_at(const opened& file) {
  char byte = 0;
  return system_call(__NR_read, static_cast<long>(file.raw()), &byte, 1);
}

// True from that kernel on; what older ones say instead is their own row.
bool since(unsigned version, unsigned patchlevel) {
  utsname running{};
  uname(&running);
  unsigned found_version = 0, found_patchlevel = 0;
  std::sscanf(running.release, "%u.%u", &found_version, &found_patchlevel);
  return barebpf::kernel(found_version, found_patchlevel) >= barebpf::kernel(version, patchlevel);
}

// One more than the possible CPUs of this machine, which the kernel takes as a size up to what it was built
// for.
unsigned most_cpus() { return static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)) + 1; }

long tracepoint_id(const char* target) {
  char path[128];
  barebpf::write_tracepoint_path(barebpf::text(target), path, sizeof path);
  barebpf::outcome row;
  return barebpf::detail::find_tracepoint(path, row);
}
// Attaches programs to a tracepoint that nobody passes, until the kernel has enough. No two of them are the
// same one, which would be EEXIST.
long attach_too_many() {
  const long id = tracepoint_id("syscalls/sys_enter_swapoff");
  REQUIRE(id > 0);
  std::vector<long> open;
  long answer = 0;
  while (answer >= 0 && open.size() < 1000) {
    const long program = load(exit_with_zero), event = open_event(static_cast<unsigned long long>(id));
    answer = link(static_cast<unsigned>(program), static_cast<unsigned>(event));
    open.insert(open.end(), {program, event, answer});
  }
  for (const long one : open) system_call(__NR_close, one);
  return answer;
}

// What a child gets that gave up every capability.
template <class Function>
long without_capabilities(Function act) {
  return -in_child([&] {
    struct {
      unsigned version = 0x20080522;
      int thread = 0;
    } header;
    const struct { unsigned effective, permitted, inheritable; } none[2] = {};
    if (system_call(__NR_capset, &header, none) < 0) return 254;
    const long answer = act();
    return answer < 0 ? static_cast<int>(-answer) : 0;
  });
}

long pin(unsigned descriptor, const std::string& path) {
  const abi::obj_path attr{.pathname = path.c_str(), .bpf_fd = descriptor};
  return sys_bpf(command::obj_pin, attr);
}
long get(const std::string& path, unsigned flags = 0) {
  const abi::obj_path attr{.pathname = path.c_str(), .file_flags = flags};
  return sys_bpf(command::obj_get, attr);
}
long unlink_at(const std::string& path) { return system_call(__NR_unlinkat, AT_FDCWD, path.c_str(), 0); }

// What was given is what the tables expect, and they have a sentence of this very step for it.
void gives(step at, int code, long answer, bool anywhere = false) {
  barebpf::error what{.at = at, .code = static_cast<int>(-answer)};
  INFO(sentence(what));
  CHECK(answer == -code);
  bool has_own = false;
  for (const auto& row : barebpf::hint_rows) has_own = has_own || (row.at == at && row.code == code);
  CHECK(has_own != anywhere);
  CHECK_FALSE(barebpf::hint(at, code).empty());
}
void gives_as_any_step(step at, int code, long answer) { gives(at, code, answer, true); }

}  // namespace

TEST_CASE("what the kernel says to maps that cannot be") {
  gives(step::map_create, EINVAL, create({.type = static_cast<map_type>(99)}));
  gives(step::map_create, EINVAL, create({.entries = 0}));
  gives(step::map_create, E2BIG, create({.value_size = 0x7fffffff}));
  gives(step::map_create, barebpf::ENOTSUPP_kernel,
        create({.type = map_type::lru_hash, .flags = flag::no_prealloc}));
  abi::map_create inner{.map_type = static_cast<unsigned>(map_type::array_of_maps),
                        .key_size = 4,
                        .value_size = 4,
                        .max_entries = 1,
                        .inner_map_fd = 99999};
  gives(step::map_create, EBADF, sys_bpf(command::map_create, inner));
}

TEST_CASE("what the kernel says to keys and values") {
  const opened hash{shape{}}, array(shape{.type = map_type::array});
  const opened reads(shape{.flags = flag::rdonly}), writes(shape{.flags = flag::wronly});
  const opened queue(shape{.type = map_type::queue, .key_size = 0});
  const opened events(shape{.type = map_type::perf_event_array, .value_size = 4});
  const opened programs(shape{.type = map_type::prog_array, .value_size = 4});
  const opened sockets(shape{.type = map_type::sockmap, .value_size = 4});
  const opened ring(shape{.type = map_type::ringbuf, .key_size = 0, .value_size = 0, .entries = 65536});

  gives(step::map_lookup_elem, ENOENT, lookup(hash.raw()));
  gives(step::map_lookup_elem, EPERM, lookup(writes.raw()));
  gives(step::map_lookup_elem, EINVAL, lookup(hash.raw(), keys, 1ull << 40));
  gives(step::map_lookup_elem, ENOSPC, lookup(sockets.raw()));
  gives(step::map_lookup_elem, barebpf::ENOTSUPP_kernel, lookup(events.raw()));
  gives_as_any_step(step::map_lookup_elem, EBADF, lookup(99999));
  gives_as_any_step(step::map_lookup_elem, EFAULT, lookup(hash.raw(), reinterpret_cast<const unsigned*>(8)));

  gives(step::map_update_elem, ENOENT, update(hash.raw(), keys, values, 2));
  REQUIRE(update(hash.raw(), &keys[0]) == 0);
  REQUIRE(update(hash.raw(), &keys[1]) == 0);
  gives(step::map_update_elem, EEXIST, update(hash.raw(), keys, values, 1));
  gives(step::map_update_elem, E2BIG, update(hash.raw(), &keys[2]));
  gives(step::map_update_elem, E2BIG, update(array.raw()));
  gives(step::map_update_elem, EPERM, update(reads.raw()));
  gives(step::map_update_elem, EINVAL, update(hash.raw(), keys, values, 1ull << 40));
  const unsigned closed = 99999, standard_input = 0, first = 0;
  gives(step::map_update_elem, EBADF, update(events.raw(), &first, &closed));
  const opened no_socket(open_at("/dev/null"));
  const unsigned no_socket_number = no_socket.raw();
  gives(step::map_update_elem, ENOTSOCK, update(sockets.raw(), &first, &no_socket_number));
  const opened datagrams(system_call(__NR_socket, 16 /* AF_NETLINK */, 3, 0));
  const unsigned wrong_socket = datagrams.raw();
  gives(step::map_update_elem, EOPNOTSUPP, update(sockets.raw(), &first, &wrong_socket));
  gives(step::map_update_elem, EINVAL, update(programs.raw(), &first, &standard_input));
  gives(step::map_update_elem, barebpf::ENOTSUPP_kernel, update(ring.raw(), nullptr));
  const unsigned wide[] = {32, 1}, other[] = {32, 2};
  const opened prefixes(
      shape{.type = map_type::lpm_trie, .key_size = 8, .entries = 1, .flags = flag::no_prealloc});
  REQUIRE(update(prefixes.raw(), wide) == 0);
  gives(step::map_update_elem, ENOSPC, update(prefixes.raw(), other));
  const opened cpus(shape{.type = map_type::cpumap, .value_size = 4});
  const unsigned too_long = 20000;
  gives(step::map_update_elem, EOVERFLOW, update(cpus.raw(), &first, &too_long));
  const opened many_cpus(shape{.type = map_type::cpumap, .value_size = 4, .entries = most_cpus()});
  const unsigned last = most_cpus() - 1, short_queue = 64;
  gives(step::map_update_elem, ENODEV, update(many_cpus.raw(), &last, &short_queue));

  gives(step::map_delete_elem, ENOENT, remove(hash.raw(), &keys[2]));
  gives(step::map_delete_elem, EPERM, remove(reads.raw()));
  gives(step::map_delete_elem, EINVAL, remove(array.raw(), &first));
  gives(step::map_delete_elem, E2BIG, remove(programs.raw()));
  gives(step::map_delete_elem, barebpf::ENOTSUPP_kernel, remove(ring.raw(), nullptr));

  gives(step::map_get_next_key, ENOENT, next(opened{shape{}}.raw()));
  gives(step::map_get_next_key, EPERM, next(writes.raw()));
  gives(step::map_get_next_key, EINVAL, next(queue.raw()));
  gives(step::map_get_next_key, barebpf::ENOTSUPP_kernel, next(ring.raw()));

  if (since(5, 14)) gives(step::map_lookup_and_delete_elem, ENOENT, take(opened{shape{}}.raw()));
  gives(step::map_lookup_and_delete_elem, EPERM, take(writes.raw()));
  if (since(5, 14)) gives(step::map_lookup_and_delete_elem, EINVAL, take(hash.raw(), 1));
  gives(step::map_lookup_and_delete_elem, barebpf::ENOTSUPP_kernel, take(array.raw()));
}

TEST_CASE("what the kernel says to batches") {
  const opened hash(shape{.entries = 64});
  const opened reads(shape{.flags = flag::rdonly}), writes(shape{.flags = flag::wronly});
  const opened queue(shape{.type = map_type::queue, .key_size = 0});
  for (unsigned key = 0; key < 64; ++key) REQUIRE(update(hash.raw(), &key) == 0);

  for (const auto& [how, at] :
       {std::pair(command::map_lookup_batch, step::map_lookup_batch),
        std::pair(command::map_lookup_and_delete_batch, step::map_lookup_and_delete_batch)}) {
    gives(at, ENOENT, batch(how, opened{shape{}}.raw(), 4));
    gives(at, EPERM, batch(how, writes.raw(), 1));
    gives(at, EINVAL, batch(how, hash.raw(), 1, 1));
    gives(at, barebpf::ENOTSUPP_kernel, batch(how, queue.raw(), 1));
  }
  // One of its buckets has two elements, so one place is too few for it.
  long answer = 0;
  const opened crowded(shape{.entries = 512});
  for (unsigned key = 0; key < 512; ++key) REQUIRE(update(crowded.raw(), &key) == 0);
  for (int i = 0; i < 512 && answer == 0; ++i)
    answer = batch(command::map_lookup_and_delete_batch, crowded.raw(), 1);
  gives(step::map_lookup_and_delete_batch, ENOSPC, answer);
  gives(step::map_lookup_batch, ENOSPC, answer);

  gives(step::map_update_batch, EPERM, batch(command::map_update_batch, reads.raw(), 1));
  gives(step::map_update_batch, EINVAL, batch(command::map_update_batch, hash.raw(), 1, 1));
  gives(step::map_update_batch, E2BIG, batch(command::map_update_batch, opened{shape{}}.raw(), 4));
  gives(step::map_update_batch, barebpf::ENOTSUPP_kernel, batch(command::map_update_batch, queue.raw(), 1));
  gives(step::map_delete_batch, ENOENT, batch(command::map_delete_batch, opened{shape{}}.raw(), 4));
  gives(step::map_delete_batch, EPERM, batch(command::map_delete_batch, reads.raw(), 1));
  gives(step::map_delete_batch, EINVAL, batch(command::map_delete_batch, hash.raw(), 1, 1));
  gives(step::map_delete_batch, barebpf::ENOTSUPP_kernel, batch(command::map_delete_batch, queue.raw(), 1));
}

TEST_CASE("what the kernel says to whole maps", "[needs 6.5]") {
  const opened hash{shape{}}, array(shape{.type = map_type::array, .flags = flag::mmapable});
  gives(step::map_memory, EINVAL, map_memory(opened(shape{.type = map_type::array}).raw(), 3));
  gives(step::map_memory, barebpf::ENOTSUPP_kernel, map_memory(hash.raw(), 3));
  const opened read_only(shape{.type = map_type::array, .flags = flag::mmapable | flag::rdonly});
  gives(step::map_memory, EACCES, map_memory(read_only.raw(), 3));
  gives_as_any_step(step::map_memory, EBADF, map_memory(99999, 3));
  gives(step::map_memory, ENODEV, map_memory(opened(load(exit_with_zero)).raw(), 1));

  const long mapped = map_memory(array.raw(), 3);
  REQUIRE(mapped > 0);
  gives(step::map_freeze, EBUSY, freeze(array.raw()));
  REQUIRE(system_call(__NR_munmap, mapped, 4096) == 0);
  REQUIRE(freeze(array.raw()) == 0);
  gives(step::map_memory, EPERM, map_memory(array.raw(), 3));
  REQUIRE(freeze(hash.raw()) == 0);
  gives(step::map_freeze, EPERM, freeze(hash.raw()));

  gives(step::map_get_fd_by_id, ENOENT, by_id(0x7fffffff));
  const barebpf::fd again = barebpf::fd::own(dup(static_cast<int>(hash.raw())));
  gives(step::map_get_fd_by_id, EINVAL, by_id(kernel_id(again), flag::rdonly | flag::wronly));
  gives(step::obj_get_info_by_fd, EBADFD, info(99999));
  gives(step::obj_get_info_by_fd, EINVAL, info(opened(open_at("/dev/null")).raw()));
}

TEST_CASE("what the kernel says to pins") {
  const opened hash{shape{}};
  const std::string folder = bpf_folder();
  REQUIRE(pin(hash.raw(), folder + "/there") == 0);
  REQUIRE(mkdir((folder + "/inside").c_str(), 0700) == 0);

  gives(step::obj_pin, EEXIST, pin(hash.raw(), folder + "/there"));
  gives(step::obj_pin, ENOENT, pin(hash.raw(), folder + "/no/folder"));
  gives(step::obj_pin, EPERM, pin(hash.raw(), "/dev/shm/barebpf-hits"));
  gives(step::obj_pin, EPERM, pin(hash.raw(), folder + "/with.dot"));
  gives(step::obj_pin, EINVAL, pin(opened(open_at("/dev/null")).raw(), folder + "/other"));
  gives_as_any_step(step::obj_pin, ENOTDIR, pin(hash.raw(), folder + "/there/inside"));
  gives_as_any_step(step::obj_pin, ENAMETOOLONG, pin(hash.raw(), folder + "/" + std::string(300, 'x')));

  gives(step::obj_get, ENOENT, get(folder + "/nowhere"));
  gives(step::obj_get, EACCES, get("/dev/null"));
  gives(step::obj_get, EINVAL, get(folder + "/there", flag::rdonly | flag::wronly));

  gives(step::unpin, ENOENT, unlink_at(folder + "/nowhere"));
  gives(step::unpin, EISDIR, unlink_at(folder + "/inside"));
  CHECK(rmdir((folder + "/inside").c_str()) == 0);
  CHECK(unlink_at(folder + "/there") == 0);
}

TEST_CASE("what the kernel says to programs and types") {
  gives(step::prog_load, EINVAL, load(exit_with_zero, static_cast<abi::prog_type>(99)));
  gives(step::prog_load, EINVAL, load(never_ends));
  gives(step::prog_load, EACCES, load(reads_behind, abi::prog_type::socket_filter));
  gives(step::prog_load, ENOSPC, load(exit_with_zero, abi::prog_type::tracepoint, 128));
  abi::prog_load empty{.prog_type = 5, .insn_cnt = 0, .insns = exit_with_zero, .license = "GPL"};
  gives(step::prog_load, E2BIG, sys_bpf(command::prog_load, empty));
  const abi::insn closed_map[] = {{.opcode = abi::opcode_ld_imm64, .registers = 0x11, .immediate = 99999},
                                  {},
                                  {.opcode = 0xb7},
                                  {.opcode = 0x95}};
  gives(step::prog_load, EBADF, load(closed_map));
  abi::prog_load nowhere{
      .prog_type = 5, .insn_cnt = 2, .insns = reinterpret_cast<void*>(8), .license = "GPL"};
  gives(step::prog_load, EFAULT, sys_bpf(command::prog_load, nowhere));

  const unsigned char no_types[64] = {1, 2, 3};
  gives(step::btf_load, EINVAL, load_types(no_types, sizeof no_types));
  gives(step::btf_load, E2BIG, load_types(no_types, 32u << 20));
  unsigned char next_version[64] = {0, 0, 2};
  const std::uint16_t magic = 0xeb9f;
  std::memcpy(next_version, &magic, sizeof magic);
  const std::uint32_t header_size = 24;
  std::memcpy(next_version + 4, &header_size, sizeof header_size);
  gives(step::btf_load, barebpf::ENOTSUPP_kernel, load_types(next_version, sizeof next_version));
}

TEST_CASE("what the kernel says to events and links") {
  gives(step::open_event, EINVAL, open_event(0xfffffff));
  const opened program(load(exit_with_zero));
  const opened hash{shape{}};
  gives(step::link_create, EINVAL, link(hash.raw(), hash.raw()));

  const long id = tracepoint_id("syscalls/sys_enter_execve");
  REQUIRE(id > 0);
  const opened event(open_event(static_cast<unsigned long long>(id)));
  const auto set_program = [&](const opened& which) {
    return system_call(__NR_ioctl, static_cast<long>(event.raw()), abi::perf_ioc_set_bpf,
                       static_cast<long>(which.raw()));
  };
  gives(step::set_event_program, EINVAL, set_program(hash));
  const abi::insn reads_far[] = {read_context(1024), {.opcode = 0xb7}, {.opcode = 0x95}};
  const opened far_reader(load(reads_far));
  gives(step::set_event_program, EACCES, set_program(far_reader));
  REQUIRE(set_program(program) == 0);
  gives(step::set_event_program, EEXIST, set_program(program));
  if (since(5, 15)) {
    gives(step::link_create, EBADF, link(99999, 99999));
    gives(step::link_create, EACCES, link(far_reader.raw(), event.raw()));
    const opened second_event(open_event(static_cast<unsigned long long>(id)));
    gives(step::link_create, EEXIST, link(program.raw(), second_event.raw()));
    gives(step::link_create, E2BIG, attach_too_many());
  }
  gives(step::find_tracepoint, ENOENT, tracepoint_id("no/such"));
}

TEST_CASE("what the kernel says to files and to too many descriptors") {
  gives(step::open_file, ENOENT, open_at("/nonexistent"));
  gives_as_any_step(step::open_file, ENOTDIR, open_at("/dev/null/inside"));
  gives_as_any_step(step::open_file, ENAMETOOLONG, open_at(std::string(5000, 'x')));
  gives(step::read_file, EISDIR, read_at(opened(open_at("/"))));
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const opened reader(ends[0]), writer(ends[1]);
  gives(step::read_file, ESPIPE, system_call(__NR_lseek, static_cast<long>(reader.raw()), 0, 2));

  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  const long map = create({}), file = open_at("/dev/null"), program = load(exit_with_zero);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  gives_as_any_step(step::map_create, EMFILE, map);
  gives_as_any_step(step::open_file, EMFILE, file);
  gives_as_any_step(step::prog_load, EMFILE, program);
}

TEST_CASE("what the kernel says to who may do nothing") {
  const opened hash{shape{}};
  const unsigned id = kernel_id(barebpf::fd::own(dup(static_cast<int>(hash.raw()))));
  gives(step::map_get_fd_by_id, EPERM, without_capabilities([id] { return by_id(id); }));
  gives(step::mount_tracefs, EPERM,
        without_capabilities([] { return system_call(barebpf::nr_fsopen, "tracefs", 1); }));
  gives(step::map_create, EPERM,
        without_capabilities([] { return create({.type = map_type::devmap, .value_size = 4}); }));
  gives(step::prog_load, EPERM, without_capabilities([] { return load(exit_with_zero); }));
  const unsigned char no_types[64] = {};
  gives(step::btf_load, EPERM, without_capabilities([&] { return load_types(no_types, sizeof no_types); }));
  const long tracepoint = tracepoint_id("syscalls/sys_enter_execve");
  gives(step::open_event, EACCES, without_capabilities([tracepoint] {
          return open_event(static_cast<unsigned long long>(tracepoint));
        }));
}
