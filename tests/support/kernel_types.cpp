// SPDX-License-Identifier: MIT
#include "kernel_types.hpp"

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iterator>

namespace kernel_types {

namespace {

namespace abi = barebpf::abi;

/// A member of one of our records, and what the kernel calls the same place. Constants, because six hundred strings cost
/// the compiler ten seconds.
struct member_row {
  const char* record;
  const char* member;
  std::size_t offset;
  std::size_t size;
  const char* type;      ///< the kernel's struct or union
  const char* paths[8];  ///< none for bytes that nobody reads; a null pointer ends them
};

// The formatter takes the braces for a body.
// clang-format off
#define KERNEL_MEMBER(kernel_type, record, member, ...)                                                    \
  {#record, #member, offsetof(abi::record, member), sizeof(std::declval<abi::record&>().member), kernel_type, \
   {__VA_ARGS__}}
// clang-format on
#define ATTR(record, member, ...) KERNEL_MEMBER("bpf_attr", record, member, __VA_ARGS__)
#define INSIDE(record, prefix, member) ATTR(record, member, prefix "." #member)

#define LINK_CREATE(record)                                                           \
  ATTR(record, prog_fd, "link_create.prog_fd", "link_create.map_fd"),                 \
      ATTR(record, target_fd, "link_create.target_fd", "link_create.target_ifindex"), \
      INSIDE(record, "link_create", attach_type), INSIDE(record, "link_create", flags)

/// Every member of every record of room 1.1, and of the perf event of room 1.5.
constexpr member_row member_rows[] = {
    ATTR(map_create, map_type, "map_type"),
    ATTR(map_create, key_size, "key_size"),
    ATTR(map_create, value_size, "value_size"),
    ATTR(map_create, max_entries, "max_entries"),
    ATTR(map_create, map_flags, "map_flags"),
    ATTR(map_create, inner_map_fd, "inner_map_fd"),
    ATTR(map_create, numa_node, "numa_node"),
    ATTR(map_create, map_name, "map_name"),
    ATTR(map_create, map_ifindex, "map_ifindex"),
    ATTR(map_create, btf_fd, "btf_fd"),
    ATTR(map_create, btf_key_type_id, "btf_key_type_id"),
    ATTR(map_create, btf_value_type_id, "btf_value_type_id"),
    ATTR(map_create, btf_vmlinux_value_type_id, "btf_vmlinux_value_type_id"),
    ATTR(map_create, map_extra, "map_extra"),
    ATTR(map_create_with_token, create),
    ATTR(map_create_with_token, value_type_btf_obj_fd, "value_type_btf_obj_fd"),
    ATTR(map_create_with_token, map_token_fd, "map_token_fd"),
    ATTR(map_create_with_token, excl_prog_hash, "excl_prog_hash"),
    ATTR(map_create_with_token, excl_prog_hash_size, "excl_prog_hash_size"),

    ATTR(map_elem, map_fd, "map_fd"),
    ATTR(map_elem, unused),
    ATTR(map_elem, key, "key"),
    ATTR(map_elem, value, "value"),
    ATTR(map_elem, flags, "flags"),
    ATTR(map_key, map_fd, "map_fd"),
    ATTR(map_key, unused),
    ATTR(map_key, key, "key"),
    ATTR(map_next_key, map_fd, "map_fd"),
    ATTR(map_next_key, unused),
    ATTR(map_next_key, key, "key"),
    ATTR(map_next_key, next_key, "next_key"),
    ATTR(map_freeze, map_fd, "map_fd"),
    INSIDE(map_batch, "batch", in_batch),
    INSIDE(map_batch, "batch", out_batch),
    INSIDE(map_batch, "batch", keys),
    INSIDE(map_batch, "batch", values),
    INSIDE(map_batch, "batch", count),
    INSIDE(map_batch, "batch", map_fd),
    INSIDE(map_batch, "batch", elem_flags),
    INSIDE(map_batch, "batch", flags),

    ATTR(prog_load, prog_type, "prog_type"),
    ATTR(prog_load, insn_cnt, "insn_cnt"),
    ATTR(prog_load, insns, "insns"),
    ATTR(prog_load, license, "license"),
    ATTR(prog_load, log_level, "log_level"),
    ATTR(prog_load, log_size, "log_size"),
    ATTR(prog_load, log_buf, "log_buf"),
    ATTR(prog_load, kern_version, "kern_version"),
    ATTR(prog_load, prog_flags, "prog_flags"),
    ATTR(prog_load, prog_name, "prog_name"),
    ATTR(prog_load, prog_ifindex, "prog_ifindex"),
    ATTR(prog_load, expected_attach_type, "expected_attach_type"),
    ATTR(prog_load, prog_btf_fd, "prog_btf_fd"),
    ATTR(prog_load, func_info_rec_size, "func_info_rec_size"),
    ATTR(prog_load, func_info, "func_info"),
    ATTR(prog_load, func_info_cnt, "func_info_cnt"),
    ATTR(prog_load, line_info_rec_size, "line_info_rec_size"),
    ATTR(prog_load, line_info, "line_info"),
    ATTR(prog_load, line_info_cnt, "line_info_cnt"),
    ATTR(prog_load, attach_btf_id, "attach_btf_id"),
    ATTR(prog_load, attach_prog_fd, "attach_prog_fd", "attach_btf_obj_fd"),
    ATTR(prog_load, core_relo_cnt, "core_relo_cnt"),
    ATTR(prog_load, fd_array, "fd_array"),
    ATTR(prog_load, core_relos, "core_relos"),
    ATTR(prog_load, core_relo_rec_size, "core_relo_rec_size"),
    ATTR(prog_load, log_true_size, "log_true_size"),
    ATTR(prog_load_with_token, load),
    ATTR(prog_load_with_token, prog_token_fd, "prog_token_fd"),
    ATTR(prog_load_with_token, fd_array_cnt, "fd_array_cnt"),
    ATTR(prog_load_with_token, signature, "signature"),
    ATTR(prog_load_with_token, signature_size, "signature_size"),
    ATTR(prog_load_with_token, keyring_id, "keyring_id"),

    ATTR(obj_path, pathname, "pathname"),
    ATTR(obj_path, bpf_fd, "bpf_fd"),
    ATTR(obj_path, file_flags, "file_flags"),
    ATTR(obj_path, path_fd, "path_fd"),
    ATTR(prog_attach, target_fd, "target_fd", "target_ifindex"),
    ATTR(prog_attach, attach_bpf_fd, "attach_bpf_fd"),
    ATTR(prog_attach, attach_type, "attach_type"),
    ATTR(prog_attach, attach_flags, "attach_flags"),
    ATTR(prog_attach, replace_bpf_fd, "replace_bpf_fd"),
    ATTR(prog_attach, relative_fd, "relative_fd", "relative_id"),
    ATTR(prog_attach, expected_revision, "expected_revision"),
    INSIDE(prog_test_run, "test", prog_fd),
    INSIDE(prog_test_run, "test", retval),
    INSIDE(prog_test_run, "test", data_size_in),
    INSIDE(prog_test_run, "test", data_size_out),
    INSIDE(prog_test_run, "test", data_in),
    INSIDE(prog_test_run, "test", data_out),
    INSIDE(prog_test_run, "test", repeat),
    INSIDE(prog_test_run, "test", duration),
    INSIDE(prog_test_run, "test", ctx_size_in),
    INSIDE(prog_test_run, "test", ctx_size_out),
    INSIDE(prog_test_run, "test", ctx_in),
    INSIDE(prog_test_run, "test", ctx_out),
    INSIDE(prog_test_run, "test", flags),
    INSIDE(prog_test_run, "test", cpu),
    INSIDE(prog_test_run, "test", batch_size),
    ATTR(prog_test_run, unused),
    ATTR(next_id, start_id, "start_id", "prog_id", "map_id", "btf_id", "link_id"),
    ATTR(next_id, next_id, "next_id"),
    ATTR(next_id, open_flags, "open_flags"),
    ATTR(next_id, fd_by_id_token_fd, "fd_by_id_token_fd"),
    INSIDE(obj_info, "info", bpf_fd),
    INSIDE(obj_info, "info", info_len),
    INSIDE(obj_info, "info", info),
    ATTR(prog_query, target_fd, "query.target_fd", "query.target_ifindex"),
    INSIDE(prog_query, "query", attach_type),
    INSIDE(prog_query, "query", query_flags),
    INSIDE(prog_query, "query", attach_flags),
    INSIDE(prog_query, "query", prog_ids),
    ATTR(prog_query, count, "query.prog_cnt", "query.count"),
    ATTR(prog_query, unused),
    INSIDE(prog_query, "query", prog_attach_flags),
    INSIDE(prog_query, "query", link_ids),
    INSIDE(prog_query, "query", link_attach_flags),
    INSIDE(prog_query, "query", revision),
    INSIDE(raw_tracepoint, "raw_tracepoint", name),
    INSIDE(raw_tracepoint, "raw_tracepoint", prog_fd),
    ATTR(raw_tracepoint, unused),
    INSIDE(raw_tracepoint, "raw_tracepoint", cookie),
    ATTR(btf_load, btf, "btf"),
    ATTR(btf_load, btf_log_buf, "btf_log_buf"),
    ATTR(btf_load, btf_size, "btf_size"),
    ATTR(btf_load, btf_log_size, "btf_log_size"),
    ATTR(btf_load, btf_log_level, "btf_log_level"),
    ATTR(btf_load, btf_log_true_size, "btf_log_true_size"),
    ATTR(btf_load, btf_flags, "btf_flags"),
    ATTR(btf_load, btf_token_fd, "btf_token_fd"),
    INSIDE(task_fd_query, "task_fd_query", pid),
    INSIDE(task_fd_query, "task_fd_query", fd),
    INSIDE(task_fd_query, "task_fd_query", flags),
    INSIDE(task_fd_query, "task_fd_query", buf_len),
    INSIDE(task_fd_query, "task_fd_query", buf),
    INSIDE(task_fd_query, "task_fd_query", prog_id),
    INSIDE(task_fd_query, "task_fd_query", fd_type),
    INSIDE(task_fd_query, "task_fd_query", probe_offset),
    INSIDE(task_fd_query, "task_fd_query", probe_addr),

    LINK_CREATE(link_create),
    INSIDE(link_create, "link_create", target_btf_id),
    LINK_CREATE(link_create_perf_event),
    INSIDE(link_create_perf_event, "link_create.perf_event", bpf_cookie),
    LINK_CREATE(link_create_iter),
    INSIDE(link_create_iter, "link_create", iter_info),
    INSIDE(link_create_iter, "link_create", iter_info_len),
    ATTR(link_create_iter, unused),
    LINK_CREATE(link_create_kprobe_multi),
    ATTR(link_create_kprobe_multi, kprobe_flags, "link_create.kprobe_multi.flags"),
    INSIDE(link_create_kprobe_multi, "link_create.kprobe_multi", cnt),
    INSIDE(link_create_kprobe_multi, "link_create.kprobe_multi", syms),
    INSIDE(link_create_kprobe_multi, "link_create.kprobe_multi", addrs),
    INSIDE(link_create_kprobe_multi, "link_create.kprobe_multi", cookies),
    LINK_CREATE(link_create_tracing),
    INSIDE(link_create_tracing, "link_create.tracing", target_btf_id),
    ATTR(link_create_tracing, unused),
    INSIDE(link_create_tracing, "link_create.tracing", cookie),
    LINK_CREATE(link_create_netfilter),
    INSIDE(link_create_netfilter, "link_create.netfilter", pf),
    INSIDE(link_create_netfilter, "link_create.netfilter", hooknum),
    INSIDE(link_create_netfilter, "link_create.netfilter", priority),
    ATTR(link_create_netfilter, netfilter_flags, "link_create.netfilter.flags"),
    LINK_CREATE(link_create_ordered),
    ATTR(link_create_ordered, relative_fd, "link_create.tcx.relative_fd", "link_create.tcx.relative_id",
         "link_create.netkit.relative_fd", "link_create.netkit.relative_id", "link_create.cgroup.relative_fd",
         "link_create.cgroup.relative_id"),
    ATTR(link_create_ordered, unused),
    ATTR(link_create_ordered, expected_revision, "link_create.tcx.expected_revision",
         "link_create.netkit.expected_revision", "link_create.cgroup.expected_revision"),
    LINK_CREATE(link_create_uprobe_multi),
    INSIDE(link_create_uprobe_multi, "link_create.uprobe_multi", path),
    INSIDE(link_create_uprobe_multi, "link_create.uprobe_multi", offsets),
    INSIDE(link_create_uprobe_multi, "link_create.uprobe_multi", ref_ctr_offsets),
    INSIDE(link_create_uprobe_multi, "link_create.uprobe_multi", cookies),
    INSIDE(link_create_uprobe_multi, "link_create.uprobe_multi", cnt),
    ATTR(link_create_uprobe_multi, uprobe_flags, "link_create.uprobe_multi.flags"),
    INSIDE(link_create_uprobe_multi, "link_create.uprobe_multi", pid),
    INSIDE(link_create_uprobe_multi, "link_create.uprobe_multi", path_fd),
    LINK_CREATE(link_create_tracing_multi),
    INSIDE(link_create_tracing_multi, "link_create.tracing_multi", ids),
    INSIDE(link_create_tracing_multi, "link_create.tracing_multi", cookies),
    INSIDE(link_create_tracing_multi, "link_create.tracing_multi", cnt),
    ATTR(link_create_tracing_multi, unused),
    INSIDE(link_update, "link_update", link_fd),
    ATTR(link_update, new_prog_fd, "link_update.new_prog_fd", "link_update.new_map_fd"),
    INSIDE(link_update, "link_update", flags),
    ATTR(link_update, old_prog_fd, "link_update.old_prog_fd", "link_update.old_map_fd"),
    INSIDE(link_detach, "link_detach", link_fd),
    INSIDE(enable_stats, "enable_stats", type),
    INSIDE(iter_create, "iter_create", link_fd),
    INSIDE(iter_create, "iter_create", flags),
    INSIDE(prog_bind_map, "prog_bind_map", prog_fd),
    INSIDE(prog_bind_map, "prog_bind_map", map_fd),
    INSIDE(prog_bind_map, "prog_bind_map", flags),
    INSIDE(token_create, "token_create", flags),
    INSIDE(token_create, "token_create", bpffs_fd),
    INSIDE(prog_stream_read, "prog_stream_read", stream_buf),
    INSIDE(prog_stream_read, "prog_stream_read", stream_buf_len),
    INSIDE(prog_stream_read, "prog_stream_read", stream_id),
    INSIDE(prog_stream_read, "prog_stream_read", prog_fd),
    ATTR(prog_stream_read, unused),
    INSIDE(prog_assoc_struct_ops, "prog_assoc_struct_ops", map_fd),
    INSIDE(prog_assoc_struct_ops, "prog_assoc_struct_ops", prog_fd),
    INSIDE(prog_assoc_struct_ops, "prog_assoc_struct_ops", flags),

    KERNEL_MEMBER("bpf_map_info", map_info, type, "type"),
    KERNEL_MEMBER("bpf_map_info", map_info, id, "id"),
    KERNEL_MEMBER("bpf_map_info", map_info, key_size, "key_size"),
    KERNEL_MEMBER("bpf_map_info", map_info, value_size, "value_size"),
    KERNEL_MEMBER("bpf_map_info", map_info, max_entries, "max_entries"),
    KERNEL_MEMBER("bpf_map_info", map_info, map_flags, "map_flags"),
    KERNEL_MEMBER("bpf_map_info", map_info, name, "name"),
    KERNEL_MEMBER("bpf_map_info", map_info, ifindex, "ifindex"),
    KERNEL_MEMBER("bpf_map_info", map_info, btf_vmlinux_value_type_id, "btf_vmlinux_value_type_id"),
    KERNEL_MEMBER("bpf_map_info", map_info, netns_dev, "netns_dev"),
    KERNEL_MEMBER("bpf_map_info", map_info, netns_ino, "netns_ino"),
    KERNEL_MEMBER("bpf_map_info", map_info, btf_id, "btf_id"),
    KERNEL_MEMBER("bpf_map_info", map_info, btf_key_type_id, "btf_key_type_id"),
    KERNEL_MEMBER("bpf_map_info", map_info, btf_value_type_id, "btf_value_type_id"),
    KERNEL_MEMBER("bpf_map_info", map_info, btf_vmlinux_id, "btf_vmlinux_id"),
    KERNEL_MEMBER("bpf_map_info", map_info, map_extra, "map_extra"),
    KERNEL_MEMBER("bpf_map_info", map_info_with_hash, info),
    KERNEL_MEMBER("bpf_map_info", map_info_with_hash, hash, "hash"),
    KERNEL_MEMBER("bpf_map_info", map_info_with_hash, hash_size, "hash_size"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, type, "type"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, id, "id"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, tag, "tag"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, jited_prog_len, "jited_prog_len"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, xlated_prog_len, "xlated_prog_len"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, jited_prog_insns, "jited_prog_insns"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, xlated_prog_insns, "xlated_prog_insns"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, load_time, "load_time"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, created_by_uid, "created_by_uid"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, nr_map_ids, "nr_map_ids"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, map_ids, "map_ids"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, name, "name"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, ifindex, "ifindex"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, gpl_compatible, "gpl_compatible"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, reserved),
    KERNEL_MEMBER("bpf_prog_info", prog_info, netns_dev, "netns_dev"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, netns_ino, "netns_ino"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, nr_jited_ksyms, "nr_jited_ksyms"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, nr_jited_func_lens, "nr_jited_func_lens"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, jited_ksyms, "jited_ksyms"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, jited_func_lens, "jited_func_lens"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, btf_id, "btf_id"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, func_info_rec_size, "func_info_rec_size"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, func_info, "func_info"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, nr_func_info, "nr_func_info"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, nr_line_info, "nr_line_info"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, line_info, "line_info"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, jited_line_info, "jited_line_info"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, nr_jited_line_info, "nr_jited_line_info"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, line_info_rec_size, "line_info_rec_size"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, jited_line_info_rec_size, "jited_line_info_rec_size"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, nr_prog_tags, "nr_prog_tags"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, prog_tags, "prog_tags"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, run_time_ns, "run_time_ns"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, run_cnt, "run_cnt"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, recursion_misses, "recursion_misses"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, verified_insns, "verified_insns"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, attach_btf_obj_id, "attach_btf_obj_id"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, attach_btf_id, "attach_btf_id"),
    KERNEL_MEMBER("bpf_prog_info", prog_info, unused),
    KERNEL_MEMBER("bpf_common_attr", common_attr, log_buf, "log_buf"),
    KERNEL_MEMBER("bpf_common_attr", common_attr, log_size, "log_size"),
    KERNEL_MEMBER("bpf_common_attr", common_attr, log_level, "log_level"),
    KERNEL_MEMBER("bpf_common_attr", common_attr, log_true_size, "log_true_size"),
    KERNEL_MEMBER("bpf_insn", insn, opcode, "code"),
    KERNEL_MEMBER("bpf_insn", insn, registers, "dst_reg", "src_reg"),
    KERNEL_MEMBER("bpf_insn", insn, offset, "off"),
    KERNEL_MEMBER("bpf_insn", insn, immediate, "imm"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, type, "type"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, size, "size"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, config, "config"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, sample_period, "sample_period", "sample_freq"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, sample_type, "sample_type"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, read_format, "read_format"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, flags),  // bits, one member each
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, wakeup_events, "wakeup_events", "wakeup_watermark"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, breakpoint_type, "bp_type"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr, config1, "config1", "bp_addr", "kprobe_func",
                  "uprobe_path"),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr_of_probe, attr),
    KERNEL_MEMBER("perf_event_attr", perf_event_attr_of_probe, config2, "config2", "bp_len", "kprobe_addr",
                  "probe_offset"),
};

#undef LINK_CREATE
#undef INSIDE
#undef ATTR
#undef KERNEL_MEMBER

/// One of our sets of numbers, and the kernel's enum of the same.
struct number_set {
  std::string anchor;  ///< the enum's name, or for one without a name, one of its enumerators
  numbers ours;
  bool is_whole = true;                    ///< we have every number of the enum
  std::vector<std::string> left_out = {};  ///< what is no number of its own: ends of lists
};

std::vector<number_set> number_sets() {
  using flag = barebpf::map_flag;
  numbers commands = numbers_of<abi::command>("BPF_");
  commands.emplace("BPF_PROG_RUN", static_cast<std::uint64_t>(abi::command::prog_test_run));
  commands.emplace("BPF_COMMON_ATTRS", abi::common_attrs);
  numbers map_types = numbers_of<barebpf::map_type>("BPF_MAP_TYPE_");
  for (const char* name : {"BPF_MAP_TYPE_CGROUP_STORAGE", "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE"})
    map_types.emplace(std::string(name) + "_DEPRECATED", map_types.at(name));
  using enum abi::btf_kind;
  const auto kind = [](abi::btf_kind value) { return static_cast<std::uint64_t>(value); };
  return {
      {"bpf_cmd", commands, true, {"__MAX_BPF_CMD"}},
      {"bpf_map_type", map_types, true, {"__MAX_BPF_MAP_TYPE"}},
      {"bpf_prog_type", numbers_of<abi::prog_type>("BPF_PROG_TYPE_"), true, {"__MAX_BPF_PROG_TYPE"}},
      {"bpf_attach_type", numbers_of<abi::attach_type>("BPF_"), true, {"__MAX_BPF_ATTACH_TYPE"}},
      {"bpf_link_type",
       numbers_of<abi::link_type>("BPF_LINK_TYPE_"),
       true,
       {"__MAX_BPF_LINK_TYPE", "MAX_BPF_LINK_TYPE"}},
      {"bpf_func_id", numbers_of<abi::helper>("BPF_FUNC_"), true, {"__BPF_FUNC_MAX_ID"}},
      {"BPF_F_NO_PREALLOC",
       {{"BPF_F_NO_PREALLOC", flag::no_prealloc},
        {"BPF_F_NO_COMMON_LRU", flag::no_common_lru},
        {"BPF_F_NUMA_NODE", flag::numa_node},
        {"BPF_F_RDONLY", flag::rdonly},
        {"BPF_F_WRONLY", flag::wronly},
        {"BPF_F_STACK_BUILD_ID", flag::stack_build_id},
        {"BPF_F_ZERO_SEED", flag::zero_seed},
        {"BPF_F_RDONLY_PROG", flag::rdonly_prog},
        {"BPF_F_WRONLY_PROG", flag::wronly_prog},
        {"BPF_F_CLONE", flag::clone},
        {"BPF_F_MMAPABLE", flag::mmapable},
        {"BPF_F_PRESERVE_ELEMS", flag::preserve_elems},
        {"BPF_F_INNER_MAP", flag::inner_map},
        {"BPF_F_LINK", flag::link},
        {"BPF_F_PATH_FD", flag::path_fd},
        {"BPF_F_VTYPE_BTF_OBJ_FD", flag::vtype_btf_obj_fd},
        {"BPF_F_TOKEN_FD", flag::token_fd},
        {"BPF_F_SEGV_ON_FAULT", flag::segv_on_fault},
        {"BPF_F_NO_USER_CONV", flag::no_user_conv},
        {"BPF_F_RB_OVERWRITE", flag::rb_overwrite}}},
      {"BPF_ANY", numbers_of<barebpf::update>("BPF_"), false},  // its other bits are no mode of an update
      {"BTF_KIND_UNKN",
       {{"BTF_KIND_UNKN", kind(void_type)},
        {"BTF_KIND_INT", kind(integer)},
        {"BTF_KIND_PTR", kind(pointer)},
        {"BTF_KIND_ARRAY", kind(array)},
        {"BTF_KIND_STRUCT", kind(structure)},
        {"BTF_KIND_UNION", kind(union_type)},
        {"BTF_KIND_ENUM", kind(enumeration)},
        {"BTF_KIND_FWD", kind(forward)},
        {"BTF_KIND_TYPEDEF", kind(type_definition)},
        {"BTF_KIND_VOLATILE", kind(volatile_type)},
        {"BTF_KIND_CONST", kind(const_type)},
        {"BTF_KIND_RESTRICT", kind(restrict_type)},
        {"BTF_KIND_FUNC", kind(function)},
        {"BTF_KIND_FUNC_PROTO", kind(function_prototype)},
        {"BTF_KIND_VAR", kind(variable)},
        {"BTF_KIND_DATASEC", kind(data_section)},
        {"BTF_KIND_FLOAT", kind(floating)},
        {"BTF_KIND_DECL_TAG", kind(declaration_tag)},
        {"BTF_KIND_TYPE_TAG", kind(type_tag)},
        {"BTF_KIND_ENUM64", kind(enumeration64)}},
       true,
       {"NR_BTF_KINDS", "BTF_KIND_MAX"}},
  };
}

}  // namespace

file_image read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return file_image(std::istreambuf_iterator<char>(file), {});
}
file_image object_around(file_image btf) {
  object_builder object;
  object.add(object_builder::section{.name = ".BTF", .type = 1, .content = std::move(btf)});
  return object.build();
}

namespace {

/// Where the members of a kernel type lie, in bytes, by their path: "link_create.perf_event.bpf_cookie".
struct place {
  std::size_t offset;
  std::size_t size;  ///< of bits, the bytes that they touch
};
using places = std::map<std::string, place>;

void add_places(const type_source& from, const barebpf::btf_type& type, const std::string& prefix,
                std::size_t base, places& out) {
  const barebpf::btf& types = from.types();
  const bool has_bit_sizes = types.image().read32(type.at + abi::btf_type_record::info) >> 31 != 0;
  for (barebpf::u32 i = 0; i < type.members; ++i) {
    const barebpf::btf_member member = types.member(type, i);
    const barebpf::btf_type inner = types.resolve(member.type);
    const std::string name = from.name_at(member.name);
    const barebpf::u32 where = types.image().read32(member.at + 8);
    const std::size_t bit = has_bit_sizes ? where & 0xffffff : where;
    const std::size_t bits = has_bit_sizes ? where >> 24 : 0;
    const std::size_t offset = base + bit / 8;
    if (inner.kind == abi::btf_kind::structure || inner.kind == abi::btf_kind::union_type)
      add_places(from, inner, name.empty() ? prefix : prefix + name + ".", offset, out);
    else if (!name.empty())
      out[prefix + name] = {offset, bits != 0 ? (bit % 8 + bits + 7) / 8 : types.size_of(member.type)};
  }
}
/// All members of the struct or union `name`; none where there is no such type.
places places_of(const type_source& from, const std::string& name) {
  places out;
  for (const auto kind : {abi::btf_kind::structure, abi::btf_kind::union_type})
    if (const auto type = from.types().find(kind, barebpf::text(name.data(), name.size())); type.id != 0)
      add_places(from, type, "", 0, out);
  return out;
}
/// All enumerators of the enum of this name, or of the one that has an enumerator of this name.
numbers numbers_of(const type_source& from, const std::string& anchor) {
  const barebpf::btf& types = from.types();
  for (barebpf::u32 id = 1; id <= types.count(); ++id) {
    const barebpf::btf_type type = types.type(id);
    if (type.kind != abi::btf_kind::enumeration) continue;
    numbers found;
    for (barebpf::u32 i = 0; i < type.members; ++i) {
      const std::uint64_t at = type.tail() + i * 8;
      found.emplace(from.name_at(types.strings() + types.image().read32(at)), types.image().read32(at + 4));
    }
    if (from.name_at(type.name) == anchor || found.count(anchor) != 0) return found;
  }
  return {};
}

}  // namespace

std::string record_differences(const type_source& from, compare how) {
  std::string out;
  const auto at = [](std::size_t offset, std::size_t size) {
    return "at " + std::to_string(offset) + ", " + std::to_string(size) + " bytes";
  };
  std::map<std::string, places> theirs;
  std::map<std::string, std::map<std::string, const member_row*>> named;
  for (const member_row& row : member_rows) {
    if (theirs.count(row.type) == 0) {
      theirs[row.type] = places_of(from, row.type);
      const bool is_old_enough =
          how == compare::both_ways || std::string(row.type) != "bpf_common_attr";  // 7.2
      if (theirs[row.type].empty() && is_old_enough)
        out += std::string("the kernel has no ") + row.type + "\n";
    }
    for (const char* const path : row.paths) {
      if (path == nullptr) break;
      named[row.type][path] = &row;
      const auto found = theirs[row.type].find(path);
      const std::string who = std::string("abi::") + row.record + "." + row.member;
      if (found == theirs[row.type].end()) {
        if (how == compare::both_ways)
          out += who + " is in no member " + path + " of the kernel's " + row.type + "\n";
      } else if (found->second.offset != row.offset || found->second.size != row.size) {
        out += who + " is " + at(row.offset, row.size) + ", the kernel's " + path + " " +
               at(found->second.offset, found->second.size) + "\n";
      }
    }
  }
  for (const auto& [type, members] : theirs) {
    if (type == "perf_event_attr") continue;  // we have its first 64 bytes on purpose
    for (const auto& [path, where] : members)
      if (named[type].count(path) == 0)
        out += "the kernel's " + type + "." + path + ", " + at(where.offset, where.size) +
               ", is in no record of ours\n";
  }
  return out;
}
std::string number_differences(const type_source& from, compare how) {
  std::string out;
  for (const number_set& set : number_sets()) {
    const numbers theirs = numbers_of(from, set.anchor);
    if (theirs.empty()) out += "there is no enum " + set.anchor + "\n";
    for (const auto& [name, value] : set.ours) {
      const auto found = theirs.find(name);
      if (found == theirs.end()) {
        if (how == compare::both_ways) out += name + " = " + std::to_string(value) + " is ours alone\n";
      } else if (found->second != value) {
        out += name + " is " + std::to_string(value) + " here and " + std::to_string(found->second) +
               " for the kernel\n";
      }
    }
    if (!set.is_whole) continue;
    for (const auto& [name, value] : theirs)
      if (set.ours.count(name) == 0 &&
          std::find(set.left_out.begin(), set.left_out.end(), name) == set.left_out.end())
        out += name + " = " + std::to_string(value) + " is the kernel's alone\n";
  }
  return out;
}

std::string record_gaps() {
  std::map<std::string, std::map<std::size_t, std::size_t>> records;
  for (const member_row& row : member_rows) records[row.record][row.offset] = row.size;
  std::string out;
  for (const auto& [record, members] : records) {
    std::size_t end = 0;
    for (const auto& [offset, size] : members) {
      // Only four bytes of padding in front of eight that are aligned have no name.
      if (offset != end && !(offset == end + 4 && size == 8))
        out += record + " from " + std::to_string(end) + " to " + std::to_string(offset) + "\n";
      end = offset + size;
    }
  }
  return out;
}

}  // namespace kernel_types
