// SPDX-License-Identifier: MIT
// Room 0.5, step: everything that the library does and that can fail, each with its words.
#ifndef BAREBPF_STEP_HPP
#define BAREBPF_STEP_HPP

#include "word.hpp"

// One row per step: BAREBPF_STEP(identifier, number, "cannot <words> 'what it is about'"). Below 256 the number is that of
// the bpf(2) command; what others call stands above their row.
#define BAREBPF_STEPS(BAREBPF_STEP)                                                       \
  BAREBPF_STEP(map_create, 0, "create the map")                                           \
  BAREBPF_STEP(map_lookup_elem, 1, "look up a key in the map")                            \
  BAREBPF_STEP(map_update_elem, 2, "update an element of the map")                        \
  BAREBPF_STEP(map_delete_elem, 3, "delete a key from the map")                           \
  BAREBPF_STEP(map_get_next_key, 4, "find the next key of the map")                       \
  BAREBPF_STEP(prog_load, 5, "load the program")                                          \
  BAREBPF_STEP(obj_pin, 6, "pin")                                                         \
  BAREBPF_STEP(obj_get, 7, "get the pin")                                                 \
  BAREBPF_STEP(prog_attach, 8, "attach the program")                                      \
  BAREBPF_STEP(prog_test_run, 10, "run the program")                                      \
  BAREBPF_STEP(map_get_fd_by_id, 14, "open by its id the map")                            \
  BAREBPF_STEP(obj_get_info_by_fd, 15, "ask about the map")                               \
  BAREBPF_STEP(prog_query, 16, "ask which programs are attached")                         \
  BAREBPF_STEP(raw_tracepoint_open, 17, "attach the program")                             \
  BAREBPF_STEP(btf_load, 18, "load the types")                                            \
  BAREBPF_STEP(btf_get_fd_by_id, 19, "read the types of the map")                         \
  BAREBPF_STEP(map_lookup_and_delete_elem, 21, "take a key out of the map")               \
  BAREBPF_STEP(map_freeze, 22, "freeze the map")                                          \
  BAREBPF_STEP(map_lookup_batch, 24, "look up a batch of the map")                        \
  BAREBPF_STEP(map_lookup_and_delete_batch, 25, "take a batch out of the map")            \
  BAREBPF_STEP(map_update_batch, 26, "update a batch of the map")                         \
  BAREBPF_STEP(map_delete_batch, 27, "delete a batch from the map")                       \
  BAREBPF_STEP(link_create, 28, "attach the program")                                     \
  BAREBPF_STEP(link_update, 29, "replace the program of the link")                        \
  BAREBPF_STEP(enable_stats, 32, "count how long programs run")                           \
  BAREBPF_STEP(iter_create, 33, "start the iterator")                                     \
  BAREBPF_STEP(link_detach, 34, "detach the link")                                        \
  BAREBPF_STEP(token_create, 36, "create a token")                                        \
  BAREBPF_STEP(prog_stream_read_by_fd, 37, "read what the program wrote")                 \
  /* no command, or several of them */                                                    \
  /* understand an object file; `offset` counts from its start */                         \
  BAREBPF_STEP(read_object, 256, "read the object")                                       \
  /* look for a map or a program by name, or check it against C++ types */                \
  BAREBPF_STEP(find, 257, "use")                                                          \
  /* get memory */                                                                        \
  BAREBPF_STEP(allocate, 258, "get memory")                                               \
  /* openat(2) */                                                                         \
  BAREBPF_STEP(open_file, 259, "open the file")                                           \
  /* read(2), lseek(2) */                                                                 \
  BAREBPF_STEP(read_file, 260, "read the file")                                           \
  /* fsopen(2), fsconfig(2), fsmount(2): a tracefs that only this process sees */         \
  BAREBPF_STEP(mount_tracefs, 261, "reach tracefs to attach the program")                 \
  /* read a tracepoint's number from tracefs */                                           \
  BAREBPF_STEP(find_tracepoint, 262, "find the tracepoint of the program")                \
  /* perf_event_open(2) */                                                                \
  BAREBPF_STEP(open_event, 263, "open the event of the program")                          \
  /* ioctl(PERF_EVENT_IOC_SET_BPF), where the kernel has no perf link */                  \
  BAREBPF_STEP(set_event_program, 264, "attach the program to its event")                 \
  /* unlinkat(2) on the BPF file system */                                                \
  BAREBPF_STEP(unpin, 265, "remove the pin")                                              \
  /* mmap(2) of a map */                                                                  \
  BAREBPF_STEP(map_memory, 266, "map the memory of the map")                              \
  /* understand a network or an address */                                                \
  BAREBPF_STEP(read_prefix, 267, "understand the network")                                \
  /* find in the kernel's BTF what a program is made for */                               \
  BAREBPF_STEP(find_kernel_type, 268, "find in the kernel what the program attaches to")  \
  /* setsockopt(2) */                                                                     \
  BAREBPF_STEP(attach_to_socket, 269, "attach the program")                               \
  /* read(2) of what an iterator lists */                                                 \
  BAREBPF_STEP(read_iterator, 270, "read the iterator")                                   \
  /* ioctl(SIOCGIFINDEX) */                                                               \
  BAREBPF_STEP(find_interface, 271, "find the interface")                                 \
  /* ppoll(2), epoll(7), eventfd(2) */                                                    \
  BAREBPF_STEP(wait, 272, "wait for the ring buffer")                                     \
  /* fcntl(2): a descriptor of a map for oneself */                                       \
  BAREBPF_STEP(open_map, 273, "hold the map")                                             \
  /* mmap(2) of a perf event's ring */                                                    \
  BAREBPF_STEP(map_event, 274, "map the memory of an event for the map")                  \
  /* take room in a ring buffer that a program drains */                                  \
  BAREBPF_STEP(reserve, 275, "reserve a record in the map")                               \
  /* perf_event_open(2), for the samples of one CPU */                                    \
  BAREBPF_STEP(open_cpu_event, 276, "open an event for the map")                          \
  /* openat(2), fstatfs(2) of a cgroup's folder */                                        \
  BAREBPF_STEP(open_cgroup, 277, "open the cgroup")                                       \
  /* madvise(2) of an arena */                                                            \
  BAREBPF_STEP(fault_in, 278, "bring in the pages of the arena")                          \
  /* socket(AF_XDP) */                                                                    \
  BAREBPF_STEP(open_xsk, 279, "open an AF_XDP socket")                                    \
  /* mmap(2), setsockopt(XDP_UMEM_REG) */                                                 \
  BAREBPF_STEP(make_frames, 280, "get memory for the frames of the AF_XDP socket")        \
  /* setsockopt(2), getsockopt(2), mmap(2) of the rings of an AF_XDP socket */            \
  BAREBPF_STEP(make_xsk_rings, 281, "make the rings of the AF_XDP socket")                \
  /* bind(2) to the queue of an interface */                                              \
  BAREBPF_STEP(bind_xsk, 282, "bind the AF_XDP socket")                                   \
  /* sendto(2) of what was submitted, or submit more */                                   \
  BAREBPF_STEP(send_packets, 283, "send through the AF_XDP socket")                       \
  /* getsockopt(2), sendto(2) */                                                          \
  BAREBPF_STEP(check_xsk, 284, "ask about the AF_XDP socket")                             \
  /* read from sysfs how the kernel takes kprobes */                                      \
  BAREBPF_STEP(find_probes, 285, "find the kprobes for the program")                      \
  /* perf_event_open(2) of a kprobe */                                                    \
  BAREBPF_STEP(open_probe, 286, "open the kprobe of the program")                         \
  /* find in another program's BTF the function that a program replaces */                \
  BAREBPF_STEP(find_replaced, 287, "find in the other program what the program replaces") \
  /* find a __kconfig option of the running kernel */                                     \
  BAREBPF_STEP(read_kconfig, 290, "find in the kernel's configuration")                   \
  /* find the address or the type of what a program declares with __ksym */               \
  BAREBPF_STEP(find_kernel_name, 291, "find in the kernel")                               \
  /* fit a program to the types of a kernel (CO-RE) */                                    \
  BAREBPF_STEP(fit_program, 292, "fit to the kernel's types (CO-RE) the program")         \
  /* find the struct of a struct_ops in the kernel, and what each member is there */      \
  BAREBPF_STEP(fit_operations, 293, "fit to the kernel's struct the functions")           \
  /* BPF_MAP_UPDATE_ELEM and BPF_LINK_CREATE of a struct_ops */                           \
  BAREBPF_STEP(register_operations, 294, "hand to the kernel the functions")              \
  /* look into a program or a library for one of its functions */                         \
  BAREBPF_STEP(find_function, 295, "find in the file")                                    \
  /* the same for a trace point that it brings */                                         \
  BAREBPF_STEP(find_usdt, 296, "find in the file the trace point")                        \
  /* put into a map where the arguments of a trace point are */                           \
  BAREBPF_STEP(keep_usdt, 297, "tell the program where its arguments are")                \
  /* read from sysfs how the kernel takes uprobes */                                      \
  BAREBPF_STEP(find_user_probes, 298, "find the uprobes for the program")                 \
  /* perf_event_open(2) of a uprobe */                                                    \
  BAREBPF_STEP(open_user_probe, 299, "open the uprobe of the program")                    \
  /* read from tracefs which functions of the kernel can be traced */                     \
  BAREBPF_STEP(find_traceable, 300, "list the functions that can be traced")              \
  /* a request to the network stack through a netlink socket */                           \
  BAREBPF_STEP(attach_by_request, 301, "attach the program")                              \
  /* BPF_MAP_GET_NEXT_ID and its siblings */                                              \
  BAREBPF_STEP(list_ids, 302, "list what the kernel has")                                 \
  /* BPF_PROG_GET_FD_BY_ID and its siblings */                                            \
  BAREBPF_STEP(open_by_id, 303, "open by its id")                                         \
  /* BPF_OBJ_GET_INFO_BY_FD of what is no map */                                          \
  BAREBPF_STEP(ask_about, 304, "ask about the program or link")                           \
  /* openat(2), read(2) of trace_pipe in tracefs */                                       \
  BAREBPF_STEP(open_trace_pipe, 305, "read what programs print")                          \
  /* openat(2), getdents64(2), read(2) in /proc */                                        \
  BAREBPF_STEP(list_processes, 306, "list the descriptors of processes")                  \
  /* BPF_TASK_FD_QUERY */                                                                 \
  BAREBPF_STEP(query_event, 307, "ask about the event of another process")

namespace barebpf::inline BAREBPF_ABI {

/// What the library was doing. Below 256 it is the number of the bpf(2) command (`abi::command`).
enum class step : u16 {
#define BAREBPF_STEP(identifier, number, words) identifier = (number),
  BAREBPF_STEPS(BAREBPF_STEP)
#undef BAREBPF_STEP
};

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_STEP_HPP
