// SPDX-License-Identifier: MIT
// The records and numbers of rooms 1.0 and 1.1 beside the system's own header, where that header has them.
#include <linux/bpf.h>
#include <linux/version.h>

#include <cstddef>
#include <cstring>
#include <type_traits>

#include "../support/catch.hpp"
#include "../support/library.hpp"

namespace {

namespace abi = barebpf::abi;
// The library has a union of this name too, in its own namespace.
using attr = union ::bpf_attr;

// The number of an enumerator, whatever its enum.
template <class Enum>
constexpr unsigned number(Enum value) {
  return static_cast<unsigned>(value);
}

// Where `log_true_size` of a program lies: the kernel's word for it, or where 6.4 put it.
template <class Attr>
constexpr std::size_t log_true_size_at() {
  if constexpr (requires(Attr a) { a.log_true_size; })
    return offsetof(Attr, log_true_size);
  else
    return 140;
}
template <class Attr>
constexpr std::size_t btf_log_true_size_at() {
  if constexpr (requires(Attr a) { a.btf_log_true_size; })
    return offsetof(Attr, btf_log_true_size);
  else
    return 28;
}

// Members are compared by place and by width, one by one.
#define CHECK_SAME_PLACE(record, member, system_type, system_member)            \
  CHECK(offsetof(abi::record, member) == offsetof(system_type, system_member)); \
  CHECK(sizeof(abi::record::member) == sizeof(std::declval<system_type&>().system_member))

}  // namespace

TEST_CASE("what BPF_MAP_CREATE reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(map_create, map_type, attr, map_type);
  CHECK_SAME_PLACE(map_create, key_size, attr, key_size);
  CHECK_SAME_PLACE(map_create, value_size, attr, value_size);
  CHECK_SAME_PLACE(map_create, max_entries, attr, max_entries);
  CHECK_SAME_PLACE(map_create, map_flags, attr, map_flags);
  CHECK_SAME_PLACE(map_create, inner_map_fd, attr, inner_map_fd);
  CHECK_SAME_PLACE(map_create, numa_node, attr, numa_node);
  CHECK_SAME_PLACE(map_create, map_name, attr, map_name);
  CHECK_SAME_PLACE(map_create, map_ifindex, attr, map_ifindex);
  CHECK_SAME_PLACE(map_create, btf_fd, attr, btf_fd);
  CHECK_SAME_PLACE(map_create, btf_key_type_id, attr, btf_key_type_id);
  CHECK_SAME_PLACE(map_create, btf_value_type_id, attr, btf_value_type_id);
  CHECK_SAME_PLACE(map_create, btf_vmlinux_value_type_id, attr, btf_vmlinux_value_type_id);
  CHECK_SAME_PLACE(map_create, map_extra, attr, map_extra);
  CHECK(sizeof(abi::map_create) == 72);
}

TEST_CASE("what the element commands read lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(map_elem, map_fd, attr, map_fd);
  CHECK_SAME_PLACE(map_elem, key, attr, key);
  CHECK_SAME_PLACE(map_elem, value, attr, value);
  CHECK_SAME_PLACE(map_elem, flags, attr, flags);
  CHECK_SAME_PLACE(map_key, map_fd, attr, map_fd);
  CHECK_SAME_PLACE(map_key, key, attr, key);
  CHECK_SAME_PLACE(map_next_key, map_fd, attr, map_fd);
  CHECK_SAME_PLACE(map_next_key, key, attr, key);
  CHECK_SAME_PLACE(map_next_key, next_key, attr, next_key);
  CHECK(sizeof(abi::map_elem) == 32);
  CHECK(sizeof(abi::map_key) == 16);
  CHECK(sizeof(abi::map_next_key) == 24);
}

TEST_CASE("what BPF_PROG_LOAD reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(prog_load, prog_type, attr, prog_type);
  CHECK_SAME_PLACE(prog_load, insn_cnt, attr, insn_cnt);
  CHECK_SAME_PLACE(prog_load, insns, attr, insns);
  CHECK_SAME_PLACE(prog_load, license, attr, license);
  CHECK_SAME_PLACE(prog_load, log_level, attr, log_level);
  CHECK_SAME_PLACE(prog_load, log_size, attr, log_size);
  CHECK_SAME_PLACE(prog_load, log_buf, attr, log_buf);
  CHECK_SAME_PLACE(prog_load, kern_version, attr, kern_version);
  CHECK_SAME_PLACE(prog_load, prog_flags, attr, prog_flags);
  CHECK_SAME_PLACE(prog_load, prog_name, attr, prog_name);
  CHECK_SAME_PLACE(prog_load, prog_ifindex, attr, prog_ifindex);
  CHECK_SAME_PLACE(prog_load, expected_attach_type, attr, expected_attach_type);
  CHECK_SAME_PLACE(prog_load, prog_btf_fd, attr, prog_btf_fd);
  CHECK_SAME_PLACE(prog_load, func_info_rec_size, attr, func_info_rec_size);
  CHECK_SAME_PLACE(prog_load, func_info, attr, func_info);
  CHECK_SAME_PLACE(prog_load, func_info_cnt, attr, func_info_cnt);
  CHECK_SAME_PLACE(prog_load, line_info_rec_size, attr, line_info_rec_size);
  CHECK_SAME_PLACE(prog_load, line_info, attr, line_info);
  CHECK_SAME_PLACE(prog_load, line_info_cnt, attr, line_info_cnt);
  CHECK_SAME_PLACE(prog_load, attach_btf_id, attr, attach_btf_id);
  CHECK_SAME_PLACE(prog_load, attach_prog_fd, attr, attach_prog_fd);
  CHECK_SAME_PLACE(prog_load, core_relo_cnt, attr, core_relo_cnt);
  CHECK_SAME_PLACE(prog_load, fd_array, attr, fd_array);
  CHECK_SAME_PLACE(prog_load, core_relos, attr, core_relos);
  CHECK_SAME_PLACE(prog_load, core_relo_rec_size, attr, core_relo_rec_size);
  CHECK(offsetof(abi::prog_load, log_true_size) == log_true_size_at<attr>());
  CHECK(sizeof(abi::prog_load) == 144);
}

TEST_CASE("what BPF_BTF_LOAD reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(btf_load, btf, attr, btf);
  CHECK_SAME_PLACE(btf_load, btf_log_buf, attr, btf_log_buf);
  CHECK_SAME_PLACE(btf_load, btf_size, attr, btf_size);
  CHECK_SAME_PLACE(btf_load, btf_log_size, attr, btf_log_size);
  CHECK_SAME_PLACE(btf_load, btf_log_level, attr, btf_log_level);
  CHECK(offsetof(abi::btf_load, btf_log_true_size) == btf_log_true_size_at<attr>());
  CHECK(sizeof(abi::btf_load) == 40);
}

TEST_CASE("what BPF_LINK_CREATE reads for a perf event lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(link_create_perf_event, prog_fd, attr, link_create.prog_fd);
  CHECK_SAME_PLACE(link_create_perf_event, target_fd, attr, link_create.target_fd);
  CHECK_SAME_PLACE(link_create_perf_event, attach_type, attr, link_create.attach_type);
  CHECK_SAME_PLACE(link_create_perf_event, flags, attr, link_create.flags);
  CHECK_SAME_PLACE(link_create_perf_event, bpf_cookie, attr, link_create.perf_event.bpf_cookie);
  CHECK(sizeof(abi::link_create_perf_event) == 24);
}

TEST_CASE("what the commands about ids and descriptors read lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(next_id, start_id, attr, start_id);
  // The record is called like its member, so the member is reached through an object.
  CHECK(offsetof(abi::next_id, next_id) == offsetof(attr, next_id));
  CHECK_SAME_PLACE(next_id, open_flags, attr, open_flags);
  CHECK_SAME_PLACE(obj_info, bpf_fd, attr, info.bpf_fd);
  CHECK_SAME_PLACE(obj_info, info_len, attr, info.info_len);
  CHECK_SAME_PLACE(obj_info, info, attr, info.info);
  CHECK(sizeof(abi::next_id) == 16);
  CHECK(sizeof(abi::obj_info) == 16);
}

TEST_CASE("what the batch commands read lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(map_batch, in_batch, attr, batch.in_batch);
  CHECK_SAME_PLACE(map_batch, out_batch, attr, batch.out_batch);
  CHECK_SAME_PLACE(map_batch, keys, attr, batch.keys);
  CHECK_SAME_PLACE(map_batch, values, attr, batch.values);
  CHECK_SAME_PLACE(map_batch, count, attr, batch.count);
  CHECK_SAME_PLACE(map_batch, map_fd, attr, batch.map_fd);
  CHECK_SAME_PLACE(map_batch, elem_flags, attr, batch.elem_flags);
  CHECK_SAME_PLACE(map_batch, flags, attr, batch.flags);
  CHECK(sizeof(abi::map_batch) == 56);
}

TEST_CASE("what BPF_OBJ_PIN and BPF_OBJ_GET read lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(obj_path, pathname, attr, pathname);
  CHECK_SAME_PLACE(obj_path, bpf_fd, attr, bpf_fd);
  CHECK_SAME_PLACE(obj_path, file_flags, attr, file_flags);
  CHECK(sizeof(abi::obj_path) == 24);
}

TEST_CASE("what BPF_PROG_ATTACH reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(prog_attach, target_fd, attr, target_fd);
  CHECK_SAME_PLACE(prog_attach, attach_bpf_fd, attr, attach_bpf_fd);
  CHECK_SAME_PLACE(prog_attach, attach_type, attr, attach_type);
  CHECK_SAME_PLACE(prog_attach, attach_flags, attr, attach_flags);
  CHECK_SAME_PLACE(prog_attach, replace_bpf_fd, attr, replace_bpf_fd);
  CHECK(sizeof(abi::prog_attach) == 32);
}

TEST_CASE("what BPF_PROG_TEST_RUN reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(prog_test_run, prog_fd, attr, test.prog_fd);
  CHECK_SAME_PLACE(prog_test_run, retval, attr, test.retval);
  CHECK_SAME_PLACE(prog_test_run, data_size_in, attr, test.data_size_in);
  CHECK_SAME_PLACE(prog_test_run, data_size_out, attr, test.data_size_out);
  CHECK_SAME_PLACE(prog_test_run, data_in, attr, test.data_in);
  CHECK_SAME_PLACE(prog_test_run, data_out, attr, test.data_out);
  CHECK_SAME_PLACE(prog_test_run, repeat, attr, test.repeat);
  CHECK_SAME_PLACE(prog_test_run, duration, attr, test.duration);
  CHECK_SAME_PLACE(prog_test_run, ctx_size_in, attr, test.ctx_size_in);
  CHECK_SAME_PLACE(prog_test_run, ctx_size_out, attr, test.ctx_size_out);
  CHECK_SAME_PLACE(prog_test_run, ctx_in, attr, test.ctx_in);
  CHECK_SAME_PLACE(prog_test_run, ctx_out, attr, test.ctx_out);
  CHECK_SAME_PLACE(prog_test_run, flags, attr, test.flags);
  CHECK_SAME_PLACE(prog_test_run, cpu, attr, test.cpu);
  CHECK_SAME_PLACE(prog_test_run, batch_size, attr, test.batch_size);
  CHECK(sizeof(abi::prog_test_run) == 80);
}

TEST_CASE("what BPF_PROG_QUERY reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(prog_query, target_fd, attr, query.target_fd);
  CHECK_SAME_PLACE(prog_query, attach_type, attr, query.attach_type);
  CHECK_SAME_PLACE(prog_query, query_flags, attr, query.query_flags);
  CHECK_SAME_PLACE(prog_query, attach_flags, attr, query.attach_flags);
  CHECK_SAME_PLACE(prog_query, prog_ids, attr, query.prog_ids);
  CHECK_SAME_PLACE(prog_query, count, attr, query.prog_cnt);
  CHECK(sizeof(abi::prog_query) == 64);
}

TEST_CASE("what BPF_RAW_TRACEPOINT_OPEN reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(raw_tracepoint, name, attr, raw_tracepoint.name);
  CHECK_SAME_PLACE(raw_tracepoint, prog_fd, attr, raw_tracepoint.prog_fd);
  CHECK(sizeof(abi::raw_tracepoint) == 24);
}

TEST_CASE("what BPF_TASK_FD_QUERY reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(task_fd_query, pid, attr, task_fd_query.pid);
  CHECK_SAME_PLACE(task_fd_query, fd, attr, task_fd_query.fd);
  CHECK_SAME_PLACE(task_fd_query, flags, attr, task_fd_query.flags);
  CHECK_SAME_PLACE(task_fd_query, buf_len, attr, task_fd_query.buf_len);
  CHECK_SAME_PLACE(task_fd_query, buf, attr, task_fd_query.buf);
  CHECK_SAME_PLACE(task_fd_query, prog_id, attr, task_fd_query.prog_id);
  CHECK_SAME_PLACE(task_fd_query, fd_type, attr, task_fd_query.fd_type);
  CHECK_SAME_PLACE(task_fd_query, probe_offset, attr, task_fd_query.probe_offset);
  CHECK_SAME_PLACE(task_fd_query, probe_addr, attr, task_fd_query.probe_addr);
  CHECK(sizeof(abi::task_fd_query) == 48);
}

TEST_CASE("what BPF_LINK_CREATE reads for a target in BTF lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(link_create, prog_fd, attr, link_create.prog_fd);
  CHECK_SAME_PLACE(link_create, target_fd, attr, link_create.target_fd);
  CHECK_SAME_PLACE(link_create, attach_type, attr, link_create.attach_type);
  CHECK_SAME_PLACE(link_create, flags, attr, link_create.flags);
  CHECK_SAME_PLACE(link_create, target_btf_id, attr, link_create.target_btf_id);
  CHECK(sizeof(abi::link_create) == 20);
}

TEST_CASE("what BPF_LINK_CREATE reads for an iterator lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(link_create_iter, iter_info, attr, link_create.iter_info);
  CHECK_SAME_PLACE(link_create_iter, iter_info_len, attr, link_create.iter_info_len);
  CHECK(sizeof(abi::link_create_iter) == 32);
}

TEST_CASE("what BPF_LINK_CREATE reads for many kprobes lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(link_create_kprobe_multi, kprobe_flags, attr, link_create.kprobe_multi.flags);
  CHECK_SAME_PLACE(link_create_kprobe_multi, cnt, attr, link_create.kprobe_multi.cnt);
  CHECK_SAME_PLACE(link_create_kprobe_multi, syms, attr, link_create.kprobe_multi.syms);
  CHECK_SAME_PLACE(link_create_kprobe_multi, addrs, attr, link_create.kprobe_multi.addrs);
  CHECK_SAME_PLACE(link_create_kprobe_multi, cookies, attr, link_create.kprobe_multi.cookies);
  CHECK(sizeof(abi::link_create_kprobe_multi) == 48);
}

TEST_CASE("what BPF_LINK_CREATE reads for tracing lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(link_create_tracing, target_btf_id, attr, link_create.tracing.target_btf_id);
#if defined(__i386__)
  // The system's header leaves it unaligned, and a kernel of 64 bits looks where it would be aligned.
  CHECK(offsetof(abi::link_create_tracing, cookie) == 24);
#else
  CHECK_SAME_PLACE(link_create_tracing, cookie, attr, link_create.tracing.cookie);
#endif
  CHECK(sizeof(abi::link_create_tracing) == 32);
}

TEST_CASE("what BPF_LINK_UPDATE reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(link_update, link_fd, attr, link_update.link_fd);
  CHECK_SAME_PLACE(link_update, new_prog_fd, attr, link_update.new_prog_fd);
  CHECK_SAME_PLACE(link_update, flags, attr, link_update.flags);
  CHECK_SAME_PLACE(link_update, old_prog_fd, attr, link_update.old_prog_fd);
  CHECK(sizeof(abi::link_update) == 16);
}

TEST_CASE("what BPF_ITER_CREATE reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(iter_create, link_fd, attr, iter_create.link_fd);
  CHECK_SAME_PLACE(iter_create, flags, attr, iter_create.flags);
  CHECK(sizeof(abi::iter_create) == 8);
}

TEST_CASE("what BPF_PROG_BIND_MAP reads lies where the kernel looks", "[abi]") {
  CHECK_SAME_PLACE(prog_bind_map, prog_fd, attr, prog_bind_map.prog_fd);
  CHECK_SAME_PLACE(prog_bind_map, map_fd, attr, prog_bind_map.map_fd);
  CHECK_SAME_PLACE(prog_bind_map, flags, attr, prog_bind_map.flags);
  CHECK(sizeof(abi::prog_bind_map) == 12);
}

TEST_CASE("what BPF_OBJ_GET_INFO_BY_FD tells of a map lies where the kernel writes it", "[abi]") {
  using info = struct ::bpf_map_info;
  CHECK_SAME_PLACE(map_info, type, info, type);
  CHECK_SAME_PLACE(map_info, id, info, id);
  CHECK_SAME_PLACE(map_info, key_size, info, key_size);
  CHECK_SAME_PLACE(map_info, value_size, info, value_size);
  CHECK_SAME_PLACE(map_info, max_entries, info, max_entries);
  CHECK_SAME_PLACE(map_info, map_flags, info, map_flags);
  CHECK_SAME_PLACE(map_info, name, info, name);
  CHECK_SAME_PLACE(map_info, ifindex, info, ifindex);
  CHECK_SAME_PLACE(map_info, netns_dev, info, netns_dev);
  CHECK_SAME_PLACE(map_info, btf_id, info, btf_id);
  CHECK_SAME_PLACE(map_info, btf_key_type_id, info, btf_key_type_id);
  CHECK_SAME_PLACE(map_info, btf_value_type_id, info, btf_value_type_id);
  CHECK_SAME_PLACE(map_info, map_extra, info, map_extra);
}

TEST_CASE("a record is handed over up to the end of its last field in use", "[abi]") {
  CHECK(abi::map_create_with_token{.map_token_fd = 3}.used() == 80);
  CHECK(abi::map_create_with_token{.excl_prog_hash_size = 32}.used() == 92);
  CHECK(abi::prog_load_with_token{.prog_token_fd = 3}.used() == 152);
  CHECK(abi::prog_load_with_token{.signature_size = 1}.used() == 168);
  CHECK(abi::obj_path{}.used() == 16);
  CHECK(abi::obj_path{.path_fd = 4}.used() == 20);
  CHECK(abi::btf_load{}.used() == 32);
  CHECK(abi::btf_load{.btf_token_fd = 4}.used() == 40);
  CHECK(abi::next_id{}.used() == 12);
  CHECK(abi::raw_tracepoint{}.used() == 12);
  CHECK(abi::raw_tracepoint{.cookie = 1}.used() == 24);
  CHECK(abi::prog_attach{}.used() == 20);
  CHECK(abi::link_create_uprobe_multi{}.used() == 60);
}

TEST_CASE("the library's argument of bpf(2) is large enough for each form of it", "[abi]") {
  CHECK(sizeof(abi::bpf_attr) == 168);
  CHECK(alignof(abi::bpf_attr) == alignof(attr));
}

TEST_CASE("a fresh record is all zeros to its last byte", "[abi]") {
  const auto is_zero = [](auto record) {
    // Storage that was full before, so that a byte that nobody writes shows.
    alignas(8) unsigned char storage[sizeof record];
    std::memset(storage, 0xa5, sizeof storage);
    std::memcpy(storage, &record, sizeof record);
    for (const unsigned char byte : storage)
      if (byte != 0) return false;
    return true;
  };
  static_assert(std::has_unique_object_representations_v<abi::map_create>);
  static_assert(std::has_unique_object_representations_v<abi::prog_load>);
  static_assert(std::has_unique_object_representations_v<abi::btf_load>);
  static_assert(std::has_unique_object_representations_v<abi::link_create_perf_event>);

  CHECK(is_zero(abi::map_create{}));
  CHECK(is_zero(abi::prog_load{}));
  CHECK(is_zero(abi::btf_load{}));
  CHECK(is_zero(abi::link_create_perf_event{}));
  CHECK(is_zero(abi::next_id{}));
}

TEST_CASE("an address takes eight bytes and is the pointer in them", "[abi]") {
  int target = 0;
  const abi::address where(&target);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &where, sizeof bits);

  CHECK(sizeof where == 8);
  CHECK(bits == static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&target)));
}

TEST_CASE("an instruction has the kernel's shape", "[abi]") {
  CHECK(sizeof(abi::insn) == sizeof(bpf_insn));
  CHECK(offsetof(abi::insn, opcode) == offsetof(bpf_insn, code));
  CHECK(offsetof(abi::insn, offset) == offsetof(bpf_insn, off));
  CHECK(offsetof(abi::insn, immediate) == offsetof(bpf_insn, imm));
  CHECK(number(abi::opcode_ld_imm64) == (BPF_LD | BPF_IMM | BPF_DW));
  CHECK(number(abi::pseudo_map_fd) == BPF_PSEUDO_MAP_FD);
  CHECK(number(abi::pseudo_map_idx) == BPF_PSEUDO_MAP_IDX);
}

TEST_CASE("setting the source register leaves the destination register", "[abi]") {
  bpf_insn system{};
  system.code = BPF_LD | BPF_IMM | BPF_DW;
  system.dst_reg = 9;
  system.src_reg = 3;
  system.off = -2;
  system.imm = -7;
  abi::insn ours;
  std::memcpy(static_cast<void*>(&ours), &system, sizeof ours);

  ours.set_source(5);

  std::memcpy(&system, &ours, sizeof system);
  CHECK(static_cast<int>(system.src_reg) == 5);
  CHECK(static_cast<int>(system.dst_reg) == 9);
  CHECK(system.code == 0x18);
  CHECK(system.off == -2);
  CHECK(system.imm == -7);
}

TEST_CASE("commands have the kernel's numbers", "[abi]") {
  using enum abi::command;
  CHECK(number(abi::command::map_create) == BPF_MAP_CREATE);
  CHECK(number(map_lookup_elem) == BPF_MAP_LOOKUP_ELEM);
  CHECK(number(map_update_elem) == BPF_MAP_UPDATE_ELEM);
  CHECK(number(map_delete_elem) == BPF_MAP_DELETE_ELEM);
  CHECK(number(map_get_next_key) == BPF_MAP_GET_NEXT_KEY);
  CHECK(number(abi::command::prog_load) == BPF_PROG_LOAD);
  CHECK(number(prog_get_next_id) == BPF_PROG_GET_NEXT_ID);
  CHECK(number(map_get_next_id) == BPF_MAP_GET_NEXT_ID);
  CHECK(number(prog_get_fd_by_id) == BPF_PROG_GET_FD_BY_ID);
  CHECK(number(map_get_fd_by_id) == BPF_MAP_GET_FD_BY_ID);
  CHECK(number(obj_get_info_by_fd) == BPF_OBJ_GET_INFO_BY_FD);
  CHECK(number(abi::command::btf_load) == BPF_BTF_LOAD);
  CHECK(number(link_create) == BPF_LINK_CREATE);
}

TEST_CASE("the steps of errors that are commands have their numbers", "[abi]") {
  using barebpf::step;
  CHECK(number(step::map_create) == BPF_MAP_CREATE);
  CHECK(number(step::map_lookup_elem) == BPF_MAP_LOOKUP_ELEM);
  CHECK(number(step::map_update_elem) == BPF_MAP_UPDATE_ELEM);
  CHECK(number(step::map_delete_elem) == BPF_MAP_DELETE_ELEM);
  CHECK(number(step::map_get_next_key) == BPF_MAP_GET_NEXT_KEY);
  CHECK(number(step::prog_load) == BPF_PROG_LOAD);
  CHECK(number(step::btf_load) == BPF_BTF_LOAD);
  CHECK(number(step::link_create) == BPF_LINK_CREATE);
}

TEST_CASE("program and attach types have the kernel's numbers", "[abi]") {
  CHECK(number(abi::prog_type::unspec) == BPF_PROG_TYPE_UNSPEC);
  CHECK(number(abi::prog_type::tracepoint) == BPF_PROG_TYPE_TRACEPOINT);
  CHECK(number(abi::attach_type::perf_event) == BPF_PERF_EVENT);
}

TEST_CASE("map types have the kernel's numbers", "[abi]") {
  using enum barebpf::map_type;
  CHECK(number(unspec) == BPF_MAP_TYPE_UNSPEC);
  CHECK(number(hash) == BPF_MAP_TYPE_HASH);
  CHECK(number(array) == BPF_MAP_TYPE_ARRAY);
  CHECK(number(prog_array) == BPF_MAP_TYPE_PROG_ARRAY);
  CHECK(number(perf_event_array) == BPF_MAP_TYPE_PERF_EVENT_ARRAY);
  CHECK(number(percpu_hash) == BPF_MAP_TYPE_PERCPU_HASH);
  CHECK(number(percpu_array) == BPF_MAP_TYPE_PERCPU_ARRAY);
  CHECK(number(stack_trace) == BPF_MAP_TYPE_STACK_TRACE);
  CHECK(number(cgroup_array) == BPF_MAP_TYPE_CGROUP_ARRAY);
  CHECK(number(lru_hash) == BPF_MAP_TYPE_LRU_HASH);
  CHECK(number(lru_percpu_hash) == BPF_MAP_TYPE_LRU_PERCPU_HASH);
  CHECK(number(lpm_trie) == BPF_MAP_TYPE_LPM_TRIE);
  CHECK(number(array_of_maps) == BPF_MAP_TYPE_ARRAY_OF_MAPS);
  CHECK(number(hash_of_maps) == BPF_MAP_TYPE_HASH_OF_MAPS);
  CHECK(number(devmap) == BPF_MAP_TYPE_DEVMAP);
  CHECK(number(sockmap) == BPF_MAP_TYPE_SOCKMAP);
  CHECK(number(cpumap) == BPF_MAP_TYPE_CPUMAP);
  CHECK(number(xskmap) == BPF_MAP_TYPE_XSKMAP);
  CHECK(number(sockhash) == BPF_MAP_TYPE_SOCKHASH);
  CHECK(number(cgroup_storage) == BPF_MAP_TYPE_CGROUP_STORAGE);
  CHECK(number(reuseport_sockarray) == BPF_MAP_TYPE_REUSEPORT_SOCKARRAY);
  CHECK(number(percpu_cgroup_storage) == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
  CHECK(number(queue) == BPF_MAP_TYPE_QUEUE);
  CHECK(number(stack) == BPF_MAP_TYPE_STACK);
  CHECK(number(sk_storage) == BPF_MAP_TYPE_SK_STORAGE);
  CHECK(number(devmap_hash) == BPF_MAP_TYPE_DEVMAP_HASH);
  CHECK(number(struct_ops) == BPF_MAP_TYPE_STRUCT_OPS);
  CHECK(number(ringbuf) == BPF_MAP_TYPE_RINGBUF);
  CHECK(number(inode_storage) == BPF_MAP_TYPE_INODE_STORAGE);
  CHECK(number(task_storage) == BPF_MAP_TYPE_TASK_STORAGE);
  CHECK(number(bloom_filter) == BPF_MAP_TYPE_BLOOM_FILTER);
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
  CHECK(number(user_ringbuf) == BPF_MAP_TYPE_USER_RINGBUF);
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
  CHECK(number(cgrp_storage) == BPF_MAP_TYPE_CGRP_STORAGE);
#endif
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
  CHECK(number(arena) == BPF_MAP_TYPE_ARENA);
#endif
  CHECK(number(insn_array) == 34);
  CHECK(number(rhash) == 35);
}

TEST_CASE("flags of an update and lengths of names are the kernel's", "[abi]") {
  CHECK(number(barebpf::update::any) == BPF_ANY);
  CHECK(number(barebpf::update::noexist) == BPF_NOEXIST);
  CHECK(number(barebpf::update::exist) == BPF_EXIST);
  CHECK(sizeof(barebpf::kernel_name) == BPF_OBJ_NAME_LEN);
  CHECK(barebpf::longest_kernel_name == 15);
}
