// SPDX-License-Identifier: MIT
// Room 2.2, describe: makes the sentence of an error: what was tried, on what, what the kernel said, the
// likely cause and what to do. Tables and a writer; nothing is allocated, and nothing is asked again.
#ifndef BAREBPF_DESCRIBE_HPP
#define BAREBPF_DESCRIBE_HPP

#include "result.hpp"
#include "writer.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// One step in words: "cannot <words> <name>".
struct step_row {
  step at;
  text words;
};
inline constexpr step_row step_rows[] = {
#define BAREBPF_STEP(identifier, number, words) {step::identifier, words},
    BAREBPF_STEPS(BAREBPF_STEP)
#undef BAREBPF_STEP
};

/// An error number by its name.
struct errno_row {
  s32 code;
  text errno_name;
};
inline constexpr errno_row errno_rows[] = {{EPERM, "EPERM"},
                                           {ENOENT, "ENOENT"},
                                           {ESRCH, "ESRCH"},
                                           {EINTR, "EINTR"},
                                           {EIO, "EIO"},
                                           {ENXIO, "ENXIO"},
                                           {E2BIG, "E2BIG"},
                                           {EBADF, "EBADF"},
                                           {EAGAIN, "EAGAIN"},
                                           {ENOMEM, "ENOMEM"},
                                           {EACCES, "EACCES"},
                                           {EFAULT, "EFAULT"},
                                           {EBUSY, "EBUSY"},
                                           {EEXIST, "EEXIST"},
                                           {ENODEV, "ENODEV"},
                                           {ENOTDIR, "ENOTDIR"},
                                           {EISDIR, "EISDIR"},
                                           {EINVAL, "EINVAL"},
                                           {ENFILE, "ENFILE"},
                                           {EMFILE, "EMFILE"},
                                           {ENOSPC, "ENOSPC"},
                                           {ESPIPE, "ESPIPE"},
                                           {EROFS, "EROFS"},
                                           {ERANGE, "ERANGE"},
                                           {EDEADLK, "EDEADLK"},
                                           {ENAMETOOLONG, "ENAMETOOLONG"},
                                           {ENOSYS, "ENOSYS"},
                                           {ELOOP, "ELOOP"},
                                           {EOVERFLOW, "EOVERFLOW"},
                                           {ENOLINK, "ENOLINK"},
                                           {EBADFD, "EBADFD"},
                                           {ENOTSOCK, "ENOTSOCK"},
                                           {EOPNOTSUPP, "EOPNOTSUPP"},
                                           {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
                                           {EAFNOSUPPORT, "EAFNOSUPPORT"},
                                           {ENETDOWN, "ENETDOWN"},
                                           {ENOBUFS, "ENOBUFS"},
                                           {ETIMEDOUT, "ETIMEDOUT"},
                                           {ESTALE, "ESTALE"},
                                           {ENOTSUPP_kernel, "ENOTSUPP"}};

/// What an errno usually means at a step, and what to do about it.
struct hint_row {
  step at;
  s32 code;
  text sentence;
};
inline constexpr hint_row hint_rows[] = {
    {step::map_create, EPERM,
     "maps of the network need CAP_NET_ADMIN and map_flag::zero_seed CAP_SYS_ADMIN, or before Linux 5.11 "
     "RLIMIT_MEMLOCK is too small, so run it as root or raise ulimit -l"},
    {step::map_create, EINVAL,
     "the kernel does not know this map type, or does not allow one of its sizes, flags or a max_entries of "
     "0"},
    {step::map_create, E2BIG,
     "the keys and values are larger than the kernel allows, or an arena or before Linux 5.11 a whole map "
     "than 4 GiB, so make them smaller or fewer"},
    {step::map_create, ENOMEM, "the kernel has no memory for so many entries, so ask for fewer"},
    {step::map_create, EBADF,
     "the descriptor of the inner map, the types or the token is closed, so keep it open until the map is "
     "created"},
    {step::map_create, EACCES,
     "a value with a spin lock cannot be read-only to programs, so leave out map_flag::rdonly_prog"},
    {step::map_create, ERANGE,
     "the arena would cross a border of 4 GiB in the address space, so choose another map_extra"},
    {step::map_create, EOPNOTSUPP,
     "this map type needs a JIT, which the kernel lacks on this machine, so use another type"},
    {step::map_create, ENOTSUPP_kernel,
     "the kernel does not combine this map type with types of keys and values, with one of its flags or with "
     "this inner map, so leave that out"},

    {step::map_lookup_elem, ENOENT, "the key is not in the map"},
    {step::map_lookup_elem, EPERM, "the descriptor only writes, so open the map without map_flag::wronly"},
    {step::map_lookup_elem, EINVAL,
     "the kernel does not look into this map in this way, so look at what its type allows"},
    {step::map_lookup_elem, ENOSPC,
     "sockets come out as cookies of 8 bytes, so create the map with values of 8 bytes"},
    {step::map_lookup_elem, EBUSY, "somebody else holds the lock of this element, so try again"},
    {step::map_lookup_elem, EOPNOTSUPP,
     "elements of this map type come out in programs only, so look them up there"},
    {step::map_lookup_elem, ENOTSUPP_kernel,
     "elements of this map type come out in programs only, so look them up there"},

    {step::map_update_elem, ENOENT, "the key is not in the map, and update::exist only replaces"},
    {step::map_update_elem, EEXIST,
     "the key is in the map already, as every key of an array is, and update::noexist only creates"},
    {step::map_update_elem, E2BIG,
     "the map is full or the index is behind its end, so delete elements or create it with more max_entries"},
    {step::map_update_elem, EPERM,
     "the map is frozen or the descriptor only reads, so write earlier or through another descriptor"},
    {step::map_update_elem, EINVAL,
     "the kernel does not take this value or these flags on this map type, so look at what its type allows"},
    {step::map_update_elem, EBADF,
     "the descriptor of the map, or one in the key or value, is closed or of another kind, so look at both"},
    {step::map_update_elem, ENOTSOCK, "the descriptor in the value is no socket, so give one"},
    {step::map_update_elem, EOPNOTSUPP,
     "the map does not take this kind or state of socket, or no update from user space, so look at what its "
     "type allows"},
    {step::map_update_elem, EBUSY,
     "the element is in use or somebody else holds its lock, so let go of it or try again"},
    {step::map_update_elem, ENOMEM,
     "a map without preallocation found no memory for the element, so try again or leave out "
     "map_flag::no_prealloc"},
    {step::map_update_elem, ENOSPC,
     "the trie is full, so delete prefixes or create it with more max_entries"},
    {step::map_update_elem, ENODEV, "this machine has no CPU of that number, so choose a possible one"},
    {step::map_update_elem, EOVERFLOW, "the queue of a CPU holds at most 16384 packets, so ask for fewer"},
    {step::map_update_elem, ENOTSUPP_kernel,
     "user space does not write elements of this map type, so let a program do it"},

    {step::map_delete_elem, ENOENT, "the key is not in the map"},
    {step::map_delete_elem, EPERM,
     "the map is frozen or the descriptor only reads, so delete earlier or through another descriptor"},
    {step::map_delete_elem, EINVAL,
     "elements of this map cannot be deleted, so overwrite them, or pop those of a queue"},
    {step::map_delete_elem, E2BIG, "the index is behind the end of the map, so choose one below max_entries"},
    {step::map_delete_elem, EBUSY, "somebody else holds the lock of this element, so try again"},
    {step::map_delete_elem, EOPNOTSUPP,
     "user space does not delete elements of this map type, so create the map anew"},
    {step::map_delete_elem, ENOTSUPP_kernel,
     "user space does not delete elements of this map type, so create the map anew"},

    {step::map_get_next_key, ENOENT, "there is no key after this one"},
    {step::map_get_next_key, EPERM, "the descriptor only writes, so open the map without map_flag::wronly"},
    {step::map_get_next_key, EINVAL, "queues and stacks have no keys, so pop their elements"},
    {step::map_get_next_key, EAGAIN,
     "the map changed faster than the walk went, so walk again or use batches"},
    {step::map_get_next_key, EOPNOTSUPP,
     "the kernel lists no keys of this map type, so remember them yourself"},
    {step::map_get_next_key, ENOTSUPP_kernel,
     "the kernel lists no keys of this map type, so remember them yourself"},

    {step::map_lookup_and_delete_elem, ENOENT, "the key is not in the map"},
    {step::map_lookup_and_delete_elem, EPERM,
     "the map is frozen or the descriptor does not both read and write, so open it for both"},
    {step::map_lookup_and_delete_elem, EINVAL,
     "the kernel does not take elements out of this map in this way, so look at what its type allows"},
    {step::map_lookup_and_delete_elem, EBUSY, "somebody else holds the lock of this element, so try again"},
    {step::map_lookup_and_delete_elem, ENOTSUPP_kernel,
     "the kernel takes elements out of queues and stacks, and of hash maps since 5.14, so look up and delete "
     "instead"},

    {step::map_lookup_batch, ENOENT, "no elements are left, so the batch before this one was the last"},
    {step::map_lookup_batch, ENOSPC,
     "more elements share a bucket than the batch has room for, so give more room"},
    {step::map_lookup_batch, EPERM, "the descriptor only writes, so open the map without map_flag::wronly"},
    {step::map_lookup_batch, EINTR, "elements went away while the batch was read, so ask for it again"},
    {step::map_lookup_batch, EINVAL,
     "the kernel does not take these flags on a batch of this map, so leave them out"},
    {step::map_lookup_batch, ENOTSUPP_kernel,
     "the kernel has no such batches of this map type, so go element by element"},

    {step::map_lookup_and_delete_batch, ENOENT,
     "no elements are left, so the batch before this one was the last"},
    {step::map_lookup_and_delete_batch, ENOSPC,
     "more elements share a bucket than the batch has room for, so give more room"},
    {step::map_lookup_and_delete_batch, EPERM,
     "the map is frozen or the descriptor does not both read and write, so open it for both"},
    {step::map_lookup_and_delete_batch, EINVAL,
     "the kernel does not take these flags on a batch of this map, so leave them out"},
    {step::map_lookup_and_delete_batch, ENOTSUPP_kernel,
     "the kernel has no such batches of this map type, so go element by element"},

    {step::map_update_batch, E2BIG, "the map is full, so delete elements or create it with more max_entries"},
    {step::map_update_batch, EPERM,
     "the map is frozen or the descriptor only reads, so write earlier or through another descriptor"},
    {step::map_update_batch, EINVAL,
     "the kernel does not take these values or flags in a batch, so update the elements one by one"},
    {step::map_update_batch, EBUSY,
     "somebody else holds the lock of an element, so go on with the ones behind those that are done"},
    {step::map_update_batch, ENOSPC,
     "the trie is full, so delete prefixes or create it with more max_entries"},
    {step::map_update_batch, ENOTSUPP_kernel,
     "the kernel has no such batches of this map type, so go element by element"},

    {step::map_delete_batch, ENOENT, "a key of the batch is not in the map; those before it are deleted"},
    {step::map_delete_batch, EPERM,
     "the map is frozen or the descriptor only reads, so delete earlier or through another descriptor"},
    {step::map_delete_batch, EINVAL,
     "the kernel does not take these flags on a batch of this map, so leave them out"},
    {step::map_delete_batch, EBUSY,
     "somebody else holds the lock of an element, so go on with the ones behind those that are done"},
    {step::map_delete_batch, ENOTSUPP_kernel,
     "the kernel has no such batches of this map type, so go element by element"},

    {step::map_freeze, EBUSY, "somebody has mapped the map for writing, so unmap it first"},
    {step::map_freeze, EPERM, "the map is frozen already or the descriptor only reads, so freeze it once"},
    {step::map_freeze, ENOTSUPP_kernel,
     "maps of struct_ops and values with locks, timers or kernel pointers stay writable, so leave them as "
     "they are"},

    {step::map_memory, EINVAL,
     "the map was created without map_flag::mmapable, or this descriptor may not write"},
    {step::map_memory, EPERM, "the map is frozen or read-only, so map it for reading"},
    {step::map_memory, EACCES,
     "map_flag::rdonly_prog forbids to write, so map it for reading, or this descriptor may not both read "
     "and write, which the kernel asks for even then"},
    {step::map_memory, EAGAIN, "the process has as much memory locked as it may, so raise ulimit -l"},
    {step::map_memory, E2BIG,
     "whoever mapped this arena first took fewer pages than it has, and all must map the same, so let the "
     "first map it whole"},
    {step::map_memory, EEXIST,
     "the process has something else where the arena must be, or has mapped it already, so map it once and "
     "early, or create it for another address"},
    {step::map_memory, ENODEV, "the descriptor is of something without memory, so give one of a map"},
    {step::map_memory, ENOMEM, "the process has no address space or too many mappings, so unmap some"},
    {step::map_memory, ENOTSUPP_kernel,
     "maps of this type, or with locks or timers in their values, have no memory to map, so look up their "
     "elements"},

    {step::fault_in, EINVAL, "the offset is not that of a page, so give a multiple of the page size"},
    {step::fault_in, ENOMEM, "the arena ends before that, so stay below its size"},
    {step::fault_in, EFAULT,
     "map_flag::segv_on_fault leaves it to programs, or the memory cgroup of the arena's creator is full, so "
     "create it without the flag or raise the limit"},

    {step::map_get_fd_by_id, ENOENT, "there is no map with this id any more"},
    {step::map_get_fd_by_id, EPERM, "opening a map by its id needs CAP_SYS_ADMIN, so run it as root"},
    {step::map_get_fd_by_id, EINVAL,
     "a descriptor cannot be both rdonly and wronly, so choose one of these flags"},

    {step::btf_get_fd_by_id, EPERM,
     "only CAP_SYS_ADMIN opens types by their ids, so run the process as root, or get the map without them"},

    {step::obj_get_info_by_fd, EBADFD, "the descriptor is closed"},
    {step::obj_get_info_by_fd, EINVAL, "the descriptor is of something else"},

    {step::obj_pin, EEXIST, "something is pinned under this path already, so get it or choose another path"},
    {step::obj_pin, ENOENT, "the folder of this path does not exist, so make it"},
    {step::obj_pin, EPERM,
     "this is no place on the BPF file system or a name with a dot, so choose a plain name below "
     "/sys/fs/bpf"},
    {step::obj_pin, EACCES,
     "the process may not write to this folder, so run it as root or change the folder's mode"},
    {step::obj_pin, EINVAL, "the descriptor is of no map, program or link, so there is nothing to pin"},

    {step::obj_get, ENOENT, "nothing is pinned under this path"},
    {step::obj_get, EACCES, "this is no pin, or one that the process may not open"},
    {step::obj_get, EINVAL,
     "a descriptor cannot be both rdonly and wronly, and a link takes neither, so leave these flags out"},

    {step::unpin, ENOENT, "nothing is pinned under this path"},
    {step::unpin, EACCES,
     "the process may not write to this folder, so run it as root or change the folder's mode"},
    {step::unpin, EISDIR, "it is a folder, so remove the pins inside it and then the folder with rmdir"},

    {step::open_cgroup, ENOENT, "there is no such cgroup, so make it with mkdir"},
    {step::open_cgroup, ENOTDIR, "a cgroup is a folder and this is a file, so give the folder"},

    {step::open_file, ENOENT, "there is no such file"},
    {step::open_file, EACCES, "the process may not read it"},
    {step::open_file, ENXIO, "it is a socket or a device that is not there, so give an object file"},

    {step::read_file, EISDIR, "it is a folder, so give the object file inside it"},
    {step::read_file, EINVAL, "it is nothing that can be read from its start, so give an object file"},
    {step::read_file, ESPIPE, "it is a pipe, so give a file"},

    {step::allocate, ENOMEM, "the process has no memory left, so free some or raise its limits"},

    {step::btf_load, EPERM,
     "the process has CAP_BPF, so before Linux 5.11 RLIMIT_MEMLOCK is too small: raise it with ulimit -l"},
    {step::btf_load, EINVAL,
     "the kernel refused a type that it does not know or finds damaged, so load without types or on a newer "
     "kernel"},
    {step::btf_load, E2BIG,
     "the types take more than 16 MiB or the kernel is older than their header, so load fewer"},
    {step::btf_load, ENOSPC, "the log of the types does not fit into its buffer, so give a larger one"},
    {step::btf_load, ENOTSUPP_kernel,
     "the kernel does not know this version of BTF, so load without types or on a newer kernel"},

    {step::prog_load, EPERM,
     "the process has the capabilities, so the kernel is locked down for this program type, or before Linux "
     "5.11 RLIMIT_MEMLOCK is too small"},
    {step::prog_load, EACCES, "the verifier refused the program, so give load a verifier_log and read it"},
    {step::prog_load, EINVAL,
     "the verifier refused the program or the kernel does not know its type, so give load a verifier_log and "
     "read it"},
    {step::prog_load, E2BIG,
     "the program is longer or branches more often than the verifier follows, so make it smaller or its "
     "loops simpler"},
    {step::prog_load, EAGAIN, "a signal interrupted the verifier, so load the program again"},
    {step::prog_load, ENOMEM,
     "the kernel has no memory for the program and for what the verifier remembers of it, so make it "
     "smaller; one without a JIT also says this of fentry, fexit and security hooks"},
    {step::prog_load, ENOSPC,
     "the verifier's log does not fit into its buffer, so give a larger one or let verifier_log grow"},
    {step::prog_load, EBADF,
     "the program uses a map whose descriptor is closed, so keep its maps open until it is loaded"},
    {step::prog_load, ENOENT,
     "the kernel does not find the function or type that the program attaches to, so choose another"},
    {step::prog_load, EBUSY,
     "the program uses a map that belongs to another program, so create one for each"},
    {step::prog_load, EFAULT,
     "the verifier contradicted itself or a buffer is outside of the process's memory, so give load a "
     "verifier_log and read it"},
    {step::prog_load, EOPNOTSUPP,
     "this machine or device does not run programs of this kind, so attach elsewhere"},
    {step::prog_load, ENOTSUPP_kernel,
     "the program needs what this kernel lacks on this machine, often its JIT, so give load a verifier_log "
     "and read it"},

    {step::link_create, EINVAL,
     "the kernel does not attach programs of this type here, or is older than 5.15"},
    {step::link_create, EPERM,
     "attaching here needs more than CAP_BPF, or who is attached already admits nobody else, so run it as "
     "root or detach the other"},
    {step::link_create, EACCES,
     "the program reads behind the end of what its tracepoint records, so compare its context with the "
     "tracepoint's format"},
    {step::link_create, EBADF, "the program or what it attaches to is closed, so keep both open"},
    {step::link_create, EBUSY, "another program has this place to itself, so detach it first"},
    {step::link_create, EEXIST, "this program or another is attached here already, so detach it first"},
    {step::link_create, E2BIG,
     "as many programs as the kernel allows are attached here already, so detach one"},
    {step::link_create, ERANGE,
     "as many programs as the kernel allows are attached here already, so detach one"},
    {step::link_create, ENODEV, "there is no such interface any more, so look at its name"},
    {step::link_create, ENOENT,
     "the kernel does not find what the program attaches to, so look at the name in its section"},
    {step::link_create, ESRCH,
     "the kernel does not find a function or a process of this link, so look at its names"},
    {step::link_create, ESTALE, "the programs here have changed since they were looked at, so look again"},
    {step::link_create, EOPNOTSUPP,
     "the kernel was built without this way to attach, or the interface's driver lacks it, so attach in "
     "another way"},
    {step::link_create, ENOTSUPP_kernel,
     "the kernel does not attach programs of this type on this machine, so attach in another way"},

    {step::raw_tracepoint_open, ENOENT,
     "the kernel has no such tracepoint, so look for its name under /sys/kernel/tracing/events, without the "
     "group"},
    {step::raw_tracepoint_open, EINVAL,
     "the program reads more arguments than the tracepoint has, or its section names another kind of "
     "program"},
    {step::raw_tracepoint_open, ENOTSUPP_kernel,
     "the kernel calls no program at its functions on this machine, so use a kprobe or a newer kernel"},
    {step::raw_tracepoint_open, EPERM,
     "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::raw_tracepoint_open, EBUSY,
     "as many programs as the kernel allows are attached here, so detach one"},
    {step::raw_tracepoint_open, E2BIG,
     "as many programs as the kernel allows are attached here already, so detach one, or the kernel is older "
     "than 6.10 and takes no cookie here"},

    {step::prog_attach, EOPNOTSUPP,
     "the map holds no sockets or its programs are of another type, so give a sockmap or sockhash"},
    {step::prog_attach, EINVAL, "the kernel does not know this kind of program in a map, so it is too old"},
    {step::prog_attach, EBUSY, "a link holds another program in this place, so let go of it first"},

    {step::attach_to_socket, ENOTSOCK, "the descriptor is of something else, so give one of a socket"},
    {step::attach_to_socket, EINVAL,
     "the program is of another type, or sockets share no port here, so set SO_REUSEPORT before bind"},
    {step::attach_to_socket, ENOTSUPP_kernel,
     "only TCP and UDP sockets choose among those that share a port, so give one of these"},
    {step::attach_to_socket, EPERM,
     "the filter of the socket is locked by SO_LOCK_FILTER, so attach it before"},
    {step::attach_to_socket, ENOMEM,
     "the program is larger than net.core.optmem_max allows for this socket, so raise it or make it smaller"},

    {step::link_update, EINVAL,
     "the new program is of another type or made for another place than the old one, or links of this kind "
     "keep their program"},
    {step::link_update, EPERM,
     "another program is in the link than the one that was to be replaced, so look which one is"},
    {step::link_update, ENOLINK, "the link is detached: what it attached to is gone, so attach again"},

    {step::link_detach, EOPNOTSUPP,
     "links of this kind end with their last descriptor, so close it and remove pins"},

    {step::iter_create, EINVAL,
     "the link is of another kind, so attach a program whose section begins with iter/"},

    {step::read_iterator, EACCES, "the program refused to list this, so look at what it returns"},
    {step::read_iterator, EINVAL, "the iterator was read to its end, so start it again"},
    {step::read_iterator, E2BIG,
     "one element came out longer than the kernel's buffer of 8 pages, so let the program write less for "
     "each"},

    {step::prog_test_run, ENOTSUPP_kernel,
     "programs of this type cannot be run without their event, so attach it and cause that"},
    {step::prog_test_run, EOPNOTSUPP,
     "programs of this type cannot be run without their event, so attach it and cause that"},
    {step::prog_test_run, EINVAL,
     "the data or the context is shorter or longer than programs of this type take, so look at what its type "
     "wants"},
    {step::prog_test_run, ENOSPC,
     "the data or the context that came out did not fit, so give as much room as goes in and 256 bytes more"},
    {step::prog_test_run, E2BIG, "the context is longer than the kernel knows, so give less"},
    {step::prog_test_run, ENODEV, "the context names an interface that does not exist, so give a real index"},

    {step::find_kernel_type, ENOENT,
     "the kernel has no BTF of itself, so use one that was built with CONFIG_DEBUG_INFO_BTF"},

    {step::fit_program, ENOENT,
     "the kernel has no BTF of itself, so give load_options::target_btf the types of one that is built like "
     "it"},

    {step::fit_operations, ENOENT,
     "the kernel has no BTF of itself, so use one that was built with CONFIG_DEBUG_INFO_BTF"},

    {step::register_operations, EEXIST,
     "something of the name that the struct gives is registered already, so end that or choose another name"},
    {step::register_operations, EBUSY,
     "a struct without a link can be handed over once, so load the object anew, or use "
     "SEC(\".struct_ops.link\")"},
    {step::register_operations, EINVAL,
     "the kernel wants more of its functions than the struct has, or other values, or links for structs came "
     "later (6.4), so look at what others of its kind fill in"},

    {step::find_interface, ENODEV,
     "this network namespace has no interface of that name, so look at its name"},

    {step::mount_tracefs, EPERM,
     "tracefs is not mounted and a private one needs CAP_SYS_ADMIN, so mount it: mount -t tracefs tracefs "
     "/sys/kernel/tracing"},
    {step::mount_tracefs, ENODEV,
     "the kernel was built without tracefs, so it has no tracepoints to attach to"},

    {step::find_tracepoint, ENOENT,
     "the kernel has no such tracepoint, so look for its group and name under /sys/kernel/tracing/events"},
    {step::find_tracepoint, EACCES, "the process may not read tracefs, so run it as root"},
    {step::find_tracepoint, EPERM,
     "the kernel is locked down and shows no tracepoints, so boot it without lockdown"},

    {step::open_event, EACCES, "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::open_event, EPERM,
     "the kernel is locked down or a filter forbids perf_event_open, so allow it there"},
    {step::open_event, ENODEV, "CPU 0 is offline, so bring it online"},
    {step::open_event, ENOENT, "the kernel has no such events, so it was built without them"},
    {step::open_event, EINVAL, "the kernel has no tracepoint of this number any more, so attach again"},
    {step::open_event, EBUSY, "another event has the hardware to itself, so close it first"},
    {step::open_event, EOPNOTSUPP, "the hardware has no such event, so choose another"},

    {step::find_probes, ENOENT,
     "the kernel was built without kprobes, so attach to a tracepoint, or to a function by fentry"},

    {step::open_probe, ENOENT,
     "the kernel has no such function, or inlined it everywhere, so look for it in /proc/kallsyms"},
    {step::open_probe, EINVAL,
     "the kernel lets no kprobe be put there, because the function is marked notrace or the offset is not at "
     "an instruction, so choose another place"},
    {step::open_probe, EADDRNOTAVAIL,
     "the kernel has several functions of this name and does not guess, so choose one with a name of its "
     "own"},
    {step::open_probe, EACCES, "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::open_probe, EPERM,
     "the kernel is locked down or a filter forbids perf_event_open, so allow it there"},

    {step::find_user_probes, ENOENT,
     "the kernel was built without uprobes, so it can attach to no function of a program"},
    {step::open_user_probe, ENOENT, "there is no file at this path any more, so attach again"},
    {step::open_user_probe, EINVAL,
     "there is no instruction at this place of the file that the kernel can put a probe on, or a cookie, a "
     "semaphore or the end of the function is more than it knows, so choose another place"},
    {step::open_user_probe, ESRCH, "there is no process of this number any more, so look which one is meant"},
    {step::open_user_probe, EACCES,
     "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::open_user_probe, EPERM,
     "the kernel is locked down or a filter forbids perf_event_open, so allow it there"},

    {step::find_traceable, ENOENT,
     "tracefs has no list of functions, because the kernel was built without ftrace or is none that can "
     "mount tracefs, so give a name instead of a pattern"},
    {step::find_traceable, EACCES, "the process may not read tracefs, so run it as root"},
    {step::find_traceable, EPERM,
     "the process may not mount tracefs, or the kernel is locked down, so run it as root"},

    {step::keep_usdt, E2BIG,
     "the map of where arguments are is full, so define BPF_USDT_MAX_SPEC_CNT larger before <bpf/usdt.bpf.h> "
     "is included"},

    {step::attach_by_request, ENODEV,
     "this network namespace has no interface of this index, so look at its name"},
    {step::attach_by_request, ENOENT,
     "the kernel has no filters of BPF or no qdisc clsact, so load its modules cls_bpf and sch_ingress"},
    {step::attach_by_request, EEXIST,
     "there is a route to this network already, or a filter of this priority, so take that away, or choose "
     "another"},
    {step::attach_by_request, EOPNOTSUPP,
     "the kernel was built without this kind of route (CONFIG_LWTUNNEL_BPF), or takes no filters there"},
    {step::attach_by_request, EPERM, "the process lacks CAP_NET_ADMIN in this network namespace"},
    {step::attach_by_request, EINVAL,
     "the program is of another type than the place takes, or the place does not take what was asked for"},

    {step::list_ids, EPERM, "what others loaded is shown to CAP_SYS_ADMIN alone, so run it as root"},
    {step::list_ids, EINVAL, "the kernel has no numbers for these: links have them since Linux 5.8"},
    {step::open_by_id, ENOENT, "there is nothing of this number any more"},
    {step::open_by_id, EPERM, "what others loaded is opened for CAP_SYS_ADMIN alone, so run it as root"},
    {step::open_by_id, EINVAL, "the kernel has no numbers for these: links have them since Linux 5.8"},
    {step::ask_about, EINVAL, "the descriptor is of something else, so look at what it was opened from"},
    {step::ask_about, EBADFD, "the descriptor is of something else, so look at what it was opened from"},
    {step::ask_about, EBADF, "the descriptor is closed, so keep it open"},
    {step::prog_query, EINVAL,
     "the kernel cannot be asked about this place: interfaces can be since Linux 6.6, and XDP not at all"},
    {step::prog_query, EPERM, "the process lacks CAP_NET_ADMIN, so run it as root or give it that"},
    {step::prog_query, ENODEV, "there is no such interface any more, so look at its name"},
    {step::prog_query, EBADF, "the descriptor is of no cgroup, network namespace or map of sockets"},
    {step::enable_stats, EPERM, "counting needs CAP_SYS_ADMIN, so run it as root"},
    {step::enable_stats, EINVAL, "the kernel counts runs since Linux 5.8, and this one is older"},
    {step::token_create, EPERM,
     "a token is made in a user namespace of one's own, from a BPF file system that was mounted for it, so "
     "look at who owns the mount"},
    {step::token_create, EINVAL,
     "this is not the root of a BPF file system, or the kernel is older than Linux 6.9, which has tokens"},
    {step::token_create, ENOENT,
     "this BPF file system was mounted without delegate_cmds, so mount it with what is to be allowed"},
    {step::token_create, EOPNOTSUPP, "this kernel makes no tokens in the first user namespace"},
    {step::prog_stream_read_by_fd, EINVAL,
     "programs have streams since Linux 6.17, and this kernel is older"},
    {step::prog_stream_read_by_fd, ENOENT, "a program has two streams, out and errors, and no other"},
    {step::open_trace_pipe, ENOENT, "the kernel was built without tracing, so programs cannot print"},
    {step::open_trace_pipe, EACCES, "the process may not read tracefs, so run it as root"},
    {step::open_trace_pipe, EPERM,
     "tracefs is not mounted and a private one needs CAP_SYS_ADMIN, or the kernel is locked down, so mount "
     "it: "
     "mount -t tracefs tracefs /sys/kernel/tracing"},
    {step::open_trace_pipe, EBUSY, "another process reads the trace pipe, which has one reader at a time"},
    {step::query_event, ENOENT, "there is no process of this number any more, or it holds no event there"},
    {step::query_event, EBADF, "the process has no descriptor of this number open"},
    {step::query_event, EPERM, "what others do is shown to CAP_SYS_ADMIN alone, so run it as root"},
    {step::query_event, ENOTSUPP_kernel, "the descriptor is of no event with a program"},
    {step::query_event, EOPNOTSUPP, "the descriptor is of no event with a program"},
    {step::list_processes, ENOENT, "no /proc is mounted, so mount it: mount -t proc proc /proc"},
    {step::list_processes, EACCES, "the process may not look at others, so run it as root"},

    {step::find_replaced, EPERM,
     "the types of another program are shown to CAP_SYS_ADMIN alone, so run the process as root"},
    {step::find_replaced, EBADF,
     "the descriptor that load_options::replaced gives is closed, so keep it open until the program is "
     "loaded"},
    {step::find_replaced, EBADFD,
     "the descriptor that load_options::replaced gives is closed, so keep it open until the program is "
     "loaded"},

    {step::set_event_program, EINVAL,
     "the program is of another type than its event, so correct the SEC() of the program"},
    {step::set_event_program, EACCES,
     "the program reads behind the end of what its tracepoint records, so compare its context with the "
     "tracepoint's format"},
    {step::set_event_program, EEXIST, "this program or another is attached here already, so detach it first"},
    {step::set_event_program, E2BIG,
     "as many programs as the kernel allows are attached here already, so detach one"},

    {step::open_cpu_event, EACCES, "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::open_cpu_event, EPERM,
     "the kernel is locked down or a filter forbids perf_event_open, so allow it there"},
    {step::open_cpu_event, ENODEV,
     "none of the CPUs that have a slot runs, so create the map with more max_entries"},
    {step::open_cpu_event, ENOENT, "the kernel is older than 4.4 or was built without perf events"},

    {step::wait, EEXIST, "it is waited for already, so add it once"},
    {step::wait, EPERM, "the descriptor is of something that is never ready, so wait for something else"},

    {step::open_map, EOPNOTSUPP,
     "a program of 32 bits cannot share a ring buffer with a kernel that has the highest byte first, so "
     "build it for 64 bits"},

    {step::open_xsk, EPERM,
     "a socket of the family AF_XDP needs CAP_NET_RAW, so run the process as root or give it that"},
    {step::open_xsk, EAFNOSUPPORT,
     "the kernel is older than 4.18 or built without AF_XDP, so use another kernel"},

    {step::make_frames, EINVAL,
     "a frame is a power of two of bytes, from 2048 to a page, and a socket needs some, so ask for such"},
    {step::make_frames, ENOBUFS,
     "the process may not lock so much memory, so ask for fewer frames or raise ulimit -l"},

    {step::make_xsk_rings, EINVAL, "a ring holds a power of two of frames, so ask for 1024 or its like"},

    {step::bind_xsk, EINVAL,
     "the interface has no queue of this number, or the kernel is too old for this mode, so take queue 0 and "
     "xsk_mode::any"},
    {step::bind_xsk, ENODEV, "this network namespace has no interface of this number, so look at its name"},
    {step::bind_xsk, EBUSY,
     "another socket has this queue or had it a moment ago, so close it and try again, or take another "
     "queue"},
    {step::bind_xsk, EOPNOTSUPP,
     "the driver of the interface copies packets, so use xsk_mode::any or xsk_mode::copy"},
    {step::bind_xsk, ENETDOWN, "the interface is down, so set it up"},

    {step::send_packets, EAGAIN,
     "the kernel has as many packets on their way as it may, so flush again a little later"},
    {step::send_packets, EBUSY, "the interface dropped a packet, so flush again for those behind it"},
    {step::send_packets, ENOBUFS, "the kernel has no memory for the packet, so flush again a little later"},
    {step::send_packets, ENETDOWN, "the interface is down, so set it up"},
    {step::send_packets, ENXIO, "the interface is gone, so open a socket for another one"},

    {step::check_xsk, ENETDOWN, "the interface is down, so set it up"},
    {step::check_xsk, ENXIO, "the interface is gone, so open a socket for another one"},

    {step::map_event, EPERM,
     "so many pages are more than the process may lock, so ask for fewer, or raise ulimit -l or the sysctl "
     "kernel.perf_event_mlock_kb"},
};

/// What an errno means at every step that has no row of its own for it.
struct any_step_row {
  s32 code;
  text sentence;
};
inline constexpr any_step_row any_step_rows[] = {
    {EPERM, "the process lacks a capability for this or a security module forbids it, so run it as root"},
    {EACCES, "the process lacks the right to this or a security module forbids it, so run it as root"},
    {EBADF, "the descriptor is closed or of something else, so look for who closed it"},
    {EFAULT, "an address is outside of the process's memory, so look at the buffers that were given"},
    {EINTR, "a signal came in between, so do it again"},
    {EIO, "the device did not deliver, so look into the kernel's log"},
    {ENOMEM,
     "the kernel has no memory for this, so free some or raise the memory limit of the process's cgroup"},
    {EMFILE, "the process has too many files open, so close some or raise ulimit -n"},
    {ENFILE, "the machine has too many files open, so close some"},
    {ENOSYS, "the kernel does not have this system call, so it is too old or built without it"},
    {ENOTDIR, "a part of the path is no folder, so correct the path"},
    {ELOOP, "the path leads through too many symbolic links, so look where they lead"},
    {ENAMETOOLONG,
     "a name in the path is longer than 255 characters or the whole longer than 4095, so shorten it"},
    {EROFS, "the file system is mounted read-only, so mount it for writing"},
    {EDEADLK, "the kernel would have waited for itself, so try again outside of what holds the lock"},
    {ETIMEDOUT, "a lock of the kernel was held for too long, so try again"},
};

/// The words for a step; empty for one without a row.
[[nodiscard]] constexpr text step_words(step at) noexcept {
  for (const step_row& row : step_rows)
    if (row.at == at) return row.words;
  return {};
}
/// The name of an error number; empty for one without a row.
[[nodiscard]] constexpr text errno_name(s32 code) noexcept {
  for (const errno_row& row : errno_rows)
    if (row.code == code) return row.errno_name;
  return {};
}
/// What an errno usually means at a step; empty when there is nothing to say.
[[nodiscard]] constexpr text hint(step at, s32 code) noexcept {
  for (const hint_row& row : hint_rows)
    if (row.at == at && row.code == code) return row.sentence;
  for (const any_step_row& row : any_step_rows)
    if (row.code == code) return row.sentence;
  return {};
}
/// The sentence of a cause; empty for `none`.
[[nodiscard]] constexpr text cause_sentence(cause why) noexcept {
  switch (why) {
    case cause::none:
      return {};
#define BAREBPF_CAUSE(identifier, sentence) \
  case cause::identifier:                   \
    return sentence;
      BAREBPF_CAUSES(BAREBPF_CAUSE)
#undef BAREBPF_CAUSE
  }
  return {};
}

/// Writes one English sentence about `what` into `buffer`, with a NUL behind it. 512 bytes are always enough.
/// Shape: returns a view of what was written; cut at the buffer's end if it is smaller.
constexpr text describe(const error& what, char* buffer, size_t size) noexcept {
  detail::text_writer out(buffer, size);
  const text subject = text::until_nul(what.name, sizeof what.name);
  out << "cannot " << step_words(what.at);
  if (!subject.empty()) out << " '" << subject << "'";
  if (what.at == step::read_object || what.offset != 0) out << " at byte " << what.offset;
  out << ": ";
  const text reason = what.why != cause::none ? cause_sentence(what.why) : hint(what.at, what.code);
  if (what.code != 0) {
    out << "the kernel said ";
    if (const text known = errno_name(what.code); !known.empty()) out << known << " ";
    const s64 number = what.code;
    out << "(" << static_cast<u64>(number < 0 ? -number : number) << ")";
    if (!reason.empty()) out << ": ";
  }
  return (out << reason).finish();
}

/// The same into an array: `char buffer[512]; describe(error, buffer)`.
template <size_t Size>
constexpr text describe(const error& what, char (&buffer)[Size]) noexcept {
  return describe(what, buffer, Size);
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_DESCRIBE_HPP
