// SPDX-License-Identifier: MIT
// Elements that the kernel refuses: descriptors of the wrong kind, sockets in the wrong state, slots past the end and
// their like, each with its errno and with what the library says of it.
#include <linux/if_tun.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "../support/catch.hpp"
#include "../support/live.hpp"
#include "../support/map_objects.hpp"

namespace {

namespace abi = barebpf::abi;
using barebpf::cause;
using barebpf::map_kind;
using barebpf::map_type;
using barebpf::step;
using barebpf::u32;
using barebpf::u64;

constexpr u32 closed = 99999, no_interface = 0x7fffffff;

barebpf::fd open_null() { return opened_fd(open("/dev/null", O_RDONLY | O_CLOEXEC)); }
barebpf::fd open_map(const abi::map_create& attr) { return opened_fd(barebpf::create_map(attr)); }
barebpf::fd open_socket(int family, int kind) { return opened_fd(socket(family, kind | SOCK_CLOEXEC, 0)); }
barebpf::fd open_inherited_event() {
  // The second bit of a bit field.
  constexpr u64 inherit = barebpf::host_is_big_endian ? u64{1} << 62 : 2;
  const abi::perf_event_attr attr{.type = 1, .config = 9, .flags = inherit};
  return opened_fd(barebpf::system_call(__NR_perf_event_open, &attr, 0, 0, -1,
                                        static_cast<long>(abi::perf_flag_fd_cloexec)));
}
barebpf::fd open_dead_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  barebpf::fd out = open_process(child);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return out;
}

// A number in place of a value or a key.
long put(live_map& in, u32 number) {
  std::vector<unsigned char> value(in.value_bytes() < 8 ? 8 : in.value_bytes());
  const u64 wide = number;
  if (in.value_bytes() == sizeof wide)
    std::memcpy(value.data(), &wide, sizeof wide);
  else
    std::memcpy(value.data(), &number, sizeof number);
  return in.map().update_elem(in.first_key(), value.data(), 0);
}
long put(live_map& in, const barebpf::fd& what) { return put(in, what.raw()); }
long put_at(live_map& in, const barebpf::fd& owner) {
  const u32 key = owner.raw();
  return in.map().update_elem(&key, in.first_value(), 0);
}

struct refusal {
  const char* what;
  map_type type;
  step at;
  int code;
  cause why;  // none where the sentence of every map is the right one
  long (*act)(live_map& on);
};
constexpr step updating = step::map_update_elem, looking_up = step::map_lookup_elem,
               deleting = step::map_delete_elem;

const refusal refusals[] = {
    {"a map among programs", map_type::prog_array, updating, EINVAL, cause::unfit_program,
     [](live_map& on) { return put(on, on.map().descriptor()); }},
    {"a closed descriptor among programs", map_type::prog_array, updating, EBADF, cause::none,
     [](live_map& on) { return put(on, closed); }},
    {"a program of another type than the first", map_type::prog_array, updating, EINVAL, cause::unfit_program,
     [](live_map& on) {
       REQUIRE(on.put_first() == 0);
       return put(on, load_returning(0, abi::prog_type::tracepoint));
     }},
    {"a program among maps", map_type::array_of_maps, updating, EINVAL, cause::unfit_inner_map,
     [](live_map& on) { return put(on, load_returning(0, abi::prog_type::tracepoint)); }},
    {"a map of another type among maps", map_type::array_of_maps, updating, EINVAL, cause::unfit_inner_map,
     [](live_map& on) {
       return put(on, open_map({.map_type = 1, .key_size = 4, .value_size = 8, .max_entries = 1}));
     }},
    {"a map with another value size among maps", map_type::hash_of_maps, updating, EINVAL,
     cause::unfit_inner_map,
     [](live_map& on) {
       return put(on, open_map({.map_type = 2, .key_size = 4, .value_size = 4, .max_entries = 1}));
     }},
    {"an array of another length among maps", map_type::hash_of_maps, updating, EINVAL,
     cause::unfit_inner_map,
     [](live_map& on) {
       return put(on, open_map({.map_type = 2, .key_size = 4, .value_size = 8, .max_entries = 2}));
     }},
    {"a closed descriptor among maps", map_type::hash_of_maps, updating, EBADF, cause::none,
     [](live_map& on) { return put(on, closed); }},
    {"a map among events", map_type::perf_event_array, updating, EBADF, cause::not_an_event,
     [](live_map& on) { return put(on, on.map().descriptor()); }},
    {"an event that children inherit", map_type::perf_event_array, updating, EOPNOTSUPP, cause::unfit_event,
     [](live_map& on) { return put(on, open_inherited_event()); }},
    {"a file among cgroups", map_type::cgroup_array, updating, EBADF, cause::not_a_cgroup,
     [](live_map& on) { return put(on, open_null()); }},
    {"a cgroup of version 1", map_type::cgroup_array, updating, EBADF, cause::not_a_cgroup,
     [](live_map& on) { return put(on, mount_cgroups("barebpf")); }},
    {"an interface that there is not", map_type::devmap, updating, EINVAL, cause::unfit_device,
     [](live_map& on) { return put(on, no_interface); }},
    {"an interface that there is not", map_type::devmap_hash, updating, EINVAL, cause::unfit_device,
     [](live_map& on) { return put(on, no_interface); }},
    {"a queue that is too long", map_type::cpumap, updating, EOVERFLOW, cause::none,
     [](live_map& on) { return put(on, 20000); }},
    {"a file among sockets", map_type::sockmap, updating, ENOTSOCK, cause::none,
     [](live_map& on) { return put(on, open_null()); }},
    {"a closed descriptor among sockets", map_type::sockhash, updating, EBADF, cause::none,
     [](live_map& on) { return put(on, closed); }},
    {"a TCP socket that is not connected", map_type::sockmap, updating, EOPNOTSUPP, cause::unfit_socket,
     [](live_map& on) { return put(on, open_socket(AF_INET, SOCK_STREAM)); }},
    {"a netlink socket", map_type::sockhash, updating, EOPNOTSUPP, cause::unfit_socket,
     [](live_map& on) { return put(on, open_socket(AF_NETLINK, SOCK_RAW)); }},
    {"a file among AF_XDP sockets", map_type::xskmap, updating, ENOTSOCK, cause::none,
     [](live_map& on) { return put(on, open_null()); }},
    {"a UDP socket among AF_XDP sockets", map_type::xskmap, updating, EOPNOTSUPP, cause::unfit_xsk,
     [](live_map& on) { return put(on, open_datagram_socket()); }},
    {"a socket that is not bound", map_type::reuseport_sockarray, updating, EINVAL, cause::not_in_a_group,
     [](live_map& on) { return put(on, open_socket(AF_INET, SOCK_DGRAM)); }},
    {"a Unix socket in a group", map_type::reuseport_sockarray, updating, barebpf::ENOTSUPP_kernel,
     cause::not_in_a_group, [](live_map& on) { return put(on, open_socket(AF_UNIX, SOCK_DGRAM)); }},
    {"a socket in two slots", map_type::reuseport_sockarray, updating, EBUSY, cause::socket_in_use,
     [](live_map& on) {
       REQUIRE(on.put_first() == 0);
       return on.map().update_elem(on.second_key(), on.first_value(), 0);
     }},
    {"a file that should be a socket", map_type::sk_storage, updating, ENOTSOCK, cause::wrong_owner,
     [](live_map& on) { return put_at(on, open_null()); }},
    {"a closed socket", map_type::sk_storage, looking_up, EBADF, cause::wrong_owner,
     [](live_map& on) { return on.map().lookup_elem(&closed, on.room()); }},
    {"a closed file", map_type::inode_storage, deleting, EBADF, cause::wrong_owner,
     [](live_map& on) { return on.map().delete_elem(&closed); }},
    {"a file that should be a process", map_type::task_storage, updating, EBADF, cause::wrong_owner,
     [](live_map& on) { return put_at(on, open_null()); }},
    {"a process that has ended", map_type::task_storage, updating, ENOENT, cause::nothing_of_owner,
     [](live_map& on) { return put_at(on, open_dead_process()); }},
    {"a file that should be a cgroup", map_type::cgrp_storage, updating, EBADF, cause::wrong_owner,
     [](live_map& on) { return put_at(on, open_null()); }},
    {"a prefix of 33 bits", map_type::lpm_trie, updating, EINVAL, cause::long_prefix,
     [](live_map& on) {
       const u32 key[] = {33, 0};
       return on.map().update_elem(key, on.first_value(), 0);
     }},
    {"a prefix of 33 bits", map_type::lpm_trie, deleting, EINVAL, cause::long_prefix,
     [](live_map& on) {
       const u32 key[] = {33, 0};
       return on.map().delete_elem(key);
     }},
    {"a cgroup without the program", map_type::cgroup_storage, updating, ENOENT, cause::not_at_this_cgroup,
     [](live_map& on) { return on.put_second(); }},
    {"a cgroup without the program", map_type::percpu_cgroup_storage, looking_up, ENOENT,
     cause::not_at_this_cgroup,
     [](live_map& on) { return on.map().lookup_elem(on.second_key(), on.room()); }},
};

void check_refusal(const map_kind& kind, step at, int code, cause why, long answer) {
  CHECK(answer == -code);
  CHECK(why_refused_element(kind, at, code) == why);
  if (why == cause::none) CHECK_FALSE(barebpf::hint(at, code).empty());
}

}  // namespace

TEST_CASE("an element that does not fit is refused and explained", "[operations]") {
  std::set<cause> told;
  for (const refusal& row : refusals) {
    const map_kind kind = kind_of(row.type);
    CAPTURE(row.what, to_string(kind.type_name));
    if (!is_known_here(kind)) {
      told.insert(row.why);
      continue;
    }
    live_map on(kind);
    REQUIRE(on.answer() >= 0);
    check_refusal(kind, row.at, row.code, row.why, row.act(on));
    told.insert(row.why);
  }
  CHECK(told.size() == 15);
}

TEST_CASE("operations that are registered already are refused and explained", "[operations][needs trampolines]") {
  const map_kind kind = kind_of(map_type::struct_ops);
  live_map on(kind);
  REQUIRE(on.answer() >= 0);
  REQUIRE(on.put_first() == 0);
  check_refusal(kind, updating, EBUSY, cause::registered_already, on.put_first());
}

TEST_CASE("an empty slot and one past the end are told apart where the kernel does", "[operations]") {
  for (const map_kind& kind : barebpf::map_kinds) {
    if (kind.key != barebpf::key_rule::index || !is_known_here(kind)) continue;
    CAPTURE(to_string(kind.type_name));
    live_map on(kind);
    const auto says = [&](step at, long answer) {
      CAPTURE(answer);
      REQUIRE(answer < 0);
      const cause why = why_refused_element(kind, at, static_cast<int>(-answer));
      CHECK((why == cause::no_such_slot || why == cause::empty_slot || why == cause::no_such_stack));
      return why;
    };
    if ((kind.operations & barebpf::can_lookup) != 0)
      says(step::map_lookup_elem, on.map().lookup_elem(on.third_key(), on.room()));
    if ((kind.operations & barebpf::can_update) != 0)
      CHECK(says(step::map_update_elem, on.map().update_elem(on.third_key(), on.first_value(), 0)) ==
            cause::no_such_slot);
    if ((kind.operations & barebpf::can_delete) != 0)
      says(step::map_delete_elem, on.map().delete_elem(on.third_key()));
  }
}

TEST_CASE("cpumap: a CPU that this machine cannot have is called that", "[operations]") {
  const u32 possible = barebpf::possible_cpus().value_or(0), queue = 64;
  const auto map = barebpf::untyped_map::own(open_map({.map_type = static_cast<u32>(map_type::cpumap),
                                                       .key_size = 4,
                                                       .value_size = 4,
                                                       .max_entries = possible + 1}),
                                             {});

  check_refusal(kind_of(map_type::cpumap), updating, ENODEV, cause::none,
                map.update_elem(&possible, &queue, 0));
}

TEST_CASE("a program that was not loaded for such a map is refused beside its value", "[operations]") {
  // A cpumap said of whatever went wrong with a queue that it has no memory; Linux 7.2 says what.
  const bool says_what = barebpf::running_kernel() >= barebpf::kernel(7, 2);
  for (const map_type type : {map_type::devmap, map_type::devmap_hash, map_type::cpumap}) {
    const map_kind kind = kind_of(type);
    CAPTURE(to_string(kind.type_name));
    const auto map = barebpf::untyped_map::own(
        open_map({.map_type = static_cast<u32>(type), .key_size = 4, .value_size = 8, .max_entries = 1}), {});
    const barebpf::fd program = load_returning(2, abi::prog_type::xdp);
    const u32 value[] = {type == map_type::cpumap ? 64 : if_nametoindex("lo"), program.raw()};
    const u32 first = 0;

    const long answer = map.update_elem(&first, value, 0);
    if (type != map_type::cpumap)
      check_refusal(kind, updating, EINVAL, cause::unfit_device, answer);
    else
      check_refusal(kind, updating, says_what || answer == -EINVAL ? EINVAL : ENOMEM,
                    cause::unfit_cpu_program, answer);
  }
}

TEST_CASE("an AF_XDP socket that cannot receive is refused where the kernel looks", "[operations]") {
  const map_kind kind = kind_of(map_type::xskmap);
  live_map on(kind);
  REQUIRE(on.answer() >= 0);
  const long answer = put(on, open_xdp_socket(false));
  // Linux 6.18 does not look, and 7.2 does.
  if (answer < 0 || barebpf::running_kernel() >= barebpf::kernel(7, 2))
    check_refusal(kind, updating, ENOBUFS, cause::unfit_xsk, answer);
  CHECK(put(on, open_xdp_socket()) == 0);
}

TEST_CASE("devmap: an interface that goes takes its slots with it, and is refused from then on",
          "[operations]") {
  live_map slots(kind_of(map_type::devmap)), table(kind_of(map_type::devmap_hash));
  const int outcome = in_child([&] {
    // In a namespace of its own, whose interfaces nobody else sees.
    if (unshare(CLONE_NEWNET) != 0) return 254;
    barebpf::fd tap = barebpf::fd::own(open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq named{};
    std::strcpy(named.ifr_name, "barebpf");
    named.ifr_flags = IFF_TAP | IFF_NO_PI;
    if (ioctl(tap.number(), TUNSETIFF, &named) != 0) return 253;
    const u32 index = if_nametoindex("barebpf");
    for (live_map* const map : {&slots, &table})
      if (put(*map, index) != 0 || map->map().lookup_elem(map->first_key(), map->room()) != 0) return 252;
    tap = barebpf::fd();
    for (live_map* const map : {&slots, &table})
      if (map->map().lookup_elem(map->first_key(), map->room()) != -ENOENT || put(*map, index) != -EINVAL)
        return 251;
    return 0;
  });
  CHECK(outcome == 0);
}

TEST_CASE("a per-CPU map is not adopted as a plain one, nor a plain one as per-CPU", "[operations]") {
  const auto per_cpu = barebpf::percpu_hash_map<u32, u64>::create({.name = "hits", .max_entries = 2});
  const auto plain = barebpf::hash_map<u32, u64>::create({.name = "hits", .max_entries = 2});
  REQUIRE(per_cpu.has_value());
  REQUIRE(plain.has_value());
  barebpf::map_differences differences;

  const auto wrong = barebpf::hash_map<u32, u64>::from_fd(per_cpu->descriptor().number(), {}, &differences);
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().why == cause::another_map);
  CHECK(differences.expected.type == static_cast<u32>(map_type::hash));
  CHECK(differences.found.type == static_cast<u32>(map_type::percpu_hash));

  const auto other =
      barebpf::percpu_hash_map<u32, u64>::from_fd(plain->descriptor().number(), {}, &differences);
  REQUIRE_FALSE(other.has_value());
  CHECK(other.error().why == cause::another_map);
  CHECK(differences.expected.type == static_cast<u32>(map_type::percpu_hash));
  CHECK(differences.found.type == static_cast<u32>(map_type::hash));
}
