// SPDX-License-Identifier: MIT
// Compiled by clang for the bpf target, with -g: the .BTF of the object then describes everything that
// <linux/bpf.h> and its siblings say of bpf(2), in the same form in which the running kernel describes
// itself. C++, because only decltype reaches an enum without a name.
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/perf_event.h>
#include <linux/version.h>

struct seen {
  union bpf_attr attr;
  struct bpf_insn insn;
  struct bpf_map_info map_info;
  struct bpf_prog_info prog_info;
  struct perf_event_attr perf_event_attr;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 2, 0)
  struct bpf_common_attr common_attr;
#endif

  enum bpf_cmd command;
  enum bpf_map_type map_type;
  enum bpf_prog_type prog_type;
  enum bpf_attach_type attach_type;
  enum bpf_link_type link_type;
  enum bpf_func_id helper;
  decltype(BPF_ANY) update;
  decltype(BPF_F_NO_PREALLOC) map_flag;
  decltype(BTF_KIND_INT) btf_kind;
};
seen see;
