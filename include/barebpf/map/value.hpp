// SPDX-License-Identifier: MIT
// Room 7.6, map/value: values that are no plain bytes. What such a map takes stands for something of the kernel's, and
// what it gives back is often something else: a program goes in by its descriptor and comes out as its id.
#ifndef BAREBPF_MAP_VALUE_HPP
#define BAREBPF_MAP_VALUE_HPP

#include "../kinds.hpp"
#include "../layout.hpp"
#include "../span.hpp"
#include "element.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A file descriptor as the value of an element; whoever owns it may close it once it is in, for the map holds on to
/// what it stands for. `Answer` is what a lookup gives.
template <value_rule Rule, class Answer = no_value, class Number = u32>
struct descriptor_value {
  static constexpr value_rule rule = Rule;
  using answer = Answer;
  Number number;

  /// From the number itself, or from what owns or borrows a descriptor: an `fd`, a map, a link.
  descriptor_value(int descriptor) noexcept : number(static_cast<Number>(descriptor)) {}
  descriptor_value(const fd& descriptor) noexcept : descriptor_value(descriptor.number()) {}
  template <class Owner>
  requires requires(const Owner& owner) {
    { owner.descriptor() } -> std::same_as<const fd&>;
  }
  descriptor_value(const Owner& owner) noexcept : descriptor_value(owner.descriptor()) {}
};

/// A loaded program, known to the whole kernel by this number.
struct program_id {
  u32 id = 0;
  friend bool operator==(program_id, program_id) = default;
};
/// A map, known to the whole kernel by this number. Errors, cost: those of `Map::from_id`.
template <class Map>
struct map_id {
  u32 id = 0;
  /// Opens the map.
  [[nodiscard]] auto open() const noexcept { return Map::from_id(id); }
  friend bool operator==(map_id, map_id) = default;
};
/// A socket, known to the whole kernel by this number, which it never gives again. Source: SO_COOKIE in socket(7).
struct socket_cookie {
  u64 cookie = 0;
  friend bool operator==(socket_cookie, socket_cookie) = default;
};

/// A program in a slot of a program array.
using program_fd = descriptor_value<value_rule::program, program_id>;
/// A map in an element of an array or hash of maps. `Map` is the typed map that each of them is.
template <class Map>
using map_fd = descriptor_value<value_rule::map, map_id<Map>>;
/// A perf event in a slot of a perf event array; it does not come back out.
using event_fd = descriptor_value<value_rule::event>;
/// A cgroup in a slot of a cgroup array: the descriptor of its folder in cgroup version 2. It does not come back out.
using cgroup_fd = descriptor_value<value_rule::cgroup>;
/// An AF_XDP socket in a slot of an xskmap; it does not come back out.
using xsk_fd = descriptor_value<value_rule::xsk>;
/// A socket in a sockmap, a sockhash or a reuseport_sockarray.
using socket_fd = descriptor_value<value_rule::socket, socket_cookie, u64>;
/// The same in a map whose values have 4 bytes, from which nothing comes back out.
using short_socket_fd = descriptor_value<value_rule::socket>;

/// An interface that packets are redirected to.
struct device {
  static constexpr value_rule rule = value_rule::device;
  u32 ifindex = 0;  ///< number of the interface, as if_nametoindex(3) gives it
};
/// An interface, and the program that runs on each packet before it leaves there.
struct device_and_program {
  static constexpr value_rule rule = value_rule::device;
  /// What a lookup gives.
  struct answer {
    u32 ifindex = 0;
    u32 program_id = 0;  ///< 0 for none
  };
  u32 ifindex = 0;
  int program = -1;  ///< descriptor of an XDP program for devmaps, negative for none
};

/// A CPU that packets are redirected to; the key is its number.
struct cpu_queue {
  static constexpr value_rule rule = value_rule::cpu;
  u32 queue_size = 0;  ///< packets that may wait for it, 16,384 at most
};
/// The same, and the program that runs there on each packet.
struct cpu_queue_and_program {
  static constexpr value_rule rule = value_rule::cpu;
  /// What a lookup gives.
  struct answer {
    u32 queue_size = 0;
    u32 program_id = 0;  ///< 0 for none
  };
  u32 queue_size = 0;
  int program = -1;  ///< descriptor of an XDP program for cpumaps, negative for none
};

/// The instruction addresses of a stack, the innermost first. `Depth` is at most kernel.perf_event_max_stack, 127 by
/// default.
template <size_t Depth>
struct stack_addresses {
  static constexpr value_rule rule = value_rule::stack;
  static constexpr u32 map_flags = 0;
  u64 list[Depth] = {};

  /// Those that there are.
  [[nodiscard]] span<const u64> addresses() const noexcept {
    size_t count = 0;
    while (count < Depth && list[count] != 0) ++count;
    return {list, count};
  }
};

/// One place of a stack as map_flag::stack_build_id makes the kernel keep it; in the kernel it is an address.
/// Source: struct bpf_stack_build_id in include/uapi/linux/bpf.h at v6.12.
struct build_id_place {
  enum class state : s32 {
    empty = 0,    ///< behind the last
    valid = 1,    ///< `build_id` and `offset` hold
    address = 2,  ///< the file has no build id or was not in memory; `offset` is the address
  };
  state status = state::empty;
  u8 build_id[20] = {};
  u64 offset = 0;  ///< bytes from the start of the file
};
/// A stack by files and offsets, the innermost place first; for maps with map_flag::stack_build_id.
template <size_t Depth>
struct stack_build_ids {
  static constexpr value_rule rule = value_rule::stack;
  static constexpr u32 map_flags = map_flag::stack_build_id;
  build_id_place list[Depth] = {};

  /// Those that there are.
  [[nodiscard]] span<const build_id_place> places() const noexcept {
    size_t count = 0;
    while (count < Depth && list[count].status != build_id_place::state::empty) ++count;
    return {list, count};
  }
};

/// An instruction that a program may jump to.
/// Source: struct bpf_insn_array_value in include/uapi/linux/bpf.h of 6.19.
struct instruction_place {
  static constexpr value_rule rule = value_rule::instruction;
  u32 original = 0;    ///< as the program was loaded; only this one is given
  u32 translated = 0;  ///< as the verifier left it
  u32 machine = 0;     ///< offset into the machine code
  u32 padding = 0;
};

/// The owner of a value in a local storage, by a descriptor: a socket, a process (pidfd_open(2)), the folder of a
/// cgroup, or a file.
struct owner_fd {
  int number;

  owner_fd(int descriptor = -1) noexcept : number(descriptor) {}
  owner_fd(const fd& descriptor) noexcept : number(descriptor.number()) {}
};
template <>
inline constexpr bool is_compared_by_size<owner_fd> = true;

/// The key of a cgroup storage that tells the ways of attaching apart; the other form is the cgroup's id, a u64.
/// Source: struct bpf_cgroup_storage_key in include/uapi/linux/bpf.h at v6.12.
struct cgroup_storage_key {
  u64 cgroup_inode_id = 0;  ///< the inode number of the cgroup's folder
  u32 attach_type = 0;      ///< `abi::attach_type` of the program
  std::byte padding[4] = {};
};

/// A spin lock in a value, which programs take with bpf_spin_lock and `under_lock` takes from here. The kernel finds it by
/// this name.
/// Source: struct bpf_spin_lock in include/uapi/linux/bpf.h at v6.12.
struct bpf_spin_lock {
  u32 val = 0;  ///< the kernel's alone: it is neither read nor written with the value
};
using spin_lock = bpf_spin_lock;

/// Reads or writes the whole element at once, under the `spin_lock` in its value, so that no program sees half of it.
/// Kernel: 5.1, BPF_F_LOCK; the map's BTF must show the lock.
/// Source: copy_map_value_locked() in kernel/bpf/helpers.c at v6.12.
struct locked {
  static constexpr operation needs = can_lock;
  [[nodiscard]] static constexpr u64 flags() noexcept { return 4; }
};
inline constexpr locked under_lock;

/// The value of one CPU of a map that keeps one for each: a plain value goes in or comes out.
/// Kernel: 7.0, BPF_F_CPU.
struct on_cpu {
  static constexpr operation needs = can_choose_cpu;
  u32 cpu;  ///< number of a possible CPU
  [[nodiscard]] constexpr u64 flags() const noexcept { return 8 | u64{cpu} << 32; }
};
/// The same value for every CPU.
/// Kernel: 7.0, BPF_F_ALL_CPUS.
struct all_cpus {
  static constexpr operation needs = can_choose_cpu;
  [[nodiscard]] static constexpr u64 flags() noexcept { return 16; }
};
inline constexpr all_cpus on_all_cpus;

namespace detail {

// A value type that says itself what it stands for; not one of a user's that happens to have a member of that name.
template <class Value>
concept exchanged = requires {
  requires std::same_as<decltype(Value::rule), const value_rule>;
};

template <class Value>
struct answer {
  using type = Value;
};
template <exchanged Value>
requires requires { typename Value::answer; }
struct answer<Value> {
  using type = typename Value::answer;
};

template <class Value>
constexpr value_rule value_rule_of_type() noexcept {
  if constexpr (exchanged<Value>)
    return Value::rule;
  else
    return value_rule::plain;
}

}  // namespace detail

/// What a lookup of a map with values of this type gives: the value itself, or what stands for it.
template <class Value>
using answer_of = typename detail::answer<Value>::type;

/// What kind of values the maps have that take `Value`; `plain` for all types that say nothing else.
template <class Value>
inline constexpr value_rule value_rule_of = detail::value_rule_of_type<Value>();

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_MAP_VALUE_HPP
