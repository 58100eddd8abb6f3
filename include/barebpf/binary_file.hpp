// SPDX-License-Identifier: MIT
// Room 6.13, binary_file: programs and libraries in the file system.
#ifndef BAREBPF_BINARY_FILE_HPP
#define BAREBPF_BINARY_FILE_HPP

#include "binary.hpp"
#include "fd.hpp"
#include "outcome.hpp"

namespace barebpf::inline BAREBPF_ABI {

/// A file that `binary` looks at. It reads pieces and maps nothing, so a file that shrinks meanwhile is an error and no
/// signal.
class binary_file {
 public:
  /// Errors: open_file with errno; read_file with too_large for a device or its like.
  [[nodiscard]] static result<binary_file> open(const char* path) noexcept {
    binary_file out;
    out.file_ = fd::own(move_away(open_to_read(path)));
    if (!out.file_.is_open()) return failure(step::open_file, out.file_.number()).about(path);
    constexpr long from_end = 2;  // SEEK_END
    const long size = system_call(__NR_lseek, out.file_.number(), 0, from_end);
    if (size < 0) return failure(step::read_file, size).about(path);
    out.size_ = static_cast<u64>(size);
    return out;
  }
  [[nodiscard]] u64 size() const noexcept { return size_; }
  /// Errors: read_file with errno; damaged_binary where the file ends before.
  [[nodiscard]] result<void> read(u64 offset, void* to, size_t size) const noexcept {
    constexpr long from_start = 0;  // SEEK_SET
    const long moved = system_call(__NR_lseek, file_.number(), static_cast<long>(offset), from_start);
    if (moved < 0) return failure(step::read_file, moved);
    for (size_t done = 0; done < size;) {
      const long got = system_call(__NR_read, file_.number(), static_cast<char*>(to) + done, size - done);
      if (got == -EINTR) continue;
      if (got < 0) return failure(step::read_file, got);
      if (got == 0)
        return error{.at = step::read_file, .why = cause::damaged_binary, .offset = offset + done};
      done += static_cast<size_t>(got);
    }
    return {};
  }

 private:
  binary_file() noexcept = default;
  fd file_;
  u64 size_ = 0;
};

/// The longest path that the kernel takes, with the zero at the end.
inline constexpr size_t path_room = 4096;

/// Where the program or library called `name` is: its path where it has a slash, else the first of the folders that
/// distributions put such files into. Neither PATH nor LD_LIBRARY_PATH is asked.
/// Shape: false when it is in none of them, or too long.
[[nodiscard, gnu::cold]] inline bool find_binary(text name, char (&out)[path_room]) noexcept {
#if defined(__x86_64__)
  constexpr text machine = "x86_64-linux-gnu";
#elif defined(__i386__)
  constexpr text machine = "i386-linux-gnu";
#elif defined(__aarch64__)
  constexpr text machine = "aarch64-linux-gnu";
#elif defined(__s390x__)
  constexpr text machine = "s390x-linux-gnu";
#elif defined(__riscv)
  constexpr text machine = "riscv64-linux-gnu";
#else
  constexpr text machine = "";
#endif
  const auto write = [&](text folder, text below) {
    size_t size = 0;
    for (const text part : {folder, below, below.empty() ? text() : text("/"), name})
      for (const char c : part) {
        if (size + 1 == path_room) return false;
        out[size++] = c;
      }
    out[size] = '\0';
    return size != 0;
  };
  for (const char c : name)
    if (c == '/') return write("", "");
  bool is_library = false;
  for (size_t i = 0; i < name.size(); ++i)
    is_library = is_library || name.without_first(i).starts_with(".so");
  constexpr text library_folders[] = {"/usr/local/lib/", "/usr/lib/", "/lib/"};
  constexpr text program_folders[] = {
      "/usr/local/bin/", "/usr/local/sbin/", "/usr/bin/", "/usr/sbin/", "/bin/", "/sbin/"};
  const auto is_there = [&](text folder, text below) {
    constexpr long may_read = 4;  // R_OK
    return write(folder, below) && system_call(__NR_faccessat, current_folder, out, may_read) >= 0;
  };
  if (!is_library) {
    for (const text folder : program_folders)
      if (is_there(folder, "")) return true;
    return false;
  }
  for (const text folder : library_folders)
    if ((!machine.empty() && is_there(folder, machine)) || is_there(folder, "")) return true;
  return is_there("/usr/lib64/", "") || is_there("/lib64/", "");
}

}  // namespace barebpf::inline BAREBPF_ABI

#endif  // BAREBPF_BINARY_FILE_HPP
