// SPDX-License-Identifier: MIT
// Room 8.3, ids: all maps, programs, links and types that the kernel has, whoever made them, by their numbers.
#ifndef BAREBPF_IDS_HPP
#define BAREBPF_IDS_HPP

#include "fd.hpp"
#include "outcome.hpp"
#include "span.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// What has a number of its own in the kernel.
enum class id_of : u8 { map, program, link, btf };

namespace detail {

struct id_commands {
  abi::command next, open;
};
inline constexpr id_commands commands_of_ids[] = {
    {abi::command::map_get_next_id, abi::command::map_get_fd_by_id},
    {abi::command::prog_get_next_id, abi::command::prog_get_fd_by_id},
    {abi::command::link_get_next_id, abi::command::link_get_fd_by_id},
    {abi::command::btf_get_next_id, abi::command::btf_get_fd_by_id},
};

}  // namespace detail

/// Walks over all numbers of one kind, from the smallest:
/// `for (const u32 id : programs) ...; if (programs.failed()) ...`.
/// Shape:  what comes or goes meanwhile is seen or not; a number may be gone when it is opened.
/// Cost:   one system call for each.
/// Kernel: 4.13, 5.1 for types, 5.8 for links.
/// Source: bpf_obj_get_next_id() in kernel/bpf/syscall.c at v6.12.
class all_ids {
 public:
  explicit constexpr all_ids(id_of kind) noexcept : kind_(kind) {}

  class iterator {
   public:
    explicit iterator(all_ids& walk) noexcept : walk_(&walk) { ++*this; }
    [[nodiscard]] u32 operator*() const noexcept { return id_; }
    iterator& operator++() noexcept {
      abi::next_id attr{.start_id = id_};
      const abi::command next = detail::commands_of_ids[static_cast<size_t>(walk_->kind_)].next;
      const long answer = sys_bpf(next, attr);
      if (answer < 0 && answer != -ENOENT) walk_->answer_ = answer;
      is_done_ = answer < 0;
      id_ = attr.next_id;
      return *this;
    }
    struct end_of_ids {};
    friend bool operator==(const iterator& at, end_of_ids) noexcept { return at.is_done_; }

   private:
    all_ids* walk_;
    u32 id_ = 0;
    bool is_done_ = false;
  };
  [[nodiscard]] iterator begin() noexcept {
    answer_ = 0;
    return iterator(*this);
  }
  [[nodiscard]] static iterator::end_of_ids end() noexcept { return {}; }

  /// True when the last walk ended before the last number.
  [[nodiscard]] bool failed() const noexcept { return answer_ < 0; }
  /// Why it did.
  /// Errors: EPERM without CAP_SYS_ADMIN; EINVAL for a kind that the kernel has no numbers for.
  [[nodiscard]] error why() const noexcept { return failure(step::list_ids, answer_); }

 private:
  id_of kind_;
  long answer_ = 0;
};

/// Opens what has this number.
/// Errors: ENOENT when it is gone; EPERM without CAP_SYS_ADMIN.
/// Kernel: as above.
/// Source: bpf_prog_get_fd_by_id() and its siblings in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] inline result<fd> open_by_id(id_of kind, u32 id) noexcept {
  const abi::next_id attr{.start_id = id};
  const long opened = move_away(sys_bpf(detail::commands_of_ids[static_cast<size_t>(kind)].open, attr));
  if (opened < 0) return failure(step::open_by_id, opened);
  return fd::own(opened);
}

/// What the kernel says of a program: type, id, tag, name, how long it runs where that is counted, and the ids of its
/// maps, of which as many as there is room for come to `maps`.
/// Shape:  `nr_map_ids` is how many maps there are.
/// Errors: ask_about with EINVAL for a descriptor of something else.
/// Kernel: 4.13.
/// Source: bpf_prog_get_info_by_fd() in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] inline result<abi::prog_info> program_info(const fd& program, span<u32> maps = {}) noexcept {
  abi::prog_info out{.nr_map_ids = static_cast<u32>(maps.size())};
  if (!maps.empty()) out.map_ids = maps.data();
  abi::obj_info attr{.bpf_fd = program.raw(), .info_len = sizeof out, .info = &out};
  if (const long answer = sys_bpf(abi::command::obj_get_info_by_fd, attr); answer < 0)
    return failure(step::ask_about, answer);
  // It tells of maps and links in the same way, and of those it has less to say.
  if (attr.info_len < offsetof(abi::prog_info, recursion_misses)) return failure(step::ask_about, -EINVAL);
  return out;
}

/// From now on the kernel counts how often each program runs and how long, until what this gives is closed.
/// Errors: EPERM without CAP_SYS_ADMIN.
/// Cost:   some nanoseconds for each run of each program.
/// Kernel: 5.8, BPF_ENABLE_STATS.
/// Source: bpf_enable_runtime_stats() in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] inline result<fd> count_runs() noexcept {
  const abi::enable_stats attr{};  // BPF_STATS_RUN_TIME
  const long opened = move_away(sys_bpf(abi::command::enable_stats, attr));
  if (opened < 0) return failure(step::enable_stats, opened);
  return fd::own(opened);
}

/// Which programs are attached at one place that takes several.
struct attached_programs {
  u32 count = 0;     ///< how many there are; ids of no more than there was room for came
  u64 revision = 0;  ///< goes up with each change, 0 before 6.6; see `position::revision`
};
/// Asks for the programs of one attach type at `target`: a descriptor of a cgroup, a network namespace or a map of
/// sockets, or the index of an interface for tcx and netkit.
/// Shape:  their ids in the order in which they run.
/// Errors: EINVAL for a place that cannot be asked; EPERM without CAP_NET_ADMIN, ENODEV for an interface that is gone.
/// Kernel: 4.15 for cgroups, 5.8 for network namespaces, 6.6 for interfaces.
/// Source: bpf_prog_query() in kernel/bpf/syscall.c at v6.12.
[[nodiscard]] inline result<attached_programs> query_programs(u32 target, abi::attach_type attach_type,
                                                              span<u32> ids = {}) noexcept {
  abi::prog_query attr{.target_fd = target, .attach_type = static_cast<u32>(attach_type)};
  attr.count = static_cast<u32>(ids.size());
  if (!ids.empty()) attr.prog_ids = ids.data();
  const long answer = sys_bpf(abi::command::prog_query, attr);
  // Without room for all the kernel gives as many as there is room for, and says so.
  if (answer < 0 && answer != -ENOSPC) return failure(step::prog_query, answer);
  return attached_programs{.count = attr.count, .revision = attr.revision};
}

/// A token, by which programs without capabilities may do what the mount of the BPF file system at `folder`, a descriptor
/// of its root, was delegated to. Options take it as `token`.
/// Errors: EPERM outside of a user namespace or without a mount with delegate_cmds; EINVAL for another file system.
/// Kernel: 6.9, BPF_TOKEN_CREATE.
/// Source: bpf_token_create() in kernel/bpf/token.c at v6.12.
[[nodiscard]] inline result<fd> create_token(const fd& folder) noexcept {
  const abi::token_create attr{.bpffs_fd = folder.raw()};
  const long opened = move_away(sys_bpf(abi::command::token_create, attr));
  if (opened < 0) return failure(step::token_create, opened);
  return fd::own(opened);
}

/// What a program writes by itself, by bpf_stream_printk() or when the kernel stopped it.
enum class program_stream : u32 { out = 1, errors = 2 };
/// Takes what is there of a program's stream.
/// Shape:  how many bytes came, 0 when there are none; they do not come again.
/// Errors: ENOENT for a stream that does not exist.
/// Kernel: 6.17, BPF_PROG_STREAM_READ_BY_FD.
/// Source: bpf_prog_stream_read() in kernel/bpf/stream.c at v6.17.
[[nodiscard]] inline result<size_t> read_stream(const fd& program, program_stream which,
                                                span<char> to) noexcept {
  const abi::prog_stream_read attr{.stream_buf = to.data(),
                                   .stream_buf_len = static_cast<u32>(to.size()),
                                   .stream_id = static_cast<u32>(which),
                                   .prog_fd = program.raw()};
  const long got = sys_bpf(abi::command::prog_stream_read_by_fd, attr);
  if (got < 0) return failure(step::prog_stream_read_by_fd, got);
  return static_cast<size_t>(got);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_IDS_HPP
