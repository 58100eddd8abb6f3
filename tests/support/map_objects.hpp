// SPDX-License-Identifier: MIT
// A map of any type with an element in it, and what the kernel wants for that: a program, a perf event, a cgroup, a
// socket, an interface and their like. All of it goes with the object that made it.
#ifndef BAREBPF_TESTS_SUPPORT_MAP_OBJECTS_HPP
#define BAREBPF_TESTS_SUPPORT_MAP_OBJECTS_HPP

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "cgroup.hpp"
#include "fault_object.hpp"
#include "library.hpp"
#include "object_builder.hpp"

/// The register that an instruction writes, in the byte that it shares with the one that is read.
constexpr barebpf::u8 into_register(unsigned number) {
  return static_cast<barebpf::u8>(barebpf::host_is_big_endian ? number << 4 : number);
}

/// True where the kernel compiles programs.
inline bool has_jit() { return access("/proc/sys/net/core/bpf_jit_enable", F_OK) == 0; }
/// True where the kernel has maps of this type. Some have no use without the compiler: those of inodes, which only
/// security hooks reach, the structs of functions, and, as newer kernels say at once, arenas.
inline bool is_known_here(const barebpf::map_kind& kind) {
  using barebpf::map_type;
  if (kind.first_kernel > barebpf::running_kernel()) return false;
  if (has_jit()) return true;
  const bool wants_it = kind.type == map_type::inode_storage || kind.type == map_type::struct_ops ||
                        (kind.type == map_type::arena && barebpf::running_kernel() >= barebpf::kernel(7, 0));
  return !wants_it;
}
/// What it says where it has none, and the cause that the library knows for that.
inline long answer_without(const barebpf::map_kind& kind) {
  const bool is_newer = kind.first_kernel > barebpf::running_kernel();
  return kind.type == barebpf::map_type::arena && !is_newer ? -EOPNOTSUPP : -EINVAL;
}
inline barebpf::cause cause_without(const barebpf::map_kind& kind) {
  const bool is_newer = kind.first_kernel > barebpf::running_kernel();
  return is_newer ? barebpf::cause::newer_map_type : barebpf::cause::none;
}

/// A descriptor that must have been opened.
inline barebpf::fd opened_fd(long number) {
  INFO("opened with " << number);
  REQUIRE(number >= 0);
  return barebpf::fd::own(number);
}

/// Types for keys and values, known to the kernel.
struct element_types {
  btf_builder types{};
  barebpf::u32 number = types.integer("int", 4, 1);
  barebpf::u32 wide = types.integer("long", 8, 0);
  barebpf::u32 half = types.integer("unsigned int", 4, 0);
  barebpf::u32 prefix = types.structure("lpm", 8, {{"prefixlen", half, 0}, {"data", half, 32}});
  barebpf::u32 lock = types.structure("bpf_spin_lock", 4, {{"val", half, 0}});
  barebpf::u32 locked = types.structure("locked", 8, {{"lock", lock, 0}, {"number", half, 32}});
  barebpf::fd descriptor{};

  element_types() {
    const file_image content = types.content();
    descriptor = opened_fd(barebpf::load_btf(content.data(), static_cast<barebpf::u32>(content.size())));
    kept_descriptors().push_back(descriptor.number());
  }
  static const element_types& shared() {
    static const element_types all;
    return all;
  }
};

/// A map that the kernel should create, of the smallest kind that the table allows.
inline barebpf::abi::map_create smallest_map(const barebpf::map_kind& kind) {
  using barebpf::entries_rule;
  using barebpf::key_rule;
  using barebpf::value_rule;
  barebpf::abi::map_create attr{.map_type = static_cast<barebpf::u32>(kind.type),
                                .map_flags = kind.required_flags};
  switch (kind.key) {
    case key_rule::none:
      break;
    case key_rule::prefix:
    case key_rule::cgroup:
      attr.key_size = 8;
      break;
    default:
      attr.key_size = 4;
  }
  switch (kind.value) {
    case value_rule::none:
      break;
    case value_rule::instruction:
      attr.value_size = 16;
      break;
    case value_rule::plain:
    case value_rule::per_cpu:
    case value_rule::stack:
      attr.value_size = 8;
      break;
    default:
      attr.value_size = 4;
  }
  attr.max_entries = kind.entries == entries_rule::zero        ? 0
                     : kind.entries == entries_rule::ring_size ? 4096
                                                               : 1;
  if (kind.btf == barebpf::btf_rule::required) {
    attr.btf_fd = element_types::shared().descriptor.raw();
    attr.btf_key_type_id = element_types::shared().number;
    attr.btf_value_type_id = element_types::shared().wide;
  }
  if (kind.value == value_rule::map) {
    static const auto inner = [] {
      auto made = barebpf::array_map<std::uint64_t>::create({.name = "inner", .max_entries = 1});
      REQUIRE(made.has_value());
      kept_descriptors().push_back(made->descriptor().number());
      return made;
    }();
    attr.inner_map_fd = inner->descriptor().raw();
  }
  return attr;
}

/// A program of these instructions.
template <std::size_t Count>
barebpf::fd load_program(const barebpf::abi::insn (&code)[Count], barebpf::abi::prog_type type,
                         barebpf::u32 attach_type = 0, barebpf::u32 attach_btf_id = 0) {
  const barebpf::abi::prog_load attr{.prog_type = static_cast<barebpf::u32>(type),
                                     .insn_cnt = Count,
                                     .insns = code,
                                     .license = "GPL",
                                     .expected_attach_type = attach_type,
                                     .attach_btf_id = attach_btf_id};
  return opened_fd(barebpf::sys_bpf(barebpf::abi::command::prog_load, attr));
}
/// One that returns `answer` and does nothing.
inline barebpf::fd load_returning(barebpf::s32 answer, barebpf::abi::prog_type type,
                                  barebpf::u32 attach_type = 0, barebpf::u32 attach_btf_id = 0) {
  const barebpf::abi::insn code[] = {{.opcode = 0xb7, .immediate = answer}, {.opcode = 0x95}};
  return load_program(code, type, attach_type, attach_btf_id);
}

/// A perf event that never happens.
inline barebpf::fd open_dummy_event() {
  const barebpf::abi::perf_event_attr attr{.type = 1,
                                           .config = 9};  // PERF_TYPE_SOFTWARE, PERF_COUNT_SW_DUMMY
  return opened_fd(barebpf::system_call(__NR_perf_event_open, &attr, 0, -1, -1,
                                        static_cast<long>(barebpf::abi::perf_flag_fd_cloexec)));
}

/// A UDP socket of this machine's own, bound and one of a group.
inline barebpf::fd open_datagram_socket() {
  barebpf::fd out = opened_fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  REQUIRE(setsockopt(out.number(), SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes) == 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(bind(out.number(), reinterpret_cast<const sockaddr*>(&here), sizeof here) == 0);
  return out;
}

/// An AF_XDP socket, which can receive, as Linux 7.2 wants of those in maps.
inline barebpf::fd open_xdp_socket(bool can_receive = true) {
  constexpr int family = 44;  // AF_XDP
  barebpf::fd out = opened_fd(socket(family, SOCK_RAW | SOCK_CLOEXEC, 0));
  const unsigned entries = 2;
  if (can_receive)
    REQUIRE(setsockopt(out.number(), barebpf::abi::sol_xdp, barebpf::abi::xdp_option::rx_ring, &entries,
                       sizeof entries) == 0);
  return out;
}

/// What stands for a process.
inline barebpf::fd open_process(pid_t of) {
  constexpr long nr_pidfd_open = 434;
  return opened_fd(barebpf::system_call(nr_pidfd_open, static_cast<long>(of), 0));
}

/// The cgroups of version 2 as a file system that is mounted nowhere, or with a name those of version 1.
inline barebpf::fd mount_cgroups(const char* name_of_version_1 = nullptr) {
  if (name_of_version_1 == nullptr) return opened_fd(open_detached("cgroup2"));
  namespace abi = barebpf::abi;
  const barebpf::fd context =
      opened_fd(barebpf::system_call(barebpf::nr_fsopen, "cgroup", static_cast<long>(abi::fsopen_cloexec)));
  const auto set = [&](long command, const char* key, const char* value) {
    return barebpf::system_call(barebpf::nr_fsconfig, static_cast<long>(context.number()), command, key,
                                value, 0);
  };
  REQUIRE(set(0, "none", nullptr) == 0);
  REQUIRE(set(1, "name", name_of_version_1) == 0);
  REQUIRE(set(abi::fsconfig_cmd_create, nullptr, nullptr) == 0);
  return opened_fd(barebpf::system_call(barebpf::nr_fsmount, static_cast<long>(context.number()),
                                        static_cast<long>(abi::fsmount_cloexec), 0));
}

/// The kernel's own types.
class running_types {
 public:
  static const running_types& shared() {
    static const running_types all;
    return all;
  }
  [[nodiscard]] const barebpf::btf& types() const { return types_; }
  [[nodiscard]] barebpf::btf_type structure(barebpf::text wanted) const {
    const barebpf::btf_type found = types_.find(barebpf::abi::btf_kind::structure, wanted);
    INFO(std::string(wanted.data(), wanted.size()));
    REQUIRE(found.id != 0);
    return found;
  }
  /// The index and the byte offset of a member.
  struct place {
    barebpf::u32 index, offset;
  };
  [[nodiscard]] place member(const barebpf::btf_type& of, barebpf::text wanted) const {
    for (barebpf::u32 i = 0; i < of.members; ++i) {
      const barebpf::btf_member at = types_.member(of, i);
      const barebpf::bytes image = window_on_numbers(image_);
      if (image.string_is(at.name, wanted)) return {i, image.read32(at.at + 8) / 8};
    }
    FAIL("the kernel's struct has no member " << std::string(wanted.data(), wanted.size()));
    return {};
  }

 private:
  running_types() {
    std::ifstream file("/sys/kernel/btf/vmlinux", std::ios::binary);
    image_.assign(std::istreambuf_iterator<char>(file), {});
    REQUIRE_FALSE(barebpf::btf::open(window_on_numbers(image_), 0, image_.size(), types_).failed());
    index_.resize(types_.index_size());
    types_.build_index(index_.data());
  }
  file_image image_;
  std::vector<barebpf::u32> index_;
  barebpf::btf types_;
};

/// A map of `kind` with room for two elements, and what can be put into it. Elements that only programs and the kernel
/// make are in it from the start.
class live_map {
 public:
  /// With `value_type`, one of `element_types`, the kernel is told of types.
  explicit live_map(const barebpf::map_kind& kind, barebpf::u32 value_type = 0) : kind_(kind) {
    const element_types& types = element_types::shared();
    attr_ = smallest_map(kind);
    attr_.map_flags |= kind.flags & barebpf::map_flag::mmapable;
    if (value_type != 0) {
      attr_.btf_fd = types.descriptor.raw();
      attr_.btf_key_type_id = kind.key == barebpf::key_rule::prefix   ? types.prefix
                              : kind.key == barebpf::key_rule::cgroup ? types.wide
                                                                      : types.number;
      attr_.btf_value_type_id = value_type;
    }
    if (kind.entries == barebpf::entries_rule::count) attr_.max_entries = 2;
    if (kind.value == barebpf::value_rule::socket) attr_.value_size = 8;
    if (kind.value == barebpf::value_rule::kernel_type) describe_congestion_control();
    answer_ = barebpf::create_map(attr_);
    if (answer_ < 0) return;
    map_ = barebpf::untyped_map::own(barebpf::fd::own(answer_), barebpf::to_kernel_name("cell"));
    for (unsigned which = 0; which < 3; ++which) keys_[which] = make_key(which);
    for (std::vector<unsigned char>& value : values_) value = make_value();
    if (kind.key == barebpf::key_rule::cgroup) attach_to_cgroup();
    if (kind.value == barebpf::value_rule::stack) walk_stack();
  }

  // A congestion control is the kernel's until it is deleted, and keeps its map alive.
  ~live_map() {
    if (kind_.value == value_rule::kernel_type) static_cast<void>(map_.delete_elem(first_key()));
  }
  live_map(const live_map&) = delete;
  live_map& operator=(const live_map&) = delete;

  /// What the kernel said to it: 0 or more where there is one.
  [[nodiscard]] long answer() const { return answer_; }
  [[nodiscard]] const barebpf::abi::map_create& attr() const { return attr_; }
  [[nodiscard]] const barebpf::map_kind& kind() const { return kind_; }
  [[nodiscard]] barebpf::untyped_map& map() { return map_; }

  /// The key of the element that is in the map once it is put in, of one that is not, and of one that is too many;
  /// null without keys.
  const void* first_key() const { return key(0); }
  const void* second_key() const { return key(1); }
  const void* third_key() const { return key(2); }
  /// Values that the kernel takes, each with an object of its own, of as many bytes as it copies.
  const void* first_value() const { return values_[0].data(); }
  const void* second_value() const { return values_[1].data(); }
  [[nodiscard]] std::size_t value_bytes() const { return values_[0].size(); }
  /// As many bytes for what comes out, with the first value in them, for which a Bloom filter is asked.
  void* room() {
    room_ = values_[0];
    if (room_.size() < 16) room_.resize(16);  // and for a key
    return room_.data();
  }

  /// What the kernel says to the elements.
  long put_first() const { return map_.update_elem(first_key(), first_value(), 0); }
  long put_second() const { return map_.update_elem(second_key(), second_value(), 0); }

 private:
  using key_rule = barebpf::key_rule;
  using value_rule = barebpf::value_rule;
  using map_type = barebpf::map_type;

  const void* key(unsigned which) const { return keys_[which].empty() ? nullptr : keys_[which].data(); }

  template <class T>
  static std::vector<unsigned char> bytes_of(const T& from, std::size_t size = sizeof(T)) {
    std::vector<unsigned char> out(size);
    std::memcpy(out.data(), &from, sizeof(T));
    return out;
  }
  test_cgroup& cgroup() {
    static int made = 0;
    if (cgroup_ == nullptr) cgroup_ = std::make_unique<test_cgroup>("element-" + std::to_string(made++));
    return *cgroup_;
  }
  // Keeps a descriptor as long as the map and gives its number as the kernel takes it.
  barebpf::u32 keep(barebpf::fd what) {
    things_.push_back(std::move(what));
    return things_.back().raw();
  }

  std::vector<unsigned char> make_key(unsigned which) {
    switch (kind_.key) {
      case key_rule::none:
        return {};
      case key_rule::prefix: {
        const barebpf::u32 prefix[] = {32, which};
        return bytes_of(prefix);
      }
      case key_rule::cgroup:
        return bytes_of(which == 0 ? cgroup().id() : barebpf::u64{which});
      case key_rule::descriptor:
        return bytes_of(owner(which));
      default:
        return bytes_of(which);
    }
  }
  // What an element is stored with. Two of them are enough, for there is no third that would be too many.
  barebpf::u32 owner(unsigned which) {
    switch (kind_.type) {
      case map_type::sk_storage:
        return keep(open_datagram_socket());
      case map_type::inode_storage:
        return keep(opened_fd(open(which == 0 ? "/dev/null" : "/dev/zero", O_RDONLY | O_CLOEXEC)));
      case map_type::task_storage:
        return keep(open_process(which == 0 ? getpid() : 1));
      default:
        return keep(which == 0 ? opened_fd(barebpf::duplicate(cgroup().descriptor().number()))
                               : mount_cgroups());
    }
  }

  std::vector<unsigned char> make_value() {
    switch (kind_.value) {
      case value_rule::none:
        return std::vector<unsigned char>(8);
      case value_rule::per_cpu:
        return std::vector<unsigned char>(attr_.value_size * barebpf::possible_cpus().value_or(0), 1);
      case value_rule::program:
        return bytes_of(keep(load_returning(0, barebpf::abi::prog_type::socket_filter)));
      case value_rule::map:
        return bytes_of(attr_.inner_map_fd);
      case value_rule::event:
        return bytes_of(keep(open_dummy_event()));
      case value_rule::cgroup:
        return bytes_of(keep(opened_fd(barebpf::duplicate(cgroup().descriptor().number()))));
      case value_rule::socket:
        return bytes_of(barebpf::u64{keep(open_datagram_socket())});
      case value_rule::xsk:
        return bytes_of(keep(open_xdp_socket()));
      case value_rule::device:
        return bytes_of(if_nametoindex("lo"));
      case value_rule::cpu:
        return bytes_of(barebpf::u32{64});
      case value_rule::kernel_type:
        return congestion_control();
      default:
        return std::vector<unsigned char>(attr_.value_size);
    }
  }

  // The kernel makes the element of a cgroup when a program that uses the map is attached to it.
  void attach_to_cgroup() {
    barebpf::abi::insn code[] = {{.opcode = barebpf::abi::opcode_ld_imm64,
                                  .registers = into_register(1),
                                  .immediate = map_.descriptor().number()},
                                 {},
                                 {.opcode = 0xb7, .immediate = 1},
                                 {.opcode = 0x95}};
    code[0].set_source(barebpf::abi::pseudo_map_fd);
    const auto where = static_cast<barebpf::u32>(barebpf::abi::attach_type::cgroup_inet_egress);
    const barebpf::u32 program = keep(load_program(code, barebpf::abi::prog_type::cgroup_skb, where));
    const barebpf::abi::link_create attr{
        .prog_fd = program, .target_fd = cgroup().descriptor().raw(), .attach_type = where};
    keep(opened_fd(barebpf::sys_bpf(barebpf::abi::command::link_create, attr)));
  }
  // The kernel gives the number of a stack; the other one is free.
  void walk_stack() {
    barebpf::abi::insn code[] = {{.opcode = barebpf::abi::opcode_ld_imm64,
                                  .registers = into_register(2),
                                  .immediate = map_.descriptor().number()},
                                 {},
                                 {.opcode = 0xb7, .registers = into_register(3)},
                                 {.opcode = barebpf::abi::opcode_call, .immediate = 27},  // get_stackid
                                 {.opcode = 0x95}};
    code[0].set_source(barebpf::abi::pseudo_map_fd);
    const barebpf::fd program = load_program(code, barebpf::abi::prog_type::raw_tracepoint);
    barebpf::abi::prog_test_run attr{.prog_fd = program.raw()};
    const long ran = barebpf::sys_bpf(barebpf::abi::command::prog_test_run, attr);
    INFO("ran with " << ran << " and gave " << attr.retval);
    REQUIRE(ran >= 0);
    REQUIRE(attr.retval < 2);
    keys_[0] = bytes_of(attr.retval);
    keys_[1] = bytes_of(1 - attr.retval);
  }

  // A congestion control that does nothing: the kernel lists it, and nobody chooses it.
  static constexpr const char* congestion_name = "barebpf_cell";
  static constexpr const char* congestion_wrapper = "bpf_struct_ops_tcp_congestion_ops";
  void describe_congestion_control() {
    if (!is_known_here(kind_)) return;
    const barebpf::btf_type wrapper = running_types::shared().structure(barebpf::text(congestion_wrapper));
    attr_.value_size = wrapper.size_or_type;
    attr_.btf_vmlinux_value_type_id = wrapper.id;
    attr_.btf_fd = element_types::shared().descriptor.raw();
  }
  std::vector<unsigned char> congestion_control() {
    const running_types& kernel = running_types::shared();
    const barebpf::btf_type wrapper = kernel.structure(barebpf::text(congestion_wrapper));
    const barebpf::btf_type operations = kernel.structure("tcp_congestion_ops");
    const barebpf::u32 data = kernel.member(wrapper, "data").offset;
    std::vector<unsigned char> out(attr_.value_size);
    const auto name = kernel.member(operations, "name");
    std::memcpy(out.data() + data + name.offset, congestion_name, std::strlen(congestion_name));
    for (const char* function : {"ssthresh", "cong_avoid", "undo_cwnd"}) {
      const auto at = kernel.member(operations, barebpf::text(function));
      const barebpf::u64 program =
          keep(load_returning(0, barebpf::abi::prog_type::struct_ops, at.index, operations.id));
      std::memcpy(out.data() + data + at.offset, &program, sizeof program);
    }
    return out;
  }

  barebpf::map_kind kind_;
  barebpf::abi::map_create attr_{};
  long answer_ = 0;
  std::unique_ptr<test_cgroup> cgroup_;
  std::vector<barebpf::fd> things_;
  barebpf::untyped_map map_ = barebpf::untyped_map::own(barebpf::fd(), {});
  std::vector<unsigned char> keys_[3], values_[2], room_;
};

#endif
