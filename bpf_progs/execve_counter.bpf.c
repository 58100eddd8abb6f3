#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 4);
    __type(key, int);
    __type(value, long);
} hash_map SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_execve")
int bpf_prog(void *ctx) {
  const int k = 0;
  long *v = bpf_map_lookup_elem(&hash_map, &k);
  if (v == 0) {
    const long initial_value = 1;
    bpf_map_update_elem(&hash_map, &k, &initial_value, BPF_ANY);
  } else {
    *v += 1;
  }
  return 0;
}

const char _license[] SEC("license") = "GPL";
