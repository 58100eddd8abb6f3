// SPDX-License-Identifier: MIT
// Room 2.2, describe: makes the sentence of an error: what was tried, on what, what the kernel said, the
// likely cause and what to do. Three tables and a writer; nothing is allocated, and nothing is asked again.
#ifndef BAREBPF_DESCRIBE_HPP
#define BAREBPF_DESCRIBE_HPP

#include "result.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// One step in words: "cannot <words> <name>".
struct step_row {
  step at;
  text words;
};
inline constexpr step_row step_rows[] = {
    {step::map_create, "create the map"},
    {step::map_lookup_elem, "look up a key in the map"},
    {step::map_update_elem, "update an element of the map"},
    {step::map_delete_elem, "delete a key from the map"},
    {step::map_get_next_key, "find the next key of the map"},
    {step::prog_load, "load the program"},
    {step::obj_pin, "pin"},
    {step::obj_get, "get the pin"},
    {step::map_get_fd_by_id, "open by its id the map"},
    {step::obj_get_info_by_fd, "ask about the map"},
    {step::map_lookup_and_delete_elem, "take a key out of the map"},
    {step::map_freeze, "freeze the map"},
    {step::map_lookup_batch, "look up a batch of the map"},
    {step::map_lookup_and_delete_batch, "take a batch out of the map"},
    {step::map_update_batch, "update a batch of the map"},
    {step::map_delete_batch, "delete a batch from the map"},
    {step::unpin, "remove the pin"},
    {step::map_memory, "map the memory of the map"},
    {step::btf_load, "load the types"},
    {step::link_create, "attach the program"},
    {step::read_object, "read the object"},
    {step::find, "use"},
    {step::allocate, "get memory"},
    {step::open_file, "open the file"},
    {step::read_file, "read the file"},
    {step::mount_tracefs, "reach tracefs to attach the program"},
    {step::find_tracepoint, "find the tracepoint of the program"},
    {step::open_event, "open the event of the program"},
    {step::set_event_program, "attach the program to its event"},
};

/// An error number by its name.
struct errno_row {
  s32 code;
  text errno_name;
};
inline constexpr errno_row errno_rows[] = {
    {EPERM, "EPERM"},   {ENOENT, "ENOENT"}, {ESRCH, "ESRCH"},           {EINTR, "EINTR"},
    {EIO, "EIO"},       {E2BIG, "E2BIG"},   {EBADF, "EBADF"},           {EAGAIN, "EAGAIN"},
    {ENOMEM, "ENOMEM"}, {EACCES, "EACCES"}, {EFAULT, "EFAULT"},         {EBUSY, "EBUSY"},
    {EEXIST, "EEXIST"}, {ENODEV, "ENODEV"}, {EINVAL, "EINVAL"},         {ENFILE, "ENFILE"},
    {EMFILE, "EMFILE"}, {ENOSPC, "ENOSPC"}, {ERANGE, "ERANGE"},         {ENOSYS, "ENOSYS"},
    {EISDIR, "EISDIR"}, {ELOOP, "ELOOP"},   {ENOTDIR, "ENOTDIR"},       {ENAMETOOLONG, "ENAMETOOLONG"},
    {ESPIPE, "ESPIPE"}, {EBADFD, "EBADFD"}, {EOPNOTSUPP, "EOPNOTSUPP"}, {ENOTSUPP_kernel, "ENOTSUPP"},
};

/// What an errno usually means at a step, and what to do about it.
struct hint_row {
  step at;
  s32 code;
  text sentence;
};
inline constexpr hint_row hint_rows[] = {
    {step::map_create, EPERM,
     "the process has CAP_BPF, so before Linux 5.11 RLIMIT_MEMLOCK is too small: raise it with ulimit -l"},
    {step::map_create, EINVAL,
     "the kernel does not know this map type, or does not allow one of its sizes, flags or a max_entries of "
     "0"},
    {step::map_create, E2BIG, "the keys and values are larger than the kernel allows, so make them smaller"},
    {step::map_create, ENOMEM, "the kernel has no memory for so many entries, so ask for fewer"},
    {step::map_lookup_elem, ENOENT, "the key is not in the map"},
    {step::map_update_elem, ENOENT, "the key is not in the map, and update::exist only replaces"},
    {step::map_update_elem, EEXIST, "the key is in the map already, and update::noexist only creates"},
    {step::map_update_elem, E2BIG, "the map is full, so delete elements or create it with more max_entries"},
    {step::map_delete_elem, ENOENT, "the key is not in the map"},
    {step::map_get_next_key, ENOENT, "there is no key after this one"},
    {step::map_update_elem, EPERM, "the map is frozen, or this descriptor may not write"},
    {step::map_lookup_elem, EPERM, "this descriptor may not read"},
    {step::map_lookup_and_delete_elem, ENOENT, "the key is not in the map"},
    {step::map_lookup_and_delete_elem, ENOTSUPP_kernel,
     "the kernel takes elements out of hash maps since 5.14 only"},
    {step::map_freeze, EBUSY, "somebody has mapped the map for writing, so unmap it first"},
    {step::map_freeze, EPERM, "the map is frozen already"},
    {step::map_lookup_batch, ENOSPC,
     "more elements share a bucket than the batch has room for, so give more room"},
    {step::map_lookup_and_delete_batch, ENOSPC,
     "more elements share a bucket than the batch has room for, so give more room"},
    {step::map_update_batch, E2BIG, "the map is full, so delete elements or create it with more max_entries"},
    {step::map_delete_batch, ENOENT, "a key of the batch is not in the map; those before it are deleted"},
    {step::obj_pin, EEXIST, "something is pinned under this path already, so get it or choose another path"},
    {step::obj_pin, ENOENT, "the folder of this path does not exist, so make it"},
    {step::obj_get, ENOENT, "nothing is pinned under this path"},
    {step::obj_get, EACCES, "this is no pin, or one that the process may not open"},
    {step::unpin, ENOENT, "nothing is pinned under this path"},
    {step::obj_get_info_by_fd, EBADFD, "the descriptor is closed"},
    {step::obj_get_info_by_fd, EINVAL, "the descriptor is of something else"},
    {step::map_get_fd_by_id, ENOENT, "there is no map with this id any more"},
    {step::map_memory, EINVAL, "the map was created without map_flag::mmapable"},
    {step::map_memory, EPERM, "the map is frozen or read-only, so map it for reading"},
    {step::prog_load, EPERM,
     "the process has the capabilities, so the kernel is locked down for this program type, or before Linux "
     "5.11 RLIMIT_MEMLOCK is too small"},
    {step::prog_load, EACCES, "the verifier refused the program, so give load a verifier_log and read it"},
    {step::prog_load, EINVAL,
     "the verifier refused the program or the kernel does not know its type, so give load a verifier_log and "
     "read it"},
    {step::find_tracepoint, ENOENT,
     "the kernel has no such tracepoint, so look for its group and name under /sys/kernel/tracing/events"},
    {step::find_tracepoint, EACCES, "the process may not read tracefs, so run it as root"},
    {step::mount_tracefs, EPERM,
     "tracefs is not mounted and a private one needs CAP_SYS_ADMIN, so mount it: mount -t tracefs tracefs "
     "/sys/kernel/tracing"},
    {step::mount_tracefs, ENODEV,
     "the kernel was built without tracefs, so it has no tracepoints to attach to"},
    {step::open_event, EACCES, "the process lacks CAP_PERFMON, so run it as root or give it CAP_PERFMON"},
    {step::open_event, ENODEV, "CPU 0 is offline, so bring it online"},
    {step::link_create, EINVAL,
     "the kernel does not attach programs of this type here, or is older than 5.15"},
    {step::open_file, ENOENT, "there is no such file"},
    {step::open_file, EACCES, "the process may not read it"},
    {step::read_file, EISDIR, "it is a folder, so give the object file inside it"},
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
  if (code == EMFILE) return "the process has too many files open, so close some or raise ulimit -n";
  if (code == ENFILE) return "the machine has too many files open, so close some";
  if (code == ENOSYS)
    return "the kernel does not have this system call, so it is too old or built without it";
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

namespace detail {

// Writes text into a buffer, leaving off what does not fit.
class text_writer {
 public:
  constexpr text_writer(char* buffer, size_t size) noexcept : buffer_(buffer), room_(size) {}

  constexpr text_writer& operator<<(text more) noexcept {
    for (const char c : more)
      if (used_ + 1 < room_) buffer_[used_++] = c;
    return *this;
  }
  constexpr text_writer& operator<<(u64 number) noexcept {
    char digits[20] = {};
    size_t first = sizeof digits;
    do {
      digits[--first] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number != 0);
    return *this << text(digits + first, sizeof digits - first);
  }
  constexpr text finish() noexcept {
    if (room_ == 0) return {};
    buffer_[used_] = '\0';
    return {buffer_, used_};
  }

 private:
  char* buffer_;
  size_t room_;
  size_t used_ = 0;
};

}  // namespace detail

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
